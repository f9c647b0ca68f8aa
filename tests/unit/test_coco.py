"""COCO and YOLO: what goes out comes in again, and a document of others is read by what COCO says alone."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from pinakes.server.errors import Invalid
from pinakes.server.labeling import coco, coco_reading, masks, yolo
from pinakes.server.labeling.label_types import Annotation, Figure, LabelClass, Tagging

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RECTANGLE = {"points": {"exterior": [[10, 20], [30.0, 60.0]], "interior": []}}
POLYGON = {"points": {"exterior": [[0.5, 0.5], [10.5, 0.5], [10.5, 20.5]], "interior": [[[2, 2], [3, 2], [3, 3]]]}}


def tagging(name: str, value: object = None) -> Tagging:
    return Tagging(
        id=1, tag_id=1, name=name, value=value, item_id=7, object_id=None, figure_id=None,
        frame_from=None, frame_to=None, extras={}, created_by=None, labeler=None, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def figure(kind: str, geometry: dict[str, Any], number: int = 5, tags: tuple[Tagging, ...] = ()) -> Figure:
    made = Figure(
        id=number, item_id=7, project_id=1, dataset_id=2, class_id=3, class_name="car", object_id=None,
        geometry_type=kind, geometry=geometry, geometry_file=None, frame=None, meta={}, description="", extras={},
        track_id=None, priority=None, nn_created=False, nn_updated=False, created_by=None, labeler="anna",
        created_at=NOW, updated_at=NOW )  # fmt: skip
    made.tags.extend(tags)
    return made


def annotation(*figures: Figure, tags: tuple[Tagging, ...] = ()) -> Annotation:
    made = Annotation(
        item_id=7, kind="image", name="a.png", project_id=1, dataset_id=2, width=100, height=80, frames=None,
        description="", meta={}, custom_data={}, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    made.tags.extend(tags)
    made.figures.extend(figures)
    return made


CAR = LabelClass(
    id=3, project_id=1, name="car", shape="any", color="#00FF00", description="", hotkey="", geometry_config={},
    settings={}, created_at=NOW, updated_at=NOW,
)  # fmt: skip


def document(given: Annotation) -> dict[str, Any]:
    return {
        "categories": [coco.category(CAR)],
        "images": [coco.image(given, "train/a.png")],
        "annotations": list(coco.labels(given, None, Counter())),
    }


def without_ours(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a document as another tool would have written it."""
    if isinstance(value, dict):
        return {key: without_ours(each) for key, each in value.items() if key != coco.KEY}
    return [without_ours(each) for each in value] if isinstance(value, list) else value


class TestOutAndIn:
    @pytest.mark.parametrize(
        ("kind", "geometry"),
        [
            ("rectangle", RECTANGLE),
            ("polygon", POLYGON),
            ("line", {"points": {"exterior": [[1, 2], [3, 4]], "interior": []}}),
            ("point", {"points": {"exterior": [[1.5, 2.5]], "interior": []}}),
            ("graph", {"nodes": {"a": {"loc": [1, 2]}, "b": {"loc": [3, 4], "disabled": True}}}),
        ],
    )
    def test_every_geometry_comes_back_as_it_was(self, kind: str, geometry: dict[str, Any]):
        given = annotation(figure(kind, geometry, tags=(tagging("night"),)), tags=(tagging("weather", "rain"),))
        (read,) = coco_reading.read(document(given))
        assert read.file_name == "train/a.png"
        assert [(tag.name, tag.value) for tag in read.tags] == [("weather", "rain")]
        (label,) = read.labels
        assert (label.geometry_type, label.geometry, label.class_name) == (kind, geometry, "car")
        assert [tag.name for tag in label.tags] == ["night"]

    def test_boxes_and_areas_are_cocos(self):
        both = annotation(figure("rectangle", RECTANGLE), figure("polygon", POLYGON))
        box, outline = coco.labels(both, None, Counter())
        assert (box["bbox"], box["area"], box["segmentation"]) == ([10, 20, 20, 40], 800, [])
        assert (outline["bbox"], outline["segmentation"]) == ([0.5, 0.5, 10, 20], [[0.5, 0.5, 10.5, 0.5, 10.5, 20.5]])

    def test_classes_keep_their_shape_and_color(self):
        assert coco_reading.shapes(document(annotation())) == {"car": ("any", "#00FF00")}


