"""Labels: a project's classes and tags, and the annotations of its items."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeAlias

import orjson

from pinakes.api.common import Page
from pinakes.api.labels import (
    Annotation,
    Figure,
    FigureVersion,
    LabelClass,
    LabelTag,
    ValueType,
)
from pinakes.sdk import annotating
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async._places import AsyncPlacedNoun, DatasetLike, MediumLike, medium_id
from pinakes.sdk.addressing import CollectionLike, collection_ref
from pinakes.sdk.annotating import AnnotationLike, Annotations
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import ConnectionFailed, Unavailable
from pinakes.sdk.naming import ProjectLike
from pinakes.sdk.progress import OnProgress, Progress, silent
from pinakes.sdk.spooling import Spool

ClassList: TypeAlias = list[LabelClass]
TagList: TypeAlias = list[LabelTag]

_LINES = "application/x-ndjson"


class AsyncLabels(AsyncPlacedNoun):
    """Labels. Coordinates on images are subpixel, and geometries come back as they went."""

    # --- Classes and tags of a project

    async def classes(self, project: ProjectLike) -> ClassList:
        """Read the classes of a project."""
        number = await self._project(project)
        return (await self._session.get("/label-classes", Page[LabelClass], project=number)).rows

    async def add_class(
        self,
        project: ProjectLike,
        name: str,
        *,
        shape: str | None = None,
        color: str | None = None,
        description: str | None = None,
        hotkey: str | None = None,
    ) -> LabelClass:
        """Add a class to a project.

        Args:
            project: Where.
            name: Its name.
            shape: `rectangle`, `polygon`, `bitmap`, `point`, `line` and so on; any without it.
            color: Like `#FF8000`; it is given one without it.
            description: What is one, and what is none.
            hotkey: A key to choose it by.
        """
        new = given(name=name, shape=shape, color=color, description=description, hotkey=hotkey)
        body = {"project": await self._project(project), "classes": [new]}
        return (await self._session.read(call("POST", "/label-classes", body=body), Page[LabelClass])).rows[0]

    async def update_class(
        self,
        label_class: int | LabelClass,
        *,
        name: str | None = None,
        shape: str | None = None,
        color: str | None = None,
        description: str | None = None,
        hotkey: str | None = None,
    ) -> LabelClass:
        """Change a class; what is left out stays, and its figures follow."""
        body = given(name=name, shape=shape, color=color, description=description, hotkey=hotkey)
        path = f"/label-classes/{_number(label_class)}"
        return await self._session.read(call("PATCH", path, body=body), LabelClass)

    async def delete_class(self, label_class: int | LabelClass, *, missing_ok: bool = False) -> None:
        """Remove a class with all its figures."""
        the_call = call("DELETE", f"/label-classes/{_number(label_class)}", gone_is_done=True)
        await self._delete(the_call, missing_ok=missing_ok)

    async def tags(self, project: ProjectLike) -> TagList:
        """Read the tags that a project knows."""
        number = await self._project(project)
        return (await self._session.get("/label-tags", Page[LabelTag], project=number)).rows

    async def add_tag(
        self,
        project: ProjectLike,
        name: str,
        *,
        value_type: ValueType | None = None,
        choices: Sequence[str] | None = None,
        color: str | None = None,
        classes: Sequence[str] | None = None,
    ) -> LabelTag:
        """Add a tag to a project.

        Args:
            project: Where.
            name: Its name.
            value_type: What it says: `none` (the default), `any_number`, `any_string`, `oneof_string`, `date`.
            choices: The values of a `oneof_string`.
            color: Like `#FF8000`; it is given one without it.
            classes: Only on figures of these classes.
        """
        new = given(name=name, value_type=value_type, choices=choices, color=color, classes=classes)
        body = {"project": await self._project(project), "tags": [new]}
        return (await self._session.read(call("POST", "/label-tags", body=body), Page[LabelTag])).rows[0]

    async def update_tag(
        self,
        label_tag: int | LabelTag,
        *,
        name: str | None = None,
        choices: Sequence[str] | None = None,
        color: str | None = None,
    ) -> LabelTag:
        """Change a tag; what is left out stays, and whatever has it follows."""
        body = given(name=name, choices=choices, color=color)
        return await self._session.read(call("PATCH", f"/label-tags/{_number(label_tag)}", body=body), LabelTag)

    async def delete_tag(self, label_tag: int | LabelTag, *, missing_ok: bool = False) -> None:
        """Remove a tag from its project, and from all that has it."""
        the_call = call("DELETE", f"/label-tags/{_number(label_tag)}", gone_is_done=True)
        await self._delete(the_call, missing_ok=missing_ok)

    # --- Annotations

    async def get(self, medium: MediumLike) -> Annotation:
        """Read all labels of an item."""
        return await self._session.get(f"/media/{medium_id(medium)}/annotation", Annotation)

    async def put(self, medium: MediumLike, annotation: AnnotationLike) -> Annotation:
        """Make an item's labels what is given: all of it, or nothing is changed.

        Args:
            medium: Whose.
            annotation: `tags`, `objects` and `figures`, as plain data; or an annotation that was read, perhaps of
                another item of the project.
        """
        body = annotating.plain(annotation, of=medium_id(medium))
        path = f"/media/{medium_id(medium)}/annotation"
        return await self._session.read(call("PUT", path, body=body), Annotation)

    async def put_many(
        self,
        annotations: Iterable[tuple[MediumLike, AnnotationLike]],
        *,
        atomic: bool = False,
        progress: OnProgress = silent,
    ) -> Annotations:
        """Make the labels of many items what is given; each is saved or not by itself, unless it is `atomic`.

        Repeating the call does no harm. A connection that breaks is tried again by itself.

        Args:
            annotations: For each item what its labels shall be; from a generator, as many as there are.
            atomic: All of them, or none.
            progress: Called again and again.
        """
        with Spool() as spool:
            for medium, annotation in annotations:
                number = medium_id(medium)
                spool.add({"item": number, **annotating.plain(annotation, of=number)})
            headers = {"Content-Type": _LINES, "Content-Length": str(spool.size), "Accept": _LINES}
            params = {"atomic": True if atomic else None}
            the_call = call("POST", "/annotations", params=params, headers=headers, patient=True)

            async def chunks() -> AsyncIterator[bytes]:
                for chunk in spool.chunks():
                    yield chunk

            attempt = 0
            while True:
                attempt += 1
                done = Annotations(spool.lines)
                try:
                    async with self._session.open(the_call, chunks) as response:
                        async for line in response.aiter_lines():
                            if done.take(orjson.loads(line)):
                                progress(Progress("applying", done.count, spool.lines, "items"))
                    return done.checked()
                except (ConnectionFailed, Unavailable) as failure:
                    await self._session.pause(attempt, failure)

    async def export(
        self,
        query: str | None = None,
        *,
        project: ProjectLike | None = None,
        dataset: DatasetLike | None = None,
        recursive: bool = False,
        collection: CollectionLike | None = None,
    ) -> AsyncIterator[Annotation]:
        """Read the labels of many items: of a project, a dataset, a collection, or a query within these."""
        params = {
            "query": query,
            "project": None if project is None else await self._project(project),
            "dataset": None if dataset is None else await self._dataset(dataset),
            "recursive": recursive or None,
            "collection": None if collection is None else collection_ref(collection),
        }
        async with self._session.open(call("GET", "/annotations", params=params, patient=True)) as response:
            async for line in response.aiter_lines():
                if line:
                    yield Annotation.model_validate_json(line)

    # --- Figures

    async def figure(self, figure: int) -> Figure:
        """Read a figure."""
        return await self._session.get(f"/figures/{figure}", Figure)

    async def delete_figure(self, figure: int | Figure, *, missing_ok: bool = False) -> None:
        """Remove a figure; its history keeps it."""
        await self._delete(call("DELETE", f"/figures/{_number(figure)}", gone_is_done=True), missing_ok=missing_ok)

    async def restore_figure(self, figure: int | Figure) -> Figure:
        """Bring a removed figure back, as it was."""
        return await self._session.read(call("POST", f"/figures/{_number(figure)}/restore"), Figure)

    def history(self, figure: int | Figure, *, page_size: int = 100) -> AsyncPages[FigureVersion]:
        """List what a figure was before, newest first, and who changed or removed it."""
        return self._pages(f"/figures/{_number(figure)}/history", FigureVersion, page_size)


def _number(thing: int | LabelClass | LabelTag | Figure) -> int:
    return thing if isinstance(thing, int) else thing.id
