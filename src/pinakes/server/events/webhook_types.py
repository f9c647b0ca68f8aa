"""What webhooks are given and answer with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook to make, of an account (by name) or of a collection (by public id): of exactly one of them."""

    url: str
    account: str | None = None
    collection: str | None = None
    verbs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class WebhookChanges:
    """New values for a webhook; None leaves one as it is. `active` pauses it, or lets it go on."""

    url: str | None = None
    verbs: tuple[str, ...] | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class WebhookOwner:
    """What a webhook would belong to: an account, or a collection of that account."""

    id: int
    kind: str
    name: str
    collection_id: int | None
    visibility: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who wants to be told what, and where.

    Attributes:
        owner_id: The account that it belongs to, or that owns its collection.
        account: That account's name.
        collection: The public id of its collection, if it is about one.
        verbs: Patterns of the verbs that it is told.
        problem: Why it was stopped, if nobody wished it.
        created_by: In whose name it is told.
    """

    id: int
    owner_id: int
    owner_kind: str
    account: str
    collection: str | None
    url: str
    verbs: list[str]
    active: bool
    problem: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class KeyedWebhook:
    """A webhook and its key, which is shown this once."""

    webhook: Webhook
    key: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to a webhook, and how often it was tried.

    Attributes:
        event: The place in the record of what it tells; None for a trial message.
        state: waiting, delivered or failed.
        status: The status that the receiver answered the last try with.
        answer: How that answer began.
        error: Why there was no answer.
        replay_of: The message that it repeats.
        sent_at: When it was tried last.
        next_at: When it is tried next.
    """

    id: int
    webhook_id: int
    event: str | None
    verb: str
    state: str
    attempts: int
    status: int | None
    answer: str | None
    error: str | None
    replay_of: int | None
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listener:
    """A webhook that is to be told: of one collection or of all that some accounts own, and how far it has been."""

    id: int
    collection_id: int | None
    verbs: list[str]
    txid: str
    seen_id: int
    accounts: list[int]


@dataclass(frozen=True, slots=True)
class Keeper:
    """In whose name a webhook is told: its owner, the user (None when he is gone), and the roles of his that count."""

    id: int
    owner_id: int
    owner_kind: str
    owner: str
    of_collection: bool
    user_id: int | None
    name: str
    accounts: list[int]
    roles: list[str]


@dataclass(frozen=True, slots=True)
class ToldCollection:
    """A collection as messages name it."""

    id: int
    public_id: str
    kind: str
    slug: str
    title: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send the messages of a webhook, and what signs them."""

    id: int
    url: str
    key: bytes
    active: bool


@dataclass(frozen=True, slots=True)
class Due:
    """A message to send now."""

    id: int
    verb: str
    body: str
    attempts: int
