"""`teams.activity`: pages, what it refuses, and who may ask."""

from __future__ import annotations

from typing import Any

import pytest

from pinakes.server.actor import Role
from pinakes.server.db import Database
from pinakes.server.labeling import classes
from wires.supervisely.conftest import World
from wires.supervisely.labels import BOX, Desk, desk_of


@pytest.fixture
async def desk(world: World, db: Database) -> Desk:
    return await desk_of(world, db)


def _where(field: str, operator: str, value: object) -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


async def test_pages_of_it(desk: Desk) -> None:
    """Each page as long as it says, `total` on all of them, also beyond the last."""
    for number in range(5):
        await desk.ask("datasets.add", projectId=desk.project, name=f"more {number}")
    asked: dict[str, Any] = {"teamId": desk.team, "filter": [_where("type", "in", ["create_dataset"])]}
    whole = await desk.ask("teams.activity", asked)
    assert (whole["total"], whole["perPage"], whole["pagesCount"]) == (6, 500, 1)
    assert [one["meta"]["name"] for one in whole["entities"]] == [f"more {n}" for n in (4, 3, 2, 1, 0)] + ["ds"]
    parts: list[Any] = []
    for page in (1, 2, 3, 4):
        found = await desk.ask("teams.activity", {**asked, "page": page, "per_page": 2})
        assert (found["total"], found["pagesCount"]) == (6, 3)
        parts += found["entities"]
    assert parts == whole["entities"]


DRAWN = {"type": ["create_figure", "update_figure", "disable_figure", "restore_figure"]}
TAGGED = {"type": ["attach_tag", "update_tag_value", "detach_tag"]}


async def _done(desk: Desk, **wanted: object) -> list[Any]:
    """What was done, the newest first, as far as these fields have one of those values."""
    conditions = [_where(field, "in" if isinstance(value, list) else "=", value) for field, value in wanted.items()]
    found = await desk.ask("teams.activity", teamId=desk.team, filter=conditions)
    assert found["total"] == len(found["entities"])
    return found["entities"]


def _told(found: list[Any], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(one[field] for field in fields) for one in found]


async def test_what_was_drawn(desk: Desk, db: Database) -> None:
    """S1-37: each figure by itself, whoever drew, changed, removed and restored it, and whatever became of it."""
    labeler = await desk.member("labeler", Role.MANAGER)
    assert labeler.person is not None
    first, second, third = await desk.draw(*desk.items)
    await labeler.ask("figures.editInfo", id=first, geometry=BOX)
    await labeler.ask("figures.bulk.remove", figureIds=[second, third])
    await desk.ask("figures.bulk.restore", figureIds=[second])
    found = await _done(desk, **DRAWN)
    him, them = labeler.person.id, desk.caller.id
    assert _told(found[:4], "action", "figureId", "userId") == [
        ("restore_figure", second, them),
        ("disable_figure", third, him),
        ("disable_figure", second, him),
        ("update_figure", first, him),
    ]
    assert sorted(_told(found[4:], "action", "figureId", "userId")) == [
        ("create_figure", figure, them) for figure in (first, second, third)
    ]
    one = found[3]
    assert (one["imageId"], one["projectId"], one["datasetId"]) == (desk.items[0], desk.project, desk.dataset)
    assert (one["classId"], one["class"], one["user"]) == (desk.class_id(), "car", labeler.person.name)
    assert (one["job"], one["tagId"], one["meta"]) == (None, None, {})
    await desk.ask("figures.editInfo", id=second, geometry=BOX)
    await desk.ask("figures.bulk.remove", figureIds=[second])
    about = [one for one in await _done(desk, **DRAWN) if one["figureId"] == second]
    # Who restored it is forgotten once it is changed again; when that was is not.
    assert _told(about, "action", "userId") == [
        ("disable_figure", them), ("update_figure", them), ("restore_figure", None), ("disable_figure", him),
        ("create_figure", them),
    ]  # fmt: skip
    assert [one["date"] for one in about] == sorted((one["date"] for one in about), reverse=True)
    async with db.transaction() as tx:
        await tx.connection.execute("delete from figure_history where item_id = any(%s)", (desk.items,))
    assert _told(await _done(desk, **DRAWN), "action", "figureId") == [("create_figure", first)]


async def test_what_was_drawn_by_each_filter(desk: Desk, db: Database) -> None:
    """Whose, in which project, when; a job's deeds are those of its work, and a class that is gone has no name."""
    labeler = await desk.member("labeler", Role.MANAGER)
    assert labeler.person is not None
    (figure,) = await desk.draw(desk.items[0])
    annotation = {"size": {"width": 32, "height": 24}, "objects": [], "tags": [{"name": "seen", "value": None}]}
    new = [{"imageId": desk.items[0], "annotation": annotation}]
    await labeler.ask("annotations.bulk.add", datasetId=desk.dataset, annotations=new)
    labels = {"type": [*DRAWN["type"], *TAGGED["type"]]}
    assert _told(await _done(desk, **labels, userId=labeler.person.id), "action", "figureId") == [
        ("disable_figure", figure), ("attach_tag", None),
    ]  # fmt: skip
    assert _told(await _done(desk, **labels, labelerId=desk.caller.id), "action") == [
        ("disable_figure",), ("create_figure",),
    ]  # fmt: skip
    assert len(await _done(desk, **labels, projectId=desk.project)) == 3
    assert await _done(desk, **labels, projectId=desk.project + 1) == []
    assert await _done(desk, **labels, jobId=1) == []
    assert await _done(desk, **labels, reviewStatus="done") == []
    drawn = (await _done(desk, type="create_figure"))[0]["date"]
    for operator, moment, count in ((">=", drawn, 3), (">=", "2100-01-01", 0), ("<=", "2026-01-01T00:00:00Z", 0)):
        asked = [_where("type", "in", labels["type"]), _where("date", operator, moment)]
        assert (await desk.ask("teams.activity", teamId=desk.team, filter=asked))["total"] == count
    async with db.transaction() as tx:
        assert desk.caller.person is not None
        await classes.remove(tx, desk.caller.person.actor, desk.project, [desk.class_id()])
    gone = await _done(desk, **DRAWN)
    assert _told(gone, "classId", "class") == [(desk.class_id(), None)] * 2


