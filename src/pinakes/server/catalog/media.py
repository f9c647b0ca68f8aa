"""Items of media: the verbs on them, whichever of this room's modules they are written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, media_checks as checks
from pinakes.server.catalog.media_adding import add, add_each, copy
from pinakes.server.catalog.media_checks import media_name
from pinakes.server.catalog.media_reading import (
    SQL,
    file,
    file_by_hash,
    files,
    get,
    get_all,
    get_many,
    known_files,
    page,
)
from pinakes.server.catalog.media_types import Media, MediaChanges, MediaPage, NewMedia, Refused, Removed
from pinakes.server.catalog.projects import hold_items_still
from pinakes.server.db import IntegrityError, Tx, json, violated
from pinakes.server.errors import DatasetNotFound, Invalid, MediaNotFound, NameTaken
from pinakes.server.events import service as events
from pinakes.server.paging import INT4
from pinakes.server.permissions.service import require
from pinakes.server.permissions.table import Permission

__all__ = [
    "Media",
    "MediaChanges",
    "MediaPage",
    "NewMedia",
    "Refused",
    "add",
    "add_each",
    "add_slices",
    "copy",
    "file",
    "file_by_hash",
    "files",
    "get",
    "get_all",
    "get_many",
    "mark_removed",
    "mark_restored",
    "media_name",
    "move",
    "page",
    "set_custom_order",
    "update",
]


async def update(tx: Tx, actor: Actor, changes: Sequence[MediaChanges]) -> list[Media]:
    """Give items new names and values: all of them, or none.

    Raises:
        MediaNotFound: one of them is none that the actor sees; `details.item_ids` says which.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change one of them.
        Invalid: a value can't be.
        NameTaken: names are taken; `details.errors` has each with the item that has it.
    """
    by_id = {change.id: change for change in changes}
    if len(by_id) < len(changes):
        message = "An item is named twice."
        raise Invalid(message, field="items")
    items = await _held(tx, actor, list(by_id))
    rows = [_changed(by_id[item.id], item) for item in items]
    renamed = [item for item in items if by_id[item.id].name not in {None, item.name}]
    await tx.all(datasets.SQL.hold_datasets, int, ids=sorted({item.dataset_id for item in renamed}))
    await _check_names(tx, [(item, str(by_id[item.id].name)) for item in renamed], {item.id for item in renamed})
    try:
        async with tx.savepoint():
            await tx.run(SQL.change_media, rows=json(rows))
    except IntegrityError as error:
        if violated(error) != "items_name_taken":
            raise
        message = "Items can't take each other's names in one call."
        raise NameTaken(message, field="name", details={"errors": []}) from error
    fields = sorted({key for row in rows for key, value in row.items() if value is not None and key != "id"})
    await _record(tx, actor, "media.updated", items, {"fields": fields})
    return await get_many(tx, actor, list(by_id))


async def move(tx: Tx, actor: Actor, item_ids: Sequence[int], dataset_id: int) -> list[Media]:
    """Put items into another dataset of their project, with their labels; those that are there stay.

    Raises:
        MediaNotFound, DatasetNotFound: one of them is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change them.
        Invalid: (field `dataset`) that dataset is another project's.
        NameTaken: names are taken there; `details.errors` has each with the item that has it.
    """
    target = await datasets.get(tx, actor, dataset_id)
    items = await _held(tx, actor, item_ids)
    if any(item.project_id != target.project_id for item in items):
        message = "Items move within their project; into another one they are copied."
        raise Invalid(message, field="dataset")
    moving = [item for item in items if item.dataset_id != target.id]
    held = await tx.all(datasets.SQL.hold_datasets, int, ids=sorted({target.id, *(item.dataset_id for item in moving)}))
    if target.id not in held:
        raise DatasetNotFound(field="dataset")
    await _check_names(tx, [(item, item.name) for item in moving], set(), into=target.id)
    await tx.run(SQL.move_media, ids=[item.id for item in moving], dataset_id=target.id)
    await _record(tx, actor, "media.moved", moving, {"dataset": target.id})
    return await get_many(tx, actor, list(dict.fromkeys(item_ids)))


async def set_custom_order(tx: Tx, actor: Actor, places: Mapping[int, float | None]) -> None:
    """Give items their places in the custom order of their datasets; None takes one away: it comes after all others.

    Raises:
        MediaNotFound: one of them is none that the actor sees; `details.item_ids` says which.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change one of them.
        Invalid: a place is no finite number.
    """
    wanted = {item_id: checks.place(place) for item_id, place in places.items()}
    items = await _held(tx, actor, list(wanted))
    await tx.run(SQL.place_media, ids=list(wanted), places=list(wanted.values()))
    await _record(tx, actor, "media.ordered", items, {})


async def mark_removed(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> list[Removed]:
    """Put items into the trash, and count them out of their datasets.

    For whoever takes them out of collections and writes down that it was done.

    Raises:
        MediaNotFound: one of them is none that the actor sees; `details.item_ids` says which.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not remove one of them.
    """
    await hold_items_still(tx)
    items = await _held(tx, actor, item_ids)
    await tx.all(datasets.SQL.hold_datasets, int, ids=sorted({item.dataset_id for item in items}))
    return await tx.all(SQL.end_media, Removed, ids=[item.id for item in items], actor_id=actor.user_id)


async def mark_restored(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> list[Removed]:
    """Bring items back from the trash, where their datasets are there, and count them in again.

    Raises:
        MediaNotFound: one of them is not in the trash; `details.item_ids` says which.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        NameTaken: another item has the name of one by now; `details.errors` says which.
    """
    wanted = list(dict.fromkeys(item_ids))
    await hold_items_still(tx)
    found = await tx.all(SQL.removed_media, Removed, ids=checks.some_ids(wanted))
    for item in found:
        require(actor, Permission.PROJECT_WRITE, owner_id=item.owner_id, missing=MediaNotFound)
    if missing := sorted(set(wanted) - {item.id for item in found}):
        raise MediaNotFound(field="item", details={"item_ids": missing})
    await tx.all(SQL.hold_removed_media, int, ids=wanted)
    await tx.all(datasets.SQL.hold_datasets, int, ids=sorted({item.dataset_id for item in found}))
    if taken := await tx.rows(SQL.names_wanted_back, ids=wanted):
        raise _taken(taken)
    return await tx.all(SQL.bring_back_media, Removed, ids=wanted)


async def add_slices(tx: Tx, actor: Actor, volume_id: int, slices: Sequence[tuple[str, int, bytes]]) -> int:
    """Write slices of a volume down, each as its normal, place and the SHA-256 of its file; again is no error.

    Raises:
        MediaNotFound: there is no volume that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it.
        Invalid: a slice can't be, or its file is not known in the account.
    """
    volume = (await _held(tx, actor, [volume_id]))[0]
    if volume.kind != "volume":
        raise MediaNotFound(field="volume", details={"item_ids": [volume_id]})
    checks.at_once(len(slices), "slices")
    for normal, place, _ in slices:
        checks.text(normal, "normal", 100)
        if place not in INT4:
            message = "The place of a slice is a whole number."
            raise Invalid(message, field="position")
    by_place = {(normal, place): sha256 for normal, place, sha256 in slices}
    known = await known_files(tx, volume.owner_id, list(by_place.values()))
    if unknown := [sha256.hex() for sha256 in by_place.values() if sha256 not in known]:
        message = f"No file of the SHA-256 {unknown[0]} is known here: send it first."
        raise Invalid(message, field="hash")
    return await tx.run(
        SQL.add_volume_slices,
        item_id=volume.id,
        normals=[normal for normal, _ in by_place],
        positions=[place for _, place in by_place],
        hashes=list(by_place.values()),
    )


async def _held(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> list[Media]:
    """Return items that the actor may change, as they are now, held until the transaction ends."""
    items = await get_all(tx, actor, item_ids)
    for owner_id, visibility in sorted({(item.owner_id, item.visibility) for item in items}):
        require(actor, Permission.PROJECT_WRITE, owner_id=owner_id, visibility=visibility, seen=True)
    await tx.all(SQL.hold_media, int, ids=[item.id for item in items])
    return await get_all(tx, actor, item_ids)


def _changed(change: MediaChanges, item: Media) -> dict[str, object]:
    """Return what is written for a change of an item, checked."""
    if change.name is not None:
        checks.media_name(change.name)
        if reason := checks.suits(change.name, item.mime):
            raise Invalid(reason, field="name")
    description, meta, data = change.description, change.meta, change.custom_data
    return {
        "id": item.id,
        "name": change.name,
        "description": None if description is None else checks.text(description, "description"),
        "meta": None if meta is None else checks.plain_json(meta, "meta"),
        "custom_data": None if data is None else checks.plain_json(data, "custom_data"),
    }


async def _check_names(tx: Tx, wanted: Sequence[tuple[Media, str]], but: set[int], *, into: int | None = None) -> None:
    """Refuse names that are taken in their datasets, or wanted twice."""
    keys = [(item.project_id, item.kind, item.owner_id, into or item.dataset_id, name) for item, name in wanted]
    if twice := [key[-1] for key, count in Counter(keys).items() if count > 1]:
        raise _taken([(name, None) for name in twice])
    for project_id, kind, owner_id in sorted({key[:3] for key in keys}):
        names = [f"{dataset}/{name}" for *place, dataset, name in keys if place == [project_id, kind, owner_id]]
        taken = await tx.rows(
            SQL.media_in_the_way,
            kind=kind,
            owner_id=owner_id,
            project_id=project_id,
            name_keys=names,
            but=sorted(but),
        )
        if taken:
            raise _taken(taken)


def _taken(found: Sequence[tuple[object, ...]]) -> NameTaken:
    errors = [{"name": name, "id": number} for name, number in found]
    message = f"There is an item called {found[0][0]!r} already."
    return NameTaken(message, field="name", details={"errors": errors})


async def _record(tx: Tx, actor: Actor, verb: str, items: Sequence[Media], after: Mapping[str, object]) -> None:
    """Write down what was done with items, once for each of their projects."""
    counted = Counter((item.owner_id, item.project_id) for item in items)
    for (owner_id, project_id), count in sorted(counted.items()):
        told = {"count": count, **after}
        await events.record(tx, actor, verb, account_id=owner_id, item_id=project_id, after=told)
