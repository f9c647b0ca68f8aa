"""Videos."""

from __future__ import annotations

from urllib.parse import parse_qsl

from pydantic import TypeAdapter
from starlette.responses import Response

from pinakes.server.catalog import media_frames
from pinakes.server.state import state_of
from pinakes.server.wires.supervisely import downloads
from pinakes.server.wires.supervisely.calls import ById, Call, Context, Form, Methods, decoded
from pinakes.server.wires.supervisely.encode import item_of
from pinakes.server.wires.supervisely.items import Entry, OfItems, added, found, listed
from pinakes.server.wires.supervisely.methods.images import download_of
from pinakes.server.wires.supervisely.parts import Sent, multipart, named
from pinakes.server.wires.supervisely.values import Id

METHODS = Methods()


class NewVideos(Form):
    """New videos of a dataset."""

    dataset_id: Id
    videos: list[Entry]
    force_metadata_for_links: bool | None = None


class OneFrame(Form):
    """A frame of a video."""

    video_id: Id
    frame: int


class SeveralFrames(Form):
    """Frames of a video."""

    video_id: Id
    frames: list[int]


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


@METHODS.raw("videos.download-frame")
async def frame(call: Call) -> Response:
    """Answer with a frame of a video as a picture."""
    actor, state = await call.actor(), state_of(call)
    asked = await call.asked(OneFrame)
    found = await media_frames.read(state.db, state.blobs, actor, asked.video_id, [asked.frame])
    return downloads.send_bytes(found[asked.frame], "image/jpeg")


@METHODS.raw("videos.bulk.download-frame")
async def frames(call: Call) -> Response:
    """Answer with frames of a video as pictures, each called by its number.

    The client asks by POST with JSON, or by GET with a form in the body, in which `frames` stands once for each.
    """
    actor, state = await call.actor(), state_of(call)
    asked = await _several(call)
    found = await media_frames.read(state.db, state.blobs, actor, asked.video_id, asked.frames)
    wanted = dict.fromkeys(asked.frames)
    sent = [Sent(f'{named(number)}; filename="{number}.jpg"', found[number]) for number in wanted]
    return multipart(state.blobs, sent)


async def _several(call: Call) -> SeveralFrames:
    given, is_json = await call.content()
    if not is_json:
        pairs = parse_qsl((await call.body()).decode("utf-8", "replace"))
        given = {**given, "frames": [value for name, value in pairs if name == "frames"]}
    return decoded(TypeAdapter(SeveralFrames), given, is_json=is_json)
