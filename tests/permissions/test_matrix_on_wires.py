"""The matrix over every wire that has the verb: the native API and the Hub's, in process, on real tokens and rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx2
import pytest

from factories.people import make_team, make_user, unique
from factories.releases import make_version
from permissions.matrix import ROWS, Row, World
from pinakes.server.catalog import datasets, media, media_projects, projects, service as catalog, workspaces
from pinakes.server.catalog.media_types import MediaProjectChanges, NewMedia
from pinakes.server.catalog.types import ProjectChanges
from pinakes.server.collections import service as collections
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import links, releases
from pinakes.server.registries.types import Existing, InRegistry

STATUSES = {"yes": {200, 201, 204}, "sign-in": {401}, "role": {403}, "scope": {403}, "hidden": {404}}
IN_TRASH = {Permission.COLLECTION_RESTORE, Permission.COLLECTION_PURGE}


@dataclass
class Scene:
    """One row's scene: who asks, about whose thing; things are made when an attempt needs one."""

    client: httpx2.AsyncClient
    world: World
    row: Row
    headers: dict[str, str]
    actor_name: str

    @property
    def owner(self) -> str:
        if self.row.in_registry:
            return self.world.registries[self.row.owner].handle
        return self.world.account(self.row).name

    async def ask(self, method: str, path: str, body: object = None) -> int:
        response = await self.client.request(method, path, headers=self.headers, json=body)
        assert response.status_code < 500, response.text
        return response.status_code

    async def collection(self, *, in_trash: bool = False) -> str:
        """A new collection of the owner, in a registry a release; its slug."""
        root = self.world.root.actor
        async with self.world.db.transaction() as tx:
            if self.row.in_registry:
                registry = self.world.registries[self.row.owner]
                target = InRegistry(registry.name, unique("Title"), registry.organization)
                card = (await releases.create(tx, root, target, ["model"])).card
                made = await collections.get(tx, root, card.public_id)
            else:
                made = await collections.create(
                    tx, root, owner=self.owner, title=unique("Title"), visibility=self.row.visibility
                )
            if in_trash:
                await collections.delete(tx, root, made.public_id)
        return made.slug

    async def native(self, *, in_trash: bool = False) -> str:
        """The path of a new collection in the native API."""
        return f"/api/v1/collections/{(await self.collection(in_trash=in_trash)).split('/')[1]}"

    async def model(self, owner: str | None = None, visibility: str | None = None) -> str:
        """A new model of the owner; its address."""
        async with self.world.db.transaction() as tx:
            made = await catalog.create_repo(
                tx,
                self.world.root.actor,
                "model",
                owner or self.owner,
                unique("model"),
                visibility=visibility or self.row.visibility,
            )
        return made.address

    async def public_model(self) -> str:
        """A model that everybody sees."""
        return await self.model(self.world.root.name, "public")

    async def version(self) -> int:
        """A new version: in a project of the owner's, or of a team that nobody is in, linked into a release."""
        root, db = self.world.root.actor, self.world.db
        if not self.row.in_registry:
            return (await make_version(db, self.world.account(self.row), project=await self.project_name())).id
        vault = await make_team(db, self.world.organization)
        made = await make_version(db, vault)
        async with db.transaction() as tx:
            await links.link(tx, root, made.id, Existing((await self.collection())[-24:]))
        return made.id

    async def project_name(self) -> str:
        """A new project of the owner; its name."""
        root, name = self.world.root.actor, unique("project")
        async with self.world.db.transaction() as tx:
            made = await projects.ensure_project(tx, root, self.world.account(self.row), name)
            await projects.update_project(tx, root, made.id, ProjectChanges(visibility=self.row.visibility))
        return name

    async def project(self) -> str:
        """The path of a new project."""
        return f"/api/v1/projects/{self.owner}/{await self.project_name()}"

    async def medium(self) -> int:
        """A new item in a project of media of the owner; its number. Nobody has a job that holds it."""
        root = self.world.root.actor
        async with self.world.db.transaction() as tx:
            place = await workspaces.first(tx, root, self.world.account(self.row).id)
            made = await media_projects.create(tx, root, place.id, unique("media"), "images")
            changes = MediaProjectChanges(visibility=self.row.visibility)
            await media_projects.update(tx, root, made.id, changes)
            dataset = await datasets.create(tx, root, made.id, "ds")
            (item,) = await media.add(tx, root, dataset.id, [NewMedia("a.png", link="https://example.org/a.png")])
        return item.id

    async def shelf(self) -> str:
        """The path of the registry."""
        registry = self.world.registries[self.row.owner]
        return f"/api/v1/organizations/{registry.organization}/registries/{quote(registry.name)}"

    @property
    def heir(self) -> str:
        """Whom to give something away to: the actor himself; a bound token may give it nowhere but where it is."""
        return self.owner if self.row.binding else self.actor_name or self.world.root.name


