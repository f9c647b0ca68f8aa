"""Sending what webhooks are told: one message after the other to each, many webhooks at once, none waiting for another.

A webhook is taken by a lease in the database, so several workers share the work, and one that dies is stood in for when
its lease ends: what it was sending is sent again. A message that is not taken is tried again, later each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from types import TracebackType
from typing import Self

import httpx2
import structlog

from pinakes.server.db import Database, Tx
from pinakes.server.errors import PinakesError
from pinakes.server.events.webhook_addresses import permitted, why_not
from pinakes.server.events.webhook_telling import keepers_of, still_kept
from pinakes.server.events.webhook_types import Due, Target
from pinakes.server.events.webhooks import SQL

log = structlog.get_logger(__name__)

EVENT = "X-Pinakes-Event"
DELIVERY = "X-Pinakes-Delivery"
SIGNATURE = "X-Pinakes-Signature"
USER_AGENT = f"pinakes-webhooks/{version('pinakes')}"

# How long after each try that failed the next one comes; after the last of them there is none. The third steps aside.
BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 5 * 60, 30 * 60, 2 * 60 * 60, 6 * 60 * 60))
# How long a receiver may take for all of it: to be found, reached, sent to, and to answer.
TIMEOUT = 10.0
# What is kept of an answer, and how long its content is waited for.
ANSWER_BYTES = 1024
ANSWER_TIMEOUT = 2.0
# Longer than a message can take, so that nobody else sends the same meanwhile.
LEASE = timedelta(seconds=20)
AT_ONCE = 200
# After so many messages in a row a webhook lets others have its place.
IN_A_ROW = 100
# How often it is looked, while messages go out in a row, whether they still may.
CHECKED_EVERY = 5.0
_LAST_GRACE = 1.0
_ADDRESSES_TRIED = 3
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How sending a message went: the status and the beginning of the answer, or why there was none."""

    status: int | None = None
    answer: str | None = None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        """Tell whether the receiver took it."""
        return self.status is not None and httpx2.codes.is_success(self.status)


class Sender:
    """Sends what is due, as long as it is open."""

    def __init__(self, db: Database, *, private: bool) -> None:
        """Send to the internet only or, with `private`, into the server's own network too."""
        self._db: Database = db
        self._post: Post = Post(private=private)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._freed: asyncio.Event = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Open it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give what is being sent a moment, then cut it; whoever goes on sends it again."""
        running = dict(self._tasks)
        if running:
            _, late = await asyncio.wait(running.values(), timeout=_LAST_GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            with suppress(PinakesError):
                async with self._db.reading() as tx:
                    await tx.run(SQL.let_go, ids=[id_ for id_, task in running.items() if task in late])
        await self._post.close()

    async def start_due(self) -> None:
        """Begin to send to webhooks for which something is due."""
        free = AT_ONCE - len(self._tasks)
        if free <= 0:
            return
        async with self._db.reading() as tx:
            ids = await tx.all(SQL.claim, int, lease=LEASE, limit=free)
        for id_ in ids:
            if id_ in self._tasks:  # it took longer than its lease, and is not done yet
                continue
            task = asyncio.create_task(self._serve(id_))
            self._tasks[id_] = task
            task.add_done_callback(lambda done, id_=id_: self._done(id_, done))

    async def pause(self, seconds: float) -> None:
        """Wait; where there is no room for another webhook, only until there is."""
        self._freed.clear()
        if len(self._tasks) < AT_ONCE:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), seconds)

    async def finish(self) -> None:
        """Wait until all that was begun is done."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def _done(self, id_: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(id_, None)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # A mistake of ours. Its lease ends by itself, and then it is tried again.
            log.error("webhook_not_served", webhook=id_, exc_info=error)

    async def _serve(self, id_: int) -> None:
        """Send to a webhook what is due, in order."""
        line = _Line(id_)
        try:
            async with self._db.transaction() as tx:
                next_one = await line.next(tx)
            while next_one is not None:
                target, due = next_one
                outcome = await self._post(target.url, headers(target.key, due), due.body.encode())
                async with self._db.transaction() as tx:
                    next_one = await line.next(tx, (due, outcome))
        except PinakesError as error:  # the database is away; the lease ends by itself
            log.warning("webhook_not_served", webhook=id_, error=error.message)


class _Line:
    """What waits to be sent to one webhook, as long as one worker sends it."""

    def __init__(self, id_: int) -> None:
        """Begin with nothing sent."""
        self._id: int = id_
        self._sent: int = 0
        self._allowed_until: float = 0.0

    async def next(self, tx: Tx, done: tuple[Due, Outcome] | None = None) -> tuple[Target, Due] | None:
        """Write down how the last message went, and find the next; if there is none for now, let the webhook be."""
        target = await tx.one(SQL.target, Target, id=self._id)
        if target is None:
            return None
        if done is not None:
            await _note(tx, *done)
        if target.active and self._sent < IN_A_ROW and await self._allowed(tx):
            due = await tx.one(SQL.due_delivery, Due, webhook_id=self._id)
            if due is not None:
                self._sent += 1
                await tx.run(SQL.keep_busy, id=self._id, lease=LEASE)
                return target, due
        await tx.run(SQL.rest, id=self._id)
        return None

    async def _allowed(self, tx: Tx) -> bool:
        """Tell whether the webhook's keeper may still manage it, as of a few seconds ago."""
        if time.monotonic() > self._allowed_until:
            kept = [await still_kept(tx, keeper) for keeper in await keepers_of(tx, [self._id])]
            if kept != [True]:
                return False
            self._allowed_until = time.monotonic() + CHECKED_EVERY
        return True


