"""Kill -9 of the server in the middle of an upload: nothing of it is there afterwards, and it can be sent again."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil
import psycopg
import pytest

from pinakes.server.actor import Actor
from pinakes.server.artifacts import transfers
from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.signing import Signer, signer_of
from support.database import Cluster
from support.folders import open_folder
from support.server import Server, serving, wait_for_the_end

pytestmark = [pytest.mark.slow]

BLOCK = os.urandom(1024 * 1024)
BLOCKS = 12
CONTENT = BLOCK * BLOCKS
MD5 = hashlib.md5(CONTENT).digest()


@dataclass
class Depot:
    """A server on a data folder, which is killed and started again."""

    url: str
    data: Path
    stack: ExitStack = field(default_factory=ExitStack)
    server: Server = field(init=False)
    signer: Signer = field(init=False)
    account_id: int = field(init=False)

    def start(self) -> None:
        self.stack.close()
        self.server = self.stack.enter_context(serving(database_url=self.url, data=self.data))

    def prepare(self) -> None:
        """Find out how the server signs, and who its administrator is."""
        self.signer = asyncio.run(self._signer())
        with psycopg.connect(self.url) as connection:
            row = connection.execute("select id from accounts where name = 'admin'").fetchone()
        assert row is not None
        self.account_id = int(row[0])

    async def _signer(self) -> Signer:
        db = Database(self.url, size=1)
        await db.open()
        try:
            return await signer_of(db, Settings())
        finally:
            await db.close()

    def kill(self) -> None:
        """Kill the server with all of its processes."""
        processes = psutil.Process(self.server.process.pid).children(recursive=True)
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait(timeout=10)
        wait_for_the_end(processes)

    @property
    def actor(self) -> Actor:
        """The administrator."""
        return Actor(user_id=self.account_id)

    def upload(self) -> str:
        address = transfers.blob_upload(
            self.signer, self.actor, account_id=self.account_id, md5=MD5, version_id=None, name="large.bin"
        )
        return self.server.url + address

    def part(self, upload_id: str, number: int) -> str:
        address = transfers.part_upload(
            self.signer,
            self.actor,
            account_id=self.account_id,
            upload_id=upload_id,
            number=number,
            name="large.bin",
        )
        return self.server.url + address

    def objects(self) -> set[str]:
        folder = self.data / "blobs"
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    def rows(self) -> list[bytes]:
        with psycopg.connect(self.url) as connection:
            return [row[0] for row in connection.execute("select md5 from blobs").fetchall()]


@pytest.fixture
def depot(cluster: Cluster) -> Generator[Depot]:
    with cluster.database() as url, open_folder() as data, ExitStack() as stack:
        depot = Depot(url, data, stack)
        depot.start()
        depot.prepare()
        yield depot


def cut(depot: Depot, url: str, content: bytes) -> None:
    """Send a content, and kill the server when half of it is on its way."""
    half = threading.Event()

    def slowly() -> Generator[bytes]:
        blocks = len(content) // len(BLOCK)
        for number in range(blocks):
            yield content[number * len(BLOCK) : (number + 1) * len(BLOCK)]
            if number == blocks // 2:
                half.set()
                time.sleep(0.3)
            time.sleep(0.02)

    def send() -> None:
        with pytest.raises(httpx2.TransportError):
            httpx2.put(url, content=slowly(), headers={"Content-Length": str(len(content))}, timeout=30)

    sender = threading.Thread(target=send)
    sender.start()
    assert half.wait(20)
    time.sleep(0.1)
    depot.kill()
    sender.join(30)
    assert not sender.is_alive()


def test_a_killed_upload_leaves_no_object_and_no_row(depot: Depot):
    cut(depot, depot.upload(), CONTENT)
    assert {key.partition("/")[0] for key in depot.objects()} <= {"staging"}
    assert depot.rows() == []
    depot.start()
    answer = httpx2.put(depot.upload(), content=CONTENT, timeout=30)
    assert (answer.status_code, answer.headers["etag"]) == (200, f'"{MD5.hex()}"')
    assert depot.rows() == [MD5]
    asyncio.run(Blobs((depot.data / "blobs").as_uri()).sweep(0))
    assert depot.objects() == {transfers.blob_key(depot.account_id, MD5)}
    download = transfers.blob_download(
        depot.signer, account_id=depot.account_id, md5=MD5, size=len(CONTENT), path="large.bin"
    )
    assert httpx2.get(depot.server.url + download).content == CONTENT


def test_only_the_part_that_was_cut_is_sent_again(depot: Depot):
    upload_id = transfers.new_upload_id()
    first, second = CONTENT[: 5 * len(BLOCK)], CONTENT[5 * len(BLOCK) :]
    assert httpx2.put(depot.part(upload_id, 1), content=first).status_code == 200
    cut(depot, depot.part(upload_id, 2), second)
    depot.start()
    sent = httpx2.put(depot.part(upload_id, 2), content=second)
    assert sent.headers["etag"] == f'"{hashlib.md5(second).hexdigest()}"'
    assert asyncio.run(join(depot, upload_id)) == len(CONTENT)
    assert depot.rows() == [MD5]


async def join(depot: Depot, upload_id: str) -> int:
    db = Database(depot.url, size=2)
    await db.open()
    try:
        return await transfers.join_parts(
            db,
            Blobs((depot.data / "blobs").as_uri()),
            account_id=depot.account_id,
            md5=MD5,
            upload_id=upload_id,
            numbers=[1, 2],
            version_id=None,
            most=len(CONTENT),
        )
    finally:
        await db.close()
