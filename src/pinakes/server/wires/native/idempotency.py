"""`Idempotency-Key`: a request that may have arrived already is carried out once, and answered the same again.

    @router.post("/things")
    async def create_thing(actor: By, once: Once, body: CreateThing) -> Response:
        async def work(tx: Tx) -> Response:
            return answer(encode(await things.create(tx, actor, title=body.title)), status=201)

        return await once.write(actor, work)

`work` runs in one transaction, in which the key and the answer are kept. The same key with the same request (method,
path, query, If-Match, reason, body) gets the kept answer, marked `Idempotent-Replay: true`; with another request, 409.
A request that failed is not kept: it did nothing, and may be tried again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request, Response

from pinakes.api.common import IDEMPOTENCY_KEY, IDEMPOTENT_REPLAY, REASON
from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.events import idempotency
from pinakes.server.events.types import Kept
from pinakes.server.state import state_of

# What an answer is given again, besides its status and body.
_KEPT_HEADERS = ("content-type", "etag", "location")

Key = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY,
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="Any word of yours: the same request with the same word, within a day, is carried out once.",
    ),
]


class OnceOnly:
    """One request that changes something."""

    def __init__(self, request: Request, key: str | None) -> None:
        """Take the request and its key."""
        self.request: Request = request
        self.key: str | None = key

    async def write(self, actor: Actor, work: Callable[[Tx], Awaitable[Response]]) -> Response:
        """Run `work` in a transaction and return its answer, or the one that it gave when it ran before."""
        database = state_of(self.request).db
        if self.key is None or actor.user_id is None:
            async with database.changing() as tx:
                return await work(tx)
        digest = self.digest(await self.request.body())
        async with database.transaction() as tx:
            kept = await idempotency.begin(tx, actor, self.key, digest)
            if kept is not None:
                return again(kept)
            response = await work(tx)
            if response.status_code < 400:  # noqa: PLR2004 - a refusal changed nothing
                await idempotency.keep(tx, actor, self.key, pack(digest, response))
        return response

    def digest(self, body: bytes) -> bytes:
        """Return what tells this request from others with the same key; for a long body, give its own digest."""
        headers = self.request.headers
        parts = (
            self.request.method,
            self.request.url.path,
            self.request.url.query,
            headers.get("if-match", ""),
            headers.get(REASON, ""),
            headers.get("content-type", ""),
        )
        return sha256(orjson.dumps([part.encode().hex() for part in parts]) + body).digest()


async def _once(request: Request, key: Key = None) -> OnceOnly:
    # A coroutine, since FastAPI runs other functions in a thread, which takes longer than all that is done here.
    return OnceOnly(request, key)


# What a handler declares to be carried out once: `async def handler(actor: By, once: Once, ...)`.
Once = Annotated[OnceOnly, Depends(_once)]


def pack(digest: bytes, response: Response) -> Kept:
    """Put an answer into the form in which it is kept: a line of headers, then the body."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Kept(digest, response.status_code, orjson.dumps(headers) + b"\n" + bytes(response.body))


def again(kept: Kept) -> Response:
    """Make the answer that was kept, and say that it is a repetition."""
    headers, _, body = kept.answer.partition(b"\n")
    return Response(body, kept.status, {**orjson.loads(headers), IDEMPOTENT_REPLAY: "true"})
