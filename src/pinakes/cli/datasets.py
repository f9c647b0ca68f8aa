# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes datasets …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.media import Dataset

app = App(name="datasets", help="Keep the datasets of a project of media: its folders.")

Flag = Annotated[bool, Parameter(negative="")]


def _columns() -> list[Column[Dataset]]:
    return [
        Column("id", lambda d: d.id, style="cyan", right=True),
        Column("name", lambda d: d.name),
        Column("in", lambda d: d.parent),
        Column("project", lambda d: d.project),
        Column("items", lambda d: d.item_count, right=True),
        Column("size", lambda d: d.size, right=True),
        Column("description", lambda d: d.description),
        Column("changed", lambda d: d.updated_at),
    ]


@app.command
def ls(
    project: str,
    *,
    parent: str | None = None,
    top: Flag = False,
    limit: int = 1000,
    common: Common = DEFAULT,
) -> None:
    """List the datasets of a project, at any depth.

    Args:
        project: OWNER/PROJECT, or its number.
        parent: Only those right in this dataset.
        top: Only those that are in no other.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.datasets.list(project, parent=parent, top=top).first(limit)
        common.output.rows(rows, _columns(), name=lambda d: d.id, nothing="No datasets.")


@app.command
def create(
    project: str,
    name: str,
    *,
    parent: str | None = None,
    description: str | None = None,
    exists_ok: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Make a dataset.

    Args:
        project: OWNER/PROJECT, or its number.
        name: Its name.
        parent: The dataset that it goes into, as OWNER/PROJECT/DATASET or its number.
        description: What it holds.
        exists_ok: Show the one of that name if there is one.
    """
    with common.client() as client:
        made = client.datasets.create(project, name, parent=parent, description=description, exists_ok=exists_ok)
    common.output.one(made, _columns(), name=lambda d: d.id)


@app.command
def info(dataset: str, *, common: Common = DEFAULT) -> None:
    """Show a dataset.

    Args:
        dataset: OWNER/PROJECT/DATASET, or its number.
    """
    with common.client() as client:
        common.output.one(client.datasets.get(dataset), _columns(), name=lambda d: d.id)


@app.command
def update(dataset: str, *, name: str | None = None, description: str | None = None, common: Common = DEFAULT) -> None:
    """Change a dataset; what is left out stays.

    Args:
        dataset: OWNER/PROJECT/DATASET, or its number.
        name: Its name.
        description: What it holds.
    """
    with common.client() as client:
        changed = client.datasets.update(dataset, name=name, description=description)
    common.output.one(changed, _columns(), name=lambda d: d.id)


@app.command
def move(dataset: str, *, into: str | None = None, common: Common = DEFAULT) -> None:
    """Put a dataset into another one of its project, or to the top.

    Args:
        dataset: OWNER/PROJECT/DATASET, or its number.
        into: The dataset that it goes into; the top without it.
    """
    with common.client() as client:
        common.output.one(client.datasets.move(dataset, into), _columns(), name=lambda d: d.id)


@app.command
def rm(
    dataset: str,
    *,
    missing_ok: Flag = False,
    yes: Flag = False,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Remove a dataset with all that is in it; its items leave every collection that holds them.

    Args:
        dataset: OWNER/PROJECT/DATASET, or its number.
        missing_ok: That there is none is no mistake.
        yes: Yes, with everything.
        reason: Why; kept in the history.
    """
    confirmed(f'pinakes datasets rm "{dataset}" --yes', given=yes)
    with common.client() as client:
        client.datasets.delete(dataset, missing_ok=missing_ok, reason=reason)
    common.output.done(f"{dataset} is gone.", removed=dataset)
