"""Promotion with approval: a protected alias is set once enough admins of the registry agreed."""

from __future__ import annotations

import asyncio

import pytest

from factories.people import Person, again
from factories.releases import Lab, Made, make_lab, make_version
from pinakes.server import errors
from pinakes.server.actor import Actor, anonymous, system
from pinakes.server.collections import numbered
from pinakes.server.db import Database
from pinakes.server.registries import aliases, links, members, memory, promotions
from pinakes.server.registries.types import Link, Promotion, Registry


@pytest.fixture(scope="module")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


class Scene:
    """A registry whose `production` takes two approvals, a release in it, a member who asks, and three admins."""

    def __init__(self, lab: Lab, registry: Registry, version: Made, link: Link, people: list[Person]) -> None:
        self.db: Database = lab.db
        self.lab: Lab = lab
        self.registry: Registry = registry
        self.version: Made = version
        self.link: Link = link
        self.ref: int = link.card.id
        self.asker, self.first, self.second, self.third = people

    async def ask(self, person: Person | None = None, reason: str | None = "passed the checks") -> Promotion:
        async with self.db.transaction() as tx:
            actor = (person or self.asker).actor
            return await promotions.request(tx, actor, self.ref, "production", self.version.id, reason=reason)

    async def vote(self, person: Person, found: Promotion, *, approve: bool = True, comment: str | None = None) -> str:
        async with self.db.transaction() as tx:
            voted = await promotions.vote(tx, person.actor, found.id, approve=approve, comment=comment)
        return voted.state

    async def withdraw(self, person: Person, found: Promotion) -> str:
        async with self.db.transaction() as tx:
            return (await promotions.withdraw(tx, person.actor, found.id)).state

    async def get(self, found: Promotion, actor: Actor | None = None) -> Promotion:
        async with self.db.reading() as tx:
            return await promotions.get(tx, actor or self.asker.actor, found.id)

    async def promoted(self) -> bool:
        async with self.db.reading() as tx:
            return "production" in (await numbered.aliases(tx, self.ref))[self.version.item_id]

    async def told(self) -> list[tuple[str, object, str | None]]:
        """The events about promotions of the release: verb, number of the promotion, reason."""
        async with self.db.reading() as tx:
            cursor = await tx.connection.execute(
                "select verb, after -> 'promotion', reason from events where collection_id = %s"
                " and verb like 'promotion.%%' order by id",
                (self.ref,),
            )
            return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


@pytest.fixture
async def scene(db: Database, lab: Lab) -> Scene:
    registry = await lab.registry()
    version = await make_version(db, lab.team)
    link = await lab.link(registry, "MNIST", version)
    people = [await lab.person(registry, role) for role in ("member", "admin", "admin", "admin")]
    async with db.transaction() as tx:
        await aliases.protect(tx, lab.member.actor, registry.id, "production", approvals=2)
    return Scene(lab, registry, version, link, people)


async def test_the_last_approval_sets_the_alias(scene: Scene) -> None:
    """In one revision, for the reason that was given; the record tells all steps."""
    found = await scene.ask()
    assert (found.state, found.alias, found.version_id, found.number) == ("open", "production", scene.version.id, 0)
    assert (found.requested_by, found.reason, found.needed) == (scene.asker.name, "passed the checks", 2)
    assert (found.collection, found.registry_id, found.votes) == ("MNIST", scene.registry.id, [])
    assert await scene.vote(scene.first, found, comment="fine") == "open"
    assert not await scene.promoted()
    assert await scene.vote(scene.first, found) == "open"
    assert await scene.vote(scene.second, found) == "applied"
    assert await scene.promoted()
    done = await scene.get(found)
    assert done.decided_at is not None
    assert [(vote.user, vote.approves, vote.comment) for vote in done.votes] == [
        (scene.first.name, True, None),
        (scene.second.name, True, None),
    ]
    assert await scene.told() == [
        ("promotion.requested", found.id, "passed the checks"),
        ("promotion.approved", found.id, "fine"),
        ("promotion.approved", found.id, None),
        ("promotion.approved", found.id, None),
        ("promotion.applied", found.id, "passed the checks"),
    ]
    async with scene.db.reading() as tx:
        log = (await memory.alias_log(tx, scene.asker.actor, scene.ref, alias="production")).rows
    assert [(one.version_id, one.set_by, one.reason) for one in log] == [
        (scene.version.id, scene.second.name, "passed the checks")
    ]


