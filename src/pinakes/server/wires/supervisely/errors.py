"""What goes wrong, in the form that `supervisely` reads: a status, and `{"error", "details": [{"type", "message"}]}`.

The client sends again, for five minutes and without a word, whatever is answered with 408, 429, 500, 502, 503 or 504;
so nothing that its user did wrong may be answered so, and an accident of ours is a 501, which it shows at once.

A 404 makes the client's `get_info_by_id` answer None; it is for the entity that is asked for by its `id`, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import orjson
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from pinakes.server.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NameTaken,
    NotFound,
    PinakesError,
    PreconditionFailed,
    TitleTaken,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

# The first class that fits decides. A clash of transactions (plain `Conflict`) passes: the client shall try again, as
# when it comes too often. The client's renaming of what clashes needs a 400.
STATUSES: tuple[tuple[type[PinakesError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Invalid, 400),
    (NameTaken, 400),
    (TitleTaken, 400),
    (PreconditionFailed, 409),
    (TooLarge, 413),
    (TooManyRequests, 429),
    (Unavailable, 503),
)
TAKEN = "NONUNIQUE"
# What is no camel case here, either.
AS_THEY_ARE = frozenset(
    {"per_page", "sort_order", "pagination_mode", "value_type", "applicable_type", "target_type", "geometry_config"}
)
ACCIDENT = "Something went wrong on the server; its log has more."


def status_of(error: PinakesError) -> int:
    """Return the status of an error."""
    for category, status in STATUSES:
        if isinstance(error, category):
            return status
    if is_clash(error):
        return 503
    return 409 if isinstance(error, Conflict) else 501


def is_clash(error: Exception) -> bool:
    """Tell whether two transactions were in each other's way: nothing of this one was done; it may be tried again."""
    return type(error) is Conflict and error.field is None


def answer(error: PinakesError, *, by_id: bool = True) -> Response:
    """Build the answer to an error; `by_id` says whether the call asked for one entity by its `id`."""
    status = status_of(error)
    if isinstance(error, NotFound) and not by_id:
        status = 400
    detail: dict[str, object] = {"type": _type(error), "message": _message(error)}
    if error.field is not None:
        detail["field"] = _field(error.field)
    if isinstance(error, NameTaken | TitleTaken):
        detail["errors"] = clashes(error)
    if rest := {key: value for key, value in error.details.items() if key != "errors"}:
        detail["facts"] = rest
    headers: dict[str, str] = {}
    if status in {429, 503}:
        headers["Retry-After"] = str(error.details.get("retry_after", 1))
    return respond(status, _message(error), detail, headers)


def respond(
    status: int, message: str, detail: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with one error."""
    body = orjson.dumps({"error": message, "details": [detail]}, default=str)
    return Response(body, status, headers=dict(headers or {}), media_type="application/json")


def accident(request_id: str) -> Response:
    """Answer for an error that nobody foresaw."""
    return respond(501, ACCIDENT, {"type": "internal", "message": ACCIDENT, "request_id": request_id})


def problem(code: str, message: str, request_id: str) -> Mapping[str, object]:
    """Build the body for what goes wrong before or beyond this wire: an accident, a body that is too large."""
    return {"error": message, "details": [{"type": code, "message": message, "request_id": request_id}]}


def unanswered(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Answer for a path of this API that is not there, or an HTTP method that it does not have.

    A 404 would tell the client that what it looked for does not exist.
    """
    status = 400 if status == 404 else status  # noqa: PLR2004 - the status of a path that is not there
    return respond(status, message, {"type": "unknown_method", "message": message}, headers)


def _type(error: PinakesError) -> str:
    return TAKEN if isinstance(error, NameTaken | TitleTaken) else error.code


def _message(error: PinakesError) -> str:
    """Return what the client's user is shown: only this, so it has to name the field."""
    field = _field(error.field) if error.field is not None else None
    if isinstance(error, Invalid) and field is not None and field.lower() not in error.message.lower():
        return f"{field}: {error.message}"
    return error.message


def clashes(error: PinakesError) -> list[dict[str, object]]:
    """Return the names that were taken already, with the ids of what has them."""
    several = cast("list[dict[str, object]] | None", error.details.get("errors"))
    if several is None and "id" in error.details:
        return [{"name": error.details.get("name"), "id": error.details["id"]}]
    return several or []


def _field(name: str) -> str:
    """Spell a field of ours as this API does."""
    return ".".join(to_camel(part) if "_" in part and part not in AS_THEY_ARE else part for part in name.split("."))
