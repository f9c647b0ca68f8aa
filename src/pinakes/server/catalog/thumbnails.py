"""Thumbnails of images, posters of videos, views of clouds and volumes: kept in the store, one for each file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import structlog

from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media_readers
from pinakes.server.catalog.media_files import decodable, media_key, thumbnail_key
from pinakes.server.catalog.media_reading import SQL, UNKNOWN_TYPE, get, may_download
from pinakes.server.catalog.media_types import Media, MediaBytes
from pinakes.server.db import Database
from pinakes.server.errors import FileNotFound

log = structlog.get_logger(__name__)

THUMBNAIL_TYPE = "image/webp"


async def thumbnail(db: Database, blobs: Blobs, actor: Actor, item_id: int) -> MediaBytes:
    """Return where an item's thumbnail is, at most 320 pixels wide and high; it is made now where it is missing.

    Its `sha256` is that of the file that it is made of, and so says when it is another.

    Raises:
        MediaNotFound: there is no item that the actor sees.
        Forbidden: he sees that it is there, but not what is in it.
        FileNotFound: there is none: the item is a link, or too large for a picture.
    """
    async with db.reading() as tx:
        item = await get(tx, actor, item_id)
    may_download(actor, item)
    if item.sha256 is None:
        message = "There are thumbnails of items whose files are here."
        raise FileNotFound(message, field="item")
    size = await make(blobs, item.owner_id, item.sha256, item.kind, item.mime or UNKNOWN_TYPE)
    if not item.has_thumbnail:
        await note(db, item.owner_id, [item.sha256])
    return _found(item, item.sha256, size)


async def make(blobs: Blobs, account_id: int, sha256: bytes, kind: str, mime: str) -> int:
    """Make the thumbnail of a file, where there is none; return its size.

    Raises:
        FileNotFound: the file is gone, or can't be decoded.
    """
    key = thumbnail_key(account_id, sha256)
    there = await blobs.head(key)
    if there is not None:
        return there.size
    picture = await _picture(blobs, account_id, sha256, kind, mime, awaited=True)
    return (await blobs.receive(key, _once(picture), size=len(picture))).size


async def make_many(blobs: Blobs, account_id: int, wanted: Mapping[bytes, tuple[str, str]]) -> list[bytes]:
    """Make the thumbnails of some files of an account that nobody waits for, and store them together.

    Args:
        blobs: The store.
        account_id: The account.
        wanted: The kind and the media type of each file, by its SHA-256.

    Returns:
        Those of which there is a thumbnail now.
    """
    keys = {thumbnail_key(account_id, sha256): sha256 for sha256 in wanted}
    made: dict[str, bytes] = {}
    undone: set[bytes] = set()
    for key in await blobs.missing([*keys]):
        sha256 = keys[key]
        try:
            made[key] = await _picture(blobs, account_id, sha256, *wanted[sha256], awaited=False)
        except FileNotFound as error:
            log.info("no_thumbnail", account=account_id, sha256=sha256.hex(), reason=error.message)
            undone.add(sha256)
    await blobs.store_many(made)
    return [sha256 for sha256 in wanted if sha256 not in undone]


async def _picture(blobs: Blobs, account_id: int, sha256: bytes, kind: str, mime: str, *, awaited: bool) -> bytes:
    async with decodable(blobs, media_key(account_id, sha256)) as path:
        return await media_readers.small_picture(path, kind, mime, awaited=awaited)


async def note(db: Database, account_id: int, hashes: list[bytes]) -> None:
    """Write down that there are thumbnails of some files of an account."""
    async with db.transaction() as tx:
        await tx.run(SQL.have_thumbnail, account_id=account_id, hashes=hashes)


def _found(item: Media, sha256: bytes, size: int) -> MediaBytes:
    return MediaBytes(thumbnail_key(item.owner_id, sha256), size, THUMBNAIL_TYPE, sha256, f"{item.name}.webp")


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
