"""The query language over items of every kind: found by who may see them, and by nobody else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import pytest_asyncio

from factories import collection, models, unique, user
from factories.catalog import make_account, make_repo, make_user
from factories.finding import facts, tag
from factories.selections import Studio, execute, make_studio
from pinakes.server.actor import Actor, Role
from pinakes.server.collections import entries
from pinakes.server.collections.types import Addition, ItemRef
from pinakes.server.db import Database
from pinakes.server.errors import Invalid
from pinakes.server.search import items


@dataclass
class World:
    """Somebody's models, one private, a collection of two of them with scores, and a project of images."""

    db: Database
    actor: Actor
    models: list[int]
    hidden: int
    shown: int
    slug: str
    studio: Studio
    images: list[int]

    async def find(self, query: str, actor: Actor | None = None, **how: object) -> list[int]:
        """What is found of what the somebody has; the count and the numbers agree with the page."""
        async with self.db.reading() as tx:
            page = await items.find(tx, actor or self.actor, query, owner=self.actor.name, **how)  # type: ignore[arg-type]
            mine = f"owner:{self.actor.name} ({query})" if query else f"owner:{self.actor.name}"
            if not how:
                assert await items.count(tx, actor or self.actor, mine) == len(page.rows)
                assert await items.find_ids(tx, actor or self.actor, mine) == [row.id for row in page.rows]
        return [row.id for row in page.rows]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(db: Database) -> World:
    """What the tests of this file look for; none changes it."""
    actor = await user(db)
    found = await models(db, actor, 3)
    hidden = (await make_repo(db, actor, unique("hidden-model"), visibility="private")).id
    await execute(db, "update repos set tags = '{vision,de}', description = 'Finds owls' where item_id = %s", found[1])
    await execute(db, "update items set created_at = '2026-01-01' where id = %s", found[2])
    made = await collection(db, actor, title=unique("Night birds"), description="What flies at night")
    async with db.transaction() as tx:
        additions = [Addition(ItemRef(found[2]), score=0.25), Addition(ItemRef(found[0]), score=0.75)]
        await entries.add(tx, actor, made.public_id, additions)
    studio = await make_studio(db, actor)
    images = await studio.items(3)
    await facts(studio, images[:1], name="owl.png", size=5000)
    await tag(studio, "vision", {images[2]: None})
    return World(db, actor, found, hidden, made.id, made.slug, studio, images)


async def test_everything_of_every_kind_is_found(world: World):
    w = world
    assert await w.find("") == sorted([*w.models, w.hidden, w.shown, w.studio.project_id, *w.images])
    assert await w.find("kind:model") == [*w.models, w.hidden]
    assert await w.find("kind:model visibility:public") == w.models
    assert await w.find("kind:showcase") == await w.find("kind:collection") == [w.shown]
    assert await w.find("kind:release") == []
    assert await w.find("kind:image") == await w.find("dataset:train") == w.images
    assert await w.find("kind:image,project") == [w.studio.project_id, *w.images]
    assert await w.find("owl") == [w.models[1], w.images[0]]
    assert await w.find('"night birds"') == [w.shown]
    assert await w.find('"flies AT"') == [w.shown]
    assert await w.find("tag:vision") == [w.models[1], w.images[2]]
    assert await w.find("tag:vision=x") == []
    assert await w.find("created<2026-02") == [w.models[2]]
    assert await w.find("size>1kb") == [w.images[0]]
    assert await w.find("labels=0") == w.images
    assert await w.find(f"project:{w.studio.project_id}") == w.images
    assert await w.find(f"id:{w.models[0]}") == [w.models[0]]
    assert await w.find(f"in:{w.slug}") == sorted([w.models[0], w.models[2]])
    assert await w.find(f"in:{w.shown} score>0.5") == [w.models[0]]
    assert await w.find(f"kind:model -in:{w.shown} -visibility:private") == [w.models[1]]


