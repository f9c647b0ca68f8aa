"""The store of files, each of its verbs on a local folder and on S3."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from pathlib import Path

import pytest

from pinakes.server.blobs import Blobs, Received, Stored
from pinakes.server.errors import Invalid, NotFound, TooLarge, Unavailable
from pinakes.server.settings import CannotStart, Settings
from support.folders import open_folder
from support.s3 import bucket

MB = 1024 * 1024


@pytest.fixture(scope="module")
def bucket_url() -> Generator[str]:
    with bucket() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    url = (tmp_path / "some files").as_uri() if request.param == "folder" else request.getfixturevalue("bucket_url")
    return Blobs(url)


async def chunks(content: bytes, size: int = 300_000) -> AsyncGenerator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
        await asyncio.sleep(0)


async def content_of(blobs: Blobs, key: str, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join([piece async for piece in await blobs.stream(key, start, stop)])


async def keys_of(blobs: Blobs, prefix: str) -> set[str]:
    return {found.key async for page in blobs.walk(prefix) for found in page}


def md5(content: bytes) -> bytes:
    return hashlib.md5(content).digest()


SIZES = [0, 1, 300_000, 5 * MB, 5 * MB + 1, 12 * MB + 345]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("announced", [True, False])
async def test_what_is_received_is_read_again(blobs: Blobs, size: int, announced: bool):
    content = os.urandom(size)
    key = f"received/{size}-{announced}"
    digest = md5(content)
    received = await blobs.receive(
        key, chunks(content), md5=digest if announced else None, size=size if announced else None
    )
    assert received == Received(size, digest)
    assert await content_of(blobs, key) == content
    head = await blobs.head(key)
    assert head is not None
    assert (head.key, head.size) == (key, size)
    assert abs(head.modified.timestamp() - time.time()) < 60


@pytest.mark.parametrize("size", [3, 11 * MB])
async def test_another_content_than_announced_leaves_nothing(blobs: Blobs, size: int):
    content, key = os.urandom(size), f"refused/{size}"
    with pytest.raises(Invalid) as wrong:
        await blobs.receive(key, chunks(content), md5=md5(b"other"))
    assert wrong.value.field == "md5"
    assert wrong.value.message == (
        f"The MD5 of what arrived is {md5(content).hex()}, not {md5(b'other').hex()} as announced."
    )
    for announced, said in ((size + 1, f"only {size} arrived"), (size - 1, "more arrived")):
        with pytest.raises(Invalid, match=said):
            await blobs.receive(key, chunks(content), size=announced)
    assert await blobs.head(key) is None
    assert await keys_of(blobs, "refused") == set()
    assert await keys_of(blobs, "staging") == set()


class HungUpError(Exception):
    pass


@pytest.mark.parametrize("size", [3, 11 * MB])
async def test_a_sender_who_hangs_up_leaves_nothing(blobs: Blobs, size: int):
    async def broken() -> AsyncIterator[bytes]:
        async for chunk in chunks(os.urandom(size)):
            yield chunk
        raise HungUpError

    with pytest.raises(HungUpError):
        await blobs.receive("broken/a", broken())
    assert await blobs.head("broken/a") is None
    assert await keys_of(blobs, "staging") == set()


async def test_a_cancelled_upload_leaves_nothing_and_keeps_what_was_there(blobs: Blobs):
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(MB)
            begun.set()
            await asyncio.sleep(0.01)

    await blobs.receive("cancelled/a", chunks(b"former"))
    task = asyncio.create_task(blobs.receive("cancelled/a", endless()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await content_of(blobs, "cancelled/a") == b"former"


async def test_a_range_is_read_alone(blobs: Blobs):
    content = os.urandom(2 * MB)
    await blobs.receive("ranges/a", chunks(content))
    assert await content_of(blobs, "ranges/a", 5, 8) == content[5:8]
    assert await content_of(blobs, "ranges/a", MB) == content[MB:]
    assert await content_of(blobs, "ranges/a", 0, 1) == content[:1]
    assert await content_of(blobs, "ranges/a", 7, 7) == b""


async def test_what_is_not_there_is_not_found(blobs: Blobs):
    with pytest.raises(NotFound):
        await blobs.stream("nothing/here")
    with pytest.raises(NotFound):
        await blobs.read("nothing/here", most=10)
    with pytest.raises(NotFound):
        await blobs.copy("nothing/here", "nothing/there")
    assert await blobs.head("nothing/here") is None
    await blobs.delete(["nothing/here", "nothing/there"])


async def test_a_small_file_is_read_whole(blobs: Blobs):
    await blobs.receive("small/a", chunks(b"content"))
    assert await blobs.read("small/a", most=7) == b"content"
    with pytest.raises(TooLarge, match="This file has 7 bytes; at most 6"):
        await blobs.read("small/a", most=6)


async def test_deleted_and_copied(blobs: Blobs):
    await blobs.receive("moves/a", chunks(b"content"))
    await blobs.copy("moves/a", "moves/b")
    await blobs.delete(["moves/a"])
    assert await keys_of(blobs, "moves") == {"moves/b"}
    assert await content_of(blobs, "moves/b") == b"content"


async def test_parts_are_joined_in_their_order(blobs: Blobs):
    contents = [os.urandom(6 * MB), os.urandom(6 * MB), b"end"]
    keys = [f"parts/u/{number}" for number in range(3)]
    for key, content in zip(keys, contents, strict=True):
        await blobs.receive(key, chunks(content))
    whole = b"".join(contents)
    with pytest.raises(Invalid):
        await blobs.join(keys, "joined/a", md5=md5(b""))
    assert await blobs.head("joined/a") is None
    with pytest.raises(TooLarge) as large:
        await blobs.join(keys, "joined/a", most=len(whole) - 1)
    assert large.value.details == {"limit": len(whole) - 1}
    assert await blobs.head("joined/a") is None
    joined = await blobs.join(keys, "joined/a", md5=md5(whole), most=len(whole))
    assert joined == Received(len(whole), md5(whole))
    assert await content_of(blobs, "joined/a") == whole
    with pytest.raises(NotFound) as missing:
        await blobs.join([*keys, "parts/u/3"], "joined/b")
    assert missing.value.details == {"key": "parts/u/3"}
    assert await keys_of(blobs, "parts/u") == set(keys)


async def test_many_at_once(blobs: Blobs):
    async def one(number: int) -> None:
        await blobs.receive(f"many/{number % 7}/{number}", chunks(f"{number}".encode()))

    await asyncio.gather(*(one(number) for number in range(60)))
    found = [stored async for page in blobs.walk("many") for stored in page]
    assert len(found) == 60
    assert all(isinstance(stored, Stored) and 1 <= stored.size <= 2 for stored in found)


async def test_what_a_killed_server_left_is_swept(tmp_path: Path):
    blobs = Blobs(tmp_path.as_uri())
    await blobs.receive("kept/a", chunks(b"content"))
    staging = tmp_path / "staging"
    (staging / "old").write_bytes(b"half")
    (staging / "new#1").write_bytes(b"half")
    os.utime(staging / "old", (time.time() - 7200, time.time() - 7200))
    assert await blobs.sweep(3600) == 1
    assert [path.name for path in staging.iterdir()] == ["new#1"]
    assert await Blobs((tmp_path / "nowhere").as_uri()).sweep(3600) == 0


async def test_the_folder_is_closed_to_others(tmp_path: Path):
    Blobs((tmp_path / "a" / "b").as_uri()).open()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


async def test_a_folder_that_can_not_be_written_to():
    with open_folder() as folder:
        (folder / "file").write_bytes(b"")
        blobs = Blobs(folder.as_uri())
        with pytest.raises(Unavailable, match="The store of files"):
            await blobs.receive("file/a", chunks(b"content"))
        assert not list((folder / "staging").iterdir())


@pytest.mark.parametrize("url", ["ftp://host/a", "/a/folder", "s3://", ""])
def test_an_url_of_no_store_is_a_reason_not_to_start(url: str):
    with pytest.raises(CannotStart, match="PINAKES_BLOBS_URL"):
        Blobs(url).open()


def test_the_default_is_a_folder_of_the_data_folder(tmp_path: Path):
    Blobs.of(Settings(data_dir=tmp_path)).open()
    assert (tmp_path / "blobs").is_dir()


async def test_a_store_that_is_away():
    with bucket("away") as url:
        blobs = Blobs(url)
        await blobs.receive("a", chunks(b"content"))
    with pytest.raises(Unavailable, match="can't be reached just now"):
        await blobs.receive("b", chunks(b"content"))
