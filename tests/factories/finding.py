"""What makes items of media findable: facts, labels, tags and queues, as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from factories.selections import Studio, execute, value


async def many(studio: Studio, count: int, dataset_id: int) -> list[int]:
    """Very many items of a dataset, without contents; in the order of their numbers."""
    async with studio.db.transaction() as tx:
        cursor = await tx.connection.execute(
            """
            with item as (
                insert into items (kind, owner_id, container_id, name, name_key, visibility)
                select 'image', p.owner_id, p.id, 'many_' || n || '.png', %(dataset)s || '/many_' || n, p.visibility
                from items as p
                cross join generate_series(1, %(count)s) as n
                where p.id = %(project)s
                returning id
            ),

            counted as (
                update datasets set item_count = item_count + %(count)s where id = %(dataset)s::integer
            )

            insert into media (item_id, project_id, dataset_id, size)
            select i.id, %(project)s, %(dataset)s::integer, i.id %% 100 from item as i
            returning item_id
            """,
            {"project": studio.project_id, "dataset": dataset_id, "count": count},
        )
        found = sorted(row[0] for row in await cursor.fetchall())
    await execute(studio.db, "analyze items, media")
    return found


async def facts(studio: Studio, items: Sequence[int], **columns: object) -> None:
    """Give items other values in columns of `media`; or in those of `items`, where `media` has none of that name."""
    for name, given in columns.items():
        table, key = ("items", "id") if name in ("name", "title", "created_at", "updated_at") else ("media", "item_id")
        await execute(studio.db, f"update {table} set {name} = %s where {key} = any(%s)", given, list(items))


async def label_class(studio: Studio, name: str) -> int:
    """A class of a project."""
    return await value(
        studio.db,
        "insert into label_classes (project_id, name, shape, color) values (%s, %s, 'any', '#ff0000') returning id",
        studio.project_id,
        name,
    )


async def figures(studio: Studio, class_id: int, counts: Mapping[int, int], *, by: int | None = None) -> None:
    """So many figures of a class on each of some items, made by somebody."""
    for item, count in counts.items():
        await execute(
            studio.db,
            "insert into figures (item_id, class_id, geometry_type, geometry, created_by)"
            " select %s, %s, 'point', '{}', %s from generate_series(1, %s)",
            item,
            class_id,
            by,
            count,
        )
        await execute(studio.db, "update media set label_count = label_count + %s where item_id = %s", count, item)


async def tag(studio: Studio, name: str, values: Mapping[int, object]) -> int:
    """A tag of a project, put on some items with a value for each."""
    made = await value(
        studio.db,
        "insert into label_tags (project_id, name, value_type, color)"
        " values (%s, %s, 'any_string', '#00ff00') returning id",
        studio.project_id,
        name,
    )
    for item, given in values.items():
        await execute(
            studio.db,
            "insert into tagged (tag_id, item_id, value) values (%s, %s, %s::jsonb)",
            made,
            item,
            None if given is None else json.dumps(given),
        )
    return made


async def queue(studio: Studio, *, collection_id: int | None = None, dataset_id: int | None = None) -> int:
    """A queue over a collection or a dataset."""
    return await value(
        studio.db,
        "insert into queues (project_id, source, collection_id, dataset_id, name)"
        " values (%s, %s, %s, %s, 'q') returning id",
        studio.project_id,
        "collection" if collection_id else "dataset",
        collection_id,
        dataset_id,
    )


async def job(studio: Studio, queue_id: int, user_id: int | None) -> int:
    """Somebody's part in a queue."""
    return await value(
        studio.db,
        "insert into jobs (queue_id, user_id, part, name) values (%s, %s, 'annotate', 'j') returning id",
        queue_id,
        user_id,
    )


async def work(
    studio: Studio, queue_id: int, item: int, status: str, *, job_id: int | None = None, lease: str = "1 hour"
) -> None:
    """An item of a queue that was given out: its status, and how long its lease lasts from now."""
    await execute(
        studio.db,
        "insert into work (queue_id, item_id, status, job_id, lease_until)"
        " values (%s, %s, %s, %s, now() + %s::interval)",
        queue_id,
        item,
        status,
        job_id,
        lease,
    )
