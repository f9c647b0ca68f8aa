"""Repos in the catalog: making, finding, changing, moving and deleting them, on a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
import pytest_asyncio

from factories.catalog import Facts, make_account, make_admin, make_repo, make_user, reading_only
from factories.people import unique
from pinakes.server.actor import Actor, Role, Scope, anonymous
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import Repo, RepoChanges
from pinakes.server.db import Database
from pinakes.server.errors import (
    AccountNotFound,
    Conflict,
    Forbidden,
    Invalid,
    ItemNotFound,
    NameTaken,
    ScopeTooNarrow,
    Unauthenticated,
)

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


async def read(db: Database, actor: Actor, kind: str, address: str) -> Repo:
    async with db.reading() as tx:
        return await catalog.get_repo(tx, actor, kind, address)


async def update(db: Database, actor: Actor, repo: Repo, **changes: Facts) -> Repo:
    async with db.transaction() as tx:
        return await catalog.update_repo(tx, actor, repo.kind, repo.address, RepoChanges(**changes))


async def move(db: Database, actor: Actor, source: str, target: str, kind: str = "model") -> Repo:
    async with db.transaction() as tx:
        return await catalog.move_repo(tx, actor, kind, source, target)


async def remove(db: Database, actor: Actor, repo: Repo) -> None:
    async with db.transaction() as tx:
        await catalog.delete_repo(tx, actor, repo.kind, repo.address)


async def verbs(db: Database, item_id: int) -> list[str]:
    async with db.reading() as tx:
        cursor = await tx.connection.execute("select verb from events where item_id = %s order by id", (item_id,))
        return [row[0] for row in await cursor.fetchall()]


class TestCreating:
    async def test_all_facts_come_back(self, db: Database, ada: Actor):
        made = await make_repo(
            db,
            ada,
            "MNIST-v2.1_b",
            kind="space",
            sdk="gradio",
            title=" Digits  again ",
            gated="manual",
            description="Würstchen",
            pipeline_tag="image-classification",
            library_name="jax",
            tags=["vision", "digits", "vision"],
            card={"license": "mit", "n": [1, None]},
            visibility="private",
        )
        assert made == await read(db, ada, "space", made.address)
        assert made.address == f"{ada.name}/MNIST-v2.1_b"
        assert (made.title, made.sdk, made.gated, made.visibility) == ("Digits again", "gradio", "manual", "private")
        assert (made.tags, made.card) == (["vision", "digits"], {"license": "mit", "n": [1, None]})
        assert (made.pipeline_tag, made.library_name, made.description) == ("image-classification", "jax", "Würstchen")
        assert (made.likes, made.liked, made.downloads) == (0, False, 0)
        assert await verbs(db, made.id) == ["item.created"]

    async def test_the_least_is_a_public_repo(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        assert (made.visibility, made.gated, made.sdk, made.tags, made.card) == ("public", None, None, [], {})

    async def test_found_in_any_case_and_spelled_as_made(self, db: Database, ada: Actor):
        """H-11: ids are looked up without case, and keep the spelling that they were made with."""
        made = await make_repo(db, ada, unique("BeRT"))
        for spelling in (made.address.lower(), made.address.upper(), f"models/{made.address}"):
            assert (await read(db, NOBODY, "model", spelling)).address == made.address

    async def test_the_same_name_in_another_case_is_taken(self, db: Database, ada: Actor):
        made = await make_repo(db, ada, unique("Name"))
        with pytest.raises(NameTaken) as refusal:
            await make_repo(db, ada, made.name.upper())
        assert refusal.value.details == {"kind": "model", "address": made.address}
        assert refusal.value.message == f"A model repository called {made.address} already exists"

    async def test_a_taken_name_leaves_the_transaction_usable(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        async with db.transaction() as tx:
            with pytest.raises(NameTaken):
                await catalog.create_repo(tx, ada, "model", ada.name, made.name)
            other = await catalog.create_repo(tx, ada, "model", ada.name, unique("after"))
        assert (await read(db, NOBODY, "model", other.address)).id == other.id

    async def test_kinds_do_not_share_names(self, db: Database, ada: Actor):
        """H-40: the same id may be a model and a space."""
        name = unique("twin")
        model, space = await make_repo(db, ada, name), await make_repo(db, ada, name, kind="space", sdk="static")
        assert model.address == space.address
        assert model.id != space.id
        assert (await read(db, NOBODY, "space", space.address)).id == space.id
        with pytest.raises(ItemNotFound):
            await read(db, NOBODY, "dataset", space.address)

    async def test_of_many_at_once_one_gets_the_name(self, db: Database, ada: Actor):
        name = unique("raced")
        results = await asyncio.gather(*(make_repo(db, ada, name) for _ in range(8)), return_exceptions=True)
        assert sum(isinstance(result, Repo) for result in results) == 1
        assert sum(isinstance(result, NameTaken) for result in results) == 7

    @pytest.mark.parametrize(
        "name",
        ["", "a/b", "a b", "ü", "a--b", "a..b", "-a", ".a", "a-", "a.", "x.git", "a" * 97, "a\0", "a\n", "\ud800"],
    )
    async def test_malformed_names_are_refused(self, db: Database, ada: Actor, name: str):
        with pytest.raises(Invalid) as refusal:
            await make_repo(db, ada, name)
        assert refusal.value.field == "name"

    @pytest.mark.parametrize(
        ("field", "facts"),
        [
            ("kind", {"kind": "paper"}),
            ("visibility", {"visibility": "protected"}),
            ("gated", {"gated": "maybe"}),
            ("sdk", {"kind": "space", "sdk": "cobol"}),
            ("sdk", {"sdk": "gradio"}),
            ("title", {"title": "x" * 501}),
            ("title", {"title": "a\0b"}),
            ("description", {"description": "\ud800"}),
            ("tags", {"tags": [""]}),
            ("tags", {"tags": ["t" * 101]}),
            ("tags", {"tags": [f"t{n}" for n in range(501)]}),
            ("card", {"card": {"x": "\0"}}),
            ("card", {"card": {"x": 2**70}}),
            ("card", {"card": {"x": "y" * 300_000}}),
        ],
    )
    async def test_malformed_facts_are_refused_by_field(
        self, db: Database, ada: Actor, field: str, facts: dict[str, Facts]
    ):
        with pytest.raises(Invalid) as refusal:
            await make_repo(db, ada, **facts)
        assert refusal.value.field == field

    async def test_a_backslash_is_not_taken_for_nul(self, db: Database, ada: Actor):
        assert (await make_repo(db, ada, card={"x": "\\u0000"})).card == {"x": "\\u0000"}

    async def test_who_may(self, db: Database, ada: Actor, bob: Actor):
        with pytest.raises(Unauthenticated):
            await make_repo(db, NOBODY, owner=ada.name)
        with pytest.raises(Forbidden):
            await make_repo(db, bob, owner=ada.name)
        with pytest.raises(ScopeTooNarrow):
            await make_repo(db, reading_only(ada))
        with pytest.raises(AccountNotFound):
            await make_repo(db, ada, owner=unique("nobody"))

    async def test_members_create_for_their_organization_and_viewers_do_not(self, db: Database):
        org = await make_account(db, "organization", "org")
        member = await make_user(db, roles={org.id: Role.MEMBER})
        viewer = await make_user(db, roles={org.id: Role.VIEWER})
        assert (await make_repo(db, member, owner=org.name)).owner == org.name
        with pytest.raises(Forbidden):
            await make_repo(db, viewer, owner=org.name)

    async def test_without_a_namespace_only_administrators(self, db: Database, ada: Actor, root: Actor):
        name = unique("gpt2")
        with pytest.raises(Forbidden):
            await make_repo(db, ada, name, owner=None)
        made = await make_repo(db, root, name, owner=None)
        assert (made.owner, made.address) == (None, name)
        assert (await read(db, NOBODY, "model", name.upper())).id == made.id
        with pytest.raises(NameTaken):
            await make_repo(db, root, name, owner=None)


class TestSeeing:
    async def test_private_ones_do_not_exist_for_others(self, db: Database, ada: Actor, bob: Actor):
        made = await make_repo(db, ada, visibility="private")
        for reader in (NOBODY, bob, replace(ada, bound_to=bob.user_id)):
            with pytest.raises(ItemNotFound):
                await read(db, reader, "model", made.address)
            with pytest.raises(ItemNotFound):
                await update(db, reader, made, title="mine")
            with pytest.raises(ItemNotFound):
                await remove(db, reader, made)
            with pytest.raises(ItemNotFound):
                await move(db, reader, made.address, f"{bob.name}/stolen")
        assert (await read(db, reading_only(ada), "model", made.address)).id == made.id

    async def test_administrators_and_members_see_them(self, db: Database, root: Actor):
        org = await make_account(db, "organization", "org")
        member = await make_user(db, roles={org.id: Role.MEMBER})
        viewer = await make_user(db, roles={org.id: Role.VIEWER})
        made = await make_repo(db, member, owner=org.name, visibility="private")
        for reader in (root, viewer):
            assert (await read(db, reader, "model", made.address)).id == made.id

    @pytest.mark.parametrize("address", ["", "/", "a/", "/a", "a/b/c", "a b", "ü/x", "x\0", "\ud800", "x" * 600])
    async def test_what_could_be_no_address_is_not_found(self, db: Database, address: str):
        with pytest.raises(ItemNotFound):
            await read(db, NOBODY, "model", address)

    async def test_an_unknown_kind_is_a_mistake(self, db: Database):
        with pytest.raises(Invalid) as refusal:
            await read(db, NOBODY, "paper", "1706.03762")
        assert refusal.value.field == "kind"


class TestUpdating:
    async def test_each_field(self, db: Database, ada: Actor):
        made = await make_repo(db, ada, title="before", tags=["a"])
        changed = await update(
            db,
            ada,
            made,
            title="after",
            gated="auto",
            tags=[],
            card={"k": 1},
            description="d",
            pipeline_tag="p",
            library_name="l",
        )
        assert (changed.title, changed.gated, changed.tags, changed.card) == ("after", "auto", [], {"k": 1})
        assert (changed.description, changed.pipeline_tag, changed.library_name) == ("d", "p", "l")
        assert changed.last_modified > made.last_modified
        assert changed.updated_at > made.updated_at

    async def test_what_is_left_out_stays_and_empty_takes_away(self, db: Database, ada: Actor):
        made = await make_repo(db, ada, title="t", gated="auto", pipeline_tag="p")
        assert (await update(db, ada, made, description="new")).gated == "auto"
        changed = await update(db, ada, made, gated="", pipeline_tag="")
        assert (changed.gated, changed.pipeline_tag, changed.title, changed.description) == (None, None, "t", "new")

    async def test_no_change_leaves_no_trace(self, db: Database, ada: Actor):
        made = await make_repo(db, ada, title="t")
        assert await update(db, ada, made, title="t", visibility="public", gated="", sdk="") == made
        assert await verbs(db, made.id) == ["item.created"]

    async def test_gating_is_no_change_of_content(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        assert (await update(db, ada, made, gated="auto")).last_modified == made.last_modified

    async def test_hiding_and_showing_are_recorded(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        await update(db, ada, made, visibility="private", title="secret")
        with pytest.raises(ItemNotFound):
            await read(db, NOBODY, "model", made.address)
        await update(db, ada, made, visibility="public")
        assert (await read(db, NOBODY, "model", made.address)).title == "secret"
        assert await verbs(db, made.id) == ["item.created", "item.hidden", "item.updated", "item.shown"]

    async def test_the_record_holds_no_names(self, db: Database, ada: Actor):
        made = await make_repo(db, ada, unique("hush"), title="hush hush", visibility="private")
        await update(db, ada, made, title="hush again", description="hush")
        await move(db, ada, made.address, f"{ada.name}/{unique('hush')}")
        async with db.reading() as tx:
            cursor = await tx.connection.execute(
                "select count(*) from events where item_id = %s and concat(before, after) like %s", (made.id, "%hush%")
            )
            assert await cursor.fetchone() == (0,)

    async def test_unknown_values_are_refused_and_nothing_is_half_done(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        with pytest.raises(Invalid) as refusal:
            await update(db, ada, made, title="new", visibility="protected")
        assert refusal.value.field == "visibility"
        with pytest.raises(Invalid):
            await update(db, ada, made, sdk="gradio")
        assert await read(db, ada, "model", made.address) == made

    async def test_who_may(self, db: Database, ada: Actor, bob: Actor):
        made = await make_repo(db, ada)
        with pytest.raises(Unauthenticated):
            await update(db, NOBODY, made, title="x")
        with pytest.raises(Forbidden):
            await update(db, bob, made, title="x")
        with pytest.raises(ScopeTooNarrow):
            await update(db, reading_only(ada), made, title="x")

    async def test_entries_close_and_open_with_their_item(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        async with db.transaction() as tx:
            await tx.connection.execute(
                "insert into entries (collection_id, item_id, order_key, since_rev, added_rev)"
                " values (-1, %s, %s, 1, 1)",
                (made.id, str(made.id).encode()),
            )

        async def closed() -> bool:
            async with db.reading() as tx:
                cursor = await tx.connection.execute("select closed from entries where item_id = %s", (made.id,))
                row = await cursor.fetchone()
                assert row is not None
                return bool(row[0])

        await update(db, ada, made, visibility="private")
        assert await closed()
        await update(db, ada, made, visibility="public")
        assert not await closed()
        await remove(db, ada, made)
        assert await closed()

    async def test_two_at_once_both_end(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        flips = [update(db, ada, made, visibility="private"), update(db, ada, made, visibility="public")]
        edits = [update(db, ada, made, title=f"t{n}") for n in range(6)]
        for result in await asyncio.gather(*flips, *edits, return_exceptions=True):
            assert isinstance(result, Repo | Conflict)


class TestMoving:
    async def test_the_old_address_leads_to_it(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        target = f"{ada.name}/{unique('moved')}"
        moved = await move(db, ada, made.address, target)
        assert (moved.id, moved.address) == (made.id, target)
        assert (await read(db, NOBODY, "model", made.address.upper())).address == target
        assert (await verbs(db, made.id))[-1] == "item.renamed"

    async def test_a_chain_of_moves(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        addresses = [made.address, *(f"{ada.name}/{unique('step')}" for _ in range(4))]
        for before, after in pairwise(addresses):
            await move(db, ada, before, after)
        for address in addresses:
            assert (await read(db, NOBODY, "model", address)).address == addresses[-1]

    async def test_under_its_old_address_it_can_be_moved_again_and_back(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        middle, last = f"{ada.name}/{unique('m')}", f"{ada.name}/{unique('l')}"
        await move(db, ada, made.address, middle)
        await move(db, ada, made.address, last)
        back = await move(db, ada, middle, made.address)
        assert back.address == made.address
        for address in (made.address, middle, last):
            assert (await read(db, NOBODY, "model", address)).address == made.address

    async def test_a_new_repo_of_the_old_name_wins(self, db: Database, ada: Actor, bob: Actor):
        made = await make_repo(db, ada)
        moved = await move(db, ada, made.address, f"{ada.name}/{unique('moved')}")
        hidden = await make_repo(db, ada, made.name, visibility="private")
        assert (await read(db, ada, "model", made.address)).id == hidden.id
        # For whoever may not see the new one it does not exist: he is still led to the old one.
        assert (await read(db, bob, "model", made.address)).id == moved.id
        shown = await update(db, ada, hidden, visibility="public")
        assert (await read(db, bob, "model", made.address)).id == shown.id
        await remove(db, ada, shown)
        with pytest.raises(ItemNotFound):
            await read(db, ada, "model", made.address)
        assert (await read(db, ada, "model", moved.address)).id == moved.id

    async def test_a_redirect_does_not_reveal_a_private_repo(self, db: Database, ada: Actor):
        made = await make_repo(db, ada, visibility="private")
        await move(db, ada, made.address, f"{ada.name}/{unique('moved')}")
        with pytest.raises(ItemNotFound):
            await read(db, NOBODY, "model", made.address)

    async def test_a_redirect_to_what_was_deleted_leads_nowhere(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        await remove(db, ada, await move(db, ada, made.address, f"{ada.name}/{unique('moved')}"))
        with pytest.raises(ItemNotFound):
            await read(db, ada, "model", made.address)

    async def test_a_taken_target_is_refused(self, db: Database, ada: Actor):
        made, other = await make_repo(db, ada), await make_repo(db, ada, unique("Taken"))
        with pytest.raises(NameTaken) as refusal:
            await move(db, ada, made.address, other.address.lower())
        assert refusal.value.message == f"A model repository called {other.address} already exists"
        assert await read(db, ada, "model", made.address) == made

    async def test_a_name_may_change_its_case(self, db: Database, ada: Actor):
        made = await make_repo(db, ada, unique("case"))
        moved = await move(db, ada, made.address, f"{ada.name}/{made.name.upper()}")
        assert moved.name == made.name.upper()
        assert (await read(db, NOBODY, "model", made.address)).name == moved.name

    async def test_to_where_it_is_changes_nothing(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        assert await move(db, ada, made.address, made.address) == made
        assert await verbs(db, made.id) == ["item.created"]

    async def test_to_an_organization(self, db: Database):
        org = await make_account(db, "organization", "org")
        member = await make_user(db, roles={org.id: Role.MEMBER})
        made = await make_repo(db, member)
        moved = await move(db, member, made.address, f"{org.name}/{made.name}")
        assert (moved.owner, moved.owner_id) == (org.name, org.id)
        # Members may not take away what is the organization's.
        with pytest.raises(Forbidden):
            await move(db, member, moved.address, made.address)
        admin = replace(member, roles={**member.roles, org.id: Role.ADMIN})
        assert (await move(db, admin, moved.address, made.address)).owner == member.name

    async def test_not_where_one_may_not_create(self, db: Database, ada: Actor, bob: Actor, root: Actor):
        made = await make_repo(db, ada)
        with pytest.raises(Forbidden):
            await move(db, ada, made.address, f"{bob.name}/{made.name}")
        with pytest.raises(AccountNotFound):
            await move(db, ada, made.address, f"{unique('nobody')}/x")
        with pytest.raises(Forbidden):
            await move(db, ada, made.address, unique("rootless"))
        name = unique("rootless")
        assert (await move(db, root, made.address, name)).address == name
        assert (await read(db, NOBODY, "model", made.address)).address == name

    @pytest.mark.parametrize("target", ["", "a/b/c", "x y", "{me}/--", "{me}/", "/x"])
    async def test_malformed_targets_are_refused(self, db: Database, ada: Actor, target: str):
        made = await make_repo(db, ada)
        with pytest.raises(Invalid) as refusal:
            await move(db, ada, made.address, target.format(me=ada.name))
        assert refusal.value.field == "to"

    async def test_of_many_at_once_one_gets_the_target(self, db: Database, ada: Actor):
        target = f"{ada.name}/{unique('goal')}"
        made = [await make_repo(db, ada) for _ in range(5)]
        moves = (move(db, ada, repo.address, target) for repo in made)
        results = await asyncio.gather(*moves, return_exceptions=True)
        assert sum(isinstance(result, Repo) for result in results) == 1
        assert sum(isinstance(result, NameTaken) for result in results) == 4

    async def test_moves_against_creations_of_the_target(self, db: Database, ada: Actor):
        name = unique("goal")
        made = [await make_repo(db, ada) for _ in range(3)]
        moves = (move(db, ada, repo.address, f"{ada.name}/{name}") for repo in made)
        creations = (make_repo(db, ada, name) for _ in range(3))
        results = await asyncio.gather(*moves, *creations, return_exceptions=True)
        assert sum(isinstance(result, Repo) for result in results) == 1
        assert sum(isinstance(result, NameTaken) for result in results) == 5


class TestDeleting:
    async def test_it_is_gone_and_its_name_is_free(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        await remove(db, ada, made)
        with pytest.raises(ItemNotFound):
            await read(db, ada, "model", made.address)
        with pytest.raises(ItemNotFound):
            await remove(db, ada, made)
        assert (await make_repo(db, ada, made.name)).id != made.id
        assert await verbs(db, made.id) == ["item.created", "item.deleted"]

    async def test_who_may(self, db: Database, bob: Actor):
        org = await make_account(db, "organization", "org")
        member = await make_user(db, roles={org.id: Role.MEMBER})
        made = await make_repo(db, member, owner=org.name)
        with pytest.raises(Unauthenticated):
            await remove(db, NOBODY, made)
        for actor in (bob, member):
            with pytest.raises(Forbidden):
                await remove(db, actor, made)
        admin = replace(member, roles={org.id: Role.ADMIN}, scope=Scope.WRITE)
        await remove(db, admin, made)

    async def test_of_many_at_once_one_deletes(self, db: Database, ada: Actor):
        made = await make_repo(db, ada)
        results = await asyncio.gather(*(remove(db, ada, made) for _ in range(5)), return_exceptions=True)
        assert results.count(None) == 1
        assert all(result is None or isinstance(result, Conflict | ItemNotFound) for result in results)
        assert (await verbs(db, made.id)).count("item.deleted") == 1
