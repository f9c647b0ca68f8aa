"""Aliases of versions in releases and artifacts, and those that a registry protects (story B, step 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from factories.people import Person, sign_in
from factories.releases import Lab, Made, delete_version, make_lab, make_version
from pinakes.server import errors
from pinakes.server.actor import Scope
from pinakes.server.collections import numbered, revisions, service as collections
from pinakes.server.db import Database, Tx
from pinakes.server.registries import aliases, links, memory, promotions, releases
from pinakes.server.registries.types import Existing, InRegistry, Link, Registry


@pytest.fixture(scope="module")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


class Scene:
    """A registry with a release of two versions, its admin, and a member of it."""

    def __init__(self, lab: Lab, registry: Registry, member: Person, old: Made, new: Made, link: Link) -> None:
        self.db: Database = lab.db
        self.lab: Lab = lab
        self.registry: Registry = registry
        self.admin: Person = lab.member
        self.member: Person = member
        self.old: Made = old
        self.new: Made = new
        self.ref: int = link.card.id
        self.public_id: str = link.card.public_id

    async def set(self, person: Person, version: Made, *names: str, reason: str | None = None) -> int:
        async with self.db.transaction() as tx:
            return await aliases.set_aliases(tx, person.actor, self.ref, version.id, names, reason=reason)

    async def remove(self, person: Person, *names: str, version: Made | None = None) -> int:
        async with self.db.transaction() as tx:
            number = version.id if version else None
            return await aliases.remove_aliases(tx, person.actor, self.ref, names, version_id=number)

    async def protect(self, alias: str, approvals: int = 0) -> None:
        async with self.db.transaction() as tx:
            await aliases.protect(tx, self.admin.actor, self.registry.id, alias, approvals=approvals)

    async def names(self, version: Made) -> list[str]:
        async with self.db.reading() as tx:
            return (await numbered.aliases(tx, self.ref)).get(version.item_id, [])


@pytest.fixture
async def scene(db: Database, lab: Lab) -> Scene:
    registry = await lab.registry()
    old, new = await make_version(db, lab.team), await make_version(db, lab.team)
    await lab.link(registry, "MNIST", old)
    made = await lab.link(registry, "MNIST", new)
    return Scene(lab, registry, await lab.person(registry, "member"), old, new, made)


async def test_aliases_are_set_moved_and_removed(scene: Scene) -> None:
    """By every member; one call is one revision; what is so already is no change."""
    first = await scene.set(scene.member, scene.old, "production", "staging", "staging")
    assert await scene.names(scene.old) == ["production", "staging"]
    assert await scene.set(scene.member, scene.old, "production") == first
    assert await scene.set(scene.member, scene.new, "production") == first + 1
    assert (await scene.names(scene.old), await scene.names(scene.new)) == (["staging"], ["latest", "production"])
    assert await scene.remove(scene.member, "production", "staging", version=scene.old) == first + 2
    assert (await scene.names(scene.old), await scene.names(scene.new)) == ([], ["latest", "production"])
    assert await scene.remove(scene.member, "production", "nothing") == first + 3
    assert await scene.remove(scene.member, "production", "nothing") == first + 3


async def test_latest_is_kept_by_the_server(scene: Scene) -> None:
    """It can be put on another version, but not taken away: clients drop it when they replace a list of aliases."""
    await scene.remove(scene.member, "latest")
    assert await scene.names(scene.new) == ["latest"]
    await scene.set(scene.member, scene.old, "latest")
    assert await scene.names(scene.old) == ["latest"]


async def test_the_source_has_aliases_of_its_own(scene: Scene) -> None:
    """Set through the release they don't show on the artifact; the artifact's are set in the same way."""
    await scene.set(scene.admin, scene.old, "production")
    async with scene.db.transaction() as tx:
        await aliases.set_aliases(tx, scene.admin.actor, scene.old.artifact_id, scene.old.id, ["baseline"])
        assert (await numbered.aliases(tx, scene.old.artifact_id))[scene.old.item_id] == ["baseline"]
        with pytest.raises(errors.CollectionNotFound):
            await aliases.set_aliases(tx, scene.member.actor, scene.old.artifact_id, scene.old.id, ["mine"])
    assert await scene.names(scene.old) == ["production"]


async def test_aliases_that_cannot_be_set(scene: Scene) -> None:
    lab, other = scene.lab, await make_version(scene.db, scene.lab.team, "other")
    for version in (other, Made(2**40, 0, 0, 0, "", "", ""), Made(-1, 0, 0, 0, "", "", "")):
        with pytest.raises(errors.EntryNotFound):
            await scene.set(scene.member, version, "production")
        with pytest.raises(errors.EntryNotFound):
            await scene.remove(scene.member, "production", version=version)
    for names in (["a/b"], ["a:b"], [""], ["v0"], ["x" * 129], ["nul\0"], [f"a{i}" for i in range(101)]):
        with pytest.raises(errors.Invalid):
            await scene.set(scene.member, scene.old, *names)
    with pytest.raises(errors.Forbidden):
        await scene.set(lab.viewer, scene.old, "production")
    with pytest.raises(errors.CollectionNotFound):
        await scene.set(lab.outsider, scene.old, "production")
    await delete_version(scene.db, scene.old, lab.member)
    with pytest.raises(errors.EntryNotFound, match="deleted"):
        await scene.set(scene.member, scene.old, "production")
    assert await scene.names(scene.old) == []


async def test_a_protected_alias_is_its_admins(scene: Scene) -> None:
    """Set, moved and removed by them only; the error names it; other aliases in the call are not set either."""
    await scene.set(scene.member, scene.old, "production")
    await scene.protect("production")
    for attempt in (
        scene.set(scene.member, scene.new, "staging", "production"),
        scene.remove(scene.member, "production"),
        scene.remove(scene.member, "production", "staging", version=scene.old),
    ):
        with pytest.raises(errors.AliasProtected, match="'production' is protected") as caught:
            await attempt
        assert caught.value.details == {"alias": "production", "approvals": 0}
        assert caught.value.field == "alias"
    assert (await scene.names(scene.old), await scene.names(scene.new)) == (["production"], ["latest"])
    target = InRegistry(scene.registry.name, "MNIST")
    async with scene.db.transaction() as tx:
        with pytest.raises(errors.AliasProtected):
            await links.link(tx, scene.member.actor, scene.new.id, target, ["production"])
    fresh = await make_version(scene.db, scene.lab.team)
    for release in ("MNIST", "Another"):
        with pytest.raises(errors.AliasProtected):
            await link_as_production(scene, fresh, release)
    await scene.set(scene.admin, scene.new, "production")
    assert await scene.names(scene.new) == ["latest", "production"]
    await scene.remove(scene.lab.admin, "production")
    assert await scene.names(scene.new) == ["latest"]


async def link_as_production(scene: Scene, version: Made, release: str) -> None:
    """Link a version as the member, who sees it because another release of the registry has it."""
    async with scene.db.transaction() as tx:
        await links.link(tx, scene.admin.actor, version.id, InRegistry(scene.registry.name, "Shown"))
    async with scene.db.transaction() as tx:
        target = InRegistry(scene.registry.name, release)
        await links.link(tx, scene.member.actor, version.id, target, ["production"])


async def test_what_is_so_already_needs_no_admin(scene: Scene) -> None:
    """Repeating a request is safe, and a member's client may send a protected alias that is there."""
    await scene.set(scene.admin, scene.old, "production")
    await scene.protect("production")
    before = await scene.set(scene.member, scene.old, "production")
    assert await scene.set(scene.member, scene.old, "production", "mine") == before + 1


