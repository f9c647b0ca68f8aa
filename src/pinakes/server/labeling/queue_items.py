"""The items of a queue or job, with their states, in pages.

A queue may have a million items, of which most wait and have no row of their own. So its list has two parts: the items
that have been given out, by id, and behind them those that nobody was given yet, in the source's order. A page is read
from where it begins in either part; other orders need a look at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pinakes.server.actor import Actor
from pinakes.server.collections.change import view
from pinakes.server.db import Part, Tx
from pinakes.server.errors import CollectionNotFound, Invalid
from pinakes.server.labeling import hiding, queue_checks
from pinakes.server.labeling.label_checks import text as plain
from pinakes.server.labeling.queue_access import SQL, job_facts, whole_queue
from pinakes.server.labeling.queue_types import ItemsPage, QueueItem, Standings
from pinakes.server.paging import decode_cursor, encode_cursor
from pinakes.server.permissions.service import sight

_ORDERS: dict[tuple[str, bool], Part] = {
    ("id", False): Part("c.item_id"),
    ("id", True): Part("c.item_id desc"),
    ("name", False): Part("i.name"),
    ("name", True): Part("i.name desc"),
    ("state", False): Part("c.state nulls first"),
    ("state", True): Part("c.state desc nulls last"),
    ("labeling_seconds", False): Part("c.labeling_seconds"),
    ("labeling_seconds", True): Part("c.labeling_seconds desc"),
    ("review_seconds", False): Part("c.review_seconds"),
    ("review_seconds", True): Part("c.review_seconds desc"),
    ("total_seconds", False): Part("c.labeling_seconds + c.review_seconds"),
    ("total_seconds", True): Part("c.labeling_seconds + c.review_seconds desc"),
    ("label_count", False): Part("(select m.label_count from media as m where m.item_id = c.item_id)"),
    ("label_count", True): Part("(select m.label_count from media as m where m.item_id = c.item_id) desc"),
    ("reviewed_at", False): Part("c.reviewed_at nulls first"),
    ("reviewed_at", True): Part("c.reviewed_at desc nulls last"),
}
SORTS = tuple(sorted({name for name, _ in _ORDERS}))


class _Span(NamedTuple):
    """Which rows of a list to read: so many, from an offset or behind a cursor."""

    limit: int
    offset: int
    cursor: str | None


async def of_queue(
    tx: Tx,
    actor: Actor,
    queue_id: int,
    *,
    states: Sequence[str | None] | None = None,
    item_ids: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    text: str | None = None,
    in_collection: int | None = None,
    not_in_collection: int | None = None,
    job_id: int | None = None,
    sort: str | None = None,
    descending: bool = False,
    limit: int = 25,
    offset: int = 0,
    cursor: str | None = None,
) -> ItemsPage:
    """Return a page of a queue's items; with several annotators of each, as the first of them left it.

    Args:
        tx: Where to read.
        actor: Who reads.
        queue_id: The queue.
        states: Only items in one of these; None among them stands for waiting.
        item_ids: Only these; `names`: only of these names; `text`: only with that in the name, in any case.
        names: See there.
        text: See there.
        in_collection: Only items of that collection; `not_in_collection`: only others.
        not_in_collection: See there.
        job_id: Only what that job of the queue has or reviews.
        sort: See `SORTS`; None: those given out by id, then the others in the source's order, which is the quick one.
        descending: Whether from the end of that order.
        limit: How many rows; exactly so many, while there are.
        offset: How many rows before them; or
        cursor: `next` of the page before, where `sort` is None and nothing but states is asked for.

    Raises:
        QueueNotFound: there is no such queue that the actor sees.
        Forbidden: he only works in it.
        CollectionNotFound: there is no such collection that he sees.
        Invalid: an unknown state or order; a limit or offset out of bounds; a cursor of another list.
    """
    wanted = queue_checks.states(states)
    await whole_queue(tx, actor, queue_id, listed=True)
    for collection in (in_collection, not_in_collection):
        if collection is not None and not queue_checks.possible([collection]):
            raise CollectionNotFound
        if collection is not None:
            await view(tx, actor, collection)
    span = _span(limit, offset, cursor)
    narrowed = (item_ids, names, text, in_collection, not_in_collection, job_id)
    if sort is None and not any(value is not None for value in narrowed):
        return await _shown(tx, actor, queue_id, await _in_parts(tx, queue_id, wanted, span))
    if cursor is not None:
        message = "A cursor reads a list on in its own order, without filters but states; use offset here."
        raise Invalid(message, field="cursor")
    asked = {
        "queue_id": queue_id,
        "worker": None,
        "states": wanted,
        "items": None if item_ids is None else queue_checks.possible(item_ids),
        "names": queue_checks.storable(names),
        "text": None if text is None else plain(text, "text"),
        "in_collection": in_collection,
        "not_in_collection": not_in_collection,
        "job_id": queue_checks.some(job_id),
    }
    total = None
    if not any(value is not None for value in narrowed):
        total = _total(await _standings(tx, queue_id), wanted)
    return await _shown(tx, actor, queue_id, await _sorted(tx, asked, (sort or "id", descending), span, total))


async def of_job(
    tx: Tx,
    actor: Actor,
    job_id: int,
    *,
    states: Sequence[str | None] | None = None,
    limit: int = 10_000,
    offset: int = 0,
    sort: str | None = None,
    descending: bool = False,
) -> ItemsPage:
    """Return a page of what a job has, by id unless said: what its labeler was given, or what is in its review.

    Raises:
        JobNotFound: there is no such job that the actor sees.
        Invalid: an unknown state or order; a limit or offset out of bounds.
    """
    wanted = queue_checks.states(states)
    job = await job_facts(tx, actor, job_id)
    nothing = dict.fromkeys(("items", "names", "text", "in_collection", "not_in_collection"))
    # Who works blind sees there as many labels as he made.
    worker = None if sight(actor).sees("private", job.account_id) else actor.user_id
    asked = {"queue_id": job.queue_id, "job_id": job.id, "worker": worker, "states": wanted, **nothing}
    page = await _sorted(tx, asked, (sort or "id", descending), _span(limit, offset, None))
    return await _shown(tx, actor, job.queue_id, page)


def nameless(actor: Actor, row: QueueItem) -> QueueItem:
    """Return an item of a queue without who labeled it, unless that was the actor."""
    return row if row.labeler_id == actor.user_id else replace(row, labeler_id=None, labeler=None)


async def _shown(tx: Tx, actor: Actor, queue_id: int, page: ItemsPage) -> ItemsPage:
    """Leave out of a page who labeled, where the actor reviews in the queue and is not to know."""
    if all(row.labeler_id in {None, actor.user_id} for row in page.rows):
        return page
    if queue_id not in await hiding.queue_ids(tx, actor):
        return page
    return replace(page, rows=[nameless(actor, row) for row in page.rows])


async def _sorted(
    tx: Tx, asked: Mapping[str, object], order: tuple[str, bool], span: _Span, total: int | None = None
) -> ItemsPage:
    """Read a page in any order; how many there are is counted, unless it is known."""
    if order not in _ORDERS:
        message = f"A queue's items are sorted by one of: {', '.join(SORTS)}."
        raise Invalid(message, field="sort")
    query = SQL.items_sorted.with_parts(order=_ORDERS[order])
    rows = await tx.all(query, QueueItem, limit=span.limit, offset=span.offset, **asked)
    if len(rows) < span.limit and (rows or not span.offset):
        return ItemsPage(rows, span.offset + len(rows))
    if total is None:
        counted = {key: value for key, value in asked.items() if key != "worker"}
        total = int(await tx.value(SQL.count_items, **counted))
    return ItemsPage(rows, total)


async def _in_parts(tx: Tx, queue_id: int, wanted: list[str] | None, span: _Span) -> ItemsPage:
    counts = await _standings(tx, queue_id)
    given = _given(counts, wanted)
    waiting = _total(counts, wanted) - given
    after, key = (0, None) if span.cursor is None else decode_cursor(span.cursor, int, bytes | None)
    rows: list[QueueItem] = []
    if key is None and span.offset < given and span.limit:
        asked = {"queue_id": queue_id, "states": wanted, "after": after}
        rows = await tx.all(SQL.items_given, QueueItem, limit=span.limit, offset=span.offset, **asked)
    if len(rows) < span.limit and waiting:
        rest = _rest(span, rows, given)
        rows += await tx.all(
            SQL.items_untouched, QueueItem, queue_id=queue_id, after=key, limit=rest.limit, offset=rest.offset
        )
    return ItemsPage(rows, given + waiting, await _next(tx, queue_id, rows) if len(rows) == span.limit else None)


def _rest(span: _Span, rows: Sequence[QueueItem], given: int) -> _Span:
    """Return what is left to read of a span behind the part that is read."""
    return span._replace(limit=span.limit - len(rows), offset=0 if rows else max(0, span.offset - given))


async def _next(tx: Tx, queue_id: int, rows: Sequence[QueueItem]) -> str | None:
    if not rows:
        return None
    last = rows[-1]
    if last.round is not None:
        return encode_cursor(last.item_id, None)
    return encode_cursor(last.item_id, await tx.value(SQL.key_of_untouched, queue_id=queue_id, item_id=last.item_id))


async def _standings(tx: Tx, queue_id: int) -> Standings:
    counts = await tx.one(SQL.counts_of, Standings, queue_id=queue_id)
    assert counts is not None
    return counts


def _total(counts: Standings, wanted: list[str] | None) -> int:
    """Return how many items are in some states, with those that nobody was given yet."""
    return _given(counts, wanted) + (counts.untouched if wanted is None or "pending" in wanted else 0)


def _given(counts: Standings, wanted: list[str] | None) -> int:
    """Return how many items with a row of their own are in some states."""
    by_state = {
        "pending": counts.back + counts.expired,
        "held": counts.held,
        "done": counts.done,
        "checked": counts.checked,
        "accepted": counts.accepted,
        "rejected": counts.rejected,
        "skipped": counts.skipped,
    }
    return sum(count for state, count in by_state.items() if wanted is None or state in wanted)


def _span(limit: int, offset: int, cursor: str | None) -> _Span:
    return _Span(**queue_checks.paged(limit, offset), cursor=cursor)
