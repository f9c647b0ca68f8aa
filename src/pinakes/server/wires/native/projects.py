"""Workspaces and projects over the native API.

A project has runs and artifacts, and media where it has a data type. It is addressed by its number, or, in its owner's
first workspace, by `{owner}/{project}`. All below `/api/v1`; the types are those of `pinakes.api.releases`, `.media`.

| route | body → answer |
| --- | --- |
| GET /workspaces `?account` | → Page[Workspace], one's own without an account |
| POST /workspaces | CreateWorkspace → 201 Workspace |
| GET, PATCH, DELETE /workspaces/{workspace} | → Workspace; UpdateWorkspace → Workspace; → 204, with its projects |
| GET /projects `?owner&workspace&data_type&media&limit&cursor` | → Page[Project] that one may see, newest first |
| POST /projects | CreateProject → 201 Project; one of runs that is there already is answered as it is |
| GET, PATCH, DELETE /projects/{number} | → Project; UpdateMediaProject → Project; → 204 |
| GET, PATCH, DELETE /projects/{owner}/{project} | → Project; UpdateProject → Project; → 204 |
| GET /selections `?project&q&searches&sort&descending&limit&cursor` | → Page[Selection] of a project |
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response

from pinakes.api import collections as collections_api, media as media_api, releases as api
from pinakes.api.common import MAX_INT4, STORABLE, AccountName, Page
from pinakes.server.actor import Actor
from pinakes.server.catalog import media_projects, projects, workspaces
from pinakes.server.catalog.media_types import MediaProject, MediaProjectChanges
from pinakes.server.catalog.types import Project, ProjectChanges
from pinakes.server.collections import media_removal, selections
from pinakes.server.db import Tx
from pinakes.server.people import service as people
from pinakes.server.permissions.service import require_sign_in
from pinakes.server.wires.native import _media as show, _releases, encode
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native._media import Descending, NeededProject
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router

router = make_router("projects")

Owner = Annotated[str, Path(description="The owner's name: a user, a team or an organization.")]
ProjectName = Annotated[str, Path(alias="project", description="The project's name; case does not matter.")]
Number = Annotated[int, Path(alias="number", ge=1, le=MAX_INT4, description="The project's number.")]
WorkspacePath = Annotated[int, Path(alias="workspace", ge=1, le=MAX_INT4, description="The workspace's number.")]
Words = Annotated[str, STORABLE, Query(max_length=500, pattern=r"^[^\u0000]*$", description="In the name.")]

_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}


# ----------------------------------------------------------------------------------------------------------------------
# Workspaces
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/workspaces", response_model=Page[media_api.Workspace])
async def list_workspaces(
    state: Here, actor: By, account: Annotated[AccountName | None, Query(description="Whose.")] = None
) -> Response:
    """List an account's workspaces; without an account, one's own."""
    async with state.db.reading() as tx:
        owner = await _account(tx, actor, account)
        found = await workspaces.list_workspaces(tx, actor, owner)
    return encode.answer({"rows": [show.workspace(each, actor) for each in found], "next": None})


@router.post("/workspaces", status_code=201, response_model=media_api.Workspace, responses=_CONFLICT)
async def create_workspace(change: Changing, wanted: media_api.CreateWorkspace) -> Response:
    """Make a workspace. A name that is taken: 409."""

    async def work(tx: Tx) -> Response:
        owner = await _account(tx, change.actor, wanted.account)
        made = await workspaces.create(tx, change.actor, owner, wanted.name, wanted.description)
        return encode.answer(show.workspace(made, change.actor), status=201)

    return await change.write(work)


async def _account(tx: Tx, actor: Actor, name: str | None) -> int:
    """Return the number of an account, or of one's own."""
    return (await people.account(tx, name)).id if name is not None else require_sign_in(actor)


@router.get("/workspaces/{workspace}", response_model=media_api.Workspace)
async def get_workspace(state: Here, actor: By, workspace: WorkspacePath) -> Response:
    """Show a workspace."""
    async with state.db.reading() as tx:
        return encode.answer(show.workspace(await workspaces.get(tx, actor, workspace), actor))


@router.patch("/workspaces/{workspace}", response_model=media_api.Workspace, responses=_CONFLICT)
async def update_workspace(change: Changing, workspace: WorkspacePath, wanted: media_api.UpdateWorkspace) -> Response:
    """Change a workspace."""

    async def work(tx: Tx) -> Response:
        changed = await workspaces.update(
            tx,
            change.actor,
            workspace,
            name=wanted.name,
            description=wanted.description,
            hidden=wanted.hidden,
        )
        return encode.answer(show.workspace(changed, change.actor))

    return await change.write(work)


