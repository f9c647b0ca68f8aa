"""The labels of whole items: saved, read and copied.

Saving is the most frequent of all that is done here, so it is one statement, however many figures there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, PinakesError
from pinakes.server.labeling import access, hiding, label_checks as checks, limits
from pinakes.server.labeling.access import SQL
from pinakes.server.labeling.label_types import (
    Annotation,
    Beyond,
    Figure,
    LabelObject,
    NewAnnotation,
    NewLabel,
    NewTagging,
    Planes,
    Saved,
    Sights,
    Tagging,
)
from pinakes.server.labeling.problems import Places, still_there, told
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions.service import sight

# An answer holds at most this many whole annotations.
MOST_AT_ONCE = 10_000

# So many columns of a whole annotation are the item's; the next says whether figures have tags, others are a figure's.
_OF_ITEM = 16
# What the database says of an annotation that it did not save, because a queue limits what its labeler may draw.
_LIMITED = "limited"
_NORMALS = {"sagittal": "x", "coronal": "y", "axial": "z"}


@dataclass(frozen=True, slots=True)
class Line:
    """One annotation of a call: as the database takes it, or why it can't be.

    Attributes:
        frames: Of the labels that are of a frame: which one, and where the label stands.
        place: Where the annotation stands in the call.
    """

    item_id: int
    written: str = ""
    places: Places | None = None
    error: PinakesError | None = None
    frames: Sequence[tuple[int, str]] = ()
    place: str = "annotations"

    def beyond(self, found: Beyond) -> str:
        """Say where it goes beyond what a queue allows: at the first label of the class, or the first one too many."""
        if found.what == "tags":
            return f"{self.place}.tags"
        labels = json.loads(self.written)["labels"]
        named = [at for at, label in enumerate(labels) if label.get("class") == found.found]
        at = (named or [0])[0] if found.what == "class" else min(found.most, len(labels) - 1)
        return f"{self.place}.labels[{at}]" + (".class" if named and found.what == "class" else "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the database says of one annotation."""

    item_id: int
    problem: str | None
    place: int | None
    said: dict[str, Any] | None
    figure_ids: list[int] | None


async def put(tx: Tx, actor: Actor, new: Sequence[NewAnnotation], *, atomic: bool = True) -> list[Saved]:
    """Give items these labels and tags, and no others; says of each which figures it has, in the order of its labels.

    A label with the id of a figure of the item goes on being that figure: where it is the same, its author and times
    stay. What changes or goes is kept in the history. Who labels in a blind queue replaces only what he made himself.

    Args:
        tx: The transaction that does it.
        actor: Who labels.
        new: The annotations, one for an item.
        atomic: All or none: the first that is refused is raised. Else each is saved or refused by itself.

    Raises:
        Invalid: an item is there twice; where it is all or none, also what is wrong with a label, and where it stands.
        MediaNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: (all or none) what `require_labeling` says.
    """
    if len({one.item_id for one in new}) < len(new):
        message = "An item has one annotation: the same is there twice."
        raise Invalid(message, field="annotations")
    lines = [_line(one, at, atomic=atomic) for at, one in enumerate(new)]
    if any(line.frames for line in lines):
        lines = await _within_videos(tx, actor, lines, atomic=atomic)
    good = sorted((line for line in lines if line.error is None), key=lambda line: line.item_id)
    if sum(len(line.written) for line in good) > checks.LARGEST_CALL:
        message = f"A call takes {checks.LARGEST_CALL // 1024**2} MiB of labels at most; send it in parts."
        raise Invalid(message, field="annotations")
    if len(good) == 1:
        saved = await _save_one(tx, actor, good[0])
    else:
        saved = await _save(tx, actor, good, atomic=atomic)
    refused = {line.item_id: Saved(line.item_id, [], line.error) for line in lines if line.error is not None}
    if atomic:
        _raise_first(lines, saved)
    return [refused.get(line.item_id) or saved[line.item_id] for line in lines]


async def get(tx: Tx, actor: Actor, item_id: int) -> Annotation:
    """Return the labels of an item.

    Raises:
        MediaNotFound: there is none that the actor sees.
    """
    ids = checks.ids([item_id])
    asked = {"user_id": actor.user_id, **access.reader(actor)}
    rows = await tx.rows(SQL.whole_annotation, item=ids[0], **asked) if ids else []
    if not rows:
        raise access.missing_items([item_id])
    found = Annotation(*rows[0][:_OF_ITEM])
    found.figures.extend(Figure(*row[_OF_ITEM + 1 :]) for row in rows if row[_OF_ITEM + 1] is not None)
    if rows[0][_OF_ITEM]:
        await give_tags(tx, found.figures)
    await _fill_others(tx, actor, {item_id: found})
    return found


