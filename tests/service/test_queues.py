"""Queues: made over collections and datasets, worked off, reviewed; what leaves, comes back, waits and counts."""

from __future__ import annotations

import random
from typing import Any

import pytest

from factories.people import told_of, unique
from factories.queues import Crew, job_of, make_crew
from pinakes.server import errors
from pinakes.server.actor import Actor, Scope, anonymous
from pinakes.server.db import Database
from pinakes.server.labeling import annotations as labels, claiming, drafts, queue_items, queues, review
from pinakes.server.labeling.label_types import NewAnnotation
from pinakes.server.labeling.queue_types import (
    Counts,
    Given,
    ItemTag,
    NewQueue,
    PersonPart,
    Places,
    Queue,
    QueueChanges,
    QueueSettings,
    Task,
)
from support.watching import watch_queries


@pytest.fixture(scope="module")
async def crew(db: Database) -> Crew:
    return await make_crew(db)


async def pull(crew: Crew, queue: Queue, person: Actor, part: str = "annotate") -> Given | None:
    async with crew.db.changing() as tx:
        return await claiming.next_item(tx, person, job_of(queue, person, part))


async def pulled(crew: Crew, queue: Queue, person: Actor, part: str = "annotate") -> int:
    given = await pull(crew, queue, person, part)
    assert given is not None
    return given.item_id


async def submit(crew: Crew, queue: Queue, person: Actor, *items: int) -> list[Task]:
    async with crew.db.transaction() as tx:
        return await claiming.submit(tx, person, job_of(queue, person), items)


async def give(crew: Crew, queue: Queue, person: Actor, item: int, status: str, part: str = "review") -> Task:
    async with crew.db.transaction() as tx:
        return await review.set_status(tx, person, job_of(queue, person, part), item, status)


async def counted(crew: Crew, queue: Queue) -> Counts:
    async with crew.db.reading() as tx:
        return await queues.counts(tx, crew.manager, queue.id)


async def run_out(crew: Crew, queue: Queue) -> None:
    await crew.run(
        "update work set lease_until = now() - interval '1 s' where queue_id = %s and status = 'held'", queue.id
    )


def counts(
    entities: int, pending: int = 0, in_progress: int = 0, on_review: int = 0, accepted: int = 0, rejected: int = 0
):
    return Counts(entities, pending, in_progress, on_review, on_review + accepted, accepted, rejected, 0)


async def test_a_queue_over_an_empty_collection(crew: Crew) -> None:
    """S1-41, S1-43, S1-45: made before there is anything in it; what enters waits at once."""
    selection = await crew.selection()
    queue = await crew.queue(collection_id=selection, settings=QueueSettings(classes=["car"], extras={"guide": "x"}))
    labeler, other = crew.labelers
    assert queue.people == [
        PersonPart(labeler.user_id or 0, labeler.name, queue.job_ids[0], "annotate"),
        PersonPart(other.user_id or 0, other.name, queue.job_ids[1], "annotate"),
        PersonPart(crew.reviewers[0].user_id or 0, crew.reviewers[0].name, queue.job_ids[2], "review"),
    ]
    assert (queue.status, queue.counts, queue.collection_id) == ("pending", counts(0), selection)
    assert (queue.settings.classes, queue.settings.extras) == (["car"], {"guide": "x"})
    assert await pull(crew, queue, labeler) is None
    items = await crew.images(3)
    await crew.put(selection, items)
    assert await counted(crew, queue) == counts(3, pending=3)
    assert await pulled(crew, queue, labeler) == items[0]
    assert await counted(crew, queue) == counts(3, pending=2, in_progress=1)
    assert "queue.created" in await told_of(crew.db, crew.manager)


async def test_the_way_of_an_item(crew: Crew) -> None:
    """S1-44, S1-46: given, handed in, rejected to the same labeler, handed in again, accepted."""
    items = await crew.images(4)
    queue = await crew.queue(collection_id=await crew.selection(items))
    (first, second), reviewer = crew.labelers, crew.reviewers[0]
    assert await pulled(crew, queue, first) == await pulled(crew, queue, first) == items[0]
    assert await pulled(crew, queue, second) == items[1]
    done = (await submit(crew, queue, first, items[0]))[0]
    assert (done.state, done.labeler_id, done.lease_until) == ("done", first.user_id, None)
    assert await submit(crew, queue, first, items[0]) == [done]
    assert await pulled(crew, queue, reviewer, "review") == await pulled(crew, queue, reviewer, "review") == items[0]
    async with crew.db.transaction() as tx:
        back = await review.reject(tx, reviewer, job_of(queue, reviewer, "review"), [items[0]], comment="too wide")
    assert (back[0].state, back[0].rejections, back[0].comment) == ("rejected", 1, "too wide")
    assert await counted(crew, queue) == counts(4, pending=2, in_progress=2, rejected=1)
    assert await pulled(crew, queue, second) == items[1]
    assert await pulled(crew, queue, first) == items[0]
    assert (await give(crew, queue, first, items[0], "accepted", "annotate")).state == "done"
    assert await pulled(crew, queue, reviewer, "review") == items[0]
    accepted = await give(crew, queue, reviewer, items[0], "accepted")
    assert (accepted.state, accepted.reviewer_id, accepted.rejections) == ("accepted", reviewer.user_id, 1)
    assert await give(crew, queue, reviewer, items[0], "accepted") == accepted
    assert await counted(crew, queue) == counts(4, pending=2, in_progress=1, accepted=1)
    log = await crew.run("select verb from work_log where item_id = %s order by id", items[0])
    assert [row[0] for row in log] == [
        "given", "submitted", "reserved", "rejected", "given", "submitted", "reserved", "accepted",
    ]  # fmt: skip
    found = await queue_now(crew, queue)
    assert (found.status, found.started_at is not None) == ("in_progress", True)


