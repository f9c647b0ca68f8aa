from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import pytest

from pinakes.server import tasks
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work, defer, register, run_worker

DONE: list[tuple[str, str]] = []


@register("tests.note")
async def note(work: Work, *, mark: str) -> None:
    async with work.db.reading():
        DONE.append((mark, work.settings.log_level))


@register("tests.fail", attempts=1)
async def fail(work: Work) -> None:
    message = "on purpose"
    raise RuntimeError(message)


async def work_off(dsn: str) -> None:
    await run_worker(Settings(database_url=dsn, log_level="error"), wait=False)


async def test_a_job_runs_once_its_transaction_is_committed(db: Database, dsn: str):
    mark = uuid4().hex
    async with db.transaction() as tx:
        assert await defer(tx, "tests.note", mark=mark)
    await work_off(dsn)
    assert (mark, "error") in DONE


async def test_a_rollback_leaves_no_job(db: Database, dsn: str):
    mark = uuid4().hex

    class ChangeOfMindError(Exception):
        pass

    with suppress(ChangeOfMindError):
        async with db.transaction() as tx:
            await defer(tx, "tests.note", mark=mark)
            raise ChangeOfMindError
    await work_off(dsn)
    assert mark not in {done for done, _ in DONE}


async def test_of_jobs_with_one_key_one_waits(db: Database):
    key = uuid4().hex
    async with db.transaction() as tx:
        assert await defer(tx, "tests.note", once=key, mark=key) is not None
        assert await defer(tx, "tests.note", once=key, mark=key) is None
        assert await tx.rows(tasks.SQL.applied_migrations)


async def test_a_job_that_fails_does_not_stop_the_others(db: Database, dsn: str):
    mark = uuid4().hex
    async with db.transaction() as tx:
        await defer(tx, "tests.fail")
        await defer(tx, "tests.note", mark=mark)
    await work_off(dsn)
    assert mark in {done for done, _ in DONE}


def test_two_jobs_of_one_name_are_refused():
    async def other(work: Work) -> None: ...

    with pytest.raises(ValueError, match="two jobs are named"):
        register("tests.note")(other)
