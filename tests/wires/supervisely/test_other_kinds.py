"""Videos, point clouds, episodes and volumes, as `supervisely` 6.74.51 asks for them."""

from __future__ import annotations

import io
from typing import Any

import av
import nrrd
import numpy as np
import pytest
from inline_snapshot import snapshot

from wires.supervisely.conftest import BASE, Caller, World, frozen, hash_of

PCD = b"""# .PCD v0.7
VERSION 0.7
FIELDS x y z
SIZE 4 4 4
TYPE F F F
COUNT 1 1 1
WIDTH 3
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS 3
DATA ascii
0 0 0
1 0 0
0 1 2
"""


def video(frames: int = 4) -> bytes:
    """A small video."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for at in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((24, 32, 3), at * 30, np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target.getvalue()


def volume(folder: Any) -> bytes:  # noqa: ANN401 - a folder
    """A small volume."""
    path = folder / "v.nrrd"
    nrrd.write(str(path), np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    return path.read_bytes()


async def test_videos(world: World) -> None:
    """Uploaded, looked into, one item for each stream of pictures; found by name, in a collection, renamed, removed."""
    anna = await world.person("anna")
    dataset = await anna.dataset("videos")
    content = video()
    [sent] = await anna.upload(content, method="videos.bulk.upload", kind="video/*")
    [read] = await anna.ask("import-storage.internal.meta.list", hashes=[sent["hash"]])
    assert read["hash"] == hash_of(content)
    assert read["meta"] == snapshot(
        {
            "formatName": "mov",
            "duration": 0.4,
            "width": 32,
            "height": 24,
            "streams": [
                {
                    "index": 0,
                    "codecType": "video",
                    "codec": "mpeg4",
                    "width": 32,
                    "height": 24,
                    "framesCount": 4,
                    "duration": 0.4,
                }
            ],
        }
    )
    new = [{"title": "a.mp4", "hash": sent["hash"], "meta": {"videoStreamIndex": 0}}]
    [made] = await anna.ask("videos.bulk.add", datasetId=dataset["id"], videos=new)
    facts = {key: value for key, value in frozen(made).items() if key not in {"hash", "pathOriginal", "fullStorageUrl"}}
    facts["fileMeta"]["size"] = "{size}"
    assert facts == snapshot(
        {
            "id": "{id}",
            "name": "a.mp4",
            "title": "a.mp4",
            "description": "",
            "link": None,
            "teamId": "{id}",
            "workspaceId": "{id}",
            "projectId": "{id}",
            "datasetId": "{id}",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "createdBy": "{id}",
            "meta": {"videoStreamIndex": 0},
            "customData": {},
            "tags": [],
            "processingPath": None,
            "figuresCount": 0,
            "fileMeta": {
                "framesCount": 4,
                "framesToTimecodes": [0.0, 0.1, 0.2, 0.3],
                "width": 32,
                "height": 24,
                "duration": 0.4,
                "mime": "video/mp4",
                "size": "{size}",
                "codec": "mpeg4",
                "streams": [
                    {
                        "index": 0,
                        "codecType": "video",
                        "codec": "mpeg4",
                        "width": 32,
                        "height": 24,
                        "framesCount": 4,
                        "duration": 0.4,
                    }
                ],
            },
        }
    )
    assert await anna.ask("videos.info", id=made["id"]) == made
    assert (await anna.ask("videos.list", datasetId=dataset["id"]))["entities"] == [made]
    answer = await anna.send("videos.download", {"id": made["id"]})
    assert answer.content == content
    collection = (await anna.ask("entities-collections.add", projectId=dataset["projectId"], name="C"))["id"]
    await anna.ask("entities-collections.items.bulk.add", collectionId=collection, entityIds=[made["id"]])
    filters = [{"type": "entities_collection", "data": {"collectionId": collection, "include": True}}]
    page = await anna.ask("videos.list", projectId=dataset["projectId"], filters=filters)
    assert [one["id"] for one in page["entities"]] == [made["id"]]
    assert (await anna.ask("images.editInfo", id=made["id"], name="b.mp4"))["fileMeta"]["framesCount"] == 4
    await anna.ask("images.bulk.remove", imageIds=[made["id"]])
    assert (await anna.refused("videos.info", id=made["id"]))[0] == 404


async def test_what_was_never_sent_has_no_facts(world: World) -> None:
    anna = await world.person("anna")
    status, _ = await anna.refused("import-storage.internal.meta.list", hashes=[hash_of(b"never sent")])
    assert status == 400


@pytest.mark.parametrize("kind", ["point_clouds", "point_cloud_episodes"])
async def test_point_clouds(world: World, kind: str) -> None:
    """S1-05: they are in collections, too, though `get_items` of that client does not list them."""
    anna = await world.person("anna")
    dataset = await anna.dataset(kind)
    [sent] = await anna.upload(PCD, method="point-clouds.bulk.upload", kind="image/pcd")
    new = [{"name": "c.pcd", "hash": sent["hash"], "meta": {"frame": 3}}]
    [made] = await anna.ask("point-clouds.bulk.add", datasetId=dataset["id"], pointClouds=new)
    facts = {key: value for key, value in frozen(made).items() if key not in {"pathOriginal", "fullStorageUrl"}}
    assert facts == snapshot(
        {
            "id": "{id}",
            "name": "c.pcd",
            "title": "c.pcd",
            "description": "",
            "link": None,
            "hash": "SgVOOL/G/jpnK1ZplwlxS5qmdsyCn0UDrnX1ELGlsVI=",
            "teamId": "{id}",
            "workspaceId": "{id}",
            "projectId": "{id}",
            "datasetId": "{id}",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "createdBy": "{id}",
            "meta": {"frame": 3},
            "customData": {},
            "tags": [],
            "frame": 3,
            "figuresCount": 0,
            "annotationObjectsCount": None,
            "fileMeta": {"mime": "application/x-pcd", "size": 150},
        }
    )
    assert await anna.ask("point-clouds.info", id=made["id"]) == made
    assert (await anna.ask("point-clouds.list", datasetId=dataset["id"], filter=[]))["entities"] == [made]
    assert (await anna.send("point-clouds.download", {"id": made["id"]})).content == PCD
    collection = (await anna.ask("entities-collections.add", projectId=dataset["projectId"], name="C"))["id"]
    await anna.ask("entities-collections.items.bulk.add", collectionId=collection, entityIds=[made["id"]])
    filters = [{"type": "entities_collection", "data": {"collectionId": collection, "include": True}}]
    page = await anna.ask("point-clouds.list", projectId=dataset["projectId"], filters=filters)
    assert [one["id"] for one in page["entities"]] == [made["id"]]


async def test_volumes(world: World, tmp_path: Any) -> None:  # noqa: ANN401 - a folder
    """The file and its slices come by the method for images; the client's `meta` comes back as it was."""
    anna = await world.person("anna")
    dataset = await anna.dataset("volumes")
    content = volume(tmp_path)
    [sent] = await anna.upload(content)
    meta = {"dimensionsIJK": {"x": 3, "y": 4, "z": 5}, "windowWidth": 60.5}
    new = [{"name": "a.nrrd", "hash": sent["hash"], "meta": meta}]
    [made] = await anna.ask("volumes.bulk.add", datasetId=dataset["id"], volumes=new)
    left_out = {"hash", "pathOriginal", "fullStorageUrl", "fileMeta"}
    facts = {key: value for key, value in frozen(made).items() if key not in left_out}
    assert facts == snapshot(
        {
            "id": "{id}",
            "name": "a.nrrd",
            "title": "a.nrrd",
            "description": "",
            "link": None,
            "teamId": "{id}",
            "workspaceId": "{id}",
            "projectId": "{id}",
            "datasetId": "{id}",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "createdBy": "{id}",
            "meta": {"windowWidth": 60.5, "dimensionsIJK": {"x": 3, "y": 4, "z": 5}},
            "customData": {},
            "tags": [],
            "mime": "application/x-nrrd",
            "ext": "nrrd",
            "processingPath": None,
            "figuresCount": 0,
            "annotationObjectsCount": None,
        }
    )
    assert await anna.ask("volumes.info", id=made["id"]) == made
    assert (await anna.ask("volumes.list", datasetId=dataset["id"]))["entities"] == [made]
    assert (await anna.send("volumes.download", {"id": made["id"]})).content == content
    [first] = await anna.upload(b"slice")
    slices = [{"hash": first["hash"], "sliceIndex": 2, "normal": {"x": 0, "y": 0, "z": 1}}]
    for _ in range(2):
        kept = await anna.ask("volumes.slices.bulk.add", volumeId=made["id"], volumeSlices=slices)
        assert kept == [{"hash": first["hash"], "sliceIndex": 2}]
    for wrong in ({"normal": {"x": 1, "y": 1, "z": 1}}, {"hash": hash_of(b"never sent")}, {"sliceIndex": -1}):
        asked = [{**slices[0], **wrong}]
        assert (await anna.refused("volumes.slices.bulk.add", volumeId=made["id"], volumeSlices=asked))[0] == 400


