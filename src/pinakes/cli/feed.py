# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes history`, `pinakes events`, `pinakes search`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import orjson
from cyclopts import Parameter

from pinakes.cli.common import DEFAULT, Common
from pinakes.cli.output import Column, Output, plain, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinakes.api.catalog import SearchHit
    from pinakes.api.events import Event

Kind = Literal[
    "model",
    "dataset",
    "space",
    "paper",
    "bucket",
    "reference",
    "collection",
    "project",
    "version",
    "registry",
    "showcase",
    "release",
    "artifact",
]

# So many of the entries that a large change touched are named in a line.
_NAMED = 3


def history(collection: str, *, limit: int = 50, common: Common = DEFAULT) -> None:
    """Show what happened to a collection, newest first: who, when, through which API, what, and why.

    Args:
        collection: Which: its id, slug or URL.
        limit: How many events at most.
    """
    with common.client() as client:
        rows = client.collections.history(collection).first(limit)
        common.output.rows(rows, _columns(), name=lambda e: e.cursor, nothing="Nothing that you may see.")


def events(
    *,
    collection: str | None = None,
    verb: str | None = None,
    after: str | None = None,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], negative="")] = False,
    common: Common = DEFAULT,
) -> None:
    """Show what happened on the server, oldest first; with --follow, what happens from now on, as it happens.

    With --json there is one object in each line. To go on later, keep the last `cursor` and give it to --after.

    Args:
        collection: Only what is about this collection.
        verb: Only this verb, such as entry.added.
        after: From this cursor on.
        follow: Go on with what happens, until interrupted; a broken connection is opened again.
    """
    with common.client() as client:
        found: Iterable[Event] = client.events.list(after=after, collection=collection, verb=verb)
        if follow:
            found = client.events.listen(after=after, collection=collection, verb=verb)
            common.output.hint("Waiting for what happens; Ctrl-C ends it.")
        for event in found:
            _print(event, common.output)


def search(
    *words: str,
    kind: list[Kind] | None = None,
    owner: str | None = None,
    limit: int = 20,
    common: Common = DEFAULT,
) -> None:
    """Find collections and items: what has every word in its name, title or owner's name, or its description or tags.

    Args:
        words: In any case and order; the last one may be unfinished.
        kind: Of one of these kinds.
        owner: What belongs to this account.
        limit: How many at most.
    """
    columns: list[Column[SearchHit]] = [
        Column("item", _named, style="cyan"),
        Column("title", lambda hit: hit.title, style="bold"),
        Column("description", lambda hit: hit.description),
        Column("visibility", lambda hit: hit.visibility),
        Column("changed", lambda hit: hit.updated_at),
    ]
    with common.client() as client:
        rows = client.search(" ".join(words), kind=kind, owner=owner).first(limit)
        common.output.rows(rows, columns, name=_named, nothing="Nothing found.")


def _named(hit: SearchHit) -> str:
    return f"{hit.kind}:{hit.address}"


def _print(event: Event, output: Output) -> None:
    if output.json:
        sys.stdout.buffer.write(orjson.dumps(event, default=plain, option=orjson.OPT_APPEND_NEWLINE))
    elif output.quiet:
        output.text(event.cursor)
    else:
        values = [shown(column.value(event)) for column in _columns()]
        output.text("  ".join(value for value in values if value) if output.terminal else "\t".join(values))
    sys.stdout.flush()


def _columns() -> list[Column[Event]]:
    return [
        Column("when", lambda e: e.at),
        Column("who", lambda e: e.actor or "the server", style="bold"),
        Column("what", lambda e: e.verb, style="cyan"),
        Column("collection", lambda e: e.collection),
        Column("revision", lambda e: e.revision, right=True),
        Column("about", _about),
        Column("through", lambda e: e.api),
        Column("why", lambda e: e.reason),
    ]


def _about(event: Event) -> str:
    """Say in a few words what a change was about."""
    if event.item is not None:
        return f"{event.item.kind}:{event.item.address}"
    after: dict[str, Any] = event.after or event.before or {}
    entries = after.get("entries") or after.get("items")
    if isinstance(entries, list):
        named = [_item(entry) for entry in cast("list[object]", entries)]
        count = after.get("count", len(named))
        more = count - _NAMED if isinstance(count, int) else 0
        return ", ".join(filter(None, named[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")
    return ", ".join(f"{name}: {shown(value)}" for name, value in after.items() if isinstance(value, str | int | float))


def _item(entry: object) -> str:
    item: Any = cast("dict[str, Any]", entry).get("item", entry) if isinstance(entry, dict) else None
    return f"{item['kind']}:{item['address']}" if isinstance(item, dict) and "address" in item else ""
