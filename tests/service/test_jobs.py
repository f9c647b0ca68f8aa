"""Jobs without a queue: dealt out, worked off, rejected, restarted, reassigned, put away; and how jobs are listed."""

from __future__ import annotations

import pytest

from factories.people import told_of, unique
from factories.queues import Crew, make_crew
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.db import Database
from pinakes.server.labeling import claiming, jobs, review
from pinakes.server.labeling.queue_types import Job, NewJobs, QueueSettings


@pytest.fixture(scope="module")
async def crew(db: Database) -> Crew:
    return await make_crew(db)


async def deal(crew: Crew, count: int, people: list[Actor] | None = None) -> tuple[list[int], list[Job]]:
    """New items in a dataset of their own, dealt out to people."""
    dataset = await crew.dataset()
    items = await crew.images(count, dataset)
    async with crew.db.transaction() as tx:
        made = await jobs.create(
            tx,
            crew.manager,
            NewJobs(
                dataset,
                [person.user_id or 0 for person in people or crew.labelers],
                unique("Job"),
                reviewer_id=crew.reviewers[0].user_id,
                settings=QueueSettings(classes=["car"], tags=["night"]),
                readme="r",
            ),
        )
    return items, made


async def give(crew: Crew, person: Actor, job: Job, item: int, status: str) -> str | None:
    async with crew.db.transaction() as tx:
        return (await review.set_status(tx, person, job.id, item, status)).state


async def now(crew: Crew, job: Job, actor: Actor | None = None) -> Job:
    async with crew.db.reading() as tx:
        return await jobs.get(tx, actor or crew.manager, job.id)


async def test_items_are_dealt_in_turn(crew: Crew) -> None:
    """S1-44: several people: the items are split; they are with their labelers from the start."""
    items, (one, two) = await deal(crew, 5)
    assert (one.direct, one.part, one.user_id, one.reviewer) == (
        True, "annotate", crew.labelers[0].user_id, crew.reviewers[0].name,
    )  # fmt: skip
    assert (one.counts.items, two.counts.items, one.counts.held) == (3, 2, 3)
    assert (one.settings.classes, one.settings.tags, one.readme, one.status) == (["car"], ["night"], "r", "pending")
    async with crew.db.changing() as tx:
        assert [row.item_id for row in (await jobs.items(tx, crew.labelers[0], one.id)).rows] == items[::2]
        assert {row.state for row in (await jobs.items(tx, crew.manager, two.id)).rows} == {"held"}
        given = await claiming.next_item(tx, crew.labelers[0], one.id)
        assert given is not None
        assert (given.item_id, given.state, given.lease_until) == (items[0], "held", None)
    assert (await now(crew, one)).status == "in_progress"
    assert "job.created" in await told_of(crew.db, crew.manager)


async def test_review_and_restart(crew: Crew) -> None:
    """S1-46: a labeler hands in, the reviewer decides, what was rejected is restarted; without any: no images found."""
    items, (job,) = await deal(crew, 3, [crew.labelers[0]])
    labeler, reviewer = crew.labelers[0], crew.reviewers[0]
    assert await give(crew, labeler, job, items[0], "accepted") == "done"
    assert await give(crew, labeler, job, items[1], "done") == "done"
    assert await give(crew, labeler, job, items[1], "none") == "held"
    async with crew.db.changing() as tx:
        waiting = await claiming.next_item(tx, reviewer, job.id)
        assert waiting is not None
        assert waiting.item_id == items[0]
        with pytest.raises(errors.Invalid, match="No images found"):
            await jobs.restart(tx, crew.manager, job.id)
    assert await give(crew, reviewer, job, items[0], "rejected") == "rejected"
    assert await give(crew, reviewer, job, items[1], "accepted") == "accepted"
    assert await give(crew, crew.manager, job, items[2], "accepted") == "accepted"
    found = await now(crew, job)
    assert (found.counts.items, found.counts.accepted, found.counts.rejected, found.counts.finished) == (3, 2, 1, 2)
    async with crew.db.transaction() as tx:
        (again,) = await jobs.restart(
            tx, crew.manager, job.id, labelers=[crew.labelers[1].user_id or 0], complete_existing=True, name="Again"
        )
    assert (again.name, again.user_id, again.reviewer_id, again.counts.items, again.dataset_id) == (
        "Again", crew.labelers[1].user_id, reviewer.user_id, 1, job.dataset_id,
    )  # fmt: skip
    assert (await now(crew, job)).status == "completed"
    async with crew.db.changing() as tx:
        assert await claiming.next_item(tx, labeler, job.id) is None