@pytest.mark.parametrize(
    ("kind", "method", "key", "name"),
    [
        ("images", "videos.bulk.add", "videos", "a.mp4"),
        ("videos", "images.bulk.add", "images", "a.png"),
        ("volumes", "point-clouds.bulk.add", "pointClouds", "a.pcd"),
    ],
    ids=["video", "image", "point cloud"],
)
async def test_an_item_of_another_kind_is_refused(world: World, kind: str, method: str, key: str, name: str) -> None:
    """S1-05: a project has one data type."""
    anna = await world.person("anna")
    dataset = await anna.dataset(kind)
    contents = {"a.mp4": video(), "a.png": b"no picture at all", "a.pcd": PCD}
    [sent] = await anna.upload(contents[name])
    new = {"datasetId": dataset["id"], key: [{"name": name, "hash": sent["hash"]}]}
    status, body = await anna.refused(method, new)
    assert status == 400, body


async def add_nonsense(caller: Caller, method: str, key: str, dataset: int, entry: object) -> int:
    answer = await caller.client.post(BASE + method, json={"datasetId": dataset, key: [entry]}, headers=caller.headers)
    return answer.status_code


@pytest.mark.parametrize("value", [-1, 2**70, "", "x" * 5000, "a\\b", "../x", [], {"a": 1}, True], ids=str)
async def test_entries_that_cant_be(world: World, value: object) -> None:
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    [known] = await anna.images(dataset, "a.png")
    good = {"title": "n.png", "hash": known["hash"]}
    for field in ("title", "name", "hash", "link", "imageId", "meta", "parentId", "description", "customData"):
        status = await add_nonsense(anna, "images.bulk.add", "images", dataset, {**good, field: value})
        assert status in {200, 400}, (field, status)
