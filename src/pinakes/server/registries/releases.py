"""Releases themselves: made with one or more types and perhaps a first link, given more types, and deleted.

Renaming, describing, tagging and bringing back are verbs of the collections room, as for every collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.catalog.projects import get_project
from pinakes.server.collections import numbered, service as collections
from pinakes.server.collections.change import finish, hold
from pinakes.server.collections.types import Card
from pinakes.server.db import Tx
from pinakes.server.errors import AccountNotFound, CollectionNotFound, Invalid, ProjectNotFound, RegistryNotFound
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import checks, links, service as registries, shelves
from pinakes.server.registries.service import SQL
from pinakes.server.registries.types import Created, Existing, FirstLink, InProject, InRegistry


async def create(
    tx: Tx,
    actor: Actor,
    target: InRegistry | InProject,
    types: Sequence[str],
    *,
    description: str = "",
    tags: Sequence[str] = (),
    link: FirstLink | None = None,
    reason: str | None = None,
) -> Created:
    """Make a release in a registry or a project, perhaps with the version that it begins with.

    Raises:
        NameTaken: there is one of that name, or an artifact.
        TypeNotAccepted: the registry does not accept one of the types, or the release not that of the first version.
        AccountNotFound, RegistryNotFound, ProjectNotFound: the target is nothing that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write there.
        Invalid: no types, a field that can't be; and all that `links.link` raises for the first version.
    """
    accepted = checks.types(types)
    if not accepted:
        message = "A release accepts at least one type of versions."
        raise Invalid(message, field="types")
    source = await links.source_of(tx, actor, link.version_id) if link else None
    place = await shelves.place(tx, actor, target, source)
    shelves.accepting(place.shelf, accepted)
    made = await links.make(tx, actor, place, accepted, description=description, tags=tags, reason=reason)
    first = None
    if link is not None:
        first = await links.link(tx, actor, link.version_id, Existing(made), link.aliases, reason=reason)
    return Created(await shelves.card(tx, actor, made), first)


async def named(tx: Tx, actor: Actor, owner: str, place: str, name: str) -> Card:
    """Return a release of an organization's registry, or an artifact or release of an owner's project, by its name.

    Where a registry and a project have the same name, the registry's comes first.

    Raises:
        CollectionNotFound: there is no such one that the actor sees.
    """
    for number in (await _in_registry(tx, actor, owner, place, name), await _in_project(tx, actor, owner, place, name)):
        if number is not None and (found := await numbered.cards(tx, actor, [number])):
            return found[number]
    message = f"There is no artifact or release {name[:200]!r} in {f'{owner}/{place}'[:300]!r}."
    raise CollectionNotFound(message)


async def _in_registry(tx: Tx, actor: Actor, organization: str, registry: str, name: str) -> int | None:
    try:
        shelf = await registries.locate(tx, actor, organization, registry)
    except (AccountNotFound, RegistryNotFound):
        return None
    return await numbered.find(tx, owner_id=shelf.id, container_id=None, title=name)


async def _in_project(tx: Tx, actor: Actor, owner: str, project: str, name: str) -> int | None:
    try:
        found = await get_project(tx, actor, owner, project)
    except (AccountNotFound, ProjectNotFound):
        return None
    return await numbered.find(tx, owner_id=found.owner_id, container_id=found.id, title=name)


async def add_types(
    tx: Tx,
    actor: Actor,
    ref: str | int,
    types: Sequence[str],
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> Card:
    """Let a release accept more types of versions; it never accepts fewer.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it.
        PreconditionFailed: it has another revision than the one expected.
        TypeNotAccepted: its registry does not accept one of them.
        Invalid: it is an artifact, whose one type is its own; no type.
    """
    wanted = checks.types(types)
    there = await shelves.release(tx, actor, ref)
    shelf = await shelves.shelf_of(tx, actor, there.owner_id) if there.owner_kind == "registry" else None
    held = await hold(tx, actor, there.id, Permission.COLLECTION_UPDATE, expected=expected)
    if held.kind != "release":
        message = f"{held.title} is an artifact; it has one type."
        raise Invalid(message, field="types")
    shelves.accepting(shelf, wanted)
    present = cast("list[str]", await tx.value(SQL.types_of, id=held.id))
    if new := [name for name in wanted if name not in present]:
        await tx.run(SQL.set_types, id=held.id, types=[*present, *new])
        before, after = {"types": present}, {"types": [*present, *new]}
        await finish(tx, actor, held, "collection.updated", before=before, after=after, item_id=held.id, reason=reason)
    return await shelves.card(tx, actor, held.id)


async def delete(tx: Tx, actor: Actor, ref: str | int, *, reason: str | None = None) -> None:
    """Put a release into the trash. Where one of its aliases is protected, that takes who may remove the alias.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not delete it.
        AliasProtected: one of its aliases is not his to remove.
        Invalid: it is an artifact.
    """
    there = await shelves.release(tx, actor, ref)
    if there.kind != "release":
        message = f"{there.title} is an artifact; delete it with its versions."
        raise Invalid(message, field="collection")
    await collections.delete(tx, actor, there.public_id, reason=reason)
