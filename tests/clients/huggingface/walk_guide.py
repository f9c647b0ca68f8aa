"""Runs the Python of `guide.md` line by line, in a process whose `HF_ENDPOINT` is our server.

Usage: walk_guide.py GUIDE NAMES, with NAMES a JSON object of the names to put in place of the guide's. Prints, as JSON,
the source and the value (as `repr`) of every expression.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

# The guide's slug of the collection that it creates; every later block uses it, so it becomes the slug that we got.
CREATED = "osanseviero/os-week-highlights-sept-18-24-650bfed7f795a59f491afb80"


def blocks(guide: str) -> list[str]:
    """The statements of each block of code, without the prompts and without what they print."""
    found = re.findall(r"^```py\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    return ["\n".join(line[4:] for line in block.splitlines() if line[:4] in {">>> ", "... "}) for block in found]


def walk(guide: str, names: dict[str, str]) -> list[tuple[str, str]]:
    """Run all blocks in one namespace."""
    namespace: dict[str, Any] = {}
    # The block that removes an item imports something else by mistake.
    exec("from huggingface_hub import delete_collection_item", namespace)
    said: list[tuple[str, str]] = []
    for block in blocks(guide):
        source = block.replace(CREATED, "CREATED")
        for name, ours in names.items():
            source = source.replace(name, ours)
        if "CREATED" in source:
            source = source.replace("CREATED", namespace["collection"].slug)
        for statement in ast.parse(source).body:
            text = ast.unparse(statement)
            if isinstance(statement, ast.Expr):
                said.append((text, repr(eval(text, namespace))))
            else:
                exec(text, namespace)
    return said


if __name__ == "__main__":
    sys.stdout.write(json.dumps(walk(Path(sys.argv[1]).read_text(encoding="utf-8"), json.loads(sys.argv[2]))))
