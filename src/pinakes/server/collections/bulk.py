"""A million items in one call: added chunk by chunk in one transaction, with progress, and an answer for each line."""

from __future__ import annotations

import struct
from array import array
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from datetime import UTC, datetime
from itertools import islice
from typing import cast

from pyroaring import BitMap

from pinakes.server.actor import Actor
from pinakes.server.collections import ordering, rules
from pinakes.server.collections.change import BULK, NAMED_IN_EVENT, SQL, finish, hold, view_of
from pinakes.server.collections.entries import (
    Line,
    entering,
    first_of_each,
    insert,
    looked_up,
    outcomes,
    take_back,
    undone,
)
from pinakes.server.collections.places import neighbours
from pinakes.server.collections.sets import items_now
from pinakes.server.collections.types import (
    Addition,
    BulkSummary,
    EntryId,
    ItemRef,
    LineResult,
    Locked,
    LookedOver,
    Progress,
    Result,
    Where,
)
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid
from pinakes.server.permissions.table import Permission

CHUNK = 50_000

# What frames a binary COPY, and the moment that its times count from.
_COPY_BEGINS = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_ENDS = struct.pack("!h", -1)
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

# A line of a bulk: an item's number alone (by far the fastest), a whole addition, or what is wrong with the line.
BulkLine = int | Addition | Invalid


async def add_lines(
    tx: Tx,
    actor: Actor,
    ref: str,
    lines: Iterable[BulkLine],
    *,
    total: int,
    atomic: bool = False,
    expected: int | None = None,
    reason: str | None = None,
    report_all: bool = False,
) -> AsyncGenerator[Progress | LineResult | BulkSummary]:
    """Add very many items at the end of a collection, as one revision.

    The lines are expected to be at hand: the collection is locked while they are gone through.

    Args:
        tx: The transaction; what is yielded holds once it has committed.
        actor: Who adds.
        ref: The collection's address.
        lines: What to add, in order.
        total: How many lines there are, for the progress.
        atomic: Add all of them or, when one can't be added, none.
        expected: The revision that the caller believes to be the present one.
        reason: Why, for the record.
        report_all: Yield a result for every line, not only for those that were not added.

    Yields:
        A `Progress` after each chunk; a `LineResult` for lines that were not added (or for all); last the
        `BulkSummary`.

    Raises:
        CollectionNotFound, Forbidden, PreconditionFailed: see `hold`; before anything is yielded.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE, adding=BULK, expected=expected)
    rules.listed_entries(held.kind)
    last, _ = await neighbours(tx, actor, held, Where())
    present = await items_now(tx, held.id, held.revision) if held.entry_count else BitMap()
    bulk = _Bulk(tx, actor, held, base=int.from_bytes(ordering.after(last)[0]) - 1, present=present)
    counts: Counter[str] = Counter()
    teller = (_AtomicTeller if atomic else _Teller)(held, report_all=report_all)
    yield Progress(0, total)
    for chunk in _chunks(lines):
        results = await bulk.add(chunk)
        for told in teller.told(chunk, results, counts.total() + 1):
            yield told
        counts.update(result.outcome if result else "added" for result in results)
        yield Progress(counts.total(), total)
    for told in teller.rest():
        yield told
    yield await _close(bulk, counts, atomic=atomic, reason=reason)


async def _close(bulk: _Bulk, counts: Counter[str], *, atomic: bool, reason: str | None) -> BulkSummary:
    """Make the revision, or take everything back when all lines were to be added and one could not be."""
    held, added = bulk.held, counts["added"]
    revision = held.revision
    refused = atomic and counts.total() > added
    if refused:
        await take_back(bulk.tx, held)
    elif added:
        after = {"count": added, "entries": [{"item": item} for item in bulk.named]}
        revision = await finish(bulk.tx, bulk.actor, held, "entry.added", delta=added, after=after, reason=reason)
    return BulkSummary(
        revision=revision,
        applied=not refused,
        lines=counts.total(),
        added=0 if refused else added,
        duplicate=counts["duplicate"],
        unknown=counts["unknown"],
        invalid=counts["invalid"],
        not_applied=added if refused else 0,
    )


class _Bulk:
    """One bulk under way. Keys count up by line, so that the order is the caller's whatever is left out."""

    def __init__(self, tx: Tx, actor: Actor, held: Locked, *, base: int, present: BitMap) -> None:
        self.tx = tx
        self.present = present
        self.actor = actor
        self.held = held
        self.base = base
        self.named: list[int] = []
        self.seen = view_of(actor)

    async def add(self, chunk: Sequence[BulkLine]) -> Sequence[Result | None]:
        """Add a chunk; return a result for each line, None for a mere number that was added."""
        if all(type(line) is int and 0 < line < 2**31 for line in chunk):
            results = await self._add_ids(cast("Sequence[int]", chunk))
        else:
            results = await self._add_additions(chunk)
        self.base += len(chunk)
        return results

    async def _add_ids(self, items: Sequence[int]) -> Sequence[Result | None]:
        """Add numbers alone, the fast way: they are looked over in one query and copied in as they are."""
        fresh: dict[int, int] = {}
        for at, item in enumerate(items):
            if item not in self.present:
                fresh.setdefault(item, at)
        looked = await self.tx.one(
            SQL.look_over,
            LookedOver,
            items=list(fresh),
            **entering(self.held),
            everything=self.seen.everything,
            accounts=self.seen.accounts,
        )
        for item in looked.missing if looked else ():
            del fresh[item]
        await self._copy(fresh, set(looked.closed if looked else ()))
        self.present.update(fresh)
        added = set(fresh.values())
        self._name(items[at] for at in sorted(added))
        return await self._looked_closer(items, added)

    async def _copy(self, fresh: Mapping[int, int], closed: AbstractSet[int]) -> None:
        """Write entries by a binary COPY: twice as fast as inserting what a query returns."""
        revision, by = self.held.revision + 1, self.actor.user_id
        since_2000 = round((datetime.now(UTC) - _POSTGRES_EPOCH).total_seconds() * 1_000_000)
        head = struct.pack("!hiii", 8, 4, self.held.id, 4)
        middle = struct.pack("!i", ordering.WHOLE)
        author = struct.pack("!i", -1) if by is None else struct.pack("!ii", 4, by)
        tail = struct.pack("!iiii", 4, revision, 4, revision) + author + struct.pack("!iq", 8, since_2000)
        ends = (tail + struct.pack("!i?", 1, False), tail + struct.pack("!i?", 1, True))  # noqa: FBT003 - closed
        base = self.base + 1
        rows = (
            b"".join((head, item.to_bytes(4), middle, (base + at).to_bytes(ordering.WHOLE), ends[item in closed]))
            for item, at in fresh.items()
        )
        async with self.tx.copy_in(SQL.copy_in) as copy:
            await copy.write(_COPY_BEGINS + b"".join(rows) + _COPY_ENDS)

    async def _looked_closer(self, items: Sequence[int], added: AbstractSet[int]) -> Sequence[Result | None]:
        """Say what became of each line of a chunk, looking closer at those that did not go in."""
        slow = [at for at in range(len(items)) if at not in added]
        results: list[Result | None] = [None] * len(items)
        if slow:
            lines = [Line(items[at], None, None) for at in slow]
            told = await outcomes(self.tx, self.actor, self.held, lines, set())
            for at, result in zip(slow, told, strict=True):
                results[at] = result
        return results

    async def _add_additions(self, chunk: Sequence[BulkLine]) -> Sequence[Result | None]:
        """The general way: items by address, notes, scores, and lines that are wrong in themselves."""
        good = [_addition(line) for line in chunk if not isinstance(line, Invalid)]
        found = iter(await looked_up(self.tx, self.actor, rules.of(self.held.kind), good))
        lines = [Line(None, None, None, line) if isinstance(line, Invalid) else next(found) for line in chunk]
        wanted = first_of_each(lines)
        keys = [(self.base + 1 + at).to_bytes(ordering.WHOLE) for at in range(len(wanted))]
        added = await insert(self.tx, self.actor, self.held, wanted, keys)
        self.present.update(added)
        self._name(line.item_id for line in wanted if line.item_id in added)
        return await outcomes(self.tx, self.actor, self.held, lines, added)

    def _name(self, items: Iterator[int | None]) -> None:
        if len(self.named) < NAMED_IN_EVENT:
            self.named += [item for item in islice(items, NAMED_IN_EVENT - len(self.named)) if item is not None]


