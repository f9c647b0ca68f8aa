"""Versions and artifacts: begun, committed, found, changed and deleted."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from factories.artifacts import Studio, make_project, manifest_of
from factories.catalog import Facts
from factories.people import make_user, told_of, unique
from factories.releases import Lab, make_lab
from pinakes.server import errors
from pinakes.server.actor import Actor, system
from pinakes.server.artifacts import access, artifacts, commits, deletions, memberships, versions
from pinakes.server.artifacts.types import Version, VersionChanges
from pinakes.server.blobs import Blobs
from pinakes.server.collections import numbered, revisions, service as collections
from pinakes.server.collections.types import Card
from pinakes.server.db import Database
from pinakes.server.registries import links
from pinakes.server.registries.types import InRegistry, Link, Registry
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work


@pytest_asyncio.fixture(loop_scope="session")
async def studio(db: Database, blobs: Blobs) -> AsyncGenerator[Studio]:
    """Somebody with a project of his own."""
    ana = await make_user(db)
    yield Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor))


async def named(studio: Studio, name: str) -> tuple[int, int, list[str]]:
    """Return which version a name stands for, its number, and all its aliases."""
    async with studio.db.reading() as tx:
        found = await memberships.by_name(tx, studio.actor, studio.project.owner, studio.project.name, name)
    return found.version.id, found.number, found.aliases


async def card_of(studio: Studio, name: str) -> Card:
    async with studio.db.reading() as tx:
        found = await artifacts.find(tx, studio.actor, studio.project.id, name)
    assert found is not None
    return found


async def change(studio: Studio, version: Version, **changes: Facts) -> Version:
    async with studio.db.transaction() as tx:
        return await versions.update(tx, studio.actor, version.id, VersionChanges(**changes))


async def delete(studio: Studio, version: Version, *, delete_aliases: bool = True) -> None:
    async with studio.db.transaction() as tx:
        await versions.delete(tx, studio.actor, version.id, delete_aliases=delete_aliases)


async def numbers(studio: Studio, artifact: str, **asked: Facts) -> list[int]:
    """Return the numbers of an artifact's versions, as a page of them has it."""
    card = await card_of(studio, artifact)
    async with studio.db.reading() as tx:
        return [one.number for one in (await memberships.page(tx, studio.actor, card.id, **asked)).rows]


async def test_a_version_is_logged_and_found_by_all_its_names(studio: Studio):
    """Contract 10, 12: numbered from 0, `latest` by itself, the aliases that were asked for, size and count."""
    first = await studio.log(
        "data",
        {"a.txt": b"abc", "dir/b.bin": bytes(1000), "empty": b""},
        {"far": {"ref": "s3://bucket/key", "digest": "etag", "size": 10_000}},
        aliases=["best", "latest"],
        tags=["one", "two words"],
        description="All of it",
        metadata={"epochs": 3},
        history_step=7,
        ttl_seconds=86_400,
        storage_region="minio-local",
    )
    assert (first.state, first.number, first.size, first.file_count) == ("committed", 0, 11_003, 4)
    assert (first.tags, first.description, first.metadata) == (["one", "two words"], "All of it", {"epochs": 3})
    assert (first.history_step, first.ttl_seconds, first.storage_region) == (7, 86_400, "minio-local")
    assert (first.type, first.artifact, first.label) == ("dataset", "data", "data:v0")
    assert (first.owner, first.project) == (studio.project.owner, studio.project.name)
    assert (first.created_by, first.run_id, first.digest_algorithm) == (studio.actor.name, None, "MANIFEST_MD5")
    for name in ("data", "data:latest", "data:v0", "data:best"):
        assert await named(studio, name) == (first.id, 0, ["best", "latest"])
    second = await studio.log("data")
    assert await named(studio, "data") == (second.id, 1, ["latest"])
    assert await named(studio, "data:best") == (first.id, 0, ["best"])
    card = await card_of(studio, "data")
    assert (card.kind, card.types, card.entry_count, card.container) == (
        "artifact",
        ["dataset"],
        2,
        studio.project.name,
    )
    async with studio.db.reading() as tx:
        row = await (
            await tx.connection.execute("select name, name_key, title, kind from items where id = %s", (first.item_id,))
        ).fetchone()
    assert row == (f"{studio.project.name}/data:v0", f"{first.artifact_id}:v0", "data:v0", "version")


