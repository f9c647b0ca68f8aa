"""Versions as they stand in artifacts and releases, with numbers and aliases: who sees the collection sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from pinakes.server.actor import Actor
from pinakes.server.artifacts import access
from pinakes.server.artifacts.access import SQL
from pinakes.server.artifacts.checks import is_id
from pinakes.server.artifacts.types import Membership, Placed
from pinakes.server.catalog.projects import get_project
from pinakes.server.collections import numbered
from pinakes.server.collections.change import look, public_id_of
from pinakes.server.collections.rules.fields import title_key
from pinakes.server.collections.types import Card
from pinakes.server.db import Query, Tx
from pinakes.server.errors import CollectionNotFound, Invalid, VersionNotFound
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people.checks import is_plain
from pinakes.server.permissions.service import sight

Sort: TypeAlias = Literal["-number", "+number", "-created", "+created"]

PAGE = 1000

_CARD = len(fields(Card))
_NUMBER = re.compile(r"v([0-9]{1,9})")


async def by_name(tx: Tx, actor: Actor, owner: str, project: str, name: str) -> Membership:
    """Return what `name:alias`, `name:v3` or `name` (its `latest`) stands for in a project, in an artifact or release.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
        VersionNotFound: there is no such artifact or release in it, or it has no such version.
    """
    found = await get_project(tx, actor, owner, project)
    title, _, alias = name.partition(":")
    try:
        return await in_place(tx, actor, found.owner_id, found.id, title, alias)
    except CollectionNotFound as error:
        message = f"There is no version {name[:300]!r} in {found.address}."
        raise VersionNotFound(message) from error


async def in_place(
    tx: Tx, actor: Actor, owner_id: int, project_id: int | None, title: str, alias: str | None = None
) -> Membership:
    """Return what an alias or number names in an artifact or release, by its name in a project or (None) a registry.

    Raises:
        CollectionNotFound: there is no such artifact or release that the actor sees.
        VersionNotFound: it has no such version.
    """
    if not is_plain(title):
        raise CollectionNotFound
    return await _named(tx, actor, alias, owner_id=owner_id, container_id=project_id, name_key=title_key(title))


async def by_address(tx: Tx, actor: Actor, ref: str, alias: str | None = None) -> Membership:
    """Return what an alias or number names in an artifact or release, by its address.

    Raises:
        CollectionNotFound: there is no such artifact or release that the actor sees.
        VersionNotFound: it has no such version.
    """
    address = public_id_of(ref)
    if address is None or address.owner is not None:  # the owner may be a former one
        return await in_collection(tx, actor, (await look(tx, actor, ref)).id, alias)
    return await _named(tx, actor, alias, public_id=address.public_id)


async def in_collection(tx: Tx, actor: Actor, collection_id: int, alias: str | None = None) -> Membership:
    """Return what an alias or number (`v3`) names in an artifact or release; nothing said means `latest`.

    Raises:
        CollectionNotFound: there is no such artifact or release that the actor sees.
        VersionNotFound: it has no such version.
    """
    return await _named(tx, actor, alias, id=collection_id if is_id(collection_id) else 0)


async def of_item(tx: Tx, actor: Actor, collection_id: int, item_id: int) -> Membership:
    """Return a version, known by its item, as it stands in an artifact or release.

    Raises:
        CollectionNotFound: there is no such artifact or release that the actor sees.
        VersionNotFound: it is not in it, or was deleted.
    """
    return await _named(tx, actor, None, id=collection_id, item_id=item_id)


async def memberships(tx: Tx, actor: Actor, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Membership]:
    """Return versions as they stand in collections, by pairs of collection and item; those that the actor sees."""
    rows = await tx.all(SQL.placed, Placed, collections=[one for one, _ in pairs], items=[item for _, item in pairs])
    cards = await numbered.cards(tx, actor, list({row.collection_id for row in rows}))
    return {
        (found.collection.id, row.item_id): found for row, found in _with_cards(rows, cards) if row.item_id is not None
    }


async def of_version(tx: Tx, actor: Actor, version_id: int) -> list[Membership]:
    """List the artifact and the releases that hold a version, of those that the actor sees; its own artifact first.

    Raises:
        VersionNotFound: there is no such version that the actor sees.
    """
    version = await access.get(tx, actor, version_id)
    if version.item_id is None:
        return []
    return (await of_items(tx, actor, [version.item_id])).get(version.item_id, [])


async def of_items(tx: Tx, actor: Actor, items: Sequence[int]) -> dict[int, list[Membership]]:
    """Return the same for many versions, by their items: the artifacts and releases that hold them and are seen."""
    seen = sight(actor)
    rows = await tx.all(
        SQL.places_of_items, Placed, items=list(items), everything=seen.everything, accounts=seen.accounts
    )
    cards = await numbered.cards(tx, actor, list({row.collection_id for row in rows}))
    found: dict[int, list[Membership]] = {}
    for row, membership in _with_cards(rows, cards):
        found.setdefault(row.item_id or 0, []).append(membership)
    return found


async def page(
    tx: Tx,
    actor: Actor,
    ref: int | str,
    *,
    sort: Sort | str = "-number",
    tombstones: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Membership]:
    """List the versions of an artifact or release, the newest first unless another order is asked for.

    Args:
        tx: Where to read.
        actor: Who asks.
        ref: The artifact or release, by its id or address.
        sort: By number there, or by when versions were begun.
        tombstones: Whether to show what remains of versions that were deleted, too.
        limit: How many, 1 to 1000.
        cursor: Where the page before ended.

    Raises:
        CollectionNotFound: there is no such artifact or release that the actor sees.
        Invalid: the order, the limit or the cursor can't be.
    """
    if sort not in get_args(Sort):
        message = f"sort is one of {', '.join(get_args(Sort))}."
        raise Invalid(message, field="sort")
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    card = await _card(tx, actor, ref)
    query, place = _placed_by(sort, cursor)
    rows = await tx.all(query, Placed, id=card.id, tombstones=tombstones, limit=limit + 1, **place)
    by_number = sort.endswith("number")
    shown = cut(rows, limit, lambda row: (row.entry_number,) if by_number else (row.created_at, row.id))
    return Page([_membership(row, card) for row in shown.rows], shown.next)


def _placed_by(sort: str, cursor: str | None) -> tuple[Query, dict[str, object]]:
    """Return the query for an order, and where its page begins."""
    if sort.endswith("number"):
        (last,) = decode_cursor(cursor, int) if cursor else (None,)
        if sort == "-number":
            return SQL.newest_in, {"below": 2**31 - 1 if last is None else last}
        return SQL.oldest_in, {"above": -1 if last is None else last}
    at, last = decode_cursor(cursor, datetime, int) if cursor else (None, None)
    return SQL.last_created_in if sort == "-created" else SQL.first_created_in, {"at": at, "last": last}


async def _card(tx: Tx, actor: Actor, ref: int | str) -> Card:
    if isinstance(ref, str):
        return await numbered.card_at(tx, actor, ref)
    found = await numbered.cards(tx, actor, [ref]) if is_id(ref) else {}
    if ref not in found:
        raise CollectionNotFound
    return found[ref]


async def _named(tx: Tx, actor: Actor, alias: str | None, **where: object) -> Membership:
    """Find a collection and a version in it, in one query."""
    name = alias or numbered.LATEST
    match = _NUMBER.fullmatch(name)
    seen = sight(actor)
    nowhere = {"id": None, "public_id": None, "owner_id": None, "container_id": None, "name_key": None, "item_id": None}
    rows = await tx.rows(
        SQL.membership,
        number=int(match[1]) if match else None,
        alias=name if match is None and is_plain(name) else None,
        everything=seen.everything,
        accounts=seen.accounts,
        **{**nowhere, **where},
    )
    if not rows:
        raise CollectionNotFound
    card, columns = Card(*rows[0][:_CARD]), rows[0][_CARD:]
    if columns[0] is None:
        message = f"There is no version {name[:200]!r} in {card.title!r}."
        raise VersionNotFound(message)
    return _membership(Placed(*columns), card)


def _with_cards(rows: Iterable[Placed], cards: dict[int, Card]) -> list[tuple[Placed, Membership]]:
    return [(row, _membership(row, cards[row.collection_id])) for row in rows if row.collection_id in cards]


def _membership(row: Placed, card: Card) -> Membership:
    return Membership(card, row, row.entry_number, row.aliases, row.linked_at, row.linked_by)
