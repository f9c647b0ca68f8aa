"""What the SDK's parts about versions do by themselves: names, local files, several things at once, transfers."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

import pinakes
from pinakes.api.releases import LinkedVersion, Numbered, Project, Registry, Version
from pinakes.cli.releases import moment_of
from pinakes.sdk import addressing, local, naming, parallel

ID = "64f9a55bb3115b4f513ec026"
AT = "2026-11-21T12:00:00Z"
VERSION: dict[str, Any] = {
    "id": 7,
    "item": 8,
    "name": "reader",
    "number": 3,
    "source": "team/digits/reader:v3",
    "type": "model",
    "state": "committed",
    "digest": "0" * 32,
    "size": 4,
    "file_count": 1,
    "description": None,
    "metadata": {},
    "tags": [],
    "ttl_seconds": None,
    "created_by": "ada",
    "created_at": AT,
    "updated_at": AT,
    "committed_at": AT,
    "deleted_at": None,
}
LINKED = {"number": 0, "aliases": [], "linked_at": AT, "linked_by": None, "broken": False, "version": VERSION}
NUMBERED = {
    "id": ID,
    "kind": "release",
    "name": "MNIST",
    "slug": f"acme.models/mnist-{ID}",
    "types": ["model"],
    "description": "",
    "tags": [],
    "project": None,
    "organization": "acme",
    "registry": "Models",
    "version_count": 1,
    "revision": 1,
    "created_at": AT,
    "updated_at": AT,
}


def md5_of(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


# --- Names


def test_the_path_of_a_registry_and_of_a_project():
    registry = Registry.model_construct(organization="acme", name="Fine-tuned models")
    project = Project.model_construct(owner="team", name="digits")
    for one in (registry, "acme/Fine-tuned models", " acme/Fine-tuned models "):
        path = "/organizations/acme/registries/Fine-tuned%20models/members/a%2Fb"
        assert naming.registry_path(one, "members", "a/b") == path
    for one in (project, "team/digits"):
        assert naming.project_path(one) == "/projects/team/digits"


@pytest.mark.parametrize("text", ["", "acme", "acme/", "/models", "a/b/c"])
def test_what_names_no_registry_and_no_project(text: str):
    for path, field in ((naming.registry_path, "registry"), (naming.project_path, "project")):
        with pytest.raises(pinakes.Invalid) as caught:
            path(text)
        assert caught.value.field == field


def test_three_words_name_a_release_or_an_artifact():
    assert naming.named("acme/Fine-tuned models/MNIST") == ("acme", "Fine-tuned models", "MNIST")
    assert naming.named("a/b/c").path == "/named/a/b/c"  # pyright: ignore[reportOptionalMemberAccess]
    for text in (ID, f"acme/words-{ID}", f"http://here/collections/acme/words-{ID}", "a//c", "a/b/c/d"):
        assert naming.named(text) is None
    assert naming.artifact_parts("team/digits/reader") == ("team/digits", "reader")
    with pytest.raises(pinakes.Invalid):
        naming.release_parts("acme/MNIST")


@pytest.mark.parametrize(
    ("text", "address", "alias"),
    [
        ("a/b/c:v3", "a/b/c", "v3"),
        ("a/b/c", "a/b/c", "latest"),
        ("a/b/c:", "a/b/c", "latest"),
        (f"{ID}:production", ID, "production"),
        ("http://here/x", "http://here/x", "latest"),
    ],
)
def test_what_comes_after_a_colon_is_an_alias(text: str, address: str, alias: str):
    assert naming.split_alias(text) == (address, alias)


def test_a_version_by_its_number():
    assert naming.version_id(7) == naming.version_id("7") == 7
    assert naming.version_id(Version.model_validate(VERSION)) == 7
    assert naming.version_id(LinkedVersion.model_validate(LINKED)) == 7
    assert naming.version_id("v7") is naming.version_id("²") is None


def test_a_release_is_a_collection():
    assert addressing.collection_ref(Numbered.model_validate(NUMBERED)) == ID


def test_a_day_stands_for_its_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert moment_of("2026-03-14") == datetime(2026, 3, 14, 23, 59, 59, 999999, tzinfo=UTC)
    assert moment_of("2026-03-14T12:00") == datetime(2026, 3, 14, 12, tzinfo=UTC)
    assert moment_of("2026-03-14T12:00+02:00") == datetime(2026, 3, 14, 10, tzinfo=UTC)
    with pytest.raises(pinakes.Invalid):
        moment_of("the 14th")


# --- Files on this machine


def test_which_files_are_meant(tmp_path: Path):
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "a").write_text("1")
    (tmp_path / "model" / "deep" / "b").write_text("22")
    listed = [(file.path, file.size) for file in local.gather(tmp_path / "model")]
    assert listed == [("a", 1), ("deep/b", 2)]
    assert [file.path for file in local.gather(str(tmp_path / "model" / "a"))] == ["a"]
    assert [file.path for file in local.gather([tmp_path / "model" / "deep", tmp_path / "model" / "a"])] == ["b", "a"]
    assert [file.path for file in local.gather({"x/": tmp_path / "model", "y": tmp_path / "model" / "a"})] == [
        "x/a",
        "x/deep/b",
        "y",
    ]
    assert len(local.gather([tmp_path / "model", tmp_path / "model"])) == 2
    (tmp_path / "a").write_text("other")
    with pytest.raises(pinakes.Invalid, match="'a'"):
        local.gather([tmp_path / "model", tmp_path / "a"])
    with pytest.raises(FileNotFoundError):
        local.gather([tmp_path / "none"])


@pytest.mark.parametrize(
    "path", ["", "/etc/x", "../x", "a/../../x", "a\\..\\..\\x", "C:x", "C:\\x", "\\\\h\\s\\x", "a\0"]
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str):
    with pytest.raises(pinakes.Invalid) as caught:
        local.place_of(tmp_path, path)
    assert caught.value.field == "path"


def test_a_path_stays_in_the_folder_whatever_links_are_there(tmp_path: Path):
    (tmp_path / "to" / "inside").mkdir(parents=True)
    (tmp_path / "to" / "out").symlink_to(tmp_path)
    (tmp_path / "to" / "in").symlink_to(tmp_path / "to" / "inside")
    assert local.place_of(tmp_path / "to", "in/x").name == "x"
    assert local.place_of(tmp_path / "to", "new/x/..y") == tmp_path / "to" / "new" / "x" / "..y"
    with pytest.raises(pinakes.Invalid):
        local.place_of(tmp_path / "to", "out/x")


def test_the_digest_of_a_file(tmp_path: Path):
    content = b"x" * (local.CHUNK + 1)
    (tmp_path / "a").write_bytes(content)
    told: list[int] = []
    tally = local.Tally("preparing", len(content), lambda progress: told.append(progress.done))
    assert local.md5_of(tmp_path / "a", tally) == md5_of(content)
    assert told == [local.CHUNK, local.CHUNK + 1]
    assert local.is_there(tmp_path / "a", len(content), md5_of(content))
    assert not local.is_there(tmp_path / "a", len(content), md5_of(b""))
    assert not local.is_there(tmp_path / "none", 0, md5_of(b""))
    tally.stop()
    with pytest.raises(local.Stopped):
        local.md5_of(tmp_path / "a", tally)


# --- Several at once


def test_threads_do_each_thing_once():
    done: list[int] = []
    parallel.each(done.append, range(500), 8, lambda: None)
    assert sorted(done) == list(range(500))
    parallel.each(done.append, [], 8, lambda: None)


def test_a_failure_ends_what_else_is_done():
    stopped, done = threading.Event(), list[int]()

    def work(number: int) -> None:
        if number == 3:
            raise KeyError(number)
        if number > 3:
            assert stopped.wait(10)
        done.append(number)

    with pytest.raises(KeyError):
        parallel.each(work, range(1000), 4, stopped.set)
    assert len(done) < 10


async def test_tasks_do_the_same():
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        if number == 600:
            raise KeyError(number)
        done.append(number)

    await parallel.each_async(work, range(500), 8, lambda: None)
    assert sorted(done) == list(range(500))
    stopped: list[bool] = []
    with pytest.raises(KeyError):
        await parallel.each_async(work, range(600, 10_000), 8, lambda: stopped.append(True))
    assert stopped == [True]
    assert len(done) < 600


async def test_what_is_on_its_way_arrives_and_nothing_more_is_begun():
    begun: list[int] = []
    ended: list[int] = []
    failed = asyncio.Event()

    async def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            failed.set()
            raise KeyError(number)
        await failed.wait()
        await asyncio.sleep(0.01)
        ended.append(number)

    with pytest.raises(KeyError):
        await parallel.each_async(work, range(100), 4, lambda: None)
    assert (begun, ended) == ([0, 1], [0])


# --- Transfers against a server that answers as it is told


def client_of(handler: Callable[[httpx2.Request], httpx2.Response], **more: object) -> pinakes.Client:
    retry = pinakes.RetryPolicy(retries=2, first=0.0, strangers=2)
    return pinakes.connect("http://here", "t", retry=retry, transport=httpx2.MockTransport(handler), **more)  # pyright: ignore[reportArgumentType]


def files(*rows: dict[str, object]) -> httpx2.Response:
    return httpx2.Response(200, json={"rows": rows, "next": None})


def file(path: str, content: bytes, url: str = "http://files/1") -> dict[str, object]:
    return {"path": path, "size": len(content), "digest": "d", "md5": md5_of(content), "reference": None, "url": url}


def test_a_version_with_a_path_that_leads_out_writes_nothing(tmp_path: Path):
    client = client_of(lambda _: files(file("a", b"1"), file("../b", b"2")))
    with pytest.raises(pinakes.Invalid, match=r"\.\./b"):
        client.versions.download(7, tmp_path / "to")
    assert [*tmp_path.iterdir()] == []


def test_content_of_another_md5_is_an_error_and_leaves_nothing(tmp_path: Path):
    client = client_of(
        lambda request: files(file("a", b"1")) if "api" in request.url.path else httpx2.Response(200, content=b"2")
    )
    with pytest.raises(pinakes.UnexpectedAnswer) as caught:
        client.versions.download(7, tmp_path)
    assert caught.value.code == "wrong_content"
    assert [*tmp_path.iterdir()] == []


def test_a_server_that_ignores_the_range_is_understood(tmp_path: Path):
    content = b"all of it"
    local.part_of(tmp_path / "a", md5_of(content)).write_bytes(content[:4])
    asked: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return files(file("a", content)) if "api" in request.url.path else httpx2.Response(200, content=content)

    done = client_of(handle).versions.download(7, tmp_path)
    assert ((tmp_path / "a").read_bytes(), done.size) == (content, len(content))
    assert asked[-1].headers["range"] == "bytes=4-"
    assert asked[-1].headers["if-range"] == f'"{md5_of(content)}"'
    assert "authorization" in asked[0].headers
    assert "authorization" not in asked[-1].headers


def test_an_address_that_ran_out_is_asked_for_anew(tmp_path: Path):
    asked: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        if "api" in request.url.path:
            return files(file("a", b"1", f"http://files/{len(asked)}"))
        return httpx2.Response(403 if request.url.path == "/1" else 200, content=b"1")

    client_of(handle).versions.download(7, tmp_path)
    assert asked[-1] == "http://files/3"
    assert "name=a" in asked[-2]


def test_a_transfer_that_never_gets_further_ends(tmp_path: Path):
    client = client_of(lambda request: files(file("a", b"12")) if "api" in request.url.path else httpx2.Response(503))
    with pytest.raises(pinakes.Unavailable):
        client.versions.download(7, tmp_path)


def test_a_part_that_the_server_had_and_lost_counts_as_sent(tmp_path: Path):
    """The first plan says that it has it, the next one that it has not: whoever counts ends at what went over."""
    file = local.LocalFile("big.bin", tmp_path / "big.bin", 30)
    tally = local.Tally("sending", 30, lambda _: None)
    parts = local.Parts(file, tally)
    parts.is_there(1, 10)
    parts.is_there(2, 10)
    assert (parts.kept, tally.done) == (20, 20)
    for number in (1, 3):
        parts.is_sent_anew(number)
        tally.add(10)
        parts.is_sent(number, 10)
    assert (parts.kept, tally.done) == (10, 30)
    parts.is_sent_anew(1)
    tally.add(10)
    assert (parts.kept, tally.done) == (10, 30)
