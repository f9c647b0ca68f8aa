# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes labels …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pinakes.cli import errors
from pinakes.cli.common import DEFAULT, Asked, Common, confirmed
from pinakes.cli.output import Column, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinakes.api.labels import Annotation, Figure, FigureVersion, LabelClass, LabelTag

app = App(name="labels", help="Keep a project's classes and tags; read and write the labels of its items.")
classes = App(name="classes", help="Keep the classes of a project.")
tags = App(name="tags", help="Keep the tags of a project.")
app.command(classes)
app.command(tags)

Flag = Annotated[bool, Parameter(negative="")]
ValueType = Literal["none", "any_number", "any_string", "oneof_string", "date"]

_TOLD = 20


def _class_columns() -> list[Column[LabelClass]]:
    return [
        Column("id", lambda c: c.id, style="cyan", right=True),
        Column("name", lambda c: c.name),
        Column("shape", lambda c: c.shape),
        Column("color", lambda c: c.color),
        Column("hotkey", lambda c: c.hotkey),
        Column("description", lambda c: c.description),
    ]


def _tag_columns() -> list[Column[LabelTag]]:
    return [
        Column("id", lambda t: t.id, style="cyan", right=True),
        Column("name", lambda t: t.name),
        Column("says", lambda t: t.value_type),
        Column("choices", lambda t: t.choices),
        Column("color", lambda t: t.color),
        Column("classes", lambda t: t.classes),
    ]


@classes.command(name="ls")
def list_classes(project: str, *, common: Common = DEFAULT) -> None:
    """List the classes of a project.

    Args:
        project: OWNER/PROJECT, or its number.
    """
    with common.client() as client:
        found = client.labels.classes(project)
    common.output.rows(found, _class_columns(), name=lambda c: c.id, nothing="No classes.")


