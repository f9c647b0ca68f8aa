"""Who asks over the native API: a bearer token, or the cookie of a session of the web."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from pinakes.server.actor import Actor, anonymous
from pinakes.server.errors import Forbidden, InvalidCredentials
from pinakes.server.people import service as people
from pinakes.server.people.sessions import COOKIE, SAFE_METHODS, same_origin
from pinakes.server.state import request_id_of, state_of

API = "native"
WEB = "web"
# What our own clients say in `User-Agent`, and what the record calls them. The command line goes through the SDK and
# names both, so it comes first.
CLIENTS = (("pinakes-cli/", "cli"), ("pinakes-python/", "sdk"))

# What the OpenAPI says of it.
SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "Bearer": {"type": "http", "scheme": "bearer", "description": "A token: `pinakes_…`, or a key of your own."},
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The session of the web app: `POST /api/v1/sessions`.",
    },
}


async def actor_of(request: Request) -> Actor:
    """Return who makes a request; somebody anonymous when it carries no credential.

    Raises:
        InvalidCredentials: the token or its scheme is not valid.
        Forbidden: a page of another site tries to use the session.
    """
    request_id = request_id_of(request)
    header = request.headers.get("authorization")
    if header is not None:
        return await _by_token(request, header, request_id)
    secret = request.cookies.get(COOKIE)
    if secret:
        return await _by_session(request, secret, request_id)
    return anonymous(api_of(request), request_id)


def api_of(request: Request) -> str:
    """Return by which of the ways to this wire a request came; the record keeps it, and nothing is decided by it."""
    products = request.headers.get("user-agent", "").split()
    for beginning, name in CLIENTS:
        if any(product.startswith(beginning) for product in products):
            return name
    return API


async def _by_token(request: Request, header: str, request_id: str) -> Actor:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        message = "Send `Authorization: Bearer <token>`."
        raise InvalidCredentials(message)
    async with state_of(request).db.reading() as tx:
        return await people.actor_for_token(tx, token.strip(), api_of(request), request_id)


async def _by_session(request: Request, secret: str, request_id: str) -> Actor:
    state = state_of(request)
    async with state.db.reading() as tx:
        days = state.settings.session_days
        actor = await people.actor_for_session(tx, secret, WEB, request_id, days=days)
    if actor is None:  # a stale cookie may read what anybody may, but must not seem to have written
        if request.method not in SAFE_METHODS:
            message = "The session has ended; sign in again."
            raise InvalidCredentials(message)
        return anonymous(WEB, request_id)
    if not same_origin(request.method, request.headers, state.settings.public_url):
        message = "This comes from another site's page, which may not use your session."
        raise Forbidden(message)
    return actor


# What a handler declares to have its actor: `async def handler(actor: By, ...)`.
By = Annotated[Actor, Depends(actor_of)]
