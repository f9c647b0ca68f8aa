"""What goes wrong, in the form that `wandb` reads: a status, and `errors` with a message each.

The client takes 400, 401, 403, 404, 409, 410, 413 and 422 for final and raises `CommError` with the message; whatever
else it tries again for a quarter of an hour, so nothing that its user did wrong may be answered with another status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import Response

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

# The first class that fits decides. A clash of transactions (plain `Conflict`) passes: the client shall try again, as
# when it comes too often.
STATUSES: tuple[tuple[type[PinakesError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Invalid, 400),
    (PreconditionFailed, 409),
    (TooLarge, 413),
    (TooManyRequests, 429),
    (Unavailable, 503),
)

Path = Sequence[str | int]


def status_of(error: PinakesError) -> int:
    """Return the status of an error."""
    for category, status in STATUSES:
        if isinstance(error, category):
            return status
    if is_clash(error):
        return 503
    return 409 if isinstance(error, Conflict) else 500


def is_clash(error: Exception) -> bool:
    """Tell whether two transactions were in each other's way: nothing of this one was done; it may be tried again."""
    return type(error) is Conflict and error.field is None


def message_of(error: PinakesError) -> str:
    """Return what the client's user is shown: only this, so it has to name the field."""
    field = error.field
    if isinstance(error, Invalid) and field is not None and field.lower() not in error.message.lower():
        return f"{field}: {error.message}"
    return error.message


def answer(error: PinakesError, path: Path | None = None, *, status: int | None = None) -> Response:
    """Build the answer to an error of ours; `path` says where in a document it arose."""
    extensions: dict[str, object] = {"code": error.code}
    if error.field is not None:
        extensions["field"] = error.field
    if error.details:
        extensions["details"] = error.details
    status = status or status_of(error)
    headers: dict[str, str] = {}
    if status in {429, 503}:
        headers["Retry-After"] = str(error.details.get("retry_after", 1))
    return respond(status, [described(message_of(error), path, extensions)], headers)


def described(
    message: str, path: Path | None = None, extensions: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Build one entry of `errors`."""
    found: dict[str, object] = {"message": message}
    if path:
        found["path"] = list(path)
    return {**found, "extensions": dict(extensions or {"code": Invalid.code})}


def respond(
    status: int, problems: Sequence[Mapping[str, object]], headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with errors."""
    body = orjson.dumps({"errors": problems, "data": None}, default=str)
    return Response(body, status, headers=dict(headers or {}), media_type="application/json")


def problem(code: str, message: str, request_id: str) -> Mapping[str, object]:
    """Build the body for what goes wrong before or beyond this wire: an accident, a body that is too large."""
    return {"errors": [described(message, None, {"code": code, "request_id": request_id})], "data": None}


def unanswered(request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Answer for a path of this API that is not there, or a method that a path does not have."""
    extensions = {"code": NotFound.code, "request_id": request_id_of(request)}
    return respond(status, [described(message, None, extensions)], headers)
