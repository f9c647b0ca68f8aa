"""Webhooks: who is told what, in which order, how often it is tried, and that nothing is missed."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from factories import collection, models, unique
from factories.people import again, join, make_organization, make_team, make_user, sign_in
from pinakes.server.actor import Actor, Role, Scope, anonymous, system
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.collections import entries, numbered, revisions, service as collections
from pinakes.server.collections.types import Addition, Collection, FieldChanges, ItemRef, Where
from pinakes.server.db import Database, Tx
from pinakes.server.errors import (
    AccountNotFound,
    CollectionNotFound,
    Conflict,
    Forbidden,
    Invalid,
    PinakesError,
    ScopeTooNarrow,
    Unauthenticated,
    WebhookNotFound,
)
from pinakes.server.events import webhook_jobs, webhook_sending, webhook_telling, webhooks
from pinakes.server.events.webhook_sending import Sender
from pinakes.server.events.webhook_telling import Teller
from pinakes.server.events.webhook_types import Delivery, KeyedWebhook, NewWebhook, Webhook, WebhookChanges
from pinakes.server.people import service as people
from pinakes.server.people.types import Account
from pinakes.server.permissions.table import Permission
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work
from support.database import Cluster
from support.receiver import Received, Receiver, receiving

BASE = "http://pinakes.test"
SETTINGS = Settings(external_url=BASE, webhook_private_addresses=True)
# The record is read up to the oldest transaction of the whole PostgreSQL, which other test runs share.
WAIT = 60.0
SOON = timedelta(milliseconds=50)
NEVER = timedelta(days=1)


@pytest.fixture(scope="module")
def dsn(cluster: Cluster) -> Generator[str]:
    """A database of its own: a worker here tells every webhook there is."""
    with cluster.database() as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(dsn: str) -> AsyncGenerator[Database]:
    database = Database(dsn, size=8)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and try again soon."""
    monkeypatch.setattr(webhook_jobs, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(webhook_sending, "BACKOFF", (SOON,) * 6)


@asynccontextmanager
async def working(db: Database) -> AsyncGenerator[None]:
    """A worker that tells and sends, as long as this lasts."""
    work = Work(SETTINGS, db, Blobs.of(SETTINGS))
    task = asyncio.create_task(webhook_jobs.tell_webhooks(work))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest_asyncio.fixture(loop_scope="session")
async def worker(db: Database) -> AsyncGenerator[None]:
    async with working(db):
        yield


async def made(db: Database, actor: Actor, receiver: Receiver, **wanted: Any) -> KeyedWebhook:  # noqa: ANN401 - fields
    """Make a webhook that leads to the receiver; the actor's own unless said otherwise."""
    if "account" not in wanted and "collection" not in wanted:
        wanted["account"] = actor.name
    async with db.transaction() as tx:
        return await webhooks.create(tx, actor, NewWebhook(receiver.url, **wanted), private=True)


async def arrived(receiver: Receiver, count: int) -> list[Received]:
    return await asyncio.to_thread(receiver.wait, count, WAIT)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT):
        while not await check():  # noqa: ASYNC110 - nobody here would set an event
            await asyncio.sleep(0.02)


async def read(db: Database, webhook: int) -> Webhook:
    async with db.reading() as tx:
        return await webhooks.find(tx, webhook)


async def log_of(db: Database, webhook: int) -> list[Delivery]:
    """What a webhook was sent, the first first."""
    async with db.reading() as tx:
        return (await webhooks.deliveries(tx, system(), webhook, limit=1000)).rows[::-1]


async def add(db: Database, actor: Actor, to: Collection, *items: int, note: str | None = None) -> None:
    async with db.transaction() as tx:
        await entries.add(tx, actor, to.public_id, [Addition(ItemRef(item), note) for item in items])


async def told_all(db: Database) -> None:
    """Read the record to its end, with all that is committed until now."""
    async with db.transaction() as tx:
        cursor = await tx.connection.execute("select pg_current_xact_id()::text")
        row = await cursor.fetchone()
    assert row is not None

    async def readable() -> bool:
        async with db.reading() as tx:
            return int(await tx.value(webhook_telling.events.SQL.head)) > int(row[0])

    await until(readable)
    teller = Teller(db, BASE)
    while await teller.step():
        pass


async def send_due(db: Database, *, private: bool = True) -> None:
    """Send what is due, and wait until it is done."""
    async with Sender(db, private=private) as sender:
        await sender.start_due()
        await sender.finish()


# --- What is told


