"""Order keys: whatever is put where, the list stays sorted, and keys stay short where people really work."""

from __future__ import annotations

from hypothesis import given, strategies as st

from pinakes.server.collections import ordering


def test_appending_and_prepending_never_lengthen_a_key() -> None:
    keys = ordering.after(None, 3)
    for _ in range(2000):
        keys = [*ordering.before(keys[0]), *keys, *ordering.after(keys[-1])]
    assert keys == sorted(keys)
    assert {len(key) for key in keys} == {ordering.WHOLE}


def test_the_same_spot_costs_a_byte_for_eight_rows() -> None:
    low, high = ordering.after(None, 2)
    for _ in range(800):
        (high,) = ordering.between(low, high)
        assert low < high
    assert len(high) <= ordering.WHOLE + 800 // 8 + 1


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), max_size=60))
def test_blocks_put_anywhere_keep_the_list_sorted_and_distinct(puts: list[tuple[float, int]]) -> None:
    keys: list[bytes] = []
    for share, count in puts:
        at = round(share * len(keys))
        low = keys[at - 1] if at else None
        high = keys[at] if at < len(keys) else None
        keys[at:at] = ordering.between(low, high, count)
        assert keys == sorted(set(keys))
    assert all(len(key) == ordering.WHOLE or key[-1] for key in keys)
