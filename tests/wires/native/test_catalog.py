"""The catalog and search over the native API: what each operation answers, in the forms that the contract declares."""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from factories.catalog import Facts
from factories.people import join, make_organization, make_user, sign_in, unique
from pinakes.api import catalog as api
from pinakes.api.common import Page
from pinakes.server.actor import Role, Scope
from pinakes.server.db import Database
from support.native import Api, expect, person, refused


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ana(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "Ana"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bob(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "bob"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def root(db: Database, client: httpx2.AsyncClient) -> Api:
    return Api(client, await make_user(db, "root", admin=True))


@pytest.fixture(scope="module")
def nobody(client: httpx2.AsyncClient) -> Api:
    return Api(client, None)


async def made(by: Api, **fields: Facts) -> api.Repo:
    body = {"kind": "model", "name": unique("repo"), **fields}
    return expect(await by("POST", "/repos", json=body), 201, api.Repo)


def path_of(repo: api.Repo) -> str:
    return f"/repos/{repo.kind}/{repo.address}"


class TestRepos:
    async def test_all_fields_come_back(self, ana: Api, nobody: Api):
        repo = await made(
            ana,
            kind="space",
            sdk="docker",
            title="A space",
            gated="manual",
            description="d",
            tags=["x", "y"],
            card={"license": "mit"},
            pipeline_tag="asr",
            library_name="jax",
        )
        assert (repo.kind, repo.sdk, repo.gated, repo.tags) == ("space", "docker", "manual", ["x", "y"])
        assert (repo.owner, repo.address) == (person(ana).name, f"{person(ana).name}/{repo.name}")
        assert repo.can == ["item:create", "item:delete", "item:move", "item:read", "item:update", "item:vote"]
        seen = expect(await nobody("GET", path_of(repo).upper().replace("REPOS/SPACE", "repos/space")), 200, api.Repo)
        assert seen == repo.model_copy(update={"can": ["item:read"]})

    async def test_for_an_organization(self, db: Database, ana: Api, bob: Api):
        org = await make_organization(db, person(ana))
        body = {"kind": "model", "name": unique("repo"), "owner": org.name}
        refused(await bob("POST", "/repos", json=body), 403, "forbidden")
        await join(db, org, person(bob), Role.MEMBER)
        repo = expect(await bob("POST", "/repos", json=body), 201, api.Repo)
        assert (repo.owner, repo.can) == (org.name, ["item:create", "item:read", "item:update", "item:vote"])

    async def test_a_taken_name(self, ana: Api):
        repo = await made(ana)
        answer = await ana("POST", "/repos", json={"kind": "model", "name": repo.name.upper()})
        assert refused(answer, 409, "name_taken", "name") == {"kind": "model", "address": repo.address}

    async def test_without_a_namespace(self, ana: Api, root: Api, nobody: Api):
        body = {"kind": "model", "name": unique("gpt2"), "owner": None}
        refused(await ana("POST", "/repos", json=body), 403, "forbidden")
        refused(await nobody("POST", "/repos", json=body), 401, "unauthenticated")
        repo = expect(await root("POST", "/repos", json=body), 201, api.Repo)
        assert (repo.owner, repo.address) == (None, body["name"])
        for path in (f"/repos/model/{repo.name}", f"/repos/model/-/{repo.name}"):
            assert expect(await nobody("GET", path), 200, api.Repo).id == repo.id
        assert expect(await ana("PUT", f"/repos/model/-/{repo.name}/like"), 200, api.Votes).votes == 1
        changed = await root("PATCH", f"/repos/model/{repo.name}", json={"title": "T"})
        assert expect(changed, 200, api.Repo).title == "T"
        to = {"to": unique("gpt3")}
        moved = expect(await root("POST", f"/repos/model/-/{repo.name}/move", json=to), 200, api.Repo)
        assert expect(await nobody("GET", f"/repos/model/{repo.name}"), 200, api.Repo).address == moved.address
        assert (await root("DELETE", f"/repos/model/{moved.name}")).status_code == 204
        refused(await root("GET", f"/repos/model/{moved.name}"), 404, "item_not_found")

    async def test_update(self, ana: Api, bob: Api, nobody: Api):
        repo = await made(ana, gated="auto", title="t", tags=["x"])
        changed = expect(await ana("PATCH", path_of(repo), json={"gated": False, "tags": []}), 200, api.Repo)
        assert (changed.gated, changed.tags, changed.title) == (None, [], "t")
        refused(await bob("PATCH", path_of(repo), json={"title": "x"}), 403, "forbidden")
        refused(await nobody("PATCH", path_of(repo), json={"title": "x"}), 401, "unauthenticated")
        expect(await ana("PATCH", path_of(repo), json={"visibility": "private"}), 200, api.Repo)
        refused(await bob("PATCH", path_of(repo), json={"title": "x"}), 404, "item_not_found")
        refused(await nobody("GET", path_of(repo)), 404, "item_not_found")
        assert expect(await ana("GET", path_of(repo)), 200, api.Repo).visibility == "private"

    async def test_move_and_its_redirect(self, ana: Api, bob: Api, nobody: Api):
        repo, other = await made(ana), await made(ana)
        to = {"to": f"{person(ana).name}/{unique('moved')}"}
        moved = expect(await ana("POST", f"{path_of(repo)}/move", json=to), 200, api.Repo)
        assert (moved.id, moved.address) == (repo.id, to["to"])
        assert expect(await nobody("GET", path_of(repo)), 200, api.Repo).address == moved.address
        answer = await ana("POST", f"{path_of(moved)}/move", json={"to": other.address})
        assert refused(answer, 409, "name_taken", "name")["address"] == other.address
        refused(await bob("POST", f"{path_of(moved)}/move", json={"to": "x"}), 403, "forbidden")
        refused(await ana("POST", f"{path_of(moved)}/move", json={"to": "a/b/c"}), 422, "invalid", "to")

    async def test_delete(self, ana: Api, bob: Api):
        repo = await made(ana)
        refused(await bob("DELETE", path_of(repo)), 403, "forbidden")
        assert (await ana("DELETE", path_of(repo))).status_code == 204
        refused(await ana("DELETE", path_of(repo)), 404, "item_not_found")
        assert (await made(ana, name=repo.name)).id != repo.id

    async def test_a_read_token_only_reads(self, db: Database, ana: Api):
        repo = await made(ana, visibility="private")
        reader = Api(ana.client, await sign_in(db, person(ana).account, scope=Scope.READ))
        assert expect(await reader("GET", path_of(repo)), 200, api.Repo).can == ["item:read"]
        for method, path in (("DELETE", path_of(repo)), ("PUT", f"{path_of(repo)}/like")):
            refused(await reader(method, path), 403, "scope_too_narrow")

    async def test_likes(self, ana: Api, bob: Api, nobody: Api):
        repo = await made(ana)
        for _ in range(2):
            likes = expect(await bob("PUT", f"{path_of(repo)}/like"), 200, api.Votes)
            assert (likes.votes, likes.voted) == (1, True)
        assert expect(await ana("PUT", f"{path_of(repo)}/like"), 200, api.Votes).votes == 2
        seen = expect(await bob("GET", path_of(repo)), 200, api.Repo)
        assert (seen.likes, seen.liked) == (2, True)
        first = expect(await nobody("GET", f"{path_of(repo)}/likes?limit=1"), 200, Page[api.Voter])
        rest = expect(await nobody("GET", f"{path_of(repo)}/likes?cursor={first.next}"), 200, Page[api.Voter])
        assert [voter.name for voter in first.rows + rest.rows] == [person(ana).name, person(bob).name]
        liked = expect(await nobody("GET", f"/users/{person(bob).name}/likes"), 200, Page[api.Liked])
        assert [row.address for row in liked.rows] == [repo.address]
        assert expect(await bob("DELETE", f"{path_of(repo)}/like"), 200, api.Votes).votes == 1
        refused(await nobody("PUT", f"{path_of(repo)}/like"), 401, "unauthenticated")
        refused(await nobody("GET", f"/users/{unique('no')}/likes"), 404, "account_not_found")

    async def test_lists(self, db: Database, client: httpx2.AsyncClient, nobody: Api):
        cat = Api(client, await make_user(db, "cat"))
        one = await made(cat, tags=["a", "b"], title="Alpha")
        two = await made(cat, tags=["b"], gated="auto", kind="dataset")
        await made(cat, visibility="private")

        async def found(query: str) -> list[int]:
            rows: list[api.Repo] = []
            path = f"/repos?owner={person(cat).name}&limit=1{query}"
            cursor: str | None = ""
            while cursor is not None:
                page = expect(await nobody("GET", f"{path}&cursor={cursor}" if cursor else path), 200, Page[api.Repo])
                rows, cursor = rows + page.rows, page.next
            return [repo.id for repo in rows]

        for sort in ("lastModified", "createdAt", "trendingScore", "downloads", "likes"):
            assert await found(f"&sort={sort}") == [two.id, one.id]
        assert await found("&tag=b&tag=a") == [one.id]
        assert await found("&gated=true") == [two.id]
        assert await found("&kind=model") == [one.id]
        assert await found(f"&search=alpha&search={one.name}") == [one.id]
        assert await found("&search=nothing") == []
        refused(await nobody("GET", "/repos?sort=size"), 422, "invalid", "sort")
        refused(await nobody("GET", "/repos?limit=0"), 422, "invalid", "limit")
        refused(await nobody("GET", "/repos?cursor=x"), 422, "invalid", "cursor")

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("kind", {"kind": "paper"}),
            ("name", {"name": "a b"}),
            ("name", {"name": ""}),
            ("name", {"name": "a--b"}),
            ("name", {"name": 7}),
            ("visibility", {"visibility": "protected"}),
            ("gated", {"gated": True}),
            ("sdk", {"sdk": "gradio"}),
            ("title", {"title": "a\0"}),
            ("title", {"title": "x" * 501}),
            ("tags.0", {"tags": [""]}),
            ("card", {"card": []}),
            ("card", {"card": {"x": "\0"}}),
            ("wombat", {"wombat": 1}),
        ],
    )
    async def test_malformed_fields_are_named(self, ana: Api, field: str, wrong: dict[str, Facts]):
        answer = await ana("POST", "/repos", json={"kind": "model", "name": unique("repo"), **wrong})
        assert answer.status_code == 422
        assert answer.json()["error"]["field"].startswith(field)

    async def test_broken_unicode_and_numbers_are_refused(self, ana: Api):
        for field, text in (("title", '"\\ud800"'), ("card", '{"x": "\\ud800"}'), ("card", f'{{"x": {2**70}}}')):
            body = f'{{"kind": "model", "name": "x", "{field}": {text}}}'
            answer = await ana("POST", "/repos", content=body, headers={"Content-Type": "application/json"})
            refused(answer, 422, "invalid", field)

    async def test_what_is_no_address_is_not_found(self, nobody: Api):
        for path in ("/repos/model/a%00b/c", "/repos/model/%C3%BC", "/repos/model/a--/b%20c", "/repos/space/x/y"):
            refused(await nobody("GET", path), 404, "item_not_found")
        refused(await nobody("GET", "/repos/wombat/x/y"), 422, "invalid", "kind")

    async def test_a_key_makes_a_creation_safe_to_repeat(self, ana: Api):
        body, key = {"kind": "model", "name": unique("repo")}, {"Idempotency-Key": unique("key")}
        first = expect(await ana("POST", "/repos", json=body, headers=key), 201, api.Repo)
        again = await ana("POST", "/repos", json=body, headers=key)
        assert again.headers["Idempotent-Replay"] == "true"
        assert expect(again, 201, api.Repo) == first


