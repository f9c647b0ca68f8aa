"""The Hub's collections: `/api/collections`, as `huggingface_hub` and `hf collections` call it."""
# ruff: noqa: FAST003 - a handler takes a `Call`, which has the parameters of the path

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field, RootModel
from starlette.responses import Response

from pinakes.server.actor import Actor
from pinakes.server.catalog import service as catalog
from pinakes.server.collections import entries, service as collections
from pinakes.server.collections.types import (
    Addition,
    Collection,
    Entry,
    EntryChange,
    FieldChanges,
    ItemRef,
    Listing,
)
from pinakes.server.db import Tx
from pinakes.server.errors import CollectionNotFound, EntryNotFound, Invalid, ItemNotFound
from pinakes.server.wires.huggingface import encode
from pinakes.server.wires.huggingface.routing import Call, Form, HubRoute, respond

router = APIRouter(prefix="/api/collections", route_class=HubRoute, include_in_schema=False)

SORTS = ("trending", "lastModified", "upvotes")
PLURALS = {f"{kind}s": kind for kind in encode.ITEMS}

Index = Annotated[int, Field(ge=0, lt=2**31)]


class ItemName(Form):
    """An item, as the client names it."""

    id: str
    type: str

    def ref(self) -> ItemRef:
        """Return what the room calls it."""
        if self.type not in encode.ITEMS:
            message = f"item.type must be one of {', '.join(encode.ITEMS)}."
            raise Invalid(message, field="item.type")
        return ItemRef(kind=self.type, address=self.id)

    async def checked(self, tx: Tx, actor: Actor) -> ItemRef:
        """Return what the room calls it, if it is one that this API has: not every collection is."""
        found = self.ref()
        if (problem := catalog.malformed(self.type, self.id, "item.id")) is not None:
            raise problem
        if found.kind == "collection":
            try:
                await collections.get(tx, actor, self.id, kind=encode.SHOWCASE)
            except CollectionNotFound:
                message = f"No such item: collection {self.id}."
                raise ItemNotFound(message) from None
        return found


class Creation(Form):
    """What `create_collection` sends, and the first item that the Hub takes as well."""

    title: str
    namespace: str | None = None
    description: str | None = None
    private: bool = False
    theme: str | None = None
    resourceGroupId: str | None = None  # noqa: N815 - the Hub's spelling
    item: ItemName | None = None


class Update(Form):
    """What `update_collection_metadata` sends; what is absent stays."""

    title: str | None = None
    description: str | None = None
    position: Index | None = None
    private: bool | None = None
    theme: str | None = None


class NewItem(Form):
    """What `add_collection_item` sends."""

    item: ItemName
    note: str | None = None


class ItemUpdate(Form):
    """What `update_collection_item` sends; what is absent stays, an empty note takes the note away."""

    note: str | None = None
    position: Index | None = None


class BatchLine(Form):
    """One line of the Hub's batch of changes; it knows no other action."""

    id: str = Field(alias="_id")
    action: Literal["update"]
    data: ItemUpdate


class BatchLines(RootModel[Annotated[list[BatchLine], Field(max_length=1000)]]):
    """The Hub's batch of changes."""

    model_config = ConfigDict(strict=True)


class ResourceGroup(Form):
    """What `update_collection_resource_group` sends."""

    resourceGroupId: str | None  # noqa: N815 - the Hub's spelling


@router.get("")
async def list_collections(call: Call) -> Response:
    """Answer a page of collections: filters by owner and item (any of several), a search, three orders."""
    listing = Listing(
        kind=encode.SHOWCASE,
        owners=call.words("owner"),
        items=_wanted_items(call.words("item")),
        text=call.word("q") or None,
        sort=call.choice("sort", SORTS, "trending"),
    )
    async with call.reading() as (tx, actor):
        page = await collections.list_collections(tx, actor, listing, limit=call.limit, cursor=call.cursor)
        heads = await _heads(tx, actor, [found.id for found in page.rows])
    endpoint = call.endpoint
    rows = [encode.collection_row(found, heads.get(found.id, ()), endpoint) for found in page.rows]
    return call.page(rows, page.next)


@router.post("")
async def create_collection(call: Call) -> Response:
    """Create a collection; the owner's other collection of that title is a 409 that names it."""
    body = await call.decode(Creation)
    async with call.writing() as (tx, actor):
        made = await collections.create(
            tx,
            actor,
            owner=body.namespace,
            title=body.title,
            description=body.description or "",
            visibility="private" if body.private else "public",
            theme=body.theme or "orange",
        )
        if body.resourceGroupId is not None:
            await collections.set_resource_group(tx, actor, made.public_id, body.resourceGroupId)
        if body.item is not None:
            item = await body.item.checked(tx, actor)
            (await entries.add(tx, actor, made.public_id, [Addition(item)])).checked()
        found = await _whole(tx, actor, made.public_id)
    return _answer(call, found)


@router.get("/{owner}/{slug}")
async def get_collection(call: Call) -> Response:
    """Answer one collection, with all of its items."""
    async with call.reading() as (tx, actor):
        found = await _whole(tx, actor, _ref(call))
    return _answer(call, found)


@router.patch("/{owner}/{slug}")
async def update_collection(call: Call) -> Response:
    """Change a collection's own fields; the answer wraps the collection in `data`."""
    body = await call.decode(Update)
    changes = FieldChanges(
        title=body.title,
        description=body.description,
        theme=body.theme,
        visibility=None if body.private is None else "private" if body.private else "public",
        position=body.position,
    )
    async with call.writing() as (tx, actor):
        changed = await collections.update(tx, actor, _ref(call), changes, kind=encode.SHOWCASE)
        found = await _whole(tx, actor, changed.public_id)
    return respond({"success": True, "data": encode.collection(*found, call.endpoint)})


