"""Labels out as COCO, YOLO and lines of JSON, and in from COCO: what goes out comes in again without change."""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from factories.media import image, png, video
from factories.people import make_user, unique
from pinakes.api.collections import Collection
from pinakes.api.common import Page
from pinakes.api.exports import ImportedLabels
from pinakes.api.labels import Annotation, LabelClass, LabelTag
from pinakes.api.media import Dataset, Medium
from pinakes.api.releases import Project
from pinakes.server.db import Database
from support.native import Api, expect, refused

MASK = base64.b64encode(zlib.compress(image(4, 3))).decode()
GEOMETRIES: dict[str, dict[str, Any]] = {
    "rectangle": {"points": {"exterior": [[0.25, 0], [4.5, 3]], "interior": []}},
    "polygon": {"points": {"exterior": [[0.5, 0.5], [4, 0], [4, 4]], "interior": [[[1, 1], [2, 1], [2, 2]]]}},
    "line": {"points": {"exterior": [[0, 0], [3.25, 3]], "interior": []}},
    "point": {"points": {"exterior": [[1.5, 2.5]], "interior": []}},
    "graph": {"nodes": {"a": {"loc": [1, 2]}, "b": {"loc": [2.5, 2]}}},
    "bitmap": {"bitmap": {"data": MASK, "origin": [1, 1]}},
    "alpha_mask": {"bitmap": {"data": MASK, "origin": [2, 1]}},
    "multipolygon": {
        "parts": [
            {"exterior": [[0, 0], [2, 0], [2, 2]], "interior": []},
            {"exterior": [[4, 4], [6, 4], [6, 5.5]], "interior": []},
        ]
    },
    "oriented_bbox": {"points": [[1, 1], [5, 4]], "angle": 0.5},
    "cuboid": {"points": [[1, 2], [3, 4], [5, 4], [5, 2]], "faces": [[0, 1, 2, 3]]},
    "cuboid_2d": {"vertices": {"a": {"loc": [1, 2]}}},
}


@dataclass(frozen=True)
class Bench:
    """A project with a dataset of two images, and one below it with another."""

    api: Api
    project: Project
    dataset: Dataset
    items: list[Medium]

    async def put(self, item: Medium, **body: object) -> Annotation:
        return expect(await self.api("PUT", f"/media/{item.id}/annotation", json=body), 200, Annotation)

    async def get(self, item: Medium) -> Annotation:
        return expect(await self.api("GET", f"/media/{item.id}/annotation"), 200, Annotation)

    async def export(self, **asked: object) -> dict[str, bytes]:
        """The files of an export."""
        answer = await self.api("GET", "/exports", params={"dataset": self.dataset.id, **asked})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            assert packed.testzip() is None
            return {name: packed.read(name) for name in packed.namelist()}


async def make_bench(client: httpx2.AsyncClient, db: Database, api: Api | None = None) -> Bench:
    api = api or Api(client, await make_user(db))
    body = {"name": unique("road"), "data_type": "images"}
    project = expect(await api("POST", "/projects", json=body), 201, Project)
    top = expect(await api("POST", "/datasets", json={"project": project.id, "name": "train"}), 201, Dataset)
    below = {"project": project.id, "name": "night", "parent": top.id}
    night = expect(await api("POST", "/datasets", json=below), 201, Dataset)
    paths = [f"/uploads/{top.id}/a.png", f"/uploads/{top.id}/b.png", f"/uploads/{night.id}/a.png"]
    items = [expect(await api("PUT", path, content=png(at)), 201, Medium) for at, path in enumerate(paths)]
    return Bench(api, project, top, items)


@pytest.fixture
async def bench(client: httpx2.AsyncClient, db: Database) -> Bench:
    """A bench with a class of any shape, and tags."""
    bench = await make_bench(client, db)
    classes = {"project": bench.project.id, "classes": [{"name": "car", "color": "#00FF00"}]}
    expect(await bench.api("POST", "/label-classes", json=classes), 201, Page[LabelClass])
    tags = [{"name": "night"}, {"name": "speed", "value_type": "any_number"}]
    expect(
        await bench.api("POST", "/label-tags", json={"project": bench.project.id, "tags": tags}), 201, Page[LabelTag]
    )
    return bench


def figure(kind: str = "rectangle", **more: object) -> dict[str, object]:
    return {"class_name": "car", "geometry_type": kind, "geometry": GEOMETRIES[kind], **more}


def told(found: Annotation) -> tuple[object, ...]:
    """What is on an item, without numbers and dates."""
    figures = [
        (one.class_name, one.geometry_type, one.geometry, one.description, [(tag.name, tag.value) for tag in one.tags])
        for one in found.figures
    ]
    return figures, [(tag.name, tag.value) for tag in found.tags]


