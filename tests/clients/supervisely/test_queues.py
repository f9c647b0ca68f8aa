"""Labeling queues through the `supervisely` client: fed by a collection, pulled from by labelers, reviewed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from clients.supervisely.studio import HTTPError, Person, Place, Studio, sly, unique


@dataclass(frozen=True)
class Work:
    """A queue with two labelers and a reviewer."""

    place: Place
    id: int

    @classmethod
    def of(cls, place: Place, **given: Any) -> Work:  # noqa: ANN401 - as the client takes them
        """Make one."""
        team = place.team
        number = place.api.labeling_queue.create(
            unique("queue"), [team.anna.id, team.ben.id], [team.rita.id], classes_to_label=["car"], **given
        )
        return cls(place, number)

    @property
    def info(self) -> Any:  # noqa: ANN401 - the client's class
        """The queue now."""
        return self.place.api.labeling_queue.get_info_by_id(self.id)

    def job(self, person: Person) -> int:
        """Somebody's job in it."""
        jobs = self.place.api.labeling_job.get_list(self.place.team.id, queue_ids=[self.id])
        return next(job.id for job in jobs if job.assigned_to_id == person.id)

    def pull(self, person: Person) -> int | None:
        """What somebody is given next."""
        return person.api.post("labeling-queues.entities.get-next", {"id": self.job(person)}).json()["id"]

    def take(self, person: Person) -> int:
        """What somebody is given next, which has to be something."""
        item = self.pull(person)
        assert item is not None
        return item

    def say(self, person: Person, item: int, status: str) -> None:
        """Hand an item in, accept it or reject it."""
        person.api.labeling_job.set_entity_review_status(self.job(person), item, status)

    def states(self) -> dict[int, str | None]:
        """Every item with its state."""
        found = self.place.api.labeling_queue.get_entities_all_pages(self.id, per_page=3)
        return {each["id"]: each["reviewStatus"] for each in found["images"]}

    def counts(self) -> tuple[int, ...]:
        """All, waiting, with labelers, done or accepted, accepted."""
        info = self.info
        return (
            info.entities_count, info.pending_count, info.in_progress_count, info.annotated_count, info.accepted_count
        )  # fmt: skip


