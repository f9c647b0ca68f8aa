"""Exports of labels: what the room hands out, file by file, in each form and from each place."""

from __future__ import annotations

import json
from typing import Any, TypeAlias
from unittest.mock import ANY

import numpy as np
import pytest
import pyvips

from factories.media import Shelf, make_shelf, pieces
from factories.people import make_user, unique
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media
from pinakes.server.catalog.media_files import media_key
from pinakes.server.catalog.media_types import Media, NewMedia
from pinakes.server.collections import media_removal, selections
from pinakes.server.db import Database
from pinakes.server.labeling import (
    annotations as labels,
    classes,
    figures,
    importing,
    masks,
    objects,
    tags as label_tags,
    yolo,
)
from pinakes.server.labeling.label_types import (
    NewAnnotation,
    NewClass,
    NewFigure,
    NewLabel,
    NewObject,
    NewTag,
    NewTagging,
    Tagging,
)
from pinakes.server.search import exports, language, live
from pinakes.server.search.exports import Order
from pinakes.server.search.media import Scope

Json: TypeAlias = Any
BOX: dict[str, Any] = {"points": {"exterior": [[2, 1], [6, 4]], "interior": []}}
RING: dict[str, Any] = {
    "points": {"exterior": [[0.5, 0.5], [4, 0], [4, 4]], "interior": [[[2.5, 1.5], [3, 1.5], [3, 2]]]}
}
PARTS: dict[str, Any] = {"parts": [{"exterior": [[0, 0], [2, 0], [2, 2]]}, {"exterior": [[4, 4], [6, 4], [6, 5]]}]}
MASK = np.array([[True, False, True], [True, True, True]])
SHAPES: dict[str, dict[str, Any]] = {
    "rectangle": BOX,
    "polygon": RING,
    "multipolygon": PARTS,
    "bitmap": {"bitmap": masks.to_bitmap(MASK, 2, 1)},
    "line": {"points": {"exterior": [[0, 0], [3.25, 3]], "interior": []}},
    "point": {"points": {"exterior": [[1.5, 2.5]], "interior": []}},
    "graph": {"nodes": {"a": {"loc": [1, 2]}, "b": {"loc": [2.5, 2]}}},
    "oriented_bbox": {"points": [[1, 1], [5, 4]], "angle": 0.5},
}
# Where an image lies is not said by these.
PLACELESS: dict[str, dict[str, Any]] = {
    "cuboid_3d": {key: {"x": 1, "y": 2, "z": 3} for key in ("position", "rotation", "dimensions")}
}


@pytest.fixture
async def shelf(db: Database, blobs: Blobs) -> Shelf:
    return await make_shelf(db, blobs, (await make_user(db)).actor)


async def label(shelf: Shelf, item: Media, *new: NewLabel) -> None:
    async with shelf.db.changing() as tx:
        (saved,) = await labels.put(tx, shelf.actor, [NewAnnotation(item.id, labels=[*new])])
    assert saved.error is None


async def named(shelf: Shelf, *names: str) -> None:
    async with shelf.db.transaction() as tx:
        await classes.add(tx, shelf.actor, shelf.project.id, [NewClass(name, "any") for name in names])


async def export(shelf: Shelf, order: Order, actor: Actor | None = None) -> dict[str, bytes]:
    """The files of an export, each of which has a path of its own."""
    async with shelf.db.reading() as tx:
        planned = await exports.plan(tx, actor or shelf.actor, order)
    found: dict[str, bytes] = {}
    async for file in exports.files(shelf.db, shelf.blobs, actor or shelf.actor, order, planned):
        assert file.path not in found
        found[file.path] = b"".join([chunk async for chunk in file.content])
    return found


def within(shelf: Shelf, **more: Any) -> Scope:  # noqa: ANN401 - the fields of a scope
    return Scope(project_id=shelf.project.id, **more)


def paths(lines: bytes) -> list[str]:
    return [json.loads(line)["path"] for line in lines.splitlines()]


