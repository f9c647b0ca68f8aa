"""What a search answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a search found.

    Attributes:
        place: Tells it from all others: hits come by falling rank, then by falling place.
        id: The number of the item, or of the registry.
        kind: The item's kind, or `registry`; `collection_kind` says which kind of collection one is.
        owner_id: Whose it is; a registry is its organization's.
        name: A registry's is the name of its account.
        public_id: A collection's 24 hex digits, None for all else.
        description: The beginning of what it says about itself.
        rank: How well it fits.
    """

    place: int
    id: int
    kind: str
    collection_kind: str | None
    owner_id: int | None
    owner: str | None
    name: str
    title: str
    visibility: str
    updated_at: datetime
    public_id: str | None
    description: str
    rank: float

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`, a bare name, a collection's slug, or a registry's account."""
        if self.kind == "registry":
            return self.name
        address = f"{self.owner}/{self.name}" if self.owner else self.name
        return f"{address}-{self.public_id}" if self.public_id else address


@dataclass(frozen=True)
class Hits(Generic[T]):
    """A page of what a search found.

    Attributes:
        cursors: One for each row: a page that is asked for with it begins behind that row.
        more: Whether there is more behind the last row.
    """

    rows: list[T]
    cursors: list[str]
    more: bool


# What the searches find is read by these numbers from the rooms that have it. `key` is what the row was sorted by.


@dataclass(frozen=True, slots=True)
class RegistryHit:
    """A registry that was found."""

    id: int
    key: object


@dataclass(frozen=True, slots=True)
class CollectionHit:
    """An artifact or a release that was found."""

    id: int
    kind: str
    key: object


@dataclass(frozen=True, slots=True)
class VersionHit:
    """A version that was found in an artifact or a release, and its number there."""

    collection_id: int
    item_id: int
    version_id: int
    number: int
    linked_at: datetime
    key: object


@dataclass(frozen=True, slots=True)
class RunHit:
    """A run that was found."""

    id: int
    key: object
