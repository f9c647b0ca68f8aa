"""Deciding on what was handed in: accept, reject (it goes back to the same labeler), and take a decision back.

Where a queue has a check before the review, checkers decide on what was handed in, and reviewers on what passed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Conflict, Forbidden, Invalid, LeaseLost
from pinakes.server.events.service import record
from pinakes.server.labeling import claiming, queue_checks
from pinakes.server.labeling.label_checks import one_of
from pinakes.server.labeling.queue_access import SQL, job_facts, manages, working
from pinakes.server.labeling.queue_types import JobFacts, Standing, Task

# What a client calls the states of an item when it asks for one.
WORDS = ("none", "done", "accepted", "rejected", "quality_check_accepted")
MODES = ("all", "unmarked")

_ANY = ("held", "rejected", "done", "checked", "skipped")


@dataclass(frozen=True, slots=True)
class _Step:
    """A decision: from which states, to which, and what the record calls it."""

    states: tuple[str, ...]
    to: str
    verb: str
    own: bool = False


async def accept(
    tx: Tx, actor: Actor, job_id: int, item_ids: Sequence[int], *, comment: str | None = None
) -> list[Task]:
    """Accept what was handed in, all of it or none: a reviewer for good, a checker for the review.

    Args:
        tx: The transaction.
        actor: The reviewer whose job it is, or who manages the work.
        job_id: The review job; of jobs without a queue the job itself.
        item_ids: Which items. With several annotators: what of them is reserved for the job, or else all handed in.
        comment: A word to the labeler.

    Raises:
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow: it is not his to decide.
        ItemLeftQueue: one is not in the queue any more. LeaseLost: one is reserved for somebody else.
        Conflict: one is in a state from which it can't be accepted.
    """
    job = await _reviewing(tx, actor, job_id)
    to = "checked" if job.part == "check" else "accepted"
    step = _Step(_ANY if job.direct else _reviewable(job), to, to, own=job.direct)
    return await _decide(tx, actor, job, item_ids, step, comment)


async def reject(
    tx: Tx, actor: Actor, job_id: int, item_ids: Sequence[int], *, comment: str | None = None
) -> list[Task]:
    """Send items back to who labeled them, never to the pool; all of them or none.

    Raises:
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow, ItemLeftQueue, LeaseLost, Conflict: as `accept`.
    """
    job = await _reviewing(tx, actor, job_id)
    states = (*_ANY, "accepted") if job.direct else (*_reviewable(job), *(("accepted",) if job.part != "check" else ()))
    step = _Step(tuple(state for state in states if state != "rejected"), "rejected", "rejected", own=job.direct)
    return await _decide(tx, actor, job, item_ids, step, comment)


async def reopen(tx: Tx, actor: Actor, job_id: int, item_ids: Sequence[int], *, to: str = "held") -> list[Task]:
    """Take decisions back: items go to their labeler once more (`held`), or to be reviewed once more (`done`).

    Raises:
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow, ItemLeftQueue, LeaseLost, Conflict: as `accept`.
        Invalid: neither `held` nor `done`.
    """
    to = one_of(to, ("held", "done"), "to")
    job = await _reviewing(tx, actor, job_id)
    return await _decide(tx, actor, job, item_ids, _reopening(to), None)


async def set_status(
    tx: Tx, actor: Actor, job_id: int, item_id: int, status: str, *, comment: str | None = None
) -> Task:
    """Give an item of a job the state that a client asks for: the one verb for all steps.

    A labeler's `done`, and his `accepted`, hand it in; his `none` takes back what is not decided yet. A reviewer's
    `accepted`, `rejected` and (as a checker) `quality_check_accepted` decide, his `none` gives it back to its labeler,
    his `done` back to the review. Who manages the work may do either's.

    Raises:
        Invalid: (field `status`) there is no such state, or none that this job leads to.
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow: the job is not his.
        ItemLeftQueue, LeaseLost, Conflict: the item is not there, not his, or in another state.
    """
    status = one_of(status, WORDS, "status")
    working(actor)
    job = await job_facts(tx, actor, job_id)
    reviews = job.part != "annotate" or actor.user_id == job.reviewer_id or manages(actor, job.account_id)
    if status == "quality_check_accepted" and job.part != "check" and not job.quality_check:
        message = "There is no check before the review here: it is accepted, rejected, done or none."
        raise Invalid(message, field="status")
    if job.part == "annotate" and (not reviews or _labels(actor, job)):
        return await _labelers(tx, actor, job, item_id, status)
    if status in {"none", "done"} and job.part != "annotate":
        return (await _decide(tx, actor, job, [item_id], _reopening("done" if status == "done" else "held"), None))[0]
    if status == "rejected":
        return (await reject(tx, actor, job_id, [item_id], comment=comment))[0]
    if status in {"accepted", "quality_check_accepted"}:
        return (await accept(tx, actor, job_id, [item_id], comment=comment))[0]
    return await _labelers(tx, actor, job, item_id, status)


async def reject_job(tx: Tx, actor: Actor, job_id: int, mode: str) -> int:
    """Reject what a job without a queue has (`all`), or what of it is not decided on (`unmarked`); return how much.

    Of a review job in a queue: what may be reviewed in it.

    Raises:
        JobNotFound, Forbidden, Unauthenticated, ScopeTooNarrow: it is not the actor's to decide.
        Invalid: neither `all` nor `unmarked`.
    """
    mode = one_of(mode, MODES, "mode")
    job = await _reviewing(tx, actor, job_id)
    if job.part == "annotate":
        items = await tx.all(SQL.undecided, int, job_id=job.id, everything=mode == "all")
    else:
        items = await tx.all(SQL.to_decide, int, job_id=job.id, states=list(_reviewable(job)), actor_id=actor.user_id)
    if items:
        await reject(tx, actor, job_id, items)
        await record(tx, actor, "job.rejected", account_id=job.account_id, after={"job": job.id, "items": len(items)})
    return len(items)


async def _labelers(tx: Tx, actor: Actor, job: JobFacts, item_id: int, status: str) -> Task:
    """Take a labeler's step in his job."""
    if status == "none":
        return await _take_back(tx, actor, job, item_id)
    if status in {"done", "accepted"}:
        return (await claiming.submit(tx, actor, job.id, [item_id]))[0]
    message = "A labeler's items are done or none; a reviewer rejects them."
    raise Forbidden(message, field="status")


