"""How requests come in and errors go out: the form that `wandb` 0.31.0 reads, the statuses that it takes for final."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import orjson
import pytest
from inline_snapshot import snapshot

from factories.app import client_of
from factories.people import unique
from pinakes.server import errors as taxonomy
from pinakes.server.db import Database, Tx
from pinakes.server.errors import PinakesError
from pinakes.server.people import service as people
from pinakes.server.settings import Settings
from pinakes.server.wires.wandb import documents, errors, transport
from wires.wandb.conftest import Caller, World

# The client gives these up at once and shows their message; anything else it tries again for a quarter of an hour.
FINAL = {400, 401, 403, 404, 409, 410, 413, 422, 501}
WHO = "query { viewer { id } }"

USERS = b'{"query": "query ($n: String) { users(query: $n) { edges { node { id } } } }", "variables": {"n": %s}}'

STATUSES = {
    "AccessGated": 403,
    "AccountNotFound": 404,
    "AliasProtected": 403,
    "AlreadyInCollection": 409,
    "ApprovalNeeded": 403,
    "CheckFailed": 409,
    "CollectionNotFound": 404,
    "Conflict": 503,
    "DeviceDenied": 400,
    "DeviceExpired": 400,
    "DevicePending": 400,
    "DeviceSlowDown": 400,
    "EntryNotFound": 404,
    "FileNotFound": 404,
    "Forbidden": 403,
    "HasAliases": 409,
    "IdempotencyMismatch": 409,
    "Invalid": 400,
    "InvalidCredentials": 401,
    "ItemNotFound": 404,
    "LastAdministrator": 409,
    "NameTaken": 409,
    "NotFound": 404,
    "NothingToUndo": 409,
    "PreconditionFailed": 409,
    "ProjectNotFound": 404,
    "PromotionDecided": 409,
    "PromotionNotFound": 404,
    "RegistryHolds": 409,
    "RegistryNotFound": 404,
    "RevisionNotFound": 404,
    "ScopeTooNarrow": 403,
    "ShuttingDown": 503,
    "TitleTaken": 409,
    "TooLarge": 413,
    "TooManyRequests": 429,
    "TookTooLong": 413,
    "TypeNotAccepted": 400,
    "Unauthenticated": 401,
    "Unavailable": 503,
    "UnsupportedGrant": 400,
    "VersionNotFound": 404,
}


def subclasses(of: type[PinakesError]) -> set[type[PinakesError]]:
    return {found for child in of.__subclasses__() for found in {child, *subclasses(child)}}


def test_every_error_has_its_status():
    """What is somebody's mistake has a status that the client does not try again; what passes has one that it does."""
    ours = {found for found in subclasses(PinakesError) if found.__module__ == taxonomy.__name__}
    found = {one.__name__: errors.status_of(one()) for one in ours}
    assert found.items() >= STATUSES.items()
    passing = {name for name, status in found.items() if status not in FINAL}
    assert passing == {"Conflict", "ShuttingDown", "TooManyRequests", "Unavailable"}
    assert errors.status_of(taxonomy.Conflict("Another user has that email address.", field="email")) == 409


def test_the_form_of_an_error():
    """0.31.0 shows `message`, so it names the field; `path` and `extensions` are for whoever looks."""
    error = taxonomy.NameTaken("The name is taken.", field="name", details={"name": "x"})
    answer = errors.answer(error, ["upsertModel", 0, "project"])
    assert (answer.status_code, orjson.loads(answer.body)) == snapshot(
        (
            409,
            {
                "errors": [
                    {
                        "message": "The name is taken.",
                        "path": ["upsertModel", 0, "project"],
                        "extensions": {"code": "name_taken", "field": "name", "details": {"name": "x"}},
                    }
                ],
                "data": None,
            },
        )
    )
    assert errors.message_of(taxonomy.Invalid("It can't be empty.", field="title")) == "title: It can't be empty."
    assert errors.message_of(taxonomy.Invalid("A theme is a colour.", field="theme")) == "A theme is a colour."
    assert errors.answer(taxonomy.TooManyRequests(details={"retry_after": 17})).headers["Retry-After"] == "17"


