"""How many queries the hot routes of releases cost, the credential's own included, whatever the size of the release."""

from __future__ import annotations

import httpx2
import pytest
from bench.documents import BY_NAME

from factories.people import unique
from factories.releases import Lab, make_lab, make_version
from pinakes.server.db import Database
from support.native import Api
from support.watching import watch_queries


@pytest.fixture(scope="module")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the queries that run from now on."""
    return watch_queries(monkeypatch)


async def prepared(client: httpx2.AsyncClient, lab: Lab) -> tuple[Api, str, str]:
    """A registry's release with a tag, and its registry's path; whoever asks has been asked who he is before."""
    registry = await lab.registry()
    asker = Api(client, lab.member)
    path = f"/organizations/{lab.org.name}/registries/{registry.name}/collections"
    body = {"name": unique("Net"), "types": ["model"], "tags": ["hot"]}
    made = await asker("POST", path, json=body)
    assert made.status_code == 201, made.text
    return asker, path, made.json()["id"]


async def test_a_version_by_alias(client: httpx2.AsyncClient, db: Database, lab: Lab, queries: list[str]) -> None:
    asker, _, release = await prepared(client, lab)
    version = await make_version(db, lab.team)
    await asker("POST", f"/collections/{release}/versions", json={"version": version.id, "aliases": ["production"]})
    queries.clear()
    answer = await asker("GET", f"/collections/{release}/versions/production")
    assert answer.json()["version"]["id"] == version.id
    assert queries == ["token_credential", "membership"]


async def test_a_version_by_name_through_wandb(
    client: httpx2.AsyncClient, db: Database, lab: Lab, queries: list[str]
) -> None:
    """What `Api().artifact(name)` sends."""
    asker, path, release = await prepared(client, lab)
    version = await make_version(db, lab.team)
    await asker("POST", f"/collections/{release}/versions", json={"version": version.id, "aliases": ["production"]})
    card = (await asker("GET", f"/collections/{release}")).json()
    registry = path.split("/")[4]
    place = {"entity": lab.org.name, "project": f"wandb-registry-{registry}", "name": f"{card['title']}:production"}
    queries.clear()
    answer = await client.post("/graphql", json={"query": BY_NAME, "variables": place}, headers=lab.member.headers)
    found = answer.json()["data"]["project"]["artifactCollectionMembership"]
    assert found["artifact"]["digest"] == version.digest
    assert len(queries) == 5, queries


async def test_the_newest_versions(client: httpx2.AsyncClient, db: Database, lab: Lab, queries: list[str]) -> None:
    asker, _, release = await prepared(client, lab)
    for _ in range(3):
        version = await make_version(db, lab.team)
        await asker("POST", f"/collections/{release}/versions", json={"version": version.id})
    queries.clear()
    answer = await asker("GET", f"/collections/{release}/versions")
    assert [row["number"] for row in answer.json()["rows"]] == [2, 1, 0]
    assert queries == ["token_credential", "cards", "newest_in"]


async def test_releases_with_a_tag(client: httpx2.AsyncClient, lab: Lab, queries: list[str]) -> None:
    asker, path, release = await prepared(client, lab)
    queries.clear()
    answer = await asker("GET", f"{path}?tag=hot")
    assert [row["id"] for row in answer.json()["rows"]] == [release]
    assert len(queries) <= 6, queries
    assert "registries" not in queries, "it counts all releases"


async def test_setting_an_alias(client: httpx2.AsyncClient, db: Database, lab: Lab, queries: list[str]) -> None:
    asker, _, release = await prepared(client, lab)
    version = await make_version(db, lab.team)
    await asker("POST", f"/collections/{release}/versions", json={"version": version.id})
    queries.clear()
    answer = await asker("PUT", f"/collections/{release}/aliases/staging", json={"version": version.id})
    assert answer.json() == {"revision": 3}
    assert queries == ["token_credential", "set_one_alias"]


async def test_linking(client: httpx2.AsyncClient, db: Database, lab: Lab, queries: list[str]) -> None:
    """With an alias too, which is checked and set as a part of the same revision."""
    asker, _, release = await prepared(client, lab)
    first, second = await make_version(db, lab.team), await make_version(db, lab.team)
    queries.clear()
    answer = await asker("POST", f"/collections/{release}/versions", json={"version": first.id})
    assert answer.json()["number"] == 0
    assert queries == ["token_credential", "link_one", "membership"]
    queries.clear()
    body = {"version": second.id, "aliases": ["production"]}
    assert (await asker("POST", f"/collections/{release}/versions", json=body)).json()["number"] == 1
    assert len(queries) <= 15, queries


async def test_creating_a_release(client: httpx2.AsyncClient, lab: Lab, queries: list[str]) -> None:
    asker, path, _ = await prepared(client, lab)
    queries.clear()
    body = {"name": unique("Net"), "types": ["model"], "tags": ["a", "b"]}
    assert (await asker("POST", path, json=body)).status_code == 201
    assert len(queries) <= 6, queries


async def test_committing(client: httpx2.AsyncClient, lab: Lab, queries: list[str]) -> None:
    """However many files there are, up to a hundred."""
    asker, _, _ = await prepared(client, lab)
    counted: list[int] = []
    for count in (1, 20):
        files = [{"path": f"{n}.bin", "reference": f"s3://models/{n}.bin", "size": 5} for n in range(count)]
        body = {"artifact": unique("net"), "type": "model", "files": files}
        begun = await asker("POST", f"/projects/{lab.team.name}/digits/versions", json=body)
        queries.clear()
        done = await asker("POST", f"/versions/{begun.json()['version']['id']}/commit")
        assert (done.json()["number"], done.json()["file_count"]) == (0, count)
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 15, queries
