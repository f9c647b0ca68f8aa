"""Labels over the native API: classes, tags, annotations one by one and as lines, figures and their history."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from factories.media import MADE, SUFFIXES, png
from factories.people import make_user, unique
from pinakes.api.common import Page
from pinakes.api.labels import (
    Annotation,
    AnnotationResult,
    Figure,
    FigureVersion,
    LabelClass,
    LabelTag,
)
from pinakes.api.media import Count, Dataset, Medium
from pinakes.api.releases import Project
from pinakes.server.db import Database
from support.native import Api, expect, refused

LINES = {"Content-Type": "application/x-ndjson"}
BOX: dict[str, Any] = {"points": {"exterior": [[0, 0], [4.5, 3]], "interior": []}}
GEOMETRIES: dict[str, dict[str, Any]] = {
    "rectangle": BOX,
    "polygon": {"points": {"exterior": [[0.5, 0.5], [4, 0], [4, 4]], "interior": [[[1, 1], [2, 1], [2, 2]]]}},
    "line": {"points": {"exterior": [[0, 0], [3.25, 3]], "interior": []}},
    "point": {"points": {"exterior": [[1.5, 2.5]], "interior": []}},
    "graph": {"nodes": {"a": {"loc": [1, 2]}, "b": {"loc": [2, 2]}}},
}


class Bench:
    """A project with a dataset, some items, two classes and two tags."""

    def __init__(self, api: Api, project: Project, dataset: Dataset, items: list[Medium]) -> None:
        self.api: Api = api
        self.project: Project = project
        self.dataset: Dataset = dataset
        self.items: list[Medium] = items

    @property
    def first(self) -> int:
        return self.items[0].id

    async def put(self, item: int, **body: object) -> Annotation:
        return expect(await self.api("PUT", f"/media/{item}/annotation", json=body), 200, Annotation)

    async def get(self, item: int) -> Annotation:
        return expect(await self.api("GET", f"/media/{item}/annotation"), 200, Annotation)


async def make_bench(client: httpx2.AsyncClient, db: Database, data_type: str = "images", count: int = 2) -> Bench:
    api = Api(client, await make_user(db))
    body = {"name": unique("road"), "data_type": data_type}
    project = expect(await api("POST", "/projects", json=body), 201, Project)
    dataset = expect(await api("POST", "/datasets", json={"project": project.id, "name": "ds"}), 201, Dataset)
    items: list[Medium] = []
    for n in range(count):
        path = f"/uploads/{dataset.id}/{n}{SUFFIXES[data_type]}"
        items.append(expect(await api("PUT", path, content=MADE[data_type](n)), 201, Medium))
    classes = {"project": project.id, "classes": [{"name": "car"}, {"name": "tree", "color": "#00FF00"}]}
    expect(await api("POST", "/label-classes", json=classes), 201, Page[LabelClass])
    tags = [{"name": "night"}, {"name": "weather", "value_type": "oneof_string", "choices": ["rain", "sun"]}]
    expect(await api("POST", "/label-tags", json={"project": project.id, "tags": tags}), 201, Page[LabelTag])
    return Bench(api, project, dataset, items)


@pytest.fixture
async def bench(client: httpx2.AsyncClient, db: Database) -> Bench:
    return await make_bench(client, db)


async def test_classes_and_tags(bench: Bench):
    api, query = bench.api, {"project": bench.project.id}
    classes = expect(await api("GET", "/label-classes", params=query), 200, Page[LabelClass]).rows
    assert [(one.name, one.shape) for one in classes] == [("car", "any"), ("tree", "any")]
    assert classes[1].color.upper() == "#00FF00"
    path = f"/label-classes/{classes[0].id}"
    changed = expect(await api("PATCH", path, json={"name": "auto", "description": "Has wheels"}), 200, LabelClass)
    assert expect(await api("GET", path), 200, LabelClass) == changed
    again = {"project": bench.project.id, "classes": [{"name": "new"}, {"name": "auto"}]}
    assert (await api("POST", "/label-classes", json=again)).status_code in {409, 422}
    assert len(expect(await api("GET", "/label-classes", params=query), 200, Page[LabelClass]).rows) == 2
    tags = expect(await api("GET", "/label-tags", params=query), 200, Page[LabelTag]).rows
    assert [(one.name, one.choices) for one in tags] == [("night", None), ("weather", ["rain", "sun"])]
    changed_tag = await api("PATCH", f"/label-tags/{tags[1].id}", json={"choices": ["rain", "sun", "fog"]})
    assert expect(changed_tag, 200, LabelTag).choices == ["rain", "sun", "fog"]
    assert (await api("DELETE", path)).status_code == 204
    assert (await api("DELETE", f"/label-tags/{tags[0].id}")).status_code == 204
    assert (await api("GET", path)).status_code == 404
    assert (await api("GET", f"/label-tags/{tags[0].id}")).status_code == 404


@pytest.mark.parametrize("kind", GEOMETRIES)
async def test_a_geometry_comes_back_as_it_went(bench: Bench, kind: str):
    figure = {"class_name": "car", "geometry_type": kind, "geometry": GEOMETRIES[kind], "meta": {"a": [1, None]}}
    tags = [{"name": "weather", "value": "rain"}]
    put = await bench.put(bench.first, figures=[{**figure, "tags": tags}], tags=[{"name": "night"}])
    (found,) = put.figures
    assert found.geometry == GEOMETRIES[kind]
    assert (found.class_name, found.geometry_type, found.meta) == ("car", kind, {"a": [1, None]})
    assert [(one.name, one.value) for one in found.tags] == [("weather", "rain")]
    assert [one.name for one in put.tags] == ["night"]
    assert found.created_by == bench.api.person.name if bench.api.person else ""
    assert await bench.get(bench.first) == put
    item = expect(await bench.api("GET", f"/media/{bench.first}"), 200, Medium)
    assert item.label_count == 1


async def test_putting_again_replaces(bench: Bench):
    one = await bench.put(bench.first, figures=[{"class_name": "car", "geometry_type": "rectangle", "geometry": BOX}])
    kept = {"id": one.figures[0].id, "class_name": "car", "geometry_type": "rectangle", "geometry": BOX}
    new = {"class_name": "tree", "geometry_type": "point", "geometry": GEOMETRIES["point"]}
    two = await bench.put(bench.first, figures=[kept, new], description="Two things")
    assert [figure.class_name for figure in two.figures] == ["car", "tree"]
    assert two.figures[0].id == one.figures[0].id
    assert two.figures[0].updated_at == one.figures[0].updated_at
    assert two.description == "Two things"
    assert (await bench.put(bench.first)).figures == []


@pytest.mark.parametrize(
    ("figure", "field"),
    [
        ({"class_name": "bus"}, "figures.0.class_name"),
        ({"class_name": "car", "object_key": "x"}, "figures.0.object_key"),
        ({}, "figures.0"),
    ],
    ids=["class", "object", "neither"],
)
async def test_what_is_wrong_is_named_as_it_was_sent(bench: Bench, figure: dict[str, object], field: str):
    body = {"figures": [{"geometry_type": "rectangle", "geometry": BOX, **figure}]}
    answer = await bench.api("PUT", f"/media/{bench.first}/annotation", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field
    assert (await bench.get(bench.first)).figures == []


async def test_objects_of_a_video(client: httpx2.AsyncClient, db: Database):
    """Objects and the figures that are sights of them, put in one call; and again by their numbers."""
    bench = await make_bench(client, db, "videos", count=1)
    sights = [{"object_key": "a", "geometry_type": "rectangle", "geometry": BOX, "frame": frame} for frame in (0, 2)]
    objects = [{"key": "a", "class_name": "car", "tags": [{"name": "night"}]}]
    put = await bench.put(bench.first, objects=objects, figures=sights)
    (one,) = put.objects
    assert (one.class_name, [tag.name for tag in one.tags]) == ("car", ["night"])
    assert [(figure.object, figure.frame, figure.class_name) for figure in put.figures] == [
        (one.id, 0, "car"),
        (one.id, 2, "car"),
    ]
    kept = [{"id": put.figures[0].id, "object": one.id, "geometry_type": "rectangle", "geometry": BOX, "frame": 0}]
    again = await bench.put(bench.first, figures=kept)
    assert [figure.id for figure in again.figures] == [put.figures[0].id]
    assert [each.id for each in again.objects] == [one.id]


async def test_tagging_items(bench: Bench):
    ids = [item.id for item in bench.items]
    body: dict[str, Any] = {"items": ids, "name": "weather", "value": "sun"}
    assert expect(await bench.api("POST", "/media/tag", json=body), 200, Count).count == 2
    assert expect(await bench.api("POST", "/media/tag", json=body), 200, Count).count == 2
    assert [(tag.name, tag.value) for tag in (await bench.get(ids[0])).tags] == [("weather", "sun")]
    found = await bench.api("GET", "/media", params={"project": bench.project.id, "query": "tag:weather=sun"})
    assert len(found.json()["rows"]) == 2
    gone = await bench.api("POST", "/media/untag", json={"items": ids[:1], "names": ["weather", "unknown"]})
    assert expect(gone, 200, Count).count == 1
    assert (await bench.get(ids[0])).tags == []
    assert (await bench.api("POST", "/media/tag", json={**body, "name": "none"})).status_code == 422
    assert (await bench.api("POST", "/media/tag", json={**body, "items": [2**31 - 1]})).status_code == 404
    assert (await bench.api("POST", "/media/untag", json={"items": [2**31 - 1], "names": ["x"]})).status_code == 404


async def test_history_of_a_figure(bench: Bench):
    put = await bench.put(bench.first, figures=[{"class_name": "car", "geometry_type": "rectangle", "geometry": BOX}])
    number = put.figures[0].id
    moved = {"id": number, "class_name": "car", "geometry_type": "rectangle"}
    await bench.put(bench.first, figures=[{**moved, "geometry": {"points": {"exterior": [[1, 1], [2, 2]]}}}])
    assert (await bench.api("DELETE", f"/figures/{number}")).status_code == 204
    assert (await bench.api("GET", f"/figures/{number}")).status_code == 404
    rows = expect(await bench.api("GET", f"/figures/{number}/history"), 200, Page[FigureVersion]).rows
    assert [(row.removed, (row.geometry or {})["points"]["exterior"]) for row in rows] == [
        (True, [[1, 1], [2, 2]]),
        (False, [[0, 0], [4.5, 3]]),
    ]
    assert rows[0].changed_by == (bench.api.person.name if bench.api.person else None)
    back = expect(await bench.api("POST", f"/figures/{number}/restore"), 200, Figure)
    assert (back.id, back.class_name) == (number, "car")
    assert [figure.id for figure in (await bench.get(bench.first)).figures] == [number]


# ----------------------------------------------------------------------------------------------------------------------
# Lines
# ----------------------------------------------------------------------------------------------------------------------


def line(item: int, class_name: str = "car") -> dict[str, Any]:
    return {"item": item, "figures": [{"class_name": class_name, "geometry_type": "rectangle", "geometry": BOX}]}


async def send(bench: Bench, lines: list[object], *, atomic: bool = False) -> httpx2.Response:
    body = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    return await bench.api("POST", "/annotations", content=body, params={"atomic": atomic}, headers=LINES)


async def test_annotations_as_lines(bench: Bench):
    """Each line is saved or refused by itself, and the answer says so in the order of the lines."""
    one, two = bench.items
    lines: list[object] = [line(one.id), line(two.id, "bus"), "{nonsense", "", line(2**31 - 1)]
    lines += [line(two.id), {"item": 0}]
    answer = await send(bench, lines)
    assert answer.status_code == 200
    *told, last = [json.loads(text) for text in answer.text.splitlines()]
    results = [AnnotationResult.model_validate(each) for each in told]
    assert [(each.line, each.outcome) for each in results] == [
        (1, "saved"), (2, "refused"), (3, "refused"), (5, "refused"), (6, "saved"), (7, "refused"),
    ]  # fmt: skip
    assert results[1].error is not None
    assert results[1].error.field == "figures.0.class_name"
    assert last == {"summary": {"saved": 2, "refused": 4}}
    assert [len((await bench.get(item.id)).figures) for item in bench.items] == [1, 1]


async def test_all_lines_or_none(bench: Bench):
    one, two = bench.items
    answer = await send(bench, [line(one.id), line(two.id, "bus")], atomic=True)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["line"] == 2
    assert (await bench.get(one.id)).figures == []
    assert (await send(bench, [line(one.id), line(two.id)], atomic=True)).status_code == 200
    assert len((await bench.get(two.id)).figures) == 1


async def test_lines_after_a_byte_order_mark(bench: Bench):
    answer = await send(bench, [f"\ufeff{json.dumps(line(bench.items[0].id))}"])
    assert json.loads(answer.text.splitlines()[-1]) == {"summary": {"saved": 1, "refused": 0}}


async def test_lines_out_and_in_again(bench: Bench):
    """What comes out, put in again, changes nothing."""
    await send(bench, [line(item.id) for item in bench.items])
    query = {"project": bench.project.id}
    out = await bench.api("GET", "/annotations", params=query)
    assert out.headers["content-type"] == "application/x-ndjson"
    found = [Annotation.model_validate_json(text) for text in out.text.splitlines()]
    assert [one.item for one in found] == [item.id for item in bench.items]
    back = [
        {"item": one.item, "figures": [
            {"id": f.id, "class_name": f.class_name, "geometry_type": f.geometry_type, "geometry": f.geometry}
            for f in one.figures
        ]}
        for one in found
    ]  # fmt: skip
    assert (await send(bench, [*back])).status_code == 200
    assert (await bench.api("GET", "/annotations", params=query)).text == out.text
    some = await bench.api("GET", "/annotations", params={**query, "query": f"id:{bench.first}"})
    assert len(some.text.splitlines()) == 1
    refused(await bench.api("GET", "/annotations"), 422, "invalid", "project")


async def everything(bench: Bench) -> list[Annotation]:
    """Items with all that labels can have: tags with values and frames, objects, figures with tags of their own."""
    tags = [{"name": "weather", "value": "rain"}, {"name": "night"}]
    drawn = [
        {"class_name": "car", "geometry_type": "rectangle", "geometry": BOX, "tags": tags, "description": "left",
         "meta": {"a": 1}, "extras": {"instance": "x"}, "track_id": "t", "priority": 2, "nn_created": True},
        {"class_name": "tree", "geometry_type": "point", "geometry": GEOMETRIES["point"]},
    ]  # fmt: skip
    more = {"tags": tags, "description": "Two", "custom_data": {"own": [1]}}
    return [await bench.put(item.id, figures=drawn, **more) for item in bench.items]


def timeless(*found: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Annotations without when their items were labeled last; the times of figures, tags and objects stay in them."""
    return [{key: value for key, value in one.items() if key != "updated_at"} for one in found]


