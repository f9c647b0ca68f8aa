from __future__ import annotations

import asyncio
import hashlib
import os
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, MutableMapping
from pathlib import Path
from typing import Any
from unittest import mock

import httpx2
import pytest

from factories.catalog import Facts
from factories.people import Person
from pinakes.server.artifacts import runs, transfers
from pinakes.server.artifacts.run_types import Blob, Run, RunFile
from pinakes.server.db import Database
from pinakes.server.errors import Invalid, Unavailable
from pinakes.server.signing import Signer, Ticket, signer_of
from support.s3 import bucket
from support.store import LARGEST, Store, opened

CONTENT = b"some content"


def md5(content: bytes) -> bytes:
    return hashlib.md5(content).digest()


def announced(content: bytes) -> dict[str, str]:
    return {"Content-MD5": b64encode(md5(content)).decode()}


def address(store: Store, alice: Person, content: bytes = CONTENT, **facts: Facts) -> str:
    """Where that content of Alice's can be sent."""
    facts = {"version_id": None, "name": "data set.csv", **facts}
    return transfers.blob_upload(store.state.signer, alice.actor, account_id=alice.id, md5=md5(content), **facts)


async def held(store: Store, alice: Person, *contents: bytes) -> dict[bytes, Blob]:
    async with store.db.transaction() as tx:
        return await transfers.held(tx, alice.id, [md5(content) for content in contents])


async def in_pieces(content: bytes, size: int = 3) -> AsyncGenerator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def test_a_blob_is_kept_and_written_down(store: Store, alice: Person):
    answer = await store.client.put(address(store, alice, version_id=17), content=CONTENT, headers=announced(CONTENT))
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{md5(CONTENT).hex()}"'
    assert await held(store, alice, CONTENT, b"other") == {md5(CONTENT): Blob(md5(CONTENT), len(CONTENT), 17)}
    assert store.objects() == {transfers.blob_key(alice.id, md5(CONTENT))}


async def test_sent_again_it_is_the_same_blob_of_the_first_version(store: Store, alice: Person):
    for version in (17, 18):
        answer = await store.client.put(address(store, alice, version_id=version), content=CONTENT)
        assert answer.status_code == 200
    assert (await held(store, alice, CONTENT))[md5(CONTENT)].version_id == 17


async def test_an_address_may_take_no_more_than_so_many_bytes(store: Store, alice: Person):
    for content in (CONTENT, in_pieces(CONTENT)):
        answer = await store.client.put(address(store, alice, most=11), content=content)
        assert answer.status_code == 413
        assert answer.json()["error"] == "At most 11 bytes are taken here."
    assert store.objects() == set()
    assert (await store.client.put(address(store, alice, most=12), content=CONTENT)).status_code == 200


async def test_the_same_on_s3(db: Database, alice: Person, tmp_path: Path):
    with bucket() as url:
        async with opened(db, tmp_path, url) as store:
            assert (await store.client.put(address(store, alice), content=b"other")).status_code == 400
            assert await held(store, alice, CONTENT) == {}
            assert (await store.client.put(address(store, alice), content=CONTENT)).status_code == 200
            assert await held(store, alice, CONTENT)
            upload_id = transfers.new_upload_id()
            for number, content in ((1, b"one"), (2, b"two")):
                assert (await put_part(store, alice, upload_id, number, content)).status_code == 200
            assert await join(store, alice, upload_id, 2, b"onetwo") == 6
            got = transfers.blob_download(
                store.state.signer, account_id=alice.id, md5=md5(b"onetwo"), size=6, path="a.txt"
            )
            assert (await store.client.get(got)).content == b"onetwo"
            ranged = await store.client.get(got, headers={"Range": "bytes=2-3"})
            assert (ranged.status_code, ranged.content) == (206, b"et")


async def test_an_empty_file(store: Store, alice: Person):
    answer = await store.client.put(address(store, alice, b""), content=b"", headers={"Content-Length": "0"})
    assert answer.status_code == 200
    assert (await held(store, alice, b""))[md5(b"")].size == 0


async def test_without_a_length(store: Store, alice: Person):
    assert (await store.client.put(address(store, alice), content=in_pieces(CONTENT))).status_code == 200
    assert await held(store, alice, CONTENT)


