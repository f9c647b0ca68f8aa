"""Nonsense for every method about labels, queues and jobs: it is refused, or is nobody's; never an accident of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pinakes.server.db import Database
from pinakes.server.wires.supervisely.methods import (
    figures,
    geometries,
    image_labels,
    jobs,
    objects,
    point_cloud_labels,
    queues,
    tagging,
    videos_labels,
    volume_labels,
)
from wires.supervisely.conftest import BASE, World
from wires.supervisely.labels import PIXELS, Desk, desk_of

MODULES = (
    image_labels, figures, geometries, jobs, objects, point_cloud_labels, queues, tagging, videos_labels, volume_labels,
)  # fmt: skip
NAMES = sorted(method.name for module in MODULES for method in module.METHODS if method.mode != "raw")

VALUES: list[Any] = [
    None, True, 0, -1, 2**31 - 1, 2**31, 2**63, 2**64, 10**40, 1.5, 1e308, "", "1", "x" * 70_000, "é\u202e", [], {},
    [None], [[]], [{}], [0], [2**31 - 1], [2**70], ["x"], [{"id": 1}], {"a": {"b": [1]}}, [[1, 2], [3, 4]], [1] * 2000,
]  # fmt: skip
WELL_MEANT = {200, 400, 401, 403, 404, 409, 413}

FIELDS = [
    "id",
    "ids",
    "datasetId",
    "projectId",
    "teamId",
    "imageId",
    "imageIds",
    "videoIds",
    "pointCloudIds",
    "volumeIds",
    "entityId",
    "jobId",
    "tagId",
    "tagIds",
    "figureId",
    "figureIds",
    "objectId",
    "videoId",
    "value",
    "tags",
    "figures",
    "annotations",
    "annotationObjects",
    "frameRange",
    "name",
    "userIds",
    "reviewerIds",
    "reviewerId",
    "qualityCheckUserIds",
    "meta",
    "queueMeta",
    "collectionId",
    "entityStatus",
    "filter",
    "filters",
    "fields",
    "sort",
    "sort_order",
    "page",
    "per_page",
    "after",
    "pagination_mode",
    "status",
    "mode",
    "geometry",
    "geometryType",
    "customData",
    "priority",
    "srcImageIds",
    "destImageIds",
    "description",
    "readme",
    "userId",
    "completeExisting",
    "showDisabled",
    "integerCoords",
    "classId",
    "nnCreated",
    "comment",
]


@pytest.fixture
async def desk(world: World, db: Database) -> Desk:
    return await desk_of(world, db, items=1)


async def status(desk: Desk, name: str, body: object) -> int:
    headers = {**desk.caller.headers, "Content-Type": "application/json"}
    return (await desk.world.client.post(BASE + name, content=json.dumps(body), headers=headers)).status_code


@pytest.mark.parametrize("name", NAMES)
async def test_every_field_of_it(desk: Desk, name: str) -> None:
    """One value in every field, then right ones everywhere but in one."""
    assert await status(desk, name, None) in WELL_MEANT
    for value in VALUES:
        assert await status(desk, name, value) in WELL_MEANT, value
        assert await status(desk, name, dict.fromkeys(FIELDS, value)) in WELL_MEANT, value


def by(field: str, operator: str, value: object) -> list[dict[str, object]]:
    return [{"field": field, "operator": operator, "value": value}]


def bodies(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    """A right body for those methods that have deep ones."""
    item, dataset = desk.items[0], desk.dataset
    figure = {
        "entityId": item, "classTitle": "car", "geometryType": "rectangle", "geometry": PIXELS, "meta": {"frame": 1},
        "trackId": "a", "priority": 1, "description": "", "customData": {}, "tags": [], "objectId": None, "classId": 1,
    }  # fmt: skip
    label = {"classTitle": "car", "geometryType": "rectangle", "tags": [{"name": "count", "value": 1}], **PIXELS}
    annotation = {"description": "", "tags": [], "objects": [label], "customBigData": {}}
    work = {"classes": [], "projectTags": [], "imageTags": [], "imageFiguresLimit": 0, "range": None, "entityIds": []}
    tag = {"entityId": item, "tagId": desk.tag_id(), "value": 1, "frameRange": [0, 1], "name": "count"}
    return [
        ("figures.bulk.add", {"datasetId": dataset, "figures": [figure]}),
        ("annotations.bulk.add", {"annotations": [{"imageId": item, "annotation": annotation}]}),
        ("tags.entities.bulk.add", {"tags": [tag]}),
        ("labeling-queues.add", {"name": "Q", "userIds": [desk.caller.id], "datasetId": dataset, "meta": work}),
        ("jobs.add", {"name": "J", "userIds": [desk.caller.id], "datasetId": dataset, "meta": work}),
        ("figures.list", {"datasetId": dataset, "filter": by("id", "in", [1])}),
        ("jobs.list", {"teamId": desk.team, "filter": by("id", "in", [1])}),
        (
            "labeling-queues.list",
            {"teamId": desk.team, "filter": by("name", "in", ["a"])},
        ),
        (
            "annotations.list",
            {
                "datasetId": dataset,
                "filter": by("createdAt", ">", "2026-01-01T00:00:00.000Z"),
            },
        ),
    ]


def with_one_wrong(body: Any, value: object) -> list[Any]:  # noqa: ANN401 - JSON
    """The body with a value in the place of each of its parts, however deep."""
    found: list[Any] = []
    if isinstance(body, dict):
        for key, part in body.items():
            found += [{**body, key: wrong} for wrong in (value, *with_one_wrong(part, value))]
    elif isinstance(body, list):
        for at, part in enumerate(body):
            found += [[*body[:at], wrong, *body[at + 1 :]] for wrong in (value, *with_one_wrong(part, value))]
    return found


@pytest.mark.parametrize("number", range(9))
async def test_one_wrong_part_however_deep(desk: Desk, number: int) -> None:
    name, body = bodies(desk)[number]
    assert await status(desk, name, body) == 200
    for value in (None, -1, 2**31, 2**70, 1e308, "x", "", [], {}, [None], True):
        for wrong in with_one_wrong(body, value):
            assert await status(desk, name, wrong) in WELL_MEANT, wrong
