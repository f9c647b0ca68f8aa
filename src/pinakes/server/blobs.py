"""The files' store: a local folder, or S3, GCS, Azure by their URLs. The only importer of obstore.

Everything is streamed; an object appears only when it is there whole and is what was announced. Keys are made of
letters, digits, `-`, `_` and `/`; what they mean is the rooms' business.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any, TypeVar, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from pinakes.server.errors import Invalid, NotFound, TooLarge, Unavailable
from pinakes.server.settings import CannotStart, Settings

log = structlog.get_logger(__name__)

T = TypeVar("T")

SCHEMES = ("file", "s3", "gs", "az")

# S3 takes no smaller parts (but for the last), and no more than 10,000 of them.
_PART = 5 * 1024 * 1024
_MOST_PARTS = 9_000
_PART_OF_UNKNOWN = 16 * 1024 * 1024

# How many parts of one upload are on their way at once: each is in memory meanwhile.
_PARTS_AT_ONCE = 2

# What a reader is handed at a time.
_CHUNK = 1024 * 1024

# How many objects are listed at a time.
_LISTED = 1000

# Where many small objects come at once: so many threads, or requests to the store, share the work.
_HANDS = 4
_REQUESTS = 16

# Where a local store writes before an object is whole; a rename makes it appear.
_STAGING = "staging"

# The store of a cloud is slow now and then; a body may take as long as it moves.
_CLIENT = {"connect_timeout": "5s", "read_timeout": "60s", "timeout": "1day"}
_RETRY = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}
_ENDPOINTS = ("AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


@dataclass(frozen=True, slots=True)
class Received:
    """What has arrived."""

    size: int
    md5: bytes


@dataclass(frozen=True, slots=True)
class Digested:
    """What has arrived, by the SHA-256 of its bytes."""

    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of the store, without its content."""

    key: str
    size: int
    modified: datetime


