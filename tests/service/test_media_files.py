"""Files of media: who knows them, what is read from them, their thumbnails, and when they go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from factories import media as made
from factories.media import Shelf, make_shelf, pieces, sha256
from factories.people import again, join, make_organization, make_user
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope, anonymous
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import links, media, media_files, media_jobs, media_projects, thumbnails
from pinakes.server.catalog.media_types import FileFacts, Media, NewMedia, Refused
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work


@pytest.fixture
async def shelf(db: Database, blobs: Blobs) -> Shelf:
    """A project of images of somebody of his own."""
    return await make_shelf(db, blobs, (await make_user(db)).actor)


@pytest.fixture
def work(db: Database, blobs: Blobs) -> Work:
    return Work(Settings(), db, blobs)


async def send(
    shelf: Shelf,
    content: bytes,
    actor: Actor | None = None,
    *,
    sha256: bytes | None = None,
    size: int | None = None,
    most: int | None = None,
) -> FileFacts:
    who, account = actor or shelf.actor, shelf.project.owner_id
    sent = pieces(content)
    return await media_files.receive(shelf.db, shelf.blobs, who, account, sent, sha256=sha256, size=size, most=most)


async def known(shelf: Shelf, *hashes: bytes, actor: Actor | None = None, account: int | None = None) -> list[bytes]:
    async with shelf.db.transaction() as tx:
        return await media_files.known(tx, actor or shelf.actor, account or shelf.project.owner_id, hashes)


async def run(db: Database, statement: str, *values: object) -> None:
    async with db.transaction() as tx:
        await tx.connection.execute(statement.encode(), values)


async def test_a_file_is_known_once_it_is_there_whole(shelf: Shelf):
    content = made.png(1)
    digest = sha256(content)
    assert await known(shelf, digest) == []
    found = await send(shelf, content, sha256=digest, size=len(content))
    assert (found.sha256, found.size, found.mime) == (digest, len(content), "image/png")
    assert found.facts == {"kind": "image", "width": 8, "height": 6, "bands": 3, "pages": 1}
    assert await send(shelf, content) == found
    assert await known(shelf, bytes(32), digest, digest) == [digest]
    async with shelf.db.reading() as tx:
        assert await media_files.facts(tx, shelf.actor, shelf.project.owner_id, [bytes(32), digest]) == [found]


class HungUpError(Exception):
    pass


@pytest.mark.parametrize("large", [False, True])
async def test_what_is_not_what_was_announced_leaves_nothing(shelf: Shelf, large: bool):
    content = made.png(2) + (bytes(40 * 1024 * 1024) if large else b"")
    digest = sha256(content)
    with pytest.raises(errors.Invalid) as caught:
        await send(shelf, content, sha256=bytes(32))
    assert caught.value.field == "sha256"
    for size in (3, len(content) + 1):
        with pytest.raises(errors.Invalid) as caught:
            await send(shelf, content, size=size)
        assert caught.value.field == "size"
    with pytest.raises(errors.TooLarge):
        await send(shelf, content, most=10)

    async def hangs_up() -> AsyncIterator[bytes]:
        yield content[:-1]
        raise HungUpError

    with pytest.raises(HungUpError):
        await media_files.receive(shelf.db, shelf.blobs, shelf.actor, shelf.project.owner_id, hangs_up())
    assert await known(shelf, digest) == []
    assert await shelf.blobs.head(media_files.media_key(shelf.project.owner_id, digest)) is None
    await send(shelf, content, sha256=digest)
    assert await known(shelf, digest) == [digest]


async def test_the_same_file_sent_by_many_at_once(shelf: Shelf):
    content = made.png(3)
    found = await asyncio.gather(*(send(shelf, content) for _ in range(8)))
    assert {file.sha256 for file in found} == {sha256(content)}
    assert await known(shelf, sha256(content)) == [sha256(content)]


async def test_files_are_known_per_account(db: Database, shelf: Shelf):
    """Whoever knows a hash of another's can do nothing with it."""
    digest = (await send(shelf, made.png(4))).sha256
    other = await make_shelf(db, shelf.blobs, (await make_user(db)).actor)
    assert await known(other, digest) == []
    for actor in (other.actor, anonymous("test")):
        with pytest.raises(errors.AccountNotFound):
            await known(shelf, digest, actor=actor)
        with pytest.raises(errors.AccountNotFound):
            await send(shelf, made.png(5), actor=actor)
        async with db.reading() as tx:
            with pytest.raises(errors.AccountNotFound):
                await media.file_by_hash(tx, actor, shelf.project.owner_id, [digest])
    reader = replace(shelf.actor, scope=Scope.READ)
    with pytest.raises(errors.ScopeTooNarrow):
        await known(shelf, digest, actor=reader)
    async with db.transaction() as tx:
        assert await media.file_by_hash(tx, other.actor, None, [digest]) == []
        (found,) = await media.file_by_hash(tx, shelf.actor, None, [bytes(32), digest])
        assert (found.sha256, found.mime) == (digest, "image/png")
        with pytest.raises(errors.Invalid, match="send it first"):
            await media.add(tx, other.actor, other.dataset.id, [NewMedia("a.png", digest)])
        for wrong in ([b"short"], [bytes(32)] * 100_001):
            with pytest.raises(errors.Invalid) as caught:
                await media_files.known(tx, shelf.actor, shelf.project.owner_id, wrong)
            assert caught.value.field == "hashes"


