"""Reading volumes: what the headers of NRRD files say, whether their voxels are there, and how they look."""

from __future__ import annotations

import bz2
import gzip
import io
import math
import zlib
from pathlib import Path
from typing import IO, Any

from pinakes.server.catalog.media_sniffing import Unreadable
from pinakes.server.catalog.reading_images import THUMBNAIL_SIDE, thumbnail_of_pixels

MOST_VOXELS = 20_000_000_000
# The packed voxels of smaller ones are counted, up to as many as the header says.
UNPACKED_BYTES = 1024**3
# Of slices that are larger there is no picture; nor of what comes so far behind in packed voxels.
_LARGEST_SLICE = 64 * 1024 * 1024
_MOST_CHANNELS = 4
# What is darker or brighter than nearly all of a slice is black or white.
_SHARE = (1, 99)
_PIECE = 1024 * 1024
_LONGEST_HEADER = 1024 * 1024
_DIMENSIONS = range(1, 17)
_BROKEN = (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, TypeError, ValueError)

_BYTES = {
    1: ("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"),
    2: ("short", "short int", "signed short", "signed short int", "int16", "int16_t", "ushort", "unsigned short",
        "unsigned short int", "uint16", "uint16_t"),
    4: ("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"),
    8: ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t",
        "ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t", "double"),
}  # fmt: skip
_SIZES = {name: size for size, names in _BYTES.items() for name in names}


def read_volume(path: Path) -> dict[str, object]:
    """Return what a volume is: its sizes, the type of its voxels, and how it lies in space.

    Raises:
        Unreadable: it is broken, breaks off, is too large, or its voxels are in another file.
    """
    import nrrd
    from nrrd.errors import NRRDError

    try:
        with path.open("rb") as file:
            header = nrrd.read_header(_header_of(file))
            facts = _facts(header)
            _check_voxels(file, header, facts, path.stat().st_size)
    except (NRRDError, *_BROKEN) as error:
        message = "The NRRD file is broken or breaks off."
        raise Unreadable(message) from error
    return facts


def middle_slice(path: Path) -> bytes:
    """Return a picture of the slice in the middle of a volume's third axis, grey, in the proportions of space, as WebP.

    Raises:
        Unreadable: it is broken, too large, or its voxels are in no order that we read.
    """
    import nrrd
    import numpy as np
    from nrrd.errors import NRRDError

    try:
        with path.open("rb") as file:
            header = nrrd.read_header(_header_of(file))
            voxels = _slice(file, header).astype(float)
        steps = _steps(header, int(header["dimension"]) - len(_space(header)))
    except (NRRDError, zlib.error, *_BROKEN) as error:
        message = "There is no picture of this volume: it is broken, breaks off, or is of a rare form."
        raise Unreadable(message) from error
    spans = [count * step for count, step in zip(voxels.shape, reversed(steps), strict=True)]
    rows, columns = (
        np.linspace(0, count - 1, max(1, round(THUMBNAIL_SIDE * span / max(spans)))).round().astype(int)
        for count, span in zip(voxels.shape, spans, strict=True)
    )
    known = voxels[np.isfinite(voxels)]
    low, high = np.percentile(known, _SHARE) if known.size else (0.0, 0.0)
    shades = np.clip((np.nan_to_num(voxels[np.ix_(rows, columns)], nan=low) - low) / max(high - low, 1e-9), 0, 1)
    return thumbnail_of_pixels(np.repeat((shades * 255).astype(np.uint8)[..., None], 3, axis=-1), 0)


def _space(header: dict[str, Any]) -> list[int]:
    """Return the sizes of a volume's axes in space: an axis of a few values before three others is that of channels."""
    sizes = [int(size) for size in header["sizes"]]
    return sizes[1:] if len(sizes) > 3 and sizes[0] <= _MOST_CHANNELS else sizes  # noqa: PLR2004 - as space has


