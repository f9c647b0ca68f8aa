"""Files that go: `GET` and `HEAD`, whole or a range.

They were put there by anybody who may write somewhere, and come from the address where people are signed in: a browser
saves them, and runs nothing of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from pinakes.server.errors import FileNotFound, NotFound
from pinakes.server.signing import DOWNLOADS, Ticket
from pinakes.server.state import request_id_of, state_of
from pinakes.server.wires.files.auth import ticket_of
from pinakes.server.wires.files.errors import FileRoute

router = APIRouter(route_class=FileRoute)

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(; ?[\w-]{1,50}=[\w.+-]{1,100})?", re.ASCII)
_UNFIT = re.compile(r"[\x00-\x1f\x7f\"\\/]")
_ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes of a file that are answered: from `start` up to, not including, `stop`."""

    start: int
    stop: int


@router.api_route(f"{DOWNLOADS}/{{token}}/{{path:path}}", methods=["GET", "HEAD"], include_in_schema=False)
async def get(request: Request, token: str, path: str) -> Response:
    """Answer a file, or the range of it that is asked for."""
    ticket = ticket_of(request, token, "get")
    headers = _headers(ticket, path)
    if _unchanged(request, headers.get("ETag")):
        return Response(status_code=304, headers=headers)
    size = await _size(request, ticket)
    span = _wanted(request, size, headers.get("ETag"))
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
    given = ticket.content_type or ""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": disposition(path.rpartition("/")[2]),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Type": given if _TYPE.fullmatch(given) else _ANY_TYPE,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if ticket.md5 is not None:
        headers["ETag"] = f'"{ticket.md5.hex()}"'
    return headers


def disposition(name: str) -> str:
    """Return the header that has a browser save a file under its name, whatever that is."""
    safe = _UNFIT.sub("_", name).strip() or "file"
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    encoded = quote(safe.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


async def _size(request: Request, ticket: Ticket) -> int:
    if ticket.size is not None and request.method == "GET":
        return ticket.size
    found = await state_of(request).blobs.head(ticket.key)
    if found is None:
        raise FileNotFound
    return found.size


def _unchanged(request: Request, etag: str | None) -> bool:
    asked = request.headers.get("if-none-match")
    if asked is None or etag is None:
        return False
    return asked.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in asked.split(",")}


def _wanted(request: Request, size: int, etag: str | None) -> Span | None:
    """Return the span that is asked for: the whole, where it is none or several; None where there is no such one."""
    whole = Span(0, size)
    asked = request.headers.get("range")
    condition = request.headers.get("if-range")
    match = _RANGE.fullmatch(asked.strip()) if asked is not None else None
    if match is None or match[0] == "bytes=-" or (condition is not None and condition.strip() != etag):
        return whole
    if not match[1]:
        start, stop = max(size - int(match[2]), 0), size
    else:
        start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return whole
    return Span(start, stop) if start < stop else None


def _unsatisfiable(request: Request, size: int) -> Response:
    body = {
        "error": f"The file has {size} bytes; the range is beyond them.",
        "code": "range_not_satisfiable",
        "request_id": request_id_of(request),
    }
    return JSONResponse(body, 416, headers={"Content-Range": f"bytes */{size}"})
