"""Workspaces, projects, datasets and their meta, as `supervisely` 6.74.51 asks for them."""

from __future__ import annotations

from typing import Any

import pytest
from inline_snapshot import snapshot

from factories.people import unique
from wires.supervisely.conftest import Caller, World, frozen


def ids(page: Any) -> list[int]:  # noqa: ANN401 - JSON
    return [one["id"] for one in page["entities"]]


def by(field: str, value: object, operator: str = "=") -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


async def first_workspace(caller: Caller) -> int:
    return (await caller.ask("workspaces.list", teamId=caller.id))["entities"][0]["id"]


async def make_project(caller: Caller, name: str = "Road", kind: str = "images", **more: object) -> dict[str, Any]:
    workspace = await first_workspace(caller)
    return await caller.ask("projects.add", {"name": name, "workspaceId": workspace, "type": kind, **more})


async def make_dataset(caller: Caller, project: int, name: str = "ds0", **more: object) -> dict[str, Any]:
    return await caller.ask("datasets.add", {"projectId": project, "name": name, "description": "", **more})


async def test_workspaces(world: World) -> None:
    """`api.workspace.create`, `.get_list`, `.get_info_by_id`, `.update`; archived ones are gone and can be removed."""
    anna = await world.person("anna")
    made = await anna.ask("workspaces.add", teamId=anna.id, name="Second", description="More.")
    assert frozen(made) == snapshot(
        {
            "id": "{id}",
            "name": "Second",
            "description": "More.",
            "teamId": "{id}",
            "hidden": False,
            "createdAt": "{time}",
            "updatedAt": "{time}",
        }
    )
    assert await anna.ask("workspaces.info", id=made["id"]) == made
    listed = await anna.ask("workspaces.list", teamId=anna.id, filter=[by("name", "Second")])
    assert ids(listed) == [made["id"]]
    status, body = await anna.refused("workspaces.add", teamId=anna.id, name="second")
    assert (status, body["details"][0]["type"]) == (400, "NONUNIQUE")
    assert body["details"][0]["errors"][0]["id"] == made["id"]
    changed = await anna.ask("workspaces.editInfo", id=made["id"], name="Third")
    assert (changed["name"], changed["description"]) == ("Third", "More.")
    await anna.ask("workspaces.visibility.set", id=made["id"], hidden=True)
    assert await anna.ask("workspaces.archive", id=made["id"]) == {"success": True}
    assert (await anna.refused("workspaces.info", id=made["id"]))[0] == 404
    assert "taskId" in await anna.ask("workspaces.remove.permanently", workspacesIds=[made["id"]])


async def test_making_a_project(world: World) -> None:
    """`api.project.create`: everything that `ProjectInfo` has."""
    anna = await world.person("anna")
    made = await make_project(anna, description="What cars see.", readme="# Road", customData={"a": [1]})
    workspace = await first_workspace(anna)
    assert frozen(made) == snapshot(
        {
            "id": "{id}",
            "name": "Road",
            "description": "What cars see.",
            "size": 0,
            "readme": "# Road",
            "workspaceId": "{id}",
            "imagesCount": 0,
            "itemsCount": 0,
            "datasetsCount": 0,
            "localEntitiesCount": 0,
            "remoteEntitiesCount": 0,
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "type": "images",
            "referenceImageUrl": None,
            "customData": {"a": [1]},
            "backupArchive": {},
            "teamId": "{id}",
            "settings": {"groupImages": False, "groupImagesByTagId": None, "groupImagesSync": False},
            "importSettings": {},
            "version": None,
            "createdBy": "{id}",
            "embeddingsEnabled": False,
            "embeddingsUpdatedAt": None,
            "embeddingsInProgress": False,
        }
    )
    assert await anna.ask("projects.info", id=made["id"]) == made
    assert (await anna.ask("projects.list", workspaceId=workspace, filter=[]))["entities"] == [made]
    status, body = await anna.refused(
        "projects.add", {"name": "road", "workspaceId": workspace, "description": "", "type": "images"}
    )
    assert (status, body["details"][0]["type"]) == (400, "NONUNIQUE")
    assert body["details"][0]["errors"][0]["id"] == made["id"]


