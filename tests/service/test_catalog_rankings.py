"""Rankings of all repos go along an index: what a page costs does not grow with how many there are."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any, LiteralString, cast

import pytest
from psycopg import sql

from pinakes.server.catalog.lookup import SQL
from pinakes.server.db import Database, Query, Tx
from support.database import Cluster

REPOS = 20_000
# Blocks that a page of a hundred may touch. Going through all repos would touch more than three for each of them.
MOST = 12_000

FILL = f"""
insert into accounts (kind, name) select 'user', 'reader-' || g from generate_series(1, 200) as g;
insert into items (kind, owner_id, name, name_key, visibility)
select
    (array['model', 'dataset', 'space'])[1 + g % 3], 1 + g % 200, 'repo-' || g, 'repo-' || g,
    case when g % 100 = 0 then 'private' else 'public' end
from generate_series(1, {REPOS}) as g;
insert into repos (item_id, downloads, last_modified)
select id, id * 7919 % 1000, now() - (id * 104729 % {REPOS}) * interval '1 minute' from items;
insert into votes (item_id, user_id, created_at)
select distinct i, u, now() - (i * u % 300) * interval '1 hour'
from (select 1 + g * g % ({REPOS} / 2) as i, 1 + g % 200 as u from generate_series(1, 3 * {REPOS}::bigint) as g) as v;
insert into vote_counts (item_id, votes)
select r.item_id, count(v.user_id) from repos as r left join votes as v on r.item_id = v.item_id group by 1;
"""

TOP = {"rank": 2**62, "second": 2**31 - 1, "below": 2**31 - 1}
FILTERS: dict[str, Any] = {"tags": None, "pipeline_tag": None, "gated": None, "patterns": None, "limit": 101}

# Each order: its query, where its first page begins, and where one deep inside does.
ORDERS: dict[str, tuple[Query, dict[str, Any], dict[str, Any]]] = {
    "lastModified": (
        SQL.repos_by_last_modified,
        {"before": "infinity", "below": 2**31 - 1},
        {"before": "now", "below": REPOS // 2},
    ),
    "createdAt": (SQL.repos_by_creation, {"below": 2**31 - 1}, {"below": REPOS // 2}),
    "downloads": (SQL.repos_by_downloads, TOP, {"rank": 500, "below": 10}),
    "likes": (SQL.repos_by_likes, {**TOP, "until": None}, {"second": 2, "below": REPOS, "until": None}),
    "unliked": (SQL.repos_by_likes, {"second": 0, "below": REPOS - 900, "until": None}, {"second": 0, "below": 15_000}),
    "trending": (SQL.repos_trending, {**TOP, "until": "now"}, {"rank": 1, "second": 3, "below": 10, "until": "now"}),
    "behind what trends": (
        SQL.repos_by_likes,
        {**TOP, "until": "now"},
        {"second": 2, "below": REPOS, "until": "now"},
    ),
}


@pytest.fixture(scope="module")
async def tx(cluster: Cluster) -> AsyncGenerator[Tx]:
    """A connection of the server's own to a database with many repos."""
    with cluster.database() as url:
        database = Database(url, size=1)
        await database.open()
        async with database.reading() as tx:
            for statement in FILL.split(";\n"):
                await tx.connection.execute(cast("LiteralString", statement))
            await tx.connection.execute("vacuum analyze")
            yield tx
        await database.close()


async def touched(tx: Tx, query: Query, values: dict[str, Any]) -> tuple[int, int]:
    """Run a query by the plan that serves all its parameters; return how many blocks it touched, and how many rows."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", query.text)))
    text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", query.text).replace("%%", "%")
    await tx.connection.execute(cast("LiteralString", f"prepare page as {text}"))
    given = sql.SQL(", ").join(sql.Literal(values[name]) for name in names)
    explained = await tx.connection.execute(
        sql.SQL("explain (analyze, buffers, format json) execute page({})").format(given)
    )
    row = await explained.fetchone()
    await tx.connection.execute("deallocate page")
    assert row is not None
    plan = row[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], plan["Actual Rows"]


@pytest.mark.parametrize("kind", [None, "space"])
@pytest.mark.parametrize("accounts", [[], [1, 2, 3]], ids=["anonymous", "member"])
@pytest.mark.parametrize("order", ORDERS)
async def test_a_page_of_a_ranking_touches_little(tx: Tx, order: str, accounts: list[int], kind: str | None):
    query, *places = ORDERS[order]
    reader = {"everything": False, "accounts": accounts, "user_id": 1, "kind": kind}
    for place in places:
        blocks, rows = await touched(tx, query, {"until": None, **FILTERS, **reader, **place})
        assert blocks < MOST, place
        assert rows > 0, place
