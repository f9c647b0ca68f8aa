"""Changes of one entry in one statement: the same as the long way where all is in order, else nothing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from factories import collection, models, user
from pinakes.server import errors
from pinakes.server.actor import Actor, Scope
from pinakes.server.collections import entries, ordering, service, single
from pinakes.server.collections.types import Addition, Collection, EntryId, ItemRef, Where
from pinakes.server.db import Database
from pinakes.server.events.service import history


async def append(db: Database, actor: Actor, ref: str, item: int, expected: int | None = None) -> single.Made | None:
    async with db.changing() as tx:
        return await single.append(tx, actor, ref, item, note="why", score=0.5, expected=expected, reason="because")


async def told(db: Database, actor: Actor, found: Collection) -> tuple[object, ...]:
    """Return what the record says of the last change."""
    async with db.reading() as tx:
        event = (await history(tx, actor, found.id, limit=1)).rows[0]
    return event.verb, event.actor, event.api, event.revision, event.before, event.after, event.reason


@pytest.mark.parametrize(
    "last", [None, b"\x7f\xff\xff\xff\xff\xff", b"\x80\x00\x00\x00\x00\xff", b"\x80\0\0\0\0\x07\x80"]
)
async def test_the_next_key_is_what_ordering_says(db: Database, last: bytes | None) -> None:
    async with db.reading() as tx:
        row = await (await tx.connection.execute("select next_key(%s::bytea)", [last])).fetchone()
    assert row == (ordering.after(last)[0],)


async def test_one_way_is_as_good_as_the_other(db: Database) -> None:
    """Entry, order, revision, count and record are the same, after an addition and after a removal."""
    ana = await user(db)
    items = await models(db, ana, 2)
    short, long = await collection(db, ana, items=items[:1]), await collection(db, ana, items=items[:1])
    made = await append(db, ana, short.slug, items[1], expected=short.revision)
    assert made == (short.id, short.revision + 1)
    async with db.transaction() as tx:
        addition = Addition(ItemRef(item_id=items[1]), "why", 0.5)
        await entries.add(tx, ana, long.slug, [addition, addition], reason="because")
    assert await told(db, ana, short) == await told(db, ana, long)
    async with db.reading() as tx:
        first, second = [await service.get_with_entries(tx, ana, ref.slug) for ref in (short, long)]
    assert (first[0].revision, first[0].entry_count) == (second[0].revision, second[0].entry_count)
    assert [(row.item_id, row.order_key, row.note, row.score, row.added_by, row.added_rev) for row in first[1]] == [
        (row.item_id, row.order_key, row.note, row.score, row.added_by, row.added_rev) for row in second[1]
    ]
    async with db.changing() as tx:
        out = await single.take_out(tx, ana, short.slug, first[1][1].id, expected=None, reason="because")
        await entries.remove(tx, ana, long.slug, [second[1][1].id, second[1][1].id], reason="because")
    assert out is not None
    assert await told(db, ana, short) == await told(db, ana, long)


@pytest.mark.parametrize("seed", range(3))
async def test_the_key_between_two_is_what_ordering_says(db: Database, seed: int) -> None:
    """However the list came about: rows appended, prepended, and put again and again at the same spot."""
    chance = random.Random(seed)
    keys = ordering.after(None, 20)
    pairs: list[tuple[bytes, bytes]] = []
    for turn in range(200):
        at = chance.randrange(len(keys) - 1) if turn % 2 else len(keys) // 2
        pairs.append((keys[at], keys[at + 1]))
        keys.insert(at + 1, ordering.between(keys[at], keys[at + 1])[0])
    async with db.reading() as tx:
        for low, high in pairs:
            row = await (await tx.connection.execute("select key_between(%s, %s)", [low, high])).fetchone()
            assert row == (ordering.between(low, high)[0],)
        far = [b"\x80\0\0\0\0\1" + b"\1" * 20, b"\x80\0\0\0\0\2" + b"\1" * 20]
        assert await (await tx.connection.execute("select key_between(%s, %s)", far)).fetchone() == (None,)


async def test_one_way_of_moving_is_as_good_as_the_other(db: Database) -> None:
    """Order, revisions, count and record are the same, for a move up, down, to the end, and to where it stands."""
    ana = await user(db)
    items = await models(db, ana, 4)
    short, long = await collection(db, ana, items=items), await collection(db, ana, items=items)
    for moved, behind in ((3, 0), (0, 2), (0, 1), (1, 0), (2, 2 - 1), (2, 0)):
        ids = [[str(EntryId(c.id, short.revision, item)) for item in items] for c in (short, long)]
        async with db.changing() as tx:
            made = await single.move_behind(
                tx, ana, short.slug, ids[0][moved], ids[0][behind], expected=None, reason="because"
            )
            again = [ids[1][moved], ids[1][moved]]
            await entries.move(tx, ana, long.slug, again, Where(after=ids[1][behind]), reason="because")
        assert made is not None
        assert made.collection_id == short.id
        assert await told(db, ana, short) == await told(db, ana, long)
        async with db.reading() as tx:
            first, second = [await service.get_with_entries(tx, ana, ref.slug) for ref in (short, long)]
        assert (first[0].revision, first[0].entry_count) == (second[0].revision, second[0].entry_count)
        assert made.revision == first[0].revision
        assert [(row.item_id, row.order_key, row.since_rev, row.added_rev) for row in first[1]] == [
            (row.item_id, row.order_key, row.since_rev, row.added_rev) for row in second[1]
        ]
    async with db.reading() as tx:
        for revision in range(short.revision, first[0].revision + 1):
            pages = [await entries.page(tx, ana, ref.slug, revision=revision) for ref in (short, long)]
            assert [row.item_id for row in pages[0].rows] == [row.item_id for row in pages[1].rows]


async def test_a_move_that_is_not_in_order_goes_the_long_way(db: Database) -> None:
    ana, bob = await user(db), await user(db)
    items = await models(db, ana, 3)
    found, other = await collection(db, ana, items=items[:2]), await collection(db, ana, items=items[:2])
    entry, behind = (str(EntryId(found.id, found.revision, item)) for item in items[:2])
    elsewhere = str(EntryId(other.id, other.revision, items[1]))
    gone = str(EntryId(found.id, found.revision, items[2]))
    former = str(EntryId(found.id, found.revision + 1, items[1]))
    too_large = str(EntryId(found.id, found.revision, 2**32 - 1))
    cases = [
        (bob, found.slug, entry, behind, None),
        (replace(ana, scope=Scope.READ), found.slug, entry, behind, None),
        (ana, other.slug, entry, behind, None),
        (ana, found.slug, entry, behind, found.revision + 1),
        *((ana, found.slug, entry, wrong, None) for wrong in (entry, elsewhere, gone, former, too_large, "x")),
        *((ana, found.slug, wrong, behind, None) for wrong in (elsewhere, gone, former, too_large, "x")),
    ]
    async with db.changing() as tx:
        for actor, ref, which, ahead, expected in cases:
            made = await single.move_behind(tx, actor, ref, which, ahead, expected=expected, reason=None)
            assert made is None, (which, ahead)
        assert await single.take_out(tx, ana, found.slug, elsewhere, expected=None, reason=None) is None
    async with db.reading() as tx:
        assert (await service.get(tx, ana, found.slug)).revision == found.revision


async def test_where_keys_have_grown_long_a_move_goes_the_long_way(db: Database) -> None:
    """It gives those around it fresh ones."""
    ana = await user(db)
    items = await models(db, ana, 3)
    found = await collection(db, ana, items=items)
    ids = [str(EntryId(found.id, found.revision, item)) for item in items]
    for turn in range(2 * 8 * ordering.LONGEST // 7):
        moved, behind = (2, 0) if turn % 2 else (1, 0)
        async with db.changing() as tx:
            await entries.move(tx, ana, found.slug, [ids[moved]], Where(after=ids[behind]))
        if turn % 100 == 0:
            async with db.reading() as tx:
                shown = (await service.get_with_entries(tx, ana, found.slug))[1]
            assert [row.item_id for row in shown] == [items[0], items[moved], items[3 - moved]]
            assert max(len(row.order_key) for row in shown) <= ordering.LONGEST


async def test_where_something_is_not_in_order_nothing_is_done(db: Database) -> None:
    ana, bob = await user(db), await user(db)
    item, other = await models(db, ana, 2)
    hidden = (await models(db, bob, 1, visibility="private"))[0]
    found = await collection(db, ana, items=[item])
    assert await append(db, ana, found.slug, item) is None
    assert await append(db, ana, found.slug, 2**31 - 1) is None
    assert await append(db, ana, found.slug, hidden) is None
    assert await append(db, ana, found.slug, other, expected=found.revision + 1) is None
    assert await append(db, ana, f"{bob.name}/{found.public_id}", other) is None
    assert await append(db, ana, f"{ana.name}/{found.name}", other) is None
    assert await append(db, ana, "0" * 24, other) is None
    assert await append(db, bob, found.slug, other) is None
    assert await append(db, replace(ana, scope=Scope.READ), found.slug, other) is None
    entry = str(EntryId(found.id, found.revision, item))
    async with db.changing() as tx:
        for actor, which in ((bob, entry), (ana, "0" * 24), (ana, "f" * 24), (ana, "x")):
            assert await single.take_out(tx, actor, found.slug, which, expected=None, reason=None) is None
    async with db.transaction() as tx:
        assert (await service.get(tx, ana, found.slug)).revision == found.revision
        await service.delete(tx, ana, found.slug)
    assert await append(db, ana, found.slug, other) is None


async def test_what_was_begun_is_undone_as_a_whole(db: Database) -> None:
    """A statement that goes alone belongs to the transaction when that has begun, and is kept when it has not."""
    ana = await user(db)
    items = await models(db, ana, 2)
    found = await collection(db, ana)
    with pytest.raises(errors.EntryNotFound):
        await begin_late(db, ana, found.slug, items)
    async with db.reading() as tx:
        _, rows = await service.get_with_entries(tx, ana, found.slug)
    assert [row.item_id for row in rows] == [items[0]]


async def begin_late(db: Database, actor: Actor, ref: str, items: list[int]) -> None:
    async with db.changing() as tx:
        assert await single.append(tx, actor, ref, items[0], note=None, score=None, expected=None, reason=None)
        await entries.remove(tx, actor, ref, ["f" * 24])
        assert await single.append(tx, actor, ref, items[1], note=None, score=None, expected=None, reason=None)
        raise errors.EntryNotFound
