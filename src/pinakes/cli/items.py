# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes items …`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Asked, Common
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.catalog import Bucket, Item, Paper, Reference, Repo
    from pinakes.api.collections import Batch, Entry
    from pinakes.sdk._sync.client import Client

app = App(name="items", help="Add, remove, order and annotate what is in a collection; register items.")
register = App(name="register", help="Make items known to the server, so that collections can point at them.")
app.command(register)

Flag = Annotated[bool, Parameter(negative="")]
Kind = Literal["model", "dataset", "space", "paper", "bucket", "reference", "collection"]

_ENTRY_ID_LENGTH = 24


def _entry_columns() -> list[Column[Entry]]:
    return [
        Column("entry", lambda e: e.id),
        Column("item", lambda e: f"{e.item.kind}:{e.item.address}", style="cyan"),
        Column("title", lambda e: e.item.title),
        Column("note", lambda e: e.note),
        Column("score", lambda e: e.score, right=True),
        Column("added by", lambda e: e.added_by),
        Column("added", lambda e: e.added_at),
    ]


@app.command
def ls(collection: str, *, revision: str | None = None, limit: int | None = None, common: Common = DEFAULT) -> None:
    """List what is in a collection, in its order.

    Args:
        collection: Which: its id, slug or URL.
        revision: As it was at this revision, a number or a name.
        limit: How many at most; all without it.
    """
    from pinakes.cli.collections import revision_of

    with common.client() as client:
        entries = client.collections.entries(collection, revision=revision_of(revision))
        rows = entries if limit is None else entries.first(limit)
        common.output.rows(rows, _entry_columns(), name=lambda e: e.id, nothing="It is empty.")


