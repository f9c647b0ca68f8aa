"""The load: kept-alive connections with one request in flight on each, as cheap as Python can make them.

A request is bytes, made beforehand or while the load runs; of an answer only its head is looked at. What the load
itself takes of the machine is measured as well.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import uvloop

from bench.stage import HOST

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PATIENCE = 60.0

Requests = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a load came to: how many answers in how many seconds, and how long each took, in order of length."""

    count: int
    seconds: float
    latencies: list[float]
    received: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    def quantile(self, part: float) -> float:
        """Seconds that this part of the answers did not exceed."""
        return self.latencies[min(int(len(self.latencies) * part), len(self.latencies) - 1)]


class LoadError(Exception):
    """A server that did not answer as it should."""


def get(path: str, token: str | None = None) -> bytes:
    """Write a request for a page."""
    return _head("GET", path, token) + b"\r\n"


def send(method: str, path: str, content: object, token: str | None = None) -> bytes:
    """Write a request with a body of JSON."""
    body = orjson.dumps(content)
    kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return _head(method, path, token) + kind.encode() + body


def _head(method: str, path: str, token: str | None) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: {HOST}\r\n"
    return (head + (f"authorization: Bearer {token}\r\n" if token else "")).encode()


class _Connection(asyncio.Protocol):
    """A connection that asks again as soon as it is answered, until the time is over."""

    def __init__(self, requests: Requests, until: float, sink: list[float], done: asyncio.Future[int]) -> None:
        self.requests = requests
        self.until = until
        self.sink = sink
        self.done = done
        self.head = b""
        self.missing: int | None = None
        self.received = 0
        self.began = 0.0

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - of the loop's own kind
        self.transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self.missing is None:
            data = self._read_head(data)
            if self.missing is None:
                return
        self.missing -= len(data)
        if self.missing <= 0:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(f"the connection was closed: {exc}")

    def _read_head(self, data: bytes) -> bytes:
        """Find how long the answer is; return what came of its body."""
        data = self.head + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self.head = data
            return b""
        self.head = b""
        length = _LENGTH.search(data, 0, end)
        if data[9:10] != b"2" or (length is None and data[9:12] != b"204"):
            self._fail(data[:2000].decode("latin-1"))
            return b""
        self.missing = int(length[1]) if length else 0
        return data[end + 4 :]

    def _answered(self) -> None:
        now = time.perf_counter()
        self.sink.append(now - self.began)
        self.missing = None
        if now < self.until:
            self._ask()
        elif not self.done.done():
            self.done.set_result(self.received)
            self.transport.close()

    def _ask(self) -> None:
        request = self.requests()
        self.began = time.perf_counter()
        self.transport.write(request)

    def _fail(self, message: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(message))
        self.transport.close()


async def _drive(port: int, requests: Requests, connections: int, seconds: float) -> Sample:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    began = time.perf_counter()
    until = began + seconds
    ends: list[asyncio.Future[int]] = []
    for _ in range(connections):
        done: asyncio.Future[int] = loop.create_future()
        ends.append(done)
        await loop.create_connection(lambda done=done: _Connection(requests, until, latencies, done), HOST, port)
    received = await asyncio.wait_for(asyncio.gather(*ends), seconds + PATIENCE)
    took = time.perf_counter() - began
    return Sample(len(latencies), took, sorted(latencies), sum(received))


def drive(port: int, requests: Requests, *, connections: int, seconds: float) -> Sample:
    """Put a load on a server."""
    return uvloop.run(_drive(port, requests, connections, seconds))


def call(port: int, request: bytes) -> tuple[int, bytes]:
    """Send one request, read the answer whole (streamed ones too), and return its status and body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    connection = http.client.HTTPConnection(HOST, port, timeout=1200)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def ask(port: int, request: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Send one request and return what its JSON says."""
    status, body = call(port, request)
    if status >= 300:
        message = f"{request[:200]!r}: {status} {body[:500]!r}"
        raise LoadError(message)
    return orjson.loads(body) if body else None


def median(values: list[float]) -> float:
    """The middle one."""
    return statistics.median(values)
