"""`pinakes media`, `datasets`, `labels`, `queues`, `live`, `combine`, `checks`: processes against a real server."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

import pinakes
from clients.native.test_cli_releases import Shell
from factories.media import png


class Served(Protocol):
    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test works: an organization's project of images, with a dataset."""

    organization: str
    project: str
    seed: int

    @property
    def dataset(self) -> str:
        return f"{self.project}/train"


@pytest.fixture
def shell(served: Served, tmp_path: Path) -> Shell:
    return Shell(served.url, served.token, tmp_path)


@pytest.fixture
def place(shell: Shell, admin: pinakes.Client) -> Place:
    organization = f"cli-{uuid4().hex[:10]}"
    admin.organizations.create(organization)
    project = f"{organization}/road"
    assert shell.words("projects", "create", project, "--data-type", "images") == [project]
    [number] = shell.words("datasets", "create", project, "train")
    return Place(organization, project, int(number) * 100)


def filled(shell: Shell, place: Place, count: int = 3) -> list[str]:
    """Import a folder of images, and return the numbers of the items."""
    folder = shell.folder / "photos"
    (folder / "night").mkdir(parents=True)
    for n in range(count):
        (folder / f"{n}.png").write_bytes(png(place.seed + n))
    (folder / "night" / "n.png").write_bytes(png(place.seed + 50))
    shell.run("media", "import", "photos", place.dataset)
    return shell.words("media", "ls", "--dataset", place.dataset, "--sort", "name")


def test_import_and_export(shell: Shell, place: Place):
    """Again only what is missing; what is no image is told, and the status says so."""
    items = filled(shell, place)
    assert len(items) == 3
    (shell.folder / "photos" / "notes.txt").write_text("no image")
    again = shell.run("media", "import", "photos", place.dataset, status=7)
    assert "unchanged\t4\nrefused\t1\n" in again.stdout
    assert "notes.txt: " in again.stderr
    assert "0 of 5 files sent" in again.stderr
    told = json.loads(shell.run("media", "import", "photos", place.dataset, "--json", status=7).stdout)
    assert (told["unchanged"], told["refused"], len(told["problems"])) == (4, 1, 1)
    assert shell.words("media", "ls", "--dataset", place.dataset, "--recursive", "--count") == ["4"]
    got = shell.run("media", "export", "out", "--project", place.project)
    assert got.stdout == "out\n"
    assert "4 files" in got.stderr
    assert (shell.folder / "out" / "train" / "night" / "n.png").read_bytes() == png(place.seed + 50)
    assert "4 of them there already" in shell.run("media", "export", "out", "--project", place.project).stderr
    shell.run("media", "get", items[0], "one.png")
    assert (shell.folder / "one.png").read_bytes() == png(place.seed)


def test_datasets_and_items(shell: Shell, place: Place):
    first, second, third = filled(shell, place)
    tree = shell.json("datasets", "ls", place.project)
    assert [one["name"] for one in tree] == ["train", "night"]
    shell.run("datasets", "create", place.project, "test", "--description", "Unseen")
    test = f"{place.project}/test"
    shell.run("datasets", "update", test, "--name", "unseen")
    test = f"{place.project}/unseen"
    assert "Unseen" in shell.run("datasets", "info", test).stdout
    assert shell.words("media", "move", first, "--into", test) == [first]
    [copy] = shell.words("media", "copy", second, "--into", test)
    assert shell.json("media", "info", copy)["sha256"] == shell.json("media", "info", second)["sha256"]
    assert "new.png" in shell.run("media", "rename", first, "new.png").stdout
    assert shell.words("media", "rm", third, "--reason", "blurred") == [third]
    assert shell.words("media", "restore", third) == [third]
    shell.run("media", "rm", 2**31 - 1, status=7)
    shell.run("media", "purge", third, "--yes", status=7)
    shell.run("media", "rm", third)
    shell.run("media", "purge", third, status=2)
    assert shell.words("media", "purge", third, "--yes") == [third]
    shell.run("media", "restore", third, status=7)
    shell.run("media", "info", 2**31 - 1, status=4)
    shell.run("datasets", "move", f"{place.dataset}/night")
    shell.run("datasets", "rm", test, status=2)
    shell.run("datasets", "rm", test, "--yes")
    shell.run("datasets", "info", test, status=4)


