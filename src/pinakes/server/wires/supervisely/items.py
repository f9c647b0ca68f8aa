"""What images, videos, point clouds and volumes have in common: how they are listed, added, and found by their ids."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field
from starlette.responses import Response

from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, links, media, media_files
from pinakes.server.catalog.media_types import Media, NewMedia
from pinakes.server.db import Tx
from pinakes.server.errors import DatasetNotFound, Invalid, MediaNotFound
from pinakes.server.search import media as search
from pinakes.server.search.filters import Expression
from pinakes.server.search.item_types import MediaPage, Scope
from pinakes.server.state import State, state_of
from pinakes.server.wires.supervisely.calls import Call, Context, Form, respond, tried_again
from pinakes.server.wires.supervisely.encode import Json, items_of
from pinakes.server.wires.supervisely.lists import Kind, Listing
from pinakes.server.wires.supervisely.values import Id, envelope, need_hash, token_page

# The length of a page where the client does not say it; it goes on until it has all.
PER_PAGE = 1000
# The same for videos, which come with the moment of each of their frames.
VIDEOS_PER_PAGE = 100

# What the client calls the fields by which items are filtered, and the orders in which they are listed.
FIELDS = {
    "id": "id",
    "name": "name",
    "title": "name",
    "description": "description",
    "labelsCount": "labels",
    "figuresCount": "labels",
    "datasetId": "dataset_id",
    "projectId": "project_id",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "size": "size",
    "width": "width",
    "height": "height",
    "framesCount": "frames",
    "mime": "mime",
    "link": "link",
    "parentId": "parent_id",
    "createdBy": "created_by",
    "customSort": "custom_sort",
}
SORTS = {
    "id": "id",
    "name": "name",
    "title": "name",
    "description": "description",
    "labelsCount": "labels",
    "figuresCount": "labels",
    "datasetId": "dataset",
    "createdAt": "created",
    "updatedAt": "updated",
    "size": "size",
    "customSort": "custom",
    "collectionItemIndex": "index",
    "aiSearchScore": "score",
}
IN_COLLECTION = ("entities_collection", "entities_ai_search_collection")
DIRECTIONS = ("above", "below")
_MOST_LABELS = 2**31 - 1
# The key of an item's `meta` under which the client keeps its place in the custom order.
ORDER = "customSort"
# How many targets of links are asked at once what they are.
_AT_ONCE = 5


class OfItems(Listing):
    """A list of items: of a project, or of a dataset and, if `recursive`, the datasets in it."""

    project_id: Id | None = None
    dataset_id: Id | None = None
    recursive: bool | None = None


class InCollection(Form):
    """What says which items of a collection are wanted."""

    collection_id: Id
    include: bool | None = True
    threshold: float | None = None
    threshold_direction: str | None = "above"


class WithName(Form):
    """What says which text names have in them."""

    value: str


class WithLabels(Form):
    """What says how many labels items have, of a class or of any."""

    class_id: Id | None = None
    low: int = Field(0, alias="from")
    high: int = Field(_MOST_LABELS, alias="to")
    include: bool | None = True


class Entry(Form):
    """A new item: its name, and a file by its hash, a link, or another item to copy."""

    title: str | None = None
    name: str | None = None
    hash: str | None = None
    link: str | None = None
    image_id: Id | None = None
    meta: dict[str, Any] | None = None
    custom_data: dict[str, Any] | None = None
    description: str | None = None
    parent_id: Id | None = None

    def new(self, field: str) -> NewMedia:
        """What the catalog takes; Invalid where it can't be said what the item is made of."""
        name = self.title if self.title is not None else self.name
        given = [value for value in (self.hash, self.link, self.image_id) if value is not None]
        if name is None or len(given) != 1:
            message = "An item needs a title, and one of hash, link and imageId."
            raise Invalid(message, field=field)
        return NewMedia(
            name=name,
            sha256=need_hash(self.hash, f"{field}.hash") if self.hash is not None else None,
            link=self.link,
            copy_of=self.image_id,
            description=self.description or "",
            meta=self.meta or {},
            custom_data=self.custom_data or {},
            parent_id=self.parent_id,
        )


async def listed(ctx: Context, asked: OfItems, *kinds: str) -> Json:
    """List items of some kinds, page by page or by token."""
    if asked.project_id is None and asked.dataset_id is None:
        message = "Say projectId or datasetId."
        raise Invalid(message, field="projectId")
    size = asked.size(VIDEOS_PER_PAGE if kinds == ("video",) else PER_PAGE)
    found = await search.page(
        ctx.tx,
        ctx.actor,
        Scope(asked.project_id, asked.dataset_id, recursive=bool(asked.recursive)),
        expression(asked),
        kinds=kinds,
        sort=_sort(asked),
        descending=asked.descending,
        limit=size,
        offset=0 if asked.by_token else asked.start(size),
        cursor=str(asked.after) if asked.by_token and asked.after is not None else None,
    )
    sent = await _sent(ctx, asked, found)
    total = found.total or 0
    return token_page(sent, total, found.next) if asked.by_token else envelope(sent, total, size)