class _Teller:
    """Says what became of the lines that did not go in, or of all of them."""

    def __init__(self, held: Locked, *, report_all: bool) -> None:
        self._held = held
        self._report_all = report_all

    def told(self, chunk: Sequence[BulkLine], results: Sequence[Result | None], first: int) -> Iterator[LineResult]:
        """Say what became of the lines of a chunk, of which the first has this number."""
        for line, (given, result) in enumerate(zip(chunk, results, strict=True), first):
            if result is not None and (self._report_all or result.outcome != "added"):
                yield LineResult(line, result)
            elif self._report_all:
                yield LineResult(line, self._added(cast("int", given)))

    def rest(self) -> Iterator[LineResult]:
        """Say at the end what could not be said before."""
        yield from ()

    def _added(self, item_id: int) -> Result:
        return Result("added", str(EntryId(self._held.id, self._held.revision + 1, item_id)))


class _AtomicTeller(_Teller):
    """Says so when it is all or nothing: that a line went in is not said before all of them have."""

    def __init__(self, held: Locked, *, report_all: bool) -> None:
        super().__init__(held, report_all=report_all)
        self._refused = False
        self._waiting = array("i")

    def told(self, chunk: Sequence[BulkLine], results: Sequence[Result | None], first: int) -> Iterator[LineResult]:
        """Say what became of the lines of a chunk; from the first bad one on, it is known that nothing is done."""
        if not self._refused and any(result is not None and result.error is not None for result in results):
            self._refused = True
            for line in range(1, len(self._waiting) + 1):
                yield LineResult(line, Result("not_applied"))
            self._waiting = array("i")
        if self._refused:
            for line, result in enumerate(results, first):
                if self._report_all or (result is not None and result.error is not None):
                    yield LineResult(line, undone(self._held, result or Result("added")))
        elif self._report_all:
            self._waiting.extend(_item(given, result) for given, result in zip(chunk, results, strict=True))

    def rest(self) -> Iterator[LineResult]:
        """Say that all lines went in, if they did."""
        for line, item_id in enumerate(self._waiting, 1):
            yield LineResult(line, self._added(item_id))


def _item(line: BulkLine, result: Result | None) -> int:
    """Return the item of a line that went in."""
    entry = EntryId.parse(result.entry or "") if result is not None else None
    return entry.item_id if entry is not None else cast("int", line)


def _addition(line: int | Addition) -> Addition:
    return Addition(ItemRef(line)) if isinstance(line, int) else line


def _chunks(lines: Iterable[BulkLine]) -> Iterator[list[BulkLine]]:
    source = iter(lines)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
