"""Finding people and accounts by what is known of them, and the account that somebody works in by default."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.db import Tx, load
from pinakes.server.events.service import record
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people import checks
from pinakes.server.people.accounts import account, nobody
from pinakes.server.people.types import Account, Membership, OwnAccount
from pinakes.server.permissions.service import belongs_to, require, require_sign_in, sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__)

_LONGEST_QUERY = 300


async def own_account(tx: Tx, actor: Actor) -> OwnAccount:
    """Tell who somebody is, where he works unless he says otherwise, and which teams he is a member of.

    Raises:
        Unauthenticated: he did not sign in.
    """
    user_id = require_sign_in(actor)
    everything = sight(actor).everything
    found = await tx.one(
        SQL.own_account, OwnAccount, user_id=user_id, everything=everything, accounts=belongs_to(actor)
    )
    if found is None:  # deleted just now
        require_sign_in(Actor())
    assert found is not None
    return found


async def set_default_account(tx: Tx, actor: Actor, name: str) -> Account:
    """Say where somebody works unless he says otherwise: his own account, a team or an organization of his.

    Raises:
        Unauthenticated, ScopeTooNarrow: he did not sign in, or only to read.
        AccountNotFound: there is no such account, or he has no role in it.
    """
    user_id = require_sign_in(actor)
    require(actor, Permission.PROJECT_WRITE, owner_id=user_id)
    chosen = await account(tx, name)
    if chosen.id not in actor.roles:
        raise nobody(name)
    await tx.run(SQL.set_default_account, user_id=user_id, account_id=chosen.id)
    await record(tx, actor, "user.updated", account_id=user_id, after={"default_account": chosen.name})
    return chosen


async def accounts_by_ids(tx: Tx, ids: Sequence[int]) -> dict[int, Account]:
    """Return users, organizations and teams by their numbers, but for those that are deleted."""
    return {found.id: found for found in await tx.all(SQL.accounts_by_ids, Account, ids=list(ids))}


async def organizations_around(tx: Tx, actor: Actor, user_id: int) -> list[Account]:
    """List the organizations that a user belongs to, himself or by a team, by name; those that the actor may know."""
    seen = sight(actor)
    everything = seen.everything or (user_id == actor.user_id and actor.bound_to is None)
    return await tx.all(
        SQL.organizations_around, Account, user_id=user_id, everything=everything, accounts=seen.accounts
    )


async def workplaces(tx: Tx, actor: Actor) -> list[Membership]:
    """List the accounts that an actor works in, with his role there: his own first, then the others by name.

    Raises:
        Unauthenticated: he did not sign in.
    """
    user_id = require_sign_in(actor)
    within = [account for account in belongs_to(actor) if account in actor.roles]
    found = await accounts_by_ids(tx, within)
    ordered = sorted(found.values(), key=lambda one: (one.id != user_id, one.name.lower()))
    return [_at(one, actor.roles[one.id].value, one.email if one.id == user_id else None) for one in ordered]


async def search_users(
    tx: Tx,
    actor: Actor,
    text: str = "",
    *,
    names: Sequence[str] | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Account]:
    """Find users by a part of their name, or by their whole email address; who is called exactly so comes first.

    Nobody learns an address from it: a part of one finds only oneself, or anybody for an administrator of the server.

    Args:
        tx: The connection.
        actor: Who searches.
        text: What to look for; "" finds everybody.
        names: Only users of these names.
        limit: The length of a page.
        cursor: Where the page begins.

    Raises:
        Unauthenticated: nobody signed in.
        Invalid: the cursor is none of ours.
    """
    user_id = require_sign_in(actor)
    rank, after = decode_cursor(cursor, int, str) if cursor is not None else (-1, "")
    if not checks.is_plain(text) or len(text) > _LONGEST_QUERY:
        return Page([])
    rows = await tx.all(
        SQL.search_users,
        _ranked,
        text=text.strip(),
        names=None if names is None else [name.lower() for name in names if checks.is_name(name)],
        everything=sight(actor).everything,
        user_id=user_id,
        rank=rank,
        after=after,
        limit=limit + 1,
    )
    page = cut(rows, limit, lambda last: (last[0], last[1].name.lower()))
    return Page([found for _, found in page.rows], page.next)


def _at(one: Account, role: str, email: str | None) -> Membership:
    facts = (one.id, one.kind, one.name, one.display_name, email, one.is_admin, one.organization_id)
    return Membership(*facts, one.created_at, role)


def _ranked(rank: int, *columns: object) -> tuple[int, Account]:
    return rank, Account(*columns)  # pyright: ignore[reportArgumentType] - the query's columns, which a test checks
