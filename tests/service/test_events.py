"""The record: what is written down, what of it whom is shown, and that a cursor misses nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from factories import collection, models, unique
from factories.media import make_shelf
from factories.people import again, join, make_organization, make_user
from pinakes.server.actor import Actor, Role, anonymous
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import media_projects, service as catalog
from pinakes.server.catalog.media_types import MediaProjectChanges
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.collections import entries, service as collections
from pinakes.server.collections.types import Addition, Collection, ItemRef
from pinakes.server.db import Database
from pinakes.server.errors import CollectionNotFound, IdempotencyMismatch, Invalid, Unauthenticated
from pinakes.server.events import idempotency, jobs, service as events
from pinakes.server.events.types import Event, ItemName, Kept
from pinakes.server.labeling import queues, tagging, tags as label_tags
from pinakes.server.labeling.label_types import NewTag, NewTagged
from pinakes.server.labeling.queue_types import NewQueue, QueueSettings
from pinakes.server.settings import Settings
from pinakes.server.tasks import Work


async def settled(db: Database) -> None:
    """Wait until all that is committed is in the feed.

    It ends before the oldest transaction of the whole PostgreSQL, which the tests share with those of other runs.
    """
    async with db.transaction() as tx:
        cursor = await tx.connection.execute("select pg_current_xact_id()::text")
        mine = await cursor.fetchone()
    assert mine is not None
    async with asyncio.timeout(60):
        while int((await head_now(db)).partition(".")[0]) <= int(mine[0]):  # noqa: ASYNC110 - nobody here would set an event
            await asyncio.sleep(0.02)


async def head(db: Database) -> str:
    """Return the cursor of now, behind all that was done before."""
    await settled(db)
    return await head_now(db)


async def head_now(db: Database) -> str:
    """Return the cursor of the feed's end as it is just now."""
    async with db.reading() as tx:
        return await events.head(tx)


async def read(db: Database, reader: Actor, after: str, *, limit: int = 500, **options: str) -> list[Event]:
    """Read the feed from a cursor to its end."""
    await settled(db)
    return await read_now(db, reader, after, limit=limit, **options)


async def read_now(db: Database, reader: Actor, after: str, *, limit: int = 500, **options: str) -> list[Event]:
    """Read the feed from a cursor to its end as it is just now."""
    found: list[Event] = []
    more = True
    while more:
        async with db.reading() as tx:
            page = await events.feed(tx, reader, after=after, limit=limit, **options)
        assert len(page.rows) <= limit
        found += page.rows
        after, more = page.next, page.more
    return found


def about(found: list[Event], of: Collection) -> list[Event]:
    """Return the events about a collection."""
    return [event for event in found if event.collection == of.public_id]


async def hide(db: Database, owner: Actor, item: int, *, hidden: bool = True) -> None:
    """Make a model private, or public again."""
    async with db.transaction() as tx:
        address = (await catalog.get_item(tx, owner, item)).address
        changes = RepoChanges(visibility="private" if hidden else "public")
        await catalog.update_repo(tx, owner, "model", address, changes)


class _RollBack(Exception):
    """Leaves a transaction without its changes."""


