"""What the clients of all nouns share."""

from __future__ import annotations

from typing import TypeVar

from pinakes.api.common import Answer
from pinakes.sdk._async._http import AsyncSession
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import Call, Param
from pinakes.sdk.errors import ConnectionFailed, NotFound
from pinakes.sdk.files import Target
from pinakes.sdk.progress import OnProgress, Progress

T = TypeVar("T", bound=Answer)


class AsyncNoun:
    """The calls about one noun, on one session."""

    def __init__(self, session: AsyncSession) -> None:
        """Use a session."""
        self._session: AsyncSession = session

    def _pages(self, path: str, row: type[T], page_size: int | None = None, **params: Param) -> AsyncPages[T]:
        return AsyncPages(self._session, path, row, params, page_size)

    async def _delete(self, the_call: Call, *, missing_ok: bool = False) -> None:
        try:
            await self._session.send(the_call)
        except NotFound:
            if not missing_ok:
                raise

    async def _written(self, target: Target, the_call: Call, progress: OnProgress) -> int:
        """Write an answer to a file, from its beginning again as long as the connection breaks; return its size."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._into(target, the_call, progress)
            except ConnectionFailed as failure:
                if not target.may_begin_anew:
                    raise
                await self._session.pause(attempt, failure)

    async def _into(self, target: Target, the_call: Call, progress: OnProgress) -> int:
        with target as file:
            async with self._session.open(the_call) as response:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
                    progress(Progress("receiving", file.written, None, "bytes"))
        return target.written