async def queue_now(crew: Crew, queue: Queue, actor: Actor | None = None) -> Queue:
    async with crew.db.reading() as tx:
        return await queues.get(tx, actor or crew.manager, queue.id)


async def test_an_item_that_leaves(crew: Crew) -> None:
    """S1-45, decision 5: it leaves the counts whatever its state, steps are refused, and it comes back as it was."""
    items = await crew.images(3)
    selection = await crew.selection(items)
    queue = await crew.queue(collection_id=selection)
    (first, second), reviewer = crew.labelers, crew.reviewers[0]
    await pulled(crew, queue, first)
    await submit(crew, queue, first, items[0])
    await give(crew, queue, reviewer, items[0], "accepted")
    assert await pulled(crew, queue, second) == items[1]
    await crew.take(selection, items[:2])
    assert await counted(crew, queue) == counts(1, pending=1)
    for person, part, item, status in (
        (second, "annotate", items[1], "done"),
        (reviewer, "review", items[0], "rejected"),
        (second, "annotate", items[1], "none"),
    ):
        with pytest.raises(errors.ItemLeftQueue, match="left the queue"):
            await give(crew, queue, person, item, status, part)
    async with crew.db.transaction() as tx:
        with pytest.raises(errors.ItemLeftQueue):
            await claiming.heartbeat(tx, second, job_of(queue, second), items[1])
    assert await pulled(crew, queue, second) == items[2]
    await crew.put(selection, items[:2])
    assert await counted(crew, queue) == counts(3, in_progress=2, accepted=1)
    assert (await submit(crew, queue, second, items[1], items[2]))[0].state == "done"


async def test_a_lease_that_runs_out(crew: Crew) -> None:
    """S1-44: it waits again and somebody else gets it; who lost it can't hand it in, and what he drew is kept."""
    items = await crew.images(2)
    queue = await crew.queue(collection_id=await crew.selection(items))
    first, second = crew.labelers
    await pulled(crew, queue, first)
    async with crew.db.transaction() as tx:
        await drafts.save(tx, first, job_of(queue, first), items[0], {"labels": [1]})
    await run_out(crew, queue)
    assert await counted(crew, queue) == counts(2, pending=2)
    with pytest.raises(errors.LeaseLost):
        await submit(crew, queue, first, items[0])
    assert await pulled(crew, queue, second) == items[0]
    for call in (submit(crew, queue, first, items[0]), beat(crew, queue, first, items[0])):
        with pytest.raises(errors.LeaseLost):
            await call
    assert (await submit(crew, queue, second, items[0]))[0].labeler_id == second.user_id
    async with crew.db.reading() as tx:
        kept = await drafts.get(tx, first, job_of(queue, first), items[0])
        assert kept is not None
        assert kept.annotation == {"labels": [1]}
        with pytest.raises(errors.JobNotFound):
            await drafts.get(tx, second, job_of(queue, first), items[0])
    async with crew.db.transaction() as tx:
        late = await drafts.save(tx, first, job_of(queue, first), items[0], {"labels": [1, 2]})
        assert late.annotation == {"labels": [1, 2]}, "what he drew until he learned that he lost it"
        with pytest.raises(errors.LeaseLost):
            await drafts.save(tx, first, job_of(queue, first), items[1], {"labels": []})
    assert await pulled(crew, queue, first) == items[1]
    await run_out(crew, queue)
    again = await pull(crew, queue, first)
    assert again is not None
    assert again.item_id == items[1]
    assert again.lease_until is not None
    assert await beat(crew, queue, first, items[1]) >= again.lease_until
    assert (await submit(crew, queue, first, items[1]))[0].state == "done"