class Blobs:
    """The store that a URL names."""

    def __init__(self, url: str) -> None:
        """Keep where the store is; the first use connects."""
        self._url: str = url

    @classmethod
    def of(cls, settings: Settings) -> Blobs:
        """Return the store that the operator chose."""
        return cls(settings.blobs_location)

    def open(self) -> None:
        """Connect, as far as that is possible without the network.

        Raises:
            CannotStart: the URL can't be that of a store.
        """
        try:
            _ = self._store
        except (BaseError, OSError, ValueError) as error:
            message = f"PINAKES_BLOBS_URL ({self._url}) can't be used: {str(error).splitlines()[0]}"
            raise CannotStart(message) from error

    async def receive(
        self,
        key: str,
        chunks: AsyncIterable[bytes],
        *,
        md5: bytes | None = None,
        size: int | None = None,
        most: int | None = None,
    ) -> Received:
        """Store what arrives under a key, replacing what is there, and say what it was.

        Args:
            key: The object's key.
            chunks: The content, in pieces of any size; never all of it is in memory.
            md5: The MD5 that it must have, if that is known.
            size: The size that it must have, if that is known.
            most: The most bytes that it may have.

        Raises:
            Invalid: (fields `md5`, `size`) it is another content. Nothing is stored then, nor when `chunks` raises.
            TooLarge: it has more bytes than it may have.
            Unavailable: the store does not take it just now.
        """
        meter = _Meter(md5, size, most)
        part = _PART_OF_UNKNOWN if size is None else max(_PART, size // _MOST_PARTS)
        async with aclosing(meter.through(chunks)) as body:
            first, more = await _begin(body, part)
            content = _rest(first, body) if more else first
            with _explained(key):
                await self._put(key, content, part)
        return meter.received

    async def receive_by_digest(
        self,
        key_of: Callable[[bytes], str],
        chunks: AsyncIterable[bytes],
        *,
        sha256: bytes | None = None,
        size: int | None = None,
        most: int | None = None,
    ) -> Digested:
        """Store what arrives under the key that its SHA-256 gives it; what is there already stays.

        Args:
            key_of: Says where a content of some SHA-256 lies.
            chunks: The content, in pieces of any size; never all of it is in memory.
            sha256: The SHA-256 that it must have, if that is known.
            size: The size that it must have, if that is known.
            most: The most bytes that it may have.

        Raises:
            Invalid: (fields `sha256`, `size`) it is another content. Nothing is stored then, nor when `chunks` raises.
            TooLarge: it has more bytes than it may have.
            Unavailable: the store does not take it just now.
        """
        meter = _Meter(sha256, size, most, "sha256")
        part = _PART_OF_UNKNOWN if size is None else max(_PART, size // _MOST_PARTS)
        async with aclosing(meter.through(chunks)) as body:
            first, more = await _begin(body, part)
            if more:
                await self._receive_aside(key_of, _rest(first, body), part, meter)
            else:
                with _explained("a new file"):
                    await self._put(key_of(meter.digest), first, part)
        return Digested(meter.size, meter.digest)

    @asynccontextmanager
    async def arriving(self, contents: Mapping[str, bytes]) -> AsyncGenerator[list[Path]]:
        """Store small objects by their keys, all at once: they appear when the block ends well.

        The block is handed a file of this machine for each, in their order, for libraries that look at them. Many
        files are made safe together, which takes hardly longer than one: that is why this is no loop over `receive`.

        Raises:
            Unavailable: the store does not take them just now. Some may be there then, each of them whole.
        """
        with _explained("many files"):
            if self._folder is not None:
                (self._folder / _STAGING).mkdir(mode=0o700, parents=True, exist_ok=True)
                aside, name = self._folder / _STAGING, uuid4().hex
            else:
                aside, name = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="pinakes-")), "file"
        paths = {key: aside / f"{name}-{number}" for number, key in enumerate(contents)}
        try:
            with _explained("many files"):
                await _by_hands(lambda one: one[0].write_bytes(one[1]), [(paths[key], contents[key]) for key in paths])
            yield [*paths.values()]
            if self._folder is None:
                await self.store_many(contents)
            else:
                with _explained("many files"):
                    await _settle_all({path: self._folder / key for key, path in paths.items()})
        finally:
            await asyncio.to_thread(_forget, paths.values(), None if self._folder is not None else aside)

    async def store_many(self, contents: Mapping[str, bytes]) -> None:
        """Store small objects by their keys, all at once, where nobody looks at them as files before.

        Raises:
            Unavailable: as `arriving`.
        """
        if self._folder is None:
            with _explained("many files"):
                await _few_at_once([partial(self._write, key, contents[key], _PART) for key in contents])
        elif contents:
            async with self.arriving(contents):
                pass

    async def missing(self, keys: Sequence[str]) -> list[str]:
        """Return which of some objects are not there.

        Raises:
            Unavailable: the store does not answer.
        """
        if (folder := self._folder) is not None:
            with _explained("many files"):
                return await asyncio.to_thread(lambda: [key for key in keys if not (folder / key).is_file()])
        found = await _few_at_once([partial(self.head, key) for key in keys])
        return [key for key, stored in zip(keys, found, strict=True) if stored is None]

    @asynccontextmanager
    async def local(self, key: str) -> AsyncGenerator[Path]:
        """Have an object as a file of this machine, for libraries that read nothing else.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        if self._folder is not None:
            path = self._folder / key
            with _explained(key):
                await asyncio.to_thread(path.stat)
            yield path
            return
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="pinakes-"))
        try:
            path = folder / "file"
            with await asyncio.to_thread(path.open, "wb") as file:
                async for piece in await self.stream(key):
                    await asyncio.to_thread(file.write, piece)
            yield path
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def stream(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Open an object and return its bytes from `start` up to, not including, `stop`, in pieces.

        Raises:
            NotFound: there is no such object. (At once, not when the first piece is asked for.)
            Unavailable: the store does not answer.
        """
        if stop is not None and stop <= start:
            return _nothing()
        if self._folder is not None:
            with _explained(key):
                file = await asyncio.to_thread((self._folder / key).open, "rb")
            return _read(file, start, stop)
        wanted = cast("Any", {"offset": start} if stop is None else (start, stop))
        options = {"range": wanted} if start or stop is not None else None
        with _explained(key):
            found = await obstore.get_async(self._store, key, options=cast("Any", options))
        return _pieces(key, found.stream(min_chunk_size=_CHUNK))

    async def read(self, key: str, *, most: int) -> bytes:
        """Return a small object whole.

        Raises:
            NotFound: there is no such object.
            TooLarge: it has more than `most` bytes.
            Unavailable: the store does not answer.
        """
        with _explained(key):
            found = await obstore.get_async(self._store, key)
            if found.meta["size"] <= most:
                return bytes(await found.bytes_async())
        message = f"This file has {found.meta['size']} bytes; at most {most} are read at once."
        raise TooLarge(message)

    async def head(self, key: str) -> Stored | None:
        """Return an object's facts, or None when there is none."""
        try:
            with _explained(key):
                meta = await obstore.head_async(self._store, key)
        except NotFound:
            return None
        return Stored(key, meta["size"], meta["last_modified"])

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that is not there is no error."""
        for key in keys:
            try:
                with _explained(key):
                    await obstore.delete_async(self._store, key)
            except NotFound:
                continue

    async def copy(self, key: str, to: str) -> None:
        """Copy an object; NotFound when there is none."""
        with _explained(key):
            await obstore.copy_async(self._store, key, to)

    async def join(
        self, parts: Sequence[str], key: str, *, md5: bytes | None = None, most: int | None = None
    ) -> Received:
        """Make one object of several, in their order; they stay.

        Raises:
            NotFound: one of them is not there; `details.key` says which.
            Invalid: (field `md5`) together they are another content. Nothing is stored then.
            TooLarge: together they have more than `most` bytes, which is found out before any is read.
        """
        sizes = [await self.head(part) for part in parts]
        for part, found in zip(parts, sizes, strict=True):
            if found is None:
                raise NotFound(details={"key": part})
        size = sum(found.size for found in sizes if found is not None)
        if most is not None and size > most:
            message = f"Together the parts are larger than {most} bytes, the most that is taken here."
            raise TooLarge(message, details={"limit": most})
        async with aclosing(self._one_after_the_other(parts)) as content:
            return await self.receive(key, content, md5=md5, size=size)

    async def walk(self, prefix: str) -> AsyncGenerator[list[Stored]]:
        """Go through the objects whose keys begin with `prefix/`, many at a time, in no particular order."""
        with _explained(prefix):
            async for found in obstore.list(self._store, prefix, chunk_size=_LISTED):
                yield [Stored(meta["path"], meta["size"], meta["last_modified"]) for meta in found]

    async def sweep(self, older_than: float) -> int:
        """Remove what uploads that were killed left behind in a local store; `older_than` is in seconds.

        Where a cloud keeps the parts of unfinished uploads, a rule of the bucket removes them.
        """
        return await asyncio.to_thread(_sweep, self._folder / _STAGING, older_than) if self._folder else 0

    @cached_property
    def _folder(self) -> Path | None:
        parts = urlsplit(self._url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    @cached_property
    def _store(self) -> ObjectStore:
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(self._folder)
        if urlsplit(self._url).scheme not in SCHEMES:
            message = f"it begins with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}"
            raise ValueError(message)
        plain = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)
        options = {**_CLIENT, **({"allow_http": True} if plain else {})}
        return from_url(self._url, client_options=cast("Any", options), retry_config=cast("Any", _RETRY))

    async def _put(self, key: str, content: bytes | AsyncIterable[bytes], part: int) -> None:
        if self._folder is None:
            await self._write(key, content, part)
            return
        staged = f"{_STAGING}/{uuid4().hex}"
        await self._write(staged, content, part)
        await asyncio.to_thread(_settle, self._folder / staged, self._folder / key)

    async def _receive_aside(
        self, key_of: Callable[[bytes], str], content: AsyncIterable[bytes], part: int, meter: _Meter
    ) -> None:
        """Write a large content aside until its digest is known, then let it appear under its key."""
        staged = f"{_STAGING}/{uuid4().hex}"
        with _explained(staged):
            await self._write(staged, content, part)
            if self._folder is not None:
                key = key_of(meter.digest)
                await asyncio.to_thread(_settle, self._folder / staged, self._folder / key)
                return
            try:
                await obstore.copy_async(self._store, staged, key_of(meter.digest))
            finally:
                await obstore.delete_async(self._store, staged)

    async def _write(self, key: str, content: bytes | AsyncIterable[bytes], part: int) -> None:
        await obstore.put_async(
            self._store,
            key,
            content,
            use_multipart=not isinstance(content, bytes),
            chunk_size=part,
            max_concurrency=_PARTS_AT_ONCE,
        )

    async def _one_after_the_other(self, parts: Sequence[str]) -> AsyncGenerator[bytes]:
        for part in parts:
            async for piece in await self.stream(part):
                yield piece


class _Meter:
    """Counts and digests what flows through, and refuses at the end what was not announced."""

    def __init__(self, announced: bytes | None, size: int | None, most: int | None, algorithm: str = "md5") -> None:
        self._announced: bytes | None = announced
        self._algorithm: str = algorithm
        self._size: int | None = size
        self._most: int | None = most
        self._counted: int = 0
        self._digest: Any = hashlib.new(algorithm, usedforsecurity=False)

    @property
    def received(self) -> Received:
        return Received(self._counted, self._digest.digest())

    @property
    def size(self) -> int:
        return self._counted

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    async def through(self, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
        async for chunk in chunks:
            if chunk:
                self._counted += len(chunk)
                if self._most is not None and self._counted > self._most:
                    message = f"At most {self._most} bytes are taken here."
                    raise TooLarge(message)
                if self._size is not None and self._counted > self._size:
                    break
                self._digest.update(chunk)
                yield chunk
        self._check()

    def _check(self) -> None:
        if self._size is not None and self._counted != self._size:
            arrived = "more" if self._counted > self._size else f"only {self._counted}"
            message = f"{self._size} bytes were announced, and {arrived} arrived."
            raise Invalid(message, field="size")
        found: str = self._digest.hexdigest()
        if self._announced is not None and found != self._announced.hex():
            name = {"md5": "MD5", "sha256": "SHA-256"}[self._algorithm]
            message = f"The {name} of what arrived is {found}, not {self._announced.hex()} as announced."
            details = {self._algorithm: found, "announced": self._announced.hex()}
            raise Invalid(message, field=self._algorithm, details=details)


async def _begin(body: AsyncIterator[bytes], least: int) -> tuple[bytes, bool]:
    """Read until there are so many bytes, or all; say whether there may be more."""
    pieces: list[bytes] = []
    size = 0
    async for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size >= least:
            return b"".join(pieces), True
    return b"".join(pieces), False


async def _rest(first: bytes, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in body:
        yield piece


async def _pieces(key: str, found: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    with _explained(key):
        async for piece in found:
            yield piece


async def _read(file: IO[bytes], start: int, stop: int | None) -> AsyncGenerator[bytes]:
    """Yield a local file's bytes, which costs a tenth of what it does by way of obstore; then close it."""
    with file:
        file.seek(start)
        left = None if stop is None else stop - start
        while left is None or left > 0:
            piece = await asyncio.to_thread(file.read, _CHUNK if left is None else min(_CHUNK, left))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece


