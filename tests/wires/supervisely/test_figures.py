"""Figures and their geometries, as `supervisely` 6.74.51 asks for them."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from inline_snapshot import snapshot

from pinakes.server.actor import Role
from pinakes.server.db import Database
from pinakes.server.labeling import masks
from wires.supervisely.conftest import BASE, Caller, World
from wires.supervisely.labels import PIXELS, Desk, desk_of, faceless

MASK = json.dumps(masks.to_bitmap(np.ones((3, 4), dtype=bool), 2, 1)).encode()
RING = {"points": {"exterior": [[1, 1], [9, 1], [9, 9]], "interior": []}}


@pytest.fixture
async def desk(world: World, db: Database) -> Desk:
    return await desk_of(world, db)


async def listed(desk: Desk, *conditions: object, **more: object) -> list[dict[str, Any]]:
    found = await desk.ask("figures.list", {"datasetId": desk.dataset, "filter": list(conditions), **more})
    assert found["total"] == len(found["entities"])
    return found["entities"]


def on(*items: int) -> dict[str, object]:
    return {"field": "entityId", "operator": "in", "value": list(items)}


async def test_a_figure_as_it_is_listed(desk: Desk) -> None:
    """`FigureInfo` of the client, and what `labeling_job.get_annotations` reads."""
    tags = [{"name": "count", "value": 2}]
    (number,) = await desk.draw(desk.items[0], tags=tags, customData={"a": 1}, trackId="t1", priority=4)
    (found,) = await listed(desk, on(desk.items[0]), integerCoords=True)
    assert faceless(found) == snapshot(
        {
            "id": "{id}",
            "classId": "{id}",
            "classTitle": "car",
            "objectId": None,
            "geometryType": "rectangle",
            "description": "",
            "labelerLogin": "{login}",
            "createdBy": "{id}",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "tags": [
                {
                    "id": "{id}",
                    "tagId": "{id}",
                    "name": "count",
                    "value": 2,
                    "labelerLogin": "{login}",
                    "createdAt": "{time}",
                    "updatedAt": "{time}",
                    "figureId": "{id}",
                }
            ],
            "meta": {},
            "frameIndex": None,
            "trackId": "t1",
            "priority": 4,
            "nnCreated": False,
            "nnUpdated": False,
            "customData": {"a": 1},
            "entityId": "{id}",
            "imageId": "{id}",
            "projectId": "{id}",
            "datasetId": "{id}",
            "geometry": {"points": {"exterior": [[5, 4], [20, 16]], "interior": []}},
            "geometryMeta": {"bbox": [4.0, 5.0, 16.0, 20.0]},
            "area": "180",
        }
    )
    assert await desk.ask("figures.info", id=number) == found


async def test_pixels_become_subpixels_and_come_back(desk: Desk) -> None:
    """What `append_labels` sends in pixels is read in subpixels by `annotations.info`, and in pixels by `figures.*`."""
    item = desk.items[0]
    figures = [
        {"classTitle": "car", "geometryType": "rectangle", "geometry": {**PIXELS, "shape": "rectangle", "classId": 7}},
        {"classId": desk.class_id("road"), "geometryType": "polygon", "geometry": RING},
    ]
    await desk.ask("figures.bulk.add", entityId=item, figures=figures)
    kept = (await desk.ask("annotations.info", imageId=item, integerCoords=False))["annotation"]["objects"]
    assert [each["points"]["exterior"] for each in kept] == [[[5, 4], [21, 17]], [[1.5, 1.5], [9.5, 1.5], [9.5, 9.5]]]
    assert kept[0]["classId"] == desk.class_id()
    assert [each["geometry"]["points"]["exterior"] for each in await listed(desk)] == [
        PIXELS["points"]["exterior"], RING["points"]["exterior"],
    ]  # fmt: skip
    raw = await listed(desk, integerCoords=False)
    assert [each["geometry"]["points"]["exterior"] for each in raw] == [each["points"]["exterior"] for each in kept]


async def test_found_by_item_by_number_and_by_class(desk: Desk) -> None:
    numbers = await desk.draw(*desk.items)
    road = await desk.draw(desk.items[0], classTitle="road", geometryType="polygon", geometry=RING)
    assert [each["id"] for each in await listed(desk, on(*desk.items[1:]))] == numbers[1:]
    by_number = {"field": "id", "operator": "in", "value": [numbers[2], numbers[0], 2**31 - 1]}
    assert {each["id"] for each in await listed(desk, by_number)} == {numbers[0], numbers[2]}
    roads = [
        {"type": "objects_class", "data": {"from": 1, "to": 9999, "include": True, "classId": desk.class_id("road")}}
    ]
    assert [each["id"] for each in await listed(desk, filters=roads)] == road
    without_dataset = await desk.ask("figures.list", datasetId=None, filter=[on(desk.items[1])])
    assert [each["id"] for each in without_dataset["entities"]] == [numbers[1]]
    bare = await listed(desk, on(desk.items[1]), fields=["id", "tags"])
    assert "geometry" not in bare[0]


async def test_pages(desk: Desk) -> None:
    numbers = await desk.draw(*desk.items)
    first = await desk.ask("figures.list", datasetId=desk.dataset, per_page=2)
    second = await desk.ask("figures.list", datasetId=desk.dataset, per_page=2, page=2)
    assert (first["pagesCount"], first["total"]) == (2, 3)
    assert [each["id"] for each in first["entities"] + second["entities"]] == numbers


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": [{"field": "area", "operator": ">", "value": 3}]},
        {"filter": [{"field": "entityId", "operator": ">", "value": 3}]},
        {"filters": [{"type": "issues_count", "data": {}}]},
        {"filters": [{"type": "objects_class", "data": {"classId": "x"}}]},
        {"page": 0},
        {"per_page": 0},
    ],
)
async def test_what_nobody_would_look_at_is_refused(desk: Desk, asked: dict[str, object]) -> None:
    status, _ = await desk.refused("figures.list", {"datasetId": desk.dataset, **asked})
    assert status == 400


async def test_a_list_of_nothing_in_particular(desk: Desk) -> None:
    assert (await desk.refused("figures.list", filter=[]))[0] == 400
    assert (await desk.refused("figures.bulk.add", figures=[{"classTitle": "car", "geometryType": "rectangle"}]))[
        0
    ] == 400


async def test_changed_removed_and_brought_back(desk: Desk) -> None:
    (number,) = await desk.draw(desk.items[0])
    moved = {"points": {"exterior": [[1, 1], [3, 3]], "interior": []}}
    tags = [{"name": "count", "value": 8}]
    changed = await desk.ask("figures.editInfo", id=number, geometry=moved, tags=tags, nnCreated=False, nnUpdated=True)
    assert changed["geometry"] == moved
    assert ([tag["value"] for tag in changed["tags"]], changed["nnUpdated"]) == ([8], True)
    assert (await desk.ask("figures.priority.update", id=number, priority=9))["priority"] == 9
    kept = await desk.ask("figures.custom-data.update", id=number, customData={"a": 1})
    assert kept["customData"] == {"a": 1}
    merged = await desk.ask("figures.custom-data.update", id=number, customData={"b": 2}, updateStrategy="merge")
    assert merged["customData"] == {"a": 1, "b": 2}
    other = await desk.ask("figures.custom-data.update", id=number, customData={"c": 3}, updateStrategy="replace")
    assert other["customData"] == {"c": 3}
    await desk.ask("figures.bulk.remove", figureIds=[number])
    await desk.ask("figures.bulk.remove", figureIds=[number])
    assert (await desk.refused("figures.info", id=number))[0] == 404
    await desk.ask("figures.bulk.restore", figureIds=[number])
    assert (await desk.ask("figures.info", id=number))["geometry"] == moved


async def test_a_figure_by_get(desk: Desk) -> None:
    """`api.annotation.get_label_by_id` reads it, and its tags, by GET."""
    (number,) = await desk.draw(desk.items[0], tags=[{"name": "seen"}])
    query = {"id": str(number), "decompressBitmap": "false"}
    found = await desk.world.client.get(f"{BASE}figures.info", params=query, headers=desk.caller.headers)
    assert found.json()["id"] == number
    tags = await desk.world.client.get(f"{BASE}figures.tags.list", params={"id": number}, headers=desk.caller.headers)
    assert [tag["name"] for tag in tags.json()] == ["seen"]


# ----------------------------------------------------------------------------------------------------------------------
# Geometries that are files
# ----------------------------------------------------------------------------------------------------------------------


def many(*pairs: tuple[int, bytes]) -> tuple[bytes, str]:
    """A body as the client makes it: of each figure its number, then its bytes."""
    parts = b""
    for number, content in pairs:
        parts += b'--xyz\r\nContent-Disposition: form-data; name="figureId"\r\n\r\n%d\r\n' % number
        parts += b'--xyz\r\nContent-Disposition: form-data; name="geometry"; filename="%d"\r\n' % number
        parts += b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    return parts + b"--xyz--\r\n", "multipart/form-data; boundary=xyz"


async def send(caller: Caller, body: bytes, kind: str) -> int:
    headers = {**caller.headers, "Content-Type": kind}
    return (await caller.client.post(f"{BASE}figures.bulk.upload.geometry", content=body, headers=headers)).status_code


async def test_geometries_that_are_files(desk: Desk) -> None:
    """Alpha masks, masks in space, indices of points: bytes that come back as they went, by the figure's number."""
    (soft,) = await desk.draw(desk.items[0], classTitle="soft", geometryType="alpha_mask", geometry=None)
    (space,) = await desk.draw(desk.items[1], classTitle="any", geometryType="mask_3d", geometry=None)
    numbers, contents = [soft, space], [MASK, bytes(range(256)) * 300]
    assert await send(desk.caller, *many(*zip(numbers, contents, strict=True))) == 200
    answer = await desk.caller.send("figures.bulk.download.geometry", {"ids": numbers})
    assert answer.status_code == 200
    found = re.findall(rb'name="(\d+)"[^\r]*\r\n[^\r]+\r\n\r\n(.*?)\r\n--', answer.content, re.DOTALL)
    assert [(int(number), content) for number, content in found] == list(zip(numbers, contents, strict=True))


