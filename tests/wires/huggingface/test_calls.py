"""What the routes do with what they are sent: wrong types, odd spellings, pages, hidden things, how many queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pinakes.server.actor import Scope, system
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import RepoChanges
from pinakes.server.collections import entries
from pinakes.server.collections.types import Addition, ItemRef
from pinakes.server.people import service as people
from wires.huggingface.conftest import ENDPOINT, Hub, Person, unique


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (b"", "body"),
            (b"{", "body"),
            (b"[]", "body"),
            (b'{"title": "\xff"}', "body"),
            (b'{"title": "\\ud800"}', "body"),
            (b"{}", "title"),
            (b'{"title": 7}', "title"),
            (b'{"title": null}', "title"),
            (b'{"title": "a\\u0000b"}', "title"),
            (b'{"title": "x", "private": 0}', "private"),
            (b'{"title": "x", "private": "false"}', "private"),
            (b'{"title": "x", "description": 1}', "description"),
            (b'{"title": "x", "item": {"type": "model"}}', "item.id"),
            (b'{"title": "x", "item": {"type": "thing", "id": "a/b"}}', "item.type"),
            (b'{"title": "x", "theme": "beige"}', "theme"),
            (b'{"title": ""}', "title"),
            (b'{"title": "x", "description": "%s"}' % (b"d" * 151), "description"),
        ],
    )
    async def test_of_a_new_collection(self, alice: Person, body: bytes, field: str) -> None:
        """400, with the field; nothing is made."""
        answer = await alice.call(
            "POST", "/api/collections", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, answer.text
        assert answer.json()["field"] == field
        assert field in answer.json()["error"].lower()
        assert await alice.make("GET", f"/api/collections?owner={alice.name}") == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"position": False}, "position"),
            ({"position": "1"}, "position"),
            ({"position": 1.5}, "position"),
            ({"position": -1}, "position"),
            ({"position": 2**31}, "position"),
            ({"position": 2**70}, "position"),
            ({"note": 7}, "note"),
            ({"note": "x" * 501}, "note"),
            ({"note": "a\0b"}, "note"),
            ([], "body"),
        ],
    )
    async def test_of_an_item(self, alice: Person, body: object, field: str) -> None:
        """`false` is no 0."""
        slug = await alice.collection("Bodies")
        item = (await alice.add(slug, await alice.repo(), note="kept"))["items"][0]
        answer = await alice.call("PATCH", f"/api/collections/{slug}/items/{item['_id']}", body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["field"] == field
        assert (await alice.make("GET", f"/api/collections/{slug}"))["items"] == [item]

    async def test_unknown_fields_are_passed_over(self, alice: Person) -> None:
        """Newer clients send more."""
        made = await alice.make("POST", "/api/collections", {"title": unique("New"), "gating": {"mode": "auto"}})
        assert made["owner"] == alice.name

    async def test_a_first_item(self, alice: Person) -> None:
        """The Hub takes one at creation; a bad one, and nothing is made."""
        model = await alice.repo()
        made = await alice.make("POST", "/api/collections", {"title": "One", "item": {"type": "model", "id": model}})
        assert [item["id"] for item in made["items"]] == [model]
        bad = {"title": "Two", "item": {"type": "model", "id": f"{alice.name}/nothing"}}
        assert (await alice.call("POST", "/api/collections", bad)).status_code == 404
        assert len(await alice.make("GET", f"/api/collections?owner={alice.name}")) == 1

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            ("model", "a b"),
            ("model", ""),
            ("dataset", "a\0"),
            ("space", "a/b/c"),
            ("model", "x" * 5000),
            ("paper", "2010.119290"),
            ("paper", ""),
            ("collection", "neither-owner-nor-id"),
        ],
        ids=lambda value: value[:20],
    )
    async def test_a_malformed_id(self, alice: Person, kind: str, name: str) -> None:
        """What can name nothing of that type is a 400 about `item.id`, also as a first item."""
        slug = await alice.collection("Malformed")
        item = {"type": kind, "id": name}
        creation = {"title": unique("With"), "item": item}
        for path, body in ((f"/api/collections/{slug}/items", {"item": item}), ("/api/collections", creation)):
            answer = await alice.call("POST", path, body)
            assert (answer.status_code, answer.json()["field"]) == (400, "item.id"), answer.text
            assert answer.headers["X-Error-Message"].startswith("item.id: The address of a")
        assert (await alice.make("GET", f"/api/collections/{slug}"))["items"] == []

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            ("model", "nobody/nothing"),
            ("model", "nothing"),
            ("paper", "nobody/nothing"),
            ("paper", "2010.11929v9"),
            ("model", "2010.11929"),
            ("collection", "nobody/nothing"),
            ("collection", "nobody/nothing-0123456789abcdef01234567"),
            ("dataset", "datasets/nobody/nothing"),
            ("bucket", "nobody/nothing"),
        ],
        ids=str,
    )
    async def test_an_unknown_id(self, alice: Person, kind: str, name: str) -> None:
        """What could be there and is not, or is of another type, is a 404."""
        slug = await alice.collection("Unknown")
        answer = await alice.call("POST", f"/api/collections/{slug}/items", {"item": {"type": kind, "id": name}})
        assert answer.status_code == 404, answer.text
        assert answer.headers["X-Error-Message"].startswith("No such item: ")

    @pytest.mark.parametrize(
        ("method", "path", "body", "field"),
        [
            ("POST", "/api/repos/create", {"name": 1}, "name"),
            ("POST", "/api/repos/create", {"name": "x", "type": "thing"}, "type"),
            ("POST", "/api/repos/create", {"name": "a b"}, "name"),
            ("POST", "/api/repos/create", {"name": "x", "visibility": "protected"}, "visibility"),
            ("POST", "/api/repos/create", {"name": "x", "visibility": "hidden"}, "visibility"),
            ("POST", "/api/repos/create", {"name": "x", "type": "space", "sdk": "vax"}, "sdk"),
            ("POST", "/api/repos/move", {"fromRepo": "x/y"}, "toRepo"),
            ("DELETE", "/api/repos/delete", {}, "name"),
            ("PUT", "/api/models/x/y/settings", {"gated": True}, None),
        ],
    )
    async def test_of_repositories(
        self, alice: Person, method: str, path: str, body: object, field: str | None
    ) -> None:
        answer = await alice.call(method, path, body)
        assert answer.status_code == 400, answer.text
        assert field is None or answer.json()["field"] == field


class TestWho:
    async def test_without_a_token(self, alice: Person, nobody: Person) -> None:
        """401 where one has to sign in, on every route that changes something."""
        slug, model = await alice.collection(), await alice.repo()
        for method, path, body in (
            ("GET", "/api/whoami-v2", None),
            ("GET", "/api/settings/repositories", None),
            ("POST", "/api/collections", {"title": "x"}),
            ("PATCH", f"/api/collections/{slug}", {"title": "x"}),
            ("DELETE", f"/api/collections/{slug}", None),
            ("POST", f"/api/collections/{slug}/items", {"item": {"type": "model", "id": model}}),
            ("POST", f"/api/collections/{slug}/items/batch", []),
            ("POST", f"/api/collections/{slug}/resource-group", {"resourceGroupId": None}),
            ("POST", "/api/repos/create", {"name": "x"}),
            ("DELETE", "/api/repos/delete", {"name": "x"}),
            ("POST", "/api/repos/move", {"fromRepo": model, "toRepo": f"{alice.name}/y"}),
            ("PUT", f"/api/models/{model}/settings", {"private": True}),
            ("POST", f"/api/models/{model}/like", None),
            ("GET", f"/api/models/{model}/auth-check/write", None),
        ):
            answer = await nobody.call(method, path, body)
            assert answer.status_code == 401, (method, path, answer.text)

    async def test_with_a_bad_token(self, alice: Person, nobody: Person) -> None:
        """Said everywhere, also where no token was needed; what is no bearer's token is a bad one."""
        slug = await alice.collection()
        for header in ("Bearer wrong", "Bearer", "Basic YTpi", b"Bearer \x01\xff"):
            for path in (f"/api/collections/{slug}", "/api/collections", "/api/whoami-v2", "/api/models"):
                answer = await nobody.call("GET", path, headers={"Authorization": header})
                assert answer.status_code == 401
                assert answer.headers["X-Error-Message"] == "Invalid credentials in Authorization header"

    async def test_with_a_reading_token(self, hub: Hub, alice: Person) -> None:
        """403 that says why."""
        slug = await alice.collection()
        reader = await hub.person(scope=Scope.READ, name=alice.name)
        answer = await reader.call("PATCH", f"/api/collections/{slug}", {"title": "x"})
        assert answer.status_code == 403
        assert "scope" in answer.headers["X-Error-Message"]
        assert (await reader.make("GET", "/api/whoami-v2"))["auth"]["accessToken"]["role"] == "read"

    async def test_a_hidden_collection_answers_as_a_missing_one(self, alice: Person, bob: Person) -> None:
        """The same 404, whatever is tried."""
        hidden = await alice.collection("Hidden", private=True)
        missing = f"{alice.name}/hidden-{'0' * 24}"
        model = await bob.repo()
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"title": "x"}),
            ("DELETE", "", None),
            ("POST", "/items", {"item": {"type": "model", "id": model}}),
            ("PATCH", f"/items/{'0' * 24}", {"note": "x"}),
            ("PATCH", f"/items/{'0' * 24}", {"position": 1}),
            ("DELETE", f"/items/{'0' * 24}", None),
        ):
            answers = [await bob.call(method, f"/api/collections/{slug}{path}", body) for slug in (hidden, missing)]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].json() == answers[1].json()


