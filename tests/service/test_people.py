"""Users, organizations, teams, members, tokens, sessions and devices, on a real database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString, cast

import pytest
from argon2 import PasswordHasher

from factories.people import (
    Person,
    actor_of,
    again,
    forget_attempts,
    join,
    make_organization,
    make_team,
    make_user,
    sign_in,
    unique,
)
from pinakes.server.actor import Actor, Role, Scope, anonymous, system
from pinakes.server.db import Database
from pinakes.server.errors import (
    AccountNotFound,
    Conflict,
    DeviceDenied,
    DeviceExpired,
    DevicePending,
    DeviceSlowDown,
    Forbidden,
    Invalid,
    InvalidCredentials,
    LastAdministrator,
    NameTaken,
    NotFound,
    ScopeTooNarrow,
    TooManyRequests,
    Unauthenticated,
)
from pinakes.server.people import secrets, service as people, throttle
from pinakes.server.people.checks import RESERVED
from pinakes.server.people.sessions import same_origin
from pinakes.server.people.types import AccountChanges, DeviceGrant, NewToken
from pinakes.server.settings import Settings

PASSWORD = "correct horse battery"


async def run(db: Database, statement: str, *params: object) -> list[tuple[Any, ...]]:
    """Run plain SQL, for what no verb does: turning back clocks, looking at rows."""
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(cast("LiteralString", statement), params)
        return await cursor.fetchall() if cursor.description else []


@pytest.fixture
async def admin(db: Database) -> Person:
    return await make_user(db, "root", admin=True)


@pytest.fixture
async def ada(db: Database) -> Person:
    return await make_user(db, "Ada")


@pytest.fixture
async def bob(db: Database) -> Person:
    return await make_user(db, "bob")


@pytest.fixture
async def lonely(dsn: str) -> AsyncGenerator[Database]:
    """The same database, whose administrators are hidden meanwhile: a server that nobody administers yet."""
    database = Database(dsn, size=4)
    await database.open()
    hidden = await run(database, "update accounts set is_admin = false where is_admin returning id")
    yield database
    await run(database, "update accounts set is_admin = true where id = any(%s)", [row[0] for row in hidden])
    await run(database, "update accounts set is_admin = false, deleted_at = now() where lower(name) = 'admin'")
    await database.close()


class TestNames:
    async def test_one_namespace_whose_case_is_kept_and_ignored(self, db: Database, ada: Person):
        async with db.reading() as tx:
            found = await people.account(tx, ada.name.upper())
        assert found.name == ada.name

        for create in ("user", "organization", "team"):
            with pytest.raises(NameTaken, match="is taken") as caught:
                await make_account(db, create, ada.name.lower())
            assert caught.value.field == "name"

    @pytest.mark.parametrize(
        "name", ["", " ", "-a", ".a", "_a", "a b", "a/b", "ä", "a\0", "a" * 97, "a\n", "\ud800", "a\u202eb"]
    )
    async def test_a_malformed_name_is_refused_and_found_nowhere(self, db: Database, name: str):
        with pytest.raises(Invalid) as caught:
            await make_account(db, "user", name)
        assert caught.value.field == "name"
        async with db.reading() as tx:
            with pytest.raises(AccountNotFound):
                await people.account(tx, name)

    @pytest.mark.parametrize("name", ["api", "API", "oauth", "collections", "datasets", "spaces", "login", "graphql"])
    async def test_a_name_that_is_a_path_is_reserved(self, db: Database, name: str):
        for kind in ("user", "organization", "team"):
            with pytest.raises(Invalid, match="reserved"):
                await make_account(db, kind, name)

    def test_reserved_names_could_be_names(self):
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name) for name in RESERVED)

    async def test_two_who_want_one_name_at_once_get_one(self, db: Database):
        name = unique("race")
        outcomes = await asyncio.gather(*(make_account(db, "user", name) for _ in range(4)), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NameTaken", "NameTaken", "NameTaken", "str"]


async def make_account(db: Database, kind: str, name: str) -> str:
    owner = await make_user(db, "maker")
    org = await make_organization(db, owner)
    async with db.transaction() as tx:
        if kind == "user":
            return (await people.create_user(tx, system(), name)).name
        if kind == "organization":
            return (await people.create_organization(tx, owner.actor, name)).name
        return (await people.create_team(tx, system(), org.name, name)).name


class TestUsers:
    async def test_only_administrators_make_list_and_delete_users(self, db: Database, ada: Person, bob: Person):
        async with db.transaction() as tx:
            for actor, error in [(ada.actor, Forbidden), (anonymous("test"), Unauthenticated)]:
                with pytest.raises(error):
                    await people.create_user(tx, actor, unique("x"))
                with pytest.raises(error):
                    await people.users(tx, actor, limit=10)
                with pytest.raises(error):
                    await people.delete_user(tx, actor, bob.name)

    async def test_an_administrator_needs_scope_admin_and_no_binding(self, db: Database, admin: Person, ada: Person):
        narrow = await sign_in(db, admin.account, scope=Scope.WRITE)
        bound = await sign_in(db, admin.account, namespace=ada.name)
        for person in (narrow, bound):
            async with db.transaction() as tx:
                with pytest.raises(ScopeTooNarrow):
                    await people.create_user(tx, person.actor, unique("x"))

    async def test_an_email_address_is_one_users(self, db: Database, admin: Person):
        address = f"{unique('mail')}@example.org"
        async with db.transaction() as tx:
            await people.create_user(tx, admin.actor, unique("x"), email=address)
            with pytest.raises(Conflict) as caught:
                await people.create_user(tx, admin.actor, unique("x"), email=address.upper())
            assert caught.value.field == "email"
            # The transaction goes on after a refusal.
            assert await people.create_user(tx, admin.actor, unique("x"))

    @pytest.mark.parametrize("email", ["nobody", "a@", "@b", "a b@c", "a@b\0", "x" * 300 + "@y"])
    async def test_an_email_address_looks_like_one(self, db: Database, admin: Person, email: str):
        async with db.transaction() as tx:
            with pytest.raises(Invalid) as caught:
                await people.create_user(tx, admin.actor, unique("x"), email=email)
        assert caught.value.field == "email"

    async def test_users_come_in_pages_by_name(self, db: Database, admin: Person):
        names = sorted([(await make_user(db, stem)).name for stem in ("Zoe", "yan", "Xen")], key=str.lower)
        seen: list[str] = []
        cursor = None
        async with db.reading() as tx:
            while True:
                page = await people.users(tx, admin.actor, limit=2, cursor=cursor)
                assert len(page.rows) <= 2
                seen += [found.name for found in page.rows]
                cursor = page.next
                if cursor is None:
                    break
        assert [name for name in seen if name in names] == names
        assert len(seen) == len(set(seen))

    async def test_a_user_changes_himself_and_nobody_else(self, db: Database, ada: Person, bob: Person):
        address = f"{unique('ada')}@example.org"
        async with db.transaction() as tx:
            changes = AccountChanges(display_name=" Ada L. ", email=address)
            changed = await people.update_user(tx, ada.actor, ada.name, changes)
            assert (changed.display_name, changed.email) == ("Ada L.", address)
            changed = await people.update_user(tx, ada.actor, ada.name, AccountChanges(email=""))
            assert (changed.display_name, changed.email) == ("Ada L.", None)
            with pytest.raises(Forbidden):
                await people.update_user(tx, bob.actor, ada.name, AccountChanges(display_name="x"))
            with pytest.raises(Forbidden):
                await people.update_user(tx, ada.actor, ada.name, AccountChanges(admin=True))

    async def test_the_last_administrator_stays(self, lonely: Database):
        await people.ensure_administrator(lonely, None)
        async with lonely.transaction() as tx:
            with pytest.raises(LastAdministrator):
                await people.delete_user(tx, system(), "admin")
        async with lonely.transaction() as tx:
            with pytest.raises(LastAdministrator):
                await people.update_user(tx, system(), "admin", AccountChanges(admin=False))

    async def test_of_two_administrators_who_delete_each_other_one_stays(self, lonely: Database):
        first, second = [await make_user(lonely, "root", admin=True) for _ in range(2)]

        async def delete(actor: Actor, name: str) -> None:
            async with lonely.transaction() as tx:
                await people.delete_user(tx, actor, name)

        outcomes = await asyncio.gather(
            delete(first.actor, second.name), delete(second.actor, first.name), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes].count(LastAdministrator) == 1
        assert outcomes.count(None) == 1
        left = await run(lonely, "select count(*) from accounts where is_admin and deleted_at is null")
        assert left == [(1,)]
        await run(lonely, "update accounts set is_admin = false where is_admin")


class TestDeletingAccounts:
    async def test_a_users_name_is_free_and_his_tokens_and_sessions_end(self, db: Database, admin: Person):
        name = unique("gone")
        async with db.transaction() as tx:
            hashed = await secrets.hash_password(PASSWORD)
            account = await people.create_user(tx, admin.actor, name, password_hash=hashed)
        person = await sign_in(db, account)
        session = await people.sign_in(db, name, PASSWORD)
        async with db.transaction() as tx:
            await people.delete_user(tx, admin.actor, name)
        with pytest.raises(InvalidCredentials):
            await actor_of(db, person.token)
        with pytest.raises(InvalidCredentials):
            await people.sign_in(db, name, PASSWORD)
        async with db.transaction() as tx:
            assert await people.actor_for_session(tx, session.secret, "web", "") is None
            with pytest.raises(AccountNotFound):
                await people.account(tx, name)
            again_ = await people.create_user(tx, admin.actor, name)
        assert again_.id != account.id

    async def test_what_an_account_owns_goes_with_it_and_entries_close(self, db: Database, admin: Person, ada: Person):
        mine, other = await insert_item(db, ada.id), await insert_item(db, admin.id)
        for item in (mine, other):
            await run(
                db,
                "insert into entries (collection_id, item_id, order_key, since_rev, added_rev)"
                " values (%s, %s, %s, 1, 1)",
                10**9,
                item,
                str(item).encode(),
            )
        async with db.transaction() as tx:
            await people.delete_user(tx, admin.actor, ada.name)
        found = await run(db, "select deleted_at is not null, deleted_by from items where id = %s", mine)
        assert found == [(True, admin.id)]
        assert await run(db, "select deleted_at from items where id = %s", other) == [(None,)]
        closed = await run(db, "select item_id from entries where collection_id = %s and closed", 10**9)
        assert (mine,) in closed
        assert (other,) not in closed

    async def test_an_organization_goes_with_its_teams_and_what_they_own(self, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, ada)
        team = await make_team(db, org)
        await join(db, team, bob, Role.MEMBER)
        items = [await insert_item(db, org.id), await insert_item(db, team.id)]
        bound = await sign_in(db, ada.account, namespace=org.name)
        async with db.transaction() as tx:
            with pytest.raises(Forbidden):
                await people.delete_organization(tx, bob.actor, org.name)
            await people.delete_organization(tx, (await again(db, ada)).actor, org.name)
        async with db.reading() as tx:
            for name in (org.name, team.name):
                with pytest.raises(AccountNotFound):
                    await people.account(tx, name)
        assert await run(db, "select count(*) from items where id = any(%s) and deleted_at is null", items) == [(0,)]
        assert set((await again(db, bob)).actor.roles) == {bob.id}
        with pytest.raises(InvalidCredentials):
            await actor_of(db, bound.token)

    async def test_who_makes_something_for_an_account_meanwhile_is_not_missed(
        self, db: Database, admin: Person, ada: Person
    ):
        """Whoever keeps the account (`keep=True`) is waited for, and what he made goes with it."""
        kept = asyncio.Event()

        async def make() -> int:
            async with db.transaction() as tx:
                await people.account(tx, ada.name, keep=True)
                kept.set()
                await asyncio.sleep(0.3)
                return await insert_item(db, ada.id)

        async def delete() -> None:
            await kept.wait()
            async with db.transaction() as tx:
                await people.delete_user(tx, admin.actor, ada.name)

        item, _ = await asyncio.gather(make(), delete())
        assert await run(db, "select deleted_at is not null from items where id = %s", item) == [(True,)]
        async with db.transaction() as tx:
            with pytest.raises(AccountNotFound):
                await people.account(tx, ada.name, keep=True)

    async def test_a_team_alone(self, db: Database, ada: Person):
        team = await make_team(db, await make_organization(db, ada))
        async with db.transaction() as tx:
            await people.delete_team(tx, (await again(db, ada)).actor, team.name)
            with pytest.raises(AccountNotFound):
                await people.team(tx, team.name)

    async def test_it_is_recorded(self, db: Database, admin: Person, ada: Person):
        async with db.transaction() as tx:
            await people.delete_user(tx, admin.actor, ada.name)
        rows = await run(db, "select verb, actor_id from events where account_id = %s order by id", ada.id)
        assert [verb for verb, _ in rows] == ["user.created", "token.created", "user.deleted"]
        assert rows[-1][1] == admin.id


async def insert_item(db: Database, owner_id: int) -> int:
    name = unique("item")
    rows = await run(
        db,
        "insert into items (kind, owner_id, name, name_key) values ('model', %s, %s, %s) returning id",
        owner_id,
        name,
        name,
    )
    return int(rows[0][0])


class TestMembers:
    async def test_who_makes_an_organization_is_its_admin(self, db: Database, ada: Person):
        org = await make_organization(db, ada)
        assert (await again(db, ada)).actor.roles == {ada.id: Role.OWNER, org.id: Role.ADMIN}

    async def test_making_an_organization_needs_scope_write(self, db: Database, ada: Person):
        async with db.transaction() as tx:
            with pytest.raises(Unauthenticated):
                await people.create_organization(tx, anonymous("test"), unique("org"))
            for person in (
                await sign_in(db, ada.account, scope=Scope.READ),
                await sign_in(db, ada.account, namespace=ada.name),
            ):
                with pytest.raises(ScopeTooNarrow):
                    await people.create_organization(tx, person.actor, unique("org"))
            writer = await sign_in(db, ada.account, scope=Scope.WRITE)
            assert await people.create_organization(tx, writer.actor, unique("org"))

    async def test_roles_are_given_changed_and_taken(self, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, ada)
        ada = await again(db, ada)
        for role in (Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.VIEWER):
            async with db.transaction() as tx:
                member = await people.put_member(tx, ada.actor, org, bob.name.upper(), role)
            assert (member.name, member.role) == (bob.name, role)
            assert (await again(db, bob)).actor.roles[org.id] is role
        async with db.transaction() as tx:
            assert await people.remove_member(tx, ada.actor, org, bob.name)
            assert not await people.remove_member(tx, ada.actor, org, bob.name), "to repeat it is safe"
            with pytest.raises(AccountNotFound):
                await people.remove_member(tx, ada.actor, org, unique("nobody"))
        rows = await run(db, "select count(*) from events where verb = 'member.removed' and account_id = %s", org.id)
        assert rows == [(1,)]
        assert org.id not in (await again(db, bob)).actor.roles

    async def test_only_its_admins_manage_an_organization(self, db: Database, ada: Person, bob: Person, admin: Person):
        org = await make_organization(db, ada)
        for role in (Role.VIEWER, Role.MEMBER):
            await join(db, org, bob, role)
            async with db.transaction() as tx:
                with pytest.raises(Forbidden):
                    await people.put_member(tx, (await again(db, bob)).actor, org, admin.name, Role.VIEWER)
        narrow = await sign_in(db, ada.account, scope=Scope.WRITE)
        async with db.transaction() as tx:
            with pytest.raises(ScopeTooNarrow):
                await people.put_member(tx, narrow.actor, org, bob.name, Role.VIEWER)
            assert await people.put_member(tx, admin.actor, org, bob.name, Role.ADMIN)

    async def test_the_last_admin_stays_whoever_asks(self, db: Database, ada: Person, bob: Person, admin: Person):
        """Also for an administrator of the server, who can make another one first; also when a user is deleted."""
        org = await make_organization(db, ada)
        ada = await again(db, ada)
        await join(db, org, bob, Role.MEMBER)
        async with db.transaction() as tx:
            with pytest.raises(LastAdministrator):
                await people.remove_member(tx, ada.actor, org, ada.name)
            with pytest.raises(LastAdministrator):
                await people.put_member(tx, ada.actor, org, ada.name, Role.MEMBER)
            await people.put_member(tx, ada.actor, org, bob.name, Role.ADMIN)
            await people.remove_member(tx, ada.actor, org, ada.name)
            for actor in (admin.actor, system()):
                with pytest.raises(LastAdministrator):
                    await people.put_member(tx, actor, org, bob.name, Role.VIEWER)
                with pytest.raises(LastAdministrator):
                    await people.remove_member(tx, actor, org, bob.name)
                with pytest.raises(LastAdministrator) as caught:
                    await people.delete_user(tx, actor, bob.name)
                assert caught.value.details == {"organizations": [org.name]}
            await people.put_member(tx, admin.actor, org, ada.name, Role.ADMIN)
            await people.put_member(tx, admin.actor, org, bob.name, Role.VIEWER)
            await people.delete_user(tx, admin.actor, bob.name)

    async def test_of_two_admins_who_are_deleted_at_once_one_stays(self, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, ada)
        await join(db, org, bob, Role.ADMIN)

        async def delete(name: str) -> None:
            async with db.transaction() as tx:
                await people.delete_user(tx, system(), name)

        outcomes = await asyncio.gather(delete(ada.name), delete(bob.name), return_exceptions=True)
        assert sorted(map(type, outcomes), key=str) == [type(None), LastAdministrator]

    async def test_of_two_admins_who_remove_each_other_one_stays(self, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, ada)
        await join(db, org, bob, Role.ADMIN)

        async def remove(actor: Actor, name: str) -> None:
            async with db.transaction() as tx:
                await people.remove_member(tx, actor, org, name)

        outcomes = await asyncio.gather(
            remove((await again(db, ada)).actor, bob.name),
            remove((await again(db, bob)).actor, ada.name),
            return_exceptions=True,
        )
        assert outcomes.count(None) == 1
        rows = await run(db, "select count(*) from memberships where account_id = %s and role = 'admin'", org.id)
        assert rows == [(1,)]

    async def test_anybody_may_leave_and_leaves_the_teams_too(self, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, ada)
        team = await make_team(db, org)
        await join(db, org, bob, Role.MEMBER)
        await join(db, team, bob, Role.MEMBER)
        assert set((await again(db, bob)).actor.roles) == {bob.id, org.id, team.id}
        async with db.transaction() as tx:
            await people.remove_member(tx, bob.actor, org, bob.name)
        assert set((await again(db, bob)).actor.roles) == {bob.id}

    async def test_an_admin_of_the_organization_is_an_admin_of_its_teams(self, db: Database, ada: Person):
        org = await make_organization(db, ada)
        team = await make_team(db, org)
        assert (await again(db, ada)).actor.roles[team.id] is Role.ADMIN
        await join(db, team, ada, Role.VIEWER)
        assert (await again(db, ada)).actor.roles[team.id] is Role.ADMIN, "of several roles the strongest wins"

    async def test_only_those_with_a_role_see_the_members(self, db: Database, ada: Person, bob: Person, admin: Person):
        org = await make_organization(db, ada)
        carl = await make_user(db, "carl")
        await join(db, org, carl, Role.VIEWER)
        address = f"{unique('ada')}@example.org"
        async with db.transaction() as tx:
            await people.update_user(tx, ada.actor, ada.name, AccountChanges(email=address))
            with pytest.raises(Forbidden):
                await people.members(tx, bob.actor, org)
            with pytest.raises(Unauthenticated):
                await people.members(tx, anonymous("test"), org)
            seen = await people.members(tx, (await again(db, carl)).actor, org)
            assert [(m.name, m.role, m.email) for m in seen] == [
                (ada.name, "admin", None),
                (carl.name, "viewer", None),
            ]
            seen = await people.members(tx, admin.actor, org)
            assert seen[0].email == address

    async def test_whoami_and_the_organizations_that_one_shares(self, db: Database, ada: Person, bob: Person):
        shared, own = await make_organization(db, ada), await make_organization(db, ada)
        await join(db, shared, bob, Role.VIEWER)
        ada, bob = await again(db, ada), await again(db, bob)
        async with db.reading() as tx:
            profile = await people.whoami(tx, ada.actor)
            assert profile.account == ada.account
            assert {(m.account.name, m.role) for m in profile.organizations} == {
                (shared.name, "admin"),
                (own.name, "admin"),
            }
            assert profile.token is not None
            assert (profile.token.name, profile.token.scope) == ("test", "admin")
            assert [m.name for m in await people.organizations_of(tx, bob.actor, ada.name)] == [shared.name]
            assert await people.organizations_of(tx, anonymous("test"), ada.name) == []
            listed = await people.organizations(tx, bob.actor, limit=10)
            assert [found.name for found in listed.rows] == [shared.name]
            with pytest.raises(Unauthenticated):
                await people.whoami(tx, anonymous("test"))
            with pytest.raises(AccountNotFound):
                await people.organization(tx, ada.name)


class TestTokens:
    async def test_a_generated_one_is_legal_for_every_client(self, ada: Person):
        assert re.fullmatch(r"pinakes_[A-Za-z0-9]{48}", ada.token)
        assert not ada.token.startswith("api_org")
        # What the wandb client checks: the part after the first dash, or all of it (contracts/wandb.md 1.3).
        assert re.fullmatch(r"[\w-]{40,}", ada.token.split("-", 1)[-1])

    async def test_only_its_digest_is_kept(self, db: Database, ada: Person):
        rows = await run(db, "select t::text from tokens as t where t.user_id = %s", ada.id)
        assert ada.token not in rows[0][0]

    async def test_it_makes_an_actor_within_its_scope(self, db: Database, ada: Person):
        for scope in Scope:
            actor = (await sign_in(db, ada.account, scope=scope)).actor
            assert actor.scope is scope
            assert (actor.user_id, actor.name, actor.is_admin, actor.bound_to) == (ada.id, ada.name, False, None)
            assert actor.token_id is not None

    @pytest.mark.parametrize("token", ["", "x", "pinakes_" + "a" * 48, "ä\0", "\ud800"])
    async def test_an_unknown_one_is_not_valid(self, db: Database, token: str):
        with pytest.raises(InvalidCredentials):
            await actor_of(db, token)

    async def test_an_expired_one_is_not_valid(self, db: Database, ada: Person):
        soon = datetime.now(UTC) + timedelta(seconds=0.3)
        async with db.transaction() as tx:
            issued = await people.create_token(tx, ada.actor, ada.name, NewToken(expires_at=soon))
        assert await actor_of(db, issued.value)
        await asyncio.sleep(0.35)
        with pytest.raises(InvalidCredentials):
            await actor_of(db, issued.value)
        async with db.transaction() as tx:
            with pytest.raises(Invalid) as caught:
                await people.create_token(tx, ada.actor, ada.name, NewToken(expires_at=soon))
        assert caught.value.field == "expires_at"

    async def test_its_last_use_is_written_once_a_minute(self, db: Database, ada: Person):
        async def used(statement: str = "select last_used_at from tokens where user_id = %s") -> datetime:
            return cast("datetime", (await run(db, statement, ada.id))[0][0])

        first = await used()
        await actor_of(db, ada.token)
        assert await used() == first
        moved = "update tokens set last_used_at = last_used_at - interval '2 minutes' where user_id = %s returning 1"
        await run(db, moved, ada.id)
        await asyncio.gather(*(actor_of(db, ada.token) for _ in range(5)))
        assert await used() > first

    async def test_a_token_that_somebody_is_noting_the_use_of_is_not_waited_for(self, db: Database, ada: Person):
        await run(db, "update tokens set last_used_at = null where user_id = %s", ada.id)
        async with db.transaction() as tx:
            await people.actor_for_token(tx, ada.token, "test", "")
            await asyncio.wait_for(actor_of(db, ada.token), 1)

    async def test_one_makes_ones_own_and_only_with_scope_admin(
        self, db: Database, ada: Person, bob: Person, admin: Person
    ):
        async with db.transaction() as tx:
            with pytest.raises(Forbidden):
                await people.create_token(tx, bob.actor, ada.name, NewToken())
            with pytest.raises(Unauthenticated):
                await people.create_token(tx, anonymous("test"), ada.name, NewToken())
            for scope in (Scope.READ, Scope.WRITE):
                narrow = await sign_in(db, ada.account, scope=scope)
                with pytest.raises(ScopeTooNarrow):
                    await people.create_token(tx, narrow.actor, ada.name, NewToken())
                with pytest.raises(ScopeTooNarrow):
                    await people.tokens_of(tx, narrow.actor, ada.name)
            assert await people.create_token(tx, ada.actor, ada.name, NewToken())
            assert await people.create_token(tx, admin.actor, ada.name, NewToken())

    async def test_a_bound_one_cannot_free_itself(self, db: Database, ada: Person):
        bound = await sign_in(db, ada.account, namespace=ada.name)
        assert bound.actor.bound_to == ada.id
        async with db.transaction() as tx:
            with pytest.raises(ScopeTooNarrow):
                await people.create_token(tx, bound.actor, ada.name, NewToken())
            with pytest.raises(Forbidden):
                await people.update_user(tx, bound.actor, ada.name, AccountChanges(display_name="x"))

    async def test_it_is_bound_only_where_its_user_has_a_role(self, db: Database, ada: Person, bob: Person):
        org = await make_organization(db, bob)
        async with db.transaction() as tx:
            with pytest.raises(Invalid) as caught:
                await people.create_token(tx, ada.actor, ada.name, NewToken(namespace=org.name))
            assert caught.value.field == "namespace"
            with pytest.raises(AccountNotFound):
                await people.create_token(tx, ada.actor, ada.name, NewToken(namespace="no-such-account"))
        await join(db, org, ada, Role.VIEWER)
        async with db.transaction() as tx:
            issued = await people.create_token(tx, ada.actor, ada.name, NewToken(namespace=org.name.upper()))
        assert issued.token.bound_to == org.name

    async def test_administrators_bring_a_value_of_their_own(self, db: Database, admin: Person, ada: Person):
        value = f"user_{unique('key')}-{'0123456789abcdef' * 3}"
        async with db.transaction() as tx:
            with pytest.raises(Forbidden):
                await people.create_token(tx, ada.actor, ada.name, NewToken(value=value))
            issued = await people.create_token(tx, admin.actor, ada.name, NewToken(value=value))
            assert issued.value == value
            with pytest.raises(Conflict) as caught:
                await people.create_token(tx, admin.actor, admin.name, NewToken(value=value))
        assert caught.value.field == "value"
        assert (await actor_of(db, value)).user_id == ada.id

    @pytest.mark.parametrize(
        "value", ["short", "x" * 19, "x" * 600, "with blank " * 4, "a\x00" * 20, "ä" * 30, "api_org_" + "x" * 40]
    )
    async def test_a_value_that_cannot_be_a_token(self, db: Database, admin: Person, value: str):
        async with db.transaction() as tx:
            with pytest.raises(Invalid) as caught:
                await people.create_token(tx, admin.actor, admin.name, NewToken(value=value))
        assert caught.value.field == "value"

    async def test_they_are_listed_without_their_values_and_end(self, db: Database, ada: Person, bob: Person):
        async with db.transaction() as tx:
            (token,) = await people.tokens_of(tx, ada.actor, ada.name)
            assert token.hint.endswith(ada.token[-4:])
            with pytest.raises(NotFound):
                await people.delete_token(tx, bob.actor, bob.name, token.id)
            for number in (0, -1, 2**31, 2**70):
                with pytest.raises(NotFound):
                    await people.delete_token(tx, ada.actor, ada.name, number)
            await people.delete_token(tx, ada.actor, ada.name, token.id)
        with pytest.raises(InvalidCredentials):
            await actor_of(db, ada.token)


class TestSessions:
    @pytest.fixture
    async def eve(self, db: Database) -> Person:
        person = await make_user(db, "eve")
        await set_password(db, person, PASSWORD)
        return person

    async def test_the_password_is_kept_as_argon2(self, db: Database, eve: Person):
        ((hashed,),) = await run(db, "select password_hash from accounts where id = %s", eve.id)
        assert hashed.startswith("$argon2id$")

    async def test_signing_in_by_name_or_email_makes_a_session(self, db: Database, eve: Person):
        address = f"{unique('eve')}@example.org"
        async with db.transaction() as tx:
            await people.update_user(tx, eve.actor, eve.name, AccountChanges(email=address))
        for login in (eve.name.upper(), address.upper()):
            signed_in = await people.sign_in(db, login, PASSWORD)
            assert signed_in.account.name == eve.name
            async with db.reading() as tx:
                actor = await people.actor_for_session(tx, signed_in.secret, "web", "r1")
            assert actor is not None
            assert (actor.user_id, actor.scope, actor.api, actor.request_id) == (eve.id, Scope.ADMIN, "web", "r1")

    async def test_a_wrong_password_and_an_unknown_name_look_alike(self, db: Database, eve: Person):
        wrong = [(eve.name, password) for password in ("", "wrong", PASSWORD + "x", "\0", "\ud800")]
        unknown = [(name, PASSWORD) for name in ("no-such-user", "", "a\0b", "\ud800", "x" * 300)]
        messages: set[str] = set()
        for name, password in wrong + unknown:
            with pytest.raises(InvalidCredentials) as caught:
                await people.sign_in(db, name, password)
            messages.add(caught.value.message)
        assert len(messages) == 1

    async def test_a_user_without_a_password_signs_in_with_a_token_of_scope_admin(self, db: Database, ada: Person):
        with pytest.raises(InvalidCredentials):
            await people.sign_in(db, ada.name, "")
        async with db.transaction() as tx:
            signed_in = await people.sign_in_with_token(tx, ada.token)
            assert signed_in.account == ada.account
            for narrow in (
                await sign_in(db, ada.account, scope=Scope.WRITE),
                await sign_in(db, ada.account, namespace=ada.name),
            ):
                with pytest.raises(ScopeTooNarrow):
                    await people.sign_in_with_token(tx, narrow.token)

    async def test_it_ends_when_not_used_and_lasts_when_used(self, db: Database, eve: Person):
        signed_in = await people.sign_in(db, eve.name, PASSWORD, days=2)
        digest = secrets.digest(signed_in.secret)
        await run(db, "update sessions set expires_at = expires_at - interval '1 day' where digest = %s", digest)
        async with db.transaction() as tx:
            assert await people.actor_for_session(tx, signed_in.secret, "web", "", days=2)
        ((ends,),) = await run(db, "select expires_at from sessions where digest = %s", digest)
        assert ends > datetime.now(UTC) + timedelta(days=1.9)
        await run(db, "update sessions set expires_at = now() - interval '1 second' where digest = %s", digest)
        async with db.transaction() as tx:
            assert await people.actor_for_session(tx, signed_in.secret, "web", "") is None
        await people.sign_in(db, eve.name, PASSWORD)
        assert await run(db, "select 1 from sessions where digest = %s", digest) == [], "old ones are cleared away"

    async def test_signing_out_ends_it(self, db: Database, eve: Person):
        signed_in = await people.sign_in(db, eve.name, PASSWORD)
        async with db.transaction() as tx:
            await people.sign_out(tx, signed_in.secret)
            await people.sign_out(tx, signed_in.secret)
            assert await people.actor_for_session(tx, signed_in.secret, "web", "") is None

    async def test_a_new_password_ends_the_other_sessions(self, db: Database, eve: Person):
        first, second = [await people.sign_in(db, eve.name, PASSWORD) for _ in range(2)]
        await set_password(db, eve, "another " + PASSWORD, session=first.secret)
        async with db.transaction() as tx:
            assert await people.actor_for_session(tx, first.secret, "web", "")
            assert await people.actor_for_session(tx, second.secret, "web", "") is None
        with pytest.raises(InvalidCredentials):
            await people.sign_in(db, eve.name, PASSWORD)

    async def test_one_shows_the_old_password_for_a_new_one(self, db: Database, eve: Person, admin: Person):
        async with db.reading() as tx:
            hashed = await people.password_to_confirm(tx, eve.actor, eve.name)
            assert await people.password_to_confirm(tx, admin.actor, eve.name) is None
            assert await people.password_to_confirm(tx, admin.actor, admin.name) is None, "he has none yet"
        await people.confirm_password(hashed, PASSWORD)
        for wrong in (None, "", "wrong"):
            with pytest.raises(Forbidden) as caught:
                await people.confirm_password(hashed, wrong)
            assert caught.value.field == "current_password"

    async def test_a_password_that_was_hashed_with_weaker_parameters_is_hashed_anew(self, db: Database, eve: Person):
        weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        await run(db, "update accounts set password_hash = %s where id = %s", weak, eve.id)
        await people.sign_in(db, eve.name, PASSWORD)
        ((hashed,),) = await run(db, "select password_hash from accounts where id = %s", eve.id)
        assert hashed != weak
        assert await people.sign_in(db, eve.name, PASSWORD)


async def set_password(db: Database, person: Person, password: str, session: str | None = None) -> None:
    hashed = await secrets.hash_password(password)
    async with db.transaction() as tx:
        await people.update_user(
            tx, person.actor, person.name, AccountChanges(password=password), password_hash=hashed, session=session
        )


class TestDevices:
    async def start(self, db: Database) -> DeviceGrant:
        async with db.transaction() as tx:
            return await people.start_device_grant(tx, "hf-cli")

    async def poll(self, db: Database, code: str) -> str:
        async with db.reading() as tx:
            return (await people.poll_device_grant(tx, code)).value

    async def rewind(self, db: Database, grant: DeviceGrant, column: str = "polled_at") -> None:
        statement = f"update device_grants set {column} = now() - interval '20 minutes' where user_code = %s"
        await run(db, statement, grant.user_code)

    async def test_an_approved_device_gets_one_token(self, db: Database, ada: Person):
        grant = await self.start(db)
        assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", grant.user_code)
        with pytest.raises(DevicePending):
            await self.poll(db, grant.device_code)
        async with db.transaction() as tx:
            request = await people.device_request(tx, f" {grant.user_code.lower().replace('-', ' ')} ")
            assert (request.client_id, request.user_code) == ("hf-cli", grant.user_code)
            await people.decide_device_grant(tx, ada.actor, grant.user_code.replace("-", "").lower(), True)
        actor = await actor_of(db, await self.poll(db, grant.device_code))
        assert (actor.user_id, actor.scope) == (ada.id, Scope.WRITE)
        with pytest.raises(DeviceExpired):
            await self.poll(db, grant.device_code)

    async def test_its_token_lasts_longer_than_a_month(self, db: Database, ada: Person):
        """The Hub's client refreshes tokens with less than a day left; ours come without a refresh token."""
        grant = await self.start(db)
        async with db.transaction() as tx:
            await people.decide_device_grant(tx, ada.actor, grant.user_code, True)
        async with db.reading() as tx:
            issued = await people.poll_device_grant(tx, grant.device_code)
        assert issued.token.expires_at is not None
        assert issued.token.expires_at > datetime.now(UTC) + timedelta(days=30)

    async def test_two_polls_at_once_get_one_token(self, db: Database, ada: Person):
        grant = await self.start(db)
        async with db.transaction() as tx:
            await people.decide_device_grant(tx, ada.actor, grant.user_code, True)
        outcomes = await asyncio.gather(*(self.poll(db, grant.device_code) for _ in range(3)), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["DeviceExpired", "DeviceExpired", "str"]

    async def test_a_device_in_a_hurry_is_slowed_down(self, db: Database):
        grant = await self.start(db)
        with pytest.raises(DevicePending):
            await self.poll(db, grant.device_code)
        with pytest.raises(DeviceSlowDown):
            await self.poll(db, grant.device_code)
        await self.rewind(db, grant)
        with pytest.raises(DevicePending):
            await self.poll(db, grant.device_code)

    async def test_a_device_that_is_turned_away(self, db: Database, ada: Person):
        grant = await self.start(db)
        async with db.transaction() as tx:
            await people.decide_device_grant(tx, ada.actor, grant.user_code, False)
            with pytest.raises(NotFound):
                await people.decide_device_grant(tx, ada.actor, grant.user_code, True)
        with pytest.raises(DeviceDenied):
            await self.poll(db, grant.device_code)

    async def test_a_code_that_is_too_old_or_unknown(self, db: Database, ada: Person):
        grant = await self.start(db)
        await self.rewind(db, grant, "expires_at")
        with pytest.raises(DeviceExpired):
            await self.poll(db, grant.device_code)
        with pytest.raises(DeviceExpired):
            await self.poll(db, "never heard of\0\ud800")
        async with db.transaction() as tx:
            for code in (grant.user_code, "", "BCDF-GHJK", "\0", "ä" * 1000):
                with pytest.raises(NotFound):
                    await people.device_request(tx, code)
                with pytest.raises(NotFound):
                    await people.decide_device_grant(tx, ada.actor, code, True)

    async def test_only_who_may_make_tokens_lets_a_device_in(self, db: Database, ada: Person):
        grant = await self.start(db)
        async with db.transaction() as tx:
            with pytest.raises(Unauthenticated):
                await people.decide_device_grant(tx, anonymous("test"), grant.user_code, True)
            for scope in (Scope.READ, Scope.WRITE):
                narrow = await sign_in(db, ada.account, scope=scope)
                with pytest.raises(ScopeTooNarrow):
                    await people.decide_device_grant(tx, narrow.actor, grant.user_code, True)

    async def test_a_clients_name_is_a_line(self, db: Database):
        async with db.transaction() as tx:
            for name in ("\0", "a\nb", "x" * 300):
                with pytest.raises(Invalid):
                    await people.start_device_grant(tx, name)
            assert await people.start_device_grant(tx, "")

    async def test_a_device_of_a_deleted_user_stays_out(self, db: Database, ada: Person):
        grant = await self.start(db)
        async with db.transaction() as tx:
            await people.decide_device_grant(tx, ada.actor, grant.user_code, True)
            await people.delete_user(tx, system(), ada.name)
        with pytest.raises(DeviceExpired):
            await self.poll(db, grant.device_code)


class TestFirstStart:
    async def test_the_first_start_makes_the_administrator_and_a_token(self, lonely: Database):
        token = await people.ensure_administrator(lonely, None)
        assert token is not None
        actor = await actor_of(lonely, token)
        assert (actor.name, actor.is_admin, actor.scope) == ("admin", True, Scope.ADMIN)
        assert await people.ensure_administrator(lonely, None) is None

    async def test_a_given_token_is_taken_and_made_valid_again(self, lonely: Database):
        given = f"given-{unique('token')}-{'x' * 20}"
        assert await people.ensure_administrator(lonely, given) is None
        assert (await actor_of(lonely, given)).name == "admin"
        await run(
            lonely, "update tokens set scope = 'read', expires_at = now() where digest = %s", secrets.digest(given)
        )
        with pytest.raises(InvalidCredentials):
            await actor_of(lonely, given)
        await people.ensure_administrator(lonely, given)
        assert (await actor_of(lonely, given)).scope is Scope.ADMIN
        another = f"other-{unique('token')}-{'x' * 20}"
        await people.ensure_administrator(lonely, another)
        assert (await actor_of(lonely, another)).name == "admin"

    async def test_servers_that_start_at_once_make_one(self, lonely: Database):
        tokens = await asyncio.gather(*(people.ensure_administrator(lonely, None) for _ in range(4)))
        assert len([token for token in tokens if token]) == 1

    async def test_a_token_that_cannot_be(self, lonely: Database, ada: Person):
        for given, error in [("short", Invalid), ("with blank " * 5, Invalid)]:
            with pytest.raises(error) as caught:
                await people.ensure_administrator(lonely, given)
            assert caught.value.field == "PINAKES_ADMIN_TOKEN"
        await people.ensure_administrator(lonely, None)
        with pytest.raises(Conflict):
            await people.ensure_administrator(lonely, ada.token)


def limits(per_name: str, per_address: str = "100/hour") -> Settings:
    return Settings(signin_limit=per_name, signin_limit_address=per_address)


class TestThrottle:
    async def test_attempts_are_counted_by_name_and_address(self, db: Database):
        name, address = unique("x"), unique("10.0.0")
        for _ in range(3):
            await throttle.attempt_sign_in(db, limits("3/minute"), name, address)
        with pytest.raises(TooManyRequests) as caught:
            await throttle.attempt_sign_in(db, limits("3/minute"), name.upper(), address)
        assert 0 < cast("int", caught.value.details["retry_after"]) <= 60
        await throttle.attempt_sign_in(db, limits("3/minute"), unique("y"), address)
        await throttle.attempt_sign_in(db, limits("3/minute"), name, unique("10.0.0"))
        await forget_attempts(db)
        await throttle.attempt_sign_in(db, limits("3/minute"), name, address)

    async def test_and_by_address_alone(self, db: Database):
        address = unique("10.0.1")
        for number in range(2):
            await throttle.attempt_code(db, limits("10/minute", "2/hour"), f"{number}", address)
        with pytest.raises(TooManyRequests):
            await throttle.attempt_code(db, limits("10/minute", "2/hour"), "another", address)

    async def test_of_many_at_once_as_many_pass_as_may(self, db: Database):
        name, address = unique("x"), unique("10.0.2")
        tried = (throttle.attempt_sign_in(db, limits("7/minute"), name, address) for _ in range(40))
        came = await asyncio.gather(*tried, return_exceptions=True)
        assert [type(one) for one in came if one is not None] == [TooManyRequests] * 33

    async def test_an_attempt_counts_whatever_becomes_of_the_request(self, db: Database):
        name, address = unique("x"), unique("10.0.6")
        with suppress(ZeroDivisionError):
            async with db.transaction():
                await throttle.attempt_sign_in(db, limits("1/minute"), name, address)
                raise ZeroDivisionError
        with pytest.raises(TooManyRequests):
            await throttle.attempt_sign_in(db, limits("1/minute"), name, address)

    async def test_a_window_ends_and_its_count_is_forgotten(self, db: Database):
        name, address = unique("x"), unique("10.0.3")
        await throttle.attempt(db, "sign-in", "1/hour", address, name)
        with pytest.raises(TooManyRequests):
            await throttle.attempt(db, "sign-in", "1/hour", address, name)
        await run(db, "update attempts set ends_at = now() - interval '1 second'")
        await throttle.attempt(db, "sign-in", "1/hour", address, name)
        with pytest.raises(TooManyRequests):
            await throttle.attempt(db, "sign-in", "1/hour", address, name)
        await run(db, "update attempts set ends_at = now() - interval '1 second'")
        async with db.transaction() as tx:
            await throttle.forget_old(tx)
        assert await run(db, "select count(*) from attempts") == [(0,)]

    async def test_every_rate_of_several_holds(self, db: Database):
        address = unique("10.0.4")
        for _ in range(2):
            await throttle.attempt(db, "device", "2/minute, 3/hour", address)
        with pytest.raises(TooManyRequests, match=r"in [1-6]?[0-9] s"):
            await throttle.attempt(db, "device", "2/minute, 3/hour", address)

    @pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 100_000])
    async def test_no_name_is_too_strange_to_be_counted(self, db: Database, name: str):
        address = unique("10.0.5")
        await throttle.attempt_sign_in(db, limits("1/minute"), name, address)
        with pytest.raises(TooManyRequests):
            await throttle.attempt_sign_in(db, limits("1/minute"), name, address)


@pytest.mark.parametrize(
    ("method", "headers", "strict", "fine"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, False, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True, True),
        ("POST", {"sec-fetch-site": "same-site"}, False, False),
        ("POST", {"sec-fetch-site": "cross-site", "origin": "http://here:8080"}, False, False),
        ("POST", {"sec-fetch-site": "none"}, False, True),
        ("POST", {"sec-fetch-site": "none"}, True, False),
        ("DELETE", {"origin": "http://here:8080"}, True, True),
        ("POST", {"origin": "https://public.example"}, False, True),
        ("POST", {"origin": "http://here:9090"}, False, False),
        ("POST", {"origin": "http://evil.example"}, False, False),
        ("POST", {"origin": "null"}, False, False),
        ("POST", {}, False, True),
        ("POST", {}, True, False),
    ],
)
def test_a_cookie_counts_only_from_pages_of_ours(method: str, headers: dict[str, str], strict: bool, fine: bool):
    given = {"host": "here:8080", **headers}
    assert same_origin(method, given, "https://public.example", strict=strict) is fine