class TestPapers:
    async def test_registered_found_and_corrected(self, ana: Api, bob: Api, root: Api, nobody: Api):
        number = f"1706.{person(ana).id % 100_000:05d}"
        body = {
            "id": f"arXiv:{number}v7",
            "title": "Attention Is All You Need",
            "authors": [{"name": "Ashish Vaswani"}, {"name": "Noam Shazeer"}],
            "abstract": "The dominant sequence transduction models …",
            "published_at": "2017-06-12T17:57:34Z",
        }
        paper = expect(await ana("POST", "/papers", json=body), 201, api.Paper)
        assert (paper.arxiv_id, paper.address, paper.owner) == (number, number, None)
        assert [author.name for author in paper.authors] == ["Ashish Vaswani", "Noam Shazeer"]
        assert (paper.registered_by, paper.can) == (
            person(ana).name,
            ["item:delete", "item:read", "item:update", "item:vote"],
        )
        assert expect(await nobody("GET", f"/papers/{number}v2"), 200, api.Paper).can == ["item:read"]
        for again in (ana, bob):
            same = expect(await again("POST", "/papers", json=body), 200, api.Paper)
            assert (same.id, same.updated_at, same.registered_by) == (paper.id, paper.updated_at, person(ana).name)
        for other in (ana, bob):
            answer = await other("POST", "/papers", json={"id": number, "title": "Mine"})
            assert refused(answer, 409, "name_taken", "id") == {"kind": "paper", "address": number}
        assert expect(await ana("GET", f"/papers/{number}"), 200, api.Paper) == paper
        for corrector in (ana, root):
            fixed = expect(await corrector("PATCH", f"/papers/{number}", json={"title": "Fixed"}), 200, api.Paper)
            assert (fixed.id, fixed.title, fixed.registered_by) == (paper.id, "Fixed", person(ana).name)
            assert (fixed.authors, fixed.abstract) == (paper.authors, paper.abstract)
        refused(await bob("PATCH", f"/papers/{number}", json={"title": "Mine"}), 403, "forbidden")
        refused(await nobody("PATCH", f"/papers/{number}", json={"title": "Mine"}), 401, "unauthenticated")
        refused(await ana("PATCH", f"/papers/{number}", json={"title": " "}), 422, "invalid", "title")
        refused(await bob("DELETE", f"/papers/{number}"), 403, "forbidden")
        assert (await ana("DELETE", f"/papers/{number}")).status_code == 204
        refused(await ana("GET", f"/papers/{number}"), 404, "item_not_found")

    async def test_an_old_number_and_its_votes(self, ana: Api, bob: Api, nobody: Api):
        number = f"hep-th/{person(bob).id % 10_000_000:07d}"
        body = {"id": number, "title": unique("Strings")}
        paper = expect(await bob("POST", "/papers", json=body), 201, api.Paper)
        assert expect(await ana("GET", f"/papers/{number}"), 200, api.Paper).arxiv_id == number
        assert expect(await ana("GET", f"/papers/{number.replace('/', '%2F')}"), 200, api.Paper).arxiv_id == number
        fixed = expect(await bob("PATCH", f"/papers/{number}", json={"abstract": "Of strings"}), 200, api.Paper)
        assert (fixed.title, fixed.abstract) == (paper.title, "Of strings")
        for _ in range(2):
            assert expect(await ana("PUT", f"/items/{paper.id}/vote"), 200, api.Votes).votes == 1
        assert expect(await ana("GET", f"/papers/{number}"), 200, api.Paper).voted
        assert expect(await ana("DELETE", f"/items/{paper.id}/vote"), 200, api.Votes).votes == 0
        refused(await nobody("PUT", f"/items/{paper.id}/vote"), 401, "unauthenticated")

    async def test_search(self, ana: Api, nobody: Api):
        word = unique("phenomenon").replace("-", "")
        for n in range(3):
            body = {"id": f"2301.{person(ana).id % 10_000:04d}{n}", "title": f"On {word} {n}"}
            expect(await ana("POST", "/papers", json=body), 201, api.Paper)
        first = expect(await nobody("GET", f"/papers?q={word}&limit=2"), 200, Page[api.Paper])
        rest = expect(await nobody("GET", f"/papers?q={word}&limit=2&cursor={first.next}"), 200, Page[api.Paper])
        assert [paper.title for paper in first.rows + rest.rows] == [f"On {word} {n}" for n in (2, 1, 0)]

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("id", {"id": "1713.12345"}),
            ("id", {"id": "wombat"}),
            ("title", {"title": " "}),
            ("authors.0.name", {"authors": [{"name": ""}]}),
            ("authors.0", {"authors": ["Noam Shazeer"]}),
            ("published_at", {"published_at": "2017-06-12"}),
            ("published_at", {"published_at": 1497290254}),
        ],
    )
    async def test_malformed_fields_are_named(self, ana: Api, field: str, wrong: dict[str, Facts]):
        answer = await ana("POST", "/papers", json={"id": "1706.03762", "title": "T", **wrong})
        refused(answer, 422, "invalid", field)


