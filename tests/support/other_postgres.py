"""A PostgreSQL as an operator brings it: the oldest on this machine with its defaults (15 is the oldest we take)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pinakes.server import postgres
from support.folders import open_folder

# Where Debian's packages put the programs of each version.
DEBIAN = Path("/usr/lib/postgresql")
OLDEST = 15


@contextmanager
def other_postgres() -> Generator[str]:
    """The URL of an empty database in it, as long as this lasts. Where the machine has no other, it is the wheel's."""
    programs = oldest_programs()
    with open_folder() as folder:
        home = folder / "home"
        home.mkdir()
        if os.geteuid() == 0:
            user = postgres.unprivileged_user()
            os.chown(home, user.uid, user.gid)
        cluster = home / "cluster"
        # UTF-8 by code points: what its words are, every server with UTF-8 agrees on.
        _run(programs / "initdb", "-D", cluster, "-U", "pinakes", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-k {home} -c listen_addresses='' -c fsync=off"
        _run(programs / "pg_ctl", "-w", "-D", cluster, "-l", home / "log", "-o", options, "start")
        try:
            yield f"postgresql://pinakes@/postgres?host={home}"
        finally:
            _run(programs / "pg_ctl", "-w", "-D", cluster, "-m", "immediate", "stop")


def oldest_programs() -> Path:
    """Return the folder of the oldest PostgreSQL's programs."""
    found = {int(folder.name): folder / "bin" for folder in DEBIAN.glob("[0-9]*") if int(folder.name) >= OLDEST}
    if found:
        return found[min(found)]
    # The link of a path, since PostgreSQL finds its other parts from where its programs are.
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else postgres.wheel_programs()


def _run(*command: str | Path) -> None:
    """Run one of its programs as a user that it accepts: root it refuses."""
    user = postgres.unprivileged_user() if os.geteuid() == 0 else None
    # What it prints goes nowhere: `pg_ctl start` leaves the server with its outputs open, on which we would wait.
    subprocess.run(
        command,
        cwd="/",
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        timeout=60,
    )
