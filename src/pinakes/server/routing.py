"""Finding a route by how its path begins, instead of trying all of them one after the other.

Three APIs share one root and have some two hundred routes; trying them in order costs a hot route more than its query.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send
from typing_extensions import override

# How many parts of a path are looked at: enough to tell `/api/v1/collections` from `/api/v1/users`.
DEPTH = 3


class RoutesByPrefix(BaseRoute):
    """Many routes as one: only those whose path begins as the request's does are tried, in their order."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Sort routes by the parts that their paths begin with, up to the first that is a parameter."""
        self.routes: list[BaseRoute] = list(routes)
        self._beginnings: list[tuple[str, ...]] = [_beginning(route) for route in routes]
        self._candidates: dict[tuple[str, ...], list[BaseRoute]] = {}
        self._known: frozenset[str] = frozenset(part for parts in self._beginnings for part in parts)

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the first route that takes the request whole, else the first that takes its path."""
        partial: tuple[Match, Scope] | None = None
        path: str = scope["path"]
        for route in self._tried(path):
            regex = getattr(route, "path_regex", None)
            if regex is not None and not scope.get("root_path") and not regex.match(path):
                continue  # as the route would find out itself, but at several times the cost
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
        parts = tuple(part if part in self._known else "" for part in path.split("/", DEPTH + 1)[1 : DEPTH + 1])
        found = self._candidates.get(parts)
        if found is None:
            found = self._candidates[parts] = [
                route
                for route, beginning in zip(self.routes, self._beginnings, strict=True)
                if parts[: len(beginning)] == beginning
            ]
        return found


def _beginning(route: BaseRoute) -> tuple[str, ...]:
    path: str = getattr(route, "path", "/{}")
    parts: list[str] = []
    for part in path.split("/")[1 : DEPTH + 1]:
        if "{" in part:
            break
        parts.append(part)
    return tuple(parts)
