"""Collections over the native API: what each operation answers, in the forms that the contract declares."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from factories import models
from factories.people import join, make_organization, make_user, sign_in, unique
from pinakes.api import collections as api
from pinakes.api.common import ErrorAnswer, Page
from pinakes.server.actor import Role, Scope
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.db import Database
from support.native import NDJSON, Api, expect, person, refused


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ana(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "ana"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "bob"))


@pytest.fixture(scope="module")
def nobody(client: httpx2.AsyncClient) -> Api:
    return Api(client, None)


async def test_a_collection_is_created_read_and_listed(ana: Api, nobody: Api) -> None:
    """H-04, H-20, H-26, H-28: all fields come back; anybody reads a public one by its id or its slug's last segment."""
    title = unique("OS Week: Highlights")
    answer = await ana(
        "POST",
        "/collections",
        json={"title": title, "description": "Würstchen", "theme": "green", "tags": ["a", "b"], "reason": "to show"},
    )
    made = expect(answer, 201, api.Collection)
    assert answer.headers["etag"] == '"1"'
    name = person(ana).name
    assert (made.owner, made.title, made.description, made.theme) == (name, title, "Würstchen", "green")
    assert (made.tags, made.visibility, made.entry_count, made.revision) == (["a", "b"], "public", 0, 1)
    assert made.url == f"http://pinakes.test/collections/{made.slug}"
    assert {"collection:update", "collection:delete", "collection:curate"} <= set(made.can)
    for ref in (made.id, made.slug.split("/")[1], f"any-words-{made.id}"):
        found = expect(await nobody("GET", f"/collections/{ref}"), 200, api.Collection)
        assert (found.id, found.can) == (made.id, ["collection:read"])
    page = expect(await nobody("GET", "/collections", params={"owner": name, "tag": "b"}), 200, Page[api.Collection])
    assert [row.id for row in page.rows] == [made.id]
    assert page.rows[0].position is None


async def test_first_entries_come_with_a_new_collection_or_nothing_does(db: Database, ana: Api) -> None:
    """A collection is made with its items in one call: all of them, or neither them nor the collection."""
    one, two = await models(db, person(ana).actor, 2)
    made = await ana.made(items=[{"item": two, "note": "first"}, {"item": one, "score": 0.5}])
    assert (made.entry_count, await ana.items(made.id)) == (2, [two, one])
    title = unique("Title")
    answer = await ana("POST", "/collections", json={"title": title, "items": [{"item": one}, {"item": one}]})
    refused(answer, 409, "already_in_collection", "items.1.item")
    page = await ana("GET", "/collections", params={"owner": person(ana).name, "limit": 100})
    assert title not in {row["title"] for row in page.json()["rows"]}


async def test_the_same_title_again_names_the_slug(ana: Api, bob: Api) -> None:
    """Decision 10: a title that is taken is a 409 with the address of who has it; another owner may have it too."""
    made = await ana.made()
    details = refused(await ana("POST", "/collections", json={"title": made.title}), 409, "title_taken", "title")
    assert details == {"slug": made.slug}
    expect(await bob("POST", "/collections", json={"title": made.title}), 201, api.Collection)


