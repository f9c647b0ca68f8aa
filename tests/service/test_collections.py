"""Collections: their rules, in the room itself, against a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from factories import collection, models, unique, user, with_role
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope, anonymous
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.collections import entries, ordering, service
from pinakes.server.collections.jobs import purge_trash
from pinakes.server.collections.types import Addition, EntryChange, FieldChanges, ItemRef, Listing, Where
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work


async def names(db: Database, reader: Actor, ref: str) -> list[int]:
    """Return the items of a collection in order, as a reader sees them."""
    async with db.reading() as tx:
        _, rows = await service.get_with_entries(tx, reader, ref)
    return [row.item_id for row in rows]


async def test_a_new_collection_is_found_by_each_of_its_addresses(db: Database) -> None:
    """H-22, H-24, H-31: the slug is made of the title and a unique id; the id alone is enough."""
    ana = await user(db)
    made = await collection(db, ana, title="OS Week Highlights - Sept 18 - 24")
    assert made.slug == f"{ana.name}/os-week-highlights-sept-18-24-{made.public_id}"
    async with db.reading() as tx:
        for ref in (made.public_id, made.slug, f"anything-{made.public_id}", f"{ana.name.upper()}/{made.public_id}"):
            assert (await service.get(tx, ana, ref)).id == made.id
        assert (await service.get(tx, ana, f"{ana.name}/{made.name}")).id == made.id
        for ref in (f"somebody/{made.public_id}", "0" * 24, "nonsense", "", "a/b/c", "\0"):
            with pytest.raises(errors.CollectionNotFound):
                await service.get(tx, ana, ref)


async def test_a_title_is_taken_once_and_free_again_in_the_trash(db: Database) -> None:
    """Decision 10: refused, with the address of the one that has the title."""
    ana, bob = await user(db), await user(db)
    made = await collection(db, ana, title="ICCV 2023")
    with pytest.raises(errors.TitleTaken) as caught:
        await collection(db, ana, title=" ICCV  2023 ")
    assert caught.value.details == {"slug": made.slug}
    await collection(db, bob, title="ICCV 2023")
    async with db.transaction() as tx:
        await service.delete(tx, ana, made.slug)
    again = await collection(db, ana, title="ICCV 2023")
    async with db.transaction() as tx:
        with pytest.raises(errors.TitleTaken):
            await service.restore(tx, ana, made.slug)
        await service.update(tx, ana, again.slug, FieldChanges(title=unique("Other")))
        back = await service.restore(tx, ana, made.slug)
    assert back.slug == made.slug


async def test_two_creations_at_once_make_one_collection(db: Database) -> None:
    """Contract 4.3: two parallel creations of one title do not give two collections."""
    ana, title = await user(db), unique("Race")
    results = await asyncio.gather(*(collection(db, ana, title=title) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, errors.TitleTaken) for result in results) == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 251}, "title"),
        ({"title": "nul\0"}, "title"),
        ({"title": "half \ud800"}, "title"),
        ({"description": "ü" * 151}, "description"),
        ({"theme": "beige"}, "theme"),
        ({"visibility": "secret"}, "visibility"),
    ],
)
async def test_bad_fields_are_named(db: Database, values: dict[str, str], field: str) -> None:
    ana = await user(db)
    with pytest.raises(errors.Invalid) as caught:
        await collection(db, ana, None, **values)
    assert caught.value.field == field


async def test_description_and_note_are_counted_in_characters(db: Database) -> None:
    """H-38, H-39, decision 7: 150 and 500 characters, not bytes."""
    ana = await user(db)
    (item,) = await models(db, ana, 1)
    made = await collection(db, ana, [item], description="ü" * 150)
    entry = (await entry_ids(db, ana, made.slug))[0]
    async with db.transaction() as tx:
        batch = await entries.update(tx, ana, made.slug, [EntryChange(entry, note="ü" * 500)])
        assert batch.results[0].outcome == "updated"
        batch = await entries.update(tx, ana, made.slug, [EntryChange(entry, note="ü" * 501)])
        assert batch.results[0].error is not None
        assert batch.results[0].error.field == "note"


async def entry_ids(db: Database, reader: Actor, ref: str) -> list[str]:
    """Return the public ids of a collection's entries in order."""
    async with db.reading() as tx:
        return [row.id for row in (await service.get_with_entries(tx, reader, ref))[1]]


