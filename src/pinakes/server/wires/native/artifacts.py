"""Artifacts and their versions over the native API.

A version is logged in three steps: say what it is and which files it has (the answer says where to send those that this
server does not have yet), PUT them there, and commit. Repeating a step is safe.

| route | body → answer |
| --- | --- |
| GET /projects/{owner}/{project}/artifacts `?type&kind&limit&cursor` | → Page[Numbered], by name |
| DELETE /projects/{owner}/{project}/artifacts/{name} | → 204, with its versions |
| POST /projects/{owner}/{project}/versions | BeginVersion → 201 DraftVersion |
| GET /versions/{version} | → Version |
| PATCH /versions/{version} | UpdateVersion → Version |
| DELETE /versions/{version} `?aliases` | → 204; 409 while it has aliases, or a registry holds it |
| POST /versions/{version}/commit | → Version |
| GET /versions/{version}/files `?name*&limit&cursor` | → Page[VersionFile] |
| GET /versions/{version}/lineage `?depth&direction` | → Lineage |
| GET /versions/{version}/provenance | → Page[Origin]: the collections that it was made of, at their revisions |
| GET /versions/{version}/holders | → Page[Holder] |
| GET /versions/{version}/collections | → Page[Standing]: where it stands, with numbers and aliases |

All below `/api/v1`. The types are those of `pinakes.api.releases`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response

from pinakes.api import releases as api
from pinakes.api.common import MAX_INT4, STORABLE, Page
from pinakes.server.actor import Actor
from pinakes.server.artifacts import (
    artifacts,
    commits,
    files,
    lineage,
    manifests,
    memberships,
    provenance,
    transfers,
    versions,
)
from pinakes.server.artifacts.types import FilePlace, FileSpec, NewFile, NewVersion, VersionChanges
from pinakes.server.catalog import projects
from pinakes.server.errors import CollectionNotFound
from pinakes.server.people import service as people
from pinakes.server.registries import memory
from pinakes.server.state import State, state_of
from pinakes.server.wires.native import _releases as show
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router

router = make_router("artifacts")

Owner = Annotated[str, Path(description="The owner's name: a user, a team or an organization.")]
ProjectName = Annotated[str, Path(alias="project", description="The project's name; case does not matter.")]
ArtifactName = Annotated[str, STORABLE, Path(min_length=1, max_length=128, description="The artifact's name.")]
VersionPath = Annotated[int, Path(alias="version", ge=1, le=MAX_INT4, description="The version's number here.")]
Word = Annotated[str, STORABLE, Query(min_length=1, max_length=128, pattern=r"^[^\u0000]+$")]
FileNames = Annotated[
    list[Annotated[str, STORABLE, Query(max_length=4096, pattern=r"^[^\u0000]*$")]] | None,
    Query(alias="name", description="Only the files of these paths."),
]

_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}


def endpoint_of(request: Request, state: State) -> str:
    """Return the address that the caller uses for this server."""
    external = state.settings.external_url
    return external.rstrip("/") if external else f"{request.url.scheme}://{request.url.netloc}"


@router.get("/projects/{owner}/{project}/artifacts")
async def list_artifacts(
    state: Here,
    actor: By,
    owner: Owner,
    project: ProjectName,
    type_: Annotated[Word | None, Query(alias="type", description="Only those of this type.")] = None,
    kind: Annotated[api.NumberedKind | None, Query(description="Only artifacts, or only releases.")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.Numbered]:
    """List the artifacts and releases of a project, by name."""
    async with state.db.reading() as tx:
        found = await projects.get_project(tx, actor, owner, project)
        page = await artifacts.page(tx, actor, found.id, type=type_, kind=kind, limit=limit, cursor=cursor)
    return Page(rows=[show.numbered(card) for card in page.rows], next=page.next)


@router.delete("/projects/{owner}/{project}/artifacts/{name}", **_NO_CONTENT)
async def delete_artifact(
    state: Here, change: Changing, owner: Owner, project: ProjectName, name: ArtifactName
) -> None:
    """Delete an artifact with its versions; 409, with the holders, while a registry holds one."""
    async with state.db.transaction() as tx:
        found = await projects.get_project(tx, change.actor, owner, project)
        card = await artifacts.find(tx, change.actor, found.id, name, kind="artifact")
        if card is None:
            raise CollectionNotFound
        await artifacts.delete(tx, change.actor, card.id, reason=change.reason())


@router.post("/projects/{owner}/{project}/versions", status_code=201, responses=_CONFLICT)
async def begin_version(
    request: Request, state: Here, actor: By, owner: Owner, project: ProjectName, wanted: api.BeginVersion
) -> api.DraftVersion:
    """Begin a version: its project and artifact are made when they are not there; files come next, then the commit."""
    listed = [_new_file(file) for file in wanted.files]
    digest = manifests.digest_of_files(listed)
    async with state.db.transaction() as tx:
        place = await projects.ensure_project(tx, actor, await people.account(tx, owner), project)
        begun = await versions.begin(tx, actor, _new_version(place.id, wanted, digest))
        version = begun.version
        specs = [FileSpec(version.id, file.path, file.md5) for file in listed if file.md5 is not None]
        places = await files.places(tx, actor, specs) if begun.fresh else []
    if begun.fresh:
        await manifests.put(state.db, state.blobs, actor, version.id, listed)
    base = endpoint_of(request, state)
    uploads = [
        api.Upload(
            path=found.path,
            url=base
            + transfers.blob_upload(
                state.signer,
                actor,
                account_id=found.account_id,
                md5=found.md5,
                version_id=version.id,
                name=found.path.rpartition("/")[2],
            ),
        )
        for found in places
        if not found.there
    ]
    return api.DraftVersion(version=show.version(version, actor), existing=not begun.fresh, uploads=uploads)


@router.post("/versions/{version}/uploads", responses=_CONFLICT)
async def begin_upload(
    request: Request, state: Here, actor: By, version: VersionPath, wanted: api.FileInParts
) -> api.UploadInParts:
    """Say where the parts of a large file of a version that was begun go, and which of them are here already.

    After an upload that broke off, ask again and send what is missing. The parts of an upload that is not completed are
    kept for two days.
    """
    sizes = transfers.part_sizes(wanted.size, state.settings.max_upload_bytes)
    place = await _place(state, actor, version, wanted)
    if place.there:
        return api.UploadInParts(path=wanted.path, there=True, parts=[])
    upload_id = transfers.upload_id_of(place.account_id, place.md5, wanted.size)
    there = await transfers.parts_there(state.blobs, account_id=place.account_id, upload_id=upload_id)
    base, name = endpoint_of(request, state), wanted.path.rpartition("/")[2]
    parts = [
        api.UploadPart(
            number=number,
            size=size,
            there=there.get(number) == size,
            url=base
            + transfers.part_upload(
                state.signer,
                actor,
                account_id=place.account_id,
                upload_id=upload_id,
                number=number,
                name=name,
                most=size,
            ),
        )
        for number, size in enumerate(sizes, 1)
    ]
    return api.UploadInParts(path=wanted.path, there=False, parts=parts)


@router.post("/versions/{version}/uploads/complete", responses=_CONFLICT)
async def complete_upload(state: Here, actor: By, version: VersionPath, wanted: api.FileInParts) -> api.UploadInParts:
    """Put the parts of a file together; 422 while some are missing (`parts`), or when their MD5 is another (`md5`)."""
    place = await _place(state, actor, version, wanted)
    if not place.there:
        await transfers.complete(
            state.db,
            state.blobs,
            account_id=place.account_id,
            md5=place.md5,
            size=wanted.size,
            version_id=version,
            most=state.settings.max_upload_bytes,
        )
    return api.UploadInParts(path=wanted.path, there=True, parts=[])


async def _place(state: State, actor: Actor, version: int, wanted: api.FileInParts) -> FilePlace:
    async with state.db.transaction() as tx:
        (place,) = await files.places(tx, actor, [FileSpec(version, wanted.path, bytes.fromhex(wanted.md5))])
    return place


def _new_file(file: api.NewFile) -> NewFile:
    md5 = bytes.fromhex(file.md5) if file.md5 is not None else None
    return NewFile(path=file.path, size=file.size, md5=md5, reference=file.reference)


def _new_version(project_id: int, wanted: api.BeginVersion, digest: str) -> NewVersion:
    return NewVersion(
        project_id=project_id,
        type=wanted.type,
        artifact=wanted.artifact,
        digest=digest,
        description=wanted.description,
        metadata=wanted.metadata,
        tags=wanted.tags,
        aliases=wanted.aliases,
    )


@router.get("/versions/{version}")
async def get_version(state: Here, actor: By, version: VersionPath) -> api.Version:
    """Show a version."""
    async with state.db.reading() as tx:
        return show.version(await versions.get(tx, actor, version), actor)


@router.patch("/versions/{version}", responses=_CONFLICT)
async def update_version(state: Here, actor: By, version: VersionPath, wanted: api.UpdateVersion) -> api.Version:
    """Change what is said of a version; every collection that holds it shows that."""
    changes = VersionChanges(
        description=wanted.description,
        metadata=wanted.metadata,
        tags_to_add=wanted.add_tags,
        tags_to_delete=wanted.remove_tags,
        ttl_seconds=wanted.ttl_seconds,
    )
    async with state.db.transaction() as tx:
        return show.version(await versions.update(tx, actor, version, changes), actor)


@router.delete("/versions/{version}", **_NO_CONTENT)
async def delete_version(
    state: Here,
    change: Changing,
    version: VersionPath,
    aliases: Annotated[bool, Query(description="Also when it has aliases (`latest` is one).")] = False,  # noqa: FBT002
) -> None:
    """Delete a version, and take it out of every release; 409 while it has aliases, or a registry holds it."""
    async with state.db.transaction() as tx:
        await versions.delete(tx, change.actor, version, delete_aliases=aliases, reason=change.reason())


@router.post("/versions/{version}/commit", responses=_CONFLICT)
async def commit_version(state: Here, actor: By, version: VersionPath) -> api.Version:
    """Complete a version: all its files have arrived, and it gets its number. Again, it is answered as it is."""
    done = await commits.commit(state.db, state.blobs, actor, version)
    return show.version(done, actor)


@router.get("/versions/{version}/files")
async def list_files(
    request: Request,
    state: Here,
    actor: By,
    version: VersionPath,
    name: FileNames = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.VersionFile]:
    """List the files of a version, by path, with addresses that serve them. Not for a restricted viewer."""
    async with state.db.reading() as tx:
        found = await files.listing(tx, actor, version, names=name, limit=limit, cursor=cursor)
    base = endpoint_of(request, state_of(request))
    rows = [
        api.VersionFile(
            path=row.path,
            size=row.size,
            digest=row.digest,
            md5=row.md5.hex() if row.md5 is not None else None,
            reference=row.reference,
            url=row.reference or "" if row.md5 is None else base + _address(state, found.account_id, row),
        )
        for row in found.rows
    ]
    return Page(rows=rows, next=found.next)


def _address(state: State, account_id: int, row: Any) -> str:  # noqa: ANN401 - a file that has content
    return transfers.blob_download(
        state.signer, account_id=account_id, md5=row.md5, size=row.size, path=f"wandb_artifacts/{row.path}"
    )


@router.get("/versions/{version}/lineage")
async def get_lineage(
    state: Here,
    actor: By,
    version: VersionPath,
    depth: Annotated[int, Query(ge=1, le=10, description="How many steps away, a read or a making being one.")] = 3,
    direction: Annotated[
        Literal["both", "up", "down"], Query(description="Where it comes from (up), what was made of it (down).")
    ] = "both",
) -> api.Lineage:
    """Show where a version comes from and what was made of it, as far as one may see it."""
    async with state.db.reading() as tx:
        return show.lineage(await lineage.graph(tx, actor, version, depth=depth, direction=direction))


@router.get("/versions/{version}/provenance")
async def get_provenance(state: Here, actor: By, version: VersionPath) -> Page[api.Origin]:
    """List the collections that a version was made of, and those of the versions that it came from, nearest first.

    Whoever logs a version says so in its metadata: `{"pinakes": {"collection": ID, "revision": NUMBER}}`.
    """
    async with state.db.reading() as tx:
        found = await provenance.of_version(tx, actor, version)
    return Page(rows=[show.origin(each) for each in found], next=None)


@router.get("/versions/{version}/holders")
async def list_holders(state: Here, actor: By, version: VersionPath) -> Page[api.Holder]:
    """List the releases that hold a version, of those that one may see."""
    async with state.db.reading() as tx:
        found = await memory.holders(tx, actor, version)
    return Page(rows=[show.holder(each) for each in found], next=None)


@router.get("/versions/{version}/collections")
async def list_places(state: Here, actor: By, version: VersionPath) -> Page[api.Standing]:
    """List where a version stands: its artifact and the releases that one may see, with numbers and aliases."""
    async with state.db.reading() as tx:
        found = await memberships.of_version(tx, actor, version)
    rows = [
        api.Standing(
            collection=show.numbered(each.collection),
            number=each.number,
            aliases=each.aliases,
            linked_at=each.linked_at,
            linked_by=each.linked_by,
        )
        for each in found
    ]
    return Page(rows=rows, next=None)
