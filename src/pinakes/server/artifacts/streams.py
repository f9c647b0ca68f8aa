"""What a run sends while it goes on: its history, the machine's measurements, its console; and reading them again.

Lines have numbers, and are sent again when an answer got lost: a line that is there already changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pinakes.server.actor import Actor
from pinakes.server.artifacts import values
from pinakes.server.artifacts.run_types import (
    ENDED,
    HeldRun,
    HistoryKeys,
    KeyFacts,
    Lines,
    LogLine,
    RunStream,
    SampleSpec,
    State,
    Stream,
    Streamed,
    WrittenLine,
)
from pinakes.server.artifacts.runs import check_limit, get, held_by_name, json_object, record_end
from pinakes.server.db import Tx, json, load
from pinakes.server.errors import Invalid
from pinakes.server.paging import INT8, Page, cut, decode_cursor

SQL = load(__package__, "runs.sql")

STEP = "_step"
MOST_SAMPLES = 10_000
MOST_KEYS = 10_000

_LAST_NUMBER = 2**31 - 1
_EXIT_CODES = range(-(2**31), 2**31)
_LONGEST_LAST = 200
# Only keys that every writer of JSON spells alike can be looked for in the text of a line.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/ .:()[]")


async def stream(tx: Tx, actor: Actor, owner: str, project: str, name: str, sent: RunStream) -> Streamed:
    """Take what a run sends. The same can be sent again.

    Raises:
        Invalid: the lines have no place, or the summary is no JSON object.
        ProjectNotFound, RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see the run, or may
            not write it.
    """
    run = await held_by_name(tx, actor, owner, project, name)
    history = await _put_history(tx, run, sent.history) if sent.history else {}
    measured = await _put_events(tx, run, sent.events) if sent.events else None
    if sent.output:
        await _put(tx, run, "output", sent.output)
    exit_code = _exit_code(sent) if sent.complete else None
    state = _state_after(run, sent, exit_code)
    await tx.run(
        SQL.note_stream,
        id=run.id,
        history_count=_end(sent.history),
        event_count=_end(sent.events),
        log_count=_end(sent.output),
        summary=None if sent.summary is None else json(json_object(sent.summary, "summary")),
        system_metrics=None if measured is None else json(measured),
        history_keys=json(history["keys"]) if history else None,
        last_step=history.get("last_step"),
        state=state,
        exit_code=exit_code,
    )
    await record_end(tx, actor, run, state, exit_code)
    return Streamed(run.id, run.stop_asked)


async def tail(tx: Tx, run_id: int, stream: Stream, limit: int = 1) -> list[str]:
    """Return the last lines of a stream of a run that was found for a reader."""
    check_limit(limit)
    return [line for (line,) in await tx.rows(SQL.tail, run_id=run_id, stream=stream, limit=limit)]


async def history_keys(tx: Tx, run_id: int) -> HistoryKeys:
    """Return the keys of the history of a run that was found for a reader."""
    ((kept, last_step),) = await tx.rows(SQL.history_facts, run_id=run_id)
    facts = cast("dict[str, list[Any]]", kept)
    return HistoryKeys(last_step, {key: KeyFacts(types, last) for key, (types, last) in facts.items()})


async def history_page(
    tx: Tx, run_id: int, *, min_step: int = 0, max_step: int | None = None, limit: int = 1000
) -> list[str]:
    """Return lines of the history of a run that was found for a reader, from a step up to, not including, another.

    Raises:
        Invalid: a step is no whole number of 64 bits, or there would be more than 10,000 lines.
    """
    _check_samples(limit)
    _check_steps(min_step, max_step)
    rows = await tx.rows(SQL.history_page, run_id=run_id, min_step=min_step, max_step=max_step, limit=limit)
    return [line for (line,) in rows]


async def history_sample(
    tx: Tx, run_id: int, samples: int, *, stream: Stream = "history", count: int | None = None
) -> list[str]:
    """Return some lines of a stream, spread evenly; all where there are no more. `count` is how many, if that is known.

    Raises:
        Invalid: there would be more than 10,000 lines.
    """
    _check_samples(samples)
    if count is None:
        last = await tx.value(SQL.last_number, run_id=run_id, stream=stream)
        count = 0 if last is None else int(last) + 1
    return await _lines_at(tx, run_id, stream, _spread(range(count), samples))


async def sampled(tx: Tx, run_id: int, spec: SampleSpec) -> list[dict[str, Any]]:
    """Return rows of the history of a run that was found for a reader: some of those that have all keys of a spec.

    They hold these keys alone, and are spread evenly.

    Raises:
        Invalid: the spec asks for what can't be.
    """
    _check_samples(spec.samples)
    _check_steps(spec.min_step, spec.max_step)
    words = [f'"{_first(key)}' for key in spec.keys if _PLAIN.issuperset(key)]
    bounds = {"min_step": spec.min_step, "max_step": spec.max_step}
    there = await tx.rows(SQL.numbers_with, run_id=run_id, words=words, **bounds)
    numbers = _spread([number for (number,) in there], spec.samples)
    lines = await _lines_at(tx, run_id, "history", numbers)
    rows = [row for row in map(values.row, lines) if row is not None]
    return [_picked(row, spec.keys) for row in rows if all(values.has(row, key) for key in spec.keys)]


async def log_page(tx: Tx, actor: Actor, run_id: int, *, limit: int = 100, cursor: str | None = None) -> Page[LogLine]:
    """List the lines of a run's console.

    Raises:
        Invalid: the limit is not 1 to 1000, or the cursor is none of ours.
        RunNotFound: there is no such run that the actor sees.
    """
    check_limit(limit)
    after = decode_cursor(cursor, int)[0] if cursor else -1
    run = await get(tx, actor, run_id)
    rows = await tx.all(SQL.log_page, LogLine, run_id=run.id, after=min(after, _LAST_NUMBER), limit=limit + 1)
    return cut(rows, limit, lambda line: (line.number,))


async def log_tail(tx: Tx, run_id: int, limit: int) -> list[LogLine]:
    """Return the last lines of the console of a run that was found for a reader, in their order."""
    check_limit(limit)
    return await tx.all(SQL.log_tail, LogLine, run_id=run_id, limit=limit)


async def _put_history(tx: Tx, run: HeldRun, sent: Lines) -> dict[str, Any]:
    """Write lines of the history; return its keys as they are now, and the last step among the lines."""
    rows = [values.row(line) for line in sent.lines]
    steps = [_step(row) for row in rows]
    written = await _put(tx, run, "history", sent, steps)
    fresh = (rows[line.number - sent.offset] for line in written if line.fresh)
    _count_keys(run.history_keys, (row for row in fresh if row is not None))
    return {"keys": run.history_keys, "last_step": max((step for step in steps if step is not None), default=None)}


async def _put_events(tx: Tx, run: HeldRun, sent: Lines) -> dict[str, Any] | None:
    """Write measurements; return the last ones."""
    await _put(tx, run, "events", sent)
    last = values.row(sent.lines[-1]) if sent.lines else None
    return None if last is None else {values.text(key): values.shown(value) for key, value in values.leaves(last)}


async def _put(
    tx: Tx, run: HeldRun, stream: Stream, sent: Lines, steps: Sequence[int | None] | None = None
) -> list[WrittenLine]:
    if not sent.lines:
        return []
    if sent.offset < 0 or _end(sent) > _LAST_NUMBER:
        message = f"Lines are numbered from 0 to {_LAST_NUMBER - 1}."
        raise Invalid(message, field="offset")
    return await tx.all(
        SQL.put_lines,
        WrittenLine,
        run_id=run.id,
        stream=stream,
        numbers=list(range(sent.offset, _end(sent))),
        lines=[values.text(line) for line in sent.lines],
        steps=[None] * len(sent.lines) if steps is None else list(steps),
    )


async def _lines_at(tx: Tx, run_id: int, stream: Stream, numbers: Sequence[int]) -> list[str]:
    rows = await tx.rows(SQL.lines_at, run_id=run_id, stream=stream, numbers=list(numbers)) if numbers else []
    return [line for (line,) in rows]


def _end(sent: Lines | None) -> int:
    """Return the number behind the last line."""
    return 0 if sent is None or not sent.lines else sent.offset + len(sent.lines)


def _exit_code(sent: RunStream) -> int:
    code = sent.exit_code or 0
    return code if code in _EXIT_CODES else -1


def _state_after(run: HeldRun, sent: RunStream, exit_code: int | None) -> State:
    """Return the state of a run that has just been heard of."""
    if sent.complete:
        return "finished" if exit_code == 0 else "killed" if run.stop_asked else "failed"
    if run.state in ENDED:
        return run.state
    if sent.preempting:
        return "preempting"
    return "preempting" if run.state == "preempting" else "running"


def _step(row: Mapping[str, Any] | None) -> int | None:
    step = row.get(STEP) if row is not None else None
    if isinstance(step, float) and step.is_integer():
        step = int(step)
    return step if isinstance(step, int) and not isinstance(step, bool) and step in INT8 else None


def _count_keys(kept: dict[str, list[Any]], rows: Iterable[Mapping[str, Any]]) -> None:
    """Count the types of what new rows hold, key by key, up to a limit of keys; note the last values."""
    for row in rows:
        for name, value in values.leaves(row):
            key = values.text(name)
            facts = kept.get(key)
            if facts is None:
                if len(kept) >= MOST_KEYS:
                    continue
                facts = kept[key] = [{}, None]
            kind = values.kind(value)
            facts[0][kind] = facts[0].get(kind, 0) + 1
            facts[1] = _short(value)


def _short(value: Any) -> float | str | bool | None:  # noqa: ANN401 - JSON
    """Return a value if it is one that a table can show."""
    if isinstance(value, str):
        return values.text(value) if len(value) <= _LONGEST_LAST else None
    return values.shown(value) if isinstance(value, int | float | bool) else None


def _first(key: str) -> str:
    """Return what stands in the text of a line for a key: it may be the key of an object within."""
    return key.partition(".")[0]


def _picked(row: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return a row's values of some keys; of none, all."""
    found = {**dict(values.leaves(row)), **row}
    return {key: values.shown(found.get(key)) for key in keys or row}


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """Return so many of some numbers, evenly, with the first and the last; all when there are no more."""
    if len(numbers) <= most:
        return list(numbers)
    if most == 1:
        return [numbers[-1]]
    last = len(numbers) - 1
    return [numbers[round(place * last / (most - 1))] for place in range(most)]


def _check_samples(samples: int) -> None:
    if not 1 <= samples <= MOST_SAMPLES:
        message = f"1 to {MOST_SAMPLES} lines can be asked for at once."
        raise Invalid(message, field="samples")


def _check_steps(*steps: int | None) -> None:
    if any(step is not None and step not in INT8 for step in steps):
        message = "A step is a whole number of 64 bits."
        raise Invalid(message, field="minStep")
