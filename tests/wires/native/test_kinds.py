"""Kinds over the native API: releases, artifacts, versions, projects and registries in the lists of everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import httpx2
import pytest
import pytest_asyncio

from factories.people import unique
from factories.releases import Lab, Made, make_lab, make_version
from pinakes.api import catalog as api, collections
from pinakes.api.common import CollectionKind, ItemKind, Page
from pinakes.api.media import MediaKind
from pinakes.server.catalog.types import KINDS
from pinakes.server.db import Database
from pinakes.server.registries.types import Link, Registry
from pinakes.server.search.service import FOUND
from support.native import Api, expect


@dataclass(frozen=True)
class Shelf:
    """A registry with a release of one version, a showcase, and people around them."""

    lab: Lab
    word: str
    registry: Registry
    link: Link
    version: Made
    member: Api
    outsider: Api


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shelf(db: Database, client: httpx2.AsyncClient) -> Shelf:
    lab, word = await make_lab(db), unique("kinds").replace("-", "q")
    registry = await lab.registry(f"{word} models", description="Fine-tuned")
    version = await make_version(db, lab.team, f"{word}-net", project=f"{word}-lab")
    link = await lab.link(registry, f"{word} best", version)
    return Shelf(lab, word, registry, link, version, Api(client, lab.member), Api(client, lab.outsider))


async def test_collections_of_every_kind(shelf: Shelf):
    """Each says its kind, and can be asked for by it."""
    mine = await shelf.member.made(title=f"{shelf.word} mine")
    kinds = {mine.slug: "showcase", shelf.link.card.slug: "release"}
    for kind in (None, "showcase", "release", "artifact"):
        params = {"q": shelf.word} | ({"kind": kind} if kind else {})
        page = expect(await shelf.member("GET", "/collections", params=params), 200, Page[collections.Collection])
        found = {row.slug: row.kind for row in page.rows}
        assert set(found.values()) == ({kind} if kind else {"showcase", "release", "artifact"})
        assert {slug: kind for slug, kind in found.items() if kind != "artifact"} == {
            slug: of for slug, of in kinds.items() if kind in (None, of)
        }
        page = expect(await shelf.outsider("GET", "/collections", params=params), 200, Page[collections.Collection])
        assert [row.slug for row in page.rows] == ([mine.slug] if kind in (None, "showcase") else [])


async def test_a_release_by_its_address(shelf: Shelf):
    slug = shelf.link.card.public_id
    found = expect(await shelf.member("GET", f"/collections/{slug}"), 200, collections.Collection)
    assert (found.kind, found.owner, found.owner_kind) == ("release", shelf.registry.handle, "registry")
    page = expect(await shelf.member("GET", f"/collections/{slug}/entries"), 200, Page[collections.Entry])
    assert [(row.item.kind, row.item.id) for row in page.rows] == [("version", shelf.version.item_id)]
    assert (await shelf.outsider("GET", f"/collections/{slug}")).status_code == 404


@pytest.mark.parametrize("kind", ["release", "artifact", "wombat"])
async def test_only_showcases_are_made_here(shelf: Shelf, kind: str):
    answer = await shelf.member("POST", "/collections", json={"title": unique("x"), "kind": kind})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "kind"


async def test_a_showcase_of_everything(shelf: Shelf):
    """Story D: a model's version, its project and the release, side by side."""
    items = [shelf.version.item_id, shelf.link.card.id, shelf.version.artifact_id]
    made = await shelf.member.made(items=[{"item": item} for item in items])
    page = expect(await shelf.member("GET", f"/collections/{made.id}/entries"), 200, Page[collections.Entry])
    assert [row.item.kind for row in page.rows] == ["version", "collection", "collection"]
    nested = [row.item.nested.kind for row in page.rows if row.item.nested is not None]
    assert nested == ["release", "artifact"]
    page = expect(await shelf.outsider("GET", f"/collections/{made.id}/entries"), 200, Page[collections.Entry])
    assert page.rows == []


async def test_items_of_every_kind(shelf: Shelf):
    for kind, number in (("version", shelf.version.item_id), ("project", None), ("collection", shelf.link.card.id)):
        params = {"kind": kind, "q": shelf.word}
        page = expect(await shelf.member("GET", "/items", params=params), 200, Page[api.Item])
        assert {row.kind for row in page.rows} == {kind}
        assert number is None or number in [row.id for row in page.rows]
    assert expect(await shelf.member("GET", "/items", params={"q": shelf.word}), 200, Page[api.Item]).rows
    found = expect(await shelf.member("GET", f"/items/{shelf.version.item_id}"), 200, api.Item)
    assert found.address == f"{shelf.lab.team.name}/{shelf.word}-lab/{shelf.word}-net:v0"


async def test_a_search_finds_all_of_them(shelf: Shelf):
    page = expect(await shelf.member("GET", "/search", params={"q": shelf.word}), 200, Page[api.SearchHit])
    found = {(row.kind, row.collection_kind): row for row in page.rows}
    kinds = {("registry", None), ("collection", "release"), ("collection", "artifact"), ("version", None)}
    assert kinds | {("project", None)} <= set(found)
    registry = found["registry", None]
    assert (registry.id, registry.address) == (shelf.registry.id, shelf.registry.handle)
    assert (registry.title, registry.description) == (shelf.registry.name, "Fine-tuned")
    assert "registry:manage" in registry.can
    assert found["collection", "release"].address == shelf.link.card.slug
    for kind in ("registry", "release", "artifact", "version", "project"):
        params = {"q": shelf.word, "kind": kind}
        page = expect(await shelf.member("GET", "/search", params=params), 200, Page[api.SearchHit])
        assert {row.collection_kind or row.kind for row in page.rows} == {kind}
        page = expect(await shelf.outsider("GET", "/search", params=params), 200, Page[api.SearchHit])
        assert page.rows == []


def test_a_search_knows_every_kind():
    """The contract spells them out; the room has them in its own words. Media are found in their projects."""
    found = {*get_args(ItemKind), *get_args(CollectionKind), "registry"} - {*get_args(MediaKind)}
    assert set(get_args(api.SearchKind)) == found == set(FOUND)
    assert set(get_args(ItemKind)) - {*get_args(MediaKind)} == set(KINDS)
