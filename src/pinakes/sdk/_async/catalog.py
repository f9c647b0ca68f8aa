"""What collections can point at: repos, papers, buckets, references, and items of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pinakes.api.catalog import (
    Bucket,
    Gate,
    Item,
    Liked,
    NotGated,
    Paper,
    Reference,
    Repo,
    RepoKind,
    RepoSort,
    Sdk,
    Voter,
    Votes,
)
from pinakes.api.collections import Collection
from pinakes.api.common import ItemKind, Visibility
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.addressing import address_path, arxiv_path
from pinakes.sdk.calls import call, given, segment
from pinakes.sdk.errors import Conflict


class AsyncItems(AsyncNoun):
    """Whatever can be put into a collection, of any kind. An item's number never changes; its address may."""

    def list(
        self,
        *,
        kind: ItemKind | Sequence[ItemKind] | None = None,
        owner: str | None = None,
        text: str | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Item]:
        """List items, newest first.

        Args:
            kind: Of one of these kinds.
            owner: What belongs to this account.
            text: With these words in address or title.
            page_size: How many to ask for at once, at most 1,000.
        """
        return self._pages("/items", Item, page_size, kind=kind, owner=owner, q=text)

    async def get(self, number: int) -> Item:
        """Read an item by its number."""
        return await self._session.get(f"/items/{number}", Item)

    async def vote(self, number: int, on: bool = True) -> Votes:  # noqa: FBT001, FBT002
        """Like or upvote an item, of whatever kind, or take the vote back."""
        path = f"/items/{number}/vote"
        return await self._session.read(call("PUT" if on else "DELETE", path, keyed=False), Votes)

    def collections(self, number: int, *, page_size: int = 100) -> AsyncPages[Collection]:
        """List the collections that hold an item, the last changed first.

        `collections.list(item=…)` does the same for an item by its address.
        """
        return self._pages(f"/items/{number}/collections", Collection, page_size)


