"""Finding a collection, holding it for a change, and closing the change: what every verb of this room goes through.

Whoever changes a collection locks its row, so that two at once come one after the other; he closes with `finish`, which
gives the collection its next revision number and writes the record, in the same transaction. Locks are taken in one
order everywhere: first those on items (`hold` with `adding`, or `catalog.service.hold_still`), then the collection.

A live collection is brought up to date before it is read: `look` does so, by what `refresh_with` was given.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, NamedTuple

from pinakes.server.actor import Actor
from pinakes.server.collections import enforcing
from pinakes.server.collections.rules import fields
from pinakes.server.collections.types import Collection, Locked
from pinakes.server.db import Queries, Tx, json, load
from pinakes.server.errors import CollectionNotFound, PreconditionFailed
from pinakes.server.permissions.service import require, roles_allowing, sight
from pinakes.server.permissions.table import Permission

SQL: Queries = load(__package__)

_ADDRESS = re.compile(r"(?:(?P<owner>[^/]+)/)?(?:(?P<words>[^/]*)-)?(?P<public_id>[0-9a-f]{24})", re.IGNORECASE)
_WORDS = re.compile(r"(?P<owner>[^/\0]+)/(?P<words>[^/\0]+)")

# How many items an event names one by one; a larger change is counted, and its revision says the rest.
NAMED_IN_EVENT = 100

ONE_CALL = 1001
BULK = 1002

# Brings a live collection up to date for whoever is about to read it; says whether anything changed.
Refresh = Callable[[Tx, Actor, Collection], Awaitable[bool]]
_refreshing: list[Refresh] = []


def refresh_with(refresh: Refresh) -> None:
    """Say how live collections are brought up to date; the one who keeps them does, when it is imported."""
    _refreshing[:] = [refresh]


async def up_to_date(tx: Tx, actor: Actor, collection: Collection) -> Collection:
    """Return a collection that is about to be read, brought up to date where it is live; no query for others."""
    if not collection.is_live or collection.deleted_at is not None or not _refreshing:
        return collection
    if not await _refreshing[0](tx, actor, collection):
        return collection
    return await _seen(tx, actor, Address(collection.id), trashed=False)


class View(NamedTuple):
    """How an actor looks at collections, as the queries take it."""

    everything: bool
    accounts: list[int]
    trash: list[int]
    user_id: int | None


def view_of(actor: Actor) -> View:
    """Return how an actor looks at collections: what he may read, and whose trash he may look through."""
    seen = sight(actor)
    return View(seen.everything, seen.accounts, roles_allowing(actor, Permission.COLLECTION_RESTORE), actor.user_id)


class Address(NamedTuple):
    """What an address says: the public id and, where it says so, the owner; or the id, where it had to be looked up."""

    collection_id: int | None = None
    public_id: str | None = None
    owner: str | None = None


async def views(
    tx: Tx, actor: Actor, ids: list[int] | None, *, public_id: str | None = None, placed: bool = False
) -> dict[int, Collection]:
    """Return collections as an actor sees them, by id; those that he does not see are left out."""
    seen = view_of(actor)
    rows = await tx.all(SQL.views, Collection, ids=ids, public_id=public_id, placed=placed, **seen._asdict())
    return {row.id: row for row in rows}


async def view(tx: Tx, actor: Actor, collection_id: int) -> Collection:
    """Return one collection as an actor sees it, by its id.

    Raises:
        CollectionNotFound: he may not see it, or it is in the trash.
    """
    return await _seen(tx, actor, Address(collection_id), trashed=False)


async def look(tx: Tx, actor: Actor, ref: str, *, trashed: bool = False, kind: str | None = None) -> Collection:
    """Return one collection as an actor sees it, by an address: `ID`, `words-ID`, `owner/words-ID` or `owner/words`.

    The words before the id do not count, so every former slug finds it; an owner must be or have been its owner.

    Raises:
        CollectionNotFound: there is none (of that kind, when one is named), he may not see it, or it is in the trash
            (unless `trashed`).
    """
    found = await _seen(tx, actor, await _address(tx, ref), trashed=trashed)
    if kind is not None and found.kind != kind:
        raise CollectionNotFound
    return await up_to_date(tx, actor, found)


async def hold(
    tx: Tx,
    actor: Actor,
    ref: str | int,
    permission: Permission,
    *,
    adding: Literal[1001, 1002] | None = None,
    expected: int | None = None,
    trashed: bool = False,
    kind: str | None = None,
) -> Locked:
    """Lock a collection for a change, after checking that the actor may make it.

    Args:
        tx: The transaction that will make the change.
        actor: Who makes it.
        ref: Which collection, by address or id.
        permission: What he needs to be allowed.
        adding: For a change that adds items: `ONE_CALL` or `BULK`, the lock that keeps items from closing meanwhile.
        expected: The revision that he believes to be the present one, if he said so.
        trashed: Whether the collection is to be one in the trash.
        kind: Which kind of collection it is to be, for callers who know one only.

    Raises:
        CollectionNotFound: there is none, or he may not see it.
        Forbidden: he may not make this change.
        PreconditionFailed: the collection has changed since he looked.
    """
    if adding == BULK:
        await tx.patiently()
    address = Address(ref) if isinstance(ref, int) else await _address(tx, ref)
    held = await tx.one(SQL.hold, Locked, id=address.collection_id, public_id=address.public_id, adding=adding)
    if held is None or (held.deleted_at is not None) != trashed or (kind is not None and held.kind != kind):
        raise CollectionNotFound
    await _check_owner(tx, address, held.owner)
    visibility = "private" if trashed else held.visibility
    require(actor, permission, owner_id=held.owner_id, visibility=visibility, missing=CollectionNotFound)
    if expected is not None and expected != held.revision:
        message = f"The collection is at revision {held.revision}, not {expected}; read it again."
        raise PreconditionFailed(message, details={"revision": held.revision, "expected": expected})
    return held


def public_id_of(ref: str) -> Address | None:
    """Read an address that has an id in it; None when it has none."""
    match = _ADDRESS.fullmatch(ref)
    return Address(public_id=match["public_id"].lower(), owner=match["owner"]) if match and "\0" not in ref else None


async def _address(tx: Tx, ref: str) -> Address:
    """Read an address; only one without an id is looked up."""
    if match := _ADDRESS.fullmatch(ref):
        return Address(public_id=match["public_id"].lower(), owner=match["owner"])
    match = _WORDS.fullmatch(ref)
    found = await tx.value(SQL.find_by_words, owner=match["owner"], words=match["words"]) if match else None
    if found is None:
        raise CollectionNotFound
    return Address(found)


async def _check_owner(tx: Tx, address: Address, owner: str) -> None:
    """Raise unless the owner in an address is the collection's, or was."""
    if address.owner is None or address.owner.casefold() == owner.casefold():
        return
    if "\0" in address.owner or not await tx.value(SQL.was_owner, public_id=address.public_id, owner=address.owner):
        raise CollectionNotFound