async def test_who_may_send_and_read_them(desk: Desk) -> None:
    """A manager labels though he may not bring items; a viewer reads; a stranger finds nothing."""
    (number,) = await desk.draw(desk.items[0], classTitle="soft", geometryType="alpha_mask", geometry=None)
    manager, viewer = await desk.member("manager", Role.MANAGER), await desk.member("viewer", Role.VIEWER)
    stranger = await desk.world.person("stranger")
    assert await send(manager, *many((number, MASK))) == 200
    assert await send(viewer, *many((number, MASK))) == 403
    assert await send(stranger, *many((number, MASK))) == 400
    assert await send(desk.world.nobody, *many((number, MASK))) == 401
    assert (await viewer.send("figures.bulk.download.geometry", {"ids": [number]})).status_code == 200
    assert (await stranger.send("figures.bulk.download.geometry", {"ids": [number]})).status_code == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"nonsense", "multipart/form-data; boundary=xyz"),
        (many((1, b"a"))[0][:-9], "multipart/form-data; boundary=xyz"),
        (many((1, b"a"))[0].replace(b"figureId", b"other"), "multipart/form-data; boundary=xyz"),
        (many((1, b"a"))[0].replace(b"\r\n1\r\n", b"\r\none\r\n"), "multipart/form-data; boundary=xyz"),
        (many((1, b"a"))[0].replace(b'name="geometry"', b'name="other"'), "multipart/form-data; boundary=xyz"),
    ],
)
async def test_nonsense_is_refused(desk: Desk, body: bytes, kind: str) -> None:
    assert await send(desk.caller, body, kind) == 400


