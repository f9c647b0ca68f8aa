"""Changes of one entry that are made in one statement: the hottest ones, where each trip to the database counts.

They are made only where everything is in order; else nothing is done and the caller goes the long way, which says what
is wrong. So what is checked here may be stricter than the rules, and never laxer: an administrator without a role on
the owner, or a slug with a former owner's name, goes the long way too.
"""

from __future__ import annotations

from typing import NamedTuple

from pinakes.server.actor import Actor
from pinakes.server.collections import ordering
from pinakes.server.collections.change import SQL, author, public_id_of, view_of
from pinakes.server.collections.rules import fields, showcase
from pinakes.server.collections.types import EntryId
from pinakes.server.db import Query, Tx
from pinakes.server.errors import Invalid
from pinakes.server.permissions.service import roles_allowing
from pinakes.server.permissions.table import Permission


class Made(NamedTuple):
    """A change that was made: of which collection, and which revision it made."""

    collection_id: int
    revision: int


async def append(
    tx: Tx,
    actor: Actor,
    ref: str,
    item_id: int,
    *,
    note: str | None,
    score: float | None,
    expected: int | None,
    reason: str | None,
) -> Made | None:
    """Put one item at the end of a showcase; None when something is not in order."""
    given: dict[str, object] = {
        "kind": showcase.RULES.kind,
        "item": item_id,
        "note": note,
        "score": score,
        "kinds": list(showcase.RULES.accepts),
    }
    return await _change(tx, actor, SQL.append, ref, expected, reason, given)


async def take_out(
    tx: Tx, actor: Actor, ref: str, entry: str, *, expected: int | None, reason: str | None
) -> Made | None:
    """Take one entry out of a showcase; None when something is not in order."""
    parsed = EntryId.parse(entry)
    if parsed is None or max(parsed) >= 2**31:
        return None
    given: dict[str, object] = {
        "kind": showcase.RULES.kind,
        "id": parsed.collection_id,
        "item": parsed.item_id,
        "added_rev": parsed.added_rev,
    }
    return await _change(tx, actor, SQL.take_out, ref, expected, reason, given)


async def move_behind(
    tx: Tx, actor: Actor, ref: str, entry: str, behind: str, *, expected: int | None, reason: str | None
) -> Made | None:
    """Move one entry of a collection, of whichever kind, behind another; None when something is not in order."""
    moved, ahead = EntryId.parse(entry), EntryId.parse(behind)
    if moved is None or ahead is None or max(*moved, *ahead) >= 2**31 or moved.item_id == ahead.item_id:
        return None
    if moved.collection_id != ahead.collection_id:
        return None
    given: dict[str, object] = {
        "id": moved.collection_id,
        "item": moved.item_id,
        "added_rev": moved.added_rev,
        "behind_item": ahead.item_id,
        "behind_rev": ahead.added_rev,
        "longest": ordering.LONGEST,
    }
    return await _change(tx, actor, SQL.move_behind, ref, expected, reason, given)


async def _change(
    tx: Tx,
    actor: Actor,
    query: Query,
    ref: str,
    expected: int | None,
    reason: str | None,
    given: dict[str, object],
) -> Made | None:
    address = public_id_of(ref)
    curated = roles_allowing(actor, Permission.COLLECTION_CURATE)
    if address is None or not curated:
        return None
    try:
        why = fields.reason(reason)
    except Invalid:
        return None
    seen = view_of(actor)
    return await tx.alone.one(
        query,
        Made,
        public_id=address.public_id,
        owner=address.owner,
        expected=expected,
        curated=curated,
        everything=seen.everything,
        accounts=seen.accounts,
        reason=why,
        **given,
        **author(actor),
    )
