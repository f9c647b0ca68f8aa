"""Frames of videos as pictures: asked for with JSON and with a form; what is refused, and for whom there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from factories.media import video
from wires.supervisely.conftest import BASE, Caller, World, hash_of


async def film(caller: Caller) -> int:
    """A video of ten frames, in a new project of somebody's."""
    dataset = (await caller.dataset("videos"))["id"]
    content = video(10)
    await caller.upload(content, method="videos.bulk.upload", kind="video/mp4")
    new = [{"title": "a.mp4", "hash": hash_of(content)}]
    return (await caller.ask("videos.bulk.add", datasetId=dataset, videos=new))[0]["id"]


async def test_several_frames(world: World) -> None:
    anna = await world.person("anna")
    number = await film(anna)
    by_json = await anna.send("videos.bulk.download-frame", {"videoId": number, "frames": [7, 2]})
    assert (by_json.status_code, by_json.content.count(b"\xff\xd8\xff")) == (200, 2)
    assert by_json.content.index(b'name="7"') < by_json.content.index(b'name="2"')
    headers = {**anna.headers, "content-type": "application/x-www-form-urlencoded"}
    form = f"videoId={number}&frames=7&frames=2".encode()
    by_form = await world.client.request("GET", f"{BASE}videos.bulk.download-frame", content=form, headers=headers)
    assert (by_form.status_code, by_form.content.count(b"\xff\xd8\xff")) == (200, 2)
    one = await anna.send("videos.download-frame", {"videoId": number, "frame": 0})
    assert one.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    "frames",
    [[], [10], [-1], [2**70], ["1"], [0] * 101, None],
    ids=["none", "behind", "below", "huge", "text", "many", "null"],
)
async def test_what_is_no_frame(world: World, frames: Any) -> None:  # noqa: ANN401 - JSON
    anna = await world.person("anna")
    asked = {"videoId": await film(anna), "frames": frames}
    assert (await anna.refused("videos.bulk.download-frame", asked))[0] == 400


async def test_videos_of_others_and_what_is_none(world: World) -> None:
    """All the same: nothing tells which of them is there."""
    anna, bob = await world.person("anna"), await world.person("bob")
    number = await film(anna)
    image = (await anna.images((await anna.dataset(name="Still"))["id"], "a.png"))[0]["id"]
    said: set[str] = set()
    for caller, item in ((bob, number), (anna, image), (anna, 2**31 - 2)):
        for method, asked in (("videos.download-frame", {"frame": 0}), ("videos.bulk.download-frame", {"frames": [0]})):
            status, told = await caller.refused(method, {"videoId": item, **asked})
            assert status == 400
            said.add(told["error"])
    assert len(said) == 1
