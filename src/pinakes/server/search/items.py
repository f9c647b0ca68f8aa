"""The query language over everything: items of every kind, of one owner or of the whole server.

What a reader may not see is in no page and no count. Items of media are found by who reads their project; a labeler
finds the items of his jobs where they are listed (`media.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2s
from typing import LiteralString

from pinakes.server.actor import Actor
from pinakes.server.catalog.media_types import MEDIA_KINDS
from pinakes.server.db import Part, Query, Tx, load
from pinakes.server.errors import AccountNotFound, Invalid
from pinakes.server.paging import Page, decode_cursor, encode_cursor
from pinakes.server.people import service as people
from pinakes.server.permissions.service import sight
from pinakes.server.search import language
from pinakes.server.search.fields import Key, Number, Sortable, Text, Time
from pinakes.server.search.filters import Compare, Expression, Op, Params, Word, condition
from pinakes.server.search.item_fields import ITEM_FIELDS, Float, media_fields
from pinakes.server.search.item_types import ItemHit
from pinakes.server.search.naming import Bound, bound, demanded, nameless
from pinakes.server.search.orders import Order, behind, ordered, parse as parse_order

__all__ = ["SORTS", "ItemHit", "count", "find", "find_ids", "order_of"]

SQL = load(__package__, "items.sql")

PAGE = 1000

_SCORE: LiteralString = (
    "(select e.score from entries as e where e.item_id = i.id and e.collection_id = %(scored)s::integer)"
)

SORTS: Mapping[str, Sortable | None] = {
    "id": None,
    "name": Text("i.name"),
    "title": Text("i.title"),
    "kind": Text("i.kind"),
    "created": Time("i.created_at"),
    "updated": Time("i.updated_at"),
    "size": Number("coalesce(m.size, -1)"),
    "labels": Number("coalesce(m.label_count, -1)"),
    "score": Float(_SCORE),
}
_WORDS = {name: Word(name) for name in SORTS}

# What only media have, so that whoever asks for it asks for media.
_OF_MEDIA = frozenset({"dataset", "labels", "width", "height", "frames"})


def order_of(text: str | None, *, field: str = "sort") -> Order:
    """Read an order: one of `SORTS`, with a `-` in front to turn it; "" and None stand for that of the numbers.

    Raises:
        Invalid: (as `field`) there is no such order.
    """
    return parse_order(text, _WORDS, field=field) or Order("id", argument=field)


async def find(
    tx: Tx,
    actor: Actor,
    query: str | Expression = "",
    *,
    owner: str | None = None,
    kinds: Sequence[str] | None = None,
    sort: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ItemHit]:
    """Find the items that fit a query, of those that an actor sees.

    Args:
        tx: Where to read.
        actor: Who asks.
        query: What for, in the query language or read from it.
        owner: Only what belongs to this account; an unknown one has nothing.
        kinds: Only items of these kinds.
        sort: The order: one of `SORTS`, with a `-` in front to turn it; else that of their numbers.
        limit: How many at most, up to 1,000.
        cursor: The `next` of the page before.

    Raises:
        Invalid: (fields `query`, `sort`, `limit`, `cursor`) the query can't be read, or names what he can't see, or
            there is no such order, limit or cursor.
    """
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    order = order_of(sort)
    try:
        owner_id = None if owner is None else (await people.account(tx, owner)).id
    except AccountNotFound:
        return Page([])
    found = await bound(tx, actor, _read(query))
    parts, params = _parts(actor, found, order, owner_id=owner_id, kinds=kinds)
    field, key = SORTS[order.field], _key(order)
    if cursor is not None:
        mark = _of_cursor(cursor, order, field)
        parts["after"] = behind(key, "i.id", mark[0 if key else 1 :], descending=order.descending)
        params |= parts["after"].params
    parts["reach"] = Part("200" if limit < 200 else "2000")  # noqa: PLR2004 - constants for the planner
    rows = await tx.all(SQL.found.with_parts(**parts), ItemHit, **params, limit=limit + 1)
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        following = encode_cursor(_mark(order), shown[-1].key if field else "", shown[-1].id)
    return Page(shown, following)


async def find_ids(
    tx: Tx,
    actor: Actor,
    query: str | Expression = "",
    *,
    project_id: int | None = None,
    kinds: Sequence[str] | None = None,
    sort: str | None = None,
    limit: int | None = None,
) -> list[int]:
    """Return the numbers of all items that fit a query, in order; of one project, where one is named.

    Raises:
        Invalid: see `find`.
    """
    found = await bound(tx, actor, _read(query), project_id=project_id)
    return await ids_of(tx, actor, found, project_id=project_id, kinds=kinds, sort=sort, limit=limit)


async def ids_of(
    tx: Tx,
    actor: Actor,
    found: Bound,
    *,
    project_id: int | None = None,
    kinds: Sequence[str] | None = None,
    sort: str | None = None,
    limit: int | None = None,
) -> list[int]:
    """Return what `find_ids` does, for a query whose names were looked up."""
    parts, params = _parts(actor, found, order_of(sort), project_id=project_id, kinds=kinds)
    query: Query = SQL.found_ids
    if _is_of_media(found.expression) or (kinds is not None and set(kinds) <= set(MEDIA_KINDS)):
        query = SQL.found_media_ids
    parts.pop("key", None)
    return await tx.value(query.with_parts(**parts), **params, limit=limit)


async def count(
    tx: Tx,
    actor: Actor,
    query: str | Expression = "",
    *,
    project_id: int | None = None,
    kinds: Sequence[str] | None = None,
) -> int:
    """Count the items that fit a query, of those that an actor sees.

    Raises:
        Invalid: see `find`.
    """
    found = await bound(tx, actor, _read(query), project_id=project_id)
    parts, params = _parts(actor, found, None, project_id=project_id, kinds=kinds)
    return await tx.value(SQL.count_found.with_parts(**parts), **params)


def _read(query: str | Expression) -> Expression:
    return language.parse(query) if isinstance(query, str) else query


def _parts(
    actor: Actor,
    found: Bound,
    order: Order | None,
    *,
    owner_id: int | None = None,
    project_id: int | None = None,
    kinds: Sequence[str] | None = None,
) -> tuple[dict[str, Part], dict[str, object]]:
    """Compile what is asked for, where to look for it, and the order."""
    seen = sight(actor)
    params: dict[str, object] = {"everything": seen.everything, "accounts": seen.accounts}
    within: list[LiteralString] = []
    if owner_id is not None:
        within.append("i.owner_id = %(owner_id)s::integer")
        params["owner_id"] = owner_id
    if kinds is not None:
        within.append("i.kind = any(%(kinds)s::text [])")
        params["kinds"] = list(kinds)
    if project_id is not None:
        of_media = kinds is not None and set(kinds) <= set(MEDIA_KINDS)
        within.append(
            "m.project_id = %(project_id)s::integer" if of_media else "i.container_id = %(project_id)s::integer"
        )
        params["project_id"] = project_id
    of_one = project_id is not None and _is_of_media(found.expression)
    asked = condition(found.expression, media_fields(project_id) if of_one else ITEM_FIELDS, "f")
    parts = {"asked": asked}
    params |= asked.params
    if (kept := nameless(actor, found.expression)) is not None:
        within.append(kept.sql)
        params |= kept.params
    if within:
        parts["within"] = Part(" and ".join(within))
    if order is not None:
        key = _key(order)
        parts |= ordered(key, "i.id", {}, descending=order.descending)
        if order.field == "score":
            params["scored"] = _scored(found, order)
    return parts, params


def _is_of_media(expression: Expression) -> bool:
    """Tell whether only media can fit a query."""
    return any(
        one.field in _OF_MEDIA
        or (one.field in ("class", "queue") and one.op is Op.EXISTS)
        or (one.field == "kind" and set(_kinds(one)) <= set(MEDIA_KINDS))
        for one in demanded(expression)
    )


def _kinds(asked: Compare) -> list[object]:
    return list(asked.value) if isinstance(asked.value, list | tuple) else [asked.value]


def _scored(found: Bound, order: Order) -> int:
    """Return the collection whose scores are sorted by: the one that the query names."""
    if len(found.collections) != 1:
        message = "The order by score is that of entries: name one collection in the query, with in:."
        raise Invalid(message, field=order.argument)
    return found.collections[0]


def _key(order: Order) -> Key | None:
    field = SORTS[order.field]
    if order.path:
        message = f"There is no order by {order.spelled[1:80]!r}; there are orders by: {', '.join(SORTS)}."
        raise Invalid(message, field=order.argument)
    return field.key((), Params("k"), descending=order.descending) if field else None


def _of_cursor(cursor: str, order: Order, field: Sortable | None) -> list[object]:
    """Return what a cursor says of its row: what it was sorted by, and its number."""
    kind = str if field is None or field.kind is float else field.kind
    mark, key, number = decode_cursor(cursor, str, kind, int)
    message = "This cursor belongs to another order: take it from the answer before."
    if mark != _mark(order):
        raise Invalid(message, field="cursor")
    try:
        return [field.of_cursor(key) if field else None, number]
    except ValueError:
        raise Invalid(message, field="cursor") from None


def _mark(order: Order) -> str:
    """Return what tells the cursors of an order from those of others."""
    return blake2s(order.spelled.encode(), digest_size=6).hexdigest()
