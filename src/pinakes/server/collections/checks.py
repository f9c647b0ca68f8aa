"""Checks: rules that a collection is held against, and what is against them now.

A check that blocks is enforced where each change closes (see `enforcing`); a room above adds kinds of its own by
`register`, in a module that is imported when the application is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyroaring import BitMap

from pinakes.server import db
from pinakes.server.actor import Actor
from pinakes.server.collections.change import hold, look, view, view_of, views
from pinakes.server.collections.check_types import (
    Against,
    Check,
    CheckResult,
    Kind,
    Other,
    Subject,
    Violation,
    Violations,
)
from pinakes.server.collections.enforcing import KINDS, NAMED, SQL, evaluate, numbers
from pinakes.server.collections.sets import items_at
from pinakes.server.collections.types import Collection
from pinakes.server.db import Tx
from pinakes.server.errors import Conflict, Invalid, NotFound
from pinakes.server.events.service import record
from pinakes.server.permissions.table import Permission

# How many checks a collection can have.
MOST = 20
_LARGEST = 2**31 - 1


def register(kind: Kind) -> None:
    """Add a kind of check; the same one again changes nothing."""
    KINDS[kind.name] = kind


async def add(
    tx: Tx, actor: Actor, ref: str, kind: str, params: Mapping[str, object], *, blocks: bool = False
) -> Check:
    """Add a check to a collection. What is against it already stays; `run` tells of it.

    Raises:
        CollectionNotFound, Forbidden: see `hold`.
        Invalid: there is no such kind, or its parameters are not right.
        Conflict: the collection has as many checks as it can have.
    """
    found = KINDS.get(kind)
    if found is None:
        message = f"{kind[:80]!r} is not a kind of check; there are: {', '.join(sorted(KINDS))}."
        raise Invalid(message, field="kind")
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE)
    kept = await found.check_params(tx, actor, await view(tx, actor, held.id), params)
    if len(await tx.all(SQL.checks, Check, id=held.id, check_id=None)) >= MOST:
        message = f"A collection has at most {MOST} checks."
        raise Conflict(message, field="collection", details={"limit": MOST})
    values = {"kind": kind, "params": kept, "blocks": blocks}
    made = await tx.value(SQL.add_check, id=held.id, kind=kind, params=db.json(kept), blocks=blocks, by=actor.user_id)
    await record(tx, actor, "check.added", item_id=held.id, collection_id=held.id, after={"id": made, **values})
    return await _check(tx, held.id, made)


async def list_checks(tx: Tx, actor: Actor, ref: str) -> list[Check]:
    """List the checks of a collection, oldest first.

    Raises:
        CollectionNotFound: there is none that the actor sees.
    """
    collection = await look(tx, actor, ref)
    return await tx.all(SQL.checks, Check, id=collection.id, check_id=None)


async def remove(tx: Tx, actor: Actor, ref: str, check_id: int) -> None:
    """Take a check away from a collection.

    Raises:
        CollectionNotFound, Forbidden: see `hold`.
        NotFound: the collection has no such check.
    """
    held = await hold(tx, actor, ref, Permission.COLLECTION_UPDATE)
    gone = await _check(tx, held.id, check_id)
    await tx.run(SQL.remove_check, id=held.id, check_id=gone.id)
    before = {"id": gone.id, "kind": gone.kind, "params": gone.params, "blocks": gone.blocks}
    await record(tx, actor, "check.removed", item_id=held.id, collection_id=held.id, before=before)


async def run(tx: Tx, actor: Actor, ref: str) -> list[CheckResult]:
    """Hold all of a collection, as far as the actor sees it, against each of its checks.

    A check that names a collection which he does not see would tell him what that holds: it is left out.

    Raises:
        CollectionNotFound: there is none that he sees.
    """
    collection = await look(tx, actor, ref)
    found = await tx.all(SQL.checks, Check, id=collection.id, check_id=None)
    checks = [check for check in found if await _may_know(tx, actor, check)]
    items: Sequence[int] = ()
    if not all(KINDS[check.kind].whole for check in checks):
        seen = view_of(actor)
        asked = {"everything": seen.everything, "accounts": seen.accounts}
        items = numbers(await tx.value(SQL.items_in_order, id=collection.id, **asked))
    subject = Subject(collection.id, collection.entry_count)
    results: list[CheckResult] = []
    for check in checks:
        found = await evaluate(tx, subject, check, items)
        results.append(CheckResult(check, found.count, found.first))
    return results


def only(params: Mapping[str, object], *names: str) -> None:
    """Raise Invalid when a check's parameters name something that this kind has not."""
    for name in params:
        if name not in names:
            takes = f"takes {', '.join(names)}" if names else "takes no parameters"
            message = f"This kind of check {takes}; it has no {name[:80]!r}."
            raise Invalid(message, field="params")


