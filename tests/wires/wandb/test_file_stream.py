"""The file stream, in bodies as `wandb` 0.31.0's core sends them.

A status of 400 and above that the client does not try again ends the stream for good: the rest of a run is lost with
one line of warning. So a run is found by just the names that beginning it answered, and lines are taken as they are.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio

from factories.app import client_of
from factories.people import unique
from pinakes.server.artifacts import streams as rooms
from pinakes.server.artifacts.run_types import RunStream, Streamed
from pinakes.server.db import Database
from pinakes.server.errors import Conflict
from pinakes.server.settings import Settings
from pinakes.server.wires import wandb
from pinakes.server.wires.wandb import streams
from wires.wandb.conftest import Caller, World
from wires.wandb.core import IN_CORE, LIGHT, sent

HISTORY, EVENTS, SUMMARY, OUTPUT = "wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log"


def lines(*rows: object, offset: int = 0) -> dict[str, object]:
    """Lines of a file, as JSON or as they are."""
    return {"offset": offset, "content": [row if isinstance(row, str) else json.dumps(row) for row in rows]}


class Running:
    """A run that was begun."""

    def __init__(self, caller: Caller, bucket: dict[str, Any]) -> None:
        self.caller = caller
        self.name: str = bucket["name"]
        self.project: str = bucket["project"]["name"]
        self.entity: str = bucket["project"]["entity"]["name"]

    @property
    def path(self) -> str:
        return "/files/" + "/".join(map(quote, (self.entity, self.project, self.name))) + "/file_stream"

    async def post(self, body: bytes, **headers: str) -> httpx2.Response:
        given = {**self.caller.headers, "Content-Type": "application/json", **headers}
        return await self.caller.client.post(self.path, content=body, headers=given)

    async def send(self, **body: object) -> Any:  # noqa: ANN401 - JSON
        """Send something, which must be taken; return the answer."""
        answer = await self.post(json.dumps(body).encode())
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def shown(self) -> Any:  # noqa: ANN401 - JSON
        """The run, with all its lines."""
        document = """query Q($p: String!, $e: String!, $n: String!) { project(name: $p, entityName: $e) {
            run(name: $n) { state summaryMetrics systemMetrics historyLineCount eventsLineCount logLineCount
            history(samples: 10000) events(samples: 10000) logLines(first: 1000) { edges { node { number line } } }
            stopped historyKeys } } }"""
        answer = await self.caller.ask(document, p=self.project, e=self.entity, n=self.name)
        found = answer["project"]["run"]
        found["output"] = [edge["node"]["line"] for edge in found.pop("logLines")["edges"]]
        return found


async def begun(caller: Caller, name: str = "run1", project: str | None = None, **more: object) -> Running:
    """Begin a run."""
    given = {"name": name, "project": project or unique("project"), "entity": caller.name, **more}
    answer = await caller.ask(sent("UpsertBucket", IN_CORE), **given)
    return Running(caller, answer["upsertBucket"]["bucket"])


@pytest_asyncio.fixture(loop_scope="session")
async def run(alice: Caller) -> Running:
    """A run of alice's."""
    return await begun(alice)


async def test_everything_at_once(run: Running):
    """The last request of a short run."""
    answer = await run.send(
        files={
            HISTORY: lines({"_step": 0, "loss": 1}, {"_step": 1, "loss": 0.5}),
            EVENTS: lines({"system.cpu": 1.5, "_runtime": 2}),
            SUMMARY: lines({"loss": 0.5, "_step": 1}),
            OUTPUT: lines("one", "two"),
        },
        uploaded=["config.yaml"],
        complete=True,
        exitcode=0,
    )
    assert answer == {}
    shown = await run.shown()
    shown.pop("historyKeys")
    assert shown == {
        "state": "finished",
        "summaryMetrics": '{"loss":0.5,"_step":1}',
        "systemMetrics": '{"_runtime":2,"system.cpu":1.5}',
        "historyLineCount": 2,
        "eventsLineCount": 1,
        "logLineCount": 2,
        "history": ['{"_step": 0, "loss": 1}', '{"_step": 1, "loss": 0.5}'],
        "events": ['{"system.cpu": 1.5, "_runtime": 2}'],
        "stopped": False,
        "output": ["one", "two"],
    }


