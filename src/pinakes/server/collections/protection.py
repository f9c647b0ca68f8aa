"""Aliases that a registry protects, as every change of a release's aliases has to ask: by itself or as part of another.

Only who manages the registry sets, moves and removes one. Where it takes approvals nobody sets it by himself: the room
`registries` does, once enough people agreed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pinakes.server.actor import Actor
from pinakes.server.collections.types import Locked, Protection
from pinakes.server.db import Tx, load
from pinakes.server.errors import AliasProtected, ApprovalNeeded
from pinakes.server.permissions.service import allows
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "numbered.sql")


async def guard(
    tx: Tx, actor: Actor, owner_id: int, *, setting: Iterable[str] = (), removing: Iterable[str] = ()
) -> None:
    """Raise unless an actor may set and remove aliases in releases of an owner, as far as protection goes.

    Raises:
        AliasProtected: one is protected, and he does not manage the registry.
        ApprovalNeeded: one that shall be set takes approvals.
    """
    new = set(setting)
    asked = sorted(new | set(removing))
    found = await tx.all(SQL.protecting, Protection, registry_id=owner_id, aliases=asked) if asked else []
    manages = allows(actor, Permission.REGISTRY_MANAGE, owner_id=owner_id)
    for one in found:
        details = {"alias": one.alias, "approvals": one.approvals}
        if not manages:
            message = (
                f"The alias {one.alias!r} is protected in the registry {one.registry!r}: only its admins change it."
            )
            raise AliasProtected(message, field="alias", details=details)
        if one.alias in new and one.approvals:
            count = f"{one.approvals} approval" + ("s" if one.approvals > 1 else "")
            message = f"The alias {one.alias!r} takes {count} in the registry {one.registry!r}: request a promotion."
            raise ApprovalNeeded(message, field="alias", details=details)


async def guard_all(tx: Tx, actor: Actor, held: Locked, then: Mapping[str, int] | None = None) -> None:
    """Raise unless an actor may let all aliases of a held collection name what they shall then: nothing, by default.

    Raises:
        AliasProtected, ApprovalNeeded: see `guard`.
    """
    if held.kind != "release":
        return
    present = {alias: item_id for item_id, alias in await tx.rows(SQL.aliases_in, id=held.id, items=None)}
    wanted = then or {}
    setting = [alias for alias, item_id in wanted.items() if present.get(alias) != item_id]
    await guard(tx, actor, held.owner_id, setting=setting, removing=present.keys() - wanted.keys())
