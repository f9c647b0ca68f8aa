"""Images: uploaded, added, listed, downloaded, changed and removed, as `supervisely` 6.74.51 does it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from inline_snapshot import snapshot

from pinakes.server.catalog import links
from pinakes.server.catalog.media_files import SMALL
from pinakes.server.errors import Invalid
from wires.supervisely.conftest import BASE, Caller, World, frozen, hash_of, png


def ids(page: Any) -> list[int]:  # noqa: ANN401 - JSON
    return [one["id"] for one in page["entities"]]


def names(page: Any) -> list[str]:  # noqa: ANN401 - JSON
    return [one["name"] for one in page["entities"]]


async def test_files_are_sent_once(world: World) -> None:
    """`api.image.upload_*` asks first which hashes are here, of all kinds of items by this one method."""
    anna, ben = await world.person("anna"), await world.person("ben")
    first, second = png(10), png(11)
    hashes = [hash_of(first), hash_of(second)]
    assert await anna.ask("images.internal.hashes.list", [*hashes, "nonsense", ""]) == []
    assert await anna.upload(first, second) == [{"hash": one} for one in hashes]
    assert await anna.ask("images.internal.hashes.list", hashes) == hashes
    assert await ben.ask("images.internal.hashes.list", hashes) == [], "known to whose teams know it"
    assert await anna.upload(first) == [{"hash": hashes[0]}]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="0-file"\r\n\r\nabc', "multipart/form-data; boundary=x"),
        (b"--x\r\nA" + b"a" * 9000 + b": b\r\n\r\nabc\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
    ],
    ids=["no boundary", "empty", "no part", "no name", "broken off", "long header", "json"],
)
async def test_an_upload_that_cant_be_read(world: World, body: bytes, kind: str) -> None:
    anna = await world.person("anna")
    headers = {**anna.headers, "content-type": kind}
    answer = await world.client.post(f"{BASE}images.bulk.upload", content=body, headers=headers)
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "body")


async def test_a_broken_part_behind_a_large_file(world: World) -> None:
    """The whole upload is refused: an answer without that part would give the next file the hash of another."""
    anna = await world.person("anna")
    head = b'--x\r\nContent-Disposition: form-data; name="0-file"\r\n\r\n'

    async def pieces() -> AsyncGenerator[bytes]:
        yield head + bytes(SMALL + 1)
        yield b"the end\r\n--x\r\nno\0header\r\n\r\n"
        yield b"\r\n" + head + b"abc\r\n--x--\r\n"

    headers = {**anna.headers, "content-type": "multipart/form-data; boundary=x"}
    answer = await world.client.post(f"{BASE}images.bulk.upload", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "body")


async def test_an_upload_without_a_token(world: World) -> None:
    answer = await world.client.post(f"{BASE}images.bulk.upload", files=[("0-file", ("0", b"abc", "image/*"))])
    assert answer.status_code == 401


async def test_adding_images(world: World) -> None:
    """`images.bulk.add` answers in the order asked; `images.info` and `images.list` say the same of the same image."""
    anna = await world.person("anna")
    dataset = await anna.dataset()
    first, second = await anna.images(dataset["id"], "a.png", "b.png")
    assert frozen(first) == snapshot(
        {
            "id": "{id}",
            "name": "a.png",
            "title": "a.png",
            "description": "",
            "link": None,
            "hash": "70SvU7ULytA4IHKKERFAe4E7qGIeCl9FfRjmCRXZJ44=",
            "teamId": "{id}",
            "workspaceId": "{id}",
            "projectId": "{id}",
            "datasetId": "{id}",
            "createdAt": "{time}",
            "updatedAt": "{time}",
            "createdBy": "{id}",
            "meta": {},
            "customData": {},
            "tags": [],
            "pathOriginal": "/storage/d/{token}/a.png",
            "fullStorageUrl": "http://pinakes.test/storage/d/{token}/a.png",
            "mime": "image/png",
            "ext": "png",
            "size": 72,
            "width": 4,
            "height": 3,
            "labelsCount": 0,
            "parentId": None,
            "customSort": None,
        }
    )
    assert await anna.ask("images.info", id=first["id"]) == first
    listed = await anna.ask("images.list", datasetId=dataset["id"], projectId=None, filter=[])
    assert listed == {"total": 2, "perPage": 1000, "pagesCount": 1, "entities": [first, second]}
    found = await anna.ask("datasets.info", id=dataset["id"])
    assert (found["imagesCount"], found["itemsCount"]) == (2, 2)
    assert (await anna.ask("projects.info", id=dataset["projectId"]))["imagesCount"] == 2


async def test_names_that_are_taken(world: World) -> None:
    """All or none; `conflict_resolution` of the client reads which names, and whose they are."""
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    made = await anna.images(dataset, "a.png", "b.png")
    new = [{"title": name, "hash": made[0]["hash"]} for name in ("b.png", "c.png", "a.png")]
    status, body = await anna.refused("images.bulk.add", datasetId=dataset, images=new)
    assert (status, body["details"][0]["type"]) == (400, "NONUNIQUE")
    clashes = sorted((one["name"], one["id"]) for one in body["details"][0]["errors"])
    assert clashes == [("a.png", made[0]["id"]), ("b.png", made[1]["id"])]
    assert names(await anna.ask("images.list", datasetId=dataset)) == ["a.png", "b.png"]


async def test_what_cant_be_added(world: World) -> None:
    anna, ben = await world.person("anna"), await world.person("ben")
    dataset = (await anna.dataset())["id"]
    [known] = await anna.images(dataset, "a.png")
    for new in (
        {"title": "x.png", "hash": hash_of(b"never sent")},
        {"title": "x.png", "hash": "nonsense"},
        {"title": "x.png"},
        {"hash": known["hash"]},
        {"title": "", "hash": known["hash"]},
        {"title": "x/y.png", "hash": known["hash"]},
        {"title": "x.png", "hash": known["hash"], "link": "https://example.org/x.png"},
        {"title": "x.png", "hash": known["hash"], "meta": []},
    ):
        assert (await anna.refused("images.bulk.add", datasetId=dataset, images=[new]))[0] == 400, new
    assert (await anna.refused("images.bulk.add", datasetId=2**31 - 1, images=[]))[0] == 400
    foreign = (await ben.dataset())["id"]
    new = [{"title": "x.png", "hash": known["hash"]}]
    assert (await ben.refused("images.bulk.add", datasetId=foreign, images=new))[0] == 400, "another's file"
    assert (await ben.refused("images.bulk.add", datasetId=dataset, images=new))[0] == 400, "another's dataset"


async def test_copies_and_links(world: World) -> None:
    """`api.image.upload_ids` and `upload_links`."""
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    [first] = await anna.images(dataset, "a.png")
    [copy] = await anna.ask("images.bulk.add", datasetId=dataset, images=[{"title": "b.png", "imageId": first["id"]}])
    assert (copy["hash"], copy["width"]) == (first["hash"], first["width"])
    link = "https://example.org/c.png"
    [linked] = await anna.ask("images.bulk.add", datasetId=dataset, images=[{"title": "c.png", "link": link}])
    assert (linked["link"], linked["hash"], linked["fullStorageUrl"]) == (link, None, link)


@pytest.mark.parametrize("look", [None, True], ids=["as it is", "looked at"])
async def test_links_into_the_servers_network(world: World, look: bool | None) -> None:
    """Are refused when they are added, all items of the call with them."""
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    urls = ("http://127.0.0.1:8080/a.png", "http://[::1]/b.png", "http://169.254.169.254/latest/c.png")
    new = [{"title": f"{at}.png", "link": url} for at, url in enumerate(urls)]
    status, told = await anna.refused("images.bulk.add", datasetId=dataset, images=new, forceMetadataForLinks=look)
    assert status == 400
    assert "not on the internet" in str(told)
    assert (await anna.ask("images.list", datasetId=dataset))["entities"] == []


async def test_what_links_lead_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`forceMetadataForLinks` asks us to look, downloads fetch it; what can't be reached is only a link."""

    async def fetched(url: str, *, private: bool = False) -> bytes:
        assert not private
        if url.endswith("away.png"):
            message = "The link can't be reached."
            raise Invalid(message, field="link")
        return png(90, width=8)

    async def looked_at(url: str, *, private: bool = False) -> dict[str, object]:
        return {"kind": "image", "mime": "image/png", "width": len(await fetched(url, private=private)), "height": 3}

    monkeypatch.setattr(links, "read_link", fetched)
    monkeypatch.setattr(links, "fetch_facts", looked_at)
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    new = [{"title": f"{at}.png", "link": f"https://example.org/{at}.png"} for at in ("here", "away")]
    asked = {"datasetId": dataset, "images": new, "forceMetadataForLinks": True}
    here, away = await anna.ask("images.bulk.add", asked)
    assert (here["width"], here["mime"], away["width"]) == (len(png(90, width=8)), "image/png", None)
    answer = await get(anna, "images.download", {"id": here["id"]})
    assert (answer.content, answer.headers["x-content-checksum-sha256"]) == (answer.content, hash_of(answer.content))
    assert (await get(anna, "images.download", {"id": away["id"]})).status_code == 400
    answer = await get(anna, "images.bulk.download", {"imageIds": [here["id"]]})
    assert list(parts_of(answer).values()) == [png(90, width=8)]