async def test_a_sign_of_life(run: Running):
    assert await run.send() == {}
    assert await run.send(files=None, uploaded=None, complete=None, exitcode=None, preempting=None) == {}
    assert (await run.shown())["state"] == "running"


async def test_lines_have_their_places(run: Running):
    """Sent again, they change nothing; those that are sent for the same place replace what was there."""
    await run.send(files={HISTORY: lines({"_step": 0}, {"_step": 1}), OUTPUT: lines("10 %")})
    await run.send(files={HISTORY: lines({"_step": 0}, {"_step": 1}), OUTPUT: lines("100 %", "done")})
    await run.send(files={HISTORY: lines({"_step": 2}, offset=2)})
    shown = await run.shown()
    assert [json.loads(line)["_step"] for line in shown["history"]] == [0, 1, 2]
    assert shown["historyKeys"]["keys"]["_step"]["typeCounts"] == [{"type": "number", "count": 3}]
    assert shown["output"] == ["100 %", "done"]


async def test_a_summary_replaces_the_one_before(run: Running):
    await run.send(files={SUMMARY: lines({"a": 1, "b": 2})})
    await run.send(files={SUMMARY: lines({"b": 3})})
    assert (await run.shown())["summaryMetrics"] == '{"b":3}'
    await run.send(files={SUMMARY: lines()})
    assert (await run.shown())["summaryMetrics"] == '{"b":3}'


async def test_what_is_no_number_and_no_text(run: Running):
    """Lines hold NaN and infinities, which are no JSON; a program may print halves of surrogate pairs and NUL."""
    body = b"""{"files": {
        "wandb-history.jsonl": {"offset": 0, "content": ["{\\"_step\\":0,\\"x\\":NaN,\\"y\\":-Infinity}"]},
        "wandb-summary.json": {"offset": 0, "content": ["{\\"x\\":NaN,\\"t\\":\\"a\\\\u0000b\\\\ud800\\"}"]},
        "output.log": {"offset": 0, "content": ["a\\u0000b", "\\ud83d", "\\ud83d\\ude00"]}}}"""
    assert (await run.post(body)).status_code == 200
    shown = await run.shown()
    assert shown["history"] == ['{"_step":0,"x":NaN,"y":-Infinity}']
    assert json.loads(shown["summaryMetrics"]) == {"t": "a�b�", "x": "NaN"}
    assert shown["output"] == ["a�b", "�", "😀"]
    assert shown["historyKeys"]["keys"]["x"] == {
        "typeCounts": [{"type": "number", "count": 1}],
        "previousValue": "NaN",
    }


async def test_lines_that_are_no_json(run: Running):
    """They are kept as they are; a history has no place among its steps for them."""
    await run.send(files={HISTORY: lines("what?", {"_step": 3}), EVENTS: lines("", "[]")})
    shown = await run.shown()
    assert shown["history"] == ["what?", '{"_step": 3}']
    assert (shown["historyKeys"]["lastStep"], shown["systemMetrics"]) == (3, "{}")


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"complete": True, "exitcode": 0}, "finished"),
        ({"complete": True}, "finished"),
        ({"complete": True, "exitcode": 1}, "failed"),
        ({"complete": True, "exitcode": 2**40}, "failed"),
        ({"complete": False, "exitcode": 1}, "running"),
        ({"preempting": True}, "preempting"),
        ({"preempting": True, "complete": True, "exitcode": 0}, "finished"),
    ],
)
async def test_how_it_ends(run: Running, body: dict[str, object], state: str):
    await run.send(**body)
    assert (await run.shown())["state"] == state


