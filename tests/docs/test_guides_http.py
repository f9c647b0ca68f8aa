"""The requests that the guides show do what the guides say.

A guide's `http` blocks are made one after the other, as an administrator; the `json` block behind one is part of what
must come back. There, `"…"` stands for anything, and `"{word}"` for a value that is remembered under that name.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest

from support.database import Cluster
from support.server import Server, serving

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
BLOCK = re.compile(r"```http\n(?P<request>.*?)```\n(?:```json\n(?P<answer>.*?)```\n)?", re.DOTALL)
PATIENCE = 60.0
WORD = re.compile(r"\{(?P<name>[a-z]+)\}")


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Generator[Server]:
    """A server with nothing of other tests on it: a guide's searches find what the guide made."""
    with cluster.database() as url, serving(database_url=url) as server:
        yield server


@pytest.mark.parametrize("guide", ["catalog.md", "collections.md", "events.md", "webhooks.md"])
def test_a_guides_requests(server: Server, guide: str) -> None:
    """Every request is made, and every answer is as shown."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    known: dict[str, object] = {}
    found = list(BLOCK.finditer(text))
    assert found
    with httpx2.Client(base_url=server.url, headers=server.headers) as client:
        for block in found:
            request = WORD.sub(lambda word: str(known.get(word["name"], word[0])), block["request"])
            _hold(client, request, (block["answer"] or "").strip(), known)


def _hold(client: httpx2.Client, request: str, shown: str, known: dict[str, object]) -> None:
    """Make a request and compare its answer; ask the feed again, which waits for transactions of other tests."""
    until = time.monotonic() + PATIENCE
    while True:
        answer = _made(client, request)
        try:
            _compare(answer, shown, known)
        except AssertionError:
            if not request.startswith("GET /api/v1/events") or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _made(client: httpx2.Client, request: str) -> httpx2.Response:
    head, _, body = request.partition("\n\n")
    line, *headers = head.splitlines()
    method, path = line.split(" ", 1)
    sent = dict(header.split(": ", 1) for header in headers)
    if body:
        sent.setdefault("Content-Type", "application/json")
    return client.request(method, path, content=body.encode() or None, headers=sent)


def _compare(answer: httpx2.Response, shown: str, known: dict[str, object]) -> None:
    status, _, rest = shown.partition(" ")
    if status.isdigit():
        assert answer.status_code == int(status), answer.text
        shown = rest
    else:
        assert answer.is_success, answer.text
    if "ndjson" in answer.headers.get("content-type", ""):
        lines = [json.loads(line) for line in answer.text.splitlines()]
        expected = [json.loads(line) for line in shown.splitlines()]
        # How often progress is told is a matter of time.
        _match([line for line in lines if "progress" not in line], expected[1:], known)
        _match(lines[0], expected[0], known)
    elif shown:
        _match(answer.json(), json.loads(shown), known)


def _match(found: object, shown: object, known: dict[str, object]) -> None:
    if shown == "…":
        return
    if isinstance(shown, str) and (word := WORD.fullmatch(shown)):
        assert known.setdefault(word["name"], found) == found
    elif isinstance(shown, dict) and isinstance(found, dict):
        for name, value in shown.items():
            assert name in found, (name, found)
            _match(found[name], value, known)
    elif isinstance(shown, list) and isinstance(found, list):
        assert len(found) == len(shown), found
        for one, other in zip(found, shown, strict=True):
            _match(one, other, known)
    else:
        assert found == shown
