"""The data of a bitmap, as it travels: base64 of a PNG, which is zipped once more or not. Pure functions.

A mask is looked at when it is saved: unpacked within bounds and read as far as its parts and their checksums go, which
costs little. Its pixels are decoded by those who need them (`masks`).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TypeAlias

from pinakes.server.errors import Invalid

Size: TypeAlias = tuple[int, int]

_NO_PNG = "data must be base64 of a zipped PNG"
_CUT_OFF = "data is cut off, or unpacks to more than a PNG could be"
_DAMAGED = "its PNG is damaged"

# The largest mask that is decoded; the header of the PNG says how large it is.
MOST_PIXELS = 200_000_000
# A PNG is packed already: zipping it once more makes it so many times smaller at most, where it is more than a little.
_LITTLE, _TIMES = 256 * 1024, 16
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = 24
# A part of a PNG: four bytes that say how long it is, four of its name, its content, four of a checksum.
_AROUND = 12
_FIRST, _LAST = b"IHDR", b"IEND"
_NEEDED = b"IDAT"


class NoMask(ValueError):
    """It is no mask that anybody could read; its text says why."""


def unpacked(data: str) -> bytes:
    """Return the PNG of a bitmap's data.

    Raises:
        NoMask: it is no base64, nothing zipped, no PNG, or unpacks to far more than a PNG could.
    """
    try:
        packed = base64.b64decode(data, validate=False)
        if packed.startswith(_SIGNATURE):
            return packed
        unpacker = zlib.decompressobj()
        png = unpacker.decompress(packed, _HEAD)
        if png.startswith(_SIGNATURE):
            png += unpacker.decompress(unpacker.unconsumed_tail, _LITTLE + _TIMES * len(packed))
    except (binascii.Error, zlib.error, ValueError):
        raise NoMask(_NO_PNG) from None
    if not png.startswith(_SIGNATURE):
        raise NoMask(_NO_PNG)
    if not unpacker.eof:
        raise NoMask(_CUT_OFF)
    return png


def _size(png: bytes) -> Size | None:
    """Return the width and height that the first bytes of a PNG tell; None where they tell none."""
    if len(png) < _HEAD or not png.startswith(_SIGNATURE):
        return None
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def size_of(data: str) -> Size | None:
    """Return the width and height of a bitmap from the first bytes of its data; None where they tell none."""
    try:
        packed = base64.b64decode(data[:400], validate=False)
        head = packed if packed.startswith(_SIGNATURE) else zlib.decompressobj().decompress(packed, _HEAD)
    except (binascii.Error, zlib.error, ValueError):
        return None
    return _size(head)


def check(data: str, field: str) -> None:
    """Refuse data that no reader could make a mask of: what is said of it in `unpacked`, and damaged PNGs.

    Raises:
        Invalid: why it is none.
    """
    try:
        _check_parts(unpacked(data))
    except NoMask as error:
        message = f"This is no mask: {error}."
        raise Invalid(message, field=field) from None


def _check_parts(png: bytes) -> None:
    """Go through the parts of a PNG by their lengths and checksums."""
    width, height = _size(png) or (0, 0)
    if not width or not height or width * height > MOST_PIXELS:
        message = f"a mask has 1 to {MOST_PIXELS:,} pixels, not {width:,} times {height:,}"
        raise NoMask(message)
    view, at, names = memoryview(png), len(_SIGNATURE), list[bytes]()
    while at + _AROUND <= len(png) and names[-1:] != [_LAST]:
        end = at + _AROUND + int.from_bytes(view[at : at + 4], "big")
        if end > len(png) or zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            break
        names.append(bytes(view[at + 4 : at + 8]))
        at = end
    if names[:1] != [_FIRST] or names[-1:] != [_LAST] or _NEEDED not in names:
        raise NoMask(_DAMAGED)
