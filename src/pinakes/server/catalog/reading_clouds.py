"""Reading point clouds: what the headers of PCD and LAS files say, and where their points lie."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

from pinakes.server.catalog.media_sniffing import Unreadable

MOST_POINTS = 2_000_000_000
# Clouds whose points take more are known by their headers only.
MEASURED_BYTES = 256 * 1024 * 1024
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
