"""Files that go: `GET` and `HEAD`, whole or a range.

They were put there by anybody who may write somewhere, and come from the address where people are signed in: a browser
saves them, and runs nothing of them.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from pinakes.server import ranges
from pinakes.server.errors import FileNotFound, NotFound
from pinakes.server.ranges import Span
from pinakes.server.signing import DOWNLOADS, Ticket
from pinakes.server.state import request_id_of, state_of
from pinakes.server.wires.files.auth import ticket_of
from pinakes.server.wires.files.errors import FileRoute

router = APIRouter(route_class=FileRoute)


@router.api_route(f"{DOWNLOADS}/{{token}}/{{path:path}}", methods=["GET", "HEAD"], include_in_schema=False)
async def get(request: Request, token: str, path: str) -> Response:
    """Answer a file, or the range of it that is asked for."""
    ticket = ticket_of(request, token, "get")
    headers = _headers(ticket, path)
    if ranges.unchanged(request.headers, headers.get("ETag")):
        return Response(status_code=304, headers=headers)
    size = await _size(request, ticket)
    span = ranges.wanted(request.headers, size, headers.get("ETag"))
    if span is None:
        return _unsatisfiable(request, size)
    partial = span != Span(0, size)
    headers["Content-Length"] = str(span.stop - span.start)
    if partial:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    status = 206 if partial else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    try:
        chunks = await state_of(request).blobs.stream(ticket.key, span.start, span.stop if partial else None)
    except NotFound as error:
        raise FileNotFound from error
    return StreamingResponse(chunks, status, headers=headers)


def _headers(ticket: Ticket, path: str) -> dict[str, str]:
    etag = f'"{ticket.md5.hex()}"' if ticket.md5 is not None else None
    return ranges.headers_of(path.rpartition("/")[2], ticket.content_type, etag)


async def _size(request: Request, ticket: Ticket) -> int:
    if ticket.size is not None and request.method == "GET":
        return ticket.size
    found = await state_of(request).blobs.head(ticket.key)
    if found is None:
        raise FileNotFound
    return found.size


def _unsatisfiable(request: Request, size: int) -> Response:
    body = {
        "error": f"The file has {size} bytes; the range is beyond them.",
        "code": "range_not_satisfiable",
        "request_id": request_id_of(request),
    }
    return JSONResponse(body, 416, headers={"Content-Range": f"bytes */{size}"})
