"""What is given to make and change versions."""

from __future__ import annotations

import strawberry

from pinakes.server.wires.wandb.enums import (
    ArtifactDigestAlgorithm,
    ArtifactManifestType,
    ArtifactStorageLayout,
    CompleteMultipartAction,
)
from pinakes.server.wires.wandb.scalars import Int64, JSONString


@strawberry.input
class ArtifactManifestEntryInput:
    """A file as a manifest lists it."""

    name: str
    digest: str
    birth_artifact_id: str | None = None
    size: Int64 | None = None
    ref: str | None = None


@strawberry.input
class ArtifactAliasInput:
    """An alias to set in a collection."""

    artifact_collection_name: str
    alias: str


@strawberry.input
class TagInput:
    """A tag to add or to take away."""

    tag_name: str
    tag_category_name: str | None = None
    attributes: JSONString | None = None


@strawberry.input
class UploadPartsInput:
    """A part of a large file and its digest (or ETag)."""

    part_number: Int64
    hex_md5: str


@strawberry.input
class CreateArtifactTypeInput:
    """A type of artifacts to make known in a project."""

    entity_name: str
    project_name: str
    name: str
    description: str | None = None


@strawberry.input
class CreateArtifactInput:
    """A version to begin."""

    entity_name: str
    project_name: str
    artifact_type_name: str
    artifact_collection_name: str | None = None
    artifact_collection_names: list[str] | None = None
    run_name: str | None = None
    digest: str
    digest_algorithm: ArtifactDigestAlgorithm | None = None
    description: str | None = None
    labels: JSONString | None = None
    aliases: list[ArtifactAliasInput] | None = None
    tags: list[TagInput] | None = None
    metadata: JSONString | None = None
    ttl_duration_seconds: Int64 | None = None
    history_step: Int64 | None = None
    enable_digest_deduplication: bool | None = None
    distributed_id: str | None = None
    client_id: strawberry.ID | None = None
    sequence_client_id: strawberry.ID | None = None
    storage_region: str | None = None
    client_mutation_id: str | None = None


@strawberry.input
class CreateArtifactManifestInput:
    """A manifest to begin or to send."""

    artifact_id: strawberry.ID
    base_artifact_id: strawberry.ID | None = None
    name: str
    digest: str
    entity_name: str
    project_name: str
    run_name: str
    type: ArtifactManifestType | None = None
    client_mutation_id: str | None = None


@strawberry.input
class UpdateArtifactManifestInput:
    """A manifest to send."""

    artifact_manifest_id: strawberry.ID
    digest: str | None = None
    base_artifact_id: strawberry.ID | None = None
    client_mutation_id: str | None = None


@strawberry.input
class CreateArtifactFileSpecInput:
    """A file to send."""

    artifact_id: strawberry.ID
    artifact_manifest_id: strawberry.ID | None = None
    name: str
    md5: str
    digest_algorithm: str | None = None
    digest: str | None = None
    mimetype: str | None = None
    upload_parts_input: list[UploadPartsInput] | None = None


@strawberry.input
class CreateArtifactFilesInput:
    """Files to send."""

    artifact_files: list[CreateArtifactFileSpecInput]
    storage_layout: ArtifactStorageLayout | None = None
    digest_algorithm: ArtifactDigestAlgorithm | None = None
    cloud_region_id: strawberry.ID | None = None
    client_mutation_id: str | None = None


@strawberry.input
class CompleteMultipartUploadArtifactInput:
    """The parts of a large file that were sent."""

    complete_multipart_action: CompleteMultipartAction
    completed_parts: list[UploadPartsInput]
    artifact_id: strawberry.ID
    storage_path: str
    upload_id: str
    client_mutation_id: str | None = None


@strawberry.input
class CommitArtifactInput:
    """A version that is complete."""

    artifact_id: strawberry.ID
    client_mutation_id: str | None = None


@strawberry.input
class UpdateArtifactInput:
    """Changes of a version."""

    artifact_id: strawberry.ID
    description: str | None = None
    labels: JSONString | None = None
    metadata: JSONString | None = None
    ttl_duration_seconds: Int64 | None = None
    tags_to_add: list[TagInput] | None = None
    tags_to_delete: list[TagInput] | None = None
    aliases: list[ArtifactAliasInput] | None = None
    client_mutation_id: str | None = None


@strawberry.input
class DeleteArtifactInput:
    """A version to delete."""

    artifact_id: strawberry.ID
    delete_aliases: bool | None = False
    client_mutation_id: str | None = None


@strawberry.input
class UseArtifactInput:
    """A version that a run reads."""

    artifact_id: strawberry.ID
    entity_name: str
    project_name: str
    run_name: str
    used_as: str | None = None
    artifact_entity_name: str | None = None
    artifact_project_name: str | None = None
    client_mutation_id: str | None = None
