"""The contract of collections: their fields, entries, revisions, bulk lines and set sizes.

A collection is addressed by its public id (24 hex digits) or by anything that ends in `-` and that id (its slug's last
segment). An entry's id is 24 hex digits too: it names the membership, not the item.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from pinakes.api.common import (
    NO_NUL,
    NOT_BLANK,
    STORABLE,
    AccountName,
    Answer,
    CollectionKind,
    Error,
    ItemId,
    ItemKind,
    ItemRef,
    Page,
    Position,
    Reason,
    Request,
    Visibility,
)

Theme: TypeAlias = Literal["orange", "blue", "green", "purple", "pink", "indigo"]
CollectionSort: TypeAlias = Literal["lastModified", "trending", "upvotes", "position"]
Outcome: TypeAlias = Literal[
    "added", "updated", "moved", "removed", "unchanged", "duplicate", "unknown", "invalid", "not_applied"
]
EntryKey: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
Title: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=250), STORABLE, Field(json_schema_extra=NOT_BLANK)
]
Description: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=150),
    STORABLE,
    Field(description="At most 150 characters.", json_schema_extra=NO_NUL),
]
Note: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=500),
    STORABLE,
    Field(description="At most 500 characters; an empty one means no note.", json_schema_extra=NO_NUL),
]
Tag: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=64), STORABLE, Field(json_schema_extra=NOT_BLANK)
]
Tags: TypeAlias = Annotated[list[Tag], Field(max_length=100)]
Score: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=-3.0e38, le=3.0e38)]
RevisionName: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[A-Za-z][A-Za-z0-9._-]*|[0-9]+[A-Za-z._-][A-Za-z0-9._-]*)$", max_length=64),
    Field(description="Letters, digits, `.`, `_` and `-`, not digits only.", examples=["v1"]),
]
RevisionNumber: TypeAlias = Annotated[int, Field(ge=0, le=2**31 - 1)]
RevisionRef: TypeAlias = RevisionNumber | RevisionName

MAX_JSON_ENTRIES = 10_000
MAX_BULK_LINES = 1_000_000


# ----------------------------------------------------------------------------------------------------------------------
# Answers
# ----------------------------------------------------------------------------------------------------------------------


class ItemName(Answer):
    """An item, briefly: its number, and by what name people know it."""

    id: int
    kind: ItemKind
    address: str


class NestedCollection(Answer):
    """What an entry shows of a collection that is its item."""

    id: str
    kind: CollectionKind
    slug: str
    theme: Theme
    description: str
    entry_count: int


class EntryItem(ItemName):
    """What an entry shows of its item. Facts that a kind does not have are null.

    Attributes:
        owner: The account that it belongs to; null for what has none (papers).
        votes: Likes of a repo, upvotes of a paper or a collection.
        url: Where a reference points.
        target_kind: What a reference points at.
    """

    owner: str | None = None
    name: str
    title: str
    visibility: Visibility
    updated_at: datetime
    votes: int = 0
    gated: Literal["auto", "manual"] | None = None
    sdk: str | None = None
    pipeline_tag: str | None = None
    downloads: int | None = None
    last_modified: datetime | None = None
    published_at: datetime | None = None
    url: str | None = None
    target_kind: str | None = None
    nested: NestedCollection | None = None


class _EntryFacts(Answer):
    """What every form of an entry has; `id` names the membership."""

    id: str
    note: str | None = None
    score: float | None = None


class LeanEntry(_EntryFacts):
    """One item in one collection, as little of it as a program needs (`?fields=lean`)."""

    item: ItemName


class Entry(_EntryFacts):
    """One item in one collection.

    Attributes:
        added_revision: The revision that put it there.
        since_revision: The revision that gave it its present note, score and place.
    """

    item: EntryItem
    added_at: datetime
    added_by: str | None = None
    added_revision: int
    since_revision: int


class Collection(Answer):
    """A collection as its reader sees it.

    Attributes:
        item_id: Its number as an item (collections can be put into collections).
        slug: Its address, `owner/title-words-ID`; follows the title.
        url: Its page in the web app.
        revision: The number of its last change; the ETag is this number in quotes.
        entry_count: How many of its entries the reader sees.
        live: Whether it is kept up to date by itself: by a query, or from other collections.
        position: Its place, from 0, among those of its owner's collections that the reader sees; null in lists.
        can: What the reader may do with it: names of permissions such as `collection:update`.
        entries: The first entries, where the request asked for some.
    """

    id: str
    item_id: int
    kind: CollectionKind
    slug: str
    url: str
    owner: str
    owner_kind: Literal["user", "organization", "team", "registry"]
    title: str
    description: str
    theme: Theme
    tags: list[str]
    visibility: Visibility
    revision: int
    entry_count: int
    live: bool = False
    position: int | None = None
    votes: int
    voted: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    can: list[str] = Field(default_factory=list)
    entries: list[Entry] | None = None


class Selection(Answer):
    """A collection of media of one project, as a list of them shows it; by its `id` it is read as any collection.

    Attributes:
        item_id: Its number as an item.
        search_key: The search that its scores come from, where they do.
    """

    id: str
    item_id: int
    project: int
    name: str
    slug: str
    owner: str
    description: str
    data_type: str
    search_key: str | None = None
    tags: list[str]
    visibility: Visibility
    revision: int
    entry_count: int
    is_live: bool
    created_at: datetime
    updated_at: datetime
    can: list[str]


class Result(Answer):
    """What became of one line of a batch."""

    outcome: Outcome
    entry: str | None = None
    error: Error | None = None


class Batch(Answer):
    """What became of a batch: one result for each line, in their order.

    Attributes:
        revision: The collection's number afterwards.
        applied: False when an `atomic` batch had a bad line, so that nothing was done; good lines are `not_applied`.
        counts: How many lines had which outcome.
    """

    revision: int
    applied: bool
    results: list[Result]
    counts: dict[str, int]


class RefusedBatch(Batch):
    """An `atomic` batch with a bad line (409 or 422): the first line's error, and what each line came to."""

    error: Error


