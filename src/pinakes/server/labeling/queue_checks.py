"""What queues and jobs may be given; every refusal names the field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pinakes.server.errors import Invalid
from pinakes.server.labeling.label_checks import json_object, name as line, names, one_of, text
from pinakes.server.labeling.queue_types import (
    LONGEST_LEASE,
    MOST_ANNOTATORS,
    MOST_ITEMS,
    MOST_PEOPLE,
    PRIORITIES,
    STATES,
    STATUSES,
    ItemTag,
    Places,
    QueueSettings,
)

LONGEST_COMMENT = 10_000
MOST_NAMES = 10_000
MOST_CONDITIONS = 100
MOST_ROWS = 100_000
LARGEST = 2**31 - 1


def possible(ids: Iterable[int]) -> list[int]:
    """Return those of some ids that could be any row's, each once, in order."""
    return sorted({one for one in ids if 0 < one <= LARGEST})


def some(one: int | None) -> int | None:
    """Return an id to filter by; what could be none finds nothing."""
    return one if one is None or 0 < one <= LARGEST else 0


def storable(names_: Sequence[str] | None) -> list[str] | None:
    """Return those of some names to filter by that anything could have."""
    if names_ is None:
        return None
    return [one for one in names_ if "\0" not in one and not any("\ud800" <= char <= "\udfff" for char in one)]


def paged(limit: int, offset: int = 0) -> dict[str, int]:
    """Return which rows of a list to read, as the queries take it."""
    return {
        "limit": _within(limit, range(MOST_ROWS + 1), "limit"),
        "offset": _within(offset, range(LARGEST + 1), "offset"),
    }


def item_ids(ids: Sequence[int], field: str = "item_ids") -> list[int]:
    """Return the ids of items, each once, in order.

    Raises:
        Invalid: there are none, too many, or what can't be one.
    """
    if not 1 <= len(ids) <= MOST_ITEMS:
        message = f"Name 1 to {MOST_ITEMS} items, not {len(ids)}."
        raise Invalid(message, field=field)
    found = possible(ids)
    if len(found) < len(set(ids)):
        wrong = next(one for one in ids if not 0 < one <= LARGEST)
        message = f"{wrong} is no item's id."
        raise Invalid(message, field=field, details={"item_ids": [wrong]})
    return found


def places(value: Places | None) -> dict[str, int | None]:
    """Return from which place to which items count: by `first` and `last`.

    Raises:
        Invalid: (field `range`) it begins before the first, or ends before it begins.
    """
    value = value or Places()
    if not 1 <= value.first <= LARGEST:
        message = f"A range counts from 1, not from {value.first}."
        raise Invalid(message, field="range")
    if value.last is not None and not value.first <= value.last:
        message = f"A range ends where it begins, or later: not at {value.last}, begun at {value.first}."
        raise Invalid(message, field="range")
    return {"first": value.first, "last": None if value.last is None else min(value.last, LARGEST)}


def people(ids: Sequence[int], field: str) -> list[int]:
    """Return the ids of users, each once, in the order given."""
    if len(ids) > MOST_PEOPLE:
        message = f"At most {MOST_PEOPLE} people, not {len(ids)}."
        raise Invalid(message, field=field)
    if wrong := [one for one in ids if not 0 < one <= LARGEST]:
        message = f"{wrong[0]} is no user's id."
        raise Invalid(message, field=field, details={"users": wrong})
    return list(dict.fromkeys(ids))


def queue_name(value: str) -> str:
    """Return the name of a queue or of jobs."""
    return line(value, "name")


def prose(value: str | None, field: str) -> str | None:
    """Return a text for people to read; None stays None."""
    return None if value is None else text(value, field, 100_000)


def comment(value: str | None) -> str | None:
    """Return a reviewer's words."""
    return None if value is None else text(value, "comment", LONGEST_COMMENT)


def status(value: str) -> str:
    """Return a status of a queue or job."""
    return one_of(value, STATUSES, "status")


def states(values: Sequence[str | None] | None) -> list[str] | None:
    """Return states of items as the database has them; None among them: waiting."""
    if values is None:
        return None
    return ["pending" if value is None else one_of(value, STATES, "states") for value in values]


def overlap(value: int) -> int:
    """Return how many annotators label each item."""
    return _within(value, range(1, MOST_ANNOTATORS + 1), "overlap")


def lease(value: int) -> int:
    """Return how long a lease is, in seconds."""
    return _within(value, range(1, LONGEST_LEASE + 1), "lease_seconds")


def priority(value: int) -> int:
    """Return a priority."""
    return _within(value, PRIORITIES, "priority")


def settings(value: QueueSettings) -> dict[str, Any]:
    """Return settings as they are kept."""
    tags = [ItemTag(line(tag.name, "settings.item_tags"), bool(tag.positive)) for tag in value.item_tags]
    if len(tags) > MOST_CONDITIONS:
        message = f"At most {MOST_CONDITIONS} conditions on the tags of items, not {len(tags)}."
        raise Invalid(message, field="settings.item_tags")
    if len(value.classes) > MOST_NAMES or len(value.tags) > MOST_NAMES:
        message = f"At most {MOST_NAMES} classes and as many tags."
        raise Invalid(message, field="settings.classes")
    return {
        **asdict(value),
        "classes": names(value.classes, "settings.classes"),
        "tags": names(value.tags, "settings.tags"),
        "item_tags": [asdict(tag) for tag in tags],
        "figures_limit": _within(value.figures_limit, range(LARGEST + 1), "settings.figures_limit"),
        "tags_limit": _within(value.tags_limit, range(LARGEST + 1), "settings.tags_limit"),
        "extras": json_object(dict(value.extras), "settings.extras"),
    }


def settings_of(kept: Mapping[str, Any]) -> QueueSettings:
    """Read settings as they are kept."""
    values: dict[str, Any] = {**kept, "item_tags": [ItemTag(**tag) for tag in kept.get("item_tags", ())]}
    return QueueSettings(**values)


def conditions(value: QueueSettings) -> dict[str, list[str]]:
    """Return the tags that an item must have to be given out, and those that it must not have."""
    return {
        "include_tags": sorted({tag.name.strip() for tag in value.item_tags if tag.positive}),
        "exclude_tags": sorted({tag.name.strip() for tag in value.item_tags if not tag.positive}),
    }


def _within(value: int, allowed: range, field: str) -> int:
    if value not in allowed:
        message = f"It is a whole number from {allowed.start} to {allowed.stop - 1}, not {value}."
        raise Invalid(message, field=field)
    return value
