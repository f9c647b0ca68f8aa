"""What a query or a collection finds, as files that trainers read: COCO, YOLO, or lines of JSON, and the media.

Of videos, COCO's images are the frames that have labels, and come as pictures; the other forms have the video itself.

An export is a list of files, each told as it is made. In memory are the ids, one batch of items at a time, each batch
in a transaction of its own, and of all items what later files need: which names are taken, which frames have labels,
where the files are that are elsewhere, what is left out. Items that vanish meanwhile are left out; so are files that
do, and frames that can't be read, and that is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

import orjson

from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import datasets, media as catalog, media_readers
from pinakes.server.catalog.media_files import decodable
from pinakes.server.catalog.media_reading import may_download
from pinakes.server.catalog.media_types import Media, MediaBytes
from pinakes.server.db import Database, Tx
from pinakes.server.errors import FileNotFound, Invalid, NotFound
from pinakes.server.labeling import annotations as labels, classes, coco, yolo
from pinakes.server.labeling.label_types import Annotation, LabelClass
from pinakes.server.search import media
from pinakes.server.search.filters import EVERYTHING, Expression

Form: TypeAlias = Literal["coco", "yolo", "jsonl"]
FORMS: tuple[str, ...] = get_args(Form)
BATCH = 500
# Why an export lacks the picture of a frame, or the file of an item.
NO_PICTURE, NO_FILE = "the frame can't be read", "its file is gone"
# The tables of a COCO document, and what each says of an item.
_Tables: TypeAlias = "Mapping[str, Callable[[Annotation], Iterable[dict[str, object]]]]"


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export: its path in it, and its content, to be read once."""

    path: str
    content: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an export will hold: the items, the classes that they may have, and where each dataset lies.

    Attributes:
        videos: The items are videos.
    """

    items: Sequence[int]
    classes: Sequence[LabelClass]
    folders: Mapping[int, str]
    videos: bool = False

    def path(self, item: Media | Annotation) -> str:
        """Return the path of an item: its dataset's, and its name."""
        return f"{self.folders.get(item.dataset_id, str(item.dataset_id))}/{_safe(item.name)}"


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for.

    Attributes:
        scope: Where the items are: a project, a dataset, a collection.
        form: The form of the labels.
        expression: Which items of those.
        with_media: Whether the files of the items come along.
        task: For YOLO: boxes, or outlines.
    """

    scope: media.Scope
    form: Form
    expression: Expression = EVERYTHING
    with_media: bool = True
    task: yolo.Task = "detect"


async def plan(tx: Tx, actor: Actor, order: Order) -> Plan:
    """Find what an export will hold, so that what can be refused is refused before its first byte.

    Raises:
        Invalid: the form is unknown, or its items are of several projects.
        NotFound: the scope is not there, or the actor may not see it.
        Unauthenticated, Forbidden, ScopeTooNarrow: he sees the items, but may not have the files that come along.
    """
    if order.form not in FORMS:
        message = f"format must be one of: {', '.join(FORMS)}."
        raise Invalid(message, field="format")
    found = await media.ids(tx, actor, order.scope, order.expression)
    first = await catalog.get_many(tx, actor, found[:1])
    if not first:
        return Plan([], [], {})
    if order.with_media:
        may_download(actor, first[0])
    project_id = first[0].project_id
    await _require_one_project(tx, actor, order, project_id)
    rows, _ = await datasets.page(tx, actor, project_id, limit=100_000)
    parents = {row.id: (row.parent_id, row.name) for row in rows}
    known = await classes.list_classes(tx, actor, project_id)
    folders = {row: _folder(row, parents) for row in parents}
    return Plan(found, sorted(known, key=lambda each: each.id), folders, videos=first[0].kind == "video")


async def _require_one_project(tx: Tx, actor: Actor, order: Order, project_id: int) -> None:
    """Refuse items of several projects: a class of one is not that of the same name of another."""
    if order.scope.project_id is not None or order.scope.dataset_id is not None:
        return
    others = media.compare("project_id", "!=", project_id)
    if await media.count(tx, actor, order.scope, media.both(order.expression, others)):
        message = "These items are of several projects; export them project by project."
        raise Invalid(message, field="collection")


async def files(db: Database, blobs: Blobs, actor: Actor, order: Order, planned: Plan) -> AsyncIterator[File]:
    """Tell the files of a planned export one after the other; the content of each is to be read before the next."""
    reading, missing = _Reading(db, actor, planned), _Missing()
    if order.form == "coco" and planned.videos:
        told = _coco_of_videos(reading, planned, blobs if order.with_media else None, missing)
    else:
        told = _labels_and_media(reading, blobs, order, planned, missing)
    async for file in told:
        yield file
    if missing:
        yield missing.file()


async def _labels_and_media(
    reading: _Reading, blobs: Blobs, order: Order, planned: Plan, missing: _Missing
) -> AsyncIterator[File]:
    """Tell the labels in a form, and the files of the items as they are."""
    names = _Names(planned)
    if order.form == "coco":
        yield File("annotations.json", _coco(reading, planned, _of_images(planned, missing)))
    elif order.form == "jsonl":
        yield File("items.jsonl", _lines(reading, planned))
    else:
        async for file in _yolo(reading, planned, order.task, names, missing):
            yield file
    if order.with_media:
        async for file in _media(reading, blobs, planned, names, missing):
            yield file


class _Reading:
    """Reads an export's items batch by batch."""

    def __init__(self, db: Database, actor: Actor, planned: Plan) -> None:
        self._db = db
        self._actor = actor
        self._planned = planned

    async def annotations(self) -> AsyncIterator[Annotation]:
        """Tell what is on each item, in order."""
        for ids in _batches(self._planned.items):
            async with self._db.reading() as tx:
                found = await labels.get_many(tx, self._actor, ids, missing_ok=True)
            for annotation in found:
                yield annotation

    async def batches(self) -> AsyncIterator[tuple[dict[int, Media], dict[int, MediaBytes]]]:
        """Tell the items of each batch, with the files of those that have one."""
        for ids in _batches(self._planned.items):
            async with self._db.reading() as tx:
                rows = await catalog.get_many(tx, self._actor, ids)
                with_files = [row.id for row in rows if row.sha256 is not None]
                stored = dict(await catalog.files(tx, self._actor, with_files)) if with_files else {}
            yield {row.id: row for row in rows}, stored