def test_labels(shell: Shell, place: Place):
    first, second, _ = filled(shell, place)
    [number] = shell.words("labels", "classes", "add", place.project, "car", "--shape", "rectangle")
    shell.run("labels", "tags", "add", place.project, "weather", "--says", "oneof_string", "--choice", "fog")
    assert [one["name"] for one in shell.json("labels", "classes", "ls", place.project)] == ["car"]
    box = {"points": {"exterior": [[0, 0], [4, 3]]}}
    body = {"figures": [{"class_name": "car", "geometry_type": "rectangle", "geometry": box}]}
    (shell.folder / "labels.json").write_text(json.dumps(body))
    assert "1 figures, 0 tags" in shell.run("labels", "put", first, "labels.json").stderr
    shown = shell.run("labels", "show", first, "--json").stdout
    (shell.folder / "shown.json").write_text(shown)
    shell.run("labels", "put", second, "shown.json")
    [figure] = shell.words("labels", "show", second)
    assert shell.words("labels", "history", figure) == []
    shell.run("media", "tag", first, second, "--name", "weather", "--value", "fog")
    # Files are sent side by side, so either may have been the first to get its number.
    found = shell.words("media", "ls", "tag:weather=fog class:car", "--project", place.project)
    assert sorted(found) == sorted([first, second])
    shell.run("media", "untag", second, "--name", "weather")
    out = shell.run("labels", "export", "all.jsonl", "--project", place.project)
    assert "4 items written" in out.stderr
    assert "4 of 4 items saved" in shell.run("labels", "import", "all.jsonl").stderr
    shell.run("annotations", "export", "coco.zip", "--project", place.project, "--labels-only")
    with zipfile.ZipFile(shell.folder / "coco.zip") as packed:
        document = json.loads(packed.read("annotations.json"))
    assert len(document["images"]) == 4
    shell.run("annotations", "export", "none.zip", "--project", place.project + "-none", status=4)
    (shell.folder / "bad.jsonl").write_text(json.dumps({"item": int(first), **body, "tags": [{"name": "none"}]}))
    assert "line 1: " in shell.run("labels", "import", "bad.jsonl", status=7).stderr
    (shell.folder / "worse.jsonl").write_text("nonsense")
    shell.run("labels", "import", "worse.jsonl", status=2)
    shell.run("labels", "classes", "rm", number, "--yes")


def crew(shell: Shell, place: Place, admin: pinakes.Client) -> tuple[dict[str, str], Shell, Shell]:
    """An annotator and a reviewer: their names by their roles, and a shell for each."""
    people = {role: f"{role}-{uuid4().hex[:8]}" for role in ("annotator", "reviewer")}
    for role, name in people.items():
        admin.users.create(name)
        shell.run("admin", "organizations", "add", place.organization, name, "--role", role)
    anna, rita = [replace(shell, token=admin.tokens.create(name, scope="write").token) for name in people.values()]
    return people, anna, rita


def test_from_a_version_back_to_each_item(shell: Shell, place: Place, admin: pinakes.Client):
    """Story D, step 5, from a terminal: the items of the revision that it names, and who accepted each."""
    first, second, third = filled(shell, place)
    people, anna, rita = crew(shell, place, admin)
    [hard] = shell.words("selections", "create", place.project, "Hard ones", first, second, third)
    made = ("queues", "create", "Round one", "--collection", hard)
    [queue] = shell.words(*made, "--labeler", people["annotator"], "--reviewer", people["reviewer"])
    assert anna.words("queues", "next", queue) == [first]
    anna.run("queues", "submit", queue, first)
    rita.run("queues", "next", queue, "--part", "review")
    rita.run("queues", "accept", queue, first)
    frozen = admin.collections.get(hard).revision
    shell.run("media", "rm", third)
    (shell.folder / "digits.txt").write_text("learned")
    metadata = json.dumps({"pinakes": {"collection": hard, "revision": frozen}})
    runs = f"{place.organization}/runs"
    put = ("artifacts", "put", f"{runs}/digits", "digits.txt", "--type", "dataset", "--metadata", metadata)
    [version] = shell.words(*put)
    steps = shell.json("artifacts", "provenance", version)
    assert [(one["item"], one["file"], one["revision"]) for one in steps] == [
        (int(first), "0.png", frozen),
        (int(second), "1.png", frozen),
        (int(third), "2.png", frozen),
    ], "also what is in the trash by now"
    assert [(one["labeler"], one["reviewer"], one["state"], one["queue"]) for one in steps] == [
        (people["annotator"], people["reviewer"], "accepted", int(queue)),
        (None, None, None, None),
        (None, None, None, None),
    ]
    assert steps[0]["accepted_at"] > steps[0]["submitted_at"]
    told = shell.run("artifacts", "provenance", f"{runs}/digits:v0", "--limit", 1)
    heading, line = told.stdout.splitlines()
    assert heading == "item\tfile\tlabeler\treviewer\taccepted\tstate\tqueue\tcollection"
    assert line.split("\t")[:4] == [first, "0.png", people["annotator"], people["reviewer"]]
    assert line.endswith(f"\taccepted\tRound one\tHard ones, revision {frozen}")
    assert "--limit" in told.stderr
    (shell.folder / "digits.txt").write_text("something else")
    assert shell.words("artifacts", "provenance", shell.words(*put[:-2])[0]) == []
    shell.run("artifacts", "provenance", f"{runs}/digits:v7", status=4)


