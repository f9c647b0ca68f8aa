"""The guides' examples run: Python as it stands against a real server, commands as far as their words go."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App, CycloptsError

from pinakes.cli import errors, main
from support.server import Server, clean_environment

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def blocks(guide: Path, language: str) -> list[str]:
    return [found[2] for found in BLOCK.finditer(guide.read_text()) if found[1] == language]


def commands(guide: Path) -> Iterator[list[str]]:
    """The commands `pinakes …` of a guide's console blocks, as words."""
    for block in blocks(guide, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ pinakes "):
                yield shlex.split(line.removeprefix("$ pinakes ").split(" | ")[0])


def of_supervisely(guide: Path) -> bool:
    """Whether a guide's Python is for the client that has an environment of its own."""
    return any("import supervisely" in block for block in blocks(guide, "python"))


@pytest.mark.parametrize(
    "guide",
    [guide for guide in GUIDES if blocks(guide, "python") and not of_supervisely(guide)],
    ids=lambda path: path.stem,
)
def test_the_python_of_a_guide_runs_from_top_to_bottom(guide: Path, server: Server, tmp_path: Path):
    names: dict[str, Any] = {"url": server.url, "token": server.admin_token, "__name__": f"guide_{guide.stem}"}
    with ExitStack() as around:
        around.enter_context(redirect_stdout(StringIO()))
        if any("import wandb" in block for block in blocks(guide, "python")):
            from clients.wandb.lab import Person, working

            around.enter_context(working(Person(server.url, "admin", server.admin_token), tmp_path))
        for block in blocks(guide, "python"):
            exec(compile(block, str(guide), "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize("guide", [guide for guide in GUIDES if of_supervisely(guide)], ids=lambda path: path.stem)
def test_the_python_for_supervisely_runs_in_its_environment(guide: Path, server: Server, tmp_path: Path):
    given = f"url, token = {server.url!r}, {server.admin_token!r}"
    program = "\n".join([given, *blocks(guide, "python")])
    environment = clean_environment(HOME=str(tmp_path), SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK="true")
    python = ROOT / ".clients" / "supervisely-6.74" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", program], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def app() -> App:
    return main.build()


@pytest.mark.parametrize(
    ("guide", "words"),
    [(guide, words) for guide in GUIDES for words in commands(guide)],
    ids=lambda given: given.stem if isinstance(given, Path) else " ".join(given[:3]),
)
def test_a_command_of_a_guide_is_understood(app: App, guide: Path, words: list[str]):
    try:
        app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        pytest.fail(f"{guide.name}: pinakes {' '.join(words)}: {error}")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_links_to_what_there_is(guide: Path):
    for target in LINK.findall(guide.read_text()):
        assert (guide.parent / target).exists(), f"{guide.name} links to {target}"


def test_the_guide_has_the_exit_statuses_of_the_command_line():
    table = re.findall(r"^\| \d.*$", errors.__doc__ or "", re.MULTILINE)
    assert len(table) == 9
    assert "\n".join(table) in (ROOT / "docs" / "guides" / "cli.md").read_text()


def test_the_guide_names_every_class_of_error():
    import pinakes

    guide = (ROOT / "docs" / "guides" / "sdk.md").read_text()
    for name in pinakes.__all__:
        thing = getattr(pinakes, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            assert f"`{name}`" in guide or f"`pinakes.{name}`" in guide, name
