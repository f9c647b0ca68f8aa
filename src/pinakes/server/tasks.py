"""Background work: jobs are rows in the same PostgreSQL, written inside the transaction that calls for them.

A room's `jobs.py` registers its functions, and its verbs defer them:

    @periodic("17 3 * * *")
    @register("collections.purge")
    async def purge(work: Work, *, days: int = 30) -> None: ...

    await defer(tx, "collections.purge", days=7)

What must go on all the time runs `alongside` the jobs, in every worker.

The queue is procrastinate's, in the PostgreSQL schema `tasks`. The only importer of procrastinate.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import procrastinate
import structlog
from procrastinate.jobs import DeleteJobCondition
from procrastinate.schema import SchemaManager

from pinakes.server.blobs import Blobs
from pinakes.server.db import Database, IntegrityError, Tx, json, load, violated
from pinakes.server.settings import Settings

log = structlog.get_logger(__name__)

SQL = load(__package__)

SCHEMA = "tasks"
QUEUE = "default"

# A job is given this long to end when the worker is told to stop; then it is cut and runs again later.
GRACE = 8.0
STALLED_AFTER = 60.0
KEEP_FAILED_HOURS = 30 * 24
ANEW_AFTER = 5.0

_WAITS_ALREADY = "procrastinate_jobs_queueing_lock_idx_v1"


@dataclass(frozen=True, slots=True)
class Work:
    """What a job is handed besides its arguments."""

    settings: Settings
    db: Database
    blobs: Blobs


class Job(Protocol):
    """A function that does background work."""

    def __call__(self, work: Work, /, **arguments: Any) -> Awaitable[None]:  # noqa: ANN401 - each job has its own
        """Do it."""
        ...


@dataclass(slots=True)
class Registered:
    """A job, how often it is tried again when it fails, and when it runs by itself."""

    name: str
    job: Job
    attempts: int
    crons: list[str] = field(default_factory=list[str])


_REGISTRY: dict[str, Registered] = {}
_ALONGSIDE: dict[str, Job] = {}

F = TypeVar("F", bound=Callable[..., Awaitable[None]])


def register(name: str, *, attempts: int = 5) -> Callable[[F], F]:
    """Register a job under the name by which it is deferred. It may run twice, so it must not mind."""

    def keep(job: F) -> F:
        known = _REGISTRY.get(name)
        if known is not None and known.job is not job:
            message = f"two jobs are named {name!r}"
            raise ValueError(message)
        _REGISTRY[name] = Registered(name, cast("Job", job), attempts)
        return job

    return keep


def periodic(cron: str) -> Callable[[F], F]:
    """Run a registered job by the clock (UTC), once however many servers there are."""

    def keep(job: F) -> F:
        for registered in _REGISTRY.values():
            if registered.job is job:
                registered.crons.append(cron)
                return job
        message = "@periodic goes above @register"
        raise ValueError(message)

    return keep


def alongside(name: str) -> Callable[[F], F]:
    """Run a function beside the jobs, as long as a worker runs: cancelled at the end, and begun anew when it fails."""

    def keep(job: F) -> F:
        _ALONGSIDE[name] = cast("Job", job)
        return job

    return keep


def registered() -> Iterator[Registered]:
    """Go through the registered jobs."""
    yield from _REGISTRY.values()


async def defer(
    tx: Tx,
    name: str,
    /,
    *,
    at: dt.datetime | None = None,
    once: str | None = None,
    in_turn: str | None = None,
    **arguments: object,
) -> int | None:
    """Have a job run after the caller's transaction commits, and return its id.

    Args:
        tx: The caller's transaction.
        name: The job's registered name.
        at: Not before then.
        once: While a job with the same key waits, no second one is added (None is returned).
        in_turn: Jobs with the same key run one after another.
        arguments: What the job is called with; they must fit into JSON.
    """
    values = {"queue": QUEUE, "task": name, "priority": 0, "lock": in_turn, "queueing_lock": once, "at": at}
    try:
        async with tx.savepoint():
            return cast("int", await tx.value(SQL.defer_job, args=json(arguments), **values))
    except IntegrityError as error:
        if violated(error) != _WAITS_ALREADY:
            raise
        return None


async def defer_each(tx: Tx, name: str, calls: Sequence[Mapping[str, object]]) -> None:
    """Have several jobs of one name run after the caller's transaction commits, each with its own arguments.

    Args:
        tx: The caller's transaction.
        name: The jobs' registered name.
        calls: What each is called with; it must fit into JSON.
    """
    if calls:
        await tx.run(SQL.defer_jobs, queue=QUEUE, task=name, calls=[json(dict(one)) for one in calls])


async def run_worker(settings: Settings, *, wait: bool = True) -> None:
    """Run jobs until told to stop (SIGTERM, SIGINT); without `wait`, until none is left that could run now."""
    if settings.database_url is None:
        message = "a worker needs the database's URL"
        raise ValueError(message)
    db = Database(settings.database_url, size=settings.database_pool_size)
    blobs = Blobs.of(settings)
    await db.open()
    try:
        async with _application(settings.database_url).open_async() as app:
            work = Work(settings, db, blobs)
            async with _alongside(work if wait else None):
                await app.run_worker_async(
                    concurrency=max(settings.task_concurrency, 1),
                    wait=wait,
                    delete_jobs=DeleteJobCondition.SUCCESSFUL,
                    shutdown_graceful_timeout=GRACE,
                    additional_context={"work": work},
                    install_signal_handlers=wait,
                    listen_notify=wait,
                )
    finally:
        await db.close()


@asynccontextmanager
async def _alongside(work: Work | None) -> AsyncGenerator[None]:
    """Keep going what runs beside the jobs, as long as this lasts."""
    running = [asyncio.create_task(_kept_going(name, job, work)) for name, job in _ALONGSIDE.items() if work]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _kept_going(name: str, job: Job, work: Work) -> None:
    while True:
        try:
            await job(work)
        except Exception:
            log.exception("alongside_failed", name=name, again_in=ANEW_AFTER)
        await asyncio.sleep(ANEW_AFTER)


def schema_sql() -> str:
    """Return the SQL that makes the queue's tables and functions."""
    return SchemaManager.get_schema()