@pytest.mark.parametrize(
    "name",
    [
        "data:v1",
        "data:V0",
        "data:v01x",
        "data:nothing",
        "nothing",
        "nothing:v0",
        "data:v99999999999",
        "\0",
        "data:\0",
        "",
        ":",
    ],
)
async def test_what_nothing_is_called_is_not_found(studio: Studio, name: str):
    await studio.log("data")
    with pytest.raises(errors.VersionNotFound):
        await named(studio, name)


async def test_a_draft_is_nowhere_to_be_seen(studio: Studio):
    """Contract 12, trap 8: by its id only, and no content is taken for the same because of it."""
    draft = (await studio.begin("data", digest="d" * 32)).version
    assert (draft.state, draft.number, draft.item_id, draft.label) == ("pending", None, None, "data")
    with pytest.raises(errors.VersionNotFound):
        await named(studio, "data")
    assert await numbers(studio, "data") == []
    async with studio.db.reading() as tx:
        assert await access.get(tx, studio.actor, draft.id) == draft
        assert await access.by_ids(tx, studio.actor, [draft.id]) == {}
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, (await make_user(studio.db)).actor, draft.id)
    again = await studio.begin("data", digest="d" * 32)
    assert again.fresh
    assert again.version.id != draft.id
    assert again.latest is None


async def test_the_same_content_is_not_logged_twice(studio: Studio):
    """Contract 10.2: the committed version is the answer; it gets the aliases, `latest` among them."""
    first = await studio.log("data", digest="a" * 32, aliases=["latest"])
    second = await studio.log("data", digest="b" * 32, aliases=["latest"])
    again = await studio.begin("data", digest="a" * 32, aliases=["latest", "back"], client_id=unique("client"))
    assert not again.fresh
    assert (again.version.id, again.version.state) == (first.id, "committed")
    assert again.latest is not None
    assert again.latest.id == second.id
    assert await named(studio, "data") == (first.id, 0, ["back", "latest"])
    assert await named(studio, "data:v1") == (second.id, 1, [])
    revision = (await card_of(studio, "data")).revision
    latest = (await studio.begin("data", digest="a" * 32, aliases=["latest", "back"])).latest
    assert latest is not None
    assert latest.id == first.id
    assert (await card_of(studio, "data")).revision == revision
    for facts in ({"deduplicate": False}, {"distributed_id": unique("group")}):
        assert (await studio.begin("data", digest="a" * 32, **facts)).fresh
    assert (await studio.begin("other", digest="a" * 32)).fresh


async def test_what_was_deleted_is_logged_anew(studio: Studio):
    first = await studio.log("data", digest="a" * 32)
    await delete(studio, first)
    again = await studio.begin("data", digest="a" * 32)
    assert again.fresh
    assert again.latest is None


