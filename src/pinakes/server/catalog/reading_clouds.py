"""Reading point clouds: what the headers of PCD and LAS files say, where their points lie, and how that looks."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, Literal

from pinakes.server.catalog.media_sniffing import Unreadable
from pinakes.server.catalog.reading_images import THUMBNAIL_SIDE, thumbnail_of_pixels

MOST_POINTS = 2_000_000_000
# Clouds whose points take more are known by their headers only.
MEASURED_BYTES = 256 * 1024 * 1024
# Of larger clouds that can be read in pieces, so many points are in the picture, in pieces from all over the file.
SHOWN_POINTS = 1_000_000
_PIECES = 50
# What lies further out than nearly all points is not in the picture: it would be a dot in the dark.
_SHARE = (0.5, 99.5)
_ENDS: tuple[Literal["lower"], Literal["higher"]] = ("lower", "higher")
# The colours of what is low, in between, and high; and of what is empty.
_COLOURS = ((40, 70, 190), (60, 190, 130), (250, 230, 80))
_EMPTY = (16, 16, 24)
_LONGEST_HEADER = 64 * 1024
# Of a LAS file's header: its size, where the points begin, and how many records are before them; the least of each.
_LAS_HEAD = struct.Struct("<94sHII")
_LAS_RECORD = 54
_LENGTHS = struct.Struct("<II")
_BROKEN = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError)


def read_cloud(path: Path, mime: str) -> dict[str, object]:
    """Return what a point cloud is: how many points, with which fields, within which bounds.

    Raises:
        Unreadable: it is broken, breaks off, or is too large.
    """
    facts = _read_pcd(path) if mime == "application/x-pcd" else _read_las(path)
    if int(str(facts["points"])) > MOST_POINTS:
        message = f"It has {facts['points']} points; at most {MOST_POINTS} are taken."
        raise Unreadable(message)
    return facts


def seen_from_above(path: Path, mime: str) -> bytes:
    """Return a picture of a point cloud as it is seen from above, coloured by height, as WebP.

    Raises:
        Unreadable: it is broken, too large, or has no points to see.
    """
    import numpy as np

    points = _pcd_points(path) if mime == "application/x-pcd" else _las_points(path)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        message = "There are no points to see."
        raise Unreadable(message)
    low, high = (np.percentile(points, share, axis=0, method=end) for share, end in zip(_SHARE, _ENDS, strict=True))
    points = points[((points >= low) & (points <= high))[:, :2].all(axis=1)]
    step = max(*(high - low)[:2], 1e-9) / (THUMBNAIL_SIDE - 1)
    columns, rows = ((points[:, :2] - low[:2]) / step).astype(int).T
    heights = np.full((rows.max(initial=0) + 1, columns.max(initial=0) + 1), -np.inf)
    np.maximum.at(heights, (heights.shape[0] - 1 - rows, columns), points[:, 2])
    shares = np.clip((heights - low[2]) / max(high[2] - low[2], 1e-9), 0, 1)
    layers = [np.interp(shares, (0, 0.5, 1), shades) for shades in zip(*_COLOURS, strict=True)]
    pixels = np.where(np.isfinite(heights)[..., None], np.stack(layers, axis=-1), _EMPTY)
    return thumbnail_of_pixels(np.ascontiguousarray(pixels.astype(np.uint8)), 0)


def _pcd_points(path: Path) -> Any:  # noqa: ANN401 - an array of n x 3 numbers
    from pypcd4.pypcd4 import PointCloud

    header, _ = _pcd_header(path)
    row = sum(size * count for size, count in zip(header.size, header.count, strict=True))
    if max(header.points * row, path.stat().st_size) > MEASURED_BYTES or not {"x", "y", "z"} <= set(header.fields):
        message = "This point cloud is too large for a picture, or its points are nowhere."
        raise Unreadable(message)
    try:
        points = PointCloud.from_path(str(path)).numpy(("x", "y", "z"))
    except _BROKEN as error:
        message = "The points of this PCD file can't be read."
        raise Unreadable(message) from error
    return points[:: 1 + len(points) // SHOWN_POINTS].astype(float)


def _las_points(path: Path) -> Any:  # noqa: ANN401 - an array of n x 3 numbers
    import laspy
    import numpy as np
    from laspy.errors import LaspyException

    opened: Any = laspy.open
    _check_las(path)
    try:
        with opened(str(path), read_evlrs=False) as file:
            count = int(file.header.point_count)
            size, starts = (count, [0]) if count <= SHOWN_POINTS else (SHOWN_POINTS // _PIECES, range(_PIECES))
            found = [np.empty((0, 3))]
            for number in starts:
                file.seek(number * (count // _PIECES))
                piece = file.read_points(size)
                found.append(np.column_stack([np.asarray(axis, dtype=float) for axis in (piece.x, piece.y, piece.z)]))
            return np.concatenate(found)
    except (LaspyException, *_BROKEN) as error:
        message = "The LAS file is broken or breaks off."
        raise Unreadable(message) from error


def _read_pcd(path: Path) -> dict[str, object]:
    header, start = _pcd_header(path)
    row = sum(size * count for size, count in zip(header.size, header.count, strict=True))
    encoding = str(header.data.value)
    size = path.stat().st_size
    _check_pcd(path, encoding, header.points * row, start, size)
    fields = ["_" if name.startswith("#$%&~~") else name for name in header.fields]
    facts: dict[str, object] = {"points": header.points, "fields": fields, "encoding": encoding}
    if 0 < header.points * row <= MEASURED_BYTES and size <= MEASURED_BYTES and {"x", "y", "z"} <= set(fields):
        facts |= _bounds_of_pcd(path)
    return facts


def _pcd_header(path: Path) -> tuple[Any, int]:
    """Return a PCD file's header, and where its points begin."""
    from pypcd4.pypcd4 import MetaData

    lines: list[str] = []
    read = 0
    with path.open("rb") as file:
        while read < _LONGEST_HEADER:
            line = file.readline(_LONGEST_HEADER)
            read += len(line)
            text = line.decode("ascii", errors="replace").strip()
            lines.append(text)
            if not line or text.upper().startswith("DATA"):
                break
    try:
        return MetaData.parse_header(lines), read
    except _BROKEN as error:
        message = "The header of this PCD file is broken or not complete."
        raise Unreadable(message) from error