async def test_files_that_came_without_saying_where_to_are_adopted(db: Database, blobs: Blobs):
    """The client sends files before it says where they go: its user knows them until then, nobody else does."""
    admin, ana, bob = await make_user(db), await make_user(db), await make_user(db)
    org = await make_organization(db, admin)
    for person in (ana, bob):
        await join(db, org, person, Role.MEMBER)
    ana, bob, admin = await again(db, ana), await again(db, bob), await again(db, admin)
    shelf = await make_shelf(db, blobs, admin.actor, account_id=org.id)
    digest = (await media_files.receive_anywhere(db, blobs, ana.actor, pieces(made.png(6)))).sha256
    async with db.transaction() as tx:
        assert await media_files.known_anywhere(tx, ana.actor, [digest, bytes(32)]) == [digest]
        assert await media_files.known_anywhere(tx, bob.actor, [digest]) == []
        assert await media_files.known(tx, ana.actor, org.id, [digest]) == []
    await media_files.adopt(db, blobs, bob.actor, org.id, [digest])
    assert await known(shelf, digest) == []
    await media_files.adopt(db, blobs, ana.actor, org.id, [digest, bytes(32)])
    await media_files.adopt(db, blobs, ana.actor, org.id, [digest])
    assert await known(shelf, digest, actor=bob.actor) == [digest]
    async with db.transaction() as tx:
        (item,) = await media.add(tx, ana.actor, shelf.dataset.id, [NewMedia("a.png", digest)])
        assert item.owner_id == org.id
    with pytest.raises(errors.Unauthenticated):
        await media_files.receive_anywhere(db, blobs, anonymous("test"), pieces(b"x"))
    with pytest.raises(errors.AccountNotFound):
        await media_files.adopt(db, blobs, ana.actor, bob.id, [digest])


async def test_files_that_nothing_uses_go_after_a_day(db: Database, shelf: Shelf, work: Work):
    """What an item has, be it in the trash, stays; so does what is a slice, and what was asked for today."""
    owner = shelf.project.owner_id
    used, trashed, unused, asked, slice_ = [(await send(shelf, made.png(number))).sha256 for number in range(20, 25)]
    async with db.transaction() as tx:
        kept, gone = await media.add(
            tx, shelf.actor, shelf.dataset.id, [NewMedia("a.png", used), NewMedia("b.png", trashed)]
        )
        await media.mark_removed(tx, shelf.actor, [gone.id])
    await run(db, "insert into volume_slices values (%s, 'x', 1, %s)", kept.id, slice_)
    fresh = (await send(shelf, made.png(30))).sha256
    await media_jobs.purge_media_files(work)
    every = [used, trashed, unused, asked, slice_, fresh]
    assert await known(shelf, *every) == every
    aged = "update media_files set created_at = now() - interval '25 hours' where account_id = %s and sha256 <> %s"
    await run(db, aged, owner, fresh)
    assert await known(shelf, asked) == [asked]
    await media_jobs.purge_media_files(work)
    assert await known(shelf, *every) == [used, trashed, asked, slice_, fresh]
    assert await shelf.blobs.head(media_files.media_key(owner, unused)) is None
    assert await shelf.blobs.head(media_files.media_key(owner, used)) is not None


