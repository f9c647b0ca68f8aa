"""The data folder: made with the permissions that it needs, and held by one `serve` at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pinakes.server.settings import CannotStart

LOCK = "serve.lock"

# After `kill -9` of a server, its processes follow it within moments; a restart waits for them this long.
PATIENCE = 3.0


def make(folder: Path) -> Path:
    """Make the data folder and return its absolute path.

    As root, other users may pass through it (not list it): the private PostgreSQL in it runs as one of them. What is
    secret in the folder is closed to them by its own permissions.
    """
    folder = folder.absolute()
    missing = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if missing:
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        message = f"The data folder {folder} can't be made: {error.strerror}. Choose another with PINAKES_DATA_DIR."
        raise CannotStart(message) from error
    return folder


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Hold the data folder; refuse when another server holds it."""
    with (folder / LOCK).open("a+") as lock:
        _lock(lock, folder)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@contextmanager
def held_unless(shared: bool, folder: Path) -> Generator[None]:  # noqa: FBT001 - it is the question
    """Hold the data folder, unless the database is elsewhere and servers may go on."""
    if shared:
        yield
    else:
        with held(folder):
            yield


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from the first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)


def _lock(lock: IO[str], folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                message = (
                    f"Another Pinakes server (process {holder}) uses the data folder {folder}. "
                    "Stop it, or choose another folder with --data or PINAKES_DATA_DIR."
                )
                raise CannotStart(message) from None
            time.sleep(0.1)
        else:
            return