async def test_a_batch_answers_for_each_line(db: Database) -> None:
    """H-40, H-41: what is there already is told from what does not exist, and the good lines are applied."""
    ana = await user(db)
    first, second = await models(db, ana, 2)
    made = await collection(db, ana, [first])
    additions = [
        Addition(ItemRef(second)),
        Addition(ItemRef(first)),
        Addition(ItemRef(second)),
        Addition(ItemRef(2**31 - 1)),
        Addition(ItemRef(kind="model", address="nobody/nothing")),
        Addition(ItemRef(kind="planet", address="earth")),
        Addition(ItemRef(first), note="x" * 501),
    ]
    async with db.transaction() as tx:
        refused = await entries.add(tx, ana, made.slug, additions, atomic=True)
    assert not refused.applied
    assert await names(db, ana, made.slug) == [first]
    async with db.transaction() as tx:
        batch = await entries.add(tx, ana, made.slug, additions)
    expected = ["added", "duplicate", "duplicate", "unknown", "unknown", "invalid", "invalid"]
    assert [result.outcome for result in batch.results] == expected
    assert [result.outcome for result in refused.results] == ["not_applied", *expected[1:]]
    assert [result.entry is None for result in refused.results] == [True, False, True, True, True, True, True]
    assert batch.revision == made.revision + 1
    assert await names(db, ana, made.slug) == [first, second]
    with pytest.raises(errors.AlreadyInCollection):
        batch.checked()


async def test_nothing_changed_makes_no_revision(db: Database) -> None:
    ana = await user(db)
    (item,) = await models(db, ana, 1)
    made = await collection(db, ana, [item])
    entry = (await entry_ids(db, ana, made.slug))[0]
    async with db.transaction() as tx:
        assert (await entries.add(tx, ana, made.slug, [Addition(ItemRef(item))])).revision == made.revision
        assert (await entries.update(tx, ana, made.slug, [EntryChange(entry, position=0)])).revision == made.revision
        assert (await service.update(tx, ana, made.slug, FieldChanges(title=made.title))).revision == made.revision


@pytest.mark.parametrize(("source", "target"), [(0, 1), (3, 2), (0, 3), (3, 0), (1, 99), (2, 2)])
async def test_a_position_is_the_final_index(db: Database, source: int, target: int) -> None:
    """H-47, H-48, contract 4.4: take it out, put it in so that its new index is the one asked for."""
    ana = await user(db)
    items = await models(db, ana, 4)
    made = await collection(db, ana, items)
    entry = (await entry_ids(db, ana, made.slug))[source]
    async with db.transaction() as tx:
        (await entries.update(tx, ana, made.slug, [EntryChange(entry, position=target)])).checked()
    expected = items.copy()
    expected.insert(target, expected.pop(source))
    assert await names(db, ana, made.slug) == expected


async def test_an_index_counts_what_the_writer_sees(db: Database) -> None:
    """Contract 4.4: an entry that the writer does not see stays behind its left neighbour."""
    ana, bob = await user(db), await user(db)
    a, b, c = await models(db, ana, 3)
    (hidden,) = await models(db, bob, 1)
    made = await collection(db, ana, [a, hidden, b, c])
    await hide(db, bob, hidden)
    assert await names(db, ana, made.slug) == [a, b, c]
    last = (await entry_ids(db, ana, made.slug))[2]
    async with db.transaction() as tx:
        (await entries.update(tx, ana, made.slug, [EntryChange(last, position=1)])).checked()
    assert await names(db, ana, made.slug) == [a, c, b]
    await show(db, bob, hidden)
    assert await names(db, ana, made.slug) == [a, hidden, c, b]


async def hide(db: Database, owner: Actor, item: int) -> None:
    """Make a model private."""
    await set_visibility(db, owner, item, "private")


async def show(db: Database, owner: Actor, item: int) -> None:
    """Make a model public."""
    await set_visibility(db, owner, item, "public")


async def set_visibility(db: Database, owner: Actor, item: int, visibility: str) -> None:
    """Change who sees a model."""
    async with db.transaction() as tx:
        found = await catalog.get_item(tx, owner, item)
        await catalog.update_repo(tx, owner, "model", found.address, RepoChanges(visibility=visibility))


