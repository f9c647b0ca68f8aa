"""Versions of artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import strawberry

from pinakes.server.artifacts import lineage, manifests, memberships, runs as run_rooms, versions
from pinakes.server.artifacts.transfers import blob_download, blob_key, blob_upload
from pinakes.server.artifacts.types import Manifest, Version
from pinakes.server.errors import AccountNotFound, NotFound
from pinakes.server.paging import Page
from pinakes.server.people import service as accounts
from pinakes.server.wires.wandb import ids, pages
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.enums import ArtifactDigestAlgorithm, ArtifactState
from pinakes.server.wires.wandb.inputs.artifacts import ArtifactManifestEntryInput
from pinakes.server.wires.wandb.once import once
from pinakes.server.wires.wandb.pages import Counted, Listed, PageInfo
from pinakes.server.wires.wandb.places import Place
from pinakes.server.wires.wandb.scalars import DateTime, Int64, JSONString, text_of
from pinakes.server.wires.wandb.types import collections, files, people, runs
from pinakes.server.wires.wandb.types.references import (
    ArtifactAliasRef,
    ArtifactCollectionMembershipConnectionRef,
    ArtifactSequenceRef,
    ArtifactTypeRef,
    FileConnectionRef,
    FileRef,
    RunConnectionRef,
    RunRef,
    TagRef,
    UserRef,
)
from pinakes.server.wires.wandb.types.shown import Before, Shown

# What the client makes of a version that has no time to live of its own: its project decides, and that means none.
NO_TTL = -2
MOST_RUNS = 1000


@strawberry.type
class ArtifactManifest:
    """The list of a version's files, which is a file itself."""

    row: strawberry.Private[Manifest]
    # Whether it was announced just now, by who is about to send it.
    announced: strawberry.Private[bool]

    id: strawberry.ID
    digest: str | None

    @strawberry.field
    async def file(self, info: Info) -> FileRef:
        """The file that it is: where to send it, for who announces it, and where to get it once it is there."""
        ctx, row = info.context, self.row
        if row.md5 is None:
            name, file_id = row.name, ids.write("ManifestFile", row.id)
            return files.File(id=file_id, name=name, display_name=name, direct_url="", size_bytes=Int64(0))
        md5 = files.in_base64(row.md5)
        upload = blob_upload(
            ctx.state.signer,
            ctx.actor,
            account_id=row.account_id,
            md5=row.md5,
            version_id=row.version_id,
            name=row.name,
        )
        return files.File(
            id=ids.write("ManifestFile", row.id),
            name=row.name,
            display_name=row.name,
            direct_url=await _manifest_address(ctx, row),
            size_bytes=Int64(0),
            mimetype="application/json",
            digest=md5,
            md5=md5,
            upload_url=ctx.endpoint + upload if self.announced else None,
            upload_headers=[f"Content-MD5:{md5}", "Content-Type:application/json"],
        )


async def _manifest_address(ctx: Context, row: Manifest) -> str:
    """Return where a manifest can be fetched; "" while it is not there."""
    assert row.md5 is not None
    stored = await ctx.state.blobs.head(blob_key(row.account_id, row.md5))
    if stored is None:
        return ""
    path = f"{files.FOLDER}/{row.version_id}/{files.MANIFEST}"
    return ctx.endpoint + blob_download(
        ctx.state.signer, account_id=row.account_id, md5=row.md5, size=stored.size, path=path
    )


ArtifactCreator: TypeAlias = Annotated[RunRef | UserRef, strawberry.union("ArtifactCreator")]


