"""The people of the matrix and a client of the whole application: made once, for all tests here."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx2
import pytest

from factories.app import client_of
from permissions.matrix import World, make_world
from pinakes.server.db import Database


@pytest.fixture(scope="session")
async def world(db: Database) -> World:
    return await make_world(db)


@pytest.fixture(scope="session")
async def client(db: Database) -> AsyncGenerator[httpx2.AsyncClient]:
    async with client_of(db) as client:
        yield client
