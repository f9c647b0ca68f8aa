"""Conditions of lists that a room answers itself: which it takes, and what they limit the list to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pinakes.server.errors import Invalid
from pinakes.server.wires.supervisely.lists import Condition, Listing

LARGEST = 2**31 - 1
# So many digits are more than any id has.
LONGEST = 20


def check_conditions(asked: Listing, allowed: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse conditions of a list that nobody would look at.

    Args:
        asked: What the client asks for.
        allowed: The fields that the list is found by, each with its operators.
    """
    for condition in asked.filter or ():
        if condition.op not in allowed.get(condition.field, ()):
            offered = ", ".join(f"{field} ({', '.join(operators)})" for field, operators in allowed.items())
            message = f"filter: it takes {offered}; not {condition.field[:50]!r} with {condition.operator[:20]!r}."
            raise Invalid(message, field="filter")
    if (asked.sort or "id") != "id" or asked.descending:
        message = "sort: these are in the order of their numbers (id, asc)."
        raise Invalid(message, field="sort")


def numbers(values: Iterable[object] | None) -> list[int] | None:
    """Read numbers out of a condition; what can be no id is nobody's."""
    if values is None:
        return None
    found = [str(value) for value in values]
    return [int(text) for text in found if text.isascii() and text.isdigit() and int(text[:LONGEST]) <= LARGEST]


def words(values: Iterable[object] | None) -> list[str] | None:
    """Read words out of a condition."""
    return None if values is None else [str(value) for value in values]


def one(values: Sequence[int] | None) -> int | None:
    """Return the only number of a condition; None without a condition, 0 (nobody's) where no number would do."""
    if values is None:
        return None
    return values[0] if len(values) == 1 else 0


def given(asked: Listing, field: str) -> list[Condition]:
    """Return the conditions on a field."""
    return [condition for condition in asked.filter or () if condition.field == field]
