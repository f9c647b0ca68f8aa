"""Promotions: a protected alias that takes approvals is set once enough admins of the registry agreed.

The last approval sets it, in its own transaction. Who asks for a promotion doesn't vote on it; one rejection ends it.
"""

from __future__ import annotations

from pinakes.server.actor import Actor
from pinakes.server.collections import numbered
from pinakes.server.collections.numbered import Change, check_alias
from pinakes.server.collections.rules import fields
from pinakes.server.db import Tx
from pinakes.server.errors import Conflict, Forbidden, Invalid, PromotionDecided, PromotionNotFound
from pinakes.server.events.service import record
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions.service import require, require_sign_in, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import aliases as naming, checks, shelves
from pinakes.server.registries.service import SQL, by_id
from pinakes.server.registries.types import Promotion, ProtectedAlias


async def request(
    tx: Tx, actor: Actor, ref: str | int, alias: str, version_id: int, *, reason: str | None = None
) -> Promotion:
    """Ask that a protected alias be set to a version of a release. Asked again, it is the promotion that is open.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not curate it.
        EntryNotFound: the version is not in it.
        Conflict: the alias names that version already.
        Invalid: the alias takes no approvals, so it is set without; the version was deleted.
    """
    user_id = require_sign_in(actor)
    alias = check_alias(alias)
    change = await numbered.begin(tx, actor, checks.ref(ref), Permission.COLLECTION_CURATE)
    held = change.held
    rules = await tx.one(SQL.protected, ProtectedAlias, registry_id=held.owner_id, alias=alias)
    if rules is None or not rules.approvals:
        message = f"The alias {alias!r} takes no approvals there; set it."
        raise Invalid(message, field="alias")
    linked = await naming.entry(tx, change, version_id)
    if linked.gone:
        message = "That version was deleted; it can't be promoted."
        raise Invalid(message, field="version")
    if alias in linked.aliases:
        message = f"{alias!r} names that version already."
        raise Conflict(message, field="alias")
    asked = {"collection_id": held.id, "alias": alias, "item_id": linked.item_id}
    found = await tx.value(SQL.open_promotion, **asked)
    if found is None:
        found = await tx.value(SQL.request_promotion, reason=fields.reason(reason), actor_id=user_id, **asked)
        await _record(tx, actor, await _one(tx, actor, found), "promotion.requested", fields.reason(reason))
    return await _one(tx, actor, found)


async def vote(tx: Tx, actor: Actor, promotion_id: int, *, approve: bool, comment: str | None = None) -> Promotion:
    """Approve or reject a promotion. The approval that was missing sets the alias; a rejection ends the promotion.

    Raises:
        PromotionNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he is no admin of the registry, or he asked for it himself.
        PromotionDecided: it was decided before.
        Conflict: the version is not in the release any more; withdraw or reject it.
        Invalid: the comment is too long.
    """
    user_id = require_sign_in(actor)
    comment = checks.comment(comment)
    seen = await get(tx, actor, promotion_id)
    require(actor, Permission.REGISTRY_MANAGE, owner_id=seen.registry_id, missing=PromotionNotFound)
    if seen.requested_by_id == user_id:
        message = "Who asks for a promotion doesn't vote on it; another admin has to."
        raise Forbidden(message)
    change = await numbered.begin(tx, actor, seen.collection_id, Permission.COLLECTION_CURATE, reason=seen.reason)
    await _hold(tx, seen)
    await tx.run(SQL.vote, id=seen.id, user_id=user_id, approves=approve, comment=comment)
    voted = await get(tx, actor, seen.id)
    await _record(tx, actor, voted, "promotion.approved" if approve else "promotion.rejected", comment)
    if not approve:
        await tx.run(SQL.decide_promotion, id=seen.id, state="rejected")
    elif voted.approvals >= max(1, voted.needed):
        await _apply(tx, actor, change, voted)
    return await get(tx, actor, seen.id)


