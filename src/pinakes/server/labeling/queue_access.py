"""Who sees queues and jobs, and who works in them; and how they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pinakes.server.actor import Actor
from pinakes.server.collections import live
from pinakes.server.db import Part, Query, Tx, load
from pinakes.server.errors import Forbidden, JobNotFound, NotFound, QueueNotFound
from pinakes.server.labeling import hiding, queue_checks
from pinakes.server.labeling.access import require_scope
from pinakes.server.labeling.queue_types import Counts, Job, JobCounts, JobFacts, JobRow, PersonPart, Queue, QueueRow
from pinakes.server.permissions.service import belongs_to, require, require_sign_in, roles_allowing, sight
from pinakes.server.permissions.table import SCOPES, Permission

SQL = load(__package__, "queues.sql")

# The person at the end of a job's name.
_PERSON = re.compile(r" \([^()]*\)$")


def chosen(query: Query, items: Sequence[int] | None) -> Query:
    """Return a query of a queue's source as one of these items only, where some are named, which are looked up."""
    return query if items is None else query.with_parts(chosen=Part("s.item_id = any(%(items)s::integer [])"))


def seeing(actor: Actor) -> dict[str, object]:
    """Return how an actor looks at queues and jobs, as the queries take it."""
    seen = sight(actor)
    return {
        "everything": seen.everything,
        "accounts": seen.accounts,
        "at_work": seen.at_work,
        "user_id": actor.user_id,
    }


def working(actor: Actor) -> dict[str, object]:
    """Return how an actor works in queues, as the queries take it.

    Raises:
        Unauthenticated: he did not sign in.
        ScopeTooNarrow: his token only reads.
    """
    user_id = require_sign_in(actor)
    require_scope(actor)
    return {
        "user_id": user_id,
        "everything": actor.is_admin and actor.bound_to is None,
        "workplaces": belongs_to(actor),
    }


def handling(actor: Actor) -> dict[str, object]:
    """Return how an actor hands in and gives back: for his own jobs, and for all in accounts whose work he manages."""
    return {
        **working(actor),
        "managed": roles_allowing(actor, Permission.QUEUE_MANAGE),
        "managing": Permission.QUEUE_MANAGE in SCOPES[actor.scope],
        "actor_id": actor.user_id,
    }


async def queue_rows(tx: Tx, actor: Actor, ids: Sequence[int], *, listed: bool = False) -> list[QueueRow]:
    """Return queues as an actor sees them, by id; with `listed` also those that are the lists of direct jobs."""
    return await tx.all(SQL.queues, QueueRow, ids=queue_checks.possible(ids), listed=listed, **seeing(actor))


async def queue_row(tx: Tx, actor: Actor, queue_id: int, *, listed: bool = False) -> QueueRow:
    """Return a queue as an actor sees it; over a live collection, as that is now.

    Raises:
        QueueNotFound: there is none that he sees.
    """
    found = await queue_rows(tx, actor, [queue_id], listed=listed)
    if found and found[0].is_live and await bring_up_to_date(tx, actor, [queue_id]):
        found = await queue_rows(tx, actor, [queue_id], listed=listed)
    if not found:
        raise QueueNotFound
    return found[0]


async def bring_up_to_date(tx: Tx, actor: Actor, ids: Sequence[int]) -> bool:
    """Bring the live collections up to date that queues are over which an actor sees: their content is that of now.

    Tells whether anything changed.
    """
    seen = sight(actor)
    stale = await tx.all(
        SQL.stale_sources,
        int,
        ids=queue_checks.possible(ids),
        everything=seen.everything,
        accounts=seen.accounts,
        at_work=seen.at_work,
        age=live.FRESH,
    )
    return any([await live.refresh_if_stale(tx, collection_id) for collection_id in stale])


async def whole_queue(tx: Tx, actor: Actor, queue_id: int, *, listed: bool = False) -> QueueRow:
    """Return a queue of which an actor may see all.

    Raises:
        QueueNotFound: there is none that he sees.
        Forbidden: he only works in it.
    """
    found = await queue_row(tx, actor, queue_id, listed=listed)
    if not found.whole:
        message = "You work in this queue; what else is in it is for those who manage it."
        raise Forbidden(message)
    return found


async def managed_queue(tx: Tx, actor: Actor, queue_id: int, *, listed: bool = False) -> QueueRow:
    """Return a queue that an actor manages.

    Raises:
        QueueNotFound: there is none that he sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he does not manage it.
    """
    found = await whole_queue(tx, actor, queue_id, listed=listed)
    require_managing(actor, found.account_id, missing=QueueNotFound)
    return found


def require_managing(actor: Actor, account_id: int, *, missing: type[NotFound], visibility: str = "private") -> None:
    """Raise unless an actor manages the work of an account; what is public is not missing to anybody."""
    require(actor, Permission.QUEUE_MANAGE, owner_id=account_id, visibility=visibility, missing=missing)


def manages(actor: Actor, account_id: int) -> bool:
    """Tell whether an actor manages the work of an account."""
    everything = actor.is_admin and actor.bound_to is None and Permission.QUEUE_MANAGE in SCOPES[actor.scope]
    return everything or account_id in roles_allowing(actor, Permission.QUEUE_MANAGE)


async def job_rows(tx: Tx, actor: Actor, ids: Sequence[int]) -> list[JobRow]:
    """Return jobs as an actor sees them, by id."""
    return await tx.all(SQL.jobs, JobRow, ids=queue_checks.possible(ids), **seeing(actor))


async def job_row(tx: Tx, actor: Actor, job_id: int) -> JobRow:
    """Return a job as an actor sees it.

    Raises:
        JobNotFound: there is none that he sees.
    """
    found = await job_rows(tx, actor, [job_id])
    if not found:
        raise JobNotFound
    return found[0]


