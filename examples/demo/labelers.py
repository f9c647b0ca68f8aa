"""Two labelers and a reviewer at work in a queue.

`mining.py` runs this, and says on stdin who they are and what is true.

With the unmodified `supervisely` client where this interpreter has it (`make test` makes an environment for it), else
with ours. Each step is told on stdout: what was done, by whom.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, Protocol

# Else the client looks for an https twin of the server first.
os.environ["SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK"] = "true"

CLASS, READS, NOTHING = "digit", "reads", "no digit"
# Labelers are human: so often one reads what the classifier read, until the reviewer says no.
SLIP = 11


class Desk(Protocol):
    """What somebody does in his job, with one client or the other."""

    def take(self) -> int | None:
        """Be given the next item."""

    def hand_in(self, item: int, digit: int | None, box: list[int], size: list[int]) -> None:
        """Say which digit is on an image and where, or that there is none."""

    def read(self, item: int) -> int | None:
        """Tell which digit somebody said is on an image."""

    def decide(self, item: int, verdict: str) -> None:
        """Accept or reject."""


class SuperviselyDesk:
    """With the unmodified `supervisely` client."""

    def __init__(self, url: str, token: str, job: int, queue: int) -> None:
        import supervisely as sly

        self.sly: Any = sly
        self.api: Any = sly.Api(url, token)
        self.job = job
        self.meta: Any = self.api.labeling_queue.get_project_meta(queue)

    def take(self) -> int | None:
        return self.api.post("labeling-queues.entities.get-next", {"id": self.job}).json()["id"]

    def hand_in(self, item: int, digit: int | None, box: list[int], size: list[int]) -> None:
        sly, labels, tags = self.sly, [], []
        if digit is None:
            tags.append(sly.Tag(self.meta.get_tag_meta(NOTHING)))
        else:
            left, top, right, bottom = box
            read = sly.TagCollection([sly.Tag(self.meta.get_tag_meta(READS), value=digit)])
            rectangle = sly.Rectangle(top, left, bottom, right)
            labels.append(sly.Label(rectangle, self.meta.get_obj_class(CLASS), tags=read))
        self.api.annotation.upload_ann(item, sly.Annotation(tuple(size), labels=labels, img_tags=tags))
        self.api.labeling_job.set_entity_review_status(self.job, item, "done")

    def read(self, item: int) -> int | None:
        found = self.sly.Annotation.from_json(self.api.annotation.download_json(item), self.meta)
        return next((int(label.tags.get(READS).value) for label in found.labels), None)

    def decide(self, item: int, verdict: str) -> None:
        self.api.labeling_job.set_entity_review_status(self.job, item, verdict)


class PinakesDesk:
    """With our own client."""

    def __init__(self, url: str, token: str, job: int, _queue: int) -> None:
        import pinakes

        self.client = pinakes.connect(url, token)
        self.job = job
        self.labels: Any = None

    def take(self) -> int | None:
        found = self.client.jobs.next(self.job)
        self.labels = found.annotation if found else None
        return found.given.item if found and found.given else None

    def hand_in(self, item: int, digit: int | None, box: list[int], size: list[int]) -> None:
        _ = size
        if digit is None:
            annotation: dict[str, Any] = {"tags": [{"name": NOTHING}]}
        else:
            left, top, right, bottom = box
            points = {"exterior": [[left, top], [right, bottom]], "interior": []}
            figure = {"class_name": CLASS, "geometry_type": "rectangle", "geometry": {"points": points}}
            annotation = {"figures": [{**figure, "tags": [{"name": READS, "value": digit}]}]}
        self.client.jobs.submit(self.job, item, annotation=annotation)

    def read(self, item: int) -> int | None:
        _ = item
        return next((int(figure.tags[0].value) for figure in self.labels.figures), None)

    def decide(self, item: int, verdict: str) -> None:
        (self.client.jobs.accept if verdict == "accepted" else self.client.jobs.reject)(self.job, [item])


class Shift:
    """Everybody at work until everything is accepted."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.truth: dict[int, dict[str, Any]] = {int(item): facts for item, facts in plan["truth"].items()}
        self.corrected: set[int] = set()
        self.accepted: set[int] = set()
        self.over = threading.Event()

    def run(self) -> None:
        """Let all work at once; what goes wrong with one ends it for all."""
        # One after the other: the clients' own imports are not made for threads.
        desks = [make_desk(self.plan, person) for person in self.plan["people"]]
        with ThreadPoolExecutor(len(desks)) as pool:
            shifts = [pool.submit(self.work, *each) for each in zip(self.plan["people"], desks, strict=True)]
        for shift in shifts:
            shift.result()

    def work(self, person: dict[str, Any], desk: Desk) -> None:
        step = self.label if person["part"] == "annotate" else self.review
        try:
            for number in itertools.count(1):
                while not self.over.is_set() and (item := desk.take()) is None:
                    time.sleep(0.05)
                if self.over.is_set():
                    return
                step(person["name"], desk, item, number)
        finally:
            self.over.set()

    def label(self, name: str, desk: Desk, item: int, number: int) -> None:
        facts = self.truth[item]
        slips = number % SLIP == 0 and item not in self.corrected
        desk.hand_in(item, facts["misread"] if slips else facts["digit"], facts["box"], facts["size"])
        self.corrected.add(item)
        print("labeled", name, flush=True)

    def review(self, name: str, desk: Desk, item: int, _number: int) -> None:
        verdict = "accepted" if desk.read(item) == self.truth[item]["digit"] else "rejected"
        desk.decide(item, verdict)
        if verdict == "accepted":
            self.accepted.add(item)
        print(verdict, name, flush=True)
        if len(self.accepted) == len(self.truth):
            self.over.set()


def make_desk(plan: dict[str, Any], person: dict[str, Any]) -> Desk:
    """Sit somebody down with the client that there is."""
    kind = SuperviselyDesk if find_spec("supervisely") else PinakesDesk
    return kind(plan["url"], person["token"], person["job"], plan["queue"])


if __name__ == "__main__":
    Shift(json.load(sys.stdin)).run()
