"""Kill -9 of the server and of PostgreSQL in the middle of a stream of writes, twenty times on one data folder.

After each, `pinakes serve` is started again on the folder. Then everything that was acknowledged is there; what was not
is there whole or not at all, and can be asked for again without doubling; and every invariant of the database holds.
"""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import httpx2
import pytest

from clients.crash.kills import KILLS, kill_server
from clients.crash.scene import Scene
from clients.crash.writers import API, Flipper, Kept, Writer
from support import invariants
from support.server import PROGRAM, clean_environment, free_port

# They share a data folder, one after the other.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash")]

ROUNDS = 20
WRITERS = 5
CATALOG = 3000
GIVEN_EACH = 1000
MOST_SECONDS = 10.0

MODELS = """
with made as (
    insert into items (kind, owner_id, name, name_key)
    select 'model', a.id, 'crash-' || n, 'crash-' || n
    from generate_series(1, %s) as n cross join accounts as a where a.name = 'admin'
    returning id
)
insert into repos (item_id) select id from made returning item_id
"""


@dataclass
class Floor(Scene):
    """The server on its data folder, and the writers with what they know."""

    shared: Kept = field(init=False)
    writers: list[Writer] = field(default_factory=list[Writer])
    items: list[int] = field(default_factory=list[int])

    def populate(self) -> None:
        """Fill the catalog, and make the writers and the collection that they share."""
        self.items = [int(row[0]) for row in self.rows(MODELS, CATALOG + WRITERS * GIVEN_EACH)]
        body = {"title": "What all share"}
        made = httpx2.post(f"{self.server.url}{API}", json=body, headers=self.server.headers).raise_for_status().json()
        self.shared = Kept(made["id"], made["item_id"], 1, {})
        for at in range(WRITERS):
            start = CATALOG + at * GIVEN_EACH
            own = self.items[start : start + GIVEN_EACH]
            self.writers.append(Writer(f"writer-{at}", self.server.headers, self.items[:CATALOG], own, self.shared))

    def write_until(self, interrupt: Callable[[], None]) -> None:
        """Have all write, and interrupt them when some changes are acknowledged, at no particular moment."""
        enough = self._acknowledged() + random.randint(10, 100)
        stop = threading.Event()
        flipper = Flipper(self.server.headers, [f"admin/crash-{n}" for n in range(1, CATALOG, 7)])
        threads = [
            threading.Thread(target=each.write, args=(self.server.url, stop)) for each in (*self.writers, flipper)
        ]
        for thread in threads:
            thread.start()
        try:
            until = time.monotonic() + MOST_SECONDS
            while self._acknowledged() < enough and time.monotonic() < until:
                time.sleep(random.uniform(0.0, 0.05))
            interrupt()
            time.sleep(0.1)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        for writer in self.writers:
            if writer.trouble is not None:
                raise writer.trouble

    def _acknowledged(self) -> int:
        return sum(writer.acknowledged for writer in self.writers)

    def check(self) -> None:
        """Hold everything against what the writers know, and the database against its rules."""
        for writer in self.writers:
            writer.settle(self.server.url)
        query = "select item_id from entries where collection_id = %s"
        there = [int(row[0]) for row in self.rows(query, self.shared.number)]
        assert sorted(there) == sorted(item for writer in self.writers for item in writer.given)
        invariants.check(self.database_url)


@pytest.fixture(scope="module")
def scene() -> Generator[Floor]:
    with Floor.opened() as scene:
        scene.populate()
        yield scene


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_nothing_acknowledged_is_lost(scene: Floor, turn: int):
    kill = KILLS[turn % len(KILLS)]
    scene.write_until(lambda: kill(scene))
    if scene.server.process.poll() is None:  # it is to come back to itself first, and then to be killed as well
        scene.check()
        kill_server(scene)
    scene.start()
    scene.check()


def test_a_second_server_is_refused_and_does_no_harm(scene: Floor):
    refusals: list[subprocess.CompletedProcess[str]] = []

    def start_another() -> None:
        command = [PROGRAM, "serve", "--data", scene.data, "--port", str(free_port())]
        refusals.append(
            subprocess.run(command, check=False, capture_output=True, text=True, env=clean_environment(), timeout=60)
        )

    scene.write_until(start_another)
    assert refusals[0].returncode == 1
    assert f"(process {scene.server.process.pid}) uses the data folder {scene.data}." in refusals[0].stderr
    assert all(writer.pending is None for writer in scene.writers), "it was interrupted"
    scene.check()
