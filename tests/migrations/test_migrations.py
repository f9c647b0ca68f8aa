from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from pinakes.server import migrate
from pinakes.server.db import Database
from pinakes.server.migrate import Migration
from pinakes.server.settings import CannotStart
from support.database import Cluster


@pytest.fixture
def empty(cluster: Cluster) -> Generator[str]:
    with cluster.database(migrated=False) as url:
        yield url


def test_schema_sql_is_what_the_migrations_make(dsn: str):
    written = Path(migrate.__file__).with_name("schema.sql").read_text(encoding="utf-8")
    assert written == migrate.dump(dsn), "run `make schema`"


def test_migrating_again_does_nothing(empty: str):
    assert migrate.migrate(empty) == [migration.name for migration in migrate.migrations()]
    assert migrate.migrate(empty) == []


def test_servers_that_start_together_migrate_once(empty: str):
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate.migrate(empty))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [[], [], [migration.name for migration in migrate.migrations()]]


def test_an_edited_migration_is_refused(empty: str, monkeypatch: pytest.MonkeyPatch):
    migrate.migrate(empty)
    known = migrate.migrations()
    edited = [Migration(known[0].name, known[0].text + "-- more"), *known[1:]]
    monkeypatch.setattr(migrate, "migrations", lambda: edited)
    with pytest.raises(CannotStart, match=f"another text of {known[0].name}"):
        migrate.migrate(empty)


def test_a_newer_database_is_refused(empty: str):
    migrate.migrate(empty)
    with psycopg.connect(empty) as connection:
        connection.execute("insert into schema_migrations (name, checksum) values ('9999_future.sql', '')")
    with pytest.raises(CannotStart, match=r"newer than this Pinakes: it has seen 9999_future\.sql"):
        migrate.migrate(empty)


def test_a_migration_that_fails_leaves_nothing(empty: str, monkeypatch: pytest.MonkeyPatch):
    broken = Migration("0001_broken.sql", "create table half (id int); select 1 / 0;")
    monkeypatch.setattr(migrate, "migrations", lambda: [broken])
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.migrate(empty)
    with psycopg.connect(empty) as connection:
        row = connection.execute("select to_regclass('half'), (select count(*) from schema_migrations)").fetchone()
    assert row == (None, 0)


async def test_a_server_knows_whether_its_database_is_current(empty: str):
    migrate.migrate(empty)
    database = Database(empty, size=1)
    await database.open()
    assert await migrate.is_current(database)
    with psycopg.connect(empty) as connection:
        connection.execute("delete from schema_migrations where name = %s", [migrate.migrations()[-1].name])
    assert not await migrate.is_current(database)
    await database.close()
