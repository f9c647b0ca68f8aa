"""Search over collections and items, on a real database."""

from __future__ import annotations

import pytest
import pytest_asyncio

from factories.catalog import Facts, make_account, make_admin, make_list, make_repo, make_user
from factories.people import unique
from factories.releases import delete_version, make_lab, make_version
from pinakes.server.actor import Actor, Role, anonymous
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.db import Database
from pinakes.server.errors import Invalid
from pinakes.server.registries import service as registries
from pinakes.server.search import service
from pinakes.server.search.service import SQL
from pinakes.server.search.types import Hit

NOBODY = anonymous("test")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ada(db: Database) -> Actor:
    return await make_user(db, "ada")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(db: Database) -> Actor:
    return await make_user(db, "bob")


def new_word(stem: str) -> str:
    """A word that no other test has."""
    return unique(stem).replace("-", "q")


async def search(db: Database, actor: Actor, text: str, *, limit: int = 100, **wanted: Facts) -> list[Hit]:
    """Read all pages of a search."""
    hits: list[Hit] = []
    cursor: str | None = None
    async with db.reading() as tx:
        while True:
            page = await service.search(tx, actor, text, limit=limit, cursor=cursor, **wanted)
            hits += page.rows
            cursor = page.next
            if cursor is None:
                return hits
            assert len(page.rows) == limit


async def found(db: Database, text: str, actor: Actor = NOBODY, **wanted: Facts) -> set[int]:
    return {hit.id for hit in await search(db, actor, text, **wanted)}


class TestMatching:
    async def test_every_word_must_match_and_the_last_may_be_unfinished(self, db: Database, ada: Actor):
        word = new_word("gnu")
        one = await make_repo(db, ada, title=f"Large {word} language models")
        two = await make_repo(db, ada, title=f"{word} small languages")
        assert await found(db, word) == {one.id, two.id}
        assert await found(db, f"{word.upper()} langu") == {one.id, two.id}
        assert await found(db, f"LANGUAGE {word}") == {one.id}
        assert await found(db, f"models language large {word}") == {one.id}
        assert await found(db, f"langu {word}") == set()
        assert await found(db, f"{word} nothing") == set()

    async def test_names_are_words_too(self, db: Database, ada: Actor):
        """H-11: a model is known by its id: `Mistral-7B-Instruct_v0.1` is found by its parts."""
        word = new_word("Mistral")
        repo = await make_repo(db, ada, f"{word}-7B-Instruct_v0.1")
        for text in (word, f"{word} 7b", f"instruct {word}", f"{word}-7B-Instruct_v0.1", f"v0.1 {word}", f"{word}-7"):
            assert await found(db, text) == {repo.id}, text

    async def test_an_address_is_found(self, db: Database):
        owner = await make_user(db, "Face-Book")
        repo, other = await make_repo(db, owner, "vit-base"), await make_repo(db, owner, "other")
        listed = await make_list(db, owner, "Vit things")
        assert await found(db, f"{owner.name}/vit-base") == {repo.id}
        assert await found(db, f"{owner.name.lower()} vit") == {repo.id, listed.id}
        assert await found(db, f"vit {owner.name.upper()}") == {repo.id, listed.id}
        assert await found(db, owner.name) == {repo.id, other.id, listed.id}

    async def test_collections_by_title_description_and_tags(self, db: Database, ada: Actor):
        title, said, tag = new_word("title"), new_word("said"), new_word("tag")
        listed = await make_list(
            db, ada, f"About {title}", description=f"We {said}: a lot", tags=[tag, "Computer Vision"]
        )
        other = await make_list(db, ada, f"Not about {title}")
        for text in (
            said,
            f"lot {said}",
            tag,
            f"{title} {said}",
            f"{said} {title}",
            f"{tag} {title}",
            f"{title} {tag}",
            f"{tag} {said}",
            f"{title} {tag} {said}",
            f"about we {said}",
            f"{said[:-1]}",
        ):
            assert await found(db, text) == {listed.id}, text
        assert await found(db, title) == {listed.id, other.id}
        assert await found(db, f"vision computer {title}") == {listed.id}
        assert listed.id in await found(db, "computer vision", owner=ada.name)

    async def test_other_scripts_and_accents(self, db: Database, ada: Actor):
        """H-39: any Unicode is text."""
        word = new_word("w")
        repo = await make_repo(db, ada, title=f"Würstchen Ωmega 知识图谱 {word}")
        for text in ("WÜRSTCHEN", "ωMEGA", "知识图谱", "würst"):
            assert repo.id in await found(db, f"{word} {text}"), text

    @pytest.mark.parametrize(
        "text", ["!!!", "&", "a & !b | c", "x:*", "(", "'", "\\", "a'b\"c", "<->", "%", "-1", "☀☀☀"]
    )
    async def test_signs_are_no_operators(self, db: Database, text: str):
        assert isinstance(await search(db, NOBODY, text), list)

    async def test_papers_buckets_and_references(self, db: Database, ada: Actor):
        word = new_word("mixed")
        async with db.transaction() as tx:
            paper, _ = await catalog.register_paper(
                tx, ada, arxiv_id=f"9912.{ada.user_id:05d}"[:10], title=f"A {word} study", abstract="It is said"
            )
            bucket = await catalog.create_bucket(tx, ada, ada.name, f"{word}-pail")
            reference = await catalog.create_reference(
                tx, ada, ada.name, f"{word}.board", kind_there="board", url="https://example.org/x"
            )
        hits = {hit.kind: hit for hit in await search(db, NOBODY, word)}
        assert {hit.id for hit in hits.values()} == {paper.id, bucket.id, reference.id}
        assert hits["paper"].address == paper.name
        assert [hits[kind].description for kind in ("paper", "reference", "bucket")] == [
            "It is said",
            "https://example.org/x",
            "",
        ]
        assert await found(db, f"{paper.name} {word}") == {paper.id}

    @pytest.mark.parametrize(
        ("field", "text", "wanted"),
        [
            ("q", "", {}),
            ("q", " \t", {}),
            ("q", "a\0b", {}),
            ("q", "\ud800", {}),
            ("q", "x" * 501, {}),
            ("q", "a " * 21, {}),
            ("kind", "a", {"kinds": ["wombat"]}),
        ],
    )
    async def test_malformed_queries_are_refused_by_field(
        self, db: Database, field: str, text: str, wanted: dict[str, Facts]
    ):
        with pytest.raises(Invalid) as refusal:
            await search(db, NOBODY, text, **wanted)
        assert refusal.value.field == field


