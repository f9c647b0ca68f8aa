"""Projects: made when absent, found under every name they had, changed and deleted with all that is in them."""

from __future__ import annotations

import asyncio

import pytest

from factories.artifacts import Studio, make_project
from factories.people import Person, join, make_organization, make_team, make_user, told_of, unique
from factories.releases import make_lab
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope, anonymous, system
from pinakes.server.artifacts import access, artifacts, memberships
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import projects
from pinakes.server.catalog.types import Project, ProjectChanges
from pinakes.server.collections import service as collections
from pinakes.server.db import Database
from pinakes.server.people import service as people
from pinakes.server.people.types import Account


async def get(db: Database, actor: Actor, owner: str, name: str) -> Project:
    async with db.reading() as tx:
        return await projects.get_project(tx, actor, owner, name)


async def change(db: Database, actor: Actor, project: Project, **changes: str) -> Project:
    async with db.transaction() as tx:
        return await projects.update_project(tx, actor, project.id, ProjectChanges(**changes))


async def owned_team(db: Database, admin: Person) -> Account:
    return await make_team(db, await make_organization(db, admin))


async def test_a_project_is_made_once_and_found_in_any_case(db: Database):
    """Contract 8.1, 10: it is created when absent, and private."""
    ana = await make_user(db)
    name = unique("Digits of MNIST")
    made = await make_project(db, ana.account, ana.actor, name)
    assert (made.owner, made.owner_kind, made.name, made.visibility) == (ana.name, "user", name, "private")
    assert (made.created_by, made.description, made.address) == (ana.name, "", f"{ana.name}/{name}")
    again = await make_project(db, ana.account, ana.actor, name.upper())
    assert again == made
    assert await get(db, ana.actor, ana.name.upper(), name.lower()) == made
    async with db.reading() as tx:
        assert await projects.project_by_id(tx, ana.actor, made.id) == made


async def test_two_at_once_make_one_project(db: Database):
    ana, name = await make_user(db), unique("race")
    made = await asyncio.gather(*(make_project(db, ana.account, ana.actor, name) for _ in range(8)))
    assert len({project.id for project in made}) == 1


@pytest.mark.parametrize(
    "name",
    ["", " ", " x", "x ", ".", "..", "a/b", "a\\b", "a#b", "a?b", "a%b", "a:b", "a\nb", "a\0b", "\ud800", "x" * 129],
)
async def test_a_name_that_an_address_could_not_carry_is_refused(db: Database, name: str):
    ana = await make_user(db)
    with pytest.raises(errors.Invalid) as caught:
        await make_project(db, ana.account, ana.actor, name)
    assert caught.value.field == "project"
    with pytest.raises(errors.ProjectNotFound):
        await get(db, ana.actor, ana.name, name)
    await make_project(db, ana.account, ana.actor, "x" * 128)


async def test_who_may_not_write_makes_nothing(db: Database):
    """A viewer reads, a stranger does not even that, and a registry has no projects."""
    lab = await make_lab(db)
    for actor, refusal in (
        (lab.outsider.actor, errors.Forbidden),
        (anonymous("test"), errors.Unauthenticated),
    ):
        with pytest.raises(refusal):
            await make_project(db, lab.team, actor)
    viewer = await make_user(db)
    await join(db, lab.org, viewer, Role.VIEWER)
    await join(db, lab.team, viewer, Role.VIEWER)
    made = await make_project(db, lab.team, lab.member.actor)
    again = await people_again(db, viewer)
    assert await get(db, again, lab.team.name, made.name) == made
    with pytest.raises(errors.Forbidden):
        await make_project(db, lab.team, again, made.name)
    with pytest.raises(errors.ProjectNotFound):
        await get(db, lab.outsider.actor, lab.team.name, made.name)
    with pytest.raises(errors.ProjectNotFound):
        await get(db, lab.viewer.actor, lab.team.name, made.name)
    registry = await lab.registry()
    made_at = registry.created_at
    shelf = Account(registry.id, "registry", registry.handle, registry.name, None, False, lab.org.id, made_at)
    with pytest.raises(errors.Invalid):
        await make_project(db, shelf, lab.admin.actor)


async def people_again(db: Database, person: Person) -> Actor:
    async with db.reading() as tx:
        return await people.actor_for_token(tx, person.token, "test", "")