class TestElsewhere:
    async def test_buckets(self, ana: Api, bob: Api, nobody: Api):
        name = unique("pail")
        bucket = expect(await ana("POST", "/buckets", json={"name": name}), 201, api.Bucket)
        assert bucket.address == f"{person(ana).name}/{name}"
        refused(await ana("POST", "/buckets", json={"name": name}), 409, "name_taken", "name")
        refused(await nobody("POST", "/buckets", json={"name": name}), 401, "unauthenticated")
        path = f"/buckets/{bucket.address}"
        assert expect(await nobody("GET", path), 200, api.Bucket).id == bucket.id
        found = expect(await nobody("GET", f"/buckets?owner={person(ana).name}&q=PAIL"), 200, Page[api.Bucket])
        assert [row.id for row in found.rows] == [bucket.id]
        hidden = await ana("PATCH", path, json={"visibility": "private", "title": "T"})
        assert expect(hidden, 200, api.Bucket).title == "T"
        refused(await bob("GET", path), 404, "item_not_found")
        assert (await ana("DELETE", path)).status_code == 204
        refused(await ana("GET", path), 404, "item_not_found")

    async def test_references(self, ana: Api, bob: Api, nobody: Api):
        body = {"name": unique("board"), "target_kind": "dashboard", "url": "https://example.org/b?x=1#y", "title": "B"}
        reference = expect(await ana("POST", "/references", json=body), 201, api.Reference)
        assert (reference.target_kind, reference.url) == ("dashboard", body["url"])
        path = f"/references/{reference.address}"
        changed = await ana("PATCH", path, json={"url": "s3://bucket/key"})
        assert expect(changed, 200, api.Reference).url == "s3://bucket/key"
        refused(await bob("PATCH", path, json={"title": "x"}), 403, "forbidden")
        found = expect(await nobody("GET", f"/references?owner={person(ana).name}"), 200, Page[api.Reference])
        assert [row.id for row in found.rows] == [reference.id]
        for url in ("javascript:alert(1)", "ftp://x/y", "https://", "http://u:p@host/", "x", "http://[x", "http://a b"):
            refused(await ana("PATCH", path, json={"url": url}), 422, "invalid", "url")
        assert (await ana("DELETE", path)).status_code == 204
        refused(await nobody("GET", path), 404, "item_not_found")

    async def test_items(self, ana: Api, bob: Api, nobody: Api):
        repo = await made(ana, visibility="private")
        item = expect(await ana("GET", f"/items/{repo.id}"), 200, api.Item)
        assert (item.id, item.kind, item.address) == (repo.id, "model", repo.address)
        refused(await bob("GET", f"/items/{repo.id}"), 404, "item_not_found")
        mine = expect(await ana("GET", f"/items?owner={person(ana).name}&kind=model&limit=1"), 200, Page[api.Item])
        assert [row.id for row in mine.rows] == [repo.id]
        query = f"/items?owner={person(ana).name}&q={repo.name}"
        assert not expect(await nobody("GET", query), 200, Page[api.Item]).rows
        for number in ("0", "2147483648", "x"):
            refused(await ana("GET", f"/items/{number}"), 422, "invalid", "item")