class TestSeeing:
    async def test_nobody_finds_what_he_may_not_see(self, db: Database, ada: Actor, bob: Actor):
        word = new_word("secret")
        org = await make_account(db, "organization", "org")
        member = await make_user(db, "member", {org.id: Role.VIEWER})
        admin = await make_admin(db)
        public = await make_repo(db, ada, title=word)
        hidden = await make_repo(db, ada, title=word, visibility="private")
        listed = await make_list(db, ada, f"My {word}", visibility="private")
        said = await make_list(db, ada, "Mine", description=word, tags=[word], visibility="private")
        shared = await make_repo(db, admin, title=word, visibility="private", owner=org.name)
        assert await found(db, word) == {public.id}
        assert await found(db, word, bob) == {public.id}
        assert await found(db, word, ada) == {public.id, hidden.id, listed.id, said.id}
        assert await found(db, word, member) == {public.id, shared.id}
        assert await found(db, word, admin) == {public.id, hidden.id, listed.id, said.id, shared.id}
        assert await found(db, f"{ada.name} {word}", bob) == {public.id}

    async def test_deleted_hidden_and_renamed_things(self, db: Database, ada: Actor):
        word = new_word("gone")
        repos = [await make_repo(db, ada, title=word) for _ in range(3)]
        async with db.transaction() as tx:
            await catalog.delete_repo(tx, ada, "model", repos[0].address)
            await catalog.update_repo(tx, ada, "model", repos[1].address, RepoChanges(visibility="private"))
            await catalog.update_repo(tx, ada, "model", repos[2].address, RepoChanges(title="other"))
            await catalog.move_repo(tx, ada, "model", repos[2].address, f"{ada.name}/{word}-new")
        assert await found(db, word) == {repos[2].id}
        assert await found(db, f"{word} new") == {repos[2].id}

    async def test_kinds_and_owner(self, db: Database, ada: Actor, bob: Actor):
        word = new_word("filtered")
        model, space = await make_repo(db, ada, title=word), await make_repo(db, bob, title=word, kind="space")
        listed = await make_list(db, bob, word)
        assert await found(db, word, kinds=["model"]) == {model.id}
        assert await found(db, word, kinds=["space", "collection"]) == {space.id, listed.id}
        assert await found(db, word, owner=bob.name.upper()) == {space.id, listed.id}
        assert await found(db, word, owner=bob.name, kinds=["model"]) == set()
        assert await found(db, word, owner=unique("nobody")) == set()


