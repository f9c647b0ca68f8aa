"""Projects: the work areas of users, teams and organizations, where runs and artifacts live."""

from __future__ import annotations

from pinakes.server.actor import Actor
from pinakes.server.catalog import checks
from pinakes.server.catalog.lookup import LAST_ID, SQL as ITEMS, create, hold_still, owner_filter, taken
from pinakes.server.catalog.types import Project, ProjectChanges
from pinakes.server.db import IntegrityError, Tx, load, violated
from pinakes.server.errors import AccountNotFound, Invalid, NameTaken, ProjectNotFound
from pinakes.server.events import service as events
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people import service as people
from pinakes.server.people.checks import is_plain
from pinakes.server.people.holders import TAKE_OUT_DELETED, refuse_if_held
from pinakes.server.people.types import Account
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.tasks import defer

SQL = load(__package__, "projects.sql")

LONGEST_NAME = 128
LONGEST_DESCRIPTION = 100_000
MOST = 1000

_REFUSED = frozenset("/\\#?%:")
_OWNERS = ("user", "team", "organization")


async def ensure_project(tx: Tx, actor: Actor, owner: Account, name: str) -> Project:
    """Return the project of that name, present or former, and make it where there is none; it is private then.

    Raises:
        Invalid: the name can't be one, or the owner is nobody who has projects.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write into this owner's projects.
        AccountNotFound: the owner was deleted meanwhile.
    """
    if owner.kind not in _OWNERS:
        message = f"A {owner.kind} has no projects; users, teams and organizations have."
        raise Invalid(message, field="owner")
    require(actor, Permission.PROJECT_WRITE, owner_id=owner.id, visibility="public")
    project_name(name)
    found = await _find(tx, actor, owner.name, name)
    if found is not None:
        return found
    await people.account(tx, owner.name, keep=True)
    try:
        made = await create(tx, actor, "project", owner.id, name, title="", visibility="private")
    except NameTaken:  # another call has just made it
        return await get_project(tx, actor, owner.name, name)
    await tx.run(SQL.create_project_facts, id=made, description="", created_by=actor.user_id)
    return await project_by_id(tx, actor, made)


async def get_project(tx: Tx, actor: Actor, owner_name: str, name: str) -> Project:
    """Return a project by its owner's name and its own, in any case; a former name finds it too.

    Raises:
        ProjectNotFound: there is none that the actor sees.
    """
    found = await _find(tx, actor, owner_name, name)
    if found is None:
        message = f"There is no project {f'{owner_name}/{name}'[:300]!r}, or you may not see it."
        raise ProjectNotFound(message, field="project")
    return found


async def project_by_id(tx: Tx, actor: Actor, project_id: int) -> Project:
    """Return a project by its number.

    Raises:
        ProjectNotFound: there is none that the actor sees.
    """
    seen = sight(actor)
    found = None
    if 0 < project_id <= LAST_ID:
        found = await tx.one(
            SQL.project_by_id, Project, id=project_id, everything=seen.everything, accounts=seen.accounts
        )
    if found is None:
        raise ProjectNotFound(field="project")
    return found


async def list_projects(
    tx: Tx,
    actor: Actor,
    owner_name: str | None = None,
    *,
    by_number: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Project]:
    """List the projects that the actor sees, of one owner or of all, newest first; an unknown owner has none.

    With `by_number` all are among them that are found by their numbers, as no name leads to them: those outside of an
    owner's first workspace, and those in which a labeler has a job.

    Raises:
        Invalid: the limit is not 1 to 1000, or the cursor is none of ours.
    """
    if not 1 <= limit <= MOST:
        message = f"limit must be 1 to {MOST}."
        raise Invalid(message, field="limit")
    below = decode_cursor(cursor, int)[0] if cursor else LAST_ID
    try:
        owner_id = await owner_filter(tx, owner_name)
    except AccountNotFound:
        return Page([])
    seen = sight(actor)
    rows = await tx.all(
        SQL.projects,
        Project,
        owner_id=owner_id,
        below=below,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
        by_number=by_number,
        at_work=seen.at_work if by_number else [],
        worker=seen.worker,
    )
    return cut(rows, limit, lambda project: (project.id,))


async def update_project(tx: Tx, actor: Actor, project_id: int, changes: ProjectChanges) -> Project:
    """Give a project new values; all that is in it follows its visibility, and its versions its name.

    Raises:
        ProjectNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it; another name is for admins.
        Invalid: a value can't be.
        NameTaken: the owner has a project of that name.
    """
    project = await project_by_id(tx, actor, project_id)
    name = None if changes.name is None else project_name(changes.name)
    visibility = None if changes.visibility is None else checks.visibility(changes.visibility)
    description = changes.description
    if description is not None:
        description = checks.text(description, "description", LONGEST_DESCRIPTION)
    _require(actor, Permission.PROJECT_WRITE, project)
    if name not in {None, project.name}:
        _require(actor, Permission.ITEM_MOVE, project)
    if visibility not in {None, project.visibility}:
        await hold_still(tx)
    if await tx.value(SQL.hold_project_to_end, id=project.id) is None:
        raise ProjectNotFound(field="project")
    project = await project_by_id(tx, actor, project.id)
    await _write(tx, actor, project, description, visibility)
    if name is not None and name != project.name:
        await rename(tx, actor, project, name)
    return await project_by_id(tx, actor, project.id)


