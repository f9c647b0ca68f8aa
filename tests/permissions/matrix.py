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
    people: dict[str, Person]
    tokens: dict[tuple[str, str, str], Person] = field(default_factory=dict[tuple[str, str, str], Person])

    def account(self, row: Row) -> Account:
        """Whose thing a row is about."""
        return {"organization": self.organization, "team": self.team, "user": self.owner.account}[row.owner]

    async def person(self, row: Row) -> Person | None:
        """Who acts in a row, with the token that it says; None for somebody anonymous."""
        if row.actor == "anonymous":
            return None
        key = (row.actor, row.owner, row.token)
        if key not in self.tokens:
            namespace = {"": None, "here": self.account(row).name, "elsewhere": self.elsewhere.name}[row.binding]
            account = self.people[row.actor].account
            self.tokens[key] = await sign_in(self.db, account, scope=row.scope, namespace=namespace)
        return self.tokens[key]


async def make_world(db: Database) -> World:
    """Make the people of the matrix. Everybody has a role in the account `elsewhere`, to bind tokens to."""
    root = await make_user(db, "root", admin=True)
    organization = await make_organization(db, root)
    team = await make_team(db, organization)
    elsewhere = await make_organization(db, root)
    people = {
        name: await make_user(db, name.replace(" ", "-"))
        for name in ("stranger", "viewer", "member", "admin", "team viewer", "team member", "team admin", "owner")
    }
    for name, group, role in (
        ("viewer", organization, Role.VIEWER),
        ("member", organization, Role.MEMBER),
        ("admin", organization, Role.ADMIN),
        ("team viewer", team, Role.VIEWER),
        ("team member", team, Role.MEMBER),
        ("team admin", team, Role.ADMIN),
    ):
        await join(db, group, people[name], role)
    for person in people.values():
        await join(db, elsewhere, person, Role.ADMIN)
    people |= {
        "organization member": people["member"],
        "organization admin": people["admin"],
        "server admin": await make_user(db, "server-admin", admin=True),
    }
    return World(db, root, people["owner"], organization, team, elsewhere, people)
