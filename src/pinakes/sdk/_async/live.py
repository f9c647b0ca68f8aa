"""What keeps collections as they should be by themselves: live collections, set operations, checks; and selections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from pinakes.api.collections import Collection, Selection
from pinakes.api.common import Page, Visibility
from pinakes.api.live import Check, CheckResult, Combined, CombinedSizes, Live, Operation
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async._places import AsyncPlacedNoun
from pinakes.sdk.addressing import CollectionLike, ItemLike, collection_path, collection_ref, item_ref
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import Conflict, UnexpectedAnswer
from pinakes.sdk.naming import ProjectLike

# In the class below, `list` is a verb.
CheckList: TypeAlias = list[Check]
ResultList: TypeAlias = list[CheckResult]


class AsyncLiveVerbs(AsyncPlacedNoun):
    """Selections, live collections, set operations and checks."""

    # --- Selections

    def selections(
        self,
        project: ProjectLike,
        *,
        text: str | None = None,
        searches: bool | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Selection]:
        """List the selections of a project of media.

        Args:
            project: Which.
            text: With these words in the name.
            searches: Only those whose scores come from a search (True), or only the others (False).
            page_size: How many to ask for at once.
        """
        return self._placed("/selections", Selection, page_size, within=project, q=text, searches=searches)

    async def create_selection(
        self,
        project: ProjectLike,
        title: str,
        *,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        search_key: str | None = None,
        items: Iterable[int] = (),
        exists_ok: bool = False,
        reason: str | None = None,
    ) -> Collection:
        """Make a selection: a collection of media of one project. More items are added as to any collection.

        Args:
            project: Whose items it holds.
            title: Its title, unlike that of any other in the project.
            description: What it holds.
            tags: Words to find it by.
            search_key: The search that its scores come from, where they do.
            items: The numbers of its first items: all of them, or it is not made.
            exists_ok: Answer with the one of that title if there is one, as it is.
            reason: Why; kept in the history.
        """
        body = given(
            kind="selection",
            project=await self._project(project),
            title=title,
            description=description,
            tags=None if tags is None else [*tags],
            search_key=search_key,
            reason=reason,
        )
        body["items"] = [{"item": item} for item in items]
        try:
            return await self._session.read(call("POST", "/collections", body=body, patient=True), Collection)
        except Conflict as error:
            slug = error.details.get("slug")
            if not (exists_ok and error.code == "title_taken" and slug):
                raise
            return await self._session.get(collection_path(str(slug)), Collection)

    # --- Live collections

    async def live(self, collection: CollectionLike) -> Live:
        """Read how a collection is kept up to date, with what is pinned and banned.

        Raises:
            NotFound: It is an ordinary one.
        """
        return await self._session.get(collection_path(collection, "live"), Live)

    async def make_live(
        self,
        collection: CollectionLike,
        query: str,
        *,
        sort: str | None = None,
        expected: int | None = None,
        reason: str | None = None,
    ) -> Live:
        """Make a collection live, or change its query. What an ordinary one holds is pinned.

        Args:
            collection: Which.
            query: What it shall hold: `kind:model owner:acme created>2026-01-01`; see the guide to live collections.
            sort: What the results are sorted by; with `-` before it, falling.
            expected: The revision that it must still have.
            reason: Why; kept in the history.
        """
        body = given(query=query, sort=sort, reason=reason)
        path = collection_path(collection, "live")
        return await self._session.read(call("PUT", path, body=body, expected=expected), Live)

    async def end_live(self, collection: CollectionLike) -> None:
        """Keep a collection as it is from now on."""
        await self._session.send(call("DELETE", collection_path(collection, "live"), gone_is_done=True))

    async def refresh(self, collection: CollectionLike) -> Live:
        """Bring a live collection up to date now; reading it does so as well, when it is older than a second."""
        return await self._session.read(call("POST", collection_path(collection, "live", "refresh")), Live)

    async def pin(
        self,
        collection: CollectionLike,
        items: ItemLike | Sequence[ItemLike],
        *,
        note: str | None = None,
        reason: str | None = None,
    ) -> Live:
        """Pin items above what the query finds, in this order, behind those that are pinned: all of them, or none."""
        pinned = [{"item": item_ref(item), **given(note=note)} for item in _several(items)]
        return await self._except(collection, "pins", pinned, reason)

    async def unpin(self, collection: CollectionLike, items: Sequence[int], *, reason: str | None = None) -> Live:
        """Pin items no more, by their numbers; those that the query finds stay, at its place for them."""
        return await self._except(collection, "pins/remove", items, reason)

    async def ban(
        self, collection: CollectionLike, items: ItemLike | Sequence[ItemLike], *, reason: str | None = None
    ) -> Live:
        """Leave items out, whatever the query finds: all of them, or none is banned."""
        return await self._except(collection, "bans", [item_ref(item) for item in _several(items)], reason)

    async def unban(self, collection: CollectionLike, items: Sequence[int], *, reason: str | None = None) -> Live:
        """Ban items no more, by their numbers."""
        return await self._except(collection, "bans/remove", items, reason)

    async def freeze(
        self,
        collection: CollectionLike,
        title: str | None = None,
        *,
        owner: str | None = None,
        visibility: Visibility | None = None,
    ) -> Collection:
        """Make an ordinary collection of what a live one holds now."""
        body = given(title=title, owner=owner, visibility=visibility)
        path = collection_path(collection, "live", "freeze")
        return await self._session.read(call("POST", path, body=body, patient=True), Collection)

    async def _except(self, collection: CollectionLike, verb: str, items: Sequence[object], reason: str | None) -> Live:
        body = {"items": [*items], **given(reason=reason)}
        path = f"{collection_path(collection, 'live')}/{verb}"
        return await self._session.read(call("POST", path, body=body), Live)

    # --- Set operations

    async def sizes(self, *collections: CollectionLike) -> CombinedSizes:
        """Count the items of collections, each for itself, united, in common, and of the first without the others."""
        found = await self._combine("union", collections, into="numbers")
        if found.sizes is None:
            message = "The server was asked for numbers and sent none."
            raise UnexpectedAnswer(message, code="unexpected_answer")
        return found.sizes

    async def combine(
        self,
        op: Operation,
        collections: Sequence[CollectionLike],
        title: str,
        *,
        live: bool = False,
        owner: str | None = None,
        project: int | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
        reason: str | None = None,
    ) -> Collection:
        """Make a collection of what others hold together: `union`, `intersection`, or `difference`.

        Args:
            op: What of them; `difference`: the first without all others.
            collections: Two to twenty.
            title: What the new one is called.
            live: Let it follow the others from now on.
            owner: Whose it is; yours without it, but a selection is its project's owner's.
            project: The project of a selection; that of the operands without it.
            description: What it holds.
            visibility: `public` or `private`.
            reason: Why; kept in the history.
        """
        found = await self._combine(
            op,
            collections,
            into="live" if live else "collection",
            title=title,
            owner=owner,
            project=project,
            description=description,
            visibility=visibility,
            reason=reason,
        )
        if found.collection is None:
            message = "The server was asked for a collection and sent none."
            raise UnexpectedAnswer(message, code="unexpected_answer")
        return found.collection

    async def _combine(self, op: Operation, collections: Sequence[CollectionLike], **more: object) -> Combined:
        body = {"op": op, "collections": [collection_ref(one) for one in collections], **given(**more)}
        return await self._session.read(call("POST", "/combinations", body=body, patient=True), Combined)

    # --- Checks

    async def checks(self, collection: CollectionLike) -> CheckList:
        """Read the rules that a collection is held against whenever it changes."""
        return (await self._session.get(collection_path(collection, "checks"), Page[Check])).rows

    async def add_check(
        self,
        collection: CollectionLike,
        kind: str,
        params: Mapping[str, Any] | None = None,
        *,
        blocks: bool = False,
    ) -> Check:
        """Hold a collection against a rule from now on.

        Args:
            collection: Which.
            kind: `disjoint` (`collection`), `public`, `size` (`least`, `most`), `tagged` (`tag`), `classed` (`class`),
                `reviewed` (`queue`).
            params: What the rule needs to know.
            blocks: Refuse what goes against it, instead of telling.
        """
        body = {"kind": kind, "params": dict(params or {}), "blocks": blocks}
        return await self._session.read(call("POST", collection_path(collection, "checks"), body=body), Check)

    async def remove_check(self, collection: CollectionLike, check: int | Check) -> None:
        """Take a rule away."""
        number = check if isinstance(check, int) else check.id
        path = collection_path(collection, "checks", number)
        await self._session.send(call("DELETE", path, gone_is_done=True))

    async def run_checks(self, collection: CollectionLike) -> ResultList:
        """Hold the whole collection against all of its rules now."""
        the_call = call("POST", collection_path(collection, "checks", "run"), patient=True)
        return (await self._session.read(the_call, Page[CheckResult])).rows


def _several(items: ItemLike | Sequence[ItemLike]) -> Sequence[ItemLike]:
    return items if isinstance(items, Sequence) and not isinstance(items, str) else [items]
