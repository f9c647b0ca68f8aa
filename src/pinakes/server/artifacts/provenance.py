"""The collections that a version was made of, at the revisions that they had: the way back from a model to each item.

Whoever logs a version of what a collection holds says so in the version's metadata, which no later change of the
collection touches:

    {"pinakes": {"collection": "64f9a55bb3115b4f513ec026", "revision": 7}}

A list of such objects says that it was made of several. It is the word of whoever logged the version. What it leads to
is read with the reader's own rights: a collection that he does not see is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.artifacts import access, lineage
from pinakes.server.artifacts.types import Version
from pinakes.server.collections import revisions
from pinakes.server.collections.types import Collection
from pinakes.server.db import Tx
from pinakes.server.errors import CollectionNotFound, RevisionNotFound

KEY = "pinakes"
MOST_ORIGINS = 100

_PUBLIC_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Origin:
    """A version, and the collection that it was made of, as it was at that revision."""

    version: Version
    collection: Collection


async def of_version(tx: Tx, actor: Actor, version_id: int) -> list[Origin]:
    """Return the collections that a version was made of, and those of the versions that it came from, nearest first.

    It goes as far as the graph of origins does; at most 100 are returned.

    Raises:
        VersionNotFound: there is no such version that the actor sees.
    """
    graph = await lineage.graph(tx, actor, version_id, depth=lineage.DEEPEST, direction="up")
    versions = await access.by_ids(tx, actor, [node.id for node in graph.versions])
    found: list[Origin] = []
    for node in graph.versions:
        version = versions.get(node.id)
        for public_id, revision in _named(version) if version is not None else ():
            collection = await _at(tx, actor, public_id, revision)
            if version is not None and collection is not None:
                found.append(Origin(version, collection))
            if len(found) == MOST_ORIGINS:
                return found
    return found


def _named(version: Version) -> Iterator[tuple[str, int]]:
    """Tell the collections and revisions that a version's metadata name; what is of another form is somebody else's."""
    said = version.metadata.get(KEY)
    seen: set[tuple[str, int]] = set()
    for each in cast("list[object]", said)[:MOST_ORIGINS] if isinstance(said, list) else [said]:
        facts = cast("Mapping[str, object]", each) if isinstance(each, Mapping) else {}
        public_id, revision = facts.get("collection"), facts.get("revision")
        if not isinstance(public_id, str) or _PUBLIC_ID.fullmatch(public_id) is None:
            continue
        if isinstance(revision, int) and not isinstance(revision, bool) and (public_id, revision) not in seen:
            seen.add((public_id, revision))
            yield public_id, revision


async def _at(tx: Tx, actor: Actor, public_id: str, revision: int) -> Collection | None:
    try:
        return await revisions.at(tx, actor, public_id, revision)
    except (CollectionNotFound, RevisionNotFound):
        return None
