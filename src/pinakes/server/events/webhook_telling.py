"""Reading the record behind all webhooks, and writing down what each of them is to be sent.

How far a webhook has been told and what it is to be sent change in one transaction, which only one process makes at a
time: nothing is missed and nothing is written twice, whichever process dies when. The record is read as the feed reads
it, up to the oldest transaction that still runs, so nothing appears behind a place that was read.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pinakes.server.actor import Actor, Role, Scope, system
from pinakes.server.db import Database, Tx
from pinakes.server.events import service as events
from pinakes.server.events.reading import Reader, Showing
from pinakes.server.events.types import Event, Row
from pinakes.server.events.webhook_types import Keeper, Listener, ToldCollection
from pinakes.server.events.webhooks import SQL, message_body, permission_for, put, wants
from pinakes.server.permissions.service import allows

# How many events are read at once.
SPAN = 500
# How far webhooks have been told is written down with every message; where nothing concerns any of them, now and then.
WRITE_DOWN_EVERY = 10.0

_ROLES = {role.value: role for role in Role}
_STRENGTH = {role: strength for strength, role in enumerate(Role)}

_Place = tuple[int, int]
_START: _Place = (0, 0)


@dataclass(frozen=True, slots=True)
class _Message:
    """What a webhook is to be told: one event, as it is seen for that webhook."""

    webhook_id: int
    row: Row
    event: Event


class Teller:
    """One process's reading on in the record."""

    def __init__(self, db: Database, base_url: str) -> None:
        """Begin where the webhook is that has been told least; `base_url` begins the links in messages."""
        self._db: Database = db
        self._base_url: str = base_url
        # Nothing up to here concerns a webhook that was not told it: it need not be read again.
        self._read: _Place = _START
        self._written: float = 0.0

    async def step(self) -> bool:
        """Read on once, if anything happened; tell whether there is more already."""
        async with self._db.reading() as tx:
            txid, id_ = self._read
            if not await tx.value(SQL.untold, txid=str(txid), id=id_):
                return False
        async with self._db.transaction() as tx:
            if not await tx.value(SQL.take_turn):
                return False
            place, more = await self._tell(tx)
        self._read = max(self._read, place)
        return more

    async def _tell(self, tx: Tx) -> tuple[_Place, bool]:
        told = await tx.one(SQL.least_told, lambda txid, id_: (int(txid), int(id_)))
        if told is None:
            return _START, False
        start = max(told, self._read)
        rows = await events.scan(tx, f"{start[0]}.{start[1]}", SPAN)
        if not rows:
            return start, False
        # Read after the events: a webhook that is not there yet was made by a transaction that comes behind them.
        listeners = await tx.all(SQL.listeners, Listener)
        wanted = _wanted(rows, listeners)
        messages = await self._messages(tx, wanted) if wanted else []
        await self._put(tx, messages)
        end = _place(rows[-1])
        if wanted or time.monotonic() - self._written > WRITE_DOWN_EVERY:
            await tx.run(SQL.told, txid=str(end[0]), id=end[1])
            self._written = time.monotonic()
        return end, len(rows) == SPAN

    async def _messages(self, tx: Tx, wanted: Sequence[tuple[int, Row]]) -> list[_Message]:
        """Judge what each webhook may be told, as things are now; one whose keeper may not manage it is stopped."""
        keepers = await keepers_of(tx, {webhook for webhook, _ in wanted})
        readers: dict[int, Reader] = {}
        for keeper in keepers:
            if await still_kept(tx, keeper):
                readers[keeper.id] = Reader.of(actor_of(keeper))
        seen = [(webhook, row) for webhook, row in wanted if webhook in readers and readers[webhook].sees(row)]
        names = await events.names(tx, list({row.cursor: row for _, row in seen}.values()))
        showing = {webhook: Showing(names, reader) for webhook, reader in readers.items()}
        shown = ((webhook, row, showing[webhook].event(row)) for webhook, row in seen)
        return [_Message(webhook, row, event) for webhook, row, event in shown if event is not None]

    async def _put(self, tx: Tx, messages: Sequence[_Message]) -> None:
        if not messages:
            return
        ids = sorted({message.row.collection_id for message in messages if message.row.collection_id is not None})
        found = {row.id: row for row in await tx.all(SQL.told_collections, ToldCollection, ids=ids)}
        numbers = await tx.all(SQL.next_deliveries, int, count=len(messages))
        await put(
            tx,
            numbers,
            [message.webhook_id for message in messages],
            [(message.row.txid, message.row.id) for message in messages],
            [message.event.verb for message in messages],
            [self._body(number, message, found) for number, message in zip(numbers, messages, strict=True)],
        )

    def _body(self, number: int, message: _Message, collections: dict[int, ToldCollection]) -> str:
        event, about = message.event, collections.get(message.row.collection_id or 0)
        return message_body(
            id=event.cursor,
            event=event.verb,
            at=event.at,
            actor=event.actor,
            collection=_collection(about, self._base_url) if about is not None else None,
            revision=event.revision,
            item=event.item,
            before=event.before,
            after=event.after,
            reason=event.reason,
            delivery=number,
        )


