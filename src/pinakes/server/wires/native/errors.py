"""What goes wrong, in the native API's form: `{"error": {"code", "message", "field", "details", "request_id"}}`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from pinakes.api.common import ErrorAnswer
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
from pinakes.server.wires.native._decoding import decoder

PREFIX = "/api/v1"

# The one table: a category of the taxonomy, and the status that it has here.
STATUSES: dict[type[PinakesError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    PreconditionFailed: 412,
    TooLarge: 413,
    Invalid: 422,
    TooManyRequests: 429,
    Unavailable: 503,
}

_CODES = {
    400: "malformed",
    404: NotFound.code,
    405: "method_not_allowed",
    413: TooLarge.code,
    415: "unsupported_media_type",
}

_ABOUT = {
    400: "The body can't be read: it is not JSON.",
    401: "Nobody signed in, or the token is not valid.",
    403: "The actor may see this, but not do that; or his token's scope does not cover it.",
    404: "It does not exist, or the actor may not see it.",
    409: "It is in the way of something that exists already.",
    412: "It changed since it was read.",
    413: "The body is too large.",
    422: "The input is not valid; `field` names what.",
    429: "Too many requests; `Retry-After` says when to come back.",
    503: "The server can't answer just now.",
}

_SCHEMAS = "#/components/schemas/"
_ERROR = {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{ErrorAnswer.__name__}"}}}

# What any operation may answer; those with a conflict, a precondition or a limit add theirs by `errors(409)`.
COMMON = (400, 401, 403, 404, 413, 422, 503)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe answers of these statuses for an operation's `responses=`.

    By reference to `schemas`: of a model, FastAPI would make a field for each status of each operation, all over, which
    took half of the time that loading this wire takes.
    """
    return {status: {"description": _ABOUT[status], "content": _ERROR} for status in statuses}


def schemas() -> dict[str, Any]:
    """Return what the answers to what goes wrong look like, by name, for the OpenAPI."""
    _, found = models_json_schema([(ErrorAnswer, "serialization")], ref_template=f"{_SCHEMAS}{{model}}")
    return found["$defs"]


def router(tag: str) -> APIRouter:
    """Make a router of this wire: below its prefix, with its form of errors, in the OpenAPI under `tag`."""
    return APIRouter(
        prefix=PREFIX,
        route_class=NativeRoute,
        tags=[tag],
        responses=errors(*COMMON),
        generate_unique_id_function=lambda route: route.name,
    )


class NativeRoute(APIRoute):
    """A route of this wire: what goes wrong on it is answered in this wire's form, and in no other's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handler = super().get_route_handler()
        endpoint, decode = self.endpoint, decoder(self)

        async def answer(request: Request) -> Response:
            try:
                values = await decode(request) if decode is not None else None
                return await handler(request) if values is None else await endpoint(**values)
            except PinakesError as error:
                return answer_for(request, error)
            except RequestValidationError as error:
                return _answer_invalid(request, error)
            except HTTPException as error:
                return _answer(request, error.status_code, _code(error.status_code), str(error.detail))

        return answer


def status_of(error: PinakesError) -> int:
    """Return the status of an error here, by its category."""
    return next((status for category, status in STATUSES.items() if isinstance(error, category)), 500)


def describe(error: PinakesError, request_id: str) -> dict[str, object]:
    """Describe an error as the value of `error` in an answer, or on one line of a streamed one."""
    return {
        "code": error.code,
        "message": error.message,
        "field": error.field,
        "details": error.details,
        "request_id": request_id,
    }


def problem(code: str, message: str, request_id: str) -> dict[str, object]:
    """Build the body of an error that arose before or beyond this wire: an accident, a body that is too large."""
    return {"error": {"code": code, "message": message, "field": None, "details": {}, "request_id": request_id}}


def answer_for(request: Request, error: PinakesError) -> JSONResponse:
    """Answer with an error of ours."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after" in error.details:
        headers["Retry-After"] = str(error.details["retry_after"])
    return JSONResponse({"error": describe(error, request_id_of(request))}, status_of(error), headers=headers)


def _answer(
    request: Request,
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    details: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    found = {"code": code, "message": message, "field": field, "details": details or {}}
    body = {"error": {**found, "request_id": request_id_of(request)}}
    return JSONResponse(body, status, headers=headers)


def _code(status: int) -> str:
    return _CODES.get(status, "error")


def _answer_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer for input that doesn't have the form which the operation declares: all that is wrong at once."""
    problems = cast("Sequence[Mapping[str, Any]]", error.errors())
    if any(problem["type"] == "json_invalid" for problem in problems):
        message = f"The body is not JSON: {problems[0].get('ctx', {}).get('error', 'it ends too early')}."
        return _answer(request, 400, _code(400), message, field="body")
    found = [(_field(problem["loc"]), _message(problem)) for problem in problems]
    field, message = found[0]
    details = {"problems": [{"field": field, "message": message} for field, message in found]}
    return _answer(request, 422, Invalid.code, f"{field}: {message}", field=field, details=details)


def _field(location: Iterable[str | int]) -> str:
    """Name an input as its caller spelled it: `items.3.note` for a body's, plainly for a query's or path's."""
    place, *rest = location
    return ".".join(str(part) for part in rest) or str(place)


def _message(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "missing":
        return "This is required."
    if problem["type"] == "extra_forbidden":
        return "There is no such field here."
    if tuple(problem["loc"]) == ("body",) and problem["type"] != "value_error":
        return "Send a JSON object, with Content-Type: application/json."
    text = str(problem["msg"]).removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."


class _Anything(Convertor[str]):
    """The rest of a path, whatever is in it: Starlette's own `path` ends at a line break."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Leave it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Leave it as it is."""
        return value


register_url_convertor("anything", _Anything())


class Unknown:
    """Answers, as an ASGI application, for what is below this wire's prefix and no route of it."""

    def __init__(self, routers: Sequence[APIRouter]) -> None:
        """Know the wire's routes, to tell a wrong method from an unknown path."""
        self._routes = [route for found in routers for route in found.routes if isinstance(route, APIRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 405 for a path that has other methods, 404 for any other."""
        request = Request(scope)
        path: str = scope["path"]  # the URL's would come without its line breaks
        allowed = sorted({m for r in self._routes if r.path_regex.fullmatch(path) for m in r.methods or ()})
        if allowed:
            message = f"{request.method} is not possible at {path}; {', '.join(allowed)} is."
            response = _answer(request, 405, _code(405), message, headers={"Allow": ", ".join(allowed)})
        else:
            response = _answer(request, 404, _code(404), f"There is nothing at {path}.")
        await response(scope, receive, send)
