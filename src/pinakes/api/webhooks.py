"""The contract of webhooks: who wants to be told of what happens, where, and what was sent.

A webhook gets a POST for each thing that happens, with a `Message` as its body and these headers:

| header | what it holds |
| --- | --- |
| `X-Pinakes-Event` | the verb, as `event` in the body |
| `X-Pinakes-Delivery` | the number of this delivery; another one when it is sent again by hand |
| `X-Pinakes-Signature` | `t=<unix time>,v1=<hex>`: HMAC-SHA256, with the key, of the time, a dot and the body |

Any answer of 2xx takes it. With any other, or none within 10 seconds, it is tried again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints

from pinakes.api.collections import ItemName
from pinakes.api.common import STORABLE, AccountName, Answer, Request

DeliveryState: TypeAlias = Literal["waiting", "delivered", "failed"]
MAX_INT8 = 2**63 - 1

DeliveryId: TypeAlias = Annotated[int, Field(ge=1, le=MAX_INT8)]
# The patterns tell a reader of the OpenAPI what the server says in words.
WebhookUrl: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    STORABLE,
    Field(
        description="Where to send, by http or https; without user, password and fragment. Only addresses on the "
        "internet, unless the server's administrator allows others.",
        examples=["https://ci.example.org/hooks/pinakes"],
        json_schema_extra={"pattern": r"^https?://[^\s\u0000-\u001f\u007f@#]+$"},
    ),
]
VerbPattern: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=81),
    STORABLE,
    Field(
        examples=["alias.set", "entry.*"],
        json_schema_extra={
            "pattern": r"^(?:\*|(?:\*|alias|collection|entry|promotion|revision)\.(?:\*|[a-z_]{1,40}))$"
        },
    ),
]
VerbPatterns: TypeAlias = Annotated[
    list[VerbPattern],
    Field(
        min_length=1,
        max_length=50,
        description="What to tell: verbs of the record, with `*` for any noun or deed. When left out: entries added, "
        "removed and moved, aliases set and removed, revisions named, collections created, deleted and restored, and "
        "promotions.",
    ),
]


class CreateWebhook(Request):
    """A webhook to make: of an account, or of one collection."""

    url: WebhookUrl
    account: Annotated[
        AccountName | None,
        Field(description="A user, an organization, a team, or a registry by its handle."),
    ] = None
    collection: Annotated[
        str | None,
        StringConstraints(max_length=400, pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-fA-F]{24}$"),
        Field(description="The collection's id, or its slug without the owner: `words-ID`."),
    ] = None
    verbs: VerbPatterns | None = None


class UpdateWebhook(Request):
    """New values for a webhook; what is left out stays as it is."""

    url: WebhookUrl | None = None
    verbs: VerbPatterns | None = None
    active: Annotated[
        bool | None, Field(description="false pauses it, true lets it go on, in the name of who says so.")
    ] = None


class Webhook(Answer):
    """Who wants to be told what, and where.

    Attributes:
        account: The account that it belongs to, or that owns its collection.
        collection: The id of its collection, if it is of one.
        active: Whether anything is sent to it.
        problem: Why it was stopped, if nobody wished it.
        created_by: In whose name it is told, and only while he may manage it.
    """

    id: int
    url: str
    account: str
    collection: str | None
    verbs: list[str]
    active: bool
    problem: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


class KeyedWebhook(Webhook):
    """A webhook with its key, which is shown this once. It signs what is sent."""

    key: str


class Delivery(Answer):
    """One message to a webhook, and how often it was tried.

    Attributes:
        event: The place in the record of what it tells, an event's `cursor`; null for a trial.
        verb: What it tells.
        state: `waiting` to be sent, or sent again; `delivered`; or `failed`, after the last try.
        status: What the receiver answered the last try with.
        answer: How that answer began.
        error: Why there was none, or why it did not count.
        replay_of: The delivery that it repeats.
        sent_at: When it was tried last.
        next_at: When it is tried next, at the earliest.
        ended_at: When it was taken, or given up.
    """

    id: int
    event: str | None
    verb: str
    state: DeliveryState
    attempts: int
    status: int | None
    answer: str | None
    error: str | None
    replay_of: int | None
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None
    ended_at: datetime | None


class DeliveryWithBody(Delivery):
    """A delivery, with what it says."""

    body: Message


class MessageCollection(Answer):
    """The collection that a message is about."""

    id: str
    kind: str
    slug: str
    title: str
    url: str


class Message(Answer):
    """What a webhook is sent: one event, as the webhook may see it.

    Attributes:
        id: The event's place in the record, its `cursor`; the same each time that it is sent. null for a trial.
        event: What happened, as `noun.past-tense`; `webhook.test` is a trial.
        actor: Who did it: a user's name; null for the server's own work.
        revision: The revision that it made of the collection, if it made one.
        item: The item that it is about, if it is about one.
        before: What was.
        after: What is. A long list of entries is cut at 100; `count` says how many there were.
        reason: Why, where somebody said so.
        delivery: The number of the delivery that first said this.
    """

    id: str | None
    event: str
    at: datetime
    actor: str | None
    collection: MessageCollection | None
    revision: int | None
    item: ItemName | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    delivery: int


DeliveryWithBody.model_rebuild()
