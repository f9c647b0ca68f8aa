"""The matrix of labeling over both APIs that know queues: what each person may do, and what each is shown.

Must show 6 of the step: an annotator sees nothing but the items of his jobs. S1-34 to S1-37.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import httpx2
import pytest

from factories.people import unique
from permissions.labeling_scenery import BOX, NOWHERE, Floor, Things, make_floor
from pinakes.server.db import Database

FILE = Path(__file__).with_name("labeling.csv")
STATUSES = {"yes": {200, 201, 204}, "sign-in": {401}, "role": {403}, "scope": {403}, "hidden": {404}}
# A thing that Supervisely's API names elsewhere than in `id` is a 400 (its contract, 2.2).
HIDDEN = {"native": {401, 404}, "supervisely": {400, 401, 404}}
# Of many things that are named at once, those that are not there are passed over, or told of as missing.
PASSED_OVER = {"remove an image"}
PUBLIC_API = "/public/api/v3/"
# Who is as good as another, and a floor on which he is asked.
LIKE = {"annotator, bound here": "annotator", "boss": "admin", "boss, bound here": "admin"}
FLOORS = ("private", "private of a user", "public")

Body: TypeAlias = Mapping[str, Any]


@dataclass
class Scene:
    """Somebody's attempt: on what is there, or on numbers that nothing has."""

    floor: Floor
    at: Things
    public_id: str
    hashes: Mapping[str, bytes]
    spare: dict[str, int] = field(default_factory=dict[str, int])


# What is asked: a method, an address and a body of the native API, or the name and the body of one of Supervisely's.
Ask: TypeAlias = tuple[str, str, Body | None]


@dataclass(frozen=True)
class Attempt:
    """One thing to try, over each of the APIs that have it."""

    native: Callable[[Scene], Ask] | None = None
    supervisely: Callable[[Scene], Ask] | None = None
    changes: bool = False
    spare: str | None = None


def _get(path: str) -> Callable[[Scene], Ask]:
    """A read of the native API; `{held}` stands for the number of the held image, and so on."""
    return lambda s: ("GET", "/api/v1" + path.format(public_id=s.public_id, **_numbers(s)), None)


def _send(method: str, path: str, body: Callable[[Scene], Body] | None = None) -> Callable[[Scene], Ask]:
    """A change over the native API."""
    return lambda s: (
        method,
        "/api/v1" + path.format(public_id=s.public_id, **_numbers(s)),
        body(s) if body is not None else None,
    )


def _call(method: str, body: Callable[[Scene], Body]) -> Callable[[Scene], Ask]:
    """A call of a method of Supervisely's."""
    return lambda s: ("POST", PUBLIC_API + method, body(s))


def _by_id(method: str, what: str) -> Callable[[Scene], Ask]:
    return _call(method, lambda s: {"id": _numbers(s)[what]})


def _numbers(s: Scene) -> dict[str, int]:
    return {**vars_of(s.at), **s.spare}


def vars_of(things: Things) -> dict[str, int]:
    """The numbers of things by what they are."""
    return {name: getattr(things, name) for name in Things.__dataclass_fields__}


def _figure(s: Scene, which: str) -> Body:
    name = s.floor.names["class"]
    number = _numbers(s)[f"{which}_figure"]
    figure = {"id": number, "class_name": name, "geometry_type": "rectangle", "geometry": BOX}
    return {"figures": [figure], "tags": [{"name": "seen"}]}


def _object(s: Scene, which: str) -> Body:
    name, number = s.floor.names["class"], _numbers(s)[f"{which}_figure"]
    label = {"id": number, "classTitle": name, "geometryType": "rectangle", "tags": [], **BOX}
    image = _numbers(s)[which]
    return {"annotations": [{"imageId": image, "annotation": {"objects": [label], "tags": [{"name": "seen"}]}}]}


def _read_image(which: str) -> Attempt:
    return Attempt(_get(f"/media/{{{which}}}"), _by_id("images.info", which))


def _labels_of(which: str) -> Attempt:
    return Attempt(
        _get(f"/media/{{{which}}}/annotation"),
        _call("annotations.info", lambda s: {"imageId": _numbers(s)[which], "integerCoords": False}),
    )


