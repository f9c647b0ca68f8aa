"""A project's classes and tags: replaced as a whole, added, changed and removed; ids stay with what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories.labels import Lab, box, make_lab
from factories.people import told_of
from pinakes.server import errors
from pinakes.server.actor import Role, Scope
from pinakes.server.db import Database
from pinakes.server.labeling import classes, figures, meta, tags
from pinakes.server.labeling.label_types import (
    ClassChanges,
    Meta,
    NewAnnotation,
    NewClass,
    NewTag,
    NewTagging,
    TagChanges,
)


async def read(lab: Lab) -> Meta:
    async with lab.db.reading() as tx:
        return await meta.get(tx, lab.actor, lab.project_id)


async def write(lab: Lab, new: list[NewClass], new_tags: list[NewTag] | None = None) -> Meta:
    async with lab.db.transaction() as tx:
        return await meta.replace(tx, lab.actor, lab.project_id, new, new_tags or [])


def ids(found: Meta) -> dict[str, int]:
    return {one.name: one.id for one in (*found.classes, *found.tags)}


async def test_all_of_a_meta_comes_back(db: Database):
    lab = await make_lab(db, items=0)
    new = NewClass("Graph 1", "graph", "#FF00aa", "what it is", "Ctrl+1", {"nodes": {"a": {"label": "x"}}}, {"s": [1]})
    tag = NewTag("w", "oneof_string", ["b", "a", "b"], "#000000", "w", "imagesOnly", "framesOnly", ["Graph 1"])
    found = await write(lab, [new], [tag])
    assert found.data_type == "images"
    one, two = found.classes[0], found.tags[0]
    assert (one.name, one.shape, one.color, one.description, one.hotkey, one.geometry_config, one.settings) == (
        "Graph 1", "graph", "#FF00aa", "what it is", "Ctrl+1", {"nodes": {"a": {"label": "x"}}}, {"s": [1]}
    )  # fmt: skip
    assert (two.name, two.value_type, two.choices, two.color, two.hotkey, two.applies_to, two.targets, two.classes) == (
        "w", "oneof_string", ["b", "a"], "#000000", "w", "imagesOnly", "framesOnly", ["Graph 1"]
    )  # fmt: skip
    assert await read(lab) == found


async def test_a_meta_is_matched_by_id_then_by_name(db: Database):
    """Contract 7.3: ids of what stays are kept, what is absent goes, ids of other projects count as none."""
    lab, other = await make_lab(db, items=0), await make_lab(db, items=0)
    before, foreign = ids(await read(lab)), ids(await read(other))
    new = [
        NewClass("road", "rectangle", id=before["car"]),
        NewClass("car", "polygon", id=before["road"]),
        NewClass("thing", id=foreign["thing"]),
        NewClass("fresh", id=foreign["car"]),
    ]
    after = ids(await write(lab, new, [NewTag("count", "any_number"), NewTag("seen again", id=before["seen"])]))
    assert (after["road"], after["car"], after["thing"]) == (before["car"], before["road"], before["thing"])
    assert after["fresh"] not in {found[name] for found in (before, foreign) for name in ("car", "road", "thing")}
    assert (after["count"], after["seen again"]) == (before["count"], before["seen"])
    assert set(after) == {"road", "car", "thing", "fresh", "count", "seen again"}
    assert ids(await read(other)) == foreign


async def test_writing_the_same_again_changes_nothing(db: Database):
    lab = await make_lab(db, items=0)
    before = await read(lab)
    new = [NewClass(one.name, one.shape) for one in before.classes]
    new_tags = [NewTag(one.name, one.value_type, one.choices) for one in before.tags]
    assert await write(lab, new, new_tags) == before
    assert await told_of(db, lab.actor) == ["meta.replaced"]


async def test_what_is_left_out_goes_with_its_labels(db: Database):
    lab = await make_lab(db, items=1)
    item = lab.items[0]
    saved = await lab.put(NewAnnotation(item, [box(tags=[NewTagging("seen")]), box("thing")], [NewTagging("count", 1)]))
    await write(lab, [NewClass("car", "rectangle")], [NewTag("seen")])
    found = await lab.get(item)
    assert ([one.class_name for one in found.figures], found.tags) == (["car"], [])
    assert [tag.name for tag in found.figures[0].tags] == ["seen"]
    assert await lab.count(item) == 1
    async with db.reading() as tx:
        gone = (await figures.history(tx, lab.actor, saved.figure_ids[1])).rows
    assert [(one.removed, one.changed_by) for one in gone] == [(True, lab.actor.user_id)]


async def test_a_class_keeps_a_shape_from_before_there_were_rules(db: Database):
    """No other class gets it, nor does it get another such shape."""
    lab = await make_lab(db, items=0)
    await lab.do("update label_classes set shape = 'sketch' where project_id = %s and name = 'thing'", lab.project_id)
    number = ids(await read(lab))["thing"]
    kept = NewClass("thing", "sketch", description="an old one", id=number)
    for new in (NewClass("new", "sketch"), NewClass("new", "sketch", id=number), NewClass("car", "sketch")):
        with pytest.raises(errors.Invalid) as caught:
            await write(lab, [kept, new])
        assert caught.value.field == "classes[1].shape"
    with pytest.raises(errors.Invalid):
        await write(lab, [NewClass("thing", "scribble", id=number)])
    (found,) = (await write(lab, [kept])).classes
    assert (found.id, found.shape, found.description) == (number, "sketch", "an old one")
    async with db.transaction() as tx:
        found = await classes.edit(tx, lab.actor, number, ClassChanges(name="sketches", shape="sketch"))
        assert (found.id, found.shape, found.name) == (number, "sketch", "sketches")
        with pytest.raises(errors.Invalid):
            await classes.edit(tx, lab.actor, number, ClassChanges(shape="scribble"))


async def test_labels_have_to_fit_what_is_to_be(db: Database):
    lab = await make_lab(db, items=1)
    labels = [box(tags=[NewTagging("weather", "rain"), NewTagging("count", 3)])]
    await lab.put(NewAnnotation(lab.items[0], labels))
    before = await read(lab)
    car = NewClass("car", "rectangle")
    kept = [NewTag("weather", "oneof_string", ["rain"]), NewTag("count", "any_number")]
    for new, new_tags, field in (
        ([NewClass("car", "polygon")], kept, "shape"),
        ([car], [NewTag("weather", "oneof_string", ["sun"]), kept[1]], "choices"),
        ([car], [kept[0], NewTag("count", "any_string")], "choices"),
        ([car, car], kept, "classes[1].name"),
        ([car], [*kept, kept[0]], "tags[2].name"),
    ):
        with pytest.raises(errors.Invalid) as caught:
            await write(lab, new, new_tags)
        assert caught.value.field == field
    assert await read(lab) == before
    await write(lab, [NewClass("car", "any"), NewClass("Car", "point")], kept)
    assert sorted(ids(await read(lab))) == ["Car", "car", "count", "weather"]


WRONG = {
    "empty": NewClass(" "),
    "long": NewClass("x" * 256),
    "nul": NewClass("a\0"),
    "surrogate": NewClass("\ud800"),
    "two lines": NewClass("a\nb"),
    "color": NewClass("a", color="red"),
    "shape": NewClass("a", "a b"),
    "config": NewClass("a", geometry_config={"a": float("nan")}),
    "config-nul": NewClass("a", geometry_config={"a": "\0"}),
    "hotkey": NewClass("a", hotkey="x" * 300),
    "description": NewClass("a", description="x" * 10_001),
}
WRONG_TAGS = {
    "empty": NewTag(""),
    "type": NewTag("a", "number"),
    "no choices": NewTag("a", "oneof_string"),
    "choice": NewTag("a", "oneof_string", ["\0"]),
    "applies": NewTag("a", applies_to="some"),
    "targets": NewTag("a", targets="some"),
    "classes": NewTag("a", classes=["\0"]),
}


@pytest.mark.parametrize("case", [*WRONG, *(f"tag {case}" for case in WRONG_TAGS)])
async def test_what_can_not_be_is_refused_and_named(db: Database, case: str):
    lab = await make_lab(db, items=0)
    before = await read(lab)
    new = [NewClass("ok"), WRONG[case]] if case in WRONG else []
    new_tags = [WRONG_TAGS[case.removeprefix("tag ")]] if case not in WRONG else []
    with pytest.raises(errors.Invalid) as caught:
        await write(lab, new, new_tags)
    assert (caught.value.field or "").startswith("classes[1]." if case in WRONG else "tags[0].")
    assert await read(lab) == before


async def test_classes_are_added_changed_and_removed(db: Database):
    lab = await make_lab(db, items=0, tags=[NewTag("t", classes=["car", "road"])])
    async with db.transaction() as tx:
        made = await classes.add(tx, lab.actor, lab.project_id, [NewClass("b"), NewClass("a", "point", "#123456")])
        assert [(one.name, one.shape) for one in made] == [("b", "any"), ("a", "point")]
        with pytest.raises(errors.NameTaken) as caught:
            await classes.add(tx, lab.actor, lab.project_id, [NewClass("c"), NewClass("a")])
        assert caught.value.details == {"errors": [{"name": "a", "id": made[1].id}]}
        car = next(one for one in await classes.list_classes(tx, lab.actor, lab.project_id) if one.name == "car")
        changed = await classes.edit(tx, lab.actor, car.id, ClassChanges(name="auto", description="d"))
        assert (changed.id, changed.name, changed.description, changed.shape) == (car.id, "auto", "d", "rectangle")
        assert await classes.edit(tx, lab.actor, car.id, ClassChanges(name="auto")) == changed
        assert (await tags.list_tags(tx, lab.actor, lab.project_id))[0].classes == ["auto", "road"]
        with pytest.raises(errors.NameTaken):
            await classes.edit(tx, lab.actor, car.id, ClassChanges(name="road"))
        assert await classes.remove(tx, lab.actor, lab.project_id, [car.id]) == 1
        assert (await tags.list_tags(tx, lab.actor, lab.project_id))[0].classes == ["road"]
        for wrong in (car.id, 0, 2**31):
            with pytest.raises(errors.LabelClassNotFound):
                await classes.get(tx, lab.actor, wrong)
    assert await told_of(db, lab.actor) == ["meta.replaced", "classes.added", "class.changed", "classes.removed"]


async def test_tags_are_added_changed_and_removed(db: Database):
    lab = await make_lab(db, items=1)
    await lab.put(NewAnnotation(lab.items[0], [], [NewTagging("weather", "rain"), NewTagging("seen")]))
    async with db.transaction() as tx:
        made = await tags.add(tx, lab.actor, lab.project_id, [NewTag("b"), NewTag("a", "oneof_string", ["x"])])
        assert [(one.name, one.choices) for one in made] == [("b", None), ("a", ["x"])]
        with pytest.raises(errors.NameTaken):
            await tags.add(tx, lab.actor, lab.project_id, [NewTag("b")])
        there = {one.name: one for one in await tags.list_tags(tx, lab.actor, lab.project_id)}
        more = await tags.edit(tx, lab.actor, there["weather"].id, TagChanges(choices=["rain", "snow"], name="sky"))
        assert (more.name, more.choices, more.id) == ("sky", ["rain", "snow"], there["weather"].id)
        with pytest.raises(errors.Invalid):
            await tags.edit(tx, lab.actor, more.id, TagChanges(choices=["snow"]))
        with pytest.raises(errors.NameTaken):
            await tags.edit(tx, lab.actor, more.id, TagChanges(name="seen"))
        assert await tags.remove(tx, lab.actor, lab.project_id, [more.id, made[0].id, 2**31]) == 2
        with pytest.raises(errors.LabelTagNotFound):
            await tags.get(tx, lab.actor, more.id)
    assert [tag.name for tag in (await lab.get(lab.items[0])).tags] == ["seen"]


async def test_who_may_not_see_the_project_finds_nothing_and_who_only_reads_changes_nothing(db: Database):
    lab, other = await make_lab(db, items=0), await make_lab(db, items=0)
    car = ids(await read(lab))["car"]
    viewer, manager = await lab.worker(Role.VIEWER), await lab.worker(Role.MANAGER)
    narrow = replace(lab.actor, scope=Scope.READ)
    async with db.transaction() as tx:
        with pytest.raises(errors.ProjectNotFound):
            await meta.get(tx, other.actor, lab.project_id)
        with pytest.raises(errors.LabelClassNotFound):
            await classes.get(tx, other.actor, car)
        with pytest.raises(errors.ProjectNotFound):
            await classes.add(tx, other.actor, lab.project_id, [NewClass("x")])
        for actor, refusal in (
            (viewer, errors.Forbidden),
            (manager, errors.Forbidden),
            (narrow, errors.ScopeTooNarrow),
        ):
            assert (await classes.get(tx, actor, car)).name == "car"
            with pytest.raises(refusal):
                await meta.replace(tx, actor, lab.project_id, [], [])
            with pytest.raises(refusal):
                await classes.remove(tx, actor, lab.project_id, [car])
