"""Many small files at once: each is an item or is refused by itself, at a price that does not grow with the batch."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from factories import media as made
from factories.media import MADE, SUFFIXES, Shelf, make_shelf, png, sha256
from factories.people import again, join, make_organization, make_user
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope, anonymous
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media, media_arriving, media_files, media_jobs
from pinakes.server.catalog.media_types import Arrived, Media, Refused
from pinakes.server.db import Database
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work
from support.watching import watch_queries


@pytest.fixture
async def shelf(db: Database, blobs: Blobs) -> Shelf:
    """A project of images of somebody of his own."""
    return await make_shelf(db, blobs, (await make_user(db)).actor)


def file(name: str, content: bytes) -> Arrived:
    return Arrived(name, content, sha256(content))


def images(count: int, first: int = 0) -> list[Arrived]:
    return [file(f"{number}.png", png(first + number)) for number in range(count)]


async def add(shelf: Shelf, files: list[Arrived], actor: Actor | None = None) -> list[Media | Refused]:
    return await media_arriving.add_files(shelf.db, shelf.blobs, actor or shelf.actor, shelf.dataset.id, files)


async def names(shelf: Shelf) -> list[str]:
    async with shelf.db.reading() as tx:
        page = await media.page(tx, shelf.actor, dataset_id=shelf.dataset.id, sort="name", limit=1000)
    return [item.name for item in page.rows]


def outcomes(done: list[Media | Refused]) -> list[str]:
    """What became of each: its name, or why it is none."""
    return [one.name if isinstance(one, Media) else f"- {one.message}" for one in done]


def watch(monkeypatch: pytest.MonkeyPatch, method: str) -> list[tuple[Any, ...]]:
    """What a method of the store is called with from here on."""
    called: list[tuple[Any, ...]] = []
    plain = getattr(Blobs, method)

    async def watched(self: Blobs, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes
        called.append(given)
        return await plain(self, *given, **named)

    monkeypatch.setattr(Blobs, method, watched)
    return called


async def test_bad_files_in_the_middle_are_refused_and_the_others_stay(shelf: Shelf):
    """S1-import: a broken image, one that is none, one under another's ending, a path, a taken name, a wrong hash."""
    await shelf.put("taken.png", first=900)
    files = [
        file("a.png", png(1)),
        file("broken.png", png(2, 64, 64)[:-900]),
        file("b.png", png(3)),
        file("page.png", made.HTML),
        file("jpeg.png", made.jpeg(4)),
        file("../c.png", png(5)),
        file("taken.png", png(6)),
        file("a.png", png(7)),
        Arrived("changed.png", png(8), sha256(png(9))),
        file("clip.png", made.video()),
        file("empty.png", b""),
        file("same-as-a.png", png(1)),
        file("z.png", png(10)),
    ]
    done = await add(shelf, files)
    assert [isinstance(one, Media) for one in done] == [n in {0, 2, 11, 12} for n in range(len(files))]
    said = outcomes(done)
    assert "breaks off" in said[1]
    assert "HTML" in said[3]
    assert said[4] == "- It is called .png, but its content is image/jpeg."
    assert "can't be a name" in said[5]
    assert "There is an image called 'taken.png' already." in said[6]
    assert "Another one of these items" in said[7]
    assert said[8].startswith(f"- The SHA-256 of what arrived is {sha256(png(8)).hex()}")
    assert said[9] == "- Its file is a video. This project takes an image only."
    assert said[10] == "- The file is empty. This project takes an image only."
    assert await names(shelf) == ["a.png", "b.png", "same-as-a.png", "taken.png", "z.png"]
    assert not await shelf.blobs.missing([media_files.media_key(shelf.project.owner_id, sha256(png(10)))])


async def test_the_same_again_adds_nothing(shelf: Shelf):
    first = await add(shelf, images(5))
    done = await add(shelf, images(7))
    numbers = [one.id for one in first if isinstance(one, Media)]
    assert [one.id for one in done if isinstance(one, Refused)] == numbers
    assert [one.name for one in done if isinstance(one, Media)] == ["5.png", "6.png"]


