"""What the labels' half of this room is given and answers with.

What comes by the thousand is not frozen: to make a frozen one takes several times as long. Nobody changes one either,
but for the lists of what belongs to a row, which are filled in once the rows are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from pinakes.server.errors import PinakesError

VALUE_TYPES = ("none", "any_number", "any_string", "oneof_string", "date")
APPLIES_TO = ("all", "imagesOnly", "objectsOnly")
TARGETS = ("all", "framesOnly", "entitiesOnly")

Json: TypeAlias = dict[str, Any]


# ----------------------------------------------------------------------------------------------------------------------
# Classes and tags of a project
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class of a project: what figures and objects are of."""

    id: int
    project_id: int
    name: str
    shape: str
    color: str
    description: str
    hotkey: str
    geometry_config: Json
    settings: Json
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LabelTag:
    """A tag that a project knows.

    Attributes:
        value_type: What it says beside its name: one of VALUE_TYPES.
        choices: The values of one with one value of several.
        applies_to: One of APPLIES_TO; `targets`: one of TARGETS.
        classes: Only on labels of these classes; of any where it is empty.
    """

    id: int
    project_id: int
    name: str
    value_type: str
    choices: list[str] | None
    color: str
    hotkey: str
    applies_to: str
    targets: str
    classes: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Meta:
    """The classes and tags of a project, each in the order in which they were made."""

    project_id: int
    data_type: str
    classes: list[LabelClass]
    tags: list[LabelTag]


@dataclass(frozen=True, slots=True)
class NewClass:
    """A class to make; without a colour it is given one. `id`: the class that it is to be, where a meta is replaced."""

    name: str
    shape: str = "any"
    color: str | None = None
    description: str = ""
    hotkey: str = ""
    geometry_config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id: int | None = None


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag to make; without a colour it is given one. `id`: the tag that it is to be, where a meta is replaced."""

    name: str
    value_type: str = "none"
    choices: Sequence[str] | None = None
    color: str | None = None
    hotkey: str = ""
    applies_to: str = "all"
    targets: str = "all"
    classes: Sequence[str] = ()
    id: int | None = None


@dataclass(frozen=True, slots=True)
class ClassChanges:
    """New values for a class; None stays as it is."""

    name: str | None = None
    shape: str | None = None
    color: str | None = None
    description: str | None = None
    hotkey: str | None = None
    geometry_config: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TagChanges:
    """New values for a tag; None stays as it is."""

    name: str | None = None
    choices: Sequence[str] | None = None
    color: str | None = None
    hotkey: str | None = None
    applies_to: str | None = None
    targets: str | None = None
    classes: Sequence[str] | None = None


# ----------------------------------------------------------------------------------------------------------------------
# Who may
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ItemRight:
    """An item that somebody sees, and what he may do there.

    Attributes:
        labels: He may change its labels.
        only_own: He sees and replaces only the labels that he made: he annotates it in a blind queue.
    """

    item_id: int
    kind: str
    project_id: int
    dataset_id: int
    owner_id: int
    visibility: str
    labels: bool
    only_own: bool


@dataclass(frozen=True, slots=True)
class ProjectRight:
    """A project of media that somebody sees: as a reader (`reads`), or because he has a job in it."""

    project_id: int
    owner_id: int
    visibility: str
    data_type: str
    reads: bool


@dataclass(frozen=True, slots=True)
class DatasetRight:
    """A dataset that somebody sees: as a reader (`reads`), or because he has a job there.

    Attributes:
        blind: He annotates in a blind queue of its project: what he sees has to be looked at item by item.
    """

    dataset_id: int
    project_id: int
    owner_id: int
    visibility: str
    reads: bool
    blind: bool


# ----------------------------------------------------------------------------------------------------------------------
# Labels
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewTagging:
    """A tag to put on what it stands with: named, or (where it has no name) by its number."""

    name: str | None = None
    value: Any = None
    tag_id: int | None = None
    frame_from: int | None = None
    frame_to: int | None = None
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A geometry to put on an item.

    Attributes:
        geometry_type: That of its class's shape, or of any where that is `any`.
        geometry: None for one that comes as a file.
        class_name: Its class; the number counts only without a name, and neither with an object: its class is that of
            the object.
        id: The figure that it goes on being, where an annotation is replaced.
    """

    geometry_type: str
    geometry: Mapping[str, Any] | None
    class_name: str | None = None
    class_id: int | None = None
    object_id: int | None = None
    tags: Sequence[NewTagging] = ()
    description: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])
    frame: int | None = None
    track_id: str | None = None
    priority: int | None = None
    nn_created: bool = False
    nn_updated: bool = False
    id: int | None = None