async def _sent(ctx: Context, asked: OfItems, found: MediaPage) -> list[Json]:
    sent = await items_of(ctx, found.items)
    if any(one.type == IN_COLLECTION[1] for one in asked.filters or ()):
        for one in sent:
            score = found.scores.get(one["id"])
            one["aiSearchMeta"] = {"score": score} if score is not None else None
            one["embeddingsUpdatedAt"] = None
    return sent


def expression(asked: Listing) -> Expression:
    """Write what a client filters by as a query of ours."""
    parts: list[Expression] = []
    for one in asked.filter or ():
        if one.field not in FIELDS:
            message = f"filter: there is no field {one.field[:50]!r}; there are {', '.join(FIELDS)}."
            raise Invalid(message, field="filter")
        parts.append(search.compare(FIELDS[one.field], one.op, one.value, argument="filter", said=one.field))
    return search.both(*parts, *(_kind(one) for one in asked.filters or ()))


def _kind(given: Kind) -> Expression:
    """Write one of `filters`; what we don't know is refused, for passing it over would give other items."""
    if given.type in IN_COLLECTION:
        wanted = given.read(InCollection)
        if wanted.threshold_direction not in (*DIRECTIONS, None):
            message = f"thresholdDirection: it is one of {', '.join(DIRECTIONS)}."
            raise Invalid(message, field="filters")
        above = wanted.threshold_direction != DIRECTIONS[1]
        include = wanted.include is not False
        return search.in_collection(wanted.collection_id, include, threshold=wanted.threshold, above=above)
    if given.type == "images_filename":
        return search.name_contains(given.read(WithName).value)
    if given.type == "objects_class":
        labels = given.read(WithLabels)
        return search.labels_between(labels.class_id, labels.low, labels.high, labels.include is not False)
    known = (*IN_COLLECTION, "images_filename", "objects_class")
    message = f"filters: there is no type {given.type[:50]!r} here; there are {', '.join(known)}."
    raise Invalid(message, field="filters")


def _sort(asked: OfItems) -> str:
    if asked.sort is not None and asked.sort not in SORTS:
        message = f"sort: the fields to sort by are {', '.join(SORTS)}."
        raise Invalid(message, field="sort")
    return SORTS[asked.sort or "id"]


async def found(ctx: Context, item_id: int, *kinds: str) -> Media:
    """Find an item of some kinds; MediaNotFound when it is another."""
    item = await media.get(ctx.tx, ctx.actor, item_id)
    if item.kind not in kinds:
        raise MediaNotFound
    return item


async def added(call: Call, dataset_id: int, entries: Sequence[Entry], field: str, *, look: bool = False) -> Response:
    """Add items to a dataset, all or none; `look`: at the targets of links, for what they are."""
    actor, state = await call.actor(), state_of(call)
    async with state.db.reading() as tx:
        try:
            owner_id = (await datasets.to_change(tx, actor, dataset_id)).owner_id
        except DatasetNotFound as error:
            raise DatasetNotFound(error.message, field="datasetId") from error
    new = [one.new(f"{field}.{index}") for index, one in enumerate(entries)]
    await _bring(state, actor, owner_id, new)
    if look:
        new = await _looked_at(state, new)

    async def run() -> list[Json]:
        async with state.db.transaction() as tx:
            made = await media.add(tx, actor, dataset_id, new, private=state.settings.webhook_private_addresses)
            await _keep_order(tx, actor, made)
            return await items_of(Context(tx, actor, call, state), made)

    return respond(await tried_again(run))


async def _bring(state: State, actor: Actor, owner_id: int, new: Sequence[NewMedia]) -> None:
    """Make the files known where the items will be."""
    if hashes := [one.sha256 for one in new if one.sha256 is not None]:
        await media_files.adopt(state.db, state.blobs, actor, owner_id, hashes)
    if copied := [one.copy_of for one in new if one.copy_of is not None]:
        await media_files.share(state.db, state.blobs, actor, copied, owner_id)


async def _looked_at(state: State, items: Sequence[NewMedia]) -> list[NewMedia]:
    """Ask the targets of links what they are; of one that does not say it, nothing is known."""
    few = asyncio.Semaphore(_AT_ONCE)

    async def look(one: NewMedia) -> NewMedia:
        if one.link is None:
            return one
        try:
            async with few:
                facts = await links.fetch_facts(one.link, private=state.settings.webhook_private_addresses)
        except Invalid:
            return one
        return replace(one, facts=facts)

    return list(await asyncio.gather(*(look(one) for one in items)))


async def _keep_order(tx: Tx, actor: Actor, items: Sequence[Media]) -> None:
    """Give items the places that the client has put into their `meta`."""
    places = {one.id: place(one.meta[ORDER], f"meta.{ORDER}") for one in items if one.meta.get(ORDER) is not None}
    if places:
        await media.set_custom_order(tx, actor, places)


def place(given: object, field: str) -> float | None:
    """Read the place of an item in the custom order: a number, also as text; None for none."""
    if given is None or given == "":
        return None
    try:
        found = float(given) if isinstance(given, int | float | str) and not isinstance(given, bool) else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        message = f"{field}: places in the custom order are numbers."
        raise Invalid(message, field=field)
    return found


async def content_of_link(state: State, item: Media) -> bytes:
    """Fetch what an item's link leads to, for who downloads it; Invalid where that is nothing that we may fetch."""
    return await links.read_link(item.link or "", private=state.settings.webhook_private_addresses)
