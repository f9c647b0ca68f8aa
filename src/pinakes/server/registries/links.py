"""Linking: a release points at versions that stay in their projects.

Locks are taken in this order: the registry or project, the version, the release.
"""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.artifacts import memberships, versions
from pinakes.server.artifacts.access import get as get_version, may_download
from pinakes.server.collections import numbered
from pinakes.server.collections.change import Address, author, public_id_of
from pinakes.server.collections.numbered import LATEST
from pinakes.server.collections.protection import guard
from pinakes.server.collections.rules import fields
from pinakes.server.collections.types import Locked
from pinakes.server.db import Tx
from pinakes.server.errors import Forbidden, Invalid, NameTaken, TypeNotAccepted, VersionNotFound
from pinakes.server.permissions.service import roles_allowing
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import aliases as naming, checks, shelves
from pinakes.server.registries.service import SQL
from pinakes.server.registries.shelves import Place, listed
from pinakes.server.registries.types import Existing, Home, Link, LinkedOne, Shelf, Source, Target


async def link(
    tx: Tx,
    actor: Actor,
    version_id: int,
    target: Target,
    aliases: Sequence[str] = (),
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> Link:
    """Put a version into a release, with aliases; a release that is not there is made, for versions of its type.

    Linking what is itself a link links its source. A version that is in the release already keeps its number and gets
    the aliases. In a registry, versions of its organization's teams are accepted, and of the organization itself.

    Raises:
        VersionNotFound: there is none that the actor sees.
        AccountNotFound, RegistryNotFound, ProjectNotFound, CollectionNotFound: the target is nothing that he sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write there, or not download the version.
        PreconditionFailed: the release has another revision than the one expected.
        AliasProtected, ApprovalNeeded: an alias is not his to set.
        TypeNotAccepted: the registry or the release accepts other types.
        Invalid: the version is no such that can be linked there, or a name can't be one.
    """
    wanted = checks.aliases(aliases)
    if not wanted and expected is None and isinstance(target, Existing):
        made = await link_one(tx, actor, version_id, target, reason)
        if made is not None:
            return await _shown(tx, actor, version_id, made, new=True, created=False)
    source = await source_of(tx, actor, version_id)
    place, found = await _aim(tx, actor, target, source)
    await versions.keep(tx, source.version.id)
    created = found is None
    if found is None:
        assert place is not None
        found, created = await _made(tx, actor, place, [source.version.type], reason)
    change = await numbered.begin(tx, actor, found, Permission.COLLECTION_CURATE, expected=expected, reason=reason)
    await _check_release(tx, change.held, source)
    appended = await change.append(source.item_id)
    named = [LATEST] if appended.new else (await naming.entry(tx, change, source.version.id)).aliases
    await naming.put(tx, actor, change, source.item_id, [alias for alias in wanted if alias not in named])
    revision = await change.close()
    done = LinkedOne(found, revision, source.item_id)
    return await _shown(tx, actor, source.version.id, done, new=appended.new, created=created)


async def link_one(tx: Tx, actor: Actor, version_id: int, target: Existing, reason: str | None) -> LinkedOne | None:
    """Link in one statement; None, and nothing is done, unless all is in order.

    A release outside a registry, a former slug, or a version that is there already go the long way, for instance.
    """
    named = checks.ref(target.ref)
    address = public_id_of(named) if isinstance(named, str) else Address(named)
    curated = roles_allowing(actor, Permission.COLLECTION_CURATE)
    if address is None or not curated or not 0 < version_id < 2**31:
        return None
    return await tx.alone.one(
        SQL.link_one,
        LinkedOne,
        id=address.collection_id,
        public_id=address.public_id,
        owner=address.owner,
        curated=curated,
        downloads=roles_allowing(actor, Permission.VERSION_DOWNLOAD),
        version_id=version_id,
        reason=fields.reason(reason),
        **author(actor),
    )


async def _shown(tx: Tx, actor: Actor, version_id: int, done: LinkedOne, *, new: bool, created: bool) -> Link:
    """Return what linking did, as the actor sees it."""
    found = await memberships.of_item(tx, actor, done.collection_id, done.item_id)
    return Link(
        card=found.collection,
        version_id=version_id,
        item_id=done.item_id,
        number=found.number,
        aliases=found.aliases,
        linked_at=found.linked_at,
        revision=done.revision,
        new=new,
        created=created,
    )


async def unlink(
    tx: Tx, actor: Actor, version_id: int, ref: str | int, *, expected: int | None = None, reason: str | None = None
) -> int:
    """Take a version out of a release: its aliases there end, `latest` goes on; the release stays. Return the revision.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not curate it.
        PreconditionFailed: it has another revision than the one expected.
        EntryNotFound: the version is not in it.
        AliasProtected: it has an alias there that is not the actor's to remove.
        Invalid: it is an artifact, of which the version is one for good.
    """
    change = await numbered.begin(
        tx, actor, checks.ref(ref), Permission.COLLECTION_CURATE, expected=expected, reason=reason
    )
    if change.held.kind != "release":
        message = f"{change.held.title} is the artifact that the version belongs to; delete the version instead."
        raise Invalid(message, field="collection")
    entry = await naming.entry(tx, change, version_id)
    await guard(tx, actor, change.held.owner_id, removing=entry.aliases)
    await change.take_out(entry.item_id)
    return await change.close()


async def find(tx: Tx, place: Place) -> int | None:
    """Return the id of the release, or artifact, that is at a place; None when there is none."""
    return await numbered.find(tx, owner_id=place.owner_id, container_id=place.project_id, title=place.title)


async def make(
    tx: Tx,
    actor: Actor,
    place: Place,
    types: Sequence[str],
    *,
    description: str = "",
    tags: Sequence[str] = (),
    reason: str | None = None,
) -> int:
    """Make an empty release at a place; its project knows its types from then on.

    Raises:
        NameTaken: there is one of that name, or an artifact.
    """
    made = await numbered.create_numbered(
        tx,
        actor,
        kind="release",
        owner_id=place.owner_id,
        container_id=place.project_id,
        title=place.title,
        types=types,
        visibility=place.visibility,
        description=description,
        tags=tags,
        reason=reason,
    )
    if place.project_id is not None:
        await tx.run(SQL.know_types, project_id=place.project_id, types=list(types))
    return made


async def source_of(tx: Tx, actor: Actor, version_id: int) -> Source:
    """Return a version and where it is at home, after checking that the actor may link it anywhere.

    Whoever links a version gives those who see the release access to it, so he must have it himself.

    Raises:
        VersionNotFound: there is none that the actor sees, or it was deleted.
        Forbidden: he sees it, but may not download it.
        Invalid: it is not committed yet.
    """
    version = await get_version(tx, actor, version_id)
    if version.item_id is None or version.state != "committed":
        message = f"That version of {version.artifact} is not committed yet; only a committed one can be linked."
        raise Invalid(message, field="version")
    if not await may_download(tx, actor, version):
        message = f"You may see {version.label}, but not download it, and so you can't link it."
        raise Forbidden(message, field="version", details={"permission": Permission.VERSION_DOWNLOAD})
    home = await tx.one(SQL.home, Home, id=version.owner_id)
    if home is None:
        raise VersionNotFound(field="version")
    return Source(version, version.item_id, home)


async def _aim(tx: Tx, actor: Actor, target: Target, source: Source) -> tuple[Place | None, int | None]:
    """Return the place that a target names, and the release there if there is one; its registry takes the version."""
    if isinstance(target, Existing):
        there = await shelves.release(tx, actor, target.ref)
        if there.owner_kind == "registry":
            _check_shelf(await shelves.shelf_of(tx, actor, there.owner_id), source)
        return None, there.id
    place = await shelves.place(tx, actor, target, source)
    _check_shelf(place.shelf, source)
    return place, await find(tx, place)


def _check_shelf(shelf: Shelf | None, source: Source) -> None:
    """Raise unless a registry takes a version: one of its own organization's, of a type that it accepts.

    Raises:
        TypeNotAccepted: it accepts other types.
        Invalid: the version is a user's own, or belongs to another organization.
    """
    if shelf is None:
        return
    label, owner = source.version.label, source.version.owner
    if source.home.kind == "user":
        message = (
            f"{label} belongs to {owner} personally; a registry of the organization {shelf.organization} "
            "takes versions of its teams only. Log it into a project of a team."
        )
        raise Invalid(message, field="version")
    if source.home.organization_id != shelf.organization_id:
        message = (
            f"{label} belongs to {owner} of the organization {source.home.organization}; the registry {shelf.name!r} "
            f"takes versions of {shelf.organization} only."
        )
        raise Invalid(message, field="version")
    shelves.accepting(shelf, [source.version.type])


async def _made(tx: Tx, actor: Actor, place: Place, types: Sequence[str], reason: str | None) -> tuple[int, bool]:
    """Make a release; where another call has just made it, return that one, and False."""
    try:
        return await make(tx, actor, place, types, reason=reason), True
    except NameTaken:
        found = await find(tx, place)
        if found is None:
            raise
        return found, False


async def _check_release(tx: Tx, held: Locked, source: Source) -> None:
    """Raise unless a collection is a release that accepts the type of a version."""
    if held.kind != "release":
        message = f"{held.title} is an artifact, with versions of its own; link to another name."
        raise Invalid(message, field="collection")
    types = await tx.value(SQL.types_of, id=held.id)
    if source.version.type not in types:
        message = f"The collection {held.title!r} accepts {listed(types)}, not {source.version.type!r}."
        details = {"types": [source.version.type], "accepted": types}
        raise TypeNotAccepted(message, field="type", details=details)
