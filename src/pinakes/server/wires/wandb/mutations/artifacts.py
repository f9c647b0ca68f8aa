"""Making and changing versions."""

from __future__ import annotations

import binascii
from base64 import b64decode

import strawberry

from pinakes.server.artifacts import (
    access,
    artifacts as lines,
    commits,
    files as rooms,
    lineage,
    manifests,
    memberships,
    runs,
    transfers,
    versions,
)
from pinakes.server.artifacts.types import FilePlace, FileSpec, NewVersion, VersionChanges
from pinakes.server.catalog.projects import ensure_project
from pinakes.server.errors import Invalid
from pinakes.server.people import service as people
from pinakes.server.wires.wandb import ids, places
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.enums import CompleteMultipartAction
from pinakes.server.wires.wandb.inputs.artifacts import (
    CommitArtifactInput,
    CompleteMultipartUploadArtifactInput,
    CreateArtifactFilesInput,
    CreateArtifactFileSpecInput,
    CreateArtifactInput,
    CreateArtifactManifestInput,
    CreateArtifactTypeInput,
    DeleteArtifactInput,
    TagInput,
    UpdateArtifactInput,
    UpdateArtifactManifestInput,
    UseArtifactInput,
)
from pinakes.server.wires.wandb.scalars import Int64
from pinakes.server.wires.wandb.types import artifacts, collections, files
from pinakes.server.wires.wandb.types.payloads import (
    ArtifactPayload,
    ArtifactTypePayload,
    CreateArtifactFilesPayload,
    CreateArtifactPayload,
    DigestPayload,
    ManifestPayload,
)

VERSION = "Artifact"
MANIFEST = "ArtifactManifest"
DEFAULT_ALGORITHM = "MANIFEST_MD5"


