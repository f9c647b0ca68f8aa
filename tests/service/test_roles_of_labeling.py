"""Who annotates, reviews or manages: what such a role opens, and what it does not; people in a user's account."""

from __future__ import annotations

import pytest

from factories.people import Person, again, join, make_organization, make_team, make_user
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope, system
from pinakes.server.catalog.lookup import list_items
from pinakes.server.catalog.repos import create_repo
from pinakes.server.catalog.types import ItemListing
from pinakes.server.db import Database
from pinakes.server.people import service as people
from pinakes.server.people.types import NewToken
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import ROLES, Permission
from pinakes.server.registries import members, service as registries

LABELERS = (Role.ANNOTATOR, Role.REVIEWER)


@pytest.mark.parametrize("role", LABELERS)
async def test_an_annotator_reads_nothing_by_his_role(db: Database, role: Role):
    admin, anna = await make_user(db), await make_user(db)
    org = await make_organization(db, admin)
    await join(db, org, anna, role)
    admin, anna = await again(db, admin), await again(db, anna)
    assert anna.actor.roles[org.id] is role
    async with db.transaction() as tx:
        await create_repo(tx, admin.actor, "model", org.name, "secret", visibility="private")
        assert (await list_items(tx, anna.actor, ItemListing(owner=org.name))).rows == []
        with pytest.raises(errors.Forbidden):
            await people.members(tx, anna.actor, org)
    seen = permissions.sight(anna.actor)
    assert (seen.accounts, seen.at_work, seen.worker) == ([anna.id], [org.id], anna.id)
    assert not seen.sees("private", org.id)
    for permission in Permission:
        assert not permissions.allows(anna.actor, permission, owner_id=org.id)
        if permission is not Permission.SERVER_MANAGE:
            assert org.id not in permissions.roles_allowing(anna.actor, permission)
    explained = permissions.explain(anna.actor, Permission.ITEM_READ, owner_id=org.id, visibility="private")
    assert explained.because == [f"your role {role} on its owner does not include item:read"]


async def test_a_token_bound_elsewhere_is_at_work_nowhere(db: Database):
    anna = Actor(7, "anna", scope=Scope.ADMIN, roles={7: Role.OWNER, 8: Role.ANNOTATOR}, bound_to=7)
    seen = permissions.sight(anna)
    assert (seen.accounts, seen.at_work, seen.worker) == ([7], [], None)
    bound = permissions.sight(Actor(7, "anna", scope=Scope.ADMIN, roles=anna.roles, bound_to=8))
    assert (bound.accounts, bound.at_work, bound.worker) == ([], [8], 7)
    nobody = permissions.sight(Actor(7, "anna", scope=Scope.ADMIN, roles=anna.roles, bound_to=9))
    assert (nobody.accounts, nobody.at_work, nobody.worker) == ([], [], None)


def test_a_manager_reads_all_labels_and_hands_out_work():
    assert ROLES[Role.MANAGER] - ROLES[Role.VIEWER] == {Permission.LABEL_WRITE, Permission.QUEUE_MANAGE}
    assert ROLES[Role.MEMBER] >= ROLES[Role.MANAGER]
    strengths = [len(ROLES[role]) for role in Role]
    assert strengths == sorted(strengths)


async def test_the_strongest_role_counts(db: Database):
    admin, anna = await make_user(db), await make_user(db)
    org = await make_organization(db, admin)
    team = await make_team(db, org)
    await join(db, org, anna, Role.ADMIN)
    await join(db, team, anna, Role.ANNOTATOR)
    assert (await again(db, anna)).actor.roles[team.id] is Role.ADMIN


@pytest.mark.parametrize("role", LABELERS)
async def test_registries_are_not_an_annotators_by_his_team_or_organization(db: Database, role: Role):
    admin, anna = await make_user(db), await make_user(db)
    org = await make_organization(db, admin)
    team = await make_team(db, org)
    admin = await again(db, admin)
    async with db.transaction() as tx:
        opened = await registries.create(tx, admin.actor, org.name, "open", visibility="organization")
        closed = await registries.create(tx, admin.actor, org.name, "closed", visibility="restricted")
        await members.add(tx, system(), closed.id, teams=[team.id], role="member")
    await join(db, org, anna, role)
    await join(db, team, anna, role)
    roles = (await again(db, anna)).actor.roles
    assert roles.keys() == {anna.id, org.id, team.id}
    await join(db, team, anna, Role.MANAGER)
    await join(db, org, anna, Role.MANAGER)
    roles = (await again(db, anna)).actor.roles
    assert (roles[opened.id], roles[closed.id]) == (Role.MANAGER, Role.MEMBER)


async def _in_account(db: Database, role: Role) -> tuple[Person, Person]:
    owner, guest = await make_user(db, "owner"), await make_user(db, "guest")
    async with db.transaction() as tx:
        made = await people.put_member(tx, owner.actor, owner.account, guest.name, role)
        assert made.role == role
    return owner, await again(db, guest)


@pytest.mark.parametrize("role", [*LABELERS, Role.VIEWER, Role.MANAGER, Role.MEMBER, Role.ADMIN])
async def test_a_user_takes_people_into_his_own_account(db: Database, role: Role):
    """They work there, but it is no organization or team of theirs; the account and its tokens stay its owner's."""
    owner, guest = await _in_account(db, role)
    org = await make_organization(db, guest)
    guest = await again(db, guest)
    async with db.transaction() as tx:
        assert [one.name for one in (await people.whoami(tx, guest.actor)).organizations] == [org.name]
        assert [one.name for one in await people.organizations_of(tx, guest.actor, guest.name)] == [org.name]
        assert [one.name for one in (await people.organizations(tx, guest.actor, limit=10)).rows] == [org.name]
        assert [one.name for one in await people.organizations_around(tx, guest.actor, guest.id)] == [org.name]
        own = await people.own_account(tx, guest.actor)
        assert (own.teams, own.default_account) == ([], guest.name)
        places = await people.workplaces(tx, guest.actor)
        assert {place.name: place.role for place in places} == {
            guest.name: "owner",
            owner.name: role,
            org.name: "admin",
        }
        assert places[0].id == guest.id
        assert next(place for place in places if place.id == owner.id).email is None
        with pytest.raises(errors.Forbidden):
            await people.create_token(tx, guest.actor, owner.name, NewToken())
    async with db.transaction() as tx:
        await people.remove_member(tx, guest.actor, owner.account, guest.name)
    assert owner.id not in (await again(db, guest)).actor.roles


async def test_nobody_is_a_member_of_himself(db: Database):
    owner = await make_user(db)
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid, match="owner of this account"):
            await people.put_member(tx, owner.actor, owner.account, owner.name, Role.ADMIN)
        with pytest.raises(errors.Invalid, match="A member is one of"):
            await people.put_member(tx, owner.actor, owner.account, owner.name, Role.OWNER)


async def test_a_member_of_a_user_goes_when_either_is_deleted(db: Database):
    owner, guest = await _in_account(db, Role.ANNOTATOR)
    async with db.transaction() as tx:
        assert [one.name for one in await people.members(tx, owner.actor, owner.account)] == [guest.name]
        await people.delete_user(tx, system(), guest.name)
        assert await people.members(tx, owner.actor, owner.account) == []
