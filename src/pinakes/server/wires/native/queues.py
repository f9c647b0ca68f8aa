"""Labeling work over the native API: queues, the jobs of people in them, and what becomes of the items.

Whoever works does so in a job of his (`people` of a queue says which it is): he asks for the `next` item, which is his
until its lease runs out, keeps it by heartbeats, and submits or skips it; a reviewer accepts or rejects. All below
`/api/v1`; the types are those of `pinakes.api.queues`.

| route | body → answer |
| --- | --- |
| GET /queues `?project&dataset&collection&account&status*&name*&limit&cursor` | → Page[Queue] |
| POST /queues | CreateQueue → 201 Queue |
| GET, PATCH, DELETE /queues/{queue} | → Queue; UpdateQueue → Queue; → 204 |
| POST /queues/{queue}/status | SetStatus → Queue |
| POST /queues/{queue}/people, …/people/remove | AddPeople → Queue; RemovePeople → Queue |
| POST /queues/{queue}/priority | SetPriority → Count |
| GET /queues/{queue}/items `?state*&name*&q&in&not_in&job&sort&descending&limit&cursor` | → QueueItems |
| GET /queues/{queue}/statistics, …/statistics.csv | → QueueStatistics; → text/csv |
| GET /queues/{queue}/log `?item&limit&cursor` | → Page[LogLine] |
| GET /queues/{queue}/agreement `?limit&cursor` | → Page[ItemAgreement] |
| GET /jobs `?mine&queue*&project&dataset&account&status*&archived&limit&cursor` | → Page[Job] |
| POST /jobs | CreateJobs → 201 Page[Job]: jobs without a queue |
| GET, PATCH, DELETE /jobs/{job} | → Job; UpdateJob → Job; → 204 |
| POST /jobs/{job}/status, …/archive, …/restart | SetStatus → Job; → Job; RestartJob → 201 Page[Job] |
| GET /jobs/{job}/items `?state*&limit&cursor` | → QueueItems |
| GET /jobs/{job}/statistics | → JobStatistics |
| POST /jobs/{job}/next | → Next |
| POST /jobs/{job}/items/{item}/heartbeat | → Lease |
| POST /jobs/{job}/items/{item}/submit | Submit → Task: the annotation and the step, or neither |
| POST /jobs/{job}/items/{item}/skip | Skip → Task |
| GET, PUT, DELETE /jobs/{job}/items/{item}/draft | → Draft; PutDraft → Draft; → 204 |
| POST /jobs/{job}/submit, …/release | SubmitMany → Page[Task] |
| POST /jobs/{job}/accept, …/reject, …/reopen | Judge, Reopen → Page[Task] |
| GET /proofs `?item*` | → Page[Proof] |
"""

from __future__ import annotations

import csv
from collections.abc import AsyncGenerator, Sequence
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from starlette.responses import StreamingResponse

from pinakes.api import media as media_api, queues as api
from pinakes.api.common import MAX_INT4, STORABLE, AccountName, Page
from pinakes.api.labels import PutAnnotation
from pinakes.server.actor import Actor
from pinakes.server.catalog import media
from pinakes.server.collections import service as collections
from pinakes.server.db import Tx
from pinakes.server.errors import Forbidden, ItemLeftQueue, MediaNotFound, NotFound
from pinakes.server.labeling import annotations as annotating, claiming, drafts, jobs, proof, queues, review, statistics
from pinakes.server.labeling.queue_types import Draft, Given, Job, NewJobs, NewQueue, Queue, QueueChanges, Task
from pinakes.server.paging import decode_cursor, encode_cursor
from pinakes.server.people import service as people
from pinakes.server.permissions.service import require_sign_in
from pinakes.server.wires.native import _labels, _media, _queues as show, encode
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native._media import Descending, ProjectQuery
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router
from pinakes.server.wires.native.media import CollectionQuery, DatasetQuery, Names

router = make_router("queues")

