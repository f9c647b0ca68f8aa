"""What the record says of a change: before and after, for every verb, and only what its reader may see."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from factories import collection, models, unique, user
from factories.people import make_organization, make_user
from factories.selections import make_studio
from pinakes.server.actor import Actor, anonymous
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.collections import entries, revisions, selections, service as collections
from pinakes.server.collections.types import Addition, Batch, Collection, EntryChange, FieldChanges, ItemRef, Where
from pinakes.server.db import Database
from pinakes.server.errors import Invalid
from pinakes.server.events.service import history
from pinakes.server.events.types import Event, ItemName
from pinakes.server.search import live

Told = dict[str, object]


async def last(db: Database, reader: Actor, made: Collection, count: int = 1) -> Event:
    """Return the last change that the record tells a reader of, or one before it."""
    async with db.reading() as tx:
        return (await history(tx, reader, made.id, limit=50)).rows[count - 1]


def plain(part: Told | None) -> object:
    """Return a part of an event with items as their numbers."""

    def bare(value: object) -> object:
        if isinstance(value, ItemName):
            return value.id
        if isinstance(value, dict):
            return {name: bare(one) for name, one in value.items()}
        return [bare(one) for one in value] if isinstance(value, list) else value

    return bare(part)


def entry(item: int, **more: object) -> Told:
    """A summary of one entry."""
    return {"count": 1, "entries": [{"item": item, **more}]}


class Shelf:
    """A collection of one user's, with items in it."""

    def __init__(self, db: Database, actor: Actor, made: Collection, items: list[int]) -> None:
        self.db, self.actor, self.made, self.items = db, actor, made, items

    async def names(self) -> dict[int, str]:
        async with self.db.reading() as tx:
            _, found = await collections.get_with_entries(tx, self.actor, self.made.public_id)
        return {one.item_id: one.id for one in found}

    async def order(self) -> list[int]:
        return list(await self.names())

    async def change(self, *changes: tuple[int, Mapping[str, object]], reason: str | None = None) -> Batch:
        names = await self.names()
        wanted = [EntryChange(names[item], **given) for item, given in changes]  # type: ignore[arg-type]
        async with self.db.transaction() as tx:
            return await entries.update(tx, self.actor, self.made.public_id, wanted, reason=reason)

    async def move(self, items: list[int], **where: int) -> Batch:
        names = await self.names()
        spot = Where(**{name: value if name == "position" else names[value] for name, value in where.items()})  # type: ignore[arg-type]
        async with self.db.transaction() as tx:
            return await entries.move(tx, self.actor, self.made.public_id, [names[item] for item in items], spot)

    async def told(self, reader: Actor | None = None) -> tuple[str, object, object]:
        event = await last(self.db, reader or self.actor, self.made)
        return event.verb, plain(event.before), plain(event.after)


@pytest.fixture
async def shelf(db: Database) -> Shelf:
    """A collection with four models, all of them anybody's to see."""
    ana = (await make_user(db, "ana")).actor
    items = await models(db, ana, 4)
    return Shelf(db, ana, await collection(db, ana, items), items)


async def hide(shelf: Shelf, item: int) -> None:
    async with shelf.db.transaction() as tx:
        address = (await catalog.get_item(tx, shelf.actor, item)).address
        await catalog.update_repo(tx, shelf.actor, "model", address, RepoChanges(visibility="private"))


async def test_a_note_that_comes_changes_and_goes(shelf: Shelf) -> None:
    """Only what changed, as it was and as it is; a note that is cleared is null."""
    item = shelf.items[1]
    former: str | None = None
    for note in ("one", "two", ""):
        await shelf.change((item, {"note": note}))
        assert await shelf.told() == ("entry.updated", entry(item, note=former), entry(item, note=note or None))
        former = note or None


async def test_a_score_and_a_note(shelf: Shelf) -> None:
    item = shelf.items[0]
    await shelf.change((item, {"note": "n", "score": 0.5}))
    assert await shelf.told() == ("entry.updated", entry(item, note=None, score=None), entry(item, note="n", score=0.5))
    await shelf.change((item, {"note": "n", "score": 0.75}))
    assert await shelf.told() == ("entry.updated", entry(item, score=0.5), entry(item, score=0.75))