async def test_a_file_that_was_lost_is_there_again_when_it_is_sent_again(shelf: Shelf):
    await add(shelf, images(1))
    key = media_files.media_key(shelf.project.owner_id, sha256(png(0)))
    await shelf.blobs.delete([key])
    await add(shelf, [file("again.png", png(0))])
    assert await shelf.blobs.missing([key]) == []


@pytest.mark.parametrize("data_type", [*MADE])
async def test_every_type_of_data(db: Database, blobs: Blobs, data_type: str):
    shelf = await make_shelf(db, blobs, (await make_user(db)).actor, data_type=data_type)
    suffix = SUFFIXES[data_type]
    files = [
        file(f"a{suffix}", MADE[data_type](1)),
        file(f"no{suffix}", b"nothing"),
        file(f"b{suffix}", MADE[data_type](2)),
    ]
    done = await add(shelf, files)
    assert [isinstance(one, Media) for one in done] == [True, False, True]
    assert all(one.facts for one in done if isinstance(one, Media))


async def test_the_number_of_queries_does_not_grow_with_the_batch(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    counted = watch_queries(monkeypatch)
    await add(shelf, [file("one.png", png(5000))])
    few = list(counted)
    counted.clear()
    done = await add(shelf, images(450, 6000))
    assert all(isinstance(one, Media) for one in done)
    assert counted == few
    assert len(few) <= 12


async def test_many_imports_into_one_dataset_at_the_same_time(shelf: Shelf):
    """Of files that overlap, each name is an item once, and the dataset counts right."""
    batches = [images(30, 7000)[start:] + images(30, 7000)[:start] for start in range(0, 30, 4)]
    done = await asyncio.gather(*(add(shelf, batch) for batch in batches))
    added = [one.name for batch in done for one in batch if isinstance(one, Media)]
    assert sorted(added) == sorted({*added}) == sorted(f"{number}.png" for number in range(30))
    assert all(one.taken for batch in done for one in batch if isinstance(one, Refused))
    async with shelf.db.reading() as tx:
        cursor = await tx.connection.execute("select item_count from datasets where id = %s", (shelf.dataset.id,))
        assert await cursor.fetchone() == (30,)


async def test_thumbnails_of_a_batch_are_made_together(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    """What can't be decoded any more is left out, and the others have theirs; they are stored by one call."""
    together, alone = watch(monkeypatch, "store_many"), watch(monkeypatch, "receive")
    done = [one for one in await add(shelf, images(6, 8000)) if isinstance(one, Media)]
    assert done[0].sha256 is not None
    await shelf.blobs.delete([media_files.media_key(shelf.project.owner_id, done[0].sha256)])
    work = Work(Settings(), shelf.db, shelf.blobs)
    for _ in range(2):
        await media_jobs.make_thumbnails(work, item_ids=[one.id for one in done])
    async with shelf.db.reading() as tx:
        items = await media.get_many(tx, shelf.actor, [one.id for one in done])
    assert [one.has_thumbnail for one in items] == [False] + [True] * 5
    keys = [media_files.thumbnail_key(shelf.project.owner_id, one.sha256 or b"") for one in done]
    assert await shelf.blobs.missing(keys) == keys[:1]
    assert [sorted(stored) for (stored,) in together] == [sorted(keys[1:]), []]
    assert alone == []


async def test_who_may_not_write_there(db: Database, blobs: Blobs):
    ana = await make_user(db)
    org = await make_organization(db, ana)
    await join(db, org, reader := await make_user(db), Role.VIEWER)
    shelf = await make_shelf(db, blobs, (await again(db, ana)).actor, account_id=org.id)
    narrow = replace(shelf.actor, scope=Scope.READ)
    for actor, error in (
        ((await again(db, reader)).actor, errors.Forbidden),
        ((await make_user(db)).actor, errors.DatasetNotFound),
        (anonymous("test"), errors.DatasetNotFound),
        (narrow, errors.ScopeTooNarrow),
    ):
        with pytest.raises(error):
            await add(shelf, images(1), actor)
    assert await names(shelf) == []