async def test_an_error_within_a_document(world: World, alice: Caller):
    """Any partial data is thrown away by 0.31.0, so there is none."""
    answer = await alice.send(
        "mutation ($id: String!) { deleteModel(input: {id: $id}) { success } }", {"id": "nonsense"}
    )
    assert (answer.status_code, answer.json()) == snapshot(
        (
            400,
            {
                "errors": [
                    {
                        "message": "id must be the id of a project or registry, not 'nonsense'.",
                        "path": ["deleteModel"],
                        "extensions": {"code": "invalid", "field": "id"},
                    }
                ],
                "data": None,
            },
        )
    )
    assert answer.headers["content-type"] == "application/json"
    assert world


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b'{"query": null}',
        b'{"query": 5}',
        b'{"query": "   "}',
        b'{"query": "query { viewer { id } }", "variables": []}',
        b'{"query": "query { viewer { id } }", "variables": "x"}',
        b'{"query": "query { viewer { id } }", "operationName": 5}',
        b'{"query": "query { viewer { id } }", "operationName": "Another"}',
        b'{"query": "query A { viewer { id } } query B { viewer { id } }"}',
        b'{"query": "nonsense"}',
        b'{"query": "query { viewer { nothing } }"}',
        b'{"query": "query { viewer }"}',
        b'{"query": "subscription { viewer { id } }"}',
        b'{"query": "fragment A on User { id }"}',
        b'{"query": "query ($x: Int!) { serverInfo { features { name } } }"}',
        USERS % b"5",
        USERS % b'"a\\u0000"',
        USERS % b'"\\ud800"',
        b'{"query": "query { viewer { id } }", "variables": {"\\u0000": 1}}',
        b"\xff\xfe",
    ],
)
async def test_what_is_no_request(alice: Caller, body: bytes):
    answer = await alice.client.post("/graphql", content=body, headers=alice.headers)
    content = answer.json()
    assert (answer.status_code, content["data"]) == (400, None), content
    assert all(isinstance(error["message"], str) and error["message"] for error in content["errors"])


async def test_a_document_that_does_not_fit(alice: Caller):
    """0.31.0 takes a 400 for final; with a 500 it would seem to hang."""
    answer = await alice.send("query { viewer { nothing id(x: 1) } }")
    assert (answer.status_code, answer.json()) == snapshot(
        (
            400,
            {
                "errors": [
                    {"message": "Cannot query field 'nothing' on type 'User'.", "extensions": {"code": "invalid"}},
                    {"message": "Unknown argument 'x' on field 'User.id'.", "extensions": {"code": "invalid"}},
                ],
                "data": None,
            },
        )
    )


async def test_operation_names(alice: Caller):
    """0.31.0 sends "" for the public API's documents, and the name for its core's."""
    two = "query A { viewer { id } } query B { viewer { username } }"
    for name, field in (("A", "id"), ("B", "username")):
        answer = await alice.send(two, None, operationName=name)
        assert list(answer.json()["data"]["viewer"]) == [field]
    for name in ("", None):
        assert (await alice.send("query Named { viewer { id } }", None, operationName=name)).status_code == 200


async def test_variables_that_the_document_does_not_declare(alice: Caller):
    """0.31.0 sends `usedAs: null` whether or not the document has it."""
    assert (await alice.send(WHO, {"usedAs": None, "more": {"a": [1]}})).status_code == 200


async def test_input_fields_of_newer_clients(world: World, alice: Caller):
    """0.31.0 sends fields that 0.28.2 did not know; the next release will send others. Nulls stand for "not given"."""
    organization = await world.organization(alice)
    given = {
        "entityName": organization.name,
        "name": "wandb-registry-new",
        "description": None,
        "access": None,
        "icon": None,
        "artifactTypes": [{"name": "model", "colour": "red"}],
        "allowAllArtifactTypesInRegistry": None,
        "clientMutationId": None,
        "somethingNew": {"deep": [None]},
    }
    made = (await alice.ask("UPSERT_REGISTRY", input=given))["upsertModel"]["project"]
    assert made["artifactTypes"]["edges"] == [{"node": {"name": "model"}}]
    assert made["allowAllArtifactTypes"] is False


def test_unknown_keys_are_dropped_where_the_types_say_so():
    found = documents.operation(
        "mutation ($input: CreateArtifactFilesInput!) "
        "{ createArtifactFiles(input: $input) { files { edges { cursor } } } }",
        None,
    )
    parts = [{"partNumber": 1, "hexMD5": "x", "new": 1}]
    spec = {"artifactID": "a", "name": "n", "md5": "m", "uploadPartsInput": parts, "new": {}}
    assert found.variables({"input": {"artifactFiles": [spec, None, 5], "new": 1}, "extra": {"kept": 1}}) == {
        "input": {
            "artifactFiles": [
                {"artifactID": "a", "name": "n", "md5": "m", "uploadPartsInput": [{"partNumber": 1, "hexMD5": "x"}]},
                None,
                5,
            ]
        },
        "extra": {"kept": 1},
    }
    assert found.variables({"input": None}) == {"input": None}
    assert found.variables({"input": [1]}) == {"input": [1]}
    assert found.changes
    assert found.fields == {"createArtifactFiles"}


async def test_directives(alice: Caller):
    """0.31.0 selects some fields with `@include`."""
    query = "query ($yes: Boolean!) { viewer { id @include(if: $yes) name @skip(if: $yes) } }"
    assert list((await alice.ask(query, yes=True))["viewer"]) == ["id"]
    assert list((await alice.ask(query, yes=False))["viewer"]) == ["name"]


