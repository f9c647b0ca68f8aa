"""The benchmark runs: on small data, for a moment, so that it does not rot until somebody needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.server import clean_environment

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment(BENCH_MLFLOW="none", BENCH_LABEL_STUDIO="none"),
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )


def numbers() -> list[str]:
    listed = bench("--list")
    assert listed.returncode == 0, listed.stderr
    return [line.split()[0] for line in listed.stdout.splitlines()]


def test_it_lists_its_workloads():
    assert {"1a", "2", "6b", "7", "10a", "11a", "11d", "12c", "13e", "R1a", "R1b", "R4", "R6c"} <= set(numbers())
    assert {"L7a", "L7c", "L8a", "L8b", "L9", "L10a", "L11a", "L11b", "L12b"} <= set(numbers())


def test_an_unknown_workload_is_refused():
    refused = bench("--only", "99")
    assert refused.returncode == 2
    assert "--list shows them" in refused.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_workload_runs():
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    ran = bench("--quick")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    wanted = numbers()
    told = [line.partition("  ")[0] for line in ran.stdout.splitlines()]
    assert [number for number in told if number in wanted] == wanted
    for peer in ("MLflow", "Label Studio"):
        assert f"Without {peer}: " in ran.stdout, "there is none here, and the table says so"
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page, "a quick run is no result"


def test_the_results_page_has_every_workload():
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for number in numbers():
        assert f"| {number} |" in page, "run `make bench`"
