"""Who labeled an item and who accepted it: the last link of the way back from a released version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.labeling import hiding
from pinakes.server.labeling.access import require_reading
from pinakes.server.labeling.queue_access import SQL
from pinakes.server.labeling.queue_checks import item_ids as checked_ids
from pinakes.server.labeling.queue_types import Proof
from pinakes.server.permissions.service import sight


async def of_items(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> list[Proof]:
    """Return who labeled items and who decided on them, by item, the latest decision on each first.

    Queues that were taken away, and items that left their queue since, count too: it is about what was done.

    Raises:
        ItemNotFound: there is no such item that the actor sees.
        Invalid: there are none, or too many.
    """
    ids = checked_ids(item_ids)
    seen = sight(actor)
    rights = await require_reading(tx, actor, ids)
    # Who is at work on an item sees his own part in it, not that of others.
    whole = {right.item_id for right in rights if seen.everything or right.owner_id not in seen.at_work}
    found = await tx.all(SQL.proofs, Proof, items=ids)
    seen_ones = [proof for proof in found if proof.item_id in whole or proof.labeler_id == actor.user_id]
    hidden = await hiding.items(tx, actor, [proof.item_id for proof in seen_ones])
    return [_nameless(actor, proof) if proof.item_id in hidden else proof for proof in seen_ones]


def _nameless(actor: Actor, proof: Proof) -> Proof:
    return proof if proof.labeler_id == actor.user_id else replace(proof, labeler_id=None, labeler=None)