@router.delete("/{owner}/{slug}")
async def delete_collection(call: Call) -> Response:
    """Delete a collection: final for this client, to be restored through the native API."""
    async with call.writing() as (tx, actor):
        await collections.delete(tx, actor, _ref(call), kind=encode.SHOWCASE)
    return respond({"success": True})


@router.post("/{owner}/{slug}/resource-group")
async def set_resource_group(call: Call) -> Response:
    """Put an organization's collection into a resource group, or take it out of it."""
    body = await call.decode(ResourceGroup)
    async with call.writing() as (tx, actor):
        await collections.set_resource_group(tx, actor, _ref(call), body.resourceGroupId, kind=encode.SHOWCASE)
    return respond({"success": True})


@router.post("/{owner}/{slug}/items")
@router.post("/{owner}/{slug}/item")
async def add_item(call: Call) -> Response:
    """Add an item at the end; the answer is the whole collection."""
    body = await call.decode(NewItem)
    async with call.writing() as (tx, actor):
        item = await body.item.checked(tx, actor)
        (await entries.add(tx, actor, _ref(call), [Addition(item, body.note)], kind=encode.SHOWCASE)).checked()
        found = await _whole(tx, actor, _ref(call))
    return _answer(call, found)


@router.post("/{owner}/{slug}/items/batch")
async def update_items(call: Call) -> Response:
    """Change several items, one after the other, all or none."""
    lines = (await call.decode(BatchLines)).root
    async with call.writing() as (tx, actor):
        await _change(tx, actor, _ref(call), [(line.id, line.data) for line in lines])
    return Response(status_code=204)


@router.patch("/{owner}/{slug}/items/{entry}")
async def update_item(call: Call) -> Response:
    """Change an item's note or place."""
    body = await call.decode(ItemUpdate)
    async with call.writing() as (tx, actor):
        await _change(tx, actor, _ref(call), [(call.path_params["entry"], body)])
    return respond({"success": True})


@router.delete("/{owner}/{slug}/items/{entry}")
async def delete_item(call: Call) -> Response:
    """Take an item out of the collection; the item itself is not touched."""
    async with call.writing() as (tx, actor):
        entry = call.path_params["entry"]
        (await entries.remove(tx, actor, _ref(call), [entry], kind=encode.SHOWCASE)).checked()
    return respond({"success": True})


def _ref(call: Call) -> str:
    return f"{call.path_params['owner']}/{call.path_params['slug']}"


async def _whole(tx: Tx, actor: Actor, ref: str) -> tuple[Collection, list[Entry]]:
    return await collections.get_with_entries(tx, actor, ref, kind=encode.SHOWCASE)


async def _heads(tx: Tx, actor: Actor, collection_ids: Sequence[int]) -> dict[int, list[Entry]]:
    """Return the first items of collections; where some of them are left out, others come in their place."""
    heads = await collections.heads(tx, actor, collection_ids, encode.HEAD)
    short = [number for number, head in heads.items() if len(encode.visible(head)) < len(head)]
    if short:
        heads |= await collections.heads(tx, actor, short, encode.HEAD, kinds=encode.KNOWN)
    return heads


def _answer(call: Call, found: tuple[Collection, list[Entry]]) -> Response:
    return respond(encode.collection(*found, call.endpoint))


def _wanted_items(names: list[str] | None) -> list[ItemRef] | None:
    """Read the item filters: the plural of the kind, a slash, the id."""
    if names is None:
        return None
    wanted: list[ItemRef] = []
    for name in names:
        plural, _, address = name.partition("/")
        if plural not in PLURALS or not address:
            message = f"item must begin with one of {', '.join(f'{plural}/' for plural in PLURALS)}."
            raise Invalid(message, field="item")
        wanted.append(ItemRef(kind=PLURALS[plural], address=address))
    return wanted


async def _change(tx: Tx, actor: Actor, ref: str, lines: Sequence[tuple[str, ItemUpdate]]) -> None:
    """Change entries, all or none; a position counts the items that this API shows."""
    positions = [line.position for _, line in lines]
    if any(position is not None for position in positions):
        found = (await _whole(tx, actor, ref))[1]
        if len(encode.visible(found)) < len(found):
            order = Order(found)
            positions = [order.move(entry, position) for (entry, _), position in zip(lines, positions, strict=True)]
    changes = [
        EntryChange(entry, note=line.note, position=position)
        for (entry, line), position in zip(lines, positions, strict=True)
    ]
    (await entries.update(tx, actor, ref, changes, atomic=True, kind=encode.SHOWCASE)).checked()


class Order:
    """The order of a collection that also holds kinds which the Hub doesn't know.

    The client counts positions among the items that it is shown; the room counts all that the caller sees.
    """

    def __init__(self, found: Sequence[Entry]) -> None:
        """Take the entries in their order."""
        self._all = [entry.id for entry in found]
        self._shown = {entry.id for entry in encode.visible(found)}

    def move(self, entry: str, position: int | None) -> int | None:
        """Return the index among all entries that puts one at an index among those shown, and move it there."""
        if position is None:
            return None
        if entry not in self._shown:
            raise EntryNotFound
        self._all.remove(entry)
        others = [index for index, other in enumerate(self._all) if other in self._shown]
        index = others[position] if position < len(others) else max(position, len(self._all))
        self._all.insert(index, entry)
        return index