async def test_saving_on_an_item_whose_lease_ran_out(crew: Crew) -> None:
    """Nobody took it: saving makes it his again, and he hands it in; somebody did: nothing of it is saved."""
    items = await crew.images(1)
    queue = await crew.queue(collection_id=await crew.selection(items))
    first, second = crew.labelers
    await pulled(crew, queue, first)
    await run_out(crew, queue)
    assert await counted(crew, queue) == counts(1, pending=1)
    async with crew.db.transaction() as tx:
        await labels.put(tx, first, [NewAnnotation(items[0], description="drawn slowly")])
    assert await counted(crew, queue) == counts(1, in_progress=1)
    assert await pull(crew, queue, second) is None
    assert (await submit(crew, queue, first, items[0]))[0].state == "done"
    async with crew.db.transaction() as tx:
        await review.reject(tx, crew.reviewers[0], job_of(queue, crew.reviewers[0], "review"), items)
    await pulled(crew, queue, first)
    await crew.run("update work set status = 'held' where queue_id = %s", queue.id)
    await run_out(crew, queue)
    assert await pulled(crew, queue, second) == items[0]
    async with crew.db.transaction() as tx:
        with pytest.raises(errors.MediaNotFound):
            await labels.put(tx, first, [NewAnnotation(items[0], description="too late")])
    async with crew.db.reading() as tx:
        assert (await labels.get(tx, second, items[0])).description == "drawn slowly"


async def beat(crew: Crew, queue: Queue, person: Actor, item: int):
    async with crew.db.transaction() as tx:
        return await claiming.heartbeat(tx, person, job_of(queue, person), item)


async def test_order_priority_and_skips(crew: Crew) -> None:
    """S1-44: the source's order, what has priority first; skipped ones behind, and not to who skipped them."""
    items = await crew.images(5)
    queue = await crew.queue(collection_id=await crew.selection(items[::-1]))
    first, second = crew.labelers
    async with crew.db.transaction() as tx:
        assert await queues.set_priority(tx, crew.manager, queue.id, [items[0], items[1], 2**31 - 1], 5) == 2
        assert await queues.set_priority(tx, crew.manager, queue.id, [items[1]], 7) == 1
        assert await queues.set_priority(tx, crew.manager, queue.id, [items[4]], -1) == 1
        assert await queues.set_priority(tx, crew.manager, queue.id, [items[2]], 0) == 1
    assert await counted(crew, queue) == counts(5, pending=5)
    assert await pulled(crew, queue, first) == items[1]
    async with crew.db.transaction() as tx:
        skipped = await claiming.skip(tx, first, job_of(queue, first), items[1], comment="blurred")
    assert (skipped.state, skipped.priority, skipped.comment) == (None, -1, "blurred")
    seen: list[int] = []
    while (given := await pull(crew, queue, first)) is not None:
        seen.append(given.item_id)
        await submit(crew, queue, first, given.item_id)
    assert seen == [items[0], items[3], items[2], items[4]]
    assert await pulled(crew, queue, second) == items[1]
    async with crew.db.transaction() as tx:
        await claiming.release(tx, second, job_of(queue, second), [items[1]])
    assert await counted(crew, queue) == counts(5, pending=1, on_review=4)
    assert await pulled(crew, queue, second) == items[1]


async def test_what_enters_in_front_is_found(crew: Crew) -> None:
    """S1-45: also behind the frontier, after it was moved ahead."""
    items = await crew.images(6)
    selection = await crew.selection(items[:3])
    queue = await crew.queue(collection_id=selection)
    first = crew.labelers[0]
    for item in items[:3]:
        assert await pulled(crew, queue, first) == item
        await submit(crew, queue, first, item)
    await crew.run("select advance_frontier(%s)", queue.id)
    assert (await crew.run("select octet_length(frontier) from queues where id = %s", queue.id))[0][0] == 7
    await crew.put(selection, [items[3]], first=True)
    assert await pulled(crew, queue, first) == items[3]
    await submit(crew, queue, first, items[3])
    await crew.put(selection, [items[4], items[5]])
    await crew.run("select advance_frontier(%s)", queue.id)
    await crew.run(
        "update entries set order_key = '\\x01' where collection_id = %s and item_id = %s", selection, items[5]
    )
    assert await pulled(crew, queue, first) == items[5]


async def test_a_queue_over_a_dataset(crew: Crew) -> None:
    """S1-42: in the dataset's own order; it follows what is added, trashed and moved; complete when all is accepted."""
    dataset, other = await crew.dataset(), await crew.dataset()
    items = await crew.images(4, dataset)
    await crew.run("update media set custom_sort = -1.5 where item_id = %s", items[3])
    await crew.run("update media set custom_sort = 2 where item_id = %s", items[2])
    queue = await crew.queue(dataset_id=dataset)
    first, reviewer = crew.labelers[0], crew.reviewers[0]
    assert queue.counts == counts(4, pending=4)
    for item in (items[3], items[2], items[0]):
        assert await pulled(crew, queue, first) == item
        await submit(crew, queue, first, item)
    await crew.run("select advance_frontier(%s)", queue.id)
    await crew.trash([items[3], items[1]])
    assert await counted(crew, queue) == counts(2, on_review=2)
    assert await pull(crew, queue, first) is None
    await crew.trash([items[3]], back=True)
    await crew.run("update media set dataset_id = %s where item_id = %s", other, items[0])
    await crew.run("update datasets set item_count = item_count - 1 where id = %s", dataset)
    assert await counted(crew, queue) == counts(2, on_review=2)
    await crew.run("update media set custom_sort = -9 where item_id = %s", items[1])
    await crew.trash([items[1]], back=True)
    assert await pulled(crew, queue, first) == items[1]
    await submit(crew, queue, first, items[1])
    for _ in range(3):
        await give(crew, queue, reviewer, await pulled(crew, queue, reviewer, "review"), "accepted")
    assert await pull(crew, queue, reviewer, "review") is None
    found = await queue_now(crew, queue)
    assert (found.status, found.finished_at is not None) == ("completed", True)