async def test_a_block_moves_as_one(db: Database) -> None:
    ana = await user(db)
    items = await models(db, ana, 5)
    made = await collection(db, ana, items)
    ids = await entry_ids(db, ana, made.slug)
    async with db.transaction() as tx:
        batch = await entries.move(tx, ana, made.slug, [ids[4], ids[1]], Where(before=ids[0]))
    assert batch.revision == made.revision + 1
    assert await names(db, ana, made.slug) == [items[4], items[1], items[0], items[2], items[3]]
    async with db.transaction() as tx:
        with pytest.raises(errors.EntryNotFound):
            await entries.move(tx, ana, made.slug, [ids[0], "f" * 24], Where(position=0))
        with pytest.raises(errors.Invalid):
            await entries.move(tx, ana, made.slug, [ids[0]], Where(after=ids[0]))


async def test_crowded_keys_are_made_anew(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves to one spot over and over keep their order and keep keys short, and the past keeps its order too."""
    monkeypatch.setattr(ordering, "LONGEST", 12)
    monkeypatch.setattr(ordering, "SHORT", 7)
    ana = await user(db)
    items = await models(db, ana, 4)
    made = await collection(db, ana, items)
    expected = items.copy()
    for _ in range(80):
        moving = (await entry_ids(db, ana, made.slug))[2]
        async with db.transaction() as tx:
            await entries.update(tx, ana, made.slug, [EntryChange(moving, position=1)])
        expected.insert(1, expected.pop(2))
        assert await names(db, ana, made.slug) == expected
    async with db.reading() as tx:
        _, rows = await service.get_with_entries(tx, ana, made.slug)
        first = await entries.page(tx, ana, made.slug, revision=made.revision)
    assert max(len(row.order_key) for row in rows) <= 13
    assert [row.item_id for row in first.rows] == items


async def test_removing_leaves_the_item_and_coming_back_is_a_new_membership(db: Database) -> None:
    """H-10, H-50, H-54."""
    ana = await user(db)
    items = await models(db, ana, 2)
    made = await collection(db, ana, items)
    first = (await entry_ids(db, ana, made.slug))[0]
    async with db.transaction() as tx:
        batch = await entries.remove(tx, ana, made.slug, [first, "0" * 24])
        assert [result.outcome for result in batch.results] == ["removed", "unknown"]
        assert (await catalog.get_item(tx, ana, items[0])).deleted_at is None
        added = await entries.add(tx, ana, made.slug, [Addition(ItemRef(items[0]))])
    assert added.results[0].entry not in (None, first)
    assert await names(db, ana, made.slug) == [items[1], items[0]]


async def test_hidden_and_deleted_items_are_not_there(db: Database) -> None:
    """Contract 4.5: in lists, counts and heads alike; what comes back to sight is at its old place."""
    ana, bob = await user(db), await user(db)
    a, b = await models(db, ana, 2)
    made = await collection(db, ana, [a, b])
    await hide(db, ana, a)
    assert await names(db, bob, made.slug) == [b]
    assert await names(db, ana, made.slug) == [a, b]
    async with db.reading() as tx:
        assert (await service.get(tx, bob, made.slug)).entry_count == 1
        assert (await service.get(tx, ana, made.slug)).entry_count == 2
        heads = await service.heads(tx, bob, [made.id])
        assert [row.item_id for row in heads[made.id]] == [b]
        found = await service.list_collections(tx, bob, Listing(items=[ItemRef(kind="model", address="no/body")]))
        assert not found.rows
    async with db.transaction() as tx:
        await catalog.delete_repo(tx, ana, "model", (await catalog.get_item(tx, ana, b)).address)
    assert await names(db, ana, made.slug) == [a]
    async with db.reading() as tx:
        assert (await service.get(tx, ana, made.slug)).entry_count == 1


async def test_a_private_collection_does_not_exist_for_others(db: Database) -> None:
    """H-25."""
    ana, bob = await user(db), await user(db)
    made = await collection(db, ana, visibility="private")
    for reader in (bob, anonymous("native")):
        async with db.transaction() as tx:
            with pytest.raises(errors.CollectionNotFound):
                await service.get(tx, reader, made.slug)
            with pytest.raises(errors.CollectionNotFound):
                await service.update(tx, reader, made.slug, FieldChanges(title="x"))
            assert not (await service.list_collections(tx, reader, Listing(owners=[ana.name]))).rows


async def test_a_nested_collection_follows_its_own_fate(db: Database) -> None:
    """Contract 4.5: renamed, hidden, deleted and brought back; and one that holds itself is no loop."""
    ana, bob = await user(db), await user(db)
    inner = await collection(db, ana)
    outer = await collection(db, ana, [inner.id])
    async with db.transaction() as tx:
        await entries.add(tx, ana, outer.slug, [Addition(ItemRef(kind="collection", address=outer.slug))])
        await service.update(tx, ana, inner.slug, FieldChanges(title="Renamed inner"))
        _, rows = await service.get_with_entries(tx, bob, outer.slug)
        assert rows[0].address == f"{ana.name}/renamed-inner-{inner.public_id}"
        assert rows[1].nested_count == 2
        await service.update(tx, ana, inner.slug, FieldChanges(visibility="private"))
    assert await names(db, bob, outer.slug) == [outer.id]
    async with db.transaction() as tx:
        await service.update(tx, ana, inner.slug, FieldChanges(visibility="public"))
        await service.delete(tx, ana, inner.slug)
    assert await names(db, ana, outer.slug) == [outer.id]
    async with db.transaction() as tx:
        await service.restore(tx, ana, inner.slug)
    assert await names(db, bob, outer.slug) == [inner.id, outer.id]


async def test_the_trash_is_seen_by_those_who_can_empty_it(db: Database) -> None:
    """Decision 3: gone for every client, but natively restored with order, notes and address."""
    ana, bob = await user(db), await user(db)
    items = await models(db, ana, 3)
    made = await collection(db, ana, items)
    async with db.transaction() as tx:
        await service.delete(tx, ana, made.slug, reason="a mistake")
    async with db.transaction() as tx:
        with pytest.raises(errors.CollectionNotFound):
            await service.get(tx, ana, made.slug)
        with pytest.raises(errors.CollectionNotFound):
            await service.restore(tx, bob, made.slug)
        trash = await service.list_collections(tx, ana, Listing(trashed=True))
        assert [row.slug for row in trash.rows] == [made.slug]
        assert not (await service.list_collections(tx, bob, Listing(trashed=True, owners=[ana.name]))).rows
        await service.restore(tx, ana, made.slug)
    assert await names(db, ana, made.slug) == items
    async with db.transaction() as tx:
        with pytest.raises(errors.CollectionNotFound):
            await service.purge(tx, ana, made.slug)
        await service.delete(tx, ana, made.slug)
        await service.purge(tx, ana, made.slug)
        with pytest.raises(errors.CollectionNotFound):
            await service.restore(tx, ana, made.slug)


async def test_a_collection_changes_owner_and_is_found_under_both(db: Database) -> None:
    """Contract 4.2: after a transfer the old namespace resolves too."""
    ana, bob = await user(db), await user(db)
    both = with_role(ana, bob.user_id or 0, Role.MEMBER)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        with pytest.raises(errors.Forbidden):
            await service.transfer(tx, ana, made.slug, bob.name)
        moved = await service.transfer(tx, both, made.slug, bob.name)
        assert moved.owner == bob.name
        assert (await service.get(tx, ana, made.slug)).slug == moved.slug


async def test_a_place_in_the_owners_list_is_the_final_index(db: Database) -> None:
    """H-07, contract 4.3."""
    ana = await user(db)
    made = [await collection(db, ana) for _ in range(4)]
    assert [row.position for row in made] == [0, 1, 2, 3]
    async with db.transaction() as tx:
        assert (await service.update(tx, ana, made[3].slug, FieldChanges(position=1))).position == 1
        assert (await service.update(tx, ana, made[0].slug, FieldChanges(position=99))).position == 3
        assert (await service.update(tx, ana, made[2].slug, FieldChanges(position=0))).position == 0
        page = await service.list_collections(tx, ana, Listing(owners=[ana.name], sort="position"))
    assert [row.id for row in page.rows] == [made[2].id, made[3].id, made[1].id, made[0].id]


@pytest.mark.parametrize("sort", ["lastModified", "trending", "upvotes", "position"])
async def test_pages_neither_repeat_nor_skip(db: Database, sort: str) -> None:
    ana, bob = await user(db), await user(db)
    made = {(await collection(db, ana)).id: None for _ in range(7)}
    voted = list(made)[3]
    async with db.transaction() as tx:
        slug = next(
            row.slug
            for row in (await service.list_collections(tx, ana, Listing(owners=[ana.name]))).rows
            if row.id == voted
        )
        assert (await service.vote(tx, bob, slug, on=True)).votes == 1
        assert (await service.vote(tx, bob, slug, on=True)).votes == 1
    seen: list[int] = []
    cursor = None
    listing = Listing(owners=[ana.name], sort=sort)  # pyright: ignore[reportArgumentType]
    while True:
        async with db.reading() as tx:
            page = await service.list_collections(tx, bob, listing, limit=2, cursor=cursor)
        seen += [row.id for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    if sort in ("trending", "upvotes"):
        assert seen[0] == voted


async def test_who_expects_another_revision_is_refused(db: Database) -> None:
    ana = await user(db)
    (item,) = await models(db, ana, 1)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await entries.add(tx, ana, made.slug, [Addition(ItemRef(item))], expected=made.revision)
        with pytest.raises(errors.PreconditionFailed):
            await service.update(tx, ana, made.slug, FieldChanges(theme="pink"), expected=made.revision)
        with pytest.raises(errors.PreconditionFailed):
            await service.delete(tx, ana, made.slug, expected=made.revision)


async def test_a_reading_token_changes_nothing(db: Database) -> None:
    ana = await user(db)
    made = await collection(db, ana)
    reader = Actor(ana.user_id, ana.name, scope=Scope.READ, roles=ana.roles)
    async with db.transaction() as tx:
        with pytest.raises(errors.ScopeTooNarrow):
            await service.update(tx, reader, made.slug, FieldChanges(title="x"))
        with pytest.raises(errors.ScopeTooNarrow):
            await entries.add(tx, reader, made.slug, [])


async def test_four_writers_at_once_lose_nothing(db: Database) -> None:
    """Contract 4.4: nothing lost, nothing double, positions distinct."""
    ana = await user(db)
    made = await collection(db, ana)
    shares = [await models(db, ana, 10) for _ in range(4)]

    async def writer(items: list[int]) -> None:
        for item in items:
            async with db.transaction() as tx:
                added = (await entries.add(tx, ana, made.slug, [Addition(ItemRef(item))])).checked()
                change = EntryChange(added.results[0].entry or "", position=0)
                (await entries.update(tx, ana, made.slug, [change])).checked()

    await asyncio.gather(*(writer(items) for items in shares))
    found = await names(db, ana, made.slug)
    assert sorted(found) == sorted(item for items in shares for item in items)
    async with db.reading() as tx:
        assert (await service.get(tx, ana, made.slug)).entry_count == 40


async def test_adding_while_the_item_is_being_hidden_is_counted_right(db: Database) -> None:
    """The entry knows that its item is closed, whichever of the two came first."""
    ana, bob = await user(db), await user(db)
    made = await collection(db, ana)
    for item in await models(db, ana, 8):

        async def put(item: int = item) -> None:
            async with db.transaction() as tx:
                await entries.add(tx, ana, made.slug, [Addition(ItemRef(item))])

        await asyncio.gather(put(), hide(db, ana, item))
    async with db.reading() as tx:
        assert (await service.get(tx, bob, made.slug)).entry_count == 0
        assert (await service.get(tx, ana, made.slug)).entry_count == 8


async def test_a_copy_holds_what_the_copier_sees(db: Database) -> None:
    ana, bob = await user(db), await user(db)
    a, b = await models(db, ana, 2)
    made = await collection(db, ana, [a, b])
    await hide(db, ana, a)
    async with db.transaction() as tx:
        copied = await service.copy(tx, bob, made.slug)
    assert copied.owner == bob.name
    assert copied.entry_count == 1
    assert await names(db, bob, copied.slug) == [b]


async def test_the_trash_is_emptied_by_the_clock(db: Database) -> None:
    """What has been in the trash for long is forgotten, with its entries and history; what is fresh stays."""
    ana = await user(db)
    made = await collection(db, ana, await models(db, ana, 2))
    async with db.transaction() as tx:
        await service.delete(tx, ana, made.slug)
    work = Work(replace(Settings(), trash_days=1), db, Blobs.of(Settings()))
    await purge_trash(work)
    async with db.reading() as tx:
        assert (await service.get(tx, ana, made.slug, trashed=True)).id == made.id
        await tx.connection.execute("update items set deleted_at = now() - interval '2 days' where id = %s", [made.id])
    await purge_trash(work)
    async with db.reading() as tx:
        with pytest.raises(errors.CollectionNotFound):
            await service.get(tx, ana, made.slug, trashed=True)
