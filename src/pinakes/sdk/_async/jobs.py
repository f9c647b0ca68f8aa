"""Jobs: one person's part in a queue, and the work itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from pinakes.api.common import Page
from pinakes.api.media import Medium
from pinakes.api.queues import (
    Draft,
    Job,
    JobStatistics,
    Lease,
    Next,
    QueueItem,
    QueueSettings,
    StateOrWaiting,
    Status,
    Task,
)
from pinakes.sdk import annotating
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async._places import AsyncPlacedNoun, DatasetLike, MediumLike, medium_id
from pinakes.sdk.annotating import AnnotationLike
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import NotFound
from pinakes.sdk.naming import ProjectLike

JobLike: TypeAlias = int | Job
# In the class below, `list` is a verb.
JobList: TypeAlias = list[Job]
TaskList: TypeAlias = list[Task]


class AsyncJobs(AsyncPlacedNoun):
    """Jobs, and what one does in them. One is named by its number, or by an object."""

    def list(
        self,
        *,
        mine: bool = False,
        queue: int | None = None,
        project: ProjectLike | None = None,
        dataset: DatasetLike | None = None,
        account: str | None = None,
        status: Status | None = None,
        archived: bool = False,
        page_size: int = 100,
    ) -> AsyncPages[Job]:
        """List the jobs that you see.

        Args:
            mine: Only your own.
            queue: Only those of this queue.
            project: Only those in this project.
            dataset: Only those over this dataset.
            account: Only those of this account's projects.
            status: Only those of this status.
            archived: Those in the archive, too.
            page_size: How many to ask for at once.
        """
        return self._placed(
            "/jobs",
            Job,
            page_size,
            within=project,
            datasets={"dataset": dataset},
            mine=mine or None,
            queue=queue,
            account=account,
            status=status,
            archived=archived or None,
        )

    async def create(
        self,
        dataset: DatasetLike,
        name: str,
        labelers: Sequence[str],
        *,
        reviewer: str | None = None,
        items: Iterable[MediumLike] | None = None,
        settings: Mapping[str, Any] | QueueSettings | None = None,
        description: str | None = None,
    ) -> JobList:
        """Deal items of a dataset out to labelers, each of whom gets a job: without a queue."""
        body = given(
            dataset=await self._dataset(dataset),
            name=name,
            labelers=[*labelers],
            reviewer=reviewer,
            items=None if items is None else [medium_id(one) for one in items],
            settings=settings,
            description=description,
        )
        return (await self._session.read(call("POST", "/jobs", body=body), Page[Job])).rows

    async def get(self, job: JobLike) -> Job:
        """Read a job, with its counts."""
        return await self._session.get(_path(job), Job)

    async def update(
        self,
        job: JobLike,
        *,
        name: str | None = None,
        description: str | None = None,
        labeler: str | None = None,
        reviewer: str | None = None,
        custom_data: Mapping[str, Any] | None = None,
    ) -> Job:
        """Change a job, or give it to somebody else; what is left out stays."""
        body = given(name=name, description=description, labeler=labeler, reviewer=reviewer, custom_data=custom_data)
        return await self._session.read(call("PATCH", _path(job), body=body), Job)

    async def set_status(self, job: JobLike, status: Status) -> Job:
        """Start (`in_progress`), stop (`stopped`) or complete (`completed`) a job."""
        return await self._session.read(call("POST", _path(job, "status"), body={"status": status}), Job)

    async def archive(self, job: JobLike) -> Job:
        """Put a job into the archive."""
        return await self._session.read(call("POST", _path(job, "archive")), Job)

    async def delete(self, job: JobLike, *, missing_ok: bool = False) -> None:
        """Remove a job; what it holds goes back into the pool."""
        await self._delete(call("DELETE", _path(job), gone_is_done=True), missing_ok=missing_ok)

    async def restart(
        self,
        job: JobLike,
        *,
        labelers: Sequence[str] | None = None,
        reviewer: str | None = None,
        complete: bool = False,
        name: str | None = None,
    ) -> JobList:
        """Make new jobs of the items that were rejected in one.

        Args:
            job: Which.
            labelers: Who gets them; its labeler without it.
            reviewer: Who reviews them.
            complete: Complete the job itself.
            name: What the new ones are called.
        """
        body = given(labelers=labelers, reviewer=reviewer, complete=complete or None, name=name)
        return (await self._session.read(call("POST", _path(job, "restart"), body=body), Page[Job])).rows

    def items(
        self,
        job: JobLike,
        *,
        state: StateOrWaiting | Sequence[StateOrWaiting] | None = None,
        page_size: int = 100,
    ) -> AsyncPages[QueueItem]:
        """List what a job has now."""
        return self._pages(_path(job, "items"), QueueItem, page_size, state=state)

    async def statistics(self, job: JobLike) -> JobStatistics:
        """Read what a job came to so far."""
        return await self._session.get(_path(job, "statistics"), JobStatistics)

    # --- Working

    async def next(self, job: JobLike) -> Next | None:
        """Be given the next item, with its labels; what you hold already comes first. None when nothing is left."""
        found = await self._session.read(call("POST", _path(job, "next")), Next)
        return found if found.given is not None else None

    async def heartbeat(self, job: JobLike, item: MediumLike) -> datetime:
        """Keep an item, and return until when it is yours.

        Raises:
            Conflict: It is not yours any more (`lease_lost`).
        """
        return (await self._session.read(call("POST", _item(job, item, "heartbeat")), Lease)).lease_until

    async def submit(self, job: JobLike, item: MediumLike, annotation: AnnotationLike | None = None) -> Task:
        """Hand an item in. With an annotation, that is put in the same step: both happen, or neither.

        Raises:
            Conflict: It is not yours any more (`lease_lost`); nothing was changed.
        """
        body = {} if annotation is None else {"annotation": annotating.plain(annotation, of=medium_id(item))}
        return await self._session.read(call("POST", _item(job, item, "submit"), body=body), Task)

    async def submit_many(self, job: JobLike, items: Iterable[MediumLike]) -> TaskList:
        """Hand items in, all of them or none."""
        return await self._many(job, "submit", items)

    async def skip(self, job: JobLike, item: MediumLike, *, for_me: bool = True, comment: str | None = None) -> Task:
        """Hand an item back, behind all that wait; with `for_me`, you are not given it again."""
        body = given(for_me=for_me, comment=comment)
        return await self._session.read(call("POST", _item(job, item, "skip"), body=body), Task)

    async def release(self, job: JobLike, items: Iterable[MediumLike]) -> TaskList:
        """Hand items back, each to its place among those that wait."""
        return await self._many(job, "release", items)

    async def accept(
        self, job: JobLike, items: MediumLike | Iterable[MediumLike], *, comment: str | None = None
    ) -> TaskList:
        """Accept items in a reviewer's job, all of them or none."""
        return await self._many(job, "accept", _several(items), comment=comment)

    async def reject(
        self, job: JobLike, items: MediumLike | Iterable[MediumLike], *, comment: str | None = None
    ) -> TaskList:
        """Reject items in a reviewer's job: they go back to who labeled them."""
        return await self._many(job, "reject", _several(items), comment=comment)

    async def reopen(self, job: JobLike, items: MediumLike | Iterable[MediumLike], to: str = "done") -> TaskList:
        """Take a decision back: items go onto review (`done`), or to their labeler (`held`), again."""
        return await self._many(job, "reopen", _several(items), to=to)

    async def draft(self, job: JobLike, item: MediumLike) -> Draft | None:
        """Read what you drew on an item and have not handed in; None where there is nothing."""
        try:
            return await self._session.get(_item(job, item, "draft"), Draft)
        except NotFound:
            return None

    async def save_draft(self, job: JobLike, item: MediumLike, annotation: Mapping[str, Any]) -> Draft:
        """Keep what you drew on an item, to go on with it later. It outlives the lease."""
        body = {"annotation": dict(annotation)}
        return await self._session.read(call("PUT", _item(job, item, "draft"), body=body, keyed=False), Draft)

    async def delete_draft(self, job: JobLike, item: MediumLike) -> None:
        """Forget what you drew on an item."""
        await self._session.send(call("DELETE", _item(job, item, "draft"), keyed=False, gone_is_done=True))

    async def _many(self, job: JobLike, verb: str, items: Iterable[MediumLike], **more: str | None) -> TaskList:
        body = {"items": [medium_id(one) for one in items], **given(**more)}
        return (await self._session.read(call("POST", _path(job, verb), body=body), Page[Task])).rows


def _several(items: MediumLike | Iterable[MediumLike]) -> Iterable[MediumLike]:
    return [items] if isinstance(items, int | Medium) else items


def _path(job: JobLike, *more: str) -> str:
    return "/".join(["/jobs", str(job if isinstance(job, int) else job.id), *more])


def _item(job: JobLike, item: MediumLike, verb: str) -> str:
    return _path(job, "items", str(medium_id(item)), verb)
