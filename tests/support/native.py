"""The native API in the hands of a test: requests as somebody, and answers held against the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter

from factories.people import Person, unique
from pinakes.api import collections as api
from pinakes.api.common import ErrorAnswer, Page

T = TypeVar("T", bound=BaseModel)

NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass(frozen=True)
class Api:
    """The native API in the hands of one person, or of nobody."""

    client: httpx2.AsyncClient
    person: Person | None

    async def __call__(self, method: str, path: str, **options: Any) -> httpx2.Response:  # noqa: ANN401 - httpx's
        """Make a request."""
        headers = {**(self.person.headers if self.person else {}), **options.pop("headers", {})}
        return await self.client.request(method, f"/api/v1{path}", headers=headers, **options)

    async def made(self, **fields: object) -> api.Collection:
        """Make a collection."""
        answer = await self("POST", "/collections", json={"title": unique("Title"), **fields})
        return expect(answer, 201, api.Collection)

    async def items(self, collection: str) -> list[int]:
        """Return the items of a collection, in order."""
        page = expect(await self("GET", f"/collections/{collection}/entries"), 200, Page[api.Entry])
        return [row.item.id for row in page.rows]


def expect(answer: httpx2.Response, status: int, model: type[T]) -> T:
    """Check the status, and that the body is of that form with nothing missing and nothing more."""
    assert answer.status_code == status, answer.text
    found = TypeAdapter(model).validate_json(answer.content)
    _same_keys(answer.json(), found.model_dump(mode="json"), "")
    return found


def _same_keys(sent: object, declared: object, where: str) -> None:
    if isinstance(sent, dict) and isinstance(declared, dict):
        missing = {key for key in declared.keys() - sent.keys() if declared[key] is not None}
        assert sent.keys() <= declared.keys(), f"not declared at {where}: {sent.keys() - declared.keys()}"
        assert not missing, f"not sent at {where}: {missing}"
        for key, value in sent.items():
            _same_keys(value, declared[key], f"{where}.{key}")
    elif isinstance(sent, list) and isinstance(declared, list):
        for at, (one, other) in enumerate(zip(sent, declared, strict=True)):
            _same_keys(one, other, f"{where}.{at}")


def refused(answer: httpx2.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """Check an error; return its details."""
    error = expect(answer, status, ErrorAnswer).error
    assert (error.code, error.field) == (code, field)
    return error.details


def person(of: Api) -> Person:
    """Return who is behind an API."""
    assert of.person is not None
    return of.person