async def test_a_rejection_ends_it(scene: Scene) -> None:
    found = await scene.ask()
    await scene.vote(scene.first, found)
    assert await scene.vote(scene.second, found, approve=False, comment="not yet") == "rejected"
    for attempt in (scene.vote(scene.third, found), scene.withdraw(scene.asker, found)):
        with pytest.raises(errors.PromotionDecided, match="rejected already"):
            await attempt
    assert not await scene.promoted()
    assert (await scene.ask()).id != found.id
    assert ("promotion.rejected", found.id, "not yet") in await scene.told()


async def test_asking_again_is_the_same(scene: Scene) -> None:
    found = await scene.ask()
    assert (await scene.ask(reason="once more")).id == (await scene.ask(scene.first)).id == found.id
    assert len(await scene.told()) == 1


async def test_who_asks_does_not_vote(scene: Scene) -> None:
    found = await scene.ask(scene.first)
    with pytest.raises(errors.Forbidden, match="doesn't vote"):
        await scene.vote(scene.first, found)
    await scene.vote(scene.second, found)
    assert await scene.vote(scene.third, found) == "applied"


async def test_only_admins_vote_and_only_who_asks_withdraws(scene: Scene) -> None:
    found = await scene.ask()
    other = await scene.lab.person(scene.registry, "member")
    for person, error in (
        (other, errors.Forbidden),
        (scene.lab.viewer, errors.Forbidden),
        (scene.lab.outsider, errors.PromotionNotFound),
    ):
        with pytest.raises(error):
            await scene.vote(person, found)
        with pytest.raises(error):
            await scene.withdraw(person, found)
    with pytest.raises(errors.Forbidden):
        await scene.withdraw(scene.first, found)
    async with scene.db.transaction() as tx:
        for actor in (anonymous("test"), system()):
            with pytest.raises((errors.Unauthenticated, errors.PromotionNotFound)):
                await promotions.vote(tx, actor, found.id, approve=True)
    assert await scene.withdraw(scene.asker, found) == "withdrawn"
    with pytest.raises(errors.PromotionDecided):
        await scene.vote(scene.first, found)
    assert await scene.told() == [
        ("promotion.requested", found.id, "passed the checks"),
        ("promotion.withdrawn", found.id, None),
    ]


async def test_who_is_no_admin_any_more_does_not_count(scene: Scene) -> None:
    found = await scene.ask()
    await scene.vote(scene.first, found)
    async with scene.db.transaction() as tx:
        await members.set_user_role(tx, scene.lab.member.actor, scene.registry.id, scene.first.id, "viewer")
    assert (await scene.get(found)).approvals == 0
    assert await scene.vote(scene.second, found) == "open"
    assert await scene.vote(scene.third, found) == "applied"


async def test_two_last_approvals_at_once(scene: Scene) -> None:
    """The alias is set once: of three who vote at the same time, one comes when it is decided."""
    found = await scene.ask()
    outcomes = await asyncio.gather(
        *(scene.vote(person, found) for person in (scene.first, scene.second, scene.third)), return_exceptions=True
    )
    assert sorted(one if isinstance(one, str) else type(one).__name__ for one in outcomes) == [
        "PromotionDecided", "applied", "open",
    ]  # fmt: skip
    assert [verb for verb, _, _ in await scene.told()].count("promotion.applied") == 1


async def test_a_version_that_left_is_not_promoted(scene: Scene) -> None:
    """The vote is refused as a whole; the promotion can still be rejected."""
    found = await scene.ask()
    await scene.vote(scene.first, found)
    async with scene.db.transaction() as tx:
        await links.unlink(tx, scene.lab.member.actor, scene.version.id, scene.ref)
    with pytest.raises(errors.Conflict, match="not in MNIST any more"):
        await scene.vote(scene.second, found)
    assert (await scene.get(found)).approvals == 1
    assert await scene.vote(scene.second, found, approve=False) == "rejected"


