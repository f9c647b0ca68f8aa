"""What the collections room is given and answers with.

Collections and entries, which come by the hundred, are not frozen: to make a frozen one takes several times as long.
Nobody changes one either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from pinakes.server.errors import PinakesError
from pinakes.server.paging import Page

Outcome = Literal["added", "updated", "moved", "removed", "unchanged", "duplicate", "unknown", "invalid", "not_applied"]


def address_of(owner: str | None, name: str, nested_id: str | None) -> str:
    """Return where an item is found: `owner/name`, a bare name, or a collection's slug."""
    address = f"{owner}/{name}" if owner else name
    return f"{address}-{nested_id}" if nested_id else address


class EntryId(NamedTuple):
    """The identity of one membership: an item, in a collection, since the revision that added it.

    Its public form is 24 hex digits, 8 for each number; an item that leaves and comes back gets a new one.
    """

    collection_id: int
    added_rev: int
    item_id: int

    def __str__(self) -> str:
        """Return the public form."""
        return f"{self.collection_id:08x}{self.added_rev:08x}{self.item_id:08x}"

    @classmethod
    def parse(cls, text: str) -> EntryId | None:
        """Read the public form; None when it is not one."""
        if len(text) != 24 or not set(text) <= set("0123456789abcdef"):  # noqa: PLR2004 - 3 x 8 digits
            return None
        return cls(int(text[:8], 16), int(text[8:16], 16), int(text[16:], 16))


@dataclass(slots=True)
class Collection:
    """A collection as one reader sees it.

    Attributes:
        position: Its place, from 0, among those of its owner's collections that the reader sees.
        entry_count: How many of its entries the reader sees.
        votes: How many people upvoted it; `voted` says whether the reader did.
        revision: The number of its last change.
        is_live: Whether its entries follow a query or other collections.
    """

    id: int
    kind: str
    public_id: str
    owner_id: int
    owner: str
    owner_kind: str
    title: str
    name: str
    description: str
    theme: str
    tags: list[str]
    visibility: str
    resource_group: str | None
    revision: int
    entry_count: int
    position: int
    votes: int
    voted: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    is_live: bool = False

    @property
    def slug(self) -> str:
        """Return the address: `owner/title-words-ID`."""
        return f"{self.owner}/{self.name}-{self.public_id}"


@dataclass(slots=True)
class Entry:
    """One item in one collection, with what its kind has to show. Facts that a kind does not have are None.

    Attributes:
        order_key: Sorts the entries; opaque, its text form is a paging cursor.
        visibility: The item's; `owner` is the item's owner's name, None for what has none (papers).
        votes: Likes of a repo, upvotes of a paper or collection.
        nested_id: The public id of a collection that is the item; `nested_count` its entries, `nested_kind` its kind.
    """

    collection_id: int
    item_id: int
    order_key: bytes
    since_rev: int
    added_rev: int
    added_at: datetime
    added_by: str | None
    note: str | None
    score: float | None
    kind: str
    owner: str | None
    name: str
    title: str
    visibility: str
    updated_at: datetime
    deleted_at: datetime | None
    votes: int
    gated: str | None
    sdk: str | None
    pipeline_tag: str | None
    downloads: int | None
    last_modified: datetime | None
    published_at: datetime | None
    url: str | None
    target_kind: str | None
    nested_id: str | None
    nested_theme: str | None
    nested_description: str | None
    nested_count: int | None
    nested_kind: str | None

    @property
    def id(self) -> str:
        """Return the public id of the membership."""
        return f"{self.collection_id:08x}{self.added_rev:08x}{self.item_id:08x}"

    @property
    def address(self) -> str:
        """Return where the item is found: `owner/name`, a bare name, or a collection's slug."""
        return address_of(self.owner, self.name, self.nested_id)


