"""Reading the facts of media out of their files: by libraries made for it, in threads, within limits.

Nothing is parsed but what the first bytes were recognised as; what a file is called counts for nothing here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from pinakes.server.catalog.media_sniffing import HEAD, Kind, Unreadable, sniff
from pinakes.server.catalog.reading_clouds import read_cloud
from pinakes.server.catalog.reading_images import read_image, thumbnail_of_file
from pinakes.server.catalog.reading_videos import poster, read_video, timecodes
from pinakes.server.catalog.reading_volumes import read_volume

__all__ = ["AT_ONCE", "Unreadable", "facts_of", "read", "small_picture", "timecodes"]

# How many files a process reads at once: each may take a processor and some memory.
AT_ONCE = 2
_turns: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def facts_of(path: Path) -> tuple[str | None, dict[str, object]]:
    """Return a file's media type and facts; where no item can be made of it, `kind` is None and `refused` says why."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    found: Kind | None = None
    try:
        found = sniff(head)
        return found.mime, {"kind": found.kind} | _read(path, found)
    except Unreadable as error:
        return found.mime if found else None, {"kind": None, "refused": str(error)}


async def read(path: Path) -> tuple[str | None, dict[str, object]]:
    """Do the same in a thread, a few at once."""
    async with _turn():
        return await asyncio.to_thread(facts_of, path)


async def small_picture(path: Path, kind: str, mime: str) -> bytes:
    """Return the thumbnail of an image, or of a video's first frame, as WebP.

    Raises:
        Unreadable: there is none of that kind, or it can't be decoded.
    """
    if kind not in {"image", "video"}:
        message = "There are thumbnails of images and videos only."
        raise Unreadable(message)
    async with _turn():
        return await asyncio.to_thread(thumbnail_of_file if kind == "image" else poster, path, mime)


def _turn() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    if loop not in _turns:
        for ended in [known for known in _turns if known.is_closed()]:
            del _turns[ended]
        _turns[loop] = asyncio.Semaphore(AT_ONCE)
    return _turns[loop]


def _read(path: Path, found: Kind) -> dict[str, object]:
    if found.kind == "image":
        return read_image(path, found.mime)
    if found.kind == "video":
        return read_video(path, found.mime)
    if found.kind == "point_cloud":
        return read_cloud(path, found.mime)
    return read_volume(path)
