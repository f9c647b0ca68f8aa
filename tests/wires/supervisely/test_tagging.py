"""Tags on items, objects and figures, as `supervisely` 6.74.51 puts them."""

from __future__ import annotations

from typing import Any

import pytest

from pinakes.server.actor import Role
from pinakes.server.db import Database
from wires.supervisely.conftest import World
from wires.supervisely.labels import Desk, desk_of


@pytest.fixture
async def desk(world: World, db: Database) -> Desk:
    return await desk_of(world, db)


async def tags_of(desk: Desk, item: int) -> list[tuple[str, Any]]:
    found = (await desk.ask("annotations.info", imageId=item))["annotation"]["tags"]
    return [(tag["name"], tag["value"]) for tag in found]


async def test_on_images(desk: Desk) -> None:
    """`api.image.add_tag_batch`, `.update_tag_value`; `api.advanced.remove_tag_from_image` and its like for many."""
    made = await desk.ask("image-tags.bulk.add-to-image", tagId=desk.tag_id(), ids=desk.items[:2], value=3)
    assert await tags_of(desk, desk.items[1]) == [("count", 3)]
    again = await desk.ask("image-tags.bulk.add-to-image", tagId=desk.tag_id(), ids=desk.items[:2], value=3)
    assert again == made
    changed = await desk.ask("image-tags.update-tag-value", id=made[0]["id"], value=4)
    assert (changed["value"], changed["tagId"], changed["labelerLogin"]) == (4, desk.tag_id(), desk.caller.name)
    one = {"tagId": desk.tag_id(), "imageId": desk.items[0], "id": made[0]["id"]}
    assert await desk.ask("image-tags.remove-from-image", one) == {"success": True}
    assert await desk.ask("image-tags.remove-from-image", one) == {"success": True}
    assert await tags_of(desk, desk.items[0]) == []
    await desk.ask("image-tags.remove-from-image", tagId=desk.tag_id(), imageId=desk.items[1])
    assert await tags_of(desk, desk.items[1]) == []
    assert (await desk.refused("image-tags.remove-from-image", tagId=desk.tag_id()))[0] == 400
    await desk.ask("image-tags.bulk.add-to-image", tagId=desk.tag_id("seen"), ids=desk.items)
    await desk.ask("image-tags.bulk.remove-from-images", tagIds=[desk.tag_id("seen")], ids=desk.items)
    assert await tags_of(desk, desk.items[2]) == []


async def test_on_many_things_at_once(desk: Desk) -> None:
    """`tag.add_to_entities_json`, `tag.add_to_objects`: the numbers in the order given."""
    tags = [{"entityId": item, "tagId": desk.tag_id(), "value": number} for number, item in enumerate(desk.items)]
    made = await desk.ask("tags.entities.bulk.add", projectId=desk.project, tags=tags)
    assert len(made) == 3
    assert await tags_of(desk, desk.items[2]) == [("count", 2)]
    (figure,) = await desk.draw(desk.items[0])
    given = [{"figureId": figure, "tagId": desk.tag_id("weather"), "value": "sun"}]
    assert len(await desk.ask("figures.tags.bulk.add", projectId=desk.project, tags=given)) == 1
    assert [tag["value"] for tag in await desk.ask("figures.tags.list", id=figure)] == ["sun"]


async def test_on_figures(desk: Desk) -> None:
    """`api.advanced.add_tag_to_object`, `.remove_tag_from_object`."""
    (figure,) = await desk.draw(desk.items[0])
    made = await desk.ask("object-tags.add-to-object", tagId=desk.tag_id(), figureId=figure, value=1)
    gone = {"tagId": desk.tag_id(), "figureId": figure}
    await desk.ask("object-tags.remove-from-figure", {**gone, "id": made["id"]})
    assert await desk.ask("figures.tags.list", id=figure) == []
    await desk.ask("object-tags.add-to-object", tagId=desk.tag_id(), figureId=figure, value=1)
    await desk.ask("object-tags.remove-from-figure", gone)
    assert await desk.ask("figures.tags.list", id=figure) == []
    assert (await desk.refused("object-tags.remove-from-figure", figureId=figure))[0] == 400