def word(params: Mapping[str, object], name: str, *, longest: int = 255) -> str:
    """Return a parameter that is a text, if it is one that can be stored.

    Raises:
        Invalid: it is missing, empty, too long, or not a text.
    """
    value = params.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not _storable(value):
        message = f"{name} must be a text of 1 to {longest} characters."
        raise Invalid(message, field=f"params.{name}")
    return value


def number(params: Mapping[str, object], name: str) -> int | None:
    """Return a parameter that is a whole number from 0 on; None where it is not given.

    Raises:
        Invalid: it is something else.
    """
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        message = f"{name} must be a whole number from 0 to {_LARGEST}."
        raise Invalid(message, field=f"params.{name}")
    return value


def violations(rows: Sequence[Against], why: str) -> Violations:
    """Put together what a query found; `why` may have a place `{other}` for what an item clashes with."""
    first = [Violation(row.item_id, why.format(other=row.clashes_with)) for row in rows[:NAMED]]
    return Violations(rows[0].total if rows else 0, first)


def _storable(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)


async def _check(tx: Tx, collection_id: int, check_id: int) -> Check:
    found = None
    if 0 < check_id <= _LARGEST:
        found = await tx.one(SQL.checks, Check, id=collection_id, check_id=check_id)
    if found is None:
        message = f"This collection has no check {check_id}."
        raise NotFound(message, field="check")
    return found


async def _may_know(tx: Tx, actor: Actor, check: Check) -> bool:
    """Tell whether an actor sees the collection that a check names, if it names one that is there."""
    other = check.params.get("collection")
    if other is None or await views(tx, actor, None, public_id=str(other)):
        return True
    return await tx.one(SQL.other_collection, Other, public_id=other) is None


async def _disjoint_params(
    tx: Tx, actor: Actor, collection: Collection, params: Mapping[str, object]
) -> dict[str, object]:
    only(params, "collection")
    other = await look(tx, actor, word(params, "collection", longest=1000))
    if other.id == collection.id:
        message = "A collection shares everything with itself; name another one."
        raise Invalid(message, field="params.collection")
    return {"collection": other.public_id}


async def _shared(tx: Tx, _: Subject, params: Mapping[str, object], items: Sequence[int]) -> Violations:
    """Find what another collection holds too: the items themselves, and others with the same content."""
    other = await tx.one(SQL.other_collection, Other, public_id=params["collection"])
    if other is None:  # it was deleted, and what is gone shares nothing
        return Violations()
    there = BitMap(items) & await items_at(tx, other.id, other.revision)
    same = [item for item in items if item in there]
    left = [item for item in items if item not in there] if there else list(items)
    asked: dict[str, object] = {"items": left, "other": other.id, "limit": NAMED}
    media = await tx.all(SQL.same_content, Against, **asked) if left else []
    versions = await tx.all(SQL.same_digest, Against, **asked) if left else []
    found = [Violations(len(same), [Violation(item, "is in the other collection too") for item in same[:NAMED]])]
    found += [
        violations(rows, "has the same content as item {other} of the other collection") for rows in (media, versions)
    ]
    place = {item: at for at, item in enumerate(items)}
    first = sorted((one for each in found for one in each.first), key=lambda one: place[one.item_id or 0])
    return Violations(sum(each.count for each in found), first[:NAMED])


async def _no_params(_tx: Tx, _actor: Actor, _: Collection, params: Mapping[str, object]) -> dict[str, object]:
    only(params)
    return {}


async def _private(tx: Tx, _: Subject, _params: Mapping[str, object], items: Sequence[int]) -> Violations:
    rows = await tx.all(SQL.not_public, Against, items=list(items), limit=NAMED)
    return violations(rows, "is not public")


async def _size_params(_tx: Tx, _actor: Actor, _: Collection, params: Mapping[str, object]) -> dict[str, object]:
    only(params, "least", "most")
    given = {name: value for name in ("least", "most") if (value := number(params, name)) is not None}
    if not given:
        message = "Say how many entries there shall be: least, most or both."
        raise Invalid(message, field="params")
    if given.get("least", 0) > given.get("most", _LARGEST):
        message = "least must not be more than most."
        raise Invalid(message, field="params.least")
    return dict(given)


async def _wrong_size(_tx: Tx, subject: Subject, params: Mapping[str, object], _: Sequence[int]) -> Violations:
    """Hold the number of entries against the limits; a change that leads back towards them is none against them."""
    least, most = number(params, "least"), number(params, "most")
    count, delta = subject.entry_count, subject.delta
    why = None
    if least is not None and count < least and (delta is None or delta < 0):
        why = f"there are {count} entries, and there shall be {least} at least"
    if most is not None and count > most and (delta is None or delta > 0):
        why = f"there are {count} entries, and there shall be {most} at most"
    return Violations(1, [Violation(None, why)]) if why else Violations()


register(Kind("disjoint", _disjoint_params, _shared))
register(Kind("public", _no_params, _private))
register(Kind("size", _size_params, _wrong_size, whole=True))
