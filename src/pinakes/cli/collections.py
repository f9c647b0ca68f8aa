# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes collections …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column, shown

if TYPE_CHECKING:
    from pinakes.api.collections import Collection, CollectionAt, Diff, Difference, NamedRevision, Revision, SetSizes

app = App(name="collections", help="List, show, create, change and compare collections.")

Theme = Literal["orange", "blue", "green", "purple", "pink", "indigo"]
Sort = Literal["lastModified", "trending", "upvotes", "position"]
Flag = Annotated[bool, Parameter(negative="")]


def columns() -> list[Column[Collection]]:
    """The columns of a list of collections."""
    return [
        Column("slug", lambda c: c.slug, style="cyan"),
        Column("title", lambda c: c.title, style="bold"),
        Column("entries", lambda c: c.entry_count, right=True),
        Column("votes", lambda c: c.votes, right=True),
        Column("visibility", lambda c: c.visibility),
        Column("changed", lambda c: c.updated_at),
    ]


def _fields() -> list[Column[Collection]]:
    return [
        Column("slug", lambda c: c.slug),
        Column("title", lambda c: c.title),
        Column("description", lambda c: c.description),
        Column("owner", lambda c: c.owner),
        Column("visibility", lambda c: c.visibility),
        Column("theme", lambda c: c.theme),
        Column("tags", lambda c: c.tags),
        Column("entries", lambda c: c.entry_count),
        Column("votes", lambda c: c.votes),
        Column("revision", lambda c: c.revision),
        Column("created", lambda c: c.created_at),
        Column("changed", lambda c: c.updated_at),
        Column("in the trash since", lambda c: c.deleted_at),
        Column("url", lambda c: c.url),
    ]


def _slug(collection: Collection) -> object:
    return collection.slug


def _changed(collection: Collection, common: Common, sentence: str) -> None:
    """Print what a change answered with: its slug as data, what happened as a hint."""
    output = common.output
    if output.json:
        output.data(collection)
    else:
        output.text(collection.slug)
        output.hint(f"{sentence} {collection.url} (revision {collection.revision})")


@app.command
def ls(
    *,
    owner: list[str] | None = None,
    tag: list[str] | None = None,
    item: list[str] | None = None,
    text: str | None = None,
    sort: Sort | None = None,
    limit: int = 50,
    common: Common = DEFAULT,
) -> None:
    """List collections.

    Args:
        owner: Of one of these accounts.
        tag: With each of these tags.
        item: That hold one of these items (kind:address).
        text: With these words in title or description.
        sort: By what.
        limit: How many at most.
    """
    with common.client() as client:
        pages = client.collections.list(owner=owner, tag=tag, item=item, text=text, sort=sort)
        common.output.rows(pages.first(limit), columns(), name=_slug, nothing="No collections.")


@app.command
def trash(*, owner: list[str] | None = None, limit: int = 50, common: Common = DEFAULT) -> None:
    """List the collections in the trash, which can be brought back.

    Args:
        owner: Of one of these accounts.
        limit: How many at most.
    """
    shown_here = [*columns()[:3], Column["Collection"]("removed", lambda c: c.deleted_at)]
    with common.client() as client:
        rows = client.collections.list(owner=owner, trashed=True).first(limit)
        common.output.rows(rows, shown_here, name=_slug, nothing="The trash is empty.")


@app.command
def show(collection: str, *, revision: str | None = None, common: Common = DEFAULT) -> None:
    """Show a collection's own fields; `pinakes items ls` shows what is in it.

    Args:
        collection: Which: its id, slug or URL.
        revision: As it was at this revision, a number or a name.
    """
    with common.client() as client:
        if revision is None:
            common.output.one(client.collections.get(collection), _fields(), name=_slug)
            return
        fields: list[Column[CollectionAt]] = [
            Column("slug", lambda c: c.slug),
            Column("title", lambda c: c.title),
            Column("description", lambda c: c.description),
            Column("owner", lambda c: c.owner),
            Column("visibility", lambda c: c.visibility),
            Column("theme", lambda c: c.theme),
            Column("tags", lambda c: c.tags),
            Column("entries", lambda c: c.entry_count),
            Column("revision", lambda c: c.revision),
        ]
        common.output.one(client.collections.at(collection, revision), fields, name=lambda c: c.slug)


