"""What who only works on items must not learn, and what must not be lost when things change under a queue."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from factories.people import make_user, told_of
from factories.queues import Crew, job_of, make_crew, with_role
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import datasets, media, media_files, media_projects, thumbnails, workspaces
from pinakes.server.collections import checks, combining, selections
from pinakes.server.db import Database
from pinakes.server.events import service as events
from pinakes.server.labeling import (
    annotations as labels,
    claiming,
    classes,
    jobs,
    objects,
    queue_items,
    queues,
    review,
    statistics,
    tags,
)
from pinakes.server.labeling.label_types import NewAnnotation, NewClass, NewLabel, NewObject, TagChanges
from pinakes.server.labeling.queue_types import ItemTag, NewJobs, Queue, QueueSettings
from pinakes.server.search import items as everywhere, language, live, media as listing

BOX = {"points": {"exterior": [[1, 2], [30, 40]], "interior": []}}


@pytest.fixture
async def crew(db: Database) -> Crew:
    return await make_crew(db)


async def pull(crew: Crew, queue: Queue, person: Actor, part: str = "annotate") -> int | None:
    async with crew.db.changing() as tx:
        given = await claiming.next_item(tx, person, job_of(queue, person, part))
    return None if given is None else given.item_id


async def submit(crew: Crew, queue: Queue, person: Actor, item: int) -> None:
    async with crew.db.changing() as tx:
        await claiming.submit(tx, person, job_of(queue, person), [item])


async def car(crew: Crew) -> int:
    async with crew.db.transaction() as tx:
        return (await classes.add(tx, crew.admin, crew.project_id, [NewClass("car", "rectangle")]))[0].id


async def draw(crew: Crew, actor: Actor, item: int, count: int) -> None:
    async with crew.db.changing() as tx:
        boxes = [NewLabel("rectangle", BOX, class_name="car") for _ in range(count)]
        await labels.put(tx, actor, [NewAnnotation(item, boxes)])


# ----------------------------------------------------------------------------------------------------------------------
# Nothing is lost
# ----------------------------------------------------------------------------------------------------------------------


async def aged(crew: Crew, collection: int) -> None:
    await crew.run(
        "update live_collections set refreshed_at = now() - interval '1 h' where collection_id = %s", collection
    )


async def test_a_queue_over_a_live_collection_gives_out_what_its_query_finds_now(crew: Crew) -> None:
    """Counts, the list and the next item are those of the query's answer now, though nobody read the collection."""
    first = await crew.images(1)
    selection = await crew.selection()
    async with crew.db.transaction() as tx:
        address = (await selections.get(tx, crew.admin, selection)).public_id
        await live.start(tx, crew.admin, address, query="name:image")
    queue = await crew.queue(collection_id=selection)
    anna, ben = crew.labelers
    assert await pull(crew, queue, anna) == first[0]
    more = await crew.images(2)
    await aged(crew, selection)
    async with crew.db.reading() as tx:
        assert (await queues.counts(tx, crew.manager, queue.id)).entities == 3
        found = await queue_items.of_queue(tx, crew.manager, queue.id)
    assert sorted(one.item_id for one in found.rows) == [*first, *more]
    last = await crew.images(1)
    await submit(crew, queue, anna, first[0])
    for expected in more:
        assert await pull(crew, queue, anna) == expected
        await submit(crew, queue, anna, expected)
    await aged(crew, selection)
    assert await pull(crew, queue, ben) == last[0]
    async with crew.db.transaction() as tx:
        await selections.remove(tx, crew.admin, selection)
    await aged(crew, selection)
    assert await pull(crew, queue, ben) is None


