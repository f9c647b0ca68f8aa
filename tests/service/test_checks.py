"""Checks: rules of collections that refuse a change, or say what is against them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, cast

import pytest

from factories import collection, models, user, with_role
from factories.releases import make_lab, make_version
from factories.selections import Studio, execute, make_studio, value
from pinakes.server import errors
from pinakes.server.actor import Actor, Role
from pinakes.server.collections import bulk, checks, entries, revisions, selections, service
from pinakes.server.collections.check_types import Check, CheckResult
from pinakes.server.collections.types import Addition, BulkSummary, EntryChange, ItemRef
from pinakes.server.db import Database
from pinakes.server.events import service as events
from pinakes.server.labeling import checks as labels
from pinakes.server.registries import links
from pinakes.server.registries.types import Existing


async def add_check(
    db: Database, actor: Actor, ref: str, kind: str, params: Mapping[str, object] | None = None, *, blocks: bool = True
) -> Check:
    async with db.transaction() as tx:
        return await checks.add(tx, actor, ref, kind, params or {}, blocks=blocks)


async def add(db: Database, actor: Actor, ref: str, items: list[int], *, atomic: bool = False) -> int:
    async with db.transaction() as tx:
        lines = [Addition(ItemRef(item)) for item in items]
        return (await entries.add(tx, actor, ref, lines, atomic=atomic)).checked().revision


def refused_by(error: errors.CheckFailed) -> list[dict[str, Any]]:
    """What the error says of each check that refused."""
    return cast("list[dict[str, Any]]", error.details["checks"])


async def run(db: Database, actor: Actor, ref: str) -> list[CheckResult]:
    async with db.reading() as tx:
        return await checks.run(tx, actor, ref)


async def found(db: Database, actor: Actor, ref: str) -> list[int | None]:
    (result,) = await run(db, actor, ref)
    assert result.count == len(result.violations)
    return [violation.item_id for violation in result.violations]


async def in_bulk(db: Database, actor: Actor, ref: str, items: list[int]) -> BulkSummary:
    async with db.transaction() as tx:
        told = [said async for said in bulk.add_lines(tx, actor, ref, items, total=len(items))]
    assert isinstance(told[-1], BulkSummary)
    return told[-1]


async def count(db: Database, actor: Actor, ref: str) -> int:
    async with db.reading() as tx:
        return (await service.get(tx, actor, ref)).entry_count


async def train_and_test(db: Database) -> tuple[Studio, str, str, list[int]]:
    """Two selections of a project; the second holds the first three of some items, and the first may not."""
    studio = await make_studio(db, await user(db))
    items = await studio.items(6)
    train, test = await studio.selection(), await studio.selection(items[:3])
    await add_check(db, studio.actor, train.slug, "disjoint", {"collection": test.slug})
    return studio, train.slug, test.slug, items


async def test_what_another_collection_holds_is_refused(db: Database):
    """Story D, step 2: the change is undone as a whole, and the error says which items are against it."""
    studio, train, _, items = await train_and_test(db)
    with pytest.raises(errors.CheckFailed) as caught:
        await add(db, studio.actor, train, [items[4], items[1], items[0]])
    assert (caught.value.code, isinstance(caught.value, errors.Conflict)) == ("check_failed", True)
    (told,) = refused_by(caught.value)
    assert (told["kind"], told["count"]) == ("disjoint", 2)
    assert [line["item"] for line in told["items"]] == [items[1], items[0]]
    assert await count(db, studio.actor, train) == 0
    assert await add(db, studio.actor, train, items[3:]) == 2


async def test_the_same_content_is_found_under_another_name(db: Database):
    """Story D, step 2: one overlap by content hash blocks."""
    studio, train, test, _ = await train_and_test(db)
    shared = b"the same photograph"
    (held,) = await studio.items(1, "a", contents=[shared])
    twins = await studio.items(3, "b", contents=[shared, shared, b"another"])
    await add(db, studio.actor, test, [held])
    with pytest.raises(errors.CheckFailed) as caught:
        await add(db, studio.actor, train, twins)
    (told,) = refused_by(caught.value)
    assert (told["count"], [line["item"] for line in told["items"]]) == (2, twins[:2])
    assert f"same content as item {held}" in caught.value.message
    await add(db, studio.actor, train, twins[2:])


async def test_every_way_in_is_held_against_the_checks(db: Database):
    """One line, an atomic batch, the bulk, the labeling client's verb, a restored revision."""
    studio, train, test, items = await train_and_test(db)
    ana = studio.actor
    async with db.reading() as tx:
        train_id = (await service.get(tx, ana, train)).id
    for atomic in (False, True):
        with pytest.raises(errors.CheckFailed):
            await add(db, ana, train, items[:1], atomic=atomic)
        with pytest.raises(errors.CheckFailed):
            await add(db, ana, train, items, atomic=atomic)
    with pytest.raises(errors.CheckFailed):
        async with db.transaction() as tx:
            await selections.add_items(tx, ana, train_id, [(items[0], 0.5)])
    with pytest.raises(errors.CheckFailed):
        await in_bulk(db, ana, train, items)
    assert (await in_bulk(db, ana, train, items[3:])).added == 3
    async with db.transaction() as tx:
        await selections.take_items(tx, ana, train_id, items[3:])
    await add(db, ana, test, items[3:4])
    with pytest.raises(errors.CheckFailed) as caught:
        async with db.transaction() as tx:
            await revisions.undo(tx, ana, train)
    assert refused_by(caught.value)[0]["count"] == 1
    assert await count(db, ana, train) == 0


