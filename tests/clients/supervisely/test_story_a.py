"""Story A of the acceptance list: failure mining, with the unmodified client. One living list that feeds the queue."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from clients.supervisely.studio import HTTPError, Person, Place, unique

FALSE_POSITIVES = 50_000
DATASETS = 3
AT_ONCE = 5_000
UNKNOWN = [2**30, 2**30 + 1]

# Within how many seconds the queue tells the right number.
AT_LAST = 1.0
LEASE = 1
LABELED_EACH = 20


@dataclass(frozen=True)
class Mine:
    """A collection, the queue that it feeds, and everybody's job in that."""

    place: Place
    collection: int
    queue: int
    jobs: dict[str, int]

    @classmethod
    def of(cls, place: Place) -> Mine:
        """Make the collection, empty, and the queue on it, for two labelers and a reviewer."""
        team = place.team
        collection = place.api.entities_collection.create(place.project.id, unique("False positives")).id
        people = (team.anna, team.ben, team.rita)
        queue = place.api.labeling_queue.create(
            unique("Relabel"), [team.anna.id, team.ben.id], [team.rita.id], collection_id=collection
        )
        jobs = {job.assigned_to_id: job.id for job in place.api.labeling_job.get_list(team.id, queue_ids=[queue])}
        return cls(place, collection, queue, {person.name: jobs[person.id] for person in people})

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """All items, and those waiting, with labelers, done or accepted, accepted."""
        info = self.place.api.labeling_queue.get_info_by_id(self.queue)
        return (
            info.entities_count, info.pending_count, info.in_progress_count, info.annotated_count, info.accepted_count
        )  # fmt: skip

    def pull(self, person: Person) -> int | None:
        """What somebody is given next."""
        return person.api.post("labeling-queues.entities.get-next", {"id": self.jobs[person.name]}).json()["id"]

    def take(self, person: Person) -> int:
        """What somebody is given next, which has to be something."""
        item = self.pull(person)
        assert item is not None
        return item

    def say(self, person: Person, item: int, status: str) -> None:
        """Hand an item in, accept it or reject it."""
        person.api.labeling_job.set_entity_review_status(self.jobs[person.name], item, status)

    def label(self, person: Person) -> int:
        """Take what comes next, draw a car on it and hand it in."""
        item = self.take(person)
        person.api.annotation.upload_ann(item, self.place.annotation(self.place.box()))
        self.say(person, item, "done")
        return item

    def lease(self, seconds: int) -> None:
        """How long an item stays with somebody of whom nothing is heard: natively, the client has no word for it."""
        self.place.team.lead.native("PATCH", f"/queues/{self.queue}", {"lease_seconds": seconds})


def test_failure_mining(place: Place) -> None:
    """Story A, steps 1 to 6 (S1-01, S1-02, S1-08, S1-10, S1-41 to S1-46, S1-49, S1-57)."""
    ids = images_of_three_datasets(place)
    mine = an_empty_collection_feeds_a_queue(place)
    fifty_thousand_in_one_call(mine, ids)
    labeled = two_labelers_at_the_same_time(mine, ids)
    a_lease_that_runs_out(mine)
    gone = what_leaves_the_collection_leaves_the_queue(mine, labeled)
    labels_are_in_the_datasets_of_origin(mine, labeled)
    what_is_rejected_comes_back_to_who_labeled_it(mine, labeled, gone)
    left = [item for item in ids if item not in gone]
    the_filter_returns_the_members(mine, left)


def images_of_three_datasets(place: Place) -> list[int]:
    """50,000 images in three datasets: many names for one file, which the server has."""
    night = place.api.dataset.create(place.project.id, "night", parent_id=place.train.id)
    known = place.images(1)[0].hash
    place.api.image.remove_batch([image.id for image in place.api.image.get_list(place.train.id)])
    ids: list[int] = []
    for number, dataset in enumerate((place.train, place.test, night)):
        names = [f"frame_{at:05}.png" for at in range(number, FALSE_POSITIVES, DATASETS)]
        made = place.api.image.upload_hashes(dataset.id, names, [known] * len(names), batch_size=AT_ONCE)
        ids.extend(image.id for image in made)
    assert len(set(ids)) == FALSE_POSITIVES
    return ids


def an_empty_collection_feeds_a_queue(place: Place) -> Mine:
    """1. The collection is empty; so is the queue on it, with two labelers and a reviewer."""
    mine = Mine.of(place)
    info = place.api.labeling_queue.get_info_by_id(mine.queue)
    assert (info.collection_id, len(info.labelers), len(info.reviewers)) == (mine.collection, 2, 1)
    assert mine.counts == (0, 0, 0, 0, 0)
    assert mine.pull(place.team.anna) is None
    return mine


