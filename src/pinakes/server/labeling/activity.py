"""What people did in an account, for who manages it: from the record, from the work in its queues, and from its labels.

Saving labels writes nothing for this: who drew a figure, and when, is kept with it, and with what is kept of figures
that were changed, removed or brought back. Who put a tag on something is known as long as it is there; that some were
put there, and that some were taken away, is in the record. Of objects it is not kept who removed them: they are told of
by their figures and tags only. What was on items that are purged is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, load
from pinakes.server.labeling import queue_checks
from pinakes.server.labeling.activity_types import Deed, DeedRow
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
            them (`work.submitted`), `work.timed`: how long somebody had an item, and those of labels (see `Deed`).
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
    return [_deed(row) for row in rows if row.verb is not None], rows[0].total


def _deed(row: DeedRow) -> Deed:
    return Deed(**{field.name: getattr(row, field.name) for field in fields(Deed)})


def _ids(wanted: Sequence[int] | None) -> list[int] | None:
    return None if wanted is None else queue_checks.possible(wanted)
