"""Registries, releases, versions and projects over the native API: whole answers, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio
from inline_snapshot import snapshot

from factories.people import Person, make_user, unique
from factories.releases import Lab, make_lab
from pinakes.api import releases as api
from pinakes.api.common import Page
from pinakes.server.actor import system
from pinakes.server.db import Database
from pinakes.server.registries import members
from support.native import Api, expect, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


@pytest_asyncio.fixture(loop_scope="session")
async def admin(client: httpx2.AsyncClient, lab: Lab) -> Api:
    """The organization's admin."""
    return Api(client, lab.admin)


@pytest_asyncio.fixture(loop_scope="session")
async def member(client: httpx2.AsyncClient, lab: Lab) -> Api:
    """A member of the organization and its team, who logs versions."""
    return Api(client, lab.member)


@pytest_asyncio.fixture(loop_scope="session")
async def outsider(client: httpx2.AsyncClient, lab: Lab) -> Api:
    """Somebody who is nothing to the organization."""
    return Api(client, lab.outsider)


def shelf(lab: Lab, registry: str) -> str:
    """The path of a registry."""
    return f"/organizations/{lab.org.name}/registries/{quote(registry)}"


async def opened(admin: Api, lab: Lab, **settings: object) -> str:
    """Open a registry, and return its path."""
    name = unique("Fine-tuned models")
    answer = await admin("POST", f"/organizations/{lab.org.name}/registries", json={"name": name, **settings})
    expect(answer, 201, api.Registry)
    return shelf(lab, name)


async def logged(member: Api, lab: Lab, content: bytes, *, project: str = "digits", of: str = "model") -> api.Version:
    """Log a version with one file and a reference, all the way; the same content is the same version."""
    body = {
        "artifact": "reader",
        "type": of,
        "metadata": {"accuracy": 0.98},
        "aliases": ["best"],
        "files": [
            {"path": "deep/weights.bin", "size": len(content), "md5": hashlib.md5(content).hexdigest()},
            {"path": "images", "reference": "s3://bucket/images"},
        ],
    }
    path = f"/projects/{lab.team.name}/{project}/versions"
    draft = expect(await member("POST", path, json=body), 201, api.DraftVersion)
    for upload in draft.uploads:
        assert (await member.client.put(upload.url, content=content)).status_code == 200
    if draft.existing:
        return draft.version
    return expect(await member("POST", f"/versions/{draft.version.id}/commit"), 200, api.Version)


async def linked(admin: Api, where: str, version: api.Version, *aliases: str) -> api.Link:
    """Link a version into the release "MNIST" of a registry."""
    body = {"version": version.id, "collection": "MNIST", "aliases": aliases, "reason": "passed"}
    return expect(await admin("POST", f"{where}/links", json=body), 200, api.Link)


def frozen(lab: Lab, answer: httpx2.Response) -> Any:  # noqa: ANN401 - what JSON holds
    """An answer without what differs from run to run."""
    text = answer.text
    people = {"ADMIN": lab.admin, "MEMBER": lab.member, "VIEWER": lab.viewer}
    names = {"TEAM": lab.team.name, "ORG": lab.org.name} | {word: person.name for word, person in people.items()}
    for word, name in names.items():
        text = text.replace(name, word)
    text = re.sub(r"([Ff]ine-tuned[- ]models)-\d+-\d+", r"\1", text)
    text = re.sub(r"[0-9a-f]{24}(?![0-9a-f])(?<![0-9a-f]{32})", "ID", text)
    return _without_times(json.loads(text))


def _without_times(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_without_times(one) for one in value]
    if not isinstance(value, dict):
        return value
    varying = {"id", "item", "version", "at", "request_id", "collection", "url"}
    return {
        key: "…"
        if one is not None and (key.endswith("_at") or (key in varying and not isinstance(one, dict)))
        else _without_times(one)
        for key, one in value.items()
    }


# --- Whole answers


