"""The thin comparator: the least that a Python server can do for the same answers.

FastAPI, psycopg and granian as in Pinakes; one SQL statement per request, written for its route; the same database, the
same rows, the same JSON. No authentication, no permissions, no events, no revisions, no validation, no middleware.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import groupby
from typing import Any, LiteralString

import orjson
from fastapi import FastAPI, Request, Response
from psycopg import AsyncConnection
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

BASE = "http://127.0.0.1"
CAN = ["collection:read", "collection:vote"]
Row = tuple[Any, ...]

set_json_loads(orjson.loads)
pool = AsyncConnectionPool[AsyncConnection[Any]](
    os.environ.get("BENCH_DATABASE_URL", ""),
    min_size=2,
    max_size=10,
    open=False,
    kwargs={"autocommit": True, "prepare_threshold": 1, "options": "-c jit=off"},
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    await pool.open(wait=True)
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None)

# The collection's own columns come with its first entry only. The limit is a part of the text: a plan for a limit that
# is not known is another, and slower.
GET = """
select
    e.item_id, e.added_rev, e.since_rev, e.added_at, b.name, e.note, e.score, t.kind, o.name, t.name, t.title,
    t.visibility, t.updated_at, r.gated, r.sdk, r.pipeline_tag, r.downloads, r.last_modified, coalesce(v.votes, 0),
    c.id, case when e.n = 1 then c.public_id end, case when e.n = 1 then a.name end, case when e.n = 1 then i.title end,
    case when e.n = 1 then i.name end, case when e.n = 1 then c.description end, case when e.n = 1 then c.theme end,
    case when e.n = 1 then c.tags end, case when e.n = 1 then i.visibility end, c.revision, c.entry_count,
    case when e.n = 1 then i.created_at end, case when e.n = 1 then c.updated_at end, coalesce(w.votes, 0)
from collections as c
inner join items as i on c.id = i.id
inner join accounts as a on i.owner_id = a.id
left join vote_counts as w on c.id = w.item_id
cross join lateral (
    select f.*, row_number() over (order by f.order_key) as n
    from entries as f where f.collection_id = c.id order by f.order_key limit {limit}
) as e
inner join items as t on e.item_id = t.id
left join accounts as o on t.owner_id = o.id
left join accounts as b on e.added_by = b.id
left join repos as r on t.id = r.item_id
left join vote_counts as v on t.id = v.item_id
where c.public_id = %s
order by e.n
"""

GETS: dict[int, LiteralString] = {20: GET.replace("{limit}", "20"), 1000: GET.replace("{limit}", "1000")}

# The tag goes first: a planner that does not know which one it is might walk through all collections by time instead.
BY_TAG = """
with tagged as materialized (select * from collections where tags @> array[%s]::text [])
select
    c.id, c.public_id, a.name, i.title, i.name, c.description, c.theme, c.tags, i.visibility, c.revision,
    c.entry_count, i.created_at, c.updated_at, coalesce(v.votes, 0)
from (select * from tagged order by updated_at desc, id desc limit 100) as c
inner join items as i on c.id = i.id
inner join accounts as a on i.owner_id = a.id
left join vote_counts as v on c.id = v.item_id
order by c.updated_at desc, c.id desc
"""

NEWEST = """
select
    c.id, c.public_id, a.name, i.title, i.name, c.description, c.theme, c.tags, i.visibility, c.revision,
    c.entry_count, i.created_at, c.updated_at, coalesce(v.votes, 0)
from (select * from collections order by updated_at desc, id desc limit 100) as c
inner join items as i on c.id = i.id
inner join accounts as a on i.owner_id = a.id
left join vote_counts as v on c.id = v.item_id
order by c.updated_at desc, c.id desc
"""

NEWEST_WITH_HEADS = """
select
    e.item_id, e.added_rev, e.since_rev, e.added_at, null, e.note, e.score, t.kind, o.name, t.name, t.title,
    t.visibility, t.updated_at, r.gated, r.sdk, r.pipeline_tag, r.downloads, r.last_modified, coalesce(v.votes, 0),
    c.id, c.public_id, c.owner, c.title, c.name, c.description, c.theme, c.tags, c.visibility, c.revision,
    c.entry_count, c.created_at, c.updated_at, coalesce(w.votes, 0)
from (
    select
        c.id, c.public_id, c.description, c.theme, c.tags, c.revision, c.entry_count, c.updated_at, a.name as owner,
        i.title, i.name, i.visibility, i.created_at
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as a on i.owner_id = a.id
    order by c.updated_at desc, c.id desc
    limit 100
) as c
left join vote_counts as w on c.id = w.item_id
cross join lateral (
    select f.* from entries as f where f.collection_id = c.id order by f.order_key limit 4
) as e
inner join items as t on e.item_id = t.id
left join accounts as o on t.owner_id = o.id
left join repos as r on t.id = r.item_id
left join vote_counts as v on t.id = v.item_id
order by c.updated_at desc, c.id desc, e.order_key
"""

PAGE = """
select
    e.item_id, e.added_rev, e.since_rev, e.added_at, b.name, e.note, e.score, t.kind, o.name, t.name, t.title,
    t.visibility, t.updated_at, r.gated, r.sdk, r.pipeline_tag, r.downloads, r.last_modified, coalesce(v.votes, 0),
    e.collection_id, e.order_key
