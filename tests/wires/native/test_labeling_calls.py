"""How many queries the labeling loop costs, the credential's own included; and what must stay true with so few."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2
import pytest

from factories.media import png
from factories.people import again, join, make_organization, make_user, unique
from pinakes.api.common import Page
from pinakes.api.labels import Annotation, LabelClass
from pinakes.api.media import Dataset, MediaPage, Medium
from pinakes.api.queues import Draft, Job, Next, Queue, Task
from pinakes.api.releases import Project
from pinakes.server.actor import Role
from pinakes.server.db import Database
from support.native import Api, expect, refused
from support.watching import watch_round_trips

BOX = {"class_name": "car", "geometry_type": "rectangle", "geometry": {"points": {"exterior": [[0, 0], [4, 3]]}}}
TAGGED = {**BOX, "tags": [{"name": "dark"}]}


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the queries that run from now on; `begin` where a transaction begins."""
    return watch_round_trips(monkeypatch)


@dataclass(frozen=True)
class Crew:
    """A project with items, somebody who manages it, one who labels and one who reviews."""

    manager: Api
    anna: Api
    rita: Api
    project: Project
    dataset: Dataset
    items: list[int]

    async def begun(self, **more: object) -> tuple[Queue, int]:
        """A queue with the first items, and the labeler's job, from which she has handed in one already."""
        new = [{"item": item} for item in self.items]
        body: dict[str, object] = {"kind": "selection", "project": self.project.id, "title": unique("Hard")}
        made = (await self.manager("POST", "/collections", json={**body, "items": new})).json()
        body = {"name": unique("Queue"), "labelers": [name(self.anna)], "collection": made["id"], **more}
        queue = expect(await self.manager("POST", "/queues", json=body), 201, Queue)
        (job,) = [one.job for one in queue.people]
        item = await self.taken(job)
        expect(await self.anna("POST", f"/jobs/{job}/items/{item}/submit"), 200, Task)
        return queue, job

    async def taken(self, job: int) -> int:
        found = expect(await self.anna("POST", f"/jobs/{job}/next"), 200, Next)
        assert found.given is not None
        return found.given.item


def name(api: Api) -> str:
    assert api.person is not None
    return api.person.name


@pytest.fixture
async def crew(client: httpx2.AsyncClient, db: Database) -> Crew:
    root = await make_user(db, "root", admin=True)
    org = await make_organization(db, root)
    people: list[Api] = []
    for role in (Role.ADMIN, Role.ANNOTATOR, Role.REVIEWER):
        person = await make_user(db, role.value)
        await join(db, org, person, role)
        people.append(Api(client, await again(db, person)))
    manager, anna, rita = people
    body = {"name": unique("road"), "data_type": "images", "owner": org.name}
    project = expect(await manager("POST", "/projects", json=body), 201, Project)
    dataset = expect(await manager("POST", "/datasets", json={"project": project.id, "name": "ds"}), 201, Dataset)
    uploads = [await manager("PUT", f"/uploads/{dataset.id}/{n}.png", content=png(n)) for n in range(4)]
    classes = {"project": project.id, "classes": [{"name": "car"}]}
    expect(await manager("POST", "/label-classes", json=classes), 201, Page[LabelClass])
    tags = {"project": project.id, "tags": [{"name": "dark"}]}
    assert (await manager("POST", "/label-tags", json=tags)).status_code == 201
    return Crew(manager, anna, rita, project, dataset, [expect(one, 201, Medium).id for one in uploads])


async def test_the_next_item(crew: Crew, queries: list[str]) -> None:
    """S1-35: who asks, what he is given, and all there is to see of it."""
    _, job = await crew.begun()
    queries.clear()
    item = await crew.taken(job)
    assert queries == ["token_credential", "claim_next", "look"]
    await crew.anna("PUT", f"/media/{item}/annotation", json={"figures": [BOX]})
    await crew.anna("PUT", f"/jobs/{job}/items/{item}/draft", json={"annotation": {"figures": [1]}})
    queries.clear()
    found = expect(await crew.anna("POST", f"/jobs/{job}/next"), 200, Next)
    assert queries == ["token_credential", "claim_next", "look", "figures_of_items", "tags_of_figures"]
    assert found.medium is not None
    assert found.annotation is not None
    assert (found.medium.id, found.medium.label_count, found.draft) == (item, 1, {"figures": [1]})
    alone = expect(await crew.anna("GET", f"/media/{item}/annotation"), 200, Annotation)
    assert found.annotation == alone
    assert found.medium == expect(await crew.anna("GET", f"/media/{item}"), 200, Medium)


