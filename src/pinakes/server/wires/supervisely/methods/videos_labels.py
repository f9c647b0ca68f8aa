"""The annotations of videos, and the data of the client's own that a video carries."""

from __future__ import annotations

from typing import Any

from pinakes.server.catalog import media
from pinakes.server.catalog.media_types import MediaChanges
from pinakes.server.labeling import annotations as labels
from pinakes.server.wires.supervisely.calls import Context, Form, Methods
from pinakes.server.wires.supervisely.label_answers import of_video
from pinakes.server.wires.supervisely.values import Id

METHODS = Methods()


class OfVideos(Form):
    """Several videos' annotations; what the client drew on them is sent as it was drawn."""

    video_ids: list[Id]


class Keeping(Form):
    """Data of the client's own."""

    id: Id
    custom_data: dict[str, Any]


@METHODS.snapshot("videos.annotations.bulk.info", OfVideos)
async def infos(ctx: Context, asked: OfVideos) -> object:
    """The annotations of several videos, in the order asked."""
    return [of_video(found) for found in await labels.get_many(ctx.tx, ctx.actor, asked.video_ids)]


@METHODS.change("videos.custom-data.set", Keeping)
async def keep(ctx: Context, asked: Keeping) -> object:
    """Keep data of the client's own with a video, instead of what was there."""
    video, *_ = await media.update(ctx.tx, ctx.actor, [MediaChanges(asked.id, custom_data=asked.custom_data)])
    return {"id": video.id, "customData": video.custom_data}
