"""Workspaces, projects of media, datasets and items over the native API, in the forms of the contract."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator

import httpx2
import orjson
import pytest

from factories.app import client_of
from factories.media import png
from factories.people import join, make_organization, make_team, make_user, unique
from pinakes.api.common import Page
from pinakes.api.media import MAX_SMALL, Count, Dataset, KnownFiles, MediaBatch, MediaPage, Medium, Removed, Workspace
from pinakes.api.releases import Project
from pinakes.server.actor import Role, Scope
from pinakes.server.db import Database
from pinakes.server.people.types import Account
from pinakes.server.settings import Settings
from pinakes.server.wires.native import arrivals
from support.native import Api, expect, refused


@pytest.fixture
async def api(client: httpx2.AsyncClient, db: Database) -> Api:
    """A user who works in his own account."""
    return Api(client, await make_user(db))


async def make_project(api: Api, **more: object) -> Project:
    body = {"name": unique("road"), "data_type": "images", **more}
    return expect(await api("POST", "/projects", json=body), 201, Project)


async def make_dataset(api: Api, project: Project | None = None, **more: object) -> Dataset:
    place = project or await make_project(api)
    body = {"project": place.id, "name": unique("day"), **more}
    return expect(await api("POST", "/datasets", json=body), 201, Dataset)


async def upload(api: Api, dataset: Dataset, name: str, content: bytes, status: int = 201) -> Medium:
    return expect(await api("PUT", f"/uploads/{dataset.id}/{name}", content=content), status, Medium)


async def made(api: Api, dataset: Dataset, count: int = 3) -> list[Medium]:
    """New items of a dataset."""
    seed = dataset.id
    return [await upload(api, dataset, f"{n}.png", png(seed + n)) for n in range(count)]


async def listed(api: Api, **query: object) -> list[int]:
    return [one.id for one in expect(await api("GET", "/media", params=query), 200, MediaPage).rows]


# ----------------------------------------------------------------------------------------------------------------------
# Workspaces and projects
# ----------------------------------------------------------------------------------------------------------------------


async def test_workspaces(api: Api):
    first = expect(await api("GET", "/workspaces"), 200, Page[Workspace]).rows
    assert [one.first for one in first] == [True]
    created = expect(await api("POST", "/workspaces", json={"name": "Cars", "description": "Of 2026"}), 201, Workspace)
    refused(await api("POST", "/workspaces", json={"name": "cars"}), 409, "name_taken", "name")
    path = f"/workspaces/{created.id}"
    changed = expect(await api("PATCH", path, json={"name": "Lorries", "hidden": True}), 200, Workspace)
    assert (changed.name, changed.description, changed.hidden) == ("Lorries", "Of 2026", True)
    assert "project:write" in changed.can
    assert expect(await api("GET", path), 200, Workspace) == changed
    assert (await api("DELETE", path)).status_code == 204
    assert (await api("GET", path)).status_code == 404
    assert (await api("DELETE", f"/workspaces/{first[0].id}")).status_code in {409, 422}


async def test_a_project_of_media(api: Api):
    project = await make_project(api, description="Streets", readme="# Streets", custom_data={"a": 1})
    assert (project.data_type, project.visibility, project.readme) == ("images", "private", "# Streets")
    assert (project.item_count, project.dataset_count, project.custom_data) == (0, 0, {"a": 1})
    assert {"project:write", "project:delete", "label:write", "queue:manage"} <= {*project.can}
    by_number = expect(await api("GET", f"/projects/{project.id}"), 200, Project)
    by_name = expect(await api("GET", f"/projects/{project.owner}/{project.name}"), 200, Project)
    assert by_number == by_name == project
    details = refused(
        await api("POST", "/projects", json={"name": project.name, "data_type": "videos"}), 409, "name_taken", "name"
    )
    assert [one["id"] for one in details["errors"]] == [project.id]


async def test_changing_a_project(api: Api):
    project = await make_project(api)
    place = expect(await api("POST", "/workspaces", json={"name": unique("w")}), 201, Workspace)
    body = {"description": "New", "settings": {"b": 2}, "workspace": place.id, "name": unique("other")}
    changed = expect(await api("PATCH", f"/projects/{project.id}", json=body), 200, Project)
    assert (changed.description, changed.workspace, changed.name) == ("New", place.id, body["name"])
    assert (changed.settings or {})["b"] == 2
    rows = expect(await api("GET", "/projects", params={"workspace": place.id}), 200, Page[Project]).rows
    assert [row.id for row in rows] == [project.id]
    refused(await api("PATCH", f"/projects/{project.id}", json={"colour": 1}), 422, "invalid", "colour")


async def test_one_noun_for_all_projects(api: Api):
    """Those of runs and those of media; what is in a list is what reading gives."""
    media, runs = await make_project(api), (await api("POST", "/projects", json={"name": unique("runs")})).json()
    rows = expect(await api("GET", "/projects", params={"owner": media.owner}), 200, Page[Project]).rows
    assert [(row.id, row.data_type) for row in rows] == [(runs["id"], None), (media.id, "images")]
    only = expect(await api("GET", "/projects", params={"owner": media.owner, "media": True}), 200, Page[Project])
    assert [row.id for row in only.rows] == [media.id]
    refused(await api("POST", "/projects", json={"name": "x", "readme": "no media"}), 422, "invalid", "body")


async def test_deleting_a_project(api: Api):
    project = await make_project(api)
    dataset = await make_dataset(api, project)
    (item,) = await made(api, dataset, 1)
    assert (await api("DELETE", f"/projects/{project.id}")).status_code == 204
    for path in (f"/projects/{project.id}", f"/datasets/{dataset.id}", f"/media/{item.id}"):
        assert (await api("GET", path)).status_code == 404, path


# ----------------------------------------------------------------------------------------------------------------------
# Datasets
# ----------------------------------------------------------------------------------------------------------------------


async def test_datasets_nest(api: Api):
    project = await make_project(api)
    top = await make_dataset(api, project, name="train", custom_data={"of": "us"})
    below = await make_dataset(api, project, name="night", parent=top.id)
    twin = await make_dataset(api, project, name="night")
    details = refused(
        await api("POST", "/datasets", json={"project": project.id, "name": "night", "parent": top.id}),
        409,
        "name_taken",
        "name",
    )
    assert details["errors"][0]["id"] == below.id

    async def ids(**query: object) -> list[int]:
        answer = await api("GET", "/datasets", params={"project": project.id} | query)
        return [row.id for row in expect(answer, 200, Page[Dataset]).rows]

    assert await ids() == [top.id, below.id, twin.id]
    assert await ids(top=True) == [top.id, twin.id]
    assert await ids(parent=top.id) == [below.id]
    assert await ids(name="night") == [below.id, twin.id]
    assert await ids(descending=True) == [twin.id, below.id, top.id]
    tree = expect(await api("GET", f"/datasets/{top.id}/tree"), 200, Page[Dataset]).rows
    assert [row.id for row in tree] == [top.id, below.id]
    moved = expect(await api("POST", f"/datasets/{twin.id}/move", json={"parent": below.id}), 200, Dataset)
    assert moved.parent == below.id
    assert (await api("POST", f"/datasets/{top.id}/move", json={"parent": twin.id})).status_code == 422
    changed = expect(await api("PATCH", f"/datasets/{top.id}", json={"name": "learn"}), 200, Dataset)
    assert (changed.name, changed.custom_data) == ("learn", {"of": "us"})
    assert (await api("DELETE", f"/datasets/{top.id}")).status_code == 204
    assert await ids() == []


async def test_pages_of_datasets(api: Api):
    project = await make_project(api)
    wanted = [(await make_dataset(api, project)).id for _ in range(5)]
    found: list[int] = []
    cursor = None
    while True:
        query = {"project": project.id, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = expect(await api("GET", "/datasets", params=query), 200, Page[Dataset])
        found += [row.id for row in page.rows]
        cursor = page.next
        if cursor is None:
            break
    assert found == wanted
    for bad in ("x", "W10", "WzFd" * 9):
        refused(await api("GET", "/datasets", params={"project": project.id, "cursor": bad}), 422, "invalid", "cursor")


# ----------------------------------------------------------------------------------------------------------------------
# What comes in
# ----------------------------------------------------------------------------------------------------------------------


async def test_putting_a_file(api: Api):
    dataset, content = await make_dataset(api), png(1, 20, 10)
    item = await upload(api, dataset, "a b%2B.png", content)
    assert (item.name, item.kind, item.width, item.height) == ("a b+.png", "image", 20, 10)
    assert (item.sha256, item.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (item.mime, item.dataset, item.label_count) == ("image/png", dataset.id, 0)
    assert {"item:read", "label:write", "version:download"} <= {*item.can}
    again = await upload(api, dataset, "a b%2B.png", content, status=200)
    assert again.id == item.id
    answer = await api("PUT", f"/uploads/{dataset.id}/a b%2B.png", content=png(2))
    refused(answer, 409, "name_taken", "name")
    assert expect(await api("GET", f"/datasets/{dataset.id}"), 200, Dataset).item_count == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.png", b"no image"),
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("x.png", b""),
        ("..", b"\x89PNG"),
        ("a%5Cb.png", b"\x89PNG"),
    ],
    ids=["text", "svg", "empty", "dots", "backslash"],
)
async def test_what_is_no_item_is_refused(api: Api, name: str, content: bytes):
    dataset = await make_dataset(api)
    answer = await api("PUT", f"/uploads/{dataset.id}/{name}", content=content)
    assert answer.status_code in {404, 422}, answer.text
    assert await listed(api, dataset=dataset.id) == []


async def test_a_checksum_that_differs(api: Api):
    dataset = await make_dataset(api)
    answer = await api("PUT", f"/uploads/{dataset.id}/a.png", params={"sha256": "0" * 64}, content=png())
    refused(answer, 422, "invalid", "sha256")
    assert await listed(api, dataset=dataset.id) == []


async def test_adding_by_hash_says_what_is_missing(api: Api):
    """One call for a thousand names: what the account has is added, the rest is named; again, nothing changes."""
    dataset, other = await make_dataset(api), await make_dataset(api)
    have, lack = png(10), png(11)
    await upload(api, other, "first.png", have)
    known, unknown = hashlib.sha256(have).hexdigest(), hashlib.sha256(lack).hexdigest()
    found = await api("POST", f"/datasets/{dataset.id}/files/known", json={"sha256": [unknown, known]})
    assert expect(found, 200, KnownFiles).known == [known]
    items = [
        {"name": "a.png", "sha256": known, "meta": {"k": 1}},
        {"name": "b.png", "sha256": unknown},
        {"name": "../c.png", "sha256": known},
        {"name": "a.png", "sha256": known},
    ]
    answer = await api("POST", f"/datasets/{dataset.id}/media", json={"items": items})
    batch = expect(answer, 200, MediaBatch)
    assert [one.outcome for one in batch.results[:3]] == ["added", "missing", "refused"]
    assert batch.results[2].error is not None
    assert batch.counts["missing"] == 1
    assert await listed(api, dataset=dataset.id) == [batch.results[0].id]
    again = expect(await api("POST", f"/datasets/{dataset.id}/media", json={"items": items[:1]}), 200, MediaBatch)
    assert [(one.outcome, one.id) for one in again.results] == [("unchanged", batch.results[0].id)]
    await upload(api, other, "second.png", lack)
    clash = {"items": [{"name": "a.png", "sha256": unknown}]}
    (result,) = expect(await api("POST", f"/datasets/{dataset.id}/media", json=clash), 200, MediaBatch).results
    assert result.outcome == "refused"
    assert result.error is not None
    assert result.error.code == "name_taken"


async def test_hashes_of_others_are_not_known(api: Api, client: httpx2.AsyncClient, db: Database):
    """Files are known per account: whoever knows another's hash can do nothing with it."""
    stranger = Api(client, await make_user(db))
    secret = png(20)
    await upload(stranger, await make_dataset(stranger), "s.png", secret)
    dataset, sha256 = await make_dataset(api), hashlib.sha256(secret).hexdigest()
    found = await api("POST", f"/datasets/{dataset.id}/files/known", json={"sha256": [sha256]})
    assert expect(found, 200, KnownFiles).known == []
    items = {"items": [{"name": "s.png", "sha256": sha256}]}
    batch = expect(await api("POST", f"/datasets/{dataset.id}/media", json=items), 200, MediaBatch)
    assert [one.outcome for one in batch.results] == ["missing"]