BAD_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no title": ({}, "title"),
    "empty title": ({"title": ""}, "title"),
    "blank title": ({"title": "  "}, "title"),
    "long title": ({"title": "x" * 251}, "title"),
    "long description": ({"title": "x", "description": "é" * 151}, "description"),
    "unknown theme": ({"title": "x", "theme": "red"}, "theme"),
    "unknown visibility": ({"title": "x", "visibility": False}, "visibility"),
    "unknown kind": ({"title": "x", "kind": "release"}, "kind"),
    "unknown field": ({"title": "x", "private": True}, "private"),
    "wrong type": ({"title": 1}, "title"),
    "NUL": ({"title": "a\0b"}, "title"),
    "tags no list": ({"title": "x", "tags": "a"}, "tags"),
    "blank tag": ({"title": "x", "tags": ["a", " "]}, "tags"),
    "no owner's name": ({"title": "x", "owner": "a b"}, "owner"),
    "false for a number": ({"title": "x", "items": [{"item": False}]}, "items.0.item"),
    "unknown item kind": ({"title": "x", "items": [{"item": {"kind": "job", "address": "a"}}]}, "items.0.item"),
    "long note": ({"title": "x", "items": [{"item": 1, "note": "é" * 501}]}, "items.0.note"),
    "infinite score": ({"title": "x", "items": [{"item": 1, "score": 1e39}]}, "items.0.score"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_bad_input_names_its_field(ana: Api, name: str) -> None:
    body, field = BAD_BODIES[name]
    answer = await ana("POST", "/collections", json=body)
    error = expect(answer, 422, ErrorAnswer).error
    assert error.code == "invalid"
    assert error.field is not None
    assert error.field.startswith(field), error


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"title": "\\ud800"}', b"[]", b"null", b'"x"', b"1" * 5000])
async def test_a_body_that_is_not_json_is_refused(ana: Api, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/collections", f"/collections/{'0' * 24}/entries", f"/collections/{'0' * 24}/entries/move"):
        answer = await ana("POST", path, content=body, headers=headers)
        assert expect(answer, answer.status_code, ErrorAnswer).error.code in {"malformed", "invalid", "error"}
        assert answer.status_code in {400, 422}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/collections/xyz", "collection"),
        ("/collections/%00", "collection"),
        (f"/collections/{'0' * 24}/entries/1", "entry"),
        ("/collections?limit=101", "limit"),
        ("/collections?limit=0", "limit"),
        ("/collections?cursor=nonsense", "cursor"),
        ("/collections?sort=name", "sort"),
        ("/collections?sort=position", "sort"),
        ("/collections?q=%00", "q"),
        ("/collections?owner=%00", "owner.0"),
        ("/collections?tag=a%00", "tag.0"),
        ("/collections?item=job:1", "item.0"),
        ("/items/0/collections", "item"),
        ("/items/2147483648/collections", "item"),
        ("/events?after=1", "after"),
        ("/events?after=99999999999999999999.1", "after"),
        ("/events?collection=x", "collection"),
    ],
)
async def test_bad_parameters_name_their_field(ana: Api, path: str, field: str) -> None:
    error = expect(await ana("GET", path), 422, ErrorAnswer).error
    assert (error.code, error.field) == ("invalid", field)


async def test_what_is_hidden_does_not_exist(db: Database, ana: Api, bob: Api, nobody: Api) -> None:
    """H-25: a private collection is 404 for others on every operation, as one that never was."""
    (item,) = await models(db, person(ana).actor, 1)
    made = await ana.made(visibility="private", items=[{"item": item}])
    entry = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"][0]["id"]
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("POST", "/purge", None),
        ("POST", "/copy", {}),
        ("POST", "/transfer", {"owner": person(ana).name}),
        ("PUT", "/vote", None),
        ("DELETE", "/vote", None),
        ("GET", "/entries", None),
        ("POST", "/entries", {"items": [{"item": item}]}),
        ("PATCH", "/entries", {"entries": [{"entry": entry, "note": "x"}]}),
        ("POST", "/entries/remove", {"entries": [entry]}),
        ("POST", "/entries/move", {"entries": [entry], "position": 0}),
        ("GET", f"/entries/{entry}", None),
        ("PATCH", f"/entries/{entry}", {"note": "x"}),
        ("DELETE", f"/entries/{entry}", None),
        ("GET", "/revisions", None),
        ("GET", "/revisions/1", None),
        ("POST", "/revisions/1/restore", None),
        ("GET", "/diff", None),
        ("GET", "/names", None),
        ("PUT", "/names/v1", None),
        ("DELETE", "/names/v1", None),
        ("POST", "/undo", None),
        ("GET", f"/compare/{made.id}", None),
        ("GET", "/history", None),
        ("GET", "/export", None),
    ]
    for api_, hidden in ((bob, made.id), (nobody, made.id), (bob, "0" * 24)):
        for method, path, body in calls:
            answer = await api_(method, f"/collections/{hidden}{path}", **({"json": body} if body is not None else {}))
            signed_out = api_ is nobody and path == "/vote"
            assert answer.status_code == (401 if signed_out else 404), (method, path, answer.text)
    lines = await bob("POST", f"/collections/{made.id}/entries", content=b"1\n", headers=NDJSON)
    refused(lines, 404, "collection_not_found")
    listed = await bob("GET", "/collections", params={"owner": person(ana).name, "limit": 100})
    assert made.id not in {row["id"] for row in listed.json()["rows"]}
    found = await ana("GET", f"/collections/{made.id}")
    assert found.json()["revision"] == made.revision


