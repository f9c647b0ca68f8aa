"""Who may see what of the record, and how an event looks to him.

Rows are read with the facts about the thing that they are about as it is now, and are judged here, once for the feed,
the history and the live stream: an event about a thing is seen by who sees the thing; about a deleted one, by who may
bring it back; about an account, by the server's administrators. What goes into a release, or an artifact, is named
there to whoever sees that, though its project is hidden from him, and also when it is gone. Who puts tags in a project
where a queue hides who labels is told to those who manage the work there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.events.types import Event, Face, ItemName, Row, Subject
from pinakes.server.permissions.service import Sight, roles_allowing, roles_include, sight
from pinakes.server.permissions.table import Permission


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads the record: what he sees, of whose deleted things he knows, and whose work he manages."""

    sight: Sight
    trash: frozenset[int]
    managed: frozenset[int]
    name: str

    @classmethod
    def of(cls, actor: Actor) -> Reader:
        """Return the reader that an actor is."""
        managed = frozenset(roles_include(actor, Permission.QUEUE_MANAGE))
        restores = frozenset(roles_allowing(actor, Permission.COLLECTION_RESTORE))
        return cls(sight(actor), restores, managed, actor.name)

    def sees(self, thing: Row | Subject | Face) -> bool:
        """Tell whether he may know of something: of an event about it, too."""
        if self.sight.everything:
            return True
        if isinstance(thing, Row) and not thing.known:
            return False
        if thing.deleted:
            return thing.owner_id in self.trash
        return self.sight.sees(thing.visibility, thing.owner_id)

    def curates(self, row: Row) -> bool:
        """Tell whether he is one of those who change the collection, who know what a live one follows."""
        return self.sight.everything or row.owner_id in self.trash

    def counts(self, row: Row) -> bool:
        """Tell whether he is one of those whose collection it is, who know how many entries a large change had."""
        return self.sight.everything or row.owner_id in self.sight.accounts

    def author(self, row: Row) -> str | None:
        """Name who did something, if the reader may know: of who labels behind closed doors only managers do."""
        told = not row.nameless or self.sight.everything or row.owner_id in self.managed or row.actor == self.name
        return row.actor if told else None


def items_of(rows: Iterable[Row]) -> list[int]:
    """List the ids of all items that events are about or name."""
    found: set[int | None] = set()
    for row in rows:
        found.add(row.item_id)
        found.update(_named(row))
        found.update(_neighbours(row))
    return sorted(id_ for id_ in found if id_ is not None)


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
    """Return one event as a reader sees it; see `Showing`, which is for many."""
    return Showing(names, reader).event(row)