async def test_rejecting_many(crew: Crew) -> None:
    """S1-46: all, or those not decided on."""
    items, (job,) = await deal(crew, 3, [crew.labelers[0]])
    await give(crew, crew.reviewers[0], job, items[0], "accepted")
    async with crew.db.transaction() as tx:
        with pytest.raises(errors.Forbidden):
            await review.reject_job(tx, crew.labelers[0], job.id, "all")
        with pytest.raises(errors.Invalid, match="one of"):
            await review.reject_job(tx, crew.manager, job.id, "some")
        assert await review.reject_job(tx, crew.reviewers[0], job.id, "unmarked") == 2
        assert await review.reject_job(tx, crew.reviewers[0], job.id, "unmarked") == 0
        assert await review.reject_job(tx, crew.manager, job.id, "all") == 1
    assert (await now(crew, job)).counts.rejected == 3


async def test_skipped_on_a_list(crew: Crew) -> None:
    items, (job,) = await deal(crew, 2, [crew.labelers[0]])
    async with crew.db.transaction() as tx:
        assert (await claiming.skip(tx, crew.labelers[0], job.id, items[0])).state == "skipped"
        given = await claiming.next_item(tx, crew.labelers[0], job.id)
        assert given is not None
        assert given.item_id == items[1]
        with pytest.raises(errors.Conflict):
            await claiming.release(tx, crew.labelers[0], job.id, [items[0]])
    assert await give(crew, crew.labelers[0], job, items[0], "none") == "held"


async def test_an_item_that_is_deleted_leaves_its_job(crew: Crew) -> None:
    """S1-45: it is out of the counts and lists; steps on it are refused."""
    items, (job,) = await deal(crew, 2, [crew.labelers[0]])
    await crew.trash([items[0]])
    assert (await now(crew, job)).counts.items == 1
    with pytest.raises(errors.ItemLeftQueue):
        await give(crew, crew.labelers[0], job, items[0], "done")
    await crew.trash([items[0]], back=True)
    assert await give(crew, crew.labelers[0], job, items[0], "done") == "done"


