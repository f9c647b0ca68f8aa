"""Runs: what somebody's program tells of itself while it works, and what becomes of it.

A run is its project's: who reads the project reads its runs, who may write into it writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from pinakes.server.actor import Actor
from pinakes.server.artifacts import values, versions
from pinakes.server.artifacts.run_names import (
    LONGEST_DISPLAY_NAME,
    LONGEST_FACT,
    LONGEST_TEXT,
    LONGEST_WORD,
    file_name,
    generated,
    new_name,
    run_name,
)
from pinakes.server.artifacts.run_types import (
    ENDED,
    STATES,
    Alert,
    FileOfRun,
    HeldRun,
    Run,
    RunFile,
    RunForm,
    RunOrder,
    State,
)
from pinakes.server.artifacts.transfers import REMOVE_OBJECTS
from pinakes.server.catalog import checks
from pinakes.server.catalog.projects import ensure_project, get_project, hold_project
from pinakes.server.catalog.types import Project
from pinakes.server.db import Tx, json, load
from pinakes.server.errors import AccountNotFound, Invalid, RunNotFound
from pinakes.server.events import service as events
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people import service as people
from pinakes.server.people.types import Account
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import Permission
from pinakes.server.tasks import defer

SQL = load(__package__, "runs.sql")

UNCATEGORIZED = "uncategorized"
LAST_ID = 2**31 - 1
MOST = 1000

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)

# What a program says of where it runs is taken as it comes; what people write has to be fit to read.
_FACTS = ("commit", "host", "program", "repo", "sweep")
_WORDS = ("group_name", "job_type")
_TEXTS = ("description", "notes")


async def upsert(tx: Tx, actor: Actor, form: RunForm) -> tuple[Run, bool]:
    """Make a run, or give the one that is there new values; say whether it is new. The project is made where need be.

    A run that is named by its name lives: its program has just begun, or goes on. One that is named by its id is only
    edited.

    Raises:
        Invalid: a value can't be.
        AccountNotFound: there is no owner of that name.
        RunNotFound: there is no run of that id that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
    """
    columns = _columns(form)
    if form.id is not None:
        run = await held_for(tx, actor, form.id)
        await tx.run(SQL.update_run, id=run.id, alive=False, **columns)
        return await get(tx, actor, run.id), False
    name = run_name(form.name) if form.name is not None else new_name()
    owner = await _owner(tx, actor, form.owner)
    project = await ensure_project(tx, actor, owner, form.project or UNCATEGORIZED)
    await hold_project(tx, project.id)
    made = await _create(tx, actor, project.id, name, columns)
    if made is not None:
        await _record(tx, actor, "run.created", owner.id, project.id, after={"run": name})
        return await get(tx, actor, made), True
    found = await tx.value(SQL.run_id_of, project_id=project.id, name=name)
    if found is None or await tx.value(SQL.update_run, id=found, alive=True, **columns) is None:
        raise RunNotFound  # somebody deletes it at this very moment
    return await get(tx, actor, found), False


async def find(tx: Tx, actor: Actor, owner: str, project: str, name: str) -> Run:
    """Return a run by its names.

    Raises:
        ProjectNotFound, RunNotFound: there is none that the actor sees.
    """
    _, run_id = await _located(tx, actor, owner, project, name)
    return await get(tx, actor, run_id)


async def find_in(tx: Tx, actor: Actor, project_id: int, name: str) -> Run:
    """Return a run by its name in a project that was found for the actor.

    Raises:
        RunNotFound: the project has none of that name.
    """
    found = await tx.value(SQL.run_id_of, project_id=project_id, name=values.text(name))
    if found is None:
        raise RunNotFound
    return await get(tx, actor, int(found))


async def get(tx: Tx, actor: Actor, run_id: int) -> Run:
    """Return a run by its number.

    Raises:
        RunNotFound: there is none that the actor sees.
    """
    found = await by_ids(tx, actor, [run_id], full=True) if 0 < run_id <= LAST_ID else []
    if not found:
        raise RunNotFound
    return found[0]


async def by_ids(tx: Tx, actor: Actor, ids: Sequence[int], *, full: bool = False) -> list[Run]:
    """Return runs by their numbers, in that order; those that the actor does not see are left out.

    Without `full`, what can be long (config, summary, system metrics) is None.
    """
    seen = permissions.sight(actor)
    return await tx.all(SQL.runs, Run, ids=list(ids), full=full, everything=seen.everything, accounts=seen.accounts)


async def page(
    tx: Tx,
    actor: Actor,
    project_id: int,
    *,
    order: RunOrder = "+created_at",
    full: bool = False,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Run]:
    """List the runs of a project that was found for the actor; filters and other orders are the room `search`'s.

    Raises:
        Invalid: the limit is not 1 to 1000, or the cursor is none of ours.
    """
    check_limit(limit)
    at, number = decode_cursor(cursor, datetime, int) if cursor else (None, None)
    if order == "+created_at":
        bounds = {"after": at or _FIRST, "after_id": number or 0}
        rows = await tx.rows(SQL.runs_oldest_first, project_id=project_id, limit=limit + 1, **bounds)
    else:
        bounds = {"before": at or _LAST, "before_id": number or 0}
        rows = await tx.rows(SQL.runs_newest_first, project_id=project_id, limit=limit + 1, **bounds)
    shown = cut(rows, limit, lambda row: (row[1], row[0]))
    return Page(await by_ids(tx, actor, [row[0] for row in shown.rows], full=full), shown.next)


async def count(tx: Tx, project_id: int) -> int:
    """Return how many runs a project has that was found for a reader."""
    return int(await tx.value(SQL.count_runs, project_id=project_id))


def may_write(actor: Actor, run: Run) -> bool:
    """Tell whether an actor may change a run."""
    return permissions.allows(actor, Permission.PROJECT_WRITE, owner_id=run.owner_id, visibility=run.visibility)


async def set_state(tx: Tx, actor: Actor, run_id: int, state: str) -> Run:
    """Say from outside what became of a run.

    Raises:
        Invalid: (field `state`) there is no such state.
        RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see it, or may not write it.
    """
    state = run_state(state)
    run = await held_for(tx, actor, run_id)
    await tx.run(SQL.set_run_state, id=run.id, state=state)
    await record_end(tx, actor, run, state)
    return await get(tx, actor, run.id)


async def stop(tx: Tx, actor: Actor, run_id: int) -> bool:
    """Ask a run to stop: it is told when it next sends something. False when it has ended already.

    Raises:
        RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see it, or may not write it.
    """
    run = await held_for(tx, actor, run_id)
    return await tx.value(SQL.ask_run_to_stop, id=run.id) is not None


async def alert(tx: Tx, actor: Actor, owner: str, project: str, name: str, message: Alert) -> None:
    """Record a message of a run for people.

    Raises:
        Invalid: the title or the text is too long, or not fit to read.
        ProjectNotFound, RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see the run, or may
            not write it.
    """
    run = await held_by_name(tx, actor, owner, project, name)
    after = {
        "run": run.name,
        "title": checks.text(message.title, "title", LONGEST_WORD),
        "text": checks.text(message.text, "text", LONGEST_TEXT),
        "severity": message.severity,
    }
    await _record(tx, actor, "run.alerted", run.owner_id, run.project_id, after=after)


async def delete(tx: Tx, actor: Actor, run_id: int, *, artifacts: bool = False) -> None:
    """Delete a run, with what it sent; with `artifacts`, also the versions that it logged.

    Raises:
        RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see it, or may not write it.
        RegistryHolds: a registry that lets nothing go holds one of the versions; nothing is deleted then.
    """
    run = await get(tx, actor, run_id)
    _require_writer(actor, run)
    if artifacts:
        for (version_id,) in await tx.rows(SQL.versions_of_run, id=run.id):
            await versions.delete(tx, actor, version_id, delete_aliases=True)
    held = await hold(tx, run.id)
    await tx.run(SQL.delete_run, id=held.id)
    await _record(tx, actor, "run.deleted", held.owner_id, held.project_id, before={"run": held.name})


async def files_wanted(
    tx: Tx, actor: Actor, owner: str, project: str, name: str, names: Sequence[str]
) -> tuple[Run, list[str]]:
    """Return the run that files are about to be sent for, and their names, once it is certain that they may be.

    Raises:
        Invalid: (field `files`) one of the names is not a relative path.
        ProjectNotFound, RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see the run, or may
            not write it.
    """
    run = await find(tx, actor, owner, project, name)
    _require_writer(actor, run)
    return run, [file_name(wanted) for wanted in names]


async def files(
    tx: Tx,
    actor: Actor,
    run_id: int,
    *,
    names: Sequence[str] | None = None,
    pattern: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[RunFile]:
    """List a run's files by name: those of some names, or like a pattern with `%` and `_` in it.

    Raises:
        Invalid: the limit is not 1 to 1000, or the cursor is none of ours.
        RunNotFound: there is no such run that the actor sees.
    """
    check_limit(limit)
    run = await _seen(tx, actor, run_id)
    rows = await tx.all(
        SQL.run_files,
        RunFile,
        run_id=run.id,
        after=decode_cursor(cursor, str)[0] if cursor else "",
        limit=limit + 1,
        **_filter(names, pattern),
    )
    return cut(rows, limit, lambda file: (file.name,))


async def file_count(tx: Tx, run_id: int, *, names: Sequence[str] | None = None, pattern: str | None = None) -> int:
    """Return how many files a run has that was found for a reader: of some names, or like a pattern."""
    return int(await tx.value(SQL.count_run_files, run_id=run_id, **_filter(names, pattern)))


async def delete_files(tx: Tx, actor: Actor, file_ids: Sequence[int]) -> int:
    """Delete files of runs, and return how many there were; those that are not there, or not seen, are passed over.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor sees one of them but may not write its run.
    """
    ids = [number for number in file_ids if 0 < number <= LAST_ID]
    found = await tx.all(SQL.files_to_delete, FileOfRun, ids=ids)
    seen = {run.id: run for run in await by_ids(tx, actor, sorted({file.run_id for file in found}))}
    for run in seen.values():
        _require_writer(actor, run)
    wanted = [file.id for file in found if file.run_id in seen]
    objects = [key for (key,) in await tx.rows(SQL.delete_run_files, ids=wanted)]
    if objects:
        await defer(tx, REMOVE_OBJECTS, keys=objects)
    return len(objects)


async def held_for(tx: Tx, actor: Actor, run_id: int) -> HeldRun:
    """Hold a run that the actor is about to change, until the transaction ends.

    Raises:
        RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see it, or may not write it.
    """
    run = await _seen(tx, actor, run_id)
    _require_writer(actor, run)
    return await hold(tx, run.id)


async def held_by_name(tx: Tx, actor: Actor, owner: str, project: str, name: str) -> HeldRun:
    """Hold a run by its names, like `held_for`.

    Raises:
        ProjectNotFound, RunNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not see it, or may not
            write it.
    """
    place, run_id = await _located(tx, actor, owner, project, name)
    permissions.require(
        actor,
        Permission.PROJECT_WRITE,
        owner_id=place.owner_id,
        visibility=place.visibility,
        missing=RunNotFound,
    )
    return await hold(tx, run_id)


async def hold(tx: Tx, run_id: int) -> HeldRun:
    """Hold a run until the transaction ends; RunNotFound when it is gone."""
    held = await tx.one(SQL.hold_run, HeldRun, id=run_id)
    if held is None:
        raise RunNotFound
    return held


async def record_end(tx: Tx, actor: Actor, run: HeldRun, state: str, exit_code: int | None = None) -> None:
    """Record that a run has ended, if it had not before."""
    if state in ENDED and run.state not in ENDED:
        after = {"run": run.name, "state": state, "exit_code": exit_code}
        await _record(tx, actor, "run.finished", run.owner_id, run.project_id, after=after)


def run_state(state: str, field: str = "state") -> State:
    """Return a state that a run can be in; Invalid for any other word."""
    if state not in STATES:
        message = f"A run's state is one of: {', '.join(STATES)}."
        raise Invalid(message, field=field)
    return state


def json_object(value: Mapping[str, object] | str, field: str) -> dict[str, Any]:
    """Return what is to be kept of a JSON object, given as such or as its text.

    Raises:
        Invalid: it is something else.
    """
    try:
        found = values.storable(values.parse(value) if isinstance(value, str) else value)
    except ValueError as error:
        message = f"{field} has to be a JSON object: {str(error)[:200]}."
        raise Invalid(message, field=field) from error
    if not isinstance(found, dict):
        message = f"{field} has to be a JSON object."
        raise Invalid(message, field=field)
    return cast("dict[str, Any]", found)


def check_limit(limit: int) -> None:
    """Raise Invalid unless a page may have that many rows."""
    if not 1 <= limit <= MOST:
        message = f"limit must be 1 to {MOST}."
        raise Invalid(message, field="limit")


def _filter(names: Sequence[str] | None, pattern: str | None) -> dict[str, object]:
    """Return which files are meant, as the database takes it."""
    return {
        "names": None if names is None else [values.text(name) for name in names],
        "pattern": None if pattern is None else values.text(pattern),
    }


def _columns(form: RunForm) -> dict[str, object]:
    """Return the values of a form as the database takes them."""
    columns: dict[str, object] = {}
    for name in _FACTS:
        fact = cast("str | None", getattr(form, name))
        columns[name] = None if fact is None else values.text(fact)[:LONGEST_FACT]
    for names, longest in ((_WORDS, LONGEST_WORD), (_TEXTS, LONGEST_TEXT), (("display_name",), LONGEST_DISPLAY_NAME)):
        for name in names:
            said = cast("str | None", getattr(form, name))
            columns[name] = None if said is None else checks.text(said, name, longest)
    columns["display_name"] = columns["display_name"] or None
    columns["tags"] = None if form.tags is None else checks.tags(form.tags)
    columns["config"] = None if form.config is None else json(json_object(form.config, "config"))
    columns["summary"] = None if form.summary is None else json(json_object(form.summary, "summary"))
    columns["state"] = None if form.state is None else run_state(form.state)
    return columns


async def _located(tx: Tx, actor: Actor, owner: str, project: str, name: str) -> tuple[Project, int]:
    """Return a project, and the number of the run of that name in it."""
    place = await get_project(tx, actor, owner, project)
    found = await tx.value(SQL.run_id_of, project_id=place.id, name=values.text(name))
    if found is None:
        message = f"There is no run {name[:200]!r} in {place.owner}/{place.name}."
        raise RunNotFound(message, field="name")
    return place, int(found)


async def _owner(tx: Tx, actor: Actor, name: str | None) -> Account:
    if not name:
        name = await tx.value(SQL.default_owner, id=permissions.require_sign_in(actor))
    try:
        return await people.account(tx, name or "")
    except AccountNotFound as error:
        message = f"There is no user, team or organization {str(name)[:100]!r}."
        raise AccountNotFound(message, field="entity") from error


async def _create(tx: Tx, actor: Actor, project_id: int, name: str, columns: dict[str, object]) -> int | None:
    """Insert a run; None when the project has one of that name."""
    if await tx.value(SQL.run_id_of, project_id=project_id, name=name) is not None:
        return None
    if not columns["display_name"]:
        number = await tx.value(SQL.next_run_number, project_id=project_id)
        columns = {**columns, "display_name": generated(number)}
    return cast(
        "int | None",
        await tx.value(SQL.create_run, project_id=project_id, name=name, user_id=actor.user_id, **columns),
    )


async def _seen(tx: Tx, actor: Actor, run_id: int) -> Run:
    found = await by_ids(tx, actor, [run_id]) if 0 < run_id <= LAST_ID else []
    if not found:
        raise RunNotFound
    return found[0]


def _require_writer(actor: Actor, run: Run) -> None:
    permissions.require(
        actor, Permission.PROJECT_WRITE, owner_id=run.owner_id, visibility=run.visibility, missing=RunNotFound
    )


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
