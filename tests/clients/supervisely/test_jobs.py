"""Labeling jobs without a queue, through the `supervisely` client."""

from __future__ import annotations

from typing import Any

import pytest

from clients.supervisely.studio import HTTPError, Person, Place, unique


def jobs_of(place: Place, *people: Person, **given: Any) -> list[Any]:  # noqa: ANN401 - the client's classes
    """New jobs on the images of `train`."""
    return place.api.labeling_job.create(
        unique("job"), place.train.id, [person.id for person in people], reviewer_id=place.team.rita.id,
        classes_to_label=["car"], tags_to_label=["speed"], **given,
    )  # fmt: skip


class TestJobs:
    def test_made_and_read(self, place: Place) -> None:
        """S1-36."""
        ids, team = place.ids(3), place.team
        made = jobs_of(place, team.anna, team.ben, readme="# R", description="all")
        assert [job.assigned_to_id for job in made] == [team.anna.id, team.ben.id]
        assert sorted(entity["id"] for job in made for entity in job.entities) == ids
        first = made[0]
        assert (first.team_id, first.project_id, first.dataset_id) == (team.id, place.project.id, place.train.id)
        assert (first.dataset_name, first.reviewer_id, first.status) == ("train", team.rita.id, "pending")
        assert first.created_by_login == team.lead.name
        assert (first.classes_to_label, first.tags_to_label) == (["car"], ["speed"])
        assert first.labeling_queue_id is None
        assert [each.name for each in place.api.labeling_job.get_project_meta(first.id).obj_classes] == ["car"]

    def test_of_some_images(self, place: Place) -> None:
        ids = place.ids(3)
        job = jobs_of(place, place.team.anna, images_ids=ids[1:])[0]
        assert sorted(entity["id"] for entity in job.entities) == ids[1:]

    def test_of_some_places(self, place: Place) -> None:
        ids = place.ids(4)
        anna, ben = jobs_of(place, place.team.anna, place.team.ben, images_range=(2, 4))
        assert [[entity["id"] for entity in job.entities] for job in (anna, ben)] == [[ids[1], ids[3]], [ids[2]]]
        assert anna.images_range == (2, 4)

    def test_listed(self, place: Place) -> None:
        place.ids(2)
        first, second = jobs_of(place, place.team.anna, place.team.ben)
        api, team = place.api.labeling_job, place.team
        found = api.get_list(team.id, project_id=place.project.id)
        assert [job.id for job in found] == [first.id, second.id]
        assert [job.id for job in api.get_list(team.id, project_id=place.project.id, assigned_to_id=team.ben.id)] == [
            second.id
        ]
        assert len(api.get_list(team.id, dataset_id=place.train.id, is_part_of_queue=False)) == 2
        assert len(api.get_list(team.id, dataset_id=place.train.id, exclude_statuses=["pending"])) == 0
        whole = api.get_list(team.id, project_id=place.project.id, reviewer_id=team.rita.id, with_entities=True)
        assert [len(job.entities) for job in whole] == [1, 1]

    def test_worked_reviewed_and_completed(self, place: Place) -> None:
        ids, team = place.ids(2), place.team
        job = jobs_of(place, team.anna)[0]
        mine, hers = team.anna.api.labeling_job, team.rita.api.labeling_job
        mine.set_status(job.id, "in_progress")
        team.anna.api.annotation.upload_ann(ids[0], place.annotation(place.box()))
        for item in ids:
            mine.set_entity_review_status(job.id, item, "done")
        mine.set_status(job.id, "on_review")
        hers.set_entity_review_status(job.id, ids[0], "accepted")
        hers.set_entity_review_status(job.id, ids[1], "rejected")
        found = place.api.labeling_job.get_info_by_id(job.id)
        assert {entity["id"]: entity["reviewStatus"] for entity in found.entities} == {
            ids[0]: "accepted",
            ids[1]: "rejected",
        }
        assert (found.accepted_images_count, found.rejected_images_count) == (1, 1)
        place.api.labeling_job.set_status(job.id, "completed")
        place.api.labeling_job.wait(job.id, place.api.labeling_job.Status.COMPLETED, 3, 1)

    def test_what_was_drawn_in_it(self, place: Place) -> None:
        ids, team = place.ids(2), place.team
        job = jobs_of(place, team.anna)[0]
        team.anna.api.annotation.upload_ann(
            ids[0], place.annotation(place.box().clone(tags=[place.tag("speed", 3)]), tags=[place.tag("speed", 4)])
        )
        found = place.api.labeling_job.get_annotations(job.id, image_ids=ids)
        assert [len(annotation.labels) for annotation in found] == [1, 0]
        assert found[0].labels[0].geometry.left == place.box().geometry.left
        assert [tag.value for tag in found[0].labels[0].tags] == [3]
        stats = place.api.labeling_job.get_stats(job.id)
        assert (stats["job"]["id"], stats["job"]["imagesCount"], stats["images"]["total"]) == (job.id, 2, 2)
        assert {each["name"]: each["labelsCount"] for each in stats["classes"]}["car"] == 1

    def test_restarted_with_what_was_rejected(self, place: Place) -> None:
        ids, team = place.ids(2), place.team
        job = jobs_of(place, team.anna)[0]
        for item in ids:
            team.anna.api.labeling_job.set_entity_review_status(job.id, item, "done")
        api = place.api.labeling_job
        with pytest.raises(HTTPError, match="400"):
            api.restart(job.id)
        assert api.restart(job.id, ignore_no_rejected_error=True) == []
        team.rita.api.labeling_job.set_entity_review_status(job.id, ids[1], "rejected")
        made = api.restart(job.id, assignee_ids=[team.ben.id], complete_existing=True)
        again = api.get_info_by_id(made[0]["id"])
        assert (again.assigned_to_id, [entity["id"] for entity in again.entities]) == (team.ben.id, ids[1:])
        assert api.get_info_by_id(job.id).status == "completed"

    def test_restarted_with_all_that_is_not_accepted(self, place: Place) -> None:
        ids, team = place.ids(2), place.team
        job = jobs_of(place, team.anna)[0]
        team.rita.api.labeling_job.set_entity_review_status(job.id, ids[0], "accepted")
        made = place.api.labeling_job.restart(job.id, only_rejected_entities=False)
        assert [entity["id"] for entity in place.api.labeling_job.get_info_by_id(made[0]["id"]).entities] == ids[1:]

    def test_cloned_given_to_others_and_removed(self, place: Place) -> None:
        place.ids(1)
        api, team = place.api.labeling_job, place.team
        job = jobs_of(place, team.anna)[0]
        clone = api.clone(job.id, new_title="again")[0]
        assert (clone.name, clone.assigned_to_id) == ("again", team.anna.id)
        assert api.set_assignees(clone.id, annotator_id=team.ben.id).assigned_to_id == team.ben.id
        api.set_custom_data(job.id, {"batch": 7})
        assert api.get_custom_data(job.id) == {"batch": 7}
        api.stop(job.id)
        assert api.get_status(job.id) == api.Status.STOPPED
        api.archive(job.id)
        assert job.id not in [each.id for each in api.get_list(team.id, project_id=place.project.id)]
        api.remove(clone.id)
        assert api.get_info_by_id(clone.id) is None

    def test_rejected_whole(self, place: Place) -> None:
        ids, team = place.ids(2), place.team
        job = jobs_of(place, team.anna)[0]
        for item in ids:
            team.anna.api.labeling_job.set_entity_review_status(job.id, item, "done")
        place.api.labeling_job.reject_annotations(job.id)
        found = place.api.labeling_job.get_info_by_id(job.id)
        assert [entity["reviewStatus"] for entity in found.entities] == ["rejected", "rejected"]
