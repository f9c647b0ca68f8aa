"""Geometries that are files of their own, given to their figures after their bytes were received."""

from __future__ import annotations

from collections.abc import Mapping

from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media_files
from pinakes.server.db import Database
from pinakes.server.labeling import access, figures


async def attach(db: Database, blobs: Blobs, actor: Actor, received: Mapping[int, bytes]) -> None:
    """Give figures the files that the actor sent before, by SHA-256; their accounts know them from then on.

    Whoever may label an item may bring the geometries of its figures, whether or not he may bring items.

    Raises:
        LabelNotFound: the actor sees some of the figures not.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
        FileNotFound: he sent no such file.
    """
    async with db.reading() as tx:
        places = await figures.geometry_files(tx, actor, list(received))
        await access.require_labeling(tx, actor, [place.item_id for place in places], hold=False)
    wanted: dict[int, list[bytes]] = {}
    for place in places:
        wanted.setdefault(place.account_id, []).append(received[place.figure_id])
    for account_id, hashes in wanted.items():
        await media_files.adopt_granted(db, blobs, actor, account_id, hashes)
    async with db.transaction() as tx:
        await figures.attach_geometries(tx, actor, list(received.items()))
