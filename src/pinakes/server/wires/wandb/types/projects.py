"""Projects and registries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

from pinakes.server.catalog import projects as catalog
from pinakes.server.errors import AccountNotFound
from pinakes.server.paging import Page
from pinakes.server.people import service as accounts
from pinakes.server.permissions.service import allows
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import members as shelves
from pinakes.server.registries.types import Registry, RegistryMember
from pinakes.server.wires.wandb import ids, pages, places
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.pages import Listed, PageInfo
from pinakes.server.wires.wandb.places import Place
from pinakes.server.wires.wandb.scalars import DateTime, JSONString
from pinakes.server.wires.wandb.types import artifacts, collections, people, runs
from pinakes.server.wires.wandb.types.references import (
    ArtifactCollectionConnectionRef,
    ArtifactCollectionMembershipRef,
    ArtifactCollectionRef,
    ArtifactRef,
    ArtifactTypeConnectionRef,
    ArtifactTypeRef,
    EntityRef,
    RunConnectionRef,
    RunRef,
    UserRef,
)

# What this API calls who may see a registry: all of its organization, or its members only.
PRIVATE = "PRIVATE"
RESTRICTED = "RESTRICTED"
# And what it calls a public project.
PUBLIC = "USER_READ"


@strawberry.type
class ProjectEdge:
    """A project in a list."""

    node: Project | None
    cursor: str | None


@strawberry.type
class ProjectConnection:
    """A page of projects; how many there are is not told."""

    edges: list[ProjectEdge]
    page_info: PageInfo
    total_count: int | None = None


@strawberry.type
class Role:
    """A role in a registry."""

    name: str


@strawberry.type
class ProjectMember:
    """A person who was given a role in a registry."""

    id: strawberry.ID
    name: str | None
    username: str | None
    email: str | None
    role: Role


@strawberry.type
class ProjectTeamMember:
    """A team that was given a role in a registry."""

    team: EntityRef
    role: Role


@strawberry.type
class Project:
    """A project, or a registry, which this API takes for a project of its organization."""

    place: strawberry.Private[Place]

    id: strawberry.ID
    internal_id: strawberry.ID
    name: str
    entity_name: str
    views: JSONString | None = None
    is_benchmark: bool = False
    repo: str | None = None
    docker_image: str | None = None
    total_sweeps: int | None = 0

    @strawberry.field
    async def description(self, info: Info) -> str | None:
        """What it is for."""
        return (await places.row_of(info.context, self.place)).description

    @strawberry.field
    async def created_at(self, info: Info) -> DateTime:
        """When it was made."""
        return DateTime((await places.row_of(info.context, self.place)).created_at)

    @strawberry.field
    async def updated_at(self, info: Info) -> DateTime | None:
        """When it was changed last."""
        return DateTime((await places.row_of(info.context, self.place)).updated_at)

    @strawberry.field
    async def access(self, info: Info) -> str | None:
        """Who may see it."""
        row = await places.row_of(info.context, self.place)
        return {"restricted": RESTRICTED, "public": PUBLIC}.get(row.visibility, PRIVATE)

    @strawberry.field
    async def allow_all_artifact_types_in_registry(self, info: Info) -> bool:
        """Whether versions of any type are accepted there."""
        row = await places.row_of(info.context, self.place)
        return row.all_types if isinstance(row, Registry) else True

    @strawberry.field
    def read_only(self, info: Info) -> bool | None:
        """Whether the reader may only look at it."""
        place = self.place
        permission = Permission.COLLECTION_CURATE if place.is_registry else Permission.PROJECT_WRITE
        return not allows(info.context.actor, permission, owner_id=place.owner_id, visibility=place.visibility)

    @strawberry.field
    def entity(self) -> EntityRef:
        """Its owner; an organization, for a registry."""
        place = self.place
        title = place.row.organization_title if isinstance(place.row, Registry) else None
        return people.entity_from(people.Key(place.entity_id, place.entity_kind, place.entity, title))

    @strawberry.field
    async def user(self, info: Info) -> UserRef | None:
        """Who made it."""
        ctx = info.context
        name = (await places.row_of(ctx, self.place)).created_by
        try:
            return people.user_of(ctx, await accounts.user(ctx.tx, name)) if name is not None else None
        except AccountNotFound:
            return None

    @strawberry.field
    async def members(self, info: Info) -> list[ProjectMember]:
        """The people who were given a role in the registry."""
        ctx = info.context
        if not self.place.is_registry:
            return []
        return [member_of(each) for each in await shelves.members(ctx.tx, ctx.actor, self.place.owner_id)]

    @strawberry.field
    async def team_members(self, info: Info) -> list[ProjectTeamMember]:
        """The teams that were given a role in the registry."""
        ctx = info.context
        if not self.place.is_registry:
            return []
        found = await shelves.teams(ctx.tx, ctx.actor, self.place.owner_id)
        known = await accounts.accounts_by_ids(ctx.tx, [each.id for each in found])
        return [
            ProjectTeamMember(team=people.entity_of(known[each.id]), role=Role(name=each.role))
            for each in found
            if each.id in known
        ]

    @strawberry.field
    async def artifact_types(
        self,
        info: Info,
        include_all: bool | None = None,  # noqa: ARG002, FBT001 - there are no others
        after: str | None = None,
        first: int | None = None,
    ) -> ArtifactTypeConnectionRef:
        """The types of its artifacts, or those that the registry accepts."""
        return await collections.page_of_types(info.context, self.place, after, first)

    @strawberry.field
    async def artifact_type(self, info: Info, name: str) -> ArtifactTypeRef | None:
        """One type."""
        return await collections.find_type(info.context, self.place, name)

    @strawberry.field
    async def artifact_collections(
        self,
        info: Info,
        after: str | None = None,
        first: int | None = None,
        filters: JSONString | None = None,
        order: str | None = None,
    ) -> ArtifactCollectionConnectionRef | None:
        """Its artifacts and releases."""
        asked = pages.Asked(filters, order, after, first)
        return await collections.page_of_collections(info.context, self.place, asked)

    @strawberry.field
    async def artifact_collection(self, info: Info, name: str) -> ArtifactCollectionRef | None:
        """A collection by name."""
        return await collections.find_collection(info.context, self.place, name)

    @strawberry.field
    async def artifact_collection_membership(self, info: Info, name: str) -> ArtifactCollectionMembershipRef | None:
        """A version by `name:alias`."""
        return await collections.find_membership(info.context, self.place, name)

    @strawberry.field
    async def artifact(self, info: Info, name: str) -> ArtifactRef | None:
        """A version by `name:alias`, without the collection that it is in."""
        return await artifacts.find_artifact(info.context, self.place, name)

    @strawberry.field
    async def run(self, info: Info, name: str, desc: str | None = None) -> RunRef | None:  # noqa: ARG002 - unused
        """A run by its name."""
        return await runs.find_run(info.context, self.place, name)

    @strawberry.field
    async def bucket(
        self,
        info: Info,
        name: str,
        missing_ok: bool | None = None,  # noqa: ARG002, FBT001 - one that is missing is null in any case
        desc: str | None = None,  # noqa: ARG002 - unused
    ) -> RunRef | None:
        """A run by its name."""
        return await runs.find_run(info.context, self.place, name)

    @strawberry.field
    async def buckets(self, info: Info, after: str | None = None, first: int | None = None) -> RunConnectionRef | None:
        """Its runs."""
        return await runs.page_of_runs(info.context, self.place, pages.Asked(None, None, after, first))

    @strawberry.field
    async def run_count(self, info: Info, filters: JSONString | None = None) -> int | None:
        """How many runs it has."""
        return await runs.count_of_runs(info.context, self.place, filters)

    @strawberry.field
    async def runs(
        self,
        info: Info,
        filters: JSONString | None = None,
        after: str | None = None,
        first: int | None = None,
        order: str | None = None,
    ) -> RunConnectionRef | None:
        """Its runs."""
        return await runs.page_of_runs(info.context, self.place, pages.Asked(filters, order, after, first))


def project_of(place: Place) -> Project:
    """Make a project of a place."""
    return Project(
        place=place,
        id=ids.of_registry(place.number) if place.is_registry else ids.of_project(place.number),
        internal_id=ids.internal(place.number),
        name=place.name,
        entity_name=place.entity,
    )


def member_of(found: RegistryMember) -> ProjectMember:
    """Make a member of a registry; the id is the person's."""
    return ProjectMember(
        id=ids.write("User", found.id),
        name=found.display_name or found.name,
        username=found.name,
        email=found.email,
        role=Role(name=found.role),
    )


