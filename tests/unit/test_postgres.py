from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from pinakes.server import folder, postgres
from pinakes.server.postgres import EmbeddedPostgres
from pinakes.server.settings import CannotStart
from support.folders import open_folder

OPTIONS = {"shared_buffers": "16MB"}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("gigabytes", "megabytes"), [(0.25, 128), (1, 256), (24, 6144), (256, 8192)])
def test_a_quarter_of_the_memory_is_for_the_database(gigabytes: float, megabytes: int):
    assert postgres.cache(int(gigabytes * 1024**3)) == megabytes


def test_a_container_may_have_less_memory_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(postgres, "_CONTAINER_LIMITS", (limit,))
    machine = postgres.memory()
    limit.write_text("max\n")
    assert postgres.memory() == machine
    limit.write_text(f"{512 * 1024**2}\n")
    assert postgres.memory() == 512 * 1024**2


@pytest.fixture
def data() -> Generator[Path]:
    with open_folder() as path:
        yield path / "data"


@pytest.fixture
def embedded(data: Path) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data, options=OPTIONS)
    server.start()
    yield server
    server.stop()


def ask(server: EmbeddedPostgres, statement: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def wait_for(server: EmbeddedPostgres) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            ask(server, "select 1")
        except psycopg.OperationalError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_answers_and_only_its_user_gets_in(embedded: EmbeddedPostgres, data: Path):
    assert str(ask(embedded, "show server_version")).startswith(postgres.MAJOR)
    assert ask(embedded, "show fsync") == "on"
    assert ask(embedded, "show listen_addresses") == ""
    assert ask(embedded, "select lower('ÄÖ')") == "äö"
    assert mode(data / "postgres") == mode(data / "run") == 0o700
    if os.geteuid() == 0:
        assert (data / "postgres").stat().st_uid == postgres.unprivileged_user().uid


def test_no_folder_outside_changes(data: Path):
    before = {path: path.stat() for path in data.parents}
    server = EmbeddedPostgres(data, options=OPTIONS)
    server.start()
    server.stop()
    for path, was in before.items():
        assert (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) == (was.st_mode, was.st_uid, was.st_gid)


def test_what_was_committed_survives_kill_9_of_postgres(embedded: EmbeddedPostgres):
    ask(embedded, "create table kept as select 7 as seven")
    first = embedded.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(embedded)
    assert ask(embedded, "select seven from kept") == 7
    assert embedded.pid != first


def test_a_start_after_kill_9_of_the_server_finds_the_data(data: Path):
    left = EmbeddedPostgres(data, options=OPTIONS)
    left.start_and_leave()
    first = postgres.leftover(left.cluster)
    ask(left, "create table kept as select 7 as seven")
    again = EmbeddedPostgres(data, options=OPTIONS)
    again.start()
    assert ask(again, "select seven from kept") == 7
    assert again.pid != first
    again.stop()


def test_a_stale_pid_file_of_another_process_is_no_obstacle(embedded: EmbeddedPostgres, data: Path):
    embedded.stop()
    with subprocess.Popen(["sleep", "60"]) as other:
        (data / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n{data}/postgres\n0\n5432\n\n\n\nready\n")
        again = EmbeddedPostgres(data, options=OPTIONS)
        again.start()
        assert other.poll() is None
        again.stop()
        other.kill()


def test_a_start_that_was_cut_short_leaves_no_half_cluster(data: Path):
    (data / "postgres.new").mkdir(parents=True)
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(data, options=OPTIONS)
    server.start()
    server.stop()


def test_another_versions_cluster_is_refused(data: Path):
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(CannotStart, match="was made by PostgreSQL 14"):
        EmbeddedPostgres(data, options=OPTIONS).start()


def test_a_long_path_keeps_its_socket_elsewhere(data: Path):
    server = EmbeddedPostgres(data / ("x" * 100), options=OPTIONS)
    (data / ("x" * 100)).mkdir(parents=True)
    data.chmod(0o711)
    server.start()
    assert ask(server, "select 1") == 1
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_a_closed_folder_is_refused_and_left_closed(data: Path):
    closed = data / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(CannotStart, match="can't reach"):
        EmbeddedPostgres(closed / "data", options=OPTIONS).start()
    assert mode(closed) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_programs_out_of_reach_are_copied(data: Path, monkeypatch: pytest.MonkeyPatch):
    closed = data.parent / "closed"
    closed.mkdir()
    package = postgres.wheel_programs().parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        (closed / part.name).symlink_to(part)
    closed.chmod(0o700)
    programs = closed / package.name / f"pginstall{postgres.MAJOR}" / "bin"
    monkeypatch.setattr(postgres, "wheel_programs", lambda: programs)
    server = EmbeddedPostgres(data, options=OPTIONS)
    server.start()
    assert ask(server, "select 1") == 1
    server.stop()
    assert mode(closed) == 0o700


def test_a_data_folder_is_held_by_one(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folder, "PATIENCE", 0.0)
    folder.make(data)
    refused = pytest.raises(CannotStart, match=rf"process {os.getpid()}\) uses the data folder")
    with folder.held(data), refused, folder.held(data):
        pass
    with folder.held(data):
        pass


def test_a_secret_is_closed_even_where_a_file_was_open(data: Path):
    folder.make(data)
    (data / "token").write_text("old, and open")
    folder.write_secret(data / "token", "new")
    assert mode(data / "token") == 0o600
    assert (data / "token").read_text() == "new"
