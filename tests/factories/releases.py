"""Organizations with projects, versions and registries, for tests of what is linked where."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from factories.catalog import Facts
from factories.people import Person, again, join, make_organization, make_team, make_user, unique
from pinakes.server.actor import Actor, Role, system
from pinakes.server.catalog.projects import ensure_project
from pinakes.server.collections import numbered
from pinakes.server.collections.types import Card
from pinakes.server.db import Database, Tx
from pinakes.server.people.types import Account
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import links, members, service
from pinakes.server.registries.types import InRegistry, Link, Registry


@dataclass(frozen=True)
class Made:
    """A version that was committed: its number in `versions`, its item, and what it is a version of."""

    id: int
    item_id: int
    artifact_id: int
    number: int
    digest: str
    type: str
    name: str


@dataclass
class Lab:
    """An organization, a team of it, and people who are something to it."""

    db: Database
    org: Account
    team: Account
    admin: Person
    member: Person
    viewer: Person
    outsider: Person

    async def registry(self, name: str | None = None, **settings: Facts) -> Registry:
        """A new registry that the organization's member opens, so that he is its admin."""
        async with self.db.transaction() as tx:
            made = await service.create(
                tx,
                self.member.actor,
                self.org.name,
                name or unique("Models"),
                **settings,
            )
        await self.look_again()
        return made

    async def look_again(self) -> None:
        """Let everybody have the roles that he has now."""
        self.admin = await again(self.db, self.admin)
        self.member = await again(self.db, self.member)
        self.viewer = await again(self.db, self.viewer)
        self.outsider = await again(self.db, self.outsider)

    async def person(self, registry: Registry, role: str) -> Person:
        """A new user with a role in a registry."""
        made = await make_user(self.db, role.replace("_", "-"))
        async with self.db.transaction() as tx:
            await members.add(tx, system(), registry.id, users=[made.id], role=role)
        return await again(self.db, made)

    async def link(self, registry: Registry, collection: str, version: Made, *aliases: str) -> Link:
        """Link a version, as the registry's admin."""
        async with self.db.transaction() as tx:
            return await links.link(
                tx, self.member.actor, version.id, InRegistry(registry.name, collection), aliases, reason="a test"
            )


async def make_lab(db: Database) -> Lab:
    """Make an organization with a team, whose members are the organization's admin and member."""
    admin, member, viewer, outsider = [await make_user(db, word) for word in ("admin", "member", "viewer", "outsider")]
    org = await make_organization(db, admin)
    team = await make_team(db, org)
    await join(db, org, member, Role.MEMBER)
    await join(db, team, member, Role.MEMBER)
    await join(db, org, viewer, Role.VIEWER)
    people = [await again(db, person) for person in (admin, member, viewer, outsider)]
    return Lab(db, org, team, *people)


async def make_version(
    db: Database,
    owner: Account,
    artifact: str = "mnist",
    *,
    of: str = "model",
    project: str = "digits",
    visibility: str = "private",
    pending: bool = False,
) -> Made:
    """Commit a version of an artifact of an owner's project, as rows: no file is behind it."""
    async with db.transaction() as tx:
        made = await ensure_project(tx, system(), owner, project)
        where: Facts = {"owner_id": owner.id, "container_id": made.id, "title": artifact}
        found = await numbered.find(tx, **where)
        if found is None:
            found = await numbered.create_numbered(
                tx, system(), kind="artifact", types=[of], visibility=visibility, **where
            )
        return await _version(tx, system(), found, f"{made.name}/{artifact}", made.id, owner, of, pending=pending)


async def _version(
    tx: Tx, actor: Actor, artifact_id: int, stem: str, project_id: int, owner: Account, of: str, *, pending: bool
) -> Made:
    digest = hashlib.md5(uuid.uuid4().bytes, usedforsecurity=False).hexdigest()
    cursor = await tx.connection.execute(
        "insert into versions (artifact_id, digest) values (%s, %s) returning id", (artifact_id, digest)
    )
    version_id = (await cursor.fetchall())[0][0]
    if pending:
        return Made(version_id, 0, artifact_id, 0, digest, of, stem)
    cursor = await tx.connection.execute(
        "insert into items (kind, owner_id, container_id, name, name_key, title, visibility)"
        " select 'version', %s, %s, %s, %s, %s, i.visibility from items as i where i.id = %s returning id",
        (owner.id, project_id, stem, f"{artifact_id}:{version_id}", stem.partition("/")[2], artifact_id),
    )
    item_id = (await cursor.fetchall())[0][0]
    change = await numbered.begin(tx, actor, artifact_id, Permission.COLLECTION_CURATE)
    number = (await change.append(item_id)).number
    await change.close()
    await tx.connection.execute(
        "update versions set item_id = %s, number = %s, state = 'committed', committed_at = now() where id = %s",
        (item_id, number, version_id),
    )
    await tx.connection.execute(
        "update items set name = name || ':v' || %s, title = title || ':v' || %s, name_key = %s where id = %s",
        (number, number, f"{artifact_id}:v{number}", item_id),
    )
    return Made(version_id, item_id, artifact_id, number, digest, of, f"{stem}:v{number}")


async def delete_version(db: Database, version: Made, by: Person) -> None:
    """Delete a version as rows, whoever holds it, so that what holds it is left with a tombstone."""
    async with db.transaction() as tx:
        await tx.connection.execute(
            "update versions set state = 'deleted', deleted_at = now() where id = %s", (version.id,)
        )
        await tx.connection.execute(
            "update items set deleted_at = now(), deleted_by = %s where id = %s", (by.id, version.item_id)
        )


async def card_of(db: Database, collection_id: int) -> Card:
    """A release as everybody who sees it does."""
    async with db.reading() as tx:
        return (await numbered.cards(tx, system(), [collection_id]))[collection_id]