async def test_a_registry(admin: Api, lab: Lab) -> None:
    name = unique("Fine-tuned models")
    body = {"name": name, "description": "What counts", "types": ["model"]}
    answer = await admin("POST", f"/organizations/{lab.org.name}/registries", json=body)
    expect(answer, 201, api.Registry)
    assert frozen(lab, answer) == snapshot(
        {
            "id": "…",
            "organization": "ORG",
            "handle": "ORG.fine-tuned-models",
            "name": "Fine-tuned models",
            "description": "What counts",
            "visibility": "organization",
            "types": ["model"],
            "all_types": False,
            "on_deletion": "refuse",
            "collection_count": 0,
            "created_by": "ADMIN",
            "created_at": "…",
            "updated_at": "…",
            "can": [
                "collection:create",
                "collection:curate",
                "collection:delete",
                "collection:purge",
                "collection:read",
                "collection:restore",
                "collection:transfer",
                "collection:update",
                "collection:vote",
                "item:create",
                "item:delete",
                "item:move",
                "item:read",
                "item:update",
                "item:vote",
                "label:write",
                "organization:manage",
                "organization:read",
                "project:delete",
                "project:write",
                "queue:manage",
                "registry:create",
                "registry:manage",
                "version:download",
            ],
        }
    )
    where = shelf(lab, name)
    assert (await admin("GET", where)).json() == answer.json()
    answer = await admin("PUT", f"{where}/members/{lab.viewer.name}", json={"role": "restricted_viewer"})
    assert frozen(lab, answer) == snapshot(
        {"name": "VIEWER", "display_name": "", "role": "restricted_viewer", "created_at": "…"}
    )
    answer = await admin("PUT", f"{where}/protected-aliases/production", json={"approvals": 2, "reason": "live"})
    assert frozen(lab, answer) == snapshot(
        {"alias": "production", "approvals": 2, "created_by": "ADMIN", "created_at": "…"}
    )
    expect(await admin("GET", f"{where}/members"), 200, Page[api.RegistryMember])
    expect(await admin("GET", f"{where}/protected-aliases"), 200, Page[api.ProtectedAlias])
    assert (await admin("DELETE", f"{where}/protected-aliases/production")).status_code == 204
    assert (await admin("DELETE", where)).status_code == 204
    refused(await admin("GET", where), 404, "registry_not_found", "registry")


async def test_a_version(member: Api, lab: Lab) -> None:
    content = b"version"
    body = {
        "artifact": "reader",
        "type": "model",
        "files": [{"path": "a", "size": 7, "md5": hashlib.md5(content).hexdigest()}],
    }
    path = f"/projects/{lab.team.name}/digits/versions"
    answer = await member("POST", path, json=body)
    draft = expect(answer, 201, api.DraftVersion)
    assert frozen(lab, answer) == snapshot(
        {
            "version": {
                "id": "…",
                "item": None,
                "name": "reader",
                "number": None,
                "source": "TEAM/digits/reader",
                "type": "model",
                "state": "pending",
                "digest": "0954f0905fe42c6edc2f62660dbc6ac3",
                "size": 0,
                "file_count": 0,
                "description": None,
                "metadata": {},
                "tags": [],
                "ttl_seconds": None,
                "created_by": "MEMBER",
                "created_at": "…",
                "updated_at": "…",
                "committed_at": None,
                "deleted_at": None,
            },
            "existing": False,
            "uploads": [{"path": "a", "url": "…"}],
        }
    )
    missing = await member("POST", f"/versions/{draft.version.id}/commit")
    assert refused(missing, 422, "invalid", "files") == {"missing": ["a"], "count": 1}
    wrong = await member.client.put(draft.uploads[0].url, content=b"another")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")
    assert (await member.client.put(draft.uploads[0].url, content=content)).status_code == 200
    answer = await member("POST", f"/versions/{draft.version.id}/commit")
    expect(answer, 200, api.Version)
    assert frozen(lab, answer) == snapshot(
        {
            "id": "…",
            "item": "…",
            "name": "reader",
            "number": 0,
            "source": "TEAM/digits/reader:v0",
            "type": "model",
            "state": "committed",
            "digest": "0954f0905fe42c6edc2f62660dbc6ac3",
            "size": 7,
            "file_count": 1,
            "description": None,
            "metadata": {},
            "tags": [],
            "ttl_seconds": None,
            "created_by": "MEMBER",
            "created_at": "…",
            "updated_at": "…",
            "committed_at": "…",
            "deleted_at": None,
        }
    )
    assert (await member("POST", f"/versions/{draft.version.id}/commit")).json() == answer.json()
    again = expect(await member("POST", path, json=body), 201, api.DraftVersion)
    assert (again.existing, again.version.id, again.uploads) == (True, draft.version.id, [])
    answer = await member("GET", f"/versions/{draft.version.id}/files")
    [file] = expect(answer, 200, Page[api.VersionFile]).rows
    assert frozen(lab, answer) == snapshot(
        {
            "rows": [
                {
                    "path": "a",
                    "size": 7,
                    "digest": "KvcvEAw1YnPUYoT2/R38CA==",
                    "md5": "2af72f100c356273d46284f6fd1dfc08",
                    "reference": None,
                    "url": "…",
                }
            ],
            "next": None,
        }
    )
    got = await member.client.get(file.url, headers={"Range": "bytes=3-"})
    assert (got.status_code, got.content) == (206, b"sion")


