"""Names of projects and datasets that only the server can tell the numbers of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeAlias, TypeVar

from typing_extensions import override

from pinakes.api.common import Answer, Page
from pinakes.api.media import Dataset, Medium
from pinakes.api.releases import Project
from pinakes.sdk._async._http import AsyncSession
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import Param
from pinakes.sdk.errors import Invalid, NotFound
from pinakes.sdk.naming import ProjectLike, project_number, project_path

T = TypeVar("T", bound=Answer)

DatasetLike: TypeAlias = int | str | Dataset
MediumLike: TypeAlias = int | Medium

_PROJECT_PARTS = 2


def medium_id(medium: MediumLike) -> int:
    """Return the number of an item of media."""
    return medium if isinstance(medium, int) else medium.id


async def project_of(session: AsyncSession, project: ProjectLike) -> int:
    """Return the number of a project."""
    number = project_number(project)
    return (await session.get(project_path(project), Project)).id if number is None else number


async def dataset_of(session: AsyncSession, dataset: DatasetLike) -> int:
    """Return the number of a dataset: of itself, or of `OWNER/PROJECT/DATASET`, and so on for those in it.

    Raises:
        Invalid: The text is none of the forms.
        NotFound: There is none of that name.
    """
    if isinstance(dataset, int):
        return dataset
    if isinstance(dataset, Dataset):
        return dataset.id
    if dataset.isascii() and dataset.isdigit():
        return int(dataset)
    parts = dataset.strip("/").split("/")
    if len(parts) <= _PROJECT_PARTS or not all(parts):
        message = f"{dataset!r} names no dataset: write OWNER/PROJECT/DATASET, or its number."
        raise Invalid(message, code="invalid", field="dataset")
    project = await project_of(session, "/".join(parts[:_PROJECT_PARTS]))
    number = 0
    for name in parts[_PROJECT_PARTS:]:
        found = await dataset_named(session, project, number or None, name)
        if found is None:
            message = f"There is no dataset {dataset!r}, or you may not see it."
            raise NotFound(message, code="dataset_not_found", field="dataset")
        number = found.id
    return number


async def dataset_named(session: AsyncSession, project: int, parent: int | None, name: str) -> Dataset | None:
    """Find a dataset by its name, at the top of a project or right in another."""
    top = None if parent is not None else True
    page = await session.get("/datasets", Page[Dataset], project=project, parent=parent, top=top, name=[name])
    return page.rows[0] if page.rows else None


class AsyncPlacedPages(AsyncPages[T], Generic[T]):
    """A list in a project or a dataset, whose name is looked up when somebody reads."""

    def __init__(
        self,
        session: AsyncSession,
        path: str,
        row: type[T],
        params: Mapping[str, Param],
        page_size: int | None,
        *,
        project: ProjectLike | None = None,
        datasets: Mapping[str, DatasetLike | None] | None = None,
    ) -> None:
        """Describe the list; `datasets` are the parameters that name one."""
        super().__init__(session, path, row, params, page_size)
        self._project: ProjectLike | None = project
        self._datasets: Mapping[str, DatasetLike | None] = datasets or {}

    @override
    async def _page(self, cursor: str | None, limit: int | None) -> Page[T]:
        if self._project is not None:
            self._params = {**self._params, "project": await project_of(self._session, self._project)}
            self._project = None
        for name, dataset in self._datasets.items():
            if dataset is not None:
                self._params = {**self._params, name: await dataset_of(self._session, dataset)}
        self._datasets = {}
        return await super()._page(cursor, limit)


class AsyncPlacedNoun(AsyncNoun):
    """The calls about one noun that lives in projects and datasets."""

    async def _project(self, project: ProjectLike) -> int:
        return await project_of(self._session, project)

    async def _dataset(self, dataset: DatasetLike) -> int:
        return await dataset_of(self._session, dataset)

    def _placed(
        self,
        path: str,
        row: type[T],
        page_size: int | None = None,
        *,
        within: ProjectLike | None = None,
        datasets: Mapping[str, DatasetLike | None] | None = None,
        **params: Param,
    ) -> AsyncPlacedPages[T]:
        return AsyncPlacedPages(self._session, path, row, params, page_size, project=within, datasets=datasets)