def _label(which: str) -> Attempt:
    return Attempt(
        _send("PUT", f"/media/{{{which}}}/annotation", lambda s: _figure(s, which)),
        _call("annotations.bulk.add", lambda s: _object(s, which)),
        changes=True,
    )


def _tag(which: str) -> Attempt:
    return Attempt(
        _send("POST", "/media/tag", lambda s: {"items": [_numbers(s)[which]], "name": "seen"}),
        _call("image-tags.bulk.add-to-image", lambda s: {"tagId": s.at.tag_id, "ids": [_numbers(s)[which]]}),
        changes=True,
    )


def _edit(which: str) -> Attempt:
    return Attempt(
        _send("PATCH", f"/media/{{{which}}}", lambda _: {"description": "changed"}),
        _call("images.editInfo", lambda s: {"id": _numbers(s)[which], "description": "changed"}),
        changes=True,
    )


def _step(job: str, verb: str, status: str, which: str, *, each: bool) -> Attempt:
    """A step in a job: natively by its own verb, else as a status."""
    path = f"/jobs/{{{job}}}/items/{{{which}}}/{verb}" if each else f"/jobs/{{{job}}}/{verb}"
    return Attempt(
        _send("POST", path, lambda s: {} if each else {"items": [_numbers(s)[which]]}),
        _call(
            "jobs.entities.update-review-status",
            lambda s: {"jobId": _numbers(s)[job], "entityId": _numbers(s)[which], "status": status},
        ),
        changes=True,
    )


def _hash(s: Scene, which: str) -> str:
    return b64encode(s.hashes[which]).decode()


