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
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import orjson
import uvloop

from bench.stage import HOST

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PATIENCE = 60.0

Requests = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Talks:
    """Work that takes several requests, of which one follows from the answer to another, and counts as one.

    `begin` is called for each piece of work with the number of the connection; what it returns gives the requests, and
    is sent the body of the answer to each.
    """

    begin: Callable[[int], Generator[bytes, bytes]]


Work = Requests | Talks


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
    """Write a request for a page. A token is a bearer's, unless it says with a word before it what it is."""
    return _head("GET", path, token) + b"\r\n"


def send(method: str, path: str, content: object, token: str | None = None) -> bytes:
    """Write a request with a body of JSON."""
    body = orjson.dumps(content)
    kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return _head(method, path, token) + kind.encode() + body


def _head(method: str, path: str, token: str | None) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: {HOST}\r\n"
    if token:
        head += f"authorization: {token if ' ' in token else f'Bearer {token}'}\r\n"
    return head.encode()


class _Connection(asyncio.Protocol):
    """A connection that asks again as soon as it is answered, until the time is over."""

    def __init__(self, work: Work, number: int, until: float, sink: list[float], done: asyncio.Future[int]) -> None:
        self.work = work
        self.number = number
        self.talk: Generator[bytes, bytes] | None = None
        self.body: list[bytes] = []
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
        if self.talk:
            self.body.append(data)
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
        self.missing = None
        if self.talk and self._said_more(self.talk):
            return
        now = time.perf_counter()
        self.sink.append(now - self.began)
        if now < self.until:
            self._ask()
        elif not self.done.done():
            self.done.set_result(self.received)
            self.transport.close()

    def _said_more(self, talk: Generator[bytes, bytes]) -> bool:
        """Go on with a piece of work; tell whether it goes on."""
        body = b"".join(self.body)
        self.body.clear()
        try:
            self.transport.write(talk.send(body))
        except StopIteration:
            return False
        except LoadError as error:
            self._fail(str(error))
        return True

    def _ask(self) -> None:
        if isinstance(self.work, Talks):
            self.talk = self.work.begin(self.number)
            request = next(self.talk)
        else:
            request = self.work()
        self.began = time.perf_counter()
        self.transport.write(request)

    def _fail(self, message: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(message))
        self.transport.close()


async def _drive(port: int, work: Work, connections: int, seconds: float) -> Sample:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    began = time.perf_counter()
    until = began + seconds
    ends: list[asyncio.Future[int]] = []
    for number in range(connections):
        done: asyncio.Future[int] = loop.create_future()
        ends.append(done)
        connection = _Connection(work, number, until, latencies, done)
        await loop.create_connection(lambda connection=connection: connection, HOST, port)
    received = await asyncio.wait_for(asyncio.gather(*ends), seconds + PATIENCE)
    took = time.perf_counter() - began
    return Sample(len(latencies), took, sorted(latencies), sum(received))


def drive(port: int, work: Work, *, connections: int, seconds: float) -> Sample:
    """Put a load on a server."""
    return uvloop.run(_drive(port, work, connections, seconds))


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


def once(port: int, work: Work) -> tuple[int, bytes]:
    """Do one piece of work, as the first connection; return the status and body of the last answer."""
    if not isinstance(work, Talks):
        return call(port, work())
    talk = work.begin(0)
    request = next(talk)
    while True:
        status, body = call(port, request)
        if status >= 300:
            return status, body
        try:
            request = talk.send(body)
        except StopIteration:
            return status, body


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
