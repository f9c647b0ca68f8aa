"""The record over the native API: its forms, and the live stream from a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import pytest
import pytest_asyncio

from factories import models
from factories.people import make_user, unique
from pinakes.api import collections as api, events as events_api
from pinakes.api.common import Page
from pinakes.server.db import Database
from support.database import Cluster
from support.native import Api, expect, person, refused
from support.server import Server, serving, stop

# Long, since the feed waits for the oldest transaction of a PostgreSQL that the tests share with other runs.
WAIT = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ana(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "ana"))


async def test_history_and_feed(db: Database, ana: Api, client: httpx2.AsyncClient) -> None:
    """Who, when, through which API, why, before and after; newest first for people, oldest first for programs."""
    start = expect(await ana("GET", "/events", params={"after": "now"}), 200, events_api.Feed)
    assert (start.rows, start.more) == ([], False)
    (item,) = await models(db, person(ana).actor, 1)
    made = await ana.made(description="old")
    added = expect(
        await ana("POST", f"/collections/{made.id}/entries", json={"items": [{"item": item}], "reason": "because"}),
        200,
        api.Batch,
    )
    await ana("PATCH", f"/collections/{made.id}", json={"description": "new"})
    page = expect(await ana("GET", f"/collections/{made.id}/history", params={"limit": 2}), 200, Page[events_api.Event])
    assert [(row.verb, row.revision) for row in page.rows] == [
        ("collection.updated", added.revision + 1),
        ("entry.added", added.revision),
    ]
    assert (page.rows[0].before, page.rows[0].after) == ({"description": "old"}, {"description": "new"})
    first, second = page.rows
    assert (second.reason, second.actor, second.api, second.collection) == (
        "because",
        person(ana).name,
        "native",
        made.id,
    )
    assert second.after is not None
    assert [entry["item"]["id"] for entry in second.after["entries"]] == [item]
    rest = await ana("GET", f"/collections/{made.id}/history", params={"limit": 2, "cursor": page.next})
    assert [row["verb"] for row in rest.json()["rows"]] == ["collection.created"]
    feed = await _feed(ana, 3, after=start.next, collection=made.id)
    assert [row.cursor for row in feed[1:]] == [second.cursor, first.cursor]
    some = await _feed(ana, 1, after=start.next, limit="1", verb="collection.updated", collection=made.id)
    assert [row.cursor for row in some] == [first.cursor]
    nobody = Api(client, None)
    refused(await nobody("GET", "/events", params={"collection": "0" * 24}), 404, "collection_not_found")


async def test_what_a_changed_entry_was_and_is(db: Database, ana: Api) -> None:
    """Natively, a note and a place in one: items by name, a cleared note and the first place are null."""
    items = await models(db, person(ana).actor, 2)
    made = await ana.made(items=[{"item": item, "note": f"note {at}"} for at, item in enumerate(items)])
    rows = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"]
    await ana("PATCH", f"/collections/{made.id}/entries/{rows[1]['id']}", json={"note": "", "position": 0})
    (row,) = await _feed(ana, 1, after="0.0", verb="entry.updated", collection=made.id)
    first, second = [{name: one["item"][name] for name in ("id", "kind", "address")} for one in rows]
    assert row.before == {"count": 1, "entries": [{"item": second, "note": "note 1", "behind": first}]}
    assert row.after == {"count": 1, "entries": [{"item": second, "note": None, "behind": None}]}


@pytest.mark.parametrize(
    ("client_says", "recorded"),
    [
        ("pinakes-python/0.1", "sdk"),
        ("nightly-job/3 pinakes-python/0.1", "sdk"),
        ("pinakes-cli/0.1 pinakes-python/0.1", "cli"),
        ("curl/8.5", "native"),
        ("not-pinakes-cli/1 (pinakes-python)", "native"),
        ("", "native"),
    ],
)
async def test_the_record_tells_our_own_clients_from_others(ana: Api, client_says: str, recorded: str) -> None:
    """By which way a change came: what the client calls itself in `User-Agent`."""
    says = {"User-Agent": client_says}
    made = expect(await ana("POST", "/collections", json={"title": unique("By")}, headers=says), 201, api.Collection)
    history = expect(await ana("GET", f"/collections/{made.id}/history"), 200, Page[events_api.Event])
    assert [row.api for row in history.rows] == [recorded]
    revisions = expect(await ana("GET", f"/collections/{made.id}/revisions"), 200, Page[api.Revision])
    assert [row.api for row in revisions.rows] == [recorded]


async def _feed(of: Api, count: int, **params: str) -> list[events_api.Event]:
    """Read the feed until so many events are there."""
    async with asyncio.timeout(WAIT):
        while True:
            found = expect(await of("GET", "/events", params=params), 200, events_api.Feed).rows
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


class Stream:
    """The events of a stream as they come."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id = ""

    async def next(self) -> events_api.Event:
        """Return the next event."""
        async with asyncio.timeout(WAIT):
            async for line in self._lines:
                if line.startswith("id: "):
                    self.last_id = line[4:]
                if line.startswith("data: "):
                    event = events_api.Event.model_validate_json(line[6:])
                    assert event.cursor == self.last_id
                    return event
        message = "the stream ended"
        raise EOFError(message)