async def test_many_items_of_a_dataset_at_other_places_at_once(crew: Crew) -> None:
    """S1-45: one statement, whatever it does to how many: the queues of the datasets follow all of them."""
    dataset, other = await crew.dataset(), await crew.dataset()
    items = await crew.images(30, dataset)
    queue, elsewhere = await crew.queue(dataset_id=dataset), await crew.queue(dataset_id=other)
    first = crew.labelers[0]
    for item in items[:3]:
        assert await pulled(crew, queue, first) == item
        await submit(crew, queue, first, item)
    await crew.run("select advance_frontier(%s)", queue.id)
    await crew.run("update media set custom_sort = -item_id where dataset_id = %s", dataset)
    assert await pulled(crew, queue, first) == items[29]
    await submit(crew, queue, first, items[29])
    await crew.run("update media set dataset_id = %s where item_id = any(%s)", other, [*items[:2], *items[20:25]])
    await crew.run("update datasets set item_count = item_count - 7 where id = %s", dataset)
    await crew.run("update datasets set item_count = item_count + 7 where id = %s", other)
    assert await counted(crew, queue) == counts(23, pending=21, on_review=2)
    assert await counted(crew, elsewhere) == counts(7, pending=7)
    assert [await pulled(crew, elsewhere, person) for person in crew.labelers[:2]] == [items[24], items[23]]
    assert await pulled(crew, queue, first) == items[28]
    await crew.run("update media set dataset_id = %s where item_id = any(%s)", dataset, items[:2])
    await crew.run("update datasets set item_count = item_count + 2 where id = %s", dataset)
    assert await counted(crew, queue) == counts(25, pending=20, in_progress=1, on_review=4)


async def test_only_items_with_tags(crew: Crew) -> None:
    """S1-44: the conditions on tags hold at the moment of giving out, and for what is tagged later."""
    items = await crew.images(5)
    selection = await crew.selection(items)
    yes, no = unique("yes"), unique("no")
    settings = QueueSettings(item_tags=[ItemTag(yes), ItemTag(no, positive=False)])
    queue = await crew.queue(collection_id=selection, settings=settings)
    first = crew.labelers[0]
    assert queue.counts == counts(0)
    assert await pull(crew, queue, first) is None
    await crew.tag(items[2:4], yes)
    await crew.tag([items[3]], no)
    assert await counted(crew, queue) == counts(1, pending=1)
    assert await pulled(crew, queue, first) == items[2]
    await submit(crew, queue, first, items[2])
    await crew.run("select advance_frontier(%s)", queue.id)
    await crew.tag([items[0]], yes)
    assert await pulled(crew, queue, first) == items[0]
    assert await counted(crew, queue) == counts(2, in_progress=1, on_review=1)
    async with crew.db.transaction() as tx:
        await queues.update(tx, crew.manager, queue.id, QueueChanges(settings=QueueSettings()))
    assert await counted(crew, queue) == counts(5, pending=3, in_progress=1, on_review=1)


async def test_only_some_items(crew: Crew) -> None:
    """S1-44: a queue of named items follows its source with those only."""
    items = await crew.images(4)
    selection = await crew.selection(items[:3])
    queue = await crew.queue(collection_id=selection, item_ids=[items[1], items[2], items[3]])
    first = crew.labelers[0]
    assert queue.counts == counts(2, pending=2)
    await crew.put(selection, [items[3]])
    await crew.take(selection, [items[1]])
    assert await counted(crew, queue) == counts(1, pending=1)
    assert await pulled(crew, queue, first) == items[2]
    await submit(crew, queue, first, items[2])
    assert await pull(crew, queue, first) is None


async def test_only_some_places(crew: Crew) -> None:
    """S1-44: a queue of the places 2 to 3 has what is there, in the source's order, when it is made."""
    items = await crew.images(4)
    selection = await crew.selection([items[3], items[1], items[0], items[2]])
    queue = await crew.queue(collection_id=selection, places=Places(2, 3))
    first = crew.labelers[0]
    assert queue.counts == counts(2, pending=2)
    await crew.put(selection, await crew.images(1))
    assert [await pulled(crew, queue, first), await pulled(crew, queue, crew.labelers[1])] == [items[1], items[0]]
    of_some = await crew.queue(collection_id=selection, places=Places(2), item_ids=[items[0], items[2], items[3]])
    assert of_some.counts == counts(2, pending=2), "the second and third of those that are named"
    beyond = await crew.queue(collection_id=selection, places=Places(9))
    assert beyond.counts == counts(0)


