"""What a queue lets its labelers draw (some classes, so many figures and tags): when they save, and hand in."""

from __future__ import annotations

from typing import Any

import pytest

from factories.queues import Crew, job_of, make_crew
from pinakes.server import errors
from pinakes.server.actor import Actor
from pinakes.server.db import Database
from pinakes.server.labeling import annotations as labels, claiming, classes, figures, jobs, review, tagging, tags
from pinakes.server.labeling.label_types import (
    FigureChanges,
    NewAnnotation,
    NewClass,
    NewFigure,
    NewLabel,
    NewTag,
    NewTagged,
    NewTagging,
)
from pinakes.server.labeling.queue_types import NewJobs, Queue, QueueSettings

BOX: dict[str, Any] = {"points": {"exterior": [[1, 2], [30, 40]], "interior": []}}


@pytest.fixture(scope="module")
async def crew(db: Database) -> Crew:
    made = await make_crew(db)
    async with db.transaction() as tx:
        await classes.add(tx, made.admin, made.project_id, [NewClass(name) for name in ("road", "car", "bus")])
        await tags.add(tx, made.admin, made.project_id, [NewTag("night"), NewTag("rain")])
    return made


def drawn(*names: str) -> list[NewLabel]:
    return [NewLabel("rectangle", BOX, name) for name in names]


async def begun(crew: Crew, **settings: Any) -> tuple[Queue, int, int]:  # noqa: ANN401 - the settings of a queue
    """A queue over one item, which the first labeler has."""
    asked = QueueSettings(**settings)
    queue = await crew.queue(collection_id=await crew.selection(await crew.images(1)), settings=asked)
    job = job_of(queue, crew.labelers[0])
    async with crew.db.transaction() as tx:
        given = await claiming.next_item(tx, crew.labelers[0], job)
    assert given is not None
    return queue, job, given.item_id


async def put(crew: Crew, item: int, new: list[NewLabel], person: Actor | None = None, *names: str) -> list[int]:
    async with crew.db.changing() as tx:
        annotation = NewAnnotation(item, new, [NewTagging(name) for name in names])
        return (await labels.put(tx, person or crew.labelers[0], [annotation]))[0].figure_ids


async def there(crew: Crew, item: int) -> list[str]:
    async with crew.db.reading() as tx:
        return [one.class_name for one in (await labels.get(tx, crew.manager, item)).figures]


@pytest.mark.parametrize(
    ("settings", "fine", "wrong", "field"),
    [
        ({"classes": ["road"]}, ["road", "road"], ["road", "car"], "annotations[0].labels[1].class"),
        ({"figures_limit": 2}, ["car", "bus"], ["car", "bus", "car"], "annotations[0].labels[2]"),
        ({"classes": ["road", "car"], "figures_limit": 1}, ["car"], ["bus"], "annotations[0].labels[0].class"),
    ],
    ids=["classes", "figures", "both"],
)
async def test_saving(crew: Crew, settings: dict[str, Any], fine: list[str], wrong: list[str], field: str) -> None:
    """What goes beyond is refused and named, and nothing of it is kept; alone, among others, and figure by figure."""
    labeler = crew.labelers[0]
    _, job, item = await begun(crew, **settings)
    await put(crew, item, drawn(*fine))
    with pytest.raises(errors.Invalid, match=f"Item {item} was given out") as caught:
        await put(crew, item, drawn(*wrong))
    assert caught.value.field == field
    async with crew.db.changing() as tx:
        (saved,) = await labels.put(tx, labeler, [NewAnnotation(item, drawn(*wrong))], atomic=False)
        assert isinstance(saved.error, errors.Invalid)
    with pytest.raises(errors.Invalid, match="was given out"):
        async with crew.db.transaction() as tx:
            await figures.add(tx, labeler, [NewFigure(item, one) for one in drawn(*wrong)])
    assert await there(crew, item) == fine
    async with crew.db.transaction() as tx:
        assert (await claiming.submit(tx, labeler, job, [item]))[0].state == "done"
        assert (await claiming.submit(tx, labeler, job, [item]))[0].state == "done"


