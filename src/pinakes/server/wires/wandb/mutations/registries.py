"""Changes of projects and registries."""

from __future__ import annotations

import strawberry

from pinakes.server.catalog import projects
from pinakes.server.catalog.types import Project as CatalogProject, ProjectChanges
from pinakes.server.errors import Invalid
from pinakes.server.people import service as people
from pinakes.server.registries import members, service as registries
from pinakes.server.registries.types import RegistryChanges
from pinakes.server.wires.wandb import ids, places
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.inputs.registries import (
    CreateProjectMembersInput,
    DeleteModelInput,
    DeleteProjectMembersInput,
    RenameProjectInput,
    UpdateProjectMemberInput,
    UpdateProjectTeamMemberInput,
    UpsertModelInput,
)
from pinakes.server.wires.wandb.places import PREFIX, Place
from pinakes.server.wires.wandb.types.payloads import RenameProjectPayload, SuccessPayload, UpsertModelPayload
from pinakes.server.wires.wandb.types.people import default_entity
from pinakes.server.wires.wandb.types.projects import PRIVATE, RESTRICTED, project_of

DONE = SuccessPayload(success=True)


@strawberry.type
class RegistriesMutations:
    """Changes of projects and registries."""

    @strawberry.mutation
    async def upsert_model(self, info: Info, given: UpsertModelInput) -> UpsertModelPayload | None:
        """Make a project or registry where there is none of that name (or id), else change it."""
        ctx = info.context
        found = await _existing(ctx, given)
        if found is None:
            place = await _create(ctx, given)
        elif found.is_registry:
            place = await _change_registry(ctx, found.number, given)
        else:
            place = await _change_project(ctx, found, given)
        project = project_of(place)
        return UpsertModelPayload(inserted=found is None, project=project, model=project)

    @strawberry.mutation
    async def rename_project(self, info: Info, given: RenameProjectInput) -> RenameProjectPayload | None:
        """Rename a project or registry; one does not become the other."""
        ctx = info.context
        place = await places.need(ctx, given.entity_name, given.old_project_name)
        name = _name_within(place, given.new_project_name)
        if place.is_registry:
            changes = RegistryChanges(name=name)
            renamed = places.of_registry(await registries.update(ctx.tx, ctx.actor, place.number, changes))
        else:
            changed = await projects.update_project(ctx.tx, ctx.actor, place.number, ProjectChanges(name=name))
            renamed = places.of_project(changed)
        return RenameProjectPayload(inserted=False, project=project_of(renamed))

    @strawberry.mutation
    async def delete_model(self, info: Info, given: DeleteModelInput) -> SuccessPayload | None:
        """Delete a project or registry."""
        ctx = info.context
        number, is_registry = ids.project_or_registry(given.id, "id")
        verb = registries.delete if is_registry else projects.delete_project
        await verb(ctx.tx, ctx.actor, number)
        return DONE

    @strawberry.mutation
    async def create_project_members(self, info: Info, given: CreateProjectMembersInput) -> SuccessPayload | None:
        """Make people and teams members of a registry; who has a role keeps it."""
        ctx = info.context
        registry_id = await places.registry_by_id(ctx, given.project_id, "projectId")
        users, teams = _named(given.user_ids, given.team_ids)
        await members.add(ctx.tx, ctx.actor, registry_id, users=users, teams=teams)
        return DONE

    @strawberry.mutation
    async def delete_project_members(self, info: Info, given: DeleteProjectMembersInput) -> SuccessPayload | None:
        """End the roles of people and teams in a registry."""
        ctx = info.context
        registry_id = await places.registry_by_id(ctx, given.project_id, "projectId")
        users, teams = _named(given.user_ids, given.team_ids)
        await members.remove(ctx.tx, ctx.actor, registry_id, users=users, teams=teams)
        return DONE

    @strawberry.mutation
    async def update_project_member(self, info: Info, given: UpdateProjectMemberInput) -> SuccessPayload | None:
        """Give a person another role in a registry."""
        ctx = info.context
        registry_id = await places.registry_by_id(ctx, given.project_id, "projectId")
        user_id = ids.need(given.user_id, "userId", "User")
        await members.set_user_role(ctx.tx, ctx.actor, registry_id, user_id, given.user_project_role)
        return DONE

    @strawberry.mutation
    async def update_project_team_member(
        self, info: Info, given: UpdateProjectTeamMemberInput
    ) -> SuccessPayload | None:
        """Give a team another role in a registry."""
        ctx = info.context
        registry_id = await places.registry_by_id(ctx, given.project_id, "projectId")
        team_id = ids.need(given.team_id, "teamId", "Entity")
        await members.set_team_role(ctx.tx, ctx.actor, registry_id, team_id, given.team_project_role)
        return DONE


