"""Lists of any length: read a page at a time, and only as far as somebody asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Generic, TypeVar

from pinakes.api.common import Answer, Page
from pinakes.sdk._async._http import AsyncSession
from pinakes.sdk.calls import Param, call

T = TypeVar("T", bound=Answer)

# The most rows that the server gives at once.
LONGEST_PAGE = 1000


class AsyncPages(Generic[T]):
    """A list on the server. Nothing is asked for until somebody reads; reading it again asks again."""

    def __init__(
        self, session: AsyncSession, path: str, row: type[T], params: Mapping[str, Param], page_size: int | None
    ) -> None:
        """Describe the list.

        Args:
            session: Where to ask.
            path: The list's path.
            row: The type of its rows.
            params: Which rows.
            page_size: How many to ask for at once; None for a list that comes whole.
        """
        self._session: AsyncSession = session
        self._path: str = path
        self._row: type[T] = row
        self._params: Mapping[str, Param] = params
        self._page_size: int | None = page_size

    async def __aiter__(self) -> AsyncIterator[T]:
        """Read the rows, page by page."""
        async for page in self.pages():
            for row in page.rows:
                yield row

    async def pages(self, *, after: str | None = None, size: int | None = None) -> AsyncIterator[Page[T]]:
        """Read page by page; `after` is the `next` of a page read before, `size` how many rows a page has."""
        cursor = after
        while True:
            page = await self._page(cursor, None if self._page_size is None else size or self._page_size)
            yield page
            if page.next is None:
                return
            cursor = page.next

    async def all(self) -> list[T]:
        """Read everything into a list."""
        return [row async for row in self]

    async def first(self, count: int) -> list[T]:
        """Read the first rows, no page more than they need."""
        rows: list[T] = []
        if count < 1:
            return rows
        async for page in self.pages(size=min(count, self._page_size or count)):
            rows += page.rows
            if len(rows) >= count:
                break
        return rows[:count]

    async def _page(self, cursor: str | None, limit: int | None) -> Page[T]:
        params = {**self._params, "limit": limit, "cursor": cursor}
        response = await self._session.send(call("GET", self._path, params=params))
        return self._session.parse(response, Page[self._row])
