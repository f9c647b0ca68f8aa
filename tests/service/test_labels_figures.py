"""Figures, objects and tags one by one or by the thousand, on items of every kind."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest

from factories.labels import BOX, RING, Lab, add_dataset, add_item, box, make_lab
from pinakes.server import errors
from pinakes.server.actor import Role
from pinakes.server.db import Database
from pinakes.server.labeling import annotations as labels, classes, figures, meta, objects, tagging
from pinakes.server.labeling.label_types import (
    Figure,
    FigureChanges,
    NewAnnotation,
    NewClass,
    NewFigure,
    NewLabel,
    NewObject,
    NewTagged,
    NewTagging,
)


async def add(lab: Lab, *new: NewFigure) -> list[int]:
    async with lab.db.transaction() as tx:
        return await figures.add(tx, lab.actor, new)


async def one(lab: Lab, figure_id: int) -> Figure:
    async with lab.db.reading() as tx:
        return await figures.get(tx, lab.actor, figure_id)


async def test_figures_are_added_in_order_and_all_or_none(db: Database):
    lab = await make_lab(db, items=2)
    first, second = lab.items
    ids = await add(
        lab,
        NewFigure(second, box(left=1)),
        NewFigure(first, box(left=2, tags=[NewTagging("count", 2)])),
        NewFigure(second, box(left=3)),
    )
    assert ids == sorted(ids)
    async with db.reading() as tx:
        found = await figures.get_many(tx, lab.actor, [*ids, 2**31 - 1, -1])
    assert [(each.item_id, each.geometry) for each in found] == [
        (second, box(left=1).geometry),
        (first, box(left=2).geometry),
        (second, box(left=3).geometry),
    ]
    assert [tag.value for tag in found[1].tags] == [2]
    assert (await lab.count(first), await lab.count(second)) == (1, 2)
    with pytest.raises(errors.Invalid) as caught:
        await add(lab, NewFigure(first, box()), NewFigure(first, box("bus")))
    assert caught.value.field == "figures[1].class"
    with pytest.raises(errors.MediaNotFound) as missing:
        await add(lab, NewFigure(first, box()), NewFigure(2**31 - 1, box()))
    assert missing.value.details == {"item_ids": [2**31 - 1]}
    other = await make_lab(db, items=1)
    with pytest.raises(errors.MediaNotFound):
        await add(lab, NewFigure(other.items[0], box()))
    assert await lab.count(first) == 1
    assert await add(lab) == []


async def test_figures_are_listed_by_dataset_and_by_items(db: Database):
    lab = await make_lab(db, items=3)
    for item in lab.items:
        await lab.put(NewAnnotation(item, [box(), box(left=4)]))
    elsewhere = await add_item(db, lab.account_id, lab.project_id, await add_dataset(lab), "e.png")
    await lab.put(NewAnnotation(elsewhere, [box()]))
    async with db.reading() as tx:
        whole = await figures.page(tx, lab.actor, dataset_id=lab.dataset_id)
        assert [each.item_id for each in whole.rows] == [item for item in lab.items for _ in range(2)]
        first = await figures.page(tx, lab.actor, dataset_id=lab.dataset_id, limit=4)
        second = await figures.page(tx, lab.actor, dataset_id=lab.dataset_id, limit=4, cursor=first.next)
        assert [each.id for each in (*first.rows, *second.rows)] == [each.id for each in whole.rows]
        assert second.next is None
        skipped = await figures.page(tx, lab.actor, dataset_id=lab.dataset_id, limit=2, offset=3)
        assert [each.id for each in skipped.rows] == [each.id for each in whole.rows[3:5]]
        some = await figures.page(tx, lab.actor, item_ids=[elsewhere, lab.items[0], 2**31 - 1])
        assert [each.item_id for each in some.rows] == [lab.items[0]] * 2 + [elsewhere]
        assert await figures.count(tx, lab.actor, item_ids=[elsewhere, lab.items[0]]) == 3
        assert await figures.count(tx, lab.actor, dataset_id=lab.dataset_id, item_ids=[elsewhere]) == 0
        assert await figures.count(tx, lab.actor, dataset_id=lab.dataset_id) == 6
        with pytest.raises(errors.Invalid):
            await figures.page(tx, lab.actor)
        with pytest.raises(errors.Invalid):
            await figures.page(tx, lab.actor, dataset_id=lab.dataset_id, cursor="nonsense")


async def test_a_changed_figure_has_a_history(db: Database):
    """A figure's history: who, when, and what was before."""
    lab = await make_lab(db, items=1)
    (figure,) = await add(
        lab, NewFigure(lab.items[0], box(tags=[NewTagging("count", 1)], description="old", priority=3))
    )
    async with db.transaction() as tx:
        changed = await figures.edit(tx, lab.actor, figure, FigureChanges(geometry=BOX, tags=[NewTagging("seen")]))
        assert (changed.geometry, changed.description, changed.priority) == (BOX, "old", 3)
        assert [tag.name for tag in changed.tags] == ["seen"]
        await figures.edit(tx, lab.actor, figure, FigureChanges(description="new", nn_updated=True, meta={"a": 1}))
        assert (await figures.set_priority(tx, lab.actor, figure, 9)).priority == 9
    found = await one(lab, figure)
    assert (found.geometry, found.description, found.nn_updated, found.meta) == (BOX, "new", True, {"a": 1})
    async with db.reading() as tx:
        page = await figures.history(tx, lab.actor, figure, limit=2)
        rest = await figures.history(tx, lab.actor, figure, limit=2, cursor=page.next)
    versions = [*page.rows, *rest.rows]
    assert [(each.description, each.removed) for each in versions] == [("new", False), ("old", False), ("old", False)]
    assert versions[2].geometry == box().geometry
    assert [tag["value"] for tag in versions[2].tags] == [1]
    assert {each.changed_by_name for each in versions} == {lab.actor.name}
    assert versions[2].since <= versions[2].until <= versions[1].until
    async with db.transaction() as tx:
        for wrong in (
            FigureChanges(class_name="bus"),
            FigureChanges(geometry={}),
            FigureChanges(geometry_type="polygon"),
        ):
            with pytest.raises(errors.Invalid):
                await figures.edit(tx, lab.actor, figure, wrong)
        with pytest.raises(errors.LabelNotFound):
            await figures.edit(tx, lab.actor, 2**31 - 1, FigureChanges(description="x"))
    assert len((await one(lab, figure)).tags) == 1


