"""What somebody tries who means no good: nothing is learnt, nothing breaks, and nobody else has to wait for it."""

from __future__ import annotations

import hashlib
import random
import time
from base64 import b64encode
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
)

from factories.app import client_of
from factories.people import unique
from factories.releases import Lab, make_lab, make_version
from pinakes.server.actor import Actor, Scope
from pinakes.server.artifacts import runs
from pinakes.server.artifacts.run_types import RunForm
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.wires.wandb import context, histories
from pinakes.server.wires.wandb.schema import SCHEMA
from wires.wandb.conftest import Caller, World, id_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILES = (
    "mutation ($i: CreateArtifactFilesInput!) { createArtifactFiles(input: $i) { files { edges { node {"
    " storagePath uploadMultipartUrls { uploadID uploadUrlParts { uploadUrl } } } } } } }"
)
COMPLETE = (
    "mutation ($i: CompleteMultipartUploadArtifactInput!) { completeMultipartUploadArtifact(input: $i) { digest } }"
)
CREATE = "mutation ($i: CreateRunFilesInput!) { createRunFiles(input: $i) { files { uploadUrl } } }"


@pytest_asyncio.fixture(loop_scope="session")
async def client(db: Database, tmp_path: Path) -> AsyncGenerator[httpx2.AsyncClient]:
    """The whole application, with a store."""
    settings = Settings(external_url="http://pinakes.test", access_log=False, blobs_url=tmp_path.as_uri())
    async with client_of(db, settings) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def lab(db: Database) -> Lab:
    """An organization with its people."""
    return await make_lab(db)


async def run_with_file(db: Database, client: httpx2.AsyncClient, lab: Lab, *, name: str) -> dict[str, str]:
    """Make a run of the lab's team with a file `notes.txt`; return what a question about its files needs."""
    async with db.transaction() as tx:
        form = RunForm(owner=lab.team.name, project="opened", name=name)
        run, _ = await runs.upsert(tx, lab.member.actor, form)
        await tx.connection.execute("update items set visibility = 'public' where id = %s", (run.project_id,))
    given = {"entityName": lab.team.name, "projectName": "opened", "runName": name, "files": ["notes.txt"]}
    made = await Caller(lab.member, client).ask(CREATE, i=given)
    sent = await client.put(made["createRunFiles"]["files"][0]["uploadUrl"], content=b"mine")
    assert sent.status_code == 200
    return {"e": lab.team.name, "r": name}


async def test_who_reads_a_run_gets_no_address_to_write_its_files(
    db: Database, client: httpx2.AsyncClient, lab: Lab, world: World
):
    asked = await run_with_file(db, client, lab, name=unique("run"))
    query = (
        'query ($e: String, $r: String!) { project(name: "opened", entityName: $e) { run(name: $r) { files {'
        " edges { node { name directUrl uploadUrl url(upload: true) } } } } } }"
    )
    read_only = Caller((await world.person("reader", scope=Scope.READ)).person, client)
    for caller in (Caller(None, client), Caller(lab.outsider, client), Caller(lab.viewer, client), read_only):
        found = (await caller.ask(query, **asked))["project"]["run"]["files"]["edges"][0]["node"]
        assert found["name"] == "notes.txt"
        assert (found["uploadUrl"], found["url"]) == (None, None)
    found = (await Caller(lab.member, client).ask(query, **asked))["project"]["run"]["files"]["edges"][0]["node"]
    assert found["uploadUrl"].startswith("http://pinakes.test/storage/u/")


async def test_who_reads_a_version_gets_no_address_to_write_its_manifest(
    db: Database, client: httpx2.AsyncClient, lab: Lab
):
    version = await make_version(db, lab.team, unique("art"), project="hostile")
    async with db.transaction() as tx:
        await tx.connection.execute(
            "insert into manifests (version_id, name, type, md5) values (%s, 'm', 'full', %s)", (version.id, b"x" * 16)
        )
    query = "query ($id: ID!) { artifact(id: $id) { currentManifest { file { directUrl uploadUrl } } } }"
    found = await Caller(lab.member, client).ask(query, id=id_of("Artifact", version.id))
    assert found["artifact"]["currentManifest"]["file"] == {"directUrl": "", "uploadUrl": None}


async def test_parts_make_no_file_that_is_larger_than_one_may_be(db: Database, lab: Lab, tmp_path: Path):
    """Each of them is small enough; it is the file that has a limit."""
    version = await make_version(db, lab.team, unique("art"), project="hostile", pending=True)
    parts = [b"12345", b"67890"]
    announced = [{"partNumber": n, "hexMD5": hashlib.md5(part).hexdigest()} for n, part in enumerate(parts, 1)]
    md5 = b64encode(hashlib.md5(b"".join(parts)).digest()).decode()
    file = {"artifactID": id_of("Artifact", version.id), "name": "x", "md5": md5, "uploadPartsInput": announced}
    settings = Settings(
        external_url="http://pinakes.test", access_log=False, blobs_url=tmp_path.as_uri(), max_upload_bytes=9
    )
    async with client_of(db, settings) as client:
        caller = Caller(lab.member, client)
        made = await caller.ask(FILES, i={"artifactFiles": [file], "storageLayout": "V2"})
        node = made["createArtifactFiles"]["files"]["edges"][0]["node"]
        urls = node["uploadMultipartUrls"]
        for part, place in zip(parts, urls["uploadUrlParts"], strict=True):
            assert (await client.put(place["uploadUrl"], content=part)).status_code == 200
        given = {
            "completeMultipartAction": "Complete",
            "completedParts": announced,
            "artifactID": file["artifactID"],
            "storagePath": node["storagePath"],
            "uploadID": urls["uploadID"],
        }
        status, message = await caller.refused(COMPLETE, i=given)
    assert (status, message) == (413, "Together the parts are larger than 9 bytes, the most that is taken here.")


