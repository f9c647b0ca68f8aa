"""Rows for tests, each with a name of its own: tests share their database with each other."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace

from pinakes.server.actor import Actor, Role, Scope, system
from pinakes.server.catalog.service import create_repo
from pinakes.server.collections.entries import add
from pinakes.server.collections.service import create, get
from pinakes.server.collections.types import Addition, Collection, ItemRef
from pinakes.server.db import Database
from pinakes.server.people.service import create_user

_numbers = itertools.count(1)


def unique(word: str) -> str:
    """Return a name that nobody else has."""
    return f"{word}-{uuid.uuid4().hex[:8]}-{next(_numbers)}"


async def user(db: Database, word: str = "user", *, scope: Scope = Scope.ADMIN) -> Actor:
    """Make a user and return him as an actor."""
    async with db.transaction() as tx:
        made = await create_user(tx, system(), unique(word))
    return Actor(made.id, made.name, scope=scope, roles={made.id: Role.OWNER}, api="native")


def with_role(actor: Actor, account_id: int, role: Role) -> Actor:
    """Return an actor who holds a role on one more account."""
    return replace(actor, roles={**actor.roles, account_id: role})


async def models(db: Database, owner: Actor, count: int, *, visibility: str = "public") -> list[int]:
    """Make models of a user; return their item ids."""
    async with db.transaction() as tx:
        return [
            (await create_repo(tx, owner, "model", owner.name, unique("model"), visibility=visibility)).id
            for _ in range(count)
        ]


async def collection(db: Database, owner: Actor, items: list[int] | None = None, **values: str) -> Collection:
    """Make a collection of a user, with some items in it."""
    async with db.transaction() as tx:
        made = await create(tx, owner, owner=None, title=values.pop("title", unique("Title")), **values)
    if items:
        async with db.transaction() as tx:
            await add(tx, owner, made.public_id, [Addition(ItemRef(item)) for item in items])
        async with db.reading() as tx:
            return await get(tx, owner, made.public_id)
    return made
