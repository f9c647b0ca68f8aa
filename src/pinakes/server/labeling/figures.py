"""Figures: geometries on items of any kind, one by one or by the thousand, with what each was before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, json
from pinakes.server.errors import FileNotFound, Invalid, LabelNotFound
from pinakes.server.labeling import access, hiding, label_checks as checks, limits
from pinakes.server.labeling.access import SQL
from pinakes.server.labeling.annotations import add_tags, give_tags
from pinakes.server.labeling.label_types import (
    Figure,
    FigureChanges,
    FigureVersion,
    GeometryFile,
    ItemRight,
    NewFigure,
    NewLabel,
)
from pinakes.server.labeling.problems import Places, still_there, told
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions.service import sight


async def add(tx: Tx, actor: Actor, new: Sequence[NewFigure]) -> list[int]:
    """Add figures to items of one project, all or none; returns their ids, in their order.

    Raises:
        MediaNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: see `require_labeling`.
        Invalid: what is wrong with one, and where it stands; or they are of several projects.
    """
    if not new:
        return []
    _not_too_many(len(new))
    items = list(dict.fromkeys(one.item_id for one in new))
    project_id = _only_project(await access.require_labeling(tx, actor, items))
    places, labels, tags = Places(), list[object](), list[object]()
    for n, one in enumerate(new):
        where = f"figures[{n}]"
        places.labels.append(where)
        labels.append(checks.label(one.label, n, one.item_id, where))
        add_tags(one.label.tags, n, where, tags, places)
    frames = [(one.item_id, checks.frame_of(one.label), at) for one, at in zip(new, places.labels, strict=True)]
    await _require_frames(tx, frames)
    written = {"labels": _written(labels), "tags": _written(tags)}
    class_ids, tag_ids = await resolve(tx, project_id, written, places)
    limited = await access.go_on(tx, actor, items)
    found = {"class_ids": class_ids, "tag_ids": tag_ids, "user_id": actor.user_id}
    await tx.patiently_for(len(new))
    with still_there():
        made: list[int] = await tx.value(SQL.add_labels, **written, **found)
    if limited:
        await limits.require_within(tx, actor, items, lambda _: "figures")
    return made


async def resolve(
    tx: Tx, project_id: int, written: dict[str, str], places: Places
) -> tuple[list[int] | None, list[int] | None]:
    """Find the classes and tags that labels of a project name.

    Raises:
        Invalid: there is none of that name, or the label does not fit it.
    """
    row = (await tx.rows(SQL.resolve_labels, project_id=project_id, **written))[0]
    problem, place, said, class_ids, tag_ids = row
    if problem is not None:
        raise told(problem, place, said or {}, places)
    return class_ids, tag_ids


async def get(tx: Tx, actor: Actor, figure_id: int) -> Figure:
    """Return a figure.

    Raises:
        LabelNotFound: there is none that the actor sees.
    """
    found = await get_many(tx, actor, [figure_id])
    if not found:
        raise LabelNotFound
    return found[0]


async def get_many(tx: Tx, actor: Actor, figure_ids: Sequence[int]) -> list[Figure]:
    """Return those of some figures that the actor sees, by their numbers."""
    _not_too_many(len(figure_ids))
    found = await tx.all(SQL.figures_by_id, Figure, ids=checks.ids(figure_ids))
    rights = {right.item_id: right for right in await access.visible(tx, actor, [one.item_id for one in found])}
    seen = [one for one in found if _seen(actor, rights.get(one.item_id), one.created_by)]
    await give_tags(tx, seen)
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
) -> Page[Figure]:
    """List the figures of items, or of a dataset, item by item; of items that the actor does not see there are none.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Invalid: the limit or cursor can't be, or neither items nor a dataset are named.
    """
    after_item, after = decode_cursor(cursor, int, int) if cursor else (0, 0)
    query, asked = SQL.figures_of_items, await _asked(tx, actor, dataset_id, item_ids)
    if "dataset_id" in asked:
        query = SQL.figures_in_dataset
    rows = await tx.all(
        query,
        Figure,
        **asked,
        after_item=after_item,
        after=after,
        limit=checks.limit(limit) + 1,
        offset=min(max(offset, 0), checks.LAST_ID),
    )
    found = cut(rows, limit, lambda one: (one.item_id, one.id))
    await give_tags(tx, found.rows)
    await hiding.from_labels(tx, actor, found.rows)
    return found


async def count(tx: Tx, actor: Actor, *, dataset_id: int | None = None, item_ids: Sequence[int] | None = None) -> int:
    """Say how many figures `page` lists in all.

    Raises:
        DatasetNotFound, Invalid: see `page`.
    """
    asked = await _asked(tx, actor, dataset_id, item_ids)
    if "dataset_id" not in asked:
        return await tx.value(SQL.count_figures_of_items, **asked)
    if asked["reads"] and not asked["blind"]:
        return await tx.value(SQL.sum_figures_in_dataset, dataset_id=dataset_id)
    return await tx.value(SQL.count_figures_in_dataset, **asked)


async def edit(tx: Tx, actor: Actor, figure_id: int, changes: FigureChanges) -> Figure:
    """Give a figure new values; what it was is kept in its history.

    Raises:
        LabelNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label its item.
        Invalid: a value can't be.
    """
    project_id = (await _hold(tx, actor, [figure_id]))[0].project_id
    before = await get(tx, actor, figure_id)
    places, tags = Places(), list[object]()
    label = _changed(before, changes)
    places.labels.append("figure")
    drawn = changes.geometry is not None or changes.geometry_type is not None
    row = checks.label(label, 0, before.item_id, "figure", drawn=drawn)
    await _require_frames(tx, [(before.item_id, checks.frame_of(changes), "figure")])
    add_tags(changes.tags or (), 0, "figure", tags, places)
    written = {"labels": _written([row]), "tags": _written(tags)}
    class_ids, tag_ids = await resolve(tx, project_id, written, places)
    await tx.run(SQL.remember_figures, ids=[figure_id], user_id=actor.user_id)
    with still_there():
        await tx.run(SQL.change_figure, **_values(figure_id, changes, class_ids), user_id=actor.user_id)
        if changes.tags is not None:
            asked = {"id": figure_id, "tags": written["tags"], "tag_ids": tag_ids, "user_id": actor.user_id}
            await tx.run(SQL.retag_figure, **asked)
    await tx.run(SQL.mark_labeled, ids=[before.item_id])
    if await access.go_on(tx, actor, [before.item_id]):
        await limits.require_within(tx, actor, [before.item_id], lambda _: "figure")
    return await get(tx, actor, figure_id)


async def set_priority(tx: Tx, actor: Actor, figure_id: int, priority: int) -> Figure:
    """Give a figure a place among those that lie over each other.

    Raises:
        LabelNotFound, Unauthenticated, Forbidden, ScopeTooNarrow, Invalid: see `edit`.
    """
    return await edit(tx, actor, figure_id, FigureChanges(priority=priority))


async def remove(tx: Tx, actor: Actor, figure_ids: Sequence[int]) -> int:
    """Remove those of some figures that the actor sees, and say how many; they are kept, and can be restored.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
    """
    rights, ids = await hold_seen(tx, actor, figure_ids)
    if not ids:
        return 0
    await access.go_on(tx, actor, [right.item_id for right in rights])
    return await tx.value(SQL.remove_figures, ids=ids, user_id=actor.user_id)


async def restore(tx: Tx, actor: Actor, figure_ids: Sequence[int]) -> list[int]:
    """Bring removed figures back as they were, and say which: those whose class and object are still there.

    Raises:
        LabelNotFound: there was no such figure that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
    """
    _not_too_many(len(figure_ids))
    ids = checks.ids(figure_ids)
    places = await tx.rows(SQL.places_of_removed_figures, ids=ids)
    there = {row[0] for row in await tx.rows(SQL.places_of_figures, ids=ids)}
    if len({row[0] for row in places} | there) < len(set(figure_ids)):
        raise LabelNotFound
    rights = await _labeled(tx, actor, [row[1] for row in places])
    if not all(_seen(actor, rights.get(row[1]), row[2]) for row in places):
        raise LabelNotFound
    with still_there():
        back = await tx.rows(SQL.restore_figures, ids=[row[0] for row in places], user_id=actor.user_id)
    return [row[0] for row in back]


async def attach_geometries(tx: Tx, actor: Actor, files: Sequence[tuple[int, bytes]]) -> None:
    """Give figures geometries that are files of their own, by the SHA-256 of what was uploaded before.

    Raises:
        LabelNotFound: the actor sees some not.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
        FileNotFound: the account knows no such file.
    """
    if not files:
        return
    by_figure = dict(files)
    rights = await _hold(tx, actor, list(by_figure))
    for account_id in sorted({right.owner_id for right in rights}):
        ids = [row[0] for row in await _on_items(tx, list(by_figure), rights, account_id)]
        hashes = [by_figure[one] for one in ids]
        known = {bytes(row[0]) for row in await tx.rows(SQL.known_files, account_id=account_id, hashes=hashes)}
        if any(one not in known for one in hashes):
            message = "There is no such file: upload it first."
            raise FileNotFound(message, field="geometry")
        await tx.run(SQL.remember_figures, ids=ids, user_id=actor.user_id)
        await tx.run(SQL.attach_files, ids=ids, hashes=hashes, user_id=actor.user_id)
    items = [right.item_id for right in rights]
    await tx.run(SQL.mark_labeled, ids=items)
    await access.go_on(tx, actor, items)


async def geometry_files(tx: Tx, actor: Actor, figure_ids: Sequence[int]) -> list[GeometryFile]:
    """Say where the geometries of figures are, in the order asked.

    Raises:
        LabelNotFound: the actor sees some not.
    """
    seen = {one.id for one in await get_many(tx, actor, figure_ids)}
    if any(one not in seen for one in figure_ids):
        raise LabelNotFound
    found = {one.figure_id: one for one in await tx.all(SQL.geometry_files, GeometryFile, ids=list(seen))}
    return [found[one] for one in figure_ids]


async def history(
    tx: Tx, actor: Actor, figure_id: int, *, limit: int = 100, cursor: str | None = None
) -> Page[FigureVersion]:
    """Read what a figure was before each change, newest first; of one that was removed too.

    Raises:
        LabelNotFound: there was none that the actor sees.
        Invalid: the limit or cursor can't be.
    """
    before = decode_cursor(cursor, datetime)[0] if cursor else None
    ids = checks.ids([figure_id])
    now = await tx.rows(SQL.places_of_figures, ids=ids)
    places = [row[1:] for row in now] or (await tx.rows(SQL.place_in_history, id=figure_id) if ids else [])
    rights = {right.item_id: right for right in await access.visible(tx, actor, [row[0] for row in places])}
    if not places or not _seen(actor, rights.get(places[0][0]), places[0][1]):
        raise LabelNotFound
    asked = {"id": figure_id, "before": before, "limit": checks.limit(limit) + 1}
    rows = await tx.all(SQL.figure_history, FigureVersion, **asked)
    rows = await hiding.from_versions(tx, actor, places[0][0], rows)
    return cut(rows, limit, lambda one: (one.until,))


async def _asked(tx: Tx, actor: Actor, dataset_id: int | None, item_ids: Sequence[int] | None) -> dict[str, object]:
    """Return what a listing of figures is asked for."""
    if item_ids is not None:
        _not_too_many(len(item_ids))
        rights = await access.visible(tx, actor, item_ids)
        if dataset_id is not None:
            rights = [right for right in rights if right.dataset_id == dataset_id]
        only_own = [right.item_id for right in rights if right.only_own]
        return {"ids": [right.item_id for right in rights], "only_own": only_own, "user_id": actor.user_id}
    if dataset_id is None:
        message = "Name a dataset, or items."
        raise Invalid(message, field="dataset")
    right = await access.require_dataset(tx, actor, dataset_id)
    who = {"worker": sight(actor).worker, "user_id": actor.user_id}
    return {"dataset_id": dataset_id, "reads": right.reads, "blind": right.blind, **who}


async def _hold(tx: Tx, actor: Actor, figure_ids: Sequence[int]) -> list[ItemRight]:
    """Hold the items of figures, all of which the actor may change.

    Raises:
        LabelNotFound: he sees some not.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
    """
    rights, ids = await hold_seen(tx, actor, figure_ids)
    if len(ids) < len(set(figure_ids)):
        raise LabelNotFound
    return rights


async def hold_seen(tx: Tx, actor: Actor, figure_ids: Sequence[int]) -> tuple[list[ItemRight], list[int]]:
    """Hold the items of those of some figures that the actor sees; returns them, and those figures' numbers.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label an item of theirs.
    """
    _not_too_many(len(figure_ids))
    places = await tx.rows(SQL.places_of_figures, ids=checks.ids(figure_ids))
    rights = await _labeled(tx, actor, [row[1] for row in places])
    seen = [row for row in places if _seen(actor, rights.get(row[1]), row[2])]
    return [rights[item_id] for item_id in sorted({row[1] for row in seen})], [row[0] for row in seen]


async def _labeled(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> dict[int, ItemRight]:
    """Hold items that the actor may label; those that he does not see are left out."""
    ids = sorted(set(item_ids))
    await tx.run(SQL.hold_items, ids=ids)
    seen = [right.item_id for right in await access.visible(tx, actor, ids)]
    rights = await access.require_labeling(tx, actor, seen, hold=False) if seen else []
    return {right.item_id: right for right in rights}


async def _on_items(
    tx: Tx, figure_ids: Sequence[int], rights: Sequence[ItemRight], account_id: int
) -> list[tuple[Any, ...]]:
    """Return those of some figures that lie on items of an account."""
    theirs = {right.item_id for right in rights if right.owner_id == account_id}
    return [row for row in await tx.rows(SQL.places_of_figures, ids=list(figure_ids)) if row[1] in theirs]


async def _require_frames(tx: Tx, wanted: Sequence[tuple[int, int | None, str]]) -> None:
    """Raise where a figure of an item, at that place of the call, is of a frame that its video does not have.

    Raises:
        Invalid: there is no such frame.
    """
    framed = [(item_id, frame, place) for item_id, frame, place in wanted if frame is not None]
    lengths = await access.video_lengths(tx, {item_id for item_id, _, _ in framed})
    for item_id, frame, place in framed:
        checks.within(frame, lengths.get(item_id), place)


def _changed(before: Figure, changes: FigureChanges) -> NewLabel:
    """Return a figure with its changes as a label, to be looked at as one."""
    return NewLabel(
        geometry_type=changes.geometry_type or before.geometry_type,
        geometry=changes.geometry if changes.geometry is not None else before.geometry,
        class_name=changes.class_name,
        class_id=changes.class_id or before.class_id,
        object_id=before.object_id,
        description=changes.description or "",
        meta=changes.meta or {},
        extras=changes.extras or {},
        frame=changes.frame,
        track_id=changes.track_id,
        priority=changes.priority,
    )


def _values(figure_id: int, changes: FigureChanges, class_ids: list[int] | None) -> dict[str, object]:
    """Return the new values of a figure, as the query takes them."""
    return {
        "id": figure_id,
        "class_id": class_ids[0] if class_ids else None,
        "geometry_type": changes.geometry_type,
        "geometry": None if changes.geometry is None else json(changes.geometry),
        "frame": changes.frame,
        "meta": None if changes.meta is None else json(changes.meta),
        "description": changes.description,
        "extras": None if changes.extras is None else json(changes.extras),
        "track_id": changes.track_id,
        "priority": changes.priority,
        "nn_created": changes.nn_created,
        "nn_updated": changes.nn_updated,
    }


def _seen(actor: Actor, right: ItemRight | None, created_by: int | None) -> bool:
    """Tell whether an actor sees a figure of that author on an item that he has that right to."""
    return right is not None and (not right.only_own or created_by == actor.user_id)


def _only_project(rights: Sequence[ItemRight]) -> int:
    projects = {right.project_id for right in rights}
    if len(projects) != 1:
        message = "A call adds figures to the items of one project."
        raise Invalid(message, field="figures")
    return projects.pop()


def _not_too_many(how_many: int) -> None:
    if how_many > checks.MOST:
        message = f"A call takes at most {checks.MOST}."
        raise Invalid(message, field="figures")


def _written(rows: Sequence[object]) -> str:
    plain = checks.written(rows, "figures")
    if len(plain) > checks.LARGEST_CALL:
        message = f"A call takes {checks.LARGEST_CALL // 1024**2} MiB of labels at most; send it in parts."
        raise Invalid(message, field="figures")
    return plain.decode()
