"""Webhooks over the native API: its forms, what it refuses, and that repeating a request is safe."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from inline_snapshot import snapshot

from factories.app import client_of
from factories.people import make_user, sign_in, unique
from pinakes.api import webhooks as api
from pinakes.api.common import Page
from pinakes.server.actor import Scope
from pinakes.server.db import Database
from pinakes.server.events.webhook_sending import Sender
from pinakes.server.settings import Settings
from support.database import Cluster
from support.native import Api, expect, person, refused
from support.receiver import Receiver, receiving

SETTINGS = Settings(external_url="http://pinakes.test", access_log=False, webhook_private_addresses=True)
URL = "https://hooks.example.org/pinakes"


@pytest.fixture(scope="module")
def dsn(cluster: Cluster) -> Generator[str]:
    """A database of its own: a sender here sends to every webhook there is."""
    with cluster.database() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(dsn: str) -> AsyncGenerator[Database]:
    database = Database(dsn, size=5)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(db: Database) -> AsyncGenerator[httpx2.AsyncClient]:
    async with client_of(db, SETTINGS) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def ana(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "ana"))


@pytest_asyncio.fixture(loop_scope="session")
async def bob(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "bob"))


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver


async def made(of: Api, **fields: object) -> api.KeyedWebhook:
    """Make a webhook, of one's own account unless said otherwise."""
    if "collection" not in fields:
        fields.setdefault("account", person(of).name)
    answer = await of("POST", "/webhooks", json={"url": URL, **fields})
    return expect(answer, 201, api.KeyedWebhook)


async def send_due(db: Database) -> None:
    async with Sender(db, private=True) as sender:
        await sender.start_due()
        await sender.finish()


