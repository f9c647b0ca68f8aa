"""Selections: collections of one project's media, through their own verbs and those of all collections."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from factories import collection, models, unique, user, with_role
from factories.selections import Studio, execute, make_studio, value
from pinakes.server import errors
from pinakes.server.actor import Actor, Role
from pinakes.server.catalog import projects
from pinakes.server.catalog.types import ProjectChanges
from pinakes.server.collections import bulk, change, entries, revisions, selections, service, sets
from pinakes.server.collections.selection_types import Added, Selection
from pinakes.server.collections.types import (
    Addition,
    BulkSummary,
    Collection,
    EntryChange,
    FieldChanges,
    ItemRef,
    Listing,
    Where,
)
from pinakes.server.db import Database, Tx


async def items_of(db: Database, reader: Actor, selection: Selection) -> list[int]:
    async with db.reading() as tx:
        return [row.item_id for row in (await service.get_with_entries(tx, reader, selection.public_id))[1]]


async def add(studio: Studio, selection: Selection, items: Sequence[tuple[int, float | None]]) -> Added:
    async with studio.db.transaction() as tx:
        return await selections.add_items(tx, studio.actor, selection.id, items)


async def test_a_selection_is_made_empty_in_a_project(db: Database):
    """S1-04, S1-09, S1-12, S1-52: a project, a name, a description; no items needed."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    made = await studio.selection(name="False positives", description="after run 7")
    assert (made.project_id, made.owner, made.name, made.description) == (
        studio.project_id, ana.name, "False positives", "after run 7",
    )  # fmt: skip
    assert (made.data_type, made.search_key, made.visibility) == ("images", None, "private")
    assert (made.entry_count, made.revision, made.is_live) == (0, 1, False)
    assert made.slug == f"{ana.name}/false-positives-{made.public_id}"
    async with db.reading() as tx:
        assert (await service.get(tx, ana, made.slug, kind="selection")).id == made.id


@pytest.mark.parametrize(
    ("data_type", "kind"),
    [
        ("images", "image"),
        ("videos", "video"),
        ("point_clouds", "point_cloud"),
        ("point_cloud_episodes", "point_cloud"),
        ("volumes", "volume"),
    ],
)
async def test_it_holds_the_items_of_its_projects_type(db: Database, data_type: str, kind: str):
    """S1-02, S1-05, S1-59."""
    ana = await user(db)
    studio = await make_studio(db, ana, data_type)
    made = await studio.selection(await studio.items(2))
    async with db.reading() as tx:
        _, rows = await service.get_with_entries(tx, ana, made.public_id)
    assert [row.kind for row in rows] == [kind, kind]
    assert made.data_type == data_type


async def test_items_of_several_datasets_are_referred_to_in_the_order_of_addition(db: Database):
    """S1-03, S1-06, S1-07, S1-10, S1-11, S1-23: nothing is copied, and an item may be in several."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    await studio.dataset("night")
    await studio.dataset("rain", "night")
    first, second, third = [await studio.items(2, name) for name in ("night", "rain", "train")]
    made = await studio.selection([third[1], first[0]])
    other = await studio.selection([first[0]])
    added = await add(studio, made, [(second[0], None), (first[1], 0.5)])
    assert [member.item_id for member in added.items] == [second[0], first[1]]
    assert (await items_of(db, ana, made), await items_of(db, ana, other)) == (
        [third[1], first[0], second[0], first[1]],
        [first[0]],
    )
    assert await value(db, "select count(*) from media where project_id = %s", studio.project_id) == 6


async def test_members_are_answered_again_and_take_a_new_score(db: Database):
    """Contract 8.3: adding again is no error; a new score overwrites, none leaves the old one."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b, c = await studio.items(3)
    made = await studio.selection()
    before = await add(studio, made, [(a, 0.25), (b, None)])
    after = await add(studio, made, [(c, 1.0), (a, 0.75), (b, 0.5), (a, 0.125)])
    assert [(member.item_id, member.score) for member in after.items] == [(c, 1.0), (a, 0.125), (b, 0.5)]
    assert after.items[1].created_at == before.items[0].created_at
    assert [member.id for member in after.items] == [c, a, b]
    again = await add(studio, made, [(a, None), (b, 0.5)])
    assert [member.score for member in again.items] == [0.125, 0.5]
    assert ((await studio.look(made)).revision, (await studio.look(made)).entry_count) == (3, 3)
    async with db.reading() as tx:
        diff = await revisions.diff(tx, ana, made.public_id, 2, 3)
    assert (diff.counts.added, diff.counts.changed) == (1, 2)


