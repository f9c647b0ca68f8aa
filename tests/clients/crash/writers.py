"""Writers who remember what they were told: each keeps a model of his own collections, and of what all share.

A writer makes one change at a time, each under an idempotency key. What the server acknowledged is in his model; of a
change whose answer never came he knows what it would have made, so that after a crash the collection must be in one of
two states, and asking again must lead to the second.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import orjson

API = "/api/v1/collections"
NDJSON = {"Content-Type": "application/x-ndjson"}
PATIENCE = 30.0
# From here on a writer rather takes out than puts in.
LARGE = 600
MOST_COLLECTIONS = 4


class Interrupted(Exception):
    """No answer came, or one that the server or its database is away."""


@dataclass(frozen=True, slots=True)
class Form:
    """An entry as the model has it: its item, the revision that added it, its note."""

    item: int
    added: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a collection was at one revision."""

    description: str
    forms: tuple[Form, ...]


@dataclass(slots=True)
class Kept:
    """The model of one collection, with all that it has been."""

    public_id: str
    number: int
    revision: int
    shapes: dict[int, Shape]

    @property
    def now(self) -> Shape:
        """What it is."""
        return self.shapes[self.revision]

    def entry(self, form: Form) -> str:
        """The public id of an entry."""
        return f"{self.number:08x}{form.added:08x}{form.item:08x}"

    def ids(self, shape: Shape) -> list[tuple[str, str | None]]:
        """What a reader is shown of it: entries and notes, in order."""
        return [(self.entry(form), form.note) for form in shape.forms]


@dataclass(frozen=True, slots=True)
class Deed:
    """One change: the request, its key, and what is to be noted in the model once it is acknowledged."""

    method: str
    path: str
    acknowledged: Callable[[httpx2.Response], None]
    json: Mapping[str, object] | None = None
    lines: bytes | None = None
    kept: Kept | None = None
    after: Shape | None = None
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


