"""A queue over a live collection: whoever looks at it, in whichever way, sees the collection's content of now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from factories.media import put_rows
from factories.selections import execute
from pinakes.server.db import Database
from pinakes.server.search import live
from wires.supervisely.conftest import Caller, World
from wires.supervisely.labels import Desk, desk_of

Look = Callable[[Desk, int], Awaitable[Any]]


async def by_info(desk: Desk, queue: int) -> int:
    return (await desk.ask("labeling-queues.info", id=queue))["entitiesCount"]


async def by_list(desk: Desk, queue: int) -> int:
    asked = {"teamId": desk.team, "filter": [{"field": "id", "operator": "=", "value": queue}]}
    (found,) = (await desk.ask("labeling-queues.list", asked))["entities"]
    return found["entitiesCount"]


async def by_stats(desk: Desk, queue: int) -> int:
    return (await desk.ask("labeling-queues.stats", id=queue))["entitiesCount"]


async def by_items(desk: Desk, queue: int) -> int:
    found = await desk.ask("labeling-queues.stats.entities", id=queue)
    assert len(found["images"]) == found["total"]
    return found["total"]


async def by_native_list(desk: Desk, queue: int) -> int:
    rows = (await desk.caller.natively(f"/queues?project={desk.project}"))["rows"]
    return next(row["counts"]["items"] for row in rows if row["id"] == queue)


async def by_native_one(desk: Desk, queue: int) -> int:
    return (await desk.caller.natively(f"/queues/{queue}"))["counts"]["items"]


async def by_native_items(desk: Desk, queue: int) -> int:
    return (await desk.caller.natively(f"/queues/{queue}/items"))["total"]


async def by_native_statistics(desk: Desk, queue: int) -> int:
    return (await desk.caller.natively(f"/queues/{queue}/statistics"))["counts"]["items"]


LOOKS = (
    by_info, by_list, by_stats, by_items, by_native_list, by_native_one, by_native_items, by_native_statistics,
)  # fmt: skip


async def queue_on_live(desk: Desk, db: Database) -> int:
    """A queue over a live collection of all images of the project."""
    made = await desk.ask("entities-collections.add", projectId=desk.project, name="All that come", type="default")
    public = await _public_id(db, made["id"])
    assert desk.caller.person is not None
    async with db.transaction() as tx:
        await live.start(tx, desk.caller.person.actor, public, query="kind:image")
    queue = await desk.ask(
        "labeling-queues.add", name="Live", userIds=[desk.caller.id], reviewerIds=[], collectionId=made["id"]
    )
    return queue["id"]


async def _public_id(db: Database, collection: int) -> str:
    async with db.transaction() as tx:
        cursor = await tx.connection.execute("select public_id from collections where id = %s", [collection])
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def age(db: Database) -> None:
    """Let more than a moment pass for every live collection."""
    await execute(db, "update live_collections set refreshed_at = refreshed_at - interval '2 seconds'")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
async def test_a_look_finds_what_came(world: World, db: Database, look: Look) -> None:
    """S1-45: without anybody having read the collection, and at most a second late."""
    desk = await desk_of(world, db)
    queue = await queue_on_live(desk, db)
    assert await look(desk, queue) == 3
    await put_rows(db, desk.shelf, 2, stem="late")
    await age(db)
    assert await look(desk, queue) == 5


async def test_who_does_not_see_a_queue_has_nothing_brought_up_to_date(world: World, db: Database) -> None:
    desk = await desk_of(world, db)
    queue = await queue_on_live(desk, db)
    stranger: Caller = await world.person("stranger")
    await put_rows(db, desk.shelf, 2, stem="late")
    await age(db)
    before = await _revision(db, queue)
    for method in ("labeling-queues.info", "labeling-queues.stats", "labeling-queues.stats.entities"):
        await stranger.refused(method, id=queue)
    assert await _revision(db, queue) == before


async def _revision(db: Database, queue: int) -> int:
    sql = "select c.revision from queues as q inner join collections as c on q.collection_id = c.id where q.id = %s"
    async with db.transaction() as tx:
        row = await (await tx.connection.execute(sql, [queue])).fetchone()
    assert row is not None
    return row[0]
