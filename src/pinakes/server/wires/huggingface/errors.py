"""What goes wrong, in the form that `huggingface_hub` reads: a status, `X-Error-Code`, `X-Error-Message`, `{"error"}`.

The client raises by status, except where `X-Error-Code` names a class of its own: on a plain `http://` address that
header is the only thing that makes `repo_exists` answer False. It shows the header's message, then the body's.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from pinakes.server.errors import (
    AccessGated,
    AlreadyInCollection,
    CheckFailed,
    Conflict,
    Forbidden,
    Invalid,
    InvalidCredentials,
    ItemNotFound,
    NameTaken,
    NotFound,
    PinakesError,
    PreconditionFailed,
    RevisionNotFound,
    TitleTaken,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

# The first class that fits decides. Of the conflicts only "it is there already" is 409, since the client's `exists_ok`
# swallows a 409: a clash with another transaction is a 503, to be tried again; what a check refuses is not.
STATUSES: tuple[tuple[type[PinakesError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Invalid, 400),
    (CheckFailed, 400),
    (TitleTaken, 409),
    (NameTaken, 409),
    (AlreadyInCollection, 409),
    (PreconditionFailed, 412),
    (TooLarge, 413),
    (TooManyRequests, 429),
    (Unavailable, 503),
)
# The text by which the client tells a bad token from a repo that is not there.
BAD_TOKEN = "Invalid credentials in Authorization header"  # noqa: S105 - a message
# Fields that the rooms call otherwise than this API.
FIELDS = {"to": "toRepo"}
# A header has to fit beside the others; the body carries the whole message.
_LONGEST_HEADER = 500


# What the client needs a class of its own for, on the routes about one repository.
REPO_CODES: tuple[tuple[type[PinakesError], str], ...] = (
    (ItemNotFound, "RepoNotFound"),
    (RevisionNotFound, "RevisionNotFound"),
    (AccessGated, "GatedRepo"),
)


def answer(error: PinakesError, codes: tuple[tuple[type[PinakesError], str], ...] = ()) -> Response:
    """Build the Hub's answer to an error; `codes` says what `X-Error-Code` to send for which class."""
    status = status_of(error)
    field = FIELDS.get(error.field or "", error.field)
    message = BAD_TOKEN if isinstance(error, InvalidCredentials) else error.message
    # The client shows its user the message only, so that has to name the field.
    if isinstance(error, Invalid) and field is not None and field.lower() not in message.lower():
        message = f"{field}: {message}"
    body: dict[str, object] = {**error.details, "error": message}
    if field is not None:
        body["field"] = field
    headers = _headers(error, status, message)
    for category, code in codes:
        if isinstance(error, category):
            headers["X-Error-Code"] = code
    return Response(orjson.dumps(body, default=str), status, headers=headers, media_type="application/json")


def unanswered(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Build the answer for a path of the Hub's API that is not there, or a method that a path does not have."""
    content = orjson.dumps({"error": message})
    told = {**(headers or {}), "X-Error-Message": header_text(message)}
    return Response(content, status, headers=told, media_type="application/json")


def status_of(error: PinakesError) -> int:
    """Return the status of an error; a conflict that no line names is a clash, which passes."""
    for category, status in STATUSES:
        if isinstance(error, category):
            return status
    return 503 if isinstance(error, Conflict) else 500


def header_text(message: str) -> str:
    """Fit a message into a header: one line of latin-1; what doesn't fit is replaced (the body has it whole)."""
    line = " ".join(message.split())[:_LONGEST_HEADER]
    text = line.encode("latin-1", "replace").decode("latin-1")
    return "".join(c for c in text if c.isprintable())


def _headers(error: PinakesError, status: int, message: str) -> dict[str, str]:
    headers = {"X-Error-Message": header_text(message)}
    if status in {429, 503}:
        headers["Retry-After"] = str(error.details.get("retry_after", 1))
    if status == 401:  # noqa: PLR2004 - what RFC 9110 wants with it
        headers["WWW-Authenticate"] = "Bearer"
    return headers
