"""Projects of media: made in a workspace for one type of data, listed, changed, moved and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog import media_checks as checks, projects, workspaces
from pinakes.server.catalog.media_types import MediaProject, MediaProjectChanges
from pinakes.server.catalog.types import ProjectChanges
from pinakes.server.db import IntegrityError, Part, Tx, json, load, violated
from pinakes.server.errors import Conflict, Invalid, NameTaken, ProjectNotFound, WorkspaceNotFound
from pinakes.server.events import service as events
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.tasks import defer

SQL = load(__package__, "media_projects.sql")

_ORDERS = {
    ("id", False): Part("i.id"),
    ("id", True): Part("i.id desc"),
    ("name", False): Part("i.name, i.id"),
    ("name", True): Part("i.name desc, i.id desc"),
    ("created_at", False): Part("i.created_at, i.id"),
    ("created_at", True): Part("i.created_at desc, i.id desc"),
    ("updated_at", False): Part("i.updated_at, i.id"),
    ("updated_at", True): Part("i.updated_at desc, i.id desc"),
}


async def create(
    tx: Tx,
    actor: Actor,
    workspace_id: int,
    name: str,
    data_type: str,
    *,
    description: str = "",
    readme: str = "",
    settings: Mapping[str, object] | None = None,
    custom_data: Mapping[str, object] | None = None,
) -> MediaProject:
    """Make a project of media in a workspace; it is private.

    Raises:
        WorkspaceNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: a value can't be.
        NameTaken: the workspace has a project of that name; `details.errors` says which.
    """
    workspace = await workspaces.get(tx, actor, workspace_id)
    require(actor, Permission.PROJECT_WRITE, owner_id=workspace.account_id, missing=WorkspaceNotFound)
    name = checks.media_name(name)
    values = {
        "data_type": checks.data_type(data_type),
        "description": checks.text(description, "description"),
        "readme": checks.text(readme, "readme", checks.LONGEST_README),
        "settings": json(checks.plain_json(settings or {}, "settings")),
        "custom_data": json(checks.plain_json(custom_data or {}, "custom_data")),
    }
    if await tx.value(workspaces.SQL.keep_workspace, id=workspace.id) is None:
        raise WorkspaceNotFound(field="workspace")
    made = await tx.value(
        SQL.create_media_project, workspace_id=workspace.id, name=name, created_by=actor.user_id, **values
    )
    if made is None:
        raise await _taken(tx, workspace.id, name)
    after = {"kind": "project", "visibility": "private", "data_type": data_type, "workspace": workspace.id}
    await events.record(tx, actor, "item.created", account_id=workspace.account_id, item_id=made, after=after)
    return await get(tx, actor, made)


async def get(tx: Tx, actor: Actor, project_id: int) -> MediaProject:
    """Return a project of media by its number.

    Raises:
        ProjectNotFound: there is none that the actor sees.
    """
    found = await get_many(tx, actor, [project_id])
    if not found:
        raise ProjectNotFound(field="project")
    return found[0]


async def get_many(tx: Tx, actor: Actor, ids: Sequence[int]) -> list[MediaProject]:
    """Return projects of media by their numbers, in that order; those that the actor sees."""
    seen = sight(actor)
    return await tx.all(
        SQL.media_projects,
        MediaProject,
        ids=checks.some_ids(ids),
        everything=seen.everything,
        accounts=seen.accounts,
        at_work=seen.at_work,
        worker=seen.worker,
    )


async def page(
    tx: Tx,
    actor: Actor,
    *,
    workspace_id: int | None = None,
    account_id: int | None = None,
    ids: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    data_type: str | None = None,
    sort: str = "id",
    descending: bool = False,
    limit: int = 500,
    offset: int = 0,
) -> tuple[list[MediaProject], int]:
    """Return a page of the projects of media that the actor sees, and how many there are in all; None means: any.

    Raises:
        Invalid: (fields `sort`, `limit`, `offset`) there is no such order or page.
    """
    checks.window(limit, offset)
    order = _ORDERS.get((sort, descending))
    if order is None:
        message = "Projects are sorted by id, name, created_at or updated_at."
        raise Invalid(message, field="sort")
    places = [place for place in (workspace_id, account_id) if place is not None]
    if len(checks.some_ids(places)) < len(places):
        return [], 0
    seen = sight(actor)
    asked = {
        "workspace_id": workspace_id,
        "account_id": account_id,
        "ids": None if ids is None else checks.some_ids(ids),
        "names": checks.texts(names),
        "data_type": data_type,
        "everything": seen.everything,
        "accounts": seen.accounts,
        "at_work": seen.at_work,
        "worker": seen.worker,
    }
    total = await tx.value(SQL.count_media_projects, **asked)
    found = await tx.all(SQL.media_project_ids.with_parts(order=order), int, limit=limit, offset=offset, **asked)
    return await get_many(tx, actor, found), int(total)


async def update(tx: Tx, actor: Actor, project_id: int, changes: MediaProjectChanges) -> MediaProject:
    """Give a project of media new values.

    Raises:
        ProjectNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it; another name is for admins.
        Invalid: a value can't be.
        Conflict: it has items, so that its type of data stays.
        NameTaken: its workspace has a project of that name; `details.errors` says which.
    """
    project = await get(tx, actor, project_id)
    _require(actor, Permission.PROJECT_WRITE, project)
    values = _values(changes)
    name = None if changes.name is None else checks.media_name(changes.name)
    if changes.visibility is not None:
        await projects.update_project(tx, actor, project.id, ProjectChanges(visibility=changes.visibility))
    if name not in {None, project.name}:
        _require(actor, Permission.ITEM_MOVE, project)
    if await tx.value(projects.SQL.hold_project_to_end, id=project.id) is None:
        raise ProjectNotFound(field="project")
    await _check_type(tx, project, changes.data_type)
    if name is not None and name != project.name:
        await _rename(tx, actor, project, name)
    if any(value is not None for value in values.values()):
        await tx.run(SQL.update_media_project, id=project.id, **values)
        await tx.run(projects.ITEMS.touch_item, id=project.id, title=None, visibility=None)
        after = {"fields": sorted(key for key, value in values.items() if value is not None)}
        await events.record(tx, actor, "project.updated", account_id=project.owner_id, item_id=project.id, after=after)
    return await get(tx, actor, project.id)


async def move(tx: Tx, actor: Actor, project_id: int, workspace_id: int) -> MediaProject:
    """Put a project into another workspace of its account.

    Raises:
        ProjectNotFound, WorkspaceNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not move it.
        Invalid: (field `workspace`) that workspace is another account's.
        NameTaken: that workspace has a project of that name; `details.errors` says which.
    """
    project = await get(tx, actor, project_id)
    _require(actor, Permission.ITEM_MOVE, project)
    workspace = await workspaces.get(tx, actor, workspace_id)
    if workspace.account_id != project.owner_id:
        message = f"A project stays with {project.owner}, and that workspace is one of {workspace.account}."
        raise Invalid(message, field="workspace")
    if await tx.value(workspaces.SQL.keep_workspace, id=workspace.id) is None:
        raise WorkspaceNotFound(field="workspace")
    if await tx.value(projects.SQL.hold_project_to_end, id=project.id) is None:
        raise ProjectNotFound(field="project")
    if workspace.id == project.workspace_id:
        return project
    try:
        async with tx.savepoint():
            await tx.run(SQL.move_media_project, id=project.id, workspace_id=workspace.id)
    except IntegrityError as error:
        if violated(error) != "items_name_taken":
            raise
        raise await _taken(tx, workspace.id, project.name) from error
    await events.record(
        tx,
        actor,
        "project.moved",
        account_id=project.owner_id,
        item_id=project.id,
        before={"workspace": project.workspace_id},
        after={"workspace": workspace.id},
    )
    return await get(tx, actor, project.id)


async def archive(tx: Tx, actor: Actor, project_id: int) -> None:
    """Put a project into the trash, with all that is in it.

    Raises:
        ProjectNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not delete it.
        RegistryHolds: a registry that lets nothing go holds versions of it.
    """
    project = await get(tx, actor, project_id)
    await projects.delete_project(tx, actor, project.id)


async def remove(tx: Tx, actor: Actor, project_ids: Sequence[int]) -> None:
    """Remove projects for good, with all that is in them; archived ones, too. Doing it again is safe.

    Raises:
        ProjectNotFound: one of them is none that the actor sees; none is removed then.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not delete one of them.
        RegistryHolds: a registry that lets nothing go holds versions of one.
    """
    wanted = list(dict.fromkeys(project_ids))
    found = await tx.rows(SQL.purgeable_projects, ids=checks.some_ids(wanted))
    if len(found) < len(wanted):
        raise ProjectNotFound(field="project")
    for _, owner_id, visibility, live in found:
        shown = visibility if live else "private"
        require(actor, Permission.PROJECT_DELETE, owner_id=owner_id, visibility=shown, missing=ProjectNotFound)
    for project_id, owner_id, _, live in found:
        if live:
            await projects.delete_project(tx, actor, project_id)
        await defer(
            tx, workspaces.PURGE_PROJECT, once=f"{workspaces.PURGE_PROJECT}:{project_id}", project_id=project_id
        )
        await events.record(tx, actor, "project.removed", account_id=owner_id, item_id=project_id)


async def hold(tx: Tx, project_id: int) -> None:
    """Keep a project from being deleted until the transaction ends; ProjectNotFound when it is gone."""
    await projects.hold_project(tx, project_id)


def _values(changes: MediaProjectChanges) -> dict[str, object]:
    """Return what changes of a project write into its row, checked; None leaves a value as it is."""
    settings, custom_data = changes.settings, changes.custom_data
    return {
        "description": None if changes.description is None else checks.text(changes.description, "description"),
        "readme": None if changes.readme is None else checks.text(changes.readme, "readme", checks.LONGEST_README),
        "settings": None if settings is None else json(checks.plain_json(settings, "settings")),
        "custom_data": None if custom_data is None else json(checks.plain_json(custom_data, "custom_data")),
        "data_type": None if changes.data_type is None else checks.data_type(changes.data_type),
    }


async def _check_type(tx: Tx, project: MediaProject, data_type: str | None) -> None:
    if data_type in {None, project.data_type}:
        return
    if await tx.value(SQL.has_media, id=project.id):
        message = f"The project has items, so it stays one of {project.data_type}."
        raise Conflict(message, field="data_type")


async def _rename(tx: Tx, actor: Actor, project: MediaProject, name: str) -> None:
    try:
        await projects.rename(tx, actor, await projects.project_by_id(tx, actor, project.id), name)
    except NameTaken as error:
        raise await _taken(tx, project.workspace_id, name) from error


async def _taken(tx: Tx, workspace_id: int, name: str) -> NameTaken:
    number = await tx.value(SQL.project_in_the_way, workspace_id=workspace_id, name=name)
    message = f"There is a project called {name!r} in this workspace already."
    return NameTaken(message, field="name", details={"errors": [{"name": name, "id": number}]})


def _require(actor: Actor, permission: Permission, project: MediaProject) -> None:
    require(
        actor,
        permission,
        owner_id=project.owner_id,
        visibility=project.visibility,
        seen=True,
    )
