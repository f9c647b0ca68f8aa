"""What is in a collection: added, noted, put in order, taken out and read. A verb takes many; one is a batch of one.

A batch applies its good lines and answers for each; with `atomic` it applies all or none. It makes one revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pinakes.server.actor import Actor
from pinakes.server.catalog.service import malformed, resolve_many
from pinakes.server.collections import rules, single
from pinakes.server.collections.change import (
    NAMED_IN_EVENT,
    ONE_CALL,
    SQL,
    author,
    finish,
    hold,
    look,
    view_of,
)
from pinakes.server.collections.places import keys_at, neighbours, standing
from pinakes.server.collections.rules import fields
from pinakes.server.collections.rules.types import Rules
from pinakes.server.collections.types import (
    Addition,
    Batch,
    Entry,
    EntryChange,
    EntryId,
    ItemRef,
    Locked,
    Outcome,
    Present,
    Result,
    Standing,
    Where,
)
from pinakes.server.db import Tx, json
from pinakes.server.errors import AlreadyInCollection, EntryNotFound, Invalid, ItemNotFound
from pinakes.server.paging import Page, decode_cursor, encode_cursor, foreign
from pinakes.server.permissions.table import Permission

PAGE = 1000
END = Where()


@dataclass(frozen=True, slots=True)
class Line:
    """One addition after the look at it: the item that it names and what its entry shall carry, or why not."""

    item_id: int | None
    note: str | None
    score: float | None
    error: Invalid | ItemNotFound | None = None


async def add(
    tx: Tx,
    actor: Actor,
    ref: str,
    additions: Sequence[Addition],
    *,
    where: Where = END,
    atomic: bool = False,
    expected: int | None = None,
    reason: str | None = None,
    kind: str | None = None,
) -> Batch:
    """Put items into a collection, in the order given, at its end or where the caller says.

    An item that is there already is a `duplicate`, one that does not exist or can't be seen is `unknown`, a line
    against the rules is `invalid`; each carries its error.

    Raises:
        CollectionNotFound, Forbidden, PreconditionFailed: see `hold`.
        EntryNotFound, Invalid: the place is not one.
    """
    if len(additions) == 1 and where == END and kind in (None, "showcase"):
        batch = await _append(tx, actor, ref, additions, expected=expected, reason=reason)
        if batch is not None:
            return batch
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE, adding=ONE_CALL, expected=expected, kind=kind)
    lines = await looked_up(tx, actor, rules.listed_entries(held.kind), additions)
    wanted = first_of_each(lines)
    keys = await keys_at(tx, actor, held, where, len(wanted)) if wanted else []
    closing = not atomic and not held.has_checks
    added = await insert(tx, actor, held, wanted, keys, closing=closing, reason=reason)
    results = await outcomes(tx, actor, held, lines, added)
    if atomic and any(result.error for result in results):
        await take_back(tx, held)
        return _refused(held, results)
    if added and not closing:
        after = summary([{"item": line.item_id, **_carried(line)} for line in wanted if line.item_id in added])
        await finish(tx, actor, held, "entry.added", delta=len(added), after=after, reason=reason)
    return Batch(held.revision + bool(added), applied=True, results=results)


async def update(
    tx: Tx,
    actor: Actor,
    ref: str,
    changes: Sequence[EntryChange],
    *,
    atomic: bool = False,
    expected: int | None = None,
    reason: str | None = None,
    kind: str | None = None,
) -> Batch:
    """Change notes, scores and positions of entries; positions one after the other, as if each were its own call."""
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE, expected=expected, kind=kind)
    allowed = rules.of(held.kind)
    placed = any(change.position is not None for change in changes)
    found = await standing(tx, actor, held, [change.entry for change in changes], placed=placed)
    results = [_refusal(allowed, found, change) or Result("updated", change.entry) for change in changes]
    if atomic and any(result.error for result in results):
        return _refused(held, results)
    former = dict(found)
    touched: dict[str, Standing] = {}
    for at, change in enumerate(changes):
        if results[at].error is not None:
            continue
        if touched and change.position is not None:  # an earlier move may have given it a fresh key
            found |= await standing(tx, actor, held, [change.entry], placed=True)
        results[at] = await _change(tx, actor, held, found, change)
        if results[at].outcome != "unchanged":
            touched[change.entry] = found[change.entry]
    if not touched:
        return Batch(held.revision, applied=True, results=results)
    moved = all(result.outcome != "updated" for result in results)
    if placed and len(touched) > 1:  # one may have come to stand behind, or gone from behind, another
        named = list(touched)[:NAMED_IN_EVENT]
        touched |= await standing(tx, actor, held, named, placed=True)
    pairs = [_differing(former[entry], form) for entry, form in touched.items()]
    revision = await finish(
        tx,
        actor,
        held,
        "entry.moved" if moved else "entry.updated",
        before=summary([was for was, _ in pairs]),
        after=summary([now for _, now in pairs]),
        reason=reason,
    )
    return Batch(revision, applied=True, results=results)


async def remove(
    tx: Tx,
    actor: Actor,
    ref: str,
    entries: Sequence[str],
    *,
    atomic: bool = False,
    expected: int | None = None,
    reason: str | None = None,
    kind: str | None = None,
) -> Batch:
    """Take entries out of a collection. The items themselves are not touched."""
    if len(entries) == 1 and kind in (None, "showcase"):
        made = await single.take_out(tx, actor, ref, entries[0], expected=expected, reason=reason)
        if made is not None:
            return Batch(made.revision, applied=True, results=[Result("removed", entries[0])])
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE, expected=expected, kind=kind)
    rules.listed_entries(held.kind)
    found = await standing(tx, actor, held, entries)
    results = _each_once("removed", entries, found)
    if atomic and any(result.error for result in results):
        return _refused(held, results)
    if not found:
        return Batch(held.revision, applied=True, results=results)
    items = [form.item_id for form in found.values()]
    await tx.run(SQL.remove, id=held.id, items=items, revision=held.revision + 1)
    before = summary([{"item": form.item_id, **_carried(form)} for form in found.values()])
    revision = await finish(tx, actor, held, "entry.removed", delta=-len(items), before=before, reason=reason)
    return Batch(revision, applied=True, results=results)


async def move(
    tx: Tx,
    actor: Actor,
    ref: str,
    entries: Sequence[str],
    where: Where,
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> Batch:
    """Move a block of entries, in the order given, to one place; all of them or, when one is unknown, none.

    Raises:
        EntryNotFound: one of them, or the entry that the place refers to, is not in the collection.
    """
    if len(entries) == 1 and where.after is not None and where.before is None and where.position is None:
        made = await single.move_behind(tx, actor, ref, entries[0], where.after, expected=expected, reason=reason)
        if made is not None:
            return Batch(made.revision, applied=True, results=[Result("moved", entries[0])])
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE, expected=expected)
    anchors = [entry for entry in (where.before, where.after) if entry is not None]
    found = await standing(tx, actor, held, [*entries, *anchors], placed=True)
    results = _each_once("moved", entries, found)
    Batch(held.revision, applied=False, results=results).checked()
    forms = list({found[entry].item_id: found[entry] for entry in entries}.values())
    items = [form.item_id for form in forms]
    if not forms:
        return Batch(held.revision, applied=True, results=[])
    keys = await keys_at(tx, actor, held, where, len(forms), leaving_out=items, known=found)
    after = [{"item": item, "behind": last} for last, item in zip([None, *items[:-1]], items, strict=True)]
    await tx.run(
        SQL.move,
        id=held.id,
        items=items,
        keys=keys,
        revision=held.revision + 1,
        before=json(summary([{"item": form.item_id, "behind": form.behind} for form in forms])),
        after=json(summary(after)),
        reason=fields.reason(reason),
        **author(actor),
    )
    return Batch(held.revision + 1, applied=True, results=results)


async def page(
    tx: Tx,
    actor: Actor,
    ref: str,
    *,
    limit: int = 100,
    cursor: str | None = None,
    revision: int | None = None,
) -> Page[Entry]:
    """Return a page of entries in order, of now or of a revision. A page deep inside costs what the first one costs.

    Raises:
        CollectionNotFound: there is none, or the actor may not see it.
        Invalid: (fields `limit`, `cursor`) the limit is none; the cursor is another collection's or revision's.
    """
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    after, *source = decode_cursor(cursor, bytes, int, int | None) if cursor else (None,)
    collection = await look(tx, actor, ref)
    if source and source != [collection.id, revision]:
        raise foreign()
    rows = await entries_behind(tx, actor, collection.id, after=after, limit=limit + 1, revision=revision)
    shown = rows[:limit]
    return Page(shown, encode_cursor(shown[-1].order_key, collection.id, revision) if len(rows) > limit else None)


async def entries_behind(
    tx: Tx, actor: Actor, collection_id: int, *, after: bytes | None, limit: int, revision: int | None = None
) -> list[Entry]:
    """Return the entries behind an order key, as far as an actor sees them; the collection was looked at before."""
    seen = view_of(actor)
    asked: dict[str, object] = {
        "id": collection_id,
        "after": after,
        "limit": limit,
        "everything": seen.everything,
        "accounts": seen.accounts,
    }
    if revision is None:
        return await tx.all(SQL.entries_of, Entry, **asked)
    return await tx.all(SQL.entries_at, Entry, revision=revision, **asked)


async def get(tx: Tx, actor: Actor, ref: str, entry: str) -> Entry:
    """Return one entry by its public id.

    Raises:
        EntryNotFound: it is not in this collection, or its item can't be seen.
    """
    collection = await look(tx, actor, ref)
    parsed = EntryId.parse(entry)
    if parsed is None or parsed.collection_id != collection.id or max(parsed) >= 2**31:
        raise EntryNotFound
    found = await _shown(tx, actor, parsed)
    if found is None:
        raise EntryNotFound
    return found


async def of_item(tx: Tx, actor: Actor, ref: str, item: ItemRef) -> Entry | None:
    """Return an item's entry in a collection, or None: it is not in it, or can't be seen, or there is no such item."""
    collection = await look(tx, actor, ref)
    number = item.item_id
    if number is None:
        named = (await resolve_many(tx, actor, [(item.kind or "", item.address or "")]))[0]
        number = named.id if named is not None else 0
    seen = view_of(actor)
    there = await tx.one(
        SQL.there_already, Present, id=collection.id, items=[number], everything=seen.everything, accounts=seen.accounts
    )
    if there is None or there.added_rev is None:
        return None
    return await _shown(tx, actor, EntryId(collection.id, there.added_rev, number))


async def _shown(tx: Tx, actor: Actor, entry: EntryId) -> Entry | None:
    seen = view_of(actor)
    return await tx.one(
        SQL.entry,
        Entry,
        id=entry.collection_id,
        item_id=entry.item_id,
        added_rev=entry.added_rev,
        everything=seen.everything,
        accounts=seen.accounts,
    )


async def _append(
    tx: Tx, actor: Actor, ref: str, additions: Sequence[Addition], *, expected: int | None, reason: str | None
) -> Batch | None:
    """Put one item at the end in one statement; None when something is not in order, and nothing was done."""
    (line,) = await looked_up(tx.alone, actor, rules.showcase.RULES, additions)
    if line.item_id is None:
        return None
    made = await single.append(
        tx, actor, ref, line.item_id, note=line.note, score=line.score, expected=expected, reason=reason
    )
    if made is None:
        return None
    entry = EntryId(made.collection_id, made.revision, line.item_id)
    return Batch(made.revision, applied=True, results=[Result("added", str(entry))])


async def looked_up(tx: Tx, actor: Actor, allowed: Rules, additions: Sequence[Addition]) -> list[Line]:
    """Check every addition and find the item that it names by kind and address, in one query for all of them."""
    names = {
        at: (item.kind, item.address)
        for at, addition in enumerate(additions)
        if (item := addition.item).item_id is None
        and item.kind is not None
        and item.kind in allowed.accepts
        and item.address is not None
    }
    items = await resolve_many(tx, actor, list(names.values())) if names else []
    numbers = {at: item.id for at, item in zip(names, items, strict=True) if item is not None}
    return [_line(addition, numbers.get(at, addition.item.item_id), allowed) for at, addition in enumerate(additions)]


def first_of_each(lines: Sequence[Line]) -> list[Line]:
    """Return the good lines, the first only where several name the same item."""
    first: dict[int, Line] = {}
    for line in lines:
        if line.item_id is not None:
            first.setdefault(line.item_id, line)
    return list(first.values())


def undone(held: Locked, result: Result) -> Result:
    """Say what a line of an atomic batch came to that was refused: no entry that it would have made is there."""
    if result.error is None:
        return Result("not_applied")
    entry = EntryId.parse(result.entry or "")
    if result.outcome == "duplicate" and entry is not None and entry.added_rev > held.revision:
        message = "The item is in this batch twice."
        return Result("duplicate", error=AlreadyInCollection(message, details={"item": entry.item_id}))
    return result


def _refused(held: Locked, results: Sequence[Result]) -> Batch:
    return Batch(held.revision, applied=False, results=[undone(held, result) for result in results])


async def take_back(tx: Tx, held: Locked) -> None:
    """Undo what a change has added so far: nothing of an atomic batch with a bad line may stay."""
    await tx.run(SQL.take_back, id=held.id, revision=held.revision + 1)


async def insert(
    tx: Tx,
    actor: Actor,
    held: Locked,
    lines: Sequence[Line],
    keys: Sequence[bytes],
    *,
    closing: bool = False,
    reason: str | None = None,
) -> set[int]:
    """Write new entries into a held collection; return the items that went in.

    With `closing`, that is the whole change, and it is closed in the same statement (see `finish`).
    """
    if not lines:
        return set()
    seen = view_of(actor)
    added = await tx.value(
        SQL.add,
        id=held.id,
        revision=held.revision + 1,
        items=[line.item_id for line in lines],
        keys=list(keys),
        scores=[line.score for line in lines],
        notes=[line.note for line in lines],
        **entering(held),
        everything=seen.everything,
        accounts=seen.accounts,
        closing=closing,
        named=NAMED_IN_EVENT,
        reason=fields.reason(reason),
        **author(actor),
    )
    return set(added)


def entering(held: Locked) -> dict[str, object]:
    """Return what may enter a held collection, as the queries that add take it."""
    allowed = rules.of(held.kind)
    return {
        "kinds": list(allowed.accepts),
        "container_id": held.container_id if allowed.in_project else None,
        "closing_items": not allowed.in_project,
    }


async def outcomes(tx: Tx, actor: Actor, held: Locked, lines: Sequence[Line], added: set[int]) -> list[Result]:
    """Say what became of each line, once the good ones are written."""
    left = [line.item_id for line in lines if line.item_id is not None and line.item_id not in added]
    doubled = len(left) + len(added) < sum(line.item_id is not None for line in lines)
    known: Mapping[int, Present] = {}
    if left or doubled:
        known = await _present(tx, actor, held, left)
    fresh = set(added)
    return [_outcome(held, line, fresh, added, known) for line in lines]


def summary(entries: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Describe the entries of a change for the record: all counted, the first hundred one by one."""
    return {"count": len(entries), "entries": [dict(entry) for entry in entries[:NAMED_IN_EVENT]]}


