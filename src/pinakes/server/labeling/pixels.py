"""How far two bitmaps cover the same pixels. Pure functions.

Pixels are a matter of memory and time: a bitmap is decoded once, kept with a bit for each pixel, and only as many of
them are looked at as one comparison of two annotations may cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pinakes.server.errors import Invalid
from pinakes.server.labeling import geometry, masks
from pinakes.server.labeling.label_types import Figure

# A bitmap of more pixels than this is not decoded.
MOST_PIXELS = 16_000_000
# So many pixels in all may be decoded and compared before what is left is no longer looked at.
MOST_IN_ALL = 200_000_000


@dataclass(frozen=True, slots=True)
class Raster:
    """A bitmap's pixels, eight to a byte along each row: where they begin, how many there are, how many are set."""

    left: int
    top: int
    width: int
    height: int
    bits: npt.NDArray[np.uint8]
    count: int

    def part(self, left: int, top: int, right: int, bottom: int) -> npt.NDArray[np.uint8]:
        """Return the pixels in a rectangle that lies within, as zeros and ones."""
        rows = self.bits[top - self.top : bottom - self.top]
        return np.unpackbits(rows, axis=1)[:, left - self.left : right - self.left]


class Pixels:
    """The bitmaps of some figures, each decoded when it is asked for the first time."""

    def __init__(self, most: int = MOST_IN_ALL) -> None:
        """Begin with none.

        Args:
            most: How many pixels may be decoded and compared in all.
        """
        self._left: int = most
        self._known: dict[int, tuple[Figure, Raster | None]] = {}

    def overlap(self, first: Figure, second: Figure) -> float | None:
        """Return how many pixels both bitmaps cover, over those that either covers.

        None where one of both is no bitmap, covers nothing, can't be decoded, or is more than is looked at.
        """
        one, other = self._of(first), self._of(second)
        if one is None or other is None:
            return None
        left, top = max(one.left, other.left), max(one.top, other.top)
        right = min(one.left + one.width, other.left + other.width)
        bottom = min(one.top + one.height, other.top + other.height)
        if right <= left or bottom <= top:
            return 0.0
        if not self._afforded((one.width + other.width) * (bottom - top)):
            return None
        around = (left, top, right, bottom)
        both = int(np.count_nonzero(one.part(*around) & other.part(*around)))
        return both / (one.count + other.count - both)

    def _of(self, figure: Figure) -> Raster | None:
        known = self._known.get(id(figure))
        if known is None:  # the figure is kept beside its raster, so that no other gets its place in memory
            known = self._known[id(figure)] = (figure, self._decoded(figure.geometry or {}))
        return known[1]

    def _decoded(self, shape: Mapping[str, Any]) -> Raster | None:
        bitmap, around = shape.get("bitmap"), geometry.box(shape)
        if not isinstance(bitmap, Mapping) or around is None:
            return None
        size = int((around[2] - around[0]) * (around[3] - around[1]))
        if size > MOST_PIXELS or not self._afforded(size):
            return None
        try:
            mask, left, top = masks.of_bitmap(bitmap)
        except Invalid:
            return None
        count = int(np.count_nonzero(mask))
        height, width = mask.shape
        return Raster(left, top, width, height, np.packbits(mask, axis=1), count) if count else None

    def _afforded(self, pixels: int) -> bool:
        """Take some pixels from those that may still be looked at; say whether there were as many."""
        if pixels > self._left:
            return False
        self._left -= pixels
        return True