async def test_every_place_in_every_form(shelf: Shelf, db: Database):
    """A query, a selection and a live collection hold the same two of three, whatever they are written as."""
    first, second, third = await shelf.put("a.png", "b.png", "c.png")
    await named(shelf, "car", "bus")
    for item, name in ((first, "car"), (second, "bus"), (third, "car")):
        await label(shelf, item, NewLabel("rectangle", BOX, class_name=name))
    async with db.transaction() as tx:
        chosen = await selections.create(tx, shelf.actor, shelf.project.id, unique("Cars"))
        await selections.add_items(tx, shelf.actor, chosen.id, [(first.id, None), (third.id, None)])
        living = await selections.create(tx, shelf.actor, shelf.project.id, unique("Live cars"))
    async with db.transaction() as tx:
        await live.start(tx, shelf.actor, living.public_id, query="class:car")
    by_query: Json = {"scope": within(shelf), "expression": language.parse("class:car")}
    by_hand: Json = {"scope": Scope(collection_id=chosen.id)}
    alive: Json = {"scope": Scope(collection_id=living.id)}
    for asked in (by_query, by_hand, alive):
        coco = json.loads((await export(shelf, Order(form="coco", **asked, with_media=False)))["annotations.json"])
        assert [each["file_name"] for each in coco["images"]] == ["ds/a.png", "ds/c.png"]
        assert {each["image_id"] for each in coco["annotations"]} == {first.id, third.id}
        texts = await export(shelf, Order(form="yolo", **asked))
        assert sorted(texts) == [
            "data.yaml", "images/ds/a.png", "images/ds/c.png", "labels/ds/a.txt", "labels/ds/c.txt",
        ]  # fmt: skip
        lines = await export(shelf, Order(form="jsonl", **asked, with_media=False))
        assert paths(lines["items.jsonl"]) == ["ds/a.png", "ds/c.png"]


async def test_classes_keep_their_order(shelf: Shelf):
    """By their numbers, those without labels too: a text that says class 1 means the same in each export."""
    (item,) = await shelf.put("a.png")
    names = ['zebra "z"', "ape: yes", "Äffchen"]
    await named(shelf, *names)
    await label(shelf, item, *[NewLabel("rectangle", BOX, class_name=name) for name in reversed(names)])
    for query in ("", "name:nothing"):
        asked: Json = {"scope": within(shelf), "expression": language.parse(query), "with_media": False}
        files = await export(shelf, Order(form="yolo", **asked))
        if not query:
            told = [line.split(": ", 1) for line in files["data.yaml"].decode().splitlines() if line.startswith("  ")]
            assert [(number.strip(), json.loads(name)) for number, name in told] == [
                (str(at), name) for at, name in enumerate(names)
            ]
            assert [line.split()[0] for line in files["labels/ds/a.txt"].splitlines()] == [b"2", b"1", b"0"]
    coco = json.loads((await export(shelf, Order(within(shelf), "coco", with_media=False)))["annotations.json"])
    assert [each["name"] for each in coco["categories"]] == names


async def test_what_each_form_holds_of_each_geometry(shelf: Shelf):
    """COCO: a box and, where it knows how, an outline; ours beside it. YOLO: what has a box; the rest is told."""
    (item,) = await shelf.put("a.png")
    await named(shelf, "car")
    every = SHAPES | PLACELESS
    await label(shelf, item, *[NewLabel(kind, shape, class_name="car") for kind, shape in every.items()])
    coco = json.loads((await export(shelf, Order(within(shelf), "coco", with_media=False)))["annotations.json"])
    found = {each["pinakes"]["geometry_type"]: each for each in coco["annotations"]}
    assert {kind: each["pinakes"]["geometry"] for kind, each in found.items()} == every
    assert (found["rectangle"]["bbox"], found["rectangle"]["area"]) == ([2, 1, 4, 3], 12)
    assert found["polygon"]["segmentation"] == [[0.5, 0.5, 4, 0, 4, 4]]
    assert masks.of_runs(found["bitmap"]["segmentation"])[1:3, 2:5].tolist() == MASK.tolist()
    assert found["cuboid_3d"]["bbox"] == [0, 0, 0, 0]
    (line,) = (await export(shelf, Order(within(shelf), "jsonl", with_media=False)))["items.jsonl"].splitlines()
    assert {each["geometry_type"]: each["geometry"] for each in json.loads(line)["labels"]} == every
    tasks: list[tuple[yolo.Task, set[int]]] = [("detect", {5}), ("segment", {7, 9})]
    for task, numbers in tasks:
        files = await export(shelf, Order(within(shelf), "yolo", with_media=False, task=task))
        texts = [line.split() for line in files["labels/ds/a.txt"].splitlines()]
        assert ({len(text) for text in texts}, len(texts)) == (numbers, len(SHAPES))
        assert all(0 <= float(share) <= 1 for text in texts for share in text[1:])
        assert json.loads(files["left_out.jsonl"]) == {
            "id": item.id, "path": "ds/a.png", "left_out": {"it has no box in a plane": 1},
        }  # fmt: skip