async def test_what_is_rejected_after_its_labeler_left_goes_back_to_the_pool(crew: Crew) -> None:
    """Nobody would ever get it otherwise: it waits, with the reviewer's words, and somebody else is given it."""
    items = await crew.images(2)
    queue = await crew.queue(collection_id=await crew.selection(items))
    (anna, ben), reviewer = crew.labelers, crew.reviewers[0]
    assert await pull(crew, queue, anna) == items[0]
    await submit(crew, queue, anna, items[0])
    async with crew.db.transaction() as tx:
        await queues.remove_people(tx, crew.manager, queue.id, job_ids=[job_of(queue, anna)])
        task = (await review.reject(tx, reviewer, job_of(queue, reviewer, "review"), [items[0]], comment="once more"))[
            0
        ]
    assert (task.state, task.job_id, task.rejections, task.comment) == (None, None, 1, "once more")
    async with crew.db.reading() as tx:
        counts = await queues.counts(tx, crew.manager, queue.id)
    assert (counts.entities, counts.pending, counts.rejected) == (2, 2, 0)
    assert await pull(crew, queue, ben) == items[0]


async def test_what_is_rejected_goes_to_whose_job_it_is_now(crew: Crew) -> None:
    """A job that was given to somebody else takes what comes back with it; he is its labeler then."""
    items = await crew.images(1)
    anna, ben = crew.labelers
    queue = await crew.queue(collection_id=await crew.selection(items), labelers=[anna.user_id])
    job, reviewer = job_of(queue, anna), crew.reviewers[0]
    await pull(crew, queue, anna)
    await submit(crew, queue, anna, items[0])
    async with crew.db.transaction() as tx:
        await jobs.update(tx, crew.manager, job, user_id=ben.user_id)
        task = (await review.reject(tx, reviewer, job_of(queue, reviewer, "review"), items))[0]
    assert (task.state, task.job_id, task.labeler_id) == ("rejected", job, ben.user_id)


async def test_a_tag_under_another_name_brings_items_that_were_passed_over(crew: Crew) -> None:
    """A queue asks for tags by name; the frontier had passed what did not have one of that name."""
    items = await crew.images(3)
    await crew.tag(items[:1], "dusk")
    await crew.tag(items[1:], "night")
    queue = await crew.queue(
        collection_id=await crew.selection(items), settings=QueueSettings(item_tags=[ItemTag("night", positive=True)])
    )
    anna, ben = crew.labelers
    assert await pull(crew, queue, anna) == items[1]
    await crew.run("select advance_frontier(%s)", queue.id)
    async with crew.db.transaction() as tx:
        known = {tag.name: tag.id for tag in await tags.list_tags(tx, crew.admin, crew.project_id)}
        await tags.edit(tx, crew.admin, known["night"], TagChanges(name="evening"))
        await tags.edit(tx, crew.admin, known["dusk"], TagChanges(name="night"))
    assert await pull(crew, queue, ben) == items[0]


async def test_items_of_several_datasets_go_and_come_back_in_one_statement(crew: Crew) -> None:
    """The queues over datasets follow, whatever else the statement changes."""
    second = await crew.dataset()
    here, there = await crew.images(3), await crew.images(2, second)
    one, other = await crew.queue(), await crew.queue(dataset_id=second)
    anna = crew.labelers[0]
    assert (await pull(crew, one, anna), await pull(crew, other, anna)) == (here[0], there[0])

    async def entities() -> list[tuple[int, int]]:
        async with crew.db.reading() as tx:
            found = [await queues.counts(tx, crew.manager, queue.id) for queue in (one, other)]
        return [(counts.entities, counts.in_progress) for counts in found]

    await crew.trash([*here[:2], *there])
    assert await entities() == [(1, 0), (0, 0)]
    assert await pull(crew, other, anna) is None
    await crew.trash([*here[:2], *there], back=True)
    assert await entities() == [(3, 1), (2, 1)]
    await crew.trash(there)
    await crew.run("delete from media where item_id = any(%s)", there)
    assert await entities() == [(3, 1), (0, 0)]


async def test_a_claim_waits_for_nobody_who_changes_the_source(crew: Crew) -> None:
    """Who adds to a collection holds its queues' rows, and may wait for an entry that a claim has locked."""
    queue = await crew.queue(collection_id=await crew.selection(await crew.images(1)))
    async with crew.db.transaction() as tx:
        await tx.connection.execute("select from queues where id = %s for no key update", (queue.id,))
        assert await asyncio.wait_for(pull(crew, queue, crew.labelers[0]), 5) is not None
    async with crew.db.transaction() as tx:
        await tx.connection.execute("select counting_shard()")
        async with crew.db.transaction() as other:
            made_of = [await crew.selection(), await crew.selection()]
            await asyncio.wait_for(other.rows(combining.SQL.made_of, id=made_of[0], sources=made_of[1:]), 5)
            await asyncio.wait_for(other.rows(combining.SQL.hold_sources), 5)


