"""Login, people, teams, organizations and keys, in the documents of `wandb` 0.31.0; whole answers are frozen."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from inline_snapshot import snapshot

from factories.people import unique
from pinakes.server.actor import Role, Scope
from wires.wandb.conftest import Caller, World, document, frozen, id_of

# As the core of 0.31.0 sends it, but for its lines.
VIEWER = "query Viewer { viewer { id entity username email flags teams { edges { node { name } } } } }"


async def test_login(world: World, alice: Caller):
    """0.31.0 `wandb.login(verify=True)`: valid exactly when `viewer` is not null; `flags` is JSON in a string."""
    await world.set_email(alice, f"{alice.name}@example.org")
    assert frozen(await alice.ask(VIEWER), alice.name) == snapshot(
        {
            "viewer": {
                "id": "{id User}",
                "entity": "{0}",
                "username": "{0}",
                "email": "{0}@example.org",
                "flags": "{}",
                "teams": {"edges": []},
            }
        }
    )


async def test_the_viewer_of_the_public_api(world: World, alice: Caller):
    """0.31.0 `Api().viewer`: the fragment User; a key's value is told only once, so its ends stand for it."""
    organization = await world.organization(alice, title="The Org")
    team = await world.team(organization, admin=alice)
    found = (await alice.ask("GET_VIEWER"))["viewer"]
    assert found["apiKeys"]["edges"][0]["node"]["name"].startswith("pinakes_…")
    found["apiKeys"] = "…"
    assert frozen(found, alice.name, team.name) == snapshot(
        {
            "id": "{id User}",
            "name": "{0}",
            "username": "{0}",
            "email": None,
            "admin": False,
            "flags": "{}",
            "entity": "{0}",
            "deletedAt": None,
            "apiKeys": "…",
            "teams": {"edges": [{"node": {"name": "{1}"}}]},
        }
    )


async def test_login_with_a_bearer_token(world: World, alice: Caller):
    """0.31.0 sends Bearer when it works with an identity token."""
    assert alice.person is not None
    answer = await world.client.post("/graphql", json={"query": VIEWER}, headers=alice.person.headers)
    assert answer.json()["data"]["viewer"]["username"] == alice.name


async def test_nobody(world: World):
    """0.31.0 takes a null viewer for a key that is not valid."""
    assert await world.nobody.ask(VIEWER) == {"viewer": None}
    assert (await world.nobody.ask("SEARCH_USERS", query="a"))["users"]["edges"] == []
    assert await world.nobody.ask("GET_PROJECTS") == {"models": None}


@pytest.mark.parametrize(
    "header",
    [
        "Basic " + base64.b64encode(b"api:" + b"x" * 40).decode(),
        "Basic " + base64.b64encode(b"api").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic !!",
        "Basic",
        "Bearer nothing",
        "Bearer",
        "Digest x",
    ],
)
async def test_a_bad_key_is_401_at_once(world: World, header: str):
    """0.31.0 does not try a 401 again."""
    answer = await world.client.post("/graphql", json={"query": VIEWER}, headers={"Authorization": header})
    assert answer.status_code == 401
    assert set(answer.json()) == {"errors", "data"}


async def test_the_default_entity(world: World, alice: Caller, bob: Caller):
    """0.31.0 `Api().default_entity`; the suites change it by `updateUser`."""
    update = "mutation($entity: String) { updateUser(input: {defaultEntity: $entity}) { user { id entity } } }"
    organization = await world.organization(bob)
    team = await world.team(organization, member=alice)
    alice = await world.again(alice)
    assert (await alice.ask(update, entity=team.name))["updateUser"]["user"]["entity"] == team.name
    assert (await alice.ask("GET_DEFAULT_ENTITY"))["viewer"]["entity"] == team.name
    found = (await bob.ask("SEARCH_USERS", query=alice.name))["users"]["edges"][0]["node"]
    assert found["entity"] == alice.name, "where she works is not for others"
    for stranger in (bob.name, unique("nobody")):
        said = f"No such user, organization or team: {stranger!r}."
        assert await alice.refused(update, entity=stranger) == (404, said)
    assert (await alice.ask(update, entity=None))["updateUser"]["user"]["entity"] == team.name
    status, message = await world.nobody.refused(update, entity="x")
    assert (status, message) == (401, "Sign in, or send a valid token.")


