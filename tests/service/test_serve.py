"""`pinakes serve`, as an operator meets it."""

from __future__ import annotations

import os
import signal
import stat
import statistics
import subprocess
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import httpx2
import orjson
import psutil
import pytest

from support.folders import open_folder
from support.server import (
    ADMIN_TOKEN,
    PROGRAM,
    Server,
    clean_environment,
    ended,
    free_port,
    serving,
    stop,
    wait_for_the_end,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def data() -> Generator[Path]:
    with open_folder() as folder:
        yield folder


def family(server: Server) -> list[psutil.Process]:
    """The server's processes: the first, those that answer requests, the one that does background work."""
    main = psutil.Process(server.process.pid)
    found = [main]
    for child in main.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # gone since it was listed
            if not child.name().startswith("postgres"):
                found.append(child)
    return found


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def wait_until_ready(url: str) -> None:
    until = time.monotonic() + 30
    while not httpx2.get(f"{url}/readyz").is_success:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_probes_answer(server: Server):
    assert httpx2.get(f"{server.url}/healthz").json() == {"status": "up"}
    assert httpx2.get(f"{server.url}/readyz").json() == {"status": "ready"}
    assert "pinakes_requests_total" in httpx2.get(f"{server.url}/metrics").text


def test_an_unknown_path_is_answered_in_json(server: Server):
    answer = httpx2.get(f"{server.url}/no/such/path?token=secret")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_every_request_has_its_line_in_the_log(server: Server):
    httpx2.get(f"{server.url}/no/such/line?token=secret", headers={"x-request-id": "find-me"})
    until = time.monotonic() + 5
    while "find-me" not in server.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    (line,) = [line for line in server.log.read_text().splitlines() if "find-me" in line]
    written = orjson.loads(line)
    assert (written["method"], written["path"], written["status"]) == ("GET", "/no/such/line", 404)
    assert "secret" not in line


def test_counts_are_those_of_all_processes(server: Server):
    def count() -> float:
        lines = httpx2.get(f"{server.url}/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("pinakes_requests_total{"))

    before = count()
    for _ in range(20):
        httpx2.get(f"{server.url}/healthz")  # a new connection each, so that several processes answer
    assert count() >= before + 20


def test_all_processes_count_attempts_to_sign_in_together(server: Server):
    body = {"name": "nobody-at-all", "password": "wrong"}
    answers = [httpx2.post(f"{server.url}/api/v1/sessions", json=body).status_code for _ in range(30)]
    assert answers == [401] * 10 + [429] * 20  # a new connection each, so that several processes answer


def test_a_kept_connection_does_not_stall(server: Server):
    times: list[float] = []
    with httpx2.Client(base_url=server.url) as client:
        for _ in range(50):
            began = time.perf_counter()
            client.get("/healthz")
            times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.02, "40 ms would be Nagle's algorithm meeting a delayed acknowledgement"


def test_the_administrators_token_comes_from_the_settings(server: Server):
    assert server.admin_token == ADMIN_TOKEN
    assert not (server.data / "admin-token").exists()
    assert ADMIN_TOKEN not in server.log.read_text()


def test_without_one_it_is_generated_shown_once_and_kept(data: Path):
    settings = {"PINAKES_ADMIN_TOKEN": "", "PINAKES_WORKERS": "1"}
    with serving(data=data, settings=settings) as first:
        token = (data / "admin-token").read_text().strip()
        assert stat.S_IMODE((data / "admin-token").stat().st_mode) == 0o600
        assert token in first.log.read_text()
        assert stop(first.process) == 0
    first.log.unlink()
    with serving(data=data, settings=settings) as second:
        assert token not in second.log.read_text()
        assert (data / "admin-token").read_text().strip() == token


def test_programs_are_told_where_it_is(data: Path):
    """`--json` and `--quiet`: one value on stdout when it is up, and nothing but the log elsewhere."""
    settings = clean_environment(PINAKES_WORKERS="1", PINAKES_TASK_CONCURRENCY="0")
    for flag in ("--json", "--quiet"):
        port = free_port()
        command = [PROGRAM, "serve", "--data", data, "--port", str(port), flag]
        with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.stdout.read() == b""
            log = process.stderr.read().splitlines()
            assert process.wait(30) == 0
        if flag == "--quiet":
            assert (line.decode(), log) == (f"http://127.0.0.1:{port}\n", [])
        else:
            token = (data / "admin-token").read_text().strip()
            told = {"url": f"http://127.0.0.1:{port}", "data": str(data), "admin_token": token}
            assert orjson.loads(line) == told
            assert [orjson.loads(one)["event"] for one in log]


def test_it_survives_kill_9_of_all_kinds(data: Path):
    with serving(data=data) as server:
        os.kill(postmaster(data), signal.SIGKILL)
        wait_until_ready(server.url)
        workers = [process for process in family(server)[1:] if "work" not in process.cmdline()]
        workers[0].kill()
        until = time.monotonic() + 20
        while len(family(server)) < 4 or not workers_ready(server):
            assert time.monotonic() < until
            time.sleep(0.1)
        processes = family(server)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        assert len(processes) == 4  # the first, two that answer requests, one for background work
        wait_for_the_end(processes)
        left = psutil.Process(postmaster(data))
    with serving(data=data) as again:
        assert ended(left)
        assert httpx2.get(f"{again.url}/readyz").json() == {"status": "ready"}


def workers_ready(server: Server) -> bool:
    try:
        return all(httpx2.get(f"{server.url}/readyz").is_success for _ in range(4))
    except httpx2.TransportError:
        return False


def test_a_second_server_on_the_same_folder_is_refused(server: Server):
    command = [PROGRAM, "serve", "--data", server.data, "--port", str(free_port())]
    second = subprocess.run(command, check=False, capture_output=True, text=True, env=clean_environment())
    assert second.returncode == 1
    assert f"(process {server.process.pid}) uses the data folder {server.data}." in second.stderr
    assert "Traceback" not in second.stderr


def test_a_second_server_on_the_same_port_is_refused(server: Server, data: Path):
    command = [PROGRAM, "serve", "--data", data / "new", "--port", server.url.rpartition(":")[2]]
    second = subprocess.run(command, check=False, capture_output=True, text=True, env=clean_environment())
    assert second.returncode == 1
    assert "Address already in use" in second.stderr
    assert not (data / "new").exists(), "nothing is left of what never started"


def test_check_config_shows_settings_and_finds_misspelled_ones():
    environment = clean_environment(PINAKES_PORT="9", PINAKES_ADMIN_TOKEN="hidden", PINAKES_PROT="1")
    shown = subprocess.run([PROGRAM, "check-config"], check=False, capture_output=True, text=True, env=environment)
    assert "PINAKES_PORT=9" in shown.stdout
    assert "hidden" not in shown.stdout
    assert "PINAKES_PROT is no setting" in shown.stderr
    assert shown.returncode == 1


def test_a_setting_that_makes_no_sense_is_explained():
    refused = subprocess.run(
        [PROGRAM, "serve"], check=False, capture_output=True, text=True, env=clean_environment(PINAKES_PORT="x")
    )
    assert refused.stderr == "pinakes: PINAKES_PORT must be a whole number, not 'x'.\n"
