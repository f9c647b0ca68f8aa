"""Annotations as the text files that YOLO trains on: one line a label, in shares of the image's width and height."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias, cast

import orjson

from pinakes.server.labeling import geometry
from pinakes.server.labeling.label_types import Annotation, Figure, LabelClass

# What is learned: boxes, or outlines.
Task: TypeAlias = Literal["detect", "segment"]


def lines(annotation: Annotation, numbers: Mapping[int, int], task: Task = "detect") -> Iterator[str]:
    """Return the lines of an image's file. A label without a box, and an image without a size, have none.

    Args:
        annotation: What is on the image.
        numbers: The number of each class, by its id; they count from 0.
        task: For `segment`, polygons as they are; what is no polygon is its box.
    """
    if not annotation.width or not annotation.height:
        return
    size = (annotation.width, annotation.height)
    for figure in annotation.figures:
        shares = _outline(figure, size) if task == "segment" else _box(figure, size)
        if shares:
            yield " ".join([str(numbers[figure.class_id]), *(f"{share:.6f}" for share in shares)])


def description(classes: Sequence[LabelClass]) -> str:
    """Return the `data.yaml` that names the classes. JSON's texts are YAML's too, whatever is in a name."""
    names = "\n".join(f"  {number}: {orjson.dumps(each.name).decode()}" for number, each in enumerate(classes))
    return f"path: .\ntrain: images\nval: images\nnames:\n{names}\n" if classes else "path: .\nnames: {}\n"


def _box(figure: Figure, size: tuple[int, int]) -> list[float]:
    around = geometry.box(figure.geometry or {})
    if around is None:
        return []
    (left, right), (top, bottom) = (
        (max(0.0, min(around[axis], size[axis])), max(0.0, min(around[axis + 2], size[axis]))) for axis in (0, 1)
    )
    width, height = size
    return [(left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height]


def _outline(figure: Figure, size: tuple[int, int]) -> list[float]:
    points = (figure.geometry or {}).get("points")
    if figure.geometry_type != "polygon" or not isinstance(points, Mapping):
        around = geometry.box(figure.geometry or {})
        if around is None:
            return []
        left, top, right, bottom = around
        exterior: Sequence[Sequence[float]] = [[left, top], [right, top], [right, bottom], [left, bottom]]
    else:
        exterior = cast("Mapping[str, Sequence[Sequence[float]]]", points)["exterior"]
    return [max(0.0, min(1.0, point[axis] / size[axis])) for point in exterior for axis in (0, 1)]
