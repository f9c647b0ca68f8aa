"""Queues and jobs over the native API, from an empty collection to accepted labels; and who sees what of it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from factories.media import png
from factories.people import Person, again, join, make_organization, make_user, unique
from pinakes.api.collections import Batch, Collection, Selection
from pinakes.api.common import Page
from pinakes.api.labels import LabelClass
from pinakes.api.media import Count, Dataset, MediaPage, Medium
from pinakes.api.queues import (
    Draft,
    Job,
    JobStatistics,
    Lease,
    LogLine,
    Next,
    Proof,
    Queue,
    QueueItems,
    QueueStatistics,
    Task,
)
from pinakes.api.releases import Project
from pinakes.server.actor import Role
from pinakes.server.db import Database
from support.native import Api, expect, refused

BOX = {"class_name": "car", "geometry_type": "rectangle", "geometry": {"points": {"exterior": [[0, 0], [4, 3]]}}}


@dataclass(frozen=True)
class Crew:
    """An organization's project with items, and people: a manager, a member, two annotators, a reviewer, a viewer."""

    manager: Api
    member: Api
    anna: Api
    ben: Api
    rita: Api
    viewer: Api
    project: Project
    dataset: Dataset
    items: list[int]

    async def selection(self, items: list[int]) -> Collection:
        new = [{"item": item} for item in items]
        body = {"kind": "selection", "project": self.project.id, "title": unique("Hard"), "items": new}
        return expect(await self.member("POST", "/collections", json=body), 201, Collection)

    async def queue(self, **more: object) -> Queue:
        body = {"name": unique("Queue"), "labelers": [name(self.anna), name(self.ben)], "reviewers": [name(self.rita)]}
        return expect(await self.manager("POST", "/queues", json={**body, **more}), 201, Queue)


def name(api: Api) -> str:
    assert api.person is not None
    return api.person.name


def job_of(queue: Queue, api: Api, part: str = "annotate") -> int:
    return next(one.job for one in queue.people if one.user == name(api) and one.part == part)


async def take(api: Api, job: int) -> Next:
    return expect(await api("POST", f"/jobs/{job}/next"), 200, Next)


async def taken(api: Api, job: int) -> int:
    found = (await take(api, job)).given
    assert found is not None
    return found.item


@pytest.fixture(scope="module")
async def crew(client: httpx2.AsyncClient, db: Database) -> Crew:
    root = await make_user(db, "root", admin=True)
    org = await make_organization(db, root)
    roles = (Role.MANAGER, Role.MEMBER, Role.ANNOTATOR, Role.ANNOTATOR, Role.REVIEWER, Role.VIEWER)
    people: list[Person] = []
    for role in roles:
        person = await make_user(db, role.value.replace("_", "-"))
        await join(db, org, person, role)
        people.append(await again(db, person))
    manager, member, anna, ben, rita, viewer = [Api(client, person) for person in people]
    body = {"name": unique("road"), "data_type": "images", "owner": org.name}
    project = expect(await member("POST", "/projects", json=body), 201, Project)
    dataset = expect(await member("POST", "/datasets", json={"project": project.id, "name": "ds"}), 201, Dataset)
    items = [
        expect(await member("PUT", f"/uploads/{dataset.id}/{n}.png", content=png(n)), 201, Medium).id for n in range(4)
    ]
    classes = {"project": project.id, "classes": [{"name": "car"}]}
    expect(await member("POST", "/label-classes", json=classes), 201, Page[LabelClass])
    return Crew(manager, member, anna, ben, rita, viewer, project, dataset, items)


async def test_from_an_empty_collection_to_accepted_labels(crew: Crew):
    """Story A, natively: S1-41 to S1-45."""
    queue, first = await _worked_off(crew)
    await _told_of(crew, queue, first)


