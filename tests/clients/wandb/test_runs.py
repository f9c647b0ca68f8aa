"""Runs with the real client: begun, logged, resumed and ended; read, edited, stopped and deleted by the public API."""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import wandb

from clients.wandb.lab import Desk, Person, unique

QUICKLY = 20.0  # what the client takes for final; anything else it tries again for longer


def rows(desk: Desk, name: str, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as the client takes them
    """The whole history of a run."""
    return list(desk.api().run(f"{desk.path}/{name}").scan_history(**given))


def sample(desk: Desk, name: str, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as the client takes them
    """Some of the history of a run."""
    found = desk.api().run(f"{desk.path}/{name}").history(**given, pandas=False)
    assert isinstance(found, list)
    return found


class TestLogin:
    def test_a_key(self, desk: Desk):
        assert wandb.login(verify=True)
        viewer = desk.api().viewer
        assert (viewer.username, desk.api().default_entity) == (desk.person.name, desk.person.name)

    def test_a_key_that_is_none_of_ours(self, desk: Desk):
        with pytest.raises(Exception, match="not valid"):
            wandb.login(key="x" * 40, host=desk.lab.url, verify=True, relogin=True)


class TestARun:
    def test_its_whole_life(self, desk: Desk):
        config = {"lr": 0.1, "net": {"depth": 3, "names": ["a", "b"]}, "none": None, "ünïcode": "日本"}
        given = {"name": "A run", "notes": "why", "tags": ["b", "a"], "group": "g", "job_type": "train"}
        with desk.init(config=config, **given) as run:
            for step in range(20):
                run.log({"loss": 1 / (step + 1), "sub": {"value": step}, "word": "x"})
            run.summary["best"] = 0.05
            run.config["late"] = 5
        assert (run.entity, run.project, run.name) == (desk.team.name, desk.project, "A run")
        assert run.url == f"{desk.lab.url}/{desk.path}/runs/{run.id}"
        found = desk.api().run(f"{desk.path}/{run.id}")
        assert found.state == "finished"
        assert found.config == {**config, "late": 5}
        assert (found.name, found.notes, found.group, found.job_type) == ("A run", "why", "g", "train")
        assert sorted(found.tags) == ["a", "b"]
        assert found.user.username == desk.person.name
        assert (found.entity, found.project, found.id) == (desk.team.name, desk.project, run.id)
        assert (found.summary["loss"], found.summary["best"], found.summary["sub"]["value"]) == (0.05, 0.05, 19)
        assert found.lastHistoryStep == 19
        assert found.readOnly is False

    def test_it_has_a_name_when_nobody_gives_one(self, desk: Desk):
        with desk.init() as first:
            pass
        with desk.init() as second:
            pass
        assert str(first.name).endswith("-1")
        assert str(second.name).endswith("-2")
        assert first.id != second.id

    def test_names_with_everything_that_they_may_have(self, desk: Desk):
        """The file stream finds the run by the very names that beginning it answered."""
        project = unique("Ein Projekt ä+&")
        with wandb.init(entity=desk.team.name.upper(), project=project, id="run é 1+2&3") as run:
            run.log({"x": 1})
        found = desk.api().run(f"{desk.team.name}/{project}/run é 1+2&3")
        assert (found.state, found.summary["x"]) == ("finished", 1)

    def test_without_an_entity(self, desk: Desk):
        """It goes where its user works: to himself, when he says nothing else."""
        with wandb.init(project="mine") as run:
            run.log({"x": 1})
        assert run.entity == desk.person.name
        assert desk.api().run(f"{desk.person.name}/mine/{run.id}").summary["x"] == 1

    @pytest.mark.parametrize("code", [1, 255])
    def test_one_that_fails(self, desk: Desk, code: int):
        run = desk.init(id="bad")
        run.log({"x": 1})
        run.finish(exit_code=code)
        assert desk.api().run(f"{desk.path}/bad").state == "failed"

    def test_one_that_raises(self, desk: Desk):
        with pytest.raises(ZeroDivisionError), desk.init(id="bad"):
            _ = 1 / 0
        assert desk.api().run(f"{desk.path}/bad").state == "failed"

    def test_several_at_once(self, desk: Desk):
        first, second = desk.init(id="one", reinit="create_new"), desk.init(id="two", reinit="create_new")
        for step in range(5):
            first.log({"x": step})
            second.log({"x": -step})
        first.finish()
        second.finish()
        assert [row["x"] for row in rows(desk, "one")] == [0, 1, 2, 3, 4]
        assert [row["x"] for row in rows(desk, "two")] == [0, -1, -2, -3, -4]

    def test_offline_and_sent_later(self, desk: Desk):
        with desk.init(id="later", mode="offline", config={"a": 1}) as run:
            run.log({"x": 1})
            run.log({"x": 2})
            folder = Path(run.dir).parent
        desk.cli("sync", str(folder))
        found = desk.api().run(f"{desk.path}/later")
        assert (found.state, found.config, [row["x"] for row in found.scan_history()]) == ("finished", {"a": 1}, [1, 2])

    def test_an_alert(self, desk: Desk):
        with desk.init(id="loud") as run:
            run.alert("Loss is NaN", "since step 3", level="ERROR")
        assert desk.api().run(f"{desk.path}/loud").state == "finished"

    def test_metrics_that_were_defined(self, desk: Desk):
        with desk.init(id="defined") as run:
            run.define_metric("loss", summary="min")
            for step in range(5):
                run.log({"loss": abs(2 - step), "val/a": step})
        assert dict(desk.api().run(f"{desk.path}/defined").summary["loss"]) == {"min": 0}
        assert [one.id for one in desk.api().runs(desk.path, filters={"summary_metrics.loss.min": 0})] == ["defined"]


class TestResuming:
    def test_it_goes_on_where_it_was(self, desk: Desk):
        with desk.init(id="long", config={"a": 1, "b": {"c": 2}}, tags=["x"], notes="n") as run:
            for step in range(3):
                run.log({"loss": step})
        with desk.afresh() as there, there.init(id="long", resume="must", config={"d": 4}) as run:
            assert run.resumed
            assert run.starting_step == 3
            assert run.summary["loss"] == 2
            assert run.config["a"] == 1
            assert (run.tags, run.notes) == (("x",), "n")
            run.log({"loss": 10})
        found = desk.api().run(f"{desk.path}/long")
        assert [(row["_step"], row["loss"]) for row in found.scan_history()] == [(0, 0), (1, 1), (2, 2), (3, 10)]
        assert found.config == {"a": 1, "b": {"c": 2}, "d": 4}
        assert (found.state, found.summary["loss"]) == ("finished", 10)

    def test_one_that_failed_runs_again(self, desk: Desk):
        run = desk.init(id="long")
        run.finish(exit_code=1)
        with desk.init(id="long", resume="allow") as run:
            assert desk.api().run(f"{desk.path}/long").state == "running"
        assert desk.api().run(f"{desk.path}/long").state == "finished"

    def test_one_that_logged_nothing(self, desk: Desk):
        with desk.init(id="empty", resume="allow") as run:
            assert not run.resumed
        with desk.init(id="empty", resume="allow") as run:
            assert run.resumed
            assert run.starting_step == 0

    def test_what_is_not_there(self, desk: Desk):
        with pytest.raises(wandb.Error, match="has not been initialized"):
            desk.init(id="nope", resume="must")

    def test_what_shall_not_be_there(self, desk: Desk):
        with desk.init(id="long") as run:
            run.log({"x": 1})
        with pytest.raises(wandb.Error, match="already exists"):
            desk.init(id="long", resume="never")

    def test_there_is_no_way_back(self, desk: Desk):
        """Rewinding is not offered, and that is said at once."""
        with desk.init(id="long") as run:
            run.log({"x": 1})
        began = time.monotonic()
        with pytest.raises(wandb.Error, match="does not rewind runs"):
            desk.init(resume_from="long?_step=0")
        assert time.monotonic() - began < QUICKLY

    def test_shared_mode_is_not_offered(self, desk: Desk):
        began = time.monotonic()
        with pytest.raises(wandb.Error, match="does not offer shared mode"):
            desk.init(settings=wandb.Settings(mode="shared", x_primary=True, x_label="one"))
        assert time.monotonic() - began < QUICKLY


def test_wandb_verify(desk: Desk):
    """The client's own look at a server: all that we offer passes. It wants https besides, and sweeps."""
    command = [sys.executable, "-m", "wandb", "verify", "--host", desk.lab.url]
    environment = desk.environment()
    done = subprocess.run(command, env=environment, cwd=desk.folder, capture_output=True, text=True, check=False)
    passed = {line.partition("...")[0] for line in done.stdout.splitlines() if line.endswith("✅")}
    assert passed >= {
        "Checking if logged in",
        "Checking signed URL upload",
        "Checking ability to send large payloads through proxy",
        "Checking wandb package version is up to date",
        "Checking logged metrics, saving and downloading a file",
        "Checking artifact save and download workflows",
    }, done.stdout + done.stderr
    assert "Sweeps are not offered by this server" in done.stdout


class TestRefused:
    """With the server's own words, and at once."""

    def refused(self, desk: Desk, words: str, **given: Any) -> None:  # noqa: ANN401 - as the client takes them
        began = time.monotonic()
        with pytest.raises(wandb.Error, match=words):
            desk.init(**given)
        assert time.monotonic() - began < QUICKLY

    def test_an_owner_that_is_not_there(self, desk: Desk):
        self.refused(desk, "no user, team or organization 'nobody-at-all'", entity="nobody-at-all")

    def test_a_name_that_is_too_long(self, desk: Desk):
        self.refused(desk, "1 to 128 printable characters", id="x" * 129)

    def test_a_team_of_others(self, desk: Desk, bob: Person):
        with desk.as_(bob) as his:
            self.refused(his, "project:write")

    def test_a_key_that_is_none_of_ours(self, desk: Desk):
        code = f"import wandb; wandb.init(entity={desk.team.name!r}, project='x')"
        began = time.monotonic()
        with pytest.raises(AssertionError, match="not valid"):
            desk.python(code, WANDB_API_KEY="x" * 40)
        assert time.monotonic() - began < QUICKLY


class TestHistory:
    @pytest.fixture
    def logged(self, desk: Desk) -> Desk:
        """A place with a run of ten rows, one step in three; some have more in them."""
        with desk.init(id="run") as run:
            for step in range(0, 30, 3):
                run.log({"loss": 1 / (step + 1), **({"odd": step} if step % 2 else {})}, step=step)
        return desk

    def test_samples(self, logged: Desk):
        assert [row["_step"] for row in sample(logged, "run", samples=4)] == [0, 9, 18, 27]
        assert len(sample(logged, "run", samples=1_000_000)) == 10

    def test_samples_of_keys(self, logged: Desk):
        found = sample(logged, "run", keys=["odd"], samples=3)
        assert found == [{"_step": 3, "odd": 3}, {"_step": 15, "odd": 15}, {"_step": 27, "odd": 27}]

    @pytest.mark.parametrize("page_size", [1, 4, 7, 1000])
    def test_all_of_it(self, logged: Desk, page_size: int):
        """Each row once, whatever the pages are; with keys, the client asks in another way."""
        found = rows(logged, "run", page_size=page_size)
        assert [row["_step"] for row in found] == list(range(0, 30, 3))
        found = rows(logged, "run", page_size=page_size, keys=["loss"])
        assert [round(1 / row["loss"]) - 1 for row in found] == list(range(0, 30, 3))
        found = rows(logged, "run", page_size=page_size, keys=["odd", "_step"])
        assert [(row["_step"], row["odd"]) for row in found] == [(step, step) for step in (3, 9, 15, 21, 27)]

    def test_some_steps_of_it(self, logged: Desk):
        """From a step up to, not including, another."""
        for keys in (None, ["_step", "loss"]):
            found = rows(logged, "run", min_step=3, max_step=12, page_size=5, keys=keys)
            assert [row["_step"] for row in found] == [3, 6, 9]

    def test_what_is_no_number(self, desk: Desk):
        with desk.init(id="run") as run:
            run.log({"x": float("nan"), "y": math.inf, "z": -math.inf, "big": 2**70, "none": None})
        (row,) = rows(desk, "run")
        assert math.isnan(float(row["x"]))
        assert (float(row["y"]), float(row["z"]), float(row["big"])) == (math.inf, -math.inf, 2.0**70)
        summary = desk.api().run(f"{desk.path}/run").summary
        assert math.isnan(float(summary["x"]))

    def test_many_rows(self, desk: Desk):
        """More than ten megabytes, in several requests."""
        with desk.init(id="run") as run:
            for step in range(3000):
                run.log({"x": step, "text": "y" * 4000})
        run = desk.api().run(f"{desk.path}/run")
        assert [row["x"] for row in run.scan_history(keys=["x"])] == list(range(3000))
        assert [row["x"] for row in run.scan_history()] == list(range(3000))
        assert run.lastHistoryStep == 2999

    def test_packed(self, desk: Desk):
        """With a hidden switch, the client packs what it streams with gzip."""
        code = """
import wandb
with wandb.init(id="run") as run:
    for step in range(300):
        run.log({"x": step, "text": "y" * 100})
"""
        place = {"WANDB_ENTITY": desk.team.name, "WANDB_PROJECT": desk.project}
        desk.python(code, person=None, **place, WANDB_X_FILE_STREAM_NO_GZIP="false")
        assert [row["x"] for row in rows(desk, "run")] == list(range(300))

    def test_a_run_without_one(self, desk: Desk):
        with desk.init(id="run"):
            pass
        last = desk.api().run(f"{desk.path}/run").lastHistoryStep
        assert (last, sample(desk, "run"), rows(desk, "run")) == (-1, [], [])

    def test_the_machine(self, desk: Desk):
        """System metrics, and where it ran."""
        settings = wandb.Settings(x_disable_stats=False, x_disable_machine_info=False, x_stats_sampling_interval=0.1)
        with desk.init(id="run", settings=settings) as run:
            for step in range(5):
                run.log({"x": step})
                time.sleep(0.2)
        run = desk.api().run(f"{desk.path}/run")
        assert "system.cpu" in run.system_metrics
        assert "system.cpu" in sample(desk, "run", stream="system")[-1]
        assert "python" in (run.metadata or {})


class TestConsole:
    def test_what_it_printed(self, desk: Desk):
        code = """
import os, sys, wandb
with wandb.init(id="run"):
    print("one é")
    print("two", file=sys.stderr)
    print("three")
"""
        desk.python(code, WANDB_ENTITY=desk.team.name, WANDB_PROJECT=desk.project, WANDB_CONSOLE="wrap")
        document = """query Q($p: String!, $e: String!) { project(name: $p, entityName: $e) { run(name: "run") {
            logLines(first: 10) { edges { node { number line level timestamp } } } } } }"""
        found = desk.person.graphql(document, p=desk.project, e=desk.team.name)["project"]["run"]["logLines"]["edges"]
        said = [edge["node"] for edge in found if edge["node"]["line"] in {"one é", "two", "three"}]
        assert {(line["line"], line["level"]) for line in said} == {("one é", None), ("two", "error"), ("three", None)}
        assert all(line["timestamp"].endswith("Z") for line in said)
        run = desk.api().run(f"{desk.path}/run")
        if hasattr(run, "console_logs"):  # since 0.29
            lines = list(run.console_logs(per_page=1))
            assert {line.content for line in lines} >= {"one é", "two", "three"}
            assert [line.number for line in run.console_logs(last=2)] == [line.number for line in lines][-2:]


class TestFiles:
    def test_what_it_sends_at_its_end(self, desk: Desk):
        with desk.init(id="run", config={"a": 1}) as run:
            run.log({"x": 1})
        found = {file.name: file for file in desk.api().run(f"{desk.path}/run").files()}
        assert found.keys() >= {"config.yaml", "wandb-summary.json"}
        assert found["wandb-summary.json"].mimetype == "application/json"
        with found["wandb-summary.json"].download(root=str(desk.folder / "there")) as file:
            assert json.load(file)["x"] == 1

    def test_saved_ones(self, desk: Desk):
        (desk.folder / "sub").mkdir()
        for name in ("a é.txt", "sub/b.txt", "sub/c.json"):
            (desk.folder / name).write_text(name, encoding="utf-8")
        with desk.init(id="run") as run:
            run.save(str(desk.folder / "*.txt"), base_path=str(desk.folder))
            run.save(str(desk.folder / "sub" / "*"), base_path=str(desk.folder), policy="now")
        run = desk.api().run(f"{desk.path}/run")
        names = {file.name for file in run.files(per_page=2)}
        assert names >= {"a é.txt", "sub/b.txt", "sub/c.json"}
        assert len(run.files()) == len(names)
        assert [file.name for file in run.files(pattern="sub/%.txt")] == ["sub/b.txt"]
        assert [file.name for file in run.files(names=["sub/c.json", "a é.txt"])] == ["a é.txt", "sub/c.json"]
        file = run.file("a é.txt")
        assert file.size == len("a é.txt".encode())
        with file.download(root=str(desk.folder / "there")) as content:
            assert content.read() == "a é.txt"

    def test_media(self, desk: Desk):
        with desk.init(id="run") as run:
            run.log({"page": wandb.Html("<b>x</b>"), "bars": wandb.Histogram([1, 2, 2])})
        run = desk.api().run(f"{desk.path}/run")
        (row,) = run.scan_history()
        assert row["bars"]["_type"] == "histogram"
        assert [file.name for file in run.files(pattern="media/%")] == [row["page"]["path"]]

    def test_sent_by_the_public_api(self, desk: Desk):
        """It is there at once, and the run is not resurrected by it."""
        with desk.init(id="run"):
            pass
        (desk.folder / "later.txt").write_text("later")
        run = desk.api().run(f"{desk.path}/run")
        file = run.upload_file(str(desk.folder / "later.txt"), root=str(desk.folder))
        assert (file.name, file.size) == ("later.txt", 5)
        again = desk.api().run(f"{desk.path}/run")
        assert again.state == "finished"
        again.file("later.txt").delete()
        assert [file.name for file in desk.api().run(f"{desk.path}/run").files(pattern="later%")] == []


class TestThePublicApi:
    @pytest.fixture
    def three(self, desk: Desk) -> Desk:
        """A place with three runs: b, a, c, in the order of their making."""
        for name, config, code in (("b", {"lr": 0.1}, 0), ("a", {"lr": 0.5, "net": {"depth": 3}}, 0), ("c", {}, 1)):
            run = desk.init(id=name, config=config, tags=[f"tag-{name}"], group="g", job_type=name, name=f"Run {name}")
            run.log({"loss": len(config)})
            run.finish(exit_code=code)
        return desk

    def found(self, desk: Desk, filters: dict[str, Any] | None = None, order: str = "+created_at") -> list[str]:
        listed = desk.api().runs(desk.path, filters=filters, order=order, per_page=2)
        names = [run.id for run in listed]
        assert len(listed) == len(names)
        return names

    def test_lists(self, three: Desk):
        assert self.found(three) == ["b", "a", "c"]
        assert self.found(three, order="-created_at") == ["c", "a", "b"]
        assert self.found(three, order="-config.lr.value") == ["a", "b", "c"]
        assert self.found(three, order="+summary_metrics.loss") == ["c", "b", "a"]

    def test_filters(self, three: Desk):
        for filters, names in (
            ({"state": "finished"}, ["b", "a"]),
            ({"config.lr": 0.5}, ["a"]),
            ({"config.lr.value": {"$lt": 0.5}}, ["b"]),
            ({"config.net.depth": 3}, ["a"]),
            ({"summary_metrics.loss": {"$gte": 1}}, ["b", "a"]),
            ({"tags": {"$in": ["tag-a", "tag-c"]}}, ["a", "c"]),
            ({"$or": [{"displayName": "Run b"}, {"jobType": "c"}]}, ["b", "c"]),
            ({"group": "g", "username": three.person.name}, ["b", "a", "c"]),
            ({"display_name": {"$regex": "^Run [bc]$"}}, ["b", "c"]),
            ({"name": "nope"}, []),
        ):
            assert self.found(three, filters) == names, filters

    def test_filters_that_can_not_be(self, three: Desk):
        began = time.monotonic()
        with pytest.raises(Exception, match="There is no field 'stat'"):
            len(three.api().runs(three.path, filters={"stat": "finished"}))
        with pytest.raises(Exception, match="There is no field 'nothing'"):
            len(three.api().runs(three.path, order="+nothing"))
        assert time.monotonic() - began < QUICKLY

    def test_whole_runs(self, three: Desk):
        listed = three.api().runs(three.path, lazy=False)
        assert [run.config.get("lr") for run in listed] == [0.1, 0.5, None]
        assert [run.summary["loss"] for run in listed] == [1, 2, 0]

    def test_editing(self, three: Desk):
        run = three.api().run(f"{three.path}/a")
        for name, value in (("display_name", "New name"), ("tags", ["new"]), ("notes", "why")):
            setattr(run, name, value)
        run.config["more"] = [1, 2]
        run.summary["best"] = 9
        run.update()
        run = three.api().run(f"{three.path}/a")
        assert (run.name, run.tags, run.notes, run.state) == ("New name", ["new"], "why", "finished")
        assert run.config == {"lr": 0.5, "net": {"depth": 3}, "more": [1, 2]}
        assert (run.summary["best"], run.summary["loss"]) == (9, 2)

    def test_making_one(self, desk: Desk):
        made = desk.api().create_run(run_id="made", project=desk.project, entity=desk.team.name)
        assert (made.id, made.state, made.entity) == ("made", "running", desk.team.name)
        with desk.init(id="made", resume="allow") as run:
            run.log({"x": 1})
        assert desk.api().run(f"{desk.path}/made").summary["x"] == 1

    def test_deleting(self, three: Desk):
        three.api().run(f"{three.path}/a").delete()
        assert self.found(three) == ["b", "c"]
        with pytest.raises(Exception, match="Could not find run"):
            three.api().run(f"{three.path}/a")

    def test_what_is_not_there(self, desk: Desk, bob: Person):
        """Or hidden: for a stranger it is the same."""
        with desk.init(id="run"):
            pass
        with pytest.raises(Exception, match="Could not find run"):
            desk.api().run(f"{desk.path}/nope")
        with pytest.raises(ValueError, match="Could not find project"):
            list(desk.api().runs(f"{desk.team.name}/nope"))
        with desk.as_(bob) as his:
            with pytest.raises(Exception, match="Could not find run"):
                his.api().run(f"{his.path}/run")
            with pytest.raises(ValueError, match="Could not find project"):
                list(his.api().runs(his.path))

    def test_a_state_from_outside(self, three: Desk):
        run = three.api().run(f"{three.path}/c")
        assert run.update_state("pending")
        assert three.api().run(f"{three.path}/c").state == "pending"
        with pytest.raises(Exception, match="A run's state is one of"):
            run.update_state("dancing")

    def test_a_run_of_somebody_who_is_gone(self, desk: Desk, bob: Person):
        desk.lab.join(f"/teams/{desk.team.name}", bob)
        with desk.as_(bob) as his, his.init(id="his") as run:
            run.log({"x": 1})
        desk.lab.admin.made("DELETE", f"/users/{bob.name}")
        assert desk.api().run(f"{desk.path}/his").summary["x"] == 1
        assert [run.summary["x"] for run in desk.api().runs(desk.path, lazy=False)] == [1]

    def test_waiting(self, three: Desk):
        run = three.api().run(f"{three.path}/b")
        run.wait_until_finished()
        assert run.state == "finished"


STOPPED = """
import time, wandb
run = wandb.init(id="long")
print("begun", flush=True)
try:
    for step in range(600):
        run.log({"x": step})
        time.sleep(0.1)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    run.finish(exit_code=255)
"""


class TestStopping:
    def test_a_run_is_told_to_stop(self, desk: Desk):
        """As the web's button does it: the client interrupts its program when it is told."""
        with started(desk, STOPPED) as process:
            stop(desk, "long")
            said = process.communicate(timeout=90)[0]
        assert said.strip() == "interrupted"
        assert desk.api().run(f"{desk.path}/long").state in {"killed", "failed"}

    def test_a_program_that_is_killed(self, desk: Desk):
        """What it had sent is there; it goes on when it is resumed."""
        with started(desk, STOPPED) as process:
            until = time.monotonic() + 60
            while not rows(desk, "long") and time.monotonic() < until:
                time.sleep(0.5)
            os.killpg(process.pid, 9)
            process.wait(timeout=10)
        sent = len(rows(desk, "long"))
        assert sent > 0
        with desk.init(id="long", resume="must") as run:
            run.log({"x": -1})
        found = rows(desk, "long")
        assert [row["x"] for row in found] == [*range(len(found) - 1), -1]
        assert len(found) > sent


class started:  # noqa: N801 - it reads like a function
    """A program in a process of its own, once it has said that it has begun."""

    def __init__(self, desk: Desk, code: str) -> None:
        environment = desk.environment(
            WANDB_ENTITY=desk.team.name, WANDB_PROJECT=desk.project, WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL="1"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            cwd=desk.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> subprocess.Popen[str]:
        assert isinstance(self.process.stdout, io.TextIOBase)
        assert self.process.stdout.readline().strip() == "begun"
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.communicate()


def stop(desk: Desk, name: str) -> None:
    """Ask a run to stop; older releases of the client can't."""
    run = desk.api().run(f"{desk.path}/{name}")
    if hasattr(run, "stop"):
        run.stop()
    else:
        desk.person.graphql("mutation S($id: ID!) { stopRun(input: {id: $id}) { success } }", id=run.storage_id)
