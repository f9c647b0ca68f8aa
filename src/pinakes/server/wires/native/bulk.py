"""Many entries in one call, as lines in and lines out; and whole collections as files, out and in again.

A line of the body of `POST …/entries` (application/x-ndjson) is an item's number, or a `NewEntry`: `{"item": 123}`,
`{"item": {"kind": "model", "address": "owner/name"}, "note": "…"}`. The body is spooled to disk while it arrives, so
that nothing is locked while the client sends; then all lines are added as one change of the collection, at its end. The
answer is lines too (`pinakes.api.collections.BulkAnswer`):

    {"progress": {"received": 1000000, "applied": 50000, "of": 1000000}}      as the work goes on
    {"line": 7, "outcome": "unknown", "entry": null, "error": {...}}           for each line that was not added
    {"summary": {"lines": ..., "added": ..., "duplicates": ..., ...}}          last, once everything is committed
    {"error": {...}}                                                           last, instead: nothing was done

What can be refused at once (no such collection, another revision by now) is answered with its status. The work does not
wait for a client that reads slowly, and goes on when he leaves: with an `Idempotency-Key` he can ask again. When the
server is told to stop and the work would not end in time, it is undone, and the error is `shutting_down`: try again.
"""

from __future__ import annotations

import asyncio
import csv
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from itertools import islice
from typing import IO, Annotated, Any, Literal, TypeVar, cast

import structlog
from fastapi import Depends, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.responses import StreamingResponse

from pinakes.api import collections as api
from pinakes.api.common import MAX_INT4, ErrorAnswer, ItemAddress, ItemKind
from pinakes.server.actor import Actor
from pinakes.server.collections import bulk, entries, revisions, service as collections
from pinakes.server.collections.types import (
    Addition,
    BulkSummary,
    Entry,
    ItemRef,
    LineResult,
    Progress,
)
from pinakes.server.db import Database, Tx
from pinakes.server.errors import Invalid, PinakesError, ShuttingDown
from pinakes.server.events import idempotency
from pinakes.server.events.types import Kept
from pinakes.server.permissions.service import require_sign_in
from pinakes.server.state import request_id_of, state_of
from pinakes.server.wires.native import encode
from pinakes.server.wires.native._changes import CollectionRef, Matched, Matching
from pinakes.server.wires.native._problems import told
from pinakes.server.wires.native._shared import Spool, past_mark, spooled_file, take_in
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import describe, errors, router as make_router
from pinakes.server.wires.native.idempotency import again

M = TypeVar("M", bound=BaseModel)

router = make_router("collections")

LINES = "application/x-ndjson"
CSV = "text/csv"
_LINES_TYPES = frozenset({LINES, "application/ndjson", "application/jsonl", "application/x-jsonlines"})

_LONGEST_LINE = 65_536
_BLOCK = 1_000_000
_NO_NUMBER = 10**10
# An answer that is kept under an idempotency key names this many bytes of bad lines; its summary counts them all.
_LONGEST_KEPT = 4_000_000
_PAGE = 1000
_CHUNK = 65_536
_TELL_EVERY = 0.2
_ACCIDENT = "Something went wrong on the server, and nothing was done; its log has more."

log = structlog.get_logger(__name__)

BulkLine = int | Addition | Invalid


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """How a bulk call is to be carried out."""

    atomic: bool
    report_all: bool


async def _options(
    atomic: Annotated[bool, Query(description="All lines, or none.")] = False,  # noqa: FBT002 - of the query
    report: Annotated[
        Literal["problems", "all"], Query(description="Which lines the answer (as JSON lines) names.")
    ] = "problems",
) -> BulkOptions:
    return BulkOptions(atomic, report == "all")


Options = Annotated[BulkOptions, Depends(_options)]

_UNSUPPORTED = {415: {"model": ErrorAnswer, "description": "The body is of a type that is not taken here."}}
_STREAM = {"schema": {"type": "string", "description": "Lines of BulkAnswer, each a JSON object."}}
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {LINES: _STREAM}}, **_UNSUPPORTED}
REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": api.RefusedBatch | ErrorAnswer, "description": f"{about} With `atomic`: the first bad line's."}
    for status, about in {
        404: "It does not exist, or you may not see it.",
        409: "It is in the way of something that exists already.",
        422: "The input is not valid; `field` names what.",
    }.items()
}


def request_body(model: type[BaseModel]) -> dict[str, Any]:
    """Describe, for the OpenAPI, a body that is a JSON object or JSON lines."""
    lines = {"type": "string", "description": "Lines: an item's number, or a NewEntry as JSON."}
    return {"required": True, "content": {"application/json": {"schema": _inlined(model)}, LINES: {"schema": lines}}}


