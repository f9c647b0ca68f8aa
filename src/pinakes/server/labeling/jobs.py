"""Jobs: one person's part in a queue, or a list of items given to one person (a job without a queue)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, json
from pinakes.server.errors import Conflict, Forbidden, Invalid
from pinakes.server.events.service import record
from pinakes.server.labeling import hiding, queue_checks, queue_items
from pinakes.server.labeling.label_checks import json_object
from pinakes.server.labeling.queue_access import (
    SQL,
    chosen,
    job_facts,
    job_row,
    job_rows,
    managed_job,
    managed_jobs,
    manages,
    seeing,
    shown_jobs,
    working,
)
from pinakes.server.labeling.queue_types import Found, Job, JobRow, NewJobs, Places
from pinakes.server.labeling.queues import members, source_place

# The items of a job, with their states.
items = queue_items.of_job


async def create(tx: Tx, actor: Actor, new: NewJobs) -> list[Job]:
    """Deal a dataset's items, as they are now, out to people: one job for each.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he does not manage work in its account.
        Invalid: somebody named has no role in the account; there is nobody, or nothing to label; what can't be kept.
    """
    name = queue_checks.queue_name(new.name)
    place = await source_place(tx, actor, collection_id=None, dataset_id=new.dataset_id)
    labelers = await members(tx, place.owner_id, new.labelers, "labelers")
    reviewer = await members(tx, place.owner_id, [] if new.reviewer_id is None else [new.reviewer_id], "reviewer_id")
    if not labelers:
        message = "Name at least one person who labels."
        raise Invalid(message, field="labelers")
    queue_id = await tx.value(
        SQL.create_queue,
        project_id=place.project_id,
        source="list",
        collection_id=None,
        dataset_id=new.dataset_id,
        restricted=True,
        name=name,
        description=queue_checks.prose(new.description, "description"),
        readme=queue_checks.prose(new.readme, "readme"),
        settings=json(queue_checks.settings(new.settings)),
        **queue_checks.conditions(new.settings),
        quality_check=False,
        review_own=new.settings.review_own,
        overlap=1,
        blind=False,
        lease_seconds=1800,
        created_by=actor.user_id,
    )
    wanted = None if new.item_ids is None else queue_checks.item_ids(new.item_ids)
    about = {"description": new.description, "readme": new.readme, "reviewer_id": next(iter(reviewer), None)}
    return await _deal(tx, actor, queue_id, labelers, wanted, new.places, account_id=place.owner_id, name=name, **about)


async def get(tx: Tx, actor: Actor, job_id: int) -> Job:
    """Return a job.

    Raises:
        JobNotFound: there is none that the actor sees.
    """
    return (await shown_jobs(tx, actor, [await job_row(tx, actor, job_id)]))[0]


async def get_many(tx: Tx, actor: Actor, job_ids: Sequence[int]) -> list[Job]:
    """Return those of some jobs that the actor sees, by id."""
    return await shown_jobs(tx, actor, await job_rows(tx, actor, job_ids))


async def page(
    tx: Tx,
    actor: Actor,
    *,
    account_id: int | None = None,
    user_id: int | None = None,
    reviewer_id: int | None = None,
    created_by: int | None = None,
    project_id: int | None = None,
    dataset_id: int | None = None,
    queue_ids: Sequence[int] | None = None,
    direct: bool | None = None,
    statuses: Sequence[str] | None = None,
    not_statuses: Sequence[str] | None = None,
    ids: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    archived: bool = False,
    limit: int = 500,
    offset: int = 0,
) -> tuple[list[Job], int]:
    """Return a page of the jobs that the actor sees, by id, and how many there are in all.

    With `direct` only jobs without a queue, or only those of queues; with `archived` also those in the archive.
    """
    found = await tx.one(
        SQL.find_jobs,
        Found,
        account_id=queue_checks.some(account_id),
        worker_id=queue_checks.some(user_id),
        reviewer_id=queue_checks.some(reviewer_id),
        created_by=queue_checks.some(created_by),
        project_id=queue_checks.some(project_id),
        dataset_id=queue_checks.some(dataset_id),
        queue_ids=None if queue_ids is None else queue_checks.possible(queue_ids),
        direct=direct,
        statuses=None if statuses is None else [queue_checks.status(status) for status in statuses],
        not_statuses=None if not_statuses is None else [queue_checks.status(status) for status in not_statuses],
        ids=None if ids is None else queue_checks.possible(ids),
        names=queue_checks.storable(names),
        archived=archived,
        nameless=[] if user_id is None and names is None else sorted(await hiding.queue_ids(tx, actor)),
        **queue_checks.paged(limit, offset),
        **seeing(actor),
    )
    if found is None or not found.ids:
        return [], found.total if found else 0
    return await get_many(tx, actor, found.ids), found.total


async def set_status(tx: Tx, actor: Actor, job_id: int, status: str) -> Job:
    """Give a job a status. Its own people may say how far they are; stopping it is for who manages the work.

    Raises:
        JobNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: it is not his.
        Invalid: there is no such status.
    """
    status = queue_checks.status(status)
    working(actor)
    job = await job_facts(tx, actor, job_id)
    own = actor.user_id in {job.user_id, job.reviewer_id} and status != "stopped" and job.status != "stopped"
    if not own and not manages(actor, job.account_id):
        message = "Only the people of this job, and those who manage the work, give it a status."
        raise Forbidden(message, field="status")
    if await tx.all(SQL.set_job_status, int, ids=[job_id], status=status):
        before, after = {"status": job.status}, {"job": job_id, "status": status}
        await record(tx, actor, "job.updated", account_id=job.account_id, before=before, after=after)
    return await get(tx, actor, job_id)


async def stop(tx: Tx, actor: Actor, job_id: int) -> Job:
    """Stop a job: it gives nothing out until it has another status.

    Raises:
        JobNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
    """
    await managed_job(tx, actor, job_id)
    return await set_status(tx, actor, job_id, "stopped")


async def archive(tx: Tx, actor: Actor, job_id: int) -> None:
    """Put a job into the archive; what it holds of a queue goes back to the pool.

    Raises:
        JobNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
    """
    await _put_away(tx, actor, await managed_jobs(tx, actor, [job_id]), remove=False)


async def remove(tx: Tx, actor: Actor, job_ids: Sequence[int]) -> int:
    """Take jobs away, all or none; labels and the record of who did what stay. Return how many there were.

    Raises:
        JobNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage one of them.
    """
    held = await managed_jobs(tx, actor, job_ids)
    await _put_away(tx, actor, held, remove=True)
    return len(held)


async def update(
    tx: Tx,
    actor: Actor,
    job_id: int,
    *,
    user_id: int | None = None,
    reviewer_id: int | None = None,
    custom_data: Mapping[str, Any] | None = None,
    name: str | None = None,
    description: str | None = None,
    readme: str | None = None,
) -> Job:
    """Change who does a job, who reviews it, and what is said about it; None: it stays.

    Raises:
        JobNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
        Invalid: somebody named has no role in the account; what can't be kept.
        Conflict: the other person has that part in the queue already.
    """
    job = await managed_job(tx, actor, job_id)
    people = {"user_id": user_id, "reviewer_id": reviewer_id}
    for field, person in people.items():
        await members(tx, job.account_id, [] if person is None else [person], field)
    if user_id is not None and user_id != job.user_id:
        await _reassign(tx, actor, job, user_id)
        reviewer_id = user_id if job.part != "annotate" else reviewer_id
    await tx.run(
        SQL.update_job,
        id=job.id,
        user_id=user_id,
        reviewer_id=reviewer_id,
        custom_data=None if custom_data is None else json(json_object(dict(custom_data), "custom_data")),
        name=None if name is None else queue_checks.queue_name(name),
        description=queue_checks.prose(description, "description"),
        readme=queue_checks.prose(readme, "readme"),
    )
    after = {"job": job.id, **{field: person for field, person in people.items() if person is not None}}
    await record(tx, actor, "job.updated", account_id=job.account_id, after=after)
    return await get(tx, actor, job_id)


async def restart(
    tx: Tx,
    actor: Actor,
    job_id: int,
    *,
    labelers: Sequence[int] | None = None,
    reviewer_id: int | None = None,
    complete_existing: bool = False,
    name: str | None = None,
) -> list[Job]:
    """Make new jobs of a job's rejected items, for the same person unless others are named.

    Raises:
        JobNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
        Invalid: nothing in it is rejected; somebody named has no role in the account.
    """
    job = await managed_job(tx, actor, job_id)
    if not job.direct:
        message = "A queue gives rejected items back by itself; only jobs without a queue are restarted."
        raise Invalid(message, field="job_id")
    people = await members(tx, job.account_id, [job.user_id] if labelers is None else labelers, "labelers")
    if not people:
        message = "Name at least one person who labels."
        raise Invalid(message, field="labelers")
    reviewer = job.reviewer_id if reviewer_id is None else reviewer_id
    await members(tx, job.account_id, [] if reviewer_id is None else [reviewer_id], "reviewer_id")
    rejected = await tx.all(SQL.rejected_items, int, job_id=job.id)
    called = f"{job.name[:240]} (restarted)" if name is None else queue_checks.queue_name(name)
    queue_id = await tx.value(SQL.copy_source, queue_id=job.queue_id, name=called, created_by=actor.user_id)
    about = {"description": job.description, "readme": job.readme, "reviewer_id": reviewer}
    made = await _deal(tx, actor, queue_id, people, rejected, None, account_id=job.account_id, name=called, **about)
    if complete_existing:
        await set_status(tx, actor, job.id, "completed")
    return made


async def _deal(
    tx: Tx,
    actor: Actor,
    queue_id: int,
    labelers: list[int],
    items: list[int] | None,
    places: Places | None,
    *,
    account_id: int,
    name: str,
    **about: object,
) -> list[Job]:
    """Make a job for each of some people over a list, and deal its items out to them: those that are named, there."""
    made = await tx.all(
        SQL.create_jobs,
        int,
        queue_id=queue_id,
        part="annotate",
        name=name.replace("{}", "{ }"),
        users=labelers,
        created_by=actor.user_id,
        **about,
    )
    span = queue_checks.places(places)
    dealt = await tx.run(chosen(SQL.deal_items, items), queue_id=queue_id, jobs=made, items=items, **span)
    if not dealt:
        message = "No images found: there is nothing in it to label."
        raise Invalid(message, field="item_ids")
    after = {"jobs": made, "items": dealt}
    await record(tx, actor, "job.created", account_id=account_id, after=after)
    return await get_many(tx, actor, made)


async def _put_away(tx: Tx, actor: Actor, held: Sequence[JobRow], *, remove: bool) -> None:
    """Put jobs away, so that nothing more is given out in them; then what they hold of queues goes back."""
    await tx.run(SQL.archive_jobs, ids=[job.id for job in held], remove=remove)
    if queued := [job.id for job in held if not job.direct]:
        await tx.value(SQL.hand_back, jobs=queued, actor_id=actor.user_id)
    for account_id in sorted({job.account_id for job in held}):
        ids = [job.id for job in held if job.account_id == account_id]
        before = {"job": ids[0]} if len(ids) == 1 else {"jobs": ids[:100], "count": len(ids)}
        await record(tx, actor, "job.removed" if remove else "job.archived", account_id=account_id, before=before)


async def _reassign(tx: Tx, actor: Actor, job: JobRow, user_id: int) -> None:
    """Give a job to somebody else, with what it holds."""
    if not job.direct:
        others, _ = await page(tx, actor, user_id=user_id, queue_ids=[job.queue_id])
        if any(other.part == job.part for other in others):
            message = "That person has this part in the queue already."
            raise Conflict(message, field="user_id")
    await tx.run(SQL.reassign, job_id=job.id, user_id=user_id)
