"""Artifacts, the named lines of versions, and with them the releases of a project: found, listed, changed, deleted."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.artifacts import checks
from pinakes.server.artifacts.access import SQL
from pinakes.server.artifacts.types import ArtifactType, Version
from pinakes.server.artifacts.versions import end
from pinakes.server.catalog.projects import project_by_id
from pinakes.server.catalog.service import hold_still
from pinakes.server.collections import numbered, service as collections
from pinakes.server.collections.change import SQL as ENTRIES, finish, hold
from pinakes.server.collections.types import Card, FieldChanges, Locked
from pinakes.server.db import Tx
from pinakes.server.errors import CollectionNotFound, Conflict, Invalid
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people.checks import is_plain
from pinakes.server.people.holders import refuse_if_held
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission

PAGE = 1000
KINDS = ("artifact", "release")


async def types(tx: Tx, actor: Actor, project_id: int) -> list[ArtifactType]:
    """List the types of artifacts that a project knows, by name.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
    """
    project = await project_by_id(tx, actor, project_id)
    return await tx.all(SQL.types, ArtifactType, project_id=project.id, name=None)


async def find_type(tx: Tx, actor: Actor, project_id: int, name: str) -> ArtifactType | None:
    """Return the type of that name, if a project knows it.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
    """
    project = await project_by_id(tx, actor, project_id)
    if not is_plain(name):
        return None
    return await tx.one(SQL.types, ArtifactType, project_id=project.id, name=name)


async def register_type(tx: Tx, actor: Actor, project_id: int, name: str, *, description: str = "") -> ArtifactType:
    """Make a type known in a project before anything of it is logged; again, only its description changes.

    Raises:
        ProjectNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write into the project.
        Invalid: the name or the description can't be one.
    """
    project = await project_by_id(tx, actor, project_id)
    require(actor, Permission.PROJECT_WRITE, owner_id=project.owner_id, visibility=project.visibility)
    name = checks.type_name(name)
    await tx.run(SQL.know_type, project_id=project.id, name=name)
    await tx.run(SQL.describe_type, project_id=project.id, name=name, description=checks.description(description))
    found = await find_type(tx, actor, project.id, name)
    assert found is not None
    return found


async def card(tx: Tx, actor: Actor, collection_id: int) -> Card:
    """Return an artifact or release.

    Raises:
        CollectionNotFound: there is none that the actor sees.
    """
    found = await numbered.cards(tx, actor, [collection_id]) if checks.is_id(collection_id) else {}
    if collection_id not in found:
        raise CollectionNotFound
    return found[collection_id]


async def find(
    tx: Tx,
    actor: Actor,
    project_id: int,
    name: str,
    *,
    type: str | None = None,  # noqa: A002 - what it is called
    kind: str | None = None,
) -> Card | None:
    """Return the artifact or release of that name in a project, if there is one of that type and kind.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
    """
    project = await project_by_id(tx, actor, project_id)
    number = await numbered.find(tx, owner_id=project.owner_id, container_id=project.id, title=name)
    found = None if number is None else (await numbered.cards(tx, actor, [number])).get(number)
    if found is None or (type is not None and type not in found.types) or kind not in {None, found.kind}:
        return None
    return found


async def page(
    tx: Tx,
    actor: Actor,
    project_id: int,
    *,
    type: str | None = None,  # noqa: A002 - what it is called
    kind: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Card]:
    """List the artifacts and releases of a project by name, of all types and kinds or of one.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
        Invalid: the kind, the limit or the cursor can't be.
    """
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    project = await project_by_id(tx, actor, project_id)
    after, after_id = decode_cursor(cursor, str, int) if cursor else ("", 0)
    rows = await tx.rows(
        SQL.collections_in,
        project_id=project.id,
        after=after,
        after_id=after_id,
        limit=limit + 1,
        **_narrowed(type, kind),
    )
    shown = cut(rows, limit, lambda row: (row[1], row[0]))
    cards = await numbered.cards(tx, actor, [row[0] for row in shown.rows])
    return Page([cards[row[0]] for row in shown.rows if row[0] in cards], shown.next)


async def count(
    tx: Tx,
    actor: Actor,
    project_id: int,
    *,
    type: str | None = None,  # noqa: A002 - what it is called
    kind: str | None = None,
) -> int:
    """Count the artifacts and releases of a project, of all types and kinds or of one.

    Raises:
        ProjectNotFound: there is no such project that the actor sees.
        Invalid: there is no such kind.
    """
    project = await project_by_id(tx, actor, project_id)
    return int(await tx.value(SQL.count_collections_in, project_id=project.id, **_narrowed(type, kind)))


async def latest(tx: Tx, actor: Actor, artifact_id: int) -> Version | None:
    """Return what an artifact's alias `latest` names, else its newest version.

    Raises:
        CollectionNotFound: there is no such artifact that the actor sees.
    """
    found = await card(tx, actor, artifact_id)
    return await tx.one(SQL.latest, Version, artifact_id=found.id)


async def update(
    tx: Tx,
    actor: Actor,
    ref: str | int,
    *,
    name: str | None = None,
    description: str | None = None,
    tags: list[str] | None = None,
    reason: str | None = None,
) -> Card:
    """Give an artifact, or a release in a project, new values; its versions are called after its new name.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it.
        Invalid: a value can't be.
        TitleTaken: the project has another one of that name.
    """
    public_id = (await card(tx, actor, ref)).public_id if isinstance(ref, int) else ref
    title = None if name is None else checks.name(name)
    changes = FieldChanges(title=title, description=description, tags=tags)
    changed = await collections.update(tx, actor, public_id, changes, reason=reason)
    return await card(tx, actor, changed.id)


async def move_type(tx: Tx, actor: Actor, artifact_id: int, type: str, *, reason: str | None = None) -> Card:  # noqa: A002
    """Give an artifact, and so all its versions, another type.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it.
        Invalid: the type can't be one, or it is a release.
        Conflict: a release that doesn't accept the type holds a version.
    """
    checks.type_name(type)
    found = await card(tx, actor, artifact_id)
    await tx.rows(SQL.hold_versions_of, artifact_id=found.id)
    held = await hold(tx, actor, found.id, Permission.COLLECTION_UPDATE)
    if held.kind != "artifact" or found.container_id is None:
        message = "A release has a list of types that only grows; an artifact has one, which can change."
        raise Invalid(message, field="type")
    if found.types == [type]:
        return found
    await tx.run(SQL.know_type, project_id=found.container_id, name=type)
    if refusing := await _refusing(tx, actor, found.id, type):
        message = f"Releases hold versions of {found.title!r} and don't accept the type {type!r}: {refusing}."
        raise Conflict(message, field="type")
    await tx.run(SQL.set_types, id=found.id, types=[type])
    before, after = {"types": found.types}, {"types": [type]}
    await finish(tx, actor, held, "collection.updated", before=before, after=after, item_id=found.id, reason=reason)
    return await card(tx, actor, found.id)


async def delete(tx: Tx, actor: Actor, artifact_id: int, *, reason: str | None = None) -> None:
    """Delete an artifact with its versions, which leave every release but those that keep a note of what they were.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not delete it.
        Invalid: it is a release.
        RegistryHolds: a registry that lets nothing go holds versions of it.
    """
    found = await card(tx, actor, artifact_id)
    await hold_still(tx)
    versions = await tx.all(SQL.hold_versions_of, _item, artifact_id=found.id)
    held = await hold(tx, actor, found.id, Permission.COLLECTION_DELETE)
    if held.kind != "artifact":
        message = "That is a release; deleting it leaves the versions in it where they are."
        raise Invalid(message, field="collection")
    await refuse_if_held(tx, actor, artifact_id=found.id)
    items = [item_id for item_id in versions if item_id is not None]
    await end(tx, actor, items, leaving=found.id, reason=reason)
    count = await _empty(tx, actor, held, items)
    await tx.run(SQL.end_artifact, id=found.id, actor_id=actor.user_id)
    await finish(tx, actor, held, "collection.deleted", delta=-count, item_id=found.id, reason=reason)


async def _empty(tx: Tx, actor: Actor, held: Locked, items: Sequence[int]) -> int:
    """Take all versions out of an artifact that goes: who brings it back finds it empty. Return how many."""
    revision = held.revision + 1
    await tx.rows(
        numbered.SQL.drop_aliases, id=held.id, alias=None, item_id=None, revision=revision, actor_id=actor.user_id
    )
    return int(await tx.value(ENTRIES.remove, id=held.id, items=list(items), revision=revision))


async def _refusing(tx: Tx, actor: Actor, artifact_id: int, type: str) -> str:  # noqa: A002 - what it is called
    """Name the releases that hold an artifact's versions and refuse a type; of those out of sight, that there are."""
    seen = sight(actor)
    asked = {"everything": seen.everything, "accounts": seen.accounts}
    titles = await tx.all(SQL.refusing_type, _title, artifact_id=artifact_id, type=type, **asked)
    named = [title for title in titles if title is not None]
    return ", ".join([*named, *(["some that you can't see"] if len(named) < len(titles) else [])])


def _title(title: str | None) -> str | None:
    return title


def _item(item_id: int | None) -> int | None:
    return item_id


def _narrowed(type: str | None, kind: str | None) -> dict[str, object]:  # noqa: A002 - what it is called
    """Return what a list is narrowed to, as its queries take it."""
    if kind not in {None, *KINDS}:
        message = f"A collection of a project is one of {', '.join(KINDS)}."
        raise Invalid(message, field="kind")
    return {"type": type if type is None or is_plain(type) else "", "kind": kind}
