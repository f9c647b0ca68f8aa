"""How large the body of a request may be.

A body that is read whole (JSON, a form) has one limit, a setting. What is streamed into a file or the store is not in
memory, and has another: the handler that streams says so before it reads, or the whole path is known for it (uploads).
So a route that nobody thought of has the small limit, whatever type its caller gives a body.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from pinakes.server.state import state_of

SCOPE = "pinakes.body"


@dataclass(slots=True)
class Limit:
    """The most bytes that a request's body may have; `RequestMiddleware` holds it while the body is read."""

    most: int


def streamed(request: Request) -> None:
    """Let the body be as large as one that is streamed may be; for handlers that never have it in memory whole."""
    limit = request.scope.get(SCOPE)
    if isinstance(limit, Limit):
        limit.most = state_of(request).settings.max_body_bytes
