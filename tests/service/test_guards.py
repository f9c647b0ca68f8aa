"""Guarded references: what a registry holds is not deleted from under it, or leaves a note of what it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from factories.artifacts import Studio, make_project
from factories.people import again, join, make_organization, make_team, make_user, unique
from factories.releases import Lab, make_lab
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, system
from pinakes.server.artifacts import access, artifacts, deletions, memberships, versions
from pinakes.server.artifacts.types import Membership, Version
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import projects
from pinakes.server.catalog.types import Project, ProjectChanges
from pinakes.server.collections import revisions, service as collections
from pinakes.server.db import Database
from pinakes.server.events.service import history
from pinakes.server.people import service as people
from pinakes.server.registries import links, service
from pinakes.server.registries.types import InProject, InRegistry, Link, Registry, RegistryChanges
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work


async def setting(db: Database, blobs: Blobs) -> tuple[Lab, Studio]:
    """A laboratory whose member logs into a project of its team."""
    lab = await make_lab(db)
    return lab, Studio(db, blobs, lab.member.actor, await make_project(db, lab.team, lab.member.actor))


async def link(lab: Lab, version: Version, registry: Registry, collection: str, *aliases: str) -> Link:
    async with lab.db.transaction() as tx:
        return await links.link(tx, lab.member.actor, version.id, InRegistry(registry.name, collection), aliases)


async def delete_version(db: Database, actor: Actor, version: Version) -> None:
    async with db.transaction() as tx:
        await versions.delete(tx, actor, version.id, delete_aliases=True)


async def delete_artifact(db: Database, actor: Actor, version: Version) -> None:
    async with db.transaction() as tx:
        await artifacts.delete(tx, actor, version.artifact_id)


async def delete_project(db: Database, actor: Actor, version: Version) -> None:
    async with db.transaction() as tx:
        await projects.delete_project(tx, actor, version.project_id)


async def delete_owner(db: Database, actor: Actor, version: Version) -> None:
    async with db.transaction() as tx:
        await people.delete_team(tx, actor, version.owner)


WAYS = (delete_version, delete_artifact, delete_project, delete_owner)
Way = Callable[[Database, Actor, Version], Awaitable[None]]


async def entries(db: Database, actor: Actor, collection_id: int, *, tombstones: bool = False) -> list[Membership]:
    async with db.reading() as tx:
        return (await memberships.page(tx, actor, collection_id, tombstones=tombstones)).rows


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_registry_holds_is_not_deleted(db: Database, blobs: Blobs, way: Way):
    """Issue 3, guarded references: refused with the list of holders, and nothing is changed."""
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    registry = await lab.registry("Fine-tuned models")
    linked = await link(lab, version, registry, "MNIST", "production")
    await link(lab, version, registry, "Digits")
    with pytest.raises(errors.RegistryHolds, match=r"Digits:v0, .*MNIST:v0") as caught:
        await way(db, lab.admin.actor, version)
    assert caught.value.code == "held_by_registry"
    held = {"organization": lab.org.name, "registry": "Fine-tuned models", "version": "v0"}
    named = {"held": f"{studio.project.name}/model:v0"}
    holders = [held | {"collection": title} | named for title in ("Digits", "MNIST")]
    assert caught.value.details == {"holders": holders, "count": 2}
    assert [one.version.id for one in await entries(db, lab.viewer.actor, linked.card.id)] == [version.id]
    async with db.reading() as tx:
        assert (await access.get(tx, lab.member.actor, version.id)).state == "committed"
        assert (await projects.project_by_id(tx, lab.member.actor, studio.project.id)) == studio.project
        found = await memberships.by_name(tx, lab.member.actor, lab.team.name, studio.project.name, "model:latest")
    assert found.version.id == version.id
    async with db.transaction() as tx:
        for collection in (linked.card.id, (await one_of(db, lab, registry, "Digits"))):
            await links.unlink(tx, lab.member.actor, version.id, collection)
    await way(db, lab.admin.actor, version)
    async with db.reading() as tx:
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, system(), version.id)


async def one_of(db: Database, lab: Lab, registry: Registry, title: str) -> int:
    """The id of a registry's release."""
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select id from items where owner_id = %s and title = %s and kind = 'collection'", (registry.id, title)
        )
        row = await cursor.fetchone()
    assert row is not None
    assert lab.org.id == registry.organization_id
    return int(row[0])


async def test_holders_that_are_not_seen_are_counted_only(db: Database, blobs: Blobs):
    """What a reader may not see has no name for him; it is counted, or he could not know why he is refused."""
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    shown, secret = await lab.registry("Open"), await lab.registry("Secret", visibility="restricted")
    await link(lab, version, shown, "MNIST")
    await link(lab, version, secret, "Hidden")
    colleague = await make_user(db)
    await join(db, lab.team, colleague, Role.MEMBER)
    colleague = await again(db, colleague)
    with pytest.raises(errors.RegistryHolds) as caught:
        await delete_version(db, colleague.actor, version)
    assert caught.value.details == {"holders": [], "count": 2}
    assert "Hidden" not in caught.value.message
    await join(db, lab.org, colleague, Role.MEMBER)
    with pytest.raises(errors.RegistryHolds) as caught:
        await delete_version(db, (await again(db, colleague)).actor, version)
    assert [one["collection"] for one in holders_of(caught.value)] == ["MNIST"]
    assert (caught.value.details["count"], "Secret" in caught.value.message) == (2, False)