BROKEN: dict[str, Json] = {
    "bitmap": {"bitmap": {"origin": [0, 0], "data": "@@@"}},
    "polygon": {"points": {"exterior": [["x"], 5], "interior": []}},
    "rectangle": {"points": {"exterior": [[1, 1], [None, 4]]}},
    "multipolygon": {"parts": [{"interior": []}]},
    "alpha_mask": {"bitmap": 5},
    "graph": {"nodes": 7},
    "any": {"points": {"exterior": [[1, 1], [3, 4]]}},
}


async def test_a_broken_label_breaks_no_export_off(shelf: Shelf, db: Database):
    """What was kept before it was looked at: each form has all the rest, and says how many labels are left out."""
    first, second = await shelf.put("a.png", "b.png")
    await named(shelf, "car")
    for item in (first, second):
        await label(shelf, item, *[NewLabel("rectangle", BOX, class_name="car")] * (1 + len(BROKEN)))
    async with db.transaction() as tx:
        for kind, shape in BROKEN.items():
            await tx.connection.execute(
                "update figures set geometry_type = %s, geometry = %s::jsonb where id = (select max(id) from figures"
                " where item_id = %s and geometry_type = 'rectangle' and geometry = %s::jsonb)",
                (kind, json.dumps(shape), first.id, json.dumps(BOX)),
            )
    for task in ("detect", "segment"):
        files = await export(shelf, Order(within(shelf), "yolo", with_media=False, task=task))
        assert len(files["labels/ds/b.txt"].splitlines()) == 1 + len(BROKEN)
        left = json.loads(files["left_out.jsonl"])["left_out"]
        assert left == {"it has no box in a plane": len(BROKEN) + 1 - len(files["labels/ds/a.txt"].splitlines())}
    (line, _) = (await export(shelf, Order(within(shelf), "jsonl", with_media=False)))["items.jsonl"].splitlines()
    assert len(json.loads(line)["labels"]) == 1 + len(BROKEN)
    files = await export(shelf, Order(within(shelf), "coco"))
    assert sorted(files) == ["annotations.json", "images/ds/a.png", "images/ds/b.png", "left_out.jsonl"]
    found = json.loads(files["annotations.json"])["annotations"]
    told = json.loads(files["left_out.jsonl"])
    assert (told["id"], told["path"], list(told["left_out"])) == (first.id, "ds/a.png", ["its geometry can't be read"])
    assert len(found) + told["left_out"]["its geometry can't be read"] == 2 * (1 + len(BROKEN))
    kinds = [one["pinakes"]["geometry_type"] for one in found if one["image_id"] == first.id]
    assert "bitmap" not in kinds
    assert "rectangle" in kinds


async def test_labels_of_frames_are_no_labels_of_an_image(db: Database, blobs: Blobs):
    shelf = await make_shelf(db, blobs, (await make_user(db)).actor, data_type="videos")
    (item,) = await shelf.put("a.mp4")
    await named(shelf, "car")
    async with db.changing() as tx:
        (made,) = await objects.add(tx, shelf.actor, shelf.dataset.id, [NewObject("car", item_id=item.id)])
        await figures.add(tx, shelf.actor, [NewFigure(item.id, NewLabel("rectangle", BOX, object_id=made, frame=1))])
    files = await export(shelf, Order(within(shelf), "yolo", with_media=False))
    assert files["labels/ds/a.txt"] == b""
    assert json.loads(files["left_out.jsonl"])["left_out"] == {"it is of one frame or slice": 1}