async def test_another_type_is_refused_and_nothing_made(studio: Studio):
    """Contract 23: `already exists with type 'dataset'`; both types are named."""
    await studio.log("data")
    with pytest.raises(errors.TypeNotAccepted, match=r"already exists with type 'dataset'.*'model'") as caught:
        await studio.begin("data", type="model")
    assert caught.value.field == "type"
    async with studio.db.reading() as tx:
        assert [one.name for one in await artifacts.types(tx, studio.actor, studio.project.id)] == ["dataset"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"artifact": "a/b"}, "artifact"),
        ({"artifact": "a:b"}, "artifact"),
        ({"artifact": ".."}, "artifact"),
        ({"artifact": "x" * 129}, "artifact"),
        ({"artifact": "\ud800"}, "artifact"),
        ({"type": ""}, "type"),
        ({"type": "x\0"}, "type"),
        ({"type": "x" * 129}, "type"),
        ({"digest": ""}, "digest"),
        ({"digest": "\0"}, "digest"),
        ({"digest_algorithm": "MANIFEST_XXH128"}, "digestAlgorithm"),
        ({"description": "\0"}, "description"),
        ({"description": "x" * 100_001}, "description"),
        ({"metadata": {str(n): n for n in range(101)}}, "metadata"),
        ({"metadata": "[1]"}, "metadata"),
        ({"metadata": "{"}, "metadata"),
        ({"metadata": '{"a": "\\u0000"}'}, "metadata"),
        ({"metadata": '{"a": "\\ud800"}'}, "metadata"),
        ({"metadata": {"a": "\ud800"}}, "metadata"),
        ({"metadata": '{"a": 1' + "0" * 30 + "}"}, "metadata"),
        ({"metadata": "[" * 100_000}, "metadata"),
        ({"metadata": {"a": object()}}, "metadata"),
        ({"metadata": {"a": "x" * 5_000_000}}, "metadata"),
        ({"tags": ["a/b"]}, "tags"),
        ({"tags": [" a"]}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["x" * 129]}, "tags"),
        ({"tags": [str(n) for n in range(101)]}, "tags"),
        ({"aliases": ["a/b"]}, "alias"),
        ({"aliases": ["a:b"]}, "alias"),
        ({"aliases": ["v3"]}, "alias"),
        ({"aliases": ["x" * 129]}, "alias"),
        ({"ttl_seconds": -3}, "ttlDurationSeconds"),
        ({"ttl_seconds": 2**62}, "ttlDurationSeconds"),
        ({"history_step": 2**63}, "historyStep"),
        ({"storage_region": "coreweave-us"}, "storageRegion"),
        ({"distributed_id": "\0"}, "distributedID"),
        ({"client_id": "x" * 300}, "clientID"),
        ({"sequence_client_id": "\ud800"}, "sequenceClientID"),
    ],
)
async def test_what_can_not_be_said_is_refused_and_nothing_made(studio: Studio, facts: dict[str, Facts], field: str):
    """Contract 10, 14, 23: each refusal names the field; W&B's own texts are in the messages."""
    with pytest.raises(errors.Invalid) as caught:
        await studio.begin(**{"artifact": "data", **facts})
    assert caught.value.field == field
    if field == "tags" and len(facts["tags"]) == 1:
        assert "Invalid tag" in caught.value.message
    if field == "storageRegion":
        assert "coreweave-us" in caught.value.message
    async with studio.db.reading() as tx:
        assert await artifacts.count(tx, studio.actor, studio.project.id) == 0


async def test_numbers_that_are_none_become_null(studio: Studio):
    """Contract 14: NaN comes as Python writes it."""
    version = (
        await studio.begin(metadata='{"a": NaN, "b": [Infinity, -Infinity], "c": 1.5, "d": 18446744073709551615}')
    ).version
    assert version.metadata == {"a": None, "b": [None, None], "c": 1.5, "d": 18446744073709551615}
    version = (await studio.begin(metadata={"a": math.nan, "ü": "✓"})).version
    assert version.metadata == {"a": None, "ü": "✓"}
    assert (await studio.begin(metadata=None)).version.metadata == {}


@pytest.mark.parametrize(("said", "kept"), [(None, None), (0, None), (-1, None), (-2, -2), (60, 60)])
async def test_a_time_to_live_is_kept_as_it_was_meant(studio: Studio, said: int | None, kept: int | None):
    assert (await studio.begin(ttl_seconds=said)).version.ttl_seconds == kept


async def test_client_ids_find_what_they_were_made_up_for(studio: Studio):
    """Contract 10.6: from CreateArtifact on, and a request that is sent again finds its draft."""
    client, sequence = unique("client"), unique("sequence")
    begun = await studio.begin("data", digest="c" * 32, client_id=client, sequence_client_id=sequence)
    again = await studio.begin("data", digest="c" * 32, client_id=client, sequence_client_id=sequence)
    assert (again.version.id, again.fresh) == (begun.version.id, True)
    stranger = (await make_user(studio.db)).actor
    async with studio.db.reading() as tx:
        found = await versions.client_target(tx, studio.actor, client)
        assert found is not None
        assert (found.version_id, found.artifact_id) == (begun.version.id, None)
        found = await versions.client_target(tx, studio.actor, sequence)
        assert found is not None
        assert (found.version_id, found.artifact_id) == (None, begun.version.artifact_id)
        for actor, client_id in (
            (stranger, client),
            (stranger, sequence),
            (studio.actor, "nothing"),
            (studio.actor, "\0"),
        ):
            assert await versions.client_target(tx, actor, client_id) is None
    same = (await studio.log("data", digest="c" * 32)).id
    later = unique("client")
    assert (await studio.begin("data", digest="c" * 32, client_id=later)).version.id == same
    async with studio.db.reading() as tx:
        found = await versions.client_target(tx, studio.actor, later)
        assert found is not None
        assert found.version_id == same