async def test_listing_projects(world: World) -> None:
    """`get_info_by_name` and `change_name_if_conflict` filter by name; `get_list_all` lists those of all teams."""
    anna, ben = await world.person("anna"), await world.person("ben")
    made = [(await make_project(anna, name))["id"] for name in ("Road", "Sea", "Air")]
    workspace = await first_workspace(anna)
    assert ids(await anna.ask("projects.list", workspaceId=workspace, filter=[by("name", "Sea")])) == [made[1]]
    assert ids(await anna.ask("projects.list", groupId=anna.id, sort="name")) == [made[2], made[0], made[1]]
    assert ids(await anna.ask("projects.list", workspaceId=workspace, per_page=2, page=2)) == [made[2]]
    some = await anna.ask("projects.list", workspaceId=workspace, filter=[by("name", "%a%", "like")])
    assert (ids(some), some["total"]) == ([made[0], made[1]], 2)
    assert ids(await anna.ask("projects.list.all", filter=[by("id", made, "in")])) == made
    assert ids(await ben.ask("projects.list.all", filter=[by("id", made, "in")])) == []
    assert (await anna.refused("projects.list", filter=[]))[0] == 400


async def test_changing_a_project(world: World) -> None:
    anna = await world.person("anna")
    made = await make_project(anna, settings={"multiView": {"enabled": True}})
    changed = await anna.ask("projects.editInfo", id=made["id"], name="Street", readme="New", customData={"b": 2})
    assert (changed["name"], changed["readme"], changed["customData"]) == ("Street", "New", {"b": 2})
    await anna.ask("projects.settings.update", id=made["id"], settings={"groupImages": True})
    found = (await anna.ask("projects.info", id=made["id"]))["settings"]
    assert found == snapshot(
        {"groupImages": True, "groupImagesByTagId": None, "groupImagesSync": False, "multiView": {"enabled": True}}
    )
    other = await anna.ask("workspaces.add", teamId=anna.id, name="Other")
    moved = await anna.ask("projects.workspace.set", id=made["id"], workspaceId=other["id"])
    assert moved["workspaceId"] == other["id"]


async def test_removing_projects(world: World) -> None:
    anna = await world.person("anna")
    made = await make_project(anna)
    assert await anna.ask("projects.archive", id=made["id"]) == {"success": True}
    assert (await anna.refused("projects.info", id=made["id"]))[0] == 404
    gone = await anna.ask("projects.remove.permanently", projects=[{"id": made["id"]}], preserveProjectCard=False)
    assert gone == {"success": True}


async def test_a_project_whose_data_is_elsewhere(world: World) -> None:
    """`api.project.archive`: the card stays and says where the backup is; what was in it is gone."""
    anna = await world.person("anna")
    made = await make_project(anna)
    await make_dataset(anna, made["id"])
    leaving = {"id": made["id"], "archiveUrl": "https://example.org/backup.tar"}
    assert await anna.ask("projects.remove.permanently", projects=[leaving]) == {"success": True}
    found = await anna.ask("projects.info", id=made["id"])
    assert (found["datasetsCount"], found["backupArchive"]) == snapshot(
        (0, {"url": "https://example.org/backup.tar", "annotationsUrl": None})
    )
    await anna.ask("projects.settings.update", id=made["id"], settings={"backupArchive": {"url": "other"}})
    assert (await anna.ask("projects.info", id=made["id"]))["backupArchive"] == found["backupArchive"]


async def test_projects_of_others_do_not_exist(world: World) -> None:
    anna, ben = await world.person("anna"), await world.person("ben")
    made = await make_project(anna)
    dataset = await make_dataset(anna, made["id"])
    for method in ("projects.info", "projects.archive", "projects.editInfo", "projects.meta"):
        assert (await ben.refused(method, id=made["id"]))[0] == 404
    assert (await ben.refused("datasets.info", id=dataset["id"]))[0] == 404
    assert (await ben.refused("datasets.list", projectId=made["id"]))[0] == 400
    assert (await ben.refused("datasets.add", projectId=made["id"], name="x"))[0] == 400


