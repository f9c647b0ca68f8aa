"""Runs, in the documents of `wandb` 0.31.0: its core's and its public API's. Whole answers are frozen."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from inline_snapshot import snapshot

from factories.app import client_of
from factories.people import sign_in, unique
from pinakes.server.actor import Role, Scope, system
from pinakes.server.db import Database
from pinakes.server.people import service as people
from pinakes.server.wires import files, wandb
from wires.wandb.conftest import Caller, World, id_of
from wires.wandb.core import FULL, IN_CORE, LIGHT, sent

DELETE_ALL = sent("DeleteRun", "$deleteArtifacts")
DELETE = DELETE_ALL.replace("$deleteArtifacts: Boolean", "").replace("deleteArtifacts: $deleteArtifacts", "")


@dataclass(frozen=True)
class Work:
    """Somebody's project."""

    caller: Caller
    entity: str
    project: str

    async def begin(self, name: str, **more: object) -> dict[str, Any]:
        """Begin a run as the core does."""
        given = {"name": name, "project": self.project, "entity": self.entity, **more}
        return (await self.caller.ask(sent("UpsertBucket", IN_CORE), **given))["upsertBucket"]["bucket"]

    async def stream(self, name: str, **body: object) -> httpx2.Response:
        """Send what a run logs."""
        path = f"/files/{self.entity}/{self.project}/{name}/file_stream"
        return await self.caller.client.post(path, json=body, headers=self.caller.headers)

    async def log(self, name: str, *rows: object, offset: int = 0) -> None:
        """Log lines of history."""
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        files = {"wandb-history.jsonl": {"offset": offset, "content": lines}}
        assert (await self.stream(name, files=files)).status_code == 200

    async def ask(self, document: str, **variables: object) -> Any:  # noqa: ANN401 - JSON
        """Ask something about the project."""
        given = {"entity": self.entity, "project": self.project, **variables}
        return (await self.caller.ask(document, **given))["project"]

    async def run(self, name: str, fragment: str = FULL) -> Any:  # noqa: ANN401 - JSON
        """A run, as the public API asks for it."""
        return (await self.ask(sent("Run", fragment), name=name))["run"]

    async def found(self, filters: object = None, order: str | None = None) -> list[str]:
        """The names of the runs that a filter finds."""
        given = {"filters": json.dumps(filters or {}), "order": order}
        answer = await self.ask(sent("Runs", LIGHT), **given)
        names = [edge["node"]["name"] for edge in answer["runs"]["edges"]]
        assert answer["runCount"] == len(names)
        return names

    async def send(self, name: str, *paths: str) -> None:
        """Send files of a run: where the server says, with their own names as content."""
        given = {"entity": self.entity, "project": self.project, "run": name, "files": paths}
        answer = await self.caller.ask(sent("CreateRunFiles", IN_CORE), **given)
        for file in answer["createRunFiles"]["files"]:
            put = await self.caller.client.put(file["uploadUrl"], content=file["name"].encode())
            assert put.status_code == 200, put.text

    async def files(self, name: str, **more: object) -> Any:  # noqa: ANN401 - JSON
        """The files of a run."""
        return (await self.ask(sent("RunFiles"), name=name, **more))["run"]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def world(db: Database) -> AsyncGenerator[World]:
    """This wire, and the one where files come and go."""
    async with client_of(db, None, wandb, files) as client:
        yield World(db, client)


@pytest_asyncio.fixture(loop_scope="session")
async def work(alice: Caller) -> Work:
    """A project that alice is about to make."""
    return Work(alice, alice.name, unique("project"))


