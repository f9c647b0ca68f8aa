"""Projects of media with datasets and items, as rows: for the rooms above the one that reads files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from factories import unique
from pinakes.server.actor import Actor
from pinakes.server.collections import selections
from pinakes.server.collections.selection_types import Selection
from pinakes.server.db import Database

KIND_OF = {
    "images": "image",
    "videos": "video",
    "point_clouds": "point_cloud",
    "point_cloud_episodes": "point_cloud",
    "volumes": "volume",
}


async def value(db: Database, sql: str, *params: object) -> int:
    """Run a statement that returns one number."""
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(sql.encode(), params)
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def execute(db: Database, sql: str, *params: object) -> None:
    """Run a statement."""
    async with db.transaction() as tx:
        await tx.connection.execute(sql.encode(), params)


@dataclass
class Studio:
    """A project of media, with datasets by name, and who owns it."""

    db: Database
    actor: Actor
    project_id: int
    data_type: str
    datasets: dict[str, int] = field(default_factory=dict[str, int])

    async def dataset(self, name: str, parent: str | None = None) -> int:
        """A new dataset, in another one where that is named."""
        self.datasets[name] = await value(
            self.db,
            "insert into datasets (project_id, parent_id, name) values (%s, %s, %s) returning id",
            self.project_id,
            self.datasets[parent] if parent else None,
            name,
        )
        return self.datasets[name]

    async def items(self, count: int, dataset: str = "train", *, contents: Sequence[bytes] | None = None) -> list[int]:
        """So many new items of a dataset, each with a content of its own, unless the test says which."""
        if dataset not in self.datasets:
            await self.dataset(dataset)
        hashes = [hashlib.sha256(content).digest() for content in contents] if contents else None
        async with self.db.transaction() as tx:
            await tx.patiently_for(count)
            cursor = await tx.connection.execute(
                """
                with item as (
                    insert into items (kind, owner_id, container_id, name, name_key, visibility)
                    select
                        %(kind)s, p.owner_id, p.id, w.name, %(dataset)s || '/' || w.name, p.visibility
                    from unnest(%(names)s::text []) with ordinality as w (name, at)
                    cross join items as p
                    where p.id = %(project)s
                    order by w.at
                    returning id, name
                ),

                counted as (
                    update datasets
                    set item_count = item_count + %(count)s, size = size + 10 * %(count)s
                    where id = %(dataset)s::integer
                )

                insert into media (item_id, project_id, dataset_id, sha256, size)
                select
                    i.id, %(project)s, %(dataset)s::integer,
                    case when %(hashes)s::bytea [] is null then sha256(uuid_send(gen_random_uuid()))
                        else (%(hashes)s::bytea [])[row_number() over (order by i.id)] end, 10
                from item as i
                order by i.id
                returning item_id
                """,
                {
                    "kind": KIND_OF[self.data_type],
                    "dataset": self.datasets[dataset],
                    "names": [f"{unique('item')}.png" for _ in range(count)],
                    "hashes": hashes,
                    "count": count,
                    "project": self.project_id,
                },
            )
            return [row[0] for row in await cursor.fetchall()]

    async def selection(
        self,
        items: Sequence[int] = (),
        name: str | None = None,
        *,
        description: str = "",
        search_key: str | None = None,
    ) -> Selection:
        """A new selection in the project, with some items in it."""
        async with self.db.transaction() as tx:
            name = name or unique("Selection")
            made = await selections.create(
                tx, self.actor, self.project_id, name, description=description, search_key=search_key
            )
            if items:
                await selections.add_items(tx, self.actor, made.id, [(item, None) for item in items])
            return await selections.get(tx, self.actor, made.id)

    async def look(self, selection: Selection) -> Selection:
        """The selection as it is now."""
        async with self.db.reading() as tx:
            return await selections.get(tx, self.actor, selection.id)

    async def counts(self, dataset: str = "train") -> tuple[int, int]:
        """How many items a dataset counts, and their size."""
        return (
            await value(self.db, "select item_count from datasets where id = %s", self.datasets[dataset]),
            await value(self.db, "select size from datasets where id = %s", self.datasets[dataset]),
        )


async def make_studio(
    db: Database, actor: Actor, data_type: str = "images", *, visibility: str = "private", owner_id: int | None = None
) -> Studio:
    """A new project of media: the actor's own, unless another owner is given."""
    name = unique("project")
    project_id = await value(
        db,
        """
        with item as (
            insert into items (kind, owner_id, name, name_key, visibility)
            values ('project', %s, %s, lower(%s), %s)
            returning id
        )
        insert into projects (item_id, data_type, created_by) select id, %s, %s from item returning item_id
        """,
        owner_id or actor.user_id,
        name,
        name,
        visibility,
        data_type,
        actor.user_id,
    )
    return Studio(db, actor, project_id, data_type)
