"""The contract of the catalog and of search: what collections can point at, how it is made known, and how it is found.

An item's `id` is its number, which never changes. Its `address` is what people call it: `owner/name`, a bare name, an
arXiv id, a collection's slug.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, StringConstraints

from pinakes.api.common import (
    NO_NUL,
    NOT_BLANK,
    STORABLE,
    AccountName,
    Answer,
    CollectionKind,
    ItemKind,
    Request,
    Visibility,
)
from pinakes.api.people import Moment

RepoKind: TypeAlias = Literal["model", "dataset", "space"]
RepoSort: TypeAlias = Literal["lastModified", "createdAt", "trendingScore", "downloads", "likes"]
Sdk: TypeAlias = Literal["gradio", "streamlit", "docker", "static"]
Gate: TypeAlias = Literal["auto", "manual"]

ItemName: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$"),
    Field(description="Letters, digits, `.`, `_` and `-`; no `--`, no `..`, not ending in `.git`.", examples=["bert"]),
]
Title: TypeAlias = Annotated[str, StringConstraints(max_length=500), STORABLE, Field(json_schema_extra=NO_NUL)]
NeededTitle: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=500), STORABLE, Field(json_schema_extra=NOT_BLANK)
]
Description: TypeAlias = Annotated[str, StringConstraints(max_length=5000), STORABLE, Field(json_schema_extra=NO_NUL)]
Abstract: TypeAlias = Annotated[str, StringConstraints(max_length=20_000), STORABLE, Field(json_schema_extra=NO_NUL)]
Word: TypeAlias = Annotated[str, StringConstraints(max_length=100), STORABLE, Field(json_schema_extra=NO_NUL)]
Tag: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=100), STORABLE, Field(json_schema_extra=NOT_BLANK)
]
Tags: TypeAlias = Annotated[list[Tag], Field(max_length=500)]
Card: TypeAlias = Annotated[dict[str, Any], Field(description="The data of the repo's card, as JSON.")]
TargetKind: TypeAlias = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$"),
    Field(description="What it is where it lives, in a word of yours.", examples=["dashboard"]),
]
Url: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    STORABLE,
    Field(description="Where it lives: http, https, s3 or gs.", examples=["s3://bucket/key"], json_schema_extra=NO_NUL),
]
ArxivId: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100),
    STORABLE,
    Field(
        description="An arXiv id; a version is left out.",
        examples=["1706.03762", "hep-th/9901001"],
        json_schema_extra=NO_NUL,
    ),
]
NewAddress: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    STORABLE,
    Field(description="`owner/name`; for administrators of the server a bare name, too.", json_schema_extra=NO_NUL),
]


def _exactly_false(value: object) -> object:
    """Refuse 0, which is equal to false but is none."""
    if value is not False:
        message = "must be 'auto', 'manual' or false"
        raise ValueError(message)
    return value


NotGated: TypeAlias = Annotated[Literal[False], BeforeValidator(_exactly_false, json_schema_input_type=Literal[False])]


# ----------------------------------------------------------------------------------------------------------------------
# Requests
# ----------------------------------------------------------------------------------------------------------------------


class CreateRepo(Request):
    """A model, dataset or space to make known."""

    kind: RepoKind
    name: ItemName
    owner: Annotated[
        AccountName | None,
        Field(description="Whose; yours when left out. null: nobody's, for administrators of the server."),
    ] = None
    visibility: Visibility = "public"
    gated: Gate | NotGated = False
    title: Title = ""
    description: Description = ""
    sdk: Annotated[Sdk | None, Field(description="For spaces only.")] = None
    pipeline_tag: Word = ""
    library_name: Word = ""
    tags: Tags = Field(default_factory=list[str])
    card: Card = Field(default_factory=dict[str, Any])


class UpdateRepo(Request):
    """New values for a repo; what is left out stays as it is, an empty text takes a tag or name away."""

    visibility: Visibility | None = None
    gated: Gate | NotGated | None = None
    title: Title | None = None
    description: Description | None = None
    sdk: Annotated[Sdk | None, Field(description="For spaces only.")] = None
    pipeline_tag: Word | None = None
    library_name: Word | None = None
    tags: Tags | None = None
    card: Card | None = None


class MoveRepo(Request):
    """Where a repo goes: another name, or another owner. Its former address leads there."""

    to: NewAddress


class Author(Request):
    """Somebody who wrote a paper."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=300), STORABLE, Field(json_schema_extra=NOT_BLANK)]


