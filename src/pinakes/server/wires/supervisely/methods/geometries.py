"""Geometries that are files of their own: alpha masks, masks in space, indices of points; sent in many parts."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from starlette.responses import Response

from pinakes.server.catalog import media_files
from pinakes.server.errors import FileNotFound, Invalid
from pinakes.server.labeling import figures, geometry_uploads
from pinakes.server.labeling.label_types import GeometryFile
from pinakes.server.state import State, state_of
from pinakes.server.wires.supervisely.calls import Call, Form, Methods, respond
from pinakes.server.wires.supervisely.parts import Body, Part, Sent, multipart, named, parts
from pinakes.server.wires.supervisely.values import OK, Id

METHODS = Methods()

FIGURE, GEOMETRY = "figureId", "geometry"


class Wanted(Form):
    """The figures whose geometries are wanted."""

    ids: list[Id]


@METHODS.raw("figures.bulk.upload.geometry")
async def upload(call: Call) -> Response:
    """Take geometries: of each its figure's number, then its bytes."""
    actor, state = await call.actor(), state_of(call)
    received: dict[int, bytes] = {}
    figure: int | None = None
    async for part in parts(call):
        if part.name == FIGURE:
            _require_pair(figure)
            figure = await _number(part)
        elif part.name == GEOMETRY:
            if figure is None:
                message = "figureId: the number of the figure comes before its geometry."
                raise Invalid(message, field=FIGURE)
            facts = await media_files.receive_anywhere(state.db, state.blobs, actor, part.chunks())
            received[figure] = facts.sha256
            figure = None
    _require_pair(figure)
    await geometry_uploads.attach(state.db, state.blobs, actor, received)
    return respond(OK)


@METHODS.raw("figures.bulk.download.geometry")
async def download(call: Call) -> Response:
    """Send geometries, each in a part that is called by its figure."""
    actor, state = await call.actor(), state_of(call)
    asked = await call.asked(Wanted)
    async with state.db.reading() as tx:
        found = await figures.geometry_files(tx, actor, asked.ids)
    bodies = [await _body(state, each) for each in found]
    sent = [
        Sent(f'{named(each.figure_id)}; filename="{each.figure_id}"', body)
        for each, body in zip(found, bodies, strict=True)
    ]
    return multipart(state.blobs, sent)


@dataclass(frozen=True, slots=True)
class _File:
    """The bytes of a geometry in the store."""

    key: str
    size: int


async def _body(state: State, found: GeometryFile) -> Body | bytes:
    if found.sha256 is None:
        return orjson.dumps(found.geometry or {})
    key = media_files.media_key(found.account_id, found.sha256)
    stored = await state.blobs.head(key)
    if stored is None:
        raise FileNotFound(field="ids")
    return _File(key, stored.size)


def _require_pair(figure: int | None) -> None:
    """Raise where a figure was named, and no geometry followed."""
    if figure is not None:
        message = f"geometry: that of figure {figure} is missing."
        raise Invalid(message, field=GEOMETRY)


async def _number(part: Part) -> int:
    text = (await part.read(20)).decode("ascii", "replace").strip()
    if not text.isdigit():
        message = "figureId: it is the number of a figure."
        raise Invalid(message, field=FIGURE)
    return min(int(text), 2**31 - 1)
