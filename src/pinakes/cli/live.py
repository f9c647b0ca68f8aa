# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes live …`, `pinakes combine`, `pinakes checks …` and `pinakes selections …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pinakes.cli import errors
from pinakes.cli.common import DEFAULT, Common
from pinakes.cli.output import Column, say

if TYPE_CHECKING:
    from pinakes.api.collections import Collection, Selection
    from pinakes.api.live import Check, CheckResult, CombinedSizes, Live

app = App(name="live", help="Let collections follow a query, with pinned and banned items; freeze them.")
checks = App(name="checks", help="Hold a collection against rules whenever it changes.")
selections = App(name="selections", help="Make and list the selections of a project of media.")

Flag = Annotated[bool, Parameter(negative="")]
Operation = Literal["union", "intersection", "difference"]

_TOLD = 20


def _fields() -> list[Column[Live]]:
    return [
        Column("query", lambda one: one.query),
        Column("sort", lambda one: one.sort),
        Column("made of", lambda one: one.source.op if one.source else None),
        Column("collections", lambda one: [ref or "?" for ref in one.source.collections] if one.source else None),
        Column("pinned", lambda one: [f"{item.kind}:{item.address}" for item in one.pinned]),
        Column("banned", lambda one: [f"{item.kind}:{item.address}" for item in one.banned]),
        Column("refreshed", lambda one: one.refreshed_at),
        Column("failed", lambda one: one.failed),
        Column("created by", lambda one: one.created_by),
    ]


def _print(found: Live, common: Common) -> None:
    common.output.one(found, _fields(), name=lambda one: one.query)
    if found.failed:
        common.output.hint("The content stays as it was before that.")


@app.command
def show(collection: str, *, common: Common = DEFAULT) -> None:
    """Show what a live collection follows, and what is pinned and banned.

    Args:
        collection: Which: its id, slug or URL.
    """
    with common.client() as client:
        _print(client.collections.live(collection), common)