async def tracked(shelf: Shelf) -> tuple[Media, Media]:
    """Two videos of five frames: one with two objects, seen on three frames, and a figure of none; one without any."""
    first, second = await shelf.put("a.mp4", "b.mp4")
    await named(shelf, "car", "bus")
    async with shelf.db.transaction() as tx:
        await label_tags.add(tx, shelf.actor, shelf.project.id, [NewTag("night"), NewTag("speed", "any_number")])
    async with shelf.db.changing() as tx:
        tags = [NewTagging("speed", 5.5, frame_from=1, frame_to=3), NewTagging("night")]
        await labels.put(tx, shelf.actor, [NewAnnotation(first.id, tags=tags)])
        new = [
            NewObject("car", item_id=first.id, description="ours", meta={"wheels": 4}, tags=tags),
            NewObject("bus", item_id=first.id),
        ]
        car, bus = await objects.add(tx, shelf.actor, shelf.dataset.id, new)
        sights = [
            NewLabel("rectangle", BOX, object_id=car, frame=4, description="gone soon"),
            NewLabel("polygon", RING, object_id=car, frame=0, tags=[NewTagging("night")]),
            NewLabel("bitmap", SHAPES["bitmap"], object_id=bus, frame=4),
            NewLabel("point", SHAPES["point"], class_name="car", frame=2),
            NewLabel("rectangle", BOX, object_id=bus),
        ]
        await figures.add(tx, shelf.actor, [NewFigure(first.id, one) for one in sights])
    return first, second


async def drawn(shelf: Shelf, item: Media) -> Json:
    """All that is on a video, without numbers and dates."""
    async with shelf.db.reading() as tx:
        found = await labels.get(tx, shelf.actor, item.id)
    place = {one.id: number for number, one in enumerate(found.objects)}

    def told(tags: list[Tagging]) -> Json:
        return sorted((tag.name, tag.value, tag.frame_from, tag.frame_to) for tag in tags)

    return (
        told(found.tags),
        [(one.class_name, one.description, one.meta, told(one.tags)) for one in found.objects],
        sorted(
            (
                (one.frame, one.class_name, one.object_id and place[one.object_id], one.geometry_type, one.geometry,
                 one.description, told(one.tags))
                for one in found.figures
            ),
            key=str,
        ),
    )  # fmt: skip


async def test_coco_has_the_frames_of_videos(db: Database, blobs: Blobs):
    """An image for each frame with labels, and its picture; `videos`, `tracks`, and which of them a label shows."""
    shelf = await make_shelf(db, blobs, (await make_user(db)).actor, data_type="videos")
    first, second = await tracked(shelf)
    files = await export(shelf, Order(within(shelf), "coco"))
    document = json.loads(files.pop("annotations.json"))
    assert [(one["id"], one["name"], one["length"]) for one in document["videos"]] == [
        (first.id, "ds/a.mp4", 5), (second.id, "ds/b.mp4", 5),
    ]  # fmt: skip
    assert [(one["id"], one["video_id"], one["frame_id"], one["file_name"]) for one in document["images"]] == [
        (1, first.id, 0, "ds/a.mp4/000000.jpg"),
        (2, first.id, 2, "ds/a.mp4/000002.jpg"),
        (3, first.id, 4, "ds/a.mp4/000004.jpg"),
    ]
    car, bus = (one["id"] for one in document["tracks"])
    assert {one["video_id"] for one in document["tracks"]} == {first.id}
    shown = [(one["image_id"], one.get("track_id"), one.get("instance_id")) for one in document["annotations"]]
    assert shown == [(3, car, car), (1, car, car), (3, bus, bus), (2, None, None)]
    assert {one["video_id"] for one in document["annotations"]} == {first.id}
    assert (document["annotations"][0]["bbox"], document["annotations"][0]["area"]) == ([2, 1, 4, 3], 12)
    assert json.loads(files.pop("left_out.jsonl")) == {
        "id": first.id, "path": "ds/a.mp4", "left_out": {"it is of no frame": 1},
    }  # fmt: skip
    assert sorted(files) == [f"images/{one['file_name']}" for one in document["images"]]
    for picture in files.values():
        image = pyvips.Image.new_from_buffer(picture, "")
        assert (image.get("vips-loader"), image.width, image.height) == ("jpegload_buffer", 32, 16)
    assert len(set(files.values())) == 3
    bare = await export(shelf, Order(within(shelf), "coco", with_media=False))
    assert sorted(bare) == ["annotations.json", "left_out.jsonl"]


