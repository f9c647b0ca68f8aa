"""The workloads of the performance goals, as far as showcases have them; the numbers are those of the goals.

A `Loop` puts a load on one side and then on the other; a `Shot` is one long call at a time. What is compared, and with
which target, stands with each.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import orjson

from bench.data import FIRST, LABS, READER, THIN, Large, token_of
from bench.load import LoadError, Requests, Work, ask, call, get, send
from bench.stage import Stage
from pinakes.server.paging import encode_cursor

API = "/api/v1/collections"
HUB = "/api/collections"

# How the sides are compared: by requests (or rows) a second, by the median latencies, or ours alone in milliseconds.
Metric = Literal["rate", "latency", "ours"]


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted: at least this ratio of rates, at most this ratio of medians, at most so many milliseconds."""

    metric: Metric
    value: float | None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        return {"rate": "≥ {:g} of thin", "latency": "≤ {:g} of it", "ours": "≤ {:g} ms"}[self.metric].format(
            self.value
        )

    def met(self, ratio: float, milliseconds: float) -> bool | None:
        """Tell whether it is met; None where there is none."""
        if self.value is None:
            return None
        if self.metric == "rate":
            return ratio >= self.value
        return (ratio if self.metric == "latency" else milliseconds) <= self.value


@dataclass(frozen=True, slots=True)
class Peer:
    """What another server is asked for the same, and how many times as many requests ours should answer."""

    requests: Callable[[Stage], Work]
    wanted: float
    of: str = "MLflow"


@dataclass(frozen=True, slots=True)
class Loop:
    """A workload under load: the requests of each side, on so many connections. `thin` may be another of our own.

    `check` looks in the end whether all went as it must, and raises LoadError if it did not.
    """

    number: str
    title: str
    ours: Callable[[Stage], Work]
    thin: Callable[[Stage], Work] | None
    target: Target
    connections: int | None = None
    against: str = "thin"
    equal_payload: bool = True
    note: str = ""
    peer: Peer | None = None
    check: Callable[[Stage], None] | None = None


@dataclass(frozen=True, slots=True)
class Took:
    """What one long call came to."""

    seconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class Shot:
    """A long call, made once a round on each side; each gets the number of the round."""

    number: str
    title: str
    ours: Callable[[Stage, int], Took]
    thin: Callable[[Stage, int], Took] | None
    target: Target
    against: str = "thin"
    note: str = ""


Workload = Loop | Shot

HALF = Target("rate", 0.5)
NONE = Target("ours", None)


def any_of(requests: list[bytes]) -> Requests:
    """Requests in an order by chance, the same in every run."""
    random.Random(20).shuffle(requests)
    return itertools.cycle(requests).__next__


def always(request: bytes) -> Requests:
    """The same request again and again."""
    return lambda: request


def made(requests: Iterator[bytes]) -> Requests:
    """Requests that are made while they are sent, none twice."""
    return requests.__next__


def _large(stage: Stage, name: str) -> Large:
    return stage.marks.large[name]


def _reader() -> str:
    return token_of(READER)


# ----------------------------------------------------------------------------------------------------------------------
# 1: get a collection
# ----------------------------------------------------------------------------------------------------------------------


def get_small(stage: Stage) -> Requests:
    limit = stage.sizes.entries
    return any_of([get(f"{API}/{c}?entries={limit}", _reader()) for c in stage.marks.showcases])


def get_small_thin(stage: Stage) -> Requests:
    limit = stage.sizes.entries
    return any_of([get(f"/native/collections/{c}?limit={limit}") for c in stage.marks.showcases])


def _slug(stage: Stage, at: int, public_id: str) -> str:
    return f"{stage.marks.owner_of(at)}/what-we-read-and-built-number-{at}-{public_id}"


def get_small_hub(stage: Stage) -> Requests:
    return any_of([get(f"{HUB}/{_slug(stage, n, c)}", _reader()) for n, c in enumerate(stage.marks.showcases)])


def get_small_hub_thin(stage: Stage) -> Requests:
    return any_of([get(f"/hub/collections/{c}") for c in stage.marks.showcases])


def get_thousand(stage: Stage) -> Requests:
    large = _large(stage, "thousand")
    return always(get(f"{API}/{large.public_id}?entries={large.count}", _reader()))


def get_thousand_thin(stage: Stage) -> Requests:
    large = _large(stage, "thousand")
    return always(get(f"/native/collections/{large.public_id}?limit={large.count}"))


