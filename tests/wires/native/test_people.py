"""People over the native API: the routes that other tools rely on, in the form in which they rely on them."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from inline_snapshot import snapshot

from factories.app import client_of
from factories.people import Person, forget_attempts, make_organization, make_user, sign_in, unique
from pinakes.api import people as api
from pinakes.api.common import Page
from pinakes.server.actor import Role, Scope
from pinakes.server.catalog import service as catalog
from pinakes.server.collections import service as collections
from pinakes.server.db import Database
from pinakes.server.people.sessions import COOKIE
from pinakes.server.permissions.table import ROLES, SCOPES, Permission
from pinakes.server.wires.native import openapi

PASSWORD = "correct horse battery"
ORIGIN = {"Origin": "http://pinakes.test"}


class Api:
    """The native API, in somebody's name."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str] | None = None) -> None:
        self.client = client
        self.headers = headers or {}

    async def __call__(self, method: str, path: str, body: object = None) -> httpx2.Response:
        return await self.client.request(method, f"/api/v1{path}", headers=self.headers, json=body)

    def as_(self, person: Person) -> Api:
        """The same, in another's name."""
        return Api(self.client, person.headers)

    def with_token(self, token: str) -> Api:
        """The same, with another token."""
        return Api(self.client, {"Authorization": f"Bearer {token}"})


@pytest.fixture
async def nobody(db: Database) -> AsyncGenerator[Api]:
    await forget_attempts(db)
    async with client_of(db) as client:
        yield Api(client)


@pytest.fixture
async def root(db: Database) -> Person:
    return await make_user(db, "root", admin=True)


@pytest.fixture
async def ada(db: Database) -> Person:
    return await make_user(db, "ada")


@pytest.fixture
async def bob(db: Database) -> Person:
    return await make_user(db, "bob")


@pytest.fixture
def admin(nobody: Api, root: Person) -> Api:
    return nobody.as_(root)


def frozen(body: dict[str, object]) -> dict[str, object]:
    """An answer without what differs from run to run."""
    return {key: "…" if key.endswith("_at") and value else value for key, value in body.items()}


class TestUsers:
    async def test_an_administrator_makes_and_deletes_one(self, nobody: Api, admin: Api):
        name = unique("Grace")
        response = await admin("POST", "/users", {"name": name, "email": f"{name}@x.org", "password": PASSWORD})
        assert response.status_code == 201
        body = frozen(response.json())
        assert body.pop("name") == name
        assert body.pop("email") == f"{name}@x.org"
        assert body == snapshot({"kind": "user", "display_name": "", "admin": False, "created_at": "…"})
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", response.json()["created_at"])
        assert (await nobody("GET", f"/users/{name.lower()}")).json()["name"] == name
        assert (await nobody("GET", f"/users/{name}")).json()["email"] is None, "addresses are not for everybody"
        assert (await admin("DELETE", f"/users/{name}")).status_code == 204
        for response in (await admin("GET", f"/users/{name}"), await admin("DELETE", f"/users/{name}")):
            assert response.status_code == 404

    async def test_the_shortest_form_and_an_administrator(self, nobody: Api, admin: Api):
        name = unique("root")
        assert (await admin("POST", "/users", {"name": name, "admin": True})).json()["admin"] is True
        issued = (await admin("POST", f"/users/{name}/tokens", {"scope": "admin"})).json()
        other = nobody.with_token(issued["token"])
        assert (await other("GET", "/users?limit=1")).status_code == 200

    async def test_nobody_else_does(self, nobody: Api, ada: Person, bob: Person):
        for who, status in ((nobody, 401), (nobody.as_(ada), 403)):
            assert (await who("POST", "/users", {"name": unique("x")})).status_code == status
            assert (await who("DELETE", f"/users/{bob.name}")).status_code == status
            assert (await who("GET", "/users")).status_code == status
        assert (await nobody("GET", f"/users/{bob.name}")).status_code == 200

    async def test_they_come_in_pages(self, admin: Api, ada: Person, bob: Person):
        first = Page[api.Account].model_validate((await admin("GET", "/users?limit=1")).json())
        assert len(first.rows) == 1
        second = Page[api.Account].model_validate((await admin("GET", f"/users?limit=1000&cursor={first.next}")).json())
        assert first.rows[0] not in second.rows
        assert {ada.name, bob.name} <= {row.name for row in [*first.rows, *second.rows]}

    async def test_one_changes_oneself(self, nobody: Api, ada: Person, bob: Person):
        me = nobody.as_(ada)
        body = (await me("PATCH", f"/users/{ada.name}", {"display_name": "Ada", "email": f"{ada.name}@x.org"})).json()
        assert (body["display_name"], body["email"]) == ("Ada", f"{ada.name}@x.org")
        assert (await me("PATCH", f"/users/{ada.name}", {"email": ""})).json()["email"] is None
        assert (await me("PATCH", f"/users/{ada.name}", {"password": PASSWORD})).status_code == 200
        again = {"password": "another password", "current_password": "wrong"}
        response = await me("PATCH", f"/users/{ada.name}", again)
        assert (response.status_code, response.json()["error"]["field"]) == (403, "current_password")
        again["current_password"] = PASSWORD
        assert (await me("PATCH", f"/users/{ada.name}", again)).status_code == 200
        assert (await nobody.as_(bob)("PATCH", f"/users/{ada.name}", {"display_name": "x"})).status_code == 403
        assert (await me("PATCH", f"/users/{ada.name}", {"admin": True})).status_code == 403

    async def test_an_administrator_sets_anybodys_password(self, nobody: Api, admin: Api, ada: Person):
        assert (await admin("PATCH", f"/users/{ada.name}", {"password": PASSWORD})).status_code == 200
        response = await nobody("POST", "/sessions", {"name": ada.name, "password": PASSWORD})
        assert response.status_code == 201