@pytest.mark.parametrize(
    "content",
    [b"", b"junk", b"[]", b"{}", b'{"origin": [0, 0], "data": "@@@"}', MASK.replace(b"[2, 1]", b"[2]"), MASK[:-9]],
)
async def test_what_is_no_mask_is_no_geometry_of_one(desk: Desk, content: bytes) -> None:
    """The client would read none of the image's labels; the figure stays as it was, and so do others of the call."""
    soft = {"classTitle": "soft", "geometryType": "alpha_mask", "geometry": None}
    one, other = await desk.draw(*desk.items[:2], **soft)
    assert await send(desk.caller, *many((one, MASK))) == 200
    assert await send(desk.caller, *many((other, MASK), (one, content))) == 400
    answer = await desk.caller.send("figures.bulk.download.geometry", {"ids": [one]})
    assert MASK in answer.content
    assert MASK not in (await desk.caller.send("figures.bulk.download.geometry", {"ids": [other]})).content


async def test_every_figure_has_its_geometry(desk: Desk) -> None:
    """A figure that is named without one, between others or last: 400, and none of the call is kept."""
    soft = {"classTitle": "soft", "geometryType": "alpha_mask", "geometry": None}
    numbers = await desk.draw(*desk.items[:2], **soft)
    body, kind = many(*((number, MASK) for number in numbers))
    alone = b'--xyz\r\nContent-Disposition: form-data; name="figureId"\r\n\r\n%d\r\n' % numbers[0]
    for wrong in (alone + body, body.replace(b"--xyz--", alone + b"--xyz--")):
        assert await send(desk.caller, wrong, kind) == 400
        answer = await desk.caller.send("figures.bulk.download.geometry", {"ids": numbers})
        assert MASK not in answer.content