@app.command
def add(
    collection: str,
    *items: str,
    from_file: Asked[Path | None] = None,
    note: str | None = None,
    score: float | None = None,
    position: int | None = None,
    before: str | None = None,
    after: str | None = None,
    atomic: Flag = False,
    exists_ok: Flag = False,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> int:
    """Add items to a collection: one, or a million from a file.

    Lines that could not be added are reported; the exit status is 7 then.

    Args:
        collection: Where to.
        items: kind:address, such as model:google/vit-base-patch16-224 or paper:2010.11929; or a URL on huggingface.co
            or arxiv.org; or the item's number.
        from_file: A file with one item in each line; - for the standard input.
        note: A note for the new entries, at most 500 characters.
        score: A score for the new entries.
        position: The index, from 0, that the first shall have; at the end without it.
        before: The entry, or item, that they shall stand right before.
        after: The entry, or item, that they shall stand right after.
        atomic: All of them, or none.
        exists_ok: Items that are there already are no mistake.
        expected: The revision that the collection must still have.
        reason: Why; kept in the history.
    """
    from pinakes.cli.transfers import report

    with common.client() as client, common.progress("Adding") as progress:
        result = client.collections.add(
            collection,
            (_new(text, note, score) for text in _named(items, from_file)),
            position=position,
            before=_entry(client, collection, before),
            after=_entry(client, collection, after),
            atomic=atomic,
            expected=expected,
            reason=reason,
            progress=progress,
        )
    return report(result, common, exists_ok=exists_ok)


@app.command
def rm(
    collection: str,
    *entries: str,
    atomic: Flag = False,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> int:
    """Take entries out of a collection; the items themselves stay where they are.

    Args:
        collection: Where from.
        entries: Which: their ids, or their items as kind:address.
        atomic: All of them, or none.
        expected: The revision that the collection must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        ids = [_entry(client, collection, entry) or entry for entry in entries]
        batch = client.collections.remove(collection, ids, atomic=atomic, expected=expected, reason=reason)
    return _report(batch, "removed", common)


@app.command
def note(
    collection: str,
    entry: str,
    text: Asked[str] = "",
    *,
    score: float | None = None,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Write a note on an entry; an empty one takes the note away.

    Args:
        collection: Where.
        entry: Which: its id, or its item as kind:address.
        text: The note, at most 500 characters.
        score: A score as well.
        expected: The revision that the collection must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        changed = client.collections.update_entry(
            collection,
            _entry(client, collection, entry) or entry,
            note=text,
            score=score,
            expected=expected,
            reason=reason,
        )
    common.output.one(changed, _entry_columns(), name=lambda e: e.id)


@app.command
def move(
    collection: str,
    *entries: str,
    to: int | None = None,
    before: str | None = None,
    after: str | None = None,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> int:
    """Move entries together, in the given order, to one place; to the end when none is named.

    Args:
        collection: Where.
        entries: Which: their ids, or their items as kind:address.
        to: The index, from 0, that the first of them shall have.
        before: The entry, or item, that they shall stand right before.
        after: The entry, or item, that they shall stand right after.
        expected: The revision that the collection must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        batch = client.collections.move(
            collection,
            [_entry(client, collection, entry) or entry for entry in entries],
            position=to,
            before=_entry(client, collection, before),
            after=_entry(client, collection, after),
            expected=expected,
            reason=reason,
        )
    return _report(batch, "moved", common)


@app.command
def find(
    *,
    kind: list[Kind] | None = None,
    owner: str | None = None,
    text: str | None = None,
    limit: int = 50,
    common: Common = DEFAULT,
) -> None:
    """List items, newest first: whatever can be put into a collection.

    Args:
        kind: Of one of these kinds.
        owner: What belongs to this account.
        text: With these words in address or title.
        limit: How many at most.
    """
    columns: list[Column[Item]] = [
        Column("id", lambda i: i.id, right=True),
        Column("item", lambda i: f"{i.kind}:{i.address}", style="cyan"),
        Column("title", lambda i: i.title),
        Column("visibility", lambda i: i.visibility),
        Column("changed", lambda i: i.updated_at),
    ]
    with common.client() as client:
        rows = client.items.list(kind=kind, owner=owner, text=text).first(limit)
        common.output.rows(rows, columns, name=lambda i: f"{i.kind}:{i.address}", nothing="No items.")


@app.command
def where(item: str, *, limit: int = 50, common: Common = DEFAULT) -> None:
    """List the collections that hold an item.

    Args:
        item: kind:address, a URL, or the item's number.
        limit: How many at most.
    """
    from pinakes.cli.collections import columns

    with common.client() as client:
        rows = client.collections.list(item=_item(item)).first(limit)
        common.output.rows(rows, columns(), name=lambda c: c.slug, nothing="No collection that you see holds it.")


@register.command(name="repo")
def register_repo(
    repo: str,
    *,
    title: str | None = None,
    private: Flag = False,
    sdk: Literal["gradio", "streamlit", "docker", "static"] | None = None,
    tag: list[str] | None = None,
    exists_ok: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Make a model, dataset or space known.

    Args:
        repo: kind:owner/name, such as model:acme/classifier; without the owner it is yours.
        title: What people read.
        private: Only for those who have a role on the owner.
        sdk: A space's SDK: gradio, streamlit, docker or static.
        tag: A word to find it by; several times for several.
        exists_ok: That it is known already is no mistake.
    """
    from pinakes.sdk.addressing import parse

    fields: list[Column[Repo]] = [
        Column("kind", lambda r: r.kind),
        Column("address", lambda r: r.address),
        Column("title", lambda r: r.title),
        Column("visibility", lambda r: r.visibility),
        Column("id", lambda r: r.id),
    ]
    found: Any = parse(repo)
    with common.client() as client:
        made = client.repos.create(
            found["kind"],
            found["address"],
            title=title,
            visibility="private" if private else None,
            sdk=sdk,
            tags=tag,
            exists_ok=exists_ok,
        )
    common.output.one(made, fields, name=lambda r: f"{r.kind}:{r.address}")


@register.command(name="paper")
def register_paper(
    paper: str,
    *,
    title: str | None = None,
    author: list[str] | None = None,
    abstract: str | None = None,
    published: datetime | None = None,
    correct: bool = False,
    common: Common = DEFAULT,
) -> None:
    """Make a paper known, by its arXiv id.

    Args:
        paper: Its arXiv id, or its URL on arxiv.org.
        title: Its title; only with --correct may it be left out.
        author: An author; several times for several.
        abstract: Its abstract.
        published: When.
        correct: It is known; give it these facts, and leave the others as they are.
    """
    from pinakes.sdk.addressing import parse
    from pinakes.sdk.errors import Invalid

    fields: list[Column[Paper]] = [
        Column("arXiv", lambda p: p.arxiv_id),
        Column("title", lambda p: p.title),
        Column("authors", lambda p: [author.name for author in p.authors]),
        Column("published", lambda p: p.published_at),
        Column("id", lambda p: p.id),
    ]
    if title is None and not correct:
        message = "A paper that is not known yet needs its title: --title."
        raise Invalid(message, code="invalid", field="title")
    arxiv_id = parse(paper)["address"] if ":" in paper else paper
    at = published and (published if published.tzinfo else published.replace(tzinfo=UTC))
    with common.client() as client:
        if correct:
            made = client.papers.update(arxiv_id, title=title, authors=author, abstract=abstract, published_at=at)
        else:
            assert title is not None  # asked for above
            made = client.papers.register(
                arxiv_id, title=title, authors=author or [], abstract=abstract, published_at=at
            )
    common.output.one(made, fields, name=lambda p: f"paper:{p.arxiv_id}")


@register.command(name="reference")
def register_reference(
    name: str,
    *,
    url: str,
    kind: str,
    title: str | None = None,
    owner: str | None = None,
    private: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Make something known that lives elsewhere.

    Args:
        name: What it is called here.
        url: Where it is.
        kind: What it is there, in a word of yours, such as notebook.
        title: What people read.
        owner: Whose; yours without it.
        private: Only for those who have a role on the owner.
    """
    fields: list[Column[Reference]] = [
        Column("address", lambda r: r.address),
        Column("title", lambda r: r.title),
        Column("kind there", lambda r: r.target_kind),
        Column("url", lambda r: r.url),
        Column("visibility", lambda r: r.visibility),
        Column("id", lambda r: r.id),
    ]
    with common.client() as client:
        made = client.references.create(
            name, url=url, target_kind=kind, title=title, owner=owner, visibility="private" if private else None
        )
    common.output.one(made, fields, name=lambda r: f"reference:{r.address}")


@register.command(name="bucket")
def register_bucket(
    name: str,
    *,
    title: str | None = None,
    owner: str | None = None,
    private: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Make a bucket known by its name.

    Args:
        name: What it is called.
        title: What people read.
        owner: Whose; yours without it.
        private: Only for those who have a role on the owner.
    """
    fields: list[Column[Bucket]] = [
        Column("address", lambda b: b.address),
        Column("title", lambda b: b.title),
        Column("visibility", lambda b: b.visibility),
        Column("id", lambda b: b.id),
    ]
    with common.client() as client:
        made = client.buckets.create(name, owner=owner, title=title, visibility="private" if private else None)
    common.output.one(made, fields, name=lambda b: f"bucket:{b.address}")


def _new(text: str, note: str | None, score: float | None) -> dict[str, Any]:
    from pinakes.sdk.addressing import item

    return item(_item(text), note=note, score=score)


def _item(text: str) -> str | int:
    return int(text) if text.isdigit() else text


def _named(items: tuple[str, ...], file: Path | None) -> Iterator[str]:
    """Yield the items of the command line, then those of the file."""
    yield from items
    if file is None:
        return
    with sys.stdin if str(file) == "-" else file.open() as source:
        for line in source:
            if line.strip():
                yield line.strip()


def _entry(client: Client, collection: str, text: str | None) -> str | None:
    """Return an entry's id; of an item that is named instead, that of its entry."""
    if text is None or (len(text) == _ENTRY_ID_LENGTH and set(text) <= set("0123456789abcdef")):
        return text
    return client.collections.find(collection, _item(text)).id


def _report(batch: Batch, outcome: str, common: Common) -> int:
    from pinakes.cli import errors
    from pinakes.cli.output import say

    output = common.output
    bad = [result for result in batch.results if result.error is not None]
    if output.json:
        output.data(batch)
    elif output.quiet:
        for result in batch.results:
            if result.error is None and result.entry is not None:
                output.text(result.entry)
    else:
        for result in bad:
            say(f"{result.outcome}: {result.error.message if result.error else ''}")
        output.hint(f"{batch.counts.get(outcome, 0)} {outcome}; the collection is at revision {batch.revision}.")
    return errors.PARTLY if bad else errors.DONE
