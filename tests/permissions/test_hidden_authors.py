"""`hide_author`: who reviews is not told who labeled, over either API; who manages the work is, and who only looks.

S1-36: what `hideFigureAuthor` of a queue's meta asks for. In a public project nobody from outside is told either: a
reviewer would only have to sign out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from factories.people import Person, join, make_organization, make_user, sign_in, unique
from factories.queues import sql
from permissions.labeling_scenery import BOX, Floor, make_floor
from permissions.test_matrix_on_queues import ATTEMPTS, PUBLIC_API, Scene, text_of
from pinakes.server.actor import Role, system
from pinakes.server.collections import service as collections
from pinakes.server.db import Database
from pinakes.server.labeling import annotations as labels, claiming, jobs, queues, review
from pinakes.server.labeling.label_types import NewAnnotation, NewLabel, NewTagging
from pinakes.server.labeling.queue_types import NewJobs, QueueChanges, QueueSettings
from pinakes.server.people import service as people
from pinakes.server.search import live

# What says nothing of labels.
ELSEWHERE = {"members of the team", "activity of the team", "history of the selection"}
READS = [
    name
    for name in ATTEMPTS
    if name not in ELSEWHERE
    and name.startswith(("read ", "labels ", "figure ", "items ", "statistics ", "table ", "log ", "who ", "export "))
]


@pytest.fixture(scope="module", params=["private", "public"])
async def floor(db: Database, request: pytest.FixtureRequest) -> Floor:
    """The queue hides who labels; the colleague drew on what he handed in; a viewer reviews, too; one who did left."""
    made = await make_floor(db, request.param)
    boss, at = made.boss.actor, made.things
    await _draw(made, made.people["colleague"], at.reviewed)
    async with db.transaction() as tx:
        await queues.update(tx, boss, at.queue, QueueChanges(settings=QueueSettings(hide_author=True)))
        await queues.add_people(tx, boss, at.queue, reviewers=[made.people["viewer"].id])
    leaver = await make_user(db, "leaver")
    await join(db, made.account, leaver, Role.REVIEWER)
    async with db.transaction() as tx:
        await queues.add_people(tx, boss, at.queue, reviewers=[leaver.id])
        await people.remove_member(tx, system(), made.account, leaver.name)
    made.people["who left"] = leaver
    elsewhere = await make_organization(db, made.people["reviewer"], "elsewhere")
    made.people["reviewer, bound elsewhere"] = await sign_in(
        db, made.people["reviewer"].account, namespace=elsewhere.name
    )
    onlooker = await make_user(db, "onlooker")
    await join(db, made.account, onlooker, Role.VIEWER)
    made.people["onlooker"] = onlooker
    return made


async def _draw(floor: Floor, person: Person, item: int) -> None:
    """Draw on an item in somebody's name, whatever he has there."""
    at = floor.things
    async with floor.db.transaction() as tx:
        await sql(tx, "update work set status = 'held' where queue_id = %s and item_id = %s", at.queue, item)
        label = NewLabel("rectangle", BOX, class_name=floor.names["class"], tags=[NewTagging("seen")])
        await labels.put(tx, person.actor, [NewAnnotation(item, [label], [NewTagging("seen")])])
        await sql(tx, "update work set status = 'done' where queue_id = %s and item_id = %s", at.queue, item)
        rows = await sql(tx, "select id from figures where item_id = %s and created_by = %s", item, person.id)
        assert rows


async def _said(client: httpx2.AsyncClient, floor: Floor, person: Person | None) -> dict[str, str]:
    """All that somebody (None: who does not sign in) is told, by what he asks for and over which API."""
    scene = Scene(floor, floor.things, floor.public_id, floor.hashes)
    answers: dict[str, str] = {}
    headers = {**person.headers, "x-api-key": person.token} if person else {}
    asks = [(name, ask(scene)) for name in READS for ask in (ATTEMPTS[name].native, ATTEMPTS[name].supervisely) if ask]
    lines = f"/api/v1/exports?project={floor.things.project}&media=false&format=jsonl"
    for name, (method, path, body) in [*asks, ("export of everything", ("GET", lines, None))]:
        answer = await client.request(method, path, headers=headers, json=body)
        assert answer.status_code in {200, 400, 401, 403, 404}, answer.text
        answers[f"{name}: {path}"] = text_of(answer)
    return answers