async def test_a_link(admin: Api, member: Api, lab: Lab) -> None:
    where, version = await opened(admin, lab), await logged(member, lab, b"link")
    body = {"version": version.id, "collection": "MNIST", "aliases": ["production"], "reason": "passed"}
    answer = await admin("POST", f"{where}/links", json=body)
    made = expect(answer, 200, api.Link)
    assert frozen(lab, answer) == snapshot(
        {
            "collection": {
                "id": "…",
                "kind": "release",
                "name": "MNIST",
                "slug": "ORG.fine-tuned-models/mnist-ID",
                "types": ["model"],
                "description": "",
                "tags": [],
                "project": None,
                "organization": "ORG",
                "registry": "Fine-tuned models",
                "version_count": 1,
                "revision": 2,
                "created_at": "…",
                "updated_at": "…",
            },
            "number": 0,
            "aliases": ["latest", "production"],
            "linked_at": "…",
            "revision": 2,
            "new": True,
            "created": True,
        }
    )
    it = f"/collections/{made.collection.id}"
    answer = await admin("GET", f"{it}/versions/production")
    expect(answer, 200, api.LinkedVersion)
    assert frozen(lab, answer) == snapshot(
        {
            "number": 0,
            "aliases": ["latest", "production"],
            "linked_at": "…",
            "linked_by": "ADMIN",
            "broken": False,
            "version": {
                "id": "…",
                "item": "…",
                "name": "reader",
                "number": 0,
                "source": "TEAM/digits/reader:v0",
                "type": "model",
                "state": "committed",
                "digest": "e8ae6b0ba9f39a1ebd628447806d6309",
                "size": 4,
                "file_count": 2,
                "description": None,
                "metadata": {"accuracy": 0.98},
                "tags": [],
                "ttl_seconds": None,
                "created_by": "MEMBER",
                "created_at": "…",
                "updated_at": "…",
                "committed_at": "…",
                "deleted_at": None,
            },
        }
    )
    named = "/named/" + "/".join([lab.org.name, quote(made.collection.registry or ""), "MNIST"])
    assert (await admin("GET", f"{named}/versions/v0")).json() == answer.json()
    assert (await admin("GET", named)).json() == (await admin("GET", f"{it}/numbered")).json()
    source = await member("GET", f"/named/{lab.team.name}/digits/reader/versions/best")
    assert expect(source, 200, api.LinkedVersion).version.id == version.id
    answer = await admin("GET", f"{it}/aliases/production")
    expect(answer, 200, api.AliasForm)
    assert frozen(lab, answer) == snapshot(
        {
            "alias": "production",
            "number": 0,
            "version": "…",
            "owner": "TEAM",
            "name": "digits/reader:v0",
            "type": "model",
            "digest": "e8ae6b0ba9f39a1ebd628447806d6309",
            "set_by": "ADMIN",
            "set_at": "…",
            "reason": "passed",
            "ended_by": None,
            "ended_at": None,
        }
    )
    answer = await admin("GET", f"{it}/link-log")
    expect(answer, 200, Page[api.LinkRecord])
    assert frozen(lab, answer) == snapshot(
        {
            "rows": [
                {
                    "number": 0,
                    "version": "…",
                    "owner": "TEAM",
                    "name": "digits/reader:v0",
                    "digest": "e8ae6b0ba9f39a1ebd628447806d6309",
                    "linked_by": "ADMIN",
                    "linked_at": "…",
                    "link_reason": "passed",
                    "unlinked_by": None,
                    "unlinked_at": None,
                    "unlink_reason": None,
                }
            ],
            "next": None,
        }
    )
    answer = await admin("GET", f"/versions/{version.id}/holders")
    expect(answer, 200, Page[api.Holder])
    assert frozen(lab, answer) == snapshot(
        {
            "rows": [
                {
                    "collection": "…",
                    "collection_name": "MNIST",
                    "registry": "Fine-tuned models",
                    "project": None,
                    "number": 0,
                    "aliases": ["latest", "production"],
                    "linked_by": "ADMIN",
                    "linked_at": "…",
                }
            ],
            "next": None,
        }
    )
    answer = await admin("GET", f"/versions/{version.id}/lineage")
    expect(answer, 200, api.Lineage)
    assert {**frozen(lab, answer), "root": "…"} == snapshot(
        {
            "root": "…",
            "versions": [
                {
                    "id": "…",
                    "name": "reader:v0",
                    "type": "model",
                    "state": "committed",
                    "digest": "e8ae6b0ba9f39a1ebd628447806d6309",
                    "project": "TEAM/digits",
                }
            ],
            "runs": [],
            "edges": [],
            "truncated": False,
        }
    )