class Revision(Answer):
    """One revision: its number, the change that made it, and the names that people gave it."""

    number: int
    at: datetime
    actor: str | None = None
    api: str
    verb: str
    reason: str | None = None
    names: list[str]


class NamedRevision(Answer):
    """A name that somebody gave a revision, to cite it by."""

    name: str
    revision: int
    created_by: str | None = None
    created_at: datetime


class CollectionAt(Answer):
    """A collection's own fields as they were at a revision, and when that was made (`at`)."""

    id: str
    revision: int
    at: datetime
    slug: str
    owner: str
    title: str
    description: str
    theme: Theme
    tags: list[str]
    visibility: Visibility
    entry_count: int


class DiffCounts(Answer):
    """How many entries differ between two revisions, by the way in which they do."""

    added: int
    removed: int
    changed: int
    moved: int


class Carried(Answer):
    """What an entry carries beside its item."""

    note: str | None = None
    score: float | None = None


class Difference(Answer):
    """One entry that differs between two revisions; `before` and `after` are null where it was not there.

    Attributes:
        ways: In which ways it differs: it came, it left, its note or score is another, its place is another.
    """

    entry: str
    item: ItemName
    title: str
    ways: list[Literal["added", "removed", "changed", "moved"]]
    before: Carried | None = None
    after: Carried | None = None


class FieldPair(Answer):
    """One of the collection's own fields before and after."""

    before: Any = None
    after: Any = None


class Diff(Page[Difference]):
    """What differs between two revisions: all counted, a page of the entries, and the collection's own fields."""

    older: int
    newer: int
    counts: DiffCounts
    fields: dict[str, FieldPair]


class SetSizes(Answer):
    """How many items two collections have, together and apart."""

    left: int
    right: int
    intersection: int
    union: int
    left_only: int
    right_only: int


# ----------------------------------------------------------------------------------------------------------------------
# Requests
# ----------------------------------------------------------------------------------------------------------------------


class NewEntry(Request):
    """One item to add."""

    item: ItemRef
    note: Note | None = None
    score: Score | None = None


class CreateCollection(Request):
    """A collection to create; without `owner` it is yours. `items` are its first entries: all of them, or nothing."""

    title: Title
    owner: AccountName | None = None
    description: Description = ""
    visibility: Visibility = "public"
    theme: Theme = "orange"
    tags: Tags = Field(default_factory=list)
    kind: Literal["showcase", "selection"] = "showcase"
    project: Annotated[
        ItemId | None,
        Field(description="Of a selection: the project of media whose items it holds; its owner owns it."),
    ] = None
    search_key: (
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=255),
            STORABLE,
            Field(description="Of a selection: the search that its scores come from.", json_schema_extra=NOT_BLANK),
        ]
        | None
    ) = None
    items: Annotated[list[NewEntry], Field(max_length=MAX_JSON_ENTRIES)] = Field(default_factory=list[NewEntry])
    reason: Reason | None = None

    @model_validator(mode="after")
    def _of_a_project(self) -> CreateCollection:
        if (self.kind == "selection") != (self.project is not None):
            message = "a selection has a project, and only a selection has one"
            raise ValueError(message)
        if self.search_key is not None and self.project is None:
            message = "only a selection has a search_key"
            raise ValueError(message)
        return self


