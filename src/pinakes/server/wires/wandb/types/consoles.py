"""What runs printed.

The client sends a line as a JSON object with the time, the content, and whether it went to standard error; an older one
as text that begins so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson
import strawberry

from pinakes.server.artifacts import run_types, runs as rooms, streams
from pinakes.server.paging import Page
from pinakes.server.wires.wandb import pages
from pinakes.server.wires.wandb.context import Context
from pinakes.server.wires.wandb.pages import Listed, PageInfo

_PLAIN = re.compile(r"(?P<level>ERROR )?(?P<ts>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?) (?P<content>.*)", re.DOTALL)


@strawberry.type
class LogLine:
    """A line of what a run printed."""

    number: int | None
    # Not a `DateTime`, which has whole seconds only.
    timestamp: str | None
    level: str | None
    label: str | None
    line: str | None


@strawberry.type
class LogLineEdge:
    """A line in a list."""

    node: LogLine


@strawberry.type
class LogLineConnection:
    """A page of lines."""

    edges: list[LogLineEdge]
    page_info: PageInfo


def line_of(row: run_types.LogLine) -> LogLine:
    """Make a line of what was sent for it."""
    said = _structured(row.line) or _plain(row.line)
    level, label = (said.get(key) for key in ("level", "label"))
    return LogLine(
        number=row.number,
        timestamp=_moment(said.get("ts")),
        level=level if isinstance(level, str) else None,
        label=label if isinstance(label, str) else None,
        line=str(said["content"]),
    )


async def page_of_lines(ctx: Context, run_id: int, after: str | None, first: int | None) -> LogLineConnection:
    """List the lines of a run, the first ones first."""
    limit = min(pages.size(first), rooms.MOST)
    page: Page[run_types.LogLine] = Page([])
    if not pages.ended(after):
        page = await streams.log_page(ctx.tx, ctx.actor, run_id, limit=limit, cursor=pages.cursor(after))
    return _connection(pages.listed(page))


async def last_lines(ctx: Context, run_id: int, last: int) -> LogLineConnection:
    """List the last lines of a run that was found for the reader."""
    limit = min(pages.size(last), rooms.MOST)
    return _connection(pages.whole(await streams.log_tail(ctx.tx, run_id, limit)))


def _connection(page: Listed[run_types.LogLine]) -> LogLineConnection:
    return LogLineConnection(edges=[LogLineEdge(node=line_of(row)) for row in page.rows], page_info=pages.info(page))


def _structured(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("content"), str) else None


def _plain(line: str) -> dict[str, Any]:
    match = _PLAIN.fullmatch(line)
    if match is None:
        return {"content": line}
    return {"ts": match["ts"], "content": match["content"], "level": "error" if match["level"] else None}


def _moment(value: object) -> str | None:
    """Return a time in UTC as clients read it."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.isoformat().replace("+00:00", "Z")
