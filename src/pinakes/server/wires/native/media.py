"""Datasets and media over the native API: what a project of media holds, and the files of it.

A file comes in one of two ways. `PUT /uploads/{dataset}/{name}` takes its bytes, however many, and makes the item of
them. Or the server is asked first: `POST /datasets/{dataset}/media` names many files by their SHA-256 and answers for
each; the bytes of those that are `missing` are then put. Repeating either is safe: an item that is there with the same
content is `unchanged`. All below `/api/v1`; the types are those of `pinakes.api.media`.

| route | body → answer |
| --- | --- |
| GET /datasets `?project&parent&top&name*&sort&descending&limit&cursor` | → Page[Dataset] |
| POST /datasets | CreateDataset → 201 Dataset |
| GET, PATCH, DELETE /datasets/{dataset} | → Dataset; UpdateDataset → Dataset; → 204, with all in it |
| POST /datasets/{dataset}/move | MoveDataset → Dataset |
| GET /datasets/{dataset}/tree | → Page[Dataset]: itself, then all below |
| POST /datasets/{dataset}/files/known | FileHashes → KnownFiles |
| POST /datasets/{dataset}/media | AddMedia → MediaBatch |
| PUT /uploads/{dataset}, many small files (arrivals.py) | → MediaBatch |
| PUT /uploads/{dataset}/{name} `?sha256`, any bytes | → 201 Medium; 200 when it was there |
| GET /media `?project&dataset&recursive&collection&kind*&query&sort&descending&total&limit&cursor` | → MediaPage |
| GET, PATCH /media/{medium} | → Medium; UpdateMedium → Medium |
| GET, HEAD /media/{medium}/file | → its bytes, or the Range of them that is asked for |
| GET /media/{medium}/thumbnail | → an image of at most 320 pixels |
| POST /media/move, /media/copy | MoveMedia, CopyMedia → Page[Medium] |
| POST /media/remove, /media/restore, /media/purge | RemoveMedia → Removed: to the trash, out of it, for good |
| POST /media/order | PlaceMedia → Count |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, cast

from fastapi import Path, Query, Request, Response
from starlette.requests import ClientDisconnect

from pinakes.api import media as api
from pinakes.api.common import MAX_INT4, STORABLE, Page
from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, media, media_arriving, media_files, thumbnails
from pinakes.server.catalog.media import Refused
from pinakes.server.catalog.media_types import DatasetChanges, Media, MediaChanges, NewMedia
from pinakes.server.collections import media_removal, service as collections
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, NameTaken, PinakesError
from pinakes.server.labeling import annotations as annotating
from pinakes.server.search import language, media as search
from pinakes.server.search.media import Scope
from pinakes.server.state import request_id_of
from pinakes.server.wires.native import _media as show, arrivals, encode
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native._media import DatasetPath, Descending, MediumPath, NeededProject, ProjectQuery, Total
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import describe, errors, router as make_router

router = make_router("media")

DatasetQuery = Annotated[int | None, Query(alias="dataset", ge=1, le=MAX_INT4, description="The dataset's number.")]
Parent = Annotated[int | None, Query(ge=1, le=MAX_INT4, description="Only those right in this dataset.")]
Names = Annotated[
    list[Annotated[str, STORABLE, Query(max_length=255, pattern=r"^[^\u0000]*$")]] | None,
    Query(alias="name", description="Only those of exactly these names.", max_length=100),
]
CollectionQuery = Annotated[
    str | None,
    Query(
        alias="collection",
        pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-fA-F]{24}$",
        max_length=400,
        description="Only those in this collection: its id, or its slug without the owner.",
    ),
]
Search = Annotated[
    str | None,
    STORABLE,
    Query(
        alias="query",
        max_length=4000,
        pattern=r"^[^\u0000]*$",
        description="Which ones, in the language of searches: `tag:checked -class:car width>=640`.",
    ),
]
FileNamePath = Annotated[
    str, STORABLE, Path(alias="name", min_length=1, max_length=255, description="The file's name, without a path.")
]
Sha256Query = Annotated[
    str | None,
    Query(alias="sha256", pattern=r"^[0-9a-f]{64}$", description="What the bytes must have; else nothing is kept."),
]

_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes.", "content": {"application/octet-stream": _BYTES}},
    206: {"description": "The range of them that was asked for.", "content": {"application/octet-stream": _BYTES}},
    304: {"description": "It is what the client has."},
    416: {**errors(422)[422], "description": "The range is beyond the file."},
}


# ----------------------------------------------------------------------------------------------------------------------
# Datasets
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/datasets", response_model=Page[api.Dataset])
async def list_datasets(
    state: Here,
    actor: By,
    project: NeededProject,
    parent: Parent = None,
    top: Annotated[bool, Query(description="Only those that are in no other.")] = False,  # noqa: FBT002
    name: Names = None,
    descending: Descending = False,  # noqa: FBT002 - of the query
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the datasets of a project, at any depth unless one asks for a level, by their numbers."""
    offset = show.offset_of(cursor)
    async with state.db.reading() as tx:
        rows, total = await datasets.page(
            tx,
            actor,
            project,
            parent_id=parent,
            top_only=top,
            names=name,
            descending=descending,
            limit=limit,
            offset=offset,
        )
    encoded = [show.dataset(row, actor) for row in rows]
    return encode.answer({"rows": encoded, "next": show.next_offset(offset, rows, total)})


