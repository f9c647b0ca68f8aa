"""Webhooks: who wants to be told of what happens to an account's collections, or to one, by a signed HTTP request.

Here are the verbs of those who manage them. What happened is put into messages by `webhook_telling`, and messages are
sent by `webhook_sending`, both in the process that does background work (`webhook_jobs`).

A webhook is told what everybody sees who may manage it: what is public, what its owner owns (an organization's: its
teams and registries too), and, where it belongs to a user, all that this user sees. It is told in the name of who made
it, or let it go on, and only while he may manage it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import httpx2
import orjson

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, load
from pinakes.server.errors import AccountNotFound, CollectionNotFound, Conflict, Invalid, NotFound, WebhookNotFound
from pinakes.server.events.service import record
from pinakes.server.events.webhook_addresses import check_url
from pinakes.server.events.webhook_types import (
    Delivery,
    KeyedWebhook,
    NewWebhook,
    Webhook,
    WebhookChanges,
    WebhookOwner,
)
from pinakes.server.paging import BigInt, Page, cut, decode_cursor
from pinakes.server.permissions.service import require, require_sign_in, roles_allowing
from pinakes.server.permissions.table import SCOPES, Permission

SQL = load(__package__, "webhooks.sql")

# What happens to collections, by the nouns of the record.
NOUNS = ("alias", "collection", "entry", "promotion", "revision")
DEFAULT_VERBS = (
    "entry.added",
    "entry.removed",
    "entry.moved",
    "alias.set",
    "alias.removed",
    "revision.named",
    "collection.created",
    "collection.deleted",
    "collection.restored",
    "promotion.*",
)
TRIAL = "webhook.test"

MOST_VERBS = 50
# Of one account, with those of its collections: each costs a request for everything that happens.
MOST = 100
KEY_PREFIX = "pinakes_webhook_"
STATES = ("waiting", "delivered", "failed")

_PATTERN = re.compile(r"\*|(?P<noun>[a-z_]{1,40}|\*)\.(?:[a-z_]{1,40}|\*)")
_PUBLIC_ID = re.compile(r"(?:[^\x00]*-)?([0-9a-f]{24})", re.IGNORECASE)
_IDS = range(1, 2**31)
_DELIVERIES = range(1, 2**63)


async def create(tx: Tx, actor: Actor, wanted: NewWebhook, *, private: bool) -> KeyedWebhook:
    """Make a webhook of an account or of a collection; it is told what happens from now on.

    With `private`, the server's settings allow it to be in the server's own network.

    Raises:
        AccountNotFound, CollectionNotFound: there is no such account or collection that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: it is not his to manage.
        Invalid: a URL or verb that can't be.
        Conflict: the account has too many already.
    """
    owner = await _owner(tx, actor, wanted)
    url = check_url(wanted.url, private=private)
    verbs = check_verbs(wanted.verbs) if wanted.verbs is not None else list(DEFAULT_VERBS)
    if await tx.value(SQL.count_webhooks, account_id=owner.id) >= MOST:
        message = f"{owner.name} has {MOST} webhooks already; delete one that nobody needs."
        raise Conflict(message, details={"limit": MOST})
    key = _new_key()
    made = await tx.value(
        SQL.create_webhook,
        account_id=owner.id,
        collection_id=owner.collection_id,
        url=url,
        key=key.encode(),
        verbs=verbs,
        created_by=require_sign_in(actor),
        bound_to=actor.bound_to,
    )
    webhook = await find(tx, made)
    await record(tx, actor, "webhook.created", account_id=owner.id, after=_facts(webhook))
    return KeyedWebhook(webhook, key)


async def get(tx: Tx, actor: Actor, webhook_id: int) -> Webhook:
    """Return a webhook.

    Raises:
        NotFound: there is none, or the actor has nothing to do with its owner.
        Unauthenticated, Forbidden, ScopeTooNarrow: it is not his to manage.
    """
    webhook = await find(tx, webhook_id)
    permission = permission_for(webhook.owner_kind, of_collection=webhook.collection is not None)
    require(actor, permission, owner_id=webhook.owner_id, missing=WebhookNotFound)
    return webhook


async def page(
    tx: Tx,
    actor: Actor,
    *,
    account: str | None = None,
    collection: str | None = None,
    limit: int,
    cursor: str | None = None,
) -> Page[Webhook]:
    """List the webhooks that the actor manages: all, an account's with those of its collections, or a collection's.

    Raises:
        Unauthenticated: nobody signed in.
        Invalid: the cursor is none of ours.
    """
    require_sign_in(actor)
    rows = await tx.all(
        SQL.webhooks,
        Webhook,
        account=_plain(account),
        collection=_public_id(collection) if collection is not None else None,
        managed=_managed(actor, Permission.ORGANIZATION_MANAGE),
        registries=_managed(actor, Permission.REGISTRY_MANAGE),
        curated=_managed(actor, Permission.COLLECTION_UPDATE),
        after=decode_cursor(cursor, int)[0] if cursor else 0,
        limit=limit + 1,
    )
    return cut(rows, limit, lambda last: (last.id,))


async def update(tx: Tx, actor: Actor, webhook_id: int, changes: WebhookChanges, *, private: bool) -> Webhook:
    """Change where a webhook is and what it is told; pause it, or let it go on, which is then in the actor's name.

    While it is paused nothing is sent: what happens meanwhile it is never told, what waits to be sent goes on waiting.

    Raises:
        NotFound, Unauthenticated, Forbidden, ScopeTooNarrow: as `get`.
        Invalid: a URL or verb that can't be.
    """
    before = await get(tx, actor, webhook_id)
    url = check_url(changes.url, private=private) if changes.url is not None else None
    verbs = check_verbs(changes.verbs) if changes.verbs is not None else None
    if url is not None or verbs is not None:
        await tx.run(SQL.update_webhook, id=webhook_id, url=url, verbs=verbs, key=None)
    if changes.active is True:
        await tx.run(SQL.resume_webhook, id=webhook_id, user_id=require_sign_in(actor), bound_to=actor.bound_to)
    elif changes.active is False:
        await tx.run(SQL.pause_webhook, id=webhook_id, problem=None)
    after = await find(tx, webhook_id)
    if _facts(after) != _facts(before) or after.url != before.url:
        await record(
            tx, actor, "webhook.updated", account_id=after.owner_id, before=_facts(before), after=_facts(after)
        )
    return after


async def renew_key(tx: Tx, actor: Actor, webhook_id: int) -> KeyedWebhook:
    """Give a webhook another key. What is sent from now on is signed with it, also what waited.

    Raises:
        NotFound, Unauthenticated, Forbidden, ScopeTooNarrow: as `get`.
    """
    webhook = await get(tx, actor, webhook_id)
    key = _new_key()
    await tx.run(SQL.update_webhook, id=webhook_id, url=None, verbs=None, key=key.encode())
    await record(tx, actor, "webhook.key_renewed", account_id=webhook.owner_id, after={"webhook": webhook_id})
    return KeyedWebhook(await find(tx, webhook_id), key)


async def delete(tx: Tx, actor: Actor, webhook_id: int) -> None:
    """Forget a webhook, what waits to be sent to it, and what it was sent.

    Raises:
        NotFound, Unauthenticated, Forbidden, ScopeTooNarrow: as `get`.
    """
    webhook = await get(tx, actor, webhook_id)
    await tx.run(SQL.delete_webhook, id=webhook_id)
    await record(tx, actor, "webhook.deleted", account_id=webhook.owner_id, before=_facts(webhook))


async def deliveries(
    tx: Tx, actor: Actor, webhook_id: int, *, state: str | None = None, limit: int, cursor: str | None = None
) -> Page[Delivery]:
    """List what a webhook was sent and is to be sent, the last first.

    Raises:
        NotFound, Unauthenticated, Forbidden, ScopeTooNarrow: as `get`.
        Invalid: no such state, or the cursor is none of ours.
    """
    await get(tx, actor, webhook_id)
    if state is not None and state not in STATES:
        message = f"A delivery is one of {', '.join(STATES)}."
        raise Invalid(message, field="state")
    below = decode_cursor(cursor, BigInt)[0] if cursor else _DELIVERIES.stop - 1
    rows = await tx.all(SQL.deliveries, Delivery, webhook_id=webhook_id, below=below, state=state, limit=limit + 1)
    return cut(rows, limit, lambda last: (last.id,))


async def delivery(tx: Tx, actor: Actor, webhook_id: int, delivery_id: int) -> tuple[Delivery, str]:
    """Return a message to a webhook, and what it says.

    Raises:
        NotFound, Unauthenticated, Forbidden, ScopeTooNarrow: as `get`; or the webhook was sent no such message.
    """
    await get(tx, actor, webhook_id)
    found = await _delivery(tx, webhook_id, delivery_id)
    return found, cast("str", await tx.value(SQL.delivery_body, id=found.id))


async def replay(tx: Tx, actor: Actor, webhook_id: int, delivery_id: int) -> Delivery:
    """Send a message once more: another delivery, with the same body to the letter.

    Raises:
        NotFound, Unauthenticated, Forbidden, ScopeTooNarrow: as `delivery`.
        Conflict: the webhook is paused.
    """
    webhook = await get(tx, actor, webhook_id)
    _require_active(webhook)
    found = await _delivery(tx, webhook_id, delivery_id)
    again = await tx.value(SQL.replay, webhook_id=webhook_id, id=found.id)
    await tx.run(SQL.wake, ids=[webhook_id])
    return await _delivery(tx, webhook_id, again)


async def send_trial(tx: Tx, actor: Actor, webhook_id: int) -> Delivery:
    """Send a message that tells nothing, to see whether it arrives and is understood.

    Raises:
        NotFound, Unauthenticated, Forbidden, ScopeTooNarrow: as `get`.
        Conflict: the webhook is paused.
    """
    webhook = await get(tx, actor, webhook_id)
    _require_active(webhook)
    (number,) = await tx.all(SQL.next_deliveries, int, count=1)
    body = message_body(event=TRIAL, at=datetime.now(UTC), actor=actor.name or None, delivery=number)
    await put(tx, [number], [webhook_id], [None], [TRIAL], [body])
    return await _delivery(tx, webhook_id, number)


async def put(
    tx: Tx,
    ids: Sequence[int],
    webhooks: Sequence[int],
    events: Sequence[tuple[str, int] | None],
    verbs: Sequence[str],
    bodies: Sequence[str],
) -> None:
    """Have messages sent, in this order; `ids` come from `next_deliveries`, since the bodies name them."""
    await tx.run(
        SQL.put_deliveries,
        ids=list(ids),
        webhooks=list(webhooks),
        txids=[place and place[0] for place in events],
        events=[place and place[1] for place in events],
        verbs=list(verbs),
        bodies=list(bodies),
    )
    await tx.run(SQL.wake, ids=sorted(set(webhooks)))


def message_body(
    *,
    event: str,
    at: datetime,
    actor: str | None,
    delivery: int,
    id: str | None = None,  # noqa: A002 - the field's name
    collection: object = None,
    revision: int | None = None,
    item: object = None,
    before: object = None,
    after: object = None,
    reason: str | None = None,
) -> str:
    """Write a message: all that it can say, null where there is nothing to."""
    content = {
        "id": id,
        "event": event,
        "at": at,
        "actor": actor,
        "collection": collection,
        "revision": revision,
        "item": item,
        "before": before,
        "after": after,
        "reason": reason,
        "delivery": delivery,
    }
    return orjson.dumps(content, option=orjson.OPT_UTC_Z).decode()


def check_verbs(patterns: Sequence[str]) -> list[str]:
    """Check patterns of verbs: `entry.added`, `entry.*`, `*.removed`, or `*` for all that happens to collections.

    Raises:
        Invalid: (field `verbs`) there are none or too many, or one is no such pattern.
    """
    if not 0 < len(patterns) <= MOST_VERBS:
        message = f"Give 1 to {MOST_VERBS} verbs, such as entry.added or alias.*."
        raise Invalid(message, field="verbs")
    for pattern in patterns:
        match = _PATTERN.fullmatch(pattern)
        if match is None or match["noun"] not in {None, "*", *NOUNS}:
            message = (
                f"{pattern[:80]!r} is no pattern of verbs: write noun.verb, with * for any; the nouns are "
                f"{', '.join(NOUNS)}."
            )
            raise Invalid(message, field="verbs")
    return sorted(set(patterns))


def wants(patterns: Sequence[str], verb: str) -> bool:
    """Tell whether a webhook with these patterns is told what has this verb."""
    noun, _, deed = verb.partition(".")
    return noun in NOUNS and any(
        pattern == "*" or (_fits(pattern.partition(".")[0], noun) and _fits(pattern.partition(".")[2], deed))
        for pattern in patterns
    )


def permission_for(owner_kind: str, *, of_collection: bool) -> Permission:
    """Return what one must be allowed on a webhook's owner to manage it."""
    if of_collection:
        return Permission.COLLECTION_UPDATE
    return Permission.REGISTRY_MANAGE if owner_kind == "registry" else Permission.ORGANIZATION_MANAGE


