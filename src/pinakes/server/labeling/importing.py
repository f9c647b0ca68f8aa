"""Labels from a COCO document, put on the items of a dataset that the document names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, media
from pinakes.server.catalog.media_types import Dataset
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid
from pinakes.server.labeling import access, annotations as labels, classes, coco_reading, figures, objects, tags
from pinakes.server.labeling.coco_reading import Labeled, Track
from pinakes.server.labeling.label_types import NewClass, NewFigure, NewObject, NewTag, NewTagging

MOST_IMAGES = 100_000
_PAGE = 10_000

T = TypeVar("T")


class Place(NamedTuple):
    """An item that labels are put on, and its dataset."""

    item_id: int
    dataset_id: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a document.

    Attributes:
        items: How many items have labels of it now.
        labels: How many labels those are.
        missing: The images, or videos, that no item of the dataset is called like, as the document names them.
        classes: The classes that the project did not have.
        tags: The tags that the project did not have.
    """

    items: int
    labels: int
    missing: list[str]
    classes: list[str]
    tags: list[str]


async def import_coco(tx: Tx, actor: Actor, dataset_id: int, document: Mapping[str, object]) -> Imported:
    """Replace the labels of a dataset's items with those of a COCO document.

    An image's `file_name`, or the `name` of a video, is the name of an item of the dataset, or the path to one in a
    dataset below it; folders that a path begins with, and that are not there, do not count. Classes and tags that the
    project lacks are made. Items that the document does not name keep their labels. Where the items are videos, their
    objects are replaced, too.

    Raises:
        Invalid: it is no COCO document, or a label of it can't be; nothing is done then.
        NotFound, Forbidden: the actor does not see the dataset, or may not write to it.
    """
    right = await access.require_dataset(tx, actor, dataset_id)
    of_videos = (await access.require_project(tx, actor, right.project_id)).data_type == "videos"
    labeled = coco_reading.read(document, videos=of_videos)
    if len(labeled) > MOST_IMAGES:
        message = f"A document has at most {MOST_IMAGES:,} images in one call; cut it in parts."
        raise Invalid(message, field="images")
    found = await _items(tx, actor, dataset_id, [each.file_name for each in labeled])
    there = [(found[each.file_name], each) for each in labeled if each.file_name in found]
    new_classes = await _add_classes(tx, actor, right.project_id, document)
    marks = [tag for _, each in there for tag in each.marks()]
    new_tags = await _add_tags(tx, actor, right.project_id, marks)
    await labels.put(tx, actor, [each.annotation(place.item_id) for place, each in there])
    if of_videos:
        await _put_tracks(tx, actor, there)
    return Imported(
        items=len(there),
        labels=sum(each.label_count for _, each in there),
        missing=[each.file_name for each in labeled if each.file_name not in found],
        classes=new_classes,
        tags=new_tags,
    )


async def _put_tracks(tx: Tx, actor: Actor, there: Sequence[tuple[Place, Labeled]]) -> None:
    """Replace the objects of videos by those of a document, and put the labels that show them on their frames."""
    await _remove_objects(tx, actor, [place.item_id for place, _ in there])
    by_dataset: dict[int, list[tuple[int, Track]]] = {}
    for place, each in there:
        by_dataset.setdefault(place.dataset_id, []).extend((place.item_id, track) for track in each.tracks)
    for dataset_id, tracks in by_dataset.items():
        for part in _parts(tracks):
            new = [_object(item_id, track) for item_id, track in part]
            made = await objects.add(tx, actor, dataset_id, new)
            shown = [
                NewFigure(item_id, replace(label, object_id=number))
                for number, (item_id, track) in zip(made, part, strict=True)
                for label in track.labels
            ]
            for sights in _parts(shown):
                await figures.add(tx, actor, sights)


async def _remove_objects(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> None:
    for items in _parts(item_ids):
        page = await objects.page(tx, actor, item_ids=items, limit=_PAGE)
        while page.rows:
            if not await objects.remove(tx, actor, [one.id for one in page.rows]):
                return
            page = await objects.page(tx, actor, item_ids=items, limit=_PAGE)


def _object(item_id: int, track: Track) -> NewObject:
    return NewObject(
        class_name=track.class_name, item_id=item_id, description=track.description, meta=track.meta, tags=track.tags
    )


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[at : at + _PAGE] for at in range(0, len(rows), _PAGE))


async def _items(tx: Tx, actor: Actor, dataset_id: int, wanted: Sequence[str]) -> dict[str, Place]:
    """Find the item of each file name, in the dataset and those below it."""
    below = await datasets.subtree(tx, actor, dataset_id)
    folders = _folders(dataset_id, below)
    names = sorted({name.rpartition("/")[2] for name in wanted})
    at: dict[str, Place] = {}
    for start in range(0, len(names), _PAGE):
        page = await media.page(
            tx, actor, dataset_id=dataset_id, recursive=True, names=names[start : start + _PAGE], limit=10 * _PAGE
        )
        for row in page.rows:
            folder = folders[row.dataset_id]
            at[f"{folder}/{row.name}" if folder else row.name] = Place(row.id, row.dataset_id)
    return {name: item for name in wanted if (item := _longest(at, name)) is not None}


def _longest(at: Mapping[str, Place], name: str) -> Place | None:
    """Return the item that a path leads to; what of its beginning leads nowhere is left out."""
    while name not in at:
        _, more, name = name.partition("/")
        if not more:
            return None
    return at[name]


def _folders(top: int, below: Iterable[Dataset]) -> dict[int, str]:
    """Return the path from a dataset down to each of those below it; the subtree comes top down."""
    folders: dict[int, str] = {}
    for each in below:
        above = folders.get(each.parent_id or 0, "")
        folders[each.id] = "" if each.id == top else f"{above}/{each.name}".lstrip("/")
    return folders


async def _add_classes(tx: Tx, actor: Actor, project_id: int, document: Mapping[str, object]) -> list[str]:
    known = {each.name for each in await classes.list_classes(tx, actor, project_id)}
    wanted = {name: facts for name, facts in coco_reading.shapes(document).items() if name not in known}
    if wanted:
        made = [NewClass(name=name, shape=shape, color=color) for name, (shape, color) in wanted.items()]
        await classes.add(tx, actor, project_id, made)
    return list(wanted)


async def _add_tags(tx: Tx, actor: Actor, project_id: int, marks: Iterable[NewTagging]) -> list[str]:
    known = {each.name for each in await tags.list_tags(tx, actor, project_id)}
    wanted = {mark.name: _value_type(mark.value) for mark in marks if mark.name is not None and mark.name not in known}
    if wanted:
        await tags.add(tx, actor, project_id, [NewTag(name=name, value_type=kind) for name, kind in wanted.items()])
    return list(wanted)


def _value_type(value: object) -> str:
    if value is None:
        return "none"
    return "any_number" if isinstance(value, int | float) and not isinstance(value, bool) else "any_string"
