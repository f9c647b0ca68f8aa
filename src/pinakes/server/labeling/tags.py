"""The tags that a project knows: listed, added, changed and removed. Putting them on something is in `tagging.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, json
from pinakes.server.errors import Invalid, LabelTagNotFound, ProjectNotFound
from pinakes.server.events.service import record
from pinakes.server.labeling import label_checks as checks
from pinakes.server.labeling.access import SQL, require_project, require_project_writing
from pinakes.server.labeling.classes import admit
from pinakes.server.labeling.label_types import LabelTag, NewTag, TagChanges


async def list_tags(tx: Tx, actor: Actor, project_id: int) -> list[LabelTag]:
    """List the tags of a project, in the order in which they were made.

    Raises:
        ProjectNotFound: there is none for the actor.
    """
    await require_project(tx, actor, project_id)
    return await tx.all(SQL.tags, LabelTag, project_id=project_id)


async def get(tx: Tx, actor: Actor, tag_id: int) -> LabelTag:
    """Return a tag.

    Raises:
        LabelTagNotFound: there is none for the actor.
    """
    found = await tx.one(SQL.tag_by_id, LabelTag, id=tag_id) if checks.ids([tag_id]) else None
    if found is None:
        raise LabelTagNotFound
    try:
        await require_project(tx, actor, found.project_id)
    except ProjectNotFound as error:
        raise LabelTagNotFound from error
    return found


async def add(tx: Tx, actor: Actor, project_id: int, new: Sequence[NewTag]) -> list[LabelTag]:
    """Add tags to a project, all or none, and return them in their order.

    Raises:
        ProjectNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change the project.
        NameTaken: (details `errors`: name and id of each) the project has tags of those names.
        Invalid: a value can't be.
    """
    right = await require_project_writing(tx, actor, project_id)
    there = await tx.all(SQL.tags, LabelTag, project_id=project_id)
    rows = [checks.label_tag(value, len(there) + at) for at, value in enumerate(new)]
    admit(rows, {one.name: one.id for one in there}, "tags")
    made = await tx.all(SQL.insert_tags, LabelTag, project_id=project_id, rows=json(rows))
    after = {"tags": [row["name"] for row in rows[:100]], "count": len(rows)}
    await record(tx, actor, "tags.added", account_id=right.owner_id, item_id=project_id, after=after)
    return sorted(made, key=lambda one: one.id)


async def edit(tx: Tx, actor: Actor, tag_id: int, changes: TagChanges) -> LabelTag:
    """Give a tag new values.

    Raises:
        LabelTagNotFound: there is none for the actor.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not change the project.
        NameTaken: the project has another tag of that name.
        Invalid: a value can't be, or there are labels whose value would no longer be one of its choices.
    """
    before = await get(tx, actor, tag_id)
    right = await require_project_writing(tx, actor, before.project_id)
    before = await get(tx, actor, tag_id)
    given = {key: value for key, value in asdict(changes).items() if value is not None}
    wanted = NewTag(**{key: value for key, value in (asdict(before) | given).items() if key in _FIELDS})
    row = checks.label_tag(wanted, 0)
    changed = {key: value for key, value in row.items() if getattr(before, key) != value}
    if not changed:
        return before
    if "name" in changed:
        there = await tx.all(SQL.tags, LabelTag, project_id=before.project_id)
        admit([row], {one.name: one.id for one in there if one.id != tag_id}, "tags")
    await write(tx, before.project_id, [row])
    await record(
        tx,
        actor,
        "tag.changed",
        account_id=right.owner_id,
        item_id=before.project_id,
        before={"tag": tag_id, **{key: getattr(before, key) for key in changed}},
        after={"tag": tag_id, **changed},
    )
    return await get(tx, actor, tag_id)


async def remove(tx: Tx, actor: Actor, project_id: int, tag_ids: Sequence[int]) -> int:
    """Remove tags of a project, from all that has them too, and say how many the project had.

    Raises:
        ProjectNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change the project.
    """
    right = await require_project_writing(tx, actor, project_id)
    names = await take_away(tx, project_id, checks.ids(tag_ids))
    if names:
        before = {"tags": names[:100], "count": len(names)}
        await record(tx, actor, "tags.removed", account_id=right.owner_id, item_id=project_id, before=before)
    return len(names)


async def take_away(tx: Tx, project_id: int, ids: list[int]) -> list[str]:
    """Remove tags of a project that is held; returns their names."""
    if not ids:
        return []
    await tx.patiently()
    return [row[0] for row in await tx.rows(SQL.delete_tags, project_id=project_id, ids=ids)]


async def write(tx: Tx, project_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new values of tags of a project that is held.

    Raises:
        Invalid: (field `choices`) a value that was given would no longer fit.
    """
    if not rows:
        return
    wrong = await tx.rows(SQL.unfitting, rows=json(list(rows)))
    if wrong:
        called = next(row["name"] for row in rows if row["id"] == wrong[0][0])
        message = f"The tag {called!r} is in use with the value {wrong[0][1]!r}, which would no longer be one of its."
        raise Invalid(message, field="choices")
    await tx.run(SQL.set_aside_tag_names, ids=[row["id"] for row in rows])
    await tx.run(SQL.update_tags, project_id=project_id, rows=json(list(rows)))


_FIELDS = frozenset(NewTag.__dataclass_fields__)