async def test_a_version_that_is_known_by_a_link_can_be_asked_for_its_type(
    db: Database, client: httpx2.AsyncClient, lab: Lab
):
    registry = await lab.registry(visibility="restricted")
    version = await make_version(db, lab.team, unique("art"), project="hidden")
    await lab.link(registry, "Models", version)
    viewer = Caller(await lab.person(registry, "restricted_viewer"), client)
    query = (
        "query ($id: ID!) { artifact(id: $id) { artifactType { name description createdAt"
        " artifactCollections { totalCount } } artifactSequence { project { id } artifacts { totalCount }"
        " defaultArtifactType { description } } usedBy { totalCount } } }"
    )
    found = await viewer.ask(query, id=id_of("Artifact", version.id))
    assert found["artifact"] == {
        "artifactType": {
            "name": "model",
            "description": None,
            "createdAt": "1970-01-01T00:00:00Z",
            "artifactCollections": None,
        },
        "artifactSequence": {
            "project": None,
            "artifacts": {"totalCount": 0},
            "defaultArtifactType": {"description": None},
        },
        "usedBy": {"totalCount": 0},
    }
    assert await Caller(lab.outsider, client).ask(query, id=id_of("Artifact", version.id)) == {"artifact": None}


async def test_a_commit_stands_alone(world: World, alice: Caller):
    """It runs without a transaction around it, and so would whatever came with it."""
    name = unique("project")
    query = (
        "mutation ($i: CommitArtifactInput!, $p: UpsertModelInput!)"
        " { upsertModel(input: $p) { inserted } commitArtifact(input: $i) { artifact { id } } }"
    )
    given = {"i": {"artifactID": id_of("Artifact", 2**31 - 1)}, "p": {"name": name, "entityName": alice.name}}
    status, message = await alice.refused(query, **given)
    assert (status, message) == (400, "query: Send commitArtifact in an operation without other mutations.")
    query = "query ($n: String, $e: String) { project(name: $n, entityName: $e) { id } }"
    assert await alice.ask(query, n=name, e=alice.name) == {"project": None}


async def test_lists_in_lists_end(world: World, alice: Caller, monkeypatch: pytest.MonkeyPatch):
    """However few rows there are, what is asked of each of them again grows beyond any memory."""
    async with world.db.transaction() as tx:
        for _ in range(30):
            await runs.upsert(tx, _actor(alice), RunForm(project="nested"))
    inner = "runs(first: 1000) { edges { node { name project { %s } } } }"
    query = '{ project(name: "nested", entityName: "%s") { ' + inner % (inner % "id") + " } }"
    query = query.replace("%s", alice.name)
    assert len((await alice.ask(query))["project"]["runs"]["edges"]) == 30
    monkeypatch.setattr(context.Budget.__init__, "__defaults__", (2000,))
    status, message = await alice.refused(query)
    assert status == 413
    assert message.startswith("The answer would have more than 2000 objects and rows in all")
    assert await alice.ask("{ viewer { username } }") == {"viewer": {"username": alice.name}}


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ viewer { id } }" + " " * 100_000, id="long"),
        pytest.param("{" + " ".join("viewer { id }" for _ in range(950)) + "}", id="the same again and again"),
        pytest.param("{ viewer { " + "id " * 3900 + "} }", id="one field again and again"),
        pytest.param("{ viewer" + " { teams { edges { node" * 40 + " { id }" + " } } }" * 40 + " }", id="deep"),
        pytest.param("{" + "a {" * 900 + "a" + "}" * 901, id="deeper"),
        pytest.param('{ viewer(x: "' + "a" * 5_000_000 + '") { id } }', id="a long text"),
    ],
)
async def test_a_large_document_is_refused_soon(world: World, query: str):
    begun = time.process_time()
    status, _ = await world.nobody.refused(query)
    assert status == 400
    assert time.process_time() - begun < 1.5


async def test_deeply_nested_variables_are_refused(alice: Caller):
    for value in (b'"x"', b'"\\u0000"'):
        nested = b"[" * 1000 + value + b"]" * 1000
        body = b'{"query": "query ($n: String) { users(query: $n) { edges { node { id } } } }", "variables": {"n": %s}}'
        answer = await alice.client.post("/graphql", content=body % nested, headers=alice.headers)
        assert answer.status_code == 400, answer.text