async def _take_back(tx: Tx, actor: Actor, job: JobFacts, item_id: int) -> Task:
    if actor.user_id not in {job.user_id, job.reviewer_id} and not manages(actor, job.account_id):
        message = "This job is somebody else's."
        raise Forbidden(message)
    decides = manages(actor, job.account_id) or (job.direct and actor.user_id == job.reviewer_id)
    states = ("done", "checked", "accepted", "rejected", "skipped") if decides else ("done", "skipped")
    step = _Step(states, "held", "reopened", own=True)
    return (await _decide(tx, actor, job, [item_id], step, None))[0]


def _labels(actor: Actor, job: JobFacts) -> bool:
    """Tell whether an actor is the labeler of a job, and not at once its reviewer."""
    return actor.user_id == job.user_id and actor.user_id != job.reviewer_id and not job.archived


def _reopening(to: str) -> _Step:
    states = (
        ("accepted", "rejected", "done", "checked", "skipped") if to == "held" else ("accepted", "rejected", "checked")
    )
    return _Step(states, to, "reopened", own=True)


def _reviewable(job: JobFacts) -> tuple[str, ...]:
    if job.part == "check":
        return ("done",)
    return ("checked",) if job.quality_check and job.part == "review" else ("done", "checked")


async def _reviewing(tx: Tx, actor: Actor, job_id: int) -> JobFacts:
    """Return a job in which the actor may decide."""
    working(actor)
    job = await job_facts(tx, actor, job_id)
    theirs = job.user_id if job.part != "annotate" else job.reviewer_id if job.direct else None
    if actor.user_id != theirs and not manages(actor, job.account_id):
        message = "Deciding is for the reviewer of this job, and for those who manage the work."
        raise Forbidden(message)
    if job.archived:
        message = "This job is in the archive; nobody works on it any more."
        raise Conflict(message)
    return job


async def _decide(
    tx: Tx, actor: Actor, job: JobFacts, item_ids: Sequence[int], step: _Step, comment: str | None
) -> list[Task]:
    ids = queue_checks.item_ids(item_ids)

    async def decide(where: Tx, items: list[int]) -> list[Task]:
        return await where.all(
            SQL.decide,
            Task,
            job_id=job.id,
            items=items,
            states=list(step.states),
            to=step.to,
            verb=step.verb,
            own=step.own,
            actor_id=actor.user_id,
            review_job_id=job.id if job.part != "annotate" else None,
            comment=queue_checks.comment(comment),
        )

    async def refuse(items: list[int]) -> None:
        await _refuse(tx, actor, job, items, step)

    done = await decide(tx.alone if len(ids) == 1 else tx, ids)
    if missing := claiming.without(ids, done):
        done += await claiming.once_more(missing, partial(decide, tx), refuse)
        missing = claiming.without(ids, done)
        done += [task for task in await tx.all(SQL.tasks, Task, job_id=job.id, items=missing) if task.state == step.to]
    return sorted(done, key=lambda task: (task.item_id, task.round))


async def _refuse(tx: Tx, actor: Actor, job: JobFacts, item_ids: Sequence[int], step: _Step) -> None:
    """Say why a decision was not possible on some items; nothing, where it had been made before."""
    found = await tx.all(SQL.standing, Standing, job_id=job.id, items=list(item_ids))
    claiming.left_queue(found, item_ids)
    for item in item_ids:
        rows = [row for row in found if row.item_id == item and (job.part != "annotate" or row.job_id == job.id)]
        if any(row.status == step.to for row in rows):
            continue
        details = {"item_ids": [item], "status": rows[0].status if rows else None}
        able = [row for row in rows if row.status in step.states]
        if able and not step.own and all(row.labeler_id == actor.user_id for row in able):
            message = f"Item {item} is your own work; somebody else is to review it."
            raise Forbidden(message, field="item_id", details=details)
        if able:
            message = f"Item {item} is reserved for another reviewer."
            raise LeaseLost(message, field="item_id", details=details)
        state = "waiting, or with another job" if not rows or rows[0].status is None else rows[0].status
        message = f"Item {item} is {state}; it can't become {step.to} from there."
        raise Conflict(message, field="item_id", details=details)
