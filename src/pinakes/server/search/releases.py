"""The search in registries and projects: what fits a filter, in the order and by the pages that are asked for.

What a reader may not see is in no page and no count; whoever reads a registry sees all that is linked in it, wherever
it comes from. A version shows from its commit to its deletion. Answers are numbers, by which the rooms read the rest.

A page begins behind the row that its cursor names: by what the rows are sorted by, and by what tells apart those that
are sorted by the same. So a cursor stays good for another size of page and for the same filter in other words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from typing import Generic, LiteralString, Protocol, TypeVar

from pinakes.server.actor import Actor
from pinakes.server.db import Part, Query, Tx, load
from pinakes.server.errors import Invalid
from pinakes.server.paging import decode_cursor, encode_cursor
from pinakes.server.permissions.service import sight
from pinakes.server.search.fields import Json, Number, Sortable, Text, Time, Words
from pinakes.server.search.filters import EVERYTHING, Expression, Fields, Params, condition, required
from pinakes.server.search.orders import Order
from pinakes.server.search.types import CollectionHit, Hits, RegistryHit, RunHit, VersionHit

SQL = load(__package__, "releases.sql")

PAGE = 1000
# What no more than so many have is looked up by it; more, and it is as well to look at all.
FEW = 5000
KINDS = ("artifact", "release")

REGISTRY_FIELDS: Fields = {
    "id": Number("a.id"),
    "name": Text("a.display_name"),
    "handle": Text("a.name"),
    "organization_id": Number("a.organization_id"),
    "description": Text("g.description"),
    "visibility": Text("g.visibility"),
    "created_at": Time("g.created_at"),
    "updated_at": Time("g.updated_at"),
}

COLLECTION_FIELDS: Fields = {
    "id": Number("i.id"),
    "name": Text("i.title"),
    "description": Text("c.description"),
    "tag": Words("c.tags"),
    "type": Words("c.types"),
    "kind": Text("c.kind"),
    "created_at": Time("i.created_at"),
    "updated_at": Time("c.updated_at"),
}

# `version` is a version's number in the collection where it was found: 3, or spelled `v3`.
VERSION_FIELDS: Fields = {
    "id": Number("v.id"),
    "version": Number("n.number", letter="v"),
    "alias": Words("y.alias", "entry_aliases as y where y.collection_id = e.collection_id and y.item_id = e.item_id"),
    "tag": Words("v.tags"),
    "metadata": Json("v.metadata"),
    "description": Text("v.description"),
    "digest": Text("v.digest"),
    "size": Number("v.size"),
    "state": Text("v.state"),
    "created_at": Time("v.created_at"),
    "updated_at": Time("v.updated_at"),
    "linked_at": Time("e.added_at"),
}

# The same where numbers are looked up for the few rows that need them.
LINK_FIELDS: Fields = {
    **VERSION_FIELDS,
    "version": Number(
        "(select m.number from entry_numbers as m where m.collection_id = e.collection_id and m.item_id = e.item_id)",
        letter="v",
    ),
}

RUN_FIELDS: Fields = {
    "id": Number("u.id"),
    "name": Text("u.name"),
    "display_name": Text("u.display_name"),
    "state": Text("run_state(u.state, u.heartbeat_at)"),
    "tag": Words("u.tags"),
    "group": Text("u.group_name"),
    "job_type": Text("u.job_type"),
    "sweep": Text("u.sweep"),
    "username": Text("b.name"),
    "description": Text("u.description"),
    "notes": Text("u.notes"),
    "commit": Text("u.commit"),
    "host": Text("u.host"),
    "created_at": Time("u.created_at"),
    "updated_at": Time("u.updated_at"),
    "heartbeat_at": Time("u.heartbeat_at"),
    "config": Json("u.config"),
    "summary": Json("u.summary"),
}


class Hit(Protocol):
    """A row of a search."""

    @property
    def key(self) -> object:
        """What it was sorted by."""
        ...


H = TypeVar("H", bound=Hit)


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list to read.

    Attributes:
        order: The order of the rows; None means that in which they are read first.
        cursor: The row behind which to begin.
    """

    order: Order | None = None
    limit: int = 50
    cursor: str | None = None


FIRST = Window()


@dataclass(frozen=True, slots=True)
class _Listing(Generic[H]):
    """The rows of a search, and how they are sorted.

    Attributes:
        fields: What they can be sorted by.
        place: The columns that tell rows apart which are sorted by the same; by them alone when no order is asked for.
        place_of: The same of a row that was read.
        first: The order when none is asked for; None for that of the place, falling.
    """

    row: type[H]
    fields: Fields
    place: tuple[LiteralString, ...]
    place_of: Callable[[H], tuple[int, ...]]
    first: Order | None = None