@app.command(name="set")
def set_(
    collection: str,
    query: str,
    *,
    sort: str | None = None,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Let a collection follow a query from now on. What an ordinary one holds is pinned above what is found.

    Args:
        collection: Which: its id, slug or URL.
        query: What it shall hold, such as 'kind:model owner:acme created>2026-01-01'.
        sort: What the results are sorted by; with - before it, falling.
        expected: The revision that it must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        _print(client.collections.make_live(collection, query, sort=sort, expected=expected, reason=reason), common)


@app.command
def end(collection: str, *, common: Common = DEFAULT) -> None:
    """Keep a live collection as it is from now on.

    Args:
        collection: Which: its id, slug or URL.
    """
    with common.client() as client:
        client.collections.end_live(collection)
    common.output.done("It is an ordinary collection now.", ended=collection)


@app.command
def refresh(collection: str, *, common: Common = DEFAULT) -> None:
    """Bring a live collection up to date now. Reading it does so as well.

    Args:
        collection: Which: its id, slug or URL.
    """
    with common.client() as client:
        _print(client.collections.refresh(collection), common)


@app.command
def pin(
    collection: str, *item: str, note: str | None = None, reason: str | None = None, common: Common = DEFAULT
) -> None:
    """Pin items above what the query finds, all of them or none.

    Args:
        collection: Which: its id, slug or URL.
        item: What: kind:address, a URL, or a number.
        note: What to say about them there.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        _print(client.collections.pin(collection, _items(item), note=note, reason=reason), common)


def _items(texts: tuple[str, ...]) -> list[int | str]:
    """Read items as people write them: a mere number is one's number."""
    return [int(text) if text.isascii() and text.isdigit() else text for text in texts]


@app.command
def unpin(collection: str, *item: int, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Pin items no more; those that the query finds stay.

    Args:
        collection: Which: its id, slug or URL.
        item: Their numbers.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        _print(client.collections.unpin(collection, item, reason=reason), common)


@app.command
def ban(collection: str, *item: str, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Leave items out, whatever the query finds, all of them or none.

    Args:
        collection: Which: its id, slug or URL.
        item: What: kind:address, a URL, or a number.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        _print(client.collections.ban(collection, _items(item), reason=reason), common)


@app.command
def unban(collection: str, *item: int, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Ban items no more.

    Args:
        collection: Which: its id, slug or URL.
        item: Their numbers.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        _print(client.collections.unban(collection, item, reason=reason), common)


@app.command
def freeze(
    collection: str,
    title: str | None = None,
    *,
    owner: str | None = None,
    visibility: Literal["public", "private"] | None = None,
    common: Common = DEFAULT,
) -> None:
    """Make an ordinary collection of what a live one holds now.

    Args:
        collection: Which: its id, slug or URL.
        title: What the copy is called.
        owner: Whose the copy is; yours without it.
        visibility: Who sees the copy.
    """
    with common.client() as client:
        _made(client.collections.freeze(collection, title, owner=owner, visibility=visibility), common)


def _made(made: Collection, common: Common) -> None:
    fields: list[Column[Collection]] = [
        Column("collection", lambda c: c.slug),
        Column("entries", lambda c: c.entry_count),
        Column("url", lambda c: c.url),
    ]
    common.output.one(made, fields, name=lambda c: c.id)


def combine(
    op: Operation,
    first: str,
    *other: str,
    title: str | None = None,
    live: Flag = False,
    owner: str | None = None,
    description: str | None = None,
    visibility: Literal["public", "private"] | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Unite collections, intersect them, or take all others away from the first: as numbers, or as a new collection.

    Args:
        op: union, intersection, or difference: the first without all others.
        first: A collection: its id, slug or URL.
        other: One more, or up to nineteen.
        title: What the new collection is called; without it, only numbers are shown.
        live: Let the new one follow the others from now on.
        owner: Whose the new one is; yours without it.
        description: What the new one holds.
        visibility: Who sees the new one.
        reason: Why; kept in the history.
    """
    several = (first, *other)
    with common.client() as client:
        if title is not None:
            made = client.collections.combine(
                op,
                several,
                title,
                live=live,
                owner=owner,
                description=description,
                visibility=visibility,
                reason=reason,
            )
            _made(made, common)
            return
        found = client.collections.sizes(*several)
    fields: list[Column[CombinedSizes]] = [
        Column("sizes", lambda s: s.sizes),
        Column("union", lambda s: s.union),
        Column("intersection", lambda s: s.intersection),
        Column("difference", lambda s: s.difference),
    ]
    common.output.one(found, fields, name=lambda s: getattr(s, op))


def _check_columns() -> list[Column[Check]]:
    return [
        Column("id", lambda c: c.id, style="cyan", right=True),
        Column("kind", lambda c: c.kind),
        Column("params", lambda c: [f"{key}={value}" for key, value in c.params.items()]),
        Column("blocks", lambda c: c.blocks),
        Column("by", lambda c: c.created_by),
    ]


@checks.command(name="ls")
def list_checks(collection: str, *, common: Common = DEFAULT) -> None:
    """List the rules of a collection.

    Args:
        collection: Which: its id, slug or URL.
    """
    with common.client() as client:
        found = client.collections.checks(collection)
    common.output.rows(found, _check_columns(), name=lambda c: c.id, nothing="No checks.")


@checks.command
def add(
    collection: str,
    kind: str,
    *,
    param: Annotated[list[str] | None, Parameter(negative="")] = None,
    blocks: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Hold a collection against a rule from now on.

    Args:
        collection: Which: its id, slug or URL.
        kind: disjoint (collection=ID), public, size (least=N, most=N), tagged (tag=NAME), classed (class=NAME) or
            reviewed (queue=N).
        param: What the rule needs to know, as NAME=VALUE; several times for several.
        blocks: Refuse what goes against it, instead of telling.
    """
    with common.client() as client:
        made = client.collections.add_check(collection, kind, _params(param or ()), blocks=blocks)
    common.output.one(made, _check_columns(), name=lambda c: c.id)


def _params(given: list[str] | tuple[str, ...]) -> dict[str, Any]:
    from pinakes.sdk.errors import Invalid

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            message = f"{text!r} is no parameter: write NAME=VALUE."
            raise Invalid(message, code="invalid", field="param")
        found[name] = int(value) if name in {"least", "most", "queue"} and value.isdigit() else value
    return found


@checks.command
def run(collection: str, *, common: Common = DEFAULT) -> int:
    """Hold the whole collection against all of its rules now. The exit status is 7 when it does not hold.

    Args:
        collection: Which: its id, slug or URL.
    """
    columns: list[Column[CheckResult]] = [
        Column("id", lambda r: r.check.id, style="cyan", right=True),
        Column("kind", lambda r: r.check.kind),
        Column("passed", lambda r: r.passed),
        Column("against it", lambda r: r.count, right=True),
    ]
    with common.client() as client:
        found = client.collections.run_checks(collection)
    common.output.rows(found, columns, name=lambda r: r.check.id, nothing="No checks.")
    for result in found:
        for one in result.violations[:_TOLD] if not common.output.json else ():
            say(f"{result.check.kind}: {f'item {one.item}: ' if one.item else ''}{one.why}")
    return errors.DONE if all(result.passed for result in found) else errors.PARTLY


@checks.command
def rm(collection: str, check: int, *, common: Common = DEFAULT) -> None:
    """Take a rule away.

    Args:
        collection: Which: its id, slug or URL.
        check: The rule's number.
    """
    with common.client() as client:
        client.collections.remove_check(collection, check)
    common.output.done("The check is gone.", removed=check, collection=collection)


@selections.command(name="ls")
def list_selections(project: str, *, text: str | None = None, limit: int = 100, common: Common = DEFAULT) -> None:
    """List the selections of a project.

    Args:
        project: OWNER/PROJECT, or its number.
        text: With these words in the name.
        limit: How many at most.
    """
    columns: list[Column[Selection]] = [
        Column("id", lambda s: s.id, style="cyan"),
        Column("name", lambda s: s.name),
        Column("items", lambda s: s.entry_count, right=True),
        Column("live", lambda s: s.is_live),
        Column("tags", lambda s: s.tags),
        Column("changed", lambda s: s.updated_at),
    ]
    with common.client() as client:
        rows = client.collections.selections(project, text=text).first(limit)
        common.output.rows(rows, columns, name=lambda s: s.id, nothing="No selections.")


@selections.command
def create(
    project: str,
    title: str,
    *item: int,
    description: str | None = None,
    exists_ok: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Make a selection of a project's media; `pinakes items add` and `pinakes import` add more.

    Args:
        project: OWNER/PROJECT, or its number.
        title: Its title.
        item: The numbers of its first items.
        description: What it holds.
        exists_ok: Show the one of that title if there is one.
    """
    with common.client() as client:
        _made(
            client.collections.create_selection(
                project, title, description=description, items=item, exists_ok=exists_ok
            ),
            common,
        )
