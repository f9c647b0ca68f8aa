"""Decoding without FastAPI: the same values where a request is in order, and hands off where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import orjson
import pytest
from fastapi import Body, Depends, Header, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, StrictInt

from pinakes.server.wires.native._decoding import decoder


class Wanted(BaseModel):
    """A body."""

    count: StrictInt
    title: str = "none"


async def who(request: Request, since: Annotated[int | None, Header(alias="X-Since")] = None) -> tuple[str, int | None]:
    return request.method, since


async def handler(
    request: Request,
    someone: Annotated[tuple[str, int | None], Depends(who)],
    thing: Annotated[str, Path(max_length=3)],
    body: Wanted,
    tag: Annotated[list[str] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, alias="most")] = 20,
    way: Literal["full", "lean"] = "full",
) -> Response:
    return Response()


async def optional_body(body: Wanted | None = None) -> Response:
    return Response()


async def embedded_body(body: Annotated[int, Body(embed=True)]) -> Response:
    return Response()


async def not_an_answer() -> dict[str, int]:
    return {}


def request(query: str = "", body: bytes = b'{"count": 1}', **headers: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "path_params": {"thing": "abc"},
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    return Request(scope, receive)


async def test_what_is_in_order() -> None:
    decode = decoder(APIRoute("/{thing}", handler, methods=["POST"]))
    assert decode is not None
    sent = request("tag=a&tag=b&most=3", orjson.dumps({"count": 2, "title": "x"}), x_since="7")
    assert await decode(sent) == {
        "request": sent,
        "someone": ("POST", 7),
        "thing": "abc",
        "body": Wanted(count=2, title="x"),
        "tag": ["a", "b"],
        "limit": 3,
        "way": "full",
    }
    found = await decode(request())
    assert found is not None
    assert (found["tag"], found["limit"], found["someone"]) == (None, 20, ("POST", None))


@pytest.mark.parametrize(
    "sent",
    [
        request("most=0"),
        request("most=x"),
        request("way=long"),
        request(x_since="soon"),
        request(body=b""),
        request(body=b"{"),
        request(body=b"\xff"),
        request(body=b'{"count": false}'),
        request(body=b'{"count": 1.0}'),
        request(body=b"[]"),
        request(content_type="text/plain"),
    ],
)
async def test_what_is_not_is_left_to_fastapi(sent: Request) -> None:
    decode = decoder(APIRoute("/{thing}", handler, methods=["POST"]))
    assert decode is not None
    assert await decode(sent) is None


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
async def test_a_body_that_need_not_be_sent(content_type: str) -> None:
    decode = decoder(APIRoute("/x", optional_body, methods=["POST"]))
    assert decode is not None
    assert await decode(request(body=b"", content_type=content_type)) == {"body": None}
    assert await decode(request(body=b'{"count": 3}')) == {"body": Wanted(count=3)}
    assert await decode(request(body=b'{"count": 3}', content_length="12")) == {"body": Wanted(count=3)}
    assert await decode(request(body=b"{", content_type=content_type)) is None


@pytest.mark.parametrize("endpoint", [embedded_body, not_an_answer])
def test_what_is_unusual_is_left_to_fastapi(endpoint: Callable[..., object]) -> None:
    assert decoder(APIRoute("/x", endpoint, methods=["POST"])) is None