def holders_of(error: errors.RegistryHolds) -> list[dict[str, str]]:
    found = error.details["holders"]
    assert isinstance(found, list)
    return found  # pyright: ignore[reportUnknownVariableType] - dicts of text


@pytest.mark.parametrize("way", WAYS)
async def test_a_registry_may_keep_a_note_of_what_it_held(db: Database, blobs: Blobs, way: Way):
    """Issue 3: with `tombstone` the deletion goes on, and the entry says what it was: name, digest, dates."""
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", {"weights": b"w"}, type="model")
    registry = await lab.registry(on_deletion="tombstone")
    linked = await link(lab, version, registry, "MNIST", "production")
    await way(db, lab.admin.actor, version)
    assert await entries(db, lab.viewer.actor, linked.card.id) == []
    (left,) = await entries(db, lab.viewer.actor, linked.card.id, tombstones=True)
    assert (left.version.state, left.version.label, left.number) == ("deleted", "model:v0", 0)
    assert (left.version.digest, left.version.committed_at) == (version.digest, version.committed_at)
    assert left.version.deleted_at is not None
    assert left.aliases == ["latest", "production"]
    async with db.reading() as tx:
        for alias in ("production", "latest", "v0"):
            with pytest.raises(errors.VersionNotFound):
                await memberships.in_collection(tx, lab.viewer.actor, linked.card.id, alias)
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, lab.viewer.actor, version.id)
    await deletions.take_out_deleted(Work(Settings(), db, blobs))
    assert len(await entries(db, lab.viewer.actor, linked.card.id, tombstones=True)) == 1


async def test_a_note_of_what_was_public_stays_too(db: Database, blobs: Blobs):
    """A public version closes when it is deleted; its entry in a registry does not."""
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    async with db.transaction() as tx:
        changes = ProjectChanges(visibility="public")
        await projects.update_project(tx, lab.admin.actor, studio.project.id, changes)
    registry = await lab.registry(on_deletion="tombstone")
    linked = await link(lab, version, registry, "MNIST")
    await delete_version(db, lab.member.actor, version)
    assert len(await entries(db, lab.viewer.actor, linked.card.id, tombstones=True)) == 1
    async with db.reading() as tx:
        assert (await collections.get(tx, lab.viewer.actor, linked.card.public_id)).entry_count == 1


async def test_a_note_outlives_the_trash(db: Database, blobs: Blobs):
    """A deleted artifact is purged by the clock, but not while a registry says what a version of it was."""
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    registry = await lab.registry(on_deletion="tombstone")
    linked = await link(lab, version, registry, "MNIST")
    await delete_artifact(db, lab.member.actor, version)
    async with db.reading() as tx:
        assert version.artifact_id not in await collections.trashed_before(tx, 0)
    async with db.transaction() as tx:
        with pytest.raises(errors.Conflict):
            await collections.purge(tx, lab.admin.actor, version.artifact_public_id)
    (left,) = await entries(db, lab.viewer.actor, linked.card.id, tombstones=True)
    assert left.version.digest == version.digest
    async with db.transaction() as tx:
        await links.unlink(tx, lab.member.actor, version.id, linked.card.id)
    async with db.transaction() as tx:
        assert version.artifact_id in await collections.trashed_before(tx, 0)
        await collections.purge(tx, lab.admin.actor, version.artifact_public_id)


async def test_a_registry_may_change_its_mind(db: Database, blobs: Blobs):
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    registry = await lab.registry()
    linked = await link(lab, version, registry, "MNIST")
    with pytest.raises(errors.RegistryHolds):
        await delete_version(db, lab.member.actor, version)
    async with db.transaction() as tx:
        await service.update(tx, lab.admin.actor, registry.id, RegistryChanges(on_deletion="tombstone"))
    await delete_version(db, lab.member.actor, version)
    assert len(await entries(db, lab.member.actor, linked.card.id, tombstones=True)) == 1


async def test_what_is_deleted_itself_holds_nothing(db: Database, blobs: Blobs):
    """A deleted registry, and one that goes with its organization."""
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    registry, other = await lab.registry(), await lab.registry()
    for one in (registry, other):
        await link(lab, version, one, "MNIST")
    async with db.transaction() as tx:
        await service.delete(tx, lab.admin.actor, registry.id)
    with pytest.raises(errors.RegistryHolds) as caught:
        await delete_version(db, lab.member.actor, version)
    assert caught.value.details["count"] == 1
    async with db.transaction() as tx:
        await people.delete_organization(tx, lab.admin.actor, lab.org.name)
    async with db.reading() as tx:
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, system(), version.id)


