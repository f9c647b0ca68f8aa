"""What was done in a team, as its managers read it: `teams.activity`.

The client has names for what is done to figures and to tags on things, and none for objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pinakes.server.errors import Invalid
from pinakes.server.labeling import activity
from pinakes.server.labeling.activity_types import Deed
from pinakes.server.wires.supervisely.calls import Context, Methods
from pinakes.server.wires.supervisely.conditions import check_conditions, given, numbers, words
from pinakes.server.wires.supervisely.methods.users import OfTeam
from pinakes.server.wires.supervisely.values import envelope, moment

METHODS = Methods()

PER_PAGE = 500
EQUAL = ("=", "in")
FOUND_BY: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("userId", "projectId", "jobId", "type", "labelerId", "reviewStatus"), EQUAL),
    "date": (">=", "<="),
}

JUDGED = "image_review_status_updated"
TIMED = "annotation_duration"
# What this server calls what was done, and what the client does. What it calls otherwise, there is none of here.
ACTIONS: Mapping[str, str] = {
    "item.created": "create_project",
    "project.updated": "update_project",
    "project.renamed": "update_project",
    "project.moved": "update_project",
    "project.shown": "update_project",
    "project.hidden": "update_project",
    "project.deleted": "disable_project",
    "dataset.created": "create_dataset",
    "dataset.updated": "update_dataset",
    "dataset.moved": "update_dataset",
    "dataset.removed": "disable_dataset",
    "media.added": "create_image",
    "media.updated": "update_image",
    "media.moved": "update_image",
    "media.ordered": "update_image",
    "media.removed": "disable_image",
    "media.restored": "restore_image",
    "classes.added": "create_class",
    "class.changed": "update_class",
    "meta.replaced": "update_class",
    "classes.removed": "disable_class",
    "figure.created": "create_figure",
    "figure.changed": "update_figure",
    "figure.removed": "disable_figure",
    "figure.restored": "restore_figure",
    "tag.attached": "attach_tag",
    "tags.put": "attach_tag",
    "tag.reset": "update_tag_value",
    "tags.taken": "detach_tag",
    "workspace.created": "create_workspace",
    "workspace.archived": "disable_workspace",
    "member.added": "add_member",
    "member.removed": "remove_member",
    "work.submitted": JUDGED,
    "work.accepted": JUDGED,
    "work.rejected": JUDGED,
    "work.checked": JUDGED,
    "work.timed": TIMED,
}
STATUSES = {
    "work.submitted": "done",
    "work.accepted": "accepted",
    "work.rejected": "rejected",
    "work.checked": "quality_check_accepted",
}


@METHODS.read("teams.activity", OfTeam)
async def listed(ctx: Context, asked: OfTeam) -> object:
    """List what was done in a team, the newest first."""
    check_conditions(asked, FOUND_BY)
    size = asked.size(PER_PAGE)
    rows, total = await activity.page(
        ctx.tx,
        ctx.actor,
        asked.team_id,
        _verbs(asked),
        actors=numbers(asked.only("userId")),
        projects=numbers(asked.only("projectId")),
        jobs=numbers(asked.only("jobId")),
        labelers=numbers(asked.only("labelerId")),
        since=max(_moments(asked, ">="), default=None),
        until=min(_moments(asked, "<="), default=None),
        limit=size,
        offset=asked.start(size),
    )
    return envelope([deed_json(row) for row in rows], total, size)


def deed_json(deed: Deed) -> dict[str, Any]:
    """Something that was done; what the record does not tell of it is null."""
    return {
        "userId": deed.actor_id,
        "action": ACTIONS[deed.verb],
        "date": moment(deed.at),
        "user": deed.actor,
        "projectId": deed.project_id,
        "project": deed.project,
        "datasetId": deed.dataset_id,
        "dataset": deed.dataset,
        "imageId": deed.item_id,
        "image": deed.item,
        "classId": deed.class_id,
        "class": deed.label_class,
        "figureId": deed.figure_id,
        "job": deed.job,
        "jobId": deed.job_id,
        "tag": deed.tag,
        "tagId": deed.tag_id,
        "meta": _meta(deed),
    }


def _meta(deed: Deed) -> dict[str, Any]:
    if deed.verb in STATUSES:
        return {"reviewStatus": STATUSES[deed.verb], **deed.facts}
    return {"duration": deed.seconds} if ACTIONS[deed.verb] == TIMED else deed.facts


def _verbs(asked: OfTeam) -> set[str]:
    """Return what this server calls the actions and the review statuses that are asked for."""
    actions, statuses = words(asked.only("type")), words(asked.only("reviewStatus"))
    found = {verb for verb, action in ACTIONS.items() if actions is None or action in actions}
    return found if statuses is None else {verb for verb in found if STATUSES.get(verb) in statuses}


def _moments(asked: OfTeam, operator: str) -> list[datetime]:
    """Read the dates of conditions; one without a zone is UTC."""
    found: list[datetime] = []
    for condition in given(asked, "date"):
        if condition.op != operator:
            continue
        try:
            read = datetime.fromisoformat(condition.value)
            found.append(read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC))
        except (TypeError, ValueError, OverflowError) as error:
            message = "filter: a date is written as in 2026-11-20T21:00:37Z."
            raise Invalid(message, field="filter") from error
    return found