@pytest.mark.parametrize(
    ("mover", "position", "was", "now"),
    [(3, 0, 2, None), (0, 3, None, 3), (0, 1, None, 1), (2, 1, 1, 0), (1, 99, 0, 3)],
)
async def test_a_position(shelf: Shelf, mover: int, position: int, was: int | None, now: int | None) -> None:
    """Behind which item it stood and stands; null: it was, or is, the first. So the order can be told again."""
    item = shelf.items[mover]
    behind = [None if at is None else shelf.items[at] for at in (was, now)]
    await shelf.change((item, {"position": position}))
    assert await shelf.told() == ("entry.moved", entry(item, behind=behind[0]), entry(item, behind=behind[1]))
    order = await shelf.order()
    assert (order[order.index(item) - 1] if order.index(item) else None) == behind[1]


async def test_a_note_and_a_position_in_one(shelf: Shelf) -> None:
    first, *_, third, fourth = shelf.items
    await shelf.change((fourth, {"note": "now first", "position": 0}), reason="because")
    assert await shelf.told() == (
        "entry.updated",
        entry(fourth, note=None, behind=third),
        entry(fourth, note="now first", behind=None),
    )
    assert (await last(shelf.db, shelf.actor, shelf.made)).reason == "because"
    assert (await shelf.order())[:2] == [fourth, first]


async def test_many_moves_in_one_call(shelf: Shelf) -> None:
    """Before is before them all, after is after them all, though each is made on its own."""
    a, b, c, d = shelf.items
    await shelf.change((d, {"position": 0}), (c, {"position": 0}), (a, {"note": "n"}))
    assert await shelf.order() == [c, d, a, b]
    verb, before, after = await shelf.told()
    assert verb == "entry.updated"
    assert before == {
        "count": 3,
        "entries": [{"item": d, "behind": c}, {"item": c, "behind": b}, {"item": a, "note": None}],
    }
    assert after == {
        "count": 3,
        "entries": [{"item": d, "behind": c}, {"item": c, "behind": None}, {"item": a, "note": "n"}],
    }


async def test_one_entry_twice_in_one_call(shelf: Shelf) -> None:
    a, b, _, d = shelf.items
    await shelf.change((a, {"position": 3}), (a, {"note": "n"}), (a, {"position": 1, "note": "m"}))
    assert await shelf.told() == (
        "entry.updated",
        entry(a, note=None, behind=None),
        entry(a, note="m", behind=b),
    )
    await shelf.change((d, {"position": 0}), (d, {"position": 0}))
    assert (await shelf.told())[2] == entry(d, behind=None)


@pytest.mark.parametrize(
    ("block", "where", "was", "now"),
    [
        ([3], {"before": 0}, [2], [None]),
        ([0, 1], {"after": 3}, [None, 0], [3, 0]),
        ([3, 1], {"position": 0}, [2, 0], [None, 3]),
        ([1, 2], {"before": 3}, [0, 1], [0, 1]),
        ([2, 1], {"after": 0}, [1, 0], [0, 2]),
        ([0], {}, [None], [3]),
        ([0], {"after": 2}, [None], [2]),
        ([3], {"after": 0}, [2], [0]),
        ([0], {"after": 3}, [None], [3]),
    ],
)
async def test_a_block(
    shelf: Shelf, block: list[int], where: dict[str, int], was: list[int | None], now: list[int | None]
) -> None:
    spot = {name: at if name == "position" else shelf.items[at] for name, at in where.items()}
    await shelf.move([shelf.items[at] for at in block], **spot)

    def told(behind: list[int | None]) -> Told:
        rows = zip(block, behind, strict=True)
        listed = [{"item": shelf.items[at], "behind": None if b is None else shelf.items[b]} for at, b in rows]
        return {"count": len(block), "entries": listed}

    assert await shelf.told() == ("entry.moved", told(was), told(now))
    order = await shelf.order()
    for at, behind in zip(block, now, strict=True):
        place = order.index(shelf.items[at])
        assert (order[place - 1] if place else None) == (None if behind is None else shelf.items[behind])