async def test_datasets(world: World) -> None:
    """`api.dataset.create`, `.get_list`, `.get_nested`, `.tree`, `.move`, `.update`: they are in each other."""
    anna = await world.person("anna")
    project = (await make_project(anna))["id"]
    top = await make_dataset(anna, project, "top", customData={"a": 1})
    frozen_top = frozen(top)
    assert frozen_top == snapshot(
        {
            "id": "{id}",
            "name": "top",
            "description": "",
            "size": 0,
            "projectId": "{id}",
            "imagesCount": 0,
            "itemsCount": 0,
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "referenceImageUrl": None,
            "teamId": "{id}",
            "workspaceId": "{id}",
            "parentId": None,
            "createdBy": "{id}",
            "customData": {"a": 1},
        }
    )
    inner = await make_dataset(anna, project, "inner", parentId=top["id"])
    deep = await make_dataset(anna, project, "deep", parentId=inner["id"])
    assert await anna.ask("datasets.info", id=top["id"]) == top
    flat = await anna.ask("datasets.list", projectId=project, filter=[], recursive=False)
    assert ids(flat) == [top["id"]]
    assert "customData" not in flat["entities"][0]
    every = await anna.ask("datasets.list", projectId=project, recursive=True, extraFields=["customData"])
    assert ids(every) == [top["id"], inner["id"], deep["id"]]
    assert every["entities"][0]["customData"] == {"a": 1}
    asked = {"projectId": project, "recursive": True, "filter": [by("parentId", top["id"])]}
    assert ids(await anna.ask("datasets.list", asked)) == [inner["id"]]
    named = {"projectId": project, "filter": [by("name", "top")], "recursive": False}
    assert ids(await anna.ask("datasets.list", named)) == [top["id"]]
    status, body = await anna.refused("datasets.add", projectId=project, name="inner", parentId=top["id"])
    assert (status, body["details"][0]["errors"]) == (400, [{"name": "inner", "id": inner["id"]}])
    assert (await anna.ask("datasets.move", srcId=deep["id"], destId=top["id"]))["parentId"] == top["id"]
    assert (await anna.ask("datasets.move", srcId=deep["id"], destId=None))["parentId"] is None
    assert (await anna.ask("datasets.editInfo", id=deep["id"], name="other"))["name"] == "other"
    assert (await anna.refused("datasets.move", srcId=top["id"], destId=inner["id"]))[0] == 400
    assert await anna.ask("datasets.archive", id=top["id"]) == {"success": True}
    assert (await anna.refused("datasets.info", id=inner["id"]))[0] == 404
    gone = await anna.ask("datasets.remove.permanently", datasets=[{"id": top["id"]}, {"id": deep["id"]}])
    assert gone == {"success": True}
    assert ids(await anna.ask("datasets.list", projectId=project, recursive=True)) == []


META: dict[str, Any] = {
    "classes": [
        {"title": "car", "shape": "rectangle", "color": "#FF0000", "geometry_config": {}, "hotkey": "c"},
        {"title": "lane", "shape": "polygon", "color": "#00FF00", "geometry_config": {}, "hotkey": ""},
    ],
    "tags": [
        {"name": "rain", "value_type": "none", "color": "#0000FF"},
        {
            "name": "light",
            "value_type": "oneof_string",
            "values": ["day", "night"],
            "color": "#00FFFF",
            "applicable_type": "imagesOnly",
            "classes": ["car"],
            "target_type": "all",
        },
    ],
    "projectType": "images",
}


async def test_the_meta_of_a_project(world: World) -> None:
    """`api.project.update_meta`: what stays keeps its id; what is left out goes."""
    anna = await world.person("anna")
    project = (await make_project(anna))["id"]
    assert await anna.ask("projects.meta", id=project) == {"classes": [], "tags": [], "projectType": "images"}
    made = await anna.ask("projects.meta.update", id=project, meta=META)
    numbers = {one.get("title", one.get("name")): one["id"] for one in (*made["classes"], *made["tags"])}
    assert frozen(made) == snapshot(
        {
            "classes": [
                {
                    "id": "{id}",
                    "title": "car",
                    "description": "",
                    "shape": "rectangle",
                    "color": "#FF0000",
                    "geometry_config": {},
                    "hotkey": "c",
                },
                {
                    "id": "{id}",
                    "title": "lane",
                    "description": "",
                    "shape": "polygon",
                    "color": "#00FF00",
                    "geometry_config": {},
                    "hotkey": "",
                },
            ],
            "tags": [
                {
                    "id": "{id}",
                    "name": "rain",
                    "value_type": "none",
                    "color": "#0000FF",
                    "hotkey": "",
                    "applicable_type": "all",
                    "target_type": "all",
                    "classes": [],
                },
                {
                    "id": "{id}",
                    "name": "light",
                    "value_type": "oneof_string",
                    "color": "#00FFFF",
                    "hotkey": "",
                    "applicable_type": "imagesOnly",
                    "target_type": "all",
                    "classes": ["car"],
                    "values": ["day", "night"],
                },
            ],
            "projectType": "images",
        }
    )
    assert await anna.ask("projects.meta", id=project) == made
    fewer = {**made, "classes": made["classes"][:1], "tags": []}
    kept = await anna.ask("projects.meta.update", id=project, meta=fewer)
    assert [(one["id"], one["title"]) for one in kept["classes"]] == [(numbers["car"], "car")]
    assert kept["tags"] == []


