"""Live collections: their entries follow a query or other collections, except for what people pinned and banned.

Pinned entries come first, in the order that people gave them, then what the query finds in its order; what is banned is
never there. No query is run here: `refresh` and the other verbs are handed what it finds (the room `search` runs it),
and write only what differs. What people put in or take out by hand is pinned and banned at the next refresh.

Whoever is about to read entries by other ways than `change.look` (a queue that hands out the next item) asks
`refresh_if_stale` before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import pairwise

from pinakes.server.actor import Actor, Role, system
from pinakes.server.collections import entries, ordering, rules
from pinakes.server.collections.change import NAMED_IN_EVENT, SQL as ENTRIES, finish, view_of
from pinakes.server.collections.combining import set_sources
from pinakes.server.collections.enforcing import numbers
from pinakes.server.collections.live_types import Exempt, Exemption, Kept, Live, Standings
from pinakes.server.collections.rules import fields
from pinakes.server.collections.types import Addition, ItemRef, Locked
from pinakes.server.db import Tx, json, load
from pinakes.server.errors import CollectionNotFound, Conflict, Invalid

SQL = load(__package__, "live.sql")

# How old, in seconds, a reader takes the entries for those of now.
FRESH = 1.0
PINS = 10_000

Refresher = Callable[[Tx, int], Awaitable[bool]]
_refreshers: list[Refresher] = []


@dataclass(frozen=True, slots=True)
class Arranged:
    """What an arrangement changed: which items came, left, and stand at another place."""

    added: list[int] = field(default_factory=list[int])
    removed: list[int] = field(default_factory=list[int])
    moved: list[int] = field(default_factory=list[int])

    @property
    def delta(self) -> int:
        """Return how many more entries there are."""
        return len(self.added) - len(self.removed)

    @property
    def anything(self) -> bool:
        """Tell whether anything changed."""
        return bool(self.added or self.removed or self.moved)


NOTHING = Arranged()


def refresh_with(refresher: Refresher) -> None:
    """Say how a live collection is brought up to date by its number; the one who runs queries does, when imported."""
    _refreshers[:] = [refresher]


async def refresh_if_stale(tx: Tx, collection_id: int) -> bool:
    """Bring a collection up to date if it is live and older than a moment; tell whether its entries changed.

    It never waits for somebody else who does so, and a query that can't run changes nothing. One cheap query for a
    collection that is not live.
    """
    return bool(_refreshers) and await _refreshers[0](tx, collection_id)


async def is_stale(tx: Tx, collection_id: int) -> bool:
    """Tell whether a collection is live and older than a moment, and could be written in this transaction."""
    return bool(await tx.value(SQL.is_stale, id=collection_id, age=FRESH))


async def kept(tx: Tx, collection_id: int) -> Kept:
    """Return what is kept of a live collection.

    Raises:
        CollectionNotFound: it is not live.
    """
    found = await tx.one(SQL.kept, Kept, id=collection_id)
    if found is None:
        message = "This collection is not live."
        raise CollectionNotFound(message, field="live")
    return found


async def shown(tx: Tx, actor: Actor, collection_id: int) -> Live:
    """Return a live collection as an actor sees it, who was found to see the collection.

    Raises:
        CollectionNotFound: it is not live.
    """
    found = await kept(tx, collection_id)
    seen = view_of(actor)
    exempt = await tx.all(SQL.exempt, Exempt, id=collection_id, everything=seen.everything, accounts=seen.accounts)
    return Live(
        found.collection_id,
        found.query,
        found.sort,
        found.source,
        found.refreshed_at,
        found.failed,
        found.created_by,
        found.created_at,
        [one for one in exempt if one.pinned],
        [one for one in exempt if not one.pinned],
    )


def keeper(owner_id: int) -> Actor:
    """Return in whose eyes a live collection's query runs: what the account that owns it may read, no more."""
    return Actor(name="system", roles={owner_id: Role.VIEWER}, api="system")


def refuse_managed(held: Locked) -> None:
    """Raise for a collection of a kind whose entries no query could choose.

    Raises:
        Invalid: it is a release or an artifact.
    """
    if rules.of(held.kind).managed is not None:
        message = f"No query can choose what is in {held.title}: {rules.of(held.kind).managed}"
        raise Invalid(message, field="collection")


