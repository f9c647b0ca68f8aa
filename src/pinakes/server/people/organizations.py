"""Organizations, their teams, and who is a member of which."""

from __future__ import annotations

from pinakes.server.actor import Actor, Role, Scope
from pinakes.server.db import Tx, load
from pinakes.server.errors import AccountNotFound, Invalid, LastAdministrator, NotFound, ScopeTooNarrow
from pinakes.server.events.service import record
from pinakes.server.paging import Page
from pinakes.server.people import checks
from pinakes.server.people.accounts import after_name, end_accounts, insert_account, of_kind, page_by_name, user
from pinakes.server.people.credentials import current_token
from pinakes.server.people.types import MEMBER_ROLES, Account, Membership, Profile
from pinakes.server.permissions.service import belongs_to, require, require_sign_in, sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__)


async def whoami(tx: Tx, actor: Actor) -> Profile:
    """Tell who somebody is, which organizations and teams he is a member of, and which token he uses.

    Raises:
        Unauthenticated: he did not sign in.
    """
    who = await tx.one(SQL.account_by_id, Account, id=require_sign_in(actor))
    if who is None:
        require_sign_in(Actor())
    assert who is not None
    mine = await tx.all(SQL.memberships_of, Membership, user_id=who.id, everything=False, accounts=list(actor.roles))
    return Profile(who, mine, await current_token(tx, actor))


async def organizations_of(tx: Tx, actor: Actor, name: str) -> list[Membership]:
    """List the organizations and teams that a user is a member of: all of one's own, of others those that one shares.

    Raises:
        AccountNotFound: there is no such user.
    """
    who = await user(tx, name)
    seen = sight(actor)
    everything = seen.everything or (who.id == actor.user_id and actor.bound_to is None)
    return await tx.all(SQL.memberships_of, Membership, user_id=who.id, everything=everything, accounts=seen.accounts)


async def organizations(tx: Tx, actor: Actor, *, limit: int, cursor: str | None = None) -> Page[Account]:
    """List the organizations that the actor has a role in (an administrator of the server: all), by name.

    Raises:
        Unauthenticated: nobody signed in.
        Invalid: the cursor is none of ours.
    """
    require_sign_in(actor)
    rows = await tx.all(
        SQL.organizations,
        Account,
        everything=sight(actor).everything,
        accounts=belongs_to(actor),
        after=after_name(cursor),
        limit=limit + 1,
    )
    return page_by_name(rows, limit)


async def organization(tx: Tx, name: str) -> Account:
    """Find the organization of a name; AccountNotFound when there is none."""
    return await of_kind(tx, name, "organization")


async def find_organization(tx: Tx, actor: Actor, called: str) -> Account:
    """Find the organization that somebody calls so: by its name or, where he has to do with it, by its display name.

    Raises:
        AccountNotFound: there is none.
        Invalid: (field `organization`) he has to do with several of that display name.
    """
    found: list[Account] = []
    if checks.is_plain(called):
        everything = sight(actor).everything
        asked = {"called": called.strip(), "everything": everything, "accounts": belongs_to(actor)}
        found = await tx.all(SQL.organizations_called, Account, **asked)
    if not found:
        message = f"There is no organization {called[:100]!r}."
        raise AccountNotFound(message, field="organization")
    if len(found) > 1 and found[0].name.lower() != called.strip().lower():
        names = " and ".join(org.name for org in found)
        message = (
            f"Several organizations are called {called!r}: {names}, for instance. Say the name of the one you mean."
        )
        raise Invalid(message, field="organization")
    return found[0]


async def team(tx: Tx, name: str) -> Account:
    """Find the team of a name; AccountNotFound when there is none."""
    return await of_kind(tx, name, "team")


async def members(tx: Tx, actor: Actor, org: Account) -> list[Membership]:
    """List the members of an organization or team, or those whom a user has taken into his own account, by name.

    For those whose role in it lets them read.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor has none.
    """
    require(actor, Permission.ORGANIZATION_READ, owner_id=org.id, visibility="public")
    return await tx.all(
        SQL.members,
        Membership,
        account_id=org.id,
        everything=sight(actor).everything,
        reader_id=actor.user_id,
    )


async def teams(tx: Tx, actor: Actor, org: Account) -> list[Account]:
    """List the teams of an organization, by name. For those who have a role in it.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor has none.
    """
    require(actor, Permission.ORGANIZATION_READ, owner_id=org.id, visibility="public")
    return await tx.all(SQL.teams, Account, organization_id=org.id)


async def create_organization(tx: Tx, actor: Actor, name: str, *, display_name: str = "") -> Account:
    """Make an organization; who makes it is its first admin.

    Raises:
        Unauthenticated, ScopeTooNarrow: nobody signed in, or only to read, or with a token bound to a namespace.
        Invalid: a name that can't be.
        NameTaken: the name is somebody's, or some organization's or team's.
    """
    creator = require_sign_in(actor)
    if actor.scope is Scope.READ or actor.bound_to is not None:
        message = "Making an organization needs a token of scope write or admin that is not bound to a namespace."
        raise ScopeTooNarrow(message, details={"scope": actor.scope})
    made = await insert_account(
        tx,
        kind="organization",
        name=checks.new_name(name),
        display_name=checks.line(display_name, "display_name"),
        email=None,
        password_hash=None,
        is_admin=False,
        organization_id=None,
    )
    await tx.value(SQL.put_member, user_id=creator, account_id=made.id, role=Role.ADMIN.value)
    await record(tx, actor, "organization.created", account_id=made.id, after={"name": made.name})
    return made


