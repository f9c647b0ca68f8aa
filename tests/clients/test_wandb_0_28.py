"""The tests of the `wandb` client once more, under an older release, against the same server.

That client lives in an environment of its own (`make setup` makes it), with pytest and little else. So its run is a
process, one for each module, whose report is read here.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.server import Server, clean_environment

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).with_name("wandb")
MODULES = [path.stem for path in sorted(FOLDER.glob("test_*.py"))]
PYTHON = ROOT / ".clients" / "wandb-0.28" / "bin" / "python"
OUTCOMES_OF_FAILURE = ("failure", "error", "skipped")
PATIENCE = 400.0


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE + 20)
@pytest.mark.parametrize("module", MODULES)
def test_the_older_client_passes_the_same_tests(
    request: pytest.FixtureRequest, server: Server, tmp_path: Path, module: str
) -> None:
    """W-01 to W-35 with wandb 0.28.2."""
    report = tmp_path / "report.xml"
    command = [PYTHON, "-m", "pytest", FOLDER / f"{module}.py", f"--junitxml={report}", *_own_configuration()]
    environment = clean_environment(PINAKES_TEST_URL=server.url, PINAKES_TEST_ADMIN_TOKEN=server.admin_token)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = _passed(report)
    ours = _tests_of_this_run(request.session, module)
    assert passed
    assert ours <= passed, f"not run under the older client: {ours - passed}"


def test_it_is_the_older_client() -> None:
    """The environment holds the release that it says."""
    code = "import wandb; print(wandb.__version__)"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "0.28.2"


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
        "-W",
        "ignore:Implicitly cleaning up <TemporaryDirectory:ResourceWarning",
        "-o",
        "markers=slow: takes seconds",
        "-p",
        "no:cacheprovider",
        "--timeout=240",
        "-q",
    ]


def _passed(report: Path) -> set[str]:
    cases = ET.parse(report).getroot().iter("testcase")
    return {
        f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        for case in cases
        if all(case.find(outcome) is None for outcome in OUTCOMES_OF_FAILURE)
    }


def _tests_of_this_run(session: pytest.Session, module: str) -> set[str]:
    """The tests of the same module that this run collected, by the name that the report gives them."""
    path = FOLDER / f"{module}.py"
    found = (item for item in session.items if isinstance(item, pytest.Function) and item.path == path)
    return {f"{item.cls.__name__ if item.cls else item.path.stem}::{item.name}" for item in found}