def _of_images(planned: Plan, missing: _Missing) -> _Tables:
    return {
        "images": lambda each: [coco.image(each, planned.path(each))],
        "annotations": lambda each: _labels(each, planned, missing),
    }


def _of_videos(planned: Plan, numbers: coco.Frames, missing: _Missing) -> _Tables:
    return {
        "videos": lambda each: [coco.video(each, planned.path(each))],
        "images": lambda each: coco.frames(each, planned.path(each), numbers),
        "tracks": coco.tracks,
        "annotations": lambda each: _labels(each, planned, missing, numbers),
    }


def _labels(
    each: Annotation, planned: Plan, missing: _Missing, numbers: coco.Frames | None = None
) -> Iterator[dict[str, object]]:
    """Tell the annotations of an item, and note which of its labels are none."""
    left_out: Counter[str] = Counter()
    yield from coco.labels(each, numbers, left_out)
    missing.add(each.item_id, planned.path(each), left_out)


async def _coco_of_videos(
    reading: _Reading, planned: Plan, blobs: Blobs | None, missing: _Missing
) -> AsyncIterator[File]:
    """Tell a document, and the frames that are its images."""
    numbers = coco.Frames()
    yield File("annotations.json", _coco(reading, planned, _of_videos(planned, numbers, missing)))
    if blobs is not None:
        async for file in _frames(reading, blobs, planned, numbers, missing):
            yield file


async def _coco(reading: _Reading, planned: Plan, tables: _Tables) -> AsyncIterator[bytes]:
    """Write a COCO document piece by piece; the items are read for each table, so that none of it has to be kept."""
    info = {"description": "Exported from Pinakes", "date_created": datetime.now(UTC).isoformat()}
    yield b'{"info":' + orjson.dumps(info) + b',"licenses":[],"categories":'
    yield orjson.dumps([coco.category(each) for each in planned.classes])
    for name, said in tables.items():
        yield b',"' + name.encode() + b'":['
        between = b""
        async for annotation in reading.annotations():
            for entry in said(annotation):
                yield between + orjson.dumps(entry, option=orjson.OPT_NON_STR_KEYS)
                between = b","
        yield b"]"
    yield b"}\n"


async def _frames(
    reading: _Reading, blobs: Blobs, planned: Plan, numbers: coco.Frames, missing: _Missing
) -> AsyncIterator[File]:
    """Tell the frames of videos that have labels as pictures, and where the videos are that are no files here."""
    links: list[tuple[str, str | None]] = []
    async for rows, stored in reading.batches():
        for item_id, row in rows.items():
            path, left = planned.path(row), set(numbers.of(item_id))
            if item_id not in stored:
                links.append((path, row.link))
                continue
            if not left:
                continue
            async for frame, picture in _pictures(blobs, stored[item_id], left):
                left.discard(frame)
                yield File(f"images/{coco.frame_path(path, frame)}", _once(picture))
            if left:
                missing.add(item_id, path, {NO_PICTURE: len(left)})
    for file in _elsewhere(links):
        yield file


async def _pictures(blobs: Blobs, video: MediaBytes, wanted: Iterable[int]) -> AsyncIterator[tuple[int, bytes]]:
    """Tell frames of a video, as far as it is there and can be decoded."""
    try:
        async with decodable(blobs, video.key) as path:
            async for picture in media_readers.frames(path, video.mime, list(wanted)):
                yield picture
    except FileNotFound:
        return


async def _lines(reading: _Reading, planned: Plan) -> AsyncIterator[bytes]:
    async for annotation in reading.annotations():
        yield orjson.dumps(_line(annotation, planned.path(annotation))) + b"\n"


