# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes media …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli import errors
from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column, say

if TYPE_CHECKING:
    from pinakes.api.media import Medium, Removed
    from pinakes.sdk.results import MediaUploaded

app = App(name="media", help="Bring images, videos, point clouds and volumes in and out; find and change them.")

Flag = Annotated[bool, Parameter(negative="")]
Sort = Literal["id", "name", "labels", "created", "updated", "size", "custom", "index", "score"]

# So many refused files are said to people; --json prints more.
_TOLD = 20


def _columns() -> list[Column[Medium]]:
    return [
        Column("id", lambda m: m.id, style="cyan", right=True),
        Column("name", lambda m: m.name),
        Column("kind", lambda m: m.kind),
        Column("dataset", lambda m: m.dataset, right=True),
        Column("size", lambda m: m.size, right=True),
        Column("pixels", lambda m: f"{m.width}x{m.height}" if m.width else None),
        Column("labels", lambda m: m.label_count, right=True),
        Column("score", lambda m: m.score, right=True),
        Column("added", lambda m: m.created_at),
    ]


def _fields() -> list[Column[Medium]]:
    return [
        *_columns(),
        Column("description", lambda m: m.description),
        Column("type", lambda m: m.mime),
        Column("frames", lambda m: m.frames),
        Column("sha256", lambda m: m.sha256),
        Column("link", lambda m: m.link),
        Column("meta", lambda m: [f"{key}={value}" for key, value in m.meta.items()]),
        Column("by", lambda m: m.created_by),
    ]


@app.command(name="import")
def import_(
    folder: Path,
    dataset: str,
    *,
    flat: Flag = False,
    at_once: int = 8,
    common: Common = DEFAULT,
) -> int:
    """Send the files of a folder into a dataset, and make items of them. A million is no problem.

    Repeat the command after a broken connection, or when files were added: only what the server lacks is sent. Each
    folder in the folder becomes a dataset in the dataset. Hidden files are passed over; what is broken or no medium of
    the project's type is named, and the rest goes on. The exit status is 7 then.

    Args:
        folder: The folder.
        dataset: OWNER/PROJECT/DATASET, or its number.
        flat: Only the files right in the folder.
        at_once: How many batches to read or send at the same time; each has some hundred small files, or a large one.
    """
    with common.client() as client, common.progress("Importing") as progress:
        done = client.media.upload(dataset, folder, nested=not flat, at_once=at_once, progress=progress)
    return _report(done, common)


def _report(done: MediaUploaded, common: Common) -> int:
    output = common.output
    if output.json:
        output.data(done)
    elif not output.quiet:
        counts = [("added", done.added), ("unchanged", done.unchanged), ("refused", done.refused)]
        columns: list[Column[tuple[str, int]]] = [
            Column("outcome", lambda row: row[0]),
            Column("files", lambda row: row[1], right=True),
        ]
        output.rows([row for row in counts if row[1]], columns, name=lambda row: row[0], nothing="No files.")
        for problem in done.problems[:_TOLD]:
            say(f"{problem.path}: {problem.message}")
        if done.refused > _TOLD:
            say(f"… and {done.refused - _TOLD:,} more; --json names a thousand.")
        output.hint(f"{done.sent:,} of {done.files:,} files sent, {done.sent_bytes:,} bytes.")
    return errors.PARTLY if done.refused else errors.DONE


@app.command
def export(
    to: Path,
    query: str | None = None,
    *,
    project: str | None = None,
    dataset: str | None = None,
    collection: str | None = None,
    at_once: int = 8,
    common: Common = DEFAULT,
) -> None:
    """Bring the files of items into a folder, each into one for its dataset. After a broken connection, repeat.

    Args:
        to: The folder; it is made when it is not there.
        query: Only items that this finds, such as 'tag:checked -class:car'.
        project: Of this project, OWNER/PROJECT or its number; one of --project, --dataset and --collection is needed.
        dataset: Of this dataset and those in it, OWNER/PROJECT/DATASET or its number.
        collection: In this collection, by its id or slug.
        at_once: How many files to fetch at the same time.
    """
    with common.client() as client, common.progress("Exporting") as progress:
        done = client.media.download(
            to, query, project=project, dataset=dataset, collection=collection, at_once=at_once, progress=progress
        )
    output = common.output
    if output.json:
        output.data(done)
        return
    output.text(str(done.folder))
    there = f", {done.kept:,} of them there already" if done.kept else ""
    output.hint(f"{done.files:,} files, {done.size:,} bytes{there}.")
    if done.elsewhere:
        output.hint(f"{done.elsewhere:,} items live elsewhere: they were not fetched.")


