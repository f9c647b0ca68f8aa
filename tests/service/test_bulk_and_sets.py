"""Very many lines in one call, and collections as sets."""

from __future__ import annotations

import pytest

from factories import collection, models, user
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.collections import bulk, entries, service, sets
from pinakes.server.collections.bulk import BulkLine
from pinakes.server.collections.types import (
    Addition,
    BulkSummary,
    EntryChange,
    ItemRef,
    LineResult,
    Progress,
    SetSizes,
)
from pinakes.server.db import Database


async def add(
    db: Database, actor: Actor, ref: str, lines: list[BulkLine], *, atomic: bool = False, report_all: bool = False
) -> tuple[BulkSummary, dict[int, str], list[int]]:
    """Run a bulk; return its summary, the outcome of each reported line, and the progress."""
    told: dict[int, str] = {}
    progress: list[int] = []
    summary = None
    async with db.transaction() as tx:
        async for said in bulk.add_lines(tx, actor, ref, lines, total=len(lines), atomic=atomic, report_all=report_all):
            if isinstance(said, Progress):
                progress.append(said.done)
            elif isinstance(said, LineResult):
                told[said.line] = said.result.outcome
            else:
                summary = said
    assert summary is not None
    return summary, told, progress


async def items_of(db: Database, reader: Actor, ref: str) -> list[int]:
    """Return the items of a collection in order."""
    async with db.reading() as tx:
        return [row.item_id for row in (await service.get_with_entries(tx, reader, ref))[1]]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several chunks of few lines."""
    monkeypatch.setattr(bulk, "CHUNK", 4)


async def test_numbers_go_in_in_their_order(db: Database) -> None:
    ana = await user(db)
    pool = await models(db, ana, 10)
    made = await collection(db, ana, pool[:1])
    wanted = [pool[9], pool[3], pool[5], pool[1], pool[2]]
    summary, told, progress = await add(db, ana, made.slug, [*wanted], report_all=True)
    assert (summary.added, summary.revision, summary.applied) == (5, made.revision + 1, True)
    assert told == dict.fromkeys(range(1, 6), "added")
    assert progress == [0, 4, 5]
    assert await items_of(db, ana, made.slug) == [pool[0], *wanted]
    async with db.reading() as tx:
        assert (await service.get(tx, ana, made.slug)).entry_count == 6


async def test_bad_lines_are_told_one_by_one_and_the_good_ones_stay(db: Database) -> None:
    ana, bob = await user(db), await user(db)
    pool = await models(db, ana, 6)
    (hidden,) = await models(db, bob, 1, visibility="private")
    made = await collection(db, ana, pool[:1])
    lines: list[BulkLine] = [
        pool[0],
        pool[1],
        pool[1],
        2**31 - 1,
        hidden,
        Addition(ItemRef(pool[2]), note="why"),
        errors.Invalid("not JSON"),
        Addition(ItemRef(pool[3]), note="x" * 501),
        -5,
        2**40,
        pool[4],
    ]
    summary, told, _ = await add(db, ana, made.slug, lines, atomic=True)
    assert (summary.applied, summary.revision) == (False, made.revision)
    assert (summary.added, summary.not_applied) == (0, 3)
    assert await items_of(db, ana, made.slug) == pool[:1]
    summary, again, _ = await add(db, ana, made.slug, lines)
    expected = {
        1: "duplicate", 3: "duplicate", 4: "unknown", 5: "unknown", 7: "invalid", 8: "invalid", 9: "invalid",
        10: "invalid",
    }  # fmt: skip
    assert told == again == expected
    assert (summary.added, summary.duplicate, summary.unknown, summary.invalid) == (3, 2, 2, 4)
    assert await items_of(db, ana, made.slug) == [pool[0], pool[1], pool[2], pool[4]]


async def test_a_bulk_that_is_left_leaves_nothing(db: Database) -> None:
    """A request that fails leaves no half."""
    ana = await user(db)
    pool = await models(db, ana, 9)
    made = await collection(db, ana)

    async def left() -> None:
        async with db.transaction() as tx:
            async for said in bulk.add_lines(tx, ana, made.slug, [*pool], total=len(pool)):
                if isinstance(said, Progress) and said.done:
                    raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await left()
    assert await items_of(db, ana, made.slug) == []
    async with db.reading() as tx:
        assert (await service.get(tx, ana, made.slug)).revision == made.revision


async def test_a_bulk_needs_the_right_to_curate(db: Database) -> None:
    ana, bob = await user(db), await user(db)
    made = await collection(db, ana)
    with pytest.raises(errors.Forbidden):
        await add(db, bob, made.slug, [1])
    with pytest.raises(errors.CollectionNotFound):
        await add(db, bob, "0" * 24, [1])


@pytest.mark.parametrize("kept_from", [2000, 1])
async def test_sets_follow_every_change(db: Database, monkeypatch: pytest.MonkeyPatch, kept_from: int) -> None:
    """From the entries, from a kept bitmap, and from one that others have overtaken."""
    monkeypatch.setattr(sets, "WORTH_KEEPING", kept_from)
    ana, bob = await user(db), await user(db)
    pool = await models(db, ana, 8)
    left = await collection(db, ana, pool[:5])
    right = await collection(db, ana, pool[3:])

    async def sizes(reader: Actor) -> SetSizes:
        async with db.reading() as tx:
            return await sets.sizes(tx, reader, left.slug, right.slug)

    assert await sizes(bob) == SetSizes(5, 5, 2, 8, 3, 3)
    async with db.transaction() as tx:
        _, rows = await service.get_with_entries(tx, ana, left.slug)
        await entries.remove(tx, ana, left.slug, [rows[4].id])
        await entries.add(tx, ana, left.slug, [Addition(ItemRef(item)) for item in pool[5:7]])
        await entries.update(tx, ana, left.slug, [EntryChange(rows[0].id, note="x", position=3)])
    assert await sizes(bob) == SetSizes(6, 5, 3, 8, 3, 2)
    sets._remembered.clear()  # pyright: ignore[reportPrivateUsage] - as another process would see it
    assert await sizes(bob) == SetSizes(6, 5, 3, 8, 3, 2)
    await hide(db, ana, pool[3])
    assert await sizes(bob) == SetSizes(5, 4, 2, 7, 3, 2)
    assert await sizes(ana) == SetSizes(6, 5, 3, 8, 3, 2)


async def hide(db: Database, owner: Actor, item: int) -> None:
    """Make a model private."""
    async with db.transaction() as tx:
        found = await catalog.get_item(tx, owner, item)
        await catalog.update_repo(tx, owner, "model", found.address, RepoChanges(visibility="private"))
