"""Background work on runs and files: what goes, and above all what stays."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from factories.artifacts import Studio, make_project, manifest_of, md5_of
from factories.people import Person, make_user, unique
from pinakes.server.artifacts import runs, streams, transfers, upkeep, versions
from pinakes.server.artifacts.run_types import Lines, Run, RunForm, RunStream
from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.errors import RunNotFound, VersionNotFound
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work

CONTENT = b"some content"


@dataclass(frozen=True)
class Depot:
    """Somebody, his project, and a store of its own."""

    work: Work
    person: Person
    studio: Studio
    folder: Path

    @property
    def db(self) -> Database:
        return self.work.db

    @property
    def blobs(self) -> Blobs:
        return self.work.blobs

    async def put(self, key: str, content: bytes = CONTENT, *, age: timedelta | None = None) -> str:
        """Put an object into the store, so long ago."""
        await self.blobs.receive(key, pieces(content))
        if age is not None:
            then = time.time() - age.total_seconds()
            os.utime(self.folder / key, (then, then))
        return key

    async def age(self, md5: bytes, by: timedelta) -> None:
        """Let a blob have come so long ago."""
        async with self.db.transaction() as tx:
            await tx.connection.execute(
                "update blobs set created_at = now() - %s where account_id = %s and md5 = %s", (by, self.person.id, md5)
            )

    async def has(self, content: bytes) -> bool:
        """Whether a blob is written down and there; both or neither."""
        md5 = md5_of(content)
        async with self.db.reading() as tx:
            written = await tx.rows(transfers.SQL.known_blobs, account_ids=[self.person.id], md5s=[md5])
        there = await self.blobs.head(transfers.blob_key(self.person.id, md5)) is not None
        assert there == bool(written)
        return there

    def objects(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest_asyncio.fixture
async def depot(db: Database, tmp_path: Path) -> AsyncGenerator[Depot]:
    person = await make_user(db, "keeper")
    blobs = Blobs(tmp_path.as_uri())
    project = await make_project(db, person.account, person.actor)
    yield Depot(Work(Settings(), db, blobs), person, Studio(db, blobs, person.actor, project), tmp_path)


DAYS = timedelta(days=1)
OLD = timedelta(days=3)


# Blobs


async def test_what_nothing_refers_to_goes_after_a_day(depot: Depot):
    young, old = b"young", b"old"
    for content in (young, old):
        await depot.studio.upload(content)
    await depot.age(md5_of(old), OLD)
    await upkeep.collect_blobs(depot.work)
    assert await depot.has(young)
    assert not await depot.has(old)
    await depot.studio.upload(old)
    assert await depot.has(old)


async def test_the_files_and_the_manifest_of_a_version_stay(depot: Depot):
    version = await depot.studio.log(contents={"a": b"first", "b": b"second"})
    for md5 in await all_md5s(depot):
        await depot.age(md5, OLD)
    await upkeep.collect_blobs(depot.work)
    assert await depot.has(b"first")
    assert await depot.has(b"second")
    assert len(await all_md5s(depot)) == 3
    async with depot.db.transaction() as tx:
        await versions.delete(tx, depot.person.actor, version.id, delete_aliases=True)
    await upkeep.collect_blobs(depot.work)
    assert await all_md5s(depot) == []


async def all_md5s(depot: Depot) -> list[bytes]:
    async with depot.db.reading() as tx:
        cursor = await tx.connection.execute("select md5 from blobs where account_id = %s", (depot.person.id,))
        return [row[0] for row in await cursor.fetchall()]


async def test_what_two_versions_have_stays_while_one_does(depot: Depot):
    first = await depot.studio.log(contents={"a": CONTENT, "b": b"other"})
    await depot.studio.log(contents={"c": CONTENT})
    async with depot.db.transaction() as tx:
        await versions.delete(tx, depot.person.actor, first.id, delete_aliases=True)
    for md5 in await all_md5s(depot):
        await depot.age(md5, OLD)
    await upkeep.collect_blobs(depot.work)
    assert await depot.has(CONTENT)
    assert not await depot.has(b"other")


async def test_what_a_draft_may_be_about_to_use_stays(depot: Depot):
    begun = await depot.studio.begin()
    entries = await depot.studio.send(begun.version.id, {"a": CONTENT})
    await depot.age(md5_of(CONTENT), OLD)
    async with depot.db.transaction() as tx:
        await tx.connection.execute(
            "update versions set created_at = now() - interval '4 days' where id = %s", (begun.version.id,)
        )
    await depot.studio.upload(b"from before the draft")
    await depot.age(md5_of(b"from before the draft"), timedelta(days=5))
    await upkeep.collect_blobs(depot.work)
    assert await depot.has(CONTENT)
    assert not await depot.has(b"from before the draft")
    await depot.studio.declare(begun.version.id, manifest_of(entries))
    await depot.studio.commit(begun.version.id)
    await upkeep.collect_blobs(depot.work)
    assert await depot.has(CONTENT)


async def test_what_is_asked_for_again_stays(depot: Depot):
    await depot.studio.upload(CONTENT)
    await depot.age(md5_of(CONTENT), OLD)
    async with depot.db.transaction() as tx:
        assert md5_of(CONTENT) in await transfers.held(tx, depot.person.id, [md5_of(CONTENT)])
    await upkeep.collect_blobs(depot.work)
    assert await depot.has(CONTENT)


async def test_who_asks_while_it_is_collected_is_told_the_truth(depot: Depot):
    """`held` waits for whoever is collecting, and then does not find it."""
    await depot.studio.upload(CONTENT)
    await depot.age(md5_of(CONTENT), OLD)

    async def ask() -> bool:
        async with depot.db.transaction() as tx:
            return md5_of(CONTENT) in await transfers.held(tx, depot.person.id, [md5_of(CONTENT)])

    async with depot.db.transaction() as tx:
        assert await tx.value(transfers.SQL.collect_blob, account_id=depot.person.id, md5=md5_of(CONTENT)) is not None
        asked = asyncio.create_task(ask())
        await asyncio.sleep(0.1)
        assert not asked.done()
    assert not await asked


async def test_another_accounts_version_does_not_hold_it(db: Database, depot: Depot):
    other = await make_user(db, "other")
    project = await make_project(db, other.account, other.actor)
    await Studio(db, depot.blobs, other.actor, project).log(contents={"a": CONTENT})
    await depot.studio.upload(CONTENT)
    await depot.age(md5_of(CONTENT), OLD)
    await upkeep.collect_blobs(depot.work)
    assert not await depot.has(CONTENT)
    assert await depot.blobs.head(transfers.blob_key(other.id, md5_of(CONTENT))) is not None


async def test_many_are_collected_page_by_page(depot: Depot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(upkeep, "_PAGE", 3)
    contents = [f"content {number}".encode() for number in range(10)]
    for content in contents:
        await depot.studio.upload(content)
        await depot.age(md5_of(content), OLD)
    await upkeep.collect_blobs(depot.work)
    assert await all_md5s(depot) == []
    assert depot.objects() == set()


# What is left in the store


async def test_parts_that_nobody_joined_go(depot: Depot):
    old = await depot.put(transfers.part_key(depot.person.id, transfers.new_upload_id(), 1), age=OLD)
    new = await depot.put(transfers.part_key(depot.person.id, transfers.new_upload_id(), 1), age=DAYS)
    await upkeep.sweep_store(depot.work)
    assert depot.objects() == {new}
    assert old != new


async def test_objects_that_nobody_wrote_down_go(depot: Depot):
    stray = await depot.put(transfers.blob_key(depot.person.id, md5_of(CONTENT)), age=OLD)
    young = await depot.put(transfers.blob_key(depot.person.id, md5_of(b"young")), b"young", age=DAYS)
    await depot.studio.upload(b"known")
    known = await depot.put(transfers.blob_key(depot.person.id, md5_of(b"known")), b"known", age=OLD)
    foreign = await depot.put("blobs/notes.txt", age=OLD)
    half = await depot.put("staging/half", age=OLD)
    await upkeep.sweep_store(depot.work)
    assert depot.objects() == {young, known, foreign}
    assert {stray, half}.isdisjoint(depot.objects())
    assert await depot.has(b"known")


async def test_files_of_runs_that_nobody_wrote_down_go(depot: Depot):
    run = await make_run(depot)
    kept = await put_file(depot, run, "a.txt", age=OLD)
    stray = await depot.put(f"runs/{run.id}/{'0' * 32}", age=OLD)
    young = await depot.put(f"runs/{run.id}/{'1' * 32}", age=DAYS)
    await upkeep.sweep_store(depot.work)
    assert depot.objects() == {kept, young}
    assert stray not in depot.objects()


async def test_removing_what_is_gone_already_is_no_error(depot: Depot):
    key = await depot.put("runs/1/a")
    await upkeep.remove_objects(depot.work, keys=[key, "runs/1/b"])
    await upkeep.remove_objects(depot.work, keys=[key])
    assert depot.objects() == set()


# Runs


async def make_run(depot: Depot) -> Run:
    async with depot.db.transaction() as tx:
        form = RunForm(project=depot.studio.project.name, name=unique("run"))
        return (await runs.upsert(tx, depot.person.actor, form))[0]


async def put_file(depot: Depot, run: Run, name: str, *, age: timedelta | None = None) -> str:
    """Send a file of a run; return its object's key."""
    ticket = transfers.Ticket(
        operation="put-run-file",
        key=f"runs/{run.id}",
        account_id=run.owner_id,
        run_id=run.id,
        name=name,
        user_id=depot.person.actor.user_id,
    )
    await transfers.receive(depot.db, depot.blobs, ticket, pieces(CONTENT))
    async with depot.db.reading() as tx:
        (file,) = (await runs.files(tx, depot.person.actor, run.id, names=[name])).rows
    if age is not None:
        await depot.put(file.object_key, age=age)
    return file.object_key


