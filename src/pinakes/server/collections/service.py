"""Collections themselves: made, read, listed, changed, given away, deleted and brought back.

What is in them is in `entries.py`, what they were in `revisions.py`, many lines at once in `bulk.py`, and several of
them compared in `sets.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pinakes.server import db
from pinakes.server.actor import Actor
from pinakes.server.catalog.service import get_item, hold_still, resolve_many, set_vote
from pinakes.server.collections import making, ordering, rules
from pinakes.server.collections.change import SQL, author, finish, hold, look, view, view_of, views
from pinakes.server.collections.ids import new_public_id
from pinakes.server.collections.protection import guard_all
from pinakes.server.collections.rules import fields
from pinakes.server.collections.types import Collection, Entry, FieldChanges, ItemRef, Key, Listing, Locked, Placed
from pinakes.server.db import Tx
from pinakes.server.errors import Conflict, Invalid, TitleTaken
from pinakes.server.events.service import forget, record
from pinakes.server.paging import Page, decode_cursor, encode_cursor
from pinakes.server.people.service import account
from pinakes.server.permissions.service import require, require_sign_in
from pinakes.server.permissions.table import Permission

PAGE = 100


class FieldsChanged(NamedTuple):
    """The fields that a change gave new values, as they were and as they are."""

    before: dict[str, object]
    after: dict[str, object]


async def create(
    tx: Tx,
    actor: Actor,
    *,
    owner: str | None,
    title: str,
    description: str = "",
    visibility: str = "public",
    theme: str = "orange",
    tags: Sequence[str] = (),
    kind: str = "showcase",
    reason: str | None = None,
) -> Collection:
    """Make an empty collection at the end of its owner's list (of the actor's own, when no owner is given).

    Raises:
        AccountNotFound: there is no such owner.
        Forbidden: the actor may not create there.
        TitleTaken: the owner has one of that title; `details["slug"]` is its address.
        Invalid: a field breaks the rules of this kind.
    """
    require_sign_in(actor)
    chosen = await account(tx, owner or actor.name, keep=True)
    require(actor, Permission.COLLECTION_CREATE, owner_id=chosen.id, visibility="public")
    allowed = rules.listed_entries(kind)
    if allowed.in_project:
        message = f"A {kind} belongs to a project; make it there."
        raise Invalid(message, field="kind")
    title = fields.title(title)
    values = {
        "title": title,
        "name": fields.words(title),
        "visibility": fields.visibility(visibility),
        "description": fields.text(description, "description", longest=allowed.description_length),
        "theme": fields.theme(theme),
        "tags": fields.tags(tags),
    }
    made = await tx.value(
        SQL.create,
        owner_id=chosen.id,
        name_key=fields.title_key(title),
        kind=kind,
        public_id=new_public_id(),
        after=db.json(values),
        reason=fields.reason(reason),
        **values,
        **author(actor),
    )
    if made is None:
        raise await _taken(tx, chosen.id, title)
    return await view(tx, actor, made)


async def get(tx: Tx, actor: Actor, ref: str, *, trashed: bool = False, kind: str | None = None) -> Collection:
    """Return a collection, of a kind if one is named, by its address, in any of its spellings, present or former.

    Raises:
        CollectionNotFound: there is none, or the actor may not see it.
    """
    return await look(tx, actor, ref, trashed=trashed, kind=kind)


async def get_with_entries(
    tx: Tx, actor: Actor, ref: str, *, kind: str | None = None
) -> tuple[Collection, list[Entry]]:
    """Return a collection, of a kind if one is named, and all its entries in order: two queries, however many."""
    collection = await look(tx, actor, ref, kind=kind)
    seen = view_of(actor)
    entries = await tx.all(
        SQL.entries_of,
        Entry,
        id=collection.id,
        after=None,
        limit=None,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return collection, entries


async def list_collections(
    tx: Tx, actor: Actor, listing: Listing, *, limit: int = 20, cursor: str | None = None
) -> Page[Collection]:
    """List the collections that an actor sees, by keyset: rows that move meanwhile neither repeat nor hide others.

    Raises:
        Invalid: the limit is not 1 to 100, the cursor is not one of ours, or the order needs an owner.
    """
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    keys = await _keys(tx, actor, listing, limit=limit + 1, cursor=cursor)
    found = await views(tx, actor, [key.id for key in keys[:limit]])
    rows = [found[key.id] for key in keys[:limit] if key.id in found]
    return Page(rows, _cursor(keys[limit - 1]) if len(keys) > limit else None)


async def holding(
    tx: Tx, actor: Actor, item_id: int, *, limit: int = 20, cursor: str | None = None
) -> Page[Collection]:
    """List the collections that hold an item, of those that the actor sees, the last changed first.

    Raises:
        ItemNotFound: there is no such item, or he may not see it.
    """
    await get_item(tx, actor, item_id)
    return await list_collections(tx, actor, Listing(items=[ItemRef(item_id)]), limit=limit, cursor=cursor)


async def heads(
    tx: Tx, actor: Actor, collection_ids: Sequence[int], count: int = 4, *, kinds: Sequence[str] | None = None
) -> dict[int, list[Entry]]:
    """Return the first few entries of each of several collections, in one query.

    Where `kinds` are named, only entries of such items count; for an item that is a collection, that one's kind.
    """
    seen = view_of(actor)
    found: dict[int, list[Entry]] = {collection_id: [] for collection_id in collection_ids}
    rows = await tx.all(
        SQL.heads,
        Entry,
        ids=list(collection_ids),
        count=count,
        kinds=None if kinds is None else list(kinds),
        everything=seen.everything,
        accounts=seen.accounts,
    )
    for row in rows:
        found[row.collection_id].append(row)
    return found


async def update(
    tx: Tx,
    actor: Actor,
    ref: str,
    changes: FieldChanges,
    *,
    expected: int | None = None,
    reason: str | None = None,
    kind: str | None = None,
) -> Collection:
    """Change a collection's own fields; the slug follows the title, and former slugs still find it.

    Raises:
        CollectionNotFound, Forbidden, PreconditionFailed: see `hold`.
        TitleTaken: the owner has another collection of that title.
        Invalid: a field breaks the rules; nothing is changed then.
    """
    if changes.visibility is not None:
        await hold_still(tx)
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE, expected=expected, kind=kind)
    wanted = _checked(held, changes)
    if changes.position is not None:
        await _place(tx, actor, held, fields.position(changes.position), reason)
    if changed := await write_fields(tx, held, wanted):
        await finish(tx, actor, held, "collection.updated", **changed._asdict(), item_id=held.id, reason=reason)
    return await view(tx, actor, held.id)


async def write_fields(tx: Tx, held: Locked, wanted: dict[str, object]) -> FieldsChanged | None:
    """Give a held collection new values for some fields; None when they are the same as before.

    The caller closes the change with `finish`, so that it can be one with others.
    """
    present = {name: value for name, value in asdict(held).items() if name in wanted}
    changed = {name: value for name, value in wanted.items() if present[name] != value}
    if not changed:
        return None
    values = {**asdict(held), **changed}
    title = str(values["title"])
    await tx.run(SQL.keep_fields, id=held.id, revision=held.revision + 1)
    await tx.run(SQL.set_fields, id=held.id, **{name: values[name] for name in ("description", "theme", "tags")})
    if changed.keys() & {"title", "visibility"}:
        try:
            async with tx.savepoint():
                await tx.run(
                    SQL.set_identity,
                    id=held.id,
                    title=title,
                    name=fields.words(title),
                    name_key=rules.of(held.kind).key_prefix + fields.title_key(title),
                    visibility=values["visibility"],
                )
        except db.IntegrityError as error:
            raise await _refusal(tx, error, held, title) from error
    return FieldsChanged({name: present[name] for name in changed}, changed)


async def delete(
    tx: Tx,
    actor: Actor,
    ref: str,
    *,
    expected: int | None = None,
    reason: str | None = None,
    kind: str | None = None,
) -> None:
    """Put a collection into the trash: gone for every reader, but to be brought back until it is purged.

    Raises:
        CollectionNotFound, Forbidden, PreconditionFailed: see `hold`.
        AliasProtected: it is a release, and a protected alias of its is not the actor's to end.
        Invalid: it is an artifact that has versions.
    """
    await hold_still(tx)
    held = await hold(tx, actor, ref, Permission.COLLECTION_DELETE, expected=expected, kind=kind)
    await guard_all(tx, actor, held)
    if held.kind == "artifact" and held.entry_count:
        message = f"{held.title} still has {held.entry_count} versions; delete the artifact with its versions."
        raise Invalid(message, field="collection")
    await tx.run(SQL.trash, id=held.id, by=actor.user_id)
    await finish(tx, actor, held, "collection.deleted", item_id=held.id, reason=reason)


async def restore(
    tx: Tx, actor: Actor, ref: str, *, expected: int | None = None, reason: str | None = None
) -> Collection:
    """Bring a collection back from the trash, with its order, notes and address.

    Raises:
        CollectionNotFound: it is not in a trash that the actor may look through.
        PreconditionFailed: see `hold`.
        TitleTaken: its owner has made another of that title meanwhile.
    """
    await hold_still(tx)
    held = await hold(tx, actor, ref, Permission.COLLECTION_RESTORE, expected=expected, trashed=True)
    if await tx.value(SQL.homeless, id=held.id):
        message = "What it belongs to, its project or its owner, was deleted too."
        raise Conflict(message, field="collection")
    try:
        async with tx.savepoint():
            await tx.run(SQL.untrash, id=held.id)
    except db.IntegrityError as error:
        raise await _refusal(tx, error, held, held.title) from error
    await finish(tx, actor, held, "collection.restored", item_id=held.id, reason=reason)
    return await view(tx, actor, held.id)


async def purge(tx: Tx, actor: Actor, ref: str, *, expected: int | None = None) -> None:
    """Forget a collection in the trash for good, with its history. The record keeps that it was there."""
    await _purge(tx, actor, ref, expected)


async def trashed_before(tx: Tx, days: int) -> list[int]:
    """List the collections that have been in the trash for more than so many days."""
    moment = datetime.now(UTC) - timedelta(days=days)
    return await tx.all(SQL.trashed_before, int, moment=moment)


async def purge_by_id(tx: Tx, actor: Actor, collection_id: int) -> None:
    """Forget a collection in the trash, found by `trashed_before`."""
    await _purge(tx, actor, collection_id)


async def set_resource_group(tx: Tx, actor: Actor, ref: str, group: str | None, *, kind: str | None = None) -> None:
    """Put an organization's collection under a resource group, a label of the organization's; None takes it out.

    Raises:
        Invalid: it is a user's own collection, and those have no groups.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE, kind=kind)
    if group is not None and (await view(tx, actor, held.id)).owner_kind == "user":
        message = "Only an organization's collections have resource groups."
        raise Invalid(message, field="resourceGroupId")
    former = await tx.value(
        SQL.set_resource_group,
        id=held.id,
        group=fields.text(group, "resourceGroupId", longest=200) if group is not None else None,
    )
    await record(
        tx,
        actor,
        "collection.grouped",
        item_id=held.id,
        collection_id=held.id,
        before={"resource_group": former},
        after={"resource_group": group},
    )


