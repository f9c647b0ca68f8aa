"""Papers, buckets and references in the catalog, on a real database."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from factories.catalog import Facts, make_account, make_admin, make_list, make_user, reading_only
from factories.people import unique
from pinakes.server.actor import Actor, Role, anonymous
from pinakes.server.catalog import addresses, service as catalog
from pinakes.server.catalog.types import Item, Paper, PaperChanges, Reference, ReferenceChanges
from pinakes.server.db import Database
from pinakes.server.errors import (
    Conflict,
    Forbidden,
    Invalid,
    ItemNotFound,
    NameTaken,
    ScopeTooNarrow,
    Unauthenticated,
)

NOBODY = anonymous("test")
_numbers = itertools.count(10_000)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ada(db: Database) -> Actor:
    return await make_user(db, "Ada")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(db: Database) -> Actor:
    return await make_user(db, "bob")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def root(db: Database) -> Actor:
    return await make_admin(db)


def new_number() -> str:
    """An arXiv id that no other test has."""
    return f"0704.{next(_numbers)}"


async def register(db: Database, actor: Actor, arxiv_id: str, title: str = "A title", **facts: Facts) -> Paper:
    async with db.transaction() as tx:
        return (await catalog.register_paper(tx, actor, arxiv_id=arxiv_id, title=title, **facts)).paper


async def correct(db: Database, actor: Actor, arxiv_id: str, **facts: Facts) -> Paper:
    async with db.transaction() as tx:
        return await catalog.update_paper(tx, actor, arxiv_id, PaperChanges(**facts))


async def paper(db: Database, actor: Actor, arxiv_id: str) -> Paper:
    async with db.reading() as tx:
        return await catalog.get_paper(tx, actor, arxiv_id)


class TestPapers:
    @pytest.mark.parametrize(
        ("spelling", "number"),
        [
            ("1706.03762", "1706.03762"),
            ("0704.0001", "0704.0001"),
            (" 1706.03762v5 ", "1706.03762"),
            ("arxiv:1706.03762", "1706.03762"),
            ("arXiv:1706.03762v2", "1706.03762"),
            ("https://arxiv.org/abs/1706.03762v1", "1706.03762"),
            ("http://www.arxiv.org/pdf/1706.03762.pdf", "1706.03762"),
            ("hep-th/9901001", "hep-th/9901001"),
            ("HEP-TH/9901001v3", "hep-th/9901001"),
            ("math.GT/0309136", "math/0309136"),
            ("https://arxiv.org/abs/math.GT/0309136", "math/0309136"),
        ],
    )
    def test_spellings_of_a_number(self, spelling: str, number: str):
        assert addresses.arxiv_id(spelling) == number

    @pytest.mark.parametrize(
        "text",
        ["", "1706", "1713.12345", "1700.12345", "1706.123", "1706.123456", "x/9901001", "hep-th/99010", "١٧٠٦.٠٣٧٦٢"],
    )
    def test_what_is_no_number(self, text: str):
        assert addresses.arxiv_id(text) is None or text == "x/9901001"

    async def test_all_facts_come_back(self, db: Database, ada: Actor):
        number = new_number()
        at = datetime(2017, 6, 12, 17, 57, tzinfo=UTC)
        authors = [{"name": "Ashish Vaswani", "user": "x"}, {"name": "Łukasz Kaiser"}]
        made = await register(
            db, ada, f"{number}v2", " A  title ", authors=authors, abstract="Line\nline", published_at=at
        )
        assert made == await paper(db, ada, f"arxiv:{number}")
        assert (made.name, made.address, made.title, made.abstract) == (number, number, "A title", "Line\nline")
        assert made.authors == [{"name": "Ashish Vaswani"}, {"name": "Łukasz Kaiser"}]
        assert (made.published_at, made.registered_by, made.votes, made.voted) == (at, ada.name, 0, False)

    async def test_who_registered_it_corrects_it_and_so_does_an_administrator(
        self, db: Database, ada: Actor, bob: Actor, root: Actor
    ):
        number = new_number()
        made = await register(db, ada, number, authors=[{"name": "A"}])
        assert (await correct(db, ada, number, title="Better")).title == "Better"
        fixed = await correct(db, root, number, title="Best", authors=[], abstract="All")
        assert (fixed.id, fixed.title, fixed.authors, fixed.registered_by) == (made.id, "Best", [], ada.name)
        for other, error in ((bob, Forbidden), (NOBODY, Unauthenticated), (reading_only(ada), ScopeTooNarrow)):
            with pytest.raises(error):
                await correct(db, other, number, title="Mine")
        assert await paper(db, ada, number) == fixed == await correct(db, ada, number)

    async def test_registering_it_again_overwrites_nothing(self, db: Database, ada: Actor, bob: Actor):
        number = new_number()
        made = await register(db, ada, number, "One", authors=[{"name": "A"}])
        known: dict[str, Facts] = {"title": "One", "authors": [{"name": "A"}]}
        others: list[dict[str, Facts]] = [{"title": "Mine"}, {"abstract": "Other"}, {"authors": []}]
        for actor in (ada, bob):
            assert (await register(db, actor, f"{number}v3", **known)).updated_at == made.updated_at
            for facts in others:
                with pytest.raises(NameTaken) as refusal:
                    await register(db, actor, number, **{**known, **facts})
                assert (refusal.value.field, refusal.value.details) == ("id", {"kind": "paper", "address": number})
        assert await paper(db, ada, number) == made

    async def test_who_may(self, db: Database, ada: Actor):
        org = await make_account(db, "organization", "org")
        for actor, error in (
            (NOBODY, Unauthenticated),
            (reading_only(ada), ScopeTooNarrow),
            (replace(ada, roles={**ada.roles, org.id: Role.ADMIN}, bound_to=org.id), Forbidden),
        ):
            with pytest.raises(error):
                await register(db, actor, new_number())
        bound = replace(ada, bound_to=ada.user_id)
        assert (await register(db, bound, new_number())).registered_by == ada.name

    async def test_registered_by_many_at_once_there_is_one(self, db: Database, ada: Actor):
        number = new_number()
        users = [await make_user(db) for _ in range(4)]
        results = await asyncio.gather(
            *(register(db, user, number) for user in (ada, ada, *users)), return_exceptions=True
        )
        assert all(isinstance(result, Paper | NameTaken) for result in results)
        assert len({result.id for result in results if isinstance(result, Paper)}) == 1

    async def test_deleting_one(self, db: Database, ada: Actor, bob: Actor, root: Actor):
        first, second = new_number(), new_number()
        for number in (first, second):
            await register(db, ada, number)
        async with db.transaction() as tx:
            with pytest.raises(Unauthenticated):
                await catalog.delete_paper(tx, NOBODY, first)
            with pytest.raises(Forbidden):
                await catalog.delete_paper(tx, bob, first)
            with pytest.raises(ScopeTooNarrow):
                await catalog.delete_paper(tx, reading_only(ada), first)
            await catalog.delete_paper(tx, ada, first)
            await catalog.delete_paper(tx, root, second)
        with pytest.raises(ItemNotFound):
            await paper(db, ada, first)
        assert (await register(db, bob, first)).registered_by == bob.name

    @pytest.mark.parametrize(
        ("field", "facts"),
        [
            ("id", {"arxiv_id": "wombat"}),
            ("title", {"title": " "}),
            ("title", {"title": "x" * 501}),
            ("title", {"title": "\ud800"}),
            ("authors", {"authors": [{}]}),
            ("authors", {"authors": [{"name": ""}]}),
            ("authors", {"authors": [{"name": 7}]}),
            ("authors", {"authors": [{"name": "x"}] * 5001}),
            ("abstract", {"abstract": "x" * 20_001}),
            ("abstract", {"abstract": "a\0b"}),
            ("published_at", {"published_at": datetime(2024, 1, 1)}),  # noqa: DTZ001 - that it has no zone is the point
        ],
    )
    async def test_malformed_facts_are_refused_by_field(
        self, db: Database, ada: Actor, field: str, facts: dict[str, Facts]
    ):
        with pytest.raises(Invalid) as refusal:
            await register(db, ada, **{"arxiv_id": new_number(), **facts})
        assert refusal.value.field == field

    @pytest.mark.parametrize("address", ["", "wombat", "a\0", "\ud800", "x" * 5000])
    async def test_what_is_no_number_is_not_found(self, db: Database, address: str):
        with pytest.raises(ItemNotFound):
            await paper(db, NOBODY, address)

    async def test_search(self, db: Database, ada: Actor):
        word = unique("Bose").replace("-", "x")
        numbers = [new_number() for _ in range(3)]
        for which, number in zip(("first", "second", "third"), numbers, strict=True):
            await register(db, ada, number, f"{word}-Einstein condensates {which}")

        async def found(text: str | None) -> list[str]:
            async with db.reading() as tx:
                return [row.name for row in (await catalog.search_papers(tx, NOBODY, text)).rows]

        assert await found(f"einstein {word.lower()}") == numbers[::-1]
        assert await found(f"COND {word}") == numbers[::-1]
        assert await found(f"{word} seco") == [numbers[1]]
        assert await found(f"{numbers[2]} {word}") == [numbers[2]]
        assert await found(f"{word} nothing") == []
        assert set(numbers) <= set(await found(None))
        for text in ("!!!", "&|:*", "' : *", "<->"):
            assert await found(text) == []
        with pytest.raises(Invalid):
            await found("a\0")


class TestBuckets:
    async def test_from_the_first_to_the_last(self, db: Database, ada: Actor, bob: Actor):
        name = unique("Pail")
        async with db.transaction() as tx:
            made = await catalog.create_bucket(tx, ada, ada.name, name, title="T")
            assert await catalog.get_bucket(tx, NOBODY, made.address.lower()) == made
            with pytest.raises(NameTaken) as refusal:
                await catalog.create_bucket(tx, ada, ada.name, name.lower())
            assert refusal.value.message == f"A bucket called {made.address} already exists"
            with pytest.raises(Forbidden):
                await catalog.create_bucket(tx, bob, ada.name, unique("pail"))
            with pytest.raises(Forbidden):
                await catalog.update_bucket(tx, bob, made.address, title="x")
            hidden = await catalog.update_bucket(tx, ada, made.address, visibility="private")
            assert (hidden.visibility, hidden.title) == ("private", "T")
            with pytest.raises(ItemNotFound):
                await catalog.get_bucket(tx, bob, made.address)
            assert (await catalog.list_buckets(tx, ada, ada.name, "pail")).rows == [hidden]
            assert (await catalog.list_buckets(tx, bob, ada.name)).rows == []
            with pytest.raises(ItemNotFound):
                await catalog.delete_bucket(tx, bob, made.address)
            await catalog.delete_bucket(tx, ada, made.address)
            with pytest.raises(ItemNotFound):
                await catalog.get_bucket(tx, ada, made.address)
            assert (await catalog.create_bucket(tx, ada, ada.name, name)).id != made.id

    async def test_malformed_fields(self, db: Database, ada: Actor):
        async with db.transaction() as tx:
            for field, name, facts in (
                ("name", "a b", {}),
                ("visibility", "x", {"visibility": "secret"}),
                ("title", "x", {"title": "\0"}),
            ):
                with pytest.raises(Invalid) as refusal:
                    await catalog.create_bucket(tx, ada, ada.name, name, **facts)
                assert refusal.value.field == field


class TestReferences:
    async def make(self, db: Database, actor: Actor, **facts: Facts) -> Reference:
        fields = {"kind_there": "notebook", "url": "https://example.org/n", **facts}
        async with db.transaction() as tx:
            return await catalog.create_reference(tx, actor, actor.name, unique("ref"), **fields)

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.org",
            "HTTPS://Example.org/a?b=c&d=%20#e",
            "s3://bucket/some/key",
            "gs://bucket",
            "https://[::1]:8080/x",
            "https://bücher.example/ü",
        ],
    )
    async def test_where_things_may_live(self, db: Database, ada: Actor, url: str):
        assert (await self.make(db, ada, url=url)).url == url

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "example.org",
            "//example.org/x",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://example.org/x",
            "file:///etc/passwd",
            "https://",
            "https:///path",
            "https://user:secret@example.org/",
            "https://exa mple.org/",
            "https://example.org/\x00",
            "https://example.org/\n",
            "http://[::1",
            "http://example.org:99999/",
            "https://example.org/\ud800",
            "https://example.org/" + "x" * 2000,
        ],
    )
    async def test_where_they_may_not(self, db: Database, ada: Actor, url: str):
        if url.endswith("\n"):
            assert (await self.make(db, ada, url=url)).url == url.strip()
            return
        with pytest.raises(Invalid) as refusal:
            await self.make(db, ada, url=url)
        assert refusal.value.field == "url"

    @pytest.mark.parametrize("kind", ["", " x", "x" * 65, "ü", "a\0", "a/b"])
    async def test_what_they_may_not_be(self, db: Database, ada: Actor, kind: str):
        with pytest.raises(Invalid) as refusal:
            await self.make(db, ada, kind_there=kind)
        assert refusal.value.field == "target_kind"

    async def test_from_the_first_to_the_last(self, db: Database, ada: Actor, bob: Actor):
        made = await self.make(db, ada, title="A notebook")
        async with db.transaction() as tx:
            assert await catalog.get_reference(tx, NOBODY, made.address.upper()) == made
            with pytest.raises(Forbidden):
                await catalog.update_reference(tx, bob, made.address, ReferenceChanges(title="x"))
            changes = ReferenceChanges(url="gs://b/k", kind_there="file", visibility="private")
            changed = await catalog.update_reference(tx, ada, made.address, changes)
            assert (changed.url, changed.target_kind, changed.title) == ("gs://b/k", "file", "A notebook")
            with pytest.raises(Invalid):
                await catalog.update_reference(tx, ada, made.address, ReferenceChanges(url="x:y"))
            with pytest.raises(ItemNotFound):
                await catalog.get_reference(tx, bob, made.address)
            assert [row.id for row in (await catalog.list_references(tx, ada, ada.name, "notebook")).rows][:1] == [
                made.id
            ]
            assert made.id not in [row.id for row in (await catalog.list_references(tx, bob, ada.name)).rows]
            assert (await catalog.list_references(tx, bob, unique("nobody"))).rows == []
            await catalog.delete_reference(tx, ada, made.address)
            with pytest.raises(ItemNotFound):
                await catalog.delete_reference(tx, ada, made.address)

    async def test_pages(self, db: Database):
        owner = await make_user(db, "pager")
        made = [(await self.make(db, owner)).id for _ in range(5)]
        found: list[int] = []
        cursor: str | None = None
        async with db.reading() as tx:
            while True:
                page = await catalog.list_references(tx, NOBODY, owner.name, None, 2, cursor)
                found += [row.id for row in page.rows]
                cursor = page.next
                if cursor is None:
                    break
        assert found == made[::-1]


async def test_a_vote_for_anything_by_its_number(db: Database, ada: Actor, bob: Actor):
    listed = await make_list(db, ada, unique("list"))
    hidden = await make_list(db, ada, unique("list"), visibility="private")
    number = (await register(db, ada, new_number())).id
    async with db.transaction() as tx:
        for item_id in (listed.id, number):
            assert [await catalog.vote_for_item(tx, bob, item_id, on) for on in (True, True, False)] == [1, 1, 0]
        with pytest.raises(ItemNotFound):
            await catalog.vote_for_item(tx, bob, hidden.id, True)
        assert await catalog.vote(tx, ada, "collection", hidden.public_id, True) == 1


async def test_locks_of_a_change_come_before_any_other(db: Database, ada: Actor):
    """Whoever hides or deletes waits for whoever adds entries (who holds a lock of items shared), not the reverse."""
    async with db.transaction() as tx:
        bucket = await catalog.create_bucket(tx, ada, ada.name, unique("pail"))
    async with db.transaction() as adding:
        await adding.connection.execute("select pg_advisory_xact_lock_shared(1001, 0)")

        async def hide() -> Item:
            async with db.transaction() as tx:
                return await catalog.update_bucket(tx, ada, bucket.address, visibility="private")

        hiding = asyncio.create_task(hide())
        await asyncio.sleep(0.2)
        assert not hiding.done()
        # The item itself is not locked meanwhile: whoever adds may read and lock it.
        await adding.connection.execute("select 1 from items where id = %s for share nowait", (bucket.id,))
    assert (await hiding).visibility == "private"


async def test_a_change_that_came_in_between_is_a_conflict(db: Database, ada: Actor):
    async with db.transaction() as tx:
        bucket = await catalog.create_bucket(tx, ada, ada.name, unique("pail"))
    async with db.transaction() as other:
        await other.connection.execute("update items set name = name || 'x' where id = %s", (bucket.id,))

        async def rename() -> Item:
            async with db.transaction() as tx:
                return await catalog.update_bucket(tx, ada, bucket.address, title="T")

        renaming = asyncio.create_task(rename())
        await asyncio.sleep(0.2)
        assert not renaming.done()
    with pytest.raises(Conflict):
        await renaming
