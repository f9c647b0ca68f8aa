"""Workspaces, projects of media and datasets: made, listed, changed, moved, put away and removed for good."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from factories.artifacts import make_project
from factories.media import make_shelf, put_rows
from factories.people import Person, again, join, make_organization, make_user, told_of, unique
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, anonymous, system
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import datasets, media, media_jobs, media_projects, projects, workspaces
from pinakes.server.catalog.media_types import DATA_TYPES, DatasetChanges, MediaProjectChanges, Workspace
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work


async def first_of(db: Database, person: Person) -> Workspace:
    async with db.reading() as tx:
        return await workspaces.first(tx, person.actor, person.id)


async def test_every_account_has_a_first_workspace_which_stays(db: Database):
    ana = await make_user(db)
    org = await make_organization(db, ana)
    first = await first_of(db, ana)
    assert (first.account, first.name, first.is_first, first.hidden) == (ana.name, "First Workspace", True, False)
    async with db.reading() as tx:
        assert await workspaces.list_workspaces(tx, ana.actor, ana.id) == [first]
        assert await workspaces.get(tx, ana.actor, first.id) == first
        with pytest.raises(errors.AccountNotFound):  # her role there came after her token
            await workspaces.first(tx, ana.actor, org.id)
        assert (await workspaces.first(tx, system(), org.id)).account_id == org.id
    for end in (
        lambda tx: workspaces.archive(tx, ana.actor, first.id),
        lambda tx: workspaces.remove(tx, ana.actor, [first.id]),
    ):
        async with db.transaction() as tx:
            with pytest.raises(errors.Conflict, match="stays"):
                await end(tx)


async def test_workspaces_are_made_changed_and_hidden(db: Database):
    ana, bob = await make_user(db), await make_user(db)
    async with db.transaction() as tx:
        made = await workspaces.create(tx, ana.actor, ana.id, "Roads", "by night")
        assert (made.name, made.description, made.is_first, made.created_by_id) == ("Roads", "by night", False, ana.id)
        with pytest.raises(errors.NameTaken) as taken:
            await workspaces.create(tx, ana.actor, ana.id, "roads")
        assert taken.value.details == {"errors": [{"name": "roads", "id": made.id}]}
        with pytest.raises(errors.NameTaken):
            await workspaces.update(tx, ana.actor, made.id, name="first workspace")
        changed = await workspaces.update(tx, ana.actor, made.id, name="Streets", description="", hidden=True)
        assert (changed.name, changed.description, changed.hidden) == ("Streets", "", True)
        assert len(await workspaces.list_workspaces(tx, ana.actor, ana.id)) == 2
        assert len(await workspaces.list_workspaces(tx, ana.actor, ana.id, include_hidden=False)) == 1
    async with db.reading() as tx:
        assert await workspaces.list_workspaces(tx, bob.actor, ana.id) == []
        assert await workspaces.list_workspaces(tx, ana.actor, 2**40) == []
        for verb in (
            workspaces.get(tx, bob.actor, made.id),
            workspaces.update(tx, bob.actor, made.id, name="x"),
            workspaces.archive(tx, anonymous("test"), made.id),
            workspaces.get(tx, ana.actor, 2**40),
        ):
            with pytest.raises(errors.WorkspaceNotFound):
                await verb
        with pytest.raises(errors.AccountNotFound):
            await workspaces.create(tx, bob.actor, ana.id, "x")
    assert await told_of(db, ana.actor) == ["workspace.created", "workspace.updated"]


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b", "..", "a\nb", "a\0b", "\ud800", "x" * 256])
async def test_names_that_are_no_names_are_refused(db: Database, name: str):
    ana = await make_user(db)
    first = await first_of(db, ana)
    async with db.transaction() as tx:
        project = await media_projects.create(tx, ana.actor, first.id, "x" * 255, "images")
        for verb in (
            workspaces.create(tx, ana.actor, ana.id, name),
            media_projects.create(tx, ana.actor, first.id, name, "images"),
            media_projects.update(tx, ana.actor, project.id, MediaProjectChanges(name=name)),
            datasets.create(tx, ana.actor, project.id, name),
        ):
            with pytest.raises(errors.Invalid) as caught:
                await verb
            assert caught.value.field == "name"


async def test_an_archived_workspace_takes_its_projects_along_and_is_removed_for_good(db: Database, blobs: Blobs):
    ana = await make_user(db)
    async with db.transaction() as tx:
        place = await workspaces.create(tx, ana.actor, ana.id, "old")
        project = await media_projects.create(tx, ana.actor, place.id, "p", "images")
        await datasets.create(tx, ana.actor, project.id, "ds")
    async with db.transaction() as tx:
        await workspaces.archive(tx, ana.actor, place.id)
    async with db.transaction() as tx:
        with pytest.raises(errors.WorkspaceNotFound):
            await workspaces.get(tx, ana.actor, place.id)
        with pytest.raises(errors.ProjectNotFound):
            await media_projects.get(tx, ana.actor, project.id)
        assert await media_projects.page(tx, ana.actor, account_id=ana.id) == ([], 0)
        await workspaces.create(tx, ana.actor, ana.id, "old")  # its name is free again
    bob = await make_user(db)
    for _ in range(2):
        async with db.transaction() as tx:
            await workspaces.remove(tx, ana.actor, [place.id])
            with pytest.raises(errors.WorkspaceNotFound):
                await workspaces.remove(tx, bob.actor, [place.id])
            with pytest.raises(errors.WorkspaceNotFound):
                await workspaces.remove(tx, ana.actor, [2**31 - 5])
    await media_jobs.purge_project(Work(Settings(), db, blobs), project_id=project.id)
    async with db.reading() as tx:
        rows = await (
            await tx.connection.execute("select 1 from datasets where project_id = %s", (project.id,))
        ).fetchall()
        assert rows == []


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_a_project_has_one_type_of_data(db: Database, data_type: str):
    """S1-05."""
    ana = await make_user(db)
    first = await first_of(db, ana)
    async with db.transaction() as tx:
        made = await media_projects.create(
            tx,
            ana.actor,
            first.id,
            unique("P"),
            data_type,
            description=" d ",
            settings={"a": 1},
            custom_data={"b": [2]},
        )
        assert await media_projects.get(tx, ana.actor, made.id) == made
    assert (made.data_type, made.workspace_id, made.workspace) == (data_type, first.id, "First Workspace")
    assert (made.owner, made.visibility, made.description) == (ana.name, "private", " d ")
    assert (made.settings, made.custom_data, made.readme) == ({"a": 1}, {"b": [2]}, "")
    assert (made.dataset_count, made.item_count, made.size, made.cover_id) == (0, 0, 0, None)
    assert (made.created_by_id, made.created_by) == (ana.id, ana.name)


async def test_names_of_projects_are_taken_within_their_workspace(db: Database):
    """The clashing id is said, whatever has the name; wandb finds the projects of the first workspace only."""
    ana = await make_user(db)
    first = await first_of(db, ana)
    logged = await make_project(db, ana.account, ana.actor, "digits")
    async with db.transaction() as tx:
        with pytest.raises(errors.NameTaken) as taken:
            await media_projects.create(tx, ana.actor, first.id, "Digits", "images")
        assert taken.value.details == {"errors": [{"name": "Digits", "id": logged.id}]}
        other = await workspaces.create(tx, ana.actor, ana.id, "other")
        made = await media_projects.create(tx, ana.actor, other.id, "Digits", "images")
        with pytest.raises(errors.NameTaken) as taken:
            await media_projects.create(tx, ana.actor, other.id, "DIGITS", "videos")
        assert taken.value.details == {"errors": [{"name": "DIGITS", "id": made.id}]}
        assert (await projects.get_project(tx, ana.actor, ana.name, "digits")).id == logged.id
        assert [one.id for one in (await projects.list_projects(tx, ana.actor, ana.name)).rows] == [logged.id]
        with pytest.raises(errors.NameTaken):
            await media_projects.move(tx, ana.actor, made.id, first.id)
    async with db.transaction() as tx:
        renamed = await media_projects.update(tx, ana.actor, made.id, MediaProjectChanges(name="Numbers"))
        assert (renamed.name, renamed.workspace_id) == ("Numbers", other.id)
        with pytest.raises(errors.ProjectNotFound):
            await projects.get_project(tx, ana.actor, ana.name, "Numbers")
        moved = await media_projects.move(tx, ana.actor, made.id, first.id)
        assert moved.workspace_id == first.id
        assert (await projects.get_project(tx, ana.actor, ana.name, "numbers")).id == made.id
        with pytest.raises(errors.NameTaken):
            await media_projects.update(tx, ana.actor, made.id, MediaProjectChanges(name="digits"))
        assert (await media_projects.move(tx, ana.actor, made.id, other.id)).workspace_id == other.id
        with pytest.raises(errors.ProjectNotFound):
            await projects.get_project(tx, ana.actor, ana.name, "numbers")
        await media_projects.archive(tx, ana.actor, made.id)
        assert (await projects.get_project(tx, ana.actor, ana.name, "digits")).id == logged.id


async def test_two_at_once_make_one_project(db: Database):
    ana = await make_user(db)
    first, name = await first_of(db, ana), unique("race")

    async def make() -> int | None:
        try:
            async with db.transaction() as tx:
                return (await media_projects.create(tx, ana.actor, first.id, name, "images")).id
        except errors.NameTaken:
            return None

    made = await asyncio.gather(*(make() for _ in range(5)))
    assert sum(one is not None for one in made) == 1


async def test_projects_are_listed_by_place_name_and_number(db: Database):
    ana, bob = await make_user(db), await make_user(db)
    first = await first_of(db, ana)
    async with db.transaction() as tx:
        other = await workspaces.create(tx, ana.actor, ana.id, "other")
        a = await media_projects.create(tx, ana.actor, first.id, "b", "images")
        b = await media_projects.create(tx, ana.actor, other.id, "a", "videos")
        c = await media_projects.create(tx, ana.actor, other.id, "c", "images")
        await make_project(db, ana.account, ana.actor, "runs only")

        async def listed(actor: Actor = ana.actor, **asked: Any) -> tuple[list[int], int]:  # noqa: ANN401
            rows, total = await media_projects.page(tx, actor, **asked)
            return [row.id for row in rows], total

        assert await listed(account_id=ana.id) == ([a.id, b.id, c.id], 3)
        assert await listed(account_id=ana.id, sort="name", descending=True) == ([c.id, a.id, b.id], 3)
        assert await listed(account_id=ana.id, limit=1, offset=1) == ([b.id], 3)
        assert await listed(workspace_id=other.id) == ([b.id, c.id], 2)
        assert await listed(workspace_id=first.id) == ([a.id], 1)
        assert await listed(account_id=ana.id, names=["c", "nobody", "\0"]) == ([c.id], 1)
        assert await listed(ids=[c.id, a.id, 2**40, -1]) == ([a.id, c.id], 2)
        assert await listed(account_id=ana.id, data_type="images") == ([a.id, c.id], 2)
        assert await listed(account_id=2**40) == ([], 0)
        assert await listed(bob.actor, account_id=ana.id) == ([], 0)
        assert await listed(anonymous("test"), ids=[a.id]) == ([], 0)
        wrongs: list[dict[str, Any]] = [{"sort": "colour"}, {"limit": 0}, {"offset": -1}, {"offset": 2**63}]
        for wrong in wrongs:
            with pytest.raises(errors.Invalid):
                await listed(**wrong)


async def test_a_project_is_changed(db: Database, blobs: Blobs):
    ana = await make_user(db)
    shelf = await make_shelf(db, blobs, ana.actor)
    async with db.transaction() as tx:
        await media_projects.update(tx, ana.actor, shelf.project.id, MediaProjectChanges(settings={"a": 1, "b": 2}))
        changed = await media_projects.update(
            tx,
            ana.actor,
            shelf.project.id,
            MediaProjectChanges(
                settings={"b": 3}, custom_data={"x": 1}, readme="# R", description="D", data_type="videos"
            ),
        )
        assert (changed.settings, changed.custom_data) == ({"a": 1, "b": 3}, {"x": 1})
        assert (changed.readme, changed.description, changed.data_type) == ("# R", "D", "videos")
        await media_projects.update(tx, ana.actor, shelf.project.id, MediaProjectChanges(data_type="images"))
        for wrong in (
            MediaProjectChanges(data_type="smells"),
            MediaProjectChanges(settings={"\ud800": 1}),
            MediaProjectChanges(custom_data={"a": "\0"}),
            MediaProjectChanges(readme="\0"),
        ):
            with pytest.raises(errors.Invalid):
                await media_projects.update(tx, ana.actor, shelf.project.id, wrong)
    await shelf.put("a.png")
    async with db.transaction() as tx:
        with pytest.raises(errors.Conflict, match="stays"):
            await media_projects.update(tx, ana.actor, shelf.project.id, MediaProjectChanges(data_type="videos"))
        shown = await media_projects.update(tx, ana.actor, shelf.project.id, MediaProjectChanges(visibility="public"))
        assert shown.visibility == "public"
        page = await media.page(tx, anonymous("test"), project_id=shelf.project.id)
        assert [item.visibility for item in page.rows] == ["public"]


async def test_who_may_do_what_with_projects(db: Database, blobs: Blobs):
    """A member makes and changes, an admin renames and deletes; a viewer reads; an annotator sees nothing."""
    ana = await make_user(db)
    org = await make_organization(db, ana)
    people: dict[Role, Person] = {}
    for role in (Role.ANNOTATOR, Role.REVIEWER, Role.VIEWER, Role.MANAGER, Role.MEMBER, Role.ADMIN):
        person = await make_user(db, role.value)
        await join(db, org, person, role)
        async with db.reading() as tx:
            people[role] = await again(db, person)
    async with db.transaction() as tx:
        place = await workspaces.first(tx, people[Role.MEMBER].actor, org.id)
        project = await media_projects.create(tx, people[Role.MEMBER].actor, place.id, "p", "images")
    for role in (Role.ANNOTATOR, Role.REVIEWER):
        async with db.reading() as tx:
            actor = people[role].actor
            assert await media_projects.page(tx, actor, account_id=org.id) == ([], 0)
            assert await workspaces.list_workspaces(tx, actor, org.id) == []
            with pytest.raises(errors.ProjectNotFound):
                await media_projects.get(tx, actor, project.id)
            with pytest.raises(errors.WorkspaceNotFound):
                await media_projects.create(tx, actor, place.id, "q", "images")
    for role in (Role.VIEWER, Role.MANAGER):
        async with db.transaction() as tx:
            assert await media_projects.get(tx, people[role].actor, project.id) == project
            with pytest.raises(errors.Forbidden):
                await datasets.create(tx, people[role].actor, project.id, "d")
    async with db.transaction() as tx:
        member = people[Role.MEMBER].actor
        await media_projects.update(tx, member, project.id, MediaProjectChanges(description="x"))
        with pytest.raises(errors.Forbidden):
            await media_projects.update(tx, member, project.id, MediaProjectChanges(name="x"))
        with pytest.raises(errors.Forbidden):
            await media_projects.remove(tx, member, [project.id])
        await media_projects.archive(tx, people[Role.ADMIN].actor, project.id)
        with pytest.raises(errors.ProjectNotFound):  # what is in the trash is not a viewer's to know of
            await media_projects.remove(tx, people[Role.ANNOTATOR].actor, [project.id])
        await media_projects.remove(tx, people[Role.ADMIN].actor, [project.id])


async def test_a_project_is_removed_for_good_archived_or_not(db: Database, blobs: Blobs):
    ana = await make_user(db)
    kept = await make_shelf(db, blobs, ana.actor)
    archived, live = await make_shelf(db, blobs, ana.actor), await make_shelf(db, blobs, ana.actor)
    for shelf in (kept, archived, live):
        await put_rows(db, shelf, 3)
    async with db.transaction() as tx:
        await media_projects.archive(tx, ana.actor, archived.project.id)
    ids = [archived.project.id, live.project.id]
    async with db.transaction() as tx:
        with pytest.raises(errors.ProjectNotFound):
            await media_projects.remove(tx, ana.actor, [*ids, 2**31 - 7])
    for _ in range(2):
        async with db.transaction() as tx:
            await media_projects.remove(tx, ana.actor, ids)
    work = Work(Settings(), db, blobs)
    for project_id in ids:
        await media_jobs.purge_project(work, project_id=project_id)
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select distinct project_id from media where project_id = any(%s)", ([*ids, kept.project.id],)
        )
        assert await cursor.fetchall() == [(kept.project.id,)]
        assert (await media_projects.get(tx, ana.actor, kept.project.id)).item_count == 3


async def test_datasets_nest_and_are_listed(db: Database, blobs: Blobs):
    """Names are unique in their place; counts are those of a dataset's own items."""
    ana = await make_user(db)
    shelf = await make_shelf(db, blobs, ana.actor)
    top, project_id = shelf.dataset, shelf.project.id
    inner = await shelf.folder("inner", top.id)
    deep = await shelf.folder("ds", inner.id)
    second = await shelf.folder("second")
    await shelf.put("a.png", "b.png", dataset_id=inner.id)
    async with db.transaction() as tx:
        with pytest.raises(errors.NameTaken) as taken:
            await datasets.create(tx, ana.actor, project_id, "ds")
        assert taken.value.details == {"errors": [{"name": "ds", "id": top.id}]}
        await datasets.create(tx, ana.actor, project_id, "DS")

        async def listed(**asked: Any) -> tuple[list[int], int]:  # noqa: ANN401
            rows, total = await datasets.page(tx, ana.actor, project_id, names=["ds", "inner", "second"], **asked)
            return [row.id for row in rows], total

        assert await listed() == ([top.id, inner.id, deep.id, second.id], 4)
        assert await listed(top_only=True) == ([top.id, second.id], 2)
        assert await listed(parent_id=top.id) == ([inner.id], 1)
        assert await listed(sort="item_count", descending=True, limit=1) == ([inner.id], 4)
        assert await listed(ids=[deep.id, 99]) == ([deep.id], 1)
        assert await listed(parent_id=-1) == ([], 0)
        assert [one.id for one in await datasets.subtree(tx, ana.actor, top.id)] == [top.id, inner.id, deep.id]
        found = await datasets.get(tx, ana.actor, inner.id)
        assert (found.item_count, found.project_id, found.parent_id) == (2, project_id, top.id)
        assert found.size > 0
        assert found.cover_id is not None
        project = await media_projects.get(tx, ana.actor, project_id)
        assert (project.dataset_count, project.item_count, project.size) == (5, 2, found.size)
        assert project.cover_id == found.cover_id


