"""How a caller names collections, entries and items."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import pinakes
from pinakes.api.collections import LeanEntry, NewEntry
from pinakes.api.common import ItemAddress
from pinakes.sdk import addressing

ID = "64f9a55bb3115b4f513ec026"


@dataclass(frozen=True)
class Thing:
    kind: str = "space"
    address: str = "a/b"


ENTRY = LeanEntry.model_validate(
    {"id": ID, "item": {"id": 7, "kind": "model", "address": "a/b"}, "note": "n", "score": 0.5}
)


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"words-{ID}",
        f"owner/words-{ID}",
        f"http://here:8080/collections/owner/words-{ID}",
        f"https://here/collections/owner/words-{ID}/",
    ],
)
def test_a_collection_by_any_of_its_names(text: str):
    assert addressing.collection_ref(text) == ID


def test_a_path_below_a_collection():
    assert addressing.collection_path(ID.upper(), "names", "a b", 3) == f"/collections/{ID}/names/a%20b/3"


@pytest.mark.parametrize("text", ["", " ", "/", "owner/words", f"owner/{ID}words", f"{ID}0"])
def test_what_does_not_end_with_an_id_is_no_collection(text: str):
    with pytest.raises(pinakes.Invalid, match="id") as caught:
        addressing.collection_ref(text)
    assert caught.value.field == "collection"


def test_the_path_of_an_address():
    assert addressing.address_path("/repos", "model", "a/b c") == "/repos/model/a/b%20c"
    assert addressing.address_path("/repos", "model", "gpt2") == "/repos/model/-/gpt2"
    assert addressing.arxiv_path("hep-th/9901001") == "/papers/hep-th/9901001"


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("model:google/vit", "model", "google/vit"),
        ("Model:google/vit", "model", "google/vit"),
        ("paper:1706.03762", "paper", "1706.03762"),
        (f"collection:{ID}", "collection", ID),
        ("https://huggingface.co/google/vit", "model", "google/vit"),
        ("https://huggingface.co/google/vit/tree/main", "model", "google/vit"),
        ("https://huggingface.co/gpt2", "model", "gpt2"),
        ("https://huggingface.co/datasets/squad/", "dataset", "squad"),
        ("https://hf.co/spaces/a/b", "space", "a/b"),
        ("https://huggingface.co/papers/1706.03762", "paper", "1706.03762"),
        (f"https://huggingface.co/collections/a/words-{ID}", "collection", f"a/words-{ID}"),
        ("https://arxiv.org/abs/1706.03762", "paper", "1706.03762"),
        ("https://arxiv.org/abs/1706.03762v5", "paper", "1706.03762"),
        ("https://www.arxiv.org/pdf/1706.03762v5.pdf", "paper", "1706.03762"),
        ("https://arxiv.org/abs/cs/9901002v1", "paper", "cs/9901002"),
    ],
)
def test_an_item_as_text(text: str, kind: str, address: str):
    assert addressing.parse(text) == {"kind": kind, "address": address}


@pytest.mark.parametrize("text", ["google/vit", "", "thing:a/b", "model:", "https://example.org/a", "https://hf.co/"])
def test_a_text_that_does_not_say_what_it_is(text: str):
    with pytest.raises(pinakes.Invalid, match="kind:address") as caught:
        addressing.parse(text)
    assert caught.value.field == "item"


@pytest.mark.parametrize(
    ("what", "line"),
    [
        (7, 7),
        ("model:a/b", {"item": {"kind": "model", "address": "a/b"}}),
        (Thing(), {"item": {"kind": "space", "address": "a/b"}}),
        (ItemAddress(kind="paper", address="1"), {"item": {"kind": "paper", "address": "1"}}),
        (ENTRY, {"item": 7, "note": "n", "score": 0.5}),
        (NewEntry(item=7), 7),
        (NewEntry(item=7, note="x"), {"item": 7, "note": "x"}),
        ({"item": 7}, 7),
        ({"item": "model:a/b", "note": "x"}, {"item": {"kind": "model", "address": "a/b"}, "note": "x"}),
        ({"item": {"kind": "model", "address": "a/b"}}, {"item": {"kind": "model", "address": "a/b"}}),
        (
            {"kind": "model", "address": "a/b", "title": "T", "note": "x", "score": None, "added_by": "me"},
            {"item": {"kind": "model", "address": "a/b"}, "note": "x"},
        ),
        (pinakes.item("model:a/b", note="x"), {"item": {"kind": "model", "address": "a/b"}, "note": "x"}),
        (pinakes.item(kind="model", address="a/b"), {"item": {"kind": "model", "address": "a/b"}}),
        (pinakes.item(7, score=1.0), {"item": 7, "score": 1.0}),
    ],
)
def test_an_item_to_add(what: addressing.NewEntryLike, line: object):
    assert addressing.new_line(what) == line


def test_a_mapping_that_names_no_item():
    with pytest.raises(pinakes.Invalid, match="kind"):
        addressing.new_line({"title": "T"})


@pytest.mark.parametrize(("kind", "address"), [(None, None), ("model", None), (None, "a/b")])
def test_an_item_that_is_not_named(kind: str | None, address: str | None):
    with pytest.raises(pinakes.Invalid, match="which item"):
        pinakes.item(kind=kind, address=address)


def test_items_in_a_query():
    assert addressing.item_queries(None) == []
    assert addressing.item_queries("model:a/b") == ["model:a/b"]
    assert addressing.item_queries([7, "https://arxiv.org/abs/1"]) == ["7", "paper:1"]