async def test_coco_of_videos_comes_back(db: Database, blobs: Blobs):
    """The same figures on the same frames of the same objects, with their tags; again, in place of what was there."""
    shelf = await make_shelf(db, blobs, (await make_user(db)).actor, data_type="videos")
    first, _ = await tracked(shelf)
    document = json.loads((await export(shelf, Order(within(shelf), "coco", with_media=False)))["annotations.json"])
    tags, things, sights = await drawn(shelf, first)
    other = await make_shelf(db, blobs, shelf.actor, data_type="videos")
    (target,) = await other.put("a.mp4")
    for classes_made in (["car", "bus"], []):
        async with db.changing() as tx:
            done = await importing.import_coco(tx, other.actor, other.dataset.id, document)
        assert (done.items, done.labels, done.missing, done.classes) == (1, 4, ["ds/b.mp4"], classes_made)
        assert await drawn(other, target) == (tags, things, [one for one in sights if one[0] is not None])


async def test_frames_of_a_document_may_be_images(shelf: Shelf, db: Database):
    """Where the dataset holds images, a frame is the image that is called like its file; tracks don't count there."""
    (item,) = await shelf.put("000004.png")
    document = {
        "categories": [{"id": 1, "name": "car"}],
        "videos": [{"id": 1, "name": "a"}],
        "images": [{"id": 9, "file_name": "a/000004.png", "video_id": 1, "frame_id": 4}],
        "annotations": [{"id": 1, "image_id": 9, "category_id": 1, "bbox": [1, 1, 2, 2], "track_id": 5}],
    }
    async with db.changing() as tx:
        done = await importing.import_coco(tx, shelf.actor, shelf.dataset.id, document)
        found = await labels.get(tx, shelf.actor, item.id)
    assert (done.items, done.labels, done.missing) == (1, 1, [])
    assert [(one.geometry_type, one.frame, one.object_id) for one in found.figures] == [("rectangle", None, None)]


async def test_a_video_that_is_not_there_has_no_pictures(db: Database, blobs: Blobs):
    """A link is told as one; frames behind the end, or of a file that can't be decoded, are left out, and said so."""
    shelf = await make_shelf(db, blobs, (await make_user(db)).actor, data_type="videos")
    (there,) = await shelf.put("a.mp4")
    await named(shelf, "car")
    async with db.transaction() as tx:
        (linked,) = await media.add(
            tx, shelf.actor, shelf.dataset.id, [NewMedia("far.mp4", link="https://example.org/far.mp4")]
        )
    async with db.changing() as tx:
        new = [NewFigure(one.id, NewLabel("rectangle", BOX, class_name="car", frame=at)) for one in (there, linked)
               for at in (3, 5)]  # fmt: skip
        await figures.add(tx, shelf.actor, new)
    files = await export(shelf, Order(within(shelf), "coco"))
    assert sorted(files) == ["annotations.json", "images/ds/a.mp4/000003.jpg", "left_out.jsonl", "links.jsonl"]
    assert len(json.loads(files["annotations.json"])["images"]) == 4
    assert json.loads(files["links.jsonl"]) == {"path": "ds/far.mp4", "link": "https://example.org/far.mp4"}
    assert json.loads(files["left_out.jsonl"])["left_out"] == {"the frame can't be read": 1}
    assert there.sha256 is not None
    await blobs.receive(media_key(shelf.project.owner_id, there.sha256), pieces(b"no video"))
    files = await export(shelf, Order(within(shelf), "coco"))
    assert sorted(files) == ["annotations.json", "left_out.jsonl", "links.jsonl"]
    assert json.loads(files["left_out.jsonl"])["left_out"] == {"the frame can't be read": 2}
    await blobs.delete([media_key(shelf.project.owner_id, there.sha256)])
    assert await export(shelf, Order(within(shelf), "coco")) == {**files, "annotations.json": ANY}