async def test_documents_that_would_take_for_ever(alice: Caller):
    deep = "query { viewer { " + "organizations { orgEntity { organization { orgEntity { user { " * 6
    deep += "id" + " } } } } }" * 6 + " } }"
    pages = "edges { node { projects { " * 6 + "totalCount" + " } } }" * 6
    wide = "query { " + " ".join(f"a{n}: viewer {{ id }}" for n in range(2000)) + " }"
    circle = "query { viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }"
    lists = f'query {{ entity(name: "x") {{ projects {{ {pages.replace("projects", "entity { projects", 1)} }} }} }}'
    nested = "query { viewer { id " + "{ a " * 5000
    for text in (deep, wide, circle, lists, nested):
        status, _ = await alice.refused(text)
        assert status == 400


async def test_a_document_is_parsed_once():
    text = f"query {unique('Once').replace('-', '_')} {{ viewer {{ id }} }}"
    assert documents.operation(text, None) is documents.operation(text, "")
    long = text + " " * documents.LONGEST_REMEMBERED
    assert documents.operation(long, None) is not documents.operation(long, None)


async def test_other_methods_and_paths(world: World, db: Database):
    async with client_of(db) as whole:
        answer = await whole.get("/graphql")
        assert (answer.status_code, list(answer.json())) == (405, ["errors", "data"])
        answer = await whole.get("/artifactsV2/x")
        assert answer.json()["data"] is None
    assert world


async def test_a_body_that_is_too_large(db: Database):
    settings = Settings(external_url="http://pinakes.test", access_log=False, max_json_bytes=1000)
    async with client_of(db, settings) as whole:
        answer = await whole.post("/graphql", json={"query": WHO + " " * 3000})
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["extensions"]["code"] == "too_large"


@asynccontextmanager
async def failing(monkeypatch: pytest.MonkeyPatch, *raised: Exception) -> AsyncGenerator[list[str]]:
    """Let the verb behind `updateUser` raise, call by call, then do nothing."""
    waiting, calls = list(raised), list[str]()

    async def verb(tx: Tx, actor: Any, name: str) -> None:  # noqa: ANN401 - as the real one
        await asyncio.sleep(0)
        calls.append(name)
        if waiting:
            raise waiting.pop(0)

    monkeypatch.setattr(people, "set_default_account", verb)
    monkeypatch.setattr(transport, "PAUSES", (0, 0, 0))
    yield calls


UPDATE = 'mutation { updateUser(input: {defaultEntity: "x"}) { user { id } } }'


async def test_a_clash_is_tried_again(alice: Caller, monkeypatch: pytest.MonkeyPatch):
    """Nothing of it was done; only when it clashes again and again, the client is asked to come back."""
    async with failing(monkeypatch, taxonomy.Conflict(), taxonomy.Conflict()) as calls:
        assert (await alice.send(UPDATE)).status_code == 200
        assert len(calls) == 3
    async with failing(monkeypatch, *(taxonomy.Conflict() for _ in range(4))) as calls:
        answer = await alice.send(UPDATE)
        assert (answer.status_code, answer.headers["Retry-After"], len(calls)) == (503, "1", 4)
    async with failing(monkeypatch, taxonomy.NameTaken()) as calls:
        assert ((await alice.send(UPDATE)).status_code, len(calls)) == (409, 1)


async def test_a_run_is_never_answered_409(monkeypatch: pytest.MonkeyPatch):
    """0.31.0 tries a 409 again when it begins a run, until it gives up after 90 seconds."""
    conflict = taxonomy.NameTaken("A run of that name is there.")
    problem = documents.GraphQLError("x", original_error=conflict)
    failure = transport._failure(problem, frozenset({"upsertBucket"}))
    assert failure.status_code == 422
    assert transport._failure(problem, frozenset({"upsertModel"})).status_code == 409
    assert monkeypatch


async def test_an_accident_of_ours_is_no_mistake_of_the_caller(
    db: Database, alice: Caller, monkeypatch: pytest.MonkeyPatch
):
    async with failing(monkeypatch, ZeroDivisionError("oops")), client_of(db) as whole:
        answer = await Caller(alice.person, whole).send(UPDATE)
    assert (answer.status_code, answer.json()["errors"][0]["message"], answer.json()["data"]) == snapshot(
        (500, "Something went wrong on the server; the log has more.", None)
    )


async def test_a_failed_mutation_leaves_nothing(world: World, alice: Caller):
    """All of a mutation is one transaction: what comes after the failure, and what came before it."""
    organization = await world.organization(alice)
    query = """mutation ($e: String!) {
        a: upsertModel(input: {entityName: $e, name: "kept"}) { inserted }
        b: upsertModel(input: {entityName: $e, name: "a/b"}) { inserted }
    }"""
    status, message = await alice.refused(query, e=organization.name)
    assert status == 400
    assert "'a/b'" in message
    found = await alice.ask("GET_PROJECT", entity=organization.name, name="kept")
    assert found == {"project": None}


async def test_the_answer_has_no_more_than_data(alice: Caller):
    answer = await alice.send(WHO)
    assert list(answer.json()) == ["data"]
    assert isinstance(answer, httpx2.Response)
