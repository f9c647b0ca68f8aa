"""Projects with items to label, as rows: for tests of labels, which need no files behind the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias

from factories.catalog import make_account, make_user
from factories.people import unique
from pinakes.server.actor import Actor, Role
from pinakes.server.db import Database
from pinakes.server.labeling import annotations as labels, meta
from pinakes.server.labeling.label_types import Annotation, NewAnnotation, NewClass, NewLabel, NewTag, Saved

# What a query gives, or a test hands on by keyword: who gets it knows the types.
Value: TypeAlias = Any

KINDS = {
    "images": "image",
    "videos": "video",
    "point_clouds": "point_cloud",
    "point_cloud_episodes": "point_cloud",
    "volumes": "volume",
}
CLASSES = [NewClass("car", "rectangle"), NewClass("road", "polygon"), NewClass("thing", "any")]
TAGS = [
    NewTag("seen"),
    NewTag("weather", "oneof_string", ["rain", "sun"]),
    NewTag("count", "any_number"),
    NewTag("note", "any_string"),
    NewTag("day", "date"),
]
BOX: Mapping[str, Any] = {"points": {"exterior": [[1, 2], [30, 40]], "interior": []}}
RING: Mapping[str, Any] = {"points": {"exterior": [[0.5, 0.5], [9.5, 0.5], [9.5, 9.5]], "interior": []}}


@dataclass(frozen=True)
class Lab:
    """A project of an account with items to label, and its manager."""

    db: Database
    account_id: int
    project_id: int
    dataset_id: int
    items: list[int]
    actor: Actor

    async def put(self, new: NewAnnotation, actor: Actor | None = None) -> Saved:
        """Save one annotation."""
        async with self.db.changing() as tx:
            return (await labels.put(tx, actor or self.actor, [new]))[0]

    async def get(self, item_id: int, actor: Actor | None = None) -> Annotation:
        """Read one annotation."""
        async with self.db.reading() as tx:
            return await labels.get(tx, actor or self.actor, item_id)

    async def worker(self, role: Role = Role.ANNOTATOR) -> Actor:
        """Somebody with a role in the account."""
        return await make_user(self.db, "worker", {self.account_id: role})

    async def count(self, item_id: int) -> int:
        """The kept count of an item's labels, which has to be what there is."""
        kept = await self.ask("select label_count from media where item_id = %s", item_id)
        assert kept == await self.ask("select count(*) from figures where item_id = %s", item_id)
        return kept

    async def ask(self, query: LiteralString, *values: object) -> Value:
        """The first value that a query gives."""
        async with self.db.reading() as tx:
            row = await (await tx.connection.execute(query, values)).fetchone()
        return row[0] if row else None

    async def do(self, statement: LiteralString, *values: object) -> None:
        """Run a statement."""
        async with self.db.transaction() as tx:
            await tx.connection.execute(statement, values)


async def make_lab(
    db: Database,
    *,
    items: int = 3,
    data_type: str = "images",
    classes: Sequence[NewClass] = CLASSES,
    tags: Sequence[NewTag] = TAGS,
    visibility: str = "private",
) -> Lab:
    """A project with one dataset and some items, with classes and tags."""
    account = await make_account(db, "organization", "lab")
    actor = await make_user(db, "chief", {account.id: Role.ADMIN})
    project_id = await _item(db, "project", account.id, None, unique("project"), visibility)
    lab = Lab(db, account.id, project_id, 0, [], actor)
    await lab.do(
        "insert into projects (item_id, data_type, workspace_id) values (%s, %s,"
        " (select id from workspaces where account_id = %s))",
        project_id,
        data_type,
        account.id,
    )
    dataset_id = await add_dataset(lab)
    ids = [
        await add_item(db, account.id, project_id, dataset_id, f"{at}.png", data_type=data_type, visibility=visibility)
        for at in range(items)
    ]
    async with db.transaction() as tx:
        await meta.replace(tx, actor, project_id, classes, tags)
    return Lab(db, account.id, project_id, dataset_id, ids, actor)


async def add_dataset(lab: Lab) -> int:
    """Another dataset of the project."""
    async with lab.db.transaction() as tx:
        statement = "insert into datasets (project_id, name) values (%s, %s) returning id"
        row = await (await tx.connection.execute(statement, (lab.project_id, unique("dataset")))).fetchone()
    assert row is not None
    return row[0]


async def add_item(
    db: Database,
    account_id: int,
    project_id: int,
    dataset_id: int,
    name: str,
    *,
    data_type: str = "images",
    visibility: str = "private",
) -> int:
    """An item of media, without a file."""
    item_id = await _item(db, KINDS[data_type], account_id, project_id, name, visibility, f"{dataset_id}/{name}")
    async with db.transaction() as tx:
        await tx.connection.execute(
            "insert into media (item_id, project_id, dataset_id, width, height) values (%s, %s, %s, 100, 80)",
            (item_id, project_id, dataset_id),
        )
    return item_id


async def give(
    lab: Lab, actor: Actor, item_id: int, *, status: str = "held", blind: bool = False, part: str = "annotate"
) -> int:
    """A queue of one job, which has an item: returns the queue."""
    async with lab.db.transaction() as tx:

        async def made(statement: LiteralString, *values: object) -> int:
            row = await (await tx.connection.execute(statement, values)).fetchone()
            assert row is not None
            return row[0]

        queue_id = await made(
            "insert into queues (project_id, source, dataset_id, name, blind) values (%s, 'list', %s, 'q', %s)"
            " returning id",
            lab.project_id,
            lab.dataset_id,
            blind,
        )
        job_id = await made(
            "insert into jobs (queue_id, user_id, part, name) values (%s, %s, %s, 'j') returning id",
            queue_id,
            actor.user_id,
            part,
        )
        if part == "annotate":
            await tx.connection.execute(
                "insert into work (queue_id, item_id, status, job_id, labeler_id, lease_until)"
                " values (%s, %s, %s, %s, %s, now() + interval '1 minute')",
                (queue_id, item_id, status, job_id, actor.user_id),
            )
        else:
            await tx.connection.execute(
                "insert into work (queue_id, item_id, status, review_job_id, reviewer_id, review_until)"
                " values (%s, %s, %s, %s, %s, now() + interval '1 minute')",
                (queue_id, item_id, status, job_id, actor.user_id),
            )
    return queue_id


def box(class_name: str = "car", left: float = 1, **more: Value) -> NewLabel:
    """A rectangle."""
    geometry = {"points": {"exterior": [[left, 2], [left + 10, 12]], "interior": []}}
    return NewLabel("rectangle", geometry, class_name, **more)


async def _item(
    db: Database, kind: str, owner_id: int, container: int | None, name: str, visibility: str, key: str | None = None
) -> int:
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "insert into items (kind, owner_id, container_id, name, name_key, visibility)"
            " values (%s, %s, %s, %s, %s, %s) returning id",
            (kind, owner_id, container, name, key or name.lower(), visibility),
        )
        row = await cursor.fetchone()
    assert row is not None
    return row[0]
