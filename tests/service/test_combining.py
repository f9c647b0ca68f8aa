"""Set operations: several collections as numbers, as a new collection, as a live one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from factories import collection, models, unique, user
from factories.selections import execute, make_studio, value
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.collections import combining, entries, revisions, selections, service, sets
from pinakes.server.collections.combining import Target
from pinakes.server.collections.types import Addition, Collection, ItemRef
from pinakes.server.db import Database
from pinakes.server.events import service as events


async def items_of(db: Database, reader: Actor, ref: str) -> list[int]:
    async with db.reading() as tx:
        return [row.item_id for row in (await service.get_with_entries(tx, reader, ref))[1]]


async def combine(
    db: Database, actor: Actor, operation: str, found: Sequence[Collection], target: Target | None = None
) -> Collection:
    async with db.transaction() as tx:
        return await combining.combine(
            tx, actor, operation, [one.slug for one in found], target or Target(unique("Combined"))
        )


async def three(db: Database, ana: Actor) -> tuple[list[int], list[Collection]]:
    """Three showcases of the same six models."""
    pool = await models(db, ana, 6)
    chosen = ([3, 0, 2, 1], [2, 3, 4], [5, 3])
    return pool, [await collection(db, ana, [pool[at] for at in places]) for places in chosen]


async def test_sizes_of_several(db: Database):
    ana = await user(db)
    _, found = await three(db, ana)
    async with db.reading() as tx:
        sizes = await sets.combined_sizes(tx, ana, [one.slug for one in found])
        assert (sizes.sizes, sizes.union, sizes.intersection, sizes.difference) == ([4, 3, 2], 6, 1, 2)
        for refs in ([], [found[0].slug], [found[0].slug] * 21):
            with pytest.raises(errors.Invalid) as caught:
                await sets.combined_sizes(tx, ana, refs)
            assert caught.value.field == "collections"
        with pytest.raises(errors.CollectionNotFound):
            await sets.combined_sizes(tx, ana, [found[0].slug, "f" * 24])


@pytest.mark.parametrize(
    ("operation", "places"),
    [("union", [3, 0, 2, 1, 4, 5]), ("intersection", [3]), ("difference", [0, 1])],
)
async def test_a_new_collection_has_the_order_of_the_first(db: Database, operation: str, places: list[int]):
    """With notes, scores, where it comes from, and a count that holds."""
    ana = await user(db)
    pool, found = await three(db, ana)
    wanted = [pool[at] for at in places]
    made = await combine(db, ana, operation, found)
    assert await items_of(db, ana, made.slug) == wanted
    assert (made.kind, made.entry_count, made.revision, made.visibility) == ("showcase", len(wanted), 2, "public")
    assert all(part in made.description for part in (found[0].title, found[1].title[:10]))
    async with db.reading() as tx:
        told = (await events.history(tx, ana, made.id, limit=1)).rows[0]
        items = await combining.combined_items(tx, ana, operation, [one.id for one in found])
    assert (told.verb, told.revision, items) == ("collection.combined", 2, wanted)
    async with db.transaction() as tx:
        (extra,) = await models(db, ana, 1)
        await entries.add(tx, ana, made.slug, [Addition(ItemRef(extra))])
    assert await items_of(db, ana, made.slug) == [*wanted, extra]


async def test_notes_and_scores_come_along(db: Database):
    ana = await user(db)
    (a, b) = await models(db, ana, 2)
    first, second = await collection(db, ana), await collection(db, ana, [a, b])
    async with db.transaction() as tx:
        await entries.add(tx, ana, first.slug, [Addition(ItemRef(a), note="why", score=0.5)])
    made = await combine(db, ana, "union", [first, second])
    async with db.reading() as tx:
        rows = (await entries.page(tx, ana, made.slug)).rows
    assert [(row.item_id, row.note, row.score) for row in rows] == [(a, "why", 0.5), (b, None, None)]


async def test_selections_of_a_project_make_a_selection_of_it(db: Database):
    """S1-47, story A: what is new in this round, as a selection of the same project."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(4)
    first, second = await studio.selection(items[:3]), await studio.selection(items[1:])
    async with db.transaction() as tx:
        made = await combining.combine(tx, ana, "difference", [first.slug, second.slug], Target("New ones"))
        selection = await selections.get(tx, ana, made.id)
        assert (selection.project_id, selection.name, selection.entry_count) == (studio.project_id, "New ones", 1)
        with pytest.raises(errors.TitleTaken):
            await combining.combine(tx, ana, "union", [first.slug, second.slug], Target("New ones"))
        shown = await combining.combine(tx, ana, "union", [first.slug, second.slug], Target(unique("x"), "showcase"))
    assert (shown.kind, shown.entry_count, shown.visibility) == ("showcase", 4, "private")
    assert await items_of(db, ana, made.slug) == items[:1]


