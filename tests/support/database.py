"""One PostgreSQL for all test processes, one migrated template in it, one cloned database for whoever wants one.

The PostgreSQL outlives the process that started it: each test process holds a shared lock on it, and the last one to
leave stops it. What a killed run left behind, the next one uses and cleans up.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, LiteralString, cast

import psycopg

from pinakes.server import migrate, postgres, tasks

FOLDER = Path(tempfile.gettempdir()) / f"pinakes-tests-{postgres.MAJOR}-{os.geteuid()}"

# Nothing here must survive a power cut.
OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
}

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Cluster:
    """The PostgreSQL of the tests."""

    embedded: postgres.EmbeddedPostgres

    def url_of(self, database: str) -> str:
        """The URL of a database in it."""
        return self.embedded.url_of(database)

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement outside of the databases of tests."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            cursor = connection.execute(cast("LiteralString", statement))
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, *, migrated: bool = True) -> Generator[str]:
        """The URL of a new database, migrated or empty; gone afterwards."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.run(f"create database {name} template {_template_name() if migrated else 'template0'}")
        try:
            yield self.url_of(name)
        finally:
            self.run(f"drop database {name} with (force)")


@contextmanager
def shared_cluster() -> Generator[Cluster]:
    """The PostgreSQL that all test processes share."""
    FOLDER.mkdir(mode=0o711, exist_ok=True)
    with (FOLDER / "users").open("a") as users:
        with _alone():
            fcntl.flock(users, fcntl.LOCK_SH)
            cluster = Cluster(_running())
            _drop_leftovers(cluster)
            _make_template(cluster)
        try:
            yield cluster
        finally:
            with _alone():
                if _is_last(users):
                    postgres.stop_leftover(cluster.embedded.cluster)


@contextmanager
def _alone() -> Generator[None]:
    with (FOLDER / "alone").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(users, fcntl.LOCK_UN)
        return False
    return True


def _running() -> postgres.EmbeddedPostgres:
    embedded = postgres.EmbeddedPostgres(FOLDER / "data", options=OPTIONS)
    if postgres.leftover(embedded.cluster) is None:
        try:
            embedded.start_and_leave()
        except postgres.CannotStart:  # a machine that went down in the middle of a run; without fsync that breaks it
            shutil.rmtree(FOLDER / "data")
            embedded.start_and_leave()
    return embedded


def _template_name() -> str:
    parts = [migration.checksum for migration in migrate.migrations()] + [name for name, _ in tasks.schema_migrations()]
    return f"template_{hashlib.sha256(''.join(parts).encode()).hexdigest()[:16]}"


def _make_template(cluster: Cluster) -> None:
    name = _template_name()
    if cluster.run(f"select 1 from pg_database where datname = '{name}' and datistemplate"):
        return
    cluster.run(f"drop database if exists {name}")
    cluster.run(f"create database {name}")
    migrate.migrate(cluster.url_of(name))
    # Only a finished one carries the mark.
    cluster.run(f"alter database {name} is_template true")


def _drop_leftovers(cluster: Cluster) -> None:
    """Drop the databases of test processes that did not come to their end."""
    for (name,) in cluster.run("select datname from pg_database where datname like 'test\\_%'"):
        pid = int(str(name).split("_")[1])
        if not Path(f"/proc/{pid}").exists():
            cluster.run(f"drop database {name} with (force)")
