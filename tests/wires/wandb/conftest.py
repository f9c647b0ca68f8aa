"""This wire in process, on the test database: people call it as the client does, in its own documents."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import httpx2
import pytest_asyncio

from factories.app import client_of
from factories.people import Person, again, join, make_team, make_user, unique
from pinakes.server.actor import Role, Scope, system
from pinakes.server.db import Database
from pinakes.server.people import service as people
from pinakes.server.people.types import Account, AccountChanges
from pinakes.server.wires import wandb

GENERATED = ("wandb.apis._generated", "wandb.sdk.artifacts._generated", "wandb.sdk.internal._generated")


@cache
def document(name: str) -> str:
    """A document of the installed client, by the name of its operation in capitals: `FETCH_REGISTRY`."""
    for package in GENERATED:
        found = getattr(import_module(f"{package}.operations"), f"{name}_GQL", None)
        if found is not None:
            return str(found)
    raise LookupError(name)


def id_of(kind: str, number: int) -> str:
    """An id as this API writes it."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


HINT = re.compile(r"pinakes_…\w{4}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def frozen(answer: Any, *names: str) -> Any:  # noqa: ANN401 - JSON
    """Put `{0}`, `{1}` for names, `{id Kind}` and `{time}` for what differs from run to run."""
    if isinstance(answer, dict):
        return {key: frozen(value, *names) for key, value in answer.items()}
    if isinstance(answer, list):
        return [frozen(value, *names) for value in answer]
    if not isinstance(answer, str):
        return answer
    try:
        kind, _, number = base64.b64decode(answer, validate=True).decode("ascii").partition(":")
    except ValueError:
        pass
    else:
        if number.isdigit():
            return f"{{id {kind}}}"
    for number, name in enumerate(names):
        answer = answer.replace(name, f"{{{number}}}")
    return HINT.sub("{hint}", TIME.sub("{time}", answer))


@dataclass(frozen=True)
class Caller:
    """Somebody who calls."""

    person: Person | None
    client: httpx2.AsyncClient

    @property
    def name(self) -> str:
        assert self.person is not None
        return self.person.name

    @property
    def account(self) -> Account:
        assert self.person is not None
        return self.person.account

    async def send(self, query: str, variables: object = None, **more: object) -> httpx2.Response:
        """Send a document as the public API does, with an empty name."""
        body = {"query": query, "variables": variables, "operationName": "", **more}
        return await self.client.post("/graphql", json=body, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        if self.person is None:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(f"api:{self.person.token}".encode()).decode()}

    async def ask(self, query: str, /, **variables: object) -> Any:  # noqa: ANN401 - JSON
        """Run an operation that must succeed: a document, or the name of one of the client's."""
        answer = await self.send(query if "{" in query else document(query), variables)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        assert set(content) == {"data"}
        return content["data"]

    async def refused(self, query: str, /, **variables: object) -> tuple[int, str]:
        """Run an operation that must fail; return its status and message."""
        answer = await self.send(query if "{" in query else document(query), variables)
        content = answer.json()
        assert content["data"] is None, content
        return answer.status_code, content["errors"][0]["message"]


@dataclass(frozen=True)
class World:
    """The wire, and people for it."""

    db: Database
    client: httpx2.AsyncClient

    async def person(self, word: str = "user", *, admin: bool = False, scope: Scope = Scope.ADMIN) -> Caller:
        """A new user with a key."""
        return Caller(await make_user(self.db, word, admin=admin, scope=scope), self.client)

    @property
    def nobody(self) -> Caller:
        """Somebody without a key."""
        return Caller(None, self.client)

    async def again(self, caller: Caller) -> Caller:
        """The same person with the roles that he holds now."""
        assert caller.person is not None
        return Caller(await again(self.db, caller.person), self.client)

    async def organization(self, admin: Caller, *, title: str = "") -> Account:
        """A new organization."""
        assert admin.person is not None
        async with self.db.transaction() as tx:
            return await people.create_organization(tx, admin.person.actor, unique("org"), display_name=title)

    async def team(self, organization: Account, **roles: Caller) -> Account:
        """A new team with members."""
        made = await make_team(self.db, organization)
        for role, caller in roles.items():
            await self.join(made, caller, Role(role))
        return made

    async def join(self, group: Account, caller: Caller, role: Role = Role.MEMBER) -> None:
        """Make somebody a member."""
        assert caller.person is not None
        await join(self.db, group, caller.person, role)

    async def set_email(self, caller: Caller, email: str) -> None:
        """Give somebody an address."""
        async with self.db.transaction() as tx:
            await people.update_user(tx, system(), caller.name, AccountChanges(email=email))


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def world(db: Database) -> AsyncGenerator[World]:
    """The wire in process."""
    async with client_of(db, None, wandb) as client:
        yield World(db, client)


@pytest_asyncio.fixture(loop_scope="session")
async def alice(world: World) -> Caller:
    """Somebody."""
    return await world.person("alice")


@pytest_asyncio.fixture(loop_scope="session")
async def bob(world: World) -> Caller:
    """Somebody else."""
    return await world.person("bob")
