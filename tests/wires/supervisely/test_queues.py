"""Labeling queues and jobs, as `supervisely` 6.74.51 and the vendor's own app ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from inline_snapshot import snapshot

from pinakes.server.actor import Role
from pinakes.server.db import Database
from wires.supervisely.conftest import Caller, World
from wires.supervisely.labels import BOX, PIXELS, Desk, desk_of, faceless

META = {
    "classes": ["car"], "projectTags": ["count"], "imageTags": [], "imageFiguresLimit": 3, "imageTagsLimit": 0,
    "dynamicClasses": False, "dynamicTags": True, "hideFigureAuthor": False, "guide": 7, "disableSubmit": True,
}  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """A project with people who label and review in it."""

    desk: Desk
    anna: Caller
    ben: Caller
    rita: Caller

    async def queue(self, **more: object) -> int:
        """A queue over the dataset, with everybody in it."""
        given: dict[str, object] = {
            "name": "Night shift", "userIds": [self.anna.id, self.ben.id], "reviewerIds": [self.rita.id], "meta": META,
            "datasetId": self.desk.dataset, **more,
        }  # fmt: skip
        return (await self.desk.ask("labeling-queues.add", given))["id"]

    async def job(self, queue: int, person: Caller) -> int:
        """Somebody's job in a queue."""
        found = await self.desk.ask("labeling-queues.info", id=queue)
        return next(job["id"] for job in found["jobs"] if job["userId"] == person.id)

    async def pull(self, queue: int, person: Caller) -> int | None:
        """What somebody is given next."""
        return (await person.ask("labeling-queues.entities.get-next", id=await self.job(queue, person)))["id"]

    async def say(self, queue: int, person: Caller, item: int | None, status: str) -> Any:  # noqa: ANN401 - JSON
        """Hand an item in, accept it, reject it."""
        body = {"jobId": await self.job(queue, person), "entityId": item, "status": status}
        return await person.ask("jobs.entities.update-review-status", body)

    async def items(self, queue: int, **asked: object) -> list[tuple[int, str | None]]:
        """The items of a queue with their states."""
        found = await self.desk.ask("labeling-queues.stats.entities", {"id": queue, "per_page": 100, **asked})
        return [(each["id"], each["reviewStatus"]) for each in found["images"]]


@pytest.fixture
async def shop(world: World, db: Database) -> Shop:
    desk = await desk_of(world, db)
    anna, ben = await desk.member("anna", Role.ANNOTATOR), await desk.member("ben", Role.ANNOTATOR)
    return Shop(desk, anna, ben, await desk.member("rita", Role.REVIEWER))


