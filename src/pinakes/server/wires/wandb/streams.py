"""`POST /files/{entity}/{project}/{run}/file_stream`: what a run logs and prints, as it goes on.

The client sends the same again until it has an answer, and gives the run up for good at most 4xx; a run is found here
by just the names that beginning it answered.
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pinakes.server.artifacts import streams as rooms, values
from pinakes.server.artifacts.run_types import Lines, RunStream, Streamed
from pinakes.server.errors import Invalid, PinakesError, TooLarge
from pinakes.server.state import state_of
from pinakes.server.wires.wandb import errors
from pinakes.server.wires.wandb.auth import actor_of
from pinakes.server.wires.wandb.transport import PAUSES

PATH = "/files/{entity}/{project}/{run}/file_stream"

# The client's names of what it streams; files of other names are none of ours.
HISTORY, EVENTS, OUTPUT, SUMMARY = "wandb-history.jsonl", "wandb-events.jsonl", "output.log", "wandb-summary.json"
GZIPPED = ("gzip", "x-gzip")
GONE = 499
# The client sends 10 MB at once, if nobody tells it otherwise; it is more when there is much to escape in it.
MOST = 64_000_000


async def file_stream(request: Request) -> Response:
    """Take what a run sends, and say whether it shall stop."""
    try:
        most = min(MOST, state_of(request).settings.max_body_bytes)
        body = await _received(request, most)
        sent = decode(unpacked(body, request.headers.get("content-encoding"), most))
        found = await _take(request, sent)
    except PinakesError as error:
        return errors.answer(error)
    except ClientDisconnect:
        return Response(status_code=GONE)  # nobody is there to read it
    return Response(orjson.dumps({"stopped": True} if found.stopped else {}), media_type="application/json")


def unpacked(body: bytes, encoding: str | None, most: int) -> bytes:
    """Return a body as it was before it was packed.

    Raises:
        Invalid: (field `body`) it is packed in another way than gzip, or not whole.
        TooLarge: it is larger than `most`.
    """
    way = (encoding or "").strip().lower()
    if way in {"", "identity"}:
        return body
    if way not in GZIPPED:
        message = f"The body is packed as {way[:40]!r}; send it plain or as gzip."
        raise Invalid(message, field="body")
    packed = zlib.decompressobj(wbits=31)
    try:
        found = packed.decompress(body, most + 1)
    except zlib.error as error:
        message = f"The body is no gzip: {error}."
        raise Invalid(message, field="body") from error
    if len(found) > most:
        message = f"The body is larger than {most} bytes when it is unpacked, the most that is taken here."
        raise TooLarge(message)
    if not packed.eof:
        message = "The body is cut off in the middle of its gzip."
        raise Invalid(message, field="body")
    return found


def decode(body: bytes) -> RunStream:
    """Read what a run sends.

    Raises:
        Invalid: it is not what a run sends.
    """
    try:
        content = values.parse(body.decode())
    except ValueError as error:
        message = f"The body is not valid JSON: {str(error)[:200]}."
        raise Invalid(message, field="body") from error
    if not isinstance(content, dict):
        message = "Send a JSON object."
        raise Invalid(message, field="body")
    given = cast("dict[str, Any]", content)
    files = _object(given.get("files"), "files")
    summary = _lines(files.get(SUMMARY), SUMMARY)
    return RunStream(
        history=_lines(files.get(HISTORY), HISTORY),
        events=_lines(files.get(EVENTS), EVENTS),
        output=_lines(files.get(OUTPUT), OUTPUT),
        summary=summary.lines[-1] if summary is not None and summary.lines else None,
        complete=_flag(given, "complete"),
        exit_code=_number(given.get("exitcode"), "exitcode"),
        preempting=_flag(given, "preempting"),
    )


async def _take(request: Request, sent: RunStream) -> Streamed:
    """Write it down; once more when another transaction was in the way."""
    for pause in PAUSES:
        try:
            return await _take_once(request, sent)
        except PinakesError as clash:
            if not errors.is_clash(clash):
                raise
        await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - to part those that clashed
    return await _take_once(request, sent)


async def _take_once(request: Request, sent: RunStream) -> Streamed:
    names: Mapping[str, str] = request.path_params
    async with state_of(request).db.transaction() as tx:
        actor = await actor_of(tx, request)
        return await rooms.stream(tx, actor, names["entity"], names["project"], names["run"], sent)


async def _received(request: Request, most: int) -> bytes:
    """Return the body as it was sent."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            message = f"The body is larger than {most} bytes, the most that is taken here."
            raise TooLarge(message)
    return bytes(body)


def _lines(found: object, name: str) -> Lines | None:
    """Read the lines of one file; None for none."""
    if found is None:
        return None
    given = _object(found, name)
    lines: object = given.get("content")
    if lines is None:
        lines = []
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in cast("list[object]", lines)):
        message = f"The content of {name} must be a list of strings."
        raise Invalid(message, field="files")
    return Lines(_number(given.get("offset"), f"The offset of {name}") or 0, cast("Sequence[str]", lines))


def _object(found: object, name: str) -> dict[str, object]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        message = f"{name} must be a JSON object."
        raise Invalid(message, field="files")
    return cast("dict[str, object]", found)


def _number(found: object, name: str) -> int | None:
    if found is None or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    message = f"{name} must be a whole number."
    raise Invalid(message, field="body")


def _flag(given: Mapping[str, object], name: str) -> bool:
    found = given.get(name)
    if found is None or isinstance(found, bool):
        return bool(found)
    message = f"{name} must be true or false."
    raise Invalid(message, field=name)


ROUTES = (Route(PATH, file_stream, methods=["POST"]),)
