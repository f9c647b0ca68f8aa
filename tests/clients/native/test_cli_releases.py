"""`pinakes registries`, `releases`, `artifacts` and `projects`, as processes of their own against a real server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

import pinakes
from support import command
from support.command import Done
from support.server import clean_environment


class Served(Protocol):
    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands as somebody."""

    url: str
    token: str
    folder: Path

    def run(self, *arguments: object, status: int = 0) -> Done:
        environment = clean_environment(
            PINAKES_URL=self.url, PINAKES_TOKEN=self.token, TZ="UTC", XDG_CONFIG_HOME=str(self.folder)
        )
        done = command.run(arguments, environment, folder=self.folder)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: object) -> Any:  # noqa: ANN401 - what JSON holds
        return json.loads(self.run(*arguments, "--json").stdout)

    def words(self, *arguments: object) -> list[str]:
        return self.run(*arguments, "--quiet").stdout.splitlines()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test works: a team's project, and a registry."""

    organization: str
    project: str
    registry: str

    @property
    def artifact(self) -> str:
        return f"{self.project}/reader"

    @property
    def release(self) -> str:
        return f"{self.registry}/MNIST"


@pytest.fixture
def shell(served: Served, tmp_path: Path) -> Shell:
    return Shell(served.url, served.token, tmp_path)


@pytest.fixture(scope="module")
def organization(admin: pinakes.Client) -> str:
    name = f"cli-{uuid4().hex[:12]}"
    admin.organizations.create(name)
    admin.organizations.create_team(name, f"{name}-vision")
    return name


@pytest.fixture
def place(admin: pinakes.Client, organization: str) -> Place:
    registry = admin.registries.create(organization, f"Fine-tuned {uuid4().hex[:8]}")
    return Place(organization, f"{organization}-vision/digits {uuid4().hex[:8]}", f"{organization}/{registry.name}")


def logged(shell: Shell, place: Place, text: str, *more: object) -> str:
    """Log a version with one file, and return its number on the server."""
    (shell.folder / "model.txt").write_text(text)
    [number] = shell.words("artifacts", "put", place.artifact, "model.txt", "--type", "model", *more)
    return number


def test_putting_and_getting(shell: Shell, place: Place):
    (shell.folder / "model" / "deep").mkdir(parents=True)
    (shell.folder / "model" / "deep" / "weights").write_text(uuid4().hex)
    (shell.folder / "README").write_text("Read me")
    put = ("artifacts", "put", place.artifact, "model", "README", "--type", "model", "--metadata", '{"accuracy": 0.98}')
    done = shell.run(*put, "--alias", "best", "--reference", "images=s3://bucket/images", "--tag", "vision")
    assert "2 of 3 files sent" in done.stderr
    assert "version\treader:v0\n" in done.stdout
    assert "this is it" in shell.run(*put, "--reference", "images=s3://bucket/images").stderr
    assert shell.words("artifacts", "ls", place.project) == [place.artifact]
    assert shell.words("artifacts", "files", f"{place.artifact}:best") == ["README", "deep/weights", "images"]
    info = shell.run("artifacts", "info", place.artifact).stdout
    assert "metadata\taccuracy=0.98\n" in info
    assert f"stands in\t{place.artifact}:v0 (best, latest)\n" in info
    got = shell.run("artifacts", "get", f"{place.artifact}:v0")
    assert got.stdout == "reader-v0\n"
    assert "images lives elsewhere: s3://bucket/images" in got.stderr
    assert (shell.folder / "reader-v0" / "README").read_text() == "Read me"
    assert (shell.folder / "reader-v0" / "deep" / "weights").exists()
    again = shell.json("artifacts", "get", f"{place.artifact}:v0", "there", "--file", "README")
    assert (again["files"], again["kept"]) == (1, 0)
    assert "2 of them there already" in shell.run("artifacts", "get", f"{place.artifact}:v0").stderr
    assert shell.run("artifacts", "lineage", place.artifact).stdout == "from\t\tto\n"
    assert shell.json("artifacts", "lineage", place.artifact)["truncated"] is False


