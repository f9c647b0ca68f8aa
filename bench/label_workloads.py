"""The workloads of selections and labeling, L7 to L12, numbered as in the performance goals.

Label Studio takes part in those that it has. What showcases are measured by (10 to 12) is measured with selections in
the same way: collections of a project's pictures, that answer to the same routes.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import orjson

from bench import label_studio_peer as label_studio, workloads as showcases
from bench.data import READER, Large, token_of
from bench.label_data import AT_ONCE, CLASS, CURATOR, HANDING_OUT, LABELERS, LOOP, QUEUED, Queue
from bench.load import LoadError, Requests, Talks, Work, ask, get, send
from bench.stage import LABEL_STUDIO, Stage
from bench.workloads import HALF, NONE, Loop, Peer, Shot, Target, Took, Workload, always, made
from pinakes.server.paging import decode_cursor, encode_cursor

T = TypeVar("T")

API = "/api/v1"
LABELING = Target("rate", None)
# The picture's labels that are saved: two boxes, as an annotator draws them.
BOXES = [[[120.5, 80.25], [640.0, 420.75]], [[900.0, 300.5], [1310.25, 777.0]]]
FIGURES = [
    {"class_name": CLASS, "geometry_type": "rectangle", "geometry": {"points": {"exterior": box, "interior": []}}}
    for box in BOXES
]


def _reader() -> str:
    return token_of(READER)


def _curator() -> str:
    return token_of(CURATOR)


# ----------------------------------------------------------------------------------------------------------------------
# L7: pages of a dataset
# ----------------------------------------------------------------------------------------------------------------------


def _pages(stage: Stage) -> str:
    return f"{API}/media?dataset={stage.marks.labels.dataset}&limit=100"


def first_page(stage: Stage) -> Requests:
    return always(get(_pages(stage), _reader()))


def first_page_thin(stage: Stage) -> Requests:
    return always(get(f"/media/{stage.marks.labels.dataset}"))


def first_page_label_studio(_: Stage) -> Requests:
    return always(get(label_studio.page(1), label_studio.token_of(0)))


def last_page(stage: Stage) -> Requests:
    """The cursor of the last page is made of that of the second, since nobody wants to walk there."""
    labels = stage.marks.labels
    following = ask(stage.ours.port, first_page(stage)())["next"]
    mark, key, _ = decode_cursor(following, str, str, int)
    cursor = encode_cursor(mark, key, labels.first_item + labels.paged - 101)
    return always(get(f"{_pages(stage)}&cursor={cursor}", _reader()))


def last_page_thin(stage: Stage) -> Requests:
    labels = stage.marks.labels
    return always(get(f"/media/{labels.dataset}?after={labels.first_item + labels.paged - 101}"))


def last_page_label_studio(stage: Stage) -> Requests:
    return always(get(label_studio.page(stage.marks.labels.paged // 100), label_studio.token_of(0)))


# ----------------------------------------------------------------------------------------------------------------------
# L8: the labeling loop
# ----------------------------------------------------------------------------------------------------------------------


class _Given:
    """What was handed out so far, on one side: whatever comes a second time is an error."""

    def __init__(self) -> None:
        self.items: set[int] = set()

    def take(self, answer: bytes) -> int:
        """Return the item that an answer hands out."""
        given = orjson.loads(answer)["given"]
        if given is None:
            message = "nothing is left to be handed out"
            raise LoadError(message)
        return self.note(given["item"])

    def note(self, item: int) -> int:
        """Remember an item."""
        if item in self.items:
            message = f"item {item} was handed out twice"
            raise LoadError(message)
        self.items.add(item)
        return item


# By the name of the queue, for what is looked up in the end.
_given: dict[str, _Given] = {}


def _queue(stage: Stage, name: str) -> Queue:
    return stage.marks.labels.queues[name]


def _next(queue: Queue, labeler: int) -> bytes:
    return send("POST", f"{API}/jobs/{queue.jobs[labeler]}/next", None, token_of(LABELERS[labeler]))


def next_item(stage: Stage) -> Talks:
    queue = _queue(stage, HANDING_OUT)
    given = _given[HANDING_OUT] = _Given()
    with stage.connect() as connection:
        for statement in AT_ONCE.format(queue=queue.id).split(";\n\n"):
            connection.execute(statement.encode())

    def begin(labeler: int) -> Generator[bytes, bytes]:
        given.take((yield _next(queue, labeler)))

    return Talks(begin)


def next_item_thin(_: Stage) -> Talks:
    given = _Given()

    def begin(labeler: int) -> Generator[bytes, bytes]:
        given.take((yield send("POST", f"/claim/{labeler}", None)))

    return Talks(begin)


def loop(stage: Stage) -> Talks:
    queue = _queue(stage, LOOP)
    given = _given[LOOP] = _Given()

    def begin(labeler: int) -> Generator[bytes, bytes]:
        token = token_of(LABELERS[labeler])
        item = given.take((yield _next(queue, labeler)))
        yield send("PUT", f"{API}/media/{item}/annotation", {"figures": FIGURES}, token)
        yield send("POST", f"{API}/jobs/{queue.jobs[labeler]}/items/{item}/submit", None, token)

    return Talks(begin)


def loop_at_once(stage: Stage) -> Talks:
    """The same in two requests: what is handed in brings its labels along."""
    queue = _queue(stage, LOOP)
    given = _given.setdefault(LOOP, _Given())

    def begin(labeler: int) -> Generator[bytes, bytes]:
        item = given.take((yield _next(queue, labeler)))
        body = {"annotation": {"figures": FIGURES}}
        path = f"{API}/jobs/{queue.jobs[labeler]}/items/{item}/submit"
        yield send("POST", path, body, token_of(LABELERS[labeler]))

    return Talks(begin)


def loop_thin(_: Stage) -> Talks:
    given = _Given()

    def begin(labeler: int) -> Generator[bytes, bytes]:
        item = given.take((yield send("POST", f"/claim/{labeler}", None)))
        yield send("PUT", f"/annotation/{item}", {"figures": FIGURES})
        yield send("POST", f"/submit/{item}", None)

    return Talks(begin)


def loop_at_once_thin(_: Stage) -> Talks:
    given = _Given()

    def begin(labeler: int) -> Generator[bytes, bytes]:
        item = given.take((yield send("POST", f"/claim/{labeler}", None)))
        yield send("POST", f"/hand-in/{item}", {"figures": FIGURES})

    return Talks(begin)


def loop_label_studio(_: Stage) -> Talks:
    """Its annotation is handed in as it is saved. What it hands out twice is its own affair."""

    def begin(labeler: int) -> Generator[bytes, bytes]:
        token = label_studio.token_of(labeler)
        task = orjson.loads((yield get(label_studio.NEXT, token)))["id"]
        yield send("POST", label_studio.annotations_of(task), label_studio.ANNOTATION, token)

    return Talks(begin)


LOG = """
select count(*), count(distinct w.item_id), (
    select count(*) from work as k where k.queue_id = %(queue)s and k.status = 'done' and k.labeler_id is not null
)
from work_log as w where w.queue_id = %(queue)s and w.verb = 'given'
"""


def no_item_twice(name: str) -> Callable[[Stage], None]:
    """Look whether what the labelers were given is what the server says that it gave, each once."""

    def check(stage: Stage) -> None:
        with stage.connect() as connection:
            found = connection.execute(LOG, {"queue": _queue(stage, name).id}).fetchone()
        seen = len(_given[name].items)
        if found != (seen, seen, seen):
            message = f"{seen} items were handed out; hand-outs, items and items handed in on record: {found}"
            raise LoadError(message)

    return check


# ----------------------------------------------------------------------------------------------------------------------
# L9: save an annotation
# ----------------------------------------------------------------------------------------------------------------------


def _saved(stage: Stage, rest: int) -> Iterator[int]:
    """Go through the pictures of the first dataset by chance: ours through the even ones, the comparator's the odd."""
    labels = stage.marks.labels
    items = list(range(labels.first_item + rest, labels.first_item + labels.paged, 2))
    random.Random(9).shuffle(items)
    return itertools.cycle(items)


