"""The record: who did what, when, through which API, and why. Append-only, in the transaction of the deed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, json, load
from pinakes.server.errors import CollectionNotFound, Invalid
from pinakes.server.events.reading import Names, Reader, Showing, items_of, owners_of
from pinakes.server.events.types import Event, Face, Feed, Row, Subject
from pinakes.server.paging import BigInt, Page, decode_cursor, encode_cursor

SQL = load(__package__)

NOW = "now"
_START = "0.0"
_CURSOR = re.compile(r"([0-9]{1,20})\.([0-9]{1,19})")
_PUBLIC_ID = re.compile(r"(?:[^\x00]*-)?([0-9a-f]{24})")
_TXIDS = range(2**64)
_IDS = range(2**63)

# A call looks at this many events at most: a reader who may see few of them gets a cursor and goes on.
_SPAN = 500
_ROUNDS = 6


async def record(
    tx: Tx,
    actor: Actor,
    verb: str,
    *,
    account_id: int | None = None,
    item_id: int | None = None,
    collection_id: int | None = None,
    revision: int | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str | None = None,
) -> None:
    """Write down what somebody did.

    Args:
        tx: The transaction that does it: without its commit there is no record either.
        actor: Who does it, and with which credential.
        verb: What is done, as `noun.past-tense`.
        account_id: The account it is about (people, organizations), if any.
        item_id: The item it is about, if any.
        collection_id: The collection it is about, if any.
        revision: The revision of that collection that it makes, if any.
        before: What was. Items only by id: who reads the record may not be allowed to see their names.
        after: What is now, in the same way.
        reason: Why, in the actor's words.
    """
    await tx.run(
        SQL.record,
        verb=verb,
        actor_id=actor.user_id,
        token_id=actor.token_id,
        api=actor.api,
        request_id=actor.request_id,
        account_id=account_id,
        item_id=item_id,
        collection_id=collection_id,
        revision=revision,
        before=json(before) if before is not None else None,
        after=json(after) if after is not None else None,
        reason=reason,
    )


async def feed(
    tx: Tx, actor: Actor, *, after: str | None, limit: int, collection: str | None = None, verb: str | None = None
) -> Feed:
    """Read on in the record, oldest first.

    What is shown once has nothing appear behind it later: the feed ends before the oldest transaction that still runs.

    Args:
        tx: Where to read.
        actor: Who reads; he gets what he may see now.
        after: The cursor to go on from; None for the beginning, "now" for what comes from now on.
        limit: The most events to return.
        collection: Only what is about this collection: its public id, or what ends in `-` and it.
        verb: Only this verb.

    Raises:
        Invalid: (field `after`) it is not a cursor of the feed.
        CollectionNotFound: there is no such collection that the reader sees.
    """
    position = await head(tx) if after == NOW else after or _START
    parse_cursor(position)
    reader = Reader.of(actor)
    subject = await _subject(tx, reader, collection) if collection is not None else None
    found: list[Row] = []
    more = True
    for _ in range(_ROUNDS):
        rows = await scan(tx, position, _SPAN, collection_id=subject)
        position = rows[-1].cursor if rows else position
        more = len(rows) == _SPAN
        found += [row for row in rows if (verb is None or row.verb == verb) and reader.sees(row)]
        if len(found) >= limit or not more:
            break
    if len(found) > limit:
        found, more = found[:limit], True
        position = found[-1].cursor
    return Feed(await _shown(tx, reader, found), position, more)


async def history(tx: Tx, actor: Actor, collection_id: int, *, limit: int, cursor: str | None = None) -> Page[Event]:
    """Read what was done to a collection, newest first. Who may not see the collection gets nothing."""
    below = decode_cursor(cursor, BigInt)[0] if cursor else 2**63 - 1
    rows = await tx.all(SQL.history, Row, collection_id=collection_id, below=below, limit=limit + 1)
    reader = Reader.of(actor)
    if not all(reader.sees(row) for row in rows[:1]):
        return Page([])
    page = rows[:limit]
    return Page(await _shown(tx, reader, page), encode_cursor(page[-1].id) if len(rows) > limit else None)


async def scan(tx: Tx, after: str, limit: int, *, collection_id: int | None = None) -> list[Row]:
    """Return the next events behind a cursor as they are kept, whoever may see them: judge them before showing any."""
    txid, id_ = parse_cursor(after)
    if collection_id is None:
        return await tx.all(SQL.feed, Row, txid=txid, id=id_, limit=limit)
    return await tx.all(SQL.feed_of_collection, Row, collection_id=collection_id, txid=txid, after_id=id_, limit=limit)


async def names(tx: Tx, rows: Sequence[Row]) -> Names:
    """Look up what all ids in events stand for."""
    ids, owners = items_of(rows), owners_of(rows)
    faces = await tx.all(SQL.faces, Face, ids=ids) if ids else []
    accounts = await tx.rows(SQL.owners, ids=owners) if owners else []
    return Names({face.id: face for face in faces}, dict(accounts))


async def head(tx: Tx) -> str:
    """Return the cursor from which on everything is yet to come."""
    return f"{await tx.value(SQL.head)}.0"


async def forget(tx: Tx, collection_id: int) -> None:
    """Drop what the events of a collection that is purged say about its content; who did what and when stays."""
    await tx.run(SQL.forget, collection_id=collection_id)


async def purge(tx: Tx, before: datetime) -> int:
    """Drop what happened before a moment, and return how much it was. Revisions from before then lose their authors."""
    return await tx.run(SQL.purge, before=before)


def parse_cursor(text: str) -> tuple[str, int]:
    """Read a cursor of the feed."""
    match = _CURSOR.fullmatch(text)
    if match is None or int(match[1]) not in _TXIDS or int(match[2]) not in _IDS:
        message = "This is not a cursor of the feed: take `next` from an answer, or an event's `cursor`."
        raise Invalid(message, field="after")
    return match[1], int(match[2])


async def _subject(tx: Tx, reader: Reader, collection: str) -> int:
    match = _PUBLIC_ID.fullmatch(collection)
    found = await tx.one(SQL.subject, Subject, public_id=match[1]) if match else None
    if found is None or not reader.sees(found):
        raise CollectionNotFound
    return found.id


async def _shown(tx: Tx, reader: Reader, rows: Sequence[Row]) -> list[Event]:
    known = await names(tx, rows)
    showing = Showing(known, reader)
    return [event for row in rows if (event := showing.event(row)) is not None]
