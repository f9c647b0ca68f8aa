"""What no client means: whatever comes in a field, no method has an accident, and every error is in its form."""

from __future__ import annotations

from typing import Any, cast

import httpx2
import pytest
from pydantic import BaseModel, TypeAdapter

from pinakes.server.wires.supervisely.table import TABLE
from wires.supervisely.conftest import BASE, World

VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**31,
    2**63,
    1.5,
    1e300,
    "",
    "x",
    "é" * 5000,
    "%",
    "2026-13-45T99:99:99Z",
    [],
    [None],
    [0, -1, 2**40],
    ["x", "\u202e"],
    [[]],
    [{}],
    {},
    {"a": {"b": []}},
    {"from": -5, "to": 2**70, "collectionId": "x"},
    [{"field": "id", "operator": "in", "value": [2**70, "x", None, {}]}],
    [{"field": "name", "operator": "ilike", "value": "%" * 200}],
    [{"field": "createdAt", "operator": ">", "value": "yesterday"}],
    [{"type": "objects_class", "data": {"from": 2**70, "to": -1}}],
)  # fmt: skip
DESTRUCTIVE = ("users.disable",)


def fields_of(form: TypeAdapter[Any] | None) -> list[str]:
    """The fields of a method's body, as they are spelled on the wire."""
    kind = cast("Any", form)._type if form is not None else None
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [found.alias or name for name, found in kind.model_fields.items()]


def is_fine(answer: httpx2.Response) -> bool:
    """Whether that is an answer, or an error in the form of this wire."""
    if answer.status_code == 200:
        return True
    body = answer.json()
    return answer.status_code < 500 and set(body) == {"error", "details"} and isinstance(body["details"][0], dict)


@pytest.mark.slow
@pytest.mark.parametrize("method", sorted(set(TABLE) - set(DESTRUCTIVE)))
async def test_nonsense_is_refused(world: World, method: str) -> None:
    anna = await world.person("anna")
    dataset = await anna.dataset()
    [image] = await anna.images(dataset["id"], "a.png")
    collection = await anna.ask("entities-collections.add", projectId=dataset["projectId"], name="C", type="default")
    base: dict[str, Any] = {
        "teamId": anna.id,
        "workspaceId": dataset["workspaceId"],
        "projectId": dataset["projectId"],
        "datasetId": dataset["id"],
        "collectionId": collection["id"],
        "imageId": image["id"],
        "entityId": image["id"],
        "ids": [image["id"]],
        "imageIds": [image["id"]],
        "entityIds": [image["id"]],
        "name": "x",
        "title": "x",
    }
    for number in (dataset["projectId"], dataset["id"], image["id"], collection["id"], anna.id):
        answer = await anna.send(method, {**base, "id": number})
        assert is_fine(answer), (method, number, answer.status_code, answer.text)
    for body in (*VALUES, base):
        answer = await anna.send(method, body)
        assert is_fine(answer), (method, body, answer.status_code, answer.text)
    for field in fields_of(TABLE[method].form):
        for value in VALUES:
            answer = await anna.send(method, {**base, "id": image["id"], field: value})
            assert is_fine(answer), (method, field, value, answer.status_code, answer.text)
    answer = await world.client.get(BASE + method, params={"id": "x", "name": "\x00"}, headers=anna.headers)
    assert is_fine(answer), (method, answer.text)
