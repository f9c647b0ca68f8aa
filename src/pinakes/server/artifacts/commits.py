"""Commits: a draft becomes a version, once all its content is there.

Manifests are read from the store without a database connection held; then, in one transaction and under the artifact's
lock, what was read is checked against what is there, and the version gets its number, its files and its aliases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pinakes.server.actor import Actor
from pinakes.server.artifacts import access, manifests
from pinakes.server.artifacts.access import SQL
from pinakes.server.artifacts.manifests import Document, Entry
from pinakes.server.artifacts.run_types import Blob
from pinakes.server.artifacts.transfers import blob_key, held
from pinakes.server.artifacts.types import Draft, Manifest, Version
from pinakes.server.blobs import Blobs
from pinakes.server.catalog.projects import hold_project
from pinakes.server.collections import numbered
from pinakes.server.db import Database, Tx, json
from pinakes.server.errors import Conflict, Invalid, NotFound, VersionNotFound
from pinakes.server.permissions.table import Permission

# How often a commit looks again when another writer has added a manifest meanwhile.
_ROUNDS = 5
# How many missing files an error names.
_NAMED = 5

# Up to so many files are written by one statement; more are copied, which takes three round trips and then flows.
_FEW = 100
# A manifest of up to so many bytes is read at once: it takes less than handing it to a thread does.
_SMALL = 50_000

_FILE_COLUMNS = ("numbers", "paths", "digests", "md5s", "sizes", "references", "births", "extras")
_FILE_TYPES = ("int4", "int4", "text", "text", "bytea", "int8", "text", "int4", "jsonb")


async def commit(db: Database, blobs: Blobs, actor: Actor, version_id: int) -> Version:
    """Make a draft a version: with its number, `latest`, and the aliases that were asked for when it was begun.

    Committing again answers the same version. Who commits holds no connection: this takes its own.

    Raises:
        VersionNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write into its project.
        Invalid: its manifest or some of its files have not arrived, or the manifest can't be taken; it stays a draft.
        Conflict: other writers went on adding manifests, or its base was deleted.
    """
    for _ in range(_ROUNDS):
        async with db.reading() as tx:
            version = await access.get(tx, actor, version_id)
            access.require_write(actor, version)
            if version.state == "committed":
                return version
            plan = await _plan(tx, version)
        files = await _read(db, blobs, version, plan)
        async with db.transaction() as tx:
            done = await _commit(tx, actor, version, plan, files)
        if done is not None:
            return done
    message = "Other writers are adding files to this version; commit it again when they are done."
    raise Conflict(message)


async def discard(tx: Tx, actor: Actor, version_id: int) -> None:
    """Give a draft up.

    Raises:
        VersionNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write into its project.
        Conflict: it is committed already.
    """
    version = await access.get(tx, actor, version_id)
    access.require_write(actor, version)
    if not await tx.run(SQL.discard, id=version.id):
        message = f"{version.label} is committed already; delete it instead."
        raise Conflict(message, field="version")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a commit is made of: the manifests that were uploaded, in their order, and the base's before them."""

    seen: Sequence[Manifest]
    taken: Sequence[Manifest]

    @property
    def is_merge(self) -> bool:
        """Tell whether the version's manifest has to be written anew."""
        return self.taken[-1].type != "full"


@dataclass(frozen=True, slots=True)
class _Files:
    """What a version is going to have: its files by path and, where the server made them, its manifest and digest."""

    entries: Mapping[str, Entry]
    manifest: bytes | None
    digest: str | None


async def _plan(tx: Tx, version: Version) -> _Plan:
    """Decide which manifests count: the last one says of which type the version's is."""
    seen = await tx.all(SQL.manifests, Manifest, version_id=version.id)
    if not seen:
        message = f"{version.label} has no manifest yet: upload it, then commit."
        raise Invalid(message, field="manifest")
    last = seen[-1]
    if last.type == "full":
        return _Plan(seen, [last])
    if last.type == "patch":
        return _Plan(seen, [one for one in seen if one.type == "patch"])
    if last.base_version_id is None:
        return _Plan(seen, [last])
    base = await tx.one(SQL.version, Version, id=last.base_version_id)
    found = None if base is None else await tx.one(SQL.current_manifest, Manifest, version_id=base.id)
    if found is None:
        message = "The version that this one adds to was deleted meanwhile; log it anew."
        raise Conflict(message, field="version")
    return _Plan(seen, [found, last])


async def _read(db: Database, blobs: Blobs, version: Version, plan: _Plan) -> _Files:
    """Read the manifests that count and, where they are to be one, write that and keep it."""
    documents: list[Document] = []
    room = manifests.LARGEST  # for all together: they are merged in memory
    for one in plan.taken:
        document, size = await _document(blobs, one, most=room)
        documents.append(document)
        room -= size
    if not plan.is_merge:
        return _Files(documents[-1].entries, None, None)
    content = await asyncio.to_thread(manifests.merged, documents)
    entries: dict[str, Entry] = {}
    for document in documents:
        entries.update(document.entries)
    md5 = await manifests.store(db, blobs, version.owner_id, content, version_id=version.id)
    return _Files(entries, md5, manifests.digest_of((path, entry.digest) for path, entry in entries.items()))


