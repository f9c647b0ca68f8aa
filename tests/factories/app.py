"""The application in this process, on a test's database, for tests of the wires' forms."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import httpx2
from fastapi import FastAPI

from factories.state import state_for
from pinakes.server.app import create_app
from pinakes.server.db import Database
from pinakes.server.middleware import RequestMiddleware
from pinakes.server.settings import Settings


class Wire(Protocol):
    """A wire's package."""

    def install(self, app: FastAPI) -> None:
        """Add its routes to an application."""


@asynccontextmanager
async def client_of(
    db: Database, settings: Settings | None = None, *wires: Wire, address: str = "10.1.2.3"
) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of an application of its own: of the whole one, or of some wires alone.

    The client's `base_url` is what the application takes for its own address; `address` is where the client is.
    """
    settings = settings or Settings(external_url="http://pinakes.test", access_log=False)
    app = _only(settings, wires) if wires else create_app(settings)
    app.state.pinakes = await state_for(db, settings)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True, client=(address, 4567))
    async with httpx2.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield client


def _only(settings: Settings, wires: Sequence[Wire]) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for wire in wires:
        wire.install(app)
    app.add_middleware(RequestMiddleware, settings=settings)
    return app
