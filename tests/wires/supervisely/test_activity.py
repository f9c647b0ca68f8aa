"""`teams.activity`: pages, what it refuses, and who may ask."""

from __future__ import annotations

from typing import Any

import pytest

from pinakes.server.actor import Role
from pinakes.server.db import Database
from wires.supervisely.conftest import World
from wires.supervisely.labels import Desk, desk_of


@pytest.fixture
async def desk(world: World, db: Database) -> Desk:
    return await desk_of(world, db)


def _where(field: str, operator: str, value: object) -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


async def test_pages_of_it(desk: Desk) -> None:
    """Each page as long as it says, `total` on all of them, also beyond the last."""
    for number in range(5):
        await desk.ask("datasets.add", projectId=desk.project, name=f"more {number}")
    asked: dict[str, Any] = {"teamId": desk.team, "filter": [_where("type", "in", ["create_dataset"])]}
    whole = await desk.ask("teams.activity", asked)
    assert (whole["total"], whole["perPage"], whole["pagesCount"]) == (6, 500, 1)
    assert [one["meta"]["name"] for one in whole["entities"]] == [f"more {n}" for n in (4, 3, 2, 1, 0)] + ["ds"]
    parts: list[Any] = []
    for page in (1, 2, 3, 4):
        found = await desk.ask("teams.activity", {**asked, "page": page, "per_page": 2})
        assert (found["total"], found["pagesCount"]) == (6, 3)
        parts += found["entities"]
    assert parts == whole["entities"]


async def test_of_others_nothing(world: World, db: Database, desk: Desk) -> None:
    """What is done in another team is in its own activity only."""
    other = await desk_of(world, db)
    found = await desk.ask("teams.activity", teamId=desk.team)
    assert {one["projectId"] for one in found["entities"]} <= {desk.project, None}
    assert (await desk.refused("teams.activity", teamId=other.team))[0] in {400, 404}
    assert (await other.refused("teams.activity", teamId=desk.team))[0] in {400, 404}
    assert (await world.nobody.refused("teams.activity", teamId=desk.team))[0] == 401


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER, Role.VIEWER, Role.MANAGER, Role.MEMBER])
async def test_only_for_who_manages_the_team(desk: Desk, role: Role) -> None:
    person = await desk.member("one", role)
    assert (await person.refused("teams.activity", teamId=desk.team))[0] == 403


@pytest.mark.parametrize(
    "condition",
    [
        _where("date", ">=", "yesterday"),
        _where("date", ">=", 7),
        _where("date", ">=", None),
        _where("date", "=", "2026-01-01"),
        _where("type", "like", "create"),
        _where("colour", "=", "red"),
    ],
)
async def test_what_it_does_not_take(desk: Desk, condition: dict[str, object]) -> None:
    status, body = await desk.refused("teams.activity", teamId=desk.team, filter=[condition])
    assert status == 400
    assert body["details"][0]["field"] == "filter"


@pytest.mark.parametrize(
    "condition",
    [
        _where("userId", "=", 2**40),
        _where("userId", "=", "x"),
        _where("projectId", "in", []),
        _where("type", "in", ["no such action", "\0", 7]),
        _where("reviewStatus", "=", "lost"),
        _where("date", "<=", "0001-01-01"),
        _where("date", ">=", "9999-12-31T23:59:59-12:00"),
        _where("date", ">=", "9999-12-31"),
    ],
)
async def test_what_finds_nothing(desk: Desk, condition: dict[str, object]) -> None:
    answer = await desk.caller.send("teams.activity", {"teamId": desk.team, "filter": [condition]})
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 200:
        assert answer.json()["total"] == 0