QueuePath = Annotated[int, Path(alias="queue", ge=1, le=MAX_INT4, description="The queue's number.")]
JobPath = Annotated[int, Path(alias="job", ge=1, le=MAX_INT4, description="The job's number.")]
WorkItemPath = Annotated[int, Path(alias="item", ge=1, le=MAX_INT4, description="The item's number.")]
AccountQuery = Annotated[AccountName | None, Query(description="Only those of this account.")]
Statuses = Annotated[list[api.Status] | None, Query(alias="status", description="Any of these.")]
States = Annotated[list[api.StateOrWaiting] | None, Query(alias="state", description="Any of these.")]
InCollection = Annotated[
    str | None,
    Query(pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-fA-F]{24}$", max_length=400, description="A collection's id or slug."),
]
Words = Annotated[
    str | None, STORABLE, Query(max_length=255, pattern=r"^[^\u0000]*$", description="In the item's name.")
]
JobQuery = Annotated[int | None, Query(ge=1, le=MAX_INT4, description="Only what is in this job.")]
ItemsSort = Annotated[
    Literal["id", "name", "state", "labeling_seconds", "review_seconds", "total_seconds", "label_count", "reviewed_at"]
    | None,
    Query(description="Without it: what was given out, then what waits, in the source's order."),
]
ItemQueries = Annotated[
    list[Annotated[int, Query(ge=1, le=MAX_INT4)]],
    Query(alias="item", min_length=1, max_length=1000, description="The items' numbers."),
]

_TRIES = 10
_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}


# ----------------------------------------------------------------------------------------------------------------------
# Queues
# ----------------------------------------------------------------------------------------------------------------------


async def _queue(tx: Tx, actor: Actor, found: Queue, *, status: int = 200) -> Response:
    ids = await show.public_ids(tx, actor, [found.collection_id])
    return encode.answer(show.queue(found, actor, ids), status=status)


