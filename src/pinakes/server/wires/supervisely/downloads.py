"""One file: whole, or the range that is asked for; never compressed, with the checksum that the client compares."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pinakes.server.blobs import Blobs
from pinakes.server.wires.supervisely import errors
from pinakes.server.wires.supervisely.values import written_hash

CHECKSUM = "x-content-checksum-sha256"
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)


class File(Protocol):
    """A file in the store."""

    @property
    def key(self) -> str:
        """Where it is."""
        ...

    @property
    def size(self) -> int:
        """How many bytes it has."""
        ...

    @property
    def mime(self) -> str | None:
        """Of what type it is."""
        ...

    @property
    def sha256(self) -> bytes:
        """What its bytes have to be."""
        ...


async def send(request: Request, blobs: Blobs, file: File) -> Response:
    """Answer with a file, or the range of it that is asked for."""
    headers = {"Accept-Ranges": "bytes", **_headers(file.mime, file.sha256)}
    span = _wanted(request.headers.get("range"), file.size)
    if span is None:
        message = f"The file has {file.size} bytes; the range is beyond them."
        detail = {"type": "range_not_satisfiable", "message": message}
        return errors.respond(416, message, detail, {"Content-Range": f"bytes */{file.size}"})
    start, stop = span
    partial = span != (0, file.size)
    headers["Content-Length"] = str(stop - start)
    if partial:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    chunks = await blobs.stream(file.key, start, stop if partial else None)
    return StreamingResponse(chunks, 206 if partial else 200, headers=headers)


def send_bytes(content: bytes, mime: str | None) -> Response:
    """Answer with a file that is in memory."""
    return Response(content, headers=_headers(mime, hashlib.sha256(content).digest()))


def _headers(mime: str | None, sha256: bytes) -> dict[str, str]:
    return {
        "Content-Type": mime if mime is not None and _TYPE.fullmatch(mime) else "application/octet-stream",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        CHECKSUM: written_hash(sha256) or "",
    }


def _wanted(asked: str | None, size: int) -> tuple[int, int] | None:
    """Return the span that is asked for: the whole, where it is none or several; None where there is no such one."""
    match = _RANGE.fullmatch(asked.strip()) if asked is not None else None
    if match is None or match[0] == "bytes=-":
        return 0, size
    if not match[1]:
        start, stop = max(size - int(match[2]), 0), size
    else:
        start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
    if start >= stop:
        # The client asks for what is behind a whole file when it goes on with one that it has already.
        return None if start or stop else (0, size)
    return start, stop