def _names(person: Person, text: str) -> bool:
    """Whether an answer names somebody, or gives his number for who made something."""
    given = (
        f'"createdBy":{person.id},',
        f'"labelerId":{person.id},',
        f'"userId":{person.id},',
        f'"id":{person.id},"login"',
    )
    return person.name in text or any(part in text for part in given)


@pytest.mark.parametrize("who", ["reviewer", "viewer"])
async def test_a_reviewer_is_told_nowhere_who_labeled(client: httpx2.AsyncClient, floor: Floor, who: str) -> None:
    """By his role he sees what is in his review, or all that there is."""
    said = await _said(client, floor, floor.people[who])
    assert not {name for name, text in said.items() if _names(floor.people["colleague"], text)}
    labels = said[f"labels of the reviewed image: /api/v1/media/{floor.things.reviewed}/annotation"]
    assert '"created_by":null' in labels
    assert '"rectangle"' in labels
    form = said[f"labels of the reviewed image: {PUBLIC_API}annotations.info"]
    assert '"labelerLogin":null' in form


@pytest.mark.parametrize("who", ["signed out", "stranger", "who left", "reviewer, bound elsewhere"])
async def test_nobody_from_outside_is_told(client: httpx2.AsyncClient, floor: Floor, who: str) -> None:
    """A reviewer who is no longer known as one reads the public, and finds no names there; of the private nothing."""
    person, colleague, at = floor.people.get(who), floor.people["colleague"], floor.things
    said = await _said(client, floor, person)
    assert not {name for name, text in said.items() if _names(colleague, text)}
    labels = said[f"labels of the reviewed image: /api/v1/media/{at.reviewed}/annotation"]
    assert ('"rectangle"' in labels) == (floor.visibility == "public")
    if floor.visibility == "public":
        assert '"created_by":null' in labels
        assert '"boss' in said[f"labels of the waiting image: /api/v1/media/{at.waiting}/annotation"]
        for query in (f"labeler:{colleague.name}", f"-labeler:{colleague.name}"):
            for path in ("/media?total=true", "/exports?media=false&format=jsonl"):
                asked = f"/api/v1{path}&project={at.project}&query={query}"
                answer = await client.get(asked, headers=person.headers if person else {})
                assert answer.status_code == 200, answer.text
                assert floor.names["reviewed"] not in text_of(answer)


async def test_a_live_collection_asks_no_more_than_its_owner(floor: Floor) -> None:
    """Nor does it tell him what it was asked for: what somebody drew, in a collection of a reviewer's own."""
    reviewer, colleague = floor.people["reviewer"].actor, floor.people["colleague"]
    for query, found in (("kind:image", floor.visibility == "public"), (f"kind:image labeler:{colleague.name}", False)):
        async with floor.db.transaction() as tx:
            made = await collections.create(tx, reviewer, owner=None, title=unique("Mine"))
            await live.start(tx, reviewer, made.public_id, query=f"{query} id:{floor.things.reviewed}")
            _, inside = await collections.get_with_entries(tx, reviewer, made.public_id)
        assert [entry.item_id for entry in inside] == [floor.things.reviewed] * found


@pytest.mark.parametrize("who", ["manager", "member", "boss", "server admin", "onlooker"])
async def test_others_are_told(client: httpx2.AsyncClient, floor: Floor, who: str) -> None:
    """Who manages the work, and who sees it without reviewing."""
    said = await _said(client, floor, floor.people[who])
    told = {name.partition(":")[0] for name, text in said.items() if _names(floor.people["colleague"], text)}
    assert told >= {
        "labels of the reviewed image", "read the queue", "items of the queue", "statistics of the queue",
        "table of the queue", "log of the queue", "read the colleague's job", "export of everything",
    }  # fmt: skip


async def test_the_labeler_knows_what_is_his(client: httpx2.AsyncClient, floor: Floor) -> None:
    said = await _said(client, floor, floor.people["colleague"])
    told = {name.partition(":")[0] for name, text in said.items() if _names(floor.people["colleague"], text)}
    assert told >= {"labels of the reviewed image", "read the colleague's job"}


