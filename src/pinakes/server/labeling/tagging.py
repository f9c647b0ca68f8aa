"""Tags on items, objects and figures: put on, changed, taken away and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, LabelNotFound
from pinakes.server.events.service import record
from pinakes.server.labeling import access, figures, hiding, label_checks as checks, limits, objects
from pinakes.server.labeling.access import SQL
from pinakes.server.labeling.label_types import ItemRight, NewTagged, NewTagging, Tagging
from pinakes.server.labeling.problems import Places, still_there


async def add(tx: Tx, actor: Actor, new: Sequence[NewTagged]) -> list[int]:
    """Put tags on items, objects and figures of one project, all or none; returns the ids of the taggings, in order.

    A tag that stands on the same thing with the same value and frames already stays, and its id is returned.

    Raises:
        MediaNotFound, LabelNotFound: the actor does not see what one is to stand on.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label there.
        Invalid: what is wrong with one, and where it stands.
    """
    if not new:
        return []
    _not_too_many(len(new))
    project_id, account_id, items = await _hold(tx, actor, new)
    places, rows = Places(), list[object]()
    for k, one in enumerate(new):
        where = f"tags[{k}]"
        places.tags.append(where)
        tag = NewTagging(one.name, one.value, one.tag_id, one.frame_from, one.frame_to, one.extras)
        rows.append(checks.tagging(tag, k, -1, where) | _thing(one, where))
    tags = checks.written(rows, "tags").decode()
    _, tag_ids = await figures.resolve(tx, project_id, {"labels": "[]", "tags": tags}, places)
    await tx.patiently_for(len(new))
    with still_there():
        made = await tx.rows(SQL.add_taggings, tags=tags, tag_ids=tag_ids, user_id=actor.user_id)
    await tx.run(SQL.mark_labeled, ids=items)
    if await access.go_on(tx, actor, items):
        await limits.require_within(tx, actor, items, lambda _: "tags")
    fresh = len({row[0] for row in made if row[1]})
    if fresh:
        after = {"tags": sorted(set(tag_ids or ()))[:100], "count": fresh}
        await record(tx, actor, "tags.put", account_id=account_id, item_id=project_id, after=after)
    return [row[0] for row in made]


async def get(tx: Tx, actor: Actor, tagging_id: int) -> Tagging:
    """Return a tag on something.

    Raises:
        LabelNotFound: there is none that the actor sees.
    """
    found = await tx.one(SQL.taggings_by_id, Tagging, ids=checks.ids([tagging_id]))
    if found is None or not await _is_seen(tx, actor, found):
        raise LabelNotFound
    places = await tx.rows(SQL.places_of_taggings, ids=[found.id])
    await hiding.from_tags(tx, actor, {row[1]: [found] for row in places if row[1] is not None})
    return found


async def set_value(tx: Tx, actor: Actor, tagging_id: int, value: object) -> Tagging:
    """Give a tag on something another value.

    Raises:
        LabelNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label there.
        Invalid: the value does not fit the tag.
    """
    before = await get(tx, actor, tagging_id)
    return await _change(tx, actor, before, value, before.frame_from, before.frame_to)


async def set_frames(tx: Tx, actor: Actor, tagging_id: int, first: int | None, last: int | None) -> Tagging:
    """Let a tag on something hold for other frames.

    Raises:
        LabelNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: see `set_value`.
        Invalid: they are no frames.
    """
    before = await get(tx, actor, tagging_id)
    return await _change(tx, actor, before, before.value, first, last)


async def remove(tx: Tx, actor: Actor, tagging_ids: Sequence[int]) -> int:
    """Take away those of some tags on things that the actor sees, and say how many.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not label there.
    """
    _not_too_many(len(tagging_ids))
    found = await tx.all(SQL.taggings_by_id, Tagging, ids=checks.ids(tagging_ids))
    seen = [one for one, there in zip(found, await _seen(tx, actor, found), strict=True) if there]
    if not seen:
        return 0
    targets = [NewTagged(item_id=one.item_id, object_id=one.object_id, figure_id=one.figure_id) for one in seen]
    project_id, account_id, items = await _hold(tx, actor, targets)
    return await _take_away(tx, actor, [one.id for one in seen], items, project_id, account_id)


async def remove_from_items(tx: Tx, actor: Actor, tag_ids: Sequence[int], item_ids: Sequence[int]) -> int:
    """Take tags, whatever their values, from items, and say how many there were.

    Raises:
        MediaNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: see `require_labeling`.
        Invalid: the items are of several projects.
    """
    if not item_ids:
        return 0
    _not_too_many(len(item_ids))
    rights = await access.require_labeling(tx, actor, item_ids)
    project_id, account_id = _one_project(rights)
    own = {right.item_id for right in rights if right.only_own}
    items = [right.item_id for right in rights]
    rows = await tx.rows(SQL.taggings_on_items, tag_ids=checks.ids(tag_ids), items=items)
    ids = [row[0] for row in rows if row[1] not in own or row[2] == actor.user_id]
    return await _take_away(tx, actor, ids, items, project_id, account_id)


async def of_items(tx: Tx, actor: Actor, item_ids: Sequence[int]) -> dict[int, list[Tagging]]:
    """Return the tags of those of some items that the actor sees."""
    rights = await access.visible(tx, actor, item_ids)
    found: dict[int, list[Tagging]] = {right.item_id: [] for right in rights}
    only_own = [right.item_id for right in rights if right.only_own]
    asked = {"ids": list(found), "only_own": only_own, "user_id": actor.user_id}
    for tag in await tx.all(SQL.tags_of_items, Tagging, **asked):
        if tag.item_id is not None:
            found[tag.item_id].append(tag)
    await hiding.from_tags(tx, actor, found)
    return found


async def of_figures(tx: Tx, actor: Actor, figure_ids: Sequence[int]) -> dict[int, list[Tagging]]:
    """Return the tags of those of some figures that the actor sees."""
    return {one.id: one.tags for one in await figures.get_many(tx, actor, figure_ids)}


async def _hold(tx: Tx, actor: Actor, things: Sequence[NewTagged]) -> tuple[int, int, list[int]]:
    """Hold the items that things are, or are on; returns their project, its owner, and the items."""
    for k, one in enumerate(things):
        if sum(named is not None for named in (one.item_id, one.object_id, one.figure_id)) != 1:
            message = "A tag is put on one thing: an item, an object or a figure."
            raise Invalid(message, field=f"tags[{k}]")
    own = list(dict.fromkeys(one.item_id for one in things if one.item_id is not None))
    rights = await access.require_labeling(tx, actor, own) if own else []
    shown = list(dict.fromkeys(one.figure_id for one in things if one.figure_id is not None))
    if shown:
        more, seen = await figures.hold_seen(tx, actor, shown)
        if len(seen) < len(shown):
            raise LabelNotFound
        rights = [*rights, *more]
    there = {one.object_id for one in things if one.object_id is not None}
    if there:
        rights = [*rights, *await objects.hold_seen(tx, actor, sorted(there))]
    project_id, account_id = _one_project(rights)
    return project_id, account_id, sorted({right.item_id for right in rights if right.item_id})


async def _change(tx: Tx, actor: Actor, before: Tagging, value: object, first: int | None, last: int | None) -> Tagging:
    target = NewTagged(item_id=before.item_id, object_id=before.object_id, figure_id=before.figure_id)
    project_id, account_id, items = await _hold(tx, actor, [target])
    places = Places()
    places.tags.append("tag")
    tag = NewTagging(value=value, tag_id=before.tag_id, frame_from=first, frame_to=last)
    row = checks.tagging(tag, 0, -1, "tag")
    tags = checks.written([row], "tag").decode()
    await figures.resolve(tx, project_id, {"labels": "[]", "tags": tags}, places)
    if before.figure_id is not None:
        await tx.run(SQL.remember_figures, ids=[before.figure_id], user_id=actor.user_id)
    new_value = None if row["value"] is None else checks.written(row["value"], "value").decode()
    asked = {"id": before.id, "value": new_value, "frame_from": first, "frame_to": last}
    await tx.run(SQL.change_tagging, **asked)
    await tx.run(SQL.mark_labeled, ids=items)
    await access.go_on(tx, actor, items)
    told = {"tag": before.tag_id, "value": before.value}, {"tag": before.tag_id, "value": row["value"]}
    await record(tx, actor, "tag.reset", account_id=account_id, item_id=project_id, before=told[0], after=told[1])
    return await get(tx, actor, before.id)


async def _take_away(tx: Tx, actor: Actor, ids: list[int], items: list[int], project_id: int, account_id: int) -> int:
    """Take tags away from things whose items are held."""
    shown = [row[3] for row in await tx.rows(SQL.places_of_taggings, ids=ids) if row[3] is not None]
    if shown:
        await tx.run(SQL.remember_figures, ids=sorted(set(shown)), user_id=actor.user_id)
    gone = await tx.run(SQL.delete_taggings, ids=ids)
    await tx.run(SQL.mark_labeled, ids=items)
    await access.go_on(tx, actor, items)
    if gone:
        before = {"count": gone}
        await record(tx, actor, "tags.taken", account_id=account_id, item_id=project_id, before=before)
    return gone


async def _is_seen(tx: Tx, actor: Actor, one: Tagging) -> bool:
    return (await _seen(tx, actor, [one]))[0]


async def _seen(tx: Tx, actor: Actor, found: Sequence[Tagging]) -> list[bool]:
    """Tell of each of some tags whether the actor sees what it stands on, and it."""
    items = {one.item_id for one in found if one.item_id is not None}
    own = {right.item_id: right.only_own for right in await access.visible(tx, actor, items)}
    wanted = [one.figure_id for one in found if one.figure_id is not None]
    shown = {one.id for one in await figures.get_many(tx, actor, wanted)} if wanted else set[int]()
    held = [one.object_id for one in found if one.object_id is not None]
    there = {one.id for one in await objects.get_many(tx, actor, held)} if held else set[int]()
    return [
        one.figure_id in shown
        or one.object_id in there
        or (one.item_id in own and (not own[one.item_id] or one.created_by == actor.user_id))
        for one in found
    ]


def _thing(one: NewTagged, where: str) -> dict[str, Any]:
    """Return what a tag is to stand on, as the database takes it."""
    named = {"item_id": one.item_id, "object_id": one.object_id, "figure_id": one.figure_id}
    return {key: checks.number(value, f"{where}.{key}") for key, value in named.items() if value is not None}


def _one_project(rights: Sequence[ItemRight]) -> tuple[int, int]:
    found = {(right.project_id, right.owner_id) for right in rights}
    if len(found) != 1:
        message = "A call is about one project."
        raise Invalid(message, field="tags")
    return found.pop()


def _not_too_many(how_many: int) -> None:
    if how_many > checks.MOST:
        message = f"A call takes at most {checks.MOST}."
        raise Invalid(message, field="tags")
