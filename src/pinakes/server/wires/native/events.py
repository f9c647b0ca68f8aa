"""The record over the native API: a collection's history, the feed for programs, and the feed as it happens.

| route | answer |
| --- | --- |
| GET /collections/{c}/history `?limit&cursor` | Page[Event], newest first |
| GET /events `?after&limit&collection&verb` | Feed, oldest first; `next` is always there, to go on from |
| GET /events/stream `?after&collection&verb` | server-sent events: `id:` is the cursor, `data:` an Event |

A program that keeps up with what happens asks `GET /events?after=<next>` again and again, or listens to the stream,
which goes on after `Last-Event-ID` when the connection breaks. Either gives each reader what he may see at that time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import FastAPI, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from pinakes.api import events as api
from pinakes.api.common import Page
from pinakes.server.actor import Actor, anonymous
from pinakes.server.collections import service as collections
from pinakes.server.errors import PinakesError
from pinakes.server.events import service as events
from pinakes.server.events.reading import Names, Reader, Showing
from pinakes.server.events.types import Event, Feed, Row
from pinakes.server.state import State, state_of
from pinakes.server.wires.native import encode
from pinakes.server.wires.native._changes import CollectionRef
from pinakes.server.wires.native._shared import After, Limit
from pinakes.server.wires.native.auth import By, actor_of
from pinakes.server.wires.native.errors import router as make_router

log = structlog.get_logger(__name__)

router = make_router("events")

POLL_EVERY = 0.3
HEARTBEAT_EVERY = 15.0
_POLL_SPAN = 500
# A listener who does not read for so many batches is cut off; he comes back with his Last-Event-ID.
_PATIENCE = 200

_CURSOR = r"^(?:now|[0-9]{1,20}\.[0-9]{1,19})$"
AfterEvent = Annotated[
    str | None,
    Query(pattern=_CURSOR, description="Go on from here: `next`, or an event's `cursor`; `now` for what is to come."),
]
OfCollection = Annotated[
    str | None,
    Query(
        pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-f]{24}$",
        max_length=400,
        description="Only what is about this collection: its id, or `words-ID`.",
    ),
]
OfVerb = Annotated[
    str | None, Query(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$", description="Only this verb, such as `entry.added`.")
]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", pattern=_CURSOR)]


@router.get("/collections/{collection}/history", response_model=Page[api.Event])
async def get_history(
    request: Request, actor: By, collection: CollectionRef, limit: Limit = 50, cursor: After = None
) -> Response:
    """List what was done to a collection, newest first: who, when, through which API, why, before and after."""
    async with state_of(request).db.reading() as tx:
        found = await collections.get(tx, actor, collection, trashed=True)
        page = await events.history(tx, actor, found.id, limit=limit, cursor=cursor)
    return encode.answer({"rows": page.rows, "next": page.next})


@router.get("/events", response_model=api.Feed)
async def list_events(
    request: Request,
    actor: By,
    after: AfterEvent = None,
    limit: Limit = 100,
    collection: OfCollection = None,
    verb: OfVerb = None,
) -> Response:
    """Read on in the record, oldest first. Keep `next` and ask again with it; nothing will have appeared before it."""
    async with state_of(request).db.reading() as tx:
        found = await events.feed(tx, actor, after=after, limit=limit, collection=collection, verb=verb)
    return encode.answer(found)


@router.get(
    "/events/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events.",
            "content": {
                "text/event-stream": {"schema": {"type": "string", "description": "`data:` lines hold an Event."}}
            },
        }
    },
)
async def stream_events(
    request: Request,
    actor: By,
    after: AfterEvent = None,
    collection: OfCollection = None,
    verb: OfVerb = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Listen to what happens, as server-sent events; from now on, or from a cursor, or from where you left off."""
    listener = _Listener(request, state_of(request), actor, collection, verb)
    await listener.begin(last_event_id or after or events.NOW)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(listener.lines(), headers=headers, media_type="text/event-stream")


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the poller found at once: the events, and what the ids in them stand for."""

    rows: Sequence[Row]
    names: Names


class Broadcast:
    """The one poller of this process: reads on in the record while anybody listens, and hands it to all who do."""

    def __init__(self, state: State) -> None:
        """Wait for the first listener."""
        self._state: State = state
        self._listeners: set[asyncio.Queue[_Batch | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Event = asyncio.Event()

    @asynccontextmanager
    async def listen(self) -> AsyncGenerator[asyncio.Queue[_Batch | None]]:
        """Give a queue of all that happens from before it is given; None on it means: the end."""
        queue = asyncio.Queue[_Batch | None](_PATIENCE)
        self._listeners.add(queue)
        try:
            if self._task is None or self._task.done():
                self._ready.clear()
                self._task = asyncio.create_task(self._poll())
            await self._ready.wait()
            yield queue
        finally:
            self._listeners.discard(queue)

    async def _poll(self) -> None:
        position: str | None = None
        while self._listeners and not self._state.ending.begun.is_set():
            found = 0
            try:
                async with self._state.db.reading() as tx:
                    if position is None:
                        position = await events.head(tx)
                    rows = await events.scan(tx, position, _POLL_SPAN)
                    names = await events.names(tx, rows)
            except PinakesError as error:
                log.warning("events_not_read", error=error.message)
            else:
                self._ready.set()
                found = len(rows)
                if rows:
                    position = rows[-1].cursor
                    self._hand_out(_Batch(rows, names))
            if found < _POLL_SPAN:
                await self._pause()
        self._end()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._state.ending.begun.wait(), POLL_EVERY)
        except TimeoutError:
            return

    def _hand_out(self, batch: _Batch) -> None:
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(batch)

    def _end(self) -> None:
        self._ready.set()
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)


def broadcast_of(app: FastAPI) -> Broadcast:
    """Return the process's one broadcast."""
    state = app.state.pinakes
    assert isinstance(state, State)
    found: Broadcast | None = getattr(app.state, "broadcast", None)
    if found is None:
        found = app.state.broadcast = Broadcast(state)
    return found


