"""Manifests: the lists of files that clients upload for a version, read, merged and written.

The form is that of W&B's clients (version 1): a JSON object whose `contents` has for each path the digest of the file,
its size and, for what lives elsewhere, a `ref`. A `full` one is what the version has, and is handed out as it came; an
`incremental` one adds to the files of a base version; several of type `patch`, by several writers, are one list.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import orjson

from pinakes.server.actor import Actor
from pinakes.server.artifacts import access, checks
from pinakes.server.artifacts.access import SQL
from pinakes.server.artifacts.transfers import blob_key, keep_blob
from pinakes.server.artifacts.types import MANIFEST_TYPES, Draft, Manifest, ManifestType, NewFile, Version
from pinakes.server.blobs import Blobs
from pinakes.server.db import Database, Tx
from pinakes.server.errors import Conflict, FileNotFound, Invalid, VersionNotFound

NAME = "wandb_manifest.json"

# Some 800,000 files; a manifest is read whole, since its form is one JSON object.
LARGEST = 256 * 1024 * 1024
LONGEST_PATH = 4096
# A reference without a checksum has its own address for a digest.
LONGEST_REFERENCE = 8192
LONGEST_DIGEST = LONGEST_REFERENCE
MD5_LENGTH = 16

# What clients write down for themselves: where the file lies on their own machine, and how to download it.
_THEIR_OWN = ("local_path", "skip_cache")


class Entry(NamedTuple):
    """One file of a manifest: content with an MD5, or a reference to what lives elsewhere."""

    digest: str
    md5: bytes | None
    size: int | None
    reference: str | None
    extra: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest that was read and found in order: its files by path, and the whole as it was written."""

    entries: Mapping[str, Entry]
    written: Mapping[str, Any]

    def contents(self) -> dict[str, Any]:
        """Return the files as they were written, without what means nothing to others."""
        found: Mapping[str, Mapping[str, Any]] = self.written["contents"]
        return {
            path: {key: value for key, value in entry.items() if key not in _THEIR_OWN} for path, entry in found.items()
        }


async def declare(
    tx: Tx,
    actor: Actor,
    version_id: int,
    *,
    type: ManifestType | str,  # noqa: A002 - what it is called
    name: str = NAME,
    md5: bytes | None = None,
    base_id: int | None = None,
) -> Manifest:
    """Announce the manifest of a draft; without an MD5 it is a placeholder, of which `update` says more.

    Only an incremental one has a base, whose files it adds to.

    Raises:
        VersionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write the version.
        Conflict: the version is committed already.
        Invalid: the type or the base can't be what was said.
    """
    if type not in MANIFEST_TYPES:
        message = f"A manifest is one of {', '.join(MANIFEST_TYPES)}."
        raise Invalid(message, field="type")
    if not 1 <= len(name) <= checks.LONGEST_NAME or not name.isprintable():
        message = f"The name of a manifest has 1 to {checks.LONGEST_NAME} printable characters."
        raise Invalid(message, field="name")
    draft = await _draft(tx, actor, version_id)
    base_id = base_id if type == "incremental" else None
    await _check_base(tx, draft, base_id)
    made = await tx.one(
        SQL.create_manifest,
        Manifest,
        version_id=draft.id,
        name=name,
        type=type,
        base_id=base_id,
        md5=_checked_md5(md5),
    )
    assert made is not None
    return made


async def update(
    tx: Tx, actor: Actor, manifest_id: int, *, md5: bytes | None = None, base_id: int | None = None
) -> Manifest:
    """Say what a manifest that was announced will be.

    Raises:
        FileNotFound: there is no such manifest.
        VersionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write the version.
        Conflict: the version is committed already.
        Invalid: the base can't be what was said.
    """
    found = await _manifest(tx, manifest_id)
    draft = await _draft(tx, actor, found.version_id)
    base_id = base_id if found.type == "incremental" else None
    await _check_base(tx, draft, base_id)
    await tx.run(SQL.update_manifest, id=found.id, md5=_checked_md5(md5), base_id=base_id)
    return await _manifest(tx, manifest_id)


async def current(tx: Tx, actor: Actor, version_id: int) -> Manifest:
    """Return the manifest that a version has, for who may read its files.

    Raises:
        VersionNotFound: there is no such version that the actor sees.
        Forbidden: he may not download it.
        FileNotFound: nobody has uploaded one yet.
    """
    version = await access.get(tx, actor, version_id)
    await access.require_download(tx, actor, version)
    found = await tx.one(SQL.current_manifest, Manifest, version_id=version.id)
    if found is None:
        message = "This version has no manifest yet."
        raise FileNotFound(message)
    return found


