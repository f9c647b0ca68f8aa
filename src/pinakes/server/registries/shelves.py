"""Where a release is or shall be: what a target names, with what linking goes by about its registry or project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pinakes.server.actor import Actor
from pinakes.server.catalog.projects import ensure_project, hold_project, project_by_id
from pinakes.server.collections import numbered
from pinakes.server.collections.change import look, view
from pinakes.server.collections.types import Card, Collection
from pinakes.server.db import Tx
from pinakes.server.errors import CollectionNotFound, Invalid, RegistryNotFound, TypeNotAccepted
from pinakes.server.people.checks import is_plain
from pinakes.server.people.organizations import find_organization
from pinakes.server.people.service import account
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import checks
from pinakes.server.registries.service import SQL
from pinakes.server.registries.types import InProject, InRegistry, Shelf, Source


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release is or shall be: who owns it, its registry or project, and its name.

    Attributes:
        visibility: Of a release that is made there.
    """

    owner_id: int
    shelf: Shelf | None
    project_id: int | None
    visibility: str
    title: str


async def place(tx: Tx, actor: Actor, target: InRegistry | InProject, source: Source | None) -> Place:
    """Return the place that a target names; its registry or project stays as it is until the transaction ends.

    Raises:
        AccountNotFound, RegistryNotFound, ProjectNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write there.
        Invalid: the name can't be a release's; nobody said of which organization or owner.
    """
    title = numbered.name(target.collection)
    if isinstance(target, InProject):
        return await _in_project(tx, actor, target, title, source)
    shelf = await _in_registry(tx, actor, target, source)
    require(actor, Permission.COLLECTION_CURATE, owner_id=shelf.id, missing=RegistryNotFound)
    return Place(shelf.id, shelf, None, "private", title)


async def shelf_of(tx: Tx, actor: Actor, registry_id: int) -> Shelf | None:
    """Return a registry that the actor sees, by its number; it stays as it is until the transaction ends."""
    seen = sight(actor)
    asked = {"id": registry_id, "name": None, "organization_id": None}
    return await tx.one(SQL.shelves, Shelf, everything=seen.everything, accounts=seen.accounts, **asked)


async def release(tx: Tx, actor: Actor, ref: str | int) -> Collection:
    """Return a release or artifact by its number or address.

    Raises:
        CollectionNotFound: there is none that the actor sees, or it is a showcase.
    """
    ref = checks.ref(ref)
    found = await view(tx, actor, ref) if isinstance(ref, int) else await look(tx, actor, ref)
    if found.kind in ("showcase", "selection"):
        message = f"That collection is a {found.kind}; it has no versions."
        raise CollectionNotFound(message)
    return found


async def card(tx: Tx, actor: Actor, collection_id: int) -> Card:
    """Return a release as an actor sees it.

    Raises:
        CollectionNotFound: he does not.
    """
    found = (await numbered.cards(tx, actor, [collection_id])).get(collection_id)
    if found is None:
        raise CollectionNotFound
    return found


def accepting(shelf: Shelf | None, types: Sequence[str]) -> None:
    """Raise TypeNotAccepted unless a registry accepts versions of these types; a project accepts all."""
    if shelf is None or shelf.all_types:
        return
    if wrong := [wanted for wanted in types if wanted not in shelf.types]:
        accepted = listed(shelf.types) if shelf.types else "nothing yet"
        message = f"The registry {shelf.name!r} accepts {accepted}, not {listed(wrong)}."
        raise TypeNotAccepted(message, field="type", details={"types": wrong, "accepted": shelf.types})


def listed(names: Sequence[str]) -> str:
    """Return names as they stand in a message."""
    return ", ".join(repr(name) for name in names)


async def _in_project(tx: Tx, actor: Actor, target: InProject, title: str, source: Source | None) -> Place:
    """Find a project, or make it where there is none."""
    name = target.owner or (source.version.owner if source else None)
    if name is None:
        message = "Say whose project it is."
        raise Invalid(message, field="owner")
    project = await ensure_project(tx, actor, await account(tx, name), target.project)
    await hold_project(tx, project.id)
    # As it is now that the project is held: it may have been hidden since it was found.
    visibility = (await project_by_id(tx, actor, project.id)).visibility
    return Place(project.owner_id, None, project.id, visibility, title)


async def _in_registry(tx: Tx, actor: Actor, target: InRegistry, source: Source | None) -> Shelf:
    """Find a registry by its name: in the organization that is named, in the source's, or where the actor sees it."""
    home = source.home if source else None
    home_id = home.organization_id if home else None
    where = f"the organization {home.organization}" if home and home.organization else "any of your organizations"
    if target.organization is not None:
        org = await find_organization(tx, actor, target.organization)
        home_id, where = org.id, f"the organization {org.name}"
    seen = sight(actor)
    found: list[Shelf] = []
    if is_plain(target.registry):
        found = await tx.all(
            SQL.shelves,
            Shelf,
            id=None,
            name=target.registry.strip(),
            organization_id=home_id,
            everything=seen.everything,
            accounts=seen.accounts,
        )
    if not found:
        message = f"There is no registry {target.registry[:120]!r} in {where}."
        raise RegistryNotFound(message, field="registry")
    if len(found) > 1:
        owners = " and ".join(shelf.organization for shelf in found)
        message = f"Several organizations have a registry {target.registry!r}: {owners}. Say which you mean."
        raise Invalid(message, field="organization")
    return found[0]
