"""The credential of a request: `Authorization: Bearer <token>`, or none at all."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from pinakes.server.actor import Actor, anonymous
from pinakes.server.db import Tx
from pinakes.server.errors import InvalidCredentials
from pinakes.server.people import service as people
from pinakes.server.state import request_id_of

API = "huggingface"


async def actor_of(tx: Tx, request: HTTPConnection) -> Actor:
    """Return who asks: nobody without the header, else the token's user, found in one query.

    Raises:
        InvalidCredentials: the header is no `Bearer`, or its token is unknown or no longer valid.
    """
    header = request.headers.get("authorization")
    if header is None:
        return anonymous(API, request_id_of(request))
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidCredentials
    return await people.actor_for_token(tx, token.strip(), API, request_id_of(request))
