"""Masks of pixels in the three forms in which they travel: a bitmap of the labeling client, COCO's runs, and an array.

A bitmap is `{"origin": [x, y], "data": base64(zlib(PNG))}`, or without zlib: the smallest box around the mask, whose
pixels are set where the PNG's last band is not zero. COCO's runs count pixels column by column, unset ones first,
either as a list of numbers or as the text that the COCO tools write.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyvips

from pinakes.server.errors import Invalid
from pinakes.server.labeling import mask_data
from pinakes.server.labeling.mask_data import MOST_PIXELS

Mask: TypeAlias = npt.NDArray[np.bool_]

_SHORT = 0x20
_LONGEST = 60
_FIRST = 48


def of_bitmap(bitmap: Mapping[str, object], field: str = "bitmap") -> tuple[Mask, int, int]:
    """Return a bitmap's pixels and the column and row of its top left corner.

    Raises:
        Invalid: it is none, or larger than what is decoded.
    """
    origin, data = bitmap.get("origin"), bitmap.get("data")
    if not isinstance(origin, Sequence) or not isinstance(data, str):
        raise _bad(field, 'a bitmap has "origin": [x, y] and "data": base64 of a zipped PNG')
    pair = [value for value in cast("Sequence[object]", origin) if isinstance(value, int | float)]
    if len(pair) != 2:  # noqa: PLR2004 - x and y
        raise _bad(field, "origin must be [x, y]")
    try:
        png = mask_data.unpacked(data)
    except mask_data.NoMask as error:
        raise _bad(field, str(error)) from None
    return _decoded(png, field), int(pair[0]), int(pair[1])


def to_bitmap(mask: Mask, left: int = 0, top: int = 0) -> dict[str, object] | None:
    """Return a mask as a bitmap, cut to the box around what is set; None when nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    first_row, first_column = int(rows[0]), int(columns[0])
    cut = np.ascontiguousarray(mask[first_row : int(rows[-1]) + 1, first_column : int(columns[-1]) + 1])
    image = pyvips.Image.new_from_memory((cut * np.uint8(255)).tobytes(), cut.shape[1], cut.shape[0], 1, "uchar")
    png = image.write_to_buffer(".png", bitdepth=1)
    data = base64.b64encode(zlib.compress(png)).decode("ascii")
    return {"origin": [left + first_column, top + first_row], "data": data}


def to_runs(mask: Mask, left: int, top: int, width: int, height: int) -> dict[str, object]:
    """Return a mask that lies in an image of that size as COCO's runs: `{"size": [height, width], "counts": [...]}`."""
    whole = np.zeros((height, width), dtype=bool)
    from_row, from_column = max(-top, 0), max(-left, 0)
    part = mask[from_row : max(height - top, 0), from_column : max(width - left, 0)]
    whole[top + from_row : top + from_row + part.shape[0], left + from_column : left + from_column + part.shape[1]] = (
        part
    )
    flat = whole.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], changes, [flat.size]))
    counts = [int(count) for count in np.diff(edges)]
    return {"size": [height, width], "counts": [0, *counts] if flat.size and flat[0] else counts}


def of_runs(runs: Mapping[str, object], field: str = "segmentation") -> Mask:
    """Return the mask that COCO's runs mean, given as numbers or as the text of the COCO tools.

    Raises:
        Invalid: they are none, or do not add up to their size.
    """
    size, counts = runs.get("size"), runs.get("counts")
    if not isinstance(size, Sequence) or len(cast("Sequence[object]", size)) != 2:  # noqa: PLR2004 - height and width
        raise _bad(field, 'runs have "size": [height, width] and "counts"')
    height, width = (_whole(value, field) for value in cast("Sequence[object]", size))
    if height * width > MOST_PIXELS:
        raise _bad(field, f"a mask has at most {MOST_PIXELS:,} pixels")
    numbers = (
        _unpacked(counts, field) if isinstance(counts, str) else [_whole(each, field) for each in _list(counts, field)]
    )
    if sum(numbers) != height * width or any(number < 0 for number in numbers):
        raise _bad(field, f"the counts must add up to {height * width:,}, the pixels of {height} rows of {width}")
    values = np.zeros(len(numbers), dtype=bool)
    values[1::2] = True
    return np.repeat(values, numbers).reshape((height, width), order="F")


def _decoded(png: bytes, field: str) -> Mask:
    try:
        image = pyvips.Image.new_from_buffer(png, "", access="sequential")
        if image.width * image.height > MOST_PIXELS:
            raise _bad(field, f"a mask has at most {MOST_PIXELS:,} pixels")
        band = image.extract_band(image.bands - 1)
        return np.asarray(band.numpy()).reshape(image.height, image.width) != 0
    except pyvips.Error:
        raise _bad(field, "data must be base64 of a zipped PNG") from None


def _unpacked(text: str, field: str) -> list[int]:
    """Read the text of the COCO tools: five bits a letter, from the fourth number on differences."""
    numbers: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more and at < len(text):
            bits = ord(text[at]) - _FIRST
            value |= (bits & 0x1F) << shift
            more, shift, at = bool(bits & _SHORT), shift + 5, at + 1
            if not more and bits & 0x10:
                value |= -1 << shift
            if shift > _LONGEST:
                raise _bad(field, "its counts are not what the COCO tools write")
        numbers.append(value + numbers[-2] if len(numbers) > 2 else value)  # noqa: PLR2004 - from the third difference on
    return numbers


def _list(value: object, field: str) -> Iterable[object]:
    if not isinstance(value, list):
        raise _bad(field, "counts must be a list of numbers or a text")
    return cast("list[object]", value)


def _whole(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise _bad(field, "sizes and counts are whole numbers from 0 on")
    return value


def _bad(field: str, why: str) -> Invalid:
    message = f"This is no mask: {why}."
    return Invalid(message, field=field)
