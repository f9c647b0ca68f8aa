"""Annotations of images, as `supervisely` 6.74.51 puts and reads them."""

from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from pinakes.server.actor import Role
from pinakes.server.db import Database
from wires.supervisely.conftest import World
from wires.supervisely.labels import BOX, Desk, desk_of, faceless


def label(**more: object) -> dict[str, Any]:
    return {"classTitle": "car", "geometryType": "rectangle", "shape": "rectangle", "tags": [], **BOX, **more}


def annotation(*labels: object, **more: object) -> dict[str, Any]:
    size = {"height": 6, "width": 8}
    return {"description": "", "size": size, "tags": [], "objects": list(labels), **more}


async def put(desk: Desk, item: int, given: object) -> object:
    body = {
        "datasetId": desk.dataset,
        "annotations": [{"imageId": item, "annotation": given}],
        "skipBoundsValidation": False,
    }
    return await desk.ask("annotations.bulk.add", body)


@pytest.fixture
async def desk(world: World, db: Database) -> Desk:
    return await desk_of(world, db)


async def test_an_annotation_comes_back(desk: Desk) -> None:
    """`api.annotation.upload_ann`, `.download`: whole, in subpixels, with who drew it."""
    drawn = label(tags=[{"name": "count", "value": 3}], description="left", nnCreated=True, instance="a1")
    given = annotation(
        drawn, tags=[{"name": "weather", "value": "sun"}], description="at night", customBigData={"a": 1}
    )
    assert await put(desk, desk.items[0], given) == {"success": True}
    found = await desk.ask("annotations.info", imageId=desk.items[0], integerCoords=False, withCustomBigData=True)
    assert faceless(found) == snapshot(
        {
            "imageId": "{id}",
            "imageName": "image_0.png",
            "datasetId": "{id}",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "annotation": {
                "description": "at night",
                "tags": [
                    {
                        "id": "{id}",
                        "tagId": "{id}",
                        "name": "weather",
                        "value": "sun",
                        "labelerLogin": "{login}",
                        "createdAt": "{time}",
                        "updatedAt": "{time}",
                        "entityId": "{id}",
                    }
                ],
                "size": {"height": 6, "width": 8},
                "objects": [
                    {
                        "id": "{id}",
                        "classId": "{id}",
                        "classTitle": "car",
                        "objectId": None,
                        "geometryType": "rectangle",
                        "description": "left",
                        "labelerLogin": "{login}",
                        "createdBy": "{id}",
                        "createdAt": "{time}",
                        "updatedAt": "{time}",
                        "tags": [
                            {
                                "id": "{id}",
                                "tagId": "{id}",
                                "name": "count",
                                "value": 3,
                                "labelerLogin": "{login}",
                                "createdAt": "{time}",
                                "updatedAt": "{time}",
                                "figureId": "{id}",
                            }
                        ],
                        "meta": {},
                        "trackId": None,
                        "priority": None,
                        "nnCreated": True,
                        "nnUpdated": False,
                        "instance": "a1",
                        "shape": "rectangle",
                        "points": {"exterior": [[5, 4], [21, 17]], "interior": []},
                    }
                ],
                "customBigData": {"a": 1},
            },
        }
    )


async def test_coordinates_are_whole_pixels_unless_subpixels_are_asked_for(desk: Desk) -> None:
    """The client asks `integerCoords: false`; who asks nothing, or true, gets pixels."""
    await put(desk, desk.items[0], annotation(label()))

    async def corners(**asked: object) -> object:
        found = await desk.ask("annotations.info", {"imageId": desk.items[0], **asked})
        return found["annotation"]["objects"][0]["points"]["exterior"]

    assert await corners(integerCoords=False) == [[5, 4], [21, 17]]
    assert await corners(integerCoords=True) == [[5, 4], [20, 16]]
    assert await corners() == [[5, 4], [20, 16]]