ATTEMPTS: dict[str, Attempt] = {
    "read the project": Attempt(_get("/projects/{project}"), _by_id("projects.info", "project")),
    "read its classes": Attempt(_get("/label-classes?project={project}"), _by_id("projects.meta", "project")),
    "read its tags": Attempt(
        _get("/label-tags?project={project}"), _call("tags.list", lambda s: {"projectId": s.at.project})
    ),
    "read the dataset": Attempt(_get("/datasets/{train}"), _by_id("datasets.info", "train")),
    "read the other dataset": Attempt(_get("/datasets/{attic}"), _by_id("datasets.info", "attic")),
    "read the held image": _read_image("held"),
    "read the reviewed image": _read_image("reviewed"),
    "read the waiting image": _read_image("waiting"),
    "read the stored image": _read_image("stored"),
    "labels of the held image": _labels_of("held"),
    "labels of the reviewed image": _labels_of("reviewed"),
    "labels of the waiting image": _labels_of("waiting"),
    "labels of several images": Attempt(
        supervisely=_call(
            "annotations.bulk.info", lambda s: {"datasetId": s.at.train, "imageIds": [s.at.waiting, s.at.stored]}
        )
    ),
    "figure on the held image": Attempt(_get("/figures/{held_figure}"), _by_id("figures.info", "held_figure")),
    "figure on the reviewed image": Attempt(
        _get("/figures/{reviewed_figure}"), _by_id("figures.info", "reviewed_figure")
    ),
    "figure on the waiting image": Attempt(_get("/figures/{waiting_figure}"), _by_id("figures.info", "waiting_figure")),
    "history of the waiting figure": Attempt(_get("/figures/{waiting_figure}/history")),
    "file of the held image": Attempt(_get("/media/{held}/file"), _by_id("images.download", "held")),
    "file of the reviewed image": Attempt(_get("/media/{reviewed}/file"), _by_id("images.download", "reviewed")),
    "file of the waiting image": Attempt(_get("/media/{waiting}/file"), _by_id("images.download", "waiting")),
    "files of several images": Attempt(
        supervisely=_call(
            "images.bulk.download", lambda s: {"datasetId": s.at.train, "imageIds": [s.at.held, s.at.waiting]}
        )
    ),
    "file by its hash": Attempt(
        supervisely=_call("images.bulk.download-by-hash", lambda s: {"hashes": [_hash(s, "waiting")]})
    ),
    "thumbnail of the held image": Attempt(_get("/media/{held}/thumbnail")),
    "thumbnail of the waiting image": Attempt(_get("/media/{waiting}/thumbnail")),
    "read the selection": Attempt(_get("/collections/{public_id}"), _by_id("entities-collections.info", "selection")),
    "entries of the selection": Attempt(_get("/collections/{public_id}/entries")),
    "history of the selection": Attempt(_get("/collections/{public_id}/history")),
    "export of the other dataset": Attempt(_get("/exports?dataset={attic}&media=false")),
    "export of the selection": Attempt(_get("/exports?collection={public_id}&media=false")),
    "read the queue": Attempt(_get("/queues/{queue}"), _by_id("labeling-queues.info", "queue")),
    "items of the queue": Attempt(_get("/queues/{queue}/items"), _by_id("labeling-queues.stats.entities", "queue")),
    "statistics of the queue": Attempt(_get("/queues/{queue}/statistics"), _by_id("labeling-queues.stats", "queue")),
    "table of the queue": Attempt(_get("/queues/{queue}/statistics.csv")),
    "log of the queue": Attempt(_get("/queues/{queue}/log")),
    "agreement in the queue": Attempt(_get("/queues/{queue}/agreement")),
    "read the annotator's job": Attempt(_get("/jobs/{annotators_job}"), _by_id("jobs.info", "annotators_job")),
    "read the colleague's job": Attempt(_get("/jobs/{colleagues_job}"), _by_id("jobs.info", "colleagues_job")),
    "read the reviewer's job": Attempt(_get("/jobs/{reviewers_job}"), _by_id("jobs.info", "reviewers_job")),
    "items of the annotator's job": Attempt(_get("/jobs/{annotators_job}/items")),
    "statistics of the colleague's job": Attempt(
        _get("/jobs/{colleagues_job}/statistics"), _by_id("jobs.stats", "colleagues_job")
    ),
    "who labeled the held image": Attempt(_get("/proofs?item={held}")),
    "who labeled the waiting image": Attempt(_get("/proofs?item={waiting}")),
    "members of the team": Attempt(supervisely=_call("members.list", lambda s: {"teamId": s.at.account})),
    "activity of the team": Attempt(
        supervisely=_call("teams.activity", lambda s: {"teamId": s.at.account, "filter": []})
    ),
    "label the held image": _label("held"),
    "label the reviewed image": _label("reviewed"),
    "label the waiting image": _label("waiting"),
    "tag the held image": _tag("held"),
    "tag the waiting image": _tag("waiting"),
    "edit the held image": _edit("held"),
    "edit the waiting image": _edit("waiting"),
    "remove an image": Attempt(
        _send("POST", "/media/remove", lambda s: {"items": [s.spare["image"]]}),
        _call("images.bulk.remove", lambda s: {"imageIds": [s.spare["image"]]}),
        spare="image",
    ),
    "send images": Attempt(_send("PUT", "/uploads/{train}")),
    "add an image by its hash": Attempt(
        _send("POST", "/datasets/{train}/media", lambda _: {"items": [{"name": "x.png", "sha256": "0" * 64}]})
    ),
    "create a dataset": Attempt(
        _send("POST", "/datasets", lambda s: {"project": s.at.project, "name": unique("ds")}),
        _call("datasets.add", lambda s: {"projectId": s.at.project, "name": unique("ds")}),
    ),
    "create a class": Attempt(
        _send("POST", "/label-classes", lambda s: {"project": s.at.project, "classes": [{"name": unique("c")}]}),
        _call("tags.bulk.add", lambda s: {"projectId": s.at.project, "tags": [{"name": unique("t")}]}),
    ),
    "create a selection": Attempt(
        supervisely=_call("entities-collections.add", lambda s: {"projectId": s.at.project, "name": unique("s")})
    ),
    "add to the selection": Attempt(
        _send("POST", "/collections/{public_id}/entries", lambda s: {"items": [{"item": s.at.held}]}),
        _call(
            "entities-collections.items.bulk.add",
            lambda s: {"collectionId": s.at.selection, "entityIds": [s.at.held]},
        ),
    ),
    "describe the selection": Attempt(
        _send("PATCH", "/collections/{public_id}", lambda _: {"description": "changed"}),
        _call("entities-collections.editInfo", lambda s: {"id": s.at.selection, "description": "changed"}),
    ),
    "create a queue over the dataset": Attempt(
        _send("POST", "/queues", lambda s: {"name": unique("spare"), "dataset": s.at.train}),
        _call("labeling-queues.add", lambda s: {"name": unique("spare"), "datasetId": s.at.train}),
    ),
    "create a queue over the selection": Attempt(
        _send("POST", "/queues", lambda s: {"name": unique("spare"), "collection": s.public_id}),
        _call("labeling-queues.add", lambda s: {"name": unique("spare"), "collectionId": s.at.selection}),
    ),
    "create jobs over the dataset": Attempt(
        _send(
            "POST",
            "/jobs",
            lambda s: {"name": unique("spare"), "dataset": s.at.train, "labelers": [s.floor.people["manager"].name]},
        ),
        _call(
            "jobs.add",
            lambda s: {"name": unique("spare"), "datasetId": s.at.train, "userIds": [s.floor.people["manager"].id]},
        ),
    ),
    "edit the queue": Attempt(_send("PATCH", "/queues/{queue}", lambda _: {"description": "changed"})),
    "give the queue a status": Attempt(
        _send("POST", "/queues/{queue}/status", lambda _: {"status": "on_review"}),
        _call("labeling-queues.set-status", lambda s: {"id": s.at.queue, "status": "on_review"}),
        changes=True,
    ),
    "give the queue people": Attempt(
        _send("POST", "/queues/{queue}/people", lambda s: {"labelers": [s.floor.people["annotator"].name]}),
        _call("labeling-queues.users.add", lambda s: {"id": s.at.queue, "userIds": [s.floor.people["annotator"].id]}),
    ),
    "give priority in the queue": Attempt(
        _send("POST", "/queues/{queue}/priority", lambda s: {"items": [s.at.held], "priority": 1}), changes=True
    ),
    "remove a queue": Attempt(_send("DELETE", "/queues/{queue}"), spare="queue"),
    "claim in the annotator's job": Attempt(
        _send("POST", "/jobs/{annotators_job}/next"),
        _by_id("labeling-queues.entities.get-next", "annotators_job"),
        changes=True,
    ),
    "claim in the colleague's job": Attempt(
        _send("POST", "/jobs/{colleagues_job}/next"),
        _by_id("labeling-queues.entities.get-next", "colleagues_job"),
        changes=True,
    ),
    "submit in the annotator's job": _step("annotators_job", "submit", "done", "held", each=True),
    "skip in the annotator's job": Attempt(
        _send("POST", "/jobs/{annotators_job}/items/{held}/skip", lambda _: {}),
        _call("labeling-queues.entities.skip", lambda s: {"id": s.at.annotators_job, "entityId": s.at.held}),
        changes=True,
    ),
    "accept in the reviewer's job": _step("reviewers_job", "accept", "accepted", "reviewed", each=False),
    "reject in the reviewer's job": _step("reviewers_job", "reject", "rejected", "reviewed", each=False),
    "edit the colleague's job": Attempt(
        _send("PATCH", "/jobs/{colleagues_job}", lambda _: {"description": "changed"}),
        _call("jobs.editInfo", lambda s: {"id": s.at.colleagues_job, "description": "changed"}),
    ),
    "end the colleague's job": Attempt(
        _send("POST", "/jobs/{colleagues_job}/archive"), _by_id("jobs.archive", "colleagues_job"), changes=True
    ),
}


