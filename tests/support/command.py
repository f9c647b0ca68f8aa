"""The command `pinakes`, run as people run it: in a process of its own, by its arguments, files and environment.

Each process parts from one that has imported the commands already, which saves most of a second of a processor each
time. That the installed program starts is for `test_cli.py` and `test_serve.py`.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pinakes import cli, sdk
from pinakes.cli.main import main
from pinakes.sdk import _sync

PATIENCE = 60.0

# What a command imports sooner or later, ours and others'.
_IMPORTED = [
    module.name
    for package in (cli, sdk, _sync)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]
_OTHERS = ["httpcore2", "idna", "rich.progress", "rich.table", "truststore"]

_PARTING = multiprocessing.get_context("forkserver")
_PARTING.set_forkserver_preload([*_IMPORTED, *_OTHERS])


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def run(
    arguments: Sequence[object], environment: Mapping[str, str], *, folder: Path | None = None, stdin: str = ""
) -> Done:
    """Run a command to its end, for at most `PATIENCE` seconds."""
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory(prefix="pinakes-command-") as name:
        streams = [Path(name) / stream for stream in ("in", "out", "err")]
        streams[0].write_text(stdin)
        process = _PARTING.Process(
            target=_be_the_command, args=(words, dict(environment), str(folder or Path.cwd()), [*map(str, streams)])
        )
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
        status = process.exitcode
        process.close()
        said = [stream.read_text() if stream.exists() else "" for stream in streams[1:]]
    assert status is not None
    return Done(status, *said)


def _be_the_command(arguments: list[str], environment: dict[str, str], folder: str, streams: list[str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.stdin, sys.stdout, sys.stderr = (_stream(number, path) for number, path in enumerate(streams))
    sys.argv = ["pinakes", *arguments]
    main(arguments)


def _stream(number: int, path: str) -> IO[str]:
    """Put a file in the place of one of the standard streams."""
    opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(opened, number)
    os.close(opened)
    return open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
