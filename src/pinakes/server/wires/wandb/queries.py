"""What can be read: the entry points."""

from __future__ import annotations

import strawberry

from pinakes.server.artifacts import versions
from pinakes.server.wires.wandb import ids
from pinakes.server.wires.wandb.context import Info
from pinakes.server.wires.wandb.scalars import JSONString
from pinakes.server.wires.wandb.types import artifacts, collections, people, projects
from pinakes.server.wires.wandb.types.artifacts import Artifact
from pinakes.server.wires.wandb.types.collections import ArtifactCollection
from pinakes.server.wires.wandb.types.people import Entity, Organization, User, UserConnection
from pinakes.server.wires.wandb.types.projects import Project, ProjectConnection
from pinakes.server.wires.wandb.types.server import SERVER, ClientIDMapping, ServerInfo


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    async def viewer(self, info: Info) -> User | None:
        """Who asks."""
        return await people.viewer(info.context)

    @strawberry.field
    def server_info(self) -> ServerInfo | None:
        """What a client asks before anything else."""
        return SERVER

    @strawberry.field
    async def entity(self, info: Info, name: str | None = None) -> Entity | None:
        """An owner of projects, by name."""
        return await people.find_entity(info.context, name)

    @strawberry.field
    async def organization(self, info: Info, name: str | None = None) -> Organization | None:
        """An organization, by the name that people call it or its own."""
        return await people.find_organization(info.context, name)

    @strawberry.field
    async def project(self, info: Info, name: str | None = None, entity_name: str | None = None) -> Project | None:
        """A project or registry."""
        return await projects.find_project(info.context, entity_name, name)

    @strawberry.field
    async def model(self, info: Info, name: str | None = None, entity_name: str | None = None) -> Project | None:
        """The same as `project`, in older documents."""
        return await projects.find_project(info.context, entity_name, name)

    @strawberry.field
    async def models(
        self,
        info: Info,
        entity_name: str | None = None,
        after: str | None = None,
        first: int | None = None,
        order: str | None = None,  # noqa: ARG002 - the newest comes first
        filters: JSONString | None = None,  # noqa: ARG002 - the client has none
    ) -> ProjectConnection | None:
        """The projects of an owner."""
        return await projects.page_of_projects(info.context, entity_name, after, first)

    @strawberry.field
    async def artifact(self, info: Info, given_id: strawberry.ID) -> Artifact | None:
        """A version."""
        return await artifacts.find_by_id(info.context, ids.read(given_id, "Artifact"))

    @strawberry.field
    async def artifact_collection(self, info: Info, given_id: strawberry.ID) -> ArtifactCollection | None:
        """A collection."""
        return await collections.find_by_id(info.context, ids.read(given_id, *collections.COLLECTION_IDS))

    @strawberry.field
    async def users(
        self,
        info: Info,
        query: str | None = None,
        usernames: list[str] | None = None,
        after: str | None = None,
        first: int | None = None,
    ) -> UserConnection | None:
        """People by a part of their name."""
        return await people.page_of_users(info.context, query, usernames, after, first)

    @strawberry.field
    async def client_id_mapping(self, info: Info, client_id: strawberry.ID) -> ClientIDMapping | None:
        """What the server calls a version that a client named before."""
        ctx = info.context
        found = await versions.client_target(ctx.tx, ctx.actor, client_id)
        if found is None:
            return None
        if found.version_id is not None:
            return ClientIDMapping(server_id=ids.write("Artifact", found.version_id))
        return ClientIDMapping(server_id=ids.write("ArtifactCollection", found.artifact_id or 0))
