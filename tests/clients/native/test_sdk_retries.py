"""What the SDK tries again is done once: behind a proxy that loses answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx2
import pytest

import pinakes


class Served(Protocol):
    url: str
    token: str

    def models(self, count: int) -> list[int]: ...


class LosingProxy:
    """Hands on every request, and loses the answers to as many changes as it is told to."""

    def __init__(self, target: str) -> None:
        self.lose = 0
        self.keep_bytes = 0
        self.changes: list[tuple[str, str]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                answer = httpx2.request(self.command, target + self.path, content=body, headers=headers, timeout=60)
                if self.command != "GET":
                    proxy.changes.append((self.command, self.headers.get("idempotency-key", "")))
                    if proxy.lose:
                        proxy.lose -= 1
                        self.close_connection = True
                        if proxy.keep_bytes:
                            self._begin(answer)
                            self.wfile.write(answer.content[: proxy.keep_bytes])
                        return
                self._begin(answer)
                self.wfile.write(answer.content)

            def _begin(self, answer: httpx2.Response) -> None:
                self.send_response(answer.status_code)
                for name in ("content-type", "etag", "idempotent-replay", "x-request-id"):
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                if answer.status_code != 204:
                    self.send_header("content-length", str(len(answer.content)))
                self.end_headers()

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def proxy(served: Served) -> Generator[LosingProxy]:
    losing = LosingProxy(served.url)
    yield losing
    losing.close()


@pytest.fixture
def client(served: Served, proxy: LosingProxy) -> Generator[pinakes.Client]:
    with pinakes.connect(proxy.url, served.token) as client:
        client.users.me()
        yield client


def test_a_collection_is_created_once(client: pinakes.Client, proxy: LosingProxy):
    title = f"Once {uuid4().hex}"
    proxy.lose = 2
    made = client.collections.create(title)
    assert len(proxy.changes) == 3
    assert len(set(proxy.changes)) == 1
    assert (made.title, made.revision) == (title, 1)


def test_every_change_is_made_once(client: pinakes.Client, proxy: LosingProxy, served: Served):
    items = served.models(6)
    made = client.collections.create(f"Once {uuid4().hex}")
    first, second = (client.collections.add_one(made, item) for item in items[:2])
    calls = client.collections
    changes: list[Callable[[], object]] = [
        lambda: calls.add(made, items[2:]).checked(),
        lambda: calls.update(made, description="Once", expected=calls.get(made).revision),
        lambda: calls.update_entry(made, first, note="Once"),
        lambda: calls.update_entries(made, [{"entry": second, "note": "Once"}]),
        lambda: calls.move(made, first),
        lambda: calls.remove(made, second),
        lambda: calls.undo(made),
        lambda: calls.name(made, "v1"),
        lambda: calls.unname(made, "v1"),
        lambda: calls.delete(made),
        lambda: calls.restore(made),
    ]
    revision = calls.get(made).revision
    for number, change in enumerate(changes):
        proxy.lose = 1
        change()
        assert proxy.lose == 0
        now = calls.get(made).revision if number != len(changes) - 2 else revision + 1
        assert now <= revision + 1, number
        revision = now
    assert sorted(entry.item.id for entry in calls.entries(made)) == sorted(items)
    assert len({key for _, key in proxy.changes}) * 2 <= len(proxy.changes) + 4


@pytest.mark.parametrize("keep_bytes", [0, 40])
def test_a_bulk_call_adds_nothing_twice(
    client: pinakes.Client, proxy: LosingProxy, served: Served, keep_bytes: int, tmp_path: Path
):
    """Issue 2: streamed as JSON lines, with an idempotency key."""
    items = served.models(10_500)
    made = client.collections.create(f"Once {uuid4().hex}")
    proxy.lose, proxy.keep_bytes = 1, keep_bytes
    result = client.collections.add(made, iter([*items, items[0]]))
    assert proxy.lose == 0
    assert result.replayed
    assert (result.counts, [line.line for line in result.problems]) == ({"added": 10_500, "duplicate": 1}, [10_501])
    assert client.collections.get(made).revision == 2
    assert client.collections.get(made).entry_count == 10_500
    assert len(client.collections.history(made).all()) == 2


def test_a_user_is_not_made_twice_because_nobody_tries(client: pinakes.Client, proxy: LosingProxy):
    """Keys of people are not kept: what may have happened is an error, for the caller to look."""
    name = f"once-{uuid4().hex[:12]}"
    proxy.lose = 1
    with pytest.raises(pinakes.ConnectionFailed):
        client.users.create(name)
    assert client.users.get(name).name == name
    proxy.lose = 1
    client.users.delete(name)
    with pytest.raises(pinakes.NotFound):
        client.users.get(name)


def test_with_no_patience_there_is_one_attempt(proxy: LosingProxy, served: Served):
    with pinakes.connect(proxy.url, served.token, retry=pinakes.RetryPolicy(retries=0)) as hasty:
        proxy.lose = 1
        with pytest.raises(pinakes.ConnectionFailed):
            hasty.collections.create(f"Once {uuid4().hex}")
    assert len(proxy.changes) == 1
