"""Removing items that somebody sees only because he works on them: refused on both wires, and nothing is removed."""

from __future__ import annotations

import pytest

from pinakes.server.actor import Role
from pinakes.server.db import Database
from wires.supervisely.conftest import Caller, World
from wires.supervisely.labels import Desk, desk_of

PARTS = [(Role.ANNOTATOR, "userIds"), (Role.REVIEWER, "reviewerIds")]


async def at_work(desk: Desk, db: Database, role: Role, field: str) -> Caller:
    """Somebody whose job hands him the first item of the dataset."""
    person = await desk.member("worker", role)
    people = {"userIds": [], "reviewerIds": [], field: [person.id]}
    anna = await desk.member("anna", Role.ANNOTATOR)
    people["userIds"] = [*people["userIds"], anna.id]
    queue = await desk.ask("labeling-queues.add", {"name": "Q", "datasetId": desk.dataset, **people})
    jobs = {job["userId"]: job["id"] for job in queue["jobs"]}
    first = person if field == "userIds" else anna
    item = (await first.ask("labeling-queues.entities.get-next", id=jobs[first.id]))["id"]
    assert item == desk.items[0]
    if field == "reviewerIds":
        done = {"jobId": jobs[anna.id], "entityId": item, "status": "done"}
        await anna.ask("jobs.entities.update-review-status", done)
        assert (await person.ask("labeling-queues.entities.get-next", id=jobs[person.id]))["id"] == item
    return person


@pytest.mark.parametrize(("role", "field"), PARTS, ids=[field for _, field in PARTS])
async def test_who_works_on_an_item_can_not_remove_it(world: World, db: Database, role: Role, field: str) -> None:
    desk = await desk_of(world, db)
    worker = await at_work(desk, db, role, field)
    seen, unseen = desk.items[:2]
    assert (await worker.ask("images.info", id=seen))["id"] == seen
    status, _ = await worker.refused("images.bulk.remove", imageIds=[unseen, seen])
    assert status == 403
    answer = await world.client.post("/api/v1/media/remove", json={"items": [unseen, seen]}, headers=worker.bearer)
    assert answer.status_code == 403
    assert answer.json()["error"]["details"] == {"permission": "project:write", "items": [seen]}
    answer = await world.client.post("/api/v1/media/remove", json={"items": [unseen]}, headers=worker.bearer)
    assert answer.json() == {"items": [], "missing": [unseen]}
    assert {one["id"] for one in (await desk.ask("images.list", datasetId=desk.dataset))["entities"]} == {*desk.items}
