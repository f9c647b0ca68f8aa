"""How far two annotations agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest
from hypothesis import given, strategies as st

from pinakes.server.labeling import agreement
from pinakes.server.labeling.label_types import Annotation, Figure, Tagging

Value: TypeAlias = Any
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def figure(kind: str, geometry: dict[str, Any] | None, name: str = "car", by: int = 1, **more: Value) -> Figure:
    values: dict[str, Any] = {
        "id": 1, "item_id": 1, "project_id": 1, "dataset_id": 1, "class_id": 1, "class_name": name, "object_id": None,
        "geometry_type": kind, "geometry": geometry, "geometry_file": None, "frame": None, "meta": {},
        "description": "", "extras": {},
        "track_id": None, "priority": None, "nn_created": False, "nn_updated": False, "created_by": by,
        "labeler": None, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Figure(**(values | more))


def box(left: float, top: float, right: float, bottom: float, name: str = "car", **more: Value) -> Figure:
    return figure("rectangle", {"points": {"exterior": [[left, top], [right, bottom]], "interior": []}}, name, **more)


def ring(*points: tuple[float, float]) -> Figure:
    return figure("polygon", {"points": {"exterior": [list(point) for point in points], "interior": []}})


def tag(name: str, value: object = None, by: int = 1) -> Tagging:
    return Tagging(1, 1, name, value, 1, None, None, None, None, {}, by, None, NOW, NOW)


def said(*figures: Figure, tags: tuple[Tagging, ...] = ()) -> Annotation:
    made = Annotation(1, "image", "a", 1, 1, 100, 100, None, "", {}, {}, NOW, NOW)
    made.figures, made.tags = list(figures), list(tags)
    return made


def test_the_same_agrees_and_nothing_with_nothing() -> None:
    one = said(box(0, 0, 10, 10), ring((0, 0), (5, 0), (5, 5)), tags=(tag("seen"),))
    assert agreement.between(one, one) == 1
    assert agreement.between(said(), said()) == 1
    assert agreement.between(one, said()) == 0


def test_boxes_count_as_far_as_they_overlap() -> None:
    first, second = said(box(0, 0, 10, 10)), said(box(0, 5, 10, 15))
    assert agreement.between(first, second) == pytest.approx(1 / 3)
    assert agreement.between(first, said(box(0, 0, 10, 10, "bus"))) == 0
    assert agreement.between(first, said(box(0, 0, 10, 10, frame=2))) == 0
    assert agreement.between(first, said(box(0, 0, 10, 10), box(50, 50, 60, 60))) == pytest.approx(2 / 3)


def test_the_best_pairs_come_first() -> None:
    first = said(box(0, 0, 10, 10), box(1, 0, 11, 10))
    second = said(box(1, 0, 11, 10), box(0, 0, 10, 10))
    assert agreement.between(first, second) == 1


def test_outlines_are_compared_by_what_is_inside() -> None:
    square, triangle = ring((0, 0), (10, 0), (10, 10), (0, 10)), ring((0, 0), (10, 0), (0, 10))
    assert agreement.overlap(square, triangle) == pytest.approx(0.5, abs=0.02)
    assert agreement.overlap(square, box(0, 0, 10, 10)) == pytest.approx(1)
    assert agreement.overlap(square, ring((20, 20), (30, 20), (30, 30))) == 0


def test_points_files_and_what_has_no_place() -> None:
    def point(x: float) -> Figure:
        return figure("point", {"points": {"exterior": [[x, 5]], "interior": []}})

    assert agreement.overlap(point(1), point(3)) == 1
    assert agreement.overlap(point(1), point(9)) == 0
    file, other = figure("mask_3d", None, geometry_file=b"a"), figure("mask_3d", None, geometry_file=b"b")
    assert (agreement.overlap(file, file), agreement.overlap(file, other)) == (1, 0)
    cuboid = figure("cuboid_3d", {"position": {"x": 1}})
    assert agreement.overlap(cuboid, figure("cuboid_3d", {"position": {"x": 2}})) == 0


def test_tags_count_by_their_values() -> None:
    first = said(tags=(tag("seen"), tag("weather", "rain")))
    second = said(tags=(tag("seen"), tag("weather", "sun")))
    assert agreement.between(first, second) == pytest.approx(0.5)


def test_of_several_people_on_one_item() -> None:
    whole = said(box(0, 0, 10, 10, by=1), box(0, 0, 10, 10, by=2), box(0, 5, 10, 15, by=3))
    assert [len(agreement.by_author(whole, one).figures) for one in (1, 2, 3, 4)] == [1, 1, 1, 0]
    assert agreement.of_annotators(whole, [1, 2]) == 1
    assert agreement.of_annotators(whole, [1, 2, 3]) == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert agreement.of_annotators(whole, [1, 1]) is None


NUMBER = st.integers(0, 20)
BOXES = st.lists(
    st.builds(lambda x, y, w, h: box(x, y, x + w + 1, y + h + 1), NUMBER, NUMBER, NUMBER, NUMBER), max_size=4
)


@given(BOXES, BOXES)
def test_it_is_a_share(first: list[Figure], second: list[Figure]) -> None:
    assert 0 <= agreement.between(said(*first), said(*second)) <= 1 + 1e-9
    assert agreement.between(said(*first), said(*first)) == 1
