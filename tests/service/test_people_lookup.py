"""Finding people, and the account that somebody works in unless he says another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories.people import Person, again, join, make_organization, make_team, make_user, sign_in, unique
from pinakes.server.actor import Role, Scope, anonymous, system
from pinakes.server.db import Database
from pinakes.server.errors import AccountNotFound, Invalid, ScopeTooNarrow, Unauthenticated
from pinakes.server.people import service as people
from pinakes.server.people.types import Account, AccountChanges


async def choose(db: Database, person: Person, name: str) -> Account:
    async with db.transaction() as tx:
        return await people.set_default_account(tx, person.actor, name)


async def default_of(db: Database, person: Person) -> str:
    async with db.reading() as tx:
        return (await people.own_account(tx, person.actor)).default_account


async def test_the_default_account(db: Database):
    alice = await make_user(db, "alice")
    org = await make_organization(db, alice)
    assert await default_of(db, alice) == alice.name
    with pytest.raises(AccountNotFound):
        await choose(db, alice, org.name)  # her roles are older than the organization
    alice = await again(db, alice)
    assert (await choose(db, alice, org.name.upper())).id == org.id
    assert await default_of(db, alice) == org.name
    assert (await choose(db, alice, alice.name)).id == alice.id
    assert await default_of(db, alice) == alice.name


async def test_the_default_account_while_it_can_be_seen(db: Database):
    """Who left, or whose team is gone, works in his own account again."""
    admin, alice = await make_user(db), await make_user(db)
    team = await make_team(db, await make_organization(db, admin))
    await join(db, team, alice, Role.MEMBER)
    alice = await again(db, alice)
    await choose(db, alice, team.name)
    bound = await sign_in(db, alice.account, namespace=alice.name)
    assert await default_of(db, bound) == alice.name, "its key opens nothing else"
    async with db.transaction() as tx:
        await people.delete_team(tx, system(), team.name)
    assert await default_of(db, await again(db, alice)) == alice.name


async def test_who_may_choose(db: Database):
    alice, bob = await make_user(db, scope=Scope.READ), await make_user(db)
    with pytest.raises(ScopeTooNarrow):
        await choose(db, alice, alice.name)
    with pytest.raises(AccountNotFound):
        await choose(db, bob, alice.name)
    async with db.transaction() as tx:
        with pytest.raises(Unauthenticated):
            await people.own_account(tx, anonymous("test"))
        with pytest.raises(Unauthenticated):
            await people.set_default_account(tx, anonymous("test"), bob.name)
        with pytest.raises(Unauthenticated):
            await people.search_users(tx, anonymous("test"), "a")


async def test_teams_of_a_bound_key(db: Database):
    admin, alice = await make_user(db), await make_user(db)
    org = await make_organization(db, admin)
    first, second = await make_team(db, org), await make_team(db, org)
    for team in (first, second):
        await join(db, team, alice, Role.MEMBER)
    async with db.reading() as tx:
        own = await people.own_account(tx, (await again(db, alice)).actor)
        assert (own.teams, own.team_ids) == ([first.name, second.name], [first.id, second.id])
        bound = await sign_in(db, alice.account, namespace=second.name)
        assert (await people.own_account(tx, bound.actor)).teams == [second.name]
        around = await people.organizations_around(tx, bound.actor, alice.id)
        assert [found.id for found in around] == [org.id]
        elsewhere = await sign_in(db, alice.account, namespace=alice.name)
        assert await people.organizations_around(tx, elsewhere.actor, alice.id) == []


async def test_organizations_around_somebody(db: Database):
    """By a membership or by a team; of others those that one shares, a deleted one never."""
    admin, alice = await make_user(db), await make_user(db)
    direct, by_team, gone = [await make_organization(db, admin) for _ in range(3)]
    await join(db, direct, alice, Role.VIEWER)
    await join(db, await make_team(db, by_team), alice, Role.MEMBER)
    await join(db, gone, alice, Role.MEMBER)
    async with db.transaction() as tx:
        await people.delete_organization(tx, system(), gone.name)
    alice, admin = await again(db, alice), await again(db, admin)
    async with db.reading() as tx:
        found = await people.organizations_around(tx, alice.actor, alice.id)
        assert [org.id for org in found] == [direct.id, by_team.id]
        assert await people.organizations_around(tx, (await make_user(db)).actor, alice.id) == []
        seen = await people.organizations_around(tx, admin.actor, alice.id)
        assert [org.id for org in seen] == [direct.id, by_team.id]


async def test_accounts_by_their_numbers(db: Database):
    admin = await make_user(db)
    org = await make_organization(db, admin)
    async with db.reading() as tx:
        found = await people.accounts_by_ids(tx, [org.id, admin.id, 2**31 - 1])
        assert {number: account.name for number, account in found.items()} == {org.id: org.name, admin.id: admin.name}
        assert await people.accounts_by_ids(tx, []) == {}


async def test_search(db: Database):
    stem = unique("wanted")
    exact = await make_user(db, stem)
    longer = await make_user(db, f"{exact.name}-longer")
    titled = await make_user(db, "someone")
    async with db.transaction() as tx:
        await people.update_user(tx, system(), titled.name, AccountChanges(display_name=exact.name.upper()))
        await people.update_user(tx, system(), longer.name, AccountChanges(email=f"{longer.name}@example.org"))
    async with db.reading() as tx:
        found = await people.search_users(tx, titled.actor, exact.name)
        assert [one.id for one in found.rows] == [exact.id, titled.id, longer.id]
        first = await people.search_users(tx, titled.actor, exact.name, limit=2)
        rest = await people.search_users(tx, titled.actor, exact.name, limit=2, cursor=first.next)
        assert [one.id for one in (*first.rows, *rest.rows)] == [exact.id, titled.id, longer.id]
        assert rest.next is None
        by_address = await people.search_users(tx, titled.actor, f" {longer.name.upper()}@example.org ")
        assert [one.id for one in by_address.rows] == [longer.id]
        assert (await people.search_users(tx, titled.actor, f"{longer.name}@exam")).rows == []
        for reader in (longer.actor, replace(exact.actor, is_admin=True)):
            found = await people.search_users(tx, reader, f"{longer.name}@exam")
            assert [one.id for one in found.rows] == [longer.id]
        for nonsense in ("\0", "\ud800", "x" * 1000, f"{exact.name}%", f"{exact.name}_"):
            assert (await people.search_users(tx, titled.actor, nonsense)).rows == []
        with pytest.raises(Invalid):
            await people.search_users(tx, titled.actor, "", cursor="x")
