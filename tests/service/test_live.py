"""Live collections: they follow their queries, keep what people pinned and banned, and never surprise anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from factories import collection, models, unique, user
from factories.catalog import make_account, make_repo, make_user
from factories.finding import many
from factories.selections import execute, make_studio, value
from pinakes.server.actor import Actor, Role
from pinakes.server.collections import checks, combining, entries, live as state, revisions, service
from pinakes.server.collections.live_types import Live
from pinakes.server.collections.types import Addition, Collection, Entry, ItemRef
from pinakes.server.db import Database, Tx
from pinakes.server.errors import CollectionNotFound, Conflict, Forbidden, Invalid, ItemNotFound, PreconditionFailed
from pinakes.server.search import live

Verb = Callable[..., Awaitable[Live]]


@dataclass
class Shop:
    """Somebody with a collection, and what he does with it."""

    db: Database
    actor: Actor
    made: Collection

    @property
    def query(self) -> str:
        """All his models."""
        return f"kind:model owner:{self.actor.name}"

    async def do(self, verb: Verb, *given: object, **more: object) -> Live:
        """Do something with the collection."""
        async with self.db.transaction() as tx:
            return await verb(tx, self.actor, self.made.public_id, *given, **more)

    async def read(self, actor: Actor | None = None, *, fresh: bool = True) -> tuple[Collection, list[Entry]]:
        """Read the collection and its entries; with `fresh`, as if it had last been read long ago."""
        if fresh:
            await self.age()
        async with self.db.reading() as tx:
            return await service.get_with_entries(tx, actor or self.actor, self.made.public_id)

    async def items(self, actor: Actor | None = None, *, fresh: bool = True) -> list[int]:
        """The items that a reader finds in it; their count agrees."""
        found, inside = await self.read(actor, fresh=fresh)
        assert found.entry_count == len(inside)
        return [entry.item_id for entry in inside]

    async def age(self) -> None:
        """Make the collection older than a reader takes for fresh."""
        await execute(
            self.db,
            "update live_collections set refreshed_at = refreshed_at - interval '1 hour' where collection_id = %s",
            self.made.id,
        )

    async def verbs(self) -> list[tuple[str, int | None]]:
        """What the record says was done, and by whom (None: the server)."""
        async with self.db.transaction() as tx:
            cursor = await tx.connection.execute(
                "select verb, actor_id from events where collection_id = %s order by id", (self.made.id,)
            )
            return [(row[0], row[1]) for row in await cursor.fetchall()]


async def make_shop(db: Database, items: Sequence[int] = (), *, actor: Actor | None = None, **values: str) -> Shop:
    actor = actor or await user(db)
    return Shop(db, actor, await collection(db, actor, list(items), **values))


async def test_a_live_collection_follows_its_query(db: Database):
    """Story C: "all our models of this year"; a change is a revision by the server, and no change is none."""
    shop = await make_shop(db)
    first = await models(db, shop.actor, 2)
    made = await shop.do(live.start, query=f" {shop.query} ")
    assert (made.query, made.sort, made.failed, made.pinned, made.banned) == (shop.query, "", None, [], [])
    assert made.refreshed_at is not None
    assert await shop.items() == first
    before, _ = await shop.read()
    assert before.is_live
    assert before.revision == (await shop.read())[0].revision
    more = await models(db, shop.actor, 1)
    assert await shop.items() == [*first, *more]
    assert (await shop.verbs())[1:] == [
        ("collection.made_live", shop.actor.user_id),
        ("entry.refreshed", None),
        ("entry.refreshed", None),
    ]
    await execute(db, "update items set deleted_at = now() where id = %s", first[0])
    assert await shop.items() == [first[1], *more]
    async with db.reading() as tx:
        then = await entries.page(tx, shop.actor, shop.made.public_id, revision=before.revision)
    assert [entry.item_id for entry in then.rows] == first


async def test_it_is_fresh_for_a_second(db: Database):
    """Decision 14: whoever reads within a second of somebody else finds what he found."""
    shop = await make_shop(db)
    first = await models(db, shop.actor, 1)
    await shop.do(live.start, query=shop.query)
    await models(db, shop.actor, 1)
    assert await shop.items(fresh=False) == first
    await shop.do(live.refresh)
    assert len(await shop.items(fresh=False)) == 2
    await models(db, shop.actor, 1)
    await asyncio.sleep(1.05)
    assert len(await shop.items(fresh=False)) == 3


async def test_queues_bring_it_up_to_date_by_its_number(db: Database):
    shop = await make_shop(db)
    await shop.do(live.start, query=shop.query)
    await models(db, shop.actor, 1)
    async with db.transaction() as tx:
        assert not await state.refresh_if_stale(tx, shop.made.id)
    await shop.age()
    async with db.transaction() as tx:
        assert await state.refresh_if_stale(tx, shop.made.id)
        assert not await state.refresh_if_stale(tx, shop.made.id)
    ordinary = await collection(db, shop.actor)
    async with db.transaction() as tx:
        assert not await state.refresh_if_stale(tx, ordinary.id)
        assert not await state.refresh_if_stale(tx, 2**31 - 1)


async def test_pins_stay_on_top_with_their_notes_and_bans_never_come(db: Database):
    """Story C 2: ten hand-placed items with notes above a live part; one is banned."""
    shop = await make_shop(db)
    placed = await models(db, await user(db), 3)
    async with db.transaction() as tx:
        additions = [Addition(ItemRef(item), note=f"note {item}") for item in placed[::-1]]
        await entries.add(tx, shop.actor, shop.made.public_id, additions)
    found = await models(db, shop.actor, 3)
    made = await shop.do(live.start, query=shop.query)
    assert [one.item_id for one in made.pinned] == placed[::-1]
    assert [one.note for one in made.pinned] == [f"note {item}" for item in placed[::-1]]
    assert await shop.items() == [*placed[::-1], *found]
    made = await shop.do(live.ban, [ItemRef(found[1])], reason="too old")
    assert [(one.item_id, one.reason, one.made_by) for one in made.banned] == [(found[1], "too old", shop.actor.name)]
    assert await shop.items() == [*placed[::-1], found[0], found[2]]
    made = await shop.do(live.pin, [Addition(ItemRef(found[2]), note="best"), Addition(ItemRef(placed[0]))])
    assert [one.item_id for one in made.pinned] == [*placed[::-1], found[2]]
    assert made.pinned[-1].note == "best"
    assert await shop.items() == [*placed[::-1], found[2], found[0]]
    made = await shop.do(live.unpin, [placed[0], found[2]])
    assert await shop.items() == [*placed[:0:-1], found[0], found[2]]
    made = await shop.do(live.unban, [found[1]])
    assert made.banned == []
    assert await shop.items() == [*placed[:0:-1], *found]
    assert [verb for verb, _ in await shop.verbs()][2:] == [
        "collection.made_live",
        "entry.refreshed",
        "entry.banned",
        "entry.pinned",
        "entry.unpinned",
        "entry.unbanned",
    ]


async def test_repeating_a_pin_or_ban_changes_nothing(db: Database):
    shop = await make_shop(db)
    found = await models(db, shop.actor, 2)
    await shop.do(live.start, query=shop.query)
    for verb, given in (
        (live.pin, [Addition(ItemRef(found[1]), note="n")]),
        (live.ban, [ItemRef(found[0])]),
        (live.unban, [found[0]]),
        (live.unpin, [found[1]]),
    ):
        await shop.do(verb, given)
        revision = (await shop.read(fresh=False))[0].revision
        await shop.do(verb, given)
        assert (await shop.read(fresh=False))[0].revision == revision
    await shop.do(live.pin, [Addition(ItemRef(found[1]), note="n")])
    pinned = (await shop.do(live.pin, [Addition(ItemRef(found[1]), note="other")])).pinned
    assert [one.note for one in pinned] == ["other"]
    assert [one.note for one in (await shop.do(live.pin, [Addition(ItemRef(found[1]))])).pinned] == ["other"]
    assert [one.note for one in (await shop.do(live.pin, [Addition(ItemRef(found[1]), note="")])).pinned] == [None]


async def test_a_pinned_item_can_be_banned_and_the_other_way_round(db: Database):
    shop = await make_shop(db)
    found = await models(db, shop.actor, 2)
    await shop.do(live.start, query=shop.query)
    await shop.do(live.pin, [Addition(ItemRef(found[1]))])
    made = await shop.do(live.ban, [ItemRef(found[1])])
    assert (made.pinned, [one.item_id for one in made.banned]) == ([], [found[1]])
    assert await shop.items() == [found[0]]
    made = await shop.do(live.pin, [Addition(ItemRef(found[1]))])
    assert ([one.item_id for one in made.pinned], made.banned) == ([found[1]], [])
    assert await shop.items() == [found[1], found[0]]


async def test_what_is_done_by_the_ordinary_verbs_lasts(db: Database):
    """An item put in by any API is pinned, one taken out is banned, and a pinned one can be moved."""
    shop = await make_shop(db)
    found = await models(db, shop.actor, 3)
    others = await models(db, await user(db), 2)
    await shop.do(live.start, query=shop.query)
    await shop.items()
    async with db.transaction() as tx:
        for item in others:
            (await entries.add(tx, shop.actor, shop.made.public_id, [Addition(ItemRef(item), note="mine")])).checked()
    assert await shop.items() == [*others, *found]
    _, inside = await shop.read()
    async with db.transaction() as tx:
        await entries.remove(tx, shop.actor, shop.made.public_id, [inside[3].id])
    assert await shop.items() == [*others, found[0], found[2]]
    made = await shop.do(live.refresh)
    assert [one.item_id for one in made.pinned] == others
    assert [one.item_id for one in made.banned] == [found[1]]
    _, inside = await shop.read()
    async with db.transaction() as tx:
        await entries.move(tx, shop.actor, shop.made.public_id, [inside[1].id], entries.Where(position=0))
    assert await shop.items() == [*others[::-1], found[0], found[2]]
    async with db.transaction() as tx:
        await entries.move(tx, shop.actor, shop.made.public_id, [inside[3].id], entries.Where(position=0))
    assert await shop.items() == [*others[::-1], found[0], found[2]]
    assert [entry.note for entry in (await shop.read())[1][:2]] == ["mine", "mine"]
    await shop.do(live.unban, [found[1]])
    assert await shop.items() == [*others[::-1], *found]


async def test_what_left_because_it_was_removed_comes_back(db: Database):
    """S1: an item that is deleted leaves; nobody banned it."""
    from pinakes.server.collections import media_removal

    actor = await make_user(db)
    studio = await make_studio(db, actor)
    items = await studio.items(3)
    selection = await studio.selection(name=unique("All"))
    shop = Shop(db, actor, selection)  # type: ignore[arg-type]
    await shop.do(live.start, query="kind:image")
    assert await shop.items() == items
    async with db.transaction() as tx:
        await media_removal.remove_items(tx, actor, [items[1]])
    assert await shop.items() == [items[0], items[2]]
    async with db.transaction() as tx:
        await media_removal.restore_items(tx, actor, [items[1]])
    assert await shop.items() == items


async def test_the_order_is_the_query_s(db: Database):
    shop = await make_shop(db)
    found = await models(db, shop.actor, 4)
    made = await shop.do(live.start, query=shop.query, sort="-id")
    assert made.sort == "-id"
    assert await shop.items() == found[::-1]
    assert (await shop.do(live.follow, sort="id")).sort == ""
    assert await shop.items() == found
    await execute(db, "update items set name = 'a' || name where id = %s", found[2])
    await shop.do(live.follow, sort="name")
    assert (await shop.items())[0] == found[2]
    assert await shop.items() != found


async def test_another_query(db: Database):
    shop = await make_shop(db)
    found = await models(db, shop.actor, 3)
    await shop.do(live.start, query=shop.query)
    made = await shop.do(live.follow, query=f"{shop.query} id:{found[1]},{found[2]}", reason="fewer")
    assert made.query.endswith(f"{found[2]}")
    assert await shop.items() == found[1:]
    revision = (await shop.read())[0].revision
    await shop.do(live.follow, query=made.query)
    assert (await shop.read())[0].revision == revision
    with pytest.raises(Invalid, match="Position 1"):
        await shop.do(live.follow, query="foo:bar")
    with pytest.raises(PreconditionFailed):
        await shop.do(live.follow, query=shop.query, expected=1)
    assert await shop.items() == found[1:]


async def test_it_can_be_frozen_and_can_stop_being_live(db: Database):
    """Issue 4: a frozen copy at any moment is an ordinary collection."""
    shop = await make_shop(db)
    found = await models(db, shop.actor, 2)
    await shop.do(live.start, query=shop.query)
    await shop.do(live.pin, [Addition(ItemRef(found[1]), note="first")])
    await shop.age()
    async with db.transaction() as tx:
        frozen = await live.freeze(tx, shop.actor, shop.made.public_id, title=unique("Frozen"))
    await models(db, shop.actor, 1)
    async with db.reading() as tx:
        copy, inside = await service.get_with_entries(tx, shop.actor, frozen.public_id)
    assert not copy.is_live
    assert [(entry.item_id, entry.note) for entry in inside] == [(found[1], "first"), (found[0], None)]
    async with db.transaction() as tx:
        ended = await live.end(tx, shop.actor, shop.made.public_id)
    assert not ended.is_live
    assert len(await shop.items()) == 3
    await models(db, shop.actor, 1)
    assert len(await shop.items()) == 3
    for verb in (live.get, live.refresh, live.end, live.freeze):
        async with db.transaction() as tx:
            with pytest.raises(CollectionNotFound, match="not live"):
                await verb(tx, shop.actor, shop.made.public_id)
    with pytest.raises(CollectionNotFound, match="not live"):
        await shop.do(live.pin, [Addition(ItemRef(found[0]))])
    again = await shop.do(live.start, query="kind:model id:1")
    assert len(again.pinned) == 3


async def test_a_query_that_can_not_run_says_so_and_changes_nothing(db: Database):
    """Decision 14: its collection is gone; the entries stay, and the collection says why."""
    shop = await make_shop(db)
    found = await models(db, shop.actor, 2)
    other = await collection(db, shop.actor, found)
    await shop.do(live.start, query=f"in:{other.id}")
    assert await shop.items() == found
    async with db.transaction() as tx:
        await service.delete(tx, shop.actor, other.public_id)
    assert await shop.items() == found
    async with db.reading() as tx:
        made = await live.get(tx, shop.actor, shop.made.public_id)
    assert made.failed == f"in: there is no collection '{other.id}' that you can see."
    assert "no collection" in str((await shop.do(live.refresh)).failed)
    async with db.reading() as tx:
        assert (await live.get(tx, Actor(), shop.made.public_id)).failed == "It can't be brought up to date just now."
    await shop.do(live.ban, [ItemRef(found[0])])
    assert await shop.items() == found[1:]
    async with db.transaction() as tx:
        await service.restore(tx, shop.actor, other.public_id)
    assert (await shop.do(live.refresh)).failed is None
    assert await shop.items() == found[1:]


async def test_it_sees_what_its_owner_sees_and_readers_see_theirs(db: Database):
    """Decision 14: nobody learns from a live collection of what is hidden from him."""
    team = await make_account(db, "organization", "team")
    member = await make_user(db, roles={team.id: Role.MEMBER})
    own = await make_repo(db, member, unique("own"), visibility="private")
    hidden = await make_repo(db, member, unique("hidden"), owner=team.name, visibility="private")
    public = await make_repo(db, member, unique("public"), owner=team.name)
    async with db.transaction() as tx:
        made = await service.create(tx, member, owner=team.name, title=unique("Ours"))
    shop = Shop(db, member, made)
    await shop.do(live.start, query=f"id:{own.id},{hidden.id},{public.id}")
    assert await shop.items() == [hidden.id, public.id]
    assert await shop.items(await make_user(db)) == [public.id]
    assert await shop.items(Actor()) == [public.id]
    assert await shop.items() == [hidden.id, public.id]
    async with db.transaction() as tx:
        pinned = await live.pin(tx, member, made.public_id, [Addition(ItemRef(hidden.id), note="secret")])
    assert len(pinned.pinned) == 1
    async with db.reading() as tx:
        assert (await live.get(tx, Actor(), made.public_id)).pinned == []


async def test_who_may_do_what(db: Database):
    shop = await make_shop(db)
    found = await models(db, shop.actor, 1)
    stranger = Shop(db, await user(db), shop.made)
    with pytest.raises(Forbidden):
        await stranger.do(live.start, query="kind:model")
    await shop.do(live.start, query=shop.query)
    for verb, given in (
        (live.pin, [Addition(ItemRef(found[0]))]),
        (live.ban, [ItemRef(found[0])]),
        (live.unpin, found),
        (live.unban, found),
    ):
        with pytest.raises(Forbidden):
            await stranger.do(verb, given)
    for verb in (live.follow, live.refresh, live.end):
        async with db.transaction() as tx:
            with pytest.raises(Forbidden):
                await verb(tx, stranger.actor, shop.made.public_id)
    hidden = await make_shop(db, visibility="private")
    with pytest.raises(CollectionNotFound):
        await Shop(db, stranger.actor, hidden.made).do(live.start, query="kind:model")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "query"),
        ({"query": "  "}, "query"),
        ({"query": "foo:bar"}, "query"),
        ({"query": "in:nobody/nothing"}, "query"),
        ({"query": "kind:model", "sort": "colour"}, "sort"),
        ({"query": "kind:model", "sort": "score"}, "sort"),
        ({"source": {"op": "sum", "collections": [1, 2]}}, "source"),
        ({"source": {"op": "union", "collections": [1]}}, "source"),
        ({"source": {"op": "union", "collections": [True, "x"]}}, "source"),
        ({"source": {"op": "union"}}, "source"),
        ({"source": {"op": "union", "collections": [2147483646, 2147483647]}}, "source"),
    ],
    ids=str,
)
async def test_what_can_not_be_followed_is_refused(db: Database, given: dict[str, object], field: str):
    shop = await make_shop(db)
    with pytest.raises(Invalid) as error:
        await shop.do(live.start, **given)
    assert error.value.field == field
    assert not (await shop.read())[0].is_live


async def test_none_is_made_live_twice_or_of_itself(db: Database):
    shop = await make_shop(db)
    found = await models(db, shop.actor, 2)
    with pytest.raises(Invalid, match="made of itself"):
        await shop.do(live.start, query=f"in:{shop.made.id}")
    await shop.do(live.start, query=shop.query)
    with pytest.raises(Conflict, match="live already"):
        await shop.do(live.start, query=shop.query)
    other = Shop(db, shop.actor, await collection(db, shop.actor))
    await other.do(live.start, query=f"in:{shop.made.id} -id:{found[0]}")
    assert await other.items() == found[1:]
    with pytest.raises(Invalid, match="made of itself"):
        await shop.do(live.follow, query=f"{shop.query} -in:{other.made.id}")
    more = await models(db, shop.actor, 1)
    await shop.age()
    assert await other.items() == [*found[1:], *more]


async def test_releases_and_artifacts_are_refused(db: Database):
    actor = await make_user(db)
    number = await value(
        db,
        "insert into items (kind, owner_id, name, name_key) values ('collection', %s, 'r', %s) returning id",
        actor.user_id,
        unique("r"),
    )
    public_id = f"{number:024x}"
    await execute(
        db,
        "insert into collections (id, kind, public_id, types) values (%s, 'release', %s, '{model}')",
        number,
        public_id,
    )
    async with db.transaction() as tx:
        with pytest.raises(Invalid, match="linking and unlinking") as error:
            await live.start(tx, actor, public_id, query="kind:version")
    assert error.value.field == "collection"


async def test_a_selection_follows_within_its_project(db: Database):
    """S1: only items of its project and type, whatever the query finds elsewhere; the count is exact."""
    actor = await make_user(db)
    studio, elsewhere = await make_studio(db, actor), await make_studio(db, actor)
    items = [*await studio.items(2), *await studio.items(1, "test")]
    await elsewhere.items(2)
    selection = await studio.selection(name=unique("Live"))
    shop = Shop(db, actor, selection)  # type: ignore[arg-type]
    made = await shop.do(live.start, query="kind:image")
    assert made.failed is None
    assert await shop.items() == items
    await shop.do(live.follow, query="dataset:test")
    assert await shop.items() == items[2:]
    await shop.do(live.pin, [Addition(ItemRef(items[0]))])
    with pytest.raises(Invalid):
        await shop.do(live.pin, [Addition(ItemRef((await models(db, actor, 1))[0]))])
    assert await shop.items() == [items[0], items[2]]
    more = await studio.items(1, "test")
    async with db.transaction() as tx:
        frozen = await live.freeze(tx, actor, shop.made.public_id, title=unique("Frozen"))
    await shop.age()
    assert frozen.kind == "selection"
    assert await shop.items() == [items[0], items[2], *more]


@pytest.mark.parametrize(
    ("operation", "expected"), [("union", [0, 1, 2, 3]), ("intersection", [1, 2]), ("difference", [0])], ids=str
)
async def test_sets_of_collections_are_followed(db: Database, operation: str, expected: list[int]):
    """Issue 4: union, intersection, difference as a live collection; with a query on top, only what that finds."""
    actor = await user(db)
    items = await models(db, actor, 5)
    left, right = await collection(db, actor, items[:3]), await collection(db, actor, items[1:4])
    async with db.transaction() as tx:
        target = combining.Target(unique("Both"))
        made = await combining.combine_live(tx, actor, operation, [left.public_id, right.public_id], target)
    shop = Shop(db, actor, made)
    assert await shop.items() == [items[at] for at in expected]
    async with db.transaction() as tx:
        await entries.add(tx, actor, left.public_id, [Addition(ItemRef(items[4]))])
    grown = [*expected, *([4] if operation != "intersection" else [])]
    assert set(await shop.items()) == {items[at] for at in grown}
    await shop.do(live.follow, query=f"kind:model -id:{items[expected[0]]}")
    assert set(await shop.items()) == {items[at] for at in grown[1:]}
    source = {"op": operation, "collections": [left.id, right.id]}
    own = Shop(db, actor, await collection(db, actor))
    await own.do(live.start, source=source)
    assert set(await own.items()) == {items[at] for at in grown}


async def test_what_does_not_exist_is_not_pinned(db: Database):
    shop = await make_shop(db)
    found = await models(db, shop.actor, 1)
    hidden = await make_repo(db, await make_user(db), unique("hidden"), visibility="private")
    await shop.do(live.start, query=shop.query)
    for item in (2**31 - 1, hidden.id, 0, -1, 2**70):
        for verb, given in ((live.pin, [Addition(ItemRef(item))]), (live.ban, [ItemRef(found[0]), ItemRef(item)])):
            with pytest.raises((ItemNotFound, Invalid)):
                await shop.do(verb, given)
    await shop.do(live.unpin, [2**70, -1])
    await shop.do(live.unban, [2**70, hidden.id])
    with pytest.raises(Invalid, match="note has"):
        await shop.do(live.pin, [Addition(ItemRef(found[0]), note="x" * 501)])
    assert await shop.items() == found
    made = await shop.do(live.ban, [ItemRef(kind="model", address=f"{shop.actor.name}/{await _name(db, found[0])}")])
    assert [one.address for one in made.banned] == [f"{shop.actor.name}/{await _name(db, found[0])}"]


async def _name(db: Database, item: int) -> str:
    async with db.transaction() as tx:
        cursor = await tx.connection.execute("select name from items where id = %s", (item,))
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def test_a_check_that_blocks_leaves_it_as_it_was(db: Database):
    shop = await make_shop(db)
    first = await models(db, shop.actor, 1)
    await shop.do(live.start, query=shop.query)
    async with db.transaction() as tx:
        await checks.add(tx, shop.actor, shop.made.public_id, "size", {"most": 1}, blocks=True)
    await models(db, shop.actor, 1)
    assert await shop.items() == first
    async with db.reading() as tx:
        assert (await live.get(tx, shop.actor, shop.made.public_id)).failed


async def test_a_revision_is_restored_and_followed_on(db: Database):
    shop = await make_shop(db)
    first = await models(db, shop.actor, 2)
    await shop.do(live.start, query=shop.query)
    revision = (await shop.read())[0].revision
    more = await models(db, shop.actor, 1)
    assert await shop.items() == [*first, *more]
    async with db.transaction() as tx:
        await revisions.restore(tx, shop.actor, shop.made.public_id, revision)
    assert await shop.items(fresh=False) in (first, [*first, *more])
    assert await shop.items() == [*first, *more]


async def test_many_readers_at_once_make_one_revision(db: Database):
    """Decision 14: one runs the query; others who read at that moment are given what is there."""
    shop = await make_shop(db)
    await shop.do(live.start, query=shop.query)
    before = (await shop.read())[0].revision
    found = await models(db, shop.actor, 5)
    await shop.age()

    async def read() -> list[int]:
        _, inside = await shop.read(fresh=False)
        return [entry.item_id for entry in inside]

    seen = await asyncio.gather(*(read() for _ in range(12)))
    assert all(inside in ([], found) for inside in seen)
    assert (await shop.read(fresh=False))[0].revision == before + 1


async def test_whoever_holds_it_is_not_waited_for(db: Database):
    shop = await make_shop(db)
    first = await models(db, shop.actor, 1)
    await shop.do(live.start, query=shop.query)
    await models(db, shop.actor, 1)
    await shop.age()
    async with db.transaction() as busy:
        await _hold(busy, shop)
        assert await asyncio.wait_for(shop.items(fresh=False), 5) == first
    assert len(await shop.items()) == 2


async def _hold(tx: Tx, shop: Shop) -> None:
    await tx.connection.execute("select from collections where id = %s for update", (shop.made.id,))


async def test_a_snapshot_reads_what_is_there(db: Database):
    shop = await make_shop(db)
    first = await models(db, shop.actor, 1)
    await shop.do(live.start, query=shop.query)
    await models(db, shop.actor, 1)
    await shop.age()
    async with db.snapshot() as tx:
        _, inside = await service.get_with_entries(tx, shop.actor, shop.made.public_id)
    assert [entry.item_id for entry in inside] == first


async def test_twenty_thousand_items_are_followed_by_their_differences(db: Database):
    actor = await make_user(db)
    studio = await make_studio(db, actor)
    items = await many(studio, 20_000, await studio.dataset("train"))
    selection = await studio.selection(name=unique("Many"))
    shop = Shop(db, actor, selection)  # type: ignore[arg-type]
    await shop.do(live.start, query="-name:zzz")
    assert await shop.items() == items
    await execute(db, "update items set name = 'zzz' || name where id = any(%s)", items[5000:5010])
    more = await studio.items(5)
    await shop.do(live.pin, [Addition(ItemRef(items[7000]))])
    wanted = [items[7000], *(item for item in items if item not in {*items[5000:5010], items[7000]}), *more]
    assert await shop.items() == wanted
    moved = await value(db, "select count(*) from entry_history where collection_id = %s", shop.made.id)
    assert moved == 11
