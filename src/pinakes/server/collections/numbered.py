"""Artifacts and releases: collections whose entries have numbers for good, and aliases that name one of them at a time.

Rooms above decide what may enter; here an entry gets its number, `latest` is kept on the newest, and every alias leaves
a trace. All that one call does is one revision:

    change = await begin(tx, actor, collection_id, Permission.COLLECTION_CURATE)
    appended = await change.append(item_id)
    await change.set_alias("production", item_id)
    await change.close(reason="passed the checks")
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.collections import enforcing, rules
from pinakes.server.collections.change import SQL as ROOM, author, hold, look, public_id_of, view_of
from pinakes.server.collections.ids import new_public_id
from pinakes.server.collections.protection import guard_all
from pinakes.server.collections.rules import fields
from pinakes.server.collections.types import (
    AliasForm,
    AliasRow,
    AliasSet,
    Appended,
    Card,
    Locked,
)
from pinakes.server.db import Tx, json, load
from pinakes.server.errors import CollectionNotFound, Invalid, NameTaken
from pinakes.server.events.service import record
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "numbered.sql")

LATEST = "latest"
NAME_LENGTH = fields.NAME_LENGTH
name = fields.name
_NUMBER = re.compile(r"v([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that a change did, as the record will tell it."""

    verb: str
    item_id: int | None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None


class Change:
    """A collection that is held, and what was done to it so far; `close` makes it one revision."""

    def __init__(self, tx: Tx, actor: Actor, held: Locked, reason: str | None) -> None:
        """Begin with nothing done; `begin` makes these."""
        self._tx: Tx = tx
        self._actor: Actor = actor
        self._reason: str | None = fields.reason(reason)
        self._done: list[Happening] = []
        self._delta: int = 0
        self.held: Locked = held

    @property
    def _revision(self) -> int:
        return self.held.revision + 1

    async def append(self, item_id: int) -> Appended:
        """Put an item at the end, with its number and `latest`; one that is there already keeps its place."""
        appended = await self._tx.one(
            SQL.append_numbered,
            Appended,
            id=self.held.id,
            item_id=item_id,
            revision=self._revision,
            actor_id=self._actor.user_id,
        )
        assert appended is not None
        if appended.new:
            self._delta += 1
            entry: dict[str, object] = {"item": item_id, "number": appended.number}
            self._done.append(Happening("entry.added", item_id, after={"count": 1, "entries": [entry]}))
            await self.set_alias(LATEST, item_id)
        return appended

    async def set_alias(self, alias: str, item_id: int) -> bool:
        """Let an alias name an entry of this collection, and no other any more; False when it did already.

        Raises:
            Invalid: the alias can't be one.
        """
        alias = check_alias(alias)
        moved = await self._tx.one(
            SQL.set_alias,
            AliasSet,
            id=self.held.id,
            alias=alias,
            item_id=item_id,
            revision=self._revision,
            actor_id=self._actor.user_id,
            reason=self._reason,
        )
        assert moved is not None
        if not moved.changed:
            return False
        before = None
        if moved.former_item is not None:
            before = {"alias": alias, "item": moved.former_item, "number": moved.former_number}
        after = {"alias": alias, "item": item_id, "number": moved.number}
        self._done.append(Happening("alias.set", item_id, before, after))
        return True

    async def drop_alias(self, alias: str, item_id: int | None = None) -> bool:
        """Take an alias away (from that item, where one is given); False when there was none."""
        return bool(await self._drop(alias, item_id))

    async def take_out(self, item_id: int) -> bool:
        """Take an item out: its aliases end, `latest` goes to the newest that is left. False when it was not there."""
        count = await self._tx.value(ROOM.remove, id=self.held.id, items=[item_id], revision=self._revision)
        if not count:
            return False
        self._delta -= 1
        before = {"count": 1, "entries": [{"item": item_id}]}
        self._done.append(Happening("entry.removed", item_id, before=before))
        await self._drop(None, item_id)
        await self._keep_latest()
        return True

    async def close(self) -> int:
        """Make what was done one revision and write the record; return its number, the present one if nothing was.

        Raises:
            CheckFailed: a check of the collection's refuses the change.
        """
        if not self._done:
            return self.held.revision
        await self._tx.run(
            SQL.close_numbered,
            id=self.held.id,
            revision=self._revision,
            delta=self._delta,
            verbs=[done.verb for done in self._done],
            items=[done.item_id for done in self._done],
            befores=[None if done.before is None else json(done.before) for done in self._done],
            afters=[None if done.after is None else json(done.after) for done in self._done],
            reason=self._reason,
            **author(self._actor),
        )
        if self.held.has_checks:
            await enforcing.enforce(self._tx, self._actor, self.held, self._delta)
        return self._revision

    @property
    def done(self) -> Sequence[Happening]:
        """Return what was done so far."""
        return tuple(self._done)

    async def _drop(self, alias: str | None, item_id: int | None) -> list[str]:
        gone = await self._tx.rows(
            SQL.drop_aliases,
            id=self.held.id,
            alias=alias,
            item_id=item_id,
            revision=self._revision,
            actor_id=self._actor.user_id,
        )
        for name, item, number in gone:
            before = {"alias": name, "item": item, "number": number}
            self._done.append(Happening("alias.removed", item, before=before))
        return [name for name, _, _ in gone]

    async def _keep_latest(self) -> None:
        """Put `latest` where it belongs when its entry has left."""
        if await self._tx.value(SQL.by_alias, id=self.held.id, alias=LATEST) is not None:
            return
        newest = await self._tx.value(SQL.newest, id=self.held.id)
        if newest is not None:
            await self.set_alias(LATEST, newest)