class TestAQueueOnACollection:
    def test_made_before_there_is_anything_in_it(self, place: Place) -> None:
        """S1-35, S1-36, S1-41, S1-42, S1-43."""
        collection = place.collection()
        work = Work.of(place, collection_id=collection.id)
        info, team = work.info, place.team
        assert (info.collection_id, info.dataset_id, info.project_id, info.team_id) == (
            collection.id, None, place.project.id, team.id,
        )  # fmt: skip
        assert info.labelers == [team.anna.id, team.ben.id]
        assert info.reviewers == [team.rita.id]
        assert len(info.jobs) == 3
        assert work.counts() == (0, 0, 0, 0, 0)
        assert str(place.api.labeling_queue.get_status(work.id)) == "pending"
        assert work.pull(team.anna) is None

    def test_fills_as_items_are_added_also_while_people_work(self, place: Place) -> None:
        """S1-44, S1-45, S1-46."""
        collection = place.collection()
        work = Work.of(place, collection_id=collection.id)
        first = place.ids(2)
        place.api.entities_collection.add_items(collection.id, first)
        assert work.counts() == (2, 2, 0, 0, 0)
        assert work.pull(place.team.anna) == first[0]
        more = place.ids(2, place.test)
        place.api.entities_collection.add_items(collection.id, more)
        assert work.states() == {first[0]: "none", first[1]: None, more[0]: None, more[1]: None}
        assert str(place.api.labeling_queue.get_status(work.id)) == "in_progress"

    def test_the_whole_way_of_an_item(self, place: Place) -> None:
        """S1-34, S1-35, S1-37: labels show in the dataset at once; what is rejected goes back to the same labeler."""
        ids, team = place.ids(2), place.team
        work = Work.of(place, collection_id=place.collection(*ids).id)
        item = work.take(team.anna)
        assert item == ids[0]
        assert work.pull(team.anna) == item
        assert work.pull(team.ben) == ids[1]
        team.anna.api.annotation.upload_ann(item, place.annotation(place.box()))
        assert place.api.image.get_list(place.train.id)[0].labels_count == 1
        found = sly.Annotation.from_json(place.api.annotation.download_json(item), place.meta)
        assert found.labels[0].geometry.labeler_login == team.anna.name
        work.say(team.anna, item, "done")
        assert work.pull(team.rita) == item
        work.say(team.rita, item, "rejected")
        assert work.states()[item] == "rejected"
        assert work.pull(team.anna) == item
        work.say(team.anna, item, "done")
        assert work.pull(team.rita) == item
        work.say(team.rita, item, "accepted")
        assert work.counts() == (2, 0, 1, 1, 1)
        assert place.api.labeling_queue.get_entities_count_by_status(work.id, status="accepted") == 1
        assert work.pull(team.anna) is None
        place.api.labeling_queue.set_status(work.id, "completed")
        assert work.info.finished_at is not None

    def test_an_item_that_leaves_the_collection_leaves_the_queue(self, place: Place) -> None:
        """S1-45: with its labels where they are; and it comes back as it was."""
        ids, team = place.ids(3), place.team
        collection = place.collection(*ids)
        work = Work.of(place, collection_id=collection.id)
        item = work.take(team.anna)
        assert item == ids[0]
        team.anna.api.annotation.upload_ann(item, place.annotation(place.box()))
        place.api.entities_collection.remove_items(collection.id, [item])
        assert work.counts() == (2, 2, 0, 0, 0)
        assert item not in work.states()
        with pytest.raises(HTTPError, match="400"):
            work.say(team.anna, item, "done")
        assert place.api.image.get_info_by_id(item).labels_count == 1
        assert work.pull(team.anna) == ids[1]
        place.api.entities_collection.add_items(collection.id, [item])
        assert work.states()[item] == "none"

    def test_nobody_is_given_what_somebody_has(self, place: Place) -> None:
        ids, team = place.ids(10), place.team
        work = Work.of(place, collection_id=place.collection(*ids).id)
        jobs = {person.name: work.job(person) for person in (team.anna, team.ben)}

        def labeled(person: Person) -> list[int]:
            api, mine = person.api, []
            while (
                item := api.post("labeling-queues.entities.get-next", {"id": jobs[person.name]}).json()["id"]
            ) is not None:
                mine.append(item)
                api.labeling_job.set_entity_review_status(jobs[person.name], item, "done")
            return mine

        with ThreadPoolExecutor(2) as people:
            first, second = people.map(labeled, (team.anna, team.ben))
        assert sorted([*first, *second]) == ids
        assert work.counts() == (10, 0, 0, 10, 0)

    def test_survives_its_collection_and_is_empty(self, place: Place) -> None:
        collection = place.collection(*place.ids(2))
        work = Work.of(place, collection_id=collection.id)
        place.api.entities_collection.remove(collection.id)
        assert work.counts() == (0, 0, 0, 0, 0)
        assert work.pull(place.team.anna) is None

    def test_an_item_that_is_deleted(self, place: Place) -> None:
        ids = place.ids(2)
        work = Work.of(place, collection_id=place.collection(*ids).id)
        place.api.image.remove(ids[0])
        assert work.states() == {ids[1]: None}


class TestAQueueOnADataset:
    def test_takes_what_the_dataset_holds(self, place: Place) -> None:
        ids = place.ids(2)
        work = Work.of(place, dataset_id=place.train.id)
        place.ids(1, place.test)
        more = place.ids(1)
        assert work.states() == dict.fromkeys([*ids, *more])
        assert work.pull(place.team.ben) == ids[0]

    def test_only_some_of_it(self, place: Place) -> None:
        ids = place.ids(3)
        work = Work.of(place, dataset_id=place.train.id, images_ids=ids[:2])
        assert work.states() == dict.fromkeys(ids[:2])

    def test_only_what_has_a_tag(self, place: Place) -> None:
        ids = place.ids(3)
        place.api.image.add_tag(ids[1], place.meta.get_tag_meta("checked").sly_id)
        work = Work.of(place, dataset_id=place.train.id, include_images_with_tags=["checked"])
        assert work.pull(place.team.anna) == ids[1]
        assert work.pull(place.team.ben) is None


