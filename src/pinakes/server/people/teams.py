"""Accounts and users by their numbers: what people work in, who works there and as what, who can't sign in any more."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from pinakes.server.actor import Actor, Role
from pinakes.server.db import Tx, load
from pinakes.server.errors import AccountNotFound, Invalid, LastAdministrator, NameTaken
from pinakes.server.events.service import record
from pinakes.server.people import checks
from pinakes.server.people.lookup import accounts_by_ids
from pinakes.server.people.organizations import (
    create_organization,
    delete_organization,
    delete_team,
    no_member,
    put_member,
    remove_member as end_membership,
)
from pinakes.server.people.team_types import Fellow, Place, Workplace
from pinakes.server.people.types import Account
from pinakes.server.permissions.service import belongs_to, require, require_server, require_sign_in, sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "teams.sql")

LONGEST_DESCRIPTION = 5000
_STRENGTH = {role.value: strength for strength, role in enumerate(Role)}
_UNFIT = re.compile(r"[^A-Za-z0-9._]+")
_LONGEST_NAME = 80
_TRIES = 50


async def workplaces(tx: Tx, actor: Actor) -> list[Workplace]:
    """List the accounts that an actor has a role in, with it; to an administrator all organizations and teams too.

    Raises:
        Unauthenticated: nobody signed in.
    """
    require_sign_in(actor)
    everything = sight(actor).everything
    found = await tx.all(SQL.workplaces_seen, Workplace, accounts=belongs_to(actor), everything=everything)
    return [replace(one, role=actor.roles.get(one.id)) for one in found]


async def workplace(tx: Tx, actor: Actor, account_id: int) -> Workplace:
    """Find an account by its number.

    Raises:
        Unauthenticated: nobody signed in.
        AccountNotFound: there is none, or the actor has nothing to do with it.
    """
    require_sign_in(actor)
    seen = {"accounts": belongs_to(actor), "everything": sight(actor).everything}
    found = await tx.one(SQL.workplaces_by_id, Workplace, ids=[account_id], **seen)
    if found is None:
        message = f"There is no team {account_id}, or you are not in it."
        raise AccountNotFound(message)
    return replace(found, role=actor.roles.get(found.id))


async def create_workplace(tx: Tx, actor: Actor, title: str, description: str = "") -> Workplace:
    """Make an organization that is called so; its name, which is part of addresses, is made of the title.

    Raises:
        Unauthenticated, ScopeTooNarrow: as for making an organization.
        Invalid: (fields `name`, `description`) a title or description that can't be.
        NameTaken: (field `name`) the actor is in one that is called so; `details.errors` says which.
    """
    called = _title(title)
    for other in await workplaces(tx, actor):
        if other.title.lower() == called.lower():
            taken = [{"name": other.title, "id": other.id}]
            message = f"You are in a team {called!r} already."
            raise NameTaken(message, field="name", details={"errors": taken})
    made = await _create_named(tx, actor, called)
    await tx.run(SQL.describe_account, id=made.id, title=None, description=_description(description))
    return Workplace(made.id, made.kind, made.name, called, description, made.created_at, Role.ADMIN)


async def describe_workplace(
    tx: Tx, actor: Actor, account_id: int, *, title: str | None = None, description: str | None = None
) -> Workplace:
    """Call an account otherwise, or describe it anew; its name in addresses stays. For its admins.

    Raises:
        AccountNotFound, Forbidden, ScopeTooNarrow: it is not there, or not the actor's to do.
        Invalid: a title or description that can't be.
    """
    found = await workplace(tx, actor, account_id)
    require(actor, Permission.ORGANIZATION_MANAGE, owner_id=found.id, visibility="public")
    await tx.run(
        SQL.describe_account,
        id=found.id,
        title=None if title is None else _title(title),
        description=None if description is None else _description(description),
    )
    fields = [name for name, value in (("display_name", title), ("description", description)) if value is not None]
    await record(tx, actor, "account.updated", account_id=found.id, after={"fields": fields})
    return await workplace(tx, actor, account_id)


async def delete_workplace(tx: Tx, actor: Actor, account_id: int) -> None:
    """Delete an organization or a team with everything that it owns. For its admins.

    Raises:
        AccountNotFound: there is none, or the actor has nothing to do with it.
        Invalid: it is a user's own account, which goes with the user only.
        Forbidden, ScopeTooNarrow, RegistryHolds: as for organizations and teams.
    """
    found = await workplace(tx, actor, account_id)
    if found.kind == "user":
        message = f"{found.name} is a user's own account: it goes with its user only."
        raise Invalid(message, field="id")
    end = delete_organization if found.kind == "organization" else delete_team
    await end(tx, actor, found.name)


async def fellows(tx: Tx, actor: Actor, account_id: int) -> list[Fellow]:
    """List everybody who has a role in an account, with it. For those who have one.

    Raises:
        AccountNotFound: there is no such account, or the actor has nothing to do with it.
        Forbidden: his role there does not show him the others.
    """
    found = await workplace(tx, actor, account_id)
    require(actor, Permission.ORGANIZATION_READ, owner_id=found.id, visibility="public")
    return await tx.all(SQL.fellows, Fellow, account_id=found.id, **_reader(actor))


async def put_fellow(tx: Tx, actor: Actor, account_id: int, login: str, role: Role) -> Fellow:
    """Give a user a role in an account, be it a new or another one; it may be a user's own account.

    Raises:
        AccountNotFound: (field `login`) there is no such user; or no such account.
        Forbidden, ScopeTooNarrow, LastAdministrator, Invalid: as for members of organizations.
    """
    group = await _group(tx, actor, account_id)
    try:
        made = await put_member(tx, actor, group, login, role)
    except AccountNotFound as error:
        message = f"There is no user {login[:100]!r}."
        raise AccountNotFound(message, field="login") from error
    return replace(await user_by_id(tx, actor, made.id), role=made.role)


async def remove_fellow(tx: Tx, actor: Actor, account_id: int, user_id: int) -> None:
    """Take a user's role in an account away.

    Raises:
        AccountNotFound, NotFound: there is no such account or user, or he has no role there.
        Forbidden, ScopeTooNarrow, LastAdministrator: as for members of organizations.
    """
    group = await _group(tx, actor, account_id)
    name = (await user_by_id(tx, actor, user_id)).name
    if not await end_membership(tx, actor, group, name):
        raise no_member(group.name, name)


async def user_by_id(tx: Tx, actor: Actor, user_id: int) -> Fellow:
    """Find a user by his number; AccountNotFound when there is none, Unauthenticated when nobody asks."""
    found = await users_by_id(tx, actor, [user_id])
    if not found:
        message = f"There is no user {user_id}."
        raise AccountNotFound(message)
    return found[0]


async def users_by_id(tx: Tx, actor: Actor, ids: Sequence[int] | None = None) -> list[Fellow]:
    """List users by their numbers, or all of them; Unauthenticated when nobody asks."""
    require_sign_in(actor)
    return await tx.all(SQL.users_by_id, Fellow, ids=None if ids is None else list(ids), **_reader(actor))


async def places_of(tx: Tx, actor: Actor, user_id: int) -> list[Place]:
    """List the accounts in which a user has a role, with the strongest: of others those that one shares."""
    seen = sight(actor)
    everything = seen.everything or (user_id == actor.user_id and actor.bound_to is None)
    found = await tx.all(SQL.places_of, Place, user_id=user_id, everything=everything, accounts=belongs_to(actor))
    best: dict[int, Place] = {}
    for one in found:
        if one.id not in best or _STRENGTH[one.role] > _STRENGTH[best[one.id].role]:
            best[one.id] = one
    return list(best.values())


async def disable_user(tx: Tx, actor: Actor, user_id: int, *, disabled: bool) -> None:
    """Keep a user from signing in, with tokens too, or let him in again. For administrators of the server.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not administer this server.
        AccountNotFound: there is no such user.
        LastAdministrator: nobody who can sign in would administer the server any more.
    """
    require_server(actor)
    who = await user_by_id(tx, actor, user_id)
    if disabled and who.is_admin and [row[0] for row in await tx.rows(SQL.enabled_administrators)] == [who.id]:
        message = f"{who.name} is the last administrator of this server who can sign in."
        raise LastAdministrator(message)
    if who.disabled == disabled:
        return
    await tx.run(SQL.disable_user, id=who.id, disabled=disabled)
    if disabled:
        await tx.run(SQL.end_sessions, id=who.id)
    await record(tx, actor, "user.updated", account_id=who.id, after={"disabled": disabled})


def _reader(actor: Actor) -> dict[str, object]:
    """Return whose email addresses a reader may know: everybody's, or his own."""
    bound = actor.bound_to is not None
    return {"everything": actor.is_admin and not bound, "reader_id": None if bound else actor.user_id}


async def _group(tx: Tx, actor: Actor, account_id: int) -> Account:
    found = await workplace(tx, actor, account_id)
    return (await accounts_by_ids(tx, [found.id]))[found.id]


async def _create_named(tx: Tx, actor: Actor, called: str) -> Account:
    """Make an organization under the first name that is free and like its title."""
    plain = unicodedata.normalize("NFKD", called).encode("ascii", "ignore").decode()
    stem = _UNFIT.sub("-", plain).strip("-._")[:_LONGEST_NAME] or "team"
    for number in range(1, _TRIES + 1):
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            checks.new_name(name)
        except Invalid:
            continue
        try:
            return await create_organization(tx, actor, name, display_name="" if name == called else called)
        except NameTaken:
            continue
    message = f"There are too many teams like {called!r}; choose another name."
    raise NameTaken(message, field="name", details={"errors": []})


def _title(text: str) -> str:
    found = checks.line(text, "name").strip()
    if not found:
        message = "A team needs a name."
        raise Invalid(message, field="name")
    return found


def _description(text: str) -> str:
    if len(text) > LONGEST_DESCRIPTION or "\0" in text:
        message = f"A description has at most {LONGEST_DESCRIPTION} characters."
        raise Invalid(message, field="description")
    return text
