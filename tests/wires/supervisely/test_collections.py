"""Entities collections, as `supervisely` 6.74.51 asks for them: stories S1-01 to S1-12, S1-51 to S1-59."""

from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from wires.supervisely.conftest import Caller, World, frozen


def ids(page: Any) -> list[int]:  # noqa: ANN401 - JSON
    return [one["id"] for one in page["entities"]]


async def members(caller: Caller, project: int, collection: int, **more: Any) -> list[int]:  # noqa: ANN401 - JSON
    """The items of a collection, as `get_items` asks for them."""
    data = {"collectionId": collection, "include": more.pop("include", True)}
    filters = [{"type": more.pop("type", "entities_collection"), "data": {**data, **more.pop("data", {})}}]
    asked = {"projectId": project, "filter": [], "filters": filters, **more}
    return ids(await caller.ask("images.list", asked))


async def test_making_and_reading_one(world: World) -> None:
    """S1-52, S1-56: `meta` comes only to who asks for it, since a null there breaks the client."""
    anna = await world.person("anna")
    dataset = await anna.dataset()
    project = dataset["projectId"]
    new = {"projectId": project, "name": "False positives", "type": "default", "description": "Of the last training."}
    made = await anna.ask("entities-collections.add", new)
    assert frozen(made) == snapshot(
        {
            "id": "{id}",
            "name": "False positives",
            "teamId": "{id}",
            "projectId": "{id}",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "description": "Of the last training.",
            "options": {},
            "type": "default",
            "meta": {},
        }
    )
    found = await anna.ask("entities-collections.info", id=made["id"])
    assert found == {key: value for key, value in made.items() if key != "meta"}
    assert await anna.ask("entities-collections.info", id=made["id"], extraFields=["meta"]) == made
    assert ids(await anna.ask("entities-collections.list", projectId=project, filter=[])) == [made["id"]]
    status, body = await anna.refused("entities-collections.add", {**new, "description": "Others."})
    assert (status, body["details"][0]["type"]) == (400, "NONUNIQUE")
    assert body["details"][0]["errors"][0]["id"] == made["id"]


async def test_items_across_datasets(world: World) -> None:
    """S1-06, S1-07, S1-08, S1-10, S1-54, S1-55, S1-57: references, in the order of addition."""
    anna = await world.person("anna")
    first = await anna.dataset()
    project = first["projectId"]
    second = await anna.ask("datasets.add", projectId=project, name="ds1")
    images = [*await anna.images(first["id"], "a.png", "b.png"), *await anna.images(second["id"], "a.png", first=9)]
    number = [one["id"] for one in images]
    made = (await anna.ask("entities-collections.add", projectId=project, name="C", type="default"))["id"]
    assert await members(anna, project, made) == []
    done = await anna.ask("entities-collections.items.bulk.add", collectionId=made, entityIds=[number[2], number[0]])
    assert frozen(done) == snapshot(
        {
            "items": [
                {"id": "{id}", "imageId": "{id}", "entityId": "{id}", "createdAt": "{time}"},
                {"id": "{id}", "imageId": "{id}", "entityId": "{id}", "createdAt": "{time}"},
            ],
            "missing": [],
        }
    )
    assert [one["imageId"] for one in done["items"]] == [number[2], number[0]]
    again = await anna.ask("entities-collections.items.bulk.add", collectionId=made, entityIds=[number[0], number[1]])
    assert ([one["entityId"] for one in again["items"]], again["missing"]) == ([number[0], number[1]], [])
    assert await members(anna, project, made, sort="collectionItemIndex") == [number[2], number[0], number[1]]
    assert await members(anna, project, made) == number
    assert await members(anna, project, made, datasetId=first["id"], projectId=None) == number[:2]
    taken = await anna.ask(
        "entities-collections.items.bulk.remove", collectionId=made, entityIds=[number[0], 2**31 - 1]
    )
    assert ([one["entityId"] for one in taken["items"]], taken["missing"]) == ([number[0]], [{"entityId": 2**31 - 1}])
    assert await members(anna, project, made) == number[1:]
    assert await members(anna, project, made, include=False) == number[:1]
    assert ids(await anna.ask("images.list", projectId=project)) == number, "they stay where they are (S1-30)"


