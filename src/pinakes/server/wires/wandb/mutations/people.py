"""Changes of teams, people and keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import strawberry

from pinakes.server.actor import Role, Scope
from pinakes.server.errors import AccountNotFound, Forbidden, Invalid, NameTaken, Unauthenticated
from pinakes.server.people import service as people
from pinakes.server.people.types import Account, NewToken
from pinakes.server.permissions.service import allows, require
from pinakes.server.permissions.table import Permission
from pinakes.server.wires.wandb import ids
from pinakes.server.wires.wandb.auth import actor_of
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.inputs.people import (
    CreateInviteInput,
    CreateServiceAccountInput,
    CreateTeamInput,
    CreateUserInput,
    DeleteApiKeyInput,
    DeleteInviteInput,
    GenerateApiKeyInput,
    UpdateUserInput,
)
from pinakes.server.wires.wandb.offers import not_offered
from pinakes.server.wires.wandb.scalars import DateTime
from pinakes.server.wires.wandb.types.payloads import (
    ApiKeyPayload,
    EntityPayload,
    InvitePayload,
    SuccessPayload,
    UserPayload,
)
from pinakes.server.wires.wandb.types.people import ApiKey, Invite, entity_of, user_of, viewer

# How many names to try for a user who is known by his address only.
_TRIES = 20
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


@strawberry.type
class PeopleMutations:
    """Changes of teams, people and keys."""

    @strawberry.mutation
    async def create_team(self, info: Info, given: CreateTeamInput) -> EntityPayload | None:
        """Make a team of the caller's organization, with its first admin: the caller, unless he says another."""
        ctx = info.context
        organization = await _organization_to_manage(ctx)
        team = await people.create_team(ctx.tx, ctx.actor, organization.name, given.team_name)
        grown = await actor_of(ctx.tx, ctx.request)  # he has a role in the team now
        await people.put_member(ctx.tx, grown, team, given.team_admin_user_name or ctx.actor.name, Role.ADMIN)
        return EntityPayload(entity=entity_of(team))

    @strawberry.mutation
    async def create_invite(self, info: Info, given: CreateInviteInput) -> InvitePayload | None:
        """Make a user of this server a member of a team or organization, at once; who is one keeps his role."""
        ctx = info.context
        group = await _group(ctx, given.entity_name)
        # Before anybody is looked for, and for members too: who may not invite learns of nobody whether he is here.
        require(ctx.actor, Permission.ORGANIZATION_MANAGE, owner_id=group.id, visibility="public")
        who = await _invited(ctx, given)
        known = {each.id for each in await people.members(ctx.tx, ctx.actor, group)}
        if who.id not in known or given.admin:
            role = Role.ADMIN if given.admin else Role.MEMBER
            await people.put_member(ctx.tx, ctx.actor, group, who.name, role)
        user = user_of(ctx, who)
        return InvitePayload(
            invite=Invite(
                id=user.id,
                name=user.name,
                email=user.email,
                created_at=DateTime(datetime.now(UTC)),
                to_user=user,
            )
        )

    @strawberry.mutation
    async def delete_invite(self, info: Info, given: DeleteInviteInput) -> SuccessPayload | None:
        """Take somebody out of a team or organization."""
        ctx = info.context
        group = await _group(ctx, given.entity_name or "")
        number = ids.need(given.id or "", "id", "User")
        who = (await people.accounts_by_ids(ctx.tx, [number])).get(number)
        if who is None:
            raise AccountNotFound
        if not await people.remove_member(ctx.tx, ctx.actor, group, who.name):
            raise people.no_member(group.name, who.name)
        return SuccessPayload(success=True)

    @strawberry.mutation
    def create_service_account(self, given: CreateServiceAccountInput) -> UserPayload | None:  # noqa: ARG002 - refused
        """Refuse: programs act for a user here, with a key that may be bound to one team."""
        instead = "let its administrator make a user for the program, and a token for him that is bound to the team"
        what = "Service accounts are"
        raise not_offered(what, instead)

    @strawberry.mutation
    async def create_user(self, info: Info, given: CreateUserInput) -> UserPayload | None:
        """Let a person in, under a name made of his address. For administrators of the server."""
        ctx = info.context
        made = await _user_named_after(ctx, given.email, admin=bool(given.admin))
        return UserPayload(user=user_of(ctx, made))

    @strawberry.mutation
    async def update_user(self, info: Info, given: UpdateUserInput) -> UserPayload | None:
        """Say where the caller works unless he says otherwise."""
        ctx = info.context
        if given.default_entity is not None:
            await people.set_default_account(ctx.tx, ctx.actor, given.default_entity)
        return UserPayload(user=await viewer(ctx))

    @strawberry.mutation
    async def delete_api_key(self, info: Info, given: DeleteApiKeyInput) -> SuccessPayload | None:
        """End one of the caller's keys."""
        ctx = info.context
        await people.delete_token(ctx.tx, ctx.actor, ctx.actor.name, ids.need(given.id, "id", "ApiKey"))
        return SuccessPayload(success=True)

    @strawberry.mutation
    async def generate_api_key(self, info: Info, given: GenerateApiKeyInput) -> ApiKeyPayload | None:
        """Make a key for the caller; only this answer tells its value, as its name."""
        ctx = info.context
        wanted = NewToken(name=given.description or "wandb", scope=Scope.WRITE)
        issued = await people.create_token(ctx.tx, ctx.actor, ctx.actor.name, wanted)
        token = issued.token
        key = ApiKey(id=ids.write("ApiKey", token.id), name=issued.value, description=token.name)
        return ApiKeyPayload(api_key=key)


