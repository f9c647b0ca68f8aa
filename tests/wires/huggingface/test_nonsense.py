"""Whatever nonsense a caller sends to any route of this wire, it is never the server's error."""

from __future__ import annotations

import re
from typing import cast

import pytest
from fastapi.routing import APIRoute

from pinakes.server.wires.huggingface import ROUTERS
from wires.huggingface.conftest import Person, unique

ROUTES = [
    (method, cast("APIRoute", route).path)
    for router in ROUTERS
    for route in router.routes
    for method in sorted(cast("APIRoute", route).methods or ())
]
SEGMENTS = ("%00", "%FF", "%ED%A0%80", "%F0%9F%A4%97", "..", "%2F", "a%2Fb", "x" * 3000, "0" * 24, "-", "%25", "1e309")
BODIES = (
    b"",
    b"null",
    b"[]",
    b"[[]]",
    b"{}",
    b"nonsense",
    b"\xff\xfe",
    b"[" * 5000,
    b'{"title":"' + b"t" * 5000 + b'"}',
    b'{"title":"\\u0000","description":"\\u0000"}',
    b'{"title":"x","namespace":"\\u0000"}',
    b'{"title":"x","item":{"type":"model","id":"\\u0000"}}',
    b'{"title":"x","item":{"type":"paper","id":"' + b"9" * 400 + b'"}}',
    b'{"item":{"type":"collection","id":"a/b/c/d"},"note":"\\u0000"}',
    b'{"item":{"type":"model","id":""}}',
    b'{"name":"\\u0000","organization":"\\u0000"}',
    b'{"name":"","organization":""}',
    b'{"fromRepo":"\\u0000","toRepo":"\\u0000"}',
    b'{"fromRepo":"","toRepo":"/"}',
    b'{"position":1e400}',
    b'{"position":99999999999999999999}',
    b'{"position":NaN}',
    b'{"resourceGroupId":"\\u0000"}',
    b'[{"_id":"\\u0000","action":"update","data":{"position":0}}]',
    b'[{"_id":"' + b"f" * 24 + b'","action":"update","data":{"note":"x"}}]',
    b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=%00",
    b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=%ED%A0%80",
    b"client_id=" + b"c" * 9000,
    b"client_id=%0A%0D%ED%A0%80",
    b"user_code=%F0%9F%A4%97&name=%ED%A0%80&password=x&decision=approve",
)
QUERIES = (
    "limit=%00",
    "limit=%EF%BC%91",
    "cursor=" + "A" * 3000,
    "cursor=W10",
    "cursor=bnVsbA",
    "owner=%ED%A0%80&item=models/%ED%A0%80&q=%ED%A0%80",
    "owner=&item=&q=&sort=trending",
    "item=papers/%F0%9F%A4%97&item=collections/a/b/c&item=models/" + "y" * 3000,
    "author=%ED%A0%80&search=%ED%A0%80&filter=%ED%A0%80",
    "search=&filter=&author=&pipeline_tag=&expand=&expand[]=",
    "p=99999999999&date=x",
    "expand=%00",
    "user_code=%ED%A0%80",
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_route_fails(alice: Person, method: str, path: str) -> None:
    """Every route, with every odd segment in each of its places, every odd body, every odd query."""
    slug = await alice.collection(unique("Target"))
    model = (await alice.repo()).split("/")[1]
    real = {
        "owner": alice.name,
        "slug": slug.split("/")[1],
        "entry": "f" * 24,
        "kind:hub_repos": "models",
        "name": alice.name if "users" in path or "organizations" in path else model,
        "revision:path": "main",
        "paper:path": "1706.03762",
    }
    places = re.findall(r"\{(.+?)\}", path)
    target = _fill(path, real)
    tried = [_fill(path, {**real, place: odd}) for place in places for odd in SEGMENTS]
    tried += [f"{target}?{query}" for query in QUERIES]
    for url in tried:
        answer = await alice.call(method, url)
        assert answer.status_code < 500, (method, url, answer.text)
    if method in {"POST", "PUT", "PATCH", "DELETE"}:
        for body in BODIES:
            answer = await alice.call(method, target, content=body)
            assert answer.status_code < 500, (method, target, body[:200], answer.text)
            assert answer.headers.get("content-type", "").split(";")[0] in {"", "application/json", "text/html"}


def _fill(path: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(.+?)\}", lambda found: values[found[1]], path)
