"""What people did in an account, for who manages it: from the record, from the work in its queues, and from its labels.

Saving labels writes nothing for this: who drew a figure, and when, is kept with it, and with what is kept of figures
that were changed, removed or brought back. Who put a tag on something is known as long as it is there; that some were
put there, and that some were taken away, is in the record. Of objects it is not kept who removed them: they are told of
by their figures and tags only. What was on items that are purged is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, load
from pinakes.server.labeling import queue_checks
from pinakes.server.people import teams
from pinakes.server.permissions.service import require
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "activity.sql")


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did in an account.

    Attributes:
        verb: As the record has it; of the work with items in queues `work.` and the step; of figures `figure.` and what
            was done (created, changed, removed, restored); `tag.attached`: of one tag that is still there.
        figure_id: The figure that it was done to, or that the tag is on; it may be gone.
        class_id: The class of the figure, or of the object that the tag is on.
        seconds: How long an item was with who handed it in or back.
        facts: What the record says of it besides.
    """

    at: datetime
    verb: str
    actor_id: int | None
    actor: str | None
    project_id: int | None
    project: str | None
    dataset_id: int | None
    dataset: str | None
    item_id: int | None
    item: str | None
    class_id: int | None
    label_class: str | None
    figure_id: int | None
    tag_id: int | None
    tag: str | None
    job_id: int | None
    job: str | None
    seconds: float | None
    facts: dict[str, Any]


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
    rows = await tx.rows(
        SQL.deeds,
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
    # A page beyond the last is one row that only says how many there are.
    total = rows[0][0]
    return [Deed(*row[1:]) for row in rows if row[1] is not None], total


def _ids(wanted: Sequence[int] | None) -> list[int] | None:
    return None if wanted is None else queue_checks.possible(wanted)
