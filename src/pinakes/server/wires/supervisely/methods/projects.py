"""Projects of media."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pinakes.server.catalog import datasets, media_projects
from pinakes.server.catalog.media_types import MediaProject, MediaProjectChanges
from pinakes.server.collections import media_removal
from pinakes.server.errors import Invalid, ProjectNotFound
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.encode import BACKUP, Json, project_of
from pinakes.server.wires.supervisely.lists import Listing, page_of
from pinakes.server.wires.supervisely.values import OK, Id, envelope

METHODS = Methods()

# The length of a page where the client does not say it; it goes on until it has all.
PER_PAGE = 500
# A list that is filtered by other fields than names and ids is read whole, up to so many.
_MOST = 10_000
# The orders that the catalog knows, by the names of the fields here.
SORTS = {"id": "id", "name": "name", "createdAt": "created_at", "updatedAt": "updated_at"}


class NewProject(Form):
    """A new project."""

    name: str
    workspace_id: Id
    type: str | None = "images"
    description: str | None = None
    readme: str | None = None
    settings: dict[str, Any] | None = None
    custom_data: dict[str, Any] | None = None


class OfWorkspace(Listing):
    """A list of the projects of a workspace, or of a team (`groupId`)."""

    workspace_id: Id | None = None
    group_id: Id | None = None


class OtherFacts(Form):
    """Changes of a project; whether what people search for is computed from images is none of ours."""

    id: Id
    name: str | None = None
    description: str | None = None
    readme: str | None = None
    custom_data: dict[str, Any] | None = None
    type: str | None = None


class OtherSettings(Form):
    """Changes of a project's settings."""

    id: Id
    settings: dict[str, Any]


class OtherWorkspace(Form):
    """Another workspace for a project."""

    id: Id
    workspace_id: Id


class Leaving(Form):
    """A project to remove; with an address of its data, the data alone."""

    id: Id
    archive_url: str | None = None
    annotations_archive_url: str | None = None


class Several(Form):
    """Several projects to remove."""

    projects: list[Leaving]


@METHODS.change("projects.add", NewProject)
async def add(ctx: Context, asked: NewProject) -> object:
    """Make a project."""
    return project_of(
        ctx,
        await media_projects.create(
            ctx.tx,
            ctx.actor,
            asked.workspace_id,
            asked.name,
            asked.type or "images",
            description=asked.description or "",
            readme=asked.readme or "",
            settings=_settings(asked.settings),
            custom_data=asked.custom_data,
        ),
    )


@METHODS.read("projects.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a project."""
    return project_of(ctx, await media_projects.get(ctx.tx, ctx.actor, asked.id))


@METHODS.read("projects.list", OfWorkspace)
async def projects(ctx: Context, asked: OfWorkspace) -> object:
    """List the projects of a workspace or a team."""
    if asked.workspace_id is None and asked.group_id is None:
        message = "Say workspaceId or groupId."
        raise Invalid(message, field="workspaceId")
    return await _page(ctx, asked, asked.workspace_id, asked.group_id)


@METHODS.read("projects.list.all", Listing)
async def everywhere(ctx: Context, asked: Listing) -> object:
    """List the projects of all teams."""
    return await _page(ctx, asked)


async def _page(ctx: Context, asked: Listing, workspace_id: int | None = None, account_id: int | None = None) -> Json:
    names, ids = asked.only("name"), asked.only("id")
    simple = all(one.field in {"name", "id"} and one.op in {"=", "in"} for one in asked.filter or ())
    size = asked.size(PER_PAGE)
    paged = simple and (asked.sort or "id") in SORTS
    rows, total = await media_projects.page(
        ctx.tx,
        ctx.actor,
        workspace_id=workspace_id,
        account_id=account_id,
        names=None if names is None else [str(name) for name in names],
        ids=None if ids is None else [one for one in ids if isinstance(one, int)],
        sort=SORTS[asked.sort or "id"] if paged else "id",
        descending=asked.descending if paged else False,
        limit=size if paged else _MOST,
        offset=asked.start(size) if paged else 0,
    )
    sent = [project_of(ctx, one) for one in rows]
    return envelope(sent, total, size) if paged else page_of(asked, sent, default=PER_PAGE)


@METHODS.change("projects.editInfo", OtherFacts)
async def edit(ctx: Context, asked: OtherFacts) -> object:
    """Change a project."""
    changes = MediaProjectChanges(
        name=asked.name,
        description=asked.description,
        readme=asked.readme,
        custom_data=asked.custom_data,
        data_type=asked.type,
    )
    return project_of(ctx, await media_projects.update(ctx.tx, ctx.actor, asked.id, changes))


@METHODS.change("projects.settings.update", OtherSettings)
async def configure(ctx: Context, asked: OtherSettings) -> object:
    """Lay settings over those that a project has."""
    changes = MediaProjectChanges(settings=_settings(asked.settings))
    return project_of(ctx, await media_projects.update(ctx.tx, ctx.actor, asked.id, changes))


@METHODS.change("projects.workspace.set", OtherWorkspace)
async def move(ctx: Context, asked: OtherWorkspace) -> object:
    """Bring a project into another workspace of its team."""
    return project_of(ctx, await media_projects.move(ctx.tx, ctx.actor, asked.id, asked.workspace_id))


@METHODS.change("projects.archive", ById)
async def archive(ctx: Context, asked: ById) -> object:
    """Put a project away with all that is in it."""
    await media_removal.remove_project(ctx.tx, ctx.actor, asked.id)
    return OK


@METHODS.change("projects.remove.permanently", Several)
async def remove(ctx: Context, asked: Several) -> object:
    """Remove projects for good, also those that were put away before; of one with a backup elsewhere, the data."""
    gone = [one.id for one in asked.projects if one.archive_url is None]
    for project_id in gone:
        with suppress(ProjectNotFound):  # it was put away before
            await media_removal.remove_project(ctx.tx, ctx.actor, project_id)
    if gone:
        await media_projects.remove(ctx.tx, ctx.actor, gone)
    for one in asked.projects:
        if one.archive_url is not None:
            await _leave_card(ctx, one)
    return OK


async def _leave_card(ctx: Context, asked: Leaving) -> MediaProject:
    """Remove what is in a project whose data is elsewhere now, and write down where."""
    top, _ = await datasets.page(ctx.tx, ctx.actor, asked.id, top_only=True, limit=_MOST)
    for dataset in top:
        await media_removal.remove_dataset(ctx.tx, ctx.actor, dataset.id)
    backup = {"url": asked.archive_url, "annotationsUrl": asked.annotations_archive_url}
    changes = MediaProjectChanges(settings={BACKUP: backup})
    return await media_projects.update(ctx.tx, ctx.actor, asked.id, changes)


def _settings(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return settings as a client may give them: where the backup is, it can't say this way."""
    return None if given is None else {key: value for key, value in given.items() if key != BACKUP}
