"""Where things live, as this API says it: an entity and a project, which may be a registry.

A registry is a project of its organization whose name begins with `wandb-registry-`. Everything else about a place is
the same for both: the collections in it have an owner and maybe a container.
"""

from __future__ import annotations

from dataclasses import dataclass

from pinakes.server.artifacts.types import Version
from pinakes.server.catalog import projects
from pinakes.server.catalog.types import Project
from pinakes.server.collections.types import Card
from pinakes.server.errors import NotFound, ProjectNotFound, RegistryNotFound
from pinakes.server.people import service as people
from pinakes.server.registries import service as registries
from pinakes.server.registries.types import Located, Registry
from pinakes.server.wires.wandb import ids
from pinakes.server.wires.wandb.context import Context
from pinakes.server.wires.wandb.once import once

PREFIX = "wandb-registry-"


@dataclass(frozen=True, slots=True)
class Place:
    """A project or a registry, as far as it is known without asking.

    Attributes:
        owner_id: Who owns the collections in it: the project's owner, or the registry itself.
        container_id: The project; None for a registry.
        visibility: What a check of permissions wants to know beside the owner.
        entity: The name of the entity that it belongs to; `entity_id` and `entity_kind` say more of it.
        name: Its name as this API has it, so with the prefix for a registry.
        row: All of it, where it was read.
    """

    owner_id: int
    container_id: int | None
    visibility: str
    entity: str
    entity_id: int
    entity_kind: str | None
    name: str
    row: Project | Registry | None = None

    @property
    def project(self) -> Project | None:
        """Return the project that it is, where it was read."""
        return self.row if isinstance(self.row, Project) else None

    @property
    def registry(self) -> Registry | None:
        """Return the registry that it is, where it was read."""
        return self.row if isinstance(self.row, Registry) else None

    @property
    def is_registry(self) -> bool:
        """Tell whether it is a registry."""
        return self.container_id is None

    @property
    def number(self) -> int:
        """Return the number of its row: of the project, or of the registry."""
        return self.owner_id if self.container_id is None else self.container_id


def of_project(project: Project) -> Place:
    """Return the place that a project is."""
    return Place(
        owner_id=project.owner_id,
        container_id=project.id,
        visibility=project.visibility,
        entity=project.owner,
        entity_id=project.owner_id,
        entity_kind=project.owner_kind,
        name=project.name,
        row=project,
    )


def of_registry(registry: Registry) -> Place:
    """Return the place that a registry is."""
    return Place(
        owner_id=registry.id,
        container_id=None,
        visibility="private",
        entity=registry.organization,
        entity_id=registry.organization_id,
        entity_kind="organization",
        name=PREFIX + registry.name,
        row=registry,
    )


def of_located(registry: Located) -> Place:
    """Return the place that a registry is, without all of it."""
    return Place(
        owner_id=registry.id,
        container_id=None,
        visibility="private",
        entity=registry.organization,
        entity_id=registry.organization_id,
        entity_kind="organization",
        name=PREFIX + registry.name,
    )


def of_card(card: Card) -> Place:
    """Return the place of an artifact or release."""
    in_registry = card.container_id is None
    return Place(
        owner_id=card.owner_id,
        container_id=card.container_id,
        visibility=card.visibility,
        entity=(card.organization or "") if in_registry else card.owner,
        entity_id=(card.organization_id or 0) if in_registry else card.owner_id,
        entity_kind="organization" if in_registry else card.owner_kind,
        name=PREFIX + card.owner_title if in_registry else card.container or "",
    )


def of_version(version: Version) -> Place:
    """Return the project that a version was logged in."""
    return Place(
        owner_id=version.owner_id,
        container_id=version.project_id,
        visibility=version.project_visibility,
        entity=version.owner,
        entity_id=version.owner_id,
        entity_kind=None,
        name=version.project,
    )


def registry_name(name: str) -> str | None:
    """Return the name of the registry that a project's name stands for; None for one of a plain project."""
    return name[len(PREFIX) :] if name.lower().startswith(PREFIX) else None


async def need(ctx: Context, entity: str, name: str) -> Place:
    """Find a place.

    Raises:
        ProjectNotFound, RegistryNotFound: there is none that the reader sees.
    """
    registry = registry_name(name)
    if registry is None:
        return of_project(await projects.get_project(ctx.tx, ctx.actor, entity, name))
    try:
        organization = await people.organization(ctx.tx, entity)
        return of_located(await registries.locate_in(ctx.tx, ctx.actor, organization, registry))
    except NotFound as error:
        message = f"There is no registry {registry[:150]!r} in {entity[:100]!r}, or you may not see it."
        raise RegistryNotFound(message, field="project") from error


async def find(ctx: Context, entity: str, name: str) -> Place | None:
    """Find a place; None when there is none that the reader sees."""
    try:
        return await need(ctx, entity, name)
    except NotFound:
        return None


async def row_of(ctx: Context, place: Place) -> Project | Registry:
    """Return all of a place.

    Raises:
        ProjectNotFound, RegistryNotFound: it is gone meanwhile.
    """
    if place.row is not None:
        return place.row
    if place.container_id is None:
        return await registry_of(ctx, place)
    number = place.container_id
    return await once(ctx, ("project row", number), lambda: projects.project_by_id(ctx.tx, ctx.actor, number))


async def registry_of(ctx: Context, place: Place) -> Registry:
    """Return all of a registry, read once for a request.

    Raises:
        RegistryNotFound: it is gone meanwhile.
    """
    number = place.owner_id
    if place.registry is not None:
        return place.registry
    return await once(ctx, ("registry row", number), lambda: registries.by_id(ctx.tx, ctx.actor, number))


async def by_id(ctx: Context, given: str, field: str) -> Place:
    """Find a place by its id as a project.

    Raises:
        Invalid: that is no such id.
        ProjectNotFound, RegistryNotFound: there is none that the reader sees.
    """
    number, is_registry = ids.project_or_registry(given, field)
    if is_registry:
        return of_registry(await registries.by_id(ctx.tx, ctx.actor, number))
    return of_project(await projects.project_by_id(ctx.tx, ctx.actor, number))


async def registry_by_id(ctx: Context, given: str, field: str) -> int:
    """Find a registry by its id as a project; return its number.

    Raises:
        Invalid: that is no such id.
        RegistryNotFound: there is none that the reader sees.
        ProjectNotFound: it is the id of a plain project, which has no members of its own.
    """
    number, is_registry = ids.project_or_registry(given, field)
    if not is_registry:
        message = "A project has no members of its own: its owner's members are. Registries have."
        raise ProjectNotFound(message, field=field)
    return (await registries.by_id(ctx.tx, ctx.actor, number)).id
