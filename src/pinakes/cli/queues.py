# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes queues …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Asked, Common, confirmed
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.queues import Job, LogLine, Next, PersonStatistics, Queue, QueueItem, QueueStatistics, Task
    from pinakes.sdk._sync.client import Client

app = App(name="queues", help="Have collections and datasets labeled; label and review.")

Flag = Annotated[bool, Parameter(negative="")]
Names = Annotated[list[str] | None, Parameter(negative="")]
Part = Literal["annotate", "review", "check"]
State = Literal["waiting", "held", "done", "checked", "accepted", "rejected", "skipped"]
Status = Literal["pending", "in_progress", "on_review", "review_completed", "completed", "stopped"]


def _columns() -> list[Column[Queue]]:
    return [
        Column("id", lambda q: q.id, style="cyan", right=True),
        Column("name", lambda q: q.name),
        Column("over", lambda q: q.collection_name or q.dataset_name),
        Column("status", lambda q: q.status),
        Column("items", lambda q: q.counts.items if q.counts else None, right=True),
        Column("pending", lambda q: q.counts.pending if q.counts else None, right=True),
        Column("in progress", lambda q: q.counts.in_progress if q.counts else None, right=True),
        Column("on review", lambda q: q.counts.on_review if q.counts else None, right=True),
        Column("accepted", lambda q: q.counts.accepted if q.counts else None, right=True),
    ]


def _fields() -> list[Column[Queue]]:
    return [
        *_columns(),
        Column("project", lambda q: f"{q.account}/{q.project_name}"),
        Column("collection", lambda q: q.collection),
        Column("dataset", lambda q: q.dataset),
        Column("people", lambda q: [f"{one.user} ({one.part}, job {one.job})" for one in q.people]),
        Column("annotators for each", lambda q: q.overlap),
        Column("lease", lambda q: f"{q.lease_seconds} s"),
        Column("description", lambda q: q.description),
        Column("created by", lambda q: q.created_by),
        Column("created", lambda q: q.created_at),
    ]


def _task_columns() -> list[Column[Task]]:
    return [
        Column("item", lambda t: t.item, style="cyan", right=True),
        Column("state", lambda t: t.state or "waiting"),
        Column("job", lambda t: t.job, right=True),
        Column("comment", lambda t: t.comment),
    ]


@app.command
def ls(
    *,
    project: str | None = None,
    collection: str | None = None,
    dataset: str | None = None,
    status: Status | None = None,
    limit: int = 100,
    common: Common = DEFAULT,
) -> None:
    """List the queues that you see, or work in.

    Args:
        project: In this project, OWNER/PROJECT or its number.
        collection: Over this collection.
        dataset: Over this dataset.
        status: Of this status.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.queues.list(project=project, collection=collection, dataset=dataset, status=status).first(limit)
        common.output.rows(rows, _columns(), name=lambda q: q.id, nothing="No queues.")


@app.command
def create(
    name: str,
    *,
    collection: str | None = None,
    dataset: str | None = None,
    labeler: Names = None,
    reviewer: Names = None,
    checker: Names = None,
    class_: Annotated[list[str] | None, Parameter(name="--class", negative="")] = None,
    tag: Names = None,
    overlap: int | None = None,
    blind: Flag = False,
    lease: int | None = None,
    description: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Make a queue over a collection or a dataset, which may be empty yet: its content is the queue's, always.

    Args:
        name: Its name.
        collection: The selection that it is over, by its id or slug; or:
        dataset: The dataset, OWNER/PROJECT/DATASET or its number.
        labeler: Who labels; several times for several.
        reviewer: Who accepts and rejects; several times for several.
        checker: Who checks before that; several times for several.
        class_: A class to use; several times for several.
        tag: A tag to use; several times for several.
        overlap: How many people label each item.
        blind: Labelers see only their own labels.
        lease: For how many seconds an item stays with somebody who is silent.
        description: What is to be done.
    """
    settings: dict[str, Any] = {"classes": class_ or [], "tags": tag or []}
    with common.client() as client:
        made = client.queues.create(
            name,
            collection=collection,
            dataset=dataset,
            labelers=labeler or (),
            reviewers=reviewer or (),
            checkers=checker or (),
            settings=settings,
            description=description,
            overlap=overlap,
            blind=blind or None,
            lease_seconds=lease,
        )
    common.output.one(made, _fields(), name=lambda q: q.id)


