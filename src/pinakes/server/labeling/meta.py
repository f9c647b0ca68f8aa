"""A project's classes and tags as a whole: read, and replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from pinakes.server.actor import Actor
from pinakes.server.collections.rules import fields
from pinakes.server.db import Tx, json
from pinakes.server.errors import Invalid
from pinakes.server.events.service import record
from pinakes.server.labeling import classes as class_verbs, label_checks as checks, tags as tag_verbs
from pinakes.server.labeling.access import SQL, require_project, require_project_writing
from pinakes.server.labeling.label_types import LabelClass, LabelTag, Meta, NewClass, NewTag, ProjectRight


class _Named(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)

_TOLD = 100


async def get(tx: Tx, actor: Actor, project_id: int) -> Meta:
    """Return the classes and tags of a project.

    Raises:
        ProjectNotFound: there is none for the actor.
    """
    return await _read(tx, await require_project(tx, actor, project_id))


async def replace(
    tx: Tx,
    actor: Actor,
    project_id: int,
    classes: Sequence[NewClass],
    tags: Sequence[NewTag],
    *,
    reason: str | None = None,
) -> Meta:
    """Give a project these classes and tags, and no others.

    What has the id of one that is there, or else its name, goes on being that one; an id that the project does not have
    counts as none. What is left out is removed, with the labels that are of it (their record stays).

    Raises:
        ProjectNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change the project.
        Invalid: a value can't be, a name is there twice, or labels that there are don't fit what is to be.
    """
    right = await require_project_writing(tx, actor, project_id)
    before = await _read(tx, right)
    wanted = _rows([checks.label_class(value, at, shaped=False) for at, value in enumerate(classes)], "classes")
    kept, fresh, gone = _matched(before.classes, wanted)
    _require_shapes(kept, wanted)
    wanted_tags = _rows([checks.label_tag(value, at) for at, value in enumerate(tags)], "tags")
    kept_tags, fresh_tags, gone_tags = _matched(before.tags, wanted_tags)
    _keep_colors(kept, classes, wanted)
    _keep_colors(kept_tags, tags, wanted_tags)
    changed = [row for old, row in kept if _differs(old, row)]
    changed_tags = [row for old, row in kept_tags if _differs(old, row)]
    await class_verbs.take_away(tx, actor, project_id, [one.id for one in gone])
    await tag_verbs.take_away(tx, project_id, [one.id for one in gone_tags])
    await class_verbs.write(tx, project_id, changed)
    await tag_verbs.write(tx, project_id, changed_tags)
    await tx.all(SQL.insert_classes, LabelClass, project_id=project_id, rows=json(fresh))
    await tx.all(SQL.insert_tags, LabelTag, project_id=project_id, rows=json(fresh_tags))
    after = {
        "classes": _summary(fresh, changed, gone),
        "tags": _summary(fresh_tags, changed_tags, gone_tags),
    }
    if any(any(part.values()) for part in after.values()):
        why = fields.reason(reason)
        await record(tx, actor, "meta.replaced", account_id=right.owner_id, item_id=project_id, after=after, reason=why)
    return await _read(tx, right)


async def _read(tx: Tx, right: ProjectRight) -> Meta:
    classes = await tx.all(SQL.classes, LabelClass, project_id=right.project_id)
    tags = await tx.all(SQL.tags, LabelTag, project_id=right.project_id)
    return Meta(right.project_id, right.data_type, classes, tags)


def _rows(rows: list[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    if len(rows) > checks.MOST_IN_PROJECT:
        message = f"A project has at most {checks.MOST_IN_PROJECT} {field}."
        raise Invalid(message, field=field)
    checks.different(rows, field)
    return rows


def _matched(
    there: Sequence[T], wanted: list[dict[str, Any]]
) -> tuple[list[tuple[T, dict[str, Any]]], list[dict[str, Any]], list[T]]:
    """Tell what stays (with its new values, which get its id), what is new, and what goes."""
    left = {one.id: one for one in there}
    kept: dict[int, T] = {}
    for at, row in enumerate(wanted):
        if row["id"] in left:
            kept[at] = left.pop(row["id"])
    by_name = {one.name: one.id for one in left.values()}
    for at, row in enumerate(wanted):
        if at not in kept and row["name"] in by_name:
            kept[at] = left.pop(by_name.pop(row["name"]))
    fresh = [row for at, row in enumerate(wanted) if at not in kept]
    for at, row in enumerate(wanted):
        row["id"] = kept[at].id if at in kept else None
    return [(kept[at], wanted[at]) for at in sorted(kept)], fresh, list(left.values())


def _require_shapes(kept: Sequence[tuple[LabelClass, dict[str, Any]]], wanted: Sequence[Mapping[str, Any]]) -> None:
    """Refuse shapes that there are not; a class may keep one that it had before our rules."""
    had = {old.id: old.shape for old, _ in kept}
    for at, row in enumerate(wanted):
        if row["shape"] != had.get(row["id"]):
            checks.shape(row["shape"], f"classes[{at}].shape")


def _keep_colors(
    kept: Sequence[tuple[LabelClass | LabelTag, dict[str, Any]]],
    given: Sequence[NewClass | NewTag],
    wanted: list[dict[str, Any]],
) -> None:
    """Leave a colour, and a class's settings, as they are where the caller says nothing of them."""
    said = {row["id"]: value for row, value in zip(wanted, given, strict=True)}
    for old, row in kept:
        value = said[old.id]
        if value.color is None:
            row["color"] = old.color
        if isinstance(old, LabelClass) and isinstance(value, NewClass) and not value.settings:
            row["settings"] = old.settings


def _differs(old: LabelClass | LabelTag, row: Mapping[str, Any]) -> bool:
    was = asdict(old)
    return any(was[key] != value for key, value in row.items())


def _summary(
    fresh: Sequence[Mapping[str, Any]], changed: Sequence[Mapping[str, Any]], gone: Sequence[T]
) -> dict[str, object]:
    """Return what the record says of a change, as far as it is not too long."""
    return {
        "added": [row["name"] for row in fresh[:_TOLD]],
        "changed": [row["name"] for row in changed[:_TOLD]],
        "removed": [one.name for one in gone[:_TOLD]],
    }
