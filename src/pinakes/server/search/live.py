"""Live collections: their queries run, and what people do with them.

A live collection is brought up to date by whoever reads it when it is older than a second, unless somebody else is at
it; its query sees what the account that owns it may read. One that can't run (the collection that it names is gone)
leaves the entries as they are, and the collection says why. The module registers with the room `collections` when it is
imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import cast

from pinakes.server.actor import Actor, system
from pinakes.server.catalog.media_types import KIND_OF
from pinakes.server.collections import change, live as state, rules, service
from pinakes.server.collections.change import ONE_CALL, hold, look
from pinakes.server.collections.combining import OPERATIONS, combined_items
from pinakes.server.collections.live_types import Live
from pinakes.server.collections.types import Addition, Collection, ItemRef, Locked
from pinakes.server.db import Tx, load
from pinakes.server.errors import CheckFailed, Invalid, NotFound
from pinakes.server.permissions.service import allows
from pinakes.server.permissions.table import Permission
from pinakes.server.search import language
from pinakes.server.search.filters import EVERYTHING, Expression
from pinakes.server.search.items import ids_of, order_of
from pinakes.server.search.naming import Bound, bound

SQL = load(__package__, "live.sql")

# What a live collection follows at most.
MOST = 1_000_000

# The collections that are being brought up to date here: one is made of others, which are brought up to date first.
_under_way: ContextVar[frozenset[int]] = ContextVar("live_collections_under_way", default=frozenset())


async def start(
    tx: Tx,
    actor: Actor,
    ref: str,
    *,
    query: str = "",
    sort: str | None = None,
    source: Mapping[str, object] | None = None,
    expected: int | None = None,
    reason: str | None = None,
) -> Live:
    """Make a collection live: from now on it holds what a query finds, below what is in it now, which gets pinned.

    Args:
        tx: The transaction.
        actor: Who does so; he may change the collection.
        ref: The collection's address.
        query: What it shall follow, in the query language.
        sort: The order of what is found: one of `items.SORTS`, with a `-` in front to turn it.
        source: How it shall be made of other collections: `op` (union, intersection, difference) and `collections`,
            their numbers. With a query too, of what they hold together only what the query finds.
        expected: The revision that he believes to be the present one.
        reason: Why, for the record.

    Raises:
        CollectionNotFound, Forbidden, PreconditionFailed: see `hold`.
        Invalid: (fields `query`, `sort`, `source`, `collection`) it can't be read or run, the collection is of a kind
            whose entries no query could choose, or it would be made of itself.
        Conflict: it is live already.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE, adding=ONE_CALL, expected=expected)
    state.refuse_managed(held)
    given = _source(source)
    made_of = await _checked(tx, actor, held, query, sort, given)
    held = await state.start(
        tx, actor, held, query=query.strip(), sort=_sort(sort), source=given, made_of=made_of, reason=reason
    )
    await _brought_up_to_date(tx, held)
    return await state.shown(tx, actor, held.id)


async def get(tx: Tx, actor: Actor, ref: str) -> Live:
    """Return what a live collection follows, and what is pinned and banned, as far as an actor sees it.

    What it follows, and why that failed, is for those who may curate it: it names what others may not see.

    Raises:
        CollectionNotFound: there is none that he sees, or it is not live.
    """
    found = await look(tx, actor, ref)
    live = await state.shown(tx, actor, found.id)
    if allows(actor, Permission.COLLECTION_CURATE, owner_id=found.owner_id, visibility=found.visibility):
        return live
    failed = live.failed and "It can't be brought up to date just now."
    return replace(live, query="", sort="", source=None, failed=failed)


async def follow(
    tx: Tx,
    actor: Actor,
    ref: str,
    *,
    query: str | None = None,
    sort: str | None = None,
    source: Mapping[str, object] | None = None,
    expected: int | None = None,
    reason: str | None = None,
) -> Live:
    """Let a live collection follow another query, order or source; what is None stays as it is.

    Raises:
        CollectionNotFound: there is none that the actor sees, or it is not live.
        Invalid: see `start`; nothing is changed then.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE, adding=ONE_CALL, expected=expected)
    former = await state.kept(tx, held.id)
    new = former.query if query is None else query.strip()
    order = former.sort if sort is None else _sort(sort)
    given = former.source if source is None else _source(source)
    made_of = await _checked(tx, actor, held, new, order, given)
    held = await state.follow(tx, actor, held, query=new, sort=order, source=given, made_of=made_of, reason=reason)
    await _brought_up_to_date(tx, held)
    return await state.shown(tx, actor, held.id)


async def refresh(tx: Tx, actor: Actor, ref: str) -> Live:
    """Bring a live collection up to date at once, however fresh it is.

    Raises:
        CollectionNotFound: there is none that the actor sees, or it is not live.
        Forbidden: he may not curate it.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE, adding=ONE_CALL)
    await state.kept(tx, held.id)
    await _brought_up_to_date(tx, held)
    return await state.shown(tx, actor, held.id)


