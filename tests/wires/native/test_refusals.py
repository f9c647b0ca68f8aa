"""What the native API refuses, and how it says so: the input by its real name, and what would be right."""

from __future__ import annotations

from typing import Any

import httpx2
import orjson
import pytest
import pytest_asyncio

from factories import models
from factories.people import make_user
from pinakes.api import collections as api
from pinakes.api.common import Page
from pinakes.server.db import Database
from pinakes.server.wires import native
from support.native import NDJSON, Api, expect, person, refused

Json = dict[str, Any]

NOT_AN_ITEM = "Input should be a valid integer or an object."


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ana(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "ana"))


@pytest.fixture(scope="module")
def nobody(client: httpx2.AsyncClient) -> Api:
    return Api(client, None)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def items(db: Database, ana: Api) -> list[int]:
    return await models(db, person(ana).actor, 4)


async def lines(ana: Api, collection: str, body: bytes, **params: str) -> list[Json]:
    answer = await ana("POST", f"/collections/{collection}/entries", content=body, headers=NDJSON, params=params)
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines() if not line.startswith(b'{"progress"')]


class TestTheRealField:
    @pytest.mark.parametrize(
        ("item", "field", "told"),
        [
            ({"kind": "foo", "address": "alice/x"}, "item.kind", "'model', 'dataset', 'space'"),
            ({"kind": "model", "address": "a\0"}, "item.address", "must not contain the character NUL."),
            ({"kind": "model", "address": "x" * 501}, "item.address", "at most 500 characters"),
            ({"kind": "model"}, "item.address", "This is required."),
            ({"kind": "model", "address": "a/b", "id": 1}, "item.id", "There is no such field here."),
            (False, "item", NOT_AN_ITEM),
            ("alice/x", "item", NOT_AN_ITEM),
            (1.5, "item", "Input should be a valid integer or an object."),
            (None, "item", NOT_AN_ITEM),
            (0, "item", "greater than or equal to 1."),
            (-1, "item", "greater than or equal to 1."),
            (2**31, "item", "less than or equal to 2147483647."),
        ],
        ids=str,
    )
    async def test_of_an_item(self, ana: Api, item: object, field: str, told: str) -> None:
        """In JSON, where all problems are in the details; and in a line, which is refused alone."""
        made = await ana.made()
        answer = await ana("POST", f"/collections/{made.id}/entries", json={"items": [{"item": item}]})
        (problem,) = refused(answer, 422, "invalid", f"items.0.{field}")["problems"]
        assert problem["field"] == f"items.0.{field}"
        assert told in problem["message"]
        line, _ = await lines(ana, made.id, orjson.dumps({"item": item}))
        assert (line["outcome"], line["error"]["field"]) == ("invalid", field)
        assert line["error"]["details"]["problems"] == [{"field": field, "message": problem["message"]}]
        answer = await ana("POST", "/collections", json={"title": made.title + "2", "items": [{"item": item}]})
        refused(answer, 422, "invalid", f"items.0.{field}")

    @pytest.mark.parametrize("line", [b"99999999999999999999999", b"false", b"-1", b"0", b"[1]", b'"a/b"', b"null"])
    async def test_of_a_line_that_is_no_item(self, ana: Api, line: bytes) -> None:
        made = await ana.made()
        told, _ = await lines(ana, made.id, line)
        assert (told["outcome"], told["error"]["field"]) == ("invalid", "item")
        assert "an item's number, 1 to 2147483647, or an object" in told["error"]["message"]

    @pytest.mark.parametrize("number", [b"2147483648", b"9999999999"])
    async def test_of_a_number_that_no_item_has(self, ana: Api, number: bytes) -> None:
        made = await ana.made()
        told, _ = await lines(ana, made.id, number)
        assert (told["outcome"], told["error"]["field"]) == ("invalid", "item")

    async def test_of_a_revision(self, ana: Api) -> None:
        made = await ana.made()
        answer = await ana("PUT", f"/collections/{made.id}/names/v1", json={"revision": "1!"})
        (problem,) = refused(answer, 422, "invalid", "revision")["problems"]
        assert "pattern" in problem["message"]

    async def test_of_a_list(self, ana: Api) -> None:
        answer = await ana("GET", "/collections?owner=a&owner=b%20c")
        refused(answer, 422, "invalid", "owner.1")

    async def test_characters_are_called_characters(self, ana: Api) -> None:
        answer = await ana("GET", "/collections", params={"q": "x" * 501})
        (problem,) = refused(answer, 422, "invalid", "q")["problems"]
        assert problem["message"] == "This has at most 500 characters."


