"""How the work goes: counts and times by queue, job and person, agreement, tables, the record, who accepted what."""

from __future__ import annotations

import pytest

from factories.queues import Crew, job_of, make_crew
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.db import Database
from pinakes.server.labeling import claiming, jobs, proof, queues, review, statistics
from pinakes.server.labeling.queue_types import NewJobs, Queue


@pytest.fixture(scope="module")
async def crew(db: Database) -> Crew:
    return await make_crew(db)


async def work_off(crew: Crew, queue: Queue, person: Actor, seconds: float, count: int = 1) -> list[int]:
    """Pull and hand in items, each of which took so long."""
    done: list[int] = []
    for _ in range(count):
        async with crew.db.transaction() as tx:
            given = await claiming.next_item(tx, person, job_of(queue, person))
            assert given is not None
        await crew.run(
            "update work set given_at = given_at - make_interval(secs => %s) where queue_id = %s and status = 'held'",
            seconds, queue.id,
        )  # fmt: skip
        async with crew.db.transaction() as tx:
            await claiming.submit(tx, person, job_of(queue, person), [given.item_id])
        done.append(given.item_id)
    return done


async def box(crew: Crew, item: int, person: Actor, left: int, name: str = "car") -> None:
    """Put a rectangle of a person on an item, as a row."""
    await crew.run(
        "insert into label_classes (project_id, name, shape, color) values (%s, %s, 'rectangle', '#FF0000')"
        " on conflict do nothing",
        crew.project_id, name,
    )  # fmt: skip
    await crew.run(
        "insert into figures (item_id, class_id, geometry_type, geometry, created_by)"
        " select %s, c.id, 'rectangle', jsonb_build_object('points', jsonb_build_object("
        "'exterior', jsonb_build_array(jsonb_build_array(%s::integer, 10), jsonb_build_array(%s::integer, 30)),"
        " 'interior', '[]'::jsonb)), %s from label_classes as c where c.project_id = %s and c.name = %s",
        item, left, left + 20, person.user_id, crew.project_id, name,
    )  # fmt: skip
    await crew.run("update media set label_count = label_count + 1 where item_id = %s", item)


async def test_times_and_people(crew: Crew) -> None:
    """How long each took, at most as long as the lease; what each person did; all of it in a table."""
    queue = await crew.queue(collection_id=await crew.selection(await crew.images(5)), lease_seconds=600)
    (first, second), reviewer = crew.labelers, crew.reviewers[0]
    items = await work_off(crew, queue, first, 60, 2)
    items += await work_off(crew, queue, second, 100_000)
    async with crew.db.transaction() as tx:
        job = job_of(queue, reviewer)
        for _ in range(2):
            given = await claiming.next_item(tx, reviewer, job)
            assert given is not None
            decide = review.accept if given.item_id == items[0] else review.reject
            await decide(tx, reviewer, job, [given.item_id])
    async with crew.db.transaction() as tx:
        found = await statistics.of_queue(tx, crew.viewer, queue.id)
        assert (found.counts.accepted, found.counts.rejected, found.counts.on_review, found.rejections) == (1, 1, 1, 1)
        assert found.labeling_seconds == pytest.approx(720, abs=10)
        people = {person.user_id: person for person in found.people}
        assert set(people) == {first.user_id, second.user_id, reviewer.user_id}
        one = people[first.user_id or 0]
        assert (one.labeled, one.accepted, one.rejected, one.rejections, one.reviewed) == (1, 1, 1, 1, 0)
        assert people[second.user_id or 0].labeling_seconds == pytest.approx(600, abs=5)
        assert (people[reviewer.user_id or 0].reviewed, people[reviewer.user_id or 0].labeled) == (2, 0)
        assert found.agreement is None
        rows = [row async for row in statistics.csv_rows(tx, crew.manager, queue.id)]
        assert rows[0] == statistics.CSV_HEADER
        assert [(int(row[0]), row[3], row[4]) for row in rows[1:]] == [
            (items[0], "accepted", first.name), (items[1], "rejected", first.name), (items[2], "done", second.name),
        ]  # fmt: skip
        lines = await statistics.log(tx, crew.manager, queue.id, limit=4)
        assert [line.verb for line in lines.rows] == ["rejected", "reserved", "accepted", "reserved"]
        older = await statistics.log(tx, crew.manager, queue.id, item_id=items[0], cursor=lines.next)
        assert [(line.verb, line.actor) for line in older.rows] == [("submitted", first.name), ("given", first.name)]
        for verb in (statistics.of_queue, statistics.log, statistics.agreement):
            with pytest.raises(errors.Forbidden):
                await verb(tx, first, queue.id)
            with pytest.raises(errors.QueueNotFound):
                await verb(tx, crew.outsider, queue.id)


async def seconds(crew: Crew, queue_id: int) -> tuple[list[tuple[float, float]], list[tuple[str, float | None]]]:
    """What is noted of the work in a queue: times of labeling and of review, and the lines of the record."""
    rows = await crew.run(
        "select labeling_seconds, review_seconds from work where queue_id = %s order by item_id", queue_id
    )
    lines = await crew.run("select verb, seconds from work_log where queue_id = %s order by id", queue_id)
    return [(row[0], row[1]) for row in rows], [(line[0], line[1]) for line in lines]