class RegisterPaper(Request):
    """A paper to make known."""

    id: ArxivId
    title: NeededTitle
    authors: Annotated[list[Author], Field(max_length=5000)] = Field(default_factory=list[Author])
    abstract: Abstract = ""
    published_at: Moment | None = None


class UpdatePaper(Request):
    """New values for a paper; what is left out stays as it is."""

    title: NeededTitle | None = None
    authors: Annotated[list[Author], Field(max_length=5000)] | None = None
    abstract: Abstract | None = None
    published_at: Moment | None = None


class CreateBucket(Request):
    """A bucket to make known by its name."""

    name: ItemName
    owner: Annotated[AccountName | None, Field(description="Whose; yours when left out.")] = None
    title: Title = ""
    visibility: Visibility = "public"


class UpdateBucket(Request):
    """New values for a bucket; what is left out stays as it is."""

    title: Title | None = None
    visibility: Visibility | None = None


class CreateReference(Request):
    """Something to make known that lives elsewhere."""

    name: ItemName
    owner: Annotated[AccountName | None, Field(description="Whose; yours when left out.")] = None
    target_kind: TargetKind
    url: Url
    title: Title = ""
    visibility: Visibility = "public"


class UpdateReference(Request):
    """New values for a reference; what is left out stays as it is."""

    target_kind: TargetKind | None = None
    url: Url | None = None
    title: Title | None = None
    visibility: Visibility | None = None


# ----------------------------------------------------------------------------------------------------------------------
# Answers
# ----------------------------------------------------------------------------------------------------------------------


class Identity(Answer):
    """What things of every kind have.

    Attributes:
        id: Its number.
        address: What people call it; it changes when the item moves, and former addresses of repos lead to it.
        owner: The account that it belongs to; null for what has none.
        can: What the reader may do with it.
    """

    id: int
    address: str
    owner: str | None = None
    name: str
    title: str
    visibility: Visibility
    created_at: datetime
    updated_at: datetime
    can: list[str]


class Item(Identity):
    """Anything that a collection can point at."""

    kind: ItemKind


class Repo(Identity):
    """A model, dataset or space.

    Attributes:
        gated: How readers ask for access; null where they need not.
        liked: Whether the reader likes it.
        last_modified: When its content changed last; its visibility and gating are no content.
    """

    kind: RepoKind
    gated: Gate | None = None
    sdk: str | None = None
    description: str
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: list[str]
    card: dict[str, Any]
    downloads: int
    likes: int
    liked: bool
    last_modified: datetime


class PaperAuthor(Answer):
    """Somebody who wrote a paper."""

    name: str


class Paper(Identity):
    """A paper. `registered_by` may correct its facts, as administrators of the server may."""

    kind: Literal["paper"]
    arxiv_id: str
    authors: list[PaperAuthor]
    abstract: str
    published_at: datetime | None = None
    registered_by: str | None = None
    votes: int
    voted: bool


class Bucket(Identity):
    """A bucket, known by its name."""

    kind: Literal["bucket"]


class Reference(Identity):
    """Something that lives elsewhere: what it is there, and where."""

    kind: Literal["reference"]
    target_kind: str
    url: str


class Votes(Answer):
    """How many people like something, and whether the reader does."""

    votes: int
    voted: bool


class Voter(Answer):
    """Somebody who likes something, and since when."""

    name: str
    display_name: str
    at: datetime


class Liked(Answer):
    """Something that a user likes, and since when."""

    id: int
    kind: ItemKind
    address: str
    at: datetime


# What a search can be limited to: kinds of items, registries, and the kinds of collections.
SearchKind: TypeAlias = Literal[
    "model",
    "dataset",
    "space",
    "paper",
    "bucket",
    "reference",
    "collection",
    "project",
    "version",
    "registry",
    "showcase",
    "release",
    "artifact",
    "selection",
]


class SearchHit(Answer):
    """One thing that a search found.

    Attributes:
        id: The item's number; of a registry, its own.
        kind: The item's kind, or `registry`.
        collection_kind: Which kind of collection it is; null for all else.
        address: Where it is found: `owner/name`, a bare name, a collection's slug, or a registry's handle.
        owner: Whose it is; a registry is its organization's.
        description: The beginning of what it says about itself.
        rank: How well it fits.
    """

    id: int
    kind: ItemKind | Literal["registry"]
    collection_kind: CollectionKind | None = None
    address: str
    owner: str | None = None
    name: str
    title: str
    description: str
    visibility: Visibility
    updated_at: datetime
    rank: float
    can: list[str]