class TestOrder:
    async def test_what_is_called_so_comes_first(self, db: Database, ada: Actor):
        word = new_word("vit")
        long = await make_repo(db, ada, title=f"A long title in which {word} is only one of a good many words")
        said = await make_list(db, ada, "Other things", description=f"Nothing but {word}")
        exact = await make_repo(db, ada, word)
        short = await make_repo(db, ada, title=f"The {word}")
        assert [hit.id for hit in await search(db, NOBODY, word)] == [exact.id, short.id, long.id, said.id]

    @pytest.mark.parametrize("limit", [1, 2, 5, 100])
    async def test_pages_hold_everything_once(self, db: Database, ada: Actor, limit: int):
        word = new_word("paged")
        made: list[int] = []
        for n in range(7):
            made.append((await make_repo(db, ada, title=f"{word} {'x ' * (n % 3)}")).id)
            made.append((await make_list(db, ada, f"List {n}", description=f"{word} {n}")).id)
        hits = await search(db, NOBODY, word, limit=limit)
        assert sorted(hit.id for hit in hits) == sorted(made)
        assert hits == sorted(hits, key=lambda hit: (hit.rank, hit.place), reverse=True)

    async def test_a_cursor_of_another_list_is_refused(self, db: Database):
        async with db.reading() as tx:
            with pytest.raises(Invalid) as refusal:
                await service.search(tx, NOBODY, "x", cursor="WzFd")
        assert refusal.value.field == "cursor"


