"""Linking in one statement: the same as the long way where all is in order, else nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import LiteralString

import pytest

from factories.people import Person, unique
from factories.releases import Lab, delete_version, make_lab, make_version
from pinakes.server import errors
from pinakes.server.actor import Actor, Scope
from pinakes.server.collections import numbered
from pinakes.server.db import Database
from pinakes.server.registries import links, releases
from pinakes.server.registries.types import Existing, InProject, InRegistry, Link, LinkedOne, Registry

WRITTEN: tuple[LiteralString, ...] = (
    "select revision, entry_count from collections where id = %s",
    """
    select item_id, order_key, since_rev, added_rev, added_by, closed, score, note
    from entries where collection_id = %s order by order_key
    """,
    "select item_id, number from entry_numbers where collection_id = %s order by number",
    "select alias, item_id, since_rev, set_by, reason from entry_aliases where collection_id = %s order by alias",
    """
    select alias, item_id, since_rev, until_rev, set_by, reason, ended_by
    from entry_alias_history where collection_id = %s order by alias, until_rev
    """,
    """
    select verb, actor_id, token_id, api, item_id, revision, before, after, reason
    from events where collection_id = %s and verb <> 'collection.created' order by id
    """,
)


@pytest.fixture(scope="module")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


async def create(db: Database, person: Person, registry: Registry, *types: str) -> int:
    async with db.transaction() as tx:
        target = InRegistry(registry.name, unique("Net"), registry.organization)
        return (await releases.create(tx, person.actor, target, types or ("model",))).card.id


async def short(db: Database, actor: Actor, version: int, ref: int | str) -> LinkedOne | None:
    async with db.changing() as tx:
        return await links.link_one(tx, actor, version, Existing(ref), "because")


async def long(db: Database, actor: Actor, version: int, ref: int, *names: str) -> Link:
    """Link with an alias, which takes the long way, or by a release that is looked up."""
    async with db.transaction() as tx:
        return await links.link(tx, actor, version, Existing(ref), names, reason="because")


async def state(db: Database, release: int) -> list[list[tuple[object, ...]]]:
    """All that linking writes, but for the times and the release's own number."""
    found: list[list[tuple[object, ...]]] = []
    async with db.reading() as tx:
        for query in WRITTEN:
            found.append(await (await tx.connection.execute(query, [release])).fetchall())  # noqa: PERF401 - awaits
    return found


async def test_one_way_is_as_good_as_the_other(db: Database, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry, number, `latest`, revision, count and record are the same, for the first version and the next."""
    registry = await lab.registry()
    first, second = await create(db, lab.member, registry), await create(db, lab.member, registry)
    versions = [await make_version(db, lab.team) for _ in range(3)]
    for version in versions:
        assert await short(db, lab.member.actor, version.id, first) is not None
    monkeypatch.setattr(links, "link_one", nothing)
    for version in versions:
        await long(db, lab.member.actor, version.id, second)
    assert await state(db, first) == await state(db, second)
    monkeypatch.undo()
    for release in (first, second):
        async with db.transaction() as tx:
            await links.unlink(tx, lab.member.actor, versions[1].id, release, reason="out")
    assert await short(db, lab.member.actor, versions[1].id, first) is not None
    monkeypatch.setattr(links, "link_one", nothing)
    again = await long(db, lab.member.actor, versions[1].id, second)
    assert (again.number, again.new) == (1, True)
    assert await state(db, first) == await state(db, second)


async def nothing(*_: object) -> None:
    """Stand for a short way that never is one."""


async def test_what_is_linked_is_answered(db: Database, lab: Lab) -> None:
    """By its number or any address that has its id."""
    registry = await lab.registry()
    release, version = await create(db, lab.member, registry), await make_version(db, lab.team)
    async with db.reading() as tx:
        card = (await numbered.cards(tx, lab.member.actor, [release]))[release]
    async with db.transaction() as tx:
        made = await links.link(tx, lab.member.actor, version.id, Existing(card.slug))
    assert (made.card.id, made.number, made.aliases, made.new, made.created) == (release, 0, ["latest"], True, False)
    assert (made.revision, made.card.revision, made.card.entry_count) == (2, 2, 1)
    assert await short(db, lab.member.actor, version.id, card.slug) is None, "it is there already"
    async with db.transaction() as tx:
        twice = await links.link(tx, lab.member.actor, version.id, Existing(card.public_id))
    assert (twice.number, twice.new, twice.revision) == (0, False, 2)


async def test_what_is_not_in_order_goes_the_long_way(db: Database, lab: Lab) -> None:
    """Nothing is done then, and the long way says what is wrong."""
    registry = await lab.registry()
    release, version = await create(db, lab.member, registry), await make_version(db, lab.team)
    viewer = await lab.person(registry, "viewer")
    outsider = await make_version(db, lab.outsider.account)
    dataset = await make_version(db, lab.team, of="dataset", artifact="data")
    draft = await make_version(db, lab.team, pending=True)
    gone = await make_version(db, lab.team)
    await delete_version(db, gone, lab.member)
    reading = replace(lab.member.actor, scope=Scope.READ)
    for actor, which in (
        (viewer.actor, version),
        (lab.outsider.actor, version),
        (reading, version),
        (lab.member.actor, outsider),
        (lab.member.actor, dataset),
        (lab.member.actor, draft),
        (lab.member.actor, gone),
    ):
        assert await short(db, actor, which.id, release) is None
        with pytest.raises(errors.PinakesError):
            await long(db, actor, which.id, release)
    for number in (0, 2**31, 10**12):
        assert await short(db, lab.member.actor, number, release) is None
    assert await short(db, lab.member.actor, version.id, "nobody/net") is None
    assert await short(db, lab.member.actor, version.id, f"{lab.org.name}/net-{'0' * 24}") is None
    assert (await state(db, release))[0] == [(1, 0)]


async def test_a_type_that_the_registry_refuses(db: Database, lab: Lab) -> None:
    """Also one that the release took before the registry was narrowed."""
    registry = await lab.registry(types=["model"])
    release = await create(db, lab.member, registry)
    dataset = await make_version(db, lab.team, of="dataset", artifact="data")
    assert await short(db, lab.member.actor, dataset.id, release) is None
    with pytest.raises(errors.TypeNotAccepted):
        await long(db, lab.member.actor, dataset.id, release)
    assert await short(db, lab.member.actor, (await make_version(db, lab.team)).id, release) is not None


async def test_a_personal_version_is_refused(db: Database, lab: Lab) -> None:
    """Another organization's too."""
    registry = await lab.registry()
    release = await create(db, lab.member, registry)
    own = await make_version(db, lab.member.account)
    assert await short(db, lab.member.actor, own.id, release) is None
    with pytest.raises(errors.Invalid):
        await long(db, lab.member.actor, own.id, release)


async def test_a_release_in_a_project_or_the_trash(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    version = await make_version(db, lab.team)
    async with db.transaction() as tx:
        target = InProject("digits", unique("Net"), lab.team.name)
        outside = (await releases.create(tx, lab.member.actor, target, ["model"])).card.id
    assert await short(db, lab.member.actor, version.id, outside) is None
    assert (await long(db, lab.member.actor, version.id, outside)).new
    release = await create(db, lab.member, registry)
    async with db.transaction() as tx:
        await releases.delete(tx, lab.member.actor, release)
    assert await short(db, lab.member.actor, version.id, release) is None
