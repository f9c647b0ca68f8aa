"""What the record holds.

What comes by the hundred is not frozen: to make a frozen one takes several times as long. Nobody changes one either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# Here the test that prepares all queries looks for the types of their rows.
from pinakes.server.events.webhook_types import (
    Delivery,
    Due,
    Keeper,
    Listener,
    Target,
    ToldCollection,
    Webhook,
    WebhookOwner,
)

__all__ = [
    "Delivery",
    "Due",
    "Event",
    "Face",
    "Feed",
    "ItemName",
    "Keeper",
    "Kept",
    "Listener",
    "Row",
    "Subject",
    "Target",
    "ToldCollection",
    "Webhook",
    "WebhookOwner",
]


@dataclass(slots=True)
class ItemName:
    """An item by the name that people know it by."""

    id: int
    kind: str
    address: str


@dataclass(slots=True)
class Event:
    """One thing that somebody did, as one reader sees it.

    Attributes:
        cursor: Its place in the record; reading on from here gives what came later.
        at: When.
        verb: What, as `noun.past-tense` ("entry.added").
        actor: Who: a user's name; None for the server's own work, or where the reader is not to know who labels.
        api: Through which API.
        collection: The public id of the collection it is about, if it is about one.
        revision: The revision that it made of that collection, if it made one.
        item: The item it is about, if it is about one that the reader may see.
        before: What was. Items are `ItemName`s; those that the reader may not see are left out.
        after: What is, in the same way.
        reason: Why, where somebody said so.
    """

    cursor: str
    at: datetime
    verb: str
    actor: str | None
    api: str
    collection: str | None
    revision: int | None
    item: ItemName | None
    before: dict[str, object] | None
    after: dict[str, object] | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of the feed, oldest first: `next` goes on behind it, `more` says that there is more already."""

    rows: list[Event]
    next: str
    more: bool


@dataclass(slots=True)
class Row:
    """One thing that somebody did, as it is kept, with whose thing it is about (`known` when it is anybody's).

    `open` says that it is about a release or an artifact, whose entries are seen by whoever sees the collection;
    `nameless`, that somebody labeled in a project where a queue keeps from its reviewers who does.
    """

    txid: str
    id: int
    at: datetime
    verb: str
    actor: str | None
    api: str
    revision: int | None
    before: dict[str, object] | None
    after: dict[str, object] | None
    reason: str | None
    collection_id: int | None
    collection: str | None
    item_id: int | None
    known: bool
    owner_id: int | None
    visibility: str
    deleted: bool
    open: bool
    nameless: bool

    @property
    def cursor(self) -> str:
        """Return its place in the record."""
        return f"{self.txid}.{self.id}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose a collection is, and who may know of it."""

    id: int
    owner_id: int
    visibility: str
    deleted: bool


@dataclass(slots=True)
class Face:
    """By what name people know an item, and who may see it."""

    id: int
    kind: str
    address: str
    owner_id: int | None
    visibility: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer that a request with an idempotency key got, and a digest of that request."""

    request_digest: bytes
    status: int
    answer: bytes
