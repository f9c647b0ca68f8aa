"""`/artifactsV2/…` and `/artifacts/…`: where `wandb` 0.31.0 gets single entries by their MD5."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import quote

import httpx2
import pytest_asyncio
from fastapi import FastAPI

from factories.app import client_of
from factories.artifacts import Studio, make_project, md5_of
from factories.people import unique
from pinakes.server.actor import Role
from pinakes.server.artifacts import versions
from pinakes.server.artifacts.types import Version
from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.people.types import Account
from pinakes.server.wires import files, wandb
from wires.wandb.conftest import Caller, World

NAME, CONTENT = "a b/ä.csv", b"1,2,3\n"
MD5 = md5_of(CONTENT).hex()


def written(version: Version) -> str:
    """The id of a version in a path: its `=` are escaped."""
    return quote(b64encode(f"Artifact:{version.id}".encode()), safe="")


@dataclass(frozen=True)
class Shelf:
    """A team's project with a version in it."""

    world: World
    alice: Caller
    team: Account
    studio: Studio
    version: Version

    def path(self, version: Version | None = None, md5: str = MD5, *, longer: bool = True) -> str:
        """Where the client looks for the file of a version."""
        version = version or self.version
        place = f"/artifactsV2/default/{self.team.name}/{version.project}/{version.artifact}"
        read = f"{written(version)}/" if longer else ""
        return f"{place}/{read}{written(self.version)}/{md5}/{quote(NAME.rpartition('/')[2])}"

    async def get(self, path: str, caller: Caller | None = None) -> httpx2.Response:
        caller = caller or self.alice
        return await caller.client.get(path, headers=caller.headers)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def world(db: Database) -> AsyncGenerator[World]:
    """This wire, and the one where files come and go."""
    async with client_of(db, None, wandb, files) as client:
        yield World(db, client)


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(world: World, db: Database, alice: Caller) -> Shelf:
    team = await world.team(await world.organization(alice), member=alice)
    alice = await world.again(alice)
    assert alice.person is not None
    studio = Studio(db, blobs_of(world), alice.person.actor, await make_project(db, team, alice.person.actor))
    return Shelf(world, alice, team, studio, await studio.log(contents={NAME: CONTENT}))


def blobs_of(world: World) -> Blobs:
    transport = world.client._transport
    assert isinstance(transport, httpx2.ASGITransport)
    app: object = transport.app
    while not isinstance(app, FastAPI):
        app = getattr(app, "app", None)
    return app.state.pinakes.blobs


async def test_it_leads_to_the_file(shelf: Shelf):
    """In both forms of the path; the client follows without its credentials."""
    for longer in (True, False):
        answer = await shelf.get(shelf.path(longer=longer))
        assert answer.status_code == 307
        address = answer.headers["location"]
        assert address.startswith("http://pinakes.test/storage/d/")
        assert address.endswith("/wandb_artifacts/%C3%A4.csv")
        assert (await shelf.world.client.get(address)).content == CONTENT


async def test_the_first_layout(shelf: Shelf):
    answer = await shelf.get(f"/artifacts/{shelf.team.name}/{MD5}")
    assert (await shelf.world.client.get(answer.headers["location"])).content == CONTENT


async def test_what_is_not_there(shelf: Shelf, bob: Caller):
    """For a stranger, and for nobody, there is nothing at all."""
    other = md5_of(b"other").hex()
    draft = (await shelf.studio.begin("other")).version
    for path in (
        shelf.path(md5=other),
        shelf.path(md5=other, longer=False),
        shelf.path(md5="nonsense"),
        shelf.path(md5=MD5[:-2]),
        shelf.path(draft),
        shelf.path().replace(written(shelf.version), "nonsense", 1),
        shelf.path(longer=False, md5=other).replace(written(shelf.version), "%00"),
        f"/artifacts/{shelf.team.name}/{other}",
        f"/artifacts/{shelf.team.name}/x",
        f"/artifacts/nobody-at-all/{MD5}",
    ):
        answer = await shelf.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["errors"][0]["message"]
    for caller in (bob, shelf.world.nobody):
        for path in (shelf.path(), shelf.path(longer=False), f"/artifacts/{shelf.team.name}/{MD5}"):
            assert (await shelf.get(path, caller)).status_code in {401, 404}


async def test_a_version_with_the_same_content(shelf: Shelf, db: Database):
    """The later one is read where the first one is gone: by its own id, or by the name of its collection."""
    second = await shelf.studio.log(contents={NAME: CONTENT, "more.txt": unique("x").encode()})
    assert second.number == 1
    async with db.transaction() as tx:
        await versions.delete(tx, shelf.studio.actor, shelf.version.id, delete_aliases=True)
    assert (await shelf.get(shelf.path())).status_code == 404
    assert (await shelf.get(shelf.path(second))).status_code == 307
    assert (await shelf.get(shelf.path(longer=False))).status_code == 307
    assert (await shelf.get(f"/artifacts/{shelf.team.name}/{MD5}")).status_code == 307


async def test_a_viewer_may(shelf: Shelf, bob: Caller):
    await shelf.world.join(shelf.team, bob, Role.VIEWER)
    bob = await shelf.world.again(bob)
    for path in (shelf.path(), shelf.path(longer=False), f"/artifacts/{shelf.team.name}/{MD5}"):
        assert (await shelf.get(path, bob)).status_code == 307
