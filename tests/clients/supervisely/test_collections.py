"""Collections of items through the `supervisely` client: what document S says of them."""

from __future__ import annotations

from typing import Any

import pytest

from clients.supervisely.studio import HTTPError, Person, Place, Studio, Team, sly, unique

Type = sly.api.entities_collection_api.CollectionType
Filter = sly.api.entities_collection_api.CollectionTypeFilter
Item = sly.api.entities_collection_api.CollectionItem


class TestWhatACollectionIs:
    def test_made_read_changed_and_listed(self, place: Place) -> None:
        """S1-01, S1-04, S1-09, S1-51, S1-52, S1-56."""
        api = place.api.entities_collection
        made = api.create(place.project.id, "False positives", description="of the last run")
        found = api.get_info_by_id(made.id)
        assert (found.name, found.description, found.type) == ("False positives", "of the last run", "default")
        assert (found.project_id, found.team_id) == (place.project.id, place.team.id)
        assert [each.id for each in api.get_list(place.project.id)] == [made.id]
        assert api.get_info_by_name(place.project.id, "False positives").id == made.id
        assert api.create(place.project.id, "False positives", change_name_if_conflict=True).name != "False positives"
        changed = api.update(made.id, name="Misses", description="and why")
        assert (changed.name, changed.description) == ("Misses", "and why")

    def test_a_name_that_is_taken(self, place: Place) -> None:
        made = place.collection()
        with pytest.raises(HTTPError, match="400") as refused:
            place.api.entities_collection.create(place.project.id, made.name)
        assert refused.value.response.json()["details"][0]["type"] == "NONUNIQUE"

    def test_an_empty_one(self, place: Place) -> None:
        """S1-12, S1-42: in a project that has images, and in a new one."""
        assert place.members(place.collection().id) == []
        new = place.api.project.create(place.workspace, unique("new"))
        made = place.api.entities_collection.create(new.id, "empty")
        assert place.api.entities_collection.get_items(made.id, Filter.DEFAULT) == []

    def test_removed(self, place: Place) -> None:
        """S1-53, S1-30: its images stay."""
        ids = place.ids(2)
        soft, hard = place.collection(*ids), place.collection(*ids)
        place.api.entities_collection.remove(soft.id)
        place.api.entities_collection.remove(hard.id, force=True)
        assert [place.api.entities_collection.get_info_by_id(each.id) for each in (soft, hard)] == [None, None]
        assert place.api.entities_collection.get_list(place.project.id) == []
        assert len(place.api.image.get_list(place.train.id)) == 2


class TestWhatIsInIt:
    def test_items_of_several_datasets_and_collections(self, place: Place) -> None:
        """S1-02, S1-03, S1-06, S1-10, S1-11, S1-23, S1-47."""
        night = place.api.dataset.create(place.project.id, "night", parent_id=place.train.id)
        ids = [*place.ids(2), *place.ids(1, place.test), *place.ids(1, night)]
        first, second = place.collection(*ids), place.collection(ids[0])
        assert place.members(first.id) == ids
        assert place.members(second.id) == ids[:1]
        assert [image.dataset_id for image in place.api.entities_collection.get_items(first.id, Filter.DEFAULT)] == [
            place.train.id, place.train.id, place.test.id, night.id,
        ]  # fmt: skip
        assert place.api.project.get_info_by_id(place.project.id).items_count == 4

    def test_added_and_removed_at_any_time(self, place: Place) -> None:
        """S1-07, S1-08, S1-30, S1-50, S1-54, S1-55."""
        ids = place.ids(4)
        made = place.collection(*ids[:2])
        place.api.annotation.upload_ann(ids[0], place.annotation(place.box()))
        added = place.api.entities_collection.add_items(made.id, ids[1:])
        assert sorted(each["imageId"] for each in added) == ids[1:]
        gone = place.api.entities_collection.remove_items(made.id, ids[:2])
        assert sorted(each["entityId"] for each in gone) == ids[:2]
        assert place.members(made.id) == ids[2:]
        assert place.api.image.get_info_by_id(ids[0]).labels_count == 1
        assert place.api.entities_collection.remove_items(made.id, ids[:1]) == []

    def test_unknown_items_are_named_and_the_others_added(self, place: Place, workspace: int) -> None:
        """S1-54, S1-58: neither unknown ones nor those of another project get in."""
        ids = place.ids(2)
        foreign = Place.new(place.api, place.team, workspace).ids(1)[0]
        made = place.collection()
        with pytest.raises(RuntimeError, match=str(foreign)):
            place.api.entities_collection.add_items(made.id, [*ids, foreign, 2**30])
        assert place.members(made.id) == ids

    def test_thousands_at_once(self, place: Place) -> None:
        """S1-49: no lists of numbers need to be kept; the collection's own is enough."""
        hashes = [place.images(1)[0].hash] * 1000
        many = place.api.image.upload_hashes(
            place.train.id, [f"many_{at}.png" for at in range(1000)], hashes, batch_size=500
        )
        ids = [image.id for image in many]
        made = place.collection(*ids)
        assert place.members(made.id) == ids

    def test_what_is_deleted_leaves_it(self, place: Place) -> None:
        """S1-10."""
        ids = [*place.ids(3), *place.ids(1, place.test)]
        made = place.collection(*ids)
        place.api.image.remove(ids[0])
        place.api.dataset.remove(place.test.id)
        assert place.members(made.id) == ids[1:3]

    def test_renamed_and_labelled_items_show_it_everywhere(self, place: Place) -> None:
        """S1-10, S1-34, S1-37."""
        ids = place.ids(1)
        made = place.collection(*ids)
        place.api.image.rename(ids[0], "renamed.png")
        place.api.annotation.upload_ann(ids[0], place.annotation(place.box()))
        seen = place.api.entities_collection.get_items(made.id, Filter.DEFAULT)[0]
        assert (seen.name, seen.labels_count, seen.dataset_id) == ("renamed.png", 1, place.train.id)
        assert seen == place.api.image.get_info_by_id(ids[0])


