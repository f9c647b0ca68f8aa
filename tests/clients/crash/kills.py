"""Ways in which a server, or its database, ends without a word."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from support.server import Server


class Scene(Protocol):
    """A data folder, and the server on it."""

    data: Path
    server: Server


def postmaster(scene: Scene) -> psutil.Process:
    return psutil.Process(int((scene.data / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


def kill_server(scene: Scene) -> None:
    """All of the server's processes at once; PostgreSQL is left running."""
    os.killpg(scene.server.process.pid, signal.SIGKILL)
    scene.server.process.wait()


def kill_postmaster(scene: Scene) -> None:
    """PostgreSQL's first process; its sessions see that it is gone and leave."""
    postmaster(scene).kill()


def kill_backend(scene: Scene) -> None:
    """The session of some connection; PostgreSQL then ends all others too, and recovers."""
    sessions = [child for child in postmaster(scene).children() if _title(child).startswith("postgres: pinakes ")]
    random.choice(sessions).kill()


def kill_worker(scene: Scene) -> None:
    """One of the processes that answer requests."""
    children = psutil.Process(scene.server.process.pid).children()
    workers = [child for child in children if "postgres" not in _title(child) and " work " not in _title(child)]
    random.choice([worker for worker in workers if "resource_tracker" not in _title(worker)]).kill()


def kill_everything(scene: Scene) -> None:
    """The server, and PostgreSQL with all its processes: as when the machine goes."""
    processes = [postmaster(scene), *postmaster(scene).children()]
    kill_server(scene)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


KILLS = (kill_server, kill_postmaster, kill_backend, kill_worker, kill_everything)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