async def test_an_annotation_replaces_what_was_there(desk: Desk) -> None:
    await put(desk, desk.items[0], annotation(label(), label(), tags=[{"name": "seen"}]))
    await put(desk, desk.items[0], annotation(label()))
    found = (await desk.ask("annotations.info", imageId=desk.items[0]))["annotation"]
    assert (len(found["objects"]), found["tags"]) == (1, [])


async def test_a_class_is_meant_by_its_title(desk: Desk) -> None:
    """A project that was downloaded and is uploaded again carries the numbers of where it came from."""
    await put(desk, desk.items[0], annotation(label(classId=desk.class_id("road"), id=2**31 - 1)))
    found = (await desk.ask("annotations.info", imageId=desk.items[0]))["annotation"]["objects"][0]
    assert (found["classTitle"], found["classId"]) == ("car", desk.class_id("car"))


async def test_a_tag_may_be_a_bare_name(desk: Desk) -> None:
    await put(desk, desk.items[0], annotation(tags=["seen"]))
    found = (await desk.ask("annotations.info", imageId=desk.items[0]))["annotation"]["tags"]
    assert [tag["name"] for tag in found] == ["seen"]


async def test_all_or_nothing(desk: Desk) -> None:
    """One label of a class that there is not: the message says which, and no image is changed."""
    wrong = {"imageId": desk.items[1], "annotation": annotation(label(), label(classTitle="ufo"))}
    right = {"imageId": desk.items[0], "annotation": annotation(label())}
    status, body = await desk.refused("annotations.bulk.add", datasetId=desk.dataset, annotations=[right, wrong])
    assert status == 400
    assert "annotations[1].labels[1]" in body["error"]
    found = await desk.ask("annotations.bulk.info", datasetId=desk.dataset, imageIds=desk.items)
    assert [each["annotation"]["objects"] for each in found] == [[], [], []]


async def test_of_several_images_in_the_order_asked(desk: Desk) -> None:
    asked = desk.items[::-1]
    found = await desk.ask("annotations.bulk.info", datasetId=desk.dataset, imageIds=asked)
    assert [each["imageId"] for each in found] == asked
    assert await desk.ask("annotations.bulk.info", datasetId=desk.dataset, imageIds=[]) == []


async def test_a_list_by_pages_and_by_token(desk: Desk) -> None:
    """`api.annotation.get_list`, `.get_list_generator`."""
    first = await desk.ask("annotations.list", datasetId=desk.dataset, filter=[], per_page=2)
    assert (first["total"], first["perPage"], first["pagesCount"], len(first["entities"])) == (3, 2, 2, 2)
    second = await desk.ask("annotations.list", datasetId=desk.dataset, page=2, per_page=2)
    assert [each["imageId"] for each in first["entities"] + second["entities"]] == desk.items
    token = {"datasetId": desk.dataset, "pagination_mode": "token", "per_page": 2}
    one = await desk.ask("annotations.list", token)
    two = await desk.ask("annotations.list", {**token, "after": one["after"]})
    assert [each["imageId"] for each in one["entities"] + two["entities"]] == desk.items
    assert two["after"] is None
    named = [{"field": "name", "operator": "in", "value": ["image_1.png"]}]
    assert len((await desk.ask("annotations.list", datasetId=desk.dataset, filter=named))["entities"]) == 1


async def test_copied(desk: Desk) -> None:
    await put(desk, desk.items[0], annotation(label(), tags=[{"name": "seen"}]))
    pairs = {"srcImageIds": desk.items[:1], "destImageIds": desk.items[1:2]}
    assert await desk.ask("annotations.bulk.copy", {**pairs, "preserveSourceDate": True}) == {"success": True}
    found = (await desk.ask("annotations.info", imageId=desk.items[1]))["annotation"]
    assert (len(found["objects"]), len(found["tags"])) == (1, 1)
    status, body = await desk.refused("annotations.bulk.copy", srcImageIds=desk.items, destImageIds=desk.items[:1])
    assert (status, body["details"][0]["field"]) == (400, "destImageIds")


