"""The matrix on the functions that everything asks; with people whose roles come out of a real database."""

from __future__ import annotations

import pytest

from permissions.matrix import ROWS, Row, World
from pinakes.server.actor import Actor, anonymous
from pinakes.server.errors import CollectionNotFound, Forbidden, ScopeTooNarrow, Unauthenticated
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import Permission

IN_TRASH = {Permission.COLLECTION_RESTORE, Permission.COLLECTION_PURGE}


def outcome(actor: Actor, permission: Permission, owner_id: int, visibility: str) -> str:
    """What becomes of an attempt, in the matrix's words."""
    try:
        permissions.require(actor, permission, owner_id=owner_id, visibility=visibility, missing=CollectionNotFound)
    except CollectionNotFound:
        return "hidden"
    except Unauthenticated:
        return "sign-in"
    except ScopeTooNarrow:
        return "scope"
    except Forbidden:
        return "role"
    return "yes"


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_row_of_the_matrix(world: World, row: Row):
    person = await world.person(row)
    actor = person.actor if person else anonymous("test")
    owner_id = world.owner_id(row)
    found: dict[Permission, str] = {}
    for permission, expected in row.expected.items():
        visibility = "private" if permission in IN_TRASH else row.visibility
        asked = outcome(actor, permission, owner_id, visibility)
        found[permission] = "-" if expected == "-" else asked
        explained = permissions.explain(actor, permission, owner_id=owner_id, visibility=visibility)
        assert explained.allowed == (asked == "yes")
        assert explained.because
        assert permissions.allows(actor, permission, owner_id=owner_id, visibility=visibility) == explained.allowed
        assert (permission in permissions.permitted(actor, owner_id=owner_id, visibility=visibility)) == (
            explained.allowed
        )
    assert found == row.expected


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_seeing_is_the_same_in_a_list_and_one_by_one(world: World, row: Row):
    """`sight`, which lists go by, and `require`, which single things go by, never disagree."""
    person = await world.person(row)
    actor = person.actor if person else anonymous("test")
    seen = permissions.sight(actor).sees(row.visibility, world.owner_id(row))
    assert seen == (row.expected[Permission.COLLECTION_READ] == "yes")


def test_the_matrix_covers_what_it_should():
    assert {row.actor for row in ROWS} >= {
        "anonymous", "stranger", "viewer", "member", "admin", "team member", "team admin", "owner", "server admin",
        "registry restricted viewer", "registry viewer", "registry member", "registry admin",
    }  # fmt: skip
    assert {row.visibility for row in ROWS} == {"public", "private"}
    assert {row.owner for row in ROWS} == {"organization", "team", "user", "open registry", "restricted registry"}
    nouns = {"collection", "item", "project", "label", "queue", "version", "registry"}
    things = {permission for permission in Permission if permission.partition(":")[0] in nouns}
    assert all(set(row.expected) >= things for row in ROWS)
    assert len({str(row) for row in ROWS}) == len(ROWS)
    for permission in things:
        assert {row.expected[permission] for row in ROWS} - {"-"} >= {"yes", "hidden"} - (
            {"hidden"} if permission.endswith(":create") else set()
        )
