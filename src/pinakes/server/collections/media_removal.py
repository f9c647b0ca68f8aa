"""Removing media: an item that leaves its dataset leaves every selection at once, and can be brought back.

A selection that loses items gets a revision and an event of its own, so that what it was can be read and its count
stays exact. Whatever a selection's checks say: what no longer exists can't stay in it.

Locks are taken in one order: that on all items (`hold_still`), then the items', the datasets' and the selections', each
by number. Queues follow by triggers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, media, media_projects
from pinakes.server.catalog.service import hold_still
from pinakes.server.collections.change import NAMED_IN_EVENT, author
from pinakes.server.collections.rules import fields
from pinakes.server.collections.selection_types import MediaRow, ProjectOf, Removed
from pinakes.server.db import IntegrityError, Tx, load, violated
from pinakes.server.errors import Conflict, Forbidden, ItemNotFound, NameTaken
from pinakes.server.events.service import record
from pinakes.server.permissions.service import require, roles_allowing, sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "removal.sql")

_LAST_ID = 2**31 - 1


async def remove_items(tx: Tx, actor: Actor, item_ids: Sequence[int], *, reason: str | None = None) -> Removed:
    """Put items of media into the trash: gone from their datasets and from every selection, and so from every queue.

    What does not exist or can't be seen is in `missing`.

    Raises:
        Forbidden, ScopeTooNarrow, Unauthenticated: the actor may not change a project that one of them is in, or sees
            one only because he works on it (`details.items` says which); then nothing is removed.
    """
    why = fields.reason(reason)
    wanted = list(dict.fromkeys(item_ids))
    await tx.patiently_for(len(wanted))
    await hold_still(tx)
    seen = sight(actor)
    asked = {"items": _possible(wanted), "everything": seen.everything, "accounts": seen.accounts}
    rows = await tx.all(SQL.media_among, MediaRow, **asked)
    await _refuse_work(tx, actor, wanted, rows)
    projects = await _projects(tx, actor, rows, Permission.PROJECT_WRITE)
    emptied = await _remove(tx, actor, rows, why)
    await _tell(tx, actor, projects, rows, "media.removed", why)
    return _removed(wanted, rows, emptied)


async def remove_dataset(
    tx: Tx, actor: Actor, dataset_id: int, *, hard: bool = False, reason: str | None = None
) -> Removed:
    """Delete a dataset with all that are nested in it; their items go into the trash or, with `hard`, for good.

    Raises:
        DatasetNotFound: there is no such dataset that the actor sees.
        Forbidden, ScopeTooNarrow, Unauthenticated: he may not change its project.
    """
    why = fields.reason(reason)
    await tx.patiently()
    await hold_still(tx)
    possible = 0 < dataset_id <= _LAST_ID
    below = await tx.all(datasets.SQL.dataset_subtree, int, id=dataset_id) if possible else []
    if hard:
        items = sorted(await datasets.remove(tx, actor, [dataset_id]))
        return Removed(items, [], await _empty(tx, actor, items, why), sorted(below))
    found = await datasets.get(tx, actor, dataset_id)
    items = await datasets.mark_removed(tx, actor, dataset_id)
    emptied = await _empty(tx, actor, items, why)
    before = {"dataset": found.id, "name": found.name, "datasets": len(below), "count": len(items)}
    await record(
        tx,
        actor,
        "dataset.removed",
        account_id=found.owner_id,
        item_id=found.project_id,
        before=before,
        reason=why,
    )
    return Removed(items, [], emptied, sorted(below))


async def remove_project(tx: Tx, actor: Actor, project_id: int, *, hard: bool = False) -> None:
    """Delete a project of media with its datasets, items and selections; with `hard`, for good.

    Raises:
        ProjectNotFound, Forbidden, RegistryHolds: see `catalog.media_projects.archive` and `remove`.
    """
    await tx.patiently()
    if hard:
        await media_projects.remove(tx, actor, [project_id])
    else:
        await media_projects.archive(tx, actor, project_id)


async def restore_items(tx: Tx, actor: Actor, item_ids: Sequence[int], *, reason: str | None = None) -> Removed:
    """Bring items of media back from the trash, into their datasets and the queues of those.

    A selection takes them again where somebody adds them, or brings a revision of it back.

    Raises:
        Forbidden, ScopeTooNarrow, Unauthenticated: the actor may not change a project that one of them is in.
        Conflict: a dataset, or the project, of one of them was deleted too.
        NameTaken: another item has the name of one; `details["errors"]` says which.
    """
    why = fields.reason(reason)
    wanted = list(dict.fromkeys(item_ids))
    await tx.patiently_for(len(wanted))
    await hold_still(tx)
    rows = await _trashed(tx, actor, wanted)
    if await tx.value(SQL.datasets_gone, datasets=_datasets(rows)):
        message = "What it belongs to, its dataset or its project, was deleted too."
        raise Conflict(message, field="items")
    projects = await _projects(tx, actor, rows, Permission.PROJECT_WRITE)
    items = [row.id for row in rows]
    if items:
        try:
            async with tx.savepoint():
                await tx.all(datasets.SQL.hold_datasets, int, ids=_datasets(rows))
                await tx.run(media.SQL.bring_back_media, ids=items)
        except IntegrityError as error:
            if violated(error) != "items_name_taken":
                raise
            raise await _clash(tx, items) from error
    await _tell(tx, actor, projects, rows, "media.restored", why)
    return _removed(wanted, rows, 0)


async def purge_items(tx: Tx, actor: Actor, item_ids: Sequence[int], *, reason: str | None = None) -> Removed:
    """Forget items of media in the trash for good, with their labels; their files go when nothing has them any more.

    What is not in a trash that the actor may look through is in `missing`; so is what belongs to a project that was
    deleted, which goes with it.

    Raises:
        Forbidden, ScopeTooNarrow, Unauthenticated: the actor is not an admin of a project that one of them is in; then
            nothing is forgotten.
    """
    why = fields.reason(reason)
    wanted = list(dict.fromkeys(item_ids))
    await tx.patiently_for(len(wanted))
    found = await _trashed(tx, actor, wanted)
    projects = await _projects(tx, actor, found, Permission.PROJECT_DELETE)
    rows = [row for row in found if row.project_id in projects]
    if rows:
        await tx.run(media.SQL.purge_media, ids=[row.id for row in rows])
    await _tell(tx, actor, projects, rows, "media.purged", why)
    return _removed(wanted, rows, 0)


async def _refuse_work(tx: Tx, actor: Actor, wanted: Sequence[int], rows: Sequence[MediaRow]) -> None:
    """Refuse items that somebody sees only because he works on them: removing them is not his to do."""
    seen, found = sight(actor), {row.id for row in rows}
    others = [item for item in _possible(wanted) if item not in found]
    if not others or not seen.at_work:
        return
    if items := await tx.all(SQL.worked_on, int, items=others, at_work=seen.at_work, worker=seen.worker):
        message = f"You see item {items[0]} because you work on it; removing it is not yours to do."
        details = {"permission": Permission.PROJECT_WRITE, "items": items[:NAMED_IN_EVENT]}
        raise Forbidden(message, details=details)


async def _remove(tx: Tx, actor: Actor, rows: Sequence[MediaRow], why: str | None) -> int:
    """Mark items as deleted and take them out of selections; return how many selections lost some."""
    items = [row.id for row in rows]
    if not items:
        return 0
    await tx.all(datasets.SQL.hold_datasets, int, ids=_datasets(rows))
    await tx.run(media.SQL.end_media, ids=items, actor_id=actor.user_id)
    return await _empty(tx, actor, items, why)


async def _empty(tx: Tx, actor: Actor, items: Sequence[int], why: str | None) -> int:
    """Take removed items out of the selections that hold them; return how many selections those are."""
    holding = await tx.all(SQL.hold_holding, int, items=list(items)) if items else []
    if not holding:
        return 0
    asked = {"collections": holding, "items": list(items), "named": NAMED_IN_EVENT, "reason": why}
    return await tx.value(SQL.empty_of, **asked, **author(actor))


async def _trashed(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> list[MediaRow]:
    """Return items in the trashes that an actor may look through, locked."""
    asked = {"everything": sight(actor).everything, "accounts": roles_allowing(actor, Permission.COLLECTION_RESTORE)}
    return await tx.all(SQL.trashed_among, MediaRow, items=_possible(item_ids), **asked)


async def _projects(tx: Tx, actor: Actor, rows: Sequence[MediaRow], permission: Permission) -> dict[int, ProjectOf]:
    """Return the projects of some items, having asked whether the actor may change each."""
    numbers = sorted({row.project_id for row in rows})
    found = await tx.all(SQL.projects_among, ProjectOf, projects=numbers) if numbers else []
    for project in found:
        require(actor, permission, owner_id=project.owner_id, visibility=project.visibility, missing=ItemNotFound)
    return {project.id: project for project in found}


async def _tell(
    tx: Tx,
    actor: Actor,
    projects: dict[int, ProjectOf],
    rows: Sequence[MediaRow],
    verb: str,
    why: str | None,
) -> None:
    """Record what was done to items: one event for each project, with the first hundred items."""
    for project in projects.values():
        of_it = [row for row in rows if row.project_id == project.id]
        told: dict[str, object] = {
            "count": len(of_it),
            "items": [row.id for row in of_it[:NAMED_IN_EVENT]],
            "datasets": _datasets(of_it)[:NAMED_IN_EVENT],
        }
        back = verb == "media.restored"
        await record(
            tx,
            actor,
            verb,
            account_id=project.owner_id,
            item_id=project.id,
            before=None if back else told,
            after=told if back else None,
            reason=why,
        )


async def _clash(tx: Tx, items: Sequence[int]) -> NameTaken:
    rows = await tx.rows(SQL.clashing, items=list(items))
    named = [{"name": name, "id": number} for name, number in rows]
    message = f"{len(named)} of these items have names that others in their datasets have now; rename those first."
    return NameTaken(message, field="name", details={"errors": named})


def _removed(wanted: Sequence[int], rows: Sequence[MediaRow], emptied: int) -> Removed:
    items = [row.id for row in rows]
    found = set(items)
    return Removed(items, [item for item in wanted if item not in found], emptied, _datasets(rows))


def _datasets(rows: Iterable[MediaRow]) -> list[int]:
    return sorted({row.dataset_id for row in rows})


def _possible(item_ids: Iterable[int]) -> list[int]:
    return [item for item in item_ids if 0 < item <= _LAST_ID]