async def delete_organization(tx: Tx, actor: Actor, name: str) -> None:
    """Delete an organization with its teams and registries and all that they own; the names are free again.

    Raises:
        AccountNotFound: there is no such organization.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor is not its admin.
    """
    org = await organization(tx, name)
    require(actor, Permission.ORGANIZATION_MANAGE, owner_id=org.id, visibility="public")
    await end_accounts(tx, actor, [org.id, *await tx.all(SQL.parts_of, int, organization_id=org.id)])
    await record(tx, actor, "organization.deleted", account_id=org.id, before={"name": org.name})


async def create_team(tx: Tx, actor: Actor, org_name: str, name: str, *, display_name: str = "") -> Account:
    """Make a team of an organization.

    Raises:
        AccountNotFound: there is no such organization.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor is not its admin.
        Invalid: a name that can't be.
        NameTaken: the name is taken, by a team or anybody else.
    """
    org = await of_kind(tx, org_name, "organization", keep=True)
    require(actor, Permission.ORGANIZATION_MANAGE, owner_id=org.id, visibility="public")
    made = await insert_account(
        tx,
        kind="team",
        name=checks.new_name(name),
        display_name=checks.line(display_name, "display_name"),
        email=None,
        password_hash=None,
        is_admin=False,
        organization_id=org.id,
    )
    after = {"name": made.name, "organization": org.name}
    await record(tx, actor, "team.created", account_id=made.id, after=after)
    return made


async def delete_team(tx: Tx, actor: Actor, name: str) -> None:
    """Delete a team and everything that it owns. Registries that leave a tombstone keep one of each version of its.

    Raises:
        AccountNotFound: there is no such team.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor is not its admin, nor its organization's.
        RegistryHolds: a registry that lets nothing go holds versions of its.
    """
    found = await team(tx, name)
    require(actor, Permission.ORGANIZATION_MANAGE, owner_id=found.id, visibility="public")
    await end_accounts(tx, actor, [found.id])
    await record(tx, actor, "team.deleted", account_id=found.id, before={"name": found.name})


async def put_member(tx: Tx, actor: Actor, group: Account, name: str, role: Role) -> Membership:
    """Make a user a member of an organization, a team or a user's own account, or give a member another role.

    Raises:
        AccountNotFound: there is no such user.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor is not the group's admin.
        LastAdministrator: the organization would have no admin any more.
        Invalid: no role of members, or it is his own account.
    """
    require(actor, Permission.ORGANIZATION_MANAGE, owner_id=group.id, visibility="public")
    if role not in MEMBER_ROLES:
        message = f"A member is one of {', '.join(MEMBER_ROLES)}."
        raise Invalid(message, field="role")
    who = await user(tx, name, keep=True)
    await of_kind(tx, group.name, group.kind, keep=True)
    if who.id == group.id:
        message = f"{who.name} is the owner of this account, and stays it."
        raise Invalid(message, field="user")
    if role is not Role.ADMIN:
        await _leave_an_admin(tx, group, who)
    former = await tx.value(SQL.put_member, user_id=who.id, account_id=group.id, role=role.value)
    if former != role:
        before = {"role": former} if former else None
        after = {"user": who.id, "role": role.value}
        verb = "member.changed" if former else "member.added"
        await record(tx, actor, verb, account_id=group.id, before=before, after=after)
    return Membership(
        who.id, who.kind, who.name, who.display_name, None, who.is_admin, None, who.created_at, role.value
    )


async def remove_member(tx: Tx, actor: Actor, group: Account, name: str) -> bool:
    """End a membership; who leaves an organization leaves its teams and registries too. Anybody may leave.

    Return whether there was one: to end it again is no error.

    Raises:
        AccountNotFound: there is no such user.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor is neither the group's admin nor the member.
        LastAdministrator: the organization would have no admin any more.
    """
    who = await user(tx, name)
    own = Permission.TOKEN_MANAGE, who.id
    everybodys = Permission.ORGANIZATION_MANAGE, group.id
    permission, owner_id = own if who.id == actor.user_id and actor.bound_to is None else everybodys
    require(actor, permission, owner_id=owner_id, visibility="public")
    await _leave_an_admin(tx, group, who)
    former = await tx.value(SQL.remove_member, user_id=who.id, account_id=group.id)
    if former is None:
        return False
    before = {"user": who.id, "role": former}
    await record(tx, actor, "member.removed", account_id=group.id, before=before)
    return True


def no_member(group: str, name: str) -> NotFound:
    """Return the error of the wires on which to end a membership twice is one."""
    message = f"{name} is not a member of {group}."
    return NotFound(message)


async def _leave_an_admin(tx: Tx, group: Account, leaving: Account) -> None:
    """Raise when an organization would lose its last admin, whoever wants it so."""
    if group.kind != "organization":
        return
    admins = [row[0] for row in await tx.rows(SQL.hold_admins, account_id=group.id)]
    if admins == [leaving.id]:
        message = f"{leaving.name} is the last admin of {group.name}; make another one first."
        raise LastAdministrator(message)