async def get_many(tx: Tx, actor: Actor, item_ids: Sequence[int], *, missing_ok: bool = False) -> list[Annotation]:
    """Return the labels of items, in the order asked; of those of a blind queue, to whom labels there only his own.

    Raises:
        MediaNotFound: (details `item_ids`, unless `missing_ok`) some don't exist for the actor.
        Invalid: they are too many for one answer.
    """
    if len(item_ids) > MOST_AT_ONCE:
        message = f"At most {MOST_AT_ONCE} at once."
        raise Invalid(message, field="item_ids")
    wanted = {"ids": checks.ids(item_ids), "user_id": actor.user_id, **access.reader(actor)}
    found = {one.item_id: one for one in await tx.all(SQL.annotations, Annotation, **wanted)}
    missing = [item_id for item_id in dict.fromkeys(item_ids) if item_id not in found]
    if missing and not missing_ok:
        raise access.missing_items(missing)
    await fill(tx, actor, found)
    return [found[item_id] for item_id in item_ids if item_id in found]


async def page(
    tx: Tx, actor: Actor, dataset_id: int, *, limit: int = 100, cursor: str | None = None, offset: int = 0
) -> Page[Annotation]:
    """Return the labels of a dataset, item by item.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Invalid: the limit or cursor can't be.
    """
    after = decode_cursor(cursor, int)[0] if cursor else 0
    right = await access.require_dataset(tx, actor, dataset_id)
    rows = await tx.rows(
        SQL.items_in_dataset,
        dataset_id=dataset_id,
        after=after,
        reads=right.reads,
        worker=sight(actor).worker,
        limit=checks.limit(limit, MOST_AT_ONCE) + 1,
        offset=min(max(offset, 0), checks.LAST_ID),
    )
    ids = cut([row[0] for row in rows], limit, lambda item_id: (item_id,))
    return Page(await get_many(tx, actor, ids.rows, missing_ok=True), ids.next)


async def count(tx: Tx, actor: Actor, dataset_id: int) -> int:
    """Say how many items of a dataset the actor sees.

    Raises:
        DatasetNotFound: there is none that he sees.
    """
    right = await access.require_dataset(tx, actor, dataset_id)
    asked = {"dataset_id": dataset_id, "reads": right.reads, "worker": sight(actor).worker}
    return await tx.value(SQL.count_items_in_dataset, **asked)


async def copy(tx: Tx, actor: Actor, pairs: Sequence[tuple[int, int]], *, keep_dates: bool = False) -> list[Saved]:
    """Give items the labels and tags of others: each pair is the item to copy from, and the one to copy to.

    Classes and tags are found by their names in the other's project. With `keep_dates` the labels say that they were
    made and changed when the others were; who made them is the actor all the same.

    Raises:
        MediaNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: see `require_reading` and `require_labeling`.
        Invalid: a project has no class or tag of that name, or an item is to be copied to twice.
    """
    sources = {one.item_id: one for one in await get_many(tx, actor, list(dict.fromkeys(one for one, _ in pairs)))}
    saved = await put(tx, actor, [copied(sources[source], target) for source, target in pairs])
    files = [
        (target, figure_id, figure.geometry_file)
        for (source, target), one in zip(pairs, saved, strict=True)
        for figure_id, figure in zip(one.figure_ids, _whole(sources[source]), strict=True)
        if figure.geometry_file is not None
    ]
    if files:
        await _copy_files(tx, actor, files)
    if keep_dates:
        dated = [
            (figure_id, figure.created_at, figure.updated_at)
            for (source, _), one in zip(pairs, saved, strict=True)
            for figure_id, figure in zip(one.figure_ids, _whole(sources[source]), strict=True)
        ]
        ids, created, updated = ([row[at] for row in dated] for at in range(3))
        await tx.run(SQL.date_figures, ids=ids, created=created, updated=updated)
    return saved


async def _copy_files(tx: Tx, actor: Actor, files: Sequence[tuple[int, int, bytes]]) -> None:
    """Let copied figures have the geometries that are files, as far as their account knows them."""
    owners = {right.item_id: right.owner_id for right in await access.visible(tx, actor, [one[0] for one in files])}
    for account_id in sorted(set(owners.values())):
        theirs = [(figure_id, sha256) for item_id, figure_id, sha256 in files if owners.get(item_id) == account_id]
        hashes = list({sha256 for _, sha256 in theirs})
        known = {bytes(row[0]) for row in await tx.rows(SQL.known_files, account_id=account_id, hashes=hashes)}
        there = [(figure_id, sha256) for figure_id, sha256 in theirs if sha256 in known]
        ids, found = [one[0] for one in there], [one[1] for one in there]
        await tx.run(SQL.attach_files, ids=ids, hashes=found, user_id=actor.user_id)


