"""Files of media on this machine: what is in a folder, without ever having all of it in memory, and their SHA-256s."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from pinakes.api.media import MAX_SMALL
from pinakes.sdk.local import CHUNK

# So many files are asked about in one call, and of so many bytes together.
AT_ONCE = 500
BYTES_AT_ONCE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file to send: the folders that it is in, from the one that is sent; its name; and where it is."""

    folders: tuple[str, ...]
    name: str
    source: Path
    size: int


def scan(folder: Path) -> Iterator[MediaFile]:
    """Find the files of a folder and of those in it, one after another.

    Hidden ones are passed over, and links to folders, which could lead in a circle.

    Raises:
        FileNotFoundError, NotADirectoryError: There is no such folder.
    """
    left: list[tuple[tuple[str, ...], Path]] = [((), folder)]
    while left:
        folders, place = left.pop()
        below: list[tuple[tuple[str, ...], Path]] = []
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    below.append(((*folders, entry.name), Path(entry.path)))
                elif entry.is_file():
                    yield MediaFile(folders, entry.name, Path(entry.path), entry.stat().st_size)
        left += sorted(below, reverse=True)


def batches(folder: Path, size: int = AT_ONCE) -> Iterator[list[MediaFile]]:
    """Find the files of a folder, some at a time; those of one batch are in one folder, by their names.

    A batch has no more files than `size`, and no more bytes than are sent at once; a larger file is one by itself.
    """
    batch: list[MediaFile] = []
    weight = 0
    for file in scan(folder):
        full = len(batch) >= size or weight + file.size > BYTES_AT_ONCE
        if batch and (full or file.folders != batch[0].folders):
            yield sorted(batch, key=lambda one: one.name)
            batch, weight = [], 0
        batch.append(file)
        weight += file.size
    if batch:
        yield sorted(batch, key=lambda one: one.name)


def count(folder: Path) -> int:
    """Count the files of a folder and of those in it."""
    return sum(1 for _ in scan(folder))


def sha256_of(file: Path) -> str:
    """Return a file's SHA-256 in hex digits, reading it piece by piece."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def sha256_of_each(files: Sequence[MediaFile]) -> list[str | OSError]:
    """Return the SHA-256 of each file; of one that can't be read, why."""
    found: list[str | OSError] = []
    for file in files:
        try:
            found.append(sha256_of(file.source))
        except OSError as error:
            found.append(error)
    return found


class Bundle:
    """Small files in one body: before the bytes of each, a line that says what comes.

    Attributes:
        sent: The files that were in the body when it was read last, in their order: one that is gone by then, or is no
            small one any more, is not among them.
    """

    def __init__(self, files: Sequence[tuple[MediaFile, str]]) -> None:
        """Take files, each with its SHA-256; none of them is read yet."""
        self._files: Sequence[tuple[MediaFile, str]] = files
        self.sent: list[MediaFile] = []

    def pieces(self) -> Iterator[bytes]:
        """Read the body, a file at a time."""
        self.sent = []
        for file, sha256 in self._files:
            try:
                content = _small(file.source)
            except OSError:
                continue
            if content is None:
                continue
            line = orjson.dumps({"name": file.name, "size": len(content), "sha256": sha256})
            self.sent.append(file)
            yield line + b"\n" + content


def _small(file: Path) -> bytes | None:
    """Read a file whole; None where it is too long for that."""
    with file.open("rb") as opened:
        content = opened.read(MAX_SMALL + 1)
    return content if len(content) <= MAX_SMALL else None


def is_there(file: Path, size: int | None, sha256: str) -> bool:
    """Say whether a file has this content already."""
    return file.is_file() and (size is None or file.stat().st_size == size) and sha256_of(file) == sha256


def pieces(file: Path) -> Iterator[bytes]:
    """Read a file piece by piece."""
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
