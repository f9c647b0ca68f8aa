"""Finding a route by the form of its path, instead of trying all of them one after the other.

Several APIs share one root and have hundreds of routes; trying them in order costs a hot route more than its query.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.convertors import Convertor
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

# Answers a request and returns None; or, where that can't be done in short, what there is to receive of it once more.
Short = Callable[[Scope, Receive, Send], Awaitable[Receive | None]]

# The routes of so many forms of paths are remembered. There are fewer, but for those who try what there is.
_REMEMBERED = 4096

# Where a request's route is kept from the first search on.
_FOUND = "pinakes.route"

_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


class RoutesByForm(BaseRoute):
    """Many routes as one: only those whose paths have the form of the request's are tried, in their order."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Find out the forms of the routes' paths."""
        self.routes: list[BaseRoute] = list(routes)
        self._forms: list[_PathForm] = [_form(route) for route in routes]
        self._candidates: dict[tuple[str, ...], list[BaseRoute]] = {}
        self._known: frozenset[str] = frozenset(part for form in self._forms for part in form.parts if part is not None)
        self._longest: int = max((len(form.parts) for form in self._forms), default=0)

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the first route that takes the request whole, else the first that takes its path."""
        if _FOUND in scope:
            return scope.pop(_FOUND)
        partial: tuple[Match, Scope] | None = None
        for route in self._tried(scope["path"]):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, "route": route}
            if match is Match.PARTIAL and partial is None:
                partial = match, {**found, "route": route}
        return partial or (Match.NONE, {})

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the route that was found."""
        await scope["route"].handle(scope, receive, send)

    @override
    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path of the first route of that name."""
        for route in self.routes:
            with suppress(NoMatchFound):
                return route.url_path_for(name, **path_params)
        raise NoMatchFound(name, path_params)

    def _tried(self, path: str) -> list[BaseRoute]:
        # A part that no route spells out is a parameter to all of them, so the remembered keys stay few.
        parts = path.split("/", self._longest + 1)[1:]
        key = tuple(part if part in self._known else "" for part in parts)
        found = self._candidates.get(key)
        if found is None:
            found = [route for route, form in zip(self.routes, self._forms, strict=True) if form.fits(key)]
            if len(self._candidates) < _REMEMBERED:
                self._candidates[key] = found
        return found


@dataclass(frozen=True, slots=True)
class _PathForm:
    """What a path looks like part by part, None standing for a parameter; where it is open, anything may follow."""

    parts: Sequence[str | None]
    is_open: bool

    def fits(self, given: Sequence[str]) -> bool:
        """Tell whether a path may have this form."""
        if len(given) < len(self.parts) or (len(given) > len(self.parts) and not self.is_open):
            return False
        return all(part is None or part == other for part, other in zip(self.parts, given, strict=False))


def _form(route: BaseRoute) -> _PathForm:
    path: str | None = getattr(route, "path", None)
    convertors: dict[str, Convertor[Any]] | None = getattr(route, "param_convertors", None)
    if path is None or convertors is None or getattr(route, "path_regex", None) is None:
        return _PathForm((), is_open=True)
    parts: list[str | None] = []
    for part in path.split("/")[1:]:
        names = _PARAMETER.findall(part)
        if any(re.fullmatch(convertors[name].regex, "a/b") for name in names):
            return _PathForm(parts, is_open=True)
        parts.append(None if names else part)
    return _PathForm(parts, is_open=not isinstance(route, Route))


class ShortWay:
    """Lets a route answer by its own short way, where it has one; everything else goes the long way around it."""

    def __init__(self, app: ASGIApp, routes: RoutesByForm) -> None:
        """Wrap the long way, whose routes these are."""
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        match, found = scope[_FOUND] = self._routes.matches(scope)
        short: Short | None = getattr(found.get("route"), "short", None)
        if match is Match.FULL and short is not None:
            scope.update(found)
            again = await short(scope, receive, send)
            if again is None:
                return
            receive = again
        await self._app(scope, receive, send)
