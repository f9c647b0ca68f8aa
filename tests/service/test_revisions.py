"""What a collection was: against a small model, over random operations, and the rules one by one."""

from __future__ import annotations

import random

import pytest

from factories import collection, models, unique, user
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.collections import entries, revisions, service
from pinakes.server.collections.types import Addition, EntryChange, FieldChanges, ItemRef, Where
from pinakes.server.db import Database

# What an entry is, to the model: the item and its note.
State = tuple[tuple[int, str | None], ...]


async def state(db: Database, reader: Actor, ref: str, revision: int | None = None) -> State:
    """Return what a collection holds, now or at a revision."""
    async with db.reading() as tx:
        rows = (await entries.page(tx, reader, ref, limit=1000, revision=revision)).rows
    return tuple((row.item_id, row.note) for row in rows)


class Model:
    """A collection in memory, with every revision it had."""

    def __init__(self, db: Database, owner: Actor, ref: str, pool: list[int], rng: random.Random) -> None:
        self.db, self.owner, self.ref, self.pool, self.rng = db, owner, ref, pool, rng
        self.entries: list[tuple[int, str | None]] = []
        self.past: dict[int, State] = {1: ()}

    async def ids(self) -> list[str]:
        async with self.db.reading() as tx:
            return [row.id for row in (await entries.page(tx, self.owner, self.ref, limit=1000)).rows]

    async def step(self) -> None:
        """Do one random thing to both, and keep what the model says about the revision that it made."""
        act = self.rng.choice([self.add, self.add, self.remove, self.note, self.place, self.block, self.restore])
        revision = await act()
        if revision is not None:
            self.past[revision] = tuple(self.entries)

    async def add(self) -> int | None:
        picked = self.rng.sample(self.pool, 3)
        at = self.rng.choice([None, self.rng.randint(0, len(self.entries))])
        async with self.db.transaction() as tx:
            additions = [Addition(ItemRef(item)) for item in picked]
            batch = await entries.add(tx, self.owner, self.ref, additions, where=Where(position=at))
        there = {item for item, _ in self.entries}
        fresh: list[tuple[int, str | None]] = [(item, None) for item in picked if item not in there]
        at = len(self.entries) if at is None else at
        self.entries[at:at] = fresh
        return batch.revision if fresh else None

    async def remove(self) -> int | None:
        ids = await self.ids()
        picked = self.rng.sample(range(len(ids)), min(2, len(ids)))
        async with self.db.transaction() as tx:
            batch = await entries.remove(tx, self.owner, self.ref, [ids[at] for at in picked])
        self.entries = [entry for at, entry in enumerate(self.entries) if at not in picked]
        return batch.revision if picked else None

    async def note(self) -> int | None:
        ids = await self.ids()
        if not ids:
            return None
        at = self.rng.randrange(len(ids))
        note = self.rng.choice(["", "Würstchen", unique("note")])
        async with self.db.transaction() as tx:
            batch = await entries.update(tx, self.owner, self.ref, [EntryChange(ids[at], note=note)])
        changed = self.entries[at][1] != (note or None)
        self.entries[at] = (self.entries[at][0], note or None)
        return batch.revision if changed else None

    async def place(self) -> int | None:
        ids = await self.ids()
        if not ids:
            return None
        at, to = self.rng.randrange(len(ids)), self.rng.randrange(len(ids) + 2)
        async with self.db.transaction() as tx:
            batch = await entries.update(tx, self.owner, self.ref, [EntryChange(ids[at], position=to)])
        before = list(self.entries)
        self.entries.insert(to, self.entries.pop(at))
        return batch.revision if before != self.entries else None

    async def block(self) -> int | None:
        ids = await self.ids()
        if len(ids) < 3:
            return None
        picked = self.rng.sample(range(len(ids)), 2)
        to = self.rng.randint(0, len(ids) - 2)
        async with self.db.transaction() as tx:
            batch = await entries.move(tx, self.owner, self.ref, [ids[at] for at in picked], Where(position=to))
        moved = [self.entries[at] for at in picked]
        rest = [entry for at, entry in enumerate(self.entries) if at not in picked]
        self.entries = [*rest[:to], *moved, *rest[to:]]
        return batch.revision

    async def restore(self) -> int | None:
        target = self.rng.choice(list(self.past))
        async with self.db.transaction() as tx:
            restored = await revisions.restore(tx, self.owner, self.ref, target)
        self.entries = list(self.past[target])
        assert restored.entry_count == len(self.entries)
        return restored.revision


