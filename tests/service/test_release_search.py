"""The search in registries and projects: filters, orders and pages on real rows, and what nobody may find."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, LiteralString, TypeVar, cast

import pytest
import pytest_asyncio

from factories.catalog import Facts
from factories.people import Person, make_organization, make_user, unique
from factories.releases import Lab, Made, delete_version, make_lab, make_version
from pinakes.server.actor import Actor, anonymous, system
from pinakes.server.artifacts import runs
from pinakes.server.artifacts.run_types import RunForm
from pinakes.server.catalog.projects import ensure_project
from pinakes.server.db import Database, Tx
from pinakes.server.errors import Invalid
from pinakes.server.paging import encode_cursor
from pinakes.server.registries import links
from pinakes.server.registries.types import InProject, Registry
from pinakes.server.search import mongo, orders, releases
from pinakes.server.search.filters import EVERYTHING, Expression, Fields, Word, plain
from pinakes.server.search.releases import (
    COLLECTION_FIELDS,
    REGISTRY_FIELDS,
    RUN_FIELDS,
    VERSION_FIELDS,
    Hit,
    Window,
)
from pinakes.server.search.types import CollectionHit, Hits, RegistryHit, RunHit, VersionHit

H = TypeVar("H", bound=Hit)
Search = Callable[[Tx, Window], Awaitable[Hits[H]]]

PREFIX = "wandb-registry-"


@dataclass
class Shelves:
    """An organization with registries, releases in them and versions in those, by short names."""

    lab: Lab
    registries: dict[str, Registry]
    releases: dict[str, int]
    versions: dict[str, Made]
    project_id: int

    def name_of(self, numbers: Sequence[int]) -> list[str]:
        """The short names of registries or releases."""
        known = {**{found.id: name for name, found in self.registries.items()}}
        known |= {number: name for name, number in self.releases.items()}
        return [known[number] for number in numbers]


async def execute(db: Database, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(statement, values)
        return await cursor.fetchall() if cursor.description else []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shelves(db: Database) -> Shelves:
    """Registries Alpha, beta (restricted) and Gamma; five releases, and six versions of two artifacts in them."""
    lab = await make_lab(db)
    registries = {
        "alpha": await lab.registry("Alpha models", description="The first", types=["model", "dataset"]),
        "beta": await lab.registry("beta", visibility="restricted"),
        "gamma": await lab.registry("Gamma", description="The 100% last"),
    }
    versions = {f"m{n}": await make_version(db, lab.team, "mnist") for n in range(4)}
    versions |= {f"d{n}": await make_version(db, lab.team, "digits", of="dataset") for n in range(2)}
    plan = {
        ("alpha", "MNIST"): ["m0", "m1", "m3"],
        ("alpha", "Data"): ["d0", "d1"],
        ("beta", "Secret"): ["m2", "m0"],
        ("gamma", "Best"): ["m3"],
        ("gamma", "mnist small"): ["m1"],
    }
    found: dict[str, int] = {}
    for (registry, release), names in plan.items():
        for name in names:
            link = await lab.link(registries[registry], release, versions[name], *(["best"] if name == "m3" else []))
            found[release] = link.card.id
    for n, (name, made) in enumerate(versions.items()):
        metadata = f'{{"accuracy": {n / 10}, "arch": "{name[0]}", "nested": {{"rate": [1, {n}]}}}}'
        await execute(
            db,
            "update versions set tags = %s::text[], metadata = %s::jsonb, size = %s, created_at = %s where id = %s",
            ["gold", name] if n % 2 else [name],
            metadata,
            1000 - n,
            datetime(2026, 1, 1 + n, tzinfo=UTC),
            made.id,
        )
    for n, number in enumerate(found.values()):
        await execute(
            db,
            "update collections set tags = %s::text[], description = %s, updated_at = %s where id = %s",
            ["prod", f"t{n}"] if n in (0, 3) else [f"t{n}"],
            f"About {n}",
            datetime(2026, 2, 10 - n, tzinfo=UTC),
            number,
        )
    rows = await execute(db, "select container_id from items where id = %s", versions["m0"].artifact_id)
    return Shelves(lab, registries, found, versions, rows[0][0])


def asked(fields: Fields, document: object) -> Expression:
    return mongo.parse(document, plain(fields))


def by(fields: Fields, text: str | None) -> orders.Order | None:
    return orders.parse(text, plain(fields))


async def everything(db: Database, search: Search[H], order: orders.Order | None = None, limit: int = 100) -> list[H]:
    """Read all pages, and hold that each row's cursor begins the rest behind it."""
    rows: list[H] = []
    cursor: str | None = None
    async with db.reading() as tx:
        while True:
            page = await search(tx, Window(order, limit, cursor))
            assert len(page.rows) == len(page.cursors)
            rows += page.rows
            if not page.more:
                return rows
            assert len(page.rows) == limit
            cursor = page.cursors[-1]


async def find_registries(
    db: Database, shelves: Shelves, actor: Actor, document: object = None, order: str | None = None, limit: int = 100
) -> list[str]:
    wanted = asked(REGISTRY_FIELDS, document)
    org = shelves.lab.org.id

    async def search(tx: Tx, window: Window) -> Hits[RegistryHit]:
        return await releases.registries(tx, actor, org, window, registry_filter=wanted)

    hits = await everything(db, search, by(REGISTRY_FIELDS, order), limit)
    async with db.reading() as tx:
        assert await releases.count_registries(tx, actor, org, registry_filter=wanted) == len(hits)
    return shelves.name_of([hit.id for hit in hits])