async def test_what_was_tagged(desk: Desk) -> None:
    """Each tag that is there, with what it is on; of those that are gone, that some were put there and taken away."""
    first, second, _ = desk.items
    (figure,) = await desk.draw(first)
    tag = desk.tag_id()
    made = await desk.ask("image-tags.bulk.add-to-image", tagId=tag, ids=[first, second], value=3)
    on_figure = await desk.ask("object-tags.add-to-object", tagId=tag, figureId=figure, value=1)
    found = await _done(desk, **TAGGED)
    assert {one["action"] for one in found} == {"attach_tag"}
    assert _told(found, "imageId", "figureId", "class", "tagId", "tag", "userId") == [
        (first, figure, "car", tag, "count", desk.caller.id),
        (second, None, None, tag, "count", desk.caller.id),
        (first, None, None, tag, "count", desk.caller.id),
    ]
    await desk.ask("image-tags.update-tag-value", id=made[0]["id"], value=4)
    await desk.ask("object-tags.remove-from-figure", tagId=tag, figureId=figure, id=on_figure["id"])
    found = await _done(desk, **TAGGED)
    assert _told(found, "action", "imageId", "tagId") == [
        ("detach_tag", None, None), ("update_tag_value", None, tag), ("attach_tag", None, None),
        ("attach_tag", second, tag), ("attach_tag", first, tag),
    ]  # fmt: skip
    assert found[2]["meta"] == {"tags": [tag], "count": 1}


async def test_tags_that_came_back_were_not_put_there_then(desk: Desk) -> None:
    (figure,) = await desk.draw(desk.items[0], tags=[{"tagId": desk.tag_id(), "value": 1}])
    assert _told(await _done(desk, **TAGGED), "action", "figureId") == [("attach_tag", figure)]
    labeler = await desk.member("labeler", Role.MANAGER)
    await labeler.ask("figures.bulk.remove", figureIds=[figure])
    await labeler.ask("figures.bulk.restore", figureIds=[figure])
    assert len(await desk.ask("figures.tags.list", id=figure)) == 1
    assert await _done(desk, **TAGGED) == []


async def test_objects_are_told_of_by_their_figures_and_tags(world: World, db: Database) -> None:
    """The client has no name for what is done to objects."""
    desk = await desk_of(world, db, data_type="videos")
    (made,) = await desk.ask(
        "annotation-objects.bulk.add",
        datasetId=desk.dataset,
        annotationObjects=[{"classId": desk.class_id(), "entityId": desk.items[0]}],
    )
    await desk.ask("annotation-objects.tags.add", tagId=desk.tag_id(), objectId=made["id"], value=1)
    await desk.draw(desk.items[0], objectId=made["id"], meta={"frame": 1})
    found = await _done(desk, type=[*DRAWN["type"], *TAGGED["type"]])
    assert _told(found, "action", "imageId", "class", "tag") == [
        ("create_figure", desk.items[0], "car", None),
        ("attach_tag", desk.items[0], "car", "count"),
    ]


async def test_of_others_nothing(world: World, db: Database, desk: Desk) -> None:
    """What is done in another team is in its own activity only."""
    other = await desk_of(world, db)
    found = await desk.ask("teams.activity", teamId=desk.team)
    assert {one["projectId"] for one in found["entities"]} <= {desk.project, None}
    assert (await desk.refused("teams.activity", teamId=other.team))[0] in {400, 404}
    assert (await other.refused("teams.activity", teamId=desk.team))[0] in {400, 404}
    assert (await world.nobody.refused("teams.activity", teamId=desk.team))[0] == 401


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER, Role.VIEWER, Role.MANAGER, Role.MEMBER])
async def test_only_for_who_manages_the_team(desk: Desk, role: Role) -> None:
    person = await desk.member("one", role)
    assert (await person.refused("teams.activity", teamId=desk.team))[0] == 403


@pytest.mark.parametrize(
    "condition",
    [
        _where("date", ">=", "yesterday"),
        _where("date", ">=", 7),
        _where("date", ">=", None),
        _where("date", "=", "2026-01-01"),
        _where("type", "like", "create"),
        _where("colour", "=", "red"),
    ],
)
async def test_what_it_does_not_take(desk: Desk, condition: dict[str, object]) -> None:
    status, body = await desk.refused("teams.activity", teamId=desk.team, filter=[condition])
    assert status == 400
    assert body["details"][0]["field"] == "filter"


@pytest.mark.parametrize(
    "condition",
    [
        _where("userId", "=", 2**40),
        _where("userId", "=", "x"),
        _where("projectId", "in", []),
        _where("type", "in", ["no such action", "\0", 7]),
        _where("reviewStatus", "=", "lost"),
        _where("date", "<=", "0001-01-01"),
        _where("date", ">=", "9999-12-31T23:59:59-12:00"),
        _where("date", ">=", "9999-12-31"),
    ],
)
async def test_what_finds_nothing(desk: Desk, condition: dict[str, object]) -> None:
    answer = await desk.caller.send("teams.activity", {"teamId": desk.team, "filter": [condition]})
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 200:
        assert answer.json()["total"] == 0
