"""Making a selection: what the verbs of selections, of copies and of set operations share."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server import db
from pinakes.server.actor import Actor
from pinakes.server.collections.change import author
from pinakes.server.collections.ids import new_public_id
from pinakes.server.collections.rules import fields, selection
from pinakes.server.collections.selection_types import ProjectOf, Taker
from pinakes.server.db import Tx, load
from pinakes.server.errors import Conflict, Invalid, ProjectNotFound, TitleTaken
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "selections.sql")

LAST_ID = 2**31 - 1
KEY_LENGTH = 1000


async def project_of(tx: Tx, actor: Actor, project_id: int | None, *, keep: bool = False) -> ProjectOf:
    """Return a project that an actor sees, as far as its selections need it; with `keep`, nobody deletes it meanwhile.

    Raises:
        ProjectNotFound: there is none that he sees.
    """
    seen = sight(actor)
    found = None
    if project_id is not None and 0 < project_id <= LAST_ID:
        asked = {"id": project_id, "everything": seen.everything, "accounts": seen.accounts}
        found = await tx.one(SQL.kept_project_of if keep else SQL.project_of, ProjectOf, **asked)
    if found is None:
        raise ProjectNotFound(field="project")
    return found


async def make_selection(
    tx: Tx,
    actor: Actor,
    project_id: int | None,
    name: str,
    *,
    description: str = "",
    search_key: str | None = None,
    tags: Sequence[str] = (),
    theme: str = "orange",
    reason: str | None = None,
) -> int:
    """Make an empty selection in a project, and return its id.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
        Forbidden: he may not make collections there.
        Invalid: it is no project of media, or a field breaks the rules.
        TitleTaken: the project has one of that name; `details["id"]` is its number, `details["slug"]` its address.
    """
    project = await project_of(tx, actor, project_id, keep=True)
    require(
        actor,
        Permission.COLLECTION_CREATE,
        owner_id=project.owner_id,
        visibility=project.visibility,
        missing=ProjectNotFound,
    )
    if project.data_type is None:
        message = "That project has no media, so nothing can be selected in it."
        raise Invalid(message, field="project")
    title = fields.title(name, selection.RULES)
    values = {
        "title": title,
        "name": fields.words(title),
        "visibility": project.visibility,
        "description": fields.text(description, "description", longest=selection.RULES.description_length),
        "theme": fields.theme(theme),
        "tags": fields.tags(tags),
    }
    made = await tx.value(
        SQL.make_selection,
        project_id=project.id,
        owner_id=project.owner_id,
        data_type=project.data_type,
        search_key=_search_key(search_key, project.data_type),
        name_key=key_of(title),
        public_id=new_public_id(),
        after=db.json(values),
        reason=fields.reason(reason),
        **values,
        **author(actor),
    )
    if made is None:
        raise await taken(tx, project.id, title)
    return int(made)


async def taken(tx: Tx, project_id: int | None, title: str) -> Exception:
    """Say which selection of a project has a name already."""
    there = await tx.one(SQL.taker, Taker, project_id=project_id, name_key=key_of(title))
    if there is None:  # it was deleted between the refusal and this look
        return Conflict("Another change was made at the same moment; try again.")
    message = f"There is a selection named {title!r} in this project already."
    return TitleTaken(message, field="title", details={"id": there.id, "slug": there.slug, "name": there.title})


def _search_key(value: str | None, data_type: str) -> str | None:
    """Check the key of the search that a selection's scores come from: searches find images."""
    if value is None:
        return None
    if data_type != "images":
        message = f"Only a project of images has selections of what a search found; this is one of {data_type}."
        raise Invalid(message, field="search_key")
    if not value:
        message = "The key of the search must not be empty."
        raise Invalid(message, field="search_key")
    return fields.text(value, "search_key", longest=KEY_LENGTH)


def key_of(title: str) -> str:
    """Return what no two selections of a project may share."""
    return selection.RULES.key_prefix + fields.title_key(title)
