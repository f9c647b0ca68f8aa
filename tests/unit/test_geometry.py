"""Coordinates on images: from pixels to subpixels and back without a change, as the labeling client converts them."""

from __future__ import annotations

import base64
import math
import zlib
from typing import Any, TypeAlias

import pytest
from hypothesis import given, strategies as st

from pinakes.server import errors
from pinakes.server.labeling import geometry

Value: TypeAlias = Any
PIXEL = st.integers(0, 10_000)
POINT = st.lists(PIXEL, min_size=2, max_size=2)
SUBPIXEL = st.lists(st.floats(0, 10_000, allow_nan=False), min_size=2, max_size=2)


def outlines(point: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    ring = st.lists(point, min_size=3, max_size=8)
    return st.fixed_dictionaries({"exterior": ring, "interior": st.lists(ring, max_size=2)})


def boxes() -> st.SearchStrategy[dict[str, Any]]:
    def box(left: int, top: int, width: int, height: int) -> list[list[int]]:
        return [[left, top], [left + width, top + height]]

    return st.builds(box, PIXEL, PIXEL, PIXEL, PIXEL).map(lambda corners: {"exterior": corners, "interior": []})


def geometries(point: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Types of images that are made of points, with their geometries."""
    outline = outlines(point)
    one = point.map(lambda at: {"points": {"exterior": [at], "interior": []}})
    nodes = st.dictionaries(st.text("ab", min_size=1), point.map(lambda at: {"loc": at}), min_size=1)
    return st.one_of(
        st.tuples(st.just("polygon"), outline.map(lambda points: {"points": points})),
        st.tuples(st.just("line"), outline.map(lambda points: {"points": points})),
        st.tuples(st.just("point"), one),
        st.tuples(st.just("multipolygon"), st.lists(outline, min_size=1).map(lambda parts: {"parts": parts})),
        st.tuples(st.just("graph"), nodes.map(lambda found: {"nodes": found})),
    )


@given(geometries(POINT))
def test_pixels_come_back_unchanged(case: tuple[str, dict[str, Any]]) -> None:
    kind, given_ = case
    geometry.check(kind, given_, "geometry")
    kept = geometry.to_subpixel(kind, given_)
    assert geometry.to_pixel(kind, kept) == given_
    assert geometry.to_subpixel(kind, kept) == kept
    assert all(value % 1 == 0.5 for point in geometry.points_of(kept) for value in point)


@given(boxes())
def test_a_rectangle_in_pixels_comes_back_unchanged(points: dict[str, Any]) -> None:
    shape = {"points": points}
    kept = geometry.to_subpixel("rectangle", shape)
    assert geometry.to_pixel("rectangle", kept) == shape
    (left, top), (right, bottom) = points["exterior"]
    assert kept["points"]["exterior"] == [[left, top], [right + 1, bottom + 1]]
    turned = {"points": {"exterior": points["exterior"][::-1], "interior": []}}
    assert geometry.to_subpixel("rectangle", turned) == kept
    assert geometry.to_pixel("oriented_bbox", {"points": kept["points"]["exterior"], "angle": 1}) == {
        "points": points["exterior"],
        "angle": 1,
    }


@given(geometries(SUBPIXEL))
def test_pixels_of_what_was_drawn_between_them_stay_in_place(case: tuple[str, dict[str, Any]]) -> None:
    """Reading as pixels, writing and reading again gives the same pixels."""
    kind, kept = case
    seen = geometry.to_pixel(kind, kept)
    assert geometry.to_pixel(kind, geometry.to_subpixel(kind, seen)) == seen
    assert all(
        math.floor(a) == b for p, q in zip(points(kept), points(seen), strict=True) for a, b in zip(p, q, strict=True)
    )


def points(shape: dict[str, Any]) -> list[Any]:
    return list(geometry.points_of(shape))


@pytest.mark.parametrize(
    ("corners", "pixels"),
    [
        ([[1, 1], [4, 5]], [[1, 1], [3, 4]]),
        ([[1.74, 1.55], [3.76, 4.63]], [[2, 1], [3, 4]]),
        ([[1.2, 1.2], [1.8, 1.9]], [[1, 1], [1, 1]]),
        ([[3, 3], [3, 3]], [[3, 3], [3, 3]]),
        ([[0, 0], [1, 1]], [[0, 0], [0, 0]]),
    ],
)
def test_a_rectangle_is_rounded_as_the_client_does(corners: list[list[float]], pixels: list[list[int]]) -> None:
    """supervisely 6.74.51: Rectangle._to_pixel_coordinate_system_json."""
    shape = {"points": {"exterior": corners, "interior": []}}
    assert geometry.to_pixel("rectangle", shape)["points"]["exterior"] == pixels


def test_what_lies_on_the_far_edge_belongs_to_the_last_pixel() -> None:
    shape = {"points": {"exterior": [[100, 80], [100.5, 80.5], [0, 0]], "interior": []}}
    seen = geometry.to_pixel("polygon", shape, (100, 80))
    assert seen["points"]["exterior"] == [[99, 79], [100, 80], [0, 0]]
    assert geometry.to_pixel("polygon", shape)["points"]["exterior"] == [[100, 80], [100, 80], [0, 0]]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("bitmap", {"bitmap": {"data": "x", "origin": [3, 4]}}),
        ("cuboid_2d", {"vertices": {"a": {"loc": [1, 2]}}}),
        ("cuboid", {"points": [[1, 2], [3, 4]], "faces": [[0, 1, 2, 3]]}),
        ("cuboid_3d", {"position": {"x": 1, "y": 2, "z": 3}, "rotation": {}, "dimensions": {}}),
        ("something", {"points": 5, "nodes": [], "parts": {}}),
    ],
)
def test_what_the_client_does_not_convert_stays(kind: str, shape: dict[str, Any]) -> None:
    assert geometry.to_subpixel(kind, shape) == shape
    assert geometry.to_pixel(kind, shape) == shape


def test_the_origin_of_a_mask_is_a_pixel() -> None:
    shape = {"bitmap": {"data": "x", "origin": [3.7, 4.2]}}
    assert geometry.to_pixel("bitmap", shape) == {"bitmap": {"data": "x", "origin": [3, 4]}}
    assert geometry.to_pixel("alpha_mask", {}) == {}


def test_of_a_label_only_its_geometry_is_kept() -> None:
    label = {"points": {}, "shape": "polygon", "geometryType": "polygon", "classId": 3, "labelerLogin": "a", "tags": []}
    assert geometry.keys_of(label) == {"points": {}}
    for key in ("bitmap", "nodes", "parts", "vertices", "position", "rotation", "dimensions", "indices", "angle"):
        assert geometry.keys_of({key: 1, "id": 2}) == {key: 1}


def test_areas_and_boxes() -> None:
    ring = [[0, 0], [10, 0], [10, 10], [0, 10]]
    hole = [[2, 2], [4, 2], [4, 4], [2, 4]]
    outline = {"exterior": ring, "interior": [hole]}
    assert geometry.area("polygon", {"points": outline}) == 96
    assert geometry.area("multipolygon", {"parts": [outline, {"exterior": hole}]}) == 100
    assert geometry.area("rectangle", {"points": {"exterior": [[1, 2], [4, 6]]}}) == 12
    assert geometry.area("point", {"points": {"exterior": [[1, 2]]}}) == 0
    assert geometry.area("cuboid_3d", {}) is None
    assert geometry.box({"nodes": {"a": {"loc": [5, 6]}, "b": {"loc": [1, 9]}}}) == (1, 6, 5, 9)
    assert geometry.box({"points": 5}) is None
    assert geometry.box({"position": {}}) is None


def test_the_box_of_a_mask_is_read_from_its_first_bytes() -> None:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (7).to_bytes(4, "big") + (5).to_bytes(4, "big") + b"rest" * 1000
    packed = base64.b64encode(zlib.compress(head)).decode()
    assert geometry.box({"bitmap": {"data": packed, "origin": [3, 4]}}) == (3, 4, 10, 9)
    assert geometry.area("bitmap", {"bitmap": {"data": packed, "origin": [3, 4]}}) == 35
    for broken in (
        "",
        "x",
        "====",
        base64.b64encode(b"abc").decode(),
        base64.b64encode(zlib.compress(b"GIF")).decode(),
    ):
        assert geometry.box({"bitmap": {"data": broken, "origin": [3, 4]}}) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_geometry_breaks_who_reads_it(value: Value) -> None:
    """What `check` lets through, every function takes."""
    kinds = ["rectangle", "polygon", "line", "point", "multipolygon", "bitmap", "graph", "oriented_bbox", "other"]
    for key in ("points", "parts", "bitmap", "nodes", "vertices"):
        for kind in kinds:
            shape = {key: value}
            try:
                geometry.check(kind, shape, "geometry")
            except errors.Invalid:
                continue
            geometry.to_pixel(kind, shape)
            geometry.to_subpixel(kind, shape)
            geometry.box(shape)