@strawberry.type
class ArtifactsMutations:
    """Making and changing versions."""

    @strawberry.mutation
    async def create_artifact_type(self, info: Info, given: CreateArtifactTypeInput) -> ArtifactTypePayload | None:
        """Make a type of artifacts known in a project."""
        ctx = info.context
        owner = await people.account(ctx.tx, given.entity_name)
        project = await ensure_project(ctx.tx, ctx.actor, owner, given.project_name)
        await lines.register_type(ctx.tx, ctx.actor, project.id, given.name, description=given.description or "")
        made = collections.ArtifactType(name=given.name, place=places.of_project(project))
        return ArtifactTypePayload(artifact_type=made)

    @strawberry.mutation
    async def create_artifact(self, info: Info, given: CreateArtifactInput) -> CreateArtifactPayload | None:
        """Begin a version, or find the one with the same content."""
        ctx = info.context
        begun = await versions.begin(ctx.tx, ctx.actor, await _new_version(ctx, given))
        return CreateArtifactPayload(artifact=artifacts.begun(begun.version, begun.latest))

    @strawberry.mutation
    async def create_artifact_manifest(self, info: Info, given: CreateArtifactManifestInput) -> ManifestPayload | None:
        """Begin a manifest, or say where to send it."""
        ctx = info.context
        made = await manifests.declare(
            ctx.tx,
            ctx.actor,
            ids.need(given.artifact_id, "artifactID", VERSION),
            type=given.type.value.lower() if given.type is not None else "full",
            name=given.name,
            md5=md5_of(given.digest, "digest"),
            base_id=_optional(given.base_artifact_id, "baseArtifactID"),
        )
        return ManifestPayload(artifact_manifest=artifacts.manifest_of(made, announced=True))

    @strawberry.mutation
    async def update_artifact_manifest(self, info: Info, given: UpdateArtifactManifestInput) -> ManifestPayload | None:
        """Say where to send a manifest that was begun."""
        ctx = info.context
        made = await manifests.update(
            ctx.tx,
            ctx.actor,
            ids.need(given.artifact_manifest_id, "artifactManifestID", MANIFEST),
            md5=md5_of(given.digest or "", "digest"),
            base_id=_optional(given.base_artifact_id, "baseArtifactID"),
        )
        return ManifestPayload(artifact_manifest=artifacts.manifest_of(made, announced=True))

    @strawberry.mutation
    async def create_artifact_files(
        self, info: Info, given: CreateArtifactFilesInput
    ) -> CreateArtifactFilesPayload | None:
        """Say where to send files, or that they are here already."""
        ctx = info.context
        specs = [_spec(file) for file in given.artifact_files]
        found = await rooms.places(ctx.tx, ctx.actor, specs)
        made = [
            _file_to_send(ctx, file, spec, place)
            for file, spec, place in zip(given.artifact_files, specs, found, strict=True)
        ]
        return CreateArtifactFilesPayload(files=files.connection(made))

    @strawberry.mutation
    async def complete_multipart_upload_artifact(
        self, info: Info, given: CompleteMultipartUploadArtifactInput
    ) -> DigestPayload | None:
        """Put a large file together, or give it up."""
        ctx = info.context
        version = await versions.get(ctx.tx, ctx.actor, ids.need(given.artifact_id, "artifactID", VERSION))
        access.require_write(ctx.actor, version)
        md5 = files.md5_of(given.storage_path)
        if md5 is None:
            message = "storagePath must be one that createArtifactFiles answered with."
            raise Invalid(message, field="storagePath")
        if given.complete_multipart_action is CompleteMultipartAction.ABORT:
            await transfers.drop_parts(ctx.state.blobs, account_id=version.owner_id, upload_id=given.upload_id)
            return DigestPayload(digest=None)
        await transfers.join_parts(
            ctx.state.db,
            ctx.state.blobs,
            account_id=version.owner_id,
            md5=md5,
            upload_id=given.upload_id,
            numbers=[part.part_number for part in given.completed_parts],
            version_id=version.id,
            most=ctx.state.settings.max_upload_bytes,
        )
        return DigestPayload(digest=files.in_base64(md5))

    @strawberry.mutation
    async def commit_artifact(self, info: Info, given: CommitArtifactInput) -> ArtifactPayload | None:
        """Complete a version: it gets its number."""
        ctx = info.context
        version_id = ids.need(given.artifact_id, "artifactID", VERSION)
        done = await commits.commit(ctx.state.db, ctx.state.blobs, ctx.actor, version_id)
        return ArtifactPayload(artifact=artifacts.artifact_of(done))

    @strawberry.mutation
    async def update_artifact(self, info: Info, given: UpdateArtifactInput) -> ArtifactPayload | None:
        """Change what is said of a version."""
        ctx = info.context
        changes = VersionChanges(
            description=given.description,
            metadata=given.metadata,
            tags_to_add=_tags(given.tags_to_add),
            tags_to_delete=_tags(given.tags_to_delete),
            ttl_seconds=given.ttl_duration_seconds,
        )
        version_id = ids.need(given.artifact_id, "artifactID", VERSION)
        changed = await versions.update(ctx.tx, ctx.actor, version_id, changes)
        return ArtifactPayload(artifact=artifacts.artifact_of(changed))

    @strawberry.mutation
    async def delete_artifact(self, info: Info, given: DeleteArtifactInput) -> ArtifactPayload | None:
        """Delete a version."""
        ctx = info.context
        version_id = ids.need(given.artifact_id, "artifactID", VERSION)
        version = await versions.get(ctx.tx, ctx.actor, version_id)
        await versions.delete(ctx.tx, ctx.actor, version_id, delete_aliases=bool(given.delete_aliases))
        return ArtifactPayload(artifact=artifacts.artifact_of(version))

    @strawberry.mutation
    async def use_artifact(self, info: Info, given: UseArtifactInput) -> ArtifactPayload | None:
        """Take note that a run reads a version."""
        ctx = info.context
        version_id = ids.need(given.artifact_id, "artifactID", VERSION)
        run = await runs.find(ctx.tx, ctx.actor, given.entity_name, given.project_name, given.run_name)
        through = await _through(ctx, version_id, given)
        used = await lineage.use(
            ctx.tx, ctx.actor, run.id, version_id, through_id=through, used_as=given.used_as or None
        )
        return ArtifactPayload(artifact=artifacts.artifact_of(used))