async def test_what_does_not_belong_is_missing(world: World) -> None:
    """S1-04, S1-05, S1-58, S1-59: items of another project, or of nobody, are not added; the others are."""
    anna, ben = await world.person("anna"), await world.person("ben")
    dataset, other, foreign = await anna.dataset(), await anna.dataset(name="Other"), await ben.dataset()
    [mine] = await anna.images(dataset["id"], "a.png")
    [elsewhere] = await anna.images(other["id"], "a.png")
    [hidden] = await ben.images(foreign["id"], "a.png")
    made = (await anna.ask("entities-collections.add", projectId=dataset["projectId"], name="C"))["id"]
    asked = [mine["id"], elsewhere["id"], hidden["id"], 2**31 - 1]
    done = await anna.ask("entities-collections.items.bulk.add", collectionId=made, entityIds=asked)
    assert [one["entityId"] for one in done["items"]] == [mine["id"]]
    assert [one["entityId"] for one in done["missing"]] == asked[1:]


async def test_a_removed_image_leaves_it(world: World) -> None:
    """S1-29: what is deleted from its dataset is gone from every collection, and from what is counted."""
    anna = await world.person("anna")
    dataset = await anna.dataset()
    images = await anna.images(dataset["id"], "a.png", "b.png")
    made = (await anna.ask("entities-collections.add", projectId=dataset["projectId"], name="C"))["id"]
    await anna.ask("entities-collections.items.bulk.add", collectionId=made, entityIds=[one["id"] for one in images])
    await anna.ask("images.bulk.remove", imageIds=[images[0]["id"]])
    assert await members(anna, dataset["projectId"], made) == [images[1]["id"]]


async def test_what_a_search_found(world: World) -> None:
    """Type `aiSearch`: a key, a score of each item, and a threshold; seen only by who asks for the type."""
    anna = await world.person("anna")
    dataset = await anna.dataset()
    project = dataset["projectId"]
    number = [one["id"] for one in await anna.images(dataset["id"], "a.png", "b.png", "c.png")]
    new = {"projectId": project, "name": "Cats", "type": "aiSearch", "meta": {"aiSearchKey": "cats"}}
    made = await anna.ask("entities-collections.add", new)
    assert (made["type"], made["meta"]) == ("aiSearch", {"aiSearchKey": "cats"})
    items = [{"entityId": one, "meta": {"score": score}} for one, score in zip(number, (0.2, 0.9, 0.5), strict=True)]
    await anna.ask("entities-collections.items.bulk.add", collectionId=made["id"], entityItems=items)
    kind = "entities_ai_search_collection"
    ordered = await members(anna, project, made["id"], type=kind, sort="aiSearchScore", sort_order="desc")
    assert ordered == [number[1], number[2], number[0]]
    above = await members(anna, project, made["id"], type=kind, data={"threshold": 0.5})
    assert above == number[1:]
    below = await members(anna, project, made["id"], type=kind, data={"threshold": 0.5, "thresholdDirection": "below"})
    assert below == number[:1]
    filters = [{"type": kind, "data": {"collectionId": made["id"], "include": True}}]
    page = await anna.ask("images.list", projectId=project, filters=filters, extraFields=["embeddingsUpdatedAt"])
    assert [one["aiSearchMeta"] for one in page["entities"]] == snapshot(
        [{"score": 0.2}, {"score": 0.9}, {"score": 0.5}]
    )
    assert ids(await anna.ask("entities-collections.list", projectId=project)) == []
    for word in ("aiSearch", "all"):
        listed = await anna.ask("entities-collections.list", projectId=project, type=word, extraFields=["meta"])
        assert [one["meta"] for one in listed["entities"]] == [{"aiSearchKey": "cats"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "aiSearch"},
        {"type": "default", "meta": {"aiSearchKey": "x"}},
        {"type": "all"},
        {"type": "other"},
        {"name": ""},
        {"name": "x" * 300},
        {"projectId": 2**31 - 1},
    ],
    ids=str,
)
async def test_what_cant_be_made(world: World, wrong: dict[str, Any]) -> None:
    anna = await world.person("anna")
    project = (await anna.dataset())["projectId"]
    status, _ = await anna.refused("entities-collections.add", {"projectId": project, "name": "C", **wrong})
    assert status == 400