class AsyncRepos(AsyncNoun):
    """Models, datasets and spaces. An address is `owner/name`; a former one leads to the repo as well."""

    def list(
        self,
        *,
        kind: RepoKind | None = None,
        owner: str | None = None,
        search: str | Sequence[str] | None = None,
        tag: str | Sequence[str] | None = None,
        pipeline_tag: str | None = None,
        gated: bool | None = None,
        sort: RepoSort | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Repo]:
        """List repos.

        Args:
            kind: `model`, `dataset` or `space`.
            owner: What belongs to this account.
            search: With all of these words in address or title.
            tag: With all of these tags.
            pipeline_tag: Of this task.
            gated: Whether readers must ask for access.
            sort: By `lastModified` (the default), `createdAt`, `trendingScore`, `downloads` or `likes`.
            page_size: How many to ask for at once, at most 1,000.
        """
        return self._pages(
            "/repos",
            Repo,
            page_size,
            kind=kind,
            owner=owner,
            search=search,
            tag=tag,
            pipeline_tag=pipeline_tag,
            gated=gated,
            sort=sort,
        )

    async def create(
        self,
        kind: RepoKind,
        address: str,
        *,
        visibility: Visibility | None = None,
        gated: Gate | NotGated | None = None,
        title: str | None = None,
        description: str | None = None,
        sdk: Sdk | None = None,
        pipeline_tag: str | None = None,
        library_name: str | None = None,
        tags: Sequence[str] | None = None,
        card: Mapping[str, Any] | None = None,
        unowned: bool = False,
        exists_ok: bool = False,
    ) -> Repo:
        """Make a model, dataset or space known.

        Args:
            kind: What it is.
            address: `owner/name`; a bare name is yours.
            visibility: `public` (the default) or `private`.
            gated: How readers ask for access, `auto` or `manual`.
            title: What people read.
            description: Up to 5,000 characters.
            sdk: A space's: `gradio`, `streamlit`, `docker` or `static`.
            pipeline_tag: Its task.
            library_name: What it is made with.
            tags: Words to find it by.
            card: The data of its card.
            unowned: A bare name is nobody's, as `gpt2` is; for administrators of the server.
            exists_ok: Answer with what has that address, as it is.
        """
        owner, slash, name = address.rpartition("/")
        body = given(
            kind=kind,
            name=name,
            owner=owner if slash else None,
            visibility=visibility,
            gated=gated,
            title=title,
            description=description,
            sdk=sdk,
            pipeline_tag=pipeline_tag,
            library_name=library_name,
            tags=None if tags is None else [*tags],
            card=card,
        )
        if unowned:
            body["owner"] = None
        try:
            return await self._session.read(call("POST", "/repos", body=body), Repo)
        except Conflict as error:
            taken = error.details.get("address")
            if not (exists_ok and error.code == "name_taken" and isinstance(taken, str)):
                raise
            return await self.get(kind, taken)

    async def get(self, kind: RepoKind, address: str) -> Repo:
        """Read a repo."""
        return await self._session.get(address_path("/repos", kind, address), Repo)

    async def update(
        self,
        kind: RepoKind,
        address: str,
        *,
        visibility: Visibility | None = None,
        gated: Gate | NotGated | None = None,
        title: str | None = None,
        description: str | None = None,
        sdk: Sdk | None = None,
        pipeline_tag: str | None = None,
        library_name: str | None = None,
        tags: Sequence[str] | None = None,
        card: Mapping[str, Any] | None = None,
    ) -> Repo:
        """Change a repo; what is left out stays. Hiding it hides it in every collection at once."""
        body = given(
            visibility=visibility,
            gated=gated,
            title=title,
            description=description,
            sdk=sdk,
            pipeline_tag=pipeline_tag,
            library_name=library_name,
            tags=None if tags is None else [*tags],
            card=card,
        )
        path = address_path("/repos", kind, address)
        return await self._session.read(call("PATCH", path, body=body, keyed=False), Repo)

    async def move(self, kind: RepoKind, address: str, to: str) -> Repo:
        """Give a repo another name or owner; its former address leads there."""
        path = address_path("/repos", kind, address)
        return await self._session.read(call("POST", f"{path}/move", body={"to": to}), Repo)

    async def delete(self, kind: RepoKind, address: str, *, missing_ok: bool = False) -> None:
        """Delete a repo: it is gone from every collection, and its name is free."""
        path = address_path("/repos", kind, address)
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)

    async def like(self, kind: RepoKind, address: str, on: bool = True) -> Votes:  # noqa: FBT001, FBT002
        """Like a repo, or take the like back."""
        path = address_path("/repos", kind, address)
        return await self._session.read(call("PUT" if on else "DELETE", f"{path}/like", keyed=False), Votes)

    def likes(self, kind: RepoKind, address: str, *, page_size: int = 100) -> AsyncPages[Voter]:
        """List who likes a repo, the last first."""
        return self._pages(f"{address_path('/repos', kind, address)}/likes", Voter, page_size)

    def liked_by(self, user: str, *, page_size: int = 100) -> AsyncPages[Liked]:
        """List the repos that a user likes, the last first."""
        return self._pages(f"/users/{segment(user)}/likes", Liked, page_size)


class AsyncPapers(AsyncNoun):
    """Papers, by their arXiv ids."""

    def list(self, *, text: str | None = None, page_size: int = 100) -> AsyncPages[Paper]:
        """List papers, with these words in title or id; the last registered first."""
        return self._pages("/papers", Paper, page_size, q=text)

    async def register(
        self,
        arxiv_id: str,
        *,
        title: str,
        authors: Sequence[str] = (),
        abstract: str | None = None,
        published_at: datetime | None = None,
    ) -> Paper:
        """Make a paper known. One that is known with these very facts is returned as it is.

        Args:
            arxiv_id: Such as `1706.03762`; a version is left out.
            title: Its title.
            authors: Their names, in order.
            abstract: Its abstract.
            published_at: When; with its zone.

        Raises:
            Conflict: It is known with other facts; `update` corrects them.
        """
        body = given(
            id=arxiv_id,
            title=title,
            authors=[{"name": name} for name in authors],
            abstract=abstract,
            published_at=None if published_at is None else published_at.isoformat(),
        )
        return await self._session.read(call("POST", "/papers", body=body), Paper)

    async def update(
        self,
        arxiv_id: str,
        *,
        title: str | None = None,
        authors: Sequence[str] | None = None,
        abstract: str | None = None,
        published_at: datetime | None = None,
    ) -> Paper:
        """Correct a paper that you registered; what is left out stays.

        Args:
            arxiv_id: Which.
            title: Its title.
            authors: Their names, in order.
            abstract: Its abstract.
            published_at: When; with its zone.
        """
        body = given(
            title=title,
            authors=None if authors is None else [{"name": name} for name in authors],
            abstract=abstract,
            published_at=None if published_at is None else published_at.isoformat(),
        )
        return await self._session.read(call("PATCH", arxiv_path(arxiv_id), body=body, keyed=False), Paper)

    async def get(self, arxiv_id: str) -> Paper:
        """Read a paper."""
        return await self._session.get(arxiv_path(arxiv_id), Paper)

    async def delete(self, arxiv_id: str, *, missing_ok: bool = False) -> None:
        """Delete a paper that you registered."""
        path = arxiv_path(arxiv_id)
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)


