"""Annotations of images through the `supervisely` client: every geometry, as it comes back; figures; tags of labels."""

from __future__ import annotations

from typing import Any

import pytest

from clients.supervisely.studio import HEIGHT, WIDTH, HTTPError, Place, graphs, np, sly, template_of_two


def mask(left: int = 3, top: int = 2) -> Any:  # noqa: ANN401 - an array
    """A filled triangle somewhere in the picture."""
    found = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for row in range(8):
        found[top + row, left : left + row + 1] = True
    return found


def _triangle(at: int) -> Any:  # noqa: ANN401 - the client's class
    return sly.Polygon([sly.PointLocation(*point) for point in ((at, at), (at, at + 9), (at + 9, at + 9))])


GEOMETRIES: dict[str, tuple[str, Any]] = {
    "rectangle": ("car", lambda: sly.Rectangle(4, 5, 16, 20)),
    "a rectangle of the whole image": ("car", lambda: sly.Rectangle(0, 0, HEIGHT - 1, WIDTH - 1)),
    "a rectangle of one pixel": ("car", lambda: sly.Rectangle(7, 7, 7, 7)),
    "polygon with a hole": (
        "road",
        lambda: sly.Polygon(
            exterior=[sly.PointLocation(*at) for at in ((1, 1), (1, 40), (30, 40), (30, 1))],
            interior=[[sly.PointLocation(*at) for at in ((5, 5), (5, 10), (10, 10))]],
        ),
    ),
    "line": ("lane", lambda: sly.Polyline([sly.PointLocation(*at) for at in ((0, 0), (10, 5), (20, 30))])),
    "point": ("spot", lambda: sly.Point(9, 11)),
    "bitmap": ("mask", lambda: sly.Bitmap(mask())),
    "alpha mask": ("soft", lambda: sly.AlphaMask(np.where(mask(), 128, 0).astype(np.uint8))),
    "multipolygon": ("islands", lambda: sly.Multipolygon([_triangle(1), _triangle(20)])),
    "oriented rectangle": ("tilted", lambda: sly.OrientedBBox(10, 12, 30, 40, angle=0.5)),
    "any shape, a rectangle": ("anything", lambda: sly.Rectangle(1, 2, 30, 40)),
    "any shape, a polygon": (
        "anything",
        lambda: sly.Polygon([sly.PointLocation(*at) for at in ((1, 1), (1, 20), (20, 20))]),
    ),
}


def back(place: Place, image_id: int) -> Any:  # noqa: ANN401 - the client's class
    """The annotation of an image, as the client reads it."""
    return sly.Annotation.from_json(place.api.annotation.download(image_id).annotation, place.meta)


def drawn(geometry: Any) -> dict[str, Any]:  # noqa: ANN401 - the client's class
    """What is drawn, without who drew it and when."""
    own = {"id", "classId", "labelerLogin", "createdAt", "updatedAt", "shape", "geometryType"}
    return {key: value for key, value in geometry.to_json().items() if key not in own}


