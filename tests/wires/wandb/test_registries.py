"""Registries, projects and their members, in the documents of `wandb` 0.31.0; answers that matter whole are frozen."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from inline_snapshot import snapshot

from factories.people import unique
from pinakes.server.actor import Role
from pinakes.server.people.types import Account
from pinakes.server.wires.wandb import ids
from wires.wandb.conftest import Caller, World, frozen, id_of

PREFIX = "wandb-registry-"


@pytest.fixture
async def org(world: World, alice: Caller) -> Account:
    """An organization whose admin alice is."""
    return await world.organization(alice, title=unique("The Org"))


async def create(caller: Caller, org: Account, name: str, **more: object) -> Any:  # noqa: ANN401 - JSON
    """Make a registry as `api.create_registry` does."""
    given = {"entityName": org.name, "name": PREFIX + name, "access": "PRIVATE", "description": "For all", **more}
    given.setdefault("allowAllArtifactTypesInRegistry", not more.get("artifactTypes"))
    return (await caller.ask("UPSERT_REGISTRY", input=given))["upsertModel"]


async def fetch(caller: Caller, org: Account, name: str) -> Any:  # noqa: ANN401 - JSON
    """Read a registry as `api.registry` does."""
    entity = (await caller.ask("FETCH_REGISTRY", entity=org.name, name=PREFIX + name))["entity"]
    return entity["project"]


async def test_create_and_fetch(alice: Caller, org: Account):
    """0.31.0 `api.create_registry`: the fragment Registry; a fresh one that takes all types has none."""
    assert await fetch(alice, org, "Fine-tuned models") is None
    made = await create(alice, org, "Fine-tuned models")
    assert frozen(made, org.name, org.display_name) == snapshot(
        {
            "inserted": True,
            "project": {
                "__typename": "Project",
                "id": "{id Project}",
                "internalId": "{id ProjectInternalId}",
                "name": "wandb-registry-Fine-tuned models",
                "entity": {"name": "{0}", "organization": {"name": "{1}"}},
                "description": "For all",
                "createdAt": "{time}",
                "updatedAt": "{time}",
                "access": "PRIVATE",
                "allowAllArtifactTypes": True,
                "artifactTypes": {"edges": []},
            },
        }
    )
    assert await fetch(alice, org, "Fine-tuned models") == made["project"]
    assert await fetch(alice, org, "fine-TUNED models") == made["project"], "case does not count"
    kind, number = base64.b64decode(made["project"]["id"]).decode().split(":")
    assert kind == "Project"
    assert number.isdigit()
    assert ids.project_or_registry(made["project"]["id"], "id")[1]


async def test_a_second_one_of_that_name_is_an_update(alice: Caller, org: Account):
    """0.31.0 looks first; whoever does not look changes what is there, and is told so."""
    assert (await create(alice, org, "models"))["inserted"] is True
    again = await create(alice, org, "Models", description="Changed")
    assert again["inserted"] is False
    assert again["project"]["name"] == f"{PREFIX}models"
    assert again["project"]["description"] == "Changed"


async def test_artifact_types(alice: Caller, org: Account):
    """0.31.0 `registry.save()` sends additional types only; none is ever taken away."""
    made = await create(alice, org, "typed", artifactTypes=[{"name": "model"}])
    assert made["project"]["allowAllArtifactTypes"] is False
    assert made["project"]["artifactTypes"]["edges"] == [{"node": {"name": "model"}}]
    saved = await create(alice, org, "typed", artifactTypes=[{"name": "dataset"}], description=None)
    assert [one["node"]["name"] for one in saved["project"]["artifactTypes"]["edges"]] == ["dataset", "model"]
    assert saved["project"]["description"] == "For all"
    status, message = await alice.refused(
        "UPSERT_REGISTRY",
        input={"entityName": org.name, "name": f"{PREFIX}bad", "artifactTypes": [{"name": "a/b"}]},
    )
    assert (status, message) == snapshot((400, "types: A type has 1 to 128 characters, none of them '/' or ':'."))
    assert await fetch(alice, org, "bad") is None


async def test_save(alice: Caller, org: Account):
    """0.31.0 `registry.save()`: visibility and description; an empty description clears it."""
    await create(alice, org, "saved")
    saved = await create(alice, org, "saved", access="RESTRICTED", description="")
    assert (saved["inserted"], saved["project"]["access"], saved["project"]["description"]) == (False, "RESTRICTED", "")
    saved = await create(alice, org, "saved", access=None, description=None)
    assert saved["project"]["access"] == "RESTRICTED"
    saved = await create(alice, org, "saved", access="USER_READ")
    assert saved["project"]["access"] == "PRIVATE", "what this API has for projects beside the two"


async def test_rename(alice: Caller, org: Account):
    """0.31.0 `registry.save()` with a new name: `inserted` must be false, or the client says that it made one."""
    made = await create(alice, org, "before")
    given = {"entityName": org.name, "oldProjectName": f"{PREFIX}before", "newProjectName": f"{PREFIX}After that"}
    found = (await alice.ask("RENAME_REGISTRY", input=given))["renameProject"]
    assert (found["inserted"], found["project"]["name"]) == (False, f"{PREFIX}After that")
    assert found["project"]["id"] == made["project"]["id"]
    assert await fetch(alice, org, "After that") == found["project"]
    assert (await alice.refused("RENAME_REGISTRY", input=given))[0] == 404
    await create(alice, org, "taken")
    given = {"entityName": org.name, "oldProjectName": f"{PREFIX}taken", "newProjectName": f"{PREFIX}after THAT"}
    status, message = await alice.refused("RENAME_REGISTRY", input=given)
    assert (status, message.replace(org.name, "{0}")) == snapshot(
        (409, "The organization has a registry named 'after THAT' already; choose another name.")
    )
    given["newProjectName"] = "plain"
    assert await alice.refused("RENAME_REGISTRY", input=given) == snapshot(
        (400, "newProjectName: The name of a registry begins with wandb-registry-.")
    )


async def test_delete(alice: Caller, org: Account):
    """0.31.0 `registry.delete()`: a second time must fail, and be final."""
    made = await create(alice, org, "gone")
    assert await alice.ask("DELETE_REGISTRY", id=made["project"]["id"]) == {"deleteModel": {"success": True}}
    assert await fetch(alice, org, "gone") is None
    assert await alice.refused("DELETE_REGISTRY", id=made["project"]["id"]) == (404, "No such registry.")
    assert (await create(alice, org, "gone"))["inserted"] is True


async def test_who_may(world: World, alice: Caller, bob: Caller, org: Account):
    """Members of the organization open registries; viewers look; strangers see nothing of them."""
    await create(alice, org, "open")
    hidden = await create(alice, org, "hidden", access="RESTRICTED")
    assert await fetch(bob, org, "open") is None
    assert (await bob.refused("DELETE_REGISTRY", id=hidden["project"]["id"]))[0] == 404
    given = {"entityName": org.name, "name": f"{PREFIX}his"}
    assert (await bob.refused("UPSERT_REGISTRY", input=given))[0] == 403
    await world.join(org, bob, Role.VIEWER)
    bob = await world.again(bob)
    assert (await fetch(bob, org, "open"))["name"] == f"{PREFIX}open"
    assert await fetch(bob, org, "hidden") is None
    assert (await bob.refused("UPSERT_REGISTRY", input=given))[0] == 403
    await world.join(org, bob, Role.MEMBER)
    bob = await world.again(bob)
    made = await create(bob, org, "his", access="RESTRICTED")
    assert frozen(
        await bob.ask("REGISTRY_USER_MEMBERS", entity=org.name, project=f"{PREFIX}his"), bob.name
    ) == snapshot(
        {
            "project": {
                "members": [
                    {"id": "{id User}", "name": "{0}", "username": "{0}", "email": None, "role": {"name": "admin"}}
                ]
            }
        }
    )
    assert (await bob.ask("REGISTRY_TEAM_MEMBERS", entity=org.name, project=f"{PREFIX}his"))["project"] == {
        "teamMembers": []
    }
    assert (await bob.refused("DELETE_REGISTRY", id=hidden["project"]["id"]))[0] == 404
    assert (await bob.ask("DELETE_REGISTRY", id=made["project"]["id"]))["deleteModel"]["success"] is True


async def test_registries_are_of_organizations(world: World, alice: Caller, org: Account):
    team = await world.team(org, admin=alice)
    for entity, status in ((alice.name, 404), (team.name, 404), (unique("nobody"), 404)):
        found = await alice.refused("UPSERT_REGISTRY", input={"entityName": entity, "name": f"{PREFIX}x"})
        assert found == (status, "No such organization.")
        assert (await alice.ask("FETCH_REGISTRY", entity=entity, name=f"{PREFIX}x"))["entity"] in (
            {"project": None},
            None,
        )


async def test_a_name_that_cannot_be(alice: Caller, org: Account):
    names = ["", "a/b", "a:b", "x" * 200, "a\nb", " "]
    found = [
        (await alice.refused("UPSERT_REGISTRY", input={"entityName": org.name, "name": PREFIX + n}))[0] for n in names
    ]
    assert found == [400] * len(names)
    for given in ({"entityName": org.name}, {"name": None}, {"id": "x"}, {"id": id_of("User", 1)}):
        assert (await alice.refused("UPSERT_REGISTRY", input=given))[0] == 400


async def test_members(world: World, alice: Caller, bob: Caller, org: Account):
    """0.31.0 takes people's and teams' ids apart and puts them together again; the same encoding must come back."""
    made = await create(alice, org, "shared", access="RESTRICTED")
    project = made["project"]["id"]
    team = await world.team(org)
    user, group = id_of("User", bob.account.id), id_of("Entity", team.id)
    given = {"projectId": project, "userIds": [user], "teamIds": [group]}
    for _ in range(2):
        assert await alice.ask("CREATE_REGISTRY_MEMBERS", input=given) == {"result": {"success": True}}
    members = await alice.ask("REGISTRY_USER_MEMBERS", entity=org.name, project=f"{PREFIX}shared")
    roles = {one["id"]: one["role"]["name"] for one in members["project"]["members"]}
    assert roles == {user: "member", id_of("User", alice.account.id): "admin"}
    teams = await alice.ask("REGISTRY_TEAM_MEMBERS", entity=org.name, project=f"{PREFIX}shared")
    assert [(one["team"]["id"], one["role"]["name"]) for one in teams["project"]["teamMembers"]] == [(group, "member")]
    changed = {"projectId": project, "userId": user, "userProjectRole": "restricted_viewer"}
    assert await alice.ask("UPDATE_USER_REGISTRY_ROLE", input=changed) == {"result": {"success": True}}
    changed = {"projectId": project, "teamId": group, "teamProjectRole": "viewer"}
    assert await alice.ask("UPDATE_TEAM_REGISTRY_ROLE", input=changed) == {"result": {"success": True}}
    bob = await world.again(bob)
    seen = await bob.ask("REGISTRY_USER_MEMBERS", entity=org.name, project=f"{PREFIX}shared")
    assert {one["username"]: one["role"]["name"] for one in seen["project"]["members"]} == {
        alice.name: "admin",
        bob.name: "restricted_viewer",
    }
    for _ in range(2):
        assert await alice.ask("DELETE_REGISTRY_MEMBERS", input=given) == {"result": {"success": True}}
    members = await alice.ask("REGISTRY_USER_MEMBERS", entity=org.name, project=f"{PREFIX}shared")
    assert [one["username"] for one in members["project"]["members"]] == [alice.name]


async def test_a_team_as_member_is_whole(world: World, alice: Caller, org: Account):
    """0.31.0 makes a Team of it, so nothing of the fragment Team may be missing."""
    made = await create(alice, org, "teams")
    team = await world.team(org, member=alice)
    await alice.ask(
        "CREATE_REGISTRY_MEMBERS", input={"projectId": made["project"]["id"], "teamIds": [id_of("Entity", team.id)]}
    )
    found = await alice.ask("REGISTRY_TEAM_MEMBERS", entity=org.name, project=f"{PREFIX}teams")
    assert frozen(found["project"]["teamMembers"], team.name, alice.name) == snapshot(
        [
            {
                "team": {
                    "__typename": "Entity",
                    "id": "{id Entity}",
                    "name": "{0}",
                    "available": False,
                    "photoUrl": None,
                    "readOnly": False,
                    "readOnlyAdmin": False,
                    "isTeam": True,
                    "entityType": "team",
                    "privateOnly": False,
                    "storageBytes": 0,
                    "codeSavingEnabled": False,
                    "defaultAccess": "PRIVATE",
                    "isPaid": None,
                    "members": [
                        {
                            "__typename": "Member",
                            "id": "{id User}",
                            "role": "member",
                            "pending": False,
                            "email": None,
                            "username": "{1}",
                            "name": "{1}",
                            "photoUrl": None,
                            "accountType": "MEMBER",
                            "apiKey": None,
                        }
                    ],
                },
                "role": {"name": "member"},
            }
        ]
    )


async def test_members_that_cannot_be(world: World, alice: Caller, bob: Caller, org: Account):
    made = await create(alice, org, "strict")
    project = made["project"]["id"]
    other = await world.team(await world.organization(bob))
    user, group = id_of("User", bob.account.id), id_of("Entity", other.id)
    found = {
        "nobody": await alice.refused(
            "CREATE_REGISTRY_MEMBERS", input={"projectId": project, "userIds": [id_of("User", 2**31 - 1)]}
        ),
        "a team's id as a user's": (
            await alice.refused("CREATE_REGISTRY_MEMBERS", input={"projectId": project, "userIds": ["VGVhbTox"]})
        ),
        "another organization's team": (
            await alice.refused("CREATE_REGISTRY_MEMBERS", input={"projectId": project, "teamIds": [group]})
        )[0],
        "no project": await alice.refused("CREATE_REGISTRY_MEMBERS", input={"projectId": "x", "userIds": [user]}),
        "no role": (
            await alice.refused(
                "UPDATE_USER_REGISTRY_ROLE", input={"projectId": project, "userId": user, "userProjectRole": "king"}
            )
        )[0],
        "not his": (await bob.refused("CREATE_REGISTRY_MEMBERS", input={"projectId": project, "userIds": [user]}))[0],
        "gone": (
            await alice.refused(
                "CREATE_REGISTRY_MEMBERS", input={"projectId": str(ids.of_registry(2**31 - 1)), "userIds": [user]}
            )
        )[0],
    }
    assert found == snapshot(
        {
            "nobody": (404, "There is no user '2147483647'."),
            "a team's id as a user's": (400, "userIds must be the id of a User, not 'VGVhbTox'."),
            "another organization's team": 400,
            "no project": (400, "projectId must be the id of a project or registry, not 'x'."),
            "no role": 400,
            "not his": 404,
            "gone": 404,
        }
    )
    plain = (await alice.ask("CREATE_PROJECT", input={"entityName": org.name, "name": "plain"}))["result"]["project"][
        "id"
    ]
    given = {"projectId": plain, "userIds": [user]}
    assert await alice.refused("CREATE_REGISTRY_MEMBERS", input=given) == snapshot(
        (404, "A project has no members of its own: its owner's members are. Registries have.")
    )
    members = await alice.ask("REGISTRY_USER_MEMBERS", entity=org.name, project="plain")
    assert members == {"project": {"members": []}}


async def test_projects(alice: Caller, bob: Caller):
    """0.31.0 `api.create_project`, `api.project`, `api.projects`."""
    name = unique("project")
    made = (await alice.ask("CREATE_PROJECT", input={"entityName": alice.name, "name": name, "description": "d"}))[
        "result"
    ]
    assert frozen(made, name, alice.name) == snapshot(
        {
            "project": {
                "id": "{id Project}",
                "name": "{0}",
                "entityName": "{1}",
                "description": "d",
                "access": "PRIVATE",
                "views": None,
            },
            "model": {
                "id": "{id Project}",
                "name": "{0}",
                "entityName": "{1}",
                "description": "d",
                "access": "PRIVATE",
                "views": None,
            },
            "inserted": True,
        }
    )
    found = await alice.ask("GET_PROJECT", entity=alice.name, name=name.upper())
    assert frozen(found, name, alice.name) == snapshot(
        {
            "project": {
                "__typename": "Project",
                "id": "{id Project}",
                "name": "{0}",
                "entityName": "{1}",
                "createdAt": "{time}",
                "isBenchmark": False,
                "user": {
                    "id": "{id User}",
                    "name": "{1}",
                    "username": "{1}",
                    "email": None,
                    "admin": False,
                    "flags": "{}",
                    "entity": "{1}",
                    "deletedAt": None,
                    "apiKeys": {"edges": [{"node": {"id": "{id ApiKey}", "name": "{hint}", "description": "test"}}]},
                    "teams": {"edges": []},
                },
            }
        }
    )
    assert await bob.ask("GET_PROJECT", entity=alice.name, name=name) == {"project": None}
    assert await alice.ask("IS_PROJECT_READ_ONLY", entity=alice.name, project=name) == {"project": {"readOnly": False}}
    again = (await alice.ask("CREATE_PROJECT", input={"entityName": alice.name, "name": name}))["result"]
    assert (again["inserted"], again["project"]["description"]) == (False, "d")
    public = (await alice.ask("CREATE_PROJECT", input={"name": name, "access": "USER_READ"}))["result"]["project"]
    assert public["access"] == "USER_READ"
    assert await bob.ask("IS_PROJECT_READ_ONLY", entity=alice.name, project=name) == {"project": {"readOnly": True}}
    assert (await bob.refused("CREATE_PROJECT", input={"entityName": alice.name, "name": name, "description": ""}))[
        0
    ] == 403


async def test_projects_by_pages(alice: Caller):
    """0.31.0 `api.projects()`: the newest first, with the cursor of the page before."""
    names = [f"p{number}" for number in range(5)]
    for name in names:
        await alice.ask("CREATE_PROJECT", input={"name": name})
    seen: list[str] = []
    cursor, more = None, True
    while more:
        page = (await alice.ask("GET_PROJECTS", entity=alice.name, cursor=cursor, perPage=2))["models"]
        seen += [edge["node"]["name"] for edge in page["edges"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert cursor is not None
    assert seen == names[::-1]
    assert (await alice.ask("GET_PROJECTS", entity=alice.name, cursor=cursor))["models"]["edges"] == []
    assert (await alice.ask("GET_PROJECTS", entity=None, perPage=5000))["models"]["pageInfo"]["hasNextPage"] is False


async def test_rename_and_delete_a_project(alice: Caller):
    made = (await alice.ask("CREATE_PROJECT", input={"name": "old"}))["result"]["project"]
    given = {"entityName": alice.name, "oldProjectName": "old", "newProjectName": "new"}
    found = (await alice.ask("RENAME_REGISTRY", input=given))["renameProject"]["project"]
    assert (found["name"], found["id"]) == ("new", made["id"])
    assert (await alice.ask("GET_PROJECT", entity=alice.name, name="old"))["project"]["name"] == "new", (
        "as it was called"
    )
    given = {"entityName": alice.name, "oldProjectName": "new", "newProjectName": f"{PREFIX}new"}
    assert (await alice.refused("RENAME_REGISTRY", input=given))[0] == 400
    by_id = (
        "mutation ($input: UpsertModelInput!) { upsertModel(input: $input) { inserted model { name description } } }"
    )
    changed = (await alice.ask(by_id, input={"id": made["id"], "description": "by its id"}))["upsertModel"]
    assert changed == {"inserted": False, "model": {"name": "new", "description": "by its id"}}
    assert (await alice.ask("DELETE_REGISTRY", id=made["id"]))["deleteModel"]["success"] is True
    assert (await alice.refused("DELETE_REGISTRY", id=made["id"]))[0] == 404
    assert await alice.ask("GET_PROJECT", entity=alice.name, name="new") == {"project": None}


async def test_types_of_a_registry(alice: Caller, org: Account):
    """0.31.0 reads a collection through its type: `project.artifactType(name)`; null when there is no such type."""
    await create(alice, org, "shelf", artifactTypes=[{"name": "model"}, {"name": "dataset"}])
    shelf = f"{PREFIX}shelf"
    found = await alice.ask("PROJECT_ARTIFACT_TYPES", entity=org.name, project=shelf)
    assert [edge["node"]["name"] for edge in found["project"]["artifactTypes"]["edges"]] == ["dataset", "model"]
    found = await alice.ask("PROJECT_ARTIFACT_TYPE", entity=org.name, project=shelf, type="model")
    assert found["project"]["artifactType"]["name"] == "model"
    assert found["project"]["artifactType"]["createdAt"].endswith("Z")
    found = await alice.ask("PROJECT_ARTIFACT_TYPE", entity=org.name, project=shelf, type="audio")
    assert found == {"project": {"artifactType": None}}


async def test_who_made_it(world: World, alice: Caller, org: Account):
    await create(alice, org, "made")
    query = "query ($e: String, $n: String) { project(entityName: $e, name: $n) { user { username } readOnly } }"
    found = await alice.ask(query, e=org.name, n=f"{PREFIX}made")
    assert found == {"project": {"user": {"username": alice.name}, "readOnly": False}}
    assert world


async def test_what_is_not_offered(alice: Caller):
    """Sweeps, launch, automations, reports: nothing to read, and a clear refusal of every change."""
    await alice.ask("CREATE_PROJECT", input={"name": "plain"})
    found = (await alice.ask("GET_SWEEPS", entity=alice.name, project="plain", filters="{}"))["project"]["sweeps"]
    assert (found["edges"], found["pageInfo"]["hasNextPage"]) == ([], False)
    mine = "query { viewer { projects { edges { node { id } } pageInfo { hasNextPage } totalCount } } }"
    assert await alice.ask(mine) == {
        "viewer": {"projects": {"edges": [], "pageInfo": {"hasNextPage": False}, "totalCount": 0}}
    }
    reports = """query ($e: String!, $p: String!) { project(name: $p, entityName: $e) {
        allViews(viewType: "runs", first: 5) { edges { node { id } cursor } pageInfo { endCursor hasNextPage } }
        runQueues { id } sweep(sweepName: "x") { id } runQueue(name: "x") { id } triggers { id }
    } }"""
    assert await alice.ask(reports, e=alice.name, p="plain") == snapshot(
        {
            "project": {
                "allViews": {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}},
                "runQueues": [],
                "sweep": None,
                "runQueue": None,
                "triggers": [],
            }
        }
    )
    for mutation, answer in (
        ('mutation { upsertSweep(input: {config: ""}) { sweep { name } } }', "Sweeps are not offered by this server."),
        (
            'mutation { deleteTrigger(input: {triggerID: "x"}) { success } }',
            "Automations are not offered by this server.",
        ),
        (
            "mutation { deleteRunQueues(input: {queueIDs: []}) { success } }",
            "Launch queues are not offered by this server.",
        ),
        (
            "mutation { updateLaunchAgent(input: {launchAgentId: 1}) { success } }",
            "Sweeps and launch agents are not offered by this server.",
        ),
    ):
        assert await alice.refused(mutation) == (400, answer)