def get_thousand_hub(stage: Stage) -> Requests:
    return always(get(f"{HUB}/{stage.marks.owners[0]}/large-thousand-{_large(stage, 'thousand').public_id}", _reader()))


def get_thousand_hub_thin(stage: Stage) -> Requests:
    return always(get(f"/hub/collections/{_large(stage, 'thousand').public_id}"))


# ----------------------------------------------------------------------------------------------------------------------
# 2 and 3: lists
# ----------------------------------------------------------------------------------------------------------------------


def by_tag(_: Stage) -> Requests:
    return any_of([get(f"{API}?tag=topic-{n}&limit=100", _reader()) for n in range(100)])


def by_tag_thin(_: Stage) -> Requests:
    return any_of([get(f"/native/tagged/topic-{n}") for n in range(100)])


def newest(_: Stage) -> Requests:
    return always(get(f"{API}?limit=100", _reader()))


def newest_thin(_: Stage) -> Requests:
    return always(get("/native/newest"))


def newest_hub(_: Stage) -> Requests:
    return always(get(f"{HUB}?sort=lastModified&limit=100", _reader()))


def newest_hub_thin(_: Stage) -> Requests:
    return always(get("/hub/newest"))


def history(stage: Stage) -> Requests:
    return always(get(f"{API}/{_large(stage, 'thousand').public_id}/history?limit=50", _reader()))


def history_thin(stage: Stage) -> Requests:
    return always(get(f"/native/history/{_large(stage, 'thousand').id}"))


# ----------------------------------------------------------------------------------------------------------------------
# 6: create, add one
# ----------------------------------------------------------------------------------------------------------------------

_serial = itertools.count(1)
_turns = itertools.count()


def create(stage: Stage) -> Requests:
    def requests() -> Iterator[bytes]:
        for n in _serial:
            owner = stage.marks.owners[n % len(stage.marks.owners)]
            yield send("POST", API, _new("ours", n), token_of(owner))

    return made(requests())


def create_thin(stage: Stage) -> Requests:
    def requests() -> Iterator[bytes]:
        for n in _serial:
            owner = stage.marks.owners[n % len(stage.marks.owners)]
            yield send("POST", "/create", {**_new("thin", n), "owner": owner})

    return made(requests())


def _new(whose: str, n: int) -> dict[str, object]:
    return {"title": f"{whose} made {n} at {time.time_ns()}", "description": "Made to be measured.", "tags": ["a", "b"]}


def _fresh(stage: Stage) -> Iterator[tuple[int, int]]:
    """Go through the showcases by chance; return each with an item that it does not have yet, counted from 0."""
    marks = stage.marks
    chance = random.Random(next(_serial))
    for turn in _turns:
        at = chance.randrange(len(marks.showcases))
        # The steps that the data was made with, further on.
        yield at, ((marks.first_showcase + at) * 7919 + (stage.sizes.entries + turn) * 104729) % stage.sizes.popular


def add_one(stage: Stage) -> Requests:
    marks = stage.marks

    def requests() -> Iterator[bytes]:
        for at, item in _fresh(stage):
            body = {"items": [{"item": marks.first_item + item}]}
            yield send("POST", f"{API}/{marks.showcases[at]}/entries", body, token_of(marks.owner_of(at)))

    return made(requests())


