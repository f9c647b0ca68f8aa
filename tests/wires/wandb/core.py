"""The documents about runs in the installed client, by name."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path

from wires.wandb.documents import CORE, Document, _in_core, _in_python

PACKAGE = Path(sysconfig.get_paths()["purelib"]) / "wandb"
FILES = (*(f"apis/public/{name}.py" for name in ("api", "files", "runs", "summary")), "sdk/launch/api.py")


@cache
def documents() -> list[Document]:
    """Those that its core carries, and those of the public API's runs and files."""
    found = [document for name in FILES for document in _in_python(PACKAGE / name, name)]
    return [*found, *_in_core((PACKAGE / CORE).read_bytes())]


def sent(name: str, holding: str = "") -> str:
    """The only document of that name that holds some words, or stands in a file whose name does."""
    (found,) = {one.text for one in documents() if one.name == name and holding in f"{one.where}: {one.text}"}
    return found


IN_CORE = "wandb-core:"
FULL, LIGHT = "fragment RunFragment", "fragment LightweightRunFragment"
