"""What goes wrong, in the native API's form: `{"error": {"code", "message", "field", "details", "request_id"}}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar, cast

from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

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
from pinakes.server.routing import Short
from pinakes.server.state import request_id_of
from pinakes.server.wires.native._decoding import decoder
from pinakes.server.wires.native._problems import message as message_of, told

PREFIX = "/api/v1"

# Of a name that somebody made up, an answer repeats so much.
_LONGEST_NAME = 100

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

# This one comes before anything of ours is asked, and has no body.
_TOO_LONG: dict[int | str, dict[str, Any]] = {414: {"description": "The address is longer than 65,534 bytes."}}


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
        responses={**errors(*COMMON), **_TOO_LONG},
        generate_unique_id_function=lambda route: route.name,
    )


class NativeRoute(APIRoute):
    """A route of this wire: what goes wrong on it is answered in this wire's form, and in no other's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handler = super().get_route_handler()
        endpoint, decode = self.endpoint, decoder(self)
        known = _query_parameters(self.dependant)

        async def attempt(request: Request, otherwise: Callable[[Request], Awaitable[_Answer]]) -> Response | _Answer:
            try:
                if request.scope["query_string"]:
                    _check_query(request, known)
                values = await decode(request) if decode is not None else None
                return await otherwise(request) if values is None else await endpoint(**values)
            except PinakesError as error:
                return answer_for(request, error)
            except RequestValidationError as error:
                return _answer_invalid(request, error)
            except HTTPException as error:
                if error.status_code == HTTPStatus.BAD_REQUEST:
                    return _answer_unreadable(request, error.__cause__)
                return _answer(request, error.status_code, _code(error.status_code), str(error.detail))

        async def answer(request: Request) -> Response:
            return await attempt(request, handler)

        async def short(scope: Scope, receive: Receive, send: Send) -> Receive | None:
            request = Request(scope, receive, send)
            response = await attempt(request, _leave)
            if response is None:
                return _once_more(request, receive)
            await response(scope, receive, send)
            return None

        self.short: Short | None = short if decode is not None else None
        return answer


_Answer = TypeVar("_Answer", Response, None)


async def _leave(_: Request) -> None:
    """Leave a request that is not in order to FastAPI, who says what is wrong with it."""


def _once_more(request: Request, receive: Receive) -> Receive:
    """Return what there is to receive of a request, for who reads it from the beginning."""
    body: bytes | None = vars(request).get("_body")  # it stands there once it was read whole
    if body is None:
        return receive
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


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


def _query_parameters(found: Dependant) -> frozenset[str]:
    """Collect the names of all parameters of the query that a route, or something that it needs, takes."""
    own = {field.validation_alias or field.alias for field in found.query_params}
    return frozenset(own).union(*(_query_parameters(each) for each in found.dependencies))


def _check_query(request: Request, known: frozenset[str]) -> None:
    """Refuse a parameter that the route does not take: passed over, it would answer another question than was asked.

    Raises:
        Invalid: there is one; its field names it.
    """
    for name in request.query_params:
        if name not in known:
            there = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            message = f"There is no parameter {name[:_LONGEST_NAME]!r} in this query; {there}."
            raise Invalid(message, field=name[:_LONGEST_NAME])


def _answer_unreadable(request: Request, cause: BaseException | None) -> JSONResponse:
    """Answer for a body that can't be read as JSON at all."""
    if isinstance(cause, UnicodeDecodeError):
        why = "it is not UTF-8 text"
        if "content-encoding" in request.headers:
            why += ", and a compressed body is not taken here"
    elif isinstance(cause, RecursionError):
        why = "it is nested too deeply"
    elif isinstance(cause, ValueError):
        why = "a number in it has too many digits"
    else:
        why = "it ended before it was complete"
    return _answer(request, 400, _code(400), f"The body can't be read: {why}.", field="body")


def _answer_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer for input that doesn't have the form which the operation declares: all that is wrong at once."""
    problems = cast("Sequence[Mapping[str, Any]]", error.errors())
    if any(problem["type"] == "json_invalid" for problem in problems):
        message = f"The body is not JSON: {problems[0].get('ctx', {}).get('error', 'it ends too early')}."
        return _answer(request, 400, _code(400), message, field="body")
    found = _problems_of(problems, error.body)
    details = {"problems": [{"field": field, "message": message} for field, message in found]}
    field, message = found[0]
    return _answer(request, 422, Invalid.code, f"{field}: {message}", field=field, details=details)


def _problems_of(problems: Sequence[Mapping[str, Any]], body: object) -> list[tuple[str, str]]:
    """Name each input as its caller spelled it, `items.3.note` for a body's, plainly for a query's or path's."""
    of_body = [{**problem, "loc": problem["loc"][1:]} for problem in problems if problem["loc"][0] == "body"]
    if any(not problem["loc"] and problem["type"] != "value_error" for problem in of_body):
        found = [("body", "Send a JSON object, with Content-Type: application/json.")]
    else:
        found = [(problem.field or "body", problem.message) for problem in told(of_body, body)]
    others = (problem for problem in problems if problem["loc"][0] != "body")
    return [(_field(problem["loc"]), message_of(problem)) for problem in others] + found


def _field(location: Sequence[str | int]) -> str:
    place, *rest = location
    named = [str(part) for at, part in enumerate(rest) if at == 0 or isinstance(part, int)]
    return ".".join(named) or str(place)


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
        there = [route for route in self._routes if route.path_regex.fullmatch(path)]
        allowed = sorted({method for route in there for method in route.methods or ()})
        if "GET" in allowed:
            if request.method == "HEAD":
                await _answer_head(there, scope, receive, send)
                return
            allowed = sorted({*allowed, "HEAD"})
        if allowed:
            message = f"{request.method} is not possible at {path}; {', '.join(allowed)} is."
            response = _answer(request, 405, _code(405), message, headers={"Allow": ", ".join(allowed)})
        else:
            response = _answer(request, 404, _code(404), f"There is nothing at {path}.")
        await response(scope, receive, send)


class _HeadSent(Exception):
    """The head of an answer is out, and nothing else of it is wanted."""


async def _answer_head(routes: Sequence[APIRoute], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer HEAD as GET would be answered, without the body."""

    async def head(message: Message) -> None:
        await send(message)
        await send({"type": "http.response.body", "body": b""})
        raise _HeadSent

    asked = {**scope, "method": "GET", "path_params": {}}
    for route in routes:
        match, found = route.matches(asked)
        if match is Match.FULL:
            with suppress(_HeadSent):
                await route.handle({**asked, **found, "route": route}, receive, head)
            return
