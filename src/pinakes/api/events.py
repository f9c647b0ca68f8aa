"""The contract of the record: who did what, when, through which API, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pinakes.api.collections import ItemName
from pinakes.api.common import Answer


class Event(Answer):
    """One thing that somebody did.

    Attributes:
        cursor: Its place in the record: `?after=<cursor>` gives what came later.
        verb: What, as `noun.past-tense`: `collection.created`, `entry.added` ...
        actor: Who: a user's name; null for the server's own work, and for who labels where a queue hides it.
        api: By which way: `native`, `sdk`, `cli`, `web`, `huggingface`, `system`.
        collection: The public id of the collection that it is about, if it is about one.
        revision: The revision that it made of that collection, if it made one.
        item: The item that it is about, if it is about one that the reader may see.
        before: What was; items that the reader may not see are left out.
        after: What is, in the same way. A long list of entries is cut at 100; `count` says how many there were. Of an
            entry that moved, `behind` is the item that it stood or stands behind: null when that was none.
        reason: Why, where somebody said so.
    """

    cursor: str
    at: datetime
    verb: str
    actor: str | None = None
    api: str
    collection: str | None = None
    revision: int | None = None
    item: ItemName | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None


class Feed(Answer):
    """A page of the feed, oldest first. `next` is always there: ask again with `?after=<next>` for what comes later.

    `more` says that there is more already: ask again at once.
    """

    rows: list[Event]
    next: str
    more: bool