def _line(annotation: Annotation, path: str) -> dict[str, object]:
    """Return all that is known of an item as one object."""
    return {
        "id": annotation.item_id,
        "path": path,
        "width": annotation.width,
        "height": annotation.height,
        "frames": annotation.frames,
        "description": annotation.description,
        "meta": annotation.meta,
        "tags": [{"name": tag.name, "value": tag.value} for tag in annotation.tags],
        "objects": [
            {"id": each.id, "class": each.class_name, "tags": [{"name": t.name, "value": t.value} for t in each.tags]}
            for each in annotation.objects
        ],
        "labels": [
            {
                "id": each.id,
                "class": each.class_name,
                "object": each.object_id,
                "geometry_type": each.geometry_type,
                "geometry": each.geometry,
                "frame": each.frame,
                "tags": [{"name": tag.name, "value": tag.value} for tag in each.tags],
                "labeler": each.labeler,
                "created_at": each.created_at.isoformat(),
            }
            for each in annotation.figures
        ],
        "created_at": annotation.created_at.isoformat(),
        "updated_at": annotation.updated_at.isoformat(),
    }


class _Missing:
    """What an export can't hold, item by item: told in a file of its own."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, item_id: int, path: str, why: Mapping[str, int]) -> None:
        """Note how many labels or frames of an item are missing, by the reason; nothing, where there are none."""
        if why:
            self._lines.append(orjson.dumps({"id": item_id, "path": path, "left_out": why}) + b"\n")

    def file(self) -> File:
        """Return the file."""
        return File("left_out.jsonl", _once(b"".join(self._lines)))


class _Names:
    """Where the files of items lie. A YOLO image and its text share all but the ending, so no two images may."""

    def __init__(self, planned: Plan) -> None:
        self._planned = planned
        self._taken: set[int] = set()
        self._again: set[int] = set()

    def of_text(self, item: Annotation) -> str:
        """Return the path of an item's text, without an ending; of the second one of a name its number is a part."""
        stem = hash(_stem(self._planned.path(item)))
        if stem in self._taken:
            self._again.add(item.item_id)
        self._taken.add(stem)
        return _stem(self._path(item, item.item_id))

    def of_file(self, item: Media) -> str:
        """Return the path of an item's file."""
        return self._path(item, item.id)

    def _path(self, item: Media | Annotation, number: int) -> str:
        path = self._planned.path(item)
        if number not in self._again:
            return path
        stem = _stem(path)
        return f"{stem}-{number}{path.removeprefix(stem)}"


async def _yolo(
    reading: _Reading, planned: Plan, task: yolo.Task, names: _Names, missing: _Missing
) -> AsyncIterator[File]:
    """Tell the classes and the text of each image, and note which labels no text can hold."""
    yield File("data.yaml", _once(yolo.description(planned.classes).encode()))
    numbers = {each.id: number for number, each in enumerate(planned.classes)}
    async for annotation in reading.annotations():
        text = "".join(f"{line}\n" for line in yolo.lines(annotation, numbers, task))
        yield File(f"labels/{names.of_text(annotation)}.txt", _once(text.encode()))
        missing.add(annotation.item_id, planned.path(annotation), yolo.left_out(annotation))


async def _media(
    reading: _Reading, blobs: Blobs, planned: Plan, names: _Names, missing: _Missing
) -> AsyncIterator[File]:
    """Tell the files of items as far as they are there, and where those are that are none here."""
    links: list[tuple[str, str | None]] = []
    async for rows, stored in reading.batches():
        for item_id, row in rows.items():
            path = names.of_file(row)
            if item_id not in stored:
                links.append((path, row.link))
                continue
            async with aclosing(_stored(blobs, stored[item_id].key)) as content:
                # Read as far as shows whether it is there: once its name is told, nothing but its bytes may follow.
                try:
                    first = await anext(content, b"")
                except NotFound:
                    missing.add(item_id, planned.path(row), {NO_FILE: 1})
                else:
                    yield File(f"images/{path}", _after(first, content))
    for file in _elsewhere(links):
        yield file


def _elsewhere(links: Sequence[tuple[str, str | None]]) -> Iterator[File]:
    """Tell where the items are that are no files here, by their paths; nothing, where there are none."""
    if links:
        lines = [orjson.dumps({"path": path, "link": link}) + b"\n" for path, link in links]
        yield File("links.jsonl", _once(b"".join(lines)))


def _batches(items: Sequence[int]) -> Iterator[Sequence[int]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))


async def _stored(blobs: Blobs, key: str) -> AsyncGenerator[bytes]:
    async for chunk in await blobs.stream(key):
        yield chunk


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _folder(dataset_id: int, parents: Mapping[int, tuple[int | None, str]]) -> str:
    """Return the path of a dataset: the names from the top down."""
    names: list[str] = []
    at: int | None = dataset_id
    while at is not None and at in parents:
        at, name = parents[at]
        names.append(_safe(name))
    return "/".join(reversed(names))


def _safe(name: str) -> str:
    """Return a name as that of a file or a folder which can't lead out of the export."""
    return "_" if name in {".", ".."} else name.replace("/", "_").replace("\\", "_")


def _stem(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/{name.rpartition('.')[0] or name}"
