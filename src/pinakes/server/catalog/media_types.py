"""What the catalog is given, and answers with, about media: workspaces, their projects, datasets, and items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

DataType = Literal["images", "videos", "point_clouds", "point_cloud_episodes", "volumes"]
MediaSort = Literal["id", "name", "created_at", "updated_at", "size", "label_count", "custom"]

DATA_TYPES: tuple[DataType, ...] = ("images", "videos", "point_clouds", "point_cloud_episodes", "volumes")
MEDIA_KINDS = ("image", "video", "point_cloud", "volume")
MEDIA_SORTS: tuple[MediaSort, ...] = ("id", "name", "created_at", "updated_at", "size", "label_count", "custom")

# What kind of items a project of each data type holds.
KIND_OF: dict[str, str] = {
    "images": "image",
    "videos": "video",
    "point_clouds": "point_cloud",
    "point_cloud_episodes": "point_cloud",
    "volumes": "volume",
}


@dataclass(frozen=True, slots=True)
class Workspace:
    """A part of an account's work; every account has a first one, which stays."""

    id: int
    account_id: int
    account: str
    name: str
    description: str
    hidden: bool
    is_first: bool
    created_by_id: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MediaProject:
    """A project of media.

    Attributes:
        settings: The client's own, as it came; so is `custom_data`.
        item_count: The items of all its datasets; `size` is what their files have together.
        cover_id: The item whose thumbnail stands for it.
    """

    id: int
    owner_id: int
    owner: str
    owner_kind: str
    workspace_id: int
    workspace: str
    name: str
    description: str
    visibility: str
    data_type: str
    readme: str
    settings: dict[str, object]
    custom_data: dict[str, object]
    dataset_count: int
    item_count: int
    size: int
    cover_id: int | None
    created_by_id: int | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MediaProjectChanges:
    """New values for a project of media; None leaves one as it is.

    Attributes:
        settings: Laid over the former ones, key by key.
        custom_data: Instead of the former.
        data_type: Only as long as nothing is in it.
    """

    name: str | None = None
    description: str | None = None
    readme: str | None = None
    settings: Mapping[str, object] | None = None
    custom_data: Mapping[str, object] | None = None
    visibility: str | None = None
    data_type: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of a project of media.

    Attributes:
        parent_id: The dataset that it is in, None at the top.
        item_count: Its own items, without those of datasets in it; so is `size`.
        cover_id: The item whose thumbnail stands for it.
    """

    id: int
    project_id: int
    owner_id: int
    workspace_id: int
    data_type: str
    visibility: str
    parent_id: int | None
    name: str
    description: str
    custom_data: dict[str, object]
    item_count: int
    size: int
    cover_id: int | None
    created_by_id: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DatasetChanges:
    """New values for a dataset; None leaves one as it is."""

    name: str | None = None
    description: str | None = None
    custom_data: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class NewMedia:
    """An item to make of a file (by the SHA-256 of its bytes), of a link to one elsewhere, or of another item.

    Attributes:
        facts: What is known about the target of a link (`mime`, `width`, `height`); of files we read them ourselves.
    """

    name: str
    sha256: bytes | None = None
    link: str | None = None
    copy_of: int | None = None
    description: str = ""
    meta: Mapping[str, object] = field(default_factory=dict[str, object])
    custom_data: Mapping[str, object] = field(default_factory=dict[str, object])
    parent_id: int | None = None
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Arrived:
    """A small file that has come whole: what its item shall be called, its bytes, and what SHA-256 was announced."""

    name: str
    content: bytes
    sha256: bytes


@dataclass(slots=True)
class Media:
    """An image, a video, a point cloud or a volume.

    Attributes:
        link: Where its file is, if that is elsewhere; then there is no `sha256`.
        frames: How many a video has.
        meta: The client's, as it came; so is `custom_data`.
        facts: What was read from the file.
        custom_sort: The place that people gave it, None behind all that have one.
        parent_id: The item that it was made from, as the client says.
    """

    id: int
    kind: str
    owner_id: int
    workspace_id: int
    project_id: int
    dataset_id: int
    name: str
    description: str
    visibility: str
    sha256: bytes | None
    link: str | None
    mime: str | None
    size: int | None
    width: int | None
    height: int | None
    frames: int | None
    meta: dict[str, object]
    custom_data: dict[str, object]
    facts: dict[str, object]
    custom_sort: float | None
    parent_id: int | None
    label_count: int
    labeled_at: datetime | None
    has_thumbnail: bool
    created_by_id: int | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MediaChanges:
    """New values for an item; None leaves one as it is. `meta` and `custom_data` come instead of the former."""

    id: int
    name: str | None = None
    description: str | None = None
    meta: Mapping[str, object] | None = None
    custom_data: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class MediaPage:
    """A page of items, how many there are in all, and where the next page begins."""

    rows: list[Media]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """An item of a batch that can't be made, and why.

    Attributes:
        taken: Its name is another's: of the item `id`, or (None) of one in the same batch.
        field: What of it is wrong, where that can be said.
    """

    index: int
    name: str
    message: str
    taken: bool = False
    id: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file that an account knows.

    Attributes:
        facts: What was read from it. `kind` says what it can be an item of, None for nothing; `refused` says then why.
    """

    sha256: bytes
    size: int
    mime: str | None
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class MediaBytes:
    """Where the bytes of an item lie in the store, and what they are."""

    key: str
    size: int
    mime: str
    sha256: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Removed:
    """An item that was just removed, or brought back."""

    id: int
    kind: str
    owner_id: int
    project_id: int
    dataset_id: int
    visibility: str


@dataclass(frozen=True, slots=True)
class Source:
    """What an item can be copied from: all of it that a copy takes along."""

    id: int
    kind: str
    owner_id: int
    visibility: str
    at_work: bool
    sha256: bytes | None
    link: str | None
    mime: str | None
    size: int | None
    width: int | None
    height: int | None
    frames: int | None
    name: str
    description: str
    meta: dict[str, object]
    custom_data: dict[str, object]
    facts: dict[str, object]


@dataclass(frozen=True, slots=True)
class Target:
    """A dataset as whoever puts items into it holds it."""

    id: int
    project_id: int
    owner_id: int
    visibility: str
    data_type: str


@dataclass(frozen=True, slots=True)
class Unmade:
    """An item without a thumbnail, and the file to make it of."""

    id: int
    kind: str
    owner_id: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Unused:
    """A file that nothing uses any more."""

    account_id: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file and an account that knows it."""

    account_id: int
    sha256: bytes
    size: int
    mime: str | None
    facts: dict[str, object]
