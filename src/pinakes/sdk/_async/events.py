"""The event feed: everything that happened, in order; and what happens now, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
from pydantic import ValidationError

from pinakes.api.events import Event, Feed
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk.addressing import CollectionLike, collection_ref
from pinakes.sdk.calls import Param, call
from pinakes.sdk.errors import ConnectionFailed, Unavailable, UnexpectedAnswer

_STREAM = "text/event-stream"
# The cursor of what is to come.
_NOW = "now"


class AsyncEvents(AsyncNoun):
    """The record of what the reader may see. Keep an event's `cursor` to go on from there, today or next month."""

    async def page(
        self,
        *,
        after: str | None = None,
        collection: CollectionLike | None = None,
        verb: str | None = None,
        limit: int | None = None,
    ) -> Feed:
        """Read a page of the feed, oldest first; its `next` is where to go on, its `more` whether to do so at once."""
        return await self._session.get("/events", Feed, **_which(collection, verb), after=after, limit=limit)

    async def list(
        self, *, after: str | None = None, collection: CollectionLike | None = None, verb: str | None = None
    ) -> AsyncIterator[Event]:
        """Read what happened until now, oldest first.

        Args:
            after: From this cursor on; from the beginning without it.
            collection: Only what is about this collection.
            verb: Only this verb, such as `entry.added`.
        """
        more = True
        while more:
            feed = await self.page(after=after, collection=collection, verb=verb)
            for event in feed.rows:
                yield event
            after, more = feed.next, feed.more

    async def listen(
        self, *, after: str | None = None, collection: CollectionLike | None = None, verb: str | None = None
    ) -> AsyncIterator[Event]:
        """Read what happens, as it happens, without an end.

        A connection that breaks is opened again where it broke: nothing is missed, and nothing comes twice.

        Args:
            after: From this cursor on; from now on without it.
            collection: Only what is about this collection.
            verb: Only this verb.
        """
        attempt = 0
        while True:
            failure = ConnectionFailed(f"The stream of {self._session.url} ended.", code="connection_lost")
            try:
                async for sent in self._stream({**_which(collection, verb), "after": after or _NOW}):
                    # An id without data only says how far the record was read.
                    attempt, after = 0, sent.id or after
                    if sent.data:
                        yield _read(sent)
            except (ConnectionFailed, Unavailable) as error:
                failure = error
            attempt += 1
            await self._session.pause(min(attempt, self._session.retry.retries), failure)

    async def _stream(self, params: dict[str, Param]) -> AsyncIterator[httpx2.ServerSentEvent]:
        the_call = call("GET", "/events/stream", params=params, headers={"Accept": _STREAM})
        async with self._session.open(the_call) as response:
            if not response.headers.get("content-type", "").startswith(_STREAM):
                message = f"{self._session.url} gave no stream of events."
                raise UnexpectedAnswer(message, code="unexpected_answer", status=response.status_code)
            async for sent in httpx2.EventSource(response):
                yield sent


def _which(collection: CollectionLike | None, verb: str | None) -> dict[str, Param]:
    return {"collection": None if collection is None else collection_ref(collection), "verb": verb}


def _read(sent: httpx2.ServerSentEvent) -> Event:
    try:
        return Event.model_validate_json(sent.data)
    except ValidationError as error:
        message = "The stream of events holds something that is no event."
        raise UnexpectedAnswer(message, code="unexpected_answer") from error
