"""The one middleware: a request's id, its line in the log, its count, the limit of its body, and its accident.

Plain ASGI, because it runs on every request: no objects that copy what the server hands over.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from time import perf_counter
from typing import Any

import orjson
import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pinakes.server import bodies
from pinakes.server.bodies import Limit
from pinakes.server.ending import Ending
from pinakes.server.errors import ShuttingDown, TooLarge
from pinakes.server.logs import REQUEST_ID, access
from pinakes.server.metrics import REQUESTS, SECONDS
from pinakes.server.settings import Settings
from pinakes.server.signing import without_token

log = structlog.get_logger("pinakes.requests")

# What probes ask every few seconds is no news.
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

CLIENT_LEFT = 499
_TOO_LARGE = 413

_UNFIT = re.compile(r"[^A-Za-z0-9._:;=,/+-]")
_LONGEST_ID = 128
_LONGEST_NUMBER = 18

Headers = Iterable[tuple[bytes, bytes]]


# Builds the body of an error from its code, its message and the request's id.
Form = Callable[[str, str, str], Mapping[str, object]]


def plain_form(code: str, message: str, request_id: str) -> Mapping[str, object]:
    """Build the body of an error where no wire has a form of its own."""
    return {"error": message, "code": code, "request_id": request_id}


def problem(status: int, content: Mapping[str, object]) -> tuple[Message, Message]:
    """Build a whole answer for what no wire answers: an accident, a body that is too large."""
    body = orjson.dumps(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


class RequestMiddleware:
    """Goes around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        forms: Mapping[str, Form] | None = None,
        limits: Mapping[str, int] | None = None,
        ending: Ending | None = None,
    ) -> None:
        """Wrap an application.

        Args:
            app: The application.
            settings: What limits bodies, and whether requests are logged.
            forms: The form of errors below a path (`/api/v1`), where it is not the plain one.
            limits: The most bytes that a body may have below a path, where it is another than that of ordinary ones.
            ending: Knows what is under way when the process is told to end.
        """
        self._app = app
        self._limits: Mapping[str, int] = limits or {}
        self._forms: Mapping[str, Form] = forms or {}
        self._settings = settings
        self._ending: Ending = ending or Ending()
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        headers = dict(scope["headers"])
        request_id = scope["request_id"] = request_id_from(headers)
        REQUEST_ID.set(request_id)
        limit = scope[bodies.SCOPE] = Limit(self._limit(scope["path"]))
        exchange = _Exchange(receive, send, request_id, limit, _length(headers), self._form(scope["path"]))
        task = self._ending.enter()
        try:
            await self._answer(scope, exchange)
        finally:
            self._ending.leave(task)
            self._record(scope, exchange.status or CLIENT_LEFT, perf_counter() - began)

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if exchange.status or not self._ending.over:
                raise
            await exchange.answer(503, ShuttingDown.code, ShuttingDown().message)
        except Exception:
            if exchange.too_large and not exchange.status:
                await exchange.refuse()
                return
            log.exception("request_failed", method=scope["method"], path=without_token(scope["path"]))
            if exchange.status:  # half an answer is out; only breaking the connection tells the client
                raise
            await exchange.answer(500, "internal", "Something went wrong on the server; the log has more.")

    def _form(self, path: str) -> Form:
        for prefix, form in self._forms.items():
            if path.startswith(prefix):
                return form
        return plain_form

    def _limit(self, path: str) -> int:
        for prefix, limit in self._limits.items():
            if path.startswith(prefix):
                return limit
        return self._settings.max_json_bytes

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        path: str = scope["path"]
        route: str = getattr(scope.get("route"), "path", "") or "(none)"
        method: str = scope["method"]
        key = (route, method, status)
        children = self._counted.get(key)
        if children is None:
            wire = wire_of(scope.get("endpoint"))
            children = (REQUESTS.labels(wire, route, method, str(status)), SECONDS.labels(wire, route))
            self._counted[key] = children
        children[0].inc()
        children[1].observe(seconds)
        if self._settings.access_log and path not in QUIET:
            access(method, without_token(path), status, seconds)


class _Exchange:
    """One request and its answer: what was received, whether the answer has begun."""

    __slots__ = (
        "_announced",
        "_form",
        "_limit",
        "_receive",
        "_received",
        "_refused",
        "_request_id",
        "_send",
        "status",
        "too_large",
    )

    def __init__(self, receive: Receive, send: Send, request_id: str, limit: Limit, announced: int, form: Form) -> None:
        self._announced: int = announced
        self._form: Form = form
        self._limit: Limit = limit
        self._receive: Receive = receive
        self._send: Send = send
        self._request_id: str = request_id
        self._received: int = 0
        self.status: int = 0
        self.too_large: bool = False
        self._refused: bool = False

    async def receive(self) -> Message:
        """Hand on what the client sends, as far as the limit; nothing of what announces itself as larger."""
        if self._announced > self._limit.most and not self.status:
            raise self._too_large()
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._limit.most and not self.status:
                raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        """Hand on the answer; whatever the application makes of a body that is too large, the answer is 413."""
        if message["type"] == "http.response.start":
            if self.too_large and not self.status and message["status"] != _TOO_LARGE:
                self._refused = True
                await self.refuse()
                return
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self._request_id.encode())]
        elif self._refused:
            return
        await self._send(message)

    async def answer(self, status: int, code: str, message: str) -> None:
        """Send a whole answer of our own."""
        for part in problem(status, self._form(code, message, self._request_id)):
            if part["type"] == "http.response.start":
                self.status = status
                part["headers"].append((b"x-request-id", self._request_id.encode()))
            await self._send(part)

    async def refuse(self) -> None:
        """Say that the body is too large, where the application didn't in a wire's own words."""
        await self.answer(_TOO_LARGE, TooLarge.code, self._message)

    @property
    def _message(self) -> str:
        return f"The body is larger than {self._limit.most} bytes, the most that is taken here."

    def _too_large(self) -> TooLarge:
        self.too_large = True
        return TooLarge(self._message, details={"limit": self._limit.most})


def request_id_from(headers: MutableMapping[bytes, bytes]) -> str:
    """Return the id that the client gave its request, without what could upset a log, or a new one."""
    given = headers.get(b"x-request-id") or headers.get(b"x-amzn-trace-id")
    fit = _UNFIT.sub("", given.decode("latin-1"))[:_LONGEST_ID] if given else ""
    return fit or os.urandom(12).hex()


def _length(headers: Mapping[bytes, bytes]) -> int:
    """Return how many bytes a body announces; 0 where it comes in chunks, or says nonsense."""
    raw = headers.get(b"content-length", b"")
    return int(raw) if raw.isdigit() and len(raw) <= _LONGEST_NUMBER else 0


def wire_of(endpoint: Any) -> str:  # noqa: ANN401 - whatever function answers
    """Name the wire that an endpoint belongs to."""
    _, found, rest = str(getattr(endpoint, "__module__", "")).partition(".wires.")
    return rest.partition(".")[0] if found else "server"
