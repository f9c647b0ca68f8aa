"""Where versions come from and what was made of them: what runs read and what they made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.artifacts import access, checks
from pinakes.server.artifacts.access import SQL
from pinakes.server.artifacts.types import (
    DIRECTIONS,
    Direction,
    Edge,
    Graph,
    RunRef,
    Version,
    VersionNode,
)
from pinakes.server.collections import numbered
from pinakes.server.db import Query, Tx
from pinakes.server.errors import Invalid, RunNotFound
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission

PAGE = 1000
DEEPEST = 10
MOST_NODES = 1000
# How many edges of a node, and of a step, are looked at: a data set that everything reads is not to fill memory.
_MOST_EDGES = MOST_NODES + 1
_MOST_OF_A_STEP = 20 * MOST_NODES


async def use(
    tx: Tx,
    actor: Actor,
    run_id: int,
    version_id: int,
    *,
    through_id: int | None = None,
    used_as: str | None = None,
) -> Version:
    """Write down that a run reads a version; doing it again changes nothing.

    Args:
        tx: Where to write.
        actor: Who says so; he has to see the version, and to write into the run's project.
        run_id: The run.
        version_id: The version.
        through_id: The collection by which it was reached, if the actor sees it.
        used_as: What the run calls it.

    Raises:
        VersionNotFound, RunNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write into the run's project.
        Invalid: `used_as` can't be what was said.
    """
    version = await access.get(tx, actor, version_id)
    await _require_run(tx, actor, run_id, write=True)
    if through_id is not None and not (checks.is_id(through_id) and await numbered.cards(tx, actor, [through_id])):
        through_id = None
    await tx.run(
        SQL.add_input,
        run_id=run_id,
        version_id=version.id,
        through_id=through_id,
        used_as=checks.client_id(used_as, "usedAs"),
    )
    return version


async def add_output(tx: Tx, actor: Actor, run_id: int, version_id: int) -> None:
    """Write down that a run has made a version; doing it again changes nothing.

    Raises:
        VersionNotFound, RunNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he may not write into their projects.
    """
    version = await access.get(tx, actor, version_id)
    access.require_write(actor, version)
    await _require_run(tx, actor, run_id, write=True)
    await tx.run(SQL.add_output, run_id=run_id, version_id=version.id)


async def used_by(
    tx: Tx, actor: Actor, version_id: int, *, limit: int = 100, cursor: str | None = None
) -> Page[RunRef]:
    """List the runs that read a version, of those that the actor sees, the last first.

    Raises:
        VersionNotFound: there is no such version that he sees.
        Invalid: the limit is not 1 to 1000, or the cursor is none of ours.
    """
    version = await access.get(tx, actor, version_id)
    below = _below(limit, cursor)
    seen = sight(actor)
    rows = await tx.all(
        SQL.used_by,
        RunRef,
        version_id=version.id,
        below=below,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return cut(rows, limit, lambda row: (row.id,))


async def created_by(tx: Tx, actor: Actor, version: Version) -> RunRef | None:
    """Return the run that logged a version first, if there was one and the actor sees it."""
    if version.run_id is None:
        return None
    return (await _runs(tx, actor, [version.run_id])).get(version.run_id)


async def inputs(tx: Tx, actor: Actor, run_id: int, *, limit: int = 50, cursor: str | None = None) -> Page[Version]:
    """List the versions that a run read, of those that the actor sees, in the order in which it did.

    Raises:
        RunNotFound: there is no such run that he sees.
        Invalid: the limit is not 1 to 1000, or the cursor is none of ours.
    """
    return await _versions_of_run(tx, actor, SQL.inputs, run_id, limit, cursor)


async def outputs(tx: Tx, actor: Actor, run_id: int, *, limit: int = 50, cursor: str | None = None) -> Page[Version]:
    """List the versions that a run made or logged again, of those that the actor sees, in the order in which it did.

    Raises:
        RunNotFound: there is no such run that he sees.
        Invalid: the limit is not 1 to 1000, or the cursor is none of ours.
    """
    return await _versions_of_run(tx, actor, SQL.outputs, run_id, limit, cursor)


async def count_inputs(tx: Tx, actor: Actor, run_id: int) -> int:
    """Count the versions that a run read, of those that the actor sees.

    Raises:
        RunNotFound: there is no such run that he sees.
    """
    return await _count(tx, actor, SQL.count_inputs, run_id)


async def count_outputs(tx: Tx, actor: Actor, run_id: int) -> int:
    """Count the versions that a run made or logged again, of those that the actor sees.

    Raises:
        RunNotFound: there is no such run that he sees.
    """
    return await _count(tx, actor, SQL.count_outputs, run_id)


async def graph(tx: Tx, actor: Actor, version_id: int, *, depth: int = 3, direction: Direction | str = "both") -> Graph:
    """Return where a version comes from (`up`), what was made of it (`down`), or both, across projects.

    What the actor doesn't see is not there, nor the way through it. A step is one edge: from a version to the run that
    made it, from that to a version that it read, and so on.

    Raises:
        VersionNotFound: there is no such version that the actor sees.
        Invalid: the depth is not 1 to 10, or there is no such direction.
    """
    if not 1 <= depth <= DEEPEST:
        message = f"depth must be 1 to {DEEPEST}."
        raise Invalid(message, field="depth")
    if direction not in DIRECTIONS:
        message = f"direction is one of {', '.join(DIRECTIONS)}."
        raise Invalid(message, field="direction")
    root = await access.get(tx, actor, version_id)
    found = _Found(root.id)
    node = (await _nodes(tx, actor, [root.id], drafts=True)).get(root.id)
    found.versions = {} if node is None else {root.id: node}
    for upwards in (True, False):
        if direction in {"both", "up" if upwards else "down"}:
            await _walk(tx, actor, found, depth, upwards=upwards)
    return Graph(
        root.id,
        list(found.versions.values()),
        list(found.runs.values()),
        [edge for edge in found.edges.values() if edge.run_id in found.runs and edge.version_id in found.versions],
        found.truncated,
    )


class _Found:
    """What a walk has found so far."""

    def __init__(self, root: int) -> None:
        self.root: int = root
        self.versions: dict[int, VersionNode] = {}
        self.runs: dict[int, RunRef] = {}
        self.edges: dict[tuple[int, int, str], Edge] = {}
        self.truncated: bool = False

    def room(self) -> int:
        """Return how many nodes there is room for."""
        return max(MOST_NODES - len(self.versions) - len(self.runs), 0)

    def take(self, edges: Sequence[Edge]) -> None:
        """Keep edges; those to what turns out to be hidden are left out at the end."""
        for edge in edges:
            self.edges.setdefault((edge.run_id, edge.version_id, edge.kind), edge)


async def _walk(tx: Tx, actor: Actor, found: _Found, depth: int, *, upwards: bool) -> None:
    """Go away from the root in one direction, a step at a time, through each node once."""
    versions, runs = {found.root}, set[int]()
    frontier = [found.root]
    for step in range(depth):
        from_versions = step % 2 == 0
        query = SQL.edges_of_versions if from_versions else SQL.edges_of_runs
        # Up from a version leads an output, down from it an input; from a run it is the other way round.
        kind = "output" if from_versions == upwards else "input"
        edges = await tx.all(query, Edge, ids=frontier, kind=kind, limit=_MOST_EDGES, most=_MOST_OF_A_STEP)
        found.truncated |= len(edges) == _MOST_OF_A_STEP
        found.take(edges)
        ends = dict.fromkeys(edge.run_id if from_versions else edge.version_id for edge in edges)
        reached = runs if from_versions else versions
        fresh = [number for number in ends if number not in reached]
        frontier = await _add(tx, actor, found, fresh, versions=not from_versions)
        reached.update(frontier)
        if not frontier:
            return


async def _add(tx: Tx, actor: Actor, found: _Found, ids: Sequence[int], *, versions: bool) -> list[int]:
    """Look at nodes that edges lead to, and keep those that the actor sees, as far as there is room; return these."""
    known = cast("dict[int, VersionNode | RunRef]", found.versions if versions else found.runs)
    seen = await (_nodes if versions else _runs)(tx, actor, [number for number in ids if number not in known])
    room = found.room()
    if len(seen) > room:
        found.truncated = True
    kept = [number for number in ids if number in seen][:room]
    known.update({number: seen[number] for number in kept})
    return [number for number in ids if number in known]


async def _nodes(tx: Tx, actor: Actor, ids: Sequence[int], *, drafts: bool = False) -> dict[int, VersionNode]:
    seen = sight(actor)
    rows = await tx.all(
        SQL.version_nodes,
        VersionNode,
        ids=list(ids),
        drafts=drafts,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return {row.id: row for row in rows}


async def _runs(tx: Tx, actor: Actor, ids: Sequence[int]) -> dict[int, RunRef]:
    seen = sight(actor)
    rows = await tx.all(SQL.run_refs, RunRef, ids=list(ids), everything=seen.everything, accounts=seen.accounts)
    return {row.id: row for row in rows}


async def _require_run(tx: Tx, actor: Actor, run_id: int, *, write: bool = False) -> RunRef:
    """Return a run that the actor sees and, if need be, may write to."""
    found = (await _runs(tx, actor, [run_id])).get(run_id) if checks.is_id(run_id) else None
    if found is None:
        raise RunNotFound
    if write:
        require(actor, Permission.PROJECT_WRITE, owner_id=found.owner_id, visibility="public")
    return found


async def _versions_of_run(
    tx: Tx, actor: Actor, query: Query, run_id: int, limit: int, cursor: str | None
) -> Page[Version]:
    run = await _require_run(tx, actor, run_id)
    _check_limit(limit)
    at, last = decode_cursor(cursor, datetime, int) if cursor else (None, None)
    seen = sight(actor)
    rows = await tx.rows(
        query,
        run_id=run.id,
        at=at,
        last=last,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    shown = cut(rows, limit, lambda row: (row[1], row[0]))
    found = await access.by_ids(tx, actor, [row[0] for row in shown.rows])
    return Page([found[row[0]] for row in shown.rows if row[0] in found], shown.next)


async def _count(tx: Tx, actor: Actor, query: Query, run_id: int) -> int:
    run = await _require_run(tx, actor, run_id)
    seen = sight(actor)
    return int(await tx.value(query, run_id=run.id, everything=seen.everything, accounts=seen.accounts))


def _below(limit: int, cursor: str | None) -> int:
    _check_limit(limit)
    return decode_cursor(cursor, int)[0] if cursor else checks.LAST_ID


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
