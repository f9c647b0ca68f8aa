"""Files on their way: where they lie in the store, the addresses under which they come and go, and the rows about them.

An account's content lies under its MD5, so what a version has in common with another one is there once; a run's file
lies under a name of chance, for its content may change. Bytes flow without a database connection; what arrived whole is
written down afterwards, and only what is written down exists.

An address to send something to lasts for hours, and is as good as who asked for it: he must still be allowed to write
there, and his token be valid, when something comes.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import re
from collections.abc import AsyncIterable, Sequence
from uuid import uuid4

from pinakes.server.actor import Actor
from pinakes.server.artifacts.run_types import Blob, Run, RunFile
from pinakes.server.blobs import Blobs, Received
from pinakes.server.db import Database, Tx, load
from pinakes.server.errors import Forbidden, Invalid, NotFound, RunNotFound, Unavailable
from pinakes.server.people import credentials
from pinakes.server.permissions.service import allows
from pinakes.server.permissions.table import Permission
from pinakes.server.signing import Signer, Ticket
from pinakes.server.tasks import defer

SQL = load(__package__, "transfers.sql")

BLOBS, PARTS, RUNS = "blobs", "parts", "runs"
REMOVE_OBJECTS = "artifacts.remove_objects"

MOST_PARTS = 10_000

# How large the parts are into which we cut a file ourselves: so much is lost when a connection breaks. `MOST_PARTS` of
# them are 335 GB: more than the largest file that is taken, unless an operator raises `PINAKES_MAX_UPLOAD_BYTES`.
PART_SIZE = 32 * 1024 * 1024

# Python's own table, whatever the machine's is, and what runs and artifacts have beside.
_TYPES = mimetypes.MimeTypes()
for _suffix, _type in (
    (".jsonl", "application/jsonl"),
    (".log", "text/plain"),
    (".parquet", "application/vnd.apache.parquet"),
    (".yaml", "application/yaml"),
    (".yml", "application/yaml"),
):
    _TYPES.add_type(_type, _suffix)

_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")

# Uploads whose parts are being joined by this process, by key: who asks again waits for the same.
_joining: dict[tuple[str, str], asyncio.Task[int]] = {}


def blob_key(account_id: int, md5: bytes) -> str:
    """Return where an account's content lies."""
    digest = md5.hex()
    return f"{BLOBS}/{account_id}/{digest[:2]}/{digest}"


def part_key(account_id: int, upload_id: str, number: int) -> str:
    """Return where a part of an upload lies until all are joined."""
    return f"{PARTS}/{account_id}/{upload_id}/{number}"


def new_upload_id() -> str:
    """Return an id for an upload in parts."""
    return uuid4().hex


def upload_id_of(account_id: int, md5: bytes, size: int) -> str:
    """Return the id of an account's upload in parts of our own size, always the same: who begins it again goes on."""
    return hashlib.sha256(f"{account_id} {md5.hex()} {size} {PART_SIZE}".encode()).hexdigest()[:32]


def part_sizes(size: int, most: int) -> list[int]:
    """Return how large each part of a file is, of which at most so many bytes are taken; an empty file has one.

    Raises:
        Invalid: (field `size`) it is larger than that, or would have too many parts.
    """
    most = min(most, MOST_PARTS * PART_SIZE)
    if size > most:
        message = f"A file has at most {most} bytes here."
        raise Invalid(message, field="size")
    whole, rest = divmod(size, PART_SIZE)
    return [*([PART_SIZE] * whole), *([rest] if rest or not whole else [])]


async def parts_there(blobs: Blobs, *, account_id: int, upload_id: str) -> dict[int, int]:
    """Return which parts of an upload have arrived, with their sizes."""
    check_upload_id(upload_id)
    found: dict[int, int] = {}
    async for objects in blobs.walk(f"{PARTS}/{account_id}/{upload_id}"):
        found.update((int(stored.key.rpartition("/")[2]), stored.size) for stored in objects)
    return found


def type_of(name: str) -> str | None:
    """Guess what kind of content a file of that name has."""
    kind, compression = _TYPES.guess_type(name, strict=False)
    return kind if compression is None else _COMPRESSED.get(compression)


