"""Volumes, and the slices that the client cuts them into."""

from __future__ import annotations

from pydantic import Field
from starlette.responses import Response

from pinakes.server.catalog import media, media_files
from pinakes.server.errors import Invalid
from pinakes.server.state import state_of
from pinakes.server.wires.supervisely.calls import ById, Call, Context, Form, Methods, respond, tried_again
from pinakes.server.wires.supervisely.encode import item_of
from pinakes.server.wires.supervisely.items import Entry, OfItems, added, found, listed
from pinakes.server.wires.supervisely.methods.images import download_of
from pinakes.server.wires.supervisely.values import Id, need_hash, written_hash

METHODS = Methods()

# The axes that slices lie across, as the client writes them.
_AXES = {(1, 0, 0): "sagittal", (0, 1, 0): "coronal", (0, 0, 1): "axial"}


class NewVolumes(Form):
    """New volumes of a dataset."""

    dataset_id: Id
    volumes: list[Entry]


class Normal(Form):
    """The axis that a slice lies across."""

    x: int | float = 0
    y: int | float = 0
    z: int | float = 0


class Slice(Form):
    """A slice of a volume: a file, its place, and the axis that it lies across."""

    hash: str
    slice_index: int = Field(ge=0, le=2**31 - 1)
    normal: Normal | None = None
    name: str | None = None


class NewSlices(Form):
    """Slices of a volume."""

    volume_id: Id
    volume_slices: list[Slice]


@METHODS.raw("volumes.bulk.add")
async def add(call: Call) -> Response:
    """Add volumes to a dataset: all of them, or none."""
    asked = await call.asked(NewVolumes)
    return await added(call, asked.dataset_id, asked.volumes, "volumes")


@METHODS.read("volumes.list", OfItems)
async def volumes(ctx: Context, asked: OfItems) -> object:
    """List volumes."""
    return await listed(ctx, asked, "volume")


@METHODS.read("volumes.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show a volume."""
    return await item_of(ctx, await found(ctx, asked.id, "volume"))


@METHODS.raw("volumes.slices.bulk.add")
async def add_slices(call: Call) -> Response:
    """Keep slices of a volume; one that was there before is replaced."""
    actor, state = await call.actor(), state_of(call)
    asked = await call.asked(NewSlices)
    slices = [
        (_axis(one, at), one.slice_index, need_hash(one.hash, f"volumeSlices.{at}.hash"))
        for at, one in enumerate(asked.volume_slices)
    ]
    async with state.db.reading() as tx:
        volume = await media.get(tx, actor, asked.volume_id)
    await media_files.adopt(state.db, state.blobs, actor, volume.owner_id, [one[2] for one in slices])

    async def run() -> int:
        async with state.db.transaction() as tx:
            return await media.add_slices(tx, actor, volume.id, slices)

    await tried_again(run)
    return respond([{"hash": written_hash(sha256), "sliceIndex": index} for _, index, sha256 in slices])


def _axis(one: Slice, at: int) -> str:
    given = one.normal or Normal(z=1)
    axis = _AXES.get((int(abs(given.x)), int(abs(given.y)), int(abs(given.z))))
    if axis is None:
        message = f"volumeSlices.{at}.normal: slices lie across one of the axes x, y and z."
        raise Invalid(message, field=f"volumeSlices.{at}.normal")
    return axis


METHODS.raw("volumes.download", by_id=True)(download_of("volume"))
