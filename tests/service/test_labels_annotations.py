"""Annotations: saved as a whole, read back as they were given, kept in the history when they change."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import pytest

from factories.labels import BOX, RING, Lab, Value, add_item, box, make_lab
from pinakes.server import errors
from pinakes.server.actor import Role
from pinakes.server.db import Database, Query, Tx
from pinakes.server.labeling import annotations as labels, figures, masks
from pinakes.server.labeling.label_types import Annotation, Figure, NewAnnotation, NewClass, NewLabel, NewTagging

MASK: dict[str, Any] = masks.to_bitmap(np.array([[True, False, True], [True, True, True]]), 3, 4) or {}
PNG = zlib.decompress(base64.b64decode(MASK["data"]))

# One geometry of each type that the labeling client has, as it sends them.
GEOMETRIES: dict[str, dict[str, Any]] = {
    "rectangle": dict(BOX),
    "polygon": {
        "points": {"exterior": [[0.5, 1.5], [9.5, 1.5], [5.25, 7.125]], "interior": [[[2, 2], [3, 2], [3, 3]]]}
    },
    "line": {"points": {"exterior": [[0.5, 0.5], [1.5, 7.5]], "interior": []}},
    "point": {"points": {"exterior": [[4.5, 4.5]], "interior": []}},
    "multipolygon": {"parts": [{"exterior": [[0.5, 0.5], [2.5, 0.5], [2.5, 2.5]], "interior": []}]},
    "bitmap": {"bitmap": MASK},
    "alpha_mask": {"bitmap": {"data": base64.b64encode(PNG).decode(), "origin": [3, 4]}},
    "graph": {"nodes": {"a": {"loc": [1.5, 2.5]}, "b": {"loc": [3.5, 4.5], "disabled": True}}},
    "cuboid": {"faces": [[0, 1, 2, 3]], "points": [[273, 277], [840, 273], [840, 690], [277, 690]]},
    "cuboid_2d": {"vertices": {"face1-topleft": {"loc": [1, 2]}, "face1-topright": {"loc": [3, 4]}}},
    "oriented_bbox": {"points": [[100, 100], [900, 700]], "angle": 0.2618},
    "cuboid_3d": {
        "position": {"x": 1.5, "y": -2, "z": 3e-7},
        "rotation": {"x": 0, "y": 0, "z": 1.57},
        "dimensions": {"x": 1, "y": 2, "z": 3},
    },
    "point_cloud": {"indices": [1, 5, 9]},
    "point_3d": {"position": {"x": 1, "y": 2, "z": 3}},
    "mask_3d": {"mask_3d": {"data": "AAAA", "space_origin": [1.0, 2.0, 3.0]}},
    "any": {"anything": [{"deep": [1, 2.5, "x", None, True]}]},
}


async def history(lab: Lab, figure_id: int) -> list[tuple[bool, object]]:
    async with lab.db.reading() as tx:
        rows = (await figures.history(tx, lab.actor, figure_id)).rows
    return [(row.removed, row.geometry) for row in rows]


@pytest.mark.parametrize("kind", sorted(GEOMETRIES))
async def test_every_geometry_comes_back_as_it_was_given(db: Database, kind: str):
    """S1-34, contract 7.6: stored as they come."""
    lab = await make_lab(db, items=1, classes=[NewClass("x", kind), NewClass("any")])
    new = [NewLabel(kind, GEOMETRIES[kind], "x"), NewLabel(kind, GEOMETRIES[kind], "any")]
    saved = await lab.put(NewAnnotation(lab.items[0], new))
    found = await lab.get(lab.items[0])
    assert [one.id for one in found.figures] == saved.figure_ids
    assert [(one.geometry_type, one.geometry) for one in found.figures] == [(kind, GEOMETRIES[kind])] * 2
    assert await lab.count(lab.items[0]) == 2


async def test_all_of_a_label_comes_back(db: Database):
    lab = await make_lab(db, items=1)
    label = NewLabel(
        "polygon",
        RING,
        "road",
        tags=[NewTagging("count", 3), NewTagging("seen", extras={"key": "k"}), NewTagging("weather", "rain")],
        description="a road",
        meta={"a": [1]},
        extras={"instance": "i"},
        frame=7,
        track_id="t",
        priority=4,
        nn_created=True,
        nn_updated=True,
    )
    tags = [NewTagging("note", "naïve 🌧"), NewTagging("day", "2026-11-21")]
    await lab.put(NewAnnotation(lab.items[0], [label], tags, description="said", custom_data={"own": 1}))
    found = await lab.get(lab.items[0])
    one = found.figures[0]
    assert (one.class_name, one.description, one.meta, one.extras) == ("road", "a road", {"a": [1]}, {"instance": "i"})
    assert (one.frame, one.track_id, one.priority, one.nn_created, one.nn_updated) == (7, "t", 4, True, True)
    assert (one.labeler, one.created_by) == (lab.actor.name, lab.actor.user_id)
    assert [(tag.name, tag.value, tag.extras) for tag in one.tags] == [
        ("count", 3, {}),
        ("seen", None, {"key": "k"}),
        ("weather", "rain", {}),
    ]
    assert sorted((tag.name, tag.value) for tag in found.tags) == [("day", "2026-11-21"), ("note", "naïve 🌧")]
    assert (found.description, found.custom_data, found.width, found.height) == ("said", {"own": 1}, 100, 80)
    await lab.put(NewAnnotation(lab.items[0]))
    empty = await lab.get(lab.items[0])
    assert (empty.figures, empty.tags, empty.description, empty.custom_data) == ([], [], "said", {"own": 1})
    assert await lab.count(lab.items[0]) == 0


async def test_saving_replaces_and_keeps_what_was(db: Database):
    """Contract 7.6: labels and image tags are replaced; what goes is in the history, with who took it away."""
    lab = await make_lab(db, items=1)
    item = lab.items[0]
    first = await lab.put(NewAnnotation(item, [box(tags=[NewTagging("count", 1)]), box(left=5)], [NewTagging("seen")]))
    second = await lab.put(NewAnnotation(item, [box(left=9)]))
    found = await lab.get(item)
    assert [one.id for one in found.figures] == second.figure_ids
    assert not set(first.figure_ids) & set(second.figure_ids)
    assert found.tags == []
    assert await lab.count(item) == 1
    async with db.reading() as tx:
        versions = (await figures.history(tx, lab.actor, first.figure_ids[0])).rows
    assert [(row.removed, row.changed_by_name, row.geometry) for row in versions] == [
        (True, lab.actor.name, box().geometry)
    ]
    assert [tag["value"] for tag in versions[0].tags] == [1]


async def test_a_label_with_the_id_of_a_figure_goes_on_being_it(db: Database):
    """What a client reads and sends back unchanged keeps its author; what it changed is in the history."""
    lab = await make_lab(db, items=2)
    item = lab.items[0]
    before = await lab.put(NewAnnotation(item, [box(tags=[NewTagging("count", 1)]), box(left=5), box(left=7)]))
    other = await lab.put(NewAnnotation(lab.items[1], [box()]))
    same, changed, gone = before.figure_ids
    ben = await lab.worker(Role.MANAGER)
    new = [
        box(left=33),
        box(left=6, id=changed),
        box(tags=[NewTagging("count", 1)], id=same),
        box(id=same),
        box(id=other.figure_ids[0]),
    ]
    after = await lab.put(NewAnnotation(item, new), ben)
    assert after.figure_ids[1:3] == [changed, same]
    assert len(set(after.figure_ids) | {gone, *other.figure_ids}) == 7
    found = {one.id: one for one in (await lab.get(item)).figures}
    assert sorted(found) == sorted(after.figure_ids)
    assert (found[same].created_by, found[changed].created_by) == (lab.actor.user_id,) * 2
    assert found[after.figure_ids[0]].created_by == ben.user_id
    assert found[same].updated_at == found[same].created_at
    assert found[changed].updated_at > found[changed].created_at
    assert found[changed].geometry == box(left=6).geometry
    assert [tag.value for tag in found[same].tags] == [1]
    assert await history(lab, same) == []
    assert await history(lab, changed) == [(False, box(left=5).geometry)]
    assert await history(lab, gone) == [(True, box(left=7).geometry)]
    assert await lab.count(item) == 5
    assert await lab.count(lab.items[1]) == 1


async def test_other_tags_of_a_kept_figure_are_a_change(db: Database):
    lab = await make_lab(db, items=1)
    item = lab.items[0]
    one = (await lab.put(NewAnnotation(item, [box(tags=[NewTagging("count", 1), NewTagging("seen")])]))).figure_ids[0]
    await lab.put(NewAnnotation(item, [box(id=one, tags=[NewTagging("seen"), NewTagging("count", 1)])]))
    assert await history(lab, one) == []
    await lab.put(NewAnnotation(item, [box(id=one, tags=[NewTagging("count", 2)])]))
    assert [(tag.name, tag.value) for tag in (await lab.get(item)).figures[0].tags] == [("count", 2)]
    assert len(await history(lab, one)) == 1


async def test_tags_of_an_item_that_stay_keep_their_ids(db: Database):
    lab = await make_lab(db, items=1)
    item = lab.items[0]
    await lab.put(NewAnnotation(item, [], [NewTagging("seen"), NewTagging("count", 1), NewTagging("count", 1)]))
    before = {tag.name: tag.id for tag in (await lab.get(item)).tags}
    assert sorted(before) == ["count", "seen"]
    await lab.put(NewAnnotation(item, [], [NewTagging("seen"), NewTagging("count", 2)]))
    after = {tag.name: tag.id for tag in (await lab.get(item)).tags}
    assert after["seen"] == before["seen"]
    assert after["count"] != before["count"]


async def test_the_name_of_a_class_counts_before_its_number(db: Database):
    """Contract 7.6, trap 6: a re-uploaded annotation carries the numbers of the project that it came from."""
    lab = await make_lab(db, items=1)
    road = await lab.ask("select id from label_classes where project_id = %s and name = 'road'", lab.project_id)
    new = [
        NewLabel("rectangle", BOX, "car", class_id=road),
        NewLabel("rectangle", BOX, "car", class_id=2**31 - 1),
        NewLabel("polygon", RING, class_id=road),
    ]
    await lab.put(NewAnnotation(lab.items[0], new))
    assert [one.class_name for one in (await lab.get(lab.items[0])).figures] == ["car", "car", "road"]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("class", {"class_name": "bus"}, "labels[1].class"),
    ("class-case", {"class_name": "Car"}, "labels[1].class"),
    ("class-nul", {"class_name": "a\0b"}, ""),
    ("class-surrogate", {"class_name": "\ud800"}, ""),
    ("no-class", {"class_name": None}, "labels[1].class"),
    ("class-id", {"class_name": None, "class_id": 2**31}, "labels[1].class_id"),
    ("object", {"object_id": 2**31 - 1}, "labels[1].object_id"),
    ("tag", {"tags": [NewTagging("seen"), NewTagging("nope")]}, "labels[1].tags[1].name"),
    ("no-tag", {"tags": [NewTagging()]}, "labels[1].tags[0].name"),
    ("value-none", {"tags": [NewTagging("seen", "x")]}, "labels[1].tags[0].value"),
    ("value-number", {"tags": [NewTagging("count", "3")]}, "labels[1].tags[0].value"),
    ("value-missing", {"tags": [NewTagging("count")]}, "labels[1].tags[0].value"),
    ("value-choice", {"tags": [NewTagging("weather", "snow")]}, "labels[1].tags[0].value"),
    ("value-text", {"tags": [NewTagging("note", 3)]}, "labels[1].tags[0].value"),
    ("value-bool", {"tags": [NewTagging("count", True)]}, "labels[1].tags[0].value"),
    ("value-list", {"tags": [NewTagging("note", [1])]}, "labels[1].tags[0].value"),
    ("value-nan", {"tags": [NewTagging("count", float("nan"))]}, ""),
    ("value-huge", {"tags": [NewTagging("count", 2**70)]}, "labels[1].tags[0].value"),
    ("frames", {"tags": [NewTagging("seen", frame_from=3, frame_to=2)]}, "labels[1].tags[0].frames"),
    ("shape", {"class_name": "road"}, "labels[1].geometry_type"),
    ("type", {"geometry_type": "a b"}, "labels[1].geometry_type"),
    ("type-unknown", {"geometry_type": "wat", "class_name": "thing"}, "labels[1].geometry_type"),
    (
        "mask",
        {"geometry_type": "bitmap", "class_name": "thing", "geometry": {"bitmap": {"data": "@@@", "origin": [0, 0]}}},
        "labels[1].geometry.bitmap.data",
    ),
    ("geometry-far", {"geometry": {"points": {"exterior": [[1e300, 2], [3, 4]]}}}, "labels[1].geometry.points"),
    ("geometry-none", {"geometry": None}, "labels[1].geometry"),
    ("geometry-empty", {"geometry": {}}, "labels[1].geometry.points"),
    ("geometry-points", {"geometry": {"points": {"exterior": [[1, 2]], "interior": []}}}, "labels[1].geometry.points"),
    ("geometry-pair", {"geometry": {"points": {"exterior": [[1], [2, 3]]}}}, "labels[1].geometry.points.exterior"),
    ("geometry-nan", {"geometry": {**BOX, "angle": float("nan")}}, ""),
    ("geometry-inf", {"geometry": {**BOX, "angle": float("inf")}}, ""),
    ("geometry-int", {"geometry": {**BOX, "angle": 10**400}}, "labels[1].geometry"),
    ("geometry-nul", {"geometry": {**BOX, "template": "\0"}}, ""),
    ("geometry-bytes", {"geometry": {**BOX, "template": b"x"}}, ""),
    ("geometry-list", {"geometry": [1]}, "labels[1].geometry"),
    ("frame", {"frame": 2**31}, "labels[1].frame"),
    ("priority", {"priority": 2**40}, "labels[1].priority"),
    ("description", {"description": "\0"}, "labels[1].description"),
    ("meta", {"meta": {"a": "\ud800"}}, "labels[1].meta"),
]


@pytest.mark.parametrize(("case", "wrong", "field"), REFUSED, ids=[case for case, _, _ in REFUSED])
async def test_what_can_not_be_is_refused_and_named(db: Database, case: str, wrong: dict[str, Any], field: str):
    lab = await make_lab(db, items=1)
    kept = await lab.put(NewAnnotation(lab.items[0], [box()]))
    values: dict[str, Any] = {"geometry_type": "rectangle", "geometry": BOX, "class_name": "car"} | wrong
    with pytest.raises(errors.Invalid) as caught:
        await lab.put(NewAnnotation(lab.items[0], [box(), NewLabel(**values)]))
    assert (caught.value.field or "").startswith(f"annotations[0].{field}".rstrip("."))
    assert [one.id for one in (await lab.get(lab.items[0])).figures] == kept.figure_ids


async def test_what_is_too_deep_is_refused(db: Database):
    lab = await make_lab(db, items=1)
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(errors.Invalid):
        await lab.put(NewAnnotation(lab.items[0], [NewLabel("blob", {"x": deep}, "thing")]))


async def test_all_or_none_and_each_by_itself(db: Database):
    lab = await make_lab(db, items=3)
    one, two, three = lab.items
    new = [
        NewAnnotation(three, [box()]),
        NewAnnotation(one, [box("bus")]),
        NewAnnotation(two, [box(), box()]),
        NewAnnotation(2**31 - 1, [box()]),
        NewAnnotation(-5, [box()]),
    ]
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid) as caught:
            await labels.put(tx, lab.actor, new[:3])
        assert caught.value.details == {"class": "bus"}
        assert caught.value.field == "annotations[1].labels[0].class"
    assert [await lab.count(item) for item in lab.items] == [0, 0, 0]
    async with db.transaction() as tx:
        saved = await labels.put(tx, lab.actor, new, atomic=False)
    assert [one.item_id for one in saved] == [three, one, two, 2**31 - 1, -5]
    assert [len(one.figure_ids) for one in saved] == [1, 0, 2, 0, 0]
    assert [type(one.error) for one in saved] == [
        type(None),
        errors.Invalid,
        type(None),
        errors.MediaNotFound,
        errors.MediaNotFound,
    ]
    assert [await lab.count(item) for item in lab.items] == [0, 2, 1]
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid):
            await labels.put(tx, lab.actor, [NewAnnotation(one), NewAnnotation(one)])


async def test_ten_thousand_items_in_one_call(db: Database):
    lab = await make_lab(db, items=0)
    await lab.do(
        "with made as (insert into items (kind, owner_id, container_id, name, name_key, visibility)"
        " select 'image', %s, %s, n::text, n::text || '/' || %s, 'private' from generate_series(1, 10000) as n"
        " returning id) insert into media (item_id, project_id, dataset_id) select id, %s, %s from made",
        lab.account_id,
        lab.project_id,
        lab.project_id,
        lab.project_id,
        lab.dataset_id,
    )
    async with db.transaction() as tx:
        cursor = await tx.connection.execute("select item_id from media where dataset_id = %s", (lab.dataset_id,))
        items = [row[0] for row in await cursor.fetchall()]
        saved = await labels.put(tx, lab.actor, [NewAnnotation(item, [box(), box(left=4)]) for item in items])
        assert sum(len(one.figure_ids) for one in saved) == 20_000
        assert await figures.count(tx, lab.actor, dataset_id=lab.dataset_id) == 20_000
        found = await labels.get_many(tx, lab.actor, items)
    assert [len(one.figures) for one in found] == [2] * 10_000


class Counting(Tx):
    """A transaction that counts its statements."""

    statements = 0

    async def _execute(self, query: Query, params: dict[str, object]) -> Value:
        Counting.statements += 1
        return await super()._execute(query, params)


async def test_saving_one_is_one_statement_and_reading_many_a_few(db: Database):
    lab = await make_lab(db, items=3)
    Counting.statements = 0
    async with db.reading() as tx:
        counting = Counting(tx.connection)
        await labels.put(counting, lab.actor, [NewAnnotation(lab.items[0], [box()] * 5, [NewTagging("seen")])])
        assert Counting.statements == 1
        await labels.put(counting, lab.actor, [NewAnnotation(lab.items[0], [box()] * 5, [NewTagging("count", 1)])])
        assert Counting.statements == 2
        Counting.statements = 0
        await labels.get_many(counting, lab.actor, lab.items)
        assert Counting.statements == 4
        Counting.statements = 0
        await labels.get_many(counting, lab.actor, lab.items[1:])
        assert Counting.statements == 1, "nothing is asked about labels where there are none"


async def test_a_dataset_is_read_page_by_page(db: Database):
    lab = await make_lab(db, items=5)
    async with db.reading() as tx:
        first = await labels.page(tx, lab.actor, lab.dataset_id, limit=2)
        second = await labels.page(tx, lab.actor, lab.dataset_id, limit=2, cursor=first.next)
        skipped = await labels.page(tx, lab.actor, lab.dataset_id, limit=3, offset=4)
        assert [one.item_id for one in (*first.rows, *second.rows)] == lab.items[:4]
        assert ([one.item_id for one in skipped.rows], skipped.next) == (lab.items[4:], None)
        assert await labels.count(tx, lab.actor, lab.dataset_id) == 5
        for wrong in (0, 2**31, -1):
            with pytest.raises(errors.DatasetNotFound):
                await labels.page(tx, lab.actor, wrong)
        with pytest.raises(errors.Invalid):
            await labels.page(tx, lab.actor, lab.dataset_id, limit=0)


async def test_copies_are_found_by_name_in_another_project(db: Database):
    lab = await make_lab(db, items=3)
    one, two, three = lab.items
    await lab.put(NewAnnotation(one, [box(tags=[NewTagging("count", 1)])], [NewTagging("seen")]))
    async with db.transaction() as tx:
        await labels.copy(tx, lab.actor, [(one, two), (one, three)])
    shown = [plain(await lab.get(item)) for item in lab.items]
    assert shown[0] == shown[1] == shown[2]
    other = await make_lab(db, items=0, classes=[NewClass("road", "polygon")])
    item = await add_item(db, lab.account_id, other.project_id, other.dataset_id, "x.png")
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid) as caught:
            await labels.copy(tx, lab.actor, [(one, item)])
    assert "car" in caught.value.message


async def test_copies_with_their_dates(db: Database):
    """What a label's dates are: the copy's own, or with `keep_dates` the ones that the source has."""
    lab = await make_lab(db, items=3)
    source, dated, plain_copy = lab.items
    await lab.put(NewAnnotation(source, [box(), box()]))
    async with db.transaction() as tx:
        await labels.copy(tx, lab.actor, [(source, dated)], keep_dates=True)
        await labels.copy(tx, lab.actor, [(source, plain_copy)])
    first, second, third = [
        [(figure.created_at, figure.updated_at) for figure in (await lab.get(item)).figures] for item in lab.items
    ]
    assert first == second
    assert max(first) < min(third)


def plain(found: Annotation) -> tuple[object, ...]:
    def of(one: Figure) -> tuple[object, ...]:
        return one.class_name, one.geometry, [(tag.name, tag.value) for tag in one.tags]

    return [of(one) for one in found.figures], [(tag.name, tag.value) for tag in found.tags]
