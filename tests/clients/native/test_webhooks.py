"""Webhooks on a real server: by the SDK and the command line, also when the process that sends is killed."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Generator
from itertools import count
from typing import Any

import psutil
import pytest

import pinakes
from support import command
from support.command import Done
from support.database import Cluster
from support.receiver import PATIENCE, Receiver, receiving
from support.server import Server, clean_environment, serving

pytestmark = pytest.mark.slow

_numbers = count(1)


@pytest.fixture(scope="module")
def hooked(cluster: Cluster) -> Generator[Server]:
    """A server that may send to this machine."""
    settings = {"PINAKES_WEBHOOK_PRIVATE_ADDRESSES": "true"}
    with cluster.database() as url, serving(database_url=url, settings=settings) as server:
        yield server


@pytest.fixture(scope="module")
def client(hooked: Server) -> Generator[pinakes.Client]:
    with pinakes.connect(hooked.url, hooked.admin_token) as client:
        yield client


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver


def titled(client: pinakes.Client) -> str:
    """Make a collection; return its title."""
    return client.collections.create(f"Collection {next(_numbers)}").title


def test_being_told(client: pinakes.Client, receiver: Receiver):
    """From the making of a webhook to a message that is checked, replayed and looked up."""
    hook = client.webhooks.create(receiver.url, account="admin")
    collection = client.collections.create(f"Collection {next(_numbers)}")
    model = client.repos.create("model", f"model-{next(_numbers)}")
    client.collections.add(collection, [model], reason="to see")
    _, told = receiver.wait(2)
    pinakes.verify_webhook(hook.key, told.headers, told.body)
    assert (told.event, told.json["reason"]) == ("entry.added", "to see")
    assert told.json["collection"]["slug"] == collection.slug
    assert told.json["collection"]["url"] == collection.url
    client.webhooks.replay(hook, told.delivery)
    repeated = receiver.wait(3)[2]
    assert (repeated.body, repeated.delivery == told.delivery) == (told.body, False)
    assert client.webhooks.test(hook).verb == "webhook.test"
    assert receiver.wait(4)[3].event == "webhook.test"
    rows = client.webhooks.deliveries(hook).all()
    assert [row.id for row in rows] == [request.delivery for request in receiver.requests[::-1]]
    assert client.webhooks.delivery(hook, rows[-2]).body.model_dump(mode="json")["reason"] == "to see"

    renewed = client.webhooks.renew_key(hook)
    with pytest.raises(pinakes.Unauthenticated):
        pinakes.verify_webhook(renewed.key, told.headers, told.body)
    assert client.webhooks.update(hook, verbs=["alias.*"]).verbs == ["alias.*"]
    assert not client.webhooks.pause(hook).active
    with pytest.raises(pinakes.Conflict):
        client.webhooks.test(hook)
    assert client.webhooks.resume(hook).active
    assert client.webhooks.get(hook.id) == client.webhooks.list(account="admin").all()[-1]
    client.webhooks.delete(hook)
    client.webhooks.delete(hook, missing_ok=True)
    with pytest.raises(pinakes.NotFound):
        client.webhooks.get(hook)


async def test_being_told_of_one_collection(hooked: Server, receiver: Receiver):
    """The same, asynchronous."""
    async with pinakes.connect_async(hooked.url, hooked.admin_token) as client:
        collection = await client.collections.create(f"Collection {next(_numbers)}")
        hook = await client.webhooks.create(receiver.url, collection=collection, verbs=["collection.updated"])
        await client.collections.update(collection, description="new")
        (told,) = await asyncio.to_thread(receiver.wait, 1)
        assert told.json["after"] == {"description": "new"}
        assert [row.id async for row in client.webhooks.list(collection=collection)] == [hook.id]
        assert [row.state async for row in client.webhooks.deliveries(hook, state="failed")] == []
        await client.webhooks.delete(hook)


def workers(server: Server) -> list[psutil.Process]:
    """The processes that do the server's background work."""
    return [one for one in psutil.Process(server.process.pid).children() if "work" in one.cmdline()]


def test_nothing_is_missed_when_the_worker_is_killed(hooked: Server, client: pinakes.Client, receiver: Receiver):
    """Whatever it was doing; what it was sending may arrive twice, and all in all the order holds."""
    hook = client.webhooks.create(receiver.url, account="admin", verbs=["collection.created"])
    titles: list[str] = []
    killed: list[int] = []
    done = threading.Event()

    def kill() -> None:
        while not done.wait(2.5):
            for process in workers(hooked):
                process.kill()
                killed.append(process.pid)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        until = time.monotonic() + 9
        while time.monotonic() < until:
            titles.append(titled(client))
            receiver.delay = 0.2 if len(titles) % 7 == 0 else 0.0
    finally:
        receiver.delay = 0.0
        done.set()
        killer.join()
    assert len(killed) >= 2
    deadline = time.monotonic() + 2 * PATIENCE
    while len({request.delivery for request in receiver.taken}) < len(titles) and time.monotonic() < deadline:
        time.sleep(0.1)
    first_arrivals = list(dict.fromkeys(request.json["collection"]["title"] for request in receiver.taken))
    assert first_arrivals == titles
    client.webhooks.delete(hook)


def test_the_command_line(hooked: Server, receiver: Receiver):
    """Every command, as people type them."""
    environment = clean_environment(PINAKES_URL=hooked.url, PINAKES_TOKEN=hooked.admin_token)

    def run(*words: object, status: int = 0) -> Done:
        found = command.run(["webhooks", *words], environment)
        assert found.returncode == status, (words, found.stdout, found.stderr)
        return found

    def data(*words: object) -> Any:  # noqa: ANN401 - JSON
        return json.loads(run(*words, "--json").stdout)

    made = run("create", receiver.url, "--verb", "entry.*", "-v", "alias.set")
    assert made.stdout.startswith("pinakes_webhook_")
    (row,) = data("ls", "--account", "admin")
    assert (row["verbs"], row["active"]) == (["alias.set", "entry.*"], True)
    number = row["id"]
    assert f"pinakes webhooks test {number}" in made.stderr
    assert "active" in run("show", number).stdout
    sent = data("test", number)
    (request,) = receiver.wait(1)
    request.verify(made.stdout.strip())
    again = data("replay", number, sent["id"])
    assert receiver.wait(2)[1].delivery == again["id"]
    assert run("deliveries", number, "-q").stdout.split() == [str(again["id"]), str(sent["id"])]
    assert "webhook.test" in run("delivery", number, sent["id"]).stdout
    assert data("edit", number, "--to", f"{receiver.url}/2", "--verb", "*")["url"] == f"{receiver.url}/2"
    run("pause", number)
    assert "paused" in run("ls").stdout
    run("test", number, status=5)
    run("resume", number)
    assert run("key", number).stdout != made.stdout
    run("rm", number, status=2)
    run("rm", number, "--yes")
    assert "pinakes webhooks ls" in run("show", number, status=4).stderr
    assert run("create", receiver.url, "-q").stdout.strip().isdigit()
    run("create", "ftp://example.org", status=2)
