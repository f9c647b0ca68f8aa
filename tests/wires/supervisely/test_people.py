"""Users, members, roles, teams, and signing in, as `supervisely` 6.74.51 asks for them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from inline_snapshot import snapshot

from factories.people import forget_attempts, unique
from pinakes.server.actor import Scope
from wires.supervisely.conftest import World, frozen


def ids(page: Any) -> list[int]:  # noqa: ANN401 - JSON
    return [one["id"] for one in page["entities"]]


def by(field: str, value: object, operator: str = "=") -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


async def test_who_i_am(world: World) -> None:
    """`api.user.get_my_info()`; the teams are those of `users.info`."""
    anna = await world.person("anna")
    assert frozen(await anna.ask("users.me"), anna=anna.name) == snapshot(
        {
            "id": "{id}",
            "login": "{anna}",
            "role": "developer",
            "roleId": 2,
            "name": "{anna}",
            "email": None,
            "logins": None,
            "disabled": False,
            "lastLogin": None,
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "teams": [{"id": "{id}", "name": "{anna}", "role": "admin", "roleId": 1}],
        }
    )
    assert await anna.ask("users.info", id=anna.id) == await anna.ask("users.me")


async def test_others_are_seen_without_their_addresses_and_teams(world: World) -> None:
    anna, ben = await world.person("anna"), await world.person("ben")
    found = await anna.ask("users.info", id=ben.id)
    assert (found["email"], found["teams"]) == (None, [])
    team = await ben.ask("teams.add", name=unique("Shared"))
    await ben.ask("members.add", login=anna.name, teamId=team["id"], roleId=3)
    found = await anna.ask("users.info", id=ben.id)
    assert frozen(found["teams"], name=team["name"]) == snapshot(
        [{"id": "{id}", "name": "{name}", "role": "admin", "roleId": 1}]
    )


async def test_listing_users(world: World) -> None:
    """`api.user.get_info_by_login` filters the list; the rest of it is pages."""
    anna, ben = await world.person("anna"), await world.person("ben")
    found = await anna.ask("users.list", filter=[by("login", ben.name)])
    assert frozen(found, ben=ben.name) == snapshot(
        {
            "total": 1,
            "perPage": 500,
            "pagesCount": 1,
            "entities": [
                {
                    "id": "{id}",
                    "login": "{ben}",
                    "role": "developer",
                    "roleId": 2,
                    "name": "{ben}",
                    "email": None,
                    "logins": None,
                    "disabled": False,
                    "lastLogin": None,
                    "createdAt": "{time}",
                    "updatedAt": "{time}",
                }
            ],
        }
    )
    both = {"filter": [by("id", [anna.id, ben.id], "in")], "per_page": 1}
    assert ids(await anna.ask("users.list", **both, page=2)) == [ben.id]
    assert ids(await anna.ask("users.list", **both, sort="id", sort_order="desc")) == [ben.id]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("name", "B", "like"), []),
        (("name", "B%", "like"), ["B-2"]),
        (("name", "b%", "ilike"), ["B-2"]),
        (("name", "b%", "!ilike"), ["A-1"]),
        (("name", "A-1", "eq"), ["A-1"]),
        (("name", "A-1", "!="), ["B-2"]),
        (("name", "A-1", "not"), ["B-2"]),
        (("name", "A-1", ">"), ["B-2"]),
        (("name", "A-1", "gte"), ["A-1", "B-2"]),
        (("name", "A-1", "<="), ["A-1"]),
        (("name", ["A-1"], "!in"), ["B-2"]),
    ],
    ids=str,
)
async def test_each_operator_of_a_filter(world: World, condition: tuple[str, object, str], expected: list[str]) -> None:
    anna = await world.person("anna")
    for name in ("A-1", "B-2"):
        await anna.ask("workspaces.add", teamId=anna.id, name=name)
    mine = by("name", ["A-1", "B-2"], "in")
    found = await anna.ask("workspaces.list", teamId=anna.id, filter=[mine, by(*condition)])
    assert [one["name"] for one in found["entities"]] == expected


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"filter": [by("shoe", 1)]}, "filter"),
        ({"filter": [by("id", 1, "near")]}, "filter"),
        ({"filter": [by("id", 1, "in")]}, "filter"),
        ({"filter": [by("id", "x", ">")]}, "filter"),
        ({"filter": "id=1"}, "filter"),
        ({"sort": "shoe"}, "sort"),
        ({"sort_order": "up"}, "sort_order"),
        ({"page": 0}, "page"),
        ({"page": 2**62}, "page"),
        ({"per_page": 0}, "per_page"),
        ({"per_page": "many"}, "per_page"),
    ],
    ids=str,
)
async def test_a_list_that_cant_be(world: World, asked: dict[str, object], field: str) -> None:
    status, body = await (await world.person()).refused("users.list", asked)
    assert (status, body["details"][0]["field"]) == (400, field)


async def test_making_changing_and_disabling_users(world: World) -> None:
    """`api.user.create`, `.update`, `.disable`, `.enable`: for administrators of the server."""
    root, login = await world.person("root", admin=True), unique("carl")
    new = {"login": login, "password": "correct horse", "isRestricted": False, "name": "Carl C.", "email": ""}
    made = await root.ask("users.add", new)
    found = await root.ask("users.info", id=made["userId"])
    assert frozen(found, carl=login) == snapshot(
        {
            "id": "{id}",
            "login": "{carl}",
            "role": "developer",
            "roleId": 2,
            "name": "Carl C.",
            "email": None,
            "logins": None,
            "disabled": False,
            "lastLogin": None,
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "teams": [{"id": "{id}", "name": "Carl C.", "role": "admin", "roleId": 1}],
        }
    )
    token = await signed_in(world, login, "correct horse")
    changed = await root.ask("users.editInfo", id=made["userId"], name="Carl D.", password="a new password")
    assert changed["name"] == "Carl D."
    with pytest.raises(AssertionError):
        await signed_in(world, login, "correct horse")
    assert await root.ask("users.disable", id=made["userId"], disable=True) == {"success": True}
    assert (await root.ask("users.info", id=made["userId"]))["disabled"] is True
    answer = await world.nobody.send("users.me", {}, headers={"x-api-key": token["apiToken"]})
    assert answer.status_code == 401
    with pytest.raises(AssertionError):
        await signed_in(world, login, "a new password")
    await root.ask("users.disable", id=made["userId"], disable=False)
    answer = await world.nobody.send("users.me", {}, headers={"x-api-key": token["apiToken"]})
    assert answer.json()["id"] == made["userId"]


async def test_what_of_users_is_not_everybodys(world: World) -> None:
    anna, ben = await world.person("anna"), await world.person("ben")
    new = {"login": unique("carl"), "password": "correct horse", "isRestricted": False, "name": "", "email": ""}
    assert (await anna.refused("users.add", new))[0] == 403
    assert (await anna.refused("users.disable", id=ben.id, disable=True))[0] == 403
    assert (await anna.refused("users.editInfo", id=ben.id, name="Benny"))[0] == 403
    assert (await anna.ask("users.editInfo", id=anna.id, name="Anna A."))["name"] == "Anna A."
    root = await world.person("root", admin=True)
    for wrong, field in (
        ({"login": "no blanks"}, "name"),
        ({"password": "short"}, "password"),
        ({"email": "x"}, "email"),
    ):
        status, body = await root.refused("users.add", {**new, **wrong})
        assert (status, body["details"][0]["field"]) == (400, field)
    assert (await root.refused("users.add", {**new, "login": anna.name}))[0] == 400


async def test_teams(world: World) -> None:
    """`api.team.create`, `.get_list`, `.get_info_by_name`, `.update`, `.archive`; one's own account is a team, too."""
    anna, name = await world.person("anna"), unique("Data & labels")
    made = await anna.ask("teams.add", name=name, description="Who labels.")
    assert frozen(made, name=name) == snapshot(
        {
            "id": "{id}",
            "name": "{name}",
            "description": "Who labels.",
            "role": "admin",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "usage": {"plan": "free"},
        }
    )
    assert await anna.ask("teams.info", id=made["id"]) == made
    assert ids(await anna.ask("teams.list")) == [anna.id, made["id"]]
    assert ids(await anna.ask("teams.list", filter=[by("name", name)])) == [made["id"]]
    changed = await anna.ask("teams.editInfo", id=made["id"], name=f"{name} 2", description="Others.")
    assert (changed["name"], changed["description"]) == (f"{name} 2", "Others.")
    assert await anna.ask("teams.archive", id=made["id"]) == {"success": True}
    assert (await anna.refused("teams.info", id=made["id"]))[0] == 404
    assert ids(await anna.ask("teams.list")) == [anna.id]
    assert await anna.ask("teams.remove.permanently", teamsIds=[made["id"]]) == {"taskId": 0}


