"""No statement of a request holds a connection for ever, and large changes have the time that they need."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import pytest
import pytest_asyncio

from factories.app import client_of
from factories.people import Person, make_user, unique
from pinakes.server.app import create_app
from pinakes.server.collections import revisions, service as collections
from pinakes.server.collections.types import FieldChanges
from pinakes.server.db import Database, Query, Tx
from pinakes.server.errors import TookTooLong, Unavailable
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work, defer, register, run_worker

LIMIT = Query("test", "limit", "select current_setting('statement_timeout')", "", None)
NAME = Query("test", "name", "update accounts set display_name = %(to)s where id = %(id)s", "", None)
NAME_OF = Query("test", "name_of", "select display_name from accounts where id = %(id)s", "", None)
LOCK = Query("test", "lock", "lock table accounts in access exclusive mode", "", None)


# What limit the jobs of this module had.
NOTED: list[object] = []


@register("tests.limit")
async def note_limit(work: Work) -> None:
    async with work.db.reading() as tx:
        NOTED.append(await tx.value(LIMIT))


def sleep(seconds: float) -> Query:
    return Query("test", "sleep", f"select pg_sleep({seconds})", "", None)


@asynccontextmanager
async def opened(dsn: str, seconds: int) -> AsyncGenerator[Database]:
    database = Database(dsn, size=3, statement_seconds=seconds)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def limited(dsn: str) -> AsyncGenerator[Database]:
    """A pool whose statements may take a second."""
    async with opened(dsn, 1) as database:
        yield database


@pytest.fixture
async def alice(db: Database) -> Person:
    return await make_user(db, "alice")


async def test_what_takes_too_long_is_cut_and_the_connection_serves_the_next(limited: Database):
    began = perf_counter()
    async with limited.reading() as tx:
        with pytest.raises(TookTooLong):
            await tx.value(sleep(30))
        assert await tx.value(LIMIT) == "1s"
    assert perf_counter() - began < 10


async def test_nothing_of_a_change_that_is_cut_stays(limited: Database, alice: Person):
    async def change() -> None:
        async with limited.transaction() as tx:
            await tx.run(NAME, id=alice.id, to="changed")
            await tx.value(sleep(30))

    with pytest.raises(TookTooLong):
        await change()
    async with limited.reading() as tx:
        assert await tx.value(NAME_OF, id=alice.id) == ""


async def test_who_waits_for_the_change_of_another_may_try_again(limited: Database, db: Database, alice: Person):
    """A client sends again what is answered so; the other is done some time."""
    async with db.transaction() as other:
        await other.run(NAME, id=alice.id, to="first")
        async with limited.changing() as tx:
            with pytest.raises(Unavailable) as refused:
                await tx.run(NAME, id=alice.id, to="second")
    assert refused.value.details == {"retry_after": 5}
    async with limited.transaction() as tx:
        assert await tx.run(NAME, id=alice.id, to="second") == 1


async def test_a_large_change_may_take_longer_in_its_own_transaction_only(limited: Database):
    async with limited.transaction() as tx:
        await tx.patiently()
        await tx.patiently()
        assert await tx.value(LIMIT) == "10min"
        await tx.value(sleep(1.3))
    async with limited.changing() as tx:
        assert await tx.value(LIMIT) == "1s"
        await tx.patiently()
        assert await tx.value(LIMIT) == "10min"


@pytest.mark.parametrize(("seconds", "kept"), [(0, "0"), (3600, "1h")])
async def test_patience_never_shortens(dsn: str, seconds: int, kept: str):
    async with opened(dsn, seconds) as database, database.transaction() as tx:
        assert await tx.value(LIMIT) == kept
        await tx.patiently()
        assert await tx.value(LIMIT) == kept


async def test_background_work_has_no_limit(db: Database, dsn: str):
    """The pool of jobs is made without one, whatever the limit of requests is."""
    async with db.transaction() as tx:
        await defer(tx, "tests.limit")
    await run_worker(Settings(database_url=dsn, statement_seconds=7, log_level="error"), wait=False)
    assert NOTED == ["0"]


async def test_requests_have_the_limit_of_the_settings(dsn: str, tmp_path: Path):
    app = create_app(Settings(database_url=dsn, blobs_url=tmp_path.as_uri(), statement_seconds=7))
    async with app.router.lifespan_context(app), app.state.pinakes.db.reading() as tx:
        assert await tx.value(LIMIT) == "7s"


async def test_bringing_a_revision_back_is_a_large_change(limited: Database, alice: Person):
    async with limited.transaction() as tx:
        made = await collections.create(tx, alice.actor, owner=None, title=unique("some"))
    async with limited.transaction() as tx:
        await collections.update(tx, alice.actor, made.public_id, FieldChanges(description="more"))
    async with limited.transaction() as tx:
        await revisions.restore(tx, alice.actor, made.public_id, 1)
        assert await tx.value(LIMIT) == "10min"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/collections", None),
        ("/api/whoami-v2", None),
        ("/graphql", {"query": "{ viewer { id } }"}),
        ("/public/api/v3/users.me", {}),
    ],
)
async def test_every_wire_says_what_its_client_takes_for_final(
    limited: Database, alice: Person, monkeypatch: pytest.MonkeyPatch, path: str, body: object
):
    """413: a 5xx would be sent again and again, by `wandb` and `supervisely` without a word, and take as long."""
    execute = Tx._execute

    async def slowly(tx: Tx, query: Query, params: dict[str, object]) -> object:
        return await execute(tx, sleep(30), {}) if query.room.endswith("people") else await execute(tx, query, params)

    async with client_of(limited, Settings(external_url="http://pinakes.test", access_log=False)) as client:
        monkeypatch.setattr(Tx, "_execute", slowly)
        headers = {**alice.headers, "x-api-key": alice.token}
        answer = await client.request("GET" if body is None else "POST", path, json=body, headers=headers)
    assert answer.status_code == 413, answer.text
    assert "takes longer than a request may" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/collections", "/api/whoami-v2", "/public/api/v3/users.me"])
async def test_every_wire_says_when_to_come_back_after_a_wait(limited: Database, db: Database, path: str):
    alice = await make_user(db, "alice")
    settings = Settings(external_url="http://pinakes.test", access_log=False)
    async with client_of(limited, settings) as client, db.transaction() as other:
        await other.run(LOCK)
        headers = {**alice.headers, "x-api-key": alice.token}
        method = "POST" if "users.me" in path else "GET"
        answer = await client.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