def is_lines(request: Request) -> bool:
    """Tell whether the body comes as JSON lines."""
    return _content_type(request) in _LINES_TYPES


async def decode(request: Request, model: type[M]) -> M:
    """Read a JSON body where a route takes other types too, and so reads its body itself."""
    if _content_type(request) != "application/json":
        raise _unsupported(["application/json", LINES])
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        found = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False)]
        raise RequestValidationError(found, body=_decoded(await request.body())) from error


async def add(request: Request, change: Matched, collection: str, options: BulkOptions) -> Response:
    """Add the lines of the body to a collection, and answer with lines."""
    await _admit(request, change, collection)
    spool = await take_in(request, most=api.MAX_BULK_LINES)
    return await _carry_out(request, change, collection, options, _Input(spool, _new_entry))


@router.post(
    "/collections/{collection}/import",
    responses={**errors(409, 412), **RESPONSES},
    response_class=StreamingResponse,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                LINES: {"schema": {"type": "string", "description": "Lines of ExportedEntry."}},
                CSV: {"schema": {"type": "string", "description": "Columns kind, address, and note and score."}},
            },
        }
    },
)
async def import_entries(request: Request, change: Matching, collection: CollectionRef, options: Options) -> Response:
    """Add what an export holds, with its notes and scores. Answers as a bulk call does; `line` counts the entries."""
    await _admit(request, change, collection)
    if _content_type(request) == CSV:
        spool = await take_in(request, most=api.MAX_BULK_LINES)
        total = await asyncio.to_thread(_count_records, spool.file)
        found = _Input(Spool(spool.file, total, spool.digest), None)
    elif is_lines(request):
        found = _Input(await take_in(request, most=api.MAX_BULK_LINES), _imported)
    else:
        raise _unsupported([LINES, CSV])
    return await _carry_out(request, change, collection, options, found)


@router.get(
    "/collections/{collection}/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The entries, in order.",
            "content": {
                LINES: {"schema": {"type": "string", "description": "Lines of ExportedEntry."}},
                CSV: {"schema": {"type": "string", "description": "The same as columns."}},
            },
        }
    },
)
async def export_entries(
    request: Request,
    actor: By,
    collection: CollectionRef,
    form: Annotated[Literal["jsonl", "csv"], Query(alias="format")] = "jsonl",
    revision: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = None,
) -> Response:
    """Write out a collection's entries as you see them, of now or of a revision: one state of it, however large."""
    source = await _Source.open(state_of(request).db, actor, collection, revision)
    lines = _csv_lines(source) if form == "csv" else _json_lines(source)
    name = f"{source.public_id}-r{source.revision}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "ETag": f'"{source.revision}"'}
    return StreamingResponse(lines, headers=headers, media_type=LINES if form == "jsonl" else f"{CSV}; charset=utf-8")


# ----------------------------------------------------------------------------------------------------------------------
# What comes in
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Input:
    """A body and how its lines are read; None for CSV."""

    spool: Spool
    read: Callable[[bytes], BulkLine] | None

    def lines(self) -> Iterable[BulkLine]:
        """Read the lines, from the first."""
        self.spool.file.seek(0)
        return _records(self.spool.file) if self.read is None else _lines(self.spool.file, self.read)


class _Imported(BaseModel):
    """What the import reads of an exported line."""

    kind: ItemKind
    address: str
    note: api.Note | None = None
    score: api.Score | None = None


async def _admit(request: Request, change: Matched, collection: str) -> None:
    """Refuse before the body is taken in whoever can't change the collection: he need not send a long one in vain."""
    async with state_of(request).db.reading() as tx:
        await collections.get(tx, change.actor, collection)
    require_sign_in(change.actor)


def _lines(file: IO[bytes], read: Callable[[bytes], BulkLine]) -> Iterator[BulkLine]:
    """Read a file line by line, of which none is in memory whole that is longer than a line may be."""
    rest, skipping = b"", False
    past_mark(file)
    while block := file.read(_BLOCK):
        whole, newline, tail = block.rpartition(b"\n")
        if newline:
            lines = rest + whole
            if skipping:
                yield _too_long()
                lines = lines.partition(b"\n")[2] if b"\n" in lines else None
            if lines is not None:
                yield from _numbers(lines) or (_line_of(line, read) for line in lines.split(b"\n"))
            rest, skipping = tail, False
        else:
            rest += tail
        if len(rest) > _LONGEST_LINE:
            rest, skipping = b"", True
    if skipping:
        yield _too_long()
    elif rest:
        yield _line_of(rest, read)


