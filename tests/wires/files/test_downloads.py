from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator

import httpx2
import pytest

from factories.catalog import Facts
from factories.people import Person
from pinakes.server.artifacts import runs, transfers
from pinakes.server.artifacts.run_types import Run
from pinakes.server.ranges import disposition
from pinakes.server.signing import Signer
from support.store import Store

CONTENT = bytes(range(200))
DIGEST = hashlib.md5(CONTENT).digest()
ETAG = f'"{DIGEST.hex()}"'


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def address(store: Store, alice: Person, content: bytes = CONTENT, **facts: Facts) -> str:
    """Where a content of Alice's can be got."""
    digest = hashlib.md5(content).digest()
    await store.state.blobs.receive(transfers.blob_key(alice.id, digest), pieces(content))
    facts = {"path": "wandb_artifacts/12/data.csv", **facts}
    return transfers.blob_download(store.state.signer, account_id=alice.id, md5=digest, size=len(content), **facts)


async def get(store: Store, url: str, **headers: str) -> httpx2.Response:
    return await store.client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_a_whole_file(store: Store, alice: Person):
    url = await address(store, alice)
    assert url.endswith("/wandb_artifacts/12/data.csv")
    answer = await get(store, url)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    told = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
    assert told == {
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=3600",
        "content-disposition": "attachment; filename=\"data.csv\"; filename*=UTF-8''data.csv",
        "content-length": "200",
        "content-security-policy": "sandbox; default-src 'none'",
        "content-type": "text/csv",
        "etag": ETAG,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


async def test_head_says_the_same_without_the_content(store: Store, alice: Person):
    url = await address(store, alice)
    whole, head = await get(store, url), await store.client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "x-request-id": ""} == {**whole.headers, "x-request-id": ""}


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=190-", 190, 200),
        ("bytes=190-100000000000", 190, 200),
        ("bytes=-5", 195, 200),
        ("bytes=199-199", 199, 200),
    ],
)
async def test_a_range(store: Store, alice: Person, asked: str, start: int, stop: int):
    url = await address(store, alice)
    answer = await get(store, url, Range=asked)
    assert (answer.status_code, answer.content) == (206, CONTENT[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/200"
    assert answer.headers["content-length"] == str(stop - start)
    assert (await get(store, url, Range=asked, If_Range=ETAG)).status_code == 206
    assert (await get(store, url, Range=asked, If_Range='"other"')).content == CONTENT


@pytest.mark.parametrize(
    "asked", ["bytes=0-", "bytes=-200", "bytes=-300", "bytes=0-199", "bytes=-", "bytes=5-1", "lines=1-2"]
)
async def test_a_range_that_is_the_whole_or_none(store: Store, alice: Person, asked: str):
    answer = await get(store, await address(store, alice), Range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_several_ranges_are_answered_by_the_whole(store: Store, alice: Person):
    answer = await get(store, await address(store, alice), Range="bytes=0-1,5-6")
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("asked", ["bytes=200-", "bytes=5000-6000", "bytes=-0"])
async def test_a_range_beyond_the_end(store: Store, alice: Person, asked: str):
    answer = await get(store, await address(store, alice), Range=asked)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */200"
    assert answer.json()["code"] == "range_not_satisfiable"


async def test_what_the_client_has_already(store: Store, alice: Person):
    url = await address(store, alice)
    for known in (ETAG, f'"a", W/{ETAG}', "*"):
        answer = await get(store, url, If_None_Match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)
    assert (await get(store, url, If_None_Match='"other"')).status_code == 200


async def test_an_empty_and_a_large_file(store: Store, alice: Person):
    empty = await get(store, await address(store, alice, b""))
    assert (empty.status_code, empty.content, empty.headers["content-length"]) == (200, b"", "0")
    content = os.urandom(3_000_000)
    assert (await get(store, await address(store, alice, content))).content == content


async def test_an_address_that_expired_or_was_altered(store: Store, alice: Person):
    url = await address(store, alice)
    token = url.split("/")[3]
    short = Signer(store.state.signer._key, upload_seconds=60, download_seconds=-1)
    expired = transfers.blob_download(short, account_id=alice.id, md5=DIGEST, size=200, path="a")
    upload = transfers.blob_upload(
        store.state.signer, alice.actor, account_id=alice.id, md5=DIGEST, version_id=None, name="a"
    )
    for tried in (expired, url.replace(token, token[1:]), url.replace(token, "x"), upload.replace("/u/", "/d/")):
        answer = await get(store, tried)
        assert answer.status_code == 403
        assert answer.headers["cache-control"] == "no-store"
    assert (await get(store, expired)).json()["error"] == "This address has expired; ask for a new one."


async def test_a_file_that_is_gone(store: Store, alice: Person):
    url = await address(store, alice)
    await store.state.blobs.delete([transfers.blob_key(alice.id, DIGEST)])
    answer = await get(store, url)
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")
    assert (await store.client.head(url)).status_code == 404


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("a/page.html", "text/html"),
        ("a/model", "application/octet-stream"),
        ("a/x.json", "application/json"),
        ("a/output.log", "text/plain"),
        ("a/config.yaml", "application/yaml"),
        ("a/x.csv.gz", "application/gzip"),
    ],
)
async def test_types(store: Store, alice: Person, path: str, told: str):
    answer = await get(store, await address(store, alice, path=path))
    assert answer.headers["content-type"] == told
    assert answer.headers["content-disposition"].startswith("attachment;")


async def test_a_type_that_would_be_more_than_one_header(store: Store, alice: Person):
    answer = await get(store, await address(store, alice, content_type="text/html\r\nSet-Cookie: a=b"))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("data.csv", "data.csv", "data.csv"),
        ('a"b\\c\r\nSet-Cookie: x', "a_b_c__Set-Cookie: x", "a_b_c__Set-Cookie%3A%20x"),
        ("größe 日本.png", "gr__e __.png", "gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC.png"),
        ("", "file", "file"),
    ],
)
def test_names_are_safe_in_a_header(name: str, plain: str, encoded: str):
    assert disposition(name) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


async def test_a_file_of_a_run(store: Store, alice: Person, run: Run):
    url = transfers.run_file_upload(store.state.signer, alice.actor, run=run, name="media/größe 1.png")
    assert (await store.client.put(url, content=CONTENT)).status_code == 200
    async with store.db.reading() as tx:
        (file,) = (await runs.files(tx, alice.actor, run.id)).rows
    answer = await get(store, transfers.run_file_download(store.state.signer, file))
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, CONTENT, ETAG)
    assert answer.headers["content-type"] == "image/png"
    assert "gr%C3%B6%C3%9Fe%201.png" in answer.headers["content-disposition"]


async def test_other_methods(store: Store, alice: Person):
    url = await address(store, alice)
    assert (await store.client.put(url, content=b"x")).status_code == 405
    assert (await store.client.post(url, content=b"x")).status_code == 405