async def test_links_into_the_servers_network(api: Api, db: Database):
    """Each is refused by itself, unless the operator allows them."""
    dataset, url = await make_dataset(api), "http://0x7f000001:8080/near.png"
    items = {"items": [{"name": "near.png", "link": url}, {"name": "far.png", "link": "https://example.org/far.png"}]}
    near, far = expect(await api("POST", f"/datasets/{dataset.id}/media", json=items), 200, MediaBatch).results
    assert (near.outcome, far.outcome) == ("refused", "added")
    assert near.error is not None
    assert (near.error.code, near.error.field) == ("invalid", "link")
    allowing = Settings(external_url="http://pinakes.test", access_log=False, webhook_private_addresses=True)
    async with client_of(db, allowing) as client:
        answer = await Api(client, api.person)("POST", f"/datasets/{dataset.id}/media", json=items)
    assert [one.outcome for one in expect(answer, 200, MediaBatch).results] == ["added", "unchanged"]


async def test_a_key_is_carried_out_once(api: Api):
    dataset, key = await make_dataset(api), {"Idempotency-Key": unique("k")}
    await upload(api, dataset, "x.png", content := png(30))
    items = {"items": [{"name": "y.png", "sha256": hashlib.sha256(content).hexdigest()}]}
    first = await api("POST", f"/datasets/{dataset.id}/media", json=items, headers=key)
    second = await api("POST", f"/datasets/{dataset.id}/media", json=items, headers=key)
    assert second.headers["Idempotent-Replay"] == "true"
    assert first.json() == second.json()


