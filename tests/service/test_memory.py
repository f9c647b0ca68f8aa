"""The registry remembers: aliases at a moment, links that were, who holds a version, and what broke (story B)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from factories.releases import Lab, Made, delete_version, make_lab, make_version
from pinakes.server import errors
from pinakes.server.collections import revisions, service as collections
from pinakes.server.db import Database
from pinakes.server.registries import aliases, links, memory
from pinakes.server.registries.types import InProject, InRegistry, Link


@pytest.fixture(scope="module")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


async def test_what_production_was_on_14_march(db: Database, lab: Lab) -> None:
    """Which version, who set it, when, why, and until when; one call, for everybody who sees the release."""
    registry = await lab.registry()
    old, new = await make_version(db, lab.team, "mnist"), await make_version(db, lab.team, "mnist")
    made = await lab.link(registry, "MNIST", old, "production")
    await lab.link(registry, "MNIST", new)
    async with db.transaction() as tx:
        reason = "the old one drifted"
        await aliases.set_aliases(tx, lab.admin.actor, made.card.id, new.id, ["production"], reason=reason)
    async with db.transaction() as tx:  # as if it all had been earlier
        await tx.connection.execute(
            "update entry_alias_history set set_at = %s, ended_at = %s where collection_id = %s and item_id = %s",
            (day(10), day(20), made.card.id, old.item_id),
        )
        await tx.connection.execute(
            "update entry_aliases set set_at = %s where collection_id = %s and item_id = %s",
            (day(20), made.card.id, new.item_id),
        )
    viewer = lab.viewer.actor
    async with db.reading() as tx:
        then = await memory.alias_at(tx, viewer, made.card.public_id, "production", day(14))
        now = await memory.alias_at(tx, viewer, made.card.id, "production", datetime.now(UTC))
        assert await memory.alias_at(tx, viewer, made.card.id, "production", day(9)) is None
        assert await memory.alias_at(tx, viewer, made.card.id, "nothing", day(14)) is None
    assert then is not None
    assert (then.version_id, then.name, then.owner, then.number) == (old.id, old.name, lab.team.name, 0)
    assert (then.type, then.digest) == ("model", old.digest)
    assert (then.set_by, then.set_at, then.reason) == (lab.member.name, day(10), "a test")
    assert (then.ended_by, then.ended_at) == (lab.admin.name, day(20))
    assert now is not None
    assert (now.version_id, now.number, now.set_by, now.reason) == (new.id, 1, lab.admin.name, reason)
    assert (now.ended_by, now.ended_at) == (None, None)


def day(number: int) -> datetime:
    """A day of a March."""
    return datetime(2025, 3, number, 12, tzinfo=UTC)


async def test_the_log_of_aliases(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    version = await make_version(db, lab.team, "mnist")
    made = await lab.link(registry, "MNIST", version, "production")
    async with db.transaction() as tx:
        await aliases.remove_aliases(tx, lab.member.actor, made.card.id, ["production"])
    async with db.transaction() as tx:
        await aliases.set_aliases(tx, lab.member.actor, made.card.id, version.id, ["production"], reason="again")
    async with db.reading() as tx:
        first = await memory.alias_log(tx, lab.viewer.actor, made.card.id, alias="production", limit=1)
        rest = await memory.alias_log(tx, lab.viewer.actor, made.card.id, alias="production", cursor=first.next)
        assert [(one.reason, one.ended_at is None) for one in [*first.rows, *rest.rows]] == [
            ("again", True),
            ("a test", False),
        ]
        everything = await memory.alias_log(tx, lab.viewer.actor, made.card.id)
        assert sorted(one.alias for one in everything.rows) == ["latest", "production", "production"]
        of_artifact = await memory.alias_log(tx, lab.member.actor, version.artifact_id)
        assert {one.alias for one in of_artifact.rows} == {"latest"}


async def test_the_log_of_links(db: Database, lab: Lab) -> None:
    """Each link with who made and ended it, when and why; one that was made again is another."""
    registry = await lab.registry()
    old, new = await make_version(db, lab.team, "mnist"), await make_version(db, lab.team, "mnist")
    made = await lab.link(registry, "MNIST", old)
    async with db.transaction() as tx:
        await links.unlink(tx, lab.admin.actor, old.id, made.card.id, reason="leaks")
    await lab.link(registry, "MNIST", new)
    await lab.link(registry, "MNIST", old)
    async with db.reading() as tx:
        page = await memory.link_log(tx, lab.viewer.actor, made.card.id, limit=2)
        rest = await memory.link_log(tx, lab.viewer.actor, made.card.id, limit=2, cursor=page.next)
        rows = [*page.rows, *rest.rows]
        assert [(row.version_id, row.number, row.unlinked_at is None) for row in rows] == [
            (old.id, 0, True),
            (new.id, 1, True),
            (old.id, 0, False),
        ]
        ended = rows[-1]
        assert (ended.linked_by, ended.link_reason) == (lab.member.name, "a test")
        assert (ended.unlinked_by, ended.unlink_reason) == (lab.admin.name, "leaks")
        assert ended.unlinked_at is not None
        assert ended.linked_at < ended.unlinked_at
        assert (ended.name, ended.owner, ended.digest) == (old.name, lab.team.name, old.digest)
        of_one = await memory.link_log(tx, lab.viewer.actor, made.card.id, version_id=new.id)
        assert [row.version_id for row in of_one.rows] == [new.id]
        assert (await memory.link_log(tx, lab.viewer.actor, made.card.id, version_id=2**40)).rows == []


async def test_links_that_a_restored_revision_brought_back(db: Database, lab: Lab) -> None:
    """The gap shows: whoever restored made the link anew, and whoever undid it ended it."""
    registry = await lab.registry()
    version = await make_version(db, lab.team, "mnist")
    made = await lab.link(registry, "MNIST", version)
    async with db.transaction() as tx:
        await links.unlink(tx, lab.member.actor, version.id, made.card.id)
    async with db.transaction() as tx:
        await revisions.restore(tx, lab.admin.actor, made.card.public_id, made.revision, reason="a mistake")
    async with db.reading() as tx:
        rows = (await memory.link_log(tx, lab.viewer.actor, made.card.id)).rows
    assert [(row.linked_by, row.link_reason, row.until_rev is None) for row in rows] == [
        (lab.admin.name, "a mistake", True),
        (lab.member.name, "a test", False),
    ]
    assert rows[0].linked_at > rows[1].linked_at


async def test_who_holds_a_version(db: Database, lab: Lab) -> None:
    """In registries and projects, as far as one sees them."""
    open_, restricted = await lab.registry(), await lab.registry(visibility="restricted")
    version = await make_version(db, lab.team, "held")
    first = await lab.link(open_, "MNIST", version, "production")
    await lab.link(restricted, "Secret", version)
    async with db.transaction() as tx:
        await links.link(tx, lab.member.actor, version.id, InProject("digits", "Plain"))
    async with db.reading() as tx:
        mine = await memory.holders(tx, lab.member.actor, version.id)
        assert [(one.collection, one.registry, one.project, one.number) for one in mine] == [
            ("MNIST", open_.name, None, 0),
            ("Secret", restricted.name, None, 0),
            ("Plain", None, "digits", 0),
        ]
        assert (mine[0].aliases, mine[0].linked_by) == (["latest", "production"], lab.member.name)
        assert [one.collection_id for one in await memory.holders(tx, lab.viewer.actor, version.id)] == [first.card.id]
        alone = await make_version(db, lab.team, "alone")
        assert await memory.holders(tx, lab.member.actor, alone.id) == []
        for number in (alone.id, version.id, 0, -1, 2**40):
            with pytest.raises(errors.VersionNotFound):
                await memory.holders(tx, lab.outsider.actor, number)
        with pytest.raises(errors.VersionNotFound):
            await memory.holders(tx, lab.viewer.actor, alone.id)


async def test_what_is_broken(db: Database, lab: Lab) -> None:
    """A tombstone says what it was: name, digest, number, aliases, dates; whoever sees the registry reads them all."""
    registry = await lab.registry(on_deletion="tombstone")
    versions = [await make_version(db, lab.team, "mnist") for _ in range(3)]
    made: list[Link] = [await lab.link(registry, "MNIST", version, f"a{i}") for i, version in enumerate(versions)]
    other = await lab.link(registry, "Other", versions[0])
    await delete_version(db, versions[0], lab.admin)
    await delete_version(db, versions[2], lab.member)
    async with db.reading() as tx:
        page = await memory.broken(tx, lab.viewer.actor, registry.id, limit=2)
        rest = await memory.broken(tx, lab.viewer.actor, registry.id, limit=2, cursor=page.next)
        rows = [*page.rows, *rest.rows]
        found = [(row.collection, row.version_id, row.number) for row in rows]
        assert found == [
            ("MNIST", versions[2].id, 2),
            ("Other", versions[0].id, 0),
            ("MNIST", versions[0].id, 0),
        ]
        last = rows[-1]
        assert (last.name, last.owner, last.type, last.digest) == described(versions[0], lab)
        assert (last.aliases, last.linked_by, last.deleted_by) == (["a0"], lab.member.name, lab.admin.name)
        assert last.linked_at < last.deleted_at
        then = await memory.alias_at(tx, lab.viewer.actor, made[0].card.id, "a0", datetime.now(UTC))
        assert then is not None
        assert (then.version_id, then.digest) == (versions[0].id, versions[0].digest)
        assert [one.collection for one in await memory.holders(tx, lab.viewer.actor, versions[0].id)] == [
            "MNIST",
            "Other",
        ]
    async with db.transaction() as tx:
        await links.unlink(tx, lab.member.actor, versions[0].id, made[0].card.id)
        await collections.delete(tx, lab.member.actor, other.card.public_id)
        left = await memory.broken(tx, lab.viewer.actor, registry.id)
        assert [row.version_id for row in left.rows] == [versions[2].id]


def described(version: Made, lab: Lab) -> tuple[str, str, str, str]:
    """What is known of a version that is gone."""
    return version.name, lab.team.name, "model", version.digest


async def test_who_does_not_see_it_learns_nothing(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    made = await lab.link(registry, "MNIST", await make_version(db, lab.team, "mnist"))
    nobody = lab.outsider.actor
    async with db.reading() as tx:
        for attempt in (
            memory.alias_at(tx, nobody, made.card.id, "latest", datetime.now(UTC)),
            memory.alias_log(tx, nobody, made.card.public_id),
            memory.link_log(tx, nobody, made.card.id),
            memory.link_log(tx, nobody, 2**40),
        ):
            with pytest.raises(errors.CollectionNotFound):
                await attempt
        with pytest.raises(errors.RegistryNotFound):
            await memory.broken(tx, nobody, registry.id)


async def test_questions_that_make_no_sense(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    made = await lab.link(registry, "MNIST", await make_version(db, lab.team, "mnist"))
    actor, ref = lab.member.actor, made.card.id
    async with db.reading() as tx:
        with pytest.raises(errors.Invalid) as caught:
            await memory.alias_at(tx, actor, ref, "latest", datetime(2025, 3, 14))  # noqa: DTZ001 - that is the point
        assert caught.value.field == "at"
        assert await memory.alias_at(tx, actor, ref, "latest", datetime.now(UTC) + timedelta(days=9)) is not None
        assert await memory.alias_at(tx, actor, ref, "nul\0", datetime.now(UTC)) is None
        for attempt in (
            memory.alias_log(tx, actor, ref, limit=0),
            memory.link_log(tx, actor, ref, limit=1001),
            memory.link_log(tx, actor, ref, cursor="nonsense"),
            memory.broken(tx, actor, registry.id, cursor="nonsense"),
            memory.broken(tx, actor, registry.id, limit=-1),
        ):
            with pytest.raises(errors.Invalid):
                await attempt


async def test_a_link_made_in_a_call_is_read_back(db: Database, lab: Lab) -> None:
    """What linking answers is what the log says."""
    registry = await lab.registry()
    version = await make_version(db, lab.team, "mnist")
    async with db.transaction() as tx:
        made = await links.link(tx, lab.member.actor, version.id, InRegistry(registry.name, "MNIST"), reason="why not")
        rows = (await memory.link_log(tx, lab.member.actor, made.card.id)).rows
    assert [(row.linked_at, row.number, row.link_reason, row.since_rev) for row in rows] == [
        (made.linked_at, made.number, "why not", made.revision)
    ]