def _whole(annotation: Annotation) -> list[Figure]:
    """Return the figures that are labels by themselves, not sights of an object."""
    return [figure for figure in annotation.figures if figure.object_id is None]


def copied(source: Annotation, item_id: int) -> NewAnnotation:
    """Return an annotation as a new one of another item, without geometries that are files, and without objects."""
    labels = [
        NewLabel(
            geometry_type=one.geometry_type,
            geometry=one.geometry,
            class_name=one.class_name,
            tags=[copied_tag(tag) for tag in one.tags],
            description=one.description,
            meta=one.meta,
            extras=one.extras,
            frame=one.frame,
            track_id=one.track_id,
            priority=one.priority,
            nn_created=one.nn_created,
            nn_updated=one.nn_updated,
        )
        for one in _whole(source)
    ]
    return NewAnnotation(item_id, labels, [copied_tag(tag) for tag in source.tags])


def copied_tag(tag: Tagging) -> NewTagging:
    """Return a tag on something as a new one on another thing."""
    return NewTagging(tag.name, tag.value, frame_from=tag.frame_from, frame_to=tag.frame_to, extras=tag.extras)


def frames_of(annotation: Annotation) -> list[Sights]:
    """Return the figures of a video by their frames, as far as they have one."""
    found: dict[int, list[Figure]] = {}
    for figure in annotation.figures:
        frame = checks.frame_of(figure)
        if frame is not None:
            found.setdefault(frame, []).append(figure)
    return [Sights(frame, found[frame]) for frame in sorted(found)]


def planes_of(annotation: Annotation) -> Planes:
    """Return the figures of a volume by the slices that they lie on; those on none lie in space."""
    found: dict[str, dict[int, list[Figure]]] = {name: {} for name in _NORMALS}
    spatial: list[Figure] = []
    for figure in annotation.figures:
        plane, index = _plane_of(figure), figure.meta.get("sliceIndex", figure.frame)
        if plane is None or not isinstance(index, int):
            spatial.append(figure)
        else:
            found[plane].setdefault(index, []).append(figure)
    sights = {name: [Sights(at, slices[at]) for at in sorted(slices)] for name, slices in found.items()}
    return Planes(sights["sagittal"], sights["coronal"], sights["axial"], spatial)


# ----------------------------------------------------------------------------------------------------------------------
# Saving
# ----------------------------------------------------------------------------------------------------------------------


def _line(one: NewAnnotation, at: int, *, atomic: bool) -> Line:
    """Look at an annotation, as far as that takes no database."""
    try:
        if not checks.ids([one.item_id]):
            raise access.missing_items([one.item_id])
        places = Places()
        written = _written(one, f"annotations[{at}]", places)
        framed = ((checks.frame_of(label), where) for label, where in zip(one.labels, places.labels, strict=True))
        frames = [(frame, where) for frame, where in framed if frame is not None]
        return Line(one.item_id, written, places, frames=frames, place=f"annotations[{at}]")
    except PinakesError as error:
        if atomic:
            raise
        return Line(one.item_id, error=error)


async def _within_videos(tx: Tx, actor: Actor, lines: Sequence[Line], *, atomic: bool) -> list[Line]:
    """Refuse labels of frames that their videos don't have; of what the actor may not label, saving says that."""
    seen = await access.visible(tx, actor, [line.item_id for line in lines if line.frames])
    lengths = await access.video_lengths(tx, [right.item_id for right in seen if right.labels])
    looked_at: list[Line] = []
    for line in lines:
        try:
            for frame, place in line.frames:
                checks.within(frame, lengths.get(line.item_id), place)
        except Invalid as error:
            if atomic:
                raise
            looked_at.append(Line(line.item_id, error=error))
        else:
            looked_at.append(line)
    return looked_at


