"""Only the shape of errors: what `supervisely` 6.74.51 reads of an answer that is no 200."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot
from starlette.routing import Route

from factories.people import unique
from pinakes.server import errors as taxonomy
from pinakes.server.errors import Conflict, NameTaken, NotFound, PinakesError
from pinakes.server.wires.supervisely import calls, errors, table, transport
from pinakes.server.wires.supervisely.calls import ById, Context, Methods, Nothing
from wires.supervisely.conftest import BASE, World

# The client sends these again for five minutes.
RETRIED = {408, 429, 499, 500, 502, 503, 504}
PASSING = {"Conflict", "ShuttingDown", "TooManyRequests", "Unavailable"}

CLASSES = sorted(
    (each for each in vars(taxonomy).values() if isinstance(each, type) and issubclass(each, PinakesError)),
    key=lambda each: each.__name__,
)


@pytest.mark.parametrize("error", [c for c in CLASSES if c is not PinakesError], ids=lambda c: c.__name__)
def test_what_is_a_callers_mistake_is_never_sent_again(error: type[PinakesError]) -> None:
    status = errors.status_of(error())
    assert (status in RETRIED) == (error.__name__ in PASSING)
    assert status != 501


async def test_without_a_token(world: World) -> None:
    assert await world.nobody.refused("users.me") == snapshot(
        (
            401,
            {
                "error": "Send a token of this server in the header x-api-key (the client's API_TOKEN).",
                "details": [
                    {
                        "type": "unauthenticated",
                        "message": "Send a token of this server in the header x-api-key (the client's API_TOKEN).",
                    }
                ],
            },
        )
    )


async def test_with_a_wrong_token(world: World) -> None:
    answer = await world.nobody.send("users.me", {}, headers={"x-api-key": "nonsense"})
    assert (answer.status_code, answer.json()) == snapshot(
        (
            401,
            {
                "error": "The token or password is not valid.",
                "details": [{"type": "invalid_credentials", "message": "The token or password is not valid."}],
            },
        )
    )
    assert answer.headers["content-type"] == "application/json"


async def test_an_unknown_method_is_not_taken_for_a_missing_thing(world: World) -> None:
    """A 404 would have the client answer None for `get_info_by_id`."""
    assert await (await world.person()).refused("nothing.info", id=1) == snapshot(
        (
            400,
            {
                "error": "This server has no method 'nothing.info'.",
                "details": [{"type": "unknown_method", "message": "This server has no method 'nothing.info'."}],
            },
        )
    )


async def test_what_is_not_there_by_its_id(world: World) -> None:
    assert await (await world.person()).refused("users.info", id=2**31 - 1) == snapshot(
        (
            404,
            {
                "error": "There is no user 2147483647.",
                "details": [{"type": "account_not_found", "message": "There is no user 2147483647."}],
            },
        )
    )


async def test_what_is_referred_to_and_is_not_there(world: World) -> None:
    assert await (await world.person()).refused("members.list", teamId=2**31 - 1) == snapshot(
        (
            400,
            {
                "error": "There is no team 2147483647, or you are not in it.",
                "details": [
                    {"type": "account_not_found", "message": "There is no team 2147483647, or you are not in it."}
                ],
            },
        )
    )


@pytest.mark.parametrize("wrong", [0, -1, 2**31, 2**63, 10**30, "12345678901234567890"], ids=str)
async def test_an_id_that_none_can_be_is_simply_not_there(world: World, wrong: object) -> None:
    status, body = await (await world.person()).refused("users.info", id=wrong)
    assert (status, body["details"][0]["type"]) == (404, "account_not_found")


async def test_a_name_that_is_taken(world: World) -> None:
    """The client's `conflict_resolution` reads `details[0].type` and `errors[].name` and `.id`."""
    person, name = await world.person(), unique("Team of data")
    made = await person.ask("teams.add", name=name, description="")
    status, body = await person.refused("teams.add", name=name, description="")
    assert status == 400
    assert body["details"][0]["errors"] == [{"name": name, "id": made["id"]}]
    assert (body["details"][0]["type"], body["details"][0]["field"]) == snapshot(("NONUNIQUE", "name"))


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"NaN", "body"),
        (b'{"id": NaN}', "body"),
        (b'{"id": "\\ud800"}', "body"),
        (b'{"id": "x\\u0000"}', "body"),
        (b"[" * 5000 + b"]" * 5000, "body"),
        (b'{"id": ' + b"[" * 200 + b"]" * 200 + b"}", "body"),
        (b"{}", "id"),
        (b'{"id": null}', "id"),
        (b'{"id": true}', "id"),
        (b'{"id": 1.5}', "id"),
        (b'{"id": []}', "id"),
        (b'{"id": "one"}', "id"),
        (b"\xff", "body"),
        (b"", "id"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:20]),
)
async def test_a_body_that_cant_be(world: World, body: bytes, named: str) -> None:
    person = await world.person()
    headers = {**person.headers, "content-type": "application/json"}
    answer = await world.client.post(f"{BASE}users.info", content=body, headers=headers)
    found = answer.json()
    assert (answer.status_code, set(found)) == (400, {"error", "details"})
    assert found["details"][0]["field"] == named
    assert set(found["details"][0]) == {"type", "message", "field"}
    assert found["error"] == found["details"][0]["message"]


