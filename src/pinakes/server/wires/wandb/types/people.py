"""People, the owners of projects, and organizations, as this API sees them.

An *entity* is an account: a user, a team or an organization. An organization has two faces: `Organization`, which goes
by its display name, and its *org entity*, the same account as an owner of registries, which goes by its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry

from pinakes.server.actor import Role
from pinakes.server.errors import AccountNotFound, Forbidden
from pinakes.server.people import service as people
from pinakes.server.people.types import Account, Membership, OwnAccount, Token
from pinakes.server.permissions.service import allows
from pinakes.server.permissions.table import Permission
from pinakes.server.wires.wandb import ids, pages, searches
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.enums import ArtifactCollectionType, RampIDType
from pinakes.server.wires.wandb.pages import PageInfo
from pinakes.server.wires.wandb.scalars import JSON, DateTime, Int64, JSONString
from pinakes.server.wires.wandb.types import projects
from pinakes.server.wires.wandb.types.references import (
    ArtifactCollectionConnectionRef,
    ArtifactCollectionMembershipConnectionRef,
    ProjectConnectionRef,
    ProjectRef,
)

NO_FLAGS = JSONString("{}")


@strawberry.type
class ApiKey:
    """A key to this server; its value is told only when it is made, afterwards its ends."""

    id: strawberry.ID
    name: str
    description: str | None


@strawberry.type
class ApiKeyEdge:
    """A key in a list."""

    node: ApiKey | None


@strawberry.type
class ApiKeyConnection:
    """A list of keys."""

    edges: list[ApiKeyEdge]


@strawberry.type
class User:
    """A person."""

    number: strawberry.Private[int]
    own: strawberry.Private[OwnAccount | None] = None

    id: strawberry.ID
    name: str
    username: str
    email: str | None
    admin: bool | None
    flags: JSONString | None = NO_FLAGS
    deleted_at: DateTime | None = None
    photo_url: str | None = None
    account_type: str | None = None

    @strawberry.field
    def entity(self) -> str | None:
        """The entity that he works in unless he says otherwise; others are told his own."""
        return self.own.default_account if self.own is not None else self.username

    @strawberry.field
    async def api_keys(self, info: Info) -> ApiKeyConnection | None:
        """His keys, for himself with a credential that may manage them."""
        return ApiKeyConnection(edges=[ApiKeyEdge(node=key_of(token)) for token in await _tokens(info.context, self)])

    @strawberry.field
    async def teams(self, info: Info) -> EntityConnection | None:
        """The teams that he is a member of, as far as the reader may know."""
        if self.own is not None:
            keys = [Key(team_id, "team", name) for team_id, name in zip(self.own.team_ids, self.own.teams, strict=True)]
        else:
            keys = [key_from(each.account) for each in await _teams(info.context, self.username)]
        return entities([entity_from(key) for key in keys])

    @strawberry.field
    async def organizations(self, info: Info) -> list[Organization] | None:
        """The organizations that he belongs to, as far as the reader may know."""
        ctx = info.context
        found = await people.organizations_around(ctx.tx, ctx.actor, self.number)
        return [organization_of(each) for each in found]


@strawberry.type
class UserEdge:
    """A person in a list."""

    node: User | None


@strawberry.type
class UserConnection:
    """A page of people."""

    edges: list[UserEdge]
    page_info: PageInfo


@strawberry.type
class FeatureFlag:
    """A switch of an organization."""

    ramp_key: str
    is_enabled: bool


@strawberry.type
class AdvancedRegistryFeatures:
    """What the search of registries can do beyond its basics."""

    advanced_search: bool


@strawberry.type
class Organization:
    """An organization, by the name that people call it."""

    key: strawberry.Private[Key]

    id: strawberry.ID
    name: str
    core_weave_organization_id: str | None = None

    @strawberry.field
    def org_entity(self) -> Entity | None:
        """The organization as an owner of registries."""
        return entity_from(self.key)

    @strawberry.field
    def feature_flags(self, ramp_id_type: RampIDType) -> list[FeatureFlag | None]:  # noqa: ARG002 - there is one
        """Its switches; there are none."""
        return []

    @strawberry.field
    def advanced_registry_features(self) -> AdvancedRegistryFeatures | None:
        """Nothing beyond the basics: in return the client lets one search by more fields."""
        return AdvancedRegistryFeatures(advanced_search=False)


@strawberry.type
class Member:
    """A member of a team or organization."""

    id: str | None
    role: str | None
    admin: bool | None
    email: str | None
    username: str | None
    name: str
    pending: bool | None = False
    photo_url: str | None = None
    account_type: str | None = "MEMBER"
    api_key: str | None = None


@strawberry.type
class Entity:
    """An owner of projects: a person, a team or an organization."""

    key: strawberry.Private[Key]

    id: strawberry.ID
    name: str
    available: bool | None = False
    photo_url: str | None = None
    read_only_admin: bool = False
    private_only: bool = False
    storage_bytes: Int64 = Int64(0)
    code_saving_enabled: bool = False
    default_access: str = "PRIVATE"
    is_paid: bool | None = None
    limits: JSON | None = None
    xxhash_digests_enabled: bool | None = False

    @strawberry.field
    async def is_team(self, info: Info) -> bool:
        """Whether it is a team."""
        return await kind_of(info.context, self.key) == "team"

    @strawberry.field
    async def entity_type(self, info: Info) -> str | None:
        """Whether it is a person, a team or an organization."""
        return await kind_of(info.context, self.key)

    @strawberry.field
    def read_only(self, info: Info) -> bool | None:
        """Whether the reader may only look at its projects."""
        return not allows(info.context.actor, Permission.PROJECT_WRITE, owner_id=self.key.id)

    @strawberry.field
    async def members(self, info: Info) -> list[Member]:
        """Its members, for those who have a role in it."""
        ctx = info.context
        account = await account_of(ctx, self.key)
        if account.kind == "user" or not allows(ctx.actor, Permission.ORGANIZATION_READ, owner_id=account.id):
            return []
        return [member_of(each) for each in await people.members(ctx.tx, ctx.actor, account)]

    @strawberry.field
    async def organization(self, info: Info) -> Organization | None:
        """The organization that a team belongs to, or that the entity is; nothing for a person."""
        ctx = info.context
        if self.key.title is not None and self.key.kind == "organization":
            return organization_from(self.key)
        account = await account_of(ctx, self.key)
        if account.kind == "organization":
            return organization_of(account)
        if account.organization_id is None:
            return None
        found = await people.accounts_by_ids(ctx.tx, [account.organization_id])
        return organization_of(found[account.organization_id])

    @strawberry.field
    async def user(self, info: Info) -> User | None:
        """The person whose own it is."""
        account = await account_of(info.context, self.key)
        return user_of(info.context, account) if account.kind == "user" else None

    @strawberry.field
    async def project(self, info: Info, name: str | None = None) -> ProjectRef | None:
        """A project or registry of its, by name."""
        return await projects.find_project(info.context, self.name, name)

    @strawberry.field
    async def projects(
        self,
        info: Info,
        filters: JSONString | None = None,
        after: str | None = None,
        first: int | None = None,
        order: str | None = None,
    ) -> ProjectConnectionRef | None:
        """An organization's registries; of others, the projects."""
        ctx = info.context
        if await kind_of(ctx, self.key) == "organization":
            return await searches.registries(ctx, self.key.id, pages.Asked(filters, order, after, first))
        return await projects.page_of_projects(ctx, self.name, after, first)

    @strawberry.field
    async def artifact_collections(
        self,
        info: Info,
        project_filters: JSONString | None = None,
        filters: JSONString | None = None,
        collection_types: list[ArtifactCollectionType] | None = None,
        after: str | None = None,
        first: int | None = None,
        order: str | None = None,
    ) -> ArtifactCollectionConnectionRef | None:
        """The collections in an organization's registries."""
        asked = pages.Asked(filters, order, after, first)
        return await searches.collections(info.context, self.key.id, project_filters, asked, collection_types)

    @strawberry.field
    async def artifact_memberships(
        self,
        info: Info,
        project_filters: JSONString | None = None,
        collection_filters: JSONString | None = None,
        filters: JSONString | None = None,
        after: str | None = None,
        first: int | None = None,
        order: str | None = None,
    ) -> ArtifactCollectionMembershipConnectionRef | None:
        """The versions in an organization's registries."""
        asked = pages.Asked(filters, order, after, first)
        return await searches.versions(info.context, self.key.id, project_filters, collection_filters, asked)


