# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes projects …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.media import Workspace
    from pinakes.api.releases import Project

app = App(name="projects", help="Keep the projects where runs and artifacts are logged, and where media live.")

workspaces = App(name="workspaces", help="Keep the parts of an account's work, where its projects are.")

Flag = Annotated[bool, Parameter(negative="")]
DataType = Literal["images", "videos", "point_clouds", "point_cloud_episodes", "volumes"]


def _name(project: Project) -> str:
    return f"{project.owner}/{project.name}"


def _columns() -> list[Column[Project]]:
    return [
        Column("project", _name, style="cyan"),
        Column("media", lambda p: p.data_type),
        Column("items", lambda p: p.item_count, right=True),
        Column("visibility", lambda p: p.visibility),
        Column("description", lambda p: p.description),
        Column("created by", lambda p: p.created_by),
        Column("created", lambda p: p.created_at),
        Column("changed", lambda p: p.updated_at),
        Column("id", lambda p: p.id, right=True),
    ]


@app.command
def ls(
    owner: str | None = None,
    *,
    media: Flag = False,
    data_type: DataType | None = None,
    workspace: int | None = None,
    limit: int = 100,
    common: Common = DEFAULT,
) -> None:
    """List projects, newest first; `pinakes artifacts ls` and `pinakes datasets ls` list what is in one.

    Args:
        owner: Whose; all that you see without it.
        media: Only those of media.
        data_type: Only those of such media.
        workspace: Only those of this workspace.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.projects.list(owner, media=media, data_type=data_type, workspace=workspace).first(limit)
        common.output.rows(rows, _columns(), name=_name, nothing="No projects.")


@app.command
def create(
    project: str,
    *,
    description: str | None = None,
    data_type: DataType | None = None,
    workspace: int | None = None,
    exists_ok: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Make a project. One of runs that is there already is shown as it is; logging a version makes its project, too.

    Args:
        project: OWNER/PROJECT.
        description: What it is for.
        data_type: What media it holds; for runs and artifacts only without it.
        workspace: Of the owner's workspaces, by its number; the first one without it.
        exists_ok: Show the project of media of that name if there is one.
    """
    with common.client() as client:
        made = client.projects.create(
            project, description=description, data_type=data_type, workspace=workspace, exists_ok=exists_ok
        )
    common.output.one(made, _columns(), name=_name)


@app.command
def info(project: str, *, common: Common = DEFAULT) -> None:
    """Show a project.

    Args:
        project: OWNER/PROJECT, or its number.
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
        project: OWNER/PROJECT, or its number.
        name: Its name; the former one leads there.
        description: What it is for.
        visibility: Who sees it.
    """
    with common.client() as client:
        changed = client.projects.update(project, name=name, description=description, visibility=visibility)
    common.output.one(changed, _columns(), name=_name)


@app.command
def rm(project: str, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Delete a project with all its runs, artifacts and media.

    Args:
        project: OWNER/PROJECT, or its number.
        missing_ok: That there is none is no mistake.
        yes: Yes, with everything.
    """
    confirmed(f'pinakes projects rm "{project}" --yes', given=yes)
    with common.client() as client:
        client.projects.delete(project, missing_ok=missing_ok)
    common.output.done(f"{project} is gone.", removed=project)


def _workspace_columns() -> list[Column[Workspace]]:
    return [
        Column("id", lambda w: w.id, style="cyan", right=True),
        Column("name", lambda w: w.name),
        Column("account", lambda w: w.account),
        Column("description", lambda w: w.description),
        Column("hidden", lambda w: w.hidden),
    ]


@workspaces.command(name="ls")
def list_workspaces(account: str | None = None, *, common: Common = DEFAULT) -> None:
    """List the workspaces of an account.

    Args:
        account: Whose; your own without it.
    """
    with common.client() as client:
        rows = client.workspaces.list(account).all()
    common.output.rows(rows, _workspace_columns(), name=lambda w: w.id)


@workspaces.command(name="create")
def create_workspace(
    name: str, *, account: str | None = None, description: str | None = None, common: Common = DEFAULT
) -> None:
    """Make a workspace.

    Args:
        name: Its name.
        account: Whose; your own without it.
        description: What it is for.
    """
    with common.client() as client:
        made = client.workspaces.create(name, account=account, description=description)
    common.output.one(made, _workspace_columns(), name=lambda w: w.id)


@workspaces.command(name="rm")
def remove_workspace(workspace: int, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Take a workspace away; the first one of an account stays.

    Args:
        workspace: Its number.
        missing_ok: That there is none is no mistake.
        yes: Yes, with all that is in it.
    """
    confirmed(f"pinakes workspaces rm {workspace} --yes", given=yes)
    with common.client() as client:
        client.workspaces.delete(workspace, missing_ok=missing_ok)
    common.output.done("The workspace is gone.", removed=workspace)
