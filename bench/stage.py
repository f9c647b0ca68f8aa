"""What the measurements run on: an embedded PostgreSQL (every commit on disk), the data, Pinakes and the comparator."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from bench import data, label_studio_peer, mlflow_peer
from bench.mlflow_peer import Missing
from bench.release_data import Releases
from bench.sizes import Sizes
from pinakes.server import migrate, postgres

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
HOST = "127.0.0.1"
WORKERS = 2
START_TIMEOUT = 180.0
MLFLOW, LABEL_STUDIO = "MLflow", "Label Studio"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two servers: its port, and its first process."""

    name: str
    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a workload needs to know. Of a peer that is not here it says why.

    `made_with` is what a collection that a workload makes is to have beside its title.
    """

    sizes: Sizes
    url: str
    ours: Side
    thin: Side
    postmaster: int
    marks: data.Landmarks
    peers: Mapping[str, Side | Missing]
    made_with: Mapping[str, object] = field(default_factory=dict[str, object])

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect to the database, to prepare something that is not measured."""
        return psycopg.connect(self.url, autocommit=True)


@contextmanager
def stage(sizes: Sizes, kept: Path | None = None, *, peers: Collection[str] = ()) -> Generator[Stage]:
    """Build the stage, with these peers; with `kept`, the loaded data stays in that folder for the next time."""
    with ExitStack() as stack:
        folder = kept.absolute() if kept else stack.enter_context(_temporary())
        cluster = postgres.EmbeddedPostgres(folder)
        cluster.start()
        stack.callback(cluster.stop)
        assert cluster.pid is not None
        url = _fresh_copy(cluster, sizes)
        marks = data.landmarks(url)
        environment = {"PINAKES_DATABASE_URL": url, "BENCH_DATABASE_URL": url}
        ours = stack.enter_context(_serving("pinakes", folder, environment))
        thin = stack.enter_context(_serving("thin", folder, environment))
        beside: dict[str, Side | Missing] = {MLFLOW: Missing("not asked for"), LABEL_STUDIO: Missing("not asked for")}
        if MLFLOW in peers:
            beside[MLFLOW] = stack.enter_context(_mlflow(cluster, folder, marks.releases))
        if LABEL_STUDIO in peers:
            beside[LABEL_STUDIO] = stack.enter_context(_label_studio(cluster, folder, sizes))
        yield Stage(sizes, url, ours, thin, cluster.pid, marks, beside)


def _fresh_copy(cluster: postgres.EmbeddedPostgres, sizes: Sizes) -> str:
    """Return the URL of a database with the data as loaded: a copy, since measuring changes it."""
    schema = "".join(migration.checksum for migration in migrate.migrations())
    # Names in PostgreSQL have 63 characters: one that tells all the sizes would be cut.
    loaded = f"loaded_{sha256(f'{sizes.name} {schema}'.encode()).hexdigest()[:16]}"
    with psycopg.connect(cluster.url_of("postgres"), autocommit=True) as connection:
        names = {row[0] for row in connection.execute("select datname from pg_database")}
        if loaded not in names:
            connection.execute("drop database if exists loading")
            connection.execute("create database loading")
            migrate.migrate(cluster.url_of("loading"))
            data.load(cluster.url_of("loading"), sizes)
            connection.execute(sql.SQL("alter database loading rename to {}").format(sql.Identifier(loaded)))
        connection.execute("drop database if exists bench with (force)")
        copy = sql.SQL("create database bench template {} strategy file_copy")
        connection.execute(copy.format(sql.Identifier(loaded)))
        connection.execute("checkpoint")
    return cluster.url_of("bench")


@contextmanager
def _serving(name: str, folder: Path, environment: Mapping[str, str]) -> Generator[Side]:
    """Run one of the servers as long as this lasts."""
    port = free_port()
    if name == "pinakes":
        command = [BIN / "pinakes", "serve", "--port", str(port), "--data", folder, "--workers", str(WORKERS)]
    else:
        options = ["--port", str(port), "--workers", str(WORKERS), "--loop", "uvloop", "--http", "1", "--no-ws"]
        command = [BIN / "granian", "--interface", "asgi", *options, "bench.thin_labels:app"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PINAKES_")}
    with _running(name, port, command, folder, {**kept, **environment, "PYTHONPATH": str(ROOT)}) as side:
        yield side


@contextmanager
def _mlflow(cluster: postgres.EmbeddedPostgres, folder: Path, marks: Releases) -> Generator[Side | Missing]:
    """Run MLflow with a database of its own in the same PostgreSQL, filled alike, where it is installed."""
    found = mlflow_peer.find()
    if isinstance(found, Missing):
        yield found
        return
    with psycopg.connect(cluster.url_of("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists mlflow with (force)")
        connection.execute("create database mlflow")
    port = free_port()
    command = found.command(port, WORKERS, cluster.url_of("mlflow"), folder / "mlflow")
    with _running("mlflow", port, command, folder, found.environment(), health="/health") as side:
        mlflow_peer.load(cluster.url_of("mlflow"), marks)
        yield side


@contextmanager
def _label_studio(cluster: postgres.EmbeddedPostgres, folder: Path, sizes: Sizes) -> Generator[Side | Missing]:
    """Run Label Studio in the same way."""
    found = label_studio_peer.find()
    if isinstance(found, Missing):
        yield found
        return
    with psycopg.connect(cluster.url_of("postgres"), autocommit=True) as connection:
        connection.execute("drop database if exists label_studio with (force)")
        connection.execute("create database label_studio")
    url = cluster.url_of("label_studio")
    port = free_port()
    environment = found.environment(url, folder / "label-studio", port)
    with (folder / "label-studio-preparing.log").open("wb") as output:
        for command in found.preparing():
            done = subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=output, check=False)
            if done.returncode:
                yield Missing(f"it could not be prepared; {output.name} says why")
                return
    label_studio_peer.load(url, sizes.paged)
    with _running("label-studio", port, found.command(port), folder, environment, health="/health") as side:
        yield side


@contextmanager
def _running(
    name: str,
    port: int,
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str],
    health: str = "/healthz",
) -> Generator[Side]:
    """Run a server as long as this lasts; what it says goes into a file of its name."""
    with (folder / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait(port, process, folder / f"{name}.log", health)
        yield Side(name, port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path, health: str) -> None:
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", health)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    message = f"the server did not start:\n{log.read_text()[-3000:]}"
    raise RuntimeError(message)


@contextmanager
def _temporary() -> Generator[Path]:
    """A folder that PostgreSQL's user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="pinakes-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def cpu_seconds(*roots: int) -> float:
    """How much time processors have spent on processes and all their descendants."""
    total = 0.0
    for root in roots:
        process = psutil.Process(root)
        for each in (process, *process.children(recursive=True)):
            try:
                times = each.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total
