"""How queues, jobs and their items look over the native API, and what their modules share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query

from pinakes.api import queues as api
from pinakes.api.common import AccountName
from pinakes.server.actor import Actor
from pinakes.server.collections import change
from pinakes.server.db import Tx
from pinakes.server.labeling.queue_types import (
    Counts,
    Given,
    ItemTag,
    Job,
    JobStatistics,
    LogLine,
    Proof,
    Queue,
    QueueItem,
    QueueSettings,
    QueueStatistics,
    Task,
)
from pinakes.server.people import service as people
from pinakes.server.wires.native import _media

Json = dict[str, Any]

AccountQuery = Annotated[AccountName | None, Query(description="Only those of this account.")]
Statuses = Annotated[list[api.Status] | None, Query(alias="status", description="Any of these.")]
States = Annotated[list[api.StateOrWaiting] | None, Query(alias="state", description="Any of these.")]


def states(asked: Sequence[api.StateOrWaiting] | None) -> list[str | None] | None:
    """Read which states are asked for; what waits has none."""
    return None if asked is None else [None if one == "waiting" else one for one in asked]


async def public_ids(tx: Tx, actor: Actor, numbers: Iterable[int | None]) -> dict[int, str]:
    """Return the ids of collections, of those that the reader sees, by their numbers."""
    wanted = sorted({number for number in numbers if number is not None})
    found = await change.views(tx, actor, wanted) if wanted else {}
    return {number: one.public_id for number, one in found.items()}


async def user_ids(tx: Tx, names: Sequence[str]) -> list[int]:
    """Return the numbers of users, by their names."""
    return [(await people.user(tx, name)).id for name in dict.fromkeys(names)]


async def user_id(tx: Tx, name: str | None) -> int | None:
    """Return the number of a user, if one is named."""
    return (await people.user(tx, name)).id if name is not None else None


def new_settings(wanted: api.QueueSettings) -> QueueSettings:
    """Read how a queue is to work."""
    values = wanted.model_dump(exclude={"item_tags"})
    return QueueSettings(item_tags=[ItemTag(one.name, one.positive) for one in wanted.item_tags], **values)


def settings(found: QueueSettings) -> Json:
    """Encode how a queue works."""
    return {
        "classes": [*found.classes],
        "tags": [*found.tags],
        "item_tags": [{"name": one.name, "positive": one.positive} for one in found.item_tags],
        "figures_limit": found.figures_limit,
        "tags_limit": found.tags_limit,
        "dynamic_classes": found.dynamic_classes,
        "dynamic_tags": found.dynamic_tags,
        "hide_author": found.hide_author,
        "review_own": found.review_own,
        "keep_open_on_empty": found.keep_open_on_empty,
        "quality_check": found.quality_check,
        "extras": found.extras,
    }


def counts(found: Counts) -> Json:
    """Encode how a queue stands."""
    return {
        "items": found.entities,
        "pending": found.pending,
        "in_progress": found.in_progress,
        "on_review": found.on_review,
        "annotated": found.annotated,
        "accepted": found.accepted,
        "rejected": found.rejected,
        "skipped": found.skipped,
    }


def queue(found: Queue, actor: Actor, collections: Mapping[int, str]) -> Json:
    """Encode a queue; `collections` are the ids of collections by their numbers."""
    return {
        "id": found.id,
        "account": found.account,
        "project": found.project_id,
        "project_name": found.project,
        "data_type": found.data_type,
        "collection": collections.get(found.collection_id or 0),
        "collection_name": found.collection,
        "dataset": found.dataset_id,
        "dataset_name": found.dataset,
        "name": found.name,
        "description": found.description,
        "readme": found.readme,
        "status": found.status,
        "settings": settings(found.settings),
        "overlap": found.overlap,
        "blind": found.blind,
        "lease_seconds": found.lease_seconds,
        "people": [{"user": one.login, "part": one.part, "job": one.job_id} for one in found.people],
        "counts": counts(found.counts) if found.counts is not None else None,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "can": _media.can(actor, found.account_id, "private", "queue:", "label:"),
    }


def job(found: Job, collections: Mapping[int, str]) -> Json:
    """Encode a job."""
    return {
        "id": found.id,
        "queue": None if found.direct else found.queue_id,
        "part": found.part,
        "account": found.account,
        "project": found.project_id,
        "project_name": found.project,
        "data_type": found.data_type,
        "dataset": found.dataset_id,
        "dataset_name": found.dataset,
        "collection": collections.get(found.collection_id or 0),
        "name": found.name,
        "description": found.description,
        "readme": found.readme,
        "status": found.status,
        "settings": settings(found.settings),
        "user": found.user,
        "reviewer": found.reviewer,
        "custom_data": found.custom_data,
        "disabled": found.disabled,
        "counts": asdict(found.counts),
        "created_by": found.created_by,
        "created_at": found.created_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "archived_at": found.archived_at,
    }


def task(found: Task) -> Json:
    """Encode where an item stands after a step."""
    return {
        "queue": found.queue_id,
        "item": found.item_id,
        "round": found.round,
        "state": found.state,
        "job": found.job_id,
        "review_job": found.review_job_id,
        "lease_until": found.lease_until,
        "priority": found.priority,
        "rejections": found.rejections,
        "comment": found.comment,
        "given_at": found.given_at,
        "submitted_at": found.submitted_at,
        "reviewed_at": found.reviewed_at,
    }


def given(found: Given) -> Json:
    """Encode what somebody was given."""
    return {
        "item": found.item_id,
        "round": found.round,
        "state": found.state,
        "lease_until": found.lease_until,
        "lease_seconds": found.lease_seconds,
    }


def queue_item(found: QueueItem) -> Json:
    """Encode an item of a queue."""
    return {
        "item": found.item_id,
        "name": found.name,
        "kind": found.kind,
        "dataset": found.dataset_id,
        "label_count": found.label_count,
        "state": found.state,
        "round": found.round,
        "job": found.job_id,
        "labeler": found.labeler,
        "reviewer": found.reviewer,
        "priority": found.priority,
        "rejections": found.rejections,
        "comment": found.comment,
        "given_at": found.given_at,
        "submitted_at": found.submitted_at,
        "reviewed_at": found.reviewed_at,
        "labeling_seconds": found.labeling_seconds,
        "review_seconds": found.review_seconds,
    }


def statistics(found: QueueStatistics) -> Json:
    """Encode what a queue came to."""
    people_of = [{name: value for name, value in asdict(one).items() if name != "user_id"} for one in found.people]
    return {
        "counts": counts(found.counts),
        "rejections": found.rejections,
        "labeling_seconds": found.labeling_seconds,
        "review_seconds": found.review_seconds,
        "people": people_of,
        "agreement": found.agreement,
    }


def job_statistics(found: JobStatistics, collections: Mapping[int, str]) -> Json:
    """Encode what a job came to."""
    return {
        "job": job(found.job, collections),
        "labeling_seconds": found.labeling_seconds,
        "review_seconds": found.review_seconds,
        "classes": [asdict(one) for one in found.classes],
        "tags": [asdict(one) for one in found.tags],
    }


def log_line(found: LogLine) -> Json:
    """Encode one step of an item."""
    return {
        "item": found.item_id,
        "round": found.round,
        "at": found.at,
        "verb": found.verb,
        "actor": found.actor,
        "job": found.job_id,
        "seconds": found.seconds,
        "comment": found.comment,
    }


def proof(found: Proof) -> Json:
    """Encode who labeled an item and who accepted it."""
    return {
        "item": found.item_id,
        "queue": found.queue_id,
        "queue_name": found.queue,
        "state": found.state,
        "round": found.round,
        "labeler": found.labeler,
        "submitted_at": found.submitted_at,
        "reviewer": found.reviewer,
        "reviewed_at": found.reviewed_at,
        "present": found.present,
    }