@app.command
def ls(
    query: str | None = None,
    *,
    project: str | None = None,
    dataset: str | None = None,
    recursive: Flag = False,
    collection: str | None = None,
    sort: Sort | None = None,
    descending: Flag = False,
    count: Flag = False,
    limit: int = 100,
    common: Common = DEFAULT,
) -> None:
    """List items.

    Args:
        query: Which ones: 'tag:checked -class:car width>=640'.
        project: Of this project, OWNER/PROJECT or its number; one of --project, --dataset and --collection is needed.
        dataset: Of this dataset, OWNER/PROJECT/DATASET or its number.
        recursive: And of the datasets in it.
        collection: In this collection, by its id or slug.
        sort: By what; by id without it.
        descending: The other way round.
        count: Print only how many there are.
        limit: How many at most.
    """
    with common.client() as client:
        if count:
            number = client.media.count(
                query, project=project, dataset=dataset, recursive=recursive, collection=collection
            )
            common.output.text(str(number))
            return
        rows = client.media.list(
            query,
            project=project,
            dataset=dataset,
            recursive=recursive,
            collection=collection,
            sort=sort,
            descending=descending,
        ).first(limit)
        common.output.rows(rows, _columns(), name=lambda m: m.id, nothing="No items.")


@app.command
def info(medium: int, *, common: Common = DEFAULT) -> None:
    """Show an item.

    Args:
        medium: Its number.
    """
    with common.client() as client:
        common.output.one(client.media.get(medium), _fields(), name=lambda m: m.id)


@app.command
def get(medium: int, to: Path | None = None, *, common: Common = DEFAULT) -> None:
    """Fetch an item's file.

    Args:
        medium: Its number.
        to: The file; its own name here without it.
    """
    from pinakes.sdk import local

    with common.client() as client:
        place = to or local.place_of(Path(), client.media.get(medium).name)
        size = client.media.download_file(medium, place)
    if not common.output.json:
        common.output.text(str(place))
    common.output.done(f"{size:,} bytes.", file=str(place), bytes=size)


@app.command
def rename(medium: int, name: str, *, common: Common = DEFAULT) -> None:
    """Give an item another name.

    Args:
        medium: Its number.
        name: Its name.
    """
    with common.client() as client:
        common.output.one(client.media.update(medium, name=name), _columns(), name=lambda m: m.id)


@app.command
def move(*media: int, into: str, common: Common = DEFAULT) -> None:
    """Put items into another dataset of their project, all of them or none.

    Args:
        media: Their numbers.
        into: OWNER/PROJECT/DATASET, or its number.
    """
    with common.client() as client:
        common.output.rows(client.media.move(media, into), _columns(), name=lambda m: m.id)


@app.command
def copy(*media: int, into: str, no_labels: Flag = False, common: Common = DEFAULT) -> None:
    """Copy items into a dataset with their labels, all of them or none.

    Args:
        media: Their numbers.
        into: OWNER/PROJECT/DATASET, or its number.
        no_labels: Without labels.
    """
    with common.client() as client:
        common.output.rows(client.media.copy(media, into, labels=not no_labels), _columns(), name=lambda m: m.id)


@app.command
def tag(*media: int, name: str, value: str | None = None, common: Common = DEFAULT) -> None:
    """Put a tag of their project on items.

    Args:
        media: Their numbers.
        name: The tag.
        value: What it says, if it is one that says something.
    """
    with common.client() as client:
        number = client.media.tag(media, name, value)
    common.output.done(f"{number:,} items have it.", tagged=number)


@app.command
def untag(*media: int, name: list[str], common: Common = DEFAULT) -> None:
    """Take tags from items.

    Args:
        media: Their numbers.
        name: The tag; several times for several.
    """
    with common.client() as client:
        number = client.media.untag(media, *name)
    common.output.done(f"{number:,} tags taken.", untagged=number)


@app.command
def rm(*media: int, reason: str | None = None, common: Common = DEFAULT) -> int:
    """Remove items; they leave every collection that holds them. `pinakes media restore` brings them back.

    Args:
        media: Their numbers.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        return _removed(client.media.remove(media, reason=reason), common)


@app.command
def restore(*media: int, common: Common = DEFAULT) -> int:
    """Bring removed items back into their datasets.

    Args:
        media: Their numbers.
    """
    with common.client() as client:
        return _removed(client.media.restore(media), common)


@app.command
def purge(*media: int, yes: Flag = False, reason: str | None = None, common: Common = DEFAULT) -> int:
    """Forget removed items for good, with their labels. There is no way back.

    Args:
        media: Their numbers; what was not removed before stays.
        yes: Yes, for good.
        reason: Why; kept in the history.
    """
    confirmed(f"pinakes media purge {' '.join(map(str, media))} --yes", given=yes)
    with common.client() as client:
        return _removed(client.media.purge(media, reason=reason), common)


def _removed(done: Removed, common: Common) -> int:
    columns: list[Column[int]] = [Column("id", lambda number: number, style="cyan")]
    if common.output.json:
        common.output.data(done)
    else:
        common.output.rows(done.items, columns, name=lambda number: number, nothing="No items.")
    for number in done.missing[:_TOLD]:
        say(f"There is no item {number}, or you may not see it.")
    return errors.PARTLY if done.missing else errors.DONE