@router.post("/datasets", status_code=201, response_model=api.Dataset, responses=_CONFLICT)
async def create_dataset(change: Changing, wanted: api.CreateDataset) -> Response:
    """Make a dataset. A name that is taken where it would be: 409, with the number of the one that has it."""

    async def work(tx: Tx) -> Response:
        made = await datasets.create(
            tx,
            change.actor,
            wanted.project,
            wanted.name,
            parent_id=wanted.parent,
            description=wanted.description,
            custom_data=wanted.custom_data,
        )
        return encode.answer(show.dataset(made, change.actor), status=201)

    return await change.write(work)


@router.get("/datasets/{dataset}", response_model=api.Dataset)
async def get_dataset(state: Here, actor: By, dataset: DatasetPath) -> Response:
    """Show a dataset."""
    async with state.db.reading() as tx:
        return encode.answer(show.dataset(await datasets.get(tx, actor, dataset), actor))


@router.get("/datasets/{dataset}/tree", response_model=Page[api.Dataset])
async def list_tree(state: Here, actor: By, dataset: DatasetPath) -> Response:
    """List a dataset and all that are in it, at any depth."""
    async with state.db.reading() as tx:
        found = await datasets.subtree(tx, actor, dataset)
    return encode.answer({"rows": [show.dataset(each, actor) for each in found], "next": None})


@router.patch("/datasets/{dataset}", response_model=api.Dataset, responses=_CONFLICT)
async def update_dataset(change: Changing, dataset: DatasetPath, wanted: api.UpdateDataset) -> Response:
    """Change a dataset."""

    async def work(tx: Tx) -> Response:
        changes = DatasetChanges(name=wanted.name, description=wanted.description, custom_data=wanted.custom_data)
        return encode.answer(show.dataset(await datasets.update(tx, change.actor, dataset, changes), change.actor))

    return await change.write(work)


@router.post("/datasets/{dataset}/move", response_model=api.Dataset, responses=_CONFLICT)
async def move_dataset(change: Changing, dataset: DatasetPath, wanted: api.MoveDataset) -> Response:
    """Put a dataset into another one of its project, or to the top."""

    async def work(tx: Tx) -> Response:
        moved = await datasets.move(tx, change.actor, dataset, wanted.parent)
        return encode.answer(show.dataset(moved, change.actor))

    return await change.write(work)


@router.delete("/datasets/{dataset}", **_NO_CONTENT)
async def delete_dataset(change: Changing, dataset: DatasetPath) -> Response:
    """Remove a dataset with all that is in it; its items leave every collection that holds them."""

    async def work(tx: Tx) -> Response:
        await media_removal.remove_dataset(tx, change.actor, dataset, reason=change.reason())
        return encode.empty()

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# What comes in
# ----------------------------------------------------------------------------------------------------------------------


@router.post("/datasets/{dataset}/files/known", response_model=api.KnownFiles)
async def find_files(state: Here, actor: By, dataset: DatasetPath, wanted: api.FileHashes) -> Response:
    """Say which files the dataset's account has already, so that they need not be sent."""
    async with state.db.transaction() as tx:
        place = await datasets.to_change(tx, actor, dataset)
        hashes = [bytes.fromhex(one) for one in wanted.sha256]
        found = await media_files.known(tx, actor, place.owner_id, hashes)
    return encode.answer({"known": [one.hex() for one in found]})


