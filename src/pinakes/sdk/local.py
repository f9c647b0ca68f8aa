"""The files of a version on this machine: which ones are meant, their MD5s, and where they may be put."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from pinakes.sdk.errors import Invalid, UnexpectedAnswer
from pinakes.sdk.progress import OnProgress, Progress

if TYPE_CHECKING:
    from hashlib import _Hash  # pyright: ignore[reportPrivateUsage] - what hashlib.md5 returns has no public name

CHUNK = 1_048_576

PathLike: TypeAlias = str | os.PathLike[str]
FilesLike: TypeAlias = PathLike | Iterable[PathLike] | Mapping[str, PathLike]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to send: its path in the version, where it is, and how long it is."""

    path: str
    source: Path
    size: int


class Tally:
    """Counts bytes over several threads, and tells whoever wants to know.

    Attributes:
        done: How many bytes so far.
    """

    def __init__(self, phase: Literal["preparing", "sending", "receiving"], total: int, progress: OnProgress) -> None:
        """Begin to count."""
        self.done: int = 0
        self._phase: Literal["preparing", "sending", "receiving"] = phase
        self._total: int = total
        self._progress: OnProgress = progress
        self._lock: threading.Lock = threading.Lock()
        self._stopped: bool = False

    def add(self, count: int) -> None:
        """Count what was done; what is done again is taken back first, by a negative count.

        Raises:
            Stopped: The transfer has failed elsewhere, so that this part of it is of no use.
        """
        with self._lock:
            if self._stopped:
                raise Stopped
            self.done += count
            self._progress(Progress(self._phase, self.done, self._total, "bytes"))

    def stop(self) -> None:
        """Let whoever goes on counting end."""
        self._stopped = True


class Parts:
    """A large file on its way in parts: which of them are counted.

    Attributes:
        kept: How many bytes the server had before.
    """

    def __init__(self, file: LocalFile, tally: Tally) -> None:
        """Begin with nothing sent."""
        self.file: LocalFile = file
        self.tally: Tally = tally
        self.kept: int = 0
        self._counted: dict[int, int] = {}
        self._kept: set[int] = set()

    def starts(self, sizes: Sequence[int]) -> list[int]:
        """Return where each part of such sizes begins.

        Raises:
            UnexpectedAnswer: Together they are not the file.
        """
        if sum(sizes) != self.file.size:
            message = f"The server's parts of {self.file.path!r} are not the file."
            raise UnexpectedAnswer(message, code="unexpected_answer", field="path")
        return [0, *accumulate(sizes)][: len(sizes)]

    def is_there(self, number: int, size: int) -> None:
        """Count a part that the server has; of those that were sent just now, it is known."""
        if number not in self._counted:
            self.kept += size
            self._kept.add(number)
            self.is_sent(number, size)
            self.tally.add(size)

    def all_there(self) -> None:
        """Count what is not counted yet: the server has it all."""
        rest = self.file.size - sum(self._counted.values())
        self.kept += rest
        self.tally.add(rest)

    def is_sent_anew(self, number: int) -> None:
        """Take a part back that is to be sent after all: the server may have lost one that it had."""
        size = self._counted.pop(number, 0)
        if number in self._kept:
            self._kept.remove(number)
            self.kept -= size
        self.tally.add(-size)

    def is_sent(self, number: int, size: int) -> None:
        """Remember that a part is counted."""
        self._counted[number] = size

    def stop(self) -> None:
        """Let the other parts that are on their way arrive: they need not be sent again."""


class Stopped(Exception):
    """Another part of the transfer has failed."""


def gather(files: FilesLike) -> list[LocalFile]:
    """List the files that are meant, with their paths in the version.

    Args:
        files: A folder (what is in it, by the paths there), a file (by its name), several of both, or a mapping from
            paths in the version to files and folders.

    Raises:
        Invalid: Two of them have the same path in the version.
        FileNotFoundError: One is not there.
    """
    found: dict[str, LocalFile] = {}
    for path, source in _named(files):
        for one in _inside(path, source):
            if one.path in found and found[one.path].source != one.source:
                message = f"{one.source} and {found[one.path].source} would both be {one.path!r} in the version."
                raise Invalid(message, code="invalid", field="files")
            found[one.path] = one
    return [*found.values()]


def _named(files: FilesLike) -> Iterator[tuple[str, Path]]:
    if isinstance(files, str | os.PathLike):
        source = Path(files)
        yield ("" if source.is_dir() else source.name), source
    elif isinstance(files, Mapping):
        for path, source in cast("Mapping[str, PathLike]", files).items():
            yield path.strip("/"), Path(source)
    else:
        for one in files:
            yield from _named(one)


def _inside(path: str, source: Path) -> Iterator[LocalFile]:
    if not source.is_dir():
        yield LocalFile(path, source, source.stat().st_size)
        return
    for folder, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            file = Path(folder) / name
            below = file.relative_to(source).as_posix()
            yield LocalFile(f"{path}/{below}" if path else below, file, file.stat().st_size)


def md5_of(file: Path, tally: Tally | None = None) -> str:
    """Return a file's MD5 in hex digits, reading it piece by piece."""
    return digest_so_far(file, tally).hexdigest()


def digest_so_far(file: Path, tally: Tally | None = None) -> _Hash:
    """Return the digest of what a file holds; of nothing, when it is not there. More can be added to it."""
    digest = empty_digest()
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        return digest
    with opened:
        while chunk := opened.read(CHUNK):
            digest.update(chunk)
            if tally is not None:
                tally.add(len(chunk))
    return digest


def empty_digest() -> _Hash:
    """Return the digest of nothing."""
    return hashlib.md5(usedforsecurity=False)


def is_there(file: Path, size: int, md5: str) -> bool:
    """Say whether a file has this content already."""
    return file.is_file() and file.stat().st_size == size and md5_of(file) == md5


def place_of(folder: Path, path: str) -> Path:
    """Return where a version's file goes below a folder.

    Raises:
        Invalid: It would lead out of the folder: by `..`, as an absolute path, or through a link that is there.
    """
    parts = PurePosixPath(path).parts
    other = PureWindowsPath(path)
    if not parts or "\0" in path or path.startswith("/") or other.drive or other.root or ".." in other.parts:
        raise _leads_out(path)
    place = folder.joinpath(*parts)
    if not place.parent.resolve().is_relative_to(folder.resolve()):
        raise _leads_out(path)
    return place


def part_of(place: Path, md5: str) -> Path:
    """Return where the beginning of a file is kept until the rest has come, beside its place."""
    name = hashlib.md5(f"{place.name}:{md5}".encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()
    return place.with_name(f".{name}.part")


def _leads_out(path: str) -> Invalid:
    return Invalid(f"The path {path!r} would lead out of the folder; nothing is written there.", field="path")