# ----------------------------------------------------------------------------------------------------------------------
# The table
# ----------------------------------------------------------------------------------------------------------------------


def read() -> dict[str, dict[str, dict[str, str]]]:
    """What is to come of each attempt, by visibility, person and attempt."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    table: dict[str, dict[str, dict[str, str]]] = {}
    for row in csv.DictReader(lines):
        for person, cell in row.items():
            if person not in {"attempt", "visibility"} and cell != "-":
                assert cell in STATUSES
                table.setdefault(row["visibility"], {}).setdefault(person, {})[row["attempt"]] = cell
    for people in table.values():
        people |= {person: people[other] for person, other in LIKE.items()}
    return table


TABLE = read()
WIRES = ("native", "supervisely")
CASES = [
    (floor, person, wire)
    for floor in FLOORS
    for person in TABLE[floor.partition(" ")[0]]
    for wire in WIRES
    # Without a token Supervisely's API tells nothing, of public things neither.
    if (floor, person, wire) != ("public", "anonymous", "supervisely")
]


@pytest.fixture(scope="module")
async def floors(db: Database) -> dict[str, Floor]:
    return {
        "private": await make_floor(db, "private"),
        "private of a user": await make_floor(db, "private", of_user=True),
        "public": await make_floor(db, "public"),
    }


def _headers(floor: Floor, person: str, wire: str) -> dict[str, str]:
    if person == "anonymous":
        return {}
    who = floor.people["boss" if person == "admin" and floor.account.kind == "user" else person]
    return who.headers if wire == "native" else {"x-api-key": who.token}


async def _ask(client: httpx2.AsyncClient, headers: Mapping[str, str], ask: Ask) -> httpx2.Response:
    method, path, body = ask
    answer = await client.request(method, path, headers={**headers, "X-Request-Id": "same"}, json=body)
    assert answer.status_code < 500, (ask, answer.text)
    return answer


def _scene(floor: Floor, spare: Mapping[str, int]) -> Scene:
    """What is there; a queue to spare stands for the queue."""
    return Scene(floor, floor.things, floor.public_id, floor.hashes, dict(spare))


def _absent(floor: Floor, spare: Mapping[str, int]) -> Scene:
    nothing = dict.fromkeys(floor.hashes, bytes(32))
    return Scene(floor, floor.things.gone(), "0" * 24, nothing, dict.fromkeys(spare, NOWHERE + 900))


def _plain(answer: httpx2.Response, scene: Scene) -> str:
    """What is answered, without what was asked for by number or name."""
    text = re.sub(r"\d+", "#", answer.text.replace(scene.public_id, "#"))
    return re.sub(r"[\w-]+-#-#", "#", text)


async def _spare(floor: Floor, attempt: Attempt) -> dict[str, int]:
    if attempt.spare == "image":
        return {"image": await floor.spare_image()}
    return {"queue": await floor.spare_queue()} if attempt.spare == "queue" else {}


@pytest.mark.parametrize(("where", "person", "wire"), CASES)
async def test_what_a_person_may_do(
    client: httpx2.AsyncClient, floors: dict[str, Floor], where: str, person: str, wire: str
) -> None:
    """S1-34: each attempt of the table over one API; what is hidden looks like what is not there."""
    floor = floors[where]
    headers = _headers(floor, person, wire)
    wrong: dict[str, str] = {}
    await floor.as_it_was()
    for name, expected in TABLE[floor.visibility][person].items():
        attempt = ATTEMPTS[name]
        ask = attempt.native if wire == "native" else attempt.supervisely
        if ask is None:
            continue
        spare = await _spare(floor, attempt)
        here, nowhere = _scene(floor, spare), _absent(floor, spare)
        answer = await _ask(client, headers, ask(here))
        if expected != "hidden":
            if answer.status_code not in STATUSES[expected]:
                wrong[name] = f"{expected}, not {answer.status_code} {answer.text[:200]}"
        else:
            absent = await _ask(client, headers, ask(nowhere))
            if answer.status_code != absent.status_code or _plain(answer, here) != _plain(absent, nowhere):
                wrong[name] = f"hidden, but {answer.status_code} {answer.text[:200]} is not {absent.text[:200]}"
            elif answer.status_code not in HIDDEN[wire] and name not in PASSED_OVER:
                wrong[name] = f"hidden, but {answer.status_code} {answer.text[:200]}"
        if attempt.changes and answer.status_code < 300:
            await floor.as_it_was()
    assert not wrong, "\n".join(f"{name}: {found}" for name, found in wrong.items())


async def test_nobody_is_told_anything_without_a_token(client: httpx2.AsyncClient, floors: dict[str, Floor]) -> None:
    """Over Supervisely's API, where its clients always send one."""
    for floor in floors.values():
        for attempt in ATTEMPTS.values():
            if attempt.supervisely is not None:
                scene = _scene(floor, {"image": floor.things.stored})
                assert (await _ask(client, {}, attempt.supervisely(scene))).status_code == 401