async def test_another_content_is_refused_and_leaves_nothing(store: Store, alice: Person):
    answer = await store.client.put(address(store, alice), content=b"other content")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": f"The MD5 of what arrived is {md5(b'other content').hex()}, not {md5(CONTENT).hex()} as announced.",
        "code": "invalid",
        "field": "md5",
        "request_id": answer.headers["x-request-id"],
    }
    assert store.objects() == set()
    assert await held(store, alice, CONTENT, b"other content") == {}
    assert (await store.client.put(address(store, alice), content=CONTENT)).status_code == 200


@pytest.mark.parametrize("header", ["", "abc", "####", b64encode(b"short").decode(), "é"])
async def test_a_content_md5_that_can_not_be(store: Store, alice: Person, header: str):
    headers = {b"Content-MD5": header.encode("utf-8")}
    answer = await store.client.put(address(store, alice), content=CONTENT, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["field"] == "Content-MD5"


async def test_an_announcement_of_another_md5_than_the_address_is_for(store: Store, alice: Person):
    answer = await store.client.put(address(store, alice), content=b"x", headers=announced(b"x"))
    assert answer.status_code == 400
    assert "This address takes a content of MD5" in answer.json()["error"]


async def test_a_body_that_is_cut_short(store: Store, alice: Person, run: Run):
    url = transfers.run_file_upload(store.state.signer, alice.actor, run=run, name="a.txt")
    answer = await store.client.put(url, content=in_pieces(CONTENT), headers={"Content-Length": "100"})
    assert answer.status_code == 400
    assert "100 bytes were announced, and only 12 arrived." in answer.text
    assert store.objects() == set()


async def test_what_is_larger_than_the_server_takes(store: Store, alice: Person):
    headers = {"Content-Length": str(LARGEST + 1)}
    answer = await store.client.put(address(store, alice), content=in_pieces(CONTENT), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


async def test_an_upload_may_be_larger_than_other_bodies(store: Store, alice: Person):
    content = os.urandom(store.state.settings.max_json_bytes + 1)
    answer = await store.client.put(
        address(store, alice, content), content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200
    key = transfers.blob_key(alice.id, md5(content))
    assert await store.state.blobs.read(key, most=len(content)) == content


async def test_an_address_that_has_expired_or_was_altered(store: Store, alice: Person):
    url = address(store, alice)
    token = url.split("/")[3]
    short = Signer(store.state.signer._key, upload_seconds=-1, download_seconds=-1)
    expired = transfers.blob_upload(
        short, alice.actor, account_id=alice.id, md5=md5(CONTENT), version_id=None, name="a"
    )
    strange = Signer(b"x" * 32, upload_seconds=60, download_seconds=60)
    other = transfers.blob_upload(
        strange, alice.actor, account_id=alice.id, md5=md5(CONTENT), version_id=None, name="a"
    )
    got = transfers.blob_download(store.state.signer, account_id=alice.id, md5=md5(CONTENT), size=12, path="a")
    altered = [token[:-1] + ("A" if token[-1] != "A" else "B"), token[1:], token + "A", "a", "a.b", "....", "%00", "é"]
    urls = [expired, other, got.replace("/d/", "/u/"), *(url.replace(token, word) for word in altered)]
    for tried in urls:
        answer = await store.client.put(tried, content=CONTENT)
        assert answer.status_code == 403, tried
        assert answer.json()["code"] == "forbidden"
    assert store.objects() == set()


async def test_a_sender_who_hangs_up_leaves_nothing_and_comes_again(store: Store, alice: Person):
    """A connection that is cut in the middle of a body; no accident of the server's."""
    messages = [{"type": "http.request", "body": CONTENT[:3], "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "PUT", "path": address(store, alice), "headers": [], "query_string": b""}
    await store.app({**scope, "http_version": "1.1", "scheme": "http", "server": ("a", 1)}, receive, send)
    assert sent[0]["status"] == 499
    assert store.objects() == set()
    assert await held(store, alice, CONTENT) == {}
    assert (await store.client.put(address(store, alice), content=CONTENT)).status_code == 200


async def test_a_database_that_is_away_after_the_bytes_came(store: Store, alice: Person):
    with mock.patch.object(Database, "transaction", side_effect=Unavailable("The database can't be reached.")):
        answer = await store.client.put(address(store, alice), content=CONTENT)
    assert answer.status_code == 503
    assert await held(store, alice, CONTENT) == {}
    assert (await store.client.put(address(store, alice), content=CONTENT)).status_code == 200
    assert await held(store, alice, CONTENT)


async def test_no_connection_is_held_while_bytes_flow(store: Store, alice: Person):
    """More uploads at once than the pool has connections, all waiting for their senders; somebody reads meanwhile."""
    go_on = asyncio.Event()

    async def slow(content: bytes) -> AsyncGenerator[bytes]:
        yield content[:1]
        await go_on.wait()
        yield content[1:]

    contents = [f"content {number}".encode() for number in range(12)]
    uploads = [
        asyncio.create_task(store.client.put(address(store, alice, content), content=slow(content)))
        for content in contents
    ]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(5), store.db.reading() as tx:
        assert await tx.value(transfers.SQL.known_blobs, account_ids=[], md5s=[]) is None
    go_on.set()
    assert {answer.status_code for answer in await asyncio.gather(*uploads)} == {200}
    assert len(await held(store, alice, *contents)) == len(contents)


async def test_the_object_that_was_removed_at_that_very_moment_is_sent_again(store: Store, alice: Person):
    """Whoever collects a blob holds the place of its row; an upload that waited for it finds its object gone."""
    key = transfers.blob_key(alice.id, md5(CONTENT))
    async with store.db.transaction() as tx:
        assert await tx.value(transfers.SQL.claim_missing_blob, account_id=alice.id, md5=md5(CONTENT)) == alice.id
        upload = asyncio.create_task(store.client.put(address(store, alice), content=CONTENT))
        await eventually(lambda: key in store.objects())
        await asyncio.sleep(0.05)
        assert not upload.done()
        await store.state.blobs.delete([key])
        await tx.run(transfers.SQL.give_up_claim, account_id=alice.id, md5=md5(CONTENT))
    answer = await upload
    assert answer.status_code == 503
    assert "send it again" in answer.json()["error"]
    assert await held(store, alice, CONTENT) == {}


async def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


# Files of runs


async def files_of(store: Store, alice: Person, run: Run) -> list[RunFile]:
    async with store.db.reading() as tx:
        return (await runs.files(tx, alice.actor, run.id)).rows


async def put_file(store: Store, alice: Person, run: Run, name: str, content: bytes) -> httpx2.Response:
    return await store.client.put(
        transfers.run_file_upload(store.state.signer, alice.actor, run=run, name=name), content=content
    )


async def test_a_file_of_a_run_is_written_down(store: Store, alice: Person, run: Run):
    name = "media/images/größe 1.png"
    assert (await put_file(store, alice, run, name, CONTENT)).status_code == 200
    (file,) = await files_of(store, alice, run)
    assert (file.name, file.size, file.md5, file.mimetype) == (name, len(CONTENT), md5(CONTENT), "image/png")
    assert file.object_key.startswith(f"runs/{run.id}/")
    assert store.objects() == {file.object_key}


async def test_a_file_that_is_replaced(store: Store, alice: Person, run: Run):
    await put_file(store, alice, run, "a.txt", b"former")
    (former,) = await files_of(store, alice, run)
    await put_file(store, alice, run, "a.txt", CONTENT)
    (file,) = await files_of(store, alice, run)
    assert (file.id, file.md5) == (former.id, md5(CONTENT))
    assert file.object_key != former.object_key
    assert await jobs(store) == [("artifacts.remove_objects", {"keys": [former.object_key]})]


async def jobs(store: Store) -> list[tuple[str, Any]]:
    """The newest job that waits."""
    async with store.db.reading() as tx:
        cursor = await tx.connection.execute(
            "select task_name, args from tasks.procrastinate_jobs order by id desc limit 1"
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def test_a_file_of_a_run_that_was_deleted_meanwhile(store: Store, alice: Person, run: Run):
    url = transfers.run_file_upload(store.state.signer, alice.actor, run=run, name="a.txt")
    async with store.db.transaction() as tx:
        await runs.delete(tx, alice.actor, run.id)
    answer = await store.client.put(url, content=CONTENT)
    assert answer.status_code == 404
    assert answer.json()["code"] == "run_not_found"
    assert store.objects() == set()


# Uploads in parts


async def put_part(store: Store, alice: Person, upload_id: str, number: int, content: bytes) -> httpx2.Response:
    url = transfers.part_upload(
        store.state.signer,
        alice.actor,
        account_id=alice.id,
        upload_id=upload_id,
        number=number,
        md5=md5(content),
        name="big.bin",
    )
    return await store.client.put(url, content=content, headers=announced(content))


async def join(store: Store, alice: Person, upload_id: str, count: int, whole: bytes) -> int:
    return await transfers.join_parts(
        store.db,
        store.state.blobs,
        account_id=alice.id,
        md5=md5(whole),
        upload_id=upload_id,
        numbers=range(1, count + 1),
        version_id=5,
        most=LARGEST,
    )


async def test_parts_become_one_blob(store: Store, alice: Person):
    contents = [os.urandom(1000), os.urandom(1000), b"end"]
    whole = b"".join(contents)
    upload_id = transfers.new_upload_id()
    for number, content in reversed(list(enumerate(contents, 1))):
        answer = await put_part(store, alice, upload_id, number, content)
        assert (answer.status_code, answer.headers["etag"]) == (200, f'"{md5(content).hex()}"')
    sizes = await asyncio.gather(*(join(store, alice, upload_id, 3, whole) for _ in range(3)))
    assert set(sizes) == {len(whole)}
    assert await held(store, alice, whole) == {md5(whole): Blob(md5(whole), len(whole), 5)}
    await store.state.blobs.delete([transfers.part_key(alice.id, upload_id, number) for number in (1, 2, 3)])
    assert await join(store, alice, upload_id, 3, whole) == len(whole)
    key = transfers.blob_key(alice.id, md5(whole))
    assert await store.state.blobs.read(key, most=3000) == whole


async def test_a_part_that_is_missing_is_sent_later(store: Store, alice: Person):
    upload_id = transfers.new_upload_id()
    await put_part(store, alice, upload_id, 1, b"one")
    with pytest.raises(Invalid, match="Part 2 has not arrived"):
        await join(store, alice, upload_id, 2, b"onetwo")
    await put_part(store, alice, upload_id, 2, b"two")
    with pytest.raises(Invalid, match="The MD5 of what arrived"):
        await join(store, alice, upload_id, 2, b"other")
    assert await join(store, alice, upload_id, 2, b"onetwo") == 6


async def test_parts_that_can_not_be(store: Store, alice: Person):
    signer = store.state.signer
    for upload_id, number in (
        ("../../x", 1),
        ("", 1),
        (transfers.new_upload_id(), 0),
        (transfers.new_upload_id(), 10_001),
    ):
        with pytest.raises(Invalid):
            transfers.part_upload(
                signer, alice.actor, account_id=alice.id, upload_id=upload_id, number=number, name="a"
            )
    for numbers in ([], [2], [1, 1], [1, 3]):
        with pytest.raises(Invalid, match="without a gap"):
            await transfers.join_parts(
                store.db,
                store.state.blobs,
                account_id=alice.id,
                md5=md5(b""),
                upload_id=transfers.new_upload_id(),
                numbers=numbers,
                version_id=None,
                most=LARGEST,
            )


async def test_parts_are_dropped_when_an_upload_is_given_up(store: Store, alice: Person):
    upload_id = transfers.new_upload_id()
    await put_part(store, alice, upload_id, 1, b"one")
    await put_part(store, alice, upload_id, 2, b"two")
    await transfers.drop_parts(store.state.blobs, account_id=alice.id, upload_id=upload_id)
    assert store.objects() == set()


async def test_the_parts_of_one_account_are_not_anothers(store: Store, alice: Person, run: Run):
    upload_id = transfers.new_upload_id()
    await put_part(store, alice, upload_id, 1, CONTENT)
    with pytest.raises(Invalid, match="Part 1"):
        await transfers.join_parts(
            store.db,
            store.state.blobs,
            account_id=alice.id + 1,
            md5=md5(CONTENT),
            upload_id=upload_id,
            numbers=[1],
            version_id=None,
            most=LARGEST,
        )


def test_a_ticket_comes_back_as_it_was():
    signer = Signer(b"k" * 32, upload_seconds=60, download_seconds=60)
    ticket = Ticket(
        operation="put-run-file",
        key="runs/1",
        md5=md5(b""),
        size=5,
        content_type="a/b",
        run_id=1,
        name="größe.txt",
        user_id=7,
        token_id=9,
    )
    assert signer.read(signer.token(ticket, 60), "put-run-file") == ticket


async def test_all_servers_on_a_database_sign_alike(store: Store):
    signers = await asyncio.gather(*(signer_of(store.db, store.state.settings) for _ in range(4)))
    assert {signer._key for signer in signers} == {store.state.signer._key}
