"""Annotations as a COCO document, and back.

COCO knows boxes, polygons without holes, masks as runs, and key points; it says nothing of tags, and names classes
only. What is more goes along under the key `pinakes` of each image and annotation, which other tools ignore and an
import reads, so that nothing is lost on the way out and in. A document of somebody else's is read by what COCO says.

Coordinates are COCO's own: continuous, with the first pixel from 0 to 1, as geometries of images are kept here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import cast

from pinakes.server.errors import Invalid
from pinakes.server.labeling import geometry, masks
from pinakes.server.labeling.label_types import (
    Annotation,
    Figure,
    LabelClass,
    NewAnnotation,
    NewLabel,
    NewTagging,
    Tagging,
)

KEY = "pinakes"
_WHOLE = "document"
_CORNERS = 2
_TRIANGLE = 3


@dataclass(frozen=True, slots=True)
class Labeled:
    """An image of a document, and what is on it.

    Attributes:
        file_name: As the document has it: the path of the dataset, `/`, and the name, or the name alone.
        labels: Its labels, each with the name of its class.
        tags: Its tags.
    """

    file_name: str
    labels: list[NewLabel] = field(default_factory=list[NewLabel])
    tags: list[NewTagging] = field(default_factory=list[NewTagging])

    def annotation(self, item_id: int) -> NewAnnotation:
        """Return what is to be put on an item."""
        return NewAnnotation(item_id, labels=self.labels, tags=self.tags)


def category(label_class: LabelClass) -> dict[str, object]:
    """Return a class as a category."""
    kept = {"shape": label_class.shape, "color": label_class.color}
    return {"id": label_class.id, "name": label_class.name, "supercategory": "", KEY: kept}


def image(annotation: Annotation, file_name: str) -> dict[str, object]:
    """Return an image of a document."""
    entry: dict[str, object] = {
        "id": annotation.item_id,
        "file_name": file_name,
        "width": annotation.width,
        "height": annotation.height,
        "date_captured": annotation.created_at.isoformat(),
    }
    if annotation.tags:
        entry[KEY] = {"tags": [_tag(tag) for tag in annotation.tags]}
    return entry


def labels(annotation: Annotation) -> Iterator[dict[str, object]]:
    """Return the annotations of an image of a document."""
    for figure in annotation.figures:
        kept: dict[str, object] = {"geometry_type": figure.geometry_type, "geometry": figure.geometry}
        if figure.tags:
            kept["tags"] = [_tag(tag) for tag in figure.tags]
        if figure.description:
            kept["description"] = figure.description
        yield {
            "id": figure.id,
            "image_id": annotation.item_id,
            "category_id": figure.class_id,
            **_shape(figure, annotation.width or 0, annotation.height or 0),
            KEY: kept,
        }


def read(document: object) -> list[Labeled]:
    """Read a document: every image with its labels.

    Raises:
        Invalid: it is no COCO document; the message says which annotation is wrong, and how.
    """
    if not isinstance(document, Mapping):
        raise _bad(_WHOLE, "it must be an object with images, annotations and categories")
    parts = cast("Mapping[str, object]", document)
    names = {_number(each, "id", at): _text(each, "name", at) for at, each in _each(parts, "categories")}
    images = {_number(each, "id", at): _labeled(each, at) for at, each in _each(parts, "images")}
    for at, each in _each(parts, "annotations"):
        owner, named = images.get(_number(each, "image_id", at)), names.get(_number(each, "category_id", at))
        if owner is None:
            raise _bad(at, "image_id names no image of the document")
        if named is None:
            raise _bad(at, "category_id names no category of the document")
        owner.labels.extend(_labels(each, named, at))
    return list(images.values())


def shapes(document: object) -> dict[str, tuple[str, str | None]]:
    """Return the classes that a document names, each with its shape ("any" where it says none) and color."""
    parts = cast("Mapping[str, object]", document)
    found: dict[str, tuple[str, str | None]] = {}
    for at, each in _each(parts, "categories"):
        kept = _kept(each)
        shape, color = kept.get("shape"), kept.get("color")
        found[_text(each, "name", at)] = (
            shape if isinstance(shape, str) else "any",
            color if isinstance(color, str) else None,
        )
    return found


def _shape(figure: Figure, width: int, height: int) -> dict[str, object]:
    """Say a geometry as COCO can: its box always, and its outline where it has one."""
    form = figure.geometry or {}
    around = geometry.box(form) or (0, 0, 0, 0)
    left, top, right, bottom = around
    said: dict[str, object] = {
        "bbox": [left, top, right - left, bottom - top],
        "area": geometry.area(figure.geometry_type, form) or 0,
        "iscrowd": 0,
        "segmentation": [],
    }
    points = form.get("points")
    if figure.geometry_type == "polygon" and isinstance(points, Mapping):
        outline = cast("Mapping[str, Sequence[Sequence[float]]]", points)
        said["segmentation"] = [[value for point in outline["exterior"] for value in point]]
    elif figure.geometry_type == "bitmap" and isinstance(form.get("bitmap"), Mapping) and width and height:
        mask, x, y = masks.of_bitmap(cast("Mapping[str, object]", form["bitmap"]))
        said |= {"segmentation": masks.to_runs(mask, x, y, width, height), "iscrowd": 1}
    return said


def _labels(each: Mapping[str, object], class_name: str, at: str) -> Iterator[NewLabel]:
    kept = _kept(each)
    kind, form = kept.get("geometry_type"), kept.get("geometry")
    if isinstance(kind, str) and isinstance(form, Mapping):
        tags = [_read_tag(tag, at) for tag in _objects(kept.get("tags"))]
        description = kept.get("description")
        told = description if isinstance(description, str) else ""
        yield NewLabel(
            kind, dict(cast("Mapping[str, object]", form)), class_name=class_name, tags=tags, description=told
        )
        return
    outline = each.get("segmentation")
    if isinstance(outline, Mapping):
        bitmap = masks.to_bitmap(masks.of_runs(cast("Mapping[str, object]", outline), at))
        if bitmap is not None:
            yield NewLabel("bitmap", {"bitmap": bitmap}, class_name=class_name)
    elif isinstance(outline, list) and outline:
        for ring in cast("list[object]", outline):
            exterior = _pairs(ring, at)
            yield NewLabel("polygon", {"points": {"exterior": exterior, "interior": []}}, class_name=class_name)
    else:
        yield NewLabel("rectangle", {"points": {"exterior": _corners(each, at), "interior": []}}, class_name=class_name)


def _corners(each: Mapping[str, object], at: str) -> list[list[float]]:
    box = each.get("bbox")
    numbers = _floats(box, at) if isinstance(box, list) else []
    if len(numbers) != 2 * _CORNERS:
        raise _bad(at, "it needs a segmentation or a bbox [x, y, width, height]")
    x, y, width, height = numbers
    return [[x, y], [x + width, y + height]]


def _pairs(ring: object, at: str) -> list[list[float]]:
    numbers = _floats(ring, at) if isinstance(ring, list) else []
    if len(numbers) < 2 * _TRIANGLE or len(numbers) % 2:
        raise _bad(at, "a polygon of a segmentation is a list of at least three pairs [x, y, x, y, ...]")
    return [[numbers[place], numbers[place + 1]] for place in range(0, len(numbers), 2)]


def _floats(values: object, at: str) -> list[float]:
    numbers: list[float] = [
        value for value in cast("list[object]", values) if isinstance(value, int | float) and isfinite(value)
    ]
    if len(numbers) != len(cast("list[object]", values)):
        raise _bad(at, "coordinates are finite numbers")
    return numbers


def _labeled(each: Mapping[str, object], at: str) -> Labeled:
    tags = [_read_tag(tag, at) for tag in _objects(_kept(each).get("tags"))]
    return Labeled(_text(each, "file_name", at), tags=tags)


def _tag(tag: Tagging) -> dict[str, object]:
    return {"name": tag.name} if tag.value is None else {"name": tag.name, "value": tag.value}


def _read_tag(tag: Mapping[str, object], at: str) -> NewTagging:
    return NewTagging(name=_text(tag, "name", at), value=tag.get("value"))


def _kept(each: Mapping[str, object]) -> Mapping[str, object]:
    kept = each.get(KEY)
    return cast("Mapping[str, object]", kept) if isinstance(kept, Mapping) else {}


def _objects(values: object) -> list[Mapping[str, object]]:
    if not isinstance(values, list):
        return []
    return [cast("Mapping[str, object]", each) for each in cast("list[object]", values) if isinstance(each, Mapping)]


def _each(parts: Mapping[str, object], key: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    values = parts.get(key, [])
    if not isinstance(values, list):
        raise _bad(key, "it must be a list")
    for place, value in enumerate(cast("list[object]", values)):
        at = f"{key}[{place}]"
        if not isinstance(value, Mapping):
            raise _bad(at, "it must be an object")
        yield at, cast("Mapping[str, object]", value)


def _number(each: Mapping[str, object], key: str, at: str) -> int:
    value = each.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(at, f"{key} must be a whole number")
    return value


def _text(each: Mapping[str, object], key: str, at: str) -> str:
    value = each.get(key)
    if not isinstance(value, str) or not value:
        raise _bad(at, f"{key} must be a text")
    return value


def _bad(at: str, why: str) -> Invalid:
    message = f"This is no COCO document: {at}: {why}."
    return Invalid(message, field=at)
