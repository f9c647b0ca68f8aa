"""Drafts: what somebody drew on an item and has not handed in. Kept for him also when the item is not his any more."""

from __future__ import annotations

from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, json
from pinakes.server.errors import Forbidden, LeaseLost
from pinakes.server.labeling.label_checks import json_object
from pinakes.server.labeling.queue_access import SQL, job_facts, seeing, working
from pinakes.server.labeling.queue_checks import item_ids, possible
from pinakes.server.labeling.queue_types import Draft
from pinakes.server.permissions.service import require_sign_in

LARGEST = 16 * 2**20


async def save(tx: Tx, actor: Actor, job_id: int, item_id: int, annotation: dict[str, Any]) -> Draft:
    """Keep what the actor drew on an item that a job of his has, in place of what was kept before: in one statement.

    Also on one that the job had and has no more: it can't be handed in, but what he drew until he learned of that is
    kept.

    Raises:
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow: the job is not his.
        LeaseLost: the item was never with this job.
        Invalid: it is no JSON that can be kept.
    """
    working(actor)
    drawn = json_object(annotation, "annotation", LARGEST)
    ids = item_ids([item_id])
    kept = None
    if possible([job_id]):
        kept = await tx.alone.one(
            SQL.save_draft, Draft, job_id=job_id, item_id=ids[0], annotation=json(drawn), **seeing(actor)
        )
    if kept is None:
        await _own(tx, actor, job_id)
        raise LeaseLost(details={"item_ids": ids})
    return kept


async def get(tx: Tx, actor: Actor, job_id: int, item_id: int) -> Draft | None:
    """Return what the actor drew on an item and has not handed in; None where there is nothing.

    Raises:
        JobNotFound, Forbidden, Unauthenticated: the job is not his.
    """
    ids = item_ids([item_id])
    await _own(tx, actor, job_id)
    return await tx.one(SQL.draft, Draft, job_id=job_id, item_id=ids[0], user_id=actor.user_id)


async def remove(tx: Tx, actor: Actor, job_id: int, item_id: int) -> None:
    """Forget what the actor drew on an item; nothing there is no error.

    Raises:
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow: the job is not his.
    """
    working(actor)
    ids = item_ids([item_id])
    await _own(tx, actor, job_id)
    await tx.run(SQL.remove_draft, job_id=job_id, item_id=ids[0], user_id=actor.user_id)


async def _own(tx: Tx, actor: Actor, job_id: int) -> None:
    require_sign_in(actor)
    job = await job_facts(tx, actor, job_id)
    if job.user_id != actor.user_id:
        message = "Drafts are their author's alone."
        raise Forbidden(message)