async def test_changing_and_putting_away(crew: Crew) -> None:
    """S1-44: another person, reviewer, custom data; stopped, archived, removed."""
    items, (job, other) = await deal(crew, 4)
    first, second = crew.labelers
    async with crew.db.transaction() as tx:
        changed = await jobs.update(
            tx, crew.manager, job.id, user_id=second.user_id, reviewer_id=crew.manager.user_id, custom_data={"a": 1}
        )
        assert (changed.user_id, changed.reviewer_id, changed.custom_data) == (
            second.user_id, crew.manager.user_id, {"a": 1},
        )  # fmt: skip
        with pytest.raises(errors.Invalid) as refused:
            await jobs.update(tx, crew.manager, job.id, reviewer_id=crew.outsider.user_id)
        assert refused.value.field == "reviewer_id"
        for bad in ({"x": float("inf")}, {"x": "\ud800"}):
            with pytest.raises(errors.Invalid):
                await jobs.update(tx, crew.manager, job.id, custom_data=bad)
        with pytest.raises(errors.JobNotFound):
            await jobs.get(tx, first, job.id)
        with pytest.raises(errors.Forbidden):
            await jobs.stop(tx, second, job.id)
        assert (await jobs.stop(tx, crew.manager, job.id)).status == "stopped"
        with pytest.raises(errors.Forbidden):
            await jobs.set_status(tx, second, job.id, "in_progress")
        assert await claiming.next_item(tx, second, job.id) is None
        with pytest.raises(errors.Invalid, match="one of"):
            await jobs.set_status(tx, crew.manager, job.id, "paused")
        assert (await jobs.set_status(tx, second, other.id, "completed")).finished_at is not None
        await jobs.archive(tx, crew.manager, job.id)
        assert (await jobs.get(tx, crew.manager, job.id)).disabled
        with pytest.raises(errors.JobNotFound):
            await jobs.get(tx, second, job.id)
    with pytest.raises(errors.Conflict, match="archive"):
        await give(crew, crew.manager, job, items[0], "accepted")
    async with crew.db.transaction() as tx:
        with pytest.raises(errors.JobNotFound):
            await jobs.remove(tx, crew.manager, [job.id, 2**31 - 1])
    async with crew.db.transaction() as tx:
        assert await jobs.remove(tx, crew.manager, [job.id]) == 1
        with pytest.raises(errors.JobNotFound):
            await jobs.get(tx, crew.manager, job.id)


async def test_who_sees_which_jobs(crew: Crew) -> None:
    """S1-36: a labeler sees his own, a reviewer those that he reviews, who reads the account all."""
    _, made = await deal(crew, 2)
    queue = await crew.queue()
    async with crew.db.reading() as tx:
        ids = [job.id for job in made]
        for actor, seen in (
            (crew.labelers[0], ids[:1]),
            (crew.reviewers[0], ids),
            (crew.viewer, ids),
            (crew.outsider, []),
        ):
            rows, total = await jobs.page(tx, actor, ids=ids)
            assert ([row.id for row in rows], total) == (seen, len(seen))
        in_queue, _ = await jobs.page(tx, crew.manager, queue_ids=[queue.id])
        assert [job.id for job in in_queue] == queue.job_ids
        assert [job.direct for job in in_queue] == [False] * 3
        assert (await jobs.page(tx, crew.manager, ids=queue.job_ids, direct=True))[1] == 0
        rows, total = await jobs.page(tx, crew.manager, ids=[*ids, *queue.job_ids], limit=2, offset=1)
        assert (len(rows), total) == (2, 5)
        assert (await jobs.page(tx, crew.manager, ids=ids, statuses=["completed"]))[1] == 0
        assert (await jobs.page(tx, crew.manager, ids=ids, not_statuses=["completed"], names=[made[0].name]))[1] == 2


async def test_what_is_refused(crew: Crew) -> None:
    dataset = await crew.dataset()
    person = crew.labelers[0].user_id or 0
    async with crew.db.transaction() as tx:
        for new, field in (
            (NewJobs(dataset, [], "x"), "labelers"),
            (NewJobs(dataset, [crew.outsider.user_id or 0], "x"), "labelers"),
            (NewJobs(dataset, [person], "x", reviewer_id=2**31 - 1), "reviewer_id"),
            (NewJobs(dataset, [person], "x\0"), "name"),
        ):
            with pytest.raises(errors.Invalid) as refused:
                await jobs.create(tx, crew.manager, new)
            assert refused.value.field == field
        with pytest.raises(errors.DatasetNotFound):
            await jobs.create(tx, crew.manager, NewJobs(2**31 - 1, [person], "x"))
        with pytest.raises(errors.DatasetNotFound):
            await jobs.create(tx, crew.labelers[0], NewJobs(dataset, [person], "x"))
    with pytest.raises(errors.Invalid, match="No images found"):
        async with crew.db.transaction() as tx:
            await jobs.create(tx, crew.manager, NewJobs(dataset, [person], "x"))