async def test_what_cannot_be_added_is_missing_and_the_rest_goes_in(db: Database):
    """S1-58: an item of another project or owner, a removed one, a number that is none."""
    ana, bob = await user(db), await user(db)
    studio, other, foreign = await make_studio(db, ana), await make_studio(db, ana), await make_studio(db, bob)
    good, gone = await studio.items(2)
    (near,), (far,) = await other.items(1), await foreign.items(1)
    (model,) = await models(db, ana, 1)
    await execute(db, "update items set deleted_at = now() where id = %s", gone)
    made = await studio.selection()
    nobody = [near, far, gone, model, 2**31 - 1, 0, -1, 2**40]
    added = await add(studio, made, [*((item, None) for item in nobody), (good, None)])
    assert [member.item_id for member in added.items] == [good]
    assert added.missing == nobody
    with pytest.raises(errors.Invalid) as caught:
        await add(studio, made, [(good, float("nan"))])
    assert caught.value.field == "score"


async def test_items_are_taken_out_and_stay_in_their_dataset(db: Database):
    """S1-08, S1-30, S1-55."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(4)
    made = await studio.selection(items)
    async with db.transaction() as tx:
        taken = await selections.take_items(tx, ana, made.id, [items[2], 2**31 - 1, items[0], items[2], 2**40])
    assert ([member.item_id for member in taken.items], taken.missing) == ([items[2], items[0]], [2**31 - 1, 2**40])
    assert await items_of(db, ana, made) == [items[1], items[3]]
    assert (await studio.look(made)).entry_count == 2
    assert await studio.counts() == (4, 40)
    async with db.transaction() as tx:
        assert (await selections.take_items(tx, ana, made.id, [items[0]])).missing == [items[0]]
    assert (await studio.look(made)).revision == 3


async def test_a_name_is_unique_in_its_project(db: Database):
    """Contract 8.7: over both types; in another project, or after a removal, it is free."""
    ana = await user(db)
    studio, other = await make_studio(db, ana), await make_studio(db, ana)
    made = await studio.selection(name="Night  drive")
    for search_key in (None, "key"):
        with pytest.raises(errors.TitleTaken) as caught:
            await studio.selection(name="Night drive", search_key=search_key)
        assert caught.value.details["id"] == made.id
    second = await studio.selection(name="Day")
    async with db.transaction() as tx:
        with pytest.raises(errors.TitleTaken) as caught:
            await selections.update(tx, ana, second.id, name="Night drive")
    assert caught.value.details["id"] == made.id
    await other.selection(name="Night drive")
    await collection(db, ana, title="Night drive")
    async with db.transaction() as tx:
        await selections.remove(tx, ana, made.id)
        assert (await selections.update(tx, ana, second.id, name="Night drive", description="x")).description == "x"
    async with db.transaction() as tx:
        with pytest.raises(errors.TitleTaken):
            await service.restore(tx, ana, made.public_id)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\\b", "x" * 256, "a\0b", "\ud800"])
async def test_a_name_that_cannot_be_one_is_refused(db: Database, name: str):
    """Contract 8.7: up to 255 characters, no `/` or `\\`."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    made = await studio.selection(name="x" * 255)
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid) as caught:
            await selections.create(tx, ana, studio.project_id, name)
        assert caught.value.field == "title"
        with pytest.raises(errors.Invalid):
            await selections.update(tx, ana, made.id, name=name)


async def test_soft_and_hard_removal(db: Database):
    """S1-53, contract 8.8: gone either way; only the soft one can be taken back, and hard is an admin's."""
    ana, bob = await user(db), await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(2)
    soft, hard = await studio.selection(items), await studio.selection(items)
    member = with_role(bob, next(iter(ana.roles)), Role.MEMBER)
    async with db.transaction() as tx:
        await selections.remove(tx, member, soft.id)
    async with db.transaction() as tx:
        with pytest.raises(errors.CollectionNotFound):
            await selections.get(tx, ana, soft.id)
        await service.restore(tx, member, soft.public_id)
    assert await items_of(db, ana, soft) == items
    with pytest.raises(errors.Forbidden):
        async with db.transaction() as tx:
            await selections.remove(tx, member, hard.id, hard=True)
    assert (await studio.look(hard)).entry_count == 2
    async with db.transaction() as tx:
        await selections.remove(tx, ana, hard.id, hard=True)
    assert await value(db, "select count(*) from selections where collection_id = %s", hard.id) == 0
    async with db.transaction() as tx:
        with pytest.raises(errors.CollectionNotFound):
            await service.restore(tx, ana, hard.public_id)


