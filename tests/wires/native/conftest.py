"""The native API in process, on the test database; people and things are made through the rooms."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx2
import pytest_asyncio

from factories.app import client_of
from pinakes.server.db import Database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(db: Database) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of an application of this module's own."""
    async with client_of(db) as client:
        yield client
