"""Files of media, by the SHA-256 of their bytes: known per account, received as streams, their facts read at once.

Whoever knows a hash of another account's can do nothing with it. A file is written down after it is there whole; what
can't be read is kept all the same (slices of volumes and geometries of figures are files, too), with the reason why no
item can be made of it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs, Digested
from pinakes.server.catalog import media_checks as checks, media_readers
from pinakes.server.catalog.media_types import FileFacts, KnownFile
from pinakes.server.db import Database, Tx, json, load
from pinakes.server.errors import AccountNotFound, FileNotFound, Invalid, NotFound, Unavailable
from pinakes.server.permissions.service import require, require_sign_in, roles_allowing, sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "media_files.sql")

FILES, THUMBNAILS = "media", "media-thumbnails"

MOST_BYTES = 100 * 1024**3
# Files of so many bytes each are taken many at once, and so many bytes together.
SMALL = 4 * 1024 * 1024
SMALL_TOGETHER = 8 * 1024 * 1024
MOST_HASHES = 100_000
_DIGEST = 32


def media_key(account_id: int, sha256: bytes) -> str:
    """Return where a file of an account lies."""
    digest = sha256.hex()
    return f"{FILES}/{account_id}/{digest[:2]}/{digest}"


def thumbnail_key(account_id: int, sha256: bytes) -> str:
    """Return where the thumbnail of a file of an account lies."""
    digest = sha256.hex()
    return f"{THUMBNAILS}/{account_id}/{digest[:2]}/{digest}"


async def known(tx: Tx, actor: Actor, account_id: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Return which of many files an account knows, in the order asked; they are kept from being purged for a day.

    Raises:
        AccountNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: (field `hashes`) too many, or none of SHA-256.
    """
    _may_write(actor, account_id)
    return await _known(tx, [account_id], hashes)


async def known_anywhere(tx: Tx, actor: Actor, hashes: Sequence[bytes]) -> list[bytes]:
    """Return which of many files any account knows where the actor may write; `adopt` brings them where he wants them.

    Raises:
        Unauthenticated: he did not sign in.
        Invalid: (field `hashes`) too many, or none of SHA-256.
    """
    return await _known(tx, _own_accounts(actor), hashes)


async def facts(tx: Tx, actor: Actor, account_id: int, hashes: Sequence[bytes]) -> list[FileFacts]:
    """Return what is known of files of an account, in the order asked; of those that it does not know, nothing.

    Raises:
        AccountNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: (field `hashes`) too many, or none of SHA-256.
    """
    _may_write(actor, account_id)
    wanted = _checked(hashes)
    found = await tx.all(SQL.files_known, FileFacts, account_id=account_id, hashes=wanted)
    by_hash = {file.sha256: file for file in found}
    return [by_hash[sha256] for sha256 in hashes if sha256 in by_hash]


async def receive(
    db: Database,
    blobs: Blobs,
    actor: Actor,
    account_id: int,
    chunks: AsyncIterable[bytes],
    *,
    sha256: bytes | None = None,
    size: int | None = None,
    most: int | None = None,
) -> FileFacts:
    """Take a file for an account, read what it is, and write it down.

    Args:
        db: Where it is written down.
        blobs: Where it is kept.
        actor: Who sends it.
        account_id: Whose it will be.
        chunks: Its bytes, in pieces of any size; never all of it is in memory.
        sha256: The SHA-256 that it must have, if that is known.
        size: The size that it must have, if that is known.
        most: The most bytes that it may have.

    Raises:
        AccountNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: (fields `sha256`, `size`) it is another content. Nothing is kept then, nor when `chunks` raises.
        TooLarge: it has more bytes than it may have.
        Unavailable: the store or the database is away; the same can be sent again.
    """
    _may_write(actor, account_id)
    received = await blobs.receive_by_digest(
        lambda digest: media_key(account_id, digest),
        chunks,
        sha256=sha256,
        size=size,
        most=min(most or MOST_BYTES, MOST_BYTES),
    )
    found = await _read(db, blobs, account_id, received)
    await _keep(db, blobs, account_id, [found])
    return found


