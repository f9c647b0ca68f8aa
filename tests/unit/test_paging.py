"""Cursors: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from pinakes.server.errors import Invalid
from pinakes.server.paging import LONGEST, BigInt, Page, cut, decode_cursor, encode_cursor

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7, minutes=30))]))


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    TIMES,
    st.binary(max_size=30),
    st.none() | st.integers(0, 9),
)
def test_what_goes_in_comes_out(
    number: int, large: int, real: float, text: str, at: datetime, raw: bytes, maybe: int | None
):
    cursor = encode_cursor(number, large, real, text, at, raw, maybe)
    assert cursor.isascii()
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    found = decode_cursor(cursor, int, BigInt, float, str, datetime, bytes, int | None)
    assert found == (number, large, real, text, at, raw, maybe)


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"7",
        b"null",
        b"{}",
        b"[]",
        b"[1, 2]",
        b"[true]",
        b"[1.5]",
        b'["1"]',
        b"[null]",
        b"[2147483648]",
        b"[-2147483649]",
        b"[9223372036854775808]",
        b"[1",
        b"\xff",
    ],
)
def test_what_is_no_cursor_of_a_number_is_refused(written: bytes):
    with pytest.raises(Invalid) as refusal:
        decode_cursor(urlsafe_b64encode(written).decode(), int)
    assert refusal.value.field == "cursor"


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (b'["2024-01-01T00:00:00"]', datetime),
        (b'["soon"]', datetime),
        (b"[7]", datetime),
        (b'["zz"]', bytes),
        (b"[true]", float),
        (b'["a\\u0000b"]', str),
        (b'["\\ud800"]', str),
        (b"[7]", str),
    ],
)
def test_a_value_of_another_type_is_refused(written: bytes, kind: type):
    with pytest.raises(Invalid):
        decode_cursor(urlsafe_b64encode(written).decode(), kind)


@pytest.mark.parametrize("text", ["!", "ü", "a" * (LONGEST + 1), "\ud800", "a b", "A", "[1]"])
def test_what_is_not_even_base64_is_refused(text: str):
    with pytest.raises(Invalid):
        decode_cursor(text, int)


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str):
    with suppress(Invalid):
        decode_cursor(text, int, str)


def test_a_whole_number_passes_for_a_real_one():
    assert decode_cursor(encode_cursor(1), float) == (1.0,)


def test_a_page_is_cut_where_there_is_one_row_too_many():
    assert cut([1, 2, 3], 2, lambda row: (row,)) == Page([1, 2], encode_cursor(2))
    assert cut([1, 2], 2, lambda row: (row,)) == Page([1, 2])
    assert cut([], 2, lambda row: (row,)) == Page([])
    assert Page[int]([1]).next is None
