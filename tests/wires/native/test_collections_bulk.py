"""Many lines at once: the bulk call, its answer line by line, its repetition; exports, and what they bring back."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import httpx2
import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings as tried, strategies as st
from pydantic import TypeAdapter

from factories import models
from factories.app import client_of
from factories.people import make_user, unique
from pinakes.api import collections as api
from pinakes.server.catalog import service as catalog
from pinakes.server.db import Database
from pinakes.server.errors import Invalid
from pinakes.server.settings import Settings
from pinakes.server.wires.native import bulk as wire
from support.native import NDJSON, Api, person, refused

CSV = {"Content-Type": "text/csv"}
ANSWER = TypeAdapter(api.BulkAnswer)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ana(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "ana"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def items(db: Database, ana: Api) -> list[int]:
    """Items for everybody here: collections don't mind sharing them."""
    return await models(db, person(ana).actor, 12)


class Lines:
    """An answer of JSON lines, read by the contract."""

    def __init__(self, answer: httpx2.Response) -> None:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [ANSWER.validate_json(line) for line in answer.content.splitlines()]
        self.progress = [line.progress for line in lines if isinstance(line, api.BulkProgress)]
        self.lines = [line for line in lines if isinstance(line, api.BulkLine)]
        self.last = lines[-1]

    @property
    def summary(self) -> api.Summary:
        assert isinstance(self.last, api.BulkSummary)
        return self.last.summary


def ndjson(*lines: object) -> bytes:
    return b"".join(line if isinstance(line, bytes) else orjson.dumps(line) + b"\n" for line in lines)


async def bulk(ana: Api, collection: str, body: bytes, **options: Any) -> Lines:  # noqa: ANN401 - httpx's
    headers = {**NDJSON, **options.pop("headers", {})}
    return Lines(await ana("POST", f"/collections/{collection}/entries", content=body, headers=headers, **options))


async def test_numbers_alone(ana: Api, items: list[int]) -> None:
    """The order is the caller's; what is there already and what is unknown is told line by line, with a summary."""
    made = await ana.made(items=[{"item": items[0]}])
    body = ndjson(items[2], items[1], items[0], 2147483647, items[2], items[3])
    answer = await bulk(ana, made.id, body)
    assert [(line.line, line.outcome) for line in answer.lines] == [(3, "duplicate"), (4, "unknown"), (5, "duplicate")]
    assert answer.lines[0].error is not None
    assert answer.lines[0].error.code == "already_in_collection"
    assert answer.summary == api.Summary(
        lines=6, added=3, duplicates=2, unknown=1, invalid=0, revision=made.revision + 1
    )
    assert answer.progress[-1] == api.Received(received=6, applied=6, of=6)
    assert await ana.items(made.id) == [items[0], items[2], items[1], items[3]]


async def test_objects_notes_and_bad_lines(db: Database, ana: Api, items: list[int]) -> None:
    """A bulk call with bad lines reports them one by one and applies the good ones."""
    async with db.reading() as tx:
        address = (await catalog.get_item(tx, person(ana).actor, items[1])).address
    made = await ana.made()
    answer = await bulk(
        ana,
        made.id,
        ndjson(
            {"item": items[0], "note": "é", "score": 0.5},
            {"item": {"kind": "model", "address": address}},
            b"{nonsense\n",
            b"\n",
            b"null\n",
            b"-1\n",
            b"0\n",
            b"1.5\n",
            b"true\n",
            b"99999999999999999999\n",
            b'{"item": 1, "note": "\\u0000"}\n',
            b'{"item": 1, "note": "\\ud800"}\n',
            b'{"item": 1, "extra": 1}\n',
            b"\xff\xfe\n",
            {"item": items[2], "note": "x" * 501},
            {"item": {"kind": "job", "address": "a/b"}},
            b"[" * 70_000 + b"\n",
            {"item": {"kind": "model", "address": "no/such"}},
            str(items[3]).encode(),
        ),
    )
    assert {line.line: line.outcome for line in answer.lines} == {18: "unknown"} | dict.fromkeys(
        range(3, 18), "invalid"
    )
    assert all(line.error is not None and line.error.message for line in answer.lines)
    named = {line.line: line.error.field for line in answer.lines if line.error is not None and line.error.field}
    assert (named[11], named[13], named[15]) == ("note", "extra", "note")
    assert (answer.summary.added, answer.summary.invalid, answer.summary.unknown) == (3, 15, 1)
    rows = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"]
    assert [(row["item"]["id"], row["note"], row["score"]) for row in rows] == [
        (items[0], "é", 0.5),
        (items[1], None, None),
        (items[3], None, None),
    ]