async def receive_many(
    db: Database, blobs: Blobs, actor: Actor, account_id: int, contents: Mapping[bytes, bytes]
) -> list[FileFacts]:
    """Take small files for an account by the SHA-256s of their bytes, all at once, as `receive` takes one.

    Raises:
        AccountNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Unavailable: the store or the database is away; the same can be sent again.
    """
    _may_write(actor, account_id)
    if not contents:
        return []
    async with db.reading() as tx:
        found = await tx.all(SQL.files_known, FileFacts, account_id=account_id, hashes=[*contents])
    known = {file.sha256: file for file in found if file.facts}
    gone = {*await blobs.missing([media_key(account_id, sha256) for sha256 in known])}
    new = [one for one in contents if one not in known or media_key(account_id, one) in gone]
    async with blobs.arriving({media_key(account_id, sha256): contents[sha256] for sha256 in new}) as paths:
        read = await media_readers.read_many(paths)
    for sha256, (mime, what) in zip(new, read, strict=True):
        known[sha256] = FileFacts(sha256, len(contents[sha256]), mime, what)
    files = [known[sha256] for sha256 in contents]
    await _keep(db, blobs, account_id, files)
    return files


async def receive_anywhere(
    db: Database,
    blobs: Blobs,
    actor: Actor,
    chunks: AsyncIterable[bytes],
    *,
    sha256: bytes | None = None,
    size: int | None = None,
    most: int | None = None,
) -> FileFacts:
    """Take a file of somebody who does not say yet where it goes: his own account knows it until he does (`adopt`).

    Raises:
        Unauthenticated: he did not sign in.
        ScopeTooNarrow, Invalid, TooLarge, Unavailable: as `receive`.
    """
    own = require_sign_in(actor)
    account_id = actor.bound_to if actor.bound_to is not None else own
    return await receive(db, blobs, actor, account_id, chunks, sha256=sha256, size=size, most=most)


async def receive_many_anywhere(db: Database, blobs: Blobs, actor: Actor, contents: Sequence[bytes]) -> list[FileFacts]:
    """Take small files all at once, as `receive_anywhere` takes one; in their order.

    Raises:
        Unauthenticated: he did not sign in.
        ScopeTooNarrow, Unavailable: as `receive_many`.
    """
    own = require_sign_in(actor)
    account_id = actor.bound_to if actor.bound_to is not None else own
    digests = await digests_of(contents)
    files = await receive_many(db, blobs, actor, account_id, dict(zip(digests, contents, strict=True)))
    by_hash = {file.sha256: file for file in files}
    return [by_hash[sha256] for sha256 in digests]


async def digests_of(contents: Sequence[bytes]) -> list[bytes]:
    """Return the SHA-256 of each content."""
    return await asyncio.to_thread(lambda: [hashlib.sha256(content).digest() for content in contents])


async def adopt(db: Database, blobs: Blobs, actor: Actor, account_id: int, hashes: Sequence[bytes]) -> None:
    """Let an account know the files that other accounts know where the actor may write, too.

    Those that none knows are left out: whoever then makes items of them hears of it.

    Raises:
        AccountNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: (field `hashes`) too many, or none of SHA-256.
    """
    _may_write(actor, account_id)
    await adopt_granted(db, blobs, actor, account_id, hashes)


async def adopt_granted(db: Database, blobs: Blobs, actor: Actor, account_id: int, hashes: Sequence[bytes]) -> None:
    """Do what `adopt` does where something else than writing gives the right to: the caller has asked for that.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not even write in his own account.
        Invalid: (field `hashes`) too many, or none of SHA-256.
    """
    own = _own_accounts(actor)
    async with db.reading() as tx:
        found = await tx.all(
            SQL.files_elsewhere, KnownFile, account_ids=own, hashes=_checked(hashes), account_id=account_id
        )
    await _bring(db, blobs, account_id, found)


