"""Teams: the accounts that people work in."""

from __future__ import annotations

from typing import Any

from pinakes.server.errors import AccountNotFound
from pinakes.server.people import teams
from pinakes.server.people.team_types import Workplace
from pinakes.server.wires.supervisely import roles
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.lists import Listing, page_of
from pinakes.server.wires.supervisely.values import OK, Id, moment

METHODS = Methods()

# What the client takes for the number of a job in the background: there is none, all is done when it is answered.
NO_TASK = 0


class NewTeam(Form):
    """A new team."""

    name: str
    description: str | None = None


class OtherFacts(Form):
    """Changes of a team."""

    id: Id
    name: str | None = None
    description: str | None = None


class Several(Form):
    """Several teams."""

    teams_ids: list[Id]


def team_of(found: Workplace) -> dict[str, Any]:
    """Write a team."""
    return {
        "id": found.id,
        "name": found.title,
        "description": found.description,
        "role": roles.facts(found.role or "admin")["role"],
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.created_at),
        "usage": {"plan": "free"},
    }


@METHODS.read("teams.list", Listing)
async def found(ctx: Context, asked: Listing) -> object:
    """List the teams that the caller is in."""
    return page_of(asked, [team_of(one) for one in await teams.workplaces(ctx.tx, ctx.actor)])


@METHODS.read("teams.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a team."""
    return team_of(await teams.workplace(ctx.tx, ctx.actor, asked.id))


@METHODS.change("teams.add", NewTeam)
async def add(ctx: Context, asked: NewTeam) -> object:
    """Make a team: an organization of ours."""
    return team_of(await teams.create_workplace(ctx.tx, ctx.actor, asked.name, asked.description or ""))


@METHODS.change("teams.editInfo", OtherFacts)
async def edit(ctx: Context, asked: OtherFacts) -> object:
    """Call a team otherwise, or describe it anew."""
    return team_of(
        await teams.describe_workplace(ctx.tx, ctx.actor, asked.id, title=asked.name, description=asked.description)
    )


@METHODS.change("teams.archive", ById)
async def archive(ctx: Context, asked: ById) -> object:
    """Delete a team."""
    await teams.delete_workplace(ctx.tx, ctx.actor, asked.id)
    return OK


@METHODS.change("teams.remove.permanently", Several)
async def remove(ctx: Context, asked: Several) -> object:
    """Delete teams; those that are gone already are passed over."""
    for team_id in asked.teams_ids:
        try:
            await teams.delete_workplace(ctx.tx, ctx.actor, team_id)
        except AccountNotFound:
            continue
    return {"taskId": NO_TASK}
