"""Webhooks' background work: telling and sending beside the jobs, and forgetting by the clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from pinakes.server.errors import PinakesError
from pinakes.server.events.webhook_sending import Sender
from pinakes.server.events.webhook_telling import Teller, stop
from pinakes.server.events.webhooks import SQL
from pinakes.server.tasks import Work, alongside, periodic, register

log = structlog.get_logger(__name__)

# How often it is looked for what happened. It costs a query of a tenth of a millisecond, and changes cost nothing.
LOOK_EVERY = 0.5
REST_AFTER_OUTAGE = 1.0

# How long it can be seen what was sent.
KEPT = timedelta(days=30)
# A webhook is stopped when so many messages in a row were given up, the first of them so long ago.
FAILURES = 20
PATIENCE = timedelta(days=3)


@alongside("events.tell_webhooks")
async def tell_webhooks(work: Work) -> None:
    """Tell webhooks what happens, as it happens."""
    teller = Teller(work.db, work.settings.public_url)
    async with Sender(work.db, private=work.settings.webhook_private_addresses) as sender:
        while True:
            try:
                more = await teller.step()
                await sender.start_due()
            except PinakesError as error:
                log.warning("webhooks_not_told", error=error.message)
                await asyncio.sleep(REST_AFTER_OUTAGE)
                continue
            if not more:
                await sender.pause(LOOK_EVERY)


@periodic("53 4 * * *")
@register("events.tidy_webhooks")
async def tidy_webhooks(work: Work) -> None:
    """Forget what was sent long ago, and webhooks whose owner is gone; stop those that have taken nothing for days."""
    problem = f"Nobody has taken a message for more than {PATIENCE.days} days. Whoever may manage it can let it go on."
    async with work.db.transaction() as tx:
        await tx.run(SQL.forget_orphans)
        await tx.run(SQL.forget_deliveries, age=KEPT)
        for webhook_id, owner_id in await tx.rows(SQL.unheard, failures=FAILURES, age=PATIENCE):
            await stop(tx, webhook_id, owner_id, problem)
