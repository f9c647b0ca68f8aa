"""Objects, and the annotations of all that has them, as `supervisely` 6.74.51 asks for them."""

from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from pinakes.server.actor import Role
from pinakes.server.db import Database
from wires.supervisely.conftest import World
from wires.supervisely.labels import Desk, desk_of, faceless

CUBOID = {
    "position": {"x": 1, "y": 2, "z": 3},
    "rotation": {"x": 0, "y": 0, "z": 0.5},
    "dimensions": {"x": 4, "y": 2, "z": 1.5},
}
CORNERS = {"points": {"exterior": [[5, 4], [20, 16]], "interior": []}}


async def an_object(desk: Desk, *, item: int | None = None, name: str = "car", **more: object) -> int:
    thing = {"classId": desk.class_id(name), "entityId": item, **more}
    made = await desk.ask("annotation-objects.bulk.add", datasetId=desk.dataset, annotationObjects=[thing])
    return made[0]["id"]


async def a_sight(desk: Desk, item: int, thing: int, **more: object) -> int:
    figure = {"objectId": thing, "geometryType": "rectangle", "geometry": CORNERS, "key": "0" * 32, **more}
    made = await desk.ask("figures.bulk.add", entityId=item, figures=[figure])
    return made[0]["id"]


class TestObjects:
    async def test_made_read_listed_and_removed(self, world: World, db: Database) -> None:
        """`api.video.object.*`: all of the fields, as the client misses each one."""
        desk = await desk_of(world, db, data_type="videos", items=1)
        number = await an_object(desk, item=desk.items[0], tags=[{"name": "count", "value": 1}])
        found = await desk.ask("annotation-objects.info", id=number)
        assert faceless(found) == snapshot(
            {
                "id": "{id}",
                "description": "",
                "createdAt": "{time}",
                "updatedAt": "{time}",
                "projectId": "{id}",
                "datasetId": "{id}",
                "classId": "{id}",
                "classTitle": "car",
                "entityId": "{id}",
                "tags": [
                    {
                        "id": "{id}",
                        "tagId": "{id}",
                        "name": "count",
                        "value": 1,
                        "labelerLogin": "{login}",
                        "createdAt": "{time}",
                        "updatedAt": "{time}",
                        "objectId": "{id}",
                    }
                ],
                "meta": {},
                "createdBy": "{id}",
                "labelerLogin": "{login}",
            }
        )
        other = await an_object(desk, name="road")
        listed = await desk.ask("annotation-objects.list", datasetId=desk.dataset, filter=[])
        assert (listed["total"], [each["id"] for each in listed["entities"]]) == (2, [number, other])
        by_item = [{"field": "entityId", "operator": "in", "value": desk.items}]
        limited = await desk.ask("annotation-objects.list", datasetId=desk.dataset, filter=by_item)
        assert [each["id"] for each in limited["entities"]] == [number]
        assert await desk.ask("annotation-objects.bulk.remove", [number, other]) == {"success": True}
        assert (await desk.refused("annotation-objects.info", id=number))[0] == 404

    @pytest.mark.parametrize(
        "body", [{}, {"datasetId": 1}, {"annotationObjects": []}, {"datasetId": [], "annotationObjects": []}]
    )
    async def test_nonsense_is_refused(self, world: World, body: dict[str, Any]) -> None:
        caller = await world.person("anna")
        assert (await caller.refused("annotation-objects.bulk.add", body))[0] == 400

    async def test_of_a_class_that_there_is_not(self, world: World, db: Database) -> None:
        desk = await desk_of(world, db, data_type="videos", items=1)
        things = [{"classId": 2**31 - 1, "entityId": desk.items[0]}]
        assert (await desk.refused("annotation-objects.bulk.add", datasetId=desk.dataset, annotationObjects=things))[
            0
        ] == 400

    async def test_who_may(self, world: World, db: Database) -> None:
        desk = await desk_of(world, db, data_type="videos", items=1)
        number = await an_object(desk, item=desk.items[0])
        viewer, stranger = await desk.member("viewer", Role.VIEWER), await world.person("stranger")
        assert (await viewer.ask("annotation-objects.info", id=number))["id"] == number
        assert (await viewer.refused("annotation-objects.bulk.remove", [number]))[0] == 403
        assert (await stranger.refused("annotation-objects.info", id=number))[0] == 404
        assert (await stranger.refused("annotation-objects.list", datasetId=desk.dataset))[0] == 400


