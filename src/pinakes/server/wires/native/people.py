"""People over the native API: users, tokens, organizations, teams, members, sessions, and what one may do.

| route | body → answer |
| --- | --- |
| GET /whoami | → Whoami |
| GET /users `?limit&cursor` | → Page[Account]; administrators |
| POST /users | CreateUser → 201 Account; administrators |
| GET /users/{name} | → Account |
| PATCH /users/{name} | UpdateUser → Account |
| DELETE /users/{name} | → 204; administrators |
| GET /users/{name}/organizations | → Page[Member] |
| GET /users/{name}/tokens | → Page[Token] |
| POST /users/{name}/tokens | CreateToken → 201 NewToken |
| DELETE /users/{name}/tokens/{id} | → 204 |
| GET /organizations `?limit&cursor` | → Page[Account] |
| POST /organizations | CreateOrganization → 201 Account |
| GET /organizations/{org} | → Organization |
| DELETE /organizations/{org} | → 204 |
| GET /organizations/{org}/members | → Page[Member] |
| PUT, DELETE /organizations/{org}/members/{user} | PutMember → Member; → 204 |
| GET, POST /organizations/{org}/teams | → Page[Account]; CreateTeam → 201 Account |
| GET, DELETE /teams/{team} | → Organization; → 204 |
| GET /teams/{team}/members | → Page[Member] |
| PUT, DELETE /teams/{team}/members/{user} | PutMember → Member; → 204 |
| POST /sessions | CreateSession → 201 Session, and a cookie |
| DELETE /sessions | → 204 |
| GET /permissions | → PermissionTable |
| GET /permissions/explain `?permission&(owner&visibility or collection or item)` | → Explanation |
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response

from pinakes.api import people as api
from pinakes.api.common import MAX_INT4, STORABLE, AccountName, Page
from pinakes.server.actor import Actor, Role, Scope
from pinakes.server.catalog import service as catalog
from pinakes.server.collections import service as collections
from pinakes.server.db import Tx
from pinakes.server.errors import AccountNotFound, Forbidden, Invalid, RegistryNotFound
from pinakes.server.people import checks, secrets, service as people, throttle
from pinakes.server.people.sessions import COOKIE, attributes, same_origin
from pinakes.server.people.types import Account, AccountChanges, Membership, NewToken, Token
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import PUBLIC, SCOPES, SIGNED_IN, Permission, roles_with
from pinakes.server.permissions.types import Explanation
from pinakes.server.registries import service as registries
from pinakes.server.state import address_of
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router

router = make_router("people")

# A name in a path may be anything; what no account can be called is not found.
Name = Annotated[str, Path(description="The account's name; case does not matter.")]
TokenId = Annotated[int, Path(ge=1, le=MAX_INT4)]
CollectionAddress = Annotated[str, STORABLE, Query(min_length=1, max_length=500, pattern=r"^[^\u0000]+$")]

_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response}


def show(account: Account, actor: Actor) -> api.Account:
    """Show an account to a reader."""
    return api.Account(**_facts(account, actor))


def _facts(account: Account, actor: Actor) -> dict[str, Any]:
    return {
        "name": account.name,
        "kind": account.kind,
        "display_name": account.display_name,
        "email": account.email if people.sees_email(actor, account) else None,
        "admin": account.is_admin,
        "created_at": account.created_at,
    }


def _member(found: Membership, actor: Actor) -> api.Member:
    return api.Member(**_facts(found.account, actor), role=_role(found.role))


def _role(role: str) -> Any:  # noqa: ANN401 - one of the words of the contract, which pydantic checks
    return "admin" if role == Role.OWNER else role


def _token_facts(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "hint": token.hint,
        "scope": token.scope,
        "namespace": token.bound_to,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


@router.get("/whoami")
async def whoami(state: Here, actor: By) -> api.Whoami:
    """Say who I am, which organizations and teams I am a member of, and which token I use."""
    async with state.db.reading() as tx:
        profile = await people.whoami(tx, actor)
    token = api.Token(**_token_facts(profile.token)) if profile.token else None
    memberships = [_member(found, actor) for found in profile.organizations]
    return api.Whoami(**_facts(profile.account, actor), organizations=memberships, token=token)


@router.get("/users")
async def list_users(state: Here, actor: By, limit: Limit = 100, cursor: After = None) -> Page[api.Account]:
    """List the users of this server, by name. For its administrators."""
    async with state.db.reading() as tx:
        page = await people.users(tx, actor, limit=limit, cursor=cursor)
    return Page(rows=[show(found, actor) for found in page.rows], next=page.next)


@router.post("/users", status_code=201, responses=_CONFLICT)
async def create_user(state: Here, actor: By, wanted: api.CreateUser) -> api.Account:
    """Make a user. For administrators of the server."""
    permissions.require_server(actor)
    hashed = await secrets.hash_password(checks.password(wanted.password)) if wanted.password is not None else None
    async with state.db.transaction() as tx:
        made = await people.create_user(
            tx,
            actor,
            wanted.name,
            email=wanted.email,
            password_hash=hashed,
            display_name=wanted.display_name,
            admin=wanted.admin,
        )
    return show(made, actor)


@router.get("/users/{name}")
async def get_user(state: Here, actor: By, name: Name) -> api.Account:
    """Show a user."""
    async with state.db.reading() as tx:
        return show(await people.user(tx, name), actor)


@router.patch("/users/{name}", responses=errors(409, 429))
async def update_user(state: Here, actor: By, name: Name, wanted: api.UpdateUser, request: Request) -> api.Account:
    """Change a user: oneself, or anybody as an administrator. A new password ends the user's other sessions."""
    changes = AccountChanges(**wanted.model_dump())
    hashed: str | None = None
    if changes.password is not None:
        await throttle.attempt_sign_in(state.db, state.settings, name, address_of(request))
        async with state.db.reading() as tx:
            current = await people.password_to_confirm(tx, actor, name)
        await people.confirm_password(current, changes.current_password)
        hashed = await secrets.hash_password(checks.password(changes.password))
    async with state.db.transaction() as tx:
        session = request.cookies.get(COOKIE)
        return show(await people.update_user(tx, actor, name, changes, password_hash=hashed, session=session), actor)


