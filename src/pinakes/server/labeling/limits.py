"""What a queue, or a job without one, lets its labelers draw: some classes, and so many figures and tags on an item.

What others drew before, or a model, a labeler may leave where it is. Who may label everything in the account is not
limited; nor is a reviewer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid
from pinakes.server.labeling import access
from pinakes.server.labeling.access import SQL
from pinakes.server.labeling.label_types import Beyond


async def require_within(
    tx: Tx,
    actor: Actor,
    item_ids: Sequence[int],
    place: Callable[[Beyond], str],
    *,
    job_id: int | None = None,
) -> None:
    """Raise where what the actor drew on items goes beyond what the queues that gave them to him allow.

    Args:
        tx: The transaction that drew it, or is about to hand it in.
        actor: The labeler.
        item_ids: The items.
        place: Says where in the call that stands.
        job_id: Only as a job allows; else as any does that has the items.

    Raises:
        Invalid: it does.
    """
    may = access.labeler(actor)
    found = await tx.all(
        SQL.beyond_limits,
        Beyond,
        ids=list(item_ids),
        job_id=job_id,
        user_id=actor.user_id,
        labels_all=may["labels_all"],
        labelers=may["labelers"],
    )
    for one in found[:1]:
        raise Invalid(_told(one), field=place(one), details={"item_ids": [one.item_id]})


def _told(one: Beyond) -> str:
    if one.what == "class":
        return f"Item {one.item_id} was given out to be labeled with other classes than {one.found!r}."
    return f"Item {one.item_id} was given out for at most {one.most} {one.what}; it has {one.found}."
