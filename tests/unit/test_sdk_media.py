"""The SDK's transfers of media, against a server that answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import pinakes

PIECES = 1000


class Endless(httpx2.SyncByteStream):
    """A file that goes on after something else has failed."""

    def __init__(self, failed: threading.Event) -> None:
        self.failed: threading.Event = failed
        self.sent: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(PIECES):
            self.sent += 1
            yield b"x" * 1000
            self.failed.wait(10)
            threading.Event().wait(0.01)


def medium(number: int) -> dict[str, Any]:
    texts = {
        "kind": "image",
        "description": "",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    empty: dict[str, Any] = {"meta": {}, "custom_data": {}, "facts": {}, "can": []}
    places = {"project": 1, "dataset": 1, "label_count": 0, "has_thumbnail": False}
    return {"id": number, "name": f"{number}.png", "sha256": "0" * 64, "size": PIECES * 1000} | texts | empty | places


def test_a_download_that_failed_does_not_fetch_the_other_files_to_their_ends(tmp_path: Path):
    """What came of them stays, for the next time."""
    failed = threading.Event()
    endless = Endless(failed)

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.endswith("/media/1/file"):
            failed.set()
            return httpx2.Response(403, json={"error": {"code": "forbidden", "message": "No."}})
        if path.endswith("/media/2/file"):
            return httpx2.Response(200, stream=endless)
        if path.endswith("/media"):
            return httpx2.Response(200, json={"rows": [medium(2), medium(1)], "next": None, "total": 2})
        times = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
        dataset = {
            "id": 1,
            "project": 1,
            "parent": None,
            "name": "train",
            "description": "",
            "item_count": 2,
            "size": 0,
        }
        return httpx2.Response(200, json=dataset | times | {"custom_data": {}, "can": [], "path": ["train"]})

    with (
        pinakes.connect("http://here", "t", transport=httpx2.MockTransport(answer)) as client,
        pytest.raises(pinakes.Forbidden),
    ):
        client.media.download(tmp_path, project=1)
    assert 0 < endless.sent < PIECES // 2
    part = max((path for path in tmp_path.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    assert part.stat().st_size == endless.sent * 1000