async def test_other_files_and_other_keys_are_left_alone(run: Running):
    """A later release may have more to say."""
    answer = await run.send(files={"wandb-new.jsonl": {"offset": "x"}, OUTPUT: {"content": None}}, novelty={"a": [1]})
    assert answer == {}
    assert (await run.shown())["logLineCount"] == 0


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
async def test_packed(run: Running, coding: str):
    """What the client sends when it is told that `FILESTREAM_GZIP` is offered."""
    body = gzip.compress(json.dumps({"files": {OUTPUT: lines("x" * 100_000)}}).encode())
    assert (await run.post(body, **{"Content-Encoding": coding})).json() == {}
    assert (await run.shown())["output"] == ["x" * 100_000]


async def test_ten_megabytes(db: Database, alice: Caller):
    """The most that a client of 0.31.0 sends at once; other bodies of JSON are smaller."""
    rows = [json.dumps({"_step": step, "text": "x" * 10_000}) for step in range(1000)]
    async with client_of(db) as client:
        run = await begun(Caller(alice.person, client))
        assert await run.send(files={HISTORY: lines(*rows)}) == {}
        assert (await run.shown())["historyLineCount"] == 1000


WRONG: dict[str, bytes] = {
    "no JSON": b"{",
    "nothing": b"",
    "no object": b"[]",
    "not in UTF-8": b'{"files": "\xff"}',
    "nested deeply": b"[" * 100_000,
    "files of another form": b'{"files": []}',
    "a file of another form": b'{"files": {"output.log": []}}',
    "lines of another form": b'{"files": {"output.log": {"content": "x"}}}',
    "lines that are none": b'{"files": {"output.log": {"content": [1]}}}',
    "a place that is none": b'{"files": {"output.log": {"offset": "0", "content": ["x"]}}}',
    "a place before the first": b'{"files": {"output.log": {"offset": -1, "content": ["x"]}}}',
    "a place that is true": b'{"files": {"output.log": {"offset": true, "content": ["x"]}}}',
    "a place beyond all": b'{"files": {"output.log": {"offset": 99999999999999999999, "content": ["x"]}}}',
    "a place at the end": b'{"files": {"output.log": {"offset": 2147483647, "content": ["x"]}}}',
    "a summary that is none": b'{"files": {"wandb-summary.json": {"content": ["[]"]}}}',
    "a summary that is no JSON": b'{"files": {"wandb-summary.json": {"content": ["{"]}}}',
    "an end that is none": b'{"complete": "yes"}',
    "a code that is none": b'{"complete": true, "exitcode": "1"}',
    "a code that is a fraction": b'{"complete": true, "exitcode": 1.5}',
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
async def test_what_can_not_be(run: Running, body: bytes):
    """400 in the client's form, and nothing of it is kept."""
    answer = await run.post(body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["data"] is None
    assert answer.json()["errors"][0]["message"]
    shown = await run.shown()
    assert (shown["logLineCount"], shown["state"], shown["summaryMetrics"]) == (0, "running", "{}")


async def test_nothing_is_half_done(run: Running):
    files = {HISTORY: lines({"_step": 0}), OUTPUT: lines("x"), SUMMARY: lines("[]")}
    assert (await run.post(json.dumps({"files": files}).encode())).status_code == 400
    shown = await run.shown()
    assert (shown["history"], shown["output"]) == ([], [])


PACKED = gzip.compress(b'{"files": {}}')
WRONGLY_PACKED: dict[str, tuple[str, bytes]] = {
    "no gzip": ("gzip", b"{}"),
    "nothing": ("gzip", b""),
    "not whole": ("gzip", PACKED[:-1]),
    "altered": ("gzip", PACKED[:-5] + b"x" + PACKED[-4:]),
    "another way": ("br", b"{}"),
    "several ways": ("gzip, gzip", PACKED),
    "deflate": ("deflate", zlib.compress(b"{}")),
}


@pytest.mark.parametrize(("coding", "body"), WRONGLY_PACKED.values(), ids=WRONGLY_PACKED.keys())
async def test_what_can_not_be_unpacked(run: Running, coding: str, body: bytes):
    assert (await run.post(body, **{"Content-Encoding": coding})).status_code == 400


async def test_too_much(db: Database, alice: Caller):
    """Also when it is little as long as it is packed."""
    settings = Settings(external_url="http://pinakes.test", access_log=False, max_body_bytes=100_000)
    async with client_of(db, settings, wandb) as client:
        run = await begun(Caller(alice.person, client))
        body = b'{"files": {}}' + b" " * 200_000
        assert (await run.post(gzip.compress(body), **{"Content-Encoding": "gzip"})).status_code == 413
        assert (await run.post(body)).status_code == 413
        body = body[:90_000]
        assert (await run.post(gzip.compress(body), **{"Content-Encoding": "gzip"})).status_code == 200


@pytest.mark.parametrize("name", ["Ünïcode run", "a+b", "run.1", "100&%2".replace("%", "!"), "日本", "x" * 128])
async def test_names_are_found_as_they_were_answered(alice: Caller, name: str):
    """0.31.0 makes the path of what `UpsertBucket` answered, with its characters escaped."""
    run = await begun(alice, name, project=unique(f"Project {name[:60]}"))
    assert await run.send(complete=True) == {}
    assert (await run.shown())["state"] == "finished"


async def test_an_entity_that_was_not_named(alice: Caller):
    run = await begun(alice, entity=None)
    assert run.entity == alice.name
    assert await run.send() == {}


async def test_what_is_not_there(world: World, run: Running, bob: Caller):
    """404 for whoever may not know of the run, too."""
    for other in (
        run.path.replace(run.name, "nope"),
        run.path.replace(run.project, "nope"),
        run.path.replace(run.entity, "nobody-at-all"),
        run.path.replace(run.name, "%00"),
        run.path.replace(run.name, "%ed%a0%80"),
    ):
        answer = await run.caller.client.post(other, json={}, headers=run.caller.headers)
        assert answer.status_code == 404, other
    answer = await bob.client.post(run.path, json={}, headers=bob.headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "project_not_found")
    assert (await world.nobody.client.post(run.path, json={})).status_code in {401, 404}
    wrong = {"Authorization": "Basic " + "YXBpOm5vbnNlbnNl"}
    assert (await bob.client.post(run.path, json={}, headers=wrong)).status_code == 401


async def test_a_run_that_was_deleted(run: Running):
    bucket = (await run.caller.ask(sent("Run", LIGHT), project=run.project, entity=run.entity, name=run.name))[
        "project"
    ]
    await run.caller.ask(sent("DeleteRun", "$deleteArtifacts"), id=bucket["run"]["id"])
    assert (await run.post(b"{}")).status_code == 404


async def test_many_at_once(run: Running):
    """The client sends one after the other, but several processes may write the same run."""
    sends = [run.send(files={OUTPUT: lines(str(number), offset=number)}) for number in range(12)]
    assert await asyncio.gather(*sends) == [{}] * 12
    assert (await run.shown())["output"] == [str(number) for number in range(12)]


async def test_a_clash_is_tried_again(run: Running, monkeypatch: pytest.MonkeyPatch):
    """Nothing was done then; only when it happens again and again, the client is asked to wait."""
    left, tried = [2], rooms.stream

    async def clashing(*given: Any) -> Streamed:  # noqa: ANN401 - as the verb takes them
        assert isinstance(given[-1], RunStream)
        if left[0]:
            left[0] -= 1
            raise Conflict
        return await tried(*given)

    monkeypatch.setattr(rooms, "stream", clashing)
    monkeypatch.setattr(streams, "PAUSES", (0.0, 0.0, 0.0))
    assert await run.send() == {}
    left[0] = 100
    answer = await run.post(b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_other_methods(run: Running):
    answer = await run.caller.client.get(run.path, headers=run.caller.headers)
    assert answer.status_code == 405
