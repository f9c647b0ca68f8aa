"""Aliases of versions in releases and artifacts, and those that a registry protects.

A protected alias is set, moved and removed by the registry's admins only. Where it needs approvals, nobody sets it by
himself: a promotion does, once enough admins agreed (`promotions.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.collections import numbered
from pinakes.server.collections.change import Address, author, public_id_of
from pinakes.server.collections.numbered import LATEST, Change, check_alias
from pinakes.server.collections.protection import guard
from pinakes.server.collections.rules import fields
from pinakes.server.db import Tx
from pinakes.server.errors import EntryNotFound, Invalid, RegistryNotFound
from pinakes.server.events.service import record
from pinakes.server.permissions.service import require, roles_allowing
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import checks
from pinakes.server.registries.service import SQL, by_id
from pinakes.server.registries.types import Ended, Linked, ProtectedAlias


async def set_aliases(
    tx: Tx,
    actor: Actor,
    ref: str | int,
    version_id: int,
    aliases: Sequence[str],
    *,
    expected: int | None = None,
    reason: str | None = None,
) -> int:
    """Let aliases name a version of a release or artifact, and no other there any more; return the revision.

    Those that name it already stay as they are, whoever set them.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not curate it.
        PreconditionFailed: it has another revision than the one expected.
        EntryNotFound: the version is not in it, or was deleted.
        AliasProtected, ApprovalNeeded: an alias is not his to set; none is set then.
        Invalid: an alias can't be one, or there are more than 100.
    """
    wanted = checks.aliases(aliases)
    if len(wanted) == 1 and expected is None:
        made = await _set_one(tx, actor, ref, version_id, wanted[0], reason)
        if made is not None:
            return made
    change = await numbered.begin(
        tx, actor, checks.ref(ref), Permission.COLLECTION_CURATE, expected=expected, reason=reason
    )
    linked = await entry(tx, change, version_id)
    if linked.gone:
        message = "That version was deleted; an alias can't be set on it any more."
        raise EntryNotFound(message, field="version")
    await put(tx, actor, change, linked.item_id, [alias for alias in wanted if alias not in linked.aliases])
    return await change.close()


async def remove_aliases(
    tx: Tx,
    actor: Actor,
    ref: str | int,
    aliases: Sequence[str],
    *,
    version_id: int | None = None,
    expected: int | None = None,
    reason: str | None = None,
) -> int:
    """Take aliases away from whatever they name (or from one version only); return the revision.

    An alias that names nothing there is no error. `latest` is the server's to keep: it stays.

    Raises:
        CollectionNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not curate it.
        PreconditionFailed: it has another revision than the one expected.
        EntryNotFound: the version is not in it.
        AliasProtected: an alias is not his to remove; none is removed then.
        Invalid: an alias can't be one, or there are more than 100.
    """
    wanted = [alias for alias in checks.aliases(aliases) if alias != LATEST]
    change = await numbered.begin(
        tx, actor, checks.ref(ref), Permission.COLLECTION_CURATE, expected=expected, reason=reason
    )
    item_id = None if version_id is None else (await entry(tx, change, version_id)).item_id
    present = await numbered.aliases(tx, change.held.id, None if item_id is None else [item_id])
    going = sorted({alias for of_one in present.values() for alias in of_one} & set(wanted))
    await guard(tx, actor, change.held.owner_id, removing=going)
    for alias in going:
        await change.drop_alias(alias)
    return await change.close()


async def protected(tx: Tx, actor: Actor, registry_id: int) -> list[ProtectedAlias]:
    """List the aliases that a registry protects.

    Raises:
        RegistryNotFound: there is none that the actor sees.
    """
    registry = await by_id(tx, actor, registry_id)
    return await tx.all(SQL.protected, ProtectedAlias, registry_id=registry.id, alias=None)


async def protect(
    tx: Tx, actor: Actor, registry_id: int, alias: str, *, approvals: int = 0, reason: str | None = None
) -> ProtectedAlias:
    """Protect an alias in all releases of a registry, or say anew how many approvals it needs.

    Raises:
        RegistryNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage the registry.
        Invalid: no alias, or `latest`; not 0 to 20 approvals.
    """
    registry = await by_id(tx, actor, registry_id)
    require(actor, Permission.REGISTRY_MANAGE, owner_id=registry.id, missing=RegistryNotFound)
    alias = check_alias(alias)
    if alias == LATEST:
        message = f"{LATEST!r} follows the newest version by itself; it can't be protected."
        raise Invalid(message, field="alias")
    asked = {"registry_id": registry.id, "alias": alias}
    approvals = checks.approvals(approvals)
    former = cast("int | None", await tx.value(SQL.protect, approvals=approvals, actor_id=actor.user_id, **asked))
    if former != approvals:
        before = {"alias": alias, "approvals": former} if former is not None else None
        after = {"alias": alias, "approvals": approvals}
        why = fields.reason(reason)
        await record(tx, actor, "alias.protected", account_id=registry.id, before=before, after=after, reason=why)
    return (await tx.all(SQL.protected, ProtectedAlias, **asked))[0]


async def unprotect(tx: Tx, actor: Actor, registry_id: int, alias: str, *, reason: str | None = None) -> None:
    """Protect an alias no more; open promotions to it end. One that was not protected is no error.

    Raises:
        RegistryNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage the registry.
        Invalid: no alias.
    """
    registry = await by_id(tx, actor, registry_id)
    require(actor, Permission.REGISTRY_MANAGE, owner_id=registry.id, missing=RegistryNotFound)
    asked = {"registry_id": registry.id, "alias": check_alias(alias)}
    former = await tx.value(SQL.unprotect, **asked)
    if former is None:
        return
    why = fields.reason(reason)
    before = {"alias": alias, "approvals": former}
    await record(tx, actor, "alias.unprotected", account_id=registry.id, before=before, reason=why)
    for ended in await tx.all(SQL.end_promotions, Ended, **asked):
        after = {"promotion": ended.id, "alias": alias, "item": ended.item_id}
        await record(
            tx,
            actor,
            "promotion.withdrawn",
            item_id=ended.item_id,
            collection_id=ended.collection_id,
            after=after,
            reason=why,
        )


async def entry(tx: Tx, change: Change, version_id: int) -> Linked:
    """Return the entry of a version in a collection that is held for a change.

    Raises:
        EntryNotFound: it is not in it.
    """
    number = version_id if 0 < version_id < 2**31 else 0
    found = await tx.one(SQL.linked, Linked, version_id=number, collection_id=change.held.id)
    if found is None:
        message = f"That version is not in {change.held.title}."
        raise EntryNotFound(message, field="version")
    return found


async def put(tx: Tx, actor: Actor, change: Change, item_id: int, aliases: Sequence[str]) -> None:
    """Set aliases, as a part of a change, after checking that all are the actor's to set."""
    await guard(tx, actor, change.held.owner_id, setting=aliases)
    for alias in aliases:
        await change.set_alias(alias, item_id)


async def _set_one(tx: Tx, actor: Actor, ref: str | int, version_id: int, alias: str, reason: str | None) -> int | None:
    """Set one alias in one statement, and return the revision; None, and nothing is done, unless all is in order.

    An administrator without a role on the owner, a former slug and a protected alias go the long way, for instance.
    """
    named = checks.ref(ref)
    address = public_id_of(named) if isinstance(named, str) else Address(named)
    curated = roles_allowing(actor, Permission.COLLECTION_CURATE)
    why = fields.reason(reason)
    if address is None or not curated or not 0 < version_id < 2**31:
        return None
    return await tx.alone.value(
        SQL.set_one_alias,
        id=address.collection_id,
        public_id=address.public_id,
        owner=address.owner,
        curated=curated,
        version_id=version_id,
        alias=alias,
        reason=why,
        **author(actor),
    )