async def delete_project(tx: Tx, actor: Actor, project_id: int) -> None:
    """Delete a project with its artifacts, their versions, and the releases in it.

    Raises:
        ProjectNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor is not an admin of its owner.
        RegistryHolds: a registry that lets nothing go holds versions of it.
    """
    project = await project_by_id(tx, actor, project_id)
    _require(actor, Permission.PROJECT_DELETE, project)
    await hold_still(tx)
    if await tx.value(SQL.hold_project_to_end, id=project.id) is None:
        raise ProjectNotFound(field="project")
    if await tx.rows(SQL.hold_versions_in, id=project.id):
        await refuse_if_held(tx, actor, project_id=project.id)
        await defer(tx, TAKE_OUT_DELETED, once=TAKE_OUT_DELETED)
    await tx.run(SQL.delete_project_content, id=project.id, actor_id=actor.user_id)
    if await tx.value(SQL.is_addressed, id=project.id):
        await tx.run(ITEMS.forget_redirect, kind="project", owner_id=project.owner_id, name=project.name, only_to=None)
    before = {"name": project.name, "visibility": project.visibility}
    await events.record(tx, actor, "project.deleted", account_id=project.owner_id, item_id=project.id, before=before)


async def hold_items_still(tx: Tx) -> None:
    """Keep items from changing how collections see them: for whoever deletes several projects, before all else."""
    await hold_still(tx)


async def hold_project(tx: Tx, project_id: int) -> None:
    """Keep a project from being deleted until the transaction ends: for whoever makes something in it.

    Locks on projects come before those on versions, and those before locks on collections.

    Raises:
        ProjectNotFound: it is gone.
    """
    if await tx.value(SQL.keep_project, id=project_id) is None:
        raise ProjectNotFound(field="project")


def project_name(name: str, field: str = "project") -> str:
    """Return the name of a project, if it can be one.

    Raises:
        Invalid: it is empty, too long, or has characters that an address could not carry.
    """
    fits = 1 <= len(name) <= LONGEST_NAME and name == name.strip() and name not in {".", ".."}
    if not fits or not name.isprintable() or _REFUSED.intersection(name):
        message = (
            f"{name[:80]!r} can't be the name of a project: it has 1 to {LONGEST_NAME} printable characters, "
            "none of / \\ # ? % : and no blanks around it."
        )
        raise Invalid(message, field=field)
    return name


async def _find(tx: Tx, actor: Actor, owner_name: str, name: str) -> Project | None:
    if not is_plain(owner_name) or not is_plain(name):
        return None
    seen = sight(actor)
    return await tx.one(
        SQL.project_by_name,
        Project,
        owner=owner_name,
        name=name,
        everything=seen.everything,
        accounts=seen.accounts,
    )


async def _write(tx: Tx, actor: Actor, project: Project, description: str | None, visibility: str | None) -> None:
    """Write a description and a visibility, and record what changed."""
    if description is not None and description != project.description:
        await tx.run(SQL.describe_project, id=project.id, description=description)
        await tx.run(ITEMS.touch_item, id=project.id, title=None, visibility=None)
        after = {"fields": ["description"]}
        await events.record(tx, actor, "project.updated", account_id=project.owner_id, item_id=project.id, after=after)
    if visibility is not None and visibility != project.visibility:
        await tx.run(ITEMS.touch_item, id=project.id, title=None, visibility=visibility)
        await tx.run(SQL.show_project_content, id=project.id, visibility=visibility)
        await events.record(
            tx,
            actor,
            "project.shown" if visibility == "public" else "project.hidden",
            account_id=project.owner_id,
            item_id=project.id,
            before={"visibility": project.visibility},
            after={"visibility": visibility},
        )


async def rename(tx: Tx, actor: Actor, project: Project, name: str) -> None:
    """Give a project another name; the old one leads to it until something else takes it.

    Whoever calls this has checked the name, asked for permission, and holds the project. A project outside the first
    workspace is found by its number only, so no name leads to it.

    Raises:
        NameTaken: its workspace has a project of that name.
    """
    owner_id = project.owner_id
    try:
        async with tx.savepoint():
            addressed = await tx.value(SQL.rename_project, id=project.id, name=name)
    except IntegrityError as error:
        if violated(error) != "items_name_taken":
            raise
        raise await taken(tx, "project", owner_id, name) from error
    if addressed and name.lower() != project.name.lower():
        await tx.run(ITEMS.redirect, kind="project", owner_id=owner_id, name=project.name, id=project.id)
        await tx.run(ITEMS.forget_redirect, kind="project", owner_id=owner_id, name=name, only_to=project.id)
    await events.record(
        tx,
        actor,
        "project.renamed",
        account_id=owner_id,
        item_id=project.id,
        before={"name": project.name},
        after={"name": name},
    )


def _require(actor: Actor, permission: Permission, project: Project) -> None:
    require(
        actor,
        permission,
        owner_id=project.owner_id,
        visibility=project.visibility,
        missing=ProjectNotFound,
    )
