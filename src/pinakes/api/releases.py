"""The contract of releases: registries, their releases, versions with numbers and aliases, and what was remembered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, JsonValue, StringConstraints, model_validator

from pinakes.api.common import MAX_INT4, NO_NUL, NOT_BLANK, STORABLE, AccountName, Answer, Reason, Request, Text
from pinakes.api.media import DataType, Facts, Id, LongText

Role: TypeAlias = Literal["restricted_viewer", "viewer", "member", "admin"]
RegistryVisibility: TypeAlias = Literal["organization", "restricted"]
OnDeletion: TypeAlias = Literal["refuse", "tombstone"]
NumberedKind: TypeAlias = Literal["artifact", "release"]
VersionState: TypeAlias = Literal["pending", "committed", "deleted"]
PromotionState: TypeAlias = Literal["open", "applied", "rejected", "withdrawn"]

_NO = r"\u0000-\u001f\u007f-\u009f/"
_NAME: dict[str, Any] = {"pattern": rf"^[^{_NO}]*[^\s{_NO}][^{_NO}]*$"}
Name: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    STORABLE,
    Field(description="1 to 128 characters, without a slash.", json_schema_extra=_NAME),
]
RegistryName: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=113),
    STORABLE,
    Field(description="1 to 113 characters, none of `/ \\ # ? % :`.", json_schema_extra=_NAME),
]
TypeName: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=128), STORABLE, Field(json_schema_extra=NOT_BLANK)
]
Alias: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    STORABLE,
    Field(
        description="1 to 128 characters, without `/` and `:`, and not a number like `v3`.",
        json_schema_extra=NOT_BLANK,
    ),
]
VersionId: TypeAlias = Annotated[int, Field(ge=1, le=MAX_INT4, description="A version's number on this server.")]
Description: TypeAlias = Annotated[
    str, StringConstraints(max_length=100_000), STORABLE, Field(json_schema_extra=NO_NUL)
]


class CreateRegistry(Request):
    """A registry of an organization to open. Without `types` it accepts versions of any type."""

    name: RegistryName
    description: Description = ""
    visibility: RegistryVisibility = "organization"
    types: Annotated[list[TypeName], Field(max_length=100)] | None = None
    on_deletion: Annotated[
        OnDeletion, Field(description="What becomes of a deletion that would take a linked version away.")
    ] = "refuse"
    reason: Reason | None = None


class UpdateRegistry(Request):
    """New values for a registry; what is left out stays. `types` is the whole list, and a saved type stays in it."""

    name: RegistryName | None = None
    description: Description | None = None
    visibility: RegistryVisibility | None = None
    types: Annotated[list[TypeName], Field(max_length=100)] | None = None
    all_types: bool | None = None
    on_deletion: OnDeletion | None = None
    reason: Reason | None = None


class Registry(Answer):
    """An organization's shelf of releases.

    Attributes:
        handle: The owner in the addresses of its releases; it never changes.
        types: What it accepts, or, when it accepts all, what its releases hold.
        can: What the reader may do with it.
    """

    id: int
    organization: str
    handle: str
    name: str
    description: str
    visibility: RegistryVisibility
    types: list[str]
    all_types: bool
    on_deletion: OnDeletion
    collection_count: int
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    can: list[str]


class PutRole(Request):
    """A role in a registry."""

    role: Role = "member"


class RegistryMember(Answer):
    """Somebody, or a team, with a role in a registry that was given to him (others have theirs by the organization)."""

    name: str
    display_name: str
    role: Role
    created_at: datetime


class ProtectAlias(Request):
    """How many of the registry's admins have to agree, beside who asks, before the alias is set."""

    approvals: Annotated[int, Field(ge=0, le=20)] = 0
    reason: Reason | None = None


class ProtectedAlias(Answer):
    """An alias that only a registry's admins may set, move and remove."""

    alias: str
    approvals: int
    created_by: str | None
    created_at: datetime


