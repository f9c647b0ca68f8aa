"""Files that come: `PUT` of a whole one, or of a part of one."""

from __future__ import annotations

import binascii
from base64 import b64decode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pinakes.server.artifacts import transfers
from pinakes.server.errors import Invalid
from pinakes.server.signing import UPLOADS
from pinakes.server.state import state_of
from pinakes.server.wires.files.auth import ticket_of
from pinakes.server.wires.files.errors import FileRoute

router = APIRouter(route_class=FileRoute)

_MD5_BYTES = 16


@router.put(f"{UPLOADS}/{{token}}/{{name:path}}", include_in_schema=False)
async def put(request: Request, token: str) -> Response:
    """Take a file; the answer's `ETag` is its MD5."""
    state = state_of(request)
    ticket = ticket_of(request, token, "put-blob", "put-part", "put-run-file")
    received = await transfers.receive(
        state.db, state.blobs, ticket, request.stream(), md5=_md5(request), size=_size(request)
    )
    return Response(status_code=200, headers={"ETag": f'"{received.md5.hex()}"'})


def _size(request: Request) -> int | None:
    raw = request.headers.get("content-length")
    return int(raw) if raw is not None and raw.isascii() and raw.isdigit() else None


def _md5(request: Request) -> bytes | None:
    """Return the MD5 that the client announces."""
    raw = request.headers.get("content-md5")
    if raw is None:
        return None
    try:
        md5 = b64decode(raw, validate=True)
    except (ValueError, binascii.Error):
        md5 = b""
    if len(md5) != _MD5_BYTES:
        message = "Content-MD5 has to be the 16 bytes of an MD5 in base64."
        raise Invalid(message, field="Content-MD5")
    return md5
