"""Objects of videos, point clouds and volumes: the things that figures show."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, LabelNotFound, MediaNotFound
from pinakes.server.labeling import access, hiding, label_checks as checks
from pinakes.server.labeling.access import SQL
from pinakes.server.labeling.annotations import add_tags, give_object_tags
from pinakes.server.labeling.figures import resolve
from pinakes.server.labeling.label_types import (
    DatasetRight,
    ItemRight,
    LabelObject,
    NewObject,
    NewTagging,
    Tagging,
)
from pinakes.server.labeling.problems import Places, still_there
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission


async def add(tx: Tx, actor: Actor, dataset_id: int, new: Sequence[NewObject]) -> list[int]:
    """Add objects to a dataset or to items in it, all or none; returns their ids, in their order.

    Raises:
        DatasetNotFound, MediaNotFound: the actor does not see the dataset, or an item in it.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label there.
        Invalid: what is wrong with one, and where it stands.
    """
    right = await access.require_dataset(tx, actor, dataset_id)
    _not_too_many(len(new))
    if not new:
        return []
    items = await _items_of(tx, actor, right, new)
    places, objects, labels, tags = Places(), list[object](), list[object](), list[object]()
    for n, one in enumerate(new):
        where = f"objects[{n}]"
        places.labels.append(where)
        labels.append(_class_of(one, n, where))
        objects.append(_row(one, n, where))
        add_tags(one.tags, n, where, tags, places)
    written = {"labels": _written(labels), "tags": _written(tags)}
    class_ids, tag_ids = await resolve(tx, right.project_id, written, places)
    await tx.patiently_for(len(new))
    with still_there():
        made = await tx.rows(
            SQL.add_objects,
            project_id=right.project_id,
            dataset_id=dataset_id,
            objects=_written(objects),
            tags=written["tags"],
            class_ids=class_ids,
            tag_ids=tag_ids,
            user_id=actor.user_id,
        )
    await access.go_on(tx, actor, items)
    return [row[0] for row in made]


async def get(tx: Tx, actor: Actor, object_id: int) -> LabelObject:
    """Return an object.

    Raises:
        LabelNotFound: there is none that the actor sees.
    """
    found = await get_many(tx, actor, [object_id])
    if not found:
        raise LabelNotFound
    return found[0]


async def get_many(tx: Tx, actor: Actor, object_ids: Sequence[int]) -> list[LabelObject]:
    """Return those of some objects that the actor sees, by their numbers."""
    _not_too_many(len(object_ids))
    found = await tx.all(SQL.objects_by_id, LabelObject, ids=checks.ids(object_ids))
    seen = await _seen(tx, actor, found)
    await give_object_tags(tx, seen)
    await hiding.from_labels(tx, actor, seen)
    return seen


async def page(
    tx: Tx,
    actor: Actor,
    *,
    dataset_id: int | None = None,
    item_ids: Sequence[int] | None = None,
    limit: int = 1000,
    offset: int = 0,
    cursor: str | None = None,
) -> Page[LabelObject]:
    """List the objects of items, or of a dataset; of items that the actor does not see there are none.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Invalid: the limit or cursor can't be, or neither items nor a dataset are named.
    """
    asked: dict[str, object] = {
        "after": decode_cursor(cursor, int)[0] if cursor else 0,
        "limit": checks.limit(limit) + 1,
        "offset": min(max(offset, 0), checks.LAST_ID),
        "user_id": actor.user_id,
    }
    if item_ids is not None:
        rights = await access.visible(tx, actor, item_ids)
        only_own = [right.item_id for right in rights if right.only_own]
        ids = [right.item_id for right in rights]
        rows = await tx.all(SQL.objects_of_items, LabelObject, ids=ids, only_own=only_own, **asked)
    elif dataset_id is not None:
        right = await access.require_dataset(tx, actor, dataset_id)
        who = {"worker": sight(actor).worker, "reads": right.reads, "blind": right.blind}
        rows = await tx.all(SQL.objects_in_dataset, LabelObject, dataset_id=dataset_id, **who, **asked)
    else:
        message = "Name a dataset, or items."
        raise Invalid(message, field="dataset")
    found = cut(rows, limit, lambda one: (one.id,))
    await give_object_tags(tx, found.rows)
    await hiding.from_labels(tx, actor, found.rows)
    return found


async def count(tx: Tx, actor: Actor, *, dataset_id: int | None = None, item_ids: Sequence[int] | None = None) -> int:
    """Say how many objects `page` lists in all.

    Raises:
        DatasetNotFound, Invalid: see `page`.
    """
    if item_ids is not None:
        rights = await access.visible(tx, actor, item_ids)
        only_own = [right.item_id for right in rights if right.only_own]
        ids = [right.item_id for right in rights]
        return await tx.value(SQL.count_objects_of_items, ids=ids, only_own=only_own, user_id=actor.user_id)
    if dataset_id is None:
        message = "Name a dataset, or items."
        raise Invalid(message, field="dataset")
    right = await access.require_dataset(tx, actor, dataset_id)
    who = {"worker": sight(actor).worker, "reads": right.reads, "blind": right.blind, "user_id": actor.user_id}
    return await tx.value(SQL.count_objects_in_dataset, dataset_id=dataset_id, **who)


async def remove(tx: Tx, actor: Actor, object_ids: Sequence[int]) -> int:
    """Remove those of some objects that the actor sees, with their figures, and say how many.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
    """
    found = await get_many(tx, actor, object_ids)
    if not found:
        return 0
    ids = [one.id for one in found]
    await tx.run(SQL.hold_objects, ids=ids)
    figures = await tx.rows(SQL.figures_of_objects, ids=ids)
    items = sorted({one.item_id for one in found if one.item_id is not None} | {row[1] for row in figures})
    await access.require_labeling(tx, actor, items)
    for dataset_id in sorted({one.dataset_id for one in found if one.item_id is None}):
        _require_labels(actor, await access.require_dataset(tx, actor, dataset_id))
    figures = await tx.rows(SQL.figures_of_objects, ids=ids)
    await tx.value(SQL.remove_figures, ids=[row[0] for row in figures], user_id=actor.user_id)
    await access.go_on(tx, actor, items)
    return await tx.run(SQL.delete_objects, ids=ids)


async def hold_seen(tx: Tx, actor: Actor, object_ids: Sequence[int]) -> list[ItemRight]:
    """Hold the items of objects, all of which the actor may change; of one without an item there is only its dataset.

    Raises:
        LabelNotFound: he sees some not.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
    """
    found = await get_many(tx, actor, object_ids)
    if len(found) < len(set(object_ids)):
        raise LabelNotFound
    items = sorted({one.item_id for one in found if one.item_id is not None})
    rights = await access.require_labeling(tx, actor, items) if items else []
    for dataset_id in sorted({one.dataset_id for one in found if one.item_id is None}):
        right = await access.require_dataset(tx, actor, dataset_id)
        _require_labels(actor, right)
        where = (right.project_id, dataset_id, right.owner_id, right.visibility)
        rights.append(ItemRight(0, "dataset", *where, labels=True, only_own=right.blind))
    return rights


async def require_unchanged(
    tx: Tx, actor: Actor, item_id: int, dataset_id: int, wanted: Sequence[tuple[int | None, NewObject]]
) -> None:
    """Raise unless those objects of a call that have a number are an item's, or its dataset's, and as the call says.

    Raises:
        Invalid: one is not there, or is another than the call says; which, by its place among them.
    """
    numbers = [number for number, _ in wanted if number is not None]
    known = {one.id: one for one in await get_many(tx, actor, numbers)} if numbers else {}
    for at, (number, said) in enumerate(wanted):
        if number is None:
            continue
        one = known.get(number)
        if one is None or one.item_id not in {item_id, None} or one.dataset_id != dataset_id:
            message = f"The item has no object {number}; without an id, one is added."
            raise Invalid(message, field=f"objects[{at}].id")
        if not _is_as_said(one, said):
            message = f"Object {number} is there already, and stays as it is: send it as it is read, or leave it out."
            raise Invalid(message, field=f"objects[{at}]")


def _is_as_said(one: LabelObject, said: NewObject) -> bool:
    named = said.class_name == one.class_name if said.class_name else said.class_id == one.class_id
    described = (said.description, dict(said.meta)) == (one.description, one.meta)
    return named and described and _values_of(said.tags) == _values_of(one.tags)


def _values_of(tags: Sequence[Tagging | NewTagging]) -> list[tuple[object, ...]]:
    return sorted(((tag.name, tag.value, tag.frame_from, tag.frame_to) for tag in tags), key=str)


async def _items_of(tx: Tx, actor: Actor, right: DatasetRight, new: Sequence[NewObject]) -> list[int]:
    """Hold the items of new objects, which are in the dataset; without one they are the dataset's."""
    items = list(dict.fromkeys(one.item_id for one in new if one.item_id is not None))
    if any(one.item_id is None for one in new):
        _require_labels(actor, right)
    rights = await access.require_labeling(tx, actor, items) if items else []
    elsewhere = [one.item_id for one in rights if one.dataset_id != right.dataset_id]
    if elsewhere:
        message = f"The item {elsewhere[0]} is in another dataset."
        raise Invalid(message, field="item_id")
    return items