async def test_what_is_read_is_put_back_as_it_is(bench: Bench):
    """S1-34: what `GET /annotations` says to `POST /annotations`, and an item's `GET` to its `PUT`: nothing changes."""
    before = await everything(bench)
    query = {"project": bench.project.id}
    out = await bench.api("GET", "/annotations", params=query)
    for atomic in (False, True):
        answer = await bench.api("POST", "/annotations", content=out.content, params={"atomic": atomic}, headers=LINES)
        assert answer.status_code == 200, answer.text
        assert json.loads(answer.text.splitlines()[-1]) == {"summary": {"saved": 2, "refused": 0}}
        again = await bench.api("GET", "/annotations", params=query)
        assert timeless(*map(json.loads, again.text.splitlines())) == timeless(*map(json.loads, out.text.splitlines()))
    one = await bench.api("GET", f"/media/{bench.first}/annotation")
    again = await bench.api("PUT", f"/media/{bench.first}/annotation", content=one.content,
                            headers={"Content-Type": "application/json"})  # fmt: skip
    assert (again.status_code, timeless(again.json())) == (200, timeless(one.json()))
    after = await bench.get(bench.first)
    assert (after.figures, after.tags, after.custom_data) == (before[0].figures, before[0].tags, {"own": [1]})
    wrong = one.json() | {"nonsense": 1}
    answer = await bench.api("PUT", f"/media/{bench.first}/annotation", json=wrong)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "nonsense")