@pytest.mark.parametrize(("kind", "shape"), [("bitmap", {"bitmap": {"origin": [0, 0], "data": "@@@"}}), ("sketch", {})])
async def test_what_is_said_of_an_old_broken_figure_is_changed(db: Database, kind: str, shape: dict[str, object]):
    """It was kept before anybody looked at it, and stays: only a geometry or a type that comes anew is looked at."""
    lab = await make_lab(db, items=1)
    (old,) = await add(lab, NewFigure(lab.items[0], box("thing")))
    broken = (kind, json.dumps(shape))
    await lab.do("update figures set geometry_type = %s, geometry = %s::jsonb where id = %s", *broken, old)
    async with db.transaction() as tx:
        changes = FigureChanges(description="blurred", class_name="thing", tags=[NewTagging("seen")])
        found = await figures.edit(tx, lab.actor, old, changes)
    assert (found.description, [tag.name for tag in found.tags]) == ("blurred", ["seen"])
    assert (found.geometry_type, found.geometry) == (kind, shape)
    for changes in (FigureChanges(geometry={"bitmap": 5}), FigureChanges(geometry_type="polygon")):
        with pytest.raises(errors.Invalid) as caught:
            async with db.transaction() as tx:
                await figures.edit(tx, lab.actor, old, changes)
        assert (caught.value.field or "").startswith("figure.geometry")
    assert await one(lab, old) == found


