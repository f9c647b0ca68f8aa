"""Queues over a collection that goes to the trash, and that comes back."""

from __future__ import annotations

from factories.queues import make_crew
from pinakes.server.collections import selections, service
from pinakes.server.db import Database
from pinakes.server.labeling import claiming, queue_items, queues


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