class _Listener:
    """One connection: what was there already, then what happens, as far as its reader sees it."""

    def __init__(self, request: Request, state: State, actor: Actor, collection: str | None, verb: str | None) -> None:
        self._request: Request = request
        self._state: State = state
        self._actor: Actor = actor
        self._collection: str | None = collection
        self._verb: str | None = verb
        self._position: str = ""
        self._first: Feed | None = None

    async def begin(self, after: str) -> None:
        """Check what was asked for, while it can still be refused."""
        if after == events.NOW:  # fixed before anything else, so that nothing from here on is missed
            async with self._state.db.reading() as tx:
                after = await events.head(tx)
        self._position = after
        self._first = await self._read()

    async def lines(self) -> AsyncGenerator[bytes]:
        """Yield the stream."""
        yield f"retry: 1000\nid: {self._position}\n\n".encode()
        async with broadcast_of(self._request.app).listen() as queue:
            async for event in self._past():
                yield _sse(event)
            while True:
                try:
                    batch = await asyncio.wait_for(queue.get(), HEARTBEAT_EVERY)
                except TimeoutError:
                    if not await self._still_valid():
                        return
                    # An id without data moves the reader's Last-Event-ID and is no event to him.
                    yield f": still here\nid: {self._position}\n\n".encode()
                    continue
                if batch is None:
                    return
                for event in await self._seen(batch):
                    yield _sse(event)

    async def _past(self) -> AsyncGenerator[Event]:
        """Yield what is there already. The broadcast has begun before the last look, so nothing falls in between."""
        page = self._first or await self._read()
        while True:
            for event in page.rows:
                yield event
            self._position = page.next
            if self._first is None and not page.more:
                return
            self._first = None
            page = await self._read()

    async def _read(self) -> Feed:
        async with self._state.db.reading() as tx:
            return await events.feed(
                tx,
                self._actor,
                after=self._position,
                limit=_POLL_SPAN,
                collection=self._collection,
                verb=self._verb,
            )

    async def _seen(self, batch: _Batch) -> list[Event]:
        """Return what of a batch this reader is to get. What not everybody may see takes a fresh look at who he is."""
        here = events.parse_cursor(self._position)
        fresh = [row for row in batch.rows if (int(row.txid), row.id) > (int(here[0]), here[1]) and self._asked(row)]
        self._position = batch.rows[-1].cursor
        mine = _shown(fresh, batch.names, Reader.of(self._actor))
        everybodys = _shown(fresh, batch.names, Reader.of(anonymous(self._actor.api)))
        if mine == everybodys:
            return mine
        return _shown(fresh, batch.names, Reader.of(self._actor)) if await self._still_valid() else everybodys

    def _asked(self, row: Row) -> bool:
        wanted = self._collection is None or row.collection == self._collection[-24:]
        return wanted and (self._verb is None or row.verb == self._verb)

    async def _still_valid(self) -> bool:
        """Look again who the reader is: his roles may have changed, his token may be gone."""
        try:
            self._actor = await actor_of(self._request)
        except PinakesError:
            return False
        return True


def _shown(rows: Sequence[Row], names: Names, reader: Reader) -> list[Event]:
    showing = Showing(names, reader)
    return [event for row in rows if reader.sees(row) and (event := showing.event(row)) is not None]


def _sse(event: Event) -> bytes:
    return b"id: " + event.cursor.encode() + b"\ndata: " + encode.dumps(event) + b"\n\n"
