"""Labels in the forms that trainers read, over the native API.

| route | body → answer |
| --- | --- |
| GET /exports `?project&dataset&collection&query&format&task&media&nested` | → a ZIP of labels, and of media |
| POST /datasets/{dataset}/imports/coco | a COCO document → ImportedLabels |

All below `/api/v1`. A ZIP is made while it is sent: it has no size in its head, and one that breaks off has no
directory at its end, so that no tool takes a part for the whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from stat import S_IFREG
from typing import Annotated, Any

from fastapi import Body, Path, Query, Request, Response
from starlette.responses import StreamingResponse
from stream_zip import NO_COMPRESSION_64, ZIP_64, async_stream_zip

from pinakes.api import exports as api
from pinakes.api.common import MAX_INT4, STORABLE
from pinakes.server.collections.change import look
from pinakes.server.db import Tx
from pinakes.server.labeling import importing
from pinakes.server.search import exports, language
from pinakes.server.search.media import Scope
from pinakes.server.state import state_of
from pinakes.server.wires.native import encode
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router

router = make_router("labels")

Number = Annotated[int | None, Query(ge=1, le=MAX_INT4)]
Flag = Annotated[bool, Query()]

# The names that need no second packing: their bytes are packed as they are.
_PACKED = (".jpg", ".jpeg", ".png", ".webp", ".mp4", ".mov", ".webm", ".mkv", ".laz", ".gz", ".zip")
_MODE = S_IFREG | 0o644


@router.get("/exports", response_class=StreamingResponse, responses=errors(422))
async def export_labels(
    request: Request,
    actor: By,
    project: Number = None,
    dataset: Number = None,
    collection: Annotated[str | None, STORABLE, Query(max_length=400)] = None,
    query: Annotated[str | None, STORABLE, Query(max_length=10_000)] = None,
    form: Annotated[api.LabelFormat, Query(alias="format")] = "coco",
    task: Annotated[api.YoloTask, Query()] = "detect",
    media: Annotated[bool, Query(description="Whether the files of the items come along.")] = True,  # noqa: FBT002
    nested: Annotated[bool, Query(description="Whether the datasets below come along.")] = True,  # noqa: FBT002
) -> Response:
    """Write out the labels of what a query finds in a project, a dataset or a collection, and the media, as a ZIP."""
    state = state_of(request)
    async with state.db.reading() as tx:
        number = None if collection is None else (await look(tx, actor, collection)).id
        scope = Scope(project_id=project, dataset_id=dataset, recursive=nested, collection_id=number)
        order = exports.Order(scope, form, language.parse(query), with_media=media, task=task)
        planned = await exports.plan(tx, actor, order)
    files = exports.files(state.db, state.blobs, actor, order, planned)
    headers = {"Content-Disposition": f'attachment; filename="{form}.zip"'}
    return StreamingResponse(async_stream_zip(_members(files)), media_type="application/zip", headers=headers)


@router.post("/datasets/{dataset}/imports/coco", response_model=api.ImportedLabels, responses=errors(409))
async def import_coco(
    change: Changing,
    dataset: Annotated[int, Path(ge=1, le=MAX_INT4)],
    document: Annotated[dict[str, Any], Body()],
) -> Response:
    """Replace the labels of the dataset's items with those of a COCO document, which names them by their file names."""

    async def put(tx: Tx) -> Response:
        done = await importing.import_coco(tx, change.actor, dataset, document)
        answer = api.ImportedLabels(
            items=done.items, labels=done.labels, missing=done.missing, classes=done.classes, tags=done.tags
        )
        return encode.answer(answer.model_dump())

    return await change.write(put)


async def _members(
    files: AsyncIterator[exports.File],
) -> AsyncIterator[tuple[str, datetime, int, Any, AsyncIterator[bytes]]]:
    now = datetime.now(UTC)
    async for file in files:
        method = NO_COMPRESSION_64 if file.path.lower().endswith(_PACKED) else ZIP_64
        yield file.path, now, _MODE, method, file.content
