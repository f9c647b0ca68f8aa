"""The credential of a request: the header `x-api-key` with one of our tokens."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import InvalidCredentials, Unauthenticated
from pinakes.server.people import service as people
from pinakes.server.state import request_id_of

API = "supervisely"
HEADER = "x-api-key"


async def actor_of(tx: Tx, request: HTTPConnection) -> Actor:
    """Return who asks, found in one query. Every method but a few needs somebody who signed in.

    Raises:
        Unauthenticated: the header is missing.
        InvalidCredentials: its token is unknown or no longer valid.
    """
    token = request.headers.get(HEADER, "").strip()
    if not token:
        message = "Send a token of this server in the header x-api-key (the client's API_TOKEN)."
        raise Unauthenticated(message)
    if not token.isascii():
        raise InvalidCredentials
    return await people.actor_for_token(tx, token, API, request_id_of(request))