async def put(db: Database, blobs: Blobs, actor: Actor, version_id: int, files: Sequence[NewFile]) -> Manifest:
    """Write the manifest of a draft from a list of files, for callers that have no manifest of their own.

    Raises:
        VersionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write the version.
        Conflict: the version is committed already.
        Invalid: (field `files`) a path or a digest can't be one, or a path comes twice.
    """
    async with db.transaction() as tx:
        draft = await _draft(tx, actor, version_id)
    document = written(files, region=None)
    md5 = await store(db, blobs, draft.owner_id, document, version_id=draft.id)
    async with db.transaction() as tx:
        return await declare(tx, actor, version_id, type="full", md5=md5)


async def store(db: Database, blobs: Blobs, account_id: int, content: bytes, *, version_id: int) -> bytes:
    """Keep what the server itself has written among an account's content; return its MD5."""
    md5 = hashlib.md5(content, usedforsecurity=False).digest()
    received = await blobs.receive(blob_key(account_id, md5), _once(content), md5=md5, size=len(content))
    async with db.transaction() as tx:
        await keep_blob(tx, blobs, account_id, received, version_id=version_id)
    return md5


def parse(data: bytes) -> Document:
    """Read a manifest.

    Raises:
        Invalid: (field `manifest`) it is none, or one of its files can't be; the message says what and where.
    """
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        message = f"The manifest is not JSON: {error}."
        raise Invalid(message, field="manifest") from error
    if not isinstance(found, dict):
        message = "The manifest has to be a JSON object."
        raise Invalid(message, field="manifest")
    document = cast("dict[str, object]", found)
    if document.get("version") != 1 or isinstance(document["version"], bool):
        message = f"The manifest's version has to be 1, not {str(document.get('version'))[:40]}."
        raise Invalid(message, field="manifest")
    contents = document.get("contents")
    if not isinstance(contents, dict):
        message = "The manifest's contents have to be an object with an entry for each path."
        raise Invalid(message, field="manifest")
    named = cast("dict[str, object]", contents)
    return Document({path: _entry(path, entry) for path, entry in named.items()}, document)


def merged(documents: Sequence[Document]) -> bytes:
    """Write one manifest out of several: all their files; where several have a path, the last one's."""
    contents: dict[str, Any] = {}
    for document in documents:
        contents |= document.contents()
    # How the files are stored is the last one's to say; the first is the base, which may be of long ago.
    whole = {**documents[-1].written, "contents": dict(sorted(contents.items()))}
    return orjson.dumps(whole)


def written(files: Sequence[NewFile], *, region: str | None = None) -> bytes:
    """Write the manifest of a list of files.

    Raises:
        Invalid: (field `files`) a path or a digest can't be one, or a path comes twice.
    """
    contents: dict[str, dict[str, object]] = {}
    for file in files:
        if file.path in contents:
            message = f"The path {file.path[:200]!r} comes twice."
            raise Invalid(message, field="files")
        contents[file.path] = _written(file)
    config: dict[str, object] = {"storageLayout": "V2", **({"storageRegion": region} if region else {})}
    whole = {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": config,
        "contents": dict(sorted(contents.items())),
    }
    try:
        content = orjson.dumps(whole)
    except TypeError as error:
        message = "A path, a reference or what goes with it can't be written as JSON."
        raise Invalid(message, field="files") from error
    parse(content)
    return content


def digest_of(digests: Iterable[tuple[str, str]]) -> str:
    """Return the digest of a version: made of the paths of its files and their digests, as clients make it."""
    found = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
    for path, digest in sorted(digests):
        found.update(f"{path}:{digest}\n".encode())
    return found.hexdigest()


def digest_of_files(files: Sequence[NewFile]) -> str:
    """Return the digest of a version with these files, as a client would make it.

    Raises:
        Invalid: (field `files`) a path or a digest can't be one, or a path comes twice.
    """
    return digest_of((path, entry.digest) for path, entry in parse(written(files)).entries.items())


