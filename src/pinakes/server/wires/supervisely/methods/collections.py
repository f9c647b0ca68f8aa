"""Entities collections: selections of the items of a project."""

from __future__ import annotations

from typing import Any

from pinakes.server.collections import selections
from pinakes.server.collections.selection_types import Member, Selection
from pinakes.server.collections.selections import Sort
from pinakes.server.errors import Invalid
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.lists import Listing, page_of
from pinakes.server.wires.supervisely.values import OK, Id, envelope, moment

METHODS = Methods()

PER_PAGE = 1000
_MOST = 100_000

PLAIN, SEARCH, ANY = "default", "aiSearch", "all"
# Which selections each word asks for.
KINDS: dict[str, bool | None] = {PLAIN: False, SEARCH: True, ANY: None}
META = "meta"
SORTS: dict[str, Sort] = {"id": "id", "name": "name", "createdAt": "created_at", "updatedAt": "updated_at"}


class Meta(Form):
    """What a collection of what a search found says about the search."""

    ai_search_key: str | None = None


class NewCollection(Form):
    """A new collection."""

    project_id: Id
    name: str
    type: str | None = PLAIN
    description: str | None = None
    meta: Meta | None = None


class OneOf(ById):
    """A collection."""

    extra_fields: list[str] | None = None


class OfProject(Listing):
    """A list of the collections of a project."""

    project_id: Id
    type: str | None = PLAIN


class OtherFacts(Form):
    """Changes of a collection."""

    id: Id
    name: str | None = None
    description: str | None = None


class Removing(Form):
    """A collection to remove."""

    id: Id
    hard_delete: bool | None = False


class Score(Form):
    """What a search says about an item."""

    score: int | float | None = None


class Item(Form):
    """An item, and what a search says about it."""

    entity_id: Id
    meta: Score | None = None


class NewItems(Form):
    """Items for a collection."""

    collection_id: Id
    entity_ids: list[Id] | None = None
    entity_items: list[Item] | None = None


class Leaving(Form):
    """Items to take out of a collection."""

    collection_id: Id
    entity_ids: list[Id]


def collection_of(found: Selection, *, meta: bool = False) -> dict[str, Any]:
    """Write a collection. A null for `meta` would break the client's reading, so it is left out where nobody asks."""
    sent: dict[str, Any] = {
        "id": found.id,
        "name": found.name,
        "teamId": found.owner_id,
        "projectId": found.project_id,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
        "description": found.description,
        "options": {},
        "type": PLAIN if found.search_key is None else SEARCH,
    }
    if meta:
        sent[META] = {} if found.search_key is None else {"aiSearchKey": found.search_key}
    return sent


def _item_of(found: Member) -> dict[str, Any]:
    """Write a membership; `imageId`, of whatever kind the item is, is what the client's own tests read."""
    return {
        "id": found.id,
        "imageId": found.item_id,
        "entityId": found.item_id,
        "createdAt": moment(found.created_at),
    }


def _missing(ids: list[int]) -> list[dict[str, int]]:
    return [{"entityId": one} for one in ids]


def _kind(word: str | None) -> bool | None:
    if (word or PLAIN) not in KINDS:
        message = f"type: it is one of {', '.join(KINDS)}."
        raise Invalid(message, field="type")
    return KINDS[word or PLAIN]


@METHODS.change("entities-collections.add", NewCollection)
async def add(ctx: Context, asked: NewCollection) -> object:
    """Make a collection."""
    key = asked.meta.ai_search_key if asked.meta else None
    if asked.type == ANY or _kind(asked.type) is not (key is not None):
        message = f"type: it is {PLAIN}, or {SEARCH} with meta.aiSearchKey."
        raise Invalid(message, field="type")
    made = await selections.create(
        ctx.tx, ctx.actor, asked.project_id, asked.name, description=asked.description or "", search_key=key
    )
    return collection_of(made, meta=True)


@METHODS.read("entities-collections.info", OneOf)
async def info(ctx: Context, asked: OneOf) -> object:
    """Show a collection."""
    found = await selections.get(ctx.tx, ctx.actor, asked.id)
    return collection_of(found, meta=META in (asked.extra_fields or ()))


@METHODS.read("entities-collections.list", OfProject)
async def listed(ctx: Context, asked: OfProject) -> object:
    """List the collections of a project: those that people made, unless `type` says otherwise."""
    simple = all(one.field in {"name", "id"} and one.op in {"=", "in"} for one in asked.filter or ())
    simple = simple and (asked.sort or "id") in SORTS
    names, ids = asked.only("name"), asked.only("id")
    size = asked.size(PER_PAGE)
    found = await selections.page(
        ctx.tx,
        ctx.actor,
        asked.project_id,
        searches=_kind(asked.type),
        names=None if names is None else [str(name) for name in names],
        ids=None if ids is None else [one for one in ids if isinstance(one, int)],
        sort=SORTS[asked.sort or "id"] if simple else "id",
        descending=asked.descending if simple else False,
        limit=size if simple else _MOST,
        offset=asked.start(size) if simple else 0,
    )
    sent = [collection_of(one, meta=asked.wants(META)) for one in found.rows]
    return envelope(sent, found.total, size) if simple else page_of(asked, sent, default=PER_PAGE)


@METHODS.change("entities-collections.editInfo", OtherFacts)
async def edit(ctx: Context, asked: OtherFacts) -> object:
    """Rename a collection, or describe it anew."""
    found = await selections.update(ctx.tx, ctx.actor, asked.id, name=asked.name, description=asked.description)
    return collection_of(found)


@METHODS.change("entities-collections.remove", Removing)
async def remove(ctx: Context, asked: Removing) -> object:
    """Put a collection into the trash, or delete it for good."""
    await selections.remove(ctx.tx, ctx.actor, asked.id, hard=bool(asked.hard_delete))
    return OK


@METHODS.change("entities-collections.items.bulk.add", NewItems)
async def put(ctx: Context, asked: NewItems) -> object:
    """Put items into a collection; those that are in it already get the score that comes with them."""
    items: list[tuple[int, float | None]] = [(one, None) for one in asked.entity_ids or ()]
    items += [(one.entity_id, one.meta.score if one.meta else None) for one in asked.entity_items or ()]
    if asked.entity_ids is None and asked.entity_items is None:
        message = "Say entityIds or entityItems."
        raise Invalid(message, field="entityIds")
    done = await selections.add_items(ctx.tx, ctx.actor, asked.collection_id, items)
    return {"items": [_item_of(one) for one in done.items], "missing": _missing(done.missing)}


@METHODS.change("entities-collections.items.bulk.remove", Leaving)
async def take(ctx: Context, asked: Leaving) -> object:
    """Take items out of a collection; they stay where they are."""
    done = await selections.take_items(ctx.tx, ctx.actor, asked.collection_id, asked.entity_ids)
    return {"items": [_item_of(one) for one in done.items], "missing": _missing(done.missing)}