async def test_who_does_not_see_the_project_sees_no_selection(db: Database):
    """What a reader may not see does not exist, in lists and counts alike."""
    ana, bob, eve = await user(db), await user(db), await user(db)
    studio = await make_studio(db, ana)
    made = await studio.selection(await studio.items(1))
    viewer = with_role(bob, next(iter(ana.roles)), Role.VIEWER)
    async with db.transaction() as tx:
        assert (await selections.get(tx, viewer, made.id)).entry_count == 1
        assert (await selections.page(tx, viewer, studio.project_id)).total == 1
        for refused in (selections.add_items(tx, viewer, made.id, []), selections.take_items(tx, viewer, made.id, [])):
            with pytest.raises(errors.Forbidden):
                await refused
        with pytest.raises(errors.Forbidden):
            await selections.create(tx, viewer, studio.project_id, "mine")
        for hidden in (
            selections.get(tx, eve, made.id),
            selections.add_items(tx, eve, made.id, []),
            selections.remove(tx, eve, made.id),
            selections.update(tx, eve, made.id, name="x"),
        ):
            with pytest.raises(errors.CollectionNotFound):
                await hidden
        for hidden in (selections.page(tx, eve, studio.project_id), selections.create(tx, eve, studio.project_id, "x")):
            with pytest.raises(errors.ProjectNotFound):
                await hidden
        for number in (0, -1, 2**31, 2**63):
            with pytest.raises(errors.CollectionNotFound):
                await selections.get(tx, ana, number)
            with pytest.raises(errors.ProjectNotFound):
                await selections.create(tx, ana, number, "x")


async def test_a_project_of_runs_has_no_selections(db: Database):
    ana = await user(db)
    studio = await make_studio(db, ana)
    await execute(db, "update projects set data_type = null where item_id = %s", studio.project_id)
    with pytest.raises(errors.Invalid) as caught:
        await studio.selection()
    assert caught.value.field == "project"


async def test_what_a_search_found_is_selected_among_images(db: Database):
    """Contract 8.6: a selection with a search behind it has its key, in a project of images only."""
    ana = await user(db)
    images, videos = await make_studio(db, ana), await make_studio(db, ana, "videos")
    assert (await images.selection(search_key="people at night")).search_key == "people at night"
    for studio, key in ((videos, "people"), (images, ""), (images, "a\0b"), (images, "x" * 1001)):
        with pytest.raises(errors.Invalid) as caught:
            await studio.selection(search_key=key)
        assert caught.value.field == "search_key"


async def test_selections_of_a_project_are_listed(db: Database):
    """S1-21, S1-48, S1-51, S1-56, contract 8.5: by type, name, number; sorted, in pages, with their total."""
    ana = await user(db)
    studio, other = await make_studio(db, ana), await make_studio(db, ana)
    await other.selection()
    items = await studio.items(3)
    beta = await studio.selection(items[:1], name="beta")
    alpha = await studio.selection(items, name="alpha", description="the night ones")
    found = await studio.selection(items[:2], name="Found", search_key="people")

    async def names(**asked: object) -> tuple[list[str], int]:
        async with db.reading() as tx:
            page = await selections.page(tx, ana, studio.project_id, **asked)  # pyright: ignore[reportArgumentType]
        return [row.name for row in page.rows], page.total

    assert await names() == (["beta", "alpha"], 2)
    assert await names(searches=True) == (["Found"], 1)
    assert await names(searches=None) == (["beta", "alpha", "Found"], 3)
    assert await names(searches=None, limit=2, offset=1) == (["alpha", "Found"], 3)
    assert await names(searches=None, limit=1) == (["beta"], 3)
    assert await names(searches=None, names=["alpha", "no\0ne"]) == (["alpha"], 1)
    assert await names(searches=None, ids=[found.id, beta.id, 2**40]) == (["beta", "Found"], 2)
    assert await names(text="NIGHT") == (["alpha"], 1)
    assert await names(searches=None, sort="name") == (["alpha", "beta", "Found"], 3)
    assert await names(searches=None, sort="entry_count", descending=True) == (["alpha", "Found", "beta"], 3)
    assert await names(searches=None, sort="created_at", descending=True) == (["Found", "alpha", "beta"], 3)
    assert (await studio.look(found)).search_key == "people"
    async with db.transaction() as tx:
        await selections.add_items(tx, ana, beta.id, [(items[2], None)])
    assert await names(searches=None, sort="updated_at", descending=True) == (["beta", "Found", "alpha"], 3)
    assert alpha.id < found.id
    for bad in ({"limit": 0}, {"limit": 10_001}, {"offset": -1}, {"offset": 2**63}, {"sort": "size"}):
        with pytest.raises(errors.Invalid):
            await names(**bad)