async def test_reading_is_not_writing(
    db: Database, ana: Api, bob: Api, nobody: Api, client: httpx2.AsyncClient
) -> None:
    """What one may see but not change is 403; without signing in 401; a token of scope read says so."""
    made = await ana.made()
    refused(await bob("PATCH", f"/collections/{made.id}", json={"title": "x"}), 403, "forbidden")
    refused(await nobody("PATCH", f"/collections/{made.id}", json={"title": "x"}), 401, "unauthenticated")
    reader = Api(client, await sign_in(db, person(ana).account, scope=Scope.READ))
    refused(await reader("DELETE", f"/collections/{made.id}"), 403, "scope_too_narrow")
    assert (await reader("GET", f"/collections/{made.id}")).json()["can"] == ["collection:read"]


async def test_fields_change_and_former_slugs_stay(ana: Api) -> None:
    """The slug follows the title; an ETag that is no longer current refuses a change, and nothing happens."""
    made = await ana.made(tags=["a"])
    answer = await ana(
        "PATCH",
        f"/collections/{made.id}",
        json={"title": unique("New"), "description": "d", "theme": "pink", "tags": [], "visibility": "private"},
        headers={"If-Match": f'"{made.revision}"', "X-Pinakes-Reason": "Grüße".encode()},
    )
    changed = expect(answer, 200, api.Collection)
    assert answer.headers["etag"] == f'"{changed.revision}"'
    assert (changed.description, changed.theme, changed.tags, changed.visibility) == ("d", "pink", [], "private")
    assert changed.slug != made.slug
    assert (await ana("GET", f"/collections/{made.slug.split('/')[1]}")).json()["id"] == made.id
    stale = await ana("PATCH", f"/collections/{made.id}", json={"theme": "blue"}, headers={"If-Match": '"1"'})
    assert refused(stale, 412, "precondition_failed") == {"revision": changed.revision, "expected": 1}
    for lenient in ("*", f'W/"{changed.revision}"', f"{changed.revision}"):
        answer = await ana("PATCH", f"/collections/{made.id}", json={"theme": "pink"}, headers={"If-Match": lenient})
        assert answer.status_code == 200
    odd = await ana("PATCH", f"/collections/{made.id}", json={}, headers={"If-Match": '"abc"'})
    refused(odd, 422, "invalid", "If-Match")
    history = (await ana("GET", f"/collections/{made.id}/history")).json()["rows"]
    assert history[0]["reason"] == "Grüße"


async def test_an_owners_collections_have_an_order(db: Database, client: httpx2.AsyncClient) -> None:
    """H-07: a collection's place among its owner's is set and read, and lists go by it."""
    carl = Api(client, await make_user(db, "carl"))
    one, two, three = [(await carl.made()).id for _ in range(3)]
    changed = await carl("PATCH", f"/collections/{three}", json={"position": 0})
    assert expect(changed, 200, api.Collection).position == 0
    listed = await carl("GET", "/collections", params={"owner": person(carl).name, "sort": "position"})
    assert [row["id"] for row in listed.json()["rows"]] == [three, one, two]


