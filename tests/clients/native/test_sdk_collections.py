"""The SDK's collections, against a real server process: everything that it offers, at least once."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

import pinakes
from pinakes.api.collections import Collection

Connect = Callable[..., pinakes.Client]
Models = Callable[[int], list[int]]


class Served(Protocol):
    url: str
    token: str

    def models(self, count: int) -> list[int]: ...


def title(stem: str = "Words") -> str:
    return f"{stem} {uuid4().hex[:12]}"


@pytest.fixture
def models(served: Served) -> list[int]:
    """Ten models."""
    return served.models(10)


def order(client: pinakes.Client, collection: Collection | str) -> list[int]:
    return [entry.item.id for entry in client.collections.entries(collection, lean=True)]


# --- Their own fields, their life


def test_a_collection_from_its_making_to_its_end(admin: pinakes.Client):
    made = admin.collections.create(
        title(), description="About words", theme="blue", tags=["a", "b"], visibility="private", reason="for a test"
    )
    assert (made.description, made.theme, made.tags, made.visibility) == ("About words", "blue", ["a", "b"], "private")
    assert (made.revision, made.owner, made.entry_count) == (1, "admin", 0)
    for named in (made, made.id, made.slug, made.url):
        assert admin.collections.get(named).id == made.id
    other = title("Other")
    changed = admin.collections.update(made, title=other, tags=[], visibility="public", expected=1)
    assert (changed.title, changed.tags, changed.revision) == (other, [], 2)
    assert changed.description == "About words"
    assert admin.collections.get(made.slug).slug == changed.slug
    with pytest.raises(pinakes.PreconditionFailed):
        admin.collections.update(made, description="Late", expected=1)
    voted = admin.collections.vote(made)
    assert (voted.votes, voted.voted) == (1, True)
    assert admin.collections.vote(made, False).votes == 0
    admin.collections.delete(made, reason="enough")
    with pytest.raises(pinakes.NotFound) as gone:
        admin.collections.get(made)
    assert gone.value.code == "collection_not_found"
    assert made.id in [c.id for c in admin.collections.list(trashed=True)]
    back = admin.collections.restore(made)
    assert (back.id, back.slug) == (made.id, changed.slug)
    admin.collections.delete(made)
    admin.collections.purge(made)
    with pytest.raises(pinakes.NotFound):
        admin.collections.restore(made)
    admin.collections.delete(made, missing_ok=True)


def test_a_title_that_is_taken(admin: pinakes.Client):
    taken = title()
    made = admin.collections.create(taken)
    with pytest.raises(pinakes.Conflict) as caught:
        admin.collections.create(taken)
    assert (caught.value.code, caught.value.details["slug"]) == ("title_taken", made.slug)
    assert admin.collections.create(taken, exists_ok=True).id == made.id


def test_bad_input_names_the_field(admin: pinakes.Client):
    with pytest.raises(pinakes.Invalid) as long:
        admin.collections.create(title(), description="x" * 151)
    assert long.value.field == "description"
    with pytest.raises(pinakes.Invalid) as empty:
        admin.collections.create("")
    assert empty.value.field == "title"


def test_listing(admin: pinakes.Client, connect: Connect, models: list[int]):
    client = connect()
    owner = client.users.me().name
    tag = uuid4().hex
    made = [client.collections.create(title(f"Nr {n}"), tags=[tag], items=models[: n + 1]) for n in range(5)]
    found = client.collections.list(owner=owner, tag=tag, entries=2, page_size=2)
    assert {c.id for c in found} == {c.id for c in made}
    assert [len(c.entries or []) for c in found] == [2, 2, 2, 2, 1]
    assert [c.id for c in client.collections.list(owner=owner, sort="position").first(2)] == [
        c.id for c in sorted(made, key=lambda c: client.collections.get(c).position or 0)[:2]
    ]
    assert {c.id for c in admin.collections.list(item=models[4])} == {made[4].id}
    assert {c.id for c in admin.collections.list(text="Nr 3", owner=owner)} == {made[3].id}
    assert client.collections.get(made[4], entries=3).entries is not None


def test_copy_and_transfer(admin: pinakes.Client, connect: Connect, models: list[int]):
    client = connect("admin")
    org = client.organizations.create(f"lab-{uuid4().hex[:12]}").name
    made = client.collections.create(title(), items=models[:3])
    client.collections.add(made, models[3:])
    copied = client.collections.copy(made, title=title("Copy"), revision=made.revision, visibility="private")
    assert order(client, copied) == models[:3]
    given = client.collections.transfer(made, org, reason="it is the lab's")
    assert given.owner == org
    assert client.collections.get(made.slug).slug == given.slug
    sizes = client.collections.compare(given, copied)
    assert (sizes.left, sizes.right, sizes.intersection, sizes.left_only) == (10, 3, 3, 7)


# --- Entries


def test_entries_one_by_one(admin: pinakes.Client, models: list[int]):
    made = admin.collections.create(title())
    first = admin.collections.add_one(made, models[0], note="The first", score=0.5)
    assert (first.note, first.score, first.item.id, first.added_by) == ("The first", 0.5, models[0], "admin")
    second = admin.collections.add_one(made, models[1], before=first)
    third = admin.collections.add_one(made, models[2], position=1)
    assert order(admin, made) == [models[1], models[2], models[0]]
    with pytest.raises(pinakes.Conflict) as there:
        admin.collections.add_one(made, models[0])
    assert there.value.code == "already_in_collection"
    assert admin.collections.add_one(made, models[0], exists_ok=True).id == first.id
    with pytest.raises(pinakes.NotFound) as unknown:
        admin.collections.add_one(made, 2**31 - 1)
    assert unknown.value.code == "item_not_found"
    changed = admin.collections.update_entry(made, first, note="Better", position=0)
    assert changed.note == "Better"
    assert order(admin, made)[0] == models[0]
    assert admin.collections.update_entry(made, first, note="").note is None
    batch = admin.collections.update_entries(made, [{"entry": second, "note": "B"}, {"entry": third.id, "score": 2.0}])
    assert batch.counts == {"updated": 2}
    assert admin.collections.entry(made, second).note == "B"
    admin.collections.move(made, [third, second], after=first)
    assert order(admin, made) == [models[0], models[2], models[1]]
    assert admin.collections.remove(made, first).counts == {"removed": 1}
    assert admin.collections.remove(made, [first, second]).counts == {"unknown": 1, "removed": 1}
    assert order(admin, made) == [models[2]]
    assert admin.collections.find(made, models[2]).id == third.id
    assert admin.collections.find(made, f"model:{third.item.address.upper()}").id == third.id
    with pytest.raises(pinakes.NotFound):
        admin.collections.find(made, models[0])


def test_a_batch_reports_each_line_or_is_all_or_nothing(admin: pinakes.Client, models: list[int]):
    made = admin.collections.create(title())
    lines = [models[0], models[0], 2**31 - 1, pinakes.item(models[1], note="x" * 501), models[2]]
    with pytest.raises(pinakes.PinakesError):
        admin.collections.add(made, lines, atomic=True)
    assert order(admin, made) == []
    result = admin.collections.add(made, [models[0], models[0], 2**31 - 1, models[2]])
    assert [line.outcome for line in result.lines] == ["added", "duplicate", "unknown", "added"]
    assert (result.added, len(result.entries)) == (2, 2)
    with pytest.raises(pinakes.Conflict) as caught:
        admin.collections.add(made, [models[3], models[0]], atomic=True)
    assert caught.value.batch is not None
    assert [r.outcome for r in caught.value.batch.results] == ["not_applied", "duplicate"]
    assert order(admin, made) == [models[0], models[2]]


def test_a_block_is_moved_in_the_given_order(admin: pinakes.Client, models: list[int]):
    made = admin.collections.create(title(), items=models)
    entries = [entry.id for entry in admin.collections.entries(made)]
    admin.collections.move(made, [entries[9], entries[0]], position=4)
    moved = [m for m in models if m not in {models[9], models[0]}]
    assert order(admin, made) == [*moved[:4], models[9], models[0], *moved[4:]]
    admin.collections.move(made, entries[9])
    assert order(admin, made)[-1] == models[9]


def test_twenty_thousand_with_progress_then_as_tables(served: Served, admin: pinakes.Client):
    """Issue 2, must show 4, at a smaller size: bulk add with progress."""
    items = served.models(20_000)
    made = admin.collections.create(title("Many"))
    told: list[pinakes.Progress] = []
    lines: Iterator[int] = (item for item in [*items, items[0], 2**31 - 1])
    result = admin.collections.add(made, lines, progress=told.append, reason="all of them")
    assert (result.added, result.counts) == (20_000, {"added": 20_000, "duplicate": 1, "unknown": 1})
    assert [(line.line, line.outcome) for line in result.lines] == [(20_001, "duplicate"), (20_002, "unknown")]
    assert {progress.phase for progress in told} == {"preparing", "sending", "applying"}
    assert max(progress.done for progress in told if progress.phase == "applying") == 20_002
    assert admin.collections.get(made).entry_count == 20_000
    frame = admin.collections.entries(made, lean=True, page_size=1000).to_pandas()
    assert frame["item_id"].tolist() == items
    assert admin.collections.entries(made, page_size=1000).to_arrow().num_rows == 20_000
    every = admin.collections.add(admin.collections.create(title("All")), items[:10_001], every_line=True)
    assert len(every.entries) == 10_001


async def test_the_asynchronous_half(served: Served, async_admin: pinakes.AsyncClient):
    items = served.models(300)

    async def some() -> AsyncIterator[int]:
        for item in items:
            yield item

    client = async_admin.collections
    made = await client.create(title("Async"))
    assert (await client.add(made, some())).added == 300
    assert [entry.item.id async for entry in client.entries(made, page_size=100)] == items
    many = [client.update(made, description=f"Nr {n}") for n in range(8)]
    assert {c.revision for c in await asyncio.gather(*many)} == set(range(3, 11))
    assert len(await client.revisions(made).all()) == 10
    assert (await client.entries(made).to_pandas())["item_id"].tolist() == items


# --- Revisions


def test_revisions_names_diff_restore_and_undo(admin: pinakes.Client, models: list[int]):
    made = admin.collections.create(title(), items=models[:3])
    start = admin.collections.get(made).revision
    named = admin.collections.name(made, "v1")
    assert (named.name, named.revision) == ("v1", start)
    entries = [entry.id for entry in admin.collections.entries(made)]
    admin.collections.remove(made, entries[0], reason="wörn out")
    admin.collections.update_entry(made, entries[1], note="Now with a note")
    admin.collections.add(made, models[5:6])
    admin.collections.update(made, description="Changed", reason="because")
    assert [entry.item.id for entry in admin.collections.entries(made, revision="v1")] == models[:3]
    assert admin.collections.at(made, "v1").description == ""
    assert admin.collections.at(made, start).entry_count == 3
    diff = admin.collections.diff(made, "v1")
    assert (diff.counts.added, diff.counts.removed, diff.counts.changed) == (1, 1, 1)
    assert diff.fields["description"].after == "Changed"
    ways = {row.item.id: row.ways for row in admin.collections.differences(made, "v1")}
    assert (ways[models[0]], ways[models[1]], ways[models[5]]) == (["removed"], ["changed"], ["added"])
    assert [r.number for r in admin.collections.revisions(made)][:2] == [start + 4, start + 3]
    assert "wörn out" in [r.reason for r in admin.collections.revisions(made)]
    undone = admin.collections.undo(made, expected=start + 4)
    assert undone.description == ""
    restored = admin.collections.restore_revision(made, "v1", reason="as published")
    assert order(admin, restored) == models[:3]
    assert [(n.name, n.revision) for n in admin.collections.names(made)] == [("v1", start)]
    admin.collections.unname(made, "v1")
    admin.collections.unname(made, "v1", missing_ok=True)
    with pytest.raises(pinakes.NotFound) as unknown:
        admin.collections.at(made, "v1")
    assert unknown.value.code == "revision_not_found"


def test_history_says_who_when_how_and_why(admin: pinakes.Client, models: list[int]):
    made = admin.collections.create(title(), reason="to show it")
    admin.collections.add(made, models[:2], reason="Übung 🧪")
    newest, oldest = admin.collections.history(made).all()
    assert (oldest.verb, oldest.actor, oldest.api, oldest.reason) == (
        "collection.created",
        "admin",
        "sdk",
        "to show it",
    )
    assert (newest.verb, newest.reason, newest.revision) == ("entry.added", "Übung 🧪", 2)
    admin.collections.delete(made, reason="genug für heute, Schluß")
    assert admin.collections.history(made).first(1)[0].reason == "genug für heute, Schluß"


# --- In and out


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_what_was_exported_can_be_imported(admin: pinakes.Client, models: list[int], tmp_path: Path, ending: str):
    items = [
        pinakes.item(model, note=f'Note "{n}", with, commas\nand lines', score=n / 2) for n, model in enumerate(models)
    ]
    made = admin.collections.create(title(), items=items)
    path = tmp_path / f"export.{ending}"
    told: list[pinakes.Progress] = []
    assert admin.collections.export(made, path, progress=told.append) == path.stat().st_size
    assert told[-1].done == path.stat().st_size
    with path.open(newline="") as file:
        rows = [*csv.DictReader(file)] if ending == "csv" else [json.loads(line) for line in file]
    assert len(rows) == len(models)
    again = admin.collections.create(title("Again"))
    assert admin.collections.import_file(again, path, atomic=True).added == len(models)
    left, right = ([(e.item.id, e.note, e.score) for e in admin.collections.entries(c)] for c in (made, again))
    assert left == right
    assert [line["address"] for line in admin.collections.export_lines(made)] == [row["address"] for row in rows]
    assert admin.collections.import_file(again, path).counts == {"duplicate": len(models)}
    with (tmp_path / "x").open("wb") as file:
        admin.collections.export(made, file, format="csv", revision=1)


def test_an_import_with_bad_lines(admin: pinakes.Client, models: list[int], tmp_path: Path):
    made = admin.collections.create(title())
    path = tmp_path / "x.jsonl"
    path.write_text(f'{models[0]}\n{{"kind": "model", "address": "no/such"}}\nnonsense\n{models[1]}\n')
    result = admin.collections.import_file(made, path)
    assert result.counts == {"added": 2, "unknown": 1, "invalid": 1}
    assert [line.line for line in result.problems] == [2, 3]
    other = admin.collections.create(title())
    with pytest.raises(pinakes.NotFound):
        admin.collections.import_file(other, path, atomic=True)
    assert order(admin, other) == []


# --- Events


def after_creation(client: pinakes.Client, made: Collection) -> str:
    """Return the cursor behind a collection's first event.

    The feed ends before the oldest transaction that still runs, so what just happened may appear a moment later.
    """
    until = time.monotonic() + 30
    while time.monotonic() < until:
        page = client.events.page(collection=made)
        if page.rows:
            assert [event.verb for event in page.rows] == ["collection.created"]
            assert page.next is not None
            return page.next
        time.sleep(0.05)
    pytest.fail("the feed never told of a collection's creation")


def test_the_feed_and_what_happens_now(admin: pinakes.Client, connect: Connect, models: list[int]):
    client = connect()
    made = client.collections.create(title())
    start = after_creation(admin, made)
    heard: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        with pinakes.connect(admin.url, admin.tokens.create("admin", scope="read").token) as listener:
            ready.set()
            for event in listener.events.listen(after=start, collection=made):
                heard.append(event.verb)
                if len(heard) == 3:
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    ready.wait(10)
    client.collections.add(made, models[:1])
    client.collections.update(made, description="Heard")
    client.collections.delete(made)
    thread.join(30)
    assert heard == ["entry.added", "collection.updated", "collection.deleted"]
    # Each was heard from the feed itself, so it stands there now.
    assert [event.verb for event in admin.events.list(after=start, collection=made)] == heard
    assert [event.verb for event in admin.events.list(collection=made, verb="entry.added")] == ["entry.added"]


# --- What others see


def test_what_a_reader_may_not_see_does_not_exist(admin: pinakes.Client, connect: Connect, served: Served):
    mine = admin.collections.create(title(), visibility="private")
    other = connect()
    for attempt in (other.collections.get, other.collections.restore, other.collections.undo, other.collections.delete):
        with pytest.raises(pinakes.NotFound):
            attempt(mine)
    with pinakes.connect(served.url) as nobody, pytest.raises(pinakes.NotFound):
        nobody.collections.get(mine)
