"""A check to share nothing, held by one of two collections, refuses in both what the other holds."""

from __future__ import annotations

import asyncio

import pytest

from factories import collection, models, user, with_role
from factories.people import make_organization, make_user
from factories.selections import Studio, make_studio
from pinakes.server import errors
from pinakes.server.actor import Actor, Role
from pinakes.server.collections import checks, entries, selections, service
from pinakes.server.collections.types import Addition, ItemRef
from pinakes.server.db import Database


async def keep_apart(db: Database, actor: Actor, ref: str, other: str, *, blocks: bool = True) -> int:
    async with db.transaction() as tx:
        return (await checks.add(tx, actor, ref, "disjoint", {"collection": other}, blocks=blocks)).id


async def add(db: Database, actor: Actor, ref: str, items: list[int], *, atomic: bool = False) -> int:
    async with db.transaction() as tx:
        lines = [Addition(ItemRef(item)) for item in items]
        return (await entries.add(tx, actor, ref, lines, atomic=atomic)).checked().revision


async def count(db: Database, actor: Actor, ref: str) -> int:
    async with db.reading() as tx:
        return (await service.get(tx, actor, ref)).entry_count


async def train_and_test(db: Database) -> tuple[Studio, str, str, list[int]]:
    """Two selections of a project; the second holds the first of some items, and has the check."""
    studio = await make_studio(db, await user(db))
    items = await studio.items(4)
    train, test = await studio.selection(), await studio.selection(items[:1])
    await keep_apart(db, studio.actor, test.slug, train.slug)
    return studio, train.slug, test.slug, items


@pytest.mark.parametrize("atomic", [False, True], ids=["each", "all"])
async def test_the_other_side_refuses_too(db: Database, atomic: bool) -> None:
    """Story D, step 2: whichever of the two gets the item later."""
    studio, train, test, items = await train_and_test(db)
    with pytest.raises(errors.CheckFailed) as caught:
        await add(db, studio.actor, train, items[:2], atomic=atomic)
    assert "of another collection refuses the change" in caught.value.message
    assert await count(db, studio.actor, train) == 0
    await add(db, studio.actor, train, items[1:2], atomic=atomic)
    with pytest.raises(errors.CheckFailed, match="of this collection"):
        await add(db, studio.actor, test, items[1:3])
    assert (await count(db, studio.actor, train), await count(db, studio.actor, test)) == (1, 1)


async def test_the_labeling_clients_verb(db: Database) -> None:
    studio, train, test, items = await train_and_test(db)
    twin = b"the same photograph"
    held, other = await studio.items(2, "twin", contents=[twin, twin])
    await add(db, studio.actor, test, [held])
    async with db.reading() as tx:
        number = (await service.get(tx, studio.actor, train)).id
    for wanted in (items[0], other):
        with pytest.raises(errors.CheckFailed):
            async with db.transaction() as tx:
                await selections.add_items(tx, studio.actor, number, [(wanted, None)])


async def test_two_checks_are_told_as_one(db: Database) -> None:
    studio, train, test, items = await train_and_test(db)
    await keep_apart(db, studio.actor, train, test)
    with pytest.raises(errors.CheckFailed, match="of this collection") as caught:
        await add(db, studio.actor, train, items[:1])
    told = caught.value.details["checks"]
    assert isinstance(told, list)
    assert len(told) == 1


async def test_it_ends_with_the_check_and_with_its_collection(db: Database) -> None:
    ana = await user(db)
    (model,) = await models(db, ana, 1)
    holder, named, third = [(await collection(db, ana)).slug for _ in range(3)]
    await add(db, ana, holder, [model])
    check = await keep_apart(db, ana, holder, named)
    with pytest.raises(errors.CheckFailed):
        await add(db, ana, named, [model])
    async with db.transaction() as tx:
        await checks.remove(tx, ana, holder, check)
    await add(db, ana, named, [model])
    await keep_apart(db, ana, holder, third)
    async with db.transaction() as tx:
        await service.delete(tx, ana, holder)
    await add(db, ana, third, [model])


async def test_who_else_names_a_collection_refuses_nothing_in_it(db: Database) -> None:
    """Neither with a check of his own account's collection, nor with one that but tells."""
    ana, bob = await user(db), await user(db)
    (model,) = await models(db, ana, 1)
    shown, mine, theirs = await collection(db, ana), await collection(db, ana), await collection(db, bob)
    await add(db, bob, theirs.slug, [model])
    await add(db, ana, mine.slug, [model])
    await keep_apart(db, bob, theirs.slug, shown.slug)
    await keep_apart(db, ana, mine.slug, shown.slug, blocks=False)
    await add(db, ana, shown.slug, [model])
    assert await count(db, ana, shown.slug) == 1


async def test_both_sides_at_once(db: Database) -> None:
    """Whoever comes second finds what the first put in; a clash of the two is one that can be tried again."""
    studio, train, test, _ = await train_and_test(db)
    items = await studio.items(8, "race")

    async def put(ref: str, item: int) -> None:
        for _ in range(5):
            try:
                await add(db, studio.actor, ref, [item])
            except errors.CheckFailed:
                return
            except errors.Conflict:
                await asyncio.sleep(0.01)
            else:
                return

    for item in items:
        await asyncio.gather(put(train, item), put(test, item))
    async with db.reading() as tx:
        (result,) = await checks.run(tx, studio.actor, test)
    assert result.count == 0
    assert await count(db, studio.actor, train) + await count(db, studio.actor, test) == 1 + len(items)


async def test_a_member_of_an_organization(db: Database) -> None:
    """The account counts, not who made the check."""
    ana, bob = await make_user(db), await make_user(db)
    team = await make_organization(db, ana, "team")
    maker, member = with_role(ana.actor, team.id, Role.ADMIN), with_role(bob.actor, team.id, Role.MEMBER)
    (model,) = await models(db, ana.actor, 1)
    async with db.transaction() as tx:
        left, right = [await service.create(tx, maker, owner=team.name, title=word) for word in ("Left", "Right")]
    await keep_apart(db, maker, left.slug, right.slug)
    await add(db, member, left.slug, [model])
    with pytest.raises(errors.CheckFailed):
        await add(db, member, right.slug, [model])
