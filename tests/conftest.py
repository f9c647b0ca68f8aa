"""The fixtures that all tests may ask for."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import AsyncGenerator, Generator

import pytest
import pytest_asyncio

from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from support.database import Cluster, shared_cluster
from support.server import Server, serving

# A shell starts what runs in the background with interrupts ignored, and every process that a test starts would inherit
# that: what is to end by an interrupt would go on.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse two tests of one name: pytest-xdist would run one of them, and say nothing."""
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        message = f"Several tests are called {', '.join(twice[:5])}."
        raise pytest.UsageError(message)


@pytest.fixture(scope="session")
def cluster() -> Generator[Cluster]:
    """The PostgreSQL that all test processes share; `cluster.database()` makes another database in it."""
    with shared_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def dsn(cluster: Cluster) -> Generator[str]:
    """The URL of this process's own migrated database. Tests share it: what they make has names of its own."""
    with cluster.database() as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def db(dsn: str) -> AsyncGenerator[Database]:
    """An open pool on this process's database."""
    database = Database(dsn, size=5)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def server(cluster: Cluster) -> Generator[Server]:
    """The installed program as a server, in processes of its own, on a database of its own; tests share it too."""
    with cluster.database() as url, serving(database_url=url, installed=True) as server:
        yield server


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Blobs:
    """A store in a folder of its own."""
    store = Blobs(tmp_path_factory.mktemp("blobs").as_uri())
    store.open()
    return store