async def test_nobody_takes_another_ones_client_id(studio: Studio, blobs: Blobs):
    bob = await make_user(studio.db)
    other = Studio(studio.db, blobs, bob.actor, await make_project(studio.db, bob.account, bob.actor))
    client = unique("client")
    mine = (await studio.begin(client_id=client)).version
    theirs = (await other.begin(client_id=client)).version
    assert theirs.id != mine.id
    async with studio.db.reading() as tx:
        found = await versions.client_target(tx, studio.actor, client)
        assert found is not None
        assert found.version_id == mine.id
        assert await versions.client_target(tx, bob.actor, client) is None


async def test_writers_share_a_draft_until_it_is_committed(studio: Studio):
    """Contract 10.2: the same (sequence, distributedID)."""
    group = unique("group")
    begun = await asyncio.gather(
        *(studio.begin("data", distributed_id=group, aliases=[f"a{n}"], tags=[f"t{n}"]) for n in range(8))
    )
    assert len({one.version.id for one in begun}) == 1
    assert all(one.fresh for one in begun)
    assert (await studio.begin("data", distributed_id=unique("group"))).version.id != begun[0].version.id
    number = begun[0].version.id
    await studio.declare(number, manifest_of({}), type="patch")
    done = await studio.commit(number)
    assert done.tags == [f"t{n}" for n in range(8)]
    assert (await named(studio, "data"))[2] == [*(f"a{n}" for n in range(8)), "latest"]
    assert (await studio.begin("data", distributed_id=group)).version.id != number


async def test_sixteen_commits_at_once_get_sixteen_numbers(studio: Studio):
    """Trap 7: no gap, no number twice, `latest` on the last."""
    begun = await asyncio.gather(*(studio.begin("data", aliases=[f"n{n}"]) for n in range(16)))
    for one in begun:
        entries = await studio.send(one.version.id, {"file": one.version.digest.encode()})
        await studio.declare(one.version.id, manifest_of(entries))
    done = await asyncio.gather(*(studio.commit(one.version.id) for one in begun))
    assert sorted(version.number for version in done if version.number is not None) == list(range(16))
    last = next(version for version in done if version.number == 15)
    found, number, aliases = await named(studio, "data:latest")
    assert (found, number) == (last.id, 15)
    assert "latest" in aliases
    card = await card_of(studio, "data")
    assert (card.entry_count, card.revision) == (16, 17)


async def test_sixteen_commits_of_one_draft_make_one_version(studio: Studio):
    """Contract 10.8: idempotent."""
    draft = (await studio.begin("data")).version
    await studio.declare(draft.id, manifest_of(await studio.send(draft.id, {"file": b"x"})))
    done = await asyncio.gather(*(studio.commit(draft.id) for _ in range(16)))
    assert {(one.id, one.number, one.file_count) for one in done} == {(draft.id, 0, 1)}
    assert await numbers(studio, "data") == [0]
    assert await studio.commit(draft.id) == done[0]