class Writer:
    """One of several who write at the same time."""

    def __init__(self, name: str, headers: Mapping[str, str], items: list[int], own: list[int], shared: Kept) -> None:
        """Take what he may put in: any of `items` into collections of his own, those of `own` into the shared one."""
        self.name: str = name
        self.acknowledged: int = 0
        self.pending: Deed | None = None
        self.collections: list[Kept] = []
        self.given: list[int] = []
        self.trouble: BaseException | None = None
        self._headers: dict[str, str] = dict(headers)
        self._items: list[int] = items
        self._own: list[int] = own
        self._shared: Kept = shared
        self._chance: random.Random = random.Random(name)
        self._serial: int = 0

    # While the server is up

    def write(self, url: str, stop: threading.Event) -> None:
        """Make one change after the other, until told to stop or until no answer comes."""
        try:
            with self._client(url) as client:
                while not stop.is_set():
                    self.pending = self._next()
                    self._send(client, self.pending)
        except Interrupted:
            pass
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for this one
            self.trouble = error

    # After it was killed

    def settle(self, url: str) -> None:
        """Look at what an unanswered change has come to, ask for it again, and compare everything with the model."""
        with self._client(url) as client:
            if self.pending is not None:
                self._is_one_of_two(client, self.pending)
                self._insist(client, self.pending)
            for kept in self.collections:
                self._compare(client, kept)

    def _is_one_of_two(self, client: httpx2.Client, deed: Deed) -> None:
        """A change whose answer never came was made whole, or not at all."""
        if deed.kept is None or deed.after is None:
            return
        shown = _until_answered(lambda: self._entries(client, deed.kept))
        possible = (deed.kept.ids(deed.kept.now), deed.kept.ids(deed.after))
        assert shown in possible, f"{deed.method} {deed.path} is half done"

    def _insist(self, client: httpx2.Client, deed: Deed) -> None:
        _until_answered(lambda: self._send(client, deed))
        before = self._revision_of(client, deed)
        self.pending = deed
        again = _until_answered(lambda: self._request(client, deed))  # a third time changes nothing either
        assert again.headers["idempotent-replay"] == "true"
        self.pending = None
        assert self._revision_of(client, deed) == before

    def _revision_of(self, client: httpx2.Client, deed: Deed) -> int:
        kept = deed.kept or self.collections[-1]
        return int(_until_answered(lambda: self._get(client, f"{API}/{kept.public_id}"))["revision"])

    def _compare(self, client: httpx2.Client, kept: Kept) -> None:
        """What the server shows is what the model says: now, and at some revision of the past."""
        shown = _until_answered(lambda: self._get(client, f"{API}/{kept.public_id}"))
        expected = (kept.revision, len(kept.now.forms), kept.now.description)
        assert (shown["revision"], shown["entry_count"], shown["description"]) == expected
        assert _until_answered(lambda: self._entries(client, kept)) == kept.ids(kept.now)
        past = self._chance.choice(list(kept.shapes))
        assert _until_answered(lambda: self._entries(client, kept, past)) == kept.ids(kept.shapes[past])

    def _entries(
        self, client: httpx2.Client, kept: Kept | None, revision: int | None = None
    ) -> list[tuple[str, str | None]]:
        assert kept is not None
        asked: dict[str, str | int] = {"limit": 1000, "fields": "lean"}
        if revision is not None:
            asked["revision"] = revision
        found: list[tuple[str, str | None]] = []
        while True:
            page = self._get(client, f"{API}/{kept.public_id}/entries", asked)
            found += [(row["id"], row["note"]) for row in page["rows"]]
            if page["next"] is None:
                return found
            asked["cursor"] = page["next"]

    # Requests

    def _client(self, url: str) -> httpx2.Client:
        # Without `verify=False` each client reads all certificates of the world, for addresses that have none.
        return httpx2.Client(base_url=url, headers=self._headers, timeout=PATIENCE, verify=False)

    def _send(self, client: httpx2.Client, deed: Deed) -> None:
        deed.acknowledged(self._request(client, deed))
        self.acknowledged += 1
        self.pending = None

    def _request(self, client: httpx2.Client, deed: Deed) -> httpx2.Response:
        headers = {"Idempotency-Key": deed.key, **(NDJSON if deed.lines is not None else {})}
        with _lost():
            answer = client.request(deed.method, deed.path, json=deed.json, content=deed.lines, headers=headers)
        _accept(answer)
        if deed.lines is not None and "error" in _last_line(answer):
            raise Interrupted(answer.text[-500:])
        return answer

    def _get(self, client: httpx2.Client, path: str, asked: Mapping[str, str | int] | None = None) -> Any:  # noqa: ANN401 - JSON
        with _lost():
            answer = client.get(path, params=asked)
        _accept(answer)
        return answer.json()

    # What to do next

    def _next(self) -> Deed:
        self._serial += 1
        if not self.collections or (len(self.collections) < MOST_COLLECTIONS and self._chance.random() < 0.03):
            return self._create()
        kept = self._chance.choice(self.collections)
        if len(kept.now.forms) > LARGE:
            return self._remove_many(kept)
        if not kept.now.forms:
            return self._add(kept)
        if self._own and self._chance.random() < 0.1:
            return self._give()
        makers = (self._add, self._insert, self._note, self._move, self._remove, self._describe, self._restore)
        return self._chance.choice((*makers, self._add, self._insert, self._bulk))(kept)

    def _create(self) -> Deed:
        items = self._chance.sample(self._items, 5)
        title = f"{self.name} {uuid.uuid4().hex}"

        def acknowledged(answer: httpx2.Response) -> None:
            made = answer.json()
            shapes = {1: Shape("", ()), 2: Shape("", tuple(Form(item, 2) for item in items))}
            assert made["revision"] == 2
            self.collections.append(Kept(made["id"], made["item_id"], 2, shapes))

        body = {"title": title, "items": [{"item": item} for item in items]}
        return Deed("POST", API, acknowledged, body)

    def _add(self, kept: Kept) -> Deed:
        new = self._new(kept, 3)
        return self._change(kept, "POST", "/entries", {"items": _items(new)}, (*kept.now.forms, *new))

    def _insert(self, kept: Kept) -> Deed:
        new, forms = self._new(kept, 2), kept.now.forms
        at = self._chance.randrange(len(forms) + 1)
        return self._change(
            kept, "POST", "/entries", {"items": _items(new), "position": at}, (*forms[:at], *new, *forms[at:])
        )

    def _note(self, kept: Kept) -> Deed:
        at, form = self._any(kept)
        note = f"note {self._serial}"
        forms = (*kept.now.forms[:at], replace(form, note=note), *kept.now.forms[at + 1 :])
        return self._change(kept, "PATCH", f"/entries/{kept.entry(form)}", {"note": note}, forms)

    def _move(self, kept: Kept) -> Deed:
        at, form = self._any(kept)
        others = (*kept.now.forms[:at], *kept.now.forms[at + 1 :])
        to = self._chance.randrange(len(others) + 1)
        body = {"entries": [kept.entry(form)], "position": to}
        return self._change(kept, "POST", "/entries/move", body, (*others[:to], form, *others[to:]))

    def _remove(self, kept: Kept) -> Deed:
        at, form = self._any(kept)
        forms = (*kept.now.forms[:at], *kept.now.forms[at + 1 :])
        return self._change(kept, "DELETE", f"/entries/{kept.entry(form)}", None, forms)

    def _remove_many(self, kept: Kept) -> Deed:
        gone = set(self._chance.sample(kept.now.forms, LARGE // 2))
        body = {"entries": [kept.entry(form) for form in gone]}
        forms = tuple(form for form in kept.now.forms if form not in gone)
        return self._change(kept, "POST", "/entries/remove", body, forms)

    def _describe(self, kept: Kept) -> Deed:
        description = f"described {self._serial}"
        return self._change(kept, "PATCH", "", {"description": description}, kept.now.forms, description)

    def _restore(self, kept: Kept) -> Deed:
        past = self._chance.choice(list(kept.shapes))
        shape = kept.shapes[past]
        return self._change(kept, "POST", f"/revisions/{past}/restore", {}, shape.forms, shape.description)

    def _bulk(self, kept: Kept) -> Deed:
        """Hundreds of numbers, some of them there already and some twice."""
        there = {form.item for form in kept.now.forms}
        wanted = self._chance.choices(self._items, k=300)
        if not set(wanted) - there:
            return self._remove_many(kept)
        new = tuple(Form(item, kept.revision + 1) for item in dict.fromkeys(wanted) if item not in there)
        after = replace(kept.now, forms=(*kept.now.forms, *new))

        def acknowledged(answer: httpx2.Response) -> None:
            summary = _last_line(answer)["summary"]
            assert summary["added"] == len(new)
            self._advance(kept, after, summary["revision"])

        lines = "\n".join(map(str, wanted)).encode()
        path = f"{API}/{kept.public_id}/entries"
        return Deed("POST", path, acknowledged, lines=lines, kept=kept, after=after)

    def _give(self) -> Deed:
        """Put an item into the collection that all writers share."""
        item = self._own.pop()

        def acknowledged(_: httpx2.Response) -> None:
            self.given.append(item)

        path = f"{API}/{self._shared.public_id}/entries"
        return Deed("POST", path, acknowledged, {"items": [{"item": item}]})

    def _change(
        self,
        kept: Kept,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        forms: tuple[Form, ...],
        description: str | None = None,
    ) -> Deed:
        after = Shape(kept.now.description if description is None else description, forms)

        def acknowledged(answer: httpx2.Response) -> None:
            self._advance(kept, after, int(answer.headers["etag"].strip('"')))

        return Deed(method, f"{API}/{kept.public_id}{path}", acknowledged, body, kept=kept, after=after)

    def _advance(self, kept: Kept, after: Shape, revision: int) -> None:
        assert revision == kept.revision + 1, f"revision {revision} follows {kept.revision}"
        kept.revision = revision
        kept.shapes[revision] = after

    def _any(self, kept: Kept) -> tuple[int, Form]:
        at = self._chance.randrange(len(kept.now.forms))
        return at, kept.now.forms[at]

    def _new(self, kept: Kept, count: int) -> tuple[Form, ...]:
        there = {form.item for form in kept.now.forms}
        free = [item for item in self._chance.sample(self._items, LARGE) if item not in there]
        return tuple(Form(item, kept.revision + 1) for item in free[:count]) or self._new(kept, count)


class Flipper:
    """Somebody who hides and shows models all the time, so that entries have something to follow."""

    def __init__(self, headers: Mapping[str, str], names: list[str]) -> None:
        """Take whose models he flips."""
        self._headers: dict[str, str] = dict(headers)
        self._names: list[str] = names

    def write(self, url: str, stop: threading.Event) -> None:
        """Hide or show one model after the other, until told to stop or until no answer comes."""
        chance = random.Random()
        with (
            suppress(httpx2.TransportError),
            httpx2.Client(base_url=url, headers=self._headers, timeout=PATIENCE, verify=False) as client,
        ):
            while not stop.is_set():
                path = f"/api/models/{chance.choice(self._names)}/settings"
                if client.put(path, json={"private": chance.random() < 0.5}).status_code >= 500:
                    return


def _items(forms: Iterable[Form]) -> list[dict[str, object]]:
    return [{"item": form.item} for form in forms]


def _last_line(answer: httpx2.Response) -> Any:  # noqa: ANN401 - JSON
    lines = answer.content.splitlines()
    if not lines:
        raise Interrupted
    return orjson.loads(lines[-1])


def _accept(answer: httpx2.Response) -> None:
    """Let through what worked; a server without its database says so, and nothing else may happen."""
    if answer.status_code == 503:
        raise Interrupted(answer.text)
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"


class _lost:  # noqa: N801 - reads as the statement that it is
    """Turns a connection that broke into `Interrupted`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx2.TransportError):
            raise Interrupted(str(error)) from error


def _until_answered(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is asked for
    """Ask again while the server comes back to itself."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except Interrupted:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
