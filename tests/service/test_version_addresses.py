"""Versions and projects as items: named by address, held by showcases, exported and imported (decision 2)."""

from __future__ import annotations

import pytest

from factories import collection
from factories.artifacts import Studio, make_project
from factories.people import make_user, unique
from pinakes.server.artifacts import artifacts
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import service as catalog
from pinakes.server.collections import entries
from pinakes.server.collections.types import Addition, ItemRef
from pinakes.server.db import Database
from pinakes.server.errors import ItemNotFound


async def test_a_version_is_named_by_its_address(db: Database, blobs: Blobs) -> None:
    """`owner/project/artifact:vN`, with blanks where names have them, and only for who sees it."""
    ana, bob = await make_user(db), await make_user(db)
    studio = Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor, unique("My project")))
    version = await studio.log("Digit reader")
    address = f"{ana.name}/{studio.project.name}/Digit reader:v0"
    async with db.reading() as tx:
        found = await catalog.resolve(tx, ana.actor, "version", address)
        assert (found.id, found.address) == (version.item_id, address)
        project = await catalog.resolve(tx, ana.actor, "project", f"{ana.name.upper()}/{studio.project.name.upper()}")
        assert project.id == studio.project.id
        for nothing in (
            f"{address[:-1]}9",
            f"{ana.name}/{studio.project.name}/Digit reader",
            "x",
            "a/b/c:latest",
            "\0/a/b:v0",
        ):
            with pytest.raises(ItemNotFound):
                await catalog.resolve(tx, ana.actor, "version", nothing)
        with pytest.raises(ItemNotFound):
            await catalog.resolve(tx, bob.actor, "version", address)


async def test_its_address_follows_the_artifact(db: Database, blobs: Blobs) -> None:
    ana = await make_user(db)
    studio = Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor))
    version = await studio.log("before")
    async with db.transaction() as tx:
        await artifacts.update(tx, ana.actor, version.artifact_id, name="after")
        address = f"{ana.name}/{studio.project.name}/after:v0"
        assert (await catalog.resolve(tx, ana.actor, "version", address)).id == version.item_id


async def test_a_showcase_holds_versions_and_shows_them_to_those_who_see_them(db: Database, blobs: Blobs) -> None:
    """Decision 2: natively a showcase may hold artifact versions; what a reader may not see is not there for him."""
    ana, bob = await make_user(db), await make_user(db)
    studio = Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor))
    version = await studio.log("model")
    made = await collection(db, ana.actor)
    async with db.transaction() as tx:
        named = ItemRef(kind="version", address=f"{ana.name}/{studio.project.name}/model:v0")
        batch = await entries.add(tx, ana.actor, made.slug, [Addition(named, note="ours")])
        assert [result.outcome for result in batch.results] == ["added"]
    async with db.reading() as tx:
        mine = await entries.page(tx, ana.actor, made.slug)
        theirs = await entries.page(tx, bob.actor, made.slug)
    assert ([entry.item_id for entry in mine.rows], theirs.rows) == ([version.item_id], [])