async def test_several_annotators(db: Database) -> None:
    """S1-44: each item goes to two different labelers, and everybody gets an item once."""
    crew = await make_crew(db, labelers=3)
    items = await crew.images(4)
    queue = await crew.queue(collection_id=await crew.selection(items), overlap=2, blind=True)
    assert (queue.overlap, queue.blind) == (2, True)
    seen: dict[int, list[int | None]] = {item: [] for item in items}
    left = list(crew.labelers)
    while left:
        for person in list(left):
            given = await pull(crew, queue, person)
            if given is None:
                left.remove(person)
                continue
            seen[given.item_id].append(person.user_id)
            await submit(crew, queue, person, given.item_id)
    assert [len(set(people)) for people in seen.values()] == [2, 2, 2, 2]
    assert await counted(crew, queue) == counts(4, on_review=4)
    reviewer = crew.reviewers[0]
    for _ in range(8):
        await give(crew, queue, reviewer, await pulled(crew, queue, reviewer, "review"), "accepted")
    assert await pull(crew, queue, reviewer, "review") is None
    async with db.transaction() as tx:
        await queues.update(tx, crew.manager, queue.id, QueueChanges(overlap=3))
    thirds = [await pull(crew, queue, person) for person in crew.labelers]
    assert {given.round for given in thirds if given} == {3}


async def test_more_annotators_are_asked_than_there_are(db: Database) -> None:
    """What misses some waits for who joins; the queue is complete when they did, or fewer are asked."""
    crew = await make_crew(db, labelers=3)
    (item,) = await crew.images(1)
    nobody_yet = await crew.queue(labelers=[], overlap=2)
    assert nobody_yet.overlap == 2
    first, second, third = crew.labelers
    queue = await crew.queue(labelers=[first.user_id, second.user_id], overlap=1)
    async with db.transaction() as tx:
        assert (await queues.update(tx, crew.manager, queue.id, QueueChanges(overlap=5))).overlap == 5
    for person in (first, second):
        assert await pulled(crew, queue, person) == item
        await submit(crew, queue, person, item)
        assert await pull(crew, queue, person) is None
    reviewer = crew.reviewers[0]
    for _ in range(2):
        await give(crew, queue, reviewer, await pulled(crew, queue, reviewer, "review"), "accepted")
    assert await pull(crew, queue, reviewer, "review") is None
    async with db.transaction() as tx:
        assert (await queues.get(tx, crew.manager, queue.id)).status == "in_progress"
        queue = await queues.add_people(tx, crew.manager, queue.id, labelers=[third.user_id or 0])
    assert await pulled(crew, queue, third) == item
    await submit(crew, queue, third, item)
    await give(crew, queue, reviewer, await pulled(crew, queue, reviewer, "review"), "accepted")
    async with db.transaction() as tx:
        await queues.update(tx, crew.manager, queue.id, QueueChanges(overlap=3))
    assert await pull(crew, queue, first) is None
    async with db.reading() as tx:
        assert (await queues.get(tx, crew.manager, queue.id)).status == "completed"


async def test_who_reviews_what(db: Database) -> None:
    """S1-44: nobody reviews his own labels unless that is allowed; where there are checkers, they come first."""
    crew = await make_crew(db, reviewers=2)
    both, checker = crew.labelers[0], crew.reviewers[1]
    items = await crew.images(3)
    queue = await crew.queue(
        collection_id=await crew.selection(items),
        reviewers=[both.user_id, crew.reviewers[0].user_id],
        checkers=[checker.user_id],
    )
    assert queue.settings.quality_check
    first = await pulled(crew, queue, both)
    await submit(crew, queue, both, first)
    reviewer = crew.reviewers[0]
    assert await pull(crew, queue, reviewer, "review") is None
    with pytest.raises(errors.Conflict, match="is done"):
        await give(crew, queue, reviewer, first, "accepted")
    assert await pulled(crew, queue, checker, "check") == first
    assert (await give(crew, queue, checker, first, "quality_check_accepted", "check")).state == "checked"
    assert await pull(crew, queue, both, "review") is None
    with pytest.raises(errors.Forbidden, match="your own"):
        await give(crew, queue, both, first, "accepted")
    assert await pulled(crew, queue, reviewer, "review") == first
    assert (await give(crew, queue, reviewer, first, "accepted")).state == "accepted"
    assert (await give(crew, queue, reviewer, first, "done")).state == "done"
    async with db.transaction() as tx:
        await queues.update(tx, crew.manager, queue.id, QueueChanges(settings=QueueSettings(review_own=True)))
    await give(crew, queue, checker, first, "accepted", "check")
    assert await pulled(crew, queue, both, "review") == first
    with pytest.raises(errors.LeaseLost, match="reserved"):
        await give(crew, queue, reviewer, first, "accepted")
    assert (await give(crew, queue, both, first, "none")).state == "held"
    assert await pulled(crew, queue, both) == first


