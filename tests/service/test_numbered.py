"""Numbers and aliases of entries: what artifacts and releases have beside showcases (W-02, W-03)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from factories import unique, user
from factories.catalog import Facts
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.collections import numbered, revisions
from pinakes.server.db import Database, Tx
from pinakes.server.permissions.table import Permission


async def made(db: Database, owner: Actor, *, kind: str = "release") -> int:
    """Make an empty release of the user's own."""
    async with db.transaction() as tx:
        assert owner.user_id is not None
        return await numbered.create_numbered(
            tx, owner, kind=kind, owner_id=owner.user_id, container_id=None, title=unique("MNIST"), types=["model"]
        )


async def version(db: Database, owner: Actor) -> int:
    """Make an item that could be a version; what it is does not matter here."""
    name = unique("p/model")
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "insert into items (kind, owner_id, name, name_key, visibility) values ('version', %s, %s, %s, 'private')"
            " returning id",
            (owner.user_id, name, name),
        )
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def change(
    db: Database, actor: Actor, collection: int, work: Callable[[numbered.Change], Awaitable[object]], why: str = ""
) -> int:
    """Do something to a collection in one transaction; return the revision."""
    async with db.transaction() as tx:
        held = await numbered.begin(tx, actor, collection, Permission.COLLECTION_CURATE, reason=why)
        await work(held)
        return await held.close()


async def names(tx: Tx, collection: int) -> dict[str, int]:
    """Return what each alias of a collection names."""
    found = await numbered.aliases(tx, collection)
    return {alias: item for item, aliases in found.items() for alias in aliases}


async def test_versions_are_numbered_and_latest_follows(db: Database) -> None:
    """From 0 and never again, also when several are added at once; `latest` is on the newest."""
    ana = await user(db)
    release = await made(db, ana)
    items = [await version(db, ana) for _ in range(6)]
    await asyncio.gather(*(change(db, ana, release, lambda held, i=item: held.append(i)) for item in items))
    async with db.reading() as tx:
        numbers = {item: await numbered.number_of(tx, release, item) for item in items}
        assert sorted(numbers.values(), key=str) == [0, 1, 2, 3, 4, 5]
        newest = max(numbers, key=lambda item: numbers[item] or 0)
        assert await names(tx, release) == {"latest": newest}
        assert await numbered.resolve(tx, release, None) == newest
        assert await numbered.resolve(tx, release, f"v{numbers[items[0]]}") == items[0]
        for unknown in ("v99", "v99999999999", "production", "nul\0", "V1"):
            assert await numbered.resolve(tx, release, unknown) is None


async def test_an_item_keeps_its_number(db: Database) -> None:
    """Adding it again changes nothing; taken out and linked again it has the same number, and no other ever gets it."""
    ana = await user(db)
    release = await made(db, ana)
    first, second = await version(db, ana), await version(db, ana)
    assert await change(db, ana, release, lambda held: held.append(first)) == 2
    assert await change(db, ana, release, lambda held: held.append(first)) == 2
    await change(db, ana, release, lambda held: held.append(second))
    await change(db, ana, release, lambda held: held.take_out(second))
    async with db.reading() as tx:
        assert await numbered.number_of(tx, release, second) is None
        assert await names(tx, release) == {"latest": first}
    third = await version(db, ana)
    await change(db, ana, release, lambda held: held.append(third))
    await change(db, ana, release, lambda held: held.append(second))
    async with db.reading() as tx:
        assert [await numbered.number_of(tx, release, item) for item in (first, second, third)] == [0, 1, 2]
        assert (await numbered.cards(tx, ana, [release]))[release].entry_count == 3


async def test_an_alias_names_one_version_and_leaves_a_trace(db: Database) -> None:
    """Who set it, when, why: what was `production` at a moment."""
    ana = await user(db)
    release = await made(db, ana)
    old, new = await version(db, ana), await version(db, ana)
    for item in (old, new):
        await change(db, ana, release, lambda held, i=item: held.append(i))
    before = datetime.now(UTC)
    await change(db, ana, release, lambda held: held.set_alias("production", old), "first")
    between = datetime.now(UTC)
    await change(db, ana, release, lambda held: held.set_alias("production", new), "better")
    unchanged = await change(db, ana, release, lambda held: held.set_alias("production", new), "again")
    await change(db, ana, release, lambda held: held.drop_alias("production"))
    async with db.reading() as tx:
        assert await numbered.alias_at(tx, release, "production", before) is None
        then = await numbered.alias_at(tx, release, "production", between)
        assert then is not None
        assert (then.item_id, then.number, then.set_by, then.reason) == (old, 0, ana.name, "first")
        assert await numbered.alias_at(tx, release, "production", datetime.now(UTC) + timedelta(1)) is None
        log = await numbered.alias_log(tx, release, alias="production", limit=1)
        rest = await numbered.alias_log(tx, release, alias="production", cursor=log.next)
        assert [(form.item_id, form.reason) for form in [*log.rows, *rest.rows]] == [(new, "better"), (old, "first")]
        assert all(form.ended_by == ana.name for form in [*log.rows, *rest.rows])
        assert await names(tx, release) == {"latest": new}
    assert unchanged == 5


