"""Background work on media: thumbnails, and what is removed for good.

Bytes go in two steps: a file is forgotten, then removed while nobody can write it down again; what is interrupted
between the two is found when the store is swept.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from pinakes.server.blobs import Stored
from pinakes.server.catalog import datasets, media_projects, thumbnails
from pinakes.server.catalog.media_adding import MAKE_THUMBNAILS
from pinakes.server.catalog.media_files import FILES, SQL as FILE_SQL, THUMBNAILS, media_key, thumbnail_key
from pinakes.server.catalog.media_reading import SQL, UNKNOWN_TYPE
from pinakes.server.catalog.media_types import FileFacts, Unmade, Unused
from pinakes.server.catalog.workspaces import PURGE_PROJECT
from pinakes.server.db import Query
from pinakes.server.tasks import Work, periodic, register

log = structlog.get_logger(__name__)

# What nobody wrote down is removed when it is older; whoever is sending it needs less.
LEFT_BEHIND = timedelta(days=1)
_AT_ONCE = 1000
_FILE = re.compile(rf"(?:{FILES}|{THUMBNAILS})/(\d{{1,10}})/[0-9a-f]{{2}}/([0-9a-f]{{64}})")


@register(MAKE_THUMBNAILS)
async def make_thumbnails(work: Work, *, item_ids: list[int]) -> None:
    """Make the thumbnails of some items; of those that can't be decoded there are none."""
    async with work.db.reading() as tx:
        wanted = await tx.all(SQL.without_thumbnail, Unmade, ids=item_ids)
        types = await _types(work, wanted)
    files: dict[int, dict[bytes, tuple[str, str]]] = defaultdict(dict)
    for item in wanted:
        mime = types.get((item.owner_id, item.sha256)) or UNKNOWN_TYPE
        files[item.owner_id][item.sha256] = (item.kind, mime)
    for account_id, of_account in files.items():
        made = await thumbnails.make_many(work.blobs, account_id, of_account)
        await thumbnails.note(work.db, account_id, made)


@register(PURGE_PROJECT)
async def purge_project(work: Work, *, project_id: int) -> None:
    """Remove what a project that is removed for good has, a part at a time; its files go when nothing has them."""
    await _until_none_left(work, media_projects.SQL.purge_some_media, project_id=project_id)
    async with work.db.transaction() as tx:
        await tx.run(media_projects.SQL.purge_project_facts, project_id=project_id)


@register(datasets.PURGE_DATASET)
async def purge_dataset(work: Work, *, dataset_id: int) -> None:
    """Remove a dataset for good, and the archived ones below it, the deepest first."""
    async with work.db.reading() as tx:
        ids = await tx.all(datasets.SQL.archived_below, int, id=dataset_id)
    for number in ids:
        await _until_none_left(work, datasets.SQL.purge_some_of_dataset, id=number)
        async with work.db.transaction() as tx:
            await tx.run(datasets.SQL.purge_dataset, id=number)


@periodic("7 3 * * *")
@register("catalog.purge_trashed_media")
async def purge_trashed_media(work: Work) -> None:
    """Remove the items for good that have been in the trash for longer than the setting says."""
    before = datetime.now(UTC) - timedelta(days=work.settings.trash_days)
    while True:
        async with work.db.transaction() as tx:
            found = await tx.all(SQL.trashed_media, int, before=before, limit=_AT_ONCE)
            await tx.run(SQL.purge_media, ids=found)
        if len(found) < _AT_ONCE:
            return


@periodic("27 4 * * *")
@register("catalog.purge_media_files")
async def purge_media_files(work: Work) -> None:
    """Remove the files that no item, slice or figure has any more, be it in the trash."""
    at = Unused(0, b"")
    while True:
        async with work.db.reading() as tx:
            found = await tx.all(
                FILE_SQL.unused_files, Unused, account_id=at.account_id, sha256=at.sha256, limit=_AT_ONCE
            )
        for file in found:
            await _purge_file(work, file)
        if len(found) < _AT_ONCE:
            return
        at = found[-1]


@periodic("57 4 * * *")
@register("catalog.sweep_media_store")
async def sweep_media_store(work: Work) -> None:
    """Remove objects that nobody wrote down: of files whose sending broke off, thumbnails of files that are gone."""
    before = datetime.now(UTC) - LEFT_BEHIND
    for folder in (FILES, THUMBNAILS):
        async for objects in work.blobs.walk(folder):
            for file in await _unknown(work, [stored for stored in objects if stored.modified < before]):
                await _remove_unknown(work, file)


async def _types(work: Work, wanted: Sequence[Unmade]) -> dict[tuple[int, bytes], str | None]:
    """Return the media types of the files of items."""
    hashes: dict[int, list[bytes]] = defaultdict(list)
    for item in wanted:
        hashes[item.owner_id].append(item.sha256)
    types: dict[tuple[int, bytes], str | None] = {}
    async with work.db.reading() as tx:
        for account_id, asked in hashes.items():
            found = await tx.all(FILE_SQL.files_known, FileFacts, account_id=account_id, hashes=asked)
            types |= {(account_id, file.sha256): file.mime for file in found}
    return types


async def _until_none_left(work: Work, query: Query, **params: object) -> None:
    """Run a statement that removes a part until there is nothing left, each time as a transaction of its own."""
    while True:
        async with work.db.transaction() as tx:
            gone = await tx.run(query, limit=_AT_ONCE, **params)
        if gone < _AT_ONCE:
            return


async def _purge_file(work: Work, file: Unused) -> None:
    named = {"account_id": file.account_id, "sha256": file.sha256}
    async with work.db.transaction() as tx:
        await tx.value(FILE_SQL.hold_file, **named)
        if await tx.value(FILE_SQL.forget_file, **named) is None:
            return
        await work.blobs.delete(_keys(file))
    log.info("media_file_removed", account=file.account_id, sha256=file.sha256.hex())


async def _remove_unknown(work: Work, file: Unused) -> None:
    """Remove what is not written down: whoever is about to do so waits meanwhile, and then finds it gone."""
    named = {"account_id": file.account_id, "sha256": file.sha256}
    async with work.db.transaction() as tx:
        if await tx.value(FILE_SQL.claim_missing_file, **named) is None:
            return
        await work.blobs.delete(_keys(file))
        await tx.run(FILE_SQL.give_up_file_claim, **named)
    log.info("media_object_removed", account=file.account_id, sha256=file.sha256.hex())


def _keys(file: Unused) -> list[str]:
    return [media_key(file.account_id, file.sha256), thumbnail_key(file.account_id, file.sha256)]


async def _unknown(work: Work, objects: Sequence[Stored]) -> list[Unused]:
    matches = (_FILE.fullmatch(stored.key) for stored in objects)
    found = {(int(match[1]), bytes.fromhex(match[2])) for match in matches if match}
    if not found:
        return []
    async with work.db.reading() as tx:
        rows = await tx.rows(
            FILE_SQL.files_written_down,
            account_ids=[account_id for account_id, _ in found],
            hashes=[sha256 for _, sha256 in found],
        )
    known = {(account_id, bytes(sha256)) for account_id, sha256 in rows}
    return [Unused(*file) for file in sorted(found - known)]
