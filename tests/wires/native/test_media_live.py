"""Live collections, set operations and checks over the native API."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from factories.people import make_user, unique
from pinakes.api.collections import Collection
from pinakes.api.common import Page
from pinakes.api.live import Check, CheckResult, Combined, Live
from pinakes.server.db import Database
from support.native import Api, expect, refused


@pytest.fixture
async def api(client: httpx2.AsyncClient, db: Database) -> Api:
    return Api(client, await make_user(db))


async def models(api: Api, count: int, stem: str = "m") -> list[int]:
    """New models; their numbers."""
    numbers: list[int] = []
    for n in range(count):
        answer = await api("POST", "/repos", json={"kind": "model", "name": unique(f"{stem}{n}")})
        assert answer.status_code == 201, answer.text
        numbers.append(answer.json()["id"])
    return numbers


async def collection(api: Api, items: list[int], **more: object) -> Collection:
    return await api.made(items=[{"item": item} for item in items], **more)


async def test_a_live_section_below_what_was_put_by_hand(api: Api):
    """Story C, steps 2 and 3: pinned on top, found below, one banned, frozen as an ordinary collection."""
    stem = unique("resnet")
    first, second, third = await models(api, 3, stem)
    (chosen,) = await models(api, 1, "other")
    made = await collection(api, [chosen])
    assert not made.live
    refused(await api("GET", f"/collections/{made.id}/live"), 404, "collection_not_found", "live")
    answer = await api("PUT", f"/collections/{made.id}/live", json={"query": f"kind:model name:{stem}", "sort": "id"})
    live = expect(answer, 200, Live)
    assert [one.item for one in live.pinned] == [chosen]
    assert await api.items(made.id) == [chosen, first, second, third]
    assert expect(await api("GET", f"/collections/{made.id}"), 200, Collection).live

    banned = await api("POST", f"/collections/{made.id}/live/bans", json={"items": [second], "reason": "old"})
    assert [(one.item, one.reason) for one in expect(banned, 200, Live).banned] == [(second, "old")]
    pins = {"items": [{"item": third, "note": "The best"}]}
    pinned = expect(await api("POST", f"/collections/{made.id}/live/pins", json=pins), 200, Live)
    assert [(one.item, one.note) for one in pinned.pinned] == [(chosen, None), (third, "The best")]
    assert await api.items(made.id) == [chosen, third, first]
    frozen = await api("POST", f"/collections/{made.id}/live/freeze", json={"title": unique("v1")})
    copy = expect(frozen, 201, Collection)
    assert not copy.live
    assert await api.items(copy.id) == [chosen, third, first]
    await api("POST", f"/collections/{made.id}/live/bans/remove", json={"items": [second]})
    freed = await api("POST", f"/collections/{made.id}/live/pins/remove", json={"items": [third]})
    assert [one.item for one in expect(freed, 200, Live).pinned] == [chosen]
    assert await api.items(made.id) == [chosen, first, second, third]
    fresh = await models(api, 1, stem)
    expect(await api("POST", f"/collections/{made.id}/live/refresh"), 200, Live)
    assert await api.items(made.id) == [chosen, first, second, third, *fresh]
    changed = await api("PUT", f"/collections/{made.id}/live", json={"query": f"name:{stem} kind:space"})
    assert expect(changed, 200, Live).query == f"name:{stem} kind:space"
    assert (await api("DELETE", f"/collections/{made.id}/live")).status_code == 204
    assert not expect(await api("GET", f"/collections/{made.id}"), 200, Collection).live
    assert await api.items(made.id) == [chosen]


@pytest.mark.parametrize(
    "body", [{"query": "width>("}, {"query": ""}, {"query": "kind:model", "sort": "colour"}], ids=str
)
async def test_a_query_that_can_not_run(api: Api, body: dict[str, Any]):
    made = await collection(api, [])
    answer = await api("PUT", f"/collections/{made.id}/live", json=body)
    refused(answer, 422, "invalid", "sort" if "sort" in body else "query")
    assert not expect(await api("GET", f"/collections/{made.id}"), 200, Collection).live


async def test_set_operations(api: Api):
    one, two, three = await models(api, 3)
    left, right = await collection(api, [one, two]), await collection(api, [two, three])
    body: dict[str, Any] = {"op": "union", "collections": [left.id, right.id]}
    sizes = expect(await api("POST", "/combinations", json=body), 200, Combined).sizes
    assert sizes is not None
    assert (sizes.sizes, sizes.union, sizes.intersection, sizes.difference) == ([2, 2], 3, 1, 1)
    for op, items in (("union", [one, two, three]), ("intersection", [two]), ("difference", [one])):
        asked = {**body, "op": op, "into": "collection", "title": unique(op)}
        made = expect(await api("POST", "/combinations", json=asked), 201, Combined).collection
        assert made is not None
        assert await api.items(made.id) == items
    asked = {**body, "into": "live", "title": unique("both")}
    follows = expect(await api("POST", "/combinations", json=asked), 201, Combined).collection
    assert follows is not None
    live = expect(await api("GET", f"/collections/{follows.id}/live"), 200, Live)
    assert live.source is not None
    assert (live.source.op, live.source.collections) == ("union", [left.id, right.id])
    (four,) = await models(api, 1)
    await api("POST", f"/collections/{right.id}/entries", json={"items": [{"item": four}]})
    expect(await api("POST", f"/collections/{follows.id}/live/refresh"), 200, Live)
    assert await api.items(follows.id) == [one, two, three, four]
    refused(await api("POST", "/combinations", json={**body, "title": "x"}), 422, "invalid", "body")
    refused(
        await api("POST", "/combinations", json={**body, "collections": [left.id, "0" * 24]}),
        404,
        "collection_not_found",
        None,
    )


async def test_checks_block_and_tell(api: Api):
    """Story D, step 2: the test split shares nothing with the training data."""
    one, two, three = await models(api, 3)
    train, test = await collection(api, [one, two]), await collection(api, [three])
    path = f"/collections/{test.id}/checks"
    body = {"kind": "disjoint", "params": {"collection": train.id}, "blocks": True}
    made = expect(await api("POST", path, json=body), 201, Check)
    assert expect(await api("GET", path), 200, Page[Check]).rows == [made]
    answer = await api("POST", f"/collections/{test.id}/entries", json={"items": [{"item": two}]})
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["code"] == "check_failed"
    assert await api.items(test.id) == [three]
    most = expect(await api("POST", path, json={"kind": "size", "params": {"most": 0}}), 201, Check)
    results = expect(await api("POST", f"{path}/run"), 200, Page[CheckResult]).rows
    assert {row.check.id: row.passed for row in results} == {made.id: True, most.id: False}
    assert (await api("DELETE", f"{path}/{most.id}")).status_code == 204
    assert (await api("DELETE", f"{path}/{most.id}")).status_code == 404
    assert (await api("POST", path, json={"kind": "unheard_of"})).status_code == 422


async def test_live_collections_of_others(api: Api, client: httpx2.AsyncClient, db: Database):
    made = await collection(api, [], visibility="private")
    stranger, nobody = Api(client, await make_user(db)), Api(client, None)
    for method, path, body in (
        ("GET", "live", None),
        ("PUT", "live", {"query": "kind:model"}),
        ("POST", "live/freeze", {}),
        ("GET", "checks", None),
        ("POST", "checks", {"kind": "public"}),
        ("POST", "checks/run", None),
    ):
        for asker in (stranger, nobody):
            answer = await asker(
                method, f"/collections/{made.id}/{path}", **({"json": body} if body is not None else {})
            )
            assert answer.status_code in ({404} if asker is stranger else {401, 404}), (method, path, answer.text)
    public = await collection(api, [])
    answer = await stranger("PUT", f"/collections/{public.id}/live", json={"query": "kind:model"})
    refused(answer, 403, "forbidden")
