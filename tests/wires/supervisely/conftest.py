"""This wire in process, on the test database: people call its methods as the client does."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest_asyncio

from factories.app import client_of
from factories.people import Person, make_user
from pinakes.server.actor import Scope
from pinakes.server.db import Database

BASE = "/public/api/v3/"
TOKEN = re.compile(r"/[\w-]{40,}\.[\w-]{40,}/")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def frozen(answer: Any, _key: str = "", /, **names: str) -> Any:  # noqa: ANN401 - JSON
    """Put `{id}` for ids, `{name}` for names, `{time}` for times, `{token}` for what signs addresses."""
    if isinstance(answer, dict):
        return {key: frozen(value, key, **names) for key, value in answer.items()}
    if isinstance(answer, list):
        return [frozen(value, _key, **names) for value in answer]
    if isinstance(answer, int) and _is_id(_key):
        return "{id}"
    if not isinstance(answer, str):
        return answer
    for name, value in names.items():
        answer = answer.replace(value, f"{{{name}}}")
    return TOKEN.sub("/{token}/", TIME.sub("{time}", answer))


def _is_id(key: str) -> bool:
    return key != "roleId" and (key.lower().endswith(("id", "ids")) or key in {"classes", "createdBy"})


def png(red: int = 0, *, width: int = 4, height: int = 3) -> bytes:
    """A picture of one colour; another colour is another file."""
    rows = (b"\0" + bytes((red % 256, red // 256 % 256, 7)) * width) * height

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def hash_of(content: bytes) -> str:
    """The hash of a file as the client computes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@dataclass(frozen=True)
class Caller:
    """Somebody who calls."""

    client: httpx2.AsyncClient
    person: Person | None

    @property
    def id(self) -> int:
        """His number, which is that of his own team too."""
        assert self.person is not None
        return self.person.id

    @property
    def name(self) -> str:
        assert self.person is not None
        return self.person.name

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.person.token} if self.person else {}

    @property
    def bearer(self) -> dict[str, str]:
        """What he signs in with to the native API."""
        assert self.person is not None
        return {"authorization": f"Bearer {self.person.token}"}

    async def natively(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Read from the native API what must be there."""
        answer = await self.client.get(f"/api/v1{path}", headers=self.bearer)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(
        self, method: str, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Call a method with a whole body."""
        return await self.client.post(BASE + method, json=body, headers={**self.headers, **(headers or {})})

    async def ask(self, method: str, body: object = None, /, **fields: object) -> Any:  # noqa: ANN401 - JSON
        """Call a method that must succeed: with a body, or with its fields."""
        answer = await self.send(method, fields if body is None else body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, body: object = None, /, **fields: object) -> tuple[int, Any]:
        """Call a method that must fail; return the status and the body."""
        answer = await self.send(method, fields if body is None else body)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()

    async def upload(self, *contents: bytes, method: str = "images.bulk.upload", kind: str = "image/*") -> list[Any]:
        """Send files as the client does: parts named `0-file`, `1-file`, …"""
        files = [(f"{at}-file", (str(at), content, kind)) for at, content in enumerate(contents)]
        answer = await self.client.post(BASE + method, files=files, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def dataset(self, kind: str = "images", name: str = "Road") -> dict[str, Any]:
        """A dataset in a new project of his own."""
        workspace = (await self.ask("workspaces.list", teamId=self.id))["entities"][0]["id"]
        project = await self.ask("projects.add", name=name, workspaceId=workspace, type=kind, description="")
        return await self.ask("datasets.add", projectId=project["id"], name="ds0", description="")

    async def images(self, dataset: int, *names: str, first: int = 0) -> list[dict[str, Any]]:
        """New images of a dataset, of a colour each."""
        contents = [png(first + at) for at in range(len(names))]
        await self.upload(*contents)
        new = [{"title": name, "hash": hash_of(content)} for name, content in zip(names, contents, strict=True)]
        return await self.ask("images.bulk.add", datasetId=dataset, images=new)


@dataclass(frozen=True)
class World:
    """The wire, and people for it."""

    db: Database
    client: httpx2.AsyncClient

    async def person(self, word: str = "user", *, admin: bool = False, scope: Scope = Scope.ADMIN) -> Caller:
        """A new user with a token."""
        return Caller(self.client, await make_user(self.db, word, admin=admin, scope=scope))

    @property
    def nobody(self) -> Caller:
        """Somebody without a token."""
        return Caller(self.client, None)


@pytest_asyncio.fixture
async def world(db: Database) -> AsyncGenerator[World]:
    """The application in this process."""
    async with client_of(db) as client:
        yield World(db, client)