async def test_stopped_and_started(crew: Crew) -> None:
    """S1-44: a stopped queue gives nothing out, one on review nothing new to labelers; held items may be handed in."""
    items = await crew.images(2)
    queue = await crew.queue(collection_id=await crew.selection(items))
    first, second = crew.labelers
    held = await pulled(crew, queue, first)
    for status, gets in (("stopped", None), ("on_review", held), ("completed", None), ("in_progress", held)):
        async with crew.db.transaction() as tx:
            assert (await queues.set_status(tx, crew.manager, queue.id, status)).status == status
        given = await pull(crew, queue, first)
        assert (given.item_id if given else None) == gets
        assert (await pull(crew, queue, second) is None) is (status != "in_progress")
    async with crew.db.transaction() as tx:
        assert (await queues.set_status(tx, crew.manager, queue.id, "stopped")).finished_at is None
        with pytest.raises(errors.Invalid, match="one of"):
            await queues.set_status(tx, crew.manager, queue.id, "paused")
    assert (await submit(crew, queue, first, held))[0].state == "done"


async def test_people_come_and_go(crew: Crew) -> None:
    """S1-44: people are added later; who leaves gives back what he holds."""
    items = await crew.images(3)
    queue = await crew.queue(collection_id=await crew.selection(items), labelers=[crew.labelers[0].user_id])
    first, second = crew.labelers
    async with crew.db.transaction() as tx:
        queue = await queues.add_people(tx, crew.manager, queue.id, labelers=[first.user_id or 0, second.user_id or 0])
        assert len(queue.labelers) == 2
        with pytest.raises(errors.Invalid) as refused:
            await queues.add_people(tx, crew.manager, queue.id, reviewers=[crew.outsider.user_id or 0])
        assert (refused.value.field, refused.value.details) == ("reviewers", {"users": [crew.outsider.user_id]})
    assert await pulled(crew, queue, first) == items[0]
    gone = job_of(queue, first)
    async with crew.db.transaction() as tx:
        left = await queues.remove_people(tx, crew.manager, queue.id, job_ids=[gone])
    assert [person.id for person in left.labelers] == [second.user_id]
    assert left.counts == counts(3, pending=3)
    async with crew.db.transaction() as tx:
        with pytest.raises(errors.JobNotFound):
            await claiming.next_item(tx, first, gone)
    assert await pulled(crew, left, second) == items[0]


async def test_what_is_refused_when_making_one(crew: Crew) -> None:
    """S1-44: people without a role, no source or two, what can't be kept."""
    selection = await crew.selection()
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("labelers", {"labelers": [crew.outsider.user_id, 2**31 - 1]}),
        ("labelers", {"labelers": [-3]}),
        ("checkers", {"checkers": [crew.outsider.user_id]}),
        ("collection_id", {"dataset_id": crew.dataset_id}),
        ("name", {"name": "nul\0"}),
        ("name", {"name": " "}),
        ("overlap", {"overlap": 21}),
        ("lease_seconds", {"lease_seconds": 0}),
        ("settings.extras", {"settings": QueueSettings(extras={"x": float("nan")})}),
        ("settings.extras", {"settings": QueueSettings(extras={"x": "\ud800"})}),
        ("settings.figures_limit", {"settings": QueueSettings(figures_limit=2**31)}),
        ("settings.classes", {"settings": QueueSettings(classes=["\0"])}),
        ("item_ids", {"item_ids": [2**40]}),
        ("range", {"places": Places(0, 3)}),
        ("range", {"places": Places(3, 2)}),
        ("range", {"places": Places(2**40)}),
    ]
    for field, values in wrong:
        asked: dict[str, Any] = {"collection_id": selection, **values}
        with pytest.raises(errors.Invalid) as refused:
            await crew.queue(**asked)
        assert refused.value.field == field
    for missing in (2**31 - 1, 2**63, 0):
        with pytest.raises(errors.CollectionNotFound):
            await crew.queue(collection_id=missing)
        with pytest.raises(errors.DatasetNotFound):
            await crew.queue(dataset_id=missing)
    async with crew.db.reading() as tx:
        assert await queues.page(tx, crew.manager, collection_id=selection) == ([], 0)
        assert await queues.page(tx, crew.manager, names=["\0", "\ud800"], account_id=2**70) == ([], 0)
        with pytest.raises(errors.Invalid, match="whole number"):
            await queues.page(tx, crew.manager, limit=-1)


