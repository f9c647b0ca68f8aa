"""Finding repos and items: addresses of every spelling in one query, lists in every order, likes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import pytest
import pytest_asyncio

from factories.catalog import Facts, make_account, make_admin, make_list, make_repo, make_user, reading_only
from factories.people import unique
from pinakes.server.actor import Actor, Scope, anonymous
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.lookup import SQL
from pinakes.server.catalog.types import ItemListing, Repo, RepoChanges, RepoListing, Sort
from pinakes.server.db import Database
from pinakes.server.errors import AccountNotFound, Invalid, ItemNotFound, ScopeTooNarrow, Unauthenticated
from pinakes.server.paging import Page, encode_cursor

T = TypeVar("T")
NOBODY = anonymous("test")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ada(db: Database) -> Actor:
    return await make_user(db, "Ada")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(db: Database) -> Actor:
    return await make_user(db, "bob")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def root(db: Database) -> Actor:
    return await make_admin(db)


async def walk(read: Callable[[str | None], Awaitable[Page[T]]], limit: int) -> list[T]:
    """Read all pages, none of which may be longer than it should be, or empty in between."""
    page = await read(None)
    rows = list(page.rows)
    while page.next:
        assert len(page.rows) == limit
        page = await read(page.next)
        assert page.rows
        rows += page.rows
    return rows


async def repos(db: Database, actor: Actor, limit: int = 3, **wanted: Facts) -> list[Repo]:
    async def read(cursor: str | None) -> Page[Repo]:
        async with db.reading() as tx:
            return await catalog.list_repos(tx, actor, RepoListing(**wanted), limit, cursor)

    return await walk(read, limit)


async def like(db: Database, actor: Actor, repo: Repo, on: bool = True) -> int:
    async with db.transaction() as tx:
        return await catalog.vote(tx, actor, repo.kind, repo.address, on)


class TestResolving:
    async def test_every_kind_and_spelling_in_one_query(self, db: Database, ada: Actor, root: Actor):
        """H-11, H-22: `item_id` may be spelled in every way that people and the Hub's documentation use."""
        model, space = await make_repo(db, ada, unique("BeRT")), await make_repo(db, ada, kind="space")
        bare = await make_repo(db, root, unique("gpt2"), owner=None, kind="dataset")
        listed = await make_list(db, ada, unique("My List"))
        number = f"2101.{root.user_id:05d}"
        async with db.transaction() as tx:
            moved = await catalog.move_repo(tx, ada, "space", space.address, f"{ada.name}/{unique('moved')}")
            paper, _ = await catalog.register_paper(tx, ada, arxiv_id=number, title="On numbers")
            bucket = await catalog.create_bucket(tx, ada, ada.name, unique("pail"))
            reference = await catalog.create_reference(
                tx, ada, ada.name, unique("board"), kind_there="dashboard", url="https://example.org/1"
            )
        words = listed.address.removesuffix(f"-{listed.public_id}")
        refs = [
            ("model", model.address),
            ("model", model.address.upper()),
            ("model", f"models/{model.address}"),
            ("dataset", model.address),
            ("space", space.address),
            ("space", f"spaces/{moved.address}"),
            ("dataset", bare.address),
            ("dataset", f"datasets/{bare.address.upper()}"),
            ("paper", number),
            ("paper", f"arXiv:{number}v3"),
            ("paper", f"papers/{number}"),
            ("paper", f"https://arxiv.org/abs/{number}"),
            ("bucket", f"buckets/{bucket.address}"),
            ("reference", reference.address),
            ("collection", listed.public_id),
            ("collection", listed.address),
            ("collection", listed.address.upper()),
            ("collection", listed.address.partition("/")[2]),
            ("collection", f"{ada.name}/other-words-{listed.public_id}"),
            ("collection", words),
            ("collection", f"collections/{listed.address}"),
            ("collection", f"nobody/{listed.address.partition('/')[2]}"),
            ("collection", "no-such-words"),
            ("wombat", model.address),
            ("model", "malformed//address"),
        ]
        expected = [
            *(model.id, model.id, model.id, None),
            *(moved.id, moved.id, bare.id, bare.id),
            *(paper.id, paper.id, paper.id, paper.id),
            *(bucket.id, reference.id),
            *(listed.id, listed.id, listed.id, listed.id, listed.id, listed.id, listed.id),
            *(None, None, None, None),
        ]
        async with db.reading() as tx:
            found = await catalog.resolve_many(tx, NOBODY, refs)
        assert [item and item.id for item in found] == expected
        assert [item.address for item in found if item and item.kind == "collection"] == [listed.address] * 7

    async def test_any_number_of_addresses_is_one_query(
        self, db: Database, ada: Actor, monkeypatch: pytest.MonkeyPatch
    ):
        made = [await make_repo(db, ada) for _ in range(3)]
        async with db.reading() as tx:
            asked: list[object] = []
            run = tx.all

            async def counting(query: Facts, *args: Facts, **params: Facts) -> Facts:
                asked.append(query)
                return await run(query, *args, **params)

            monkeypatch.setattr(tx, "all", counting)
            found = await catalog.resolve_many(tx, NOBODY, [("model", repo.address) for repo in made] * 200)
        assert [item and item.id for item in found] == [repo.id for repo in made] * 200
        assert asked == [SQL.resolve]

    async def test_none_at_all(self, db: Database):
        async with db.reading() as tx:
            assert await catalog.resolve_many(tx, NOBODY, []) == []

    async def test_what_is_hidden_or_deleted_is_unknown(self, db: Database, ada: Actor, bob: Actor):
        hidden, gone = await make_repo(db, ada, visibility="private"), await make_repo(db, ada)
        secret = await make_list(db, ada, unique("secret"), visibility="private")
        async with db.transaction() as tx:
            await catalog.delete_repo(tx, ada, "model", gone.address)
        refs = [("model", hidden.address), ("model", gone.address), ("collection", secret.public_id)]
        async with db.reading() as tx:
            assert await catalog.resolve_many(tx, bob, refs) == [None, None, None]
            found = await catalog.resolve_many(tx, ada, refs)
        assert [item and item.id for item in found] == [hidden.id, None, secret.id]

    async def test_words_alone_find_the_newest_that_one_sees(self, db: Database, ada: Actor):
        title = unique("Same words")
        first = await make_list(db, ada, title)
        second = await make_list(db, ada, title)
        secret = await make_list(db, ada, title, visibility="private")
        words = first.address.removesuffix(f"-{first.public_id}")
        async with db.reading() as tx:
            assert (await catalog.resolve(tx, NOBODY, "collection", words)).id == second.id
            assert (await catalog.resolve(tx, ada, "collection", words)).id == secret.id

    async def test_a_collection_is_found_under_its_former_owner(self, db: Database, ada: Actor, bob: Actor):
        listed = await make_list(db, ada, unique("given away"))
        async with db.transaction() as tx:
            await tx.connection.execute("update items set owner_id = %s where id = %s", (bob.user_id, listed.id))
            await tx.connection.execute(
                "update collections set former_owners = %s where id = %s", ([ada.user_id], listed.id)
            )
        async with db.reading() as tx:
            found = await catalog.resolve(tx, NOBODY, "collection", listed.address)
        assert (found.id, found.owner) == (listed.id, bob.name)

    async def test_an_unknown_kind_is_a_mistake(self, db: Database):
        async with db.reading() as tx:
            with pytest.raises(Invalid) as refusal:
                await catalog.resolve(tx, NOBODY, "wombat", "x/y")
        assert refusal.value.field == "kind"

    async def test_by_number(self, db: Database, ada: Actor, bob: Actor):
        made = await make_repo(db, ada, visibility="private")
        async with db.reading() as tx:
            assert (await catalog.get_item(tx, ada, made.id)).address == made.address
            for actor, number in ((bob, made.id), (ada, 0), (ada, -1), (ada, 2**31), (ada, 2**70)):
                with pytest.raises(ItemNotFound):
                    await catalog.get_item(tx, actor, number)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shelf(db: Database, bob: Actor) -> tuple[str, list[Repo]]:
    """An organization's eleven repos with distinct downloads; likes and times have ties."""
    org = await make_account(db, "organization", "shelf")
    admin = replace(bob, is_admin=True)
    kinds = ["model"] * 5 + ["dataset"] * 5
    made = [await make_repo(db, admin, owner=org.name, kind=kind, tags=[org.name]) for kind in kinds]
    made.append(await make_repo(db, admin, owner=org.name, visibility="private", tags=[org.name]))
    async with db.transaction() as tx:
        for n, repo in enumerate(made):
            await tx.connection.execute(
                "update repos set downloads = %s, last_modified = timestamptz '2024-01-01 UTC' + %s * '1 day'::interval"
                " where item_id = %s",
                (n * 7 % 11, n // 3, repo.id),
            )
    for repo in made[2:8]:
        await like(db, bob, repo)
    fans = [await make_user(db, "fan") for _ in range(2)]
    for fan in fans:
        for repo in made[2:4]:
            await like(db, fan, repo)
    async with db.transaction() as tx:
        # Loved, but long ago.
        old = "update votes set created_at = now() - interval '8 days' where item_id = %s"
        await tx.connection.execute(old, (made[3].id,))
    return org.name, made


class TestListing:
    @pytest.mark.parametrize("limit", [1, 3, 4, 100])
    @pytest.mark.parametrize("by", ["owner", "tags"])
    @pytest.mark.parametrize("sort", ["lastModified", "createdAt", "downloads", "likes", "trendingScore"])
    async def test_every_order_is_total_at_every_page_size(
        self, db: Database, shelf: tuple[str, list[Repo]], sort: Sort, by: str, limit: int
    ):
        """One owner's repos are collected and sorted, other lists go along an index: both give the same."""
        org, made = shelf
        public = made[:10]
        order: dict[str, Callable[[Repo], Any]] = {
            "lastModified": lambda repo: (made.index(repo) // 3, repo.id),
            "createdAt": lambda repo: repo.id,
            "downloads": lambda repo: made.index(repo) * 7 % 11,
            "likes": lambda repo: ([0, 0, 3, 3, 1, 1, 1, 1, 0, 0][made.index(repo)], repo.id),
            "trendingScore": lambda repo: ([0, 0, 3, 0, 1, 1, 1, 1, 0, 0][made.index(repo)], repo is made[3], repo.id),
        }
        expected = [repo.id for repo in sorted(public, key=order[sort], reverse=True)]
        wanted: dict[str, Facts] = {"owner": org} if by == "owner" else {"tags": [org]}
        assert [repo.id for repo in await repos(db, NOBODY, limit, sort=sort, **wanted)] == expected

    async def test_rows_that_come_and_go_shift_no_page(self, db: Database):
        owner = await make_user(db, "pager")
        made = [await make_repo(db, owner) for _ in range(6)]
        async with db.transaction() as tx:
            first = await catalog.list_repos(tx, NOBODY, RepoListing(owner=owner.name, sort="createdAt"), 3)
            await catalog.delete_repo(tx, owner, "model", made[4].address)
            await catalog.create_repo(tx, owner, "model", owner.name, unique("late"))
            wanted = RepoListing(owner=owner.name, sort="createdAt")
            second = await catalog.list_repos(tx, NOBODY, wanted, 3, first.next)
        assert [repo.id for repo in first.rows + second.rows] == [repo.id for repo in reversed(made)]

    async def test_private_ones_only_for_those_who_see_them(self, db: Database, bob: Actor, root: Actor):
        owner = await make_user(db, "owner")
        made = await make_repo(db, owner, visibility="private")
        for reader, expected in ((NOBODY, []), (bob, []), (owner, [made.id]), (root, [made.id])):
            for sort in ("lastModified", "createdAt", "downloads"):
                assert [repo.id for repo in await repos(db, reader, owner=owner.name, sort=sort)] == expected
        assert await repos(db, replace(owner, bound_to=bob.user_id), owner=owner.name) == []

    async def test_filters(self, db: Database):
        owner = await make_user(db, "Filters")
        first = await make_repo(db, owner, "alpha-one", title="Grüne Häuser", tags=["a", "b"], gated="auto")
        second = await make_repo(db, owner, "beta_two", title="100% alpha", tags=["b"], pipeline_tag="asr")
        third = await make_repo(db, owner, "gamma.3", kind="dataset", tags=["a", "b", "c"])

        async def found(**wanted: Facts) -> list[int]:
            rows = await repos(db, NOBODY, owner=owner.name.upper(), **wanted)
            assert rows == await repos(db, NOBODY, owner=owner.name, sort="likes", **wanted)
            return sorted(repo.id for repo in rows)

        assert await found() == [first.id, second.id, third.id]
        assert await found(kind="model") == [first.id, second.id]
        assert await found(tags=["b", "a"]) == [first.id, third.id]
        assert await found(pipeline_tag="asr") == [second.id]
        assert await found(gated=True) == [first.id]
        assert await found(gated=False) == [second.id, third.id]
        assert await found(search=["ALPHA"]) == [first.id, second.id]
        assert await found(search=["alpha", "two"]) == [second.id]
        assert await found(search=["two alpha"]) == [second.id]
        assert await found(search=["HÄUS"]) == [first.id]
        assert await found(search=[f"{owner.name}/gamma"]) == [third.id]
        assert await found(search=["%"]) == [second.id]
        assert await found(search=["beta_two"]) == [second.id]
        assert await found(search=["beta-two"]) == []
        assert await found(search=["\\"]) == []
        assert await found(search=[" "]) == [first.id, second.id, third.id]

    async def test_an_unknown_owner_has_nothing(self, db: Database):
        assert await repos(db, NOBODY, owner=unique("nobody")) == []

    @pytest.mark.parametrize(
        ("field", "wanted"),
        [
            ("kind", {"kind": "paper"}),
            ("sort", {"sort": "size"}),
            ("search", {"search": ["x" * 501]}),
            ("search", {"search": ["a b c d e f g h i j k l m n o p q r s t u"]}),
            ("search", {"search": ["a\0b"]}),
            ("tags", {"tags": ["\ud800"]}),
        ],
    )
    async def test_malformed_filters_are_refused_by_field(self, db: Database, field: str, wanted: dict[str, Any]):
        with pytest.raises(Invalid) as refusal:
            await repos(db, NOBODY, **wanted)
        assert refusal.value.field == field

    @pytest.mark.parametrize("sort", get_args(Sort))
    @pytest.mark.parametrize("owned", [False, True])
    async def test_numbers_that_no_id_can_have_are_refused_in_a_cursor(
        self, db: Database, ada: Actor, sort: Sort, owned: bool
    ):
        listing = RepoListing(sort=sort, owner=ada.name if owned else None)
        now = datetime.now(UTC)
        for cursor in (encode_cursor(2**40), encode_cursor(now, 2**40), encode_cursor(now, 1, 1, 2**40)):
            async with db.reading() as tx:
                with pytest.raises(Invalid) as refusal:
                    await catalog.list_repos(tx, NOBODY, listing, 10, cursor)
            assert refusal.value.field == "cursor"

    @pytest.mark.parametrize("sort", ["lastModified", "createdAt", "downloads"])
    @pytest.mark.parametrize("cursor", ["", "x", "!!", "W10", "WzEsMiwzLDRd", "ü", "bnVsbA", "WyJhIl0", "x" * 3000])
    async def test_foreign_cursors_are_refused(self, db: Database, sort: Sort, cursor: str):
        async with db.reading() as tx:
            if not cursor:
                assert (await catalog.list_repos(tx, NOBODY, RepoListing(sort=sort), 1, cursor)).rows
                return
            with pytest.raises(Invalid) as refusal:
                await catalog.list_repos(tx, NOBODY, RepoListing(sort=sort), 10, cursor)
        assert refusal.value.field == "cursor"

    async def test_items_by_kind_owner_and_text(self, db: Database):
        owner = await make_user(db, "Items")
        model = await make_repo(db, owner, "one")
        hidden = await make_repo(db, owner, "two", kind="space", visibility="private")
        listed = await make_list(db, owner, "A list of one")

        async def found(actor: Actor, **wanted: Facts) -> list[int]:
            async def read(cursor: str | None) -> Page[Any]:
                async with db.reading() as tx:
                    listing = ItemListing(owner=owner.name, **wanted)
                    return await catalog.list_items(tx, actor, listing, 1, cursor)

            return [item.id for item in await walk(read, 1)]

        assert await found(NOBODY) == [listed.id, model.id]
        assert await found(owner) == [listed.id, hidden.id, model.id]
        assert await found(owner, kinds=["space", "collection"]) == [listed.id, hidden.id]
        assert await found(owner, text="ONE") == [listed.id, model.id]
        with pytest.raises(Invalid):
            await found(owner, kinds=["wombat"])


class TestLiking:
    async def test_once_each_and_back(self, db: Database, ada: Actor, bob: Actor):
        made = await make_repo(db, ada)
        assert [await like(db, actor, made) for actor in (ada, ada, bob)] == [1, 1, 2]
        async with db.reading() as tx:
            seen = await catalog.get_repo(tx, ada, "model", made.address)
            assert (seen.likes, seen.liked) == (2, True)
            assert not (await catalog.get_repo(tx, NOBODY, "model", made.address)).liked
        assert [await like(db, ada, made, on=False) for _ in range(2)] == [1, 1]
        assert await like(db, bob, made, on=False) == 0

    async def test_never_liked_and_taken_back(self, db: Database, ada: Actor):
        assert await like(db, ada, await make_repo(db, ada), on=False) == 0

    async def test_counts_are_right_when_many_like_at_once(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        fans = [await make_user(db, "fan") for _ in range(10)]
        await asyncio.gather(*(like(db, fan, made) for fan in fans for _ in range(3)))
        assert await like(db, fans[0], made) == 10
        turns = [like(db, fan, made, on=n % 2 == 0) for n in range(4) for fan in fans[:5]]
        await asyncio.gather(*turns)
        async with db.reading() as tx:
            cursor = await tx.connection.execute("select count(*) from votes where item_id = %s", (made.id,))
            row = await cursor.fetchone()
            assert row is not None
            assert (await catalog.get_repo(tx, ada, "model", made.address)).likes == row[0]

    async def test_who_may(self, db: Database, ada: Actor, bob: Actor):
        made, hidden = await make_repo(db, ada), await make_repo(db, ada, visibility="private")
        with pytest.raises(Unauthenticated):
            await like(db, NOBODY, made)
        with pytest.raises(ScopeTooNarrow):
            await like(db, reading_only(bob), made)
        with pytest.raises(ItemNotFound):
            await like(db, bob, hidden)
        assert await like(db, replace(bob, scope=Scope.WRITE), made) == 1

    async def test_who_likes_it_and_what_he_likes(self, db: Database, ada: Actor):
        made = [
            await make_repo(db, ada, visibility=visibility) for visibility in ("public", "public", "private", "public")
        ]
        fan = await make_user(db, "fan", {ada.user_id or 0: next(iter(ada.roles.values()))})
        for repo in made:
            await like(db, fan, repo)
        await like(db, ada, made[0])

        async def liked(reader: Actor) -> list[str]:
            async def read(cursor: str | None) -> Page[Any]:
                async with db.reading() as tx:
                    return await catalog.liked_by(tx, reader, fan.name, 1, cursor)

            return [found.address for found in await walk(read, 1)]

        async def fans_of(cursor: str | None) -> Page[Any]:
            async with db.reading() as tx:
                return await catalog.voters(tx, NOBODY, "model", made[0].address, 1, cursor)

        assert [voter.name for voter in await walk(fans_of, 1)] == [ada.name, fan.name]
        shown = [repo.address for repo in reversed(made)]
        assert await liked(ada) == shown
        assert await liked(NOBODY) == [shown[0], *shown[2:]]
        async with db.reading() as tx:
            with pytest.raises(AccountNotFound):
                await catalog.liked_by(tx, NOBODY, unique("nobody"))
            with pytest.raises(ItemNotFound):
                await catalog.voters(tx, NOBODY, "model", made[2].address)

    async def test_likes_survive_a_move_and_end_with_the_repo(self, db: Database, ada: Actor, bob: Actor):
        made = await make_repo(db, ada)
        await like(db, bob, made)
        async with db.transaction() as tx:
            moved = await catalog.move_repo(tx, ada, "model", made.address, f"{ada.name}/{unique('moved')}")
            assert moved.likes == 1
            await catalog.update_repo(tx, ada, "model", moved.address, RepoChanges(title="x"))
            await catalog.delete_repo(tx, ada, "model", moved.address)
            again = await catalog.create_repo(tx, ada, "model", ada.name, moved.name)
        assert again.likes == 0