# ----------------------------------------------------------------------------------------------------------------------
# Many files in one body
# ----------------------------------------------------------------------------------------------------------------------


def framed(name: str, content: bytes, **other: object) -> bytes:
    """A file as it comes among others: a line about it, and its bytes."""
    line = {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()} | other
    return orjson.dumps(line) + b"\n" + content


async def in_pieces(body: bytes, size: int) -> AsyncGenerator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [1, 100, 10**6])
async def test_many_files_in_one_body(api: Api, size: int):
    """Each is an item or not by itself, however the body is cut; repeating it changes nothing."""
    dataset = await make_dataset(api)
    files = {"a.png": png(50), "page.png": b"<html>", "../x.png": png(51), "b b%.png": png(52)}
    body = b"".join(framed(name, content) for name, content in files.items())
    body += framed("changed.png", png(53), sha256="0" * 64) + framed("b b%.png", png(54))
    answer = await api("PUT", f"/uploads/{dataset.id}", content=in_pieces(body, size))
    batch = expect(answer, 200, MediaBatch)
    assert [one.outcome for one in batch.results] == ["added", "refused", "refused", "added", "refused", "refused"]
    assert [one.name for one in batch.results] == [*files, "changed.png", "b b%.png"]
    assert batch.counts == {"added": 2, "refused": 4}
    errors = [one.error.code for one in batch.results if one.error is not None]
    assert errors == ["invalid", "invalid", "invalid", "name_taken"]
    fields = [one.error.field for one in batch.results if one.error is not None]
    assert fields == ["name", "name", "sha256", "name"]
    assert await listed(api, dataset=dataset.id) == [batch.results[0].id, batch.results[3].id]
    again = expect(await api("PUT", f"/uploads/{dataset.id}", content=body), 200, MediaBatch)
    assert again.counts == {"unchanged": 2, "refused": 4}
    assert [one.id for one in again.results][::3] == [one.id for one in batch.results][::3]


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (framed("z.png", png(60))[:-5], "within a file"),
        (b'{"name": "z.png"', "within a line"),
        (b"no json\n", "none that we read (it is not JSON)"),
        (b'{"name": "z.png", "size": 1}\nx', "(sha256: This is required)"),
        (framed("z.png", b"x", size=-1), "size"),
        (framed("z.png", b"x", size=MAX_SMALL + 1), "size"),
        (framed("z.png", b"x", path="/etc"), "(path: There is no such field here)"),
        (framed("", b"x"), "name"),
        (b"x" * 20_000, "too long"),
    ],
    ids=["file", "line", "json", "hash", "negative", "large", "unknown", "nameless", "long"],
)
async def test_a_body_that_breaks_off(api: Api, monkeypatch: pytest.MonkeyPatch, end: bytes, why: str):
    """What had been handled by then stays, each file whole; nothing is made of the rest."""
    monkeypatch.setattr(arrivals, "_FILES", 2)
    dataset = await make_dataset(api)
    body = b"".join(framed(f"{n}.png", png(61 + n)) for n in range(5))
    answer = await api("PUT", f"/uploads/{dataset.id}", content=body + end)
    refused(answer, 422, "invalid", "body")
    assert why in answer.text
    assert len(await listed(api, dataset=dataset.id)) == 4