@app.command
def info(queue: int, *, common: Common = DEFAULT) -> None:
    """Show a queue, its people and its counts.

    Args:
        queue: Its number.
    """
    with common.client() as client:
        common.output.one(client.queues.get(queue), _fields(), name=lambda q: q.id)


@app.command
def update(
    queue: int,
    *,
    name: str | None = None,
    description: str | None = None,
    overlap: int | None = None,
    lease: int | None = None,
    status: Status | None = None,
    common: Common = DEFAULT,
) -> None:
    """Change a queue, or start (in_progress), stop (stopped) or complete (completed) it.

    Args:
        queue: Its number.
        name: Its name.
        description: What is to be done.
        overlap: How many people label each item.
        lease: For how many seconds an item stays with somebody who is silent.
        status: What its status shall be.
    """
    with common.client() as client:
        found = client.queues.get(queue)
        if any(value is not None for value in (name, description, overlap, lease)):
            found = client.queues.update(
                queue, name=name, description=description, overlap=overlap, lease_seconds=lease
            )
        if status is not None:
            found = client.queues.set_status(queue, status)
    common.output.one(found, _fields(), name=lambda q: q.id)


@app.command
def people(
    queue: int,
    *,
    labeler: Names = None,
    reviewer: Names = None,
    checker: Names = None,
    remove: Annotated[list[int] | None, Parameter(negative="")] = None,
    common: Common = DEFAULT,
) -> None:
    """Take people into a queue, or out of it; without an option, show who is in it.

    Args:
        queue: Its number.
        labeler: Who labels, too; several times for several.
        reviewer: Who reviews, too.
        checker: Who checks, too.
        remove: A job to end; what it holds goes back into the pool.
    """
    with common.client() as client:
        found = client.queues.get(queue)
        if labeler or reviewer or checker:
            found = client.queues.add_people(
                queue, labelers=labeler or (), reviewers=reviewer or (), checkers=checker or ()
            )
        if remove:
            found = client.queues.remove_people(queue, remove)
    common.output.rows(
        found.people,
        [
            Column("user", lambda one: one.user, style="cyan"),
            Column("part", lambda one: one.part),
            Column("job", lambda one: one.job, right=True),
        ],
        name=lambda one: one.job,
        nothing="Nobody.",
    )


@app.command
def items(
    queue: int,
    *,
    state: Annotated[list[State] | None, Parameter(negative="")] = None,
    text: str | None = None,
    limit: int = 100,
    common: Common = DEFAULT,
) -> None:
    """List a queue's items: where each stands, and through whose hands it went.

    Args:
        queue: Its number.
        state: Only in this state; several times for several.
        text: With this in its name.
        limit: How many at most.
    """
    columns: list[Column[QueueItem]] = [
        Column("item", lambda i: i.item, style="cyan", right=True),
        Column("name", lambda i: i.name),
        Column("state", lambda i: i.state or "waiting"),
        Column("labeler", lambda i: i.labeler),
        Column("reviewer", lambda i: i.reviewer),
        Column("labels", lambda i: i.label_count, right=True),
        Column("rejections", lambda i: i.rejections, right=True),
        Column("comment", lambda i: i.comment),
    ]
    with common.client() as client:
        rows = client.queues.items(queue, state=state, text=text).first(limit)
        common.output.rows(rows, columns, name=lambda i: i.item, nothing="No items.")


