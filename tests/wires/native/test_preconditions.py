"""If-Match over the native API: whoever declares it honours it, and no other operation does declare it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from factories import models
from factories.people import unique
from factories.releases import Lab, Made, make_lab, make_version
from pinakes.api import collections as api
from pinakes.server.db import Database
from pinakes.server.wires import native
from support.native import NDJSON, Api, expect, refused

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """What a change is tried on: a collection, its entry and its next item; and for a release, its versions."""

    id: str
    entry: str = ""
    item: int = 0
    other: int = 0


# For each operation that declares If-Match: on what it is tried (a showcase, one in the trash, a live one, a release),
# and with which body. `{c}` and `{e}` are the collection and its entry, numbers are filled in by `_filled`.
TRIED: dict[str, tuple[str, Json | bytes | None]] = {
    "update_collection": ("showcase", {"title": "Another"}),
    "delete_collection": ("showcase", None),
    "restore_collection": ("trashed", {}),
    "purge_collection": ("trashed", None),
    "transfer_collection": ("showcase", {"owner": "{org}"}),
    "add_entries": ("showcase", {"items": [{"item": "{other}"}]}),
    "update_entries": ("showcase", {"entries": [{"entry": "{e}", "note": "new"}]}),
    "remove_entries": ("showcase", {"entries": ["{e}"]}),
    "move_entries": ("showcase", {"entries": ["{e}"], "position": 0}),
    "update_entry": ("showcase", {"note": "new"}),
    "remove_entry": ("showcase", None),
    "restore_revision": ("showcase", {}),
    "undo": ("showcase", {}),
    "import_entries": ("showcase", b"{other}\n"),
    "put_live": ("showcase", {"query": "kind:model"}),
    "end_live": ("live", None),
    "pin_items": ("live", {"items": [{"item": "{item}"}]}),
    "unpin_items": ("live", {"items": ["{item}"]}),
    "ban_items": ("live", {"items": ["{other}"]}),
    "unban_items": ("live", {"items": ["{other}"]}),
    "add_types": ("release", {"types": ["dataset"]}),
    "link_version": ("release", {"version": "{other}"}),
    "unlink_version": ("release", {"version": "{item}"}),
    "set_alias": ("release", {"version": "{item}"}),
    "remove_alias": ("release", None),
}

# Everything that is kept of a collection, as one text.
STATE = """
select concat_ws(
    '|',
    (select to_jsonb(c) from collections as c where c.id = i.id),
    to_jsonb(i),
    (select jsonb_agg(e order by e.item_id, e.added_rev) from entries as e where e.collection_id = i.id),
    (select jsonb_agg(a order by a.alias) from entry_aliases as a where a.collection_id = i.id),
    (select to_jsonb(l) - 'refreshed_at' from live_collections as l where l.collection_id = i.id),
    (select jsonb_agg(x order by x.item_id) from live_exceptions as x where x.collection_id = i.id),
    (select count(*) from events as v where v.collection_id = i.id)
)
from items as i
where i.id = (select c.id from collections as c where c.public_id = %s)
"""


def declaring() -> dict[str, tuple[str, str, Json]]:
    """Collect the operations that take If-Match: by name, their method, path and description."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, operations in native.openapi()["paths"].items()
        for method, operation in operations.items()
        if any(one["in"] == "header" and one["name"] == "If-Match" for one in operation.get("parameters", ()))
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def versions(db: Database, lab: Lab) -> list[Made]:
    return [await make_version(db, lab.team) for _ in range(2)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def items(db: Database, lab: Lab) -> list[int]:
    return await models(db, lab.admin.actor, 3)


@pytest.fixture(scope="module")
def admin(client: httpx2.AsyncClient, lab: Lab) -> Api:
    return Api(client, lab.admin)


def test_whoever_takes_if_match_says_that_it_may_be_refused() -> None:
    found = declaring()
    assert found.keys() == TRIED.keys()
    assert [name for name, (_, _, operation) in found.items() if "412" not in operation["responses"]] == []


@pytest.mark.parametrize("name", TRIED)
async def test_another_revision_than_expected_changes_nothing(
    db: Database, admin: Api, lab: Lab, items: list[int], versions: list[Made], name: str
) -> None:
    """412 with the present revision, and nothing happens; with the revision that it has, it is carried out."""
    kind, body = TRIED[name]
    place = await _release(admin, lab, versions) if kind == "release" else await _showcase(admin, kind, items)
    method, path, _ = declaring()[name]
    filled = _path(path, place)
    before = await _state(db, place.id)
    revision = int(await _number(db, place.id))
    answer = await _send(admin, method, filled, _filled(body, place, lab), {"If-Match": '"77"'})
    assert refused(answer, 412, "precondition_failed") == {"revision": revision, "expected": 77}
    assert await _state(db, place.id) == before
    done = await _send(admin, method, filled, _filled(body, place, lab), {"If-Match": f'"{revision}"'})
    assert done.status_code in {200, 204}, done.text


async def test_a_wrong_if_match_in_lines_changes_nothing(db: Database, admin: Api, items: list[int]) -> None:
    place = await _showcase(admin, "showcase", items)
    before = await _state(db, place.id)
    headers = {**NDJSON, "If-Match": '"77"'}
    answer = await admin("POST", f"/collections/{place.id}/entries", content=b"%d\n" % place.other, headers=headers)
    refused(answer, 412, "precondition_failed")
    assert await _state(db, place.id) == before


async def _showcase(admin: Api, kind: str, items: list[int]) -> Place:
    """A collection with two entries at its third revision; perhaps live, perhaps in the trash."""
    made = await admin.made(items=[{"item": items[0]}])
    path = f"/collections/{made.id}"
    answer = await admin("POST", f"{path}/entries", json={"items": [{"item": items[1]}]})
    entry = expect(answer, 200, api.Batch).results[0].entry
    if kind == "live":
        assert (await admin("PUT", f"{path}/live", json={"query": "name:nothing-has-this-name"})).status_code == 200
    if kind == "trashed":
        assert (await admin("DELETE", path)).status_code == 204
    return Place(made.id, entry or "", items[0], items[2])


async def _release(admin: Api, lab: Lab, versions: list[Made]) -> Place:
    """A release with one version, which has an alias."""
    registry = await lab.registry()
    path = f"/organizations/{lab.org.name}/registries/{registry.name}/collections"
    answer = await admin("POST", path, json={"name": unique("Net"), "types": ["model"]})
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    linked = {"version": versions[0].id, "aliases": ["staging"]}
    assert (await admin("POST", f"/collections/{number}/versions", json=linked)).status_code == 200
    return Place(number, "", versions[0].id, versions[1].id)


def _path(path: str, place: Place) -> str:
    known = {"{collection}": place.id, "{entry}": place.entry, "{revision}": "1", "{alias}": "production"}
    for name, value in known.items():
        path = path.replace(name, value)
    assert "{" not in path
    return path.removeprefix(native.PREFIX)


def _filled(body: Any, place: Place, lab: Lab) -> Any:  # noqa: ANN401 - JSON
    known: Json = {"{item}": place.item, "{other}": place.other, "{e}": place.entry, "{org}": lab.org.name}
    match body:
        case dict():
            return {key: _filled(value, place, lab) for key, value in body.items()}
        case list():
            return [_filled(value, place, lab) for value in body]
        case bytes():
            return body.replace(b"{other}", str(place.other).encode())
        case _:
            return known.get(body, body) if isinstance(body, str) else body


async def _send(admin: Api, method: str, path: str, body: Any, headers: Json) -> httpx2.Response:  # noqa: ANN401 - JSON
    if isinstance(body, bytes):
        return await admin(method, path, content=body, headers={**NDJSON, **headers})
    return await admin(method, path, headers=headers, **({} if body is None else {"json": body}))


async def _state(db: Database, public_id: str) -> str:
    return await _value(db, STATE, public_id)


async def _number(db: Database, public_id: str) -> str:
    return await _value(db, "select revision::text from collections where public_id = %s", public_id)


async def _value(db: Database, sql: str, *params: object) -> str:
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(sql.encode(), params)
        row = await cursor.fetchone()
    assert row is not None
    return str(row[0])
