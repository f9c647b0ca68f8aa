"""Processes that part from one that has imported the commands and the server already.

Importing takes most of a second of a processor for a command and four for a server, and there are hundreds of both.
That the installed program starts is for `test_cli.py`, `test_serve.py` and the server that most tests share.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import IO

import pytest

from pinakes import cli, sdk
from pinakes.cli.main import main
from pinakes.sdk import _sync
from pinakes.server.settings import METRICS_FOLDER

# What a command imports sooner or later, ours and others', and what a server does.
_IMPORTED = [
    module.name
    for package in (cli, sdk, _sync)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]
_OTHERS = ["httpcore2", "idna", "rich.progress", "rich.table", "truststore"]
_SERVER = ["pinakes.server.supervisor", "pinakes.server.app"]


@dataclass(frozen=True, slots=True)
class Streams:
    """The files that are a process's standard input, output and errors."""

    stdin: Path
    stdout: Path
    stderr: Path


class Parted:
    """A process that is `pinakes` with some arguments; it has what the tests use of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[object],
        environment: Mapping[str, str],
        streams: Streams,
        *,
        folder: Path | None = None,
        own_session: bool = False,
    ) -> None:
        """Start it."""
        self.arguments: list[str] = [str(argument) for argument in arguments]
        given = (self.arguments, dict(environment), str(folder or Path.cwd()), streams, own_session)
        self._process: ForkServerProcess = _context().Process(target=_be_the_command, args=given)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Its status, if it has ended; of one that was killed, the signal's number with a minus."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its status, once it has ended.

        Raises:
            subprocess.TimeoutExpired: It did not in time.
        """
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self.arguments, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of what is kept of it, once it has ended."""
        self._process.close()


@cache
def _context() -> ForkServerContext:
    """The process that others part from; it is started when it is first needed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_IMPORTED, *_OTHERS, *_SERVER])
    with pytest.MonkeyPatch.context() as patch:
        # What counts requests asks once, while it is imported, whether it counts for one process or for several.
        patch.setenv(METRICS_FOLDER, tempfile.gettempdir())
        forkserver.ensure_running()
    return context


def _be_the_command(
    arguments: list[str], environment: dict[str, str], folder: str, streams: Streams, own_session: bool
) -> None:
    if own_session:
        os.setsid()
    # What was there before is nothing to be collected here: looking at it would copy all of it.
    gc.freeze()
    # As in a program that nothing parted from: the processes of a server part from the first.
    multiprocessing.set_start_method("fork", force=True)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.stdin, sys.stdout, sys.stderr = (_stream(number, path) for number, path in enumerate(astuple(streams)))
    sys.argv = ["pinakes", *arguments]
    main(arguments)


def _stream(number: int, path: Path) -> IO[str]:
    """Put a file in the place of one of the standard streams."""
    opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(opened, number)
    os.close(opened)
    return open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
