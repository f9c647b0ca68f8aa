"""Who labeled, kept from those who review it: what a queue's `hide_author` asks for.

Whoever reviews or checks in such a queue, or in jobs without a queue that ask for it, is not told who made the labels
of its items, nor who of the others labels in it, unless he manages the work of the account. What he made is his to see.

Where the project is public, whoever is not of its account is not told either: a reviewer who signs out, uses an account
of somebody else, leaves the account, or has a live collection of his own ask for him, would be told what is kept from
him. Members of the account who do not review there see who labeled.

The record has a coarser rule of its own (`events/queries.sql`): wherever a queue of a project hides who labels, who put
tags there is told to those who manage the work, and to himself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import LiteralString

from pinakes.server.actor import Actor
from pinakes.server.db import Part, Query, Tx
from pinakes.server.labeling.access import SQL
from pinakes.server.labeling.label_types import Annotation, Figure, FigureVersion, LabelObject, Tagging
from pinakes.server.permissions.service import roles_include
from pinakes.server.permissions.table import Permission

# Whether a queue (`q`) keeps from somebody who labels in it.
_KEEPS: LiteralString = """\
q.removed_at is null and q.settings @> '{"hide_author": true}' and exists (
    select 1
    from items as p
    where p.id = q.project_id and not p.owner_id = any(%(managed)s::integer []) and (
        not p.owner_id = any(%(joined)s::integer [])
        or exists (
            select 1
            from jobs as j
            where j.queue_id = q.id
            and ((j.user_id = %(reviewer)s::integer and j.part <> 'annotate') or j.reviewer_id = %(reviewer)s::integer)
        )
    )
)"""
_SHOWN: LiteralString = (
    "not exists (select 1 from work as h inner join queues as q on h.queue_id = q.id"  # noqa: S608 - of constants
    f" where h.item_id = i.id and {_KEEPS})"
)


async def queue_ids(tx: Tx, actor: Actor) -> set[int]:
    """Return the queues that an actor sees as a member of their account, and that keep from him who labels in them."""
    if actor.user_id is None or actor.is_admin:
        return set()
    managed = _managed(actor)
    accounts = [account for account in actor.roles if account not in managed]
    if not accounts:
        return set()
    return set(await tx.all(SQL.hiding_queues, int, user_id=actor.user_id, accounts=accounts))


async def items(tx: Tx, actor: Actor, item_ids: Iterable[int]) -> set[int]:
    """Return those of some items of which an actor is not told who labeled them."""
    return await _kept(tx, actor, SQL.hidden_items, item_ids)


def shown(actor: Actor) -> Part | None:
    """Return the condition for items (`i`) of which an actor is told who labeled them; None where that is all."""
    return None if actor.is_admin else Part(_SHOWN, _asking(actor))


async def from_annotations(tx: Tx, actor: Actor, found: Collection[Annotation]) -> None:
    """Leave out of annotations who made their labels and tags, where the actor is not to know."""
    if not any(_strange(actor, [*one.figures, *one.objects, *one.tags]) for one in found):
        return
    hidden = await items(tx, actor, [one.item_id for one in found])
    for one in found:
        if one.item_id in hidden:
            _forget(actor, [*one.figures, *one.objects, *one.tags])


async def from_labels(tx: Tx, actor: Actor, found: Sequence[Figure] | Sequence[LabelObject]) -> None:
    """Leave out of figures or objects, and of their tags, who made them, where the actor is not to know.

    An object that belongs to no item is kept like those of all items of its project.
    """
    strange = [one for one in found if _strange(actor, [one])]
    if not strange:
        return
    hidden = await items(tx, actor, [one.item_id for one in strange if one.item_id is not None])
    projects = await _projects(tx, actor, [one.project_id for one in strange if one.item_id is None])
    _forget(
        actor, [one for one in strange if one.item_id in hidden or (one.item_id is None and one.project_id in projects)]
    )


async def from_tags(tx: Tx, actor: Actor, found: Mapping[int, Sequence[Tagging]]) -> None:
    """Leave out of tags, by the items that they are on, who put them there, where the actor is not to know."""
    if not any(_strange(actor, tags) for tags in found.values()):
        return
    for item_id in await items(tx, actor, found):
        _forget(actor, found[item_id])


async def from_versions(tx: Tx, actor: Actor, item_id: int, found: Sequence[FigureVersion]) -> list[FigureVersion]:
    """Leave out of what a figure was who made and changed it, where the actor is not to know."""
    if not await items(tx, actor, [item_id]):
        return list(found)
    return [_version(actor, one) for one in found]


async def _projects(tx: Tx, actor: Actor, project_ids: Iterable[int]) -> set[int]:
    """Return those of some projects in which a queue keeps from an actor who labels."""
    return await _kept(tx, actor, SQL.hiding_projects, project_ids)


async def _kept(tx: Tx, actor: Actor, query: Query, ids: Iterable[int]) -> set[int]:
    wanted = list(set(ids))
    if not wanted or actor.is_admin:
        return set()
    keeps = Part(_KEEPS, _asking(actor))
    return set(await tx.all(query.with_parts(keeps=keeps), int, ids=wanted, **keeps.params))


def _asking(actor: Actor) -> dict[str, object]:
    return {"reviewer": actor.user_id, "joined": list(actor.roles), "managed": _managed(actor)}


def _managed(actor: Actor) -> list[int]:
    """Return the accounts whose work an actor manages."""
    return roles_include(actor, Permission.QUEUE_MANAGE)


def _version(actor: Actor, one: FigureVersion) -> FigureVersion:
    own = one.changed_by == actor.user_id
    tags = [{key: value for key, value in tag.items() if key != "created_by"} for tag in one.tags]
    return replace(
        one,
        created_by=one.created_by if one.created_by == actor.user_id else None,
        changed_by=one.changed_by if own else None,
        changed_by_name=one.changed_by_name if own else None,
        tags=tags,
    )


def _strange(actor: Actor, found: Sequence[Figure | LabelObject | Tagging]) -> bool:
    """Tell whether some of it was made by somebody else."""
    return any(one.created_by != actor.user_id or _strange(actor, _tags_of(one)) for one in found)


def _forget(actor: Actor, found: Sequence[Figure | LabelObject | Tagging]) -> None:
    for one in found:
        if one.created_by != actor.user_id:
            one.created_by = one.labeler = None
        _forget(actor, _tags_of(one))


def _tags_of(one: Figure | LabelObject | Tagging) -> list[Tagging]:
    return [] if isinstance(one, Tagging) else one.tags
