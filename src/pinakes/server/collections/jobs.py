"""Background work on collections."""

from __future__ import annotations

from pinakes.server.actor import system
from pinakes.server.collections.service import purge_by_id, trashed_before
from pinakes.server.tasks import Work, periodic, register


@periodic("17 3 * * *")
@register("collections.purge_trash")
async def purge_trash(work: Work) -> None:
    """Purge what has been in the trash for longer than the setting says, one transaction each."""
    async with work.db.reading() as tx:
        due = await trashed_before(tx, work.settings.trash_days)
    for collection_id in due:
        async with work.db.transaction() as tx:
            await purge_by_id(tx, system(), collection_id)