class Numbered(Answer):
    """An artifact or a release: a collection whose entries are versions with numbers and aliases.

    Attributes:
        collection: Its address as a collection, for everything that all collections have.
        project: The project that it belongs to, as `owner/name`; None in a registry.
        registry: The registry's name, with its organization; None in a project.
    """

    id: str
    kind: NumberedKind
    name: str
    slug: str
    types: list[str]
    description: str
    tags: list[str]
    project: str | None
    organization: str | None
    registry: str | None
    version_count: int
    revision: int
    created_at: datetime
    updated_at: datetime


class Version(Answer):
    """A version of an artifact.

    Attributes:
        item: Its number as an item, None while it is pending.
        source: Where it was logged, `owner/project/artifact:vN`; None when the reader may not see that project.
        digest: What its content is known by.
    """

    id: int
    item: int | None
    name: str
    number: int | None
    source: str | None
    type: str
    state: VersionState
    digest: str
    size: int
    file_count: int
    description: str | None
    metadata: dict[str, JsonValue]
    tags: list[str]
    ttl_seconds: int | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    committed_at: datetime | None
    deleted_at: datetime | None


class LinkedVersion(Answer):
    """A version as it stands in an artifact or release.

    Attributes:
        number: Its number there, `v{number}`; it keeps it for good.
        broken: Whether the version was deleted since: the entry says what it was.
    """

    number: int
    aliases: list[str]
    linked_at: datetime
    linked_by: str | None
    broken: bool
    version: Version


class Standing(Answer):
    """Where a version stands: an artifact or a release, its number there, and its aliases."""

    collection: Numbered
    number: int
    aliases: list[str]
    linked_at: datetime
    linked_by: str | None


class FirstVersion(Request):
    """The version that a release begins with."""

    version: VersionId
    aliases: Annotated[list[Alias], Field(max_length=100, default_factory=list[str])]


class CreateRelease(Request):
    """A release to make in a registry, perhaps with its first version."""

    name: Name
    types: Annotated[list[TypeName], Field(min_length=1, max_length=100)]
    description: Description = ""
    tags: Annotated[list[Text], Field(max_length=100, default_factory=list[str])]
    first: FirstVersion | None = None
    reason: Reason | None = None


class LinkVersion(Request):
    """A version to link into a release."""

    version: VersionId
    aliases: Annotated[list[Alias], Field(max_length=100, default_factory=list[str])]
    reason: Reason | None = None


class UnlinkVersion(Request):
    """A version to take out of a release."""

    version: VersionId
    reason: Reason | None = None


class LinkInto(Request):
    """A version to link into a release that is made when it is not there."""

    version: VersionId
    collection: Name
    aliases: Annotated[list[Alias], Field(max_length=100, default_factory=list[str])]
    reason: Reason | None = None


class Link(Answer):
    """What linking did: `new` is false for a version that was linked before, `created` true for a release just made."""

    collection: Numbered
    number: int
    aliases: list[str]
    linked_at: datetime
    revision: int
    new: bool
    created: bool


class AddTypes(Request):
    """Types that a release shall accept too."""

    types: Annotated[list[TypeName], Field(min_length=1, max_length=100)]
    reason: Reason | None = None


class SetAlias(Request):
    """The version that an alias shall name."""

    version: VersionId
    reason: Reason | None = None


class AliasChanged(Answer):
    """The collection's revision after a change of its aliases."""

    revision: int


class AliasForm(Answer):
    """What an alias named for some time, who set it and why, and how that ended (it has not, where `ended_at` is None).

    Attributes:
        name: Where the version comes from, `project/artifact:vN` of `owner`.
        version: None where the version is gone for good.
    """

    alias: str
    number: int
    version: int | None
    owner: str
    name: str
    type: str | None
    digest: str | None
    set_by: str | None
    set_at: datetime
    reason: str | None
    ended_by: str | None
    ended_at: datetime | None


class LinkRecord(Answer):
    """A link, present or past."""

    number: int
    version: int | None
    owner: str
    name: str
    digest: str | None
    linked_by: str | None
    linked_at: datetime
    link_reason: str | None
    unlinked_by: str | None
    unlinked_at: datetime | None
    unlink_reason: str | None