async def test_a_narrow_token_does_not_reach_protected_aliases(scene: Scene) -> None:
    await scene.protect("production")
    reading = await sign_in(scene.db, scene.admin.account, scope=Scope.READ)
    with pytest.raises(errors.ScopeTooNarrow):
        await scene.set(reading, scene.old, "production")
    writing = await sign_in(scene.db, scene.admin.account, scope=Scope.WRITE)
    await scene.set(writing, scene.old, "production")


async def test_with_approvals_nobody_sets_it_alone(scene: Scene) -> None:
    await scene.set(scene.admin, scene.old, "production")
    await scene.protect("production", approvals=2)
    with pytest.raises(errors.ApprovalNeeded, match="2 approvals") as caught:
        await scene.set(scene.admin, scene.new, "production")
    assert caught.value.details == {"alias": "production", "approvals": 2}
    with pytest.raises(errors.AliasProtected):
        await scene.set(scene.member, scene.new, "production")
    await scene.remove(scene.admin, "production")
    assert await scene.names(scene.old) == []


async def test_aliases_are_protected_and_unprotected(scene: Scene) -> None:
    db, registry, admin = scene.db, scene.registry, scene.admin.actor
    async with db.transaction() as tx:
        made = await aliases.protect(tx, admin, registry.id, "production", reason="releases are signed off")
        assert (made.alias, made.approvals, made.created_by) == ("production", 0, scene.admin.name)
        again = await aliases.protect(tx, admin, registry.id, "production", approvals=2)
        assert (again.approvals, again.created_at) == (2, made.created_at)
        await aliases.protect(tx, admin, registry.id, "canary")
        assert [one.alias for one in await aliases.protected(tx, scene.lab.viewer.actor, registry.id)] == [
            "canary", "production",
        ]  # fmt: skip
        await aliases.unprotect(tx, admin, registry.id, "canary")
        await aliases.unprotect(tx, admin, registry.id, "canary")
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select verb, before, after, reason from events where account_id = %s and verb like 'alias.%%' order by id",
            (registry.id,),
        )
        told = await cursor.fetchall()
    production = {"alias": "production", "approvals": 0}
    assert told == [
        ("alias.protected", None, production, "releases are signed off"),
        ("alias.protected", production, {"alias": "production", "approvals": 2}, None),
        ("alias.protected", None, {"alias": "canary", "approvals": 0}, None),
        ("alias.unprotected", {"alias": "canary", "approvals": 0}, None, None),
    ]


