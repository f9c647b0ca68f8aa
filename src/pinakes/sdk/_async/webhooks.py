"""Webhooks: being told of what happens to collections, by a signed request for each thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from pinakes.api.webhooks import Delivery, DeliveryState, DeliveryWithBody, KeyedWebhook, Webhook
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.addressing import CollectionLike, collection_ref
from pinakes.sdk.calls import call, given

WebhookLike: TypeAlias = int | Webhook
DeliveryLike: TypeAlias = int | Delivery


class AsyncWebhooks(AsyncNoun):
    """Webhooks of accounts that one manages, and of collections that one may change.

    A receiver checks what it gets with `pinakes.verify_webhook`.
    """

    def list(
        self, *, account: str | None = None, collection: CollectionLike | None = None, page_size: int = 100
    ) -> AsyncPages[Webhook]:
        """List the webhooks that one manages.

        Args:
            account: Only those of this account, and of its collections.
            collection: Only those of this collection.
            page_size: How many to ask for at once.
        """
        return self._pages(
            "/webhooks",
            Webhook,
            page_size,
            account=account,
            collection=None if collection is None else collection_ref(collection),
        )

    async def create(
        self,
        url: str,
        *,
        account: str | None = None,
        collection: CollectionLike | None = None,
        verbs: Sequence[str] | None = None,
    ) -> KeyedWebhook:
        """Make a webhook of an account or of a collection; its key, `.key`, is told this once.

        Args:
            url: Where to send.
            account: A user, an organization, a team, or a registry by its handle.
            collection: The one collection that it is about.
            verbs: What to tell, such as `alias.set` or `entry.*`; without them, what changes what is where.
        """
        body = given(
            url=url,
            account=account,
            collection=None if collection is None else collection_ref(collection),
            verbs=None if verbs is None else [*verbs],
        )
        return await self._session.read(call("POST", "/webhooks", body=body), KeyedWebhook)

    async def get(self, webhook: WebhookLike) -> Webhook:
        """Read a webhook; its `problem` says why it was stopped, if nobody wished it."""
        return await self._session.get(_path(webhook), Webhook)

    async def update(
        self, webhook: WebhookLike, *, url: str | None = None, verbs: Sequence[str] | None = None
    ) -> Webhook:
        """Change where a webhook is, or what it is told."""
        body = given(url=url, verbs=None if verbs is None else [*verbs])
        return await self._session.read(call("PATCH", _path(webhook), body=body, keyed=False), Webhook)

    async def pause(self, webhook: WebhookLike) -> Webhook:
        """Send nothing to a webhook; what happens meanwhile it is never told."""
        return await self._session.read(call("PATCH", _path(webhook), body={"active": False}, keyed=False), Webhook)

    async def resume(self, webhook: WebhookLike) -> Webhook:
        """Let a webhook go on: with what waited to be sent, and with what happens from now on; in one's own name."""
        return await self._session.read(call("PATCH", _path(webhook), body={"active": True}, keyed=False), Webhook)

    async def delete(self, webhook: WebhookLike, *, missing_ok: bool = False) -> None:
        """Delete a webhook, with what it was sent."""
        await self._delete(call("DELETE", _path(webhook), keyed=False, gone_is_done=True), missing_ok=missing_ok)

    async def renew_key(self, webhook: WebhookLike) -> KeyedWebhook:
        """Give a webhook another key, which signs from now on; it is told this once."""
        return await self._session.read(call("POST", f"{_path(webhook)}/key"), KeyedWebhook)

    async def test(self, webhook: WebhookLike) -> Delivery:
        """Send a message that tells nothing, to see whether it arrives and is understood."""
        return await self._session.read(call("POST", f"{_path(webhook)}/test"), Delivery)

    def deliveries(
        self, webhook: WebhookLike, *, state: DeliveryState | None = None, page_size: int = 100
    ) -> AsyncPages[Delivery]:
        """List what a webhook was sent and is to be sent, the last first; `waiting`, `delivered` or `failed` only."""
        return self._pages(f"{_path(webhook)}/deliveries", Delivery, page_size, state=state)

    async def delivery(self, webhook: WebhookLike, delivery: DeliveryLike) -> DeliveryWithBody:
        """Read what a webhook was sent, and how often it was tried."""
        return await self._session.get(_path(webhook, delivery), DeliveryWithBody)

    async def replay(self, webhook: WebhookLike, delivery: DeliveryLike) -> Delivery:
        """Send a message once more: another delivery, with the same body."""
        return await self._session.read(call("POST", f"{_path(webhook, delivery)}/replay"), Delivery)


def _path(webhook: WebhookLike, delivery: DeliveryLike | None = None) -> str:
    path = f"/webhooks/{webhook if isinstance(webhook, int) else webhook.id}"
    if delivery is None:
        return path
    return f"{path}/deliveries/{delivery if isinstance(delivery, int) else delivery.id}"