# ----------------------------------------------------------------------------------------------------------------------
# What is listed, counted, found and written out
# ----------------------------------------------------------------------------------------------------------------------

IMAGES = ("held", "reviewed", "waiting", "stored")
EVERYTHING = (*IMAGES, "project", "train", "attic", "selection", "queue", "class")
NOTHING: tuple[str, ...] = ()
# What each person is shown of a private project, by its names: nothing else is in any answer that he gets.
SEEN: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("anonymous", "stranger", "idle annotator", "annotator, bound elsewhere", "boss, bound elsewhere"), NOTHING
    ),
    **dict.fromkeys(
        ("annotator", "annotator, reading", "annotator, bound here"), ("held", "project", "train", "queue", "class")
    ),
    "reviewer": ("reviewed", "project", "train", "queue", "class"),
    **dict.fromkeys(
        ("restricted viewer", "viewer", "manager", "manager, reading", "member", "boss", "boss, bound here"), EVERYTHING
    ),
    "server admin": EVERYTHING,
}
# Jobs have no names of their own.
JOBS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("annotator", "annotator, reading", "annotator, bound here"), ("annotators_job",)),
    "reviewer": ("reviewers_job",),
    **{who: ("annotators_job", "colleagues_job", "reviewers_job") for who, seen in SEEN.items() if seen == EVERYTHING},
}  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """Something that lists.

    Attributes:
        ask: What is asked.
        holds: What is in it.
        rows: Where the list is in the answer.
        total: Where its size is, if that is told.
        within: Who does not see this is not answered, or with nothing.
    """

    ask: Callable[[Scene], Ask]
    holds: tuple[str, ...]
    rows: str = "rows"
    total: str | None = None
    within: str | None = None