async def test_what_happens_to_ones_collections(db: Database, receiver: Receiver, worker: None) -> None:
    """Each thing once, in order, signed; the message says what, by whom, where, before and after, and why."""
    ana = (await make_user(db, "ana")).actor
    hook = await made(db, ana, receiver)
    one, two = await models(db, ana, 2)
    it = await collection(db, ana)
    async with db.transaction() as tx:
        await entries.add(tx, ana, it.public_id, [Addition(ItemRef(one), "n"), Addition(ItemRef(two))], reason="why")
    async with db.transaction() as tx:
        await collections.update(tx, ana, it.public_id, FieldChanges(description="not among the default verbs"))
        first, second = (await entries.page(tx, ana, it.public_id, limit=10)).rows
        await entries.move(tx, ana, it.public_id, [second.id], Where(position=0))
    async with db.transaction() as tx:
        await revisions.name(tx, ana, it.public_id, "v1")
    async with db.transaction() as tx:
        await entries.remove(tx, ana, it.public_id, [first.id])
    async with db.transaction() as tx:
        await collections.delete(tx, ana, it.public_id)
    async with db.transaction() as tx:
        await collections.restore(tx, ana, it.public_id)
    found = await arrived(receiver, 7)
    assert [request.event for request in found] == [
        "collection.created",
        "entry.added",
        "entry.moved",
        "revision.named",
        "entry.removed",
        "collection.deleted",
        "collection.restored",
    ]
    for request in found:
        request.verify(hook.key)
        assert request.json["event"] == request.event
        assert request.json["delivery"] == request.delivery
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("pinakes-webhooks/")
        assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    body = found[1].json
    assert list(body) == [
        "id",
        "event",
        "at",
        "actor",
        "collection",
        "revision",
        "item",
        "before",
        "after",
        "reason",
        "delivery",
    ]
    assert (body["actor"], body["revision"], body["reason"]) == (ana.name, 2, "why")
    assert body["collection"] == {
        "id": it.public_id,
        "kind": "showcase",
        "slug": it.slug,
        "title": it.title,
        "url": f"{BASE}/collections/{it.slug}",
    }
    assert [(entry["item"]["id"], entry.get("note")) for entry in body["after"]["entries"]] == [(one, "n"), (two, None)]
    moved = found[2].json
    assert [[part["item"]["id"], part["behind"] and part["behind"]["id"]] for part in moved["before"]["entries"]] == [
        [two, one]
    ]
    assert [[part["item"]["id"], part["behind"]] for part in moved["after"]["entries"]] == [[two, None]]
    log = await log_of(db, hook.webhook.id)
    await until(lambda: _all_ended(db, hook.webhook.id))
    log = await log_of(db, hook.webhook.id)
    assert [(row.verb, row.state, row.status, row.answer, row.attempts) for row in log] == [
        (request.event, "delivered", 200, "thanks", 1) for request in found
    ]
    assert [row.event for row in log] == [request.json["id"] for request in found]


async def _all_ended(db: Database, webhook: int) -> bool:
    return all(row.ended_at for row in await log_of(db, webhook))


async def test_verbs_are_picked_by_patterns(db: Database, receiver: Receiver, worker: None) -> None:
    """Of several webhooks each hears what it asked for; nobody hears of somebody else's collections."""
    ana, bob = (await make_user(db, "ana")).actor, (await make_user(db, "bob")).actor
    with receiving() as other, receiving() as bobs:
        everything = await made(db, ana, receiver, verbs=("*",))
        await made(db, ana, other, verbs=("*.updated", "entry.removed"))
        await made(db, bob, bobs, verbs=("*",))
        it = await collection(db, ana)
        async with db.transaction() as tx:
            await collections.update(tx, ana, it.public_id, FieldChanges(description="new"))
        assert [request.event for request in await arrived(other, 1)] == ["collection.updated"]
        assert [request.event for request in await arrived(receiver, 2)] == ["collection.created", "collection.updated"]
        assert everything.webhook.verbs == ["*"]
        assert not bobs.requests


async def test_a_collections_webhook_hears_of_that_alone(db: Database, receiver: Receiver, worker: None) -> None:
    """Also when it changes its owner, if who made the webhook may still change it."""
    ana = await make_user(db, "ana")
    org = await make_organization(db, ana)
    ana = await again(db, ana)
    it, other = await collection(db, ana.actor), await collection(db, ana.actor)
    hook = await made(db, ana.actor, receiver, collection=f"{it.slug}", verbs=("collection.updated",))
    assert (hook.webhook.account, hook.webhook.collection) == (ana.name, it.public_id)
    for one in (other, it):
        async with db.transaction() as tx:
            await collections.update(tx, ana.actor, one.public_id, FieldChanges(description="new"))
    assert [request.json["collection"]["id"] for request in await arrived(receiver, 1)] == [it.public_id]
    async with db.transaction() as tx:
        await collections.transfer(tx, ana.actor, it.public_id, org.name)
    async with db.transaction() as tx:
        await collections.update(tx, ana.actor, it.public_id, FieldChanges(description="newer"))
    found = await arrived(receiver, 2)
    assert found[1].json["collection"]["slug"].startswith(f"{org.name}/")
    assert (await read(db, hook.webhook.id)).account == org.name


async def test_an_organizations_webhook_hears_of_its_teams(db: Database, receiver: Receiver, worker: None) -> None:
    """Its admins are admins of each team; a team's webhook hears of the team's own collections only."""
    ana = await make_user(db, "ana")
    org = await make_organization(db, ana)
    team = await make_team(db, org)
    ana = await again(db, ana)
    with receiving() as teams:
        await made(db, ana.actor, receiver, account=org.name)
        await made(db, ana.actor, teams, account=team.name)
        for owner in (org.name, team.name, ana.name):
            async with db.transaction() as tx:
                await collections.create(tx, ana.actor, owner=owner, title=unique("Title"), visibility="private")
        found = await arrived(receiver, 2)
        assert [request.json["collection"]["slug"].split("/")[0] for request in found] == [org.name, team.name]
        assert len(await arrived(teams, 1)) == 1
    assert len(receiver.requests) == 2


