"""The files wire alone, in process, on the test database and a folder of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from fastapi import FastAPI

from factories.state import state_for
from pinakes.server.db import Database
from pinakes.server.middleware import RequestMiddleware
from pinakes.server.settings import Settings
from pinakes.server.signing import UPLOADS
from pinakes.server.state import State
from pinakes.server.wires import files

LARGEST = 50_000_000


@dataclass(frozen=True)
class Store:
    """The wire, and what its process holds."""

    db: Database
    state: State
    app: FastAPI
    client: httpx2.AsyncClient
    folder: Path

    def objects(self) -> set[str]:
        """The keys of all objects, and of what uploads left behind."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


@asynccontextmanager
async def opened(db: Database, folder: Path, url: str | None = None) -> AsyncGenerator[Store]:
    """Open it; with an URL, on another store than the folder."""
    settings = Settings(
        blobs_url=url or folder.as_uri(), access_log=False, max_upload_bytes=LARGEST, max_json_bytes=LARGEST // 10
    )
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    files.install(app)
    app.add_middleware(RequestMiddleware, settings=settings, limits={UPLOADS: LARGEST})
    state = app.state.pinakes = await state_for(db, settings)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://pinakes.test") as client:
        yield Store(db, state, app, client, folder)