class TestAsAFilter:
    def test_of_images(self, place: Place) -> None:
        """S1-57: with a dataset, its part of the collection; or what is not in it; in the order of addition."""
        ids = place.ids(4)
        made = place.collection(ids[3], ids[0], ids[2])
        kinds = {"type": "entities_collection", "data": {"collectionId": made.id, "include": False}}
        left = place.api.image.get_filtered_list(project_id=place.project.id, filters=[kinds])
        assert [image.id for image in left] == [ids[1]]
        ordered = place.api.image.get_list(
            project_id=place.project.id, entities_collection_id=made.id, sort="collectionItemIndex"
        )
        assert [image.id for image in ordered] == [ids[3], ids[0], ids[2]]
        in_test = place.api.image.get_list(place.test.id, project_id=None, entities_collection_id=made.id)
        assert in_test == []

    def test_reached_again_and_again(self, place: Place) -> None:
        """S1-48."""
        ids = place.ids(2)
        made = place.collection(*ids)
        assert [place.members(made.id) for _ in range(3)] == [ids] * 3

    def test_an_unknown_filter_is_refused(self, place: Place) -> None:
        with pytest.raises(HTTPError, match="400"):
            place.api.post(
                "images.list", {"projectId": place.project.id, "filters": [{"type": "phase_of_the_moon", "data": {}}]}
            )


class TestSearches:
    def test_have_scores(self, place: Place) -> None:
        ids = place.ids(3)
        made = place.collection(type=Type.AI_SEARCH, ai_search_key="key-1")
        items = [
            Item(entity_id=number, meta=Item.Meta(score=score))
            for number, score in zip(ids, (0.9, 0.5, 0.1), strict=True)
        ]
        place.api.entities_collection.add_items(made.id, items)
        api = place.api.entities_collection
        assert [each.id for each in api.get_items(made.id, Filter.AI_SEARCH)] == ids
        near = api.get_items(made.id, Filter.AI_SEARCH, ai_search_threshold=0.5)
        assert [(each.id, each.ai_search_meta["score"]) for each in near] == [(ids[0], 0.9), (ids[1], 0.5)]
        below = sly.api.entities_collection_api.AiSearchThresholdDirection.BELOW
        far = api.get_items(made.id, Filter.AI_SEARCH, ai_search_threshold=0.5, ai_search_threshold_direction=below)
        assert [each.id for each in far] == ids[2:]

    def test_are_listed_apart(self, place: Place) -> None:
        plain, search = place.collection(), place.collection(type=Type.AI_SEARCH, ai_search_key="key-2")
        api = place.api.entities_collection
        assert [each.id for each in api.get_list(place.project.id)] == [plain.id]
        assert [each.id for each in api.get_list(place.project.id, collection_type=Type.AI_SEARCH)] == [search.id]
        assert api.get_info_by_ai_search_key(place.project.id, "key-2").id == search.id
        assert api.get_info_by_id(search.id, with_meta=True).ai_search_key == "key-2"

    def test_are_of_images_only(self, lead: Person, workspace: int) -> None:
        project = lead.api.project.create(workspace, unique("films"), type=sly.ProjectType.VIDEOS)
        with pytest.raises(HTTPError, match="400"):
            lead.api.entities_collection.create(project.id, "x", type=Type.AI_SEARCH, ai_search_key="k")


class TestWhoMay:
    def test_a_viewer_looks_and_changes_nothing(self, place: Place, team: Team) -> None:
        ids = place.ids(1)
        made = place.collection(*ids)
        api = team.vera.api.entities_collection
        assert [image.id for image in api.get_items(made.id, Filter.DEFAULT)] == ids
        with pytest.raises(HTTPError, match="403"):
            api.remove_items(made.id, ids)

    def test_a_stranger_finds_nothing(self, place: Place, studio: Studio) -> None:
        made = place.collection()
        stranger: Any = studio.person("stranger").api
        assert stranger.entities_collection.get_info_by_id(made.id) is None
