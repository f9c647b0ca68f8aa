"""Provenance: the collections that a version was made of, at their revisions, as far as the reader sees them."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from factories import collection, models
from factories.artifacts import Studio, make_project
from factories.people import make_user, unique
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.artifacts import lineage, provenance
from pinakes.server.artifacts.types import Version
from pinakes.server.blobs import Blobs
from pinakes.server.collections import entries, service
from pinakes.server.collections.types import Addition, ItemRef
from pinakes.server.db import Database


@pytest_asyncio.fixture(loop_scope="session")
async def studio(db: Database, blobs: Blobs) -> AsyncGenerator[Studio]:
    """Somebody with a project of his own."""
    ana = await make_user(db)
    yield Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor))


async def origins(db: Database, actor: Actor, version: Version) -> list[tuple[str, str, int, int]]:
    """Which version names which collection, at which revision, with how many items."""
    async with db.reading() as tx:
        found = await provenance.of_version(tx, actor, version.id)
    return [
        (each.version.label, each.collection.public_id, each.collection.revision, each.collection.entry_count)
        for each in found
    ]


async def run(studio: Studio) -> int:
    """A run, as a row."""
    async with studio.db.transaction() as tx:
        statement = "insert into runs (project_id, name, display_name) values (%s, %s, 'a run') returning id"
        row = await (await tx.connection.execute(statement, (studio.project.id, unique("run")))).fetchone()
    assert row is not None
    return row[0]


async def test_from_a_model_to_the_collection_as_it_was(studio: Studio):
    """Story D, 5: also when the collection has changed since; through any number of steps."""
    items = await models(studio.db, studio.actor, 3)
    made = await collection(studio.db, studio.actor, title=unique("Digits"), visibility="private")
    async with studio.db.transaction() as tx:
        await entries.add(tx, studio.actor, made.public_id, [Addition(ItemRef(item)) for item in items[:2]])
    data = await studio.log("data", metadata={"pinakes": {"collection": made.public_id, "revision": 2}, "n": 2})
    async with studio.db.transaction() as tx:
        await entries.add(tx, studio.actor, made.public_id, [Addition(ItemRef(items[2]))])
    clean, train = await run(studio), await run(studio)
    cleaned = await studio.log("cleaned", run_id=clean)
    model = await studio.log("model", run_id=train)
    async with studio.db.transaction() as tx:
        await lineage.use(tx, studio.actor, clean, data.id)
        await lineage.use(tx, studio.actor, train, cleaned.id)
    expected = [("data:v0", made.public_id, 2, 2)]
    assert await origins(studio.db, studio.actor, data) == expected
    assert await origins(studio.db, studio.actor, model) == expected
    other = await make_user(studio.db)
    with pytest.raises(errors.VersionNotFound):
        await origins(studio.db, other.actor, model)
    async with studio.db.transaction() as tx:
        await service.delete(tx, studio.actor, made.public_id)
    assert await origins(studio.db, studio.actor, model) == []


async def test_what_the_reader_does_not_see_is_not_there(studio: Studio):
    """A public version that names a private collection, and what names nothing."""
    bob = await make_user(studio.db)
    hidden = await collection(studio.db, bob.actor, title=unique("Hidden"), visibility="private")
    shown = await collection(studio.db, bob.actor, title=unique("Shown"))
    said = [
        {"collection": hidden.public_id, "revision": 1},
        {"collection": shown.public_id, "revision": 1},
        {"collection": shown.public_id, "revision": 1},
        {"collection": shown.public_id, "revision": 2},
        {"collection": shown.public_id, "revision": True},
        {"collection": shown.public_id, "revision": 2**62},
        {"collection": shown.public_id.upper(), "revision": "1"},
        {"collection": "x" * 24, "revision": 1},
        {"collection": f"words-{shown.public_id}", "revision": 1},
        {"collection": shown.public_id},
        {"collection": None, "revision": -1},
        "nothing",
        None,
    ]
    version = await studio.log("many", metadata={"pinakes": said})
    assert await origins(studio.db, studio.actor, version) == [("many:v0", shown.public_id, 1, 0)]
    for nothing in ({}, {"pinakes": None}, {"pinakes": "yes"}, {"pinakes": {"collection": 5, "revision": 1}}):
        assert await origins(studio.db, studio.actor, await studio.log(unique("no"), metadata=nothing)) == []