def _list(path: str, *holds: str, within: str | None = None, total: str | None = None) -> Listing:
    return Listing(_get(path), holds, total=total, within=within)


def _page(method: str, body: Callable[[Scene], Body], *holds: str, within: str | None = None) -> Listing:
    return Listing(_call(method, body), holds, "entities", "total", within)


def _in_collection(s: Scene) -> Body:
    data = {"collectionId": s.at.selection, "include": True}
    return {"projectId": s.at.project, "filters": [{"type": "entities_collection", "data": data}]}


LISTINGS: dict[str, Listing] = {
    "projects": _list("/projects?limit=1000", "project"),
    "projects of the account": _list("/projects?owner={account_name}&limit=1000", "project"),
    "datasets": _list("/datasets?project={project}", "train", "attic", within="project"),
    "images of the project": _list("/media?project={project}&total=true", *IMAGES, within="project", total="total"),
    "images of the dataset": _list(
        "/media?dataset={train}&total=true", "held", "reviewed", "waiting", within="train", total="total"
    ),
    "images of the other dataset": _list("/media?dataset={attic}&total=true", "stored", within="attic", total="total"),
    "images by name": _list("/media?project={project}&query=kind:image&sort=name", *IMAGES, within="project"),
    "images of the collection": _list(
        "/media?collection={public_id}&total=true", *IMAGES, within="selection", total="total"
    ),
    "images in the collection": _list(
        "/media?project={project}&query=in:{public_id}", *IMAGES, within="selection"
    ),
    "images with a tag": _list("/media?project={project}&query=tag:seen", *IMAGES, within="project"),
    "classes": _list("/label-classes?project={project}", "class", within="project"),
    "items": _list("/items?owner={account_name}&kind=project&limit=100"),
    "selections": _list("/selections?project={project}", "selection", within="selection"),
    "collections": _list("/collections?owner={account_name}&limit=100", "selection"),
    "queues": _list("/queues?limit=1000", "queue"),
    "queues of the project": _list("/queues?project={project}", "queue"),
    "search for the project": _list("/search?q={project_word}"),
    "search for an image": _list("/search?q={waiting_word}"),
    "search for the selection": _list("/search?q={selection_word}"),
    "annotations": _list("/annotations?project={project}", *IMAGES, within="project"),
    "export": Listing(_get("/exports?project={project}&media=false&format=jsonl"), IMAGES, within="project"),
    "export for YOLO": Listing(_get("/exports?project={project}&media=false&format=yolo"), IMAGES, within="project"),
    "export with files": Listing(_get("/exports?project={project}&format=coco"), IMAGES, within="project"),
    "workspaces": _list("/workspaces"),
    "all projects over Supervisely's": _page("projects.list.all", lambda _: {"per_page": 10_000}, "project"),
    "projects over Supervisely's": _page(
        "projects.list", lambda s: {"workspaceId": s.at.workspace}, "project", within="project"
    ),
    "datasets over Supervisely's": _page(
        "datasets.list", lambda s: {"projectId": s.at.project, "recursive": True}, "train", "attic", within="project"
    ),
    "images.list": _page("images.list", lambda s: {"projectId": s.at.project}, *IMAGES, within="project"),
    "images.list of the dataset": _page(
        "images.list", lambda s: {"datasetId": s.at.train}, "held", "reviewed", "waiting", within="train"
    ),
    "images.list of some": _page(
        "images.list",
        lambda s: {
            "datasetId": s.at.train,
            "filter": [{"field": "id", "operator": "in", "value": [_numbers(s)[word] for word in IMAGES]}],
        },
        "held", "reviewed", "waiting", within="train",
    ),
    "images.list by token": _page(
        "images.list", lambda s: {"projectId": s.at.project, "pagination_mode": "token"}, *IMAGES, within="project"
    ),
    "images.list of a collection": _page("images.list", _in_collection, *IMAGES, within="selection"),
    "entities-collections.list": _page(
        "entities-collections.list", lambda s: {"projectId": s.at.project}, "selection", within="selection"
    ),
    "annotations.list": _page(
        "annotations.list", lambda s: {"datasetId": s.at.train}, "held", "reviewed", "waiting", within="train"
    ),
    "annotations.list of the other": _page(
        "annotations.list", lambda s: {"datasetId": s.at.attic}, "stored", within="attic"
    ),
    "labeling-queues.list": _page("labeling-queues.list", lambda s: {"teamId": s.at.account}, "queue"),
}  # fmt: skip
# Who sees what is there but not what is in it gets no files.
REFUSED = {("restricted viewer", "export with files"): 403}
LISTED = [(who, wire) for who in SEEN for wire in WIRES if (who, wire) != ("anonymous", "supervisely")]


