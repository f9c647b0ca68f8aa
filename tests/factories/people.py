"""Makes people for tests: unique names, so that tests live with other tests' rows."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

from pinakes.server.actor import Actor, Role, Scope, system
from pinakes.server.db import Database
from pinakes.server.people import service as people
from pinakes.server.people.types import Account, NewToken

_numbers = itertools.count(1)


def unique(stem: str) -> str:
    """A name that no other test uses."""
    return f"{stem}-{os.getpid()}-{next(_numbers)}"


async def forget_attempts(db: Database) -> None:
    """Let everybody try again: all tests come from one address."""
    async with db.transaction() as tx:
        await tx.connection.execute("delete from attempts")


@dataclass(frozen=True)
class Person:
    """A user with a token, and the actor that the token makes."""

    account: Account
    token: str
    actor: Actor

    @property
    def id(self) -> int:
        return self.account.id

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def make_user(
    db: Database, stem: str = "user", *, scope: Scope = Scope.ADMIN, admin: bool = False, namespace: str | None = None
) -> Person:
    """A new user with a token of that scope."""
    async with db.transaction() as tx:
        account = await people.create_user(tx, system(), unique(stem), admin=admin)
    return await sign_in(db, account, scope=scope, namespace=namespace)


async def sign_in(
    db: Database, account: Account, *, scope: Scope = Scope.ADMIN, namespace: str | None = None
) -> Person:
    """A user with another token of his."""
    async with db.transaction() as tx:
        wanted = NewToken(name="test", scope=scope, namespace=namespace)
        issued = await people.create_token(tx, system(), account.name, wanted)
    return Person(account, issued.value, await actor_of(db, issued.value))


async def again(db: Database, person: Person) -> Person:
    """The same person with the roles that he holds now."""
    return Person(person.account, person.token, await actor_of(db, person.token))


async def told_of(db: Database, actor: Actor) -> list[str]:
    """The verbs of all that somebody did, from the record itself: the feed lags behind the transactions of others."""
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select verb from events where actor_id = %s order by id", (actor.user_id,)
        )
        return [row[0] for row in await cursor.fetchall()]


async def actor_of(db: Database, token: str) -> Actor:
    """Who acts with a token, now."""
    async with db.reading() as tx:
        return await people.actor_for_token(tx, token, "test", "")


async def make_organization(db: Database, admin: Person, stem: str = "org") -> Account:
    """A new organization of that admin."""
    async with db.transaction() as tx:
        return await people.create_organization(tx, admin.actor, unique(stem))


async def make_team(db: Database, org: Account, stem: str = "team") -> Account:
    """A new team of an organization."""
    async with db.transaction() as tx:
        return await people.create_team(tx, system(), org.name, unique(stem))


async def join(db: Database, group: Account, person: Person, role: Role) -> None:
    """Make a user a member."""
    async with db.transaction() as tx:
        await people.put_member(tx, system(), group, person.name, role)
