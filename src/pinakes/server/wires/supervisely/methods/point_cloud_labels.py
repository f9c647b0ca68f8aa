"""The annotations of point clouds, and of episodes: datasets whose point clouds are frames."""

from __future__ import annotations

from pinakes.server.labeling import annotations as labels
from pinakes.server.labeling.label_types import Annotation
from pinakes.server.wires.supervisely.calls import Context, Form, Methods
from pinakes.server.wires.supervisely.label_answers import of_episode, of_point_cloud
from pinakes.server.wires.supervisely.lists import Listing
from pinakes.server.wires.supervisely.methods import objects
from pinakes.server.wires.supervisely.values import Id, envelope

METHODS = Methods()

AT_ONCE = 1000


class OfPointClouds(Form):
    """Several point clouds' annotations."""

    point_cloud_ids: list[Id]


class OfEpisode(Form):
    """An episode's annotation."""

    dataset_id: Id


@METHODS.snapshot("point-clouds.annotations.bulk.info", OfPointClouds)
async def infos(ctx: Context, asked: OfPointClouds) -> object:
    """The annotations of several point clouds, in the order asked."""
    return [of_point_cloud(found) for found in await labels.get_many(ctx.tx, ctx.actor, asked.point_cloud_ids)]


@METHODS.snapshot("point-clouds.episodes.annotations.info", OfEpisode)
async def of_dataset(ctx: Context, asked: OfEpisode) -> object:
    """The annotation of an episode, as the only one of a list."""
    found: list[Annotation] = []
    cursor: str | None = None
    while True:
        page = await labels.page(ctx.tx, ctx.actor, asked.dataset_id, limit=AT_ONCE, cursor=cursor)
        found += page.rows
        cursor = page.next
        if cursor is None:
            break
    numbered = [(_frame(annotation, place), annotation) for place, annotation in enumerate(found)]
    frames = sorted(numbered, key=lambda each: each[0])
    return [of_episode(asked.dataset_id, frames, await objects.all_of(ctx, asked.dataset_id))]


@METHODS.read("point-clouds.images.list", Listing)
async def images(_ctx: Context, asked: Listing) -> object:
    """The photographs that belong to point clouds; there are none, as a project has one type of data."""
    return envelope([], 0, asked.size())


def _frame(annotation: Annotation, place: int) -> int:
    """Which frame of its episode a point cloud is; by its place where the client never said."""
    found = annotation.meta.get("frame")
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else place