async def test_what_cannot_be_protected(scene: Scene) -> None:
    db, registry = scene.db, scene.registry
    async with db.transaction() as tx:
        for alias in ("latest", "v3", "a/b", "", "x" * 129):
            with pytest.raises(errors.Invalid):
                await aliases.protect(tx, scene.admin.actor, registry.id, alias)
        for approvals in (-1, 21, 2**40):
            with pytest.raises(errors.Invalid) as caught:
                await aliases.protect(tx, scene.admin.actor, registry.id, "production", approvals=approvals)
            assert caught.value.field == "approvals"
        for person, error in (
            (scene.member, errors.Forbidden),
            (scene.lab.viewer, errors.Forbidden),
            (scene.lab.outsider, errors.RegistryNotFound),
        ):
            with pytest.raises(error):
                await aliases.protect(tx, person.actor, registry.id, "production")
            with pytest.raises(error):
                await aliases.unprotect(tx, person.actor, registry.id, "production")
        with pytest.raises(errors.RegistryNotFound):
            await aliases.protected(tx, scene.lab.outsider.actor, registry.id)
        assert await aliases.protected(tx, scene.admin.actor, registry.id) == []


async def test_two_move_an_alias_at_once(scene: Scene) -> None:
    """One after the other: it names one of them, and the log has both."""
    await asyncio.gather(
        *(scene.set(scene.member, version, "best", reason=version.name) for version in (scene.old, scene.new) * 4)
    )
    assert ("best" in await scene.names(scene.old)) != ("best" in await scene.names(scene.new))