async def vote(tx: Tx, actor: Actor, ref: str, on: bool) -> Collection:  # noqa: FBT001 - on or off is the verb's point
    """Upvote a collection, or take the vote back; one vote a person, and repeating it is safe."""
    user_id = require_sign_in(actor)
    seen = await get(tx, actor, ref)
    require(actor, Permission.COLLECTION_VOTE, owner_id=seen.owner_id, visibility=seen.visibility)
    await set_vote(tx, user_id, seen.id, on)
    return await view(tx, actor, seen.id)


async def transfer(
    tx: Tx, actor: Actor, ref: str, owner: str, *, expected: int | None = None, reason: str | None = None
) -> Collection:
    """Give a collection to another owner, at the end of his list; the former address still finds it.

    Raises:
        CollectionNotFound, PreconditionFailed: see `hold`.
        Forbidden: the actor may not give it away, or may not create at the new owner's.
        TitleTaken: the new owner has one of that title.
    """
    await hold_still(tx)
    held = await hold(tx, actor, ref, Permission.COLLECTION_TRANSFER, expected=expected)
    if rules.listed_entries(held.kind).in_project:
        message = f"A {held.kind} stays in its project, and goes where that goes."
        raise Invalid(message, field="owner")
    chosen = await account(tx, owner, keep=True)
    require(actor, Permission.COLLECTION_CREATE, owner_id=chosen.id, visibility="public")
    if chosen.id == held.owner_id:
        return await view(tx, actor, held.id)
    await tx.run(SQL.keep_fields, id=held.id, revision=held.revision + 1)
    place = ordering.after(await tx.value(SQL.last_place, owner_id=chosen.id))[0]
    try:
        async with tx.savepoint():
            await tx.run(SQL.set_owner, id=held.id, former=held.owner_id, owner_id=chosen.id, place=place)
    except db.IntegrityError as error:
        raise await _refusal(tx, error, replace(held, owner_id=chosen.id), held.title) from error
    await finish(
        tx,
        actor,
        held,
        "collection.transferred",
        before={"owner_id": held.owner_id},
        after={"owner_id": chosen.id},
        item_id=held.id,
        reason=reason,
    )
    return await view(tx, actor, held.id)