def save(stage: Stage) -> Requests:
    token = _curator()
    return made(send("PUT", f"{API}/media/{item}/annotation", {"figures": FIGURES}, token) for item in _saved(stage, 0))


def save_thin(stage: Stage) -> Requests:
    return made(send("PUT", f"/annotation/{item}", {"figures": FIGURES}) for item in _saved(stage, 1))


def save_label_studio(stage: Stage) -> Requests:
    token = label_studio.token_of(0)
    first = stage.marks.labels.first_item
    # From the end, where its labelers have not come.
    tasks = (label_studio.FIRST_TASK + (item - first) // 2 + stage.marks.labels.paged // 2 for item in _saved(stage, 0))
    return made(send("POST", label_studio.annotations_of(task), label_studio.ANNOTATION, token) for task in tasks)


# ----------------------------------------------------------------------------------------------------------------------
# L10 to L12: what showcases are measured by
# ----------------------------------------------------------------------------------------------------------------------


def _as_showcases(stage: Stage) -> Stage:
    """The same stage, on which the large showcases are selections and their items pictures."""
    labels = stage.marks.labels
    large = {name: Large(*facts) for name, facts in labels.selections.items()}
    marks = dataclasses.replace(stage.marks, first_item=labels.first_item, large=large, owners=[CURATOR, CURATOR])
    # What a selection has of its project it can't be given.
    return dataclasses.replace(stage, marks=marks, made_with={"kind": "selection", "project": labels.project})


def sizes_at_first_sight(stage: Stage, turn: int) -> Took:
    """Nobody has looked at these two as sets before; the third round is not to be the middle one."""
    pairs = [("left", "right"), ("moved", QUEUED), ("moved", "left")]
    return showcases.compared(_as_showcases(stage), *pairs[turn % 3])


def _there(run: Callable[[Stage], T]) -> Callable[[Stage], T]:
    return lambda stage: run(_as_showcases(stage))


def _turns(run: Callable[[Stage, int], Took]) -> Callable[[Stage, int], Took]:
    return lambda stage, turn: run(_as_showcases(stage), turn)


def _label_studio(requests: Callable[[Stage], Work]) -> Peer:
    return Peer(requests, 50, of=LABEL_STUDIO)


LABEL_WORKLOADS: list[Workload] = [
    Loop(
        "L7a",
        "page of 100 of 100k pictures, the first",
        first_page,
        first_page_thin,
        HALF,
        peer=_label_studio(first_page_label_studio),
    ),
    Loop("L7b", "the last", last_page, last_page_thin, HALF, peer=_label_studio(last_page_label_studio)),
    Loop(
        "L7c",
        "the last, against the first; one connection",
        last_page,
        first_page,
        Target("latency", 1.2),
        1,
        against="our first page",
        equal_payload=False,
    ),
    Loop(
        "L8a",
        "next item of a queue over a million, 16 labelers",
        next_item,
        next_item_thin,
        HALF,
        note="a trigger hands each in at once, so that the next is another",
        check=no_item_twice(HANDING_OUT),
    ),
    Loop(
        "L8b",
        "the labeling loop: next, save, submit; 16 labelers",
        loop,
        loop_thin,
        LABELING,
        equal_payload=False,
        peer=_label_studio(loop_label_studio),
        check=no_item_twice(LOOP),
    ),
    Loop(
        "L8c",
        "the same in two requests: next, submit with the labels",
        loop_at_once,
        loop_at_once_thin,
        LABELING,
        equal_payload=False,
        peer=_label_studio(loop_label_studio),
        check=no_item_twice(LOOP),
    ),
    Loop(
        "L9",
        "save an annotation, random of 100k pictures",
        save,
        save_thin,
        HALF,
        peer=_label_studio(save_label_studio),
    ),
    Shot(
        "L10a",
        "add a million ids to a selection in one request",
        _turns(showcases.add_million),
        _turns(showcases.add_million_thin),
        Target("rate", 0.6),
    ),
    Shot(
        "L10b",
        "the same, 0.1 % named twice and 0.1 % unknown",
        _turns(showcases.add_million_with_faults),
        _turns(showcases.add_million_with_faults_thin),
        Target("rate", 0.6),
    ),
    Loop(
        "L11a",
        "move one of a million in a selection behind another, one connection",
        _there(showcases.move_behind),
        _there(showcases.move_thin),
        Target("latency", 2),
        1,
        equal_payload=False,
    ),
    Loop(
        "L11b",
        "page of 100 of a selection at a random depth, against the first page",
        _there(showcases.deep_page),
        _there(showcases.first_page),
        Target("latency", 1.2),
        1,
        against="our first page",
        equal_payload=False,
    ),
    Shot("L12a", "sizes of two selections of a million at first sight", sizes_at_first_sight, None, NONE),
    Loop("L12b", "the same again, one connection", _there(showcases.sizes), None, Target("ours", 20), 1),
]