# ----------------------------------------------------------------------------------------------------------------------
# Nothing is told
# ----------------------------------------------------------------------------------------------------------------------


async def test_who_works_in_a_dataset_counts_what_he_sees(crew: Crew) -> None:
    """The number of items, their size, and whose picture stands for all are those of his own items."""
    second = await crew.dataset()
    items, _ = await crew.images(3), await crew.images(4, second)
    queue = await crew.queue(dataset_id=crew.dataset_id)
    anna, ben = crew.labelers
    assert (await pull(crew, queue, ben), await pull(crew, queue, anna)) == (items[0], items[1])
    async with crew.db.reading() as tx:
        project = await media_projects.get(tx, anna, crew.project_id)
        dataset = await datasets.get(tx, anna, crew.dataset_id)
        whole = await media_projects.get(tx, crew.viewer, crew.project_id)
        with pytest.raises(errors.DatasetNotFound):
            await objects.page(tx, anna, dataset_id=second)
        with pytest.raises(errors.DatasetNotFound):
            await listing.page(tx, anna, listing.Scope(dataset_id=second))
    assert (project.dataset_count, project.item_count, project.cover_id) == (1, 1, items[1])
    assert (dataset.item_count, dataset.size, dataset.cover_id) == (1, 0, items[1])
    assert (whole.dataset_count, whole.item_count, whole.cover_id) == (2, 7, items[0])


async def test_who_reviews_a_list_finds_its_project_and_items(crew: Crew) -> None:
    """The reviewer of a job without a queue sees what is in it wherever it is listed, and only that."""
    items, reviewer = await crew.images(3), crew.reviewers[0]
    async with crew.db.transaction() as tx:
        new = NewJobs(crew.dataset_id, [crew.labelers[0].user_id or 0], "list", reviewer.user_id, items[:2])
        await jobs.create(tx, crew.manager, new)
    async with crew.db.reading() as tx:
        assert (await media_projects.get(tx, reviewer, crew.project_id)).item_count == 2
        found = await listing.page(tx, reviewer, listing.Scope(dataset_id=crew.dataset_id))
        workspace = (await workspaces.first(tx, crew.manager, crew.org.id)).id
        assert [one.id for one in await workspaces.list_workspaces(tx, reviewer, crew.org.id)] == [workspace]
    assert ([one.id for one in found.items], found.total) == (items[:2], 2)


async def test_no_workspace_of_another_account_is_seen_for_a_job_elsewhere(db: Database) -> None:
    """Somebody annotates for two teams, and has work in one of them only."""
    one, other = await make_crew(db), await make_crew(db)
    anna = one.labelers[0]
    await one.images(1)
    await one.queue()
    both = replace(anna, roles={**anna.roles, other.org.id: Role.ANNOTATOR})
    async with db.reading() as tx:
        assert len(await workspaces.list_workspaces(tx, both, one.org.id)) == 1
        assert await workspaces.list_workspaces(tx, both, other.org.id) == []


async def test_in_a_blind_queue_nothing_tells_of_others_labels(crew: Crew) -> None:
    """Neither statistics nor counts nor a search; and who reads all sees all of it."""
    await car(crew)
    items = await crew.images(1)
    queue = await crew.queue(collection_id=await crew.selection(items), overlap=2, blind=True)
    anna, ben = crew.labelers
    assert (await pull(crew, queue, anna), await pull(crew, queue, ben)) == (items[0], items[0])
    await draw(crew, anna, items[0], 3)
    await draw(crew, ben, items[0], 1)
    scope = listing.Scope(project_id=crew.project_id)
    for who, sees in ((ben, 1), (anna, 3), (crew.manager, 4)):
        job = job_of(queue, ben if who is crew.manager else who)
        async with crew.db.reading() as tx:
            told = await statistics.of_job(tx, who, job)
            listed = await jobs.items(tx, who, job)
            count = (await media.get(tx, who, items[0])).label_count
            searched = await listing.count(tx, who, scope, language.parse("class:car>=4 or labels>=4"))
        assert [(one.name, one.items, one.labels) for one in told.classes] == [("car", 1, sees)]
        assert (count, [one.label_count for one in listed.rows]) == (sees, [sees])
        assert searched == (1 if who is crew.manager else 0)