async def _existing(ctx: Context, given: UpsertModelInput) -> Place | None:
    if given.id is not None:
        return await places.by_id(ctx, given.id, "id")
    return await places.find(ctx, await _entity(ctx, given), _name(given))


async def _create(ctx: Context, given: UpsertModelInput) -> Place:
    entity, name = await _entity(ctx, given), _name(given)
    registry = places.registry_name(name)
    if registry is not None:
        organization = await people.organization(ctx.tx, entity)
        types = [each.name for each in given.artifact_types or ()]
        any_type = given.allow_all_artifact_types_in_registry
        made = await registries.create(
            ctx.tx,
            ctx.actor,
            organization.name,
            registry,
            visibility=_visibility(given.access),
            description=given.description or "",
            types=None if any_type or (any_type is None and not types) else types,
        )
        return places.of_registry(made)
    owner = await people.account(ctx.tx, entity)
    project = await projects.ensure_project(ctx.tx, ctx.actor, owner, name)
    return await _with_values(ctx, project, given)


async def _change_registry(ctx: Context, registry_id: int, given: UpsertModelInput) -> Place:
    changes = RegistryChanges(
        visibility=None if given.access is None else _visibility(given.access),
        description=given.description,
        add_types=[each.name for each in given.artifact_types] if given.artifact_types else None,
        all_types=given.allow_all_artifact_types_in_registry,
    )
    return places.of_registry(await registries.update(ctx.tx, ctx.actor, registry_id, changes))


async def _change_project(ctx: Context, place: Place, given: UpsertModelInput) -> Place:
    assert place.project is not None
    return await _with_values(ctx, place.project, given)


async def _with_values(ctx: Context, project: CatalogProject, given: UpsertModelInput) -> Place:
    """Give a project what is said of it, if anything is."""
    if given.access is not None or given.description is not None:
        visibility = None if given.access is None else _openness(given.access)
        changes = ProjectChanges(description=given.description, visibility=visibility)
        project = await projects.update_project(ctx.tx, ctx.actor, project.id, changes)
    return places.of_project(project)


async def _entity(ctx: Context, given: UpsertModelInput) -> str:
    entity = given.entity_name or await default_entity(ctx)
    if entity is None:
        message = "Say whose project it shall be."
        raise Invalid(message, field="entityName")
    return entity


def _name(given: UpsertModelInput) -> str:
    if given.name is None:
        message = "Say the project's name."
        raise Invalid(message, field="name")
    return given.name


def _name_within(place: Place, name: str) -> str:
    """Return the new name of a project or registry as the rooms want it."""
    registry = places.registry_name(name)
    if place.is_registry:
        if registry is None:
            message = f"The name of a registry begins with {PREFIX}."
            raise Invalid(message, field="newProjectName")
        return registry
    if registry is not None:
        message = f"Only the names of registries begin with {PREFIX}."
        raise Invalid(message, field="newProjectName")
    return name


def _visibility(access: str | None) -> str:
    """Return who sees a registry; what this API has for projects beside the two reads as the organization."""
    return "restricted" if access == RESTRICTED else "organization"


def _openness(access: str) -> str:
    """Return who sees a project: everybody, when everybody may read (or write, which this server does not offer)."""
    return "private" if access in {PRIVATE, RESTRICTED} else "public"


def _named(users: list[strawberry.ID] | None, teams: list[strawberry.ID] | None) -> tuple[list[int], list[int]]:
    return (
        [ids.need(each, "userIds", "User") for each in users or ()],
        [ids.need(each, "teamIds", "Entity") for each in teams or ()],
    )
