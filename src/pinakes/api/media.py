"""The contract of media: workspaces, projects by data type, datasets that nest, and the items in them.

A medium is an item (it has an item's number) of kind image, video, point cloud or volume. It lives in one dataset of
one project. Its file is known by its SHA-256, or it is a `link` to where it lives.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, JsonValue, StringConstraints, model_validator

from pinakes.api.common import MAX_INT4, NO_NUL, NOT_BLANK, STORABLE, AccountName, Answer, Error, Page, Reason, Request

DataType: TypeAlias = Literal["images", "videos", "point_clouds", "point_cloud_episodes", "volumes"]
MediaKind: TypeAlias = Literal["image", "video", "point_cloud", "volume"]
MediaOutcome: TypeAlias = Literal["added", "unchanged", "missing", "refused"]

MediaSort: TypeAlias = Literal["id", "name", "labels", "created", "updated", "size", "custom", "index", "score"]
# How many items one call takes, as a JSON body.
MAX_ITEMS = 10_000
# How long a file may be that comes together with others; a longer one comes by itself.
MAX_SMALL = 4 * 1024 * 1024
# How many names and hashes are looked up in one call.
MAX_HASHES = 10_000

Id: TypeAlias = Annotated[int, Field(ge=1, le=MAX_INT4)]
Ids: TypeAlias = Annotated[list[Id], Field(min_length=1, max_length=MAX_ITEMS)]
Sha256: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(description="The SHA-256 of the bytes: 64 hex digits.")
]
Label: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=255), STORABLE, Field(json_schema_extra=NOT_BLANK)
]
FileName: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255),
    STORABLE,
    Field(
        description="A file's name, without a path.",
        examples=["street-001.png"],
        json_schema_extra={"pattern": r"^[^\u0000/\\]+$"},
    ),
]
LongText: TypeAlias = Annotated[str, StringConstraints(max_length=100_000), STORABLE, Field(json_schema_extra=NO_NUL)]
Facts: TypeAlias = Annotated[dict[str, JsonValue], Field(description="JSON of yours, kept as it comes.")]
Link: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    STORABLE,
    Field(description="Where it lives: an http or https URL.", json_schema_extra=NOT_BLANK),
]
Search: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=4000),
    STORABLE,
    Field(
        description="Which items, in the language of searches: `tag:checked -class:car dataset:train`.",
        json_schema_extra=NO_NUL,
    ),
]


# ----------------------------------------------------------------------------------------------------------------------
# Answers
# ----------------------------------------------------------------------------------------------------------------------


class Workspace(Answer):
    """A part of an account's work.

    Attributes:
        first: Every account has a first one, which can't be removed.
    """

    id: int
    account: str
    name: str
    description: str
    hidden: bool
    first: bool
    created_at: datetime
    updated_at: datetime
    can: list[str]


class Dataset(Answer):
    """A folder of a project.

    Attributes:
        parent: The dataset that it is in; null at the top of its project.
        item_count: Its own items, without those of the datasets in it.
        size: How long their files are together, in bytes.
    """

    id: int
    project: int
    parent: int | None = None
    name: str
    description: str
    custom_data: dict[str, Any]
    item_count: int
    size: int
    created_at: datetime
    updated_at: datetime
    can: list[str]


class Medium(Answer):
    """An image, a video, a point cloud or a volume.

    Attributes:
        sha256: Of its file; null when it is a link.
        frames: How many a video has.
        facts: What was read from the file itself: codec, points, dimensions and so on.
        meta: What people say of it, as they sent it.
        label_count: How many figures it has.
        custom_order: The place that people gave it, to sort by.
        score: Its score in the collection that a list was asked for; null elsewhere.
        can: What the reader may do with it.
    """

    id: int
    kind: MediaKind
    name: str
    project: int
    dataset: int
    sha256: str | None = None
    link: str | None = None
    mime: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    description: str
    meta: dict[str, Any]
    custom_data: dict[str, Any]
    facts: dict[str, Any]
    custom_order: float | None = None
    label_count: int
    labeled_at: datetime | None = None
    has_thumbnail: bool
    score: float | None = None
    created_by: str | None = None
    created_at: datetime
    updated_at: datetime
    can: list[str]


class MediaPage(Page[Medium]):
    """A page of items; `total` is how many there are, where it was asked for."""

    total: int | None = None


class KnownFiles(Answer):
    """Which of the files that were asked for the owner's account has, by their SHA-256s."""

    known: list[str]