async def in_project(db: Database, actor: Actor, version: Version, project: Project, title: str) -> Link:
    """Link a version to a release outside every registry."""
    async with db.transaction() as tx:
        return await links.link(tx, actor, version.id, InProject(project.name, title, project.owner), ["stable"])


@pytest.mark.parametrize("way", WAYS)
async def test_releases_outside_registries_let_go(db: Database, blobs: Blobs, way: Way):
    """The entry goes with the version, in a revision of its own, whoever the release belongs to."""
    lab, studio = await setting(db, blobs)
    kept = await studio.log("other", type="model")
    version = await studio.log("model", type="model")
    second = await make_team(db, lab.org)
    await join(db, second, lab.member, Role.MEMBER)
    member = (await again(db, lab.member)).actor
    elsewhere = await make_project(db, second, member)
    linked = await in_project(db, member, version, elsewhere, "best")
    if way in {delete_version, delete_artifact}:
        linked = await in_project(db, member, kept, elsewhere, "best")
        linked = await in_project(db, member, version, elsewhere, "best")
    async with db.reading() as tx:
        before = await artifacts.card(tx, member, linked.card.id)
    await way(db, (await again(db, lab.admin)).actor, version)
    await deletions.take_out_deleted(Work(Settings(), db, blobs))
    left = await entries(db, member, linked.card.id, tombstones=True)
    assert [one.version.id for one in left] == ([kept.id] if way in {delete_version, delete_artifact} else [])
    async with db.reading() as tx:
        after = await artifacts.card(tx, member, linked.card.id)
        told = [event.verb for event in (await history(tx, member, linked.card.id, limit=10)).rows]
    assert (after.revision, after.entry_count) == (before.revision + 1, before.entry_count - 1)
    assert told.index("entry.removed") < told.index("entry.added")
    if way in {delete_version, delete_artifact}:
        assert left[0].aliases == ["latest"]


async def test_a_deletion_by_its_owner_reaches_a_release_that_is_not_his(db: Database, blobs: Blobs):
    """Who deletes a version need not be allowed to write to every release that links it; the record names him."""
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    second = await make_team(db, lab.org)
    await join(db, second, lab.member, Role.MEMBER)
    member = (await again(db, lab.member)).actor
    linked = await in_project(db, member, version, await make_project(db, second, member), "best")
    colleague = await make_user(db)
    await join(db, lab.team, colleague, Role.MEMBER)
    await delete_version(db, (await again(db, colleague)).actor, version)
    assert await entries(db, member, linked.card.id, tombstones=True) == []
    async with db.reading() as tx:
        (last, *_) = (await revisions.list_revisions(tx, member, linked.card.public_id, limit=1)).rows
    assert last.actor == colleague.name


async def test_a_release_in_the_same_project_goes_with_it(db: Database, blobs: Blobs):
    lab, studio = await setting(db, blobs)
    version = await studio.log("model", type="model")
    linked = await in_project(db, lab.member.actor, version, studio.project, "best")
    await delete_project(db, lab.admin.actor, version)
    async with db.reading() as tx:
        with pytest.raises(errors.CollectionNotFound):
            await artifacts.card(tx, lab.member.actor, linked.card.id)


async def test_users_are_guarded_too(db: Database, blobs: Blobs):
    """A user's own versions can't get into a registry; what he may link elsewhere goes with him."""
    ana = await make_user(db)
    studio = Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor))
    version = await studio.log("model", type="model")
    bob = await make_user(db)
    org = await make_organization(db, bob)
    await join(db, org, ana, Role.MEMBER)
    ana = await again(db, ana)
    project = await make_project(db, org, ana.actor)
    linked = await in_project(db, ana.actor, version, project, "best")
    async with db.transaction() as tx:
        await people.delete_user(tx, system(), ana.name)
    bob = await again(db, bob)
    assert await entries(db, bob.actor, linked.card.id) == []
    await deletions.take_out_deleted(Work(Settings(), db, blobs))
    assert await entries(db, bob.actor, linked.card.id, tombstones=True) == []


async def test_a_link_and_a_deletion_at_once_leave_no_hole(db: Database, blobs: Blobs):
    """Whichever comes first: either the version is held and stays, or it is gone and was never linked."""
    lab, studio = await setting(db, blobs)
    registry = await lab.registry()
    for turn in range(6):
        version = await studio.log("model", type="model")
        title = unique(f"race {turn}")
        linked, deleted = await asyncio.gather(
            link(lab, version, registry, title), delete_version(db, lab.member.actor, version), return_exceptions=True
        )
        assert isinstance(linked, BaseException) != isinstance(deleted, BaseException), (linked, deleted)
        for result in (linked, deleted):
            assert isinstance(result, Link | errors.RegistryHolds | errors.NotFound | errors.Conflict | None), result
        async with db.reading() as tx:
            holes = await tx.connection.execute(
                "select count(*) from entries e join items i on e.item_id = i.id join items k on e.collection_id = k.id"
                " where k.owner_id = %s and i.deleted_at is not null",
                (registry.id,),
            )
            assert await holes.fetchall() == [(0,)]