class TestAddresses:
    async def test_of_collections(self, alice: Person, bob: Person) -> None:
        slug = await alice.collection("Kimi K2")
        for spelling in (
            slug,
            f"{alice.name}/{slug[-24:]}",
            f"{alice.name}/other-words-{slug[-24:]}",
            f"{alice.name}/kimi-k2",
            slug.upper(),
        ):
            assert (await alice.make("GET", f"/api/collections/{spelling}"))["slug"] == slug
        for wrong in (
            f"{bob.name}/{slug.split('/')[1]}",
            f"{alice.name}/kimi",
            f"{alice.name}/%00",
            f"{alice.name}/%FF",
        ):
            assert (await alice.call("GET", f"/api/collections/{wrong}")).status_code == 404

    async def test_a_former_address_redirects(self, alice: Person) -> None:
        """307, with a location without a host (the client keeps its token then), on every read of the repository."""
        old = await alice.repo()
        new = f"{alice.name}/{unique('new')}"
        await alice.make("POST", "/api/repos/move", {"fromRepo": old, "toRepo": new, "type": "model"})
        for path in ("", "/revision/main", "?expand=likes&blobs=true"):
            answer = await alice.call("GET", f"/api/models/{old}{path}")
            assert answer.status_code == 307
            assert answer.headers["Location"] == f"/api/models/{new}{path}"
            assert (await alice.call("GET", answer.headers["Location"])).json()["id"] == new

    async def test_a_redirect_below_a_prefix(self, hub: Hub, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        """With `PINAKES_EXTERNAL_URL` below a path, the location and the links have it."""
        old = await alice.repo()
        new = f"{alice.name}/{unique('new')}"
        await alice.make("POST", "/api/repos/move", {"fromRepo": old, "toRepo": new, "type": "model"})
        settings = replace(hub.state.settings, external_url="https://hub.example.org/hf/")
        monkeypatch.setattr(hub.state, "settings", settings)
        answer = await alice.call("GET", f"/api/models/{old}")
        assert answer.headers["Location"] == f"/hf/api/models/{new}"
        page = await alice.call("GET", f"/api/models?author={alice.name}&limit=1")
        assert "next" not in page.links
        await alice.repo()
        page = await alice.call("GET", f"/api/models?author={alice.name}&limit=1")
        assert page.links["next"]["url"].startswith("https://hub.example.org/hf/api/models?")
        made = await alice.make("POST", "/api/repos/create", {"name": "below", "type": "space", "sdk": "static"})
        assert made["url"] == f"https://hub.example.org/hf/spaces/{alice.name}/below"

    async def test_case_does_not_matter(self, alice: Person) -> None:
        name = await alice.repo("MiXeD")
        assert (await alice.make("GET", f"/api/models/{name.upper()}"))["id"] == name

    async def test_without_a_namespace(self, hub: Hub, alice: Person) -> None:
        """`gpt2` is a legal id; `gpt2/likers` is about it."""
        name = unique("gpt2")
        async with hub.db.transaction() as tx:
            await catalog.create_repo(tx, system(), "model", None, name)
        assert (await alice.make("GET", f"/api/models/{name}"))["id"] == name
        assert (await alice.make("GET", f"/api/models/{name}/revision/main"))["author"] is None
        await alice.make("POST", f"/api/models/{name}/like")
        assert [row["user"] for row in await alice.make("GET", f"/api/models/{name}/likers")] == [alice.name]
        await alice.make("GET", f"/api/models/{name}/auth-check")
        await alice.make("DELETE", f"/api/models/{name}/like")
        assert (await alice.call("PUT", f"/api/models/{name}/settings", {"private": True})).status_code == 403
        slug = await alice.collection("Classics")
        assert (await alice.add(slug, name))["items"][0]["id"] == name
        missing = await alice.call("GET", f"/api/models/{unique('nothing')}/likers")
        assert (missing.status_code, missing.headers["X-Error-Code"]) == (404, "RepoNotFound")


class TestPages:
    async def test_the_link_to_the_next_page(self, alice: Person, bob: Person) -> None:
        """Absolute, with all filters; followed as it is, it leads through every row once."""
        for number in range(5):
            await alice.collection(f"Page {number}")
        seen: list[str] = []
        path = f"/api/collections?owner={alice.name}&owner={bob.name}&sort=lastModified&limit=2&q=page"
        while path:
            answer = await alice.call("GET", path)
            seen += [row["title"] for row in answer.json()]
            path = answer.links.get("next", {}).get("url", "")
            assert not path or path.startswith(f"{ENDPOINT}/api/collections?owner={alice.name}&owner={bob.name}&")
        assert seen == [f"Page {number}" for number in range(4, -1, -1)]

    async def test_rows_that_move_meanwhile(self, alice: Person) -> None:
        """No row twice."""
        slugs = [await alice.collection(f"Moving {number}") for number in range(4)]
        first = await alice.call("GET", f"/api/collections?owner={alice.name}&sort=lastModified&limit=2")
        await alice.make("PATCH", f"/api/collections/{slugs[3]}", {"description": "moved to the top"})
        rest = await alice.call("GET", first.links["next"]["url"])
        assert [row["slug"] for row in rest.json()] == [slugs[1], slugs[0]]
        assert "next" not in rest.links

    @pytest.mark.parametrize("path", ["/api/collections", "/api/models", "/api/papers/search"])
    async def test_bad_parameters(self, alice: Person, path: str) -> None:
        for query in ("limit=0", "limit=-1", "limit=x", "limit=1.0", "limit=²", "cursor=nonsense", "limit=99999999999"):
            answer = await alice.call("GET", f"{path}?{query}")
            assert answer.status_code == 400, (query, answer.text)
            assert answer.json()["field"] == query.split("=")[0]
        assert (await alice.call("GET", f"{path}?q=%00&search=%00")).status_code == 400
        assert len((await alice.call("GET", f"{path}?limit=1000")).json()) <= 100

    async def test_bad_filters(self, alice: Person) -> None:
        for path, field in (
            ("/api/collections?sort=last_modified", "sort"),
            ("/api/collections?item=things/x", "item"),
            ("/api/collections?item=models/", "item"),
            ("/api/models?sort=age", "sort"),
            ("/api/models?gated=perhaps", "gated"),
            ("/api/daily_papers?sort=age", "sort"),
        ):
            answer = await alice.call("GET", path)
            assert (answer.status_code, answer.json()["field"]) == (400, field)

    async def test_filters_on_what_is_not_known_here(self, alice: Person) -> None:
        await alice.repo(kind="space")
        for path in ("models?apps=vllm", "models?num_parameters=min:6B", "spaces?linked=true", "spaces?models=gpt2"):
            assert await alice.make("GET", f"/api/{path}&author={alice.name}") == []


class TestHiddenKinds:
    async def test_they_take_no_place(self, hub: Hub, alice: Person) -> None:
        """What the Hub does not know is left out; positions and moves count the rest."""
        slug, models = await mixed(hub, alice)
        found = (await alice.make("GET", f"/api/collections/{slug}"))["items"]
        assert [item["id"] for item in found] == models
        assert [item["position"] for item in found] == [0, 1, 2, 3]
        row = (await alice.make("GET", f"/api/collections?owner={alice.name}"))[0]
        assert {item["type"] for item in row["items"]} == {"model"}

    @pytest.mark.parametrize("index", range(4))
    @pytest.mark.parametrize("position", [*range(5), 99])
    async def test_every_move(self, hub: Hub, alice: Person, index: int, position: int) -> None:
        slug, models = await mixed(hub, alice)
        found = (await alice.make("GET", f"/api/collections/{slug}"))["items"]
        path = f"/api/collections/{slug}/items/{found[index]['_id']}"
        await alice.make("PATCH", path, {"position": position})
        wanted = [model for model in models if model != models[index]]
        wanted.insert(position, models[index])
        after = (await alice.make("GET", f"/api/collections/{slug}"))["items"]
        assert [item["id"] for item in after] == wanted

    async def test_moves_in_a_batch(self, hub: Hub, alice: Person) -> None:
        """One after the other; a bad line, and none."""
        slug, models = await mixed(hub, alice)
        found = [item["_id"] for item in (await alice.make("GET", f"/api/collections/{slug}"))["items"]]
        lines: list[dict[str, Any]] = [
            {"_id": found[3], "action": "update", "data": {"position": 0, "note": "last"}},
            {"_id": found[0], "action": "update", "data": {"position": 2}},
            {"_id": found[1], "action": "update", "data": {"note": "second"}},
        ]
        path = f"/api/collections/{slug}/items/batch"
        bad = {"_id": "0" * 24, "action": "update", "data": {"note": "x"}}
        assert (await alice.call("POST", path, [*lines, bad])).status_code == 404
        assert (await alice.call("POST", path, [*lines, {**bad, "action": "delete"}])).status_code == 400
        assert await order(alice, slug) == [(model, None) for model in models]
        assert (await alice.call("POST", path, lines)).status_code == 204
        assert await order(alice, slug) == [
            (models[3], "last"),
            (models[1], "second"),
            (models[0], None),
            (models[2], None),
        ]


async def order(person: Person, slug: str) -> list[tuple[str, str | None]]:
    found = (await person.make("GET", f"/api/collections/{slug}"))["items"]
    return [(item["id"], item.get("note", {}).get("text")) for item in found]


async def mixed(hub: Hub, person: Person) -> tuple[str, list[str]]:
    """A collection that holds references between its models: r m r m m r m r."""
    slug = await person.collection(unique("Mixed"))
    models: list[str] = []
    for letter in "rmrmmrmr":
        if letter == "m":
            models.append(await person.repo())
            await person.add(slug, models[-1])
            continue
        async with hub.db.transaction() as tx:
            actor = await people.actor_for_token(tx, person.token or "", "test", "")
            made = await catalog.create_reference(
                tx, actor, person.name, unique("run"), kind_there="run", url="https://example.org/"
            )
            (await entries.add(tx, actor, slug, [Addition(ItemRef(item_id=made.id))])).checked()
    return slug, models


class TestQueries:
    """How many queries the hot routes cost, whatever the size of the collection."""

    async def test_getting_a_collection(self, alice: Person, queries: list[str]) -> None:
        slug = await alice.collection(unique("Hot"))
        for _ in range(3):
            await alice.add(slug, await alice.repo(), note="a note")
        queries.clear()
        await alice.make("GET", f"/api/collections/{slug}")
        assert len(queries) <= 4, queries

    async def test_listing_collections(self, alice: Person, queries: list[str]) -> None:
        for number in range(3):
            await alice.collection(f"Hot {number}")
        queries.clear()
        await alice.make("GET", f"/api/collections?owner={alice.name}")
        assert len(queries) <= 5, queries

    async def test_adding_an_item(self, alice: Person, queries: list[str]) -> None:
        slug, model = await alice.collection(unique("Hot")), await alice.repo()
        queries.clear()
        await alice.add(slug, model)
        assert len(queries) <= 5, queries

    async def test_asking_who_one_is(self, alice: Person, queries: list[str]) -> None:
        await alice.make("GET", "/api/whoami-v2")
        queries.clear()
        await alice.make("GET", "/api/whoami-v2")
        assert len(queries) <= 4, queries


async def test_a_repo_with_a_card(hub: Hub, alice: Person) -> None:
    """`cardData` in the info, and in a list only when it is asked for; tags filter."""
    name = await alice.repo()
    async with hub.db.transaction() as tx:
        actor = await people.actor_for_token(tx, alice.token or "", "test", "")
        card: dict[str, object] = {"license": "mit"}
        changes = RepoChanges(tags=["text-generation", "en"], pipeline_tag="text-generation", card=card)
        await catalog.update_repo(tx, actor, "model", name, changes)
    assert (await alice.make("GET", f"/api/models/{name}"))["cardData"] == {"license": "mit"}
    for query, shown in (("", False), ("&cardData=true", True), ("&full=true", True)):
        (row,) = await alice.make("GET", f"/api/models?author={alice.name}{query}")
        assert ("cardData" in row) is shown
    both = f"/api/models?author={alice.name}&filter=en&filter=text-generation&pipeline_tag=text-generation"
    assert len(await alice.make("GET", both)) == 1
    assert await alice.make("GET", f"/api/models?author={alice.name}&filter=en&filter=fr") == []


async def test_old_documents_say_item(alice: Person) -> None:
    """`POST …/item` is the older spelling of `…/items`."""
    slug, model = await alice.collection(unique("Old")), await alice.repo()
    found = await alice.make("POST", f"/api/collections/{slug}/item", {"item": {"type": "model", "id": model}})
    assert len(found["items"]) == 1


async def test_the_request_id_comes_back(alice: Person) -> None:
    """2.4.0 shows it with every error; the client sends `x-amzn-trace-id`."""
    answer = await alice.call("GET", "/api/collections/a/b", headers={"X-Amzn-Trace-Id": "trace-1"})
    assert answer.headers["X-Request-Id"] == "trace-1"