def names_of(files: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [edge["node"]["name"] for edge in files["files"]["edges"]]


def frozen(answer: Any, work: Work) -> Any:  # noqa: ANN401 - JSON
    """Put words for what differs from run to run: ids, times, names."""
    if isinstance(answer, dict):
        return {key: "{…}" if key in {"id", "projectId", "internalId"} else frozen(answer[key], work) for key in answer}
    if isinstance(answer, list):
        return [frozen(value, work) for value in answer]
    if isinstance(answer, str):
        if len(answer) == 20 and answer.endswith("Z") and answer.startswith("20"):
            return "{time}"
        return answer.replace(work.project, "{project}").replace(work.entity, "{alice}")
    return answer


class TestBeginning:
    async def test_a_new_run(self, work: Work):
        """0.31.0's core sends every value, null where there is none, and takes over project, entity and name."""
        nothing = dict.fromkeys(("id", "groupName", "description", "displayName", "notes", "commit", "host", "debug"))
        nothing |= dict.fromkeys(("program", "repo", "jobType", "state", "sweep", "summaryMetrics"))
        config = {"lr": {"value": 0.1}, "_wandb": {"value": {"t": {"1": [1]}}}}
        given = {"entity": work.entity, "project": work.project, "name": "run1", "tags": ["a"]}
        answer = await work.caller.ask(sent("UpsertBucket", IN_CORE), **nothing, **given, config=json.dumps(config))
        display = answer["upsertBucket"]["bucket"].pop("displayName")
        assert display.split("-")[2] == "1"
        assert frozen(answer, work) == snapshot(
            {
                "upsertBucket": {
                    "bucket": {
                        "id": "{…}",
                        "name": "run1",
                        "description": None,
                        "config": '{"lr":{"value":0.1},"_wandb":{"value":{"t":{"1":[1]}}}}',
                        "sweepName": None,
                        "project": {
                            "id": "{…}",
                            "name": "{project}",
                            "entity": {"id": "{…}", "name": "{alice}"},
                        },
                        "historyLineCount": 0,
                    },
                    "inserted": True,
                }
            }
        )

    async def test_it_goes_on(self, work: Work):
        """Null leaves a value as it is; a config replaces the one before."""
        made = await work.begin("run1", config='{"a": {"value": 1}}', notes="first", tags=["x"])
        await work.log("run1", {"_step": 0}, {"_step": 1})
        given = {"name": "run1", "project": work.project, "entity": work.entity, "config": '{"b": {"value": 2}}'}
        answer = (await work.caller.ask(sent("UpsertBucket", IN_CORE), **given))["upsertBucket"]
        assert answer["inserted"] is False
        assert answer["bucket"]["id"] == made["id"]
        assert answer["bucket"]["historyLineCount"] == 2
        run = await work.run("run1")
        assert (run["notes"], run["tags"], run["config"]) == ("first", ["x"], '{"b":{"value":2}}')

    async def test_without_names(self, world: World):
        """Entity null is the user's default, project null is `uncategorized`, and a name is made up."""
        carol = await world.person("carol")
        answer = (await carol.ask(sent("UpsertBucket", IN_CORE), entity=None, project=None, name=None))["upsertBucket"]
        bucket = answer["bucket"]
        assert (bucket["project"]["name"], bucket["project"]["entity"]["name"]) == ("uncategorized", carol.name)
        assert len(bucket["name"]) == 8

    async def test_the_public_api_makes_one(self, work: Work):
        document = sent("UpsertBucket", "public/api.py")
        given = {"entity": work.entity, "project": work.project, "name": "made"}
        (await work.caller.ask(document, **given, state="pending"))
        assert (await work.run("made", LIGHT))["state"] == "pending"

    async def test_the_public_api_changes_one(self, work: Work):
        """By its id, which is no sign of life: a run that ended stays so."""
        made = await work.begin("run1", config='{"a": {"value": 1}}', notes="old", jobType="train")
        await work.stream("run1", complete=True, exitcode=0)
        given = {"display_name": "New name", "tags": ["b", "a"], "notes": "new", "groupName": "g", "config": "{}"}
        answer = await work.caller.ask(sent("UpsertBucket", FULL), id=made["id"], **given)
        bucket = answer["upsertBucket"]["bucket"]
        kept = ("displayName", "tags", "notes", "group", "jobType", "config", "state")
        assert {key: bucket[key] for key in kept} == snapshot(
            {
                "displayName": "New name",
                "tags": ["b", "a"],
                "notes": "new",
                "group": "g",
                "jobType": "train",
                "config": "{}",
                "state": "finished",
            }
        )
        document = sent("UpsertBucket", "summary.py")
        await work.caller.ask(document, id=made["id"], summaryMetrics='{"best": NaN, "x": 1}')
        assert (await work.run("run1"))["summaryMetrics"] == '{"x":1,"best":"NaN"}'

    @pytest.mark.parametrize(
        ("given", "status", "words"),
        [
            ({"name": "a/b"}, 400, "can't be the name of a run"),
            ({"name": "x" * 129}, 400, "1 to 128"),
            ({"project": "a/b"}, 400, "project"),
            ({"entity": "nobody-of-that-name"}, 404, "no user, team or organization 'nobody-of-that-name'"),
            ({"config": "[]"}, 400, "config has to be a JSON object"),
            ({"config": "{"}, 400, "config has to be a JSON object"),
            ({"summaryMetrics": '"x"'}, 400, "summary"),
            ({"state": "dancing"}, 400, "A run's state is one of: pending, running"),
            ({"id": "nonsense"}, 400, "id must be the id of a Run"),
            ({"id": id_of("Run", 2**31 - 1)}, 404, "No such run"),
            ({"id": id_of("Run", 2**40)}, 400, "id must be the id of a Run"),
            ({"tags": ["x" * 1000]}, 400, "tag"),
            ({"notes": "a\0b"}, 400, "NUL"),
        ],
    )
    async def test_what_can_not_be(self, work: Work, given: dict[str, object], status: int, words: str):
        """With a status that the client takes for final."""
        named = {} if "id" in given else {"name": "run1"}
        sent_ = {"entity": work.entity, "project": work.project, **named, **given}
        found, message = await work.caller.refused(sent("UpsertBucket", IN_CORE), **sent_)
        assert found == status
        assert words.lower() in message.lower()

    async def test_shared_mode_is_not_offered(self, work: Work):
        """Each process would count its lines from 0, and they would replace each other's."""
        body = {"query": sent("UpsertBucket", IN_CORE), "variables": {"name": "run1", "project": work.project}}
        headers = {**work.caller.headers, "X-Wandb-Use-Async-Filestream": "true"}
        answer = await work.caller.client.post("/graphql", json=body, headers=headers)
        assert answer.status_code == 400
        assert "shared mode" in answer.json()["errors"][0]["message"]

    async def test_a_strange_text_is_kept_as_far_as_it_can_be(self, work: Work):
        """Halves of surrogate pairs, numbers beyond 64 bits, NaN: nothing that a program logs ends its run."""
        config = (
            '{"s": {"value": "\\ud800"}, "n": {"value": 123456789012345678901234567890}, "x": {"value": -Infinity}}'
        )
        await work.begin("run1", config=config, host="h" * 10_000)
        assert json.loads((await work.run("run1"))["config"]) == snapshot(
            {"n": {"value": 1.2345678901234568e29}, "s": {"value": "�"}, "x": {"value": "-Infinity"}}
        )


class TestResuming:
    async def test_no_such_run_or_project(self, work: Work):
        document = sent("RunResumeStatus")
        given = {"entity": work.entity, "project": work.project, "name": "run1"}
        assert await work.caller.ask(document, **given) == {"model": None}
        await work.begin("other")
        assert (await work.caller.ask(document, **given))["model"]["bucket"] is None

    async def test_a_run_that_has_begun(self, work: Work):
        """0.31.0 takes the last line of each tail, and a run without `t` in its config for one that never began."""
        await work.begin("run1")
        given = {"entity": work.entity, "project": work.project, "name": "run1"}
        answer = await work.caller.ask(sent("RunResumeStatus"), **given)
        answer["model"]["bucket"].pop("displayName")
        assert frozen(answer, work) == snapshot(
            {
                "model": {
                    "id": "{…}",
                    "name": "{project}",
                    "entity": {"id": "{…}", "name": "{alice}"},
                    "bucket": {
                        "id": "{…}",
                        "name": "run1",
                        "summaryMetrics": "{}",
                        "logLineCount": 0,
                        "historyLineCount": 0,
                        "eventsLineCount": 0,
                        "historyTail": "[]",
                        "eventsTail": "[]",
                        "config": "{}",
                        "tags": [],
                        "notes": None,
                        "wandbConfig": "{}",
                    },
                }
            }
        )

    async def test_a_run_that_has_logged(self, work: Work):
        config = {"_wandb": {"value": {"t": {"1": [1]}, "cli_version": "0.31.0"}}, "lr": {"value": 1}}
        await work.begin("run1", displayName="One", config=json.dumps(config), tags=["a"], notes="n")
        files = {
            "wandb-history.jsonl": {"offset": 0, "content": ['{"_step":0}', '{"_step":1,"loss":NaN}']},
            "wandb-events.jsonl": {"offset": 0, "content": ['{"system.cpu":1}']},
            "wandb-summary.json": {"offset": 0, "content": ['{"_step":1,"loss":NaN}']},
            "output.log": {"offset": 0, "content": ["one", "two", "three"]},
        }
        assert (await work.stream("run1", files=files)).json() == {}
        given = {"entity": work.entity, "project": work.project, "name": "run1"}
        answer = await work.caller.ask(sent("RunResumeStatus"), **given)
        assert frozen(answer["model"]["bucket"], work) == snapshot(
            {
                "id": "{…}",
                "name": "run1",
                "summaryMetrics": '{"loss":"NaN","_step":1}',
                "displayName": "One",
                "logLineCount": 3,
                "historyLineCount": 2,
                "eventsLineCount": 1,
                "historyTail": '["{\\"_step\\":1,\\"loss\\":NaN}"]',
                "eventsTail": '["{\\"system.cpu\\":1}"]',
                "config": '{"lr":{"value":1},"_wandb":{"value":{"t":{"1":[1]},"cli_version":"0.31.0"}}}',
                "tags": ["a"],
                "notes": "n",
                "wandbConfig": '{"t":{"1":[1]}}',
            }
        )


class TestReading:
    async def test_a_run(self, work: Work):
        """0.31.0 `RUN_FRAGMENT`: `projectId` goes through int(), `id` is what it calls the storage id."""
        await work.begin(
            "run1",
            displayName="One",
            config='{"lr": {"value": 0.1}}',
            groupName="g",
            jobType="train",
            commit="abc",
            notes="n",
            description="d",
            tags=["b", "a"],
        )
        await work.log("run1", {"_step": 4, "loss": 0.5, "img": {"_type": "image-file"}, "deep": {"x": "s"}})
        run = await work.run("run1")
        assert int(run["projectId"]) > 0
        assert frozen(run, work) == snapshot(
            {
                "projectId": "{…}",
                "id": "{…}",
                "tags": ["b", "a"],
                "name": "run1",
                "displayName": "One",
                "sweepName": None,
                "state": "running",
                "config": '{"lr":{"value":0.1}}',
                "group": "g",
                "jobType": "train",
                "commit": "abc",
                "readOnly": False,
                "createdAt": "{time}",
                "heartbeatAt": "{time}",
                "description": "d",
                "notes": "n",
                "systemMetrics": "{}",
                "summaryMetrics": "{}",
                "historyLineCount": 1,
                "user": {"name": "{alice}", "username": "{alice}"},
                "historyKeys": {
                    "lastStep": 4,
                    "keys": {
                        "img": {"typeCounts": [{"type": "image-file", "count": 1}], "previousValue": None},
                        "loss": {"typeCounts": [{"type": "number", "count": 1}], "previousValue": 0.5},
                        "_step": {"typeCounts": [{"type": "number", "count": 1}], "previousValue": 4},
                        "deep.x": {"typeCounts": [{"type": "string", "count": 1}], "previousValue": "s"},
                    },
                    "sets": [],
                },
            }
        )
        light = await work.run("run1", LIGHT)
        assert light == {key: run[key] for key in light}
        assert run.keys() - light.keys() == {"config", "systemMetrics", "summaryMetrics", "historyKeys"}

    async def test_a_run_without_history(self, work: Work):
        await work.begin("run1")
        found = (await work.ask(sent("RunHistoryKeys"), name="run1"))["run"]
        assert found == {"historyKeys": {"lastStep": -1, "keys": {}, "sets": []}}

    async def test_small_questions(self, work: Work):
        made = await work.begin("run1", displayName="One")
        core = await work.ask(sent("RunState", IN_CORE), run="run1")
        assert core["run"] == {"id": made["id"], "state": "running"}
        assert (await work.ask(sent("RunState", "runs.py:"), name="run1"))["run"]["state"]
        given = {"entityName": work.entity, "projectName": work.project, "runId": "run1"}
        assert (await work.ask(sent("RunStoppedStatus"), **given))["run"] == {"stopped": False}
        assert (await work.ask(sent("QueryRunInfo"), run="run1"))["run"] == {
            "displayName": "One",
            "summaryMetrics": "{}",
        }

    async def test_what_belongs_to_it(self, work: Work):
        await work.begin("run1", program="train.py", repo="git@example.org:x.git", commit="abc")
        document = """query Q($p: String!, $e: String!) { project(name: $p, entityName: $e) { run(name: "run1") {
            readOnly fileCount user { id name username email } project { name entity { name } }
            runInfo { program args git { remote commit } } wandbConfig
            outputArtifacts { totalCount edges { node { id } } pageInfo { endCursor hasNextPage } }
            inputArtifacts { totalCount edges { node { id } } pageInfo { endCursor hasNextPage } } } } }"""
        answer = await work.caller.ask(document, p=work.project, e=work.entity)
        assert frozen(answer["project"]["run"], work) == snapshot(
            {
                "readOnly": False,
                "fileCount": 0,
                "user": {"id": "{…}", "name": "{alice}", "username": "{alice}", "email": None},
                "project": {"name": "{project}", "entity": {"name": "{alice}"}},
                "runInfo": {
                    "program": "train.py",
                    "args": None,
                    "git": {"remote": "git@example.org:x.git", "commit": "abc"},
                },
                "wandbConfig": "{}",
                "outputArtifacts": {
                    "totalCount": 0,
                    "edges": [],
                    "pageInfo": {"endCursor": None, "hasNextPage": False},
                },
                "inputArtifacts": {"totalCount": 0, "edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}},
            }
        )

    async def test_a_run_that_is_resumed(self, work: Work):
        """0.31.0 sends the id and the names then: a run that failed is running again."""
        made = await work.begin("run1")
        await work.stream("run1", complete=True, exitcode=1)
        again = await work.begin("run1", id=made["id"])
        assert again["id"] == made["id"]
        assert (await work.run("run1", LIGHT))["state"] == "running"

    async def test_what_is_not_there(self, work: Work):
        """`Could not find run`: null, with status 200."""
        given = {"entity": work.entity, "name": "nope"}
        assert await work.caller.ask(sent("Run", LIGHT), project=work.project, **given) == {"project": None}
        await work.begin("run1")
        assert await work.caller.ask(sent("Run", LIGHT), project=work.project, **given) == {"project": {"run": None}}

    async def test_the_project_is_found_in_any_case(self, work: Work):
        await work.begin("run1")
        other = Work(work.caller, work.entity.upper(), work.project.upper())
        assert (await other.run("run1", LIGHT))["name"] == "run1"
        assert (await other.stream("run1")).status_code == 200


class TestHistory:
    @pytest_asyncio.fixture(loop_scope="session")
    async def long(self, work: Work) -> Work:
        """A project with a run of ten steps, in threes."""
        await work.begin("run1")
        await work.log("run1", *({"_step": step * 3, "loss": step / 10, "odd": step % 2} for step in range(10)))
        return work

    async def test_no_files(self, long: Work):
        """With an empty list 0.31.0 falls back to `HistoryPage`."""
        found = await long.ask(sent("RunParquetHistory"), runName="run1", liveKeys=["loss"])
        assert found["run"]["parquetHistory"] == {"parquetUrls": [], "liveData": []}

    async def test_pages(self, long: Work):
        """From a step up to, not including, another."""
        page = await long.ask(sent("HistoryPage"), run="run1", minStep=3, maxStep=12, pageSize=1000)
        assert [json.loads(line)["_step"] for line in page["run"]["history"]] == [3, 6, 9]
        page = await long.ask(sent("HistoryPage"), run="run1", minStep=0, maxStep=2**62, pageSize=2)
        assert [json.loads(line)["_step"] for line in page["run"]["history"]] == [0, 3]

    async def test_a_page_that_is_too_large(self, long: Work):
        """Leaving lines out without a word would be worse."""
        given = {"entity": long.entity, "project": long.project, "run": "run1", "minStep": 0, "maxStep": 5}
        status, message = await long.caller.refused(sent("HistoryPage"), **given, pageSize=10_001)
        assert (status, "10000 lines" in message) == (400, True)

    async def test_samples(self, long: Work):
        document = sent("RunFullHistory", "{ history(")
        found = await long.ask(document, name="run1", samples=4)
        assert [json.loads(line)["_step"] for line in found["run"]["history"]] == [0, 9, 18, 27]
        found = await long.ask(document, name="run1", samples=10**9)
        assert len(found["run"]["history"]) == 10
        assert (await long.ask(document, name="run1"))["run"] == found["run"]

    async def test_samples_of_keys(self, long: Work):
        """One list of rows for each specification; NaN, which is no JSON, is spelled."""
        await long.log("run1", '{"_step": 30, "loss": NaN, "big": 1e999}', offset=10)
        specs = [{"keys": ["_step", "loss"], "samples": 3}, {"keys": ["nothing"]}, {"keys": ["big"], "minStep": 29}]
        found = await long.ask(sent("RunSampledHistory"), name="run1", specs=[json.dumps(spec) for spec in specs])
        assert found["run"]["sampledHistory"] == snapshot(
            [
                [{"_step": 0, "loss": 0.0}, {"_step": 15, "loss": 0.5}, {"_step": 30, "loss": "NaN"}],
                [],
                [{"big": "Infinity"}],
            ]
        )

    async def test_samples_of_some_steps(self, long: Work):
        """`scan_history(keys=…)` asks so for its pages, and means the last step, too; `HistoryPage` does not."""
        spec = {"keys": ["_step", "loss", "_step"], "minStep": 3, "maxStep": 9, "samples": 7}
        found = await long.ask(sent("SampledHistoryPage"), run="run1", spec=json.dumps(spec))
        assert [row["_step"] for row in found["run"]["sampledHistory"][0]] == [3, 6, 9]

    @pytest.mark.parametrize(
        "spec",
        [
            "",
            "[]",
            '{"keys": "loss"}',
            '{"keys": [1]}',
            '{"samples": "x"}',
            '{"samples": 0}',
            '{"samples": 100000}',
            '{"samples": true}',
            '{"minStep": 1.5}',
            '{"maxStep": 99999999999999999999}',
            '{"minStep": -99999999999999999999}',
        ],
    )
    async def test_samples_of_what_can_not_be(self, long: Work, spec: str):
        given = {"entity": long.entity, "project": long.project, "name": "run1"}
        status, _ = await long.caller.refused(sent("RunSampledHistory"), **given, specs=[spec])
        assert status == 400

    async def test_keys(self, long: Work):
        found = (await long.ask(sent("RunHistoryKeys"), name="run1"))["run"]
        assert found["historyKeys"] == snapshot(
            {
                "lastStep": 27,
                "keys": {
                    "odd": {"typeCounts": [{"type": "number", "count": 10}], "previousValue": 1},
                    "loss": {"typeCounts": [{"type": "number", "count": 10}], "previousValue": 0.9},
                    "_step": {"typeCounts": [{"type": "number", "count": 10}], "previousValue": 27},
                },
                "sets": [],
            }
        )

    async def test_system_metrics(self, work: Work):
        await work.begin("run1")
        lines = [json.dumps({"system.cpu": n, "_runtime": n}) for n in range(3)]
        await work.stream("run1", files={"wandb-events.jsonl": {"offset": 0, "content": lines}})
        found = await work.ask(sent("RunFullHistory", "{ events("), name="run1", samples=2)
        assert found["run"]["events"] == [lines[0], lines[2]]
        assert json.loads((await work.run("run1"))["systemMetrics"]) == {"system.cpu": 2, "_runtime": 2}


class TestConsole:
    @pytest_asyncio.fixture(loop_scope="session")
    async def printed(self, work: Work) -> Work:
        """A project with a run that printed in the ways of newer and older clients."""
        await work.begin("run1")
        lines = [
            '{"ts":"2026-11-21T05:47:03.356055","content":"one"}',
            '{"ts":"2026-11-21T05:47:04Z","content":"two","level":"error","label":"rank 1"}',
            "2026-11-21T05:47:05.5 three",
            "ERROR 2026-11-21T05:47:06 four",
            '{"no": "line of ours"}',
            '{"ts": 3, "content": "", "level": 5}',
        ]
        await work.stream("run1", files={"output.log": {"offset": 0, "content": lines}})
        return work

    async def test_pages(self, printed: Work):
        document = sent("RunConsoleLogPage")
        first = (await printed.ask(document, runName="run1", first=4, after=None))["run"]
        cursor = first["logLines"]["pageInfo"]["endCursor"]
        first["logLines"]["pageInfo"]["endCursor"] = "{…}"
        assert first == snapshot(
            {
                "logLineCount": 6,
                "logLines": {
                    "edges": [
                        {
                            "node": {
                                "number": 0,
                                "timestamp": "2026-11-21T05:47:03.356055Z",
                                "level": None,
                                "label": None,
                                "line": "one",
                            }
                        },
                        {
                            "node": {
                                "number": 1,
                                "timestamp": "2026-11-21T05:47:04Z",
                                "level": "error",
                                "label": "rank 1",
                                "line": "two",
                            }
                        },
                        {
                            "node": {
                                "number": 2,
                                "timestamp": "2026-11-21T05:47:05.500000Z",
                                "level": None,
                                "label": None,
                                "line": "three",
                            }
                        },
                        {
                            "node": {
                                "number": 3,
                                "timestamp": "2026-11-21T05:47:06Z",
                                "level": "error",
                                "label": None,
                                "line": "four",
                            }
                        },
                    ],
                    "pageInfo": {"endCursor": "{…}", "hasNextPage": True},
                },
            }
        )
        rest = (await printed.ask(document, runName="run1", first=4, after=cursor))["run"]["logLines"]
        assert [edge["node"]["line"] for edge in rest["edges"]] == ['{"no": "line of ours"}', ""]
        assert rest["pageInfo"]["hasNextPage"] is False
        end = rest["pageInfo"]["endCursor"]
        nothing = (await printed.ask(document, runName="run1", first=4, after=end))["run"]["logLines"]
        assert nothing == {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}

    async def test_the_last_lines(self, printed: Work):
        found = (await printed.ask(sent("RunConsoleLogTail"), runName="run1", last=3))["run"]
        assert [edge["node"]["number"] for edge in found["logLines"]["edges"]] == [3, 4, 5]

    async def test_lines_are_written_anew(self, printed: Work):
        """A progress bar is sent again and again as the same line."""
        await printed.stream("run1", files={"output.log": {"offset": 5, "content": ["100 %"]}})
        found = (await printed.ask(sent("RunConsoleLogTail"), runName="run1", last=1))["run"]
        assert (found["logLineCount"], found["logLines"]["edges"][0]["node"]["line"]) == (6, "100 %")


class TestFiles:
    async def test_where_to_send_them(self, work: Work):
        """As many answers as names, in their order, each with its name; 0.31.0 drops the whole batch otherwise."""
        await work.begin("run1")
        names = ["config.yaml", "media/images/ä b.png", "config.yaml"]
        given = {"entity": work.entity, "project": work.project, "run": "run1", "files": names}
        answer = (await work.caller.ask(sent("CreateRunFiles", IN_CORE), **given))["createRunFiles"]
        assert [file["name"] for file in answer["files"]] == names
        assert answer["uploadHeaders"] == []
        address = answer["files"][1]["uploadUrl"]
        assert address.startswith("http://pinakes.test/storage/u/")
        assert address.endswith("/media/images/%C3%A4%20b.png")

    async def test_what_was_sent(self, work: Work):
        """0.31.0 `FILE_FRAGMENT`: `md5` in base64, `url(upload: true)` where to send it."""
        await work.begin("run1")
        await work.send("run1", "media/a.png", "b.json", "ä_1.json")
        given = {"entity": work.entity, "project": work.project, "run": "run1", "files": ["b.json"]}
        marked = await work.caller.ask(sent("MarkRunFilesUploaded"), **given)
        assert marked == {"markRunFilesUploaded": {"success": True}}
        found = await work.files("run1")
        node = found["files"]["edges"][0]["node"]
        assert (await work.caller.client.get(node["directUrl"])).content == b"b.json"
        assert node["url"] == node["directUrl"]
        node["url"] = node["directUrl"] = found["files"]["edges"] = found["files"]["pageInfo"]["endCursor"] = "{…}"
        assert frozen(node, work) == snapshot(
            {
                "id": "{…}",
                "name": "b.json",
                "url": "{…}",
                "directUrl": "{…}",
                "sizeBytes": 6,
                "mimetype": "application/json",
                "updatedAt": "{time}",
                "md5": "MWW6QcmUythJaLNvDscjsQ==",
            }
        )
        assert found == snapshot(
            {"fileCount": 3, "files": {"edges": "{…}", "pageInfo": {"endCursor": "{…}", "hasNextPage": False}}}
        )
        upload = await work.files("run1", upload=True, fileNames=["b.json"])
        address = upload["files"]["edges"][0]["node"]["url"]
        assert (await work.caller.client.put(address, content=b"other")).status_code == 200
        again = (await work.files("run1", fileNames=["b.json"]))["files"]["edges"][0]["node"]
        assert (again["sizeBytes"], again["id"]) == (5, (await work.files("run1"))["files"]["edges"][0]["node"]["id"])

    async def test_some_of_them(self, work: Work):
        """By name, or by a pattern in which `%` and `_` stand for something; `[]` asks for no name in particular."""
        await work.begin("run1")
        await work.send("run1", "a.json", "b_1.json", "b21.json", "media/c.json", "d\\.txt")
        assert names_of(await work.files("run1", fileNames=[])) == [
            "a.json",
            "b21.json",
            "b_1.json",
            "d\\.txt",
            "media/c.json",
        ]
        assert names_of(await work.files("run1", fileNames=["a.json", "nope", None])) == ["a.json"]
        assert names_of(await work.files("run1", fileNames=["./media/c.json"])) == ["media/c.json"]  # `wandb verify`
        assert names_of(await work.files("run1", pattern="%.json")) == [
            "a.json",
            "b21.json",
            "b_1.json",
            "media/c.json",
        ]
        assert names_of(await work.files("run1", pattern="b__.json")) == ["b21.json", "b_1.json"]
        assert names_of(await work.files("run1", pattern="d\\%")) == ["d\\.txt"]
        assert names_of(await work.files("run1", pattern="\\")) == []
        document = """query Q($p: String!, $e: String!) { project(name: $p, entityName: $e) { run(name: "run1") {
            fileCount files(pattern: "b%") { totalCount } } } }"""
        counts = await work.caller.ask(document, p=work.project, e=work.entity)
        assert counts["project"]["run"] == {"fileCount": 5, "files": {"totalCount": 2}}

    async def test_pages(self, work: Work):
        """0.31.0 goes on with the cursor of the last edge."""
        await work.begin("run1")
        await work.send("run1", *(f"{number}.txt" for number in range(5)))
        seen: list[str] = []
        cursor, more = None, True
        while more:
            found = (await work.files("run1", fileLimit=2, fileCursor=cursor))["files"]
            seen += [edge["node"]["name"] for edge in found["edges"]]
            cursor, more = found["edges"][-1]["cursor"], found["pageInfo"]["hasNextPage"]
            assert cursor == found["pageInfo"]["endCursor"]
        assert seen == [f"{number}.txt" for number in range(5)]
        assert names_of(await work.files("run1", fileCursor=cursor)) == []

    async def test_deleting(self, work: Work):
        await work.begin("run1")
        await work.send("run1", "a.txt", "b.txt")
        ids = [edge["node"]["id"] for edge in (await work.files("run1", fileNames=["a.txt"]))["files"]["edges"]]
        given = {"files": ids, "projectId": 1}
        assert await work.caller.ask(sent("deleteFiles"), **given) == {"deleteFiles": {"success": True}}
        assert await work.caller.ask(sent("deleteFiles"), **given) == {"deleteFiles": {"success": True}}
        assert names_of(await work.files("run1")) == ["b.txt"]
        status, _ = await work.caller.refused(sent("deleteFiles"), files=["nonsense"])
        assert status == 400

    @pytest.mark.parametrize("name", ["../up.txt", "/abs.txt", "a//b", "", "x" * 1001, "a\nb"])
    async def test_names_that_lead_elsewhere(self, work: Work, name: str):
        await work.begin("run1")
        given = {"entity": work.entity, "project": work.project, "run": "run1", "files": ["ok.txt", name]}
        status, message = await work.caller.refused(sent("CreateRunFiles", IN_CORE), **given)
        assert status == 400
        assert "can't be the name of a file" in message


class TestListing:
    @pytest_asyncio.fixture(loop_scope="session")
    async def many(self, work: Work) -> Work:
        """A project with runs: b, a, c, in the order of their making."""
        await work.begin("b", config='{"lr": {"value": 0.1}, "net": {"value": {"depth": 3}}}', tags=["x", "y"])
        await work.begin("a", config='{"lr": {"value": 0.5}}', groupName="g", displayName="Aaa", jobType="eval")
        await work.begin("c", summaryMetrics='{"loss": 2, "_wandb": {"runtime": 7}}', host="box")
        await work.stream("a", complete=True, exitcode=0)
        await work.stream("c", complete=True, exitcode=1)
        return work

    async def test_a_page(self, many: Work):
        """0.31.0 asks `projectId` and `cursor` of each edge, and goes on with the last edge's cursor."""
        answer = await many.ask(sent("Runs", LIGHT), perPage=2, order="+created_at", filters="{}")
        edges = answer["runs"].pop("edges")
        assert [edge["node"]["name"] for edge in edges] == ["b", "a"]
        assert {edge["node"]["projectId"] for edge in edges} == {int(b64decode(answer["internalId"]).split(b":")[1])}
        cursor = answer["runs"]["pageInfo"].pop("endCursor")
        assert cursor == edges[-1]["cursor"]
        assert frozen(answer, many) == snapshot(
            {"internalId": "{…}", "runCount": 3, "readOnly": False, "runs": {"pageInfo": {"hasNextPage": True}}}
        )
        rest = await many.ask(sent("Runs", LIGHT), perPage=5, cursor=cursor)
        assert [edge["node"]["name"] for edge in rest["runs"]["edges"]] == ["c"]
        assert rest["runs"]["pageInfo"]["hasNextPage"] is False

    async def test_a_page_of_all_of_them(self, many: Work):
        answer = await many.ask(sent("Runs", FULL))
        assert [json.loads(edge["node"]["config"]) for edge in answer["runs"]["edges"]] == [
            {"lr": {"value": 0.1}, "net": {"value": {"depth": 3}}},
            {"lr": {"value": 0.5}},
            {},
        ]
        assert {edge["node"]["user"]["username"] for edge in answer["runs"]["edges"]} == {many.caller.name}

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({"state": "running"}, ["b"]),
            ({"state": {"$in": ["finished", "failed"]}}, ["a", "c"]),
            ({"name": "a"}, ["a"]),
            ({"displayName": "Aaa"}, ["a"]),
            ({"display_name": {"$regex": "^A"}}, ["a"]),
            ({"tags": "x"}, ["b"]),
            ({"tags": {"$in": ["y", "z"]}}, ["b"]),
            ({"group": "g"}, ["a"]),
            ({"jobType": "eval"}, ["a"]),
            ({"job_type": {"$ne": "eval"}}, ["b", "c"]),
            ({"host": "box"}, ["c"]),
            ({"config.lr": 0.1}, ["b"]),
            ({"config.lr.value": {"$gte": 0.1}}, ["b", "a"]),
            ({"config.net.depth": 3}, ["b"]),
            ({"config.net.value.depth": 3}, ["b"]),
            ({"config.lr": {"$exists": False}}, ["c"]),
            ({"summary_metrics.loss": {"$lt": 3}}, ["c"]),
            ({"summaryMetrics.loss": 2}, ["c"]),
            ({"duration": {"$gt": 5}}, ["c"]),
            ({"createdAt": {"$gt": "2020-01-01T00:00:00Z"}}, ["b", "a", "c"]),
            ({"created_at": {"$lt": "2020-01-01T00:00:00Z"}}, []),
            ({"$or": [{"name": "a"}, {"$and": [{"tags": "x"}, {"state": "running"}]}]}, ["b", "a"]),
            ({"$nor": [{"name": "a"}]}, ["b", "c"]),
        ],
    )
    async def test_filters(self, many: Work, filters: object, found: list[str]):
        assert await many.found(filters) == found

    async def test_filters_by_who_and_which(self, many: Work):
        run_id = (await many.run("a", LIGHT))["id"]
        assert await many.found({"username": many.caller.name, "id": run_id}) == ["a"]

    @pytest.mark.parametrize(
        ("order", "found"),
        [
            (None, ["b", "a", "c"]),
            ("", ["b", "a", "c"]),
            ("+created_at", ["b", "a", "c"]),
            ("-created_at", ["c", "a", "b"]),
            ("-createdAt", ["c", "a", "b"]),
            ("name", ["a", "b", "c"]),
            ("-config.lr.value", ["a", "b", "c"]),
            ("-config.lr", ["a", "b", "c"]),
            ("-summary_metrics.loss", ["c", "a", "b"]),
        ],
    )
    async def test_orders(self, many: Work, order: str | None, found: list[str]):
        """Where rows are equal in what is asked for, the order of their making decides."""
        assert await many.found(None, order) == found

    async def test_all_pages_of_any_order(self, many: Work):
        for order in ("-config.lr.value", "+heartbeat_at", "-summary_metrics.loss", "+state"):
            seen: list[str] = []
            cursor, more = None, True
            while more:
                given = {"perPage": 1, "order": order, "cursor": cursor}
                page = (await many.ask(sent("Runs", LIGHT), **given))["runs"]
                seen += [edge["node"]["name"] for edge in page["edges"]]
                cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            assert sorted(seen) == ["a", "b", "c"]

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"filters": '{"stat": "x"}'}, "There is no field 'stat'"),
            ({"filters": "["}, "filters is no JSON"),
            ({"filters": '{"name": {"$where": "1"}}'}, "There is no operator '$where'"),
            ({"filters": '{"createdAt": {"$gt": "yesterday"}}'}, "createdAt"),
            ({"order": "+nothing"}, "There is no field 'nothing'"),
            ({"order": "+tags"}, "no order by"),
            ({"perPage": 0}, "first must be 1 or more"),
            ({"cursor": "nonsense"}, "cursor"),
        ],
    )
    async def test_what_can_not_be(self, many: Work, given: dict[str, object], words: str):
        place = {"entity": many.entity, "project": many.project}
        status, message = await many.caller.refused(sent("Runs", LIGHT), **place, **given)
        assert status == 400
        assert words in message

    async def test_a_cursor_of_another_order(self, many: Work):
        page = (await many.ask(sent("Runs", LIGHT), perPage=1, order="+name"))["runs"]
        place = {"entity": many.entity, "project": many.project, "order": "-name"}
        status, _ = await many.caller.refused(sent("Runs", LIGHT), **place, cursor=page["edges"][0]["cursor"])
        assert status == 400

    async def test_buckets(self, many: Work):
        document = """query Q($p: String!, $e: String!) { project(name: $p, entityName: $e) {
            buckets(first: 2) { totalCount edges { node { name } } } } }"""
        found = await many.caller.ask(document, p=many.project, e=many.entity)
        assert found["project"]["buckets"]["totalCount"] == 3
        assert len(found["project"]["buckets"]["edges"]) == 2


