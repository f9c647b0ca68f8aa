"""What a server process holds, for tests that need no whole application."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.signing import signer_of
from pinakes.server.state import State


async def state_for(db: Database, settings: Settings) -> State:
    """What a server process holds; files go to a folder that goes away with this process."""
    return State(settings, db, store_for(settings), await signer_of(db, settings))


def store_for(settings: Settings) -> Blobs:
    """The store that the settings name, or one that goes away with this process."""
    return Blobs(settings.blobs_url or (_folder() / "blobs").as_uri())


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pinakes-files-"))
    atexit.register(shutil.rmtree, folder)
    return folder
