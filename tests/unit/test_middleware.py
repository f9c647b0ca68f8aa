from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Scope

from pinakes.server import bodies, metrics
from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.errors import TooLarge
from pinakes.server.middleware import RequestMiddleware, request_id_from
from pinakes.server.settings import Settings
from pinakes.server.signing import Signer, without_token
from pinakes.server.state import State, request_id_of

SETTINGS = Settings(max_json_bytes=100, max_body_bytes=1000, access_log=False)


def application() -> FastAPI:
    app = FastAPI()
    signer = Signer(b"key", upload_seconds=1, download_seconds=1)
    app.state.pinakes = State(SETTINGS, Database("postgresql://"), Blobs("file:///nowhere"), signer)
    app.add_middleware(RequestMiddleware, settings=SETTINGS, limits={"/files/": 2000})

    @app.post("/length/{name}")
    async def length(request: Request, name: str) -> int:
        return len(await request.body())

    @app.post("/files/{name}")
    async def files(request: Request, name: str) -> int:
        return len(await request.body())

    @app.post("/streamed")
    async def take(request: Request) -> int:
        bodies.streamed(request)
        return sum([len(chunk) async for chunk in request.stream()])

    @app.post("/worded")
    async def worded(request: Request) -> Response:
        try:
            await request.body()
        except TooLarge as error:
            return Response(str(error.details), 413)
        return Response()

    @app.get("/id")
    async def show_id(request: Request) -> str:
        return request_id_of(request)

    @app.get("/accident")
    async def accident() -> None:
        message = "the details"
        raise RuntimeError(message)

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError

        return StreamingResponse(parts())

    return app


@pytest_asyncio.fixture
async def client() -> AsyncGenerator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=application())
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_every_answer_carries_the_id_that_the_handler_saw(client: httpx2.AsyncClient):
    answer = await client.get("/id")
    assert answer.headers["x-request-id"] == answer.json()
    assert len(answer.json()) == 24
    assert (await client.get("/unknown")).headers["x-request-id"]


async def test_the_clients_own_id_is_kept(client: httpx2.AsyncClient):
    assert (await client.get("/id", headers={"x-request-id": "mine-1"})).json() == "mine-1"
    amazon = "Root=1-67891233-abcdef012345678912345678;Sampled=1"
    assert (await client.get("/id", headers={"x-amzn-trace-id": amazon})).json() == amazon


@pytest.mark.parametrize(("given", "kept"), [(b"a b\x7f<c>\"'", "abc"), (b"x" * 500, "x" * 128)])
def test_an_id_can_not_upset_the_log(given: bytes, kept: str):
    assert request_id_from({b"x-request-id": given}) == kept


def test_an_id_of_which_nothing_is_left_is_replaced():
    assert len(request_id_from({b"x-request-id": b"<>"})) == 24


async def in_parts(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 10):
        yield b"x" * 10


TYPES = ["application/json", "text/plain; charset=utf-8", "application/octet-stream", "application/x-ndjson", ""]


@pytest.mark.parametrize("kind", TYPES)
async def test_a_body_that_is_read_whole_has_the_small_limit_whatever_its_type(client: httpx2.AsyncClient, kind: str):
    headers = {"content-type": kind} if kind else {}
    assert (await client.post("/length/a", content=b"x" * 100, headers=headers)).json() == 100
    refused = await client.post("/length/a", content=b"x" * 101, headers=headers)
    assert refused.status_code == 413
    assert refused.json() == {
        "error": "The body is larger than 100 bytes, the most that is taken here.",
        "code": "too_large",
        "request_id": refused.headers["x-request-id"],
    }


@pytest.mark.parametrize("kind", TYPES)
async def test_what_a_handler_streams_has_the_large_limit(client: httpx2.AsyncClient, kind: str):
    headers = {"content-type": kind} if kind else {}
    assert (await client.post("/streamed", content=b"x" * 1000, headers=headers)).json() == 1000
    assert (await client.post("/streamed", content=in_parts(1000), headers=headers)).json() == 1000
    for content in (b"x" * 1001, in_parts(1010)):
        assert (await client.post("/streamed", content=content, headers=headers)).status_code == 413


async def test_of_a_body_that_is_too_large_no_more_is_taken_than_the_limit():
    sent, asked = 0, 0

    async def receive() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 40, "more_body": True}

    async def send(message: Message) -> None:
        nonlocal sent
        sent = message.get("status", sent)

    def scope(*headers: tuple[bytes, bytes]) -> Scope:
        common = {"type": "http", "method": "POST", "path": "/length/a", "query_string": b"", "http_version": "1.1"}
        return {**common, "headers": list(headers)}

    await application()(scope(), receive, send)
    assert (sent, asked) == (413, 3)
    sent = asked = 0
    await application()(scope((b"content-length", b"101")), receive, send)
    assert (sent, asked) == (413, 0)
    sent = asked = 0
    await application()({**scope((b"content-length", b"101")), "path": "/nowhere"}, receive, send)
    assert (sent, asked) == (404, 0)


async def test_a_413_that_a_wire_words_itself_goes_out_as_it_is(client: httpx2.AsyncClient):
    for content in (b"x" * 101, in_parts(110)):
        answer = await client.post("/worded", content=content)
        assert (answer.status_code, answer.text) == (413, "{'limit': 100}")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", ""])
async def test_a_path_may_have_a_limit_of_its_own(client: httpx2.AsyncClient, kind: str):
    headers = {"content-type": kind} if kind else {}
    assert (await client.post("/files/a", content=b"x" * 2000, headers=headers)).json() == 2000
    assert (await client.post("/files/a", content=in_parts(2010), headers=headers)).status_code == 413
    refused = await client.post("/files/a", content=b"x" * 2001, headers=headers)
    assert refused.json()["error"] == "The body is larger than 2000 bytes, the most that is taken here."


async def test_the_limit_holds_without_a_declared_length(client: httpx2.AsyncClient):
    headers = {"content-type": "application/json"}
    assert (await client.post("/length/a", content=in_parts(100), headers=headers)).json() == 100
    assert (await client.post("/length/a", content=in_parts(110), headers=headers)).status_code == 413


async def test_an_accident_is_told_without_its_details(client: httpx2.AsyncClient):
    answer = await client.get("/accident", headers={"x-request-id": "abc"})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "Something went wrong on the server; the log has more.",
        "code": "internal",
        "request_id": "abc",
    }


def test_a_log_has_no_addresses_that_work():
    assert without_token("/storage/u/abc.def/media/a b.png") == "/storage/u/…/media/a b.png"
    assert without_token("/storage/d/abc") == "/storage/d/…"
    assert without_token("/api/v1/users/abc") == "/api/v1/users/abc"


async def test_half_an_answer_ends_with_a_broken_connection(client: httpx2.AsyncClient):
    with pytest.raises(RuntimeError):
        await client.get("/half")


async def test_requests_are_counted_by_route_not_by_path(client: httpx2.AsyncClient):
    await client.post("/length/one", content=b"")
    await client.post("/length/two", content=b"")
    await client.get("/nowhere/at/all")
    counts = metrics.expose().decode()
    assert 'pinakes_requests_total{method="POST",route="/length/{name}",status="200",wire="server"}' in counts
    assert 'pinakes_requests_total{method="GET",route="(none)",status="404",wire="server"}' in counts
    assert "/length/one" not in counts