@classes.command(name="add")
def add_class(
    project: str,
    name: str,
    *,
    shape: str | None = None,
    color: str | None = None,
    description: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Add a class to a project.

    Args:
        project: OWNER/PROJECT, or its number.
        name: Its name.
        shape: rectangle, polygon, bitmap, point, line …; any without it.
        color: Like #FF8000.
        description: What is one, and what is none.
    """
    with common.client() as client:
        made = client.labels.add_class(project, name, shape=shape, color=color, description=description)
    common.output.one(made, _class_columns(), name=lambda c: c.id)


@classes.command(name="rm")
def remove_class(label_class: int, *, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Remove a class with all its figures.

    Args:
        label_class: Its number.
        yes: Yes, with its figures.
    """
    confirmed(f"pinakes labels classes rm {label_class} --yes", given=yes)
    with common.client() as client:
        client.labels.delete_class(label_class)
    common.output.done("The class is gone.", removed=label_class)


@tags.command(name="ls")
def list_tags(project: str, *, common: Common = DEFAULT) -> None:
    """List the tags that a project knows.

    Args:
        project: OWNER/PROJECT, or its number.
    """
    with common.client() as client:
        found = client.labels.tags(project)
    common.output.rows(found, _tag_columns(), name=lambda t: t.id, nothing="No tags.")


@tags.command(name="add")
def add_tag(
    project: str,
    name: str,
    *,
    says: ValueType | None = None,
    choice: list[str] | None = None,
    color: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Add a tag to a project.

    Args:
        project: OWNER/PROJECT, or its number.
        name: Its name.
        says: What it says beside its name; nothing without it.
        choice: A value of a oneof_string; several times for several.
        color: Like #FF8000.
    """
    with common.client() as client:
        made = client.labels.add_tag(project, name, value_type=says, choices=choice, color=color)
    common.output.one(made, _tag_columns(), name=lambda t: t.id)


@tags.command(name="rm")
def remove_tag(label_tag: int, *, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Remove a tag from its project, and from all that has it.

    Args:
        label_tag: Its number.
        yes: Yes, from all.
    """
    confirmed(f"pinakes labels tags rm {label_tag} --yes", given=yes)
    with common.client() as client:
        client.labels.delete_tag(label_tag)
    common.output.done("The tag is gone.", removed=label_tag)


@app.command
def show(medium: int, *, common: Common = DEFAULT) -> None:
    """Show the labels of an item; with --json all of them, as `pinakes labels put` takes them.

    Args:
        medium: The item's number.
    """
    with common.client() as client:
        found = client.labels.get(medium)
    if common.output.json:
        common.output.data(found)
        return
    columns: list[Column[Figure]] = [
        Column("id", lambda f: f.id, style="cyan", right=True),
        Column("class", lambda f: f.class_name),
        Column("geometry", lambda f: f.geometry_type),
        Column("object", lambda f: f.object),
        Column("frame", lambda f: f.frame),
        Column("tags", lambda f: [tag.name for tag in f.tags]),
        Column("by", lambda f: f.created_by),
        Column("changed", lambda f: f.updated_at),
    ]
    common.output.rows(found.figures, columns, name=lambda f: f.id, nothing="No figures.")
    if found.tags:
        common.output.hint(f"Tags: {', '.join(_said(found))}.")


def _said(found: Annotation) -> list[str]:
    return [tag.name if tag.value is None else f"{tag.name}={tag.value}" for tag in found.tags]


@app.command
def put(medium: int, file: Asked[Path], *, common: Common = DEFAULT) -> None:
    """Make an item's labels what a file of JSON says: all of it, or nothing is changed.

    Args:
        medium: The item's number.
        file: tags, objects and figures as JSON, or what `pinakes labels show --json` printed; - for standard input.
    """
    with common.client() as client:
        done = client.labels.put(medium, annotation_of(file))
    if common.output.json:
        common.output.data(done)
    common.output.hint(f"{len(done.figures):,} figures, {len(done.tags):,} tags.")


@app.command
def export(
    file: Path | None = None,
    query: str | None = None,
    *,
    project: str | None = None,
    dataset: str | None = None,
    collection: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Write the labels of items as JSON lines, an item in each, as `pinakes labels import` reads them.

    Args:
        file: Where to; the standard output without it.
        query: Only items that this finds, such as 'tag:checked -class:car'.
        project: Of this project, OWNER/PROJECT or its number; one of --project, --dataset and --collection is needed.
        dataset: Of this dataset and those in it.
        collection: In this collection, by its id or slug.
    """
    from pinakes.sdk.files import Target

    number = 0
    with common.client() as client, Target(sys.stdout.buffer if file is None else file) as target:
        for one in client.labels.export(query, project=project, dataset=dataset, recursive=True, collection=collection):
            target.write(one.model_dump_json().encode() + b"\n")
            number += 1
    sys.stdout.flush()
    common.output.wrote(number, "items", file)


@app.command(name="import")
def import_(file: Asked[Path], *, atomic: Flag = False, common: Common = DEFAULT) -> int:
    """Make the labels of items what a file of JSON lines says. Repeating it does no harm.

    Args:
        file: Lines like {"item": 17, "figures": […]}, or an export; - for standard input.
        atomic: All lines, or none.
    """
    with common.client() as client, common.progress("Importing") as progress:
        done = client.labels.put_many(_lines(file), atomic=atomic, progress=progress)
    if common.output.json:
        common.output.data({"sent": done.sent, "saved": done.saved, "refused": done.refused, "problems": done.problems})
    for line in done.problems[:_TOLD]:
        say(f"line {line.line}: {line.error.message if line.error else line.outcome}")
    common.output.hint(f"{done.saved:,} of {done.sent:,} items saved.")
    return errors.PARTLY if done.refused else errors.DONE


def _lines(file: Path) -> Iterator[tuple[int, Any]]:
    import orjson

    from pinakes.sdk.errors import Invalid

    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as opened:
        for number, line in enumerate(opened, 1):
            if not line.strip():
                continue
            try:
                found = orjson.loads(line)
                item = int(found.pop("item"))
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                message = f"Line {number} of {file} is no annotation: it takes JSON with an item."
                raise Invalid(message, code="invalid", field="file") from error
            yield item, _annotation({**found, "item": item}) if "updated_at" in found else found


def _annotation(found: dict[str, Any]) -> Any:  # noqa: ANN401 - an annotation that was read, or plain data
    from pinakes.api.labels import Annotation

    return Annotation.model_validate(found) if "updated_at" in found else found


def annotation_of(file: Path) -> Any:  # noqa: ANN401 - an annotation that was read, or plain data
    """Read an annotation from a file of JSON, or from the standard input (`-`).

    Raises:
        Invalid: It holds none.
    """
    return _annotation(_read(file))


def _read(file: Path) -> dict[str, Any]:
    import orjson

    from pinakes.sdk.errors import Invalid

    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        message = f"{file} is not JSON: {error}."
        raise Invalid(message, code="invalid", field="file") from error
    if not isinstance(found, dict):
        message = f"{file} holds no annotation: it takes a JSON object."
        raise Invalid(message, code="invalid", field="file")
    return {str(name): value for name, value in found.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


@app.command
def history(figure: int, *, limit: int = 100, common: Common = DEFAULT) -> None:
    """Show what a figure was before, newest first, and who changed it.

    Args:
        figure: Its number.
        limit: How many at most.
    """
    columns: list[Column[FigureVersion]] = [
        Column("until", lambda v: v.until),
        Column("since", lambda v: v.since),
        Column("changed by", lambda v: v.changed_by),
        Column("removed", lambda v: v.removed),
        Column("geometry", lambda v: v.geometry_type),
    ]
    with common.client() as client:
        rows = client.labels.history(figure).first(limit)
        common.output.rows(rows, columns, name=lambda v: v.figure, nothing="It never changed.")
