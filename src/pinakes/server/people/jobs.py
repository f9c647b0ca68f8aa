"""Background work on people."""

from __future__ import annotations

from pinakes.server.people import throttle
from pinakes.server.tasks import Work, periodic, register


@periodic("*/10 * * * *")
@register("people.forget_attempts")
async def forget_attempts(work: Work) -> None:
    """Forget attempts to sign in whose time is over."""
    async with work.db.transaction() as tx:
        await throttle.forget_old(tx)