async def native_curate(s: Scene) -> int:
    item = {"item": {"kind": "model", "address": await s.public_model()}}
    return await s.ask("POST", f"{await s.native()}/entries", {"items": [item]})


async def native_manage(s: Scene) -> int:
    somebody = await make_user(s.world.db, "somebody")
    path = f"/api/v1/organizations/{s.owner}/members/{somebody.name}"
    return await s.ask("PUT", path, {"role": "viewer"})


async def native_files(s: Scene) -> int:
    return await s.ask("GET", f"/api/v1/versions/{await s.version()}/files")


async def native_alias(s: Scene) -> int:
    """Set an alias in a release: linking a version takes one that the person may load, too."""
    release, vault = await s.collection(), await make_team(s.world.db, s.world.organization)
    version = await make_version(s.world.db, vault)
    async with s.world.db.transaction() as tx:
        await links.link(tx, s.world.root.actor, version.id, Existing(release[-24:]))
    return await s.ask("PUT", f"/api/v1/collections/{release[-24:]}/aliases/best", {"version": version.id})


async def native_label(s: Scene) -> int:
    return await s.ask("PUT", f"/api/v1/media/{await s.medium()}/annotation", {})


async def native_queue(s: Scene) -> int:
    async with s.world.db.reading() as tx:
        found = await media.get(tx, s.world.root.actor, await s.medium())
    return await s.ask("POST", "/api/v1/queues", {"name": unique("queue"), "dataset": found.dataset_id})


async def hub_curate(s: Scene) -> int:
    item = {"item": {"type": "model", "id": await s.public_model()}}
    return await s.ask("POST", f"/api/collections/{await s.collection()}/items", item)


async def hub_move(s: Scene) -> int:
    source = await s.model()
    body = {"fromRepo": source, "toRepo": f"{s.owner}/{unique('moved')}", "type": "model"}
    return await s.ask("POST", "/api/repos/move", body)


async def hub_delete(s: Scene) -> int:
    owner, name = (await s.model()).split("/")
    return await s.ask("DELETE", "/api/repos/delete", {"name": name, "organization": owner, "type": "model"})


Attempt = Callable[[Scene], Awaitable[int]]


def _on(
    make: Callable[[Scene], Awaitable[str]], method: str, path: str, body: Callable[[Scene], object] | None = None
) -> Attempt:
    """An attempt on a new thing: `{}` in the path is where it is."""

    async def attempt(s: Scene) -> int:
        where = await make(s)
        return await s.ask(method, path.format(where), body(s) if body else None)

    return attempt


def _plain(method: str, path: str, body: Callable[[Scene], object] | None = None) -> Attempt:
    """An attempt without a thing: `{}` in the path is the owner."""

    async def attempt(s: Scene) -> int:
        return await s.ask(method, path.format(s.owner), body(s) if body else None)

    return attempt


async def _trashed(s: Scene) -> str:
    return await s.native(in_trash=True)


NATIVE: dict[Permission, Attempt] = {
    Permission.COLLECTION_READ: _on(Scene.native, "GET", "{}"),
    Permission.COLLECTION_CREATE: _plain(
        "POST", "/api/v1/collections", lambda s: {"owner": s.owner, "title": unique("New")}
    ),
    Permission.COLLECTION_CURATE: native_curate,
    Permission.COLLECTION_UPDATE: _on(Scene.native, "PATCH", "{}", lambda _: {"description": "changed"}),
    Permission.COLLECTION_DELETE: _on(Scene.native, "DELETE", "{}"),
    Permission.COLLECTION_RESTORE: _on(_trashed, "POST", "{}/restore"),
    Permission.COLLECTION_TRANSFER: _on(Scene.native, "POST", "{}/transfer", lambda s: {"owner": s.heir}),
    Permission.COLLECTION_PURGE: _on(_trashed, "POST", "{}/purge"),
    Permission.COLLECTION_VOTE: _on(Scene.native, "PUT", "{}/vote"),
    Permission.ITEM_READ: _on(Scene.model, "GET", "/api/v1/repos/model/{}"),
    Permission.ITEM_CREATE: _plain(
        "POST", "/api/v1/repos", lambda s: {"kind": "model", "owner": s.owner, "name": unique("new")}
    ),
    Permission.ITEM_UPDATE: _on(Scene.model, "PATCH", "/api/v1/repos/model/{}", lambda _: {"gated": "auto"}),
    Permission.ITEM_MOVE: _on(
        Scene.model, "POST", "/api/v1/repos/model/{}/move", lambda s: {"to": f"{s.owner}/{unique('moved')}"}
    ),
    Permission.ITEM_DELETE: _on(Scene.model, "DELETE", "/api/v1/repos/model/{}"),
    Permission.ITEM_VOTE: _on(Scene.model, "PUT", "/api/v1/repos/model/{}/like"),
    Permission.PROJECT_WRITE: _on(Scene.project, "PATCH", "{}", lambda _: {"description": "changed"}),
    Permission.PROJECT_DELETE: _on(Scene.project, "DELETE", "{}"),
    Permission.LABEL_WRITE: native_label,
    Permission.QUEUE_MANAGE: native_queue,
    Permission.VERSION_DOWNLOAD: native_files,
    Permission.REGISTRY_CREATE: _plain(
        "POST", "/api/v1/organizations/{}/registries", lambda _: {"name": unique("Models")}
    ),
    Permission.ORGANIZATION_READ: _plain("GET", "/api/v1/organizations/{}/members"),
    Permission.ORGANIZATION_MANAGE: native_manage,
}

