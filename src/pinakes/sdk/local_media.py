"""Files of media on this machine: what is in a folder, without ever having all of it in memory, and their SHA-256s."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pinakes.sdk.local import CHUNK

# So many files are asked about in one call.
AT_ONCE = 500


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
    """Find the files of a folder, some at a time; those of one batch are in one folder, by their names."""
    batch: list[MediaFile] = []
    for file in scan(folder):
        if batch and (len(batch) >= size or file.folders != batch[0].folders):
            yield sorted(batch, key=lambda one: one.name)
            batch = []
        batch.append(file)
    if batch:
        yield sorted(batch, key=lambda one: one.name)


def count(folder: Path) -> int:
    """Count the files of a folder and of those in it."""
    return sum(1 for _ in scan(folder))


def sha256_of(file: Path) -> str:
    """Return a file's SHA-256 in hex digits, reading it piece by piece."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def is_there(file: Path, size: int | None, sha256: str) -> bool:
    """Say whether a file has this content already."""
    return file.is_file() and (size is None or file.stat().st_size == size) and sha256_of(file) == sha256


def pieces(file: Path) -> Iterator[bytes]:
    """Read a file piece by piece."""
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            yield chunk