async def test_what_a_deleted_run_sent_goes(depot: Depot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(upkeep, "_LINES_AT_ONCE", 2)
    gone, stays = await make_run(depot), await make_run(depot)
    for run in (gone, stays):
        lines = Lines(0, [json.dumps({"_step": step}) for step in range(5)])
        async with depot.db.transaction() as tx:
            sent = RunStream(history=lines, output=lines)
            await streams.stream(tx, depot.person.actor, run.owner, run.project, run.name, sent)
    await put_file(depot, gone, "a.txt")
    kept = await put_file(depot, stays, "a.txt")
    async with depot.db.transaction() as tx:
        await runs.delete(tx, depot.person.actor, gone.id)
    await upkeep.empty_runs(depot.work)
    assert depot.objects() == {kept}
    async with depot.db.reading() as tx:
        assert await streams.tail(tx, gone.id, "history", 10) == []
        assert await streams.tail(tx, gone.id, "output", 10) == []
        assert len(await streams.tail(tx, stays.id, "history", 10)) == 5
        assert await runs.file_count(tx, gone.id) == 0


async def test_files_of_a_run(depot: Depot):
    run = await make_run(depot)
    names = ["a.txt", "b_c.txt", "bxc.txt", "media/größe.png"]
    for name in names:
        await put_file(depot, run, name)
    async with depot.db.transaction() as tx:
        actor = depot.person.actor
        first = await runs.files(tx, actor, run.id, limit=3)
        rest = await runs.files(tx, actor, run.id, limit=3, cursor=first.next)
        assert [file.name for file in first.rows + rest.rows] == names
        assert rest.next is None
        assert await runs.file_count(tx, run.id) == 4
        like = {"%.txt": names[:3], "b_c%": names[1:3], "\\": [], "%\\": [], "a\0": [], "media/%": names[3:]}
        for pattern, expected in like.items():
            page = await runs.files(tx, actor, run.id, pattern=pattern)
            assert [file.name for file in page.rows] == expected
        some = await runs.files(tx, actor, run.id, names=["a.txt", "nothing", "\0"])
        assert [file.name for file in some.rows] == ["a.txt"]
        deleted = await runs.delete_files(tx, actor, [some.rows[0].id, 2**31 - 1, 0, -1, 2**40])
        assert deleted == 1
        assert await runs.file_count(tx, run.id) == 3


async def test_files_are_the_projects(db: Database, depot: Depot):
    run = await make_run(depot)
    await put_file(depot, run, "a.txt")
    stranger = await make_user(db, "stranger")
    async with db.transaction() as tx:
        (file,) = (await runs.files(tx, depot.person.actor, run.id)).rows
        with pytest.raises(RunNotFound):
            await runs.files(tx, stranger.actor, run.id)
        assert await runs.delete_files(tx, stranger.actor, [file.id]) == 0
        found, names = await runs.files_wanted(tx, depot.person.actor, run.owner, run.project, run.name, ["b", "c/d"])
        assert (found.id, names) == (run.id, ["b", "c/d"])


async def test_a_run_goes_with_what_it_logged(depot: Depot):
    run = await make_run(depot)
    version = await depot.studio.log(contents={"a": CONTENT}, run_id=run.id)
    other = await depot.studio.log(artifact="other", contents={"a": CONTENT})
    async with depot.db.transaction() as tx:
        await runs.delete(tx, depot.person.actor, run.id, artifacts=True)
    async with depot.db.reading() as tx:
        with pytest.raises(VersionNotFound):
            await versions.get(tx, depot.person.actor, version.id)
        assert (await versions.get(tx, depot.person.actor, other.id)).state == "committed"


async def test_a_run_goes_alone(depot: Depot):
    run = await make_run(depot)
    version = await depot.studio.log(contents={"a": CONTENT}, run_id=run.id)
    async with depot.db.transaction() as tx:
        await runs.delete(tx, depot.person.actor, run.id)
    async with depot.db.reading() as tx:
        assert (await versions.get(tx, depot.person.actor, version.id)).state == "committed"
