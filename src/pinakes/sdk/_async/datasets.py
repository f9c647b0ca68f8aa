"""Datasets: the folders of a project of media."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from pinakes.api.common import Page
from pinakes.api.media import Dataset
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async._places import AsyncPlacedNoun, DatasetLike, dataset_named
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import Conflict
from pinakes.sdk.naming import ProjectLike

# In the class below, `list` is a verb.
Tree: TypeAlias = list[Dataset]


class AsyncDatasets(AsyncPlacedNoun):
    """Datasets. One is named as `OWNER/PROJECT/DATASET` (and so on for those in it), by its number, or by an object."""

    def list(
        self,
        project: ProjectLike,
        *,
        parent: DatasetLike | None = None,
        top: bool = False,
        name: str | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Dataset]:
        """List the datasets of a project, at any depth.

        Args:
            project: Which.
            parent: Only those right in this dataset.
            top: Only those that are in no other.
            name: Only those of exactly this name.
            page_size: How many to ask for at once.
        """
        return self._placed(
            "/datasets", Dataset, page_size, within=project, datasets={"parent": parent}, top=top or None, name=name
        )

    async def create(
        self,
        project: ProjectLike,
        name: str,
        *,
        parent: DatasetLike | None = None,
        description: str | None = None,
        custom_data: Mapping[str, Any] | None = None,
        exists_ok: bool = False,
    ) -> Dataset:
        """Make a dataset.

        Args:
            project: Where.
            name: Its name.
            parent: The dataset that it is in; at the top without it.
            description: What it holds.
            custom_data: JSON of yours.
            exists_ok: Answer with the one of that name if there is one, as it is.
        """
        number = await self._project(project)
        above = None if parent is None else await self._dataset(parent)
        body = given(project=number, name=name, parent=above, description=description)
        body |= {} if custom_data is None else {"custom_data": dict(custom_data)}
        try:
            return await self._session.read(call("POST", "/datasets", body=body), Dataset)
        except Conflict as error:
            there = (
                await dataset_named(self._session, number, above, name)
                if exists_ok and error.code == "name_taken"
                else None
            )
            if there is None:
                raise
            return there

    async def get(self, dataset: DatasetLike) -> Dataset:
        """Read a dataset."""
        return await self._session.get(f"/datasets/{await self._dataset(dataset)}", Dataset)

    async def tree(self, dataset: DatasetLike) -> Tree:
        """Read a dataset and all that are in it, at any depth."""
        return (await self._session.get(f"/datasets/{await self._dataset(dataset)}/tree", Page[Dataset])).rows

    async def update(
        self,
        dataset: DatasetLike,
        *,
        name: str | None = None,
        description: str | None = None,
        custom_data: Mapping[str, Any] | None = None,
    ) -> Dataset:
        """Change a dataset; what is left out stays."""
        body = given(name=name, description=description)
        body |= {} if custom_data is None else {"custom_data": dict(custom_data)}
        path = f"/datasets/{await self._dataset(dataset)}"
        return await self._session.read(call("PATCH", path, body=body), Dataset)

    async def move(self, dataset: DatasetLike, parent: DatasetLike | None) -> Dataset:
        """Put a dataset into another one of its project, or to the top (None)."""
        body = {"parent": None if parent is None else await self._dataset(parent)}
        path = f"/datasets/{await self._dataset(dataset)}/move"
        return await self._session.read(call("POST", path, body=body), Dataset)

    async def delete(self, dataset: DatasetLike, *, missing_ok: bool = False, reason: str | None = None) -> None:
        """Remove a dataset with all that is in it; its items leave every collection that holds them."""
        the_call = call("DELETE", f"/datasets/{await self._dataset(dataset)}", reason=reason, gone_is_done=True)
        await self._delete(the_call, missing_ok=missing_ok)
