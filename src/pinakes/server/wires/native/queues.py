"""Labeling queues over the native API: what is worked on, by whom, and how it stands. The work itself: see `jobs`.

All below `/api/v1`; the types are those of `pinakes.api.queues`.

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
| GET /proofs `?item*` | → Page[Proof] |
"""

from __future__ import annotations

import csv
from collections.abc import AsyncGenerator
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from starlette.responses import StreamingResponse

from pinakes.api import media as media_api, queues as api
from pinakes.api.common import MAX_INT4, STORABLE, Page
from pinakes.server.actor import Actor
from pinakes.server.collections import service as collections
from pinakes.server.db import Tx
from pinakes.server.labeling import proof, queues, statistics
from pinakes.server.labeling.queue_types import NewQueue, Queue, QueueChanges
from pinakes.server.paging import decode_cursor, encode_cursor
from pinakes.server.people import service as people
from pinakes.server.permissions.service import require_sign_in
from pinakes.server.wires.native import _media, _queues as show, encode
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native._media import Descending, ProjectQuery
from pinakes.server.wires.native._queues import AccountQuery, States, Statuses
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router
from pinakes.server.wires.native.media import CollectionQuery, DatasetQuery, Names

router = make_router("queues")

QueuePath = Annotated[int, Path(alias="queue", ge=1, le=MAX_INT4, description="The queue's number.")]
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

_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}


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
            states=show.states(states),
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


@router.get("/proofs", response_model=Page[api.Proof])
async def list_proofs(state: Here, actor: By, item: ItemQueries) -> Response:
    """List who labeled items and who accepted them, the newest review of each first."""
    async with state.db.reading() as tx:
        found = await proof.of_items(tx, actor, item)
    return encode.answer({"rows": [show.proof(one) for one in found], "next": None})
