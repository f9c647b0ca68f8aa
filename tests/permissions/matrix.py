"""The matrix: reads `matrix.csv`, and makes the world of people that its rows speak of."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from factories.people import Person, join, make_organization, make_team, make_user, sign_in
from pinakes.server.actor import Role, Scope
from pinakes.server.db import Database
from pinakes.server.people.types import Account
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import members, service
from pinakes.server.registries.types import Registry

FILE = Path(__file__).with_name("matrix.csv")
CELLS = {"yes", "sign-in", "role", "scope", "hidden", "-"}


@dataclass(frozen=True)
class Row:
    """One row: a person with a token, a thing, and what becomes of each of his attempts."""

    actor: str
    owner: str
    token: str
    visibility: str
    expected: dict[Permission, str]

    def __str__(self) -> str:
        return f"{self.actor} · {self.token or 'no token'} · {self.visibility} of {self.owner}"

    @property
    def scope(self) -> Scope:
        return Scope(self.token.partition("@")[0])

    @property
    def in_registry(self) -> bool:
        """Whether it is a registry whose thing the row is about."""
        return self.owner.endswith("registry")

    @property
    def binding(self) -> str:
        return self.token.partition("@")[2]


def read() -> list[Row]:
    """Read the rows, skipping what is said above them."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [_row(cells) for cells in csv.DictReader(lines)]


def _row(cells: dict[str, str]) -> Row:
    expected = {Permission(name): cell for name, cell in cells.items() if ":" in name}
    assert set(expected.values()) <= CELLS
    return Row(cells["actor"], cells["owner"], cells["token"], cells["visibility"], expected)


ROWS = read()


@dataclass
class World:
    """The accounts of the matrix, and the people in it by what they are; their tokens are made when first asked for."""

    db: Database
    root: Person
    owner: Person
    organization: Account
    team: Account
    elsewhere: Account
    registries: dict[str, Registry]
    people: dict[str, Person]
    tokens: dict[tuple[str, str, str], Person] = field(default_factory=dict[tuple[str, str, str], Person])

    def account(self, row: Row) -> Account:
        """Whose thing a row is about."""
        return {"organization": self.organization, "team": self.team, "user": self.owner.account}[row.owner]

    def owner_id(self, row: Row) -> int:
        """The number of that account, which may be a registry."""
        return self.registries[row.owner].id if row.in_registry else self.account(row).id

    async def person(self, row: Row) -> Person | None:
        """Who acts in a row, with the token that it says; None for somebody anonymous."""
        if row.actor == "anonymous":
            return None
        key = (row.actor, row.owner, row.token)
        if key not in self.tokens:
            account = self.people[row.actor].account
            self.tokens[key] = await sign_in(self.db, account, scope=row.scope, namespace=self._namespace(row))
        return self.tokens[key]

    def _namespace(self, row: Row) -> str | None:
        """The account that a row's token is bound to."""
        if not row.binding:
            return None
        return self.elsewhere.name if row.binding == "elsewhere" else self.account(row).name


async def make_world(db: Database) -> World:
    """Make the people of the matrix. Everybody has a role in the account `elsewhere`, to bind tokens to."""
    root = await make_user(db, "root", admin=True)
    organization = await make_organization(db, root)
    team = await make_team(db, organization)
    elsewhere = await make_organization(db, root)
    people = {
        name: await make_user(db, name.replace(" ", "-"))
        for name in (
            "stranger",
            "annotator",
            "reviewer",
            "viewer",
            "manager",
            "member",
            "admin",
            "team viewer",
            "team member",
            "team admin",
            "owner",
        )
    }
    for name, group, role in (
        ("annotator", organization, Role.ANNOTATOR),
        ("reviewer", organization, Role.REVIEWER),
        ("viewer", organization, Role.VIEWER),
        ("manager", organization, Role.MANAGER),
        ("member", organization, Role.MEMBER),
        ("admin", organization, Role.ADMIN),
        ("team viewer", team, Role.VIEWER),
        ("team member", team, Role.MEMBER),
        ("team admin", team, Role.ADMIN),
    ):
        await join(db, group, people[name], role)
    registries = await _make_registries(db, root, organization, people)
    for person in people.values():
        await join(db, elsewhere, person, Role.ADMIN)
    people |= {
        "organization member": people["member"],
        "organization admin": people["admin"],
        "server admin": await make_user(db, "server-admin", admin=True),
    }
    return World(db, root, people["owner"], organization, team, elsewhere, registries, people)


# What people are to the organization, and which role they were given in its registries.
IN_REGISTRIES = (
    ("registry restricted viewer", None, "restricted_viewer"),
    ("registry viewer", None, "viewer"),
    ("registry member", None, "member"),
    ("registry admin", None, "admin"),
    ("member made restricted viewer", Role.MEMBER, "restricted_viewer"),
    ("member made viewer", Role.MEMBER, "viewer"),
    ("viewer made member", Role.VIEWER, "member"),
    ("admin made viewer", Role.ADMIN, "viewer"),
    ("of a viewing team", None, None),
    ("of a curating team", None, None),
    ("of both teams", None, None),
    ("member of a viewing team", Role.MEMBER, None),
)
IN_TEAMS = {
    "viewer": ("of a viewing team", "of both teams", "member of a viewing team"),
    "member": ("of a curating team", "of both teams"),
}


async def _make_registries(
    db: Database, root: Person, organization: Account, people: dict[str, Person]
) -> dict[str, Registry]:
    """Make an open and a restricted registry, and people with roles in both."""
    registries: dict[str, Registry] = {}
    for name, visibility in (("open registry", "organization"), ("restricted registry", "restricted")):
        async with db.transaction() as tx:
            registries[name] = await service.create(tx, root.actor, organization.name, name, visibility=visibility)
    for name, in_organization, role in IN_REGISTRIES:
        people[name] = await make_user(db, name.replace(" ", "-"))
        if in_organization is not None:
            await join(db, organization, people[name], in_organization)
        async with db.transaction() as tx:
            for registry in registries.values() if role else ():
                await members.set_user_role(tx, root.actor, registry.id, people[name].id, role or "")
    for role, names in IN_TEAMS.items():
        group = await make_team(db, organization)
        for name in names:
            await join(db, group, people[name], Role.VIEWER)
        async with db.transaction() as tx:
            for registry in registries.values():
                await members.add(tx, root.actor, registry.id, teams=[group.id], role=role)
    return registries