def frozen(body: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from run to run."""
    return {
        key: "…" if value and (key.endswith("_at") or key in {"id", "key"}) else value for key, value in body.items()
    }


async def test_the_life_of_one(ana: Api) -> None:
    """Made, read, listed, changed, paused, resumed, given another key, deleted."""
    name = person(ana).name
    answer = await ana("POST", "/webhooks", json={"url": URL, "account": name})
    hook = expect(answer, 201, api.KeyedWebhook)
    body = frozen(answer.json())
    assert {body.pop("account"), body.pop("created_by")} == {name}
    assert body == snapshot(
        {
            "id": "…",
            "url": "https://hooks.example.org/pinakes",
            "collection": None,
            "verbs": [
                "entry.added",
                "entry.removed",
                "entry.moved",
                "alias.set",
                "alias.removed",
                "revision.named",
                "collection.created",
                "collection.deleted",
                "collection.restored",
                "promotion.*",
            ],
            "active": True,
            "problem": None,
            "created_at": "…",
            "updated_at": "…",
            "key": "…",
        }
    )
    it = f"/webhooks/{hook.id}"
    answer = await ana("GET", it)
    assert "key" not in answer.json()
    assert expect(answer, 200, api.Webhook).url == URL
    changes = {"url": "http://127.0.0.1:9/x", "verbs": ["entry.*", "alias.set"]}
    changed = expect(await ana("PATCH", it, json=changes), 200, api.Webhook)
    assert (changed.url, changed.verbs, changed.active) == ("http://127.0.0.1:9/x", ["alias.set", "entry.*"], True)
    for active in (False, False, True, True):
        assert expect(await ana("PATCH", it, json={"active": active}), 200, api.Webhook).active is active
    assert expect(await ana("PATCH", it, json={}), 200, api.Webhook).verbs == ["alias.set", "entry.*"]
    renewed = expect(await ana("POST", f"{it}/key"), 200, api.KeyedWebhook)
    assert renewed.key != hook.key
    assert (await ana("DELETE", it)).status_code == 204
    refused(await ana("DELETE", it), 404, "webhook_not_found")
    refused(await ana("GET", it), 404, "webhook_not_found")


async def test_they_are_listed_for_who_manages_them(ana: Api, bob: Api, client: httpx2.AsyncClient) -> None:
    it = await ana.made()
    own, of_it = await made(ana), await made(ana, collection=f"words-{it.id}")
    ids = [own.id, of_it.id]

    async def listed(of: Api, **params: str) -> list[int]:
        return [row.id for row in expect(await of("GET", "/webhooks", params=params), 200, Page[api.Webhook]).rows]

    assert await listed(ana) == ids
    assert await listed(ana, account=person(ana).name.upper()) == ids
    assert await listed(ana, collection=it.id) == [of_it.id]
    assert await listed(bob) == await listed(bob, account=person(ana).name) == await listed(bob, collection=it.id) == []
    page = expect(await ana("GET", "/webhooks", params={"limit": 1}), 200, Page[api.Webhook])
    assert await listed(ana, limit="1", cursor=page.next or "") == [of_it.id]
    refused(await Api(client, None)("GET", "/webhooks"), 401, "unauthenticated")
    refused(await ana("GET", "/webhooks", params={"cursor": "x"}), 422, "invalid", "cursor")


async def test_what_was_sent_and_sending_it_again(db: Database, ana: Api, receiver: Receiver) -> None:
    """A trial, its delivery with what it says, and a replay with the same body."""
    hook = await made(ana, url=receiver.url)
    it = f"/webhooks/{hook.id}"
    answer = await ana("POST", f"{it}/test")
    trial = expect(answer, 202, api.Delivery)
    assert frozen(answer.json()) == snapshot(
        {
            "id": "…",
            "event": None,
            "verb": "webhook.test",
            "state": "waiting",
            "attempts": 0,
            "status": None,
            "answer": None,
            "error": None,
            "replay_of": None,
            "created_at": "…",
            "sent_at": None,
            "next_at": "…",
            "ended_at": None,
        }
    )
    await send_due(db)
    (request,) = receiver.requests
    request.verify(hook.key)
    found = expect(await ana("GET", f"{it}/deliveries/{trial.id}"), 200, api.DeliveryWithBody)
    assert (found.state, found.status, found.answer, found.attempts) == ("delivered", 200, "thanks", 1)
    assert found.body.model_dump(mode="json") == request.json | {"at": found.body.model_dump(mode="json")["at"]}
    receiver.refuse(1)
    again = expect(await ana("POST", f"{it}/deliveries/{trial.id}/replay"), 202, api.Delivery)
    assert again.replay_of == trial.id
    await send_due(db)
    assert receiver.requests[1].body == request.body
    rows = expect(await ana("GET", f"{it}/deliveries"), 200, Page[api.Delivery]).rows
    assert [(row.id, row.state, row.status) for row in rows] == [
        (again.id, "waiting", 500),
        (trial.id, "delivered", 200),
    ]
    waiting = await ana("GET", f"{it}/deliveries", params={"state": "waiting"})
    assert [row.id for row in expect(waiting, 200, Page[api.Delivery]).rows] == [again.id]
    page = expect(await ana("GET", f"{it}/deliveries", params={"limit": 1}), 200, Page[api.Delivery])
    rest = await ana("GET", f"{it}/deliveries", params={"limit": 1, "cursor": page.next or ""})
    assert [row.id for row in expect(rest, 200, Page[api.Delivery]).rows] == [trial.id]
    assert (await ana("PATCH", it, json={"active": False})).status_code == 200
    assert refused(await ana("POST", f"{it}/test"), 409, "conflict") == {"problem": None}
    refused(await ana("POST", f"{it}/deliveries/{trial.id}/replay"), 409, "conflict")
    refused(await ana("POST", f"{it}/deliveries/{2**63 - 1}/replay"), 409, "conflict")
    refused(await ana("GET", f"{it}/deliveries/{2**63 - 1}"), 404, "not_found")


async def test_a_repeated_request_is_carried_out_once(ana: Api) -> None:
    """With an idempotency key: also what shows a key shows the same one."""
    once = {"Idempotency-Key": unique("k")}
    body = {"url": URL, "account": person(ana).name}
    first, second = [await ana("POST", "/webhooks", json=body, headers=once) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replay"] == "true"
    it = f"/webhooks/{first.json()['id']}"
    for path, status in ((f"{it}/key", 200), (f"{it}/test", 202)):
        once = {"Idempotency-Key": unique("k")}
        first, second = [await ana("POST", path, headers=once) for _ in range(2)]
        assert (first.status_code, first.json()) == (status, second.json())
    assert len((await ana("GET", f"{it}/deliveries")).json()["rows"]) == 1
    assert len((await ana("GET", "/webhooks")).json()["rows"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 422, "invalid", "url"),
        ({"url": None}, 422, "invalid", "url"),
        ({"url": 7}, 422, "invalid", "url"),
        ({"url": ""}, 422, "invalid", "url"),
        ({"url": "example.org"}, 422, "invalid", "url"),
        ({"url": "ftp://example.org"}, 422, "invalid", "url"),
        ({"url": "http://a:b@example.org"}, 422, "invalid", "url"),
        ({"url": "http://example.org/\0"}, 422, "invalid", "url"),
        ({"url": "http://example.org/\ud800"}, 422, "invalid", "url"),
        ({"url": "http://" + "a" * 2000}, 422, "invalid", "url"),
        ({"url": URL, "account": None}, 422, "invalid", "account"),
        ({"url": URL, "collection": "0" * 24}, 422, "invalid", "account"),
        ({"url": URL, "account": "a b"}, 422, "invalid", "account"),
        ({"url": URL, "account": "nobody-at-all"}, 404, "account_not_found", None),
        ({"url": URL, "account": None, "collection": "0" * 24}, 404, "collection_not_found", None),
        ({"url": URL, "account": None, "collection": "x"}, 422, "invalid", "collection"),
        ({"url": URL, "verbs": []}, 422, "invalid", "verbs"),
        ({"url": URL, "verbs": ["entry"]}, 422, "invalid", "verbs"),
        ({"url": URL, "verbs": ["member.added"]}, 422, "invalid", "verbs"),
        ({"url": URL, "verbs": [7]}, 422, "invalid", "verbs.0"),
        ({"url": URL, "verbs": ["entry.added"] * 51}, 422, "invalid", "verbs"),
        ({"url": URL, "verbs": "entry.added"}, 422, "invalid", "verbs"),
        ({"url": URL, "active": True}, 422, "invalid", "active"),
    ],
)
async def test_one_that_cannot_be(ana: Api, body: dict[str, Any], status: int, code: str, field: str | None) -> None:
    body = {"account": person(ana).name, **body}
    content, sent = json.dumps(body), {"Content-Type": "application/json"}
    refused(await ana("POST", "/webhooks", content=content, headers=sent), status, code, field)
    assert (await ana("GET", "/webhooks")).json()["rows"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"active": 0}, "active"),
        ({"url": "nonsense"}, "url"),
        ({"verbs": ["*.x.y"]}, "verbs"),
        ({"account": "a"}, "account"),
        ({"key": "mine"}, "key"),
    ],
)
async def test_a_change_that_cannot_be(ana: Api, body: dict[str, Any], field: str) -> None:
    hook = await made(ana)
    refused(await ana("PATCH", f"/webhooks/{hook.id}", json=body), 422, "invalid", field)


async def test_private_addresses_are_refused_unless_the_server_allows_them(db: Database) -> None:
    ana = await make_user(db, "ana")
    async with client_of(db) as client:
        of = Api(client, ana)
        hook = await made(of)
        for url in ("http://127.0.0.1/", "http://localhost/", "http://169.254.169.254/", "http://[::1]/"):
            refused(await of("POST", "/webhooks", json={"url": url, "account": ana.name}), 422, "invalid", "url")
            refused(await of("PATCH", f"/webhooks/{hook.id}", json={"url": url}), 422, "invalid", "url")


async def test_nobody_else_comes_near_one(db: Database, ana: Api, bob: Api, client: httpx2.AsyncClient) -> None:
    """To who has nothing to do with its owner it does not exist; the owner's narrow token is told that it is narrow."""
    hook = await made(ana)
    it = f"/webhooks/{hook.id}"
    requests = [
        ("GET", it, None),
        ("PATCH", it, {"active": False}),
        ("DELETE", it, None),
        ("POST", f"{it}/key", None),
        ("POST", f"{it}/test", None),
        ("GET", f"{it}/deliveries", None),
        ("GET", f"{it}/deliveries/1", None),
        ("POST", f"{it}/deliveries/1/replay", None),
    ]
    narrow = Api(client, await sign_in(db, person(ana).account, scope=Scope.WRITE))
    for method, path, body in requests:
        for stranger in (bob, Api(client, None)):
            refused(await stranger(method, path, json=body), 404, "webhook_not_found")
        refused(await narrow(method, path, json=body), 403, "scope_too_narrow")
    refused(await bob("POST", "/webhooks", json={"url": URL, "account": person(ana).name}), 403, "forbidden")
    nobody = Api(client, None)
    refused(await nobody("POST", "/webhooks", json={"url": URL, "account": person(ana).name}), 401, "unauthenticated")
    assert expect(await ana("GET", it), 200, api.Webhook).active


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "x", "%00", "9" * 30])
async def test_a_number_that_is_none(ana: Api, number: str) -> None:
    hook = await made(ana)
    assert (await ana("GET", f"/webhooks/{number}")).status_code in {404, 422}
    if number != "2147483648":
        assert (await ana("GET", f"/webhooks/{hook.id}/deliveries/{number}")).status_code in {404, 422}
