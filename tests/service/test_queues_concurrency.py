"""Many at one queue at once, each on his own connection: nothing is handed out twice, nothing is lost, counts hold."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from types import ModuleType
from typing import Any

import pytest

from factories.queues import Crew, job_of, make_crew
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.db import Database
from pinakes.server.labeling import claiming, queues, review
from pinakes.server.labeling.queue_types import Queue

LABELERS, REVIEWERS, ITEMS = 16, 2, 2000


@pytest.fixture
async def wide(dsn: str) -> AsyncGenerator[Database]:
    """A pool with a connection for everybody."""
    database = Database(dsn, size=LABELERS + REVIEWERS + 4, timeout=60)
    await database.open()
    yield database
    await database.close()


class Floor:
    """Everybody at work, and what they got."""

    def __init__(self, crew: Crew, queue: Queue) -> None:
        self.crew = crew
        self.queue = queue
        self.submitted: list[int] = []
        self.accepted: list[int] = []
        self.held: dict[int, int] = {}
        self.rejected: set[int] = set()
        self.closing = False
        self.curated = False
        self.decided = asyncio.Event()

    async def label(self, person: Actor) -> None:
        """Pull and hand in until nothing is left and nobody adds or decides any more."""
        job = job_of(self.queue, person)
        while True:
            over = self.closing
            async with self.crew.db.changing() as tx:
                given = await claiming.next_item(tx, person, job)
            if given is None:
                if over:
                    return
                await asyncio.sleep(0.1)
                continue
            holder = self.held.setdefault(given.item_id, job)
            assert holder == job, f"{given.item_id} was handed out twice"
            await asyncio.sleep(0)
            try:
                async with self.crew.db.changing() as tx:
                    await claiming.submit(tx, person, job, [given.item_id])
                self.submitted.append(given.item_id)
            except errors.ItemLeftQueue:
                pass

    async def review(self, person: Actor, chance: random.Random) -> None:
        """Decide, until all who label are gone and nothing is left."""
        job = job_of(self.queue, person)
        while True:
            over = self.closing
            async with self.crew.db.changing() as tx:
                given = await claiming.next_item(tx, person, job)
            if given is None:
                if over:
                    return
                counts = await counted(self.crew, self.queue)
                if self.curated and counts.accepted == counts.entities:
                    self.decided.set()
                await asyncio.sleep(0.1)
                continue
            again = given.item_id not in self.rejected and chance.random() < 0.05
            if again:
                self.rejected.add(given.item_id)
            try:
                async with self.crew.db.changing() as tx:
                    decide = review.reject if again else review.accept
                    await decide(tx, person, job, [given.item_id])
                if not again:
                    self.accepted.append(given.item_id)
            except errors.ItemLeftQueue:
                pass


async def test_everybody_at_once(wide: Database) -> None:
    """S1-44, S1-45: 16 labelers and 2 reviewers work off 2,000 items, while items enter and leave."""
    chance = random.Random(5)
    crew = await make_crew(wide, labelers=LABELERS, reviewers=REVIEWERS)
    items = await crew.images(ITEMS)
    selection = await crew.selection(items[: ITEMS // 2])
    queue = await crew.queue(collection_id=selection)
    floor = Floor(crew, queue)
    inside = set(items[: ITEMS // 2])

    async def curate() -> None:
        for at in range(ITEMS // 2, ITEMS, 50):
            await crew.put(selection, items[at : at + 50], first=chance.random() < 0.3)
            inside.update(items[at : at + 50])
            gone = chance.sample(sorted(inside), 10)
            await crew.take(selection, gone)
            inside.difference_update(gone)
            back = chance.sample(gone, 5)
            await crew.put(selection, back)
            inside.update(back)
            await asyncio.sleep(0.02)

    work = [asyncio.create_task(floor.label(person)) for person in crew.labelers]
    work += [asyncio.create_task(floor.review(person, chance)) for person in crew.reviewers]
    await curate()
    floor.curated = True
    # Whoever finds nothing left after the others have ended goes; so in turn until all is decided.
    decided = asyncio.create_task(floor.decided.wait())
    ended, _ = await asyncio.wait([decided, *work], timeout=100, return_when=asyncio.FIRST_COMPLETED)
    for one in ended:
        one.result()  # whoever failed says why
    assert decided in ended, await counted(crew, queue)
    floor.closing = True
    await asyncio.gather(*work)

    counts = await counted(crew, queue)
    assert counts.entities == counts.accepted == len(inside)
    times = Counter(floor.accepted)
    assert set(times) >= inside
    assert max(times.values()) == 1
    given = await crew.run(
        "select item_id, count(distinct job_id) from work_log where queue_id = %s and verb = 'given' group by 1",
        queue.id,
    )
    assert {people for _, people in given} == {1}
    kept = await crew.run(
        "select status, present, sum(count) from work_counts where queue_id = %s group by 1, 2 having sum(count) <> 0",
        queue.id,
    )
    real = await crew.run("select status, present, count(*) from work where queue_id = %s group by 1, 2", queue.id)
    assert sorted(kept) == sorted(real)


@pytest.mark.parametrize("room", [claiming, review], ids=["submit", "accept"])
async def test_what_left_for_a_moment_and_came_back_is_handed_in_and_accepted(
    wide: Database, monkeypatch: pytest.MonkeyPatch, room: ModuleType
) -> None:
    """S1-44: it had left when it was handed in, or accepted, and was back when it was asked why that did not work."""
    crew = await make_crew(wide, labelers=1, reviewers=1)
    items = await crew.images(1)
    selection = await crew.selection(items)
    queue = await crew.queue(collection_id=selection)
    (labeler,), (reviewer,) = crew.labelers, crew.reviewers
    async with wide.changing() as tx:
        await claiming.next_item(tx, labeler, job_of(queue, labeler))
    if room is review:
        async with wide.changing() as tx:
            await claiming.submit(tx, labeler, job_of(queue, labeler), items)
    await crew.take(selection, items)
    why = room._refuse

    async def back_first(*asked: Any, **more: Any) -> None:  # noqa: ANN401 - whatever it is asked
        await crew.put(selection, items)
        await why(*asked, **more)

    monkeypatch.setattr(room, "_refuse", back_first)
    async with wide.changing() as tx:
        if room is claiming:
            (task,) = await claiming.submit(tx, labeler, job_of(queue, labeler), items)
        else:
            (task,) = await review.accept(tx, reviewer, job_of(queue, reviewer), items)
    assert task.state == ("done" if room is claiming else "accepted")


async def counted(crew: Crew, queue: Queue):
    async with crew.db.reading() as tx:
        return await queues.counts(tx, crew.manager, queue.id)


async def test_all_ask_for_the_last_ones(wide: Database) -> None:
    """S1-44: who finds all that is left in the hands of others waits for them, and is not told that nothing is left."""
    crew = await make_crew(wide, labelers=LABELERS)
    for many in (1, 5, LABELERS):
        queue = await crew.queue(collection_id=await crew.selection(await crew.images(many)))

        async def ask(person: Actor, queue: Queue = queue) -> int | None:
            async with wide.changing() as tx:
                given = await claiming.next_item(tx, person, job_of(queue, person))
                return given.item_id if given else None

        found = [item for item in await asyncio.gather(*map(ask, crew.labelers)) if item is not None]
        assert len(found) == len(set(found)) == many


async def test_expired_ones_are_taken_over_once(wide: Database) -> None:
    """S1-44: what many let run out goes to one each."""
    crew = await make_crew(wide, labelers=LABELERS)
    queue = await crew.queue(collection_id=await crew.selection(await crew.images(8)))
    idle, busy = crew.labelers[:8], crew.labelers[8:]

    async def ask(person: Actor) -> int | None:
        async with wide.changing() as tx:
            given = await claiming.next_item(tx, person, job_of(queue, person))
            return given.item_id if given else None

    first = await asyncio.gather(*map(ask, idle))
    assert len(set(first)) == 8
    await crew.run("update work set lease_until = now() - interval '1 s' where queue_id = %s", queue.id)
    second = await asyncio.gather(*map(ask, busy))
    assert set(second) == set(first)
    assert await asyncio.gather(*map(ask, idle)) == [None] * 8