async def test_the_default_entity_goes_with_the_membership(world: World, alice: Caller, bob: Caller):
    update = "mutation($entity: String) { updateUser(input: {defaultEntity: $entity}) { user { id } } }"
    organization = await world.organization(bob)
    await world.join(organization, alice)
    await alice.ask(update, entity=organization.name)
    member = id_of("User", alice.account.id)
    assert (await bob.ask("DELETE_INVITE", entity=organization.name, id=member))["result"] == {"success": True}
    assert (await alice.ask("GET_DEFAULT_ENTITY"))["viewer"]["entity"] == alice.name


async def test_search_users(world: World, alice: Caller, bob: Caller):
    """0.31.0 `api.user`, `api.users`: exact matches first; nobody learns a stranger's address."""
    carol = await world.person(alice.name + "x")
    await world.set_email(carol, f"carol.{carol.name}@example.org")
    found = (await bob.ask("SEARCH_USERS", query=alice.name.upper()))["users"]["edges"]
    assert [one["node"]["username"] for one in found] == [alice.name, carol.name]
    assert [one["node"]["email"] for one in found] == [None, None]
    by_address = (await bob.ask("SEARCH_USERS", query=f"CAROL.{carol.name}@example.org"))["users"]["edges"]
    assert [(one["node"]["username"], one["node"]["email"]) for one in by_address] == [(carol.name, None)]
    assert (await bob.ask("SEARCH_USERS", query=f"carol.{carol.name}"))["users"]["edges"] == []
    own = (await carol.ask("SEARCH_USERS", query=f"carol.{carol.name}"))["users"]["edges"]
    assert [one["node"]["email"] for one in own] == [f"carol.{carol.name}@example.org"]
    admin = await world.person("root", admin=True)
    seen = (await admin.ask("SEARCH_USERS", query=f"carol.{carol.name}"))["users"]["edges"]
    assert [one["node"]["email"] for one in seen] == [f"carol.{carol.name}@example.org"]
    assert (await bob.ask("SEARCH_USERS", query=unique("nobody")))["users"]["edges"] == []
    assert (await bob.ask("SEARCH_USERS", query="%"))["users"]["edges"] == []


