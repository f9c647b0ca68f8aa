"""Accounts and users by their numbers: who sees which, who may do what."""

from __future__ import annotations

import pytest

from factories.people import Person, again, join, make_organization, make_team, make_user, sign_in, unique
from pinakes.server.actor import Role, Scope, anonymous
from pinakes.server.db import Database
from pinakes.server.errors import (
    AccountNotFound,
    Forbidden,
    Invalid,
    InvalidCredentials,
    LastAdministrator,
    NameTaken,
    NotFound,
    ScopeTooNarrow,
    Unauthenticated,
)
from pinakes.server.people import service as people, teams
from pinakes.server.people.team_types import Workplace


async def make(db: Database, person: Person, title: str, description: str = "") -> Workplace:
    async with db.transaction() as tx:
        return await teams.create_workplace(tx, person.actor, title, description)


async def seen_by(db: Database, person: Person) -> list[int]:
    async with db.reading() as tx:
        return [one.id for one in await teams.workplaces(tx, (await again(db, person)).actor)]


async def test_a_title_becomes_a_name_that_is_free(db: Database) -> None:
    anna, ben = await make_user(db, "anna"), await make_user(db, "ben")
    title = f"Ärzte & Daten {unique('x')}"
    first = await make(db, anna, f"  {title} ", "What for.")
    assert (first.title, first.description, first.kind, first.role) == (title, "What for.", "organization", Role.ADMIN)
    assert first.name.startswith("Arzte-Daten-x-")
    second = await make(db, ben, title)
    assert second.name == f"{first.name}-2"
    async with db.reading() as tx:
        found = await teams.workplace(tx, (await again(db, anna)).actor, first.id)
    assert found == first


@pytest.mark.parametrize(
    ("title", "stem"), [("模型", "team"), ("api", "api-"), ("...", "team")], ids=["no latin", "reserved", "dots"]
)
async def test_a_title_that_no_name_can_be(db: Database, title: str, stem: str) -> None:
    made = await make(db, await make_user(db, "anna"), title)
    assert made.name.startswith(stem)
    assert made.title == title


@pytest.mark.parametrize("title", ["", "  ", "a\nb", "x" * 1000], ids=["empty", "blank", "two lines", "long"])
async def test_a_title_that_cant_be(db: Database, title: str) -> None:
    with pytest.raises(Invalid) as caught:
        await make(db, await make_user(db, "anna"), title)
    assert caught.value.field == "name"


async def test_one_is_in_one_team_of_a_title_only(db: Database) -> None:
    anna, title = await make_user(db, "anna"), unique("Labels")
    made = await make(db, anna, title)
    with pytest.raises(NameTaken) as caught:
        await make(db, await again(db, anna), title.upper())
    assert caught.value.details["errors"] == [{"name": title, "id": made.id}]


async def test_what_one_has_nothing_to_do_with_does_not_exist(db: Database) -> None:
    anna, ben = await make_user(db, "anna"), await make_user(db, "ben")
    made = await make(db, anna, unique("Labels"))
    assert await seen_by(db, anna) == [anna.id, made.id]
    assert await seen_by(db, ben) == [ben.id]
    async with db.transaction() as tx:
        for account_id in (made.id, anna.id, 2**31 - 1, 0):
            with pytest.raises(AccountNotFound):
                await teams.workplace(tx, ben.actor, account_id)
            with pytest.raises(AccountNotFound):
                await teams.fellows(tx, ben.actor, account_id)
            with pytest.raises(AccountNotFound):
                await teams.put_fellow(tx, ben.actor, account_id, ben.name, Role.ADMIN)
            with pytest.raises(AccountNotFound):
                await teams.delete_workplace(tx, ben.actor, account_id)
        with pytest.raises(Unauthenticated):
            await teams.workplaces(tx, anonymous("test"))
        with pytest.raises(Unauthenticated):
            await teams.users_by_id(tx, anonymous("test"))


async def test_an_administrator_sees_all_but_the_accounts_of_others_are_not_listed(db: Database) -> None:
    root, anna = await make_user(db, "root", admin=True), await make_user(db, "anna")
    made = await make(db, anna, unique("Labels"))
    listed = await seen_by(db, root)
    assert made.id in listed
    assert anna.id not in listed
    async with db.reading() as tx:
        assert (await teams.workplace(tx, root.actor, anna.id)).kind == "user"


async def test_a_token_that_is_bound_sees_its_account_only(db: Database) -> None:
    anna = await make_user(db, "anna")
    made = await make(db, anna, unique("Labels"))
    bound = await sign_in(db, anna.account, namespace=made.name)
    assert await seen_by(db, bound) == [made.id]


async def test_everybody_who_has_a_role_is_a_fellow(db: Database) -> None:
    anna, ben, carl = [await make_user(db, name) for name in ("anna", "ben", "carl")]
    org = await make_organization(db, anna)
    team = await make_team(db, org)
    await join(db, team, ben, Role.MANAGER)
    await join(db, org, carl, Role.VIEWER)
    async with db.reading() as tx:
        reader = (await again(db, ben)).actor
        found = await teams.fellows(tx, reader, team.id)
    assert [(one.id, one.role) for one in found] == [(anna.id, "admin"), (ben.id, "manager")]