async def _seen(tx: Tx, actor: Actor, address: Address, *, trashed: bool) -> Collection:
    ids = None if address.collection_id is None else [address.collection_id]
    found = next(iter((await views(tx, actor, ids, public_id=address.public_id, placed=True)).values()), None)
    if found is None or (found.deleted_at is not None and not trashed):
        raise CollectionNotFound
    await _check_owner(tx, address, found.owner)
    return found


def author(actor: Actor) -> dict[str, object]:
    """Return who makes a change, as the queries that record it take it."""
    return {
        "actor_id": actor.user_id,
        "token_id": actor.token_id,
        "api": actor.api,
        "request_id": actor.request_id,
    }


async def finish(
    tx: Tx,
    actor: Actor,
    held: Locked,
    verb: str,
    *,
    delta: int = 0,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    item_id: int | None = None,
    reason: str | None = None,
) -> int:
    """Give a held collection its next revision and count, record the change, and return the revision's number.

    Raises:
        CheckFailed: a check of the collection's refuses the change; the caller's transaction is not to be committed.
    """
    revision = held.revision + 1
    await tx.run(
        SQL.finish,
        id=held.id,
        revision=revision,
        delta=delta,
        verb=verb,
        **author(actor),
        item_id=item_id,
        before=json(before) if before is not None else None,
        after=json(after) if after is not None else None,
        reason=fields.reason(reason),
    )
    if held.has_checks:
        await enforcing.enforce(tx, actor, held, delta)
    return revision