@app.command
def create(
    title: str,
    *,
    owner: str | None = None,
    description: str | None = None,
    private: Flag = False,
    theme: Theme | None = None,
    tag: list[str] | None = None,
    exists_ok: Flag = False,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Create a collection and print its slug.

    Args:
        title: Its title; an owner has each title once.
        owner: A user, organization or team; you without it.
        description: At most 150 characters.
        private: Only for those who have a role on the owner.
        theme: Its colour.
        tag: A word to find it by; several times for several.
        exists_ok: Print the slug of the owner's collection of that title if there is one.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        made = client.collections.create(
            title,
            owner=owner,
            description=description,
            visibility="private" if private else None,
            theme=theme,
            tags=tag,
            exists_ok=exists_ok,
            reason=reason,
        )
        _changed(made, common, "Created.")


@app.command
def edit(
    collection: str,
    *,
    title: str | None = None,
    description: str | None = None,
    visibility: Literal["public", "private"] | None = None,
    theme: Theme | None = None,
    tag: Annotated[list[str] | None, Parameter(negative_iterable="no-")] = None,
    position: int | None = None,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Change a collection's own fields; what is left out stays.

    Args:
        collection: Which.
        title: Its title; its slug follows, and the former slug still finds it.
        description: At most 150 characters.
        visibility: Who sees it.
        theme: Its colour.
        tag: All of its tags, anew; --no-tag for none.
        position: Its place, from 0, among its owner's collections.
        expected: The revision that it must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        changed = client.collections.update(
            collection,
            title=title,
            description=description,
            visibility=visibility,
            theme=theme,
            tags=tag,
            position=position,
            expected=expected,
            reason=reason,
        )
        _changed(changed, common, "Changed.")


@app.command
def rm(
    collection: str,
    *,
    missing_ok: Flag = False,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Put a collection into the trash; `pinakes collections restore` brings it back.

    Args:
        collection: Which.
        missing_ok: That there is none is no mistake.
        expected: The revision that it must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        client.collections.delete(collection, missing_ok=missing_ok, expected=expected, reason=reason)
    common.output.done(f"In the trash. To bring it back: pinakes collections restore {collection}", removed=collection)


@app.command
def restore(collection: str, *, common: Common = DEFAULT) -> None:
    """Bring a collection back from the trash, with its order, notes and address.

    Args:
        collection: Which.
    """
    with common.client() as client:
        _changed(client.collections.restore(collection), common, "Brought back.")


@app.command
def purge(collection: str, *, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Remove a collection in the trash for good, with its history. There is no way back.

    Args:
        collection: Which.
        yes: Yes, for good.
    """
    confirmed(f"pinakes collections purge {collection} --yes", given=yes)
    with common.client() as client:
        client.collections.purge(collection)
    common.output.done("Gone.", purged=collection)


@app.command
def copy(
    collection: str,
    *,
    owner: str | None = None,
    title: str | None = None,
    visibility: Literal["public", "private"] | None = None,
    revision: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Copy a collection with its entries, and print the copy's slug.

    Args:
        collection: Which.
        owner: Whose the copy is; yours without it.
        title: The copy's title.
        visibility: Who sees the copy.
        revision: Of what was at this revision, a number or a name.
    """
    with common.client() as client:
        made = client.collections.copy(
            collection, owner=owner, title=title, visibility=visibility, revision=revision_of(revision)
        )
        _changed(made, common, "Copied.")


@app.command
def transfer(collection: str, owner: str, *, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Give a collection to another owner; its former slug still finds it.

    Args:
        collection: Which.
        owner: The new owner.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        _changed(client.collections.transfer(collection, owner, reason=reason), common, "Transferred.")


@app.command
def vote(collection: str, *, off: Flag = False, common: Common = DEFAULT) -> None:
    """Upvote a collection.

    Args:
        collection: Which.
        off: Take the vote back.
    """
    with common.client() as client:
        voted = client.collections.vote(collection, not off)
        _changed(voted, common, f"{voted.votes} votes.")


@app.command
def revisions(collection: str, *, limit: int = 50, common: Common = DEFAULT) -> None:
    """List a collection's revisions, newest first.

    Args:
        collection: Which.
        limit: How many at most.
    """
    columns: list[Column[Revision]] = [
        Column("revision", lambda r: r.number, right=True),
        Column("names", lambda r: r.names, style="cyan"),
        Column("when", lambda r: r.at),
        Column("who", lambda r: r.actor),
        Column("through", lambda r: r.api),
        Column("what", lambda r: r.verb),
        Column("why", lambda r: r.reason),
    ]
    with common.client() as client:
        rows = client.collections.revisions(collection).first(limit)
        common.output.rows(rows, columns, name=lambda r: r.number)


@app.command
def diff(
    collection: str, older: str | None = None, newer: str | None = None, *, limit: int = 100, common: Common = DEFAULT
) -> None:
    """Show what differs between two revisions; between the last two when none is named.

    Args:
        collection: Which.
        older: From this revision, a number or a name.
        newer: To this revision; to what is now without it.
        limit: How many entries at most.
    """
    columns: list[Column[Difference]] = [
        Column("how", lambda d: d.ways, style="bold"),
        Column("item", lambda d: f"{d.item.kind}:{d.item.address}", style="cyan"),
        Column("title", lambda d: d.title),
        Column("note before", lambda d: d.before and d.before.note),
        Column("note after", lambda d: d.after and d.after.note),
    ]
    output = common.output
    with common.client() as client:
        found = client.collections.diff(collection, older, newer)
        rows = client.collections.differences(collection, older, newer).first(limit)
        if output.json:
            output.data(found.model_copy(update={"rows": rows}))
            return
        output.rows(rows, columns, name=lambda d: d.entry, nothing="No entries differ.")
        _hint_at_fields(found, common)


def _hint_at_fields(found: Diff, common: Common) -> None:
    for field, pair in found.fields.items():
        common.output.hint(f"{field}: {shown(pair.before)} → {shown(pair.after)}")
    counts = found.counts
    common.output.hint(
        f"Revision {found.older} to {found.newer}: {counts.added} added, {counts.removed} removed, "
        f"{counts.changed} changed, {counts.moved} moved."
    )


@app.command
def name(collection: str, name: str, *, revision: str | None = None, common: Common = DEFAULT) -> None:
    """Give a revision a name, such as v1, to cite it by.

    Args:
        collection: Which.
        name: Letters, digits, `.`, `_` and `-`, not digits only.
        revision: Which revision; the present one without it.
    """
    with common.client() as client:
        named = client.collections.name(collection, name, revision_of(revision))
        _show_names([named], common)


@app.command
def unname(collection: str, name: str, *, missing_ok: Flag = False, common: Common = DEFAULT) -> None:
    """Take a name away from its revision.

    Args:
        collection: Which.
        name: The name.
        missing_ok: That there is none is no mistake.
    """
    with common.client() as client:
        client.collections.unname(collection, name, missing_ok=missing_ok)
    common.output.done(f"{name} names nothing any more.", unnamed=name, collection=collection)


@app.command
def names(collection: str, *, common: Common = DEFAULT) -> None:
    """List the names that people gave to revisions.

    Args:
        collection: Which.
    """
    with common.client() as client:
        _show_names(client.collections.names(collection).all(), common)


def _show_names(rows: list[NamedRevision], common: Common) -> None:
    columns: list[Column[NamedRevision]] = [
        Column("name", lambda n: n.name, style="cyan"),
        Column("revision", lambda n: n.revision, right=True),
    ]
    common.output.rows(rows, columns, name=lambda n: n.name, nothing="No names.")


@app.command
def rollback(
    collection: str, revision: str, *, expected: int | None = None, reason: str | None = None, common: Common = DEFAULT
) -> None:
    """Make a collection what it was at a revision. That is a new revision: nothing is lost.

    Args:
        collection: Which.
        revision: A number or a name.
        expected: The revision that it must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        restored = client.collections.restore_revision(
            collection, revision_of(revision) or revision, expected=expected, reason=reason
        )
        _changed(restored, common, f"As it was at {revision}.")


@app.command
def undo(collection: str, *, expected: int | None = None, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Take back the last change; again, the one before it.

    Args:
        collection: Which.
        expected: The revision that it must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        _changed(client.collections.undo(collection, expected=expected, reason=reason), common, "Taken back.")


@app.command
def compare(left: str, right: str, *, common: Common = DEFAULT) -> None:
    """Count the items that two collections have, together and apart.

    Args:
        left: One collection.
        right: The other.
    """
    fields: list[Column[SetSizes]] = [
        Column("left", lambda s: s.left),
        Column("right", lambda s: s.right),
        Column("in both", lambda s: s.intersection),
        Column("in either", lambda s: s.union),
        Column("only left", lambda s: s.left_only),
        Column("only right", lambda s: s.right_only),
    ]
    with common.client() as client:
        common.output.one(client.collections.compare(left, right), fields, name=lambda s: s.intersection)


def revision_of(text: str | None) -> int | str | None:
    """Read a revision: a number, or a name."""
    return int(text) if text is not None and text.isdigit() else text