async def start(
    tx: Tx,
    actor: Actor,
    held: Locked,
    *,
    query: str,
    sort: str,
    source: Mapping[str, object] | None,
    made_of: Sequence[int],
    reason: str | None = None,
) -> Locked:
    """Make a held collection live. What is in it is pinned, with its notes and in its order.

    Args:
        tx: The transaction that holds it.
        actor: Who makes it.
        held: The collection.
        query: What it shall follow.
        sort: The order of what that finds.
        source: How it is made of other collections, where it is.
        made_of: The collections that the query or the source name.
        reason: Why, for the record.

    Raises:
        Invalid: its kind can't be live, it would be made of itself, or it has too many entries to pin them.
        Conflict: it is live already.
    """
    refuse_managed(held)
    if held.entry_count > PINS:
        message = f"It has {held.entry_count} entries, which would be pinned; at most {PINS} can be: begin with fewer."
        raise Invalid(message, field="collection", details={"limit": PINS})
    asked = {"query": query, "sort": sort, "source": _json(source)}
    if not await tx.value(SQL.begin_live, id=held.id, by=actor.user_id, **asked):
        message = "This collection is live already: change its query."
        raise Conflict(message, field="collection")
    await set_sources(tx, held.id, made_of)
    after = {"query": query, "sort": sort, "source": source}
    revision = await finish(tx, actor, held, "collection.made_live", after=after, item_id=held.id, reason=reason)
    await tx.run(SQL.mark_refreshed, id=held.id, failed=None, revision=revision)
    return replace(held, revision=revision, is_live=True)


async def follow(
    tx: Tx,
    actor: Actor,
    held: Locked,
    *,
    query: str,
    sort: str,
    source: Mapping[str, object] | None,
    made_of: Sequence[int],
    reason: str | None = None,
) -> Locked:
    """Let a held live collection follow another query, order or source; what is pinned and banned stays so.

    Raises:
        CollectionNotFound: it is not live.
        Invalid: it would be made of itself.
    """
    former = await kept(tx, held.id)
    before = {"query": former.query, "sort": former.sort, "source": former.source}
    after = {"query": query, "sort": sort, "source": source}
    changed = {name: value for name, value in after.items() if before[name] != value}
    await set_sources(tx, held.id, made_of)
    if not changed:
        return held
    await tx.run(SQL.set_query, id=held.id, query=query, sort=sort, source=_json(source))
    told = {name: before[name] for name in changed}
    revision = await finish(
        tx, actor, held, "collection.query_changed", before=told, after=changed, item_id=held.id, reason=reason
    )
    return replace(held, revision=revision)


async def end(tx: Tx, actor: Actor, held: Locked, *, reason: str | None = None) -> Locked:
    """Let a held live collection be an ordinary one, with the entries that it has.

    Raises:
        CollectionNotFound: it is not live.
    """
    former = await kept(tx, held.id)
    await tx.run(SQL.end_live, id=held.id)
    before = {"query": former.query, "sort": former.sort, "source": former.source}
    revision = await finish(tx, actor, held, "collection.live_ended", before=before, item_id=held.id, reason=reason)
    return replace(held, revision=revision, is_live=False)


async def try_hold(tx: Tx, collection_id: int) -> bool:
    """Lock a collection and its items for a refresh; False when somebody else is at it, so that it is his to do."""
    if not await tx.value(SQL.try_items_lock):
        return False
    return await tx.value(SQL.try_hold, id=collection_id) is not None


async def refresh(tx: Tx, held: Locked, found: Sequence[int]) -> Locked:
    """Bring a held live collection in line with what its query finds; a revision of the server's, if that differs.

    Raises:
        CheckFailed: a check of the collection's refuses the change.
    """
    await tx.patiently_for(len(found))
    since = (await kept(tx, held.id)).revision
    if held.revision > since:
        await tx.run(SQL.adopt, id=held.id, since=since)
    change = await _arranged(tx, held, found)
    if change.anything:
        held = await _close(tx, system(), held, "entry.refreshed", change)
    await tx.run(SQL.mark_refreshed, id=held.id, failed=None, revision=held.revision)
    return held


async def note_failure(tx: Tx, collection_id: int, why: str) -> None:
    """Remember why a live collection could not be brought up to date; its entries stay as they are."""
    await tx.run(SQL.mark_refreshed, id=collection_id, failed=why, revision=None)