def _fits(pattern: str, word: str) -> bool:
    return pattern in {"*", word}


async def _owner(tx: Tx, actor: Actor, wanted: NewWebhook) -> WebhookOwner:
    """Find what a new webhook is to belong to, and check that it is the actor's to manage."""
    if (wanted.account is None) == (wanted.collection is None):
        message = "A webhook belongs to an account or to a collection: give one of them."
        raise Invalid(message, field="account")
    if wanted.collection is not None:
        found = await tx.one(SQL.webhook_collection, WebhookOwner, public_id=_public_id(wanted.collection))
        missing = CollectionNotFound
    else:
        found = await tx.one(SQL.webhook_owner, WebhookOwner, name=_plain(wanted.account))
        missing = AccountNotFound
    if found is None:
        raise missing
    # That there is a user, organization or team of a name is no secret; that there is a registry may be.
    visibility = "private" if found.kind == "registry" and wanted.account is not None else found.visibility
    permission = permission_for(found.kind, of_collection=found.collection_id is not None)
    require(actor, permission, owner_id=found.id, visibility=visibility, missing=missing)
    return found


async def find(tx: Tx, webhook_id: int) -> Webhook:
    """Return a webhook, whoever asks; WebhookNotFound when there is none."""
    found = await tx.one(SQL.webhook, Webhook, id=webhook_id) if webhook_id in _IDS else None
    if found is None:
        raise WebhookNotFound
    return found