async def test_all_or_none(ana: Api, items: list[int]) -> None:
    """With `atomic` one bad line undoes all."""
    made = await ana.made(items=[{"item": items[0]}])
    answer = await bulk(ana, made.id, ndjson(items[1], items[0]), params={"atomic": "true"})
    assert (answer.summary.applied, answer.summary.revision) == (False, made.revision)
    assert [line.outcome for line in answer.lines] == ["duplicate"]
    assert await ana.items(made.id) == [items[0]]
    answer = await bulk(ana, made.id, ndjson(items[1], items[2]), params={"atomic": "true", "report": "all"})
    assert answer.summary.applied
    assert [(line.line, line.outcome) for line in answer.lines] == [(1, "added"), (2, "added")]
    entries = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"]
    assert [row["id"] for row in entries[1:]] == [line.entry for line in answer.lines]


async def test_what_is_refused_as_a_whole(ana: Api, items: list[int], db: Database) -> None:
    """No such collection, another revision, nobody's business, a type that is not taken, too many lines: one status."""
    made = await ana.made()
    path = f"/collections/{made.id}/entries"
    refused(await ana("POST", path, content=b"1\n", headers={**NDJSON, "If-Match": '"9"'}), 412, "precondition_failed")
    nobody, bob = Api(ana.client, None), Api(ana.client, await make_user(db, "bob"))
    refused(await nobody("POST", path, content=b"1\n", headers=NDJSON), 401, "unauthenticated")
    refused(await bob("POST", path, content=b"1\n", headers=NDJSON), 403, "forbidden")
    for kind in ("text/plain", "application/xml"):
        refused(await ana("POST", path, content=b"1\n", headers={"Content-Type": kind}), 415, "unsupported_media_type")
        answer = await ana("POST", f"/collections/{made.id}/import", content=b"1\n", headers={"Content-Type": kind})
        refused(answer, 415, "unsupported_media_type")
    refused(await ana("POST", path, content=b"1\n" * 1_000_001, headers=NDJSON), 413, "too_large")
    settings = Settings(max_body_bytes=1000, access_log=False)
    async with client_of(db, settings) as client:
        long = await Api(client, ana.person)("POST", path, content=ndjson(*items) * 1000, headers=NDJSON)
    refused(long, 413, "too_large")
    assert await ana.items(made.id) == []


async def test_an_empty_body_adds_nothing(ana: Api) -> None:
    made = await ana.made()
    answer = await bulk(ana, made.id, b"")
    assert answer.summary == api.Summary(lines=0, added=0, duplicates=0, unknown=0, invalid=0, revision=made.revision)