class TestQueues:
    async def test_a_queue(self, shop: Shop) -> None:
        """`LabelingQueueInfo`: arrays of objects with `id`, names that come out as objects, a range that is no null."""
        queue = await shop.queue(
            queueMeta={"reviewOwnAnnotationsAvailable": True}, description="All of it.", readme="# R"
        )
        found = await shop.desk.ask("labeling-queues.info", id=queue)
        people = {"login": "{login}"}
        for who in ("labelers", "reviewers", "qualityCheckUsers"):
            found[who] = [{**person, **people} for person in found[who]]
        found["projectTitle"] = "{project}"
        assert faceless(found) == snapshot(
            {
                "id": "{id}",
                "name": "Night shift",
                "description": "All of it.",
                "readme": "# R",
                "teamId": "{id}",
                "workspaceId": "{id}",
                "projectId": "{id}",
                "projectTitle": "{project}",
                "datasetId": "{id}",
                "datasetTitle": "ds",
                "collectionId": None,
                "createdBy": "{id}",
                "managerLogin": "{login}",
                "labelers": [{"id": "{id}", "login": "{login}"}, {"id": "{id}", "login": "{login}"}],
                "reviewers": [{"id": "{id}", "login": "{login}"}],
                "qualityCheckUsers": [],
                "createdAt": "{time}",
                "startedAt": None,
                "finishedAt": None,
                "status": "pending",
                "jobs": [
                    {"id": "{id}", "userId": "{id}", "type": "annotation"},
                    {"id": "{id}", "userId": "{id}", "type": "annotation"},
                    {"id": "{id}", "userId": "{id}", "type": "review"},
                ],
                "entitiesCount": 3,
                "acceptedCount": 0,
                "annotatedCount": 0,
                "inProgressCount": 0,
                "pendingCount": 3,
                "onReviewCount": 0,
                "rejectedCount": 0,
                "meta": {
                    "range": {"start": None, "end": None},
                    "guide": 7,
                    "disableSubmit": True,
                    "classes": [{"name": "car", "title": "car"}],
                    "projectTags": [{"name": "count", "title": "count"}],
                    "imageTags": [],
                    "imageFiguresLimit": 3,
                    "imageTagsLimit": 0,
                    "dynamicClasses": False,
                    "dynamicTags": True,
                    "hideFigureAuthor": False,
                    "enableIntermediateReview": False,
                },
                "queueMeta": {"reviewOwnAnnotationsAvailable": True, "skipCompleteAnnotationJobOnEmpty": False},
            }
        )
        assert (await shop.desk.refused("labeling-queues.info", id=2**30))[0] == 404

    async def test_the_way_of_an_item(self, shop: Shop) -> None:
        queue, (first, second, third) = await shop.queue(), shop.desk.items
        assert await shop.items(queue) == [(first, None), (second, None), (third, None)]
        assert await shop.pull(queue, shop.anna) == first
        assert await shop.pull(queue, shop.anna) == first
        assert await shop.pull(queue, shop.ben) == second
        assert (await shop.say(queue, shop.anna, first, "done"))["reviewStatus"] == "done"
        assert (await shop.say(queue, shop.anna, first, "done"))["reviewStatus"] == "done"
        assert await shop.pull(queue, shop.rita) == first
        await shop.say(queue, shop.rita, first, "rejected")
        assert await shop.items(queue, entityStatus=["rejected"]) == [(first, "rejected")]
        assert await shop.pull(queue, shop.anna) == first
        await shop.say(queue, shop.anna, first, "accepted")  # the vendor's app says so, and means that it is done
        assert await shop.items(queue, entityStatus=["done"]) == [(first, "done")]
        await shop.say(queue, shop.rita, first, "accepted")
        assert await shop.items(queue, entityStatus=[None, "none"], sort="id") == [(second, "none"), (third, None)]
        assert await shop.items(queue, entityStatus=["accepted"]) == [(first, "accepted")]
        stats = await shop.desk.ask("labeling-queues.stats", id=queue)
        assert (stats["entitiesCount"], stats["acceptedCount"], stats["inProgressCount"], stats["pendingCount"]) == (
            3,
            1,
            1,
            1,
        )

    async def test_left_to_others(self, shop: Shop) -> None:
        queue = await shop.queue()
        job, item = await shop.job(queue, shop.anna), await shop.pull(queue, shop.anna)
        left = await shop.anna.ask("labeling-queues.entities.skip", id=job, entityId=item, comment="too dark")
        assert (left["reviewStatus"], left["comment"]) == (None, "too dark")
        assert await shop.pull(queue, shop.anna) != item

    async def test_lists_of_items(self, shop: Shop) -> None:
        """As many on a page as are asked for; found by number, by name, by collection; in any order that is offered."""
        queue, items = await shop.queue(), shop.desk.items
        collection = await shop.desk.ask(
            "entities-collections.add", projectId=shop.desk.project, name="Two", type="default"
        )
        await shop.desk.ask("entities-collections.items.bulk.add", collectionId=collection["id"], entityIds=items[:2])
        whole = await shop.desk.ask(
            "labeling-queues.stats.entities", id=queue, page=1, per_page=2, sort="name", sort_order="desc"
        )
        assert (whole["total"], [each["id"] for each in whole["images"]]) == (3, items[:0:-1])
        for kind, wanted in ((True, items[:2]), (False, items[2:])):
            kinds = [{"type": "entities_collection", "data": {"collectionId": collection["id"], "include": kind}}]
            assert [item for item, _ in await shop.items(queue, filters=kinds)] == wanted
        for condition in (
            {"field": "id", "operator": "in", "value": items[1:2]},
            {"field": "name", "operator": "=", "value": "image_1.png"},
            {"field": "name", "operator": "like", "value": "%age_1%"},
        ):
            assert [item for item, _ in await shop.items(queue, filter=[condition])] == items[1:2]

    async def test_found(self, shop: Shop) -> None:
        first, second = await shop.queue(), await shop.queue(name="Day shift")

        async def listed(*conditions: object) -> list[int]:
            found = await shop.desk.ask("labeling-queues.list", teamId=shop.desk.team, filter=list(conditions))
            assert found["total"] == len(found["entities"])
            return [each["id"] for each in found["entities"]]

        assert await listed() == [first, second]
        assert await listed({"field": "name", "operator": "in", "value": ["Day shift"]}) == [second]
        assert await listed({"field": "id", "operator": "in", "value": [first]}) == [first]
        assert await listed({"field": "datasetId", "operator": "=", "value": shop.desk.dataset}) == [first, second]
        assert await listed({"field": "collectionId", "operator": "=", "value": 2**31 - 1}) == []

    async def test_stopped_and_completed(self, shop: Shop) -> None:
        queue = await shop.queue()
        for status in ("stopped", "completed"):
            assert (await shop.desk.ask("labeling-queues.set-status", id=queue, status=status))["status"] == status
            assert await shop.pull(queue, shop.anna) is None
        assert (await shop.desk.refused("labeling-queues.set-status", id=queue, status="asleep"))[0] == 400
        assert (await shop.anna.refused("labeling-queues.set-status", id=queue, status="pending"))[0] == 403

    async def test_more_people(self, shop: Shop) -> None:
        queue = await shop.queue(userIds=[shop.anna.id])
        found = await shop.desk.ask("labeling-queues.users.add", id=queue, userIds=[shop.anna.id, shop.ben.id])
        assert [person["id"] for person in found["labelers"]] == [shop.anna.id, shop.ben.id]

    async def test_only_who_has_the_job_pulls(self, shop: Shop) -> None:
        queue = await shop.queue()
        job = await shop.job(queue, shop.anna)
        assert (await shop.ben.refused("labeling-queues.entities.get-next", id=job))[0] in {403, 404}
        assert (await shop.desk.refused("labeling-queues.entities.get-next", id=job))[0] == 403
        stranger = await shop.desk.world.person("stranger")
        assert (await stranger.refused("labeling-queues.entities.get-next", id=job))[0] == 404