async def test_classes_and_tags_as_lists(world: World) -> None:
    """`get_name_to_id_map` of the client breaks when one key is missing."""
    anna = await world.person("anna")
    project = (await make_project(anna))["id"]
    made = await anna.ask("projects.meta.update", id=project, meta=META)
    numbers = {one.get("title", one.get("name")): one["id"] for one in (*made["classes"], *made["tags"])}
    listed = await anna.ask("advanced.object_classes.list", projectId=project, filter=[])
    assert frozen(listed["entities"][0]) == snapshot(
        {
            "id": "{id}",
            "projectId": "{id}",
            "name": "car",
            "description": "",
            "shape": "rectangle",
            "color": "#FF0000",
            "hotkey": "c",
            "settings": {},
            "createdAt": "{time}",
            "updatedAt": "{time}",
        }
    )
    tags = await anna.ask("tags.list", projectId=project, filter=[by("name", "light")])
    assert frozen(tags["entities"]) == snapshot(
        [
            {
                "id": "{id}",
                "projectId": "{id}",
                "name": "light",
                "color": "#00FFFF",
                "hotkey": "",
                "settings": {
                    "type": "oneof_string",
                    "values": ["day", "night"],
                    "applicableType": "imagesOnly",
                    "targetType": "all",
                    "classes": ["{id}"],
                },
                "createdAt": "{time}",
                "updatedAt": "{time}",
            }
        ]
    )
    car = numbers["car"]
    assert (await anna.ask("advanced.object_classes.info", id=car))["name"] == "car"
    assert (await anna.ask("advanced.object_classes.editInfo", id=car, name="auto"))["name"] == "auto"
    settings = {"type": "any_number", "applicableType": "all", "targetType": "all", "classes": [car]}
    new = [{"title": "speed", "color": "#123456", "settings": settings}]
    [speed] = await anna.ask("tags.bulk.add", projectId=project, tags=new)
    assert speed["name"] == "speed"
    await anna.ask("projects.classes.remove", id=numbers["lane"], projectId=project)
    await anna.ask("projects.tags.remove", id=speed["id"], projectId=project)
    left = await anna.ask("projects.meta", id=project)
    assert ([one["title"] for one in left["classes"]], [one["name"] for one in left["tags"]]) == snapshot(
        (["auto"], ["rain", "light"])
    )


@pytest.mark.parametrize(
    "meta",
    [{"classes": [{}]}, {"classes": 5}, {"tags": [{"name": ""}]}, {"classes": [{"title": "a"}, {"title": "a"}]}, None],
    ids=["no title", "no list", "no name", "twice", "none"],
)
async def test_a_meta_that_cant_be(world: World, meta: object) -> None:
    anna = await world.person("anna")
    project = (await make_project(anna, unique("P")))["id"]
    status, _ = await anna.refused("projects.meta.update", id=project, meta=meta)
    assert status == 400


async def test_reading_is_not_writing(world: World) -> None:
    """A viewer of a team sees its projects and changes none."""
    anna, ben = await world.person("anna"), await world.person("ben")
    project = (await make_project(anna))["id"]
    await anna.ask("members.add", login=ben.name, teamId=anna.id, roleId=4)
    assert (await ben.ask("projects.info", id=project))["id"] == project
    for method in ("projects.archive", "projects.editInfo"):
        assert (await ben.refused(method, id=project))[0] == 403
    assert (await ben.refused("datasets.add", projectId=project, name="x"))[0] == 403
    assert (await ben.refused("projects.meta.update", id=project, meta=META))[0] == 403
