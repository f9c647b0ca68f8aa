"""The form of the native API's errors: whatever goes wrong, one body, one table of statuses."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from urllib.parse import unquote

import httpx2
import pytest
from inline_snapshot import snapshot

from factories.app import client_of
from factories.people import Person, forget_attempts, make_user, sign_in, unique
from pinakes.api.common import ErrorAnswer
from pinakes.server import errors
from pinakes.server.actor import Scope
from pinakes.server.db import Database
from pinakes.server.wires.native.errors import STATUSES, status_of


@pytest.fixture
async def client(db: Database) -> AsyncGenerator[httpx2.AsyncClient]:
    await forget_attempts(db)
    async with client_of(db) as client:
        yield client


@pytest.fixture
async def admin(db: Database) -> Person:
    return await make_user(db, "root", admin=True)


def check(response: httpx2.Response, status: int, code: str, field: str | None = None) -> ErrorAnswer:
    """Hold an answer against the one form that errors have here."""
    body = json.loads(response.text)
    assert response.status_code == status, body
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "field", "details", "request_id"}
    answer = ErrorAnswer.model_validate(body)
    assert (answer.error.code, answer.error.field) == (code, field)
    assert answer.error.message
    assert answer.error.request_id == response.headers["x-request-id"] != ""
    assert (response.headers.get("www-authenticate") == "Bearer") == (status == 401)
    return answer


def test_every_category_has_a_status():
    categories = errors.PinakesError.__subclasses__()
    assert set(STATUSES) == set(categories)
    for category in categories:
        assert 400 <= status_of(category()) < 600
        # A wire may have errors of its own, which never come here.
        for kind in category.__subclasses__():
            if kind.__module__ == category.__module__:
                assert status_of(kind()) == STATUSES[category]


async def test_a_whole_answer(client: httpx2.AsyncClient):
    response = await client.get("/api/v1/users/nobody-of-that-name", headers={"X-Request-Id": "mine-1"})
    assert response.json() == snapshot(
        {
            "error": {
                "code": "account_not_found",
                "message": "No such user.",
                "field": None,
                "details": {},
                "request_id": "mine-1",
            }
        }
    )


async def test_who_did_not_sign_in_is_asked_to(client: httpx2.AsyncClient):
    check(await client.get("/api/v1/whoami"), 401, "unauthenticated")


@pytest.mark.parametrize(
    "header", ["Bearer nonsense", "Bearer", "Bearer ", "Basic YXBpOng=", "nonsense", "", "Bearer ä"]
)
async def test_a_credential_that_is_not_valid_is_refused_even_where_none_is_needed(
    client: httpx2.AsyncClient, header: str
):
    headers = [(b"Authorization", header.encode())]
    check(await client.get("/api/v1/permissions/explain", headers=headers), 401, "invalid_credentials")


async def test_a_scope_that_is_too_narrow(client: httpx2.AsyncClient, db: Database, admin: Person):
    narrow = await sign_in(db, admin.account, scope=Scope.READ)
    answer = check(
        await client.post("/api/v1/users", headers=narrow.headers, json={"name": unique("x")}),
        403,
        "scope_too_narrow",
    )
    assert answer.error.details["permission"] == "server:manage"


@pytest.mark.parametrize(
    ("content", "status", "code", "field"),
    [
        (b"{nope", 400, "malformed", "body"),
        (b'{"name": "x"', 400, "malformed", "body"),
        (b'{"name": "\xff"}', 400, "malformed", "body"),
        (b"[" * 100_000, 400, "malformed", "body"),
        (b'{"name": ' + b"1" * 5000 + b"}", 400, "malformed", "body"),
        (b"", 422, "invalid", "body"),
        (b"[]", 422, "invalid", "body"),
        (b"null", 422, "invalid", "body"),
        (b'"text"', 422, "invalid", "body"),
        (b"{}", 422, "invalid", "name"),
        (b'{"name": 1}', 422, "invalid", "name"),
        (b'{"name": null}', 422, "invalid", "name"),
        (b'{"name": ""}', 422, "invalid", "name"),
        (b'{"name": "a b"}', 422, "invalid", "name"),
        (b'{"name": "a\\u0000"}', 422, "invalid", "name"),
        (b'{"name": "a\\n"}', 422, "invalid", "name"),
        (b'{"name": "\\ud800"}', 422, "invalid", "name"),
        (b'{"name": "x", "display_name": "\\ud800"}', 422, "invalid", "display_name"),
        (b'{"name": "x", "display_name": "a\\u0000b"}', 422, "invalid", "display_name"),
        (b'{"name": "x", "display_name": "a\\nb"}', 422, "invalid", "display_name"),
        (b'{"name": "x", "admin": 0}', 422, "invalid", "admin"),
        (b'{"name": "x", "admin": "false"}', 422, "invalid", "admin"),
        (b'{"name": "x", "email": "nobody"}', 422, "invalid", "email"),
        (b'{"name": "x", "password": "short"}', 422, "invalid", "password"),
        (b'{"name": "x", "passwort": "misspelt one"}', 422, "invalid", "passwort"),
        (b'{"name": "api"}', 422, "invalid", "name"),
    ],
)
async def test_a_body_that_cannot_be(
    client: httpx2.AsyncClient, admin: Person, content: bytes, status: int, code: str, field: str | None
):
    headers = {**admin.headers, "Content-Type": "application/json"}
    check(await client.post("/api/v1/users", headers=headers, content=content), status, code, field)


async def test_a_body_of_another_type(client: httpx2.AsyncClient, admin: Person):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"):
        headers = {**admin.headers, "Content-Type": content_type}
        answer = check(
            await client.post("/api/v1/users", headers=headers, content=b'{"name": "x"}'), 422, "invalid", "body"
        )
        assert "application/json" in answer.error.message


async def test_everything_that_is_wrong_is_named(client: httpx2.AsyncClient, admin: Person):
    response = await client.post("/api/v1/users", headers=admin.headers, json={"admin": "x", "emial": 1})
    answer = check(response, 422, "invalid", "name")
    assert [problem["field"] for problem in answer.error.details["problems"]] == ["name", "admin", "emial"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=WyJhXHUwMDAwIl0", "cursor"),
        ("cursor=WzFd", "cursor"),
    ],
)
async def test_a_query_that_cannot_be(client: httpx2.AsyncClient, admin: Person, query: str, field: str):
    check(await client.get(f"/api/v1/users?{query}", headers=admin.headers), 422, "invalid", field)


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "9" * 30, "x", "1.5"])
async def test_a_number_in_a_path_that_cannot_be(client: httpx2.AsyncClient, admin: Person, number: str):
    path = f"/api/v1/users/{admin.name}/tokens/{number}"
    check(await client.delete(path, headers=admin.headers), 422, "invalid", "token_id")


@pytest.mark.parametrize("name", ["%00", "%ff", "a%20b", "%ED%A0%80", "a" * 3000, "%C3%A4", ".."])
async def test_a_name_in_a_path_that_cannot_be(client: httpx2.AsyncClient, name: str):
    response = await client.get(f"/api/v1/users/{name}")
    assert response.status_code == 404
    assert response.json()["error"]["code"] in {"account_not_found", "not_found"}


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/v1/nope", "/api/v1/users/", "/api/v1/users/a/b/c"])
async def test_an_unknown_path(client: httpx2.AsyncClient, path: str):
    for method in ("GET", "POST", "DELETE"):
        check(await client.request(method, path), 404, "not_found")


@pytest.mark.parametrize("rest", ["x%0Ay", "%0A", "whoami%0A", "a%0D%0Ab/c", "x%00"])
async def test_an_unknown_path_with_a_line_break(client: httpx2.AsyncClient, rest: str):
    path = f"/api/v1/{rest}"
    for method in ("GET", "PUT"):
        answer = check(await client.request(method, path), 404, "not_found")
        assert answer.error.message == f"There is nothing at {unquote(path)}."
    check(await client.put("/api/v1/collections/x%0Ay/entries"), 405, "method_not_allowed")


async def test_a_wrong_method(client: httpx2.AsyncClient):
    response = await client.put("/api/v1/users")
    answer = check(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, POST"
    assert "GET, HEAD, POST" in answer.error.message
    check(await client.request("PROPFIND", "/api/v1/whoami"), 405, "method_not_allowed")


async def test_a_conflict_names_what_is_in_the_way(client: httpx2.AsyncClient, admin: Person):
    response = await client.post("/api/v1/users", headers=admin.headers, json={"name": admin.name.upper()})
    answer = check(response, 409, "name_taken", "name")
    assert answer.error.details == {"name": admin.name.upper()}


async def test_too_many_attempts_say_when_to_come_back(client: httpx2.AsyncClient):
    body = {"name": unique("nobody"), "password": ""}
    for _ in range(10):
        check(await client.post("/api/v1/sessions", json=body), 401, "invalid_credentials")
    response = await client.post("/api/v1/sessions", json=body)
    answer = check(response, 429, "too_many_requests")
    assert int(response.headers["retry-after"]) == answer.error.details["retry_after"] > 0


async def test_other_wires_have_other_forms(client: httpx2.AsyncClient):
    """An error outside `/api/v1` is not ours to shape."""
    response = await client.get("/api/nothing-of-ours")
    assert response.status_code == 404
    assert not isinstance(response.json()["error"], dict)


@pytest.mark.parametrize("path", ["/api/nothing", "/api/x%0Ay", "/api/models/a%0A/b/c", "/api/v1x"])
async def test_what_the_hub_does_not_have_is_told_in_its_form(client: httpx2.AsyncClient, path: str):
    """`huggingface_hub` shows its user the header's message."""
    response = await client.get(path)
    message = f"There is nothing at {unquote(path)}."
    assert (response.status_code, response.json()) == (404, {"error": message})
    assert response.headers["x-error-message"] == " ".join(message.split())
    assert response.headers["x-request-id"]
    response = await client.put("/api/collections")
    assert (response.status_code, response.json()) == (405, {"error": "Method Not Allowed"})
    assert response.headers["allow"]