async def find_releases(
    db: Database,
    shelves: Shelves,
    actor: Actor,
    document: object = None,
    *,
    registries: object = None,
    order: str | None = None,
    limit: int = 100,
    accepting: str | None = None,
) -> list[str]:
    """Find releases in all registries; and, where none is asked for by a filter, the same one by one."""
    wanted, within = asked(COLLECTION_FIELDS, document), asked(REGISTRY_FIELDS, registries)
    org = shelves.lab.org.id
    filters: Facts = {"registry_filter": within, "collection_filter": wanted, "accepting": accepting}

    async def search(tx: Tx, window: Window) -> Hits[CollectionHit]:
        return await releases.release_collections(tx, actor, org, window, **filters)

    hits = await everything(db, search, by(COLLECTION_FIELDS, order), limit)
    assert {hit.kind for hit in hits} <= {"release"}
    async with db.reading() as tx:
        assert await releases.count_release_collections(tx, actor, org, **filters) == len(hits)
    return shelves.name_of([hit.id for hit in hits])


async def find_versions(
    db: Database,
    shelves: Shelves,
    actor: Actor,
    document: object = None,
    *,
    registries: object = None,
    collections: object = None,
    order: str | None = None,
    limit: int = 100,
) -> list[str]:
    """Find versions; each as `release:vN`."""
    filters: Facts = {
        "registry_filter": asked(REGISTRY_FIELDS, registries),
        "collection_filter": asked(COLLECTION_FIELDS, collections),
        "version_filter": asked(VERSION_FIELDS, document),
    }

    async def search(tx: Tx, window: Window) -> Hits[VersionHit]:
        return await releases.release_versions(tx, actor, shelves.lab.org.id, window, **filters)

    hits = await everything(db, search, by(VERSION_FIELDS, order), limit)
    return [f"{shelves.name_of([hit.collection_id])[0]}:v{hit.number}" for hit in hits]


class TestRegistries:
    @pytest.mark.parametrize(
        ("document", "found"),
        [
            (None, ["gamma", "beta", "alpha"]),
            ({"name": "Gamma"}, ["gamma"]),
            ({"name": "gamma"}, []),
            ({"name": {"$in": ["Gamma", "beta", "x"]}}, ["gamma", "beta"]),
            ({"name": {"$contains": "models"}}, ["alpha"]),
            ({"name": {"$regex": "^[A-Z]"}}, ["gamma", "alpha"]),
            ({"description": {"$contains": "100%"}}, ["gamma"]),
            ({"description": ""}, ["beta"]),
            ({"visibility": {"$ne": "organization"}}, ["beta"]),
            ({"$or": [{"name": "beta"}, {"description": "The first"}]}, ["beta", "alpha"]),
            ({"created_at": {"$lt": "2020-01-01"}}, []),
            ({"created_at": {"$gt": "2020-01-01"}, "updated_at": {"$exists": True}}, ["gamma", "beta", "alpha"]),
        ],
    )
    async def test_filters(self, db: Database, shelves: Shelves, document: object, found: list[str]):
        """W: section 20.3, registries."""
        assert await find_registries(db, shelves, shelves.lab.admin.actor, document) == found

    async def test_numbers_as_the_client_decodes_them(self, db: Database, shelves: Shelves):
        """W: `{"id": 5}` is the number in `internalId`; the client sends one query for each registry."""
        admin, beta = shelves.lab.admin.actor, shelves.registries["beta"]
        assert await find_registries(db, shelves, admin, {"id": beta.id}) == ["beta"]
        assert await find_registries(db, shelves, admin, {"organization_id": shelves.lab.org.id, "id": beta.id})
        for none in (0, -1, 2**31, 2**63, 10**40, shelves.lab.org.id):
            assert await find_registries(db, shelves, admin, {"id": none}) == []

    @pytest.mark.parametrize("limit", [1, 2, 100])
    async def test_orders(self, db: Database, shelves: Shelves, limit: int):
        admin = shelves.lab.admin.actor
        for order, found in (
            ("+name", ["alpha", "gamma", "beta"]),
            ("-name", ["beta", "gamma", "alpha"]),
            ("name", ["alpha", "gamma", "beta"]),
            ("+created_at", ["alpha", "beta", "gamma"]),
            ("-created_at", ["gamma", "beta", "alpha"]),
            ("+visibility", ["alpha", "gamma", "beta"]),
            ("-visibility", ["beta", "gamma", "alpha"]),
        ):
            assert await find_registries(db, shelves, admin, None, order, limit) == found, order

    async def test_a_language_s_own_words(self, db: Database, shelves: Shelves):
        """W: values come with `wandb-registry-` in front, patterns as they were typed."""
        words = {"name": Word("name", prefix=PREFIX)}

        async def names(document: object) -> list[str]:
            async with db.reading() as tx:
                hits = await releases.registries(
                    tx, shelves.lab.admin.actor, shelves.lab.org.id, registry_filter=mongo.parse(document, words)
                )
            return shelves.name_of([hit.id for hit in hits.rows])

        assert await names({"name": f"{PREFIX}Gamma"}) == ["gamma"]
        assert await names({"name": {"$contains": f"{PREFIX}Ga"}}) == ["gamma"]
        assert await names({"name": {"$contains": f"{PREFIX}am"}}) == []
        assert await names({"name": {"$regex": "am"}}) == ["gamma"]
        assert await names({"name": "Gamma"}) == []

    async def test_who_finds_which(self, db: Database, shelves: Shelves):
        lab = shelves.lab
        assert await find_registries(db, shelves, lab.member.actor) == ["gamma", "beta", "alpha"]
        assert await find_registries(db, shelves, lab.viewer.actor) == ["gamma", "alpha"]
        assert await find_registries(db, shelves, lab.viewer.actor, {"name": "beta"}) == []
        assert await find_registries(db, shelves, lab.outsider.actor) == []
        assert await find_registries(db, shelves, anonymous("test")) == []
        assert await find_registries(db, shelves, system()) == ["gamma", "beta", "alpha"]
        guest = await lab.person(shelves.registries["beta"], "restricted_viewer")
        assert await find_registries(db, shelves, guest.actor) == ["beta"]
        bound = replace(lab.admin.actor, bound_to=shelves.registries["alpha"].id)
        assert await find_registries(db, shelves, bound) == ["alpha"]

    async def test_another_organization_s_are_not_among_them(self, db: Database, shelves: Shelves):
        other = await make_organization(db, shelves.lab.admin)
        async with db.reading() as tx:
            assert (await releases.registries(tx, shelves.lab.admin.actor, other.id)).rows == []
            assert (await releases.registries(tx, system(), 2**31 - 1)).rows == []


