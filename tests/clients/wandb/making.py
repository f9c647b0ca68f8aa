"""Artifacts for the tests, and what comes back of them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import wandb
from wandb.errors import CommError
from wandb.sdk.lib.service.service_connection import WandbApiFailedError

# What the client raises when the server refuses: which of them depends on the call and on the release.
Refused = (CommError, ValueError, WandbApiFailedError)


def artifact(name: str, kind: str = "dataset", /, files: dict[str, str] | None = None, **given: Any) -> wandb.Artifact:
    """An artifact with files of some contents."""
    made = wandb.Artifact(name, kind, **given)
    for path, content in (files or {}).items():
        with made.new_file(path) as file:
            file.write(content)
    return made


def contents(folder: str | Path) -> dict[str, str]:
    """What lies in a folder."""
    found = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def md5(content: str) -> str:
    """The MD5 of a text, as the client writes it."""
    return base64.b64encode(hashlib.md5(content.encode()).digest()).decode()
