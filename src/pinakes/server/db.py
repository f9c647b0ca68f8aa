"""The database: a pool, transactions, and named queries. The only importer of psycopg.

SQL lives in one `queries.sql` per room. A query there is headed by a line `-- name: find_account -> Account` (the row
type is the name of a dataclass in the room's `types.py`, and may be left out) and a sentence that says what it is for:

    -- name: find_account -> Account
    -- The account of that name, whoever it belongs to.
    select id, kind, name from accounts where name_key = lower(%(name)s);

A room loads them once, `SQL = load(__package__)`, and runs them by attribute: `await tx.one(SQL.find_account, Account,
name=name)`. A test prepares every query against the migrated database and holds the row types against its columns.

Where a query depends on what a caller filters by, its text has places for that, `/* part: wanted */ true`, each with a
word that stands there when nothing is asked for. `Query.with_parts(wanted=part)` fills them with SQL that is put
together from constants of the code; what a caller sent is in the part's parameters only.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from typing import Any, LiteralString, TypeVar, cast

import orjson
import psycopg
from psycopg import AsyncConnection, AsyncCopy, AsyncCursor, errors as pg
from psycopg.abc import DumperKey
from psycopg.adapt import Dumper, Loader, PyFormat
from psycopg.rows import args_row, tuple_row
from psycopg.types.array import ListDumper
from psycopg.types.json import Jsonb, set_json_dumps
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from typing_extensions import override

from pinakes.server.errors import Conflict, PinakesError, TookTooLong, Unavailable

T = TypeVar("T")

# Requests are many and short: one process each, no compiling. A plan that was made once serves every call, so a query
# is written such that one plan is right for any parameters.
_OPTIONS = "-c max_parallel_workers_per_gather=0 -c jit=off -c plan_cache_mode=force_generic_plan"

# So many statements a connection keeps prepared.
_PREPARED = 300

# How many items make a change a large one, which is given more time; and how many make one whose plans are made anew.
_MANY, _SOME = 10_000, 1_000

# When somebody who waits for the change of another shall come back.
_LOCKED_RETRY = 5

_HEAD = re.compile(r"^-- name: (?P<name>\w+)(?: -> (?P<row>\w+))?\s*$", re.MULTILINE)
_PART = re.compile(r"/\* part: (?P<name>\w+) \*/ [^\s,;)]+")

set_json_dumps(orjson.dumps)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of SQL that is put together from constants, never from what a caller sent; that is in the parameters."""

    sql: LiteralString
    params: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Query:
    """One named query: its SQL, the sentence above it, and the name of its row type, if it has one."""

    room: str
    name: str
    text: str
    about: str
    row: str | None

    def with_parts(self, **parts: Part) -> Query:
        """Return the query with parts in the places that it has for them; their parameters are the caller's to pass."""
        if missing := parts.keys() - {place["name"] for place in _PART.finditer(self.text)}:
            message = f"{self.room}: the query {self.name} has no place for: {', '.join(sorted(missing))}"
            raise ValueError(message)
        return replace(self, text=_PART.sub(lambda p: parts[p["name"]].sql if p["name"] in parts else p[0], self.text))


class Queries:
    """A room's named queries, by attribute."""

    def __init__(self, room: str, found: dict[str, Query]) -> None:
        """Keep the queries of a room."""
        self._room = room
        self._found = found

    def __getattr__(self, name: str) -> Query:
        """Return the query of that name."""
        try:
            return self._found[name]
        except KeyError:
            message = f"{self._room}/queries.sql has no query {name!r}"
            raise AttributeError(message) from None

    def __iter__(self) -> Iterator[Query]:
        """Go through the queries in the order of the file."""
        return iter(self._found.values())


def load(package: str | None, file: str = "queries.sql") -> Queries:
    """Read the named queries of a room's package."""
    if package is None:  # pragma: no cover - only a script run by path has none
        message = "a room's queries are loaded from inside its package"
        raise ValueError(message)
    return Queries(package, {q.name: q for q in parse(package, resources.files(package).joinpath(file).read_text())})


def parse(room: str, text: str) -> Iterator[Query]:
    """Cut a file of queries at its `-- name:` lines."""
    heads = list(_HEAD.finditer(text))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : following.start() if following else len(text)].strip()
        lines = body.splitlines()
        about = [line for line in lines if line.startswith("--")]
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip().removesuffix(";")
        yield Query(room, head["name"], sql, " ".join(line.removeprefix("--").strip() for line in about), head["row"])


SQL = load(__package__)


