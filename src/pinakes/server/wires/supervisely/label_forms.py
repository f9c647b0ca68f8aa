"""What clients send of labels: tags, labels of images, figures and objects, made into the inputs of room `labeling`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from pinakes.server.errors import Invalid
from pinakes.server.labeling import geometry as geometries
from pinakes.server.labeling.label_types import NewFigure, NewLabel, NewObject, NewTagged, NewTagging
from pinakes.server.wires.supervisely.calls import Form
from pinakes.server.wires.supervisely.values import Id

_LARGEST = 2**31 - 1

# The kind of item whose coordinates stand in two systems on this wire; those of others are kept as they are sent.
IN_PIXELS = "image"
# Whose coordinates the client has made subpixels before it sends them.
ALREADY_SUBPIXEL = "multipolygon"
# What the client writes into geometries about the labels that they are of.
ABOUT_LABELS = frozenset(
    {"id", "classId", "labelerLogin", "createdAt", "updatedAt", "geometryType", "shape", "trackId"}
)

Frame = Annotated[int, Field(ge=0, le=_LARGEST)]
Frames = Annotated[list[Frame], Field(min_length=2, max_length=2)]


def _tag(given: object) -> object:
    """Read the oldest form of a tag too: its name alone."""
    return {"name": given} if isinstance(given, str) else given


class TagForm(Form):
    """A tag on something, by its name or its number."""

    name: str | None = None
    tag_id: Id | None = None
    value: Any = None
    frame_range: Frames | None = None
    is_finished: bool | None = None
    non_final_value: bool | None = None
    custom_data: dict[str, Any] | None = None
    entity_id: Id | None = None
    object_id: Id | None = None
    figure_id: Id | None = None

    @property
    def frames(self) -> tuple[int | None, int | None]:
        """The frames that it holds for: from, to."""
        return (self.frame_range[0], self.frame_range[1]) if self.frame_range else (None, None)

    @property
    def extras(self) -> dict[str, Any]:
        """What is the client's own, where it differs from what the client takes for granted."""
        found: dict[str, Any] = {}
        if self.is_finished is False:
            found["isFinished"] = False
        if self.non_final_value:
            found["nonFinalValue"] = True
        if self.custom_data:
            found["customData"] = self.custom_data
        return found

    def of_label(self) -> NewTagging:
        """The tag of a label, an annotation or an object that is made with it. The name goes before the number."""
        start, end = self.frames
        return NewTagging(
            name=self.name,
            tag_id=None if self.name is not None else self.tag_id,
            value=self.value,
            frame_from=start,
            frame_to=end,
            extras=self.extras,
        )

    def on(
        self, *, item_id: int | None = None, object_id: int | None = None, figure_id: int | None = None
    ) -> NewTagged:
        """The tag on something that is there. The number goes before the name, which may be another project's."""
        if self.tag_id is None and self.name is None:
            message = "tagId: say which tag of the project it is."
            raise Invalid(message, field="tagId")
        start, end = self.frames
        return NewTagged(
            tag_id=self.tag_id,
            name=None if self.tag_id is not None else self.name,
            item_id=item_id,
            object_id=object_id,
            figure_id=figure_id,
            value=self.value,
            frame_from=start,
            frame_to=end,
            extras=self.extras,
        )


Tag = Annotated[TagForm, BeforeValidator(_tag)]