async def test_removed_figures_come_back_as_they_were(db: Database):
    lab = await make_lab(db, items=1)
    item = lab.items[0]
    new = box(tags=[NewTagging("count", 1), NewTagging("seen")], track_id="t", priority=2, nn_created=True)
    first, second, third = await add(lab, NewFigure(item, new), NewFigure(item, box()), NewFigure(item, box("thing")))
    before = await one(lab, first)
    async with db.transaction() as tx:
        assert await figures.remove(tx, lab.actor, [first, second, third, 2**31 - 1]) == 3
        assert await figures.remove(tx, lab.actor, [first]) == 0
    assert await lab.count(item) == 0
    async with db.reading() as tx:
        assert [each.removed for each in (await figures.history(tx, lab.actor, first)).rows] == [True]
    async with db.transaction() as tx:
        thing = next(each for each in await classes.list_classes(tx, lab.actor, lab.project_id) if each.name == "thing")
        await classes.remove(tx, lab.actor, lab.project_id, [thing.id])
        assert await figures.restore(tx, lab.actor, [first, third]) == [first]
        assert await figures.restore(tx, lab.actor, [first]) == []
        with pytest.raises(errors.LabelNotFound):
            await figures.restore(tx, lab.actor, [2**31 - 1])
    back = await one(lab, first)
    assert (back.geometry, back.track_id, back.priority, back.nn_created, back.created_by, back.created_at) == (
        before.geometry, "t", 2, True, before.created_by, before.created_at
    )  # fmt: skip
    assert [(tag.name, tag.value) for tag in back.tags] == [("count", 1), ("seen", None)]
    assert await lab.count(item) == 1


async def test_a_geometry_may_be_a_file(db: Database):
    """Contract 7.6: alpha masks are uploaded separately; a file that the account does not know is refused."""
    lab = await make_lab(db, items=1, classes=[NewClass("mask", "alpha_mask")])
    (figure,) = await add(lab, NewFigure(lab.items[0], NewLabel("alpha_mask", None, "mask")))
    digest = hashlib.sha256(b"mask").digest()
    async with db.transaction() as tx:
        with pytest.raises(errors.FileNotFound):
            await figures.attach_geometries(tx, lab.actor, [(figure, digest)])
    await lab.do("insert into media_files (account_id, sha256, size) values (%s, %s, 4)", lab.account_id, digest)
    async with db.transaction() as tx:
        await figures.attach_geometries(tx, lab.actor, [(figure, digest)])
        (file,) = await figures.geometry_files(tx, lab.actor, [figure])
        assert (file.figure_id, file.account_id, file.sha256, file.geometry) == (figure, lab.account_id, digest, None)
        with pytest.raises(errors.LabelNotFound):
            await figures.geometry_files(tx, lab.actor, [figure, 2**31 - 1])
    kept = NewAnnotation(lab.items[0], [NewLabel("alpha_mask", None, "mask", id=figure)])
    assert (await lab.put(kept)).figure_ids == [figure]
    assert (await one(lab, figure)).geometry_file == digest
    item = await add_item(db, lab.account_id, lab.project_id, lab.dataset_id, "copy.png")
    async with db.transaction() as tx:
        await labels.copy(tx, lab.actor, [(lab.items[0], item)])
    assert [each.geometry_file for each in (await lab.get(item)).figures] == [digest]


