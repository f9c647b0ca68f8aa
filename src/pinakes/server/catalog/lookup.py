"""Finding items, and what every change of one has to do first: shared by the groups of verbs in this room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.catalog import addresses, checks
from pinakes.server.catalog.types import KINDS, Item, ItemListing
from pinakes.server.db import Tx, load
from pinakes.server.errors import AccountNotFound, Conflict, Invalid, ItemNotFound, NameTaken
from pinakes.server.events import service as events
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people import service as people
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.service import sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__)

# Where a first page begins: behind everything.
LAST_ID = 2**31 - 1
LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)


async def resolve_many(tx: Tx, actor: Actor, refs: Sequence[tuple[str, str]]) -> list[Item | None]:
    """Find what many addresses stand for, in one query.

    Args:
        tx: Where to read.
        actor: Who asks.
        refs: Pairs of kind and address, in any spelling: a plural prefix, any case, a former address of a repo, a
            collection's public id, slug, or owner and words (then the newest of that name).

    Returns:
        An item per pair, in their order; None where the actor finds nothing, and where nothing could be (an unknown
        kind, a malformed address).
    """
    parsed = [addresses.parse(kind, address) for kind, address in refs]
    asked = [(n, address) for n, address in enumerate(parsed) if address is not None]
    found: list[Item | None] = [None] * len(parsed)
    if not asked:
        return found
    seen = sight(actor)
    rows = await tx.all(
        SQL.resolve,
        _item,
        kinds=[a.kind for _, a in asked],
        owners=[a.owner for _, a in asked],
        names=[a.name for _, a in asked],
        public_ids=[a.public_id for _, a in asked],
        everything=seen.everything,
        accounts=seen.accounts,
    )
    for (n, _), row in zip(asked, rows, strict=True):
        found[n] = row
    return found


async def resolve(tx: Tx, actor: Actor, kind: str, address: str) -> Item:
    """Find what an address stands for; see `resolve_many` for the spellings.

    The answer has another address than was asked for where the item moved.

    Raises:
        Invalid: (field `kind`) there is no such kind.
        ItemNotFound: the actor finds nothing there.
    """
    if kind not in KINDS:
        message = f"The kind is one of: {', '.join(KINDS)}."
        raise Invalid(message, field="kind")
    item = (await resolve_many(tx, actor, [(kind, address)]))[0]
    if item is None:
        raise ItemNotFound(details={"kind": kind, "address": address})
    return item


async def get_item(tx: Tx, actor: Actor, item_id: int) -> Item:
    """Return an item by its number.

    Raises:
        ItemNotFound: there is none that the actor sees.
    """
    seen = sight(actor)
    item = None
    if 0 < item_id <= LAST_ID:
        item = await tx.one(SQL.item, Item, id=item_id, everything=seen.everything, accounts=seen.accounts)
    if item is None:
        raise ItemNotFound
    return item


async def list_items(
    tx: Tx, actor: Actor, listing: ItemListing, limit: int = 100, cursor: str | None = None
) -> Page[Item]:
    """List the items that the actor sees, newest first.

    Raises:
        Invalid: (fields `kind`, `q`, `cursor`) there is no such kind, the text or the cursor is malformed.
    """
    for kind in listing.kinds or ():
        if kind not in KINDS:
            message = f"The kind is one of: {', '.join(KINDS)}."
            raise Invalid(message, field="kind")
    words = checks.words([listing.text or ""], "q")
    below = decode_cursor(cursor, int)[0] if cursor else None
    try:
        owner_id = await owner_filter(tx, listing.owner)
    except AccountNotFound:
        return Page([])
    seen = sight(actor)
    rows = await tx.all(
        SQL.items,
        Item,
        kinds=listing.kinds,
        owner_id=owner_id,
        patterns=checks.patterns(words),
        below=below,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return cut(rows, limit, lambda item: (item.id,))


async def hold_still(tx: Tx) -> None:
    """Keep items from changing how collections see them, until the transaction ends.

    Whoever flips an item's visibility, deletes it or changes its owner calls this before he takes any other lock.
    """
    await tx.run(SQL.hold_still)


async def hold(tx: Tx, item: Item) -> None:
    """Hold still and lock an item that was read before.

    Raises:
        Conflict: it has changed since.
    """
    await hold_still(tx)
    await lock(tx, item)


async def lock(tx: Tx, item: Item) -> None:
    """Lock an item that was read before.

    Raises:
        Conflict: it has changed since.
    """
    locked = await tx.value(
        SQL.lock_item, id=item.id, owner_id=item.owner_id, name=item.name, visibility=item.visibility
    )
    if locked is None:
        message = "Somebody else changed it at the same moment; try again."
        raise Conflict(message)


async def owner_filter(tx: Tx, owner: str | None) -> int | None:
    """Return the id of the account whose things are to be listed; None for everybody's.

    Raises:
        AccountNotFound: nobody has that name.
    """
    return None if owner is None else (await people.account(tx, owner)).id


async def creating_owner(tx: Tx, actor: Actor, owner: str | None) -> int | None:
    """Return the id of the account that is to own something new, having asked whether the actor may create it there.

    Raises:
        AccountNotFound: nobody has that name.
        Unauthenticated, Forbidden: the actor may not.
    """
    if owner is None:
        permissions.require_server(actor)
        return None
    account = await people.account(tx, owner, keep=True)
    permissions.require(actor, Permission.ITEM_CREATE, owner_id=account.id, visibility="public")
    return account.id


async def create(
    tx: Tx, actor: Actor, kind: str, owner_id: int | None, name: str, *, title: str, visibility: str
) -> int:
    """Make the identity of something new and record it; return its number.

    Raises:
        NameTaken: its address is taken; details say which (`address`).
    """
    item_id = await tx.value(
        SQL.create_item, kind=kind, owner_id=owner_id, name=name, title=title, visibility=visibility
    )
    if item_id is None:
        raise await taken(tx, kind, owner_id, name)
    await events.record(
        tx,
        actor,
        "item.created",
        account_id=owner_id,
        item_id=item_id,
        after={"kind": kind, "visibility": visibility},
    )
    return int(item_id)


async def taken(tx: Tx, kind: str, owner_id: int | None, name: str) -> NameTaken:
    """Build the error for an address that something else has."""
    address = await tx.value(SQL.address_in_use, kind=kind, owner_id=owner_id, name=name) or name
    noun = f"{kind} repository" if kind in addresses.REPO_KINDS else kind
    message = f"{'An' if noun[0] in 'aeiou' else 'A'} {noun} called {address} already exists"
    return NameTaken(message, field="name", details={"kind": kind, "address": address})


async def delete(tx: Tx, actor: Actor, item: Item) -> None:
    """Delete an item that the actor may delete: its name is free at once, its entries vanish from collections."""
    await hold(tx, item)
    await tx.run(SQL.delete_item, id=item.id, actor_id=actor.user_id)
    await tx.run(SQL.forget_redirect, kind=item.kind, owner_id=item.owner_id, name=item.name, only_to=None)
    await events.record(
        tx, actor, "item.deleted", account_id=item.owner_id, item_id=item.id, before={"visibility": item.visibility}
    )


async def record_changes(tx: Tx, actor: Actor, item: Item, visibility: str | None, fields: Iterable[str]) -> None:
    """Record that an item's visibility or other fields changed. Only which fields: their values may be secret."""
    if visibility is not None:
        await events.record(
            tx,
            actor,
            "item.shown" if visibility == "public" else "item.hidden",
            account_id=item.owner_id,
            item_id=item.id,
            before={"visibility": item.visibility},
            after={"visibility": visibility},
        )
    if changed := sorted(fields):
        after = {"fields": changed}
        await events.record(tx, actor, "item.updated", account_id=item.owner_id, item_id=item.id, after=after)


def _item(*columns: Any) -> Item | None:  # noqa: ANN401 - a row of the query, all null where nothing was found
    return None if columns[0] is None else Item(*columns)
