"""The contract of live collections, set operations and checks: what keeps a collection as it should be by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, JsonValue, StringConstraints, model_validator

from pinakes.api.catalog import Description
from pinakes.api.collections import Collection, NewEntry, Title
from pinakes.api.common import (
    NO_NUL,
    STORABLE,
    AccountName,
    Answer,
    ItemId,
    ItemKind,
    ItemRef,
    Reason,
    Request,
    Visibility,
)
from pinakes.api.media import Facts, Id, Search
from pinakes.api.queues import CollectionKey

Operation: TypeAlias = Literal["union", "intersection", "difference"]
SortWord: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^-?[a-z_]{1,32}$"),
    Field(description="What the results are sorted by; `-` falling."),
]

# How many collections one set operation takes, and how many items one call pins or bans.
MAX_OPERANDS = 20
MAX_EXCEPTIONS = 10_000


class PutLive(Request):
    """What a collection shall hold by itself: what the query finds, below what people pinned."""

    query: Search = ""
    sort: SortWord | None = None
    reason: Reason | None = None


class PinItems(Request):
    """Items to pin, in this order, perhaps with notes: all of them, or none."""

    items: Annotated[list[NewEntry], Field(min_length=1, max_length=MAX_EXCEPTIONS)]
    reason: Reason | None = None


class BanItems(Request):
    """Items to ban: all of them, or none."""

    items: Annotated[list[ItemRef], Field(min_length=1, max_length=MAX_EXCEPTIONS)]
    reason: Reason | None = None


class LetItems(Request):
    """Items to pin, or to ban, no more: their numbers."""

    items: Annotated[list[ItemId], Field(min_length=1, max_length=MAX_EXCEPTIONS)]
    reason: Reason | None = None


class Freeze(Request):
    """What a frozen copy is called, and whose it is."""

    title: Title | None = None
    owner: AccountName | None = None
    visibility: Visibility | None = None


class LiveItem(Answer):
    """An item that somebody pinned (with a note) or banned."""

    item: int
    kind: ItemKind
    address: str
    title: str
    note: str | None = None
    reason: str | None = None
    made_by: str | None = None
    made_at: datetime


class LiveSource(Answer):
    """What a live collection is made of: an operation and collections, by their ids as far as the reader sees them."""

    op: Operation
    collections: list[str | None]


class Live(Answer):
    """A live collection.

    Attributes:
        refreshed_at: When its content was found last.
        failed: Why the query can't be run any more; the content stays as it was.
    """

    query: str
    sort: str | None = None
    source: LiveSource | None = None
    pinned: list[LiveItem]
    banned: list[LiveItem]
    refreshed_at: datetime | None = None
    failed: str | None = None
    created_by: str | None = None
    created_at: datetime


class Combine(Request):
    """A set operation over collections: as numbers, as a new collection, or as one that stays up to date.

    `difference` is the first without all others.
    """

    op: Operation
    collections: Annotated[list[CollectionKey], Field(min_length=2, max_length=MAX_OPERANDS)]
    into: Annotated[
        Literal["numbers", "collection", "live"], Field(description="Count, make a collection, or a live one.")
    ] = "numbers"
    title: Title | None = None
    owner: AccountName | None = None
    project: Annotated[
        Id | None, Field(description="The project of a selection; that of the operands when left out.")
    ] = None
    kind: Literal["showcase", "selection"] | None = None
    description: Description | None = None
    visibility: Visibility | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _titled(self) -> Combine:
        if (self.into == "numbers") != (self.title is None):
            message = "a new collection has a title; without one, ask for numbers"
            raise ValueError(message)
        return self


class CombinedSizes(Answer):
    """How many items collections have, each for itself and together."""

    sizes: list[int]
    union: int
    intersection: int
    difference: int


class Combined(Answer):
    """What a set operation came to: its numbers, or the collection that it made."""

    sizes: CombinedSizes | None = None
    collection: Collection | None = None


CheckKind: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z_]{0,63}$"),
    STORABLE,
    Field(
        description="disjoint, public, size, tagged, classed or reviewed.",
        examples=["disjoint", "size"],
        json_schema_extra=NO_NUL,
    ),
]


class AddCheck(Request):
    """A rule that a collection is held against whenever it changes: it warns, or it refuses the change (`blocks`)."""

    kind: CheckKind
    params: Facts = Field(default_factory=dict[str, JsonValue])
    blocks: bool = False


class Check(Answer):
    """A rule of a collection."""

    id: int
    kind: str
    params: dict[str, Any]
    blocks: bool
    created_by: str | None = None
    created_at: datetime


class Violation(Answer):
    """What is against a rule: an item, or the collection as a whole (`item` is null), and why."""

    item: int | None = None
    why: str


class CheckResult(Answer):
    """What came of holding a collection against a rule: how many violations, and the first of them."""

    check: Check
    passed: bool
    count: int
    violations: list[Violation]
