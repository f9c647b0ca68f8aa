"""People who work off a queue, and somebody who changes its collection meanwhile: each remembers what he was told.

Each makes one request at a time. What was not answered because the server was killed he asks for again, under the same
idempotency key, until it is. What no two people may have at once is written down in a `Book` that all share.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

PATIENCE = 90.0
BOX = {"class_name": "car", "geometry_type": "rectangle", "geometry": {"points": {"exterior": [[1, 2], [30, 20]]}}}
# How long somebody waits who was given nothing.
IDLE = 0.5
# Of what a reviewer sees for the first time, he rejects so much.
REJECTED = 0.05


@dataclass
class Book:
    """What everybody was told, in one place.

    Attributes:
        labelers: Who was given an item. Nothing lapses here, and what is rejected goes back: it stays one person.
        reviewing: What is with a reviewer.
        submitted: What was acknowledged as handed in; `accepted` as accepted.
        rejected: What was rejected, once each.
        over: Set when nobody has anything to do any more.
        trouble: What went wrong.
    """

    labelers: dict[int, str] = field(default_factory=dict[int, str])
    reviewing: dict[int, str] = field(default_factory=dict[int, str])
    submitted: set[int] = field(default_factory=set[int])
    accepted: set[int] = field(default_factory=set[int])
    rejected: set[int] = field(default_factory=set[int])
    over: threading.Event = field(default_factory=threading.Event)
    trouble: list[BaseException] = field(default_factory=list[BaseException])
    lock: threading.Lock = field(default_factory=threading.Lock)


class Caller:
    """The native API in somebody's hands; he asks until he is answered."""

    def __init__(self, url: str, name: str, token: str) -> None:
        """Take who he is."""
        self.name: str = name
        # Without `verify=False` each client reads all certificates of the world, for addresses that have none.
        self._client: httpx2.Client = httpx2.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30, verify=False
        )

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def ask(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """Make a request; while no answer comes, or one that the server or its database is away, make it again."""
        key = {"Idempotency-Key": uuid.uuid4().hex} if method != "GET" else {}
        until = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.request(method, path, json=body, headers=key)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code != 503:
                return answer
            assert time.monotonic() < until, f"{method} {path}: no answer for {PATIENCE:.0f} s"
            time.sleep(0.5)

    def made(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Make a request, which must succeed; return what it answers."""
        answer = self.ask(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def step(self, method: str, path: str, body: object = None) -> bool:
        """Take a step with an item: it succeeds, or the item has left the queue meanwhile (False)."""
        answer = self.ask(method, path, body)
        if answer.is_success:
            return True
        assert answer.json()["error"]["code"] == "item_left_queue", f"{method} {path}: {answer.text}"
        return False


@dataclass(frozen=True)
class Worker:
    """Somebody with a job in the queue."""

    caller: Caller
    job: int
    book: Book

    def label(self) -> None:
        """Take what comes, draw a car on it and hand it in, until all is over."""
        while (item := self._next()) is not None:
            with self.book.lock:
                holder = self.book.labelers.setdefault(item, self.caller.name)
                assert holder == self.caller.name, f"{item} is with {holder} and was given to {self.caller.name}"
                assert item not in self.book.accepted, f"{item} is accepted and was given to {self.caller.name}"
            if self.caller.step("POST", f"/jobs/{self.job}/items/{item}/submit", {"annotation": {"figures": [BOX]}}):
                with self.book.lock:
                    self.book.submitted.add(item)

    def review(self) -> None:
        """Take what was handed in, and accept it, or reject it at first, until all is over."""
        chance = random.Random(self.caller.name)
        while (item := self._next()) is not None:
            with self.book.lock:
                holder = self.book.reviewing.setdefault(item, self.caller.name)
                assert holder == self.caller.name, f"{item} is with {holder} and was given to {self.caller.name}"
                back = item not in self.book.rejected and chance.random() < REJECTED
                if back:
                    self.book.rejected.add(item)
                # Before it is said: what is rejected may be in the other reviewer's hands before this one hears of it.
                del self.book.reviewing[item]
            verb = "reject" if back else "accept"
            if self.caller.step("POST", f"/jobs/{self.job}/{verb}", {"items": [item]}) and not back:
                with self.book.lock:
                    self.book.accepted.add(item)

    def _next(self) -> int | None:
        """What comes next; None when all is over."""
        while not self.book.over.is_set():
            given = self.caller.made("POST", f"/jobs/{self.job}/next")["given"]
            if given is not None:
                return int(given["item"])
            # Sixteen who ask again at once would leave the server no time for the others.
            self.book.over.wait(IDLE)
        return None


@dataclass
class Curator:
    """Who puts items into the collection and takes others out, all the time, as long as he has new ones.

    Attributes:
        members: The items in it, by its answers, with their entries.
        out: What he took out.
    """

    caller: Caller
    collection: str
    reserve: list[int]
    book: Book
    members: dict[int, str] = field(default_factory=dict[int, str])
    out: list[int] = field(default_factory=list[int])
    done: bool = False

    def put(self, items: Sequence[int]) -> None:
        """Add items."""
        body = {"items": [{"item": item} for item in items]}
        results = self.caller.made("POST", f"/collections/{self.collection}/entries", body)["results"]
        assert [each["outcome"] for each in results] == ["added"] * len(items)
        self.members.update({item: _entry(each) for item, each in zip(items, results, strict=True)})

    def take(self, items: Sequence[int]) -> None:
        """Take items out."""
        body = {"entries": [self.members[item] for item in items]}
        self.caller.made("POST", f"/collections/{self.collection}/entries/remove", body)
        for item in items:
            del self.members[item]
        self.out.extend(items)

    def curate(self, pause: float) -> None:
        """Add some new ones, take some out, whatever state they are in, and bring some of those back."""
        chance = random.Random("curator")
        while self.reserve and not self.book.over.is_set():
            fresh = [self.reserve.pop() for _ in range(min(10, len(self.reserve)))]
            back = [self.out.pop(chance.randrange(len(self.out))) for _ in range(min(3, len(self.out)))]
            self.put(fresh + back)
            self.take(chance.sample(sorted(self.members), min(4, len(self.members))))
            # What people have before them just now, above all.
            with self.book.lock:
                busy = [item for item in self.book.labelers if item not in self.book.submitted and item in self.members]
            self.take(busy[:2]) if busy else None
            time.sleep(pause)
        self.done = True


def _entry(result: Mapping[str, Any]) -> str:
    entry = result["entry"]
    return str(entry["id"] if isinstance(entry, dict) else entry)


def start(book: Book, work: Sequence[Callable[[], None]]) -> list[threading.Thread]:
    """Have everybody work at once; what goes wrong with one ends it for all."""

    def guarded(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for this one
            book.trouble.append(error)
            book.over.set()

    threads = [threading.Thread(target=guarded, args=(task,)) for task in work]
    for thread in threads:
        thread.start()
    return threads