HUB: dict[Permission, Attempt] = {
    Permission.COLLECTION_READ: _on(Scene.collection, "GET", "/api/collections/{}"),
    Permission.COLLECTION_CREATE: _plain(
        "POST", "/api/collections", lambda s: {"title": unique("New"), "namespace": s.owner, "private": False}
    ),
    Permission.COLLECTION_CURATE: hub_curate,
    Permission.COLLECTION_UPDATE: _on(
        Scene.collection, "PATCH", "/api/collections/{}", lambda _: {"description": "changed"}
    ),
    Permission.COLLECTION_DELETE: _on(Scene.collection, "DELETE", "/api/collections/{}"),
    Permission.ITEM_READ: _on(Scene.model, "GET", "/api/models/{}"),
    Permission.ITEM_CREATE: _plain(
        "POST", "/api/repos/create", lambda s: {"name": unique("new"), "organization": s.owner, "type": "model"}
    ),
    Permission.ITEM_UPDATE: _on(Scene.model, "PUT", "/api/models/{}/settings", lambda _: {"gated": "auto"}),
    Permission.ITEM_MOVE: hub_move,
    Permission.ITEM_DELETE: hub_delete,
    Permission.ITEM_VOTE: _on(Scene.model, "POST", "/api/models/{}/like"),
    Permission.ORGANIZATION_READ: _plain("GET", "/api/organizations/{}/members"),
}


# What one does with a registry and its releases; the Hub knows of showcases only.
RELEASES: dict[Permission, Attempt] = {
    Permission.COLLECTION_READ: NATIVE[Permission.COLLECTION_READ],
    Permission.COLLECTION_CREATE: _on(
        Scene.shelf, "POST", "{}/collections", lambda _: {"name": unique("New"), "types": ["model"]}
    ),
    Permission.COLLECTION_CURATE: native_alias,
    Permission.COLLECTION_UPDATE: NATIVE[Permission.COLLECTION_UPDATE],
    Permission.COLLECTION_DELETE: NATIVE[Permission.COLLECTION_DELETE],
    Permission.COLLECTION_RESTORE: NATIVE[Permission.COLLECTION_RESTORE],
    Permission.COLLECTION_PURGE: NATIVE[Permission.COLLECTION_PURGE],
    Permission.COLLECTION_VOTE: NATIVE[Permission.COLLECTION_VOTE],
    Permission.VERSION_DOWNLOAD: native_files,
    Permission.REGISTRY_MANAGE: _on(Scene.shelf, "PUT", "{}/protected-aliases/production", lambda _: {"approvals": 0}),
}
SHOWCASES = [row for row in ROWS if not row.in_registry]


@pytest.mark.parametrize("row", [row for row in ROWS if row.in_registry], ids=str)
async def test_a_row_about_a_registry(client: httpx2.AsyncClient, world: World, row: Row):
    assert await _wrong(client, world, row, RELEASES) == {}


@pytest.mark.parametrize("wire", ["native", "huggingface"])
@pytest.mark.parametrize("row", SHOWCASES, ids=str)
async def test_a_row_over_a_wire(client: httpx2.AsyncClient, world: World, row: Row, wire: str):
    assert await _wrong(client, world, row, NATIVE if wire == "native" else HUB) == {}


async def _wrong(
    client: httpx2.AsyncClient, world: World, row: Row, attempts: dict[Permission, Attempt]
) -> dict[Permission, tuple[str, int]]:
    """Try all that a row says; return what should have come, and the status that did, where they differ."""
    person = await world.person(row)
    headers = person.headers if person else {}
    scene = Scene(client, world, row, headers, person.name if person else "")
    wrong: dict[Permission, tuple[str, int]] = {}
    for permission, attempt in attempts.items():
        expected = row.expected[permission]
        if expected == "-":
            continue
        status = await attempt(scene)
        fine = STATUSES[expected]
        if expected == "hidden" and person is None:
            fine = fine | {401}  # to ask for a sign-in first gives nothing away either
        if status not in fine:
            wrong[permission] = (expected, status)
    return wrong


