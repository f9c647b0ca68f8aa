"""What a live collection is, beside its entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pinakes.server.collections.types import address_of


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a live collection: what it follows, and since when it has.

    Attributes:
        query: As its maker wrote it; "" with a source, where that is all that it follows.
        sort: The order of what it finds; "" is that of the items' numbers.
        source: How it is made of other collections, where it is: `op` and `collections`.
        revision: The collection's last one that was looked at for what people put in and took out by hand.
        failed: Why it could not be brought up to date the last time; its entries are those of before.
    """

    collection_id: int
    query: str
    sort: str
    source: Mapping[str, object] | None
    revision: int
    refreshed_at: datetime | None
    failed: str | None
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Exempt:
    """An item that is in a live collection, or is not, whatever its query finds.

    Attributes:
        pinned: Whether it is pinned above what the query finds; else it is banned.
        note: The note of its entry, of a pinned one.
        reason: Why, as whoever did it said.
    """

    item_id: int
    pinned: bool
    kind: str
    owner: str | None
    name: str
    title: str
    nested_id: str | None
    note: str | None
    reason: str | None
    made_by: str | None
    made_at: datetime

    @property
    def address(self) -> str:
        """Return where the item is found: `owner/name`, a bare name, or a collection's slug."""
        return address_of(self.owner, self.name, self.nested_id)


@dataclass(frozen=True, slots=True)
class Live:
    """A live collection as a reader sees it: what it follows, and what is pinned and banned of what he sees."""

    collection_id: int
    query: str
    sort: str
    source: Mapping[str, object] | None
    refreshed_at: datetime | None
    failed: str | None
    created_by: str | None
    created_at: datetime
    pinned: list[Exempt]
    banned: list[Exempt]


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exception of a live collection, as the refresh needs it."""

    item_id: int
    pinned: bool


@dataclass(frozen=True, slots=True)
class Standings:
    """The entries of a collection in their order: the items, and their keys."""

    items: list[int]
    keys: list[bytes]