def _of_wire(listing: Listing, scene: Scene, wire: str) -> bool:
    return listing.ask(scene)[1].startswith(PUBLIC_API) == (wire == "supervisely")


def _words(floor: Floor) -> Scene:
    """What is there, with the names that lists are asked by."""
    scene = _scene(floor, {})
    for word in ("project", "waiting", "selection"):
        scene.spare[f"{word}_word"] = floor.names[word]  # pyright: ignore[reportArgumentType]
    scene.spare["account_name"] = floor.account.name  # pyright: ignore[reportArgumentType]
    return scene


def text_of(answer: httpx2.Response) -> str:
    """An answer as text: of an archive the names in it, and what its first file says."""
    if answer.headers.get("content-type") != "application/zip":
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        return "\n".join([*names, archive.read(names[0]).decode()])


@pytest.mark.parametrize(("who", "wire"), LISTED)
async def test_what_a_person_is_shown(
    client: httpx2.AsyncClient, floors: dict[str, Floor], who: str, wire: str
) -> None:
    """The items of his jobs and what they lie in, for an annotator or a reviewer: in lists, counts, search, exports."""
    floor = floors["private"]
    await floor.as_it_was()
    headers, scene = _headers(floor, who, wire), _words(floor)
    wrong: dict[str, str] = {}
    for name, listing in LISTINGS.items():
        if _of_wire(listing, scene, wire):
            answer = await _ask(client, headers, listing.ask(scene))
            if problem := _problem(floor, who, name, answer):
                wrong[name] = problem
    assert not wrong, wrong


def _problem(floor: Floor, who: str, name: str, answer: httpx2.Response) -> str | None:
    """What is wrong with an answer to somebody who asked for a list."""
    listing, seen, text = LISTINGS[name], set(SEEN[who]), text_of(answer)
    shown = {word for word, called in floor.names.items() if called in text}
    asked = {"project"} if name.startswith("search") else set[str]()
    if more := shown - seen - asked:
        return f"shown: {sorted(more)}"
    if listing.within is not None and listing.within not in seen:
        there = answer.status_code < 300 and set(listing.holds) & shown
        return f"there: {text[:200]}" if there else None
    if answer.status_code >= 300:
        refused = REFUSED.get((who, name), 401 if who == "anonymous" else None)
        return None if answer.status_code == refused else text[:200]
    expected = set(listing.holds) & seen
    if missing := expected - shown:
        return f"not there: {sorted(missing)}"
    return _miscounted(listing, len(expected), answer)


