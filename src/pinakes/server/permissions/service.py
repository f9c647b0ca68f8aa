"""Asking for permission: check one thing, list what may be read, and explain either.

An actor comes with every role that he holds (`roles_of` in the database, read with his credential), so a check needs no
query of its own, and a listing hands the accounts that he may read to the SQL function `readable`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pinakes.server.actor import Actor, Role
from pinakes.server.db import Tx, load
from pinakes.server.errors import Forbidden, NotFound, ScopeTooNarrow, Unauthenticated
from pinakes.server.permissions.table import PUBLIC, READING, ROLES, SCOPES, SIGNED_IN, Permission, roles_with
from pinakes.server.permissions.types import Explanation, Grant

SQL = load(__package__)

_READERS = roles_with(Permission.ITEM_READ)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader sees, as the SQL function `readable` takes it: everything, or the public and these accounts.

    Attributes:
        everything: He administers the server.
        accounts: Those whose things his roles let him read.
        at_work: Those for which he annotates or reviews only: of theirs he sees what his jobs hand him (`at_work_on`).
        worker: Who he is for that.
    """

    everything: bool
    accounts: list[int]
    at_work: list[int] = field(default_factory=list[int])
    worker: int | None = None

    def sees(self, visibility: str, owner_id: int | None) -> bool:
        """Tell whether something of that visibility and owner is seen."""
        return self.everything or visibility == "public" or owner_id in self.accounts


def sight(actor: Actor) -> Sight:
    """Return what an actor may read. A credential bound to an account reveals nothing private of any other."""
    if actor.is_admin and actor.bound_to is None:
        return Sight(everything=True, accounts=[])
    within = belongs_to(actor)
    reads = [account for account in within if actor.is_admin or actor.roles[account] in _READERS]
    at_work = [account for account in within if account not in reads] if len(reads) < len(within) else []
    return Sight(everything=False, accounts=reads, at_work=at_work, worker=actor.user_id if at_work else None)


def belongs_to(actor: Actor) -> list[int]:
    """Return the accounts that an actor has to do with, by whichever role, as far as his credential reveals them."""
    if actor.bound_to is None:
        return list(actor.roles)
    return [actor.bound_to] if actor.is_admin or actor.bound_to in actor.roles else []


def works_for(actor: Actor, account_id: int) -> bool:
    """Tell whether an actor is annotator or reviewer in an account: he sees there what his jobs hand him."""
    return account_id in sight(actor).at_work


def roles_allowing(actor: Actor, permission: Permission) -> list[int]:
    """Return the accounts on which an actor's roles and credential allow something, for a listing of such things."""
    if permission not in SCOPES[actor.scope]:
        return []
    allowed = roles_with(permission)
    return [
        account
        for account, role in actor.roles.items()
        if role in allowed and (actor.bound_to is None or actor.bound_to == account)
    ]


def roles_include(actor: Actor, permission: Permission) -> list[int]:
    """Return the accounts on which an actor's roles include something, whatever the credential that he came with.

    It says what he is to them, for what is told to some and kept from others. What he may do: `roles_allowing`.
    """
    return [account for account, role in actor.roles.items() if permission in ROLES[role]]


def allows(actor: Actor, permission: Permission, *, owner_id: int | None, visibility: str = "private") -> bool:
    """Tell whether an actor may do something with a thing of that owner and visibility."""
    return explain(actor, permission, owner_id=owner_id, visibility=visibility).allowed


def permitted(actor: Actor, *, owner_id: int | None, visibility: str) -> frozenset[Permission]:
    """Return all that an actor may do with a thing: what an answer's `can` lists."""
    granted = _granted(actor, owner_id=owner_id, visibility=visibility)
    return granted & SCOPES[actor.scope] if actor.user_id is not None or actor.is_admin else granted & PUBLIC


