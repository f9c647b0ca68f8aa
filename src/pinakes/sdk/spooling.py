"""What goes out in bulk: written down first, so that it can be counted, sent in pieces, and sent again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pinakes.sdk.calls import encode

# Up to here the lines stay in memory.
IN_MEMORY = 4_000_000
CHUNK = 262_144


class Source(Protocol):
    """Bytes that can be sent more than once."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Read everything, piece by piece; each call begins anew."""
        ...


class FileSource:
    """A file as it is."""

    def __init__(self, path: Path) -> None:
        """Take a file; it must be there."""
        self._path: Path = path
        self.size: int = path.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        """Read everything, piece by piece; each call begins anew."""
        with self._path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


class Spool:
    """JSON lines, in memory while they are few, in a temporary file that nobody else sees when they are many."""

    def __init__(self) -> None:
        """Begin with no lines."""
        self._file: tempfile.SpooledTemporaryFile[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self.lines: int = 0
        self.size: int = 0

    def __enter__(self) -> Self:
        """Open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the space back."""
        self._file.close()

    def add(self, line: object) -> None:
        """Write down one line."""
        written = encode(line) + b"\n"
        self._file.write(written)
        self.lines += 1
        self.size += len(written)

    def chunks(self) -> Iterator[bytes]:
        """Read everything, piece by piece; each call begins anew."""
        at = 0
        while True:
            self._file.seek(at)
            chunk = self._file.read(CHUNK)
            if not chunk:
                return
            at += len(chunk)
            yield chunk

    def as_array(self) -> bytes:
        """Return the lines as one JSON array of objects: a mere number is an item's."""
        self._file.seek(0)
        lines = self._file.read().splitlines()
        return b"[" + b",".join(b'{"item":%b}' % line if line.isdigit() else line for line in lines) + b"]"