async def test_what_was_there_before_does_not_stand_in_the_way(db: Database):
    """Only what a change puts in counts; `run` tells of the rest, and a warning never refuses."""
    studio, train, test, items = await train_and_test(db)
    ana = studio.actor
    async with db.transaction() as tx:
        (check,) = await checks.list_checks(tx, ana, train)
        await checks.remove(tx, ana, train, check.id)
    await add(db, ana, train, items[3:5])
    await add(db, ana, test, items[3:4])
    await add_check(db, ana, train, "disjoint", {"collection": test})
    await add(db, ana, train, items[5:])
    async with db.transaction() as tx:
        rows = (await entries.page(tx, ana, train)).rows
        await entries.update(tx, ana, train, [EntryChange(rows[0].id, note="still here", position=2)])
        await entries.remove(tx, ana, train, [rows[1].id])
    assert await found(db, ana, train) == [items[3]]
    async with db.transaction() as tx:
        (check,) = await checks.list_checks(tx, ana, train)
        await checks.remove(tx, ana, train, check.id)
    await add_check(db, ana, train, "disjoint", {"collection": test}, blocks=False)
    await add(db, ana, train, items[:2])
    results = await run(db, ana, train)
    assert (results[0].passed, results[0].count) == (False, 3)
    assert {violation.item_id for violation in results[0].violations} == {items[3], *items[:2]}


async def test_a_deleted_collection_shares_nothing(db: Database):
    studio, train, test, items = await train_and_test(db)
    async with db.transaction() as tx:
        await service.delete(tx, studio.actor, test)
    await add(db, studio.actor, train, items)
    assert await found(db, studio.actor, train) == []