def blob_upload(
    signer: Signer,
    actor: Actor,
    *,
    account_id: int,
    md5: bytes,
    version_id: int | None,
    name: str,
    most: int | None = None,
) -> str:
    """Return the address to which an account's content can be sent; at most so many bytes of it, if that is said."""
    ticket = Ticket(
        operation="put-blob",
        key=blob_key(account_id, md5),
        md5=md5,
        size=most,
        account_id=account_id,
        version_id=version_id,
        user_id=actor.user_id,
        token_id=actor.token_id,
    )
    return signer.address(ticket, name)


def part_upload(
    signer: Signer,
    actor: Actor,
    *,
    account_id: int,
    upload_id: str,
    number: int,
    name: str,
    md5: bytes | None = None,
    most: int | None = None,
) -> str:
    """Return the address to which a part of an account's content can be sent; at most so many bytes, if that is said.

    Raises:
        Invalid: there is no such upload or part.
    """
    check_upload_id(upload_id)
    if not 1 <= number <= MOST_PARTS:
        message = f"Parts are numbered from 1 to {MOST_PARTS}."
        raise Invalid(message, field="partNumber")
    ticket = Ticket(
        operation="put-part",
        key=part_key(account_id, upload_id, number),
        md5=md5,
        size=most,
        account_id=account_id,
        user_id=actor.user_id,
        token_id=actor.token_id,
    )
    return signer.address(ticket, name)


def blob_download(
    signer: Signer, *, account_id: int, md5: bytes, size: int, path: str, content_type: str | None = None
) -> str:
    """Return the address from which an account's content can be got; `path` is what the address ends with."""
    ticket = Ticket(
        operation="get",
        key=blob_key(account_id, md5),
        md5=md5,
        size=size,
        content_type=content_type or type_of(path),
    )
    return signer.address(ticket, path)


def run_file_upload(signer: Signer, actor: Actor, *, run: Run, name: str) -> str:
    """Return the address to which a run's file can be sent; it replaces the one of that name."""
    ticket = Ticket(
        operation="put-run-file",
        key=f"{RUNS}/{run.id}",
        account_id=run.owner_id,
        run_id=run.id,
        name=name,
        user_id=actor.user_id,
        token_id=actor.token_id,
    )
    return signer.address(ticket, name)


def run_file_download(signer: Signer, file: RunFile) -> str:
    """Return the address from which a run's file can be got."""
    ticket = Ticket(
        operation="get",
        key=file.object_key,
        md5=file.md5,
        size=file.size,
        content_type=file.mimetype,
    )
    return signer.address(ticket, file.name)


async def receive(
    db: Database,
    blobs: Blobs,
    ticket: Ticket,
    chunks: AsyncIterable[bytes],
    *,
    md5: bytes | None = None,
    size: int | None = None,
) -> Received:
    """Take what somebody sends to an address, and write it down once it is there whole.

    Args:
        db: Where it is written down.
        blobs: Where it is kept.
        ticket: What the address allows.
        chunks: The content.
        md5: The MD5 that the sender says it has, beside the one that the ticket may ask for.
        size: The size that the sender says it has.

    Raises:
        Forbidden: who asked for the address may not write there any more, or his token has ended.
        Invalid: (fields `md5`, `size`) it is something else than was announced.
        TooLarge: it has more bytes than the address takes.
        RunNotFound: the run whose file it is was deleted.
        Unavailable: the store or the database is away; the same can be sent again.
    """
    if md5 is not None and ticket.md5 is not None and md5 != ticket.md5:
        message = f"This address takes a content of MD5 {ticket.md5.hex()}, not {md5.hex()}."
        raise Invalid(message, field="md5")
    expected = ticket.md5 if ticket.md5 is not None else md5
    async with db.reading() as tx:
        await _require_writer(tx, ticket)
    if ticket.operation == "put-run-file":
        return await _receive_run_file(db, blobs, ticket, chunks, md5=expected, size=size)
    if ticket.operation == "put-blob" and await _is_there(db, blobs, ticket):
        return await _receive_again(blobs, ticket, chunks, md5=expected, size=size)
    received = await blobs.receive(ticket.key, chunks, md5=expected, size=size, most=ticket.size)
    if ticket.operation == "put-blob":
        assert ticket.account_id is not None
        async with db.transaction() as tx:
            await keep_blob(tx, blobs, ticket.account_id, received, version_id=ticket.version_id)
    return received


