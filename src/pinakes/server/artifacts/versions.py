"""Versions: begun, found, changed and deleted. Committing is in `commits.py`, who sees them in `access.py`.

Locks are taken in one order: the project, then versions, then collections by their ids (`numbered.begin`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypedDict

from pinakes.server.actor import Actor, system
from pinakes.server.artifacts import checks
from pinakes.server.artifacts.access import (
    SQL,
    by_ids,
    get,
    may_download,
    may_write,
    require_download,
    require_write,
    source_seen,
)
from pinakes.server.artifacts.types import (
    Begun,
    ClientTarget,
    Draft,
    Holding,
    NewVersion,
    Version,
    VersionChanges,
)
from pinakes.server.catalog.projects import hold_project, project_by_id
from pinakes.server.catalog.types import Project
from pinakes.server.collections import numbered
from pinakes.server.collections.change import hold
from pinakes.server.db import Tx, json
from pinakes.server.errors import Conflict, HasAliases, NameTaken, RunNotFound, TypeNotAccepted, VersionNotFound
from pinakes.server.events import service as events
from pinakes.server.people.holders import refuse_if_held
from pinakes.server.permissions.service import require
from pinakes.server.permissions.table import Permission

__all__ = [
    "begin",
    "by_ids",
    "client_target",
    "delete",
    "end",
    "get",
    "keep",
    "may_download",
    "may_write",
    "require_download",
    "require_write",
    "source_seen",
    "update",
]


async def begin(tx: Tx, actor: Actor, new: NewVersion) -> Begun:
    """Begin to log a version; its artifact is made where there is none.

    A committed version of the same digest is answered instead (it gets the aliases, and the run has logged it too); so
    is the draft of the same client id, or the one that writers share. Repeating the call is therefore safe.

    Raises:
        ProjectNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not log into this project.
        Invalid: a field can't be what was said; nothing is made then.
        TypeNotAccepted: the artifact has another type.
        NameTaken: a release in the project has that name.
    """
    wanted = _checked(new)
    project = await project_by_id(tx, actor, new.project_id)
    require(actor, Permission.PROJECT_WRITE, owner_id=project.owner_id, visibility=project.visibility)
    await hold_project(tx, project.id)
    if new.run_id is not None:
        await _require_run(tx, project, new.run_id)
    artifact_id = await _artifact(tx, actor, project, new)
    latest = await tx.one(SQL.latest, Version, artifact_id=artifact_id)
    version_id, fresh = await _found_or_begun(tx, actor, artifact_id, new, wanted)
    await _remember(tx, project, artifact_id, version_id, wanted)
    if new.run_id is not None:
        await tx.run(SQL.add_output, run_id=new.run_id, version_id=version_id)
    return Begun(await get(tx, actor, version_id), fresh, latest)


async def keep(tx: Tx, version_id: int) -> None:
    """Keep a committed version from being deleted until the transaction ends: before the lock on what it is linked to.

    Raises:
        VersionNotFound: it is gone, or not committed.
    """
    if not checks.is_id(version_id) or await tx.value(SQL.keep_version, id=version_id) is None:
        raise VersionNotFound


async def client_target(tx: Tx, actor: Actor, client_id: str) -> ClientTarget | None:
    """Return what a name that a client made up stands for, as far as the actor sees it."""
    if not client_id.isprintable() or len(client_id) > checks.LONGEST_CLIENT_ID:
        return None
    found = await tx.one(SQL.client_target, ClientTarget, client_id=client_id)
    if found is None:
        return None
    version_id, artifact_id = found.version_id, found.artifact_id
    if version_id is not None:
        try:
            await get(tx, actor, version_id)
        except VersionNotFound:
            version_id = None
    if artifact_id is not None and not await numbered.cards(tx, actor, [artifact_id]):
        artifact_id = None
    return ClientTarget(version_id, artifact_id) if version_id is not None or artifact_id is not None else None


async def update(tx: Tx, actor: Actor, version_id: int, changes: VersionChanges) -> Version:
    """Give a version new values, which every collection that holds it shows.

    Raises:
        VersionNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write into its project.
        Invalid: a value can't be; nothing is changed then.
    """
    require_write(actor, await get(tx, actor, version_id))
    description = changes.description
    if description:
        description = checks.description(description)
    metadata = None if changes.metadata is None else checks.metadata(changes.metadata)
    added, taken = checks.tags(changes.tags_to_add), set(checks.tags(changes.tags_to_delete))
    ttl = checks.ttl(changes.ttl_seconds)
    if await tx.one(SQL.hold_version, Draft, id=version_id) is None:
        raise VersionNotFound
    now = await get(tx, actor, version_id)
    tags = checks.tags(list(dict.fromkeys([*(tag for tag in now.tags if tag not in taken), *added])))
    ttl_changes = changes.ttl_seconds is not None and ttl != now.ttl_seconds
    differs = {
        "description": description is not None and description != (now.description or ""),
        "metadata": metadata is not None and metadata != now.metadata,
        "tags": tags != now.tags,
        "ttl_seconds": ttl_changes,
    }
    if not any(differs.values()):
        return now
    await tx.run(
        SQL.update_version,
        id=version_id,
        description=description,
        metadata=None if metadata is None else json(metadata),
        tags=tags,
        ttl_changes=ttl_changes,
        ttl_seconds=ttl,
    )
    after = {"fields": [name for name, yes in differs.items() if yes]}
    await events.record(tx, actor, "version.updated", account_id=now.owner_id, item_id=now.item_id, after=after)
    return await get(tx, actor, version_id)


async def delete(tx: Tx, actor: Actor, version_id: int, *, delete_aliases: bool, reason: str | None = None) -> None:
    """Delete a version: it leaves every collection, but registries may keep a note of what it was.

    Raises:
        VersionNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write into its project.
        HasAliases: it has aliases (`latest` is one), and they are not to go with it.
        RegistryHolds: a registry that lets nothing go holds it.
    """
    version = await get(tx, actor, version_id)
    require_write(actor, version)
    held = await tx.one(SQL.hold_version, Draft, id=version_id)
    if held is None:
        raise VersionNotFound
    if held.item_id is None:
        await tx.run(SQL.discard, id=held.id)
        return
    if not delete_aliases and await tx.value(SQL.has_alias, item_id=held.item_id):
        raise await _aliases_in_the_way(tx, actor, version, held.item_id)
    await refuse_if_held(tx, actor, items=[held.item_id])
    await end(tx, actor, [held.item_id], reason=reason)
    await events.record(
        tx,
        actor,
        "version.deleted",
        account_id=version.owner_id,
        item_id=version.item_id,
        before={"digest": version.digest, "size": version.size},
        reason=reason,
    )


async def end(
    tx: Tx, actor: Actor, items: Sequence[int], *, leaving: int | None = None, reason: str | None = None
) -> None:
    """End held versions: take them out of the collections that keep no note of them, each in one revision.

    The caller has asked for permission and whether anybody holds them. `leaving` is a collection that goes as a whole.
    """
    rows = await tx.all(SQL.holding, Holding, items=list(items))
    going = [row for row in rows if not row.stays and row.collection_id != leaving]
    for collection_id, group in groupby(going, lambda row: row.collection_id):
        await take_out(tx, actor, collection_id, [row.item_id for row in group], reason=reason)
    await tx.run(SQL.delete_versions, items=list(items), actor_id=actor.user_id)


async def take_out(
    tx: Tx, actor: Actor, collection_id: int, items: Sequence[int], *, reason: str | None = None
) -> None:
    """Take versions that end out of a collection, whoever it belongs to: one revision."""
    held = await hold(tx, system(actor.api), collection_id, Permission.COLLECTION_CURATE)
    change = numbered.Change(tx, actor, held, reason)
    for item_id in items:
        await change.take_out(item_id)
    await change.close()


class _Where(TypedDict):
    """Where an artifact is, and its name."""

    owner_id: int
    container_id: int
    title: str


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was said about a new version, as it will be stored."""

    columns: dict[str, object]
    aliases: list[str]
    client_id: str | None
    sequence_client_id: str | None


