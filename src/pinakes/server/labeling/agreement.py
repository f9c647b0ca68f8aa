"""How far two annotations of the same item agree, as a number from 0 to 1. Pure functions.

Figures of one class are paired, the best pairs first. A pair counts as much as it overlaps: the area that both cover,
over the area that either covers; a figure without a pair counts nothing. A tag counts where both have it. The number is
the share of all figures and tags of both sides.

Outlines are compared by what lies inside of them, and bitmaps pixel by pixel. All else that has a place is compared by
the boxes around it: so is a bitmap beside an outline, one that can't be decoded or has nothing set, one of more than 16
million pixels, and what is left once 200 million pixels of two annotations were looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import fmean
from typing import Any

import orjson

from pinakes.server.labeling import geometry
from pinakes.server.labeling.label_types import Annotation, Figure, Tagging
from pinakes.server.labeling.pixels import Pixels

# Points, which cover no area, agree when they are no further apart than this many pixels.
_NEAR = 3.0
# An outline is looked at through a grid of this many lines, each cut exactly.
_LINES = 64
# Beyond that many figures of a class on the other side, only the same geometry makes a pair.
_MANY = 2000


def between(first: Annotation, second: Annotation) -> float:
    """Return how far two annotations agree: 1 when they say the same, also when both say nothing."""
    overlaps, figures = _of_figures(first.figures, second.figures)
    shared, tags = _of_tags(first.tags, second.tags)
    total = figures + tags
    return 1.0 if total == 0 else (2 * overlaps + 2 * shared) / total


def by_author(annotation: Annotation, user_id: int) -> Annotation:
    """Return what one person said of an item."""
    own = replace(annotation)
    own.figures = [one for one in annotation.figures if one.created_by == user_id]
    own.tags = [one for one in annotation.tags if one.created_by == user_id]
    own.objects = [one for one in annotation.objects if one.created_by == user_id]
    return own


def of_annotators(annotation: Annotation, user_ids: Sequence[int]) -> float | None:
    """Return how far several people agree on an item, two by two and on average; None for fewer than two."""
    each = [by_author(annotation, user_id) for user_id in dict.fromkeys(user_ids)]
    shares = [between(one, other) for one, other in combinations(each, 2)]
    return fmean(shares) if shares else None


def overlap(first: Figure, second: Figure, pixels: Pixels | None = None) -> float:
    """Return how far two figures cover the same: 1 for the same geometry, 0 for other classes, frames or places.

    Args:
        first: The one.
        second: The other.
        pixels: The bitmaps that were decoded before, where more than two figures are compared.
    """
    if (first.class_name, first.frame) != (second.class_name, second.frame):
        return 0.0
    if _same(first, second):
        return 1.0
    one, other = geometry.box(first.geometry or {}), geometry.box(second.geometry or {})
    if one is None or other is None:
        return 0.0
    types = {first.geometry_type, second.geometry_type}
    if types == {"point"}:
        return float(max(abs(a - b) for a, b in zip(one, other, strict=True)) <= _NEAR)
    rings = _rings(first), _rings(second)
    if all(rings) and types != {"rectangle"}:
        return _of_outlines(rings[0], rings[1], one, other)
    boxes = _of_boxes(one, other)
    shared = (pixels or Pixels()).overlap(first, second) if boxes else None
    return boxes if shared is None else shared


def _of_figures(first: Sequence[Figure], second: Sequence[Figure]) -> tuple[float, int]:
    """Pair the figures of two sides by their overlap, the best pairs first; returns its sum, and how many there are."""
    pairs: list[tuple[float, int, int]] = []
    pixels = Pixels()
    places: dict[tuple[str, int | None], list[int]] = {}
    for at, figure in enumerate(second):
        places.setdefault((figure.class_name, figure.frame), []).append(at)
    for at, figure in enumerate(first):
        others = places.get((figure.class_name, figure.frame), ())
        if len(others) > _MANY:
            others = [other for other in others if _same(figure, second[other])]
        pairs.extend((share, at, other) for other in others if (share := overlap(figure, second[other], pixels)) > 0)
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    left, right = set[int](), set[int]()
    total = 0.0
    for share, at, other in pairs:
        if at not in left and other not in right:
            left.add(at)
            right.add(other)
            total += share
    return total, len(first) + len(second)


def _of_tags(first: Iterable[Tagging], second: Iterable[Tagging]) -> tuple[int, int]:
    one, other = Counter(map(_said, first)), Counter(map(_said, second))
    return (one & other).total(), one.total() + other.total()


def _said(tag: Tagging) -> bytes:
    return orjson.dumps([tag.name, tag.value, tag.frame_from, tag.frame_to])


def _same(first: Figure, second: Figure) -> bool:
    if first.geometry_file is not None or second.geometry_file is not None:
        return first.geometry_file == second.geometry_file
    return first.geometry_type == second.geometry_type and first.geometry == second.geometry


def _of_boxes(one: geometry.Box, other: geometry.Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_size(one) + _size(other) - both)


def _size(box: geometry.Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _rings(figure: Figure) -> list[list[Sequence[float]]]:
    """Return the closed lines of a figure, holes too; none for what is no area."""
    shape: Mapping[str, Any] = figure.geometry or {}
    try:
        if figure.geometry_type == "rectangle":
            (left, top), (right, bottom) = shape["points"]["exterior"]
            return [[(left, top), (right, top), (right, bottom), (left, bottom)]]
        outlines = shape["parts"] if figure.geometry_type == "multipolygon" else [shape["points"]]
        if figure.geometry_type not in {"polygon", "multipolygon"}:
            return []
        return [ring for one in outlines for ring in (one["exterior"], *one.get("interior", ()))]
    except (KeyError, TypeError, ValueError):
        return []


def _of_outlines(
    first: list[list[Sequence[float]]], second: list[list[Sequence[float]]], one: geometry.Box, other: geometry.Box
) -> float:
    """Return how far two areas cover the same, by what lies inside of them on each line of a grid."""
    if min(one[2], other[2]) <= max(one[0], other[0]) or min(one[3], other[3]) <= max(one[1], other[1]):
        return 0.0
    top, bottom = min(one[1], other[1]), max(one[3], other[3])
    both = either = 0.0
    for line in range(_LINES):
        y = top + (bottom - top) * (line + 0.5) / _LINES
        in_first, in_second = _inside(first, y), _inside(second, y)
        shared = _shared(in_first, in_second)
        both += shared
        either += _length(in_first) + _length(in_second) - shared
    return both / either if either else 0.0


def _inside(rings: list[list[Sequence[float]]], y: float) -> list[tuple[float, float]]:
    """Return the stretches of a line that lie inside of closed lines, where an even number of them cancels out."""
    cuts: list[float] = []
    for ring in rings:
        for at, point in enumerate(ring):
            before = ring[at - 1]
            if (before[1] > y) != (point[1] > y):
                cuts.append(before[0] + (y - before[1]) * (point[0] - before[0]) / (point[1] - before[1]))
    cuts.sort()
    return list(zip(cuts[::2], cuts[1::2], strict=False))


def _shared(first: list[tuple[float, float]], second: list[tuple[float, float]]) -> float:
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in first for c, d in second)


def _length(stretches: list[tuple[float, float]]) -> float:
    return sum(b - a for a, b in stretches)
