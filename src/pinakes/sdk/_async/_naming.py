"""Names that only the server can tell the meaning of: of artifacts and releases, and of versions in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from typing_extensions import override

from pinakes.api.collections import Collection
from pinakes.api.common import Answer, Page
from pinakes.api.releases import LinkedVersion, Numbered
from pinakes.sdk import naming
from pinakes.sdk._async._http import AsyncSession
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.addressing import collection_path, collection_ref
from pinakes.sdk.calls import Param, segment
from pinakes.sdk.errors import Invalid
from pinakes.sdk.naming import NumberedLike, VersionLike

T = TypeVar("T", bound=Answer)


async def id_of(session: AsyncSession, collection: NumberedLike) -> str:
    """Return the id of an artifact or release."""
    if isinstance(collection, Numbered | Collection):
        return collection.id
    names = naming.named(collection)
    return collection_ref(collection) if names is None else (await session.get(names.path, Numbered)).id


async def version_of(session: AsyncSession, version: VersionLike, within: NumberedLike | None = None) -> int:
    """Return the number of a version on the server; `within` is where a mere alias or `v3` is looked up.

    Raises:
        Invalid: The text is none of the forms.
    """
    number = naming.version_id(version)
    if number is not None:
        return number
    return (await standing(session, str(version), within)).version.id


async def standing(session: AsyncSession, text: str, within: NumberedLike | None = None) -> LinkedVersion:
    """Return the version of an address, as it stands in that artifact or release."""
    address, alias = naming.split_alias(text)
    names = naming.named(address)
    if names is not None:
        path = f"{names.path}/versions/{segment(alias)}"
    elif within is not None and ":" not in text and "/" not in text:
        path = collection_path(await id_of(session, within), "versions", text.strip())
    else:
        path = collection_path(_checked(address, text), "versions", alias)
    return await session.get(path, LinkedVersion)


def _checked(address: str, text: str) -> str:
    try:
        return collection_ref(address)
    except Invalid:
        message = (
            f"{text!r} names no version: write owner/project/artifact:v3, org/registry/release:alias, or its number."
        )
        raise Invalid(message, code="invalid", field="version") from None


class AsyncNumberedPages(AsyncPages[T], Generic[T]):
    """A list below an artifact or release, whose name is looked up when somebody reads."""

    def __init__(
        self,
        session: AsyncSession,
        collection: NumberedLike,
        part: str,
        row: type[T],
        params: Mapping[str, Param],
        page_size: int | None,
    ) -> None:
        """Describe the list."""
        super().__init__(session, "", row, params, page_size)
        self._collection: NumberedLike = collection
        self._part: str = part

    @override
    async def _page(self, cursor: str | None, limit: int | None) -> Page[T]:
        if not self._path:
            self._path = collection_path(await id_of(self._session, self._collection), self._part)
        return await super()._page(cursor, limit)


class AsyncVersionPages(AsyncPages[T], Generic[T]):
    """A list below a version, whose name is looked up when somebody reads."""

    def __init__(
        self,
        session: AsyncSession,
        version: VersionLike,
        part: str,
        row: type[T],
        params: Mapping[str, Param],
        page_size: int | None,
    ) -> None:
        """Describe the list."""
        super().__init__(session, "", row, params, page_size)
        self._version: VersionLike = version
        self._part: str = part

    @override
    async def _page(self, cursor: str | None, limit: int | None) -> Page[T]:
        if not self._path:
            self._path = f"/versions/{await version_of(self._session, self._version)}/{self._part}"
        return await super()._page(cursor, limit)


class AsyncNumberedNoun(AsyncNoun):
    """What the clients of artifacts, releases and versions share."""

    async def _id(self, collection: NumberedLike) -> str:
        return await id_of(self._session, collection)

    async def _path(self, collection: NumberedLike, *more: str) -> str:
        return collection_path(await self._id(collection), *more)

    async def _version(self, version: VersionLike, within: NumberedLike | None = None) -> int:
        return await version_of(self._session, version, within)

    async def _version_path(self, version: VersionLike, *more: str) -> str:
        return "/".join(["/versions", str(await self._version(version)), *more])

    def _in(
        self, collection: NumberedLike, part: str, row: type[T], page_size: int | None = None, **params: Param
    ) -> AsyncNumberedPages[T]:
        return AsyncNumberedPages(self._session, collection, part, row, params, page_size)

    def _of(
        self, version: VersionLike, part: str, row: type[T], page_size: int | None = None, **params: Param
    ) -> AsyncVersionPages[T]:
        return AsyncVersionPages(self._session, version, part, row, params, page_size)
