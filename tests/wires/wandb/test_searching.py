"""The search in registries as `wandb` 0.31.0 asks it: `api.registries(...).collections(...).versions(...)`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from inline_snapshot import snapshot

from factories.people import unique
from factories.releases import Made, make_version
from pinakes.server.actor import Role, system
from pinakes.server.db import Database
from pinakes.server.people.types import Account
from pinakes.server.registries import links, service as registries
from pinakes.server.registries.types import InRegistry
from wires.wandb.conftest import Caller, World, frozen, id_of

PREFIX = "wandb-registry-"


@pytest.fixture
async def org(world: World, alice: Caller) -> Account:
    """An organization with registries `models` and `data`, and releases in them."""
    return await world.organization(alice, title=unique("The Org"))


async def registry(world: World, caller: Caller, org: Account, name: str, **more: object) -> int:
    """Make a registry; return the number by which the client filters."""
    given = {"entityName": org.name, "name": PREFIX + name, "access": "PRIVATE", **more}
    made = (await caller.ask("UPSERT_REGISTRY", input=given))["upsertModel"]["project"]
    async with world.db.reading() as tx:
        found = await registries.get(tx, system(), org.name, name)
    assert made["internalId"] == id_of("ProjectInternalId", found.id)
    return found.id


async def link(db: Database, org: Account, shelf: str, title: str, version: Made, *aliases: str) -> None:
    """Link a version."""
    async with db.transaction() as tx:
        await links.link(tx, system(), version.id, InRegistry(shelf, title, org.name), aliases)


async def collections(caller: Caller, org: Account, shelf: object = None, wanted: object = None, **more: object) -> Any:  # noqa: ANN401 - JSON
    """Ask for collections; filters are JSON strings."""
    asked = {"organization": org.display_name, "collectionTypes": ["PORTFOLIO"], **more}
    asked |= {"registryFilter": text(shelf), "collectionFilter": text(wanted)}
    return (await caller.ask("REGISTRY_COLLECTIONS", **asked))["organization"]["orgEntity"]["artifactCollections"]


async def versions(caller: Caller, org: Account, *filters: object, **more: object) -> Any:  # noqa: ANN401 - JSON
    """Ask for versions by the filters of registries, collections and versions."""
    names = ("registryFilter", "collectionFilter", "artifactFilter")
    asked = {"organization": org.display_name, "includeAliases": True, **more}
    asked |= {name: text(each) for name, each in zip(names, filters, strict=False)}
    return (await caller.ask("REGISTRY_VERSIONS", **asked))["organization"]["orgEntity"]["artifactMemberships"]


def text(document: object) -> str | None:
    return None if document is None else json.dumps(document)


def names(page: Any) -> list[str]:  # noqa: ANN401 - JSON
    """The names of the collections on a page."""
    return [edge["node"]["name"] for edge in page["edges"]]


def numbers(page: Any) -> list[str]:  # noqa: ANN401 - JSON
    """The versions on a page as `collection:vN`."""
    nodes = [edge["node"] for edge in page["edges"]]
    return [f"{node['artifactCollection']['name']}:v{node['versionIndex']}" for node in nodes]


async def found(caller: Caller, org: Account, document: object, order: str | None = "+name") -> list[str]:
    """The registries that a filter finds."""
    page = await caller.ask("FETCH_REGISTRIES", organization=org.display_name, filters=text(document), order=order)
    return [edge["node"]["name"] for edge in page["organization"]["orgEntity"]["projects"]["edges"]]


async def test_registries_by_filter(world: World, alice: Caller, org: Account):
    """The client puts the prefix before every text that it compares names with, but not before patterns."""
    model = await registry(world, alice, org, "model", description="Trained")
    await registry(world, alice, org, "dataset")
    await registry(world, alice, org, "Fine-tuned models", access="RESTRICTED")
    both = [f"{PREFIX}dataset", f"{PREFIX}model"]
    assert await found(alice, org, None) == [f"{PREFIX}Fine-tuned models", *both]
    assert await found(alice, org, {}) == [f"{PREFIX}Fine-tuned models", *both]
    assert await found(alice, org, {"name": f"{PREFIX}model"}) == [f"{PREFIX}model"]
    assert await found(alice, org, {"name": {"$in": both}}, "-name") == both[::-1]
    assert await found(alice, org, {"name": {"$contains": f"{PREFIX}mod"}}) == [f"{PREFIX}model"]
    assert await found(alice, org, {"name": {"$regex": "odel"}}) == [f"{PREFIX}Fine-tuned models", f"{PREFIX}model"]
    assert await found(alice, org, {"name": {"$regex": "^wandb-registry-m"}}) == [f"{PREFIX}model"]
    assert await found(alice, org, {"id": model}) == [f"{PREFIX}model"]
    assert await found(alice, org, {"id": id_of("ProjectInternalId", model)}) == [f"{PREFIX}model"]
    assert await found(alice, org, {"description": "Trained", "entity_id": org.id}) == [f"{PREFIX}model"]
    assert await found(alice, org, {"$or": [{"id": model}, {"name": f"{PREFIX}dataset"}]}) == both
    assert await found(alice, org, {"created_at": {"$lt": "2020-01-01T00:00:00Z"}}) == []
    assert len(await found(alice, org, None, None)) == 3


async def test_registries_as_they_are_seen(world: World, alice: Caller, bob: Caller, org: Account):
    """What a reader may not see is in no list and no count."""
    await registry(world, alice, org, "open")
    await registry(world, alice, org, "hidden", access="RESTRICTED")
    await world.join(org, bob, Role.VIEWER)
    bob = await world.again(bob)
    assert await found(bob, org, None) == [f"{PREFIX}open"]
    assert await found(bob, org, {"name": f"{PREFIX}hidden"}) == []
    assert (await world.nobody.ask("FETCH_REGISTRIES", organization=org.display_name))["organization"] is None


async def test_collections(world: World, alice: Caller, org: Account):
    """0.31.0 `registries().collections()`: the fragment RegistryCollection, and how many there are."""
    await registry(world, alice, org, "model")
    await registry(world, alice, org, "dataset")
    team = await world.team(org)
    await link(world.db, org, "model", "MNIST", await make_version(world.db, team), "production")
    await link(world.db, org, "model", "CIFAR", await make_version(world.db, team, "cifar"))
    await link(world.db, org, "dataset", "MNIST", await make_version(world.db, team, "mnist-data", of="dataset"))
    page = await collections(alice, org, {"name": f"{PREFIX}model"}, {"name": "MNIST"}, order="+name")
    assert frozen(page["edges"], org.name) == snapshot(
        [
            {
                "node": {
                    "__typename": "ArtifactPortfolio",
                    "id": "{id ArtifactCollection}",
                    "name": "MNIST",
                    "description": "",
                    "createdAt": "{time}",
                    "updatedAt": "{time}",
                    "project": {
                        "id": "{id Project}",
                        "internalId": "{id ProjectInternalId}",
                        "name": "wandb-registry-model",
                        "entity": {"name": "{0}"},
                    },
                    "type": {"name": "model"},
                    "tags": {"edges": []},
                }
            }
        ]
    )
    assert page["totalCount"] == 1
    assert page["pageInfo"]["endCursor"] is not None
    everything = await collections(alice, org, order="+name")
    assert (names(everything), everything["totalCount"]) == (["CIFAR", "MNIST", "MNIST"], 3)
    assert names(await collections(alice, org, {"name": {"$in": [f"{PREFIX}dataset"]}})) == ["MNIST"]
    one = page["edges"][0]["node"]["id"]
    assert names(await collections(alice, org, None, {"artifact_collection_id": one})) == ["MNIST"]
    assert names(await collections(alice, org, None, {"$nor": [{"name": "MNIST"}]})) == ["CIFAR"]
    assert (await collections(alice, org, collectionTypes=["SEQUENCE"]))["totalCount"] == 0
    assert names(await collections(alice, org, collectionTypes=None)) != []


async def test_cursors_of_the_same_search(world: World, alice: Caller, org: Account):
    """0.31.0 may go on with a cursor in a search that says the same in other words, and with another page size."""
    model = await registry(world, alice, org, "model")
    team = await world.team(org)
    for title in ("A", "B", "C", "D", "E"):
        await link(world.db, org, "model", title, await make_version(world.db, team, f"of-{title}"))
    first = await collections(alice, org, {"name": f"{PREFIX}model"}, order="+name", perPage=2)
    assert names(first) == ["A", "B"]
    cursor = first["pageInfo"]["endCursor"]
    rest = await collections(alice, org, {"id": model}, order="+name", perPage=100, cursor=cursor)
    assert names(rest) == ["C", "D", "E"]
    assert rest["pageInfo"]["hasNextPage"] is False
    end = rest["pageInfo"]["endCursor"]
    assert end is not None
    assert names(await collections(alice, org, {"id": model}, order="+name", perPage=1, cursor=end)) == []


async def test_versions(world: World, alice: Caller, org: Account):
    """0.31.0 `registries().versions()`: entries of releases, each with its number and aliases there."""
    await registry(world, alice, org, "model")
    team = await world.team(org)
    made = [await make_version(world.db, team) for _ in range(3)]
    for version in made[1:]:
        await link(world.db, org, "model", "MNIST", version)
    await link(world.db, org, "model", "MNIST", made[1], "production")
    await link(world.db, org, "model", "Other", made[0])
    assert sorted(numbers(await versions(alice, org))) == ["MNIST:v0", "MNIST:v1", "Other:v0"]
    by_alias = await versions(alice, org, None, None, {"alias": "production"})
    assert numbers(by_alias) == ["MNIST:v0"]
    node = by_alias["edges"][0]["node"]
    assert node["artifactCollection"]["project"]["entity"]["name"] == org.name
    assert node["artifact"]["artifactSequence"]["project"]["entity"]["name"] == team.name
    assert node["artifact"]["id"] == id_of("Artifact", made[1].id)
    assert numbers(await versions(alice, org, None, {"name": "MNIST"}, {"version": "v1"})) == ["MNIST:v1"]
    assert numbers(await versions(alice, org, None, {"name": "MNIST"}, {"alias": {"$in": ["latest"]}})) == ["MNIST:v1"]
    assert numbers(await versions(alice, org, {"name": f"{PREFIX}none"})) == []
    assert numbers(await versions(alice, org, None, None, {"id": node["artifact"]["id"]})) == ["MNIST:v0"]
    assert numbers(await versions(alice, org, None, None, {"metadata.x": 1})) == []


async def test_versions_by_pages(world: World, alice: Caller, org: Account):
    await registry(world, alice, org, "model")
    team = await world.team(org)
    for _ in range(5):
        await link(world.db, org, "model", "MNIST", await make_version(world.db, team))
    seen: list[str] = []
    cursor, more = None, True
    while more:
        page = await versions(alice, org, {}, {}, {}, cursor=cursor, perPage=2)
        seen += numbers(page)
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert cursor is not None
    assert sorted(seen) == [f"MNIST:v{number}" for number in range(5)]
    assert numbers(await versions(alice, org, cursor=cursor)) == []


async def test_a_hidden_source(world: World, alice: Caller, bob: Caller, org: Account):
    """A member of the registry sees the entry, its tags and metadata, and no project of its source."""
    await registry(world, alice, org, "model")
    team = await world.team(org)
    await link(world.db, org, "model", "MNIST", await make_version(world.db, team))
    await world.join(org, bob, Role.MEMBER)
    bob = await world.again(bob)
    (node,) = [edge["node"] for edge in (await versions(bob, org))["edges"]]
    assert node["artifact"]["artifactSequence"] == {
        "__typename": "ArtifactSequence",
        "name": "mnist",
        "project": None,
    }
    assert node["artifact"]["metadata"] == "{}"


@pytest.mark.parametrize(
    ("filters", "order"),
    [
        ({"nothing": 1}, None),
        ({"name": {"$near": 1}}, None),
        ({"$or": {}}, None),
        ([], None),
        ({"id": "x"}, None),
        ({"created_at": "yesterday"}, None),
        ({"name": "a\0"}, None),
        ({"name": {"$regex": "("}}, None),
        ({}, "+nothing"),
        ({}, "name; drop table"),
        ({}, "+"),
    ],
)
async def test_filters_that_cannot_be(alice: Caller, org: Account, filters: object, order: str | None):
    """A mistake of the caller's is final: 400 and what would be right."""
    answer = await alice.refused("FETCH_REGISTRIES", organization=org.display_name, filters=text(filters), order=order)
    assert answer[0] == 400, answer


