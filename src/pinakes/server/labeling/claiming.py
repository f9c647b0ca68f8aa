"""Working in a queue: the next item, a sign of life, handing in, giving back.

An item is one labeler's at a time. It is leased to him: who gives no sign of life for so long loses it to whoever asks
next, and can't hand it in any more. What was rejected, and what is on a list that he was given, is his without a lease.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from pinakes.server.actor import Actor
from pinakes.server.collections import live
from pinakes.server.db import Query, Tx
from pinakes.server.errors import Conflict, Forbidden, ItemLeftQueue, JobNotFound, LeaseLost, MediaNotFound
from pinakes.server.labeling import annotations as annotating, limits, queue_checks
from pinakes.server.labeling.label_types import Annotation
from pinakes.server.labeling.queue_access import SQL, handling, job_facts, manages, working
from pinakes.server.labeling.queue_types import Claimed, Given, Seen, Sheet, Standing, Task
from pinakes.server.permissions.service import sight

_HANDED_IN = ("done", "checked", "accepted")


async def next_item(tx: Tx, actor: Actor, job_id: int) -> Given | None:
    """Return the item that the actor is to work on next in a job of his; None when nothing is left for him now.

    Asking again gives the same item, until it is handed in or given back. One statement is the whole change, unless the
    queue is over a live collection that has to be brought up to date.

    Raises:
        Unauthenticated, ScopeTooNarrow: he did not sign in, or with a token that only reads.
        JobNotFound: there is no such job that he sees.
        Forbidden: it is somebody else's.
        Conflict: others held all that is left for too long; try again.
    """
    asked = working(actor)
    if not queue_checks.possible([job_id]):
        raise JobNotFound
    found = await tx.alone.one(SQL.claim_next, Claimed, job_id=job_id, fresh_for=live.FRESH, **asked)
    assert found is not None
    if found.made_of is not None:
        # The queue is over a live collection, which is brought up to date before anything of it is locked.
        await live.refresh_if_stale(tx, found.made_of)
        found = await tx.alone.one(SQL.claim_next, Claimed, job_id=job_id, fresh_for=None, **asked)
        assert found is not None
    if found.outcome == "foreign":
        await job_facts(tx, actor, job_id)
        message = "This job is somebody else's."
        raise Forbidden(message)
    if found.outcome == "busy":
        message = "All that is left is being changed by others; try again."
        raise Conflict(message)
    if found.may_be_done:
        await tx.alone.run(SQL.all_accepted, queue_id=found.queue_id)
    if found.outcome == "none" or found.item_id is None or found.round is None or found.lease_seconds is None:
        return None
    return Given(found.item_id, found.round, found.state or "held", found.lease_until, found.lease_seconds)


async def look(tx: Tx, actor: Actor, job_id: int, item_id: int) -> Seen:
    """Return an item that a job of the actor was given, with its labels and what he drew there and has not handed in.

    One statement, where the item has no labels yet. Of the job it is taken for granted that it is his.

    Raises:
        MediaNotFound: the item is not there for him, or not any more.
    """
    seen = sight(actor)
    found = await tx.one(
        SQL.look,
        Sheet,
        job_id=job_id,
        item_id=item_id,
        user_id=actor.user_id,
        everything=seen.everything,
        accounts=seen.accounts,
        at_work=seen.at_work,
        worker=seen.worker,
    )
    if found is None:
        raise MediaNotFound(field="item", details={"item_ids": [item_id]})
    annotation = Annotation(
        item_id=found.id,
        kind=found.kind,
        name=found.name,
        project_id=found.project_id,
        dataset_id=found.dataset_id,
        width=found.width,
        height=found.height,
        frames=found.frames,
        description=found.description,
        meta=found.meta,
        custom_data=found.custom_data,
        created_at=found.created_at,
        updated_at=max(found.updated_at, found.labeled_at or found.updated_at),
        label_count=found.label_count,
        is_tagged=found.is_tagged,
        only_own=found.only_own,
    )
    await annotating.fill(tx, actor, {found.id: annotation})
    return Seen(found, annotation)


async def heartbeat(tx: Tx, actor: Actor, job_id: int, item_id: int) -> datetime:
    """Say that somebody is still at work on an item; return when its lease ends now.

    Raises:
        LeaseLost: it is not his any more. ItemLeftQueue: it is not in the queue any more.
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow: the job is not his.
    """
    asked = working(actor)
    ids = queue_checks.item_ids([item_id])
    _possible(job_id)
    until = await tx.alone.value(SQL.heartbeat, job_id=job_id, item_id=ids[0], **asked)
    if until is None:
        await _refuse(tx, actor, job_id, ids, (), reviewer=True)
        message = "There is no lease on this item that could be renewed."
        raise LeaseLost(message)
    return until


async def submit(tx: Tx, actor: Actor, job_id: int, item_ids: Sequence[int]) -> list[Task]:
    """Hand in items that a job holds; all of them or none. What was handed in before stays as it is.

    Raises:
        LeaseLost: one is not this job's any more. ItemLeftQueue: one is not in the queue any more.
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow: the job is not his, nor does he manage it.
        Conflict: one is in a state from which it can't be handed in.
        Invalid: what he drew on one goes beyond what the queue allows.
    """
    return await _step(tx, actor, SQL.submit, job_id, item_ids, same=_HANDED_IN, limited=True)


async def skip(
    tx: Tx, actor: Actor, job_id: int, item_id: int, *, for_me: bool = True, comment: str | None = None
) -> Task:
    """Give an item back unlabeled: it waits behind all others, and with `for_me` its labeler does not get it again.

    What is on a list of a job without a queue is marked as skipped.

    Raises:
        LeaseLost, ItemLeftQueue, JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow, Conflict: as `submit`.
    """
    said = queue_checks.comment(comment)
    done = await _step(
        tx, actor, SQL.give_back, job_id, [item_id], same=("skipped",), behind=True, for_me=for_me, comment=said
    )
    return done[0]


async def release(tx: Tx, actor: Actor, job_id: int, item_ids: Sequence[int]) -> list[Task]:
    """Give items back unlabeled, each to its place in the pool.

    Raises:
        LeaseLost, ItemLeftQueue, JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow, Conflict: as `submit`.
    """
    return await _step(tx, actor, SQL.give_back, job_id, item_ids, same=(), behind=False, for_me=False, comment=None)


async def _step(
    tx: Tx,
    actor: Actor,
    query: Query,
    job_id: int,
    item_ids: Sequence[int],
    *,
    same: Sequence[str],
    limited: bool = False,
    **words: object,
) -> list[Task]:
    """Take a step with items of a job; where it is `limited`, only within what the queue lets its labelers draw."""
    asked = handling(actor)
    ids = queue_checks.item_ids(item_ids)
    _possible(job_id)

    async def attempt(where: Tx, items: list[int], *, watched: bool = limited) -> list[Task]:
        more = {"watched": watched} if limited else {}
        return await where.all(query, Task, job_id=job_id, items=items, **asked, **words, **more)

    async def refuse(items: list[int]) -> None:
        await _refuse(tx, actor, job_id, items, same)

    # One item is one statement, which is the whole change; of several, all or none are to change.
    done = await attempt(tx.alone if len(ids) == 1 else tx, ids, watched=False)
    if limited and (missing := without(ids, done)):
        # Perhaps only because the queue limits what its labelers draw.
        await limits.require_within(tx, actor, missing, lambda _: "item_id", job_id=job_id)
        done += await attempt(tx, missing)
    if missing := without(ids, done):
        done += await once_more(missing, partial(attempt, tx), refuse)
        missing = without(ids, done)
        done += [task for task in await tx.all(SQL.tasks, Task, job_id=job_id, items=missing) if task.state in same]
    return sorted(done, key=lambda task: task.item_id)


async def once_more(
    items: list[int],
    attempt: Callable[[list[int]], Awaitable[list[Task]]],
    refuse: Callable[[list[int]], Awaitable[None]],
) -> list[Task]:
    """Do what did not work with some items as long as it works with any; then refuse the rest, where that is due.

    What left a queue for a moment, and came back to the job that had it, would else be refused for a lease that is not
    over: the step had found it gone, and who asked why finds it there.
    """
    done: list[Task] = []
    while missing := without(items, done):
        try:
            await refuse(missing)
        except Conflict:
            again = await attempt(missing)
            if not again:
                raise
            done += again
        else:
            break
    return done


def without(ids: Sequence[int], done: Iterable[Task]) -> list[int]:
    """Return the items with which nothing is done, in order."""
    return sorted(set(ids) - {task.item_id for task in done})


async def _refuse(
    tx: Tx, actor: Actor, job_id: int, item_ids: Sequence[int], same: Sequence[str], *, reviewer: bool = False
) -> None:
    """Say why a step was not possible on some items; nothing, where it had been done before."""
    job = await job_facts(tx, actor, job_id)
    if actor.user_id not in {job.user_id, reviewer and job.reviewer_id} and not manages(actor, job.account_id):
        message = "This job is somebody else's."
        raise Forbidden(message)
    if job.archived:
        message = "This job is in the archive; nobody works on it any more."
        raise Conflict(message)
    found = await tx.all(SQL.standing, Standing, job_id=job_id, items=list(item_ids))
    left_queue(found, item_ids)
    for item in item_ids:
        own = [row for row in found if row.item_id == item and row.job_id == job_id]
        _judge(item, own, same)


def left_queue(found: Iterable[Standing], item_ids: Sequence[int]) -> None:
    """Raise ItemLeftQueue where items are not in a queue, or not any more."""
    here = {row.item_id for row in found if (row.in_source if row.present is None else row.present)}
    if gone := [item for item in item_ids if item not in here]:
        message = f"Item {gone[0]} left the queue: what the queue is made of does not hold it any more."
        raise ItemLeftQueue(message, field="item_id", details={"item_ids": gone})


def _judge(item: int, own: Sequence[Standing], same: Sequence[str]) -> None:
    if not own:
        message = (
            f"Item {item} is not with this job: its lease ran out and somebody else has it, or it was never given."
        )
        raise LeaseLost(message, field="item_id", details={"item_ids": [item]})
    status = own[0].status
    if status in same:
        return
    if status == "held":
        message = f"The lease on item {item} ran out; ask for the next item to go on with it, if it is still there."
        raise LeaseLost(message, field="item_id", details={"item_ids": [item]})
    message = f"Item {item} is {status}; that step does not lead from there."
    raise Conflict(message, field="item_id", details={"item_ids": [item], "status": status})


def _possible(job_id: int) -> None:
    if not queue_checks.possible([job_id]):
        raise JobNotFound