class TestReleases:
    @pytest.mark.parametrize(
        ("document", "found"),
        [
            (None, ["mnist small", "Best", "Secret", "Data", "MNIST"]),
            ({"tag": "prod"}, ["Best", "MNIST"]),
            ({"tag": {"$in": ["t1", "t2", "x"]}}, ["Secret", "Data"]),
            ({"tag": {"$all": ["prod", "t0"]}}, ["MNIST"]),
            ({"tag": {"$ne": "prod"}}, ["mnist small", "Secret", "Data"]),
            ({"tag": "nobody has it"}, []),
            ({"tag": "prod", "name": "Best"}, ["Best"]),
            ({"$or": [{"tag": "t1"}, {"name": "Best"}]}, ["Best", "Data"]),
            ({"name": {"$regex": "(?i)mnist"}}, ["mnist small", "MNIST"]),
            ({"name": {"$contains": "s"}}, ["mnist small", "Best"]),
            ({"description": "About 2"}, ["Secret"]),
            ({"type": "dataset"}, ["Data"]),
            ({"updated_at": {"$gte": "2026-02-09T00:00:00Z"}}, ["Data", "MNIST"]),
            ({"kind": "showcase"}, []),
            ({"$nor": [{"tag": "prod"}, {"type": "dataset"}]}, ["mnist small", "Secret"]),
        ],
    )
    @pytest.mark.parametrize("few", [0, 5000])
    async def test_filters(
        self, db: Database, shelves: Shelves, document: object, found: list[str], few: int, monkeypatch: Facts
    ):
        """W: section 20.3, collections; with the tag's index and without."""
        monkeypatch.setattr(releases, "FEW", few)
        assert await find_releases(db, shelves, shelves.lab.admin.actor, document) == found
        assert await find_releases(db, shelves, shelves.lab.admin.actor, document, limit=1) == found

    async def test_registries_narrow_it_down(self, db: Database, shelves: Shelves):
        admin, alpha = shelves.lab.admin.actor, shelves.registries["alpha"]
        assert await find_releases(db, shelves, admin, registries={"id": alpha.id}) == ["Data", "MNIST"]
        found = await find_releases(db, shelves, admin, {"tag": "prod"}, registries={"name": "Gamma"})
        assert found == ["Best"]
        assert await find_releases(db, shelves, admin, registries={"name": "x"}) == []
        async with db.reading() as tx:
            hits = await releases.collections_of_registry(tx, admin, alpha.id, Window(by(COLLECTION_FIELDS, "+name")))
            assert shelves.name_of([hit.id for hit in hits.rows]) == ["Data", "MNIST"]
            assert await releases.count_collections_of_registry(tx, admin, alpha.id) == 2
            only = asked(COLLECTION_FIELDS, {"tag": "prod"})
            hits = await releases.collections_of_registry(tx, admin, alpha.id, collection_filter=only)
            assert shelves.name_of([hit.id for hit in hits.rows]) == ["MNIST"]
            assert await releases.count_collections_of_registry(tx, admin, alpha.id, collection_filter=only) == 1
            assert await releases.count_collections_of_registry(tx, admin, alpha.id, accepting="dataset") == 1

    async def test_a_type(self, db: Database, shelves: Shelves):
        admin = shelves.lab.admin.actor
        assert await find_releases(db, shelves, admin, accepting="dataset") == ["Data"]
        assert await find_releases(db, shelves, admin, {"tag": "prod"}, accepting="model") == ["Best", "MNIST"]
        assert await find_releases(db, shelves, admin, accepting="wombat") == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    async def test_orders(self, db: Database, shelves: Shelves, limit: int):
        admin = shelves.lab.admin.actor
        by_name = ["Best", "Data", "MNIST", "Secret", "mnist small"]
        made = ["MNIST", "Data", "Secret", "Best", "mnist small"]
        for order, found in (
            ("+name", by_name),
            ("-name", by_name[::-1]),
            ("+created_at", made),
            ("-created_at", made[::-1]),
            ("+updated_at", made[::-1]),
            ("-updated_at", made),
            ("+id", made),
            (None, made[::-1]),
            ("+kind", made),
        ):
            assert await find_releases(db, shelves, admin, order=order, limit=limit) == found, order
        assert await find_releases(db, shelves, admin, {"tag": "prod"}, order="-name", limit=limit) == ["MNIST", "Best"]

    async def test_who_finds_which(self, db: Database, shelves: Shelves):
        lab = shelves.lab
        seen = ["mnist small", "Best", "Data", "MNIST"]
        assert await find_releases(db, shelves, lab.viewer.actor) == seen
        assert await find_releases(db, shelves, lab.viewer.actor, {"tag": "t2"}) == []
        assert await find_releases(db, shelves, lab.viewer.actor, {"$or": [{"name": "Secret"}]}) == []
        assert await find_releases(db, shelves, lab.outsider.actor) == []
        guest = await lab.person(shelves.registries["beta"], "restricted_viewer")
        assert await find_releases(db, shelves, guest.actor) == ["Secret"]
        async with db.reading() as tx:
            beta = shelves.registries["beta"].id
            assert (await releases.collections_of_registry(tx, lab.viewer.actor, beta)).rows == []
            assert await releases.count_collections_of_registry(tx, lab.viewer.actor, beta) == 0
            assert await releases.count_collections_of_registry(tx, guest.actor, beta) == 1

    async def test_the_trash_is_not_searched(self, db: Database, shelves: Shelves):
        lab, number = shelves.lab, shelves.releases["Best"]
        await execute(db, "update items set deleted_at = now() where id = %s", number)
        try:
            assert "Best" not in await find_releases(db, shelves, lab.admin.actor)
            assert "Best:v0" not in await find_versions(db, shelves, lab.admin.actor)
            assert "Best:v0" not in await find_versions(db, shelves, lab.admin.actor, {"alias": "best"})
        finally:
            await execute(db, "update items set deleted_at = null where id = %s", number)