def test_what_is_said_when_it_goes_wrong(shell: Shell, place: Place):
    put = ("artifacts", "put", place.artifact)
    assert "JSON object" in shell.run(*put, "--type", "model", "--metadata", "[1]", status=2).stderr
    assert "PATH=URL" in shell.run(*put, "--type", "model", "--reference", "s3://b", status=2).stderr
    assert "OWNER/PROJECT/ARTIFACT" in shell.run("artifacts", "put", "a/b", "--type", "model", status=2).stderr
    assert "none.bin" in shell.run(*put, "none.bin", "--type", "model", status=1).stderr
    logged(shell, place, "one")
    assert "releases versions" in shell.run("artifacts", "info", f"{place.artifact}:none", status=4).stderr
    assert "artifacts files" in shell.run("artifacts", "get", place.artifact, "to", "--file", "no", status=4).stderr
    assert "projects ls" in shell.run("projects", "info", f"{place.organization}/none", status=4).stderr
    assert "registries ls" in shell.run("registries", "info", f"{place.organization}/none", status=4).stderr
    assert "no day or time" in shell.run("releases", "alias-at", place.artifact, "x", "--at", "soon", status=2).stderr


def test_linking_and_aliases(shell: Shell, place: Place):
    logged(shell, place, "one")
    done = shell.run("releases", "link", place.release, f"{place.artifact}:v0", "--alias", "staging", "--reason", "try")
    assert "aliases\tlatest, staging\n" in done.stdout
    assert "before" in shell.run("releases", "link", place.release, f"{place.artifact}:v0").stderr
    second = logged(shell, place, "two")
    assert shell.words("releases", "link", place.release, second) == ["v1"]
    assert shell.words("releases", "ls", place.registry) == [place.release]
    assert shell.words("releases", "versions", place.release) == ["v1", "v0"]
    assert shell.words("releases", "versions", place.release, "--oldest-first") == ["v0", "v1"]
    assert "versions\t2\n" in shell.run("releases", "info", place.release).stdout
    shell.run("releases", "alias", "set", place.release, "production", "v0", "--reason", "passed the checks")
    shell.run("releases", "alias", "set", place.release, "production", "latest", "--reason", "better")
    now = shell.run("releases", "alias-at", place.release, "production").stdout
    assert "version\tv1\n" in now
    assert "why\tbetter\n" in now
    today = datetime.now(UTC).date()
    assert shell.words("releases", "alias-at", place.release, "production", "--at", today) == ["v1"]
    yesterday = today - timedelta(days=1)
    gone = shell.run("releases", "alias-at", place.release, "production", "--at", yesterday, status=4)
    assert "named nothing then" in gone.stderr
    log = shell.json("releases", "log", place.release, "--alias", "production")
    assert [(row["number"], row["reason"]) for row in log] == [(1, "better"), (0, "passed the checks")]
    shell.run("releases", "alias", "rm", place.release, "production", "--reason", "withdrawn")
    shell.run("releases", "unlink", place.release, "staging", "--reason", "too old")
    assert shell.words("releases", "versions", place.release) == ["v1"]
    assert shell.words("releases", "log", place.release, "--links") == ["v1", "v0"]


