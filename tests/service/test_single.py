"""Changes of one entry in one statement: the same as the long way where all is in order, else nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import collection, models, user
from pinakes.server import errors
from pinakes.server.actor import Actor, Scope
from pinakes.server.collections import entries, ordering, service, single
from pinakes.server.collections.types import Addition, Collection, EntryId, ItemRef
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