_REGISTRIES = _Listing(RegistryHit, REGISTRY_FIELDS, ("a.id",), lambda hit: (hit.id,))
_COLLECTIONS = _Listing(CollectionHit, COLLECTION_FIELDS, ("i.id",), lambda hit: (hit.id,))
_VERSIONS = _Listing(VersionHit, VERSION_FIELDS, ("n.number",), lambda hit: (hit.number,))
_LINKS = _Listing(
    VersionHit, LINK_FIELDS, ("e.collection_id", "e.item_id"), lambda hit: (hit.collection_id, hit.item_id)
)
_RUNS = _Listing(RunHit, RUN_FIELDS, ("u.id",), lambda hit: (hit.id,), Order("created_at"))


async def registries(
    tx: Tx, actor: Actor, organization_id: int, window: Window = FIRST, *, registry_filter: Expression = EVERYTHING
) -> Hits[RegistryHit]:
    """Find registries of an organization, of those that an actor sees; the newest first, if no order is asked for.

    Raises:
        Invalid: the filter asks a field what it can't be asked, or there is no such order, cursor or limit.
    """
    where = _where(registries=registry_filter)
    asked = _seen(actor, organization_id=organization_id)
    return await _page(tx, SQL.registries, _REGISTRIES, window, where, asked)


async def count_registries(
    tx: Tx, actor: Actor, organization_id: int, *, registry_filter: Expression = EVERYTHING
) -> int:
    """Count what `registries` finds."""
    where = _where(registries=registry_filter)
    return await _count(tx, SQL.count_registries, where, _seen(actor, organization_id=organization_id))


async def release_collections(
    tx: Tx,
    actor: Actor,
    organization_id: int,
    window: Window = FIRST,
    *,
    registry_filter: Expression = EVERYTHING,
    collection_filter: Expression = EVERYTHING,
    accepting: str | None = None,
) -> Hits[CollectionHit]:
    """Find releases in an organization's registries, all or those of a type; the newest first, if no order is asked.

    Raises:
        Invalid: see `registries`.
    """
    owners = await _registry_ids(tx, actor, organization_id, registry_filter)
    asked = {"owners": owners, "among": await _tagged(tx, collection_filter), "type": accepting}
    where = _where(collections=collection_filter)
    return await _page(tx, SQL.collections_of_owners, _COLLECTIONS, window, where, asked)


async def count_release_collections(
    tx: Tx,
    actor: Actor,
    organization_id: int,
    *,
    registry_filter: Expression = EVERYTHING,
    collection_filter: Expression = EVERYTHING,
    accepting: str | None = None,
) -> int:
    """Count what `release_collections` finds."""
    owners = await _registry_ids(tx, actor, organization_id, registry_filter)
    asked = {"owners": owners, "among": await _tagged(tx, collection_filter), "type": accepting}
    return await _count(tx, SQL.count_collections_of_owners, _where(collections=collection_filter), asked)


async def release_versions(
    tx: Tx,
    actor: Actor,
    organization_id: int,
    window: Window = FIRST,
    *,
    registry_filter: Expression = EVERYTHING,
    collection_filter: Expression = EVERYTHING,
    version_filter: Expression = EVERYTHING,
) -> Hits[VersionHit]:
    """Find versions in the releases of an organization's registries, each as often as it is linked there.

    If no order is asked for, they come release by release, the newest first, and in each the newest versions first.

    Raises:
        Invalid: see `registries`.
    """
    where = _where(collections=collection_filter, links=version_filter)
    owners = await _registry_ids(tx, actor, organization_id, registry_filter)
    asked = {"owners": owners, "among": await _tagged(tx, collection_filter)}
    items = await _few(tx, SQL.aliased_versions, required(version_filter, "alias"))
    if items is None:
        items = await _few(tx, SQL.tagged_versions, required(version_filter, "tag"))
    if items is not None:
        return await _page(tx, SQL.versions_of_owners_among, _LINKS, window, where, {**asked, "items": items})
    if window.order is not None:
        return await _page(tx, SQL.versions_of_owners_sorted, _LINKS, window, where, asked)
    top = None if window.cursor is None else _read_cursor(window.cursor, _LINKS, None)[1]
    return await _page(tx, SQL.versions_of_owners, _LINKS, window, where, {**asked, "top": top})


async def collections_of_registry(
    tx: Tx,
    actor: Actor,
    registry_id: int,
    window: Window = FIRST,
    *,
    accepting: str | None = None,
    collection_filter: Expression = EVERYTHING,
) -> Hits[CollectionHit]:
    """Find the releases in one registry, all or those of a type; the newest first, if no order is asked for.

    Raises:
        Invalid: see `registries`.
    """
    asked = {"owners": _readable(actor, registry_id), "among": await _tagged(tx, collection_filter), "type": accepting}
    where = _where(collections=collection_filter)
    return await _page(tx, SQL.collections_of_owners, _COLLECTIONS, window, where, asked)