async def test_the_verbs_of_all_collections_work_on_a_selection(db: Database):
    """S1-50: order, notes, scores, tags, title and description are kept up like those of a showcase."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b, c, d = await studio.items(4)
    made = await studio.selection([a, b])
    async with db.transaction() as tx:
        batch = await entries.add(
            tx, ana, made.slug, [Addition(ItemRef(c), score=0.5), Addition(ItemRef(d))], where=Where(position=0)
        )
        entry_c, entry_d = (result.entry or "" for result in batch.checked().results)
        await entries.move(tx, ana, made.slug, [entry_c], Where(after=entry_d))
        await entries.update(tx, ana, made.slug, [EntryChange(entry_d, note="blurred", score=0.25)])
        changes = FieldChanges(title="Renamed", description="new", tags=["night"])
        changed = await service.update(tx, ana, made.slug, changes)
    assert (changed.slug, changed.tags) == (f"{ana.name}/renamed-{made.public_id}", ["night"])
    assert await items_of(db, ana, made) == [d, c, a, b]
    async with db.transaction() as tx:
        await entries.remove(tx, ana, changed.slug, [entry_c])
        await entries.add(tx, ana, changed.slug, [Addition(ItemRef(c))])
        page = await entries.page(tx, ana, changed.slug, limit=2)
        past = await entries.page(tx, ana, changed.slug, revision=2)
    assert [(row.item_id, row.note, row.score) for row in page.rows] == [(d, "blurred", 0.25), (a, None, None)]
    assert [row.item_id for row in past.rows] == [a, b]
    async with db.transaction() as tx:
        back = await revisions.restore(tx, ana, changed.slug, 2)
    assert (back.title, back.entry_count) == (made.name, 2)
    async with db.transaction() as tx:
        assert (await revisions.undo(tx, ana, changed.slug)).entry_count == 4
    other = await studio.selection([a])
    async with db.reading() as tx:
        sizes = await sets.sizes(tx, ana, changed.slug, other.slug)
    assert (sizes.left, sizes.intersection) == (4, 1)


async def test_lines_are_answered_one_by_one(db: Database):
    """S1-59: natively, an item of another project or type is invalid, one that can't be seen unknown."""
    ana, bob = await user(db), await user(db)
    studio, other, foreign = (
        await make_studio(db, ana),
        await make_studio(db, ana, "videos"),
        await make_studio(db, bob),
    )
    good, twice = await studio.items(2)
    (near,), (far,) = await other.items(1), await foreign.items(1)
    (model,) = await models(db, ana, 1)
    made = await studio.selection()
    items = [good, near, far, model, twice, twice]
    async with db.transaction() as tx:
        batch = await entries.add(tx, ana, made.slug, [Addition(ItemRef(item)) for item in items])
    outcomes = ["added", "invalid", "unknown", "invalid", "added", "duplicate"]
    assert [result.outcome for result in batch.results] == outcomes
    assert batch.results[1].error is not None
    assert "another project" in batch.results[1].error.message
    another = await studio.selection()
    async with db.transaction() as tx:
        told = [said async for said in bulk.add_lines(tx, ana, another.slug, items, total=6, report_all=True)]
    assert [line.result.outcome for line in told if hasattr(line, "result")] == outcomes  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(told[-1], BulkSummary)
    assert await items_of(db, ana, another) == [good, twice]
    assert not await value(db, "select count(*) from entries where closed and collection_id = %s", another.id)


async def test_a_selection_stays_in_its_project(db: Database):
    """S1-04: it is copied within it, and has its owner, place and visibility."""
    ana, bob = await user(db), await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(3)
    made = await studio.selection(items)
    async with db.transaction() as tx:
        await selections.take_items(tx, ana, made.id, [items[0]])
        copied = await service.copy(tx, ana, made.slug, title="Copy of it", revision=2)
        copy = await selections.get(tx, ana, copied.id)
        for refused in (
            service.transfer(tx, ana, made.slug, bob.name),
            service.update(tx, ana, made.slug, FieldChanges(visibility="public")),
            service.update(tx, ana, made.slug, FieldChanges(position=0)),
            service.copy(tx, ana, made.slug, owner=bob.name),
            service.copy(tx, ana, made.slug, visibility="public"),
            service.create(tx, ana, owner=None, title="x", kind="selection"),
        ):
            with pytest.raises(errors.Invalid):
                await refused
    assert (copy.project_id, copy.name, copy.entry_count) == (studio.project_id, "Copy of it", 3)
    assert await items_of(db, ana, copy) == items


