"""Frames of videos as pictures, for whoever may download the video."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media_readers
from pinakes.server.catalog.media_files import decodable
from pinakes.server.catalog.media_reading import file_of, get
from pinakes.server.db import Database
from pinakes.server.errors import Invalid, MediaNotFound

# All pictures of a call are in memory at once.
MOST = 100


async def read(db: Database, blobs: Blobs, actor: Actor, item_id: int, frames: Sequence[int]) -> dict[int, bytes]:
    """Return frames of a video as JPEGs by their numbers, which count from 0.

    Raises:
        MediaNotFound: there is no video that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not download it.
        Invalid: (field `frames`) the video has no such frame, or they are too many.
        FileNotFound: it is a link, or can't be decoded.
    """
    if not 1 <= len(frames) <= MOST:
        message = f"1 to {MOST} frames come in one call, not {len(frames)}."
        raise Invalid(message, field="frames", details={"limit": MOST})
    async with db.reading() as tx:
        item = await get(tx, actor, item_id)
    if item.kind != "video":
        raise MediaNotFound
    video = file_of(actor, item)
    outside = [number for number in frames if not 0 <= number < (item.frames or 0)]
    found: dict[int, bytes] = {}
    if not outside:
        found = await _decoded(blobs, video.key, video.mime, frames)
        outside = [number for number in frames if number not in found]
    if outside:
        message = f"The video has no frame {outside[0]}: it has {item.frames}, counted from 0."
        raise Invalid(message, field="frames")
    return found


async def _decoded(blobs: Blobs, key: str, mime: str, frames: Sequence[int]) -> dict[int, bytes]:
    async with decodable(blobs, key) as path:
        return {number: picture async for number, picture in media_readers.frames(path, mime, frames)}