@pytest.mark.parametrize(
    "row", [row for row in SHOWCASES if row.expected[Permission.COLLECTION_READ] == "hidden"], ids=str
)
async def test_what_is_hidden_looks_like_what_is_not_there(client: httpx2.AsyncClient, world: World, row: Row):
    """Word for word, over both wires."""
    person = await world.person(row)
    scene = Scene(client, world, row, person.headers if person else {}, person.name if person else "")
    slug = await scene.collection()
    absent = f"{scene.owner}/{slug.split('/')[1][:-24]}{'0' * 24}"
    model, no_model = await scene.model(), f"{scene.owner}/{unique('model')}"
    for hidden, nothing in (
        (f"/api/v1/collections/{slug.split('/')[1]}", f"/api/v1/collections/{absent.split('/')[1]}"),
        (f"/api/collections/{slug}", f"/api/collections/{absent}"),
        (f"/api/models/{model}", f"/api/models/{no_model}"),
        (f"/api/v1/repos/model/{model}", f"/api/v1/repos/model/{no_model}"),
    ):
        first, second = [
            await client.get(path, headers={**scene.headers, "X-Request-Id": "same"}) for path in (hidden, nothing)
        ]
        assert first.status_code == second.status_code == 404
        assert first.text.replace(model, no_model) == second.text
        differing = {"content-length", "date"}
        headers = [{k: v for k, v in answer.headers.items() if k not in differing} for answer in (first, second)]
        assert str(headers[0]).replace(model, no_model) == str(headers[1])


@pytest.mark.parametrize("row", [row for row in SHOWCASES if row.visibility == "private"], ids=str)
async def test_lists_show_what_reading_shows(client: httpx2.AsyncClient, world: World, row: Row):
    """Lists of both wires hold a private collection exactly for those who may read it."""
    person = await world.person(row)
    scene = Scene(client, world, row, person.headers if person else {}, person.name if person else "")
    slug = await scene.collection()
    model = await scene.model()
    readable = row.expected[Permission.COLLECTION_READ] == "yes"
    for path, what in (
        (f"/api/v1/collections?owner={scene.owner}&limit=100", slug.split("-")[-1]),
        (f"/api/collections?owner={scene.owner}&sort=lastModified&limit=100", slug.split("-")[-1]),
        (f"/api/models?author={scene.owner}&sort=lastModified&limit=100", model),
        (f"/api/v1/repos?owner={scene.owner}&sort=createdAt&limit=100", model),
        (f"/api/v1/items?owner={scene.owner}&kind=model&limit=100", model),
    ):
        response = await client.get(path, headers=scene.headers)
        assert response.status_code == 200
        assert (what in response.text) == readable, path


@pytest.mark.parametrize("row", [row for row in ROWS if row.in_registry], ids=str)
async def test_releases_are_listed_to_whom_they_are_for(client: httpx2.AsyncClient, world: World, row: Row):
    """And a hidden one looks like one that is not there."""
    person = await world.person(row)
    scene = Scene(client, world, row, person.headers if person else {}, person.name if person else "")
    public_id = (await scene.collection())[-24:]
    readable = row.expected[Permission.COLLECTION_READ] == "yes"
    path = f"/api/v1/collections?owner={scene.owner}&limit=100"
    response = await client.get(path, headers=scene.headers)
    assert response.status_code == 200
    assert (public_id in response.text) == readable
    if not readable:
        headers = {**scene.headers, "X-Request-Id": "same"}
        hidden, absent = [
            await client.get(f"/api/v1/collections/{found}", headers=headers) for found in (public_id, "0" * 24)
        ]
        assert (hidden.status_code, hidden.text) == (absent.status_code, absent.text)


@pytest.mark.parametrize("row", [row for row in ROWS if row.in_registry], ids=str)
async def test_explain_knows_registries(client: httpx2.AsyncClient, world: World, row: Row):
    """By their handles, with the grant that counts; whoever sees none is told that there is none."""
    person = await world.person(row)
    if person is None:
        return
    registry = world.registries[row.owner]
    for permission in (Permission.COLLECTION_CURATE, Permission.VERSION_DOWNLOAD, Permission.REGISTRY_MANAGE):
        path = f"/api/v1/permissions/explain?owner={registry.handle}&permission={permission}"
        response = await client.get(path, headers=person.headers)
        if row.expected[permission] == "hidden":
            assert response.status_code == 404
            continue
        found = response.json()
        assert found["allowed"] == (row.expected[permission] == "yes")
        assert found["grants"] or row.actor == "server admin"


def test_every_verb_of_the_matrix_is_tried_over_some_wire():
    assert set(ROWS[0].expected) == set(NATIVE) | set(HUB) | set(RELEASES)
