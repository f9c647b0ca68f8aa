"""Collections as sets: how many items two of them share, or several have together.

The set of a collection's items is a roaring bitmap, kept in the database beside the entries as of some revision and
brought up to date with what changed since when it is read; each process remembers those it used last. A bitmap of a
million dense ids has some 128 kB, and two are intersected in under a millisecond, where a join takes half a second.
"""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pyroaring import BitMap

from pinakes.server.actor import Actor
from pinakes.server.collections.change import SQL, look, view_of
from pinakes.server.collections.types import Bitmap, Collection, CombinedSizes, SetSizes
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid

Operation = Literal["union", "intersection", "difference"]

# How many collections an operation can be about.
FEWEST, MOST = 2, 20

# How many bitmaps a process remembers; the largest of a million scattered ids have 2 MB each.
REMEMBERED = 64
# A smaller set is read from the entries as quickly as from its bitmap.
WORTH_KEEPING = 2000


class Membership(NamedTuple):
    """The items of a collection as of a revision."""

    revision: int
    items: BitMap


_remembered: OrderedDict[tuple[str, int], Membership] = OrderedDict()


async def sizes(tx: Tx, actor: Actor, left_ref: str, right_ref: str) -> SetSizes:
    """Count what two collections have together and apart, of the items that the actor sees."""
    left = await members(tx, actor, await look(tx, actor, left_ref))
    right = await members(tx, actor, await look(tx, actor, right_ref))
    both = left.intersection_cardinality(right)
    return SetSizes(
        left=len(left),
        right=len(right),
        intersection=both,
        union=len(left) + len(right) - both,
        left_only=len(left) - both,
        right_only=len(right) - both,
    )


async def combined_sizes(tx: Tx, actor: Actor, refs: Sequence[str]) -> CombinedSizes:
    """Count what each of several collections has, and what they have together, of the items that the actor sees.

    Raises:
        CollectionNotFound: one is none that he sees.
        Invalid: there are fewer than two of them, or too many.
    """
    found = [await members(tx, actor, collection) for collection in await operands(tx, actor, refs)]
    return CombinedSizes(
        sizes=[len(one) for one in found],
        union=len(of_all(found, "union")),
        intersection=len(of_all(found, "intersection")),
        difference=len(of_all(found, "difference")),
    )


async def operands(tx: Tx, actor: Actor, refs: Sequence[str]) -> list[Collection]:
    """Return the collections that a set operation is about.

    Raises:
        CollectionNotFound: one is none that the actor sees.
        Invalid: there are fewer than two of them, or too many.
    """
    if not FEWEST <= len(refs) <= MOST:
        message = f"Name {FEWEST} to {MOST} collections, not {len(refs)}."
        raise Invalid(message, field="collections")
    return [await look(tx, actor, ref) for ref in refs]


def of_all(found: Sequence[BitMap], operation: Operation) -> BitMap:
    """Put sets together. The difference is what the first has and none of the others."""
    if not found:
        return BitMap()
    if operation == "union":
        return BitMap.union(*found)
    if operation == "intersection":
        return BitMap.intersection(*found)
    return BitMap.difference(*found) if len(found) > 1 else found[0].copy()


async def members(tx: Tx, actor: Actor, collection: Collection) -> BitMap:
    """Return the set of a collection's items, of those that the actor sees. Not to be changed: others share it."""
    known = await _membership(tx, collection.id, collection.revision)
    seen = view_of(actor)
    unseen = await tx.value(SQL.unseen_items, id=collection.id, everything=seen.everything, accounts=seen.accounts)
    return known.items - BitMap(unseen) if unseen else known.items


async def items_now(tx: Tx, collection_id: int, revision: int) -> BitMap:
    """Return the set of all items of a collection that is held at a revision, to be changed at will."""
    return (await _membership(tx, collection_id, revision)).items.copy()


async def items_at(tx: Tx, collection_id: int, revision: int) -> BitMap:
    """Return the set of all items of a collection at its present revision. Not to be changed: others share it."""
    return (await _membership(tx, collection_id, revision)).items


async def _membership(tx: Tx, collection_id: int, revision: int) -> Membership:
    name = (tx.database, collection_id)
    known = _remembered.get(name) or await _kept(tx, collection_id)
    if known is not None and known.revision == revision:
        return _remember(name, known)
    if known is not None and known.revision < revision:
        present, gone = (await tx.rows(SQL.items_since, id=collection_id, revision=known.revision))[0]
        found = Membership(revision, (known.items - BitMap(gone)) | BitMap(present))
    else:
        found = Membership(revision, _bitmap(await tx.value(SQL.items_of, id=collection_id)))
    if len(found.items) >= WORTH_KEEPING:
        await tx.run(SQL.keep_bitmap, id=collection_id, revision=revision, items=found.items.serialize())
    return _remember(name, found)


async def _kept(tx: Tx, collection_id: int) -> Membership | None:
    kept = await tx.one(SQL.bitmap, Bitmap, id=collection_id)
    return Membership(kept.revision, BitMap.deserialize(kept.items)) if kept else None


def _bitmap(packed: bytes) -> BitMap:
    """Read the ids that the database sends as four bytes each, the high one first."""
    ids = array("I", packed)
    if sys.byteorder == "little":
        ids.byteswap()
    return BitMap(ids)


def _remember(name: tuple[str, int], found: Membership) -> Membership:
    _remembered[name] = found
    _remembered.move_to_end(name)
    while len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return found
