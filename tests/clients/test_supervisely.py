"""The tests of the `supervisely` client, against a server of this run.

That client lives in an environment of its own (`make test` makes it), with pytest and little else, as its pins clash
with ours. It takes seconds to be imported, so its tests are one process, whose report is read here.
"""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.server import Server, clean_environment

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("supervisely")
PYTHON = ROOT / ".clients" / "supervisely-6.74" / "bin" / "python"
OUTCOMES_OF_FAILURE = ("failure", "error", "skipped")
PATIENCE = 600.0


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE + 20)
def test_the_client_passes_its_tests(server: Server, tmp_path: Path) -> None:
    """S1-01 to S1-12, S1-23, S1-30, S1-34 to S1-59 with supervisely 6.74.51."""
    report = tmp_path / "report.xml"
    command = [PYTHON, "-m", "pytest", FOLDER, f"--junitxml={report}", *_own_configuration()]
    environment = clean_environment(
        PINAKES_TEST_URL=server.url, PINAKES_TEST_ADMIN_TOKEN=server.admin_token, HOME=str(tmp_path)
    )
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = _passed(report)
    assert passed
    assert _written() <= passed, f"not run: {_written() - passed}"


def test_it_is_the_client_that_the_contract_is_for() -> None:
    """The environment holds the release that it says."""
    code = "from importlib.metadata import version; print(version('supervisely'))"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "6.74.51"


def _own_configuration() -> list[str]:
    """Nothing of the main run's configuration: its plugins and fixtures are not there."""
    return [
        "-c",
        os.devnull,
        f"--rootdir={FOLDER}",
        f"--confcutdir={FOLDER}",
        "--import-mode=importlib",
        "-o",
        f"pythonpath={FOLDER.parents[1]}",
        "-p",
        "no:cacheprovider",
        "--timeout=240",
        "-q",
    ]


def _passed(report: Path) -> set[str]:
    """The tests that passed with all of their examples, as `module::name`."""
    cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = {_name(case) for case in cases if any(case.find(outcome) is not None for outcome in OUTCOMES_OF_FAILURE)}
    return {_name(case) for case in cases} - failed


def _name(case: ET.Element) -> str:
    module = next(part for part in case.get("classname", "").split(".") if part.startswith("test_"))
    return f"{module}::{case.get('name', '').partition('[')[0]}"


def _written() -> set[str]:
    """The tests that the folder's modules hold."""
    return {
        f"{path.stem}::{node.name}"
        for path in FOLDER.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