class TestEveryGeometry:
    @pytest.mark.parametrize("what", list(GEOMETRIES))
    def test_comes_back_as_it_went(self, place: Place, what: str) -> None:
        name, make = GEOMETRIES[what]
        image = place.ids(1)[0]
        label = sly.Label(make(), place.meta.get_obj_class(name))
        place.api.annotation.upload_ann(image, place.annotation(label))
        found = back(place, image).labels[0]
        assert found.obj_class.name == name
        assert drawn(found.geometry) == drawn(make())

    @pytest.mark.parametrize("what", list(GEOMETRIES))
    def test_stays_where_it_is_however_often_it_goes_around(self, place: Place, what: str) -> None:
        name, make = GEOMETRIES[what]
        image = place.ids(1)[0]
        annotation = place.annotation(sly.Label(make(), place.meta.get_obj_class(name)))
        for _ in range(3):
            place.api.annotation.upload_ann(image, annotation)
            annotation = back(place, image)
        assert drawn(annotation.labels[0].geometry) == drawn(make())

    @pytest.mark.parametrize("what", list(GEOMETRIES))
    def test_appended(self, place: Place, what: str) -> None:
        name, make = GEOMETRIES[what]
        image = place.ids(1)[0]
        place.api.annotation.append_labels(image, [sly.Label(make(), place.meta.get_obj_class(name))])
        assert drawn(back(place, image).labels[0].geometry) == drawn(make())

    def test_uploaded_the_fast_way(self, place: Place) -> None:
        image = place.ids(1)[0]
        labels = [sly.Label(make(), place.meta.get_obj_class(name)) for name, make in GEOMETRIES.values()]
        labels[0] = labels[0].clone(tags=[place.tag("speed", 7)])
        annotation = place.annotation(*labels, tags=[place.tag("weather", "sun")])
        place.api.annotation.upload_anns_fast([image], [annotation], place.train.id, log_progress=False)
        found = back(place, image)
        wanted = sorted(str(drawn(label.geometry)) for label in labels)
        assert sorted(str(drawn(label.geometry)) for label in found.labels) == wanted
        assert [tag.value for tag in found.img_tags] == ["sun"]
        assert [tag.value for label in found.labels for tag in label.tags] == [7]

    def test_keypoints(self, place: Place) -> None:
        cat = sly.ObjClass("cat", sly.GraphNodes, geometry_config=template_of_two())
        meta = place.meta.add_obj_class(cat)
        place.api.project.update_meta(place.project.id, meta)
        meta = sly.ProjectMeta.from_json(place.api.project.get_meta(place.project.id))
        names = {node["label"]: key for key, node in meta.get_obj_class("cat").geometry_config["nodes"].items()}
        nodes = {names["nose"]: graphs.Node(row=3, col=4), names["tail"]: graphs.Node(row=30, col=44)}
        image = place.ids(1)[0]
        label = sly.Label(sly.GraphNodes(nodes), meta.get_obj_class("cat"))
        place.api.annotation.upload_ann(image, place.annotation(label))
        found = sly.Annotation.from_json(place.api.annotation.download_json(image), meta).labels[0]
        assert {key: node["loc"] for key, node in found.geometry.to_json()["nodes"].items()} == {
            names["nose"]: [4, 3],
            names["tail"]: [44, 30],
        }


class TestAnnotations:
    def test_replace_what_was_there(self, place: Place) -> None:
        image = place.ids(1)[0]
        place.api.annotation.upload_ann(image, place.annotation(place.box(), place.box(2), tags=[place.tag("checked")]))
        place.api.annotation.upload_ann(image, place.annotation(place.box(1)))
        found = back(place, image)
        assert len(found.labels) == 1
        assert len(found.img_tags) == 0

    def test_carry_tags_descriptions_and_who_made_them(self, place: Place) -> None:
        image = place.ids(1)[0]
        label = place.box().clone(tags=[place.tag("speed", 30), place.tag("remark", "fast")], description="left lane")
        place.api.annotation.upload_ann(
            image, place.annotation(label, tags=[place.tag("weather", "rain")]).clone(img_description="at night")
        )
        found = back(place, image)
        assert found.img_description == "at night"
        assert found.labels[0].description == "left lane"
        assert {tag.name: tag.value for tag in found.labels[0].tags} == {"speed": 30, "remark": "fast"}
        assert found.labels[0].geometry.labeler_login == place.team.lead.name
        assert place.api.image.get_info_by_id(image).labels_count == 1

    def test_of_several_images_and_datasets_at_once(self, place: Place) -> None:
        ids = [*place.ids(2), *place.ids(1, place.test)]
        place.api.annotation.upload_anns(ids, [place.annotation(place.box(number)) for number in range(1, 4)])
        assert [back(place, image).labels[0].geometry.left for image in ids] == [1, 2, 3]
        found = place.api.annotation.download_batch(place.train.id, ids[:2][::-1])
        assert [each.image_id for each in found] == ids[:2][::-1]
        listed = place.api.annotation.get_list(place.train.id)
        assert [each.image_id for each in listed] == ids[:2]
        pages = list(place.api.annotation.get_list_generator(place.train.id, batch_size=1))
        assert [len(page) for page in pages] == [1, 1]
        at_once = sly.run_coroutine(place.api.annotation.download_bulk_async(place.train.id, ids[:2]))
        assert sorted(each.image_id for each in at_once) == ids[:2]

    def test_copied(self, place: Place) -> None:
        source, first, second = place.ids(3)
        place.api.annotation.upload_ann(source, place.annotation(place.box(), tags=[place.tag("speed", 5)]))
        place.api.annotation.copy(source, first)
        place.api.annotation.copy_batch_by_ids([source], [second])
        for image in (first, second):
            found = back(place, image)
            assert drawn(found.labels[0].geometry) == drawn(place.box().geometry)
            assert [tag.value for tag in found.img_tags] == [5]

    def test_with_unknown_classes_are_refused_whole(self, place: Place) -> None:
        ids = place.ids(2)
        strange = sly.Label(sly.Rectangle(1, 1, 5, 5), sly.ObjClass("ufo", sly.Rectangle))
        with pytest.raises(HTTPError, match="400"):
            place.api.annotation.upload_anns(ids, [place.annotation(place.box()), place.annotation(strange)])
        assert [len(back(place, image).labels) for image in ids] == [0, 0]


