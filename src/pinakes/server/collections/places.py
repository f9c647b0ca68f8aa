"""Where in a collection: from what a caller says (an index, before this, after that) to order keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pinakes.server.actor import Actor
from pinakes.server.collections import ordering
from pinakes.server.collections.change import SQL, view_of
from pinakes.server.collections.rules import fields
from pinakes.server.collections.types import Crowded, EntryId, Locked, Standing, Where
from pinakes.server.db import Tx
from pinakes.server.errors import EntryNotFound, Invalid

# Behind every key there is.
_BEHIND_ALL = b"\xff" * 8


async def neighbours(
    tx: Tx,
    actor: Actor,
    held: Locked,
    where: Where,
    leaving_out: Sequence[int] = (),
    known: Mapping[str, Standing] | None = None,
) -> tuple[bytes | None, bytes | None]:
    """Return the keys between which new ones go; None stands for the end of the list on that side.

    `known` has the entry that the place refers to, where the caller has looked it up (see `standing`) already.

    An index counts the entries that the actor sees, without those that move. An entry that he does not see stays behind
    its left neighbour.
    """
    given = [name for name in ("position", "before", "after") if getattr(where, name) is not None]
    if len(given) > 1:
        message = f"Say one of {' and '.join(given)}, not both."
        raise Invalid(message, field=given[1])
    out = list(leaving_out)
    if where.after is not None:
        low = await _key_of(tx, actor, held, where.after, "after", out, known)
        return low, await tx.value(SQL.key_behind, id=held.id, key=low, leaving_out=out)
    high = None
    if where.before is not None:
        high = await _key_of(tx, actor, held, where.before, "before", out, known)
    elif where.position is not None and fields.position(where.position) < held.entry_count:
        seen = view_of(actor)
        high = await tx.value(
            SQL.key_at,
            id=held.id,
            index=fields.position(where.position),
            leaving_out=out,
            everything=seen.everything,
            accounts=seen.accounts,
        )
    return await tx.value(SQL.key_before, id=held.id, key=high or _BEHIND_ALL, leaving_out=out), high


async def keys_at(
    tx: Tx,
    actor: Actor,
    held: Locked,
    where: Where,
    count: int,
    leaving_out: Sequence[int] = (),
    known: Mapping[str, Standing] | None = None,
) -> list[bytes]:
    """Return order keys for so many entries at a spot, as a part of the change that makes the next revision.

    Where thousands of entries were put at the very same spot the keys have grown long; then those around it get fresh
    ones first, once in so many changes that a change still costs the same on average.
    """
    low, high = await neighbours(tx, actor, held, where, leaving_out, known)
    keys = ordering.between(low, high, count)
    if high is None or max(map(len, keys), default=0) <= ordering.LONGEST:
        return keys
    crowd = await tx.one(SQL.crowd, Crowded, id=held.id, key=high, short=ordering.SHORT)
    if crowd is None:
        return keys
    fresh = ordering.between(crowd.low, crowd.high, len(crowd.items))
    await tx.run(SQL.rekey, id=held.id, items=crowd.items, keys=fresh, revision=held.revision + 1)
    return ordering.between(*await neighbours(tx, actor, held, where, leaving_out), count)


async def standing(
    tx: Tx, actor: Actor, held: Locked, entries: Sequence[str], *, placed: bool = False
) -> dict[str, Standing]:
    """Return the entries of a collection, by public id, as they stand; what the actor can't see is left out.

    With `placed`, each says behind which item it stands, whoever sees that one.
    """
    parsed = {text: EntryId.parse(text) for text in entries}
    wanted = {text: found for text, found in parsed.items() if found and found.collection_id == held.id}
    seen = view_of(actor)
    rows = await tx.all(
        SQL.entries_by_item,
        Standing,
        id=held.id,
        items=[found.item_id for found in wanted.values() if found.item_id < 2**31],
        placed=placed,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    by_item = {row.item_id: row for row in rows}
    return {
        text: by_item[found.item_id]
        for text, found in wanted.items()
        if found.item_id in by_item and by_item[found.item_id].added_rev == found.added_rev
    }


async def _key_of(
    tx: Tx,
    actor: Actor,
    held: Locked,
    entry: str,
    field: str,
    leaving_out: list[int],
    known: Mapping[str, Standing] | None,
) -> bytes:
    found = (await standing(tx, actor, held, [entry]) if known is None else known).get(entry)
    if found is None:
        raise EntryNotFound(field=field)
    if found.item_id in leaving_out:
        message = f"{field} names an entry that is itself to be moved."
        raise Invalid(message, field=field)
    return found.order_key
