"""How queues, jobs and what is in them are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinakes.server.labeling.queue_types import (
    ClassStatistics,
    Job,
    JobStatistics,
    PersonPart,
    Queue,
    QueueItem,
    QueueStatistics,
    Task,
)
from pinakes.server.wires.supervisely.queue_forms import WORDS, meta_json
from pinakes.server.wires.supervisely.values import moment

Json = dict[str, Any]

TYPES = {"annotate": "annotation", "review": "review", "check": "quality_check"}


def queue_json(queue: Queue) -> Json:
    """A queue; its counts are null for those who only work in it."""
    counts = queue.counts
    return {
        "id": queue.id,
        "name": queue.name,
        "description": queue.description,
        "readme": queue.readme,
        "teamId": queue.account_id,
        "workspaceId": queue.workspace_id,
        "projectId": queue.project_id,
        "projectTitle": queue.project,
        "datasetId": queue.dataset_id,
        "datasetTitle": queue.dataset,
        "collectionId": queue.collection_id,
        "createdBy": queue.created_by_id,
        "managerLogin": queue.created_by,
        "labelers": [_person(person) for person in queue.labelers],
        "reviewers": [_person(person) for person in queue.reviewers],
        "qualityCheckUsers": [_person(person) for person in queue.checkers],
        "createdAt": moment(queue.created_at),
        "startedAt": moment(queue.started_at),
        "finishedAt": moment(queue.finished_at),
        "status": queue.status,
        "jobs": [{"id": person.job_id, "userId": person.id, "type": TYPES[person.part]} for person in queue.people],
        "entitiesCount": counts and counts.entities,
        "acceptedCount": counts and counts.accepted,
        "annotatedCount": counts and counts.annotated,
        "inProgressCount": counts and counts.in_progress,
        "pendingCount": counts and counts.pending,
        "onReviewCount": counts and counts.on_review,
        "rejectedCount": counts and counts.rejected,
        "meta": meta_json(queue.settings),
        "queueMeta": {
            "reviewOwnAnnotationsAvailable": queue.settings.review_own,
            "skipCompleteAnnotationJobOnEmpty": queue.settings.keep_open_on_empty,
        },
    }


def _person(person: PersonPart) -> Json:
    return {"id": person.id, "login": person.login}


def job_json(job: Job, items: Sequence[QueueItem] | None = None) -> Json:
    """A job; with its items, where they are given."""
    found: Json = {
        "id": job.id,
        "name": job.name,
        "readme": job.readme,
        "description": job.description,
        "teamId": job.account_id,
        "workspaceId": job.workspace_id,
        "workspaceTitle": job.workspace,
        "projectId": job.project_id,
        "projectTitle": job.project,
        "datasetId": job.dataset_id,
        "datasetTitle": job.dataset,
        "collectionId": job.collection_id,
        "createdBy": job.created_by_id,
        "managerLogin": job.created_by,
        "userId": job.user_id,
        "labelerLogin": job.user,
        "reviewerId": job.reviewer_id,
        "reviewerLogin": job.reviewer,
        "createdAt": moment(job.created_at),
        "startedAt": moment(job.started_at),
        "finishedAt": moment(job.finished_at),
        "status": job.status,
        "disabled": job.disabled or job.archived_at is not None,
        "type": TYPES[job.part],
        "labelingQueueId": None if job.direct else job.queue_id,
        "labelingExamId": None,
        "imagesCount": job.counts.items,
        "finishedImagesCount": job.counts.finished,
        "rejectedImagesCount": job.counts.rejected,
        "acceptedImagesCount": job.counts.accepted,
        "progressImagesCount": job.counts.held,
        "meta": meta_json(job.settings),
        "priority": None,
        "customData": job.custom_data,
    }
    if items is not None:
        found["entities"] = [
            {"id": each.item_id, "name": each.name, "reviewStatus": WORDS[each.state]} for each in items
        ]
    return found


def item_json(item: QueueItem) -> Json:
    """An item of a queue: its state, whose it is, how long it took."""
    return {
        "id": item.item_id,
        "name": item.name,
        "datasetId": item.dataset_id,
        "reviewStatus": WORDS[item.state],
        "jobId": item.job_id,
        "labelerId": item.labeler_id,
        "labelerLogin": item.labeler,
        "reviewerId": item.reviewer_id,
        "reviewerLogin": item.reviewer,
        "labelsCount": item.label_count,
        "priority": item.priority,
        "rejectionsCount": item.rejections,
        "comment": item.comment,
        "annotationDuration": item.labeling_seconds,
        "labelerTotalDuration": item.labeling_seconds,
        "reviewDuration": item.review_seconds,
        "totalDuration": item.labeling_seconds + item.review_seconds,
        "givenAt": moment(item.given_at),
        "submittedAt": moment(item.submitted_at),
        "reviewedAt": moment(item.reviewed_at),
    }


def task_json(task: Task) -> Json:
    """What became of an item by a status call."""
    return {
        "id": task.item_id,
        "entityId": task.item_id,
        "jobId": task.job_id,
        "reviewStatus": WORDS[task.state],
        "comment": task.comment,
    }


def queue_statistics(found: QueueStatistics) -> Json:
    """How far a queue is, and who did what."""
    counts = found.counts
    return {
        "entitiesCount": counts.entities,
        "pendingCount": counts.pending,
        "inProgressCount": counts.in_progress,
        "onReviewCount": counts.on_review,
        "annotatedCount": counts.annotated,
        "acceptedCount": counts.accepted,
        "rejectedCount": counts.rejected,
        "rejectionsCount": found.rejections,
        "annotationDuration": found.labeling_seconds,
        "reviewDuration": found.review_seconds,
        "agreement": found.agreement,
    }


def job_statistics(found: JobStatistics) -> Json:
    """How far a job is: by class and by tag."""
    job = found.job
    return {
        "job": {
            "id": job.id,
            "name": job.name,
            "startedAt": moment(job.started_at),
            "finishedAt": moment(job.finished_at),
            "imagesCount": job.counts.items,
            "finishedImagesCount": job.counts.finished,
            "editingDuration": found.labeling_seconds + found.review_seconds,
            "annotationDuration": found.labeling_seconds,
            "tagsStats": [
                {"id": tag.id, "name": tag.name, "color": tag.color, "images": tag.items, "figures": tag.figures}
                for tag in found.tags
            ],
        },
        "classes": [_class(each) for each in found.classes],
    }


def _class(found: ClassStatistics) -> Json:
    return {
        "id": found.id,
        "name": found.name,
        "color": found.color,
        "shape": found.shape,
        "imagesCount": found.items,
        "labelsCount": found.labels,
        "totalDuration": found.seconds,
        "avgDuration": found.seconds / found.labels if found.labels else 0.0,
    }
