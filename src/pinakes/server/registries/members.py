"""Who was given a role in a registry: users, and teams of its organization.

What an organization's members are to a registry that is open to them is no membership, and is not listed here.
"""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import AccountNotFound, Invalid, RegistryNotFound
from pinakes.server.events.service import record
from pinakes.server.people.checks import is_name
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import checks
from pinakes.server.registries.service import SQL, by_id
from pinakes.server.registries.types import Changed, Found, Registry, RegistryMember, RegistryTeam


async def members(tx: Tx, actor: Actor, registry_id: int) -> list[RegistryMember]:
    """List the users who were given a role in a registry, by name.

    Raises:
        RegistryNotFound: there is none that the actor sees.
    """
    registry = await by_id(tx, actor, registry_id)
    everything = sight(actor).everything
    return await tx.all(SQL.members, RegistryMember, id=registry.id, everything=everything, reader_id=actor.user_id)


async def teams(tx: Tx, actor: Actor, registry_id: int) -> list[RegistryTeam]:
    """List the teams that were given a role in a registry, by name.

    Raises:
        RegistryNotFound: there is none that the actor sees.
    """
    registry = await by_id(tx, actor, registry_id)
    return await tx.all(SQL.teams, RegistryTeam, id=registry.id)


async def add(
    tx: Tx,
    actor: Actor,
    registry_id: int,
    *,
    users: Sequence[int | str] = (),
    teams: Sequence[int | str] = (),
    role: str = "member",
) -> None:
    """Give users and teams, by name or number, a role in a registry; who has one keeps it.

    Raises:
        RegistryNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage the registry.
        AccountNotFound: there is no such user, or the organization has no such team; nobody is added then.
        Invalid: no role in a registry.
    """
    registry = await _managed(tx, actor, registry_id)
    role = checks.role(role)
    people = await _users(tx, users)
    groups = await _teams(tx, registry, teams)
    asked = {"registry_id": registry.id, "role": role}
    added = await tx.all(SQL.add_members, int, ids=[found.id for found in people], **asked)
    joined = await tx.all(SQL.add_teams, int, ids=[found.id for found in groups], **asked)
    named = [*(("user", number) for number in added), *(("team", number) for number in joined)]
    for kind, number in named:
        await record(tx, actor, "member.added", account_id=registry.id, after={kind: number, "role": role})


async def set_user_role(tx: Tx, actor: Actor, registry_id: int, user: int | str, role: str) -> RegistryMember:
    """Give a user a role in a registry, whether he has one or not.

    Raises:
        RegistryNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage the registry.
        AccountNotFound: there is no such user.
        Invalid: no role in a registry.
    """
    registry = await _managed(tx, actor, registry_id)
    role = checks.role(role)
    who = (await _users(tx, [user]))[0]
    former = await tx.value(SQL.set_member, registry_id=registry.id, id=who.id, role=role)
    await _changed(tx, actor, registry, ("user", who.id), former, role)
    return next(found for found in await members(tx, actor, registry.id) if found.id == who.id)


async def set_team_role(tx: Tx, actor: Actor, registry_id: int, team: int | str, role: str) -> RegistryTeam:
    """Give a team of the organization a role in a registry, whether it has one or not.

    Raises:
        RegistryNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage the registry.
        AccountNotFound: the organization has no such team.
        Invalid: no role in a registry.
    """
    registry = await _managed(tx, actor, registry_id)
    role = checks.role(role)
    which = (await _teams(tx, registry, [team]))[0]
    former = await tx.value(SQL.set_team, registry_id=registry.id, id=which.id, role=role)
    await _changed(tx, actor, registry, ("team", which.id), former, role)
    return next(found for found in await teams(tx, actor, registry.id) if found.id == which.id)


async def remove(
    tx: Tx, actor: Actor, registry_id: int, *, users: Sequence[int | str] = (), teams: Sequence[int | str] = ()
) -> None:
    """Take the roles of users and teams in a registry away; who has none is no error.

    Raises:
        RegistryNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not manage the registry.
        AccountNotFound: there is no such user, or the organization has no such team; nobody is removed then.
    """
    registry = await _managed(tx, actor, registry_id)
    people = await _users(tx, users)
    groups = await _teams(tx, registry, teams)
    asked = {"registry_id": registry.id}
    left = await tx.all(SQL.remove_members, Changed, ids=[found.id for found in people], **asked)
    gone = await tx.all(SQL.remove_teams, Changed, ids=[found.id for found in groups], **asked)
    for kind, changed in [*(("user", one) for one in left), *(("team", one) for one in gone)]:
        before = {kind: changed.id, "role": changed.former}
        await record(tx, actor, "member.removed", account_id=registry.id, before=before)


async def _managed(tx: Tx, actor: Actor, registry_id: int) -> Registry:
    registry = await by_id(tx, actor, registry_id)
    require(actor, Permission.REGISTRY_MANAGE, owner_id=registry.id, missing=RegistryNotFound)
    return registry


async def _changed(
    tx: Tx, actor: Actor, registry: Registry, who: tuple[str, int], former: str | None, role: str
) -> None:
    if former == role:
        return
    kind, number = who
    verb = "member.changed" if former else "member.added"
    before = {kind: number, "role": former} if former else None
    await record(tx, actor, verb, account_id=registry.id, before=before, after={kind: number, "role": role})


async def _users(tx: Tx, wanted: Sequence[int | str]) -> list[Found]:
    return await _found(tx, "user", wanted)


async def _teams(tx: Tx, registry: Registry, wanted: Sequence[int | str]) -> list[Found]:
    found = await _found(tx, "team", wanted)
    if others := [team.name for team in found if team.organization_id != registry.organization_id]:
        message = f"{others[0]} is a team of another organization than {registry.organization}."
        raise Invalid(message, field="team")
    return found


async def _found(tx: Tx, kind: str, wanted: Sequence[int | str]) -> list[Found]:
    """Find all accounts of a kind that somebody names, each once.

    Raises:
        AccountNotFound: one is not there; the message names it.
        Invalid: he names too many.
    """
    if len(wanted) > checks.MOST_MEMBERS:
        message = f"At most {checks.MOST_MEMBERS} {kind}s in one call, not {len(wanted)}."
        raise Invalid(message, field=f"{kind}s")
    ids = {one for one in wanted if isinstance(one, int) and 0 < one < 2**31}
    names = {one.lower() for one in wanted if isinstance(one, str) and is_name(one)}
    found = await tx.all(SQL.find_accounts, Found, kind=kind, ids=sorted(ids), names=sorted(names))
    known = {account.id for account in found} | {account.name.lower() for account in found}
    missing = [one for one in wanted if (one.lower() if isinstance(one, str) else one) not in known]
    if missing:
        message = f"There is no {kind} {str(missing[0])[:100]!r}."
        raise AccountNotFound(message, field=kind)
    return found
