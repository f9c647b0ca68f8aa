"""What goes wrong, as plain JSON: the clients look at the status, people at the sentence."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from typing_extensions import override

from pinakes.server.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PinakesError,
    PreconditionFailed,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from pinakes.server.state import request_id_of

STATUSES: dict[type[PinakesError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    # A clash of transactions: nothing of it was done, and clients send again what is answered so.
    Conflict: 503,
    PreconditionFailed: 412,
    TooLarge: 413,
    Invalid: 400,
    TooManyRequests: 429,
    Unavailable: 503,
}

_GONE = 499


class FileRoute(APIRoute):
    """A route of this wire."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except PinakesError as error:
                return problem(request, error)
            except ClientDisconnect:
                return Response(status_code=_GONE)  # nobody is there to read it

        return answer


def problem(request: Request, error: PinakesError) -> Response:
    """Answer with an error."""
    status = next((status for category, status in STATUSES.items() if isinstance(error, category)), 500)
    body: dict[str, object] = {"error": error.message, "code": error.code, "request_id": request_id_of(request)}
    if error.field is not None:
        body["field"] = error.field
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
