"""The files of versions: where their content goes, and what a committed version has."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.artifacts import access, manifests
from pinakes.server.artifacts.access import SQL
from pinakes.server.artifacts.transfers import held
from pinakes.server.artifacts.types import Content, FileListing, FilePlace, FileSpec, Version, VersionFile
from pinakes.server.db import Tx
from pinakes.server.errors import Conflict, FileNotFound, Invalid
from pinakes.server.paging import cut, decode_cursor
from pinakes.server.people import service as people
from pinakes.server.people.checks import is_plain

MOST_SPECS = 10_000
PAGE = 10_000

_MOST_VERSIONS = 1000


async def places(tx: Tx, actor: Actor, specs: Sequence[FileSpec]) -> list[FilePlace]:
    """Say where the content of files goes, one answer for each, in their order.

    What the owner has already need not be sent again; it is kept from being collected for a day.

    Raises:
        VersionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write one of the versions.
        Conflict: one of them is committed already.
        Invalid: (field `artifactFiles`) there are too many, or a path or an MD5 can't be one.
    """
    if len(specs) > MOST_SPECS:
        message = f"At most {MOST_SPECS} files at once, not {len(specs)}."
        raise Invalid(message, field="artifactFiles")
    for spec in specs:
        manifests.check_path(spec.path, "artifactFiles")
        if len(spec.md5) != manifests.MD5_LENGTH:
            message = f"The MD5 of {spec.path[:200]!r} has to be 16 bytes, in base64."
            raise Invalid(message, field="artifactFiles")
    drafts = {number: await _draft(tx, actor, number) for number in dict.fromkeys(spec.version_id for spec in specs)}
    wanted: dict[int, list[bytes]] = {}
    for spec in specs:
        wanted.setdefault(drafts[spec.version_id].owner_id, []).append(spec.md5)
    there = {owner_id: await held(tx, owner_id, md5s) for owner_id, md5s in sorted(wanted.items())}
    answers: list[FilePlace] = []
    for spec in specs:
        owner_id = drafts[spec.version_id].owner_id
        found = there[owner_id].get(spec.md5)
        birth = spec.version_id if found is None or found.version_id is None else found.version_id
        answers.append(FilePlace(owner_id, spec.md5, spec.path, found is not None, birth))
    return answers


async def listing(
    tx: Tx,
    actor: Actor,
    version_id: int,
    *,
    names: Sequence[str] | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> FileListing:
    """List the files of a version in the order of their paths, all or those of some paths; references too.

    Raises:
        VersionNotFound: there is no such version that the actor sees.
        Forbidden: he may not download it.
        Invalid: the limit is not 1 to 10,000, there are too many names, or the cursor is none of ours.
    """
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    version = await access.get(tx, actor, version_id)
    await access.require_download(tx, actor, version)
    after = decode_cursor(cursor, int)[0] if cursor else 0
    if names is None:
        rows = await tx.all(SQL.files, VersionFile, version_id=version.id, after=after, limit=limit + 1)
        total = version.file_count if version.state == "committed" else 0
    else:
        found = await _named(tx, version, names)
        rows, total = [row for row in found if row.number > after], len(found)
    page = cut(rows, limit, lambda row: (row.number,))
    return FileListing(version.owner_id, page.rows, page.next, total)


async def content(tx: Tx, actor: Actor, version_id: int, md5: bytes) -> Content:
    """Return what a version has of an MD5, for who may download it.

    Raises:
        VersionNotFound: there is no such version that the actor sees.
        Forbidden: he may not download it.
        FileNotFound: the version has no such file.
    """
    version = await access.get(tx, actor, version_id)
    await access.require_download(tx, actor, version)
    size = await tx.value(SQL.file_with, version_id=version.id, md5=md5)
    if size is None:
        message = f"{version.label} has no file of that content."
        raise FileNotFound(message)
    return Content(version.owner_id, md5, int(size))


async def content_of_owner(tx: Tx, actor: Actor, owner: str, md5: bytes) -> Content:
    """Return what an owner's versions have of an MD5, for who may download one of them.

    Raises:
        AccountNotFound: there is no such owner.
        FileNotFound: none of the versions that he may download has such a file.
    """
    account = await people.account(tx, owner)
    rows = await tx.rows(SQL.versions_with, owner_id=account.id, md5=md5, limit=_MOST_VERSIONS)
    for version in (await access.by_ids(tx, actor, [number for (number,) in rows])).values():
        if await access.may_download(tx, actor, version):
            return await content(tx, actor, version.id, md5)
    message = f"{account.name} has no file of that content that you may download."
    raise FileNotFound(message)


async def _named(tx: Tx, version: Version, names: Sequence[str]) -> list[VersionFile]:
    if len(names) > PAGE:
        message = f"At most {PAGE} names at once, not {len(names)}."
        raise Invalid(message, field="names")
    wanted = [name for name in names if is_plain(name)]
    return await tx.all(SQL.files_named, VersionFile, version_id=version.id, names=wanted)


async def _draft(tx: Tx, actor: Actor, version_id: int) -> Version:
    version = await access.get(tx, actor, version_id)
    access.require_write(actor, version)
    if version.state != "pending":
        message = f"{version.label} is committed already; its files can't change any more."
        raise Conflict(message, field="version")
    return version