class TestFigures:
    def test_one_label_read_changed_and_removed(self, place: Place) -> None:
        image = place.ids(1)[0]
        place.api.annotation.upload_ann(image, place.annotation(place.box()))
        number = back(place, image).labels[0].geometry.sly_id
        label = place.api.annotation.get_label_by_id(number, place.meta)
        assert drawn(label.geometry) == drawn(place.box().geometry)
        moved = place.box(7, 8, 30, 40).clone(tags=[place.tag("speed", 12)])
        place.api.annotation.update_label(number, moved)
        found = place.api.annotation.get_label_by_id(number, place.meta)
        assert drawn(found.geometry) == drawn(moved.geometry)
        assert [tag.value for tag in found.tags] == [12]
        place.api.annotation.update_label_priority(number, 3)
        assert place.api.image.figure.get_info_by_id(number).priority == 3
        place.api.image.figure.remove(number)
        assert place.api.image.figure.get_info_by_id(number) is None
        place.api.image.figure.restore(number)
        assert back(place, image).labels[0].geometry.sly_id == number

    def test_of_a_dataset_and_of_some_images(self, place: Place) -> None:
        ids = place.ids(3)
        place.api.annotation.upload_anns(
            ids, [place.annotation(*[place.box(left) for left in range(1, count + 1)]) for count in (1, 2, 3)]
        )
        figures = place.api.image.figure
        found = figures.download(place.train.id)
        assert {image: len(each) for image, each in found.items()} == dict(zip(ids, (1, 2, 3), strict=True))
        assert found[ids[0]][0].geometry["points"]["exterior"] == [[1, 4], [20, 16]]
        assert figures.download(place.train.id, ids[1:2]).keys() == {ids[1]}
        assert figures.download(place.train.id, ids[1:2], skip_geometry=True)[ids[1]][0].geometry is None
        assert figures.download_fast(place.train.id, ids, log_progress=False).keys() == set(ids)
        numbers = [figure.id for figure in found[ids[2]]]
        assert [figure.id for figure in figures.get_by_ids(place.train.id, numbers[::-1])] == numbers[::-1]
        box = found[ids[0]][0].bbox
        assert (box.left, box.top) == (1, 4)

    def test_tags(self, place: Place) -> None:
        image = place.ids(1)[0]
        place.api.annotation.upload_ann(image, place.annotation(place.box()))
        number = back(place, image).labels[0].geometry.sly_id
        speed = place.meta.get_tag_meta("speed").sly_id
        place.api.advanced.add_tag_to_object(speed, number, value=9)
        tags = place.api.advanced.get_object_tags(number)
        assert [(tag["tagId"], tag["value"]) for tag in tags] == [(speed, 9)]
        place.api.advanced.remove_tag_from_object(speed, number, tags[0]["id"])
        assert place.api.advanced.get_object_tags(number) == []
        place.api.image.tag.add_to_objects(place.project.id, [{"tagId": speed, "figureId": number, "value": 4}])
        assert [tag.value for tag in back(place, image).labels[0].tags] == [4]
