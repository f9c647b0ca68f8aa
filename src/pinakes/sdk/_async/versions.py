"""Versions of artifacts: what is said of them, where they stand, where they come from; and their files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from pinakes.api.collections import EntryItem
from pinakes.api.common import Page
from pinakes.api.queues import Proof
from pinakes.api.releases import Holder, Lineage, Origin, Standing, Version, VersionFile
from pinakes.sdk._async._naming import AsyncVersionPages
from pinakes.sdk._async.entries import AsyncEntryVerbs
from pinakes.sdk._async.version_files import AsyncVersionFiles
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import NotFound
from pinakes.sdk.naming import VersionLike
from pinakes.sdk.results import Traced

# What can be labeled; and of so many items it is asked at once who did, so that a URL stays short.
_LABELED = frozenset({"image", "video", "point_cloud", "volume"})
_AT_ONCE = 200


class AsyncVersions(AsyncVersionFiles):
    """Versions.

    One is named by its number on the server; by `OWNER/PROJECT/ARTIFACT:v3` or `ORGANIZATION/REGISTRY/RELEASE:alias`
    (without an alias, the latest); or by an object that a call answered with.
    """

    async def get(self, version: VersionLike) -> Version:
        """Read a version."""
        return await self._session.get(await self._version_path(version), Version)

    async def update(
        self,
        version: VersionLike,
        *,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        ttl_seconds: int | None = None,
    ) -> Version:
        """Change what is said of a version; what is left out stays. Every collection that holds it shows that.

        Args:
            version: Which.
            description: What it is.
            metadata: All of it, anew.
            add_tags: Words to find it by.
            remove_tags: Words to take away.
            ttl_seconds: How long it is kept; -1 as its project decides, -2 for ever.
        """
        body = given(
            description=description,
            metadata=metadata,
            add_tags=[*add_tags],
            remove_tags=[*remove_tags],
            ttl_seconds=ttl_seconds,
        )
        path = await self._version_path(version)
        return await self._session.read(call("PATCH", path, body=body, keyed=False), Version)

    async def delete(
        self,
        version: VersionLike,
        *,
        aliases: bool = False,
        missing_ok: bool = False,
        reason: str | None = None,
    ) -> None:
        """Delete a version; it leaves every release.

        Args:
            version: Which.
            aliases: Also when it has aliases (`latest` is one).
            missing_ok: That there is none is no mistake.
            reason: Why; kept in the history.

        Raises:
            Conflict: It has aliases (`has_aliases`), or a registry holds it (`held_by_registry`, `details["holders"]`).
        """
        the_call = call(
            "DELETE",
            await self._version_path(version),
            params={"aliases": aliases},
            reason=reason,
            keyed=False,
            gone_is_done=True,
        )
        await self._delete(the_call, missing_ok=missing_ok)

    def files(
        self, version: VersionLike, *, names: Sequence[str] | None = None, page_size: int = 1000
    ) -> AsyncVersionPages[VersionFile]:
        """List a version's files, by path, with addresses that serve them for an hour.

        Args:
            version: Which.
            names: Only those of these paths.
            page_size: How many to ask for at once.
        """
        return self._of(version, "files", VersionFile, page_size, name=names)

    async def lineage(
        self, version: VersionLike, *, depth: int = 3, direction: Literal["both", "up", "down"] = "both"
    ) -> Lineage:
        """Show where a version comes from (`up`) and what was made of it (`down`), as far as one may see it.

        Args:
            version: Which.
            depth: How many steps away, a run's reading or making being one; 1 to 10.
            direction: Which way to go.
        """
        path = await self._version_path(version, "lineage")
        return await self._session.get(path, Lineage, depth=depth, direction=direction)

    def provenance(self, version: VersionLike) -> AsyncVersionPages[Origin]:
        """List the collections that a version was made of, and those of the versions that it came from, nearest first.

        Whoever logs a version says so in its metadata: `{"pinakes": {"collection": ID, "revision": NUMBER}}`.
        """
        return self._of(version, "provenance", Origin)

    async def traced(self, version: VersionLike) -> AsyncIterator[Traced]:
        """Go through the items that a version was made of, with who labeled each and who accepted that.

        Those of each collection that `provenance` finds, in their order there. Of an item that was removed since, or
        that one may not see, it is not told who labeled it.
        """
        async for origin in self.provenance(version):
            entries = AsyncEntryVerbs(self._session).entries(origin.collection, revision=origin.revision)
            few: list[EntryItem] = []
            async for entry in entries:
                few.append(entry.item)
                if len(few) == _AT_ONCE:
                    for one in await self._proved(origin, few):
                        yield one
                    few = []
            for one in await self._proved(origin, few):
                yield one

    async def _proved(self, origin: Origin, items: Sequence[EntryItem]) -> list[Traced]:
        numbers = [item.id for item in items if item.kind in _LABELED]
        try:
            proofs = await self._proofs(numbers)
        except NotFound as error:  # some were removed since, or were never this reader's to see
            gone = error.details.get("item_ids", numbers)
            proofs = await self._proofs([number for number in numbers if number not in gone])
        return [Traced(origin, item, [proof for proof in proofs if proof.item == item.id]) for item in items]

    async def _proofs(self, numbers: Sequence[int]) -> Sequence[Proof]:
        asked = [str(number) for number in numbers]
        return (await self._session.get("/proofs", Page[Proof], item=asked)).rows if asked else []

    def holders(self, version: VersionLike) -> AsyncVersionPages[Holder]:
        """List the releases that hold a version, of those that one may see."""
        return self._of(version, "holders", Holder)

    def collections(self, version: VersionLike) -> AsyncVersionPages[Standing]:
        """List where a version stands: its artifact and releases, with its number and aliases in each."""
        return self._of(version, "collections", Standing)
