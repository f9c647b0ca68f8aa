"""What a server does that is told to stop: what runs goes on to its end, or is undone in time and says so."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import psycopg
import pytest
from psycopg import sql

from support.database import Cluster
from support.folders import open_folder
from support.server import Server, serving, stop

pytestmark = pytest.mark.slow

API = "/api/v1"
LINES = 20_000
ITEMS = """
with made as (
    insert into items (kind, owner_id, name, name_key)
    select 'model', a.id, 'stop-' || n, 'stop-' || n
    from generate_series(1, %s) as n cross join accounts as a where a.name = 'admin'
    returning id
)
insert into repos (item_id) select id from made returning item_id
"""


@dataclass
class Scene:
    """A server on a database that the test can reach into, with items and an empty collection."""

    server: Server
    database: psycopg.Connection[Any]
    items: list[int]
    collection: str

    @property
    def body(self) -> bytes:
        """All items, as the lines of a bulk call."""
        return "\n".join(map(str, self.items)).encode()

    @contextmanager
    def held(self, table: str) -> Generator[None]:
        """Let nobody write to a table."""
        with self.database.transaction():
            self.database.execute(sql.SQL("lock table {} in share mode").format(sql.Identifier(table)))
            yield

    def waits(self) -> None:
        """Return when somebody waits for us."""
        until = time.monotonic() + 20
        while not self.database.execute("select from pg_locks where not granted").fetchall():
            assert time.monotonic() < until
            time.sleep(0.05)

    def tell(self) -> float:
        """Tell the server to stop; return the moment."""
        self.server.process.send_signal(signal.SIGTERM)
        return time.monotonic()

    def ended(self) -> None:
        """Check that the server ends in good order."""
        assert self.server.process.wait(timeout=40) == 0
        log = self.server.log.read_text()
        assert "Killing" not in log
        assert "Traceback" not in log

    def entries(self) -> tuple[int, int]:
        """The collection's revision, and how many entries it has."""
        [found] = self.database.execute(
            "select c.revision, (select count(*) from entries as e where e.collection_id = c.id)"
            " from collections as c where c.public_id = %s",
            [self.collection],
        ).fetchall()
        return found


@contextmanager
def scene(cluster: Cluster, grace: int) -> Generator[Scene]:
    settings = {"PINAKES_STOP_GRACE": str(grace), "PINAKES_TASK_CONCURRENCY": "0"}
    with (
        cluster.database() as url,
        serving(database_url=url, settings=settings) as server,
        psycopg.connect(url, autocommit=True) as database,
    ):
        items = [row[0] for row in database.execute(ITEMS, [LINES]).fetchall()]
        made = httpx2.post(f"{server.url}{API}/collections", json={"title": "Stop"}, headers=server.headers)
        yield Scene(server, database, items, made.raise_for_status().json()["id"])


@contextmanager
def bulk(given: Scene, body: bytes | Iterator[bytes]) -> Generator[Iterator[dict[str, Any]]]:
    """A bulk call, and the lines of its answer as they come."""
    headers = {**given.server.headers, "Content-Type": "application/x-ndjson"}
    url = f"{given.server.url}{API}/collections/{given.collection}/entries"
    with httpx2.stream("POST", url, content=body, headers=headers, timeout=40) as answer:
        assert answer.status_code == 200
        yield map(json.loads, answer.iter_lines())


def test_a_bulk_that_would_not_end_in_time_is_undone_and_says_so(cluster: Cluster):
    with scene(cluster, grace=4) as given:
        with given.held("entries"), bulk(given, given.body) as lines:
            assert "progress" in next(lines)
            given.waits()
            told = given.tell()
            *_, last = lines
            assert 1.5 < time.monotonic() - told < 4
        assert last["error"]["code"] == "shutting_down"
        assert last["error"]["request_id"]
        given.ended()
        assert given.entries() == (1, 0)


def test_a_bulk_that_ends_in_time_ends_well_and_nobody_new_comes_in(cluster: Cluster):
    with scene(cluster, grace=30) as given:
        with bulk_behind_a_lock(given) as (lines, release):
            given.tell()
            time.sleep(1)
            with pytest.raises(httpx2.TransportError):
                httpx2.get(f"{given.server.url}/healthz")
            release()
            *_, last = lines
        assert last["summary"]["added"] == LINES
        given.ended()
        assert given.entries() == (2, LINES)


@contextmanager
def bulk_behind_a_lock(given: Scene) -> Generator[tuple[Iterator[dict[str, Any]], Any]]:
    """A bulk call that waits until the second is called."""
    hold = given.held("entries")
    hold.__enter__()
    with bulk(given, given.body) as lines:
        next(lines)
        given.waits()
        yield lines, lambda: hold.__exit__(None, None, None)


def test_an_upload_in_progress_may_end(cluster: Cluster):
    with scene(cluster, grace=30) as given:
        told = threading.Event()

        def slowly() -> Iterator[bytes]:
            half = len(given.body) // 2
            yield given.body[:half]
            time.sleep(0.5)
            given.tell()
            told.set()
            time.sleep(1.5)
            yield given.body[half:]

        with bulk(given, slowly()) as lines:
            assert told.is_set()
            *_, last = lines
        assert last["summary"]["lines"] == LINES
        given.ended()
        assert given.entries() == (2, LINES)


def test_another_request_that_would_not_end_in_time_is_answered_too(cluster: Cluster):
    with scene(cluster, grace=8) as given:
        answers: list[httpx2.Response] = []

        def change() -> None:
            url = f"{given.server.url}{API}/collections/{given.collection}"
            answers.append(httpx2.patch(url, json={"title": "Late"}, headers=given.server.headers, timeout=30))

        with given.held("collections"):
            client = threading.Thread(target=change)
            client.start()
            given.waits()
            given.tell()
            client.join()
        assert answers[0].status_code == 503
        assert answers[0].json()["error"]["code"] == "shutting_down"
        given.ended()
        assert given.entries() == (1, 0)


def test_a_second_signal_stops_at_once(cluster: Cluster):
    with scene(cluster, grace=30) as given:
        with bulk_behind_a_lock(given) as (lines, release):
            given.tell()
            time.sleep(0.5)
            assert given.server.process.poll() is None
            told = given.tell()
            with pytest.raises(httpx2.TransportError):
                list(lines)
            release()
        given.ended()
        assert time.monotonic() - told < 5
        assert given.entries() == (1, 0)


def test_a_server_that_does_nothing_stops_at_once():
    """Even with a kept connection, a private PostgreSQL and background work: in a second, where nothing else runs."""
    with open_folder() as data:
        with serving(data=data) as first:
            assert stop(first.process) == 0
        with serving(data=data) as server, httpx2.Client(base_url=server.url) as client:
            assert client.get("/readyz").is_success
            time.sleep(1)
            began = time.monotonic()
            assert stop(server.process) == 0
            assert time.monotonic() - began < 4