async def test_who_may(crew: Crew) -> None:
    """S1-36: managing needs its permission; a labeler has his own job only, and sees no more of the queue."""
    items = await crew.images(2)
    selection = await crew.selection(items)
    queue = await crew.queue(collection_id=selection)
    first, second = crew.labelers
    reviewer = crew.reviewers[0]
    new = NewQueue("x", collection_id=selection)
    async with crew.db.transaction() as tx:
        for actor, error in (
            (crew.viewer, errors.Forbidden),
            (first, errors.CollectionNotFound),
            (crew.outsider, errors.CollectionNotFound),
            (anonymous("test"), errors.CollectionNotFound),
            (narrow(crew.manager), errors.ScopeTooNarrow),
        ):
            with pytest.raises(error):
                await queues.create(tx, actor, new)
        for actor, error in (
            (crew.viewer, errors.Forbidden),
            (first, errors.Forbidden),
            (crew.outsider, errors.QueueNotFound),
            (narrow(crew.manager), errors.ScopeTooNarrow),
        ):
            with pytest.raises(error):
                await queues.set_status(tx, actor, queue.id, "stopped")
            with pytest.raises(error):
                await queues.set_priority(tx, actor, queue.id, items, 3)
        for actor, error in (
            (first, errors.JobNotFound),
            (crew.manager, errors.Forbidden),
            (crew.outsider, errors.JobNotFound),
            (anonymous("test"), errors.Unauthenticated),
            (narrow(second), errors.ScopeTooNarrow),
        ):
            with pytest.raises(error):
                await claiming.next_item(tx, actor, job_of(queue, second))
    assert queue.counts
    seen = await queue_now(crew, queue, first)
    assert (seen.counts, [person.id for person in seen.people]) == (None, [first.user_id])
    assert (await queue_now(crew, queue, crew.viewer)).counts == queue.counts
    async with crew.db.reading() as tx:
        for actor, total in ((first, 0), (crew.manager, 1), (crew.viewer, 1), (crew.outsider, 0)):
            assert (await queues.page(tx, actor, collection_id=selection))[1] == total
        with pytest.raises(errors.Forbidden):
            await queues.items(tx, first, queue.id)
    assert await pulled(crew, queue, first) == items[0]
    assert (await crew.run("select at_work_on(%s, %s)", items[0], first.user_id))[0][0]
    assert not (await crew.run("select at_work_on(%s, %s)", items[1], first.user_id))[0][0]
    with pytest.raises(errors.LeaseLost):
        await submit(crew, queue, second, items[0])
    async with crew.db.transaction() as tx:
        with pytest.raises(errors.Forbidden):
            await review.accept(tx, first, job_of(queue, first), [items[0]])
    with pytest.raises(errors.Forbidden):
        await give(crew, queue, first, items[0], "rejected", "annotate")
    async with crew.db.transaction() as tx:
        assert (await claiming.submit(tx, crew.manager, job_of(queue, first), [items[0]]))[0].state == "done"
        job = job_of(queue, reviewer, "review")
        assert (await review.accept(tx, crew.manager, job, [items[0]]))[0].reviewer_id == crew.manager.user_id


def narrow(actor: Actor) -> Actor:
    """The same person with a token that only reads."""
    return Actor(actor.user_id, actor.name, scope=Scope.READ, roles=actor.roles)


async def test_removed_and_renamed(crew: Crew) -> None:
    """S1-44: a queue that is taken away is gone for all; its items, and the record, stay."""
    items = await crew.images(1)
    queue = await crew.queue(collection_id=await crew.selection(items))
    await pulled(crew, queue, crew.labelers[0])
    async with crew.db.transaction() as tx:
        changed = await queues.update(
            tx, crew.manager, queue.id, QueueChanges(name="Renamed", description="d", readme="r", lease_seconds=60)
        )
        assert (changed.name, changed.description, changed.readme, changed.lease_seconds) == ("Renamed", "d", "r", 60)
        await queues.remove(tx, crew.manager, queue.id)
        with pytest.raises(errors.QueueNotFound):
            await queues.get(tx, crew.manager, queue.id)
        with pytest.raises(errors.JobNotFound):
            await claiming.next_item(tx, crew.labelers[0], job_of(queue, crew.labelers[0]))
    assert await crew.run("select verb from work_log where queue_id = %s", queue.id) == [("given",)]
    assert not (await crew.run("select at_work_on(%s, %s)", items[0], crew.labelers[0].user_id))[0][0]