class Remote:
    """A real server and the people on it."""

    def __init__(self, client: httpx2.AsyncClient, admin: dict[str, str]) -> None:
        self.client = client
        self.admin = admin

    async def person(self, stem: str) -> dict[str, str]:
        """Make a user; return the headers of his requests."""
        name = unique(stem)
        await self._made("/users", {"name": name})
        token = await self._made(f"/users/{name}/tokens", {"scope": "write"})
        return {"Authorization": f"Bearer {token['token' if 'token' in token else 'value']}", "X-Name": name}

    async def collection(self, who: dict[str, str], **fields: object) -> str:
        """Make a collection; return its id."""
        return str((await self._made("/collections", {"title": unique("Title"), **fields}, who))["id"])

    async def _made(self, path: str, body: dict[str, object], who: dict[str, str] | None = None) -> dict[str, object]:
        answer = await self.client.post(f"/api/v1{path}", json=body, headers=who or self.admin)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    @asynccontextmanager
    async def stream(self, who: dict[str, str], **options: str) -> AsyncGenerator[Stream]:
        """Listen."""
        last = {"Last-Event-ID": options.pop("last_event_id")} if "last_event_id" in options else {}
        url = "/api/v1/events/stream"
        async with self.client.stream("GET", url, params=options, headers={**who, **last}, timeout=WAIT) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Stream(response)


@pytest_asyncio.fixture(loop_scope="session")
async def remote(server: Server) -> AsyncGenerator[Remote]:
    async with httpx2.AsyncClient(base_url=server.url) as client:
        yield Remote(client, server.headers)


async def test_the_stream_tells_what_happens(remote: Remote) -> None:
    """Events arrive as they happen, each reader's own; a connection that broke goes on where it was."""
    ana, bob = await remote.person("ana"), await remote.person("bob")
    async with remote.stream(ana) as mine, remote.stream(bob) as others:
        secret = await remote.collection(ana, visibility="private")
        public = await remote.collection(ana)
        assert [(await mine.next()).collection for _ in range(2)] == [secret, public]
        event = await others.next()
        assert (event.collection, event.verb, event.actor) == (public, "collection.created", ana["X-Name"])
        left_at = mine.last_id
    missed = await remote.collection(ana, visibility="private")
    async with remote.stream(ana, last_event_id=left_at) as mine:
        assert (await mine.next()).collection == missed
        later = await remote.collection(ana)
        assert (await mine.next()).collection == later
    async with remote.stream(ana, after=left_at, collection=later, verb="collection.updated") as mine:
        await remote.client.patch(f"/api/v1/collections/{public}", json={"theme": "blue"}, headers=ana)
        await remote.client.patch(f"/api/v1/collections/{later}", json={"theme": "pink"}, headers=ana)
        event = await mine.next()
        assert (event.collection, event.after) == (later, {"theme": "pink"})


async def test_who_lost_his_role_hears_no_more(remote: Remote) -> None:
    """Each listener gets what he may see at that time, not at the time when he began to listen."""
    ana, bob = await remote.person("ana"), await remote.person("bob")
    org = unique("org")
    base = "/api/v1/organizations"
    await remote.client.post(base, json={"name": org}, headers=remote.admin)
    for who, role in ((ana, "admin"), (bob, "member")):
        put = await remote.client.put(
            f"{base}/{org}/members/{who['X-Name']}", json={"role": role}, headers=remote.admin
        )
        assert put.status_code in {200, 201}, put.text
    async with remote.stream(bob) as stream:
        secret = await remote.collection(ana, owner=org, visibility="private")
        assert (await stream.next()).collection == secret
        gone = await remote.client.delete(f"{base}/{org}/members/{bob['X-Name']}", headers=remote.admin)
        assert gone.status_code == 204, gone.text
        await remote.client.patch(f"/api/v1/collections/{secret}", json={"theme": "blue"}, headers=ana)
        public = await remote.collection(ana)
        assert (await stream.next()).collection == public


async def test_many_listeners_and_all_that_happens(remote: Remote) -> None:
    """Several listeners who come at any time get every event once and in one order."""
    ana = await remote.person("ana")

    async def listen(count: int, **options: str) -> list[str]:
        async with remote.stream(ana, **options) as stream:
            ready.release()
            found: list[str] = []
            while len(found) < count:
                event = await stream.next()
                if event.actor == ana["X-Name"]:
                    found.append(event.collection or "")
            return found

    ready = asyncio.Semaphore(0)
    start = (await remote.client.get("/api/v1/events?after=now", headers=ana)).json()["next"]
    early = [asyncio.create_task(listen(12, after=start)) for _ in range(3)]
    for _ in early:
        await ready.acquire()
    made = [await remote.collection(ana) for _ in range(6)]
    late = [asyncio.create_task(listen(12, after=start)) for _ in range(3)]
    made += [await remote.collection(ana) for _ in range(6)]
    for found in await asyncio.gather(*early, *late):
        assert found == made


@pytest.mark.parametrize(
    ("options", "status"),
    [({"after": "x"}, 422), ({"collection": "0" * 24}, 404), ({"last_event_id": "x"}, 422), ({"verb": "X"}, 422)],
)
async def test_a_stream_that_is_refused(remote: Remote, options: dict[str, str], status: int) -> None:
    last = {"Last-Event-ID": options["last_event_id"]} if "last_event_id" in options else {}
    answer = await remote.client.get("/api/v1/events/stream", params=options, headers=last)
    assert (answer.status_code, "error" in answer.json()) == (status, True)


@pytest.mark.slow
async def test_listeners_do_not_hold_up_a_stop(cluster: Cluster) -> None:
    """When the server stops, streams end at once and in good order."""
    with cluster.database() as url, serving(database_url=url) as server:
        async with httpx2.AsyncClient(base_url=server.url) as client:
            remote = Remote(client, server.headers)
            async with remote.stream(remote.admin) as stream:
                made = await remote.collection(remote.admin)
                while (await stream.next()).collection != made:
                    pass
                began = time.monotonic()
                stopping = asyncio.create_task(asyncio.to_thread(stop, server.process))
                with pytest.raises(EOFError):
                    await stream.next()
                assert await stopping == 0
    assert time.monotonic() - began < 30
