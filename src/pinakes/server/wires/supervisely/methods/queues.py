"""Labeling queues: made over a collection or a dataset, looked at, pulled from."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pinakes.server.errors import CollectionNotFound, Invalid
from pinakes.server.labeling import claiming, queue_items, queues, statistics
from pinakes.server.labeling.queue_types import NewQueue
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.conditions import check_conditions, numbers, one, words
from pinakes.server.wires.supervisely.lists import Kind, Listing
from pinakes.server.wires.supervisely.queue_answers import item_json, queue_json, queue_statistics, task_json
from pinakes.server.wires.supervisely.queue_forms import QueueMeta, WorkMeta, state_of
from pinakes.server.wires.supervisely.values import Id, envelope, moment

METHODS = Methods()

PER_PAGE = 500
ITEMS_PER_PAGE = 25

# What queues and their items are found by, each with its operators.
FOUND_BY: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("id", "name", "projectId", "datasetId", "collectionId", "status", "createdBy"), ("=", "in")
)
ITEMS_FOUND_BY: dict[str, tuple[str, ...]] = {"id": ("=", "in"), "name": ("=", "in", "like", "ilike")}

# What items are put in order by, and what room `labeling` calls it.
SORTS = {
    "id": "id",
    "name": "name",
    "reviewStatus": "state",
    "annotationDuration": "labeling_seconds",
    "labelerTotalDuration": "labeling_seconds",
    "totalDuration": "total_seconds",
    "labelsCount": "label_count",
    "reviewedAt": "reviewed_at",
}


class Adding(Form):
    """A new queue."""

    name: str
    user_ids: list[Id] = Field(default_factory=list)
    reviewer_ids: list[Id] = Field(default_factory=list)
    reviewer_id: Id | None = None
    quality_check_user_ids: list[Id] | None = None
    meta: WorkMeta = Field(default_factory=WorkMeta)
    queue_meta: QueueMeta | None = None
    dataset_id: Id | None = None
    collection_id: Id | None = None
    readme: str | None = None
    description: str | None = None

    @property
    def reviewers(self) -> list[int]:
        """Everybody who is to review."""
        more = [] if self.reviewer_id is None or self.reviewer_id in self.reviewer_ids else [self.reviewer_id]
        return [*self.reviewer_ids, *more]


class Found(Listing):
    """The queues of a team."""

    team_id: Id | None = None


class Status(Form):
    """A queue's next status."""

    id: Id
    status: str


class Items(Listing):
    """What is in a queue; `entityStatus` limits it to some states."""

    id: Id
    entity_status: list[str | None] | None = None


class Skipping(Form):
    """An item that a labeler leaves to others: his job's number, and the item's."""

    id: Id
    entity_id: Id
    comment: str | None = None


class Joining(Form):
    """More people for a queue."""

    id: Id
    user_ids: list[Id] = Field(default_factory=list)
    reviewer_ids: list[Id] = Field(default_factory=list)
    quality_check_user_ids: list[Id] = Field(default_factory=list)


@METHODS.change("labeling-queues.add", Adding)
async def add(ctx: Context, asked: Adding) -> object:
    """Make a queue, with a job for everybody who labels or reviews."""
    if (asked.collection_id is None) == (asked.dataset_id is None):
        message = "collectionId: a queue is over one collection, or over one dataset (datasetId)."
        raise Invalid(message, field="collectionId")
    new = NewQueue(
        name=asked.name,
        collection_id=asked.collection_id,
        dataset_id=asked.dataset_id,
        labelers=asked.user_ids,
        reviewers=asked.reviewers,
        checkers=asked.quality_check_user_ids or [],
        settings=asked.meta.settings(asked.queue_meta),
        description=asked.description or "",
        readme=asked.readme or "",
        item_ids=asked.meta.item_ids,
        places=asked.meta.places,
    )
    return queue_json(await queues.create(ctx.tx, ctx.actor, new))