async def test_listing_images(world: World) -> None:
    anna = await world.person("anna")
    top = await anna.dataset()
    inner = await anna.ask("datasets.add", projectId=top["projectId"], name="inner", parentId=top["id"])
    made = await anna.images(top["id"], "b.png", "a.png", "c.jpg.png")
    made += await anna.images(inner["id"], "d.png", first=50)
    number = [one["id"] for one in made]
    own = {"datasetId": top["id"], "projectId": None}
    assert ids(await anna.ask("images.list", **own)) == number[:3]
    assert ids(await anna.ask("images.list", **own, recursive=True)) == number
    assert ids(await anna.ask("images.list", projectId=top["projectId"], datasetId=None)) == number
    assert names(await anna.ask("images.list", **own, sort="name", sort_order="desc")) == [
        "c.jpg.png",
        "b.png",
        "a.png",
    ]
    page = await anna.ask("images.list", **own, page=2, per_page=2)
    assert (page["total"], page["perPage"], page["pagesCount"], ids(page)) == (3, 2, 2, [number[2]])
    some = [{"field": "id", "operator": "in", "value": number[1:3]}]
    assert ids(await anna.ask("images.list", **own, filter=some)) == number[1:3]
    named = [{"field": "name", "operator": "=", "value": "a.png"}]
    assert ids(await anna.ask("images.list", **own, filter=named)) == [number[1]]
    contains = [{"type": "images_filename", "data": {"value": "JPG"}}]
    assert ids(await anna.ask("images.list", **own, filters=contains)) == [number[2]]
    labeled = {"type": "objects_class", "data": {"from": 1, "to": 9999, "include": True, "classId": None}}
    assert ids(await anna.ask("images.list", **own, filters=[labeled])) == []