class BrokenEntry(Answer):
    """An entry of a registry whose version was deleted, with what it was."""

    collection: str
    collection_name: str
    number: int
    aliases: list[str]
    version: int | None
    owner: str
    name: str
    type: str | None
    digest: str | None
    linked_by: str | None
    linked_at: datetime
    deleted_by: str | None
    deleted_at: datetime


class Holder(Answer):
    """A release that holds a version."""

    collection: str
    collection_name: str
    registry: str | None
    project: str | None
    number: int
    aliases: list[str]
    linked_by: str | None
    linked_at: datetime


class RequestPromotion(Request):
    """A protected alias to set, once enough admins agreed."""

    alias: Alias
    version: VersionId
    reason: Reason | None = None


class CastVote(Request):
    """An admin's word on a promotion; one rejection rejects it."""

    approve: bool
    comment: Reason | None = None


class PromotionVote(Answer):
    """What one admin said."""

    user: str
    approves: bool
    comment: str | None
    at: datetime


class Promotion(Answer):
    """A request to set a protected alias.

    Attributes:
        needed: How many approvals it takes, of which it has `approvals`.
    """

    id: int
    collection: str
    collection_name: str
    alias: str
    version: int
    number: int
    state: PromotionState
    reason: str | None
    requested_by: str | None
    requested_at: datetime
    decided_at: datetime | None
    needed: int
    approvals: int
    votes: list[PromotionVote]


class CreateProject(Request):
    """A project to make; without an owner, one's own."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=128), STORABLE, Field(json_schema_extra=_NAME)]
    owner: AccountName | None = None
    description: Description = ""
    data_type: Annotated[
        DataType | None, Field(description="What media it holds. Without it, it is for runs and artifacts only.")
    ] = None
    workspace: Annotated[Id | None, Field(description="Of the owner's workspaces; the first one when left out.")] = None
    readme: LongText = ""
    custom_data: Facts = Field(default_factory=dict[str, JsonValue])

    @model_validator(mode="after")
    def _of_media(self) -> CreateProject:
        if self.data_type is None and (self.workspace or self.readme or self.custom_data):
            message = "workspace, readme and custom_data are for projects of media: give a data_type"
            raise ValueError(message)
        return self


class UpdateProject(Request):
    """New values for a project; what is left out stays."""

    name: (
        Annotated[str, StringConstraints(min_length=1, max_length=128), STORABLE, Field(json_schema_extra=_NAME)] | None
    ) = None
    description: Description | None = None
    visibility: Literal["public", "private"] | None = None


class UpdateMediaProject(UpdateProject):
    """New values for a project by its number; `workspace`, `readme`, `settings` and `custom_data` if it has media.

    `settings` are put over those that are there, key by key; `custom_data` is replaced.
    """

    workspace: Id | None = None
    readme: LongText | None = None
    settings: Facts | None = None
    custom_data: Facts | None = None


class Project(Answer):
    """A team's or user's work area, with its runs and artifacts, and with media where it has a data type.

    Attributes:
        data_type: What media it holds; null for one of runs and artifacts only, as is what follows.
        workspace: The number of its workspace. Outside the first one its number is its only address.
        dataset_count: How many datasets it has, at any depth.
        size: How long its files are together, in bytes.
        can: What the reader may do with it and what is in it.
    """

    id: int
    owner: str
    name: str
    description: str
    visibility: Literal["public", "private"]
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    can: list[str] = Field(default_factory=list[str])
    data_type: DataType | None = None
    workspace: int | None = None
    readme: str | None = None
    settings: dict[str, Any] | None = None
    custom_data: dict[str, Any] | None = None
    dataset_count: int | None = None
    item_count: int | None = None
    size: int | None = None


_MD5 = r"^[0-9a-f]{32}$"
Path: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    STORABLE,
    Field(description="A relative path, with `/`, without `..`.", json_schema_extra=NOT_BLANK),
]


class NewFile(Request):
    """A file of a version: its MD5 and size, or a `reference` to where it is (s3, gs, http, file)."""

    path: Path
    size: Annotated[int, Field(ge=0, le=2**53)] = 0
    md5: Annotated[str, StringConstraints(pattern=_MD5), Field(description="32 hex digits.")] | None = None
    reference: (
        Annotated[str, StringConstraints(min_length=1, max_length=4096), STORABLE, Field(json_schema_extra=NOT_BLANK)]
        | None
    ) = None


class BeginVersion(Request):
    """A version to log: its artifact's name and type, and what is said of it. Its files follow."""

    artifact: Name
    type: TypeName
    description: Description | None = None
    metadata: Annotated[dict[str, JsonValue], Field(default_factory=dict[str, JsonValue])]
    tags: Annotated[list[Text], Field(max_length=100, default_factory=list[str])]
    aliases: Annotated[list[Alias], Field(max_length=100, default_factory=list[str])]
    files: Annotated[
        list[NewFile],
        Field(max_length=100_000, description="All its files; what of them must be sent, the answer says."),
    ]


