# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes annotations …`: labels out and in, in the forms that trainers read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Asked, Common
from pinakes.cli.output import Column, say

if TYPE_CHECKING:
    from pinakes.api.exports import ImportedLabels

app = App(name="annotations", help="Write labels out as COCO, YOLO or JSON lines, and read COCO.")

Flag = Annotated[bool, Parameter(negative="")]

# So many images without an item are said to people; --json prints all.
_TOLD = 20


def _columns() -> list[Column[ImportedLabels]]:
    return [
        Column("items", lambda done: done.items),
        Column("labels", lambda done: done.labels),
        Column("missing", lambda done: len(done.missing)),
        Column("new classes", lambda done: ", ".join(done.classes)),
        Column("new tags", lambda done: ", ".join(done.tags)),
    ]


@app.command
def export(
    file: Path | None = None,
    *,
    project: str | None = None,
    dataset: str | None = None,
    collection: str | None = None,
    query: str | None = None,
    format: Literal["coco", "yolo", "jsonl"] = "coco",  # noqa: A002 - the word that everybody knows
    task: Literal["detect", "segment"] = "detect",
    labels_only: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Write the labels of items, and the files of these, to a ZIP.

    Args:
        file: Where to; the standard output without it.
        project: Of which project, OWNER/PROJECT or its number; one of --project, --dataset and --collection is needed.
        dataset: Of which dataset and those below it, OWNER/PROJECT/DATASET or its number.
        collection: Of which selection, by its id or slug.
        query: Only the items that this finds: 'class:car -tag:night'.
        format: coco (one document), yolo (a text file an image) or jsonl (a line an item).
        task: For yolo: detect (boxes) or segment (outlines).
        labels_only: Leave the files of the items out.
    """
    with common.client() as client, common.progress("Exporting") as progress:
        written = client.exports.labels(
            sys.stdout.buffer if file is None else file,
            project=project,
            dataset=dataset,
            collection=collection,
            query=query,
            format=format,
            task=task,
            media=not labels_only,
            progress=progress,
        )
    sys.stdout.flush()
    common.output.wrote(written, "bytes", file)


@app.command(name="import")
def import_(dataset: int, file: Asked[Path], *, common: Common = DEFAULT) -> None:
    """Replace the labels of a dataset's items with those of a COCO document, which names them by their file names.

    Classes and tags that the project lacks are made. Images that no item is called like are reported.

    Args:
        dataset: Which dataset, by its number; those below it count too, by their paths.
        file: The document: JSON.
    """
    import orjson

    document = orjson.loads(file.read_bytes())
    with common.client() as client:
        done = client.exports.import_coco(dataset, document)
    for name in done.missing[: 0 if common.output.json else _TOLD]:
        say(f"No item is called {name}.")
    common.output.one(done, _columns(), name=lambda each: str(each.labels))
