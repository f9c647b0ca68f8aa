"""A team that labels: its people, a project with a dataset of images, selections of them, and queues over either."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from factories.people import Person, join, make_organization, make_user, unique
from pinakes.server.actor import Actor, Role
from pinakes.server.collections import ordering
from pinakes.server.db import Database, Tx
from pinakes.server.labeling import queues
from pinakes.server.labeling.queue_types import NewQueue, Queue, QueueSettings
from pinakes.server.people.types import Account


async def sql(tx: Tx, text: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement; return its rows, if it has any."""
    cursor = await tx.connection.execute(text, values)  # pyright: ignore[reportArgumentType] - a test's own text
    return await cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Crew:
    """An organization with a project of images, and people who label and review there."""

    db: Database
    org: Account
    project_id: int
    dataset_id: int
    admin: Actor
    manager: Actor
    labelers: list[Actor]
    reviewers: list[Actor]
    viewer: Actor
    outsider: Actor

    async def images(self, count: int, dataset_id: int | None = None) -> list[int]:
        """Add images to a dataset, as rows; return their ids."""
        where = dataset_id or self.dataset_id
        async with self.db.transaction() as tx:
            rows = await sql(
                tx,
                "with made as ("
                " insert into items (kind, owner_id, container_id, name, name_key, title, visibility)"
                " select 'image', %s, %s, s.name, %s || '/' || s.name, s.name, 'private'"
                " from (select 'image-' || n || '-' || %s || '.png' as name from generate_series(1, %s) as n) as s"
                " returning id"
                "), put as ("
                " insert into media (item_id, project_id, dataset_id, width, height)"
                " select id, %s, %s, 64, 48 from made"
                ") select id from made order by id",
                self.org.id, self.project_id, str(where), secrets.token_hex(4), count, self.project_id, where,
            )  # fmt: skip
            await sql(tx, "update datasets set item_count = item_count + %s where id = %s", count, where)
        return [row[0] for row in rows]

    async def dataset(self) -> int:
        """Add a dataset to the project."""
        async with self.db.transaction() as tx:
            rows = await sql(
                tx,
                "insert into datasets (project_id, name) values (%s, %s) returning id",
                self.project_id,
                unique("ds"),
            )
        return rows[0][0]

    async def selection(self, items: Sequence[int] = ()) -> int:
        """Make a selection of items."""
        title = unique("Selection")
        async with self.db.transaction() as tx:
            rows = await sql(
                tx,
                "insert into items (kind, owner_id, container_id, name, name_key, title, visibility)"
                " values ('collection', %s, %s, %s, %s, %s, 'private') returning id",
                self.org.id, self.project_id, title, f"selection/{title}", title,
            )  # fmt: skip
            made = rows[0][0]
            await sql(
                tx,
                "insert into collections (id, kind, public_id) values (%s, 'selection', %s)",
                made, secrets.token_hex(12),
            )  # fmt: skip
            await sql(
                tx,
                "insert into selections (collection_id, project_id, data_type) values (%s, %s, 'images')",
                made, self.project_id,
            )  # fmt: skip
        await self.put(made, items)
        return made

    async def put(self, collection_id: int, items: Sequence[int], *, first: bool = False) -> None:
        """Add items to a selection: behind the others, or before them."""
        if not items:
            return
        async with self.db.transaction() as tx:
            await sql(tx, "select from collections where id = %s for no key update", collection_id)
            order = "asc" if first else "desc"
            rows = await sql(
                tx,
                f"select order_key from entries where collection_id = %s order by order_key {order} limit 1",
                collection_id,
            )
            edge = rows[0][0] if rows else None
            keys = ordering.before(edge, len(items)) if first and edge else ordering.after(edge, len(items))
            await sql(
                tx,
                "insert into entries (collection_id, item_id, order_key, since_rev, added_rev)"
                " select %s, u.item_id, u.order_key, 1, 1"
                " from unnest(%s::integer [], %s::bytea []) as u (item_id, order_key)",
                collection_id, list(items), keys,
            )  # fmt: skip
            await sql(
                tx, "update collections set entry_count = entry_count + %s where id = %s", len(items), collection_id
            )

    async def take(self, collection_id: int, items: Sequence[int]) -> None:
        """Take items out of a selection."""
        async with self.db.transaction() as tx:
            await sql(tx, "select from collections where id = %s for no key update", collection_id)
            gone = await sql(
                tx,
                "delete from entries where collection_id = %s and item_id = any(%s) returning item_id",
                collection_id, list(items),
            )  # fmt: skip
            await sql(
                tx, "update collections set entry_count = entry_count - %s where id = %s", len(gone), collection_id
            )

    async def trash(self, items: Sequence[int], *, back: bool = False) -> None:
        """Put items of the dataset into the trash, or take them out of it."""
        async with self.db.transaction() as tx:
            await sql(
                tx,
                "update items set deleted_at = case when %s then null else now() end where id = any(%s)",
                back, list(items),
            )  # fmt: skip
            await sql(
                tx,
                "update datasets as d set item_count = item_count + %s * k.n from ("
                " select dataset_id, count(*) as n from media where item_id = any(%s) group by 1"
                ") as k where d.id = k.dataset_id",
                1 if back else -1, list(items),
            )  # fmt: skip

    async def tag(self, items: Sequence[int], name: str) -> None:
        """Put a tag on items."""
        async with self.db.transaction() as tx:
            await sql(
                tx,
                "insert into label_tags (project_id, name, value_type, color) values (%s, %s, 'none', '#112233')"
                " on conflict do nothing",
                self.project_id, name,
            )  # fmt: skip
            await sql(
                tx,
                "insert into tagged (tag_id, item_id) select g.id, u from label_tags as g, unnest(%s::integer []) as u"
                " where g.project_id = %s and g.name = %s",
                list(items), self.project_id, name,
            )  # fmt: skip

    async def queue(self, *, settings: QueueSettings | None = None, **values: Any) -> Queue:  # noqa: ANN401
        """Make a queue, over the dataset unless the test says otherwise, for the labelers and reviewers."""
        if "collection_id" not in values:
            values.setdefault("dataset_id", self.dataset_id)
        values.setdefault("labelers", [person.user_id for person in self.labelers])
        values.setdefault("reviewers", [person.user_id for person in self.reviewers])
        async with self.db.transaction() as tx:
            new = NewQueue(values.pop("name", unique("Queue")), settings=settings or QueueSettings(), **values)
            return await queues.create(tx, self.manager, new)

    async def run(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement of a test's own."""
        async with self.db.transaction() as tx:
            return await sql(tx, text, *values)


async def _worker(db: Database, org: Account, role: Role) -> Actor:
    person = await make_user(db, role.value)
    await join(db, org, person, role)
    return with_role(person, org.id, role)


def job_of(queue: Queue, person: Actor, part: str | None = None) -> int:
    """The job of somebody in a queue, in that part of the work where he has more than one."""
    return next(one.job_id for one in queue.people if one.id == person.user_id and part in {None, one.part})


def with_role(person: Person, account_id: int, role: Role) -> Actor:
    """A person as the actor that he is with one more role."""
    return replace(person.actor, roles={**person.actor.roles, account_id: role})


async def make_crew(db: Database, *, labelers: int = 2, reviewers: int = 1) -> Crew:
    """A team of annotators and reviewers with an empty project of images."""
    boss = await make_user(db, "boss")
    org = await make_organization(db, boss, "vision")
    async with db.transaction() as tx:
        name = unique("project")
        rows = await sql(
            tx,
            "insert into items (kind, owner_id, name, name_key, title, visibility)"
            " values ('project', %s, %s, %s, %s, 'private') returning id",
            org.id, name, name, name,
        )  # fmt: skip
        project = rows[0][0]
        await sql(tx, "insert into projects (item_id, data_type) values (%s, 'images') on conflict do nothing", project)
        rows = await sql(tx, "insert into datasets (project_id, name) values (%s, 'first') returning id", project)
    return Crew(
        db=db,
        org=org,
        project_id=project,
        dataset_id=rows[0][0],
        admin=with_role(boss, org.id, Role.ADMIN),
        manager=await _worker(db, org, Role.MANAGER),
        labelers=[await _worker(db, org, Role.ANNOTATOR) for _ in range(labelers)],
        reviewers=[await _worker(db, org, Role.REVIEWER) for _ in range(reviewers)],
        viewer=await _worker(db, org, Role.VIEWER),
        outsider=(await make_user(db, "outsider")).actor,
    )