async def test_listing_by_token(world: World) -> None:
    """`get_list_generator`: the first answer must have `after`, null ends it."""
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    made = await anna.images(dataset, *(f"{at}.png" for at in range(5)))
    asked: dict[str, Any] = {"datasetId": dataset, "pagination_mode": "token", "per_page": 2, "sort": "name"}
    found: list[int] = []
    for _ in range(3):
        page = await anna.ask("images.list", asked)
        assert set(page) == {"total", "entities", "after"}
        assert page["total"] == 5
        found += ids(page)
        asked["after"] = page["after"]
    assert found == [one["id"] for one in made]
    assert asked["after"] is None


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": [{"field": "shoe", "operator": "=", "value": 1}]},
        {"filter": [{"field": "id", "operator": "near", "value": 1}]},
        {"filter": [{"field": "id", "operator": "=", "value": "x"}]},
        {"filter": [{"field": "id", "operator": "in", "value": [{}]}]},
        {"filters": [{"type": "issues_count", "data": {}}]},
        {"filters": [{"type": "entities_collection", "data": {}}]},
        {"filters": [{"type": "entities_collection", "data": {"collectionId": 2**31 - 1, "include": True}}]},
        {"filters": [{"type": "objects_class", "data": {"from": "x"}}]},
        {"sort": "shoe"},
        {"sort": "collectionItemIndex"},
        {"pagination_mode": "token", "after": "nonsense"},
        {"page": 2**40},
    ],
    ids=str,
)
async def test_a_list_that_cant_be(world: World, asked: dict[str, Any]) -> None:
    """An unknown kind of filter is refused: to pass it over would give other images."""
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    status, body = await anna.refused("images.list", {"datasetId": dataset, **asked})
    assert status == 400, body
    assert (await anna.refused("images.list", filter=[]))[0] == 400


