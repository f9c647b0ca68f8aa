from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub.utils import validate_repo_id

DEMO = Path(__file__).parents[2] / "examples" / "demo"
DATA: dict[str, list[dict[str, Any]]] = yaml.safe_load((DEMO / "showcase.yaml").read_text(encoding="utf-8"))

REPOS = ("model", "dataset", "space")
KINDS = (*REPOS, "paper")
THEMES = {"orange", "blue", "green", "purple", "pink", "indigo"}
ARXIV = re.compile(r"\d{2}(0[1-9]|1[0-2])\.\d{4,5}")
FIELDS = {
    "accounts": {"name", "kind", "display_name", "members"},
    "models": {"id", "pipeline_tag", "tags", "gated", "private"},
    "datasets": {"id", "tags", "gated", "private"},
    "spaces": {"id", "sdk", "tags", "private"},
    "papers": {"id", "title", "authors", "published", "summary"},
    "collections": {"key", "owner", "title", "description", "private", "theme", "items"},
}

COLLECTIONS = DATA["collections"]
each_collection = pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda collection: collection["key"])


def items(*kinds: str) -> list[dict[str, Any]]:
    return [item for kind in kinds for item in DATA[f"{kind}s"]]


def reference(entry: dict[str, str]) -> tuple[str, str]:
    """The kind and id of an entry, which has besides them at most a note."""
    [found] = [(kind, entry[kind]) for kind in (*KINDS, "collection") if kind in entry]
    assert entry.keys() <= {found[0], "note"}
    return found


def test_the_file_has_the_sections_and_fields_that_it_documents():
    assert DATA.keys() == FIELDS.keys()
    for section, rows in DATA.items():
        for row in rows:
            assert row.keys() <= FIELDS[section], row


def test_there_is_enough_to_look_at():
    assert len(items(*KINDS)) >= 100
    assert len(COLLECTIONS) >= 15
    assert {entry_kind for collection in COLLECTIONS for entry_kind, _ in map(reference, collection["items"])} == {
        *KINDS,
        "collection",
    }
    assert {collection["theme"] for collection in COLLECTIONS} == THEMES
    assert any(not entry.get("note", "").isascii() for collection in COLLECTIONS for entry in collection["items"])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_declared_twice(kind: str):
    counted = Counter(item["id"].lower() for item in items(kind))
    assert [name for name, times in counted.items() if times > 1] == []


def test_accounts_are_well_formed_and_unique():
    names = [account["name"] for account in DATA["accounts"]]
    assert len({name.lower() for name in names}) == len(names)
    people = {account["name"] for account in DATA["accounts"] if account["kind"] == "user"}
    for account in DATA["accounts"]:
        assert account["kind"] in {"user", "organization"}
        members = account.get("members", {})
        assert members.keys() <= people
        assert set(members.values()) <= {"admin", "member", "viewer"}


def test_every_account_owns_something_or_is_a_member():
    owners = {item["id"].split("/")[0] for item in items(*REPOS)}
    owners |= {collection["owner"] for collection in COLLECTIONS}
    owners |= {member for account in DATA["accounts"] for member in account.get("members", {})}
    assert owners == {account["name"] for account in DATA["accounts"]}


def test_repos_have_ids_that_the_client_takes():
    for repo in items(*REPOS):
        validate_repo_id(repo["id"])
        assert repo["id"].count("/") == 1
        assert repo.get("gated") in {None, "auto", "manual"}
        assert all(isinstance(tag, str) for tag in repo["tags"]), repo


def test_spaces_have_an_sdk():
    assert {space["sdk"] for space in DATA["spaces"]} <= {"gradio", "docker", "static", "streamlit"}


def test_papers_have_arxiv_ids_and_facts():
    for paper in DATA["papers"]:
        assert ARXIV.fullmatch(paper["id"]), paper
        assert paper["title"] == paper["title"].strip()
        assert len(paper["authors"]) == 2
        assert isinstance(paper["published"], dt.date)
        assert paper["summary"].count(".") >= 1


def test_a_paper_was_published_about_when_its_id_says():
    for paper in DATA["papers"]:
        year, month = 2000 + int(paper["id"][:2]), int(paper["id"][2:4])
        published = paper["published"]
        # Submitted on the last days of a month, or before it got its number.
        assert abs((published.year - year) * 12 + published.month - month) <= 1, paper


def test_collections_have_unique_keys_and_titles():
    keys = [collection["key"] for collection in COLLECTIONS]
    titles = [(collection["owner"], collection["title"]) for collection in COLLECTIONS]
    assert len(set(keys)) == len(keys)
    assert len(set(titles)) == len(titles)


@each_collection
def test_a_collection_keeps_to_the_limits(collection: dict[str, Any]):
    assert collection["title"].strip()
    assert len(collection.get("description", "")) <= 150
    assert collection["theme"] in THEMES
    assert collection["items"]
    for entry in collection["items"]:
        assert 0 < len(entry.get("note", "-")) <= 500


@each_collection
def test_a_collection_has_only_what_was_declared_before_it(collection: dict[str, Any]):
    earlier = [other["key"] for other in COLLECTIONS[: COLLECTIONS.index(collection)]]
    known = {(kind, item["id"]) for kind in KINDS for item in items(kind)} | {("collection", key) for key in earlier}
    assert {reference(entry) for entry in collection["items"]} - known == set()


@each_collection
def test_a_collection_has_nothing_twice(collection: dict[str, Any]):
    counted = Counter(reference(entry) for entry in collection["items"])
    assert [found for found, times in counted.items() if times > 1] == []


def test_the_guides_own_collection_is_as_the_guide_makes_it():
    [week] = [collection for collection in COLLECTIONS if collection["key"] == "os-week"]
    assert (week["owner"], week["title"]) == ("osanseviero", "OS Week Highlights - Sept 18 - 24")
    assert [reference(entry) for entry in week["items"]] == [
        ("space", "coqui/xtts"),
        ("model", "warp-ai/wuerstchen"),
        ("dataset", "lmsys/lmsys-chat-1m"),
        ("space", "warp-ai/wuerstchen"),
    ]
    assert [entry.get("note", "")[:9] for entry in week["items"]] == ["", "Würstchen", "", ""]


def test_something_private_is_in_something_public():
    private = {item["id"] for item in items(*REPOS) if item.get("private")}
    private |= {collection["key"] for collection in COLLECTIONS if collection.get("private")}
    shown = {
        reference(entry)[1]
        for collection in COLLECTIONS
        if not collection.get("private")
        for entry in collection["items"]
    }
    assert {"alexandria/papyrus-reader", "candidates"} <= private & shown
