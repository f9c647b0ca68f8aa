"""Where an export goes: into a file that is there whole or not at all, or into one that somebody else opened."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self


class Target:
    """Something to write to, in a `with` block that may be entered again when what came before broke off."""

    def __init__(self, to: str | os.PathLike[str] | IO[bytes]) -> None:
        """Take a path, or an open file."""
        self._path: Path | None = Path(to) if isinstance(to, str | os.PathLike) else None
        self._open: IO[bytes] | None = None if isinstance(to, str | os.PathLike) else to
        # A pipe or a device can't be put into its place afterwards.
        self._special: bool = self._path is not None and self._path.exists() and not self._path.is_file()
        self._part: IO[bytes] | None = None
        self.written: int = 0

    @property
    def suffix(self) -> str:
        """The ending of the path; "" for an open file."""
        return self._path.suffix.lower() if self._path is not None else ""

    @property
    def may_begin_anew(self) -> bool:
        """Whether what was written already can be thrown away."""
        return (self._path is not None and not self._special) or self.written == 0

    def __enter__(self) -> Self:
        """Begin."""
        self.written = 0
        if self._path is not None:
            self._part = (self._path if self._special else self._beside(self._path)).open("wb")
        return self

    def write(self, chunk: bytes) -> None:
        """Write a piece."""
        file = self._part or self._open
        assert file is not None
        file.write(chunk)
        self.written += len(chunk)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file into its place, if all went well."""
        if self._part is None or self._path is None:
            return
        self._part.close()
        self._part = None
        if self._special:
            return
        part = self._beside(self._path)
        if error is None:
            part.replace(self._path)
        else:
            part.unlink(missing_ok=True)

    @staticmethod
    def _beside(path: Path) -> Path:
        return path.with_name(f".{path.name}.{os.getpid()}.part")
