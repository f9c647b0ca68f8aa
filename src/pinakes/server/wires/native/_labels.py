"""How labels look over the native API, and how an annotation is read from a request."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pinakes.api import labels as api
from pinakes.server.actor import Actor
from pinakes.server.catalog import media
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, NotFound, PinakesError
from pinakes.server.labeling import annotations as annotating, objects
from pinakes.server.labeling.label_types import (
    Annotation,
    Figure,
    FigureVersion,
    LabelClass,
    LabelObject,
    LabelTag,
    NewAnnotation,
    NewLabel,
    NewObject,
    NewTagging,
    Saved,
    Tagging,
)

Json = dict[str, Any]

_INDEX = re.compile(r"\[(\d+)\]")
# What the room says, and what it is called in a request here.
_WORDS = (("labels.", "figures."), (".class", ".class_name"), (".object_id", ".object"))


def label_class(found: LabelClass) -> Json:
    """Encode a class."""
    return {
        "id": found.id,
        "project": found.project_id,
        "name": found.name,
        "shape": found.shape,
        "color": found.color,
        "description": found.description,
        "hotkey": found.hotkey,
        "geometry_config": found.geometry_config,
        "settings": found.settings,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def label_tag(found: LabelTag) -> Json:
    """Encode a tag."""
    return {
        "id": found.id,
        "project": found.project_id,
        "name": found.name,
        "value_type": found.value_type,
        "choices": found.choices,
        "color": found.color,
        "hotkey": found.hotkey,
        "applies_to": found.applies_to,
        "targets": found.targets,
        "classes": found.classes,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def tagging(found: Tagging) -> Json:
    """Encode a tag that is on something."""
    return {
        "id": found.id,
        "tag": found.tag_id,
        "name": found.name,
        "value": found.value,
        "frame_from": found.frame_from,
        "frame_to": found.frame_to,
        "extras": found.extras,
        "created_by": found.labeler,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def figure(found: Figure) -> Json:
    """Encode a figure."""
    return {
        "id": found.id,
        "item": found.item_id,
        "class_id": found.class_id,
        "class_name": found.class_name,
        "object": found.object_id,
        "geometry_type": found.geometry_type,
        "geometry": found.geometry,
        "geometry_file": _hex(found.geometry_file),
        "frame": found.frame,
        "description": found.description,
        "meta": found.meta,
        "extras": found.extras,
        "track_id": found.track_id,
        "priority": found.priority,
        "nn_created": found.nn_created,
        "nn_updated": found.nn_updated,
        "tags": [tagging(each) for each in found.tags],
        "created_by": found.labeler,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def label_object(found: LabelObject) -> Json:
    """Encode an object."""
    return {
        "id": found.id,
        "item": found.item_id,
        "class_id": found.class_id,
        "class_name": found.class_name,
        "description": found.description,
        "meta": found.meta,
        "tags": [tagging(each) for each in found.tags],
        "created_by": found.labeler,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def annotation(found: Annotation) -> Json:
    """Encode all labels of an item."""
    return {
        "item": found.item_id,
        "name": found.name,
        "project": found.project_id,
        "dataset": found.dataset_id,
        "width": found.width,
        "height": found.height,
        "frames": found.frames,
        "description": found.description,
        "meta": found.meta,
        "custom_data": found.custom_data,
        "tags": [tagging(each) for each in found.tags],
        "objects": [label_object(each) for each in found.objects],
        "figures": [figure(each) for each in found.figures],
        "updated_at": found.updated_at,
    }


def figure_version(found: FigureVersion) -> Json:
    """Encode what a figure was."""
    return {
        "figure": found.figure_id,
        "item": found.item_id,
        "class_id": found.class_id,
        "object": found.object_id,
        "geometry_type": found.geometry_type,
        "geometry": found.geometry,
        "geometry_file": _hex(found.geometry_file),
        "frame": found.frame,
        "description": found.description,
        "meta": found.meta,
        "tags": found.tags,
        "since": found.since,
        "until": found.until,
        "changed_by": found.changed_by_name,
        "removed": found.removed,
    }


# ----------------------------------------------------------------------------------------------------------------------
# What comes in
# ----------------------------------------------------------------------------------------------------------------------


async def put(tx: Tx, actor: Actor, item: int, wanted: api.PutAnnotation) -> None:
    """Make an item's labels what a request says, all of it or nothing."""
    known: Mapping[str, int] = {}
    if wanted.objects:
        known = await add_objects(tx, actor, item, (await media.get(tx, actor, item)).dataset_id, wanted)
    try:
        with spelled():
            await annotating.put(tx, actor, [new_annotation(item, wanted, known)])
    except (Invalid, NotFound):
        # Whatever else is wrong: an item that the actor does not see is not there.
        await media.get(tx, actor, item)
        raise