WRONG: list[dict[str, Any]] = [
    {"name": ""},
    {"name": 5},
    {"userIds": "all"},
    {"userIds": [2**31 - 1]},
    {"datasetId": None},
    {"collectionId": 5},
    {"datasetId": 2**31 - 1},
    {"meta": 5},
    {"meta": {"classes": [5]}},
    {"meta": {"classes": [{}]}},
    {"meta": {"imageFiguresLimit": -1}},
    {"meta": {"imageTags": ["car"]}},
    {"meta": {"entityIds": ["x"]}},
    {"meta": {"range": [1, 2]}},
    {"queueMeta": []},
]


@pytest.mark.parametrize("number", range(len(WRONG)))
async def test_a_queue_that_can_not_be(shop: Shop, number: int) -> None:
    body = {"name": "Q", "userIds": [shop.anna.id], "reviewerIds": [], "meta": META, "datasetId": shop.desk.dataset}
    status, answer = await shop.desk.refused("labeling-queues.add", {**body, **WRONG[number]})
    assert status == 400
    assert answer["error"]


@pytest.mark.parametrize(
    "asked",
    [
        {"entityStatus": ["asleep"]},
        {"sort": "moon"},
        {"sort_order": "sideways"},
        {"filter": [{"field": "moon", "operator": "=", "value": 1}]},
        {"filter": [{"field": "id", "operator": ">", "value": 1}]},
        {"filters": [{"type": "moon", "data": {}}]},
        {"filters": [{"type": "entities_collection", "data": {}}]},
        {"filters": [{"type": "entities_collection", "data": {"collectionId": 2**31 - 1}}]},
        {"page": 0},
        {"per_page": 0},
        {"per_page": 10**9},
    ],
)
async def test_items_that_nobody_could_find(shop: Shop, asked: dict[str, Any]) -> None:
    queue = await shop.queue()
    assert (await shop.desk.refused("labeling-queues.stats.entities", {"id": queue, **asked}))[0] == 400


