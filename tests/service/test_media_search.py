"""Listings of media: what is asked for is found, in every order and page by page, and nobody sees more than he may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import pytest_asyncio
from psycopg import AsyncCursor

from factories.catalog import make_account, make_user
from factories.finding import facts, figures, job, label_class, many, queue, tag, work
from factories.people import unique
from factories.selections import Studio, execute, make_studio
from pinakes.server.actor import Actor, Role
from pinakes.server.collections import selections
from pinakes.server.db import Database, Query, Tx
from pinakes.server.errors import CollectionNotFound, DatasetNotFound, Invalid, ProjectNotFound
from pinakes.server.search import items, media
from pinakes.server.search.filters import EVERYTHING, And, Expression, Not, Op
from pinakes.server.search.language import FIELDS, compare as spelled, parse
from pinakes.server.search.media import Scope, both, compare, in_collection, labels_between, name_contains


@dataclass
class World:
    """A project of ten images in nested datasets, with facts, labels, tags, a selection with scores and a queue."""

    db: Database
    actor: Actor
    studio: Studio
    items: list[int]
    selection: int
    slug: str
    queue: int

    @property
    def scope(self) -> Scope:
        """All of the project."""
        return Scope(project_id=self.studio.project_id)

    async def at(
        self, expression: str | Expression = EVERYTHING, scope: Scope | None = None, **how: object
    ) -> list[int]:
        """Which of the items are found, by their places in `items`."""
        asked = parse(expression) if isinstance(expression, str) else expression
        async with self.db.reading() as tx:
            page = await media.page(tx, self.actor, scope or self.scope, asked, **how)  # type: ignore[arg-type]
            counted = await media.count(tx, self.actor, scope or self.scope, asked)
        if "limit" not in how and "offset" not in how and "kinds" not in how:
            assert counted == page.total == len(page.items)
        return [self.items.index(item.id) for item in page.items]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(db: Database) -> World:
    """The project that the tests of this file ask about; none changes it."""
    actor = await make_user(db)
    studio = await make_studio(db, actor)
    await studio.dataset("train")
    await studio.dataset("night", "train")
    await studio.dataset("test")
    items = await studio.items(4, "train") + await studio.items(4, "night") + await studio.items(2, "test")
    for number, item in enumerate(items):
        await facts(
            studio,
            [item],
            name=f"Cam_{9 - number}.png",
            size=1000 * (number % 3),
            width=640 if number < 5 else 320,
            height=480,
            description="A rainy street" if number == 7 else "",
            created_at=f"2026-01-{10 + number}T12:00:00Z",
            custom_sort=None if number % 2 else -number,
            mime="image/png" if number else None,
        )
    car, person = await label_class(studio, "car"), await label_class(studio, "person")
    await figures(studio, car, {items[0]: 1, items[1]: 2, items[5]: 3}, by=actor.user_id)
    await figures(studio, person, {items[1]: 1})
    await tag(studio, "weather", {items[0]: "rain", items[1]: "snow", items[2]: None})
    await tag(studio, "count", {items[3]: 2, items[4]: 10})
    made = await studio.selection(name=unique("False positives"))
    async with db.transaction() as tx:
        chosen = [(items[6], 0.9), (items[2], 0.5), (items[8], None), (items[0], 0.1)]
        await selections.add_items(tx, actor, made.id, chosen)
    number = await queue(studio, collection_id=made.id)
    await work(studio, number, items[6], "accepted")
    await work(studio, number, items[2], "held", lease="-1 minute")
    await work(studio, number, items[0], "held")
    return World(db, actor, studio, items, made.id, made.slug, number)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("kind:image", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("kind:video", []),
        ("dataset:train", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("dataset:train/night", [4, 5, 6, 7]),
        ("dataset:night", [4, 5, 6, 7]),
        ("dataset:test,night", [4, 5, 6, 7, 8, 9]),
        ("-dataset:train", [8, 9]),
        ("name:cam_3", [6]),
        ("name=Cam_3.png", [6]),
        ("name=cam_3.png", []),
        ('name:~"Cam_[0-2]\\.png$"', [7, 8, 9]),
        ("description:RAINY", [7]),
        ("rainy", [7]),
        ('"cam_1" or street', [7, 8]),
        ("tag:weather", [0, 1, 2]),
        ("tag:weather=rain", [0]),
        ("tag:weather=rain,snow", [0, 1]),
        ("-tag:weather", [3, 4, 5, 6, 7, 8, 9]),
        ("tag:count>3", [4]),
        ("tag:count=2", [3]),
        ("class:car", [0, 1, 5]),
        ("class:car>=2", [1, 5]),
        ("class:car<=1", [0, 2, 3, 4, 6, 7, 8, 9]),
        ("class:car=0", [2, 3, 4, 6, 7, 8, 9]),
        ("class:car>0", [0, 1, 5]),
        ("class:car>=0", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("class:car<0", []),
        ("class:car=1,3", [0, 5]),
        ("-class:car", [2, 3, 4, 6, 7, 8, 9]),
        ("class:nothing", []),
        ("labels>2", [1, 5]),
        ("size>1kb", [2, 5, 8]),
        ("size=0 width=640", [0, 3]),
        ("width>=640", [0, 1, 2, 3, 4]),
        ("height!=480", []),
        ("created>2026-01-18", [9]),
        ("created>=2026-01-18", [8, 9]),
        ("created<2026-01-11", [0]),
        ("created:2026-01-12", [2]),
        ("created:2026-01", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("updated<1d", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("updated>1d", []),
        ("visibility:public", []),
        ("(class:car or tag:count) -dataset:night", [0, 1, 3]),
    ],
    ids=str,
)
async def test_the_language_finds_media(world: World, query: str, found: list[int]):
    """Issue 4: kind, dataset, name, tag, class, size, dates, free text."""
    assert await world.at(query) == found


async def test_collections_queues_labelers_and_scores_are_found(world: World):
    """S1: the collection as a filter, include and exclude; natively by address, number and title."""
    number, title = world.selection, (await world.studio.look(await _selection(world))).name
    assert await world.at(f"in:{number}") == [0, 2, 6, 8]
    assert await world.at(f"in:{world.slug}") == [0, 2, 6, 8]
    assert await world.at(f'in:"{title}"') == [0, 2, 6, 8]
    assert await world.at(f"-in:{number}") == [1, 3, 4, 5, 7, 9]
    assert await world.at(f"in:{number} score>=0.5") == [2, 6]
    assert await world.at(f"in:{number} -score>=0.5 dataset:train") == [0]
    assert await world.at("score>0.2", Scope(collection_id=number)) == [2, 6]
    assert await world.at(f"queue:{world.queue}") == [0, 2, 6, 8]
    assert await world.at(f"queue:{world.queue}=accepted") == [6]
    assert await world.at(f"queue:{world.queue}=pending") == [2, 8]
    assert await world.at(f"queue:{world.queue}=held,accepted") == [0, 6]
    assert await world.at(f"labeler:{world.actor.name}") == [0, 1, 5]
    assert await world.at(f"owner:{world.actor.name} project:{world.studio.project_id}") == list(range(10))
    assert await world.at(f"id:{world.items[3]},{world.items[1]}") == [1, 3]


async def _selection(world: World) -> selections.Selection:
    async with world.db.reading() as tx:
        return await selections.get(tx, world.actor, world.selection)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("dataset:nowhere", "there is no dataset 'nowhere'"),
        ("in:nobody/nothing", "there is no collection 'nobody/nothing'"),
        ("in:2147483647", "there is no collection '2147483647'"),
        ("in:99999999999999", "there is no collection"),
        ("owner:no-such-account", "there is no account"),
        ("labeler:no-such-account", "there is no user"),
        ("project:no-such-project", "there is no project"),
        ("queue:2147483647", "there is no queue"),
        ("queue:x", "there is no queue 'x'"),
        ("score>1", "name one collection"),
    ],
    ids=str,
)
async def test_a_name_of_nothing_is_said(world: World, query: str, message: str):
    async with world.db.reading() as tx:
        with pytest.raises(Invalid, match=message) as error:
            await media.page(tx, world.actor, world.scope, parse(query))
    assert error.value.field == "query"


async def test_everything_that_can_be_asked_runs(world: World):
    """Whatever a field can be asked is answered, of media and of items of every kind, negated too."""
    samples: dict[str, object] = {
        "kind": "image",
        "owner": world.actor.name,
        "project": str(world.studio.project_id),
        "dataset": "train",
        "labeler": world.actor.name,
        "in": str(world.selection),
        "queue": "accepted",
        "created": "2026-01",
        "updated": "7d",
        "score": 0.5,
        "visibility": "private",
    }
    paths = {"tag": ("count",), "class": ("car",), "queue": (str(world.queue),)}
    for name, term in FIELDS.items():
        sample = samples[name] if name in samples else term.reads("5")
        ops: list[Op] = [*term.ops, *([Op.EXISTS] if term.named else [])]
        for op in ops:
            given = True if op is Op.EXISTS else [sample, sample] if op is Op.IN else sample
            asked: Expression = spelled(name, op, given, paths.get(name, ()))
            if name == "score":
                asked = And((asked, spelled("in", Op.EQUALS, str(world.selection))))
            async with world.db.reading() as tx:
                there = await media.count(tx, world.actor, world.scope, asked)
                found = await items.find_ids(
                    tx, world.actor, asked, project_id=world.studio.project_id, kinds=["image"]
                )
                assert len(found) == there
                assert (
                    await items.count(
                        tx, world.actor, And((asked, parse(f"kind:image project:{world.studio.project_id}")))
                    )
                    == there
                )
                if name != "score":
                    assert await media.count(tx, world.actor, world.scope, Not(asked)) == len(world.items) - there


@pytest.mark.parametrize("value", ["1e400", "nan", "inf", "-5", "2026-01-01", "\\"])
async def test_values_of_tags_of_any_form_are_compared(world: World, value: str):
    studio = await make_studio(world.db, world.actor)
    (item,) = await studio.items(1)
    await tag(studio, "huge", {})
    await execute(
        world.db,
        "insert into tagged (tag_id, item_id, value) select id, %s, '1e400' from label_tags where project_id = %s",
        item,
        studio.project_id,
    )
    async with world.db.reading() as tx:
        for sign in ("<", ">", "<=", ">=", "="):
            asked = spelled("tag", Op(sign), value, ("huge",))
            assert await media.count(tx, world.actor, Scope(project_id=studio.project_id), asked) in (0, 1)


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("id", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("name", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("description", [0, 1, 2, 3, 4, 5, 6, 8, 9, 7]),
        ("labels", [2, 3, 4, 6, 7, 8, 9, 0, 1, 5]),
        ("dataset", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("created", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("size", [0, 3, 6, 9, 1, 4, 7, 2, 5, 8]),
        ("custom", [8, 6, 4, 2, 0, 1, 3, 5, 7, 9]),
    ],
    ids=str,
)
async def test_every_order_both_ways_and_page_by_page(world: World, sort: str, found: list[int]):
    """S1: the sort keys of contract 3.4; offsets from either end, and cursors, give the same rows."""
    back = found[::-1]
    assert await world.at(sort=sort) == found
    assert await world.at(sort=sort, descending=True) == back
    for limit in (1, 3, 4, 10, 11):
        paged = [at for start in range(0, 12, limit) for at in await world.at(sort=sort, limit=limit, offset=start)]
        assert paged == found
        assert await _by_cursor(world, sort, limit, descending=False) == found
        assert await _by_cursor(world, sort, limit, descending=True) == back
    assert await world.at(sort=sort, offset=10) == await world.at(sort=sort, offset=2**62) == []


async def _by_cursor(
    world: World,
    sort: str,
    limit: int,
    *,
    descending: bool,
    scope: Scope | None = None,
    expression: Expression = EVERYTHING,
) -> list[int]:
    found: list[int] = []
    cursor = None
    while True:
        async with world.db.reading() as tx:
            page = await media.page(
                tx,
                world.actor,
                scope or world.scope,
                expression,
                sort=sort,
                descending=descending,
                limit=limit,
                cursor=cursor,
                with_total=False,
            )
        assert page.total is None
        found += [world.items.index(item.id) for item in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def test_a_collection_has_an_order_and_scores(world: World):
    """S1: `collectionItemIndex` is the order of addition; `aiSearchScore`; both only with a collection."""
    inside = in_collection(world.selection)
    assert await world.at(inside, sort="index") == [6, 2, 8, 0]
    assert await world.at(inside, sort="index", descending=True) == [0, 8, 2, 6]
    assert await world.at(inside, sort="score", descending=True) == [6, 2, 0, 8]
    assert await world.at(scope=Scope(collection_id=world.selection), sort="index") == [6, 2, 8, 0]
    assert await world.at(scope=Scope(collection_id=world.selection), sort="name") == [8, 6, 2, 0]
    for sort, found in (("index", [6, 2, 8, 0]), ("score", [8, 0, 2, 6]), ("id", [0, 2, 6, 8])):
        for limit in (1, 3, 4):
            assert await _by_cursor(world, sort, limit, descending=False, expression=inside) == found
            paged = [
                at
                for start in range(0, 5, limit)
                for at in await world.at(inside, sort=sort, limit=limit, offset=start)
            ]
            assert paged == found
    async with world.db.reading() as tx:
        page = await media.page(tx, world.actor, world.scope, inside)
        assert {world.items.index(item): round(score, 3) for item, score in page.scores.items()} == {
            0: 0.1,
            2: 0.5,
            6: 0.9,
        }
        for sort in ("index", "score"):
            with pytest.raises(Invalid, match="list one collection"):
                await media.page(tx, world.actor, world.scope, sort=sort)


async def test_filters_of_clients_are_expressions(world: World):
    """S1, contract 3.4: collections with thresholds, names, labels of a class, comparisons."""
    studio, number = world.studio, world.selection
    assert await world.at(in_collection(number, include=False)) == [1, 3, 4, 5, 7, 9]
    assert await world.at(in_collection(number, threshold=0.5)) == [2, 6]
    assert await world.at(in_collection(number, threshold=0.5, above=False)) == [0]
    assert await world.at(in_collection(number), Scope(dataset_id=studio.datasets["train"])) == [0, 2]
    assert await world.at(in_collection(number), Scope(dataset_id=studio.datasets["train"], recursive=True)) == [
        0,
        2,
        6,
    ]
    assert await world.at(name_contains("CAM_1")) == [8]
    car = (await _classes(world))["car"]
    assert await world.at(labels_between(car, 1, 9999)) == [0, 1, 5]
    assert await world.at(labels_between(car, 2, 2)) == [1]
    assert await world.at(labels_between(car, 0, 1)) == [0, 2, 3, 4, 6, 7, 8, 9]
    assert await world.at(labels_between(car, 1, 9999, include=False)) == [2, 3, 4, 6, 7, 8, 9]
    assert await world.at(labels_between(None, 1, 9999)) == [0, 1, 5]
    assert await world.at(labels_between(None, 3, 3)) == [1, 5]
    assert await world.at(labels_between(2**40, 1, 2**70)) == []
    assert await world.at(both(name_contains("cam"), labels_between(car, 1, 1), EVERYTHING)) == [0]


async def _classes(world: World) -> dict[str, int]:
    async with world.db.transaction() as tx:
        cursor = await tx.connection.execute(
            "select name, id from label_classes where project_id = %s", (world.studio.project_id,)
        )
        return dict(await cursor.fetchall())


@pytest.mark.parametrize(
    ("field", "operator", "value", "found"),
    [
        ("name", "=", "Cam_3.png", [6]),
        ("name", "eq", "Cam_3.png", [6]),
        ("name", "!=", "Cam_3.png", [0, 1, 2, 3, 4, 5, 7, 8, 9]),
        ("name", "in", ["Cam_3.png", "Cam_9.png"], [0, 6]),
        ("name", "!in", ["Cam_3.png", "Cam_9.png"], [1, 2, 3, 4, 5, 7, 8, 9]),
        ("name", "like", "Cam_3%", [6]),
        ("name", "like", "cam%", []),
        ("name", "ilike", "cam_3%", [6]),
        ("name", "!ilike", "cam_%", []),
        ("name", "!like", "%3%", [0, 1, 2, 3, 4, 5, 7, 8, 9]),
        ("name", "like", "\\", []),
        ("name", ">=", "Cam_8", [0, 1]),
        ("size", "<", 1000, [0, 3, 6, 9]),
        ("size", "lte", "1000", [0, 1, 3, 4, 6, 7, 9]),
        ("labels", "gt", 2, [1, 5]),
        ("mime", "=", None, [0]),
        ("mime", "!=", None, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("created_at", ">=", "2026-01-18T12:00:00.000Z", [8, 9]),
        ("created_at", ">", "2026-01-18T12:00:00.000Z", [9]),
        ("custom_sort", "<", -3, [4, 6, 8]),
        ("width", "in", [640], [0, 1, 2, 3, 4]),
        ("id", "in", [], []),
        ("id", "=", 2**70, []),
    ],
    ids=str,
)
async def test_comparisons_of_clients(world: World, field: str, operator: str, value: object, found: list[int]):
    """S1, contract 3.4: =, !=, in, !in, <, <=, >, >=, like, ilike and what they negate, null too."""
    assert await world.at(compare(field, operator, value)) == found


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("nothing", "=", 1),
        ("name", "~", "a"),
        ("name", "=", 5),
        ("name", "in", "a"),
        ("name", "in", [None, 3]),
        ("size", ">", "big"),
        ("size", "like", "1%"),
        ("created_at", ">", "soon"),
        ("created_at", ">", 5),
        ("custom_sort", "<", "a"),
        ("size", "in", [True]),
    ],
    ids=str,
)
async def test_a_comparison_that_can_not_be_is_refused(world: World, field: str, operator: str, value: object):
    async with world.db.reading() as tx:
        with pytest.raises(Invalid) as error:
            await media.page(
                tx, world.actor, world.scope, compare(field, operator, value, argument="filter", said="Field")
            )
    assert error.value.field == "filter"


async def test_scopes(world: World):
    train, night = world.studio.datasets["train"], world.studio.datasets["night"]
    assert await world.at(scope=Scope(dataset_id=train)) == [0, 1, 2, 3]
    assert await world.at(scope=Scope(dataset_id=train, recursive=True)) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert await world.at(scope=Scope(project_id=world.studio.project_id, dataset_id=night)) == [4, 5, 6, 7]
    assert await world.at(scope=Scope(collection_id=world.selection, dataset_id=night)) == [6]
    assert await world.at(kinds=["image"]) == list(range(10))
    assert await world.at(kinds=["video"]) == []
    async with world.db.reading() as tx:
        assert await media.ids(tx, world.actor, world.scope, parse("class:car"), sort="name") == [
            world.items[at] for at in (5, 1, 0)
        ]
        assert await media.ids(tx, world.actor, world.scope, limit=2) == world.items[:2]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"sort": "colour"}, "sort"),
        ({"limit": 0}, "limit"),
        ({"limit": 100_001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 2**63}, "offset"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
    ],
    ids=str,
)
async def test_what_is_no_page_is_refused(world: World, asked: dict[str, object], field: str):
    async with world.db.reading() as tx:
        with pytest.raises(Invalid) as error:
            await media.page(tx, world.actor, world.scope, **asked)  # type: ignore[arg-type]
    assert error.value.field == field


async def test_a_cursor_belongs_to_its_order(world: World):
    async with world.db.reading() as tx:
        page = await media.page(tx, world.actor, world.scope, sort="custom", limit=5)
        assert page.next is not None
        with pytest.raises(Invalid, match="another order"):
            await media.page(tx, world.actor, world.scope, sort="name", limit=5, cursor=page.next)
        with pytest.raises(Invalid, match="another order"):
            await media.page(tx, world.actor, world.scope, sort="custom", descending=True, limit=5, cursor=page.next)
        with pytest.raises(Invalid, match="Say where"):
            await media.page(tx, world.actor, Scope())


# -- who sees what --


async def test_strangers_see_nothing(world: World, db: Database):
    """Issue 4: what a reader may not see does not exist, in lists, counts and filters alike."""
    stranger = await make_user(db)
    dataset = world.studio.datasets["train"]
    async with db.reading() as tx:
        for scope, missing in (
            (world.scope, ProjectNotFound),
            (Scope(dataset_id=dataset), DatasetNotFound),
            (Scope(collection_id=world.selection), CollectionNotFound),
            (Scope(project_id=2**40), ProjectNotFound),
            (Scope(dataset_id=2**40), DatasetNotFound),
        ):
            for actor in (stranger, Actor()):
                with pytest.raises(missing):
                    await media.page(tx, actor, scope)
                with pytest.raises(missing):
                    await media.count(tx, actor, scope)


async def test_the_collection_of_another_filters_as_if_there_were_none(world: World, db: Database):
    stranger = await make_user(db)
    own = await make_studio(db, stranger)
    await own.items(2)
    async with db.reading() as tx:
        for query in (f"in:{world.selection}", f"-in:{world.selection}", f"in:{world.slug}", f"queue:{world.queue}"):
            with pytest.raises(Invalid, match="there is no"):
                await media.page(tx, stranger, Scope(project_id=own.project_id), parse(query))
        with pytest.raises(Invalid, match="there is no collection"):
            await media.page(
                tx, stranger, Scope(project_id=own.project_id), in_collection(world.selection, include=False)
            )
        with pytest.raises(Invalid, match="there is no dataset"):
            await media.page(tx, stranger, Scope(project_id=own.project_id), parse("dataset:night"))


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER])
async def test_an_annotator_sees_what_his_jobs_hand_him(db: Database, role: Role):
    """Issue 4, 6: an annotator sees nothing but his jobs' items, in pages, counts and filters alike."""
    team = await make_account(db, "organization", "team")
    admin = await make_user(db, roles={team.id: Role.ADMIN})
    anna = await make_user(db, roles={team.id: role})
    studio = await make_studio(db, admin, owner_id=team.id)
    items = await studio.items(5)
    selection = await studio.selection(items)
    asked = Scope(project_id=studio.project_id)
    async with db.reading() as tx:
        with pytest.raises(ProjectNotFound):
            await media.page(tx, anna, asked)
    number = await queue(studio, dataset_id=studio.datasets["train"])
    part = await job(studio, number, anna.user_id)
    async with db.reading() as tx:
        assert (await media.page(tx, anna, asked)).total == 0
    await work(studio, number, items[1], "held", job_id=part)
    await work(studio, number, items[3], "accepted", job_id=part)
    async with db.reading() as tx:
        for scope in (asked, Scope(dataset_id=studio.datasets["train"])):
            page = await media.page(tx, anna, scope)
            assert [item.id for item in page.items] == [items[1], items[3]]
            assert page.total == await media.count(tx, anna, scope) == 2
            assert (await media.page(tx, anna, scope, limit=1, offset=1)).items[0].id == items[3]
        query = Not(compare("id", "=", items[1]))
        assert [item.id for item in (await media.page(tx, anna, asked, query)).items] == [items[3]]
        assert (await media.page(tx, anna, asked, parse("dataset:train"))).total == 2
        for text in (f"in:{selection.id}", f"queue:{number}", f"labeler:{admin.name}"):
            with pytest.raises(Invalid, match="there is no"):
                await media.page(tx, anna, asked, parse(text))
        with pytest.raises(CollectionNotFound):
            await media.page(tx, anna, Scope(collection_id=selection.id))
    await execute(db, "update jobs set archived_at = now() where id = %s", part)
    async with db.reading() as tx:
        with pytest.raises(ProjectNotFound):
            await media.page(tx, anna, asked)


