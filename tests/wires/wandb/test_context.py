"""What resolvers that run side by side share: one connection, and what was looked up already."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from factories.state import state_for
from pinakes.server.actor import anonymous
from pinakes.server.db import Database, load
from pinakes.server.settings import Settings
from pinakes.server.wires.wandb.context import Borrowing, Context, TakingTurns
from pinakes.server.wires.wandb.once import once

SQL = load("pinakes.server.people")


async def context(db: Database, tx: TakingTurns) -> Context:
    state = await state_for(db, Settings())
    return Context(tx, anonymous("wandb"), state, Request({"type": "http"}), "http://x")


def number(value: Any, *_: object) -> object:  # noqa: ANN401 - a column
    return value


async def test_statements_take_turns(db: Database):
    """Each has its own answer, though all go through one cursor."""
    async with db.reading() as tx:
        turns = TakingTurns(tx.connection)
        asked = [turns.all(SQL.accounts_by_ids, number, ids=[one]) for one in range(20)]
        rows = [turns.rows(SQL.accounts_by_ids, ids=[one]) for one in range(20)]
        found, seen = await asyncio.gather(asyncio.gather(*asked), asyncio.gather(*rows))
        assert all(row in ([], [one]) for one, row in enumerate(found))
        assert [[row[0] for row in one] for one in seen] == found
        assert await turns.value(SQL.hold_still) is not None
        assert await turns.run(SQL.forget_expired_sessions) >= 0
        assert await turns.one(SQL.account_by_id, number, id=2**31 - 1) is None


async def test_a_connection_for_each_statement(db: Database):
    """As many at once as the pool has, and none held between them."""
    borrowing = Borrowing(db)
    assert borrowing.alone is borrowing
    assert await borrowing.one(SQL.account_by_id, number, id=2**31 - 1) is None
    assert await borrowing.all(SQL.accounts_by_ids, number, ids=[]) == []
    assert await borrowing.rows(SQL.accounts_by_ids, ids=[]) == []
    assert await borrowing.value(SQL.account_by_id, id=2**31 - 1) is None
    assert await borrowing.run(SQL.forget_expired_sessions) >= 0


async def test_what_several_want_is_looked_up_once(db: Database):
    async with db.reading() as tx:
        ctx = await context(db, TakingTurns(tx.connection))
        made: list[int] = []

        async def make() -> int:
            await asyncio.sleep(0.01)
            made.append(1)
            return 5

        assert await asyncio.gather(*(once(ctx, "key", make) for _ in range(5))) == [5] * 5
        assert made == [1]


async def test_a_resolver_that_is_given_up_leaves_the_task_to_the_others(db: Database):
    """And the connection is not given back before the task has come to its end."""
    async with db.reading() as tx:
        ctx = await context(db, TakingTurns(tx.connection))
        ended = asyncio.Event()

        async def make() -> int:
            await asyncio.sleep(0.02)
            ended.set()
            raise ValueError

        waiting = asyncio.create_task(once(ctx, "key", make))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await ctx.settle()
        assert ended.is_set()