async def _require_writer(tx: Tx, ticket: Ticket, owner_id: int | None = None) -> None:
    """Raise Forbidden unless who asked for an address may write there now; to things of `owner_id`, if they moved."""
    actor = None
    if ticket.user_id is not None:
        actor = await credentials.actor_again(tx, user_id=ticket.user_id, token_id=ticket.token_id, api="files")
    if actor is None:
        message = "This address was asked for with a token, or by a user, that is gone; ask for a new one."
        raise Forbidden(message)
    if not allows(actor, Permission.PROJECT_WRITE, owner_id=owner_id or ticket.account_id):
        message = "Whoever asked for this address may not write there any more."
        raise Forbidden(message, details={"permission": Permission.PROJECT_WRITE})


async def keep_blob(tx: Tx, blobs: Blobs, account_id: int, received: Received, *, version_id: int | None) -> None:
    """Write down that an account has a content that was received under its key.

    Raises:
        Unavailable: it was being collected at this very moment; it has to be sent again.
    """
    await tx.run(SQL.keep_blob, account_id=account_id, md5=received.md5, size=received.size, version_id=version_id)
    # Whoever removes an object holds the place of its row meanwhile: with the row ours, what is there now stays.
    if await blobs.head(blob_key(account_id, received.md5)) is None:
        message = "This file was removed at the moment that it arrived; send it again."
        raise Unavailable(message)


async def held(tx: Tx, account_id: int, md5s: Sequence[bytes]) -> dict[bytes, Blob]:
    """Return which of these contents an account has, and keep them from being collected for a day.

    Whoever is about to refer to them asks for it in the transaction that does, or at least a day before.
    """
    found = await tx.all(SQL.held_blobs, Blob, account_id=account_id, md5s=list(set(md5s))) if md5s else []
    return {blob.md5: blob for blob in found}


async def join_parts(
    db: Database,
    blobs: Blobs,
    *,
    account_id: int,
    md5: bytes,
    upload_id: str,
    numbers: Sequence[int],
    version_id: int | None,
    most: int,
) -> int:
    """Make an account's content of its parts, which then go, and return its size. Doing it again is safe.

    Large ones take their time; whoever gives up waiting and asks again waits for the same work. Hold no connection.

    Raises:
        Invalid: parts are missing, or together they are another content.
        TooLarge: together they have more than `most` bytes.
        Unavailable: the store or the database is away; ask again.
    """
    check_upload_id(upload_id)
    if not 1 <= len(numbers) <= MOST_PARTS or sorted(numbers) != list(range(1, len(numbers) + 1)):
        message = f"The parts are numbered from 1 on, without a gap, up to {MOST_PARTS}."
        raise Invalid(message, field="completedParts")
    key = (upload_id, blob_key(account_id, md5))
    task = _joining.get(key)
    if task is None:
        parts = [part_key(account_id, upload_id, number) for number in sorted(numbers)]
        task = _joining[key] = asyncio.create_task(_join(db, blobs, account_id, md5, parts, version_id, most))
        task.add_done_callback(lambda done: _joined(key, done))
    return await asyncio.shield(task)


async def complete(
    db: Database, blobs: Blobs, *, account_id: int, md5: bytes, size: int, version_id: int | None, most: int
) -> None:
    """Put together what came in parts of our own size. Doing it again is safe. Hold no connection.

    Raises:
        Invalid: (field `size`) it has more than `most` bytes; (field `parts`) some are missing; or (field `md5`)
            together they are another content, and are dropped, so that they can be sent anew.
        Unavailable: the store or the database is away; ask again.
    """
    upload_id = upload_id_of(account_id, md5, size)
    numbers = range(1, len(part_sizes(size, most)) + 1)
    try:
        await join_parts(
            db,
            blobs,
            account_id=account_id,
            md5=md5,
            upload_id=upload_id,
            numbers=numbers,
            version_id=version_id,
            most=most,
        )
    except Invalid as error:
        if error.field == "md5":
            await drop_parts(blobs, account_id=account_id, upload_id=upload_id)
            raise
        raise Invalid(error.message, field="parts") from error