async def test_versions_are_listed_in_four_orders(studio: Studio):
    """Contract 12, 21: the newest first, when nothing is said."""
    for _ in range(5):
        await studio.log("data")
    for sort, expected in (
        ("-number", [4, 3, 2, 1, 0]),
        ("+number", [0, 1, 2, 3, 4]),
        ("-created", [4, 3, 2, 1, 0]),
        ("+created", [0, 1, 2, 3, 4]),
    ):
        assert await numbers(studio, "data", sort=sort) == expected
        card, found, cursor = await card_of(studio, "data"), [], None
        async with studio.db.reading() as tx:
            while True:
                page = await memberships.page(tx, studio.actor, card.id, sort=sort, limit=2, cursor=cursor)
                found += [one.number for one in page.rows]
                cursor = page.next
                if cursor is None:
                    break
        assert found == expected
    for asked in ({"sort": "name"}, {"limit": 0}, {"limit": 1001}, {"cursor": "x"}):
        with pytest.raises(errors.Invalid):
            await numbers(studio, "data", **asked)
    assert (await numbers(studio, "data"))[:1] == [4]


async def test_a_version_is_changed_in_one_place_for_all(studio: Studio):
    """Contract 14: description, metadata, tags, time to live; nothing said means unchanged, "" clears."""
    version = await studio.log("data", tags=["old", "kept"], description="Old", metadata={"a": 1})
    changed = await change(
        studio,
        version,
        description="New",
        metadata='{"b": NaN}',
        tags_to_add=["new", "kept"],
        tags_to_delete=["old"],
        ttl_seconds=60,
    )
    assert (changed.description, changed.metadata, changed.tags, changed.ttl_seconds) == (
        "New",
        {"b": None},
        ["kept", "new"],
        60,
    )
    assert changed.updated_at > version.updated_at
    assert await change(studio, version) == changed
    assert await change(studio, version, description="New", tags_to_delete=["absent"]) == changed
    assert (await change(studio, version, description="", ttl_seconds=-1)).description is None
    assert (await change(studio, version, ttl_seconds=-2)).ttl_seconds == -2
    for changes in ({"tags_to_add": ["a/b"]}, {"metadata": "3"}, {"description": "\0"}, {"ttl_seconds": -7}):
        with pytest.raises(errors.Invalid):
            await change(studio, version, **changes)
    stranger, reader = (
        await make_user(studio.db),
        Actor(studio.actor.user_id, studio.actor.name, roles=studio.actor.roles),
    )
    for actor, refusal in ((stranger.actor, errors.VersionNotFound), (reader, errors.ScopeTooNarrow)):
        async with studio.db.transaction() as tx:
            with pytest.raises(refusal):
                await versions.update(tx, actor, version.id, VersionChanges(description="x"))


async def test_a_version_with_aliases_is_deleted_only_with_them(studio: Studio):
    """Contract 14: `latest` counts; it goes to the highest that is left, and no number is given twice."""
    made = [await studio.log("data", aliases=["x"] if n == 2 else []) for n in range(3)]
    with pytest.raises(errors.HasAliases, match="latest, x") as caught:
        await delete(studio, made[2], delete_aliases=False)
    assert caught.value.details == {"aliases": ["latest", "x"]}
    await delete(studio, made[0], delete_aliases=False)
    await delete(studio, made[2])
    assert await named(studio, "data") == (made[1].id, 1, ["latest"])
    assert await numbers(studio, "data") == [1]
    for name in ("data:v0", "data:v2", "data:x"):
        with pytest.raises(errors.VersionNotFound):
            await named(studio, name)
    for version in (made[0], made[2]):
        async with studio.db.reading() as tx:
            with pytest.raises(errors.VersionNotFound):
                await access.get(tx, studio.actor, version.id)
        with pytest.raises(errors.VersionNotFound):
            await delete(studio, version)
    assert (await studio.log("data")).number == 3
    assert (await told_of(studio.db, studio.actor)).count("version.deleted") == 2


async def test_a_draft_is_given_up_without_a_trace(studio: Studio):
    for way in ("delete", "discard"):
        draft = (await studio.begin("data")).version
        await studio.declare(draft.id, manifest_of({}))
        async with studio.db.transaction() as tx:
            if way == "delete":
                await versions.delete(tx, studio.actor, draft.id, delete_aliases=False)
            else:
                await commits.discard(tx, studio.actor, draft.id)
        with pytest.raises(errors.VersionNotFound):
            await studio.commit(draft.id)
    version = await studio.log("data")
    async with studio.db.transaction() as tx:
        with pytest.raises(errors.Conflict):
            await commits.discard(tx, studio.actor, version.id)


