"""What the Hub does not have is not there for its clients: releases, artifacts, versions, projects and registries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from factories.releases import Lab, Made, make_lab, make_version
from pinakes.server.collections import entries, service as collections
from pinakes.server.collections.types import Addition, ItemRef
from pinakes.server.registries.types import Link, Registry
from wires.huggingface.conftest import Hub, Person, unique


@dataclass(frozen=True)
class Shelf:
    """A registry with a release of one version, and a member of both worlds."""

    lab: Lab
    member: Person
    registry: Registry
    link: Link
    version: Made
    artifact_slug: str
    project_id: int

    @property
    def slugs(self) -> list[str]:
        """The addresses of a release and of an artifact."""
        return [self.link.card.slug, self.artifact_slug]


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(hub: Hub) -> Shelf:
    lab = await make_lab(hub.db)
    registry = await lab.registry(unique("Models"))
    version = await make_version(hub.db, lab.team, unique("mnist"))
    link = await lab.link(registry, unique("MNIST"), version)
    async with hub.db.transaction() as tx:
        cursor = await tx.connection.execute(
            "select o.name || '/' || i.name || '-' || c.public_id, i.container_id from items as i"
            " inner join collections as c on i.id = c.id inner join accounts as o on i.owner_id = o.id where i.id = %s",
            (version.artifact_id,),
        )
        (slug, project_id) = (await cursor.fetchall())[0]
    member = Person(lab.member.name, lab.member.token, hub.client)
    return Shelf(lab, member, registry, link, version, slug, project_id)


async def put(hub: Hub, shelf: Shelf, slug: str, items: Sequence[ItemRef]) -> None:
    """Put items into a showcase, natively."""
    async with hub.db.transaction() as tx:
        batch = await entries.add(tx, shelf.lab.member.actor, slug, [Addition(item) for item in items])
    batch.checked()


class TestCollections:
    async def test_only_showcases_are_listed(self, shelf: Shelf):
        made = await shelf.member.collection(unique("Mine"))
        for query in ("", f"?owner={shelf.lab.team.name}", f"?owner={shelf.registry.handle}", "?q=mnist&limit=100"):
            rows = await shelf.member.make("GET", f"/api/collections{query}")
            assert not {row["slug"] for row in rows} & set(shelf.slugs)
        rows = await shelf.member.make("GET", f"/api/collections?owner={shelf.member.name}")
        assert [row["slug"] for row in rows] == [made]

    @pytest.mark.parametrize("which", [0, 1])
    async def test_others_are_not_there(self, hub: Hub, shelf: Shelf, which: int):
        """A release's or artifact's address is a 404 for every verb, and nothing happens to it."""
        slug, entry = shelf.slugs[which], "0" * 24
        model = await shelf.member.repo()
        calls: list[tuple[str, str, object]] = [
            ("GET", "", None),
            ("PATCH", "", {"title": "Mine now"}),
            ("PATCH", "", {"private": False, "description": "x"}),
            ("DELETE", "", None),
            ("POST", "/items", {"item": {"type": "model", "id": model}}),
            ("POST", "/item", {"item": {"type": "model", "id": model}, "note": "x"}),
            ("PATCH", f"/items/{entry}", {"note": "x"}),
            ("PATCH", f"/items/{entry}", {"position": 0}),
            ("DELETE", f"/items/{entry}", None),
            ("POST", "/items/batch", [{"_id": entry, "action": "update", "data": {"note": "x"}}]),
            ("POST", "/resource-group", {"resourceGroupId": "x"}),
        ]
        for address in (slug, slug.rpartition("-")[2], f"{slug.partition('/')[0]}/x-{slug.rpartition('-')[2]}"):
            for method, path, body in calls:
                where = address if "/" in address else f"{slug.partition('/')[0]}/{address}"
                answer = await shelf.member.call(method, f"/api/collections/{where}{path}", body)
                assert answer.status_code == 404, (method, path, answer.text)
        async with hub.db.reading() as tx:
            found = await collections.get(tx, shelf.lab.member.actor, slug)
        assert (found.description, found.visibility, found.resource_group, found.deleted_at) == (
            "",
            "private",
            None,
            None,
        )
        assert found.entry_count == 1

    async def test_they_can_t_be_put_into_a_showcase_from_here(self, shelf: Shelf):
        slug = await shelf.member.collection(unique("Mine"))
        for address in shelf.slugs:
            body = {"item": {"type": "collection", "id": address}}
            answer = await shelf.member.call("POST", f"/api/collections/{slug}/items", body)
            assert answer.status_code == 404
            assert answer.headers["X-Error-Message"] == f"No such item: collection {address}."
            body = {"title": unique("New"), "namespace": shelf.member.name, **body}
            assert (await shelf.member.call("POST", "/api/collections", body)).status_code == 404
        assert (await shelf.member.make("GET", f"/api/collections/{slug}"))["items"] == []
        nested = await shelf.member.collection(unique("Nested"))
        found = await shelf.member.add(slug, nested, "collection")
        assert [item["slug"] for item in found["items"]] == [nested]

    @pytest.mark.parametrize("kind", ["version", "project", "release", "artifact", "registry"])
    async def test_kinds_that_the_client_can_t_name(self, shelf: Shelf, kind: str):
        slug = await shelf.member.collection(unique("Mine"))
        body = {"item": {"type": kind, "id": f"{shelf.member.name}/x"}}
        answer = await shelf.member.call("POST", f"/api/collections/{slug}/items", body)
        assert answer.status_code == 400
        assert "item.type must be one of model, dataset, space, paper, collection, bucket." in answer.text


class TestItems:
    async def test_hidden_kinds_take_no_place(self, hub: Hub, shelf: Shelf):
        """Acceptance, decision 2 and story D: what the Hub does not know is left out; positions count the rest."""
        slug = await shelf.member.collection(unique("Mixed"))
        models = [await shelf.member.repo() for _ in range(3)]
        hidden = [
            ItemRef(shelf.version.item_id),
            ItemRef(shelf.project_id),
            ItemRef(shelf.link.card.id),
            ItemRef(shelf.version.artifact_id),
        ]
        await put(hub, shelf, slug, hidden[:2])
        await shelf.member.add(slug, models[0], note="first")
        await put(hub, shelf, slug, hidden[2:3])
        await shelf.member.add(slug, models[1])
        nested = await shelf.member.collection(unique("Nested"))
        await shelf.member.add(slug, nested, "collection")
        await put(hub, shelf, slug, hidden[3:])
        await shelf.member.add(slug, models[2])
        found = (await shelf.member.make("GET", f"/api/collections/{slug}"))["items"]
        assert [(item["type"], item["id"]) for item in found if item["type"] == "model"] == [
            ("model", model) for model in models
        ]
        assert [item["type"] for item in found] == ["model", "model", "collection", "model"]
        assert [item["position"] for item in found] == [0, 1, 2, 3]
        await shelf.member.make("PATCH", f"/api/collections/{slug}/items/{found[3]['_id']}", {"position": 1})
        after = (await shelf.member.make("GET", f"/api/collections/{slug}"))["items"]
        assert [item["_id"] for item in after] == [found[place]["_id"] for place in (0, 3, 1, 2)]
        async with hub.db.reading() as tx:
            assert (await collections.get(tx, shelf.lab.member.actor, slug)).entry_count == 8

    async def test_a_list_shows_four_that_it_knows(self, hub: Hub, shelf: Shelf):
        """Each row of a list has the first four items, though hidden ones stand before them."""
        plain, mixed = await shelf.member.collection(unique("Plain")), await shelf.member.collection(unique("Mixed"))
        models = [await shelf.member.repo() for _ in range(5)]
        await put(hub, shelf, mixed, [ItemRef(shelf.version.item_id), ItemRef(shelf.link.card.id)])
        for slug in (plain, mixed):
            for model in models:
                await shelf.member.add(slug, model)
        only = await shelf.member.collection(unique("Only"))
        await put(hub, shelf, only, [ItemRef(shelf.version.item_id)])
        rows = await shelf.member.make("GET", f"/api/collections?owner={shelf.member.name}")
        shown: dict[str, Any] = {row["slug"]: row["items"] for row in rows}
        for slug in (plain, mixed):
            assert [item["id"] for item in shown[slug]] == models[:4]
            assert [item["position"] for item in shown[slug]] == [0, 1, 2, 3]
        assert shown[only] == []


class TestAccounts:
    async def test_registries_are_no_organizations(self, hub: Hub, shelf: Shelf):
        """A role in a registry, restricted viewers' too, does not show in who one is."""
        guest = await shelf.lab.person(shelf.registry, "restricted_viewer")
        person = Person(guest.name, guest.token, hub.client)
        assert (await person.make("GET", "/api/whoami-v2"))["orgs"] == []
        orgs = (await shelf.member.make("GET", "/api/whoami-v2"))["orgs"]
        assert shelf.registry.handle not in [org["name"] for org in orgs]
        overview = await person.make("GET", f"/api/users/{shelf.member.name}/overview")
        assert shelf.registry.handle not in [org["name"] for org in overview["orgs"]]
        for path in ("overview", "members"):
            answer = await shelf.member.call("GET", f"/api/organizations/{shelf.registry.handle}/{path}")
            assert answer.status_code == 404
        body = {"title": "x", "namespace": shelf.registry.handle}
        assert (await shelf.member.call("POST", "/api/collections", body)).status_code == 404