class TestDocumentsOfOthers:
    def test_boxes_polygons_and_runs(self):
        mask = np.zeros((80, 100), dtype=bool)
        mask[10:20, 30:50] = True
        bitmap = masks.to_bitmap(mask)
        assert bitmap is not None
        given = annotation(
            figure("rectangle", RECTANGLE), figure("polygon", POLYGON), figure("bitmap", {"bitmap": bitmap})
        )
        (read,) = coco_reading.read(without_ours(document(given)))
        kinds = [label.geometry_type for label in read.labels]
        assert kinds == ["rectangle", "polygon", "bitmap"]
        assert read.labels[0].geometry == RECTANGLE
        assert read.labels[1].geometry == {"points": {**POLYGON["points"], "interior": []}}
        again, left, top = masks.of_bitmap(read.labels[2].geometry["bitmap"])  # type: ignore[index]
        assert (left, top, again.shape, bool(again.all())) == (30, 10, (10, 20), True)

    @pytest.mark.parametrize(
        ("wrong", "place"),
        [
            ([], "document"),
            ({"images": {}}, "images"),
            ({"images": [{"id": 1}]}, "images[0]"),
            ({"images": [{"id": True, "file_name": "a"}]}, "images[0]"),
            ({"annotations": [{"image_id": 1, "category_id": 1}]}, "annotations[0]"),
        ],
    )
    def test_what_is_none_is_refused_with_its_place(self, wrong: object, place: str):
        with pytest.raises(Invalid) as refused:
            coco_reading.read(wrong)
        assert refused.value.field == place

    @pytest.mark.parametrize(
        "shape",
        [
            {"bbox": [1, 2, 3]},
            {"bbox": ["a", 2, 3, 4]},
            {"bbox": [float("nan"), 2, 3, 4]},
            {"segmentation": [[1, 2, 3, 4]]},
            {"segmentation": [[1, 2, 3, 4, 5, 6, 7]]},
            {"segmentation": {"size": [2, 2], "counts": [1]}},
            {"segmentation": {"size": [2, 2], "counts": "\u00ff\u00ff"}},
            {"segmentation": {"size": [10**6, 10**6], "counts": [10**12]}},
            {"segmentation": {"size": [2, 2], "counts": [-1, 5]}},
        ],
    )
    def test_a_wrong_shape_is_refused(self, shape: dict[str, Any]):
        parts = {
            "categories": [{"id": 1, "name": "car"}],
            "images": [{"id": 1, "file_name": "a.png"}],
            "annotations": [{"image_id": 1, "category_id": 1, **shape}],
        }
        with pytest.raises(Invalid):
            coco_reading.read(parts)


class TestVideosOfOthers:
    PARTS: dict[str, Any] = {  # noqa: RUF012 - nobody changes it
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}],
        "videos": [{"id": 1, "name": "a.mp4"}, {"id": 2, "file_name": "b.mp4"}],
        "images": [
            {"id": 1, "file_name": "a/1.jpg", "video_id": 1, "frame_id": 0},
            {"id": 2, "file_name": "a/2.jpg", "video_id": 1, "frame_index": 7},
            {"id": 3, "file_name": "b/1.jpg", "video_id": 2, "frame_id": 3},
            {"id": 4, "file_name": "c.jpg"},
        ],
    }

    @staticmethod
    def on(image: int, category: int = 1, **more: object) -> dict[str, object]:
        return {"image_id": image, "category_id": category, "bbox": [1, 2, 3, 4], **more}

    def test_tracks_by_either_name(self):
        """As CocoVID has them (`instance_id`), and TAO (`track_id`, `tracks`); a number counts within its video."""
        shown = [
            self.on(1, instance_id=5), self.on(2, instance_id=5), self.on(2, track_id=5), self.on(3, track_id=5),
            self.on(2, 2, instance_id=5), self.on(1), self.on(1), self.on(4, track_id=5),
        ]  # fmt: skip
        listed = [{"id": 8, "video_id": 2, "category_id": 2}]
        a, b, c = coco_reading.read({**self.PARTS, "annotations": shown, "tracks": listed}, videos=True)
        assert (a.file_name, b.file_name, c.file_name) == ("a.mp4", "b.mp4", "c.jpg")
        assert [(one.class_name, [label.frame for label in one.labels]) for one in a.tracks] == [
            ("car", [0, 7, 7]), ("bus", [7]), ("car", [0]), ("car", [0]),
        ]  # fmt: skip
        assert [(one.class_name, [label.frame for label in one.labels]) for one in b.tracks] == [
            ("bus", []), ("car", [3]),
        ]  # fmt: skip
        assert [(label.class_name, label.frame) for label in c.labels] == [("car", None)]
        assert (a.labels, b.labels, c.tracks, a.label_count) == ([], [], [], 6)

    def test_as_images_videos_do_not_count(self):
        found = coco_reading.read({**self.PARTS, "annotations": [self.on(1, instance_id=5)]})
        assert [each.file_name for each in found] == ["a/1.jpg", "a/2.jpg", "b/1.jpg", "c.jpg"]
        assert [label.frame for label in found[0].labels] == [None]

    @pytest.mark.parametrize(
        ("wrong", "place"),
        [
            ({"videos": [{"id": 1}]}, "videos[0]"),
            ({"videos": [{"id": "1", "name": "a"}]}, "videos[0]"),
            ({"images": [{"id": 1, "file_name": "a", "video_id": 9, "frame_id": 0}]}, "images[0]"),
            ({"images": [{"id": 1, "file_name": "a", "video_id": 1}]}, "images[0]"),
            ({"images": [{"id": 1, "file_name": "a", "video_id": 1, "frame_id": -1}]}, "images[0]"),
            ({"images": [{"id": 1, "file_name": "a", "video_id": 1, "frame_id": 2**31}]}, "images[0]"),
            ({"annotations": [{"image_id": 1, "category_id": 1, "bbox": [1] * 4, "track_id": "x"}]}, "annotations[0]"),
            ({"tracks": [{"id": 1, "video_id": 3, "category_id": 1}]}, "tracks[0]"),
            ({"tracks": [{"id": 1, "video_id": 1, "category_id": 3}]}, "tracks[0]"),
            ({"videos": [{"id": 1, "name": "a", "pinakes": {"tags": [{"name": "b", "frames": [1]}]}}]}, "videos[0]"),
        ],
    )  # fmt: skip
    def test_what_is_none_is_refused_with_its_place(self, wrong: dict[str, Any], place: str):
        with pytest.raises(Invalid) as refused:
            coco_reading.read({**self.PARTS, **wrong}, videos=True)
        assert refused.value.field == place


