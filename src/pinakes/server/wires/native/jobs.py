"""Jobs over the native API: who has which, and the work in them.

Whoever works does so in a job of his (`people` of a queue says which it is): he asks for the `next` item, which is his
until its lease runs out, keeps it by heartbeats, and submits or skips it; a reviewer accepts or rejects. All below
`/api/v1`; the types are those of `pinakes.api.queues`.

| route | body → answer |
| --- | --- |
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
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query, Response

from pinakes.api import queues as api
from pinakes.api.common import MAX_INT4, Page
from pinakes.api.labels import PutAnnotation
from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Forbidden, ItemLeftQueue, MediaNotFound, NotFound
from pinakes.server.labeling import claiming, drafts, jobs, review, statistics
from pinakes.server.labeling.queue_types import Draft, Given, Job, NewJobs, Seen, Task
from pinakes.server.people import service as people
from pinakes.server.permissions.service import require_sign_in
from pinakes.server.wires.native import _labels, _media, _queues as show, encode
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native._media import ProjectQuery
from pinakes.server.wires.native._queues import AccountQuery, States, Statuses
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router
from pinakes.server.wires.native.media import DatasetQuery

router = make_router("queues")

JobPath = Annotated[int, Path(alias="job", ge=1, le=MAX_INT4, description="The job's number.")]
WorkItemPath = Annotated[int, Path(alias="item", ge=1, le=MAX_INT4, description="The item's number.")]

_TRIES = 10
_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}


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
        page = await jobs.items(tx, actor, job, states=show.states(states), limit=limit, offset=offset)
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
                return encode.answer(_shown(given, await claiming.look(tx.alone, actor, job, given.item_id), actor))
            except NotFound:
                # It left the queue just after it was given: the next one, then.
                if not tries_left:
                    raise
    return encode.answer({"given": None, "medium": None, "annotation": None, "draft": None})


def _shown(given: Given, seen: Seen, actor: Actor) -> dict[str, Any]:
    return {
        "given": show.given(given),
        "medium": _media.medium(seen.medium, _media.Rights(actor)),
        "annotation": _labels.annotation(seen.annotation),
        "draft": seen.medium.draft,
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
            await tx.together()
            await _label(tx, change.actor, job, item, wanted.annotation)
        (done,) = await claiming.submit(tx, change.actor, job, [item])
        return encode.answer(show.task(done))

    return await change.write(work)


async def _label(tx: Tx, actor: Actor, job: int, item: int, wanted: PutAnnotation) -> None:
    """Put an item's labels; whoever may not, because it is not with his job any more, is told that."""
    try:
        await _labels.put(tx, actor, item, wanted)
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
    async with state.db.changing() as tx:
        return encode.answer(_draft(await drafts.save(tx, actor, job, item, wanted.annotation)))


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