def _checked(new: NewVersion) -> _Checked:
    """Check every field before anything is made."""
    checks.name(new.artifact, "artifact")
    checks.type_name(new.type)
    aliases = checks.aliases(new.aliases)
    columns: dict[str, object] = {
        "digest": checks.digest(new.digest),
        "digest_algorithm": checks.digest_algorithm(new.digest_algorithm),
        "description": checks.description(new.description),
        "metadata": json(checks.metadata(new.metadata)),
        "tags": checks.tags(new.tags),
        "aliases": aliases,
        "ttl_seconds": checks.ttl(new.ttl_seconds),
        "history_step": checks.history_step(new.history_step),
        "storage_region": checks.storage_region(new.storage_region),
        "distributed_id": checks.client_id(new.distributed_id, "distributedID"),
    }
    client_id = checks.client_id(new.client_id)
    return _Checked(columns, aliases, client_id, checks.client_id(new.sequence_client_id, "sequenceClientID"))


async def _require_run(tx: Tx, project: Project, run_id: int) -> None:
    """Raise unless a run is in a project."""
    if not checks.is_id(run_id) or await tx.value(SQL.project_of_run, run_id=run_id) != project.id:
        message = "There is no such run in this project."
        raise RunNotFound(message, field="run")


async def _artifact(tx: Tx, actor: Actor, project: Project, new: NewVersion) -> int:
    """Return the artifact of that name, made with the type where there is none."""
    where = _Where(owner_id=project.owner_id, container_id=project.id, title=new.artifact)
    artifact_id = await numbered.find(tx, **where)
    if artifact_id is None:
        # As it is now that the project is held: it may have been hidden since it was found.
        visibility = (await project_by_id(tx, actor, project.id)).visibility
        try:
            artifact_id = await numbered.create_numbered(
                tx, actor, kind="artifact", types=[new.type], visibility=visibility, **where
            )
        except NameTaken:  # another call has just made it
            artifact_id = await numbered.find(tx, **where)
        await tx.run(SQL.know_type, project_id=project.id, name=new.type)
    if artifact_id is None:
        message = "Another change was made at the same moment; try again."
        raise Conflict(message)
    kind, types = (await tx.rows(SQL.kind_and_types, id=artifact_id))[0]
    if kind != "artifact":
        message = (
            f"{new.artifact!r} is a release in {project.name!r}; versions are logged to artifacts, and linked to it."
        )
        raise NameTaken(message, field="artifact")
    if types[0] != new.type:
        message = (
            f"Artifact {new.artifact!r} already exists with type {types[0]!r}; "
            f"a version of type {new.type!r} can't be logged to it."
        )
        raise TypeNotAccepted(message, field="type", details={"accepted": types, "type": new.type})
    return artifact_id