@dataclass(frozen=True, slots=True)
class NewFigure:
    """A geometry to add to an item."""

    item_id: int
    label: NewLabel


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """What the labels and tags of an item shall be; a description or data that is None stays as it is."""

    item_id: int
    labels: Sequence[NewLabel] = ()
    tags: Sequence[NewTagging] = ()
    description: str | None = None
    custom_data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of an annotation: its figures, in the order of its labels, or why it was refused."""

    item_id: int
    figure_ids: list[int]
    error: PinakesError | None = None


@dataclass(slots=True)
class Tagging:
    """A tag on an item, an object or a figure; on a video with the frames that it holds for."""

    id: int
    tag_id: int
    name: str
    value: Any
    item_id: int | None
    object_id: int | None
    figure_id: int | None
    frame_from: int | None
    frame_to: int | None
    extras: Json
    created_by: int | None
    labeler: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Figure:
    """A geometry on an item. `geometry_file`: the SHA-256 of one that is a file of its own; `labeler`: who made it."""

    id: int
    item_id: int
    project_id: int
    dataset_id: int
    class_id: int
    class_name: str
    object_id: int | None
    geometry_type: str
    geometry: Json | None
    geometry_file: bytes | None
    frame: int | None
    meta: Json
    description: str
    extras: Json
    track_id: str | None
    priority: int | None
    nn_created: bool
    nn_updated: bool
    created_by: int | None
    labeler: str | None
    created_at: datetime
    updated_at: datetime
    tags: list[Tagging] = field(init=False, default_factory=list[Tagging])


@dataclass(slots=True)
class LabelObject:
    """One thing seen in a video, an episode or a volume, of which figures are the sights."""

    id: int
    project_id: int
    dataset_id: int
    item_id: int | None
    class_id: int
    class_name: str
    description: str
    meta: Json
    created_by: int | None
    labeler: str | None
    created_at: datetime
    updated_at: datetime
    tags: list[Tagging] = field(init=False, default_factory=list[Tagging])


@dataclass(slots=True)
class Annotation:
    """All labels of an item, as one reader sees them: its tags, figures and objects (of an image there are none).

    Attributes:
        label_count: How many figures there are, whoever sees them.
        is_tagged: Somebody put a tag on the item.
        only_own: The reader sees only the labels that he made: he annotates it in a blind queue.
    """

    item_id: int
    kind: str
    name: str
    project_id: int
    dataset_id: int
    width: int | None
    height: int | None
    frames: int | None
    description: str
    meta: Json
    custom_data: Json
    created_at: datetime
    updated_at: datetime
    label_count: int = 0
    is_tagged: bool = False
    only_own: bool = False
    tags: list[Tagging] = field(init=False, default_factory=list[Tagging])
    figures: list[Figure] = field(init=False, default_factory=list[Figure])
    objects: list[LabelObject] = field(init=False, default_factory=list[LabelObject])


class Sights(NamedTuple):
    """The figures of one frame of a video, or of one slice of a volume; `at`: which."""

    at: int
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Planes:
    """The figures of a volume: those on slices along its three axes, and those in space."""

    sagittal: list[Sights]
    coronal: list[Sights]
    axial: list[Sights]
    spatial: list[Figure]


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to add: of a class by name, or by number where it has no name; of an item, or of its dataset alone."""

    class_name: str | None = None
    class_id: int | None = None
    item_id: int | None = None
    description: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: Sequence[NewTagging] = ()


@dataclass(frozen=True, slots=True)
class FigureChanges:
    """New values for a figure; None stays as it is."""

    geometry: Mapping[str, Any] | None = None
    geometry_type: str | None = None
    class_name: str | None = None
    class_id: int | None = None
    tags: Sequence[NewTagging] | None = None
    description: str | None = None
    meta: Mapping[str, Any] | None = None
    extras: Mapping[str, Any] | None = None
    frame: int | None = None
    track_id: str | None = None
    priority: int | None = None
    nn_created: bool | None = None
    nn_updated: bool | None = None


@dataclass(slots=True)
class FigureVersion:
    """What a figure was from one moment to another, when somebody changed or removed it.

    Attributes:
        tags: Of each the number of its tag (`tag_id`), its `value`, frames (`from`, `to`) and `extras`, and who put it
            (`created_by`).
    """

    figure_id: int
    item_id: int
    class_id: int
    object_id: int | None
    geometry_type: str
    geometry: Json | None
    geometry_file: bytes | None
    frame: int | None
    meta: Json
    description: str
    extras: Json
    tags: list[Json]
    created_by: int | None
    since: datetime
    until: datetime
    changed_by: int | None
    changed_by_name: str | None
    removed: bool


@dataclass(frozen=True, slots=True)
class NewTagged:
    """A tag to put on one thing: an item, an object or a figure."""

    name: str | None = None
    tag_id: int | None = None
    item_id: int | None = None
    object_id: int | None = None
    figure_id: int | None = None
    value: Any = None
    frame_from: int | None = None
    frame_to: int | None = None
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class GeometryFile:
    """Where a figure's geometry is: a file of an account by its SHA-256, or in the figure itself."""

    figure_id: int
    item_id: int
    account_id: int
    sha256: bytes | None
    geometry: Json | None
    geometry_type: str


@dataclass(frozen=True, slots=True)
class Beyond:
    """How work on an item goes beyond what its queue allows.

    Attributes:
        what: `class`: of one that is not asked for, `found` is its name; `figures`, `tags`: there are `found`.
        most: How many there may be.
    """

    item_id: int
    what: str
    most: int
    found: str