async def test_ones_own_account_is_a_team_that_stays(world: World) -> None:
    anna = await world.person("anna")
    status, body = await anna.refused("teams.archive", id=anna.id)
    assert (status, frozen(body, anna=anna.name)) == snapshot(
        (
            400,
            {
                "error": "id: {anna} is a user's own account: it goes with its user only.",
                "details": [
                    {
                        "type": "invalid",
                        "message": "id: {anna} is a user's own account: it goes with its user only.",
                        "field": "id",
                    }
                ],
            },
        )
    )


async def test_teams_of_others_do_not_exist(world: World) -> None:
    anna, ben = await world.person("anna"), await world.person("ben")
    team = await ben.ask("teams.add", name=unique("Hidden"))
    for method in ("teams.info", "teams.archive", "teams.editInfo"):
        assert (await anna.refused(method, id=team["id"]))[0] == 404
    assert (await anna.refused("members.list", teamId=team["id"]))[0] == 400
    assert ids(await anna.ask("workspaces.list", teamId=team["id"])) == []
    for method, more in (("members.add", {"login": anna.name, "roleId": 1}), ("members.remove", {"id": ben.id})):
        assert (await anna.refused(method, {"teamId": team["id"], **more}))[0] in {400, 404}


async def test_members_of_a_personal_account(world: World) -> None:
    """A labeling team may be one's own account (decision 0012): `api.user.add_to_team`, `.change_team_role`, …"""
    anna, ben = await world.person("anna"), await world.person("ben")
    assert await anna.ask("members.add", login=ben.name, teamId=anna.id, roleId=3) == {"userId": ben.id}
    found = await anna.ask("members.list", teamId=anna.id, filter=[by("id", ben.id)])
    assert frozen(found["entities"][0], ben=ben.name) == snapshot(
        {
            "id": "{id}",
            "login": "{ben}",
            "role": "annotator",
            "roleId": 3,
            "name": "{ben}",
            "email": None,
            "logins": None,
            "disabled": False,
            "lastLogin": None,
            "createdAt": "{time}",
            "updatedAt": "{time}",
        }
    )
    everybody = await anna.ask("members.list", teamId=anna.id)
    assert {one["id"]: one["role"] for one in everybody["entities"]} == {anna.id: "admin", ben.id: "annotator"}
    changed = await anna.ask("members.editInfo", id=ben.id, teamId=anna.id, roleId=6)
    assert (changed["role"], changed["roleId"]) == ("manager", 6)
    assert {"id": anna.id, "name": anna.name, "role": "manager", "roleId": 6} in (await ben.ask("users.me"))["teams"]
    assert await anna.ask("members.remove", id=ben.id, teamId=anna.id) == {"success": True}
    assert ids(await anna.ask("members.list", teamId=anna.id)) == [anna.id]
    assert (await anna.refused("members.remove", id=ben.id, teamId=anna.id))[0] in {400, 404}