class TestTokens:
    async def test_a_token_is_shown_once(self, nobody: Api, admin: Api, ada: Person):
        response = await admin("POST", f"/users/{ada.name}/tokens", {"name": "laptop", "scope": "write"})
        assert response.status_code == 201
        body = frozen(response.json())
        token = body.pop("token")
        number = body.pop("id")
        assert isinstance(token, str)
        assert re.fullmatch(r"pinakes_[A-Za-z0-9]{48}", token)
        assert body.pop("hint") == f"pinakes_…{token[-4:]}"
        assert body == snapshot(
            {
                "name": "laptop",
                "scope": "write",
                "namespace": None,
                "created_at": "…",
                "expires_at": None,
                "last_used_at": None,
            }
        )
        me = nobody.with_token(token)
        body = (await me("GET", "/whoami")).json()
        assert (body["name"], body["token"]["id"], body["token"]["scope"]) == (ada.name, number, "write")
        assert body["token"]["last_used_at"]
        rows = (await admin("GET", f"/users/{ada.name}/tokens")).json()["rows"]
        assert number in {row["id"] for row in rows}
        assert not any("token" in row for row in rows)
        assert (await admin("DELETE", f"/users/{ada.name}/tokens/{number}")).status_code == 204
        assert (await admin("DELETE", f"/users/{ada.name}/tokens/{number}")).status_code == 404
        assert (await me("GET", "/whoami")).status_code == 401

    async def test_a_key_from_elsewhere(self, nobody: Api, admin: Api, ada: Person):
        value = unique("local") + "-" + "0123456789abcdef" * 3
        wanted = {"scope": "write", "value": value}
        response = await admin("POST", f"/users/{ada.name}/tokens", wanted)
        assert (response.status_code, response.json()["token"]) == (201, value)
        assert (await nobody.with_token(value)("GET", "/whoami")).json()["name"] == ada.name
        assert (await admin("POST", f"/users/{ada.name}/tokens", wanted)).status_code == 409
        response = await nobody.as_(ada)("POST", f"/users/{ada.name}/tokens", {"scope": "read", "value": value + "x"})
        assert (response.status_code, response.json()["error"]["field"]) == (403, "value")

    @pytest.mark.parametrize(
        ("wanted", "field"),
        [
            ({}, "scope"),
            ({"scope": "all"}, "scope"),
            ({"scope": None}, "scope"),
            ({"scope": "read", "value": "too-short-to-be-safe"[:19]}, "value"),
            ({"scope": "read", "value": "with a blank " * 3}, "value"),
            ({"scope": "read", "expires_at": 4_000_000_000}, "expires_at"),
            ({"scope": "read", "expires_at": "soon"}, "expires_at"),
            ({"scope": "read", "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
            ({"scope": "read", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
            ({"scope": "read", "expires_at": "99999-01-01T00:00:00Z"}, "expires_at"),
            ({"scope": "read", "name": "a\nb"}, "name"),
            ({"scope": "read", "namespace": "a b"}, "namespace"),
        ],
    )
    async def test_one_that_cannot_be(self, admin: Api, root: Person, wanted: dict[str, object], field: str):
        response = await admin("POST", f"/users/{root.name}/tokens", wanted)
        assert (response.status_code, response.json()["error"]["field"]) == (422, field)

    async def test_it_may_end_and_be_bound(self, nobody: Api, db: Database, ada: Person):
        org = await make_organization(db, ada)
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        wanted = {"scope": "write", "namespace": org.name, "expires_at": until}
        body = (await nobody.as_(ada)("POST", f"/users/{ada.name}/tokens", wanted)).json()
        assert body["namespace"] == org.name
        assert datetime.fromisoformat(body["expires_at"]) == datetime.fromisoformat(until)
        bound = nobody.with_token(body["token"])
        response = await bound("GET", f"/permissions/explain?permission=collection:create&owner={ada.name}")
        assert response.json()["allowed"] is False
        assert "the token is bound to another namespace" in response.json()["because"]
        response = await bound("GET", f"/permissions/explain?permission=collection:create&owner={org.name}")
        assert response.json()["allowed"] is True

    async def test_a_read_token_reads(self, nobody: Api, db: Database, ada: Person):
        narrow = nobody.as_(await sign_in(db, ada.account, scope=Scope.READ))
        assert (await narrow("GET", "/whoami")).status_code == 200
        response = await narrow("POST", "/organizations", {"name": unique("org")})
        assert (response.status_code, response.json()["error"]["code"]) == (403, "scope_too_narrow")


class TestOrganizations:
    async def test_its_life(self, nobody: Api, ada: Person, bob: Person):
        me, other = nobody.as_(ada), nobody.as_(bob)
        name, team = unique("Org"), unique("Team")
        response = await me("POST", "/organizations", {"name": name, "display_name": "The Org"})
        assert response.status_code == 201
        body = frozen(response.json())
        assert body.pop("name") == name
        assert body == snapshot(
            {"kind": "organization", "display_name": "The Org", "email": None, "admin": False, "created_at": "…"}
        )
        response = await me("PUT", f"/organizations/{name}/members/{bob.name}", {"role": "viewer"})
        assert (response.status_code, response.json()["role"]) == (200, "viewer")
        response = await me("PUT", f"/organizations/{name}/members/{bob.name}", {"role": "member"})
        assert response.json()["role"] == "member"
        response = await me("POST", f"/organizations/{name}/teams", {"name": team})
        assert (response.status_code, response.json()["kind"]) == (201, "team")
        response = await me("PUT", f"/teams/{team}/members/{bob.name}", {"role": "admin"})
        assert (response.status_code, response.json()["role"]) == (200, "admin")

        body = (await other("GET", f"/organizations/{name.lower()}")).json()
        assert {(row["name"], row["role"]) for row in body["members"]} == {(ada.name, "admin"), (bob.name, "member")}
        assert [row["name"] for row in body["teams"]] == [team]
        assert [row["name"] for row in (await other("GET", f"/organizations/{name}/teams")).json()["rows"]] == [team]
        assert len((await other("GET", f"/organizations/{name}/members")).json()["rows"]) == 2
        assert len((await other("GET", f"/teams/{team}/members")).json()["rows"]) == 1
        assert (await other("GET", f"/teams/{team}")).json()["members"][0]["name"] == bob.name
        rows = (await other("GET", f"/users/{bob.name}/organizations")).json()["rows"]
        assert {(row["name"], row["role"]) for row in rows} == {(name, "member"), (team, "admin")}
        assert [row["name"] for row in (await other("GET", "/organizations")).json()["rows"]] == [name]

        for _ in range(2):  # to end a membership again is safe, as with every bond between two things
            assert (await me("DELETE", f"/teams/{team}/members/{bob.name}")).status_code == 204
        for _ in range(2):
            assert (await me("DELETE", f"/organizations/{name}/members/{bob.name}")).status_code == 204
        assert (await me("DELETE", f"/organizations/{name}/members/{unique('nobody')}")).status_code == 404
        response = await me("DELETE", f"/organizations/{name}/members/{ada.name}")
        assert (response.status_code, response.json()["error"]["code"]) == (409, "last_administrator")
        assert (await other("DELETE", f"/organizations/{name}")).status_code == 403
        assert (await me("DELETE", f"/organizations/{name}")).status_code == 204
        assert (await me("GET", f"/organizations/{name}")).status_code == 404
        assert (await me("GET", f"/teams/{team}")).status_code == 404

    async def test_a_team_alone(self, nobody: Api, db: Database, ada: Person):
        org, team = await make_organization(db, ada), unique("team")
        me = nobody.as_(ada)
        await me("POST", f"/organizations/{org.name}/teams", {"name": team, "display_name": "T"})
        assert (await me("DELETE", f"/teams/{team}")).status_code == 204
        assert (await me("DELETE", f"/teams/{team}")).status_code == 404

    async def test_members_are_shown_to_those_with_a_role(self, nobody: Api, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, ada)
        for who, status in ((nobody, 401), (nobody.as_(bob), 403), (nobody.as_(ada), 200)):
            assert (await who("GET", f"/organizations/{org.name}/members")).status_code == status
            assert (await who("GET", f"/organizations/{org.name}/teams")).status_code == status
            body = (await who("GET", f"/organizations/{org.name}")).json()
            assert (body["members"] is None) == (status != 200)

    @pytest.mark.parametrize("role", ["owner", "Admin", "", None, 1])
    async def test_a_role_that_is_none(self, nobody: Api, db: Database, ada: Person, bob: Person, role: object):
        org = await make_organization(db, ada)
        response = await nobody.as_(ada)("PUT", f"/organizations/{org.name}/members/{bob.name}", {"role": role})
        assert (response.status_code, response.json()["error"]["field"]) == (422, "role")

    async def test_a_user_is_no_organization_and_a_stranger_no_member(self, nobody: Api, db: Database, ada: Person):
        org = await make_organization(db, ada)
        me = nobody.as_(ada)
        for path in (f"/organizations/{ada.name}", f"/teams/{org.name}", f"/users/{org.name}"):
            assert (await me("GET", path)).status_code == 404
        response = await me("PUT", f"/organizations/{org.name}/members/{org.name}", {"role": "viewer"})
        assert (response.status_code, response.json()["error"]["code"]) == (404, "account_not_found")


class TestSessions:
    @pytest.fixture
    async def eve(self, admin: Api) -> str:
        name = unique("eve")
        await admin("POST", "/users", {"name": name, "password": PASSWORD})
        return name

    async def test_signing_in_and_out(self, nobody: Api, eve: str):
        response = await nobody("POST", "/sessions", {"name": eve, "password": PASSWORD})
        assert response.status_code == 201
        assert api.Session.model_validate(response.json()).user.name == eve
        cookie = response.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert nobody.client.cookies[COOKIE] not in response.text
        body = (await nobody("GET", "/whoami")).json()
        assert (body["name"], body["token"]) == (eve, None)
        assert (await nobody("DELETE", "/sessions")).status_code == 204
        assert COOKIE not in nobody.client.cookies
        assert (await nobody("GET", "/whoami")).status_code == 401
        assert (await nobody("DELETE", "/sessions")).status_code == 204

    async def test_a_session_counts_only_from_pages_of_ours(self, nobody: Api, eve: str):
        await nobody("POST", "/sessions", {"name": eve, "password": PASSWORD})
        theirs = Api(nobody.client, {"Origin": "http://evil.test"})
        assert (await theirs("GET", "/whoami")).status_code == 200, "they can't read the answer"
        response = await theirs("POST", "/organizations", {"name": unique("org")})
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden")
        assert (await theirs("POST", "/sessions", {"name": eve, "password": PASSWORD})).status_code == 403
        ours = Api(nobody.client, ORIGIN)
        assert (await ours("POST", "/organizations", {"name": unique("org")})).status_code == 201

    async def test_a_session_that_has_ended_reads_like_nobody_and_does_not_write(self, nobody: Api, eve: str):
        nobody.client.cookies[COOKIE] = "long gone"
        assert (await nobody("GET", f"/users/{eve}")).status_code == 200
        response = await nobody("POST", "/organizations", {"name": unique("org")})
        assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_credentials")
        assert (await nobody("POST", "/sessions", {"name": eve, "password": PASSWORD})).status_code == 201

    async def test_a_token_goes_before_a_session(self, nobody: Api, ada: Person, eve: str):
        await nobody("POST", "/sessions", {"name": eve, "password": PASSWORD})
        assert (await nobody.as_(ada)("GET", "/whoami")).json()["name"] == ada.name

    async def test_a_wrong_password(self, nobody: Api, eve: str):
        response = await nobody("POST", "/sessions", {"name": eve, "password": "wrong"})
        assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_credentials")
        assert "set-cookie" not in response.headers


class TestPermissions:
    async def test_the_table_is_the_table(self, nobody: Api):
        table = api.PermissionTable.model_validate((await nobody("GET", "/permissions")).json())
        assert [rule.permission for rule in table.permissions] == list(Permission)
        for rule in table.permissions:
            permission = Permission(rule.permission)
            assert rule.roles == [role for role in Role if permission in ROLES[role]]
            assert rule.scopes == [scope for scope in Scope if permission in SCOPES[scope]]

    async def test_explaining(self, nobody: Api, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, ada)
        query = f"/permissions/explain?permission=collection:delete&owner={org.name}"
        body = (await nobody.as_(ada)("GET", query)).json()
        assert body == {
            "allowed": True,
            "permission": "collection:delete",
            "because": ["your role admin on its owner includes collection:delete"],
            "grants": [{"account": org.name, "role": "admin", "because": "membership"}],
        }
        body = (await nobody.as_(bob)("GET", query)).json()
        assert (body["allowed"], body["because"], body["grants"]) == (False, ["you have no role on its owner"], [])
        reading = f"/permissions/explain?permission=collection:read&owner={org.name}&visibility=public"
        assert (await nobody("GET", reading)).json()["because"] == ["it is public"]
        assert (await nobody("GET", f"{query}x")).status_code == 404

    async def test_explaining_a_collection(self, nobody: Api, db: Database, ada: Person, bob: Person):
        """By any of its addresses; what one may not see is not there, in the trash or out of it."""
        async with db.transaction() as tx:
            made = await collections.create(tx, ada.actor, owner=ada.name, title=unique("Mine"), visibility="private")
        for address in (made.public_id, made.slug, made.slug.split("/")[1], made.slug[:-25]):
            query = f"/permissions/explain?permission=collection:update&collection={address}"
            body = (await nobody.as_(ada)("GET", query)).json()
            assert (body["allowed"], body["permission"]) == (True, "collection:update")
            assert body["because"] == ["your role owner on its owner includes collection:update"]
            assert body["grants"] == [{"account": ada.name, "role": "owner", "because": "own account"}]
            for other in (nobody, nobody.as_(bob)):
                response = await other("GET", query)
                assert (response.status_code, response.json()["error"]["code"]) == (404, "collection_not_found")
        async with db.transaction() as tx:
            await collections.delete(tx, ada.actor, made.public_id)
        ask = "/permissions/explain?collection=" + made.public_id
        assert (await nobody.as_(ada)("GET", f"{ask}&permission=collection:restore")).json()["allowed"] is True
        assert (await nobody.as_(ada)("GET", f"{ask}&permission=collection:read")).status_code == 404
        assert (await nobody.as_(bob)("GET", f"{ask}&permission=collection:restore")).status_code == 404

    async def test_explaining_an_item(self, nobody: Api, db: Database, ada: Person, bob: Person):
        async with db.transaction() as tx:
            hidden = await catalog.create_repo(tx, ada.actor, "model", ada.name, unique("model"), visibility="private")
            shown = await catalog.create_repo(tx, ada.actor, "model", ada.name, unique("model"))
        ask = f"/permissions/explain?permission=item:delete&item={hidden.id}"
        assert (await nobody.as_(ada)("GET", ask)).json()["allowed"] is True
        for other in (nobody, nobody.as_(bob)):
            assert (await other("GET", ask)).json()["error"]["code"] == "item_not_found"
        ask = f"/permissions/explain?item={shown.id}&permission="
        body = (await nobody.as_(bob)("GET", f"{ask}item:delete")).json()
        assert (body["allowed"], body["because"]) == (False, ["you have no role on its owner"])
        body = (await nobody("GET", f"{ask}item:read")).json()
        assert (body["allowed"], body["because"], body["grants"]) == (True, ["it is public"], [])

    async def test_explaining_what_has_no_owner(
        self, nobody: Api, db: Database, ada: Person, bob: Person, root: Person
    ):
        """A paper is corrected by whoever registered it, as far as his token lets him write."""
        number = f"26{secrets.randbelow(12) + 1:02}.{secrets.randbelow(100_000):05}"
        async with db.transaction() as tx:
            paper, _ = await catalog.register_paper(tx, ada.actor, arxiv_id=number, title="On Reasons")
            bare = await catalog.create_repo(tx, root.actor, "model", None, unique("bare"))
        narrow = await sign_in(db, ada.account, scope=Scope.READ)
        ask = f"/permissions/explain?permission=item:delete&item={paper.id}"
        for person, allowed, because in (
            (ada, True, ["you registered this paper"]),
            (narrow, False, ["you registered this paper", "the token's scope read does not carry item:delete"]),
            (root, True, ["an administrator of this server may do everything"]),
            (
                bob,
                False,
                ["a paper has no owner: whoever registered it may do that, and administrators of this server"],
            ),
        ):
            body = (await nobody.as_(person)("GET", ask)).json()
            assert (body["allowed"], body["because"]) == (allowed, because)
            if not allowed:
                assert (await nobody.as_(person)("DELETE", f"/papers/{number}")).status_code == 403
        body = (await nobody.as_(ada)("GET", f"/permissions/explain?permission=item:update&item={bare.id}")).json()
        assert body["because"] == ["it has no owner: only administrators of this server may do that"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("owner=x&collection=y", "collection"),
            ("collection=y&item=1", "item"),
            ("collection=y&visibility=public", "visibility"),
            ("collection=%00", "collection"),
            ("item=0", "item"),
            ("item=2147483648", "item"),
            ("collection=y", "permission"),
        ],
    )
    async def test_a_question_about_no_one_thing(self, nobody: Api, query: str, field: str):
        response = await nobody("GET", f"/permissions/explain?permission=item:read&{query}")
        assert (response.status_code, response.json()["error"]["field"]) == (422, field)

    @pytest.mark.parametrize(
        "query", ["", "permission=x&owner=y", "permission=item:read", "permission=item:read&owner=%00"]
    )
    async def test_a_question_that_cannot_be(self, nobody: Api, query: str):
        assert (await nobody("GET", f"/permissions/explain?{query}")).status_code == 422


class TestOpenAPI:
    async def test_it_is_served_and_of_this_wire_alone(self, nobody: Api):
        document = (await nobody("GET", "/openapi.json")).json()
        assert document == openapi()
        assert all(path.startswith("/api/v1/") for path in document["paths"])
        assert set(document["components"]["securitySchemes"]) == {"Bearer", "Session"}

    def test_every_operation_has_a_neat_name_and_says_what_can_go_wrong(self):
        operations = [operation for path in openapi()["paths"].values() for operation in path.values()]
        names = [operation["operationId"] for operation in operations]
        assert len(names) == len(set(names))
        for operation in operations:
            assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
            assert operation["description"]
            for status in ("400", "401", "403", "404", "422", "503"):
                content = operation["responses"][status]["content"]["application/json"]
                assert "#/components/schemas/ErrorAnswer" in str(content["schema"])
        assert "HTTPValidationError" not in openapi()["components"]["schemas"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("post", "/users"),
            ("delete", "/users/{name}"),
            ("post", "/users/{name}/tokens"),
            ("post", "/organizations"),
            ("delete", "/organizations/{org}"),
            ("put", "/organizations/{org}/members/{user}"),
            ("delete", "/organizations/{org}/members/{user}"),
            ("post", "/organizations/{org}/teams"),
            ("put", "/teams/{team}/members/{user}"),
            ("delete", "/teams/{team}/members/{user}"),
        ],
    )
    def test_it_has_the_routes_that_other_tools_rely_on(self, method: str, path: str):
        assert method in openapi()["paths"][f"/api/v1{path}"]
