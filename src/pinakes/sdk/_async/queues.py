"""Labeling queues: work over a collection or a dataset, and the people in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Literal, TypeAlias

from pinakes.api.media import Count
from pinakes.api.queues import (
    ItemAgreement,
    LogLine,
    Part,
    Queue,
    QueueItem,
    QueueSettings,
    QueueStatistics,
    StateOrWaiting,
    Status,
)
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async._places import AsyncPlacedNoun, DatasetLike, MediumLike, medium_id
from pinakes.sdk.addressing import CollectionLike, collection_ref
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import NotFound
from pinakes.sdk.files import Target
from pinakes.sdk.naming import ProjectLike

QueueLike: TypeAlias = int | Queue
ItemsSort: TypeAlias = Literal[
    "id", "name", "state", "labeling_seconds", "review_seconds", "total_seconds", "label_count", "reviewed_at"
]


class AsyncQueues(AsyncPlacedNoun):
    """Labeling queues. One is named by its number, or by an object; people by their names."""

    def list(
        self,
        *,
        project: ProjectLike | None = None,
        dataset: DatasetLike | None = None,
        collection: CollectionLike | None = None,
        account: str | None = None,
        status: Status | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Queue]:
        """List the queues that you see, or work in."""
        return self._placed(
            "/queues",
            Queue,
            page_size,
            within=project,
            datasets={"dataset": dataset},
            collection=None if collection is None else collection_ref(collection),
            account=account,
            status=status,
        )

    async def create(
        self,
        name: str,
        *,
        collection: CollectionLike | None = None,
        dataset: DatasetLike | None = None,
        labelers: Sequence[str] = (),
        reviewers: Sequence[str] = (),
        checkers: Sequence[str] = (),
        settings: Mapping[str, Any] | QueueSettings | None = None,
        description: str | None = None,
        overlap: int | None = None,
        blind: bool | None = None,
        lease_seconds: int | None = None,
        items: Iterable[MediumLike] | None = None,
    ) -> Queue:
        """Make a queue over a collection or a dataset, which may be empty yet: its content is the queue's, always.

        Args:
            name: Its name.
            collection: The selection that it is over; or:
            dataset: The dataset.
            labelers: Who labels: names of users.
            reviewers: Who accepts and rejects.
            checkers: Who checks before that.
            settings: How it works: the fields of `QueueSettings`.
            description: What is to be done.
            overlap: How many people label each item.
            blind: Labelers see only their own labels.
            lease_seconds: How long an item stays with somebody who is silent; 1,800 without it.
            items: Only these items of the source.
        """
        body = given(
            name=name,
            collection=None if collection is None else collection_ref(collection),
            dataset=None if dataset is None else await self._dataset(dataset),
            settings=settings,
            description=description,
            overlap=overlap,
            blind=blind,
            lease_seconds=lease_seconds,
            items=None if items is None else [medium_id(one) for one in items],
        )
        body |= {"labelers": [*labelers], "reviewers": [*reviewers], "checkers": [*checkers]}
        return await self._session.read(call("POST", "/queues", body=body), Queue)

    async def get(self, queue: QueueLike) -> Queue:
        """Read a queue, with its counts and people."""
        return await self._session.get(_path(queue), Queue)

    async def update(
        self,
        queue: QueueLike,
        *,
        name: str | None = None,
        description: str | None = None,
        readme: str | None = None,
        settings: Mapping[str, Any] | QueueSettings | None = None,
        overlap: int | None = None,
        blind: bool | None = None,
        lease_seconds: int | None = None,
    ) -> Queue:
        """Change a queue; what is left out stays. `settings` are replaced whole."""
        body = given(
            name=name,
            description=description,
            readme=readme,
            settings=settings,
            overlap=overlap,
            blind=blind,
            lease_seconds=lease_seconds,
        )
        return await self._session.read(call("PATCH", _path(queue), body=body), Queue)

    async def delete(self, queue: QueueLike, *, missing_ok: bool = False) -> None:
        """Remove a queue with its jobs; labels and items stay."""
        await self._delete(call("DELETE", _path(queue), gone_is_done=True), missing_ok=missing_ok)

    async def set_status(self, queue: QueueLike, status: Status) -> Queue:
        """Start (`in_progress`), stop (`stopped`) or complete (`completed`) a queue."""
        return await self._session.read(call("POST", _path(queue, "status"), body={"status": status}), Queue)

    async def add_people(
        self,
        queue: QueueLike,
        *,
        labelers: Sequence[str] = (),
        reviewers: Sequence[str] = (),
        checkers: Sequence[str] = (),
    ) -> Queue:
        """Take people into a queue; who is in it keeps his job."""
        body = {"labelers": [*labelers], "reviewers": [*reviewers], "checkers": [*checkers]}
        return await self._session.read(call("POST", _path(queue, "people"), body=body), Queue)

    async def remove_people(self, queue: QueueLike, jobs: Sequence[int]) -> Queue:
        """End jobs of a queue; what they hold goes back into the pool."""
        return await self._session.read(call("POST", _path(queue, "people/remove"), body={"jobs": [*jobs]}), Queue)

    async def set_priority(self, queue: QueueLike, items: Iterable[MediumLike], priority: int) -> int:
        """Have items given out before (above 0) or after the others; return how many of them wait or are held."""
        body = {"items": [medium_id(one) for one in items], "priority": priority}
        return (await self._session.read(call("POST", _path(queue, "priority"), body=body), Count)).count

    def items(
        self,
        queue: QueueLike,
        *,
        state: StateOrWaiting | Sequence[StateOrWaiting] | None = None,
        name: str | None = None,
        text: str | None = None,
        job: int | None = None,
        sort: ItemsSort | None = None,
        descending: bool = False,
        page_size: int = 100,
    ) -> AsyncPages[QueueItem]:
        """List a queue's items: where each stands, and through whose hands it went.

        Args:
            queue: Which.
            state: In one of these states; `waiting` in the pool.
            name: Of exactly this name.
            text: With this in its name.
            job: In this job.
            sort: By `name`, `state`, `labeling_seconds`, `reviewed_at` and so on; without it, what was given out
                comes first, then what waits in the source's order.
            descending: The other way round.
            page_size: How many to ask for at once.
        """
        return self._pages(
            _path(queue, "items"),
            QueueItem,
            page_size,
            state=state,
            name=name,
            q=text,
            job=job,
            sort=sort,
            descending=descending or None,
        )

    async def statistics(self, queue: QueueLike) -> QueueStatistics:
        """Read what a queue came to so far: counts, times, and who did what."""
        return await self._session.get(_path(queue, "statistics"), QueueStatistics)

    async def export_statistics(self, queue: QueueLike, to: str | os.PathLike[str] | IO[bytes]) -> int:
        """Write a queue's items as CSV, a line each; return how many bytes that were."""
        target = Target(to)
        the_call = call("GET", _path(queue, "statistics.csv"), headers={"Accept": "text/csv"}, patient=True)
        with target as file:
            async with self._session.open(the_call) as response:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
        return target.written

    def log(self, queue: QueueLike, *, item: MediumLike | None = None, page_size: int = 100) -> AsyncPages[LogLine]:
        """List what was done in a queue: each step of each item, or of one."""
        number = None if item is None else medium_id(item)
        return self._pages(_path(queue, "log"), LogLine, page_size, item=number)

    def agreement(self, queue: QueueLike, *, page_size: int = 100) -> AsyncPages[ItemAgreement]:
        """List how much those who labeled the same items agree, from 0 to 1."""
        return self._pages(_path(queue, "agreement"), ItemAgreement, page_size)

    async def job_of(self, queue: QueueLike, user: str, part: Part = "annotate") -> int:
        """Return the number of somebody's job in a queue.

        Raises:
            NotFound: He has no such part in it.
        """
        found = await self.get(queue)
        for person in found.people:
            if person.user.lower() == user.lower() and person.part == part:
                return person.job
        message = f"{user} has no part {part!r} in the queue {found.name!r}."
        raise NotFound(message, code="job_not_found", field="part")


def _path(queue: QueueLike, *more: str) -> str:
    return "/".join(["/queues", str(queue if isinstance(queue, int) else queue.id), *more])
