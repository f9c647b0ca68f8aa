"""What the registries room is given and answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pinakes.server.artifacts.types import Version
from pinakes.server.collections.types import Card

ROLES = ("restricted_viewer", "viewer", "member", "admin")
VISIBILITIES = ("organization", "restricted")
ON_DELETION = ("refuse", "tombstone")
STATES = ("open", "applied", "rejected", "withdrawn")


@dataclass(frozen=True, slots=True)
class Registry:
    """An organization's shelf of releases.

    Attributes:
        organization: The organization's name; `organization_title` its display name, which may be empty.
        handle: The name of the account that the registry is, given once and for all: the owner in its releases' slugs.
        name: What people call it.
        visibility: `organization` (every member of the organization reads it) or `restricted` (its own members only).
        all_types: Whether versions of any type may be linked, or those of its saved types only.
        on_deletion: What becomes of a deletion that would take a linked version away: `refuse` or `tombstone`.
        saved_types: The types that were accepted once and for all; `used_types` are those of its releases.
    """

    id: int
    organization_id: int
    organization: str
    organization_title: str
    handle: str
    name: str
    visibility: str
    description: str
    all_types: bool
    on_deletion: str
    saved_types: list[str]
    used_types: list[str]
    collection_count: int
    created_by: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def types(self) -> list[str]:
        """Return the types to show as accepted: the saved ones and, when all are allowed, those in use."""
        return sorted({*self.saved_types, *(self.used_types if self.all_types else ())})


@dataclass(frozen=True, slots=True)
class Located:
    """A registry, as far as it takes to find something in it."""

    id: int
    name: str
    organization_id: int
    organization: str


@dataclass(frozen=True, slots=True)
class RegistryChanges:
    """New values for a registry; None leaves one as it is.

    Attributes:
        types: The whole list of saved types; a saved one can't be left out.
        add_types: Types to be saved beside those that are.
        all_types: Whether any type is accepted. When it ends, types in use must be among the saved ones: they are saved
            by themselves, unless `types` says the whole list.
    """

    name: str | None = None
    visibility: str | None = None
    description: str | None = None
    types: list[str] | None = None
    add_types: list[str] | None = None
    all_types: bool | None = None
    on_deletion: str | None = None


@dataclass(frozen=True, slots=True)
class RegistryMember:
    """A user who was given a role in a registry."""

    id: int
    name: str
    display_name: str
    email: str | None
    role: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RegistryTeam:
    """A team that was given a role in a registry: each of its members has it."""

    id: int
    name: str
    display_name: str
    role: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class InRegistry:
    """A release in a registry, by names.

    Attributes:
        organization: Its name or display name; None means that of the version that is linked, or else the only one that
            has a registry of that name which the actor sees.
    """

    registry: str
    collection: str
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class InProject:
    """A release in a project, outside every registry. No owner means that of the version that is linked."""

    project: str
    collection: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Existing:
    """A release that is there, by its id or address."""

    ref: str | int


Target: TypeAlias = InRegistry | InProject | Existing


@dataclass(frozen=True, slots=True)
class Link:
    """A version in a release.

    Attributes:
        number: The version's number there; it keeps it, also when it is linked anew.
        aliases: All that it has there now.
        new: Whether it was not linked before; `created` says whether the release was not there before.
    """

    card: Card
    version_id: int
    item_id: int
    number: int
    aliases: list[str]
    linked_at: datetime
    revision: int
    new: bool
    created: bool


@dataclass(frozen=True, slots=True)
class FirstLink:
    """The version that a new release begins with."""

    version_id: int
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """A new release, and the link that it began with."""

    card: Card
    link: Link | None


@dataclass(frozen=True, slots=True)
class ProtectedAlias:
    """An alias that only a registry's admins set, move and remove; with `approvals`, after so many of them agreed."""

    alias: str
    approvals: int
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Vote:
    """What somebody says to a promotion."""

    user: str
    approves: bool
    comment: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """A request to set a protected alias.

    Attributes:
        collection: The release's name; `public_id` is its id in addresses.
        number: The number of the version that the alias shall name.
        needed: How many approvals it takes; 0 when the alias needs none any more.
        approvals: How many there are, of people who are still admins of the registry.
    """

    id: int
    registry_id: int
    collection_id: int
    collection: str
    public_id: str
    alias: str
    item_id: int
    version_id: int
    number: int
    state: str
    reason: str | None
    requested_by_id: int
    requested_by: str
    requested_at: datetime
    decided_at: datetime | None
    needed: int
    approvals: int
    voters: list[str]
    verdicts: list[bool]
    comments: list[str | None]
    times: list[datetime]

    @property
    def votes(self) -> list[Vote]:
        """Return who said what, in the order of their votes."""
        rows = zip(self.voters, self.verdicts, self.comments, self.times, strict=True)
        return [Vote(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Named:
    """What an alias named for some time: which version, since when, who set it, why; `ended_at` is None while it does.

    Attributes:
        version_id: None, like type and digest, where the version has been purged.
        name: Where the version comes from, as `project/artifact:vN` of `owner`.
        number: Its number in the collection.
    """

    alias: str
    item_id: int
    version_id: int | None
    owner: str
    name: str
    type: str | None
    digest: str | None
    number: int
    set_by: str | None
    set_at: datetime
    reason: str | None
    ended_by: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A link that is or was: the version, who linked it, when and why, and likewise how it ended, if it did.

    Attributes:
        since_rev: The revision of the release that linked it; `until_rev` the one that ended it, None while it stands.
    """

    item_id: int
    version_id: int | None
    owner: str
    name: str
    digest: str | None
    number: int
    since_rev: int
    linked_by: str | None
    linked_at: datetime
    link_reason: str | None
    unlinked_by: str | None
    unlinked_at: datetime | None
    unlink_reason: str | None
    until_rev: int | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A release that holds a version: in a registry, or in a project of somebody's."""

    collection_id: int
    public_id: str
    collection: str
    owner: str
    registry_id: int | None
    registry: str | None
    project: str | None
    number: int
    aliases: list[str]
    linked_by: str | None
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry whose version was deleted, with what it was."""

    collection_id: int
    public_id: str
    collection: str
    item_id: int
    version_id: int | None
    owner: str
    name: str
    type: str | None
    digest: str | None
    number: int
    aliases: list[str]
    linked_by: str | None
    linked_at: datetime
    deleted_by: str | None
    deleted_at: datetime


# What the queries of this room answer with, for the room's own use.


@dataclass(frozen=True, slots=True)
class Found:
    """A user or team that somebody named."""

    id: int
    name: str
    organization_id: int | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """What linking has to know of a registry; it does not change meanwhile."""

    id: int
    name: str
    organization_id: int
    organization: str
    visibility: str
    all_types: bool
    types: list[str]


@dataclass(frozen=True, slots=True)
class Home:
    """What the owner of a version is: its kind, and the organization that it is or belongs to; a user has none."""

    kind: str
    organization_id: int | None
    organization: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A version that shall be linked, its item, and where it is at home."""

    version: Version
    item_id: int
    home: Home


@dataclass(frozen=True, slots=True)
class Linked:
    """An entry of a release or artifact."""

    item_id: int
    number: int
    aliases: list[str]
    linked_at: datetime
    gone: bool


@dataclass(frozen=True, slots=True)
class LinkedOne:
    """What linking in one statement did: in which release, which revision it made, and the item of the version."""

    collection_id: int
    revision: int
    item_id: int


@dataclass(frozen=True, slots=True)
class Face:
    """What a version is, as far as it is still known."""

    item_id: int
    version_id: int | None
    owner: str
    name: str
    type: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A member or team whose role changed: the id, and the role before (None: it had none)."""

    id: int
    former: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A promotion that ended because its alias is protected no more."""

    id: int
    collection_id: int
    item_id: int
