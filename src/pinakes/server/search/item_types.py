"""What the searches for items answer with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pinakes.server.catalog.media_types import Media


@dataclass(frozen=True, slots=True)
class ItemHit:
    """An item that a query found. `key` is what it was sorted by.

    Attributes:
        collection_kind: Which kind of collection one is; None for all else.
        owner: The name of the account whose it is; None for what has none.
        project_id: What it lies in, where it lies in something.
        dataset_id: Its dataset, of an item of media.
        public_id: A collection's 24 hex digits.
    """

    id: int
    kind: str
    collection_kind: str | None
    owner_id: int | None
    owner: str | None
    name: str
    title: str
    visibility: str
    project_id: int | None
    dataset_id: int | None
    public_id: str | None
    created_at: datetime
    updated_at: datetime
    key: object

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`, a bare name, or a collection's slug."""
        address = f"{self.owner}/{self.name}" if self.owner else self.name
        return f"{address}-{self.public_id}" if self.public_id else address


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to list items of media: a project, a dataset or a collection, or what of a collection is in one of those.

    Attributes:
        recursive: With a dataset: those nested below it, too.
    """

    project_id: int | None = None
    dataset_id: int | None = None
    recursive: bool = False
    collection_id: int | None = None


@dataclass(frozen=True, slots=True)
class MediaPage:
    """A page of items of media.

    Attributes:
        total: How many fit in all; None when that was not asked.
        next: The cursor of the next page; None at the end.
        scores: The scores in the collection that was listed or filtered by, of those items that have one there.
    """

    items: list[Media]
    total: int | None = None
    next: str | None = None
    scores: dict[int, float] = field(default_factory=dict[int, float])


@dataclass(frozen=True, slots=True)
class Reach:
    """A project that is searched.

    Attributes:
        item_count: How many items it has.
        dataset_count: How many the dataset has that was asked for, without those in it; None: it has no such dataset.
        worked: Whether the reader has work in it.
    """

    project_id: int
    owner_id: int
    visibility: str
    item_count: int
    dataset_count: int | None
    worked: bool


@dataclass(frozen=True, slots=True)
class DatasetPart:
    """A dataset that is searched, and how many items it has itself."""

    id: int
    item_count: int


@dataclass(frozen=True, slots=True)
class MediaRow:
    """An item of media that was found. `key` is what it was sorted by."""

    id: int
    key: object
