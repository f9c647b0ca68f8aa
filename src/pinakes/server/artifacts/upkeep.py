"""Background work on runs and files: what ended without a word, and what nothing refers to any more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from pinakes.server.artifacts import runs, transfers
from pinakes.server.artifacts.run_types import Collectable
from pinakes.server.artifacts.transfers import BLOBS, PARTS, REMOVE_OBJECTS, RUNS, blob_key
from pinakes.server.blobs import Stored
from pinakes.server.tasks import Work, periodic, register

log = structlog.get_logger(__name__)

# What belongs to nothing for so long, and for twice as long as an upload may take, is nobody's any more.
LEFT_BEHIND = timedelta(days=2)

_PAGE = 500
_LINES_AT_ONCE = 10_000
_RUNS_AT_ONCE = 100

_BLOB = re.compile(rf"{BLOBS}/([0-9]{{1,9}})/[0-9a-f]{{2}}/([0-9a-f]{{32}})")
_RUN_FILE = re.compile(rf"{RUNS}/([0-9]{{1,9}})/[0-9a-f]{{32}}")


@register(REMOVE_OBJECTS)
async def remove_objects(work: Work, *, keys: list[str]) -> None:
    """Remove objects that nothing refers to: a run's replaced files, the parts of an upload that was completed."""
    await work.blobs.delete(keys)


@periodic("*/2 * * * *")
@register("artifacts.mark_crashed")
async def mark_crashed(work: Work) -> None:
    """Write down that runs crashed; readers see it without that, so that it need not be done at once."""
    async with work.db.transaction() as tx:
        await tx.run(runs.SQL.mark_crashed)


@periodic("23 * * * *")
@register("artifacts.empty_runs")
async def empty_runs(work: Work) -> None:
    """Remove the lines and files of deleted runs."""
    while True:
        async with work.db.reading() as tx:
            found = [number for (number,) in await tx.rows(runs.SQL.runs_to_empty, limit=_RUNS_AT_ONCE)]
        for run_id in found:
            await _empty_run(work, run_id)
        if len(found) < _RUNS_AT_ONCE:
            return


@periodic("37 4 * * *")
@register("artifacts.collect_blobs")
async def collect_blobs(work: Work) -> None:
    """Remove the content that no version and no manifest refers to."""
    at = Collectable(0, b"")
    while True:
        async with work.db.reading() as tx:
            found = await tx.all(
                transfers.SQL.collectable_blobs,
                Collectable,
                account_id=at.account_id,
                md5=at.md5,
                limit=_PAGE,
            )
        for blob in found:
            await _collect(work, blob)
        if len(found) < _PAGE:
            return
        at = found[-1]


@periodic("47 4 * * *")
@register("artifacts.sweep_store")
async def sweep_store(work: Work) -> None:
    """Remove what interrupted uploads left in the store: parts, half files, and objects that nobody wrote down."""
    age = max(LEFT_BEHIND, timedelta(hours=2 * work.settings.upload_address_hours))
    before = datetime.now(UTC) - age
    await work.blobs.sweep(age.total_seconds())
    async for objects in work.blobs.walk(PARTS):
        await work.blobs.delete([stored.key for stored in _old(objects, before)])
    async for objects in work.blobs.walk(RUNS):
        await work.blobs.delete(await _unknown_run_files(work, _old(objects, before)))
    async for objects in work.blobs.walk(BLOBS):
        for blob in await _unknown_blobs(work, _old(objects, before)):
            await _remove_unknown(work, blob)


async def _empty_run(work: Work, run_id: int) -> None:
    async with work.db.transaction() as tx:
        keys = [key for (key,) in await tx.rows(runs.SQL.drop_files_of_run, run_id=run_id)]
    await work.blobs.delete(keys)
    while True:
        async with work.db.transaction() as tx:
            if await tx.run(runs.SQL.drop_lines, run_id=run_id, limit=_LINES_AT_ONCE) < _LINES_AT_ONCE:
                return


async def _collect(work: Work, blob: Collectable) -> None:
    """Forget a blob, then remove its object: what is interrupted between the two is found by `sweep_store`."""
    async with work.db.transaction() as tx:
        gone = await tx.value(transfers.SQL.collect_blob, account_id=blob.account_id, md5=blob.md5) is not None
    if gone:
        await _remove_unknown(work, blob)


async def _remove_unknown(work: Work, blob: Collectable) -> None:
    """Remove an object that is not written down: whoever is about to do so waits meanwhile, and then finds it gone."""
    named = {"account_id": blob.account_id, "md5": blob.md5}
    async with work.db.transaction() as tx:
        if await tx.value(transfers.SQL.claim_missing_blob, **named) is None:
            return
        await work.blobs.delete([blob_key(blob.account_id, blob.md5)])
        await tx.run(transfers.SQL.give_up_claim, **named)
    log.info("object_removed", account=blob.account_id, md5=blob.md5.hex())


async def _unknown_run_files(work: Work, objects: Sequence[Stored]) -> list[str]:
    found = {stored.key: int(match[1]) for stored in objects if (match := _RUN_FILE.fullmatch(stored.key))}
    if not found:
        return []
    async with work.db.reading() as tx:
        rows = await tx.rows(transfers.SQL.known_run_objects, run_ids=list(found.values()), keys=list(found))
    return sorted(found.keys() - {key for (key,) in rows})


async def _unknown_blobs(work: Work, objects: Sequence[Stored]) -> list[Collectable]:
    matches = (_BLOB.fullmatch(stored.key) for stored in objects)
    found = {(int(match[1]), bytes.fromhex(match[2])) for match in matches if match}
    if not found:
        return []
    async with work.db.reading() as tx:
        rows = await tx.rows(
            transfers.SQL.known_blobs,
            account_ids=[account_id for account_id, _ in found],
            md5s=[md5 for _, md5 in found],
        )
    return [Collectable(*blob) for blob in sorted(found - {(account, bytes(md5)) for account, md5 in rows})]


def _old(objects: Sequence[Stored], before: datetime) -> list[Stored]:
    return [stored for stored in objects if stored.modified < before]
