"""Images through the `supervisely` client: up, down, listed, named, tagged, removed; and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.supervisely.studio import HEIGHT, WIDTH, HTTPError, Place, Studio, np, picture, sly, unique


def names(infos: list[Any]) -> list[str]:
    return [info.name for info in infos]


class TestUploads:
    def test_of_arrays(self, place: Place) -> None:
        made = place.api.image.upload_np(place.train.id, "a.png", picture(), meta={"camera": "left"})
        assert (made.name, made.width, made.height, made.mime) == ("a.png", WIDTH, HEIGHT, "image/png")
        assert made.meta == {"camera": "left"}
        assert np.array_equal(place.api.image.download_np(made.id), picture())

    def test_of_files(self, place: Place, tmp_path: Path) -> None:
        for number in range(3):
            sly.image.write(str(tmp_path / f"{number}.jpg"), picture(number))
        paths = [str(tmp_path / f"{number}.jpg") for number in range(3)]
        made = place.api.image.upload_paths(place.train.id, ["x.jpg", "y.jpg", "z.jpg"], paths)
        assert names(made) == ["x.jpg", "y.jpg", "z.jpg"]
        place.api.image.download_path(made[1].id, str(tmp_path / "back.jpg"))
        assert (tmp_path / "back.jpg").read_bytes() == (tmp_path / "1.jpg").read_bytes()
        one = place.api.image.upload_path(place.test.id, "one.jpg", paths[0])
        assert one.hash == made[0].hash

    def test_of_hashes_and_of_other_images(self, place: Place) -> None:
        first = place.api.image.upload_np(place.train.id, "a.png", picture())
        assert place.api.image.check_image_uploaded(first.hash)
        second = place.api.image.upload_hash(place.test.id, "b.png", first.hash, meta={"again": 1})
        third = place.api.image.upload_id(place.test.id, "c.png", first.id)
        assert second.hash == third.hash == first.hash
        assert (second.width, third.size) == (WIDTH, first.size)

    def test_of_links(self, place: Place) -> None:
        link = "https://images.example.org/far/away.jpg"
        made = place.api.image.upload_link(place.train.id, "far.jpg", link, force_metadata_for_links=False)
        assert (made.link, made.hash) == (link, None)

    def test_of_folders(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "deep").mkdir()
        sly.image.write(str(tmp_path / "top.png"), picture(1))
        sly.image.write(str(tmp_path / "deep" / "low.png"), picture(2))
        made = place.api.image.upload_dir(place.train.id, str(tmp_path))
        assert sorted(names(made)) == ["low.png", "top.png"]


class TestDownloads:
    def test_of_many(self, place: Place, tmp_path: Path) -> None:
        images = place.images(3)
        ids = [image.id for image in images]
        pictures = place.api.image.download_nps(place.train.id, ids)
        assert all(np.array_equal(found, picture(number)) for number, found in enumerate(pictures))
        assert len(place.api.image.download_bytes(place.train.id, ids)) == 3
        place.api.image.download_paths(place.train.id, ids, [str(tmp_path / image.name) for image in images])
        assert sorted(path.name for path in tmp_path.iterdir()) == names(images)

    def test_by_hash(self, place: Place, tmp_path: Path) -> None:
        image = place.images(1)[0]
        place.api.image.download_paths_by_hashes([image.hash], [str(tmp_path / "a.png")])
        assert np.array_equal(sly.image.read(str(tmp_path / "a.png")), picture())

    def test_several_at_once(self, place: Place, tmp_path: Path) -> None:
        ids = place.ids(3)
        paths = [str(tmp_path / f"{number}.png") for number in ids]
        sly.run_coroutine(place.api.image.download_paths_async(ids, paths))
        assert [np.array_equal(sly.image.read(path), picture(at)) for at, path in enumerate(paths)] == [True] * 3


class TestLists:
    def test_an_image_is_the_same_in_a_list(self, place: Place) -> None:
        image = place.images(1)[0]
        assert place.api.image.get_list(place.train.id)[0] == place.api.image.get_info_by_id(image.id)

    def test_filters_orders_and_pages(self, place: Place) -> None:
        images = place.images(5)
        api = place.api.image
        assert names(api.get_list(place.train.id, sort="name", sort_order="desc")) == names(images)[::-1]
        two = [{"field": "id", "operator": "in", "value": [images[0].id, images[3].id]}]
        assert names(api.get_list(place.train.id, filters=two)) == [images[0].name, images[3].name]
        by_name = [{"field": "name", "operator": "=", "value": images[2].name}]
        assert [each.id for each in api.get_list(place.train.id, filters=by_name)] == [images[2].id]
        assert api.get_info_by_name(place.train.id, images[2].name).id == images[2].id
        assert [len(batch) for batch in api.get_list_generator(place.train.id, batch_size=2)] == [2, 2, 1]
        assert len(api.get_list(place.train.id, limit=2)) == 2
        assert [each.id for each in api.get_info_by_id_batch([images[4].id, images[1].id])] == [
            images[4].id,
            images[1].id,
        ]

    def test_of_a_whole_project(self, place: Place) -> None:
        first, second = place.images(2), place.images(1, place.test)
        found = place.api.image.get_list(project_id=place.project.id)
        assert [each.id for each in found] == [each.id for each in (*first, *second)]

    def test_labelled_ones_only(self, place: Place) -> None:
        first, second = place.images(2)
        place.api.annotation.upload_ann(second.id, place.annotation(place.box()))
        assert [each.id for each in place.api.image.get_list(place.train.id, only_labelled=True)] == [second.id]
        by_file = [{"type": "images_filename", "data": {"value": first.name[:10]}}]
        assert first.id in [each.id for each in place.api.image.get_filtered_list(place.train.id, filters=by_file)]


class TestChanges:
    def test_names_and_facts(self, place: Place) -> None:
        image = place.images(1)[0]
        assert place.api.image.rename(image.id, "other.png").name == "other.png"
        assert place.api.image.edit(image.id, description="blurred").description == "blurred"
        place.api.image.update_meta(image.id, {"iso": 400})
        assert place.api.image.get_info_by_id(image.id).meta == {"iso": 400}

    def test_order_by_hand(self, place: Place) -> None:
        images = place.images(3)
        place.api.image.set_custom_sort_bulk([image.id for image in images], ["3", "1", "2.5"])
        found = place.api.image.get_list(place.train.id, sort="customSort")
        assert names(found) == [images[1].name, images[2].name, images[0].name]

    def test_tags(self, place: Place) -> None:
        image, other = place.images(2)
        number = place.meta.get_tag_meta("speed").sly_id
        place.api.image.add_tag(image.id, number, value=30)
        place.api.image.add_tag_batch([image.id, other.id], place.meta.get_tag_meta("checked").sly_id)
        tags = {tag["tagId"]: tag for tag in place.api.image.get_info_by_id(image.id).tags}
        assert tags[number]["value"] == 30
        assert tags[number]["labelerLogin"] == place.team.lead.name
        place.api.image.update_tag_value(tags[number]["id"], 50)
        annotation = sly.Annotation.from_json(place.api.annotation.download_json(image.id), place.meta)
        assert {tag.name: tag.value for tag in annotation.img_tags} == {"speed": 50, "checked": None}
        place.api.advanced.remove_tag_from_image(number, image.id, tags[number]["id"])
        place.api.advanced.remove_tags_from_images([place.meta.get_tag_meta("checked").sly_id], [image.id, other.id])
        assert place.api.image.get_info_by_id(image.id).tags == []

    def test_tags_of_several_at_once(self, place: Place) -> None:
        ids = place.ids(3)
        weather = place.meta.get_tag_meta("weather")
        made = place.api.image.add_tags_batch(ids, weather.sly_id, values=["sun", "rain", "sun"])
        assert len(made) == 3
        assert [place.api.image.get_info_by_id(number).tags[0]["value"] for number in ids] == ["sun", "rain", "sun"]

    def test_copied_and_moved(self, place: Place) -> None:
        images = place.images(2)
        place.api.annotation.upload_ann(images[0].id, place.annotation(place.box()))
        copies = place.api.image.copy_batch(place.test.id, [image.id for image in images], with_annotations=True)
        assert [copy.name for copy in copies] == names(images)
        assert place.api.image.get_info_by_id(copies[0].id).labels_count == 1
        night = place.api.dataset.create(place.project.id, "night")
        place.api.image.move_batch(night.id, [copies[0].id], with_annotations=True)
        assert len(place.api.image.get_list(place.test.id)) == 1
        assert len(place.api.image.get_list(night.id)) == 1

    def test_removed(self, place: Place) -> None:
        ids = place.ids(3)
        place.api.image.remove(ids[0])
        place.api.image.remove_batch(ids[:2])
        assert [image.id for image in place.api.image.get_list(place.train.id)] == ids[2:]
        assert place.api.image.get_info_by_id(ids[0]) is None


class TestNamesThatAreTaken:
    def test_are_refused(self, place: Place) -> None:
        place.api.image.upload_np(place.train.id, "a.png", picture())
        with pytest.raises(HTTPError, match="400") as refused:
            place.api.image.upload_np(place.train.id, "a.png", picture(1))
        assert refused.value.response.json()["details"][0]["type"] == "NONUNIQUE"

    def test_are_renamed(self, place: Place) -> None:
        place.images(2)
        made = place.api.image.upload_nps(
            place.train.id, ["image_0000.png", "new.png"], [picture(3), picture(4)], conflict_resolution="rename"
        )
        assert made[0].name.startswith("image_0000_")
        assert made[1].name == "new.png"
        assert len(place.api.image.get_list(place.train.id)) == 4

    def test_are_skipped(self, place: Place) -> None:
        before = place.images(2)
        made = place.api.image.upload_nps(
            place.train.id, ["image_0000.png", "new.png"], [picture(3), picture(4)], conflict_resolution="skip"
        )
        assert sorted(names(made)) == ["image_0000.png", "new.png"]
        assert before[0].id in [each.id for each in made]
        assert len(place.api.image.get_list(place.train.id)) == 3
        assert place.api.image.get_info_by_id(before[0].id).hash == before[0].hash

    def test_are_replaced(self, place: Place) -> None:
        before = place.images(1)[0]
        made = place.api.image.upload_nps(place.train.id, [before.name], [picture(3)], conflict_resolution="replace")
        assert made[0].hash != before.hash
        assert place.api.image.get_info_by_id(before.id) is None


class TestErrors:
    def test_an_unknown_number_is_nothing(self, place: Place) -> None:
        api = place.api
        lookups = (api.image, api.video, api.pointcloud, api.volume, api.project, api.dataset, api.workspace, api.team)
        assert [each.get_info_by_id(2**30) for each in lookups] == [None] * len(lookups)
        assert api.entities_collection.get_info_by_id(2**30) is None
        assert api.labeling_queue.get_info_by_id(2**30) is None
        assert api.labeling_job.get_info_by_id(2**30) is None

    def test_a_wrong_key_is_told_at_once(self, place: Place) -> None:
        api = sly.Api(place.team.lead.url, "no-key-of-this-server")
        with pytest.raises(HTTPError, match="401"):
            api.project.get_list(place.workspace)

    def test_a_hash_that_nobody_sent_is_refused(self, place: Place) -> None:
        with pytest.raises(HTTPError, match="400"):
            place.api.image.upload_hash(place.train.id, "a.png", "A" * 43 + "=")

    def test_what_others_have_does_not_exist(self, place: Place, studio: Studio) -> None:
        stranger = studio.person("stranger").api
        image = place.images(1)[0]
        assert stranger.image.get_info_by_id(image.id) is None
        assert stranger.project.get_info_by_id(place.project.id) is None
        with pytest.raises(HTTPError, match="400"):
            stranger.image.upload_hash(place.train.id, unique("stolen"), image.hash)

    def test_the_client_looks_for_https_once(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK")
        assert place.team.lead.api.project.get_info_by_id(place.project.id).id == place.project.id