async def _nothing() -> AsyncGenerator[bytes]:
    for piece in ():
        yield piece


@contextmanager
def _explained(key: str) -> Generator[None]:
    """Turn what the store says into errors of ours; what others raise meanwhile stays as it is."""
    try:
        yield
    except FileNotFoundError as error:
        message = "There is no such file in the store."
        raise NotFound(message, details={"key": key}) from error
    except (BaseError, OSError) as error:
        log.warning("store_failed", key=key, error=(str(error) or type(error).__name__).splitlines()[0])
        message = "The store of files can't be reached just now; try again."
        raise Unavailable(message) from error


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _settle(staged: Path, target: Path) -> None:
    """Let a file appear under its name, in a way that a power cut does not undo."""
    try:
        _sync(staged)
        new = [folder for folder in target.parents if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
    for folder in {target.parent, *(folder.parent for folder in new)}:
        _sync(folder)


async def _settle_all(places: Mapping[Path, Path]) -> None:
    """Let files appear under their names as `_settle` does, all at once: the disk makes many safe in one go."""
    await _by_hands(_sync, [*places])
    folders = await asyncio.to_thread(_rename_all, places)
    await _by_hands(_sync, folders)


def _rename_all(places: Mapping[Path, Path]) -> list[Path]:
    """Give files their names; return the folders in which something is new."""
    changed: set[Path] = set()
    for staged, target in places.items():
        if target.parent not in changed:
            new = [folder for folder in target.parents if not folder.exists()]
            target.parent.mkdir(parents=True, exist_ok=True)
            changed |= {target.parent, *(folder.parent for folder in new)}
        staged.replace(target)
    return [*changed]


def _forget(paths: Iterable[Path], folder: Path | None) -> None:
    """Remove what was written aside and did not get its name; `folder` was made for it alone."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in paths:
        path.unlink(missing_ok=True)


async def _by_hands(work: Callable[[T], object], things: Sequence[T]) -> None:
    """Do something with each of many things, in a few threads that share them."""

    def some(first: int) -> None:
        for thing in things[first::_HANDS]:
            work(thing)

    hands = range(min(_HANDS, len(things)))
    ended = await asyncio.gather(*(asyncio.to_thread(some, first) for first in hands), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error


async def _few_at_once(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make many calls, a few at once; return what they did, in their order."""
    turn = asyncio.Semaphore(_REQUESTS)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with turn:
            return await call()

    return await asyncio.gather(*(one(call) for call in calls))


def _sweep(folder: Path, older_than: float) -> int:
    if not folder.is_dir():
        return 0
    before = time.time() - older_than
    stale = [path for path in folder.iterdir() if path.stat().st_mtime < before]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
