"""The revisions of a collection: every change has one; any can be read, compared, named and restored."""

from __future__ import annotations

from pinakes.api.collections import Collection, CollectionAt, Diff, Difference, NamedRevision, Revision
from pinakes.api.events import Event
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import LONGEST_PAGE, AsyncPages
from pinakes.sdk.addressing import CollectionLike, collection_path
from pinakes.sdk.calls import call, given


class AsyncRevisionVerbs(AsyncNoun):
    """What can be done with revisions. A revision is named by its number, or by a name that somebody gave it."""

    def revisions(self, collection: CollectionLike, *, page_size: int = 100) -> AsyncPages[Revision]:
        """List a collection's revisions, newest first."""
        return self._pages(collection_path(collection, "revisions"), Revision, page_size)

    async def at(self, collection: CollectionLike, revision: int | str) -> CollectionAt:
        """Read a collection's own fields as they were at a revision; `entries(…, revision=…)` reads what was in it."""
        return await self._session.get(collection_path(collection, "revisions", revision), CollectionAt)

    async def diff(
        self, collection: CollectionLike, older: int | str | None = None, newer: int | str | None = None
    ) -> Diff:
        """Say what differs between two revisions: all of it counted, the first 1,000 entries, and the own fields.

        Args:
            collection: Which.
            older: From this one; the one before `newer` without it.
            newer: To this one; what is now without it.
        """
        path = collection_path(collection, "diff")
        return await self._session.get(path, Diff, **{"from": older, "to": newer, "limit": LONGEST_PAGE})

    def differences(
        self, collection: CollectionLike, older: int | str | None = None, newer: int | str | None = None
    ) -> AsyncPages[Difference]:
        """List every entry that differs between two revisions, in the order of the newer one."""
        path = collection_path(collection, "diff")
        return self._pages(path, Difference, LONGEST_PAGE, **{"from": older, "to": newer})

    def names(self, collection: CollectionLike) -> AsyncPages[NamedRevision]:
        """List the names that people gave to revisions."""
        return self._pages(collection_path(collection, "names"), NamedRevision)

    async def name(
        self, collection: CollectionLike, name: str, revision: int | str | None = None, *, reason: str | None = None
    ) -> NamedRevision:
        """Give a revision a name, such as `v1`; the present one without `revision`. It stays with it until `unname`."""
        body = given(revision=revision)
        path = collection_path(collection, "names", name)
        return await self._session.read(call("PUT", path, body=body, reason=reason), NamedRevision)

    async def unname(
        self, collection: CollectionLike, name: str, *, missing_ok: bool = False, reason: str | None = None
    ) -> None:
        """Take a name away; the revision stays."""
        path = collection_path(collection, "names", name)
        await self._delete(call("DELETE", path, reason=reason), missing_ok=missing_ok)

    async def restore_revision(
        self, collection: CollectionLike, revision: int | str, *, expected: int | None = None, reason: str | None = None
    ) -> Collection:
        """Make a collection what it was at a revision: its own fields and its entries. This is a new revision.

        Args:
            collection: Which.
            revision: What it shall be again.
            expected: The revision that it must still have.
            reason: Why; kept in the history.
        """
        path = collection_path(collection, "revisions", revision, "restore")
        body = given(reason=reason)
        return await self._session.read(call("POST", path, body=body, expected=expected, patient=True), Collection)

    async def undo(
        self, collection: CollectionLike, *, expected: int | None = None, reason: str | None = None
    ) -> Collection:
        """Take back a collection's last change.

        Args:
            collection: Which.
            expected: The revision that it must still have.
            reason: Why; kept in the history.
        """
        path = collection_path(collection, "undo")
        body = given(reason=reason)
        return await self._session.read(call("POST", path, body=body, expected=expected, patient=True), Collection)

    def history(self, collection: CollectionLike, *, page_size: int = 100) -> AsyncPages[Event]:
        """Read what happened to a collection, newest first: who, when, through which API, before and after."""
        return self._pages(collection_path(collection, "history"), Event, page_size)
