"""Collections: their own fields, their life, and (from the modules beside this one) their entries and revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pinakes.api.collections import (
    Collection,
    CollectionSort,
    SetSizes,
    Theme,
)
from pinakes.api.common import Visibility
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async.entries import AsyncEntryVerbs
from pinakes.sdk._async.live import AsyncLiveVerbs
from pinakes.sdk._async.revisions import AsyncRevisionVerbs
from pinakes.sdk._async.transfers import AsyncTransferVerbs
from pinakes.sdk.addressing import (
    CollectionLike,
    ItemLike,
    NewEntryLike,
    collection_path,
    collection_ref,
    item_queries,
    new_entry,
)
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import Conflict


class AsyncCollections(AsyncEntryVerbs, AsyncRevisionVerbs, AsyncTransferVerbs, AsyncLiveVerbs):
    """Collections.

    A collection is named by its id, its slug, its URL, or the object that an earlier call answered with. Where a verb
    takes `expected`, the change is made only if the collection still has that revision; otherwise it is
    `PreconditionFailed`.
    """

    def list(
        self,
        *,
        owner: str | Sequence[str] | None = None,
        item: ItemLike | Sequence[ItemLike] | None = None,
        tag: str | Sequence[str] | None = None,
        text: str | None = None,
        sort: CollectionSort | None = None,
        trashed: bool = False,
        entries: int | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Collection]:
        """List collections.

        Args:
            owner: Of one of these accounts.
            item: That hold one of these items.
            tag: With each of these tags.
            text: With these words in title or description.
            sort: `lastModified` (the default), `trending`, `upvotes`, or `position` in their owner's list.
            trashed: Those in the trash instead.
            entries: How many of each one's first entries to bring along.
            page_size: How many to ask for at once.
        """
        return self._pages(
            "/collections",
            Collection,
            page_size,
            owner=owner,
            item=item_queries(item),
            tag=tag,
            q=text,
            sort=sort,
            trashed=trashed or None,
            entries=entries,
        )

    async def create(
        self,
        title: str,
        *,
        owner: str | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
        theme: Theme | None = None,
        tags: Sequence[str] | None = None,
        items: Iterable[NewEntryLike] = (),
        reason: str | None = None,
        exists_ok: bool = False,
    ) -> Collection:
        """Create a collection.

        Args:
            title: Its title; an owner has each title once.
            owner: A user, organization or team; you without it.
            description: At most 150 characters.
            visibility: `public` (the default) or `private`.
            theme: Its colour.
            tags: Words to find it by.
            items: Its first entries, at most 10,000: all of them, or there is no collection.
            reason: Why; kept in the history.
            exists_ok: Answer with the owner's collection of that title if there is one, as it is.
        """
        fields = given(owner=owner, description=description, visibility=visibility, theme=theme, reason=reason)
        body = {"title": title, **fields}
        if tags is not None:
            body["tags"] = [*tags]
        first = [new_entry(one) for one in items]
        if first:
            body["items"] = first
        try:
            return await self._session.read(call("POST", "/collections", body=body), Collection)
        except Conflict as error:
            slug = error.details.get("slug")
            if not (exists_ok and error.code == "title_taken" and isinstance(slug, str)):
                raise
            return await self.get(slug)

    async def get(self, collection: CollectionLike, *, entries: int | None = None) -> Collection:
        """Read a collection.

        Args:
            collection: Which.
            entries: How many of its first entries to bring along.
        """
        return await self._session.get(collection_path(collection), Collection, entries=entries)

    async def update(
        self,
        collection: CollectionLike,
        *,
        title: str | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
        theme: Theme | None = None,
        tags: Sequence[str] | None = None,
        position: int | None = None,
        expected: int | None = None,
        reason: str | None = None,
    ) -> Collection:
        """Change a collection's own fields; what is left out stays.

        Args:
            collection: Which.
            title: Its title; its slug follows, and the former slug still finds it.
            description: At most 150 characters.
            visibility: `public` or `private`.
            theme: Its colour.
            tags: All of its tags, anew.
            position: Its place, from 0, among its owner's collections.
            expected: The revision that it must still have.
            reason: Why; kept in the history.
        """
        fields = given(
            title=title, description=description, visibility=visibility, theme=theme, position=position, reason=reason
        )
        body = fields if tags is None else {**fields, "tags": [*tags]}
        return await self._session.read(
            call("PATCH", collection_path(collection), body=body, expected=expected), Collection
        )

    async def delete(
        self,
        collection: CollectionLike,
        *,
        missing_ok: bool = False,
        expected: int | None = None,
        reason: str | None = None,
    ) -> None:
        """Put a collection into the trash, from where `restore` brings it back until it is purged.

        Args:
            collection: Which.
            missing_ok: That there is none is no mistake.
            expected: The revision that it must still have.
            reason: Why; kept in the history.
        """
        await self._delete(
            call("DELETE", collection_path(collection), expected=expected, reason=reason, gone_is_done=True),
            missing_ok=missing_ok,
        )

    async def restore(self, collection: CollectionLike) -> Collection:
        """Bring a collection back from the trash, with its order, notes and address."""
        return await self._session.read(call("POST", collection_path(collection, "restore")), Collection)

    async def purge(self, collection: CollectionLike) -> None:
        """Remove a collection for good: its entries, its revisions, its names."""
        await self._session.send(call("POST", collection_path(collection, "purge")))

    async def copy(
        self,
        collection: CollectionLike,
        *,
        owner: str | None = None,
        title: str | None = None,
        visibility: Visibility | None = None,
        revision: int | str | None = None,
    ) -> Collection:
        """Copy a collection with its entries.

        Args:
            collection: Which.
            owner: Whose the copy is; yours without it.
            title: The copy's title.
            visibility: The copy's visibility.
            revision: Of what was at this revision (a number or a name); of what is now without it.
        """
        body = given(owner=owner, title=title, visibility=visibility, revision=revision)
        return await self._session.read(
            call("POST", collection_path(collection, "copy"), body=body, patient=True), Collection
        )

    async def transfer(self, collection: CollectionLike, owner: str, *, reason: str | None = None) -> Collection:
        """Give a collection to another owner; its former slug still finds it."""
        body = given(owner=owner, reason=reason)
        return await self._session.read(call("POST", collection_path(collection, "transfer"), body=body), Collection)

    async def vote(self, collection: CollectionLike, on: bool = True) -> Collection:  # noqa: FBT001, FBT002 - vote(c, False) reads well
        """Upvote a collection, or take the vote back."""
        return await self._session.read(
            call("PUT" if on else "DELETE", collection_path(collection, "vote")), Collection
        )

    async def compare(self, left: CollectionLike, right: CollectionLike) -> SetSizes:
        """Count the items that two collections have, together and apart."""
        return await self._session.get(collection_path(left, "compare", collection_ref(right)), SetSizes)
