"""Who holds what somebody is about to delete: registries let versions go, or refuse, as each has decided.

Deleting a version, an artifact, a project or an account all ask here, in the lowest room that has to.
"""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, load
from pinakes.server.errors import RegistryHolds
from pinakes.server.people.types import Holder
from pinakes.server.permissions.service import sight

SQL = load(__package__)

# The job that takes deleted versions out of releases that keep no trace of them; the room `artifacts` registers it.
TAKE_OUT_DELETED = "artifacts.take_out_deleted"

_NAMED = 100


async def refuse_if_held(
    tx: Tx,
    actor: Actor,
    *,
    items: Sequence[int] | None = None,
    artifact_id: int | None = None,
    project_id: int | None = None,
    owners: Sequence[int] | None = None,
) -> None:
    """Raise when a registry that lets nothing go holds a version which is about to be deleted.

    The caller has locked the versions, so that nobody links them meanwhile.

    Args:
        tx: The transaction that is about to delete.
        actor: Who deletes; of the holders he is told those that he sees.
        items: The items of versions that would be deleted.
        artifact_id: The artifact whose versions all would.
        project_id: The project whose versions all would.
        owners: The accounts whose versions all would.

    Raises:
        RegistryHolds: details name the `holders` that the actor sees, and count them all.
    """
    seen = sight(actor)
    found = await tx.all(
        SQL.holders,
        Holder,
        items=list(items) if items is not None else None,
        artifact_id=artifact_id,
        project_id=project_id,
        owners=list(owners) if owners is not None else None,
        everything=seen.everything,
        accounts=seen.accounts,
        limit=_NAMED,
    )
    if found:
        raise _refusal(found)


def _refusal(found: Sequence[Holder]) -> RegistryHolds:
    named = [holder for holder in found if holder.seen]
    count = found[0].total
    places = [f"{one.organization}/{one.registry}/{one.collection}:v{one.number}" for one in named[:3]]
    rest = count - len(places)
    if rest:
        places.append(f"{rest} more" if places else f"{rest} that you can't see")
    message = f"Registries hold versions of it and let none go: {', '.join(places)}. Unlink them there first."
    holders = [
        {
            "organization": one.organization,
            "registry": one.registry,
            "collection": one.collection,
            "version": f"v{one.number}",
            "held": one.held,
        }
        for one in named
    ]
    return RegistryHolds(message, details={"holders": holders, "count": count})
