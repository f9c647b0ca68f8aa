"""Figures: drawn on images, sights of objects in everything else. Those of images come and go in whole pixels here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pinakes.server.errors import Invalid
from pinakes.server.labeling import access, figures
from pinakes.server.labeling.label_types import Figure, FigureChanges
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.conditions import numbers
from pinakes.server.wires.supervisely.label_answers import figure_json
from pinakes.server.wires.supervisely.label_forms import FigureForm, Tag, frame_of, kept_geometry
from pinakes.server.wires.supervisely.lists import Kind, Listing
from pinakes.server.wires.supervisely.values import OK, Id, envelope

METHODS = Methods()

PER_PAGE = 2000
MOST_PER_PAGE = 10_000

# The fields that figures are found by.
OF_ITEM = ("entityId", "imageId")
OF_CLASS = "objects_class"


class Found(Listing):
    """Which figures: those of a dataset, of items (`entityId in …`), or by their own numbers (`id in …`)."""

    dataset_id: Id | None = None
    integer_coords: bool | None = None

    @property
    def items(self) -> list[int] | None:
        """The items that the figures are limited to; None where they are not."""
        found = [self.only(field) for field in OF_ITEM]
        limits = [set(each) for each in map(numbers, found) if each is not None]
        return sorted(set.intersection(*limits)) if limits else None

    @property
    def ids(self) -> list[int] | None:
        """The figures by their numbers; None where they are not given."""
        return numbers(self.only("id"))

    @property
    def class_ids(self) -> set[int] | None:
        """The classes that figures are limited to; None where they are not."""
        found = [_class_of(kind) for kind in self.filters or ()]
        return None if not found else {each for each in found if each is not None} if None not in found else None

    def check(self) -> None:
        """Refuse conditions that nothing here looks at."""
        for condition in self.filter or ():
            if condition.field not in {*OF_ITEM, "id"} or condition.op not in {"=", "in"}:
                message = f"filter: figures are found by entityId and id (=, in), not by {condition.field[:50]!r}."
                raise Invalid(message, field="filter")


class Adding(Form):
    """New figures: all on one item, or each on its own."""

    entity_id: Id | None = None
    figures: list[FigureForm]


class Editing(Form):
    """Other facts of a figure; what is left out stays."""

    id: Id
    geometry: dict[str, Any] | None = None
    geometry_type: str | None = None
    class_id: Id | None = None
    tags: list[Tag] | None = None
    description: str | None = None
    meta: dict[str, Any] | None = None
    custom_data: dict[str, Any] | None = None
    smart_tool_input: Any = None
    track_id: str | int | None = None
    priority: int | None = None
    nn_created: bool | None = None
    nn_updated: bool | None = None


class ByIds(Form):
    """Several figures."""

    figure_ids: list[Id]


class Ranking(Form):
    """A figure and its place above others."""

    id: Id
    priority: int


class Annotating(Form):
    """Data of the client's own on a figure."""

    id: Id
    custom_data: dict[str, Any]
    update_strategy: Literal["replace", "merge"] = "merge"


@METHODS.snapshot("figures.list", Found)
async def listed(ctx: Context, asked: Found) -> object:
    """The figures of a dataset or of items."""
    asked.check()
    size = asked.size(PER_PAGE, MOST_PER_PAGE)
    classes = asked.class_ids
    if asked.ids is None and classes is None:
        if asked.dataset_id is None and asked.items is None:
            message = "datasetId: say it, or which items by a filter on entityId."
            raise Invalid(message, field="datasetId")
        where: dict[str, Any] = {"dataset_id": asked.dataset_id, "item_ids": asked.items}
        page = await figures.page(ctx.tx, ctx.actor, **where, limit=size, offset=asked.start(size))
        total = await figures.count(ctx.tx, ctx.actor, **where)
        return envelope(await _written(ctx, asked, page.rows), total, size)
    found = [figure for figure in await _chosen(ctx, asked) if classes is None or figure.class_id in classes]
    start = asked.start(size)
    return envelope(await _written(ctx, asked, found[start : start + size]), len(found), size)


@METHODS.change("figures.bulk.add", Adding)
async def add(ctx: Context, asked: Adding) -> object:
    """Draw figures; their numbers, in the order given."""
    places = [figure.entity_id or asked.entity_id for figure in asked.figures]
    items = [place for place in places if place is not None]
    if len(items) < len(places):
        message = "entityId: say which item the figures are on, for all of them or for each."
        raise Invalid(message, field="entityId")
    rights = await access.require_labeling(ctx.tx, ctx.actor, list(dict.fromkeys(items)))
    kinds = {right.item_id: right.kind for right in rights}
    drawn = [figure.new(item, kinds[item]) for figure, item in zip(asked.figures, items, strict=True)]
    return [{"id": number} for number in await figures.add(ctx.tx, ctx.actor, drawn)]