@router.delete("/workspaces/{workspace}", **_NO_CONTENT)
async def delete_workspace(change: Changing, workspace: WorkspacePath) -> Response:
    """Take a workspace away; the first one of an account stays."""

    async def work(tx: Tx) -> Response:
        await workspaces.archive(tx, change.actor, workspace)
        return encode.empty()

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# Projects
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/projects", response_model=Page[api.Project])
async def list_projects(
    state: Here,
    actor: By,
    owner: Annotated[AccountName | None, Query(description="Only those of this account.")] = None,
    workspace: Annotated[int | None, Query(ge=1, le=MAX_INT4, description="Only those of this workspace.")] = None,
    data_type: Annotated[media_api.DataType | None, Query(description="Only those of these media.")] = None,
    media: Annotated[bool, Query(description="Only those of media.")] = False,  # noqa: FBT002 - of the query
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the projects that one may see, newest first."""
    async with state.db.reading() as tx:
        if media or workspace is not None or data_type is not None:
            return await _media_projects(tx, actor, owner, workspace, data_type, limit, cursor)
        page = await projects.list_projects(tx, actor, owner, by_number=True, limit=limit, cursor=cursor)
        known = {one.id: one for one in await media_projects.get_many(tx, actor, [row.id for row in page.rows])}
    rows = [show.project(row, actor, known.get(row.id)) for row in page.rows]
    return encode.answer({"rows": rows, "next": page.next})


async def _media_projects(
    tx: Tx,
    actor: Actor,
    owner: str | None,
    workspace: int | None,
    data_type: str | None,
    limit: int,
    cursor: str | None,
) -> Response:
    account = None if owner is None else (await people.account(tx, owner)).id
    offset = show.offset_of(cursor)
    rows, total = await media_projects.page(
        tx,
        actor,
        workspace_id=workspace,
        account_id=account,
        data_type=data_type,
        descending=True,
        limit=limit,
        offset=offset,
    )
    encoded = [show.project(row, actor) for row in rows]
    return encode.answer({"rows": encoded, "next": show.next_offset(offset, rows, total)})


@router.post("/projects", status_code=201, response_model=api.Project, responses=_CONFLICT)
async def create_project(change: Changing, wanted: api.CreateProject) -> Response:
    """Make a project, private at first. One of runs that is there already is answered as it is; of media: 409."""
    require_sign_in(change.actor)

    async def work(tx: Tx) -> Response:
        with _releases.spelled(project="name"):
            made = await (_make(tx, change.actor, wanted) if wanted.data_type else _ensure(tx, change.actor, wanted))
        return encode.answer(show.project(made, change.actor), status=201)

    return await change.write(work)


async def _ensure(tx: Tx, actor: Actor, wanted: api.CreateProject) -> Project:
    owner = await people.account(tx, wanted.owner or actor.name)
    made = await projects.ensure_project(tx, actor, owner, wanted.name)
    if wanted.description and not made.description:
        changes = ProjectChanges(description=wanted.description)
        made = await projects.update_project(tx, actor, made.id, changes)
    return made


async def _make(tx: Tx, actor: Actor, wanted: api.CreateProject) -> MediaProject:
    place = wanted.workspace
    if place is None:
        owner = await people.account(tx, wanted.owner or actor.name)
        place = (await workspaces.first(tx, actor, owner.id)).id
    return await media_projects.create(
        tx,
        actor,
        place,
        wanted.name,
        wanted.data_type or "",
        description=wanted.description,
        readme=wanted.readme,
        custom_data=wanted.custom_data,
    )


async def _media_of(tx: Tx, actor: Actor, number: int) -> MediaProject | None:
    """Return a project of media; None for one of runs, and for none."""
    found = await media_projects.get_many(tx, actor, [number])
    return found[0] if found else None


@router.get("/projects/{number}", response_model=api.Project)
async def get_project_by_number(state: Here, actor: By, number: Number) -> Response:
    """Show a project."""
    async with state.db.reading() as tx:
        found = await _media_of(tx, actor, number) or await projects.project_by_id(tx, actor, number)
    return encode.answer(show.project(found, actor))


@router.patch("/projects/{number}", response_model=api.Project, responses=_CONFLICT)
async def update_project_by_number(change: Changing, number: Number, wanted: api.UpdateMediaProject) -> Response:
    """Change a project; all that is in it follows its visibility."""

    async def work(tx: Tx) -> Response:
        return encode.answer(show.project(await _update(tx, change.actor, number, wanted), change.actor))

    return await change.write(work)


async def _update(
    tx: Tx, actor: Actor, number: int, wanted: api.UpdateProject | api.UpdateMediaProject
) -> Project | MediaProject:
    more = wanted if isinstance(wanted, api.UpdateMediaProject) else api.UpdateMediaProject()
    if await _media_of(tx, actor, number) is None:
        plain = ProjectChanges(name=wanted.name, description=wanted.description, visibility=wanted.visibility)
        return await projects.update_project(tx, actor, number, plain)
    changes = MediaProjectChanges(
        name=wanted.name,
        description=wanted.description,
        visibility=wanted.visibility,
        readme=more.readme,
        settings=more.settings,
        custom_data=more.custom_data,
    )
    changed = await media_projects.update(tx, actor, number, changes)
    if more.workspace is not None and more.workspace != changed.workspace_id:
        changed = await media_projects.move(tx, actor, number, more.workspace)
    return changed


@router.delete("/projects/{number}", **_NO_CONTENT)
async def delete_project_by_number(change: Changing, number: Number) -> Response:
    """Delete a project with all that is in it; 409, with the holders, while a registry holds a version of it."""

    async def work(tx: Tx) -> Response:
        await _delete(tx, change.actor, number)
        return encode.empty()

    return await change.write(work)


async def _delete(tx: Tx, actor: Actor, number: int) -> None:
    if await _media_of(tx, actor, number) is None:
        await projects.delete_project(tx, actor, number)
    else:
        await media_removal.remove_project(tx, actor, number)


@router.get("/projects/{owner}/{project}", response_model=api.Project)
async def get_project(state: Here, actor: By, owner: Owner, project: ProjectName) -> Response:
    """Show a project, by its name or a former one."""
    async with state.db.reading() as tx:
        found = await projects.get_project(tx, actor, owner, project)
        return encode.answer(show.project(found, actor, await _media_of(tx, actor, found.id)))


@router.patch("/projects/{owner}/{project}", response_model=api.Project, responses=_CONFLICT)
async def update_project(
    state: Here, actor: By, owner: Owner, project: ProjectName, wanted: api.UpdateProject
) -> Response:
    """Change a project."""
    async with state.db.transaction() as tx:
        found = await projects.get_project(tx, actor, owner, project)
        return encode.answer(show.project(await _update(tx, actor, found.id, wanted), actor))


@router.delete("/projects/{owner}/{project}", **_NO_CONTENT)
async def delete_project(change: Changing, owner: Owner, project: ProjectName) -> Response:
    """Delete a project with all that is in it; 409, with the holders, while a registry holds a version of it."""

    async def work(tx: Tx) -> Response:
        found = await projects.get_project(tx, change.actor, owner, project)
        await _delete(tx, change.actor, found.id)
        return encode.empty()

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# Selections
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/selections", response_model=Page[collections_api.Selection])
async def list_selections(
    state: Here,
    actor: By,
    project: NeededProject,
    q: Words | None = None,
    searches: Annotated[
        bool | None, Query(description="Only those whose scores come from a search, or only the others.")
    ] = None,
    sort: Literal["id", "name", "created_at", "updated_at", "entry_count"] = "id",
    descending: Descending = False,  # noqa: FBT002 - of the query
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the selections of a project; each is a collection, with all that can be done with one."""
    offset = show.offset_of(cursor)
    async with state.db.reading() as tx:
        found = await selections.page(
            tx,
            actor,
            project,
            searches=searches,
            text=q or None,
            sort=sort,
            descending=descending,
            limit=limit,
            offset=offset,
        )
    rows = [_selection(row, actor) for row in found.rows]
    return encode.answer({"rows": rows, "next": show.next_offset(offset, found.rows, found.total)})


def _selection(row: selections.Selection, actor: Actor) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "item_id": row.id,
        "project": row.project_id,
        "name": row.name,
        "slug": row.slug,
        "owner": row.owner,
        "description": row.description,
        "data_type": row.data_type,
        "search_key": row.search_key,
        "tags": row.tags,
        "visibility": row.visibility,
        "revision": row.revision,
        "entry_count": row.entry_count,
        "is_live": row.is_live,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "can": show.can(actor, row.owner_id, row.visibility, "collection:"),
    }