async def find_project(ctx: Context, entity: str | None, name: str | None) -> Project | None:
    """Find a project or registry; None when there is none that the reader sees. No entity means where he works."""
    if entity is None:
        entity = await people.default_entity(ctx)
    if entity is None or name is None:
        return None
    place = await places.find(ctx, entity, name)
    return project_of(place) if place is not None else None


def connection(nodes: Sequence[Project], page: Listed[Any]) -> ProjectConnection:
    """Make a page of projects."""
    edges = [ProjectEdge(node=node, cursor=cursor) for node, cursor in zip(nodes, page.cursors, strict=True)]
    return ProjectConnection(edges=edges, page_info=pages.info(page))


async def page_of_projects(
    ctx: Context, entity: str | None, after: str | None, first: int | None
) -> ProjectConnection | None:
    """List the plain projects of an entity (of where the reader works, without one), newest first."""
    if entity is None:
        entity = await people.default_entity(ctx)
    if entity is None:
        return None
    limit = min(pages.size(first), catalog.MOST)
    page: Page[catalog.Project] = Page([])
    if not pages.ended(after):
        page = await catalog.list_projects(ctx.tx, ctx.actor, entity, limit=limit, cursor=pages.cursor(after))
    listed = pages.listed(page)
    nodes = [project_of(places.of_project(each)) for each in listed.rows]
    return connection(nodes, listed)