def _numbers(lines: bytes) -> list[BulkLine] | None:
    """Read many lines at once where all are plain numbers, as most lines are; None where they are not."""
    if lines.translate(None, b"0123456789\n") or lines.startswith(b"0") or b"\n0" in lines:
        return None
    try:
        found = [*map(int, lines.split(b"\n"))]
    except ValueError:  # an empty line, or more digits than Python reads
        return None
    return cast("list[BulkLine]", found) if max(found) < _NO_NUMBER else None


def _line_of(line: bytes, read: Callable[[bytes], BulkLine]) -> BulkLine:
    return read(line.strip()) if len(line) <= _LONGEST_LINE else _too_long()


def _too_long() -> Invalid:
    return Invalid(f"The line is longer than {_LONGEST_LINE} bytes.")


def _new_entry(line: bytes) -> BulkLine:
    """Read a line of a bulk call: a mere number, or an object."""
    if line.isdigit() and not line.startswith(b"0") and len(line) <= 10:  # noqa: PLR2004 - no item's number is longer
        return int(line)
    try:
        entry = api.NewEntry.model_validate_json(line)
    except ValidationError as error:
        return _invalid(error, _decoded(line))
    return Addition(_ref(entry.item), entry.note, entry.score)


def _imported(line: bytes) -> BulkLine:
    """Read a line of an export, or of a bulk call."""
    if b'"item"' in line or not line.startswith(b"{"):
        return _new_entry(line)
    try:
        return _as_addition(_Imported.model_validate_json(line, strict=True))
    except ValidationError as error:
        return _invalid(error, _decoded(line))


def _records(file: IO[bytes]) -> Iterator[BulkLine]:
    """Read the records of a CSV file, with the columns that its first line names."""
    for record in _csv_reader(file):
        values: dict[str, object] = {"kind": record["kind"], "address": record["address"]}
        try:
            values["note"] = record.get("note") or None
            values["score"] = float(record["score"]) if record.get("score") else None
            yield _as_addition(_Imported.model_validate(values, strict=True))
        except ValidationError as error:
            yield _invalid(error, values)
        except ValueError:
            yield Invalid("The score is not a number.", field="score")


def _count_records(file: IO[bytes]) -> int:
    """Count the records of a CSV file; refuse one that can't be read as a whole."""
    file.seek(0)
    try:
        return sum(1 for _ in _csv_reader(file))
    except csv.Error as error:
        message = f"This is not CSV: {error}."
        raise Invalid(message, field="body") from error