async def pin(
    tx: Tx,
    actor: Actor,
    held: Locked,
    additions: Sequence[Addition],
    found: Sequence[int] | None,
    *,
    reason: str | None = None,
) -> Locked:
    """Pin items above what the query finds, behind those that are pinned, in the order given; all of them, or none.

    What is pinned already stays where it is. A note of None leaves the note of an entry as it is, "" takes it away.

    Args:
        tx: The transaction that holds it.
        actor: Who pins.
        held: The collection, in line with what its query finds.
        additions: The items, perhaps with notes and scores.
        found: What its query finds; None where it can't run.
        reason: Why, for the record.

    Raises:
        CollectionNotFound: it is not live.
        ItemNotFound, Invalid: one of them does not exist, or can't be put into this collection.
    """
    await kept(tx, held.id)
    _check_count(additions)
    lines = await entries.looked_up(tx, actor, rules.of(held.kind), additions)
    wanted = entries.first_of_each(lines)
    last = await tx.one(SQL.standings, Standings, id=held.id) or Standings([], [])
    keys = ordering.after(last.keys[-1] if last.keys else None, len(wanted))
    put_in = await entries.insert(tx, actor, held, wanted, keys)
    for result in await entries.outcomes(tx, actor, held, lines, put_in):
        if result.error is not None and result.outcome != "duplicate":
            raise result.error
    items = [line.item_id for line in wanted if line.item_id is not None]
    pinned = await _except(tx, actor, held, items, pinned=True, reason=reason)
    notes = {line.item_id: line.note or "" for line in wanted if line.item_id is not None}
    given = {
        line.item_id
        for line, addition in zip(lines, additions, strict=True)
        if addition.note is not None and line.item_id is not None
    }
    noted = await _annotate(tx, held, {item: notes[item] for item in notes if item in given and item not in put_in})
    change = await _arranged(tx, held, found)
    if not (put_in or pinned or noted or change.anything):
        return held
    change = replace(change, added=[*put_in, *change.added])
    told = [{"item": item, **({"note": notes[item] or None} if notes[item] or item in noted else {})} for item in items]
    was = [{"item": item, "note": note} for item, note in noted.items()] + [{"item": item} for item in change.removed]
    before, after = entries.summary(was) if was else None, entries.summary(told)
    return await _close(tx, actor, held, "entry.pinned", change, before=before, after=after, reason=reason)


async def ban(
    tx: Tx,
    actor: Actor,
    held: Locked,
    refs: Sequence[ItemRef],
    found: Sequence[int] | None,
    *,
    reason: str | None = None,
) -> Locked:
    """Ban items: they leave, pinned or found, and do not come back; all of them, or none.

    Raises:
        CollectionNotFound: it is not live.
        ItemNotFound, Invalid: one of them does not exist for the actor.
    """
    await kept(tx, held.id)
    _check_count(refs)
    additions = [Addition(ref) for ref in refs]
    lines = await entries.looked_up(tx, actor, rules.of(held.kind), additions)
    for line, result in zip(lines, await entries.outcomes(tx, actor, held, lines, set()), strict=True):
        if result.error is not None and (line.error is not None or result.outcome == "unknown"):
            raise result.error
    items = list(dict.fromkeys(line.item_id for line in lines if line.item_id is not None))
    banned = await _except(tx, actor, held, items, pinned=False, reason=reason)
    change = await _arranged(tx, held, found)
    if not (banned or change.anything):
        return held
    told = entries.summary([{"item": item} for item in items])
    return await _close(tx, actor, held, "entry.banned", change, after=told, reason=reason)


async def no_longer(
    tx: Tx,
    actor: Actor,
    held: Locked,
    items: Sequence[int],
    found: Sequence[int] | None,
    *,
    pinned: bool,
    reason: str | None = None,
) -> Locked:
    """Take back that items are pinned, or banned: the query decides about them again.

    Raises:
        CollectionNotFound: it is not live.
    """
    await kept(tx, held.id)
    gone = await tx.all(
        SQL.no_longer_exempt,
        int,
        id=held.id,
        items=[item for item in items if 0 < item < 2**31],
        pinned=pinned,
    )
    if not gone:
        return held
    change = await _arranged(tx, held, found)
    verb = "entry.unpinned" if pinned else "entry.unbanned"
    told = entries.summary([{"item": item} for item in gone])
    return await _close(tx, actor, held, verb, change, before=told, reason=reason)


async def _except(
    tx: Tx, actor: Actor, held: Locked, items: Sequence[int], *, pinned: bool, reason: str | None
) -> list[int]:
    return await tx.all(
        SQL.exempt_items,
        int,
        id=held.id,
        items=list(items),
        pinned=pinned,
        reason=fields.reason(reason),
        by=actor.user_id,
    )


async def _annotate(tx: Tx, held: Locked, notes: Mapping[int, str]) -> dict[int, str | None]:
    """Give entries other notes; return the former notes of those whose note is another now."""
    if not notes:
        return {}
    rows = await tx.rows(
        SQL.annotate, id=held.id, items=list(notes), notes=list(notes.values()), revision=held.revision + 1
    )
    return dict(rows)