async def test_on_videos_and_their_objects(world: World, db: Database) -> None:
    """With the frames that they hold for, and what the client says of unfinished ones."""
    desk = await desk_of(world, db, data_type="videos", items=1)
    video = desk.items[0]
    tag = {"tagId": desk.tag_id(), "value": 5, "frameRange": [1, 1], "isFinished": False, "nonFinalValue": True}
    made = await desk.ask("videos.tags.add", {**tag, "videoId": video})
    assert (made["frameRange"], made["isFinished"], made["nonFinalValue"]) == ([1, 1], False, True)
    many = [
        {"name": "count", "tagId": desk.tag_id(), "value": 1, "key": "k"},
        {"name": "seen", "tagId": desk.tag_id("seen")},
    ]
    assert len(await desk.ask("videos.tags.bulk.add", videoId=video, tags=many)) == 2
    assert (await desk.ask("videos.tags.update", id=made["id"], frameRange=[2, 3]))["frameRange"] == [2, 3]
    assert (await desk.ask("videos.tags.update-value", id=made["id"], value=6))["value"] == 6
    await desk.ask("videos.tags.remove", id=made["id"])
    await desk.ask("videos.tags.remove", id=made["id"])
    thing = {"annotationObjects": [{"classId": desk.class_id(), "entityId": video}]}
    number = (await desk.ask("annotation-objects.bulk.add", {"datasetId": desk.dataset, **thing}))[0]["id"]
    on_object = await desk.ask(
        "annotation-objects.tags.add", tagId=desk.tag_id(), objectId=number, value=1, frameRange=[0, 1]
    )
    await desk.ask("annotation-objects.tags.update-value", id=on_object["id"], value=2)
    await desk.ask("annotation-objects.tags.update", id=on_object["id"], frameRange=[1, 2])
    found = (await desk.ask("annotation-objects.info", id=number))["tags"]
    assert [(each["value"], each["frameRange"]) for each in found] == [(2, [1, 2])]
    bulk = [{"objectId": number, "tagId": desk.tag_id("seen"), "name": "seen"}]
    assert len(await desk.ask("annotation-objects.tags.bulk.add", projectId=desk.project, tags=bulk)) == 1
    await desk.ask("annotation-objects.tags.remove", id=on_object["id"])
    assert [each["name"] for each in (await desk.ask("annotation-objects.info", id=number))["tags"]] == ["seen"]


@pytest.mark.parametrize(("data_type", "noun"), [("point_clouds", "point-clouds"), ("volumes", "volumes")])
async def test_on_point_clouds_and_volumes(world: World, db: Database, data_type: str, noun: str) -> None:
    desk = await desk_of(world, db, data_type=data_type, items=1)
    made = await desk.ask(f"{noun}.tags.add", tagId=desk.tag_id(), entityId=desk.items[0], value=1)
    assert (await desk.ask(f"{noun}.tags.update-value", id=made["id"], value=2))["value"] == 2
    bulk = [{"name": "seen", "tagId": desk.tag_id("seen")}]
    assert len(await desk.ask(f"{noun}.tags.bulk.add", entityId=desk.items[0], tags=bulk)) == 1
    assert await desk.ask(f"{noun}.tags.remove", id=made["id"]) == {"success": True}


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("image-tags.bulk.add-to-image", {"tagId": 0, "ids": [1]}),
    ("image-tags.bulk.add-to-image", {"tagId": "x", "ids": []}),
    ("tags.entities.bulk.add", {"tags": [{"tagId": 1}]}),
    ("tags.entities.bulk.add", {"tags": [{"entityId": 1}]}),
    ("figures.tags.bulk.add", {"tags": [{"tagId": 1}]}),
    ("annotation-objects.tags.bulk.add", {"tags": [{"tagId": 1}]}),
    ("videos.tags.update", {"id": 1, "frameRange": [1]}),
    ("videos.tags.update", {"id": 1, "frameRange": [-1, 2**40]}),
    ("videos.tags.add", {"tagId": 1}),
    ("point-clouds.tags.add", {"tagId": 1, "value": 1}),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
async def test_nonsense_is_refused(desk: Desk, number: int) -> None:
    method, body = WRONG[number]
    assert (await desk.refused(method, body))[0] == 400


async def test_values_that_do_not_fit(desk: Desk) -> None:
    for tag, value in (("count", "many"), ("weather", "snow"), ("count", {"a": 1})):
        body = {"tagId": desk.tag_id(tag), "ids": desk.items[:1], "value": value}
        assert (await desk.refused("image-tags.bulk.add-to-image", body))[0] == 400
    assert await tags_of(desk, desk.items[0]) == []


async def test_who_may(desk: Desk) -> None:
    viewer, stranger = await desk.member("viewer", Role.VIEWER), await desk.world.person("stranger")
    body = {"tagId": desk.tag_id("seen"), "ids": desk.items[:1]}
    assert (await viewer.refused("image-tags.bulk.add-to-image", body))[0] == 403
    assert (await stranger.refused("image-tags.bulk.add-to-image", body))[0] == 400
    (made,) = await desk.ask("image-tags.bulk.add-to-image", body)
    assert (await stranger.refused("image-tags.update-tag-value", id=made["id"], value=None))[0] == 404
    assert await stranger.ask("videos.tags.remove", id=made["id"]) == {"success": True}
    assert await tags_of(desk, desk.items[0]) == [("seen", None)]
