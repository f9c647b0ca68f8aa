"""Annotations as the text files that YOLO trains on: one line a label, in shares of the image's width and height."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias, cast

import orjson

from pinakes.server.labeling import geometry
from pinakes.server.labeling.label_types import Annotation, Figure, LabelClass

# What is learned: boxes, or outlines.
Task: TypeAlias = Literal["detect", "segment"]
# Why a label is left out.
NO_SIZE, OF_A_FRAME, NO_BOX = "the item has no size", "it is of one frame or slice", "it has no box in a plane"


def lines(annotation: Annotation, numbers: Mapping[int, int], task: Task = "detect") -> Iterator[str]:
    """Return the lines of an image's file; `left_out` says of which labels there is none.

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
        if shares and figure.frame is None:
            yield " ".join([str(numbers[figure.class_id]), *(f"{share:.6f}" for share in shares)])


def left_out(annotation: Annotation) -> dict[str, int]:
    """Return how many labels of an image a text can't hold, by the reason."""
    if not annotation.width or not annotation.height:
        return {NO_SIZE: len(annotation.figures)} if annotation.figures else {}
    reasons = (
        OF_A_FRAME if figure.frame is not None else NO_BOX
        for figure in annotation.figures
        if figure.frame is not None or geometry.box(figure.geometry or {}) is None
    )
    return dict(Counter(reasons))


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
    exterior = _ring(figure)
    if exterior is None:
        around = geometry.box(figure.geometry or {})
        if around is None:
            return []
        left, top, right, bottom = around
        exterior = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return [max(0.0, min(1.0, point[axis] / size[axis])) for point in exterior for axis in (0, 1)]


def _ring(figure: Figure) -> Sequence[Sequence[float]] | None:
    """Return the outer points of a polygon; None of what is none, and where they can't be read."""
    points = (figure.geometry or {}).get("points")
    if figure.geometry_type != "polygon" or not isinstance(points, Mapping):
        return None
    if geometry.box({"points": points}) is None:
        return None
    return cast("Mapping[str, Sequence[Sequence[float]]]", points)["exterior"]
