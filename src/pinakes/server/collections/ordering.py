"""Order keys: byte strings that sort a list, so that moving a row never touches its neighbours.

A key is six bytes, a big-endian number that starts in the middle of its range and, where rows were put between two
others, further bytes as its fraction (never ending in zero, so that two keys are equal only at the same place).
Appending and prepending count the number up and down and never lengthen a key; putting rows between two others takes
the middle, which costs a byte for every eight rows put at the very same spot. PostgreSQL compares bytea byte by byte,
as Python compares bytes.
"""

from __future__ import annotations

WHOLE = 6
FIRST = 1 << (8 * WHOLE - 1)
# A btree row holds 2,700 bytes; long before that, the rows around are given fresh keys.
LONGEST = 250
# What counts as a short key: the rows between two of them are those that get fresh ones.
SHORT = 16


def after(last: bytes | None, count: int = 1) -> list[bytes]:
    """Return keys for `count` rows behind the last one (None: into an empty list)."""
    start = int.from_bytes(last[:WHOLE]) + 1 if last else FIRST
    return [number.to_bytes(WHOLE) for number in range(start, start + count)]


def before(first: bytes, count: int = 1) -> list[bytes]:
    """Return keys for `count` rows ahead of the first one."""
    start = int.from_bytes(first[:WHOLE]) - count
    return [number.to_bytes(WHOLE) for number in range(start, start + count)]


def between(low: bytes | None, high: bytes | None, count: int = 1) -> list[bytes]:
    """Return keys for `count` rows between two neighbours; None stands for the end of the list on that side."""
    if high is None:
        return after(low, count)
    if low is None:
        return before(high, count)
    width = max(len(low), len(high), WHOLE + 1)
    while True:
        bottom = int.from_bytes(low.ljust(width, b"\0"))
        top = int.from_bytes(high.ljust(width, b"\0"))
        if top - bottom > count:
            numbers = (bottom + (top - bottom) * at // (count + 1) for at in range(1, count + 1))
            return [_trimmed(number.to_bytes(width)) for number in numbers]
        width += 1


def _trimmed(key: bytes) -> bytes:
    return key[:WHOLE] + key[WHOLE:].rstrip(b"\0")
