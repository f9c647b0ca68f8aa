"""The command `pinakes`, as a process of its own, against a real server process."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from support import command
from support.command import Done
from support.server import PROGRAM, clean_environment


class Served(Protocol):
    url: str
    token: str

    def models(self, count: int) -> list[int]: ...


class Shell:
    """Runs commands as somebody who logged in."""

    def __init__(self, home: Path, url: str) -> None:
        self.environment = clean_environment(XDG_CONFIG_HOME=str(home), TZ="UTC")
        self.url = url

    def run(self, *arguments: object, stdin: str = "", status: int = 0) -> Done:
        done = command.run(arguments, self.environment, stdin=stdin)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: object) -> Any:  # noqa: ANN401 - what JSON holds
        return json.loads(self.run(*arguments, "--json").stdout)

    def ids(self, *arguments: object) -> list[str]:
        return self.run(*arguments, "--quiet").stdout.split()

    def name(self, stem: str) -> str:
        return f"{stem}-{uuid4().hex[:10]}"


@pytest.fixture(scope="module")
def shell(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("home"), served.url)
    done = shell.run("login", "--url", served.url, "--token", "-", stdin=served.token + "\n")
    assert done.stdout.startswith("name\tadmin\n")
    return shell


def test_logging_in_and_out(served: Served, tmp_path: Path):
    shell = Shell(tmp_path, served.url)
    assert "pinakes login" in shell.run("whoami", status=3).stderr
    assert "pinakes login" in shell.run("login", "--url", served.url, "--token", "wrong" * 5, status=3).stderr
    shell.run("login", "--url", served.url, "--token", served.token)
    login = tmp_path / "pinakes" / "login.json"
    assert login.stat().st_mode & 0o777 == 0o600
    assert shell.json("whoami")["name"] == "admin"
    assert shell.ids("whoami") == ["admin"]
    shell.run("logout")
    assert not login.exists()
    assert shell.run("collections", "ls", "--url", served.url).returncode == 0


@pytest.fixture(scope="module")
def registered(shell: Shell) -> dict[str, str]:
    """One item of each kind, made known by commands."""
    names = {kind: shell.name(kind) for kind in ("model", "dataset", "space", "reference", "bucket")}
    paper = f"26{uuid4().int % 12 + 1:02d}.{uuid4().int % 100_000:05d}"
    register = ("items", "register")
    shell.run(*register, "repo", f"model:{names['model']}", "--title", "BERT")
    shell.run(*register, "repo", f"model:{names['model']}", "--exists-ok")
    shell.run(*register, "repo", f"dataset:{names['dataset']}", "--tag", "text")
    shell.run(*register, "repo", f"space:{names['space']}", "--sdk", "gradio")
    shell.run(*register, "paper", f"https://arxiv.org/abs/{paper}v1", "--title", "Paper", "--author", "Ada")
    shell.run(*register, "reference", names["reference"], "--url", "https://example.org", "--kind", "dashboard")
    shell.run(*register, "bucket", names["bucket"], "--private")
    return {kind: f"{kind}:admin/{name}" for kind, name in names.items()} | {"paper": f"paper:{paper}"}


def kinds(shell: Shell, slug: str) -> list[str]:
    return [row["item"]["kind"] for row in shell.json("items", "ls", slug)]


def test_creating_and_changing_a_collection(shell: Shell):
    title = shell.name("Transformers")
    made = shell.run("collections", "create", title, "--description", "All about them", "--tag", "nlp")
    slug = made.stdout.strip()
    assert "Created." in made.stderr
    assert shell.run("collections", "create", title, "--exists-ok").stdout.strip() == slug
    assert slug in shell.run("collections", "create", title, status=5).stderr
    edit = ("collections", "edit", slug)
    changed = shell.run(*edit, "--title", f"{title} 2", "--theme", "blue", "--visibility", "private", "--no-tag")
    found = shell.json("collections", "show", slug)
    assert (found["theme"], found["tags"], found["slug"]) == ("blue", [], changed.stdout.strip())
    assert shell.json("collections", "show", changed.stdout.strip(), "--revision", "1")["theme"] == "orange"
    assert "read it again" in shell.run(*edit, "--theme", "pink", "--expected", "1", status=5).stderr


def test_putting_items_in_and_in_order(shell: Shell, registered: dict[str, str]):
    """Story C of ACCEPTANCE.md, as far as it goes natively, typed at a prompt."""
    slug = shell.run("collections", "create", shell.name("Curated")).stdout.strip()
    add = ("items", "add", slug)
    done = shell.run(
        *(*add, registered["model"], registered["paper"], "--note", "Start here", "--from-file", "-"),
        stdin=f"{registered['dataset']}\n{registered['space']}\n",
    )
    assert done.stdout == "outcome\tlines\nadded\t4\n"
    assert "duplicate" in shell.run(*add, registered["model"], status=7).stderr
    shell.run(*add, registered["model"], "--exists-ok")
    assert "unknown" in shell.run(*add, "model:no/such", status=7).stderr
    assert {row["note"] for row in shell.json("items", "ls", slug)} == {"Start here"}
    assert shell.json("collections", "name", slug, "v1")[0]["name"] == "v1"
    shell.run("items", "note", slug, registered["paper"], "The paper", "--reason", "clearer")
    shell.run("items", "move", slug, registered["space"], "--before", registered["model"])
    shell.run("items", "rm", slug, registered["dataset"])
    assert kinds(shell, slug) == ["space", "model", "paper"]
    diff = shell.json("collections", "diff", slug, "v1")
    assert (diff["counts"]["removed"], diff["counts"]["changed"]) == (1, 1)
    history = shell.json("history", slug)
    assert [event["verb"] for event in history[:3]] == ["entry.removed", "entry.moved", "entry.updated"]
    assert history[2]["reason"] == "clearer"
    assert {event["api"] for event in history} == {"cli"}
    shell.run("collections", "undo", slug)
    assert len(shell.ids("items", "ls", slug)) == 4
    shell.run("collections", "rollback", slug, "v1")
    assert kinds(shell, slug) == ["model", "paper", "dataset", "space"]
    assert len(shell.json("collections", "revisions", slug)) > 5
    assert shell.ids("collections", "names", slug) == ["v1"]
    shell.run("collections", "unname", slug, "v1")
    assert shell.ids("collections", "names", slug) == []


def test_finding_things(shell: Shell, registered: dict[str, str]):
    slug = shell.run("collections", "create", shell.name("Held")).stdout.strip()
    shell.run("items", "add", slug, registered["reference"], registered["bucket"])
    assert slug in shell.ids("items", "where", registered["reference"])
    assert shell.ids("search", registered["paper"].removeprefix("paper:")) == [registered["paper"]]
    name = registered["dataset"].removeprefix("dataset:admin/")
    assert shell.ids("items", "find", "--kind", "dataset", "--text", name) == [registered["dataset"]]


def test_out_and_in_again(shell: Shell, served: Served, tmp_path: Path):
    slug = shell.run("collections", "create", shell.name("Out")).stdout.strip()
    (tmp_path / "items").write_text("\n".join(str(item) for item in served.models(50)))
    shell.run("items", "add", slug, "--from-file", tmp_path / "items", "--score", "0.5")
    for ending in ("csv", "jsonl"):
        file = tmp_path / f"out.{ending}"
        shell.run("export", slug, file)
        title = shell.name("In")
        done = shell.run("import", title, file, "--create")
        assert done.stdout == "outcome\tlines\nadded\t50\n"
        again = shell.run("import", title, file, "--create", "--exists-ok")
        assert "carried out before" in again.stderr
        assert "duplicate\t50" in shell.run("import", title, file, "--create", "--again", status=7).stdout
    assert shell.run("export", slug).stdout == (tmp_path / "out.jsonl").read_text()
    piped = shell.run("export", slug, "--format", "csv").stdout
    title = shell.name("Piped")
    assert "added\t50" in shell.run("import", title, "-", "--create", "--format", "csv", stdin=piped).stdout
    shell.run("import", slug, tmp_path / "none.csv", status=1)


def test_the_life_of_a_collection(shell: Shell):
    org = shell.name("lab")
    shell.run("admin", "organizations", "create", org, "--display-name", "The Lab")
    slug = shell.run("collections", "create", shell.name("Life")).stdout.strip()
    copy = shell.run(
        "collections", "copy", slug, "--title", shell.name("Copy"), "--visibility", "private"
    ).stdout.strip()
    given = shell.run("collections", "transfer", slug, org, "--reason", "theirs").stdout.strip()
    assert given.startswith(f"{org}/")
    assert shell.json("collections", "vote", given)["votes"] == 1
    assert shell.json("collections", "vote", given, "--off")["votes"] == 0
    assert shell.json("collections", "compare", given, copy)["union"] == 0
    assert shell.ids("collections", "ls", "--owner", org) == [given]
    shell.run("collections", "rm", given)
    assert "collections trash" in shell.run("collections", "show", given, status=4).stderr
    assert shell.ids("collections", "trash", "--owner", org) == [given]
    assert shell.run("collections", "restore", given).stdout.strip() == given
    shell.run("collections", "rm", given)
    shell.run("collections", "purge", given, status=2)
    shell.run("collections", "purge", given, "--yes")
    shell.run("collections", "restore", given, status=4)
    shell.run("collections", "rm", given, "--missing-ok")


def test_administration(shell: Shell):
    """Issue 2: administration by `pinakes admin …`."""
    user, org, team = (shell.name(stem) for stem in ("ada", "lab", "team"))
    made = shell.run(
        "admin", "users", "create", user, "--display-name", "Ada", "--password", "-", stdin="long enough\n"
    )
    assert "tokens create" in made.stderr
    assert shell.json("admin", "users", "show", user)["display_name"] == "Ada"
    assert user in shell.ids("admin", "users", "ls", "--limit", "1000")
    assert shell.json("admin", "users", "edit", user, "--admin")["admin"]
    assert not shell.json("admin", "users", "edit", user, "--no-admin")["admin"]
    token = shell.run("admin", "tokens", "create", user, "--scope", "read", "--name", "laptop", "--until", "2099-01-02")
    other = Shell(Path(shell.environment["XDG_CONFIG_HOME"]), shell.url)
    other.environment |= {"PINAKES_URL": shell.url, "PINAKES_TOKEN": token.stdout.strip()}
    assert other.ids("whoami") == [user]
    assert "--scope" in other.run("collections", "create", "No", status=3).stderr
    [kept] = shell.json("admin", "tokens", "ls", user)
    assert (kept["name"], kept["scope"], kept["expires_at"][:10]) == ("laptop", "read", "2099-01-02")
    shell.run("admin", "tokens", "rm", kept["id"], user)
    other.run("whoami", status=3)
    shell.run("admin", "organizations", "create", org)
    assert shell.json("admin", "organizations", "add", org, user, "--role", "viewer")["role"] == "viewer"
    shell.run("admin", "teams", "create", org, team)
    shell.run("admin", "teams", "add", team, user)
    assert shell.ids("admin", "teams", "ls", org) == [team]
    assert f"{user} (member)" in shell.run("admin", "teams", "show", team).stdout
    assert f"{user} (viewer)" in shell.run("admin", "organizations", "show", org).stdout
    assert org in shell.ids("admin", "organizations", "ls", "--limit", "1000")
    shell.run("admin", "teams", "remove", team, user)
    shell.run("admin", "organizations", "remove", org, user)
    shell.run("admin", "teams", "rm", team, "--yes")
    shell.run("admin", "organizations", "rm", org, "--yes")
    shell.run("admin", "users", "rm", user, "--yes")
    shell.run("admin", "users", "show", user, status=4)


def test_following_what_happens(shell: Shell):
    slug = shell.run("collections", "create", shell.name("Heard")).stdout.strip()
    command = [str(PROGRAM), "events", "--follow", "--collection", slug, "--json"]
    with subprocess.Popen(command, env=shell.environment, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        time.sleep(3)
        shell.run("collections", "edit", slug, "--description", "Heard", "--reason", "to be heard")
        # The stream begins a little before "now" when something else was being written just then.
        heard = next(event for event in map(json.loads, following.stdout) if event["verb"] != "collection.created")
        assert (heard["verb"], heard["reason"]) == ("collection.updated", "to be heard")
        following.send_signal(signal.SIGINT)
        assert following.wait(30) == 130
    rest = shell.run("events", "--collection", slug, "--json").stdout.splitlines()
    assert [json.loads(line)["verb"] for line in rest] == ["collection.created", "collection.updated"]
    after = json.loads(rest[0])["cursor"]
    assert shell.ids("events", "--collection", slug, "--after", after) == [heard["cursor"]]