async def _delivery(tx: Tx, webhook_id: int, delivery_id: int) -> Delivery:
    inside = delivery_id in _DELIVERIES
    found = await tx.one(SQL.delivery, Delivery, webhook_id=webhook_id, id=delivery_id) if inside else None
    if found is None:
        message = "The webhook was sent no such message."
        raise NotFound(message)
    return found


def _require_active(webhook: Webhook) -> None:
    if not webhook.active:
        message = "The webhook is paused; let it go on first."
        raise Conflict(message, details={"problem": webhook.problem})


def _managed(actor: Actor, permission: Permission) -> list[int] | None:
    """Return the owners on which an actor may manage webhooks by a permission; None for all."""
    if not actor.is_admin or permission not in SCOPES[actor.scope]:
        return roles_allowing(actor, permission)
    return None if actor.bound_to is None else [actor.bound_to]


def _public_id(ref: str) -> str:
    """Return the public id with which a collection's id, slug and address end; what has none names no collection."""
    match = _PUBLIC_ID.fullmatch(ref)
    return match[1].lower() if match else ""


def _plain(text: str | None) -> str | None:
    """Leave out what no stored text can hold, so that a lookup finds nothing instead of failing."""
    return None if text is None else text.replace("\0", "").encode(errors="replace").decode()


def _facts(webhook: Webhook) -> dict[str, object]:
    """Say what the record keeps of a webhook; of its URL only where it is, since the rest may be secret."""
    return {
        "webhook": webhook.id,
        "host": httpx2.URL(webhook.url).host,
        "collection": webhook.collection,
        "verbs": webhook.verbs,
        "active": webhook.active,
    }


def _new_key() -> str:
    return KEY_PREFIX + secrets.token_urlsafe(32)
