"""What the artifacts room is given and answers with, as far as versions, their files and their origins go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pinakes.server.collections.types import Card

State: TypeAlias = Literal["pending", "committed", "deleted"]
ManifestType: TypeAlias = Literal["full", "incremental", "patch"]
Direction: TypeAlias = Literal["both", "up", "down"]

DIGESTS = ("MANIFEST_MD5",)
MANIFEST_TYPES: tuple[ManifestType, ...] = ("full", "incremental", "patch")
DIRECTIONS: tuple[Direction, ...] = ("both", "up", "down")

# Times to live that are no time: the version keeps what its project decides, or is kept for ever.
INHERITED = -1
FOR_EVER = -2


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an artifact, from the moment that somebody begins to log it.

    Attributes:
        artifact_id: The collection whose version it is.
        item_id: What collections point at; None until it is committed, as is the number.
        state: pending, committed or deleted.
        ttl_seconds: How long it is kept after it was committed; None as its project decides, -2 for ever.
        run_id: The run that logged it first.
        created_by: The user who did.
        type: Its artifact's type, and `artifact` that one's name.
        owner: The user, team or organization whose project it is in.
    """

    id: int
    artifact_id: int
    item_id: int | None
    number: int | None
    state: State
    digest: str
    digest_algorithm: str
    description: str | None
    metadata: dict[str, object]
    tags: list[str]
    ttl_seconds: int | None
    history_step: int | None
    storage_region: str | None
    size: int
    file_count: int
    run_id: int | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    committed_at: datetime | None
    deleted_at: datetime | None
    type: str
    artifact: str
    artifact_public_id: str
    project_id: int
    project: str
    project_visibility: str
    owner_id: int
    owner: str

    @property
    def label(self) -> str:
        """Return what people call it: `artifact:vN`, or `artifact` while it has no number."""
        return self.artifact if self.number is None else f"{self.artifact}:v{self.number}"


@dataclass(frozen=True, slots=True)
class Placed(Version):
    """A version as it stands in a collection: its number and aliases there, and who put it there when."""

    collection_id: int
    entry_number: int
    linked_at: datetime
    linked_by: str | None
    aliases: list[str]


@dataclass(frozen=True, slots=True)
class Membership:
    """A version in an artifact or release: the collection, the version, and its number and aliases there."""

    collection: Card
    version: Version
    number: int
    aliases: list[str]
    linked_at: datetime
    linked_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What somebody says when he begins to log a version.

    Attributes:
        artifact: The artifact's name; it is made with this type where there is none.
        digest: What tells its content from others'.
        metadata: A JSON object, or the text of one; NaN and infinities become null.
        aliases: What shall name it once it is committed, beside `latest`.
        ttl_seconds: How long to keep it; -1 as its project decides, -2 for ever.
        distributed_id: Writers that say the same share one draft until it is committed.
        client_id: A name that the caller made up, by which the version can be found from now on.
        sequence_client_id: The same for the artifact.
        run_id: The run that logs it.
        deduplicate: Whether a committed version of the same digest will do instead of a new one.
    """

    project_id: int
    type: str
    artifact: str
    digest: str
    digest_algorithm: str = "MANIFEST_MD5"
    description: str | None = None
    metadata: Mapping[str, object] | str | None = None
    tags: Sequence[str] = ()
    aliases: Sequence[str] = ()
    ttl_seconds: int | None = None
    history_step: int | None = None
    storage_region: str | None = None
    distributed_id: str | None = None
    client_id: str | None = None
    sequence_client_id: str | None = None
    run_id: int | None = None
    deduplicate: bool = True


@dataclass(frozen=True, slots=True)
class Begun:
    """A version to go on with: `fresh` is a draft; else a committed one has that content already.

    `latest` is what the artifact's alias `latest` named before the call.
    """

    version: Version
    fresh: bool
    latest: Version | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChanges:
    """New values for a version; None leaves one as it is, "" takes the description away."""

    description: str | None = None
    metadata: Mapping[str, object] | str | None = None
    tags_to_add: Sequence[str] = ()
    tags_to_delete: Sequence[str] = ()
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ClientTarget:
    """What a name that a client made up stands for."""

    version_id: int | None
    artifact_id: int | None


@dataclass(frozen=True, slots=True)
class ArtifactType:
    """A type of artifacts that a project knows."""

    id: int
    name: str
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Manifest:
    """A list of files that somebody uploads for a version; `md5` is None until he says what it will be.

    Attributes:
        account_id: Whose blob it is.
        base_version_id: The version that an incremental one adds to.
    """

    id: int
    version_id: int
    account_id: int
    name: str
    type: ManifestType
    base_version_id: int | None
    md5: bytes | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file of a version that the server writes the manifest of: with its MD5, or a reference to where it is."""

    path: str
    size: int = 0
    md5: bytes | None = None
    reference: str | None = None
    digest: str | None = None
    extra: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file that somebody is about to upload for a version."""

    version_id: int
    path: str
    md5: bytes


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where the content of a file goes: whether it is there already, and then since which version."""

    account_id: int
    md5: bytes
    path: str
    there: bool
    birth_id: int


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A file of a committed version: content of its owner's, by MD5, or a reference to what lives elsewhere."""

    number: int
    path: str
    digest: str
    md5: bytes | None
    size: int
    reference: str | None
    birth_id: int | None
    extra: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class FileListing:
    """A page of a version's files, how many there are of those asked for, and whose the content is."""

    account_id: int
    rows: list[VersionFile]
    next: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: whose content, and which."""

    account_id: int
    md5: bytes
    size: int


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run, by the names that people know it by."""

    id: int
    name: str
    display_name: str
    project_id: int
    project: str
    owner_id: int
    owner: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Edge:
    """A run read a version (`input`), or made it (`output`)."""

    run_id: int
    version_id: int
    kind: Literal["input", "output"]
    used_as: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionNode:
    """A version in a graph of origins."""

    id: int
    item_id: int | None
    number: int | None
    state: State
    digest: str
    type: str
    artifact: str
    artifact_id: int
    project_id: int
    project: str
    owner: str
    committed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Graph:
    """Where a version comes from and what was made of it: versions and runs, joined by edges.

    `truncated` says that there is more than the graph may hold.
    """

    root: int
    versions: list[VersionNode]
    runs: list[RunRef]
    edges: list[Edge]
    truncated: bool


# What the queries of this room answer with, for the room's own use.


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that this transaction holds, as far as committing or ending it needs it."""

    id: int
    state: State
    artifact_id: int
    project_id: int
    owner_id: int
    item_id: int | None
    project_visibility: str
    aliases: list[str]
    digest: str


@dataclass(frozen=True, slots=True)
class Way:
    """A release through which a version can be reached, by whose it is and who may see it."""

    owner_id: int
    visibility: str


@dataclass(frozen=True, slots=True)
class Holding:
    """A collection that holds a version, and whether its entry stays when the version goes."""

    collection_id: int
    item_id: int
    stays: bool