async def test_the_trash(ana: Api, bob: Api) -> None:
    """A deleted collection is gone for readers, found in the trash by who may restore it, brought back, and purged."""
    made = await ana.made()
    stale = await ana("DELETE", f"/collections/{made.id}", headers={"If-Match": '"7"'})
    refused(stale, 412, "precondition_failed")
    assert (await ana("DELETE", f"/collections/{made.id}")).status_code == 204
    refused(await ana("GET", f"/collections/{made.id}"), 404, "collection_not_found")
    refused(await ana("DELETE", f"/collections/{made.id}"), 404, "collection_not_found")
    trashed = {"owner": person(ana).name, "trashed": "true"}
    listed = (await ana("GET", "/collections", params=trashed)).json()["rows"]
    (found,) = [row for row in listed if row["id"] == made.id]
    assert found["deleted_at"] is not None
    assert "collection:restore" in found["can"]
    assert (await bob("GET", "/collections", params=trashed)).json()["rows"] == []
    history = await ana("GET", f"/collections/{made.id}/history")
    assert history.json()["rows"][0]["verb"] == "collection.deleted"
    refused(await bob("GET", f"/collections/{made.id}/history"), 404, "collection_not_found")
    back = expect(await ana("POST", f"/collections/{made.id}/restore"), 200, api.Collection)
    assert (back.slug, back.deleted_at) == (made.slug, None)
    refused(await ana("POST", f"/collections/{made.id}/purge"), 404, "collection_not_found")
    await ana("DELETE", f"/collections/{made.id}")
    assert (await ana("POST", f"/collections/{made.id}/purge")).status_code == 204
    refused(await ana("POST", f"/collections/{made.id}/restore"), 404, "collection_not_found")


async def test_copy_transfer_and_vote(db: Database, ana: Api, bob: Api, client: httpx2.AsyncClient) -> None:
    """H-08: upvotes count once a person. A copy is the reader's own; who is given a collection owns it."""
    one, two = await models(db, person(ana).actor, 2)
    made = await ana.made(items=[{"item": one}])
    await ana("PUT", f"/collections/{made.id}/names/v1")
    await ana("POST", f"/collections/{made.id}/entries", json={"items": [{"item": two}]})
    await bob("PUT", f"/collections/{made.id}/vote")
    voted = expect(await bob("PUT", f"/collections/{made.id}/vote"), 200, api.Collection)
    assert (voted.votes, voted.voted) == (1, True)
    voted = expect(await bob("DELETE", f"/collections/{made.id}/vote"), 200, api.Collection)
    assert (voted.votes, voted.voted) == (0, False)
    copy = expect(
        await bob("POST", f"/collections/{made.id}/copy", json={"revision": "v1", "title": unique("Copy")}),
        201,
        api.Collection,
    )
    assert (copy.owner, await bob.items(copy.id)) == (person(bob).name, [one])
    missing = await bob("POST", f"/collections/{made.id}/copy", json={"revision": "v9"})
    refused(missing, 404, "revision_not_found", "revision")
    org = await make_organization(db, person(ana))
    await join(db, org, person(bob), Role.MEMBER)
    given = expect(
        await ana("POST", f"/collections/{made.id}/transfer", json={"owner": org.name, "reason": "ours"}),
        200,
        api.Collection,
    )
    assert (given.owner, given.owner_kind) == (org.name, "organization")
    assert "collection:curate" in (await bob("GET", f"/collections/{made.id}")).json()["can"]
    event = (await ana("GET", f"/collections/{made.id}/history")).json()["rows"][0]
    assert (event["verb"], event["reason"]) == ("collection.transferred", "ours")
    assert (event["before"], event["after"]) == ({"owner": person(ana).name}, {"owner": org.name})
    refused(
        await ana("POST", f"/collections/{made.id}/transfer", json={"owner": "nobody-at-all"}), 404, "account_not_found"
    )