async def test_a_large_block_is_counted_and_its_first_hundred_are_named(db: Database) -> None:
    ana = await user(db)
    items = await models(db, ana, 103)
    shelf = Shelf(db, ana, await collection(db, ana, items), items)
    await shelf.move(items[1:], before=items[0])
    for part in (await last(db, ana, shelf.made)).before, (await last(db, ana, shelf.made)).after:
        assert part is not None
        assert (part["count"], len(part["entries"])) == (102, 100)  # type: ignore[arg-type]
    await shelf.change(*((item, {"position": 0, "note": "n"}) for item in items[:102]))
    event = await last(db, ana, shelf.made)
    for part in (event.before, event.after):
        assert part is not None
        assert (part["count"], len(part["entries"])) == (102, 100)  # type: ignore[arg-type]
        assert all({"item", "behind", "note"} == set(one) for one in part["entries"])  # type: ignore[attr-defined]


async def test_hidden_items_are_left_out_of_before_too(shelf: Shelf) -> None:
    """Neither as what changed, with its former note, nor as what something stood or stands behind, nor in counts."""
    a, b, c, d = shelf.items
    bob = (await make_user(shelf.db, "bob")).actor
    await shelf.change((a, {"note": "a secret"}), (c, {"note": "known"}))
    await shelf.change((a, {"note": ""}), (c, {"note": ""}))
    await shelf.move([d], after=a)
    await hide(shelf, a)
    for reader in (bob, anonymous("native")):
        assert await shelf.told(reader) == ("entry.moved", entry(d, behind=c), entry(d, behind=None))
        event = await last(shelf.db, reader, shelf.made, 2)
        assert (plain(event.before), plain(event.after)) == (entry(c, note="known"), entry(c, note=None))
        async with shelf.db.reading() as tx:
            rows = (await history(tx, reader, shelf.made.id, limit=50)).rows
        assert "secret" not in str(rows)
    assert (await shelf.told())[2] == entry(d, behind=a)
    await hide(shelf, b)
    await shelf.move([a], after=c)
    assert (await shelf.told()) == ("entry.moved", entry(a, behind=None), entry(a, behind=c))
    assert (await last(shelf.db, bob, shelf.made)).verb == "entry.moved"
    assert plain((await last(shelf.db, bob, shelf.made)).after) == entry(d, behind=None), (
        "that of the hidden is not there"
    )


async def test_a_restored_revision(shelf: Shelf) -> None:
    """Which revision it was and is, how many entries, and the fields that changed."""
    title = shelf.made.title
    newer = unique("Newer")
    async with shelf.db.transaction() as tx:
        await collections.update(tx, shelf.actor, shelf.made.slug, FieldChanges(title=newer))
        names = await shelf.names()
        await entries.remove(tx, shelf.actor, shelf.made.slug, [names[shelf.items[0]]])
    async with shelf.db.transaction() as tx:
        await revisions.restore(tx, shelf.actor, shelf.made.slug, 2)
    assert await shelf.told() == (
        "revision.restored",
        {"revision": 4, "count": 3, "title": newer},
        {"revision": 2, "count": 4, "title": title},
    )
    async with shelf.db.transaction() as tx:
        await revisions.undo(tx, shelf.actor, shelf.made.slug)
    assert await shelf.told() == (
        "revision.restored",
        {"revision": 5, "count": 4, "title": title},
        {"revision": 4, "undone_to": 4, "count": 3, "title": newer},
    )
    bob = (await make_user(shelf.db, "bob")).actor
    assert (await shelf.told(bob))[1:] == (
        {"revision": 5, "title": title},
        {"revision": 4, "undone_to": 4, "title": newer},
    ), "how many entries there are counts what he may not see"