async def test_one_call_is_one_revision(db: Database) -> None:
    ana = await user(db)
    release = await made(db, ana)
    item = await version(db, ana)

    async def link(held: numbered.Change) -> None:
        await held.append(item)
        await held.set_alias("production", item)
        await held.set_alias("staging", item)

    assert await change(db, ana, release, link) == 2
    async with db.reading() as tx:
        assert await names(tx, release) == {"latest": item, "production": item, "staging": item}
        cursor = await tx.connection.execute(
            "select verb, revision from events where collection_id = %s order by id", (release,)
        )
        told = await cursor.fetchall()
    assert told == [
        ("collection.created", 1),
        ("entry.added", 2),
        ("alias.set", 2),
        ("alias.set", 2),
        ("alias.set", 2),
    ]


async def test_a_restored_revision_has_its_aliases(db: Database) -> None:
    """What the release was is what it is again: entries, numbers and aliases."""
    ana = await user(db)
    release = await made(db, ana)
    old, new = await version(db, ana), await version(db, ana)
    await change(db, ana, release, lambda held: held.append(old))
    good = await change(db, ana, release, lambda held: held.set_alias("production", old))
    await change(db, ana, release, lambda held: held.append(new))
    await change(db, ana, release, lambda held: held.set_alias("production", new))
    await change(db, ana, release, lambda held: held.set_alias("canary", new))
    async with db.reading() as tx:
        card = (await numbered.cards(tx, ana, [release]))[release]
    async with db.transaction() as tx:
        await revisions.restore(tx, ana, card.public_id, good)
    async with db.reading() as tx:
        assert await names(tx, release) == {"latest": old, "production": old}
        assert await numbered.number_of(tx, release, new) is None
    async with db.transaction() as tx:
        await revisions.undo(tx, ana, card.public_id)
    async with db.reading() as tx:
        assert await names(tx, release) == {"latest": new, "production": new, "canary": new}
        assert await numbered.number_of(tx, release, new) == 1


@pytest.mark.parametrize("alias", ["", " ", "a/b", "a:b", "v3", "x" * 129, "line\nbreak", "half \ud800"])
async def test_an_alias_that_cannot_be(db: Database, alias: str) -> None:
    """Decision 7: no slash, no colon, at most 128 characters."""
    ana = await user(db)
    release = await made(db, ana)
    item = await version(db, ana)
    with pytest.raises(errors.Invalid) as caught:
        await change(db, ana, release, lambda held: held.set_alias(alias, item))
    assert caught.value.field == "alias"


async def test_a_name_is_taken_once_in_its_place(db: Database) -> None:
    ana = await user(db)
    assert ana.user_id is not None
    title = unique("Taken")
    wanted: Facts = {"owner_id": ana.user_id, "container_id": None, "title": title}
    async with db.transaction() as tx:
        first = await numbered.create_numbered(tx, ana, kind="release", types=["model"], **wanted)
        assert await numbered.find(tx, **wanted) == first
        with pytest.raises(errors.NameTaken):
            await numbered.create_numbered(tx, ana, kind="release", types=["model"], **wanted)


async def test_entries_of_a_release_change_by_linking_only(db: Database) -> None:
    """The generic verbs say which others to use, and change nothing."""
    ana = await user(db)
    release = await made(db, ana)
    item = await version(db, ana)
    await change(db, ana, release, lambda held: held.append(item))
    async with db.reading() as tx:
        card = (await numbered.cards(tx, ana, [release]))[release]
    from pinakes.server.collections import entries
    from pinakes.server.collections.types import Addition, ItemRef

    async with db.transaction() as tx:
        page = await entries.page(tx, ana, card.public_id)
        assert [entry.item_id for entry in page.rows] == [item]
        with pytest.raises(errors.Invalid, match="linking"):
            await entries.add(tx, ana, card.public_id, [Addition(ItemRef(item))])
        with pytest.raises(errors.Invalid, match="linking"):
            await entries.remove(tx, ana, card.public_id, [page.rows[0].id])