@dataclass(frozen=True, slots=True)
class ItemRef:
    """How a caller names an item: by its number, or by kind and address in any spelling that the kind accepts."""

    item_id: int | None = None
    kind: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """One item to add."""

    item: ItemRef
    note: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One entry to change: what is None stays as it is; an empty note means no note.

    `position` is the index, from 0, that the entry shall have among those that the caller sees.
    """

    entry: str
    note: str | None = None
    position: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one line of a batch: its outcome, its entry if there is one, its error if it was refused."""

    outcome: Outcome
    entry: str | None = None
    error: PinakesError | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of a batch: a result per line, in their order.

    `revision` is the collection's number afterwards. `applied` is False when an atomic batch had a bad line, so that
    nothing was done; each good line is `not_applied` then.
    """

    revision: int
    applied: bool
    results: list[Result]

    def checked(self) -> Batch:
        """Return the batch itself; raise the first refused line's error if there is one."""
        for result in self.results:
            if result.error is not None:
                raise result.error
        return self


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a bulk has come: lines done, of so many."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line of a bulk; lines count from 1."""

    line: int
    result: Result


@dataclass(frozen=True, slots=True)
class BulkSummary:
    """What a bulk did, once it is committed: lines by outcome, and the collection's revision.

    `applied` is False when an atomic bulk had a bad line, so that nothing was done, and good lines are `not_applied`.
    """

    revision: int
    applied: bool
    lines: int
    added: int
    duplicate: int
    unknown: int
    invalid: int
    not_applied: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: its number, the change that made it, and the names people gave it."""

    number: int
    at: datetime
    actor: str | None
    api: str
    verb: str
    reason: str | None
    names: list[str]


@dataclass(frozen=True, slots=True)
class SetSizes:
    """How many items two collections have, together and apart."""

    left: int
    right: int
    intersection: int
    union: int
    left_only: int
    right_only: int


@dataclass(frozen=True, slots=True)
class CombinedSizes:
    """How many items each of several collections has, and how many they have together.

    `difference`: what the first has and none of the others.
    """

    sizes: list[int]
    union: int
    intersection: int
    difference: int


@dataclass(frozen=True, slots=True)
class Where:
    """Where in a collection: at its end (the default), at an index, or right before or after an entry."""

    position: int | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Which collections to list. None means: any."""

    owners: list[str] | None = None
    items: list[ItemRef] | None = None
    tags: list[str] | None = None
    kind: str | None = None
    text: str | None = None
    trashed: bool = False
    sort: Literal["lastModified", "trending", "upvotes", "position"] = "lastModified"


@dataclass(frozen=True, slots=True)
class FieldChanges:
    """New values for a collection's own fields; None leaves one as it is. `position` is in its owner's list."""

    title: str | None = None
    description: str | None = None
    theme: str | None = None
    tags: list[str] | None = None
    visibility: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that differs between two revisions; what it was and is, None where it was not there.

    `added_rev` is of the membership in the newer revision (in the older, when it left): with the collection's id and
    the item's it makes the entry's public id.
    """

    item_id: int
    old_key: bytes | None
    old_note: str | None
    old_score: float | None
    new_key: bytes | None
    new_note: str | None
    new_score: float | None
    kind: str
    owner: str | None
    name: str
    title: str
    nested_id: str | None
    added_rev: int

    @property
    def address(self) -> str:
        """Return where the item is found: `owner/name`, a bare name, or a collection's slug."""
        return address_of(self.owner, self.name, self.nested_id)

    @property
    def ways(self) -> list[Literal["added", "removed", "changed", "moved"]]:
        """Say in which ways the item differs: it came, it left, or its note, score or place is another."""
        if self.old_key is None:
            return ["added"]
        if self.new_key is None:
            return ["removed"]
        changed = (self.old_note, self.old_score) != (self.new_note, self.new_score)
        moved = self.old_key != self.new_key
        return [*(["changed"] if changed else []), *(["moved"] if moved else [])]


