"""Datasets: the folders of a project, in each other."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pinakes.server.catalog import datasets
from pinakes.server.catalog.media_types import DatasetChanges
from pinakes.server.collections import media_removal
from pinakes.server.errors import NotFound
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.encode import dataset_of
from pinakes.server.wires.supervisely.lists import Listing, page_of
from pinakes.server.wires.supervisely.methods.projects import SORTS
from pinakes.server.wires.supervisely.values import OK, Id, envelope

METHODS = Methods()

PER_PAGE = 1000
# A list that is filtered by other fields than its parent, names and ids is read whole, up to so many.
_MOST = 100_000
CUSTOM_DATA = "customData"


class NewDataset(Form):
    """A new dataset."""

    project_id: Id
    name: str
    description: str | None = None
    parent_id: Id | None = None
    custom_data: dict[str, Any] | None = None


class OfProject(Listing):
    """A list of the datasets of a project: of all, if `recursive`, else of those at the top."""

    project_id: Id
    recursive: bool | None = None


class OtherFacts(Form):
    """Changes of a dataset."""

    id: Id
    name: str | None = None
    description: str | None = None
    custom_data: dict[str, Any] | None = None


class OtherPlace(Form):
    """Another dataset to be in."""

    src_id: Id
    dest_id: Id | None = None


class Several(Form):
    """Several datasets."""

    datasets: list[ById]


@METHODS.change("datasets.add", NewDataset)
async def add(ctx: Context, asked: NewDataset) -> object:
    """Make a dataset."""
    made = await datasets.create(
        ctx.tx,
        ctx.actor,
        asked.project_id,
        asked.name,
        parent_id=asked.parent_id,
        description=asked.description or "",
        custom_data=asked.custom_data,
    )
    return dataset_of(ctx, made, custom_data=True)


@METHODS.read("datasets.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a dataset."""
    return dataset_of(ctx, await datasets.get(ctx.tx, ctx.actor, asked.id), custom_data=True)


@METHODS.read("datasets.list", OfProject)
async def listed(ctx: Context, asked: OfProject) -> object:
    """List datasets of a project. A filter by `parentId` means what is directly in that one."""
    known = ("parentId", "name", "id")
    simple = all(one.field in known and one.op in {"=", "in"} for one in asked.filter or ())
    parents, names, ids = (asked.only(field) for field in known)
    simple = simple and len(parents or ()) < 2 and (asked.sort or "id") in SORTS  # noqa: PLR2004 - several parents
    size = asked.size(PER_PAGE)
    parent = parents[0] if simple and parents else None
    rows, total = await datasets.page(
        ctx.tx,
        ctx.actor,
        asked.project_id,
        parent_id=parent if isinstance(parent, int) else None,
        top_only=not asked.recursive if not parents else parents == [None],
        names=None if names is None or not simple else [str(name) for name in names],
        ids=None if ids is None or not simple else [one for one in ids if isinstance(one, int)],
        sort=SORTS[asked.sort or "id"] if simple else "id",
        descending=asked.descending if simple else False,
        limit=size if simple else _MOST,
        offset=asked.start(size) if simple else 0,
    )
    sent = [dataset_of(ctx, one, custom_data=asked.wants(CUSTOM_DATA)) for one in rows]
    return envelope(sent, total, size) if simple else page_of(asked, sent, default=PER_PAGE)


@METHODS.change("datasets.editInfo", OtherFacts)
async def edit(ctx: Context, asked: OtherFacts) -> object:
    """Change a dataset."""
    changes = DatasetChanges(asked.name, asked.description, asked.custom_data)
    return dataset_of(ctx, await datasets.update(ctx.tx, ctx.actor, asked.id, changes), custom_data=True)


@METHODS.change("datasets.move", OtherPlace)
async def move(ctx: Context, asked: OtherPlace) -> object:
    """Put a dataset into another one, or to the top of its project."""
    return dataset_of(ctx, await datasets.move(ctx.tx, ctx.actor, asked.src_id, asked.dest_id), custom_data=True)


@METHODS.change("datasets.archive", ById)
async def archive(ctx: Context, asked: ById) -> object:
    """Put a dataset away with all that is in it."""
    await media_removal.remove_dataset(ctx.tx, ctx.actor, asked.id)
    return OK


@METHODS.change("datasets.remove.permanently", Several)
async def remove(ctx: Context, asked: Several) -> object:
    """Remove datasets for good, also those that were put away before."""
    gone = [one.id for one in asked.datasets]
    for dataset_id in gone:
        with suppress(NotFound):  # it was put away before
            await media_removal.remove_dataset(ctx.tx, ctx.actor, dataset_id)
    await datasets.remove(ctx.tx, ctx.actor, gone)
    return OK
