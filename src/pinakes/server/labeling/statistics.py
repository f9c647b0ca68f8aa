"""How the work goes: counts and times of queues, jobs and people, how far annotators agree, the record of each step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from statistics import fmean

from pinakes.server.actor import Actor, system
from pinakes.server.db import Tx
from pinakes.server.labeling import agreement as agreeing, hiding, queue_checks, queue_items
from pinakes.server.labeling.annotations import get_many
from pinakes.server.labeling.queue_access import SQL, job_row, queue_of, shown_jobs, whole_queue
from pinakes.server.labeling.queue_types import (
    ClassStatistics,
    ItemAgreement,
    JobStatistics,
    LogLine,
    Pair,
    PersonStatistics,
    QueueItem,
    QueueRow,
    QueueStatistics,
    TagStatistics,
    Totals,
)
from pinakes.server.paging import BigInt, Page, cut, decode_cursor
from pinakes.server.permissions.service import sight

# Over so many items is the agreement of a queue averaged: it is a matter of reading all their labels.
SAMPLE = 200
# The steps that reviewers and checkers take.
_OF_REVIEWERS = frozenset({"reserved", "accepted", "checked", "rejected"})

CSV_HEADER = [
    "item_id",
    "name",
    "round",
    "state",
    "labeler",
    "reviewer",
    "labels",
    "rejections",
    "labeling_seconds",
    "review_seconds",
    "given_at",
    "submitted_at",
    "reviewed_at",
    "comment",
]


async def of_queue(tx: Tx, actor: Actor, queue_id: int) -> QueueStatistics:
    """Return how a queue goes: its counts, the times that its items took, and what each person did.

    Raises:
        QueueNotFound: there is none that the actor sees.
        Forbidden: he only works in it.
    """
    row = await whole_queue(tx, actor, queue_id)
    counts = queue_of(row).counts
    totals = await tx.one(SQL.totals, Totals, queue_id=row.id, job_id=None)
    assert counts is not None
    assert totals is not None
    people = await tx.all(SQL.person_statistics, PersonStatistics, queue_id=row.id)
    if await _nameless(tx, actor, row):
        people = [person for person in people if person.user_id == actor.user_id]
    compared = await _compared(tx, row.id, SAMPLE, 0) if row.overlap > 1 else []
    return QueueStatistics(
        counts=counts,
        rejections=totals.rejections,
        labeling_seconds=totals.labeling_seconds,
        review_seconds=totals.review_seconds,
        people=people,
        agreement=fmean(item.agreement for item in compared) if compared else None,
    )


async def of_job(tx: Tx, actor: Actor, job_id: int) -> JobStatistics:
    """Return how a job goes: its counts, the times that its items took, and what they have of each class and tag.

    Raises:
        JobNotFound: there is none that the actor sees.
    """
    row = await job_row(tx, actor, job_id)
    job = (await shown_jobs(tx, actor, [row]))[0]
    totals = await tx.one(SQL.totals, Totals, queue_id=row.queue_id, job_id=row.id)
    assert totals is not None
    asked = {"job_id": row.id, "user_id": actor.user_id, "reads": sight(actor).sees("private", row.account_id)}
    classes = await tx.all(SQL.class_statistics, ClassStatistics, names=list(job.settings.classes), **asked)
    tags = await tx.all(SQL.tag_statistics, TagStatistics, **asked)
    return JobStatistics(job, totals.labeling_seconds, totals.review_seconds, classes, tags)


async def csv_rows(tx: Tx, actor: Actor, queue_id: int) -> AsyncGenerator[list[str]]:
    """Yield a table of all that was given out in a queue, its heading first. Needs a transaction.

    Raises:
        QueueNotFound: there is no such queue that the actor sees.
        Forbidden: he only works in it.
    """
    row = await whole_queue(tx, actor, queue_id)
    hidden = await _nameless(tx, actor, row)
    yield CSV_HEADER
    async for item in tx.stream(SQL.statistics_rows, QueueItem, queue_id=row.id):
        yield _cells(queue_items.nameless(actor, item) if hidden else item)


async def log(
    tx: Tx, actor: Actor, queue_id: int, *, item_id: int | None = None, limit: int = 100, cursor: str | None = None
) -> Page[LogLine]:
    """Read what was done in a queue, or to one item in it, newest first.

    Raises:
        QueueNotFound: there is no such queue that the actor sees.
        Forbidden: he only works in it.
        Invalid: (field `cursor`) it is not one of this list.
    """
    queue_checks.paged(limit)
    row = await whole_queue(tx, actor, queue_id, listed=True)
    below = decode_cursor(cursor, BigInt)[0] if cursor else 2**63 - 1
    if item_id is not None and not queue_checks.possible([item_id]):
        return Page([])
    lines = await tx.all(SQL.log_lines, LogLine, queue_id=row.id, item_id=item_id, below=below, limit=limit + 1)
    if await _nameless(tx, actor, row):
        lines = [_without_labeler(actor, line) for line in lines]
    return cut(lines, limit, lambda line: (line.id,))


async def agreement(tx: Tx, actor: Actor, queue_id: int, *, limit: int = 100, after: int = 0) -> list[ItemAgreement]:
    """Return how far those who labeled the same item agree, by item: the mean over all pairs of them.

    Args:
        tx: Where to read.
        actor: Who reads.
        queue_id: The queue.
        limit: Over how many items.
        after: Items with greater ids than this only: the last of the answer before, to go on.

    Raises:
        QueueNotFound: there is no such queue that the actor sees.
        Forbidden: he only works in it.
    """
    queue_checks.paged(limit, after)
    row = await whole_queue(tx, actor, queue_id)
    return await _compared(tx, row.id, limit, after)


async def _nameless(tx: Tx, actor: Actor, row: QueueRow) -> bool:
    """Tell whether a queue keeps from an actor who labels in it."""
    return bool(row.settings.get("hide_author")) and row.id in await hiding.queue_ids(tx, actor)


def _without_labeler(actor: Actor, line: LogLine) -> LogLine:
    if line.verb in _OF_REVIEWERS or line.actor_id == actor.user_id:
        return line
    return replace(line, actor_id=None, actor=None)


async def _compared(tx: Tx, queue_id: int, limit: int, after: int) -> list[ItemAgreement]:
    pairs = await tx.all(SQL.several, Pair, queue_id=queue_id, limit=limit, after=after)
    if not pairs:
        return []
    # Whoever sees the whole queue is told how far they agree, also where he is not told who they are.
    found = {one.item_id: one for one in await get_many(tx, system(), [pair.item_id for pair in pairs])}
    compared: list[ItemAgreement] = []
    for pair in pairs:
        mean = await asyncio.to_thread(agreeing.of_annotators, found[pair.item_id], pair.labelers)
        if mean is not None:
            compared.append(ItemAgreement(pair.item_id, mean, len(pair.labelers)))
    return compared


def _cells(item: QueueItem) -> list[str]:
    times = (item.given_at, item.submitted_at, item.reviewed_at)
    return [
        str(item.item_id),
        item.name,
        str(item.round or 1),
        item.state or "waiting",
        item.labeler or "",
        item.reviewer or "",
        str(item.label_count),
        str(item.rejections),
        f"{item.labeling_seconds:.3f}",
        f"{item.review_seconds:.3f}",
        *(moment.isoformat() if moment else "" for moment in times),
        item.comment or "",
    ]