async def test_nothing_hidden_is_told(db: Database, receiver: Receiver, worker: None) -> None:
    """Items that who made it can't see are left out, and so are events about nothing else."""
    ana, bob = (await make_user(db, "ana")).actor, (await make_user(db, "bob")).actor
    mine, *hidden = [*await models(db, ana, 1), *await models(db, bob, 2)]
    it = await collection(db, ana)
    await made(db, ana, receiver, verbs=("entry.*",))
    async with db.transaction() as slow:
        # While a transaction runs, the record is not read beyond it: the models are hidden before anybody is told.
        await slow.connection.execute("select pg_current_xact_id()")
        async with db.transaction() as tx:
            both = [Addition(ItemRef(mine), "seen"), Addition(ItemRef(hidden[0]), "secret")]
            await entries.add(tx, ana, it.public_id, both)
        await add(db, ana, it, hidden[1], note="secret")
        for item in hidden:
            await hide(db, bob, item)
    await add(db, ana, it, *await models(db, ana, 1))
    first, second = await arrived(receiver, 2)
    assert [entry["item"]["id"] for entry in first.json["after"]["entries"]] == [mine]
    assert (first.json["after"]["count"], second.json["after"]["count"]) == (1, 1)
    assert "seen" in first.body.decode()
    assert not any("secret" in request.body.decode() for request in (first, second))


async def hide(db: Database, owner: Actor, item: int) -> None:
    async with db.transaction() as tx:
        address = (await catalog.get_item(tx, owner, item)).address
        await catalog.update_repo(tx, owner, "model", address, RepoChanges(visibility="private"))


async def test_an_organizations_webhook_tells_what_all_its_admins_see(
    db: Database, receiver: Receiver, worker: None
) -> None:
    """Not what only the admin sees who made it: another may send it elsewhere, and reads its log."""
    ana = await make_user(db, "ana")
    org = await make_organization(db, ana)
    ana = await again(db, ana)
    (own,) = await models(db, ana.actor, 1, visibility="private")
    (public,) = await models(db, ana.actor, 1)
    async with db.transaction() as tx:
        it = await collections.create(tx, ana.actor, owner=org.name, title=unique("Title"))
    await made(db, ana.actor, receiver, account=org.name)
    await add(db, ana.actor, it, own, public)
    (request,) = await arrived(receiver, 1)
    assert [entry["item"]["id"] for entry in request.json["after"]["entries"]] == [public]


async def make_registry(db: Database, org: Account, admin: Actor) -> int:
    """A registry, as its room makes one."""
    async with db.transaction() as tx:
        handle, name = unique(f"{org.name}.shelf"), unique("Shelf")
        cursor = await tx.connection.execute(
            "insert into accounts (kind, name, display_name, organization_id) values ('registry', %s, %s, %s)"
            " returning id",
            (handle, name, org.id),
        )
        row = await cursor.fetchone()
        assert row is not None
        await tx.connection.execute(
            "insert into registries (account_id, visibility) values (%s, 'restricted')", (row[0],)
        )
        await tx.connection.execute(
            "insert into memberships (user_id, account_id, role) values (%s, %s, 'admin')", (admin.user_id, row[0])
        )
    return row[0]


async def test_a_registrys_webhook_tells_of_versions_and_aliases(
    db: Database, receiver: Receiver, worker: None
) -> None:
    """Of versions by their names, though the project that they come from is hidden from who made the webhook."""
    ana, reg = await make_user(db, "ana"), await make_user(db, "reg")
    org = await make_organization(db, ana)
    team = await make_team(db, org)
    registry = await make_registry(db, org, reg.actor)
    ana, reg = await again(db, ana), await again(db, reg)
    async with db.reading() as tx:
        handle = (await tx.rows(webhook_telling.events.SQL.owners, ids=[registry]))[0][1]
    hook = await made(db, reg.actor, receiver, account=handle)
    name = unique("digits")
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "insert into items (kind, owner_id, name, name_key, visibility) values ('version', %s, %s, %s, 'private')"
            " returning id",
            (team.id, f"{name}/model:v0", name),
        )
        version = (await cursor.fetchone() or (0,))[0]
        release = await numbered.create_numbered(
            tx, reg.actor, kind="release", owner_id=registry, container_id=None, title="MNIST", types=["model"]
        )
    async with db.transaction() as tx:
        change = await numbered.begin(tx, reg.actor, release, Permission.COLLECTION_CURATE, reason="passed")
        await change.append(version)
        await change.set_alias("production", version)
        await change.close()
    found = await arrived(receiver, 4)
    named = {"id": version, "kind": "version", "address": f"{team.name}/{name}/model:v0"}
    assert [(request.event, request.json["item"]) for request in found] == [
        ("collection.created", None),
        ("entry.added", named),
        ("alias.set", named),
        ("alias.set", named),
    ]
    assert found[3].json["after"] == {"alias": "production", "item": named, "number": 0}
    assert {request.json["collection"]["kind"] for request in found} == {"release"}
    found[3].verify(hook.key)
    with pytest.raises(AccountNotFound):
        await made(db, (await make_user(db, "stranger")).actor, receiver, account=handle)


# --- How it is sent


async def test_messages_arrive_in_order_though_one_is_refused(db: Database, receiver: Receiver, worker: None) -> None:
    """What is refused is tried again, the same message with the same number, while those behind it wait."""
    ana = (await make_user(db, "ana")).actor
    hook = await made(db, ana, receiver)
    receiver.refuse(2, 503)
    titles = [(await collection(db, ana)).title for _ in range(4)]
    found = await arrived(receiver, 6)
    assert [request.answered for request in found] == [503, 503, 200, 200, 200, 200]
    assert len({request.body for request in found[:3]}) == len({request.delivery for request in found[:3]}) == 1
    assert [request.json["collection"]["title"] for request in receiver.taken] == titles
    for request in found:
        request.verify(hook.key)
    await until(lambda: _all_ended(db, hook.webhook.id))
    assert [(row.state, row.attempts) for row in await log_of(db, hook.webhook.id)] == [
        ("delivered", 3),
        *[("delivered", 1)] * 3,
    ]