async def test_numbers_that_are_no_ids_find_nothing(db: Database):
    ana = await make_user(db)
    async with db.reading() as tx:
        for number in (0, -1, 2**31, 2**63, 2**31 - 1):
            with pytest.raises(errors.ProjectNotFound):
                await projects.project_by_id(tx, ana.actor, number)
        for owner in ("nobody-at-all", "\0", "\ud800", ""):
            with pytest.raises(errors.ProjectNotFound):
                await projects.get_project(tx, ana.actor, owner, "x")


async def test_lists_hold_what_is_seen_newest_first(db: Database):
    lab = await make_lab(db)
    made = [await make_project(db, lab.team, lab.member.actor) for _ in range(3)]
    shown = await make_project(db, lab.team, lab.member.actor)
    shown = await change(db, lab.member.actor, shown, visibility="public")
    async with db.reading() as tx:
        first = await projects.list_projects(tx, lab.member.actor, lab.team.name, limit=2)
        assert [one.id for one in first.rows] == [shown.id, made[2].id]
        rest = await projects.list_projects(tx, lab.member.actor, lab.team.name, limit=2, cursor=first.next)
        assert [one.id for one in rest.rows] == [made[1].id, made[0].id]
        assert rest.next is None
        strangers = await projects.list_projects(tx, lab.outsider.actor, lab.team.name)
        assert strangers.rows == [shown]
        everywhere = await projects.list_projects(tx, lab.member.actor)
        assert [one.id for one in everywhere.rows][:1] == [shown.id]
        assert (await projects.list_projects(tx, lab.member.actor, "nobody-of-that-name")).rows == []
        for limit, cursor in ((0, None), (1001, None), (5, "rubbish")):
            with pytest.raises(errors.Invalid):
                await projects.list_projects(tx, lab.member.actor, limit=limit, cursor=cursor)


async def test_a_renamed_project_is_found_by_its_old_name(db: Database, blobs: Blobs):
    """Contract 13: a redirect; its versions are called after the new name."""
    lab = await make_lab(db)
    old, new = unique("old"), unique("new")
    made = await make_project(db, lab.team, lab.member.actor, old)
    version = await Studio(db, blobs, lab.member.actor, made).log("model")
    with pytest.raises(errors.Forbidden):
        await change(db, lab.member.actor, made, name=new)
    renamed = await change(db, lab.admin.actor, made, name=new, description="What it is for")
    assert (renamed.id, renamed.name, renamed.description) == (made.id, new, "What it is for")
    assert await get(db, lab.member.actor, lab.team.name, old) == renamed
    assert await make_project(db, lab.team, lab.member.actor, old) == renamed
    async with db.reading() as tx:
        found = await memberships.by_name(tx, lab.member.actor, lab.team.name, old, "model:v0")
        assert found.version.project == new
        item = await tx.connection.execute("select name, title from items where id = %s", (version.item_id,))
        assert await item.fetchall() == [(f"{new}/model:v0", "model:v0")]
    back = await change(db, lab.admin.actor, renamed, name=old)
    assert await get(db, lab.member.actor, lab.team.name, new) == back
    other = await make_project(db, lab.team, lab.member.actor)
    with pytest.raises(errors.NameTaken):
        await change(db, lab.admin.actor, other, name=old.upper())
    assert (await change(db, lab.admin.actor, back, name=old.upper())).name == old.upper()


async def test_changes_are_checked_and_recorded(db: Database):
    ana = await make_user(db)
    made = await make_project(db, ana.account, ana.actor)
    for changes, field in (
        ({"name": "a/b"}, "project"),
        ({"visibility": "secret"}, "visibility"),
        ({"description": "\0"}, "description"),
    ):
        with pytest.raises(errors.Invalid) as caught:
            await change(db, ana.actor, made, **changes)
        assert caught.value.field == field
    assert await get(db, ana.actor, ana.name, made.name) == made
    before = await told_of(db, ana.actor)
    await change(db, ana.actor, made, visibility="public", description="Open")
    await change(db, ana.actor, made, visibility="public", description="Open")
    seen = (await told_of(db, ana.actor))[len(before) :]
    assert sorted(seen) == ["project.shown", "project.updated"]


