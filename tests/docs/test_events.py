"""The guide to events names every verb that the code records, and none that it does not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "src" / "pinakes" / "server"
# Something that happened: a noun, a dot, and a word that says that it is over.
OVER = r"[a-z]+\.(?:[a-z_]*ed|made_live|set|reset|put|taken|shown|hidden)"


# Names of background jobs look alike.
JOBS = frozenset({"register", "periodic"})


def in_calls() -> Iterator[str]:
    """The verbs that Python hands to something, or keeps as `verb` to hand it on."""
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in JOBS):
                for given in [*node.args, *(keyword.value for keyword in node.keywords)]:
                    yield from texts(given)
            elif isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["verb"]:
                yield from texts(node.value)


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(OVER, node.value):
        yield node.value


def in_sql() -> Iterator[str]:
    """The verbs that statements record; others only read them."""
    for path in SERVER.rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        yield from re.findall(rf"(?:close_change|insert into events)\b[^;]*?'({OVER})'", text)


def told() -> list[str]:
    """The verbs in the first column of the guide's tables."""
    lines = (ROOT / "docs" / "guides" / "events.md").read_text(encoding="utf-8").splitlines()
    return [
        verb for line in lines if line.startswith("| `") for verb in re.findall(f"`({OVER})`", line.split(" | ")[0])
    ]


def test_the_guide_names_every_verb_once():
    assert sorted(told()) == sorted({*in_calls(), *in_sql()})


def test_the_verbs_are_found_in_the_code():
    """Those that are handed on by a variable, chosen by a condition, or recorded by the database, too."""
    assert {"media.purged", "item.hidden", "entry.unbanned"} <= {*in_calls()}
    assert "entry.removed" in {*in_sql()}
