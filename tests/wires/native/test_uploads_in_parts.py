"""A large file of a version comes in parts: a connection that breaks costs one of them, and repeating goes on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncGenerator, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

import pinakes
from factories.app import client_of
from factories.people import Person, make_user, unique
from pinakes.sdk._async import version_files
from pinakes.server.artifacts import transfers
from pinakes.server.db import Database
from pinakes.server.errors import Invalid
from pinakes.server.settings import Settings
from support.native import Api

PART = 1000
NO_PATIENCE = pinakes.RetryPolicy(retries=0)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "PART_SIZE", PART)
    monkeypatch.setattr(version_files, "LARGE", 2 * PART)


@dataclass
class Line(httpx2.AsyncBaseTransport):
    """A connection to the application that breaks when it is told to, and remembers what was sent."""

    inner: httpx2.AsyncBaseTransport
    breaks: Callable[[int], bool] = lambda _: False
    sent: list[int] = field(default_factory=list[int])
    puts: int = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "PUT":
            self.puts += 1
            if self.breaks(self.puts):
                message = "the line is dead"
                raise httpx2.ReadError(message, request=request)
            self.sent.append(int(request.headers["content-length"]))
        return await self.inner.handle_async_request(request)


@dataclass
class Desk:
    """Somebody with a project, the plain API, the SDK, and the line between them."""

    person: Person
    client: httpx2.AsyncClient
    line: Line
    sdk: pinakes.AsyncClient
    project: str

    async def draft(self, content: bytes, path: str = "big.bin") -> int:
        """Begin a version with one file."""
        listed = [{"path": path, "size": len(content), "md5": md5(content)}]
        body = {"artifact": "weights", "type": "model", "files": listed}
        return (await self.ask(f"/projects/{self.project}/versions", body, 201))["version"]["id"]

    async def ask(self, path: str, body: object, status: int = 200) -> Any:  # noqa: ANN401 - JSON
        answer = await Api(self.client, self.person)("POST", path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def send(self, part: MutableMapping[str, Any], content: bytes) -> int:
        return (await self.client.put(part["url"], content=content)).status_code

    async def content(self, number: int) -> list[bytes]:
        files = [file async for file in self.sdk.versions.files(number)]
        return [(await self.client.get(file.url)).content for file in files]


@pytest_asyncio.fixture
async def desk(db: Database) -> AsyncGenerator[Desk]:
    alice = await make_user(db, "alice")
    settings = Settings(external_url="http://pinakes.test", access_log=False)
    async with client_of(db, settings) as client:
        line = Line(client._transport)
        sdk = pinakes.connect_async("http://pinakes.test", alice.token, transport=line, retry=NO_PATIENCE)
        async with sdk:
            yield Desk(alice, client, line, sdk, f"{alice.name}/{unique('work')}")


def about(content: bytes, path: str = "big.bin") -> dict[str, Any]:
    return {"path": path, "size": len(content), "md5": md5(content)}


async def test_the_parts_follow_each_other_and_are_put_together(desk: Desk):
    content = os.urandom(2 * PART + 1)
    number = await desk.draft(content)
    plan = await desk.ask(f"/versions/{number}/uploads", about(content))
    assert [(part["number"], part["size"], part["there"]) for part in plan["parts"]] == [
        (1, PART, False),
        (2, PART, False),
        (3, 1, False),
    ]
    for place in (2, 0):
        assert await desk.send(plan["parts"][place], content[place * PART : (place + 1) * PART]) == 200
    refused = await desk.ask(f"/versions/{number}/uploads/complete", about(content), 422)
    assert refused["error"]["field"] == "parts"
    assert "Part 2 has not arrived" in refused["error"]["message"]
    plan = await desk.ask(f"/versions/{number}/uploads", about(content))
    assert [part["there"] for part in plan["parts"]] == [True, False, True]
    assert await desk.send(plan["parts"][1], content[PART : 2 * PART]) == 200
    for _ in range(2):
        done = await desk.ask(f"/versions/{number}/uploads/complete", about(content))
        assert done == {"path": "big.bin", "there": True, "parts": []}
    assert (await desk.ask(f"/versions/{number}/uploads", about(content)))["there"]
    await desk.ask(f"/versions/{number}/commit", None)
    assert await desk.content(number) == [content]


async def test_parts_that_are_another_content_are_dropped(desk: Desk):
    content, other = os.urandom(PART + 5), os.urandom(PART + 5)
    number = await desk.draft(content)
    plan = await desk.ask(f"/versions/{number}/uploads", about(content))
    for place, part in enumerate(plan["parts"]):
        assert await desk.send(part, other[place * PART : (place + 1) * PART]) == 200
    refused = await desk.ask(f"/versions/{number}/uploads/complete", about(content), 422)
    assert refused["error"]["field"] == "md5"
    plan = await desk.ask(f"/versions/{number}/uploads", about(content))
    assert [part["there"] for part in plan["parts"]] == [False, False]


async def test_a_part_takes_no_more_than_its_size_and_one_that_is_cut_is_not_there(desk: Desk):
    content = os.urandom(2 * PART)
    number = await desk.draft(content)
    plan = await desk.ask(f"/versions/{number}/uploads", about(content))
    assert await desk.send(plan["parts"][0], content[: PART + 1]) == 413
    assert await desk.send(plan["parts"][1], content[: PART - 1]) == 200
    plan = await desk.ask(f"/versions/{number}/uploads", about(content))
    assert [part["there"] for part in plan["parts"]] == [False, False]


async def test_who_may_and_what_can_be(desk: Desk, db: Database):
    content = os.urandom(PART)
    number = await desk.draft(content)
    bob = Api(desk.client, await make_user(db, "bob"))
    for path in (f"/versions/{number}/uploads", f"/versions/{number}/uploads/complete"):
        assert (await bob("POST", path, json=about(content))).status_code in {403, 404}
        for wrong in ({"md5": "x"}, {"size": -1}, {"size": PART * transfers.MOST_PARTS + 1}, {"path": "../x"}):
            await desk.ask(path, {**about(content), **wrong}, 422)
        await desk.ask(path.replace(str(number), "2147483647"), about(content), 404)
    plan = await desk.ask(f"/versions/{number}/uploads", about(content))
    assert await desk.send(plan["parts"][0], content) == 200
    await desk.ask(f"/versions/{number}/uploads/complete", about(content))
    await desk.ask(f"/versions/{number}/commit", None)
    await desk.ask(f"/versions/{number}/uploads", about(content), 409)


async def test_what_is_larger_than_a_file_may_be_is_refused_in_parts_too(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transfers, "MOST_PARTS", 10**9)
    most = Settings().max_upload_bytes
    number = await desk.draft(b"large")
    for path in (f"/versions/{number}/uploads", f"/versions/{number}/uploads/complete"):
        refused = await desk.ask(path, {**about(b"large"), "size": most + 1}, 422)
        assert refused["error"]["field"] == "size"
        assert f"at most {most} bytes" in refused["error"]["message"]


def test_a_file_may_have_the_most_parts_and_the_most_bytes():
    most = PART * transfers.MOST_PARTS
    assert transfers.part_sizes(most, most) == [PART] * transfers.MOST_PARTS
    assert transfers.part_sizes(0, most) == [0]
    with pytest.raises(Invalid, match=f"at most {most} bytes"):
        transfers.part_sizes(most + 1, most + 1)


def written(folder: Path, content: bytes) -> Path:
    (folder / "big.bin").write_bytes(content)
    return folder / "big.bin"


async def test_the_sdk_sends_what_is_large_in_parts(desk: Desk, tmp_path: Path):
    content = os.urandom(5 * PART + 7)
    seen: list[pinakes.Progress] = []
    done = await desk.sdk.versions.upload(
        desk.project, "weights", "model", written(tmp_path, content), progress=seen.append
    )
    assert sorted(desk.line.sent) == [7, *[PART] * 5]
    assert (done.sent, done.sent_bytes, done.version.size) == (1, len(content), len(content))
    assert await desk.content(done.version.id) == [content]
    assert (seen[-1].done, seen[-1].total) == (len(content), len(content))


async def test_what_is_not_large_goes_whole(desk: Desk, tmp_path: Path):
    content = os.urandom(2 * PART)
    await desk.sdk.versions.upload(desk.project, "weights", "model", written(tmp_path, content))
    assert desk.line.sent == [2 * PART]


async def test_a_part_that_broke_off_is_sent_again_alone(desk: Desk, tmp_path: Path):
    content = os.urandom(6 * PART)
    desk.line.breaks = lambda put: put == 3
    desk.sdk._session.retry = pinakes.RetryPolicy(retries=2, first=0.01)
    done = await desk.sdk.versions.upload(desk.project, "weights", "model", written(tmp_path, content))
    assert (desk.line.puts, desk.line.sent, done.sent_bytes) == (7, [PART] * 6, len(content))
    assert await desk.content(done.version.id) == [content]


async def test_repeating_a_call_goes_on_where_it_broke(desk: Desk, tmp_path: Path):
    """The program was ended, perhaps, and another one begins anew: what arrived before need not come again."""
    content = os.urandom(8 * PART)
    file = written(tmp_path, content)
    desk.line.breaks = lambda put: put > 4
    with pytest.raises(pinakes.ConnectionFailed):
        await desk.sdk.versions.upload(desk.project, "weights", "model", file)
    assert 3 <= len(desk.line.sent) <= 4
    arrived = len(desk.line.sent)
    desk.line.breaks = lambda _: False
    done = await desk.sdk.versions.upload(desk.project, "weights", "model", file)
    assert len(desk.line.sent) == 8
    assert done.sent_bytes == (8 - arrived) * PART
    assert await desk.content(done.version.id) == [content]


async def test_a_file_that_changes_while_it_is_sent_is_refused(desk: Desk, tmp_path: Path):
    content = os.urandom(4 * PART)
    file = written(tmp_path, content)

    def change(put: int) -> bool:
        if put == 1:
            file.write_bytes(os.urandom(4 * PART))
        return False

    desk.line.breaks = change
    with pytest.raises(pinakes.Invalid) as refused:
        await desk.sdk.versions.upload(desk.project, "weights", "model", file)
    assert refused.value.field == "md5"