class TestStates:
    async def test_a_run_that_is_not_heard_of_has_crashed(self, world: World, work: Work):
        await work.begin("run1")
        project = (await work.run("run1", LIGHT))["projectId"]
        async with world.db.transaction() as tx:
            silent = "update runs set heartbeat_at = now() - interval '6 minutes' where project_id = %s"
            await tx.connection.execute(silent, [project])
        assert (await work.run("run1", LIGHT))["state"] == "crashed"
        assert await work.found({"state": "crashed"}) == ["run1"]
        assert await work.found({"state": "running"}) == []
        await work.stream("run1")
        assert (await work.run("run1", LIGHT))["state"] == "running"

    @pytest.mark.parametrize("state", ["pending", "failed", "crashed", "killed", "finished"])
    async def test_from_outside(self, work: Work, state: str):
        made = await work.begin("run1")
        answer = await work.caller.ask(sent("UpdateRunState"), input={"id": made["id"], "state": state})
        assert answer == {"updateRunState": {"success": True}}
        assert (await work.run("run1", LIGHT))["state"] == state

    async def test_stopping(self, work: Work):
        """The run is told with the answer to what it sends next; one that has ended is not."""
        made = await work.begin("run1")
        assert (await work.stream("run1")).json() == {}
        assert await work.caller.ask(sent("StopRun"), id=made["id"]) == {"stopRun": {"success": True}}
        given = {"entityName": work.entity, "projectName": work.project, "runId": "run1"}
        assert (await work.ask(sent("RunStoppedStatus"), **given))["run"] == {"stopped": True}
        assert (await work.stream("run1")).json() == {"stopped": True}
        await work.stream("run1", complete=True, exitcode=255)
        assert (await work.run("run1", LIGHT))["state"] == "killed"
        assert await work.caller.ask(sent("StopRun"), id=made["id"]) == {"stopRun": {"success": True}}

    async def test_deleting(self, work: Work):
        made = await work.begin("run1")
        answer = await work.caller.ask(DELETE, id=made["id"], deleteArtifacts=False)
        assert answer == {"deleteRun": {"clientMutationId": None}}
        assert await work.run("run1", LIGHT) is None
        assert await work.found() == []
        status, _ = await work.caller.refused(DELETE_ALL, id=made["id"])
        assert status == 404
        assert (await work.begin("run1"))["id"] != made["id"]

    async def test_there_is_no_way_back(self, work: Work):
        await work.begin("run1")
        given = {"runName": "run1", "entity": work.entity, "project": work.project}
        refused = await work.caller.refused(sent("RewindRun"), **given, metricName="_step", metricValue=1)
        assert refused == snapshot(
            (400, "This server does not rewind runs: what a run has logged stays. Begin a new run, or resume this one.")
        )

    async def test_alerts(self, world: World, work: Work):
        await work.begin("run1")
        given = {"entityName": work.entity, "projectName": work.project, "runName": "run1"}
        alert = {"title": "Loss", "text": "is NaN", "severity": "ERROR", "waitDuration": 60_000}
        answer = await work.caller.ask(sent("NotifyScriptableRunAlert"), **given, **alert)
        assert answer == {"notifyScriptableRunAlert": {"success": True}}
        project = (await work.run("run1", LIGHT))["projectId"]
        async with world.db.reading() as tx:
            recorded = "select after from events where item_id = %s and verb = 'run.alerted'"
            found = await (await tx.connection.execute(recorded, [project])).fetchall()
        assert [after for (after,) in found] == [
            {"run": "run1", "title": "Loss", "text": "is NaN", "severity": "error"}
        ]
        given["runName"] = "nope"
        assert (await work.caller.refused(sent("NotifyScriptableRunAlert"), **given, **alert))[0] == 404