def _written(one: NewAnnotation, place: str, places: Places) -> str:
    """Return an annotation as JSON, and note where its labels and tags stand."""
    if len(one.labels) > checks.MOST_LABELS:
        message = f"An annotation has at most {checks.MOST_LABELS} labels."
        raise Invalid(message, field=f"{place}.labels")
    labels: list[object] = []
    tags: list[object] = []
    for n, label in enumerate(one.labels):
        where = f"{place}.labels[{n}]"
        places.labels.append(where)
        labels.append(checks.label(label, n, one.item_id, where))
        add_tags(label.tags, n, where, tags, places)
    add_tags(one.tags, -1, place, tags, places)
    whole: dict[str, object] = {"labels": labels, "tags": tags}
    if one.description is not None:
        whole["description"] = checks.text(one.description, f"{place}.description")
    if one.custom_data is not None:
        whole["custom_data"] = checks.json_object(dict(one.custom_data), f"{place}.custom_data")
    return checks.written(whole, place).decode()


def add_tags(new: Sequence[NewTagging], owner: int, where: str, tags: list[object], places: Places) -> None:
    """Put the tags of a label, or of the item (-1), behind those of the call, and note where they stand."""
    if len(new) > checks.MOST_TAGS:
        message = f"At most {checks.MOST_TAGS} tags on one thing."
        raise Invalid(message, field=f"{where}.tags")
    for m, tag in enumerate(new):
        place = f"{where}.tags[{m}]"
        places.tags.append(place)
        tags.append(checks.tagging(tag, len(tags), owner, place))


async def _save_one(tx: Tx, actor: Actor, line: Line) -> dict[int, Saved]:
    """Save one annotation: a statement that does all or nothing, and needs no transaction around it."""
    with still_there():
        outcome = await tx.alone.one(
            SQL.put_one_annotation, Outcome, item=line.item_id, annotation=line.written, **_author(actor)
        )
        assert outcome is not None
        if outcome.problem == _LIMITED:
            return {line.item_id: await _save_watched(tx, actor, line)}
    return {line.item_id: await _saved(tx, actor, line, outcome)}


async def _save_watched(tx: Tx, actor: Actor, line: Line) -> Saved:
    """Save an annotation where a queue limits what the actor may draw: if it goes beyond that, nothing is saved."""
    try:
        async with tx.savepoint():
            asked = {"items": [line.item_id], "annotations": [line.written], **_author(actor)}
            outcome = await tx.one(SQL.put_annotations, Outcome, watched=True, **asked)
            assert outcome is not None
            if outcome.problem is None:
                await limits.require_within(tx, actor, [line.item_id], line.beyond)
    except Invalid as error:
        return Saved(line.item_id, [], error)
    return await _saved(tx, actor, line, outcome)


async def _save(tx: Tx, actor: Actor, lines: Sequence[Line], *, atomic: bool) -> dict[int, Saved]:
    """Save annotations; where all or none shall be saved and one is refused, none is."""
    if not lines:
        return {}
    with still_there():
        async with tx.savepoint():
            return await _save_all(tx, actor, lines, atomic=atomic)


async def _save_all(tx: Tx, actor: Actor, lines: Sequence[Line], *, atomic: bool) -> dict[int, Saved]:
    await tx.patiently_for(sum(len(line.places.labels) for line in lines if line.places))
    outcomes = await tx.all(
        SQL.put_annotations,
        Outcome,
        items=[line.item_id for line in lines],
        annotations=[line.written for line in lines],
        watched=False,
        **_author(actor),
    )
    saved: dict[int, Saved] = {}
    for line, outcome in zip(lines, outcomes, strict=True):
        limited = outcome.problem == _LIMITED
        told = _save_watched(tx, actor, line) if limited else _saved(tx, actor, line, outcome)
        saved[line.item_id] = await told
    if atomic:
        _raise_first(lines, saved)
    return saved


async def _saved(tx: Tx, actor: Actor, line: Line, outcome: Outcome) -> Saved:
    if outcome.problem is None:
        return Saved(line.item_id, outcome.figure_ids or [])
    return Saved(line.item_id, [], await _error(tx, actor, line, outcome))


async def _error(tx: Tx, actor: Actor, line: Line, outcome: Outcome) -> PinakesError:
    """Say what was wrong with an annotation."""
    if outcome.problem in {"absent", "refused"}:
        try:
            await access.require_labeling(tx, actor, [line.item_id], hold=False)
        except PinakesError as error:
            return error
        return access.missing_items([line.item_id])
    assert outcome.problem is not None
    assert outcome.place is not None
    assert line.places is not None
    return told(outcome.problem, outcome.place, outcome.said or {}, line.places)


def _raise_first(lines: Iterable[Line], saved: dict[int, Saved]) -> None:
    for line in lines:
        if line.item_id in saved and (error := saved[line.item_id].error) is not None:
            raise error