@METHODS.snapshot("figures.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """One figure, in pixels."""
    return await _one(ctx, await figures.get(ctx.tx, ctx.actor, asked.id))


@METHODS.change("figures.editInfo", Editing)
async def edit(ctx: Context, asked: Editing) -> object:
    """Draw a figure anew, or change what is said of it."""
    before = await figures.get(ctx.tx, ctx.actor, asked.id)
    geometry = None
    if asked.geometry is not None:
        kind = asked.geometry_type or before.geometry_type
        geometry = kept_geometry(kind, asked.geometry, await _kind(ctx, before))
    changes = FigureChanges(
        geometry_type=asked.geometry_type,
        geometry=geometry,
        class_id=asked.class_id,
        tags=None if asked.tags is None else [tag.of_label() for tag in asked.tags],
        description=asked.description,
        meta=asked.meta,
        extras=_extras(before, asked),
        frame=frame_of(asked.meta),
        track_id=None if asked.track_id is None else str(asked.track_id),
        priority=asked.priority,
        nn_created=asked.nn_created,
        nn_updated=asked.nn_updated,
    )
    return await _one(ctx, await figures.edit(ctx.tx, ctx.actor, asked.id, changes))


@METHODS.change("figures.bulk.remove", ByIds)
async def remove(ctx: Context, asked: ByIds) -> object:
    """Take figures away; they can be brought back."""
    await figures.remove(ctx.tx, ctx.actor, asked.figure_ids)
    return OK


@METHODS.change("figures.bulk.restore", ByIds)
async def restore(ctx: Context, asked: ByIds) -> object:
    """Bring figures back that were taken away."""
    await figures.restore(ctx.tx, ctx.actor, asked.figure_ids)
    return OK


@METHODS.change("figures.priority.update", Ranking)
async def rank(ctx: Context, asked: Ranking) -> object:
    """Say which figure is above which."""
    return await _one(ctx, await figures.set_priority(ctx.tx, ctx.actor, asked.id, asked.priority))


@METHODS.change("figures.custom-data.update", Annotating)
async def annotate(ctx: Context, asked: Annotating) -> object:
    """Keep data of the client's own with a figure, instead of what was there or beside it."""
    before = await figures.get(ctx.tx, ctx.actor, asked.id)
    kept = before.extras.get("customData") or {} if asked.update_strategy == "merge" else {}
    data = {**kept, **asked.custom_data}
    changes = FigureChanges(extras={**before.extras, "customData": data})
    await figures.edit(ctx.tx, ctx.actor, asked.id, changes)
    return {"id": asked.id, "customData": data}


def _class_of(kind: Kind) -> int | None:
    """Read the class of a filter on classes; None for any."""
    number = kind.data.get("classId")
    if kind.type != OF_CLASS or kind.data.get("include") is False or not (number is None or isinstance(number, int)):
        message = f"filters: figures are found by {OF_CLASS} with a classId."
        raise Invalid(message, field="filters")
    return number


def _extras(before: Figure, asked: Editing) -> dict[str, Any] | None:
    given = {"customData": asked.custom_data, "smartToolInput": asked.smart_tool_input}
    changed = {key: value for key, value in given.items() if value is not None}
    return {**before.extras, **changed} if changed else None


async def _chosen(ctx: Context, asked: Found) -> list[Figure]:
    """All figures that are asked for by number or by class."""
    items, ids = asked.items, asked.ids
    if ids is not None:
        found = await figures.get_many(ctx.tx, ctx.actor, ids)
        return [
            figure
            for figure in found
            if asked.dataset_id in {None, figure.dataset_id} and (items is None or figure.item_id in items)
        ]
    rows: list[Figure] = []
    cursor: str | None = None
    while True:
        page = await figures.page(
            ctx.tx, ctx.actor, dataset_id=asked.dataset_id, item_ids=items, limit=MOST_PER_PAGE, cursor=cursor
        )
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows


async def _written(ctx: Context, asked: Found, rows: Sequence[Figure]) -> list[dict[str, Any]]:
    """Write figures, whole pixels unless the client takes others; without geometries where it leaves them out."""
    kinds = await _kinds(ctx, rows)
    pixels = asked.integer_coords is not False
    written = [figure_json(figure, kinds[figure.item_id], pixels=pixels) for figure in rows]
    if asked.fields and "geometry" not in asked.fields:
        for each in written:
            del each["geometry"]
    return written


async def _one(ctx: Context, figure: Figure) -> dict[str, Any]:
    return figure_json(figure, await _kind(ctx, figure))


async def _kind(ctx: Context, figure: Figure) -> str:
    return (await _kinds(ctx, [figure]))[figure.item_id]


async def _kinds(ctx: Context, rows: Sequence[Figure]) -> dict[int, str]:
    """What kinds of items figures are on: it decides of what their coordinates are."""
    items = list(dict.fromkeys(figure.item_id for figure in rows))
    rights = await access.require_reading(ctx.tx, ctx.actor, items) if items else []
    return {right.item_id: right.kind for right in rights}