class Showing:
    """How events look to one reader: made once for all that he is shown at a time, since they name the same items."""

    def __init__(self, names: Names, reader: Reader, *, naming_all: bool = False) -> None:
        """Take the reader, and what the ids in the events stand for; with `naming_all`, he may know of every item."""
        self._names: Names = names
        self._reader: Reader = reader
        self._naming_all: bool = naming_all
        self._known: dict[int, ItemName | None] = {}

    def event(self, row: Row) -> Event | None:
        """Return an event as the reader sees it, ids replaced by names; None when there is nothing that he may see.

        He must be allowed to see the thing that it is about (`Reader.sees`).
        """
        if row.open and not self._naming_all:
            return self._of_open.event(row)
        if row.verb.startswith("entry."):
            named = _named(row)
            if row.item_id is not None and row.item_id != row.collection_id:
                named.append(row.item_id)
            if named and not any(map(self._item, named)):
                return None
        return Event(
            row.cursor,
            row.at,
            row.verb,
            self._reader.author(row),
            row.api,
            row.collection,
            row.revision,
            self._own_item(row),
            self._part(row, row.before),
            self._part(row, row.after),
            row.reason,
        )

    @cached_property
    def _of_open(self) -> Showing:
        """Return how events look in collections whose entries are seen by whoever sees the collection."""
        return Showing(self._names, self._reader, naming_all=True)

    def _item(self, id_: int) -> ItemName | None:
        """Name an item, if the reader may know of it."""
        if id_ not in self._known:
            face = self._names.items.get(id_)
            seen = face is not None and (self._naming_all or (not face.deleted and self._reader.sees(face)))
            self._known[id_] = ItemName(face.id, face.kind, face.address) if face is not None and seen else None
        return self._known[id_]

    def _own_item(self, row: Row) -> ItemName | None:
        """Name the item that the event is about; of an event about no collection, also when it was deleted."""
        if row.item_id is None or row.item_id == row.collection_id:
            return None
        if row.collection_id is not None:
            return self._item(row.item_id)
        face = self._names.items.get(row.item_id)
        return ItemName(face.id, face.kind, face.address) if face is not None else None

    def _part(self, row: Row, part: Mapping[str, object] | None) -> dict[str, object] | None:
        """Put names for ids into what was or is, and leave out what the reader may not see, from the counts too."""
        if part is None:
            return None
        answer = dict(part)
        if row.verb in _FOLLOWING and not self._reader.curates(row):
            return {}
        if isinstance(item := part.get("item"), int):
            answer["item"] = self._item(item)
        if isinstance(owner := answer.pop("owner_id", None), int):
            answer["owner"] = self._names.owners.get(owner)
        self._behind(answer)
        if row.verb.startswith("revision.") and not (self._naming_all or self._reader.counts(row)):
            answer.pop("count", None)
        for key in _LISTS:
            entries = part.get(key)
            if isinstance(entries, list):
                self._list(row, answer, key, cast("list[object]", entries))
        return answer

    def _list(self, row: Row, answer: dict[str, object], key: str, entries: list[object]) -> None:
        shown = [found for entry in entries if (found := self._entry(entry)) is not None]
        answer[key] = shown
        if answer.get("count") == len(entries):
            answer["count"] = len(shown)
        elif "count" in answer and not self._reader.counts(row):
            # The list was cut, and how much of the rest he would see nobody has counted.
            del answer["count"]

    def _entry(self, entry: object) -> object:
        name = self._item(_id(entry))
        if name is None or not isinstance(entry, dict):
            return name
        return self._behind({**cast("dict[str, object]", entry), "item": name})

    def _behind(self, told: dict[str, object]) -> dict[str, object]:
        """Name what something stood behind; for a reader who may not know of that, it stood behind nothing."""
        if isinstance(neighbour := told.get("behind"), int):
            told["behind"] = self._item(neighbour)
        return told


_LISTS = ("items", "entries")
# What a live collection follows names what its readers may not see.
_FOLLOWING = frozenset({"collection.made_live", "collection.query_changed", "collection.live_ended"})


def _id(entry: object) -> int:
    """Return the id of the item that an entry of a list names: the entry itself, or its `item`; 0 for neither."""
    named = cast("dict[str, object]", entry).get("item") if isinstance(entry, dict) else entry
    return named if isinstance(named, int) else 0


def _named(row: Row) -> list[int]:
    """Return the ids of the items that the parts of an event name."""
    found: list[int] = []
    for part in (row.before, row.after):
        if part is None:
            continue
        for key in _LISTS:
            if isinstance(entries := part.get(key), list):
                found += map(_id, cast("list[object]", entries))
        if isinstance(item := part.get("item"), int):
            found.append(item)
    return [id_ for id_ in found if id_]


def _neighbours(row: Row) -> list[int]:
    """Return the ids of the items that something in an event stood, or stands, behind."""
    found: list[object] = []
    for part in (row.before, row.after):
        if part is None:
            continue
        found.append(part.get("behind"))
        if isinstance(entries := part.get("entries"), list):
            listed = cast("list[object]", entries)
            found += [cast("dict[str, object]", entry).get("behind") for entry in listed if isinstance(entry, dict)]
    return [id_ for id_ in found if isinstance(id_, int)]