def _author(actor: Actor) -> dict[str, object]:
    """Return what `put_annotation` wants to know of who labels."""
    seen, may = sight(actor), access.labeler(actor)
    return {
        "user_id": actor.user_id,
        "everything": may["labels_all"],
        "accounts": seen.accounts,
        "labelers": may["labelers"],
        "workplaces": may["workplaces"],
    }


# ----------------------------------------------------------------------------------------------------------------------
# Reading
# ----------------------------------------------------------------------------------------------------------------------


async def fill(tx: Tx, actor: Actor, found: dict[int, Annotation]) -> None:
    """Read the labels of items that the actor sees: nothing more is asked of the many that have none."""
    labeled = [one.item_id for one in found.values() if one.label_count]
    if labeled:
        every = {"after_item": 0, "after": 0, "limit": checks.LAST_ID, "offset": 0}
        figures = await tx.all(SQL.figures_of_items, Figure, ids=labeled, **_asked(actor, found), **every)
        await give_tags(tx, figures)
        for figure in figures:
            found[figure.item_id].figures.append(figure)
    await _fill_others(tx, actor, found)


def _asked(actor: Actor, found: Mapping[int, Annotation]) -> dict[str, object]:
    return {"only_own": [one.item_id for one in found.values() if one.only_own], "user_id": actor.user_id}


async def _fill_others(tx: Tx, actor: Actor, found: dict[int, Annotation]) -> None:
    """Read what there is on items beside figures: their tags, and their objects."""
    tagged = [one.item_id for one in found.values() if one.is_tagged]
    asked = _asked(actor, found)
    for tag in await tx.all(SQL.tags_of_items, Tagging, ids=tagged, **asked) if tagged else []:
        if tag.item_id is not None:
            found[tag.item_id].tags.append(tag)
    if any(one.kind != "image" for one in found.values()):
        await _give_objects(tx, {"ids": list(found), **asked}, found)
    await hiding.from_annotations(tx, actor, found.values())


async def give_tags(tx: Tx, figures: Sequence[Figure]) -> None:
    """Read the tags of figures, and put them there."""
    by_id = {figure.id: figure for figure in figures}
    if not by_id:
        return
    for tag in await tx.all(SQL.tags_of_figures, Tagging, ids=list(by_id)):
        if tag.figure_id is not None:
            by_id[tag.figure_id].tags.append(tag)


async def give_object_tags(tx: Tx, objects: Sequence[LabelObject]) -> None:
    """Read the tags of objects, and put them there."""
    by_id = {one.id: one for one in objects}
    if not by_id:
        return
    for tag in await tx.all(SQL.tags_of_objects, Tagging, ids=list(by_id)):
        if tag.object_id is not None:
            by_id[tag.object_id].tags.append(tag)


async def _give_objects(tx: Tx, asked: dict[str, object], found: dict[int, Annotation]) -> None:
    """Read the objects of items: their own, those that their figures show, those of their dataset that none shows."""
    own = await tx.all(SQL.objects_of_items, LabelObject, **asked, after=0, limit=checks.LAST_ID, offset=0)
    there = {one.id for one in own}
    shown = {f.object_id for one in found.values() for f in one.figures if f.object_id is not None}
    others = await tx.all(SQL.objects_by_id, LabelObject, ids=sorted(shown - there)) if shown - there else []
    datasets = sorted({one.dataset_id for one in found.values() if one.kind == "point_cloud"})
    loose = await tx.all(SQL.loose_objects, LabelObject, datasets=datasets) if datasets else []
    await give_object_tags(tx, [*own, *others, *loose])
    every = {one.id: one for one in (*own, *others)}
    hidden = set(cast("list[int]", asked["only_own"]))
    for annotation in found.values():
        ids = {f.object_id for f in annotation.figures if f.object_id is not None}
        ids |= {one.id for one in own if one.item_id == annotation.item_id}
        annotation.objects.extend(every[one] for one in sorted(ids))
        if annotation.kind == "point_cloud":
            mine = asked["user_id"] if annotation.item_id in hidden else None
            annotation.objects.extend(
                one for one in loose if one.dataset_id == annotation.dataset_id and mine in {None, one.created_by}
            )


def _plane_of(figure: Figure) -> str | None:
    """Name the axis that a figure's slice is across, by name or by its normal."""
    named, normal = figure.meta.get("planeName"), figure.meta.get("normal")
    if named in _NORMALS:
        return named
    if isinstance(normal, dict):
        return next((name for name, axis in _NORMALS.items() if normal.get(axis) == 1), None)
    return None
