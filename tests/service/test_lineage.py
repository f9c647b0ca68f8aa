"""Lineage: what runs read and made, and the graph that this is; what a reader may not see is not in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from factories.artifacts import Studio, make_project
from factories.catalog import Facts
from factories.people import make_user, unique
from factories.releases import make_lab
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.artifacts import lineage, versions
from pinakes.server.artifacts.types import Graph, Version
from pinakes.server.blobs import Blobs
from pinakes.server.catalog.types import Project
from pinakes.server.db import Database
from pinakes.server.registries import links
from pinakes.server.registries.types import InRegistry


@pytest_asyncio.fixture(loop_scope="session")
async def studio(db: Database, blobs: Blobs) -> AsyncGenerator[Studio]:
    """Somebody with a project of his own."""
    ana = await make_user(db)
    yield Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor))


async def make_run(db: Database, project: Project, name: str | None = None) -> int:
    """A run, as a row."""
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "insert into runs (project_id, name, display_name) values (%s, %s, 'a run') returning id",
            (project.id, unique("run") if name is None else name),
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def use(studio: Studio, run_id: int, version: Version, **facts: Facts) -> Version:
    async with studio.db.transaction() as tx:
        return await lineage.use(tx, studio.actor, run_id, version.id, **facts)


async def graph(db: Database, actor: Actor, version: Version, **asked: Facts) -> Graph:
    async with db.reading() as tx:
        return await lineage.graph(tx, actor, version.id, **asked)


def shape(found: Graph) -> tuple[list[str], list[tuple[str, str]]]:
    """A graph in short: its versions, and its edges in the direction in which things were made."""
    labels = {node.id: f"{node.artifact}:v{node.number}" for node in found.versions}
    runs = {node.id: node.name for node in found.runs}
    arrows = [
        (labels[edge.version_id], runs[edge.run_id])
        if edge.kind == "input"
        else (runs[edge.run_id], labels[edge.version_id])
        for edge in found.edges
    ]
    return sorted(labels.values()), sorted(arrows)


async def test_what_runs_read_and_made_is_remembered_once(studio: Studio):
    """Contract 16: idempotent; the run that logged a version first made it, and one that logged it again did so too."""
    first, second = await make_run(studio.db, studio.project), await make_run(studio.db, studio.project)
    data = await studio.log("data", digest="d" * 32, run_id=first)
    assert data.run_id == first
    for _ in range(2):
        assert (await use(studio, second, data, used_as="training set")).id == data.id
    again = await studio.begin("data", digest="d" * 32, run_id=second)
    assert (again.version.id, again.fresh, again.version.run_id) == (data.id, False, first)
    async with studio.db.reading() as tx:
        assert [run.id for run in (await lineage.used_by(tx, studio.actor, data.id)).rows] == [second]
        made_by = await lineage.created_by(tx, studio.actor, data)
        assert made_by is not None
        assert (made_by.id, made_by.project, made_by.owner) == (first, studio.project.name, studio.project.owner)
        for run_id in (first, second):
            assert [one.id for one in (await lineage.outputs(tx, studio.actor, run_id)).rows] == [data.id]
        assert [one.id for one in (await lineage.inputs(tx, studio.actor, second)).rows] == [data.id]
        assert (await lineage.inputs(tx, studio.actor, first)).rows == []
        assert await lineage.count_inputs(tx, studio.actor, second) == 1
        assert await lineage.count_outputs(tx, studio.actor, second) == 1
    found = await graph(studio.db, studio.actor, data, depth=1)
    used = [edge.used_as for edge in found.edges if edge.kind == "input"]
    assert used == ["training set"]


async def test_a_run_in_another_project_logs_nothing_here(studio: Studio):
    bob = await make_user(studio.db)
    other = await make_run(studio.db, await make_project(studio.db, bob.account, bob.actor))
    for run_id in (other, 0, 2**31, 2**31 - 1):
        with pytest.raises(errors.RunNotFound):
            await studio.begin("data", run_id=run_id)
    data = await studio.log("data")
    own = await make_run(studio.db, studio.project)
    for run_id in (other, 0, 2**31):
        with pytest.raises(errors.RunNotFound):
            await use(studio, run_id, data)
    async with studio.db.transaction() as tx:
        with pytest.raises(errors.VersionNotFound):
            await lineage.use(tx, bob.actor, other, data.id)
        with pytest.raises(errors.VersionNotFound):
            await lineage.add_output(tx, studio.actor, own, 2**31)
        with pytest.raises(errors.Invalid):
            await lineage.use(tx, studio.actor, own, data.id, used_as="\0")
        with pytest.raises(errors.RunNotFound):
            await lineage.inputs(tx, bob.actor, own)
        with pytest.raises(errors.RunNotFound):
            await lineage.count_outputs(tx, bob.actor, own)
        await lineage.add_output(tx, studio.actor, own, data.id)
        assert await lineage.count_outputs(tx, studio.actor, own) == 1


async def test_lists_of_a_run_are_paged_and_hold_what_is_there(studio: Studio):
    """Contract 9: no deleted ones; in the order in which they were used."""
    run = await make_run(studio.db, studio.project)
    used = [await studio.log(f"data {n}") for n in range(5)]
    for version in used:
        await use(studio, run, version)
    async with studio.db.transaction() as tx:
        await versions.delete(tx, studio.actor, used[2].id, delete_aliases=True)
    async with studio.db.reading() as tx:
        first = await lineage.inputs(tx, studio.actor, run, limit=2)
        rest = await lineage.inputs(tx, studio.actor, run, limit=2, cursor=first.next)
        assert [one.id for one in (*first.rows, *rest.rows)] == [used[n].id for n in (0, 1, 3, 4)]
        assert rest.next is None
        assert await lineage.count_inputs(tx, studio.actor, run) == 4
        for asked in (0, 1001):
            with pytest.raises(errors.Invalid):
                await lineage.inputs(tx, studio.actor, run, limit=asked)
        with pytest.raises(errors.Invalid):
            await lineage.used_by(tx, studio.actor, used[0].id, cursor="x")


async def test_the_runs_that_read_a_version_are_paged(studio: Studio):
    data = await studio.log("data")
    runs = [await make_run(studio.db, studio.project) for _ in range(3)]
    for run in runs:
        await use(studio, run, data)
    async with studio.db.reading() as tx:
        first = await lineage.used_by(tx, studio.actor, data.id, limit=2)
        rest = await lineage.used_by(tx, studio.actor, data.id, limit=2, cursor=first.next)
    assert [run.id for run in (*first.rows, *rest.rows)] == runs[::-1]


async def chain(studio: Studio, length: int) -> list[Version]:
    """Versions, each made by a run that read the one before; the runs are called r0, r1 …"""
    made = [await studio.log("m0")]
    for n in range(length):
        run = await make_run(studio.db, studio.project, f"r{n}")
        await use(studio, run, made[-1])
        made.append(await studio.log(f"m{n + 1}", run_id=run))
    return made


async def test_a_graph_goes_as_far_as_it_is_asked_to(studio: Studio):
    made = await chain(studio, 6)
    middle = made[3]
    up = shape(await graph(studio.db, studio.actor, middle, depth=2, direction="up"))
    assert up == (["m2:v0", "m3:v0"], [("m2:v0", "r2"), ("r2", "m3:v0")])
    down = shape(await graph(studio.db, studio.actor, middle, depth=1, direction="down"))
    assert down == (["m3:v0"], [("m3:v0", "r3")])
    both = await graph(studio.db, studio.actor, middle, depth=10)
    assert shape(both)[0] == [f"m{n}:v0" for n in range(7)]
    assert (len(both.runs), len(both.edges), both.root, both.truncated) == (6, 12, middle.id, False)
    wrong: list[dict[str, Facts]] = [{"depth": 0}, {"depth": 11}, {"direction": "sideways"}]
    for asked in wrong:
        with pytest.raises(errors.Invalid):
            await graph(studio.db, studio.actor, middle, **asked)
    with pytest.raises(errors.VersionNotFound):
        await graph(studio.db, (await make_user(studio.db)).actor, middle)


async def test_siblings_are_not_ancestors(studio: Studio):
    """Two models of one data set: from the one, the data set and no other model."""
    data = await studio.log("data")
    models: list[Version] = []
    for name in ("left", "right"):
        run = await make_run(studio.db, studio.project, f"train {name}")
        await use(studio, run, data)
        models.append(await studio.log(name, run_id=run))
    found = shape(await graph(studio.db, studio.actor, models[0], depth=10))
    assert found == (["data:v0", "left:v0"], [("data:v0", "train left"), ("train left", "left:v0")])
    assert shape(await graph(studio.db, studio.actor, data, depth=10))[0] == ["data:v0", "left:v0", "right:v0"]


async def test_a_graph_may_have_circles(studio: Studio):
    """A run that reads what it made, and a version that was logged again by who read it."""
    run = await make_run(studio.db, studio.project, "loop")
    data = await studio.log("data", run_id=run)
    await use(studio, run, data)
    found = await graph(studio.db, studio.actor, data, depth=10)
    assert shape(found) == (["data:v0"], [("data:v0", "loop"), ("loop", "data:v0")])


async def test_a_draft_can_be_where_a_graph_begins(studio: Studio):
    run = await make_run(studio.db, studio.project, "logging")
    data = await studio.log("data")
    await use(studio, run, data)
    draft = (await studio.begin("model", run_id=run)).version
    found = await graph(studio.db, studio.actor, draft, depth=2)
    assert sorted(node.artifact for node in found.versions) == ["data", "model"]
    assert [node.id for node in (await graph(studio.db, studio.actor, data, depth=2)).versions] == [data.id]


async def test_what_is_hidden_is_not_there_nor_the_way_through_it(db: Database, blobs: Blobs):
    """Issue 3: permission-filtered. A version that a release shows is seen; the hidden run that made it is not."""
    lab = await make_lab(db)
    secret = Studio(db, blobs, lab.member.actor, await make_project(db, lab.team, lab.member.actor))
    own = await make_project(db, lab.viewer.account, lab.viewer.actor)
    raw = await secret.log("raw")
    train = await make_run(db, secret.project, "secret training")
    await use(secret, train, raw)
    model = await secret.log("model", type="model", run_id=train)
    registry = await lab.registry()
    async with db.transaction() as tx:
        await links.link(tx, lab.member.actor, model.id, InRegistry(registry.name, "MNIST"))
    open_ = Studio(db, blobs, lab.viewer.actor, own)
    tune = await make_run(db, own, "tuning")
    await use(open_, tune, model)
    tuned = await open_.log("tuned", type="model", run_id=tune)
    everything = await graph(db, lab.member.actor, model, depth=10)
    assert shape(everything) == (
        ["model:v0", "raw:v0"],
        [("raw:v0", "secret training"), ("secret training", "model:v0")],
    )
    partly = await graph(db, lab.viewer.actor, tuned, depth=10)
    assert shape(partly) == (["model:v0", "tuned:v0"], [("model:v0", "tuning"), ("tuning", "tuned:v0")])
    async with db.reading() as tx:
        assert await lineage.created_by(tx, lab.viewer.actor, model) is None
        assert [run.name for run in (await lineage.used_by(tx, lab.viewer.actor, model.id)).rows] == ["tuning"]
        assert (await lineage.used_by(tx, lab.member.actor, model.id)).rows == []
        assert [one.id for one in (await lineage.inputs(tx, lab.viewer.actor, tune)).rows] == [model.id]
    async with db.transaction() as tx:
        await links.unlink(tx, lab.member.actor, model.id, await release_of(db, registry.id))
    assert shape(await graph(db, lab.viewer.actor, tuned, depth=10)) == (["tuned:v0"], [("tuning", "tuned:v0")])
    async with db.reading() as tx:
        assert (await lineage.inputs(tx, lab.viewer.actor, tune)).rows == []
        assert await lineage.count_inputs(tx, lab.viewer.actor, tune) == 0


async def release_of(db: Database, registry_id: int) -> int:
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select id from items where owner_id = %s and kind = 'collection'", (registry_id,)
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_a_graph_holds_a_thousand_nodes(studio: Studio):
    """Bounded, and it says that there is more."""
    data = await studio.log("data")
    async with studio.db.transaction() as tx:
        await tx.connection.execute(
            "with made as (insert into runs (project_id, name) select %s, 'bulk ' || n from generate_series(1, 1500) n"
            " returning id) insert into run_inputs (run_id, version_id) select id, %s from made",
            (studio.project.id, data.id),
        )
    found = await graph(studio.db, studio.actor, data)
    assert (len(found.versions) + len(found.runs), found.truncated) == (1000, True)
    assert len(found.edges) == 999
