"""Videos."""

from __future__ import annotations

from starlette.responses import Response

from pinakes.server.wires.supervisely.calls import ById, Call, Context, Form, Methods
from pinakes.server.wires.supervisely.encode import item_of
from pinakes.server.wires.supervisely.items import Entry, OfItems, added, found, listed
from pinakes.server.wires.supervisely.methods.images import download_of
from pinakes.server.wires.supervisely.values import Id

METHODS = Methods()


class NewVideos(Form):
    """New videos of a dataset."""

    dataset_id: Id
    videos: list[Entry]
    force_metadata_for_links: bool | None = None


@METHODS.raw("videos.bulk.add")
async def add(call: Call) -> Response:
    """Add videos to a dataset: all of them, or none."""
    asked = await call.asked(NewVideos)
    return await added(call, asked.dataset_id, asked.videos, "videos", look=bool(asked.force_metadata_for_links))


@METHODS.read("videos.list", OfItems)
async def videos(ctx: Context, asked: OfItems) -> object:
    """List videos."""
    return await listed(ctx, asked, "video")


@METHODS.read("videos.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a video."""
    return await item_of(ctx, await found(ctx, asked.id, "video"))


METHODS.raw("videos.download", by_id=True)(download_of("video"))