def fifty_thousand_in_one_call(mine: Mine, ids: list[int]) -> None:
    """2. All in one call: it names the ids that there are not, adds the others; the queue's count follows at once."""
    api = mine.place.api
    with pytest.raises(RuntimeError) as told:
        api.entities_collection.add_items(mine.collection, [UNKNOWN[0], *ids, UNKNOWN[1]])
    assert [int(number) for number in re.findall(r"\d+", str(told.value))] == UNKNOWN
    since = time.monotonic()
    assert mine.counts == (FALSE_POSITIVES, FALSE_POSITIVES, 0, 0, 0)
    assert time.monotonic() - since < AT_LAST
    # Again: what is there stays as it is.
    assert len(api.entities_collection.add_items(mine.collection, ids[:AT_ONCE])) == AT_ONCE
    assert mine.counts == (FALSE_POSITIVES, FALSE_POSITIVES, 0, 0, 0)


def two_labelers_at_the_same_time(mine: Mine, ids: list[int]) -> dict[str, list[int]]:
    """3. Never one item to both, in the collection's order."""
    team = mine.place.team
    with ThreadPoolExecutor(2) as people:
        drawn = list(people.map(lambda each: [mine.label(each) for _ in range(LABELED_EACH)], (team.anna, team.ben)))
    assert sorted(item for mine_alone in drawn for item in mine_alone) == sorted(ids[: 2 * LABELED_EACH])
    done = 2 * LABELED_EACH
    assert mine.counts == (FALSE_POSITIVES, FALSE_POSITIVES - done, 0, done, 0)
    return dict(zip((team.anna.name, team.ben.name), drawn, strict=True))


def a_lease_that_runs_out(mine: Mine) -> None:
    """3. Anna closes her browser: what she had open goes to Ben, and her late hand-in is refused."""
    anna, ben = mine.place.team.anna, mine.place.team.ben
    mine.lease(LEASE)
    left = mine.take(anna)
    mine.lease(600)
    assert mine.counts[2] == 1
    time.sleep(LEASE + 0.2)
    assert mine.counts[2] == 0
    assert mine.take(ben) == left
    with pytest.raises(HTTPError, match="409"):
        mine.say(anna, left, "done")
    assert mine.take(anna) != left


def what_leaves_the_collection_leaves_the_queue(mine: Mine, labeled: dict[str, list[int]]) -> set[int]:
    """4. Twelve are taken out: they stay where they are, with their labels; who had one open is given the next."""
    place, anna = mine.place, mine.place.team.anna
    open_at_annas = mine.take(anna)
    labeled_ones = [*labeled[anna.name][:6], *labeled[place.team.ben.name][:5]]
    before = mine.counts
    place.api.entities_collection.remove_items(mine.collection, [open_at_annas, *labeled_ones])
    after = mine.counts
    assert (after[0], after[3]) == (before[0] - 12, before[3] - 11)
    with pytest.raises(HTTPError, match="400"):
        mine.say(anna, open_at_annas, "done")
    assert mine.take(anna) != open_at_annas
    assert {place.api.image.get_info_by_id(item).labels_count for item in labeled_ones} == {1}
    return {open_at_annas, *labeled_ones}


def labels_are_in_the_datasets_of_origin(mine: Mine, labeled: dict[str, list[int]]) -> None:
    """5. What was drawn in the queue is on the items where they live."""
    train = {image.id: image for image in mine.place.api.image.get_list(mine.place.train.id, only_labelled=True)}
    assert train.keys() >= {item for drawn in labeled.values() for item in drawn}
    assert {image.labels_count for image in train.values()} == {1}
    for person in (mine.place.team.anna, mine.place.team.ben):
        item = labeled[person.name][0]
        found = mine.place.api.annotation.download_json(item)["objects"]
        assert [(each["classTitle"], each["labelerLogin"]) for each in found] == [("car", person.name)]


def what_is_rejected_comes_back_to_who_labeled_it(mine: Mine, labeled: dict[str, list[int]], gone: set[int]) -> None:
    """5. The reviewer rejects three: each goes back to its own labeler, who gets it before anything new."""
    team = mine.place.team
    owners = {item: person for person in (team.anna, team.ben) for item in labeled[person.name] if item not in gone}
    # What is open goes in first, so that the next thing is what came back.
    for person in (team.anna, team.ben):
        owners[mine.label(person)] = person
    rejected = {person.name: list[int]() for person in (team.anna, team.ben)}
    for number, item in enumerate(reviewing(mine), 1):
        assert item in owners
        back = number <= 3
        mine.say(team.rita, item, "rejected" if back else "accepted")
        if back:
            rejected[owners[item].name].append(item)
        if number == 10:
            break
    assert (mine.counts[2], mine.counts[4]) == (3, 7)
    for person in (team.anna, team.ben):
        assert [mine.label(person) for _ in rejected[person.name]] == rejected[person.name]
    assert mine.counts[2] == 0


def reviewing(mine: Mine) -> Iterator[int]:
    """What the reviewer is given, one after the other."""
    while (item := mine.pull(mine.place.team.rita)) is not None:
        yield item


def the_filter_returns_the_members(mine: Mine, left: list[int]) -> None:
    """6. The list of images with the collection as its filter is the members, exactly; a dataset narrows it."""
    place: Any = mine.place
    assert sorted(place.members(mine.collection)) == sorted(left)
    listed = place.api.image.get_list(place.test.id, entities_collection_id=mine.collection)
    assert {image.dataset_id for image in listed} == {place.test.id}
    assert len(listed) == len(range(1, FALSE_POSITIVES, DATASETS))
