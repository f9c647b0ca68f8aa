"""Reading the facts of media out of their files: by libraries made for it, in threads, within limits.

Nothing is parsed but what the first bytes were recognised as; what a file is called counts for nothing here.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

from pinakes.server.catalog import reading_videos
from pinakes.server.catalog.media_sniffing import HEAD, Kind, Unreadable, sniff
from pinakes.server.catalog.reading_clouds import read_cloud, seen_from_above
from pinakes.server.catalog.reading_images import read_image, thumbnail_of_file
from pinakes.server.catalog.reading_videos import poster, read_video, timecodes
from pinakes.server.catalog.reading_volumes import middle_slice, read_volume

__all__ = ["AT_ONCE", "Unreadable", "facts_of", "frames", "read", "read_many", "small_picture", "timecodes"]

# How many files a process reads at once: each may take a processor and some memory.
AT_ONCE = 2
# What nobody waits for gets about a tenth of a processor that others want, too.
_NICE = 10
# How a picture is made of a file of each kind, of its path and its media type.
_PICTURES: dict[str, Callable[[Path, str], bytes]] = {
    "image": thumbnail_of_file,
    "video": poster,
    "point_cloud": seen_from_above,
    "volume": lambda path, _: middle_slice(path),
}
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


async def read_many(paths: Sequence[Path]) -> list[tuple[str | None, dict[str, object]]]:
    """Do the same with many small files: they are shared among a few threads."""

    async def some(first: int) -> list[tuple[str | None, dict[str, object]]]:
        async with _turn():
            return await asyncio.to_thread(lambda: [facts_of(path) for path in paths[first::AT_ONCE]])

    shares = await asyncio.gather(*(some(first) for first in range(AT_ONCE)))
    return [shares[number % AT_ONCE][number // AT_ONCE] for number in range(len(paths))]


async def small_picture(path: Path, kind: str, mime: str, *, awaited: bool = True) -> bytes:
    """Return a thumbnail as WebP: of an image, a video's first frame, a cloud from above, a volume's middle slice.

    Args:
        path: The file.
        kind: Of what kind of item it is.
        mime: Its media type.
        awaited: Whether somebody waits for it; else all that somebody waits for goes before it on this machine.

    Raises:
        Unreadable: there is none of that kind, or it can't be decoded.
    """
    made = _PICTURES.get(kind)
    if made is None:
        message = f"There are thumbnails of {', '.join(_PICTURES)} only."
        raise Unreadable(message)
    threads = None if awaited else _behind_the_others()
    loop = asyncio.get_running_loop()
    async with _turn():
        return await loop.run_in_executor(threads, made, path, mime)


@cache
def _behind_the_others() -> ThreadPoolExecutor:
    """Return threads that get a processor when nobody else wants it, where the system can tell threads apart."""
    return ThreadPoolExecutor(AT_ONCE, "pictures", initializer=_stand_back)


def _stand_back() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


async def frames(path: Path, mime: str, wanted: Iterable[int]) -> AsyncGenerator[tuple[int, bytes]]:
    """Tell some frames of a video with their numbers, in order, as JPEG; those that it does not have are left out.

    Raises:
        Unreadable: it can't be decoded, from some frame on.
    """
    found = reading_videos.frames(path, mime, wanted)
    try:
        while True:
            async with _turn():
                one = await asyncio.to_thread(next, found, None)
            if one is None:
                return
            yield one
    finally:
        # A thread that is at it yet, when this was cancelled, throws it away by itself.
        with suppress(ValueError):
            found.close()


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