async def test_datasets_are_changed_and_moved_without_cycles(db: Database, blobs: Blobs):
    ana = await make_user(db)
    shelf, other = await make_shelf(db, blobs, ana.actor), await make_shelf(db, blobs, ana.actor)
    inner = await shelf.folder("inner", shelf.dataset.id)
    second = await shelf.folder("second")
    async with db.transaction() as tx:
        changed = await datasets.update(
            tx, ana.actor, inner.id, DatasetChanges(name="in", description="d", custom_data={"k": None})
        )
        assert (changed.name, changed.description, changed.custom_data) == ("in", "d", {"k": None})
        for parent, why in ((shelf.dataset.id, "itself"), (inner.id, "itself"), (other.dataset.id, "has no dataset")):
            with pytest.raises(errors.Invalid, match=why) as caught:
                await datasets.move(tx, ana.actor, shelf.dataset.id, parent)
            assert caught.value.field == "parent"
        assert (await datasets.move(tx, ana.actor, inner.id, second.id)).parent_id == second.id
        assert (await datasets.move(tx, ana.actor, inner.id, None)).parent_id is None
        with pytest.raises(errors.NameTaken) as taken:
            await datasets.update(tx, ana.actor, inner.id, DatasetChanges(name="second"))
        assert taken.value.details == {"errors": [{"name": "second", "id": second.id}]}
        with pytest.raises(errors.DatasetNotFound):
            await datasets.move(tx, ana.actor, inner.id, 2**31 - 9)
    stranger = await make_user(db)
    async with db.transaction() as tx:
        for verb in (
            datasets.get(tx, stranger.actor, inner.id),
            datasets.update(tx, stranger.actor, inner.id, DatasetChanges(name="x")),
            datasets.get(tx, ana.actor, 2**50),
        ):
            with pytest.raises(errors.DatasetNotFound):
                await verb
        with pytest.raises(errors.ProjectNotFound):
            await datasets.create(tx, stranger.actor, shelf.project.id, "x")


