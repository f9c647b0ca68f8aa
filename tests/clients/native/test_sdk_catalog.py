"""The SDK's catalog and search, against a real server process: everything that they offer, at least once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

import pinakes

Connect = Callable[..., pinakes.Client]


def name(stem: str) -> str:
    return f"{stem}-{uuid4().hex[:12]}"


def test_a_repo_from_its_making_to_its_end(admin: pinakes.Client, connect: Connect):
    client = connect()
    me = client.users.me().name
    bert = name("bert")
    made = client.repos.create(
        "model",
        bert,
        title="BERT",
        tags=["nlp", bert],
        pipeline_tag="fill-mask",
        library_name="transformers",
        gated="auto",
    )
    assert (made.address, made.owner, made.tags, made.gated) == (f"{me}/{bert}", me, ["nlp", bert], "auto")
    with pytest.raises(pinakes.Conflict) as taken:
        client.repos.create("model", f"{me}/{bert.upper()}")
    assert taken.value.code == "name_taken"
    assert client.repos.create("model", bert, exists_ok=True).id == made.id
    changed = client.repos.update("model", made.address, title="Bert", gated=False, visibility="private", card={"a": 1})
    assert (changed.title, changed.gated, changed.visibility, changed.card) == ("Bert", None, "private", {"a": 1})
    assert [r.id for r in client.repos.list(kind="model", owner=me, tag=[bert], search=["bert"])] == [made.id]
    moved = client.repos.move("model", made.address, f"{me}/{bert}-2")
    assert client.repos.get("model", made.address).address == moved.address == f"{me}/{bert}-2"
    client.repos.update("model", moved.address, visibility="public")
    assert admin.repos.like("model", moved.address).votes == 1
    assert [voter.name for voter in client.repos.likes("model", moved.address)] == ["admin"]
    assert moved.address in [liked.address for liked in client.repos.liked_by("admin")]
    assert admin.repos.like("model", moved.address, False).votes == 0
    client.repos.delete("model", moved.address)
    client.repos.delete("model", moved.address, missing_ok=True)
    with pytest.raises(pinakes.NotFound):
        client.repos.get("model", moved.address)


def test_a_repo_without_an_owner(admin: pinakes.Client, connect: Connect):
    gpt = name("gpt")
    assert admin.repos.create("model", gpt, unowned=True).address == gpt
    assert admin.repos.get("model", gpt).owner is None
    assert admin.repos.like("model", gpt).votes == 1
    assert admin.repos.update("model", gpt, title="GPT").title == "GPT"
    with pytest.raises(pinakes.Forbidden):
        connect().repos.create("model", name("gpt"), unowned=True)


def test_papers(admin: pinakes.Client, connect: Connect):
    client = connect()
    arxiv_id = f"26{uuid4().int % 12 + 1:02d}.{uuid4().int % 100_000:05d}"
    made = client.papers.register(
        arxiv_id,
        title="Attention and so on",
        authors=["Ada", "Ben"],
        abstract="About it.",
        published_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    assert (made.arxiv_id, [a.name for a in made.authors], made.registered_by) == (
        arxiv_id,
        ["Ada", "Ben"],
        client.users.me().name,
    )
    with pytest.raises(pinakes.Conflict) as refusal:
        client.papers.register(f"{arxiv_id}v2", title="Better")
    assert refusal.value.field == "id"
    assert client.papers.update(f"{arxiv_id}v2", title="Better").id == made.id
    better = client.papers.get(arxiv_id)
    assert (better.title, better.abstract, better.authors) == ("Better", made.abstract, made.authors)
    assert better == client.papers.register(
        arxiv_id, title="Better", authors=["Ada", "Ben"], abstract="About it.", published_at=made.published_at
    )
    assert admin.items.vote(made.id).votes == 1
    assert admin.papers.get(arxiv_id).voted
    assert admin.items.vote(made.id, False).voted is False
    assert made.id in [paper.id for paper in client.papers.list(text=arxiv_id)]
    client.papers.delete(arxiv_id)
    client.papers.delete(arxiv_id, missing_ok=True)
    with pytest.raises(pinakes.NotFound):
        client.papers.get(arxiv_id)


def test_a_paper_from_before_2007(admin: pinakes.Client):
    arxiv_id = f"hep-th/99{uuid4().int % 12 + 1:02d}{uuid4().int % 1000:03d}"
    assert admin.papers.register(arxiv_id, title="An older one").arxiv_id == arxiv_id
    assert admin.papers.get(arxiv_id).title == "An older one"
    admin.papers.delete(arxiv_id)


def test_buckets_and_references(connect: Connect):
    client = connect()
    me = client.users.me().name
    bucket = client.buckets.create(name("raw"), title="Raw data", visibility="private")
    assert client.buckets.update(bucket.address, title="Raw", visibility="public").title == "Raw"
    assert [b.id for b in client.buckets.list(owner=me)] == [bucket.id]
    assert client.buckets.get(bucket.address).visibility == "public"
    reference = client.references.create(
        name("board"), url="https://example.org/b", target_kind="dashboard", title="Board"
    )
    assert client.references.update(reference.address, url="https://example.org/c").url == "https://example.org/c"
    assert client.references.get(reference.address).target_kind == "dashboard"
    assert [r.id for r in client.references.list(owner=me, text="board")] == [reference.id]
    made = client.collections.create(name("Both"), items=[bucket, reference])
    assert [e.item.kind for e in client.collections.entries(made)] == ["bucket", "reference"]
    client.buckets.delete(bucket.address)
    client.references.delete(reference.address)
    for noun, address in ((client.buckets, bucket.address), (client.references, reference.address)):
        noun.delete(address, missing_ok=True)
        with pytest.raises(pinakes.NotFound):
            noun.get(address)
    assert client.collections.entries(made).all() == []


def test_items_of_any_kind_and_what_holds_them(connect: Connect):
    client = connect()
    me = client.users.me().name
    repo = client.repos.create("dataset", name("data"))
    inner = client.collections.create(name("Inner"))
    outer = client.collections.create(name("Outer"), items=[repo, inner])
    assert {item.kind for item in client.items.list(owner=me)} == {"dataset", "collection"}
    assert [item.id for item in client.items.list(owner=me, kind=["dataset", "model"], text="data")] == [repo.id]
    assert client.items.get(repo.id).address == repo.address
    for held in (repo.id, inner.item_id):
        assert [c.id for c in client.items.collections(held)] == [outer.id]
    assert [c.id for c in client.collections.list(item=f"dataset:{repo.address}")] == [outer.id]
    assert [c.id for c in client.collections.list(item=[repo, inner])] == [outer.id]
    assert client.collections.find(outer, inner).item.id == inner.item_id
    assert client.collections.find(outer, f"collection:{inner.slug}").item.id == inner.item_id


def test_what_was_moved_is_found_by_its_former_name_too(connect: Connect):
    client = connect()
    repo = client.repos.create("model", name("old"))
    made = client.collections.create(name("Moved"), items=[repo])
    moved = client.repos.move("model", repo.address, f"{repo.owner}/{name('new')}")
    for address in (moved.address, repo.address, repo.address.upper()):
        assert client.collections.find(made, f"model:{address}").item.id == repo.id
    assert client.collections.add(made, [f"model:{repo.address}"]).counts == {"duplicate": 1}


def test_search_finds_what_one_may_see(connect: Connect):
    client, other = connect(), connect()
    word = f"zebra{uuid4().hex[:10]}"
    open_one = client.collections.create(f"The {word} papers", description="About stripes")
    hidden = client.repos.create("model", name(word), visibility="private")
    assert {hit.id for hit in client.search(word)} == {open_one.item_id, hidden.id}
    assert [hit.address for hit in other.search(f"{word} stri")] == [open_one.slug]
    assert [hit.id for hit in client.search(word, kind="model", owner=client.users.me().name)] == [hidden.id]
    assert client.search("nothing" + word).all() == []
    hit = other.search(word).first(1)[0]
    mine = other.collections.create(name("Found"))
    assert other.collections.add(mine, [hit]).added == 1