async def test_saving_an_annotation(crew: Crew, queries: list[str]) -> None:
    """S1-34: the labels are written by one statement, and read again by one, however many there are."""
    item = crew.items[0]
    await crew.manager("GET", f"/media/{item}/annotation")
    queries.clear()
    saved = expect(await crew.manager("PUT", f"/media/{item}/annotation", json={"figures": [BOX] * 5}), 200, Annotation)
    assert queries == ["token_credential", "put_one_annotation", "whole_annotation"]
    assert [one.class_name for one in saved.figures] == ["car"] * 5
    queries.clear()
    body = {"figures": [TAGGED, BOX], "tags": [{"name": "dark"}], "description": "Two things"}
    saved = expect(await crew.manager("PUT", f"/media/{item}/annotation", json=body), 200, Annotation)
    assert queries[:3] == ["token_credential", "put_one_annotation", "whole_annotation"]
    assert queries[3:] == ["tags_of_figures", "tags_of_items"]
    assert [[tag.name for tag in one.tags] for one in saved.figures] == [["dark"], []]
    assert ([tag.name for tag in saved.tags], saved.description) == (["dark"], "Two things")
    assert expect(await crew.manager("PUT", f"/media/{item}/annotation", json={}), 200, Annotation).figures == []


async def test_handing_in(crew: Crew, queries: list[str]) -> None:
    """S1-35: one statement alone; with labels, these and the step are one transaction."""
    _, job = await crew.begun()
    item = await crew.taken(job)
    queries.clear()
    expect(await crew.anna("POST", f"/jobs/{job}/items/{item}/submit"), 200, Task)
    assert queries == ["token_credential", "submit"]
    item = await crew.taken(job)
    queries.clear()
    body = {"annotation": {"figures": [BOX]}}
    expect(await crew.anna("POST", f"/jobs/{job}/items/{item}/submit", json=body), 200, Task)
    assert queries == ["token_credential", "begin", "put_one_annotation", "submit"]


async def test_keeping_a_draft(crew: Crew, queries: list[str]) -> None:
    _, job = await crew.begun()
    item = await crew.taken(job)
    path = f"/jobs/{job}/items/{item}/draft"
    queries.clear()
    kept = expect(await crew.anna("PUT", path, json={"annotation": {"a": 1}}), 200, Draft)
    assert queries == ["token_credential", "save_draft"]
    assert kept == expect(await crew.anna("GET", path), 200, Draft)
    refused(await crew.manager("PUT", path, json={"annotation": {}}), 403, "forbidden")
    refused(await crew.rita("PUT", path, json={"annotation": {}}), 404, "job_not_found")
    other = path.replace(f"/{item}/", f"/{crew.items[3]}/")
    refused(await crew.anna("PUT", other, json={"annotation": {}}), 409, "lease_lost")
    none = path.replace(f"/{job}/", f"/{2**31 - 1}/")
    refused(await crew.anna("PUT", none, json={"annotation": {}}), 404, "job_not_found")


async def test_labels_that_come_with_what_can_not_be_handed_in_are_not_kept(crew: Crew) -> None:
    """Who manages may label any item; but handing in one that nobody has is refused, and changes nothing."""
    _, job = await crew.begun()
    item = crew.items[3]
    body = {"annotation": {"figures": [BOX]}}
    refused(await crew.manager("POST", f"/jobs/{job}/items/{item}/submit", json=body), 409, "lease_lost", "item_id")
    assert expect(await crew.manager("GET", f"/media/{item}/annotation"), 200, Annotation).figures == []


async def test_who_does_not_see_an_item_is_told_that_first(crew: Crew) -> None:
    """Whatever else is wrong with the labels."""
    unseen = crew.items[3]
    for figures in ([BOX], [{**BOX, "class_name": "none"}], [{**BOX, "geometry": {}}]):
        answer = await crew.anna("PUT", f"/media/{unseen}/annotation", json={"figures": figures})
        refused(answer, 404, "media_not_found", "item")


async def test_who_reviews_a_job_without_a_queue_is_given_what_was_handed_in(crew: Crew) -> None:
    """And sees no draft of the labeler's."""
    body = {"dataset": crew.dataset.id, "name": "Look", "labelers": [name(crew.anna)], "reviewer": name(crew.rita)}
    (made,) = expect(await crew.manager("POST", "/jobs", json=body), 201, Page[Job]).rows
    item = await crew.taken(made.id)
    expect(await crew.anna("POST", f"/jobs/{made.id}/items/{item}/submit"), 200, Task)
    found = expect(await crew.rita("POST", f"/jobs/{made.id}/next"), 200, Next)
    assert found.given is not None
    assert (found.given.item, found.given.state, found.draft) == (item, "done", None)


async def test_a_page_of_a_dataset(crew: Crew, queries: list[str]) -> None:
    await crew.manager("GET", f"/media?dataset={crew.dataset.id}")
    queries.clear()
    page = expect(await crew.manager("GET", f"/media?dataset={crew.dataset.id}&limit=2"), 200, MediaPage)
    assert queries == ["token_credential", "reach", "page", "media_by_ids"]
    assert [one.id for one in page.rows] == crew.items[:2]