@strawberry.type
class EntityEdge:
    """An owner of projects in a list."""

    node: Entity | None


@strawberry.type
class EntityConnection:
    """A page of owners of projects."""

    edges: list[EntityEdge]
    page_info: PageInfo


@strawberry.type
class Invite:
    """The membership of somebody who was invited; it holds at once."""

    id: strawberry.ID
    name: str | None
    email: str | None
    created_at: DateTime
    to_user: User | None


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of an account without asking.

    Attributes:
        kind: user, team or organization; None when nobody has looked yet.
        title: An organization's display name, "" when it has none; None when nobody has looked yet.
        account: All of it, where it was read.
    """

    id: int
    kind: str | None
    name: str
    title: str | None = None
    account: Account | None = None


def key_from(account: Account) -> Key:
    """Make the key of an account that was read."""
    return Key(account.id, account.kind, account.name, account.display_name, account)


def entity_of(account: Account) -> Entity:
    """Make the entity that an account is."""
    return entity_from(key_from(account))


def entity_from(key: Key) -> Entity:
    """Make an entity of what is known of it."""
    return Entity(key=key, id=ids.write("Entity", key.id), name=key.name)


def entities(nodes: Sequence[Entity]) -> EntityConnection:
    """Make a list of entities."""
    page = pages.whole(nodes)
    return EntityConnection(edges=[EntityEdge(node=node) for node in nodes], page_info=pages.info(page))


def organization_of(account: Account) -> Organization:
    """Make an organization of its account."""
    return organization_from(key_from(account))


def organization_from(key: Key) -> Organization:
    """Make an organization of what is known of it; it goes by its display name, where it has one."""
    return Organization(key=key, id=ids.write("Organization", key.id), name=key.title or key.name)


def user_of(ctx: Context, account: Account) -> User:
    """Make a user of his account; strangers are not told his address."""
    return User(
        number=account.id,
        id=ids.write("User", account.id),
        name=account.display_name or account.name,
        username=account.name,
        email=account.email if people.sees_email(ctx.actor, account) else None,
        admin=account.is_admin,
    )


def key_of(token: Token) -> ApiKey:
    """Make an API key of a token: its ends stand for its value, its name says what it is for."""
    return ApiKey(id=ids.write("ApiKey", token.id), name=token.hint, description=token.name)


def member_of(found: Membership) -> Member:
    """Make a member of a membership."""
    return Member(
        id=ids.write("User", found.id),
        role=found.role,
        admin=found.role == Role.ADMIN,
        email=found.email,
        username=found.name,
        name=found.display_name or found.name,
    )


async def find_entity(ctx: Context, name: str | None) -> Entity | None:
    """Find an owner of projects by name; no name means where the reader works."""
    if name is None:
        name = await default_entity(ctx)
    try:
        return entity_of(await people.account(ctx.tx, name)) if name is not None else None
    except AccountNotFound:
        return None


async def viewer(ctx: Context) -> User | None:
    """Tell who asks; nobody, for who did not sign in."""
    if ctx.actor.user_id is None:
        return None
    own = await people.own_account(ctx.tx, ctx.actor)
    return User(
        number=own.id,
        own=own,
        id=ids.write("User", own.id),
        name=own.display_name or own.name,
        username=own.name,
        email=own.email,
        admin=own.is_admin,
    )


async def default_entity(ctx: Context) -> str | None:
    """Return where the reader works unless he says otherwise."""
    return (await people.own_account(ctx.tx, ctx.actor)).default_account if ctx.actor.user_id is not None else None


async def find_organization(ctx: Context, name: str | None) -> Organization | None:
    """Find an organization by what it is called, or by its name."""
    if name is None:
        return None
    try:
        return organization_of(await people.find_organization(ctx.tx, ctx.actor, name))
    except AccountNotFound:
        return None


async def page_of_users(
    ctx: Context, query: str | None, usernames: list[str] | None, after: str | None, first: int | None
) -> UserConnection:
    """Find people by a part of their name or by their address; nobody, for who did not sign in."""
    if ctx.actor.user_id is None or pages.ended(after):
        page = pages.nothing()
    else:
        found = await people.search_users(
            ctx.tx, ctx.actor, query or "", names=usernames, limit=pages.size(first), cursor=pages.cursor(after)
        )
        page = pages.listed(found)
    nodes = [UserEdge(node=user_of(ctx, account)) for account in page.rows]
    return UserConnection(edges=nodes, page_info=pages.info(page))


async def _tokens(ctx: Context, user: User) -> list[Token]:
    if user.number != ctx.actor.user_id:
        return []
    try:
        return await people.tokens_of(ctx.tx, ctx.actor, user.username)
    except Forbidden:  # his credential is not for that, but for the rest of the answer
        return []


async def _teams(ctx: Context, name: str) -> list[Membership]:
    try:
        found = await people.organizations_of(ctx.tx, ctx.actor, name)
    except AccountNotFound:
        return []
    return [each for each in found if each.kind == "team"]


async def account_of(ctx: Context, key: Key) -> Account:
    """Return the account of a key.

    Raises:
        AccountNotFound: it is gone meanwhile.
    """
    if key.account is not None:
        return key.account
    known = await people.accounts_by_ids(ctx.tx, [key.id])
    if key.id not in known:
        raise AccountNotFound
    return known[key.id]


async def kind_of(ctx: Context, key: Key) -> str:
    """Return what kind of account a key is of."""
    return key.kind or (await account_of(ctx, key)).kind