async def test_many_entries_in_one_call(db: Database, ana: Api) -> None:
    """H-36, H-37: each line has its outcome, and the good ones are applied; items by number or by address."""
    one, two, three = await models(db, person(ana).actor, 3)
    async with db.reading() as tx:
        address = (await catalog.get_item(tx, person(ana).actor, two)).address
    made = await ana.made()
    answer = await ana(
        "POST",
        f"/collections/{made.id}/entries",
        json={
            "items": [
                {"item": one, "note": "n", "score": 1},
                {"item": {"kind": "model", "address": address.upper()}},
                {"item": one},
                {"item": {"kind": "model", "address": "no/such"}},
                {"item": 2147483647},
            ],
            "reason": "why not",
        },
    )
    batch = expect(answer, 200, api.Batch)
    assert [row.outcome for row in batch.results] == ["added", "added", "duplicate", "unknown", "unknown"]
    assert batch.counts == {"added": 2, "duplicate": 1, "unknown": 2}
    assert (batch.applied, answer.headers["etag"]) == (True, f'"{batch.revision}"')
    assert batch.results[2].error is not None
    assert batch.results[2].error.code == "already_in_collection"
    answer = await ana(
        "POST", f"/collections/{made.id}/entries", json={"items": [{"item": three}], "before": batch.results[0].entry}
    )
    assert expect(answer, 200, api.Batch).counts == {"added": 1}
    assert await ana.items(made.id) == [three, one, two]


async def test_an_atomic_batch_with_a_bad_line_does_nothing(db: Database, ana: Api) -> None:
    """All lines or none: the status is that of the first bad line, and the answer still says what each came to."""
    one, two = await models(db, person(ana).actor, 2)
    made = await ana.made(items=[{"item": one}])
    body = {"items": [{"item": two}, {"item": one}], "atomic": True}
    batch = expect(await ana("POST", f"/collections/{made.id}/entries", json=body), 409, api.RefusedBatch)
    assert (batch.error.code, batch.applied, batch.revision) == ("already_in_collection", False, made.revision)
    body = {"items": [{"item": two}, {"item": {"kind": "model", "address": "no/such"}}], "atomic": True}
    batch = expect(await ana("POST", f"/collections/{made.id}/entries", json=body), 404, api.RefusedBatch)
    assert batch.error.code == "item_not_found"
    assert await ana.items(made.id) == [one]
    stale = await ana(
        "POST", f"/collections/{made.id}/entries", json={"items": [{"item": two}]}, headers={"If-Match": '"1"'}
    )
    refused(stale, 412, "precondition_failed")


async def test_entries_change_move_and_go(db: Database, ana: Api) -> None:
    """H-14, H-15: notes, scores and places, one by one and many at once; a block moves together."""
    items = await models(db, person(ana).actor, 5)
    made = await ana.made(items=[{"item": item} for item in items])
    base = f"/collections/{made.id}/entries"
    rows = expect(await ana("GET", base), 200, Page[api.Entry]).rows
    a, b, c, d, e = [row.id for row in rows]
    one = expect(await ana("PATCH", f"{base}/{a}", json={"note": "hello", "score": 2.5, "position": 4}), 200, api.Entry)
    assert (one.note, one.score) == ("hello", 2.5)
    assert await ana.items(made.id) == [*items[1:], items[0]]
    assert expect(await ana("GET", f"{base}/{a}"), 200, api.Entry) == one
    changes = {"entries": [{"entry": b, "note": "b"}, {"entry": "0" * 24, "note": "x"}, {"entry": c, "position": 0}]}
    batch = expect(await ana("PATCH", base, json=changes), 200, api.Batch)
    assert [row.outcome for row in batch.results] == ["updated", "unknown", "moved"]
    batch = expect(await ana("POST", f"{base}/move", json={"entries": [e, a], "position": 0}), 200, api.Batch)
    assert batch.counts == {"moved": 2}
    assert [row["id"] for row in (await ana("GET", base)).json()["rows"]] == [e, a, c, b, d]
    refused(await ana("POST", f"{base}/move", json={"entries": [e, "0" * 24], "position": 0}), 404, "entry_not_found")
    both = {"entries": [e], "position": 0, "after": a}
    assert expect(await ana("POST", f"{base}/move", json=both), 422, ErrorAnswer).error.code == "invalid"
    batch = expect(await ana("POST", f"{base}/remove", json={"entries": [a, b, "0" * 24]}), 200, api.Batch)
    assert batch.counts == {"removed": 2, "unknown": 1}
    gone = await ana("DELETE", f"{base}/{e}")
    assert gone.status_code == 204
    assert gone.headers["etag"] == f'"{batch.revision + 1}"'
    for method in ("GET", "DELETE"):
        refused(await ana(method, f"{base}/{e}"), 404, "entry_not_found")
    refused(await ana("PATCH", f"{base}/{e}", json={"note": "x"}), 404, "entry_not_found")
    lean = expect(await ana("GET", base, params={"fields": "lean"}), 200, Page[api.LeanEntry])
    assert [row.id for row in lean.rows] == [c, d]


