"""Items of media: put into datasets, read in pages, renamed, copied, moved, ordered, removed and brought back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from factories import media as made
from factories.media import MADE, SUFFIXES, Shelf, make_shelf, put_rows
from factories.people import again, join, make_organization, make_user, told_of
from pinakes.server import errors
from pinakes.server.actor import Role, anonymous
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import datasets, media, media_files, media_projects, workspaces
from pinakes.server.catalog.media_types import DATA_TYPES, KIND_OF, Media, MediaChanges, NewMedia, Refused
from pinakes.server.db import Database


@pytest.fixture
async def shelf(db: Database, blobs: Blobs) -> Shelf:
    """A project of images of somebody of his own."""
    return await make_shelf(db, blobs, (await make_user(db)).actor)


async def listed(shelf: Shelf, asked: dict[str, Any] | None = None) -> tuple[list[str], int]:
    where: dict[str, Any] = {"dataset_id": shelf.dataset.id} | (asked or {})
    async with shelf.db.reading() as tx:
        page = await media.page(tx, shelf.actor, **where)
        return [item.name for item in page.rows], page.total


async def counts(shelf: Shelf, dataset_id: int | None = None) -> tuple[int, int]:
    async with shelf.db.reading() as tx:
        found = await datasets.get(tx, shelf.actor, dataset_id or shelf.dataset.id)
        return found.item_count, found.size


async def add(shelf: Shelf, *new: NewMedia) -> list[Media]:
    async with shelf.db.transaction() as tx:
        return await media.add(tx, shelf.actor, shelf.dataset.id, new)


@pytest.mark.parametrize("data_type", DATA_TYPES)
async def test_items_of_each_type_are_made_of_files(db: Database, blobs: Blobs, data_type: str):
    """S1-02; ids are positive, below 2^31, and the facts are those of the file."""
    ana = await make_user(db)
    shelf = await make_shelf(db, blobs, ana.actor, data_type=data_type)
    content, name = MADE[data_type](0), f"cam{SUFFIXES[data_type]}"
    digest = await shelf.sent(content)
    (item,) = await add(shelf, NewMedia(name, digest, description=" d ", meta={"frame": 3}, custom_data={"k": [1]}))
    assert 0 < item.id < 2**31
    assert (item.kind, item.name, item.sha256, item.size) == (KIND_OF[data_type], name, digest, len(content))
    assert (item.project_id, item.dataset_id) == (shelf.project.id, shelf.dataset.id)
    assert (item.owner_id, item.workspace_id, item.visibility) == (ana.id, shelf.project.workspace_id, "private")
    assert (item.description, item.meta, item.custom_data) == (" d ", {"frame": 3}, {"k": [1]})
    assert (item.created_by_id, item.created_by, item.link, item.label_count) == (ana.id, ana.name, None, 0)
    assert item.mime is not None
    if data_type in {"images", "videos"}:
        assert (item.width or 0) > 0
    assert (item.frames is not None) == (data_type == "videos")
    assert "kind" not in item.facts
    async with db.reading() as tx:
        assert await media.get(tx, ana.actor, item.id) == item
        assert (await media.page(tx, ana.actor, dataset_id=shelf.dataset.id)).rows == [item]
        found = await media.file(tx, ana.actor, item.id)
    assert (found.size, found.sha256, found.name, found.mime) == (len(content), digest, name, item.mime)
    assert b"".join([piece async for piece in await blobs.stream(found.key)]) == content
    assert b"".join([piece async for piece in await blobs.stream(found.key, 3, 7)]) == content[3:7]
    assert await counts(shelf) == (1, len(content))


async def test_many_are_all_or_none_and_every_clash_is_named(shelf: Shelf):
    """A duplicate name: the clashing ids; nothing is half done."""
    a, b = await shelf.put("a.png", "b.png")
    digest = await shelf.sent(made.png())
    with pytest.raises(errors.NameTaken) as taken:
        await add(shelf, *(NewMedia(name, digest) for name in ("a.png", "new.png", "b.png")))
    assert taken.value.details == {"errors": [{"name": "a.png", "id": a.id}, {"name": "b.png", "id": b.id}]}
    with pytest.raises(errors.NameTaken) as taken:
        await add(shelf, *(NewMedia(name, digest) for name in ("x.png", "x.png")))
    assert taken.value.details == {"errors": [{"name": "x.png", "id": None}]}
    assert await listed(shelf) == (["a.png", "b.png"], 2)
    assert (await counts(shelf))[0] == 2
    (upper,) = await add(shelf, NewMedia("A.png", digest))
    assert upper.name == "A.png"


async def test_two_at_once_put_one_item_of_a_name(shelf: Shelf):
    digest = await shelf.sent(made.png())

    async def put() -> bool:
        try:
            await add(shelf, NewMedia("same.png", digest), NewMedia("other.png", digest))
        except errors.NameTaken:
            return False
        return True

    assert sorted(await asyncio.gather(*(put() for _ in range(4)))) == [False, False, False, True]
    assert (await counts(shelf))[0] == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "1 to 255"),
        ("   ", "blanks"),
        ("x" * 256, "1 to 255"),
        ("../../etc/passwd", "no path"),
        ("a/b.png", "no path"),
        ("a\\b.png", "no path"),
        ("..", "no path"),
        ("a\x00.png", "control"),
        ("a\n.png", "control"),
        ("\ud800.png", "control"),
        ("photo.jpg", "image/png"),
        ("photo.svg", "image/png"),
        ("photo.mp4", "image/png"),
    ],
)
async def test_names_that_an_item_can_not_have(shelf: Shelf, name: str, reason: str):
    """A path in a file name; a name that says another type than the content is."""
    digest = await shelf.sent(made.png())
    with pytest.raises(errors.Invalid, match=reason):
        await add(shelf, NewMedia("fine.png", digest), NewMedia(name, digest))
    (item,) = await shelf.put("fine.png")
    async with shelf.db.transaction() as tx:
        with pytest.raises(errors.Invalid, match=reason) as caught:
            await media.update(tx, shelf.actor, [MediaChanges(item.id, name=name)])
        assert caught.value.field == "name"


async def test_what_can_be_is_added_and_the_rest_named(db: Database, shelf: Shelf):
    """A corrupt, foreign or mislabelled file: the item is refused with the reason, the others of the batch stay."""
    (there,) = await shelf.put("there.png")
    good, cut = await shelf.sent(made.png(7)), await shelf.sent(made.png()[:100])
    video, svg = await shelf.sent(made.video()), await shelf.sent(made.SVG)
    new = [
        NewMedia("good.png", good),
        NewMedia("cut.png", cut),
        NewMedia("video.png", video),
        NewMedia("drawing.svg", svg),
        NewMedia("unknown.png", bytes(32)),
        NewMedia("there.png", good),
        NewMedia("good.jpg", good),
        NewMedia("nothing.png"),
        NewMedia("both.png", good, link="https://example.org/a.png"),
        NewMedia("link.png", link="ftp://example.org/a.png"),
        NewMedia("copy.png", copy_of=2**31 - 4),
        NewMedia("meta.png", good, meta={"a": "\0"}),
        NewMedia("meta.png", good, meta={"a": 2**70}),
        NewMedia("parent.png", good, parent_id=2**40),
        NewMedia("good.png", good),
        NewMedia("last.png", good),
    ]
    async with db.transaction() as tx:
        outcomes = await media.add_each(tx, shelf.actor, shelf.dataset.id, new)
    assert [isinstance(one, Media) for one in outcomes] == [True, *[False] * 14, True]
    reasons = [one.message for one in outcomes if isinstance(one, Refused)]
    for reason, expected in zip(
        reasons,
        (
            "breaks off", "a video", "SVG", "send it first", "already", "called .jpg", "one of them", "one of them",
            "http", "There is no item", "NUL", "64 bits", "made from", "too",
        ),
        strict=True,
    ):  # fmt: skip
        assert expected in reason
    clash = outcomes[5]
    assert isinstance(clash, Refused)
    assert (clash.index, clash.taken, clash.id) == (5, True, there.id)
    assert (await counts(shelf))[0] == 3
    with pytest.raises(errors.Invalid) as refused:
        await add(shelf, NewMedia("new.png", good), NewMedia("cut.png", cut), NewMedia("there.png", good))
    assert refused.value.field == "items"
    found = refused.value.details["errors"]
    assert isinstance(found, list)
    assert [one["index"] for one in found] == [1, 2]
    assert (await counts(shelf))[0] == 3


async def test_a_stream_of_a_video_is_an_item(db: Database, blobs: Blobs):
    shelf = await make_shelf(db, blobs, (await make_user(db)).actor, data_type="videos")
    digest = await shelf.sent(made.video(7))
    (item,) = await add(shelf, NewMedia("a.mp4", digest, facts={"stream": 0}))
    assert (item.frames, item.width) == (7, 32)
    with pytest.raises(errors.Invalid, match="no stream"):
        await add(shelf, NewMedia("b.mp4", digest, facts={"stream": 1}))


async def test_a_link_is_an_item_without_a_file(shelf: Shelf):
    facts = {"mime": "image/png", "width": 10, "height": 2**40}
    (item,) = await add(shelf, NewMedia("far.png", link="https://example.org/a.png?x=1", facts=facts))
    assert (item.link, item.sha256, item.mime) == ("https://example.org/a.png?x=1", None, "image/png")
    assert (item.width, item.height, item.size) == (10, None, None)
    async with shelf.db.reading() as tx:
        with pytest.raises(errors.FileNotFound) as elsewhere:
            await media.file(tx, shelf.actor, item.id)
        assert elsewhere.value.details == {"link": item.link}
        assert await media.files(tx, shelf.actor, [item.id, 99]) == []
    assert await counts(shelf) == (1, 0)


async def test_pages_in_every_order(shelf: Shelf):
    """By offset in all orders, by keyset in two; with a total."""
    names = [f"{letter}.png" for letter in "dacbe"]
    items = await shelf.put(*names)
    async with shelf.db.transaction() as tx:
        places = {items[0].id: 1.5, items[3].id: -2.0, items[4].id: 1.5}
        await media.set_custom_order(tx, shelf.actor, places)
    custom = [names[3], names[0], names[4], names[1], names[2]]
    orders: list[tuple[dict[str, Any], list[str]]] = [
        ({}, names),
        ({"descending": True}, names[::-1]),
        ({"sort": "name"}, sorted(names)),
        ({"sort": "name", "descending": True}, sorted(names)[::-1]),
        ({"sort": "custom"}, custom),
        ({"sort": "custom", "descending": True}, custom[::-1]),
        ({"sort": "created_at"}, names),
        ({"sort": "updated_at"}, names),
        ({"sort": "label_count"}, names),
        ({"names": ["a.png", "no", "\0"]}, ["a.png"]),
        ({"ids": [items[2].id, items[0].id, 2**40]}, ["d.png", "c.png"]),
        ({"kinds": ["video"]}, []),
    ]
    for asked, expected in orders:
        assert await listed(shelf, asked) == (expected, len(expected))
        assert await listed(shelf, asked | {"limit": 2, "offset": 1}) == (expected[1:3], len(expected))
    sizes = {item.name: item.size or 0 for item in items}
    assert await listed(shelf, {"sort": "size"}) == (
        sorted(names, key=lambda name: (sizes[name], names.index(name))),
        5,
    )
    for sort in ("id", "custom"):
        for descending in (False, True):
            whole, _ = await listed(shelf, {"sort": sort, "descending": descending})
            assert await walk(shelf, sort, descending=descending) == whole


async def walk(shelf: Shelf, sort: str, *, descending: bool) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        async with shelf.db.reading() as tx:
            page = await media.page(
                tx,
                shelf.actor,
                dataset_id=shelf.dataset.id,
                sort=sort,
                descending=descending,
                limit=2,
                cursor=cursor,
            )
        found += [item.name for item in page.rows]
        cursor = page.next
        if cursor is None:
            return found


async def test_pages_of_a_project_and_of_nested_datasets(shelf: Shelf):
    """S1-06, S1-14: the flat views go over all datasets."""
    inner = await shelf.folder("inner", shelf.dataset.id)
    other = await shelf.folder("other")
    await shelf.put("a.png")
    await shelf.put("a.png", dataset_id=inner.id)
    await shelf.put("b.png", dataset_id=other.id)
    assert await listed(shelf) == (["a.png"], 1)
    assert await listed(shelf, {"recursive": True}) == (["a.png", "a.png"], 2)
    assert await listed(shelf, {"dataset_id": None, "project_id": shelf.project.id}) == (["a.png", "a.png", "b.png"], 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "colour"},
        {"limit": 0},
        {"limit": 10**9},
        {"offset": -1},
        {"offset": 2**63},
        {"dataset_id": None},
        {"project_id": 1},
        {"cursor": "xyz"},
        {"cursor": "WyJ4IiwxXQ"},
        {"cursor": "WyIxLjAiLDFd", "sort": "name"},
    ],
)
async def test_pages_that_can_not_be(shelf: Shelf, wrong: dict[str, Any]):
    with pytest.raises(errors.Invalid):
        await listed(shelf, wrong)


async def test_items_are_changed(shelf: Shelf):
    a, b = await shelf.put("a.png", "b.png")
    async with shelf.db.transaction() as tx:
        changed = await media.update(
            tx,
            shelf.actor,
            [
                MediaChanges(a.id, name="new.png", description="d", meta={"k": 1}),
                MediaChanges(b.id, custom_data={"x": None}),
            ],
        )
    assert [(one.name, one.description, one.meta, one.custom_data) for one in changed] == [
        ("new.png", "d", {"k": 1}, {}),
        ("b.png", "", {}, {"x": None}),
    ]
    assert changed[0].updated_at > a.updated_at
    async with shelf.db.transaction() as tx:
        (kept,) = await media.update(tx, shelf.actor, [MediaChanges(a.id, description="e")])
        assert (kept.name, kept.meta) == ("new.png", {"k": 1})
        with pytest.raises(errors.NameTaken) as taken:
            await media.update(tx, shelf.actor, [MediaChanges(a.id, name="b.png")])
        assert taken.value.details == {"errors": [{"name": "b.png", "id": b.id}]}
        with pytest.raises(errors.NameTaken):
            await media.update(tx, shelf.actor, [MediaChanges(a.id, name="x.png"), MediaChanges(b.id, name="x.png")])
        with pytest.raises(errors.MediaNotFound) as missing:
            await media.update(tx, shelf.actor, [MediaChanges(a.id, description="x"), MediaChanges(2**31 - 2)])
        assert missing.value.details == {"item_ids": [2**31 - 2]}
        with pytest.raises(errors.Invalid):
            await media.update(tx, shelf.actor, [MediaChanges(a.id), MediaChanges(a.id)])
        with pytest.raises(errors.Invalid):
            await media.set_custom_order(tx, shelf.actor, {a.id: float("nan")})
    assert [name for name in await told_of(shelf.db, shelf.actor) if name.startswith("media.")] == [
        "media.added", "media.updated", "media.updated",
    ]  # fmt: skip


async def test_items_move_within_their_project(shelf: Shelf):
    target = await shelf.folder("target")
    a, b = await shelf.put("a.png", "b.png")
    (there,) = await shelf.put("b.png", dataset_id=target.id, first=9)
    async with shelf.db.transaction() as tx:
        with pytest.raises(errors.NameTaken) as taken:
            await media.move(tx, shelf.actor, [a.id, b.id], target.id)
        assert taken.value.details == {"errors": [{"name": "b.png", "id": there.id}]}
    async with shelf.db.transaction() as tx:
        moved = await media.move(tx, shelf.actor, [a.id, there.id], target.id)
        assert [(one.id, one.dataset_id) for one in moved] == [(a.id, target.id), (there.id, target.id)]
    assert await listed(shelf) == (["b.png"], 1)
    assert (await counts(shelf), (await counts(shelf, target.id))[0]) == ((1, b.size), 2)
    (again_,) = await shelf.put("a.png")
    assert again_.id != a.id
    other = await make_shelf(shelf.db, shelf.blobs, shelf.actor)
    async with shelf.db.transaction() as tx:
        with pytest.raises(errors.Invalid) as caught:
            await media.move(tx, shelf.actor, [b.id], other.dataset.id)
        assert caught.value.field == "dataset"
        with pytest.raises(errors.DatasetNotFound):
            await media.move(tx, shelf.actor, [b.id], 2**31 - 2)


async def test_items_are_copied_also_into_another_account(db: Database, blobs: Blobs, shelf: Shelf):
    """Afterwards the other account knows the file by itself."""
    target = await shelf.folder("target")
    (a,) = await add(shelf, NewMedia("a.png", await shelf.sent(made.png(3)), meta={"m": 1}, description="d"))
    async with db.transaction() as tx:
        (first,) = await media.copy(tx, shelf.actor, [a.id], target.id)
        (second,) = await media.copy(tx, shelf.actor, [a.id], target.id, names={a.id: "x.png"})
    assert [first.name, second.name] == ["a.png", "x.png"]
    assert (first.sha256, first.meta, first.description, first.width) == (a.sha256, {"m": 1}, "d", a.width)
    admin = await make_user(db)
    org = await make_organization(db, admin)
    admin = await again(db, admin)
    async with db.transaction() as tx:
        place = await workspaces.first(tx, admin.actor, org.id)
        project = await media_projects.create(tx, admin.actor, place.id, "p", "images")
        dataset = await datasets.create(tx, admin.actor, project.id, "d")
    both = replace(shelf.actor, roles={**shelf.actor.roles, org.id: Role.MEMBER})
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid, match="not known"):
            await media.copy(tx, both, [a.id], dataset.id)
        with pytest.raises(errors.Invalid, match="There is no item"):
            await media.copy(tx, admin.actor, [a.id], dataset.id)
    await media_files.share(db, blobs, admin.actor, [a.id], org.id)  # he does not read it: nothing is shared
    async with db.reading() as tx:
        assert await media_files.facts(tx, both, org.id, [a.sha256 or b""]) == []
    await media_files.share(db, blobs, both, [a.id], org.id)
    async with db.transaction() as tx:
        (there,) = await media.copy(tx, both, [a.id], dataset.id)
        assert there.owner_id == org.id
        assert await media_files.known(tx, both, org.id, [a.sha256 or b""]) == [a.sha256]
        found = await media.file(tx, admin.actor, there.id)
    assert b"".join([piece async for piece in await blobs.stream(found.key)]) == made.png(3)


async def test_items_go_into_the_trash_and_come_back(shelf: Shelf):
    a, b = await shelf.put("a.png", "b.png")
    async with shelf.db.transaction() as tx:
        (gone,) = await media.mark_removed(tx, shelf.actor, [a.id])
    assert (gone.id, gone.kind, gone.dataset_id) == (a.id, "image", shelf.dataset.id)
    assert await listed(shelf) == (["b.png"], 1)
    assert await counts(shelf) == (1, b.size)
    async with shelf.db.transaction() as tx:
        with pytest.raises(errors.MediaNotFound):
            await media.get(tx, shelf.actor, a.id)
        with pytest.raises(errors.MediaNotFound):
            await media.mark_removed(tx, shelf.actor, [b.id, a.id])
        with pytest.raises(errors.MediaNotFound):
            await media.mark_restored(tx, shelf.actor, [b.id])
    (new,) = await shelf.put("a.png", first=4)
    async with shelf.db.transaction() as tx:
        with pytest.raises(errors.NameTaken) as taken:
            await media.mark_restored(tx, shelf.actor, [a.id])
        assert taken.value.details == {"errors": [{"name": "a.png", "id": new.id}]}
        await media.update(tx, shelf.actor, [MediaChanges(new.id, name="c.png")])
        await media.mark_restored(tx, shelf.actor, [a.id])
    assert await listed(shelf) == (["a.png", "b.png", "c.png"], 3)
    assert await counts(shelf) == (3, sum(item.size or 0 for item in (a, b, new)))


async def test_tens_of_thousands_in_one_call(shelf: Shelf):
    ids = await put_rows(shelf.db, shelf, 12_000)
    assert ids == sorted(ids)
    assert (await counts(shelf))[0] == 12_000
    async with shelf.db.transaction() as tx:
        page = await media.page(tx, shelf.actor, dataset_id=shelf.dataset.id, limit=10_000)
        assert ([item.id for item in page.rows], page.total) == (ids[:10_000], 12_000)
        changed = await media.update(tx, shelf.actor, [MediaChanges(number, description="x") for number in ids])
        assert len(changed) == 12_000
        assert len(await media.mark_removed(tx, shelf.actor, ids[:11_000])) == 11_000
    assert (await counts(shelf))[0] == 1000
    async with shelf.db.reading() as tx:
        with pytest.raises(errors.Invalid, match="At most"):
            await media.add(tx, shelf.actor, shelf.dataset.id, [NewMedia("x")] * 50_001)


async def test_slices_of_a_volume(db: Database, blobs: Blobs, shelf: Shelf):
    volumes = await make_shelf(db, blobs, shelf.actor, data_type="volumes")
    (volume,) = await volumes.put("v.nrrd")
    (image,) = await shelf.put("a.png")
    known = await volumes.sent(made.png(8))
    async with db.transaction() as tx:
        cut = [("0,0,1", number, known) for number in range(100)]
        assert await media.add_slices(tx, shelf.actor, volume.id, cut) == 100
        assert await media.add_slices(tx, shelf.actor, volume.id, cut) == 100
        with pytest.raises(errors.Invalid, match="send it first"):
            await media.add_slices(tx, shelf.actor, volume.id, [("0,0,1", 1, bytes(32))])
        with pytest.raises(errors.Invalid):
            await media.add_slices(tx, shelf.actor, volume.id, [("0,0,1", 2**40, known)])
        with pytest.raises(errors.MediaNotFound):
            await media.add_slices(tx, shelf.actor, image.id, cut)


async def test_a_stranger_sees_and_changes_nothing(db: Database, shelf: Shelf):
    (item,) = await shelf.put("a.png")
    for actor in ((await make_user(db)).actor, anonymous("test")):
        async with db.transaction() as tx:
            assert await media.get_many(tx, actor, [item.id]) == []
            for verb in (
                media.get(tx, actor, item.id),
                media.file(tx, actor, item.id),
                media.update(tx, actor, [MediaChanges(item.id, name="x.png")]),
                media.set_custom_order(tx, actor, {item.id: 1}),
                media.mark_removed(tx, actor, [item.id]),
            ):
                with pytest.raises(errors.MediaNotFound):
                    await verb
            for verb in (
                media.page(tx, actor, dataset_id=shelf.dataset.id),
                media.add(tx, actor, shelf.dataset.id, []),
            ):
                with pytest.raises(errors.DatasetNotFound):
                    await verb


async def test_an_annotator_sees_what_his_jobs_hand_him_and_nothing_else(db: Database, blobs: Blobs):
    """Story A: he reads the item, its dataset, its project and its file; no other one, in no list and no count."""
    admin, anna = await make_user(db), await make_user(db, "annotator")
    org = await make_organization(db, admin)
    await join(db, org, anna, Role.ANNOTATOR)
    admin, anna = await again(db, admin), await again(db, anna)
    shelf = await make_shelf(db, blobs, admin.actor, account_id=org.id)
    hidden = await shelf.folder("hidden")
    seen, unseen = await shelf.put("seen.png", "unseen.png")
    await shelf.put("x.png", dataset_id=hidden.id)
    async with db.reading() as tx:
        with pytest.raises(errors.MediaNotFound):
            await media.get(tx, anna.actor, seen.id)
    await give(db, shelf.project.id, anna.id, seen.id)
    async with db.transaction() as tx:
        assert (await media.get(tx, anna.actor, seen.id)).id == seen.id
        assert (await media.file(tx, anna.actor, seen.id)).sha256 == seen.sha256
        assert [one.id for one in await media.get_many(tx, anna.actor, [seen.id, unseen.id])] == [seen.id]
        page = await media.page(tx, anna.actor, dataset_id=shelf.dataset.id)
        assert ([item.id for item in page.rows], page.total) == ([seen.id], 1)
        page = await media.page(tx, anna.actor, project_id=shelf.project.id)
        assert ([item.id for item in page.rows], page.total) == ([seen.id], 1)
        assert (await datasets.get(tx, anna.actor, shelf.dataset.id)).name == "ds"
        rows, total = await datasets.page(tx, anna.actor, shelf.project.id)
        assert ([row.id for row in rows], total) == ([shelf.dataset.id], 1)
        assert [p.id for p in (await media_projects.page(tx, anna.actor, account_id=org.id))[0]] == [shelf.project.id]
        assert [w.account_id for w in await workspaces.list_workspaces(tx, anna.actor, org.id)] == [org.id]
        with pytest.raises(errors.DatasetNotFound):
            await datasets.get(tx, anna.actor, hidden.id)
        with pytest.raises(errors.Forbidden):
            await media.update(tx, anna.actor, [MediaChanges(seen.id, name="mine.png")])
        for dataset, error in ((shelf.dataset, errors.Forbidden), (hidden, errors.DatasetNotFound)):
            with pytest.raises(error):
                await media.add(tx, anna.actor, dataset.id, [NewMedia("x.png", seen.sha256)])
    own = await make_shelf(db, blobs, anna.actor)
    await media_files.share(db, blobs, anna.actor, [seen.id], anna.id)
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid, match="work on it"):
            await media.copy(tx, anna.actor, [seen.id], own.dataset.id)
        elsewhere = replace(anna.actor, bound_to=anna.id)
        with pytest.raises(errors.MediaNotFound):
            await media.get(tx, elsewhere, seen.id)
        assert (await media.get(tx, replace(anna.actor, bound_to=org.id), seen.id)).id == seen.id


async def give(db: Database, project_id: int, user_id: int, item_id: int) -> None:
    """Make a queue on a collection, with a job of a user's that holds an item."""
    async with db.transaction() as tx:
        cursor = await tx.connection.execute(
            "insert into queues (project_id, source, collection_id, name) values (%s, 'collection', 1, 'q')"
            " returning id",
            (project_id,),
        )
        (queue_id,) = await cursor.fetchone() or (0,)
        cursor = await tx.connection.execute(
            "insert into jobs (queue_id, user_id, part, name) values (%s, %s, 'annotate', 'j') returning id",
            (queue_id, user_id),
        )
        (job_id,) = await cursor.fetchone() or (0,)
        await tx.connection.execute(
            "insert into work (queue_id, item_id, status, job_id, labeler_id) values (%s, %s, 'held', %s, %s)",
            (queue_id, item_id, job_id, user_id),
        )
