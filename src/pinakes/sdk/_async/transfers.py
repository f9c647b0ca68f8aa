"""What goes in and out of a collection in bulk: any number of items, exports, imports."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Literal

import httpx2
import orjson

from pinakes.api.collections import (
    MAX_BULK_LINES,
    MAX_JSON_ENTRIES,
    Batch,
    BulkLine,
    BulkProgress,
    BulkSummary,
    Result,
    Summary,
)
from pinakes.api.common import IDEMPOTENT_REPLAY
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk.addressing import CollectionLike, EntryLike, NewEntryLike, collection_path, entry_ref, new_line
from pinakes.sdk.calls import Call, Param, call, encode, given
from pinakes.sdk.errors import ConnectionFailed, Invalid, TooLarge, Unavailable, from_line
from pinakes.sdk.files import Target
from pinakes.sdk.progress import OnProgress, Progress, silent
from pinakes.sdk.results import Additions, error_of, of_batch, of_summary
from pinakes.sdk.spooling import FileSource, Source, Spool

NDJSON = "application/x-ndjson"
CSV = "text/csv"
ExportFormat = Literal["jsonl", "csv"]

# How many items are written down between two calls of the progress.
_TELL_EVERY = 10_000

# A body of JSON is held in memory on both sides; beyond this many bytes the lines are streamed.
_LARGE_BODY = 4_000_000


class AsyncTransferVerbs(AsyncNoun):
    """What goes in and out in bulk."""

    async def add(
        self,
        collection: CollectionLike,
        items: Iterable[NewEntryLike] | AsyncIterable[NewEntryLike],
        *,
        position: int | None = None,
        before: EntryLike | None = None,
        after: EntryLike | None = None,
        atomic: bool = False,
        every_line: bool = False,
        expected: int | None = None,
        reason: str | None = None,
        key: str | None = None,
        progress: OnProgress = silent,
    ) -> Additions:
        """Add items to a collection as one change: a few, or a million from a generator.

        Lines that can't be added (unknown items, duplicates) are reported, not raised: look at the answer's `problems`,
        or call its `checked()`. A call whose answer is lost on the way is repeated under its idempotency key, and adds
        nothing twice.

        Args:
            collection: Where to.
            items: What to add, in order: `kind:address`, URLs, numbers, objects, or `pinakes.item(…)` with a note.
            position: The index, from 0, that the first shall have; at the end without it. Up to 10,000 items.
            before: The entry that they shall stand right before. Up to 10,000 items.
            after: The entry that they shall stand right after. Up to 10,000 items.
            atomic: All of them, or none: then a line that can't be added is raised.
            every_line: Report every line of more than 10,000, not only those that were not added.
            expected: The revision that the collection must still have.
            reason: Why; kept in the history.
            key: An idempotency key of your own, to be able to repeat the call in another process.
            progress: Called again and again.
        """
        if isinstance(items, str | bytes):
            message = "Give items as a list; for one item there is add_one."
            raise Invalid(message, code="invalid", field="items")
        place = given(
            position=position,
            before=None if before is None else entry_ref(before),
            after=None if after is None else entry_ref(after),
        )
        with Spool() as spool:
            await _write_down(spool, items, progress)
            path = collection_path(collection, "entries")
            if spool.lines <= MAX_JSON_ENTRIES and (place or spool.size <= _LARGE_BODY):
                fields = encode({"atomic": atomic, **place, **given(reason=reason)})
                body = b'{"items":' + spool.as_array() + b"," + fields[1:]
                return await self._add_few(
                    call("POST", path, raw=body, expected=expected, key=key), spool.lines, progress
                )
            if place:
                message = f"A place can be given for up to {MAX_JSON_ENTRIES:,} items; {spool.lines:,} go to the end."
                raise Invalid(message, code="invalid", field="items")
            if spool.lines > MAX_BULK_LINES:
                message = f"A call takes up to {MAX_BULK_LINES:,} items, not {spool.lines:,}; nothing was sent."
                raise TooLarge(message, code="too_large", field="items")
            options = {"atomic": atomic or None, "report": "all" if every_line else None}
            the_call = _bulk_call(path, spool, NDJSON, options, expected=expected, reason=reason, key=key)
            return await self._in_bulk(the_call, spool, progress, atomic=atomic)

    async def import_file(
        self,
        collection: CollectionLike,
        file: str | os.PathLike[str],
        *,
        format: ExportFormat | None = None,  # noqa: A002 - the word that everybody knows
        atomic: bool = False,
        every_line: bool = False,
        expected: int | None = None,
        reason: str | None = None,
        key: str | None = None,
        progress: OnProgress = silent,
    ) -> Additions:
        """Add what a file of JSON lines or CSV lists, such as an export: `kind`, `address`, `note`, `score`.

        Args:
            collection: Where to.
            file: Its path.
            format: `jsonl` or `csv`; by the file's ending without it.
            atomic: All of it, or nothing: then a line that can't be added is raised.
            every_line: Report every line, not only those that were not added.
            expected: The revision that the collection must still have.
            reason: Why; kept in the history.
            key: An idempotency key of your own, to be able to repeat the call in another process.
            progress: Called again and again.
        """
        path = Path(file)
        kind = CSV if (format or path.suffix.lower().lstrip(".")) == "csv" else NDJSON
        source = FileSource(path)
        options = {"atomic": atomic or None, "report": "all" if every_line else None}
        the_call = _bulk_call(
            collection_path(collection, "import"), source, kind, options, expected=expected, reason=reason, key=key
        )
        return await self._in_bulk(the_call, source, progress, atomic=atomic)

    async def export(
        self,
        collection: CollectionLike,
        to: str | os.PathLike[str] | IO[bytes],
        *,
        format: ExportFormat | None = None,  # noqa: A002
        revision: int | str | None = None,
        progress: OnProgress = silent,
    ) -> int:
        """Write a collection's entries to a file, and return how many bytes that were.

        A path gets the whole export or stays what it was; a transfer that breaks begins anew.

        Args:
            collection: Which.
            to: A path, or a file that is open for writing bytes.
            format: `jsonl` or `csv`; by the path's ending without it, else `jsonl`.
            revision: As it was at this revision (a number or a name).
            progress: Called again and again.
        """
        target = Target(to)
        chosen = format or ("csv" if target.suffix == ".csv" else "jsonl")
        path = collection_path(collection, "export")
        the_call = call("GET", path, params={"format": chosen, "revision": revision}, patient=True)
        return await self._written(target, the_call, progress)

    async def export_lines(
        self, collection: CollectionLike, *, revision: int | str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Read a collection's entries as an export has them: faster than `entries`, with less about each."""
        path = collection_path(collection, "export")
        the_call = call("GET", path, params={"format": "jsonl", "revision": revision}, patient=True)
        async with self._session.open(the_call) as response:
            async for line in response.aiter_lines():
                if line:
                    yield orjson.loads(line)

    async def _add_few(self, the_call: Call, count: int, progress: OnProgress) -> Additions:
        response = await self._session.send(the_call)
        result = of_batch(self._session.parse(response, Batch), replayed=_replayed(response))
        progress(Progress("applying", count, count, "items"))
        return result

    async def _in_bulk(self, the_call: Call, source: Source, progress: OnProgress, *, atomic: bool) -> Additions:
        """Send lines and follow what becomes of them; do it again, under the same key, when the connection breaks."""

        async def chunks() -> AsyncIterator[bytes]:
            sent = 0
            for chunk in source.chunks():
                yield chunk
                sent += len(chunk)
                progress(Progress("sending", sent, source.size, "bytes"))

        attempt = 0
        while True:
            attempt += 1
            try:
                return _settled(await self._followed(the_call, chunks, progress), atomic=atomic)
            except (ConnectionFailed, Unavailable) as failure:
                await self._session.pause(attempt, failure)

    async def _followed(
        self, the_call: Call, chunks: Callable[[], AsyncIterator[bytes]], progress: OnProgress
    ) -> Additions:
        lines: list[BulkLine] = []
        async with self._session.open(the_call, chunks) as response:
            async for text in response.aiter_lines():
                found = _read(text)
                if isinstance(found, Summary):
                    return of_summary(found, lines, replayed=_replayed(response))
                if isinstance(found, Progress):
                    progress(found)
                else:
                    lines.append(found)
        message = f"The connection to {self._session.url} broke before the end of the answer."
        raise ConnectionFailed(message, code="connection_lost")


