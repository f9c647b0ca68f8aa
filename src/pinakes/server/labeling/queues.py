"""Labeling queues: made over a collection or a dataset, given people, settings and a status, and looked at.

A queue's content is what its source holds now: nothing is copied when it is made, and what enters later waits in it at
once (docs/decisions/0013). Handing out is in `claiming`, deciding in `review`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, json
from pinakes.server.errors import CollectionNotFound, DatasetNotFound, Invalid, NotFound
from pinakes.server.events.service import record
from pinakes.server.labeling import queue_checks, queue_items
from pinakes.server.labeling.access import find_dataset
from pinakes.server.labeling.queue_access import (
    SQL,
    bring_up_to_date,
    chosen,
    managed_queue,
    queue_of,
    queue_row,
    queue_rows,
    require_managing,
    seeing,
    shown_queues,
    whole_queue,
)
from pinakes.server.labeling.queue_types import Counts, Found, NewQueue, Place, Queue, QueueChanges, QueueRow
from pinakes.server.permissions.service import sight

# The items of a queue, with their states.
items = queue_items.of_queue

# What a job in a queue is called, by part; `{}` stands for the person. Clients tell jobs apart by these words.
_JOB_NAMES = {
    "annotate": "{queue} Annotation ({{}})",
    "review": "{queue} Review ({{}})",
    "check": "{queue} Check ({{}})",
}


async def create(tx: Tx, actor: Actor, new: NewQueue) -> Queue:
    """Make a queue over a collection, which may be empty, or over a dataset.

    Raises:
        CollectionNotFound, DatasetNotFound: there is no such source that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he does not manage work in its account.
        Invalid: somebody named has no role in the account; no source, or two; what can't be kept.
    """
    values = _values(new)
    place = await source_place(tx, actor, collection_id=new.collection_id, dataset_id=new.dataset_id)
    parts = {
        "annotate": await members(tx, place.owner_id, new.labelers, "labelers"),
        "review": await members(tx, place.owner_id, new.reviewers, "reviewers"),
        "check": await members(tx, place.owner_id, new.checkers, "checkers"),
    }
    items = None if new.item_ids is None else queue_checks.item_ids(new.item_ids)
    places = queue_checks.places(new.places)
    restricted = items is not None or new.places is not None
    queue_id = await tx.value(
        SQL.create_queue,
        **values,
        project_id=place.project_id,
        source="dataset" if new.collection_id is None else "collection",
        restricted=restricted,
        created_by=actor.user_id,
    )
    if restricted:
        await tx.run(chosen(SQL.restrict_queue, items), queue_id=queue_id, items=items, **places)
    made = await _add_jobs(tx, actor, queue_id, values["name"], parts)
    after = {"queue": queue_id, "project": place.project_id, "jobs": made}
    await record(tx, actor, "queue.created", account_id=place.owner_id, after=after)
    return queue_of(await queue_row(tx, actor, queue_id))


async def get(tx: Tx, actor: Actor, queue_id: int) -> Queue:
    """Return a queue.

    Raises:
        QueueNotFound: there is none that the actor sees.
    """
    return (await shown_queues(tx, actor, [await queue_row(tx, actor, queue_id)]))[0]


async def get_many(tx: Tx, actor: Actor, queue_ids: Sequence[int]) -> list[Queue]:
    """Return those of some queues that the actor sees, by id; over live collections, as those are now."""
    await bring_up_to_date(tx, actor, queue_ids)
    return await shown_queues(tx, actor, await queue_rows(tx, actor, queue_ids))


async def page(
    tx: Tx,
    actor: Actor,
    *,
    account_id: int | None = None,
    project_id: int | None = None,
    dataset_id: int | None = None,
    collection_id: int | None = None,
    ids: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    statuses: Sequence[str] | None = None,
    created_by: int | None = None,
    limit: int = 500,
    offset: int = 0,
) -> tuple[list[Queue], int]:
    """Return a page of the queues that the actor sees, by id, and how many there are in all."""
    found = await tx.one(
        SQL.find_queues,
        Found,
        account_id=queue_checks.some(account_id),
        project_id=queue_checks.some(project_id),
        dataset_id=queue_checks.some(dataset_id),
        collection_id=queue_checks.some(collection_id),
        ids=None if ids is None else queue_checks.possible(ids),
        names=queue_checks.storable(names),
        statuses=None if statuses is None else [queue_checks.status(status) for status in statuses],
        created_by=queue_checks.some(created_by),
        **queue_checks.paged(limit, offset),
        **seeing(actor),
    )
    if found is None or not found.ids:
        return [], found.total if found else 0
    return await get_many(tx, actor, found.ids), found.total


async def counts(tx: Tx, actor: Actor, queue_id: int) -> Counts:
    """Return how a queue stands.

    Raises:
        QueueNotFound: there is none that the actor sees.
        Forbidden: he only works in it.
    """
    found = queue_of(await whole_queue(tx, actor, queue_id)).counts
    assert found is not None
    return found


async def update(tx: Tx, actor: Actor, queue_id: int, changes: QueueChanges) -> Queue:
    """Change what is said about a queue, and what it asks for.

    Raises:
        QueueNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
        Invalid: what can't be kept.
    """
    held = await managed_queue(tx, actor, queue_id)
    settings = changes.settings
    checks = settings is not None and (settings.quality_check or any(person[3] == "check" for person in held.people))
    asked = {"include_tags": None, "exclude_tags": None} if settings is None else queue_checks.conditions(settings)
    await tx.run(
        SQL.update_queue,
        id=held.id,
        name=None if changes.name is None else queue_checks.queue_name(changes.name),
        description=queue_checks.prose(changes.description, "description"),
        readme=queue_checks.prose(changes.readme, "readme"),
        settings=None if settings is None else json(queue_checks.settings(settings)),
        quality_check=None if settings is None else checks,
        review_own=None if settings is None else settings.review_own,
        overlap=None if changes.overlap is None else queue_checks.overlap(changes.overlap),
        blind=changes.blind,
        lease_seconds=None if changes.lease_seconds is None else queue_checks.lease(changes.lease_seconds),
        **asked,
    )
    if settings is not None:
        await tx.run(SQL.advance_frontier, queue_id=held.id)
    if settings is not None and not checks:
        await tx.run(SQL.unchecked, queue_id=held.id)
    return await _changed(tx, actor, held)


async def set_status(tx: Tx, actor: Actor, queue_id: int, status: str) -> Queue:
    """Give a queue a status: a stopped or completed one gives nothing out; one on review gives nothing new to labelers.

    Raises:
        QueueNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
        Invalid: there is no such status.
    """
    status = queue_checks.status(status)
    held = await managed_queue(tx, actor, queue_id)
    if not await tx.all(SQL.set_queue_status, int, ids=[held.id], status=status):
        return queue_of(held)
    await tx.run(SQL.follow_queue, queue_id=held.id, status=status)
    return await _changed(tx, actor, held, status=status)


async def remove(tx: Tx, actor: Actor, queue_id: int) -> None:
    """Take a queue with its jobs away. Its items and their labels stay, and so does the record of who did what.

    Raises:
        QueueNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
    """
    held = await managed_queue(tx, actor, queue_id)
    await tx.run(SQL.archive_jobs_of, queue_id=held.id)
    await tx.run(SQL.remove_queues, ids=[held.id])
    await record(tx, actor, "queue.removed", account_id=held.account_id, before={"queue": held.id})


async def add_people(
    tx: Tx,
    actor: Actor,
    queue_id: int,
    *,
    labelers: Sequence[int] = (),
    reviewers: Sequence[int] = (),
    checkers: Sequence[int] = (),
) -> Queue:
    """Give a queue more people; who has that part already keeps his job.

    Raises:
        QueueNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
        Invalid: somebody named has no role in the account.
    """
    held = await managed_queue(tx, actor, queue_id)
    await tx.run(SQL.hold_queue, id=held.id)
    parts = {
        "annotate": await members(tx, held.account_id, labelers, "labelers"),
        "review": await members(tx, held.account_id, reviewers, "reviewers"),
        "check": await members(tx, held.account_id, checkers, "checkers"),
    }
    made = await _add_jobs(tx, actor, held.id, held.name, parts)
    if parts["check"]:
        settings = {**held.settings, "quality_check": True}
        await tx.run(SQL.update_queue, id=held.id, **_nothing, settings=json(settings), quality_check=True)
    return await _changed(tx, actor, held, jobs=made)


async def remove_people(tx: Tx, actor: Actor, queue_id: int, *, job_ids: Sequence[int]) -> Queue:
    """Put jobs of a queue into the archive; what they hold goes back to the pool.

    Raises:
        QueueNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
        Invalid: a job is not one of this queue.
    """
    held = await managed_queue(tx, actor, queue_id)
    known = {person[2] for person in held.people}
    if strange := [job for job in job_ids if job not in known]:
        message = f"Job {strange[0]} is not one of this queue."
        raise Invalid(message, field="job_ids", details={"job_ids": strange})
    await tx.run(SQL.archive_jobs, ids=list(job_ids), remove=False)
    await tx.value(SQL.hand_back, jobs=list(job_ids), actor_id=actor.user_id)
    return await _changed(tx, actor, held, archived=sorted(job_ids))


async def set_priority(tx: Tx, actor: Actor, queue_id: int, item_ids: Sequence[int], priority: int) -> int:
    """Have items given out before others (above 0) or after them (below); return how many of them are not handed in.

    Raises:
        QueueNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage it.
        Invalid: no priority, or no ids of items.
    """
    priority = queue_checks.priority(priority)
    ids = queue_checks.item_ids(item_ids)
    held = await managed_queue(tx, actor, queue_id)
    return int(await tx.value(SQL.set_priority, queue_id=held.id, items=ids, priority=priority))


async def source_place(tx: Tx, actor: Actor, *, collection_id: int | None, dataset_id: int | None) -> Place:
    """Return where a queue over a source would be, where the actor manages work.

    Raises:
        CollectionNotFound, DatasetNotFound: there is no such source that he sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he does not manage work in its account.
        Invalid: no source is named, or two are.
    """
    if (collection_id is None) == (dataset_id is None):
        message = "Name either a collection or a dataset."
        raise Invalid(message, field="collection_id")
    missing: type[NotFound] = CollectionNotFound if dataset_id is None else DatasetNotFound
    if not queue_checks.possible([collection_id or dataset_id or 0]):
        raise missing
    place = await tx.one(SQL.queue_place, Place, collection_id=collection_id, dataset_id=dataset_id)
    if place is None or place.trashed:
        raise missing
    reads = sight(actor).sees(place.visibility, place.owner_id)
    if not reads and (dataset_id is None or await find_dataset(tx, actor, dataset_id) is None):
        raise missing
    # What he found is not missing to him, though he but works there.
    require_managing(actor, place.owner_id, missing=missing, visibility="public")
    return place


async def members(tx: Tx, account_id: int, users: Sequence[int], field: str) -> list[int]:
    """Return the ids of users, each once, all of whom have a role in an account.

    Raises:
        Invalid: somebody has none; `details.users` says who.
    """
    wanted = queue_checks.people(users, field)
    if strangers := await tx.all(SQL.without_role, int, users=wanted, account_id=account_id):
        message = f"The users {strangers[:20]} have no role in the account that owns the project; add them first."
        raise Invalid(message, field=field, details={"users": strangers})
    return wanted


def _values(new: NewQueue) -> dict[str, object]:
    checks = new.settings.quality_check or bool(new.checkers)
    settings = queue_checks.settings(new.settings)
    return {
        "collection_id": new.collection_id,
        "dataset_id": new.dataset_id,
        "name": queue_checks.queue_name(new.name),
        "description": queue_checks.prose(new.description, "description"),
        "readme": queue_checks.prose(new.readme, "readme"),
        "settings": json({**settings, "quality_check": checks}),
        **queue_checks.conditions(new.settings),
        "quality_check": checks,
        "review_own": new.settings.review_own,
        "overlap": queue_checks.overlap(new.overlap),
        "blind": new.blind,
        "lease_seconds": queue_checks.lease(new.lease_seconds),
    }


_nothing: dict[str, None] = dict.fromkeys(
    ("name", "description", "readme", "include_tags", "exclude_tags", "review_own", "overlap", "blind", "lease_seconds")
)


async def _add_jobs(tx: Tx, actor: Actor, queue_id: int, name: object, parts: dict[str, list[int]]) -> list[int]:
    made: list[int] = []
    for part, users in parts.items():
        if users:
            made += await tx.all(
                SQL.create_jobs,
                int,
                queue_id=queue_id,
                part=part,
                name=_JOB_NAMES[part].format(queue=str(name).replace("{}", "{ }")),
                description="",
                readme="",
                users=users,
                reviewer_id=None,
                created_by=actor.user_id,
            )
    return made


async def _changed(tx: Tx, actor: Actor, held: QueueRow, **what: object) -> Queue:
    before = {"status": held.status} if "status" in what else None
    await record(
        tx, actor, "queue.updated", account_id=held.account_id, before=before, after={"queue": held.id, **what}
    )
    return queue_of(await queue_row(tx, actor, held.id))
