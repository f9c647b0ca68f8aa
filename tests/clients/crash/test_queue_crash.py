"""A queue in the hands of 16 labelers and 2 reviewers while its collection changes and the machine goes twice.

No item is handed out twice, none is lost, every count is right at every moment. There are 300 items, or as many as
`PINAKES_TEST_QUEUE_ITEMS` says; `make test-queue` is the same with 20,000, which takes its time.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import pytest

from clients.crash.crew import Book, Caller, Curator, Worker, start
from clients.crash.kills import kill_everything
from clients.crash.scene import Scene
from support import invariants

ITEMS = int(os.environ.get("PINAKES_TEST_QUEUE_ITEMS", "300"))
PATIENCE = 120.0 + ITEMS / 4

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash"), pytest.mark.timeout(PATIENCE + 60)]

LABELERS, REVIEWERS = 16, 2
# Of all items, so many come in while people work.
LATER = 0.2
KILLED_AT = (0.3, 0.7)

IMAGES = """
with made as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
    select 'image', p.owner_id, p.id, s.name, %(dataset)s || '/' || s.name, s.name, 'private'
    from items as p cross join (select 'image-' || n || '.png' as name from generate_series(1, %(count)s) as n) as s
    where p.id = %(project)s
    returning id
),
put as (
    insert into media (item_id, project_id, dataset_id, width, height)
    select id, %(project)s, %(dataset)s, 64, 48 from made
),
counted as (
    update datasets set item_count = item_count + %(count)s where id = %(dataset)s
)
select id from made order by id
"""

# What the queue says, beside what there is; both of one moment.
COUNTS = """
select
    k.entities, k.untouched + k.back, k.held, k.done, k.accepted, k.rejected, k.expired, k.checked + k.skipped,
    t.entities, t.waiting, t.held, t.done, t.accepted, t.rejected, 0, 0
from queue_counts(%(queue)s) as k
cross join (
    select
        count(*) as entities,
        count(*) filter (where coalesce(w.status, 'pending') = 'pending') as waiting,
        count(*) filter (where w.status = 'held') as held,
        count(*) filter (where w.status = 'done') as done,
        count(*) filter (where w.status = 'accepted') as accepted,
        count(*) filter (where w.status = 'rejected') as rejected
    from queues as q
    inner join entries as e on q.collection_id = e.collection_id
    left join work as w on q.id = w.queue_id and e.item_id = w.item_id
    where q.id = %(queue)s
) as t
"""

# The steps of an item's way, by their first letters: given, submitted, reserved for a reviewer, rejected (x), accepted.
STEPS = """
select item_id, string_agg(case verb when 'rejected' then 'x' else left(verb, 1) end, '' order by id),
    count(distinct actor_id) filter (where verb in ('given', 'submitted'))
