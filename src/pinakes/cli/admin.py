"""The commands of whoever runs a server: `serve`, `migrate`, `check-config`, `work`.

They import the server, each when it runs: the client's commands must start fast, and work without the server's parts.
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pinakes.cli.common import FLAGS, Flags

if TYPE_CHECKING:
    from pinakes.cli.output import Output
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
    common: Flags = FLAGS,
) -> None:
    """Start the server; without PINAKES_DATABASE_URL, with a private PostgreSQL in the data folder.

    With --json, the log is JSON too, and where the server is stands on stdout once it is up; with --quiet, that is its
    address alone, and the log has warnings only.

    Args:
        host: The address to listen on (PINAKES_HOST).
        port: The port to listen on (PINAKES_PORT).
        data: The data folder (PINAKES_DATA_DIR).
        workers: How many processes answer requests (PINAKES_WORKERS).
        reload: Start anew whenever the code changes, for development.
        common: How to print.
    """
    with _explained():
        settings = _logging(_settings(host=host, port=port, data_dir=data, workers=workers), common.output)
        from pinakes.server import supervisor

        def announce(ready: Settings, token: str | None) -> None:
            facts = {"url": ready.public_url, "data": str(ready.data_dir), "admin_token": token}
            if common.output.json:
                common.output.data(facts)
            elif common.output.quiet:
                common.output.text(ready.public_url)
                sys.stdout.flush()
            else:
                sys.stderr.write(supervisor.banner(ready, token))

        supervisor.serve(settings, announce, reload=reload)


def migrate(*, data: Path | None = None, common: Flags = FLAGS) -> None:
    """Bring the database up to date without starting the server.

    Args:
        data: The data folder (PINAKES_DATA_DIR).
        common: How to print.
    """
    with _explained():
        from pinakes.server import folder, logs, supervisor
        from pinakes.server.migrate import migrate as apply

        settings = _settings(data_dir=data)
        settings = _logging(settings, common.output)
        logs.configure(settings)
        settings = dataclasses.replace(settings, data_dir=folder.make(settings.data_dir))
        # A database of its own may have a server on it, which goes on; a private one is the data folder's.
        with (
            folder.held_unless(settings.database_url is not None, settings.data_dir),
            supervisor.with_database(settings) as ready,
        ):
            applied = apply(supervisor.url_of(ready))
        if common.output.json:
            common.output.data({"applied": applied})
            return
        for name in applied:
            common.output.text(name)
        if not applied and not common.output.quiet:
            common.output.text("The database is up to date.")


def check_config(*, common: Flags = FLAGS) -> None:
    """Show the settings as the server would read them, and what is wrong with them; with --quiet, only the latter."""
    with _explained():
        from pinakes.server.settings import Settings, unknown, variable

        settings = Settings.from_environment()
        secret = {row.variable for row in Settings.describe() if row.secret}
        shown: dict[str, object] = {}
        for field in dataclasses.fields(Settings):
            name, value = variable(field.name), getattr(settings, field.name)
            shown[name] = "***" if value and name in secret else value
        strangers = unknown(os.environ)
        if common.output.json:
            common.output.data({"settings": shown, "unknown": strangers})
        elif not common.output.quiet:
            for name, value in shown.items():
                common.output.text(f"{name}={'' if value is None else value}")
            sys.stdout.flush()
        for name in strangers:
            print(f"{name} is no setting of Pinakes; is it misspelled?", file=sys.stderr)
        if strangers:
            sys.exit(CANNOT_START)


def work(*, follow: Annotated[int | None, Parameter(show=False)] = None, common: Flags = FLAGS) -> None:
    """Run background jobs: `serve` starts one such process itself, and others can help it from other machines.

    It prints nothing but its log: with --json as JSON, with --quiet warnings only.

    Args:
        follow: End with the process of that id, which started this one.
        common: How to print.
    """
    with _explained():
        import uvloop

        from pinakes.server import logs, processes, rooms, tasks

        if follow is not None:
            processes.die_with(follow)
        settings = _logging(_settings(), common.output)
        logs.configure(settings)
        if settings.database_url is None:
            from pinakes.server.settings import CannotStart

            message = "Set PINAKES_DATABASE_URL; a private PostgreSQL is worked for by the `serve` that started it."
            raise CannotStart(message)
        rooms.load()
        gc.freeze()  # what is loaded stays; looking through it when the process ends would take longer than the rest
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(tasks.run_worker(settings))


def _settings(**given: object) -> Settings:
    from pinakes.server.settings import Settings

    chosen = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(Settings.from_environment(), **chosen)  # pyright: ignore[reportArgumentType]


def _logging(settings: Settings, output: Output) -> Settings:
    """Have the log written as the output is: as JSON, or with what matters only."""
    if output.json:
        return dataclasses.replace(settings, log_format="json")
    if output.quiet and settings.log_level in {"debug", "info"}:
        return dataclasses.replace(settings, log_level="warning")
    return settings


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