async def test_pages_of_entries(db: Database, ana: Api) -> None:
    """A collection of any size is read page by page, and as it was at a revision, by number or name."""
    items = await models(db, person(ana).actor, 7)
    made = await ana.made(items=[{"item": item} for item in items])
    await ana("PUT", f"/collections/{made.id}/names/first", json={"revision": made.revision})
    entries = (await ana("GET", f"/collections/{made.id}/entries")).json()["rows"]
    await ana("POST", f"/collections/{made.id}/entries/remove", json={"entries": [row["id"] for row in entries[:3]]})
    for params, expected in (
        ({}, items[3:]),
        ({"revision": "first"}, items),
        ({"revision": str(made.revision)}, items),
    ):
        found: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await ana("GET", f"/collections/{made.id}/entries", params={"limit": 3, **params, **cursor})
            page = expect(answer, 200, Page[api.Entry])
            found += [row.item.id for row in page.rows]
            if page.next is None:
                break
            cursor = {"cursor": page.next}
        assert found == expected
    refused(await ana("GET", f"/collections/{made.id}/entries?revision=v9"), 404, "revision_not_found", "revision")
    shown = expect(await ana("GET", f"/collections/{made.id}?entries=2"), 200, api.Collection)
    assert [row.item.id for row in shown.entries or []] == items[3:5]
    listed = await ana("GET", "/collections", params={"item": items[4], "entries": 1})
    assert [row["entries"][0]["item"]["id"] for row in listed.json()["rows"]] == [items[3]]


async def test_an_items_entry(db: Database, ana: Api, bob: Api, nobody: Api) -> None:
    """One item's entry alone, by number or address; nothing when it is not there, or not for this reader."""
    shown, other = await models(db, person(ana).actor, 2)
    nested = await ana.made()
    made = await ana.made(items=[{"item": shown}, {"item": nested.item_id}])
    path = f"/collections/{made.id}/entries"
    async with db.reading() as tx:
        address = (await catalog.get_item(tx, person(ana).actor, shown)).address

    async def found(of: Api, item: object, **more: str) -> list[int]:
        page = expect(await of("GET", path, params={"item": str(item), **more}), 200, Page[api.Entry])
        assert page.next is None
        return [row.item.id for row in page.rows]

    assert await found(nobody, shown) == [shown]
    assert await found(nobody, f"model:{address.upper()}", limit="1") == [shown]
    assert await found(nobody, f"collection:{nested.slug}") == [nested.item_id]
    for nothing in (other, 2**31 - 1, 9_999_999_999, "model:no/such", "dataset:" + address, "paper:" + address):
        assert await found(ana, nothing) == []
    refused(await ana("GET", path, params={"item": "paper:x"}), 422, "invalid", "item")
    lean = await nobody("GET", path, params={"item": shown, "fields": "lean"})
    assert expect(lean, 200, Page[api.LeanEntry]).rows[0].item.address == address
    async with db.transaction() as tx:
        await catalog.move_repo(tx, person(ana).actor, "model", address, f"{address}-moved")
        changes = RepoChanges(visibility="private")
        await catalog.update_repo(tx, person(ana).actor, "model", f"{address}-moved", changes)
    for name in (shown, f"model:{address}", f"model:{address}-moved"):
        assert await found(ana, name) == [shown]
        assert await found(bob, name) == await found(nobody, name) == []
    refused(await ana("GET", path, params={"item": shown, "revision": "1"}), 422, "invalid", "revision")
    hidden = await ana.made(visibility="private", items=[{"item": nested.item_id}])
    answer = await bob("GET", f"/collections/{hidden.id}/entries", params={"item": nested.item_id})
    refused(answer, 404, "collection_not_found")