async def _group(ctx: Context, name: str) -> Account:
    """Find a team or organization."""
    found = await people.account(ctx.tx, name)
    if found.kind == "user":
        message = f"{found.name} is a user, not a team."
        raise Invalid(message, field="entityName")
    return found


async def _invited(ctx: Context, given: CreateInviteInput) -> Account:
    """Find who is invited: by his name, or by his whole address."""
    if given.username is not None:
        return await people.user(ctx.tx, given.username)
    if given.email is None:
        message = "Say who is invited: username or email."
        raise Invalid(message, field="username")
    page = await people.search_users(ctx.tx, ctx.actor, given.email, limit=1)
    found = [each for each in page.rows if (each.email or "").lower() == given.email.strip().lower()]
    if not found:
        message = f"No user of this server has the address {given.email[:200]!r}; its administrator can make one."
        raise AccountNotFound(message, field="email")
    return found[0]


async def _organization_to_manage(ctx: Context) -> Account:
    """Return the organization that the caller makes a team in: this API can't say which, so there must be no doubt.

    Raises:
        Forbidden: he manages none.
        Invalid: he manages several, and none of them is that of the account which he works in.
    """
    if ctx.actor.user_id is None:
        raise Unauthenticated
    around = await people.organizations_around(ctx.tx, ctx.actor, ctx.actor.user_id)
    managed = [each for each in around if allows(ctx.actor, Permission.ORGANIZATION_MANAGE, owner_id=each.id)]
    if not managed:
        message = "A team belongs to an organization, and there is none that you manage with this key."
        raise Forbidden(message)
    if len(managed) > 1:
        default = await people.account(ctx.tx, (await people.own_account(ctx.tx, ctx.actor)).default_account)
        managed = [each for each in managed if each.id in {default.id, default.organization_id}]
    if len(managed) != 1:
        message = "You manage several organizations: make one of them your default entity, then make the team."
        raise Invalid(message, field="teamName")
    return managed[0]


async def _user_named_after(ctx: Context, email: str, *, admin: bool) -> Account:
    """Make a user whose name is the beginning of his address, with a number where that is taken."""
    stem = _UNFIT.sub("-", email.partition("@")[0]).strip("-._") or "user"
    for number in range(1, _TRIES):
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            return await people.create_user(ctx.tx, ctx.actor, name, email=email, admin=admin)
        except NameTaken:
            continue
    message = f"All names made of {stem!r} are taken."
    raise NameTaken(message, field="email")
