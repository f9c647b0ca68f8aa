"""`pinakes serve`: holds the data folder, starts PostgreSQL where none is given, migrates, and runs the processes."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess

from pinakes.server import folder, logs, tasks
from pinakes.server.db import Database
from pinakes.server.errors import PinakesError
from pinakes.server.migrate import migrate
from pinakes.server.people import service as people
from pinakes.server.postgres import EmbeddedPostgres, write_down
from pinakes.server.processes import END_BEGINS, Companion
from pinakes.server.settings import METRICS_FOLDER, CannotStart, Settings

ADMIN_TOKEN_FILE = "admin-token"  # noqa: S105 - where the secret is, not the secret

# While code is changed, a request that hangs is waited for no longer than this.
RELOAD_GRACE = 5


def serve(settings: Settings, announce: Callable[[Settings, str | None], None], *, reload: bool = False) -> None:
    """Serve until told to stop.

    Args:
        settings: What the operator decided.
        announce: Says where the server is, with the administrator's token if it is a new one that nobody knows.
        reload: Start anew whenever the code changes.
    """
    logs.configure(settings)
    signal.signal(signal.SIGTERM, _leave)
    with ExitStack() as stack:
        if not settings.data_dir.exists():  # where there is one, who holds it is the better explanation
            _check_port(settings.host, settings.port)
        data = folder.make(settings.data_dir)
        stack.enter_context(folder.held(data))
        _check_port(settings.host, settings.port)
        own = settings.database_url is None
        settings = stack.enter_context(with_database(replace(settings, data_dir=data)))
        if migrate(url_of(settings)) and own:
            threading.Thread(target=write_down, args=(url_of(settings),), daemon=True).start()
        token = asyncio.run(_ensure_administrator(settings))
        _prepare_metrics(settings)
        if reload:
            settings = replace(settings, stop_grace=min(settings.stop_grace, RELOAD_GRACE))
        os.environ.update(settings.to_environment())
        companion = _start_tasks(settings, stack)
        _run_workers(settings, companion, partial(announce, settings, token), reload=reload)


@contextmanager
def with_database(settings: Settings) -> Generator[Settings]:
    """Give the settings a database: the one that they name, or a private one that runs as long as this lasts."""
    if settings.database_url is not None:
        yield settings
        return
    postgres = EmbeddedPostgres(settings.data_dir)
    postgres.start()
    try:
        yield replace(settings, database_url=postgres.url)
    finally:
        postgres.stop()


def banner(settings: Settings, token: str | None) -> str:
    """Say where the server is and, the first time, how to sign in."""
    lines = ["", f"  Pinakes is at {settings.public_url}", f"  Its data is in {settings.data_dir}"]
    if token is not None:
        kept = settings.data_dir / ADMIN_TOKEN_FILE
        lines += [f"  Sign in as admin with the token {token}", f"  (shown once; kept in {kept})"]
    return "\n".join([*lines, "  Ctrl-C stops it.", "", ""])


class _Server(MPServer):
    """Granian's server, whose processes know when the end begins, and which stops at once when told so twice."""

    def __init__(self, *args: Any, companion: Companion | None, **kwargs: Any) -> None:  # noqa: ANN401 - granian's own
        """Keep what runs beside the processes, and stops with them."""
        super().__init__(*args, **kwargs)
        self._companion: Companion | None = companion
        self._told: bool = False

    def signal_handler_interrupt(self, *args: object, **kwargs: object) -> None:
        """Stop; when told so again, without waiting for anything."""
        if self._told:
            for worker in self.wrks:
                worker.kill()
            if self._companion is not None:
                self._companion.kill()
        self._told = True
        super().signal_handler_interrupt(*args, **kwargs)

    def shutdown(self, exit_code: int = 0) -> None:
        """Stop the processes, and the background work at the same time."""
        if self._companion is not None:
            self._companion.ask_to_stop()
        super().shutdown(exit_code)

    def _stop_workers(self) -> None:
        self._tell(self.wrks)
        super()._stop_workers()

    def _respawn_workers(self, workers: Sequence[int], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - granian's
        self._tell([self.wrks[index] for index in workers])
        super()._respawn_workers(workers, *args, **kwargs)

    @staticmethod
    def _tell(workers: Iterable[WorkerProcess]) -> None:
        """Tell processes that their end begins, right before they are told to end; one that only starts ends by it."""
        for worker in workers:
            if worker.is_alive():
                worker.interrupt_by_parent = True
                os.kill(worker.inner.pid, END_BEGINS)


def _run_workers(settings: Settings, companion: Companion | None, greet: Callable[[], None], *, reload: bool) -> None:
    if not reload:
        # Imported before the processes part, the code is in memory once, and they start at once. What is loaded stays:
        # the collector, which would look at it again and again meanwhile, costs a tenth of the time; and at the end of
        # this process, more than a second.
        gc.disable()
        import_module("pinakes.server.app")
        gc.freeze()
        gc.enable()
    server = _Server(
        "pinakes.server.app:from_environment",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        workers=1 if reload else settings.workers,
        workers_kill_timeout=settings.stop_grace,
        respawn_failed_workers=True,
        backlog=2048,
        websockets=False,
        log_level=LogLevels.warning,
        # Without handlers of its own, what granian has to say goes through our log.
        log_dictconfig={"handlers": {}, "loggers": {"_granian": {"propagate": True}}},
        reload=reload,
        reload_paths=[Path(__file__).parents[1]],
        reload_ignore_worker_failure=reload,
        companion=companion,
    )
    server.on_startup(greet)
    server.serve()


def _start_tasks(settings: Settings, stack: ExitStack) -> Companion | None:
    if settings.task_concurrency == 0:
        return None
    command = [sys.executable, "-m", "pinakes.cli.main", "work", "--follow", str(os.getpid())]
    companion = Companion("tasks", command, grace=tasks.GRACE + 2)
    companion.start()
    stack.callback(companion.stop)
    return companion


async def _ensure_administrator(settings: Settings) -> str | None:
    """Make the administrator on the first start; return the token if it is a new one that nobody knows yet."""
    db = Database(url_of(settings), size=1)
    await db.open()
    try:
        token = await people.ensure_administrator(db, settings.admin_token)
    except PinakesError as error:
        message = f"PINAKES_ADMIN_TOKEN can't be used: {error.message}"
        raise CannotStart(message) from error
    finally:
        await db.close()
    if token is not None:
        folder.write_secret(settings.data_dir / ADMIN_TOKEN_FILE, f"{token}\n")
    return token


def _prepare_metrics(settings: Settings) -> None:
    shutil.rmtree(settings.metrics_dir, ignore_errors=True)
    settings.metrics_dir.mkdir(mode=0o700)
    os.environ[METRICS_FOLDER] = str(settings.metrics_dir)


def _check_port(host: str, port: int) -> None:
    """Refuse a port that is taken; the processes share theirs, so they would share it with a stranger too."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = (
                f"Can't listen on {host}:{port}: {error.strerror}. Choose another with --host, --port or PINAKES_PORT."
            )
            raise CannotStart(message) from error


def url_of(settings: Settings) -> str:
    """Return the database's URL, once there is one."""
    assert settings.database_url is not None
    return settings.database_url


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Let a stop during the start unwind what was started."""
    raise SystemExit(0)