class TestMalformedAddresses:
    """A malformed id is refused as such, and one that is well formed but unknown stays unknown."""

    MALFORMED = (
        ("model", "a b"),
        ("dataset", "a/b/c"),
        ("space", "ä/b"),
        ("bucket", "/"),
        ("reference", "x" * 400),
        ("paper", "2010.119290"),
        ("paper", "nonsense"),
        ("collection", "no-owner-and-no-id"),
        ("project", "alone"),
        ("version", "a/b/c:latest"),
    )

    async def test_each_is_invalid(self, ana: Api, items: list[int]) -> None:
        made = await ana.made()
        wanted = [{"item": {"kind": kind, "address": address}} for kind, address in self.MALFORMED[:8]]
        answer = await ana("POST", f"/collections/{made.id}/entries", json={"items": [*wanted, {"item": items[0]}]})
        batch = expect(answer, 200, api.Batch)
        assert [row.outcome for row in batch.results] == ["invalid"] * 8 + ["added"]
        assert {row.error.field for row in batch.results if row.error} == {"address"}
        told = await lines(ana, made.id, b"\n".join(map(orjson.dumps, wanted)))
        assert [(line["outcome"], line["error"]["field"]) for line in told[:-1]] == [("invalid", "address")] * 8
        answer = await ana("POST", "/collections", json={"title": made.title + "2", "items": wanted[:1]})
        refused(answer, 422, "invalid", "items.0.address")

    async def test_an_atomic_call_is_refused_as_invalid(self, ana: Api) -> None:
        made = await ana.made()
        body = {"items": [{"item": {"kind": "paper", "address": "2010.119290"}}], "atomic": True}
        answer = await ana("POST", f"/collections/{made.id}/entries", json=body)
        error = expect(answer, 422, api.RefusedBatch).error
        assert (error.code, error.field) == ("invalid", "address")
        assert "2010.119290" not in error.message
        assert "1706.03762" in error.message

    @pytest.mark.parametrize(("kind", "address"), MALFORMED[:8])
    async def test_in_a_filter(self, ana: Api, kind: str, address: str) -> None:
        answer = await ana("GET", "/collections", params={"item": f"{kind}:{address}"})
        refused(answer, 422, "invalid", "item")

    @pytest.mark.parametrize(
        ("kind", "address"),
        [
            ("model", "no/such"),
            ("model", "nosuch"),
            ("paper", "2212.99998"),
            ("paper", "no/such"),
            ("collection", "a/b"),
        ],
    )
    async def test_what_could_be_one_is_unknown(self, ana: Api, kind: str, address: str) -> None:
        made = await ana.made()
        body = {"items": [{"item": {"kind": kind, "address": address}}]}
        answer = await ana("POST", f"/collections/{made.id}/entries", json=body)
        assert [row.outcome for row in expect(answer, 200, api.Batch).results] == ["unknown"]
        found = await ana("GET", "/collections", params={"item": f"{kind}:{address}"})
        assert expect(found, 200, Page[api.Collection]).rows == []


