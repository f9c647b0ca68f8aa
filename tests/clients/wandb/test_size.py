"""What is large: one file in parts, very many files, many writers of one artifact."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import wandb

from clients.wandb.lab import Desk
from clients.wandb.making import contents, maker

# The older client goes the same ways after the newer one, with less: what makes it send parts, and pages of a list.
NEWEST = not wandb.__version__.startswith("0.28.")
LARGE = (3 if NEWEST else 2) * 1024**3 + 5
MANY = 10_000 if NEWEST else 3_000
WRITERS = 16

WRITER = """
import sys, wandb
entity, project, number, count = sys.argv[1:]
settings = wandb.Settings(silent=True)
with wandb.init(entity=entity, project=project, settings=settings) as run:
    for n in range(int(count)):
        made = wandb.Artifact("shared", "dataset", metadata={"writer": int(number), "turn": n})
        with made.new_file("x") as file:
            file.write(f"{number} {n}")
        logged = run.log_artifact(made, aliases=[f"writer-{number}"]).wait()
        print(logged.version)
"""


@pytest.mark.slow
def test_a_file_of_gigabytes_goes_in_parts(spot: Desk):
    """From 2 GiB on the client sends parts, and gets ranges; the sizes are beyond GraphQL's integers."""
    file = spot.folder / "large.bin"
    with file.open("wb") as sparse:
        sparse.truncate(LARGE - 5)
        sparse.seek(0, 2)
        sparse.write(b"ended")
    made = wandb.Artifact("large", "dataset")
    made.add_file(str(file), policy="immutable", skip_cache=True)
    with spot.init() as run:
        run.log_artifact(made).wait()
    found = spot.api().artifact(f"{spot.path}/large:v0")
    assert (found.size, found.file_count) == (LARGE, 1)
    [listed] = found.files()
    assert (listed.size, listed.md5) == (LARGE, found.manifest.entries["large.bin"].digest)
    file.unlink()
    back = Path(found.download(root=str(spot.folder / "back"), skip_cache=True), "large.bin")
    assert back.stat().st_size == LARGE
    with back.open("rb") as read:
        assert not any(read.read(1024))
        read.seek(-8, 2)
        assert read.read() == b"\0\0\0ended"
    back.unlink()


@pytest.mark.slow
def test_thousands_of_files_in_one_version(spot: Desk):
    folder = spot.folder / "many"
    for n in range(MANY):
        file = folder / f"{n // 1000}" / f"{n}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{spot.project} {n}")
    made = wandb.Artifact("many", "dataset")
    made.add_dir(str(folder), policy="immutable", skip_cache=True)
    with spot.init() as run:
        run.log_artifact(made).wait()
    with spot.afresh() as elsewhere:
        found = elsewhere.api().artifact(f"{spot.path}/many:v0")
        assert found.file_count == MANY
        assert len(found.manifest.entries) == MANY
        assert len(found.files()) == MANY
        assert len(contents(found.download(path_prefix="2/"))) == 1000
        there = found.get_entry(f"{(MANY - 1) // 1000}/{MANY - 1}.txt").download()
        assert Path(there).read_text() == f"{spot.project} {MANY - 1}"


@pytest.mark.slow
def test_sixteen_processes_log_to_one_artifact(spot: Desk):
    """Every one gets a number of its own, without a gap, and `latest` is on the highest."""
    script = spot.folder / "writer.py"
    script.write_text(WRITER)
    environment = spot.environment()
    writers: list[subprocess.Popen[str]] = []
    for n in range(WRITERS):
        command = [sys.executable, str(script), spot.team.name, spot.project, str(n), "2"]
        writers.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    printed = [writer.communicate(timeout=200)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS, "\n".join(printed)
    numbers = sorted(int(line[1:]) for said in printed for line in said.split())
    assert numbers == list(range(2 * WRITERS))
    versions = list(spot.api().artifacts("dataset", f"{spot.path}/shared", per_page=100))
    assert [found.name for found in versions] == [f"shared:v{n}" for n in reversed(range(2 * WRITERS))]
    assert "latest" in versions[0].aliases
    assert sum("latest" in found.aliases for found in versions) == 1
    # Each writer's alias is on its last one.
    last = {found.metadata["writer"]: found for found in versions if found.metadata["turn"] == 1}
    assert all(f"writer-{n}" in last[n].aliases for n in range(WRITERS))
    runs = {maker(found).id for found in versions}
    assert len(runs) == WRITERS