async def test_a_video_is_put_back_as_it_is(client: httpx2.AsyncClient, db: Database):
    """Its objects are those that are there, and not added again; one that is said to be other than it is: 422."""
    bench = await make_bench(client, db, "videos", count=2)
    sights = [{"object_key": "a", "geometry_type": "rectangle", "geometry": BOX, "frame": frame} for frame in (0, 2)]
    tag = {"name": "night", "frame_from": 0, "frame_to": 1}
    objects = [{"key": "a", "class_name": "car", "tags": [tag], "meta": {"m": 1}}, {"class_name": "tree"}]
    put = await bench.put(bench.first, objects=objects, figures=sights, tags=[tag])
    read = (await bench.api("GET", f"/media/{bench.first}/annotation")).json()
    again = await bench.api("PUT", f"/media/{bench.first}/annotation", json=read)
    assert (again.status_code, timeless(again.json())) == (200, timeless(read))
    answer = await send(bench, [read])
    assert json.loads(answer.text.splitlines()[-1]) == {"summary": {"saved": 1, "refused": 0}}
    assert timeless((await bench.api("GET", f"/media/{bench.first}/annotation")).json()) == timeless(read)
    for change in ({"class_name": "tree"}, {"description": "other"}, {"tags": []}, {"meta": {}}):
        one = {**read["objects"][0], **change}
        other = {**read, "objects": [one, read["objects"][1]]}
        told = await bench.api("PUT", f"/media/{bench.first}/annotation", json=other)
        assert (told.status_code, told.json()["error"]["field"]) == (422, "objects.0"), change
    elsewhere = await bench.api("PUT", f"/media/{bench.items[1].id}/annotation", json=read)
    assert (elsewhere.status_code, elsewhere.json()["error"]["field"]) == (422, "objects.0.id")
    assert timeless((await bench.api("GET", f"/media/{bench.first}/annotation")).json()) == timeless(read)
    sight = {"object_key": "b", "geometry_type": "rectangle", "geometry": BOX, "frame": 1}
    named = {**read, "objects": [{**read["objects"][0], "key": "b"}], "figures": [*read["figures"], sight]}
    more = expect(await bench.api("PUT", f"/media/{bench.first}/annotation", json=named), 200, Annotation)
    assert [figure.object for figure in more.figures] == [put.objects[0].id] * 3


