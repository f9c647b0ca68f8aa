"""Workspaces: the parts of a team's work."""

from __future__ import annotations

from typing import Any

from pinakes.server.catalog import workspaces
from pinakes.server.catalog.media_types import Workspace
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.lists import page_of
from pinakes.server.wires.supervisely.methods.teams import NO_TASK
from pinakes.server.wires.supervisely.methods.users import OfTeam
from pinakes.server.wires.supervisely.values import OK, Id, moment

METHODS = Methods()


class NewWorkspace(Form):
    """A new workspace."""

    team_id: Id
    name: str
    description: str | None = None


class OtherFacts(Form):
    """Changes of a workspace."""

    id: Id
    name: str | None = None
    description: str | None = None


class Hiding(Form):
    """Whether a workspace is hidden."""

    id: Id
    hidden: bool


class Several(Form):
    """Several workspaces."""

    workspaces_ids: list[Id]


def workspace_of(found: Workspace) -> dict[str, Any]:
    """Write a workspace."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "teamId": found.account_id,
        "hidden": found.hidden,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
    }


@METHODS.read("workspaces.list", OfTeam)
async def listed(ctx: Context, asked: OfTeam) -> object:
    """List the workspaces of a team."""
    return page_of(
        asked, [workspace_of(one) for one in await workspaces.list_workspaces(ctx.tx, ctx.actor, asked.team_id)]
    )


@METHODS.read("workspaces.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a workspace."""
    return workspace_of(await workspaces.get(ctx.tx, ctx.actor, asked.id))


@METHODS.change("workspaces.add", NewWorkspace)
async def add(ctx: Context, asked: NewWorkspace) -> object:
    """Make a workspace."""
    return workspace_of(await workspaces.create(ctx.tx, ctx.actor, asked.team_id, asked.name, asked.description or ""))


@METHODS.change("workspaces.editInfo", OtherFacts)
async def edit(ctx: Context, asked: OtherFacts) -> object:
    """Call a workspace otherwise, or describe it anew."""
    return workspace_of(
        await workspaces.update(ctx.tx, ctx.actor, asked.id, name=asked.name, description=asked.description)
    )


@METHODS.change("workspaces.visibility.set", Hiding)
async def hide(ctx: Context, asked: Hiding) -> object:
    """Hide a workspace, or show it again."""
    await workspaces.update(ctx.tx, ctx.actor, asked.id, hidden=asked.hidden)
    return OK


@METHODS.change("workspaces.archive", ById)
async def archive(ctx: Context, asked: ById) -> object:
    """Put a workspace away, with all that is in it."""
    await workspaces.archive(ctx.tx, ctx.actor, asked.id)
    return OK


@METHODS.change("workspaces.remove.permanently", Several)
async def remove(ctx: Context, asked: Several) -> object:
    """Delete workspaces for good, also those that were put away before."""
    await workspaces.remove(ctx.tx, ctx.actor, asked.workspaces_ids)
    return {"taskId": NO_TASK}
