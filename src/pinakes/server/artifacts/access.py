"""Who sees a version, may read its files, and may change it.

A version is seen by who sees its project or a release that holds it: what a registry shows, it shows whole, but for the
source's own project. Its files are for who may download there; changing it is for who writes into its project.
"""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.artifacts.checks import is_id
from pinakes.server.artifacts.types import Version, Way
from pinakes.server.db import Queries, Tx, load
from pinakes.server.errors import Forbidden, VersionNotFound
from pinakes.server.permissions.service import allows, require, sight
from pinakes.server.permissions.table import Permission

SQL: Queries = load(__package__)


async def get(tx: Tx, actor: Actor, version_id: int) -> Version:
    """Return a version, a draft too; where its project is hidden, through a release that holds it.

    Raises:
        VersionNotFound: there is none that the actor sees, or it was deleted.
    """
    found = await tx.one(SQL.version, Version, id=version_id) if is_id(version_id) else None
    if found is None or not (source_seen(actor, found) or _seen_through(actor, await _ways(tx, found))):
        raise VersionNotFound
    return found


async def by_ids(tx: Tx, actor: Actor, version_ids: Sequence[int]) -> dict[int, Version]:
    """Return committed versions by their numbers; those that the actor does not see are left out."""
    seen = sight(actor)
    ids = [number for number in version_ids if is_id(number)]
    rows = await tx.all(SQL.versions_by_id, Version, ids=ids, everything=seen.everything, accounts=seen.accounts)
    return {row.id: row for row in rows}


def source_seen(actor: Actor, version: Version) -> bool:
    """Tell whether an actor sees the project that a version is from."""
    return sight(actor).sees(version.project_visibility, version.owner_id)


async def may_download(tx: Tx, actor: Actor, version: Version) -> bool:
    """Tell whether an actor may read the files of a version that he sees: by its project, or by a release."""
    if allows(actor, Permission.VERSION_DOWNLOAD, owner_id=version.owner_id, visibility=version.project_visibility):
        return True
    return any(
        allows(actor, Permission.VERSION_DOWNLOAD, owner_id=way.owner_id, visibility=way.visibility)
        for way in await _ways(tx, version)
    )


async def require_download(tx: Tx, actor: Actor, version: Version) -> None:
    """Raise unless an actor may read the files of a version that he sees.

    Raises:
        Forbidden: he may look at it only.
    """
    if not await may_download(tx, actor, version):
        message = f"You may see {version.label}, but not download its files."
        raise Forbidden(message, details={"permission": Permission.VERSION_DOWNLOAD})


def may_write(actor: Actor, version: Version) -> bool:
    """Tell whether an actor may change a version."""
    return allows(actor, Permission.PROJECT_WRITE, owner_id=version.owner_id, visibility=version.project_visibility)


def require_write(actor: Actor, version: Version) -> None:
    """Raise unless an actor may change a version that he sees.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write into its project.
    """
    if not source_seen(actor, version):
        message = f"You see {version.label} through a release only; its project is not yours to write to."
        raise Forbidden(message, details={"permission": Permission.PROJECT_WRITE})
    require(
        actor,
        Permission.PROJECT_WRITE,
        owner_id=version.owner_id,
        visibility=version.project_visibility,
        missing=VersionNotFound,
    )


async def _ways(tx: Tx, version: Version) -> list[Way]:
    if version.item_id is None:
        return []
    return await tx.all(SQL.ways, Way, item_id=version.item_id)


def _seen_through(actor: Actor, ways: Sequence[Way]) -> bool:
    seen = sight(actor)
    return any(seen.sees(way.visibility, way.owner_id) for way in ways)
