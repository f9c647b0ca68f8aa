"""A receiver of webhooks: a real HTTP server on loopback, which keeps what it is sent.

with receiving() as receiver:
    key = ...  # of a webhook with the url `receiver.url`; the server's setting `webhook_private_addresses` is on
    receiver.refuse(2)  # the next two requests are answered 500
    (first,) = receiver.wait(1)
    first.verify(key)
    assert first.event == "alias.set"
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATIENCE = 60.0
TOLERANCE = 300


@dataclass(frozen=True, slots=True)
class Received:
    """One request that arrived, and how it was answered."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    answered: int

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """What it says."""
        return json.loads(self.body)

    @property
    def event(self) -> str:
        """The verb that it tells."""
        return self.headers["x-pinakes-event"]

    @property
    def delivery(self) -> int:
        """The number of the delivery."""
        return int(self.headers["x-pinakes-delivery"])

    def verify(self, key: str) -> None:
        """Check the signature as a receiver would who has read the guide, and knows nothing else of ours."""
        parts = dict(part.split("=", 1) for part in self.headers["x-pinakes-signature"].split(","))
        assert abs(time.time() - int(parts["t"])) < TOLERANCE, "the signature is old"
        expected = hmac.new(key.encode(), parts["t"].encode() + b"." + self.body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(parts["v1"], expected), "the signature is not of this key"


@dataclass
class Receiver:
    """Where it is, and what it was sent so far, in the order of arrival.

    Attributes:
        refusals: The statuses of the next answers; then it is 200.
        delay: How long it waits before it answers.
        promised: How long it says that its answer is, when that is not so.
    """

    url: str
    port: int
    requests: list[Received] = field(default_factory=list[Received])
    changed: threading.Condition = field(default_factory=threading.Condition)
    refusals: list[int] = field(default_factory=list[int])
    answer: bytes = b"thanks"
    answer_headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    promised: int | None = None

    def refuse(self, times: int, status: int = 500) -> None:
        """Answer the next requests with that status."""
        with self.changed:
            self.refusals += [status] * times

    @property
    def taken(self) -> list[Received]:
        """What was answered with success."""
        with self.changed:
            return [request for request in self.requests if request.answered < 300]

    def events(self) -> list[str]:
        """The verbs of what was taken."""
        return [request.event for request in self.taken]

    def wait(self, count: int, timeout: float = PATIENCE) -> list[Received]:
        """Return the requests, once there are so many."""
        with self.changed:
            there = self.changed.wait_for(lambda: len(self.requests) >= count, timeout)
            assert there, f"{len(self.requests)} of {count} requests arrived: {[r.event for r in self.requests]}"
            return list(self.requests)

    def keep(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Keep a request; return the status to answer with."""
        with self.changed:
            status = self.refusals.pop(0) if self.refusals else 200
            self.requests.append(Received(path, headers, body, time.time(), status))
            self.changed.notify_all()
            return status


@contextmanager
def receiving(path: str = "/hook", *, certificate: Path | None = None) -> Generator[Receiver]:
    """A receiver that runs as long as this lasts; with a certificate (and its key, in one file) it speaks https."""
    receiver = Receiver("", 0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.keep(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            time.sleep(receiver.delay)
            try:
                self.send_response(status)
                for name, value in receiver.answer_headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(receiver.promised or len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)
            except ConnectionError:  # who sent it has given up
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name for it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.port = server.server_port
    receiver.url = f"http://127.0.0.1:{server.server_port}{path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
