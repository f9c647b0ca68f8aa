"""A real server in processes of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from support.folders import open_folder
from support.parting import Parted, Streams

PROGRAM = Path(sys.executable).with_name("pinakes")
ADMIN_TOKEN = "pinakes_tests_administrator_0123456789abcdef"
START_TIMEOUT = 60.0

# The program as it is installed, or one that has imported it before.
Process = subprocess.Popen[bytes] | Parted


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it is and how to come in as its administrator."""

    url: str
    admin_token: str
    data: Path
    log: Path
    process: Process

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries that comes from the administrator."""
        return {"Authorization": f"Bearer {self.admin_token}"}


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**given: str) -> dict[str, str]:
    """Our environment without the settings that somebody may have there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PINAKES_", "HF_"))}
    return {**kept, **given}


@contextmanager
def serving(
    *,
    database_url: str | None = None,
    data: Path | None = None,
    settings: Mapping[str, str] | None = None,
    port: int | None = None,
    installed: bool = False,
) -> Generator[Server]:
    """A server that runs as long as this lasts; with a private PostgreSQL unless a database is given.

    It is the installed program, where it shall be; or else parts from a process that has imported it already.
    """
    if data is None:
        with (
            open_folder() as folder,
            serving(
                database_url=database_url, data=folder, settings=settings, port=port, installed=installed
            ) as server,
        ):
            yield server
        return
    port = port or free_port()
    defaults = {"PINAKES_ADMIN_TOKEN": ADMIN_TOKEN, "PINAKES_LOG_FORMAT": "json"}
    environment = clean_environment(**(defaults | dict(settings or {})))
    if database_url is not None:
        environment["PINAKES_DATABASE_URL"] = database_url
    log = data / "serve.log"
    arguments = ["serve", "--port", str(port), "--data", data]
    if installed:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [PROGRAM, *arguments], env=environment, stdout=output, stderr=output, start_new_session=True
            )
    else:
        process = Parted(arguments, environment, Streams(Path(os.devnull), log, log), own_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log)
        yield Server(url, ADMIN_TOKEN, data, log, process)
    finally:
        stop(process)


def stop(process: Process) -> int:
    """Stop a server as an operator would, and return its status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    return process.wait(timeout=30)


def ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or only waits for the system to take note of its end."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for_the_end(processes: Sequence[psutil.Process], seconds: float = 10) -> None:
    """Wait until processes have ended, which takes no longer than this."""
    until = time.monotonic() + seconds
    while not all(map(ended, processes)):
        assert time.monotonic() < until
        time.sleep(0.05)


def _wait_until_ready(url: str, process: Process, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx2.get(f"{url}/readyz").is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    message = f"the server did not get ready:\n{log.read_text()}"
    raise AssertionError(message)
