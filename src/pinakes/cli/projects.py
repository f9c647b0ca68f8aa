# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes projects …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.releases import Project

app = App(name="projects", help="Keep the projects where runs and artifacts are logged.")

Flag = Annotated[bool, Parameter(negative="")]


def _name(project: Project) -> str:
    return f"{project.owner}/{project.name}"


def _columns() -> list[Column[Project]]:
    return [
        Column("project", _name, style="cyan"),
        Column("visibility", lambda p: p.visibility),
        Column("description", lambda p: p.description),
        Column("created by", lambda p: p.created_by),
        Column("created", lambda p: p.created_at),
        Column("changed", lambda p: p.updated_at),
    ]


@app.command
def ls(owner: str | None = None, *, limit: int = 100, common: Common = DEFAULT) -> None:
    """List projects, newest first; `pinakes artifacts ls` lists what is in one.

    Args:
        owner: Whose; all that you see without it.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.projects.list(owner).first(limit)
        common.output.rows(rows, _columns(), name=_name, nothing="No projects.")


@app.command
def create(project: str, *, description: str | None = None, common: Common = DEFAULT) -> None:
    """Make a project; one that is there already is shown as it is. Logging a version makes its project, too.

    Args:
        project: OWNER/PROJECT.
        description: What it is for.
    """
    with common.client() as client:
        common.output.one(client.projects.create(project, description=description), _columns(), name=_name)


@app.command
def info(project: str, *, common: Common = DEFAULT) -> None:
    """Show a project.

    Args:
        project: OWNER/PROJECT.
    """
    with common.client() as client:
        common.output.one(client.projects.get(project), _columns(), name=_name)


@app.command
def update(
    project: str,
    *,
    name: str | None = None,
    description: str | None = None,
    visibility: Literal["public", "private"] | None = None,
    common: Common = DEFAULT,
) -> None:
    """Change a project; what is left out stays.

    Args:
        project: OWNER/PROJECT.
        name: Its name; the former one leads there.
        description: What it is for.
        visibility: Who sees it.
    """
    with common.client() as client:
        changed = client.projects.update(project, name=name, description=description, visibility=visibility)
    common.output.one(changed, _columns(), name=_name)


@app.command
def rm(project: str, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Delete a project with all its runs and artifacts.

    Args:
        project: OWNER/PROJECT.
        missing_ok: That there is none is no mistake.
        yes: Yes, with everything.
    """
    confirmed(f'pinakes projects rm "{project}" --yes', given=yes)
    with common.client() as client:
        client.projects.delete(project, missing_ok=missing_ok)
    common.output.hint(f"{project} is gone.")
