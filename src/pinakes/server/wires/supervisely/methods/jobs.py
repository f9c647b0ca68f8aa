"""Labeling jobs: one person's part in a queue, or some items of a dataset that he was given without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

from pydantic import Field

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.labeling import jobs, queue_items, review, statistics
from pinakes.server.labeling.queue_types import NewJobs, QueueItem
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.conditions import check_conditions, given, numbers, one, words
from pinakes.server.wires.supervisely.lists import Listing
from pinakes.server.wires.supervisely.queue_answers import item_json, job_json, job_statistics, task_json
from pinakes.server.wires.supervisely.queue_forms import WorkMeta
from pinakes.server.wires.supervisely.values import OK, Id, envelope

METHODS = Methods()

PER_PAGE = 500
AT_ONCE = 10_000

EQUAL = ("=", "in")
FOUND_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("id", "name", "createdBy", "userId", "reviewerId", "projectId", "datasetId", "labelingQueueId"), EQUAL
    ),
    "status": (*EQUAL, "!=", "!in"),
}


class Adding(Form):
    """New jobs: the items of a dataset, dealt out to people."""

    name: str
    dataset_id: Id
    user_ids: list[Id]
    reviewer_id: Id | None = None
    meta: WorkMeta = Field(default_factory=WorkMeta)
    readme: str | None = None
    description: str | None = None


class Found(Listing):
    """The jobs of a team."""

    team_id: Id | None = None
    show_disabled: bool | None = None


class Status(Form):
    """A job's next status."""

    id: Id
    status: str


class ByIds(Form):
    """Several jobs."""

    ids: list[Id]


class Editing(Form):
    """Other facts of a job; what is left out stays."""

    id: Id
    name: str | None = None
    description: str | None = None
    readme: str | None = None
    user_id: Id | None = None
    reviewer_id: Id | None = None
    custom_data: dict[str, Any] | None = None


class Judging(Form):
    """What an item of a job is from now on."""

    job_id: Id
    entity_id: Id
    status: str
    comment: str | None = None


class Rejecting(Form):
    """All items of a job, or those that nobody has decided."""

    id: Id
    mode: Literal["all", "unmarked"] = "all"


class Restarting(Form):
    """New jobs of what was rejected."""

    id: Id
    user_ids: list[Id] | None = None
    reviewer_id: Id | None = None
    complete_existing: bool | None = None
    name: str | None = None


@METHODS.change("jobs.add", Adding)
async def add(ctx: Context, asked: Adding) -> object:
    """Deal the items of a dataset out, a job for each person."""
    new = NewJobs(
        dataset_id=asked.dataset_id,
        labelers=asked.user_ids,
        name=asked.name,
        reviewer_id=asked.reviewer_id,
        item_ids=asked.meta.item_ids,
        places=asked.meta.places,
        settings=asked.meta.settings(),
        description=asked.description or "",
        readme=asked.readme or "",
    )
    return [{"id": job.id} for job in await jobs.create(ctx.tx, ctx.actor, new)]