@router.post("/datasets/{dataset}/media", response_model=api.MediaBatch, responses=_CONFLICT)
async def add_media(
    request: Request, state: Here, change: Changing, dataset: DatasetPath, wanted: api.AddMedia
) -> Response:
    """Add items by the SHA-256s of files that the account has, or by links; each is added or not by itself."""
    private = state.settings.webhook_private_addresses

    async def work(tx: Tx) -> Response:
        results = await _add_each(tx, change.actor, dataset, wanted.items, request_id_of(request), private=private)
        return encode.answer(_batch(results))

    return await change.write(work)


def _batch(results: Sequence[show.Json]) -> show.Json:
    return {"results": results, "counts": Counter(one["outcome"] for one in results)}


async def _add_each(
    tx: Tx, actor: Actor, dataset: int, items: Sequence[api.NewMedium], request_id: str, *, private: bool
) -> list[show.Json]:
    """Add what can be added, and say of each item what became of it, in their order."""
    place = await datasets.to_change(tx, actor, dataset)
    hashes = sorted({one.sha256 for one in items if one.sha256 is not None})
    known = {
        one.hex() for one in await media_files.known(tx, actor, place.owner_id, [bytes.fromhex(h) for h in hashes])
    }
    at = [index for index, one in enumerate(items) if one.sha256 is None or one.sha256 in known]
    new = [_new(items[index]) for index in at]
    done = await media.add_each(tx, actor, dataset, new, private=private) if new else []
    there = await _there(tx, actor, done)
    results = [_result(one.name, "missing") for one in items]
    for index, row in zip(at, done, strict=True):
        item = items[index]
        results[index] = _became(item.name, item.sha256, item.link, row, there, request_id)
    return results


def _new(item: api.NewMedium) -> NewMedia:
    return NewMedia(
        name=item.name,
        sha256=bytes.fromhex(item.sha256) if item.sha256 is not None else None,
        link=item.link,
        description=item.description,
        meta=item.meta,
        custom_data=item.custom_data,
    )


async def _there(tx: Tx, actor: Actor, done: Sequence[Media | Refused]) -> dict[int, Media]:
    """Return the items that were in the way of others, by their numbers."""
    taken = [row.id for row in done if isinstance(row, Refused) and row.id is not None]
    return {one.id: one for one in await media.get_many(tx, actor, taken)} if taken else {}


def _became(
    name: str, sha256: str | None, link: str | None, row: Media | Refused, there: Mapping[int, Media], request_id: str
) -> show.Json:
    if isinstance(row, Media):
        return _result(name, "added", row.id)
    found = there.get(row.id) if row.id is not None else None
    if found is not None and _same(found, sha256, link):
        return _result(name, "unchanged", found.id)
    error: PinakesError = Invalid(row.message, field=row.field or "name")
    if row.taken:
        error = NameTaken(row.message, field="name")
    return _result(name, "refused", row.id, describe(error, request_id))


def _same(found: Media, sha256: str | None, link: str | None) -> bool:
    return (found.sha256.hex() if found.sha256 is not None else None, found.link) == (sha256, link)


def _result(name: str, outcome: str, number: int | None = None, error: object = None) -> show.Json:
    return {"name": name, "outcome": outcome, "id": number, "error": error}


@router.put(
    "/uploads/{dataset}/{name}",
    status_code=201,
    response_model=api.Medium,
    responses={**errors(409), 200: {"model": api.Medium, "description": "It was there, with the same content."}},
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}},
)
async def upload_medium(
    request: Request, state: Here, actor: By, dataset: DatasetPath, name: FileNamePath, sha256: Sha256Query = None
) -> Response:
    """Take a file's bytes and make an item of them. An item of that name with other content: 409."""
    media.media_name(name)
    async with state.db.reading() as tx:
        place = await datasets.to_change(tx, actor, dataset)
    facts = await media_files.receive(
        state.db,
        state.blobs,
        actor,
        place.owner_id,
        _whole(request),
        sha256=bytes.fromhex(sha256) if sha256 is not None else None,
        size=_length(request),
    )
    rights = show.Rights(actor)
    try:
        async with state.db.transaction() as tx:
            (made,) = await media.add(tx, actor, dataset, [NewMedia(name=name, sha256=facts.sha256)])
    except NameTaken as error:
        found = await _taken_by(state, actor, error)
        if found is None or found.sha256 != facts.sha256:
            raise
        return encode.answer(show.medium(found, rights))
    return encode.answer(show.medium(made, rights), status=201)


