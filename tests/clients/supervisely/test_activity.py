"""What was done in a team, through `api.team.get_activity` and `api.labeling_job.get_activity`."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from clients.supervisely.studio import HTTPError, Place, unique

actions: Any = import_module("supervisely.api.team_api").ActivityAction


@pytest.fixture
def job(place: Place) -> Any:  # noqa: ANN401 - the client's class
    """A job of three images: one is accepted, one rejected, one is not begun."""
    ids, team = place.ids(3), place.team
    (made,) = place.api.labeling_job.create(
        unique("job"), place.train.id, [team.anna.id], reviewer_id=team.rita.id, classes_to_label=["car"]
    )
    for item, status in zip(ids, ("accepted", "rejected"), strict=False):
        team.anna.api.labeling_job.set_entity_review_status(made.id, item, "done")
        team.rita.api.labeling_job.set_entity_review_status(made.id, item, status)
    return made


def test_what_was_done_in_a_project(place: Place, job: Any) -> None:  # noqa: ANN401 - the client's class
    """S1-37: the newest first, with the fields that the client's documentation shows."""
    done = place.api.team.get_activity(place.team.id, filter_project_id=place.project.id)
    assert [one["date"] for one in done] == sorted((one["date"] for one in done), reverse=True)
    count = Counter(one["action"] for one in done)
    assert count[actions.CREATE_PROJECT] == 1
    assert count[actions.CREATE_DATASET] == 2
    assert count[actions.UPDATE_CLASS] >= 1
    assert count[actions.CREATE_IMAGE] >= 1
    assert count[actions.IMAGE_REVIEW_STATUS_UPDATED] == 4
    assert count[actions.ANNOTATION_DURATION] == 2
    first = done[0]
    assert set(first) == {
        "userId", "action", "date", "user", "projectId", "project", "datasetId", "dataset", "imageId", "image",
        "classId", "class", "figureId", "job", "jobId", "tag", "tagId", "meta",
    }  # fmt: skip
    assert (first["action"], first["meta"]) == (actions.IMAGE_REVIEW_STATUS_UPDATED, {"reviewStatus": "rejected"})
    assert (first["user"], first["userId"]) == (place.team.rita.name, place.team.rita.id)
    assert (first["project"], first["dataset"], first["jobId"]) == (place.project.name, "train", job.id)


def test_by_each_filter(place: Place, job: Any) -> None:  # noqa: ANN401 - the client's class
    """Those that the client has: user, project, job, actions, dates, labeler and review status."""
    api, team = place.api.team, place.team
    judged = [actions.IMAGE_REVIEW_STATUS_UPDATED]
    hers = api.get_activity(team.id, filter_job_id=job.id, filter_user_id=team.rita.id)
    assert [one["meta"]["reviewStatus"] for one in hers] == ["rejected", "accepted"]
    of_job = place.api.labeling_job.get_activity(team.id, job.id)
    assert set(of_job["action"]) == {actions.IMAGE_REVIEW_STATUS_UPDATED, actions.ANNOTATION_DURATION}
    assert set(of_job["jobId"]) == {job.id}
    for status, count in (("done", 2), ("accepted", 1), ("rejected", 1)):
        found = api.get_activity(team.id, filter_job_id=job.id, review_status=status)
        assert [one["meta"]["reviewStatus"] for one in found] == [status] * count
    assert len(api.get_activity(team.id, filter_job_id=job.id, filter_actions=judged, labeler_id=team.anna.id)) == 4
    assert api.get_activity(team.id, filter_job_id=job.id, labeler_id=team.ben.id) == []
    assert api.get_activity(team.id, filter_actions=["login"]) == []
    timed = api.get_activity(team.id, filter_job_id=job.id, filter_actions=[actions.ANNOTATION_DURATION])
    assert all(one["meta"]["duration"] >= 0 for one in timed)
    now = datetime.now(UTC)
    assert len(api.get_activity(team.id, filter_job_id=job.id, filter_actions=judged, end_date=now)) == 4
    assert api.get_activity(team.id, filter_job_id=job.id, start_date=now + timedelta(minutes=1)) == []


def test_what_was_drawn_and_tagged(place: Place) -> None:
    """S1-37: each figure and each tag with what it is on, as in the client's example."""
    api, team, image = place.api, place.team, place.ids(1)[0]
    tags = [place.tag("checked")]
    api.annotation.upload_ann(image, place.annotation(place.box(), tags=tags))
    (figure,) = api.annotation.download(image).annotation["objects"]
    api.annotation.upload_ann(image, place.annotation(tags=tags))
    wanted = [actions.CREATE_FIGURE, actions.UPDATE_FIGURE, actions.DISABLE_FIGURE, actions.ATTACH_TAG]
    done = api.team.get_activity(team.id, filter_project_id=place.project.id, filter_actions=wanted)
    figures = [one for one in done if one["figureId"] is not None]
    assert [one["action"] for one in figures] == [actions.DISABLE_FIGURE, actions.CREATE_FIGURE]
    assert {(one["figureId"], one["imageId"], one["class"], one["user"]) for one in figures} == {
        (figure["id"], image, "car", team.lead.name)
    }
    (tagged,) = [one for one in done if one["action"] == actions.ATTACH_TAG]
    assert (tagged["tag"], tagged["imageId"], tagged["user"]) == ("checked", image, team.lead.name)


def test_only_managers_of_the_team_are_told(place: Place) -> None:
    team = place.team
    for person in (team.anna, team.rita, team.vera):
        with pytest.raises(HTTPError, match="403"):
            person.api.team.get_activity(team.id)