async def test_who_sees_a_release_sees_its_versions_without_their_project(db: Database, blobs: Blobs):
    """Contract 13, 22: by id and by the release; a restricted viewer looks, but downloads nothing."""
    lab = await make_lab(db)
    studio = Studio(db, blobs, lab.member.actor, await make_project(db, lab.team, lab.member.actor))
    version = await studio.log("model", type="model")
    registry = await lab.registry()
    await link(lab, registry, "MNIST", version, "production")
    restricted = await lab.person(registry, "restricted_viewer")
    async with db.reading() as tx:
        for person, downloads in ((lab.member, True), (lab.viewer, True), (restricted, False)):
            found = await access.get(tx, person.actor, version.id)
            assert found.digest == version.digest
            assert access.source_seen(person.actor, found) == (person is lab.member)
            assert await access.may_download(tx, person.actor, found) == downloads
            assert set(await access.by_ids(tx, person.actor, [version.id, 2**31, 0])) == {version.id}
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, lab.outsider.actor, version.id)
        for number in (0, -1, 2**31, 2**63):
            with pytest.raises(errors.VersionNotFound):
                await access.get(tx, system(), number)
        holding = [one.collection.title for one in await memberships.of_version(tx, lab.member.actor, version.id)]
        assert holding == ["model", "MNIST"]
        holding = [one.collection.title for one in await memberships.of_version(tx, restricted.actor, version.id)]
        assert holding == ["MNIST"]
    async with db.transaction() as tx:
        with pytest.raises(errors.Forbidden):
            await versions.update(tx, restricted.actor, version.id, VersionChanges(description="x"))
        with pytest.raises(errors.Forbidden):
            await versions.delete(tx, lab.viewer.actor, version.id, delete_aliases=True)


async def link(lab: Lab, registry: Registry, collection: str, version: Version, *aliases: str) -> Link:
    """Link a version, as the registry's admin."""
    async with lab.db.transaction() as tx:
        return await links.link(tx, lab.member.actor, version.id, InRegistry(registry.name, collection), aliases)


async def test_a_collection_answers_for_its_versions(studio: Studio):
    version = await studio.log("data", aliases=["best"])
    card = await card_of(studio, "data")
    assert version.item_id is not None
    async with studio.db.reading() as tx:
        for alias in (None, "latest", "v0", "best", ""):
            found = await memberships.in_collection(tx, studio.actor, card.id, alias)
            assert (found.version.id, found.number, found.collection.id) == (version.id, 0, version.artifact_id)
        for alias in ("v1", "worst", "\0"):
            with pytest.raises(errors.VersionNotFound):
                await memberships.in_collection(tx, studio.actor, card.id, alias)
        for number in (0, 2**31, version.item_id):
            with pytest.raises(errors.CollectionNotFound):
                await memberships.in_collection(tx, studio.actor, number, "latest")
            with pytest.raises(errors.CollectionNotFound):
                await memberships.page(tx, studio.actor, number)
        pairs = [(card.id, version.item_id), (card.id, 1), (1, version.item_id)]
        assert set(await memberships.memberships(tx, studio.actor, pairs)) == {pairs[0]}
        assert await memberships.memberships(tx, (await make_user(studio.db)).actor, pairs) == {}