@strawberry.type
class Artifact:
    """A version of an artifact."""

    row: strawberry.Private[Version]
    shown: strawberry.Private[Shown]
    # For the client that has just begun it: what `latest` named before.
    before: strawberry.Private[Before | None] = None

    id: strawberry.ID
    version_index: int | None
    description: str | None
    metadata: JSONString | None
    ttl_duration_seconds: Int64
    ttl_is_inherited: bool
    history_step: Int64 | None
    state: ArtifactState
    size: Int64
    digest: str
    digest_algorithm: ArtifactDigestAlgorithm | None
    file_count: Int64
    created_at: DateTime
    updated_at: DateTime | None
    commit_hash: str | None = None

    @strawberry.field
    async def artifact_sequence(self, info: Info) -> ArtifactSequenceRef:
        """The artifact that it is a version of."""
        cards = await self.shown.cards(info.context)
        card = cards.get(self.row.artifact_id)
        return collections.sequence_of(self.row, card, before=self.before)

    @strawberry.field
    def artifact_type(self) -> ArtifactTypeRef:
        """Its type."""
        return collections.ArtifactType(name=self.row.type, project_id=self.row.project_id)

    @strawberry.field
    def tags(self) -> list[TagRef]:
        """Its tags."""
        return [collections.tag_of(tag) for tag in self.row.tags]

    @strawberry.field
    async def aliases(self, info: Info) -> list[ArtifactAliasRef] | None:
        """Its aliases, in all collections."""
        return (await self.shown.aliases(info.context)).get(self.row.item_id or 0, [])

    @strawberry.field
    async def current_manifest(self, info: Info) -> ArtifactManifest | None:
        """Its list of files."""
        ctx = info.context
        return manifest_of(await manifests.current(ctx.tx, ctx.actor, self.row.id))

    @strawberry.field
    async def used_by(self, info: Info) -> RunConnectionRef:
        """The runs that used it, of those that the reader sees."""
        ctx = info.context
        found = await lineage.used_by(ctx.tx, ctx.actor, self.row.id, limit=MOST_RUNS)
        rows = await run_rooms.by_ids(ctx.tx, ctx.actor, [run.id for run in found.rows])
        page = pages.whole(rows)
        edges = pages.edges(page, lambda row, cursor: runs.RunEdge(node=runs.run_of(row), cursor=cursor))
        return runs.RunConnection(count=pages.known(len(rows)), edges=edges, page_info=pages.info(page))

    @strawberry.field
    async def created_by(self, info: Info) -> ArtifactCreator | None:
        """The run that first logged it, or the person who made it without one."""
        ctx = info.context
        run = await lineage.created_by(ctx.tx, ctx.actor, self.row)
        if run is not None:
            found = await run_rooms.by_ids(ctx.tx, ctx.actor, [run.id])
            return runs.run_of(found[0]) if found else None
        return await _person(ctx, self.row.created_by)

    @strawberry.field
    async def artifact_memberships(self, info: Info) -> ArtifactCollectionMembershipConnectionRef:
        """The collections that it is in."""
        ctx = info.context
        found = await memberships.of_version(ctx.tx, ctx.actor, self.row.id)
        return collections.membership_connection(pages.whole(found), found)

    @strawberry.field
    async def files(
        self, info: Info, names: list[str] | None = None, after: str | None = None, first: int | None = None
    ) -> FileConnectionRef | None:
        """Its files."""
        return await files.page_of_version(info.context, self.row, names, after, first)

    @strawberry.field
    async def files_by_manifest_entries(
        self,
        info: Info,
        storage_layout: str,  # noqa: ARG002 - files have addresses of their own here
        manifest_version: str,  # noqa: ARG002
        entries: list[ArtifactManifestEntryInput] | None = None,
        storage_region: str | None = None,  # noqa: ARG002
    ) -> FileConnectionRef | None:
        """Those files that a manifest lists as given."""
        names = [entry.name for entry in entries or []]
        return await files.page_of_version(info.context, self.row, names, None, max(len(names), 1))


@strawberry.type
class ArtifactEdge:
    """A version in a list."""

    node: Artifact | None
    cursor: str | None


@strawberry.type
class ArtifactConnection(Counted):
    """A page of versions."""

    edges: list[ArtifactEdge]
    page_info: PageInfo


@strawberry.type
class VersionedArtifactEdge:
    """A version in the list of a collection, with its number there."""

    version: str
    node: Artifact
    cursor: str | None