async def test_texts_that_are_no_filter(alice: Caller, org: Account):
    for broken in ("{", "x", "\ufffd", '"x"', "5"):
        answer = await alice.refused("FETCH_REGISTRIES", organization=org.display_name, filters=broken)
        assert answer[0] == 400, broken
    status, message = await alice.refused(
        "REGISTRY_VERSIONS", organization=org.display_name, registryFilter='{"nothing": 1}'
    )
    assert (status, message) == snapshot(
        (
            400,
            (
                "projectFilters: There is no field 'nothing' to ask for; there are: id, project_id, name, entity_id, "
                "description, created_at, updated_at."
            ),
        )
    )
    for cursor in ("x", "bnVsbA", "W10", "e30"):
        answer = await alice.refused("FETCH_REGISTRIES", organization=org.display_name, cursor=cursor)
        assert answer[0] == 400, cursor


async def test_empty_texts_ask_for_everything(alice: Caller, org: Account, world: World):
    await registry(world, alice, org, "model")
    asked: Sequence[str | None] = (None, "", "{}", "null")
    for filters in asked:
        page = await alice.ask("FETCH_REGISTRIES", organization=org.display_name, filters=filters, cursor="", order="")
        assert len(page["organization"]["orgEntity"]["projects"]["edges"]) == 1
