"""What mutations answer."""

from __future__ import annotations

import strawberry

from pinakes.server.wires.wandb.types.artifacts import Artifact, ArtifactManifest
from pinakes.server.wires.wandb.types.collections import (
    ArtifactCollection,
    ArtifactCollectionMembership,
    ArtifactType,
    Tag,
)
from pinakes.server.wires.wandb.types.files import File, FileConnection
from pinakes.server.wires.wandb.types.people import ApiKey, Entity, Invite, User
from pinakes.server.wires.wandb.types.projects import Project
from pinakes.server.wires.wandb.types.runs import Run


@strawberry.type
class ArtifactPayload:
    """A version."""

    artifact: Artifact


@strawberry.type
class CreateArtifactPayload:
    """The version that was begun, or the one that has the same content."""

    artifact: Artifact


@strawberry.type
class ManifestPayload:
    """A manifest."""

    artifact_manifest: ArtifactManifest


@strawberry.type
class CreateArtifactFilesPayload:
    """Where to send files."""

    files: FileConnection


@strawberry.type
class DigestPayload:
    """The digest of a file that was put together."""

    digest: str | None


@strawberry.type
class SuccessPayload:
    """It is done."""

    success: bool
    client_mutation_id: str | None = None


@strawberry.type
class ArtifactTypePayload:
    """A type of artifacts."""

    artifact_type: ArtifactType | None


@strawberry.type
class LinkArtifactPayload:
    """The entry that a version has in a release now."""

    version_index: int | None
    artifact_membership: ArtifactCollectionMembership | None


@strawberry.type
class ArtifactCollectionPayload:
    """A collection."""

    artifact_collection: ArtifactCollection


@strawberry.type
class TagsPayload:
    """The tags of a collection."""

    tags: list[Tag]


@strawberry.type
class UpsertModelPayload:
    """A project or registry, and whether it is new."""

    inserted: bool | None
    project: Project | None
    model: Project | None


@strawberry.type
class RenameProjectPayload:
    """A project or registry with its new name."""

    inserted: bool | None
    project: Project | None


@strawberry.type
class UpsertBucketPayload:
    """A run, and whether it is new."""

    bucket: Run | None
    inserted: bool | None


@strawberry.type
class CreateRunFilesPayload:
    """Where to send files of a run."""

    run_id: strawberry.ID
    upload_headers: list[str]
    files: list[File]


@strawberry.type
class EntityPayload:
    """An owner of projects."""

    entity: Entity | None


@strawberry.type
class InvitePayload:
    """Somebody who was invited."""

    invite: Invite | None


@strawberry.type
class UserPayload:
    """A person."""

    user: User | None


@strawberry.type
class ApiKeyPayload:
    """A new key."""

    api_key: ApiKey | None


@strawberry.type
class DeleteRunPayload:
    """A run is deleted."""

    client_mutation_id: str | None = None


@strawberry.type
class RewindRunPayload:
    """A run that was taken back."""

    rewound_run: Run | None
