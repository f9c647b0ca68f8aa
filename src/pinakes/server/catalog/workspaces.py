"""Workspaces: the parts of an account's work. Each account has a first one, which stays."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog import media_checks as checks, projects
from pinakes.server.catalog.media_types import Workspace
from pinakes.server.db import IntegrityError, Tx, load, violated
from pinakes.server.errors import AccountNotFound, Conflict, NameTaken, WorkspaceNotFound
from pinakes.server.events import service as events
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.tasks import defer

SQL = load(__package__, "workspaces.sql")

PURGE_PROJECT = "catalog.purge_project"


async def list_workspaces(tx: Tx, actor: Actor, account_id: int, *, include_hidden: bool = True) -> list[Workspace]:
    """List the workspaces of an account that the actor has a part in, the first one first; of a stranger's, none."""
    ids = checks.some_ids([account_id])
    if not ids:
        return []
    seen = sight(actor)
    found = await tx.all(
        SQL.workspaces_of,
        Workspace,
        account_id=account_id,
        everything=seen.everything,
        accounts=seen.accounts,
        at_work=seen.at_work,
        worker=seen.worker,
    )
    return [workspace for workspace in found if include_hidden or not workspace.hidden]


async def get(tx: Tx, actor: Actor, workspace_id: int) -> Workspace:
    """Return a workspace by its number.

    Raises:
        WorkspaceNotFound: there is none that the actor sees.
    """
    seen = sight(actor)
    found = None
    if checks.some_ids([workspace_id]):
        found = await tx.one(
            SQL.workspace,
            Workspace,
            id=workspace_id,
            everything=seen.everything,
            accounts=seen.accounts,
            at_work=seen.at_work,
            worker=seen.worker,
        )
    if found is None:
        raise WorkspaceNotFound(field="workspace")
    return found


async def first(tx: Tx, actor: Actor, account_id: int) -> Workspace:
    """Return an account's first workspace.

    Raises:
        AccountNotFound: there is no such account, or the actor has no part in it.
    """
    found = None
    if checks.some_ids([account_id]):
        found = await tx.value(SQL.first_workspace, account_id=account_id)
    if found is None:
        raise AccountNotFound(field="account")
    try:
        return await get(tx, actor, found)
    except WorkspaceNotFound as error:
        raise AccountNotFound(field="account") from error


async def create(tx: Tx, actor: Actor, account_id: int, name: str, description: str = "") -> Workspace:
    """Make a workspace of an account.

    Raises:
        AccountNotFound: there is no such account, or the actor has no part in it.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: a name or description that can't be.
        NameTaken: the account has a workspace of that name; `details.errors` says which.
    """
    require(actor, Permission.PROJECT_WRITE, owner_id=account_id, missing=AccountNotFound)
    name = checks.media_name(name)
    description = checks.text(description, "description")
    place = await first(tx, actor, account_id)
    if await tx.value(SQL.keep_workspace, id=place.id) is None:
        raise AccountNotFound(field="account")
    made = await tx.value(
        SQL.create_workspace, account_id=account_id, name=name, description=description, created_by=actor.user_id
    )
    if made is None:
        raise await _taken(tx, account_id, name)
    after = {"workspace": made, "name": name}
    await events.record(tx, actor, "workspace.created", account_id=account_id, after=after)
    return await get(tx, actor, made)


async def update(
    tx: Tx,
    actor: Actor,
    workspace_id: int,
    *,
    name: str | None = None,
    description: str | None = None,
    hidden: bool | None = None,
) -> Workspace:
    """Give a workspace new values; None leaves one as it is.

    Raises:
        WorkspaceNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid, NameTaken: as when one is made.
    """
    former = await _to_change(tx, actor, workspace_id, Permission.PROJECT_WRITE)
    name = None if name is None else checks.media_name(name)
    description = None if description is None else checks.text(description, "description")
    try:
        async with tx.savepoint():
            await tx.run(SQL.update_workspace, id=former.id, name=name, description=description, hidden=hidden)
    except IntegrityError as error:
        if violated(error) != "workspaces_name_taken":
            raise
        raise await _taken(tx, former.account_id, name or former.name) from error
    found = await get(tx, actor, former.id)
    before, after = _facts(former), _facts(found)
    if before != after:
        await events.record(tx, actor, "workspace.updated", account_id=former.account_id, before=before, after=after)
    return found


async def archive(tx: Tx, actor: Actor, workspace_id: int) -> None:
    """Put a workspace away, with all projects in it.

    Raises:
        WorkspaceNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not delete projects there.
        Conflict: it is the account's first one, which stays.
    """
    workspace = await _to_change(tx, actor, workspace_id, Permission.PROJECT_DELETE)
    if workspace.is_first:
        message = f"{workspace.name!r} is the first workspace of {workspace.account}, and stays."
        raise Conflict(message, field="workspace")
    await projects.hold_items_still(tx)
    if await tx.value(SQL.hold_workspace, id=workspace.id) is None:
        raise WorkspaceNotFound(field="workspace")
    for project_id, live in await tx.rows(SQL.projects_in_workspace, id=workspace.id):
        if live:
            await projects.delete_project(tx, actor, project_id)
    await tx.run(SQL.end_workspace, id=workspace.id)
    before = {"workspace": workspace.id, "name": workspace.name}
    await events.record(tx, actor, "workspace.archived", account_id=workspace.account_id, before=before)


async def remove(tx: Tx, actor: Actor, workspace_ids: Sequence[int]) -> None:
    """Remove workspaces for good, with all projects in them; archived ones, too. Doing it again is safe.

    Raises:
        WorkspaceNotFound: one of them is none that the actor sees; none is removed then.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not delete projects there.
        Conflict: one is the account's first.
    """
    for workspace_id in dict.fromkeys(workspace_ids):
        ids = checks.some_ids([workspace_id])
        ended = await tx.value(SQL.ended_workspace, id=workspace_id) if ids else None
        if ended is None:
            await archive(tx, actor, workspace_id)
        else:
            require(actor, Permission.PROJECT_DELETE, owner_id=ended, missing=WorkspaceNotFound)
        for project_id, _ in await tx.rows(SQL.projects_in_workspace, id=workspace_id):
            await defer(tx, PURGE_PROJECT, once=f"{PURGE_PROJECT}:{project_id}", project_id=project_id)


async def _to_change(tx: Tx, actor: Actor, workspace_id: int, permission: Permission) -> Workspace:
    found = await get(tx, actor, workspace_id)
    require(actor, permission, owner_id=found.account_id, missing=WorkspaceNotFound)
    return found


async def _taken(tx: Tx, account_id: int, name: str) -> NameTaken:
    number = await tx.value(SQL.workspace_named, account_id=account_id, name=name)
    message = f"There is a workspace called {name!r} already."
    return NameTaken(message, field="name", details={"errors": [{"name": name, "id": number}]})


def _facts(workspace: Workspace) -> dict[str, object]:
    return {
        "workspace": workspace.id,
        "name": workspace.name,
        "description": workspace.description,
        "hidden": workspace.hidden,
    }
