"""Decoding a request that is in order, at a fraction of what FastAPI takes for it.

FastAPI finds out anew at every request what a handler's parameters are; here that is found out once for each route,
from what FastAPI itself has made of the handler (so the OpenAPI is not touched). It is used for what is in order only:
at the first value that is missing or not valid, FastAPI does it all again, and says what is wrong as it always does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, get_args, get_type_hints

from fastapi.dependencies.models import Dependant
from fastapi.params import Body, Form
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

Values = dict[str, Any]
Decoder = Callable[[Request], Awaitable[Values | None]]

_JSON = "application/json"
# Stands for a body that was not sent, which need not be.
_NOTHING = object()


class _NotInOrderError(Exception):
    """A value is missing or not valid."""


class _TooUnusualError(Exception):
    """A route uses what this module does not know."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One parameter: its name in the handler and in the request, whether it may come repeatedly, and its field."""

    name: str
    alias: str
    repeated: bool
    field: Any
    default: Any
    required: bool

    def value(self, given: Any) -> Any:  # noqa: ANN401 - text as it comes, a value of whatever type the handler takes
        """Return the value for the handler."""
        if given is None or given == []:
            if self.required:
                raise _NotInOrderError
            return copy(self.default)
        return _valid(self.field, given)


@dataclass(frozen=True, slots=True)
class _Content:
    """The body: its name in the handler, its field, and what stands for none where it need not be sent."""

    name: str
    field: Any
    default: Any
    required: bool


@dataclass(frozen=True, slots=True)
class _Taken:
    """The values that were found in a request for a handler, and what else it needs before it can be called."""

    values: Values
    needs: Sequence[tuple[str, Callable[..., Awaitable[Any]], _Taken]]

    async def whole(self, known: dict[object, Any]) -> Values:
        """Call what is needed, each once, and return all values."""
        for name, call, taken in self.needs:
            if call not in known:
                known[call] = await call(**await taken.whole(known))
            self.values[name] = known[call]
        return self.values


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a handler, or something that it needs, takes from a request."""

    path: Sequence[_Parameter]
    query: Sequence[_Parameter]
    headers: Sequence[_Parameter]
    body: _Content | None
    request: str | None
    needs: Sequence[tuple[str, Callable[..., Awaitable[Any]], _Parts]]

    def take(self, request: Request, body: Any) -> _Taken:  # noqa: ANN401 - JSON
        """Find and check all values."""
        values: Values = {each.name: each.value(request.path_params.get(each.alias)) for each in self.path}
        if self.query:
            _take(values, self.query, request.query_params)
        if self.headers:
            _take(values, self.headers, request.headers)
        if self.body is not None:
            values[self.body.name] = copy(self.body.default) if body is _NOTHING else _valid(self.body.field, body)
        if self.request is not None:
            values[self.request] = request
        return _Taken(values, [(name, call, parts.take(request, body)) for name, call, parts in self.needs])


def decoder(route: APIRoute) -> Decoder | None:
    """Return what decodes the requests of a route; None where only FastAPI can.

    The decoder returns the handler's arguments, or None for a request that is not in order.
    """
    try:
        parts = _parts(route.dependant) if _answers_itself(route) else None
    except _TooUnusualError:
        return None
    if parts is None:
        return None

    async def decode(request: Request) -> Values | None:
        try:
            taken = parts.take(request, await _json(request, parts.body) if parts.body is not None else None)
        except _NotInOrderError:
            return None
        return await taken.whole({})

    return decode


async def _json(request: Request, wanted: _Content) -> Any:  # noqa: ANN401 - JSON
    if not wanted.required and request.headers.get("content-length", "0") == "0" and not await _content(request):
        return _NOTHING
    if request.headers.get("content-type") != _JSON:
        raise _NotInOrderError
    try:
        return await request.json()
    except (ValueError, RecursionError, ClientDisconnect) as error:
        raise _NotInOrderError from error


async def _content(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise _NotInOrderError from error


def _take(values: Values, wanted: Sequence[_Parameter], given: QueryParams | Headers) -> None:
    for each in wanted:
        values[each.name] = each.value(given.getlist(each.alias) if each.repeated else given.get(each.alias))


def _valid(field: Any, given: Any) -> Any:  # noqa: ANN401 - FastAPI's field, and a value of any type
    value, problems = field.validate(given)
    if problems:
        raise _NotInOrderError
    return value


def _answers_itself(route: APIRoute) -> bool:
    """Tell whether a handler is a coroutine that returns the answer as it goes out."""
    returned = get_type_hints(route.endpoint).get("return")
    return iscoroutinefunction(route.endpoint) and isinstance(returned, type) and issubclass(returned, Response)


def _parts(found: Dependant) -> _Parts:
    """Collect what a handler takes, as FastAPI has found it."""
    unusual = (
        found.cookie_params,
        found.websocket_param_name,
        found.http_connection_param_name,
        found.response_param_name,
        found.background_tasks_param_name,
        found.security_scopes_param_name,
        found.concurrency,
        len(found.body_params) > 1,
    )
    if any(unusual):
        raise _TooUnusualError
    return _Parts(
        path=[_parameter(field) for field in found.path_params],
        query=[_parameter(field) for field in found.query_params],
        headers=[_parameter(field) for field in found.header_params],
        body=_body(found.body_params[0]) if found.body_params else None,
        request=found.request_param_name,
        needs=[_need(each) for each in found.dependencies],
    )


def _need(found: Dependant) -> tuple[str, Callable[..., Awaitable[Any]], _Parts]:
    if found.name is None or not iscoroutinefunction(found.call) or not found.use_cache or found.body_params:
        raise _TooUnusualError
    return found.name, found.call, _parts(found)


def _parameter(field: Any) -> _Parameter:  # noqa: ANN401 - FastAPI's field, whose type it keeps to itself
    alias: str = field.validation_alias or field.alias
    annotation = field.field_info.annotation
    kinds = {annotation, *get_args(annotation)}
    if any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds):
        raise _TooUnusualError
    repeated = any(str(kind).startswith("list[") for kind in kinds)
    required: bool = field.field_info.is_required()
    return _Parameter(field.name, alias, repeated, field, None if required else field.get_default(), required)


def _body(field: Any) -> _Content:  # noqa: ANN401 - as above
    info = field.field_info
    if not isinstance(info, Body) or isinstance(info, Form) or info.embed:
        raise _TooUnusualError
    required: bool = info.is_required()
    return _Content(field.name, field, None if required else field.get_default(), required)