async def test_revisions_names_diff_restore_and_undo(db: Database, ana: Api) -> None:
    """Any past revision is read, compared, named and brought back; the last change is undone."""
    one, two, three = await models(db, person(ana).actor, 3)
    made = await ana.made(items=[{"item": one}, {"item": two}])
    base = f"/collections/{made.id}"
    entries = (await ana("GET", f"{base}/entries")).json()["rows"]
    named = expect(await ana("PUT", f"{base}/names/v1"), 200, api.NamedRevision)
    assert (named.name, named.revision, named.created_by) == ("v1", made.revision, person(ana).name)
    await ana("POST", f"{base}/entries", json={"items": [{"item": three}]})
    await ana("PATCH", f"{base}/entries/{entries[0]['id']}", json={"note": "new", "position": 2})
    await ana("DELETE", f"{base}/entries/{entries[1]['id']}")
    changed = expect(await ana("PATCH", base, json={"theme": "blue"}), 200, api.Collection)
    revisions = expect(await ana("GET", f"{base}/revisions"), 200, Page[api.Revision]).rows
    assert [row.number for row in revisions] == list(range(changed.revision, 0, -1))
    assert next(row for row in revisions if row.number == made.revision).names == ["v1"]
    then = expect(await ana("GET", f"{base}/revisions/v1"), 200, api.CollectionAt)
    assert (then.revision, then.theme, then.entry_count) == (made.revision, "orange", 2)
    diff = expect(await ana("GET", f"{base}/diff", params={"from": "v1"}), 200, api.Diff)
    assert {row.item.id: row.ways for row in diff.rows} == {
        one: ["changed", "moved"],
        two: ["removed"],
        three: ["added"],
    }
    assert diff.counts == api.DiffCounts(added=1, removed=1, changed=1, moved=1)
    assert diff.fields == {"theme": api.FieldPair(before="orange", after="blue")}
    last = expect(await ana("GET", f"{base}/diff"), 200, api.Diff)
    assert (last.older, last.newer, last.rows) == (changed.revision - 1, changed.revision, [])
    undone = expect(await ana("POST", f"{base}/undo", json={"reason": "no"}), 200, api.Collection)
    assert undone.theme == "orange"
    answer = await ana("POST", f"{base}/revisions/v1/restore", headers={"If-Match": f'"{undone.revision}"'})
    restored = expect(answer, 200, api.Collection)
    assert restored.revision > undone.revision
    assert [row["id"] for row in (await ana("GET", f"{base}/entries")).json()["rows"]] == [row["id"] for row in entries]
    refused(await ana("POST", f"{base}/revisions/999/restore"), 404, "revision_not_found", "revision")
    refused(await ana("PUT", f"{base}/names/v1", json={"revision": 1}), 409, "name_taken", "name")
    assert expect(await ana("GET", f"{base}/names"), 200, Page[api.NamedRevision]).rows == [named]
    assert (await ana("DELETE", f"{base}/names/v1")).status_code == 204
    refused(await ana("DELETE", f"{base}/names/v1"), 404, "revision_not_found", "name")
    fresh = await ana.made()
    refused(await ana("POST", f"/collections/{fresh.id}/undo"), 409, "nothing_to_undo")