class TestMasks:
    @given(hnp.arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))))
    def test_runs_come_back(self, mask: masks.Mask):
        height, width = mask.shape
        assert (masks.of_runs(masks.to_runs(mask, 0, 0, width, height)) == mask).all()

    @given(hnp.arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))), st.integers(0, 9), st.integers(0, 9))
    def test_bitmaps_come_back(self, mask: masks.Mask, left: int, top: int):
        bitmap = masks.to_bitmap(mask, left, top)
        if bitmap is None:
            assert not mask.any()
            return
        cut, x, y = masks.of_bitmap(bitmap)
        whole = np.zeros((40, 40), dtype=bool)
        whole[y : y + cut.shape[0], x : x + cut.shape[1]] = cut
        assert (whole[top : top + mask.shape[0], left : left + mask.shape[1]] == mask).all()
        assert whole.sum() == mask.sum()

    def test_the_text_of_the_coco_tools_is_read(self):
        """`pycocotools` writes 6, 1, 40, 4, 5, 4, 5, 4, 21 as this text (an example of its own)."""
        numbers = [6, 1, 40, 4, 5, 4, 5, 4, 21]
        mask = masks.of_runs({"size": [9, 10], "counts": numbers})
        assert (masks.of_runs({"size": [9, 10], "counts": "61X13mN000`0"}) == mask).all()

    def test_a_mask_may_lie_partly_outside(self):
        mask = np.ones((4, 4), dtype=bool)
        assert masks.of_runs(masks.to_runs(mask, -2, -2, 3, 3)).sum() == 4
        assert masks.of_runs(masks.to_runs(mask, 5, 5, 3, 3)).sum() == 0

    @pytest.mark.parametrize(
        "data",
        ["", "no base64!", base64.b64encode(b"no zip").decode(), base64.b64encode(zlib.compress(b"<svg/>")).decode()],
    )
    def test_what_is_no_bitmap_is_refused(self, data: str):
        with pytest.raises(Invalid):
            masks.of_bitmap({"origin": [0, 0], "data": data})


class TestYolo:
    def test_boxes_are_shares_of_the_image(self):
        found = yolo.lines(annotation(figure("rectangle", RECTANGLE)), {3: 0})
        assert list(found) == ["0 0.200000 0.500000 0.200000 0.500000"]

    def test_outlines(self):
        (line,) = yolo.lines(annotation(figure("polygon", POLYGON)), {3: 4}, "segment")
        assert line == "4 0.005000 0.006250 0.105000 0.006250 0.105000 0.256250"

    def test_names_are_quoted(self):
        assert '  0: "car"' in yolo.description([CAR])
