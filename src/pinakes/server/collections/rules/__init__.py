"""What differs by kind of collection: what may enter, how it is named, what its fields may hold."""

from __future__ import annotations

from pinakes.server.collections.rules import artifact, release, selection, showcase
from pinakes.server.collections.rules.types import Rules
from pinakes.server.errors import Invalid

_ALL = (showcase.RULES, selection.RULES, release.RULES, artifact.RULES)
_BY_KIND: dict[str, Rules] = {rules.kind: rules for rules in _ALL}


def of(kind: str) -> Rules:
    """Return the rules of a kind of collection."""
    try:
        return _BY_KIND[kind]
    except KeyError:
        message = f"{kind!r} is not a kind of collection; there are: {', '.join(_BY_KIND)}."
        raise Invalid(message, field="kind") from None


def listed_entries(kind: str) -> Rules:
    """Return the rules of a kind whose entries people add and remove themselves.

    Raises:
        Invalid: this kind's entries change by other verbs; the message says by which.
    """
    found = of(kind)
    if found.managed is not None:
        raise Invalid(found.managed, field="collection")
    return found
