"""The tests of the Hub's client once more, under the older client, against the same server.

That client lives in an environment of its own (`make setup` makes it), with pytest and little else. So its run is a
process, whose report is read here.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.server import Server, clean_environment

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("huggingface")
PYTHON = ROOT / ".clients" / "hf-1.29" / "bin" / "python"
OUTCOMES_OF_FAILURE = ("failure", "error", "skipped")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_older_client_passes_the_same_tests(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> None:
    """H-01 to H-54 with huggingface_hub 1.29.0."""
    report = tmp_path / "report.xml"
    command = [PYTHON, "-m", "pytest", FOLDER, f"--junitxml={report}", *_own_configuration()]
    environment = clean_environment(PINAKES_TEST_URL=server.url, PINAKES_TEST_ADMIN_TOKEN=server.admin_token)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = _passed(report)
    ours = _tests_of_this_run(request.session)
    assert len(passed) > 90
    assert ours <= passed, f"not run under the older client: {ours - passed}"


def test_it_is_the_older_client() -> None:
    """The environment holds the release that it says."""
    code = "import huggingface_hub; print(huggingface_hub.__version__)"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "1.29.0"


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
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "--timeout=120",
        "-q",
    ]


def _passed(report: Path) -> set[str]:
    cases = ET.parse(report).getroot().iter("testcase")
    return {
        f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        for case in cases
        if all(case.find(outcome) is None for outcome in OUTCOMES_OF_FAILURE)
    }


def _tests_of_this_run(session: pytest.Session) -> set[str]:
    """The tests of the same folder that this run collected, by the name that the report gives them."""
    found = (i for i in session.items if isinstance(i, pytest.Function) and i.path.parent == FOLDER)
    return {f"{item.cls.__name__ if item.cls else item.path.stem}::{item.name}" for item in found}
