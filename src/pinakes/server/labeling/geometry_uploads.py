"""Geometries that are files of their own, given to their figures after their bytes were received."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media_files
from pinakes.server.db import Database
from pinakes.server.errors import Invalid
from pinakes.server.labeling import access, figures, geometry

# The type of geometry whose file is JSON: what else stands in its label otherwise. The files of others are their own.
_MASK = "alpha_mask"


async def attach(db: Database, blobs: Blobs, actor: Actor, received: Mapping[int, bytes]) -> None:
    """Give figures the files that the actor sent before, by SHA-256; their accounts know them from then on.

    Whoever may label an item may bring the geometries of its figures, whether or not he may bring items.

    Raises:
        LabelNotFound: the actor sees some of the figures not.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
        FileNotFound: he sent no such file.
        Invalid: what is to be a mask is none. TooLarge: it is larger than a geometry can be.
    """
    async with db.reading() as tx:
        places = await figures.geometry_files(tx, actor, list(received))
        await access.require_labeling(tx, actor, [place.item_id for place in places], hold=False)
    wanted: dict[int, list[bytes]] = {}
    for place in places:
        wanted.setdefault(place.account_id, []).append(received[place.figure_id])
    for account_id, hashes in wanted.items():
        await media_files.adopt_granted(db, blobs, actor, account_id, hashes)
    for place in places:
        if place.geometry_type == _MASK:
            key = media_files.media_key(place.account_id, received[place.figure_id])
            _check_mask(await blobs.read(key, most=geometry.LARGEST))
    async with db.transaction() as tx:
        await figures.attach_geometries(tx, actor, list(received.items()))


def _check_mask(content: bytes) -> None:
    """Refuse a file that is no mask.

    Raises:
        Invalid: (field `geometry`) why it is none.
    """
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        message = 'The file of a mask is JSON: {"origin": [x, y], "data": "…"}.'
        raise Invalid(message, field="geometry") from None
    geometry.check(_MASK, {"bitmap": found}, "geometry")
