"""What is given to change artifacts and releases."""

from __future__ import annotations

import strawberry

from pinakes.server.wires.wandb.inputs.artifacts import TagInput


@strawberry.input
class UpdateArtifactSequenceInput:
    """Changes of an artifact."""

    artifact_sequence_id: strawberry.ID
    name: str | None = None
    description: str | None = None
    client_mutation_id: str | None = None


@strawberry.input
class UpdateArtifactPortfolioInput:
    """Changes of a release."""

    artifact_portfolio_id: strawberry.ID
    name: str | None = None
    description: str | None = None
    client_mutation_id: str | None = None


@strawberry.input
class MoveArtifactSequenceInput:
    """An artifact and its new type."""

    artifact_sequence_id: strawberry.ID
    destination_artifact_type_name: str
    client_mutation_id: str | None = None


@strawberry.input
class DeleteArtifactSequenceInput:
    """An artifact to delete."""

    artifact_sequence_id: strawberry.ID
    client_mutation_id: str | None = None


@strawberry.input
class DeleteArtifactPortfolioInput:
    """A release to delete."""

    artifact_portfolio_id: strawberry.ID
    client_mutation_id: str | None = None


@strawberry.input
class CreateArtifactCollectionTagAssignmentsInput:
    """Tags to give to a collection."""

    entity_name: str
    project_name: str
    artifact_collection_name: str
    tags: list[TagInput]
    client_mutation_id: str | None = strawberry.field(name="clientMutationID", default=None)


@strawberry.input
class DeleteArtifactCollectionTagAssignmentsInput:
    """Tags to take from a collection."""

    entity_name: str
    project_name: str
    artifact_collection_name: str
    tags: list[TagInput]
    client_mutation_id: str | None = strawberry.field(name="clientMutationID", default=None)