@METHODS.read("labeling-queues.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """One queue."""
    return queue_json(await queues.get(ctx.tx, ctx.actor, asked.id))


@METHODS.read("labeling-queues.list", Found)
async def listed(ctx: Context, asked: Found) -> object:
    """The queues of a team that one sees."""
    check_conditions(asked, FOUND_BY)
    size = asked.size(PER_PAGE)
    rows, total = await queues.page(
        ctx.tx,
        ctx.actor,
        account_id=asked.team_id,
        project_id=one(numbers(asked.only("projectId"))),
        dataset_id=one(numbers(asked.only("datasetId"))),
        collection_id=one(numbers(asked.only("collectionId"))),
        ids=numbers(asked.only("id")),
        names=words(asked.only("name")),
        statuses=words(asked.only("status")),
        created_by=one(numbers(asked.only("createdBy"))),
        limit=size,
        offset=asked.start(size),
    )
    return envelope([queue_json(queue) for queue in rows], total, size)


@METHODS.change("labeling-queues.set-status", Status)
async def set_status(ctx: Context, asked: Status) -> object:
    """Stop a queue, go on with it, or complete it."""
    return queue_json(await queues.set_status(ctx.tx, ctx.actor, asked.id, asked.status))


async def _up_to_date(ctx: Context, asked: ById | Items) -> None:
    """Have a queue's source be what it is now, which a snapshot could not write."""
    await queues.bring_up_to_date(ctx.tx, ctx.actor, [asked.id])


@METHODS.snapshot("labeling-queues.stats", ById, before=_up_to_date)
async def stats(ctx: Context, asked: ById) -> object:
    """How far a queue is."""
    return {"id": asked.id, **queue_statistics(await statistics.of_queue(ctx.tx, ctx.actor, asked.id))}


@METHODS.snapshot("labeling-queues.stats.entities", Items, before=_up_to_date)
async def items(ctx: Context, asked: Items) -> object:
    """What is in a queue, with states; a page is as long as is asked for, as the client reckons with that."""
    check_conditions_of_items(asked)
    size = asked.size(ITEMS_PER_PAGE, most=2**31 - 1)
    wanted = asked.entity_status
    try:
        page = await queue_items.of_queue(
            ctx.tx,
            ctx.actor,
            asked.id,
            states=None if wanted is None else [state for word in wanted for state in state_of(word)],
            item_ids=numbers(asked.only("id")),
            names=words(asked.only("name")),
            text=_text(asked),
            in_collection=_collection(asked, include=True),
            not_in_collection=_collection(asked, include=False),
            sort=_sort(asked),
            descending=asked.descending,
            limit=size,
            offset=asked.start(size),
        )
    except CollectionNotFound as error:
        message = "filters: there is no such collection."
        raise Invalid(message, field="filters") from error
    return {"total": page.total, "images": [item_json(item) for item in page.rows]}


# Pulling changes what is handed out, so it is no reading.
@METHODS.change("labeling-queues.entities.get-next", ById)
async def get_next(ctx: Context, asked: ById) -> object:
    """Hand the next item to the one whose job `id` is: to label, or to review; null when none is left."""
    given = await claiming.next_item(ctx.tx, ctx.actor, asked.id)
    return {"id": None} if given is None else {"id": given.item_id, "heldUntil": moment(given.lease_until)}


@METHODS.change("labeling-queues.entities.skip", Skipping)
async def skip(ctx: Context, asked: Skipping) -> object:
    """Leave an item to others (`id` is the job's)."""
    return task_json(await claiming.skip(ctx.tx, ctx.actor, asked.id, asked.entity_id, comment=asked.comment))


@METHODS.change("labeling-queues.users.add", Joining)
async def join(ctx: Context, asked: Joining) -> object:
    """Have more people work in a queue; who is in it already keeps his job."""
    queue = await queues.add_people(
        ctx.tx,
        ctx.actor,
        asked.id,
        labelers=asked.user_ids,
        reviewers=asked.reviewer_ids,
        checkers=asked.quality_check_user_ids,
    )
    return queue_json(queue)


def check_conditions_of_items(asked: Items) -> None:
    """Refuse conditions on items that nobody would look at."""
    check_conditions(asked.model_copy(update={"sort": None, "sort_order": None}), ITEMS_FOUND_BY)
    for kind in asked.filters or ():
        if kind.type != "entities_collection" or not isinstance(kind.data.get("collectionId"), int):
            message = "filters: items of a queue are found by entities_collection with a collectionId."
            raise Invalid(message, field="filters")


def _text(asked: Items) -> str | None:
    """Read what names have to contain."""
    found = [str(each.value) for each in asked.filter or () if each.field == "name" and each.op in {"like", "ilike"}]
    if len(found) > 1:
        message = "filter: one condition on a part of the name is enough."
        raise Invalid(message, field="filter")
    return found[0].strip("%") if found else None


def _collection(asked: Items, *, include: bool) -> int | None:
    found = [kind.data["collectionId"] for kind in asked.filters or () if _includes(kind) == include]
    if len(found) > 1:
        message = "filters: one collection to be in, and one not to be in."
        raise Invalid(message, field="filters")
    return found[0] if found else None


def _includes(kind: Kind) -> bool:
    return kind.data.get("include") is not False


def _sort(asked: Items) -> Any:  # noqa: ANN401 - one of the room's words
    if asked.sort is None:
        return None
    if asked.sort not in SORTS:
        message = f"sort: it is one of {', '.join(SORTS)}."
        raise Invalid(message, field="sort")
    return SORTS[asked.sort]
