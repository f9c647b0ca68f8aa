"""What a second pair of eyes found in projects, versions, files and releases: leaks, and rules that a race broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from factories.artifacts import Studio, file_entry, make_project, manifest_of, md5_of
from factories.people import again, join, make_user, unique
from factories.releases import Lab, card_of, make_lab, make_version
from pinakes.server.actor import Role
from pinakes.server.artifacts import artifacts, manifests, transfers, versions
from pinakes.server.artifacts.types import NewVersion
from pinakes.server.blobs import Blobs
from pinakes.server.catalog.projects import update_project
from pinakes.server.catalog.types import Project, ProjectChanges
from pinakes.server.db import Database
from pinakes.server.errors import Conflict, Invalid, TooLarge
from pinakes.server.registries import links, service as registries
from pinakes.server.registries.types import InProject, RegistryChanges
from pinakes.server.signing import Ticket

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Two contents of one MD5, by Wang and Yu (2004).
FIRST = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a"
    "085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
)
SECOND = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a"
    "085125e8f7cdc99fd91dbd7280373c5bd8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70"
)


@pytest_asyncio.fixture(loop_scope="session")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


async def _content(data: bytes) -> AsyncGenerator[bytes]:
    yield data


async def test_who_gives_an_artifact_another_type_learns_no_names_of_hidden_releases(db: Database, lab: Lab):
    hidden = await lab.registry(visibility="restricted")
    version = await make_version(db, lab.team, "data", of="dataset", project=unique("work"))
    await lab.link(hidden, "Top secret", version)
    async with db.transaction() as tx:
        await registries.update(tx, lab.member.actor, hidden.id, RegistryChanges(all_types=False, types=["dataset"]))
    mate = await make_user(db, "mate")
    await join(db, lab.team, mate, Role.MEMBER)
    mate = await again(db, mate)
    with pytest.raises(Conflict) as refused:
        async with db.transaction() as tx:
            await artifacts.move_type(tx, mate.actor, version.artifact_id, "model")
    assert "Top secret" not in refused.value.message
    assert refused.value.message.endswith("don't accept the type 'model': some that you can't see.")
    with pytest.raises(Conflict, match="'model': Top secret"):
        async with db.transaction() as tx:
            await artifacts.move_type(tx, lab.member.actor, version.artifact_id, "model")


async def _shown(db: Database, lab: Lab) -> Project:
    """A public project of the lab's team."""
    made = await make_project(db, lab.team, lab.member.actor)
    async with db.transaction() as tx:
        return await update_project(tx, lab.member.actor, made.id, ProjectChanges(visibility="public"))


@pytest.mark.parametrize("made", ["artifact", "release"])
async def test_what_is_made_in_a_project_that_is_just_being_hidden_is_hidden(db: Database, lab: Lab, made: str):
    project = await _shown(db, lab)
    source = await make_version(db, lab.team, "source", project=unique("elsewhere"))

    async def make() -> int:
        async with db.transaction() as tx:
            if made == "release":
                target = InProject(project.name, "fresh", lab.team.name)
                return (await links.link(tx, lab.member.actor, source.id, target)).card.id
            new = NewVersion(project_id=project.id, type="data", artifact="fresh", digest="d" * 32)
            return (await versions.begin(tx, lab.member.actor, new)).version.artifact_id

    async with db.transaction() as tx:
        await update_project(tx, lab.member.actor, project.id, ProjectChanges(visibility="private"))
        making = asyncio.create_task(make())
        await asyncio.sleep(0.3)
        assert not making.done()
    assert (await card_of(db, await making)).visibility == "private"


async def test_another_content_of_the_same_md5_does_not_take_the_place_of_what_is_there(
    db: Database, blobs: Blobs, lab: Lab
):
    project = await make_project(db, lab.team, lab.member.actor)
    studio = Studio(db, blobs, lab.member.actor, project)
    md5 = md5_of(FIRST)
    assert md5 == md5_of(SECOND)
    assert FIRST != SECOND
    key = transfers.blob_key(project.owner_id, md5)
    user_id = lab.member.actor.user_id
    ticket = Ticket(operation="put-blob", key=key, md5=md5, account_id=project.owner_id, user_id=user_id)
    await transfers.receive(db, blobs, ticket, _content(FIRST))
    begun = await studio.begin("weights")
    await studio.declare(begun.version.id, manifest_of({"weights.bin": file_entry(FIRST)}))
    version = await studio.commit(begun.version.id)
    received = await transfers.receive(db, blobs, ticket, _content(SECOND), md5=md5, size=len(SECOND))
    assert received.size == len(SECOND)
    assert await blobs.read(key, most=1000) == FIRST
    assert version.size == len(FIRST)
    left = [stored async for found in blobs.walk(f"{transfers.PARTS}/{project.owner_id}") for stored in found]
    assert left == []
    with pytest.raises(Invalid, match="MD5"):
        await transfers.receive(db, blobs, ticket, _content(b"something else"))
    await blobs.delete([key])
    await transfers.receive(db, blobs, ticket, _content(FIRST))
    assert await blobs.read(key, most=1000) == FIRST


async def test_the_manifests_of_a_version_are_together_not_too_large(
    db: Database, blobs: Blobs, lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    """They are merged in memory, and anybody who may write can announce as many as he likes."""
    project = await make_project(db, lab.team, lab.member.actor)
    studio = Studio(db, blobs, lab.member.actor, project)
    begun = await studio.begin("many")
    documents = [manifest_of({f"f{n}": file_entry(b"x%d" % n)}) for n in range(3)]
    for number, document in enumerate(documents):
        await studio.upload(b"x%d" % number)
        await studio.declare(begun.version.id, document, type="patch")
    whole = sum(map(len, documents))
    monkeypatch.setattr(manifests, "LARGEST", whole - 1)
    with pytest.raises(TooLarge):
        await studio.commit(begun.version.id)
    monkeypatch.setattr(manifests, "LARGEST", whole)
    assert (await studio.commit(begun.version.id)).file_count == 3