@router.delete("/users/{name}", responses=_CONFLICT, **_NO_CONTENT)
async def delete_user(state: Here, actor: By, name: Name) -> None:
    """Delete a user with everything that he owns; his name is free again. For administrators of the server."""
    async with state.db.transaction() as tx:
        await people.delete_user(tx, actor, name)


@router.get("/users/{name}/organizations")
async def list_organizations_of_user(state: Here, actor: By, name: Name) -> Page[api.Member]:
    """List the organizations and teams that a user is in: one's own all, another's as far as one shares them."""
    async with state.db.reading() as tx:
        found = await people.organizations_of(tx, actor, name)
    return Page(rows=[_member(membership, actor) for membership in found])


@router.get("/users/{name}/tokens")
async def list_tokens(state: Here, actor: By, name: Name) -> Page[api.Token]:
    """List a user's tokens, newest first: one's own, or anybody's as the server's administrator. Needs scope admin."""
    async with state.db.reading() as tx:
        found = await people.tokens_of(tx, actor, name)
    return Page(rows=[api.Token(**_token_facts(token)) for token in found])


@router.post("/users/{name}/tokens", status_code=201, responses=_CONFLICT)
async def create_token(state: Here, actor: By, name: Name, wanted: api.CreateToken) -> api.NewToken:
    """Make a token; its value is in this answer, and never again. Needs scope admin, as all that concerns tokens."""
    new = NewToken(
        name=wanted.name,
        scope=Scope(wanted.scope),
        value=wanted.value,
        expires_at=wanted.expires_at,
        namespace=wanted.namespace,
    )
    async with state.db.transaction() as tx:
        issued = await people.create_token(tx, actor, name, new)
    return api.NewToken(**_token_facts(issued.token), token=issued.value)