class TestVersions:
    @pytest.mark.parametrize(
        ("document", "found"),
        [
            (None, ["mnist small:v0", "Best:v0", "Secret:v0", "Secret:v1", "Data:v1", "Data:v0"]),
            ({"version": "v1"}, ["Secret:v1", "Data:v1", "MNIST:v1"]),
            ({"version": {"$in": ["v2", 5]}}, ["MNIST:v2"]),
            ({"version": {"$gte": 2}}, ["MNIST:v2"]),
            ({"version": {"$regex": "^v[12]$"}, "tag": "gold"}, ["Data:v1", "MNIST:v2", "MNIST:v1"]),
            ({"alias": "best"}, ["Best:v0", "MNIST:v2"]),
            ({"alias": "latest", "tag": "gold"}, ["mnist small:v0", "Best:v0", "Data:v1", "MNIST:v2"]),
            ({"alias": {"$in": ["best", "x"]}, "version": "v0"}, ["Best:v0"]),
            ({"alias": {"$ne": "latest"}}, ["Secret:v0", "Data:v0", "MNIST:v1", "MNIST:v0"]),
            ({"alias": {"$contains": "es"}, "tag": "m3"}, ["Best:v0", "MNIST:v2"]),
            ({"tag": {"$all": ["gold", "m1"]}}, ["mnist small:v0", "MNIST:v1"]),
            ({"tag": {"$size": 1}, "metadata.arch": "m"}, ["Secret:v0", "Secret:v1", "MNIST:v0"]),
            ({"metadata.accuracy": {"$gt": 0.15, "$lt": 0.35}}, ["Best:v0", "Secret:v0", "MNIST:v2"]),
            ({"metadata.nested.rate": 5}, ["Data:v1"]),
            ({"metadata.nested.rate.1": {"$gte": 4}}, ["Data:v1", "Data:v0"]),
            ({"metadata.missing": {"$exists": True}}, []),
            ({"created_at": {"$lte": "2026-01-02"}}, ["mnist small:v0", "Secret:v1", "MNIST:v1", "MNIST:v0"]),
            ({"size": 995}, ["Data:v1"]),
            ({"state": "committed", "alias": "best"}, ["Best:v0", "MNIST:v2"]),
            ({"state": "pending"}, []),
            ({"linked_at": {"$gt": "2200-01-01"}}, []),
            ({"$or": [{"alias": "best"}, {"tag": "d0"}]}, ["Best:v0", "Data:v0", "MNIST:v2"]),
        ],
    )
    @pytest.mark.parametrize("few", [0, 5000])
    async def test_filters(
        self, db: Database, shelves: Shelves, document: object, found: list[str], few: int, monkeypatch: Facts
    ):
        """W: section 20.3, versions; with the indexes on tags and aliases and without."""
        if document is None:
            found = [*found, "MNIST:v2", "MNIST:v1", "MNIST:v0"]
        monkeypatch.setattr(releases, "FEW", few)
        admin = shelves.lab.admin.actor
        for limit in (1, 2, 100):
            assert await find_versions(db, shelves, admin, document, limit=limit) == found
            backwards = await find_versions(db, shelves, admin, document, order="+linked_at", limit=limit)
            assert sorted(backwards) == sorted(found)

    async def test_registries_and_collections_narrow_it_down(self, db: Database, shelves: Shelves):
        admin = shelves.lab.admin.actor
        for order in (None, "-linked_at"):
            found = await find_versions(db, shelves, admin, registries={"name": "Gamma"}, order=order)
            assert found == ["mnist small:v0", "Best:v0"]
            found = await find_versions(db, shelves, admin, collections={"tag": "prod", "name": "MNIST"}, order=order)
            assert found == ["MNIST:v2", "MNIST:v1", "MNIST:v0"]
            found = await find_versions(db, shelves, admin, {"alias": "best"}, collections={"tag": "t3"}, order=order)
            assert found == ["Best:v0"]
        assert await find_versions(db, shelves, admin, registries={"id": 5}, collections={"name": "MNIST"}) == []

    @pytest.mark.parametrize("limit", [1, 3, 100])
    async def test_orders(self, db: Database, shelves: Shelves, limit: int):
        """W: section 20.4, orders of the advanced search."""
        admin = shelves.lab.admin.actor
        linked = ["MNIST:v0", "MNIST:v1", "MNIST:v2", "Data:v0", "Data:v1", "Secret:v0", "Secret:v1"]
        linked += ["Best:v0", "mnist small:v0"]
        oldest = ["MNIST:v0", "Secret:v1", "MNIST:v1", "mnist small:v0", "Secret:v0", "MNIST:v2", "Best:v0"]
        oldest += ["Data:v0", "Data:v1"]
        for order, found in (
            ("+linked_at", linked),
            ("-linked_at", linked[::-1]),
            ("+created_at", oldest),
            ("-created_at", oldest[::-1]),
            ("+size", ["Data:v1", "Data:v0", "MNIST:v2", "Best:v0", "Secret:v0", "MNIST:v1", "mnist small:v0"]),
            ("+metadata.accuracy", oldest),
            ("-metadata.nested.rate.1", oldest[::-1]),
        ):
            rows = await find_versions(db, shelves, admin, order=order, limit=limit)
            assert rows[: len(found)] == found, order
            assert len(rows) == 9
        rows = await find_versions(db, shelves, admin, order="-version", limit=limit)
        assert [int(row[-1]) for row in rows] == sorted((int(row[-1]) for row in rows), reverse=True)

    async def test_who_finds_which(self, db: Database, shelves: Shelves):
        """Whoever reads a registry finds what is in it, though he sees nothing of the project that it comes from."""
        lab = shelves.lab
        guest = await lab.person(shelves.registries["beta"], "restricted_viewer")
        assert await find_versions(db, shelves, guest.actor) == ["Secret:v0", "Secret:v1"]
        assert await find_versions(db, shelves, guest.actor, {"tag": "m2"}) == ["Secret:v0"]
        assert await find_versions(db, shelves, lab.outsider.actor) == []
        assert await find_versions(db, shelves, lab.viewer.actor, {"tag": "m2"}) == []
        async with db.reading() as tx:
            source = shelves.versions["m0"].artifact_id
            assert (await releases.versions_of_collection(tx, guest.actor, source)).rows == []
            assert await releases.count_versions_of_collection(tx, guest.actor, source) == 0

    async def test_drafts_and_tombstones_are_not_found(self, db: Database, shelves: Shelves):
        lab = shelves.lab
        gone, draft = await make_version(db, lab.team, "gone"), await make_version(db, lab.team, "gone", pending=True)
        link = await lab.link(shelves.registries["gamma"], "Gone", gone, "was")
        shelves.releases["Gone"] = link.card.id
        assert await find_versions(db, shelves, lab.admin.actor, {"alias": "was"}) == ["Gone:v0"]
        await delete_version(db, gone, lab.member)
        assert draft.item_id == 0
        for order in (None, "+size"):
            found = await find_versions(db, shelves, lab.admin.actor, order=order)
            assert not any(row.startswith("Gone") for row in found)
        assert await find_versions(db, shelves, lab.admin.actor, {"alias": "was"}) == []
        async with db.reading() as tx:
            for number in (link.card.id, gone.artifact_id):
                assert (await releases.versions_of_collection(tx, lab.admin.actor, number)).rows == []
                assert await releases.count_versions_of_collection(tx, lab.admin.actor, number) == 0
        await execute(db, "update items set deleted_at = now() where id = %s", link.card.id)


