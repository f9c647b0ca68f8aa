"""Why somebody may, or may not, do something with an item."""

from __future__ import annotations

from pinakes.server.actor import Actor
from pinakes.server.catalog.papers import corrects, get_paper
from pinakes.server.catalog.types import Item
from pinakes.server.db import Tx
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import Permission
from pinakes.server.permissions.types import Explanation

# What whoever registered a paper may do with it; a paper has no owner.
CORRECTING = frozenset({Permission.ITEM_UPDATE, Permission.ITEM_DELETE})


async def explain(tx: Tx, actor: Actor, permission: Permission, item: Item) -> Explanation:
    """Say whether an actor may do something with an item that he sees, and why.

    Raises:
        ItemNotFound: it is a paper that has just been deleted.
    """
    if item.kind == "paper" and permission in CORRECTING and not actor.is_admin:
        return await _explain_correcting(tx, actor, permission, item)
    return permissions.explain(actor, permission, owner_id=item.owner_id, visibility=item.visibility)


async def _explain_correcting(tx: Tx, actor: Actor, permission: Permission, item: Item) -> Explanation:
    if corrects(actor, await get_paper(tx, actor, item.name)):
        found = permissions.explain(actor, permission, owner_id=actor.user_id, visibility=item.visibility)
        return Explanation(found.allowed, permission, ["you registered this paper", *found.because[1:]])
    message = "a paper has no owner: whoever registered it may do that, and administrators of this server"
    return Explanation(allowed=False, permission=permission, because=[message])