async def test_sets_and_which_collections_hold_an_item(db: Database, ana: Api, bob: Api, nobody: Api) -> None:
    """How much two collections share; which collections hold an item, and nothing about a hidden item."""
    one, two, three = await models(db, person(ana).actor, 3)
    left = await ana.made(items=[{"item": one}, {"item": two}])
    right = await ana.made(items=[{"item": two}, {"item": three}], visibility="private")
    sizes = expect(await ana("GET", f"/collections/{left.id}/compare/{right.id}"), 200, api.SetSizes)
    assert sizes == api.SetSizes(left=2, right=2, intersection=1, union=3, left_only=1, right_only=1)
    refused(await nobody("GET", f"/collections/{left.id}/compare/{right.id}"), 404, "collection_not_found")
    mine = expect(await ana("GET", f"/items/{two}/collections"), 200, Page[api.Collection])
    assert {row.id for row in mine.rows} == {left.id, right.id}
    others = expect(await bob("GET", f"/items/{two}/collections"), 200, Page[api.Collection])
    assert [row.id for row in others.rows] == [left.id]
    async with db.transaction() as tx:
        address = (await catalog.get_item(tx, person(ana).actor, one)).address
        await catalog.update_repo(tx, person(ana).actor, "model", address, RepoChanges(visibility="private"))
    refused(await bob("GET", f"/items/{one}/collections"), 404, "item_not_found")
    for item in (one, f"model:{address}"):
        assert (await bob("GET", "/collections", params={"item": item})).json()["rows"] == []
        assert (await ana("GET", "/collections", params={"item": item})).json()["rows"] != []
    assert await bob.items(left.id) == [two]
    assert (await bob("GET", f"/collections/{left.id}")).json()["entry_count"] == 1


async def test_one_key_is_one_change(db: Database, ana: Api, bob: Api) -> None:
    """An idempotency key: the same request gets the same answer and is carried out once; another request is refused."""
    (item,) = await models(db, person(ana).actor, 1)
    key = {"Idempotency-Key": unique("key")}
    body = {"title": unique("Once")}
    first = await ana("POST", "/collections", json=body, headers=key)
    again = await ana("POST", "/collections", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (again.headers["idempotent-replay"], again.headers["etag"]) == ("true", '"1"')
    assert "idempotent-replay" not in first.headers
    other = await ana("POST", "/collections", json={"title": unique("Other")}, headers=key)
    refused(other, 409, "idempotency_mismatch", "Idempotency-Key")
    assert (await bob("POST", "/collections", json=body, headers=key)).status_code == 201
    collection = first.json()["id"]
    key = {"Idempotency-Key": unique("key")}
    body = {"items": [{"item": item}]}
    refused(await ana("POST", f"/collections/{'0' * 24}/entries", json=body, headers=key), 404, "collection_not_found")
    answers = [await ana("POST", f"/collections/{collection}/entries", json=body, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["counts"] == {"added": 1}
    refused(
        await ana("POST", "/collections", json={"title": "x"}, headers={"Idempotency-Key": "a b"}),
        422,
        "invalid",
        "Idempotency-Key",
    )


async def test_two_requests_with_one_key_at_once(db: Database, ana: Api) -> None:
    """One does it, the other waits for it and gets its answer."""
    for _ in range(5):
        key = {"Idempotency-Key": unique("key")}
        body = {"title": unique("Twice")}
        first, second = await asyncio.gather(*(ana("POST", "/collections", json=body, headers=key) for _ in range(2)))
        assert first.content == second.content
        assert {first.status_code, second.status_code} == {201}
        assert sorted(answer.headers.get("idempotent-replay", "") for answer in (first, second)) == ["", "true"]


async def test_changes_at_once_lose_nothing(db: Database, ana: Api) -> None:
    """Four writers add to one collection at the same time: all that was acknowledged is there."""
    items = await models(db, person(ana).actor, 20)
    made = await ana.made()

    async def add(some: list[int]) -> None:
        for item in some:
            expect(
                await ana("POST", f"/collections/{made.id}/entries", json={"items": [{"item": item}]}), 200, api.Batch
            )

    await asyncio.gather(*(add(items[at::4]) for at in range(4)))
    assert sorted(await ana.items(made.id)) == sorted(items)
    found = expect(await ana("GET", f"/collections/{made.id}"), 200, api.Collection)
    assert (found.entry_count, found.revision) == (20, 21)
