"""Media that are removed: gone from datasets, selections and queues at once, and brought back."""

from __future__ import annotations

import asyncio

import pytest

from factories import collection, user, with_role
from factories.selections import Studio, execute, make_studio, value
from pinakes.server import errors
from pinakes.server.actor import Actor, Role
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media_jobs
from pinakes.server.collections import checks, media_removal, revisions, selections, service
from pinakes.server.collections.selection_types import Removed, Selection
from pinakes.server.db import Database
from pinakes.server.events import service as events
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work

KEPT = ("figure_history", "drafts", "votes", "vote_counts")


async def items_of(db: Database, reader: Actor, selection: Selection) -> list[int]:
    async with db.reading() as tx:
        return [row.item_id for row in (await service.get_with_entries(tx, reader, selection.public_id))[1]]


async def remove(studio: Studio, items: list[int], reason: str | None = None) -> Removed:
    async with studio.db.transaction() as tx:
        return await media_removal.remove_items(tx, studio.actor, items, reason=reason)


async def restore(studio: Studio, items: list[int]) -> Removed:
    async with studio.db.transaction() as tx:
        return await media_removal.restore_items(tx, studio.actor, items)


async def queue(studio: Studio, source: str, source_id: int, items: list[int]) -> int:
    """A queue in which some items were given out."""
    made = await value(
        studio.db,
        """
        insert into queues (project_id, source, collection_id, dataset_id, name)
        values (%s, %s, %s, %s, 'q')
        returning id
        """,
        *(studio.project_id, source, *((source_id, None) if source == "collection" else (None, source_id))),
    )
    await execute(
        studio.db,
        "insert into work (queue_id, item_id, status) select %s, n, 'accepted' from unnest(%s::integer []) as w (n)",
        made,
        items,
    )
    return made


async def present(studio: Studio, queue_id: int) -> int:
    return await value(studio.db, "select count(*) from work where queue_id = %s and present", queue_id)


async def test_a_removed_item_leaves_every_selection(db: Database):
    """S1-29, contract 8.4: one revision and one event for each selection that held it; the datasets' counts follow."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b, c, d = await studio.items(4)
    (night,) = await studio.items(1, "night")
    first, second, third = [await studio.selection(items) for items in ([a, b, c], [c, night], [d])]
    removed = await remove(studio, [c, a, night, c, 2**31 - 1, 2**50, -3], "blurred")
    assert removed == Removed(
        [a, c, night], [2**31 - 1, 2**50, -3], 2, sorted([studio.datasets["train"], studio.datasets["night"]])
    )
    assert [await items_of(db, ana, one) for one in (first, second, third)] == [[b], [], [d]]
    looks = [await studio.look(one) for one in (first, second, third)]
    assert [(one.entry_count, one.revision) for one in looks] == [(1, 3), (0, 3), (1, 2)]
    assert (await studio.counts(), await studio.counts("night")) == ((2, 20), (0, 0))
    async with db.reading() as tx:
        told = (await events.history(tx, ana, first.id, limit=1)).rows[0]
        assert (told.verb, told.revision, told.reason) == ("entry.removed", 3, "blurred")
        diff = await revisions.diff(tx, ana, first.slug, 2, 3)
    assert diff.counts.removed == 2
    assert (await remove(studio, [a])).missing == [a]
    assert (await studio.look(first)).revision == 3


async def test_a_removed_item_vanishes_from_showcases_too(db: Database):
    """H-54 the other way round: what is gone is not shown, and is shown again when it is back."""
    ana = await user(db)
    studio = await make_studio(db, ana, visibility="public")
    a, b = await studio.items(2)
    showcase = await collection(db, ana, [a, b])
    await remove(studio, [a])
    async with db.reading() as tx:
        found, rows = await service.get_with_entries(tx, ana, showcase.slug)
    assert (found.entry_count, [row.item_id for row in rows]) == (1, [b])
    await restore(studio, [a])
    async with db.reading() as tx:
        assert (await service.get(tx, ana, showcase.slug)).entry_count == 2


async def test_removed_items_come_back(db: Database):
    """Into their dataset; a selection takes them where a revision with them is brought back."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b = await studio.items(2)
    made = await studio.selection([a, b])
    await remove(studio, [a])
    async with db.transaction() as tx:
        assert (await revisions.restore(tx, ana, made.slug, 2)).entry_count == 1
    assert (await restore(studio, [a, b, 7])).items == [a]
    assert await studio.counts() == (2, 20)
    assert await items_of(db, ana, made) == [b]
    async with db.transaction() as tx:
        await revisions.restore(tx, ana, made.slug, 2)
    assert await items_of(db, ana, made) == [a, b]


async def test_an_item_whose_name_was_taken_does_not_come_back(db: Database):
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b = await studio.items(2)
    await remove(studio, [a])
    await execute(
        db, "update items set (name, name_key) = (select name, name_key from items where id = %s) where id = %s", a, b
    )
    with pytest.raises(errors.NameTaken) as caught:
        await restore(studio, [a])
    assert [error["id"] for error in caught.value.details["errors"]] == [b]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType, reportGeneralTypeIssues]
    assert await studio.counts() == (1, 10)