async def test_two_moves_at_once_make_no_cycle(db: Database, blobs: Blobs):
    ana = await make_user(db)
    shelf = await make_shelf(db, blobs, ana.actor)
    one, two = await shelf.folder("one"), await shelf.folder("two")

    async def move(what: int, into: int) -> bool:
        try:
            async with db.transaction() as tx:
                await datasets.move(tx, ana.actor, what, into)
        except errors.Invalid:
            return False
        return True

    assert sorted(await asyncio.gather(move(one.id, two.id), move(two.id, one.id))) == [False, True]


async def test_a_removed_dataset_takes_all_below_it_along(db: Database, blobs: Blobs):
    ana = await make_user(db)
    shelf = await make_shelf(db, blobs, ana.actor)
    inner = await shelf.folder("inner", shelf.dataset.id)
    kept = await shelf.folder("kept")
    gone = [*(await shelf.put("a.png")), *(await shelf.put("b.png", dataset_id=inner.id, first=5))]
    await shelf.put("a.png", dataset_id=kept.id)
    async with db.transaction() as tx:
        assert await datasets.mark_removed(tx, ana.actor, shelf.dataset.id) == [item.id for item in gone]
        assert await media.get_many(tx, ana.actor, [item.id for item in gone]) == []
        assert [one.id for one in (await datasets.page(tx, ana.actor, shelf.project.id))[0]] == [kept.id]
        project = await media_projects.get(tx, ana.actor, shelf.project.id)
        assert (project.dataset_count, project.item_count) == (1, 1)
        assert await datasets.remove(tx, ana.actor, [shelf.dataset.id]) == []
        assert await datasets.remove(tx, ana.actor, [shelf.dataset.id]) == []
        with pytest.raises(errors.DatasetNotFound):
            await datasets.remove(tx, ana.actor, [2**31 - 3])
    await media_jobs.purge_dataset(Work(Settings(), db, blobs), dataset_id=shelf.dataset.id)
    async with db.reading() as tx:
        cursor = await tx.connection.execute("select id from datasets where project_id = %s", (shelf.project.id,))
        assert await cursor.fetchall() == [(kept.id,)]