def test_protecting_and_promoting(shell: Shell, place: Place, admin: pinakes.Client):
    people = {role: f"{role}-{uuid4().hex[:8]}" for role in ("member", "admin", "restricted-viewer")}
    desks: dict[str, Shell] = {}
    for role, name in people.items():
        admin.users.create(name)
        token = admin.tokens.create(name, scope="write").token
        desks[role] = Shell(shell.url, token, shell.folder)
        shell.run("registries", "members", "add", place.registry, name, "--role", role.replace("-", "_"))
    assert set(people.values()) < set(shell.words("registries", "members", "ls", place.registry))
    logged(shell, place, "one")
    shell.run("releases", "link", place.release, f"{place.artifact}:v0")
    assert shell.words("registries", "protect", place.registry, "production", "--approvals", "1") == ["production"]
    assert shell.words("registries", "protected", place.registry) == ["production"]
    set_it = ("releases", "alias", "set", place.release, "production", "v0")
    assert "members ls" in desks["member"].run(*set_it, status=3).stderr
    assert "releases promote" in desks["admin"].run(*set_it, status=3).stderr
    asked = desks["member"].run("releases", "promote", place.release, "production", "v0", "--reason", "passed")
    [number] = shell.words("releases", "promotions", place.release, "--state", "open")
    assert f"releases approve {number}" in asked.stderr
    assert "approvals\t1 of 1\n" in desks["admin"].run("releases", "approve", number, "--comment", "fine").stdout
    assert shell.words("releases", "alias-at", place.release, "production") == ["v0"]
    assert "promotions" in desks["admin"].run("releases", "reject", number, status=5).stderr
    again = ("releases", "promote", place.release, "production", "v0")
    logged(shell, place, "two")
    shell.run("releases", "link", place.release, place.artifact)
    for word, desk in (("reject", "admin"), ("withdraw", "member")):
        [asked_again] = desks["member"].words(*again[:-1], "v1")
        assert word in desks[desk].run("releases", word, asked_again).stdout
    viewer = desks["restricted-viewer"]
    assert viewer.words("releases", "versions", place.release) == ["v1", "v0"]
    viewer.run("artifacts", "get", f"{place.release}:production", status=3)
    shell.run("registries", "members", "remove", place.registry, people["member"])
    shell.run("registries", "unprotect", place.registry, "production")
    assert shell.words("registries", "protected", place.registry) == []


def test_registries(shell: Shell, place: Place):
    name = f"{place.organization}/Shelf {uuid4().hex[:8]}"
    create = ("registries", "create", name, "--type", "model", "--on-deletion", "tombstone")
    assert shell.words(*create) == [name]
    assert "another name" in shell.run(*create, status=5).stderr
    shell.run(*create, "--exists-ok")
    assert name in shell.words("registries", "ls", place.organization)
    assert name in shell.words("registries", "ls", "--limit", "1000")
    assert shell.json("registries", "update", name, "--type", "dataset")["types"] == ["dataset", "model"]
    assert shell.json("registries", "update", name, "--all-types", "--description", "Any")["all_types"]
    assert "types\tany\n" in shell.run("registries", "info", name).stdout
    shell.run("registries", "members", "add", name, f"{place.organization}-vision", "--team", "--role", "viewer")
    assert shell.words("registries", "members", "ls", name, "--teams") == [f"{place.organization}-vision"]
    assert shell.words("releases", "create", f"{name}/MNIST", "--type", "model", "--tag", "d") == [f"{name}/MNIST"]
    shell.run("registries", "rm", name, status=2)
    shell.run("registries", "rm", name, "--yes")
    shell.run("registries", "info", name, status=4)


def test_deleting_what_is_held(shell: Shell, place: Place):
    logged(shell, place, "one")
    shell.run("releases", "link", place.release, f"{place.artifact}:v0")
    assert ":v3" in shell.run("artifacts", "rm", place.artifact, status=2).stderr
    rm = ("artifacts", "rm", f"{place.artifact}:v0")
    assert "--yes" in shell.run(*rm, status=2).stderr
    assert "--aliases" in shell.run(*rm, "--yes", status=5).stderr
    held = shell.run(*rm, "--aliases", "--yes", status=5).stderr
    assert place.release in held
    assert "releases unlink" in held
    shell.run("projects", "rm", place.project, "--yes", status=5)
    shell.run("registries", "update", place.registry, "--on-deletion", "tombstone")
    shell.run(*rm, "--aliases", "--yes", "--reason", "enough")
    assert "v0" in shell.run("registries", "broken", place.registry).stdout
    assert shell.words("releases", "versions", place.release) == []
    assert shell.words("releases", "versions", place.release, "--tombstones") == ["v0"]
    logged(shell, place, "two")
    shell.run("artifacts", "rm", place.artifact, "--all", "--yes")
    assert shell.words("artifacts", "ls", place.project) == []