class TestSearch:
    async def test_over_collections_and_items(self, ana: Api, bob: Api, nobody: Api):
        word = unique("zebra").replace("-", "")
        repo = await made(ana, title=f"The {word} model", description="Stripes")
        await made(ana, title=f"A secret {word}", visibility="private")
        body = {"title": f"All {word}s", "description": "Horses with stripes"}
        listed = (await ana("POST", "/collections", json=body)).json()
        hits = expect(await nobody("GET", f"/search?q={word}"), 200, Page[api.SearchHit])
        assert {hit.id for hit in hits.rows} == {repo.id, listed["item_id"]}
        by_kind = {hit.kind: hit for hit in hits.rows}
        assert by_kind["collection"].address == listed["slug"]
        assert (by_kind["collection"].description, by_kind["model"].description) == ("Horses with stripes", "Stripes")
        assert by_kind["model"].can == ["item:read"]
        assert len(expect(await ana("GET", f"/search?q={word}"), 200, Page[api.SearchHit]).rows) == 3
        path = f"/search?q={word}&kind=model&kind=space&owner={person(ana).name}&limit=1"
        first = expect(await ana("GET", path), 200, Page[api.SearchHit])
        rest = expect(await ana("GET", f"{path}&cursor={first.next}"), 200, Page[api.SearchHit])
        assert len({hit.id for hit in first.rows + rest.rows}) == 2
        assert rest.next is None
        assert not expect(await bob("GET", f"/search?q={word}&owner={unique('no')}"), 200, Page[api.SearchHit]).rows

    async def test_malformed_queries_are_refused(self, nobody: Api):
        for query, field in (
            ("", "q"),
            ("?q=", "q"),
            ("?q=%20", "q"),
            ("?q=a%00", "q"),
            ("?q=" + "x" * 501, "q"),
            ("?q=a&limit=101", "limit"),
            ("?q=a&cursor=zzz", "cursor"),
            ("?q=" + "a+" * 21, "q"),
        ):
            refused(await nobody("GET", f"/search{query}"), 422, "invalid", field)
        refused(await nobody("GET", "/search?q=a&kind=wombat"), 422, "invalid", "kind.0")
        assert not expect(await nobody("GET", "/search?q=!!!"), 200, Page[api.SearchHit]).rows