async def test_what_is_in_a_project_follows_its_visibility(db: Database, blobs: Blobs):
    ana, bob = await make_user(db), await make_user(db)
    made = await make_project(db, ana.account, ana.actor)
    studio = Studio(db, blobs, ana.actor, made)
    version = await studio.log("model")
    async with db.reading() as tx:
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, bob.actor, version.id)
    made = await change(db, ana.actor, made, visibility="public")
    later = await studio.log("another")
    async with db.reading() as tx:
        for one in (version, later):
            found = await access.get(tx, bob.actor, one.id)
            assert found.project_visibility == "public"
            assert await access.may_download(tx, anonymous("test"), found)
            assert not access.may_write(bob.actor, found)
            assert (await artifacts.card(tx, anonymous("test"), found.artifact_id)).visibility == "public"
    await change(db, ana.actor, made, visibility="private")
    async with db.reading() as tx:
        for one in (version, later):
            with pytest.raises(errors.VersionNotFound):
                await access.get(tx, bob.actor, one.id)
            with pytest.raises(errors.CollectionNotFound):
                await artifacts.card(tx, bob.actor, one.artifact_id)


async def test_a_deleted_project_is_gone_with_all_that_is_in_it(db: Database, blobs: Blobs):
    lab = await make_lab(db)
    made = await make_project(db, lab.team, lab.member.actor)
    version = await Studio(db, blobs, lab.member.actor, made).log("model")
    with pytest.raises(errors.Forbidden):
        await delete(db, lab.member.actor, made)
    with pytest.raises(errors.ProjectNotFound):
        await delete(db, lab.outsider.actor, made)
    await delete(db, lab.admin.actor, made)
    async with db.reading() as tx:
        with pytest.raises(errors.ProjectNotFound):
            await projects.project_by_id(tx, lab.admin.actor, made.id)
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, lab.admin.actor, version.id)
        with pytest.raises(errors.CollectionNotFound):
            await collections.get(tx, lab.admin.actor, version.artifact_public_id)
    with pytest.raises(errors.ProjectNotFound):
        await delete(db, lab.admin.actor, made)
    fresh = await make_project(db, lab.team, lab.member.actor, made.name)
    assert fresh.id != made.id
    with pytest.raises(errors.VersionNotFound):
        async with db.reading() as tx:
            await memberships.by_name(tx, lab.member.actor, lab.team.name, made.name, "model")


async def delete(db: Database, actor: Actor, project: Project) -> None:
    async with db.transaction() as tx:
        await projects.delete_project(tx, actor, project.id)


async def test_nothing_is_logged_into_a_project_that_is_being_deleted(db: Database, blobs: Blobs):
    """Sixteen writers and one who deletes: whatever comes first, no version is left behind in a deleted project."""
    lab = await make_lab(db)
    made = await make_project(db, lab.team, lab.member.actor)
    studio = Studio(db, blobs, lab.member.actor, made)
    drafts = [(await studio.begin("model")).version.id for _ in range(8)]
    for number in drafts:
        await studio.send(number, {})
        await studio.declare(number, b'{"version": 1, "contents": {}}')
    results = await asyncio.gather(
        *(studio.commit(number) for number in drafts), delete(db, lab.admin.actor, made), return_exceptions=True
    )
    for result in results[:-1]:
        assert not isinstance(result, BaseException) or isinstance(result, errors.NotFound | errors.Conflict), result
    async with db.reading() as tx:
        rows = await tx.connection.execute(
            "select count(*) from versions v join items a on v.artifact_id = a.id"
            " where a.container_id = %s and v.state = 'committed'",
            (made.id,),
        )
        assert await rows.fetchall() == [(0,)]


async def test_a_credential_that_only_reads_changes_nothing(db: Database):
    ana = await make_user(db)
    made = await make_project(db, ana.account, ana.actor)
    reader = Actor(ana.id, ana.name, scope=Scope.READ, roles={ana.id: Role.OWNER})
    assert await get(db, reader, ana.name, made.name) == made
    for attempt in (
        make_project(db, ana.account, reader),
        change(db, reader, made, description="x"),
        delete(db, reader, made),
    ):
        with pytest.raises(errors.ScopeTooNarrow):
            await attempt


async def test_the_server_may_do_everything(db: Database):
    team = await owned_team(db, await make_user(db))
    made = await make_project(db, team, system())
    assert made.created_by is None
    await delete(db, system(), await change(db, system(), made, name=unique("x")))
