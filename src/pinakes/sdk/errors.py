"""What can go wrong, as a caller of the SDK sees it: one class for each family of the server's error codes.

Catch the family (`NotFound`, `Conflict` ...) and look at `.code` where the case matters: the codes are the server's
taxonomy and stable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson

if TYPE_CHECKING:
    from pinakes.api.collections import Batch


class PinakesError(Exception):
    """Something went wrong.

    Attributes:
        message: One sentence for the person who reads it.
        code: Stable, for programs: `collection_not_found`, `title_taken`, `invalid` ...
        field: The input that was wrong, as it was spelled, where one was.
        details: Further facts: the slug that exists already, the limit that was passed ...
        request_id: Finds the request in the server's log.
        status: The HTTP status; 0 when there was no answer.
        batch: What each line came to, when an atomic batch was refused.
        retry_after: After how many seconds the server asked to try again, where it did.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "error",
        field: str | None = None,
        details: Mapping[str, Any] | None = None,
        request_id: str = "",
        status: int = 0,
    ) -> None:
        """Keep the facts."""
        super().__init__(message)
        self.message: str = message
        self.code: str = code
        self.field: str | None = field
        self.details: dict[str, Any] = dict(details or {})
        self.request_id: str = request_id
        self.status: int = status
        self.batch: Batch | None = None
        self.retry_after: float | None = None


class NotConnected(PinakesError):
    """Nobody said which server: no `url`, no `PINAKES_URL`, no saved login; or the saved login can't be read."""


class ConnectionFailed(PinakesError):
    """The server did not answer, or the connection broke on the way."""


class UnexpectedAnswer(PinakesError):
    """Something answered, but not as Pinakes would: the URL may be another service's, or the server is a newer one."""


class Unauthenticated(PinakesError):
    """Sign in, or send a valid token."""


class Forbidden(PinakesError):
    """You may see this, but not change it; or the token's scope is too narrow."""


class NotFound(PinakesError):
    """It does not exist, or you may not see it."""


class Invalid(PinakesError):
    """The input is not valid; `.field` says which."""


class Conflict(PinakesError):
    """It is in the way of something that exists already."""


class PreconditionFailed(PinakesError):
    """It changed since you read it (the revision is not `expected` any more); read it again."""


class TooLarge(PinakesError):
    """The request is too large."""


class TooManyRequests(PinakesError):
    """Too many requests; `.retry_after` says how long to wait."""


class Unavailable(PinakesError):
    """The server can't answer just now; try again."""


class ServerFault(PinakesError):
    """Something went wrong on the server; `.request_id` finds it in its log."""


_FAMILIES: dict[int, type[PinakesError]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: UnexpectedAnswer,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    415: Invalid,
    422: Invalid,
    429: TooManyRequests,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}

# The codes that a bulk call's own lines and last line carry have no status with them; what is not here is `Invalid`.
_FAMILIES_BY_CODE: dict[str, type[PinakesError]] = {
    "unauthenticated": Unauthenticated,
    "invalid_credentials": Unauthenticated,
    "forbidden": Forbidden,
    "scope_too_narrow": Forbidden,
    "access_gated": Forbidden,
    "alias_protected": Forbidden,
    "approval_needed": Forbidden,
    "conflict": Conflict,
    "name_taken": Conflict,
    "title_taken": Conflict,
    "already_in_collection": Conflict,
    "idempotency_mismatch": Conflict,
    "nothing_to_undo": Conflict,
    "last_administrator": Conflict,
    "held_by_registry": Conflict,
    "has_aliases": Conflict,
    "promotion_decided": Conflict,
    "check_failed": Conflict,
    "lease_lost": Conflict,
    "precondition_failed": PreconditionFailed,
    "too_large": TooLarge,
    "took_too_long": TooLarge,
    "too_many_requests": TooManyRequests,
    "unavailable": Unavailable,
    "shutting_down": Unavailable,
    "internal": ServerFault,
}


def family_of(status: int) -> type[PinakesError]:
    """Return the class of a status outside 2xx."""
    return _FAMILIES.get(status) or (ServerFault if status >= 500 else UnexpectedAnswer)  # noqa: PLR2004


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> PinakesError:
    """Build the exception of an answer outside 2xx, whoever gave it: the server, or a proxy before it."""
    answer = _as_object(body)
    given = answer.get("error")
    facts = cast("dict[str, Any]", given) if isinstance(given, dict) else {**answer, "message": given}
    if not isinstance(facts.get("message"), str):
        facts = {"message": f"The server answered with status {status}."}
    error = _build(family_of(status), facts)
    error.status = status
    error.request_id = str(facts.get("request_id") or headers.get("x-request-id", ""))
    error.retry_after = seconds_of(headers.get("retry-after"))
    if isinstance(given, dict) and "results" in answer:
        from pinakes.api.collections import Batch

        error.batch = Batch.model_validate(answer)
    return error


def from_line(facts: Mapping[str, Any]) -> PinakesError:
    """Build the exception of an error that came as a line of a streamed answer."""
    code = str(facts.get("code", "error"))
    family = _FAMILIES_BY_CODE.get(code) or (NotFound if code.endswith("not_found") else Invalid)
    return _build(family, facts)


def seconds_of(retry_after: str | None) -> float | None:
    """Read the header `Retry-After`, which is a number of seconds or a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _as_object(body: bytes) -> dict[str, Any]:
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def _build(family: type[PinakesError], facts: Mapping[str, Any]) -> PinakesError:
    details = facts.get("details")
    return family(
        str(facts["message"]),
        code=str(facts.get("code") or "error"),
        field=facts.get("field"),
        details=cast("dict[str, Any]", details) if isinstance(details, dict) else None,
        request_id=str(facts.get("request_id") or ""),
    )
