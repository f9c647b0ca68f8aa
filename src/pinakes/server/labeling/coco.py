"""Annotations as a COCO document; `coco_reading` is the way back.

COCO knows boxes, polygons without holes, masks as runs, and key points; it says nothing of tags, and names classes
only. What is more goes along under the key `pinakes` of each image, annotation, video and track, which other tools
ignore and an import reads, so that nothing is lost on the way out and in.

Of a video each frame with labels is an image, as tools of tracking have it: `videos` lists the videos, an image says
its `video_id` and its `frame_id` (the first frame is 0), `tracks` lists the objects, and an annotation says which one
it shows, as `track_id` and `instance_id`.

Coordinates are COCO's own: continuous, with the first pixel from 0 to 1, as geometries of images are kept here too.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pinakes.server.errors import Invalid
from pinakes.server.labeling import geometry, label_checks as checks, masks
from pinakes.server.labeling.label_types import Annotation, Figure, LabelClass, Tagging

KEY = "pinakes"
# Why a label is left out: one of a video, or one that was kept although nobody can make anything of its geometry.
OF_NO_FRAME, UNREADABLE = "it is of no frame", "its geometry can't be read"


class Frames:
    """The frames of videos that are images of a document, and their numbers in it, given as the videos come.

    A label that somebody draws on another frame while the document is written is in none of it.
    """

    def __init__(self) -> None:
        self._found: dict[int, tuple[int, array[int]]] = {}
        self._next = 1

    def take(self, annotation: Annotation) -> Sequence[int]:
        """Number the frames of a video that have labels, and return them in order."""
        found = sorted({frame for figure in annotation.figures if (frame := _frame_of(figure)) is not None})
        self._found[annotation.item_id] = (self._next, array("i", found))
        self._next += len(found)
        return found

    def of(self, item_id: int) -> Sequence[int]:
        """Return the frames of a video that are images of the document."""
        return self._found[item_id][1] if item_id in self._found else ()

    def number(self, item_id: int, frame: int) -> int | None:
        """Return the number of a frame in the document; None if it is not in it."""
        first, found = self._found.get(item_id, (0, array("i")))
        at = bisect_left(found, frame)
        return first + at if at < len(found) and found[at] == frame else None


def category(label_class: LabelClass) -> dict[str, object]:
    """Return a class as a category."""
    kept = {"shape": label_class.shape, "color": label_class.color}
    return {"id": label_class.id, "name": label_class.name, "supercategory": "", KEY: kept}


def image(annotation: Annotation, file_name: str) -> dict[str, object]:
    """Return an image of a document."""
    return _image(annotation, annotation.item_id, file_name) | _with_tags(annotation.tags)


def video(annotation: Annotation, name: str) -> dict[str, object]:
    """Return a video of a document."""
    size = {"width": annotation.width, "height": annotation.height, "length": annotation.frames}
    return {"id": annotation.item_id, "name": name, **size} | _with_tags(annotation.tags)


def frames(annotation: Annotation, name: str, numbers: Frames) -> Iterator[dict[str, object]]:
    """Return the frames of a video that have labels, as images of a document."""
    for frame in numbers.take(annotation):
        number = numbers.number(annotation.item_id, frame)
        assert number is not None
        entry = _image(annotation, number, frame_path(name, frame))
        yield entry | {"video_id": annotation.item_id, "frame_id": frame}


def frame_path(path: str, frame: int) -> str:
    """Return the path of a video's frame: its number, in a folder that is called like the video."""
    return f"{path}/{frame:06d}.jpg"


def tracks(annotation: Annotation) -> Iterator[dict[str, object]]:
    """Return the objects of a video."""
    for one in annotation.objects:
        kept: dict[str, object] = {"tags": [_tag(tag) for tag in one.tags]} if one.tags else {}
        kept |= {"description": one.description} if one.description else {}
        kept |= {"meta": one.meta} if one.meta else {}
        entry: dict[str, object] = {"id": one.id, "video_id": annotation.item_id, "category_id": one.class_id}
        yield entry | ({KEY: kept} if kept else {})


def labels(annotation: Annotation, numbers: Frames | None, left_out: Counter[str]) -> Iterator[dict[str, object]]:
    """Return the annotations of an image of a document; with `numbers`, those of a video's frames.

    Args:
        annotation: What is on the image or the video.
        numbers: The numbers of a video's frames in the document.
        left_out: Counts the labels that the document can't hold, by the reason, as they are come upon.
    """
    for figure in annotation.figures:
        number = _image_of(annotation.item_id, figure, numbers)
        said = None if number is None else _label(annotation, figure, number)
        if said is not None:
            yield said if numbers is None else said | {"video_id": annotation.item_id} | _shown(figure)
        elif number is not None:
            left_out[UNREADABLE] += 1
        elif _frame_of(figure) is None:
            left_out[OF_NO_FRAME] += 1


def _image_of(item_id: int, figure: Figure, numbers: Frames | None) -> int | None:
    """Return the number of the image that a label is on; None where the document has no such image."""
    if numbers is None:
        return item_id
    frame = _frame_of(figure)
    return None if frame is None else numbers.number(item_id, frame)


def _frame_of(figure: Figure) -> int | None:
    frame = checks.frame_of(figure)
    return frame if frame is not None and 0 <= frame <= checks.LAST_ID else None


def _image(annotation: Annotation, number: int, file_name: str) -> dict[str, object]:
    return {
        "id": number,
        "file_name": file_name,
        "width": annotation.width,
        "height": annotation.height,
        "date_captured": annotation.created_at.isoformat(),
    }


def _label(annotation: Annotation, figure: Figure, image_id: int) -> dict[str, object] | None:
    """Return a label as an annotation; None where its geometry is broken: one label never breaks a document off."""
    try:
        shape = _shape(figure, annotation.width or 0, annotation.height or 0)
    except (Invalid, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None
    kept: dict[str, object] = {"geometry_type": figure.geometry_type, "geometry": figure.geometry}
    if figure.tags:
        kept["tags"] = [_tag(tag) for tag in figure.tags]
    if figure.description:
        kept["description"] = figure.description
    return {
        "id": figure.id,
        "image_id": image_id,
        "category_id": figure.class_id,
        **shape,
        KEY: kept,
    }


def _shown(figure: Figure) -> dict[str, object]:
    """Say which object a figure shows."""
    return {} if figure.object_id is None else {"track_id": figure.object_id, "instance_id": figure.object_id}


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


def _with_tags(tags: Sequence[Tagging]) -> dict[str, object]:
    return {KEY: {"tags": [_tag(tag) for tag in tags]}} if tags else {}


def _tag(tag: Tagging) -> dict[str, object]:
    said: dict[str, object] = {"name": tag.name}
    if tag.value is not None:
        said["value"] = tag.value
    if tag.frame_from is not None:
        said["frames"] = [tag.frame_from, tag.frame_to]
    return said
