"""Objects of videos, episodes and volumes: what figures are the sights of."""

from __future__ import annotations

from typing import Any

from pinakes.server.labeling import objects
from pinakes.server.labeling.label_types import LabelObject
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.label_answers import object_json
from pinakes.server.wires.supervisely.label_forms import ObjectForm
from pinakes.server.wires.supervisely.lists import Listing, page_of
from pinakes.server.wires.supervisely.values import OK, Id, envelope

METHODS = Methods()

AT_ONCE = 10_000


class Adding(Form):
    """New objects of a dataset, on one of its items each or on none."""

    dataset_id: Id
    annotation_objects: list[ObjectForm]


class Found(Listing):
    """The objects of a dataset."""

    dataset_id: Id


@METHODS.change("annotation-objects.bulk.add", Adding)
async def add(ctx: Context, asked: Adding) -> object:
    """Make objects; their numbers, in the order given."""
    made = await objects.add(ctx.tx, ctx.actor, asked.dataset_id, [thing.new() for thing in asked.annotation_objects])
    return [{"id": number} for number in made]


@METHODS.snapshot("annotation-objects.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """One object."""
    return object_json(await objects.get(ctx.tx, ctx.actor, asked.id))


@METHODS.snapshot("annotation-objects.list", Found)
async def listed(ctx: Context, asked: Found) -> object:
    """The objects of a dataset; found and put in order by any of their fields."""
    if asked.filter or (asked.sort or "id") != "id" or asked.descending:
        return page_of(asked, [object_json(thing) for thing in await all_of(ctx, asked.dataset_id)])
    size = asked.size(most=AT_ONCE)
    page = await objects.page(ctx.tx, ctx.actor, dataset_id=asked.dataset_id, limit=size, offset=asked.start(size))
    total = await objects.count(ctx.tx, ctx.actor, dataset_id=asked.dataset_id)
    return envelope([object_json(thing) for thing in page.rows], total, size)


@METHODS.change("annotation-objects.bulk.remove", list[Id])
async def remove(ctx: Context, asked: list[Any]) -> object:
    """Take objects away, with their figures and tags."""
    await objects.remove(ctx.tx, ctx.actor, asked)
    return OK


async def all_of(ctx: Context, dataset_id: int) -> list[LabelObject]:
    """All objects of a dataset."""
    rows: list[LabelObject] = []
    cursor: str | None = None
    while True:
        page = await objects.page(ctx.tx, ctx.actor, dataset_id=dataset_id, limit=AT_ONCE, cursor=cursor)
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows
