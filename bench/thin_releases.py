"""The thin comparator's releases: the same few rows and the same JSON, by one statement for each request."""

from __future__ import annotations

import time
from base64 import b64encode
from datetime import datetime
from typing import Any

import orjson
from fastapi import Request, Response

from bench.data import THIN
from bench.thin import Row, answer, app, rows, run

__all__ = ["app"]

# A version as it stands in a release: `e` is its entry there.
VERSION = """
    n.number, array(
        select x.alias from entry_aliases as x
        where x.item_id = e.item_id and x.collection_id = e.collection_id order by x.alias
    ), e.added_at, b.name, v.id, v.item_id, a.title, v.number, k.types[1], v.state, v.digest, v.size, v.file_count,
    v.description, v.metadata, v.tags, v.ttl_seconds, u.name, v.created_at, v.updated_at, v.committed_at, v.deleted_at,
    p.id, p.name, o.name, a.id
"""

JOINS = """
inner join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
inner join versions as v on e.item_id = v.item_id
inner join collections as k on v.artifact_id = k.id
inner join items as a on v.artifact_id = a.id
inner join items as p on a.container_id = p.id
inner join accounts as o on a.owner_id = o.id
left join accounts as u on v.user_id = u.id
left join accounts as b on e.added_by = b.id
"""

BY_ALIAS = f"""
select {VERSION}
from collections as c
inner join entry_aliases as y on c.id = y.collection_id and y.alias = %s
inner join entries as e on y.item_id = e.item_id and y.collection_id = e.collection_id
{JOINS}
where c.public_id = %s
"""

BY_NAME = f"""
select {VERSION}, c.id, i.title, r.id, r.display_name, g.name
from accounts as g
inner join accounts as r on g.id = r.organization_id and r.kind = 'registry' and lower(r.display_name) = lower(%s)
inner join items as i on r.id = i.owner_id and i.kind = 'collection' and i.container_id is null and i.name_key = %s
inner join collections as c on i.id = c.id
inner join entry_aliases as y on c.id = y.collection_id and y.alias = %s
inner join entries as e on y.item_id = e.item_id and y.collection_id = e.collection_id
{JOINS}
where lower(g.name) = lower(%s) and g.deleted_at is null and i.deleted_at is null
"""

NEWEST = f"""
select {VERSION}
from (
    select x.*
    from collections as c
    inner join entries as x on c.id = x.collection_id
    where c.public_id = %s order by x.order_key desc limit 100
) as e
{JOINS}
order by e.order_key desc
"""

# The tag goes first, as with the showcases.
BY_TAG = """
with tagged as materialized (select * from collections where tags @> array[%s]::text [])
select
    c.public_id, c.kind, i.title, i.name, c.types, c.description, c.tags, o.name, o.display_name, g.name, c.revision,
    c.entry_count, i.created_at, c.updated_at
from tagged as c
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
inner join accounts as g on o.organization_id = g.id
where o.display_name = %s
order by c.id desc
limit 100
"""

# Aliases are known by their collection, which has to be there: the comparator sets one of another name.
ALIAS = """
insert into entry_aliases (collection_id, alias, item_id, since_rev)
select c.id, 'thin', v.item_id, 1
from collections as c cross join versions as v
where c.public_id = %s and v.id = %s
on conflict on constraint entry_aliases_pkey do update set item_id = excluded.item_id, set_at = now()
"""

CREATE = """
with item as (
    insert into items (kind, owner_id, name, name_key, title, visibility)
    select 'collection', a.id, %(name)s, %(name)s, %(name)s, 'private'
    from accounts as a where a.kind = 'registry'
    returning id
)
insert into collections (id, kind, public_id, description, tags, types)
select id, 'release', substring(md5(%(name)s) from 1 for 24), %(description)s, %(tags)s, array['model'] from item
returning id
"""

LINK = """
with entry as (
    insert into entries (collection_id, item_id, order_key, since_rev, added_rev)
    select c.id + %(thin)s, v.item_id, substring(int8send(%(now)s) from 3), 4, 4
    from collections as c cross join versions as v
    where c.public_id = %(collection)s and v.id = %(version)s
    returning collection_id, item_id
)
insert into thin_numbers (collection_id, item_id, number)
select e.collection_id, e.item_id, coalesce((
    select max(n.number) + 1 from thin_numbers as n where n.collection_id = e.collection_id
), 0)
from entry as e
"""

LOG = """
with item as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
    select 'version', a.owner_id, a.container_id, a.title || ':' || %(now)s, a.id || ':t' || %(now)s, a.title, 'private'
    from items as a where a.id = %(artifact)s
    returning id
), version as (
    insert into versions (artifact_id, item_id, number, state, digest, committed_at)
    select %(artifact)s, id, 1000000 + id, 'committed', %(digest)s, now() from item
    returning id, item_id
), file as (
    insert into version_files (version_id, number, path, digest, reference)
    select id, 1, 'model.bin', 'x', 's3://models/model.bin' from version
)
insert into entries (collection_id, item_id, order_key, since_rev, added_rev)
select %(artifact)s + %(thin)s, item_id, substring(int8send(%(now)s) from 3), 4, 4 from version
"""