async def create_numbered(
    tx: Tx,
    actor: Actor,
    *,
    kind: str,
    owner_id: int,
    container_id: int | None,
    title: str,
    types: Sequence[str],
    visibility: str = "private",
    description: str = "",
    tags: Sequence[str] = (),
    reason: str | None = None,
) -> int:
    """Make an empty artifact or release and return its id. Whether it may be made is the caller's to ask.

    Raises:
        NameTaken: its project, or registry, has one of that name.
        Invalid: a field breaks the rules.
    """
    title = name(title)
    values = {
        "title": title,
        "visibility": visibility,
        "description": fields.text(description, "description", longest=rules.of(kind).description_length),
        "tags": fields.tags(tags),
        "types": list(types),
    }
    made = cast(
        "int | None",
        await tx.value(
            SQL.create_numbered,
            kind=kind,
            owner_id=owner_id,
            container_id=container_id,
            name=fields.words(title),
            name_key=fields.title_key(title),
            public_id=new_public_id(),
            **values,
        ),
    )
    if made is None:
        message = f"There is a collection named {title!r} already."
        raise NameTaken(message, field="name")
    await record(
        tx,
        actor,
        "collection.created",
        item_id=made,
        collection_id=made,
        revision=1,
        after=values,
        reason=fields.reason(reason),
    )
    return made


