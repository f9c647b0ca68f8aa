"""How projects, datasets and items are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinakes.server.catalog import media_readers
from pinakes.server.catalog.media_types import Dataset, Media, MediaProject
from pinakes.server.labeling import tagging
from pinakes.server.wires.supervisely.calls import Context
from pinakes.server.wires.supervisely.label_answers import tag_json
from pinakes.server.wires.supervisely.previews import file_path, preview_address
from pinakes.server.wires.supervisely.values import moment, written_hash

Json = dict[str, Any]

# What the client can't do without in the settings of a project.
SETTINGS: Json = {"groupImages": False, "groupImagesByTagId": None, "groupImagesSync": False}
# Where we keep among a project's settings where its data was brought when it was archived.
BACKUP = "backupArchive"


def project_of(ctx: Context, found: MediaProject) -> Json:
    """Write a project."""
    settings = {**SETTINGS, **found.settings}
    backup = settings.pop(BACKUP, None)
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "size": found.size,
        "readme": found.readme,
        "workspaceId": found.workspace_id,
        "imagesCount": found.item_count,
        "itemsCount": found.item_count,
        "datasetsCount": found.dataset_count,
        "localEntitiesCount": found.item_count,
        "remoteEntitiesCount": 0,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
        "type": found.data_type,
        "referenceImageUrl": preview_address(ctx.state, ctx.endpoint, found.cover_id),
        "customData": found.custom_data,
        "backupArchive": backup or {},
        "teamId": found.owner_id,
        "settings": settings,
        "importSettings": {},
        "version": None,
        "createdBy": found.created_by_id,
        "embeddingsEnabled": False,
        "embeddingsUpdatedAt": None,
        "embeddingsInProgress": False,
    }


def dataset_of(ctx: Context, found: Dataset, *, custom_data: bool = False) -> Json:
    """Write a dataset. The client uses it as a key of a dictionary, which `customData`, an object, would prevent."""
    sent: Json = {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "size": found.size,
        "projectId": found.project_id,
        "imagesCount": found.item_count,
        "itemsCount": found.item_count,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
        "referenceImageUrl": preview_address(ctx.state, ctx.endpoint, found.cover_id),
        "teamId": found.owner_id,
        "workspaceId": found.workspace_id,
        "parentId": found.parent_id,
        "createdBy": found.created_by_id,
    }
    return {**sent, "customData": found.custom_data} if custom_data else sent


async def items_of(ctx: Context, found: Sequence[Media]) -> list[Json]:
    """Write items, each as its kind is sent, with the tags on them."""
    tags = await tagging.of_items(ctx.tx, ctx.actor, [one.id for one in found])
    return [_item_of(ctx, one, [tag_json(tag) for tag in tags.get(one.id, ())]) for one in found]


async def item_of(ctx: Context, found: Media) -> Json:
    """Write one item."""
    return (await items_of(ctx, [found]))[0]


def _item_of(ctx: Context, item: Media, tags: list[Json]) -> Json:
    path = file_path(ctx.state, item)
    sent: Json = {
        "id": item.id,
        "name": item.name,
        "title": item.name,
        "description": item.description,
        "link": item.link,
        "hash": written_hash(item.sha256),
        "teamId": item.owner_id,
        "workspaceId": item.workspace_id,
        "projectId": item.project_id,
        "datasetId": item.dataset_id,
        "createdAt": moment(item.created_at),
        "updatedAt": moment(item.updated_at),
        "createdBy": item.created_by_id,
        "meta": item.meta,
        "customData": item.custom_data,
        "tags": tags,
        "pathOriginal": path,
        "fullStorageUrl": path if item.sha256 is None else f"{ctx.endpoint}{path}",
    }
    return {**sent, **_BY_KIND[item.kind](item)}


def _image(item: Media) -> Json:
    return {
        "mime": item.mime,
        "ext": _extension(item.name),
        "size": item.size,
        "width": item.width,
        "height": item.height,
        "labelsCount": item.label_count,
        "parentId": item.parent_id,
        "customSort": item.custom_sort,
    }


def _video(item: Media) -> Json:
    streams = [_stream(one) for one in _list(item.facts.get("streams"))]
    return {
        "processingPath": None,
        "figuresCount": item.label_count,
        "fileMeta": {
            "framesCount": item.frames,
            "framesToTimecodes": _timecodes(item),
            "width": item.width,
            "height": item.height,
            "duration": item.facts.get("duration"),
            "mime": item.mime,
            "size": str(item.size) if item.size is not None else None,
            "codec": next((one["codec"] for one in streams if one["codecType"] == "video"), None),
            "streams": streams,
        },
    }


def _timecodes(item: Media) -> list[float] | None:
    videos = [one for one in _list(item.facts.get("streams")) if one.get("codec_type") == "video"]
    return media_readers.timecodes(videos[0]) if videos else None


def _stream(found: Json) -> Json:
    """Write a stream of a video."""
    return {
        "index": found.get("index", 0),
        "codecType": found.get("codec_type"),
        "codec": found.get("codec"),
        "width": found.get("width"),
        "height": found.get("height"),
        "framesCount": found.get("frames"),
        "duration": found.get("duration"),
    }


def file_meta(found: Json) -> Json:
    """Write what was read from a file that is no item yet."""
    return {
        "formatName": found.get("format"),
        "duration": found.get("duration"),
        "width": found.get("width"),
        "height": found.get("height"),
        "streams": [_stream(one) for one in _list(found.get("streams"))],
    }


def _point_cloud(item: Media) -> Json:
    frame = item.meta.get("frame")
    return {
        "frame": frame if isinstance(frame, int) else None,
        "figuresCount": item.label_count,
        "annotationObjectsCount": None,
        "fileMeta": {"mime": item.mime, "size": item.size},
    }


def _volume(item: Media) -> Json:
    return {
        "mime": item.mime,
        "ext": _extension(item.name),
        "processingPath": None,
        "figuresCount": item.label_count,
        "annotationObjectsCount": None,
        "fileMeta": {"mime": item.mime, "size": str(item.size) if item.size is not None else None},
    }


_BY_KIND = {"image": _image, "video": _video, "point_cloud": _point_cloud, "volume": _volume}


def _extension(name: str) -> str | None:
    stem, dot, found = name.rpartition(".")
    return found if stem and dot and found else None


def _list(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