async def test_searches_are_of_images_only(world: World) -> None:
    anna = await world.person("anna")
    project = (await anna.dataset("videos"))["projectId"]
    new = {"projectId": project, "name": "Cats", "type": "aiSearch", "meta": {"aiSearchKey": "cats"}}
    assert (await anna.refused("entities-collections.add", new))[0] == 400


async def test_renaming_and_removing(world: World) -> None:
    """S1-53: removed ones are gone for `info` and the list, be it into the trash or for good."""
    anna = await world.person("anna")
    project = (await anna.dataset())["projectId"]
    first, second = [
        (await anna.ask("entities-collections.add", projectId=project, name=name))["id"] for name in ("A", "B")
    ]
    changed = await anna.ask("entities-collections.editInfo", id=first, name="C", description="More.")
    assert (changed["name"], changed["description"]) == ("C", "More.")
    assert (await anna.refused("entities-collections.editInfo", id=first, name="B"))[0] == 400
    for collection, hard in ((first, False), (second, True)):
        gone = await anna.ask("entities-collections.remove", id=collection, hardDelete=hard)
        assert gone == {"success": True}
        assert (await anna.refused("entities-collections.info", id=collection))[0] == 404
    assert ids(await anna.ask("entities-collections.list", projectId=project)) == []


async def test_collections_of_others_do_not_exist(world: World) -> None:
    anna, ben = await world.person("anna"), await world.person("ben")
    dataset = await anna.dataset()
    made = (await anna.ask("entities-collections.add", projectId=dataset["projectId"], name="C"))["id"]
    assert (await ben.refused("entities-collections.info", id=made))[0] == 404
    assert (await ben.refused("entities-collections.remove", id=made))[0] == 404
    assert (await ben.refused("entities-collections.list", projectId=dataset["projectId"]))[0] == 400
    assert (await ben.refused("entities-collections.items.bulk.add", collectionId=made, entityIds=[1]))[0] == 400
    own = await ben.dataset()
    data = {"collectionId": made, "include": True}
    filters = [{"type": "entities_collection", "data": data}]
    assert (await ben.refused("images.list", projectId=own["projectId"], filters=filters))[0] == 400
    await anna.ask("members.add", login=ben.name, teamId=anna.id, roleId=4)
    assert (await ben.ask("entities-collections.info", id=made))["name"] == "C"
    assert (await ben.refused("entities-collections.items.bulk.add", collectionId=made, entityIds=[1]))[0] == 403


async def test_thousands_at_once(world: World) -> None:
    """The client does not split the ids of a call."""
    anna = await world.person("anna")
    dataset = await anna.dataset()
    [known] = await anna.images(dataset["id"], "a.png")
    new = [{"title": f"{at}.png", "hash": known["hash"]} for at in range(3000)]
    number = [one["id"] for one in await anna.ask("images.bulk.add", datasetId=dataset["id"], images=new)]
    made = (await anna.ask("entities-collections.add", projectId=dataset["projectId"], name="C"))["id"]
    done = await anna.ask("entities-collections.items.bulk.add", collectionId=made, entityIds=number)
    assert (len(done["items"]), done["missing"]) == (3000, [])
    assert len(await members(anna, dataset["projectId"], made, per_page=5000)) == 3000
    gone = await anna.ask("entities-collections.items.bulk.remove", collectionId=made, entityIds=number)
    assert (len(gone["items"]), gone["missing"]) == (3000, [])
