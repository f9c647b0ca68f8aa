"""Datasets of media: the folders of a project. They nest, and a name is there once in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog import media_checks as checks, media_projects, projects
from pinakes.server.catalog.media_types import Dataset, DatasetChanges, MediaProject
from pinakes.server.db import IntegrityError, Part, Tx, json, load, violated
from pinakes.server.errors import DatasetNotFound, Invalid, NameTaken, ProjectNotFound
from pinakes.server.events import service as events
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.tasks import defer

SQL = load(__package__, "datasets.sql")

PURGE_DATASET = "catalog.purge_dataset"
# Below so many others a dataset may lie.
DEEPEST = 100

_ORDERS = {
    ("id", False): Part("d.id"),
    ("id", True): Part("d.id desc"),
    ("name", False): Part("d.name, d.id"),
    ("name", True): Part("d.name desc, d.id desc"),
    ("created_at", False): Part("d.created_at, d.id"),
    ("created_at", True): Part("d.created_at desc, d.id desc"),
    ("updated_at", False): Part("d.updated_at, d.id"),
    ("updated_at", True): Part("d.updated_at desc, d.id desc"),
    ("item_count", False): Part("d.item_count, d.id"),
    ("item_count", True): Part("d.item_count desc, d.id desc"),
    ("size", False): Part("d.size, d.id"),
    ("size", True): Part("d.size desc, d.id desc"),
}


async def create(
    tx: Tx,
    actor: Actor,
    project_id: int,
    name: str,
    *,
    parent_id: int | None = None,
    description: str = "",
    custom_data: Mapping[str, object] | None = None,
) -> Dataset:
    """Make a dataset in a project, or in another dataset of it.

    Raises:
        ProjectNotFound: there is no project that the actor sees.
        DatasetNotFound: the project has no such dataset to put it into.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: a value can't be, or it would lie too deep.
        NameTaken: there is one of that name; `details.errors` says which.
    """
    project = await _writable(tx, actor, project_id)
    name = checks.media_name(name)
    description = checks.text(description, "description")
    data = checks.plain_json(custom_data or {}, "custom_data")
    await projects.hold_project(tx, project.id)
    if parent_id is not None:
        await _check_parent(tx, actor, project, parent_id)
    made = await tx.value(
        SQL.create_dataset,
        project_id=project.id,
        parent_id=parent_id,
        name=name,
        description=description,
        custom_data=json(data),
        created_by=actor.user_id,
    )
    if made is None:
        raise await _taken(tx, project.id, parent_id, name)
    after = {"dataset": made, "name": name, "parent": parent_id}
    await _record(tx, actor, "dataset.created", project.owner_id, project.id, after=after)
    return await get(tx, actor, made)


async def get(tx: Tx, actor: Actor, dataset_id: int) -> Dataset:
    """Return a dataset by its number.

    Raises:
        DatasetNotFound: there is none that the actor sees.
    """
    found = await get_many(tx, actor, [dataset_id])
    if not found:
        raise DatasetNotFound(field="dataset")
    return found[0]


async def to_change(tx: Tx, actor: Actor, dataset_id: int) -> Dataset:
    """Return a dataset to somebody who may change it, and what is in it.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he sees it, perhaps by a job, but may not change it.
    """
    found = await get(tx, actor, dataset_id)
    require(
        actor,
        Permission.PROJECT_WRITE,
        owner_id=found.owner_id,
        visibility=found.visibility,
        seen=True,
    )
    return found


async def get_many(tx: Tx, actor: Actor, ids: Sequence[int]) -> list[Dataset]:
    """Return datasets by their numbers, in that order; those that the actor sees."""
    seen = sight(actor)
    return await tx.all(
        SQL.datasets,
        Dataset,
        ids=checks.some_ids(ids),
        everything=seen.everything,
        accounts=seen.accounts,
        at_work=seen.at_work,
        worker=seen.worker,
    )


async def page(
    tx: Tx,
    actor: Actor,
    project_id: int,
    *,
    parent_id: int | None = None,
    top_only: bool = False,
    ids: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    sort: str = "id",
    descending: bool = False,
    limit: int = 500,
    offset: int = 0,
) -> tuple[list[Dataset], int]:
    """Return a page of a project's datasets at any depth, and how many there are in all.

    Args:
        tx: Where to read.
        actor: Who asks; he gets what he sees.
        project_id: The project.
        parent_id: Only those that are in this one.
        top_only: Only those that are in no other.
        ids: Only these.
        names: Only those of these names.
        sort: id, name, created_at, updated_at, item_count or size.
        descending: The other way round.
        limit: The length of the page.
        offset: How many come before it.

    Raises:
        ProjectNotFound: there is no project that the actor sees.
        Invalid: (fields `sort`, `limit`, `offset`) there is no such order or page.
    """
    checks.window(limit, offset)
    order = _ORDERS.get((sort, descending))
    if order is None:
        message = "Datasets are sorted by id, name, created_at, updated_at, item_count or size."
        raise Invalid(message, field="sort")
    project = await media_projects.get(tx, actor, project_id)
    if parent_id is not None and not checks.some_ids([parent_id]):
        return [], 0
    seen = sight(actor)
    asked = {
        "project_id": project.id,
        "parent_id": parent_id,
        "top_only": top_only,
        "ids": None if ids is None else checks.some_ids(ids),
        "names": checks.texts(names),
        "all_seen": seen.sees(project.visibility, project.owner_id),
        "worker": seen.worker,
    }
    total = await tx.value(SQL.count_datasets, **asked)
    found = await tx.all(SQL.dataset_ids.with_parts(order=order), int, limit=limit, offset=offset, **asked)
    return await get_many(tx, actor, found), int(total)


async def subtree(tx: Tx, actor: Actor, dataset_id: int) -> list[Dataset]:
    """Return a dataset and all below it that the actor sees, itself first.

    Raises:
        DatasetNotFound: there is none that he sees.
    """
    found = await get(tx, actor, dataset_id)
    return await get_many(tx, actor, await tx.all(SQL.dataset_subtree, int, id=found.id))


async def update(tx: Tx, actor: Actor, dataset_id: int, changes: DatasetChanges) -> Dataset:
    """Give a dataset new values.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it.
        Invalid: a value can't be.
        NameTaken: its place has one of that name; `details.errors` says which.
    """
    former = await to_change(tx, actor, dataset_id)
    name = None if changes.name is None else checks.media_name(changes.name)
    description = None if changes.description is None else checks.text(changes.description, "description")
    data = None if changes.custom_data is None else json(checks.plain_json(changes.custom_data, "custom_data"))
    try:
        async with tx.savepoint():
            await tx.run(SQL.update_dataset, id=former.id, name=name, description=description, custom_data=data)
    except IntegrityError as error:
        raise await _explained(tx, error, former, former.parent_id, name or former.name) from error
    found = await get(tx, actor, former.id)
    before = {"dataset": former.id, "name": former.name, "description": former.description}
    after = {"dataset": found.id, "name": found.name, "description": found.description}
    if before != after or data is not None:
        await _record(tx, actor, "dataset.updated", former.owner_id, former.project_id, before=before, after=after)
    return found


async def move(tx: Tx, actor: Actor, dataset_id: int, parent_id: int | None) -> Dataset:
    """Put a dataset, with all that is in it, into another one of its project, or (None) to its top.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it.
        Invalid: (field `parent`) that one is in another project, is itself or in it, or it would lie too deep.
        NameTaken: there is one of that name; `details.errors` says which.
    """
    former = await to_change(tx, actor, dataset_id)
    project = await media_projects.get(tx, actor, former.project_id)
    # Nobody else changes how datasets nest meanwhile.
    if await tx.value(projects.SQL.hold_project_to_end, id=project.id) is None:
        raise ProjectNotFound(field="project")
    if parent_id is not None:
        await _check_parent(tx, actor, project, parent_id)
        if parent_id in await tx.all(SQL.dataset_subtree, int, id=former.id):
            message = f"{former.name!r} can't be put into itself."
            raise Invalid(message, field="parent")
    if parent_id == former.parent_id:
        return former
    try:
        async with tx.savepoint():
            await tx.run(SQL.move_dataset, id=former.id, parent_id=parent_id)
    except IntegrityError as error:
        raise await _explained(tx, error, former, parent_id, former.name) from error
    before = {"dataset": former.id, "parent": former.parent_id}
    after = {"dataset": former.id, "parent": parent_id}
    await _record(tx, actor, "dataset.moved", former.owner_id, former.project_id, before=before, after=after)
    return await get(tx, actor, former.id)


async def mark_removed(tx: Tx, actor: Actor, dataset_id: int) -> list[int]:
    """Put a dataset into the trash, with all below it and their items; return the items' numbers.

    For whoever takes those items out of collections and writes down that it was done.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change it.
    """
    found = await to_change(tx, actor, dataset_id)
    await projects.hold_items_still(tx)
    await projects.hold_project(tx, found.project_id)
    ids = await tx.all(SQL.dataset_subtree, int, id=found.id)
    held = await tx.all(SQL.hold_datasets, int, ids=ids)
    items = await tx.all(SQL.end_items_of_datasets, int, ids=held, actor_id=actor.user_id)
    await tx.run(SQL.end_datasets, ids=held)
    return sorted(items)


async def remove(tx: Tx, actor: Actor, dataset_ids: Sequence[int]) -> list[int]:
    """Remove datasets for good, with all below them; archived ones, too. Returns the items that were not in the trash.

    Doing it again is safe.

    Raises:
        DatasetNotFound: one of them is none that the actor sees; none is removed then.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not change one of them.
    """
    wanted = list(dict.fromkeys(dataset_ids))
    found = await tx.rows(SQL.removable_datasets, ids=checks.some_ids(wanted))
    if len(found) < len(wanted):
        raise DatasetNotFound(field="dataset")
    for _, _, owner_id, visibility, live in found:
        shown = visibility if live else "private"
        require(actor, Permission.PROJECT_WRITE, owner_id=owner_id, visibility=shown, missing=DatasetNotFound)
    items: list[int] = []
    for dataset_id, project_id, owner_id, _, _ in found:
        if await tx.value(SQL.keep_dataset, id=dataset_id) is not None:  # not with one of the others yet
            items += await mark_removed(tx, actor, dataset_id)
        await defer(tx, PURGE_DATASET, once=f"{PURGE_DATASET}:{dataset_id}", dataset_id=dataset_id)
        before = {"dataset": dataset_id}
        await _record(tx, actor, "dataset.removed", owner_id, project_id, before=before)
    return items


async def _writable(tx: Tx, actor: Actor, project_id: int) -> MediaProject:
    project = await media_projects.get(tx, actor, project_id)
    require(
        actor,
        Permission.PROJECT_WRITE,
        owner_id=project.owner_id,
        visibility=project.visibility,
        seen=True,
    )
    return project


async def _check_parent(tx: Tx, actor: Actor, project: MediaProject, parent_id: int) -> None:
    parent = await get(tx, actor, parent_id)
    if parent.project_id != project.id or await tx.value(SQL.keep_dataset, id=parent.id) is None:
        message = f"The project {project.name!r} has no dataset {parent_id}."
        raise Invalid(message, field="parent")
    depth = 1
    above = parent.parent_id
    while above is not None:
        depth += 1
        if depth >= DEEPEST:
            message = f"Datasets nest at most {DEEPEST} deep."
            raise Invalid(message, field="parent")
        above = (await get(tx, actor, above)).parent_id


async def _explained(
    tx: Tx, error: IntegrityError, dataset: Dataset, parent_id: int | None, name: str
) -> IntegrityError | NameTaken:
    if violated(error) != "datasets_name_taken":
        return error
    return await _taken(tx, dataset.project_id, parent_id, name)


async def _taken(tx: Tx, project_id: int, parent_id: int | None, name: str) -> NameTaken:
    number = await tx.value(SQL.dataset_in_the_way, project_id=project_id, parent_id=parent_id, name=name)
    message = f"There is a dataset called {name!r} already."
    return NameTaken(message, field="name", details={"errors": [{"name": name, "id": number}]})


async def _record(
    tx: Tx,
    actor: Actor,
    verb: str,
    owner_id: int,
    project_id: int,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    await events.record(tx, actor, verb, account_id=owner_id, item_id=project_id, before=before, after=after)
