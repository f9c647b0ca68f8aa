"""A real server process whose database the tests can fill, and clients of it."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass

import psycopg
import pytest
import pytest_asyncio

import pinakes
from support.database import Cluster
from support.server import Server, serving

_numbers = itertools.count(1)


def unique(stem: str) -> str:
    """A name that no other test has."""
    return f"{stem}-{os.getpid()}-{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Served:
    """A server, and its database."""

    server: Server
    dsn: str

    @property
    def url(self) -> str:
        """Where it is."""
        return self.server.url

    @property
    def token(self) -> str:
        """The administrator's token."""
        return self.server.admin_token

    def models(self, count: int) -> list[int]:
        """Make many models at once, and return their numbers."""
        statement = """
            with made as (
                insert into items (kind, owner_id, name, name_key)
                select 'model', (select id from accounts where name = 'admin'), %(stem)s || n, %(stem)s || n
                from generate_series(1, %(count)s) as n
                returning id
            ), repos as (insert into repos (item_id) select id from made)
            select id from made order by id
        """
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute(statement, {"stem": f"m{secrets.token_hex(4)}-", "count": count}).fetchall()
        return [int(row[0]) for row in rows]


@pytest.fixture(scope="session")
def served(cluster: Cluster) -> Generator[Served]:
    """One server for all these tests."""
    with cluster.database() as dsn, serving(database_url=dsn) as server:
        yield Served(server, dsn)


@pytest.fixture(scope="session")
def admin(served: Served) -> Generator[pinakes.Client]:
    """A client of the server's administrator."""
    with pinakes.connect(served.url, served.token) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def async_admin(served: Served) -> AsyncGenerator[pinakes.AsyncClient]:
    """The same, asynchronous."""
    async with pinakes.connect_async(served.url, served.token) as client:
        yield client


@pytest.fixture
def connect(served: Served, admin: pinakes.Client) -> Generator[Callable[..., pinakes.Client]]:
    """Makes a new user with a token of some scope, and a client of his."""
    clients: list[pinakes.Client] = []

    def make(scope: str = "write", name: str | None = None) -> pinakes.Client:
        user = name or unique("user")
        if name is None:
            admin.users.create(user)
        token = admin.tokens.create(user, scope=scope).token  # pyright: ignore[reportArgumentType]
        clients.append(pinakes.connect(served.url, token))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def served_url(served: Served) -> str:
    """Where the server is."""
    return served.url