def _miscounted(listing: Listing, expected: int, answer: httpx2.Response) -> str | None:
    """What is wrong with the number of images that an answer tells."""
    if listing.total is None or not set(listing.holds) <= set(IMAGES):
        return None
    found = answer.json()
    rows, total = found[listing.rows], found[listing.total]
    right = total == len(rows) == expected + _spares(rows)
    return None if right else f"{total} and {len(rows)} rows, not {expected}"


def _spares(rows: list[dict[str, Any]]) -> int:
    """How many of some rows are images that other tests left."""
    return sum(str(row.get("name", row.get("imageName"))).startswith("spare") for row in rows)


@pytest.mark.parametrize("who", SEEN)
async def test_which_jobs_a_person_is_shown(client: httpx2.AsyncClient, floors: dict[str, Floor], who: str) -> None:
    floor = floors["private"]
    await floor.as_it_was()
    at = vars_of(floor.things)
    mine = {at[job] for job in JOBS.get(who, ())}
    of_floor = {at["annotators_job"], at["colleagues_job"], at["reviewers_job"]}
    path = f"/api/v1/jobs?queue={at['queue']}&limit=1000"
    answer = await _ask(client, _headers(floor, who, "native"), ("GET", path, None))
    if who == "anonymous":
        assert answer.status_code == 401
        return
    assert {row["id"] for row in answer.json()["rows"]} & of_floor == mine
    answer = await _ask(client, _headers(floor, who, "supervisely"), ("POST", f"{PUBLIC_API}jobs.list", {}))
    assert {row["id"] for row in answer.json()["entities"]} & of_floor == mine


@pytest.mark.parametrize("who", SEEN)
async def test_what_is_counted_is_what_is_seen(client: httpx2.AsyncClient, floors: dict[str, Floor], who: str) -> None:
    """A dataset and a project say how many items they have: those that one sees there."""
    floor = floors["private"]
    await floor.as_it_was()
    seen, at, headers = set(SEEN[who]), floor.things, _headers(floor, who, "native")
    if "train" not in seen:
        return
    for path, among in ((f"/datasets/{at.train}", IMAGES[:3]), (f"/projects/{at.project}", IMAGES)):
        found = (await _ask(client, headers, ("GET", f"/api/v1{path}", None))).json()
        images = await _ask(client, headers, ("GET", f"/api/v1/media?project={at.project}&limit=1000", None))
        spares = _spares(images.json()["rows"]) if path.startswith("/projects") else 0
        assert found["item_count"] == len(seen & set(among)) + spares


@pytest.mark.parametrize("who", SEEN)
async def test_what_the_record_tells(client: httpx2.AsyncClient, floors: dict[str, Floor], who: str) -> None:
    """The feed of events names nothing that its reader does not see, and to who reads the project all that it had.

    The feed ends before the oldest transaction that runs anywhere on this database server, so it may lag behind.
    """
    floor = floors["private"]
    told = await _told(client, floor, _headers(floor, who, "native"))
    assert told <= set(SEEN[who])
    if "project" in await _told(client, floor, floor.boss.headers):
        assert ("project" in told) == ("attic" in SEEN[who])


async def _told(client: httpx2.AsyncClient, floor: Floor, headers: Mapping[str, str]) -> set[str]:
    """The names that the feed of events has for somebody."""
    after, text = floor.since, ""
    for _ in range(50):
        answer = await _ask(client, headers, ("GET", f"/api/v1/events?after={after}&limit=1000", None))
        assert answer.status_code == 200
        text += answer.text
        after = answer.json()["next"]
        if not answer.json()["more"]:
            break
    return {word for word, called in floor.names.items() if called in text}


def test_every_attempt_is_in_the_table() -> None:
    """And none is in it that is not tried."""
    private = {name for cells in TABLE["private"].values() for name in cells}
    assert private == set(ATTEMPTS)
    assert {name for cells in TABLE["public"].values() for name in cells} <= private