async def test_search_users_by_pages(world: World, alice: Caller):
    stem = unique("paged")
    names = sorted([(await world.person(stem)).name for _ in range(5)], key=str.lower)
    query = """query($query: String, $after: String, $first: Int) {
        users(query: $query, after: $after, first: $first) {
            edges { node { username } } pageInfo { endCursor hasNextPage }
        }
    }"""
    seen: list[str] = []
    after, more = None, True
    while more:
        page = (await alice.ask(query, query=stem, after=after, first=2))["users"]
        seen += [one["node"]["username"] for one in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert after is not None
    assert seen == names
    assert (await alice.ask(query, query=stem, after=after, first=2))["users"]["edges"] == []
    assert await alice.refused(query, query=stem, after="x", first=2) == snapshot(
        (400, "This cursor does not belong to this list: take it from the answer before.")
    )
    assert await alice.refused(query, query=stem, first=0) == (400, "first must be 1 or more.")
    some = "query($names: [String!]) { users(usernames: $names) { edges { node { username } } } }"
    found = await alice.ask(some, names=[names[3].upper(), names[1], "no such!"])
    assert [one["node"]["username"] for one in found["users"]["edges"]] == [names[1], names[3]]


async def test_an_organization(world: World, alice: Caller, bob: Caller):
    """0.31.0 `api.organization`, and before every call on registries: by its display name or its name."""
    title = unique("The Big Org")
    organization = await world.organization(alice, title=title)
    found = await alice.ask("FETCH_ORGANIZATION", org=title)
    assert frozen(found, organization.name, title) == snapshot(
        {
            "organization": {
                "id": "{id Organization}",
                "name": "{1}",
                "orgEntity": {
                    "__typename": "Entity",
                    "id": "{id Entity}",
                    "name": "{0}",
                    "entityType": "organization",
                },
            }
        }
    )
    assert await alice.ask("FETCH_ORGANIZATION", org=organization.name) == found
    assert await alice.ask("FETCH_ORGANIZATION", org=unique("nobody")) == {"organization": None}
    assert await bob.ask("FETCH_ORGANIZATION", org=title) == {"organization": None}, "he has nothing to do with it"
    features = (
        "query($o: String) { organization(name: $o) { featureFlags(rampIDType: OrgName) { rampKey isEnabled } } }"
    )
    assert await alice.ask(features, o=title) == {"organization": {"featureFlags": []}}
    found = await alice.ask("FETCH_ADVANCED_REGISTRY_FEATURES", organization=title)
    assert found == {"organization": {"advancedRegistryFeatures": {"advancedSearch": False}}}


async def test_what_organization_an_entity_has(world: World, alice: Caller):
    """0.31.0 resolves the prefix of registry paths with it: a team's organization, a person's organizations."""
    title = unique("The Org")
    organization = await world.organization(alice, title=title)
    team = await world.team(organization)
    own = {"name": title, "orgEntity": {"name": organization.name}}
    ask = "FETCH_ORG_INFO_FROM_ENTITY"
    assert await alice.ask(ask, entity=team.name) == {"entity": {"organization": own, "user": None}}
    assert await alice.ask(ask, entity=organization.name) == {"entity": {"organization": own, "user": None}}
    assert await alice.ask(ask, entity=alice.name) == {
        "entity": {"organization": None, "user": {"organizations": [own]}}
    }
    assert await alice.ask(ask, entity=unique("nobody")) == {"entity": None}


async def test_what_organizations_others_have(world: World, alice: Caller, bob: Caller):
    """Of others one sees the organizations that one shares; a member of a team belongs to its organization too."""
    shared = await world.organization(alice)
    await world.organization(alice)
    team = await world.team(shared, member=bob)
    bob = await world.again(bob)
    query = """query($e: String) { entity(name: $e) {
        user { organizations { orgEntity { name } } teams { edges { node { name } } } }
    } }"""
    mine = (await bob.ask(query, e=bob.name))["entity"]["user"]
    assert mine["organizations"] == [{"orgEntity": {"name": shared.name}}]
    assert mine["teams"]["edges"] == [{"node": {"name": team.name}}]
    await world.join(shared, bob)
    hers = (await (await world.again(bob)).ask(query, e=alice.name))["entity"]["user"]
    assert hers["organizations"] == [{"orgEntity": {"name": shared.name}}]


async def test_the_first_question_of_a_run(alice: Caller):
    """0.31.0 asks it whenever a run begins; only the field must be there."""
    query = (
        "query OrganizationCoreWeaveOrganizationID ($entityName: String!) "
        "{ entity(name: $entityName) { organization { coreWeaveOrganizationId } } }"
    )
    assert await alice.ask(query, entityName=alice.name) == {"entity": {"organization": None}}


async def test_a_team(world: World, alice: Caller):
    """0.31.0 `api.create_team`, `api.team`: every field of the fragment Team that must not be null."""
    organization = await world.organization(alice)
    alice = await world.again(alice)
    name = unique("team")
    assert (await alice.ask("CREATE_TEAM", teamName=name))["result"]["entity"]["name"] == name
    found = await alice.ask("GET_TEAM_ENTITY", name=name)
    assert frozen(found, alice.name, name) == snapshot(
        {
            "entity": {
                "id": "{id Entity}",
                "name": "{1}",
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
                        "id": "{id User}",
                        "admin": True,
                        "pending": False,
                        "email": None,
                        "username": "{0}",
                        "name": "{0}",
                        "photoUrl": None,
                        "accountType": "MEMBER",
                        "apiKey": None,
                    }
                ],
            }
        }
    )
    info = await alice.ask("FETCH_ORG_INFO_FROM_ENTITY", entity=name)
    assert info["entity"]["organization"]["orgEntity"]["name"] == organization.name
    status, message = await alice.refused("CREATE_TEAM", teamName=name)
    assert (status, message) == (409, f"The name {name!r} is taken.")


async def test_who_may_make_a_team(world: World, alice: Caller, bob: Caller):
    organization = await world.organization(alice)
    await world.join(organization, bob)
    status, message = await bob.refused("CREATE_TEAM", teamName=unique("team"))
    assert (status, message) == snapshot(
        (403, "A team belongs to an organization, and there is none that you manage with this key.")
    )
    assert (await world.nobody.refused("CREATE_TEAM", teamName="x"))[0] == 401
    second = await world.organization(alice)
    alice = await world.again(alice)
    status, message = await alice.refused("CREATE_TEAM", teamName=unique("team"))
    assert (status, message) == snapshot(
        (400, "teamName: You manage several organizations: make one of them your default entity, then make the team.")
    )
    await alice.ask("mutation($e: String) { updateUser(input: {defaultEntity: $e}) { user { id } } }", e=second.name)
    name = unique("team")
    await alice.ask("CREATE_TEAM", teamName=name, teamAdminUserName=bob.name)
    members = (await alice.ask("GET_TEAM_ENTITY", name=name))["entity"]["members"]
    assert [(one["username"], one["admin"]) for one in members] == [(bob.name, True)]
    info = await alice.ask("FETCH_ORG_INFO_FROM_ENTITY", entity=name)
    assert info["entity"]["organization"]["orgEntity"]["name"] == second.name