async def test_artifacts_are_listed_by_name_and_type(studio: Studio):
    """Contract 17."""
    for name, kind in (("c", "model"), ("a", "dataset"), ("b", "model")):
        await studio.begin(name, type=kind)
    project = studio.project.id
    async with studio.db.reading() as tx:
        assert [one.title for one in (await artifacts.page(tx, studio.actor, project)).rows] == ["a", "b", "c"]
        first = await artifacts.page(tx, studio.actor, project, limit=2)
        rest = await artifacts.page(tx, studio.actor, project, limit=2, cursor=first.next)
        assert ([one.title for one in first.rows], [one.title for one in rest.rows]) == (["a", "b"], ["c"])
        assert [one.title for one in (await artifacts.page(tx, studio.actor, project, type="model")).rows] == ["b", "c"]
        assert await artifacts.count(tx, studio.actor, project, type="model", kind="artifact") == 2
        assert await artifacts.count(tx, studio.actor, project, kind="release") == 0
        assert await artifacts.count(tx, studio.actor, project, type="\0") == 0
        assert [one.name for one in await artifacts.types(tx, studio.actor, project)] == ["dataset", "model"]
        found = await artifacts.find_type(tx, studio.actor, project, "model")
        assert found is not None
        assert found.name == "model"
        for name in ("planet", "\0"):
            assert await artifacts.find_type(tx, studio.actor, project, name) is None
        assert await artifacts.find(tx, studio.actor, project, "a", type="model") is None
        assert await artifacts.find(tx, studio.actor, project, "a", kind="release") is None
        assert await artifacts.find(tx, studio.actor, project, "A") is None
        wrong: list[dict[str, Facts]] = [{"limit": 0}, {"cursor": "x"}, {"kind": "showcase"}]
        for asked in wrong:
            with pytest.raises(errors.Invalid):
                await artifacts.page(tx, studio.actor, project, **asked)
        with pytest.raises(errors.ProjectNotFound):
            await artifacts.page(tx, (await make_user(studio.db)).actor, project)


async def test_a_renamed_artifact_keeps_its_versions(studio: Studio):
    """Contract 17: ids and links stay; a name that is taken is refused."""
    version = await studio.log("old", aliases=["best"])
    await studio.begin("taken")
    card = await card_of(studio, "old")
    async with studio.db.transaction() as tx:
        changed = await artifacts.update(tx, studio.actor, card.id, name="new", description="Better", tags=["x"])
    assert (changed.id, changed.title, changed.description, changed.tags) == (card.id, "new", "Better", ["x"])
    assert await named(studio, "new:best") == (version.id, 0, ["best", "latest"])
    async with studio.db.reading() as tx:
        assert (await access.get(tx, studio.actor, version.id)).label == "new:v0"
        name = await tx.connection.execute("select name from items where id = %s", (version.item_id,))
        assert await name.fetchall() == [(f"{studio.project.name}/new:v0",)]
        assert (await artifacts.latest(tx, studio.actor, card.id)) is not None
    for wanted, refusal in (("taken", errors.Conflict), ("a:b", errors.Invalid), ("", errors.Invalid)):
        async with studio.db.transaction() as tx:
            with pytest.raises(refusal):
                await artifacts.update(tx, studio.actor, card.id, name=wanted)


async def test_an_artifact_gets_another_type(db: Database, blobs: Blobs):
    """Contract 17: it creates the type; refused where a release would hold what it does not accept."""
    lab = await make_lab(db)
    studio = Studio(db, blobs, lab.member.actor, await make_project(db, lab.team, lab.member.actor))
    version = await studio.log("data")
    async with db.transaction() as tx:
        moved = await artifacts.move_type(tx, lab.member.actor, version.artifact_id, "corpus")
        assert moved.types == ["corpus"]
        assert (
            await artifacts.move_type(tx, lab.member.actor, version.artifact_id, "corpus")
        ).revision == moved.revision
        assert (await access.get(tx, lab.member.actor, version.id)).type == "corpus"
        assert [one.name for one in await artifacts.types(tx, lab.member.actor, studio.project.id)] == [
            "corpus",
            "dataset",
        ]
    registry = await lab.registry()
    linked = await link(lab, registry, "Text", version)
    async with db.transaction() as tx:
        with pytest.raises(errors.Conflict, match="Text"):
            await artifacts.move_type(tx, lab.member.actor, version.artifact_id, "model")
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid):
            await artifacts.move_type(tx, lab.member.actor, linked.card.id, "model")
        with pytest.raises(errors.Invalid):
            await artifacts.move_type(tx, lab.member.actor, version.artifact_id, "")
        with pytest.raises(errors.CollectionNotFound):
            await artifacts.move_type(tx, lab.outsider.actor, version.artifact_id, "model")