@router.delete("/users/{name}/tokens/{token_id}", **_NO_CONTENT)
async def delete_token(state: Here, actor: By, name: Name, token_id: TokenId) -> None:
    """End a token."""
    async with state.db.transaction() as tx:
        await people.delete_token(tx, actor, name, token_id)


@router.get("/organizations")
async def list_organizations(state: Here, actor: By, limit: Limit = 100, cursor: After = None) -> Page[api.Account]:
    """List the organizations that one has a role in, by name; all for administrators of the server."""
    async with state.db.reading() as tx:
        page = await people.organizations(tx, actor, limit=limit, cursor=cursor)
    return Page(rows=[show(found, actor) for found in page.rows], next=page.next)


@router.post("/organizations", status_code=201, responses=_CONFLICT)
async def create_organization(state: Here, actor: By, wanted: api.CreateOrganization) -> api.Account:
    """Make an organization; who makes it is its first admin. Needs scope write."""
    async with state.db.transaction() as tx:
        made = await people.create_organization(tx, actor, wanted.name, display_name=wanted.display_name)
    return show(made, actor)


@router.get("/organizations/{org}")
async def get_organization(state: Here, actor: By, org: Name) -> api.Organization:
    """Show an organization, with its members and teams to those who have a role in it."""
    async with state.db.snapshot() as tx:
        return await _group(tx, actor, await people.organization(tx, org))


@router.delete("/organizations/{org}", responses=_CONFLICT, **_NO_CONTENT)
async def delete_organization(state: Here, actor: By, org: Name) -> None:
    """Delete an organization with its teams and everything that they own; the names are free again. For its admins."""
    async with state.db.transaction() as tx:
        await people.delete_organization(tx, actor, org)


@router.get("/organizations/{org}/members")
async def list_members(state: Here, actor: By, org: Name) -> Page[api.Member]:
    """List an organization's members, by name. For those who have a role in it."""
    async with state.db.reading() as tx:
        found = await people.members(tx, actor, await people.organization(tx, org))
    return Page(rows=[_member(member, actor) for member in found])


@router.put("/organizations/{org}/members/{user}", responses=_CONFLICT)
async def put_member(state: Here, actor: By, org: Name, user: Name, wanted: api.PutMember) -> api.Member:
    """Make a user a member of an organization, or give him another role. For its admins, in scope admin."""
    async with state.db.transaction() as tx:
        group = await people.organization(tx, org)
        return _member(await people.put_member(tx, actor, group, user, Role(wanted.role)), actor)


@router.delete("/organizations/{org}/members/{user}", responses=_CONFLICT, **_NO_CONTENT)
async def remove_member(state: Here, actor: By, org: Name, user: Name) -> None:
    """End a membership of an organization, and those of its teams. For its admins, and for oneself."""
    async with state.db.transaction() as tx:
        await people.remove_member(tx, actor, await people.organization(tx, org), user)


@router.get("/organizations/{org}/teams")
async def list_teams(state: Here, actor: By, org: Name) -> Page[api.Account]:
    """List an organization's teams, by name. For those who have a role in it."""
    async with state.db.reading() as tx:
        found = await people.teams(tx, actor, await people.organization(tx, org))
    return Page(rows=[show(team, actor) for team in found])


@router.post("/organizations/{org}/teams", status_code=201, responses=_CONFLICT)
async def create_team(state: Here, actor: By, org: Name, wanted: api.CreateTeam) -> api.Account:
    """Make a team of an organization. For its admins, in scope admin."""
    async with state.db.transaction() as tx:
        return show(await people.create_team(tx, actor, org, wanted.name, display_name=wanted.display_name), actor)