async def _document(blobs: Blobs, manifest: Manifest, *, most: int) -> tuple[Document, int]:
    """Return a manifest, and how many bytes it has."""
    assert manifest.md5 is not None
    try:
        data = await blobs.read(blob_key(manifest.account_id, manifest.md5), most=most)
    except NotFound as error:
        raise _not_arrived(manifest) from error
    read = manifests.parse(data) if len(data) <= _SMALL else await asyncio.to_thread(manifests.parse, data)
    return read, len(data)


async def _commit(tx: Tx, actor: Actor, version: Version, plan: _Plan, files: _Files) -> Version | None:
    """Write the version down; None when the manifests are others by now, so that they have to be read again."""
    await hold_project(tx, version.project_id)
    draft = await tx.one(SQL.hold_version, Draft, id=version.id)
    if draft is None:
        raise VersionNotFound
    if draft.state == "committed":
        return await access.get(tx, actor, version.id)
    now = await tx.all(SQL.manifests, Manifest, version_id=version.id)
    if [(one.id, one.md5, one.base_version_id) for one in now] != [
        (one.id, one.md5, one.base_version_id) for one in plan.seen
    ]:
        return None
    change = await numbered.begin(tx, actor, draft.artifact_id, Permission.PROJECT_WRITE)
    sizes = await _arrived(tx, draft.owner_id, plan, files)
    item_id = await tx.value(
        SQL.commit_version,
        id=version.id,
        artifact_id=draft.artifact_id,
        digest=files.digest or draft.digest,
        size=_total(files, sizes),
        file_count=len(files.entries),
    )
    await change.append(item_id)
    for alias in draft.aliases:
        await change.set_alias(alias, item_id)
    await _write_files(tx, version.id, files, sizes)
    if files.manifest is not None:
        name = manifests.NAME
        await tx.run(
            SQL.create_manifest, version_id=version.id, name=name, type="full", base_id=None, md5=files.manifest
        )
    await change.close()
    return await access.get(tx, actor, version.id)


async def _arrived(tx: Tx, account_id: int, plan: _Plan, files: _Files) -> Mapping[bytes, Blob]:
    """Return the content of every file, all of which is there whole, and keep it.

    Raises:
        Invalid: a manifest or a file has not arrived, or is of another size than the manifest says.
    """
    own = [one for one in plan.taken if one.version_id == plan.seen[-1].version_id]
    wanted = [entry.md5 for entry in files.entries.values() if entry.md5 is not None]
    found = await held(tx, account_id, [*wanted, *(one.md5 for one in own if one.md5 is not None)])
    for one in own:
        if one.md5 not in found:
            raise _not_arrived(one)
    missing = [path for path, entry in files.entries.items() if entry.md5 is not None and entry.md5 not in found]
    if missing:
        raise _missing(missing)
    for path, entry in files.entries.items():
        if entry.md5 is not None and entry.size not in {None, found[entry.md5].size}:
            size = found[entry.md5].size
            message = f"The manifest says that {path[:200]!r} has {entry.size} bytes; it has {size}."
            raise Invalid(message, field="manifest")
    return found


async def _write_files(tx: Tx, version_id: int, files: _Files, found: Mapping[bytes, Blob]) -> None:
    """Write the files of a version down, numbered in the order of their paths."""
    rows = (_row(number, path, files.entries[path], found) for number, path in enumerate(sorted(files.entries), 1))
    if 0 < len(files.entries) <= _FEW:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await tx.run(SQL.add_files, version_id=version_id, **dict(zip(_FILE_COLUMNS, columns, strict=True)))
        return
    async with tx.copy_in(SQL.copy_files, _FILE_TYPES) as copy:
        for row in rows:
            await copy.write_row((version_id, *row))


def _row(number: int, path: str, entry: Entry, found: Mapping[bytes, Blob]) -> tuple[object, ...]:
    """Return a file as it stands in the table, but for the version."""
    blob = None if entry.md5 is None else found[entry.md5]
    extra = None if entry.extra is None else json(entry.extra)
    size = (entry.size or 0) if blob is None else blob.size
    birth = None if blob is None else blob.version_id
    return (number, path, entry.digest, entry.md5, size, entry.reference, birth, extra)


def _total(files: _Files, found: Mapping[bytes, Blob]) -> int:
    """Return the size of a version, references included."""
    total = sum((entry.size or 0) if entry.md5 is None else found[entry.md5].size for entry in files.entries.values())
    if total >= 2**63:
        message = "The sizes in the manifest add up to more than can be."
        raise Invalid(message, field="manifest")
    return total


def _not_arrived(manifest: Manifest) -> Invalid:
    message = f"The manifest {manifest.name!r} has not arrived: upload it, then commit again."
    return Invalid(message, field="manifest")


def _missing(paths: Sequence[str]) -> Invalid:
    named = sorted(paths)[:_NAMED]
    more = f" and {len(paths) - len(named)} more" if len(paths) > len(named) else ""
    message = f"Files have not arrived: {', '.join(named)}{more}. Upload them, then commit again."
    return Invalid(message, field="files", details={"missing": named, "count": len(paths)})
