"""A new instance's connections have planned for tables of a few rows when the first large change comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import psycopg
import pytest_asyncio

from conftest import Cluster
from factories import user
from factories.selections import Studio, make_studio
from pinakes.server.collections import selections
from pinakes.server.db import Database, Tx

MANY = 3000

READ = """
select coalesce(sum(seq_tup_read), 0)::bigint from pg_stat_xact_user_tables
where relname in ('items', 'media', 'entries', 'entry_history')
"""


@pytest_asyncio.fixture
async def young(cluster: Cluster) -> AsyncGenerator[Studio]:
    """A project of a few items on a database that is analyzed, and one connection that has used its plans often."""
    with cluster.database() as url:
        database = Database(url, size=1)
        await database.open()
        try:
            studio = await make_studio(database, await user(database))
            await studio.items(40)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("vacuum analyze")
            for _ in range(7):  # a plan is kept from the sixth time on
                made = await studio.selection(items := await studio.items(2))
                async with database.transaction() as tx:
                    await selections.take_items(tx, studio.actor, made.id, items)
            yield studio
        finally:
            await database.close()


async def read_through(tx: Tx) -> int:
    """Rows that the transaction has come across by going through whole tables."""
    cursor = await tx.connection.execute(READ)
    (count,) = (await cursor.fetchone()) or (0,)
    return count


async def test_a_large_change_looks_each_item_up(young: Studio):
    """S1-07: with the plans of a table of 40 rows each of the items would be looked for in the whole table."""
    items = await young.items(MANY)
    made = await young.selection()
    async with young.db.transaction() as tx:
        await selections.add_items(tx, young.actor, made.id, [(item, None) for item in items])
        assert await read_through(tx) <= 10 * MANY
    async with young.db.transaction() as tx:
        taken = await selections.take_items(tx, young.actor, made.id, items)
        assert len(taken.items) == MANY
        assert await read_through(tx) <= 10 * MANY