async def get(caller: Caller, method: str, body: object, **headers: str) -> httpx2.Response:
    return await caller.client.post(BASE + method, json=body, headers={**caller.headers, **headers})


async def test_downloading_one(world: World) -> None:
    """`api.image.download_*`: never compressed, with its checksum; the async download goes on with a Range."""
    anna, ben = await world.person("anna"), await world.person("ben")
    dataset = (await anna.dataset())["id"]
    [image] = await anna.images(dataset, "a.png", first=33)
    whole = await get(anna, "images.download", {"id": image["id"]}, **{"accept-encoding": "gzip, br"})
    assert whole.content == png(33)
    assert {
        name: whole.headers.get(name) for name in ("content-encoding", "content-type", "accept-ranges")
    } == snapshot({"content-encoding": None, "content-type": "image/png", "accept-ranges": "bytes"})
    assert whole.headers["content-length"] == str(len(png(33)))
    assert whole.headers["x-content-checksum-sha256"] == image["hash"]
    part = await get(anna, "images.download", {"id": image["id"]}, range="bytes=10-")
    assert (part.status_code, part.content) == (206, png(33)[10:])
    assert part.headers["content-range"] == f"bytes 10-{len(png(33)) - 1}/{len(png(33))}"
    beyond = await get(anna, "images.download", {"id": image["id"]}, range="bytes=99999-")
    assert beyond.status_code == 416
    assert (await get(ben, "images.download", {"id": image["id"]})).status_code == 404
    assert (await get(world.nobody, "images.download", {"id": image["id"]})).status_code == 401
    assert (await get(anna, "videos.download", {"id": image["id"]})).status_code == 404


def parts_of(answer: httpx2.Response) -> dict[str, bytes]:
    """The parts of an answer by their Content-Disposition, taken apart by what stands between them."""
    kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    first, *parts, last = (b"\r\n" + answer.content).split(f"\r\n--{boundary}".encode())
    assert (first, last) == (b"", b"--\r\n")
    found: dict[str, bytes] = {}
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().strip().split("\r\n"))
        found[lines["Content-Disposition"]] = content
    return found


async def test_downloading_many(world: World) -> None:
    """The client finds the id by a pattern, the hash by what is around it."""
    anna, ben = await world.person("anna"), await world.person("ben")
    dataset = (await anna.dataset())["id"]
    made = await anna.images(dataset, "a.png", 'b"\n.png'.replace("\n", ""), first=60)
    number = [one["id"] for one in made]
    answer = await get(anna, "images.bulk.download", {"datasetId": dataset, "imageIds": number})
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = parts_of(answer)
    by_id = {int(re.findall(r'(^|[\s;])name="(\d*)"', head)[0][1]): content for head, content in found.items()}
    assert by_id == {number[0]: png(60), number[1]: png(61)}
    hashes = [hash_of(png(60)), hash_of(png(61))]
    answer = await get(anna, "images.bulk.download-by-hash", {"hashes": hashes})
    assert parts_of(answer) == {f'form-data; name="{one}"': png(60 + at) for at, one in enumerate(hashes)}
    assert (await get(ben, "images.bulk.download", {"imageIds": number})).status_code == 400
    assert (await get(ben, "images.bulk.download-by-hash", {"hashes": hashes})).status_code == 400