class MediaResult(Answer):
    """What became of one line of a batch.

    Attributes:
        outcome: `added`; `unchanged`: there is one of that name with the same content; `missing`: the account does not
            have the file (send it); `refused`: `error` says why.
        id: The item's number, where there is one.
    """

    name: str | None = None
    outcome: MediaOutcome
    id: int | None = None
    error: Error | None = None


class MediaBatch(Answer):
    """What became of a batch: one result for each line, in their order; `counts` says how many had which outcome."""

    results: list[MediaResult]
    counts: dict[str, int]


class Count(Answer):
    """How many things a call was carried out on."""

    count: int


class Removed(Answer):
    """What removing, bringing back or forgetting came to: with which items it was done, and which were not there."""

    items: list[int]
    missing: list[int]


# ----------------------------------------------------------------------------------------------------------------------
# Requests
# ----------------------------------------------------------------------------------------------------------------------


class CreateWorkspace(Request):
    """A workspace to make; without an account, in one's own."""

    name: Label
    account: AccountName | None = None
    description: LongText = ""


class UpdateWorkspace(Request):
    """New values for a workspace; what is left out stays."""

    name: Label | None = None
    description: LongText | None = None
    hidden: bool | None = None


class CreateDataset(Request):
    """A dataset to make in a project, perhaps within another."""

    project: Id
    name: Label
    parent: Id | None = None
    description: LongText = ""
    custom_data: Facts = Field(default_factory=dict[str, JsonValue])


class UpdateDataset(Request):
    """New values for a dataset; what is left out stays."""

    name: Label | None = None
    description: LongText | None = None
    custom_data: Facts | None = None


class MoveDataset(Request):
    """Where a dataset goes: into another of its project, or to the top (null)."""

    parent: Id | None


class FileHashes(Request):
    """Files to look for."""

    sha256: Annotated[list[Sha256], Field(min_length=1, max_length=MAX_HASHES)]


class NewMedium(Request):
    """An item to add by a file that the account has, or by a link."""

    name: FileName
    sha256: Sha256 | None = None
    link: Link | None = None
    description: LongText = ""
    meta: Facts = Field(default_factory=dict[str, JsonValue])
    custom_data: Facts = Field(default_factory=dict[str, JsonValue])

    @model_validator(mode="after")
    def _one_source(self) -> NewMedium:
        if (self.sha256 is None) == (self.link is None):
            message = "give either sha256 or link"
            raise ValueError(message)
        return self


class AddMedia(Request):
    """Items to add to a dataset; each is added or not by itself."""

    items: Annotated[list[NewMedium], Field(min_length=1, max_length=MAX_ITEMS)]


class SentFile(Request):
    """The line that goes before a small file's bytes where many come in one body."""

    name: FileName
    size: Annotated[int, Field(ge=0, le=MAX_SMALL, description="How many bytes follow the line.")]
    sha256: Sha256


class UpdateMedium(Request):
    """New values for an item; what is left out stays. `meta` and `custom_data` are replaced whole."""

    name: FileName | None = None
    description: LongText | None = None
    meta: Facts | None = None
    custom_data: Facts | None = None


class MoveMedia(Request):
    """Items to move into another dataset, of their project."""

    items: Ids
    dataset: Id


class CopyMedia(Request):
    """Items to copy into a dataset, of any project of their data type; with their labels, if asked for."""

    items: Ids
    dataset: Id
    labels: bool = True


class RemoveMedia(Request):
    """Items to remove with their labels, to bring back, or to forget for good.

    Those that are removed leave every collection that holds them.
    """

    items: Ids
    reason: Reason | None = None


class Placed(Request):
    """An item and the number to sort it by; null takes it away."""

    item: Id
    order: Annotated[float, Field(allow_inf_nan=False)] | None


class PlaceMedia(Request):
    """Places that people give to items, for `sort=custom`."""

    items: Annotated[list[Placed], Field(min_length=1, max_length=MAX_ITEMS)]