@pytest.mark.parametrize("seed", range(6))
async def test_every_revision_reads_as_it_was(db: Database, seed: int) -> None:
    """Random operations, compared with the model: the present, the count, every past revision, and differences."""
    rng = random.Random(seed)
    ana = await user(db)
    made = await collection(db, ana)
    model = Model(db, ana, made.slug, await models(db, ana, 12), rng)
    for _ in range(40):
        await model.step()
        assert await state(db, ana, made.slug) == tuple(model.entries)
    for number, expected in model.past.items():
        assert await state(db, ana, made.slug, number) == expected
        async with db.reading() as tx:
            assert (await revisions.at(tx, ana, made.slug, number)).entry_count == len(expected)
    for _ in range(15):
        older, newer = sorted(rng.sample(list(model.past), 2))
        async with db.reading() as tx:
            diff = await revisions.diff(tx, ana, made.slug, older, newer)
        before, after = dict(model.past[older]), dict(model.past[newer])
        assert diff.counts.removed == len(before.keys() - after.keys())
        assert diff.counts.added == len(after.keys() - before.keys())
        assert {row.item_id for row in diff.entries.rows if "removed" in row.ways} == before.keys() - after.keys()
        both = before.keys() & after.keys()
        assert diff.counts.changed == sum(before[item] != after[item] for item in both)


async def test_a_restored_revision_has_the_same_memberships(db: Database) -> None:
    """Story C: order, notes and the public ids of the entries come back as they were."""
    ana = await user(db)
    items = await models(db, ana, 3)
    made = await collection(db, ana, items)
    async with db.reading() as tx:
        _, before = await service.get_with_entries(tx, ana, made.slug)
    async with db.transaction() as tx:
        await entries.remove(tx, ana, made.slug, [row.id for row in before])
        await entries.add(tx, ana, made.slug, [Addition(ItemRef(item)) for item in reversed(items)])
        await service.update(tx, ana, made.slug, FieldChanges(title=unique("Other"), theme="pink"))
        restored = await revisions.restore(tx, ana, made.slug, made.revision, reason="wrong")
    assert (restored.title, restored.theme, restored.slug) == (made.title, made.theme, made.slug)
    async with db.reading() as tx:
        _, after = await service.get_with_entries(tx, ana, made.slug)
    assert [row.id for row in after] == [row.id for row in before]


async def test_undo_goes_back_step_by_step(db: Database) -> None:
    ana = await user(db)
    items = await models(db, ana, 2)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await entries.add(tx, ana, made.slug, [Addition(ItemRef(items[0]))])
        await service.update(tx, ana, made.slug, FieldChanges(theme="blue"))
        await entries.add(tx, ana, made.slug, [Addition(ItemRef(items[1]))])
    async with db.transaction() as tx:
        assert (await revisions.undo(tx, ana, made.slug)).entry_count == 1
        undone = await revisions.undo(tx, ana, made.slug)
        assert (undone.theme, undone.entry_count) == (made.theme, 1)
        assert (await revisions.undo(tx, ana, made.slug)).entry_count == 0
        with pytest.raises(errors.NothingToUndo):
            await revisions.undo(tx, ana, made.slug)
        await revisions.restore(tx, ana, made.slug, 4)
    assert await state(db, ana, made.slug) == ((items[0], None), (items[1], None))


async def test_a_restored_revision_does_not_change_who_may_see_it(db: Database) -> None:
    """What was public once and is private now stays private, whatever of its content comes back; and the other way."""
    ana, bob = await user(db), await user(db)
    made = await collection(db, ana, description="first")
    async with db.transaction() as tx:
        await service.update(tx, ana, made.slug, FieldChanges(visibility="private", description="second"))
        restored = await revisions.restore(tx, ana, made.slug, 1)
        assert (restored.visibility, restored.description) == ("private", "first")
        with pytest.raises(errors.CollectionNotFound):
            await service.get(tx, bob, made.slug)
        assert (await revisions.undo(tx, ana, made.slug)).visibility == "private", "it did not make it private"
        await service.update(tx, ana, made.slug, FieldChanges(visibility="public"))
        assert (await revisions.restore(tx, ana, made.slug, 2)).visibility == "public"
        assert (await revisions.at(tx, bob, made.slug, 2)).description == "second", "the past is read by who reads now"


