"""Webhooks over the native API: who is told of what happens, where, and what was sent.

| route | body → answer |
| --- | --- |
| GET /webhooks `?account&collection&limit&cursor` | → Page[Webhook]: those that one manages |
| POST /webhooks | CreateWebhook → 201 KeyedWebhook |
| GET, PATCH, DELETE /webhooks/{id} | → Webhook; UpdateWebhook → Webhook; → 204 |
| POST /webhooks/{id}/key | → KeyedWebhook, with another key |
| POST /webhooks/{id}/test | → 202 Delivery, of a message that tells nothing |
| GET /webhooks/{id}/deliveries `?state&limit&cursor` | → Page[Delivery], the last first |
| GET /webhooks/{id}/deliveries/{delivery} | → DeliveryWithBody |
| POST /webhooks/{id}/deliveries/{delivery}/replay | → 202 Delivery, another one with the same body |
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Path, Query, Response

from pinakes.api import webhooks as api
from pinakes.api.common import MAX_INT4, AccountName, Page
from pinakes.server.db import Tx
from pinakes.server.events import webhooks
from pinakes.server.events.webhook_types import Delivery, KeyedWebhook, NewWebhook, Webhook, WebhookChanges
from pinakes.server.wires.native import encode
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router
from pinakes.server.wires.native.idempotency import Once

router = make_router("webhooks")

Id = Annotated[int, Path(ge=1, le=MAX_INT4, description="The webhook's number.")]
DeliveryId = Annotated[int, Path(ge=1, le=api.MAX_INT8, description="The delivery's number.")]
OfAccount = Annotated[AccountName | None, Query(description="Only those of this account, and of its collections.")]
OfCollection = Annotated[
    str | None,
    Query(
        pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-fA-F]{24}$",
        max_length=400,
        description="Only those of this collection: its id, or `words-ID`.",
    ),
]
InState = Annotated[api.DeliveryState | None, Query(alias="state", description="Only those in this state.")]

_CONFLICT = errors(409)


def _webhook(found: Webhook) -> dict[str, Any]:
    return {
        "id": found.id,
        "url": found.url,
        "account": found.account,
        "collection": found.collection,
        "verbs": found.verbs,
        "active": found.active,
        "problem": found.problem,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def _keyed(found: KeyedWebhook) -> dict[str, Any]:
    return {**_webhook(found.webhook), "key": found.key}


def _delivery(found: Delivery) -> dict[str, Any]:
    return {
        "id": found.id,
        "event": found.event,
        "verb": found.verb,
        "state": found.state,
        "attempts": found.attempts,
        "status": found.status,
        "answer": found.answer,
        "error": found.error,
        "replay_of": found.replay_of,
        "created_at": found.created_at,
        "sent_at": found.sent_at,
        "next_at": found.next_at,
        "ended_at": found.ended_at,
    }


def _verbs(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


@router.get("/webhooks", response_model=Page[api.Webhook])
async def list_webhooks(
    state: Here,
    actor: By,
    account: OfAccount = None,
    collection: OfCollection = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the webhooks that one manages, in the order in which they were made."""
    async with state.db.reading() as tx:
        page = await webhooks.page(tx, actor, account=account, collection=collection, limit=limit, cursor=cursor)
    return encode.answer(encode.page(page, _webhook))


@router.post("/webhooks", status_code=201, response_model=api.KeyedWebhook, responses=_CONFLICT)
async def create_webhook(state: Here, actor: By, once: Once, wanted: api.CreateWebhook) -> Response:
    """Make a webhook of an account that one manages or a collection that one may change; its key is shown this once."""

    async def work(tx: Tx) -> Response:
        new = NewWebhook(wanted.url, wanted.account, wanted.collection, _verbs(wanted.verbs))
        made = await webhooks.create(tx, actor, new, private=state.settings.webhook_private_addresses)
        return encode.answer(_keyed(made), status=201)

    return await once.write(actor, work)


@router.get("/webhooks/{webhook}", response_model=api.Webhook)
async def get_webhook(state: Here, actor: By, webhook: Id) -> Response:
    """Show a webhook; `problem` says why it was stopped, if nobody wished it."""
    async with state.db.reading() as tx:
        return encode.answer(_webhook(await webhooks.get(tx, actor, webhook)))


@router.patch("/webhooks/{webhook}", response_model=api.Webhook)
async def update_webhook(state: Here, actor: By, webhook: Id, wanted: api.UpdateWebhook) -> Response:
    """Change where a webhook is and what it is told; pause it, or let it go on with what happens from now on."""
    changes = WebhookChanges(wanted.url, _verbs(wanted.verbs), wanted.active)
    private = state.settings.webhook_private_addresses
    async with state.db.transaction() as tx:
        return encode.answer(_webhook(await webhooks.update(tx, actor, webhook, changes, private=private)))


@router.delete("/webhooks/{webhook}", status_code=204, response_class=Response)
async def delete_webhook(state: Here, actor: By, webhook: Id) -> Response:
    """Delete a webhook, with what waits to be sent to it and what it was sent."""
    async with state.db.transaction() as tx:
        await webhooks.delete(tx, actor, webhook)
    return encode.empty()


@router.post("/webhooks/{webhook}/key", response_model=api.KeyedWebhook, responses=_CONFLICT)
async def renew_webhook_key(actor: By, once: Once, webhook: Id) -> Response:
    """Give a webhook another key, which signs from now on; it is in this answer, and never again."""

    async def work(tx: Tx) -> Response:
        return encode.answer(_keyed(await webhooks.renew_key(tx, actor, webhook)))

    return await once.write(actor, work)


@router.post("/webhooks/{webhook}/test", status_code=202, response_model=api.Delivery, responses=_CONFLICT)
async def send_test_message(actor: By, once: Once, webhook: Id) -> Response:
    """Send a message that tells nothing (`webhook.test`), to see whether it arrives and is understood."""

    async def work(tx: Tx) -> Response:
        return encode.answer(_delivery(await webhooks.send_trial(tx, actor, webhook)), status=202)

    return await once.write(actor, work)


@router.get("/webhooks/{webhook}/deliveries", response_model=Page[api.Delivery])
async def list_deliveries(
    state: Here,
    actor: By,
    webhook: Id,
    in_state: InState = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List what a webhook was sent and is to be sent, the last first. It is kept for 30 days."""
    async with state.db.reading() as tx:
        page = await webhooks.deliveries(tx, actor, webhook, state=in_state, limit=limit, cursor=cursor)
    return encode.answer(encode.page(page, _delivery))


@router.get("/webhooks/{webhook}/deliveries/{delivery}", response_model=api.DeliveryWithBody)
async def get_delivery(state: Here, actor: By, webhook: Id, delivery: DeliveryId) -> Response:
    """Show what a webhook was sent, and how often it was tried."""
    async with state.db.reading() as tx:
        found, body = await webhooks.delivery(tx, actor, webhook, delivery)
    return encode.answer({**_delivery(found), "body": orjson.Fragment(body)})


@router.post(
    "/webhooks/{webhook}/deliveries/{delivery}/replay",
    status_code=202,
    response_model=api.Delivery,
    responses=_CONFLICT,
)
async def replay_delivery(actor: By, once: Once, webhook: Id, delivery: DeliveryId) -> Response:
    """Send a message once more: another delivery, with the same body to the letter."""

    async def work(tx: Tx) -> Response:
        return encode.answer(_delivery(await webhooks.replay(tx, actor, webhook, delivery)), status=202)

    return await once.write(actor, work)