class TestOneCollection:
    async def find(self, db: Database, shelves: Shelves, name: str, document: object = None, **how: Facts) -> list[int]:
        number = shelves.releases[name] if name in shelves.releases else shelves.versions[name].artifact_id
        wanted, actor = asked(VERSION_FIELDS, document), how.get("actor", shelves.lab.admin.actor)

        async def search(tx: Tx, window: Window) -> Hits[VersionHit]:
            return await releases.versions_of_collection(tx, actor, number, window, version_filter=wanted)

        hits = await everything(db, search, by(VERSION_FIELDS, how.get("order")), how.get("limit", 100))
        assert {hit.collection_id for hit in hits} <= {number}
        async with db.reading() as tx:
            counted = await releases.count_versions_of_collection(tx, actor, number, version_filter=wanted)
        assert counted == len(hits)
        return [hit.number for hit in hits]

    async def test_the_newest_come_first(self, db: Database, shelves: Shelves):
        """W: `wandb artifact ls` takes the first row for the latest; `+version_index` turns it around."""
        for limit in (1, 2, 100):
            assert await self.find(db, shelves, "m0", limit=limit) == [3, 2, 1, 0]
            assert await self.find(db, shelves, "m0", order="+version", limit=limit) == [0, 1, 2, 3]
            assert await self.find(db, shelves, "m0", order="-version", limit=limit) == [3, 2, 1, 0]
            assert await self.find(db, shelves, "m0", order="-size", limit=limit) == [0, 1, 2, 3]
            assert await self.find(db, shelves, "MNIST", limit=limit) == [2, 1, 0]

    async def test_filters(self, db: Database, shelves: Shelves):
        assert await self.find(db, shelves, "m0", {"state": "committed"}) == [3, 2, 1, 0]
        assert await self.find(db, shelves, "m0", {"tag": "gold"}) == [3, 1]
        assert await self.find(db, shelves, "m0", {"alias": "best"}) == []
        assert await self.find(db, shelves, "MNIST", {"alias": "best"}) == [2]
        assert await self.find(db, shelves, "m0", {"version": {"$lt": "v2"}}) == [1, 0]
        assert await self.find(db, shelves, "m0", {"id": shelves.versions["m2"].id}) == [2]
        assert await self.find(db, shelves, "m0", {"digest": shelves.versions["m2"].digest}) == [2]

    async def test_who_finds_them(self, db: Database, shelves: Shelves):
        lab = shelves.lab
        assert await self.find(db, shelves, "m0", actor=lab.member.actor) == [3, 2, 1, 0]
        for actor in (lab.outsider.actor, lab.viewer.actor, anonymous("test")):
            assert await self.find(db, shelves, "m0", actor=actor) == []
            assert await self.find(db, shelves, "Secret", actor=actor) == []
        assert await self.find(db, shelves, "MNIST", actor=lab.viewer.actor) == [2, 1, 0]