class Connection(AsyncConnection[tuple[Any, ...]]):
    """A connection with a cursor that all short queries go through in turn: it knows their types already."""

    @cached_property
    def work(self) -> AsyncCursor[tuple[Any, ...]]:
        """Return that cursor."""
        return self.cursor(row_factory=tuple_row)


class _Numbers(Dumper):
    """Lists of whole numbers, as text whose type the query says: they are ids, a few in every query."""

    @override
    def dump(self, obj: Sequence[int]) -> bytes:
        return f"{{{','.join(map(str, obj))}}}".encode()


class _Lists(ListDumper):
    """Lists, among which those of whole numbers are written without looking at each."""

    @override
    def get_key(self, obj: list[Any], format: PyFormat) -> DumperKey:
        return (list, _Numbers) if obj and set(map(type, obj)) == {int} else super().get_key(obj, format)

    @override
    def upgrade(self, obj: list[Any], format: PyFormat) -> Any:
        key = self.get_key(obj, format)
        return _Numbers(list) if key == (list, _Numbers) else super().upgrade(obj, format)


class _Json(Loader):
    """JSON that comes, read without a step of Python in between: a page has hundreds of values."""

    load = cast("Any", staticmethod(orjson.loads))


psycopg.adapters.register_dumper(list, _Lists)
for _type in ("json", "jsonb"):
    psycopg.adapters.register_loader(_type, _Json)