async def _worked_off(crew: Crew) -> tuple[Queue, int]:
    """One item through all hands, rejected once; return it with its queue."""
    selection = await crew.selection([])
    queue = await crew.queue(collection=selection.id)
    assert (queue.status, queue.collection, queue.dataset) == ("pending", selection.id, None)
    assert queue.counts is not None
    assert queue.counts.items == 0
    anna, ben, rita = job_of(queue, crew.anna), job_of(queue, crew.ben), job_of(queue, crew.rita, "review")
    assert (await take(crew.anna, anna)).given is None
    body = {"items": [{"item": item} for item in (*crew.items[:3], 2**31 - 1)]}
    added = expect(await crew.member("POST", f"/collections/{selection.id}/entries", json=body), 200, Batch)
    assert [one.outcome for one in added.results] == ["added"] * 3 + ["unknown"]
    counts = expect(await crew.manager("GET", f"/queues/{queue.id}"), 200, Queue).counts
    assert counts is not None
    assert (counts.items, counts.pending) == (3, 3)

    first, second = await taken(crew.anna, anna), await taken(crew.ben, ben)
    assert [first, second] == crew.items[:2]
    assert await taken(crew.anna, anna) == first
    lease = expect(await crew.anna("POST", f"/jobs/{anna}/items/{first}/heartbeat"), 200, Lease)
    assert lease.lease_until is not None
    refused(await crew.ben("POST", f"/jobs/{ben}/items/{first}/heartbeat"), 409, "lease_lost", "item_id")

    body = {"annotation": {"figures": [BOX]}}
    task = expect(await crew.anna("POST", f"/jobs/{anna}/items/{first}/submit", json=body), 200, Task)
    assert task.state == "done"
    skipped = await crew.ben("POST", f"/jobs/{ben}/items/{second}/skip", json={"comment": "dark"})
    assert expect(skipped, 200, Task).state is None
    review = await take(crew.rita, rita)
    assert review.given is not None
    assert review.annotation is not None
    assert (review.given.item, len(review.annotation.figures)) == (first, 1)
    rejected = await crew.rita("POST", f"/jobs/{rita}/reject", json={"items": [first], "comment": "wider"})
    assert [one.state for one in expect(rejected, 200, Page[Task]).rows] == ["rejected"]
    back = await take(crew.anna, anna)
    assert back.given is not None
    assert (back.given.item, back.given.state) == (first, "rejected")
    expect(await crew.anna("POST", f"/jobs/{anna}/submit", json={"items": [first]}), 200, Page[Task])
    assert await taken(crew.rita, rita) == first
    accepted = await crew.rita("POST", f"/jobs/{rita}/accept", json={"items": [first]})
    assert [one.state for one in expect(accepted, 200, Page[Task]).rows] == ["accepted"]

    return queue, first


