"""Who sees the labels of an item, and who may change them: by a role on its owner, or because a job has the item.

The rest of this room asks here, and so do its queues. An annotator sees what his jobs hand him; in a blind queue, of
that only the labels that he made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, load
from pinakes.server.errors import DatasetNotFound, MediaNotFound, ProjectNotFound, ScopeTooNarrow
from pinakes.server.labeling import label_checks as checks
from pinakes.server.labeling.label_types import DatasetRight, ItemRight, ProjectRight
from pinakes.server.permissions.service import belongs_to, require, roles_allowing, sight
from pinakes.server.permissions.table import SCOPES, Permission

SQL = load(__package__, "labels.sql")

_TOLD = 20


def reader(actor: Actor) -> dict[str, object]:
    """Return what the queries want to know of who reads."""
    seen = sight(actor)
    return {
        "everything": seen.everything,
        "accounts": seen.accounts,
        "at_work": seen.at_work,
        "worker": seen.worker,
    }


def labeler(actor: Actor) -> dict[str, object]:
    """Return what the queries want to know of who changes labels; by which accounts his roles and jobs let him."""
    carried = Permission.LABEL_WRITE in SCOPES[actor.scope]
    return {
        "labels_all": carried and actor.is_admin and actor.bound_to is None,
        "labelers": _labeling(actor) if carried else [],
        "workplaces": belongs_to(actor) if carried else [],
        "user_id": actor.user_id,
    }


async def visible(tx: Tx, actor: Actor, item_ids: Iterable[int]) -> list[ItemRight]:
    """Return those of some items that an actor sees, in the order asked."""
    ids = checks.ids(item_ids)
    rows = await tx.all(SQL.item_rights, ItemRight, ids=ids, **reader(actor), **labeler(actor))
    found = {row.item_id: row for row in rows}
    return [found[item_id] for item_id in ids if item_id in found]


async def require_reading(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> list[ItemRight]:
    """Return what an actor may do with items.

    Raises:
        MediaNotFound: (details `item_ids`) some don't exist for him.
    """
    rights = await visible(tx, actor, item_ids)
    if len(rights) < len(set(item_ids)):
        seen = {right.item_id for right in rights}
        missing = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in seen]
        raise missing_items(missing)
    return rights


async def require_labeling(tx: Tx, actor: Actor, item_ids: Sequence[int], *, hold: bool = True) -> list[ItemRight]:
    """Return items whose labels an actor may change; others don't change them until the transaction ends.

    Raises:
        MediaNotFound: (details `item_ids`) some don't exist for him.
        Unauthenticated, Forbidden, ScopeTooNarrow: he sees one, but may not label it.
    """
    if hold:
        await tx.run(SQL.hold_items, ids=checks.ids(item_ids))
    rights = await require_reading(tx, actor, item_ids)
    for right in rights:
        if not right.labels:
            require(actor, Permission.LABEL_WRITE, owner_id=right.owner_id, visibility="public", missing=MediaNotFound)
    return rights


async def require_project(tx: Tx, actor: Actor, project_id: int) -> ProjectRight:
    """Return a project of media that an actor reads, or has a job in.

    Raises:
        ProjectNotFound: there is none for him.
    """
    found = None
    if checks.ids([project_id]):
        found = await tx.one(SQL.project_right, ProjectRight, id=project_id, **reader(actor))
    if found is None:
        raise ProjectNotFound(field="project")
    return found


async def require_project_writing(tx: Tx, actor: Actor, project_id: int) -> ProjectRight:
    """Return a project of media whose classes and tags an actor may change; others don't until the transaction ends.

    Raises:
        ProjectNotFound: there is none for him.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not change it.
    """
    found = await require_project(tx, actor, project_id)
    require(
        actor,
        Permission.PROJECT_WRITE,
        owner_id=found.owner_id,
        visibility=found.visibility if found.reads else "public",
        missing=ProjectNotFound,
    )
    if await tx.value(SQL.hold_meta, project_id=project_id) is None:
        raise ProjectNotFound(field="project")
    return found


async def require_dataset(tx: Tx, actor: Actor, dataset_id: int) -> DatasetRight:
    """Return a dataset that an actor reads, or has a job in the project of.

    Raises:
        DatasetNotFound: there is none for him.
    """
    found = await find_dataset(tx, actor, dataset_id)
    if found is None:
        raise DatasetNotFound(field="dataset")
    return found


async def find_dataset(tx: Tx, actor: Actor, dataset_id: int) -> DatasetRight | None:
    """Return the same, or None."""
    if not checks.ids([dataset_id]):
        return None
    return await tx.one(SQL.dataset_right, DatasetRight, id=dataset_id, user_id=actor.user_id, **reader(actor))


def require_scope(actor: Actor) -> None:
    """Raise unless an actor's credential carries labeling, wherever he does it."""
    if Permission.LABEL_WRITE not in SCOPES[actor.scope]:
        message = f"This token's scope is {actor.scope}; labeling needs a wider one."
        raise ScopeTooNarrow(message, details={"permission": Permission.LABEL_WRITE, "scope": actor.scope})


async def video_lengths(tx: Tx, item_ids: Iterable[int]) -> dict[int, int]:
    """Return how many frames those of some items have that are videos of which it is known."""
    ids = checks.ids(item_ids)
    return {row[0]: row[1] for row in await tx.rows(SQL.frames_of_videos, ids=ids)} if ids else {}


async def go_on(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> bool:
    """Let an actor's leases on items begin anew: he works there.

    Returns:
        Whether a queue limits what he may draw on one of them.
    """
    if actor.user_id is None:
        return False
    may = labeler(actor)
    asked = {"labels_all": may["labels_all"], "labelers": may["labelers"], "user_id": actor.user_id}
    return bool(await tx.value(SQL.extend_leases, ids=list(item_ids), **asked))


def missing_items(item_ids: Sequence[int]) -> MediaNotFound:
    """Say which items don't exist."""
    told = ", ".join(str(item_id) for item_id in item_ids[:_TOLD])
    more = f" and {len(item_ids) - _TOLD} more" if len(item_ids) > _TOLD else ""
    return MediaNotFound(f"There is no item {told}{more}.", details={"item_ids": list(item_ids)})


def _labeling(actor: Actor) -> list[int]:
    """Return the accounts in whose projects an actor may label everything."""
    if actor.is_admin and actor.bound_to is not None:
        return [actor.bound_to]
    return roles_allowing(actor, Permission.LABEL_WRITE)