async def test_a_collection_moves_in_its_owners_list(db: Database) -> None:
    """Behind which it stood and stands, with the reason; of one that the reader may not see he hears nothing."""
    ana, bob = await user(db, "ana"), (await make_user(db, "bob")).actor
    first, hidden, third = [
        await collection(db, ana, visibility=visibility) for visibility in ("public", "private", "public")
    ]
    async with db.transaction() as tx:
        await collections.update(tx, ana, third.slug, FieldChanges(position=0), reason="the best")
    event = await last(db, ana, third)
    assert (event.verb, plain(event.before), plain(event.after), event.reason) == (
        "collection.moved",
        {"behind": hidden.id},
        {"behind": None},
        "the best",
    )
    async with db.transaction() as tx:
        await collections.update(tx, ana, first.slug, FieldChanges(position=99, title=unique("At the end")))
    assert [plain((await last(db, ana, first, 2)).before), plain((await last(db, ana, first, 2)).after)] == [
        {"behind": third.id},
        {"behind": hidden.id},
    ]
    event = await last(db, bob, third)
    assert (event.before, event.after) == ({"behind": None}, {"behind": None})
    async with db.transaction() as tx:
        with pytest.raises(Invalid):
            await collections.update(tx, ana, first.slug, FieldChanges(position=0), reason="x" * 10_000)


async def test_a_resource_group(db: Database) -> None:
    ana = await make_user(db, "ana")
    org = await make_organization(db, ana)
    root = (await make_user(db, "root", admin=True)).actor
    async with db.transaction() as tx:
        made = await collections.create(tx, root, owner=org.name, title=unique("Ours"))
        await collections.set_resource_group(tx, root, made.public_id, "a")
        await collections.set_resource_group(tx, root, made.public_id, None)
    event = await last(db, root, made)
    assert (event.before, event.after) == ({"resource_group": "a"}, {"resource_group": None})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "Another"),
        ("theme", "green"),
        ("tags", ["vision"]),
        ("visibility", "private"),
        ("title", "Another title"),
    ],
)
async def test_the_fields_of_a_collection(db: Database, field: str, value: object) -> None:
    ana = await user(db)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await collections.update(tx, ana, made.slug, FieldChanges(**{field: value}))  # type: ignore[arg-type]
    event = await last(db, ana, made)
    assert (event.before, event.after) == ({field: getattr(made, field)}, {field: value})


async def test_new_scores_in_a_selection(db: Database) -> None:
    """Also when others come in by the same call: what was has the former scores of those that were there."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    first, second, third = await studio.items(3)
    made = await studio.selection()
    for given in ([(first, 0.25), (second, None)], [(first, 0.5), (second, 0.5)], [(first, 1.0), (third, 0.75)]):
        async with db.transaction() as tx:
            await selections.add_items(tx, ana, made.id, given)
    async with db.reading() as tx:
        both, rescored, added = (await history(tx, ana, made.id, limit=3)).rows
    assert (added.verb, added.before) == ("entry.added", None)
    assert (rescored.verb, plain(rescored.before), plain(rescored.after)) == (
        "entry.updated",
        {"count": 2, "entries": [{"item": first, "score": 0.25}, {"item": second, "score": None}]},
        {"count": 2, "entries": [{"item": first, "score": 0.5}, {"item": second, "score": 0.5}]},
    )
    assert (both.verb, plain(both.before), plain(both.after)) == (
        "entry.added",
        entry(first, score=0.5),
        {"count": 2, "entries": [{"item": first, "score": 1.0}, {"item": third, "score": 0.75}]},
    )


async def test_another_note_of_what_is_pinned(db: Database) -> None:
    ana = await user(db)
    (item,) = await models(db, ana, 1)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await live.start(tx, ana, made.public_id, query=f"kind:model owner:{ana.name}")
    former: str | None = None
    for note in ("one", "two", ""):
        async with db.transaction() as tx:
            await live.pin(tx, ana, made.public_id, [Addition(ItemRef(item), note=note)])
        event = await last(db, ana, made)
        assert (event.verb, plain(event.before), plain(event.after)) == (
            "entry.pinned",
            entry(item, note=former),
            entry(item, note=note or None),
        )
        former = note or None