async def test_more_files_than_one_body_takes(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(arrivals, "MAX_ITEMS", 2)
    dataset = await make_dataset(api)
    body = b"".join(framed(f"{n}.png", png(70 + n)) for n in range(3))
    refused(await api("PUT", f"/uploads/{dataset.id}", content=body), 413, "too_large")
    nothing = expect(await api("PUT", f"/uploads/{dataset.id}", content=b""), 200, MediaBatch)
    assert (nothing.results, nothing.counts) == ([], {})


async def test_many_files_of_somebody_who_may_not(api: Api, client: httpx2.AsyncClient, db: Database):
    dataset, body = await make_dataset(api), framed("a.png", png(80))
    for asker in (Api(client, await make_user(db)), Api(client, None)):
        for content in (body, b""):
            assert (await asker("PUT", f"/uploads/{dataset.id}", content=content)).status_code == 404
    assert (await api("PUT", f"/uploads/{2**31 - 1}", content=body)).status_code == 404
    assert await listed(api, dataset=dataset.id) == []


# ----------------------------------------------------------------------------------------------------------------------
# What is there
# ----------------------------------------------------------------------------------------------------------------------


async def test_bytes_and_ranges(api: Api):
    dataset, content = await make_dataset(api), png(40, 30, 30)
    item = await upload(api, dataset, "größe.png", content)
    path = f"/media/{item.id}/file"
    whole = await api("GET", path)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["etag"] == f'"{item.sha256}"'
    assert whole.headers["x-content-sha256"] == item.sha256
    assert whole.headers["content-type"] == "image/png"
    assert "content-encoding" not in whole.headers
    assert whole.headers["content-disposition"].startswith("attachment;")
    part = await api("GET", path, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, content[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(content)}"
    assert (await api("GET", path, headers={"If-None-Match": whole.headers["etag"]})).status_code == 304
    refused(await api("GET", path, headers={"Range": "bytes=99999999-"}), 416, "range_not_satisfiable")
    head = await api("HEAD", path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(content)))


async def test_a_thumbnail(api: Api):
    item = await upload(api, await make_dataset(api), "big.png", png(50, 900, 300))
    answer = await api("GET", f"/media/{item.id}/thumbnail")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.headers["content-disposition"].startswith("inline;")
    assert answer.content[8:12] == b"WEBP"


async def test_listing_media(api: Api):
    project = await make_project(api)
    one = await make_dataset(api, project)
    two = await make_dataset(api, project, parent=one.id)
    first, second = await upload(api, one, "a.png", png(60, 10, 10)), await upload(api, one, "b.png", png(61, 20, 10))
    third = await upload(api, two, "c.png", png(62, 30, 10))
    assert await listed(api, project=project.id) == [first.id, second.id, third.id]
    assert await listed(api, dataset=one.id) == [first.id, second.id]
    assert await listed(api, dataset=one.id, recursive=True) == [first.id, second.id, third.id]
    assert await listed(api, project=project.id, query="width>=20") == [second.id, third.id]
    assert await listed(api, project=project.id, query="name:a") == [first.id]
    assert await listed(api, project=project.id, sort="name", descending=True) == [third.id, second.id, first.id]
    page = expect(await api("GET", "/media", params={"project": project.id, "limit": 2, "total": True}), 200, MediaPage)
    assert (len(page.rows), page.total) == (2, 3)
    rest = await api("GET", "/media", params={"project": project.id, "limit": 2, "cursor": page.next})
    assert [row.id for row in expect(rest, 200, MediaPage).rows] == [third.id]
    refused(await api("GET", "/media"), 422, "invalid", "project")
    refused(await api("GET", "/media", params={"project": project.id, "query": "width>("}), 422, "invalid", "query")


async def test_changing_an_item(api: Api):
    dataset = await make_dataset(api)
    first, second, _ = await made(api, dataset)
    body = {"name": "new.png", "description": "Rain", "meta": {"gps": [1, 2]}, "custom_data": {"x": None}}
    changed = expect(await api("PATCH", f"/media/{first.id}", json=body), 200, Medium)
    assert (changed.name, changed.description, changed.meta) == ("new.png", "Rain", {"gps": [1, 2]})
    assert expect(await api("GET", f"/media/{first.id}"), 200, Medium) == changed
    refused(await api("PATCH", f"/media/{second.id}", json={"name": "new.png"}), 409, "name_taken", "name")
    assert (await api("PATCH", f"/media/{second.id}", json={"name": "a/b.png"})).status_code == 422


async def test_moving_copying_ordering(api: Api):
    project = await make_project(api)
    one, two = await make_dataset(api, project), await make_dataset(api, project)
    first, second, third = await made(api, one)
    moved = await api("POST", "/media/move", json={"items": [second.id, first.id], "dataset": two.id})
    assert {row.dataset for row in expect(moved, 200, Page[Medium]).rows} == {two.id}
    copied = await api("POST", "/media/copy", json={"items": [first.id], "dataset": one.id})
    (copy,) = expect(copied, 200, Page[Medium]).rows
    assert (copy.dataset, copy.sha256) == (one.id, first.sha256)
    assert copy.id != first.id
    places = {"items": [{"item": copy.id, "order": 1.5}, {"item": third.id, "order": 2.0}]}
    assert expect(await api("POST", "/media/order", json=places), 200, Count).count == 2
    assert await listed(api, dataset=one.id, sort="custom") == [copy.id, third.id]
    elsewhere = await make_dataset(api)
    assert (await api("POST", "/media/move", json={"items": [third.id], "dataset": elsewhere.id})).status_code == 422


async def test_copying_across_accounts(api: Api, client: httpx2.AsyncClient, db: Database):
    """Only who reads the items, and writes where they go."""
    item = (await made(api, await make_dataset(api), 1))[0]
    other = Api(client, await make_user(db))
    place = await make_dataset(other)
    assert (await other("POST", "/media/copy", json={"items": [item.id], "dataset": place.id})).status_code in {
        404,
        422,
    }
    assert (await api("POST", "/media/copy", json={"items": [item.id], "dataset": place.id})).status_code == 404


async def test_removing_and_bringing_back(api: Api):
    dataset = await make_dataset(api)
    first, second, third = await made(api, dataset)
    body = {"items": [first.id, 2**31 - 1, second.id], "reason": "blurred"}
    gone = expect(await api("POST", "/media/remove", json=body), 200, Removed)
    assert (sorted(gone.items), gone.missing) == ([first.id, second.id], [2**31 - 1])
    assert await listed(api, dataset=dataset.id) == [third.id]
    assert (await api("GET", f"/media/{first.id}/file")).status_code == 404
    back = expect(await api("POST", "/media/restore", json={"items": [first.id]}), 200, Removed)
    assert back.items == [first.id]
    assert await listed(api, dataset=dataset.id) == [first.id, third.id]


async def test_what_was_removed_goes_for_good(api: Api):
    """From the trash only; a second time there is nothing to do."""
    dataset = await make_dataset(api)
    first, second, third = await made(api, dataset)
    await api("POST", "/media/remove", json={"items": [first.id, second.id]})
    gone = expect(await api("POST", "/media/purge", json={"items": [first.id, third.id]}), 200, Removed)
    assert (gone.items, gone.missing) == ([first.id], [third.id])
    again = expect(await api("POST", "/media/purge", json={"items": [first.id]}), 200, Removed)
    assert (again.items, again.missing) == ([], [first.id])
    back = expect(await api("POST", "/media/restore", json={"items": [first.id, second.id]}), 200, Removed)
    assert (back.items, back.missing) == ([second.id], [first.id])
    assert await listed(api, dataset=dataset.id) == [second.id, third.id]


# ----------------------------------------------------------------------------------------------------------------------
# Who may
# ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def organization(db: Database) -> Account:
    return await make_organization(db, await make_user(db, "root", admin=True))


async def test_what_is_private_does_not_exist_for_others(api: Api, client: httpx2.AsyncClient, db: Database):
    dataset = await make_dataset(api)
    (item,) = await made(api, dataset, 1)
    stranger, nobody = Api(client, await make_user(db)), Api(client, None)
    paths = (
        f"/projects/{dataset.project}",
        f"/datasets/{dataset.id}",
        f"/datasets/{dataset.id}/tree",
        f"/datasets?project={dataset.project}",
        f"/media/{item.id}",
        f"/media/{item.id}/file",
        f"/media/{item.id}/thumbnail",
        f"/media?project={dataset.project}",
        f"/media?dataset={dataset.id}",
    )
    for path in paths:
        assert (await stranger("GET", path)).status_code == 404, path
        assert (await nobody("GET", path)).status_code == 404, path
    for asker, status in ((stranger, {404}), (nobody, {401, 404})):
        answer = await asker("PUT", f"/uploads/{dataset.id}/x.png", content=png())
        assert answer.status_code in status
        answer = await asker("POST", "/media/remove", json={"items": [item.id]})
        assert answer.status_code in {200, 401, 404}
    assert await listed(api, dataset=dataset.id) == [item.id]


async def test_public_media_are_everybodys_to_read(api: Api, client: httpx2.AsyncClient):
    project = await make_project(api)
    dataset = await make_dataset(api, project)
    (item,) = await made(api, dataset, 1)
    changed = await api("PATCH", f"/projects/{project.id}", json={"visibility": "public"})
    assert expect(changed, 200, Project).visibility == "public"
    nobody = Api(client, None)
    found = expect(await nobody("GET", f"/media/{item.id}"), 200, Medium)
    assert found.can == ["item:read", "version:download"]
    assert (await nobody("GET", f"/media/{item.id}/file")).status_code == 200
    assert (await nobody("PATCH", f"/media/{item.id}", json={"name": "x.png"})).status_code == 401


@pytest.mark.parametrize(
    ("role", "writes"), [(Role.VIEWER, 403), (Role.MANAGER, 403), (Role.MEMBER, 201), (Role.ADMIN, 201)], ids=str
)
async def test_uploads_are_for_members(
    client: httpx2.AsyncClient, db: Database, organization: Account, role: Role, writes: int
):
    team, person = await make_team(db, organization), await make_user(db)
    await join(db, team, person, role)
    keeper = await make_user(db)
    await join(db, team, keeper, Role.ADMIN)
    dataset = await make_dataset(Api(client, keeper), await make_project(Api(client, keeper), owner=team.name))
    answer = await Api(client, person)("PUT", f"/uploads/{dataset.id}/x.png", content=png(len(role)))
    assert answer.status_code == writes, answer.text


async def test_a_narrow_token(client: httpx2.AsyncClient, db: Database):
    reader = Api(client, await make_user(db, scope=Scope.READ))
    answer = await reader("POST", "/projects", json={"name": "x", "data_type": "images"})
    refused(answer, 403, "scope_too_narrow")


async def test_only_admins_forget_for_good(client: httpx2.AsyncClient, db: Database, organization: Account):
    """A member removes and brings back; for others there is nothing in the trash."""
    people = [await make_user(db) for _ in range(3)]
    team = await make_team(db, organization)
    for person, role in zip(people, (Role.ADMIN, Role.MEMBER), strict=False):
        await join(db, team, person, role)
    keeper, member, stranger = (Api(client, person) for person in people)
    dataset = await make_dataset(keeper, await make_project(keeper, owner=team.name))
    (item,) = await made(keeper, dataset, 1)
    path, body = "/media/purge", {"items": [item.id]}
    assert expect(await keeper("POST", path, json=body), 200, Removed).missing == [item.id]
    expect(await member("POST", "/media/remove", json=body), 200, Removed)
    refused(await member("POST", path, json=body), 403, "forbidden")
    assert expect(await stranger("POST", path, json=body), 200, Removed).missing == [item.id]
    assert (await Api(client, None)("POST", path, json=body)).status_code in {200, 401}
    assert expect(await keeper("POST", path, json=body), 200, Removed).items == [item.id]
