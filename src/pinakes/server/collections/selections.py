"""Selections: collections of one project's media, as the labeling client asks for them.

What is common to all collections (entries by place, revisions, tags, sets, trash) goes through the verbs that showcases
go through; here are those that name a selection, and its items, by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pinakes.server.actor import Actor
from pinakes.server.collections import entries, making, service
from pinakes.server.collections.change import NAMED_IN_EVENT, ONE_CALL, SQL as ROOM, finish, hold, view_of
from pinakes.server.collections.entries import Line, entering, insert
from pinakes.server.collections.places import keys_at
from pinakes.server.collections.rules import fields
from pinakes.server.collections.selection_types import Added, Member, Selection, Selections, Taken
from pinakes.server.collections.types import FieldChanges, Locked, LookedOver
from pinakes.server.db import Tx
from pinakes.server.errors import CollectionNotFound, Invalid
from pinakes.server.permissions.service import sight
from pinakes.server.permissions.table import Permission

SQL = making.SQL

KIND = "selection"
PAGE = 10_000
LAST_ID = making.LAST_ID

Sort = Literal["id", "name", "created_at", "updated_at", "entry_count"]
SORTS: tuple[Sort, ...] = ("id", "name", "created_at", "updated_at", "entry_count")


async def create(
    tx: Tx,
    actor: Actor,
    project_id: int,
    name: str,
    *,
    description: str = "",
    search_key: str | None = None,
    reason: str | None = None,
) -> Selection:
    """Make an empty selection in a project; with a `search_key`, one that holds what a search found, with its scores.

    Raises:
        ProjectNotFound, Forbidden: there is no such project that the actor sees, or he may not make collections there.
        Invalid: the project has no media, or a field breaks the rules.
        TitleTaken: the project has one of that name; `details["id"]` is its number.
    """
    made = await making.make_selection(
        tx, actor, project_id, name, description=description, search_key=search_key, reason=reason
    )
    return await get(tx, actor, made)


async def get(tx: Tx, actor: Actor, collection_id: int) -> Selection:
    """Return a selection by its number.

    Raises:
        CollectionNotFound: there is none that the actor sees.
    """
    seen = sight(actor)
    found = None
    if 0 < collection_id <= LAST_ID:
        asked = {"id": collection_id, "everything": seen.everything, "accounts": seen.accounts}
        found = await tx.one(SQL.selection, Selection, **asked)
    if found is None:
        raise CollectionNotFound
    return found


async def page(
    tx: Tx,
    actor: Actor,
    project_id: int,
    *,
    searches: bool | None = False,
    ids: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    text: str | None = None,
    sort: Sort = "id",
    descending: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> Selections:
    """Return a page of the selections of a project, and how many there are in all.

    Args:
        tx: Where to read.
        actor: Who asks.
        project_id: The project.
        searches: Those with a search behind them (True), those without (False), or both (None).
        ids: Only these.
        names: Only those with one of these names.
        text: Only those with this in their name or description.
        sort: What to sort by; what is the same comes in the order of the numbers.
        descending: Whether the last comes first.
        limit: How many, at most 10,000.
        offset: How many to leave out.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
        Invalid: the limit, the offset or the order is none.
    """
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    if not 0 <= offset < 2**63:
        message = "offset must be 0 or more."
        raise Invalid(message, field="offset")
    if sort not in SORTS:
        message = f"sort must be one of {', '.join(SORTS)}."
        raise Invalid(message, field="sort")
    project = await making.project_of(tx, actor, project_id)
    wanted: dict[str, object] = {
        "project_id": project.id,
        "searches": searches,
        "ids": None if ids is None else [number for number in ids if 0 < number <= LAST_ID],
        "names": None if names is None else [_plain(name) for name in names],
        "text": None if text is None else _plain(text),
    }
    rows = await tx.all(
        SQL.selections_of, Selection, sort=sort, descending=descending, limit=limit, offset=offset, **wanted
    )
    total = len(rows) if not offset and len(rows) < limit else await tx.value(SQL.count_selections, **wanted)
    return Selections(rows, total)


async def update(
    tx: Tx,
    actor: Actor,
    collection_id: int,
    *,
    name: str | None = None,
    description: str | None = None,
    reason: str | None = None,
) -> Selection:
    """Give a selection another name or description.

    Raises:
        CollectionNotFound, Forbidden: there is none that the actor sees, or he may not change it.
        TitleTaken: the project has another of that name.
        Invalid: a field breaks the rules.
    """
    found = await get(tx, actor, collection_id)
    changes = FieldChanges(title=name, description=description)
    await service.update(tx, actor, found.public_id, changes, reason=reason, kind=KIND)
    return await get(tx, actor, collection_id)


async def remove(tx: Tx, actor: Actor, collection_id: int, *, hard: bool = False, reason: str | None = None) -> None:
    """Put a selection into the trash; with `hard`, forget it for good. Its items stay where they are.

    Raises:
        CollectionNotFound, Forbidden: there is none that the actor sees, or he may not delete it (or not for good).
    """
    found = await get(tx, actor, collection_id)
    await service.delete(tx, actor, found.public_id, reason=reason, kind=KIND)
    if hard:
        await service.purge(tx, actor, found.public_id)


async def add_items(
    tx: Tx,
    actor: Actor,
    collection_id: int,
    items: Sequence[tuple[int, float | None]],
    *,
    reason: str | None = None,
) -> Added:
    """Put items at the end of a selection, in the order given. What is in it already stays, and takes a new score.

    Items that do not exist, can't be seen, or belong to another project are in `missing`; the others go in.

    Raises:
        CollectionNotFound, Forbidden: there is none that the actor sees, or he may not change it.
        Invalid: a score is no number that can be kept.
        CheckFailed: a check of the selection's refuses them.
    """
    wanted = {item: fields.score(score) for item, score in items}
    await tx.patiently_for(len(wanted))
    held = await hold(tx, actor, collection_id, Permission.COLLECTION_CURATE, adding=ONE_CALL, kind=KIND)
    good, missing = await _looked_over(tx, actor, held, list(wanted))
    asked = {"id": held.id, "items": good}
    there = {row.item_id: row for row in await tx.all(SQL.members, Member, **asked)} if held.entry_count else {}
    rescored = await _rescore(tx, held, {item: wanted[item] for item in good if item in there})
    lines = [Line(item, None, wanted[item]) for item in good if item not in there]
    added: set[int] = set()
    if lines:
        keys = await keys_at(tx, actor, held, entries.END, len(lines))
        added = await insert(tx, actor, held, lines, keys)
    if added or rescored:
        changed = [item for item in good if item in added or item in rescored]
        after = entries.summary([_told(item, wanted[item]) for item in changed[:NAMED_IN_EVENT]])
        verb = "entry.added" if added else "entry.updated"
        after["count"] = len(changed)
        before = entries.summary([{"item": item, "score": there[item].score} for item in good if item in rescored])
        await finish(
            tx,
            actor,
            held,
            verb,
            delta=len(added),
            before=before if rescored else None,
            after=after,
            reason=reason,
        )
    return Added(await tx.all(SQL.members, Member, **asked), missing)


async def take_items(
    tx: Tx, actor: Actor, collection_id: int, item_ids: Sequence[int], *, reason: str | None = None
) -> Taken:
    """Take items out of a selection; they stay in their datasets. What is not in it is in `missing`.

    Raises:
        CollectionNotFound, Forbidden: there is none that the actor sees, or he may not change it.
        CheckFailed: a check of the selection's refuses it.
    """
    wanted = list(dict.fromkeys(item_ids))
    await tx.patiently_for(len(wanted))
    held = await hold(tx, actor, collection_id, Permission.COLLECTION_CURATE, kind=KIND)
    known = [item for item in wanted if 0 < item <= LAST_ID]
    gone = await tx.all(SQL.members, Member, id=held.id, items=known)
    items = [row.item_id for row in gone]
    if items:
        await tx.run(ROOM.remove, id=held.id, items=items, revision=held.revision + 1)
        before = entries.summary([_told(row.item_id, row.score) for row in gone[:NAMED_IN_EVENT]])
        before["count"] = len(items)
        await finish(tx, actor, held, "entry.removed", delta=-len(items), before=before, reason=reason)
    taken = set(items)
    return Taken(gone, [item for item in wanted if item not in taken])


async def _looked_over(tx: Tx, actor: Actor, held: Locked, items: Sequence[int]) -> tuple[list[int], list[int]]:
    """Tell the items that may be in a held selection from those that may not, or are none."""
    known = [item for item in items if 0 < item <= LAST_ID]
    seen = view_of(actor)
    looked = await tx.one(
        ROOM.look_over,
        LookedOver,
        items=known,
        **entering(held),
        everything=seen.everything,
        accounts=seen.accounts,
    )
    none = set(looked.missing if looked else ())
    good = [item for item in known if item not in none]
    kept = set(good)
    return good, [item for item in items if item not in kept]


async def _rescore(tx: Tx, held: Locked, scores: dict[int, float | None]) -> set[int]:
    """Give members new scores, where some are given; return those whose score is another now."""
    given = {item: score for item, score in scores.items() if score is not None}
    if not given:
        return set()
    rows = await tx.rows(
        SQL.rescore, id=held.id, items=list(given), scores=list(given.values()), revision=held.revision + 1
    )
    return {row[0] for row in rows}


def _told(item_id: int, score: float | None) -> dict[str, object]:
    return {"item": item_id} if score is None else {"item": item_id, "score": score}


def _plain(text: str) -> str:
    """Leave out what no stored text can hold, so that a lookup finds nothing instead of failing."""
    return "".join(char for char in text if char != "\0" and not "\ud800" <= char <= "\udfff")