async def test_what_is_removed_is_in_no_list(db: Database):
    actor = await make_user(db)
    studio = await make_studio(db, actor)
    items = await studio.items(3)
    selection = await studio.selection(items)
    await execute(db, "update items set deleted_at = now() where id = %s", items[1])
    async with db.reading() as tx:
        found = await media.ids(tx, actor, Scope(project_id=studio.project_id))
        inside = await media.ids(tx, actor, Scope(collection_id=selection.id), sort="index")
        walked = await media.ids(tx, actor, Scope(project_id=studio.project_id), in_collection(selection.id))
    assert found == inside == walked == [items[0], items[2]]


async def test_a_sparse_collection_and_a_dense_one_are_read_alike(db: Database):
    actor = await make_user(db)
    studio = await make_studio(db, actor)
    items = await studio.items(60)
    for chosen in ([items[50], items[7]], items[5:55][::-1]):
        selection = await studio.selection(chosen)
        await _reads_alike(studio, selection.id, chosen)


async def _reads_alike(studio: Studio, selection_id: int, chosen: Sequence[int]) -> None:
    scope, inside = Scope(project_id=studio.project_id), in_collection(selection_id)
    async with studio.db.reading() as tx:
        assert await media.ids(tx, studio.actor, scope, inside) == sorted(chosen)
        assert await media.ids(tx, studio.actor, scope, inside, sort="index") == list(chosen)
        assert await media.ids(tx, studio.actor, scope, inside, sort="id", descending=True) == sorted(chosen)[::-1]
        page = await media.page(tx, studio.actor, scope, inside, limit=10, offset=max(0, len(chosen) - 1))
        assert [item.id for item in page.items] == sorted(chosen)[-1:]
        assert page.total == len(chosen)
        outside = await media.page(tx, studio.actor, scope, in_collection(selection_id, include=False))
        assert outside.total == 60 - len(chosen)