async def test_one_key_is_one_bulk_call(ana: Api, items: list[int]) -> None:
    """The same key with the same lines gives the same summary and the same bad lines, and nothing is added twice."""
    made = await ana.made()
    key = {"Idempotency-Key": unique("bulk")}
    body = ndjson(items[0], 2147483647, items[1])
    path = f"/collections/{made.id}/entries"
    first = await ana("POST", path, content=body, headers={**NDJSON, **key})
    again = await ana("POST", path, content=body, headers={**NDJSON, **key})
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    one, two = Lines(first), Lines(again)
    assert (two.summary, two.lines) == (one.summary, one.lines)
    assert one.summary.revision == made.revision + 1
    refused(
        await ana("POST", path, content=ndjson(items[2]), headers={**NDJSON, **key}),
        409,
        "idempotency_mismatch",
        "Idempotency-Key",
    )
    assert await ana.items(made.id) == items[:2]
    key = {"Idempotency-Key": unique("bulk")}
    body = ndjson(*items[2:6])
    both = await asyncio.gather(*(ana("POST", path, content=body, headers={**NDJSON, **key}) for _ in range(2)))
    assert {Lines(answer).summary.added for answer in both} == {4}
    assert sorted(answer.headers.get("idempotent-replay", "") for answer in both) == ["", "true"]


async def test_a_refused_atomic_call_may_be_tried_again_with_its_key(db: Database, ana: Api, items: list[int]) -> None:
    made = await ana.made(items=[{"item": items[0]}])
    entry = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"][0]["id"]
    options: dict[str, Any] = {"params": {"atomic": "true"}, "headers": {"Idempotency-Key": unique("bulk")}}
    assert not (await bulk(ana, made.id, ndjson(items[1], items[0]), **dict(options))).summary.applied
    await ana("DELETE", f"/collections/{made.id}/entries/{entry}")
    assert (await bulk(ana, made.id, ndjson(items[1], items[0]), **dict(options))).summary.applied
    assert await ana.items(made.id) == [items[1], items[0]]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_what_is_exported_is_imported_again(ana: Api, items: list[int], form: str) -> None:
    """Notes, scores and order survive the way out and in, whatever a note contains."""
    odd = 'a "quoted", note;\nwith ünïcode\r\nlines, and =formula'
    made = await ana.made(
        items=[{"item": items[3], "note": odd, "score": 0.25}, {"item": items[1]}, {"item": items[2], "note": "{}"}]
    )
    out = await ana("GET", f"/collections/{made.id}/export", params={"format": form})
    assert out.status_code == 200
    assert f'{made.id}-r{made.revision}.{form}"' in out.headers["content-disposition"]
    if form == "jsonl":
        rows = [api.ExportedEntry.model_validate_json(line) for line in out.content.splitlines()]
        assert [row.note for row in rows] == [odd, None, "{}"]
    else:
        records = list(csv.DictReader(io.StringIO(out.content.decode(), newline="")))
        assert [record["note"] for record in records] == [odd, "", "{}"]
    copy = await ana.made()
    answer = Lines(
        await ana(
            "POST",
            f"/collections/{copy.id}/import",
            content=out.content,
            headers=NDJSON if form == "jsonl" else CSV,
        )
    )
    assert (answer.summary.added, answer.summary.lines, answer.lines) == (3, 3, [])
    there = (await ana("GET", f"/collections/{copy.id}/entries")).json()["rows"]
    assert [(row["item"]["id"], row["note"], row["score"]) for row in there] == [
        (items[3], odd, 0.25),
        (items[1], None, None),
        (items[2], "{}", None),
    ]


async def test_an_export_of_a_revision(ana: Api, items: list[int]) -> None:
    """More than a page, now and as it was, by the number or the name of a revision."""
    made = await ana.made(items=[{"item": item} for item in items])
    await ana("PUT", f"/collections/{made.id}/names/full")
    entries = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"]
    await ana("POST", f"/collections/{made.id}/entries/remove", json={"entries": [row["id"] for row in entries[1:]]})
    for revision, count in (({}, 1), ({"revision": "full"}, 12), ({"revision": str(made.revision)}, 12)):
        out = await ana("GET", f"/collections/{made.id}/export", params=revision)
        assert len(out.content.splitlines()) == count
    refused(await ana("GET", f"/collections/{made.id}/export?revision=no"), 404, "revision_not_found", "revision")


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        (b"kind,address,note,score\nmodel,no/such,,\n", ["unknown"]),
        (b"kind,address\njob,a/b\nmodel,\n", ["invalid", "invalid"]),
        (b"kind,address,score\nmodel,no/such,high\nmodel,no/such,nan\n", ["invalid", "invalid"]),
        (b"kind,address,note\nmodel,no/such,\xff\xfe\n", ["invalid"]),
        (b"kind,address\nmodel\n", ["invalid"]),
        (b"\xef\xbb\xbfkind,address,more\r\nmodel,no/such,x\r\n", ["unknown"]),
        (b"kind,address\nmodel,no/such,too,many\n", ["unknown"]),
    ],
)
async def test_bad_records_of_csv(ana: Api, body: bytes, outcomes: list[str]) -> None:
    made = await ana.made()
    answer = Lines(await ana("POST", f"/collections/{made.id}/import", content=body, headers=CSV))
    assert [line.outcome for line in answer.lines] == outcomes
    assert answer.summary.lines == len(outcomes)