@pytest.mark.parametrize("data_type", ["videos", "point_clouds", "point_cloud_episodes", "volumes"])
async def test_objects_and_their_sights_are_read_as_one(db: Database, data_type: str):
    """Contract 7.7 to 7.9: objects, figures by frame and slice, tags with frames, of every kind of item."""
    lab = await make_lab(db, items=2, data_type=data_type)
    item = lab.items[0]
    of = None if data_type.startswith("point") else item
    async with db.transaction() as tx:
        ids = await objects.add(
            tx,
            lab.actor,
            lab.dataset_id,
            [
                NewObject("car", item_id=of, tags=[NewTagging("count", 1, frame_from=0, frame_to=2)], meta={"a": 1}),
                NewObject("thing", item_id=of),
                NewObject("road", item_id=of),
            ],
        )
        axial = {"planeName": "axial", "normal": {"x": 0, "y": 0, "z": 1}, "sliceIndex": 4}
        new = [
            NewFigure(item, NewLabel("rectangle", BOX, object_id=ids[0], frame=3, meta={"frame": 3})),
            NewFigure(item, NewLabel("rectangle", BOX, object_id=ids[0], frame=1, meta=axial)),
            NewFigure(item, NewLabel("polygon", RING, object_id=ids[1], meta={"frame": 1})),
        ]
        await figures.add(tx, lab.actor, new)
        await tagging.add(tx, lab.actor, [NewTagged("seen", item_id=item, frame_from=2, frame_to=5)])
    found = await lab.get(item)
    assert [each.id for each in found.objects] == ids
    assert [each.class_name for each in found.objects] == ["car", "thing", "road"]
    assert [(tag.frame_from, tag.frame_to) for tag in (*found.objects[0].tags, *found.tags)] == [(0, 2), (2, 5)]
    assert [each.object_id for each in found.figures] == [ids[0], ids[0], ids[1]]
    assert [(each.at, len(each.figures)) for each in labels.frames_of(found)] == [(1, 2), (3, 1)]
    planes = labels.planes_of(found)
    assert [(each.at, len(each.figures)) for each in planes.axial] == [(4, 1)]
    assert (planes.sagittal, planes.coronal, len(planes.spatial)) == ([], [], 2)
    other = await lab.get(lab.items[1])
    assert [each.id for each in other.objects] == ([ids[2]] if of is None else [])
    async with db.transaction() as tx:
        assert [each.id for each in (await objects.page(tx, lab.actor, dataset_id=lab.dataset_id)).rows] == ids
        assert await objects.count(tx, lab.actor, dataset_id=lab.dataset_id) == 3
        assert await objects.count(tx, lab.actor, item_ids=[item]) == (0 if of is None else 3)
        assert (await objects.get(tx, lab.actor, ids[0])).meta == {"a": 1}
        with pytest.raises(errors.Invalid):
            await figures.add(tx, lab.actor, [NewFigure(lab.items[1], NewLabel("rectangle", BOX, object_id=2**31 - 1))])
        assert await objects.remove(tx, lab.actor, [ids[0], 2**31 - 1]) == 1
    assert await lab.count(item) == 1
    async with db.reading() as tx:
        with pytest.raises(errors.LabelNotFound):
            await objects.get(tx, lab.actor, ids[0])


async def test_an_object_has_a_class_and_a_place(db: Database):
    lab = await make_lab(db, items=1, data_type="videos")
    elsewhere = await add_item(db, lab.account_id, lab.project_id, await add_dataset(lab), "e", data_type="videos")
    for wrong in (NewObject(), NewObject("bus"), NewObject("car", item_id=elsewhere), NewObject(class_id=2**31)):
        async with db.transaction() as tx:
            with pytest.raises(errors.Invalid):
                await objects.add(tx, lab.actor, lab.dataset_id, [wrong])
    async with db.transaction() as tx:
        (first,) = await objects.add(tx, lab.actor, lab.dataset_id, [NewObject("car", item_id=lab.items[0])])
        with pytest.raises(errors.Invalid) as caught:
            await figures.add(tx, lab.actor, [NewFigure(elsewhere, NewLabel("rectangle", BOX, object_id=first))])
        assert caught.value.field == "figures[0].object_id"


