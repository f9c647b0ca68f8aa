"""Releases and artifacts: collections whose entries are versions, with numbers, aliases and a memory of both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pinakes.api.releases import (
    AliasChanged,
    AliasForm,
    Link,
    LinkedVersion,
    LinkRecord,
    Numbered,
    Promotion,
    PromotionState,
)
from pinakes.sdk._async._naming import AsyncNumberedNoun, AsyncNumberedPages, standing
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import Invalid, NotFound
from pinakes.sdk.naming import LATEST, NumberedLike, PromotionLike, VersionLike, named, promotion_id, registry_path

_GONE = "not_found"


class AsyncReleases(AsyncNumberedNoun):
    """Releases, and artifacts in the same way.

    A release is named as `ORGANIZATION/REGISTRY/RELEASE`, an artifact as `OWNER/PROJECT/ARTIFACT`; or by its id, its
    slug, or an object. A version is named by its number on the server, by such a name with `:alias` or `:v3`, by an
    object, or, where the release is given, by `alias` or `v3` alone. What all collections have (tags, history,
    revisions) is done by `client.collections`, with the id or the object.
    """

    async def get(self, collection: NumberedLike) -> Numbered:
        """Read a release or an artifact."""
        names = named(collection) if isinstance(collection, str) else None
        path = await self._path(collection, "numbered") if names is None else names.path
        return await self._session.get(path, Numbered)

    def versions(
        self,
        collection: NumberedLike,
        *,
        oldest_first: bool = False,
        tombstones: bool = False,
        page_size: int = 100,
    ) -> AsyncNumberedPages[LinkedVersion]:
        """List the versions in a release or artifact, the highest number first.

        Args:
            collection: Which.
            oldest_first: From v0 on instead.
            tombstones: Also those that were deleted since.
            page_size: How many to ask for at once.
        """
        sort = "+number" if oldest_first else "-number"
        return self._in(collection, "versions", LinkedVersion, page_size, sort=sort, tombstones=tombstones or None)

    async def version(self, version: str, *, within: NumberedLike | None = None) -> LinkedVersion:
        """Read the version that a name means, as it stands there: with its number and aliases.

        Args:
            version: `acme/Models/MNIST:production`, or `production` with `within`; without an alias, the latest.
            within: The release or artifact that a mere alias or number is of.
        """
        return await standing(self._session, version, within)

    async def link(
        self,
        collection: NumberedLike,
        version: VersionLike,
        *,
        aliases: Sequence[str] = (),
        reason: str | None = None,
    ) -> Link:
        """Link a version into a release. Again, it keeps its number, and the aliases are added.

        A release that is named by `ORGANIZATION/REGISTRY/RELEASE` is made when it is not there.

        Args:
            collection: Where to.
            version: What to link.
            aliases: What it shall be called there; each alias names one version of a release.
            reason: Why; kept in the history.
        """
        body = {"version": await self._version(version), "aliases": [*aliases], **given(reason=reason)}
        names = named(collection) if isinstance(collection, str) else None
        if names is not None:
            path = registry_path(f"{names.owner}/{names.place}", "links")
            try:
                return await self._session.read(call("POST", path, body={**body, "collection": names.name}), Link)
            except NotFound as error:
                if error.code not in {"registry_not_found", "account_not_found"}:
                    raise
        return await self._session.read(call("POST", await self._path(collection, "versions"), body=body), Link)

    async def unlink(self, collection: NumberedLike, version: VersionLike, *, reason: str | None = None) -> int:
        """Take a version out of a release, with its aliases there; return the release's revision."""
        body = {"version": await self._version(version, collection), **given(reason=reason)}
        path = await self._path(collection, "unlink")
        return (await self._session.read(call("POST", path, body=body), AliasChanged)).revision

    async def add_types(self, collection: NumberedLike, types: Sequence[str], *, reason: str | None = None) -> Numbered:
        """Let a release accept more types; it never accepts fewer."""
        body = {"types": [*types], **given(reason=reason)}
        path = await self._path(collection, "types")
        return await self._session.read(call("POST", path, body=body, keyed=False), Numbered)

    # --- Aliases, and what they were

    async def set_alias(
        self, collection: NumberedLike, alias: str, version: VersionLike = LATEST, *, reason: str | None = None
    ) -> int:
        """Let an alias name a version, and no other any more; return the collection's revision.

        Args:
            collection: Where.
            alias: Such as `production`; not a number like `v3`.
            version: Which: `v3`, another alias, a number of the server, an object; the latest without it.
            reason: Why; kept for ever.

        Raises:
            Forbidden: The alias is protected (`alias_protected`), or takes approvals (`approval_needed`).
        """
        body = {"version": await self._version(version, collection), **given(reason=reason)}
        path = await self._path(collection, "aliases", alias)
        return (await self._session.read(call("PUT", path, body=body), AliasChanged)).revision

    async def remove_alias(self, collection: NumberedLike, alias: str, *, reason: str | None = None) -> int:
        """Take an alias away; one that is not there is no error. Return the collection's revision."""
        path = await self._path(collection, "aliases", alias)
        return (await self._session.read(call("DELETE", path, reason=reason, keyed=False), AliasChanged)).revision

    async def alias_at(self, collection: NumberedLike, alias: str, moment: datetime | None = None) -> AliasForm | None:
        """Tell what an alias named at a moment, who set it, when and why; None where it named nothing then.

        Args:
            collection: Where.
            alias: Which.
            moment: When; now without it. A time without a zone is this machine's.
        """
        path = await self._path(collection, "aliases", alias)
        at = None if moment is None else moment.astimezone().isoformat()
        try:
            return await self._session.get(path, AliasForm, at=at)
        except NotFound as error:
            if error.code != _GONE:
                raise
            return None

    def alias_log(
        self, collection: NumberedLike, *, alias: str | None = None, page_size: int = 100
    ) -> AsyncNumberedPages[AliasForm]:
        """List what aliases named and name, the last set first: who, when, why, and how it ended."""
        return self._in(collection, "alias-log", AliasForm, page_size, alias=alias)

    def link_log(
        self, collection: NumberedLike, *, version: int | None = None, page_size: int = 100
    ) -> AsyncNumberedPages[LinkRecord]:
        """List the links of a release, present and past, the last made first; of one version, by its number."""
        return self._in(collection, "link-log", LinkRecord, page_size, version=version)

    # --- Promotions

    async def request_promotion(
        self, collection: NumberedLike, alias: str, version: VersionLike = LATEST, *, reason: str | None = None
    ) -> Promotion:
        """Ask for a protected alias to be set; asking again for the same answers the open request.

        Args:
            collection: Where.
            alias: The protected alias.
            version: What it shall name; the latest without it.
            reason: Why; those who decide read it.
        """
        body = {"alias": alias, "version": await self._version(version, collection), **given(reason=reason)}
        return await self._session.read(call("POST", await self._path(collection, "promotions"), body=body), Promotion)

    def promotions(
        self,
        collection: NumberedLike | None = None,
        *,
        state: PromotionState | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Promotion]:
        """List promotions, newest first.

        Args:
            collection: Only those of this release: its id or an object.
            state: Only those that are `open`, `applied`, `rejected` or `withdrawn`.
            page_size: How many to ask for at once.

        Raises:
            Invalid: The release is named by names; `get` it first.
        """
        if isinstance(collection, str) and named(collection) is not None:
            message = f"Give {collection!r} by its id or as an object: releases.get({collection!r})."
            raise Invalid(message, code="invalid", field="collection")
        which = collection if isinstance(collection, str | None) else collection.id
        return self._pages("/promotions", Promotion, page_size, collection=which, state=state)

    async def promotion(self, promotion: PromotionLike) -> Promotion:
        """Read a promotion, with who said what."""
        return await self._session.get(f"/promotions/{promotion_id(promotion)}", Promotion)

    async def vote(self, promotion: PromotionLike, *, approve: bool, comment: str | None = None) -> Promotion:
        """Approve or reject a promotion: the last approval that it takes sets the alias, one rejection ends it."""
        body = {"approve": approve, **given(comment=comment)}
        path = f"/promotions/{promotion_id(promotion)}/votes"
        return await self._session.read(call("POST", path, body=body), Promotion)

    async def approve(self, promotion: PromotionLike, *, comment: str | None = None) -> Promotion:
        """Approve a promotion; the last approval that it takes sets the alias at once."""
        return await self.vote(promotion, approve=True, comment=comment)

    async def reject(self, promotion: PromotionLike, *, comment: str | None = None) -> Promotion:
        """Reject a promotion, which ends it."""
        return await self.vote(promotion, approve=False, comment=comment)

    async def withdraw(self, promotion: PromotionLike) -> Promotion:
        """Take back one's own request."""
        path = f"/promotions/{promotion_id(promotion)}/withdraw"
        return await self._session.read(call("POST", path), Promotion)