@strawberry.type
class VersionedArtifactConnection(Counted):
    """A page of a collection's versions."""

    edges: list[VersionedArtifactEdge]
    page_info: PageInfo


def artifact_of(row: Version, shown: Shown | None = None) -> Artifact:
    """Make a version, shown alone or together with others."""
    return Artifact(
        row=row,
        shown=shown or Shown([row]),
        id=ids.write("Artifact", row.id),
        version_index=row.number,
        description=row.description,
        metadata=text_of(row.metadata),
        ttl_duration_seconds=Int64(NO_TTL if row.ttl_seconds is None else row.ttl_seconds),
        ttl_is_inherited=row.ttl_seconds is None,
        history_step=None if row.history_step is None else Int64(row.history_step),
        state=ArtifactState(row.state.upper()),
        size=Int64(row.size),
        digest=row.digest,
        digest_algorithm=ArtifactDigestAlgorithm(row.digest_algorithm),
        file_count=Int64(row.file_count),
        created_at=DateTime(row.created_at),
        updated_at=DateTime(row.updated_at),
    )


def begun(row: Version, latest: Version | None) -> Artifact:
    """Make a version that was just begun, with what `latest` named before."""
    made = artifact_of(row)
    made.before = Before(latest)
    return made


def artifacts_of(rows: Sequence[Version]) -> list[Artifact]:
    """Make versions that are shown together."""
    shown = Shown(rows)
    return [artifact_of(row, shown) for row in rows]


def manifest_of(row: Manifest, *, announced: bool = False) -> ArtifactManifest:
    """Make a manifest."""
    return ArtifactManifest(
        row=row,
        announced=announced,
        id=ids.write("ArtifactManifest", row.id),
        digest=files.in_base64(row.md5) if row.md5 is not None else None,
    )


def connection(page: Listed[Version], count: pages.Count) -> ArtifactConnection:
    """Make a page of versions."""
    made = artifacts_of(page.rows)
    edges = [ArtifactEdge(node=node, cursor=cursor) for node, cursor in zip(made, page.cursors, strict=True)]
    return ArtifactConnection(count=count, edges=edges, page_info=pages.info(page))


async def find_by_id(ctx: Context, version_id: int | None) -> Artifact | None:
    """Find a version by its number; None when there is none that the reader sees."""
    if version_id is None:
        return None
    return await once(ctx, ("version", version_id), lambda: _found(ctx, version_id))


async def _found(ctx: Context, version_id: int) -> Artifact | None:
    try:
        return artifact_of(await versions.get(ctx.tx, ctx.actor, version_id))
    except NotFound:
        return None


async def find_artifact(ctx: Context, place: Place, name: str) -> Artifact | None:
    """Find a version by `name:alias`; None when there is none that the reader sees."""
    found = await collections.find_row(ctx, place, name)
    return artifact_of(found.version) if found is not None else None


async def outputs_of(ctx: Context, run_id: int, after: str | None, first: int | None) -> ArtifactConnection:
    """List the versions that a run made."""
    page: Page[Version] = Page([])
    if not pages.ended(after):
        limit = min(pages.size(first), lineage.PAGE)
        page = await lineage.outputs(ctx.tx, ctx.actor, run_id, limit=limit, cursor=pages.cursor(after))
    return connection(pages.listed(page), lambda: lineage.count_outputs(ctx.tx, ctx.actor, run_id))


async def inputs_of(ctx: Context, run_id: int, after: str | None, first: int | None) -> ArtifactConnection:
    """List the versions that a run read."""
    page: Page[Version] = Page([])
    if not pages.ended(after):
        limit = min(pages.size(first), lineage.PAGE)
        page = await lineage.inputs(ctx.tx, ctx.actor, run_id, limit=limit, cursor=pages.cursor(after))
    return connection(pages.listed(page), lambda: lineage.count_inputs(ctx.tx, ctx.actor, run_id))


async def _person(ctx: Context, name: str | None) -> UserRef | None:
    if name is None:
        return None
    try:
        return people.user_of(ctx, await accounts.user(ctx.tx, name))
    except AccountNotFound:
        return None
