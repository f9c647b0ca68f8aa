"""What a collection was: any past revision read, compared, named, and brought back.

Entries keep the revision that gave them their present form; their former forms are in `entry_history`. So a revision is
read by looking, two are compared by looking at what changed in between, and a change never copies what stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields as fields_of, replace

from pinakes.server import db
from pinakes.server.actor import Actor
from pinakes.server.catalog.service import hold_still
from pinakes.server.collections import numbered, rules
from pinakes.server.collections.change import SQL, finish, hold, look, view, view_of
from pinakes.server.collections.rules import fields
from pinakes.server.collections.service import write_fields
from pinakes.server.collections.types import (
    Collection,
    Diff,
    DiffCounts,
    Difference,
    FieldsAt,
    LastChange,
    Locked,
    NamedRevision,
    Revision,
    RevisionAt,
)
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, NameTaken, NothingToUndo, RevisionNotFound
from pinakes.server.events.service import record
from pinakes.server.paging import Page, decode_cursor, encode_cursor
from pinakes.server.permissions.table import Permission

PAGE = 1000
# What restoring a revision brings back beside the entries. Whose a collection is, who may see it and whether it is in
# the trash is not content, and stays; only to undo the very change of visibility gives the former one back.
RESTORED = ("title", "description", "theme", "tags")


async def number_of(tx: Tx, collection_id: int, revision: int | str, *, newest: int) -> int:
    """Return the number of a revision that is given by number or by name.

    Raises:
        RevisionNotFound: the collection has none of that number or name.
    """
    text = str(revision)
    if text.isascii() and text.isdigit():
        number = int(text) if len(text) < 10 else 0  # noqa: PLR2004 - beyond it is no int4
    else:
        number = await tx.value(SQL.named, id=collection_id, name=text.replace("\0", "")) or 0
    if not 1 <= number <= newest:
        message = f"The collection has no revision {text[:80]!r}; the newest is {newest}."
        raise RevisionNotFound(message, field="revision")
    return number


async def list_revisions(
    tx: Tx, actor: Actor, ref: str, *, limit: int = 50, cursor: str | None = None
) -> Page[Revision]:
    """List the revisions of a collection, newest first, each with the change that made it."""
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    below = decode_cursor(cursor, int)[0] if cursor else None
    collection = await look(tx, actor, ref)
    if below is not None and not 0 < below < 2**31:
        message = "This cursor does not belong to this list."
        raise Invalid(message, field="cursor")
    rows = await tx.all(SQL.revisions, Revision, id=collection.id, below=below, limit=limit + 1)
    shown = rows[:limit]
    return Page(shown, encode_cursor(shown[-1].number) if len(rows) > limit else None)


async def at(tx: Tx, actor: Actor, ref: str, revision: int | str) -> Collection:
    """Return a collection as it was at a revision: its own fields, how many entries it had, and when that was made.

    Its id, votes and place are those of now. Who may read the collection now may read what it was.

    Raises:
        CollectionNotFound, RevisionNotFound
    """
    collection = await look(tx, actor, ref)
    number = await number_of(tx, collection.id, revision, newest=collection.revision)
    past = await tx.one(SQL.fields_at, FieldsAt, id=collection.id, revision=number)
    seen = view_of(actor)
    count = await tx.value(
        SQL.count_at, id=collection.id, revision=number, everything=seen.everything, accounts=seen.accounts
    )
    made = await tx.one(SQL.revision_at, RevisionAt, id=collection.id, revision=number)
    values = {f.name: getattr(past, f.name) for f in fields_of(FieldsAt)} if past else {}
    return replace(
        collection,
        revision=number,
        entry_count=count,
        updated_at=made.at if made else collection.updated_at,
        **values,
    )


async def diff(
    tx: Tx,
    actor: Actor,
    ref: str,
    older: int | str,
    newer: int | str,
    *,
    limit: int = 1000,
    cursor: str | None = None,
) -> Diff:
    """Compare two revisions: what differs is counted, and listed page by page in the order of the newer."""
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    collection = await look(tx, actor, ref)
    first = await number_of(tx, collection.id, older, newest=collection.revision)
    second = await number_of(tx, collection.id, newer, newest=collection.revision)
    after, after_id = decode_cursor(cursor, bytes, int) if cursor else (None, None)
    seen = view_of(actor)
    asked: dict[str, object] = {
        "id": collection.id,
        "older": first,
        "newer": second,
        "everything": seen.everything,
        "accounts": seen.accounts,
    }
    counts = await tx.one(SQL.count_differences, DiffCounts, **asked) or DiffCounts(0, 0, 0, 0)
    rows = await tx.all(SQL.differences, Difference, limit=limit + 1, after=after, after_id=after_id, **asked)
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        following = encode_cursor(shown[-1].new_key or shown[-1].old_key, shown[-1].item_id)
    fields_then = await _fields_differing(tx, collection, first, second)
    return Diff(first, second, counts, Page(shown, following), fields_then)


async def name(tx: Tx, actor: Actor, ref: str, label: str, revision: int | str | None = None) -> NamedRevision:
    """Give a revision (the present one, if none is given) a name to cite it by. A name stays with its revision.

    Raises:
        NameTaken: another revision of this collection has that name; the same one is no error.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE)
    label = fields.revision_name(label)
    number = held.revision
    if revision is not None:
        number = await number_of(tx, held.id, revision, newest=held.revision)
    try:
        async with tx.savepoint():
            await tx.run(SQL.name_revision, id=held.id, name=label, revision=number, by=actor.user_id)
    except db.IntegrityError as error:
        if db.violated(error) != "revision_names_pkey":
            raise
        taken = await tx.value(SQL.named, id=held.id, name=label)
        if taken != number:
            message = f"The name {label!r} belongs to revision {taken}."
            raise NameTaken(message, field="name", details={"revision": taken}) from error
    else:
        await record(
            tx,
            actor,
            "revision.named",
            item_id=held.id,
            collection_id=held.id,
            after={"name": label, "revision": number},
        )
    return next(found for found in await _names(tx, held.id) if found.name == label)