async def test_tags_are_put_once_changed_and_taken(db: Database):
    """Contract 7.5."""
    lab = await make_lab(db, items=3)
    (figure,) = await add(lab, NewFigure(lab.items[0], box()))
    new = [NewTagged("seen", item_id=item) for item in lab.items]
    async with db.transaction() as tx:
        ids = await tagging.add(tx, lab.actor, [*new, NewTagged("count", figure_id=figure, value=1), new[0]])
        assert len(set(ids)) == 4
        assert ids[4] == ids[0]
        assert await tagging.add(tx, lab.actor, new) == ids[:3]
        changed = await tagging.set_value(tx, lab.actor, ids[3], 2.5)
        assert (changed.value, changed.figure_id, changed.name) == (2.5, figure, "count")
        moved = await tagging.set_frames(tx, lab.actor, ids[0], 3, 9)
        assert (moved.frame_from, moved.frame_to, moved.value) == (3, 9, None)
        with pytest.raises(errors.Invalid):
            await tagging.set_value(tx, lab.actor, ids[3], "many")
        assert {
            key: [tag.id for tag in tags] for key, tags in (await tagging.of_items(tx, lab.actor, lab.items)).items()
        } == {item: [tag] for item, tag in zip(lab.items, ids[:3], strict=True)}
        assert [tag.value for tag in (await tagging.of_figures(tx, lab.actor, [figure]))[figure]] == [2.5]
        assert await tagging.remove(tx, lab.actor, [ids[3], ids[0], 2**31 - 1]) == 2
        with pytest.raises(errors.LabelNotFound):
            await tagging.get(tx, lab.actor, ids[3])
        seen = await tagging.get(tx, lab.actor, ids[1])
        assert await tagging.remove_from_items(tx, lab.actor, [seen.tag_id], lab.items) == 2
        assert len((await figures.history(tx, lab.actor, figure)).rows) == 2


@pytest.mark.parametrize(
    ("case", "wrong"),
    [
        ("no thing", NewTagged("seen")),
        ("unknown tag", NewTagged("nope", item_id=0)),
        ("value", NewTagged("weather", item_id=0, value="snow")),
        ("no name", NewTagged(item_id=0)),
        ("frames", NewTagged("seen", item_id=0, frame_from=-1, frame_to=3)),
    ],
    ids=lambda case: case.replace(" ", "-") if isinstance(case, str) else "",
)
async def test_tags_that_can_not_be_are_refused(db: Database, case: str, wrong: NewTagged):
    lab = await make_lab(db, items=1)
    values = {key: getattr(wrong, key) for key in ("name", "value", "frame_from", "frame_to")}
    item = lab.items[0] if wrong.item_id is not None else None
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid):
            await tagging.add(
                tx, lab.actor, [NewTagged("seen", item_id=lab.items[0]), NewTagged(item_id=item, **values)]
            )
    assert (await lab.get(lab.items[0])).tags == []


async def test_a_tag_on_what_is_not_there_is_not_found(db: Database):
    lab = await make_lab(db, items=1)
    for wrong in (
        NewTagged("seen", item_id=2**31 - 1),
        NewTagged("seen", figure_id=5),
        NewTagged("seen", object_id=-1),
    ):
        async with db.transaction() as tx:
            with pytest.raises((errors.MediaNotFound, errors.LabelNotFound)):
                await tagging.add(tx, lab.actor, [wrong])


async def test_what_is_done_at_once_leaves_the_counts_right(db: Database):
    """Many save, remove and restore on one item at the same time."""
    lab = await make_lab(db, items=2)

    async def work(number: int) -> None:
        for turn in range(5):
            ids = await add(lab, NewFigure(lab.items[number % 2], box(left=turn)))
            async with db.transaction() as tx:
                await figures.remove(tx, lab.actor, ids)
            await lab.put(NewAnnotation(lab.items[turn % 2], [box()] * number))
            async with db.transaction() as tx:
                await figures.restore(tx, lab.actor, ids)

    await asyncio.gather(*(work(number) for number in range(5)))
    assert all([await lab.count(item) >= 0 for item in lab.items])


