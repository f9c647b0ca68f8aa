"""Set operations: what several collections hold together, as a new collection or as a live one.

What comes out has the order of the first collection that holds it, and the notes and scores that it has there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from pyroaring import BitMap

from pinakes.server import db
from pinakes.server.actor import Actor
from pinakes.server.collections import making, rules, service, sets
from pinakes.server.collections.change import BULK, finish, hold, up_to_date, view, views
from pinakes.server.collections.enforcing import numbers
from pinakes.server.collections.entries import entering
from pinakes.server.collections.rules import fields
from pinakes.server.collections.sets import Operation
from pinakes.server.collections.types import Collection, Locked
from pinakes.server.db import Tx, load
from pinakes.server.errors import Invalid
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "combining.sql")

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
_BETWEEN: dict[Operation, str] = {"union": " or ", "intersection": " and ", "difference": " without "}


@dataclass(frozen=True, slots=True)
class Target:
    """What a set operation makes.

    Attributes:
        title: Its title.
        kind: Its kind; None: a selection where all operands are selections of one project, else a showcase.
        owner: Whose showcase it is; None: the actor's own.
        project_id: The project that a selection is made in; None: that of the operands.
        description: What it says; None: what it is made of.
        visibility: A showcase's; None: private, unless all operands are public.
    """

    title: str
    kind: str | None = None
    owner: str | None = None
    project_id: int | None = None
    description: str | None = None
    visibility: str | None = None


async def combine(
    tx: Tx, actor: Actor, operation: str, refs: Sequence[str], target: Target, *, reason: str | None = None
) -> Collection:
    """Make a collection of what others hold together now, as far as the actor sees it.

    Raises:
        CollectionNotFound: one is none that he sees.
        Invalid: there is no such operation, there are too few or too many collections, or the target can't hold
            what comes out.
        Forbidden, ProjectNotFound, AccountNotFound, TitleTaken: see `service.create` and `selections.create`.
    """
    chosen = _operation(operation)
    found = await sets.operands(tx, actor, refs)
    wanted = [await sets.members(tx, actor, collection) for collection in found]
    result = sets.of_all(wanted, chosen)
    held = await _made(tx, actor, chosen, found, target, reason)
    left, count = result.copy(), 0
    for source, items in zip(found, wanted, strict=True):
        part = left & items
        left -= items
        if part:
            count += await _take_over(tx, actor, held, source, part, behind=count)
    if count < len(result):
        others = len(result) - count
        message = f"{others} of the {len(result)} items that come out can't be put into a {held.kind} there."
        raise Invalid(message, field="collections", details={"refused": others})
    after = {"operation": chosen, "count": count, "items": [one.id for one in found]}
    after["revisions"] = [one.revision for one in found]
    await finish(tx, actor, held, "collection.combined", delta=count, after=after, reason=reason)
    return await view(tx, actor, held.id)


async def combine_live(
    tx: Tx, actor: Actor, operation: str, refs: Sequence[str], target: Target, *, reason: str | None = None
) -> Collection:
    """Make a collection that is what others hold together, whenever it is read.

    Raises:
        CollectionNotFound, Invalid, Forbidden, ProjectNotFound, AccountNotFound, TitleTaken: see `combine`.
    """
    chosen = _operation(operation)
    found = await sets.operands(tx, actor, refs)
    held = await _made(tx, actor, chosen, found, target, reason)
    ids = [one.id for one in found]
    await tx.run(SQL.make_live, id=held.id, source=db.json({"op": chosen, "collections": ids}), by=actor.user_id)
    await set_sources(tx, held.id, ids)
    after = {"operation": chosen, "items": ids}
    await finish(tx, actor, held, "collection.combined", after=after, reason=reason)
    return await view(tx, actor, held.id)


async def combined_items(tx: Tx, actor: Actor, operation: str, collection_ids: Sequence[int]) -> list[int]:
    """Return what collections hold together, as far as an actor sees it, in order; one that he does not see is empty.

    Raises:
        Invalid: there is no such operation.
    """
    chosen = _operation(operation)
    seen = await views(tx, actor, list(collection_ids))
    found = [seen.get(number) for number in collection_ids]
    fresh = [await up_to_date(tx, actor, one) if one and one.deleted_at is None else None for one in found]
    wanted = [await sets.members(tx, actor, one) if one else BitMap() for one in fresh]
    left = sets.of_all(wanted, chosen)
    items: list[int] = []
    for one, own in zip(fresh, wanted, strict=True):
        part = left & own
        if one is None or not part:
            continue
        left -= own
        items += [item for item in numbers(await tx.value(SQL.ordered_items, id=one.id)) if item in part]
    return items


async def set_sources(tx: Tx, collection_id: int, source_ids: Sequence[int]) -> None:
    """Say what a live collection is made of, instead of what was said before.

    Raises:
        Invalid: it would be made of itself, however indirectly; `details["collections"]` are the ones asked for.
    """
    await tx.rows(SQL.hold_sources)
    sources = sorted(set(source_ids))
    if await tx.value(SQL.made_of, id=collection_id, sources=sources):
        message = "A live collection can't be made of itself, directly or through another."
        raise Invalid(message, field="collections", details={"collections": sources})
    await tx.run(SQL.set_sources, id=collection_id, sources=sources)


def _operation(operation: str) -> Operation:
    if operation not in OPERATIONS:
        message = f"{operation[:80]!r} is not a set operation; there are: {', '.join(OPERATIONS)}."
        raise Invalid(message, field="operation")
    return operation


async def _made(
    tx: Tx, actor: Actor, operation: Operation, found: Sequence[Collection], target: Target, reason: str | None
) -> Locked:
    """Make the empty collection that a set operation fills, and hold it."""
    kind, project_id = await _place(tx, found, target)
    description = target.description
    if description is None:
        description = _BETWEEN[operation].join(one.title for one in found)
        description = fields.shortened(description, rules.of(kind).description_length)
    if rules.of(kind).in_project:
        made = await making.make_selection(tx, actor, project_id, target.title, description=description, reason=reason)
    else:
        public = all(one.visibility == "public" for one in found)
        collection = await service.create(
            tx,
            actor,
            owner=target.owner,
            title=target.title,
            description=description,
            visibility=target.visibility or ("public" if public else "private"),
            kind=kind,
            reason=reason,
        )
        made = collection.id
    return await hold(tx, actor, made, Permission.COLLECTION_CURATE, adding=BULK)


async def _place(tx: Tx, found: Sequence[Collection], target: Target) -> tuple[str, int | None]:
    """Return the kind of what is made, and the project that it is made in."""
    if target.kind not in {None, "showcase", "selection"}:
        message = f"A set operation makes a showcase or a selection, not a {target.kind}."
        raise Invalid(message, field="kind")
    containers = {container for _, container in await tx.rows(SQL.containers_of, ids=[one.id for one in found])}
    together = len(containers) == 1 and all(one.kind == "selection" for one in found)
    own = next(iter(containers)) if together else None
    project_id = target.project_id if target.project_id is not None else own
    kind = target.kind or ("selection" if project_id is not None and target.owner is None else "showcase")
    if kind == "selection" and project_id is None:
        message = "Say in which project the selection shall be: these collections are not selections of one."
        raise Invalid(message, field="project")
    return kind, project_id


async def _take_over(tx: Tx, actor: Actor, held: Locked, source: Collection, part: BitMap, *, behind: int) -> int:
    return await tx.run(
        SQL.take_over,
        id=held.id,
        source=source.id,
        items=list(part),
        behind=behind,
        revision=held.revision + 1,
        by=actor.user_id,
        **entering(held),
    )
