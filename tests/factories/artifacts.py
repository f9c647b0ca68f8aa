"""Projects and versions logged as clients log them: begun, their files and manifest uploaded, committed."""

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from factories.catalog import Facts
from factories.people import unique
from pinakes.server.actor import Actor
from pinakes.server.artifacts import commits, files, manifests, versions
from pinakes.server.artifacts.transfers import blob_key, keep_blob
from pinakes.server.artifacts.types import Begun, FileSpec, NewVersion, Version
from pinakes.server.blobs import Blobs
from pinakes.server.catalog.projects import ensure_project
from pinakes.server.catalog.types import Project
from pinakes.server.db import Database
from pinakes.server.people.types import Account


def md5_of(content: bytes) -> bytes:
    """The MD5 of a content."""
    return hashlib.md5(content, usedforsecurity=False).digest()


def digest_of(content: bytes) -> str:
    """The digest of a file, as manifests have it."""
    return b64encode(md5_of(content)).decode()


def file_entry(content: bytes, **facts: Facts) -> dict[str, object]:
    """A manifest's entry for a file."""
    return {"digest": digest_of(content), "size": len(content), **facts}


def manifest_of(entries: Mapping[str, object], **facts: Facts) -> bytes:
    """A manifest, as clients write it."""
    whole = {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
        "contents": dict(entries),
        **facts,
    }
    return json.dumps(whole).encode()


async def make_project(db: Database, owner: Account, actor: Actor, name: str | None = None) -> Project:
    """A new project of an owner."""
    async with db.transaction() as tx:
        return await ensure_project(tx, actor, owner, unique("project") if name is None else name)


async def _pieces(content: bytes) -> AsyncGenerator[bytes]:
    yield content


@dataclass(frozen=True)
class Studio:
    """Somebody who logs versions into a project, and the store that his files go to."""

    db: Database
    blobs: Blobs
    actor: Actor
    project: Project

    async def upload(self, content: bytes, version_id: int | None = None) -> bytes:
        """Send a content, which the project's owner then has."""
        key = blob_key(self.project.owner_id, md5_of(content))
        received = await self.blobs.receive(key, _pieces(content), md5=md5_of(content), size=len(content))
        async with self.db.transaction() as tx:
            await keep_blob(tx, self.blobs, self.project.owner_id, received, version_id=version_id)
        return received.md5

    async def begin(self, artifact: str = "data", **facts: Facts) -> Begun:
        """Begin to log a version; of a digest of its own, unless the test says which."""
        new = NewVersion(
            project_id=self.project.id,
            type=facts.pop("type", "dataset"),
            artifact=artifact,
            digest=facts.pop("digest", uuid.uuid4().hex),
            **facts,
        )
        async with self.db.transaction() as tx:
            return await versions.begin(tx, self.actor, new)

    async def send(
        self, version_id: int, contents: Mapping[str, bytes], references: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """Upload the files of a draft that are not there yet; return the entries of its manifest."""
        specs = [FileSpec(version_id, path, md5_of(content)) for path, content in contents.items()]
        async with self.db.transaction() as tx:
            places = await files.places(tx, self.actor, specs)
        for place in places:
            if not place.there:
                await self.upload(contents[place.path], place.birth_id)
        return {path: file_entry(content) for path, content in contents.items()} | dict(references or {})

    async def declare(self, version_id: int, document: bytes, **facts: Facts) -> None:
        """Announce and upload a manifest of a draft."""
        async with self.db.transaction() as tx:
            await manifests.declare(
                tx, self.actor, version_id, type=facts.pop("type", "full"), md5=md5_of(document), **facts
            )
        await self.upload(document, version_id)

    async def commit(self, version_id: int) -> Version:
        """Commit a draft."""
        return await commits.commit(self.db, self.blobs, self.actor, version_id)

    async def log(
        self,
        artifact: str = "data",
        contents: Mapping[str, bytes] | None = None,
        references: Mapping[str, object] | None = None,
        **facts: Facts,
    ) -> Version:
        """Log a version with files, all the way; of a content of its own, unless the test says which."""
        contents = {"file.txt": uuid.uuid4().bytes} if contents is None else contents
        begun = await self.begin(artifact, **facts)
        entries = await self.send(begun.version.id, contents, references)
        await self.declare(begun.version.id, manifest_of(entries))
        return await self.commit(begun.version.id)