class AsyncBuckets(AsyncNoun):
    """Buckets, by their names."""

    def list(self, *, owner: str | None = None, text: str | None = None, page_size: int = 100) -> AsyncPages[Bucket]:
        """List buckets, newest first; of an account, and with these words in address or title."""
        return self._pages("/buckets", Bucket, page_size, owner=owner, q=text)

    async def create(
        self, name: str, *, owner: str | None = None, title: str | None = None, visibility: Visibility | None = None
    ) -> Bucket:
        """Make a bucket known; yours without `owner`."""
        body = given(name=name, owner=owner, title=title, visibility=visibility)
        return await self._session.read(call("POST", "/buckets", body=body), Bucket)

    async def get(self, address: str) -> Bucket:
        """Read a bucket."""
        return await self._session.get(address_path("/buckets", address), Bucket)

    async def update(self, address: str, *, title: str | None = None, visibility: Visibility | None = None) -> Bucket:
        """Change a bucket; what is left out stays."""
        body = given(title=title, visibility=visibility)
        path = address_path("/buckets", address)
        return await self._session.read(call("PATCH", path, body=body, keyed=False), Bucket)

    async def delete(self, address: str, *, missing_ok: bool = False) -> None:
        """Forget a bucket: it is gone from every collection."""
        path = address_path("/buckets", address)
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)


class AsyncReferences(AsyncNoun):
    """References to what lives elsewhere."""

    def list(self, *, owner: str | None = None, text: str | None = None, page_size: int = 100) -> AsyncPages[Reference]:
        """List references, newest first; of an account, and with these words in address or title."""
        return self._pages("/references", Reference, page_size, owner=owner, q=text)

    async def create(
        self,
        name: str,
        *,
        url: str,
        target_kind: str,
        owner: str | None = None,
        title: str | None = None,
        visibility: Visibility | None = None,
    ) -> Reference:
        """Make known what lives elsewhere.

        Args:
            name: What it is called here.
            url: Where it is: http, https, s3 or gs.
            target_kind: What it is there, in a word of yours.
            owner: Whose it is here; yours without it.
            title: What people read.
            visibility: `public` (the default) or `private`.
        """
        body = given(name=name, url=url, target_kind=target_kind, owner=owner, title=title, visibility=visibility)
        return await self._session.read(call("POST", "/references", body=body), Reference)

    async def get(self, address: str) -> Reference:
        """Read a reference."""
        return await self._session.get(address_path("/references", address), Reference)

    async def update(
        self,
        address: str,
        *,
        url: str | None = None,
        target_kind: str | None = None,
        title: str | None = None,
        visibility: Visibility | None = None,
    ) -> Reference:
        """Change a reference; what is left out stays."""
        body = given(url=url, target_kind=target_kind, title=title, visibility=visibility)
        path = address_path("/references", address)
        return await self._session.read(call("PATCH", path, body=body, keyed=False), Reference)

    async def delete(self, address: str, *, missing_ok: bool = False) -> None:
        """Delete a reference; what it refers to stays where it is."""
        path = address_path("/references", address)
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)
