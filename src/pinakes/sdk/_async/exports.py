"""Labels in the forms that trainers read: out as a ZIP, in from COCO."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

from pinakes.api.exports import ImportedLabels, LabelFormat, YoloTask
from pinakes.sdk._async._places import AsyncPlacedNoun, DatasetLike
from pinakes.sdk.calls import Param, call
from pinakes.sdk.files import Target
from pinakes.sdk.naming import ProjectLike
from pinakes.sdk.progress import OnProgress, silent


class AsyncExports(AsyncPlacedNoun):
    """Labels out of and into Pinakes."""

    async def labels(
        self,
        to: str | os.PathLike[str] | IO[bytes],
        *,
        project: ProjectLike | None = None,
        dataset: DatasetLike | None = None,
        collection: str | None = None,
        query: str | None = None,
        format: LabelFormat = "coco",  # noqa: A002
        task: YoloTask = "detect",
        media: bool = True,
        nested: bool = True,
        progress: OnProgress = silent,
    ) -> int:
        """Write the labels of items, and their files, to a ZIP; return how many bytes that were.

        Of videos, COCO has the frames with labels, as pictures; the other forms have the videos themselves. A path gets
        the whole export or stays what it was; a transfer that breaks begins anew.

        Args:
            to: A path, or a file that is open for writing bytes.
            project: Of which project (itself, `OWNER/PROJECT` or its number); one of `project`, `dataset` and
                `collection` is needed.
            dataset: Of which dataset (itself, `OWNER/PROJECT/DATASET` or its number).
            collection: Of which selection, by its id or slug.
            query: Only what this finds.
            format: `coco`, `yolo` or `jsonl`.
            task: For YOLO: `detect` (boxes) or `segment` (outlines).
            media: Whether the files come along.
            nested: Whether the datasets below `dataset` come along.
            progress: Called again and again.
        """
        target = Target(to)
        params: dict[str, Param] = {
            "project": None if project is None else await self._project(project),
            "dataset": None if dataset is None else await self._dataset(dataset),
            "collection": collection,
            "query": query,
            "format": format,
            "task": task,
            "media": media,
            "nested": nested,
        }
        the_call = call("GET", "/exports", params=params, patient=True)
        return await self._written(target, the_call, progress)

    async def import_coco(self, dataset: int, document: Mapping[str, Any]) -> ImportedLabels:
        """Replace the labels of a dataset's items with those of a COCO document.

        Images are found by their file names, and in a dataset of videos these by their names, with the labels of their
        frames; those without an item are listed in the answer as `missing`.
        """
        path = f"/datasets/{dataset}/imports/coco"
        return await self._session.read(call("POST", path, body=dict(document)), ImportedLabels)