class TestReleases:
    async def test_registries_releases_artifacts_versions_and_projects(self, db: Database):
        """By name, title and description; each with what it is and where it is found."""
        lab, word, said = await make_lab(db), new_word("mnist"), new_word("said")
        registry = await lab.registry(f"Fine-tuned {word}", description=f"Where {said} is kept")
        version = await make_version(db, lab.team, f"{word}-net", project=f"{word}-lab")
        link = await lab.link(registry, f"The {word}", version)
        async with db.transaction() as tx:
            run = tx.connection.execute
            await run("update versions set description = %s where id = %s", (f"It {said} so", version.id))
            rows = await (await run("select container_id from items where id = %s", (version.item_id,))).fetchall()
            await run("update projects set description = %s where item_id = %s", (f"We {said}", rows[0][0]))
        member = lab.member.actor
        hits = {(hit.kind, hit.collection_kind): hit for hit in await search(db, member, word)}
        assert {kind: (hit.id, hit.address, hit.owner) for kind, hit in hits.items()} == {
            ("registry", None): (registry.id, registry.handle, lab.org.name),
            ("collection", "release"): (link.card.id, link.card.slug, registry.handle),
            ("collection", "artifact"): (version.artifact_id, hits["collection", "artifact"].address, lab.team.name),
            ("version", None): (version.item_id, f"{lab.team.name}/{word}-lab/{word}-net:v0", lab.team.name),
            ("project", None): (rows[0][0], f"{lab.team.name}/{word}-lab", lab.team.name),
        }
        hits = {(hit.kind, None): hit for hit in await search(db, member, f"{said}")}
        assert {hit.kind: hit.description for hit in hits.values()} == {
            "registry": f"Where {said} is kept",
            "version": f"It {said} so",
            "project": f"We {said}",
        }
        for text in (f"{said} {word}", f"{word} {said}", f"{word} so {said}", f"we {said} {word}"):
            assert await search(db, member, text)

    async def test_kinds_and_owners(self, db: Database):
        lab, word = await make_lab(db), new_word("kinds")
        registry = await lab.registry(f"{word} models")
        version = await make_version(db, lab.team, word, project=word)
        link = await lab.link(registry, word, version)
        listed = await make_list(db, lab.member.actor, word)
        member = lab.member.actor
        assert await found(db, word, member, kinds=["registry"]) == {registry.id}
        assert await found(db, word, member, kinds=["release"]) == {link.card.id}
        assert await found(db, word, member, kinds=["artifact"]) == {version.artifact_id}
        assert await found(db, word, member, kinds=["showcase"]) == {listed.id}
        assert await found(db, word, member, kinds=["collection"]) == {link.card.id, version.artifact_id, listed.id}
        assert await found(db, word, member, kinds=["version", "release"]) == {link.card.id, version.item_id}
        assert len(await search(db, member, word, kinds=["project"])) == 1
        assert await found(db, word, member, owner=lab.org.name) == {registry.id}
        assert registry.id not in await found(db, word, member, owner=lab.team.name)

    async def test_nobody_finds_what_he_may_not_see(self, db: Database):
        lab, word = await make_lab(db), new_word("hidden")
        registry = await lab.registry(f"{word} models", visibility="restricted", description=word)
        version = await make_version(db, lab.team, word, project=word)
        link = await lab.link(registry, word, version)
        for actor in (NOBODY, lab.outsider.actor, lab.viewer.actor):
            assert await search(db, actor, word) == []
        guest = await lab.person(registry, "restricted_viewer")
        assert await found(db, word, guest.actor) == {registry.id, link.card.id}
        assert len(await search(db, lab.admin.actor, word)) == 5
        async with db.transaction() as tx:
            await registries.delete(tx, lab.admin.actor, registry.id)
        await lab.look_again()
        assert {hit.kind for hit in await search(db, lab.admin.actor, word)} == {"collection", "version", "project"}
        await delete_version(db, version, lab.member)
        assert {hit.kind for hit in await search(db, lab.member.actor, word)} == {"collection", "project"}

    @pytest.mark.parametrize("limit", [1, 2, 3])
    async def test_pages_hold_registries_too(self, db: Database, limit: int):
        lab, word = await make_lab(db), new_word("pages")
        made = {(await lab.registry(f"{word} {n}")).id for n in range(3)}
        listed = {(await make_list(db, lab.member.actor, f"{word} {n}")).id for n in range(3)}
        hits = await search(db, lab.member.actor, word, limit=limit)
        assert {hit.id for hit in hits if hit.kind == "registry"} == made
        assert {hit.id for hit in hits if hit.kind == "collection"} == listed
        assert hits == sorted(hits, key=lambda hit: (hit.rank, hit.place), reverse=True)


def _scans(plan: dict[str, Facts]) -> list[tuple[str, str]]:
    inner = [found for child in plan.get("Plans", []) for found in _scans(child)]
    return [(plan["Node Type"], plan.get("Relation Name") or plan.get("Index Name") or ""), *inner]


async def test_the_words_are_looked_up_in_the_indexes(db: Database):
    """The plan, when nothing is known of the words, as after a few uses of the prepared query."""
    async with db.transaction() as tx:
        run = tx.connection.execute
        await run(
            "with made as ("
            " insert into items (kind, name, name_key, title)"
            " select 'collection', 'bulk', 'bulk-' || n, 'Row ' || n from generate_series(1, 20000) as n returning id)"
            " insert into collections (id, kind, public_id, description, tags)"
            " select id, 'showcase', left(md5('bulk' || id), 24), 'Said ' || id, array['t' || id] from made"
        )
        await run("analyze items")
        await run("analyze collections")
        await run("set local plan_cache_mode = force_generic_plan")
        wanted: dict[str, Facts] = {
            "text": "said row 77",
            "tags": ["a b"],
            "owners": ["x"],
            "kinds": None,
            "owner_id": None,
            "rank": None,
            "below": None,
            "limit": 21,
            "everything": False,
            "accounts": [1],
        }
        cursor = await run(f"explain (format json) {SQL.search.text}", wanted)  # pyright: ignore[reportArgumentType]
        row = await cursor.fetchone()
        assert row is not None
        scans = _scans(row[0][0]["Plan"])
        used = {name for kind, name in scans if kind == "Bitmap Index Scan"}
        assert {"items_by_document", "collections_by_document", "collections_by_tag"} <= used
        assert not {name for kind, name in scans if kind == "Seq Scan"} & {"items", "collections"}
        await run("delete from items where name = 'bulk'")