class TestWhatASettingsSays:
    def test_settings_come_back(self, place: Place) -> None:
        work = Work.of(
            place,
            dataset_id=place.train.id,
            tags_to_label=["speed"],
            objects_limit_per_image=3,
            tags_limit_per_image=2,
            dynamic_classes=True,
            readme="# Read me",
            description="all cars",
            images_range=[1, 5],
        )
        assert work.info.name.startswith("queue-")
        meta = place.api.labeling_queue.get_project_meta(work.id)
        assert [each.name for each in meta.obj_classes] == ["car"]
        assert [each.name for each in meta.tag_metas] == ["speed"]
        job = place.api.labeling_job.get_info_by_id(work.job(place.team.anna))
        assert (job.objects_limit_per_image, job.tags_limit_per_image) == (3, 2)
        assert job.images_range == (1, 5)

    def test_an_intermediate_check(self, place: Place, studio: Studio) -> None:
        ids, team = place.ids(1), place.team
        checker = studio.person("check")
        place.api.user.add_to_team(checker.id, team.id, 5)
        work = Work.of(place, dataset_id=place.train.id, enable_quality_check=True, quality_check_user_ids=[checker.id])
        item = work.take(team.anna)
        assert item == ids[0]
        work.say(team.anna, item, "done")
        assert work.pull(team.rita) is None or work.states()[item] == "done"
        assert work.pull(checker) == item
        work.say(checker, item, "quality_check_accepted")
        assert work.states()[item] == "quality_check_accepted"
        assert work.pull(team.rita) == item
        work.say(team.rita, item, "accepted")
        assert work.states()[item] == "accepted"

    def test_more_people(self, place: Place, studio: Studio) -> None:
        place.ids(1)
        work = Work.of(place, dataset_id=place.train.id)
        helper = studio.person("helper")
        place.api.user.add_to_team(helper.id, place.team.id, 3)
        place.api.post("labeling-queues.users.add", {"id": work.id, "userIds": [helper.id]})
        assert helper.id in work.info.labelers
        assert work.pull(helper) is not None


class TestLists:
    def test_of_queues(self, place: Place) -> None:
        collection = place.collection()
        first, second = Work.of(place, dataset_id=place.train.id), Work.of(place, collection_id=collection.id)
        api, team = place.api.labeling_queue, place.team.id
        assert [each.id for each in api.get_list(team, project_id=place.project.id)] == [first.id, second.id]
        assert [each.id for each in api.get_list(team, dataset_id=place.train.id)] == [first.id]
        assert [each.id for each in api.get_list(team, collection_id=collection.id)] == [second.id]
        assert [each.id for each in api.get_list(team, names=[first.info.name])] == [first.id]
        assert [each.id for each in api.get_list(team, ids=[second.id])] == [second.id]

    def test_of_items(self, place: Place) -> None:
        ids = place.ids(7)
        collection = place.collection(*ids[:2])
        work = Work.of(place, dataset_id=place.train.id)
        item = work.take(place.team.anna)
        work.say(place.team.anna, item, "done")
        api = place.api.labeling_queue
        assert [
            each["id"] for each in api.get_entities_all_pages(work.id, per_page=2, sort_order="desc")["images"]
        ] == ids[::-1]
        assert len(api.get_entities_all_pages(work.id, per_page=5000)["images"]) == 7
        assert api.get_entities_count_by_status(work.id, status="done") == 1
        assert api.get_entities_count_by_status(work.id, status="null") == 6
        assert api.get_entities_count_by_status(work.id, status=["null", "done"]) == 7
        inside = api.get_entities_all_pages(work.id, collection_id=collection.id)
        assert sorted(each["id"] for each in inside["images"]) == ids[:2]
        by_number = [{"field": "id", "operator": "in", "value": ids[:3]}]
        assert api.get_entities_all_pages(work.id, filter_by=by_number)["total"] == 3


class TestWhoMay:
    def test_labelers_see_their_items_only(self, place: Place) -> None:
        ids, anna = place.ids(2), place.team.anna
        work = Work.of(place, collection_id=place.collection(*ids).id)
        assert work.pull(anna) == ids[0]
        assert anna.api.image.get_info_by_id(ids[0]).id == ids[0]
        assert anna.api.image.get_info_by_id(ids[1]) is None
        with pytest.raises(RuntimeError, match="not found"):
            anna.api.annotation.upload_ann(ids[1], place.annotation(place.box()))
        with pytest.raises(HTTPError, match="404"):
            anna.api.post("labeling-queues.entities.get-next", {"id": work.job(place.team.ben)})

    def test_only_members_are_given_jobs(self, place: Place, studio: Studio) -> None:
        stranger = studio.person("stranger")
        with pytest.raises(HTTPError, match="400"):
            place.api.labeling_queue.create(unique("queue"), [stranger.id], [], dataset_id=place.train.id)

    def test_a_status_that_there_is_not(self, place: Place) -> None:
        work = Work.of(place, dataset_id=place.train.id)
        with pytest.raises(HTTPError, match="400"):
            place.api.labeling_queue.set_status(work.id, "sleeping")
