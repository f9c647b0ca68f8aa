"""The store of files by the SHA-256 of what arrives, on a local folder and on S3; objects as files of this machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from factories.media import pieces
from pinakes.server.blobs import Blobs, Digested
from pinakes.server.errors import Invalid, NotFound, TooLarge, Unavailable
from support.s3 import bucket

MB = 1024 * 1024


@pytest.fixture(scope="module")
def bucket_url() -> Generator[str]:
    with bucket() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "files").as_uri() if request.param == "folder" else request.getfixturevalue("bucket_url"))


def key_of(digest: bytes) -> str:
    return f"by-digest/{digest.hex()}"


async def keys(blobs: Blobs, prefix: str) -> list[str]:
    return [stored.key async for page in blobs.walk(prefix) for stored in page]


@pytest.mark.parametrize("size", [0, 10, 20 * MB])
async def test_what_arrives_lies_under_its_digest(blobs: Blobs, size: int):
    content = os.urandom(size)
    digest = hashlib.sha256(content).digest()
    for announced in (None, digest):
        received = await blobs.receive_by_digest(key_of, pieces(content), sha256=announced)
        assert received == Digested(size, digest)
    assert b"".join([piece async for piece in await blobs.stream(key_of(digest))]) == content
    assert await keys(blobs, "staging") == []
    async with blobs.local(key_of(digest)) as path:
        assert path.read_bytes() == content


class HungUpError(Exception):
    pass


@pytest.mark.parametrize("size", [10, 20 * MB])
async def test_what_is_not_what_was_announced_leaves_nothing(blobs: Blobs, size: int):
    content = os.urandom(size)

    async def hangs_up() -> AsyncIterator[bytes]:
        yield content
        raise HungUpError

    with pytest.raises(Invalid) as wrong:
        await blobs.receive_by_digest(key_of, pieces(content), sha256=bytes(32))
    assert wrong.value.field == "sha256"
    with pytest.raises(TooLarge):
        await blobs.receive_by_digest(key_of, pieces(content), most=9)
    with pytest.raises(HungUpError):
        await blobs.receive_by_digest(key_of, hangs_up())
    assert key_of(hashlib.sha256(content).digest()) not in await keys(blobs, "by-digest")
    assert await keys(blobs, "staging") == []


async def test_what_is_not_there_is_no_file_of_this_machine(blobs: Blobs):
    with pytest.raises(NotFound):
        async with blobs.local("by-digest/nothing"):
            pass


async def test_many_small_ones_at_once(blobs: Blobs):
    """They can be looked at as files before they appear, all of them, or none where the block fails."""
    contents = {f"together/{number % 3}/{number}": os.urandom(number * 100) for number in range(50)}
    async with blobs.arriving(contents) as paths:
        assert [path.read_bytes() for path in paths] == [*contents.values()]
        assert await blobs.missing([*contents]) == [*contents]
    assert await blobs.missing([*contents, "together/none"]) == ["together/none"]
    for key in ("together/0/0", "together/1/49"):
        assert b"".join([piece async for piece in await blobs.stream(key)]) == contents[key]
    with pytest.raises(ZeroDivisionError):
        async with blobs.arriving({"together/other": b"x"}):
            raise ZeroDivisionError
    assert await blobs.missing(["together/other"]) == ["together/other"]
    async with blobs.arriving({}) as none:
        assert none == []
    assert await keys(blobs, "staging") == []
    assert not [path for path in paths if path.exists()]


async def test_many_small_ones_that_nobody_looks_at(blobs: Blobs, monkeypatch: pytest.MonkeyPatch):
    """On their way to a bucket they are no files of this machine."""
    made: list[str] = []
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: made.append("folder"))
    contents = {f"unseen/{number}": os.urandom(number) for number in range(20)}
    await blobs.store_many(contents)
    await blobs.store_many({})
    for key, content in contents.items():
        assert await blobs.read(key, most=100) == content
    assert made == []
    assert await keys(blobs, "staging") == []


async def test_many_that_the_store_does_not_take(tmp_path: Path):
    (tmp_path / "files" / "taken").mkdir(parents=True)
    (tmp_path / "files" / "taken" / "file").write_bytes(b"")
    blobs = Blobs((tmp_path / "files").as_uri())
    with pytest.raises(Unavailable):
        async with blobs.arriving({"taken/file/below": b"x"}):
            pass
    assert await keys(blobs, "staging") == []
