"""What selections, and the removal of media, are answered with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection as one reader sees it.

    Attributes:
        name: What people call it; `words` are those of it in its address.
        project_id: The project whose items it holds, of the type `data_type` (as projects spell it: `images` ...).
        search_key: The key of the search that its scores come from, where they come from one.
        is_live: Whether its entries follow a query or other collections.
    """

    id: int
    public_id: str
    project_id: int
    owner_id: int
    owner: str
    name: str
    words: str
    description: str
    data_type: str
    search_key: str | None
    tags: list[str]
    visibility: str
    revision: int
    entry_count: int
    is_live: bool
    created_at: datetime
    updated_at: datetime

    @property
    def slug(self) -> str:
        """Return the address: `owner/title-words-ID`."""
        return f"{self.owner}/{self.words}-{self.public_id}"


@dataclass(frozen=True, slots=True)
class Selections:
    """A page of selections, and how many there are in all."""

    rows: list[Selection]
    total: int


@dataclass(frozen=True, slots=True)
class Member:
    """An item in a selection: since when, and with which score. The number of the membership is the item's."""

    item_id: int
    created_at: datetime
    score: float | None

    @property
    def id(self) -> int:
        """Return the number of the membership, unique in its selection: an item is in it once at most."""
        return self.item_id


@dataclass(frozen=True, slots=True)
class Added:
    """The members that were asked for, new and former ones, and what could not be added."""

    items: list[Member]
    missing: list[int]


@dataclass(frozen=True, slots=True)
class Taken:
    """The members that were taken out, and what was none."""

    items: list[Member]
    missing: list[int]


@dataclass(frozen=True, slots=True)
class ProjectOf:
    """A project, as far as its selections need it."""

    id: int
    owner_id: int
    visibility: str
    data_type: str | None


@dataclass(frozen=True, slots=True)
class Taker:
    """The selection that has a name already."""

    id: int
    title: str
    slug: str


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal (or its reverse) did.

    Attributes:
        items: The items that were removed, in the order of their numbers.
        missing: What was asked for and is not there, or can't be seen.
        selections: How many selections lost entries.
        datasets: The datasets that items were removed from.
    """

    items: list[int]
    missing: list[int]
    selections: int
    datasets: list[int]


@dataclass(frozen=True, slots=True)
class MediaRow:
    """An item of media, as far as its removal needs it."""

    id: int
    project_id: int
    dataset_id: int
