"""How workspaces, projects, datasets and media look over the native API, and what their modules share."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from pinakes.api.common import MAX_INT4
from pinakes.server import paging, ranges
from pinakes.server.actor import Actor
from pinakes.server.catalog.media_types import Dataset, Media, MediaBytes, MediaProject, Workspace
from pinakes.server.catalog.types import Project
from pinakes.server.errors import Invalid
from pinakes.server.permissions.service import permitted, works_for
from pinakes.server.permissions.table import Permission
from pinakes.server.ranges import Span
from pinakes.server.state import request_id_of, state_of
from pinakes.server.wires.native.errors import problem

Json = dict[str, Any]

MediumPath = Annotated[int, Path(alias="medium", ge=1, le=MAX_INT4, description="The item's number.")]
DatasetPath = Annotated[int, Path(alias="dataset", ge=1, le=MAX_INT4, description="The dataset's number.")]
ProjectQuery = Annotated[int | None, Query(alias="project", ge=1, le=MAX_INT4, description="The project's number.")]
NeededProject = Annotated[int, Query(alias="project", ge=1, le=MAX_INT4, description="The project's number.")]
Descending = Annotated[bool, Query(description="The other way round.")]
Total = Annotated[bool, Query(description="Count all, too.")]

# What an annotator or a reviewer may do with an item that he sees.
_AT_WORK = frozenset({Permission.ITEM_READ, Permission.LABEL_WRITE})
_NOUNS = ("item:", "label:", "version:")


def can(actor: Actor, owner_id: int | None, visibility: str, *nouns: str) -> list[str]:
    """List what a reader may do with things of an owner, as far as that is about these nouns (all, without any)."""
    allowed = permitted(actor, owner_id=owner_id, visibility=visibility)
    return sorted(one for one in allowed if not nouns or one.startswith(nouns))


class Rights:
    """What a reader may do with media, found out once for each owner while a list is encoded."""

    def __init__(self, actor: Actor) -> None:
        """Answer for this reader."""
        self._actor: Actor = actor
        self._known: dict[tuple[int | None, str], list[str]] = {}

    def of(self, owner_id: int | None, visibility: str) -> list[str]:
        """List what he may do; whoever sees an item for his job may label it."""
        found = self._known.get((owner_id, visibility))
        if found is None:
            allowed = {*can(self._actor, owner_id, visibility, *_NOUNS)}
            if owner_id is not None and works_for(self._actor, owner_id):
                allowed |= {str(one) for one in _AT_WORK}
            found = self._known[owner_id, visibility] = sorted(allowed)
        return found


def workspace(found: Workspace, actor: Actor) -> Json:
    """Encode a workspace."""
    return {
        "id": found.id,
        "account": found.account,
        "name": found.name,
        "description": found.description,
        "hidden": found.hidden,
        "first": found.is_first,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "can": can(actor, found.account_id, "private", "project:"),
    }


def project(found: Project | MediaProject, actor: Actor, media: MediaProject | None = None) -> Json:
    """Encode a project; `media` is what it has where it has media."""
    encoded: Json = {
        "id": found.id,
        "owner": found.owner,
        "name": found.name,
        "description": found.description,
        "visibility": found.visibility,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "can": can(
            actor,
            found.owner_id,
            found.visibility,
            "item:",
            "project:",
            "label:",
            "queue:",
            "version:",
            "collection:create",
        ),
    }
    more = found if isinstance(found, MediaProject) else media
    return encoded | {
        "data_type": more.data_type if more else None,
        "workspace": more.workspace_id if more else None,
        "readme": more.readme if more else None,
        "settings": more.settings if more else None,
        "custom_data": more.custom_data if more else None,
        "dataset_count": more.dataset_count if more else None,
        "item_count": more.item_count if more else None,
        "size": more.size if more else None,
    }


def dataset(found: Dataset, actor: Actor) -> Json:
    """Encode a dataset."""
    return {
        "id": found.id,
        "project": found.project_id,
        "parent": found.parent_id,
        "name": found.name,
        "description": found.description,
        "custom_data": found.custom_data,
        "item_count": found.item_count,
        "size": found.size,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "can": can(actor, found.owner_id, found.visibility, "item:", "project:", "label:", "queue:"),
    }


def medium(found: Media, rights: Rights, *, score: float | None = None) -> Json:
    """Encode an item of media; `score` is its score in the collection that a list was asked for."""
    return {
        "id": found.id,
        "kind": found.kind,
        "name": found.name,
        "project": found.project_id,
        "dataset": found.dataset_id,
        "sha256": found.sha256.hex() if found.sha256 is not None else None,
        "link": found.link,
        "mime": found.mime,
        "size": found.size,
        "width": found.width,
        "height": found.height,
        "frames": found.frames,
        "description": found.description,
        "meta": found.meta,
        "custom_data": found.custom_data,
        "facts": found.facts,
        "custom_order": found.custom_sort,
        "label_count": found.label_count,
        "labeled_at": found.labeled_at,
        "has_thumbnail": found.has_thumbnail,
        "score": score,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "can": rights.of(found.owner_id, found.visibility),
    }


# ----------------------------------------------------------------------------------------------------------------------
# Pages by number, where a list is read in any order
# ----------------------------------------------------------------------------------------------------------------------


def offset_of(cursor: str | None) -> int:
    """Read the cursor of a list that is paged by number."""
    if cursor is None:
        return 0
    (offset,) = paging.decode_cursor(cursor, int)
    if offset < 0:
        message = "This cursor is none of ours."
        raise Invalid(message, field="cursor")
    return offset


def next_offset(offset: int, rows: Sequence[object], total: int) -> str | None:
    """Return the cursor behind these rows; None at the end."""
    behind = offset + len(rows)
    return paging.encode_cursor(behind) if rows and behind < total else None


# ----------------------------------------------------------------------------------------------------------------------
# Files
# ----------------------------------------------------------------------------------------------------------------------


async def send(
    request: Request, found: MediaBytes, disposition: Literal["attachment", "inline"] = "attachment"
) -> Response:
    """Answer a file, or the range of it that is asked for. Never encoded; its SHA-256 is in two headers."""
    etag = f'"{found.sha256.hex()}"'
    headers = ranges.headers_of(found.name, found.mime, etag)
    checksum = base64.b64encode(found.sha256).decode()
    headers |= {"X-Content-SHA256": found.sha256.hex(), "Repr-Digest": f"sha-256=:{checksum}:"}
    if disposition == "inline":
        headers["Content-Disposition"] = headers["Content-Disposition"].replace("attachment", "inline", 1)
    if ranges.unchanged(request.headers, etag):
        return Response(status_code=304, headers=headers)
    span = ranges.wanted(request.headers, found.size, etag)
    if span is None:
        return _unsatisfiable(request, found.size)
    partial = span != Span(0, found.size)
    headers["Content-Length"] = str(span.stop - span.start)
    if partial:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{found.size}"
    status = 206 if partial else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    chunks = await state_of(request).blobs.stream(found.key, span.start, span.stop if partial else None)
    return StreamingResponse(chunks, status, headers=headers)


def _unsatisfiable(request: Request, size: int) -> Response:
    message = f"The file has {size} bytes; the range is beyond them."
    body: Mapping[str, object] = problem("range_not_satisfiable", message, request_id_of(request))
    return JSONResponse(body, 416, headers={"Content-Range": f"bytes */{size}"})
