"""The native API: everything that Pinakes can do, below `/api/v1`. Its OpenAPI is its contract."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.routing import Route

from pinakes.server.wires.native import (
    artifacts,
    bulk,
    catalog,
    collections,
    events,
    exports,
    jobs,
    labels,
    live,
    media,
    people,
    projects,
    queues,
    registries,
    search,
    webhooks,
)
from pinakes.server.wires.native.auth import SECURITY_SCHEMES
from pinakes.server.wires.native.errors import PREFIX, Unknown, problem, schemas

__all__ = ["PREFIX", "UPLOADS", "install", "openapi", "problem"]

# Where the bytes of media go.
UPLOADS = f"{PREFIX}/uploads/"

ROUTERS = (
    people.router,
    catalog.router,
    live.router,
    collections.router,
    bulk.router,
    events.router,
    search.router,
    webhooks.router,
    registries.router,
    projects.router,
    artifacts.router,
    media.router,
    labels.router,
    exports.router,
    queues.router,
    jobs.router,
)

_ABOUT = (
    "Collections for machine-learning teams. Identify yourself with `Authorization: Bearer <token>`. "
    "Every answer outside 2xx has the body of `ErrorAnswer`. Lists come in pages: go on with `?cursor=<next>`."
)


def install(app: FastAPI) -> None:
    """Add this wire's routes to the application."""
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.router.routes.append(Route(f"{PREFIX}/openapi.json", _answer_openapi, include_in_schema=False))
    for path in (PREFIX, f"{PREFIX}/{{rest:anything}}"):
        app.router.routes.append(Route(path, Unknown(ROUTERS), include_in_schema=False))


@cache
def openapi() -> dict[str, Any]:
    """Describe this wire, and no other, as OpenAPI."""
    routes = [route for router in ROUTERS for route in router.routes]
    found = get_openapi(title="Pinakes", version=version("pinakes"), description=_ABOUT, routes=routes)
    components = found.setdefault("components", {})
    components["schemas"] = dict(sorted({**schemas(), **components.get("schemas", {})}.items()))
    components["securitySchemes"] = SECURITY_SCHEMES
    # One of them, or none: what is public is read without.
    found["security"] = [*({name: []} for name in SECURITY_SCHEMES), {}]
    return found


async def _answer_openapi(_: object) -> JSONResponse:
    return JSONResponse(openapi())
