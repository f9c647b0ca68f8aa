"""What the small clients of the SDK send and make of the answers, against a transport that answers as it is told."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

import pinakes
from pinakes.sdk import frames
from pinakes.sdk.retrying import RetryPolicy

ID = "64f9a55bb3115b4f513ec026"
ENTRY = "000000010000000200000007"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
GONE = httpx2.ReadError("gone")
AT_ONCE = RetryPolicy(retries=3, first=0.0, strangers=3)
PROBLEM = {"code": "already_in_collection", "message": "It is there.", "request_id": "r"}

COLLECTION = {
    "id": ID,
    "item_id": 1,
    "kind": "showcase",
    "slug": f"a/words-{ID}",
    "url": f"http://here/collections/a/words-{ID}",
    "owner": "a",
    "owner_kind": "user",
    "title": "Words",
    "description": "",
    "theme": "orange",
    "tags": [],
    "visibility": "public",
    "revision": 3,
    "entry_count": 2,
    "position": 0,
    "votes": 0,
    "voted": False,
    "created_at": NOW.isoformat(),
    "updated_at": NOW.isoformat(),
    "something_new": "a client ignores what it does not know",
}


def entry(number: int, **more: object) -> dict[str, Any]:
    return {
        "id": f"0000000100000002{number:08x}",
        "note": f"note {number}",
        "score": None,
        "item": {
            "id": number,
            "kind": "model",
            "address": f"a/m{number}",
            "owner": "a",
            "name": f"m{number}",
            "title": "",
            "visibility": "public",
            "updated_at": NOW.isoformat(),
        },
        "added_at": NOW.isoformat(),
        "added_by": "a",
        "added_revision": 2,
        "since_revision": 2,
        **more,
    }


def event(number: int) -> dict[str, Any]:
    return {"cursor": f"1.{number}", "at": NOW.isoformat(), "verb": "entry.added", "api": "native", "collection": ID}


Handler = Callable[[httpx2.Request], httpx2.Response]


class Server:
    """Answers with what a function makes of a request, and remembers what was asked."""

    def __init__(self, *handlers: Handler) -> None:
        self._handlers: list[Handler] = [*handlers]
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return (self._handlers.pop(0) if len(self._handlers) > 1 else self._handlers[0])(request)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.asked]


def answering(*answers: object) -> Server:
    def handler(answer: object) -> Handler:
        if not isinstance(answer, httpx2.Response):
            return lambda _: httpx2.Response(200, json=answer)
        return lambda _: httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return Server(*(handler(answer) for answer in answers))


def client_of(server: Server) -> pinakes.Client:
    return pinakes.connect("http://here", "t", retry=AT_ONCE, transport=httpx2.MockTransport(server))


def lines(*rows: object) -> httpx2.Response:
    return httpx2.Response(200, content=b"".join(json.dumps(row).encode() + b"\n" for row in rows))


def summary(**counts: int) -> dict[str, Any]:
    zero = {"lines": 0, "added": 0, "duplicates": 0, "unknown": 0, "invalid": 0, "revision": 4}
    return {"summary": {**zero, **counts}}


# --- Lists


def pages_of(count: int, size: int) -> Handler:
    def answer(request: httpx2.Request) -> httpx2.Response:
        at, limit = int(request.url.params.get("cursor", "0")), int(request.url.params["limit"])
        rows = [entry(number) for number in range(at, min(count, at + min(limit, size)))]
        after = at + len(rows)
        return httpx2.Response(200, json={"rows": rows, "next": str(after) if after < count else None})

    return answer


def test_a_list_is_read_page_by_page_and_only_as_far_as_somebody_asks():
    server = Server(pages_of(25, 10))
    entries = client_of(server).collections.entries(ID, page_size=10)
    assert server.asked == []
    reading = iter(entries)
    assert [next(reading).item.id for _ in range(3)] == [0, 1, 2]
    assert len(server.asked) == 1
    assert [e.item.id for e in entries] == list(range(25))
    assert len(server.asked) == 1 + 3
    assert len(entries.all()) == 25


def test_the_first_rows_take_no_more_than_they_need():
    server = Server(pages_of(25, 10))
    entries = client_of(server).collections.entries(ID, page_size=10)
    assert len(entries.first(3)) == 3
    assert server.asked[-1].url.params["limit"] == "3"
    assert len(entries.first(12)) == 12
    assert entries.first(0) == []
    assert len(server.asked) == 3


def test_a_list_can_be_gone_on_with_later():
    server = Server(pages_of(25, 10))
    entries = client_of(server).collections.entries(ID, page_size=10)
    first = next(iter(entries.pages()))
    assert first.next == "10"
    assert [e.item.id for page in entries.pages(after=first.next) for e in page.rows] == list(range(10, 25))


async def test_the_asynchronous_list_does_the_same():
    server = Server(pages_of(25, 10))
    transport = httpx2.MockTransport(server)
    async with pinakes.connect_async("http://here", transport=transport) as client:
        entries = client.collections.entries(ID, page_size=10)
        assert [e.item.id async for e in entries] == list(range(25))
        assert len(await entries.all()) == 25
        assert len(await entries.first(5)) == 5


def test_lists_of_collections_name_what_they_filter_by():
    server = answering({"rows": [COLLECTION], "next": None})
    found = client_of(server).collections.list(
        owner=["a", "b"], item=["model:a/b", 7], tag="x", text="words", entries=2
    )
    assert found.all()[0].slug == COLLECTION["slug"]
    params = server.asked[0].url.params
    assert params.get_list("owner") == ["a", "b"]
    assert params.get_list("item") == ["model:a/b", "7"]
    assert (params["tag"], params["q"], params["entries"], params["limit"]) == ("x", "words", "2", "100")
    assert "trashed" not in params


# --- Collections


def test_creating_sends_only_what_was_given():
    server = answering(COLLECTION)
    made = client_of(server).collections.create("Words", tags=("a",), items=["model:a/b"], reason="so")
    assert made.title == "Words"
    assert server.bodies == [
        {"title": "Words", "reason": "so", "tags": ["a"], "items": [{"item": {"kind": "model", "address": "a/b"}}]}
    ]


def test_exists_ok_answers_with_the_collection_of_that_title():
    taken = {"error": {"code": "title_taken", "message": "Taken.", "details": {"slug": COLLECTION["slug"]}}}
    server = answering(httpx2.Response(409, json=taken), COLLECTION)
    assert client_of(server).collections.create("Words", exists_ok=True).id == ID
    assert server.asked[1].url.path == f"/api/v1/collections/{ID}"
    with pytest.raises(pinakes.Conflict) as caught:
        client_of(answering(httpx2.Response(409, json=taken))).collections.create("Words")
    assert caught.value.details["slug"] == COLLECTION["slug"]


def test_missing_ok():
    gone = httpx2.Response(404, json={"error": {"code": "collection_not_found", "message": "No."}})
    client_of(answering(gone)).collections.delete(ID, missing_ok=True)
    with pytest.raises(pinakes.NotFound):
        client_of(answering(gone)).collections.delete(ID)


def test_an_answer_that_is_something_else_says_so():
    with pytest.raises(pinakes.UnexpectedAnswer, match="no Collection"):
        client_of(answering({"hello": "world"})).collections.get(ID)
    with pytest.raises(pinakes.UnexpectedAnswer):
        client_of(answering(httpx2.Response(200, content=b"<html>"))).collections.get(ID)


# --- Additions


def batch(*outcomes: str) -> dict[str, Any]:
    results = [
        {"outcome": outcome, "entry": ENTRY, "error": None if outcome == "added" else PROBLEM} for outcome in outcomes
    ]
    return {"revision": 4, "applied": True, "results": results, "counts": dict.fromkeys(outcomes, 1)}


def test_a_few_items_go_as_one_json_call():
    server = answering(batch("added", "duplicate"))
    result = client_of(server).collections.add(
        ID, iter([7, pinakes.item("model:a/b", note="n")]), position=0, reason="r"
    )
    assert server.asked[0].headers["content-type"] == "application/json"
    assert server.bodies == [
        {
            "items": [{"item": 7}, {"item": {"kind": "model", "address": "a/b"}, "note": "n"}],
            "atomic": False,
            "position": 0,
            "reason": "r",
        }
    ]
    assert (result.added, result.revision, result.entries) == (1, 4, [ENTRY])
    assert [(line.line, line.outcome) for line in result.problems] == [(2, "duplicate")]
    with pytest.raises(pinakes.Conflict, match="It is there") as caught:
        result.checked()
    assert caught.value.details["line"] == 2
    assert result.checked(exists_ok=True) is result


def test_many_items_go_as_lines_and_tell_how_far_they_are():
    told: list[pinakes.Progress] = []
    answer = lines(
        {"progress": {"received": 10_001, "applied": 5000, "of": 10_001}},
        {"line": 3, "outcome": "unknown", "entry": None, "error": {"code": "item_not_found", "message": "No."}},
        summary(added=10_000, unknown=1, lines=10_001),
    )
    server = answering(answer)
    result = client_of(server).collections.add(ID, range(1, 10_002), progress=told.append, key="mine", expected=3)
    request = server.asked[0]
    assert request.headers["content-type"] == "application/x-ndjson"
    assert request.headers["content-length"] == str(len(request.content))
    assert (request.headers["idempotency-key"], request.headers["if-match"]) == ("mine", '"3"')
    assert request.content.split(b"\n")[:2] == [b"1", b"2"]
    assert (result.added, result.counts, len(result.lines)) == (10_000, {"added": 10_000, "unknown": 1}, 1)
    assert [progress.phase for progress in told] == ["preparing", "sending", "applying"]
    assert told[-1] == pinakes.Progress("applying", 5000, 10_001, "items")
    with pytest.raises(pinakes.NotFound):
        result.checked()


def test_a_bulk_call_whose_answer_breaks_off_is_repeated_under_its_key():
    cut = lines({"progress": {"received": 2, "applied": 0, "of": 2}})
    server = answering(cut, httpx2.Response(503), lines(summary(added=20_000)))
    result = client_of(server).collections.add(ID, (number for number in range(20_000)))
    assert result.added == 20_000
    assert len(server.asked) == 3
    assert len({request.headers["idempotency-key"] for request in server.asked}) == 1
    assert len({request.content for request in server.asked}) == 1


def test_a_bulk_call_that_fails_as_a_whole_is_an_exception():
    server = answering(lines({"error": {"code": "precondition_failed", "message": "Changed.", "request_id": "r9"}}))
    with pytest.raises(pinakes.PreconditionFailed, match="Changed") as caught:
        client_of(server).collections.add(ID, range(1, 10_002))
    assert caught.value.request_id == "r9"


def test_an_atomic_bulk_call_with_a_bad_line_is_an_exception():
    bad = {"line": 3, "outcome": "duplicate", "entry": ENTRY, "error": PROBLEM}
    server = answering(lines(bad, {"summary": {**summary(duplicates=1)["summary"], "applied": False}}))
    with pytest.raises(pinakes.Conflict, match="It is there") as caught:
        client_of(server).collections.add(ID, range(1, 10_002), atomic=True)
    assert caught.value.batch is not None
    assert not caught.value.batch.applied
    assert server.asked[0].url.params["atomic"] == "true"


def test_a_place_is_for_as_many_as_one_json_call_takes():
    with pytest.raises(pinakes.Invalid, match="10,000"):
        client_of(answering({})).collections.add(ID, range(1, 10_002), position=3)


def test_more_than_a_million_are_not_even_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pinakes.sdk._sync.transfers.MAX_BULK_LINES", 10_002)
    server = answering(lines(summary(added=10_002)))
    assert client_of(server).collections.add(ID, range(1, 10_003)).added == 10_002
    with pytest.raises(pinakes.TooLarge, match="10,003"):
        client_of(server).collections.add(ID, range(1, 10_004))
    assert len(server.asked) == 1


@pytest.mark.parametrize("wrong", ["model:a/b", b"model:a/b"])
def test_one_item_is_no_list_of_items(wrong: list[str]):
    with pytest.raises(pinakes.Invalid, match="add_one"):
        client_of(answering({})).collections.add(ID, wrong)


def test_one_item_answers_with_its_entry_or_raises():
    server = answering(batch("added"), entry(7))
    added = client_of(server).collections.add_one(ID, "model:a/b", note="n", after=ENTRY)
    assert added.item.address == "a/m7"
    sent = {"item": {"kind": "model", "address": "a/b"}, "note": "n"}
    assert json.loads(server.asked[0].content) == {"items": [sent], "atomic": True, "after": ENTRY}
    refused = httpx2.Response(409, json={"error": PROBLEM, **batch("duplicate"), "applied": False})
    with pytest.raises(pinakes.Conflict):
        client_of(answering(refused)).collections.add_one(ID, 7)
    assert client_of(answering(refused, entry(7))).collections.add_one(ID, 7, exists_ok=True).id == entry(7)["id"]


async def test_the_asynchronous_half_takes_asynchronous_generators():
    async def items() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    server = answering(batch("added", "added", "added"))
    async with pinakes.connect_async("http://here", transport=httpx2.MockTransport(server)) as client:
        result = await client.collections.add(ID, items())
    assert len(result.lines) == 3
    assert server.bodies[0]["items"] == [{"item": 0}, {"item": 1}, {"item": 2}]


def test_an_entry_is_named_by_its_id_or_itself():
    server = answering(batch("removed"))
    found = pinakes.connect("http://here", transport=httpx2.MockTransport(answering(entry(7)))).collections.entry(
        ID, ENTRY
    )
    calls = client_of(server).collections
    calls.remove(ID, found)
    calls.move(ID, [ENTRY, found], before=found)
    calls.update_entries(ID, [{"entry": found, "note": ""}])
    assert server.bodies == [
        {"entries": [found.id], "atomic": False},
        {"entries": [ENTRY, found.id], "before": found.id},
        {"entries": [{"entry": found.id, "note": ""}], "atomic": False},
    ]


# --- Files


def test_an_import_streams_the_file_with_a_type_by_its_ending(tmp_path: Path):
    server = answering(lines(summary(added=2)))
    for name, kind in (("x.csv", "text/csv"), ("x.jsonl", "application/x-ndjson")):
        path = tmp_path / name
        path.write_bytes(b"kind,address\nmodel,a/b\n")
        assert client_of(server).collections.import_file(ID, path, every_line=True).added == 2
        assert server.asked[-1].headers["content-type"] == kind
        assert server.asked[-1].content == path.read_bytes()
        assert server.asked[-1].url.params["report"] == "all"


def test_an_export_is_there_whole_or_not_at_all(tmp_path: Path):
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise GONE

    path = tmp_path / "x.csv"
    path.write_text("before")
    server = Server(
        lambda _: httpx2.Response(200, content=broken()), lambda _: httpx2.Response(200, content=b"kind,address\n")
    )
    assert client_of(server).collections.export(ID, path) == 13
    assert server.asked[0].url.params["format"] == "csv"
    assert path.read_bytes() == b"kind,address\n"

    server = Server(lambda _: httpx2.Response(200, content=broken()))
    with pytest.raises(pinakes.ConnectionFailed):
        client_of(server).collections.export(ID, path)
    assert path.read_bytes() == b"kind,address\n"
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]


def test_an_export_into_an_open_file_is_not_begun_twice():
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise GONE

    file = io.BytesIO()
    server = Server(lambda _: httpx2.Response(200, content=broken()))
    with pytest.raises(pinakes.ConnectionFailed):
        client_of(server).collections.export(ID, file)
    assert file.getvalue() == b"half"
    assert len(server.asked) == 1


# --- Events


def stream(*events: object) -> httpx2.Response:
    content = b"retry: 1000\nid: 1.0\n\n"
    for one in events:
        cursor = one["cursor"] if isinstance(one, dict) else one
        data = f"data: {json.dumps(one)}\n" if isinstance(one, dict) else ""
        content += f"id: {cursor}\n{data}\n".encode()
    return httpx2.Response(200, content=content, headers={"content-type": "text/event-stream"})


def test_listening_goes_on_where_it_broke():
    server = answering(stream(event(1), event(2)), httpx2.Response(503), stream("1.7"), stream(event(8)))
    listening = client_of(server).events.listen(collection=ID)
    assert [next(listening).cursor for _ in range(3)] == ["1.1", "1.2", "1.8"]
    assert [request.url.params["after"] for request in server.asked] == ["now", "1.2", "1.2", "1.7"]
    assert server.asked[0].url.params["collection"] == ID


def test_listening_ends_when_the_token_does():
    server = answering(stream(event(1)), httpx2.Response(401, json={"error": {"code": "x", "message": "Ended."}}))
    listening = client_of(server).events.listen()
    next(listening)
    with pytest.raises(pinakes.Unauthenticated):
        next(listening)


def test_something_else_than_events():
    with pytest.raises(pinakes.UnexpectedAnswer):
        next(client_of(answering({"rows": []})).events.listen())


def test_the_feed_is_read_to_its_end():
    first = {"rows": [event(1)], "next": "1.1", "more": True}
    server = answering(first, {"rows": [event(2)], "next": "1.2", "more": False})
    assert [found.cursor for found in client_of(server).events.list(after="1.0", verb="entry.added")] == ["1.1", "1.2"]
    assert [request.url.params["after"] for request in server.asked] == ["1.0", "1.1"]


# --- Tables


def test_entries_as_tables():
    rows = [entry(1), entry(2, note=None, score=0.5)]
    client = client_of(answering({"rows": rows, "next": None}))
    frame = client.collections.entries(ID).to_pandas()
    assert list(frame["address"]) == ["a/m1", "a/m2"]
    assert frame["note"].isna().tolist() == [False, True]
    assert frame["score"].isna().tolist() == [True, False]
    table = client.collections.entries(ID).to_arrow()
    assert table.column_names == list(frame.columns)
    assert table["note"].to_pylist() == ["note 1", None]
    assert str(table.schema.field("added_at").type) == "timestamp[us, tz=UTC]"


def test_an_empty_collection_has_all_columns_of_the_right_type():
    client = client_of(answering({"rows": [], "next": None}))
    frame, table = client.collections.entries(ID).to_pandas(), client.collections.entries(ID).to_arrow()
    assert (len(frame), table.num_rows) == (0, 0)
    assert str(frame["item_id"].dtype) == "Int64"
    assert list(frame.columns) == table.column_names


@pytest.mark.parametrize("module", ["pandas", "pyarrow"])
def test_without_the_module_it_says_what_to_install(module: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(frames, "find_spec", lambda _: None)
    entries = client_of(answering({})).collections.entries(ID)
    with pytest.raises(pinakes.MissingPart, match=r"pip install 'pinakes\[frames\]'"):
        _ = entries.to_pandas() if module == "pandas" else entries.to_arrow()