class TestJobs:
    async def jobs(self, shop: Shop, *people: Caller, **more: object) -> list[int]:
        """New jobs on the dataset."""
        given: dict[str, object] = {
            "name": "By hand", "datasetId": shop.desk.dataset, "userIds": [each.id for each in people],
            "reviewerId": shop.rita.id, "meta": {**META, "entityIds": []}, **more,
        }  # fmt: skip
        return [each["id"] for each in await shop.desk.ask("jobs.add", given)]

    async def test_a_job(self, shop: Shop) -> None:
        """`LabelingJobInfo`."""
        (job,) = await self.jobs(shop, shop.anna, readme="# R", description="d")
        found = await shop.desk.ask("jobs.info", id=job)
        titles = dict.fromkeys(("projectTitle", "datasetTitle", "workspaceTitle"), "{title}")
        assert faceless({**found, **titles}) == snapshot(
            {
                "id": "{id}",
                "name": "By hand",
                "readme": "# R",
                "description": "d",
                "teamId": "{id}",
                "workspaceId": "{id}",
                "workspaceTitle": "{title}",
                "projectId": "{id}",
                "projectTitle": "{title}",
                "datasetId": "{id}",
                "datasetTitle": "{title}",
                "collectionId": None,
                "createdBy": "{id}",
                "managerLogin": "{login}",
                "userId": "{id}",
                "labelerLogin": "{login}",
                "reviewerId": "{id}",
                "reviewerLogin": "{login}",
                "createdAt": "{time}",
                "startedAt": None,
                "finishedAt": None,
                "status": "pending",
                "disabled": False,
                "type": "annotation",
                "labelingQueueId": None,
                "labelingExamId": None,
                "imagesCount": 3,
                "finishedImagesCount": 0,
                "rejectedImagesCount": 0,
                "acceptedImagesCount": 0,
                "progressImagesCount": 3,
                "meta": {
                    "range": {"start": None, "end": None},
                    "guide": 7,
                    "disableSubmit": True,
                    "classes": [{"name": "car", "title": "car"}],
                    "projectTags": [{"name": "count", "title": "count"}],
                    "imageTags": [],
                    "imageFiguresLimit": 3,
                    "imageTagsLimit": 0,
                    "dynamicClasses": False,
                    "dynamicTags": True,
                    "hideFigureAuthor": False,
                    "enableIntermediateReview": False,
                },
                "priority": None,
                "customData": {},
                "entities": [
                    {"id": "{id}", "name": "image_0.png", "reviewStatus": "none"},
                    {"id": "{id}", "name": "image_1.png", "reviewStatus": "none"},
                    {"id": "{id}", "name": "image_2.png", "reviewStatus": "none"},
                ],
            }
        )

    async def test_dealt_out_worked_and_reviewed(self, shop: Shop) -> None:
        first, second = await self.jobs(shop, shop.anna, shop.ben)
        found = [await shop.desk.ask("jobs.info", id=job) for job in (first, second)]
        assert sorted(item["id"] for job in found for item in job["entities"]) == shop.desk.items
        item = found[0]["entities"][0]["id"]
        judged = {"jobId": first, "entityId": item}
        await shop.anna.ask("jobs.entities.update-review-status", {**judged, "status": "done"})
        await shop.rita.ask("jobs.entities.update-review-status", {**judged, "status": "rejected", "comment": "again"})
        again = await shop.desk.ask("jobs.restart", id=first, userIds=[shop.ben.id], completeExisting=True)
        made = await shop.desk.ask("jobs.info", id=again[0]["id"])
        assert ([each["id"] for each in made["entities"]], made["userId"]) == ([item], shop.ben.id)
        assert (await shop.desk.ask("jobs.info", id=first))["status"] == "completed"
        status, body = await shop.desk.refused("jobs.restart", id=second, userIds=[shop.anna.id])
        assert (status, "No images found" in body["error"]) == (400, True)

    async def test_statistics(self, shop: Shop) -> None:
        (job,) = await self.jobs(shop, shop.anna)
        await shop.desk.draw(*shop.desk.items[:2], tags=[{"name": "count", "value": 1}])
        found = await shop.desk.ask("jobs.stats", id=job)
        classes = {each["name"]: (each["imagesCount"], each["labelsCount"]) for each in found["classes"]}
        assert classes["car"] == (2, 2)
        assert (found["job"]["id"], found["job"]["imagesCount"], found["images"]["total"]) == (job, 3, 3)
        assert [each["labelsCount"] for each in found["images"]["images"]] == [1, 1, 0]

    async def test_found(self, shop: Shop) -> None:
        first, second = await self.jobs(shop, shop.anna, shop.ben)
        queue = await shop.queue()

        async def listed(*conditions: object, **more: object) -> list[int]:
            found = await shop.desk.ask("jobs.list", {"teamId": shop.desk.team, "filter": list(conditions), **more})
            return [each["id"] for each in found["entities"]]

        def by(field: str, value: object, operator: str = "=") -> dict[str, object]:
            return {"field": field, "operator": operator, "value": value}

        assert await listed(by("labelingQueueId", None)) == [first, second]
        assert len(await listed(by("labelingQueueId", [queue], "in"))) == 3
        assert await listed(by("labelingQueueId", None), by("userId", shop.ben.id)) == [second]
        assert await listed(by("labelingQueueId", None), by("reviewerId", shop.rita.id)) == [first, second]
        assert await listed(by("status", ["pending"], "!in")) == []
        assert await listed(by("createdBy", shop.anna.id)) == []
        assert (await shop.desk.refused("jobs.list", filter=[by("moon", 1)]))[0] == 400
        assert (await shop.desk.refused("jobs.list", filter=[by("status", ["asleep"], "!in")]))[0] == 400
        await shop.desk.ask("jobs.archive", id=second)
        assert await listed(by("labelingQueueId", None)) == [first]
        assert await listed(by("labelingQueueId", None), showDisabled=True) == [first, second]

    async def test_changed_stopped_and_removed(self, shop: Shop) -> None:
        (job,) = await self.jobs(shop, shop.anna)
        changed = await shop.desk.ask("jobs.editInfo", id=job, userId=shop.ben.id, customData={"a": 1}, name="Other")
        assert (changed["userId"], changed["customData"], changed["name"]) == (shop.ben.id, {"a": 1}, "Other")
        assert await shop.desk.ask("jobs.stop", id=job) == {"success": True}
        assert (await shop.desk.ask("jobs.info", id=job))["status"] == "stopped"
        assert (await shop.anna.refused("jobs.stop", id=job))[0] in {403, 404}
        assert await shop.desk.ask("jobs.bulk.remove", ids=[job]) == {"success": True}
        assert (await shop.desk.refused("jobs.info", id=job))[0] == 404

    async def test_nonsense_is_refused(self, shop: Shop) -> None:
        (job,) = await self.jobs(shop, shop.anna)
        wrong: list[tuple[str, dict[str, Any]]] = [
            ("jobs.set-status", {"id": job, "status": "asleep"}),
            ("jobs.reject", {"id": job, "mode": "some"}),
            ("jobs.entities.update-review-status", {"jobId": job, "entityId": shop.desk.items[0], "status": "asleep"}),
            ("jobs.entities.update-review-status", {"jobId": job, "entityId": 2**30, "status": "done"}),
            ("jobs.editInfo", {"id": job, "customData": []}),
            ("jobs.editInfo", {"id": job, "userId": 2**31 - 1}),
            ("jobs.add", {"name": "x", "datasetId": shop.desk.dataset, "userIds": []}),
            ("jobs.add", {"name": "x", "datasetId": shop.desk.dataset, "userIds": [2**31 - 1]}),
        ]
        for method, body in wrong:
            assert (await shop.desk.refused(method, body))[0] == 400, (method, body)