async def test_a_file_that_is_made_use_of_at_the_moment_that_it_would_go_stays(db: Database, shelf: Shelf, work: Work):
    """Who adds an item of it has not finished yet, so the purge waits for him, and then sees the item."""
    digest = (await send(shelf, made.png(40))).sha256
    aged = "update media_files set created_at = now() - interval '25 hours' where sha256 = %s"
    await run(db, aged, digest)
    async with db.transaction() as tx:
        await media.add(tx, shelf.actor, shelf.dataset.id, [NewMedia("late.png", digest)])
        purging = asyncio.create_task(media_jobs.purge_media_files(work))
        assert not (await asyncio.wait([purging], timeout=0.3))[0]
    await purging
    assert await known(shelf, digest) == [digest]
    assert await shelf.blobs.head(media_files.media_key(shelf.project.owner_id, digest)) is not None


async def test_what_is_long_in_the_trash_is_removed_for_good(db: Database, shelf: Shelf, work: Work):
    kept, gone = await shelf.put("kept.png", "gone.png")
    async with db.transaction() as tx:
        await media.mark_removed(tx, shelf.actor, [kept.id, gone.id])
    await run(db, "update items set deleted_at = now() - interval '40 days' where id = %s", gone.id)
    await media_jobs.purge_trashed_media(work)
    async with db.transaction() as tx:
        assert len(await media.mark_restored(tx, shelf.actor, [kept.id])) == 1
        with pytest.raises(errors.MediaNotFound):
            await media.mark_restored(tx, shelf.actor, [gone.id])


async def test_objects_that_nobody_wrote_down_are_swept(shelf: Shelf, work: Work, monkeypatch: pytest.MonkeyPatch):
    owner = shelf.project.owner_id
    written = (await send(shelf, made.png(40))).sha256
    lost = sha256(b"lost")
    await shelf.blobs.receive(media_files.media_key(owner, lost), pieces(b"lost"))
    await media_jobs.sweep_media_store(work)
    assert await shelf.blobs.head(media_files.media_key(owner, lost)) is not None
    monkeypatch.setattr(media_jobs, "LEFT_BEHIND", -media_jobs.LEFT_BEHIND)
    await media_jobs.sweep_media_store(work)
    assert await shelf.blobs.head(media_files.media_key(owner, lost)) is None
    assert await shelf.blobs.head(media_files.media_key(owner, written)) is not None
    assert await known(shelf, lost) == []


async def test_thumbnails_are_made_by_a_job_or_when_asked_for(db: Database, shelf: Shelf, work: Work):
    big, same, link = await _pictures(shelf)
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select args from tasks.procrastinate_jobs where task_name = 'catalog.make_thumbnails'"
            " order by id desc limit 1"
        )
        (arguments,) = await cursor.fetchone() or ({},)
    assert arguments == {"item_ids": [big.id, same.id]}
    found = await thumbnails.thumbnail(db, shelf.blobs, shelf.actor, big.id)
    assert (found.mime, found.name) == ("image/webp", "big.png.webp")
    content = b"".join([piece async for piece in await shelf.blobs.stream(found.key)])
    assert len(content) == found.size
    assert content[8:12] == b"WEBP"
    async with db.reading() as tx:
        assert (await media.get(tx, shelf.actor, same.id)).has_thumbnail  # it has the same file
    await media_jobs.make_thumbnails(work, item_ids=[big.id, same.id, link.id, 2**31 - 3])
    assert await thumbnails.thumbnail(db, shelf.blobs, shelf.actor, same.id) == replace(found, name="same.png.webp")
    with pytest.raises(errors.FileNotFound):
        await thumbnails.thumbnail(db, shelf.blobs, shelf.actor, link.id)
    with pytest.raises(errors.MediaNotFound):
        await thumbnails.thumbnail(db, shelf.blobs, anonymous("test"), big.id)


async def _pictures(shelf: Shelf) -> list[Any]:
    digest = await shelf.sent(made.png(50, width=900, height=500))
    new = [
        NewMedia("big.png", digest),
        NewMedia("same.png", digest),
        NewMedia("l.png", link="https://example.org/l.png"),
    ]
    async with shelf.db.transaction() as tx:
        return list(await media.add(tx, shelf.actor, shelf.dataset.id, new))


@pytest.mark.parametrize("data_type", ["images", "videos", "point_clouds", "volumes"])
async def test_items_of_every_kind_have_thumbnails(db: Database, blobs: Blobs, work: Work, data_type: str):
    ana = await make_user(db)
    shelf = await make_shelf(db, blobs, ana.actor, data_type=data_type)
    (item,) = await shelf.put(f"a{made.SUFFIXES[data_type]}")
    await media_jobs.make_thumbnails(work, item_ids=[item.id])
    async with db.reading() as tx:
        assert (await media.get(tx, ana.actor, item.id)).has_thumbnail
    found = await thumbnails.thumbnail(db, blobs, ana.actor, item.id)
    assert (found.mime, found.name) == ("image/webp", f"{item.name}.webp")


