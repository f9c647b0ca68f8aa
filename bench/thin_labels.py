"""The thin comparator's labeling: pages of pictures, a queue as the usual table, labels saved, by one statement each.

Its queue, `thin_queue`, holds what ours hands out, from the other end; its labels go into the tables that ours go into.
"""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request, Response

from bench.thin import Row, answer, pool, rows, run
from bench.thin_releases import app

__all__ = ["app"]

READERS = ["item:download", "item:read", "label:read"]
LEASE = 1800

MEDIUM = """
    i.id, i.kind, i.name, m.project_id, m.dataset_id, m.sha256, m.link, m.mime, m.size, m.width, m.height, m.frames,
    m.description, m.meta, m.custom_data, m.facts, m.custom_sort, m.label_count, m.labeled_at, m.has_thumbnail, a.name,
    i.created_at, i.updated_at
"""

PAGE = f"""
select {MEDIUM}
from (select * from media where dataset_id = %s and item_id > %s order by item_id limit 100) as m
inner join items as i on m.item_id = i.id
left join accounts as a on m.created_by = a.id
where i.deleted_at is null
order by m.item_id
"""

CLAIM = f"""
with first as (
    select place from thin_queue where status = 'waiting' order by place limit 1 for update skip locked
), held as (
    update thin_queue as q
    set status = 'held', labeler_id = %s, lease_until = now() + make_interval(secs => %s)
    from first as f where q.place = f.place
    returning q.item_id, q.lease_until
)
select h.lease_until, {MEDIUM}
from held as h
inner join media as m on h.item_id = m.item_id
inner join items as i on m.item_id = i.id
left join accounts as a on m.created_by = a.id
"""

SUBMIT = "update thin_queue set status = 'done', lease_until = null, submitted_at = now() where item_id = %s"

HAND_IN = """
with item as (
    update media set label_count = jsonb_array_length(%(figures)s::jsonb), labeled_at = now() where item_id = %(item)s
    returning item_id, project_id
), gone as (
    delete from figures where item_id = %(item)s
), f as (
    insert into figures (item_id, class_id, geometry_type, geometry)
    select i.item_id, c.id, l.geometry_type, l.geometry
    from item as i
    cross join jsonb_to_recordset(%(figures)s::jsonb) as l (class_name text, geometry_type text, geometry jsonb)
    inner join label_classes as c on i.project_id = c.project_id and l.class_name = c.name
)
update thin_queue set status = 'done', lease_until = null, submitted_at = now() where item_id = %(item)s
"""

FIGURE = "f.id, c.id, c.name, f.geometry_type, f.geometry, f.created_at"

SAVE = f"""
with item as (
    select i.id, i.name, m.project_id, m.dataset_id, m.width, m.height, m.frames, m.description, m.meta, m.custom_data
    from media as m inner join items as i on m.item_id = i.id
    where m.item_id = %(item)s
), gone as (
    delete from figures where item_id = %(item)s
), counted as (
    update media set label_count = jsonb_array_length(%(figures)s::jsonb), labeled_at = now() where item_id = %(item)s
    returning labeled_at
), f as (
    insert into figures (item_id, class_id, geometry_type, geometry)
    select i.id, c.id, l.geometry_type, l.geometry
    from item as i
    cross join jsonb_to_recordset(%(figures)s::jsonb) as l (class_name text, geometry_type text, geometry jsonb)
    inner join label_classes as c on i.project_id = c.project_id and l.class_name = c.name
    returning *
)
select i.*, t.labeled_at, {FIGURE}
from item as i
cross join counted as t
cross join f
inner join label_classes as c on f.class_id = c.id
order by f.id
"""


def medium(row: Row, can: list[str]) -> dict[str, Any]:
    number, kind, name, project, dataset, sha256, link, mime, size, width, height, frames, *rest = row
    description, meta, custom, facts, place, labels, labeled, thumbnail, creator, created, updated = rest
    return {
        "id": number,
        "kind": kind,
        "name": name,
        "project": project,
        "dataset": dataset,
        "sha256": sha256.hex(),
        "link": link,
        "mime": mime,
        "size": size,
        "width": width,
        "height": height,
        "frames": frames,
        "description": description,
        "meta": meta,
        "custom_data": custom,
        "facts": facts,
        "custom_order": place,
        "label_count": labels,
        "labeled_at": labeled,
        "has_thumbnail": thumbnail,
        "score": None,
        "created_by": creator,
        "created_at": created,
        "updated_at": updated,
        "can": can,
    }


def annotation(found: dict[str, Any], figures: list[dict[str, Any]], updated: object) -> dict[str, Any]:
    """An annotation; `found` has, among others, what is said of the item."""
    keys = ("name", "project", "dataset", "width", "height", "frames", "description", "meta", "custom_data")
    said = {key: found[key] for key in keys}
    return {"item": found["id"], **said, "tags": [], "objects": [], "figures": figures, "updated_at": updated}


def figure(row: Row, item: int) -> dict[str, Any]:
    number, class_id, class_name, kind, geometry, created = row
    return {
        "id": number,
        "item": item,
        "class_id": class_id,
        "class_name": class_name,
        "object": None,
        "geometry_type": kind,
        "geometry": geometry,
        "geometry_file": None,
        "frame": None,
        "description": "",
        "meta": {},
        "extras": {},
        "track_id": None,
        "priority": None,
        "nn_created": False,
        "nn_updated": False,
        "tags": [],
        "created_by": "curator",
        "created_at": created,
        "updated_at": created,
    }


@app.get("/media/{dataset}")
async def page(dataset: int, after: int = 0) -> Response:
    found = await rows(PAGE, dataset, after)
    return answer({"rows": [medium(row, READERS) for row in found], "next": str(found[-1][0]), "total": None})


@app.post("/claim/{labeler}")
async def claim(labeler: int) -> Response:
    ((until, *row),) = await rows(CLAIM, labeler, LEASE)
    shown = medium(tuple(row), ["item:read", "label:write"])
    given = {"item": row[0], "round": 1, "state": "held", "lease_until": until, "lease_seconds": LEASE}
    return answer({"given": given, "medium": shown, "annotation": annotation(shown, [], row[-1]), "draft": None})


@app.put("/annotation/{item}")
async def save(item: int, request: Request) -> Response:
    body = orjson.loads(await request.body())
    values = {"item": item, "figures": orjson.dumps(body["figures"]).decode()}
    async with pool.connection() as connection:
        found = await (await connection.execute(SAVE, values)).fetchall()
    keys = ("id", "name", "project", "dataset", "width", "height", "frames", "description", "meta", "custom_data")
    said: dict[str, Any] = dict(zip(keys, found[0], strict=False))
    return answer(annotation(said, [figure(row[11:], item) for row in found], found[0][10]))


@app.post("/hand-in/{item}")
async def hand_in(item: int, request: Request) -> Response:
    body = orjson.loads(await request.body())
    values = {"item": item, "figures": orjson.dumps(body["figures"]).decode()}
    return answer({"submitted": await run(HAND_IN, values)})


@app.post("/submit/{item}")
async def submit(item: int) -> Response:
    return answer({"submitted": await run(SUBMIT, (item,))})