class TestProjects:
    async def find(self, db: Database, project_id: int, actor: Actor, document: object = None, **how: Facts):
        filters: Facts = {"collection_filter": asked(COLLECTION_FIELDS, document)}
        filters |= {name: how[name] for name in ("accepting", "kinds") if name in how}

        async def search(tx: Tx, window: Window) -> Hits[CollectionHit]:
            return await releases.collections_of_project(tx, actor, project_id, window, **filters)

        hits = await everything(db, search, by(COLLECTION_FIELDS, how.get("order")), how.get("limit", 100))
        async with db.reading() as tx:
            assert await releases.count_collections_of_project(tx, actor, project_id, **filters) == len(hits)
        return hits

    async def titles(self, db: Database, hits: Sequence[CollectionHit]) -> list[str]:
        rows = await execute(db, "select id, title from items where id = any(%s::int[])", [hit.id for hit in hits])
        known = dict(cast("list[tuple[int, str]]", rows))
        return [known[hit.id] for hit in hits]

    async def test_artifacts_and_releases_of_a_project(self, db: Database):
        """W: both kinds appear in a project, filtered by type, with a total."""
        lab = await make_lab(db)
        made = [
            await make_version(db, lab.team, name, of=of, project="work")
            for name, of in (("b", "model"), ("A", "dataset"), ("c", "model"))
        ]
        rows = await execute(db, "select container_id from items where id = %s", made[0].artifact_id)
        project = rows[0][0]
        async with db.transaction() as tx:
            await links.link(tx, lab.member.actor, made[0].id, InProject("work", "chosen"), [])
        member = lab.member.actor
        for limit in (1, 100):
            hits = await self.find(db, project, member, limit=limit)
            assert await self.titles(db, hits) == ["chosen", "c", "A", "b"]
            assert [hit.kind for hit in hits] == ["release", "artifact", "artifact", "artifact"]
            for order, found in (("+name", ["A", "b", "c", "chosen"]), ("-name", ["chosen", "c", "b", "A"])):
                hits = await self.find(db, project, member, order=order, limit=limit)
                assert await self.titles(db, hits) == found
        hits = await self.find(db, project, member, accepting="dataset")
        assert await self.titles(db, hits) == ["A"]
        hits = await self.find(db, project, member, {"name": {"$in": ["b", "chosen"]}}, kinds=["artifact"])
        assert await self.titles(db, hits) == ["b"]
        for actor in (lab.viewer.actor, lab.outsider.actor, anonymous("test")):
            assert await self.find(db, project, actor) == []
        await execute(db, "update items set deleted_at = now() where id = %s", made[0].artifact_id)
        assert await self.titles(db, await self.find(db, project, member)) == ["chosen", "c", "A"]
        await execute(db, "update items set deleted_at = now() where id = %s", project)
        assert await self.find(db, project, member) == []