async def test_the_number_of_entries_is_kept_within_limits(db: Database):
    """What leads back towards them is let through."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    items = await studio.items(6)
    made = await studio.selection(items[:1])
    await add_check(db, ana, made.slug, "size", {"least": 2, "most": 4})
    assert await found(db, ana, made.slug) == [None]
    await add(db, ana, made.slug, items[1:4])
    assert await found(db, ana, made.slug) == []
    with pytest.raises(errors.CheckFailed) as caught:
        await add(db, ana, made.slug, items[4:5])
    assert "5 entries" in caught.value.message
    with pytest.raises(errors.CheckFailed):
        async with db.transaction() as tx:
            await selections.take_items(tx, ana, made.id, items[:3])
    assert await count(db, ana, made.slug) == 4


async def test_only_public_items(db: Database):
    ana = await user(db)
    (shown,), (hidden,) = await models(db, ana, 1), await models(db, ana, 1, visibility="private")
    made = await collection(db, ana, [shown])
    await add_check(db, ana, made.slug, "public")
    with pytest.raises(errors.CheckFailed):
        await add(db, ana, made.slug, [hidden])
    with pytest.raises(errors.CheckFailed):
        await add(db, ana, made.slug, [hidden, *await models(db, ana, 1)])
    await execute(db, "update items set visibility = 'private' where id = %s", shown)
    assert await found(db, ana, made.slug) == [shown]
    eve = await user(db)
    assert await found(db, eve, made.slug) == []


async def test_only_items_with_a_tag_or_a_class(db: Database):
    """Room labeling's kinds: a tag on the item itself, a figure of the class."""
    ana = await user(db)
    studio = await make_studio(db, ana)
    a, b = await studio.items(2)
    tag = await value(
        db,
        "insert into label_tags (project_id, name, value_type, color) values (%s, 'night', 'none', '#') returning id",
        studio.project_id,
    )
    kind = await value(
        db,
        "insert into label_classes (project_id, name, shape, color) values (%s, 'car', 'any', '#fff') returning id",
        studio.project_id,
    )
    await execute(db, "insert into tagged (tag_id, item_id) values (%s, %s)", tag, a)
    await execute(db, "insert into figures (item_id, class_id, geometry_type) values (%s, %s, 'point')", a, kind)
    for name, params in (("tagged", {"tag": "night"}), ("classed", {"class": "car"})):
        made = await studio.selection()
        await add_check(db, ana, made.slug, name, params)
        with pytest.raises(errors.CheckFailed):
            await add(db, ana, made.slug, [a, b])
        await add(db, ana, made.slug, [a])


async def test_only_items_that_were_accepted_in_review(db: Database):
    """Story D, step 2: by all whom a queue gave them to."""
    ana, eve = await user(db), await user(db)
    studio = await make_studio(db, ana)
    a, b, c, d = items = await studio.items(4)
    queues = [
        await value(
            db,
            "insert into queues (project_id, source, dataset_id, name) values (%s, 'list', %s, 'q') returning id",
            *(studio.project_id, studio.datasets["train"]),
        )
        for _ in range(2)
    ]
    for queue, item, part, status, more in (
        (0, a, 1, "accepted", 0), (0, b, 1, "accepted", 0), (0, b, 2, "done", 0), (1, c, 1, "accepted", 0),
        (0, d, 1, "accepted", 1),
    ):  # fmt: skip
        await execute(
            db,
            "insert into work (queue_id, item_id, round, status, more) values (%s, %s, %s, %s, %s)",
            *(queues[queue], item, part, status, more),
        )
    for params, against in (({}, [b, d]), ({"queue": queues[0]}, [b, c, d]), ({"queue": queues[1]}, [a, b, d])):
        made = await studio.selection(items)
        await add_check(db, ana, made.slug, "reviewed", params)
        assert await found(db, ana, made.slug) == against
    mine = await collection(db, eve)
    with pytest.raises(errors.Invalid) as caught:
        await add_check(db, eve, mine.slug, "reviewed", {"queue": queues[0]})
    assert caught.value.field == "params.queue"
    assert labels.SQL is not None


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        ("beautiful", {}, "kind"),
        ("disjoint", {}, "params.collection"),
        ("disjoint", {"collection": 7}, "params.collection"),
        ("disjoint", {"collection": "a\0b"}, "params.collection"),
        ("public", {"x": 1}, "params"),
        ("size", {}, "params"),
        ("size", {"least": -1}, "params.least"),
        ("size", {"most": True}, "params.most"),
        ("size", {"most": 2**31}, "params.most"),
        ("size", {"least": 3, "most": 2}, "params.least"),
        ("tagged", {"tag": ""}, "params.tag"),
        ("tagged", {"tag": "\ud800"}, "params.tag"),
        ("classed", {"class": ["car"]}, "params.class"),
        ("classed", {"tag": "car"}, "params"),
        ("reviewed", {"queue": "1"}, "params.queue"),
        ("reviewed", {"queue": 2**31 - 1}, "params.queue"),
    ],
)
async def test_a_check_that_can_be_none_is_refused(db: Database, kind: str, params: Mapping[str, object], field: str):
    ana = await user(db)
    made = await collection(db, ana)
    with pytest.raises(errors.Invalid) as caught:
        await add_check(db, ana, made.slug, kind, params)
    assert caught.value.field == field
    async with db.reading() as tx:
        assert await checks.list_checks(tx, ana, made.slug) == []


