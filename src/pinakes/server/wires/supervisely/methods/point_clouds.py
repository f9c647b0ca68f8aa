"""Point clouds, and the frames of episodes, which are point clouds."""

from __future__ import annotations

from starlette.responses import Response

from pinakes.server.wires.supervisely.calls import ById, Call, Context, Form, Methods
from pinakes.server.wires.supervisely.encode import item_of
from pinakes.server.wires.supervisely.items import Entry, OfItems, added, found, listed
from pinakes.server.wires.supervisely.methods.images import download_of
from pinakes.server.wires.supervisely.values import Id

METHODS = Methods()


class NewPointClouds(Form):
    """New point clouds of a dataset."""

    dataset_id: Id
    point_clouds: list[Entry]


@METHODS.raw("point-clouds.bulk.add")
async def add(call: Call) -> Response:
    """Add point clouds to a dataset: all of them, or none."""
    asked = await call.asked(NewPointClouds)
    return await added(call, asked.dataset_id, asked.point_clouds, "pointClouds")


@METHODS.read("point-clouds.list", OfItems)
async def point_clouds(ctx: Context, asked: OfItems) -> object:
    """List point clouds."""
    return await listed(ctx, asked, "point_cloud")


@METHODS.read("point-clouds.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a point cloud."""
    return await item_of(ctx, await found(ctx, asked.id, "point_cloud"))


METHODS.raw("point-clouds.download", by_id=True)(download_of("point_cloud"))