async def test_a_thumbnail_of_a_file_that_is_gone(db: Database, shelf: Shelf, work: Work):
    (item,) = await shelf.put("a.png", first=70)
    assert item.sha256 is not None
    await shelf.blobs.delete([media_files.media_key(item.owner_id, item.sha256)])
    await media_jobs.make_thumbnails(work, item_ids=[item.id])
    with pytest.raises(errors.FileNotFound, match="gone"):
        await thumbnails.thumbnail(db, shelf.blobs, shelf.actor, item.id)


async def test_a_project_shows_its_first_item(shelf: Shelf):
    first, _ = await shelf.put("a.png", "b.png")
    async with shelf.db.reading() as tx:
        assert (await media_projects.get(tx, shelf.actor, shelf.project.id)).cover_id == first.id


ANSWERS = {"/a.png": made.png(60), "/page": made.HTML, "/big": bytes(200)}


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path in ANSWERS:
            self.send_response(200)
            self.send_header("Content-Length", str(len(ANSWERS[self.path])))
            self.end_headers()
            self.wfile.write(ANSWERS[self.path])
            return
        moved = {"/moved": "/a.png", "/round": "/round", "/inside": "file:///etc/passwd"}.get(self.path)
        self.send_response(302 if moved else 404)
        if moved:
            self.send_header("Location", moved)
        self.end_headers()

    def log_message(self, *args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@contextmanager
def elsewhere() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_the_facts_of_a_link_are_fetched(monkeypatch: pytest.MonkeyPatch):
    with elsewhere() as url:
        for path in ("/a.png", "/moved"):
            facts = await links.fetch_facts(url + path, private=True)
            assert (facts["mime"], facts["width"], facts["height"]) == ("image/png", 8, 6)
        for path, reason in (
            ("/page", "HTML"),
            ("/round", "redirected more than"),
            ("/inside", "http"),
            ("/nothing", "status 404"),
        ):
            with pytest.raises(errors.Invalid, match=reason) as caught:
                await links.fetch_facts(url + path, private=True)
            assert caught.value.field == "link"
        monkeypatch.setattr(links, "MOST_BYTES", 100)
        with pytest.raises(errors.Invalid, match="more than"):
            await links.read_link(f"{url}/big", private=True)
        with pytest.raises(errors.Invalid, match="not on the internet"):
            await links.fetch_facts(f"{url}/a.png")
    with pytest.raises(errors.Invalid, match="can't be reached"):
        await links.fetch_facts(f"{url}/a.png", private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "http://localhost/a.png",
        "http://[::1]/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/a.png",
        "http://[::ffff:127.0.0.1]/a.png",
        "http://2130706433/a.png",
        "http://0x7f000001/a.png",
        "http://0177.1/a.png",
        "http://%31%32%37.0.0.1/a.png",
        "http://127\u30020\u30020\u30021/a.png",
        "http://camera.local:8080/a.png",
        "http://metadata.google.internal/a.png",
    ],
)
async def test_a_link_to_a_private_address_is_refused(shelf: Shelf, url: str):
    """At adding already; where the operator allows the server's own network, it is a link like others."""
    new = [NewMedia("far.png", link="https://example.org/far.png"), NewMedia("near.png", link=url)]
    with pytest.raises(errors.Invalid, match="not on the internet"):
        await links.fetch_facts(url)
    async with shelf.db.transaction() as tx:
        with pytest.raises(errors.Invalid, match="not on the internet") as caught:
            await media.add(tx, shelf.actor, shelf.dataset.id, new)
        assert caught.value.field == "link"
        far, near = await media.add_each(tx, shelf.actor, shelf.dataset.id, new)
        assert isinstance(far, Media)
        assert isinstance(near, Refused)
        assert near.field == "link"
        (allowed,) = await media.add(tx, shelf.actor, shelf.dataset.id, new[1:], private=True)
    assert allowed.link == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "http://",
        "http://a b/",
        "http://u:p@example.org/",
        "http://[x/",
    ],
)
async def test_what_is_no_link_is_refused(shelf: Shelf, url: str):
    with pytest.raises(errors.Invalid):
        await links.fetch_facts(url)
    async with shelf.db.transaction() as tx:
        with pytest.raises(errors.Invalid):
            await media.add(tx, shelf.actor, shelf.dataset.id, [NewMedia("a.png", link=url)])