def test_queues(shell: Shell, place: Place, admin: pinakes.Client):
    first, second, _ = filled(shell, place)
    people, anna, rita = crew(shell, place, admin)
    shell.run("labels", "classes", "add", place.project, "car")
    [hard] = shell.words("selections", "create", place.project, "Hard ones", first, second)
    assert shell.words("selections", "ls", place.project) == [hard]
    made = ("queues", "create", "Round one", "--collection", hard, "--class", "car")
    [queue] = shell.words(*made, "--labeler", people["annotator"], "--reviewer", people["reviewer"])
    assert anna.words("queues", "next", queue) == [first]
    (shell.folder / "labels.json").write_text(json.dumps({"tags": []}))
    assert anna.words("queues", "submit", queue, first, "--labels", "labels.json") == [first]
    assert anna.words("queues", "next", queue) == [second]
    anna.run("queues", "skip", queue, second, "--comment", "dark")
    assert "Nothing is left" in anna.run("queues", "next", queue).stderr
    assert rita.words("queues", "next", queue, "--part", "review") == [first]
    rita.run("queues", "reject", queue, first, "--comment", "wider")
    assert anna.json("queues", "next", queue)["given"]["state"] == "rejected"
    anna.run("queues", "submit", queue, first)
    rita.run("queues", "next", queue, "--part", "review")
    assert "accepted" in rita.run("queues", "accept", queue, first).stdout
    assert "1 accepted" in shell.run("queues", "stats", queue).stderr
    assert people["annotator"] in shell.run("queues", "stats", queue, "--csv").stdout
    assert shell.words("queues", "items", queue, "--state", "accepted") == [first]
    assert people["reviewer"] in shell.run("queues", "log", queue, "--item", first).stdout
    assert queue in shell.words("queues", "ls", "--project", place.project)
    assert len(anna.words("queues", "jobs", "--mine")) == 1
    shell.run("queues", "prioritize", queue, second, "--priority", 5)
    assert "stopped" in shell.run("queues", "update", queue, "--status", "stopped").stdout
    anna.run("queues", "stats", queue, status=3)
    shell.run("queues", "rm", queue, "--yes")
    shell.run("queues", "info", queue, status=4)


def test_live_combine_checks(shell: Shell, admin: pinakes.Client):
    stem = uuid4().hex[:12]
    one, two = [admin.repos.create("model", f"{stem}-{n}") for n in range(2)]
    made = admin.collections.create(f"Live {stem}").id
    shell.run("live", "show", made, status=4)
    shell.run("live", "set", made, f"kind:model name:{stem}")
    assert len(shell.words("items", "ls", made)) == 2
    shell.run("live", "ban", made, one.id, "--reason", "old")
    assert f"model:{two.address}" in shell.run("live", "pin", made, f"model:{two.address}", "--note", "Best").stdout
    [frozen] = shell.words("live", "freeze", made, f"Frozen {stem}")
    shell.run("live", "unban", made, one.id)
    shell.run("live", "unpin", made, two.id)
    shell.run("live", "refresh", made)
    assert shell.words("combine", "union", made, frozen) == ["2"]
    [rest] = shell.words("combine", "difference", made, frozen, "--title", f"Rest {stem}")
    assert len(shell.words("items", "ls", rest)) == 1
    add = ("checks", "add", rest, "disjoint", "--param", f"collection={frozen}", "--blocks")
    [check] = shell.words(*add)
    shell.run("checks", "run", rest)
    failed = shell.run("items", "add", rest, f"model:{two.address}", status=5)
    assert "pinakes checks ls" in failed.stderr
    shell.run("checks", "add", rest, "size", "--param", "most=0")
    assert "no" in shell.run("checks", "run", rest, status=7).stdout
    assert check in shell.words("checks", "ls", rest)
    shell.run("checks", "rm", rest, check)
    shell.run("live", "end", made)
    shell.run("live", "show", made, status=4)


def test_workspaces(shell: Shell, place: Place):
    [number] = shell.words("workspaces", "create", "Cars", "--account", place.organization)
    [project] = shell.words(
        "projects", "create", f"{place.organization}/x", "--data-type", "videos", "--workspace", number
    )
    assert project == f"{place.organization}/x"
    assert shell.json("projects", "ls", "--workspace", number)[0]["data_type"] == "videos"
    assert shell.words("workspaces", "ls", place.organization)[-1] == number
    shell.run("workspaces", "rm", number, status=2)