@router.get("/teams/{team}")
async def get_team(state: Here, actor: By, team: Name) -> api.Organization:
    """Show a team, with its members to those who have a role in it."""
    async with state.db.snapshot() as tx:
        return await _group(tx, actor, await people.team(tx, team))


@router.delete("/teams/{team}", responses=_CONFLICT, **_NO_CONTENT)
async def delete_team(state: Here, actor: By, team: Name) -> None:
    """Delete a team and everything that it owns. For its admins and its organization's."""
    async with state.db.transaction() as tx:
        await people.delete_team(tx, actor, team)


@router.get("/teams/{team}/members")
async def list_team_members(state: Here, actor: By, team: Name) -> Page[api.Member]:
    """List a team's members, by name. For those who have a role in it."""
    async with state.db.reading() as tx:
        found = await people.members(tx, actor, await people.team(tx, team))
    return Page(rows=[_member(member, actor) for member in found])


@router.put("/teams/{team}/members/{user}", responses=_CONFLICT)
async def put_team_member(state: Here, actor: By, team: Name, user: Name, wanted: api.PutMember) -> api.Member:
    """Make a user a member of a team, or give him another role. For its admins and its organization's."""
    async with state.db.transaction() as tx:
        group = await people.team(tx, team)
        return _member(await people.put_member(tx, actor, group, user, Role(wanted.role)), actor)


@router.delete("/teams/{team}/members/{user}", responses=_CONFLICT, **_NO_CONTENT)
async def remove_team_member(state: Here, actor: By, team: Name, user: Name) -> None:
    """End a membership of a team. For its admins and its organization's, and for oneself."""
    async with state.db.transaction() as tx:
        await people.remove_member(tx, actor, await people.team(tx, team), user)


async def _group(tx: Tx, actor: Actor, group: Account) -> api.Organization:
    if not permissions.allows(actor, Permission.ORGANIZATION_READ, owner_id=group.id):
        return api.Organization(**_facts(group, actor))
    members = [_member(member, actor) for member in await people.members(tx, actor, group)]
    teams = [show(team, actor) for team in await people.teams(tx, actor, group)]
    return api.Organization(**_facts(group, actor), members=members, teams=teams)


@router.post("/sessions", status_code=201, responses=errors(429))
async def create_session(state: Here, wanted: api.CreateSession, request: Request, response: Response) -> api.Session:
    """Sign in to the web: sets the cookie of a session, which scripts can't read."""
    settings = state.settings
    if not same_origin(request.method, request.headers, settings.public_url):
        message = "One signs in from a page of this server."
        raise Forbidden(message)
    await throttle.attempt_sign_in(state.db, settings, wanted.name, address_of(request))
    signed_in = await people.sign_in(state.db, wanted.name, wanted.password, days=settings.session_days)
    response.set_cookie(
        COOKIE, signed_in.secret, max_age=settings.session_days * 86_400, **attributes(settings.public_url)
    )
    me = Actor(user_id=signed_in.account.id)
    return api.Session(user=show(signed_in.account, me), expires_at=signed_in.expires_at)


@router.delete("/sessions", **_NO_CONTENT)
async def delete_session(state: Here, request: Request, actor: By) -> Response:  # noqa: ARG001 - its checks are wanted
    """Sign out of the web: ends the session that the cookie holds. No session is no error."""
    secret = request.cookies.get(COOKIE)
    if secret:
        async with state.db.transaction() as tx:
            await people.sign_out(tx, secret)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, **attributes(state.settings.public_url))
    return answer


@router.get("/permissions")
async def get_permissions() -> api.PermissionTable:
    """Show everything that there is to do, and which roles and which scopes of tokens allow it."""
    return api.PermissionTable(permissions=[_rule(permission) for permission in Permission])