def _csv_reader(file: IO[bytes]) -> csv.DictReader[str]:
    # What is no UTF-8 arrives as halves of surrogates, which no text may hold: such a record is refused by itself.
    text = _Detached(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.DictReader(text)
    columns = reader.fieldnames or []
    if missing := [name for name in ("kind", "address") if name not in columns]:
        message = f"The first line must name the columns kind and address; it lacks {' and '.join(missing)}."
        raise Invalid(message, field="body")
    return reader


class _Detached(TextIOWrapper):
    """Text of a file that stays open when the text is forgotten."""

    def __del__(self) -> None:
        """Let go of the file."""
        if not self.closed:
            self.detach()


def _as_addition(entry: _Imported) -> Addition:
    return Addition(ItemRef(kind=entry.kind, address=entry.address), entry.note, entry.score)


def _ref(item: int | ItemAddress) -> ItemRef:
    return ItemRef(item_id=item) if isinstance(item, int) else ItemRef(kind=item.kind, address=item.address)


def _invalid(error: ValidationError, sent: object) -> Invalid:
    """Say what is wrong with a line: all of it in the details, in short by its first problem."""
    problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        return Invalid("The line is not JSON.")
    if not problems[0]["loc"]:
        message = f'A line is an item\'s number, 1 to {MAX_INT4}, or an object with its item: {{"item": …}}.'
        return Invalid(message, field="item")
    found = told(problems, sent)
    details = {"problems": [{"field": one.field, "message": one.message} for one in found]}
    return Invalid(f"{found[0].field}: {found[0].message}", field=found[0].field, details=details)


def _decoded(text: bytes) -> object:
    """Decode JSON as the models do; None for what is none."""
    try:
        return from_json(text)
    except ValueError:
        return None


# ----------------------------------------------------------------------------------------------------------------------
# What goes out
# ----------------------------------------------------------------------------------------------------------------------


class _Replayed(Exception):
    """The request was carried out before: carries the answer out of the transaction."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.kept: Kept = kept


class _Bulk:
    """One bulk call under way: how far it is, what was wrong with which lines, and its end."""

    def __init__(self, request: Request, change: Matched, collection: str, options: BulkOptions, found: _Input) -> None:
        self._request_id: str = request_id_of(request)
        self._change: Matched = change
        self._collection: str = collection
        self._atomic: bool = options.atomic
        self._total: int = found.spool.lines
        self._digest: bytes = change.once.digest(found.spool.digest)
        self._problems: IO[bytes] = spooled_file()
        self._counts: Counter[str] = Counter()
        self._progress: Progress = Progress(0, self._total)
        self._summary: BulkSummary | None = None
        self._database: Database = state_of(request).db
        self._lines: _Ahead = _Ahead(found.lines())
        self._committing: bool = False
        self._report_all: bool = options.report_all
        self._steps: AsyncGenerator[Progress | LineResult | BulkSummary] = self._run()

    async def _run(self) -> AsyncGenerator[Progress | LineResult | BulkSummary]:
        """Do the work; its summary comes when it is committed, together with the key and the answer kept under it."""
        change = self._change
        keyed = change.once.key is not None and change.actor.user_id is not None
        summary: BulkSummary | None = None
        async with self._database.transaction() as tx:
            if keyed:
                await self.claim(tx)
            async for step in bulk.add_lines(
                tx,
                change.actor,
                self._collection,
                self._lines,
                total=self._total,
                atomic=self._atomic,
                expected=change.expected,
                reason=change.reason(),
                report_all=self._report_all,
            ):
                if isinstance(step, BulkSummary):
                    summary = step
                else:
                    yield step
            if keyed and summary is not None and summary.applied:
                await self.keep(tx, summary)
            self._committing = True
        if summary is not None:
            yield summary

    async def begin(self) -> None:
        """Take the first step, before which all is refused that can be refused as a whole."""
        await anext(self._steps)
        await self._lines.prepare()

    async def give_up(self) -> None:
        """Undo what was begun."""
        await self._steps.aclose()

    async def finish(self) -> None:
        """Take all other steps, however slowly the client reads; undone when it is cut short."""
        async with aclosing(self._steps):
            async for step in self._steps:
                match step:
                    case Progress():
                        self._progress = step
                        await self._lines.prepare()
                    case LineResult():
                        self._note(step)
                    case BulkSummary():
                        self._summary = step

    def may_stop(self) -> bool:
        """Tell whether the work can still be undone: not once it is on its way into the database for good."""
        return not self._committing

    async def answer(self, work: asyncio.Task[None]) -> AsyncGenerator[bytes]:
        """Yield the lines of the answer, while `finish` is at work and after it."""
        told: Progress | None = None
        while True:
            done, _ = await asyncio.wait({work}, timeout=_TELL_EVERY)
            if self._progress != told:
                told = self._progress
                yield encode.line({"progress": {"received": told.of, "applied": told.done, "of": told.of}})
            if done:
                break
        error = ShuttingDown() if work.cancelled() else work.exception()
        if error is not None:
            known = error if isinstance(error, PinakesError) else PinakesError(_ACCIDENT)
            yield encode.line({"error": describe(known, self._request_id)})
            return
        self._problems.seek(0)
        while chunk := self._problems.read(_CHUNK):
            yield chunk
        assert self._summary is not None
        yield _summary_line(self._summary)

    async def claim(self, tx: Tx) -> None:
        """Claim the idempotency key, or leave with the answer that is kept under it."""
        kept = await idempotency.begin(tx, self._change.actor, self._change.once.key or "", self._digest)
        if kept is not None:
            raise _Replayed(kept)

    async def keep(self, tx: Tx, summary: BulkSummary) -> None:
        """Keep the answer, before anybody has it, in the transaction that makes it true."""
        self._problems.seek(0)
        told = self._problems.read(_LONGEST_KEPT)
        cut = bool(self._problems.read(1))
        told = told[: told.rfind(b"\n") + 1] if cut else told
        body = encode.line({"content-type": LINES}) + told + _summary_line(summary, cut=cut)
        await idempotency.keep(tx, self._change.actor, self._change.once.key or "", Kept(self._digest, 200, body))

    def _note(self, step: LineResult) -> None:
        result = step.result
        if result.outcome != "added":
            self._counts[result.outcome] += 1
        self._problems.write(encode.line({"line": step.line, **encode.result(result, self._request_id)}))


class _Ahead:
    """Lines that are read ahead, a chunk at a time and in a thread: this process has other requests to answer."""

    def __init__(self, lines: Iterable[BulkLine]) -> None:
        self._source: Iterator[BulkLine] = iter(lines)
        self._ready: deque[BulkLine] = deque()

    async def prepare(self) -> None:
        await asyncio.to_thread(lambda: self._ready.extend(islice(self._source, bulk.CHUNK)))

    def __iter__(self) -> Iterator[BulkLine]:
        while True:
            while self._ready:
                yield self._ready.popleft()
            try:
                yield next(self._source)
            except StopIteration:
                return


async def _carry_out(
    request: Request, change: Matched, collection: str, options: BulkOptions, found: _Input
) -> Response:
    """Begin a bulk call, and answer with lines while it goes on; or answer what is kept under its key."""
    call = _Bulk(request, change, collection, options, found)
    try:
        await call.begin()
    except _Replayed as replayed:
        return again(replayed.kept)
    try:
        work = state_of(request).ending.start(call.finish(), may_stop=call.may_stop)
    except ShuttingDown:
        await call.give_up()
        raise
    work.add_done_callback(_ended)
    return StreamingResponse(call.answer(work), media_type=LINES)


def _ended(work: asyncio.Task[None]) -> None:
    error = None if work.cancelled() else work.exception()
    if error is not None and not isinstance(error, PinakesError):
        log.error("bulk_failed", exc_info=error)


def _summary_line(done: BulkSummary, *, cut: bool = False) -> bytes:
    return encode.line(
        {
            "summary": {
                "lines": done.lines,
                "added": done.added,
                "duplicates": done.duplicate,
                "unknown": done.unknown,
                "invalid": done.invalid,
                "not_applied": done.not_applied,
                "revision": done.revision,
                "applied": done.applied,
                "problems_cut": cut,
            }
        }
    )


# ----------------------------------------------------------------------------------------------------------------------
# Exports
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Source:
    """A collection at one revision, read page by page. No connection is held while the client takes its time."""

    database: Database
    actor: Actor
    public_id: str
    number: int
    revision: int
    past: bool

    @classmethod
    async def open(cls, database: Database, actor: Actor, collection: str, revision: str | None) -> _Source:
        """Find the collection and the revision."""
        async with database.reading() as tx:
            found = await collections.get(tx, actor, collection)
            number = found.revision
            if revision is not None:
                number = await revisions.number_of(tx, found.id, revision, newest=found.revision)
        return cls(database, actor, found.public_id, found.id, number, past=number != found.revision)

    async def pages(self) -> AsyncGenerator[list[Entry]]:
        """Yield the entries; when the collection changes meanwhile, go on with what it was."""
        after: bytes | None = None
        while True:
            async with self.database.snapshot() as tx:
                now = await collections.get(tx, self.actor, self.public_id)
                self.past = self.past or now.revision != self.revision
                rows = await entries.entries_behind(
                    tx,
                    self.actor,
                    self.number,
                    after=after,
                    limit=_PAGE,
                    revision=self.revision if self.past else None,
                )
            yield rows
            if len(rows) < _PAGE:
                return
            after = rows[-1].order_key


async def _json_lines(source: _Source) -> AsyncGenerator[bytes]:
    async for rows in source.pages():
        yield b"".join(encode.line(encode.exported_entry(row)) for row in rows)


async def _csv_lines(source: _Source) -> AsyncGenerator[str]:
    buffer = StringIO(newline="")
    writer = csv.DictWriter(buffer, list(api.ExportedEntry.model_fields))
    writer.writeheader()
    async for rows in source.pages():
        writer.writerows(_plain(encode.exported_entry(row)) for row in rows)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _plain(row: encode.Json) -> encode.Json:
    return {**row, "added_at": row["added_at"].isoformat().replace("+00:00", "Z")}


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _unsupported(taken: list[str]) -> HTTPException:
    return HTTPException(415, f"Send {' or '.join(taken)}, and say so in Content-Type.")


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON schema without references, for a place that FastAPI does not look after."""
    schema = model.model_json_schema()
    known = cast("dict[str, Any]", schema.pop("$defs", {}))

    def resolve(part: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(part, list):
            return [resolve(each) for each in cast("list[Any]", part)]
        if not isinstance(part, dict):
            return part
        found = cast("dict[str, Any]", part)
        if "$ref" in found:
            return resolve(known[str(found["$ref"]).rpartition("/")[2]])
        return {name: resolve(each) for name, each in found.items()}

    return cast("dict[str, Any]", resolve(schema))