def schema_migrations() -> list[tuple[str, str]]:
    """Return the queue's own migrations, by name and in order."""
    return [(path.name, path.read_text()) for path in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))]


def _application(url: str) -> procrastinate.App:
    """Make procrastinate's application out of our registry."""
    connector = procrastinate.PsycopgConnector(
        conninfo=url, kwargs={"options": f"-c search_path={SCHEMA},public"}, min_size=1, max_size=4
    )
    app = procrastinate.App(connector=connector)
    for entry in _REGISTRY.values():
        retry = procrastinate.RetryStrategy(max_attempts=entry.attempts, exponential_wait=3)
        task = app.task(name=entry.name, pass_context=True, retry=retry)(_runner(entry))
        for cron in entry.crons:
            app.periodic(cron=cron, periodic_id=cron)(task)
    upkeep = app.task(name="tasks.upkeep", pass_context=True)(_upkeep)
    app.periodic(cron="*/2 * * * *")(upkeep)
    return app


def _runner(entry: Registered) -> Callable[..., Awaitable[None]]:
    async def run(context: procrastinate.JobContext, timestamp: int | None = None, **arguments: object) -> None:
        # procrastinate tells a periodic job the moment it was due; ours read the clock.
        del timestamp
        await entry.job(cast("Work", context.additional_context["work"]), **arguments)

    return run


async def _upkeep(context: procrastinate.JobContext, timestamp: int) -> None:
    """Give the jobs of workers that died to the living, and forget old failures."""
    del timestamp
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
        log.warning("job_of_dead_worker", job=job.id, task=job.task_name)
        await manager.retry_job(job)
    await manager.delete_old_jobs(
        nb_hours=KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