async def withdraw(tx: Tx, actor: Actor, promotion_id: int, *, reason: str | None = None) -> Promotion:
    """Take back what one asked for oneself.

    Raises:
        PromotionNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: somebody else asked for it.
        PromotionDecided: it was decided before.
    """
    user_id = require_sign_in(actor)
    seen = await get(tx, actor, promotion_id)
    if seen.requested_by_id != user_id:
        message = "Only who asked for a promotion withdraws it; an admin can reject it."
        raise Forbidden(message)
    require(actor, Permission.COLLECTION_CURATE, owner_id=seen.registry_id, missing=PromotionNotFound)
    await _hold(tx, seen)
    await tx.run(SQL.decide_promotion, id=seen.id, state="withdrawn")
    await _record(tx, actor, seen, "promotion.withdrawn", fields.reason(reason))
    return await get(tx, actor, seen.id)


async def get(tx: Tx, actor: Actor, promotion_id: int) -> Promotion:
    """Return a promotion, with what everybody said to it.

    Raises:
        PromotionNotFound: there is none of a release that the actor sees.
    """
    return await _one(tx, actor, promotion_id if 0 < promotion_id < 2**31 else 0)


async def page(
    tx: Tx,
    actor: Actor,
    *,
    ref: str | int | None = None,
    registry_id: int | None = None,
    state: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Promotion]:
    """List promotions, newest first: of one release, of one registry, or all that the actor sees.

    Raises:
        CollectionNotFound, RegistryNotFound: there is none that he sees.
        Invalid: no such state; the limit is not 1 to 1,000; the cursor is none of ours.
    """
    checks.limit(limit)
    below = decode_cursor(cursor, int)[0] if cursor else None
    collection_id = (await shelves.release(tx, actor, ref)).id if ref is not None else None
    if registry_id is not None:
        await by_id(tx, actor, registry_id)
    rows = await _rows(
        tx,
        actor,
        collection_id=collection_id,
        registry_id=registry_id,
        state=checks.state(state),
        below=below,
        limit=limit + 1,
    )
    return cut(rows, limit, lambda last: (last.id,))


async def _apply(tx: Tx, actor: Actor, change: Change, voted: Promotion) -> None:
    """Set the alias, as the promotion asked for."""
    number = await numbered.number_of(tx, voted.collection_id, voted.item_id)
    if number is None or (await naming.entry(tx, change, voted.version_id)).gone:
        message = f"v{voted.number} is not in {voted.collection} any more; reject the promotion."
        raise Conflict(message, field="version")
    await change.set_alias(voted.alias, voted.item_id)
    revision = await change.close()
    await tx.run(SQL.decide_promotion, id=voted.id, state="applied")
    await _record(tx, actor, voted, "promotion.applied", voted.reason, revision=revision)


async def _hold(tx: Tx, seen: Promotion) -> None:
    """Hold a promotion that is still open."""
    state = await tx.value(SQL.hold_promotion, id=seen.id)
    if state != "open":
        message = f"That promotion is {state} already."
        raise PromotionDecided(message, details={"state": state})


async def _record(
    tx: Tx, actor: Actor, promotion: Promotion, verb: str, reason: str | None, *, revision: int | None = None
) -> None:
    after: dict[str, object] = {
        "promotion": promotion.id,
        "alias": promotion.alias,
        "item": promotion.item_id,
        "number": promotion.number,
    }
    if revision is not None:
        after["revision"] = revision
    await record(
        tx,
        actor,
        verb,
        item_id=promotion.item_id,
        collection_id=promotion.collection_id,
        after=after,
        reason=reason,
    )


async def _one(tx: Tx, actor: Actor, promotion_id: int) -> Promotion:
    found = await _rows(tx, actor, id=promotion_id)
    if not found:
        raise PromotionNotFound
    return found[0]


async def _rows(tx: Tx, actor: Actor, **by: object) -> list[Promotion]:
    seen = sight(actor)
    asked = {
        "id": None,
        "collection_id": None,
        "registry_id": None,
        "state": None,
        "below": None,
        "limit": 1,
        "everything": seen.everything,
        "accounts": seen.accounts,
        **by,
    }
    return await tx.all(SQL.promotions, Promotion, **asked)