async def test_who_may_not_download_gets_no_pictures(crew: Crew, blobs: Blobs) -> None:
    """A restricted viewer sees what is there, but no file: not as a thumbnail, nor by copying it to his own account."""
    items = await crew.images(1)
    digest = bytes(range(32))
    await crew.run("update media set sha256 = %s, size = 3 where item_id = %s", digest, items[0])
    await crew.run("insert into media_files (account_id, sha256, size) values (%s, %s, 3)", crew.org.id, digest)
    person = await make_user(crew.db, "somebody")
    narrow = with_role(person, crew.org.id, Role.RESTRICTED_VIEWER)
    async with crew.db.reading() as tx:
        assert (await media.get(tx, narrow, items[0])).id == items[0]
        with pytest.raises(errors.Forbidden):
            await media.file(tx, narrow, items[0])
    with pytest.raises(errors.Forbidden):
        await thumbnails.thumbnail(crew.db, blobs, narrow, items[0])
    await media_files.share(crew.db, blobs, narrow, items, person.id)
    async with crew.db.transaction() as tx:
        assert await media_files.known(tx, narrow, person.id, [digest]) == []


async def test_a_token_that_only_reads_adds_no_objects(crew: Crew) -> None:
    """What belongs to a dataset as a whole is written by who works there, with a credential that carries it."""
    made = await car(crew)
    await crew.images(1)
    await crew.queue()
    anna = crew.labelers[0]
    async with crew.db.transaction() as tx:
        ids = await objects.add(tx, anna, crew.dataset_id, [NewObject(class_id=made)])
    for verb in (
        lambda tx: objects.add(tx, replace(anna, scope=Scope.READ), crew.dataset_id, [NewObject(class_id=made)]),
        lambda tx: objects.remove(tx, replace(anna, scope=Scope.READ), ids),
    ):
        with pytest.raises(errors.ScopeTooNarrow):
            async with crew.db.transaction() as tx:
                await verb(tx)


async def test_what_a_live_collection_follows_is_for_those_who_curate_it(crew: Crew) -> None:
    """Neither the collection itself nor its record tells a reader the query."""
    selection = await crew.selection(await crew.images(1))
    async with crew.db.transaction() as tx:
        address = (await selections.get(tx, crew.admin, selection)).public_id
        await live.start(tx, crew.admin, address, query="name:secret", sort="-created")
        await live.follow(tx, crew.admin, address, query="name:hidden")
        await live.end(tx, crew.admin, address)
        await live.start(tx, crew.admin, address, query="name:secret")
    told: dict[str, str] = {}
    for name, who in (("viewer", crew.viewer), ("admin", crew.admin)):
        async with crew.db.reading() as tx:
            found = await live.get(tx, who, address)
            record = await events.history(tx, who, selection, limit=100)
        told[name] = found.query + "".join(f"{event.verb} {event.before} {event.after}" for event in record.rows)
    assert "collection.query_changed" in told["viewer"]
    assert "secret" not in told["viewer"]
    assert "hidden" not in told["viewer"]
    assert "secret" in told["admin"]
    assert "hidden" in told["admin"]
    assert "queue.created" not in await told_of(crew.db, crew.outsider)