async def test_what_was_refused_three_times_steps_aside(
    db: Database, receiver: Receiver, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds up the others no longer, and is tried again later, until it is given up."""
    monkeypatch.setattr(webhook_sending, "BACKOFF", (SOON, SOON, NEVER, SOON, SOON, SOON))
    ana = (await make_user(db, "ana")).actor
    hook = await made(db, ana, receiver)
    receiver.refuse(3)
    for _ in range(2):
        await collection(db, ana)
    found = await arrived(receiver, 4)
    assert [request.delivery == found[0].delivery for request in found] == [True, True, True, False]
    await until(lambda: _last_is(db, hook.webhook.id, "delivered"))
    first, second = await log_of(db, hook.webhook.id)
    assert (first.state, first.attempts, first.status, first.answer) == ("waiting", 3, 500, "thanks")
    assert first.next_at is not None
    assert second.state == "delivered"
    receiver.refuse(4)
    async with db.transaction() as tx:
        await tx.connection.execute("update webhook_deliveries set next_at = now() where id = %s", (first.id,))
        await tx.run(webhooks.SQL.wake, ids=[hook.webhook.id])
    await arrived(receiver, 8)
    await until(lambda: _all_ended(db, hook.webhook.id))
    first, second = await log_of(db, hook.webhook.id)
    assert (first.state, first.attempts, first.next_at) == ("failed", 7, None)


async def _last_is(db: Database, webhook: int, state: str) -> bool:
    return (await log_of(db, webhook))[-1].state == state


async def test_a_slow_receiver_holds_up_nobody_else(
    db: Database, receiver: Receiver, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others hear at once; what took too long is tried again."""
    monkeypatch.setattr(webhook_sending, "TIMEOUT", 1.0)
    ana = (await make_user(db, "ana")).actor
    with receiving() as slow:
        slow.delay = 3.0
        hook = await made(db, ana, slow)
        await made(db, ana, receiver)
        for _ in range(3):
            await collection(db, ana)
        (begun,) = await arrived(slow, 1)
        found = await arrived(receiver, 3)
        assert found[2].at < begun.at + 1.0
        slow.delay = 0.0
        await until(lambda: _all_ended(db, hook.webhook.id))
        log = await log_of(db, hook.webhook.id)
        assert [row.state for row in log] == ["delivered"] * 3
        assert log[0].attempts > 1


async def test_it_says_why_nothing_arrived(db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody there, too slow, a redirect: each is an attempt that failed, with its reason."""
    monkeypatch.setattr(webhook_sending, "TIMEOUT", 0.5)
    post = webhook_sending.Post(private=True)
    with receiving() as gone:
        pass
    outcome = await post(gone.url, {}, b"{}")
    assert (outcome.status, outcome.delivered) == (None, False)
    assert "ConnectError" in str(outcome.error)
    receiver.refuse(1, 302)
    receiver.answer_headers = {"Location": receiver.url}
    outcome = await post(receiver.url, {}, b"{}")
    assert (outcome.status, outcome.error, len(receiver.requests)) == (302, "Redirects are not followed.", 1)
    receiver.answer_headers = {}
    receiver.answer = b"a\0b" + b"\xff" * 5000
    outcome = await post(receiver.url, {}, b"{}")
    assert outcome.delivered
    assert (outcome.answer or "").startswith("ab\ufffd")
    assert len(outcome.answer or "") < 1100
    receiver.delay = 2.0
    assert (await post(receiver.url, {}, b"{}")).error == "No answer within 0.5 seconds."
    receiver.delay = 0.0
    receiver.promised = 1000  # and sends less: that it was taken is known by then
    monkeypatch.setattr(webhook_sending, "ANSWER_TIMEOUT", 0.2)
    receiver.answer = b"half"
    outcome = await post(receiver.url, {}, b"{}")
    assert (outcome.delivered, outcome.answer) == (True, "half")
    await post.close()


async def test_nothing_is_missed_when_the_teller_dies(
    db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How far a webhook was told and what it is to be sent are one transaction."""
    ana = (await make_user(db, "ana")).actor
    hook = await made(db, ana, receiver)
    titles = [(await collection(db, ana)).title for _ in range(3)]

    async def die(*_: object, **__: object) -> None:
        message = "the process is killed"
        raise RuntimeError(message)

    with monkeypatch.context() as patch:
        patch.setattr(Tx, "run", die)
        with pytest.raises(RuntimeError):
            await told_all(db)
    assert await log_of(db, hook.webhook.id) == []
    await told_all(db)
    await told_all(db)
    await send_due(db)
    assert [request.json["collection"]["title"] for request in receiver.requests] == titles


async def test_tellers_at_once_tell_once(db: Database, receiver: Receiver) -> None:
    """However many workers there are, each event becomes one message, and they send it once."""
    ana = (await make_user(db, "ana")).actor
    await made(db, ana, receiver, verbs=("collection.created",))
    async with working(db), working(db), working(db):
        made_ones = await asyncio.gather(*(collection(db, ana) for _ in range(12)))
        await arrived(receiver, 12)
        await collection(db, ana)
        found = await arrived(receiver, 13)
    ids = [request.json["collection"]["id"] for request in found]
    assert sorted(ids[:12]) == sorted(one.public_id for one in made_ones)
    assert len({request.json["id"] for request in found}) == 13
    places = [tuple(map(int, request.json["id"].split("."))) for request in found]
    assert places == sorted(places)


async def test_what_a_dead_worker_was_sending_is_sent_again(db: Database, receiver: Receiver) -> None:
    """Once its lease has ended; before that nobody else sends it."""
    ana = (await make_user(db, "ana")).actor
    hook = await made(db, ana, receiver)
    await collection(db, ana)
    await told_all(db)
    async with db.transaction() as tx:
        assert hook.webhook.id in await tx.all(webhooks.SQL.claim, int, lease=webhook_sending.LEASE, limit=1000)
    await send_due(db)
    assert not receiver.requests
    async with db.transaction() as tx:
        await tx.connection.execute("update webhooks set busy_until = now() - interval '1 second'")
    await send_due(db)
    assert len(receiver.requests) == 1


async def test_a_worker_that_ends_lets_others_send(db: Database, receiver: Receiver) -> None:
    """What it can't finish in a moment is sent again, at once, by whoever goes on."""
    ana = (await make_user(db, "ana")).actor
    await made(db, ana, receiver)
    await collection(db, ana)
    await told_all(db)
    receiver.delay = 5.0
    async with Sender(db, private=True) as sender:
        await sender.start_due()
        await arrived(receiver, 1)
    receiver.delay = 0.0
    await send_due(db)
    first, second = receiver.requests
    assert first.delivery == second.delivery


# --- Where to


async def test_private_addresses_are_refused_when_connecting(
    db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a name was when the webhook was made, its address counts when it is sent to."""
    ana = (await make_user(db, "ana")).actor
    async with db.transaction() as tx:
        url = f"http://hooks.example.org:{receiver.port}/x?y=z"
        hook = await webhooks.create(tx, ana, NewWebhook(url, account=ana.name), private=False)
    await collection(db, ana)
    await told_all(db)
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        if host == "hooks.example.org":
            asked.append(host)
        return real("127.0.0.1" if host == "hooks.example.org" else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    await send_due(db, private=False)
    (row,) = await log_of(db, hook.webhook.id)
    assert (row.status, row.attempts, asked) == (None, 1, ["hooks.example.org"])
    assert "127.0.0.1, which is not on the internet" in str(row.error)
    assert not receiver.requests
    await asyncio.sleep(SOON.total_seconds())
    await send_due(db, private=True)
    (request,) = receiver.requests
    assert request.headers["host"] == f"hooks.example.org:{receiver.port}"
    assert request.path == "/x?y=z"


def certificate(host: str, folder: Path) -> Path:
    """A certificate of that host, with its key; it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made_one = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    pem, nothing = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, nothing) + made_one.public_bytes(pem))
    return file


async def test_who_answers_by_https_must_be_the_host_that_is_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The connection goes to the address that was checked; the certificate must be that of the name."""
    file = certificate("hooks.example.org", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **options: real("127.0.0.1", *rest, **options))
    post = webhook_sending.Post(private=True)
    with receiving(certificate=file) as receiver:
        outcome = await post(f"https://hooks.example.org:{receiver.port}/hook", {}, b"{}")
        assert (outcome.error, outcome.delivered) == (None, True)
        assert receiver.requests[0].headers["host"] == f"hooks.example.org:{receiver.port}"
        outcome = await post(f"https://other.example.org:{receiver.port}/hook", {}, b"{}")
        assert "certificate verify failed" in str(outcome.error)
        assert len(receiver.requests) == 1
    await post.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8080/",
        "http://[::1]/",
        "http://10.1.2.3/hook",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "http://[::ffff:192.168.0.1]/",
        "http://user:secret@example.org/",
        "ftp://example.org/",
        "//example.org/",
        "http://example.org:70000/",
        "http://example.org/#part",
        "nonsense",
        "",
        "http://" + "a" * 2000 + ".org/",
        "http://exa\0mple.org/",
    ],
)
async def test_a_url_that_cannot_be(db: Database, url: str) -> None:
    ana = (await make_user(db, "ana")).actor
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as caught:
            await webhooks.create(tx, ana, NewWebhook(url, account=ana.name), private=False)
        hook = await webhooks.create(tx, ana, NewWebhook("https://example.org/", account=ana.name), private=False)
        with pytest.raises(Invalid):
            await webhooks.update(tx, ana, hook.webhook.id, WebhookChanges(url=url), private=False)
    assert caught.value.field == "url"


@pytest.mark.parametrize(
    "verbs", [(), ("",), ("entry",), ("entries.added",), ("entry.",), ("Entry.added",), ("entry.added ",), ("**",)]
)
async def test_verbs_that_cannot_be(db: Database, verbs: tuple[str, ...]) -> None:
    ana = (await make_user(db, "ana")).actor
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as caught:
            await webhooks.create(tx, ana, NewWebhook("https://example.org", ana.name, verbs=verbs), private=False)
    assert caught.value.field == "verbs"


# --- Who may


async def test_who_may_manage_an_accounts_webhooks(db: Database, receiver: Receiver) -> None:
    """Its admins, in scope admin; to strangers a webhook's number says nothing."""
    ana, bob, eve = [await make_user(db, name) for name in ("ana", "bob", "eve")]
    root = await make_user(db, "root", admin=True)
    org = await make_organization(db, ana)
    await join(db, org, bob, Role.MEMBER)
    ana, bob = await again(db, ana), await again(db, bob)
    narrow = await sign_in(db, ana.account, scope=Scope.WRITE)
    bound = await sign_in(db, ana.account, namespace=ana.name)
    for person, error in ((bob, Forbidden), (eve, Forbidden), (narrow, ScopeTooNarrow), (bound, Forbidden)):
        with pytest.raises(error):
            await made(db, person.actor, receiver, account=org.name)
    with pytest.raises(Unauthenticated):
        await made(db, anonymous("native"), receiver, account=org.name)
    for person in (ana, root):
        hook = await made(db, person.actor, receiver, account=org.name)
        refusals = ((bob.actor, Forbidden), (eve.actor, WebhookNotFound), (anonymous("native"), WebhookNotFound))
        for actor, error in refusals:
            for attempt in _attempts(actor, hook.webhook.id):
                async with db.transaction() as tx:
                    with pytest.raises(error):
                        await attempt(tx)
    async with db.reading() as tx:
        assert len((await webhooks.page(tx, ana.actor, account=org.name, limit=10)).rows) == 2
        assert (await webhooks.page(tx, bob.actor, account=org.name, limit=10)).rows == []
        assert (await webhooks.page(tx, narrow.actor, limit=10)).rows == []
        with pytest.raises(Unauthenticated):
            await webhooks.page(tx, anonymous("native"), limit=10)


def _attempts(actor: Actor, id_: int) -> list[Callable[[Tx], Awaitable[object]]]:
    return [
        lambda tx: webhooks.get(tx, actor, id_),
        lambda tx: webhooks.update(tx, actor, id_, WebhookChanges(active=False), private=True),
        lambda tx: webhooks.renew_key(tx, actor, id_),
        lambda tx: webhooks.delete(tx, actor, id_),
        lambda tx: webhooks.deliveries(tx, actor, id_, limit=1),
        lambda tx: webhooks.delivery(tx, actor, id_, 1),
        lambda tx: webhooks.replay(tx, actor, id_, 1),
        lambda tx: webhooks.send_trial(tx, actor, id_),
    ]


async def test_who_may_manage_a_collections_webhooks(db: Database, receiver: Receiver) -> None:
    """Whoever may change it; to whom it is hidden it does not exist."""
    ana, bob, vera, eve = [await make_user(db, name) for name in ("ana", "bob", "vera", "eve")]
    org = await make_organization(db, ana)
    await join(db, org, bob, Role.MEMBER)
    await join(db, org, vera, Role.VIEWER)
    bob, vera = await again(db, bob), await again(db, vera)
    writing = await sign_in(db, bob.account, scope=Scope.WRITE)
    async with db.transaction() as tx:
        it = await collections.create(tx, bob.actor, owner=org.name, title=unique("Title"), visibility="private")
    hook = await made(db, writing.actor, receiver, collection=it.public_id)
    for person, error in ((vera, Forbidden), (eve, CollectionNotFound)):
        with pytest.raises(error):
            await made(db, person.actor, receiver, collection=it.public_id)
    for unknown in ("0" * 24, "nonsense", "\0", "\ud800"):
        with pytest.raises(CollectionNotFound):
            await made(db, bob.actor, receiver, collection=unknown)
        with pytest.raises(AccountNotFound):
            await made(db, bob.actor, receiver, account=unknown)
    async with db.reading() as tx:
        assert (await webhooks.page(tx, bob.actor, collection=it.public_id, limit=10)).rows == [hook.webhook]
        assert (await webhooks.page(tx, eve.actor, collection=it.public_id, limit=10)).rows == []
        with pytest.raises(Invalid):
            await webhooks.create(tx, bob.actor, NewWebhook(receiver.url), private=True)
        both = NewWebhook(receiver.url, account=bob.name, collection=it.public_id)
        with pytest.raises(Invalid):
            await webhooks.create(tx, bob.actor, both, private=True)


async def test_the_list_comes_in_pages(db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = (await make_user(db, "ana")).actor
    ids = [(await made(db, ana, receiver)).webhook.id for _ in range(3)]
    async with db.reading() as tx:
        first = await webhooks.page(tx, ana, limit=2)
        rest = await webhooks.page(tx, ana, limit=2, cursor=first.next)
    assert [row.id for row in (*first.rows, *rest.rows)] == ids
    assert rest.next is None
    monkeypatch.setattr(webhooks, "MOST", 3)
    with pytest.raises(Conflict):
        await made(db, ana, receiver)


async def test_who_lost_access_is_told_no_more(db: Database, receiver: Receiver, worker: None) -> None:
    """The webhook stops, also with what waited, and says why; who may can let it go on, in his own name."""
    ana, bob = await make_user(db, "ana"), await make_user(db, "bob")
    org = await make_organization(db, ana)
    await join(db, org, bob, Role.ADMIN)
    ana, bob = await again(db, ana), await again(db, bob)
    hook = await made(db, bob.actor, receiver, account=org.name, verbs=("collection.created",))

    async def create(title: str) -> None:
        async with db.transaction() as tx:
            await collections.create(tx, ana.actor, owner=org.name, title=unique(title))

    await create("One")
    await arrived(receiver, 1)
    async with db.transaction() as tx:
        await people.put_member(tx, ana.actor, org, bob.name, Role.MEMBER)
    await create("Two")
    await until(lambda: _stopped(db, hook.webhook.id))
    stopped = await read(db, hook.webhook.id)
    assert stopped.problem is not None
    assert f"{bob.name} may no longer manage the webhooks of {org.name}" in stopped.problem
    with pytest.raises(Conflict):
        async with db.transaction() as tx:
            await webhooks.send_trial(tx, ana.actor, hook.webhook.id)
    async with db.transaction() as tx:
        going = await webhooks.update(tx, ana.actor, hook.webhook.id, WebhookChanges(active=True), private=True)
    assert (going.active, going.problem, going.created_by) == (True, None, ana.name)
    await create("Three")
    found = await arrived(receiver, 2)
    assert [request.json["collection"]["title"].split("-")[0] for request in found] == ["One", "Three"]


async def _stopped(db: Database, webhook: int) -> bool:
    return not (await read(db, webhook)).active


async def test_what_waits_is_not_sent_for_who_is_gone(db: Database, receiver: Receiver) -> None:
    """Also when he went between the telling and the sending."""
    root, bob = await make_user(db, "root", admin=True), await make_user(db, "bob")
    org = await make_organization(db, root)
    await join(db, org, bob, Role.ADMIN)
    bob = await again(db, bob)
    hook = await made(db, bob.actor, receiver, account=org.name)
    async with db.transaction() as tx:
        await collections.create(tx, root.actor, owner=org.name, title=unique("Title"))
    await told_all(db)
    assert len(await log_of(db, hook.webhook.id)) == 1
    async with db.transaction() as tx:
        await people.delete_user(tx, root.actor, bob.name)
    await send_due(db)
    assert not receiver.requests
    assert "no longer a user" in str((await read(db, hook.webhook.id)).problem)


async def test_a_bound_tokens_webhook_reveals_no_more_than_the_token(
    db: Database, receiver: Receiver, worker: None
) -> None:
    """A user's webhook tells all that he sees, unless he made it with a token that is bound to his namespace."""
    ana = await make_user(db, "ana")
    org = await make_organization(db, ana)
    ana = await again(db, ana)
    bound = await sign_in(db, ana.account, namespace=ana.name)
    async with db.transaction() as tx:
        theirs = (await catalog.create_repo(tx, ana.actor, "model", org.name, unique("model"), visibility="private")).id
    (own,) = await models(db, ana.actor, 1, visibility="private")
    it = await collection(db, ana.actor)
    with receiving() as narrow:
        await made(db, ana.actor, receiver, verbs=("entry.added",))
        await made(db, bound.actor, narrow, verbs=("entry.added",))
        await add(db, ana.actor, it, own, theirs)
        (wide_one,), (narrow_one,) = await arrived(receiver, 1), await arrived(narrow, 1)
    assert [entry["item"]["id"] for entry in wide_one.json["after"]["entries"]] == [own, theirs]
    assert [entry["item"]["id"] for entry in narrow_one.json["after"]["entries"]] == [own]


# --- By hand


async def test_a_trial_and_a_replay(db: Database, receiver: Receiver, worker: None) -> None:
    """A trial tells nothing; a replay is another delivery with the same body to the letter."""
    ana = (await make_user(db, "ana")).actor
    hook = await made(db, ana, receiver)
    async with db.transaction() as tx:
        trial = await webhooks.send_trial(tx, ana, hook.webhook.id)
    assert (trial.verb, trial.state, trial.event, trial.attempts) == ("webhook.test", "waiting", None, 0)
    (first,) = await arrived(receiver, 1)
    first.verify(hook.key)
    assert (first.event, first.delivery, first.json["actor"]) == ("webhook.test", trial.id, ana.name)
    await collection(db, ana)
    told = (await arrived(receiver, 2))[1]
    async with db.transaction() as tx:
        again_ = await webhooks.replay(tx, ana, hook.webhook.id, told.delivery)
    assert (again_.replay_of, again_.verb) == (told.delivery, "collection.created")
    repeated = (await arrived(receiver, 3))[2]
    repeated.verify(hook.key)
    assert (repeated.body, repeated.delivery) == (told.body, again_.id)
    assert again_.id != told.delivery
    async with db.reading() as tx:
        _, body = await webhooks.delivery(tx, ana, hook.webhook.id, again_.id)
        assert json.loads(body) == told.json
    other = await made(db, ana, receiver)
    async with db.transaction() as tx:
        for unknown in (told.delivery, 0, -1, 2**63 - 1, 2**80):
            with pytest.raises(PinakesError, match="no such message"):
                await webhooks.replay(tx, ana, other.webhook.id, unknown)
        for unknown in (0, 2**31 - 1, 2**40):
            with pytest.raises(WebhookNotFound):
                await webhooks.get(tx, ana, unknown)


async def test_a_new_key_signs_also_what_waited(db: Database, receiver: Receiver) -> None:
    ana = (await make_user(db, "ana")).actor
    hook = await made(db, ana, receiver)
    assert hook.key.startswith("pinakes_webhook_")
    assert len(hook.key) > 50
    await collection(db, ana)
    await told_all(db)
    async with db.transaction() as tx:
        renewed = await webhooks.renew_key(tx, ana, hook.webhook.id)
    await send_due(db)
    (request,) = receiver.requests
    request.verify(renewed.key)
    with pytest.raises(AssertionError):
        request.verify(hook.key)


async def test_a_paused_one_is_told_nothing(db: Database, receiver: Receiver, worker: None) -> None:
    """What waited goes out when it goes on; what happened meanwhile does not."""
    ana = (await make_user(db, "ana")).actor
    receiver.refuse(1)
    hook = await made(db, ana, receiver, verbs=("collection.created",))

    async def change(**changes: Any) -> Webhook:  # noqa: ANN401 - fields
        async with db.transaction() as tx:
            return await webhooks.update(tx, ana, hook.webhook.id, WebhookChanges(**changes), private=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhook_sending, "BACKOFF", (timedelta(seconds=1),) * 6)
        first = await collection(db, ana)
        await arrived(receiver, 1)
        await until(lambda: _tried(db, hook.webhook.id))
    paused = await change(active=False)
    assert (paused.active, paused.problem) == (False, None)
    await collection(db, ana)
    await asyncio.sleep(1.5)
    assert len(receiver.requests) == 1
    await told_all(db)
    assert (await change(active=True, verbs=("collection.*",))).verbs == ["collection.*"]
    last = await collection(db, ana)
    found = await arrived(receiver, 3)
    assert [request.json["collection"]["id"] for request in found] == [
        first.public_id,
        first.public_id,
        last.public_id,
    ]
    with receiving() as elsewhere:
        await change(url=elsewhere.url)
        await collection(db, ana)
        await arrived(elsewhere, 1)


async def _tried(db: Database, webhook: int) -> bool:
    return bool((await log_of(db, webhook))[0].attempts)


async def test_a_deleted_one_hears_nothing_more(db: Database, receiver: Receiver) -> None:
    ana = (await make_user(db, "ana")).actor
    hook, it = await made(db, ana, receiver), await collection(db, ana)
    of_collection = await made(db, ana, receiver, collection=it.public_id)
    async with db.transaction() as tx:
        await webhooks.delete(tx, ana, hook.webhook.id)
        await collections.delete(tx, ana, it.public_id)
        await collections.purge(tx, ana, it.public_id)
    await told_all(db)
    await send_due(db)
    assert not receiver.requests
    async with db.reading() as tx:
        for gone in (hook, of_collection):
            with pytest.raises(WebhookNotFound):
                await webhooks.get(tx, ana, gone.webhook.id)


async def test_the_record_knows_of_webhooks(db: Database, receiver: Receiver) -> None:
    """Who made and changed them; never their keys, and of their URLs the host alone."""
    ana = (await make_user(db, "ana")).actor
    async with db.transaction() as tx:
        hook = await webhooks.create(tx, ana, NewWebhook("https://h.example.org/?s=secret", ana.name), private=False)
        await webhooks.update(tx, ana, hook.webhook.id, WebhookChanges(active=False), private=False)
        await webhooks.update(tx, ana, hook.webhook.id, WebhookChanges(active=False), private=False)
        await webhooks.renew_key(tx, ana, hook.webhook.id)
        await webhooks.delete(tx, ana, hook.webhook.id)
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "select verb, coalesce(before, '{}')::text || coalesce(after, '{}')::text from events"
            " where actor_id = %s and verb like 'webhook.%%' order by id",
            (ana.user_id,),
        )
        rows = await cursor.fetchall()
    assert [verb for verb, _ in rows] == [
        "webhook.created",
        "webhook.updated",
        "webhook.key_renewed",
        "webhook.deleted",
    ]
    assert "h.example.org" in rows[0][1]
    assert not any("secret" in said or hook.key in said for _, said in rows)


# --- In the long run


async def test_old_deliveries_are_forgotten_and_dead_receivers_given_up(db: Database, receiver: Receiver) -> None:
    """After 30 days; and when twenty messages in a row, over more than three days, were taken by nobody."""
    ana = (await make_user(db, "ana")).actor
    hook, healthy = await made(db, ana, receiver), await made(db, ana, receiver)
    async with db.transaction() as tx:
        for webhook, states in ((hook, ["failed"] * 20), (healthy, ["failed"] * 10 + ["delivered"] + ["failed"] * 10)):
            for number, state in enumerate(states):
                await tx.connection.execute(
                    "insert into webhook_deliveries (webhook_id, verb, body, state, created_at, ended_at) values"
                    " (%s, 'entry.added', '{}', %s, now() - %s * interval '1 day', now() - %s * interval '1 day')",
                    (webhook.webhook.id, state, 30.5 - number, 30.5 - number),
                )
    await webhook_jobs.tidy_webhooks(Work(SETTINGS, db, Blobs.of(SETTINGS)))
    assert (await read(db, healthy.webhook.id)).active
    assert (await read(db, hook.webhook.id)).active, "nineteen are left"
    async with db.transaction() as tx:
        await tx.connection.execute(
            "insert into webhook_deliveries (webhook_id, verb, body, state, ended_at)"
            " values (%s, 'entry.added', '{}', 'failed', now())",
            (hook.webhook.id,),
        )
    assert len(await log_of(db, hook.webhook.id)) == 20
    await webhook_jobs.tidy_webhooks(Work(SETTINGS, db, Blobs.of(SETTINGS)))
    assert "more than 3 days" in str((await read(db, hook.webhook.id)).problem)
    async with db.transaction() as tx:
        await people.delete_user(tx, system(), ana.name)
    await webhook_jobs.tidy_webhooks(Work(SETTINGS, db, Blobs.of(SETTINGS)))
    async with db.reading() as tx:
        cursor = await tx.connection.execute("select count(*) from webhooks where account_id = %s", (ana.user_id,))
        assert await cursor.fetchone() == (0,)


async def test_the_place_in_the_record_is_kept_though_nothing_concerns_anybody(
    db: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Now and then, so that a new worker need not read everything again; what was told is not told again."""
    ana, bob = (await make_user(db, "ana")).actor, (await make_user(db, "bob")).actor
    hook = await made(db, ana, receiver)
    await collection(db, bob)
    monkeypatch.setattr(webhook_telling, "WRITE_DOWN_EVERY", 0.0)
    await told_all(db)
    async with db.reading() as tx:
        cursor = await tx.connection.execute("select seen_id > 0 from webhooks where id = %s", (hook.webhook.id,))
        assert await cursor.fetchone() == (True,)
    assert await log_of(db, hook.webhook.id) == []
