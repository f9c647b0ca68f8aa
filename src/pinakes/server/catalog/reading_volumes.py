"""Reading volumes: what the headers of NRRD files say, and whether their voxels are there."""

from __future__ import annotations

import bz2
import io
import math
import zlib
from pathlib import Path
from typing import IO, Any

from pinakes.server.catalog.media_sniffing import Unreadable

MOST_VOXELS = 20_000_000_000
# The packed voxels of smaller ones are counted, up to as many as the header says.
UNPACKED_BYTES = 1024**3
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