async def test_a_promotion(admin: Api, member: Api, lab: Lab) -> None:
    where, version = await opened(admin, lab), await logged(member, lab, b"promotion")
    made = await linked(admin, where, version)
    await member("PUT", f"{where}/members/{lab.member.name}", json={"role": "member"})
    await admin("PUT", f"{where}/protected-aliases/production", json={"approvals": 1})
    it = f"/collections/{made.collection.id}"
    body = {"version": version.id, "reason": "try"}
    refused(await admin("PUT", f"{it}/aliases/production", json=body), 403, "approval_needed", "alias")
    answer = await member("POST", f"{it}/promotions", json={"alias": "production", **body})
    asked = expect(answer, 201, api.Promotion)
    answer = await admin("POST", f"/promotions/{asked.id}/votes", json={"approve": True, "comment": "fine"})
    expect(answer, 200, api.Promotion)
    assert frozen(lab, answer) == snapshot(
        {
            "id": "…",
            "collection": "…",
            "collection_name": "MNIST",
            "alias": "production",
            "version": "…",
            "number": 0,
            "state": "applied",
            "reason": "try",
            "requested_by": "MEMBER",
            "requested_at": "…",
            "decided_at": "…",
            "needed": 1,
            "approvals": 1,
            "votes": [{"user": "ADMIN", "approves": True, "comment": "fine", "at": "…"}],
        }
    )
    again = await admin("POST", f"/promotions/{asked.id}/votes", json={"approve": False})
    refused(again, 409, "promotion_decided")
    expect(await admin("GET", "/promotions", params={"state": "applied"}), 200, Page[api.Promotion])


async def test_a_tombstone(admin: Api, member: Api, lab: Lab) -> None:
    where, version = await opened(admin, lab, on_deletion="tombstone"), await logged(member, lab, b"tombstone")
    made = await linked(admin, where, version, "old")
    assert (await member("DELETE", f"/versions/{version.id}?aliases=true")).status_code == 204
    answer = await admin("GET", f"{where}/broken")
    expect(answer, 200, Page[api.BrokenEntry])
    assert frozen(lab, answer) == snapshot(
        {
            "rows": [
                {
                    "collection": "…",
                    "collection_name": "MNIST",
                    "number": 0,
                    "aliases": ["latest", "old"],
                    "version": "…",
                    "owner": "TEAM",
                    "name": "digits/reader:v0",
                    "type": "model",
                    "digest": "bd88ea741e631f99a040757d534f29cc",
                    "linked_by": "ADMIN",
                    "linked_at": "…",
                    "deleted_by": "MEMBER",
                    "deleted_at": "…",
                }
            ],
            "next": None,
        }
    )
    answer = await admin("GET", f"/collections/{made.collection.id}/versions?tombstones=true")
    [left] = expect(answer, 200, Page[api.LinkedVersion]).rows
    assert (left.broken, left.version.state) == (True, "deleted")


# --- What is refused


