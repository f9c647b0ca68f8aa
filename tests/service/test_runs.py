"""Runs: making and changing them, what they stream, what is read of it, and who may."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from factories.catalog import Facts, reading_only
from factories.people import Person, again, join, make_organization, make_team, make_user, unique
from pinakes.server.actor import Actor, Role, anonymous
from pinakes.server.artifacts import run_names, runs, streams, upkeep, values
from pinakes.server.artifacts.run_types import (
    HistoryKeys,
    KeyFacts,
    Lines,
    LogLine,
    Run,
    RunForm,
    RunStream,
    SampleSpec,
    Streamed,
)
from pinakes.server.blobs import Blobs
from pinakes.server.catalog.projects import delete_project, update_project
from pinakes.server.catalog.types import ProjectChanges
from pinakes.server.db import Database, Tx
from pinakes.server.errors import (
    AccountNotFound,
    Forbidden,
    Invalid,
    PinakesError,
    ProjectNotFound,
    RunNotFound,
    ScopeTooNarrow,
    Unauthenticated,
)
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work


@dataclass(frozen=True)
class Desk:
    """Somebody at work: verbs, each in a transaction of its own."""

    db: Database
    person: Person

    @property
    def actor(self) -> Actor:
        return self.person.actor

    async def upsert(self, **form: Facts) -> tuple[Run, bool]:
        async with self.db.transaction() as tx:
            form.setdefault("project", "work")
            return await runs.upsert(tx, self.actor, RunForm(**form))

    async def run(self, **form: Facts) -> Run:
        return (await self.upsert(**{"name": unique("run"), **form}))[0]

    async def get(self, run: Run) -> Run:
        async with self.db.reading() as tx:
            return await runs.get(tx, self.actor, run.id)

    async def stream(self, run: Run, **sent: Facts) -> Streamed:
        async with self.db.transaction() as tx:
            return await streams.stream(tx, self.actor, run.owner, run.project, run.name, RunStream(**sent))

    async def history(self, run: Run, rows: Sequence[object], offset: int = 0) -> None:
        await self.stream(run, history=Lines(offset, [json.dumps(row) for row in rows]))

    async def age(self, run: Run, by: timedelta) -> None:
        """Let it have been heard of so long ago."""
        async with self.db.transaction() as tx:
            await tx.connection.execute("update runs set heartbeat_at = now() - %s where id = %s", (by, run.id))


@pytest_asyncio.fixture
async def alice(db: Database) -> Desk:
    return Desk(db, await make_user(db, "alice"))


@pytest_asyncio.fixture
async def bob(db: Database) -> Desk:
    return Desk(db, await make_user(db, "bob"))


async def events_of(tx: Tx, run: Run) -> list[tuple[str, Any, Any]]:
    query = "select verb, before, after from events where item_id = %s and verb like 'run.%%' order by id"
    cursor = await tx.connection.execute(query, (run.project_id,))
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


# Making runs and changing them


async def test_a_run_is_made_with_its_project(alice: Desk):
    config = '{"lr": {"value": 0.1}}'
    run, inserted = await alice.upsert(name="abc12345", display_name="First", config=config, tags=["a"])
    assert inserted
    assert (run.owner, run.project, run.name) == (alice.person.name, "work", "abc12345")
    assert (run.display_name, run.config, run.summary, run.tags) == ("First", {"lr": {"value": 0.1}}, {}, ["a"])
    assert (run.state, run.user, run.visibility, run.history_count) == ("running", alice.person.name, "private", 0)
    assert runs.may_write(alice.actor, run)
    async with alice.db.reading() as tx:
        assert await events_of(tx, run) == [("run.created", None, {"run": "abc12345"})]


async def test_without_names_there_are_generated_ones_and_the_project_is_uncategorized(alice: Desk):
    run, _ = await alice.upsert(project=None)
    assert run.project == "uncategorized"
    assert len(run.name) == 8
    word, noun, number = run.display_name.split("-")
    assert word.isalpha()
    assert noun.isalpha()
    assert number == "1"
    assert (await alice.run(project=None)).display_name.endswith("-2")


async def test_what_is_left_out_stays_and_config_is_replaced_whole(alice: Desk):
    facts = {
        "display_name": "Name",
        "group_name": "group",
        "job_type": "train",
        "description": "about",
        "notes": "notes",
        "commit": "c0ffee",
        "host": "host",
        "program": "a.py",
        "repo": "git@host:a",
        "sweep": "s1",
        "tags": ["x", "y"],
        "config": {"a": 1, "b": 2},
        "summary": {"loss": 1},
    }
    run = await alice.run(**facts)
    again_, inserted = await alice.upsert(name=run.name)
    assert not inserted
    assert replace(again_, updated_at=run.updated_at, heartbeat_at=run.heartbeat_at) == run
    changed, _ = await alice.upsert(name=run.name, config={"b": 3}, tags=[], notes="", display_name="")
    assert (changed.config, changed.tags, changed.notes, changed.display_name) == ({"b": 3}, [], "", "Name")
    by_id, inserted = await alice.upsert(id=run.id, display_name="Other", project=None)
    assert (by_id.display_name, by_id.project, inserted) == ("Other", "work", False)


async def test_many_at_once_make_one_run(alice: Desk):
    made = await asyncio.gather(*(alice.upsert(name="same", config={"n": number}) for number in range(5)))
    assert len({run.id for run, _ in made}) == 1
    assert sum(inserted for _, inserted in made) == 1
    async with alice.db.reading() as tx:
        assert await runs.count(tx, made[0][0].project_id) == 1


async def test_names_of_owner_and_project_are_found_in_any_case(alice: Desk):
    run = await alice.run(project="Work")
    other, _ = await alice.upsert(owner=alice.person.name.upper(), project="WORK", name=run.name)
    assert (other.id, other.project) == (run.id, "Work")


async def test_a_run_of_a_renamed_project_goes_on(alice: Desk):
    run = await alice.run(project="before")
    async with alice.db.transaction() as tx:
        await update_project(tx, alice.actor, run.project_id, ProjectChanges(name="after"))
    assert (await alice.stream(run)).run_id == run.id
    again_, inserted = await alice.upsert(project="before", name=run.name)
    assert (again_.id, again_.project, inserted) == (run.id, "after", False)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": ".."}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "a" * 129}, "name"),
        ({"name": "a", "project": "a/b"}, "project"),
        ({"name": "a", "project": "a\ud800"}, "project"),
        ({"name": "a", "state": "asleep"}, "state"),
        ({"name": "a", "config": "[1]"}, "config"),
        ({"name": "a", "config": "{"}, "config"),
        ({"name": "a", "config": "[" * 5000}, "config"),
        ({"name": "a", "config": '{"a":' * 300 + "1" + "}" * 300}, "config"),
        ({"name": "a", "config": '{"a": 1' + "0" * 5000 + "}"}, "config"),
        ({"name": "a", "summary": "null"}, "summary"),
        ({"name": "a", "display_name": "x" * 501}, "display_name"),
        ({"name": "a", "notes": "a\0"}, "notes"),
        ({"name": "a", "tags": ["\ud800"]}, "tags"),
    ],
)
async def test_what_can_not_be_is_refused_and_nothing_is_made(alice: Desk, form: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refused:
        await alice.upsert(**form)
    assert refused.value.field == field
    with pytest.raises(ProjectNotFound):
        async with alice.db.reading() as tx:
            await runs.find(tx, alice.actor, alice.person.name, "work", "a")


@pytest.mark.parametrize("owner", ["nobody-of-that-name", "a\0b", "\ud800", "a/b"])
async def test_an_owner_that_is_not_there_is_named(alice: Desk, owner: str):
    with pytest.raises(AccountNotFound) as missing:
        await alice.upsert(owner=owner, name="a")
    assert repr(owner) in missing.value.message


async def test_numbers_that_no_run_has(alice: Desk):
    async with alice.db.transaction() as tx:
        for number in (0, -1, 2**31, 2**70):
            with pytest.raises(RunNotFound):
                await runs.get(tx, alice.actor, number)
            with pytest.raises(RunNotFound):
                await runs.upsert(tx, alice.actor, RunForm(id=number, notes="x"))
            with pytest.raises(RunNotFound):
                await runs.stop(tx, alice.actor, number)


async def test_json_with_what_is_none(alice: Desk):
    text = '{"a": NaN, "b": [Infinity, -Infinity], "c": "x\\u0000\\ud800y", "\\u0000": 1e999, "d": 1' + "0" * 30 + "}"
    run = await alice.run(config=text, summary=text)
    expected = {
        "a": "NaN",
        "b": ["Infinity", "-Infinity"],
        "c": "x\ufffd\ufffdy",
        "\ufffd": "Infinity",
        "d": 1e30,
    }
    assert run.config == expected
    assert run.summary == expected
    plain = [None, True, 2**63 - 1]
    same = await alice.run(config={"a": math.nan, "b": [math.inf, -math.inf], "z": [*plain, "\ud83d\ude00"]})
    assert same.config == {"a": "NaN", "b": ["Infinity", "-Infinity"], "z": [*plain, "😀"]}


async def test_the_default_account_of_a_user(db: Database, alice: Desk):
    org = await make_organization(db, alice.person)
    team = await make_team(db, org)
    async with db.transaction() as tx:
        await tx.connection.execute(
            "update accounts set default_account_id = %s where id = %s", (team.id, alice.person.id)
        )
    person = await again(db, alice.person)
    run = await Desk(db, person).run()
    assert run.owner == team.name


# Who may


async def test_who_may_write_and_who_sees(db: Database, alice: Desk, bob: Desk):
    org = await make_organization(db, alice.person)
    team = await make_team(db, org)
    await join(db, team, bob.person, Role.VIEWER)
    owner = Desk(db, await again(db, alice.person))
    viewer = Desk(db, await again(db, bob.person))
    stranger = Desk(db, await make_user(db, "carol"))
    run = await owner.run(owner=team.name, project="shared")
    assert (await viewer.get(run)).id == run.id
    assert not runs.may_write(viewer.actor, run)
    names = {"owner": team.name, "project": "shared", "name": run.name}
    for verb in (viewer.upsert(**names), viewer.upsert(id=run.id), viewer.stream(run)):
        with pytest.raises(Forbidden):
            await verb
    with pytest.raises(RunNotFound):
        await stranger.get(run)
    with pytest.raises(RunNotFound):
        await stranger.upsert(id=run.id, notes="x")
    with pytest.raises(ProjectNotFound):
        await stranger.stream(run)
    with pytest.raises(Forbidden):
        await stranger.upsert(owner=team.name, project="shared", name=run.name)
    with pytest.raises(Forbidden):
        await stranger.upsert(owner=team.name, project="other", name="a")
    reader = Desk(db, replace(owner.person, actor=reading_only(owner.actor)))
    with pytest.raises(ScopeTooNarrow):
        await reader.stream(run)
    async with db.transaction() as tx:
        with pytest.raises(Unauthenticated):
            await runs.upsert(tx, anonymous("test"), RunForm(project="work", name="a"))
        with pytest.raises(RunNotFound):
            await runs.get(tx, anonymous("test"), run.id)
        await update_project(tx, owner.actor, run.project_id, ProjectChanges(visibility="public"))
        assert (await runs.get(tx, anonymous("test"), run.id)).visibility == "public"
        with pytest.raises(Unauthenticated):
            await runs.stop(tx, anonymous("test"), run.id)
        assert await runs.by_ids(tx, stranger.actor, [run.id, run.id]) != []


async def test_lists_leave_out_what_is_hidden(db: Database, alice: Desk, bob: Desk):
    mine, his = await alice.run(), await bob.run()
    async with db.reading() as tx:
        found = await runs.by_ids(tx, alice.actor, [his.id, mine.id, 2**31 - 1])
    assert [run.id for run in found] == [mine.id]
    assert (found[0].config, found[0].summary, found[0].system_metrics) == (None, None, None)


async def test_pages_of_runs(db: Database, alice: Desk):
    made = [await alice.run(config={"n": number}) for number in range(5)]
    project = made[0].project_id
    async with db.reading() as tx:
        first = await runs.page(tx, alice.actor, project, limit=2)
        second = await runs.page(tx, alice.actor, project, limit=3, cursor=first.next)
        assert [run.id for run in first.rows + second.rows] == [run.id for run in made]
        assert second.next is None
        newest = await runs.page(tx, alice.actor, project, order="-created_at", full=True, limit=4)
        last = await runs.page(tx, alice.actor, project, order="-created_at", limit=4, cursor=newest.next)
        assert [run.id for run in newest.rows + last.rows] == [run.id for run in reversed(made)]
        assert newest.rows[0].config == {"n": 4}
        assert await runs.count(tx, project) == 5
        for limit in (0, 1001):
            with pytest.raises(Invalid):
                await runs.page(tx, alice.actor, project, limit=limit)
        with pytest.raises(Invalid):
            await runs.page(tx, alice.actor, project, cursor="x")


# What a run streams


async def test_the_whole_life_of_a_run(db: Database, alice: Desk):
    run = await alice.run()
    assert await alice.stream(run) == Streamed(run.id, stopped=False)
    await alice.history(run, [{"_step": step, "loss": 1 / (step + 1)} for step in range(3)])
    await alice.stream(
        run,
        events=Lines(0, ['{"system.cpu": 1.5, "_timestamp": 1}', '{"system.cpu": NaN, "system.gpu.0": 3}']),
        output=Lines(0, ["one\n", "two\n"]),
        summary='{"loss": 0.3, "best": NaN}',
    )
    alive = await alice.get(run)
    assert (alive.state, alive.history_count, alive.event_count, alive.log_count) == ("running", 3, 2, 2)
    assert (alive.summary, alive.last_step) == ({"loss": 0.3, "best": "NaN"}, 2)
    assert alive.system_metrics == {"system.cpu": "NaN", "system.gpu.0": 3}
    await alice.stream(run, history=Lines(3, ['{"_step": 3}']), complete=True, exit_code=0)
    ended = await alice.get(run)
    assert (ended.state, ended.exit_code, ended.last_step) == ("finished", 0, 3)
    async with db.reading() as tx:
        assert await streams.tail(tx, run.id, "history") == ['{"_step": 3}']
        assert await streams.tail(tx, run.id, "events", 5) == [
            '{"system.cpu": 1.5, "_timestamp": 1}',
            '{"system.cpu": NaN, "system.gpu.0": 3}',
        ]
        assert (await events_of(tx, run))[-1] == (
            "run.finished",
            None,
            {"run": run.name, "state": "finished", "exit_code": 0},
        )


async def test_sending_again_changes_nothing(db: Database, alice: Desk):
    run = await alice.run()
    sent = {
        "history": Lines(0, ['{"_step": 0, "a": 1}', '{"_step": 1, "a": 2}']),
        "output": Lines(0, ["x"]),
        "complete": True,
        "exit_code": 0,
    }
    for _ in range(3):
        await alice.stream(run, **sent)
    await alice.stream(run, history=Lines(1, ['{"_step": 1, "a": 2}', '{"_step": 2, "a": 3}']))
    after = await alice.get(run)
    assert (after.history_count, after.log_count, after.state) == (3, 1, "finished")
    async with db.reading() as tx:
        keys = await streams.history_keys(tx, run.id)
        assert keys.keys["a"] == KeyFacts({"number": 3}, 3)
        assert [verb for verb, _, _ in await events_of(tx, run)] == ["run.created", "run.finished"]


async def test_lines_of_the_console_are_replaced(db: Database, alice: Desk):
    run = await alice.run()
    await alice.stream(run, output=Lines(0, ["0%", "next"]))
    await alice.stream(run, output=Lines(0, ["100%"]))
    await alice.stream(run, output=Lines(5, ["later\0"]))
    async with db.reading() as tx:
        page = await streams.log_page(tx, alice.actor, run.id, limit=2)
        rest = await streams.log_page(tx, alice.actor, run.id, cursor=page.next)
        last = await streams.log_tail(tx, run.id, 2)
    assert page.rows + rest.rows == [LogLine(0, "100%"), LogLine(1, "next"), LogLine(5, "later\ufffd")]
    assert last == [LogLine(1, "next"), LogLine(5, "later\ufffd")]
    assert (await alice.get(run)).log_count == 6


@pytest.mark.parametrize(
    ("code", "state", "kept"),
    [(0, "finished", 0), (None, "finished", 0), (1, "failed", 1), (255, "failed", 255), (2**40, "failed", -1)],
)
async def test_exit_codes(alice: Desk, code: int | None, state: str, kept: int):
    run = await alice.run()
    await alice.stream(run, complete=True, exit_code=code)
    ended = await alice.get(run)
    assert (ended.state, ended.exit_code) == (state, kept)


@pytest.mark.parametrize(("offset", "lines"), [(-1, ["{}"]), (2**31 - 1, ["{}"]), (2**70, ["{}"])])
async def test_lines_without_a_place(alice: Desk, offset: int, lines: list[str]):
    run = await alice.run()
    for name in ("history", "events", "output"):
        with pytest.raises(Invalid, match="Lines are numbered"):
            await alice.stream(run, **{name: Lines(offset, lines)})
    await alice.stream(run, history=Lines(2**70, []))
    assert (await alice.get(run)).history_count == 0


async def test_a_summary_that_is_none(alice: Desk):
    run = await alice.run()
    for summary in ("[]", "{", ""):
        with pytest.raises(Invalid):
            await alice.stream(run, summary=summary, history=Lines(0, ["{}"]))
    assert (await alice.get(run)).history_count == 0


async def test_a_run_that_is_not_there(alice: Desk):
    run = await alice.run()
    for other in (replace(run, name="other"), replace(run, name="a\0"), replace(run, name="\ud800")):
        with pytest.raises(RunNotFound):
            await alice.stream(other)
    for other in (replace(run, project="other"), replace(run, owner="nobody"), replace(run, project="\0")):
        with pytest.raises(ProjectNotFound):
            await alice.stream(other)


async def test_lines_that_are_no_json_are_kept(db: Database, alice: Desk):
    run = await alice.run()
    strange = ["no json", "[1]", '{"_step": "x", "a": 1}', "[" * 5000, '{"_step": true}', '{"_step": 1e30}']
    lines = [*strange, '{"_step": 7.0}']
    await alice.stream(run, history=Lines(0, lines), events=Lines(0, lines))
    async with db.reading() as tx:
        assert await streams.tail(tx, run.id, "history", 100) == lines
        assert await streams.history_page(tx, run.id) == ['{"_step": 7.0}']
    assert (await alice.get(run)).last_step == 7


# Reading histories


async def test_the_keys_of_a_history(db: Database, alice: Desk):
    run = await alice.run()
    rows: list[dict[str, object]] = [
        {"_step": 0, "a": 1, "deep": {"b": 2, "c": {"d": "x"}}, "image": {"_type": "image-file", "path": "p"}},
        {"_step": 1, "a": "text", "deep": {"b": None}, "list": [1], "yes": True, "empty": {}, "nan": math.nan},
    ]
    await alice.history(run, rows)
    async with db.reading() as tx:
        found = await streams.history_keys(tx, run.id)
    assert found == HistoryKeys(
        1,
        {
            "_step": KeyFacts({"number": 2}, 1),
            "a": KeyFacts({"number": 1, "string": 1}, "text"),
            "deep.b": KeyFacts({"number": 1, "nil": 1}, None),
            "deep.c.d": KeyFacts({"string": 1}, "x"),
            "image": KeyFacts({"image-file": 1}, None),
            "list": KeyFacts({"list": 1}, None),
            "yes": KeyFacts({"boolean": 1}, last=True),
            "empty": KeyFacts({"map": 1}, None),
            "nan": KeyFacts({"number": 1}, "NaN"),
        },
    )


async def test_no_history_has_no_keys(db: Database, alice: Desk):
    run = await alice.run()
    async with db.reading() as tx:
        assert await streams.history_keys(tx, run.id) == HistoryKeys(None, {})
        assert await streams.tail(tx, run.id, "history") == []
        assert await streams.history_sample(tx, run.id, 10) == []
        assert await streams.sampled(tx, run.id, SampleSpec(["a"])) == []


async def test_keys_without_end_are_counted_up_to_a_limit(db: Database, alice: Desk):
    run = await alice.run()
    await alice.history(run, [{f"key-{n}": n for n in range(streams.MOST_KEYS + 100)}, {"x" * 400: 1}])
    async with db.reading() as tx:
        assert len((await streams.history_keys(tx, run.id)).keys) == streams.MOST_KEYS


async def test_pages_of_history_go_by_steps(db: Database, alice: Desk):
    run = await alice.run()
    await alice.history(run, [{"_step": step} for step in range(0, 100, 10)])
    async with db.reading() as tx:
        assert await streams.history_page(tx, run.id, min_step=20, max_step=50) == [
            '{"_step": 20}',
            '{"_step": 30}',
            '{"_step": 40}',
        ]
        assert await streams.history_page(tx, run.id, min_step=90) == ['{"_step": 90}']
        assert len(await streams.history_page(tx, run.id, limit=3)) == 3
        for wrong in ({"min_step": 2**63}, {"max_step": -(2**64)}, {"limit": 0}, {"limit": 10_001}):
            with pytest.raises(Invalid):
                await streams.history_page(tx, run.id, **wrong)


async def test_samples_are_spread_evenly(db: Database, alice: Desk):
    run = await alice.run()
    rows = [{"_step": step, "loss": step} | ({"eval": {"acc": step}} if step % 10 == 0 else {}) for step in range(101)]
    await alice.history(run, rows)
    async with db.reading() as tx:
        lines = await streams.history_sample(tx, run.id, 5)
        assert [json.loads(line)["_step"] for line in lines] == [0, 25, 50, 75, 100]
        assert len(await streams.history_sample(tx, run.id, 1000)) == 101
        assert await streams.history_sample(tx, run.id, 1) == [json.dumps(rows[-1])]
        found = await streams.sampled(tx, run.id, SampleSpec(["_step", "eval.acc"], samples=500))
        assert found == [{"_step": step, "eval.acc": step} for step in range(0, 101, 10)]
        few = await streams.sampled(tx, run.id, SampleSpec(["loss"], samples=3))
        assert few == [{"loss": 0}, {"loss": 50}, {"loss": 100}]
        part = await streams.sampled(tx, run.id, SampleSpec(["loss"], min_step=10, max_step=13))
        assert part == [{"loss": 10}, {"loss": 11}, {"loss": 12}]
        assert await streams.sampled(tx, run.id, SampleSpec(["nothing"])) == []
        assert (await streams.sampled(tx, run.id, SampleSpec([], samples=1)))[0] == rows[-1]
        with pytest.raises(Invalid):
            await streams.sampled(tx, run.id, SampleSpec(["loss"], samples=0))


async def test_samples_of_keys_that_are_spelled_in_many_ways(db: Database, alice: Desk):
    run = await alice.run()
    found_in = ['{"gr\\u00f6\\u00dfe <a>": 1}', '{"größe \\u003ca\\u003e": NaN}']
    lines = [*found_in, '{"other": "größe <a>"}', '{"größe <a>": null}']
    await alice.stream(run, history=Lines(0, lines))
    async with db.reading() as tx:
        found = await streams.sampled(tx, run.id, SampleSpec(["größe <a>"]))
    assert found == [{"größe <a>": 1}, {"größe <a>": "NaN"}]


# Ends


async def test_a_silent_run_has_crashed_until_it_is_heard_of_again(db: Database, alice: Desk):
    run = await alice.run()
    await alice.age(run, timedelta(minutes=4))
    assert (await alice.get(run)).state == "running"
    await alice.age(run, timedelta(minutes=6))
    assert (await alice.get(run)).state == "crashed"
    await alice.stream(run)
    assert (await alice.get(run)).state == "running"
    await alice.age(run, timedelta(minutes=6))
    await upkeep.mark_crashed(Work(Settings(), db, Blobs.of(Settings())))
    async with db.reading() as tx:
        cursor = await tx.connection.execute("select state from runs where id = %s", (run.id,))
        assert await cursor.fetchone() == ("crashed",)
    await alice.stream(run)
    assert (await alice.get(run)).state == "running"


async def test_a_run_that_ended_stays_so_until_its_program_starts_anew(alice: Desk):
    run = await alice.run()
    await alice.stream(run, complete=True, exit_code=1)
    await alice.stream(run)
    await alice.upsert(id=run.id, notes="edited afterwards")
    edited = await alice.get(run)
    assert (edited.state, edited.notes) == ("failed", "edited afterwards")
    resumed, inserted = await alice.upsert(name=run.name)
    assert (resumed.state, resumed.exit_code, inserted) == ("running", None, False)


async def test_states_from_outside(db: Database, alice: Desk):
    run = await alice.run(state="pending")
    assert run.state == "pending"
    await alice.age(run, timedelta(hours=1))
    assert (await alice.get(run)).state == "pending"
    async with db.transaction() as tx:
        assert (await runs.set_state(tx, alice.actor, run.id, "killed")).state == "killed"
        with pytest.raises(Invalid):
            await runs.set_state(tx, alice.actor, run.id, "asleep")
        assert [verb for verb, _, _ in await events_of(tx, run)] == ["run.created", "run.finished"]
    await alice.stream(run, preempting=True)
    assert (await alice.get(run)).state == "killed"
    other = await alice.run()
    await alice.stream(other, preempting=True)
    await alice.stream(other)
    assert (await alice.get(other)).state == "preempting"


async def test_a_run_is_asked_to_stop(db: Database, alice: Desk):
    run = await alice.run()
    async with db.transaction() as tx:
        assert await runs.stop(tx, alice.actor, run.id)
    assert (await alice.get(run)).stop_asked
    assert (await alice.stream(run)).stopped
    await alice.stream(run, complete=True, exit_code=255)
    assert (await alice.get(run)).state == "killed"
    async with db.transaction() as tx:
        assert not await runs.stop(tx, alice.actor, run.id)
    resumed, _ = await alice.upsert(name=run.name)
    assert not resumed.stop_asked


async def test_a_deleted_run_is_gone_and_its_name_is_free(db: Database, alice: Desk, bob: Desk):
    run = await alice.run()
    await alice.history(run, [{"_step": 0}])
    async with db.transaction() as tx:
        with pytest.raises(RunNotFound):
            await runs.delete(tx, bob.actor, run.id)
        await runs.delete(tx, alice.actor, run.id)
        with pytest.raises(RunNotFound):
            await runs.delete(tx, alice.actor, run.id)
        assert (await events_of(tx, run))[-1] == ("run.deleted", {"run": run.name}, None)
        assert await runs.count(tx, run.project_id) == 0
    for verb in (alice.get(run), alice.stream(run), alice.upsert(id=run.id)):
        with pytest.raises(RunNotFound):
            await verb
    other, inserted = await alice.upsert(name=run.name)
    assert inserted
    assert (other.history_count, other.id == run.id) == (0, False)


async def test_runs_of_a_deleted_project_are_gone(db: Database, alice: Desk):
    run = await alice.run(project="gone")
    async with db.transaction() as tx:
        await delete_project(tx, alice.actor, run.project_id)
    with pytest.raises(RunNotFound):
        await alice.get(run)
    with pytest.raises(PinakesError):
        await alice.stream(run)


# Names


def test_generated_names():
    found = {run_names.generated(7) for _ in range(50)}
    assert len(found) > 40
    assert all(name.endswith("-7") and name.count("-") == 2 for name in found)
    assert len({run_names.new_name() for _ in range(50)}) == 50


@pytest.mark.parametrize("name", ["config.yaml", "media/images/a b_1.png", "größe.txt", "a" * 1000, "a..b", ".hidden"])
def test_names_that_files_may_have(name: str):
    assert run_names.file_name(name) == name


UNFIT = ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.", "a\nb", "a\0", "\ud800", "a" * 1001]


@pytest.mark.parametrize("name", UNFIT)
def test_names_that_files_can_not_have(name: str):
    with pytest.raises(Invalid) as refused:
        run_names.file_name(name)
    assert refused.value.field == "files"


def test_values_that_are_no_json():
    for value in (object(), b"bytes", {1, 2}):
        with pytest.raises(ValueError, match="is no JSON"):
            values.storable(value)
    assert values.storable({1: (1, 2)}) == {"1": [1, 2]}
    assert values.storable(-(10**400)) == "-Infinity"