async def _get(client: httpx2.AsyncClient, person: Person, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
    headers = {**person.headers, "x-api-key": person.token}
    answer = await client.request("POST" if body else "GET", path, headers=headers, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("who", ["reviewer", "viewer"])
async def test_asking_for_a_labeler_finds_nothing_that_is_hidden(
    client: httpx2.AsyncClient, floor: Floor, who: str
) -> None:
    """Neither items by who labeled them, or did not, nor jobs by whose they are, or by the name that says it."""
    person, colleague, at = floor.people[who], floor.people["colleague"], floor.things
    for query in (f"labeler:{colleague.name}", f"-labeler:{colleague.name}"):
        path = f"/api/v1/media?project={at.project}&query={query}&total=true"
        if who == "reviewer" and floor.visibility == "private":  # he is not even told that there is such a person
            assert (await client.get(path, headers=person.headers)).status_code == 422
            continue
        found = await _get(client, person, path)
        assert at.reviewed not in [row["id"] for row in found["rows"]]
        assert found["total"] == len(found["rows"])
    for field, value in (("userId", colleague.id), ("name", f"{floor.names['queue']} Annotation ({colleague.name})")):
        body = {"teamId": at.account, "filter": [{"field": field, "operator": "=", "value": value}]}
        assert (await _get(client, person, f"{PUBLIC_API}jobs.list", body))["total"] == 0
    found = await _get(
        client, floor.people["manager"], f"/api/v1/media?project={at.project}&query=labeler:{colleague.name}"
    )
    assert [row["id"] for row in found["rows"]] == [at.reviewed]
    body = {"teamId": at.account, "filter": [{"field": "userId", "operator": "=", "value": colleague.id}]}
    found = await _get(client, floor.boss, f"{PUBLIC_API}jobs.list", body)
    assert [job["id"] for job in found["entities"]] == [at.colleagues_job]


async def test_a_job_without_a_queue_hides_its_labeler_too(client: httpx2.AsyncClient, floor: Floor) -> None:
    """Its reviewer sees the job, and not whose it is; nor after he decided."""
    at, reviewer, annotator = floor.things, floor.people["reviewer"], floor.people["annotator"]
    async with floor.db.transaction() as tx:
        new = NewJobs(
            at.attic, [annotator.id], "Attic", reviewer_id=reviewer.id, settings=QueueSettings(hide_author=True)
        )
        (job,) = await jobs.create(tx, floor.boss.actor, new)
        await claiming.submit(tx, annotator.actor, job.id, [at.stored])
    async with floor.db.transaction() as tx:
        await review.accept(tx, reviewer.actor, job.id, [at.stored])
    shown = await _get(client, reviewer, f"/api/v1/jobs/{job.id}")
    assert (shown["user"], shown["name"]) == (None, "Attic")
    sent = await _get(client, reviewer, f"{PUBLIC_API}jobs.info", {"id": job.id})
    assert (sent["userId"], sent["labelerLogin"], sent["reviewerId"]) == (None, None, reviewer.id)
    items = await _get(client, reviewer, f"/api/v1/jobs/{job.id}/items")
    assert [row["labeler"] for row in items["rows"]] == [None]
    assert (await _get(client, floor.boss, f"/api/v1/jobs/{job.id}"))["user"] == annotator.name


async def test_what_a_figure_was_says_not_who_made_it(client: httpx2.AsyncClient, floor: Floor) -> None:
    figure = (await floor_figures(floor))[0]
    async with floor.db.transaction() as tx:
        await sql(tx, "select remember_figures(array[%s], %s, false)", figure, floor.people["colleague"].id)
    path = f"/api/v1/figures/{figure}/history"
    for who, expected in (("reviewer", None), ("manager", floor.people["colleague"].name)):
        (row,) = (await _get(client, floor.people[who], path))["rows"]
        assert row["changed_by"] == expected
        assert all(("created_by" in tag) == (expected is not None) for tag in row["tags"])
        shown = await _get(client, floor.people[who], f"/api/v1/figures/{figure}")
        assert [tag["created_by"] for tag in shown["tags"]] == [expected]
        assert shown["created_by"] == expected


async def floor_figures(floor: Floor) -> list[int]:
    """The figures that the colleague drew."""
    async with floor.db.transaction() as tx:
        rows = await sql(tx, "select id from figures where created_by = %s order by id", floor.people["colleague"].id)
    return [row[0] for row in rows]