async def test_lines_must_be_lines(bench: Bench):
    answer = await bench.api("POST", "/annotations", json=[line(bench.first)])
    refused(answer, 422, "invalid", "body")


async def test_labels_of_others(bench: Bench, client: httpx2.AsyncClient, db: Database):
    put = await bench.put(bench.first, figures=[{"class_name": "car", "geometry_type": "rectangle", "geometry": BOX}])
    stranger = Api(client, await make_user(db))
    number = put.figures[0].id
    for path in (
        f"/media/{bench.first}/annotation",
        f"/figures/{number}",
        f"/figures/{number}/history",
        f"/label-classes?project={bench.project.id}",
        f"/label-tags?project={bench.project.id}",
        f"/annotations?project={bench.project.id}",
        f"/annotations?dataset={bench.dataset.id}",
    ):
        assert (await stranger("GET", path)).status_code == 404, path
    assert (await stranger("PUT", f"/media/{bench.first}/annotation", json={})).status_code == 404
    assert (await stranger("DELETE", f"/figures/{number}")).status_code == 404
    told = await stranger("POST", "/annotations", content=json.dumps(line(bench.first)), headers=LINES)
    assert json.loads(told.text.splitlines()[0])["error"]["code"] == "media_not_found"
    assert len((await bench.get(bench.first)).figures) == 1


@pytest.mark.parametrize("bad", ["\\u0000", "\\ud800"], ids=["nul", "surrogate"])
async def test_text_that_no_database_keeps(bench: Bench, bad: str):
    """In a name, in a tag's value, anywhere in JSON of the caller's: never a fault of the server."""
    for body in (
        '{"tags": [{"name": "%s"}]}',
        '{"tags": [{"name": "night", "value": "%s"}]}',
        '{"figures": [{"class_name": "car", "geometry_type": "rectangle", "geometry": {"a": "%s"}}]}',
        '{"figures": [{"class_name": "car", "geometry_type": "rectangle", "geometry": {}, "meta": {"%s": 1}}]}',
        '{"custom_data": {"deep": [{"x": "%s"}]}}',
    ):
        answer = await bench.api(
            "PUT",
            f"/media/{bench.first}/annotation",
            content=body % bad,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in {400, 422}, (body, answer.text)


async def test_png_is_png():
    """The factory's bytes differ by seed, or tests of names and hashes would prove nothing."""
    assert png(1) != png(2)
