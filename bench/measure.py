"""Measuring a workload: the sides take turns (A B A B ...), since a machine is never the same from minute to minute."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from bench.load import LoadError, Work, drive, median, once
from bench.stage import Side, Stage, cpu_seconds
from bench.workloads import Loop, Shot, Took, Workload

# An answer of the comparator may be this much smaller than ours, or larger, to count as equal.
TOLERANCE = 0.05


@dataclass(slots=True)
class Figures:
    """What one side came to, a figure for each round. Times are in seconds; `cpu` is for one request or row."""

    rates: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    p50: list[float] = field(default_factory=list[float])
    p95: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        """Requests (or rows) a second, in the middle round."""
        return median(self.rates)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A workload's figures on both sides, and how much of the machine the load itself took."""

    workload: Workload
    ours: Figures
    thin: Figures | None
    payload: int
    load_share: float
    peer: Figures | None = None

    @property
    def peer_ratio(self) -> float:
        """How many times as many requests ours answers: the middle one of the rounds' ratios."""
        if self.peer is None:
            return float("nan")
        return median([ours / peer for ours, peer in zip(self.ours.rates, self.peer.rates, strict=True)])

    @property
    def peer_met(self) -> bool | None:
        """Whether that is as many as wanted; None where there is no peer."""
        if self.peer is None or not isinstance(self.workload, Loop) or self.workload.peer is None:
            return None
        return self.peer_ratio >= self.workload.peer.wanted

    @property
    def ratio(self) -> float:
        """Ours to theirs in the measure that the target is in: the middle one of the rounds' ratios."""
        if self.thin is None:
            return float("nan")
        pairs = (self.ours.p50, self.thin.p50)
        if self.workload.target.metric == "rate":
            pairs = (self.ours.rates, self.thin.rates)
        return median([ours / thin for ours, thin in zip(*pairs, strict=True)])

    @property
    def cpu_ratio(self) -> float:
        """How much processor time one of ours takes, with one of theirs as the measure."""
        if self.thin is None:
            return float("nan")
        return median([ours / max(thin, 1e-9) for ours, thin in zip(self.ours.cpu, self.thin.cpu, strict=True)])

    @property
    def met(self) -> bool | None:
        """Whether the target is met."""
        return self.workload.target.met(self.ratio, median(self.ours.p50) * 1000)


def measure(stage: Stage, workload: Workload) -> Outcome:
    """Measure one workload in all its rounds."""
    return _measure_loop(stage, workload) if isinstance(workload, Loop) else _measure_shot(stage, workload)


def _measure_loop(stage: Stage, loop: Loop) -> Outcome:
    ours, thin = Figures(), Figures() if loop.thin else None
    requests = loop.ours(stage)
    others = loop.thin(stage) if loop.thin else None
    other_side = stage.thin if loop.against == "thin" else stage.ours
    payload = _check_answers(loop, stage, requests, others, other_side)
    sides = [(stage.ours, requests, ours)]
    if others and thin:
        sides.append((other_side, others, thin))
    peer = None
    beside = stage.peers[loop.peer.of] if loop.peer else None
    if loop.peer and isinstance(beside, Side):
        peer = Figures()
        asked = loop.peer.requests(stage)
        _checked(beside, asked)
        sides.append((beside, asked, peer))
    connections = loop.connections or stage.sizes.connections
    for side, each, _ in sides:  # plans, pools and caches settle
        drive(side.port, each, connections=connections, seconds=min(1.0, stage.sizes.seconds))
    load = 0.0
    for _ in range(stage.sizes.rounds):
        for side, each, figures in sides:
            load += _drive(stage, side, each, connections, figures)
    if loop.check:
        loop.check(stage)
    return Outcome(loop, ours, thin, payload, load / stage.sizes.rounds / len(sides), peer)


def _drive(stage: Stage, side: Side, requests: Work, connections: int, figures: Figures) -> float:
    """Put the load on one side once; return which share of one core the load itself took."""
    own = psutil.Process(os.getpid())
    before, own_before = cpu_seconds(side.pid, stage.postmaster), sum(own.cpu_times()[:2])
    sample = drive(side.port, requests, connections=connections, seconds=stage.sizes.seconds)
    figures.cpu.append((cpu_seconds(side.pid, stage.postmaster) - before) / sample.count)
    figures.rates.append(sample.rate)
    figures.p50.append(sample.quantile(0.5))
    figures.p95.append(sample.quantile(0.95))
    return (sum(own.cpu_times()[:2]) - own_before) / sample.seconds


def _check_answers(loop: Loop, stage: Stage, ours: Work, thin: Work | None, other: Side) -> int:
    """Ask each side once, and hold the sizes of their answers against each other; return that of ours."""
    body = _checked(stage.ours, ours)
    if thin is None:
        return len(body)
    other_body = _checked(other, thin)
    if loop.equal_payload and abs(len(body) - len(other_body)) > TOLERANCE * len(body):
        message = f"{loop.number}: answers of {len(body)} and {len(other_body)} bytes:\n{body!r}\n{other_body!r}"
        raise LoadError(message[:5000])
    return len(body)


def _checked(side: Side, work: Work) -> bytes:
    """Ask a server once; return the body of its answer."""
    status, body = once(side.port, work)
    if status >= 300:
        message = f"{side.name}: {status} {body[:500].decode()}"
        raise LoadError(message)
    return body


def _measure_shot(stage: Stage, shot: Shot) -> Outcome:
    ours, thin = Figures(), Figures() if shot.thin else None
    for turn in range(stage.sizes.rounds):
        _shoot(stage, stage.ours, shot.ours, turn, ours)
        if shot.thin and thin:
            _shoot(stage, stage.thin, shot.thin, turn, thin)
    return Outcome(shot, ours, thin, 0, 0.0)


def _shoot(stage: Stage, side: Side, run: Callable[[Stage, int], Took], turn: int, figures: Figures) -> None:
    with stage.connect() as connection:
        connection.execute("checkpoint")  # what the last one left to be written is not this one's work
    before = cpu_seconds(side.pid, stage.postmaster)
    took = run(stage, turn)
    figures.cpu.append((cpu_seconds(side.pid, stage.postmaster) - before) / took.rows)
    figures.rates.append(took.rows / took.seconds)
    figures.p50.append(took.seconds)
    figures.p95.append(took.seconds)