def _line(addition: Addition, item_id: int | None, allowed: Rules) -> Line:
    """Check what one addition says, apart from whether its item exists."""
    try:
        note = fields.note(addition.note, allowed.note_length)
        score = fields.score(addition.score)
        if addition.item.item_id is None:
            fields.item_kind(addition.item.kind, allowed)
    except Invalid as error:
        return Line(None, None, None, error)
    if item_id is None or not 0 < item_id < 2**31:
        return Line(None, None, None, _nobody(addition))
    return Line(item_id, note, score)


def _nobody(addition: Addition) -> Invalid | ItemNotFound:
    """Say that an addition names no item, or nothing that could be one."""
    item = addition.item
    if item.item_id is not None:
        return Invalid(f"An item's number is 1 to {2**31 - 1}.", field="item")
    return malformed(item.kind or "", item.address or "") or ItemNotFound(f"No such item: {item.kind} {item.address}.")


def _outcome(held: Locked, line: Line, fresh: set[int], added: set[int], known: Mapping[int, Present]) -> Result:
    if line.error is not None:
        return Result("invalid" if isinstance(line.error, Invalid) else "unknown", error=line.error)
    item = line.item_id or 0
    if item in fresh:
        fresh.discard(item)
        return Result("added", str(EntryId(held.id, held.revision + 1, item)))
    present = known.get(item)
    if item in added or (present is not None and present.added_rev is not None):
        since = held.revision + 1 if present is None or present.added_rev is None else present.added_rev
        entry = str(EntryId(held.id, since, item))
        return Result("duplicate", entry, AlreadyInCollection(details={"entry": entry, "item": item}))
    if present is not None:
        allowed = rules.of(held.kind)
        if allowed.in_project and present.kind in allowed.accepts:
            message = f"Item {item} belongs to another project, and a {held.kind} holds items of its own only."
            return Result("invalid", error=Invalid(message, field="item"))
        message = f"A {present.kind} can't be put into a {held.kind}."
        return Result("invalid", error=Invalid(message, field="kind"))
    return Result("unknown", error=ItemNotFound(f"No such item: {item}."))


