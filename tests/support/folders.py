"""Folders for tests. pytest's own are closed to other users, and PostgreSQL runs as one when we are root."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Generator[Path]:
    """A new folder that every user may pass through; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pinakes-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