async def test_invitations(world: World, alice: Caller, bob: Caller):
    """0.31.0 `team.invite` adds a user at once; `member.delete()` sends the member's id back."""
    team = await world.team(await world.organization(alice), admin=alice)
    alice = await world.again(alice)
    await world.set_email(bob, f"{bob.name}@example.org")
    invite = (await alice.ask("CREATE_INVITE", entity=team.name, username=bob.name))["result"]["invite"]
    assert frozen(invite, bob.name) == snapshot(
        {"id": "{id User}", "name": "{0}", "email": None, "createdAt": "{time}", "toUser": {"name": "{0}"}}
    )
    await alice.ask("CREATE_INVITE", entity=team.name, email=f"{bob.name}@EXAMPLE.org", admin=True)
    await alice.ask("CREATE_INVITE", entity=team.name, username=bob.name)
    members = {
        one["username"]: one for one in (await alice.ask("GET_TEAM_ENTITY", name=team.name))["entity"]["members"]
    }
    assert members[bob.name]["admin"] is True, "who is a member keeps his role"
    assert (await alice.ask("DELETE_INVITE", entity=team.name, id=members[bob.name]["id"]))["result"]["success"] is True
    again = await alice.refused("DELETE_INVITE", entity=team.name, id=members[bob.name]["id"])
    assert again == (404, f"{bob.name} is not a member of {team.name}.")


async def test_invitations_that_cannot_be(world: World, alice: Caller, bob: Caller):
    team = await world.team(await world.organization(alice))
    alice = await world.again(alice)
    found = {
        "nobody named": await alice.refused("CREATE_INVITE", entity=team.name),
        "no such user": await alice.refused("CREATE_INVITE", entity=team.name, username="nobody-at-all"),
        "no such address": await alice.refused("CREATE_INVITE", entity=team.name, email="a@b.example"),
        "no such team": await alice.refused("CREATE_INVITE", entity="no-team-at-all", username=bob.name),
        "no team": (await alice.refused("CREATE_INVITE", entity=alice.name, username=bob.name))[0],
        "not the admin": (await bob.refused("CREATE_INVITE", entity=team.name, username=bob.name))[0],
        "an id of something else": (await alice.refused("DELETE_INVITE", entity=team.name, id="VGVhbTox"))[0],
        "no id": (await alice.refused("DELETE_INVITE", entity=team.name))[0],
        "nobody's id": (await alice.refused("DELETE_INVITE", entity=team.name, id=id_of("User", 2**31 - 1)))[0],
    }
    assert found == snapshot(
        {
            "nobody named": (400, "Say who is invited: username or email."),
            "no such user": (404, "No such user."),
            "no such address": (
                404,
                "No user of this server has the address 'a@b.example'; its administrator can make one.",
            ),
            "no such team": (404, "No such user, organization or team: 'no-team-at-all'."),
            "no team": 400,
            "not the admin": 403,
            "an id of something else": 400,
            "no id": 400,
            "nobody's id": 404,
        }
    )


async def test_members_are_for_those_with_a_role(world: World, alice: Caller, bob: Caller):
    team = await world.team(await world.organization(alice), member=alice)
    found = (await bob.ask("GET_TEAM_ENTITY", name=team.name))["entity"]
    assert (found["members"], found["readOnly"]) == ([], True)
    assert await bob.ask("GET_TEAM_ENTITY", name=unique("nobody")) == {"entity": None}


