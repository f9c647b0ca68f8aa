"""What differs by kind of collection: what may enter, how it is named, what its fields may hold."""

from __future__ import annotations

from pinakes.server.collections.rules import showcase
from pinakes.server.collections.rules.types import Rules
from pinakes.server.errors import Invalid

_BY_KIND: dict[str, Rules] = {"showcase": showcase.RULES}


def of(kind: str) -> Rules:
    """Return the rules of a kind of collection."""
    try:
        return _BY_KIND[kind]
    except KeyError:
        message = f"{kind!r} is not a kind of collection; there are: {', '.join(_BY_KIND)}."
        raise Invalid(message, field="kind") from None
