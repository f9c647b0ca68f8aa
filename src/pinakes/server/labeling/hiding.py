"""Who labeled, kept from those who review it: what a queue's `hide_author` asks for.

Whoever reviews or checks in such a queue, or in jobs without a queue that ask for it, is not told who made the labels
of its items, nor who of the others labels in it, unless he manages the work of the account. What he made is his to see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.labeling.access import SQL
from pinakes.server.labeling.label_types import Annotation, Figure, FigureVersion, HidingQueue, LabelObject, Tagging
from pinakes.server.permissions.table import ROLES, Permission


async def queues(tx: Tx, actor: Actor) -> list[HidingQueue]:
    """Return the queues that keep from an actor who labels in them."""
    if actor.user_id is None or actor.is_admin:
        return []
    accounts = [account for account, role in actor.roles.items() if Permission.QUEUE_MANAGE not in ROLES[role]]
    if not accounts:
        return []
    return await tx.all(SQL.hiding_queues, HidingQueue, user_id=actor.user_id, accounts=accounts)


async def queue_ids(tx: Tx, actor: Actor) -> set[int]:
    """Return the same by their numbers."""
    return {one.queue_id for one in await queues(tx, actor)}


async def items(tx: Tx, hiding: Sequence[HidingQueue], item_ids: Iterable[int]) -> set[int]:
    """Return those of some items that one of these queues was given or gave out."""
    asked = {"queues": [one.queue_id for one in hiding], "ids": list(set(item_ids))}
    return set(await tx.all(SQL.items_of_queues, int, **asked)) if hiding else set()


async def from_annotations(tx: Tx, actor: Actor, found: Collection[Annotation]) -> None:
    """Leave out of annotations who made their labels and tags, where the actor is not to know."""
    if not any(_strange(actor, [*one.figures, *one.objects, *one.tags]) for one in found):
        return
    hidden = await items(tx, await queues(tx, actor), [one.item_id for one in found])
    for one in found:
        if one.item_id in hidden:
            _forget(actor, [*one.figures, *one.objects, *one.tags])


async def from_labels(tx: Tx, actor: Actor, found: Sequence[Figure] | Sequence[LabelObject]) -> None:
    """Leave out of figures or objects, and of their tags, who made them, where the actor is not to know.

    An object that belongs to no item is kept like those of all items of its project.
    """
    if not _strange(actor, found) or not (hiding := await queues(tx, actor)):
        return
    hidden = await items(tx, hiding, [one.item_id for one in found if one.item_id is not None])
    projects = {one.project_id for one in hiding}
    _forget(
        actor, [one for one in found if one.item_id in hidden or (one.item_id is None and one.project_id in projects)]
    )


async def from_tags(tx: Tx, actor: Actor, found: Mapping[int, Sequence[Tagging]]) -> None:
    """Leave out of tags, by the items that they are on, who put them there, where the actor is not to know."""
    if not any(_strange(actor, tags) for tags in found.values()):
        return
    for item_id in await items(tx, await queues(tx, actor), found):
        _forget(actor, found[item_id])


async def from_versions(tx: Tx, actor: Actor, item_id: int, found: Sequence[FigureVersion]) -> list[FigureVersion]:
    """Leave out of what a figure was who made and changed it, where the actor is not to know."""
    if not await items(tx, await queues(tx, actor), [item_id]):
        return list(found)
    return [_version(actor, one) for one in found]


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