async def film(world: World, db: Database) -> tuple[Desk, dict[str, Any]]:
    """A video of ten frames, and what a figure on it needs: an object."""
    desk = await desk_of(world, db, data_type="videos", items=1)
    async with db.transaction() as tx:
        await tx.connection.execute("update media set frames = 10 where item_id = %s", (desk.items[0],))
    thing = {"classId": desk.class_id(), "entityId": desk.items[0]}
    [made] = await desk.ask("annotation-objects.bulk.add", datasetId=desk.dataset, annotationObjects=[thing])
    return desk, {"objectId": made["id"], "geometryType": "rectangle", "geometry": PIXELS}


async def test_figures_of_videos_that_the_client_could_not_read(world: World, db: Database) -> None:
    """`VideoAnnotation.from_json` takes no figure without an object, and none behind the end: 400, none is kept."""
    desk, sight = await film(world, db)
    item = desk.items[0]
    for wrong, said in (
        ({"meta": {"frame": 9999}}, "10 frames"),
        ({"objectId": None, "classId": desk.class_id(), "meta": {"frame": 1}}, "objectId"),
    ):
        figures = [{**sight, "meta": {"frame": 0}}, {**sight, **wrong}]
        status, told = await desk.refused("figures.bulk.add", entityId=item, figures=figures)
        assert (status, said in told["error"]) == (400, True), told
    [found] = await desk.ask("videos.annotations.bulk.info", videoIds=[item])
    assert (found["frames"], found["framesCount"]) == ([], 10)


async def test_what_the_client_could_not_read_is_not_sent(world: World, db: Database) -> None:
    """What is there all the same is left out of a video's annotation; one of unknown length ends behind its labels."""
    desk, sight = await film(world, db)
    item = desk.items[0]
    new = [{**sight, "meta": {"frame": frame}} for frame in (2, 2, 5, 7)]
    made = [each["id"] for each in await desk.ask("figures.bulk.add", entityId=item, figures=new)]
    async with db.transaction() as tx:
        await tx.connection.execute("update figures set object_id = null where id = any(%s)", (made[1:3],))
        await tx.connection.execute("update figures set frame = 11 where id = %s", (made[3],))
    [found] = await desk.ask("videos.annotations.bulk.info", videoIds=[item])
    assert [(each["index"], [one["id"] for one in each["figures"]]) for each in found["frames"]] == [(2, [made[0]])]
    async with db.transaction() as tx:
        await tx.connection.execute("update media set frames = null where item_id = %s", (item,))
    [found] = await desk.ask("videos.annotations.bulk.info", videoIds=[item])
    assert ([each["index"] for each in found["frames"]], found["framesCount"]) == ([2, 11], 12)