def linked(row: Row) -> dict[str, Any]:
    number, aliases, at, by, version, item, name, own, kind, state, *rest = row[:22]
    digest, size, count, description, metadata, tags, ttl, user, created, updated, committed, deleted = rest
    return {
        "number": number,
        "aliases": aliases,
        "linked_at": at,
        "linked_by": by,
        "broken": state == "deleted",
        "version": {
            "id": version,
            "item": item,
            "name": name,
            "number": own,
            "source": f"{row[24]}/{row[23]}/{name}:v{own}",
            "type": kind,
            "state": state,
            "digest": digest,
            "size": size,
            "file_count": count,
            "description": description,
            "metadata": metadata,
            "tags": tags,
            "ttl_seconds": ttl,
            "created_by": user,
            "created_at": created,
            "updated_at": updated,
            "committed_at": committed,
            "deleted_at": deleted,
        },
    }


def release(row: Row) -> dict[str, Any]:
    public_id, kind, title, name, types, description, tags, handle, registry, organization, *rest = row
    revision, count, created, updated = rest
    return {
        "id": public_id,
        "kind": kind,
        "name": title,
        "slug": f"{handle}/{name}-{public_id}",
        "types": types,
        "description": description,
        "tags": tags,
        "project": None,
        "organization": organization,
        "registry": registry,
        "version_count": count,
        "revision": revision,
        "created_at": created,
        "updated_at": updated,
    }


def named(*parts: object) -> str:
    return b64encode(":".join(map(str, parts)).encode()).decode()


def at(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def project(number: int, name: str, entity: str) -> dict[str, Any]:
    return {
        "id": named("Project", number),
        "internalId": named("ProjectInternalId", number),
        "name": name,
        "entity": {"name": entity},
    }


def membership(row: Row) -> dict[str, Any]:
    number, aliases, linked_at, _, version, item, name, own, kind, state, *rest = row[:22]
    digest, size, count, description, metadata, tags, _, _, created, updated, _, _ = rest
    project_id, project_name, owner, _, release_id, title, registry, registry_name, organization = row[22:]
    place = project(2**32 + registry, f"wandb-registry-{registry_name}", organization)
    return {
        "__typename": "ArtifactCollectionMembership",
        "id": named("ArtifactCollectionMembership", release_id, item),
        "versionIndex": number,
        "createdAt": at(linked_at),
        "aliases": [
            {"__typename": "ArtifactAlias", "id": named("ArtifactAlias", release_id, alias), "alias": alias}
            for alias in aliases
        ],
        "artifactCollection": {"__typename": "ArtifactPortfolio", "name": title, "project": place},
        "artifact": {
            "__typename": "Artifact",
            "id": named("Artifact", version),
            "artifactSequence": {
                "__typename": "ArtifactSequence",
                "name": name,
                "project": project(project_id, project_name, owner),
            },
            "versionIndex": own,
            "artifactType": {"name": kind},
            "description": description,
            "metadata": orjson.dumps(metadata).decode(),
            "ttlDurationSeconds": -2,
            "ttlIsInherited": True,
            "tags": [{"__typename": "Tag", "id": named("Tag", tag), "name": tag} for tag in tags],
            "historyStep": None,
            "state": state.upper(),
            "size": size,
            "digest": digest,
            "digestAlgorithm": "MANIFEST_MD5",
            "commitHash": None,
            "fileCount": count,
            "createdAt": at(created),
            "updatedAt": at(updated),
        },
    }


@app.get("/native/versions/{public_id}/{alias}")
async def by_alias(public_id: str, alias: str) -> Response:
    return answer(linked((await rows(BY_ALIAS, alias, public_id))[0]))


@app.post("/graphql")
async def by_name(request: Request) -> Response:
    variables = orjson.loads(await request.body())["variables"]
    title, _, alias = variables["name"].partition(":")
    registry = variables["project"].removeprefix("wandb-registry-")
    found = await rows(BY_NAME, registry, title, alias, variables["entity"])
    return answer({"data": {"project": {"artifactCollectionMembership": membership(found[0])}}})


@app.get("/native/versions/{public_id}")
async def newest_versions(public_id: str) -> Response:
    return answer({"rows": [linked(row) for row in await rows(NEWEST, public_id)], "next": None})


@app.get("/native/releases/{registry}/{tag}")
async def tagged_releases(registry: str, tag: str) -> Response:
    return answer({"rows": [release(row) for row in await rows(BY_TAG, tag, registry)], "next": None})


@app.put("/alias/{public_id}")
async def set_alias(public_id: str, request: Request) -> Response:
    body = orjson.loads(await request.body())
    return answer({"set": await run(ALIAS, (public_id, body["version"]))})


@app.post("/create-release")
async def create_release(request: Request) -> Response:
    return answer({"id": await run(CREATE, orjson.loads(await request.body()))})


@app.post("/link/{public_id}")
async def link(public_id: str, request: Request) -> Response:
    body = orjson.loads(await request.body())
    values = {"collection": public_id, "version": body["version"], "thin": THIN, "now": time.time_ns() // 1000}
    return answer({"linked": await run(LINK, values)})


@app.post("/log/{artifact}")
async def log(artifact: int, request: Request) -> Response:
    body = orjson.loads(await request.body())
    values = {"artifact": artifact, "digest": body["digest"], "thin": THIN, "now": time.time_ns() // 1000}
    return answer({"logged": await run(LOG, values)})