class Upload(Answer):
    """Where to PUT the content of a file, within a day, without a token."""

    path: str
    url: str


class FileInParts(Request):
    """A file of a version that was begun, to be sent in parts: what `BeginVersion` said of it."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=4096), STORABLE, Field(json_schema_extra=NOT_BLANK)]
    size: Annotated[int, Field(ge=0, le=2**53)]
    md5: Annotated[str, StringConstraints(pattern=_MD5), Field(description="32 hex digits.")]


class UploadPart(Answer):
    """A part of a file: PUT its `size` bytes to `url`, within a day, without a token, unless it is `there` already."""

    number: int
    size: int
    there: bool
    url: str


class UploadInParts(Answer):
    """A file that comes in parts: they follow each other in the file. One that is `there` as a whole has none."""

    path: str
    there: bool
    parts: list[UploadPart]


class DraftVersion(Answer):
    """A version that was begun: send what `uploads` lists, then commit it.

    `existing` says that a version of the same content is there already, and nothing needs to be sent or committed.
    """

    version: Version
    existing: bool
    uploads: list[Upload]


class UpdateVersion(Request):
    """New values for a version; what is left out stays. `metadata` is the whole."""

    description: Description | None = None
    metadata: dict[str, JsonValue] | None = None
    add_tags: Annotated[list[Text], Field(max_length=100, default_factory=list[str])]
    remove_tags: Annotated[list[Text], Field(max_length=100, default_factory=list[str])]
    ttl_seconds: Annotated[
        int | None, Field(ge=-2, le=2**53, description="-1: as its project decides; -2: kept for ever.")
    ] = None


class VersionFile(Answer):
    """A file of a version. `url` serves it for an hour, without a token; a reference's is where it points.

    Attributes:
        digest: What the manifest says of its content; for a file that this server keeps, its MD5 in base64.
        md5: Its MD5 in 32 hex digits; None for a reference.
    """

    path: str
    size: int
    digest: str
    md5: str | None
    reference: str | None
    url: str


class LineageVersion(Answer):
    """A version in a graph of origins."""

    id: int
    name: str
    type: str
    state: VersionState
    digest: str
    project: str


class LineageRun(Answer):
    """A run in a graph of origins."""

    id: int
    name: str
    display_name: str
    project: str
    created_at: datetime


class LineageEdge(Answer):
    """A run read a version (`input`), or made it (`output`)."""

    run: int
    version: int
    kind: Literal["input", "output"]
    used_as: str | None


class Lineage(Answer):
    """Where a version comes from and what was made of it; `truncated` says that there is more."""

    root: int
    versions: list[LineageVersion]
    runs: list[LineageRun]
    edges: list[LineageEdge]
    truncated: bool


class Origin(Answer):
    """A collection that a version was made of, as it was at that revision.

    Its items are `GET /collections/{collection}/entries?revision=…`; who labeled and accepted them is `GET /proofs`.

    Attributes:
        version: The version whose metadata say so: the one that was asked for, or one that it came from.
        items: How many entries the collection had at that revision, of those that the reader sees.
        at: When the revision was made.
    """

    version: int
    version_name: str
    project: str
    collection: str
    title: str
    kind: str
    revision: int
    items: int
    at: datetime
