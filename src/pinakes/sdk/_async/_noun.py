"""What the clients of all nouns share."""

from __future__ import annotations

from typing import TypeVar

from pinakes.api.common import Answer
from pinakes.sdk._async._http import AsyncSession
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import Call, Param
from pinakes.sdk.errors import NotFound

T = TypeVar("T", bound=Answer)


class AsyncNoun:
    """The calls about one noun, on one session."""

    def __init__(self, session: AsyncSession) -> None:
        """Use a session."""
        self._session: AsyncSession = session

    def _pages(self, path: str, row: type[T], page_size: int = 100, **params: Param) -> AsyncPages[T]:
        return AsyncPages(self._session, path, row, params, page_size)

    async def _delete(self, the_call: Call, *, missing_ok: bool = False) -> None:
        try:
            await self._session.send(the_call)
        except NotFound:
            if not missing_ok:
                raise