async def test_no_other_verb_moves_a_protected_alias(scene: Scene) -> None:
    """Restoring a revision, undoing a change and deleting the release move aliases too: they ask in the same way."""
    good = await scene.set(scene.admin, scene.old, "production")
    await scene.set(scene.admin, scene.new, "production", reason="better")
    await scene.protect("production")
    db, member, admin = scene.db, scene.member.actor, scene.admin.actor
    attempts: list[Callable[[Tx], Awaitable[object]]] = [
        lambda tx: revisions.restore(tx, member, scene.public_id, good),
        lambda tx: revisions.undo(tx, member, scene.public_id),
        lambda tx: collections.delete(tx, member, scene.public_id),
    ]
    for attempt in attempts:
        with pytest.raises(errors.AliasProtected):
            async with db.transaction() as tx:
                await attempt(tx)
    assert "production" in await scene.names(scene.new)
    async with db.transaction() as tx:
        await revisions.restore(tx, admin, scene.public_id, good)
    assert "production" in await scene.names(scene.old)
    await scene.set(scene.member, scene.old, "staging")
    async with db.transaction() as tx:
        await revisions.undo(tx, member, scene.public_id)
    assert await scene.names(scene.old) == ["production"]
    await scene.protect("production", approvals=1)
    with pytest.raises(errors.ApprovalNeeded):
        async with db.transaction() as tx:
            await revisions.undo(tx, admin, scene.public_id)
    async with db.transaction() as tx:
        await collections.delete(tx, admin, scene.public_id)
        assert (await collections.restore(tx, member, scene.public_id)).entry_count == 2


async def test_one_alias_and_several_are_told_alike(scene: Scene) -> None:
    """One alias is set in one statement, several are not: the record and the history are the same."""
    told: list[object] = []
    for others in ((), ("staging",)):
        await scene.set(scene.member, scene.old, "staging")
        await scene.set(scene.admin, scene.old, "production", reason="first")
        revision = await scene.set(scene.member, scene.new, "production", reason="better")
        await scene.set(scene.admin, scene.old, "production", *others, reason="worse")
        async with scene.db.reading() as tx:
            cursor = await tx.connection.execute(
                "select verb, actor_id, item_id, revision - %s, before, after, reason from events"
                " where collection_id = %s and revision >= %s order by id",
                (revision, scene.ref, revision),
            )
            events = await cursor.fetchall()
            log = (await memory.alias_log(tx, scene.admin.actor, scene.ref, alias="production")).rows[:2]
            told.append((events, [(one.number, one.set_by, one.reason, one.ended_by) for one in log]))
        await scene.remove(scene.admin, "production")
    assert told[0] == told[1]
    assert told[0] == (
        [
            (
                "alias.set",
                person.id,
                item,
                at,
                {"alias": "production", "item": former, "number": int(former == scene.new.item_id)},
                {"alias": "production", "item": item, "number": int(item == scene.new.item_id)},
                reason,
            )
            for at, person, item, former, reason in (
                (0, scene.member, scene.new.item_id, scene.old.item_id, "better"),
                (1, scene.admin, scene.old.item_id, scene.new.item_id, "worse"),
            )
        ],
        [(0, scene.admin.name, "worse", None), (1, scene.member.name, "better", scene.admin.name)],
    )


@pytest.mark.parametrize("ref", [0, -1, 2**31, 2**70, "nothing", "nul\0", "0" * 24, "half \ud800"])
async def test_collections_that_are_not_there(scene: Scene, ref: int | str) -> None:
    actor, version = scene.admin.actor, scene.old.id
    async with scene.db.transaction() as tx:
        for attempt in (
            aliases.set_aliases(tx, actor, ref, version, ["one"]),
            aliases.set_aliases(tx, actor, ref, version, ["one", "two"]),
            aliases.remove_aliases(tx, actor, ref, ["one"]),
            links.unlink(tx, actor, version, ref),
            links.link(tx, actor, version, Existing(ref)),
            promotions.request(tx, actor, ref, "one", version),
            releases.add_types(tx, actor, ref, ["model"]),
            releases.delete(tx, actor, ref),
        ):
            with pytest.raises(errors.CollectionNotFound):
                await attempt