def _require_labels(actor: Actor, right: DatasetRight) -> None:
    """Refuse who may not label in a dataset; who has a job there may: point clouds share the objects of theirs."""
    if not right.reads:
        access.require_scope(actor)
    else:
        require(actor, Permission.LABEL_WRITE, owner_id=right.owner_id, visibility="public", missing=MediaNotFound)


async def _seen(tx: Tx, actor: Actor, found: Sequence[LabelObject]) -> list[LabelObject]:
    items = {one.item_id for one in found if one.item_id is not None}
    rights = {right.item_id: right for right in await access.visible(tx, actor, items)}
    datasets = await _datasets_seen(tx, actor, {one.dataset_id for one in found if one.item_id is None})
    seen: list[LabelObject] = []
    for one in found:
        hidden = rights[one.item_id].only_own if one.item_id in rights else datasets.get(one.dataset_id, False)
        there = one.item_id in rights if one.item_id is not None else one.dataset_id in datasets
        if there and (not hidden or one.created_by == actor.user_id):
            seen.append(one)
    return seen


async def _datasets_seen(tx: Tx, actor: Actor, ids: set[int]) -> dict[int, bool]:
    """Return those of some datasets that the actor sees, and whether he works blind there."""
    seen: dict[int, bool] = {}
    for dataset_id in sorted(ids):
        right = await access.find_dataset(tx, actor, dataset_id)
        if right is not None:
            seen[dataset_id] = right.blind
    return seen


def _class_of(one: NewObject, n: int, where: str) -> dict[str, object]:
    """Return what an object says of its class, as the database takes it."""
    if one.class_name:
        return {"n": n, "class": one.class_name}
    if one.class_id is not None:
        return {"n": n, "class_id": checks.number(one.class_id, f"{where}.class_id")}
    message = "An object has a class, by name or number."
    raise Invalid(message, field=f"{where}.class")


def _row(one: NewObject, n: int, where: str) -> dict[str, object]:
    return {
        "n": n,
        "item_id": one.item_id,
        "description": checks.text(one.description, f"{where}.description"),
        "meta": checks.json_object(dict(one.meta), f"{where}.meta"),
    }


def _written(rows: Sequence[object]) -> str:
    return checks.written(rows, "objects").decode()


def _not_too_many(how_many: int) -> None:
    if how_many > checks.MOST:
        message = f"A call takes at most {checks.MOST} objects."
        raise Invalid(message, field="objects")