async def test_an_accident_is_told_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 500 would be five silent minutes; the log has the rest."""
    methods = Methods()

    @methods.read("test.accident", Nothing)
    async def accident(_ctx: Context, _asked: Nothing) -> object:
        message = "broken"
        raise RuntimeError(message)

    monkeypatch.setitem(table.TABLE, "test.accident", methods.found["test.accident"])
    status, body = await (await world.person()).refused("test.accident")
    assert body["details"][0].pop("request_id")
    assert (status, body) == snapshot(
        (
            501,
            {
                "error": "Something went wrong on the server; its log has more.",
                "details": [{"type": "internal", "message": "Something went wrong on the server; its log has more."}],
            },
        )
    )


async def test_a_clash_is_tried_again_and_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    methods, tries = Methods(), list[int]()

    @methods.change("test.clash", ById)
    async def clash(_ctx: Context, asked: ById) -> object:
        tries.append(asked.id)
        if len(tries) < 3:
            raise Conflict
        return {"tries": len(tries)}

    monkeypatch.setattr(calls, "PAUSES", (0, 0, 0))
    monkeypatch.setitem(table.TABLE, "test.clash", methods.found["test.clash"])
    person = await world.person()
    assert await person.ask("test.clash", id=5) == {"tries": 3}
    tries.clear()
    monkeypatch.setattr(calls, "PAUSES", ())
    answer = await person.send("test.clash", {"id": 5})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("error", "by_id", "status"),
    [
        (NotFound(), True, 404),
        (NotFound(field="project_id"), True, 404),
        (NotFound(), False, 400),
        (NameTaken(), True, 400),
    ],
    ids=["asked for", "by another name", "referred to", "taken"],
)
def test_only_what_is_asked_for_by_id_is_404(error: PinakesError, by_id: bool, status: int) -> None:
    assert errors.answer(error, by_id=by_id).status_code == status


async def test_a_body_that_is_too_large(world: World) -> None:
    person = await world.person()
    answer = await world.client.post(f"{BASE}users.info", content=b" " * 50_000_001, headers=person.headers)
    assert answer.status_code == 413
    assert answer.json() == snapshot(
        {
            "error": "The body is larger than 50000000 bytes, the most that is taken here.",
            "details": [
                {
                    "type": "too_large",
                    "message": "The body is larger than 50000000 bytes, the most that is taken here.",
                    "facts": {"limit": 50000000},
                }
            ],
        }
    )


async def test_other_http_methods_and_paths(world: World) -> None:
    person = await world.person()
    answer = await world.client.patch(f"{BASE}users.me", json={}, headers=person.headers)
    assert (answer.status_code, answer.json()) == snapshot(
        (405, {"error": "Method Not Allowed", "details": [{"type": "unknown_method", "message": "Method Not Allowed"}]})
    )
    answer = await world.client.post(f"{BASE}users.me/more", json={}, headers=person.headers)
    assert (answer.status_code, answer.json()) == snapshot(
        (
            400,
            {
                "error": "There is nothing at /public/api/v3/users.me/more.",
                "details": [{"type": "unknown_method", "message": "There is nothing at /public/api/v3/users.me/more."}],
            },
        )
    )
    for verb in ("get", "put", "delete"):
        assert (await world.client.request(verb, f"{BASE}users.me", headers=person.headers)).status_code == 200


async def test_a_get_carries_its_fields_in_the_query_or_a_form(world: World) -> None:
    """`figures.info` comes with a query, `videos.bulk.download-frame` with a form."""
    person = await world.person()
    asked = await world.client.get(f"{BASE}users.info", params={"id": person.id}, headers=person.headers)
    assert asked.json()["id"] == person.id
    asked = await world.client.request("get", f"{BASE}users.info", data={"id": person.id}, headers=person.headers)
    assert asked.json()["id"] == person.id


async def test_the_address_of_the_api_itself(world: World) -> None:
    """With SUPERVISELY_API_SERVER_ADDRESS the client leaves `/public/api` out."""
    person = await world.person()
    answer = await world.client.post("/v3/users.me", json={}, headers=person.headers)
    assert answer.json()["id"] == person.id


async def test_nothing_is_redirected(world: World) -> None:
    """A redirect would turn the client's POST into a GET; `Api.from_credentials` takes one for a hint to use https."""
    assert (await world.client.get("/")).status_code == 200
    assert (await world.client.post(f"{BASE}users.me/")).status_code == 400
    assert all(isinstance(route, Route) for route in transport.ROUTES)


async def test_the_version_is_told_to_everybody(world: World) -> None:
    """Asked after the first error of all: with whatever token, and never a failure."""
    answer = await world.nobody.send("instance.version", {}, headers={"x-api-key": "nonsense"})
    assert (answer.status_code, answer.json()) == snapshot((200, {"version": "6.99.0"}))