async def test_undo_takes_back_a_change_of_visibility(db: Database) -> None:
    """The very one, and that one only: whatever it passes on its way back, too."""
    ana = await user(db)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await service.update(tx, ana, made.slug, FieldChanges(theme="blue"))
        await service.update(tx, ana, made.slug, FieldChanges(visibility="private", theme="pink"))
        await service.update(tx, ana, made.slug, FieldChanges(theme="green"))
        undone = [await revisions.undo(tx, ana, made.slug) for _ in range(3)]
        assert [(one.theme, one.visibility) for one in undone] == [
            ("pink", "private"),
            ("blue", "public"),
            (made.theme, "public"),
        ]


async def test_undo_of_what_came_before_it_was_hidden_leaves_it_hidden(db: Database) -> None:
    ana = await user(db)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await service.update(tx, ana, made.slug, FieldChanges(theme="blue"))
        await service.update(tx, ana, made.slug, FieldChanges(theme="pink"))
        await revisions.undo(tx, ana, made.slug)
        await service.update(tx, ana, made.slug, FieldChanges(visibility="private"))
        undone = await revisions.undo(tx, ana, made.slug)
        assert (undone.theme, undone.visibility) == ("blue", "public")
        await service.update(tx, ana, made.slug, FieldChanges(visibility="private"))
        await service.update(tx, ana, made.slug, FieldChanges(theme="green"))
        undone = await revisions.undo(tx, ana, made.slug)
        assert (undone.theme, undone.visibility) == ("blue", "private")


async def test_a_named_revision_is_read_by_its_name(db: Database) -> None:
    """Story C: frozen as v1; later the difference to now."""
    ana = await user(db)
    items = await models(db, ana, 2)
    made = await collection(db, ana, items[:1])
    async with db.transaction() as tx:
        named = await revisions.name(tx, ana, made.slug, "v1")
        assert named.revision == made.revision
        await revisions.name(tx, ana, made.slug, "v1")
        await entries.add(tx, ana, made.slug, [Addition(ItemRef(items[1]))])
        with pytest.raises(errors.NameTaken):
            await revisions.name(tx, ana, made.slug, "v1")
        with pytest.raises(errors.Invalid):
            await revisions.name(tx, ana, made.slug, "7")
        assert (await revisions.at(tx, ana, made.slug, "v1")).entry_count == 1
        diff = await revisions.diff(tx, ana, made.slug, "v1", made.revision + 1)
        assert (diff.counts.added, [row.item_id for row in diff.entries.rows]) == (1, [items[1]])
        listed = (await revisions.list_revisions(tx, ana, made.slug)).rows
        assert [(row.number, row.verb, row.names) for row in listed] == [
            (3, "entry.added", []),
            (2, "entry.added", ["v1"]),
            (1, "collection.created", []),
        ]
        await revisions.unname(tx, ana, made.slug, "v1")
        with pytest.raises(errors.RevisionNotFound):
            await revisions.at(tx, ana, made.slug, "v1")


@pytest.mark.parametrize("revision", [0, 99, "nope", "99999999999", "-1", "\0"])
async def test_an_unknown_revision_is_not_found(db: Database, revision: int | str) -> None:
    ana = await user(db)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        with pytest.raises(errors.RevisionNotFound):
            await revisions.at(tx, ana, made.slug, revision)
        with pytest.raises(errors.RevisionNotFound):
            await revisions.restore(tx, ana, made.slug, revision)


async def test_the_fields_of_the_past_are_told_too(db: Database) -> None:
    ana = await user(db)
    made = await collection(db, ana, description="first")
    async with db.transaction() as tx:
        await service.update(tx, ana, made.slug, FieldChanges(description="second", tags=["a", "b"]))
        await service.update(tx, ana, made.slug, FieldChanges(title="Third title"))
        past = await revisions.at(tx, ana, made.slug, 1)
        diff = await revisions.diff(tx, ana, made.slug, 1, 3)
    assert (past.description, past.title, past.tags, past.slug) == ("first", made.title, [], made.slug)
    assert diff.fields == {
        "description": ("first", "second"),
        "tags": ([], ["a", "b"]),
        "title": (made.title, "Third title"),
    }
