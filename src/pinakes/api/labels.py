"""The contract of labels: a project's classes and tags, the annotation of an item, its figures and their history.

Coordinates on images are subpixel: a rectangle from the first to the second pixel ends at 2, a point in the middle of
the first pixel is at 0.5. Geometries are kept as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, cast

from pydantic import Field, JsonValue, StringConstraints, model_validator

from pinakes.api.common import MAX_INT4, NO_NUL, NOT_BLANK, STORABLE, Answer, Error, Request
from pinakes.api.media import MAX_ITEMS, Facts, Id, Label, LongText

ValueType: TypeAlias = Literal["none", "any_number", "any_string", "oneof_string", "date"]

# How many figures and tags one annotation takes.
MAX_FIGURES = 20_000

Word: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=255), STORABLE, Field(json_schema_extra=NOT_BLANK)
]
ShortText: TypeAlias = Annotated[str, StringConstraints(max_length=255), STORABLE, Field(json_schema_extra=NO_NUL)]
Color: TypeAlias = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$"), Field(examples=["#FF8000"])]
Geometry: TypeAlias = Annotated[
    dict[str, JsonValue],
    Field(description="The geometry's own keys: `points`, `bitmap`, `nodes` and so on, by its type."),
]
Frame: TypeAlias = Annotated[int, Field(ge=0, le=MAX_INT4)]
Value: TypeAlias = Annotated[
    JsonValue, Field(description="What a tag says: a text or number by the tag's type, or null.")
]


# ----------------------------------------------------------------------------------------------------------------------
# Classes and tags of a project
# ----------------------------------------------------------------------------------------------------------------------


class LabelClass(Answer):
    """A class that figures of a project can have."""

    id: int
    project: int
    name: str
    shape: str
    color: str
    description: str
    hotkey: str
    geometry_config: dict[str, Any]
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class LabelTag(Answer):
    """A tag that a project knows.

    Attributes:
        value_type: What it says beside its name.
        choices: The values of one with one value of several.
        applies_to: `all`, `imagesOnly` or `objectsOnly`.
        classes: Only on figures of these classes; of any when it is empty.
    """

    id: int
    project: int
    name: str
    value_type: ValueType
    choices: list[str] | None = None
    color: str
    hotkey: str
    applies_to: str
    targets: str
    classes: list[str]
    created_at: datetime
    updated_at: datetime


class NewClass(Request):
    """A class to add; without a colour it is given one."""

    name: Label
    shape: Word = "any"
    color: Color | None = None
    description: LongText = ""
    hotkey: ShortText = ""
    geometry_config: Facts = Field(default_factory=dict[str, JsonValue])
    settings: Facts = Field(default_factory=dict[str, JsonValue])


class AddClasses(Request):
    """Classes to add to a project: all of them, or none."""

    project: Id
    classes: Annotated[list[NewClass], Field(min_length=1, max_length=1000)]


class UpdateClass(Request):
    """New values for a class; what is left out stays."""

    name: Label | None = None
    shape: Word | None = None
    color: Color | None = None
    description: LongText | None = None
    hotkey: ShortText | None = None
    geometry_config: Facts | None = None
    settings: Facts | None = None


class NewTag(Request):
    """A tag to add; without a colour it is given one."""

    name: Label
    value_type: ValueType = "none"
    choices: Annotated[list[Word], Field(max_length=1000)] | None = None
    color: Color | None = None
    hotkey: ShortText = ""
    applies_to: Word = "all"
    targets: Word = "all"
    classes: Annotated[list[Label], Field(max_length=1000)] = Field(default_factory=list[str])


class AddTags(Request):
    """Tags to add to a project: all of them, or none."""

    project: Id
    tags: Annotated[list[NewTag], Field(min_length=1, max_length=1000)]


class UpdateTag(Request):
    """New values for a tag; what is left out stays."""

    name: Label | None = None
    choices: Annotated[list[Word], Field(max_length=1000)] | None = None
    color: Color | None = None
    hotkey: ShortText | None = None
    applies_to: Word | None = None
    targets: Word | None = None
    classes: Annotated[list[Label], Field(max_length=1000)] | None = None


# ----------------------------------------------------------------------------------------------------------------------
# Annotations
# ----------------------------------------------------------------------------------------------------------------------


class Tagging(Answer):
    """A tag on an item, an object or a figure; on a video with the frames that it holds for."""

    id: int
    tag: int
    name: str
    value: Any = None
    frame_from: int | None = None
    frame_to: int | None = None
    extras: dict[str, Any]
    created_by: str | None = None
    created_at: datetime
    updated_at: datetime


class Figure(Answer):
    """A geometry on an item.

    Attributes:
        object: What it is a sight of, in videos, point clouds and volumes.
        frame: The frame of a video, the index of a slice.
        geometry_file: The SHA-256 of a geometry that is a file of its own.
    """

    id: int
    item: int
    class_id: int
    class_name: str
    object: int | None = None
    geometry_type: str
    geometry: dict[str, Any] | None = None
    geometry_file: str | None = None
    frame: int | None = None
    description: str
    meta: dict[str, Any]
    extras: dict[str, Any]
    track_id: str | None = None
    priority: int | None = None
    nn_created: bool
    nn_updated: bool
    tags: list[Tagging]
    created_by: str | None = None
    created_at: datetime
    updated_at: datetime


class LabelObject(Answer):
    """One thing seen in a video, an episode or a volume, of which figures are the sights."""

    id: int
    item: int | None = None
    class_id: int
    class_name: str
    description: str
    meta: dict[str, Any]
    tags: list[Tagging]
    created_by: str | None = None
    created_at: datetime
    updated_at: datetime


class Annotation(Answer):
    """All labels of an item: its tags, its objects and its figures."""

    item: int
    name: str
    project: int
    dataset: int
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    description: str
    meta: dict[str, Any]
    custom_data: dict[str, Any]
    tags: list[Tagging]
    objects: list[LabelObject]
    figures: list[Figure]
    updated_at: datetime


class FigureVersion(Answer):
    """What a figure was until it was changed or removed, and by whom."""

    figure: int
    item: int
    class_id: int
    object: int | None = None
    geometry_type: str
    geometry: dict[str, Any] | None = None
    geometry_file: str | None = None
    frame: int | None = None
    description: str
    meta: dict[str, Any]
    tags: list[Any]
    since: datetime
    until: datetime
    changed_by: str | None = None
    removed: bool


# What an answer tells of all that people make, and what of figures and objects besides.
_TOLD = frozenset({"id", "created_by", "created_at", "updated_at"})
_TOLD_OF_LABELS = (_TOLD - {"id"}) | {"item", "class_id"}
_TOLD_OF_ITEMS = frozenset({"name", "project", "dataset", "width", "height", "frames", "meta", "updated_at"})


class Readable(Request):
    """A request that may be an answer, sent back: what the answer tells beside is passed over."""

    _told: ClassVar[frozenset[str]] = _TOLD

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_told(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return {key: value for key, value in cast("Mapping[str, object]", given).items() if key not in cls._told}


class NewTagging(Readable):
    """A tag to put on an item, an object or a figure, by its name in the project.

    A tag as it is read may be sent back: who put it there and when, and its numbers, are passed over.
    """

    _told: ClassVar[frozenset[str]] = _TOLD | {"tag"}

    name: Label
    value: Value = None
    frame_from: Frame | None = None
    frame_to: Frame | None = None
    extras: Facts = Field(default_factory=dict[str, JsonValue])


class NewLabelObject(Readable):
    """An object to add. `key` is a word of yours by which figures of the same request name it.

    With the `id` of one that is there, as it was read, it is that object: nothing is added.
    """

    _told: ClassVar[frozenset[str]] = _TOLD_OF_LABELS

    id: Id | None = None
    key: Word | None = None
    class_name: Label
    description: LongText = ""
    meta: Facts = Field(default_factory=dict[str, JsonValue])
    tags: Annotated[list[NewTagging], Field(max_length=1000)] = Field(default_factory=list[NewTagging])


class NewFigure(Readable):
    """A figure of an annotation; with an `id` it is the figure that has it, and keeps its author where it is the same.

    Its class is that of its object, where it has one; else it is named. What else is told of one that is read (its
    item, its author and times, the file of its geometry) is passed over.
    """

    _told: ClassVar[frozenset[str]] = _TOLD_OF_LABELS | {"geometry_file"}

    id: Id | None = None
    class_name: Label | None = None
    object: Annotated[Id | None, Field(description="The object that it is a sight of.")] = None
    object_key: Annotated[Word | None, Field(description="The same, for an object that this request adds.")] = None
    geometry_type: Word
    geometry: Geometry | None = None
    frame: Frame | None = None
    description: LongText = ""
    meta: Facts = Field(default_factory=dict[str, JsonValue])
    extras: Facts = Field(default_factory=dict[str, JsonValue])
    track_id: ShortText | None = None
    priority: Annotated[int, Field(ge=-MAX_INT4, le=MAX_INT4)] | None = None
    nn_created: bool = False
    nn_updated: bool = False
    tags: Annotated[list[NewTagging], Field(max_length=1000)] = Field(default_factory=list[NewTagging])

    @model_validator(mode="after")
    def _one_class(self) -> NewFigure:
        if self.class_name is None and self.object is None and self.object_key is None:
            message = "give class_name, object or object_key"
            raise ValueError(message)
        return self


class PutAnnotation(Readable):
    """What an item's labels shall be: its tags and figures are replaced, what stays out of here goes.

    `objects` are added; those that are there already stay as long as they have figures or are named by one. An
    annotation as it is read may be sent back: what it tells of the item itself is passed over.
    """

    _told: ClassVar[frozenset[str]] = _TOLD_OF_ITEMS | {"item"}

    tags: Annotated[list[NewTagging], Field(max_length=1000)] = Field(default_factory=list[NewTagging])
    objects: Annotated[list[NewLabelObject], Field(max_length=MAX_FIGURES)] = Field(
        default_factory=list[NewLabelObject]
    )
    figures: Annotated[list[NewFigure], Field(max_length=MAX_FIGURES)] = Field(default_factory=list[NewFigure])
    description: LongText | None = None
    custom_data: Facts | None = None


class AnnotationLine(PutAnnotation):
    """A line of a bulk call: an item and what its labels shall be."""

    _told: ClassVar[frozenset[str]] = _TOLD_OF_ITEMS

    item: Id


class AnnotationResult(Answer):
    """A line of the answer to a bulk call, for each line of the body, counted from 1."""

    line: int
    item: int | None = None
    outcome: Literal["saved", "refused"]
    figures: list[int] = Field(default_factory=list[int])
    error: Error | None = None


class AnnotationSummary(Answer):
    """The last line of the answer to a bulk call."""

    saved: int
    refused: int


class TagItems(Request):
    """Items to put a tag on, or to take it from."""

    items: Annotated[list[Id], Field(min_length=1, max_length=MAX_ITEMS)]
    name: Label
    value: Value = None


class UntagItems(Request):
    """Items to take tags from."""

    items: Annotated[list[Id], Field(min_length=1, max_length=MAX_ITEMS)]
    names: Annotated[list[Label], Field(min_length=1, max_length=1000)]