async def share(db: Database, blobs: Blobs, actor: Actor, item_ids: Sequence[int], account_id: int) -> None:
    """Let an account know the files of items that the actor may download: for whoever then copies them there.

    Raises:
        AccountNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
    """
    _may_write(actor, account_id)
    checks.at_once(len(item_ids), "items")
    async with db.reading() as tx:
        found = await tx.all(
            SQL.files_of_items,
            KnownFile,
            ids=checks.some_ids(item_ids),
            account_id=account_id,
            everything=sight(actor).everything,
            accounts=roles_allowing(actor, Permission.VERSION_DOWNLOAD),
        )
    await _bring(db, blobs, account_id, found)


@asynccontextmanager
async def decodable(blobs: Blobs, key: str) -> AsyncGenerator[Path]:
    """Have a file of the store as one of this machine, for a block that makes pictures of it.

    Raises:
        FileNotFound: it is gone, or the block found it Unreadable.
    """
    try:
        async with blobs.local(key) as path:
            yield path
    except media_readers.Unreadable as error:
        raise FileNotFound(str(error), field="item") from error
    except NotFound as error:
        message = "Its file is gone."
        raise FileNotFound(message, field="item") from error


def _may_write(actor: Actor, account_id: int) -> None:
    require(actor, Permission.PROJECT_WRITE, owner_id=account_id, missing=AccountNotFound)


def _own_accounts(actor: Actor) -> list[int]:
    """Return the accounts where somebody may write, his own among them."""
    own = require_sign_in(actor)
    home = actor.bound_to if actor.bound_to is not None else own
    _may_write(actor, home)
    return sorted({home, *roles_allowing(actor, Permission.PROJECT_WRITE)})


def _checked(hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) > MOST_HASHES:
        message = f"At most {MOST_HASHES} hashes in one call, not {len(hashes)}."
        raise Invalid(message, field="hashes")
    if any(len(sha256) != _DIGEST for sha256 in hashes):
        message = f"A hash is the SHA-256 of a file: {_DIGEST} bytes."
        raise Invalid(message, field="hashes")
    return list(set(hashes))


async def _known(tx: Tx, account_ids: list[int], hashes: Sequence[bytes]) -> list[bytes]:
    wanted = _checked(hashes)
    if not wanted:
        return []
    found = set(await tx.all(SQL.known_files, bytes, account_ids=account_ids, hashes=wanted))
    return [sha256 for sha256 in dict.fromkeys(hashes) if sha256 in found]


async def _read(db: Database, blobs: Blobs, account_id: int, received: Digested) -> FileFacts:
    """Return what a file is; what was found out before about the same bytes is not found out again."""
    async with db.reading() as tx:
        found = await tx.one(SQL.files_known, FileFacts, account_id=account_id, hashes=[received.sha256])
    if found is not None and found.facts:
        return found
    async with blobs.local(media_key(account_id, received.sha256)) as path:
        mime, read = await media_readers.read(path)
    return FileFacts(received.sha256, received.size, mime, read)


async def _keep(db: Database, blobs: Blobs, account_id: int, files: Sequence[FileFacts]) -> None:
    """Write down that an account has files whose bytes are there."""
    async with db.transaction() as tx:
        await tx.run(
            SQL.keep_files,
            account_id=account_id,
            hashes=[file.sha256 for file in files],
            sizes=[file.size for file in files],
            mimes=[file.mime for file in files],
            facts=[json(file.facts) for file in files],
        )
        # Whoever removes an object holds the place of its row meanwhile: with the row ours, what is there now stays.
        if await blobs.missing([media_key(account_id, file.sha256) for file in files]):
            message = "This file was removed at the moment that it arrived; send it again."
            raise Unavailable(message)


async def _bring(db: Database, blobs: Blobs, account_id: int, files: Sequence[KnownFile]) -> None:
    """Copy files of other accounts to one, and write them down there."""
    for file in files:
        try:
            await blobs.copy(media_key(file.account_id, file.sha256), media_key(account_id, file.sha256))
        except NotFound as error:  # purged just now
            message = f"The file {file.sha256.hex()} was removed just now; send it again."
            raise Unavailable(message) from error
    if files:
        kept = [FileFacts(file.sha256, file.size, file.mime, file.facts) for file in files]
        await _keep(db, blobs, account_id, kept)
