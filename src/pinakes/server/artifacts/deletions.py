"""Background work on what is deleted, or is to be: versions that outlive their time, drafts that nobody commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby

from pinakes.server.actor import system
from pinakes.server.artifacts.access import SQL
from pinakes.server.artifacts.types import Draft, Holding
from pinakes.server.artifacts.versions import end, take_out
from pinakes.server.people.holders import TAKE_OUT_DELETED
from pinakes.server.tasks import Work, periodic, register

# Whoever began to log a version and has not gone on for so long won't.
DRAFTS_LIVE = timedelta(days=7)

_AT_ONCE = 1000
_REASON = "past its time to live"


@register(TAKE_OUT_DELETED)
async def take_out_deleted(work: Work) -> None:
    """Take versions that went with their project or owner out of the releases of others, one revision for each."""
    while True:
        async with work.db.reading() as tx:
            rows = await tx.all(SQL.left_behind, Holding, limit=_AT_ONCE)
        if not rows:
            return
        for collection_id, group in groupby(rows, lambda row: row.collection_id):
            async with work.db.transaction() as tx:
                await take_out(tx, system(), collection_id, [row.item_id for row in group])


@periodic("41 * * * *")
@register("artifacts.expire")
async def expire(work: Work) -> None:
    """Delete versions past their time to live, give up drafts, and forget which files deleted versions had."""
    async with work.db.reading() as tx:
        due = await tx.all(SQL.expired, int, id=None, limit=_AT_ONCE)
    for version_id in due:
        async with work.db.transaction() as tx:
            held = await tx.one(SQL.hold_version, Draft, id=version_id)
            if held is None or held.item_id is None:
                continue
            if await tx.value(SQL.expired, id=version_id, limit=1) is not None:
                await end(tx, system(), [held.item_id], reason=_REASON)
    now = datetime.now(UTC)
    async with work.db.transaction() as tx:
        await tx.run(SQL.forget_drafts, before=now - DRAFTS_LIVE)
    while True:
        async with work.db.transaction() as tx:
            if not await tx.run(SQL.forget_files, before=now):
                return