async def test_roles(world: World) -> None:
    anna = await world.person("anna")
    page = await anna.ask("roles.list", filter=[])
    assert {one["id"]: one["role"] for one in page["entities"]} == snapshot(
        {1: "admin", 2: "developer", 3: "annotator", 4: "viewer", 5: "reviewer", 6: "manager"}
    )
    assert frozen(page["entities"][0]) == snapshot(
        {"id": "{id}", "role": "admin", "createdAt": "{time}", "updatedAt": "{time}"}
    )
    status, body = await anna.refused("members.add", login=anna.name, teamId=anna.id, roleId=9)
    assert (status, body["error"]) == snapshot(
        (400, "roleId: the roles are 1 (admin), 2 (developer), 3 (annotator), 4 (viewer), 5 (reviewer), 6 (manager).")
    )


async def signed_in(world: World, login: str, password: str) -> dict[str, Any]:
    """The claims of the token that `Api.from_credentials` gets: it decodes the JWT without looking at its signature."""
    await forget_attempts(world.db)
    answer = await world.client.post("/api/account", data={"login": login, "password": password})
    assert answer.status_code == 200, answer.text
    _, claims, _ = answer.json()["token"].split(".")
    return json.loads(base64.urlsafe_b64decode(claims + "=="))


async def test_signing_in_with_a_password(world: World) -> None:
    """`Api.from_credentials`: every claim becomes an attribute of the client's session."""
    root, login = await world.person("root", admin=True), unique("dora")
    new = {"login": login, "password": "correct horse", "isRestricted": False, "name": "", "email": ""}
    made = (await root.ask("users.add", new))["userId"]
    claims = await signed_in(world, login, "correct horse")
    dora = await world.nobody.send("users.me", {}, headers={"x-api-key": claims.pop("apiToken")})
    assert dora.json()["id"] == made
    assert frozen(claims, dora=login) == snapshot(
        {
            "id": "{id}",
            "login": "{dora}",
            "group": {"id": "{id}", "name": "{dora}"},
            "workspace": {"id": "{id}", "name": "First Workspace"},
        }
    )


async def test_signing_in_with_a_wrong_password(world: World) -> None:
    await forget_attempts(world.db)
    anna = await world.person("anna")
    answer = await world.client.post("/api/account", data={"login": anna.name, "password": "wrong"})
    assert (answer.status_code, answer.json()) == snapshot(
        (
            401,
            {
                "error": "That name and password don't belong together.",
                "details": [
                    {"type": "invalid_credentials", "message": "That name and password don't belong together."}
                ],
            },
        )
    )
    assert (await world.client.post("/api/account", data={"login": anna.name})).status_code == 400
    assert (await world.client.post("/api/account", json={"login": 1, "password": []})).status_code == 400
    assert (await world.client.post("/api/account", json=[])).status_code == 400


async def test_a_reading_token_changes_nothing(world: World) -> None:
    reader = await world.person("anna", scope=Scope.READ)
    assert (await reader.refused("teams.add", name=unique("Team")))[0] == 403
    assert (await reader.refused("members.add", login="x", teamId=reader.id, roleId=3))[0] == 403