def _rule(permission: Permission) -> api.PermissionRule:
    allowing = roles_with(permission)
    return api.PermissionRule(
        permission=permission,
        roles=[role for role in Role if role in allowing],
        scopes=[scope.value for scope in Scope if permission in SCOPES[scope]],
        public=permission in PUBLIC,
        signed_in=permission in SIGNED_IN,
    )


@router.get("/permissions/explain")
async def explain_permission(
    state: Here,
    actor: By,
    permission: Annotated[Permission, Query(description="What is to be done, as `noun:verb`.")],
    owner: Annotated[AccountName | None, Query(description="Whose thing it is; or a registry's handle.")] = None,
    visibility: Annotated[
        Literal["public", "private"] | None, Query(description="Of what `owner` has; `private` when nobody says.")
    ] = None,
    collection: Annotated[
        CollectionAddress | None, Query(description="A collection: its id, its slug, or `owner/words`.")
    ] = None,
    item: Annotated[int | None, Query(ge=1, le=MAX_INT4, description="An item, by its number.")] = None,
) -> api.Explanation:
    """Say whether I may do something, and why or why not: with things of an owner, with a collection, or with an item.

    Give exactly one of `owner`, `collection` and `item`. What I may not see does not exist: 404.
    """
    _check_question(owner, visibility, collection, item)
    async with state.db.reading() as tx:
        if collection is not None:
            owner_id, found = await _explain_collection(tx, actor, permission, collection)
        elif item is not None:
            owner_id, found = await _explain_item(tx, actor, permission, item)
        else:
            owner_id = await _owner_id(tx, actor, owner or "")
            found = permissions.explain(actor, permission, owner_id=owner_id, visibility=visibility or "private")
        held = await permissions.grants(tx, actor.user_id) if actor.user_id is not None else []
    grants = [
        api.RoleGrant(account=grant.account, role=grant.role, because=grant.because)
        for grant in held
        if grant.account_id == owner_id
    ]
    return api.Explanation(allowed=found.allowed, permission=found.permission, because=found.because, grants=grants)


def _check_question(owner: str | None, visibility: str | None, collection: str | None, item: int | None) -> None:
    named = [
        name for name, value in (("owner", owner), ("collection", collection), ("item", item)) if value is not None
    ]
    if len(named) != 1:
        message = "Give exactly one of owner, collection and item."
        raise Invalid(message, field=named[1] if named else "owner")
    if visibility is not None and owner is None:
        message = "visibility goes with owner; a collection or an item has its own."
        raise Invalid(message, field="visibility")


async def _owner_id(tx: Tx, actor: Actor, name: str) -> int:
    """Return the account of a name, which may be the handle of a registry that the actor sees."""
    try:
        return (await people.account(tx, name)).id
    except AccountNotFound:
        with suppress(RegistryNotFound):
            return (await registries.by_handle(tx, actor, name)).id
        raise


async def _explain_collection(
    tx: Tx, actor: Actor, permission: Permission, address: str
) -> tuple[int | None, Explanation]:
    _check_noun(permission, "collection")
    in_trash = permission in {Permission.COLLECTION_RESTORE, Permission.COLLECTION_PURGE}
    found = await collections.get(tx, actor, address, trashed=in_trash)
    visibility = found.visibility if found.deleted_at is None else "private"
    return found.owner_id, permissions.explain(actor, permission, owner_id=found.owner_id, visibility=visibility)


async def _explain_item(tx: Tx, actor: Actor, permission: Permission, number: int) -> tuple[int | None, Explanation]:
    found = await catalog.get_item(tx, actor, number)
    _check_noun(permission, found.kind)
    return found.owner_id, await catalog.explain(tx, actor, permission, found)


def _check_noun(permission: Permission, kind: str) -> None:
    wrong = "item" if kind == "collection" else "collection"
    if permission.partition(":")[0] == wrong:
        message = f"{permission} is not what one does with a {kind}."
        raise Invalid(message, field="permission")
