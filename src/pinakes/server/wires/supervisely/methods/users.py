"""Users, the members of teams, roles."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pinakes.server.actor import Role
from pinakes.server.people import checks, secrets, service as people, teams
from pinakes.server.people.team_types import Fellow
from pinakes.server.people.types import AccountChanges
from pinakes.server.permissions.service import require_server, require_sign_in
from pinakes.server.state import state_of
from pinakes.server.wires.supervisely import roles
from pinakes.server.wires.supervisely.calls import ById, Call, Context, Form, Methods, Nothing, respond
from pinakes.server.wires.supervisely.lists import Listing, page_of
from pinakes.server.wires.supervisely.values import OK, Id, moment

METHODS = Methods()

# Roles are as old as the server; the client wants times.
_SINCE = "2026-01-01T00:00:00.000Z"


class OfTeam(Listing):
    """A list of what belongs to a team."""

    team_id: Id


class Member(Form):
    """A member of a team."""

    id: Id
    team_id: Id


class Joining(Form):
    """A new member."""

    login: str
    team_id: Id
    role_id: int


class OtherRole(Member):
    """Another role for a member."""

    role_id: int


class NewUser(Form):
    """A new user; `isRestricted` is what another product's server keeps people from."""

    login: str
    password: str
    name: str | None = None
    email: str | None = None


class OtherFacts(Form):
    """Changes of a user."""

    id: Id
    name: str | None = None
    password: str | None = None


class Disabling(Form):
    """Whether a user may sign in."""

    id: Id
    disable: bool = True


def user_of(found: Fellow) -> dict[str, Any]:
    """Write a user. His role is the one in the team that was asked about, else what he is to the server."""
    everywhere = Role.ADMIN if found.is_admin else Role.MEMBER
    return {
        "id": found.id,
        "login": found.name,
        **roles.facts(found.role or everywhere.value),
        "name": found.display_name or found.name,
        "email": found.email,
        "logins": None,
        "disabled": found.disabled,
        "lastLogin": None,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.created_at),
    }


async def _with_teams(ctx: Context, user_id: int) -> dict[str, Any]:
    found = user_of(await teams.user_by_id(ctx.tx, ctx.actor, user_id))
    places = await teams.places_of(ctx.tx, ctx.actor, user_id)
    return {**found, "teams": [{"id": one.id, "name": one.title, **roles.facts(one.role)} for one in places]}


@METHODS.read("users.me", Nothing)
async def me(ctx: Context, _asked: Nothing) -> object:
    """Say who asks."""
    return await _with_teams(ctx, require_sign_in(ctx.actor))


@METHODS.read("users.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a user, and the teams of his that the reader knows."""
    return await _with_teams(ctx, asked.id)


@METHODS.read("users.list", Listing)
async def users(ctx: Context, asked: Listing) -> object:
    """List the users of this server."""
    return page_of(asked, [user_of(one) for one in await teams.users_by_id(ctx.tx, ctx.actor)])


@METHODS.raw("users.add")
async def add(call: Call) -> Response:
    """Make a user."""
    actor = await call.actor()
    require_server(actor)
    asked = await call.asked(NewUser)
    hashed = await secrets.hash_password(checks.password(asked.password))  # with no connection held meanwhile
    async with state_of(call).db.transaction() as tx:
        made = await people.create_user(
            tx, actor, asked.login, email=asked.email or None, password_hash=hashed, display_name=asked.name or ""
        )
    return respond({"userId": made.id})


@METHODS.raw("users.editInfo")
async def edit(call: Call) -> Response:
    """Change a user's name or password; the password as its owner only who administers the server, of somebody else."""
    actor, db = await call.actor(), state_of(call).db
    asked = await call.asked(OtherFacts)
    async with db.reading() as tx:
        login = (await teams.user_by_id(tx, actor, asked.id)).name
        confirmed = await people.password_to_confirm(tx, actor, login) if asked.password is not None else None
    hashed = None
    if asked.password is not None:
        await people.confirm_password(confirmed, None)
        hashed = await secrets.hash_password(checks.password(asked.password))
    changes = AccountChanges(display_name=asked.name, password=asked.password)
    async with db.transaction() as tx:
        await people.update_user(tx, actor, login, changes, password_hash=hashed)
        found = user_of(await teams.user_by_id(tx, actor, asked.id))
    return respond(found)


@METHODS.change("users.disable", Disabling)
async def disable(ctx: Context, asked: Disabling) -> object:
    """Keep a user from signing in, or let him in again."""
    await teams.disable_user(ctx.tx, ctx.actor, asked.id, disabled=asked.disable)
    return OK


@METHODS.read("members.list", OfTeam)
async def members(ctx: Context, asked: OfTeam) -> object:
    """List the members of a team with their roles in it."""
    return page_of(asked, [user_of(one) for one in await teams.fellows(ctx.tx, ctx.actor, asked.team_id)])


@METHODS.change("members.add", Joining)
async def join(ctx: Context, asked: Joining) -> object:
    """Make a user a member of a team."""
    role = roles.need(asked.role_id)
    made = await teams.put_fellow(ctx.tx, ctx.actor, asked.team_id, asked.login, role)
    return {"userId": made.id}


@METHODS.change("members.editInfo", OtherRole)
async def change_role(ctx: Context, asked: OtherRole) -> object:
    """Give a member another role."""
    role = roles.need(asked.role_id)
    login = (await teams.user_by_id(ctx.tx, ctx.actor, asked.id)).name
    return user_of(await teams.put_fellow(ctx.tx, ctx.actor, asked.team_id, login, role))


@METHODS.change("members.remove", Member)
async def leave(ctx: Context, asked: Member) -> object:
    """End a membership."""
    await teams.remove_fellow(ctx.tx, ctx.actor, asked.team_id, asked.id)
    return OK


@METHODS.read("roles.list", Listing)
async def known_roles(_ctx: Context, asked: Listing) -> object:
    """List the roles."""
    times = {"createdAt": _SINCE, "updatedAt": _SINCE}
    return page_of(asked, [{"id": number, "role": word, **times} for number, (word, _) in roles.ROLES.items()])