async def test_names_never_lead_out_of_the_export(shelf: Shelf, db: Database):
    """Whatever a name holds, in a row that nobody checked as well: no step up, no path from the root."""
    odd = ["..a.png", "... .png", "a b'\"✓.png", "%2e%2e%2fx.png", "~root.png", "-rf.png", "C:evil.png"]
    items = await shelf.put(*odd)
    below = await shelf.folder("..x", (await shelf.folder(" . ")).id)
    items += await shelf.put("b.png", dataset_id=below.id, first=50)
    async with db.transaction() as tx:
        await tx.connection.execute("update datasets set name = '..' where id = %s", (below.id,))
        for item, name in zip(items, ("../../up.png", "..", "/root.png", "back\\..\\up.png"), strict=False):
            await tx.connection.execute("update items set name = %s where id = %s", (name, item.id))
    for form in exports.FORMS:
        order: Json = {"scope": within(shelf), "form": form}
        files = await export(shelf, Order(**order))
        pictures = [path for path in files if path.startswith("images/")]
        assert len(pictures) == len(items)
        for path in files:
            parts = path.split("/")
            assert not {"", ".", ".."} & {*parts}, path
            assert "\\" not in path
        assert f"images/ds/{odd[-1]}" in files
        assert "images/ . /_/b.png" in files


async def test_twins_keep_apart(shelf: Shelf):
    """Items of one name in two datasets; and two in one that differ by their endings, whose texts YOLO calls alike."""
    other = await shelf.folder("other")
    await named(shelf, "car")
    here, twin = [*await shelf.put("a.png"), *await shelf.put("a", first=7)]
    (there,) = await shelf.put("a.png", dataset_id=other.id, first=9)
    for item, count in ((here, 1), (twin, 2), (there, 3)):
        await label(shelf, item, *[NewLabel("rectangle", BOX, class_name="car")] * count)
    files = await export(shelf, Order(within(shelf), "yolo"))
    counts = {path: len(text.splitlines()) for path, text in files.items() if path.startswith("labels/")}
    assert counts == {"labels/ds/a.txt": 1, f"labels/ds/a-{twin.id}.txt": 2, "labels/other/a.txt": 3}
    assert {path for path in files if path.startswith("images/")} == {
        "images/ds/a.png", f"images/ds/a-{twin.id}", "images/other/a.png",
    }  # fmt: skip
    assert files["images/ds/a.png"] != files["images/other/a.png"]
    coco = json.loads((await export(shelf, Order(within(shelf), "coco", with_media=False)))["annotations.json"])
    assert [each["file_name"] for each in coco["images"]] == ["ds/a.png", "ds/a", "other/a.png"]


async def test_only_what_one_sees(shelf: Shelf, db: Database):
    """Who does not see the place is told of nothing; what goes while the export is written is left out."""
    first, second = await shelf.put("a.png", "b.png")
    stranger = (await make_user(db)).actor
    async with db.transaction() as tx:
        chosen = await selections.create(tx, shelf.actor, shelf.project.id, unique("Cars"))
        await selections.add_items(tx, shelf.actor, chosen.id, [(first.id, None), (second.id, None)])
    for scope in (within(shelf), Scope(dataset_id=shelf.dataset.id), Scope(collection_id=chosen.id)):
        with pytest.raises(errors.NotFound):
            await export(shelf, Order(scope, "coco"), stranger)
    order = Order(Scope(collection_id=chosen.id), "jsonl")
    async with db.reading() as tx:
        planned = await exports.plan(tx, shelf.actor, order)
    async with db.transaction() as tx:
        await media_removal.remove_items(tx, shelf.actor, [first.id])
    found = [file.path async for file in exports.files(db, shelf.blobs, shelf.actor, order, planned)]
    assert found == ["items.jsonl", "images/ds/b.png"]


@pytest.mark.parametrize("form", exports.FORMS)
async def test_a_file_that_is_gone_breaks_no_export_off(shelf: Shelf, form: exports.Form):
    """The object of an item vanishes while the export is written: it is left out, and told."""
    gone, _ = await shelf.put("a.png", "b.png")
    assert gone.sha256 is not None
    await shelf.blobs.delete([media_key(shelf.project.owner_id, gone.sha256)])
    files = await export(shelf, Order(within(shelf), form))
    assert [path for path in files if path.startswith("images/")] == ["images/ds/b.png"]
    assert json.loads(files["left_out.jsonl"]) == {
        "id": gone.id, "path": "ds/a.png", "left_out": {"its file is gone": 1},
    }  # fmt: skip


async def test_there_are_three_forms(shelf: Shelf):
    order: Json = {"scope": within(shelf), "form": "voc"}
    with pytest.raises(errors.Invalid, match="coco, yolo, jsonl"):
        await export(shelf, Order(**order))