class Tx:
    """A connection, inside a transaction or (for a lone read) outside one: what a room's verbs are handed."""

    def __init__(self, connection: Connection, begin: Callable[[], Awaitable[object]] | None = None) -> None:
        """Wrap a connection; `begin` begins the transaction, when the first statement needs it."""
        self.connection = connection
        self._begin = begin

    @property
    def alone(self) -> Tx:
        """Return a way to run one statement that needs no transaction around it: a read, or a change that is whole.

        What was done in this transaction before is seen and belongs together with it; what comes after does not, if
        nothing was done before. A change may go this way where all that follows it is reading.
        """
        return self if self._begin is None else Tx(self.connection)

    async def together(self) -> None:
        """Begin the transaction now: what is done through `alone` from here on is a part of it."""
        await self._begun()

    async def patiently(self) -> None:
        """Let the statements of this transaction take ten minutes each: it changes much at once, and may do so.

        Its plans are made anew. A connection keeps them, those of foreign keys too, until the tables are analyzed; one
        made for a new instance's first few rows goes through the whole table for each row of a large change.
        """
        await self.run(SQL.be_patient)
        await self.run(SQL.plan_anew)

    async def patiently_for(self, count: int) -> None:
        """Let them take so long where what is changed are many items; from a thousand on plans are made anew."""
        if count > _MANY:
            await self.patiently()
        elif count > _SOME:
            await self.run(SQL.plan_anew)

    @property
    def database(self) -> str:
        """Name the database, for what a process remembers about its rows."""
        info = self.connection.info
        return f"{info.host}:{info.port}/{info.dbname}"

    async def one(self, query: Query, row: Callable[..., T], /, **params: object) -> T | None:
        """Return the first row, built by calling `row` with its columns in order, or None."""
        found = await (await self._execute(query, params)).fetchone()
        return row(*found) if found is not None else None

    async def all(self, query: Query, row: Callable[..., T], /, **params: object) -> list[T]:
        """Return every row, each built by calling `row` with its columns in order."""
        return [row(*found) for found in await (await self._execute(query, params)).fetchall()]

    async def value(self, query: Query, /, **params: object) -> Any:  # noqa: ANN401 - the column's type is the query's
        """Return the first column of the first row, or None."""
        found = await (await self._execute(query, params)).fetchone()
        return found[0] if found is not None else None

    async def rows(self, query: Query, /, **params: object) -> list[tuple[Any, ...]]:
        """Return every row as a tuple, for the hot paths that encode rows as they come."""
        return await (await self._execute(query, params)).fetchall()

    async def run(self, query: Query, /, **params: object) -> int:
        """Run a statement and return how many rows it touched."""
        return (await self._execute(query, params)).rowcount

    async def stream(self, query: Query, row: Callable[..., T], /, **params: object) -> AsyncGenerator[T]:
        """Yield the rows of a large answer as they come, through a server-side cursor. Needs a transaction."""
        await self._begun()
        async with self.connection.cursor(f"stream_{query.name}", row_factory=args_row(row)) as cursor:
            cursor.itersize = 5000
            await cursor.execute(_sql(query), params)
            async for found in cursor:
                yield found

    @asynccontextmanager
    async def copy_in(self, query: Query, types: Sequence[str] | None = None) -> AsyncGenerator[AsyncCopy]:
        """Open a COPY ... FROM STDIN; with `types` it is binary, else text."""
        await self._begun()
        async with self.connection.cursor() as cursor, cursor.copy(_sql(query)) as copy:
            if types is not None:
                copy.set_types(types)
            yield copy

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what is done inside when it raises, and go on with the transaction."""
        await self._begun()
        async with self.connection.transaction():
            yield

    async def _begun(self) -> None:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            await begin()

    async def _execute(self, query: Query, params: dict[str, object]) -> AsyncCursor[tuple[Any, ...]]:
        if self._begin is not None:
            await self._begun()
        try:
            return await self.connection.work.execute(_sql(query), params)
        except psycopg.OperationalError as error:
            raise _outage(error) from error


def _sql(query: Query) -> LiteralString:
    # The text comes from a file of the package, never from a caller.
    return cast("LiteralString", query.text)


def json(value: object) -> Jsonb:
    """Mark a value as a jsonb parameter."""
    return Jsonb(value)


def violated(error: pg.IntegrityError) -> str:
    """Name the constraint that refused a row; a room turns it into a domain error."""
    return error.diag.constraint_name or ""


IntegrityError = pg.IntegrityError


class Database:
    """The pool of connections to one PostgreSQL."""

    def __init__(self, url: str, *, size: int = 10, timeout: float = 10.0, statement_seconds: int = 0) -> None:
        """Keep where the database is; `open` connects.

        Args:
            url: Where it is.
            size: The most connections.
            timeout: How many seconds to wait for one that is free.
            statement_seconds: How long a statement may take, and half of that wait for a lock; 0 for no limit.
        """
        self._pool = AsyncConnectionPool(
            url,
            connection_class=Connection,
            min_size=min(2, size),
            max_size=size,
            timeout=timeout,
            open=False,
            kwargs={"autocommit": True, "prepare_threshold": 1, "options": _OPTIONS + _limits(statement_seconds)},
            check=None,
            configure=_keep_prepared,
        )

    async def open(self) -> None:
        """Connect; wait until the first connections stand."""
        await self._pool.open(wait=True)

    def stats(self) -> dict[str, int]:
        """Return how the pool is used: its size, the connections at rest, the requests that wait for one."""
        return self._pool.get_stats()

    async def close(self) -> None:
        """Give all connections back."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx]:
        """Run what is inside as one transaction; roll back when it raises."""
        async with self._connection() as connection, connection.transaction():
            yield Tx(connection)

    @asynccontextmanager
    async def changing(self) -> AsyncGenerator[Tx]:
        """Run what is inside as one transaction, which begins when it is needed (see `Tx.alone`)."""
        async with self._connection() as connection, AsyncExitStack() as stack:

            async def begin() -> None:
                await stack.enter_async_context(connection.transaction())

            yield Tx(connection, begin)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Tx]:
        """Run several reads on one unchanging view of the data."""
        async with self._connection() as connection, connection.transaction():
            await connection.execute("set transaction isolation level repeatable read, read only")
            yield Tx(connection)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Tx]:
        """Run reads, each on its own: no BEGIN and no COMMIT to wait for."""
        async with self._connection() as connection:
            yield Tx(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise _outage(error) from error


async def _keep_prepared(connection: Connection) -> None:
    """Let a connection keep what the hot routes of all wires need prepared: psycopg's own limit is a hundred."""
    connection.prepared_max = _PREPARED


def _limits(statement_seconds: int) -> str:
    """Say in a connection's options how long a statement, and its waiting for a lock, may take."""
    if not statement_seconds:
        return ""
    milliseconds = statement_seconds * 1000
    return f" -c statement_timeout={milliseconds} -c lock_timeout={milliseconds // 2}"


def _outage(error: Exception) -> PinakesError:
    """Tell a clash of transactions (try again at once) from what takes too long, and from a database that is away."""
    if isinstance(error, pg.DeadlockDetected | pg.SerializationFailure):
        return Conflict("Another change was made at the same moment; try again.")
    if isinstance(error, pg.LockNotAvailable):
        message = "Another change of the same is not done yet; try again."
        return Unavailable(message, details={"retry_after": _LOCKED_RETRY})
    if isinstance(error, pg.QueryCanceled):
        return TookTooLong()
    return Unavailable("The database can't be reached just now; try again.")
