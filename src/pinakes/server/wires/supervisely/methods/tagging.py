"""Tags on items, on objects and on figures: put, changed, taken away. What they are put on has many names here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinakes.server.errors import Invalid
from pinakes.server.labeling import figures, tagging
from pinakes.server.labeling.label_types import NewTagged
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.label_answers import tag_json
from pinakes.server.wires.supervisely.label_forms import Frames, Tag, TagForm
from pinakes.server.wires.supervisely.values import OK, Id

METHODS = Methods()


class ToImages(Form):
    """One tag for several images."""

    tag_id: Id
    ids: list[Id]
    value: Any = None


class FromImage(Form):
    """A tag of an image: by the number of the assignment, else all that are of the tag."""

    tag_id: Id | None = None
    image_id: Id | None = None
    id: Id | None = None


class FromImages(Form):
    """Tags that several images lose."""

    tag_ids: list[Id]
    ids: list[Id]


class FromFigure(Form):
    """A tag of a figure: by the number of the assignment, else all that are of the tag."""

    tag_id: Id | None = None
    figure_id: Id | None = None
    id: Id | None = None


class Valued(Form):
    """Another value."""

    id: Id
    value: Any = None


class Framed(Form):
    """Other frames."""

    id: Id
    frame_range: Frames


class Tags(Form):
    """Tags, each with what it is put on."""

    tags: list[Tag]


class OnVideo(Tags):
    """Tags of one video."""

    video_id: Id


class OnItem(Tags):
    """Tags of one point cloud or volume."""

    entity_id: Id


class OneOnVideo(TagForm):
    """One tag of a video."""

    video_id: Id


@METHODS.change("image-tags.bulk.add-to-image", ToImages)
async def add_to_images(ctx: Context, asked: ToImages) -> object:
    """Put one tag on several images."""
    return await _put(ctx, [NewTagged(tag_id=asked.tag_id, item_id=item, value=asked.value) for item in asked.ids])


@METHODS.change("image-tags.remove-from-image", FromImage)
async def remove_from_image(ctx: Context, asked: FromImage) -> object:
    """Take a tag from an image."""
    if asked.id is not None:
        await tagging.remove(ctx.tx, ctx.actor, [asked.id])
    elif asked.tag_id is not None and asked.image_id is not None:
        await tagging.remove_from_items(ctx.tx, ctx.actor, [asked.tag_id], [asked.image_id])
    else:
        message = "id: say which assignment it is, or tagId and imageId."
        raise Invalid(message, field="id")
    return OK


@METHODS.change("image-tags.bulk.remove-from-images", FromImages)
async def remove_from_images(ctx: Context, asked: FromImages) -> object:
    """Take tags from several images."""
    await tagging.remove_from_items(ctx.tx, ctx.actor, asked.tag_ids, asked.ids)
    return OK


@METHODS.change("object-tags.remove-from-figure", FromFigure)
async def remove_from_figure(ctx: Context, asked: FromFigure) -> object:
    """Take a tag from a figure."""
    ids = [] if asked.id is None else [asked.id]
    if asked.id is None:
        if asked.tag_id is None or asked.figure_id is None:
            message = "id: say which assignment it is, or tagId and figureId."
            raise Invalid(message, field="id")
        found = await tagging.of_figures(ctx.tx, ctx.actor, [asked.figure_id])
        ids = [tag.id for tag in found.get(asked.figure_id, []) if tag.tag_id == asked.tag_id]
    await tagging.remove(ctx.tx, ctx.actor, ids)
    return OK


@METHODS.change("tags.entities.bulk.add", Tags)
async def add_to_items(ctx: Context, asked: Tags) -> object:
    """Put tags on items, each on its own."""
    return await _put(ctx, [tag.on(item_id=_need(tag.entity_id, "entityId")) for tag in asked.tags])


@METHODS.change("figures.tags.bulk.add", Tags)
async def add_to_figures(ctx: Context, asked: Tags) -> object:
    """Put tags on figures, each on its own."""
    return await _put(ctx, [tag.on(figure_id=_need(tag.figure_id, "figureId")) for tag in asked.tags])


@METHODS.change("annotation-objects.tags.bulk.add", Tags)
async def add_to_objects(ctx: Context, asked: Tags) -> object:
    """Put tags on objects, each on its own."""
    return await _put(ctx, [tag.on(object_id=_need(tag.object_id, "objectId")) for tag in asked.tags])


@METHODS.change("videos.tags.bulk.add", OnVideo)
async def add_to_video(ctx: Context, asked: OnVideo) -> object:
    """Put tags on a video."""
    return await _put(ctx, [tag.on(item_id=asked.video_id) for tag in asked.tags])


@METHODS.change("volumes.tags.bulk.add", OnItem)
@METHODS.change("point-clouds.tags.bulk.add", OnItem)
async def add_to_item(ctx: Context, asked: OnItem) -> object:
    """Put tags on a point cloud or a volume."""
    return await _put(ctx, [tag.on(item_id=asked.entity_id) for tag in asked.tags])


@METHODS.change("videos.tags.add", OneOnVideo)
async def add_one_to_video(ctx: Context, asked: OneOnVideo) -> object:
    """Put a tag on a video."""
    return await _put_one(ctx, asked.on(item_id=asked.video_id))


@METHODS.change("volumes.tags.add", TagForm)
@METHODS.change("point-clouds.tags.add", TagForm)
async def add_one_to_item(ctx: Context, asked: TagForm) -> object:
    """Put a tag on a point cloud or a volume."""
    return await _put_one(ctx, asked.on(item_id=_need(asked.entity_id, "entityId")))


@METHODS.change("object-tags.add-to-object", TagForm)
async def add_one_to_figure(ctx: Context, asked: TagForm) -> object:
    """Put a tag on a figure."""
    return await _put_one(ctx, asked.on(figure_id=_need(asked.figure_id, "figureId")))


@METHODS.change("annotation-objects.tags.add", TagForm)
async def add_one_to_object(ctx: Context, asked: TagForm) -> object:
    """Put a tag on an object."""
    return await _put_one(ctx, asked.on(object_id=_need(asked.object_id, "objectId")))


@METHODS.change("image-tags.update-tag-value", Valued)
@METHODS.change("object-tags.update-tag-value", Valued)
@METHODS.change("videos.tags.update-value", Valued)
@METHODS.change("point-clouds.tags.update-value", Valued)
@METHODS.change("volumes.tags.update-value", Valued)
@METHODS.change("annotation-objects.tags.update-value", Valued)
async def set_value(ctx: Context, asked: Valued) -> object:
    """Give an assigned tag another value."""
    return tag_json(await tagging.set_value(ctx.tx, ctx.actor, asked.id, asked.value))


@METHODS.change("videos.tags.update", Framed)
@METHODS.change("annotation-objects.tags.update", Framed)
async def set_frames(ctx: Context, asked: Framed) -> object:
    """Have an assigned tag hold for other frames."""
    start, end = asked.frame_range
    return tag_json(await tagging.set_frames(ctx.tx, ctx.actor, asked.id, start, end))


@METHODS.change("videos.tags.remove", ById)
@METHODS.change("point-clouds.tags.remove", ById)
@METHODS.change("volumes.tags.remove", ById)
@METHODS.change("annotation-objects.tags.remove", ById)
async def remove(ctx: Context, asked: ById) -> object:
    """Take an assigned tag away; it may be gone already."""
    await tagging.remove(ctx.tx, ctx.actor, [asked.id])
    return OK


@METHODS.snapshot("figures.tags.list", ById)
async def of_figure(ctx: Context, asked: ById) -> object:
    """The tags of a figure."""
    figure = await figures.get(ctx.tx, ctx.actor, asked.id)
    return [tag_json(tag) for tag in figure.tags]


async def _put(ctx: Context, tags: Sequence[NewTagged]) -> list[dict[str, Any]]:
    return [{"id": number} for number in await tagging.add(ctx.tx, ctx.actor, tags)]


async def _put_one(ctx: Context, tag: NewTagged) -> dict[str, Any]:
    number, *_ = await tagging.add(ctx.tx, ctx.actor, [tag])
    return tag_json(await tagging.get(ctx.tx, ctx.actor, number))


def _need(number: int | None, field: str) -> int:
    if number is None:
        message = f"{field}: say what the tag is put on."
        raise Invalid(message, field=field)
    return number