@dataclass(frozen=True, slots=True)
class DiffCounts:
    """How many entries differ between two revisions, by the way in which they do."""

    added: int
    removed: int
    changed: int
    moved: int


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two revisions: all counted, a page of the entries, and the collection's own fields.

    `fields` maps the name of a field that differs to (what it was, what it is).
    """

    older: int
    newer: int
    counts: DiffCounts
    entries: Page[Difference]
    fields: Mapping[str, tuple[object, object]] = field(default_factory=dict[str, tuple[object, object]])


@dataclass(frozen=True, slots=True)
class NamedRevision:
    """A name that somebody gave to a revision, to cite it by."""

    name: str
    revision: int
    created_by: str | None
    created_at: datetime


# What the queries of this room answer with, for the room's own use.


@dataclass(frozen=True, slots=True)
class Locked:
    """A collection that this transaction holds, so that nobody else changes it meanwhile.

    Attributes:
        container_id: The project that it is in, where it is in one.
        has_checks: Whether it is held against rules whenever it changes.
        is_live: Whether its entries follow a query or other collections.
    """

    id: int
    kind: str
    public_id: str
    owner_id: int
    owner: str
    visibility: str
    title: str
    name: str
    description: str
    theme: str
    tags: list[str]
    revision: int
    entry_count: int
    deleted_at: datetime | None
    container_id: int | None
    has_checks: bool
    is_live: bool


@dataclass(frozen=True, slots=True)
class Key:
    """A row of a page of ids, with what the page is sorted by."""

    id: int
    updated_at: datetime
    rank: int
    place: bytes


@dataclass(frozen=True, slots=True)
class Present:
    """An item that can be seen, where it belongs, and since when it is in the collection (None: it is not)."""

    id: int
    kind: str
    container_id: int | None
    added_rev: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry as it stands, as far as a change needs it; behind which item, where that was asked for (None: first)."""

    item_id: int
    added_rev: int
    order_key: bytes
    note: str | None
    score: float | None
    behind: int | None


@dataclass(frozen=True, slots=True)
class Placed:
    """Behind which collection of its owner's list one stood, and stands now (None: it is the first)."""

    former: int | None
    present: int | None


@dataclass(frozen=True, slots=True)
class Crowded:
    """The entries around a spot whose keys have grown long, in order, between two short keys (None: the list's end)."""

    low: bytes | None
    high: bytes | None
    items: list[int]


@dataclass(frozen=True, slots=True)
class FieldsAt:
    """The collection's own fields at a revision."""

    owner: str
    title: str
    name: str
    visibility: str
    description: str
    theme: str
    tags: list[str]


@dataclass(frozen=True, slots=True)
class RevisionAt:
    """When a revision was made."""

    revision: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LastChange:
    """What made the present revision, and to which revision it went back, if it was an undo."""

    verb: str
    undone_to: int | None


@dataclass(frozen=True, slots=True)
class Bitmap:
    """The kept set of a collection's items as of a revision, serialised."""

    revision: int
    items: bytes


@dataclass(frozen=True, slots=True)
class LookedOver:
    """Which of very many items can't be added, and which can be but are closed."""

    missing: list[int]
    closed: list[int]


@dataclass(frozen=True, slots=True)
class Card:
    """An artifact or release: its own facts, and where it belongs.

    Attributes:
        title: Its name; `words` are those of it in its address.
        types: The types of versions that it accepts.
        owner: The owning account: a user, team or organization or, for a release in a registry, the registry's handle.
        owner_title: What people call that account; a registry's name.
        organization: The name of the owner's organization, when the owner is a team or a registry.
        container: The name of the project that it belongs to; None in a registry.
        entry_count: How many versions it holds.
    """

    id: int
    kind: str
    public_id: str
    title: str
    words: str
    types: list[str]
    description: str
    tags: list[str]
    owner_id: int
    owner: str
    owner_kind: str
    owner_title: str
    organization_id: int | None
    organization: str | None
    container_id: int | None
    container: str | None
    visibility: str
    revision: int
    entry_count: int
    created_at: datetime
    updated_at: datetime

    @property
    def slug(self) -> str:
        """Return the address: `owner/title-words-ID`."""
        return f"{self.owner}/{self.words}-{self.public_id}"


@dataclass(frozen=True, slots=True)
class Appended:
    """The number that an item has in a collection, and whether its entry is new."""

    number: int
    new: bool


@dataclass(frozen=True, slots=True)
class AliasSet:
    """What setting an alias did: whether anything changed, what it named before, and what number it names now."""

    changed: bool
    former_item: int | None
    former_number: int | None
    number: int | None


@dataclass(frozen=True, slots=True)
class AliasRow:
    """An alias of an item in a collection."""

    collection_id: int
    alias: str
    item_id: int


@dataclass(frozen=True, slots=True)
class AliasForm:
    """What an alias named for some time: which item, since when, who set it, why; it goes on while nothing ended it."""

    alias: str
    item_id: int
    number: int
    set_by: str | None
    set_at: datetime
    reason: str | None
    ended_by: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Protection:
    """A protected alias, how many approvals it takes, and the registry that protects it."""

    alias: str
    approvals: int
    registry: str
