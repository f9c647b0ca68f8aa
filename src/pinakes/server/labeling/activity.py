"""What people did in an account, for who manages it: from the record, and from the work in its queues."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, load
from pinakes.server.labeling import queue_checks
from pinakes.server.labeling.queue_types import Deed, DeedRow
from pinakes.server.people import teams
from pinakes.server.permissions.service import require
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "activity.sql")


async def page(
    tx: Tx,
    actor: Actor,
    account_id: int,
    verbs: Collection[str],
    *,
    actors: Sequence[int] | None = None,
    projects: Sequence[int] | None = None,
    jobs: Sequence[int] | None = None,
    labelers: Sequence[int] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 500,
    offset: int = 0,
) -> tuple[list[Deed], int]:
    """Return a page of what was done in an account, newest first, and how much there is in all.

    Args:
        tx: Where to read.
        actor: Who reads.
        account_id: The account: what is in its projects, and its people.
        verbs: What is wanted: verbs of the record (`dataset.created`), those of the work in queues with `work.` before
            them (`work.submitted`), and `work.timed`: how long somebody had an item.
        actors: Only what these people did.
        projects: Only in these.
        jobs: Only in these.
        labelers: Only with what these people labeled.
        since: Only from then on.
        until: Only up to then.
        limit: How many rows.
        offset: How many rows before them.

    Raises:
        Unauthenticated, AccountNotFound: there is none that the actor has to do with.
        Forbidden, ScopeTooNarrow: he does not manage it.
        Invalid: a limit or offset out of bounds.
    """
    where = await teams.workplace(tx, actor, account_id)
    require(actor, Permission.ORGANIZATION_MANAGE, owner_id=where.id, seen=True)
    rows = await tx.all(
        SQL.deeds,
        DeedRow,
        account_id=where.id,
        verbs=sorted(verbs),
        actors=_ids(actors),
        projects=_ids(projects),
        jobs=_ids(jobs),
        labelers=_ids(labelers),
        since=since,
        until=until,
        **queue_checks.paged(limit, offset),
    )
    return [deed for row in rows if (deed := _deed(row)) is not None], rows[0].total


def _ids(wanted: Sequence[int] | None) -> list[int] | None:
    return None if wanted is None else queue_checks.possible(wanted)


def _deed(row: DeedRow) -> Deed | None:
    """Return a row as a deed; None for that which only says how many there are."""
    if row.at is None or row.verb is None:
        return None
    return Deed(
        at=row.at,
        verb=row.verb,
        actor_id=row.actor_id,
        actor=row.actor,
        project_id=row.project_id,
        project=row.project,
        dataset_id=row.dataset_id,
        dataset=row.dataset,
        item_id=row.item_id,
        item=row.item,
        job_id=row.job_id,
        job=row.job,
        seconds=row.seconds,
        facts=row.facts or {},
    )
