"""Background work on collections."""

from __future__ import annotations

from pinakes.server.actor import system
from pinakes.server.collections.service import purge_by_id, trashed_before
from pinakes.server.db import Database


async def purge_trash(database: Database, days: int) -> int:
    """Purge what has been in the trash for more than so many days, one transaction each; return how many there were."""
    async with database.reading() as tx:
        due = await trashed_before(tx, days)
    for collection_id in due:
        async with database.transaction() as tx:
            await purge_by_id(tx, system(), collection_id)
    return len(due)