async def copy(
    tx: Tx,
    actor: Actor,
    ref: str,
    *,
    owner: str | None = None,
    title: str | None = None,
    visibility: str | None = None,
    revision: int | None = None,
) -> Collection:
    """Make a new collection of what another holds, or held at a revision, as far as the actor sees it.

    A copy of an artifact or release is a showcase of the same versions: links and numbers stay where they were made.
    One of a selection is a selection of the same project.

    Raises:
        Invalid: it is a selection, and shall have an owner or a visibility of its own.
    """
    source = await get(tx, actor, ref)
    allowed = rules.of(source.kind)
    title = title or f"{source.title} (copy)"
    if allowed.in_project:
        if (owner or source.owner).casefold() != source.owner.casefold() or visibility not in {None, source.visibility}:
            message = f"A {source.kind} stays in its project, whose owner and visibility it has."
            raise Invalid(message, field="owner" if visibility is None else "visibility")
        container_id = await tx.value(SQL.container_of, id=source.id)
        made_id = await making.make_selection(
            tx, actor, container_id, title, description=source.description, tags=source.tags, theme=source.theme
        )
    else:
        kind = source.kind if allowed.managed is None else "showcase"
        made = await create(
            tx,
            actor,
            owner=owner,
            title=title,
            description=fields.shortened(source.description, rules.of(kind).description_length),
            visibility=visibility or source.visibility,
            theme=source.theme,
            tags=source.tags,
            kind=kind,
        )
        made_id = made.id
    held = await hold(tx, actor, made_id, Permission.COLLECTION_CURATE)
    await tx.patiently()
    seen = view_of(actor)
    count = await tx.run(
        SQL.copy_entries,
        id=held.id,
        closing_items=not allowed.in_project,
        source=source.id,
        at=source.revision if revision is None else revision,
        revision=held.revision + 1,
        by=actor.user_id,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    after: dict[str, object] = {
        "count": count,
        "items": [source.id],
        "revision": revision or source.revision,
    }
    await finish(tx, actor, held, "collection.copied", delta=count, after=after)
    return await view(tx, actor, held.id)


def _checked(held: Locked, changes: FieldChanges) -> dict[str, object]:
    """Check every changed field before any is written."""
    allowed = rules.of(held.kind)
    wanted: dict[str, object] = {}
    if changes.title is not None:
        # What is named in addresses, an artifact or a release, keeps a name that fits there.
        listed = allowed.managed is None
        wanted["title"] = fields.title(changes.title, allowed) if listed else fields.name(changes.title)
    if changes.description is not None:
        wanted["description"] = fields.text(changes.description, "description", longest=allowed.description_length)
    if changes.theme is not None:
        wanted["theme"] = fields.theme(changes.theme)
    if changes.tags is not None:
        wanted["tags"] = fields.tags(changes.tags)
    if changes.visibility is not None:
        if allowed.managed is not None or allowed.in_project:
            message = "Who sees an artifact, a release or a selection is decided by its project or registry."
            raise Invalid(message, field="visibility")
        wanted["visibility"] = fields.visibility(changes.visibility)
    if changes.position is not None:
        fields.position(changes.position)
        if allowed.in_project:
            message = f"A {held.kind} has no place in its owner's list; it is found in its project."
            raise Invalid(message, field="position")
    return wanted


async def _place(tx: Tx, actor: Actor, held: Locked, index: int, reason: str | None) -> None:
    """Move a collection to an index of its owner's list, counted among those that the actor sees."""
    seen = view_of(actor)
    around = await tx.all(
        SQL.places_around,
        bytes,
        owner_id=held.owner_id,
        id=held.id,
        skip=max(index - 1, 0),
        everything=seen.everything,
        accounts=seen.accounts,
    )
    if index == 0:
        low, high = None, around[0] if around else None
    elif around:
        low, high = around[0], around[1] if len(around) > 1 else None
    else:
        low, high = await tx.value(SQL.last_place, owner_id=held.owner_id), None
    placed = await tx.one(SQL.set_place, Placed, id=held.id, place=ordering.between(low, high)[0])
    assert placed is not None
    await record(
        tx,
        actor,
        "collection.moved",
        item_id=held.id,
        collection_id=held.id,
        before={"behind": placed.former},
        after={"behind": placed.present},
        reason=fields.reason(reason),
    )


async def _refusal(tx: Tx, error: db.IntegrityError, held: Locked, title: str) -> Exception:
    """Turn a refused row into the domain's error."""
    if db.violated(error) != "items_name_taken":
        return error
    if rules.of(held.kind).in_project:
        return await making.taken(tx, held.container_id, title)
    return await _taken(tx, held.owner_id, title)


async def _taken(tx: Tx, owner_id: int, title: str) -> Exception:
    """Say which collection has a title already."""
    slug = await tx.value(SQL.find_by_title, owner_id=owner_id, title=fields.title_key(title))
    if slug is None:  # it was deleted between the refusal and this look
        return Conflict("Another change was made at the same moment; try again.")
    message = f"There is a collection titled {title!r} already: {slug}"
    return TitleTaken(message, field="title", details={"slug": slug})


async def _purge(tx: Tx, actor: Actor, ref: str | int, expected: int | None = None) -> None:
    await hold_still(tx)
    held = await hold(tx, actor, ref, Permission.COLLECTION_PURGE, expected=expected, trashed=True)
    if await tx.value(SQL.remembered, id=held.id):
        message = "A registry has entries that say what its versions were; it stays in the trash for their sake."
        raise Conflict(message, field="collection")
    if held.kind == "artifact" and await tx.value(SQL.noted_elsewhere, id=held.id):
        message = f"Registries keep a note of what versions of {held.title} were; it stays in the trash while they do."
        raise Conflict(message, field="collection")
    await finish(tx, actor, held, "collection.purged", item_id=held.id)
    await tx.run(SQL.purge, id=held.id)
    await forget(tx, held.id)


async def _keys(tx: Tx, actor: Actor, listing: Listing, *, limit: int, cursor: str | None) -> list[Key]:
    """Find one page of ids, by the query that suits what is asked for."""
    seen = view_of(actor)
    among = await _among(tx, actor, listing)
    owners = await tx.all(SQL.owners, int, names=listing.owners) if listing.owners is not None else None
    asked: dict[str, object] = {
        "kind": listing.kind,
        "owners": owners,
        "tags": listing.tags,
        "text": listing.text,
        "trashed": listing.trashed,
        "everything": seen.everything,
        "accounts": seen.trash if listing.trashed else seen.accounts,
        "limit": limit,
        **_after(cursor),
    }
    if listing.sort == "position":
        if not owners or len(owners) != 1:
            message = "Collections have a position among those of one owner; name one owner."
            raise Invalid(message, field="sort")
        return await tx.all(SQL.page_by_place, Key, among=among, **asked)
    if listing.sort in ("trending", "upvotes"):
        return await tx.all(SQL.page_ranked, Key, among=among, trending=listing.sort == "trending", **asked)
    if among is not None:
        return await tx.all(SQL.page_recent_among, Key, among=among, **asked)
    if listing.tags:
        return await tx.all(SQL.page_recent_by_tags, Key, **asked)
    if owners is not None:
        return await tx.all(SQL.page_recent_by_owners, Key, **asked)
    return await tx.all(SQL.page_recent, Key, **asked)


async def _among(tx: Tx, actor: Actor, listing: Listing) -> list[int] | None:
    """Return the collections that hold any of the items asked for; an item that the actor can't see is in none."""
    if listing.items is None:
        return None
    named = [(ref.kind or "", ref.address or "") for ref in listing.items if ref.item_id is None]
    found = [item.id for item in await resolve_many(tx, actor, named) if item is not None]
    numbered = [ref.item_id for ref in listing.items if ref.item_id is not None]
    seen = view_of(actor)
    return await tx.all(SQL.holding, int, items=found + numbered, everything=seen.everything, accounts=seen.accounts)


def _after(cursor: str | None) -> dict[str, object]:
    """Read a cursor: the sort values of the last row that was shown."""
    if cursor is None:
        return {"after_at": None, "after_rank": None, "after_place": None, "after_id": None}
    at, rank, place, last = decode_cursor(cursor, datetime, int, bytes, int)
    return {"after_at": at, "after_rank": rank, "after_place": place, "after_id": last}


def _cursor(key: Key) -> str:
    return encode_cursor(key.updated_at, key.rank, key.place, key.id)