async def _arranged(tx: Tx, held: Locked, found: Sequence[int] | None) -> Arranged:
    """Write what differs from the pinned items and then what the query finds (None: what is there of that)."""
    present = numbers(await tx.value(SQL.in_order, id=held.id))
    exceptions = await tx.all(SQL.exceptions, Exemption, id=held.id)
    exempt = {one.item_id for one in exceptions}
    following = present if found is None else found
    wanted = [one.item_id for one in exceptions if one.pinned]
    wanted += [item for item in dict.fromkeys(following) if item not in exempt and item != held.id]
    if wanted == present:
        return NOTHING
    return await _rearranged(tx, held, wanted)


async def _rearranged(tx: Tx, held: Locked, wanted: Sequence[int]) -> Arranged:
    """Take out what is not wanted, and put the rest in the order wanted."""
    standing = await tx.one(SQL.standings, Standings, id=held.id) or Standings([], [])
    keys = dict(zip(standing.items, standing.keys, strict=True))
    staying = set(wanted)
    removed = [item for item in standing.items if item not in staying]
    if removed:
        await tx.run(ENTRIES.remove, id=held.id, items=removed, revision=held.revision + 1)
    fresh = placed(keys, wanted)
    moved = [item for item in fresh if item in keys]
    if moved:
        await tx.run(
            ENTRIES.rekey, id=held.id, items=moved, keys=[fresh[item] for item in moved], revision=held.revision + 1
        )
    entering = [item for item in fresh if item not in keys]
    lines = [entries.Line(item, None, None) for item in entering]
    added = await entries.insert(tx, keeper(held.owner_id), held, lines, [fresh[item] for item in entering])
    return Arranged([item for item in entering if item in added], removed, moved)


async def _close(
    tx: Tx,
    actor: Actor,
    held: Locked,
    verb: str,
    change: Arranged,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str | None = None,
) -> Locked:
    """Close a change: a revision, and in the record what came and what left."""
    if change.removed and before is None:
        before = entries.summary([{"item": item} for item in change.removed[:NAMED_IN_EVENT]])
        before = {**before, "count": len(change.removed)}
    if after is None and change.added:
        after = entries.summary([{"item": item} for item in change.added[:NAMED_IN_EVENT]])
        after = {**after, "count": len(change.added)}
    revision = await finish(tx, actor, held, verb, delta=change.delta, before=before, after=after, reason=reason)
    return replace(held, revision=revision, entry_count=held.entry_count + change.delta)


def placed(keys: Mapping[int, bytes], wanted: Sequence[int]) -> dict[int, bytes]:
    """Return the order keys that some items need so that all are in the order wanted: the new, and those that move.

    As many as can be keep their keys; where keys would grow long, all get fresh ones.
    """
    staying = _in_order(keys, wanted)
    fresh: dict[int, bytes] = {}
    low: bytes | None = None
    gap: list[int] = []
    for item in wanted:
        if item not in staying:
            gap.append(item)
            continue
        fresh.update(zip(gap, ordering.between(low, keys[item], len(gap)) if gap else (), strict=True))
        low, gap = keys[item], []
    fresh.update(zip(gap, ordering.between(low, None, len(gap)), strict=True))
    if max(map(len, fresh.values()), default=0) > ordering.LONGEST:
        return dict(zip(wanted, ordering.after(max(keys.values(), default=None), len(wanted)), strict=True))
    return fresh


def _in_order(keys: Mapping[int, bytes], wanted: Sequence[int]) -> AbstractSet[int]:
    """Return as many items as can be whose keys rise in the order wanted."""
    known = [item for item in wanted if item in keys]
    if all(keys[one] < keys[other] for one, other in pairwise(known)):
        return set(known)
    ends: list[bytes] = []
    last: list[int] = []
    before: dict[int, int | None] = {}
    for item in known:
        at = bisect_left(ends, keys[item])
        before[item] = last[at - 1] if at else None
        ends[at : at + 1] = [keys[item]]
        last[at : at + 1] = [item]
    found: set[int] = set()
    item = last[-1] if last else None
    while item is not None:
        found.add(item)
        item = before[item]
    return found


def _check_count(things: Sequence[object]) -> None:
    if len(things) > PINS:
        message = f"At most {PINS} items can be pinned or banned in one call; these are {len(things)}."
        raise Invalid(message, field="items", details={"limit": PINS})


def _json(source: Mapping[str, object] | None) -> object:
    return None if source is None else json(dict(source))