class TestVideos:
    async def test_an_annotation(self, world: World, db: Database) -> None:
        """`api.video.annotation.download`: objects, figures by frame; coordinates as they were sent."""
        desk = await desk_of(world, db, data_type="videos", items=1)
        thing = await an_object(desk, item=desk.items[0])
        for frame in (3, 1):
            await a_sight(desk, desk.items[0], thing, meta={"frame": frame}, trackId="t", nnCreated=True)
        await desk.ask("videos.tags.add", tagId=desk.tag_id(), videoId=desk.items[0], value=1, frameRange=[0, 2])
        (found,) = await desk.ask("videos.annotations.bulk.info", datasetId=desk.dataset, videoIds=desk.items)
        assert [frame["index"] for frame in found["frames"]] == [1, 3]
        assert found["frames"][0]["figures"][0]["geometry"] == CORNERS
        assert faceless(found) == snapshot(
            {
                "videoId": "{id}",
                "videoName": "image_0.mp4",
                "framesCount": 5,
                "size": {"height": 16, "width": 32},
                "datasetId": "{id}",
                "description": "",
                "tags": [
                    {
                        "id": "{id}",
                        "tagId": "{id}",
                        "name": "count",
                        "value": 1,
                        "labelerLogin": "{login}",
                        "createdAt": "{time}",
                        "updatedAt": "{time}",
                        "entityId": "{id}",
                        "frameRange": [0, 2],
                    }
                ],
                "objects": [
                    {
                        "id": "{id}",
                        "description": "",
                        "createdAt": "{time}",
                        "updatedAt": "{time}",
                        "projectId": "{id}",
                        "datasetId": "{id}",
                        "classId": "{id}",
                        "classTitle": "car",
                        "entityId": "{id}",
                        "tags": [],
                        "meta": {},
                        "createdBy": "{id}",
                        "labelerLogin": "{login}",
                    }
                ],
                "createdAt": "{time}",
                "updatedAt": "{time}",
                "frames": [
                    {
                        "index": 1,
                        "figures": [
                            {
                                "id": "{id}",
                                "classId": "{id}",
                                "classTitle": "car",
                                "objectId": "{id}",
                                "geometryType": "rectangle",
                                "description": "",
                                "labelerLogin": "{login}",
                                "createdBy": "{id}",
                                "createdAt": "{time}",
                                "updatedAt": "{time}",
                                "tags": [],
                                "meta": {"frame": 1},
                                "frameIndex": 1,
                                "trackId": "t",
                                "priority": None,
                                "nnCreated": True,
                                "nnUpdated": False,
                                "geometry": {"points": {"exterior": [[5, 4], [20, 16]], "interior": []}},
                            }
                        ],
                    },
                    {
                        "index": 3,
                        "figures": [
                            {
                                "id": "{id}",
                                "classId": "{id}",
                                "classTitle": "car",
                                "objectId": "{id}",
                                "geometryType": "rectangle",
                                "description": "",
                                "labelerLogin": "{login}",
                                "createdBy": "{id}",
                                "createdAt": "{time}",
                                "updatedAt": "{time}",
                                "tags": [],
                                "meta": {"frame": 3},
                                "frameIndex": 3,
                                "trackId": "t",
                                "priority": None,
                                "nnCreated": True,
                                "nnUpdated": False,
                                "geometry": {"points": {"exterior": [[5, 4], [20, 16]], "interior": []}},
                            }
                        ],
                    },
                ],
            }
        )

    async def test_data_of_the_clients_own(self, world: World, db: Database) -> None:
        desk = await desk_of(world, db, data_type="videos", items=1)
        kept = await desk.ask("videos.custom-data.set", id=desk.items[0], customData={"a": [1, {"b": 2}]})
        assert kept == {"id": desk.items[0], "customData": {"a": [1, {"b": 2}]}}
        assert (await desk.refused("videos.custom-data.set", id=2**30, customData={}))[0] == 404
        assert (await desk.refused("videos.custom-data.set", id=desk.items[0], customData=[]))[0] == 400