@router.put(
    "/uploads/{dataset}",
    response_model=api.MediaBatch,
    openapi_extra={"requestBody": {"required": True, "content": {arrivals.TYPE: {"schema": arrivals.SCHEMA}}}},
)
async def upload_media(request: Request, state: Here, actor: By, dataset: DatasetPath) -> Response:
    """Take many small files in one body, and make items of them; each is added or not by itself.

    Before the bytes of each stands a line of JSON, `{"name": …, "size": …, "sha256": …}`, with its end of line. Files
    of more than 4 MiB come by themselves. What is added by the time that a body breaks off stays.
    """
    async with state.db.reading() as tx:
        await datasets.to_change(tx, actor, dataset)
    request_id = request_id_of(request)
    results: list[show.Json] = []
    async for files in arrivals.portions(_whole(request)):
        done = await media_arriving.add_files(state.db, state.blobs, actor, dataset, files)
        async with state.db.reading() as tx:
            there = await _there(tx, actor, done)
        for file, row in zip(files, done, strict=True):
            results.append(_became(file.name, file.sha256.hex(), None, row, there, request_id))
    return encode.answer(_batch(results))


async def _taken_by(state: Here, actor: Actor, error: NameTaken) -> Media | None:
    """Return the item that has a name already."""
    clashes = cast("Sequence[Mapping[str, Any]]", error.details.get("errors") or ())
    if not clashes:
        return None
    async with state.db.reading() as tx:
        found = await media.get_many(tx, actor, [int(clashes[0]["id"])])
    return found[0] if found else None