def md5_of(digest: str, field: str) -> bytes | None:
    """Read an MD5 as the client writes it, in base64; None where it says none.

    Raises:
        Invalid: it is none.
    """
    if not digest:
        return None
    try:
        found = b64decode(digest, validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"{field} must be an MD5 in base64."
        raise Invalid(message, field=field) from error
    if len(found) != manifests.MD5_LENGTH:
        message = f"{field} must be an MD5 in base64, so {manifests.MD5_LENGTH} bytes, not {len(found)}."
        raise Invalid(message, field=field)
    return found


async def _new_version(ctx: Context, given: CreateArtifactInput) -> NewVersion:
    """Say in our words what the client wants to log; its project is made where there is none."""
    names = [given.artifact_collection_name] if given.artifact_collection_name else given.artifact_collection_names
    if not names:
        message = "artifactCollectionName must be given: it is the name of the artifact."
        raise Invalid(message, field="artifactCollectionName")
    owner = await people.account(ctx.tx, given.entity_name)
    project = await ensure_project(ctx.tx, ctx.actor, owner, given.project_name)
    run = None
    if given.run_name:
        run = await runs.find(ctx.tx, ctx.actor, given.entity_name, given.project_name, given.run_name)
    return NewVersion(
        project_id=project.id,
        type=given.artifact_type_name,
        artifact=names[0],
        digest=given.digest,
        digest_algorithm=given.digest_algorithm.value if given.digest_algorithm else DEFAULT_ALGORITHM,
        description=given.description,
        metadata=given.metadata,
        tags=_tags(given.tags),
        aliases=[alias.alias for alias in given.aliases or []],
        ttl_seconds=given.ttl_duration_seconds,
        history_step=given.history_step,
        storage_region=given.storage_region,
        distributed_id=given.distributed_id or None,
        client_id=given.client_id or None,
        sequence_client_id=given.sequence_client_id or None,
        run_id=run.id if run is not None else None,
        deduplicate=given.enable_digest_deduplication is not False,
    )


def _spec(given: CreateArtifactFileSpecInput) -> FileSpec:
    md5 = md5_of(given.md5, "md5")
    if md5 is None:
        message = f"md5 of {given.name[:200]!r} must be given."
        raise Invalid(message, field="md5")
    return FileSpec(ids.need(given.artifact_id, "artifactID", VERSION), given.name, md5)


def _file_to_send(ctx: Context, given: CreateArtifactFileSpecInput, spec: FileSpec, place: FilePlace) -> files.File:
    """Say where a file goes; where its content is here already, only who had it first."""
    md5 = files.in_base64(spec.md5)
    mimetype = given.mimetype or transfers.type_of(given.name) or "application/octet-stream"
    made = files.File(
        born_in=(place.birth_id, spec.version_id),
        id=ids.write("File", spec.version_id, spec.md5.hex()),
        name=given.name,
        display_name=given.name,
        direct_url="",
        size_bytes=Int64(0),
        storage_path=files.storage_path(place.account_id, spec.md5),
        mimetype=mimetype,
        digest=md5,
        md5=md5,
        upload_headers=[f"Content-MD5:{md5}", f"Content-Type:{mimetype}"],
    )
    if not place.there:
        name = given.name.rpartition("/")[2]
        made.upload_url = ctx.endpoint + transfers.blob_upload(
            ctx.state.signer,
            ctx.actor,
            account_id=place.account_id,
            md5=spec.md5,
            version_id=spec.version_id,
            name=name,
        )
        made.upload_multipart_urls = _parts_to_send(ctx, given, place, name)
    return made


def _parts_to_send(
    ctx: Context, given: CreateArtifactFileSpecInput, place: FilePlace, name: str
) -> files.UploadMultipartUrls | None:
    """Say where the parts of a large file go; None for one that comes whole."""
    if not given.upload_parts_input:
        return None
    upload_id = transfers.new_upload_id()
    parts = [
        files.UploadUrlPart(
            part_number=part.part_number,
            upload_url=ctx.endpoint
            + transfers.part_upload(
                ctx.state.signer,
                ctx.actor,
                account_id=place.account_id,
                upload_id=upload_id,
                number=part.part_number,
                md5=_hex_md5(part.hex_md5),
                name=name,
            ),
        )
        for part in given.upload_parts_input
    ]
    return files.UploadMultipartUrls(upload_id=upload_id, upload_url_parts=parts)


def _hex_md5(text: str) -> bytes:
    found = files.md5_of(text)
    if found is None:
        message = "hexMD5 must be the 32 hex digits of an MD5."
        raise Invalid(message, field="hexMD5")
    return found


def _optional(text: str | None, field: str) -> int | None:
    return ids.need(text, field, VERSION) if text else None


def _tags(given: list[TagInput] | None) -> list[str]:
    return [tag.tag_name for tag in given or []]


async def _through(ctx: Context, version_id: int, given: UseArtifactInput) -> int | None:
    """Return the collection by which a run reached a version: the one in the project that the client names."""
    if not (given.artifact_entity_name and given.artifact_project_name):
        return None
    place = await places.find(ctx, given.artifact_entity_name, given.artifact_project_name)
    if place is None:
        return None
    for found in await memberships.of_version(ctx.tx, ctx.actor, version_id):
        if (found.collection.owner_id, found.collection.container_id) == (place.owner_id, place.container_id):
            return found.collection.id
    return None