async def test_coco_out_and_in_again_without_change(bench: Bench, client: httpx2.AsyncClient, db: Database):
    """Every geometry of images, with tags of items and of labels, into a project that has neither classes nor tags."""
    everything = [figure(kind, description=kind) for kind in GEOMETRIES]
    everything[0]["tags"] = [{"name": "speed", "value": 5.5}, {"name": "night"}]
    await bench.put(bench.items[0], figures=everything, tags=[{"name": "night"}, {"name": "speed", "value": 30}])
    await bench.put(bench.items[2], figures=[figure()])
    files = await bench.export()
    assert sorted(files) == [
        "annotations.json", "images/train/a.png", "images/train/b.png", "images/train/night/a.png",
    ]  # fmt: skip
    assert files["images/train/night/a.png"] == png(2)
    document = json.loads(files["annotations.json"])
    assert [each["name"] for each in document["categories"]] == ["car"]
    assert len(document["annotations"]) == len(GEOMETRIES) + 1
    other = await make_bench(client, db, bench.api)
    path = f"/datasets/{other.dataset.id}/imports/coco"
    done = expect(await bench.api("POST", path, json=document), 200, ImportedLabels)
    assert (done.items, done.labels, done.missing) == (3, len(GEOMETRIES) + 1, [])
    assert (done.classes, sorted(done.tags)) == (["car"], ["night", "speed"])
    for there, here in zip(bench.items, other.items, strict=True):
        assert told(await other.get(here)) == told(await bench.get(there))
    again = expect(await bench.api("POST", path, json=document), 200, ImportedLabels)
    assert (again.labels, again.classes, again.tags) == (done.labels, [], [])
    assert told(await other.get(other.items[0])) == told(await bench.get(bench.items[0]))


async def test_coco_of_a_video_out_and_in_again(client: httpx2.AsyncClient, db: Database):
    """Its labels by frame, with the objects that they show; the ZIP has the frames that have labels as pictures."""
    api = Api(client, await make_user(db))
    exported: list[dict[str, Any]] = []
    for _ in range(2):
        body = {"name": unique("road"), "data_type": "videos"}
        project = expect(await api("POST", "/projects", json=body), 201, Project)
        dataset = expect(await api("POST", "/datasets", json={"project": project.id, "name": "drive"}), 201, Dataset)
        clip = expect(await api("PUT", f"/uploads/{dataset.id}/clip.mp4", content=video()), 201, Medium)
        if exported:
            path = f"/datasets/{dataset.id}/imports/coco"
            done = expect(await api("POST", path, json=exported[0]), 200, ImportedLabels)
            assert (done.items, done.labels, done.missing, done.classes) == (1, 2, [], ["car"])
        else:
            classes = {"project": project.id, "classes": [{"name": "car"}]}
            expect(await api("POST", "/label-classes", json=classes), 201, Page[LabelClass])
            sight = {"object_key": "mine", "geometry_type": "rectangle", "geometry": GEOMETRIES["rectangle"]}
            sights = [{**sight, "frame": frame} for frame in (3, 1)]
            body = {"objects": [{"key": "mine", "class_name": "car"}], "figures": sights}
            expect(await api("PUT", f"/media/{clip.id}/annotation", json=body), 200, Annotation)
        answer = await api("GET", "/exports", params={"dataset": dataset.id})
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            names = [f"drive/clip.mp4/00000{frame}.jpg" for frame in (1, 3)]
            assert sorted(packed.namelist()) == ["annotations.json", *(f"images/{name}" for name in names)]
            exported.append(json.loads(packed.read("annotations.json")))
        assert [(each["file_name"], each["frame_id"]) for each in exported[-1]["images"]] == list(
            zip(names, (1, 3), strict=True)
        )
        tracks = {each["track_id"] for each in exported[-1]["annotations"]}
        assert tracks == {each["id"] for each in exported[-1]["tracks"]}
        assert len(tracks) == 1


