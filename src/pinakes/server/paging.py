"""Pages by keyset: a cursor holds the sort values of the last row that was shown, and the next page begins after them.

Rows that come or go while somebody reads therefore never make a page repeat or skip one. Every order that is paged must
be total, which is why the last value of a cursor is nearly always an id.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import UnionType
from typing import Any, Generic, TypeVar, get_args

import orjson

from pinakes.server.errors import Invalid

T = TypeVar("T")

# No cursor of ours comes near that; what is longer was made by somebody else.
LONGEST = 2000
INT4 = range(-(2**31), 2**31)
INT8 = range(-(2**63), 2**63)


class BigInt(int):
    """Stands, among the types of a cursor, for a whole number of eight bytes; `int` is one of four, as ids are."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a longer list: its rows, and the cursor of the next page (None at the end)."""

    rows: list[T]
    next: str | None = None


def encode_cursor(*values: object) -> str:
    """Write sort values (numbers, text, times with a zone, bytes, None) as one opaque word that is safe in a URL."""
    return urlsafe_b64encode(orjson.dumps([_plain(value) for value in values])).rstrip(b"=").decode()


def decode_cursor(text: str, *types: type | UnionType) -> tuple[Any, ...]:
    """Read a cursor whose values are of the given types (int, BigInt, float, str, bytes, datetime, or one `| None`).

    Raises:
        Invalid: (field `cursor`) it is not one of ours, or belongs to another list.
    """
    try:
        values = orjson.loads(_unpacked(text))
        if not isinstance(values, list) or len(values) != len(types):
            raise foreign()
        return tuple(_typed(value, wanted) for value, wanted in zip(values, types, strict=True))
    except (ValueError, binascii.Error) as error:
        raise foreign() from error


def cut(rows: Sequence[T], limit: int, last: Callable[[T], tuple[object, ...]]) -> Page[T]:
    """Make a page of rows that were read with a limit of one more than the page's.

    Args:
        rows: At most `limit + 1` rows; the one too many says that there is a next page.
        limit: How many the page holds.
        last: Gives a row's sort values, which become the cursor.
    """
    shown = list(rows[:limit])
    return Page(shown, encode_cursor(*last(shown[-1])) if len(rows) > limit else None)


def _unpacked(text: str) -> bytes:
    if len(text) > LONGEST or not text.isascii():
        raise foreign()
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def _typed(value: object, wanted: type | UnionType) -> object:
    kinds = get_args(wanted) or (wanted,)
    if value is None:
        if type(None) in kinds:
            return None
        raise foreign()
    kind = next(kind for kind in kinds if kind is not type(None))
    if kind is datetime and isinstance(value, str):
        return _moment(value)
    if kind is bytes and isinstance(value, str):
        return bytes.fromhex(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in {int, BigInt}:
        fits = type(value) is int and value in (INT8 if kind is BigInt else INT4)
    else:
        fits = type(value) is kind and "\0" not in str(value)
    if not fits:
        raise foreign()
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise foreign()
    return moment


def foreign() -> Invalid:
    """Build the error for a cursor that is not one of the list that is asked for."""
    return Invalid("This cursor does not belong to this list: take it from the answer before.", field="cursor")