def _slice(file: IO[bytes], header: dict[str, Any]) -> Any:  # noqa: ANN401 - an array of height x width
    """Read the middle slice, of the first channel, and of no voxels before it more than have to be unpacked."""
    import numpy as np

    name, space = str(header["type"]), _space(header)
    channels = math.prod(int(size) for size in header["sizes"]) // math.prod(space)
    width, height, depth = (*space, 1, 1)[:3]
    letter = "f" if name in {"float", "double"} else "u" if name.startswith("u") else "i"
    kind = np.dtype(f"{'>' if header.get('endian') == 'big' else '<'}{letter}{_SIZES[name]}")
    count = channels * width * height * kind.itemsize
    return np.frombuffer(_part(file, header, depth // 2 * count, count), kind).reshape(height, width, channels)[..., 0]


def _part(file: IO[bytes], header: dict[str, Any], start: int, count: int) -> bytes:
    encoding = str(header.get("encoding", "raw")).lower()
    opened: Any = {"gzip": gzip.GzipFile, "gz": gzip.GzipFile, "bzip2": bz2.BZ2File, "bz2": bz2.BZ2File}.get(encoding)
    far = opened is not None and start + count > UNPACKED_BYTES
    if "line skip" in header or "byte skip" in header or far or count > _LARGEST_SLICE:
        message = "There is no picture of this volume: it is too large, or of a rare form."
        raise Unreadable(message)
    if opened is None and encoding != "raw":
        message = f"There are no pictures of volumes in {encoding[:20]}."
        raise Unreadable(message)
    voxels = file if opened is None else opened(**{"fileobj" if opened is gzip.GzipFile else "filename": file})
    voxels.seek(start, io.SEEK_CUR)
    found = voxels.read(count)
    if len(found) < count:
        message = "The volume breaks off."
        raise Unreadable(message)
    return found


def _steps(header: dict[str, Any], first: int) -> tuple[float, float]:
    """Return how far it is from voxel to voxel along the first two axes in space; 1 where nothing says it."""
    directions, spacings = header.get("space directions"), header.get("spacings")
    steps = [1.0, 1.0]
    for place in range(2):
        step = math.nan
        if directions is not None and len(directions) > first + place and directions[first + place] is not None:
            step = math.hypot(*(float(part) for part in directions[first + place]))
        elif spacings is not None and len(spacings) > first + place:
            step = abs(float(spacings[first + place]))
        if math.isfinite(step) and step > 0:
            steps[place] = step
    return steps[0], steps[1]


def _header_of(file: IO[bytes]) -> IO[bytes]:
    """Return the header of a file, which ends with an empty line, and go to what comes behind it."""
    head = file.read(_LONGEST_HEADER)
    ends = [at + len(blank) for blank in (b"\n\n", b"\n\r\n") if (at := head.find(blank)) >= 0]
    if not ends and len(head) < _LONGEST_HEADER:
        ends = [len(head)]
    if not ends:
        message = "The header of this NRRD file does not end."
        raise Unreadable(message)
    file.seek(min(ends))
    return io.BytesIO(head[: min(ends)])


def _facts(header: dict[str, Any]) -> dict[str, object]:
    if "data file" in header or "datafile" in header:
        message = "The voxels of this NRRD file are in another file; send them in one."
        raise Unreadable(message)
    sizes = [int(size) for size in header["sizes"]]
    if len(sizes) not in _DIMENSIONS or min(sizes) < 1 or math.prod(sizes) > MOST_VOXELS:
        message = f"Its header says {' x '.join(map(str, sizes[:16]))} voxels; at most {MOST_VOXELS} are taken."
        raise Unreadable(message)
    facts: dict[str, object] = {
        "sizes": sizes,
        "dimension": len(sizes),
        "type": str(header["type"]),
        "encoding": str(header.get("encoding", "raw")),
    }
    for key in ("space", "spacings", "space directions", "space origin"):
        if key in header:
            facts[key.replace(" ", "_")] = _plain(header[key])
    return facts


def _plain(value: Any) -> object:  # noqa: ANN401 - an array, a number or a word of the header
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _check_voxels(file: IO[bytes], header: dict[str, Any], facts: dict[str, object], size: int) -> None:
    """Refuse a file that has fewer voxels than its header says."""
    bytes_each = _SIZES.get(str(header["type"]))
    encoding = str(facts["encoding"]).lower()
    if bytes_each is None or "line skip" in header or "byte skip" in header:
        return
    expected = math.prod(int(one) for one in header["sizes"]) * bytes_each
    if encoding == "raw":
        there = size - file.tell()
    elif encoding in {"ascii", "text", "txt"}:
        expected //= bytes_each
        there = sum(len(line.split()) for line in iter(lambda: file.readline(_PIECE), b""))
    elif encoding in {"gzip", "gz", "bzip2", "bz2"} and expected <= UNPACKED_BYTES:
        there = _unpacked(file, encoding, expected)
    else:
        return
    if there < expected:
        message = f"The volume breaks off: {there} of {expected} are there."
        raise Unreadable(message)


def _unpacked(file: IO[bytes], encoding: str, most: int) -> int:
    """Count what packed voxels unfold to, no further than to `most`; never much of it is in memory."""
    unpacker: Any = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding.startswith("g") else bz2.BZ2Decompressor()
    there = 0
    while there < most and (piece := file.read(_PIECE)):
        there += _unfold(unpacker, piece, most - there)
        if getattr(unpacker, "eof", False):
            break
    return there


def _unfold(unpacker: Any, piece: bytes, most: int) -> int:  # noqa: ANN401 - of zlib or bz2
    try:
        found = len(unpacker.decompress(piece, min(most, _PIECE)))
        counted = found
        while found and counted < most and not unpacker.eof:
            left = getattr(unpacker, "unconsumed_tail", b"")
            found = len(unpacker.decompress(left, min(most - counted, _PIECE)))
            counted += found
    except (zlib.error, OSError, EOFError) as error:
        message = "The voxels can't be unpacked."
        raise Unreadable(message) from error
    return counted
