"""Many small files at once: their bytes are made safe together, and each becomes an item of a dataset by itself.

One file after another costs several requests, transactions and waits for the disk each; a thousand of them together
cost hardly more than one. What is wrong with one is said of it, and the others of its batch stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import datasets, media_checks as checks, media_files
from pinakes.server.catalog.media_adding import add_each
from pinakes.server.catalog.media_types import Arrived, Media, NewMedia, Refused
from pinakes.server.db import Database


async def add_files(
    db: Database, blobs: Blobs, actor: Actor, dataset_id: int, files: Sequence[Arrived]
) -> list[Media | Refused]:
    """Take small files and make items of those that can be some; say of each other one why not, in their order.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: too many in one call.
        Unavailable: the store or the database is away; the same can be sent again.
    """
    checks.at_once(len(files), "files")
    async with db.reading() as tx:
        account_id = (await datasets.to_change(tx, actor, dataset_id)).owner_id
    digests = await media_files.digests_of([file.content for file in files])
    refused = {
        number: _not_announced(number, file, digest)
        for number, (file, digest) in enumerate(zip(files, digests, strict=True))
        if file.sha256 != digest
    }
    whole = [number for number in range(len(files)) if number not in refused]
    contents = {digests[number]: files[number].content for number in whole}
    await media_files.receive_many(db, blobs, actor, account_id, contents)
    new = [NewMedia(files[number].name, sha256=digests[number]) for number in whole]
    async with db.transaction() as tx:
        added = dict(zip(whole, await add_each(tx, actor, dataset_id, new), strict=True))
    return [refused[number] if number in refused else added[number] for number in range(len(files))]


def _not_announced(number: int, file: Arrived, digest: bytes) -> Refused:
    message = f"The SHA-256 of what arrived is {digest.hex()}, not {file.sha256.hex()} as announced."
    return Refused(number, file.name, message, field="sha256")