async def put_each(tx: Tx, actor: Actor, wanted: Sequence[NewAnnotation]) -> list[Saved]:
    """Make the labels of many items what they shall be, each by itself."""
    return await annotating.put(tx, actor, wanted, atomic=False)


async def add_objects(tx: Tx, actor: Actor, item: int, dataset: int, wanted: api.PutAnnotation) -> Mapping[str, int]:
    """Add the objects of a request that are not there yet, and return those that have a key by it.

    Raises:
        Invalid: (field `objects.N`) one with a number is not there, or not as the request says it is.
    """
    every = [(each.id, _new_object(item, each)) for each in wanted.objects]
    with spelled():
        await objects.require_unchanged(tx, actor, item, dataset, every)
    added = [each for each in wanted.objects if each.id is None]
    new = [one for number, one in every if number is None]
    ids = await objects.add(tx, actor, dataset, new) if new else []
    made = {each.key: number for each, number in zip(added, ids, strict=True) if each.key is not None}
    return made | {each.key: each.id for each in wanted.objects if each.key is not None and each.id is not None}


def new_annotation(item: int, wanted: api.PutAnnotation, known: Mapping[str, int]) -> NewAnnotation:
    """Read what an item's labels shall be; `known` are the objects that figures name by a key."""
    return NewAnnotation(
        item_id=item,
        labels=[_label(each, index, known) for index, each in enumerate(wanted.figures)],
        tags=[new_tagging(each) for each in wanted.tags],
        description=wanted.description,
        custom_data=wanted.custom_data,
    )


def new_tagging(tag: api.NewTagging) -> NewTagging:
    """Read a tag that something shall have."""
    return NewTagging(
        name=tag.name, value=tag.value, frame_from=tag.frame_from, frame_to=tag.frame_to, extras=tag.extras
    )


def _new_object(item: int, each: api.NewLabelObject) -> NewObject:
    return NewObject(
        class_name=each.class_name,
        item_id=item,
        description=each.description,
        meta=each.meta,
        tags=[new_tagging(tag) for tag in each.tags],
    )


def _label(each: api.NewFigure, index: int, known: Mapping[str, int]) -> NewLabel:
    object_id = each.object
    if each.object_key is not None:
        object_id = known.get(each.object_key)
        if object_id is None:
            message = f"The request has no object with the key {each.object_key!r}."
            raise Invalid(message, field=f"figures.{index}.object_key")
    return NewLabel(
        geometry_type=each.geometry_type,
        geometry=each.geometry,
        class_name=each.class_name,
        object_id=object_id,
        tags=[new_tagging(tag) for tag in each.tags],
        description=each.description,
        meta=each.meta,
        extras=each.extras,
        frame=each.frame,
        track_id=each.track_id,
        priority=each.priority,
        nn_created=each.nn_created,
        nn_updated=each.nn_updated,
        id=each.id,
    )


@contextmanager
def spelled() -> Generator[None]:
    """Let an error name what is wrong as it is called in a request here."""
    try:
        yield
    except PinakesError as error:
        error.field = field_of(error.field)
        raise


def field_of(field: str | None) -> str | None:
    """Spell a field of the room as requests here do: `annotations[0].labels[2].class` is `figures.2.class_name`."""
    if field is None:
        return None
    found = _INDEX.sub(r".\1", field)
    found = re.sub(r"^annotations(\.\d+)?\.?", "", found) or "figures"
    for word, here in _WORDS:
        found = found.replace(word, here) if here not in found else found
    return found


def _hex(digest: bytes | None) -> str | None:
    return digest.hex() if digest is not None else None
