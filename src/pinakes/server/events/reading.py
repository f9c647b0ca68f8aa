"""Who may see what of the record, and how an event looks to him.

Rows are read with the facts about the thing that they are about as it is now, and are judged here, once for the feed,
the history and the live stream: an event about a thing is seen by who sees the thing; about a deleted one, by who may
bring it back; about an account, by the server's administrators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.events.types import Event, Face, ItemName, Row, Subject
from pinakes.server.permissions.service import Sight, roles_allowing, sight
from pinakes.server.permissions.table import Permission


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads the record: what he sees, and of whose deleted things he knows."""

    sight: Sight
    trash: frozenset[int]

    @classmethod
    def of(cls, actor: Actor) -> Reader:
        """Return the reader that an actor is."""
        return cls(sight(actor), frozenset(roles_allowing(actor, Permission.COLLECTION_RESTORE)))

    def sees(self, thing: Row | Subject | Face) -> bool:
        """Tell whether he may know of something: of an event about it, too."""
        if self.sight.everything:
            return True
        if isinstance(thing, Row) and not thing.known:
            return False
        if thing.deleted:
            return thing.owner_id in self.trash
        return self.sight.sees(thing.visibility, thing.owner_id)

    def counts(self, row: Row) -> bool:
        """Tell whether he is one of those whose collection it is, who know how many entries a large change had."""
        return self.sight.everything or row.owner_id in self.sight.accounts


def items_of(rows: Iterable[Row]) -> list[int]:
    """List the ids of all items that events are about or name."""
    own = {row.item_id for row in rows if row.item_id is not None}
    return sorted(own.union(*(_named(part) for row in rows for part in (row.before, row.after) if part)))


def owners_of(rows: Iterable[Row]) -> list[int]:
    """List the ids of all accounts that events name as owners."""
    parts = (part for row in rows for part in (row.before, row.after) if part)
    return sorted({owner for part in parts if isinstance(owner := part.get("owner_id"), int)})


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in events stand for."""

    items: Mapping[int, Face]
    owners: Mapping[int, str]


def shown(row: Row, names: Names, reader: Reader) -> Event | None:
    """Return an event as a reader sees it, ids replaced by names; None when there is nothing of it that he may see.

    He must be allowed to see the thing that it is about (`Reader.sees`).
    """
    seen = _Seen(row, names, reader)
    named = _named(row.before or {}) | _named(row.after or {})
    if row.verb.startswith("entry."):
        named |= {row.item_id} if row.item_id not in {None, row.collection_id} else set()
        if named and not any(seen.item(id_) for id_ in named):
            return None
    return Event(
        row.cursor,
        row.at,
        row.verb,
        row.actor,
        row.api,
        row.collection,
        row.revision,
        seen.own_item(),
        seen.part(row.before),
        seen.part(row.after),
        row.reason,
    )


class _Seen:
    """One event in the eyes of one reader."""

    def __init__(self, row: Row, names: Names, reader: Reader) -> None:
        self._row: Row = row
        self._names: Names = names
        self._reader: Reader = reader

    def item(self, id_: int | None) -> ItemName | None:
        """Name an item, if the reader may know of it."""
        face = self._names.items.get(id_ or 0)
        if face is None or face.deleted or not self._reader.sees(face):
            return None
        return ItemName(face.id, face.kind, face.address)

    def own_item(self) -> ItemName | None:
        """Name the item that the event is about; of an event about no collection, also when it was deleted."""
        if self._row.collection_id is not None:
            return self.item(self._row.item_id) if self._row.item_id != self._row.collection_id else None
        face = self._names.items.get(self._row.item_id or 0)
        return ItemName(face.id, face.kind, face.address) if face is not None else None

    def part(self, part: Mapping[str, object] | None) -> dict[str, object] | None:
        """Put names for ids into what was or is, and leave out what the reader may not see, from the counts too."""
        if part is None:
            return None
        answer = dict(part)
        if isinstance(part.get("item"), int):
            answer["item"] = self.item(cast("int", part["item"]))
        if isinstance(owner := answer.pop("owner_id", None), int):
            answer["owner"] = self._names.owners.get(owner)
        for key in _LISTS:
            if isinstance(part.get(key), list):
                self._list(answer, key, cast("list[object]", part[key]))
        return answer

    def _list(self, answer: dict[str, object], key: str, entries: list[object]) -> None:
        shown_ = [self._entry(entry) for entry in entries if self.item(_id(entry)) is not None]
        answer[key] = shown_
        if answer.get("count") == len(entries):
            answer["count"] = len(shown_)
        elif "count" in answer and not self._reader.counts(self._row):
            # The list was cut, and how much of the rest he would see nobody has counted.
            del answer["count"]

    def _entry(self, entry: object) -> object:
        name = self.item(_id(entry))
        return {**cast("dict[str, object]", entry), "item": name} if isinstance(entry, dict) else name


_LISTS = ("items", "entries")


def _id(entry: object) -> int:
    """Return the id of the item that an entry of a list names: the entry itself, or its `item`; 0 for neither."""
    named = cast("dict[str, object]", entry).get("item") if isinstance(entry, dict) else entry
    return named if isinstance(named, int) else 0


def _named(part: Mapping[str, object]) -> set[int]:
    """Return the ids of the items that a part of an event names."""
    lists = [cast("list[object]", part[key]) for key in _LISTS if isinstance(part.get(key), list)]
    return {_id(entry) for entries in lists for entry in entries} | {_id(part.get("item"))} - {0}
