"""The results: a table on the screen, and the same in `docs/benchmarks.md`."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from bench.load import median
from bench.measure import Figures, Outcome
from bench.sizes import Sizes
from bench.workloads import Loop, Shot

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN = "<!-- results: written by `make bench` -->"
END = "<!-- end of results -->"
NOTHING = "-"
VERDICTS = {True: "met", False: "missed", None: NOTHING}
COLOURS = {"met": "green", "missed": "red"}
HEADS = (
    "",
    "workload",
    "ours",
    "thin",
    "ratio",
    "p50",
    "p95",
    "CPU each",
    "CPU ratio",
    "target",
    "",
    "peer",
    "ratio",
    "target",
    "",
)


def show(outcomes: Iterable[Outcome], missing: Mapping[str, str]) -> None:
    """Print the table; `missing` says why a peer is not in it."""
    table = Table(title="Pinakes, the thin comparator and the peers", title_justify="left")
    for head in HEADS:
        table.add_column(head, justify="left" if head in {"", "workload", "target"} else "right")
    for outcome in outcomes:
        table.add_row(*(f"[{COLOURS[cell]}]{cell}[/]" if cell in COLOURS else cell for cell in row(outcome)))
    console = Console(width=220)
    console.print(table)
    for name, why in missing.items():
        console.print(f"Without {name}: {why}.")


def row(outcome: Outcome) -> list[str]:
    """One line of the table."""
    work, ours, thin = outcome.workload, outcome.ours, outcome.thin
    ratio = NOTHING if thin is None else f"{outcome.ratio:.2f}"
    cpu = NOTHING if thin is None else f"{outcome.cpu_ratio:.1f}"
    title = work.title if work.against == "thin" else f"{work.title} (as thin: {work.against})"
    return [
        work.number,
        f"{title}; {work.note}" if work.note else title,
        _rate(outcome, ours),
        NOTHING if thin is None else _rate(outcome, thin),
        ratio,
        _pair(ours.p50, thin.p50 if thin else None),
        _pair(ours.p95, thin.p95 if thin else None),
        _pair(ours.cpu, thin.cpu if thin else None),
        cpu,
        str(work.target),
        VERDICTS[outcome.met],
        *_peer(outcome),
    ]


def _peer(outcome: Outcome) -> list[str]:
    """The peer's part of a line; there is one where it can do the same."""
    work, peer = outcome.workload, outcome.peer
    if not isinstance(work, Loop) or work.peer is None:
        return [NOTHING] * 4
    wanted = f"≥ {work.peer.wanted:g}x"
    if peer is None:
        return ["not here", NOTHING, wanted, NOTHING]
    return [f"{work.peer.of} {_rate(outcome, peer)}", f"{outcome.peer_ratio:.1f}x", wanted, VERDICTS[outcome.peer_met]]


def _rate(outcome: Outcome, figures: Figures) -> str:
    if not isinstance(outcome.workload, Shot):
        return f"{figures.rate:,.0f}/s"
    rows = figures.rate * median(figures.p50)
    return f"{figures.rate:,.0f} rows/s" if rows > 1.5 else NOTHING


def _pair(ours: list[float], thin: list[float] | None) -> str:
    first = _time(median(ours))
    return first if thin is None else f"{first} / {_time(median(thin))}"


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    if seconds >= 0.001:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"


def write(outcomes: list[Outcome], sizes: Sizes, missing: Mapping[str, str]) -> None:
    """Put the results into the page, between its marks; what stands around them is written by hand."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, behind = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{_results(outcomes, sizes, missing)}\n{END}{behind}", encoding="utf-8")


def _results(outcomes: list[Outcome], sizes: Sizes, missing: Mapping[str, str]) -> str:
    lines = [
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}.",
        f"{sizes.rounds} rounds of {sizes.seconds:g} s; {sizes.connections} connections where nothing else is said.",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|" + " --- |" * len(HEADS),
        *("| " + " | ".join(row(outcome)) + " |" for outcome in outcomes),
        "",
        _balance(outcomes),
        *(line for name, why in missing.items() for line in ("", f"Without {name}: {why}.")),
        "",
        "Where two times stand in a column the first is ours.",
    ]
    return "\n".join(lines)


def _balance(outcomes: list[Outcome]) -> str:
    told = _met("targets are met", {outcome.workload.number: outcome.met for outcome in outcomes})
    if any(outcome.peer for outcome in outcomes):
        told += " " + _met("against the peers", {outcome.workload.number: outcome.peer_met for outcome in outcomes})
    busy = max((outcome.load_share for outcome in outcomes), default=math.nan)
    return f"{told} The load itself took at most {busy:.0%} of one core."


def _met(what: str, verdicts: Mapping[str, bool | None]) -> str:
    judged = [number for number, met in verdicts.items() if met is not None]
    missed = [number for number in judged if not verdicts[number]]
    told = f"{len(judged) - len(missed)} of {len(judged)} {what}"
    return told + (f"; missed: {', '.join(missed)}." if missed else ".")


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores ({_processor()}), {memory:.0f} GB, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