class TestPointClouds:
    async def test_an_annotation(self, world: World, db: Database) -> None:
        """Objects of point clouds are their dataset's; those of an annotation are those of its figures."""
        desk = await desk_of(world, db, data_type="point_clouds", items=2)
        thing = await an_object(desk, name="box")
        await a_sight(desk, desk.items[0], thing, geometryType="cuboid_3d", geometry=CUBOID)
        first, second = await desk.ask("point-clouds.annotations.bulk.info", pointCloudIds=desk.items)
        assert first["figures"][0]["geometry"] == CUBOID
        assert ([each["id"] for each in first["objects"]], second["figures"]) == ([thing], [])
        assert faceless(first) == snapshot(
            {
                "pointCloudId": "{id}",
                "name": "image_0.pcd",
                "datasetId": "{id}",
                "description": "",
                "tags": [],
                "objects": [
                    {
                        "id": "{id}",
                        "description": "",
                        "createdAt": "{time}",
                        "updatedAt": "{time}",
                        "projectId": "{id}",
                        "datasetId": "{id}",
                        "classId": "{id}",
                        "classTitle": "box",
                        "entityId": None,
                        "tags": [],
                        "meta": {},
                        "createdBy": "{id}",
                        "labelerLogin": "{login}",
                    }
                ],
                "createdAt": "{time}",
                "updatedAt": "{time}",
                "figures": [
                    {
                        "id": "{id}",
                        "classId": "{id}",
                        "classTitle": "box",
                        "objectId": "{id}",
                        "geometryType": "cuboid_3d",
                        "description": "",
                        "labelerLogin": "{login}",
                        "createdBy": "{id}",
                        "createdAt": "{time}",
                        "updatedAt": "{time}",
                        "tags": [],
                        "meta": {},
                        "frameIndex": None,
                        "trackId": None,
                        "priority": None,
                        "nnCreated": False,
                        "nnUpdated": False,
                        "geometry": {
                            "position": {"x": 1, "y": 2, "z": 3},
                            "rotation": {"x": 0, "y": 0, "z": 0.5},
                            "dimensions": {"x": 4, "y": 2, "z": 1.5},
                        },
                    }
                ],
            }
        )

    async def test_an_episode(self, world: World, db: Database) -> None:
        desk = await desk_of(world, db, data_type="point_cloud_episodes", items=3)
        thing = await an_object(desk, name="box")
        await a_sight(desk, desk.items[1], thing, geometryType="cuboid_3d", geometry=CUBOID)
        (found,) = await desk.ask("point-clouds.episodes.annotations.info", datasetId=desk.dataset)
        assert (found["framesCount"], [each["id"] for each in found["objects"]]) == (3, [thing])
        assert [(frame["index"], frame["pointCloudId"]) for frame in found["frames"]] == [(1, desk.items[1])]
        stranger = await world.person("stranger")
        assert (await stranger.refused("point-clouds.episodes.annotations.info", datasetId=desk.dataset))[0] == 400

    async def test_photographs_of_them_there_are_none(self, world: World) -> None:
        caller = await world.person("anna")
        found = await caller.ask("point-clouds.images.list", datasetId=1, filter=[])
        assert found == {"total": 0, "perPage": 500, "pagesCount": 0, "entities": []}


class TestVolumes:
    async def test_an_annotation(self, world: World, db: Database) -> None:
        """Figures on the slices of three planes, and those in space."""
        desk = await desk_of(world, db, data_type="volumes", items=1)
        thing, organ = await an_object(desk, item=desk.items[0]), await an_object(desk, item=desk.items[0], name="any")
        on_slice = {"sliceIndex": 2, "planeName": "axial", "normal": {"x": 0, "y": 0, "z": 1}}
        await a_sight(desk, desk.items[0], thing, meta=on_slice, customData={"a": 1})
        await a_sight(desk, desk.items[0], organ, geometryType="mask_3d", geometry=None)
        (found,) = await desk.ask("volumes.annotations.bulk.info", datasetId=desk.dataset, volumeIds=desk.items)
        assert [plane["name"] for plane in found["planes"]] == ["sagittal", "coronal", "axial"]
        assert [plane["normal"] for plane in found["planes"]] == [
            {"x": 1, "y": 0, "z": 0}, {"x": 0, "y": 1, "z": 0}, {"x": 0, "y": 0, "z": 1},
        ]  # fmt: skip
        assert [(each["index"], len(each["figures"])) for each in found["planes"][2]["slices"]] == [(2, 1)]
        assert [each["geometry"] for each in found["spatialFigures"]] == [{}]