async def unname(tx: Tx, actor: Actor, ref: str, label: str) -> None:
    """Take a name back from its revision."""
    held = await hold(tx, actor, ref, Permission.COLLECTION_CURATE)
    number = await tx.value(SQL.unname_revision, id=held.id, name=label.replace("\0", ""))
    if number is None:
        message = f"No revision of this collection has the name {label[:80]!r}."
        raise RevisionNotFound(message, field="name")
    before = {"name": label, "revision": number}
    await record(tx, actor, "revision.unnamed", item_id=held.id, collection_id=held.id, before=before)


async def names(tx: Tx, actor: Actor, ref: str) -> list[NamedRevision]:
    """List the names that people gave to revisions of a collection."""
    collection = await look(tx, actor, ref)
    return await _names(tx, collection.id)


async def restore(
    tx: Tx,
    actor: Actor,
    ref: str,
    revision: int | str,
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> Collection:
    """Make a collection what it was at a revision: entries, order, notes and its own fields. That is a new revision.

    Entries that come back are the same memberships as before, with the same public ids. Who may see it stays as it is.

    Raises:
        RevisionNotFound: there is none of that number or name.
        TitleTaken: the owner has given the title of then to another collection.
    """
    await tx.patiently()
    await hold_still(tx)
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE, expected=expected)
    _check_restorable(held)
    target = await number_of(tx, held.id, revision, newest=held.revision)
    own = _values(await _fields_at(tx, held, target), RESTORED)
    return await _restored(tx, actor, held, target, own, {"revision": target}, reason)


async def undo(tx: Tx, actor: Actor, ref: str, *, expected: int | None = None, reason: str | None = None) -> Collection:
    """Take the last change back. Again takes the one before back, and so on; `restore` brings any of them again.

    Raises:
        NothingToUndo: nothing was changed since the collection was made.
    """
    await tx.patiently()
    await hold_still(tx)
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE, expected=expected)
    _check_restorable(held)
    last = await tx.one(SQL.last_change, LastChange, id=held.id, revision=held.revision)
    present = last.undone_to if last and last.undone_to is not None else held.revision
    if present <= 1:
        raise NothingToUndo
    former = await _fields_at(tx, held, present - 1)
    shown = await _was_shown_or_hidden(tx, held, present, former)
    own = _values(former, (*RESTORED, "visibility") if shown else RESTORED)
    after: dict[str, object] = {"revision": present - 1, "undone_to": present - 1}
    return await _restored(tx, actor, held, present - 1, own, after, reason)


async def _was_shown_or_hidden(tx: Tx, held: Locked, revision: int, former: FieldsAt | None) -> bool:
    """Tell whether a revision changed who may see a showcase; what is in a project or registry follows that."""
    if held.kind != "showcase" or former is None:
        return False
    then = await _fields_at(tx, held, revision)
    return former.visibility != (then.visibility if then else held.visibility)


async def _fields_at(tx: Tx, held: Locked, revision: int) -> FieldsAt | None:
    return await tx.one(SQL.fields_at, FieldsAt, id=held.id, revision=revision)


def _values(past: FieldsAt | None, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(past, name) for name in names} if past is not None else {}


def _check_restorable(held: Locked) -> None:
    """Raise for an artifact: its entries are its versions, and those that were deleted do not come back."""
    if held.kind == "artifact":
        message = "An artifact can't go back to what it was: its versions are logged and deleted, one by one."
        raise Invalid(message, field="collection")


async def _restored(
    tx: Tx,
    actor: Actor,
    held: Locked,
    target: int,
    own: dict[str, object],
    told: dict[str, object],
    reason: str | None,
) -> Collection:
    """Bring back the entries of a revision, and its own values; the record has what was, and how many entries."""
    changed = await write_fields(tx, held, own)
    asked = {"id": held.id, "target": target, "revision": held.revision + 1}
    await tx.run(SQL.restore_removing, current=held.revision, **asked)
    await tx.run(SQL.restore_rewriting, current=held.revision, **asked)
    await tx.run(SQL.restore_adding, container_id=held.container_id, **asked)
    if rules.of(held.kind).managed is not None:
        await numbered.restore_aliases(tx, actor, held, target)
    count: int = await tx.value(SQL.count_entries, id=held.id)
    await finish(
        tx,
        actor,
        held,
        "revision.restored",
        delta=count - held.entry_count,
        before={"revision": held.revision, "count": held.entry_count, **(changed.before if changed else {})},
        after={**told, "count": count, **(changed.after if changed else {})},
        item_id=held.id,
        reason=reason,
    )
    return await view(tx, actor, held.id)


async def _names(tx: Tx, collection_id: int) -> list[NamedRevision]:
    return await tx.all(SQL.names, NamedRevision, id=collection_id)


async def _fields_differing(tx: Tx, collection: Collection, older: int, newer: int) -> dict[str, tuple[object, object]]:
    """Return the collection's own fields that differ between two revisions."""
    present = FieldsAt(**{f.name: getattr(collection, f.name) for f in fields_of(FieldsAt)})
    first = await tx.one(SQL.fields_at, FieldsAt, id=collection.id, revision=older) or present
    second = await tx.one(SQL.fields_at, FieldsAt, id=collection.id, revision=newer) or present
    pairs = {f.name: (getattr(first, f.name), getattr(second, f.name)) for f in fields_of(FieldsAt)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and name != "name"}
