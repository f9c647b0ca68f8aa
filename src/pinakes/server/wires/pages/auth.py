"""Who looks at a page: whoever the cookie's session belongs to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from pinakes.server.actor import Actor, anonymous
from pinakes.server.errors import Forbidden
from pinakes.server.people import service as people
from pinakes.server.people.sessions import COOKIE, attributes, same_origin
from pinakes.server.people.types import SignedIn
from pinakes.server.state import request_id_of, state_of

API = "web"


async def _actor_of(request: Request) -> Actor:
    """Return who looks at a page; somebody anonymous without a session, or with one that has ended."""
    request_id = request_id_of(request)
    secret = request.cookies.get(COOKIE)
    state = state_of(request)
    if not secret:
        return anonymous(API, request_id)
    async with state.db.reading() as tx:
        found = await people.actor_for_session(tx, secret, API, request_id, days=state.settings.session_days)
    return found or anonymous(API, request_id)


# What a handler declares to have its actor.
By = Annotated[Actor, Depends(_actor_of)]


def require_own_form(request: Request, *, strict: bool = False) -> None:
    """Raise Forbidden when a form comes from a page of another site."""
    if not same_origin(request.method, request.headers, state_of(request).settings.public_url, strict=strict):
        message = "This form comes from another site's page."
        raise Forbidden(message)


def keep_session(request: Request, response: Response, signed_in: SignedIn) -> None:
    """Give the browser the cookie of a new session."""
    settings = state_of(request).settings
    seconds = settings.session_days * 86_400
    response.set_cookie(COOKIE, signed_in.secret, max_age=seconds, **attributes(settings.public_url))


def drop_session(request: Request, response: Response) -> None:
    """Take the cookie back."""
    response.delete_cookie(COOKIE, **attributes(state_of(request).settings.public_url))