async def keepers_of(tx: Tx, webhooks: Iterable[int]) -> list[Keeper]:
    """Return in whose names webhooks are told."""
    return await tx.all(SQL.keepers, Keeper, ids=sorted(webhooks))


async def still_kept(tx: Tx, keeper: Keeper) -> bool:
    """Tell whether a webhook's keeper may still manage it; stop it, and say why, if not."""
    permission = permission_for(keeper.owner_kind, of_collection=keeper.of_collection)
    if keeper.user_id is not None and allows(actor_of(keeper), permission, owner_id=keeper.owner_id):
        return True
    whose = f"a collection of {keeper.owner}" if keeper.of_collection else keeper.owner
    problem = f"{keeper.name} may no longer manage the webhooks of {whose}. Whoever may can let it go on."
    if keeper.user_id is None:
        problem = "Who made it is no longer a user here. Whoever may manage it can let it go on."
    await stop(tx, keeper.id, keeper.owner_id, problem)
    return False


async def stop(tx: Tx, webhook_id: int, owner_id: int, problem: str) -> None:
    """Stop a webhook that nobody wished to stop, and say why."""
    if await tx.run(SQL.pause_webhook, id=webhook_id, problem=problem):
        after = {"webhook": webhook_id, "active": False, "problem": problem}
        await events.record(tx, system(), "webhook.stopped", account_id=owner_id, after=after)


def actor_of(keeper: Keeper) -> Actor:
    """Return the actor in whose eyes a webhook's events are seen, with the roles that count and no others."""
    roles: dict[int, Role] = {}
    for account, name in zip(keeper.accounts, keeper.roles, strict=True):
        role = _ROLES[name]
        if account not in roles or _STRENGTH[role] > _STRENGTH[roles[account]]:
            roles[account] = role
    return Actor(keeper.user_id, keeper.name, scope=Scope.ADMIN, roles=roles, api="webhook")


def _wanted(rows: Sequence[Row], listeners: Sequence[Listener]) -> list[tuple[int, Row]]:
    """Find which webhooks want which events, in the order of the events."""
    by_account: dict[int, list[Listener]] = defaultdict(list)
    by_collection: dict[int, list[Listener]] = defaultdict(list)
    for listener in listeners:
        for account in listener.accounts:
            by_account[account].append(listener)
        if listener.collection_id is not None:
            by_collection[listener.collection_id].append(listener)
    found: list[tuple[int, Row]] = []
    for row in rows:
        if row.collection_id is not None:
            hearing = (*by_account.get(row.owner_id or 0, ()), *by_collection.get(row.collection_id, ()))
            found += [(one.id, row) for one in hearing if _is_new_to(one, row) and wants(one.verbs, row.verb)]
    return found


def _is_new_to(listener: Listener, row: Row) -> bool:
    return _place(row) > (int(listener.txid), listener.seen_id)


def _collection(found: ToldCollection, base_url: str) -> dict[str, object]:
    return {
        "id": found.public_id,
        "kind": found.kind,
        "slug": found.slug,
        "title": found.title,
        "url": f"{base_url}/collections/{found.slug}",
    }


def _place(row: Row) -> _Place:
    return int(row.txid), row.id