class UpdateCollection(Request):
    """New values for a collection's own fields; what is left out (or null) stays. `position` is among its owner's."""

    title: Title | None = None
    description: Description | None = None
    theme: Theme | None = None
    tags: Tags | None = None
    visibility: Visibility | None = None
    position: Position | None = None
    reason: Reason | None = None


class _Placed(Request):
    """A request that says where: at most one of `position`, `before` and `after`; at the end without any."""

    position: Position | None = None
    before: Annotated[EntryKey | None, Field(description="The entry to stand right before.")] = None
    after: Annotated[EntryKey | None, Field(description="The entry to stand right after.")] = None

    @model_validator(mode="after")
    def _one_place(self) -> _Placed:
        if sum(place is not None for place in (self.position, self.before, self.after)) > 1:
            message = "give at most one of position, before and after"
            raise ValueError(message)
        return self


class AddEntries(_Placed):
    """Items to add, as a block. `atomic`: all of them, or none."""

    items: Annotated[list[NewEntry], Field(min_length=1, max_length=MAX_JSON_ENTRIES)]
    atomic: bool = False
    reason: Reason | None = None


class EntryUpdate(Request):
    """New values for an entry; what is left out (or null) stays. An empty note removes the note."""

    note: Note | None = None
    score: Score | None = None
    position: Position | None = None
    reason: Reason | None = None


class EntryChange(Request):
    """New values for one of many entries, in the same way."""

    entry: EntryKey
    note: Note | None = None
    score: Score | None = None
    position: Position | None = None


class UpdateEntries(Request):
    """Changes of entries, made one after another, as one change of the collection."""

    entries: Annotated[list[EntryChange], Field(min_length=1, max_length=MAX_JSON_ENTRIES)]
    atomic: bool = False
    reason: Reason | None = None


class RemoveEntries(Request):
    """Entries to take out."""

    entries: Annotated[list[EntryKey], Field(min_length=1, max_length=MAX_JSON_ENTRIES)]
    atomic: bool = False
    reason: Reason | None = None


class MoveEntries(_Placed):
    """Entries to move together, in the given order, to one place."""

    entries: Annotated[list[EntryKey], Field(min_length=1, max_length=MAX_JSON_ENTRIES)]
    reason: Reason | None = None


class CopyCollection(Request):
    """Where a copy goes and what differs; without `owner` it is yours, without `revision` it is of what is now."""

    owner: AccountName | None = None
    title: Title | None = None
    visibility: Visibility | None = None
    revision: RevisionRef | None = None


class TransferCollection(Request):
    """Who shall own the collection."""

    owner: AccountName
    reason: Reason | None = None


class NameRevision(Request):
    """The revision that gets a name; the present one without it."""

    revision: RevisionRef | None = None


class Why(Request):
    """Nothing but the reason, for changes that need no more."""

    reason: Reason | None = None


# ----------------------------------------------------------------------------------------------------------------------
# Bulk: JSON lines in, JSON lines out
# ----------------------------------------------------------------------------------------------------------------------


class Received(Answer):
    """How far a bulk call is: lines that came in, lines that were worked through, lines that there are."""

    received: int
    applied: int
    of: int


class BulkProgress(Answer):
    """A line of the answer that says how far the work is."""

    progress: Received


class BulkLine(Answer):
    """A line of the answer about one line of the body, counted from 1: what became of it, and why."""

    line: int
    outcome: Outcome
    entry: str | None = None
    error: Error | None = None


class Summary(Answer):
    """What a bulk call came to. `applied` is False when an `atomic` one had a bad line, so that nothing was done.

    `not_applied` then counts the good lines.
    `problems_cut` is True in an answer that is repeated (`Idempotent-Replay`) and does not name all bad lines again.
    """

    lines: int
    added: int
    duplicates: int
    unknown: int
    invalid: int
    not_applied: int = 0
    revision: int
    applied: bool = True
    problems_cut: bool = False


class BulkSummary(Answer):
    """The last line of the answer when it went well."""

    summary: Summary


class BulkError(Answer):
    """The last line of the answer when the call failed as a whole: nothing was done."""

    error: Error


BulkAnswer: TypeAlias = BulkProgress | BulkLine | BulkSummary | BulkError


class ExportedEntry(Answer):
    """A line of an export; the import reads `kind`, `address`, `note` and `score`, and ignores the rest."""

    kind: ItemKind
    address: str
    title: str
    note: str | None = None
    score: float | None = None
    added_at: datetime
    added_by: str | None = None