async def _whole(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        message = "The body ended before it was complete; what had been added by then stays, and nothing else."
        raise Invalid(message, field="body") from error


def _length(request: Request) -> int | None:
    raw = request.headers.get("content-length")
    return int(raw) if raw is not None and raw.isascii() and raw.isdigit() else None


# ----------------------------------------------------------------------------------------------------------------------
# What is there
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/media", response_model=api.MediaPage)
async def list_media(
    state: Here,
    actor: By,
    project: ProjectQuery = None,
    dataset: DatasetQuery = None,
    recursive: Annotated[bool, Query(description="Those of the datasets in it, too.")] = False,  # noqa: FBT002
    collection: CollectionQuery = None,
    kind: Annotated[list[api.MediaKind] | None, Query(description="Any of these kinds.")] = None,
    query: Search = None,
    sort: api.MediaSort = "id",
    descending: Descending = False,  # noqa: FBT002 - of the query
    total: Total = False,  # noqa: FBT002 - of the query
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List items: of a project, of a dataset, of a collection, or of what these have in common."""
    async with state.db.reading() as tx:
        scope = Scope(
            project_id=project,
            dataset_id=dataset,
            recursive=recursive,
            collection_id=(await collections.get(tx, actor, collection)).id if collection is not None else None,
        )
        _check_scope(scope)
        page = await search.page(
            tx,
            actor,
            scope,
            language.parse(query),
            kinds=kind,
            sort=sort,
            descending=descending,
            limit=limit,
            cursor=cursor,
            with_total=total,
        )
    rights = show.Rights(actor)
    rows = [show.medium(row, rights, score=page.scores.get(row.id)) for row in page.items]
    return encode.answer({"rows": rows, "next": page.next, "total": page.total if total else None})


def _check_scope(scope: Scope) -> None:
    if scope.project_id is None and scope.dataset_id is None and scope.collection_id is None:
        message = "Say where: give a project, a dataset or a collection."
        raise Invalid(message, field="project")


@router.get("/media/{medium:int}", response_model=api.Medium)
async def get_medium(state: Here, actor: By, medium: MediumPath) -> Response:
    """Show an item."""
    async with state.db.reading() as tx:
        return encode.answer(show.medium(await media.get(tx, actor, medium), show.Rights(actor)))


@router.patch("/media/{medium:int}", response_model=api.Medium, responses=_CONFLICT)
async def update_medium(change: Changing, medium: MediumPath, wanted: api.UpdateMedium) -> Response:
    """Change an item. A name that its dataset has: 409."""

    async def work(tx: Tx) -> Response:
        changes = MediaChanges(
            id=medium,
            name=wanted.name,
            description=wanted.description,
            meta=wanted.meta,
            custom_data=wanted.custom_data,
        )
        (changed,) = await media.update(tx, change.actor, [changes])
        return encode.answer(show.medium(changed, show.Rights(change.actor)))

    return await change.write(work)


@router.get("/media/{medium}/file", response_class=Response, responses=_FILE)
async def get_media_file(request: Request, state: Here, actor: By, medium: MediumPath) -> Response:
    """Answer an item's file, or the range of it that is asked for; the ETag is its SHA-256."""
    async with state.db.reading() as tx:
        found = await media.file(tx, actor, medium)
    return await show.send(request, found)


@router.head("/media/{medium}/file", include_in_schema=False)
async def head_media_file(request: Request, state: Here, actor: By, medium: MediumPath) -> Response:
    """Answer the headers of an item's file."""
    return await get_media_file(request, state, actor, medium)


@router.get("/media/{medium}/thumbnail", response_class=Response, responses=_FILE)
async def get_thumbnail(request: Request, state: Here, actor: By, medium: MediumPath) -> Response:
    """Answer an image of at most 320 pixels that stands for the item."""
    found = await thumbnails.thumbnail(state.db, state.blobs, actor, medium)
    return await show.send(request, found, "inline")


# ----------------------------------------------------------------------------------------------------------------------
# Many at once
# ----------------------------------------------------------------------------------------------------------------------


@router.post("/media/move", response_model=Page[api.Medium], responses=_CONFLICT)
async def move_media(change: Changing, wanted: api.MoveMedia) -> Response:
    """Put items into another dataset of their project, all of them or none."""

    async def work(tx: Tx) -> Response:
        return _all(await media.move(tx, change.actor, wanted.items, wanted.dataset), change.actor)

    return await change.write(work)


@router.post("/media/copy", response_model=Page[api.Medium], responses=_CONFLICT)
async def copy_media(state: Here, change: Changing, wanted: api.CopyMedia) -> Response:
    """Copy items into a dataset, with their labels if asked for: all of them or none."""
    async with state.db.reading() as tx:
        place = await datasets.to_change(tx, change.actor, wanted.dataset)
    await media_files.share(state.db, state.blobs, change.actor, wanted.items, place.owner_id)

    async def work(tx: Tx) -> Response:
        made = await media.copy(tx, change.actor, wanted.items, wanted.dataset)
        if wanted.labels:
            pairs = zip(wanted.items, (one.id for one in made), strict=True)
            await annotating.copy(tx, change.actor, [*pairs])
        return _all(made, change.actor)

    return await change.write(work)


@router.post("/media/remove", response_model=api.Removed, responses=_CONFLICT)
async def remove_media(change: Changing, wanted: api.RemoveMedia) -> Response:
    """Remove items; they leave every collection that holds them. Those that are not there are named."""

    async def work(tx: Tx) -> Response:
        why = change.reason(wanted.reason)
        return _removed(await media_removal.remove_items(tx, change.actor, wanted.items, reason=why))

    return await change.write(work)


@router.post("/media/restore", response_model=api.Removed, responses=_CONFLICT)
async def restore_media(change: Changing, wanted: api.RemoveMedia) -> Response:
    """Bring removed items back into their datasets; a collection gets its entries back by an earlier revision."""

    async def work(tx: Tx) -> Response:
        why = change.reason(wanted.reason)
        return _removed(await media_removal.restore_items(tx, change.actor, wanted.items, reason=why))

    return await change.write(work)


@router.post("/media/purge", response_model=api.Removed, responses=_CONFLICT)
async def purge_media(change: Changing, wanted: api.RemoveMedia) -> Response:
    """Forget removed items for good, with their labels. Those that are not in the trash are named, and stay."""

    async def work(tx: Tx) -> Response:
        why = change.reason(wanted.reason)
        return _removed(await media_removal.purge_items(tx, change.actor, wanted.items, reason=why))

    return await change.write(work)


@router.post("/media/order", response_model=api.Count, responses=_CONFLICT)
async def order_media(change: Changing, wanted: api.PlaceMedia) -> Response:
    """Give items the numbers that `sort=custom` sorts them by."""

    async def work(tx: Tx) -> Response:
        await media.set_custom_order(tx, change.actor, {one.item: one.order for one in wanted.items})
        return encode.answer({"count": len(wanted.items)})

    return await change.write(work)


def _all(found: Sequence[Media], actor: Actor) -> Response:
    rights = show.Rights(actor)
    return encode.answer({"rows": [show.medium(each, rights) for each in found], "next": None})


def _removed(done: media_removal.Removed) -> Response:
    return encode.answer({"items": done.items, "missing": done.missing})
