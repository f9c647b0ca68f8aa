"""The annotations of volumes."""

from __future__ import annotations

from pinakes.server.labeling import annotations as labels
from pinakes.server.wires.supervisely.calls import Context, Form, Methods
from pinakes.server.wires.supervisely.label_answers import of_volume
from pinakes.server.wires.supervisely.values import Id

METHODS = Methods()


class OfVolumes(Form):
    """Several volumes' annotations."""

    volume_ids: list[Id]


@METHODS.snapshot("volumes.annotations.bulk.info", OfVolumes)
async def infos(ctx: Context, asked: OfVolumes) -> object:
    """The annotations of several volumes, in the order asked."""
    return [of_volume(found) for found in await labels.get_many(ctx.tx, ctx.actor, asked.volume_ids)]