async def drop_parts(blobs: Blobs, *, account_id: int, upload_id: str) -> None:
    """Give an upload in parts up."""
    check_upload_id(upload_id)
    async for found in blobs.walk(f"{PARTS}/{account_id}/{upload_id}"):
        await blobs.delete([stored.key for stored in found])


def check_upload_id(upload_id: str) -> str:
    """Return the id of an upload in parts; raise Invalid when it can't be one."""
    if not _UPLOAD_ID.fullmatch(upload_id):
        message = "There is no such upload."
        raise Invalid(message, field="uploadID")
    return upload_id


def _joined(key: tuple[str, str], done: asyncio.Task[int]) -> None:
    del _joining[key]
    if not done.cancelled():
        done.exception()  # whoever waits gets it, if anybody still does


async def _join(
    db: Database, blobs: Blobs, account_id: int, md5: bytes, parts: Sequence[str], version_id: int | None, most: int
) -> int:
    size = await _size_of(db, account_id, md5)
    if size is not None:
        return size
    try:
        received = await blobs.join(parts, blob_key(account_id, md5), md5=md5, most=most)
    except NotFound as error:
        size = await _size_of(db, account_id, md5)  # another process may have been faster
        if size is not None:
            return size
        number = str(error.details.get("key", "")).rpartition("/")[2]
        message = f"Part {number} has not arrived; send it, then complete the upload again."
        raise Invalid(message, field="completedParts") from error
    async with db.transaction() as tx:
        await keep_blob(tx, blobs, account_id, received, version_id=version_id)
        await defer(tx, REMOVE_OBJECTS, keys=list(parts))
    return received.size


async def _size_of(db: Database, account_id: int, md5: bytes) -> int | None:
    """Return the size of a content, if the account has it."""
    async with db.transaction() as tx:
        found = (await held(tx, account_id, [md5])).get(md5)
    return None if found is None else found.size


async def _is_there(db: Database, blobs: Blobs, ticket: Ticket) -> bool:
    """Tell whether an account has the content already that an address takes."""
    assert ticket.account_id is not None
    assert ticket.md5 is not None
    size = await _size_of(db, ticket.account_id, ticket.md5)
    found = await blobs.head(ticket.key) if size is not None else None
    return found is not None and found.size == size


async def _receive_again(
    blobs: Blobs, ticket: Ticket, chunks: AsyncIterable[bytes], *, md5: bytes | None, size: int | None
) -> Received:
    """Take a content that is there already, and leave what is there: versions have it.

    Two contents of one MD5 can be made, so what came first must not become the other one under a version that counts.
    """
    key = f"{PARTS}/{ticket.account_id}/{uuid4().hex}/1"
    received = await blobs.receive(key, chunks, md5=md5, size=size, most=ticket.size)
    await blobs.delete([key])
    return received


async def _receive_run_file(
    db: Database,
    blobs: Blobs,
    ticket: Ticket,
    chunks: AsyncIterable[bytes],
    *,
    md5: bytes | None,
    size: int | None,
) -> Received:
    assert ticket.run_id is not None
    assert ticket.name is not None
    key = f"{ticket.key}/{uuid4().hex}"
    received = await blobs.receive(key, chunks, md5=md5, size=size, most=ticket.size)
    try:
        async with db.transaction() as tx:
            await _keep_run_file(tx, ticket, ticket.run_id, ticket.name, key, received)
    except (RunNotFound, Forbidden):
        await blobs.delete([key])
        raise
    return received


async def _keep_run_file(tx: Tx, ticket: Ticket, run_id: int, name: str, key: str, received: Received) -> None:
    """Write down what a run's file is now; the object that it was before goes when that is certain."""
    owner_id = await tx.value(SQL.lock_run_for_file, run_id=run_id)
    if owner_id is None:
        raise RunNotFound
    if owner_id != ticket.account_id:
        await _require_writer(tx, ticket, owner_id)
    former = await tx.value(
        SQL.put_run_file,
        run_id=run_id,
        name=name,
        object_key=key,
        size=received.size,
        md5=received.md5,
        mimetype=type_of(name),
    )
    if former is not None:
        await defer(tx, REMOVE_OBJECTS, keys=[former])