async def test_who_did_what_when_and_why(db: Database) -> None:
    """Each change leaves one event, with before and after, and items by their names."""
    ana = (await make_user(db, "ana")).actor
    start = await head(db)
    (item,) = await models(db, ana, 1)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await entries.add(tx, ana, made.public_id, [Addition(ItemRef(item), "n")], reason="why not")
    found = about(await read(db, ana, start), made)
    assert [(event.verb, event.revision, event.actor) for event in found] == [
        ("collection.created", 1, ana.name),
        ("entry.added", 2, ana.name),
    ]
    added = found[1]
    async with db.reading() as tx:
        address = (await catalog.get_item(tx, ana, item)).address
    assert added.after == {"count": 1, "entries": [{"item": ItemName(item, "model", address), "note": "n"}]}
    assert (added.reason, added.api, added.before, added.item) == ("why not", ana.api, None, None)
    assert abs(added.at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_rollback_leaves_no_event(db: Database) -> None:
    ana = (await make_user(db, "ana")).actor
    start = await head(db)
    with suppress(_RollBack):
        async with db.transaction() as tx:
            await collections.create(tx, ana, owner=None, title=unique("Title"))
            raise _RollBack
    assert not [event for event in await read(db, ana, start) if event.actor == ana.name]


async def test_pages_of_the_feed_go_on_where_they_ended(db: Database) -> None:
    """Whatever the page size, every event comes once and in order; verbs and collections can be picked."""
    ana = (await make_user(db, "ana")).actor
    start = await head(db)
    items = await models(db, ana, 5)
    made, other = await collection(db, ana), await collection(db, ana)
    for item in items:
        async with db.transaction() as tx:
            await entries.add(tx, ana, made.public_id, [Addition(ItemRef(item))])
    whole = [event.cursor for event in await read(db, ana, start)]
    assert len(set(whole)) == len(whole) >= 7
    for limit in (1, 2, 3):
        assert [event.cursor for event in await read(db, ana, start, limit=limit)] == whole
    assert len(await read(db, ana, start, collection=made.public_id)) == 6
    assert len(await read(db, ana, start, limit=2, collection=f"words-{made.public_id}", verb="entry.added")) == 5
    assert [event.verb for event in await read(db, ana, "0.0", collection=other.public_id)] == ["collection.created"]
    verbs = {event.verb for event in await read(db, ana, start, verb="entry.added")}
    assert verbs == {"entry.added"}
    async with db.reading() as tx:
        now = await events.feed(tx, ana, after="now", limit=10)
        assert (now.rows, now.more) == ([], False)
        assert (await events.feed(tx, ana, after=None, limit=1)).more


async def test_the_feed_waits_for_who_began_earlier(db: Database) -> None:
    """A transaction that began first and commits last is not skipped: nothing appears behind a cursor."""
    ana = (await make_user(db, "ana")).actor
    start = await head(db)
    async with db.transaction() as slow:
        early = await collections.create(slow, ana, owner=None, title=unique("Early"))
        late = await collection(db, ana, title=unique("Late"))
        meanwhile = await read_now(db, ana, start)
        assert not about(meanwhile, late)
        async with db.reading() as tx:
            position = (await events.feed(tx, ana, after=start, limit=500)).next
    after = await read(db, ana, position)
    assert about(after, early)
    assert about(after, late)


async def test_writers_at_once_and_a_poller_who_misses_nothing(db: Database) -> None:
    """A program that polls while others write sees every event once."""
    ana = (await make_user(db, "ana")).actor
    position = await head(db)
    found: list[str] = []
    done = asyncio.Event()

    async def poll() -> None:
        nonlocal position
        last = False
        while not last:
            last = done.is_set()
            async with db.reading() as tx:
                page = await events.feed(tx, ana, after=position, limit=3)
            found.extend(event.collection or "" for event in page.rows if event.actor == ana.name)
            position = page.next
            last = last and not page.more

    async def write(count: int) -> list[str]:
        return [(await collection(db, ana)).public_id for _ in range(count)]

    poller = asyncio.create_task(poll())
    made = await asyncio.gather(*(write(15) for _ in range(3)))
    await settled(db)
    done.set()
    await poller
    assert sorted(found) == sorted(one for some in made for one in some)


async def test_what_a_reader_may_not_see_is_in_nobodys_feed_but_its_own(db: Database) -> None:
    """Events about a private collection are for those who may read it, as things are now."""
    ana, bob, root = [(await make_user(db, name, admin=name == "root")).actor for name in ("ana", "bob", "root")]
    start = await head(db)
    made = await collection(db, ana, visibility="private")
    for reader, sees in ((ana, True), (root, True), (bob, False), (anonymous("native"), False)):
        assert bool(about(await read(db, reader, start), made)) is sees
        if not sees:
            async with db.reading() as tx:
                with pytest.raises(CollectionNotFound):
                    await events.feed(tx, reader, after=start, limit=1, collection=made.public_id)
                assert (await events.history(tx, reader, made.id, limit=5)).rows == []


async def test_a_deleted_collection_is_known_to_who_may_restore_it(db: Database) -> None:
    """The event of a deletion goes to those who could undo it, and to nobody else."""
    ana, bob, vera = [await make_user(db, name) for name in ("ana", "bob", "vera")]
    org = await make_organization(db, ana)
    await join(db, org, bob, Role.MEMBER)
    await join(db, org, vera, Role.VIEWER)
    ana, bob, vera = [(await again(db, person)).actor for person in (ana, bob, vera)]
    start = await head(db)
    async with db.transaction() as tx:
        made = await collections.create(tx, bob, owner=org.name, title=unique("Title"))
    async with db.transaction() as tx:
        await collections.delete(tx, bob, made.public_id)
    for reader in (ana, bob):
        assert [event.verb for event in about(await read(db, reader, start), made)] == [
            "collection.created",
            "collection.deleted",
        ]
    for reader in (vera, anonymous("native")):
        assert not about(await read(db, reader, start), made)


async def test_hidden_items_are_left_out_of_events_and_of_their_counts(db: Database) -> None:
    """An event names only items that its reader sees; one about nothing else is not there for him."""
    ana, bob = (await make_user(db, "ana")).actor, (await make_user(db, "bob")).actor
    one, two, three = await models(db, ana, 3)
    start = await head(db)
    made = await collection(db, ana)
    async with db.transaction() as tx:
        await entries.add(tx, ana, made.public_id, [Addition(ItemRef(one)), Addition(ItemRef(two), "secret")])
        await entries.add(tx, ana, made.public_id, [Addition(ItemRef(three), "secret")])
    await hide(db, ana, two)
    await hide(db, ana, three)
    mine, others = about(await read(db, ana, start), made), about(await read(db, bob, start), made)
    assert [(event.after or {}).get("count") for event in mine[1:]] == [2, 1]
    assert [event.verb for event in others] == ["collection.created", "entry.added"]
    assert (others[1].after or {})["count"] == 1
    assert "secret" not in str(others)
    async with db.reading() as tx:
        assert len((await events.history(tx, bob, made.id, limit=10)).rows) == 2
    await hide(db, ana, three, hidden=False)
    assert len(about(await read(db, bob, start), made)) == 3


async def test_a_large_change_is_counted_for_those_whose_it_is(db: Database) -> None:
    """The record names the first hundred; how many there were is nobody's business who may not see them all."""
    ana, bob = (await make_user(db, "ana")).actor, (await make_user(db, "bob")).actor
    items = await models(db, ana, 101)
    start = await head(db)
    made = await collection(db, ana, items)
    for reader, count in ((ana, 101), (bob, None)):
        after = about(await read(db, reader, start), made)[-1].after or {}
        assert after.get("count") == count
        assert isinstance(after["entries"], list)
        assert len(after["entries"]) == 100


async def test_accounts_are_for_administrators(db: Database) -> None:
    """What happens to people and organizations is in the feed of the server's administrators alone."""
    ana, root = await make_user(db, "ana"), (await make_user(db, "root", admin=True)).actor
    start = await head(db)
    await make_organization(db, ana)

    def organizations(found: list[Event]) -> list[Event]:
        return [event for event in found if event.collection is None and event.item is None]

    assert organizations(await read(db, root, start))
    assert not organizations(await read(db, ana.actor, start))


async def test_items_have_events_too(db: Database) -> None:
    """An event about an item is for those who see it."""
    ana, bob = (await make_user(db, "ana")).actor, (await make_user(db, "bob")).actor
    start = await head(db)
    public, private = (await models(db, ana, 1))[0], (await models(db, ana, 1, visibility="private"))[0]

    def known(found: list[Event]) -> set[int]:
        return {event.item.id for event in found if event.item is not None}

    assert {public, private} <= known(await read(db, ana, start))
    assert known(await read(db, bob, start)) & {public, private} == {public}


async def test_history_is_newest_first_in_pages(db: Database) -> None:
    """What was done to a collection, the last first, page by page, also what this transaction did a moment ago."""
    ana = (await make_user(db, "ana")).actor
    made = await collection(db, ana, await models(db, ana, 1))
    async with db.transaction() as tx:
        await collections.delete(tx, ana, made.public_id)
        await collections.restore(tx, ana, made.public_id)
        first = await events.history(tx, ana, made.id, limit=3)
        assert [event.verb for event in first.rows] == ["collection.restored", "collection.deleted", "entry.added"]
        assert first.next is not None
        rest = await events.history(tx, ana, made.id, limit=3, cursor=first.next)
        assert ([event.verb for event in rest.rows], rest.next) == (["collection.created"], None)
        with pytest.raises(Invalid):
            await events.history(tx, ana, made.id, limit=3, cursor="nonsense")


@pytest.mark.parametrize("cursor", ["", "x", "1", "1.", ".1", "-1.1", "1.1.1", f"{2**64}.1", f"1.{2**63}", "1.1\0"])
async def test_a_cursor_that_is_none(db: Database, cursor: str) -> None:
    async with db.reading() as tx:
        with pytest.raises(Invalid) as caught:
            await events.feed(tx, anonymous("native"), after=cursor or "?", limit=1)
    assert caught.value.field == "after"


async def test_a_purged_collection_is_forgotten(db: Database) -> None:
    """`forget` leaves who did what and when, and nothing of what was in it."""
    ana, root = (await make_user(db, "ana")).actor, (await make_user(db, "root", admin=True)).actor
    made = await collection(db, ana, await models(db, ana, 1), description="secret")
    async with db.transaction() as tx:
        await events.forget(tx, made.id)
        found = (await events.history(tx, root, made.id, limit=10)).rows
    assert [event.verb for event in found] == ["entry.added", "collection.created"]
    assert {(event.before is None, event.after is None, event.reason) for event in found} == {(True, True, None)}


async def test_purging_the_record(db: Database) -> None:
    """What is older than a moment goes. Tests share the record, so this one takes it back."""
    ana = (await make_user(db, "ana")).actor
    made = await collection(db, ana)
    with suppress(_RollBack):
        async with db.transaction() as tx:
            assert await events.purge(tx, datetime.now(UTC) - timedelta(days=365)) == 0
            assert await events.purge(tx, datetime.now(UTC) + timedelta(days=1)) > 0
            assert (await events.history(tx, ana, made.id, limit=5)).rows == []
            raise _RollBack
    async with db.reading() as tx:
        assert len((await events.history(tx, ana, made.id, limit=5)).rows) == 1


async def test_an_idempotency_key_is_one_persons_and_one_requests(db: Database) -> None:
    """The answer is kept with the change; a rollback keeps neither; the key of one user is not that of another."""
    ana, bob = (await make_user(db, "ana")).actor, (await make_user(db, "bob")).actor
    kept = Kept(b"digest", 201, b"answer")
    with suppress(_RollBack):
        async with db.transaction() as tx:
            assert await idempotency.begin(tx, ana, "key", b"digest") is None
            await idempotency.keep(tx, ana, "key", kept)
            raise _RollBack
    async with db.transaction() as tx:
        assert await idempotency.begin(tx, ana, "key", b"digest") is None
        await idempotency.keep(tx, ana, "key", kept)
    async with db.transaction() as tx:
        assert await idempotency.begin(tx, ana, "key", b"digest") == kept
        with pytest.raises(IdempotencyMismatch):
            await idempotency.begin(tx, ana, "key", b"another")
        assert await idempotency.begin(tx, bob, "key", b"another") is None
        with pytest.raises(Unauthenticated):
            await idempotency.begin(tx, anonymous("native"), "key", b"digest")


async def test_old_answers_are_forgotten(db: Database) -> None:
    """After a day a key is free again, whether its answer was cleared away yet or not."""
    ana = (await make_user(db, "ana")).actor
    for key in ("old", "new"):
        async with db.transaction() as tx:
            await idempotency.begin(tx, ana, key, b"digest")
            await idempotency.keep(tx, ana, key, Kept(b"digest", 200, b"answer"))
    async with db.transaction() as tx:
        await tx.connection.execute(
            "update idempotency_keys set created_at = now() - interval '25 hours' where user_id = %s and key = 'old'",
            [ana.user_id],
        )
    async with db.transaction() as tx:
        assert await idempotency.begin(tx, ana, "old", b"other") is None
        await idempotency.keep(tx, ana, "old", Kept(b"other", 200, b"later"))
        assert (await idempotency.begin(tx, ana, "old", b"other") or Kept(b"", 0, b"")).answer == b"later"
        await tx.connection.execute(
            "update idempotency_keys set created_at = now() - interval '25 hours' where user_id = %s and key = 'old'",
            [ana.user_id],
        )
    await jobs.forget_answers(Work(Settings(), db, Blobs.of(Settings())))
    async with db.transaction() as tx:
        cursor = await tx.connection.execute("select key from idempotency_keys where user_id = %s", [ana.user_id])
        assert await cursor.fetchall() == [("new",)]
        assert await idempotency.purge(tx) == 0
        assert await idempotency.begin(tx, ana, "new", b"digest") is not None


async def test_who_puts_tags_where_labelers_are_hidden(db: Database, blobs: Blobs):
    """S1-36: a tag has the moment of its event: who knows both knows who labeled, so those who manage are told only."""
    boss = await make_user(db, "boss")
    shelf = await make_shelf(db, blobs, boss.actor)
    manager, viewer, stranger = [await make_user(db, name) for name in ("manager", "viewer", "stranger")]
    owner = boss.actor
    (item,) = await shelf.put("a.png")
    for person, role in ((manager, Role.MANAGER), (viewer, Role.VIEWER)):
        await join(db, boss.account, person, role)
    async with db.transaction() as tx:
        await media_projects.update(tx, owner, shelf.project.id, MediaProjectChanges(visibility="public"))
        await label_tags.add(tx, owner, shelf.project.id, [NewTag("seen")])
    readers = {one.name: (await again(db, one)).actor for one in (manager, viewer, stranger)}
    readers |= {owner.name: owner, "nobody": anonymous("test")}
    for hidden in (False, True):
        start = await head(db)
        async with db.transaction() as tx:
            settings = QueueSettings(hide_author=hidden)
            await queues.create(tx, owner, NewQueue(unique("queue"), dataset_id=shelf.dataset.id, settings=settings))
            (put,) = await tagging.add(tx, readers[manager.name], [NewTagged("seen", item_id=item.id)])
            await tagging.remove(tx, owner, [put])
        for name, reader in readers.items():
            told = [(one.verb, one.actor) for one in await read(db, reader, start) if one.verb.startswith("tags.")]
            known = not hidden or name in {owner.name, manager.name}
            assert told == [
                ("tags.put", manager.name if known else None),
                ("tags.taken", owner.name if known else None),
            ]
