"""The commands of whoever runs a server: `serve`, `migrate`, `check-config`, `work`.

They import the server, each when it runs: the client's commands must start fast, and work without the server's parts.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from pinakes.server.settings import Settings

CANNOT_START = 1
INTERRUPTED = 130


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    workers: int | None = None,
    reload: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Start the server; without PINAKES_DATABASE_URL, with a private PostgreSQL in the data folder.

    Args:
        host: The address to listen on (PINAKES_HOST).
        port: The port to listen on (PINAKES_PORT).
        data: The data folder (PINAKES_DATA_DIR).
        workers: How many processes answer requests (PINAKES_WORKERS).
        reload: Start anew whenever the code changes, for development.
    """
    with _explained():
        settings = _settings(host=host, port=port, data_dir=data, workers=workers)
        from pinakes.server import supervisor

        supervisor.serve(settings, reload=reload)


def migrate(*, data: Path | None = None) -> None:
    """Bring the database up to date without starting the server.

    Args:
        data: The data folder (PINAKES_DATA_DIR).
    """
    with _explained():
        from pinakes.server import folder, logs, supervisor
        from pinakes.server.migrate import migrate as apply

        settings = _settings(data_dir=data)
        logs.configure(settings)
        settings = dataclasses.replace(settings, data_dir=folder.make(settings.data_dir))
        # A database of its own may have a server on it, which goes on; a private one is the data folder's.
        with (
            folder.held_unless(settings.database_url is not None, settings.data_dir),
            supervisor.with_database(settings) as ready,
        ):
            applied = apply(supervisor.url_of(ready))
        print("\n".join(applied) if applied else "The database is up to date.")


def check_config() -> None:
    """Show the settings as the server would read them, and what is wrong with them."""
    with _explained():
        from pinakes.server.settings import Settings, unknown, variable

        settings = Settings.from_environment()
        secret = {row.variable for row in Settings.describe() if row.secret}
        for field in dataclasses.fields(Settings):
            name, value = variable(field.name), getattr(settings, field.name)
            print(f"{name}={'***' if value and name in secret else '' if value is None else value}")
        strangers = unknown(os.environ)
        for name in strangers:
            print(f"{name} is no setting of Pinakes; is it misspelled?", file=sys.stderr)
        if strangers:
            sys.exit(CANNOT_START)


def work(*, follow: Annotated[int | None, Parameter(show=False)] = None) -> None:
    """Run background jobs: `serve` starts one such process itself, and others can help it from other machines.

    Args:
        follow: End with the process of that id, which started this one.
    """
    with _explained():
        import uvloop

        from pinakes.server import logs, processes, rooms, tasks

        if follow is not None:
            processes.die_with(follow)
        settings = _settings()
        logs.configure(settings)
        if settings.database_url is None:
            from pinakes.server.settings import CannotStart

            message = "Set PINAKES_DATABASE_URL; a private PostgreSQL is worked for by the `serve` that started it."
            raise CannotStart(message)
        rooms.load()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(tasks.run_worker(settings))


def _settings(**given: object) -> Settings:
    from pinakes.server.settings import Settings

    chosen = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(Settings.from_environment(), **chosen)  # pyright: ignore[reportArgumentType]


@contextmanager
def _explained() -> Generator[None]:
    """Say what stands in the way in one sentence, not in a traceback."""
    try:
        from pinakes.server.settings import CannotStart
    except ImportError as error:
        print(f"This command needs the server's parts ({error.name}): pip install 'pinakes[server]'.", file=sys.stderr)
        sys.exit(CANNOT_START)
    try:
        yield
    except CannotStart as error:
        print(f"pinakes: {error}", file=sys.stderr)
        sys.exit(CANNOT_START)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