async def test_what_is_public_of_a_project_is_not_how_its_queues_stand(crew: Crew) -> None:
    """A stranger sees the items of a public project, but asks in vain which of them a queue has accepted."""
    items = await crew.images(1)
    queue = await crew.queue()
    await crew.run("update items set visibility = 'public' where id = any(%s)", [*items, crew.project_id])
    wanted = language.parse(f"queue:{queue.id}=pending")
    scope = listing.Scope(project_id=crew.project_id)
    async with crew.db.reading() as tx:
        assert await listing.ids(tx, crew.viewer, scope, wanted) == items
        assert await listing.ids(tx, crew.outsider, scope) == items
        for asked in (listing.ids(tx, crew.outsider, scope, wanted), everywhere.find(tx, crew.outsider, wanted)):
            with pytest.raises(errors.Invalid, match="there is no queue"):
                await asked


async def test_a_check_against_a_collection_that_a_reader_does_not_see_is_not_run_for_him(db: Database) -> None:
    """What it finds would tell him what is in there."""
    crew, other = await make_crew(db), await make_crew(db)
    items = await crew.images(1)
    selection, hidden = await crew.selection(items), await other.selection()
    await other.put(hidden, items)
    both = replace(crew.admin, roles={**crew.admin.roles, **other.admin.roles})
    async with db.transaction() as tx:
        address = (await selections.get(tx, both, selection)).public_id
        against = (await selections.get(tx, both, hidden)).public_id
        await checks.add(tx, both, address, "disjoint", {"collection": against})
        await checks.add(tx, both, address, "size", {"least": 1})
        assert [one.count for one in await checks.run(tx, both, address)] == [1, 0]
        assert [one.check.kind for one in await checks.run(tx, crew.viewer, address)] == ["size"]


# ----------------------------------------------------------------------------------------------------------------------
# No failure of the server's
# ----------------------------------------------------------------------------------------------------------------------


async def test_numbers_that_are_hardly_more_than_nothing(crew: Crew) -> None:
    """A score is a float of four bytes, which can't hold them: they are zero there."""
    items = await crew.images(2)
    selection = await crew.selection()
    async with crew.db.transaction() as tx:
        added = await selections.add_items(tx, crew.admin, selection, [(items[0], 1e-300), (items[1], -1e-46)])
        assert [one.score for one in added.items] == [0.0, 0.0]
        scope = listing.Scope(project_id=crew.project_id, collection_id=selection)
        for number in ("1e-300", "-1e-46", "5e-324"):
            assert await listing.count(tx, crew.admin, scope, language.parse(f"score>={number}")) == 2
        found = listing.in_collection(selection, threshold=1e-60)
        assert await listing.ids(tx, crew.admin, listing.Scope(project_id=crew.project_id), found) == items


@pytest.mark.parametrize("bound", [False, True])
async def test_an_administrators_token_that_only_reads_labels_nothing(crew: Crew, bound: bool) -> None:
    """Whoever administers the server may do everything, with a credential that carries it."""
    await car(crew)
    items = await crew.images(1)
    reads = replace(crew.admin, is_admin=True, bound_to=crew.org.id if bound else None, scope=Scope.READ)
    with pytest.raises(errors.ScopeTooNarrow):
        await draw(crew, reads, items[0], 1)
    await draw(crew, replace(reads, scope=Scope.WRITE), items[0], 1)


async def test_many_jobs_are_removed_at_once_or_none(crew: Crew) -> None:
    """All are looked up together; what they hold goes back to the pool, and one that is none stops it all."""
    items = await crew.images(2)
    queue = await crew.queue(collection_id=await crew.selection(items))
    anna, ben = crew.labelers
    assert await pull(crew, queue, anna) == items[0]
    mine = [job_of(queue, anna), job_of(queue, ben)]
    with pytest.raises(errors.JobNotFound):
        async with crew.db.transaction() as tx:
            await jobs.remove(tx, crew.manager, [*mine, 2**31 - 1])
    with pytest.raises(errors.Forbidden):
        async with crew.db.transaction() as tx:
            await jobs.remove(tx, crew.viewer, mine)
    async with crew.db.transaction() as tx:
        assert await jobs.remove(tx, crew.manager, [*mine, *mine]) == 2
        assert await jobs.remove(tx, crew.manager, []) == 0
        counts = await queues.counts(tx, crew.manager, queue.id)
    assert (counts.pending, counts.in_progress) == (2, 0)