async def count_collections_of_registry(
    tx: Tx,
    actor: Actor,
    registry_id: int,
    *,
    accepting: str | None = None,
    collection_filter: Expression = EVERYTHING,
) -> int:
    """Count what `collections_of_registry` finds."""
    asked = {"owners": _readable(actor, registry_id), "among": await _tagged(tx, collection_filter), "type": accepting}
    return await _count(tx, SQL.count_collections_of_owners, _where(collections=collection_filter), asked)


async def collections_of_project(
    tx: Tx,
    actor: Actor,
    project_id: int,
    window: Window = FIRST,
    *,
    accepting: str | None = None,
    kinds: Sequence[str] = KINDS,
    collection_filter: Expression = EVERYTHING,
) -> Hits[CollectionHit]:
    """Find the artifacts and releases of a project, all or those of a type.

    Raises:
        Invalid: see `registries`.
    """
    where = _where(collections=collection_filter)
    asked = _seen(actor, project_id=project_id, type=accepting, kinds=list(kinds))
    return await _page(tx, SQL.collections_of_project, _COLLECTIONS, window, where, asked)


async def count_collections_of_project(
    tx: Tx,
    actor: Actor,
    project_id: int,
    *,
    accepting: str | None = None,
    kinds: Sequence[str] = KINDS,
    collection_filter: Expression = EVERYTHING,
) -> int:
    """Count what `collections_of_project` finds."""
    asked = _seen(actor, project_id=project_id, type=accepting, kinds=list(kinds))
    return await _count(tx, SQL.count_collections_of_project, _where(collections=collection_filter), asked)


async def versions_of_collection(
    tx: Tx, actor: Actor, collection_id: int, window: Window = FIRST, *, version_filter: Expression = EVERYTHING
) -> Hits[VersionHit]:
    """Find the versions in an artifact or release; the highest number first, if no order is asked for.

    Raises:
        Invalid: see `registries`.
    """
    where = _where(versions=version_filter)
    asked = _seen(actor, collection_id=collection_id)
    return await _page(tx, SQL.versions_of_collection, _VERSIONS, window, where, asked)


async def count_versions_of_collection(
    tx: Tx, actor: Actor, collection_id: int, *, version_filter: Expression = EVERYTHING
) -> int:
    """Count what `versions_of_collection` finds."""
    where = _where(versions=version_filter)
    return await _count(tx, SQL.count_versions_of_collection, where, _seen(actor, collection_id=collection_id))


async def runs_of_project(
    tx: Tx, actor: Actor, project_id: int, window: Window = FIRST, *, run_filter: Expression = EVERYTHING
) -> Hits[RunHit]:
    """Find runs of a project; the oldest first, if no order is asked for.

    Raises:
        Invalid: see `registries`.
    """
    where = _where(runs=run_filter)
    return await _page(tx, SQL.runs_of_project, _RUNS, window, where, _seen(actor, project_id=project_id))


async def count_runs_of_project(tx: Tx, actor: Actor, project_id: int, *, run_filter: Expression = EVERYTHING) -> int:
    """Count what `runs_of_project` finds."""
    return await _count(tx, SQL.count_runs_of_project, _where(runs=run_filter), _seen(actor, project_id=project_id))


def _readable(actor: Actor, registry_id: int) -> list[int]:
    """Return the registry as an owner to search, if an actor sees it."""
    return [registry_id] if sight(actor).sees("private", registry_id) else []


def _seen(actor: Actor, **asked: object) -> dict[str, object]:
    """Return the parameters of a search: where to look, and what an actor sees."""
    seen = sight(actor)
    return {**asked, "everything": seen.everything, "accounts": seen.accounts}


async def _registry_ids(tx: Tx, actor: Actor, organization_id: int, registry_filter: Expression) -> list[int]:
    """Return the registries of an organization that an actor sees and that fit a filter."""
    where = _where(registries=registry_filter)
    params = {**_seen(actor, organization_id=organization_id), **_params(where)}
    return await tx.all(SQL.registry_ids.with_parts(**where), int, **params)


async def _tagged(tx: Tx, collection_filter: Expression) -> list[int] | None:
    """Return the only collections that can fit a filter, where it asks for a tag that few have."""
    return await _few(tx, SQL.tagged_collections, required(collection_filter, "tag"))