class Watched(Tx):
    """A transaction that remembers what is run in it."""

    def __init__(self, tx: Tx) -> None:
        """Take over another's connection."""
        super().__init__(tx.connection)
        self.ran: list[tuple[Query, dict[str, object]]] = []

    async def _execute(self, query: Query, params: dict[str, object]) -> AsyncCursor[tuple[object, ...]]:
        self.ran.append((query, params))
        return await super()._execute(query, params)

    async def plan(self, name: str) -> str:
        """How PostgreSQL runs the last query of that name."""
        query, params = next((query, params) for query, params in self.ran[::-1] if query.name == name)
        cursor = await self.connection.execute(f"explain {query.text}".encode(), params)
        return "\n".join(str(row[0]) for row in await cursor.fetchall())


async def test_the_hot_listings_walk_an_index(db: Database):
    """First and last pages of a project, a dataset and a collection look at as many rows as they have."""
    actor = await make_user(db)
    studio, other = await make_studio(db, actor), await make_studio(db, actor)
    await many(other, 20_000, await other.dataset("train"))
    dataset = await studio.dataset("train")
    items = await many(studio, 20_000, dataset)
    dense, sparse = await studio.selection(items[::-2]), await studio.selection(items[::500])
    await execute(db, "analyze entries")
    project = Scope(project_id=studio.project_id)
    listings: list[tuple[Scope, Expression, str, str, str]] = [
        (project, EVERYTHING, "id", "page", "media_in_project"),
        (Scope(dataset_id=dataset), EVERYTHING, "id", "page", "media_in_dataset"),
        (Scope(dataset_id=dataset), EVERYTHING, "custom", "page", "media_in_custom_order"),
        (project, in_collection(dense.id), "id", "page", "media_in_project"),
        (project, in_collection(dense.id), "index", "page_of_collection", "entries_in_order"),
        (project, in_collection(sparse.id), "index", "page_of_collection", "entries_in_order"),
    ]
    async with db.reading() as tx:
        for scope, expression, sort, query, index in listings:
            for offset in (0, 100_000_000):
                watched = Watched(tx)
                total = await media.count(watched, actor, scope, expression)
                await media.page(
                    watched, actor, scope, expression, sort=sort, limit=20, offset=min(offset, max(0, total - 20))
                )
                plan = await watched.plan(query)
                assert index in plan, plan
                assert "->  Sort" not in plan, plan
                assert "Seq Scan" not in plan, plan
