"""Pages of lists as this API has them: edges with cursors, and what comes after them.

The cursor of a page's last edge is where the next page begins. At the end of a list, where the rooms have no next page,
it is a mark of ours that stands for "nothing more"; the client wants one wherever there was an edge.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from pinakes.server.errors import Invalid
from pinakes.server.paging import Page

T = TypeVar("T")
E = TypeVar("E")

# How many rows a page has when nobody says, and at most (the client asks for 5,000 files at once).
USUAL = 50
LONGEST = 5000
END = "end"

Count = Callable[[], Awaitable[int]]


@strawberry.type
class PageInfo:
    """Where a page ends, and whether there is another."""

    end_cursor: str | None
    has_next_page: bool
    has_previous_page: bool | None = False
    start_cursor: str | None = None


@strawberry.type
class Counted:
    """A page of a list whose length may be asked for."""

    count: strawberry.Private[Count]

    @strawberry.field
    async def total_count(self) -> int:
        """How long the whole list is."""
        return await self.count()


def size(first: int | None) -> int:
    """Return how many rows a page shall have.

    Raises:
        Invalid: (field `first`) that is no number of rows.
    """
    if first is None:
        return USUAL
    if first < 1:
        message = "first must be 1 or more."
        raise Invalid(message, field="first")
    return min(first, LONGEST)


def ended(after: str | None) -> bool:
    """Tell whether a reader was at the end already: there is nothing after it, and no need to ask."""
    return after == END


def cursor(after: str | None) -> str | None:
    """Return where a page begins, for a verb of a room; the client sends "" for the first page too."""
    return after or None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a list: which rows (JSON), in which order, and which page of them."""

    filters: str | None = None
    order: str | None = None
    after: str | None = None
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """Rows of a page, where the list goes on after each (as far as that is known), and whether there are more."""

    rows: Sequence[T]
    cursors: Sequence[str | None]
    more: bool


def listed(page: Page[T]) -> Listed[T]:
    """Return a page of a room's: the cursor of its last row is where the next page begins."""
    cursors: list[str | None] = [None] * len(page.rows)
    if cursors:
        cursors[-1] = page.next or END
    return Listed(page.rows, cursors, page.next is not None)


def whole(rows: Sequence[T]) -> Listed[T]:
    """Return a short list that was read whole as its only page."""
    return listed(Page(list(rows)))


def found(rows: Sequence[T | None], cursors: Sequence[str], *, more: bool) -> Listed[T]:
    """Return what a search found: the rows of its hits, without those that went away between it and reading them."""
    kept = [(row, cursor) for row, cursor in zip(rows, cursors, strict=True) if row is not None]
    return Listed([row for row, _ in kept], [cursor for _, cursor in kept], more)


def nothing() -> Listed[Any]:
    """Return the page after the last one."""
    return Listed((), (), more=False)


def info(page: Listed[T]) -> PageInfo:
    """Say where a page ends."""
    return PageInfo(end_cursor=page.cursors[-1] if page.cursors else None, has_next_page=page.more)


def edges(page: Listed[T], edge: Callable[[T, str | None], E]) -> list[E]:
    """Make the edges of a page: `edge` is given a row and its cursor."""
    return [edge(row, cursor) for row, cursor in zip(page.rows, page.cursors, strict=True)]


def known(count: int) -> Count:
    """Return a count that needs no asking."""

    async def counted() -> int:
        return count

    return counted