async def _few(tx: Tx, query: Query, words: list[str] | None) -> list[int] | None:
    """Return what has any of some words; None where too many do, so that they are no help."""
    if words is None:
        return None
    found = await tx.all(query, int, words=words, limit=FEW + 1)
    return found if len(found) <= FEW else None


def _where(
    *,
    registries: Expression | None = None,
    collections: Expression | None = None,
    versions: Expression | None = None,
    links: Expression | None = None,
    runs: Expression | None = None,
) -> dict[str, Part]:
    """Compile the filters of a search, by the places that its query has for them."""
    parts: dict[str, Part] = {}
    if registries is not None:
        parts["registries"] = condition(registries, REGISTRY_FIELDS, "r")
    if collections is not None:
        parts["collections"] = condition(collections, COLLECTION_FIELDS, "c")
    if versions is not None:
        parts["versions"] = condition(versions, VERSION_FIELDS, "v")
    if links is not None:
        parts["versions"] = condition(links, LINK_FIELDS, "v")
    if runs is not None:
        parts["runs"] = condition(runs, RUN_FIELDS, "u")
    return parts


async def _page(
    tx: Tx,
    query: Query,
    listing: _Listing[H],
    window: Window,
    where: Mapping[str, Part],
    asked: Mapping[str, object],
) -> Hits[H]:
    """Read a page and one row more, which says whether there is another."""
    if not 1 <= window.limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    order = window.order or listing.first
    parts = {**where, **_sorted(listing, order, window.cursor)}
    rows = await tx.all(query.with_parts(**parts), listing.row, **asked, **_params(parts), limit=window.limit + 1)
    shown = rows[: window.limit]
    cursors = [encode_cursor(_mark(order), hit.key, *listing.place_of(hit)) for hit in shown]
    return Hits(shown, cursors, len(rows) > len(shown))


async def _count(tx: Tx, query: Query, where: Mapping[str, Part], asked: Mapping[str, object]) -> int:
    return await tx.value(query.with_parts(**where), **asked, **_params(where))


def _params(parts: Mapping[str, Part]) -> dict[str, object]:
    return {name: value for part in parts.values() for name, value in part.params.items()}


def _sorted(listing: _Listing[H], order: Order | None, cursor: str | None) -> dict[str, Part]:
    """Compile an order: what is sorted by, where the page begins, and the order itself."""
    params = Params("k")
    falling = order is None or order.descending
    key = _field(listing, order).key(order.path, params, descending=order.descending) if order else None
    columns: tuple[LiteralString, ...] = (*((key.sql,) if key else ()), *listing.place)
    by: list[LiteralString] = [f"{column} desc" if falling else f"{column} asc" for column in columns]
    parts = {"order": Part(", ".join(by))}
    if key is not None:
        parts["key"] = Part(key.read, params.values)
    if cursor is not None:
        behind = Params("b")
        values = _read_cursor(cursor, listing, order)[0 if key else 1 :]
        types: tuple[LiteralString, ...] = (*((key.type,) if key else ()), *("bigint" for _ in listing.place))
        places: list[LiteralString] = [f"{behind.add(v)}::{kind}" for v, kind in zip(values, types, strict=True)]
        sign: LiteralString = "<" if falling else ">"
        parts["after"] = Part(f"({', '.join(columns)}) {sign} ({', '.join(places)})", behind.values)
    return parts


def _field(listing: _Listing[H], order: Order) -> Sortable:
    """Return the field that an order is by.

    Raises:
        Invalid: these rows can't be sorted by that.
    """
    field = listing.fields.get(order.field)
    if isinstance(field, Sortable) and (field.has_paths or not order.path):
        return field
    can = [name for name, one in listing.fields.items() if isinstance(one, Sortable)]
    message = f"There is no order by {order.spelled[1:80]!r}; there are orders by: {', '.join(can)}."
    raise Invalid(message, field=order.argument)


def _read_cursor(cursor: str, listing: _Listing[H], order: Order | None) -> list[object]:
    """Return what a cursor says of its row: what it was sorted by, and its place.

    Raises:
        Invalid: (field `cursor`) it is of another order, or of another list.
    """
    field = _field(listing, order) if order else None
    mark, key, *place = decode_cursor(cursor, str, field.kind if field else int, *(int for _ in listing.place))
    message = "This cursor belongs to another order: take it from the answer before."
    if mark != _mark(order):
        raise Invalid(message, field="cursor")
    try:
        return [field.of_cursor(key) if field else key, *place]
    except ValueError:
        raise Invalid(message, field="cursor") from None


def _mark(order: Order | None) -> str:
    """Return what tells the cursors of an order from those of others."""
    return "" if order is None else blake2s(order.spelled.encode(), digest_size=6).hexdigest()
