"""What is given to link versions and to set aliases."""

from __future__ import annotations

import strawberry

from pinakes.server.wires.wandb.inputs.artifacts import ArtifactAliasInput


@strawberry.input
class LinkArtifactInput:
    """A version and the release to link it into."""

    artifact_id: strawberry.ID | None = None
    client_id: strawberry.ID | None = None
    artifact_portfolio_id: strawberry.ID | None = None
    artifact_portfolio_name: str | None = None
    entity_name: str | None = None
    project_name: str | None = None
    aliases: list[ArtifactAliasInput] | None = None
    client_mutation_id: str | None = None


@strawberry.input
class UnlinkArtifactInput:
    """A version and the release to take it out of."""

    artifact_id: strawberry.ID
    artifact_portfolio_id: strawberry.ID
    client_mutation_id: str | None = None


@strawberry.input
class ArtifactCollectionAliasInput:
    """An alias, and the collection in which it holds."""

    entity_name: str
    project_name: str
    artifact_collection_name: str
    alias: str


@strawberry.input
class AddAliasesInput:
    """Aliases to set."""

    artifact_id: strawberry.ID
    aliases: list[ArtifactCollectionAliasInput]
    client_mutation_id: str | None = None


@strawberry.input
class DeleteAliasesInput:
    """Aliases to remove."""

    artifact_id: strawberry.ID
    aliases: list[ArtifactCollectionAliasInput]
    client_mutation_id: str | None = None