async def test_promotions_that_cannot_be_asked_for(scene: Scene) -> None:
    async with scene.db.transaction() as tx:
        asker, version = scene.asker.actor, scene.version.id
        await aliases.protect(tx, scene.lab.member.actor, scene.registry.id, "canary")
        for alias in ("staging", "canary"):
            with pytest.raises(errors.Invalid, match="takes no approvals"):
                await promotions.request(tx, asker, scene.ref, alias, version)
        with pytest.raises(errors.Invalid):
            await promotions.request(tx, asker, scene.ref, "a/b", version)
        for number in (2**31 - 1, 2**40, -1):
            with pytest.raises(errors.EntryNotFound):
                await promotions.request(tx, asker, scene.ref, "production", number)
        with pytest.raises(errors.Forbidden):
            await promotions.request(tx, scene.lab.viewer.actor, scene.ref, "production", version)
        with pytest.raises(errors.CollectionNotFound):
            await promotions.request(tx, scene.lab.outsider.actor, scene.ref, "production", version)
        for number in (0, -1, 2**40):
            with pytest.raises(errors.PromotionNotFound):
                await promotions.get(tx, asker, number)
    found = await scene.ask()
    await scene.vote(scene.first, found)
    await scene.vote(scene.second, found)
    with pytest.raises(errors.Conflict, match="names that version already"):
        await scene.ask()
    with pytest.raises(errors.Invalid) as caught:
        await scene.vote(scene.third, found, comment="x" * 1001)
    assert caught.value.field == "comment"


async def test_unprotecting_ends_open_promotions(scene: Scene) -> None:
    found = await scene.ask()
    async with scene.db.transaction() as tx:
        await aliases.unprotect(tx, scene.lab.member.actor, scene.registry.id, "production", reason="simpler")
    assert (await scene.get(found)).state == "withdrawn"
    assert (await scene.told())[-1] == ("promotion.withdrawn", found.id, "simpler")


async def test_fewer_approvals_count_from_the_next_vote_on(scene: Scene) -> None:
    found = await scene.ask()
    async with scene.db.transaction() as tx:
        await aliases.protect(tx, scene.lab.member.actor, scene.registry.id, "production", approvals=1)
    assert (await scene.get(found)).needed == 1
    assert await scene.vote(scene.first, found) == "applied"


async def test_lists_of_promotions(scene: Scene) -> None:
    """Of a release, of a registry, by state, newest first; nobody sees those of what he doesn't see."""
    found = await scene.ask()
    await scene.vote(scene.first, found, approve=False)
    second = await scene.ask()
    other = await scene.lab.link(scene.registry, "Other", scene.version)
    async with scene.db.transaction() as tx:
        third = await promotions.request(tx, scene.asker.actor, other.card.id, "production", scene.version.id)
    viewer = (await again(scene.db, scene.lab.viewer)).actor
    async with scene.db.reading() as tx:
        page = await promotions.page(tx, viewer, registry_id=scene.registry.id, limit=2)
        rest = await promotions.page(tx, viewer, registry_id=scene.registry.id, limit=2, cursor=page.next)
        assert [one.id for one in [*page.rows, *rest.rows]] == [third.id, second.id, found.id]
        of_release = await promotions.page(tx, viewer, ref=scene.link.card.public_id)
        assert [one.id for one in of_release.rows] == [second.id, found.id]
        open_ = await promotions.page(tx, viewer, registry_id=scene.registry.id, state="open")
        assert [one.id for one in open_.rows] == [third.id, second.id]
        assert (await promotions.page(tx, scene.lab.outsider.actor)).rows == []
        with pytest.raises(errors.RegistryNotFound):
            await promotions.page(tx, scene.lab.outsider.actor, registry_id=scene.registry.id)
        with pytest.raises(errors.CollectionNotFound):
            await promotions.page(tx, scene.lab.outsider.actor, ref=scene.ref)
        with pytest.raises(errors.PromotionNotFound):
            await promotions.get(tx, scene.lab.outsider.actor, found.id)
        for wrong in ({"state": "lost"}, {"limit": 0}, {"cursor": "nonsense"}):
            with pytest.raises(errors.Invalid):
                await promotions.page(tx, viewer, **wrong)  # pyright: ignore[reportArgumentType]
