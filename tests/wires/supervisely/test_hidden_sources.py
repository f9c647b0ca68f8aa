"""Who only works in a queue: what does not exist for him is named nowhere, and what he sees is in the lists."""

from __future__ import annotations

import pytest

from factories.selections import execute
from pinakes.server.actor import Role
from pinakes.server.db import Database
from wires.supervisely.conftest import Caller, World
from wires.supervisely.labels import Desk, desk_of


async def queue_over(desk: Desk, worker: Caller) -> tuple[int, int, int]:
    """A collection of all items, a queue over it, and somebody's job in that."""
    made = await desk.ask("entities-collections.add", projectId=desk.project, name="Hard ones", type="default")
    await desk.ask("entities-collections.items.bulk.add", collectionId=made["id"], entityIds=desk.items)
    queue = await desk.ask(
        "labeling-queues.add", name="Q", userIds=[worker.id], reviewerIds=[], collectionId=made["id"]
    )
    return made["id"], queue["id"], queue["jobs"][0]["id"]


async def lists_by_collection(caller: Caller, team: int, collection: int) -> list[int]:
    asked = {"teamId": team, "filter": [{"field": "collectionId", "operator": "=", "value": collection}]}
    return [one["id"] for one in (await caller.ask("labeling-queues.list", asked))["entities"]]


async def test_the_collection_of_a_queue(world: World, db: Database) -> None:
    desk = await desk_of(world, db)
    worker = await desk.member("anna", Role.ANNOTATOR)
    collection, queue, job = await queue_over(desk, worker)
    await worker.ask("labeling-queues.entities.get-next", id=job)
    assert (await worker.refused("entities-collections.info", id=collection))[0] == 404
    assert (await worker.ask("labeling-queues.info", id=queue))["collectionId"] is None
    assert (await worker.ask("jobs.info", id=job))["collectionId"] is None
    assert await lists_by_collection(worker, desk.team, collection) == []
    shown = await worker.natively(f"/queues/{queue}")
    assert (shown["collection"], shown["collection_name"]) == (None, None)
    assert (await worker.natively(f"/jobs/{job}"))["collection"] is None
    assert (await desk.ask("labeling-queues.info", id=queue))["collectionId"] == collection
    assert await lists_by_collection(desk.caller, desk.team, collection) == [queue]
    assert (await desk.caller.natively(f"/queues/{queue}"))["collection_name"] == "Hard ones"


async def test_a_public_collection_is_named(world: World, db: Database) -> None:
    """As he sees it."""
    desk = await desk_of(world, db)
    worker = await desk.member("anna", Role.ANNOTATOR)
    collection, queue, _ = await queue_over(desk, worker)
    await execute(db, "update items set visibility = 'public' where id = any(%s)", [collection, desk.project])
    assert (await worker.ask("labeling-queues.info", id=queue))["collectionId"] == collection
    assert (await worker.natively(f"/queues/{queue}"))["collection_name"] == "Hard ones"


@pytest.mark.parametrize("first", [True, False], ids=["the first workspace", "another workspace"])
async def test_the_project_that_he_works_in_is_listed(world: World, db: Database, first: bool) -> None:
    desk = await desk_of(world, db)
    worker, idle = await desk.member("anna", Role.ANNOTATOR), await desk.member("idle", Role.ANNOTATOR)
    if not first:
        workspace = await desk.ask("workspaces.add", teamId=desk.team, name="Second")
        await desk.ask("projects.workspace.set", id=desk.project, workspaceId=workspace["id"])
    await queue_over(desk, worker)
    for path in ("/projects", f"/projects?owner={desk.owner.name}", "/projects?media=true"):
        assert desk.project in [one["id"] for one in (await worker.natively(path))["rows"]]
        assert desk.project not in [one["id"] for one in (await idle.natively(path))["rows"]]
    assert (await worker.natively(f"/projects/{desk.project}"))["id"] == desk.project
    listed = (await worker.ask("projects.list", groupId=desk.team))["entities"]
    assert [one["id"] for one in listed] == [desk.project]