async def pin(
    tx: Tx,
    actor: Actor,
    ref: str,
    additions: Sequence[Addition],
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> Live:
    """Pin items above what the query finds, with notes perhaps; all of them, or none.

    Raises:
        CollectionNotFound: there is none that the actor sees, or it is not live.
        ItemNotFound, Invalid: one of them does not exist, or can't be put into this collection.
    """
    held, found = await _held(tx, actor, ref, expected)
    await state.pin(tx, actor, held, additions, found, reason=reason)
    return await _settled(tx, actor, held.id)


async def unpin(
    tx: Tx, actor: Actor, ref: str, items: Sequence[int], *, expected: int | None = None, reason: str | None = None
) -> Live:
    """Take pins back: those items stay if the query finds them, at their place in its order. Repeating it is safe."""
    held, found = await _held(tx, actor, ref, expected)
    await state.no_longer(tx, actor, held, items, found, pinned=True, reason=reason)
    return await _settled(tx, actor, held.id)


async def ban(
    tx: Tx,
    actor: Actor,
    ref: str,
    refs: Sequence[ItemRef],
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> Live:
    """Ban items: they leave, pinned or found, and do not come back; all of them, or none.

    Raises:
        CollectionNotFound: there is none that the actor sees, or it is not live.
        ItemNotFound, Invalid: one of them does not exist.
    """
    held, found = await _held(tx, actor, ref, expected)
    await state.ban(tx, actor, held, refs, found, reason=reason)
    return await _settled(tx, actor, held.id)


async def unban(
    tx: Tx, actor: Actor, ref: str, items: Sequence[int], *, expected: int | None = None, reason: str | None = None
) -> Live:
    """Take bans back: those items come again if the query finds them. Repeating it is safe."""
    held, found = await _held(tx, actor, ref, expected)
    await state.no_longer(tx, actor, held, items, found, pinned=False, reason=reason)
    return await _settled(tx, actor, held.id)


async def end(tx: Tx, actor: Actor, ref: str, *, expected: int | None = None, reason: str | None = None) -> Collection:
    """Let a live collection be an ordinary one, with the entries that it has.

    Raises:
        CollectionNotFound: there is none that the actor sees, or it is not live.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE, adding=ONE_CALL, expected=expected)
    await state.kept(tx, held.id)
    held = await _brought_up_to_date(tx, held)
    await state.end(tx, actor, held, reason=reason)
    return await change.view(tx, actor, held.id)


async def freeze(
    tx: Tx,
    actor: Actor,
    ref: str,
    *,
    title: str | None = None,
    owner: str | None = None,
    visibility: str | None = None,
) -> Collection:
    """Make an ordinary collection of what a live one holds now, as far as the actor sees it.

    Raises:
        CollectionNotFound: there is none that he sees, or it is not live.
        TitleTaken, Forbidden, Invalid: see `service.copy`.
    """
    found = await look(tx, actor, ref)
    await state.kept(tx, found.id)
    return await service.copy(tx, actor, ref, title=title, owner=owner, visibility=visibility, revision=found.revision)


async def refresh_if_stale(tx: Tx, collection_id: int) -> bool:
    """Bring a collection up to date if it is live and older than a second; tell whether anything changed.

    It does not wait for somebody else who is at it. A query that can't run is noted with the collection.
    """
    if collection_id in _under_way.get() or not await state.is_stale(tx, collection_id):
        return False
    async with tx.savepoint():
        if not await state.try_hold(tx, collection_id) or not await state.is_stale(tx, collection_id):
            return False
        held = await hold(tx, _SYSTEM, collection_id, Permission.COLLECTION_CURATE)
        before = held.revision
        return (await _brought_up_to_date(tx, held)).revision != before


async def _refresh_for(tx: Tx, actor: Actor, collection: Collection) -> bool:
    """Bring a live collection up to date for whoever is about to read it."""
    _ = actor
    return await refresh_if_stale(tx, collection.id)


async def _held(tx: Tx, actor: Actor, ref: str, expected: int | None) -> tuple[Locked, list[int] | None]:
    """Hold a live collection for a change by hand, in line with what its query finds; return that, if it can run."""
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE, adding=ONE_CALL, expected=expected)
    await state.kept(tx, held.id)
    try:
        found = await _found(tx, held)
    except (Invalid, NotFound) as error:
        await state.note_failure(tx, held.id, error.message)
        return held, None
    return await state.refresh(tx, held, found), found


async def _settled(tx: Tx, actor: Actor, collection_id: int) -> Live:
    """Return a live collection after a change by hand, which is the last revision that a refresh needs to look at."""
    await tx.run(SQL.settle, id=collection_id)
    return await state.shown(tx, actor, collection_id)


async def _brought_up_to_date(tx: Tx, held: Locked) -> Locked:
    """Run the query of a held live collection, and write what differs; what can't be done is noted with it."""
    try:
        found = await _found(tx, held)
        async with tx.savepoint():
            return await state.refresh(tx, held, found)
    except (Invalid, NotFound, CheckFailed) as error:
        await state.note_failure(tx, held.id, error.message)
        return held


async def _found(tx: Tx, held: Locked) -> list[int]:
    """Return what the query and the source of a live collection find, in order, in the eyes of its owner.

    Raises:
        Invalid, NotFound: the query can't run, or finds too much.
    """
    kept = await state.kept(tx, held.id)
    token = _under_way.set(_under_way.get() | {held.id})
    try:
        found: list[int] | None = None
        if kept.source is not None:
            found = await _combined(tx, held, kept.source)
        if kept.query:
            names = await _bound(tx, held, language.parse(kept.query))
            matching = await _matching(tx, held, names, kept.sort)
            among = None if found is None else set(found)
            found = [item for item in matching if among is None or item in among]
    finally:
        _under_way.reset(token)
    return found or []


async def _combined(tx: Tx, held: Locked, source: Mapping[str, object]) -> list[int]:
    collections = cast("list[int]", source["collections"])
    return await combined_items(tx, state.keeper(held.owner_id), str(source["op"]), collections)


async def _bound(tx: Tx, held: Locked, expression: Expression) -> Bound:
    project = held.container_id if rules.of(held.kind).in_project else None
    return await bound(tx, state.keeper(held.owner_id), expression, project_id=project)


async def _matching(tx: Tx, held: Locked, names: Bound, sort: str) -> list[int]:
    """Return what a query finds of what may enter a collection."""
    project, kinds = None, list(rules.of(held.kind).accepts)
    if rules.of(held.kind).in_project:
        project = held.container_id
        kinds = [KIND_OF[await tx.value(SQL.data_type, id=held.id)]]
    found = await ids_of(
        tx, state.keeper(held.owner_id), names, project_id=project, kinds=kinds, sort=sort, limit=MOST + 1
    )
    if len(found) > MOST:
        message = f"The query finds more than {MOST} items, which is more than a live collection follows."
        raise Invalid(message, field="query")
    return found


async def _checked(
    tx: Tx, actor: Actor, held: Locked, query: str, sort: str | None, source: Mapping[str, object] | None
) -> list[int]:
    """Check that a query can run, and return the collections that it and the source name.

    Raises:
        Invalid: it can't, or there is nothing to follow.
    """
    expression = language.parse(query)
    if expression == EVERYTHING and source is None:
        message = "Say what the collection shall follow: a query such as kind:image, or other collections."
        raise Invalid(message, field="query")
    names = await _bound(tx, held, expression)
    order = order_of(sort)
    if order.field == "score" and len(names.collections) != 1:
        message = "The order by score is that of entries: name one collection in the query, with in:."
        raise Invalid(message, field="sort")
    sources = cast("list[int]", source["collections"]) if source is not None else []
    seen = await change.views(tx, actor, sources)
    if missing := [number for number in sources if number not in seen or seen[number].deleted_at is not None]:
        message = f"There is no collection {missing[0]} that you can see."
        raise Invalid(message, field="source")
    return [*names.collections, *sources]


def _sort(sort: str | None) -> str:
    order = order_of(sort)
    return "" if order == order_of("") else f"{'-' if order.descending else ''}{order.field}"


def _source(source: Mapping[str, object] | None) -> dict[str, object] | None:
    """Check how a collection is to be made of others.

    Raises:
        Invalid: (field `source`) there is no such operation, or they are not 2 to 20 numbers of collections.
    """
    if source is None:
        return None
    numbers = source.get("collections")
    good = isinstance(numbers, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**31 for one in cast("list[object]", numbers)
    )
    if set(source) != {"op", "collections"} or source["op"] not in OPERATIONS or not good:
        message = f"A source says op, one of {', '.join(OPERATIONS)}, and collections, a list of their numbers."
        raise Invalid(message, field="source")
    listed = cast("list[int]", numbers)
    if not 2 <= len(listed) <= 20:  # noqa: PLR2004 - as for set operations
        message = f"A collection is made of 2 to 20 others, not of {len(listed)}."
        raise Invalid(message, field="source")
    return {"op": source["op"], "collections": listed}


_SYSTEM = system()

change.refresh_with(_refresh_for)
state.refresh_with(refresh_if_stale)
