"""This wire alone, in process, on the test database; people and things are made through the rooms."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from factories.state import state_for
from pinakes.server.actor import Role, Scope, system
from pinakes.server.catalog import service as catalog
from pinakes.server.db import Database
from pinakes.server.middleware import RequestMiddleware
from pinakes.server.people import service as people
from pinakes.server.people.types import NewToken
from pinakes.server.settings import Settings
from pinakes.server.state import State
from pinakes.server.wires import huggingface
from support.watching import watch_queries

ENDPOINT = "http://hub.test"


def unique(word: str) -> str:
    """A name that nobody has."""
    return f"{word}-{uuid.uuid4().hex[:10]}"


@dataclass(frozen=True)
class Person:
    """A user, and how he calls."""

    name: str
    token: str | None
    client: httpx2.AsyncClient

    async def call(self, method: str, path: str, body: object = None, **given: Any) -> httpx2.Response:  # noqa: ANN401
        """Make a call."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= given.pop("headers", {})
        if body is not None:
            given["json"] = body
        return await self.client.request(method, path, headers=headers, **given)

    async def make(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Make a call that must succeed; return what it answers."""
        answer = await self.call(method, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    async def collection(self, title: str = "Some collection", **more: object) -> str:
        """Create a collection, and return its slug."""
        made = await self.make("POST", "/api/collections", {"title": title, "namespace": self.name, **more})
        return str(made["slug"])

    async def repo(self, word: str = "model", kind: str = "model", *, private: bool = False) -> str:
        """Create a repository, and return its id."""
        body = {"name": unique(word), "type": kind, "private": private, "sdk": "gradio"}
        return str((await self.make("POST", "/api/repos/create", body))["id"])

    async def add(self, slug: str, item: str, kind: str = "model", **more: object) -> Any:  # noqa: ANN401 - JSON
        """Add an item to a collection, and return the collection."""
        return await self.make("POST", f"/api/collections/{slug}/items", {"item": {"type": kind, "id": item}, **more})


@dataclass(frozen=True)
class Hub:
    """The wire, and people for it."""

    db: Database
    client: httpx2.AsyncClient
    state: State

    async def person(self, word: str = "alice", scope: Scope = Scope.WRITE, name: str | None = None) -> Person:
        """A new user (or a known one) with a token."""
        async with self.db.transaction() as tx:
            if name is None:
                name = unique(word)
                await people.create_user(tx, system(), name, email=f"{name}@example.org")
            issued = await people.create_token(tx, system(), name, NewToken(name="laptop", scope=scope))
        return Person(name, issued.value, self.client)

    async def organization(self, admin: Person, **roles: Person) -> str:
        """A new organization with members."""
        name = unique("org")
        async with self.db.transaction() as tx:
            actor = await people.actor_for_token(tx, admin.token or "", "test", "")
            group = await people.create_organization(tx, actor, name, display_name="The Org")
            for role, person in roles.items():
                await people.put_member(tx, system(), group, person.name, Role(role))
        return name

    async def paper(self, title: str = "Attention Is All You Need") -> str:
        """Register a paper under an arXiv id that nobody has."""
        arxiv_id = f"{uuid.uuid4().int % 24 + 1:02}{uuid.uuid4().int % 12 + 1:02}.{uuid.uuid4().int % 10**5:05}"
        async with self.db.transaction() as tx:
            await catalog.register_paper(
                tx, system(), arxiv_id=arxiv_id, title=title, authors=[{"name": "Ashish Vaswani"}], abstract="The …"
            )
        return arxiv_id


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def hub(db: Database, dsn: str) -> AsyncGenerator[Hub]:
    """The wire in process."""
    settings = Settings(database_url=dsn)
    app = FastAPI(redirect_slashes=False)
    state = app.state.pinakes = await state_for(db, settings)
    huggingface.install(app)
    app.add_middleware(RequestMiddleware, settings=settings)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ENDPOINT) as client:
        yield Hub(db, client, state)


@pytest_asyncio.fixture(loop_scope="session")
async def alice(hub: Hub) -> Person:
    """Somebody."""
    return await hub.person("alice")


@pytest_asyncio.fixture(loop_scope="session")
async def bob(hub: Hub) -> Person:
    """Somebody else."""
    return await hub.person("bob")


@pytest.fixture
def nobody(hub: Hub) -> Person:
    """Somebody who did not sign in."""
    return Person("", None, hub.client)


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the queries that run from now on."""
    return watch_queries(monkeypatch)
