"""The ids of this API: base64 of `Type:number`, which the client takes apart for people, teams and projects.

A registry is a project to this API, though no row of ours: its id is a project's, with a number beyond any project's.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

import strawberry

from pinakes.server.errors import Invalid

# No row has a number as large as this.
_REGISTRIES = 2**32
_INT4 = range(2**31)
_LONGEST = 200


def write(kind: str, *numbers: int | str) -> strawberry.ID:
    """Write an id: its type, and the numbers (of rows) that make it up."""
    text = ":".join((kind, *map(str, numbers)))
    return strawberry.ID(b64encode(text.encode()).decode())


def read(text: str, *kinds: str) -> int | None:
    """Return the number of an id of one of some types; None for whatever else, which nothing can have as its id."""
    found = parts(text)
    if found is None or found[0] not in kinds or len(found) != 2:  # noqa: PLR2004 - type and number
        return None
    return number(found[1])


def need(text: str, field: str, *kinds: str) -> int:
    """Return the number of an id that is of one of some types.

    Raises:
        Invalid: it is none.
    """
    found = read(text, *kinds)
    if found is None:
        message = f"{field} must be the id of a {' or '.join(kinds)}, not {text[:_LONGEST]!r}."
        raise Invalid(message, field=field)
    return found


def parts(text: str) -> tuple[str, ...] | None:
    """Return what an id is made of: its type and its numbers, as text; None for what is no id."""
    if len(text) > _LONGEST:
        return None
    try:
        return tuple(b64decode(text, validate=True).decode("ascii").split(":"))
    except (binascii.Error, ValueError):
        return None


def number(text: str) -> int | None:
    """Return the number of a row that is part of an id; None for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):  # noqa: PLR2004 - digits of the largest
        return None
    found = int(text)
    return found if found in _INT4 else None


def of_project(item_id: int) -> strawberry.ID:
    """Write the id of a project."""
    return write("Project", item_id)


def of_registry(account_id: int) -> strawberry.ID:
    """Write the id that a registry has as a project."""
    return write("Project", _REGISTRIES + account_id)


def internal(row: int) -> strawberry.ID:
    """Write the second id of a project or registry: the client takes its number for filters."""
    return write("ProjectInternalId", row)


def project_or_registry(text: str, field: str) -> tuple[int, bool]:
    """Return the number behind a project's id, and whether it is a registry's.

    Raises:
        Invalid: it is no id of a project.
    """
    found = parts(text)
    if found is not None and len(found) == 2 and found[0] == "Project" and found[1].isdigit():  # noqa: PLR2004
        value = int(found[1])
        if value in _INT4:
            return value, False
        if value - _REGISTRIES in _INT4:
            return value - _REGISTRIES, True
    message = f"{field} must be the id of a project or registry, not {text[:_LONGEST]!r}."
    raise Invalid(message, field=field)
