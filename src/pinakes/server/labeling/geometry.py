"""Geometries: what is one, and the two systems of coordinates on images. Pure functions.

Geometries of images are kept in *subpixel* coordinates: the middle of the first pixel is 0.5, and a rectangle of one
pixel ends at 1. Some calls of the labeling client speak *pixels*, whole numbers that name pixels; `to_subpixel` and
`to_pixel` go from one to the other as that client does, so that what is in pixels comes back unchanged. On videos,
point clouds and volumes nothing is converted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from pinakes.server.errors import Invalid
from pinakes.server.labeling import mask_data

Json: TypeAlias = dict[str, Any]
Box: TypeAlias = tuple[float, float, float, float]
_Move: TypeAlias = Callable[[float, int], float]

# What of a label is its geometry: all else that a client sends along with it (class, author, times) is not.
GEOMETRY_KEYS = frozenset({
    "points", "parts", "bitmap", "nodes", "vertices", "faces", "angle", "position", "rotation", "dimensions", "indices",
    "mask_3d", "space_origin", "space", "space_directions", "multichannelBitmap", "data", "origin", "x", "y", "z",
    "template", "edges", "mesh", "face",
})  # fmt: skip

# Types whose geometry may be a file of its own, which comes later.
IN_FILES = frozenset({"alpha_mask", "bitmap", "mask_3d", "closed_surface_mesh", "mesh", "multipolygon", "point_cloud"})

# The types that there are, as the labeling client knows them; `any` is what no other of them is.
TYPES = (
    "any", "rectangle", "polygon", "line", "point", "bitmap", "alpha_mask", "multipolygon", "graph", "oriented_bbox",
    "cuboid", "cuboid_2d", "cuboid_3d", "multichannelBitmap", "point_cloud", "point_3d", "polyline_3d", "mask_3d",
    "closed_surface_mesh", "mesh",
)  # fmt: skip

LARGEST = 16 * 1024 * 1024
DEEPEST = 32
# No coordinate is further from zero, in pixels or in metres.
FARTHEST = 2**31 - 1

# How many points the outline of a type has at least, and whether it can have more.
_OUTLINES = {"rectangle": (2, False), "point": (1, False), "line": (2, True), "polygon": (3, True)}
# Types whose points lie in the middle of pixels; what else there is, the client does not convert either.
_MOVED = frozenset({"point", "line", "polygon", "multipolygon", "graph", "bitmap", "alpha_mask"})
# Where a corner of a rectangle lies this far inside a pixel, that pixel counts as covered.
_OVERLAP = 0.3


def keys_of(label: Mapping[str, Any]) -> Json:
    """Return what of a label is its geometry."""
    return {key: value for key, value in label.items() if key in GEOMETRY_KEYS}


def check(geometry_type: str, geometry: Mapping[str, Any] | None, field: str) -> None:
    """Refuse a geometry that would break whoever reads it.

    Raises:
        Invalid: it has not what its type has to have.
    """
    if geometry is None:
        if geometry_type not in IN_FILES:
            message = f"A {geometry_type} needs its geometry."
            raise Invalid(message, field=field)
    elif geometry_type in _OUTLINES:
        least, more = _OUTLINES[geometry_type]
        _check_outline(geometry.get("points"), f"{field}.points", least, more=more)
    elif geometry_type in _CHECKED:
        _CHECKED[geometry_type](geometry, field)


def to_subpixel(geometry_type: str, geometry: Mapping[str, Any]) -> Json:
    """Return a geometry of an image that was given in pixels; numbers that are no whole ones stay as they are."""
    if geometry_type in {"rectangle", "oriented_bbox"}:
        return _with_corners(geometry, _grown)
    if geometry_type not in _MOVED:
        return dict(geometry)
    return _moved(geometry, lambda value, _: value + 0.5 if _is_whole(value) else value)


def to_pixel(geometry_type: str, geometry: Mapping[str, Any], size: mask_data.Size | None = None) -> Json:
    """Return the pixels that a geometry of an image names.

    Args:
        geometry_type: Its type.
        geometry: It, as it is kept.
        size: The image's width and height: what lies on its far edge belongs to the last pixel.
    """
    if geometry_type in {"rectangle", "oriented_bbox"}:
        return _with_corners(geometry, _shrunk)
    if geometry_type not in _MOVED:
        return dict(geometry)
    edges = size or (-1, -1)
    moved = _moved(geometry, lambda value, axis: math.floor(value) - (value == edges[axis]))
    bitmap = moved.get("bitmap")
    if isinstance(bitmap, dict) and "origin" in bitmap:
        moved["bitmap"] = {**bitmap, "origin": [math.floor(value) for value in bitmap["origin"]]}
    return moved


def box(geometry: Mapping[str, Any]) -> Box | None:
    """Return the rectangle around a geometry in a plane: left, top, right, bottom; None where it has none."""
    bitmap = geometry.get("bitmap")
    if isinstance(bitmap, Mapping):
        return _box_of_bitmap(bitmap)
    try:
        points = [(float(point[0]), float(point[1])) for point in points_of(geometry)]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def area(geometry_type: str, geometry: Mapping[str, Any]) -> float | None:
    """Return how large a geometry is in square pixels, as far as its outline says it; else None."""
    if geometry_type in {"rectangle", "bitmap", "alpha_mask"}:
        around = box(geometry)
        return None if around is None else (around[2] - around[0]) * (around[3] - around[1])
    if geometry_type == "polygon":
        return _area_of(geometry.get("points"))
    if geometry_type == "multipolygon":
        return sum(_area_of(part) for part in geometry.get("parts", ()))
    return 0.0 if geometry_type in {"point", "line"} else None


def points_of(geometry: Mapping[str, Any]) -> Iterable[Sequence[float]]:
    """Go through the points of a geometry in a plane: of its outlines, its nodes or its corners."""
    points = geometry.get("points")
    if isinstance(points, Mapping):
        yield from points.get("exterior", ())
    elif isinstance(points, list):
        yield from points
    for part in geometry.get("parts", ()):
        yield from part["exterior"]
    for key in ("nodes", "vertices"):
        for node in (geometry.get(key) or {}).values():
            yield node["loc"]


# ----------------------------------------------------------------------------------------------------------------------
# From one system to the other
# ----------------------------------------------------------------------------------------------------------------------


def _moved(geometry: Mapping[str, Any], move: _Move) -> Json:
    """Move each point of an outline, of parts and of nodes; all else stays."""
    moved = dict(geometry)
    if isinstance(points := geometry.get("points"), Mapping):
        moved["points"] = _moved_outline(points, move)
    if isinstance(parts := geometry.get("parts"), list):
        moved["parts"] = [_moved_outline(part, move) for part in parts]
    if isinstance(nodes := geometry.get("nodes"), Mapping):
        moved["nodes"] = {key: {**node, "loc": _moved_point(node["loc"], move)} for key, node in nodes.items()}
    return moved


def _moved_outline(outline: Mapping[str, Any], move: _Move) -> Json:
    moved = dict(outline)
    moved["exterior"] = [_moved_point(point, move) for point in outline.get("exterior", ())]
    if "interior" in outline:
        moved["interior"] = [[_moved_point(point, move) for point in hole] for hole in outline["interior"] or ()]
    return moved


def _moved_point(point: Sequence[float], move: _Move) -> list[float]:
    return [move(point[0], 0), move(point[1], 1), *point[2:]]


def _with_corners(geometry: Mapping[str, Any], change: Callable[[Box], list[list[float]]]) -> Json:
    """Change the two corners of a rectangle, which are its points or their outline."""
    points = geometry["points"]
    corners = points["exterior"] if isinstance(points, Mapping) else points
    (x, y), (x2, y2) = corners[0][:2], corners[1][:2]
    changed = change((min(x, x2), min(y, y2), max(x, x2), max(y, y2)))
    return {**geometry, "points": {**points, "exterior": changed} if isinstance(points, Mapping) else changed}


def _grown(corners: Box) -> list[list[float]]:
    left, top, right, bottom = corners
    return [[left, top], [right + 1, bottom + 1]]


def _shrunk(corners: Box) -> list[list[float]]:
    """Return the first and the last pixel that a rectangle covers, as the labeling client rounds them."""
    left, top, right, bottom = corners
    if int(left) == int(right) and int(top) == int(bottom):
        left, top, right, bottom = int(left), int(top), int(right), int(bottom)
    else:
        left, top = _rounded(left, 1 - _OVERLAP), _rounded(top, 1 - _OVERLAP)
        right, bottom = _rounded(right, _OVERLAP), _rounded(bottom, _OVERLAP)
    return [[left, top], [max(left, right - 1), max(top, bottom - 1)]]


def _rounded(value: float, up_from: float) -> int:
    return math.ceil(value) if value % 1 >= up_from else math.floor(value)


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or value.is_integer()


# ----------------------------------------------------------------------------------------------------------------------
# What has to be there
# ----------------------------------------------------------------------------------------------------------------------


def _check_parts(geometry: Mapping[str, Any], field: str) -> None:
    for part in _list(geometry.get("parts"), f"{field}.parts"):
        _check_outline(part, f"{field}.parts", 3, more=True)


def _check_outline(outline: object, field: str, least: int, *, more: bool) -> None:
    if not isinstance(outline, Mapping):
        message = 'An outline is {"exterior": [[x, y], …], "interior": [[[x, y], …], …]}.'
        raise Invalid(message, field=field)
    exterior = _list(outline.get("exterior"), f"{field}.exterior")
    if len(exterior) < least or (len(exterior) > least and not more):
        message = f"It takes {'at least ' * more}{least} point{'s' * (least > 1)}, not {len(exterior)}."
        raise Invalid(message, field=f"{field}.exterior")
    _check_points(exterior, f"{field}.exterior")
    for hole in _list(outline.get("interior", []), f"{field}.interior"):
        _check_points(_list(hole, f"{field}.interior"), f"{field}.interior")


def _check_points(points: Sequence[object], field: str) -> None:
    for point in points:
        _check_point(point, field)


def _check_point(point: object, field: str) -> None:
    if not isinstance(point, list) or len(point) != 2 or not all(_is_number(value) for value in point):  # noqa: PLR2004 - x and y
        message = f"A point is a pair of numbers, [x, y], none beyond {FARTHEST}."
        raise Invalid(message, field=field)


def _check_corners(geometry: Mapping[str, Any], field: str) -> None:
    _check_points(_list(geometry.get("points"), f"{field}.points"), f"{field}.points")


def _check_box(geometry: Mapping[str, Any], field: str) -> None:
    _check_corners(geometry, field)
    if len(geometry["points"]) != 2 or not _is_number(geometry.get("angle", 0)):  # noqa: PLR2004 - two corners
        message = 'It is {"points": [[x, y], [x, y]], "angle": 0.5}.'
        raise Invalid(message, field=field)


def _check_bitmap(geometry: Mapping[str, Any], field: str) -> None:
    bitmap, field = geometry.get("bitmap"), f"{field}.bitmap"
    if not geometry:
        return
    if not isinstance(bitmap, Mapping) or not isinstance(bitmap.get("data"), str):
        message = 'A bitmap is {"data": "…", "origin": [x, y]}.'
        raise Invalid(message, field=field)
    _check_point(bitmap.get("origin"), f"{field}.origin")
    mask_data.check(bitmap["data"], f"{field}.data")


def _check_graph(geometry: Mapping[str, Any], field: str) -> None:
    _check_nodes(geometry.get("nodes"), f"{field}.nodes")


def _check_vertices(geometry: Mapping[str, Any], field: str) -> None:
    _check_nodes(geometry.get("vertices"), f"{field}.vertices")


def _check_nodes(nodes: object, field: str) -> None:
    if not isinstance(nodes, Mapping) or not nodes:
        message = 'Nodes are {"name": {"loc": [x, y]}, …}, at least one.'
        raise Invalid(message, field=field)
    for node in nodes.values():
        _check_point(node.get("loc") if isinstance(node, Mapping) else None, field)


def _check_cuboid(geometry: Mapping[str, Any], field: str) -> None:
    for key in ("position", "rotation", "dimensions"):
        _check_vector(geometry.get(key), f"{field}.{key}")


def _check_vector(vector: object, field: str) -> None:
    if not isinstance(vector, Mapping) or not all(_is_number(vector.get(axis)) for axis in "xyz"):
        message = f'A vector is {{"x": 0, "y": 0, "z": 0}}, with no number beyond {FARTHEST}.'
        raise Invalid(message, field=field)


def _list(value: object, field: str) -> list[Any]:
    if not isinstance(value, list):
        message = "It has to be a list."
        raise Invalid(message, field=field)
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -FARTHEST <= value <= FARTHEST


_CHECKED: dict[str, Callable[[Mapping[str, Any], str], None]] = {
    "multipolygon": _check_parts,
    "bitmap": _check_bitmap,
    "alpha_mask": _check_bitmap,
    "graph": _check_graph,
    "cuboid_2d": _check_vertices,
    "oriented_bbox": _check_box,
    "cuboid": _check_corners,
    "cuboid_3d": _check_cuboid,
}


# ----------------------------------------------------------------------------------------------------------------------
# Measures
# ----------------------------------------------------------------------------------------------------------------------


def _area_of(outline: object) -> float:
    if not isinstance(outline, Mapping):
        return 0.0
    holes = sum(_ring_area(ring) for ring in outline.get("interior") or ())
    return max(0.0, _ring_area(outline.get("exterior", ())) - holes)


def _ring_area(ring: Sequence[Sequence[float]]) -> float:
    """Return the area inside a ring of points, by the shoelace formula."""
    total = 0.0
    for at, (x, y, *_) in enumerate(ring):
        before = ring[at - 1]
        total += before[0] * y - x * before[1]
    return abs(total) / 2


def _box_of_bitmap(bitmap: Mapping[str, Any]) -> Box | None:
    """Return where a bitmap lies: its size is in the first bytes of the PNG that it is."""
    try:
        size = mask_data.size_of(bitmap["data"])
        left, top = bitmap["origin"]
        return None if size is None else (left, top, left + size[0], top + size[1])
    except (KeyError, TypeError, ValueError):
        return None
