"""Artifacts for the tests, and what comes back of them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import wandb
from wandb.apis.public.runs import Run
from wandb.apis.public.users import User
from wandb.errors import CommError
from wandb.sdk.lib.service.service_connection import WandbApiFailedError

# What the client raises when the server refuses: which of them depends on the call and on the release.
Refused = (CommError, ValueError, WandbApiFailedError)


def artifact(
    name: str,
    kind: str = "dataset",
    /,
    files: dict[str, str] | None = None,
    **given: Any,  # noqa: ANN401 - as wandb takes them
) -> wandb.Artifact:
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


def maker(found: wandb.Artifact) -> Run:
    """The run that logged a version; there must be one."""
    run = found.logged_by()
    assert run is not None
    return run


def someone(api: wandb.Api, name: str) -> User:
    """The user of a name, as the client shows him; there must be one."""
    user = api.user(name)
    assert user is not None
    return user


def table(found: wandb.Artifact, name: str) -> wandb.Table:
    """A table that is in a version."""
    value = found.get(name)
    assert isinstance(value, wandb.Table)
    return value


def md5(content: str) -> str:
    """The MD5 of a text, as the client writes it."""
    return base64.b64encode(hashlib.md5(content.encode()).digest()).decode()