from (select * from entries where collection_id = %s and order_key > %s order by order_key limit 100) as e
inner join items as t on e.item_id = t.id
left join accounts as o on t.owner_id = o.id
left join accounts as b on e.added_by = b.id
left join repos as r on t.id = r.item_id
left join vote_counts as v on t.id = v.item_id
order by e.order_key
"""

HISTORY = """
select
    e.txid::text, e.id, e.at, e.verb, a.name, e.api, c.public_id, e.revision, t.id, t.kind, o.name, t.name, e.reason
from events as e
inner join collections as c on e.collection_id = c.id
left join accounts as a on e.actor_id = a.id
left join items as t on t.id = (e.after #>> '{entries,0,item}')::integer
left join accounts as o on t.owner_id = o.id
where e.collection_id = %s
order by e.id desc
limit %s
"""

CREATE = """
with item as (
    insert into items (kind, owner_id, name, name_key, title, place)
    select 'collection', a.id, %(name)s, %(title)s, %(title)s, substring(int8send(%(now)s) from 3)
    from accounts as a where a.name = %(owner)s
    returning id
)
insert into collections (id, kind, public_id, description, tags)
select id, 'showcase', %(public_id)s, %(description)s, %(tags)s from item
returning id
"""

# A key of the time: later ones come behind earlier ones, without a look at what there is.
ADD = """
insert into entries (collection_id, item_id, order_key, since_rev, added_rev)
values (%s, %s, substring(int8send(%s) from 3), 3, 3)
"""

ADD_MANY = """
insert into entries (collection_id, item_id, order_key, since_rev, added_rev, closed)
select %s, w.item_id, substring(int8send((1::bigint << 47) + w.n) from 3), 2, 2, i.closed
from unnest(%s::integer []) with ordinality as w (item_id, n)
inner join items as i on w.item_id = i.id
on conflict on constraint entries_item_taken do nothing
"""

MOVE = "update entries set order_key = %s where collection_id = %s and item_id = %s"
REMOVE = "delete from entries where collection_id = %s and item_id = %s"


async def rows(statement: LiteralString, *params: object) -> list[Row]:
    async with pool.connection() as connection:
        return await (await connection.execute(statement, params)).fetchall()


async def run(statement: LiteralString, params: object) -> int:
    async with pool.connection() as connection:
        return (await connection.execute(statement, params)).rowcount  # pyright: ignore[reportArgumentType]


def answer(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


def hub_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


def entry(row: Row, collection: int) -> dict[str, Any]:
    item, added, since, at, by, note, score, kind, owner, name, title, visibility, updated, *repo = row[:19]
    return {
        "id": f"{collection:08x}{added:08x}{item:08x}",
        "item": {
            "id": item,
            "kind": kind,
            "address": f"{owner}/{name}",
            "owner": owner,
            "name": name,
            "title": title,
            "visibility": visibility,
            "updated_at": updated,
            "votes": repo[5],
            "gated": repo[0],
            "sdk": repo[1],
            "pipeline_tag": repo[2],
            "downloads": repo[3],
            "last_modified": repo[4],
            "published_at": None,
            "url": None,
            "target_kind": None,
            "nested": None,
        },
        "note": note,
        "score": score,
        "added_at": at,
        "added_by": by,
        "added_revision": added,
        "since_revision": since,
    }


def collection(row: Row, place: int | None) -> dict[str, Any]:
    number, public_id, owner, title, name, description, theme, tags, visibility, *rest = row
    revision, count, created, updated, votes = rest
    slug = f"{owner}/{name}-{public_id}"
    return {
        "id": public_id,
        "item_id": number,
        "kind": "showcase",
        "slug": slug,
        "url": f"{BASE}:00000/collections/{slug}",
        "owner": owner,
        "owner_kind": "user",
        "title": title,
        "description": description,
        "theme": theme,
        "tags": tags,
        "visibility": visibility,
        "revision": revision,
        "entry_count": count,
        "position": place,
        "votes": votes,
        "voted": False,
        "created_at": created,
        "updated_at": updated,
        "deleted_at": None,
        "can": CAN,
    }


def hub_collection(row: Row) -> dict[str, Any]:
    _, public_id, owner, title, name, description, theme, _, visibility, _, _, _, updated, votes = row
    return {
        "slug": f"{owner}/{name}-{public_id}",
        "title": title,
        "owner": owner,
        "ownerData": {"name": owner, "type": "user"},
        "lastUpdated": hub_time(updated),
        "private": visibility != "public",
        "theme": theme,
        "upvotes": votes,
        "isUpvotedByUser": False,
        "gating": False,
        "shareUrl": f"{BASE}/collections/{owner}/{name}",
        "description": description,
    }


def hub_item(row: Row, collection: int, position: int) -> dict[str, Any]:
    item, added, _, _, _, note, _, kind, owner, name, title, visibility, _, *repo = row[:19]
    gated, sdk, task, downloads, at, likes = repo
    encoded: dict[str, Any] = {
        "_id": f"{collection:08x}{added:08x}{item:08x}",
        "position": position,
        "type": kind,
        "id": f"{owner}/{name}",
        "author": owner,
        "repoType": kind,
        "private": visibility != "public",
        "gated": gated or False,
        "likes": likes,
        "downloads": downloads,
        "lastModified": hub_time(at),
    }
    if task:
        encoded["pipeline_tag"] = task
    if kind == "space":
        encoded["title"] = title or name
        encoded["sdk"] = sdk
    if note:
        encoded["note"] = {"html": f"<p>{note}</p>", "text": note}
    return encoded


@app.get("/healthz")
async def healthz() -> Response:
    return answer({"status": "up"})


@app.get("/native/collections/{public_id}")
async def get(public_id: str, limit: int) -> Response:
    found = await rows(GETS[limit], public_id)
    number = found[0][19]
    return answer({**collection(found[0][19:], 0), "entries": [entry(row, number) for row in found]})


@app.get("/hub/collections/{public_id}")
async def hub_get(public_id: str) -> Response:
    found = await rows(GETS[1000], public_id)
    number = found[0][19]
    items = [hub_item(row, number, position) for position, row in enumerate(found)]
    return answer({**hub_collection(found[0][19:]), "position": 0, "items": items})


@app.get("/native/tagged/{tag}")
async def by_tag(tag: str) -> Response:
    return answer({"rows": [collection(row, None) for row in await rows(BY_TAG, tag)], "next": None})


@app.get("/native/newest")
async def newest() -> Response:
    return answer({"rows": [collection(row, None) for row in await rows(NEWEST)], "next": None})


@app.get("/hub/newest")
async def hub_newest() -> Response:
    found = await rows(NEWEST_WITH_HEADS)
    listed: list[dict[str, Any]] = []
    for number, group in groupby(found, lambda row: row[19]):
        head = list(group)
        items = [hub_item(row, number, position) for position, row in enumerate(head)]
        listed.append({**hub_collection(head[0][19:]), "items": items})
    return answer(listed)


@app.get("/native/entries/{collection_id}")
async def page(collection_id: int, after: str = "") -> Response:
    found = await rows(PAGE, collection_id, bytes.fromhex(after))
    return answer({"rows": [entry(row, collection_id) for row in found], "next": found[-1][20].hex()})


@app.get("/native/history/{collection_id}")
async def history(collection_id: int) -> Response:
    return answer({"rows": [_event(row) for row in await rows(HISTORY, collection_id, 50)], "next": None})


def _event(row: Row) -> dict[str, Any]:
    txid, number, at, verb, actor, api, public_id, revision, item, kind, owner, name, reason = row
    return {
        "cursor": f"{txid}.{number}",
        "at": at,
        "verb": verb,
        "actor": actor,
        "api": api,
        "collection": public_id,
        "revision": revision,
        "item": None,
        "before": None,
        "after": {"count": 1, "entries": [{"item": {"id": item, "kind": kind, "address": f"{owner}/{name}"}}]},
        "reason": reason,
    }


@app.post("/create")
async def create(request: Request) -> Response:
    body = orjson.loads(await request.body())
    values = {
        **body,
        "name": body["title"].lower().replace(" ", "-"),
        "public_id": secrets.token_hex(12),
        "now": time.time_ns() // 1000,
    }
    return answer({"id": await run(CREATE, values)})


@app.post("/add/{collection_id}")
async def add(collection_id: int, request: Request) -> Response:
    body = orjson.loads(await request.body())
    return answer({"added": await run(ADD, (collection_id, body["item"], time.time_ns() // 1000))})


@app.post("/add-many/{collection_id}")
async def add_many(collection_id: int, request: Request) -> Response:
    items = [int(line) for line in (await request.body()).split()]
    return answer({"added": await run(ADD_MANY, (collection_id, items))})


@app.post("/move/{collection_id}")
async def move(collection_id: int, request: Request) -> Response:
    body = orjson.loads(await request.body())
    return answer({"moved": await run(MOVE, (bytes.fromhex(body["key"]), collection_id, body["item"]))})


@app.post("/remove/{collection_id}")
async def remove(collection_id: int, request: Request) -> Response:
    body = orjson.loads(await request.body())
    return answer({"removed": await run(REMOVE, (collection_id, body["item"]))})