async def test_queues_follow(db: Database):
    """Decision 5: an item that is removed leaves queues of selections, datasets and lists, and keeps its state."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b = await studio.items(2)
    made = await studio.selection([a, b])
    of_selection = await queue(studio, "collection", made.id, [a, b])
    of_dataset = await queue(studio, "dataset", studio.datasets["train"], [a, b])
    of_list = await queue(studio, "list", studio.datasets["train"], [a, b])
    await remove(studio, [a])
    assert [await present(studio, one) for one in (of_selection, of_dataset, of_list)] == [1, 1, 1]
    await restore(studio, [a])
    assert [await present(studio, one) for one in (of_selection, of_dataset, of_list)] == [1, 2, 2]
    async with db.transaction() as tx:
        await selections.add_items(tx, ana, made.id, [(a, None)])
    assert await present(studio, of_selection) == 2
    assert await value(db, "select count(*) from work where item_id = %s and status = 'accepted'", a) == 3


async def test_a_dataset_goes_with_all_that_is_nested_in_it(db: Database):
    """Its items leave the selections; other datasets stay."""
    ana, eve = await user(db), await user(db)
    studio = await make_studio(db, ana)
    await studio.dataset("night")
    await studio.dataset("rain", "night")
    await studio.dataset("heavy", "rain")
    (a,), (b,), (c,) = [await studio.items(1, name) for name in ("night", "heavy", "train")]
    made = await studio.selection([a, b, c])
    for actor, number in ((eve, studio.datasets["night"]), (ana, 2**31 - 1), (ana, 2**40), (ana, 0)):
        async with db.transaction() as tx:
            with pytest.raises(errors.NotFound):
                await media_removal.remove_dataset(tx, actor, number)
    async with db.transaction() as tx:
        removed = await media_removal.remove_dataset(tx, ana, studio.datasets["night"])
    assert (removed.items, removed.selections, len(removed.datasets)) == ([a, b], 1, 3)
    assert await items_of(db, ana, made) == [c]
    left = await value(
        db, "select count(*) from datasets where project_id = %s and deleted_at is null", studio.project_id
    )
    assert left == 1
    with pytest.raises(errors.Conflict):
        await restore(studio, [b])
    async with db.transaction() as tx:
        removed = await media_removal.remove_dataset(tx, ana, studio.datasets["train"], hard=True)
    assert (removed.items, await items_of(db, ana, made)) == ([c], [])


async def test_a_project_goes_with_its_datasets(db: Database):
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(2)
    made = await studio.selection(items)
    async with db.transaction() as tx:
        await media_removal.remove_project(tx, ana, studio.project_id)
        with pytest.raises(errors.CollectionNotFound):
            await selections.get(tx, ana, made.id)
    left = "select count(*) from items where container_id = %s and deleted_at is null"
    assert await value(db, left, studio.project_id) == 0
    other = await make_studio(db, ana)
    async with db.transaction() as tx:
        await media_removal.remove_project(tx, ana, other.project_id, hard=True)
    assert await value(db, "select count(*) from items where id = %s and deleted_at is null", other.project_id) == 0


async def test_who_may_not_write_removes_nothing(db: Database):
    """All or nothing: a foreign item is missing, one that can only be read refuses the call."""
    ana, bob, eve = await user(db), await user(db), await user(db)
    studio, own = await make_studio(db, ana), await make_studio(db, bob)
    (a,), (b,) = await studio.items(1), await own.items(1)
    viewer = with_role(bob, next(iter(ana.roles)), Role.VIEWER)
    async with db.transaction() as tx:
        with pytest.raises(errors.Forbidden):
            await media_removal.remove_items(tx, viewer, [b, a])
        assert (await media_removal.remove_items(tx, eve, [a])).missing == [a]
    assert (await studio.counts(), await own.counts()) == ((1, 10), (1, 10))
    await remove(studio, [a])
    async with db.transaction() as tx:
        assert (await media_removal.restore_items(tx, eve, [a])).items == []
        assert (await media_removal.restore_items(tx, viewer, [a])).items == []


async def test_items_are_forgotten_for_good(db: Database):
    """By an admin, from the trash only; what a selection was can still be read."""
    ana, bob = await user(db), await user(db)
    studio = await make_studio(db, ana)
    a, b = await studio.items(2)
    made = await studio.selection([a, b])
    await remove(studio, [a])
    member = with_role(bob, next(iter(ana.roles)), Role.MEMBER)
    async with db.transaction() as tx:
        with pytest.raises(errors.Forbidden):
            await media_removal.purge_items(tx, member, [a, b])
        gone = await media_removal.purge_items(tx, ana, [a, b])
        assert (gone.items, gone.missing) == ([a], [b])
        assert (await media_removal.restore_items(tx, ana, [a])).missing == [a]
    assert await value(db, "select count(*) from media where item_id in (%s, %s)", a, b) == 1
    async with db.reading() as tx:
        assert (await revisions.at(tx, ana, made.slug, 2)).entry_count == 2


async def test_what_belongs_to_a_deleted_project_goes_with_it(db: Database):
    """Not before, by whoever may look through the trash."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    (a,) = await studio.items(1)
    await remove(studio, [a])
    async with db.transaction() as tx:
        await media_removal.remove_project(tx, ana, studio.project_id)
        member = with_role(await user(db), next(iter(ana.roles)), Role.MEMBER)
        assert (await media_removal.purge_items(tx, member, [a])).missing == [a]
    assert await value(db, "select count(*) from media where item_id = %s", a) == 1