async def test_selections_follow_their_projects_visibility_and_end(db: Database):
    """What is done to a project is done to its selections; a restored revision does not bring a visibility back."""
    ana, eve = await user(db), await user(db)
    studio = await make_studio(db, ana)
    made = await studio.selection(await studio.items(2))
    async with db.transaction() as tx:
        await selections.update(tx, ana, made.id, name="Renamed")
        await projects.update_project(tx, ana, studio.project_id, ProjectChanges(visibility="public"))
    async with db.transaction() as tx:
        assert (await selections.get(tx, eve, made.id)).visibility == "public"
        assert (await revisions.restore(tx, ana, made.public_id, 2)).visibility == "public"
    assert len(await items_of(db, eve, made)) == 2
    async with db.transaction() as tx:
        await projects.update_project(
            tx, ana, studio.project_id, ProjectChanges(visibility="private", name=unique("p"))
        )
        with pytest.raises(errors.CollectionNotFound):
            await selections.get(tx, eve, made.id)
        await projects.delete_project(tx, ana, studio.project_id)
        with pytest.raises(errors.CollectionNotFound):
            await selections.get(tx, ana, made.id)
        with pytest.raises(errors.Conflict):
            await service.restore(tx, ana, made.public_id)


async def test_a_showcase_holds_selections_and_media_natively(db: Database):
    """Decision 2; what is private in it is closed for others."""
    ana, eve = await user(db), await user(db)
    studio = await make_studio(db, ana)
    (item,) = await studio.items(1)
    made = await studio.selection([item])
    showcase = await collection(db, ana, [made.id, item])
    assert showcase.entry_count == 2
    async with db.reading() as tx:
        assert (await service.get(tx, eve, showcase.slug)).entry_count == 0
        found = await service.list_collections(tx, ana, Listing(items=[ItemRef(item)]))
    assert {row.id for row in found.rows} == {made.id, showcase.id}


async def test_many_at_once_add_and_take(db: Database):
    """S1-54: calls at the same time come one after the other, and the count is exact."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(60)
    made = await studio.selection(items[:10])

    async def one(at: int) -> None:
        async with db.transaction() as tx:
            await selections.add_items(tx, ana, made.id, [(item, None) for item in items[at : at + 30]])
        async with db.transaction() as tx:
            await selections.take_items(tx, ana, made.id, items[at : at + 5])

    await asyncio.gather(*(one(at) for at in range(0, 30, 5)))
    held = await items_of(db, ana, made)
    assert len(held) == len(set(held)) == (await studio.look(made)).entry_count


async def test_fifty_thousand_in_one_call(db: Database):
    """Story A, step 2: one call, few statements; the answer has each in the order asked."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(50_000)
    made = await studio.selection()
    added = await add(studio, made, [(item, None) for item in reversed(items)])
    assert [member.item_id for member in added.items] == items[::-1]
    assert (await studio.look(made)).entry_count == 50_000


async def test_a_live_collection_is_brought_up_to_date_before_it_is_read(db: Database, monkeypatch: pytest.MonkeyPatch):
    """The hook is asked for live ones only, by verbs that read."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(2)
    plain, live = await studio.selection(items[:1]), await studio.selection(items[:1])
    await execute(db, "insert into live_collections (collection_id) values (%s)", live.id)
    asked: list[int] = []

    async def refresh(tx: Tx, actor: Actor, found: Collection) -> bool:
        assert found.is_live
        asked.append(found.id)
        async with tx.savepoint():
            return bool((await selections.add_items(tx, actor, found.id, [(items[1], None)])).items)

    monkeypatch.setattr(change, "_refreshing", [])
    change.refresh_with(refresh)
    assert await items_of(db, ana, plain) == items[:1]
    assert asked == []
    assert await items_of(db, ana, live) == items
    async with db.reading() as tx:
        assert (await service.get(tx, ana, live.slug)).entry_count == 2
        assert (await entries.page(tx, ana, live.slug)).rows[1].item_id == items[1]
    assert asked == [live.id] * 3