from work_log where queue_id = %s group by 1
"""
WAY = re.compile(r"g+(?:s(?:r+xg*s)*(?:r*|r+xg*|r+a))?")
FIGURES = """
select i.item_id, count(f.id), max(a.name)
from unnest(%s::integer []) as i (item_id)
left join figures as f on i.item_id = f.item_id
left join accounts as a on f.created_by = a.id
group by 1
"""


@pytest.fixture
def scene() -> Generator[Scene]:
    with Scene.opened() as scene:
        yield scene


@dataclass
class Floor:
    """The queue with everybody at work in it."""

    scene: Scene
    admin: Caller
    queue: int
    labelers: list[Worker]
    reviewers: list[Worker]
    curator: Curator
    book: Book
    until: float = field(default_factory=lambda: time.monotonic() + PATIENCE)

    @classmethod
    def open(cls, scene: Scene) -> Floor:
        """Make the people, the project, the collection and the queue."""
        url, book = scene.server.url, Book()
        admin = Caller(url, "admin", scene.server.admin_token)
        admin.made("POST", "/organizations", {"name": "works"})
        labelers = [person(admin, url, f"labeler-{at}", "annotator") for at in range(LABELERS)]
        reviewers = [person(admin, url, f"reviewer-{at}", "reviewer") for at in range(REVIEWERS)]
        project = admin.made("POST", "/projects", {"name": "road", "owner": "works", "data_type": "images"})["id"]
        dataset = admin.made("POST", "/datasets", {"project": project, "name": "all"})["id"]
        admin.made("POST", "/label-classes", {"project": project, "classes": [{"name": "car"}]})
        items = [row[0] for row in scene.rows(IMAGES, project=project, dataset=dataset, count=ITEMS)]
        body = {"kind": "selection", "project": project, "title": "Hard"}
        collection = admin.made("POST", "/collections", body)["id"]
        later = int(ITEMS * LATER)
        curator = Curator(admin, collection, items[-later:][::-1], book)
        for at in range(0, ITEMS - later, 5000):
            curator.put(items[at : min(at + 5000, ITEMS - later)])
        names = {"labelers": [one.name for one in labelers], "reviewers": [one.name for one in reviewers]}
        queue = admin.made("POST", "/queues", {"name": "Relabel", "collection": collection, **names})
        jobs = {each["user"]: each["job"] for each in queue["people"]}
        labeling, reviewing = ([Worker(one, jobs[one.name], book) for one in group] for group in (labelers, reviewers))
        return cls(scene, admin, queue["id"], labeling, reviewing, curator, book)

    def work(self) -> None:
        """Have everybody work until all is accepted; kill everything twice on the way."""
        pause = 0.02 * ITEMS / 1000
        tasks = [*(one.label for one in self.labelers), *(one.review for one in self.reviewers)]
        threads = start(self.book, [*tasks, lambda: self.curator.curate(pause)])
        try:
            for part in KILLED_AT:
                self._watch_until(lambda part=part: len(self.book.submitted) >= part * ITEMS)
                kill_everything(self.scene)
                time.sleep(0.5)
                self.scene.start()
                invariants.check(self.scene.database_url)
            self._watch_until(lambda: self.curator.done and self._all_accepted())
        finally:
            self.book.over.set()
            for thread in threads:
                thread.join()
        if self.book.trouble:
            raise self.book.trouble[0]

    def _watch_until(self, reached: Callable[[], bool]) -> None:
        """Look at the counts, again and again, while people go on; each time they are right."""
        while not reached():
            if self.book.over.is_set():
                raise self.book.trouble[0]
            counts = self.count()
            assert time.monotonic() < self.until, f"it takes too long: {counts}"
            time.sleep(0.25)

    def _all_accepted(self) -> bool:
        return self.curator.members.keys() <= self.book.accepted

    def count(self) -> tuple[int, ...]:
        """Return the counts of the queue, which are what a look at every item comes to."""
        (row,) = self.scene.rows(COUNTS, queue=self.queue)
        assert row[:8] == row[8:]
        return row[:8]


def person(admin: Caller, url: str, name: str, role: str) -> Caller:
    """Make somebody with a role in the organization, and a token."""
    admin.made("POST", "/users", {"name": name, "email": f"{name}@example.org"})
    admin.made("PUT", f"/organizations/works/members/{name}", {"role": role})
    token = admin.made("POST", f"/users/{name}/tokens", {"name": "work", "scope": "write"})["token"]
    return Caller(url, name, token)


@pytest.fixture
def floor(scene: Scene) -> Generator[Floor]:
    floor = Floor.open(scene)
    yield floor
    for caller in (floor.admin, *(worker.caller for worker in (*floor.labelers, *floor.reviewers))):
        caller.close()


def test_nothing_is_handed_out_twice_and_nothing_lost(floor: Floor) -> None:
    """S1-44, S1-45, S1-46: while items enter and leave, and the server and its PostgreSQL are killed twice."""
    floor.work()
    members, book = set(floor.curator.members), floor.book
    everything_is_accepted(floor, members)
    every_item_went_the_way_of_an_item(floor, members)
    what_was_acknowledged_is_there(floor)
    assert book.rejected, "nobody rejected anything"
    invariants.check(floor.scene.database_url)


def everything_is_accepted(floor: Floor, members: set[int]) -> None:
    """What is in the collection is what the curator was told, and all of it accepted; the API counts the same."""
    everything = len(members)
    assert floor.count() == (everything, 0, 0, 0, everything, 0, 0, 0)
    counts = floor.admin.made("GET", f"/queues/{floor.queue}")["counts"]
    assert (counts["items"], counts["pending"], counts["accepted"], counts["annotated"]) == (
        everything, 0, everything, everything,
    )  # fmt: skip
    query = "select e.item_id from entries as e inner join queues as q using (collection_id) where q.id = %s"
    assert {row[0] for row in floor.scene.rows(query, floor.queue)} == members
    assert floor.curator.out, "nothing left"


def every_item_went_the_way_of_an_item(floor: Floor, members: set[int]) -> None:
    """By the queue's own log: given, handed in, reviewed, in this order, and always by the same labeler."""
    steps = {item: (way, people) for item, way, people in floor.scene.rows(STEPS, floor.queue)}
    wrong = {item: way for item, (way, people) in steps.items() if people != 1 or not WAY.fullmatch(way)}
    assert not wrong
    assert {item for item, (way, _) in steps.items() if way.endswith("a")} >= members
    assert {item for item, (way, _) in steps.items() if "x" in way} <= floor.book.rejected


def what_was_acknowledged_is_there(floor: Floor) -> None:
    """Each item that was handed in has the one label of whoever had it; others have none."""
    items = sorted({*floor.book.labelers, *floor.curator.members, *floor.curator.out})
    found = {item: (count, labeler) for item, count, labeler in floor.scene.rows(FIGURES, items)}
    expected = {item: (1, floor.book.labelers[item]) for item in floor.book.submitted}
    assert {item: found[item] for item in expected} == expected
    assert {item for item, (count, _) in found.items() if count} == set(expected)
    work = dict(floor.scene.rows("select item_id, status from work where queue_id = %s", floor.queue))
    assert {work[item] for item in floor.book.accepted} == {"accepted"}