class TestWhoMay:
    @pytest_asyncio.fixture(loop_scope="session")
    async def shared(self, world: World, alice: Caller, bob: Caller) -> tuple[Work, Work]:
        """A team's project with a run: for alice, who works in it, and for bob, who may look at it."""
        team = await world.team(await world.organization(alice), member=alice, viewer=bob)
        alice, bob = await world.again(alice), await world.again(bob)
        work = Work(alice, team.name, unique("project"))
        await work.begin("run1", displayName="One")
        await work.send("run1", "a.txt")
        return work, Work(bob, team.name, work.project)

    async def test_a_viewer(self, shared: tuple[Work, Work]):
        """He reads all of it, and is told that he may not write."""
        work, his = shared
        run = await his.run("run1")
        assert run["readOnly"] is True
        assert (await work.run("run1"))["readOnly"] is False
        assert names_of(await his.files("run1")) == ["a.txt"]
        place = {"entity": his.entity, "project": his.project}
        file_id = (await his.files("run1"))["files"]["edges"][0]["node"]["id"]
        alert = {"title": "x", "text": "y", "entityName": his.entity, "projectName": his.project, "runName": "run1"}
        for document, given in (
            (sent("UpsertBucket", IN_CORE), {**place, "name": "run1", "notes": "mine"}),
            (sent("UpsertBucket", FULL), {"id": run["id"], "config": "{}"}),
            (sent("CreateRunFiles", IN_CORE), {**place, "run": "run1", "files": ["x"]}),
            (sent("MarkRunFilesUploaded"), {**place, "run": "run1", "files": ["x"]}),
            (sent("UpdateRunState"), {"input": {"id": run["id"], "state": "failed"}}),
            (sent("StopRun"), {"id": run["id"]}),
            (DELETE_ALL, {"id": run["id"]}),
            (sent("deleteFiles"), {"files": [file_id]}),
            (sent("NotifyScriptableRunAlert"), alert),
        ):
            status, _ = await his.caller.refused(document, **given)
            assert status == 403, document
        assert (await his.stream("run1")).status_code == 403
        assert await his.run("run1") == run

    async def test_a_stranger(self, world: World, shared: tuple[Work, Work]):
        """For him there is no such project: null where he reads, 404 where he changes."""
        work, _ = shared
        run = await work.run("run1")
        file_id = (await work.files("run1"))["files"]["edges"][0]["node"]["id"]
        for stranger in (await world.person("carol"), world.nobody):
            his = Work(stranger, work.entity, work.project)
            assert await his.ask(sent("Run", LIGHT), name="run1") is None
            assert await his.ask(sent("Runs", LIGHT)) is None
            for document, given in (
                (sent("UpsertBucket", FULL), {"id": run["id"], "config": "{}"}),
                (sent("UpdateRunState"), {"input": {"id": run["id"], "state": "failed"}}),
                (sent("StopRun"), {"id": run["id"]}),
                (DELETE_ALL, {"id": run["id"]}),
            ):
                status, _ = await stranger.refused(document, **given)
                assert status == 404, document
            await stranger.send(sent("deleteFiles"), {"files": [file_id]})
            assert (await his.stream("run1")).status_code in {401, 404}
        assert {**await work.run("run1"), "readOnly": True} == {**run, "readOnly": True}
        assert names_of(await work.files("run1")) == ["a.txt"]

    async def test_nobody_begins_a_run(self, world: World):
        status, _ = await world.nobody.refused(sent("UpsertBucket", IN_CORE), project="x", name="y")
        assert status == 401

    async def test_a_key_for_reading(self, world: World, work: Work):
        await work.begin("run1")
        assert work.caller.person is not None
        reader = Caller(await sign_in(world.db, work.caller.account, scope=Scope.READ), world.client)
        his = Work(reader, work.entity, work.project)
        assert (await his.run("run1", LIGHT))["readOnly"] is True
        given = {"entity": work.entity, "project": work.project, "name": "run2"}
        assert (await reader.refused(sent("UpsertBucket", IN_CORE), **given))[0] == 403
        assert (await his.stream("run1")).status_code == 403

    async def test_a_public_project_is_read_by_all_and_written_by_few(self, world: World, work: Work, bob: Caller):
        await work.begin("run1")
        project = (await work.run("run1", LIGHT))["projectId"]
        async with world.db.transaction() as tx:
            await tx.connection.execute("update items set visibility = 'public' where id = %s", [project])
        for reader in (bob, world.nobody):
            his = Work(reader, work.entity, work.project)
            assert (await his.run("run1", LIGHT))["readOnly"] is True
            assert (await his.stream("run1")).status_code in {401, 403}

    async def test_a_run_belongs_to_who_began_it(self, world: World, alice: Caller, bob: Caller):
        team = await world.team(await world.organization(alice), member=alice)
        await world.join(team, bob, Role.MEMBER)
        bob = await world.again(bob)
        his = Work(bob, team.name, unique("project"))
        await his.begin("run1")
        assert (await his.run("run1", LIGHT))["user"] == {"name": bob.name, "username": bob.name}

    async def test_a_run_of_somebody_who_is_gone(self, world: World, alice: Caller, bob: Caller):
        """0.31.0 can't read a run whose user is null."""
        team = await world.team(await world.organization(alice), member=alice)
        await world.join(team, bob, Role.MEMBER)
        project = unique("project")
        await Work(await world.again(bob), team.name, project).begin("run1")
        async with world.db.transaction() as tx:
            await people.delete_user(tx, system(), bob.name)
        hers = Work(await world.again(alice), team.name, project)
        assert (await hers.run("run1"))["user"] == {"name": "(deleted)", "username": "(deleted)"}
        document = """query Q($p: String!, $e: String!) { project(name: $p, entityName: $e) { run(name: "run1") {
            user { id entity email teams { edges { node { name } } } organizations { name } apiKeys { edges { node {
            id } } } } } } }"""
        found = (await hers.caller.ask(document, p=project, e=team.name))["project"]["run"]["user"]
        assert (found["entity"], found["organizations"], found["email"]) == ("(deleted)", [], None)