@router.get("/queues", response_model=Page[api.Queue])
async def list_queues(
    state: Here,
    actor: By,
    project: ProjectQuery = None,
    dataset: DatasetQuery = None,
    collection: CollectionQuery = None,
    account: AccountQuery = None,
    status: Statuses = None,
    name: Names = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the queues that one may see, or works in."""
    require_sign_in(actor)
    offset = _media.offset_of(cursor)
    async with state.db.reading() as tx:
        rows, total = await queues.page(
            tx,
            actor,
            account_id=(await people.account(tx, account)).id if account is not None else None,
            project_id=project,
            dataset_id=dataset,
            collection_id=await _number(tx, actor, collection),
            statuses=status,
            names=name,
            limit=limit,
            offset=offset,
        )
        ids = await show.public_ids(tx, actor, [row.collection_id for row in rows])
    encoded = [show.queue(row, actor, ids) for row in rows]
    return encode.answer({"rows": encoded, "next": _media.next_offset(offset, rows, total)})


async def _number(tx: Tx, actor: Actor, ref: str | None) -> int | None:
    """Return the number of a collection, if one is named."""
    return (await collections.get(tx, actor, ref)).id if ref is not None else None


@router.post("/queues", status_code=201, response_model=api.Queue, responses=_CONFLICT)
async def create_queue(change: Changing, wanted: api.CreateQueue) -> Response:
    """Make a queue over a collection or a dataset, with a job for each of its people. The source may be empty yet."""

    async def work(tx: Tx) -> Response:
        made = await queues.create(
            tx,
            change.actor,
            NewQueue(
                name=wanted.name,
                collection_id=await _number(tx, change.actor, wanted.collection),
                dataset_id=wanted.dataset,
                labelers=await show.user_ids(tx, wanted.labelers),
                reviewers=await show.user_ids(tx, wanted.reviewers),
                checkers=await show.user_ids(tx, wanted.checkers),
                settings=show.new_settings(wanted.settings),
                description=wanted.description,
                readme=wanted.readme,
                overlap=wanted.overlap,
                blind=wanted.blind,
                lease_seconds=wanted.lease_seconds,
                item_ids=wanted.items,
            ),
        )
        return await _queue(tx, change.actor, made, status=201)

    return await change.write(work)


@router.get("/queues/{queue}", response_model=api.Queue)
async def get_queue(state: Here, actor: By, queue: QueuePath) -> Response:
    """Show a queue: to those who only work in it, themselves and no counts."""
    async with state.db.reading() as tx:
        return await _queue(tx, actor, await queues.get(tx, actor, queue))


@router.patch("/queues/{queue}", response_model=api.Queue, responses=_CONFLICT)
async def update_queue(change: Changing, queue: QueuePath, wanted: api.UpdateQueue) -> Response:
    """Change a queue."""

    async def work(tx: Tx) -> Response:
        changes = QueueChanges(
            name=wanted.name,
            description=wanted.description,
            readme=wanted.readme,
            settings=show.new_settings(wanted.settings) if wanted.settings is not None else None,
            overlap=wanted.overlap,
            blind=wanted.blind,
            lease_seconds=wanted.lease_seconds,
        )
        return await _queue(tx, change.actor, await queues.update(tx, change.actor, queue, changes))

    return await change.write(work)


@router.delete("/queues/{queue}", **_NO_CONTENT)
async def delete_queue(change: Changing, queue: QueuePath) -> Response:
    """Remove a queue with its jobs; labels and items stay."""

    async def work(tx: Tx) -> Response:
        await queues.remove(tx, change.actor, queue)
        return encode.empty()

    return await change.write(work)


@router.post("/queues/{queue}/status", response_model=api.Queue, responses=_CONFLICT)
async def set_queue_status(change: Changing, queue: QueuePath, wanted: api.SetStatus) -> Response:
    """Start, stop or complete a queue."""

    async def work(tx: Tx) -> Response:
        return await _queue(tx, change.actor, await queues.set_status(tx, change.actor, queue, wanted.status))

    return await change.write(work)


@router.post("/queues/{queue}/people", response_model=api.Queue, responses=_CONFLICT)
async def add_queue_people(change: Changing, queue: QueuePath, wanted: api.AddPeople) -> Response:
    """Take people into a queue; who is in it keeps his job."""

    async def work(tx: Tx) -> Response:
        changed = await queues.add_people(
            tx,
            change.actor,
            queue,
            labelers=await show.user_ids(tx, wanted.labelers),
            reviewers=await show.user_ids(tx, wanted.reviewers),
            checkers=await show.user_ids(tx, wanted.checkers),
        )
        return await _queue(tx, change.actor, changed)

    return await change.write(work)


@router.post("/queues/{queue}/people/remove", response_model=api.Queue, responses=_CONFLICT)
async def remove_queue_people(change: Changing, queue: QueuePath, wanted: api.RemovePeople) -> Response:
    """End jobs of a queue; what they hold goes back into the pool."""

    async def work(tx: Tx) -> Response:
        changed = await queues.remove_people(tx, change.actor, queue, job_ids=wanted.jobs)
        return await _queue(tx, change.actor, changed)

    return await change.write(work)


@router.post("/queues/{queue}/priority", response_model=media_api.Count, responses=_CONFLICT)
async def set_priority(change: Changing, queue: QueuePath, wanted: api.SetPriority) -> Response:
    """Have items given out before or after the others; the answer counts those that wait or are held."""

    async def work(tx: Tx) -> Response:
        count = await queues.set_priority(tx, change.actor, queue, wanted.items, wanted.priority)
        return encode.answer({"count": count})

    return await change.write(work)


@router.get("/queues/{queue}/items", response_model=api.QueueItems)
async def list_queue_items(
    state: Here,
    actor: By,
    queue: QueuePath,
    states: States = None,
    name: Names = None,
    q: Words = None,
    within: Annotated[InCollection, Query(alias="in", description="Only what is in this collection, too.")] = None,
    without: Annotated[InCollection, Query(alias="not_in", description="Only what is not in this one.")] = None,
    job: JobQuery = None,
    sort: ItemsSort = None,
    descending: Descending = False,  # noqa: FBT002 - of the query
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List a queue's items, where each stands, and through whose hands it went."""
    offset = _media.offset_of(cursor)
    async with state.db.reading() as tx:
        page = await queues.items(
            tx,
            actor,
            queue,
            states=_states(states),
            names=name,
            text=q or None,
            in_collection=await _number(tx, actor, within),
            not_in_collection=await _number(tx, actor, without),
            job_id=job,
            sort=sort,
            descending=descending,
            limit=limit,
            offset=offset,
        )
    rows = [show.queue_item(row) for row in page.rows]
    return encode.answer({"rows": rows, "next": _media.next_offset(offset, page.rows, page.total), "total": page.total})


def _states(asked: Sequence[api.StateOrWaiting] | None) -> list[str | None] | None:
    return None if asked is None else [None if one == "waiting" else one for one in asked]


@router.get("/queues/{queue}/statistics", response_model=api.QueueStatistics)
async def get_queue_statistics(state: Here, actor: By, queue: QueuePath) -> Response:
    """Show what a queue came to so far: counts, times, and who did what."""
    async with state.db.reading() as tx:
        return encode.answer(show.statistics(await statistics.of_queue(tx, actor, queue)))


@router.get(
    "/queues/{queue}/statistics.csv",
    response_class=StreamingResponse,
    responses={200: {"description": "A line for each item.", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_queue_statistics(state: Here, actor: By, queue: QueuePath) -> Response:
    """Write out a queue's items as a table: where each stands, through whose hands it went, how long that took."""
    async with state.db.reading() as tx:
        await queues.counts(tx, actor, queue)  # who may not see it is told so before the answer begins

    async def lines() -> AsyncGenerator[str]:
        buffer = StringIO(newline="")
        writer = csv.writer(buffer)
        async with state.db.snapshot() as tx:
            async for row in statistics.csv_rows(tx, actor, queue):
                writer.writerow(row)
                if buffer.tell() > 60_000:  # noqa: PLR2004 - a good piece to send
                    yield buffer.getvalue()
                    buffer.seek(0)
                    buffer.truncate()
        yield buffer.getvalue()

    headers = {"Content-Disposition": f'attachment; filename="queue-{queue}.csv"'}
    return StreamingResponse(lines(), headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/queues/{queue}/log", response_model=Page[api.LogLine])
async def list_queue_log(
    state: Here,
    actor: By,
    queue: QueuePath,
    item: Annotated[int | None, Query(ge=1, le=MAX_INT4, description="Only about this item.")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List what was done in a queue: each step of each item."""
    async with state.db.reading() as tx:
        page = await statistics.log(tx, actor, queue, item_id=item, limit=limit, cursor=cursor)
    return encode.answer(encode.page(page, show.log_line))


@router.get("/queues/{queue}/agreement", response_model=Page[api.ItemAgreement])
async def list_agreement(
    state: Here, actor: By, queue: QueuePath, limit: Limit = 100, cursor: After = None
) -> Response:
    """List how much those who labeled the same items agree, from 0 to 1."""
    after = decode_cursor(cursor, int)[0] if cursor is not None else 0
    async with state.db.reading() as tx:
        found = await statistics.agreement(tx, actor, queue, limit=limit, after=after)
    rows = [{"item": one.item_id, "agreement": one.agreement, "annotators": one.annotators} for one in found]
    return encode.answer({"rows": rows, "next": encode_cursor(found[-1].item_id) if len(found) == limit else None})


# ----------------------------------------------------------------------------------------------------------------------
# Jobs
# ----------------------------------------------------------------------------------------------------------------------


async def _job(tx: Tx, actor: Actor, found: Job) -> Response:
    return encode.answer(show.job(found, await show.public_ids(tx, actor, [found.collection_id])))


async def _jobs(tx: Tx, actor: Actor, found: Sequence[Job], *, status: int = 200, after: str | None = None) -> Response:
    ids = await show.public_ids(tx, actor, [one.collection_id for one in found])
    return encode.answer({"rows": [show.job(one, ids) for one in found], "next": after}, status=status)


@router.get("/jobs", response_model=Page[api.Job])
async def list_jobs(
    state: Here,
    actor: By,
    mine: Annotated[bool, Query(description="Only one's own.")] = False,  # noqa: FBT002 - of the query
    queue: Annotated[list[Annotated[int, Query(ge=1, le=MAX_INT4)]] | None, Query(max_length=1000)] = None,
    project: ProjectQuery = None,
    dataset: DatasetQuery = None,
    account: AccountQuery = None,
    status: Statuses = None,
    archived: Annotated[bool, Query(description="Those in the archive, too.")] = False,  # noqa: FBT002
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the jobs that one may see, or has."""
    user = require_sign_in(actor)
    offset = _media.offset_of(cursor)
    async with state.db.reading() as tx:
        rows, total = await jobs.page(
            tx,
            actor,
            account_id=(await people.account(tx, account)).id if account is not None else None,
            user_id=user if mine else None,
            project_id=project,
            dataset_id=dataset,
            queue_ids=queue,
            statuses=status,
            archived=archived,
            limit=limit,
            offset=offset,
        )
        return await _jobs(tx, actor, rows, after=_media.next_offset(offset, rows, total))


@router.post("/jobs", status_code=201, response_model=Page[api.Job], responses=_CONFLICT)
async def create_jobs(change: Changing, wanted: api.CreateJobs) -> Response:
    """Deal items of a dataset out to labelers, each of whom gets a job: without a queue."""

    async def work(tx: Tx) -> Response:
        made = await jobs.create(
            tx,
            change.actor,
            NewJobs(
                dataset_id=wanted.dataset,
                labelers=await show.user_ids(tx, wanted.labelers),
                name=wanted.name,
                reviewer_id=await show.user_id(tx, wanted.reviewer),
                item_ids=wanted.items,
                settings=show.new_settings(wanted.settings),
                description=wanted.description,
                readme=wanted.readme,
            ),
        )
        return await _jobs(tx, change.actor, made, status=201)

    return await change.write(work)


@router.get("/jobs/{job}", response_model=api.Job)
async def get_job(state: Here, actor: By, job: JobPath) -> Response:
    """Show a job."""
    async with state.db.reading() as tx:
        return await _job(tx, actor, await jobs.get(tx, actor, job))


@router.patch("/jobs/{job}", response_model=api.Job, responses=_CONFLICT)
async def update_job(change: Changing, job: JobPath, wanted: api.UpdateJob) -> Response:
    """Change a job, or give it to somebody else."""

    async def work(tx: Tx) -> Response:
        changed = await jobs.update(
            tx,
            change.actor,
            job,
            user_id=await show.user_id(tx, wanted.labeler),
            reviewer_id=await show.user_id(tx, wanted.reviewer),
            custom_data=wanted.custom_data,
            name=wanted.name,
            description=wanted.description,
            readme=wanted.readme,
        )
        return await _job(tx, change.actor, changed)

    return await change.write(work)


@router.delete("/jobs/{job}", **_NO_CONTENT)
async def delete_job(change: Changing, job: JobPath) -> Response:
    """Remove a job; what it holds goes back into the pool."""

    async def work(tx: Tx) -> Response:
        await jobs.get(tx, change.actor, job)
        await jobs.remove(tx, change.actor, [job])
        return encode.empty()

    return await change.write(work)


@router.post("/jobs/{job}/status", response_model=api.Job, responses=_CONFLICT)
async def set_job_status(change: Changing, job: JobPath, wanted: api.SetStatus) -> Response:
    """Start, stop or complete a job."""

    async def work(tx: Tx) -> Response:
        return await _job(tx, change.actor, await jobs.set_status(tx, change.actor, job, wanted.status))

    return await change.write(work)


@router.post("/jobs/{job}/archive", response_model=api.Job, responses=_CONFLICT)
async def archive_job(change: Changing, job: JobPath) -> Response:
    """Put a job into the archive."""

    async def work(tx: Tx) -> Response:
        await jobs.archive(tx, change.actor, job)
        return await _job(tx, change.actor, await jobs.get(tx, change.actor, job))

    return await change.write(work)


@router.post("/jobs/{job}/restart", status_code=201, response_model=Page[api.Job], responses=_CONFLICT)
async def restart_job(change: Changing, job: JobPath, wanted: api.RestartJob) -> Response:
    """Make new jobs of the items that were rejected in one."""

    async def work(tx: Tx) -> Response:
        made = await jobs.restart(
            tx,
            change.actor,
            job,
            labelers=await show.user_ids(tx, wanted.labelers) if wanted.labelers is not None else None,
            reviewer_id=await show.user_id(tx, wanted.reviewer),
            complete_existing=wanted.complete,
            name=wanted.name,
        )
        return await _jobs(tx, change.actor, made, status=201)

    return await change.write(work)


@router.get("/jobs/{job}/items", response_model=api.QueueItems)
async def list_job_items(
    state: Here, actor: By, job: JobPath, states: States = None, limit: Limit = 100, cursor: After = None
) -> Response:
    """List what a job has now."""
    offset = _media.offset_of(cursor)
    async with state.db.reading() as tx:
        page = await jobs.items(tx, actor, job, states=_states(states), limit=limit, offset=offset)
    rows = [show.queue_item(row) for row in page.rows]
    return encode.answer({"rows": rows, "next": _media.next_offset(offset, page.rows, page.total), "total": page.total})


@router.get("/jobs/{job}/statistics", response_model=api.JobStatistics)
async def get_job_statistics(state: Here, actor: By, job: JobPath) -> Response:
    """Show what a job came to so far."""
    async with state.db.reading() as tx:
        found = await statistics.of_job(tx, actor, job)
        ids = await show.public_ids(tx, actor, [found.job.collection_id])
    return encode.answer(show.job_statistics(found, ids))


# ----------------------------------------------------------------------------------------------------------------------
# Working
# ----------------------------------------------------------------------------------------------------------------------


@router.post("/jobs/{job}/next", response_model=api.Next, responses=_CONFLICT)
async def next_item(state: Here, actor: By, job: JobPath) -> Response:
    """Be given the next item, with its labels; what one holds already comes first. Null when nothing is left."""
    for tries_left in reversed(range(_TRIES)):
        async with state.db.changing() as tx:
            given = await claiming.next_item(tx, actor, job)
            if given is None:
                break
            try:
                return encode.answer(await _with_its_labels(tx, actor, job, given))
            except NotFound:
                # It left the queue just after it was given: the next one, then.
                if not tries_left:
                    raise
    return encode.answer({"given": None, "medium": None, "annotation": None, "draft": None})


async def _with_its_labels(tx: Tx, actor: Actor, job: int, given: Given) -> dict[str, Any]:
    draft = await drafts.get(tx, actor, job, given.item_id)
    return {
        "given": show.given(given),
        "medium": _media.medium(await media.get(tx, actor, given.item_id), _media.Rights(actor)),
        "annotation": _labels.annotation(await annotating.get(tx, actor, given.item_id)),
        "draft": draft.annotation if draft is not None else None,
    }


@router.post("/jobs/{job}/items/{item}/heartbeat", response_model=api.Lease, responses=_CONFLICT)
async def heartbeat(state: Here, actor: By, job: JobPath, item: WorkItemPath) -> Response:
    """Keep an item. When it is not one's own any more: 409."""
    async with state.db.changing() as tx:
        return encode.answer({"lease_until": await claiming.heartbeat(tx, actor, job, item)})


@router.post("/jobs/{job}/items/{item}/submit", response_model=api.Task, responses=_CONFLICT)
async def submit_item(change: Changing, job: JobPath, item: WorkItemPath, wanted: api.Submit | None = None) -> Response:
    """Hand an item in, with its labels if they come along. After the lease ran out: 409, and nothing is changed."""

    async def work(tx: Tx) -> Response:
        if wanted is not None and wanted.annotation is not None:
            await _label(tx, change.actor, job, item, wanted.annotation)
        (done,) = await claiming.submit(tx, change.actor, job, [item])
        return encode.answer(show.task(done))

    return await change.write(work)


async def _label(tx: Tx, actor: Actor, job: int, item: int, wanted: PutAnnotation) -> None:
    """Put an item's labels; whoever may not, because it is not with his job any more, is told that."""
    try:
        found = await media.get(tx, actor, item)
        await _labels.put(tx, actor, item, found.dataset_id, wanted)
    except (Forbidden, NotFound) as error:
        await claiming.submit(tx, actor, job, [item])  # refuses with the reason
        if isinstance(error, MediaNotFound):
            message = f"Item {item} left the queue for a moment, and nothing was handed in; ask for the next one."
            raise ItemLeftQueue(message, field="item_id", details={"item_ids": [item]}) from error
        raise


@router.post("/jobs/{job}/items/{item}/skip", response_model=api.Task, responses=_CONFLICT)
async def skip_item(change: Changing, job: JobPath, item: WorkItemPath, wanted: api.Skip | None = None) -> Response:
    """Hand an item back, behind all that wait; to oneself it does not come again, unless one wants that."""
    asked = wanted or api.Skip()

    async def work(tx: Tx) -> Response:
        done = await claiming.skip(tx, change.actor, job, item, for_me=asked.for_me, comment=asked.comment)
        return encode.answer(show.task(done))

    return await change.write(work)


@router.get("/jobs/{job}/items/{item}/draft", response_model=api.Draft)
async def get_draft(state: Here, actor: By, job: JobPath, item: WorkItemPath) -> Response:
    """Show what one drew on an item and has not handed in."""
    async with state.db.reading() as tx:
        found = await drafts.get(tx, actor, job, item)
    if found is None:
        message = "There is no draft of this item."
        raise NotFound(message)
    return encode.answer(_draft(found))


@router.put("/jobs/{job}/items/{item}/draft", response_model=api.Draft, responses=_CONFLICT)
async def put_draft(state: Here, actor: By, job: JobPath, item: WorkItemPath, wanted: api.PutDraft) -> Response:
    """Keep what one drew on an item, to go on with it later. It outlives the lease."""
    async with state.db.transaction() as tx:
        await drafts.save(tx, actor, job, item, wanted.annotation)
        found = await drafts.get(tx, actor, job, item)
    assert found is not None
    return encode.answer(_draft(found))


@router.delete("/jobs/{job}/items/{item}/draft", **_NO_CONTENT)
async def delete_draft(state: Here, actor: By, job: JobPath, item: WorkItemPath) -> Response:
    """Forget what one drew on an item."""
    async with state.db.transaction() as tx:
        await drafts.remove(tx, actor, job, item)
    return encode.empty()


def _draft(found: Draft) -> dict[str, Any]:
    return {"item": found.item_id, "annotation": found.annotation, "saved_at": found.saved_at}


@router.post("/jobs/{job}/submit", response_model=Page[api.Task], responses=_CONFLICT)
async def submit_items(change: Changing, job: JobPath, wanted: api.SubmitMany) -> Response:
    """Hand items in, all of them or none."""

    async def work(tx: Tx) -> Response:
        return _tasks(await claiming.submit(tx, change.actor, job, wanted.items))

    return await change.write(work)


@router.post("/jobs/{job}/release", response_model=Page[api.Task], responses=_CONFLICT)
async def release_items(change: Changing, job: JobPath, wanted: api.SubmitMany) -> Response:
    """Hand items back, each to its place among those that wait."""

    async def work(tx: Tx) -> Response:
        return _tasks(await claiming.release(tx, change.actor, job, wanted.items))

    return await change.write(work)


@router.post("/jobs/{job}/accept", response_model=Page[api.Task], responses=_CONFLICT)
async def accept_items(change: Changing, job: JobPath, wanted: api.Judge) -> Response:
    """Accept items in a reviewer's job, all of them or none."""

    async def work(tx: Tx) -> Response:
        return _tasks(await review.accept(tx, change.actor, job, wanted.items, comment=wanted.comment))

    return await change.write(work)


@router.post("/jobs/{job}/reject", response_model=Page[api.Task], responses=_CONFLICT)
async def reject_items(change: Changing, job: JobPath, wanted: api.Judge) -> Response:
    """Reject items in a reviewer's job: they go back to who labeled them."""

    async def work(tx: Tx) -> Response:
        return _tasks(await review.reject(tx, change.actor, job, wanted.items, comment=wanted.comment))

    return await change.write(work)


@router.post("/jobs/{job}/reopen", response_model=Page[api.Task], responses=_CONFLICT)
async def reopen_items(change: Changing, job: JobPath, wanted: api.Reopen) -> Response:
    """Take a decision back: items go to their labeler, or onto review, again."""

    async def work(tx: Tx) -> Response:
        return _tasks(await review.reopen(tx, change.actor, job, wanted.items, to=wanted.to))

    return await change.write(work)


def _tasks(found: Sequence[Task]) -> Response:
    return encode.answer({"rows": [show.task(one) for one in found], "next": None})


@router.get("/proofs", response_model=Page[api.Proof])
async def list_proofs(state: Here, actor: By, item: ItemQueries) -> Response:
    """List who labeled items and who accepted them, the newest review of each first."""
    async with state.db.reading() as tx:
        found = await proof.of_items(tx, actor, item)
    return encode.answer({"rows": [show.proof(one) for one in found], "next": None})