async def test_addresses_of_files_and_previews(world: World) -> None:
    """`fullStorageUrl` opens without a token; `/previews/q/…/plain` before its path makes it smaller."""
    anna = await world.person("anna")
    dataset = await anna.dataset()
    [image] = await anna.images(dataset["id"], "a.png", first=80)
    assert (await world.client.get(image["fullStorageUrl"])).content == png(80)
    path = image["fullStorageUrl"].removeprefix("http://pinakes.test")
    small = await world.client.get(f"/previews/q/ext:jpeg/resize:fill:300:0:0/q:70/plain{path}")
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    cover = (await anna.ask("datasets.info", id=dataset["id"]))["referenceImageUrl"]
    assert (await world.client.get(cover)).content == small.content
    for wrong in ("/previews/x", "/previews/x/y", "/previews/q/plain/a.b/c"):
        assert (await world.client.get(wrong)).status_code in {403, 404}


async def test_changing_images(world: World) -> None:
    """`rename`, `update_meta`, `set_custom_sort`: videos and volumes are renamed by the same method."""
    anna = await world.person("anna")
    dataset = (await anna.dataset())["id"]
    made = await anna.images(dataset, "a.png", "b.png", "c.png")
    changed = await anna.ask("images.editInfo", id=made[0]["id"], name="d.png", meta={"gps": [1.5]})
    assert (changed["name"], changed["meta"], changed["hash"]) == ("d.png", {"gps": [1.5]}, made[0]["hash"])
    status, body = await anna.refused("images.editInfo", id=made[0]["id"], name="b.png")
    assert (status, body["details"][0]["errors"]) == (400, [{"name": "b.png", "id": made[1]["id"]}])
    places = [{"id": made[2]["id"], "customSort": "1"}, {"id": made[0]["id"], "customSort": 2.5}]
    await anna.ask("images.bulk.set-custom-sort", images=places)
    page = await anna.ask("images.list", datasetId=dataset, sort="customSort")
    assert names(page) == ["c.png", "d.png", "b.png"]
    wrong = [{"id": made[0]["id"], "customSort": "soon"}]
    assert (await anna.refused("images.bulk.set-custom-sort", images=wrong))[0] == 400


async def test_removing_images(world: World) -> None:
    """S1-29: gone from their dataset; twice is no error, and others' are not touched."""
    anna, ben = await world.person("anna"), await world.person("ben")
    dataset = (await anna.dataset())["id"]
    made = await anna.images(dataset, "a.png", "b.png")
    await ben.ask("images.bulk.remove", imageIds=[made[0]["id"]])
    assert ids(await anna.ask("images.list", datasetId=dataset)) == [one["id"] for one in made]
    for _ in range(2):
        assert await anna.ask("images.bulk.remove", imageIds=[made[0]["id"]]) == {"success": True}
    assert (await anna.refused("images.info", id=made[0]["id"]))[0] == 404
    assert ids(await anna.ask("images.list", datasetId=dataset)) == [made[1]["id"]]
    assert (await anna.ask("datasets.info", id=dataset))["imagesCount"] == 1


async def test_an_items_kind_is_asked_for(world: World) -> None:
    anna = await world.person("anna")
    [image] = await anna.images((await anna.dataset())["id"], "a.png")
    for method in ("videos.info", "volumes.info", "point-clouds.info"):
        assert (await anna.refused(method, id=image["id"]))[0] == 404


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_an_upload_may_come_in_any_pieces(world: World, size: int) -> None:
    """A part ends where its boundary is, wherever the network cuts; what looks like a boundary belongs to the file."""
    anna = await world.person("anna")
    contents = [png(70), b"", b"\r\n--x\r\n--xx--\r\n-", b"\r\n" * 50]
    body = b"".join(
        f'--xyz\r\nContent-Disposition: form-data; name="{at}-file"; filename="{at}"\r\n'.encode()
        + b"Content-Type: image/*\r\n\r\n"
        + content
        + b"\r\n"
        for at, content in enumerate(contents)
    )
    body += b"--xyz--\r\n"

    async def pieces() -> AsyncGenerator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    headers = {**anna.headers, "content-type": "multipart/form-data; boundary=xyz"}
    answer = await world.client.post(f"{BASE}images.bulk.upload", content=pieces(), headers=headers)
    assert answer.json() == [{"hash": hash_of(content)} for content in contents]
