"""What goes wrong, as a page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
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
from pinakes.server.wires.pages.render import page

STATUSES: dict[type[PinakesError], tuple[int, str]] = {
    Unauthenticated: (401, "Sign in first"),
    Forbidden: (403, "Not yours to do"),
    NotFound: (404, "Nothing here"),
    Conflict: (409, "Something is in the way"),
    PreconditionFailed: (412, "It changed meanwhile"),
    TooLarge: (413, "Too large"),
    Invalid: (422, "That can't be"),
    TooManyRequests: (429, "Not so fast"),
    Unavailable: (503, "Back in a moment"),
}


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except PinakesError as error:
                return show(error)
            except (RequestValidationError, HTTPException) as error:
                if isinstance(error.__cause__, TooLarge):  # FastAPI's own error stands around it
                    return show(error.__cause__)
                return show(Invalid("This page was asked for in a way that it does not know."))

        return answer


def status_of(error: PinakesError) -> int:
    """Return the status of an error."""
    return _known(error)[0]


def show(error: PinakesError) -> Response:
    """Show an error as a page of its own."""
    status, title = _known(error)
    response = page("error.html", status, title=title, message=error.message, missing=status == 404)  # noqa: PLR2004
    if "retry_after" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after"])
    return response


def _known(error: PinakesError) -> tuple[int, str]:
    return next((known for category, known in STATUSES.items() if isinstance(error, category)), (500, "An accident"))
