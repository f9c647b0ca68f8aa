"""People to act, for tests of the rooms that need somebody who acts but are not about people."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from factories.people import unique
from pinakes.server.actor import Actor, Role, Scope
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import Repo
from pinakes.server.db import Database

# What a test hands on by keyword: the verb that gets it in the end knows the types.
Facts: TypeAlias = Any


@dataclass(frozen=True)
class Group:
    """An organization, or another account that does not act itself."""

    id: int
    name: str


async def make_account(db: Database, kind: str, stem: str, *, admin: bool = False) -> Group:
    """Make an account."""
    name = unique(stem)
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "insert into accounts (kind, name, is_admin) values (%s, %s, %s) returning id", (kind, name, admin)
        )
        row = await cursor.fetchone()
    assert row is not None
    return Group(row[0], name)


async def make_user(db: Database, stem: str = "user", roles: Mapping[int, Role] | None = None) -> Actor:
    """Make a user who acts with a token of the widest scope, with roles on other accounts."""
    account = await make_account(db, "user", stem)
    held = {account.id: Role.OWNER, **(roles or {})}
    return Actor(user_id=account.id, name=account.name, scope=Scope.ADMIN, roles=held)


async def make_admin(db: Database) -> Actor:
    """Make an administrator of the server."""
    account = await make_account(db, "user", "root", admin=True)
    return Actor(
        user_id=account.id, name=account.name, is_admin=True, scope=Scope.ADMIN, roles={account.id: Role.OWNER}
    )


def reading_only(actor: Actor) -> Actor:
    """The same person with a token that only reads."""
    return replace(actor, scope=Scope.READ)


async def make_repo(db: Database, actor: Actor, name: str | None = None, **facts: Facts) -> Repo:
    """Make a repo: the actor's public model of a new name, unless the test wants it otherwise."""
    kind, owner = facts.pop("kind", "model"), facts.pop("owner", actor.name)
    async with db.transaction() as tx:
        return await catalog.create_repo(tx, actor, kind, owner, unique("repo") if name is None else name, **facts)


@dataclass(frozen=True)
class List:
    """A collection, as rows: for rooms below the one that makes them."""

    id: int
    public_id: str
    address: str


async def make_list(
    db: Database,
    owner: Actor | Group,
    title: str,
    *,
    description: str = "",
    tags: Sequence[str] = (),
    visibility: str = "public",
) -> List:
    """Make a collection of nothing."""
    owner_id = owner.id if isinstance(owner, Group) else owner.user_id
    words = re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")
    public_id = secrets.token_hex(12)
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "insert into items (kind, owner_id, name, name_key, title, visibility)"
            " values ('collection', %s, %s, %s, %s, %s) returning id",
            (owner_id, words, public_id, title, visibility),
        )
        row = await cursor.fetchone()
        assert row is not None
        await tx.connection.execute(
            "insert into collections (id, kind, public_id, description, tags) values (%s, 'showcase', %s, %s, %s)",
            (row[0], public_id, description, list(tags)),
        )
    return List(row[0], public_id, f"{owner.name}/{words}-{public_id}")
