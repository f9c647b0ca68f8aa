"""How far two annotations agree."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pinakes.server.labeling import agreement, masks
from pinakes.server.labeling.label_types import Annotation, Figure, Tagging
from pinakes.server.labeling.masks import Mask
from pinakes.server.labeling.pixels import Pixels

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


def bitmap(mask: Mask, left: int, top: int, name: str = "car", kind: str = "bitmap") -> Figure:
    return figure(kind, {"bitmap": masks.to_bitmap(mask, left, top)}, name)


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


def test_bitmaps_are_compared_pixel_by_pixel() -> None:
    """Not by their boxes, which are the same here."""
    rising = np.tril(np.ones((40, 60), dtype=bool), k=10)
    falling = rising[::-1, ::-1].copy()
    both, either = np.count_nonzero(rising & falling), np.count_nonzero(rising | falling)
    one, other = bitmap(rising, 5, 7), bitmap(falling, 5, 7)
    assert agreement.overlap(one, other) == pytest.approx(both / either)
    assert agreement.overlap(one, bitmap(rising, 5, 7)) == 1
    assert agreement.overlap(one, bitmap(rising, 200, 7)) == 0
    assert agreement.overlap(one, bitmap(rising, 5, 7, "bus")) == 0
    assert agreement.between(said(one, bitmap(falling, 90, 90)), said(other)) == pytest.approx(2 * both / either / 3)


def test_bitmaps_that_lie_apart_share_what_lies_on_both() -> None:
    square = np.ones((10, 10), dtype=bool)
    assert agreement.overlap(bitmap(square, 0, 0), bitmap(square, 5, 0)) == pytest.approx(1 / 3)
    assert agreement.overlap(bitmap(square, 3, 4), bitmap(np.ones((30, 3), dtype=bool), 9, -2)) == pytest.approx(
        30 / 160
    )
    ring = square.copy()
    ring[2:8, 2:8] = False
    hole = np.ones((6, 6), dtype=bool)
    assert agreement.overlap(bitmap(ring, 0, 0), bitmap(hole, 2, 2)) == 0, "what lies in a hole covers nothing of it"
    assert agreement.overlap(bitmap(ring, 0, 0, kind="alpha_mask"), bitmap(square, 0, 0)) == pytest.approx(0.64)


def test_what_can_not_be_compared_pixel_by_pixel_is_by_its_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bitmap on the other side, none that can be decoded, nothing set, too large a one, or too many of them."""
    square, half = np.ones((10, 10), dtype=bool), np.tril(np.ones((10, 10), dtype=bool))
    one, other = bitmap(square, 0, 0), bitmap(half, 0, 0)
    assert agreement.overlap(other, box(0, 0, 10, 10)) == 1
    head = masks.to_bitmap(square)
    assert head is not None
    png = zlib.decompress(base64.b64decode(str(head["data"])))
    broken = {"bitmap": {"origin": [0, 0], "data": base64.b64encode(zlib.compress(png[:40])).decode()}}
    assert agreement.overlap(figure("bitmap", broken), other) == 1
    assert agreement.overlap(figure("bitmap", {"bitmap": {"origin": [0, 0], "data": "?"}}), other) == 0
    assert Pixels(most=199).overlap(one, other) is None
    assert Pixels(most=400).overlap(one, other) == pytest.approx(0.55)
    once = Pixels(most=400)
    assert [once.overlap(one, other) for _ in range(2)] == [pytest.approx(0.55), None]
    monkeypatch.setattr("pinakes.server.labeling.pixels.MOST_PIXELS", 99)
    assert agreement.overlap(one, other) == 1


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


MASKS = st.builds(
    lambda bits, x, y: ({(x + bit % 9, y + bit // 9) for bit in bits}, bits, x, y),
    st.lists(st.integers(0, 62), min_size=1, unique=True), NUMBER, NUMBER,
)  # fmt: skip
Drawn: TypeAlias = tuple[set[tuple[int, int]], list[int], int, int]


def of_bits(drawn: Drawn) -> Figure:
    mask = np.zeros(63, dtype=bool)
    mask[drawn[1]] = True
    return bitmap(mask.reshape(7, 9), *drawn[2:])


@given(MASKS, MASKS)
def test_pixels_are_counted_wherever_bitmaps_lie(first: Drawn, second: Drawn) -> None:
    share = len(first[0] & second[0]) / len(first[0] | second[0])
    assert agreement.overlap(of_bits(first), of_bits(second)) == pytest.approx(share)


@given(BOXES, BOXES)
def test_it_is_a_share(first: list[Figure], second: list[Figure]) -> None:
    assert 0 <= agreement.between(said(*first), said(*second)) <= 1 + 1e-9
    assert agreement.between(said(*first), said(*first)) == 1
