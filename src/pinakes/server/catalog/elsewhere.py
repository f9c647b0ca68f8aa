"""What this server knows only by name: buckets, and references to things that live elsewhere."""

from __future__ import annotations

from pinakes.server.actor import Actor
from pinakes.server.catalog import addresses, checks
from pinakes.server.catalog.lookup import (
    SQL,
    create,
    creating_owner,
    delete,
    get_item,
    hold,
    list_items,
    lock,
    owner_filter,
    record_changes,
    resolve,
)
from pinakes.server.catalog.types import Item, ItemListing, Reference, ReferenceChanges
from pinakes.server.db import Tx
from pinakes.server.errors import AccountNotFound, ItemNotFound
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.service import sight
from pinakes.server.permissions.table import Permission


async def create_bucket(
    tx: Tx, actor: Actor, owner: str, name: str, *, visibility: str = "public", title: str = ""
) -> Item:
    """Make a bucket known by its name.

    Raises:
        Invalid: a field is not what it should be.
        AccountNotFound, Unauthenticated, Forbidden: the actor may not create there.
        NameTaken: the owner has one of that name; details say how its address is spelled (`address`).
    """
    addresses.new_name(name)
    visibility, title = checks.visibility(visibility), checks.title(title)
    owner_id = await creating_owner(tx, actor, owner)
    item_id = await create(tx, actor, "bucket", owner_id, name, title=title, visibility=visibility)
    return await get_item(tx, actor, item_id)


async def get_bucket(tx: Tx, actor: Actor, address: str) -> Item:
    """Return a bucket.

    Raises:
        ItemNotFound: there is none that the actor sees.
    """
    return await resolve(tx, actor, "bucket", address)


async def list_buckets(
    tx: Tx,
    actor: Actor,
    owner: str | None = None,
    text: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Item]:
    """List the buckets that the actor sees, newest first; `text` as in `RepoListing.search`.

    Raises:
        Invalid: (fields `q`, `cursor`) the text or the cursor is malformed.
    """
    return await list_items(tx, actor, ItemListing(kinds=["bucket"], owner=owner, text=text), limit, cursor)


async def update_bucket(
    tx: Tx, actor: Actor, address: str, *, visibility: str | None = None, title: str | None = None
) -> Item:
    """Give a bucket new values; None leaves one as it is.

    Raises:
        Invalid: a field is not what it should be.
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not change it.
        Conflict: somebody else changed it at the same moment.
    """
    item = await resolve(tx, actor, "bucket", address)
    await _update(tx, actor, item, visibility, title, [])
    return await get_item(tx, actor, item.id)


async def delete_bucket(tx: Tx, actor: Actor, address: str) -> None:
    """Forget a bucket.

    Raises:
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not delete it.
        Conflict: somebody else changed it at the same moment.
    """
    await _delete(tx, actor, "bucket", address)


async def create_reference(
    tx: Tx,
    actor: Actor,
    owner: str,
    name: str,
    *,
    kind_there: str,
    url: str,
    title: str = "",
    visibility: str = "public",
) -> Reference:
    """Make known what lives elsewhere: a dashboard, a file in a store, a page.

    Args:
        tx: Where to write.
        actor: Who creates it.
        owner: The name of the account that it belongs to.
        name: Its name there.
        kind_there: What it is where it lives, in a word of the caller's choice.
        url: Where it lives (http, https, s3, gs).
        title: Its title.
        visibility: public or private.

    Raises:
        Invalid: a field is not what it should be.
        AccountNotFound, Unauthenticated, Forbidden: the actor may not create there.
        NameTaken: the owner has one of that name; details say how its address is spelled (`address`).
    """
    addresses.new_name(name)
    kind_there, url = checks.kind_there(kind_there), checks.url(url)
    visibility, title = checks.visibility(visibility), checks.title(title)
    owner_id = await creating_owner(tx, actor, owner)
    item_id = await create(tx, actor, "reference", owner_id, name, title=title, visibility=visibility)
    await tx.run(SQL.create_reference_facts, id=item_id, target_kind=kind_there, url=url)
    return await _reference(tx, item_id)


async def get_reference(tx: Tx, actor: Actor, address: str) -> Reference:
    """Return a reference.

    Raises:
        ItemNotFound: there is none that the actor sees.
    """
    return await _reference(tx, (await resolve(tx, actor, "reference", address)).id)


async def list_references(
    tx: Tx,
    actor: Actor,
    owner: str | None = None,
    text: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Reference]:
    """List the references that the actor sees, newest first; `text` as in `RepoListing.search`.

    Raises:
        Invalid: (fields `q`, `cursor`) the text or the cursor is malformed.
    """
    words = checks.words([text or ""], "q")
    below = decode_cursor(cursor, int)[0] if cursor else None
    try:
        owner_id = await owner_filter(tx, owner)
    except AccountNotFound:
        return Page([])
    seen = sight(actor)
    rows = await tx.all(
        SQL.references,
        Reference,
        owner_id=owner_id,
        patterns=checks.patterns(words),
        below=below,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return cut(rows, limit, lambda reference: (reference.id,))


async def update_reference(tx: Tx, actor: Actor, address: str, changes: ReferenceChanges) -> Reference:
    """Give a reference new values.

    Raises:
        Invalid: a field is not what it should be.
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not change it.
        Conflict: somebody else changed it at the same moment.
    """
    item = await resolve(tx, actor, "reference", address)
    before = await _reference(tx, item.id)
    kind_there = None if changes.kind_there is None else checks.kind_there(changes.kind_there)
    url = None if changes.url is None else checks.url(changes.url)
    changed = [
        name
        for name, new, old in (("target_kind", kind_there, before.target_kind), ("url", url, before.url))
        if new not in (None, old)
    ]
    await _update(tx, actor, item, changes.visibility, changes.title, changed)
    await tx.run(SQL.update_reference_facts, id=item.id, target_kind=kind_there, url=url)
    return await _reference(tx, item.id)


async def delete_reference(tx: Tx, actor: Actor, address: str) -> None:
    """Delete a reference; what it refers to stays where it is.

    Raises:
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not delete it.
        Conflict: somebody else changed it at the same moment.
    """
    await _delete(tx, actor, "reference", address)


async def _reference(tx: Tx, item_id: int) -> Reference:
    reference = await tx.one(SQL.reference, Reference, id=item_id)
    if reference is None:
        raise ItemNotFound
    return reference


async def _update(
    tx: Tx, actor: Actor, item: Item, visibility: str | None, title: str | None, changed: list[str]
) -> None:
    permissions.require(
        actor, Permission.ITEM_UPDATE, owner_id=item.owner_id, visibility=item.visibility, missing=ItemNotFound
    )
    visibility = None if visibility is None else checks.visibility(visibility)
    title = None if title is None else checks.title(title)
    flips = visibility if visibility != item.visibility else None
    await (hold(tx, item) if flips else lock(tx, item))
    fields = [*changed, *(["title"] if title not in (None, item.title) else [])]
    if flips is None and not fields:
        return
    await tx.run(SQL.touch_item, id=item.id, title=title, visibility=flips)
    await record_changes(tx, actor, item, flips, fields)


async def _delete(tx: Tx, actor: Actor, kind: str, address: str) -> None:
    item = await resolve(tx, actor, kind, address)
    permissions.require(
        actor, Permission.ITEM_DELETE, owner_id=item.owner_id, visibility=item.visibility, missing=ItemNotFound
    )
    await delete(tx, actor, item)