async def _told_of(crew: Crew, queue: Queue, first: int) -> None:
    """What lists, statistics, the log and the proof say of it."""
    page = expect(await crew.manager("GET", f"/queues/{queue.id}/items"), 200, QueueItems)
    assert page.total == 3
    assert {row.item: row.state for row in page.rows}[first] == "accepted"
    only = await crew.manager("GET", f"/queues/{queue.id}/items", params={"state": ["waiting"], "limit": 1})
    assert expect(only, 200, QueueItems).total == 2
    stats = expect(await crew.manager("GET", f"/queues/{queue.id}/statistics"), 200, QueueStatistics)
    assert (stats.counts.accepted, stats.rejections) == (1, 1)
    assert {one.user for one in stats.people} >= {name(crew.anna), name(crew.rita)}
    table = await crew.manager("GET", f"/queues/{queue.id}/statistics.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert len([*csv.reader(io.StringIO(table.text))]) >= 2
    log = expect(await crew.manager("GET", f"/queues/{queue.id}/log", params={"item": first}), 200, Page[LogLine])
    assert {row.actor for row in log.rows} == {name(crew.anna), name(crew.rita)}
    proofs = expect(await crew.viewer("GET", "/proofs", params={"item": [first]}), 200, Page[Proof]).rows
    assert [(one.labeler, one.reviewer, one.state) for one in proofs] == [
        (name(crew.anna), name(crew.rita), "accepted")
    ]
    anna = job_of(queue, crew.anna)
    mine = expect(await crew.anna("GET", f"/jobs/{anna}/statistics"), 200, JobStatistics)
    assert mine.job.id == anna


async def test_what_leaves_the_collection_leaves_the_queue(crew: Crew):
    """S1-45: whoever has it open is refused, and nothing of what he drew gets lost."""
    selection = await crew.selection(crew.items[:2])
    queue = await crew.queue(collection=selection.id)
    job = job_of(queue, crew.anna)
    item = await taken(crew.anna, job)
    kept = await crew.anna("PUT", f"/jobs/{job}/items/{item}/draft", json={"annotation": {"figures": [BOX]}})
    assert expect(kept, 200, Draft).annotation == {"figures": [BOX]}
    entries = (await crew.member("GET", f"/collections/{selection.id}/entries")).json()["rows"]
    gone = next(row["id"] for row in entries if row["item"]["id"] == item)
    assert (await crew.member("DELETE", f"/collections/{selection.id}/entries/{gone}")).status_code == 204
    answer = await crew.anna("POST", f"/jobs/{job}/items/{item}/submit", json={"annotation": {"figures": []}})
    refused(answer, 422, "item_left_queue", "item_id")
    assert expect(await crew.anna("GET", f"/jobs/{job}/items/{item}/draft"), 200, Draft).item == item
    counts = expect(await crew.manager("GET", f"/queues/{queue.id}"), 200, Queue).counts
    assert counts is not None
    assert counts.items == 1
    assert await taken(crew.anna, job) != item


async def test_a_submit_that_is_refused_changes_no_label(crew: Crew):
    queue = await crew.queue(dataset=crew.dataset.id, lease_seconds=1)
    anna, ben = job_of(queue, crew.anna), job_of(queue, crew.ben)
    item = await taken(crew.anna, anna)
    before = (await crew.member("GET", f"/media/{item}/annotation")).json()["figures"]
    body = {"annotation": {"figures": [BOX, BOX]}}
    answer = await crew.ben("POST", f"/jobs/{ben}/items/{item}/submit", json=body)
    assert answer.status_code in {403, 404, 409}, answer.text
    assert (await crew.member("GET", f"/media/{item}/annotation")).json()["figures"] == before


async def test_changing_a_queue(crew: Crew):
    queue = await crew.queue(dataset=crew.dataset.id)
    settings = {"classes": ["car"], "item_tags": [], "hide_author": True, "extras": {"guide": "Draw"}}
    body = {"name": "Renamed", "settings": settings, "lease_seconds": 60}
    changed = expect(await crew.manager("PATCH", f"/queues/{queue.id}", json=body), 200, Queue)
    assert (changed.name, changed.lease_seconds, changed.settings.classes) == ("Renamed", 60, ["car"])
    assert (changed.settings.hide_author, changed.settings.extras) == (True, {"guide": "Draw"})
    stopped = await crew.manager("POST", f"/queues/{queue.id}/status", json={"status": "stopped"})
    assert expect(stopped, 200, Queue).status == "stopped"
    assert (await take(crew.anna, job_of(queue, crew.anna))).given is None
    first = await crew.manager("POST", f"/queues/{queue.id}/priority", json={"items": [crew.items[3]], "priority": 9})
    assert expect(first, 200, Count).count == 1
    await crew.manager("POST", f"/queues/{queue.id}/status", json={"status": "in_progress"})
    assert await taken(crew.anna, job_of(queue, crew.anna)) == crew.items[3]
    more = await crew.manager("POST", f"/queues/{queue.id}/people", json={"checkers": [name(crew.rita)]})
    assert job_of(expect(more, 200, Queue), crew.rita, "check")
    ended = await crew.manager("POST", f"/queues/{queue.id}/people/remove", json={"jobs": [job_of(queue, crew.anna)]})
    assert name(crew.anna) not in {one.user for one in expect(ended, 200, Queue).people}
    rows = expect(await crew.manager("GET", "/queues", params={"project": crew.project.id}), 200, Page[Queue]).rows
    assert queue.id in {row.id for row in rows}
    assert (await crew.manager("DELETE", f"/queues/{queue.id}")).status_code == 204
    refused(await crew.manager("GET", f"/queues/{queue.id}"), 404, "queue_not_found")


async def test_jobs_without_a_queue(crew: Crew):
    body = {"dataset": crew.dataset.id, "name": "Look", "labelers": [name(crew.anna)], "reviewer": name(crew.rita)}
    (job,) = expect(await crew.manager("POST", "/jobs", json=body), 201, Page[Job]).rows
    assert (job.queue, job.user, job.reviewer, job.counts.items) == (None, name(crew.anna), name(crew.rita), 4)
    items = expect(await crew.anna("GET", f"/jobs/{job.id}/items"), 200, QueueItems)
    assert items.total == 4
    mine = expect(await crew.anna("GET", "/jobs", params={"mine": True}), 200, Page[Job]).rows
    assert job.id in {row.id for row in mine}
    changed = await crew.manager("PATCH", f"/jobs/{job.id}", json={"name": "Look twice", "custom_data": {"a": 1}})
    assert expect(changed, 200, Job).name == "Look twice"
    ended = await crew.manager("POST", f"/jobs/{job.id}/status", json={"status": "completed"})
    assert expect(ended, 200, Job).status == "completed"
    archived = await crew.manager("POST", f"/jobs/{job.id}/archive")
    assert expect(archived, 200, Job).disabled
    assert (await crew.manager("DELETE", f"/jobs/{job.id}")).status_code == 204


async def test_an_annotator_sees_nothing_but_his_items(crew: Crew):
    """In no list, no count and no filter: what his job holds, and what it needs."""
    selection = await crew.selection(crew.items)
    queue = await crew.queue(collection=selection.id, labelers=[name(crew.ben)], reviewers=[])
    job = job_of(queue, crew.ben)
    item = await taken(crew.ben, job)
    others = [one for one in crew.items if one != item]
    assert (await crew.ben("GET", f"/media/{item}")).status_code == 200
    assert (await crew.ben("GET", f"/media/{item}/file")).status_code == 200
    assert (await crew.ben("GET", f"/media/{item}/annotation")).status_code == 200
    assert (await crew.ben("PUT", f"/media/{item}/annotation", json={"figures": [BOX]})).status_code == 200
    listed = await crew.ben("GET", "/media", params={"project": crew.project.id, "total": True})
    seen = {row.id for row in expect(listed, 200, MediaPage).rows}
    assert item in seen
    assert (await crew.ben("GET", f"/queues/{queue.id}")).json()["counts"] is None
    hidden = [one for one in others if one not in seen]
    assert hidden
    for one in hidden:
        for method, path in (
            ("GET", f"/media/{one}"),
            ("GET", f"/media/{one}/file"),
            ("GET", f"/media/{one}/thumbnail"),
            ("GET", f"/media/{one}/annotation"),
            ("PUT", f"/media/{one}/annotation"),
        ):
            answer = await crew.ben(method, path, **({"json": {}} if method == "PUT" else {}))
            assert answer.status_code == 404, (method, path, answer.text)
    refusals = {
        ("GET", f"/collections/{selection.id}"): {404},
        ("GET", f"/queues/{queue.id}/statistics"): {403, 404},
        ("GET", f"/queues/{queue.id}/items"): {403, 404},
        ("GET", f"/queues/{queue.id}/log"): {403, 404},
        ("PUT", f"/uploads/{crew.dataset.id}/x.png"): {403, 404},
        ("DELETE", f"/queues/{queue.id}"): {403, 404},
        ("DELETE", f"/datasets/{crew.dataset.id}"): {403, 404},
    }
    for (method, path), statuses in refusals.items():
        assert (await crew.ben(method, path)).status_code in statuses, (method, path)
    assert (await crew.ben("GET", "/proofs", params={"item": crew.items})).status_code == 404
    proofs = await crew.ben("GET", "/proofs", params={"item": [item]})
    assert {row.labeler for row in expect(proofs, 200, Page[Proof]).rows} <= {name(crew.ben)}


@pytest.mark.parametrize("asker", ["viewer", "anna", "rita"])
async def test_queues_are_made_by_managers(crew: Crew, asker: str):
    api: Api = getattr(crew, asker)
    answer = await api("POST", "/queues", json={"name": "q", "dataset": crew.dataset.id})
    assert answer.status_code in {403, 404}, answer.text


async def test_queues_of_others(crew: Crew, client: httpx2.AsyncClient, db: Database):
    queue = await crew.queue(dataset=crew.dataset.id)
    stranger, nobody = Api(client, await make_user(db)), Api(client, None)
    job = job_of(queue, crew.anna)
    for path in (
        f"/queues/{queue.id}",
        f"/queues/{queue.id}/items",
        f"/queues/{queue.id}/statistics.csv",
        f"/jobs/{job}",
    ):
        assert (await stranger("GET", path)).status_code == 404, path
        assert (await nobody("GET", path)).status_code in {401, 404}, path
    assert (await stranger("POST", f"/jobs/{job}/next")).status_code == 404
    assert (await stranger("GET", "/queues")).json()["rows"] == []
    assert (await nobody("GET", "/queues")).status_code == 401
    refused(await stranger("GET", "/queues", params={"account": "nobody-is-called-so"}), 404, "account_not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "q"}, "body"),
        ({"name": "q", "dataset": 1, "collection": "0" * 24}, "body"),
        ({"name": "q", "dataset": 1, "overlap": 21}, "overlap"),
        ({"name": "q", "dataset": 1, "lease_seconds": 0}, "lease_seconds"),
        ({"name": "\0", "dataset": 1}, "name"),
    ],
    ids=["nowhere", "twice", "overlap", "lease", "nul"],
)
async def test_what_no_queue_can_be(crew: Crew, body: dict[str, Any], field: str):
    refused(await crew.manager("POST", "/queues", json=body), 422, "invalid", field)


async def test_selections_of_a_project(crew: Crew):
    made = await crew.selection(crew.items[:1])
    assert (made.kind, made.visibility, made.entry_count) == ("selection", "private", 1)
    query = {"project": crew.project.id, "q": made.title}
    rows = expect(await crew.viewer("GET", "/selections", params=query), 200, Page[Selection]).rows
    assert [(row.id, row.entry_count, row.data_type) for row in rows] == [(made.id, 1, "images")]
    listed = await crew.viewer("GET", "/media", params={"collection": made.id})
    assert [row.id for row in expect(listed, 200, MediaPage).rows] == crew.items[:1]
    again = {"kind": "selection", "project": crew.project.id, "title": made.title}
    details = refused(await crew.member("POST", "/collections", json=again), 409, "title_taken", "title")
    assert str(details["slug"]).endswith(made.id)
    plain = {"kind": "selection", "title": "x"}
    refused(await crew.member("POST", "/collections", json=plain), 422, "invalid", "body")