async def test_what_the_target_cannot_hold_is_refused(db: Database):
    ana, eve = await user(db), await user(db)
    studio, other = await make_studio(db, ana), await make_studio(db, ana)
    first, second = await studio.selection(await studio.items(1)), await other.selection(await other.items(2))
    refs = [first.slug, second.slug]
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid) as caught:
            await combining.combine(tx, ana, "union", refs, Target("x", project_id=studio.project_id))
        assert caught.value.details == {"refused": 2}
    async with db.transaction() as tx:
        for operation, target, field in (
            ("union", Target("x", "selection"), "project"),
            ("union", Target("x", "release"), "kind"),
            ("xor", Target("x"), "operation"),
        ):
            with pytest.raises(errors.Invalid) as caught:
                await combining.combine(tx, ana, operation, refs, target)
            assert caught.value.field == field
        with pytest.raises(errors.CollectionNotFound):
            await combining.combine(tx, eve, "union", refs, Target("x"))
        assert (await selections.page(tx, ana, studio.project_id)).total == 2


async def test_what_a_reader_does_not_see_is_not_in_it(db: Database):
    """In numbers, in new collections and in what a live one evaluates."""
    ana, eve = await user(db), await user(db)
    (hidden,), (shown,) = await models(db, ana, 1, visibility="private"), await models(db, ana, 1)
    first, second = await collection(db, ana, [hidden, shown]), await collection(db, ana, [hidden])
    secret = await collection(db, ana, [shown], visibility="private")
    made = await combine(db, eve, "union", [first, second])
    assert await items_of(db, eve, made.slug) == [shown]
    async with db.reading() as tx:
        assert (await sets.combined_sizes(tx, eve, [first.slug, second.slug])).union == 1
        assert await combining.combined_items(tx, eve, "intersection", [first.id, secret.id]) == []
        assert await combining.combined_items(tx, eve, "difference", [first.id, secret.id, 2**31 - 1]) == [shown]


async def test_a_live_one_says_what_it_is_made_of(db: Database):
    """It is empty until it is read; its source is kept with it."""
    ana = await user(db)
    _, found = await three(db, ana)
    async with db.transaction() as tx:
        made = await combining.combine_live(tx, ana, "union", [one.slug for one in found], Target(unique("Live")))
    assert (made.is_live, made.entry_count, made.revision) == (True, 0, 2)
    ids = [one.id for one in found]
    assert await value(
        db,
        "select count(*) from live_collections where collection_id = %s and source = %s::jsonb",
        *(made.id, f'{{"op": "union", "collections": {ids}}}'),
    )
    assert await value(db, "select count(*) from live_sources where collection_id = %s", made.id) == 3


async def test_no_live_collection_is_made_of_itself(db: Database):
    """Not through others, and not when two are changed at once."""
    ana = await user(db)
    a, b, c = [await collection(db, ana) for _ in range(3)]
    for one in (a, b, c):
        await execute(db, "insert into live_collections (collection_id) values (%s)", one.id)

    async def made_of(one: Collection, *sources: Collection) -> None:
        async with db.transaction() as tx:
            await combining.set_sources(tx, one.id, [source.id for source in sources])

    await made_of(a, b)
    await made_of(b, c)
    for one, source in ((a, a), (c, a), (c, b), (b, a)):
        with pytest.raises(errors.Invalid) as caught:
            await made_of(one, source)
        assert caught.value.field == "collections"
    await made_of(b)
    await made_of(c, a)
    await made_of(c)
    done = await asyncio.gather(made_of(b, c), made_of(c, b), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Invalid", "NoneType"]


async def test_a_combined_collection_goes_back_as_any_other(db: Database):
    ana = await user(db)
    _, found = await three(db, ana)
    made = await combine(db, ana, "union", found)
    async with db.transaction() as tx:
        assert (await revisions.undo(tx, ana, made.slug)).entry_count == 0
    async with db.transaction() as tx:
        assert (await revisions.restore(tx, ana, made.slug, 2)).entry_count == 6
