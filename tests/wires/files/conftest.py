"""What the tests of this wire share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from factories.people import Person, make_user, unique
from pinakes.server.artifacts import runs
from pinakes.server.artifacts.run_types import Run, RunForm
from pinakes.server.db import Database
from support.store import Store, opened


@pytest_asyncio.fixture
async def store(db: Database, tmp_path: Path) -> AsyncGenerator[Store]:
    async with opened(db, tmp_path / "blobs") as store:
        yield store


@pytest_asyncio.fixture
async def alice(db: Database) -> Person:
    return await make_user(db, "alice")


@pytest_asyncio.fixture
async def run(db: Database, alice: Person) -> Run:
    async with db.transaction() as tx:
        made, _ = await runs.upsert(tx, alice.actor, RunForm(project="work", name=unique("run")))
    return made