@pytest.mark.parametrize("way", ["asked for", "long in the trash", "with its dataset", "with its project"])
async def test_whatever_is_kept_of_an_item_goes_with_it(db: Database, blobs: Blobs, way: str):
    """What its figures were, what somebody drew, its votes: nothing refers to it, so a file of theirs can go too."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b = await studio.items(2)
    made = await queue(studio, "dataset", studio.datasets["train"], [])
    for item in (a, b):
        await keep_much_of(db, made, item, ana)
    if way == "with its dataset":
        (b,) = await studio.items(1, "night")
        await keep_much_of(db, made, b, ana)
    await go_for_good(studio, a, way, Work(Settings(), db, blobs))
    assert await kept_of(db, a) == 0
    assert await kept_of(db, b) == (0 if way == "with its project" else 4)


async def keep_much_of(db: Database, queue_id: int, item: int, person: Actor) -> None:
    await execute(
        db,
        """
        insert into figure_history (
            figure_id, item_id, class_id, geometry_type, meta, description, extras, since, removed
        )
        values (1, %s, 1, 'mask_3d', '{}', '', '{}', now(), true)
        """,
        item,
    )
    await execute(
        db, "insert into drafts (queue_id, item_id, user_id, annotation) values (%s, %s, 1, '{}')", queue_id, item
    )
    await execute(db, "insert into votes (item_id, user_id) values (%s, %s)", item, person.user_id)
    await execute(db, "insert into vote_counts (item_id, votes) values (%s, 1)", item)


async def kept_of(db: Database, item: int) -> int:
    each = (f"(select count(*) from {table} where item_id = %s)" for table in KEPT)
    return await value(db, f"select {' + '.join(each)}", *[item for _ in KEPT])


async def go_for_good(studio: Studio, item: int, way: str, work: Work) -> None:
    if way in {"asked for", "long in the trash"}:
        await remove(studio, [item])
    await execute(
        studio.db,
        "update items set deleted_at = now() - interval '90 days' where id = %s and deleted_at is not null",
        item,
    )
    async with studio.db.transaction() as tx:
        if way == "asked for":
            await media_removal.purge_items(tx, studio.actor, [item])
        elif way == "with its dataset":
            await media_removal.remove_dataset(tx, studio.actor, studio.datasets["train"], hard=True)
        elif way == "with its project":
            await media_removal.remove_project(tx, studio.actor, studio.project_id, hard=True)
    if way == "long in the trash":
        await media_jobs.purge_trashed_media(work)
    elif way == "with its dataset":
        await media_jobs.purge_dataset(work, dataset_id=studio.datasets["train"])
    elif way == "with its project":
        await media_jobs.purge_project(work, project_id=studio.project_id)


async def test_a_check_does_not_keep_what_is_removed(db: Database):
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b = await studio.items(2)
    made = await studio.selection([a, b])
    async with db.transaction() as tx:
        await checks.add(tx, ana, made.slug, "size", {"least": 2}, blocks=True)
    await remove(studio, [a])
    assert await items_of(db, ana, made) == [b]


async def test_twenty_thousand_go_in_a_handful_of_statements(db: Database):
    """However many items and selections there are."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = [item for _ in range(2) for item in await studio.items(10_000)]
    made = [await studio.selection(items[start::2]) for start in (0, 1)]
    removed = await remove(studio, items)
    assert (len(removed.items), removed.selections) == (20_000, 2)
    assert [(await studio.look(one)).entry_count for one in made] == [0, 0]
    assert await studio.counts() == (0, 0)


async def test_removals_and_additions_at_once_leave_exact_counts(db: Database):
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(40)
    made = [await studio.selection(items[:20]) for _ in range(2)]

    async def add(selection: Selection, part: list[int]) -> None:
        async with db.transaction() as tx:
            await selections.add_items(tx, ana, selection.id, [(item, None) for item in part])

    calls = [remove(studio, items[at : at + 5]) for at in (0, 10, 20, 30)]
    await asyncio.gather(*calls, *(add(one, items[at::2]) for one in made for at in (0, 1)))
    for one in made:
        held = await items_of(db, ana, one)
        assert (await studio.look(one)).entry_count == len(held) == 20
        assert not set(held) & {*items[0:5], *items[10:15], *items[20:25], *items[30:35]}