async def test_what_an_export_holds(bench: Bench):
    """A query, a collection, without media, without what lies below; other forms."""
    await bench.put(bench.items[0], figures=[figure(), figure("polygon")])
    assert sorted(await bench.export(nested=False)) == ["annotations.json", "images/train/a.png", "images/train/b.png"]
    files = await bench.export(query="class:car", media=False)
    assert list(files) == ["annotations.json"]
    assert [each["file_name"] for each in json.loads(files["annotations.json"])["images"]] == ["train/a.png"]
    items = [{"item": bench.items[2].id}]
    body = {"kind": "selection", "project": bench.project.id, "title": unique("Hard"), "items": items}
    selection = expect(await bench.api("POST", "/collections", json=body), 201, Collection)
    lines = (await bench.export(collection=selection.id, format="jsonl", media=False))["items.jsonl"].splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["train/night/a.png"]
    boxes = await bench.export(format="yolo", media=False)
    assert sorted(boxes) == [
        "data.yaml", "labels/train/a.txt", "labels/train/b.txt", "labels/train/night/a.txt",
    ]  # fmt: skip
    assert len(boxes["labels/train/a.txt"].splitlines()) == 2
    assert boxes["labels/train/b.txt"] == b""
    outlines = await bench.export(format="yolo", task="segment", media=False)
    assert all(len(line.split()) >= 7 for line in outlines["labels/train/a.txt"].splitlines())
    assert await bench.export(query="name:nothing", format="jsonl") == {"items.jsonl": b""}


async def test_a_document_of_somebody_else(bench: Bench):
    """Boxes and outlines by what COCO says alone; what is not found is named, and other labels stay."""
    await bench.put(bench.items[1], figures=[figure()])
    document = {
        "images": [{"id": 1, "file_name": "some/where/a.png"}, {"id": 2, "file_name": "gone.png"}],
        "categories": [{"id": 7, "name": "truck"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 1, 2, 3]},
            {"id": 2, "image_id": 1, "category_id": 7, "segmentation": [[0, 0, 4, 0, 4, 4]], "bbox": [0, 0, 4, 4]},
        ],
    }
    path = f"/datasets/{bench.dataset.id}/imports/coco"
    done = expect(await bench.api("POST", path, json=document), 200, ImportedLabels)
    assert (done.items, done.labels, done.missing, done.classes) == (1, 2, ["gone.png"], ["truck"])
    figures = (await bench.get(bench.items[0])).figures
    assert [(one.class_name, one.geometry_type) for one in figures] == [("truck", "rectangle"), ("truck", "polygon")]
    assert len((await bench.get(bench.items[1])).figures) == 1


async def test_what_is_refused(bench: Bench, client: httpx2.AsyncClient, db: Database):
    """What is wrong is named, and nothing is done; who does not see the project is told of nothing."""
    path = f"/datasets/{bench.dataset.id}/imports/coco"
    good = {"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "truck"}]}
    for part, value, field in (
        ("images", {}, "images"),
        ("images", [{"id": "1", "file_name": "a.png"}], "images[0]"),
        ("annotations", [{"image_id": 2, "category_id": 1}], "annotations[0]"),
        ("annotations", [{"image_id": 1, "category_id": 2}], "annotations[0]"),
        ("annotations", [{"image_id": 1, "category_id": 1, "bbox": [1, 2]}], "annotations[0]"),
        ("annotations", [{"image_id": 1, "category_id": 1, "segmentation": [[1, 2, 3]]}], "annotations[0]"),
        ("annotations", [{"image_id": 1, "category_id": 1, "segmentation": {"counts": 5}}], "annotations[0]"),
    ):
        refused(await bench.api("POST", path, json={**good, part: value}), 422, "invalid", field)
    classes = expect(
        await bench.api("GET", "/label-classes", params={"project": bench.project.id}), 200, Page[LabelClass]
    )
    assert [one.name for one in classes.rows] == ["car"]
    refused(
        await bench.api("GET", "/exports", params={"dataset": bench.dataset.id, "query": "class:("}),
        422,
        "invalid",
        "query",
    )
    assert (await bench.api("GET", "/exports")).status_code == 422
    stranger = Api(client, await make_user(db))
    for scope in ({"dataset": bench.dataset.id}, {"project": bench.project.id}):
        assert (await stranger("GET", "/exports", params=scope)).status_code == 404
    assert (await stranger("POST", path, json=good)).status_code == 404


async def test_images_of_two_projects_are_no_export(bench: Bench, client: httpx2.AsyncClient, db: Database):
    """They may have classes of one name with two meanings: a project of the collection is to be named."""
    other = await make_bench(client, db, bench.api)
    body = {"title": unique("Both"), "items": [{"item": bench.items[0].id}, {"item": other.items[0].id}]}
    both = expect(await bench.api("POST", "/collections", json={**body, "visibility": "private"}), 201, Collection)
    refused(await bench.api("GET", "/exports", params={"collection": both.id}), 422, "invalid", "collection")
    asked = {"collection": both.id, "project": other.project.id, "format": "jsonl", "media": "false"}
    answer = await bench.api("GET", "/exports", params=asked)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        (line,) = packed.read("items.jsonl").splitlines()
    assert json.loads(line)["id"] == other.items[0].id
