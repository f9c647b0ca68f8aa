"""What a resolver finds in its context: who asks, the connection, and where this server is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import strawberry
from starlette.requests import Request
from typing_extensions import override

from pinakes.server.actor import Actor
from pinakes.server.db import Connection, Database, Query, Tx
from pinakes.server.errors import TooLarge
from pinakes.server.state import State

T = TypeVar("T")

# Several times what the client's largest question comes to: createArtifactFiles answers for 10,000 files.
MOST = 100_000


class Budget:
    """What one request may cost: the objects in its answer, its queries, and the rows that these return."""

    def __init__(self, most: int = MOST) -> None:
        """Begin with nothing spent."""
        self._most = most
        self._left = most

    def spend(self, count: int) -> None:
        """Spend some of it.

        Raises:
            TooLarge: there is not so much left of it.
        """
        self._left -= count
        if self._left < 0:
            message = f"The answer would have more than {self._most} objects and rows in all; ask for less at once."
            raise TooLarge(message)


class TakingTurns(Tx):
    """A connection that resolvers use side by side: each query has its answer before the next one is sent."""

    def __init__(self, connection: Connection, budget: Budget | None = None) -> None:
        """Wrap a connection; what is asked of it comes out of a budget, if there is one."""
        super().__init__(connection)
        self._turn = asyncio.Lock()
        self._budget = budget

    def _spend(self, count: int) -> None:
        if self._budget is not None:
            self._budget.spend(count)

    @override
    async def one(self, query: Query, row: Callable[..., T], /, **params: object) -> T | None:
        async with self._turn:
            self._spend(1)
            return await super().one(query, row, **params)

    @override
    async def all(self, query: Query, row: Callable[..., T], /, **params: object) -> list[T]:
        async with self._turn:
            self._spend(1)
            found = await super().all(query, row, **params)
            self._spend(len(found))
            return found

    @override
    async def value(self, query: Query, /, **params: object) -> Any:
        async with self._turn:
            self._spend(1)
            return await super().value(query, **params)

    @override
    async def rows(self, query: Query, /, **params: object) -> list[tuple[Any, ...]]:
        async with self._turn:
            self._spend(1)
            found = await super().rows(query, **params)
            self._spend(len(found))
            return found

    @override
    async def run(self, query: Query, /, **params: object) -> int:
        async with self._turn:
            self._spend(1)
            return await super().run(query, **params)


class Borrowing(Tx):
    """A connection for each statement: for work that would hold one meanwhile for nothing (it moves files)."""

    def __init__(self, db: Database) -> None:  # pyright: ignore[reportMissingSuperCall] - it has no connection
        """Borrow from a pool."""
        self._db = db
        self._begin = None

    @override
    async def one(self, query: Query, row: Callable[..., T], /, **params: object) -> T | None:
        async with self._db.reading() as tx:
            return await tx.one(query, row, **params)

    @override
    async def all(self, query: Query, row: Callable[..., T], /, **params: object) -> list[T]:
        async with self._db.reading() as tx:
            return await tx.all(query, row, **params)

    @override
    async def value(self, query: Query, /, **params: object) -> Any:
        async with self._db.reading() as tx:
            return await tx.value(query, **params)

    @override
    async def rows(self, query: Query, /, **params: object) -> list[tuple[Any, ...]]:
        async with self._db.reading() as tx:
            return await tx.rows(query, **params)

    @override
    async def run(self, query: Query, /, **params: object) -> int:
        async with self._db.reading() as tx:
            return await tx.run(query, **params)


@dataclass(frozen=True, slots=True)
class Context:
    """One request.

    Attributes:
        tx: The connection; for a mutation the transaction, which a failure undoes (but for those that move files and
            make transactions of their own, `transport.UNBOUND`).
        actor: Who asks.
        state: What this process holds open: settings, blobs.
        request: The request itself.
        endpoint: The address that the client uses for this server, without a slash at its end.
        memory: What this request looks up, or has looked up already (see `once`).
        budget: What is left of what it may cost.
    """

    tx: Tx
    actor: Actor
    state: State
    request: Request
    endpoint: str
    memory: dict[object, asyncio.Task[Any]] = field(default_factory=dict[object, asyncio.Task[Any]])
    budget: Budget = field(default_factory=Budget)

    async def settle(self) -> None:
        """Wait for whatever is still being looked up: it needs the connection, which is about to be given back."""
        if self.memory:
            await asyncio.gather(*self.memory.values(), return_exceptions=True)


def endpoint_of(request: Request, state: State) -> str:
    """Return the address that the client uses for this server, as it is configured or as the request says."""
    external = state.settings.external_url
    return external.rstrip("/") if external else f"{request.url.scheme}://{request.url.netloc}"


Info: TypeAlias = strawberry.Info[Context, None]
