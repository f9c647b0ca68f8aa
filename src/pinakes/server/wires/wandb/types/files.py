"""Files of runs and versions."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import strawberry

from pinakes.server.artifacts import files as rooms, runs as run_rooms, transfers
from pinakes.server.artifacts.run_types import Run, RunFile
from pinakes.server.artifacts.types import Version, VersionFile
from pinakes.server.paging import Page
from pinakes.server.wires.wandb import ids, pages
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.pages import Counted, Listed, PageInfo
from pinakes.server.wires.wandb.scalars import DateTime, Int64
from pinakes.server.wires.wandb.types import artifacts
from pinakes.server.wires.wandb.types.references import ArtifactRef

# The client and its tests look for these words in the addresses of files.
FOLDER = "wandb_artifacts"
MANIFEST = "wandb_manifest.json"


@strawberry.type
class UploadUrlPart:
    """Where to send one part of a large file."""

    part_number: Int64
    upload_url: str


@strawberry.type
class UploadMultipartUrls:
    """Where to send the parts of a large file."""

    upload_id: str
    upload_url_parts: list[UploadUrlPart]


@strawberry.type
class File:
    """A file of a run or of a version, or the manifest of one."""

    # The version that first had this content and, should that one be gone, the one whose file it is.
    born_in: strawberry.Private[tuple[int, ...]] = ()

    id: strawberry.ID
    name: str
    display_name: str
    direct_url: str
    size_bytes: Int64
    storage_path: str | None = None
    mimetype: str | None = None
    updated_at: DateTime | None = None
    digest: str | None = None
    md5: str | None = None
    upload_url: str | None = None
    upload_headers: list[str] = strawberry.field(default_factory=list)
    upload_multipart_urls: UploadMultipartUrls | None = None

    @strawberry.field
    def url(self, upload: bool | None = None) -> str | None:  # noqa: FBT001 - the API's own argument
        """Where to fetch it, or to send it."""
        return self.upload_url if upload else self.direct_url

    @strawberry.field
    async def artifact(self, info: Info) -> ArtifactRef | None:
        """The version that first had this content."""
        for version_id in self.born_in:
            found = await artifacts.find_by_id(info.context, version_id)
            if found is not None:
                return found
        return None


@strawberry.type
class FileEdge:
    """A file in a list."""

    node: File | None
    cursor: str | None = None


@strawberry.type
class FileConnection(Counted):
    """A page of files."""

    edges: list[FileEdge]
    page_info: PageInfo
    upload_headers: list[str] | None = None


def storage_path(account_id: int, md5: bytes) -> str:
    """Return what this API calls the place of a content."""
    return f"{FOLDER}/{account_id}/{md5.hex()}"


def md5_of(path: str) -> bytes | None:
    """Return the MD5 in a storage path; None when it is none."""
    digest = path.rpartition("/")[2]
    try:
        found = bytes.fromhex(digest)
    except ValueError:
        return None
    return found if len(found) == 16 else None  # noqa: PLR2004 - an MD5


def in_base64(md5: bytes) -> str:
    """Write a digest as the client does."""
    return b64encode(md5).decode()


def file_of_version(ctx: Context, version: Version, account_id: int, row: VersionFile) -> File:
    """Make a file of a version; a reference's address is where it points."""
    if row.md5 is None:
        address, stored = row.reference or "", None
    else:
        stored = storage_path(account_id, row.md5)
        path = f"{FOLDER}/{version.artifact}/v{version.number}/{row.path}"
        signed = transfers.blob_download(ctx.state.signer, account_id=account_id, md5=row.md5, size=row.size, path=path)
        address = ctx.endpoint + signed
    return File(
        born_in=(version.id,) if row.birth_id is None else (row.birth_id, version.id),
        id=ids.write("File", version.id, row.number),
        name=row.path,
        display_name=row.path,
        direct_url=address,
        size_bytes=Int64(row.size),
        storage_path=stored,
        mimetype=transfers.type_of(row.path),
        updated_at=DateTime(version.committed_at or version.updated_at),
        digest=row.digest,
        md5=row.digest if row.md5 is not None else None,
    )


async def page_of_version(
    ctx: Context, version: Version, names: Sequence[str] | None, after: str | None, first: int | None
) -> FileConnection:
    """List the files of a version, all or those of some names."""
    limit = pages.size(first)
    if pages.ended(after):
        found = await rooms.listing(ctx.tx, ctx.actor, version.id, names=names, limit=1)
        return _connection(pages.nothing(), [], found.total)
    found = await rooms.listing(ctx.tx, ctx.actor, version.id, names=names, limit=limit, cursor=pages.cursor(after))
    made = [file_of_version(ctx, version, found.account_id, row) for row in found.rows]
    return _connection(pages.listed(Page(found.rows, found.next)), made, found.total)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files of a run are meant: those of some names (of none: all), or like a pattern."""

    names: Sequence[str] = ()
    pattern: str | None = None


def file_of_run(ctx: Context, run: Run, row: RunFile, *, writable: bool) -> File:
    """Make a file of a run; where it can be sent anew is for who may write the run."""
    signer, md5 = ctx.state.signer, in_base64(row.md5)
    return File(
        id=ids.write("RunFile", row.id),
        name=row.name,
        display_name=row.name,
        direct_url=ctx.endpoint + transfers.run_file_download(signer, row),
        size_bytes=Int64(row.size),
        mimetype=row.mimetype,
        updated_at=DateTime(row.updated_at),
        digest=md5,
        md5=md5,
        upload_url=ctx.endpoint + transfers.run_file_upload(signer, ctx.actor, run=run, name=row.name)
        if writable
        else None,
    )


def file_to_come(ctx: Context, run: Run, number: int, name: str) -> File:
    """Make a file that a run is about to send."""
    return File(
        id=ids.write("RunFileToCome", run.id, number),
        name=name,
        display_name=name,
        direct_url="",
        size_bytes=Int64(0),
        upload_url=ctx.endpoint + transfers.run_file_upload(ctx.state.signer, ctx.actor, run=run, name=name),
    )


async def page_of_run(ctx: Context, run: Run, wanted: Wanted, after: str | None, first: int | None) -> FileConnection:
    """List the files of a run that was found for the reader."""
    names, pattern = list(wanted.names) or None, wanted.pattern
    writable = run_rooms.may_write(ctx.actor, run)
    limit = min(pages.size(first), run_rooms.MOST)
    page: Page[RunFile] = Page([])
    if not pages.ended(after):
        page = await run_rooms.files(
            ctx.tx, ctx.actor, run.id, names=names, pattern=pattern, limit=limit, cursor=pages.cursor(after)
        )
    listed = pages.listed(page)
    return FileConnection(
        count=lambda: run_rooms.file_count(ctx.tx, run.id, names=names, pattern=pattern),
        edges=pages.edges(
            listed, lambda row, cursor: FileEdge(node=file_of_run(ctx, run, row, writable=writable), cursor=cursor)
        ),
        page_info=pages.info(listed),
    )


def connection(files: Sequence[File]) -> FileConnection:
    """Make a list of files that is whole."""
    return _connection(pages.whole(files), files, len(files))


def _connection(page: Listed[Any], files: Sequence[File], total: int) -> FileConnection:
    edges = [FileEdge(node=file, cursor=cursor) for file, cursor in zip(files, page.cursors, strict=True)]
    return FileConnection(count=pages.known(total), edges=edges, page_info=pages.info(page))
