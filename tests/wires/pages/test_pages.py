"""The pages: signing in and out, letting a device in, reading a collection. They run nothing, believe no other site."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncGenerator
from html.parser import HTMLParser

import httpx2
import pytest

from factories import collection as make_collection
from factories.app import client_of
from factories.people import Person, actor_of, forget_attempts, make_user, sign_in, unique
from factories.releases import delete_version, make_lab, make_version
from pinakes.server.actor import Scope, system
from pinakes.server.catalog import service as catalog
from pinakes.server.collections import entries, service as collections
from pinakes.server.collections.types import Addition, FieldChanges, ItemRef
from pinakes.server.db import Database
from pinakes.server.errors import DeviceDenied, DevicePending
from pinakes.server.people import secrets, service as people
from pinakes.server.people.sessions import COOKIE
from pinakes.server.people.types import AccountChanges, DeviceGrant
from pinakes.server.wires import pages
from pinakes.server.wires.pages.people import local
from pinakes.server.wires.pages.render import markdown, web_link

PASSWORD = "correct horse battery"
OURS = {"Origin": "http://pinakes.test"}
THEIRS = {"Origin": "http://evil.test"}


@pytest.fixture
async def client(db: Database) -> AsyncGenerator[httpx2.AsyncClient]:
    await forget_attempts(db)
    async with client_of(db, None, pages) as client:
        yield client


@pytest.fixture
async def ada(db: Database) -> Person:
    person = await make_user(db, "ada")
    hashed = await secrets.hash_password(PASSWORD)
    async with db.transaction() as tx:
        await people.update_user(tx, person.actor, person.name, AccountChanges(), password_hash=hashed)
    return person


async def enter(client: httpx2.AsyncClient, person: Person) -> None:
    """Sign in."""
    form = {"name": person.name, "token": person.token}
    response = await client.post("/login", data=form, headers=OURS)
    assert response.status_code == 303
    assert client.cookies.get(COOKIE)


class Reader(HTMLParser):
    """Collects what a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def check_page(response: httpx2.Response, status: int = 200) -> str:
    """Hold a page against what all of them have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["referrer-policy"] == "same-origin"
    read = Reader(response.text)
    assert not {"script", "style", "iframe", "object", "img"} & set(read.tags)
    assert read.handlers == []
    assert 'name="viewport" content="width=device-width' in response.text
    return response.text


class TestSigningIn:
    async def test_with_a_password(self, client: httpx2.AsyncClient, ada: Person):
        check_page(await client.get("/login"))
        form = {"name": ada.name, "password": PASSWORD, "next": "/device?user_code=AB"}
        response = await client.post("/login", data=form, headers=OURS)
        assert (response.status_code, response.headers["location"]) == (303, "/device?user_code=AB")
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie, "there is no TLS here"
        assert ada.name in check_page(await client.get("/"))

    async def test_the_cookie_is_secure_where_the_server_is(self, db: Database, ada: Person):
        from pinakes.server.settings import Settings

        async with client_of(db, Settings(external_url="https://pinakes.test"), pages) as client:
            response = await client.post(
                "/login", data={"token": ada.token}, headers={"Origin": "https://pinakes.test"}
            )
        assert "; secure" in response.headers["set-cookie"].lower()

    async def test_a_wrong_password(self, client: httpx2.AsyncClient, ada: Person):
        form = {"name": f"{ada.name}", "password": "<b>wrong</b>"}
        text = check_page(await client.post("/login", data=form, headers=OURS), 401)
        assert "belong together" in text
        assert ada.name in text
        assert "wrong" not in text
        assert COOKIE not in client.cookies

    async def test_a_token_that_is_too_narrow(self, client: httpx2.AsyncClient, db: Database, ada: Person):
        narrow = await sign_in(db, ada.account, scope=Scope.WRITE)
        check_page(await client.post("/login", data={"token": narrow.token}, headers=OURS), 403)

    async def test_another_sites_form_is_refused(self, client: httpx2.AsyncClient, ada: Person):
        for headers in (THEIRS, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            response = await client.post("/login", data={"token": ada.token}, headers=headers)
            check_page(response, 403)
            assert "set-cookie" not in response.headers

    async def test_too_many_attempts(self, client: httpx2.AsyncClient):
        for _ in range(10):
            check_page(await client.post("/login", data={"name": "x", "token": "x"}, headers=OURS), 401)
        check_page(await client.post("/login", data={"name": "x", "token": "x"}, headers=OURS), 429)

    async def test_what_is_no_form(self, client: httpx2.AsyncClient):
        for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""):
            headers = {**OURS, "Content-Type": content_type}
            response = await client.post("/login", content=b"\xff\x00%zz&name=a%00b&=", headers=headers)
            check_page(response, response.status_code)
            assert response.status_code in {401, 422}

    async def test_signing_out(self, client: httpx2.AsyncClient, ada: Person):
        await enter(client, ada)
        secret = client.cookies[COOKIE]
        check_page(await client.post("/logout", headers=THEIRS), 403)
        assert "Sign out" in check_page(await client.get("/logout")), "looking does not sign out"
        assert ada.name in check_page(await client.get("/"))
        response = await client.post("/logout", headers=OURS)
        assert response.status_code == 303
        client.cookies.clear()
        client.cookies[COOKIE] = secret
        assert ada.name not in check_page(await client.get("/")), "the session itself has ended"

    @pytest.mark.parametrize(
        "target", ["//evil.test", "/\\evil.test", "https://evil.test", "evil", "", "/a\nb", "/ä", "/\t/evil.test"]
    )
    def test_it_never_leads_to_another_site(self, target: str):
        assert local(target) == "/"

    def test_it_leads_to_a_path_of_ours(self):
        assert local("/device?user_code=A") == "/device?user_code=A"


class TestDevice:
    @pytest.fixture
    async def grant(self, db: Database) -> DeviceGrant:
        async with db.transaction() as tx:
            return await people.start_device_grant(tx, "hf-<cli>")

    async def poll(self, db: Database, grant: DeviceGrant) -> str:
        async with db.reading() as tx:
            return (await people.poll_device_grant(tx, grant.device_code)).value

    async def test_who_is_signed_in_lets_it_in(
        self, client: httpx2.AsyncClient, db: Database, ada: Person, grant: DeviceGrant
    ):
        await enter(client, ada)
        text = check_page(await client.get("/device", params={"user_code": grant.user_code.lower()}))
        assert grant.user_code in text
        assert "hf-&lt;cli&gt;" in text
        form = {"user_code": grant.user_code, "decision": "approve"}
        assert "The device is in" in check_page(await client.post("/device", data=form, headers=OURS))
        assert (await actor_of(db, await self.poll(db, grant))).user_id == ada.id

    async def test_no_other_site_lets_it_in_with_his_session(
        self, client: httpx2.AsyncClient, db: Database, ada: Person, grant: DeviceGrant
    ):
        await enter(client, ada)
        form = {"user_code": grant.user_code, "decision": "approve"}
        for headers in (THEIRS, {}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}):
            check_page(await client.post("/device", data=form, headers=headers), 403)
        with pytest.raises(DevicePending):
            await self.poll(db, grant)

    async def test_name_and_password_let_it_in_and_leave_no_session(
        self, client: httpx2.AsyncClient, db: Database, ada: Person, grant: DeviceGrant
    ):
        text = check_page(await client.get("/device", params={"user_code": grant.user_code}))
        assert 'name="password"' in text
        form = {"user_code": grant.user_code, "decision": "approve", "name": ada.name, "password": "wrong"}
        check_page(await client.post("/device", data=form), 401)
        response = await client.post("/device", data={**form, "password": PASSWORD})
        assert "The device is in" in check_page(response)
        assert "set-cookie" not in response.headers
        assert (await actor_of(db, await self.poll(db, grant))).user_id == ada.id

    async def test_turning_it_away_with_a_token(
        self, client: httpx2.AsyncClient, db: Database, ada: Person, grant: DeviceGrant
    ):
        form = {"user_code": grant.user_code, "token": ada.token, "decision": "deny"}
        assert "turned away" in check_page(await client.post("/device", data=form))
        with pytest.raises(DeviceDenied):
            await self.poll(db, grant)

    async def test_an_unknown_code(self, client: httpx2.AsyncClient, ada: Person):
        await enter(client, ada)
        check_page(await client.get("/device"))
        for code in ("BCDF-GHJK", "<b>", "\0"):
            text = check_page(await client.get("/device", params={"user_code": code}), 404)
            assert "<b>" not in text.split("<h1>")[1].split("<form")[0]
            check_page(await client.post("/device", data={"user_code": code, "decision": "approve"}, headers=OURS), 404)

    async def test_what_is_written_into_it_is_escaped_and_nobody_gets_in(
        self, client: httpx2.AsyncClient, db: Database
    ):
        page = await client.get("/device?user_code=%22%3E%3Cscript%3E")
        assert "<script>" not in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        form = {"user_code": "BCDF-GHJK", "decision": "approve"}
        narrow = await make_user(db, "narrow", scope=Scope.READ)
        assert (await client.post("/device", data={**form, "token": narrow.token})).status_code == 403
        assert (await client.post("/device", data={**form, "token": "wrong"})).status_code == 401
        assert (await client.post("/device", content=b"\xff=\xff", headers=OURS)).status_code == 401

    async def test_codes_cannot_be_guessed_for_ever(self, client: httpx2.AsyncClient, ada: Person):
        await enter(client, ada)
        statuses = [
            (await client.post("/device", data={"user_code": "BCDF-GHJK"}, headers=OURS)).status_code for _ in range(12)
        ]
        assert statuses[-1] == 429


class TestCollections:
    """H-01, H-22, H-24: a collection's page is at `/collections/` and its slug."""

    async def fill(self, db: Database, ada: Person, note: str) -> str:
        async with db.transaction() as tx:
            model = await catalog.create_repo(tx, ada.actor, "model", ada.name, unique("model"))
            hidden = await catalog.create_repo(tx, ada.actor, "model", ada.name, unique("secret"), visibility="private")
            paper, _ = await catalog.register_paper(
                tx,
                system(),
                arxiv_id=f"{random.randrange(10, 99)}{random.randrange(1, 13):02}.{random.randrange(10**5):05}",
                title="Attention <i>&</i> more",
                authors=[{"name": "A"}],
                abstract="",
                published_at=None,
            )
        found = await make_collection(db, ada.actor, title=unique("Vision & <language>"), description="*Fine* things")
        additions = [
            Addition(ItemRef(paper.id), note=note),
            Addition(ItemRef(model.id)),
            Addition(ItemRef(hidden.id), note="only for me"),
        ]
        async with db.transaction() as tx:
            (await entries.add(tx, ada.actor, found.public_id, additions)).checked()
        return found.slug

    async def test_it_shows_what_the_reader_may_see_in_order(
        self, client: httpx2.AsyncClient, db: Database, ada: Person
    ):
        note = "See [this](https://example.org) <script>alert(1)</script> [that](javascript:alert(1))"
        slug = await self.fill(db, ada, note)
        response = await client.get(f"/collections/{slug}")
        text = check_page(response)
        assert "Vision &amp; &lt;language&gt;" in text
        assert "<em>Fine</em>" in text
        assert "2 items" in text
        assert "only for me" not in text
        assert text.index("Attention") < text.index(f"{ada.name}/model")
        assert "https://example.org" in Reader(text).links
        assert not [link for link in Reader(text).links if link.startswith("javascript")]
        assert any(link.startswith("https://arxiv.org/abs/") for link in Reader(text).links)
        await enter(client, ada)
        text = check_page(await client.get(f"/collections/{slug}"))
        assert "3 items" in text
        assert "only for me" in text

    async def test_a_former_address_leads_to_the_present_one(
        self, client: httpx2.AsyncClient, db: Database, ada: Person
    ):
        found = await make_collection(db, ada.actor, title=unique("Old"))
        async with db.transaction() as tx:
            renamed = await collections.update(tx, ada.actor, found.public_id, FieldChanges(title=unique("New")))
        response = await client.get(f"/collections/{found.slug}")
        assert (response.status_code, response.headers["location"]) == (302, f"/collections/{renamed.slug}")
        check_page(await client.get(response.headers["location"]))

    async def test_a_private_one_and_none_look_alike(self, client: httpx2.AsyncClient, db: Database, ada: Person):
        found = await make_collection(db, ada.actor, title=unique("Private"), visibility="private")
        hidden = check_page(await client.get(f"/collections/{found.slug}"), 404)
        absent = check_page(await client.get(f"/collections/{ada.name}/nothing-{'0' * 24}"), 404)
        assert hidden == absent
        await enter(client, ada)
        check_page(await client.get(f"/collections/{found.slug}"))
        assert found.title in check_page(await client.get("/"))
        client.cookies.clear()
        assert found.title not in check_page(await client.get("/"))

    async def test_a_long_one_comes_in_pages(self, client: httpx2.AsyncClient, db: Database, ada: Person):
        from factories import models

        found = await make_collection(db, ada.actor, await models(db, ada.actor, 101), title=unique("Long"))
        text = check_page(await client.get(f"/collections/{found.slug}"))
        assert text.count('class="kind"') == 100
        (following,) = [link for link in Reader(text).links if "cursor=" in link]
        assert check_page(await client.get(following)).count('class="kind"') == 1
        check_page(await client.get(f"/collections/{found.slug}?cursor=nonsense"), 422)

    @pytest.mark.parametrize("path", ["a/b", "%00/b", "a/%ff", "a/" + "b" * 3000, "%F0%9F%98%80/x"])
    async def test_an_address_that_cannot_be(self, client: httpx2.AsyncClient, path: str):
        check_page(await client.get(f"/collections/{path}"), 404)

    async def test_the_start_page_and_its_style(self, client: httpx2.AsyncClient, db: Database, ada: Person):
        found = await make_collection(db, ada.actor, title=unique("Newest"), theme="green")
        text = check_page(await client.get("/"))
        assert found.title in text
        assert "theme-green" in text
        (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', text)
        response = await client.get(style)
        assert response.headers["content-type"].startswith("text/css")
        assert "@import" not in response.text
        assert "url(" not in response.text

    async def test_the_start_page_shows_showcases_only(self, client: httpx2.AsyncClient, db: Database):
        lab = await make_lab(db)
        shown = await make_collection(db, lab.member.actor, title=unique("Shown"))
        version = await make_version(db, lab.team, unique("logged"))
        link = await lab.link(await lab.registry(), unique("released"), version)
        await enter(client, lab.member)
        text = check_page(await client.get("/"))
        assert shown.title in text
        assert link.card.title not in text
        assert "logged" not in text

    async def test_a_release_shows_its_versions(self, client: httpx2.AsyncClient, db: Database):
        """Newest first, with numbers and aliases, under the registry's own name; a deleted one says what it was."""
        lab = await make_lab(db)
        registry = await lab.registry(unique("Fine-tuned models"))
        old, new = [await make_version(db, lab.team, unique("digits")) for _ in range(2)]
        name = unique("MNIST")
        await lab.link(registry, name, old)
        link = await lab.link(registry, name, new, "production")
        await delete_version(db, old, lab.member)
        await enter(client, lab.member)
        text = check_page(await client.get(f"/collections/{link.card.slug}"))
        assert f"{lab.org.name} / {registry.name}" in text
        assert re.search(rf"v1.*{new.name}.*production.*latest|v1.*{new.name}.*latest.*production", text, re.DOTALL)
        assert text.index(new.name) < text.index(old.name.partition("/")[2])
        assert f"digest {old.digest}" in text
        assert "deleted" in text


class TestText:
    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("**a** ~~b~~ `c`", "<p><strong>a</strong> <s>b</s> <code>c</code></p>"),
            ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
            ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
            ("![x](http://evil.test/pixel.png)", "<p></p>"),
            ("# big", "big"),
            ("a\nb", "<p>a<br>\nb</p>"),
        ],
    )
    def test_markdown_without_peoples_html(self, written: str, shown: str):
        assert str(markdown(written)).strip() == shown

    def test_links_of_markdown_give_nothing_away(self):
        assert 'rel="noopener noreferrer"' in str(markdown("[x](https://example.org)"))

    @pytest.mark.parametrize(
        ("url", "kept"),
        [
            ("https://example.org/a", True),
            ("HTTP://example.org", True),
            ("javascript:alert(1)", False),
            ("data:text/html,x", False),
            ("/path", False),
            ("", False),
            (None, False),
        ],
    )
    def test_only_web_links_are_followed(self, url: str | None, kept: bool):
        assert web_link(url) == (url if kept else None)
