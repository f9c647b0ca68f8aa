"""Holding a change against the checks of its collection, when it closes.

A check that blocks refuses what a change puts in against it; one to share nothing with another collection of the same
account refuses it in both. What was there before is told of by `checks.run`, and
never stands in the way of a change that has nothing to do with it. The kinds register here (see `checks.register`).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.collections.check_types import Check, Kind, Subject, Violation, Violations
from pinakes.server.collections.types import Locked
from pinakes.server.db import Tx, load
from pinakes.server.errors import CheckFailed
from pinakes.server.permissions.service import sight

SQL = load(__package__, "checks.sql")

# How many violations are told one by one; all are counted.
NAMED = 100
# How many items are evaluated by one statement.
PIECE = 50_000

KINDS: dict[str, Kind] = {}


async def enforce(tx: Tx, actor: Actor, held: Locked, delta: int) -> None:
    """Raise unless the change that has just been closed is one that the collection's checks let through.

    Raises:
        CheckFailed: one or more of them refuse it; `details["checks"]` says which, and what is against them.
    """
    asked = {"id": held.id, "public_id": held.public_id, "owner_id": held.owner_id}
    checks = await tx.all(SQL.enforced, Check, **asked)
    if not checks:
        return
    if compared := sorted({str(check.params["collection"]) for check in checks if check.kind == "disjoint"}):
        await tx.all(SQL.hold_compared, int, collections=compared)
    items: Sequence[int] = ()
    if not all(KINDS[check.kind].whole for check in checks):
        items = numbers(await tx.value(SQL.fresh_items, id=held.id, revision=held.revision + 1))
    subject = Subject(held.id, held.entry_count + delta, delta)
    failed = [(check, found) for check in checks if (found := await evaluate(tx, subject, check, items)).count]
    if failed:
        raise await _refusal(tx, actor, held, failed)


async def evaluate(tx: Tx, subject: Subject, check: Check, items: Sequence[int]) -> Violations:
    """Hold items of a collection against a check, piece by piece."""
    kind = KINDS[check.kind]
    if kind.whole:
        return await kind.evaluate(tx, subject, check.params, [])
    count, first = 0, list[Violation]()
    for start in range(0, len(items), PIECE):
        found = await kind.evaluate(tx, subject, check.params, items[start : start + PIECE])
        count += found.count
        first += found.first[: NAMED - len(first)]
    return Violations(count, first)


def numbers(packed: bytes) -> list[int]:
    """Read the ids that the database sends as four bytes each, the high one first."""
    ids = array("I", packed)
    if sys.byteorder == "little":
        ids.byteswap()
    return ids.tolist()


async def _refusal(tx: Tx, actor: Actor, held: Locked, failed: Sequence[tuple[Check, Violations]]) -> CheckFailed:
    """Say what refuses a change; of items that the actor can't see (a restored one, say) only how many there are."""
    named = [one.item_id for _, found in failed for one in found.first if one.item_id is not None]
    seen = sight(actor)
    asked = {"items": named, "everything": seen.everything, "accounts": seen.accounts}
    shown = {None, *(await tx.all(SQL.seen_among, int, **asked) if named else ())}
    told = [
        {
            "id": check.id,
            "kind": check.kind,
            "params": check.params,
            "count": found.count,
            "items": [{"item": one.item_id, "why": one.why} for one in found.first if one.item_id in shown],
        }
        for check, found in failed
    ]
    check, found = failed[0]
    first = next((one for one in found.first if one.item_id in shown), None)
    what = f"{found.count} items are against it"
    if first is not None:
        what = first.why if first.item_id is None else f"item {first.item_id} {first.why}"
        what += f" (and {found.count - 1} more)" if found.count > 1 else ""
    whose = "this" if check.collection_id == held.id else "another"
    message = f"The check {check.id} ({check.kind}) of {whose} collection refuses the change: {what}."
    return CheckFailed(message, field="collection", details={"checks": told})