async def test_orders_and_pages(world: World):
    w = world
    backwards = (await w.find("kind:model"))[::-1]
    assert await w.find("kind:model", sort="-id") == backwards
    assert await w.find("kind:model", sort="created") == [w.models[2], w.models[0], w.models[1], w.hidden]
    assert await w.find(f"in:{w.shown}", sort="-score") == [w.models[0], w.models[2]]
    assert (await w.find("kind:image", sort="-size"))[0] == w.images[0]
    whole = await w.find("", sort="name")
    for limit in (1, 2, 50):
        for sort in ("name", "id", "-updated", "-size", "kind"):
            found, cursor = list[int](), None
            while True:
                async with w.db.reading() as tx:
                    page = await items.find(tx, w.actor, "", owner=w.actor.name, sort=sort, limit=limit, cursor=cursor)
                found += [row.id for row in page.rows]
                cursor = page.next
                if cursor is None:
                    break
            assert sorted(found) == sorted(whole)
            assert sort != "name" or found == whole


async def test_a_hit_says_what_it_is(world: World):
    async with world.db.reading() as tx:
        (hit,) = (await items.find(tx, world.actor, f"id:{world.shown}")).rows
        (picture,) = (await items.find(tx, world.actor, f"id:{world.images[0]}")).rows
    assert (hit.address, hit.collection_kind, hit.kind) == (world.slug, "showcase", "collection")
    assert (picture.project_id, picture.dataset_id) == (world.studio.project_id, world.studio.datasets["train"])


async def test_nobody_finds_what_he_may_not_see(world: World):
    w, stranger = world, await user(world.db)
    for actor in (stranger, Actor()):
        assert await w.find("", actor) == [*w.models, w.shown]
        assert await w.find("kind:image or visibility:private", actor) == []
        async with w.db.reading() as tx:
            for query in (f"project:{w.studio.project_id}", f"dataset:{w.studio.datasets['train']}"):
                with pytest.raises(Invalid, match="there is no"):
                    await items.find(tx, actor, f"{query} owner:{w.actor.name}")
            assert await items.count(tx, actor, f"id:{w.hidden}") == 0
    assert await w.find("", owner_is_unknown := stranger) == [*w.models, w.shown]
    async with w.db.reading() as tx:
        assert (await items.find(tx, owner_is_unknown, "", owner="no-such-owner")).rows == []


async def test_an_annotator_finds_nothing_of_his_team_here(db: Database):
    """What his jobs hand him he finds where it is listed; here, what anybody may see."""
    team = await make_account(db, "organization", "team")
    admin = await make_user(db, roles={team.id: Role.ADMIN})
    anna = await make_user(db, roles={team.id: Role.ANNOTATOR})
    studio = await make_studio(db, admin, owner_id=team.id)
    await studio.items(2)
    async with db.reading() as tx:
        assert await items.count(tx, admin, f"owner:{team.name} kind:image") == 2
        assert await items.count(tx, anna, f"owner:{team.name}") == 0


@pytest.mark.parametrize(
    ("query", "how", "field"),
    [
        ("foo:bar", {}, "query"),
        ("", {"sort": "colour"}, "sort"),
        ("", {"sort": "name.x"}, "sort"),
        ("", {"sort": "score"}, "sort"),
        ("", {"limit": 0}, "limit"),
        ("", {"limit": 1001}, "limit"),
        ("", {"cursor": "abc"}, "cursor"),
        ("in:nothing/here", {}, "query"),
        ("name:~(", {}, "query"),
    ],
    ids=str,
)
async def test_what_can_not_be_asked_is_said(world: World, query: str, how: dict[str, object], field: str):
    async with world.db.reading() as tx:
        with pytest.raises(Invalid) as error:
            await items.find(tx, world.actor, query, **how)  # type: ignore[arg-type]
    assert error.value.field == field


async def test_a_cursor_belongs_to_its_order(world: World):
    async with world.db.reading() as tx:
        page = await items.find(tx, world.actor, "", limit=1)
        assert page.next is not None
        with pytest.raises(Invalid, match="another order"):
            await items.find(tx, world.actor, "", sort="-id", cursor=page.next)
        with pytest.raises(Invalid, match="belong"):
            await items.find(tx, world.actor, "", sort="size", cursor=page.next)