async def test_what_is_hidden_looks_like_what_is_not_there(admin: Api, member: Api, outsider: Api, lab: Lab) -> None:
    """The same answer, but for the name that was asked for."""
    where, version = await opened(admin, lab, visibility="restricted"), await logged(member, lab, b"hidden")
    made = await linked(admin, where, version)
    registry = where.rpartition("/")[2]
    pairs = {
        where: shelf(lab, "none"),
        f"{where}/members": f"{shelf(lab, 'none')}/members",
        f"/named/{lab.org.name}/{registry}/MNIST": f"/named/{lab.org.name}/{registry}/none",
        f"/named/{lab.team.name}/digits/reader": f"/named/{lab.team.name}/none/reader",
        f"/collections/{made.collection.id}/numbered": f"/collections/{'0' * 24}/numbered",
        f"/collections/{made.collection.id}/alias-log": f"/collections/{'0' * 24}/alias-log",
        f"/versions/{version.id}": "/versions/2147483647",
        f"/versions/{version.id}/files": "/versions/2147483647/files",
        f"/versions/{version.id}/lineage": "/versions/2147483647/lineage",
        f"/versions/{version.id}/holders": "/versions/2147483647/holders",
        f"/projects/{lab.team.name}/digits": f"/projects/{lab.team.name}/none",
    }
    for there, nowhere in pairs.items():
        seen, not_there = await outsider("GET", there), await outsider("GET", nowhere)
        assert (seen.status_code, not_there.status_code) == (404, 404), there
        one, other = seen.json()["error"], not_there.json()["error"]
        assert (one["code"], one["field"], one["details"]) == (other["code"], other["field"], other["details"]), there
    rows = expect(await outsider("GET", "/registries?limit=1000"), 200, Page[api.Registry]).rows
    assert lab.org.name not in {row.organization for row in rows}
    assert expect(await outsider("GET", f"/projects?owner={lab.team.name}"), 200, Page[api.Project]).rows == []


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/organizations/{org}/registries", {"name": "a/b"}, "name"),
        ("POST", "/organizations/{org}/registries", {"name": " "}, "name"),
        ("POST", "/organizations/{org}/registries", {"name": "x" * 200}, "name"),
        ("POST", "/organizations/{org}/registries", {"name": "x", "visibility": "public"}, "visibility"),
        ("PATCH", "{registry}", {"types": []}, "types"),
        ("POST", "{registry}/collections", {"name": "a/b", "types": ["model"]}, "name"),
        ("POST", "{registry}/collections", {"name": "x", "types": []}, "types"),
        ("POST", "{registry}/links", {"version": 0, "collection": "x"}, "version"),
        ("POST", "{registry}/links", {"version": "{version}", "collection": "x", "aliases": ["a/b"]}, "aliases"),
        ("PUT", "{registry}/protected-aliases/v3", {}, "alias"),
        ("PUT", "{registry}/protected-aliases/production", {"approvals": -1}, "approvals"),
        ("PUT", "{registry}/members/{viewer}", {"role": "owner"}, "role"),
        ("PUT", "{release}/aliases/v7", {"version": "{version}"}, "alias"),
        ("GET", "{release}/aliases/production?at=2026-03-14", None, "at"),
        ("GET", "{release}/versions?sort=name", None, "sort"),
        ("POST", "/projects", {"name": "a:b", "owner": "{team}"}, "name"),
        (
            "POST",
            "/projects/{team}/p/versions",
            {"artifact": "a", "type": "model", "files": [{"path": "../a"}]},
            "files",
        ),
        ("POST", "/projects/{team}/p/versions", {"artifact": "a/b", "type": "model", "files": []}, "artifact"),
        ("POST", "/projects/{team}/p/versions", {"artifact": "a", "type": "m", "files": [], "tags": [""]}, "tags"),
        ("POST", "/projects/{team}/digits/versions", {"artifact": "reader", "type": "dataset", "files": []}, "type"),
        ("PATCH", "/versions/{version}", {"metadata": {str(n): n for n in range(101)}}, "metadata"),
        ("GET", "/versions/{version}/lineage?depth=11", None, "depth"),
    ],
)
async def test_bad_input_names_the_field(
    admin: Api, member: Api, lab: Lab, method: str, path: str, body: object, field: str
) -> None:
    where, version = await opened(admin, lab), await logged(member, lab, b"refused")
    assert (await admin("PATCH", where, json={"types": ["model"]})).status_code == 200
    release = (await linked(admin, where, version)).collection
    names = {
        "org": lab.org.name,
        "team": lab.team.name,
        "viewer": lab.viewer.name,
        "registry": where,
        "release": f"/collections/{release.id}",
        "version": str(version.id),
    }
    text = json.dumps(body).replace('"{version}"', str(version.id)).replace("{team}", lab.team.name)
    answer = await admin(method, path.format(**names), json=json.loads(text) if body is not None else None)
    error = answer.json()["error"]
    assert answer.status_code == 422, answer.text
    assert error["field"] is not None, error
    assert error["field"].split(".")[0].split("[")[0] == field, error