async def test_members_of_a_personal_account(db: Database) -> None:
    """Decision 0012: who labels for somebody is a member of his own account."""
    anna, ben = await make_user(db, "anna"), await make_user(db, "ben")
    async with db.transaction() as tx:
        made = await teams.put_fellow(tx, anna.actor, anna.id, ben.name, Role.ANNOTATOR)
        assert (made.id, made.role) == (ben.id, "annotator")
        assert [one.role for one in await teams.fellows(tx, anna.actor, anna.id)] == ["owner", "annotator"]
        with pytest.raises(Invalid):
            await teams.put_fellow(tx, anna.actor, anna.id, anna.name, Role.VIEWER)
        with pytest.raises(AccountNotFound) as caught:
            await teams.put_fellow(tx, anna.actor, anna.id, unique("nobody"), Role.VIEWER)
        assert caught.value.field == "login"
    ben = await again(db, ben)
    assert ben.actor.roles[anna.id] is Role.ANNOTATOR
    async with db.transaction() as tx:
        with pytest.raises(Forbidden):
            await teams.fellows(tx, ben.actor, anna.id)
        with pytest.raises(Forbidden):
            await teams.put_fellow(tx, ben.actor, anna.id, ben.name, Role.ADMIN)
        places = await teams.places_of(tx, ben.actor, ben.id)
        assert [(one.id, one.role) for one in places] == [(anna.id, "annotator"), (ben.id, "owner")]
    async with db.transaction() as tx:
        await teams.remove_fellow(tx, anna.actor, anna.id, ben.id)
        with pytest.raises(NotFound):
            await teams.remove_fellow(tx, anna.actor, anna.id, ben.id)


async def test_ones_own_account_stays_and_an_organization_goes(db: Database) -> None:
    anna = await make_user(db, "anna")
    made = await make(db, anna, unique("Labels"))
    anna = await again(db, anna)
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as caught:
            await teams.delete_workplace(tx, anna.actor, anna.id)
        assert caught.value.field == "id"
        await teams.delete_workplace(tx, anna.actor, made.id)
    assert await seen_by(db, anna) == [anna.id]


async def test_describing_an_account(db: Database) -> None:
    anna, ben = await make_user(db, "anna"), await make_user(db, "ben")
    made = await make(db, anna, unique("Labels"))
    anna = await again(db, anna)
    async with db.transaction() as tx:
        changed = await teams.describe_workplace(tx, anna.actor, made.id, description="New.")
        assert (changed.title, changed.description, changed.name) == (made.title, "New.", made.name)
        changed = await teams.describe_workplace(tx, anna.actor, made.id, title="Other")
        assert (changed.title, changed.description, changed.name) == ("Other", "New.", made.name)
        with pytest.raises(Invalid):
            await teams.describe_workplace(tx, anna.actor, made.id, description="x" * 6000)
        await teams.put_fellow(tx, anna.actor, made.id, ben.name, Role.VIEWER)
    ben = await again(db, ben)
    async with db.transaction() as tx:
        with pytest.raises(Forbidden):
            await teams.describe_workplace(tx, ben.actor, made.id, title="Mine")


async def test_addresses_are_for_oneself_and_administrators(db: Database) -> None:
    root, anna = await make_user(db, "root", admin=True), await make_user(db, "anna")
    name = unique("carl")
    async with db.transaction() as tx:
        carl = await people.create_user(tx, root.actor, name, email=f"{name}@example.org")
        assert (await teams.user_by_id(tx, root.actor, carl.id)).email == f"{name}@example.org"
        assert (await teams.user_by_id(tx, anna.actor, carl.id)).email is None
        with pytest.raises(AccountNotFound):
            await teams.user_by_id(tx, anna.actor, 2**31 - 1)


async def test_who_is_disabled_can_do_nothing(db: Database) -> None:
    root, anna = await make_user(db, "root", admin=True), await make_user(db, "anna")
    async with db.transaction() as tx:
        with pytest.raises(Forbidden):
            await teams.disable_user(tx, anna.actor, root.id, disabled=True)
        await teams.disable_user(tx, root.actor, anna.id, disabled=True)
        await teams.disable_user(tx, root.actor, anna.id, disabled=True)
        assert (await teams.user_by_id(tx, root.actor, anna.id)).disabled
        with pytest.raises(InvalidCredentials):
            await people.actor_for_token(tx, anna.token, "test", "")
        with pytest.raises(AccountNotFound):
            await people.actor_for_user(tx, anna.id, "test")
        await teams.disable_user(tx, root.actor, anna.id, disabled=False)
        assert (await people.actor_for_token(tx, anna.token, "test", "")).user_id == anna.id


async def test_the_last_administrator_who_can_sign_in_is_not_disabled(db: Database) -> None:
    root = await make_user(db, "root", admin=True)
    async with db.transaction() as tx:
        others = [row[0] for row in await tx.rows(teams.SQL.enabled_administrators) if row[0] != root.id]
        for other in others:
            await teams.disable_user(tx, root.actor, other, disabled=True)
        with pytest.raises(LastAdministrator):
            await teams.disable_user(tx, root.actor, root.id, disabled=True)
        for other in others:
            await teams.disable_user(tx, root.actor, other, disabled=False)


async def test_making_a_team_needs_a_token_that_may(db: Database) -> None:
    reader = await make_user(db, "anna", scope=Scope.READ)
    with pytest.raises(ScopeTooNarrow):
        await make(db, reader, unique("Labels"))