async def begin(
    tx: Tx,
    actor: Actor,
    ref: str | int,
    permission: Permission,
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> Change:
    """Hold an artifact or release for a change.

    Raises:
        CollectionNotFound, Forbidden, PreconditionFailed: see `hold`.
        Invalid: it is a showcase, whose entries have no numbers.
    """
    held = await hold(tx, actor, ref, permission, expected=expected)
    if rules.of(held.kind).managed is None:
        message = f"A {held.kind} has no versions and no aliases; an artifact or a release has."
        raise Invalid(message, field="collection")
    return Change(tx, actor, held, reason)


async def restore_aliases(tx: Tx, actor: Actor, held: Locked, revision: int) -> None:
    """Let every alias of a held collection name what it named at a revision; its entries have been brought back before.

    The caller closes the change: what it tells, that a revision is restored, says all.

    Raises:
        AliasProtected, ApprovalNeeded: a protected alias would be another's, and that is not the actor's to do.
    """
    then = dict(cast("list[tuple[str, int]]", await tx.rows(SQL.aliases_then, id=held.id, revision=revision)))
    await guard_all(tx, actor, held, then)
    present = await aliases(tx, held.id)
    asked = {"id": held.id, "revision": held.revision + 1, "actor_id": actor.user_id}
    for alias in sorted({alias for of_one in present.values() for alias in of_one} - then.keys()):
        await tx.rows(SQL.drop_aliases, alias=alias, item_id=None, **asked)
    for alias, item_id in then.items():
        await tx.one(SQL.set_alias, AliasSet, alias=alias, item_id=item_id, reason=None, **asked)


async def find(tx: Tx, *, owner_id: int, container_id: int | None, title: str) -> int | None:
    """Return the id of the live artifact or release of that name, of an owner and in a project (None: in none)."""
    return await tx.value(
        SQL.find_numbered, owner_id=owner_id, container_id=container_id, name_key=_plain(fields.title_key(title))
    )


async def cards(tx: Tx, actor: Actor, ids: Sequence[int]) -> dict[int, Card]:
    """Return artifacts and releases by their ids, as far as an actor sees them."""
    seen = view_of(actor)
    asked = {"public_id": None, "everything": seen.everything, "accounts": seen.accounts}
    rows = await tx.all(SQL.cards, Card, ids=list(ids), **asked)
    return {row.id: row for row in rows}


async def card_at(tx: Tx, actor: Actor, ref: str) -> Card:
    """Return an artifact or release by its address, as an actor sees it.

    Raises:
        CollectionNotFound: there is none that he sees.
    """
    address = public_id_of(ref)
    if address is None or address.owner is not None:  # the owner may be a former one
        there = await look(tx, actor, ref)
        found = (await cards(tx, actor, [there.id])).get(there.id)
    else:
        seen = view_of(actor)
        asked = {"public_id": address.public_id, "everything": seen.everything, "accounts": seen.accounts}
        found = await tx.one(SQL.cards, Card, ids=None, **asked)
    if found is None:
        raise CollectionNotFound
    return found


async def resolve(tx: Tx, collection_id: int, alias: str | None) -> int | None:
    """Return the item that an alias or `vN` names in a collection; nothing said means `latest`."""
    wanted = _plain(alias or LATEST)
    if match := _NUMBER.fullmatch(wanted):
        return await tx.value(SQL.by_number, id=collection_id, number=int(match[1]))
    return await tx.value(SQL.by_alias, id=collection_id, alias=wanted)


async def number_of(tx: Tx, collection_id: int, item_id: int) -> int | None:
    """Return the number of an item in a collection, if it is there."""
    return await tx.value(SQL.number_of, id=collection_id, item_id=item_id)


async def aliases(tx: Tx, collection_id: int, item_ids: Sequence[int] | None = None) -> dict[int, list[str]]:
    """Return the aliases in a collection by item, of some items or of all, sorted."""
    items = None if item_ids is None else list(item_ids)
    found: dict[int, list[str]] = {}
    for item_id, alias in await tx.rows(SQL.aliases_in, id=collection_id, items=items):
        found.setdefault(item_id, []).append(alias)
    return found


async def all_aliases_of(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> list[AliasRow]:
    """Return the aliases of items in every collection that an actor sees."""
    seen = view_of(actor)
    return await tx.all(
        SQL.aliases_of, AliasRow, items=list(item_ids), everything=seen.everything, accounts=seen.accounts
    )


async def alias_log(
    tx: Tx, collection_id: int, *, alias: str | None = None, limit: int = 100, cursor: str | None = None
) -> Page[AliasForm]:
    """Return what aliases of a collection named and name, the last set first. The caller may see the collection."""
    before, before_alias = decode_cursor(cursor, datetime, str) if cursor else (None, None)
    rows = await tx.all(
        SQL.alias_log,
        AliasForm,
        id=collection_id,
        alias=None if alias is None else _plain(alias),
        before=before,
        before_alias=before_alias,
        limit=limit + 1,
    )
    return cut(rows, limit, lambda row: (row.set_at, row.alias))


async def alias_at(tx: Tx, collection_id: int, alias: str, moment: datetime) -> AliasForm | None:
    """Return what an alias named at a moment; None when it named nothing. The caller may see the collection."""
    return await tx.one(SQL.alias_at, AliasForm, id=collection_id, alias=_plain(alias), moment=moment)


def check_alias(value: str) -> str:
    """Check an alias: 1 to 128 printable characters without `/` and `:`, and not the form of a number (`v3`)."""
    if not value.strip() or len(value) > NAME_LENGTH or not value.isprintable() or set(value) & set("/:"):
        message = f"An alias has 1 to {NAME_LENGTH} characters, none of them '/' or ':'; {value[:80]!r} can't be one."
        raise Invalid(message, field="alias")
    if _NUMBER.fullmatch(value):
        message = f"{value!r} is the name of a version by its number, which can't be given to another as an alias."
        raise Invalid(message, field="alias")
    return value


def _plain(text: str) -> str:
    """Leave out what no stored text can hold, so that a lookup finds nothing instead of failing."""
    return "".join(char for char in text if char != "\0" and not "\ud800" <= char <= "\udfff")
