"""What is given to change projects and registries."""

from __future__ import annotations

import strawberry

from pinakes.server.wires.wandb.scalars import JSONString


@strawberry.input
class ArtifactTypeInput:
    """A type that a registry shall accept."""

    name: str
    description: str | None = None


@strawberry.input
class ProjectIconInput:
    """An icon; this server shows none."""

    name: str
    color: str


@strawberry.input
class RateLimitsInput:
    """Limits of a project; this server has none."""

    graphql: int | None = None


@strawberry.input
class UpsertModelInput:
    """A project or registry to make, or changes of it."""

    id: str | None = None
    name: str | None = None
    entity_name: str | None = None
    description: str | None = None
    access: str | None = None
    views: JSONString | None = None
    framework: str | None = None
    is_benchmark: bool | None = None
    is_published: bool | None = None
    owner: strawberry.ID | None = None
    repo: str | None = None
    docker_image: str | None = None
    icon: ProjectIconInput | None = None
    rate_limits: RateLimitsInput | None = None
    allow_all_artifact_types_in_registry: bool | None = None
    artifact_types: list[ArtifactTypeInput] | None = None
    client_mutation_id: str | None = None


@strawberry.input
class RenameProjectInput:
    """A project or registry and its new name."""

    entity_name: str
    old_project_name: str
    new_project_name: str
    client_mutation_id: str | None = None


@strawberry.input
class DeleteModelInput:
    """A project or registry to delete."""

    id: str
    client_mutation_id: str | None = None


@strawberry.input
class CreateProjectMembersInput:
    """People and teams to give a role in a registry."""

    project_id: strawberry.ID
    user_ids: list[strawberry.ID] | None = None
    team_ids: list[strawberry.ID] | None = None
    client_mutation_id: str | None = None


@strawberry.input
class DeleteProjectMembersInput:
    """People and teams whose role in a registry ends."""

    project_id: strawberry.ID
    user_ids: list[strawberry.ID] | None = None
    team_ids: list[strawberry.ID] | None = None
    client_mutation_id: str | None = None


@strawberry.input
class UpdateProjectMemberInput:
    """A person's new role in a registry."""

    project_id: strawberry.ID
    user_id: strawberry.ID
    user_project_role: str
    client_mutation_id: str | None = None


@strawberry.input
class UpdateProjectTeamMemberInput:
    """A team's new role in a registry."""

    project_id: strawberry.ID
    team_id: strawberry.ID
    team_project_role: str
    client_mutation_id: str | None = None