async def _found_or_begun(
    tx: Tx, actor: Actor, artifact_id: int, new: NewVersion, wanted: _Checked
) -> tuple[int, bool]:
    """Return the version to go on with, and whether it is a draft."""
    if wanted.client_id is not None and (
        known := await tx.value(
            SQL.begun_before, client_id=wanted.client_id, artifact_id=artifact_id, digest=new.digest
        )
    ):
        version = await get(tx, actor, known)
        return version.id, version.state == "pending"
    if new.deduplicate and wanted.columns["distributed_id"] is None:
        same = await tx.value(SQL.with_digest, artifact_id=artifact_id, digest=new.digest)
        if same is not None and await _named_again(tx, actor, artifact_id, same, wanted.aliases):
            return same, False
    made = await tx.value(
        SQL.begin, artifact_id=artifact_id, user_id=actor.user_id, run_id=new.run_id, **wanted.columns
    )
    return int(made), True


async def _named_again(tx: Tx, actor: Actor, artifact_id: int, version_id: int, aliases: Sequence[str]) -> bool:
    """Give a committed version the aliases that were asked for; False when it has just been deleted."""
    if await tx.value(SQL.keep_version, id=version_id) is None:
        return False
    item_id = (await get(tx, actor, version_id)).item_id
    assert item_id is not None
    if aliases:
        change = await numbered.begin(tx, actor, artifact_id, Permission.PROJECT_WRITE)
        for alias in aliases:
            await change.set_alias(alias, item_id)
        await change.close()
    return True


async def _remember(tx: Tx, project: Project, artifact_id: int, version_id: int, wanted: _Checked) -> None:
    """Remember the names that the client made up for the version and its artifact."""
    pairs = ((wanted.client_id, version_id, None), (wanted.sequence_client_id, None, artifact_id))
    for client_id, of_version, of_artifact in pairs:
        if client_id is not None:
            await tx.run(
                SQL.remember_client,
                client_id=client_id,
                version_id=of_version,
                artifact_id=of_artifact,
                owner_id=project.owner_id,
            )


async def _aliases_in_the_way(tx: Tx, actor: Actor, version: Version, item_id: int) -> HasAliases:
    """Build the error for a version that has aliases; of those where the actor sees none, he learns that there are."""
    aliases = sorted({row.alias for row in await numbered.all_aliases_of(tx, actor, [item_id])})
    names = ", ".join(aliases) or "in releases that you don't see"
    message = f"{version.label} has aliases ({names}): take them away first, or say that they shall go with it."
    return HasAliases(message, details={"aliases": aliases})
