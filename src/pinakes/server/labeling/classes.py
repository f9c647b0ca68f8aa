"""The classes of a project: listed, added, changed and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, json
from pinakes.server.errors import Invalid, LabelClassNotFound, NameTaken, ProjectNotFound
from pinakes.server.events.service import record
from pinakes.server.labeling import label_checks as checks
from pinakes.server.labeling.access import SQL, require_project, require_project_writing
from pinakes.server.labeling.label_types import ClassChanges, LabelClass, NewClass


async def list_classes(tx: Tx, actor: Actor, project_id: int) -> list[LabelClass]:
    """List the classes of a project, in the order in which they were made.

    Raises:
        ProjectNotFound: there is none for the actor.
    """
    await require_project(tx, actor, project_id)
    return await tx.all(SQL.classes, LabelClass, project_id=project_id)


async def get(tx: Tx, actor: Actor, class_id: int) -> LabelClass:
    """Return a class.

    Raises:
        LabelClassNotFound: there is none for the actor.
    """
    found = await tx.one(SQL.class_by_id, LabelClass, id=class_id) if checks.ids([class_id]) else None
    if found is None:
        raise LabelClassNotFound
    try:
        await require_project(tx, actor, found.project_id)
    except ProjectNotFound as error:
        raise LabelClassNotFound from error
    return found


async def add(tx: Tx, actor: Actor, project_id: int, new: Sequence[NewClass]) -> list[LabelClass]:
    """Add classes to a project, all or none, and return them in their order.

    Raises:
        ProjectNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change the project.
        NameTaken: (details `errors`: name and id of each) the project has classes of those names.
        Invalid: a value can't be.
    """
    right = await require_project_writing(tx, actor, project_id)
    there = await tx.all(SQL.classes, LabelClass, project_id=project_id)
    rows = [checks.label_class(value, len(there) + at) for at, value in enumerate(new)]
    admit(rows, {one.name: one.id for one in there}, "classes")
    made = await tx.all(SQL.insert_classes, LabelClass, project_id=project_id, rows=json(rows))
    after = {"classes": [row["name"] for row in rows[:100]], "count": len(rows)}
    await record(tx, actor, "classes.added", account_id=right.owner_id, item_id=project_id, after=after)
    return sorted(made, key=lambda one: one.id)


async def edit(tx: Tx, actor: Actor, class_id: int, changes: ClassChanges) -> LabelClass:
    """Give a class new values.

    Raises:
        LabelClassNotFound: there is none for the actor.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not change the project.
        NameTaken: the project has another class of that name.
        Invalid: a value can't be, or there are figures of another shape.
    """
    before = await get(tx, actor, class_id)
    right = await require_project_writing(tx, actor, before.project_id)
    before = await get(tx, actor, class_id)
    given = {key: value for key, value in asdict(changes).items() if value is not None}
    wanted = NewClass(**{key: value for key, value in (asdict(before) | given).items() if key in _FIELDS})
    row = checks.label_class(wanted, 0, shaped=wanted.shape != before.shape)
    changed = {key: value for key, value in row.items() if getattr(before, key) != value}
    if not changed:
        return before
    if "name" in changed:
        there = await tx.all(SQL.classes, LabelClass, project_id=before.project_id)
        admit([row], {one.name: one.id for one in there if one.id != class_id}, "classes")
    await write(tx, before.project_id, [row])
    names = {"name": before.name, "new_name": row["name"]}
    await tx.run(SQL.rename_class_in_tags, project_id=before.project_id, **names)
    await record(
        tx,
        actor,
        "class.changed",
        account_id=right.owner_id,
        item_id=before.project_id,
        before={"class": class_id, **{key: getattr(before, key) for key in changed}},
        after={"class": class_id, **changed},
    )
    return await get(tx, actor, class_id)


async def remove(tx: Tx, actor: Actor, project_id: int, class_ids: Sequence[int]) -> int:
    """Remove classes of a project with the labels that are of them, and say how many classes it had.

    Raises:
        ProjectNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change the project.
    """
    right = await require_project_writing(tx, actor, project_id)
    there = {one.id for one in await tx.all(SQL.classes, LabelClass, project_id=project_id)}
    names, figures = await take_away(tx, actor, project_id, [one for one in checks.ids(class_ids) if one in there])
    if names:
        before = {"classes": names[:100], "count": len(names), "figures": figures}
        await record(tx, actor, "classes.removed", account_id=right.owner_id, item_id=project_id, before=before)
    return len(names)


async def take_away(tx: Tx, actor: Actor, project_id: int, ids: list[int]) -> tuple[list[str], int]:
    """Remove classes of a project that is held, with all that is of them; returns their names and how many figures."""
    if not ids:
        return [], 0
    await tx.patiently()
    await tx.run(SQL.hold_classes, ids=ids)
    await tx.run(SQL.hold_items_of_classes, ids=ids)
    figures = await tx.value(SQL.remove_figures_of_classes, ids=ids, user_id=actor.user_id)
    names = [row[0] for row in await tx.rows(SQL.delete_classes, project_id=project_id, ids=ids)]
    await tx.run(SQL.drop_class_from_tags, project_id=project_id, names=names)
    return names, figures


async def write(tx: Tx, project_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new values of classes of a project that is held.

    Raises:
        Invalid: (field `shape`) there are figures of another shape.
    """
    if not rows:
        return
    ids = [row["id"] for row in rows]
    wrong = await tx.rows(SQL.misshapen, ids=ids, shapes=[row["shape"] for row in rows])
    if wrong:
        called = next(row["name"] for row in rows if row["id"] == wrong[0][0])
        message = f"There are figures of the class {called!r} of type {wrong[0][1]}: its shape can be that, or any."
        raise Invalid(message, field="shape")
    await tx.run(SQL.set_aside_class_names, ids=ids)
    await tx.run(SQL.update_classes, project_id=project_id, rows=json(list(rows)))


def admit(rows: Sequence[Mapping[str, Any]], there: Mapping[str, int], field: str) -> None:
    """Refuse names that are there already, or twice, and more than a project can have.

    Raises:
        NameTaken: (details `errors`) they are taken.
        Invalid: one is there twice, or there are too many.
    """
    checks.different(rows, field)
    taken = [{"name": row["name"], "id": there[row["name"]]} for row in rows if row["name"] in there]
    if taken:
        message = f"The project has {taken[0]['name']!r} already."
        raise NameTaken(message, field="name", details={"errors": taken})
    if len(rows) + len(there) > checks.MOST_IN_PROJECT:
        message = f"A project has at most {checks.MOST_IN_PROJECT} {field}."
        raise Invalid(message, field=field)


_FIELDS = frozenset(NewClass.__dataclass_fields__)
