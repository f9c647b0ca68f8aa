"""What the catalog is given and answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

RepoKind = Literal["model", "dataset", "space"]
Sort = Literal["lastModified", "createdAt", "trendingScore", "downloads", "likes"]

REPO_KINDS = ("model", "dataset", "space")
KINDS = (*REPO_KINDS, "paper", "bucket", "reference", "collection", "project", "version")
VISIBILITIES = ("public", "private")
GATES = ("auto", "manual")
SDKS = ("gradio", "streamlit", "docker", "static")
SORTS: tuple[Sort, ...] = ("lastModified", "createdAt", "trendingScore", "downloads", "likes")


@dataclass(frozen=True, slots=True)
class Item:
    """The identity of anything that a collection can point at.

    Attributes:
        owner: A name, None for what has no owner (papers, repos without a namespace).
        public_id: A collection's 24 hex digits, None for all else.
    """

    id: int
    kind: str
    owner_id: int | None
    owner: str | None
    name: str
    title: str
    visibility: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    public_id: str | None = None

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`, a bare name, or a collection's slug."""
        address = f"{self.owner}/{self.name}" if self.owner else self.name
        return f"{address}-{self.public_id}" if self.public_id else address


@dataclass(frozen=True, slots=True)
class Repo:
    """A model, dataset or space as one reader sees it; `liked` says whether he likes it."""

    id: int
    kind: str
    owner_id: int | None
    owner: str | None
    name: str
    title: str
    visibility: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    gated: str | None
    sdk: str | None
    description: str
    pipeline_tag: str | None
    library_name: str | None
    tags: list[str]
    card: dict[str, object]
    downloads: int
    last_modified: datetime
    likes: int
    liked: bool

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`, or a bare name."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


@dataclass(frozen=True, slots=True)
class RepoChanges:
    """New values for a repo; None leaves one as it is.

    "" takes away what a repo can do without: gating (`gated`), sdk, pipeline tag, library name.
    """

    visibility: str | None = None
    gated: str | None = None
    title: str | None = None
    sdk: str | None = None
    description: str | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: list[str] | None = None
    card: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class RepoListing:
    """Which repos to list. None means: any; several values of one field must all match.

    Attributes:
        owner: A name; an unknown one lists nothing.
        search: Words (or texts of several) that are all somewhere in address or title, in any case.
        tags: Tags, spelled exactly.
        gated: Whether readers must ask for access.
        sort: By which value, the highest or newest first. Trending is by the likes of the last seven days.
    """

    kind: RepoKind | None = None
    owner: str | None = None
    search: list[str] | None = None
    tags: list[str] | None = None
    pipeline_tag: str | None = None
    gated: bool | None = None
    sort: Sort = "lastModified"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A repo's number and what it is sorted by."""

    id: int
    rank: int
    second: int


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper, by its arXiv id (`name`).

    Attributes:
        authors: A list of {"name": ...}.
        registered_by: The user who may correct its facts, None where he is gone or the server itself did it.
        votes: How many people upvoted it; `voted` says whether the reader did.
    """

    id: int
    kind: str
    name: str
    title: str
    created_at: datetime
    updated_at: datetime
    authors: list[dict[str, object]]
    abstract: str
    published_at: datetime | None
    registered_by: str | None
    votes: int
    voted: bool

    @property
    def address(self) -> str:
        """Return where it is found: its arXiv id."""
        return self.name


class Registered(NamedTuple):
    """A paper that was to be made known, and whether it was not before."""

    paper: Paper
    new: bool


@dataclass(frozen=True, slots=True)
class PaperChanges:
    """New values for a paper; what is None stays as it is."""

    title: str | None = None
    authors: Sequence[Mapping[str, object]] | None = None
    abstract: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that lives elsewhere: what it is there (`target_kind`) and where (`url`)."""

    id: int
    kind: str
    owner_id: int | None
    owner: str | None
    name: str
    title: str
    visibility: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    target_kind: str
    url: str

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


@dataclass(frozen=True, slots=True)
class ItemListing:
    """Which items to list, newest first. None means: any; `text` as in `RepoListing.search`."""

    kinds: list[str] | None = None
    owner: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ReferenceChanges:
    """New values for a reference; None leaves one as it is."""

    kind_there: str | None = None
    url: str | None = None
    title: str | None = None
    visibility: str | None = None


@dataclass(frozen=True, slots=True)
class Voter:
    """Somebody who likes or upvotes something, and since when."""

    id: int
    name: str
    display_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Liked:
    """Something that a user likes, and since when."""

    item_id: int
    kind: str
    owner: str | None
    name: str
    at: datetime

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`, or a bare name."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


@dataclass(frozen=True, slots=True)
class Project:
    """A work area of a user, team or organization, where runs and artifacts live.

    Attributes:
        created_by: The user who made it, None where he is gone.
    """

    id: int
    owner_id: int
    owner: str
    owner_kind: str
    name: str
    description: str
    visibility: str
    created_at: datetime
    updated_at: datetime
    created_by: str | None

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class ProjectChanges:
    """New values for a project; None leaves one as it is, "" takes the description away."""

    description: str | None = None
    visibility: str | None = None
    name: str | None = None
