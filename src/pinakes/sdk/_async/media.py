"""Images, videos, point clouds and volumes: finding, changing and arranging them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from pinakes.api.common import Page
from pinakes.api.media import Count, KnownFiles, MediaBatch, MediaKind, MediaPage, MediaSort, Medium, Removed
from pinakes.api.queues import Proof
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async._places import DatasetLike, MediumLike, medium_id
from pinakes.sdk._async.media_files import AsyncMediaFiles
from pinakes.sdk.addressing import CollectionLike, collection_ref
from pinakes.sdk.calls import call, given
from pinakes.sdk.naming import ProjectLike

# In the class below, `list` is a verb.
MediumList: TypeAlias = list[Medium]
ProofList: TypeAlias = list[Proof]
HashList: TypeAlias = list[str]


class AsyncMedia(AsyncMediaFiles):
    """Items of media. One is named by its number, or by an object; a dataset as `OWNER/PROJECT/DATASET`."""

    def list(
        self,
        query: str | None = None,
        *,
        project: ProjectLike | None = None,
        dataset: DatasetLike | None = None,
        recursive: bool = False,
        collection: CollectionLike | None = None,
        kind: MediaKind | None = None,
        sort: MediaSort | None = None,
        descending: bool = False,
        page_size: int = 100,
    ) -> AsyncPages[Medium]:
        """List items: of a project, of a dataset, of a collection, or of what these have in common.

        Args:
            query: Which ones: `tag:checked -class:car width>=640`; the guide to media has all of it.
            project: Of this project.
            dataset: Of this dataset.
            recursive: And of the datasets in it.
            collection: In this collection; each row has its `score` there.
            kind: Only `image`s, and so on.
            sort: By `id` (the default), `name`, `labels`, `created`, `updated`, `size`, `custom`; in a collection also
                by `index` and `score`.
            descending: The other way round.
            page_size: How many to ask for at once, at most 1,000.
        """
        return self._placed(
            "/media",
            Medium,
            page_size,
            within=project,
            datasets={"dataset": dataset},
            query=query,
            recursive=recursive or None,
            collection=None if collection is None else collection_ref(collection),
            kind=kind,
            sort=sort,
            descending=descending or None,
        )

    async def count(
        self,
        query: str | None = None,
        *,
        project: ProjectLike | None = None,
        dataset: DatasetLike | None = None,
        recursive: bool = False,
        collection: CollectionLike | None = None,
    ) -> int:
        """Count items, as `list` finds them."""
        page = await self._session.get(
            "/media",
            MediaPage,
            query=query,
            project=None if project is None else await self._project(project),
            dataset=None if dataset is None else await self._dataset(dataset),
            recursive=recursive or None,
            collection=None if collection is None else collection_ref(collection),
            total=True,
            limit=1,
        )
        return page.total or 0

    async def get(self, medium: int) -> Medium:
        """Read an item."""
        return await self._session.get(f"/media/{medium}", Medium)

    async def update(
        self,
        medium: MediumLike,
        *,
        name: str | None = None,
        description: str | None = None,
        meta: Mapping[str, Any] | None = None,
        custom_data: Mapping[str, Any] | None = None,
    ) -> Medium:
        """Change an item, or rename it; what is left out stays. `meta` and `custom_data` are replaced whole."""
        body = given(name=name, description=description, meta=meta, custom_data=custom_data)
        return await self._session.read(call("PATCH", f"/media/{medium_id(medium)}", body=body), Medium)

    async def known(self, dataset: DatasetLike, sha256: Iterable[str]) -> HashList:
        """Return which of these files the dataset's account has already, by their SHA-256s (at most 10,000)."""
        path = f"/datasets/{await self._dataset(dataset)}/files/known"
        the_call = call("POST", path, body={"sha256": [*sha256]})
        return (await self._session.read(the_call, KnownFiles)).known

    async def add(self, dataset: DatasetLike, items: Iterable[Mapping[str, Any]]) -> MediaBatch:
        """Add items by the SHA-256s of files that the account has, or by links: each is added or not by itself.

        Args:
            dataset: Where to.
            items: For each, `name`, and `sha256` or `link`; perhaps `description`, `meta`, `custom_data`. At most
                10,000.
        """
        path = f"/datasets/{await self._dataset(dataset)}/media"
        body = {"items": [dict(item) for item in items]}
        return await self._session.read(call("POST", path, body=body, patient=True), MediaBatch)

    async def move(self, media: Iterable[MediumLike], dataset: DatasetLike) -> MediumList:
        """Put items into another dataset of their project, all of them or none."""
        body = {"items": _ids(media), "dataset": await self._dataset(dataset)}
        return (await self._session.read(call("POST", "/media/move", body=body), Page[Medium])).rows

    async def copy(self, media: Iterable[MediumLike], dataset: DatasetLike, *, labels: bool = True) -> MediumList:
        """Copy items into a dataset, with their labels: all of them or none. Files are not copied."""
        body = {"items": _ids(media), "dataset": await self._dataset(dataset), "labels": labels}
        return (await self._session.read(call("POST", "/media/copy", body=body, patient=True), Page[Medium])).rows

    async def remove(self, media: Iterable[MediumLike], *, reason: str | None = None) -> Removed:
        """Remove items; they leave every collection that holds them. `restore` brings them back for some days."""
        body = given(items=_ids(media), reason=reason)
        return await self._session.read(call("POST", "/media/remove", body=body), Removed)

    async def restore(self, media: Iterable[MediumLike], *, reason: str | None = None) -> Removed:
        """Bring removed items back into their datasets."""
        body = given(items=_ids(media), reason=reason)
        return await self._session.read(call("POST", "/media/restore", body=body), Removed)

    async def purge(self, media: Iterable[MediumLike], *, reason: str | None = None) -> Removed:
        """Forget removed items for good, with their labels: there is no way back. Others are `missing`, and stay."""
        body = given(items=_ids(media), reason=reason)
        return await self._session.read(call("POST", "/media/purge", body=body), Removed)

    async def order(self, places: Mapping[int, float | None]) -> int:
        """Give items the numbers that `sort="custom"` sorts them by; None takes one away."""
        body = {"items": [{"item": item, "order": order} for item, order in places.items()]}
        return (await self._session.read(call("POST", "/media/order", body=body), Count)).count

    async def tag(self, media: Iterable[MediumLike], name: str, value: str | float | None = None) -> int:
        """Put a tag of their project on items; return on how many."""
        body = {"items": _ids(media), "name": name, "value": value}
        return (await self._session.read(call("POST", "/media/tag", body=body), Count)).count

    async def untag(self, media: Iterable[MediumLike], *names: str) -> int:
        """Take tags from items; return how many were taken."""
        body = {"items": _ids(media), "names": [*names]}
        return (await self._session.read(call("POST", "/media/untag", body=body), Count)).count

    async def proofs(self, media: Sequence[MediumLike]) -> ProofList:
        """Read who labeled items and who accepted them, in which queue (at most 1,000 items)."""
        items = [str(number) for number in _ids(media)]
        return (await self._session.get("/proofs", Page[Proof], item=items)).rows


def _ids(media: Iterable[MediumLike]) -> list[int]:
    return [medium_id(one) for one in media]