class TestNothingWasApplied:
    async def test_what_was_to_be_added(self, ana: Api, items: list[int]) -> None:
        """No line of a refused call claims to be done, or names an entry that is not there."""
        made = await ana.made(items=[{"item": items[0]}])
        wanted = [items[1], items[1], items[0], 2**31 - 1]
        body = {"items": [{"item": item} for item in wanted], "atomic": True}
        answer = await ana("POST", f"/collections/{made.id}/entries", json=body)
        batch = expect(answer, 409, api.RefusedBatch)
        there = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"][0]["id"]
        assert [(row.outcome, row.entry) for row in batch.results] == [
            ("not_applied", None),
            ("duplicate", None),
            ("duplicate", there),
            ("unknown", None),
        ]
        assert batch.results[1].error is not None
        assert batch.results[1].error.details == {"item": items[1]}
        assert batch.counts == {"not_applied": 1, "duplicate": 2, "unknown": 1}
        assert await ana.items(made.id) == [items[0]]

    async def test_what_was_to_be_changed_or_removed(self, ana: Api, items: list[int]) -> None:
        made = await ana.made(items=[{"item": item} for item in items[:2]])
        entry = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"][0]["id"]
        unknown = entry[:-1] + ("0" if entry[-1] != "0" else "1")
        changes = [{"entry": entry, "note": "new"}, {"entry": unknown, "note": "new"}]
        path = f"/collections/{made.id}/entries"
        for answer in (
            await ana("PATCH", path, json={"entries": changes, "atomic": True}),
            await ana("POST", f"{path}/remove", json={"entries": [entry, unknown], "atomic": True}),
        ):
            batch = expect(answer, 404, api.RefusedBatch)
            assert [(row.outcome, row.entry) for row in batch.results] == [("not_applied", None), ("unknown", unknown)]
            assert (batch.applied, batch.counts) == (False, {"not_applied": 1, "unknown": 1})
        rows = (await ana("GET", path)).json()["rows"]
        assert (rows[0]["id"], rows[0]["note"]) == (entry, None)

    @pytest.mark.parametrize("as_objects", [False, True])
    async def test_lines(self, ana: Api, items: list[int], as_objects: bool) -> None:
        made = await ana.made(items=[{"item": items[0]}])
        wanted = [items[1], items[2], items[1], items[0], items[3]]
        body = b"\n".join(orjson.dumps({"item": item} if as_objects else item) for item in wanted)
        told = await lines(ana, made.id, body, atomic="true", report="all")
        there = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"][0]["id"]
        assert [(line["outcome"], line["entry"]) for line in told[:-1]] == [
            ("not_applied", None),
            ("not_applied", None),
            ("duplicate", None),
            ("duplicate", there),
            ("not_applied", None),
        ]
        summary = api.Summary.model_validate(told[-1]["summary"])
        assert (summary.added, summary.not_applied, summary.duplicates, summary.applied) == (0, 3, 2, False)
        told = await lines(ana, made.id, body, atomic="true")
        assert [line["line"] for line in told[:-1]] == [3, 4]
        good = b"\n".join(orjson.dumps(item) for item in items[1:])
        told = await lines(ana, made.id, good, atomic="true", report="all")
        rows = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"]
        assert [(line["outcome"], line["entry"]) for line in told[:-1]] == [("added", row["id"]) for row in rows[1:]]
        assert (told[-1]["summary"]["added"], told[-1]["summary"]["not_applied"]) == (3, 0)


async def test_what_is_named_twice_is_counted_once(ana: Api, items: list[int]) -> None:
    made = await ana.made(items=[{"item": item} for item in items])
    rows = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"]
    one, two = rows[0]["id"], rows[1]["id"]
    path = f"/collections/{made.id}/entries"
    moved = expect(await ana("POST", f"{path}/move", json={"entries": [two, two, one]}), 200, api.Batch)
    assert (moved.counts, [row.outcome for row in moved.results]) == (
        {"moved": 2, "unchanged": 1},
        ["moved", "unchanged", "moved"],
    )
    assert await ana.items(made.id) == [items[2], items[3], items[1], items[0]]
    removed = expect(await ana("POST", f"{path}/remove", json={"entries": [one, one]}), 200, api.Batch)
    assert removed.counts == {"removed": 1, "unchanged": 1}
    assert await ana.items(made.id) == [items[2], items[3], items[1]]