async def test_a_deleted_artifact_takes_its_versions_along(studio: Studio):
    made = [await studio.log("data") for _ in range(3)]
    draft = (await studio.begin("data")).version
    card = await card_of(studio, "data")
    stranger = await make_user(studio.db)
    async with studio.db.transaction() as tx:
        with pytest.raises(errors.CollectionNotFound):
            await artifacts.delete(tx, stranger.actor, card.id)
    async with studio.db.transaction() as tx:
        await artifacts.delete(tx, studio.actor, card.id, reason="no longer needed")
    async with studio.db.reading() as tx:
        assert await artifacts.find(tx, studio.actor, studio.project.id, "data") is None
        for version in (*made, draft):
            with pytest.raises(errors.VersionNotFound):
                await access.get(tx, studio.actor, version.id)
        with pytest.raises(errors.CollectionNotFound):
            await artifacts.card(tx, studio.actor, card.id)
    assert (await studio.log("data", type="model")).number == 0


async def test_a_deleted_artifact_comes_back_empty(studio: Studio):
    """Its description and its record come back from the trash; its versions are gone, and their numbers with them."""
    made = [await studio.log("data", aliases=["x"]) for _ in range(2)]
    async with studio.db.transaction() as tx:
        await artifacts.delete(tx, studio.actor, made[0].artifact_id)
    async with studio.db.transaction() as tx:
        back = await collections.restore(tx, studio.actor, made[0].artifact_public_id)
    assert (back.title, back.entry_count) == ("data", 0)
    assert await numbers(studio, "data", tombstones=True) == []
    for name in ("data", "data:x", "data:v0"):
        with pytest.raises(errors.VersionNotFound):
            await named(studio, name)
    assert (await studio.log("data")).number == 2


async def test_versions_end_when_their_time_is_over(studio: Studio, db: Database):
    """Those that a registry holds stay; so do drafts of less than a week."""
    work = Work(Settings(), db, studio.blobs)
    lasting = await studio.log("data", ttl_seconds=3600)
    ended = [await studio.log("data", ttl_seconds=60) for _ in range(2)]
    old, young = (await studio.begin("data")).version, (await studio.begin("data")).version
    async with db.transaction() as tx:
        await tx.connection.execute(
            "update versions set committed_at = now() - interval '2 minutes' where id = any(%s)",
            ([version.id for version in (lasting, *ended)],),
        )
        await tx.connection.execute(
            "update versions set created_at = now() - interval '8 days', updated_at = now() - interval '8 days'"
            " where id = %s",
            (old.id,),
        )
    await deletions.expire(work)
    assert await numbers(studio, "data") == [0]
    assert await named(studio, "data") == (lasting.id, 0, ["latest"])
    async with db.reading() as tx:
        with pytest.raises(errors.VersionNotFound):
            await access.get(tx, studio.actor, old.id)
        assert (await access.get(tx, studio.actor, young.id)).state == "pending"
        left = await tx.connection.execute(
            "select count(*) from version_files where version_id = any(%s)", ([one.id for one in ended],)
        )
        assert await left.fetchall() == [(0,)]


async def test_a_version_that_is_being_linked_is_not_deleted_meanwhile(studio: Studio):
    """`keep` is what a link holds on to."""
    version, draft = await studio.log("data"), (await studio.begin("data")).version
    async with studio.db.transaction() as tx:
        await versions.keep(tx, version.id)
        attempt = asyncio.create_task(delete(studio, version))
        await asyncio.sleep(0.2)
        assert not attempt.done()
    await attempt
    async with studio.db.transaction() as tx:
        for number in (version.id, draft.id, 0, 2**31):
            with pytest.raises(errors.VersionNotFound):
                await versions.keep(tx, number)


async def test_the_record_of_an_artifact_tells_every_change(studio: Studio):
    """Each commit is one revision, which can be read again later."""
    first = await studio.log("data", aliases=["best"])
    second = await studio.log("data", aliases=["best"])
    card = await card_of(studio, "data")
    async with studio.db.reading() as tx:
        page = await revisions.list_revisions(tx, studio.actor, card.public_id, limit=10)
        log = await numbered.alias_log(tx, card.id, alias="best")
    assert sorted({revision.number for revision in page.rows}) == [1, 2, 3]
    assert [(form.item_id, form.ended_at is None) for form in log.rows] == [
        (second.item_id, True),
        (first.item_id, False),
    ]