async def _present(tx: Tx, actor: Actor, held: Locked, items: Sequence[int]) -> dict[int, Present]:
    seen = view_of(actor)
    rows = await tx.all(
        SQL.there_already,
        Present,
        id=held.id,
        items=list(items),
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return {row.id: row for row in rows}


def _refusal(allowed: Rules, found: Mapping[str, Standing], change: EntryChange) -> Result | None:
    """Say why a change can't be made, if it can't."""
    if change.entry not in found:
        return _unknown(change.entry)
    try:
        fields.note(change.note, allowed.note_length)
        fields.score(change.score)
        fields.position(change.position or 0)
    except Invalid as error:
        return Result("invalid", change.entry, error)
    return None


async def _change(tx: Tx, actor: Actor, held: Locked, found: dict[str, Standing], change: EntryChange) -> Result:
    """Make one change that is in order; `found` is kept up to date, since a batch may name an entry twice."""
    form = found[change.entry]
    note = form.note if change.note is None else change.note or None
    score = form.score if change.score is None else change.score
    key = await _moved_key(tx, actor, held, form, change.position)
    new = replace(form, order_key=key, note=note, score=score)
    if new == form:
        return Result("unchanged", change.entry)
    moved = await tx.rows(
        SQL.rewrite,
        id=held.id,
        items=[new.item_id],
        keys=[None if key == form.order_key else key],
        scores=[score],
        notes=[note],
        revision=held.revision + 1,
    )
    found[change.entry] = replace(new, behind=moved[0][1]) if moved else new
    outcome: Outcome = "moved" if (note, score) == (form.note, form.score) else "updated"
    return Result(outcome, change.entry)


async def _moved_key(tx: Tx, actor: Actor, held: Locked, form: Standing, position: int | None) -> bytes:
    """Return the key that puts an entry at an index; its own when it is there already."""
    if position is None:
        return form.order_key
    where = Where(position=position)
    low, high = await neighbours(tx, actor, held, where, [form.item_id])
    if (low is None or low < form.order_key) and (high is None or form.order_key < high):
        return form.order_key
    return (await keys_at(tx, actor, held, where, 1, [form.item_id]))[0]


def _each_once(outcome: Outcome, entries: Sequence[str], found: Mapping[str, Standing]) -> list[Result]:
    """Say what becomes of entries; one that is named again is `unchanged` there, since nothing more is done with it."""
    first: dict[str, int] = {}
    for at, entry in enumerate(entries):
        first.setdefault(entry, at)
    return [
        Result(outcome if first[entry] == at else "unchanged", entry) if entry in found else _unknown(entry)
        for at, entry in enumerate(entries)
    ]


def _unknown(entry: str) -> Result:
    return Result("unknown", entry, EntryNotFound(f"There is no entry {entry[:80]!r} in this collection."))


def _differing(former: Standing, form: Standing) -> tuple[dict[str, object], dict[str, object]]:
    """Return what of an entry differs, as it was and as it is: a note that came or went is null where it is not."""
    names = [name for name in ("note", "score") if getattr(former, name) != getattr(form, name)]
    names += ["behind"] if former.order_key != form.order_key else []

    def told(one: Standing) -> dict[str, object]:
        return {"item": one.item_id, **{name: getattr(one, name) for name in names}}

    return told(former), told(form)


def _carried(form: Line | Standing) -> dict[str, object]:
    """Return what an entry carries beside its item, as far as there is something."""
    carried = {"note": form.note, "score": form.score}
    return {name: value for name, value in carried.items() if value is not None}