async def test_of_work_that_nobody_began_no_time_is_counted(crew: Crew) -> None:
    """Who never asked for the next item has no start: a job's items are handed in and accepted as they are."""
    dataset = await crew.dataset()
    items = await crew.images(2, dataset)
    labeler, reviewer = crew.labelers[0], crew.reviewers[0]
    async with crew.db.transaction() as tx:
        assert labeler.user_id is not None
        new = NewJobs(dataset, [labeler.user_id], "Direct", reviewer_id=reviewer.user_id)
        (job,) = await jobs.create(tx, crew.manager, new)
    for person, item, status in (
        (labeler, items[0], "done"), (reviewer, items[0], "accepted"),
        (labeler, items[1], "done"), (labeler, items[1], "none"),
    ):  # fmt: skip
        async with crew.db.transaction() as tx:
            await review.set_status(tx, person, job.id, item, status)
    async with crew.db.transaction() as tx:
        await claiming.skip(tx, labeler, job.id, items[1])
    times, lines = await seconds(crew, job.queue_id)
    assert times == [(0, 0), (0, 0)]
    assert [(verb, took or 0) for verb, took in lines] == [
        ("submitted", 0), ("accepted", 0), ("submitted", 0), ("reopened", 0), ("skipped", 0),
    ]  # fmt: skip
    async with crew.db.reading() as tx:
        found = await statistics.of_job(tx, crew.manager, job.id)
        assert (found.labeling_seconds, found.review_seconds) == (0, 0)


async def test_decided_on_and_handed_in_again_without_asking_for_it(crew: Crew) -> None:
    """In a queue: a review that nobody reserved, and a second round that began nowhere, add nothing."""
    queue = await crew.queue(collection_id=await crew.selection(await crew.images(1)))
    labeler, reviewer = crew.labelers[0], crew.reviewers[0]
    (item,) = await work_off(crew, queue, labeler, 60)
    async with crew.db.transaction() as tx:
        await review.reject(tx, reviewer, job_of(queue, reviewer), [item])
        await claiming.submit(tx, labeler, job_of(queue, labeler), [item])
        await review.set_status(tx, labeler, job_of(queue, labeler), item, "none")
        await claiming.submit(tx, labeler, job_of(queue, labeler), [item])
        await review.accept(tx, reviewer, job_of(queue, reviewer), [item])
    times, lines = await seconds(crew, queue.id)
    assert times == [(pytest.approx(60, abs=5), 0)]
    assert [round(took or 0, -1) for verb, took in lines if verb == "submitted"] == [60, 0, 0]


async def test_a_job(crew: Crew) -> None:
    """What a job's items have of each class and tag."""
    queue = await crew.queue(collection_id=await crew.selection(await crew.images(3)))
    first = crew.labelers[0]
    items = await work_off(crew, queue, first, 30, 2)
    await box(crew, items[0], first, 1)
    await box(crew, items[0], first, 20)
    await box(crew, items[1], first, 20, "bus")
    await crew.tag([items[1]], "night")
    async with crew.db.reading() as tx:
        found = await statistics.of_job(tx, first, job_of(queue, first))
    assert found.labeling_seconds == pytest.approx(60, abs=5)
    assert [(one.name, one.items, one.labels, round(one.seconds / 10)) for one in found.classes] == [
        ("car", 1, 2, 3), ("bus", 1, 1, 3),
    ]  # fmt: skip
    assert [(one.name, one.items, one.figures) for one in found.tags] == [("night", 1, 0)]
    assert (found.job.counts.items, found.job.counts.done) == (2, 2)


async def test_agreement(crew: Crew) -> None:
    """Of two annotators, by item and on average."""
    items = await crew.images(3)
    queue = await crew.queue(collection_id=await crew.selection(items), overlap=2)
    for person in crew.labelers:
        assert await work_off(crew, queue, person, 1, 2) == items[:2]
    for person, left in zip(crew.labelers, (1, 1), strict=True):
        await box(crew, items[0], person, left)
    await box(crew, items[1], crew.labelers[0], 1)
    async with crew.db.reading() as tx:
        found = await statistics.agreement(tx, crew.manager, queue.id)
        assert [(one.item_id, one.annotators) for one in found] == [(items[0], 2), (items[1], 2)]
        assert found[0].agreement == pytest.approx(1)
        assert found[1].agreement < 0.5
        assert [one.item_id for one in await statistics.agreement(tx, crew.manager, queue.id, after=items[0])] == [
            items[1]
        ]
        mean = (await statistics.of_queue(tx, crew.manager, queue.id)).agreement
        assert mean == pytest.approx(sum(one.agreement for one in found) / 2)


async def test_who_accepted_it(crew: Crew) -> None:
    """Story D, step 5: from an item to who labeled and who accepted it, also when the queue is gone."""
    items = await crew.images(2)
    selection = await crew.selection(items)
    queue = await crew.queue(collection_id=selection)
    first, reviewer = crew.labelers[0], crew.reviewers[0]
    await work_off(crew, queue, first, 1)
    async with crew.db.transaction() as tx:
        await review.accept(tx, reviewer, job_of(queue, reviewer), [items[0]])
        assert (await proof.of_items(tx, first, [items[0]]))[0].labeler == first.name
    await crew.take(selection, [items[0]])
    async with crew.db.transaction() as tx:
        await queues.remove(tx, crew.manager, queue.id)
        (found,) = await proof.of_items(tx, crew.viewer, items)
        assert (found.item_id, found.queue, found.state, found.present) == (items[0], queue.name, "accepted", False)
        assert (found.labeler, found.reviewer) == (first.name, reviewer.name)
        assert found.reviewed_at is not None
        with pytest.raises(errors.NotFound):
            await proof.of_items(tx, crew.outsider, items)
        with pytest.raises(errors.Invalid):
            await proof.of_items(tx, crew.viewer, [])