async def job_facts(tx: Tx, actor: Actor, job_id: int) -> JobFacts:
    """Return what a step in a job goes by.

    Raises:
        JobNotFound: there is no such job that the actor sees.
    """
    found = None
    if queue_checks.possible([job_id]):
        found = await tx.one(SQL.job_facts, JobFacts, id=job_id, **seeing(actor))
    if found is None:
        raise JobNotFound
    return found


async def managed_job(tx: Tx, actor: Actor, job_id: int) -> JobRow:
    """Return a job that an actor manages.

    Raises:
        JobNotFound: there is none that he sees.
        Forbidden, ScopeTooNarrow, Unauthenticated: he does not manage it.
    """
    return (await managed_jobs(tx, actor, [job_id]))[0]


async def managed_jobs(tx: Tx, actor: Actor, job_ids: Sequence[int]) -> list[JobRow]:
    """Return jobs that an actor manages, all of them, by id.

    Raises:
        JobNotFound: one is none that he sees.
        Forbidden, ScopeTooNarrow, Unauthenticated: he does not manage one.
    """
    found = await job_rows(tx, actor, job_ids)
    if len(found) < len(set(job_ids)):
        raise JobNotFound
    for account_id in sorted({job.account_id for job in found}):
        if not manages(actor, account_id) and not sight(actor).sees("private", account_id):
            message = "You work on this job; only those who manage the work change it."
            raise Forbidden(message, details={"permission": Permission.QUEUE_MANAGE})
        require_managing(actor, account_id, missing=JobNotFound)
    return found


async def shown_queues(tx: Tx, actor: Actor, rows: Sequence[QueueRow]) -> list[Queue]:
    """Return queues as an actor is shown them: without who labels in them, where he reviews and is not to know."""
    hidden = await _keeping(tx, actor, rows)
    return [queue_of(_without_labelers(actor, row) if row.id in hidden else row) for row in rows]


async def shown_jobs(tx: Tx, actor: Actor, rows: Sequence[JobRow]) -> list[Job]:
    """Return jobs as an actor is shown them: without who labels in them, where he reviews and is not to know."""
    hidden = await _keeping(tx, actor, rows)
    return [_nameless(actor, row) if row.queue_id in hidden else job_of(row) for row in rows]


async def _keeping(tx: Tx, actor: Actor, rows: Sequence[QueueRow] | Sequence[JobRow]) -> set[int]:
    """Return the queues that keep from an actor who labels in them, if there may be one among those of some rows."""
    return await hiding.queue_ids(tx, actor) if any(row.settings.get("hide_author") for row in rows) else set()


def _without_labelers(actor: Actor, row: QueueRow) -> QueueRow:
    people = [person for person in row.people if person[3] != "annotate" or person[0] == actor.user_id]
    return replace(row, people=people)


def _nameless(actor: Actor, row: JobRow) -> Job:
    """Return a job without the name of who labels in it; jobs of queues are called by it, too."""
    if row.part != "annotate" or row.user_id == actor.user_id:
        return job_of(row)
    return replace(job_of(row), user_id=None, user=None, name=_PERSON.sub("", row.name))


def queue_of(row: QueueRow) -> Queue:
    """Return a queue as it is answered with."""
    counts = Counts(
        row.entities,
        row.pending,
        row.in_progress,
        row.on_review,
        row.on_review + row.accepted,
        row.accepted,
        row.rejected,
        row.skipped,
    )
    return Queue(
        id=row.id,
        account_id=row.account_id,
        account=row.account,
        workspace_id=row.workspace_id,
        project_id=row.project_id,
        project=row.project,
        data_type=row.data_type,
        collection_id=row.collection_id,
        collection=row.collection,
        dataset_id=row.dataset_id,
        dataset=row.dataset,
        name=row.name,
        description=row.description,
        readme=row.readme,
        status=row.status,
        settings=queue_checks.settings_of(row.settings),
        overlap=row.overlap,
        blind=row.blind,
        lease_seconds=row.lease_seconds,
        created_by_id=row.created_by_id,
        created_by=row.created_by,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        people=[PersonPart(*person) for person in row.people],
        counts=counts if row.whole else None,
    )


def job_of(row: JobRow) -> Job:
    """Return a job as it is answered with."""
    return Job(
        id=row.id,
        queue_id=row.queue_id,
        direct=row.direct,
        part=row.part,
        account_id=row.account_id,
        account=row.account,
        workspace_id=row.workspace_id,
        workspace=row.workspace,
        project_id=row.project_id,
        project=row.project,
        data_type=row.data_type,
        dataset_id=row.dataset_id,
        dataset=row.dataset,
        collection_id=row.collection_id,
        name=row.name,
        description=row.description,
        readme=row.readme,
        status=row.status,
        settings=queue_checks.settings_of(row.settings),
        user_id=row.user_id,
        user=row.user,
        reviewer_id=row.reviewer_id,
        reviewer=row.reviewer,
        custom_data=row.custom_data,
        disabled=row.archived_at is not None,
        created_by_id=row.created_by_id,
        created_by=row.created_by,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        archived_at=row.archived_at,
        counts=_counts_of(row.states),
    )


def _counts_of(states: Mapping[str, int]) -> JobCounts:
    done = states.get("done", 0) + states.get("checked", 0)
    accepted = states.get("accepted", 0)
    return JobCounts(
        items=sum(states.values()),
        held=states.get("held", 0) + states.get("skipped", 0),
        done=done,
        accepted=accepted,
        rejected=states.get("rejected", 0),
        finished=done + accepted,
    )