async def test_one_of_two_annotations_goes_beyond(crew: Crew) -> None:
    """Each by itself: the other is saved. All or none: neither is."""
    settings = QueueSettings(classes=["road"])
    queue = await crew.queue(collection_id=await crew.selection(await crew.images(2)), settings=settings)
    labeler = crew.labelers[0]
    items: list[int] = []
    for _ in range(2):
        async with crew.db.transaction() as tx:
            given = await claiming.next_item(tx, labeler, job_of(queue, labeler))
            assert given is not None
            items.append(given.item_id)
            await claiming.submit(tx, labeler, job_of(queue, labeler), [given.item_id])
    async with crew.db.transaction() as tx:
        await review.reject(tx, crew.reviewers[0], job_of(queue, crew.reviewers[0]), items)
    new = [NewAnnotation(items[0], drawn("car")), NewAnnotation(items[1], drawn("road"))]
    with pytest.raises(errors.Invalid) as caught:
        async with crew.db.changing() as tx:
            await labels.put(tx, labeler, new)
    assert caught.value.field == "annotations[0].labels[0].class"
    assert [await there(crew, item) for item in items] == [[], []]
    async with crew.db.changing() as tx:
        refused, saved = await labels.put(tx, labeler, new, atomic=False)
    assert (isinstance(refused.error, errors.Invalid), saved.error) == (True, None)
    assert [await there(crew, item) for item in items] == [[], ["road"]]


async def test_tags_and_changed_classes(crew: Crew) -> None:
    """So many tags on an item, however they come there; and a figure does not become one of another class."""
    labeler = crew.labelers[0]
    _, _, item = await begun(crew, tags_limit=1, classes=["road"])
    (figure,) = await put(crew, item, drawn("road"), None, "night")
    with pytest.raises(errors.Invalid, match="at most 1 tags; it has 2") as caught:
        await put(crew, item, drawn("road"), None, "night", "rain")
    assert caught.value.field == "annotations[0].tags"
    with pytest.raises(errors.Invalid, match="at most 1 tags"):
        async with crew.db.transaction() as tx:
            await tagging.add(tx, labeler, [NewTagged("rain", item_id=item)])
    with pytest.raises(errors.Invalid, match="'bus'"):
        async with crew.db.transaction() as tx:
            await figures.edit(tx, labeler, figure, FigureChanges(class_name="bus"))
    assert await there(crew, item) == ["road"]


async def test_what_others_drew_may_stay(crew: Crew) -> None:
    """Labels of before, of whatever class and however many: he saves around them; he adds none of his own beyond."""
    _, job, item = await begun(crew, classes=["road"], figures_limit=1)
    kept = await put(crew, item, drawn("car", "bus"), crew.manager)
    same = [NewLabel("rectangle", BOX, name, id=number) for name, number in zip(("car", "bus"), kept, strict=True)]
    assert await put(crew, item, same) == kept
    with pytest.raises(errors.Invalid, match="at most 1 figures; it has 3"):
        await put(crew, item, [*same, *drawn("road")])
    async with crew.db.transaction() as tx:
        assert (await claiming.submit(tx, crew.labelers[0], job, [item]))[0].state == "done"


async def test_classes_made_later(crew: Crew) -> None:
    """They count where the queue says so; else not."""
    for dynamic in (True, False):
        _, _, item = await begun(crew, classes=["road"], dynamic_classes=dynamic)
        name = f"made-later-{dynamic}"
        async with crew.db.transaction() as tx:
            await classes.add(tx, crew.admin, crew.project_id, [NewClass(name)])
        if dynamic:
            await put(crew, item, drawn(name))
        else:
            with pytest.raises(errors.Invalid, match=name):
                await put(crew, item, drawn(name))


async def test_who_is_not_limited(crew: Crew) -> None:
    """A manager labels as he likes, and hands in for others; who labels elsewhere is not held to this queue."""
    queue, job, item = await begun(crew, classes=["road"])
    await put(crew, item, drawn("car"), crew.manager)
    assert await there(crew, item) == ["car"]
    await crew.run("update figures set created_by = %s where item_id = %s", crew.labelers[0].user_id, item)
    with pytest.raises(errors.Invalid, match="'car'") as caught:
        async with crew.db.transaction() as tx:
            await claiming.submit(tx, crew.labelers[0], job, [item])
    assert caught.value.field == "item_id"
    async with crew.db.transaction() as tx:
        assert (await claiming.submit(tx, crew.manager, job, [item]))[0].state == "done"
    reviewer = crew.reviewers[0]
    async with crew.db.transaction() as tx:
        assert await claiming.next_item(tx, reviewer, job_of(queue, reviewer)) is not None
    await put(crew, item, drawn("bus"), reviewer)


async def test_jobs_without_a_queue(crew: Crew) -> None:
    labeler = crew.labelers[0]
    assert labeler.user_id is not None
    dataset = await crew.dataset()
    (item,) = await crew.images(1, dataset)
    async with crew.db.transaction() as tx:
        settings = QueueSettings(classes=["road"], figures_limit=1)
        (job,) = await jobs.create(tx, crew.manager, NewJobs(dataset, [labeler.user_id], "Direct", settings=settings))
    with pytest.raises(errors.Invalid, match="'car'"):
        await put(crew, item, drawn("car"))
    await put(crew, item, drawn("road"))
    async with crew.db.transaction() as tx:
        assert (await review.set_status(tx, labeler, job.id, item, "done")).state == "done"