def add_one_thin(stage: Stage) -> Requests:
    def requests() -> Iterator[bytes]:
        chance = random.Random(next(_serial))
        first = stage.marks.first_showcase + THIN
        # Beyond the items that are there: a statement of its own that looked for one would not be thin.
        for item in itertools.count(time.time_ns() // 1000 % 500_000_000 + 1_000_000_000):
            yield send("POST", f"/add/{first + chance.randrange(len(stage.marks.showcases))}", {"item": item})

    return made(requests())


def add_one_hub(stage: Stage) -> Requests:
    marks = stage.marks

    def requests() -> Iterator[bytes]:
        for at, item in _fresh(stage):
            number = item + 1
            if number % 10 > 5:  # no model
                continue
            body = {"item": {"id": f"{LABS[number % 4]}/net-{number}", "type": "model"}}
            path = f"{HUB}/{_slug(stage, at, marks.showcases[at])}/items"
            yield send("POST", path, body, token_of(marks.owner_of(at)))

    return made(requests())


# ----------------------------------------------------------------------------------------------------------------------
# 7 and 11: pages of a large collection, one move, one removal
# ----------------------------------------------------------------------------------------------------------------------


def _keys(large: Large, count: int = 2000) -> list[bytes]:
    chance = random.Random(7)
    return [int.to_bytes(FIRST + chance.randrange(large.count - 100), 6) for _ in range(count)]


def _deepest(stage: Stage) -> Large:
    return stage.marks.large.get("ten") or _large(stage, "left")


def first_page(stage: Stage) -> Requests:
    return always(get(f"{API}/{_deepest(stage).public_id}/entries?limit=100", _reader()))


def first_page_thin(stage: Stage) -> Requests:
    return always(get(f"/native/entries/{_deepest(stage).id}"))


def deep_page(stage: Stage) -> Requests:
    large = _deepest(stage)
    cursors = (encode_cursor(key, large.id, None) for key in _keys(large))
    paths = (f"{API}/{large.public_id}/entries?limit=100&cursor={cursor}" for cursor in cursors)
    return any_of([get(path, _reader()) for path in paths])


def deep_page_thin(stage: Stage) -> Requests:
    large = _deepest(stage)
    return any_of([get(f"/native/entries/{large.id}?after={key.hex()}") for key in _keys(large)])


def _members(stage: Stage, large: Large, count: int) -> list[int]:
    """Items of a large collection, by chance: its entries are the first so many items, in some order."""
    chance = random.Random(next(_serial))
    return [stage.marks.first_item + n for n in chance.sample(range(large.count), min(count, large.count))]


def _entry(large: Large, item: int) -> str:
    return f"{large.id:08x}{2:08x}{item:08x}"


def _change(stage: Stage, large: Large, method: str, path: str, body: dict[str, object]) -> bytes:
    return send(method, f"{API}/{large.public_id}/entries{path}", body, token_of(stage.marks.owners[0]))


def move_behind(stage: Stage) -> Requests:
    large = _large(stage, "moved")

    def requests() -> Iterator[bytes]:
        while True:
            items = [_entry(large, item) for item in _members(stage, large, 2000)]
            for entry, after in itertools.pairwise(items):
                yield _change(stage, large, "POST", "/move", {"entries": [entry], "after": after})

    return made(requests())


def move_to_index(stage: Stage) -> Requests:
    large = _large(stage, "moved")

    def requests() -> Iterator[bytes]:
        chance = random.Random(next(_serial))
        while True:
            for item in _members(stage, large, 2000):
                body: dict[str, object] = {"position": chance.randrange(large.count)}
                yield _change(stage, large, "PATCH", f"/{_entry(large, item)}", body)

    return made(requests())


def move_thin(stage: Stage) -> Requests:
    large = _large(stage, "moved")

    def requests() -> Iterator[bytes]:
        while True:
            for item in _members(stage, large, 2000):
                key = int.to_bytes(FIRST + item, 6) + time.time_ns().to_bytes(8)
                yield send("POST", f"/move/{large.id + THIN}", {"item": item, "key": key.hex()})

    return made(requests())


def remove_one(stage: Stage) -> Requests:
    large = _large(stage, "removed")

    def requests() -> Iterator[bytes]:
        for item in _left(stage, large, ours=True):
            yield _change(stage, large, "POST", "/remove", {"entries": [_entry(large, item)]})

    return made(requests())


def remove_one_thin(stage: Stage) -> Requests:
    large = _large(stage, "removed")

    def requests() -> Iterator[bytes]:
        for item in _left(stage, large, ours=False):
            yield send("POST", f"/remove/{large.id + THIN}", {"item": item})

    return made(requests())


def _left(stage: Stage, large: Large, *, ours: bool) -> list[int]:
    """Items that are still in a collection of which some were removed."""
    with stage.connect() as connection:
        query = "select item_id from entries where collection_id = %s order by order_key limit 100000"
        found = connection.execute(query, [large.id if ours else large.id + THIN]).fetchall()
    items = [int(str(row[0])) for row in found]
    random.Random(next(_serial)).shuffle(items)
    return items


# ----------------------------------------------------------------------------------------------------------------------
# 10: a million in one call
# ----------------------------------------------------------------------------------------------------------------------


def _million(stage: Stage, faults: int) -> list[int]:
    """Items in an order by chance; one of each thousand named twice and one unknown, where faults are wanted."""
    first, count = stage.marks.first_item, stage.sizes.million
    items = [first + n * 7919 % count for n in range(count)]
    for n in range(faults):
        items[n * 1000 + 500] = items[n * 1000 + 400]
        items[n * 1000 + 700] = 2_000_000_000 + n
    return items


def add_million(stage: Stage, _: int) -> Took:
    return _add_million(stage, _million(stage, 0))


def add_million_with_faults(stage: Stage, _: int) -> Took:
    return _add_million(stage, _million(stage, stage.sizes.million // 1000))


def _add_million(stage: Stage, items: list[int]) -> Took:
    token = token_of(stage.marks.owners[1])
    made_ = ask(stage.ours.port, send("POST", API, {**_new("million", next(_serial)), **stage.made_with}, token))
    request = _lines(f"{API}/{made_['id']}/entries", items, token)
    began = time.perf_counter()
    status, answer = call(stage.ours.port, request)
    took = time.perf_counter() - began
    last = orjson.loads(answer.splitlines()[-1])
    if status != 200 or last["summary"]["added"] < len(items) * 0.99:
        raise LoadError(answer[-500:].decode())
    return Took(took, len(items))


def add_million_thin(stage: Stage, _: int) -> Took:
    return _add_million_thin(stage, _million(stage, 0))


def add_million_with_faults_thin(stage: Stage, _: int) -> Took:
    return _add_million_thin(stage, _million(stage, stage.sizes.million // 1000))


def _add_million_thin(stage: Stage, items: list[int]) -> Took:
    request = _lines(f"/add-many/{1_500_000_000 + next(_serial)}", items, None)
    began = time.perf_counter()
    answer = ask(stage.thin.port, request)
    took = time.perf_counter() - began
    assert answer["added"] >= len(items) * 0.99
    return Took(took, len(items))


def _lines(path: str, items: list[int], token: str | None) -> bytes:
    body = "\n".join(map(str, items)).encode()
    head = f"POST {path} HTTP/1.1\r\ncontent-type: application/x-ndjson\r\ncontent-length: {len(body)}\r\n"
    return (head + (f"authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode() + body


# ----------------------------------------------------------------------------------------------------------------------
# 12: set sizes, and 13: revisions of a million
# ----------------------------------------------------------------------------------------------------------------------


def sizes(stage: Stage) -> Requests:
    left, right = _large(stage, "left"), _large(stage, "right")
    return always(get(f"{API}/{left.public_id}/compare/{right.public_id}", _reader()))


def sizes_at_first_sight(stage: Stage, turn: int) -> Took:
    """Nobody has looked at these two as sets before."""
    return compared(stage, *[("left", "right"), ("moved", "restored"), ("removed", "left")][turn % 3])


def compared(stage: Stage, *names: str) -> Took:
    """How long it takes to say how large the union and so on of two are."""
    left, right = (_large(stage, name) for name in names)
    return _timed(stage, get(f"{API}/{left.public_id}/compare/{right.public_id}", _reader()))


def sizes_after_a_change(stage: Stage, turn: int) -> Took:
    """One entry was added since somebody looked."""
    left, right = _large(stage, "left"), _large(stage, "right")
    body: dict[str, object] = {"items": [{"item": stage.marks.first_item + left.count + turn}]}
    ask(stage.ours.port, _change(stage, left, "POST", "", body))
    return _timed(stage, get(f"{API}/{left.public_id}/compare/{right.public_id}", _reader()))


def _scramble(stage: Stage, turn: int) -> tuple[int, int]:
    """Remove some entries and move as many to the end; return the revision before, and how many that were."""
    large = _large(stage, "restored")
    before = ask(stage.ours.port, get(f"{API}/{large.public_id}"))["revision"]
    count = min(10_000, large.count // 10)
    first = stage.marks.first_item + turn % 3 * 2 * count
    for path, start in (("/remove", first), ("/move", first + count)):
        for at in range(start, start + count, 5000):
            entries = [_entry(large, item) for item in range(at, min(at + 5000, start + count))]
            body: dict[str, object] = {"entries": entries}
            ask(stage.ours.port, _change(stage, large, "POST", path, body))
    return before, 2 * count


def diff_of_some(stage: Stage, turn: int) -> Took:
    """Some were removed and some moved to the end since."""
    large = _large(stage, "restored")
    before, count = _scramble(stage, turn)
    took = _timed(stage, get(f"{API}/{large.public_id}/diff?from={before}&limit=100", _reader()), count)
    _restore(stage, large, 2, count)
    return took


def restore_some(stage: Stage, turn: int) -> Took:
    """The same, taken back."""
    before, count = _scramble(stage, turn)
    return _restore(stage, _large(stage, "restored"), before, count)


def diff_of_all(stage: Stage, _: int) -> Took:
    """The revision with nothing in it, compared with the one that has it all."""
    large = _large(stage, "restored")
    return _timed(stage, get(f"{API}/{large.public_id}/diff?from=1&limit=100", _reader()), large.count)


def restore_nothing(stage: Stage, _: int) -> Took:
    """Back to the empty revision: a million leave. Then back again, unmeasured."""
    large = _large(stage, "restored")
    took = _restore(stage, large, 1, large.count)
    _restore(stage, large, 2, large.count)
    return took


def restore_all(stage: Stage, _: int) -> Took:
    """A million leave, unmeasured; then they come back."""
    large = _large(stage, "restored")
    _restore(stage, large, 1, large.count)
    return _restore(stage, large, 2, large.count)


def _restore(stage: Stage, large: Large, revision: int, rows: int) -> Took:
    path = f"{API}/{large.public_id}/revisions/{revision}/restore"
    return _timed(stage, send("POST", path, {}, token_of(stage.marks.owners[0])), rows)


def _timed(stage: Stage, request: bytes, rows: int = 1) -> Took:
    began = time.perf_counter()
    ask(stage.ours.port, request)
    return Took(time.perf_counter() - began, rows)


TRAP = Target("ours", 20)
WORKLOADS: list[Workload] = [
    Loop("0a", "one connection: get with 20 entries (no 42 ms stall)", get_small, get_small_thin, TRAP, 1),
    Loop("0b", "one connection: get with 1,000 entries", get_thousand, get_thousand_thin, Target("ours", 40), 1),
    Loop("0c", "one connection: add one entry", add_one, add_one_thin, TRAP, 1, equal_payload=False),
    Loop("1a", "get with 20 entries, random of 10k, native", get_small, get_small_thin, HALF),
    Loop("1b", "get with 20 entries, random of 10k, huggingface", get_small_hub, get_small_hub_thin, HALF),
    Loop("1c", "get with 1,000 entries, native", get_thousand, get_thousand_thin, HALF),
    Loop("1d", "get with 1,000 entries, huggingface", get_thousand_hub, get_thousand_hub_thin, HALF),
    Loop("2", "list by tag (1 % of 10k), page of 100", by_tag, by_tag_thin, HALF),
    Loop("3a", "list the newest 100, native", newest, newest_thin, HALF),
    Loop("3b", "list the newest 100 with 4 items each, huggingface", newest_hub, newest_hub_thin, HALF),
    Loop("3c", "history, the last 50 of 1,000 changes", history, history_thin, HALF),
    Loop("6a", "create a collection with 2 tags", create, create_thin, HALF, equal_payload=False),
    Loop("6b", "add one entry, random of 10k, native", add_one, add_one_thin, HALF, equal_payload=False),
    Loop(
        "6c",
        "add one entry, answered with all, huggingface",
        add_one_hub,
        add_one_thin,
        Target("rate", None),
        equal_payload=False,
        note="thin adds, and answers with a number",
    ),
    Loop("7", "page of 100 of a million at a random depth", deep_page, deep_page_thin, HALF),
    Shot("10a", "add a million ids in one request", add_million, add_million_thin, Target("rate", 0.6)),
    Shot(
        "10b",
        "the same, 0.1 % named twice and 0.1 % unknown",
        add_million_with_faults,
        add_million_with_faults_thin,
        Target("rate", 0.6),
    ),
    Loop(
        "11a",
        "move one of a million behind another, one connection",
        move_behind,
        move_thin,
        Target("latency", 2),
        1,
        equal_payload=False,
    ),
    Loop(
        "11b",
        "move one of a million to a random index, one connection",
        move_to_index,
        move_thin,
        Target("latency", None),
        1,
        equal_payload=False,
        note="an index must be counted",
    ),
    Loop(
        "11c",
        "remove one of a million, one connection",
        remove_one,
        remove_one_thin,
        Target("latency", 2),
        1,
        equal_payload=False,
    ),
    Loop(
        "11d",
        "page of 100 at a random depth, against the first page",
        deep_page,
        first_page,
        Target("latency", 1.2),
        1,
        against="our first page",
        equal_payload=False,
    ),
    Shot("12a", "sizes of two sets of a million at first sight", sizes_at_first_sight, None, NONE),
    Shot("12b", "the same after one was added", sizes_after_a_change, None, NONE),
    Loop("12c", "the same again, one connection", sizes, None, Target("ours", 20), 1),
    Shot("13a", "diff of two revisions of a million: 20,000 differ", diff_of_some, None, NONE),
    Shot("13b", "restore: 20,000 of a million differ", restore_some, None, NONE),
    Shot("13c", "diff of two revisions: a million differ", diff_of_all, None, NONE),
    Shot("13d", "restore: a million leave", restore_nothing, None, NONE),
    Shot("13e", "restore: a million come back", restore_all, None, NONE),
]
