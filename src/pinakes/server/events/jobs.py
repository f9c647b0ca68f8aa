"""Background work on the record."""

from __future__ import annotations

from pinakes.server.events import idempotency
from pinakes.server.tasks import Work, periodic, register


@periodic("41 * * * *")
@register("events.forget_answers")
async def forget_answers(work: Work) -> None:
    """Forget the answers that were kept under idempotency keys and are too old to be asked for."""
    async with work.db.transaction() as tx:
        await idempotency.purge(tx)