@app.command
def prioritize(queue: int, *item: int, priority: int = 1, common: Common = DEFAULT) -> None:
    """Have items given out before the others, or (with a priority below 0) after them.

    Args:
        queue: Its number.
        item: The items' numbers.
        priority: -1000 to 1000; the others have 0.
    """
    with common.client() as client:
        count = client.queues.set_priority(queue, item, priority)
    common.output.done(f"{count:,} items wait, or are held.", items=count)


@app.command
def jobs(*, queue: int | None = None, mine: Flag = False, limit: int = 100, common: Common = DEFAULT) -> None:
    """List jobs: everybody's part in a queue.

    Args:
        queue: Only of this queue.
        mine: Only your own.
        limit: How many at most.
    """
    columns: list[Column[Job]] = [
        Column("id", lambda j: j.id, style="cyan", right=True),
        Column("queue", lambda j: j.queue, right=True),
        Column("name", lambda j: j.name),
        Column("user", lambda j: j.user),
        Column("part", lambda j: j.part),
        Column("status", lambda j: j.status),
        Column("items", lambda j: j.counts.items, right=True),
        Column("finished", lambda j: j.counts.finished, right=True),
    ]
    with common.client() as client:
        rows = client.jobs.list(queue=queue, mine=mine).first(limit)
        common.output.rows(rows, columns, name=lambda j: j.id, nothing="No jobs.")


def _job(client: Client, queue: int, part: Part) -> int:
    """Return one's own job in a queue."""
    return client.queues.job_of(queue, client.users.me().name, part)


@app.command(name="next")
def next_(queue: int, *, part: Part = "annotate", common: Common = DEFAULT) -> None:
    """Be given the next item; with --json with its labels. What you hold already comes first.

    Args:
        queue: Its number.
        part: Which of your parts in it.
    """
    with common.client() as client:
        found = client.jobs.next(_job(client, queue, part))
    output = common.output
    if found is None:
        if output.json:
            output.data(None)
        output.hint("Nothing is left.")
        return
    fields: list[Column[Next]] = [
        Column("item", lambda one: one.given.item if one.given else None),
        Column("name", lambda one: one.medium.name if one.medium else None),
        Column("state", lambda one: one.given.state if one.given else None),
        Column("yours until", lambda one: one.given.lease_until if one.given else None),
        Column("labels", lambda one: len(one.annotation.figures) if one.annotation else None),
        Column("draft", lambda one: one.draft is not None),
    ]
    output.one(found, fields, name=lambda one: one.given.item if one.given else "")


@app.command
def submit(queue: int, *item: int, labels: Asked[Path | None] = None, common: Common = DEFAULT) -> None:
    """Hand items in.

    Args:
        queue: Its number.
        item: The items' numbers.
        labels: The labels of the item (of one), as JSON, which are put in the same step; - for standard input.
    """
    from pinakes.cli.labels import annotation_of
    from pinakes.sdk.errors import Invalid

    with common.client() as client:
        job = _job(client, queue, "annotate")
        if labels is None:
            done = client.jobs.submit_many(job, item)
        elif len(item) == 1:
            done = [client.jobs.submit(job, item[0], annotation_of(labels))]
        else:
            message = "Labels are those of one item: name that one."
            raise Invalid(message, code="invalid", field="item")
    common.output.rows(done, _task_columns(), name=lambda t: t.item)


@app.command
def skip(queue: int, item: int, *, again: Flag = False, comment: str | None = None, common: Common = DEFAULT) -> None:
    """Hand an item back, behind all that wait.

    Args:
        queue: Its number.
        item: The item's number.
        again: It may be given to you again.
        comment: Why.
    """
    with common.client() as client:
        job = _job(client, queue, "annotate")
        done = client.jobs.skip(job, item, for_me=not again, comment=comment)
    common.output.one(done, _task_columns(), name=lambda t: t.item)


