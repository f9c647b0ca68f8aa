"""A body that is too large is refused while it is read, by each wire in its form: 413, which no client tries again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
import pytest_asyncio
from inline_snapshot import snapshot

from factories.app import client_of
from factories.people import Person, make_user
from pinakes.server.db import Database
from pinakes.server.settings import Settings

MOST, MOST_STREAMED = 2000, 5000
JSON, LINES, BYTES = "application/json", "application/x-ndjson", "application/octet-stream"

NATIVE, HUB, WANDB, SUPERVISELY = "/api/v1/collections", "/api/collections", "/graphql", "/public/api/v3/users.info"


@pytest_asyncio.fixture
async def client(db: Database) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the whole application, which takes small bodies only."""
    settings = Settings(
        external_url="http://pinakes.test", access_log=False, max_json_bytes=MOST, max_body_bytes=MOST_STREAMED
    )
    async with client_of(db, settings) as client:
        yield client


@pytest_asyncio.fixture
async def alice(db: Database) -> Person:
    """Somebody."""
    return await make_user(db, "alice")


async def in_chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 100):
        yield b" " * 100


def signed_in(person: Person, **more: str) -> dict[str, str]:
    """What a request carries that comes from somebody, to whichever wire."""
    return {**person.headers, "x-api-key": person.token, **{name.replace("_", "-"): more[name] for name in more}}


def bodies(size: int) -> list[Any]:
    """A body of that size that announces it, and one that does not."""
    return [b" " * size, in_chunks(size)]


@pytest.mark.parametrize("kind", [JSON, LINES, BYTES])
@pytest.mark.parametrize("path", [NATIVE, HUB, WANDB, SUPERVISELY])
async def test_every_wire_refuses_with_or_without_a_length_and_whatever_the_type(
    client: httpx2.AsyncClient, alice: Person, path: str, kind: str
):
    headers = signed_in(alice, content_type=kind)
    for content in bodies(MOST + 100):
        answer = await client.post(path, content=content, headers=headers)
        assert answer.status_code == 413, answer.text
        assert f"larger than {MOST} bytes" in answer.text
    for content in bodies(MOST):
        assert (await client.post(path, content=content, headers=headers)).status_code in {400, 422}


async def test_each_in_the_form_that_its_client_reads(client: httpx2.AsyncClient, alice: Person):
    said, headers = {}, signed_in(alice, content_type=JSON, x_request_id="mine")
    for path in (NATIVE, HUB, WANDB, SUPERVISELY):
        answer = await client.post(path, content=b" " * (MOST + 1), headers=headers)
        said[path] = (answer.headers.get("x-error-message"), orjson.loads(answer.content))
    assert said == snapshot(
        {
            "/api/v1/collections": (
                None,
                {
                    "error": {
                        "code": "too_large",
                        "message": "The body is larger than 2000 bytes, the most that is taken here.",
                        "field": None,
                        "details": {"limit": 2000},
                        "request_id": "mine",
                    }
                },
            ),
            "/api/collections": (
                "The body is larger than 2000 bytes, the most that is taken here.",
                {"limit": 2000, "error": "The body is larger than 2000 bytes, the most that is taken here."},
            ),
            "/graphql": (
                None,
                {
                    "errors": [
                        {
                            "message": "The body is larger than 2000 bytes, the most that is taken here.",
                            "extensions": {"code": "too_large", "details": {"limit": 2000}},
                        }
                    ],
                    "data": None,
                },
            ),
            "/public/api/v3/users.info": (
                None,
                {
                    "error": "The body is larger than 2000 bytes, the most that is taken here.",
                    "details": [
                        {
                            "type": "too_large",
                            "message": "The body is larger than 2000 bytes, the most that is taken here.",
                            "facts": {"limit": 2000},
                        }
                    ],
                },
            ),
        }
    )


async def test_a_form_of_a_page_is_answered_with_a_page(client: httpx2.AsyncClient):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await client.post("/login", content=b"name=" + b"x" * MOST, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert f"larger than {MOST} bytes" in answer.text


async def test_what_is_streamed_has_a_limit_of_its_own(client: httpx2.AsyncClient, alice: Person):
    made = await client.post(NATIVE, json={"title": "many", "kind": "showcase"}, headers=alice.headers)
    entries = f"{NATIVE}/{made.json()['id']}/entries"
    headers = {**alice.headers, "content-type": LINES}
    for content in bodies(MOST_STREAMED):
        assert (await client.post(entries, content=content, headers=headers)).status_code == 200
    for content in bodies(MOST_STREAMED + 100):
        assert (await client.post(entries, content=content, headers=headers)).status_code == 413
    # The same route reads JSON whole.
    headers["content-type"] = JSON
    for content in bodies(MOST + 100):
        assert (await client.post(entries, content=content, headers=headers)).status_code == 413


async def test_the_lines_of_runs_are_streamed_too(client: httpx2.AsyncClient, alice: Person):
    stream = f"/files/{alice.name}/project/none/file_stream"
    for content in bodies(MOST_STREAMED):
        assert (await client.post(stream, content=content, headers=alice.headers)).status_code == 400
    for content in bodies(MOST_STREAMED + 100):
        answer = await client.post(stream, content=content, headers=alice.headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "too_large")


async def test_who_may_not_is_told_that_and_sends_nothing(client: httpx2.AsyncClient):
    answer = await client.post(SUPERVISELY, content=b" " * (MOST + 1))
    assert answer.status_code == 401
