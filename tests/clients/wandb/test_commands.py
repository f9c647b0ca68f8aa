"""`wandb artifact put`, `get` and `ls`."""

from __future__ import annotations

import pytest

from clients.wandb.lab import Desk, unique
from clients.wandb.making import artifact, contents, maker


def run(desk: Desk, *arguments: str) -> str:
    """Run a command that prints."""
    return desk.cli(*arguments, WANDB_SILENT="false")


def test_what_is_put_can_be_listed_and_got(spot: Desk):
    source = spot.folder / "source"
    (source / "deep").mkdir(parents=True)
    (source / "one.txt").write_text("1")
    (source / "deep" / "two.txt").write_text("2")
    said = run(spot, "artifact", "put", str(source), "--name", f"{spot.path}/pile", "--alias", "first")
    assert f"{spot.path}/pile:v0" in said
    said = run(spot, "artifact", "put", str(source / "one.txt"), "--name", f"{spot.path}/net", "--type", "model")
    assert f"{spot.path}/net:v0" in said
    api = spot.api()
    made = api.artifact(f"{spot.path}/pile:first")
    assert (made.type, sorted(made.aliases)) == ("dataset", ["first", "latest"])
    assert maker(made).job_type == "cli_put"

    listed = run(spot, "artifact", "ls", spot.path)
    assert "pile:v0" in listed
    assert "net:v0" in listed
    only = run(spot, "artifact", "ls", spot.path, "--type", "model")
    assert "net:v0" in only
    assert "pile" not in only

    root = spot.folder / "back"
    run(spot, "artifact", "get", f"{spot.path}/pile:first", "--root", str(root))
    assert contents(root) == {"one.txt": "1", "deep/two.txt": "2"}


def test_the_newest_version_is_listed_and_got(spot: Desk):
    with spot.init() as begun:
        for n in range(2):
            begun.log_artifact(artifact("pile", files={"x": f"{n}-{unique('x')}"})).wait()
    assert "pile:v1" in run(spot, "artifact", "ls", spot.path)
    root = spot.folder / "back"
    run(spot, "artifact", "get", f"{spot.path}/pile", "--root", str(root))
    assert contents(root)["x"].startswith("1-")


def test_a_link_is_got_by_its_name(spot: Desk):
    registry = spot.api().create_registry(unique("Shelf"), "organization", spot.team.organization_title)
    with spot.init() as begun:
        made = begun.log_artifact(artifact("net", "model", files={"x": "linked"})).wait()
        made.link(f"{registry.entity}/{registry.full_name}/Nets", aliases=["best"])
    root = spot.folder / "back"
    run(spot, "artifact", "get", f"{registry.entity}/{registry.full_name}/Nets:best", "--root", str(root))
    assert contents(root) == {"x": "linked"}


def test_what_is_not_there_is_said(spot: Desk):
    with pytest.raises(AssertionError, match="not found"):
        run(spot, "artifact", "get", f"{spot.path}/nothing:v0")