@app.command
def accept(
    queue: int,
    *item: int,
    part: Literal["review", "check"] = "review",
    comment: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Accept items, all of them or none.

    Args:
        queue: Its number.
        item: The items' numbers.
        part: Which of your parts in it.
        comment: In your words.
    """  # fmt: skip
    with common.client() as client:
        done = client.jobs.accept(_job(client, queue, part), item, comment=comment)
    common.output.rows(done, _task_columns(), name=lambda t: t.item)


@app.command
def reject(
    queue: int,
    *item: int,
    part: Literal["review", "check"] = "review",
    comment: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Reject items: they go back to who labeled them.

    Args:
        queue: Its number.
        item: The items' numbers.
        part: Which of your parts in it.
        comment: What is wrong.
    """  # fmt: skip
    with common.client() as client:
        done = client.jobs.reject(_job(client, queue, part), item, comment=comment)
    common.output.rows(done, _task_columns(), name=lambda t: t.item)


@app.command
def stats(queue: int, *, csv: Flag = False, file: Path | None = None, common: Common = DEFAULT) -> None:
    """Show what a queue came to so far; with --csv a line for each item.

    Args:
        queue: Its number.
        csv: Write a table of all items.
        file: Where the table goes; the standard output without it.
    """
    with common.client() as client:
        if csv or file is not None:
            client.queues.export_statistics(queue, sys.stdout.buffer if file is None else file)
            sys.stdout.flush()
            return
        found = client.queues.statistics(queue)
    _show(found, common)


def _show(found: QueueStatistics, common: Common) -> None:
    if common.output.json:
        common.output.data(found)
        return
    columns: list[Column[PersonStatistics]] = [
        Column("user", lambda p: p.user, style="cyan"),
        Column("labeled", lambda p: p.labeled, right=True),
        Column("accepted", lambda p: p.accepted, right=True),
        Column("rejected", lambda p: p.rejected, right=True),
        Column("rejections", lambda p: p.rejections, right=True),
        Column("labeling s", lambda p: round(p.labeling_seconds, 1), right=True),
        Column("reviewed", lambda p: p.reviewed, right=True),
        Column("review s", lambda p: round(p.review_seconds, 1), right=True),
    ]
    common.output.rows(found.people, columns, name=lambda p: p.user, nothing="Nobody did anything yet.")
    counts = found.counts
    common.output.hint(
        f"{counts.items:,} items: {counts.pending:,} pending, {counts.in_progress:,} in progress, "
        f"{counts.on_review:,} on review, {counts.accepted:,} accepted."
    )
    if found.agreement is not None:
        common.output.hint(f"Those who labeled the same items agree by {found.agreement:.2f}.")


@app.command
def log(queue: int, *, item: int | None = None, limit: int = 100, common: Common = DEFAULT) -> None:
    """Show what was done in a queue.

    Args:
        queue: Its number.
        item: Only about this item.
        limit: How many at most.
    """
    columns: list[Column[LogLine]] = [
        Column("at", lambda one: one.at),
        Column("item", lambda one: one.item, right=True),
        Column("what", lambda one: one.verb),
        Column("who", lambda one: one.actor),
        Column("seconds", lambda one: one.seconds, right=True),
        Column("comment", lambda one: one.comment),
    ]
    with common.client() as client:
        rows = client.queues.log(queue, item=item).first(limit)
        common.output.rows(rows, columns, name=lambda one: one.item, nothing="Nothing was done yet.")


@app.command
def rm(queue: int, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Remove a queue with its jobs; labels and items stay.

    Args:
        queue: Its number.
        missing_ok: That there is none is no mistake.
        yes: Yes, with its jobs.
    """
    confirmed(f"pinakes queues rm {queue} --yes", given=yes)
    with common.client() as client:
        client.queues.delete(queue, missing_ok=missing_ok)
    common.output.done("The queue is gone.", removed=queue)