def test_projects(shell: Shell, place: Place):
    shell.run("projects", "create", place.project, "--description", "Digits")
    assert place.project in shell.words("projects", "ls", f"{place.organization}-vision", "--limit", "1000")
    assert "Digits" in shell.run("projects", "info", place.project).stdout
    assert shell.json("projects", "update", place.project, "--visibility", "public")["visibility"] == "public"
    shell.run("projects", "rm", place.project, status=2)
    shell.run("projects", "rm", place.project, "--yes")
    shell.run("projects", "rm", place.project, "--yes", "--missing-ok")


def test_editing_a_version(shell: Shell, place: Place):
    """Description, metadata, tags, how long it is kept: for every release at once; aliases in its artifact."""
    first, second = logged(shell, place, "one", "--tag", "draft", "--alias", "best"), logged(shell, place, "two")
    edit = ("artifacts", "edit", f"{place.artifact}:v0")
    changed = shell.json(
        *(*edit, "--description", "The first", "--metadata", '{"accuracy": 0.98}'),
        *("--tag", "vision", "--tag", "small", "--remove-tag", "draft", "--keep", "30"),
    )
    assert (changed["id"], changed["description"], changed["metadata"]) == (int(first), "The first", {"accuracy": 0.98})
    assert (sorted(changed["tags"]), changed["ttl_seconds"]) == (["small", "vision"], 30 * 86_400)
    kept = shell.json(*edit)
    assert (kept["description"], sorted(kept["tags"]), kept["ttl_seconds"]) == (
        "The first",
        ["small", "vision"],
        2592000,
    )
    assert shell.json(*edit, "--keep", "forever", "--description", "")["ttl_seconds"] == -2
    assert not shell.json(*edit)["description"]
    assert shell.words("artifacts", "edit", second, "--alias", "best", "--alias", "next", "--reason", "better") == [
        second
    ]
    named = ("releases", "alias-at", place.artifact)
    assert shell.words(*named, "best") == shell.words(*named, "next") == ["v1"]
    assert shell.json("releases", "log", place.artifact, "--alias", "best")[0]["reason"] == "better"
    told = shell.run("artifacts", "edit", second, "--remove-alias", "next", "--remove-alias", "gone")
    assert "reader:v1 is not called gone in its artifact." in told.stderr
    shell.run(*named, "next", status=4)
    # What another version is called is not taken from it.
    shell.run(*edit, "--remove-alias", "best")
    assert shell.words(*named, "best") == ["v1"]


def test_what_a_version_can_not_be_said_to_be(shell: Shell, place: Place):
    logged(shell, place, "one")
    edit = ("artifacts", "edit", f"{place.artifact}:v0")
    for wrong in (("--metadata", "[1]"), ("--keep", "0"), ("--keep", "soon"), ("--tag", ""), ("--alias", "v7")):
        assert shell.run(*edit, *wrong, status=2).stderr
    assert shell.json(*edit)["tags"] == []


def test_editing_a_release(shell: Shell, place: Place):
    shell.run("releases", "create", place.release, "--type", "model", "--tag", "old")
    edit = ("releases", "edit")
    changed = shell.json(*edit, place.release, "--description", "Digits", "--tag", "vision", "--type", "dataset")
    assert (changed["description"], changed["tags"]) == ("Digits", ["vision"])
    assert sorted(changed["types"]) == ["dataset", "model"]
    renamed = f"{place.registry}/Digits"
    assert shell.words(*edit, place.release, "--name", "Digits", "--no-tag", "--reason", "clearer") == [renamed]
    found = shell.json("releases", "info", renamed)
    assert (found["name"], found["tags"], found["description"]) == ("Digits", [], "Digits")
    logged(shell, place, "one")
    assert shell.json(*edit, place.artifact, "--description", "Reads")["description"] == "Reads"