class TestQueries:
    @pytest.mark.parametrize(
        ("method", "path", "name"),
        [
            ("GET", "/items?kind=model&address=alice%2Fthing", "address"),
            ("GET", "/collections?foo=bar", "foo"),
            ("GET", "/collections?private=0&limit=5", "private"),
            ("GET", "/collections?entry=1", "entry"),
            ("POST", "/collections?title=x", "title"),
            ("GET", "/whoami?x", "x"),
            ("GET", "/collections?" + "n" * 300 + "=1", "n" * 100),
        ],
    )
    async def test_an_unknown_parameter(self, nobody: Api, method: str, path: str, name: str) -> None:
        answer = await nobody(method, path)
        refused(answer, 422, "invalid", name)

    async def test_all_that_an_operation_takes_is_taken(self, ana: Api, items: list[int]) -> None:
        made = await ana.made(items=[{"item": items[0]}])
        for path in (
            "/collections?owner=a&item=1&tag=b&kind=showcase&q=c&sort=lastModified&trashed=false&entries=1&limit=1",
            f"/collections/{made.id}/entries?limit=1&revision=1&fields=lean",
            f"/collections/{made.id}/diff?from=1&to=1&limit=1",
            f"/collections/{made.id}/export?format=csv&revision=1",
        ):
            assert (await ana("GET", path)).status_code == 200
        answer = await ana(
            "POST", f"/collections/{made.id}/entries?atomic=false&report=all", content=b"1", headers=NDJSON
        )
        assert answer.status_code == 200

    async def test_a_cursor_goes_on_where_it_was_made(self, ana: Api, items: list[int]) -> None:
        made = await ana.made(items=[{"item": item} for item in items])
        other = await ana.made(items=[{"item": item} for item in items])
        path = f"/collections/{made.id}/entries"
        now = expect(await ana("GET", f"{path}?limit=2"), 200, Page[api.Entry]).next
        then = expect(await ana("GET", f"{path}?limit=2&revision=2"), 200, Page[api.Entry]).next
        for query in (f"cursor={now}&revision=2", f"cursor={then}", f"cursor={then}&revision=1"):
            refused(await ana("GET", f"{path}?{query}"), 422, "invalid", "cursor")
        refused(await ana("GET", f"/collections/{other.id}/entries?cursor={now}"), 422, "invalid", "cursor")
        for query in (f"cursor={now}", f"cursor={then}&revision=2"):
            page = expect(await ana("GET", f"{path}?limit=2&{query}"), 200, Page[api.Entry])
            assert [row.item.id for row in page.rows] == items[2:]


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "why"),
        [
            (b'{"title":"\xff"}', "it is not UTF-8 text."),
            (b"[" * 100_000, "it is nested too deeply."),
            (b'{"title": ' + b"1" * 5000 + b"}", "a number in it has too many digits."),
        ],
        ids=["latin-1", "deep", "digits"],
    )
    async def test_that_cannot_be_read(self, ana: Api, body: bytes, why: str) -> None:
        answer = await ana("POST", "/collections", content=body, headers={"Content-Type": "application/json"})
        refused(answer, 400, "malformed", "body")
        assert answer.json()["error"]["message"] == f"The body can't be read: {why}"

    async def test_that_is_compressed(self, ana: Api) -> None:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = await ana("POST", "/collections", content=b"\x1f\x8b\x08\x00", headers=headers)
        refused(answer, 400, "malformed", "body")
        assert "a compressed body is not taken here" in answer.json()["error"]["message"]

    async def test_lines_after_a_byte_order_mark(self, ana: Api, items: list[int]) -> None:
        made = await ana.made()
        body = b"\xef\xbb\xbf%d\n%d\n" % (items[0], items[1])
        (told,) = await lines(ana, made.id, body)
        assert told["summary"]["added"] == 2
        assert await ana.items(made.id) == items[:2]
        (told,) = await lines(ana, (await ana.made()).id, b"\xef\xbb\xbf")
        assert (told["summary"]["lines"], told["summary"]["invalid"]) == (0, 0)


class TestHead:
    async def test_is_answered_as_get_without_its_body(self, ana: Api, nobody: Api) -> None:
        made = await ana.made(visibility="private")
        for path in (f"/collections/{made.id}", f"/collections/{made.id}/export", "/whoami", "/collections?limit=1"):
            full, head = await ana("GET", path), await ana("HEAD", path)
            assert (head.status_code, head.content) == (200, b"")
            for name in ("content-type", "etag", "content-length"):
                assert head.headers.get(name) == full.headers.get(name), (path, name)
        assert (await nobody("HEAD", f"/collections/{made.id}")).status_code == 404
        assert (await ana("HEAD", "/collections?foo=1")).status_code == 422

    async def test_where_there_is_no_get(self, ana: Api) -> None:
        made = await ana.made()
        answer = await ana("HEAD", f"/collections/{made.id}/undo")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert (await ana("HEAD", "/nothing/here")).status_code == 404

    def test_is_not_in_the_contract_twice(self) -> None:
        assert not [path for path, operations in native.openapi()["paths"].items() if "head" in operations]


async def test_times_have_one_form(db: Database, ana: Api, items: list[int]) -> None:
    """Z stands for UTC everywhere: in what is written by hand, by the models, in lines and in columns."""
    made = await ana.made(items=[{"item": items[0], "note": "1"}])
    texts = [
        (await ana("GET", path)).text
        for path in (
            f"/collections/{made.id}?entries=1",
            f"/collections/{made.id}/revisions",
            f"/collections/{made.id}/history",
            f"/collections/{made.id}/export",
            f"/collections/{made.id}/export?format=csv",
            f"/items/{items[0]}",
            f"/users/{person(ana).name}",
            f"/events?collection={made.id}",
            f"/search?q={person(ana).name}",
        )
    ]
    for text in texts:
        assert "+00:00" not in text
        assert "Z" in text or text.startswith('{"rows":[]')  # the feed waits for what is under way elsewhere
