"""Whatever the OpenAPI allows, and what it does not: no request makes the server fail or answer against its contract.

Each operation gets generated requests, valid ones and broken ones, from an administrator and from nobody, on a server
of its own. The seed is fixed, so a failure here fails again. Valid requests are aimed at things that exist, or most
would end at the first look-up.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema

from pinakes.server.wires.native import openapi
from support.database import Cluster
from support.server import Server, serving

pytestmark = pytest.mark.slow

EXAMPLES = 3

# What a schema can't say may still be refused: a cursor of another list, another revision by now, a wrong mix.
_REFUSALS = ["2xx", "401", "403", "404", "409", "412", "422"]
_BROKEN = ["400", "401", "403", "404", "405", "406", "409", "414", "415", "422", "428", "429", "5xx"]
_CHECKS = {
    "positive_data_acceptance": {"expected-statuses": _REFUSALS},
    "negative_data_rejection": {"expected-statuses": _BROKEN},
}
_CONFIG = schemathesis.Config.from_dict({"checks": _CHECKS})

_DOCUMENT = openapi()
# A stream without an end is no matter for this test; test_events.py has tests of its own for it.
PATHS = [path for path in _DOCUMENT["paths"] if path != "/api/v1/events/stream"]

# What is sent is made when a path's turn comes: made while tests are collected, each of the test processes would make
# it for all of them, which takes most of a minute.
schema = schemathesis.pytest.from_fixture("operations")


@pytest.fixture
def operations(request: pytest.FixtureRequest) -> BaseSchema:
    """The part of the schema that is one path."""
    alone = {request.param: _DOCUMENT["paths"][request.param]}
    return schemathesis.openapi.from_dict({**_DOCUMENT, "paths": alone}, config=_CONFIG)


@schemathesis.serializer("application/x-ndjson")
def _lines(_: object, value: object) -> bytes:
    """Send generated text as lines."""
    return str(value).encode(errors="replace")


@dataclass(frozen=True)
class Target:
    """A server of this test's own, and what exists on it."""

    server: Server
    collections: list[str]
    entries: list[str]
    items: list[int]
    webhooks: list[int]
    deliveries: list[int]

    def aim(self, case: Case[Any], chance: random.Random) -> None:
        """Let the path of a valid request name something that exists."""
        known = {
            "collection": self.collections,
            "other": self.collections,
            "entry": self.entries,
            "item": self.items,
            "webhook": self.webhooks,
            "delivery": self.deliveries,
        }
        for name, values in known.items():
            if name in case.path_parameters:
                case.path_parameters[name] = chance.choice(values)


@pytest.fixture(scope="module")
def target(cluster: Cluster) -> Generator[Target]:
    limits = {
        "PINAKES_SIGNIN_LIMIT": "100000/minute",
        "PINAKES_SIGNIN_LIMIT_ADDRESS": "100000/minute",
        "PINAKES_TASK_CONCURRENCY": "0",  # nothing is sent to the webhooks that are made
    }
    with cluster.database() as url, serving(database_url=url, settings=limits) as server:
        yield _furnished(server)


def _furnished(server: Server) -> Target:
    """Make what valid requests can be aimed at: collections with entries, of papers and of collections."""
    with httpx2.Client(base_url=f"{server.url}/api/v1", headers=server.headers) as client:

        def make(title: str, items: list[dict[str, object]]) -> dict[str, object]:
            answer = client.post("/collections", json={"title": title, "items": items})
            assert answer.status_code == 201, answer.text
            return dict(answer.json())

        nested = [make(f"Nested {at}", []) for at in range(5)]
        items = [{"item": row["item_id"], "note": "n"} for row in nested]
        full = [make(f"Full {at}", items) for at in range(5)]
        page = client.get(f"/collections/{full[0]['id']}/entries").json()
        wanted = {"url": "https://hooks.example.org/", "account": "admin"}
        hooks = [client.post("/webhooks", json=wanted).json()["id"] for _ in range(3)]
        sent = [client.post(f"/webhooks/{hook}/test").json()["id"] for hook in hooks]
    return Target(
        server,
        [str(row["id"]) for row in full],
        [row["id"] for row in page["rows"]],
        [int(str(row["item_id"])) for row in nested],
        hooks,
        sent,
    )


def _call(case: Case[Any], target: Target, headers: dict[str, str]) -> None:
    valid = case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE
    if valid:
        target.aim(case, random.Random(len(repr(case.body)) + len(repr(case.query))))
    case.call_and_validate(base_url=target.server.url, headers=headers)


GENERATED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
# Beside generated requests those that schemathesis derives from each boundary of the schema.
BOUNDARIES = settings(GENERATED, phases=[Phase.explicit, Phase.generate])


@pytest.mark.parametrize("operations", PATHS, indirect=True)
@schema.parametrize()  # pyright: ignore[reportUntypedFunctionDecorator]
@BOUNDARIES
def test_as_an_administrator(case: Case[Any], target: Target) -> None:
    """Everything is allowed, so everything is reached."""
    _call(case, target, target.server.headers)


@pytest.mark.parametrize("operations", PATHS, indirect=True)
@schema.parametrize()  # pyright: ignore[reportUntypedFunctionDecorator]
@GENERATED
def test_as_nobody(case: Case[Any], target: Target) -> None:
    """Who did not sign in gets answers of the contract, too."""
    _call(case, target, {})