async def test_keys(world: World, alice: Caller):
    """0.31.0 `user.generate_api_key()`, `user.delete_api_key()`: the new key's name is its value, this once."""
    key = (await alice.ask("GENERATE_API_KEY", description="laptop"))["result"]["apiKey"]
    assert re.fullmatch(r"\w{40,}", key["name"]), "what the client accepts as a key"
    assert key["description"] == "laptop"
    header = "Basic " + base64.b64encode(f"api:{key['name']}".encode()).decode()
    answer = await world.client.post("/graphql", json={"query": VIEWER}, headers={"Authorization": header})
    assert answer.json()["data"]["viewer"]["username"] == alice.name
    assert (await alice.ask("DELETE_API_KEY", id=key["id"]))["result"] == {"success": True}
    answer = await world.client.post("/graphql", json={"query": VIEWER}, headers={"Authorization": header})
    assert answer.status_code == 401
    assert (await alice.refused("DELETE_API_KEY", id=key["id"])) == (404, "No such token.")
    assert (await alice.refused("DELETE_API_KEY", id="x"))[0] == 400


async def test_keys_are_for_their_owner(world: World, alice: Caller, bob: Caller):
    """With a key that may not manage keys, the viewer is told all the same, but for his keys."""
    found = (await bob.ask("SEARCH_USERS", query=alice.name))["users"]["edges"][0]["node"]
    assert found["apiKeys"] == {"edges": []}
    writer = await world.person("writer", scope=Scope.WRITE)
    assert (await writer.ask("GET_VIEWER"))["viewer"]["apiKeys"] == {"edges": []}
    assert (await writer.refused("GENERATE_API_KEY"))[0] == 403


async def test_users_are_made_by_administrators(world: World, alice: Caller):
    """0.31.0 `api.create_user`."""
    admin = await world.person("root", admin=True)
    stem = unique("new.one").replace("_", "-")
    made = (await admin.ask("CREATE_USER_FROM_ADMIN", email=f"{stem}@example.org", admin=True))["result"]["user"]
    assert frozen(made, stem) == snapshot(
        {"id": "{id User}", "name": "{0}", "username": "{0}", "email": "{0}@example.org", "admin": True}
    )
    made = (await admin.ask("CREATE_USER_FROM_ADMIN", email=f"{stem}@example.com"))["result"]["user"]
    assert (made["username"], made["admin"]) == (f"{stem}-2", False)
    assert await admin.refused("CREATE_USER_FROM_ADMIN", email=f"{stem}@example.com") == (
        409,
        "Another user has that email address.",
    )
    assert (await admin.refused("CREATE_USER_FROM_ADMIN", email="nonsense"))[0] == 400
    assert (await alice.refused("CREATE_USER_FROM_ADMIN", email="a@b.example"))[0] == 403


async def test_service_accounts_are_refused_clearly(alice: Caller):
    status, message = await alice.refused("CREATE_SERVICE_ACCOUNT", entity=alice.name, description="ci")
    assert (status, message) == snapshot(
        (
            400,
            (
                "Service accounts are not offered by this server: let its administrator make a user for the program, "
                "and a token for him that is bound to the team."
            ),
        )
    )


async def test_what_the_server_can(alice: Caller):
    """0.31.0 `ServerFeaturesQuery`: without two of them `api.registry()` and `api.create_registry()` raise."""
    found = (await alice.ask("SERVER_FEATURES_QUERY"))["serverInfo"]["features"]
    on = {one["name"] for one in found if one["isEnabled"]}
    assert {"INCLUDE_ARTIFACT_TYPES_IN_REGISTRY_CREATION", "ARTIFACT_REGISTRY_SEARCH"} <= on
    assert not any(name.startswith(("AUTOMATION", "SWEEPS", "EVAL")) for name in on)


def test_features_are_known_to_the_client():
    from wandb.proto import wandb_internal_pb2

    from pinakes.server.wires.wandb import features

    enum: Any = vars(wandb_internal_pb2)["ServerFeature"]
    assert set(features.ON) <= set(enum.keys())


async def test_a_viewer_of_an_organization(world: World, alice: Caller, bob: Caller):
    organization = await world.organization(alice)
    await world.join(organization, bob, Role.VIEWER)
    bob = await world.again(bob)
    query = "query($e: String) { entity(name: $e) { readOnly isTeam entityType members { username role } } }"
    found = (await bob.ask(query, e=organization.name))["entity"]
    assert (found["readOnly"], found["isTeam"], found["entityType"]) == (True, False, "organization")
    assert [(one["username"], one["role"]) for one in found["members"]] == [(alice.name, "admin"), (bob.name, "viewer")]
    assert document("GET_VIEWER")
