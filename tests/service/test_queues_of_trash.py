"""Queues over a collection that goes to the trash, and that comes back."""

from __future__ import annotations

import pytest

from factories.queues import make_crew
from pinakes.server.collections import live, selections, service
from pinakes.server.db import Database, Tx
from pinakes.server.labeling import claiming, queue_access, queue_items, queues
from pinakes.server.search import live as searching


async def test_a_queue_over_a_collection_in_the_trash_is_empty(db: Database) -> None:
    """The collection is removed: nothing is given out, counted or listed; restored, all is as it was."""
    crew = await make_crew(db)
    items = await crew.images(3)
    selection = await crew.selection(items)
    queue = await crew.queue(collection_id=selection)
    anna, ben = crew.labelers
    jobs = {person.id: person.job_id for person in queue.people if person.part == "annotate"}

    async def stands() -> tuple[int, int, int, list[int]]:
        async with db.reading() as tx:
            counts = await queues.counts(tx, crew.manager, queue.id)
            listed = await queue_items.of_queue(tx, crew.manager, queue.id)
        return counts.entities, counts.pending, counts.in_progress, [each.item_id for each in listed.rows]

    async def pull(user_id: int | None) -> int | None:
        async with db.changing() as tx:
            person = anna if user_id == anna.user_id else ben
            given = await claiming.next_item(tx, person, jobs[user_id or 0])
        return None if given is None else given.item_id

    assert await pull(anna.user_id) == items[0]
    async with db.transaction() as tx:
        address = (await selections.get(tx, crew.admin, selection)).slug
        await selections.remove(tx, crew.admin, selection)
    assert await stands() == (0, 0, 0, [])
    assert (await pull(anna.user_id), await pull(ben.user_id)) == (None, None)
    async with db.transaction() as tx:
        await service.restore(tx, crew.admin, address)
    assert await stands() == (3, 2, 1, items)
    assert (await pull(anna.user_id), await pull(ben.user_id)) == (items[0], items[1])


async def test_a_live_collection_in_the_trash_is_not_brought_up_to_date(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing would come of it, so that it would be tried each time that somebody looks at its queue."""
    crew = await make_crew(db)
    selection = await crew.selection(await crew.images(1))
    queue = await crew.queue(collection_id=selection)
    async with db.transaction() as tx:
        address = (await selections.get(tx, crew.admin, selection)).slug
        await searching.start(tx, crew.admin, address, query="kind:image")
    await crew.run("update live_collections set refreshed_at = null where collection_id = %s", selection)
    tried: list[int] = []

    async def refresh(_: Tx, collection_id: int) -> bool:
        tried.append(collection_id)
        return False

    monkeypatch.setattr(live, "refresh_if_stale", refresh)

    async def look() -> None:
        async with db.transaction() as tx:
            await queue_access.bring_up_to_date(tx, crew.manager, [queue.id])

    await look()
    async with db.transaction() as tx:
        await selections.remove(tx, crew.admin, selection)
    await look()
    assert tried == [selection]
