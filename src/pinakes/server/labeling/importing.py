"""Labels from a COCO document, put on the items of a dataset that the document names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, media
from pinakes.server.catalog.media_types import Dataset
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid
from pinakes.server.labeling import access, annotations as labels, classes, coco, tags
from pinakes.server.labeling.label_types import NewClass, NewTag, NewTagging

MOST_IMAGES = 100_000
_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a document.

    Attributes:
        items: How many items have labels of it now.
        labels: How many labels those are.
        missing: The images that no item of the dataset is called like, as the document names them.
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

    An image's `file_name` is the name of an item of the dataset, or the path to one in a dataset below it; folders
    that a path begins with, and that are not there, do not count. Classes and tags that the project lacks are made.
    Items that the document does not name keep their labels.

    Raises:
        Invalid: it is no COCO document, or a label of it can't be; nothing is done then.
        NotFound, Forbidden: the actor does not see the dataset, or may not write to it.
    """
    right = await access.require_dataset(tx, actor, dataset_id)
    labeled = coco.read(document)
    if len(labeled) > MOST_IMAGES:
        message = f"A document has at most {MOST_IMAGES:,} images in one call; cut it in parts."
        raise Invalid(message, field="images")
    found = await _items(tx, actor, dataset_id, [each.file_name for each in labeled])
    there = [each for each in labeled if each.file_name in found]
    new_classes = await _add_classes(tx, actor, right.project_id, document)
    marks = [tag for each in there for tag in (*each.tags, *(tag for label in each.labels for tag in label.tags))]
    new_tags = await _add_tags(tx, actor, right.project_id, marks)
    await labels.put(tx, actor, [each.annotation(found[each.file_name]) for each in there])
    return Imported(
        items=len(there),
        labels=sum(len(each.labels) for each in there),
        missing=[each.file_name for each in labeled if each.file_name not in found],
        classes=new_classes,
        tags=new_tags,
    )


async def _items(tx: Tx, actor: Actor, dataset_id: int, wanted: Sequence[str]) -> dict[str, int]:
    """Find the item of each file name, in the dataset and those below it."""
    below = await datasets.subtree(tx, actor, dataset_id)
    folders = _folders(dataset_id, below)
    names = sorted({name.rpartition("/")[2] for name in wanted})
    at: dict[str, int] = {}
    for start in range(0, len(names), _PAGE):
        page = await media.page(
            tx, actor, dataset_id=dataset_id, recursive=True, names=names[start : start + _PAGE], limit=10 * _PAGE
        )
        for row in page.rows:
            folder = folders[row.dataset_id]
            at[f"{folder}/{row.name}" if folder else row.name] = row.id
    return {name: item for name in wanted if (item := _longest(at, name)) is not None}


def _longest(at: Mapping[str, int], name: str) -> int | None:
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
    wanted = {name: facts for name, facts in coco.shapes(document).items() if name not in known}
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