async def test_a_type_that_is_not_accepted_names_both(admin: Api, member: Api, lab: Lab) -> None:
    where = await opened(admin, lab, types=["dataset"])
    version = await logged(member, lab, b"type")
    answer = await admin("POST", f"{where}/links", json={"version": version.id, "collection": "MNIST"})
    details = refused(answer, 422, "type_not_accepted", "type")
    assert details == {"accepted": ["dataset"], "types": ["model"]}
    assert expect(await admin("GET", f"{where}/collections"), 200, Page[api.Numbered]).rows == []


async def test_a_restricted_viewer_sees_but_does_not_download(
    db: Database, client: httpx2.AsyncClient, admin: Api, member: Api, lab: Lab
) -> None:
    where, version = await opened(admin, lab, visibility="restricted"), await logged(member, lab, b"restricted")
    made = await linked(admin, where, version)
    registry = expect(await admin("GET", where), 200, api.Registry)
    viewer = Api(client, await _restricted(db, registry.id))
    seen = expect(await viewer("GET", f"/collections/{made.collection.id}/versions/latest"), 200, api.LinkedVersion)
    assert (seen.version.digest, seen.version.source) == (version.digest, None)
    refused(await viewer("GET", f"/versions/{version.id}/files"), 403, "forbidden")
    refused(await viewer("PATCH", f"/versions/{version.id}", json={"description": "mine"}), 403, "forbidden")
    body = {"version": version.id}
    refused(await viewer("PUT", f"/collections/{made.collection.id}/aliases/mine", json=body), 403, "forbidden")
    refused(await viewer("DELETE", where), 403, "forbidden")


async def _restricted(db: Database, registry: int) -> Person:
    person = await make_user(db, "restricted")
    async with db.transaction() as tx:
        await members.add(tx, system(), registry, users=[person.id], role="restricted_viewer")
    return person


async def test_what_a_registry_holds_is_not_deleted(admin: Api, member: Api, lab: Lab) -> None:
    where, version = await opened(admin, lab), await logged(member, lab, b"held")
    await linked(admin, where, version)
    it = f"/versions/{version.id}"
    assert refused(await member("DELETE", it), 409, "has_aliases") == {"aliases": ["best", "latest"]}
    for path in (
        f"{it}?aliases=true",
        f"/projects/{lab.team.name}/digits/artifacts/reader",
        f"/projects/{lab.team.name}/digits",
    ):
        answer = await admin("DELETE", path)
        assert (answer.status_code, frozen(lab, answer)["error"]["details"]) == snapshot(
            (
                409,
                {
                    "holders": [
                        {
                            "organization": "ORG",
                            "registry": "Fine-tuned models",
                            "collection": "…",
                            "version": "…",
                            "held": "digits/reader:v0",
                        }
                    ],
                    "count": 1,
                },
            )
        )


async def test_repeating_is_safe(admin: Api, member: Api, lab: Lab) -> None:
    where, version = await opened(admin, lab), await logged(member, lab, b"again")
    made = await linked(admin, where, version, "production")
    again = await linked(admin, where, version, "production")
    assert (again.new, again.created, again.number, again.revision) == (False, False, 0, made.revision)
    key = {"Idempotency-Key": unique("key")}
    body = {"name": "Once", "types": ["model"]}
    one, other = [await admin("POST", f"{where}/collections", json=body, headers=key) for _ in range(2)]
    assert (one.status_code, one.json()) == (201, other.json())
    refused(await admin("POST", f"{where}/collections", json=body), 409, "name_taken", "name")