async def test_what_somebody_may_not_see_does_not_exist(desk: Desk) -> None:
    stranger, viewer = await desk.world.person("stranger"), await desk.member("viewer", Role.VIEWER)
    status, _ = await stranger.refused("annotations.info", imageId=desk.items[0])
    assert status == 400
    assert (await viewer.ask("annotations.info", imageId=desk.items[0]))["imageId"] == desk.items[0]
    given = [{"imageId": desk.items[0], "annotation": annotation(label())}]
    assert (await viewer.refused("annotations.bulk.add", annotations=given))[0] == 403
    assert (await stranger.refused("annotations.bulk.add", annotations=given))[0] == 400
    assert (await desk.world.nobody.refused("annotations.bulk.add", annotations=given))[0] == 401


WRONG: list[dict[str, Any]] = [
    {"objects": [{"classTitle": "car", **BOX}]},
    {"objects": [{"geometryType": "rectangle", **BOX}]},
    {"objects": [label(points={"exterior": [[1, 2]]})]},
    {"objects": [label(points={"exterior": [[1, 2], ["a", 3]]})]},
    {"objects": [label(points=7)]},
    {"objects": [label(tags=[{"name": "nobody"}])]},
    {"objects": [label(tags=[{"name": "count", "value": "three"}])]},
    {"objects": [label(tags=[{"name": "count", "value": [1]}])]},
    {"objects": [label(tags=[{}])]},
    {"objects": [label(description=5)]},
    {"objects": [label(priority=2**40)]},
    {"objects": [label(meta={"frame": -1})]},
    {"objects": [label(classTitle="x" * 5000)]},
    {"objects": "none"},
    {"objects": [None]},
    {"tags": [{"name": "weather", "value": "snow"}]},
    {"tags": [{"name": "seen", "frameRange": [3, 1]}]},
    {"tags": [{"name": "seen", "frameRange": [1]}]},
    {"description": []},
    {"customBigData": 3},
]


@pytest.mark.parametrize("number", range(len(WRONG)))
async def test_nonsense_is_refused_with_a_reason(desk: Desk, number: int) -> None:
    given = [{"imageId": desk.items[0], "annotation": WRONG[number]}]
    status, body = await desk.refused("annotations.bulk.add", datasetId=desk.dataset, annotations=given)
    assert status == 400
    assert body["error"]


BAD_MASK = {"bitmap": {"origin": [0, 0], "data": "@@@"}}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"geometryType": "bitmap", "points": None, **BAD_MASK}, "mask"),
        ({"geometryType": "wat"}, "wat"),
        ({"geometryType": "rectangle", "points": {"exterior": [[1e300, 0], [2, 2]], "interior": []}}, "point"),
    ],
    ids=["mask", "type", "far"],
)
async def test_what_no_client_could_read_is_refused(desk: Desk, wrong: dict[str, object], said: str) -> None:
    """A mask that is none, a type that there is not, a place where nothing can be: 400, and nothing is kept."""
    given = annotation(label(), label(classTitle="any", **wrong))
    body = {"annotations": [{"imageId": desk.items[0], "annotation": given}]}
    status, told = await desk.refused("annotations.bulk.add", body)
    assert (status, said in told["error"]) == (400, True), told
    shape = {key: wrong.get(key, BOX.get(key)) for key in ("points", "bitmap")}
    figure = {"classTitle": "any", "geometry": shape, "geometryType": wrong["geometryType"]}
    assert (await desk.refused("figures.bulk.add", entityId=desk.items[0], figures=[figure]))[0] == 400
    found = await desk.ask("annotations.info", imageId=desk.items[0])
    assert found["annotation"]["objects"] == []


async def test_a_class_has_a_shape_that_there_is(desk: Desk) -> None:
    """`projects.meta.update` with a shape of nobody's."""
    before = await desk.ask("projects.meta", id=desk.project)
    wrong = {"title": "odd", "shape": "wat", "color": "#112233"}
    meta = {**before, "classes": [*before["classes"], wrong]}
    status, told = await desk.refused("projects.meta.update", id=desk.project, meta=meta)
    assert (status, "wat" in told["error"]) == (400, True)
    assert await desk.ask("projects.meta", id=desk.project) == before
