# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes webhooks …`: who is told of what happens, by a signed request for each thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.webhooks import Delivery, DeliveryWithBody, KeyedWebhook, Webhook

app = App(name="webhooks", help="Have somebody told of what happens, by a signed request for each thing.")

Flag = Annotated[bool, Parameter(negative="")]
Verbs = Annotated[list[str] | None, Parameter(name=["--verb", "-v"])]
State = Literal["waiting", "delivered", "failed"]


def _columns() -> list[Column[Webhook]]:
    return [
        Column("id", lambda w: w.id, right=True),
        Column("url", lambda w: w.url, style="cyan"),
        Column("account", lambda w: w.account),
        Column("collection", lambda w: w.collection),
        Column("verbs", lambda w: w.verbs),
        Column("state", lambda w: "active" if w.active else "stopped" if w.problem else "paused"),
        Column("problem", lambda w: w.problem),
    ]


def _fields() -> list[Column[Webhook]]:
    return [
        *_columns(),
        Column("made by", lambda w: w.created_by),
        Column("made", lambda w: w.created_at),
        Column("changed", lambda w: w.updated_at),
    ]


def _delivery_columns() -> list[Column[Delivery]]:
    return [
        Column("id", lambda d: d.id, right=True),
        Column("what", lambda d: d.verb, style="cyan"),
        Column("state", lambda d: d.state),
        Column("tries", lambda d: d.attempts, right=True),
        Column("status", lambda d: d.status, right=True),
        Column("error", lambda d: d.error),
        Column("answer", lambda d: d.answer),
        Column("sent", lambda d: d.sent_at),
        Column("next", lambda d: d.next_at),
        Column("repeats", lambda d: d.replay_of),
    ]


def _id(found: Webhook | Delivery) -> object:
    return found.id


def _show_key(made: KeyedWebhook, common: Common, hint: str) -> None:
    """Print a key, which is the only time; with --quiet the webhook's id, as everywhere."""
    output = common.output
    if output.json:
        output.data(made)
    elif output.quiet:
        output.text(str(made.id))
    else:
        output.text(made.key)
        output.hint(f"This is its key; keep it, it is not shown again. {hint}")


@app.command(name="ls")
def list_webhooks(
    *, account: str | None = None, collection: str | None = None, limit: int = 100, common: Common = DEFAULT
) -> None:
    """List the webhooks that you manage.

    Args:
        account: Only those of this account, and of its collections.
        collection: Only those of this collection.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.webhooks.list(account=account, collection=collection).first(limit)
        common.output.rows(rows, _columns(), name=_id, nothing="No webhooks.")


@app.command(name="create")
def create_webhook(
    to: str,
    /,
    *,
    account: str | None = None,
    collection: str | None = None,
    verbs: Verbs = None,
    common: Common = DEFAULT,
) -> None:
    """Make a webhook of an account or of a collection, and print its key, which is not shown again.

    Args:
        to: The URL to send to.
        account: A user, an organization, a team, or a registry by its handle; you, when no collection is given either.
        collection: The one collection that it is about.
        verbs: What to tell, such as alias.set or entry.*; without it, what changes what is where.
    """
    with common.client() as client:
        if account is None and collection is None:
            account = client.users.me().name
        made = client.webhooks.create(to, account=account, collection=collection, verbs=verbs)
    _show_key(made, common, f"To try it: pinakes webhooks test {made.id}")


@app.command(name="show")
def show_webhook(webhook: int, *, common: Common = DEFAULT) -> None:
    """Show a webhook, and why it was stopped if nobody wished it.

    Args:
        webhook: Its id.
    """
    with common.client() as client:
        common.output.one(client.webhooks.get(webhook), _fields(), name=_id)


@app.command(name="edit")
def edit_webhook(webhook: int, *, to: str | None = None, verbs: Verbs = None, common: Common = DEFAULT) -> None:
    """Change where a webhook is, or what it is told; what is left out stays.

    Args:
        webhook: Its id.
        to: The URL to send to.
        verbs: What to tell, all of it.
    """
    with common.client() as client:
        common.output.one(client.webhooks.update(webhook, url=to, verbs=verbs), _fields(), name=_id)


@app.command(name="pause")
def pause_webhook(webhook: int, *, common: Common = DEFAULT) -> None:
    """Send nothing to a webhook; what happens meanwhile it is never told.

    Args:
        webhook: Its id.
    """
    with common.client() as client:
        common.output.one(client.webhooks.pause(webhook), _fields(), name=_id)
    common.output.hint(f"Paused. It goes on with: pinakes webhooks resume {webhook}")


@app.command(name="resume")
def resume_webhook(webhook: int, *, common: Common = DEFAULT) -> None:
    """Let a webhook go on: with what waited to be sent, and with what happens from now on, in your name.

    Args:
        webhook: Its id.
    """
    with common.client() as client:
        common.output.one(client.webhooks.resume(webhook), _fields(), name=_id)
    common.output.hint("It goes on.")


@app.command(name="rm")
def remove_webhook(webhook: int, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Delete a webhook, with what it was sent.

    Args:
        webhook: Its id.
        missing_ok: That there is none is no mistake.
        yes: Yes, with all of it.
    """
    confirmed(f"pinakes webhooks rm {webhook} --yes", given=yes)
    with common.client() as client:
        client.webhooks.delete(webhook, missing_ok=missing_ok)
    common.output.done("It is gone.", removed=webhook)


@app.command(name="key")
def renew_key(webhook: int, *, common: Common = DEFAULT) -> None:
    """Give a webhook another key, and print it; the former one signs nothing more.

    Args:
        webhook: Its id.
    """
    with common.client() as client:
        made = client.webhooks.renew_key(webhook)
    _show_key(made, common, "It signs from now on.")


@app.command(name="test")
def send_test(webhook: int, *, common: Common = DEFAULT) -> None:
    """Send a message that tells nothing, to see whether it arrives and is understood.

    Args:
        webhook: Its id.
    """
    with common.client() as client:
        sent = client.webhooks.test(webhook)
    common.output.one(sent, _delivery_columns(), name=_id)
    common.output.hint(f"What becomes of it: pinakes webhooks delivery {webhook} {sent.id}")


@app.command(name="deliveries")
def list_deliveries(webhook: int, *, state: State | None = None, limit: int = 50, common: Common = DEFAULT) -> None:
    """List what a webhook was sent and is to be sent, the last first.

    Args:
        webhook: Its id.
        state: Only what waits, was delivered, or was given up.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.webhooks.deliveries(webhook, state=state).first(limit)
        common.output.rows(rows, _delivery_columns(), name=_id, nothing="Nothing was sent.")


@app.command(name="delivery")
def show_delivery(webhook: int, delivery: int, *, common: Common = DEFAULT) -> None:
    """Show what a webhook was sent, and what became of it.

    Args:
        webhook: The webhook's id.
        delivery: The delivery's, as `pinakes webhooks deliveries` shows it.
    """
    body: Column[Any] = Column("said", _said)
    with common.client() as client:
        common.output.one(client.webhooks.delivery(webhook, delivery), [*_delivery_columns(), body], name=_id)


@app.command(name="replay")
def replay_delivery(webhook: int, delivery: int, *, common: Common = DEFAULT) -> None:
    """Send a message once more: another delivery, with the same body.

    Args:
        webhook: The webhook's id.
        delivery: The delivery's.
    """
    with common.client() as client:
        sent = client.webhooks.replay(webhook, delivery)
    common.output.one(sent, _delivery_columns(), name=_id)


def _said(found: DeliveryWithBody) -> str:
    return found.body.model_dump_json()