def check_path(path: str, field: str = "manifest") -> str:
    """Return the path of a file in a version: relative, and not out of it.

    Raises:
        Invalid: it could lead anywhere else, or is too long.
    """
    if not path or len(path) > LONGEST_PATH:
        message = f"A path has 1 to {LONGEST_PATH} characters; {path[:80]!r} has {len(path)}."
        raise Invalid(message, field=field)
    if path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/") or "\0" in path:
        message = f"The path {path[:200]!r} is absolute, leads out of the version by '..', or has a NUL in it."
        raise Invalid(message, field=field)
    if any("\ud800" <= char <= "\udfff" for char in path):
        message = "A path holds half a surrogate pair, which is no text."
        raise Invalid(message, field=field)
    return path


def decoded_md5(digest: str) -> bytes | None:
    """Return the MD5 that a digest in base64 stands for; None when it is not one."""
    try:
        md5 = b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        return None
    return md5 if len(md5) == MD5_LENGTH else None


def _entry(path: str, value: object) -> Entry:
    """Read one file of a manifest."""
    check_path(path)
    entry = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    digest, reference = entry.get("digest"), entry.get("ref") or None
    md5 = decoded_md5(digest) if isinstance(digest, str) and reference is None else None
    problem = _problem(entry) or ("no MD5 in base64 for a digest" if reference is None and md5 is None else None)
    if problem is not None:
        message = f"The manifest can't be taken: {path[:200]!r} has {problem}."
        raise Invalid(message, field="manifest")
    return Entry(
        cast("str", digest),
        md5,
        cast("int | None", entry.get("size")),
        cast("str | None", reference),
        cast("dict[str, object] | None", entry.get("extra")) or None,
    )


def _problem(entry: Mapping[str, object]) -> str | None:
    """Say what is wrong with a file of a manifest, if anything is."""
    digest, size = entry.get("digest"), entry.get("size")
    extra, reference = entry.get("extra"), entry.get("ref") or ""
    if not isinstance(digest, str) or not 1 <= len(digest) <= LONGEST_DIGEST or "\0" in digest:
        return f"no digest, which is a text of 1 to {LONGEST_DIGEST} characters"
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63):
        return "a size that is no whole number, 0 or more"
    if not isinstance(reference, str) or len(reference) > LONGEST_REFERENCE or "\0" in reference:
        return f"a ref that is no text of at most {LONGEST_REFERENCE} characters"
    if extra is not None and (not isinstance(extra, dict) or b"\\u0000" in orjson.dumps(extra)):
        return "an extra that is no object, or holds a NUL character"
    return None


def _written(file: NewFile) -> dict[str, object]:
    """Return a manifest's entry for a file."""
    check_path(file.path, "files")
    if (file.md5 is None) == (file.reference is None):
        message = f"{file.path[:200]!r} needs the MD5 of its content, or a reference to where it is; not both."
        raise Invalid(message, field="files")
    digest = file.digest or file.reference if file.md5 is None else b64encode(file.md5).decode()
    entry: dict[str, object] = {"digest": digest, "size": file.size}
    if file.reference is not None:
        entry["ref"] = file.reference
    if file.extra:
        entry["extra"] = dict(file.extra)
    return entry


async def _draft(tx: Tx, actor: Actor, version_id: int) -> Draft:
    """Return a draft that the actor may write, held."""
    version: Version = await access.get(tx, actor, version_id)
    access.require_write(actor, version)
    draft = await tx.one(SQL.hold_version, Draft, id=version_id)
    if draft is None:
        raise VersionNotFound
    if draft.state != "pending":
        message = f"{version.label} is committed already; its files can't change any more."
        raise Conflict(message, field="version")
    return draft


async def _manifest(tx: Tx, manifest_id: int) -> Manifest:
    found = await tx.one(SQL.manifest, Manifest, id=manifest_id) if checks.is_id(manifest_id) else None
    if found is None:
        message = "There is no such manifest."
        raise FileNotFound(message)
    return found


async def _check_base(tx: Tx, draft: Draft, base_id: int | None) -> None:
    """Raise unless a version can be the base of a draft: one of the same artifact."""
    if base_id is None:
        return
    base = await tx.one(SQL.version, Version, id=base_id) if checks.is_id(base_id) else None
    if base is None or base.artifact_id != draft.artifact_id or base.state != "committed":
        message = "The base has to be a committed version of the same artifact."
        raise Invalid(message, field="baseArtifactID")


def _checked_md5(md5: bytes | None) -> bytes | None:
    if md5 is not None and len(md5) != MD5_LENGTH:
        message = "The digest of a manifest is its MD5: 16 bytes."
        raise Invalid(message, field="digest")
    return md5


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content