async def test_a_question_asks_for_so_many_samples_only(alice: Caller):
    name = unique("run")
    created = "mutation ($i: UpsertBucketInput!) { upsertBucket(input: $i) { inserted } }"
    await alice.ask(created, i={"name": name, "modelName": "sampled", "entityName": alice.name})
    query = (
        "query ($e: String, $r: String!, $s: [JSONString!]!)"
        ' { project(name: "sampled", entityName: $e) { run(name: $r) { sampledHistory(specs: $s) } } }'
    )
    asked = {"e": alice.name, "r": name}
    specs = ['{"keys": ["loss"]}'] * histories.MOST_SPECS
    found = await alice.ask(query, s=specs, **asked)
    assert found["project"]["run"]["sampledHistory"] == [[]] * histories.MOST_SPECS
    status, message = await alice.refused(query, s=[*specs, specs[0]], **asked)
    assert (status, message) == (400, "specs holds 101; at most 100 are allowed at once.")


STRINGS = (
    "",
    " ",
    "x",
    "x" * 5000,
    "\U0001f600",
    "a:b",
    "../..",
    "%s%(x)s",
    "{}",
    "[1]",
    '{"a": 1e400}',
    '{"$or": [{"name": {"$regex": "(("}}]}',
    "wandb-registry-x",
    "v0",
    "latest",
)
SCALARS: dict[str, Sequence[object]] = {
    "Boolean": (True, False),
    "Int": (0, -1, 1, 2**31 - 1, -(2**31)),
    "Int64": (0, -1, 1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63)),
    "Float": (0.0, -1.5, 1e308),
    "Duration": (0.0, -1.5, 1e308),
}


class Fuzz:
    """Makes up values that fit a type and nothing else."""

    def __init__(self, seed: int, names: dict[str, str]) -> None:
        self._random = random.Random(seed)
        self._names = names

    def value(self, wanted: object, name: str) -> object:
        """A value of a type; `name` is what the field is called."""
        if isinstance(wanted, GraphQLNonNull):
            return self._some(wanted.of_type, name)
        return None if self._random.random() < 0.3 else self._some(wanted, name)

    def _some(self, wanted: object, name: str) -> object:
        if isinstance(wanted, GraphQLNonNull):
            return self._some(wanted.of_type, name)
        if isinstance(wanted, GraphQLList):
            return [self._some(wanted.of_type, name) for _ in range(self._random.choice((0, 1, 2)))]
        if isinstance(wanted, GraphQLInputObjectType):
            return {key: self.value(field.type, key) for key, field in wanted.fields.items()}
        if isinstance(wanted, GraphQLEnumType):
            return self._random.choice(list(wanted.values))
        return self._scalar(str(wanted), name)

    def _scalar(self, kind: str, name: str) -> object:
        if kind in SCALARS:
            return self._random.choice(SCALARS[kind])
        if kind == "ID" or self._random.random() < 0.1:
            return self._id()
        known = name in self._names and self._random.random() < 0.8
        return self._names[name] if known else self._random.choice(STRINGS)

    def _id(self) -> str:
        kind = self._random.choice(
            ("Artifact", "ArtifactCollection", "Project", "User", "Run", "RunFile", "ApiKey", "x")
        )
        number = self._random.choice((*range(12), 2**31 - 1, 2**31, 2**32 + 1, 2**63, 10**30, -1))
        return self._random.choice((id_of(kind, number), id_of(kind, number), "not base64", ""))


def _fields_of(kind: str) -> list[tuple[str, GraphQLField]]:
    found = SCHEMA.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    return sorted(found.fields.items())


def _document(verb: str, name: str, field: GraphQLField) -> str:
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in field.args.items())
    passed = ", ".join(f"{key}: ${key}" for key in field.args)
    selection = "" if isinstance(get_named_type(field.type), GraphQLScalarType) else "{ __typename }"
    return f"{verb}{f' ({declared})' if declared else ''} {{ {name}{f'({passed})' if passed else ''} {selection} }}"


@pytest.mark.parametrize("verb", ["mutation", "query"])
async def test_nothing_that_is_sent_is_an_accident(db: Database, client: httpx2.AsyncClient, lab: Lab, verb: str):
    """Whatever fits the schema is done, or refused in words; the client tries a 5xx again for a quarter of an hour."""
    registry = await lab.registry()
    version = await make_version(db, lab.team, "art", project="fuzzed")
    await lab.link(registry, "Models", version, "prod")
    async with db.transaction() as tx:
        await runs.upsert(tx, lab.member.actor, RunForm(owner=lab.team.name, project="fuzzed", name="run"))
    names = {
        "entityName": lab.team.name,
        "projectName": "fuzzed",
        "runName": "run",
        "artifactCollectionName": "art",
        "name": "fuzzed",
    }
    caller = Caller(lab.member, client)
    for name, field in _fields_of(verb.capitalize()):
        for seed in range(25):
            fuzz = Fuzz(seed, names)
            given = {key: fuzz.value(argument.type, key) for key, argument in field.args.items()}
            answer = await caller.send(_document(verb, name, field), given)
            assert answer.status_code < 500, (name, given, answer.text)


def _actor(caller: Caller) -> Actor:
    assert caller.person is not None
    return caller.person.actor