@METHODS.snapshot("jobs.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """One job, with its items."""
    job = await jobs.get(ctx.tx, ctx.actor, asked.id)
    return job_json(job, await _items(ctx, asked.id))


@METHODS.snapshot("jobs.list", Found)
async def listed(ctx: Context, asked: Found) -> object:
    """The jobs of a team that one sees, without their items."""
    check_conditions(asked, FOUND_BY)
    size = asked.size(PER_PAGE)
    without_queue, queue_ids = _queues(asked)
    rows, total = await jobs.page(
        ctx.tx,
        ctx.actor,
        account_id=asked.team_id,
        user_id=one(numbers(asked.only("userId"))),
        reviewer_id=one(numbers(asked.only("reviewerId"))),
        created_by=one(numbers(asked.only("createdBy"))),
        project_id=one(numbers(asked.only("projectId"))),
        dataset_id=one(numbers(asked.only("datasetId"))),
        queue_ids=queue_ids,
        direct=True if without_queue else None,
        statuses=words(asked.only("status")),
        not_statuses=words(asked.only("status", "!=", "!in")),
        ids=numbers(asked.only("id")),
        names=words(asked.only("name")),
        archived=bool(asked.show_disabled),
        limit=size,
        offset=asked.start(size),
    )
    return envelope([job_json(job) for job in rows], total, size)


@METHODS.change("jobs.set-status", Status)
async def set_status(ctx: Context, asked: Status) -> object:
    """Begin a job, hand it in, complete it."""
    return job_json(await jobs.set_status(ctx.tx, ctx.actor, asked.id, asked.status))


class _Verb(Protocol):
    def __call__(self, tx: Tx, actor: Actor, job_id: int) -> Awaitable[object]: ...


def _plain(verb: _Verb) -> Callable[[Context, ById], Awaitable[object]]:
    async def run(ctx: Context, asked: ById) -> object:
        await verb(ctx.tx, ctx.actor, asked.id)
        return OK

    return run


METHODS.change("jobs.stop", ById)(_plain(jobs.stop))
METHODS.change("jobs.archive", ById)(_plain(jobs.archive))


@METHODS.change("jobs.bulk.remove", ByIds)
async def remove(ctx: Context, asked: ByIds) -> object:
    """Remove jobs."""
    await jobs.remove(ctx.tx, ctx.actor, asked.ids)
    return OK


@METHODS.change("jobs.editInfo", Editing)
async def edit(ctx: Context, asked: Editing) -> object:
    """Give a job to somebody else, another name, other data of the client's own."""
    job = await jobs.update(
        ctx.tx,
        ctx.actor,
        asked.id,
        user_id=asked.user_id,
        reviewer_id=asked.reviewer_id,
        custom_data=asked.custom_data,
        name=asked.name,
        description=asked.description,
        readme=asked.readme,
    )
    return job_json(job)


@METHODS.change("jobs.entities.update-review-status", Judging)
async def judge(ctx: Context, asked: Judging) -> object:
    """Hand an item in, accept it, reject it."""
    task = await review.set_status(
        ctx.tx, ctx.actor, asked.job_id, asked.entity_id, asked.status, comment=asked.comment
    )
    return task_json(task)


@METHODS.change("jobs.reject", Rejecting)
async def reject(ctx: Context, asked: Rejecting) -> object:
    """Reject what is in a job."""
    return {"success": True, "count": await review.reject_job(ctx.tx, ctx.actor, asked.id, asked.mode)}


@METHODS.change("jobs.restart", Restarting)
async def restart(ctx: Context, asked: Restarting) -> object:
    """Make new jobs of what was rejected in one."""
    made = await jobs.restart(
        ctx.tx,
        ctx.actor,
        asked.id,
        labelers=asked.user_ids,
        reviewer_id=asked.reviewer_id,
        complete_existing=bool(asked.complete_existing),
        name=asked.name,
    )
    return [{"id": job.id} for job in made]


@METHODS.snapshot("jobs.stats", ById)
async def stats(ctx: Context, asked: ById) -> object:
    """How far a job is, by class, by tag and by item."""
    found = await statistics.of_job(ctx.tx, ctx.actor, asked.id)
    items = await _items(ctx, asked.id)
    return {**job_statistics(found), "images": {"total": len(items), "images": [item_json(item) for item in items]}}


async def _items(ctx: Context, job_id: int) -> list[QueueItem]:
    """All items of a job."""
    rows: list[QueueItem] = []
    while True:
        page = await queue_items.of_job(ctx.tx, ctx.actor, job_id, limit=AT_ONCE, offset=len(rows))
        rows += page.rows
        if len(page.rows) < AT_ONCE:
            return rows


def _queues(asked: Found) -> tuple[bool, list[int] | None]:
    """Tell whether only jobs without a queue are wanted, else which queues' jobs."""
    conditions = given(asked, "labelingQueueId")
    if any(condition.value is None for condition in conditions):
        return True, None
    return False, numbers(asked.only("labelingQueueId"))
