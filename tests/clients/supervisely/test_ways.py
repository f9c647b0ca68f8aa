"""The ways that people take in the vendor's app, as the `supervisely` client walks them: what each page lists.

The app itself is no part of the client. What its menus list is: the jobs of a team, its queues, the sources that a new
queue can have. Each step here goes by what the step before it showed, never by what the test made.
"""

from __future__ import annotations

from typing import Any

import pytest

from clients.supervisely.studio import HTTPError, Person, Place, sly, unique

Filter: Any = sly.api.entities_collection_api.CollectionTypeFilter


@pytest.fixture
def work(place: Place) -> int:
    """A queue over a dataset, with two labelers and a reviewer; beside it, one labeler has a job of his own."""
    team = place.team
    items = place.ids(3)
    place.api.labeling_job.create(unique("single"), place.train.id, [team.ben.id], images_ids=items[:1])
    return place.api.labeling_queue.create(
        unique("night shift"), [team.anna.id, team.ben.id], [team.rita.id], dataset_id=place.train.id
    )


def of_project(rows: list[Any], place: Place) -> list[Any]:
    """The rows about a project: the team is used by other tests, too."""
    return [row for row in rows if row.project_id == place.project.id]


class TestFromTheMainMenu:
    def test_labeling_job(self, place: Place, work: int) -> None:
        """S1-38: the menu's page lists the team's jobs, of queues and single ones, for who leads; to others theirs."""
        team = place.team
        jobs = of_project(place.api.labeling_job.get_list(team.id), place)
        assert sorted(job.assigned_to_login for job in jobs) == sorted(
            [team.anna.name, team.ben.name, team.ben.name, team.rita.name]
        )
        assert sorted(job.labeling_queue_id or 0 for job in jobs) == [0, work, work, work]
        assert {job.project_name for job in jobs} == {place.project.name}
        opened = [place.api.labeling_job.get_info_by_id(job.id) for job in jobs]
        assert [(each.id, each.name, each.status) for each in opened] == [(j.id, j.name, j.status) for j in jobs]
        for person, count in ((team.anna, 1), (team.ben, 2), (team.rita, 1)):
            own = of_project(person.api.labeling_job.get_list(team.id), place)
            assert {job.assigned_to_id for job in own} == {person.id}
            assert len(own) == count

    def test_nobody_else_finds_them_there(self, place: Place, work: int, studio: Any) -> None:  # noqa: ANN401
        """S1-38, S1-39: the page of a team is for its people."""
        stranger: Person = studio.person("stranger")
        assert stranger.api.labeling_job.get_list(place.team.id) == []
        assert stranger.api.labeling_queue.get_list(place.team.id) == []
        with pytest.raises(HTTPError, match="404"):
            stranger.api.post("labeling-queues.info", {"id": work})

    def test_the_tab_queue(self, place: Place, work: int) -> None:
        """S1-39: beside the jobs, the same page lists the team's queues, each with its counts and its jobs."""
        team = place.team
        (row,) = of_project(place.api.labeling_queue.get_list(team.id), place)
        assert (row.id, row.entities_count, row.pending_count, str(row.status)) == (work, 3, 3, "pending")
        assert place.api.labeling_queue.get_info_by_id(row.id).name == row.name
        behind = place.api.labeling_job.get_list(team.id, queue_ids=[row.id])
        assert {job.labeling_queue_id for job in behind} == {row.id}
        assert {job.id for job in behind} == {*row.jobs}
        assert [each.id for each in of_project(team.anna.api.labeling_queue.get_list(team.id), place)] == [work]


class TestDataToAnnotate:
    def test_a_collection_as_source(self, place: Place) -> None:
        """S1-40: from the team down to its projects, their collections, the one that is wanted: a queue over that."""
        team, wanted = place.team, unique("False positives")
        ids = place.ids(4)
        chosen = place.api.entities_collection.create(place.project.id, wanted)
        place.api.entities_collection.add_items(chosen.id, [ids[2], ids[0]])
        place.collection(ids[1])
        workspaces = place.api.workspace.get_list(team.id)
        projects = [one for space in workspaces for one in place.api.project.get_list(space.id)]
        project = next(one for one in projects if one.name == place.project.name)
        sources = place.api.entities_collection.get_list(project.id)
        assert len(sources) == 2
        source = next(one for one in sources if one.name == wanted)
        queue = place.api.labeling_queue.create(
            unique("queue"), [team.anna.id], [team.rita.id], collection_id=source.id
        )
        info = place.api.labeling_queue.get_info_by_id(queue)
        assert (info.collection_id, info.dataset_id, info.project_id) == (source.id, None, project.id)
        found = place.api.labeling_queue.get_entities_all_pages(queue)["images"]
        assert sorted(each["id"] for each in found) == sorted([ids[0], ids[2]])
        (job,) = team.anna.api.labeling_job.get_list(team.id, queue_ids=[queue])
        given = team.anna.api.post("labeling-queues.entities.get-next", {"id": job.id}).json()["id"]
        assert given == ids[2]
        assert [each.id for each in place.api.labeling_queue.get_list(team.id, collection_id=source.id)] == [queue]

    def test_one_source_is_chosen(self, place: Place) -> None:
        """S1-40: a collection or a dataset, not both, and nothing that is not there."""
        made = place.collection()
        team = place.team
        asked = {"name": "x", "userIds": [team.anna.id], "reviewerIds": [], "meta": {}}
        for source in ({}, {"collectionId": made.id, "datasetId": place.train.id}, {"collectionId": 2**31 - 2}):
            with pytest.raises(HTTPError) as refused:
                place.api.post("labeling-queues.add", {**asked, **source})
            assert refused.value.response.status_code in {400, 404}


class TestTheSameGroup:
    def test_is_reached_again_and_again(self, place: Place) -> None:
        """S1-48: later, by others, by its number or its name, with what came since; nobody kept the items' numbers."""
        team, ids = place.team, place.ids(4)
        name = unique("Night scenes")
        number = place.api.entities_collection.create(place.project.id, name).id
        place.api.entities_collection.add_items(number, ids[:2])
        for session in (place.api, team.lead.api, team.vera.api, sly.Api(team.lead.url, team.lead.token)):
            by_name = session.entities_collection.get_info_by_name(place.project.id, name)
            assert by_name.id == number
            assert session.entities_collection.get_info_by_id(number).name == name
            for _ in range(2):
                listed = session.image.get_list(project_id=place.project.id, entities_collection_id=number)
                assert [image.id for image in listed] == ids[:2]
                assert [item.id for item in session.entities_collection.get_items(number, Filter.DEFAULT)] == ids[:2]
        place.api.entities_collection.remove_items(number, ids[:1])
        place.api.entities_collection.add_items(number, ids[3:])
        place.api.image.rename(ids[3], unique("renamed") + ".png")
        assert place.members(number) == [ids[1], ids[3]]
        again = [
            place.api.labeling_queue.create(unique("round"), [team.anna.id], [team.rita.id], collection_id=number)
            for _ in range(2)
        ]
        for queue in again:
            assert place.api.labeling_queue.get_info_by_id(queue).entities_count == 2