def _check_pcd(path: Path, encoding: str, expected: int, start: int, size: int) -> None:
    """Refuse a file whose points are not all there, or that would unfold to something else than its header says."""
    there = size - start
    if encoding == "binary_compressed":
        with path.open("rb") as file:
            file.seek(start)
            lengths = file.read(_LENGTHS.size)
        packed, unpacked = _LENGTHS.unpack(lengths) if len(lengths) == _LENGTHS.size else (0, -1)
        whole = unpacked == expected and there >= packed + _LENGTHS.size
    else:
        whole = there >= expected if encoding == "binary" else there >= 0
    if not whole:
        message = "The point cloud breaks off, or has another number of points than its header says."
        raise Unreadable(message)


def _bounds_of_pcd(path: Path) -> dict[str, object]:
    from pypcd4.pypcd4 import PointCloud

    try:
        cloud = PointCloud.from_path(str(path))
        points = cloud.numpy(("x", "y", "z"))
    except _BROKEN as error:
        message = "The points of this PCD file can't be read."
        raise Unreadable(message) from error
    if len(points) != cloud.metadata.points:
        message = f"The point cloud breaks off: {len(points)} of {cloud.metadata.points} points are there."
        raise Unreadable(message)
    import numpy as np

    known = points[np.isfinite(points).all(axis=1)]
    return _bounds(known.min(axis=0).tolist(), known.max(axis=0).tolist()) if len(known) else {}


def _bounds(low: list[float], high: list[float]) -> dict[str, object]:
    if not all(math.isfinite(value) for value in (*low, *high)):
        return {}
    return {"bounds": {"min": [float(value) for value in low], "max": [float(value) for value in high]}}


def _check_las(path: Path) -> None:
    """Refuse a LAS file whose header says that it has more records than fit: its reader would go on for ever."""
    with path.open("rb") as file:
        head = file.read(_LAS_HEAD.size)
    if len(head) == _LAS_HEAD.size:
        header_size, points_at, records = _LAS_HEAD.unpack(head)[-3:]
        if header_size + records * _LAS_RECORD <= points_at <= path.stat().st_size:
            return
    message = "The LAS file is broken or breaks off."
    raise Unreadable(message)


def _read_las(path: Path) -> dict[str, object]:
    import laspy
    from laspy.errors import LaspyException

    opened: Any = laspy.open
    _check_las(path)
    try:
        with opened(str(path), read_evlrs=False) as file:
            header = file.header
            packed = bool(header.are_points_compressed)
            expected = header.offset_to_point_data + header.point_count * header.point_format.size
            if not packed and path.stat().st_size < expected:
                message = "The point cloud breaks off."
                raise Unreadable(message)
            if packed and header.point_count and not len(file.read_points(1)):
                message = "The point cloud breaks off."
                raise Unreadable(message)
            return {
                "points": int(header.point_count),
                "fields": list(header.point_format.dimension_names),
                "encoding": "laz" if packed else "las",
                "version": f"{header.version.major}.{header.version.minor}",
                **_bounds(header.mins.tolist(), header.maxs.tolist()),
            }
    except (LaspyException, *_BROKEN) as error:
        message = "The LAS file is broken or breaks off."
        raise Unreadable(message) from error
