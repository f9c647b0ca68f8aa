"""How labels are sent: tags, figures, objects, and the annotations of each kind of item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pinakes.server.labeling import annotations as labels, geometry as geometries
from pinakes.server.labeling.label_types import Annotation, Figure, LabelObject, Tagging
from pinakes.server.wires.supervisely.values import moment

Json = dict[str, Any]

# The planes of a volume, and which way each looks.
NORMALS: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("sagittal", (1, 0, 0)),
    ("coronal", (0, 1, 0)),
    ("axial", (0, 0, 1)),
)
# The kinds of items whose figures have a place and a size in a plane.
IN_A_PLANE = ("image", "video")


def tag_json(tag: Tagging) -> Json:
    """A tag on something."""
    places = {"entityId": tag.item_id, "objectId": tag.object_id, "figureId": tag.figure_id}
    found: Json = {
        "id": tag.id,
        "tagId": tag.tag_id,
        "name": tag.name,
        "value": tag.value,
        "labelerLogin": tag.labeler,
        "createdAt": moment(tag.created_at),
        "updatedAt": moment(tag.updated_at),
        **{key: value for key, value in places.items() if value is not None},
        **tag.extras,
    }
    if tag.frame_from is not None:
        found["frameRange"] = [tag.frame_from, tag.frame_to]
    return found


def object_json(thing: LabelObject) -> Json:
    """An object of a video, an episode or a volume."""
    return {
        "id": thing.id,
        "description": thing.description,
        "createdAt": moment(thing.created_at),
        "updatedAt": moment(thing.updated_at),
        "projectId": thing.project_id,
        "datasetId": thing.dataset_id,
        "classId": thing.class_id,
        "classTitle": thing.class_name,
        "entityId": thing.item_id,
        "tags": [tag_json(tag) for tag in thing.tags],
        "meta": thing.meta,
        "createdBy": thing.created_by,
        "labelerLogin": thing.labeler,
    }


def figure_json(figure: Figure, kind: str, *, pixels: bool = True) -> Json:
    """A figure with its geometry as a field.

    Args:
        figure: The figure.
        kind: The kind of item that it is on.
        pixels: Whether the client wants the coordinates of images in whole pixels; subpixels are kept.
    """
    found = _figure(figure)
    geometry = figure.geometry
    if geometry is not None and pixels and kind == "image":
        geometry = geometries.to_pixel(figure.geometry_type, geometry)
    flat = geometry if kind in IN_A_PLANE else None
    box = None if flat is None else geometries.box(flat)
    area = None if flat is None else geometries.area(figure.geometry_type, flat)
    found["entityId"] = found["imageId"] = figure.item_id
    found["projectId"], found["datasetId"] = figure.project_id, figure.dataset_id
    found["geometry"] = geometry if geometry is not None else {}
    found["geometryMeta"] = None if box is None else {"bbox": [box[1], box[0], box[3], box[2]]}
    found["area"] = None if area is None else f"{area:.10g}"
    return found


def _figure(figure: Figure) -> Json:
    """What every form of a figure has."""
    return {
        "id": figure.id,
        "classId": figure.class_id,
        "classTitle": figure.class_name,
        "objectId": figure.object_id,
        "geometryType": figure.geometry_type,
        "description": figure.description,
        "labelerLogin": figure.labeler,
        "createdBy": figure.created_by,
        "createdAt": moment(figure.created_at),
        "updatedAt": moment(figure.updated_at),
        "tags": [tag_json(tag) for tag in figure.tags],
        "meta": figure.meta,
        "frameIndex": figure.frame,
        "trackId": figure.track_id,
        "priority": figure.priority,
        "nnCreated": figure.nn_created,
        "nnUpdated": figure.nn_updated,
        **figure.extras,
    }


def label_json(figure: Figure, geometry: Mapping[str, Any] | None) -> Json:
    """A label of an image: the parts of its geometry stand among its other fields."""
    found = _figure(figure)
    del found["frameIndex"]
    return {**found, "shape": figure.geometry_type, **(geometry or {})}


def of_image(annotation: Annotation, *, pixels: bool, custom_data: bool) -> Json:
    """The annotation of an image, with what it is the annotation of.

    Args:
        annotation: The annotation.
        pixels: Whether the client wants whole pixels instead of the subpixels that are kept.
        custom_data: Whether it wants the data of its own, too.
    """
    size = _size(annotation)
    found: Json = {
        "description": annotation.description,
        "tags": [tag_json(tag) for tag in annotation.tags],
        "size": {"height": annotation.height, "width": annotation.width},
        "objects": [label_json(figure, _drawn(figure, size, pixels=pixels)) for figure in annotation.figures],
    }
    if custom_data:
        found["customBigData"] = annotation.custom_data
    return {
        "imageId": annotation.item_id,
        "imageName": annotation.name,
        "datasetId": annotation.dataset_id,
        "createdAt": moment(annotation.created_at),
        "updatedAt": moment(annotation.updated_at),
        "annotation": found,
    }


def _size(annotation: Annotation) -> tuple[int, int] | None:
    if annotation.width is None or annotation.height is None:
        return None
    return annotation.width, annotation.height


def _drawn(figure: Figure, size: tuple[int, int] | None, *, pixels: bool) -> Mapping[str, Any] | None:
    if figure.geometry is None or not pixels:
        return figure.geometry
    return geometries.to_pixel(figure.geometry_type, figure.geometry, size)


def of_video(annotation: Annotation) -> Json:
    """The annotation of a video: its figures by frame.

    The client reads none of it where a figure shows no object, or is behind the end of the video: those are left out.
    """
    count = annotation.frames
    seen = [
        (index, [sight_json(figure) for figure in figures if figure.object_id is not None])
        for index, figures in labels.frames_of(annotation)
        if count is None or index <= count
    ]
    frames = [{"index": index, "figures": figures} for index, figures in seen if figures]
    return {
        "videoId": annotation.item_id,
        "videoName": annotation.name,
        "framesCount": count if count is not None else max((index + 1 for index, _ in seen), default=0),
        "size": {"height": annotation.height or 0, "width": annotation.width or 0},
        **_annotated(annotation),
        "frames": frames,
    }


def of_point_cloud(annotation: Annotation) -> Json:
    """The annotation of a point cloud."""
    return {
        "pointCloudId": annotation.item_id,
        "name": annotation.name,
        **_annotated(annotation),
        "figures": [sight_json(figure) for figure in annotation.figures],
    }


def of_episode(dataset_id: int, frames: Sequence[tuple[int, Annotation]], objects: Sequence[LabelObject]) -> Json:
    """The annotation of an episode, which is a dataset: of each point cloud that is a frame of it."""
    return {
        "datasetId": dataset_id,
        "description": "",
        "framesCount": max((index for index, _ in frames), default=-1) + 1,
        "tags": [],
        "objects": [object_json(thing) for thing in objects],
        "frames": [
            {
                "index": index,
                "pointCloudId": annotation.item_id,
                "figures": [sight_json(figure) for figure in annotation.figures],
            }
            for index, annotation in frames
            if annotation.figures
        ],
    }


def of_volume(annotation: Annotation) -> Json:
    """The annotation of a volume: its figures by plane and slice, and those that are in space."""
    planes = labels.planes_of(annotation)
    slices = {"sagittal": planes.sagittal, "coronal": planes.coronal, "axial": planes.axial}
    return {
        "volumeId": annotation.item_id,
        "volumeName": annotation.name,
        "volumeMeta": annotation.meta,
        **_annotated(annotation),
        "planes": [
            {
                "name": name,
                "normal": dict(zip("xyz", normal, strict=True)),
                "slices": [
                    {"index": index, "figures": [sight_json(figure) for figure in figures]}
                    for index, figures in slices[name]
                ],
            }
            for name, normal in NORMALS
        ],
        "spatialFigures": [sight_json(figure) for figure in planes.spatial],
    }


def sight_json(figure: Figure) -> Json:
    """A figure in the annotation of a video, a point cloud or a volume: its geometry as it was sent."""
    return {**_figure(figure), "geometry": figure.geometry if figure.geometry is not None else {}}


def _annotated(annotation: Annotation) -> Json:
    return {
        "datasetId": annotation.dataset_id,
        "description": annotation.description,
        "tags": [tag_json(tag) for tag in annotation.tags],
        "objects": [object_json(thing) for thing in annotation.objects],
        "createdAt": moment(annotation.created_at),
        "updatedAt": moment(annotation.updated_at),
    }
