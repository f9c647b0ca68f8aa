"""How many queries the hot changes of a collection cost, the credential's own included."""

from __future__ import annotations

import httpx2
import pytest

from factories import models
from factories.people import make_user
from pinakes.server.db import Database
from support.native import Api
from support.watching import watch_round_trips


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the queries that run from now on; `begin` where a transaction begins."""
    return watch_round_trips(monkeypatch)


async def test_changes_of_one_entry_are_one_statement(
    client: httpx2.AsyncClient, db: Database, queries: list[str]
) -> None:
    """Whatever their number of checks on the way: adding, moving behind another and removing."""
    owner = await make_user(db)
    asker = Api(client, owner)
    first, second, third = await models(db, owner.actor, 3)
    made = await asker.made()
    path = f"/collections/{made.id}/entries"
    entries: list[str] = []
    for item in (first, second, third):
        queries.clear()
        added = await asker("POST", path, json={"items": [{"item": item}]})
        entries.append(added.json()["results"][0]["entry"])
        assert queries == ["token_credential", "append"]

    queries.clear()
    moved = await asker("POST", f"{path}/move", json={"entries": [entries[2]], "after": entries[0]})
    assert moved.json()["results"] == [{"outcome": "moved", "entry": entries[2], "error": None}]
    assert queries == ["token_credential", "move_behind"]
    assert await asker.items(made.id) == [first, third, second]

    queries.clear()
    removed = await asker("POST", f"{path}/remove", json={"entries": [entries[0]]})
    assert removed.status_code == 200
    assert queries == ["token_credential", "take_out"]
    assert await asker.items(made.id) == [third, second]


async def test_a_request_that_is_not_in_order_is_still_told_what_is_wrong(
    client: httpx2.AsyncClient, db: Database
) -> None:
    """It goes on to FastAPI, body and all; what a verb refuses does not."""
    asker = Api(client, await make_user(db))
    made = await asker.made()
    path = f"/collections/{made.id}/entries/move"
    wrong = await asker("POST", path, json={"entries": 7})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "entries")
    empty = await asker("POST", path)
    assert (empty.status_code, empty.json()["error"]["field"]) == (422, "body")
    unknown = await asker("POST", path, json={"entries": ["0" * 24], "after": "1" * 24})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "entry_not_found")