async def test_checks_are_kept_listed_and_recorded(db: Database):
    """Who may change the collection's fields may change its checks; who reads it reads them."""
    ana, bob = await user(db), await user(db)
    studio = await make_studio(db, ana)
    made, other = await studio.selection(), await studio.selection()
    check = await add_check(db, ana, made.slug, "disjoint", {"collection": other.slug}, blocks=False)
    assert (check.params, check.blocks, check.created_by) == ({"collection": other.public_id}, False, ana.name)
    viewer = with_role(bob, next(iter(ana.roles)), Role.VIEWER)
    async with db.transaction() as tx:
        assert await checks.list_checks(tx, viewer, made.slug) == [check]
        for refused in (
            checks.add(tx, viewer, made.slug, "public", {}),
            checks.remove(tx, viewer, made.slug, check.id),
        ):
            with pytest.raises(errors.Forbidden):
                await refused
        for hidden in (checks.list_checks(tx, bob, made.slug), checks.run(tx, bob, made.slug)):
            with pytest.raises(errors.CollectionNotFound):
                await hidden
        for number in (0, 2**31 - 1, 2**40):
            with pytest.raises(errors.NotFound):
                await checks.remove(tx, ana, made.slug, number)
        with pytest.raises(errors.NotFound):
            await checks.remove(tx, ana, other.slug, check.id)
        await checks.remove(tx, ana, made.slug, check.id)
    async with db.reading() as tx:
        told = [event.verb for event in (await events.history(tx, ana, made.id, limit=3)).rows]
    assert told == ["check.removed", "check.added", "collection.created"]
    with pytest.raises(errors.Invalid):
        await add_check(db, ana, made.slug, "disjoint", {"collection": made.slug})
    with pytest.raises(errors.CollectionNotFound):
        await add_check(
            db, ana, made.slug, "disjoint", {"collection": (await collection(db, bob, visibility="private")).slug}
        )
    for _ in range(checks.MOST):
        await add_check(db, ana, made.slug, "public")
    with pytest.raises(errors.Conflict):
        await add_check(db, ana, made.slug, "public")


async def test_violations_are_counted_and_the_first_hundred_named(db: Database):
    studio, train, test, _ = await train_and_test(db)
    same = [hashlib.sha256(bytes([at % 7])).digest() for at in range(250)]
    (held,) = await studio.items(1, "a", contents=same[:1])
    many = await studio.items(250, "b", contents=same)
    await add(db, studio.actor, test, [held])
    with pytest.raises(errors.CheckFailed) as caught:
        await add(db, studio.actor, train, [*many])
    (told,) = refused_by(caught.value)
    assert told["count"] == len(range(0, 250, 7))
    async with db.transaction() as tx:
        (check,) = await checks.list_checks(tx, studio.actor, train)
        await checks.remove(tx, studio.actor, train, check.id)
    await add(db, studio.actor, train, many)
    await add_check(db, studio.actor, train, "tagged", {"tag": "none has it"})
    (result,) = await run(db, studio.actor, train)
    assert (result.count, [one.item_id for one in result.violations]) == (250, many[:100])


async def test_a_release_is_held_against_its_checks(db: Database):
    """Linking a version goes the long way where there are checks, and is refused by them."""
    lab = await make_lab(db)
    registry = await lab.registry()
    card = (await lab.link(registry, "Models", await make_version(db, lab.team))).card
    await add_check(db, lab.member.actor, card.slug, "size", {"most": 1})
    another = await make_version(db, lab.team)
    with pytest.raises(errors.CheckFailed):
        await lab.link(registry, "Models", another)
    with pytest.raises(errors.CheckFailed):
        async with db.changing() as tx:
            await links.link(tx, lab.member.actor, another.id, Existing(card.slug))
    assert await count(db, lab.member.actor, card.slug) == 1