@dataclass
class Track:
    """A project with runs, by their names."""

    person: Person
    project_id: int
    names: dict[int, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def track(db: Database) -> Track:
    person = await make_user(db, "runner")
    names: dict[int, str] = {}
    facts: tuple[dict[str, Facts], ...] = (
        {"config": {"lr": {"value": 0.1}, "arch": {"value": "cnn"}}, "summary": {"loss": 3}, "tags": ["a", "b"]},
        {"config": {"lr": {"value": 1}}, "summary": {"loss": 0.5}, "group_name": "g1", "state": "failed"},
        {"config": {"lr": {"value": "fast"}}, "summary": {"loss": "high"}, "tags": ["a"], "job_type": "train"},
        {"config": {}, "summary": {"loss": None}, "display_name": "My Run", "state": "finished"},
        {"config": {"layers": {"value": [1, 2]}}, "summary": {"loss": True}, "job_type": "eval", "state": "finished"},
        {"summary": {"loss": 0.5, "by": {"class": [{"f1": 0.2}, {"f1": 0.9}]}}, "group_name": "g1"},
    )
    for n, fact in enumerate(facts):
        async with db.transaction() as tx:
            form = RunForm(owner=person.name, project="work", name=f"r{n}", **fact)
            run, _ = await runs.upsert(tx, person.actor, form)
            names[run.id] = run.name
    await execute(
        db,
        "update runs set heartbeat_at = now() - interval '1 hour' where name = 'r2' and id = any(%s::int[])",
        list(names),
    )
    async with db.transaction() as tx:
        project = await ensure_project(tx, person.actor, person.account, "work")
    return Track(person, project.id, names)


class TestRuns:
    async def find(self, db: Database, track: Track, document: object = None, **how: Facts) -> list[str]:
        wanted, actor = asked(RUN_FIELDS, document), how.get("actor", track.person.actor)

        async def search(tx: Tx, window: Window) -> Hits[RunHit]:
            return await releases.runs_of_project(tx, actor, track.project_id, window, run_filter=wanted)

        hits = await everything(db, search, by(RUN_FIELDS, how.get("order")), how.get("limit", 100))
        async with db.reading() as tx:
            counted = await releases.count_runs_of_project(tx, actor, track.project_id, run_filter=wanted)
        assert counted == len(hits)
        return [track.names[hit.id] for hit in hits]

    @pytest.mark.parametrize(
        ("document", "found"),
        [
            ({}, "r0 r1 r2 r3 r4 r5"),
            ({"state": "crashed"}, "r2"),
            ({"state": "running"}, "r0 r5"),
            ({"state": {"$in": ["finished", "failed"]}}, "r1 r3 r4"),
            ({"tag": "a"}, "r0 r2"),
            ({"tag": {"$nin": ["b"]}}, "r1 r2 r3 r4 r5"),
            ({"group": "g1"}, "r1 r5"),
            ({"group": {"$ne": "g1"}}, "r0 r2 r3 r4"),
            ({"group": None, "job_type": {"$exists": True}}, "r2 r4"),
            ({"job_type": {"$regex": "^(train|eval)$"}}, "r2 r4"),
            ({"display_name": {"$contains": "Run"}}, "r3"),
            ({"name": "r4"}, "r4"),
            ({"username": "nobody"}, ""),
            ({"config.lr.value": {"$gt": 0.05}}, "r0 r1"),
            ({"config.lr.value": 0.1}, "r0"),
            ({"config.lr.value": "fast"}, "r2"),
            ({"config.layers.value": 2}, "r4"),
            ({"config.lr": {"$exists": False}}, "r3 r4 r5"),
            ({"summary.loss": {"$lte": 0.5}}, "r1 r5"),
            ({"summary.loss": None}, "r3"),
            ({"summary.by.class.1.f1": {"$gt": 0.5}}, "r5"),
            ({"$or": [{"summary.loss": 3}, {"summary.loss": True}]}, "r0 r4"),
            ({"created_at": {"$lt": "2020-01-01T00:00:00"}}, ""),
        ],
    )
    async def test_filters(self, db: Database, track: Track, document: object, found: str):
        """W: section 9, the filters of runs."""
        for limit in (1, 100):
            assert " ".join(await self.find(db, track, document, limit=limit)) == found

    @pytest.mark.parametrize("limit", [1, 2, 4, 100])
    async def test_orders(self, db: Database, track: Track, limit: int):
        """What is no text, number or truth value is at the end, whichever way the order goes."""
        for order, found in (
            (None, "r0 r1 r2 r3 r4 r5"),
            ("+created_at", "r0 r1 r2 r3 r4 r5"),
            ("-created_at", "r5 r4 r3 r2 r1 r0"),
            ("+summary.loss", "r2 r1 r5 r0 r4 r3"),
            ("-summary.loss", "r4 r0 r5 r1 r2 r3"),
            ("+config.lr.value", "r2 r0 r1 r3 r4 r5"),
            ("-config.lr.value", "r1 r0 r2 r5 r4 r3"),
            ("-state", "r5 r0 r4 r3 r1 r2"),
            ("+summary", "r0 r1 r2 r3 r4 r5"),
        ):
            assert " ".join(await self.find(db, track, order=order, limit=limit)) == found, order

    async def test_who_finds_them(self, db: Database, track: Track):
        stranger = await make_user(db, "stranger")
        for actor in (stranger.actor, anonymous("test")):
            assert await self.find(db, track, actor=actor) == []
        assert await self.find(db, track, {"username": track.person.name}, actor=system())

    async def test_deleted_runs_are_gone(self, db: Database, track: Track):
        async with db.transaction() as tx:
            form = RunForm(owner=track.person.name, project="work", name=unique("r"))
            run, _ = await runs.upsert(tx, track.person.actor, form)
            await runs.delete(tx, track.person.actor, run.id)
        assert len(await self.find(db, track)) == 6


class TestCursors:
    async def test_a_cursor_stays_good_for_other_pages_and_other_words(self, db: Database, shelves: Shelves):
        """W: a cursor that was got with a filter by name goes on with one by id, and with another size of page."""
        admin, alpha = shelves.lab.admin.actor, shelves.registries["alpha"]
        by_name = asked(REGISTRY_FIELDS, {"name": "Alpha models"})
        by_id = asked(REGISTRY_FIELDS, {"id": alpha.id})
        org = shelves.lab.org.id
        async with db.reading() as tx:
            for order in (None, by(COLLECTION_FIELDS, "+name")):
                first = await releases.release_collections(tx, admin, org, Window(order, 1), registry_filter=by_name)
                rest = await releases.release_collections(
                    tx, admin, org, Window(order, 50, first.cursors[0]), registry_filter=by_id
                )
                of_one = await releases.collections_of_registry(
                    tx, admin, alpha.id, Window(order, 50, first.cursors[0])
                )
                assert first.more
                assert not rest.more
                assert sorted(shelves.name_of([hit.id for hit in (*first.rows, *rest.rows)])) == ["Data", "MNIST"]
                assert of_one == rest

    async def test_every_row_s_cursor_begins_behind_it(self, db: Database, shelves: Shelves):
        admin, org = shelves.lab.admin.actor, shelves.lab.org.id
        async with db.reading() as tx:
            for text in (None, "-linked_at", "+size", "-metadata.accuracy"):
                order = by(VERSION_FIELDS, text)
                whole = await releases.release_versions(tx, admin, org, Window(order))
                for at, cursor in enumerate(whole.cursors):
                    page = await releases.release_versions(tx, admin, org, Window(order, 3, cursor))
                    assert page.rows == whole.rows[at + 1 : at + 4]
                    assert page.more == (at + 4 < len(whole.rows))

    async def test_rows_that_come_meanwhile_neither_repeat_nor_hide_others(self, db: Database, shelves: Shelves):
        lab, org = shelves.lab, shelves.lab.org.id
        registry = shelves.registries["gamma"]
        only = asked(REGISTRY_FIELDS, {"id": registry.id})
        async with db.reading() as tx:
            first = await releases.release_versions(tx, lab.admin.actor, org, Window(None, 1), registry_filter=only)
        new = await lab.link(registry, unique("New"), shelves.versions["m0"])
        async with db.reading() as tx:
            window = Window(None, 10, first.cursors[0])
            rest = await releases.release_versions(tx, lab.admin.actor, org, window, registry_filter=only)
        assert [hit.collection_id for hit in rest.rows] == [shelves.releases["Best"]]
        await execute(db, "update items set deleted_at = now() where id = %s", new.card.id)

    @pytest.mark.parametrize("limit", [0, -1, 1001])
    async def test_limits(self, db: Database, shelves: Shelves, limit: int):
        async with db.reading() as tx:
            with pytest.raises(Invalid) as error:
                await releases.registries(tx, system(), shelves.lab.org.id, Window(limit=limit))
        assert error.value.field == "limit"

    async def test_cursors_that_are_not_ours(self, db: Database, track: Track, shelves: Shelves):
        """Whatever somebody makes of a cursor is refused or begins somewhere; the database never stumbles over it."""
        spellings = (None, "+created_at", "-name", "+id", "+summary.loss")
        numbers = (0, -1, 2**31, 2**63 - 1)
        forged = ["x", "", encode_cursor(), encode_cursor(1), encode_cursor("", 0), encode_cursor("", "x", 1)]
        values = (0, "x", None, 1.5, "2026-01-01", datetime(2026, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC))
        jsons = (
            "{}",
            "null",
            "true",
            "-1.5",
            "1e9",
            '"x"',
            '"\\u0000"',
            '"\\ud800"',
            "[1]",
            '{"a": 1}',
            "NaN",
            "9" * 500,
        )
        async with db.reading() as tx:
            for text in spellings:
                order = by(RUN_FIELDS, text)
                mark = releases._mark(order or orders.Order("created_at"))
                made = [encode_cursor(mark, value, n) for value, n in itertools.product((*values, *jsons), numbers)]
                for cursor in (*forged, *made):
                    with contextlib.suppress(Invalid):
                        await releases.runs_of_project(tx, system(), track.project_id, Window(order, 5, cursor))
            for place in itertools.product((0, 2**62), numbers, numbers):
                with contextlib.suppress(Invalid):
                    window = Window(None, 5, encode_cursor("", *place))
                    await releases.release_versions(tx, system(), shelves.lab.org.id, window)
            with pytest.raises(Invalid) as error:
                await releases.release_versions(tx, system(), shelves.lab.org.id, Window(None, 5, "x"))
        assert error.value.field == "cursor"

    async def test_a_cursor_of_another_order_is_refused(self, db: Database, shelves: Shelves):
        async with db.reading() as tx:
            org = shelves.lab.org.id
            page = await releases.registries(tx, system(), org, Window(by(REGISTRY_FIELDS, "+name"), 1))
            for order in ("-name", "+handle", "+created_at", None):
                with pytest.raises(Invalid) as error:
                    await releases.registries(tx, system(), org, Window(by(REGISTRY_FIELDS, order), 1, page.cursors[0]))
                assert error.value.field == "cursor"

    async def test_orders_that_there_are_not(self, db: Database, shelves: Shelves):
        async with db.reading() as tx:
            for text in ("+tag", "+type", "+name.x"):
                with pytest.raises(
                    Invalid, match="there are orders by: id, name, description, kind, created_at"
                ) as error:
                    await releases.release_collections(
                        tx, system(), shelves.lab.org.id, Window(by(COLLECTION_FIELDS, text))
                    )
                assert error.value.field == "order"


class TestPlans:
    """What is looked up by an index, when nothing is known of the parameters: as after a few uses of a query."""

    async def plan(self, tx: Tx, query: str, params: dict[str, Facts]) -> set[tuple[str, str]]:
        names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", query)))
        numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", query)
        run = tx.connection.execute
        await run(cast("LiteralString", f"prepare planned as {numbered}"))
        values = ", ".join("null" if params[name] is None else f"'{params[name]}'" for name in names)
        cursor = await run(cast("LiteralString", f"explain (format json) execute planned({values})"))
        rows = await cursor.fetchall()
        await run("deallocate planned")
        return scans(rows[0][0][0]["Plan"])

    async def test_a_rare_tag_among_ten_thousand_releases(self, db: Database):
        async with db.transaction() as tx:
            run = tx.connection.execute
            await run(
                "with made as (insert into items (kind, owner_id, name, name_key, title, visibility)"
                " select 'collection', null, 'bulk', 'bulk-' || n, 'Release ' || n, 'private'"
                " from generate_series(1, 10000) as n returning id)"
                " insert into collections (id, kind, public_id, types, tags)"
                " select id, 'release', left(md5('bulk' || id), 24), '{model}', array['t' || id % 100] from made"
            )
            await run("analyze items")
            await run("analyze collections")
            tagged = await self.plan(tx, releases.SQL.tagged_collections.text, {"words": "{t1}", "limit": 5001})
            assert ("Bitmap Index Scan", "collections_by_tag") in tagged
            params: dict[str, Facts] = {"among": "{1,2}", "owners": "{1}", "type": None, "limit": 51}
            looked = await self.plan(tx, releases.SQL.collections_of_owners.text, params)
            assert not {name for kind, name in looked if kind == "Seq Scan"} & {"items", "collections"}
            await run("delete from items where name = 'bulk'")

    async def test_rare_aliases_and_tags_among_versions(self, db: Database, shelves: Shelves):
        async with db.transaction() as tx:
            run = tx.connection.execute
            artifact = shelves.versions["m0"].artifact_id
            await run(
                "with made as (insert into items (kind, name, name_key, visibility)"
                " select 'version', 'bulk', 'bulk-' || n, 'private' from generate_series(1, 5000) as n returning id),"
                " named as (insert into entry_aliases (collection_id, alias, item_id, since_rev)"
                " select %s, 'bulk-' || id, id, 1 from made)"
                " insert into versions (artifact_id, item_id, number, state, digest, tags, committed_at)"
                " select %s, id, 1000 + id, 'committed', 'bulk', array['t' || id %% 100], now() from made",
                (artifact, artifact),
            )
            await run("analyze versions")
            await run("analyze entry_aliases")
            found = await self.plan(tx, releases.SQL.aliased_versions.text, {"words": "{a}", "limit": 5001})
            assert any(name == "entry_aliases_by_alias" for _, name in found)
            found = await self.plan(tx, releases.SQL.tagged_versions.text, {"words": "{a}", "limit": 5001})
            assert ("Bitmap Index Scan", "versions_by_tag") in found
            await run("delete from entry_aliases where alias like 'bulk-%'")
            await run("delete from items where name = 'bulk'")


def scans(plan: dict[str, Facts]) -> set[tuple[str, str]]:
    inner = {found for child in plan.get("Plans", []) for found in scans(child)}
    return {(plan["Node Type"], plan.get("Index Name") or plan.get("Relation Name") or ""), *inner}


async def test_nothing_asked_for_is_everything(db: Database, shelves: Shelves):
    async with db.reading() as tx:
        found = await releases.release_versions(
            tx,
            shelves.lab.admin.actor,
            shelves.lab.org.id,
            registry_filter=EVERYTHING,
            version_filter=mongo.parse_text(None, plain(VERSION_FIELDS)),
        )
    assert len(found.rows) >= 9
