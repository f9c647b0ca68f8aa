"""Who sees and changes labels: by a role, or because a job of his is at work on the item."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from factories.labels import Lab, box, give, make_lab
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope, anonymous
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media
from pinakes.server.catalog.media_arriving import add_files
from pinakes.server.catalog.media_types import NewMedia
from pinakes.server.db import Database, Tx
from pinakes.server.labeling import access, annotations as labels, figures, meta, objects, tagging
from pinakes.server.labeling.label_types import FigureChanges, NewAnnotation, NewFigure, NewTagged, NewTagging

Do = Callable[[Tx], Awaitable[object]]


async def outcome(db: Database, do: Do) -> str:
    """What a verb says: "ok", or the name of its error."""
    try:
        async with db.transaction() as tx:
            await do(tx)
    except errors.PinakesError as error:
        return type(error).__name__
    return "ok"


async def all_of(lab: Lab, actor: Actor) -> list[str]:
    """What each verb says to somebody."""
    item = lab.items[0]
    saved = await lab.put(NewAnnotation(item, [box()], [NewTagging("seen")]))
    figure = saved.figure_ids[0]
    tag = (await lab.get(item)).tags[0].id
    verbs: list[Do] = [
        lambda tx: labels.get(tx, actor, item),
        lambda tx: figures.get(tx, actor, figure),
        lambda tx: figures.history(tx, actor, figure),
        lambda tx: tagging.get(tx, actor, tag),
        lambda tx: labels.put(tx, actor, [NewAnnotation(item, [box(id=figure)], [NewTagging("seen")])]),
        lambda tx: figures.add(tx, actor, [NewFigure(item, box())]),
        lambda tx: figures.edit(tx, actor, figure, FigureChanges(description="x")),
        lambda tx: tagging.add(tx, actor, [NewTagged("count", item_id=item, value=1)]),
        lambda tx: tagging.set_frames(tx, actor, tag, 1, 2),
    ]
    return [await outcome(lab.db, verb) for verb in verbs]


async def test_roles_read_and_label(db: Database):
    """The permission label:write: managers, members and admins."""
    lab, other = await make_lab(db, items=1), await make_lab(db, items=1)
    for role in (Role.MANAGER, Role.MEMBER, Role.ADMIN):
        assert set(await all_of(lab, await lab.worker(role))) == {"ok"}
    for role in (Role.VIEWER, Role.RESTRICTED_VIEWER):
        assert await all_of(lab, await lab.worker(role)) == ["ok"] * 4 + ["Forbidden"] * 5
    assert await all_of(lab, replace(lab.actor, scope=Scope.READ)) == ["ok"] * 4 + ["ScopeTooNarrow"] * 5
    missing = ["MediaNotFound", "LabelNotFound", "LabelNotFound", "LabelNotFound", "MediaNotFound", "MediaNotFound"]
    missing += ["LabelNotFound", "MediaNotFound", "LabelNotFound"]
    assert await all_of(lab, other.actor) == missing
    assert await all_of(lab, await lab.worker(Role.ANNOTATOR)) == missing
    assert await all_of(lab, await lab.worker(Role.REVIEWER)) == missing
    assert await all_of(lab, anonymous("test")) == missing
    assert await all_of(lab, replace(lab.actor, bound_to=other.account_id)) == missing
    public = await make_lab(db, items=1, visibility="public")
    assert await all_of(public, anonymous("test")) == ["ok"] * 4 + ["Unauthenticated"] * 5


@pytest.mark.parametrize(
    ("part", "status", "labels_too"),
    [
        ("annotate", "held", True),
        ("annotate", "rejected", True),
        ("annotate", "done", False),
        ("annotate", "accepted", False),
        ("review", "done", True),
        ("review", "checked", True),
        ("review", "accepted", False),
    ],
)
async def test_an_annotator_sees_and_labels_what_his_job_holds(db: Database, part: str, status: str, labels_too: bool):
    """Contract 9.3: with his own token he reads the item and the meta, and saves its annotation; nothing else."""
    lab = await make_lab(db, items=2)
    ann = await lab.worker()
    item = lab.items[0]
    await give(lab, ann, item, part=part, status=status)
    assert await all_of(lab, ann) == ["ok"] * 4 + ["ok" if labels_too else "Forbidden"] * 5
    narrow = replace(ann, scope=Scope.READ)
    assert await all_of(lab, narrow) == ["ok"] * 4 + ["ScopeTooNarrow"] * 5
    await lab.put(NewAnnotation(lab.items[1], [box()]))
    async with db.reading() as tx:
        assert len((await meta.get(tx, ann, lab.project_id)).classes) == 3
        assert {one.item_id for one in (await figures.page(tx, ann, dataset_id=lab.dataset_id)).rows} == {item}
        shown = (await figures.page(tx, ann, item_ids=lab.items)).rows
        assert {one.item_id for one in shown} == {item}
        assert await figures.count(tx, ann, dataset_id=lab.dataset_id) == len(shown)
        assert [one.item_id for one in (await labels.page(tx, ann, lab.dataset_id)).rows] == [item]
        assert await labels.count(tx, ann, lab.dataset_id) == 1
        assert [right.item_id for right in await access.visible(tx, ann, lab.items)] == [item]
        assert [one.item_id for one in await labels.get_many(tx, ann, lab.items, missing_ok=True)] == [item]


async def test_an_annotator_puts_nothing_into_the_dataset_that_he_sees(db: Database, blobs: Blobs):
    """To whom no job shows it, the dataset is not there."""
    lab = await make_lab(db, items=1)
    ann, idle = await lab.worker(), await lab.worker()
    await give(lab, ann, lab.items[0])
    new = [NewMedia("x.png", link="https://example.org/x.png")]
    for actor, error in ((ann, "Forbidden"), (idle, "DatasetNotFound")):
        for verb in (media.add, media.add_each):
            assert await outcome(db, lambda tx, who=actor, do=verb: do(tx, who, lab.dataset_id, new)) == error
        assert await outcome(db, lambda tx, who=actor: media.copy(tx, who, lab.items, lab.dataset_id)) == error
        assert await outcome(db, lambda _, who=actor: add_files(db, blobs, who, lab.dataset_id, [])) == error


async def test_what_left_the_queue_is_seen_no_more(db: Database):
    lab = await make_lab(db, items=1)
    ann = await lab.worker()
    queue = await give(lab, ann, lab.items[0])
    await lab.do("update work set present = false where queue_id = %s", queue)
    assert set(await all_of(lab, ann)) == {"MediaNotFound", "LabelNotFound"}
    await lab.do("update work set present = true where queue_id = %s", queue)
    assert set(await all_of(lab, ann)) == {"ok"}
    out = replace(ann, roles={key: role for key, role in ann.roles.items() if key != lab.account_id})
    assert set(await all_of(lab, out)) == {"MediaNotFound", "LabelNotFound"}
    await lab.do("update jobs set archived_at = now() where queue_id = %s", queue)
    assert set(await all_of(lab, ann)) == {"MediaNotFound", "LabelNotFound"}


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.MEMBER])
async def test_in_a_blind_queue_everybody_sees_and_replaces_his_own(db: Database, role: Role):
    lab = await make_lab(db, items=2)
    item = lab.items[0]
    await lab.put(NewAnnotation(item, [box(), box(left=3)], [NewTagging("seen")]))
    await lab.put(NewAnnotation(lab.items[1], [box()]))
    ann, ben = await lab.worker(role), await lab.worker(role)
    queue = await give(lab, ann, item, blind=True)
    await give(lab, ben, item, blind=True)
    mine = await lab.put(NewAnnotation(item, [box(left=7)], [NewTagging("seen"), NewTagging("count", 1)]), ann)
    his = await lab.put(NewAnnotation(item, [box(left=8), box(left=9)], [NewTagging("count", 2)]), ben)
    assert await lab.count(item) == 5
    for actor, ids, said in ((ann, mine.figure_ids, ["seen", "count"]), (ben, his.figure_ids, ["count"])):
        found = await lab.get(item, actor)
        assert [one.id for one in found.figures] == ids
        assert sorted(tag.name for tag in found.tags) == sorted(said)
        async with db.reading() as tx:
            assert [one.id for one in (await figures.page(tx, actor, item_ids=[item])).rows] == ids
            listed = (await figures.page(tx, actor, dataset_id=lab.dataset_id)).rows
            assert [one.id for one in listed if one.item_id == item] == ids
            assert await figures.count(tx, actor, dataset_id=lab.dataset_id) == len(listed)
            assert await figures.count(tx, actor, item_ids=[item]) == len(ids)
            assert [one.id for one in await figures.get_many(tx, actor, [*mine.figure_ids, *his.figure_ids])] == ids
            assert len((await tagging.of_items(tx, actor, [item]))[item]) == len(said)
            assert [right.item_id for right in await access.visible(tx, actor, lab.items) if right.only_own] == [item]
    async with db.transaction() as tx:
        with pytest.raises(errors.LabelNotFound):
            await figures.edit(tx, ann, his.figure_ids[0], FigureChanges(description="x"))
        assert await figures.remove(tx, ann, his.figure_ids) == 0
        tag = next(
            tag for tag in (await tagging.of_items(tx, lab.actor, [item]))[item] if tag.created_by == ben.user_id
        )
        assert await tagging.remove_from_items(tx, ann, [tag.tag_id], [item]) == 1
        with pytest.raises(errors.LabelNotFound):
            await tagging.get(tx, ann, tag.id)
        assert await tagging.remove(tx, ann, [tag.id]) == 0
    await lab.put(NewAnnotation(item), ann)
    assert await lab.count(item) == 4
    assert len((await lab.get(item)).figures) == 4
    await lab.do("update work set status = 'accepted' where queue_id = %s", queue)
    assert len((await lab.get(item, ann)).figures) == (0 if role == Role.ANNOTATOR else 4)


async def test_a_reviewer_of_a_blind_queue_sees_all(db: Database):
    lab = await make_lab(db, items=1)
    await lab.put(NewAnnotation(lab.items[0], [box(), box(left=3)]))
    eve = await lab.worker(Role.REVIEWER)
    await give(lab, eve, lab.items[0], part="review", status="done", blind=True)
    assert len((await lab.get(lab.items[0], eve)).figures) == 2


async def test_saving_extends_a_lease_that_is_still_his(db: Database):
    lab = await make_lab(db, items=1)
    ann = await lab.worker()
    queue = await give(lab, ann, lab.items[0])

    async def left() -> float:
        return await lab.ask(
            "select extract(epoch from lease_until - now())::float8 from work where queue_id = %s", queue
        )

    assert await left() < 61
    await lab.put(NewAnnotation(lab.items[0], [box()]), ann)
    assert await left() > 1700
    await lab.do("update work set lease_until = now() + interval '1 minute' where queue_id = %s", queue)
    await lab.put(NewAnnotation(lab.items[0], [box()]))
    assert await left() < 61
    verbs: list[Do] = [
        lambda tx: figures.add(tx, ann, [NewFigure(lab.items[0], box())]),
        lambda tx: tagging.add(tx, ann, [NewTagged("seen", item_id=lab.items[0])]),
    ]
    for verb in verbs:
        await lab.do("update work set lease_until = now() + interval '1 minute' where queue_id = %s", queue)
        assert await outcome(db, verb) == "ok"
        assert await left() > 1700
    for verb in (*verbs, lambda tx: labels.put(tx, ann, [NewAnnotation(lab.items[0], [box()])])):
        await lab.do("update work set lease_until = now() - interval '1 second' where queue_id = %s", queue)
        assert await outcome(db, verb) == "ok"
        assert await left() > 1700, "nobody took it: it is still his"
    ben = await lab.worker()
    await lab.do("update work set lease_until = now() - interval '1 second' where queue_id = %s", queue)
    await lab.do("update jobs set user_id = %s where queue_id = %s", ben.user_id, queue)
    await lab.do("update work set labeler_id = %s where queue_id = %s", ben.user_id, queue)
    with pytest.raises(errors.MediaNotFound):
        await lab.put(NewAnnotation(lab.items[0], [box()]), ann)
    assert await left() < 0, "somebody else took it"


async def test_objects_of_a_dataset_are_shared_by_who_works_there(db: Database):
    from pinakes.server.labeling.label_types import NewObject

    lab = await make_lab(db, items=2, data_type="point_clouds")
    ann, viewer = await lab.worker(), await lab.worker(Role.VIEWER)
    adding: Do = lambda tx: objects.add(tx, ann, lab.dataset_id, [NewObject("car")])  # noqa: E731
    assert await outcome(db, adding) == "DatasetNotFound"
    await give(lab, ann, lab.items[0])
    async with db.transaction() as tx:
        (made,) = await objects.add(tx, ann, lab.dataset_id, [NewObject("car")])
        with pytest.raises(errors.MediaNotFound):
            await objects.add(tx, ann, lab.dataset_id, [NewObject("car", item_id=lab.items[1])])
        assert [one.id for one in (await objects.page(tx, ann, dataset_id=lab.dataset_id)).rows] == [made]
        assert (await objects.get(tx, viewer, made)).labeler == ann.name
        with pytest.raises(errors.Forbidden):
            await objects.add(tx, viewer, lab.dataset_id, [NewObject("car")])
        with pytest.raises(errors.Forbidden):
            await objects.remove(tx, viewer, [made])
        assert await tagging.add(tx, ann, [NewTagged("seen", object_id=made)])
