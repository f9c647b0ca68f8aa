"""The `hf` command line: collections, repositories, signing in."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import httpx2

from clients.huggingface.hub import HF, Hub, Person, unique


def test_collections(alice: Person) -> None:
    """`hf collections` from its first command to its last."""
    title = unique("My Models")
    model, dataset = alice.repo(), alice.repo(kind="dataset")
    made = alice.hf_json("collections", "create", title, "--description", "A collection of mine")
    slug = made["slug"]
    assert made["url"] == f"{alice.url}/collections/{slug}"
    assert alice.hf_json("collections", "create", title, "--exists-ok")["slug"] == slug
    assert "409" in alice.hf_fails("collections", "create", title)
    alice.hf("collections", "add-item", slug, model, "model", "--note", "Würstchen")
    alice.hf("collections", "add-item", slug, dataset, "dataset")
    alice.hf("collections", "add-item", slug, model, "model", "--exists-ok")
    found = alice.hf_json("collections", "info", slug)
    assert items_of(alice, slug) == [(model, "Würstchen"), (dataset, None)]
    second = found["items"][1]["item_object_id"]
    alice.hf("collections", "update-item", slug, second, "--position", "0", "--note", "Useful dataset")
    assert items_of(alice, slug) == [(dataset, "Useful dataset"), (model, "Würstchen")]
    alice.hf("collections", "delete-item", slug, second)
    alice.hf("collections", "delete-item", slug, second, "--missing-ok")
    assert items_of(alice, slug) == [(model, "Würstchen")]
    changed = alice.hf_json("collections", "update", slug, "--title", f"{title} 2", "--theme", "green", "--private")
    assert changed["slug"] != slug
    rows = alice.hf_json("collections", "ls", "--owner", alice.name, "--item", f"models/{model}")
    assert [(row["slug"], row["theme"], row["private"]) for row in rows] == [(changed["slug"], "green", True)]
    alice.hf("collections", "delete", changed["slug"])
    alice.hf("collections", "delete", changed["slug"], "--missing-ok")
    assert "404" in alice.hf_fails("collections", "info", slug)


def items_of(person: Person, slug: str) -> list[tuple[str, str | None]]:
    found: dict[str, Any] = person.hf_json("collections", "info", slug)
    return [(item["item_id"], item.get("note")) for item in found["items"]]


def test_repos(alice: Person) -> None:
    """`hf repos`: create, settings, list, move, delete."""
    name = unique("my-dataset")
    made = alice.hf_json("repos", "create", name, "--repo-type", "dataset", "--private")
    assert made["repo_id"] == f"{alice.name}/{name}"
    alice.hf("repos", "create", name, "--repo-type", "dataset", "--exist-ok")
    alice.hf("repos", "settings", made["repo_id"], "--repo-type", "dataset", "--gated", "auto", "--public")
    assert alice.api.dataset_info(made["repo_id"]).gated == "auto"
    renamed = f"{alice.name}/{unique('renamed')}"
    alice.hf("repos", "move", made["repo_id"], renamed, "--repo-type", "dataset")
    rows = alice.hf_json("repos", "ls")
    assert [(row["id"], row["type"], row["visibility"]) for row in rows] == [(renamed, "dataset", "public")]
    alice.hf("repos", "delete", renamed, "--repo-type", "dataset", "--yes")
    alice.hf("repos", "delete", renamed, "--repo-type", "dataset", "--missing-ok", "--yes")
    assert alice.hf_json("repos", "ls") == []


def test_papers_and_models(hub: Hub, alice: Person) -> None:
    """`hf papers` and the listings of `hf models`, `hf datasets`, `hf spaces`."""
    word = unique("Word").replace("-", "")
    paper, model = hub.paper(f"{word} in a title"), alice.repo()
    assert [row["id"] for row in alice.hf_json("papers", "search", word)] == [paper]
    assert alice.hf_json("papers", "info", paper)["title"] == f"{word} in a title"
    assert alice.hf_json("models", "info", model)["id"] == model
    assert [row["id"] for row in alice.hf_json("models", "ls", "--author", alice.name)] == [model]
    for command in ("datasets", "spaces"):
        assert alice.hf_json(command, "ls", "--author", alice.name) == []


def test_signing_in_with_a_token(alice: Person) -> None:
    """`hf auth login --token`, `hf auth whoami`: the token is kept under its name, and works from then on."""
    environment = alice.environment()
    del environment["HF_TOKEN"]
    run = lambda *command: _said([str(HF), "auth", *command], environment)  # noqa: E731
    run("login", "--token", alice.token)
    assert alice.name in run("whoami", "--format", "json")
    assert "token-write" in run("list")
    assert run("token", "--format", "quiet").strip() == alice.token


def test_signing_in_with_the_browser(hub: Hub) -> None:
    """`hf auth login`: the code is approved on our page with name and password; the device gets a token of its own."""
    person = hub.person("carol", password="correct horse battery")
    environment = person.environment()
    del environment["HF_TOKEN"]
    command = [str(HF), "auth", "login"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as login:
        page = _page_address(login)
        code = httpx2.URL(page).params["user_code"]
        assert code in httpx2.get(page).text
        wrong = {"user_code": code, "name": person.name, "password": "wrong", "decision": "approve"}
        assert httpx2.post(page, data=wrong).status_code == 401
        right = {**wrong, "password": "correct horse battery"}
        assert "The device is in" in httpx2.post(page, data=right).text
        assert login.wait(timeout=60) == 0
    whoami = _said([str(HF), "auth", "whoami", "--format", "json"], environment)
    assert person.name in whoami
    created = _said([str(HF), "collections", "create", unique("From a device"), "--format", "json"], environment)
    assert f"{person.name}/from-a-device" in created


def test_turning_a_device_away(hub: Hub, alice: Person) -> None:
    """With a token of scope admin; the waiting command line says so and fails."""
    admin = hub.with_token(alice.name, "admin")
    environment = alice.environment()
    del environment["HF_TOKEN"]
    with subprocess.Popen(
        [str(HF), "auth", "login"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as login:
        page = _page_address(login)
        code = httpx2.URL(page).params["user_code"]
        answer = httpx2.post(page, data={"user_code": code, "token": admin.token, "decision": "deny"})
        assert "turned away" in answer.text
        assert login.wait(timeout=60) != 0
        assert login.stdout is not None
        assert "denied" in login.stdout.read()


def _page_address(login: subprocess.Popen[str]) -> str:
    """Read what the command line says up to the address that it shows."""
    assert login.stdout is not None
    said = ""
    for line in login.stdout:
        said += line
        if found := re.search(r"http\S+user_code=\S+", said):
            return found[0]
    raise AssertionError(said)


def _said(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