async def _write_down(
    spool: Spool, items: Iterable[NewEntryLike] | AsyncIterable[NewEntryLike], progress: OnProgress
) -> None:
    # async only
    if isinstance(items, AsyncIterable):
        async for one in items:
            _write_one(spool, one, progress)
        return
    # end of async only
    for one in items:
        _write_one(spool, one, progress)


def _write_one(spool: Spool, one: NewEntryLike, progress: OnProgress) -> None:
    spool.add(new_line(one))
    if spool.lines % _TELL_EVERY == 0:
        progress(Progress("preparing", spool.lines, None, "items"))


def _bulk_call(
    path: str,
    source: Source,
    kind: str,
    options: Mapping[str, Param],
    *,
    expected: int | None,
    reason: str | None,
    key: str | None,
) -> Call:
    headers = {"Content-Type": kind, "Content-Length": str(source.size), "Accept": NDJSON}
    return call("POST", path, params=options, headers=headers, expected=expected, reason=reason, key=key, patient=True)


def _read(text: str) -> Summary | Progress | BulkLine:
    """Read a line of the answer to a bulk call.

    Raises:
        PinakesError: It says that the call failed as a whole.
    """
    line: dict[str, Any] = orjson.loads(text)
    if "progress" in line:
        at = BulkProgress.model_validate(line).progress
        return Progress("applying", at.applied, at.of, "items")
    if "summary" in line:
        return BulkSummary.model_validate(line).summary
    if "line" in line:
        return BulkLine.model_validate(line)
    raise from_line(line["error"])


def _replayed(response: httpx2.Response) -> bool:
    return response.headers.get(IDEMPOTENT_REPLAY) == "true"


def _settled(result: Additions, *, atomic: bool) -> Additions:
    """Return what a call came to; raise the first bad line's error when it was to be all or nothing.

    The exception carries what each bad line came to in its `batch`, as that of a small call does.
    """
    if not (atomic and not result.applied):
        return result
    bad = next(line for line in result.lines if line.error is not None)
    error = error_of(bad)
    results = [Result(outcome=line.outcome, entry=line.entry, error=line.error) for line in result.lines]
    error.batch = Batch(revision=result.revision, applied=False, results=results, counts=result.counts)
    raise error