class TestLimits:
    """What `meta` allows a labeler: refused as his own mistake, with what is wrong and where."""

    async def test_saving_and_handing_in(self, shop: Shop) -> None:
        meta = {**META, "classes": ["car"], "imageFiguresLimit": 1}
        queue = await shop.queue(meta=meta, reviewerIds=[])
        item = await shop.pull(queue, shop.anna)
        figure = {"entityId": item, "classTitle": "car", "geometryType": "rectangle", "geometry": PIXELS}
        box = {"classTitle": "car", "geometryType": "rectangle", **BOX}
        for objects, said in (([box, box], "at most 1 figures"), ([{**box, "classTitle": "any"}], "'any'")):
            body = {"annotations": [{"imageId": item, "annotation": {"tags": [], "objects": objects}}]}
            status, told = await shop.anna.refused("annotations.bulk.add", body)
            assert (status, said in told["error"]) == (400, True), told
        body = {"annotations": [{"imageId": item, "annotation": {"tags": [], "objects": [box]}}]}
        await shop.anna.ask("annotations.bulk.add", body)
        status, told = await shop.anna.refused("figures.bulk.add", figures=[figure])
        assert (status, "it has 2" in told["error"]) == (400, True), told
        await shop.desk.ask("figures.bulk.add", figures=[figure])
        job = await shop.job(queue, shop.anna)
        status, told = await shop.anna.refused(
            "jobs.entities.update-review-status", jobId=job, entityId=item, status="done"
        )
        assert (status, "it has 2" in told["error"]) == (400, True), told
        await shop.anna.ask("annotations.bulk.add", body)
        assert (await shop.say(queue, shop.anna, item, "done"))["reviewStatus"] == "done"

    async def test_a_lease_that_ran_out(self, shop: Shop, db: Database) -> None:
        """Nobody took the item: what is saved makes it his again, and it can be handed in."""
        queue = await shop.queue()
        item = await shop.pull(queue, shop.anna)
        async with db.transaction() as tx:
            await tx.connection.execute(
                "update work set lease_until = now() - interval '1 s' where queue_id = %s", (queue,)
            )
        body = {"annotations": [{"imageId": item, "annotation": {"tags": [], "objects": []}}]}
        await shop.anna.ask("annotations.bulk.add", body)
        assert (await shop.say(queue, shop.anna, item, "done"))["reviewStatus"] == "done"