async def test_a_class_goes_with_its_labels(db: Database):
    lab = await make_lab(db, items=2)
    ids = await add(lab, NewFigure(lab.items[0], box()), NewFigure(lab.items[1], box("thing")))
    async with db.transaction() as tx:
        car = next(each for each in (await meta.get(tx, lab.actor, lab.project_id)).classes if each.name == "car")
        assert await classes.remove(tx, lab.actor, lab.project_id, [car.id, 2**31 - 1]) == 1
        assert await classes.remove(tx, lab.actor, lab.project_id, [car.id]) == 0
        assert [each.removed for each in (await figures.history(tx, lab.actor, ids[0])).rows] == [True]
    assert (await lab.count(lab.items[0]), await lab.count(lab.items[1])) == (0, 1)


async def test_a_class_that_goes_while_somebody_labels_leaves_the_counts_right(db: Database):
    """Whoever comes too late is told to try again, or that there is no such class; nothing else happens."""
    lab = await make_lab(db, items=8)
    for turn in range(4):
        async with db.transaction() as tx:
            name = f"fleeting {turn}"
            (made,) = await classes.add(tx, lab.actor, lab.project_id, [NewClass(name, "rectangle")])

        async def label(item: int, name: str = name) -> None:
            try:
                await lab.put(NewAnnotation(item, [box(name), box("car")]))
            except (errors.Conflict, errors.Invalid):
                return

        async def go(class_id: int = made.id) -> None:
            async with db.transaction() as tx:
                await classes.remove(tx, lab.actor, lab.project_id, [class_id])

        await asyncio.gather(*(label(item) for item in lab.items[:4]), go(), *(label(item) for item in lab.items[4:]))
    assert {await lab.count(item) for item in lab.items} <= {0, 1, 2}


async def test_a_video_has_only_the_frames_that_it_has(db: Database):
    """The client refuses a whole annotation for one figure behind the end; of a link nobody knows where that is."""
    lab = await make_lab(db, items=2, data_type="videos")
    known, linked = lab.items
    await lab.do("update media set frames = 10 where item_id = %s", known)
    for frame, meta_ in ((11, {}), (9999, {}), (None, {"frame": 11})):
        late = NewLabel("rectangle", BOX, "car", frame=frame, meta=meta_)
        with pytest.raises(errors.Invalid, match="10 frames") as caught:
            await add(lab, NewFigure(known, NewLabel("rectangle", BOX, "car", frame=1)), NewFigure(known, late))
        assert caught.value.field == "figures[1].frame"
        with pytest.raises(errors.Invalid, match="10 frames") as caught:
            await lab.put(NewAnnotation(known, [box(), late]))
        assert caught.value.field == "annotations[0].labels[1].frame"
        await add(lab, NewFigure(linked, late))
    assert await lab.count(known) == 0
    (last,) = await add(lab, NewFigure(known, NewLabel("rectangle", BOX, "car", frame=10)))
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid, match="10 frames") as caught:
            await figures.edit(tx, lab.actor, last, FigureChanges(frame=11))
        assert caught.value.field == "figure.frame"
    late = NewLabel("rectangle", BOX, "car", frame=11)
    async with db.changing() as tx:
        new = [NewAnnotation(known, [late]), NewAnnotation(linked, [late])]
        refused, saved = await labels.put(tx, lab.actor, new, atomic=False)
    assert isinstance(refused.error, errors.Invalid)
    assert (saved.error, len(saved.figure_ids)) == (None, 1)
    stranger = (await make_lab(db, items=0)).actor
    with pytest.raises(errors.MediaNotFound):
        await lab.put(NewAnnotation(known, [late]), stranger)
    viewer = await lab.worker(Role.VIEWER)
    with pytest.raises(errors.Forbidden):
        await lab.put(NewAnnotation(known, [late]), viewer)
    async with db.changing() as tx:
        (refused,) = await labels.put(tx, viewer, [NewAnnotation(known, [late])], atomic=False)
    assert isinstance(refused.error, errors.Forbidden)
    assert [each.frame for each in (await lab.get(known)).figures] == [10]