class _Drawn(Form):
    """What a label of an image and a figure have in common; what it has no field for may be a part of its geometry."""

    model_config = ConfigDict(extra="allow")

    class_title: str | None = None
    class_id: Id | None = None
    object_id: Id | None = None
    geometry_type: str | None = None
    shape: str | None = None
    tags: list[Tag] | None = None
    description: str | None = None
    meta: dict[str, Any] | None = None
    nn_created: bool | None = None
    nn_updated: bool | None = None
    priority: Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)] | None = None
    track_id: str | int | None = None
    instance: Any = None
    smart_tool_input: Any = None
    custom_data: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        """Which geometry it is."""
        found = self.geometry_type or self.shape
        if not found:
            message = "geometryType: say which geometry it is (rectangle, polygon, bitmap …)."
            raise Invalid(message, field="geometryType")
        return found

    @property
    def extras(self) -> dict[str, Any]:
        """What is the client's own."""
        own = {"instance": self.instance, "smartToolInput": self.smart_tool_input, "customData": self.custom_data}
        return {key: value for key, value in own.items() if value}

    @property
    def frame(self) -> int | None:
        """Which frame of a video or an episode, or which slice of a volume, it is on."""
        return frame_of(self.meta)

    def label(self, geometry: dict[str, Any] | None, figure_id: int | None = None) -> NewLabel:
        """What room `labeling` takes. The class is meant by its name where it has one: the number may be foreign."""
        return NewLabel(
            geometry_type=self.kind,
            geometry=geometry,
            class_name=self.class_title,
            class_id=self.class_id,
            object_id=self.object_id,
            tags=[tag.of_label() for tag in self.tags or ()],
            description=self.description or "",
            meta=self.meta or {},
            extras=self.extras,
            frame=self.frame,
            track_id=None if self.track_id is None else str(self.track_id),
            priority=self.priority,
            nn_created=bool(self.nn_created),
            nn_updated=bool(self.nn_updated),
            id=figure_id,
        )


class LabelForm(_Drawn):
    """A label of an image: the parts of its geometry stand among its other fields; its coordinates are subpixels."""

    id: Id | None = None

    def new(self) -> NewLabel:
        """What room `labeling` takes."""
        return self.label(geometries.keys_of(self.model_extra or {}) or None, self.id)


class FigureForm(_Drawn):
    """A figure: its geometry is a field, in which further fields of a label may stand."""

    entity_id: Id | None = None
    geometry: dict[str, Any] | None = None

    def new(self, item_id: int, item_kind: str) -> NewFigure:
        """What room `labeling` takes; the coordinates of images become subpixels.

        Raises:
            Invalid: (field `objectId`) it shows no object, on what is no image: the client reads no such annotation.
        """
        if item_kind != IN_PIXELS and self.object_id is None:
            message = "objectId: a figure on a video, a point cloud or a volume shows an object; say which."
            raise Invalid(message, field="objectId")
        return NewFigure(item_id, self.label(kept_geometry(self.kind, self.geometry, item_kind)))


class ObjectForm(Form):
    """An object of a video, an episode or a volume."""

    class_id: Id | None = None
    class_title: str | None = None
    entity_id: Id | None = None
    description: str | None = None
    meta: dict[str, Any] | None = None
    tags: list[Tag] | None = None

    def new(self) -> NewObject:
        """What room `labeling` takes."""
        return NewObject(
            class_id=self.class_id,
            class_name=self.class_title,
            item_id=self.entity_id,
            description=self.description or "",
            meta=self.meta or {},
            tags=[tag.of_label() for tag in self.tags or ()],
        )


def kept_geometry(kind: str, given: Mapping[str, Any] | None, item_kind: str) -> dict[str, Any] | None:
    """Make of a geometry of `figures.*` what is kept; None where its file comes later.

    Of images, pixels become subpixels, and what else of a label stands there is left out.
    """
    if item_kind != IN_PIXELS:
        return {key: value for key, value in (given or {}).items() if key not in ABOUT_LABELS} or None
    if not given:
        return None
    found = geometries.keys_of(given)
    if not found:
        return None
    if kind == ALREADY_SUBPIXEL:
        return found
    geometries.check(kind, found, "geometry")
    return geometries.to_subpixel(kind, found)


def frame_of(meta: Mapping[str, Any] | None) -> int | None:
    """Read the frame or the slice of a figure from what the client says of it."""
    for key in ("frame", "sliceIndex"):
        found = (meta or {}).get(key)
        if found is None:
            continue
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= _LARGEST:
            message = f"meta.{key}: it is a whole number from 0."
            raise Invalid(message, field=f"meta.{key}")
        return found
    return None