@pytest.mark.parametrize("body", [b"", b"a,b\n1,2\n", b"kind\nmodel\n", b'kind,address\n"' + b"x" * 200_000])
async def test_csv_that_is_none(ana: Api, body: bytes) -> None:
    made = await ana.made()
    answer = await ana("POST", f"/collections/{made.id}/import", content=body, headers=CSV)
    refused(answer, 422, "invalid", "body")


async def test_imports_of_lines_that_no_export_wrote(ana: Api, items: list[int]) -> None:
    """The import takes what the bulk call takes, too."""
    made = await ana.made()
    body = ndjson(items[0], {"item": items[1]}, {"kind": "model"}, {"kind": "model", "address": "no/such"}, b"x\n")
    answer = Lines(await ana("POST", f"/collections/{made.id}/import", content=body, headers=NDJSON))
    assert [line.outcome for line in answer.lines] == ["invalid", "unknown", "invalid"]
    assert answer.summary.added == 2


async def test_progress_of_a_large_call(db: Database, ana: Api) -> None:
    """Tens of thousands of lines, most of them unknown: each is named, and the summary counts them."""
    made = await ana.made()
    body = b"".join(b"%d\n" % number for number in range(2_000_000_000, 2_000_000_000 + 60_000))
    key = {"Idempotency-Key": unique("bulk")}
    answer = await bulk(ana, made.id, body, headers=key)
    assert answer.summary.unknown == len(answer.lines) == 60_000
    assert answer.progress[-1].applied == 60_000
    assert [line.line for line in answer.lines[:2]] == [1, 2]
    assert (await ana("GET", f"/collections/{made.id}")).json()["entry_count"] == 0
    again = await bulk(ana, made.id, body, headers=key)
    assert again.summary == answer.summary.model_copy(update={"problems_cut": True})
    assert again.lines == answer.lines[: len(again.lines)]
    assert 10_000 < len(again.lines) < 60_000


LINE = st.sampled_from([b"7", b"12", b"", b"012", b"99\r", b"12345678901", b"x"]) | st.binary(max_size=30).map(
    lambda line: line.replace(b"\n", b"")
)


@given(st.lists(LINE, max_size=8), st.booleans(), st.sampled_from([1, 2, 3, 7, 50]), st.sampled_from([5, 20, 1000]))
@tried(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_the_same_however_they_are_read(
    monkeypatch: pytest.MonkeyPatch, lines: list[bytes], ended: bool, block: int, longest: int
) -> None:
    """Plain numbers are read many at a time, and a line that is too long never whole: neither changes what is read."""
    monkeypatch.setattr(wire, "_BLOCK", block)
    monkeypatch.setattr(wire, "_LONGEST_LINE", longest)

    def told(line: object) -> object:
        return line.message if isinstance(line, Invalid) else line

    body = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    expected = body.removesuffix(b"\n").split(b"\n") if body else []
    read = [told(line) for line in wire._lines(io.BytesIO(body), wire._new_entry)]
    assert read == [
        f"The line is longer than {longest} bytes." if len(line) > longest else told(wire._new_entry(line.strip()))
        for line in expected
    ]