def require(
    actor: Actor,
    permission: Permission,
    *,
    owner_id: int | None,
    visibility: str = "private",
    missing: type[NotFound] = NotFound,
    seen: bool = False,
) -> None:
    """Raise unless an actor may do something with a thing.

    Args:
        actor: Who wants to.
        permission: What he wants to do.
        owner_id: Whose thing it is.
        visibility: Who may see it.
        missing: What to raise where it does not exist for him.
        seen: Whether it was found as he sees it: a labeler sees what his jobs hand him, whatever his role says.

    Raises:
        NotFound: (as `missing`) he may not even see it, so for him it does not exist.
        Unauthenticated: he did not sign in, and what is asked needs it.
        ScopeTooNarrow: he may, but his credential does not carry it.
        Forbidden: he sees it, but may not do that.
    """
    if permission in permitted(actor, owner_id=owner_id, visibility=visibility):
        return
    if not seen and not sight(actor).sees(visibility, owner_id):
        raise missing
    if actor.user_id is None:
        raise Unauthenticated
    if permission not in SCOPES[actor.scope]:
        message = f"This token's scope is {actor.scope}; {permission} needs a wider one."
        raise ScopeTooNarrow(message, details={"permission": permission, "scope": actor.scope})
    message = f"You may see this, but {permission} is not yours to do."
    raise Forbidden(message, details={"permission": permission})


def require_server(actor: Actor) -> None:
    """Raise unless an actor administers this server, with a credential that carries it."""
    if actor.user_id is None and not actor.is_admin:
        raise Unauthenticated
    if not actor.is_admin:
        message = "Only an administrator of this server may do that."
        raise Forbidden(message, details={"permission": Permission.SERVER_MANAGE})
    if Permission.SERVER_MANAGE not in SCOPES[actor.scope] or actor.bound_to is not None:
        message = "This needs a token of scope admin that is not bound to a namespace."
        raise ScopeTooNarrow(message, details={"permission": Permission.SERVER_MANAGE})


def require_sign_in(actor: Actor) -> int:
    """Return the actor's user id; raise Unauthenticated when nobody signed in."""
    if actor.user_id is None:
        raise Unauthenticated
    return actor.user_id


def explain(actor: Actor, permission: Permission, *, owner_id: int | None, visibility: str) -> Explanation:
    """Say whether an actor may do something with a thing of that owner and visibility, and why."""
    reasons: list[str] = []
    if actor.is_admin:
        reasons.append("an administrator of this server may do everything")
    elif visibility == "public" and permission in PUBLIC:
        reasons.append("it is public")
    elif permission in SIGNED_IN and actor.user_id is not None and sight(actor).sees(visibility, owner_id):
        reasons.append("anybody who signed in may do that with what he can read")
    elif role := _role(actor, owner_id):
        verdict = "includes" if permission in ROLES[role] else "does not include"
        reasons.append(f"your role {role} on its owner {verdict} {permission}")
    elif owner_id is None:
        reasons.append("it has no owner: only administrators of this server may do that")
    else:
        reasons.append("you have no role on its owner")
    if actor.bound_to is not None and actor.bound_to != owner_id:
        reasons.append("the token is bound to another namespace")
    if actor.user_id is not None and permission not in SCOPES[actor.scope]:
        reasons.append(f"the token's scope {actor.scope} does not carry {permission}")
    allowed = permission in permitted(actor, owner_id=owner_id, visibility=visibility)
    return Explanation(allowed=allowed, permission=permission, because=reasons)


async def grants(tx: Tx, user_id: int) -> list[Grant]:
    """List every role that a user holds and why."""
    return await tx.all(SQL.grants, Grant, user_id=user_id)


def _role(actor: Actor, owner_id: int | None) -> Role | None:
    return actor.roles.get(owner_id) if owner_id is not None else None


def _granted(actor: Actor, *, owner_id: int | None, visibility: str) -> frozenset[Permission]:
    within = actor.bound_to is None or actor.bound_to == owner_id
    granted = PUBLIC if visibility == "public" else frozenset[Permission]()
    if within and actor.is_admin:
        return frozenset(Permission)
    if within and (role := _role(actor, owner_id)):
        granted |= ROLES[role]
    if actor.user_id is not None and within and (granted & READING):
        granted |= SIGNED_IN
    return granted
