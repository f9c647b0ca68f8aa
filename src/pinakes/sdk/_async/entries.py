"""The entries of a collection: what is in it, in which order, with which notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from pinakes.api.collections import Batch, Entry, LeanEntry
from pinakes.api.common import Page
from pinakes.sdk import frames
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.addressing import (
    CollectionLike,
    EntryLike,
    ItemLike,
    NewEntryLike,
    collection_path,
    entry_ref,
    item_queries,
    new_entry,
)
from pinakes.sdk.calls import Call, call, given
from pinakes.sdk.errors import Conflict, NotFound, UnexpectedAnswer

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

E = TypeVar("E", bound=Entry | LeanEntry)


class AsyncEntryPages(AsyncPages[E], Generic[E]):
    """The entries of a collection, page by page; or at once as a table."""

    async def to_arrow(self) -> pa.Table:  # pyright: ignore[reportUnknownParameterType] - it has no types
        """Read everything into an Arrow table, a row for each entry.

        Raises:
            MissingPart: pyarrow is not installed.
        """
        frames.need("pyarrow")
        return frames.arrow([row async for row in self])

    async def to_pandas(self) -> pd.DataFrame:
        """Read everything into a pandas DataFrame, a row for each entry.

        Raises:
            MissingPart: pandas is not installed.
        """
        frames.need("pandas")
        return frames.pandas([row async for row in self])


class AsyncEntryVerbs(AsyncNoun):
    """What can be done with entries. An entry is named by its id, or by the object that a call answered with."""

    @overload
    def entries(
        self, collection: CollectionLike, *, revision: int | str | None = None, page_size: int = 500
    ) -> AsyncEntryPages[Entry]: ...
    @overload
    def entries(
        self,
        collection: CollectionLike,
        *,
        revision: int | str | None = None,
        page_size: int = 500,
        lean: Literal[True],
    ) -> AsyncEntryPages[LeanEntry]: ...
    def entries(
        self,
        collection: CollectionLike,
        *,
        revision: int | str | None = None,
        page_size: int = 500,
        lean: bool = False,
    ) -> AsyncEntryPages[Any]:
        """Read a collection's entries in their order.

        Args:
            collection: Which.
            revision: As they were at this revision (a number or a name).
            page_size: How many to ask for at once, at most 1,000.
            lean: Only ids, notes and scores: faster for long collections.
        """
        return AsyncEntryPages(
            self._session,
            collection_path(collection, "entries"),
            LeanEntry if lean else Entry,
            {"revision": revision, "fields": "lean" if lean else None},
            page_size,
        )

    async def entry(self, collection: CollectionLike, entry: EntryLike) -> Entry:
        """Read one entry."""
        return await self._session.get(collection_path(collection, "entries", entry_ref(entry)), Entry)

    async def find(self, collection: CollectionLike, what: ItemLike) -> Entry:
        """Find an item's entry.

        Args:
            collection: Where.
            what: The item: `kind:address` (a former one, too), a URL, a number, or an object with kind and address.

        Raises:
            NotFound: It is not in this collection.
        """
        path = collection_path(collection, "entries")
        page = await self._session.get(path, Page[Entry], item=item_queries(what))
        if not page.rows:
            message = "The item is not in this collection."
            raise NotFound(message, code="entry_not_found", field="item")
        return page.rows[0]

    async def add_one(
        self,
        collection: CollectionLike,
        what: NewEntryLike,
        *,
        note: str | None = None,
        score: float | None = None,
        position: int | None = None,
        before: EntryLike | None = None,
        after: EntryLike | None = None,
        exists_ok: bool = False,
        expected: int | None = None,
        reason: str | None = None,
    ) -> Entry:
        """Add one item and return its entry; whatever is in the way is an exception.

        Args:
            collection: Where to.
            what: The item: `kind:address`, a URL, a number, or an object with kind and address.
            note: At most 500 characters.
            score: A number to go by.
            position: The index, from 0, that it shall have; at the end without it.
            before: The entry that it shall stand right before.
            after: The entry that it shall stand right after.
            exists_ok: Answer with its entry, as it is, when the item is there already.
            expected: The revision that the collection must still have.
            reason: Why; kept in the history.
        """
        body = {
            "items": [new_entry(what) | given(note=note, score=score)],
            "atomic": True,
            **_place(position, before, after),
            **given(reason=reason),
        }
        try:
            batch = await self._batch(
                call("POST", collection_path(collection, "entries"), body=body, expected=expected)
            )
        except Conflict as error:
            entry = error.batch.results[0].entry if error.batch is not None else None
            if not (exists_ok and error.code == "already_in_collection" and entry is not None):
                raise
            return await self.entry(collection, entry)
        entry = batch.results[0].entry
        if entry is None:
            message = "The server added the item but did not say as which entry."
            raise UnexpectedAnswer(message, code="unexpected_answer")
        return await self.entry(collection, entry)

    async def update_entry(
        self,
        collection: CollectionLike,
        entry: EntryLike,
        *,
        note: str | None = None,
        score: float | None = None,
        position: int | None = None,
        expected: int | None = None,
        reason: str | None = None,
    ) -> Entry:
        """Change one entry; what is left out stays.

        Args:
            collection: Where.
            entry: Which.
            note: Its note; an empty one removes it.
            score: Its score.
            position: The index, from 0, that it shall have.
            expected: The revision that the collection must still have.
            reason: Why; kept in the history.
        """
        body = given(note=note, score=score, position=position, reason=reason)
        path = collection_path(collection, "entries", entry_ref(entry))
        return await self._session.read(call("PATCH", path, body=body, expected=expected), Entry)

    async def update_entries(
        self,
        collection: CollectionLike,
        changes: Iterable[Mapping[str, Any]],
        *,
        atomic: bool = False,
        expected: int | None = None,
        reason: str | None = None,
    ) -> Batch:
        """Change many entries as one change of the collection.

        Args:
            collection: Where.
            changes: For each, `entry` (an id or an entry), and any of `note`, `score`, `position`; at most 10,000.
            atomic: All of them, or none.
            expected: The revision that the collection must still have.
            reason: Why; kept in the history.
        """
        entries = [{**change, "entry": entry_ref(change["entry"])} for change in changes]
        body = {"entries": entries, "atomic": atomic, **given(reason=reason)}
        return await self._batch(call("PATCH", collection_path(collection, "entries"), body=body, expected=expected))

    async def remove(
        self,
        collection: CollectionLike,
        entries: EntryLike | Iterable[EntryLike],
        *,
        atomic: bool = False,
        expected: int | None = None,
        reason: str | None = None,
    ) -> Batch:
        """Take entries out of a collection; the items themselves stay where they are.

        Args:
            collection: Where from.
            entries: Which, at most 10,000.
            atomic: All of them, or none.
            expected: The revision that the collection must still have.
            reason: Why; kept in the history.
        """
        body = {"entries": _ids(entries), "atomic": atomic, **given(reason=reason)}
        path = collection_path(collection, "entries", "remove")
        return await self._batch(call("POST", path, body=body, expected=expected))

    async def move(
        self,
        collection: CollectionLike,
        entries: EntryLike | Iterable[EntryLike],
        *,
        position: int | None = None,
        before: EntryLike | None = None,
        after: EntryLike | None = None,
        expected: int | None = None,
        reason: str | None = None,
    ) -> Batch:
        """Move entries together, in the given order, to one place; to the end when none is named.

        Args:
            collection: Where.
            entries: Which, at most 10,000.
            position: The index, from 0, that the first of them shall have.
            before: The entry that they shall stand right before.
            after: The entry that they shall stand right after.
            expected: The revision that the collection must still have.
            reason: Why; kept in the history.
        """
        body = {"entries": _ids(entries), **_place(position, before, after), **given(reason=reason)}
        path = collection_path(collection, "entries", "move")
        return await self._batch(call("POST", path, body=body, expected=expected))

    async def _batch(self, the_call: Call) -> Batch:
        return await self._session.read(the_call, Batch)


def _ids(entries: EntryLike | Iterable[EntryLike]) -> list[str]:
    several = [entries] if isinstance(entries, str | Entry | LeanEntry) else entries
    return [entry_ref(entry) for entry in several]


def _place(position: int | None, before: EntryLike | None, after: EntryLike | None) -> dict[str, Any]:
    return given(
        position=position,
        before=None if before is None else entry_ref(before),
        after=None if after is None else entry_ref(after),
    )
