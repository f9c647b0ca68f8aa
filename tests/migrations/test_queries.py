"""Every named query is prepared against the migrated database, and every row type held against what it returns."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.pq import ExecStatus

import pinakes.server
from pinakes.server import migrate
from pinakes.server.db import Query, parse
from support.other_postgres import other_postgres

ROOT = Path(pinakes.server.__file__).parent


def queries() -> Iterator[Query]:
    for file in sorted(ROOT.rglob("*.sql")):
        text = file.read_text(encoding="utf-8")
        if text.lstrip().startswith("-- name:"):
            yield from parse(".".join(["pinakes.server", *file.relative_to(ROOT).parent.parts]), text)


QUERIES = list(queries())


def numbered(query: Query) -> bytes:
    """The query as PostgreSQL sees it: `%(name)s` is `$n`, the same n for the same name."""
    numbers: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        return numbers.setdefault(match["name"], f"${len(numbers) + 1}")

    return re.sub(r"%%|%\((?P<name>\w+)\)[sbt]", number, query.text).encode()


def row_type(query: Query) -> type[Any] | None:
    """The row's type: in the room's `types.py`, or in another module of its whose name ends so (`run_types.py`)."""
    if query.row is None:
        return None
    folder = ROOT.joinpath(*query.room.split(".")[2:])
    modules = (import_module(f"{query.room}.{file.stem}") for file in sorted(folder.glob("*types.py")))
    found = {getattr(module, query.row) for module in modules if hasattr(module, query.row)}
    assert len(found) == 1, f"{query.name}: {query.row} is in {len(found)} modules of types"
    return cast("type[Any]", found.pop())


@pytest.fixture(scope="module")
def connection(dsn: str) -> Generator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def test_there_are_queries_and_no_name_twice():
    names = [(query.room, query.name) for query in QUERIES]
    assert len(names) > 3
    assert len(names) == len(set(names))


def test_another_postgres_takes_the_migrations_and_every_query():
    """An operator brings his own: any since 15."""
    with other_postgres() as url:
        assert migrate.migrate(url) == [migration.name for migration in migrate.migrations()]
        with psycopg.connect(url, autocommit=True) as connection:
            refused = {
                f"{query.room}.{query.name}": prepared.error_message.decode()
                for query in QUERIES
                if not query.text.lower().startswith("copy")
                and (prepared := connection.pgconn.prepare(b"", numbered(query))).status != ExecStatus.COMMAND_OK
            }
    assert refused == {}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: f"{query.room}.{query.name}")
def test_a_query_is_prepared_and_explained(connection: psycopg.Connection[Any], query: Query):
    assert query.about, f"{query.name} has no sentence above it"
    if query.text.lower().startswith("copy"):
        check_copy(connection, query)
        return
    server = connection.pgconn
    prepared = server.prepare(b"", numbered(query))
    assert prepared.status == ExecStatus.COMMAND_OK, prepared.error_message.decode()
    returned = server.describe_prepared(b"")
    columns = [(returned.fname(i) or b"").decode() for i in range(returned.nfields)]
    row = row_type(query)
    if row is not None:
        assert dataclasses.is_dataclass(row)
        assert [field.name for field in dataclasses.fields(row) if field.init] == columns


def check_copy(connection: psycopg.Connection[Any], query: Query) -> None:
    """Begin a COPY and give it up: it can't be prepared."""

    class GivenUpError(Exception):
        pass

    with (
        pytest.raises(GivenUpError),
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy(cast("Any", query.text)),
    ):
        raise GivenUpError