async def test_the_list_of_its_items(crew: Crew) -> None:
    """With states, in exact pages, with the total; by cursor, by offset, filtered and sorted."""
    items = await crew.images(7)
    selection = await crew.selection(items[::-1])
    queue = await crew.queue(collection_id=selection)
    first = crew.labelers[0]
    for _ in range(3):
        await submit(crew, queue, first, await pulled(crew, queue, first))
    held = await pulled(crew, queue, first)
    await give(crew, queue, crew.reviewers[0], items[6], "accepted")
    given, waiting = [held, items[4], items[5], items[6]], [items[2], items[1], items[0]]
    async with crew.db.reading() as tx:

        async def ids(**asked: object) -> tuple[list[int], int]:
            page = await queues.items(tx, crew.manager, queue.id, **asked)  # pyright: ignore[reportArgumentType]
            return [row.item_id for row in page.rows], page.total

        assert await ids() == (given + waiting, 7)
        assert [await ids(limit=3, offset=at) for at in (0, 3, 6, 9)] == [
            (given[:3], 7), ([given[3], *waiting[:2]], 7), (waiting[2:], 7), ([], 7),
        ]  # fmt: skip
        walked, cursor = [], None
        while True:
            page = await queues.items(tx, crew.manager, queue.id, limit=2, cursor=cursor)
            walked += [row.item_id for row in page.rows]
            if (cursor := page.next) is None:
                break
        assert walked == given + waiting
        assert await ids(states=[None]) == (waiting, 3)
        assert await ids(states=["done"]) == (items[4:6], 2)
        assert await ids(states=["accepted", None], limit=2) == ([items[6], items[2]], 4)
        assert await ids(sort="id", descending=True, limit=2) == ([items[6], items[5]], 7)
        assert await ids(sort="name", states=["held"]) == ([held], 1)
        assert await ids(sort="state", limit=100) == ([*sorted(waiting), items[6], items[4], items[5], held], 7)
        for sort in queue_items.SORTS:
            assert sorted((await ids(sort=sort))[0]) == items
            assert (await ids(sort=sort, descending=True, limit=3))[1] == 7
        assert await ids(item_ids=[items[0], 2**40]) == ([items[0]], 1)
        page = await queues.items(tx, crew.manager, queue.id, item_ids=[items[5]])
        assert (page.rows[0].labeler, page.rows[0].state) == (first.name, "done")
        assert await ids(names=[page.rows[0].name, "nul\0"]) == ([items[5]], 1)
        assert await ids(text=page.rows[0].name[3:].upper()) == ([items[5]], 1)
        assert await ids(in_collection=selection, limit=0) == ([], 7)
        assert await ids(not_in_collection=selection) == ([], 0)
        for wrong, field in (({"sort": "x"}, "sort"), ({"limit": -1}, "limit"), ({"states": ["x"]}, "states")):
            with pytest.raises(errors.Invalid) as refused:
                await ids(**wrong)
            assert refused.value.field == field


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counts_are_those_that_one_counts(db: Database, seed: int) -> None:
    """S1-45: after any steps the kept counts are those that a count of the rows gives."""
    chance = random.Random(seed)
    crew = await make_crew(db, labelers=3)
    pool = await crew.images(40)
    inside = set(pool[:25])
    selection = await crew.selection(sorted(inside))
    queue = await crew.queue(collection_id=selection, overlap=1 + seed % 2)
    for step in range(150):
        person = chance.choice(crew.labelers)
        match chance.randrange(9):
            case 0 | 1 | 2:
                await pull(crew, queue, person)
            case 3 | 4:
                if (given := await pull(crew, queue, person)) is not None:
                    await submit(crew, queue, person, given.item_id)
            case 5:
                gone = chance.sample(sorted(inside), min(len(inside), 3))
                inside -= set(gone)
                await crew.take(selection, gone)
            case 6:
                new = chance.sample(sorted(set(pool) - inside), min(len(pool) - len(inside), 4))
                inside |= set(new)
                await crew.put(selection, new, first=bool(step % 2))
            case 7:
                reviewer = crew.reviewers[0]
                if (given := await pull(crew, queue, reviewer, "review")) is not None:
                    await give(crew, queue, reviewer, given.item_id, chance.choice(["accepted", "rejected"]))
            case _:
                await run_out(crew, queue)
        if step % 10 == 0:
            await crew.run("select advance_frontier(%s)", queue.id)
        assert await counted(crew, queue) == await really(crew, queue, selection)


async def really(crew: Crew, queue: Queue, selection: int) -> Counts:
    """Count the entries by what `work` says of them."""
    rows = await crew.run(
        "select case when w.status = 'held' and w.lease_until < now() then 'pending'"
        " else coalesce(w.status, 'pending') end, count(*)"
        " from entries as e left join work as w on w.queue_id = %s and w.item_id = e.item_id and w.round = 1"
        " where e.collection_id = %s group by 1",
        queue.id, selection,
    )  # fmt: skip
    states = dict(rows)
    return counts(
        sum(states.values()),
        pending=states.get("pending", 0),
        in_progress=states.get("held", 0) + states.get("rejected", 0),
        on_review=states.get("done", 0) + states.get("checked", 0),
        accepted=states.get("accepted", 0),
        rejected=states.get("rejected", 0),
    )


async def test_one_statement_for_the_next_item(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    """S1-44: handing out, a sign of life, and handing in are one round trip each."""
    items = await crew.images(3)
    queue = await crew.queue(collection_id=await crew.selection(items))
    first = crew.labelers[0]
    sent = watch_queries(monkeypatch)
    async with crew.db.changing() as tx:
        given = await claiming.next_item(tx, first, job_of(queue, first))
        assert given is not None
        await claiming.heartbeat(tx, first, job_of(queue, first), given.item_id)
        await claiming.submit(tx, first, job_of(queue, first), [given.item_id])
    assert sent == ["claim_next", "heartbeat", "submit"]