async def _note(tx: Tx, due: Due, outcome: Outcome) -> None:
    await tx.run(
        SQL.note_attempt,
        id=due.id,
        delivered=outcome.delivered,
        wait=BACKOFF[due.attempts] if due.attempts < len(BACKOFF) else None,
        sent_at=datetime.now(UTC),
        status=outcome.status,
        answer=outcome.answer,
        error=outcome.error,
    )


def headers(key: bytes, due: Due, *, at: int | None = None) -> dict[str, str]:
    """Return what a message carries beside its body: what it is, and a signature of this very attempt."""
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        EVENT: due.verb,
        DELIVERY: str(due.id),
        SIGNATURE: signature(key, due.body.encode(), int(time.time()) if at is None else at),
    }


def signature(key: bytes, body: bytes, at: int) -> str:
    """Sign a body at a moment: whoever has the key can tell that it is ours, and how old it is."""
    digest = hmac.new(key, b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class NotPermittedError(Exception):
    """A name stands for addresses only to which nothing is sent."""


class Post:
    """Sends requests to addresses that were checked, and to no others."""

    def __init__(self, *, private: bool) -> None:
        """Allow the internet only or, with `private`, any address."""
        self._private: bool = private
        # A connection is for one message: a kept one would be found again by its address, whatever host was meant.
        self._transport: httpx2.AsyncHTTPTransport = httpx2.AsyncHTTPTransport(
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        )
        # Looking a name up can take long and can't be cut; these threads are for nothing else.
        self._lookups: ThreadPoolExecutor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook-dns")

    async def close(self) -> None:
        """Close the connections."""
        self._lookups.shutdown(wait=False, cancel_futures=True)
        await self._transport.aclose()

    async def __call__(self, url: str, with_headers: dict[str, str], body: bytes) -> Outcome:
        """Send a body to a URL, and say how it went; whatever goes wrong is an outcome, too."""
        try:
            async with asyncio.timeout(TIMEOUT):
                response = await self._sent("POST", httpx2.URL(url), with_headers, body)
        except TimeoutError:
            return Outcome(error=f"No answer within {TIMEOUT:g} seconds.")
        except NotPermittedError as error:
            return Outcome(error=str(error))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Outcome(error=_text(f"{type(error).__name__}: {error}".removesuffix(": ")))
        moved = "Redirects are not followed." if response.has_redirect_location else None
        return Outcome(response.status_code, await _beginning(response), moved)

    async def get(self, url: str, with_headers: dict[str, str]) -> httpx2.Response:
        """Ask a URL, and return the answer with its body yet to be read; redirects are the caller's, as is the time.

        Raises:
            NotPermittedError: it leads to addresses only to which nothing is sent.
            httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError: it can't be reached, or is none.
        """
        return await self._sent("GET", httpx2.URL(url), with_headers, b"")

    async def _sent(self, method: str, url: httpx2.URL, with_headers: dict[str, str], body: bytes) -> httpx2.Response:
        found = await self._look_up(url.raw_host.decode(), url.port or _PORTS[url.scheme])
        addresses = permitted(found, private=self._private)
        if not addresses:
            raise NotPermittedError(why_not(found))
        failure: Exception | None = None
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return await self._sent_to(method, address, url, with_headers, body)
            except httpx2.ConnectError as error:
                failure = error
        assert failure is not None
        raise failure

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        infos = await loop.run_in_executor(
            self._lookups, lambda: socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(info[4][0]) for info in infos))

    async def _sent_to(
        self, method: str, address: str, url: httpx2.URL, with_headers: dict[str, str], body: bytes
    ) -> httpx2.Response:
        """Send to one address. Who is there must prove, for https, to be the host that is meant."""
        request = httpx2.Request(
            method,
            url.copy_with(host=address),
            headers={"Host": url.netloc.decode(), **with_headers},
            content=body,
            extensions={"timeout": httpx2.Timeout(TIMEOUT).as_dict(), "sni_hostname": url.raw_host.decode()},
        )
        return await self._transport.handle_async_request(request)


async def _beginning(response: httpx2.Response) -> str:
    """Read as much of an answer as is kept, if it comes soon: its status has said already how it went."""
    read = b""
    try:
        with suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(ANSWER_TIMEOUT):
                async for chunk in response.aiter_raw():
                    read += chunk
                    if len(read) >= ANSWER_BYTES:
                        break
    finally:
        await response.aclose()
    return _text(read[:ANSWER_BYTES].decode(errors="replace"))


def _text(found: str) -> str:
    """Leave out what PostgreSQL can't keep."""
    return found.replace("\0", "").encode(errors="replace").decode()[:ANSWER_BYTES]
