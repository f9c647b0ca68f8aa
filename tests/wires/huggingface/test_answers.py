"""Whole answers, frozen. Names, ids and times are made equal first; everything else is as `huggingface_hub` gets it."""

from __future__ import annotations

import re
from typing import Any

from inline_snapshot import snapshot

from wires.huggingface.conftest import Hub, Person, unique

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = re.compile(r"[0-9a-f]{24}")


def frozen(answer: Any, *names: str) -> Any:  # noqa: ANN401 - JSON
    """Put `{0}`, `{1}` for the names, `{id}` and `{time}` for what differs from run to run."""
    if isinstance(answer, dict):
        return {key: frozen(value, *names) for key, value in answer.items()}
    if isinstance(answer, list):
        return [frozen(value, *names) for value in answer]
    if not isinstance(answer, str):
        return answer
    for number, name in enumerate(names):
        answer = answer.replace(name, f"{{{number}}}").replace(name.lower(), f"{{{number}}}")
    return ID.sub("{id}", TIME.sub("{time}", answer))


async def test_a_collection(hub: Hub, alice: Person) -> None:
    """2.4.0 `Collection.__init__`: slug, title, owner (a name), items, lastUpdated (`Z`), position, private, theme ...

    `CollectionItem.__init__`: _id, id, type, position; `note` is an object; `slug` replaces a nested collection's id.
    H-17, H-18: the other attributes of an item differ by kind.
    """
    slug = await alice.collection("Everything", description="One of each")
    model, dataset = await alice.repo(), await alice.repo(kind="dataset")
    space, paper = await alice.repo(kind="space"), await hub.paper()
    nested = await alice.collection("Nested one", description="Inside")
    await alice.add(slug, model, note="*Good* <script>alert(1)</script>")
    await alice.add(slug, dataset, "dataset")
    await alice.add(slug, space, "space")
    await alice.add(slug, paper, "paper")
    found = await alice.add(slug, nested, "collection")
    names = (alice.name, *(name.split("/")[1] for name in (model, dataset, space)), paper)
    assert await alice.make("GET", f"/api/collections/{slug}") == found
    assert frozen(found, *names) == snapshot(
        {
            "slug": "{0}/everything-{id}",
            "title": "Everything",
            "owner": "{0}",
            "ownerData": {"name": "{0}", "type": "user"},
            "lastUpdated": "{time}",
            "private": False,
            "theme": "orange",
            "upvotes": 0,
            "isUpvotedByUser": False,
            "gating": False,
            "shareUrl": "http://hub.test/collections/{0}/everything",
            "description": "One of each",
            "position": 0,
            "items": [
                {
                    "_id": "{id}",
                    "position": 0,
                    "type": "model",
                    "id": "{0}/{1}",
                    "author": "{0}",
                    "repoType": "model",
                    "private": False,
                    "gated": False,
                    "likes": 0,
                    "downloads": 0,
                    "lastModified": "{time}",
                    "note": {
                        "html": "<p><em>Good</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>",
                        "text": "*Good* <script>alert(1)</script>",
                    },
                },
                {
                    "_id": "{id}",
                    "position": 1,
                    "type": "dataset",
                    "id": "{0}/{2}",
                    "author": "{0}",
                    "repoType": "dataset",
                    "private": False,
                    "gated": False,
                    "likes": 0,
                    "downloads": 0,
                    "lastModified": "{time}",
                },
                {
                    "_id": "{id}",
                    "position": 2,
                    "type": "space",
                    "id": "{0}/{3}",
                    "author": "{0}",
                    "repoType": "space",
                    "private": False,
                    "gated": False,
                    "likes": 0,
                    "downloads": 0,
                    "lastModified": "{time}",
                    "title": "{3}",
                    "sdk": "gradio",
                },
                {
                    "_id": "{id}",
                    "position": 3,
                    "type": "paper",
                    "id": "{4}",
                    "title": "Attention Is All You Need",
                    "upvotes": 0,
                },
                {
                    "_id": "{id}",
                    "position": 4,
                    "type": "collection",
                    "id": "{id}",
                    "slug": "{0}/nested-one-{id}",
                    "title": "Nested one",
                    "description": "Inside",
                    "lastUpdated": "{time}",
                    "owner": {"name": "{0}"},
                    "theme": "orange",
                    "private": False,
                    "upvotes": 0,
                    "numberItems": 0,
                },
            ],
        }
    )


async def test_a_created_collection(alice: Person) -> None:
    """2.4.0 `create_collection` reads a bare collection, with `items` and `position`."""
    body = {"title": "ICCV 2023", "namespace": alice.name, "private": False}
    made = await alice.make("POST", "/api/collections", body)
    assert frozen(made, alice.name) == snapshot(
        {
            "slug": "{0}/iccv-2023-{id}",
            "title": "ICCV 2023",
            "owner": "{0}",
            "ownerData": {"name": "{0}", "type": "user"},
            "lastUpdated": "{time}",
            "private": False,
            "theme": "orange",
            "upvotes": 0,
            "isUpvotedByUser": False,
            "gating": False,
            "shareUrl": "http://hub.test/collections/{0}/iccv-2023",
            "position": 0,
            "items": [],
        }
    )


async def test_an_updated_collection(alice: Person) -> None:
    """2.4.0 `update_collection_metadata` reads `data`."""
    slug = await alice.collection()
    changed = await alice.make(
        "PATCH", f"/api/collections/{slug}", {"title": "Other", "private": True, "theme": "pink"}
    )
    assert frozen(changed, alice.name) == snapshot(
        {
            "success": True,
            "data": {
                "slug": "{0}/other-{id}",
                "title": "Other",
                "owner": "{0}",
                "ownerData": {"name": "{0}", "type": "user"},
                "lastUpdated": "{time}",
                "private": True,
                "theme": "pink",
                "upvotes": 0,
                "isUpvotedByUser": False,
                "gating": False,
                "shareUrl": "http://hub.test/collections/{0}/other",
                "position": 0,
                "items": [],
            },
        }
    )


async def test_a_row_of_collections(alice: Person) -> None:
    """2.4.0 `list_collections` passes a position of its own: one in the row is a TypeError. Four items at most."""
    slug = await alice.collection("Listed")
    for _ in range(5):
        await alice.add(slug, await alice.repo())
    (row,) = await alice.make("GET", f"/api/collections?owner={alice.name}")
    assert len(row["items"]) == 4
    assert frozen({**row, "items": []}, alice.name) == snapshot(
        {
            "slug": "{0}/listed-{id}",
            "title": "Listed",
            "owner": "{0}",
            "ownerData": {"name": "{0}", "type": "user"},
            "lastUpdated": "{time}",
            "private": False,
            "theme": "orange",
            "upvotes": 0,
            "isUpvotedByUser": False,
            "gating": False,
            "shareUrl": "http://hub.test/collections/{0}/listed",
            "items": [],
        }
    )


async def test_short_answers(alice: Person) -> None:
    """2.4.0 looks at the status of these only."""
    slug = await alice.collection("Short")
    item = (await alice.add(slug, await alice.repo()))["items"][0]["_id"]
    answers = {}
    for name, method, path, body in (
        ("update item", "PATCH", f"/items/{item}", {"note": "x"}),
        ("batch", "POST", "/items/batch", [{"_id": item, "action": "update", "data": {"position": 0}}]),
        ("delete item", "DELETE", f"/items/{item}", None),
        ("resource group", "POST", "/resource-group", {"resourceGroupId": None}),
        ("delete", "DELETE", "", None),
    ):
        answer = await alice.call(method, f"/api/collections/{slug}{path}", body)
        answers[name] = (answer.status_code, answer.text)
    assert answers == snapshot(
        {
            "update item": (200, '{"success":true}'),
            "batch": (204, ""),
            "delete item": (200, '{"success":true}'),
            "resource group": (200, '{"success":true}'),
            "delete": (200, '{"success":true}'),
        }
    )


async def test_a_taken_title(alice: Person) -> None:
    """2.4.0 reads `slug` under `exists_ok`."""
    await alice.collection("Taken")
    answer = await alice.call("POST", "/api/collections", {"title": "Taken", "namespace": alice.name})
    assert (answer.status_code, frozen(answer.json(), alice.name)) == snapshot(
        (
            409,
            {
                "slug": "{0}/taken-{id}",
                "error": "There is a collection titled 'Taken' already: {0}/taken-{id}",
                "field": "title",
            },
        )
    )


async def test_a_created_repo(alice: Person) -> None:
    """2.4.0 `create_repo` reads `url`, under `exist_ok` that of a 409."""
    name = unique("repo")
    body = {"name": name, "organization": None, "type": "dataset", "visibility": "public"}
    answers = [await alice.call("POST", "/api/repos/create", body) for _ in range(2)]
    assert [(a.status_code, frozen(a.json(), alice.name, name)) for a in answers] == snapshot(
        [
            (200, {"url": "http://hub.test/datasets/{0}/{1}", "name": "{0}/{1}", "id": "{0}/{1}"}),
            (
                409,
                {
                    "url": "http://hub.test/datasets/{0}/{1}",
                    "name": "{0}/{1}",
                    "id": "{0}/{1}",
                    "error": "A dataset repository called {0}/{1} already exists",
                    "field": "name",
                },
            ),
        ]
    )


async def test_repos(alice: Person) -> None:
    """2.4.0 `ModelInfo`, `DatasetInfo`, `SpaceInfo` need `id`; times end in `Z`; `gated` is false or a word."""
    found = {}
    for kind in ("model", "dataset", "space"):
        name = await alice.repo(kind=kind)
        answer = await alice.make("GET", f"/api/{kind}s/{name}")
        found[kind] = frozen(answer, alice.name, name.split("/")[1])
        (row,) = await alice.make("GET", f"/api/{kind}s?author={alice.name}")
        assert row == {key: value for key, value in answer.items() if key != "cardData"}
        expanded = await alice.make("GET", f"/api/{kind}s/{name}?expand=likes&expand[]=sha&expand=private")
        assert list(expanded) == ["_id", "id", "likes", "private"]
    assert found == snapshot(
        {
            "model": {
                "_id": "{id}",
                "id": "{0}/{1}",
                "author": "{0}",
                "private": False,
                "gated": False,
                "disabled": False,
                "likes": 0,
                "isLikedByUser": False,
                "tags": [],
                "createdAt": "{time}",
                "lastModified": "{time}",
                "siblings": [],
                "cardData": {},
                "modelId": "{0}/{1}",
                "downloads": 0,
                "pipeline_tag": None,
                "library_name": None,
            },
            "dataset": {
                "_id": "{id}",
                "id": "{0}/{1}",
                "author": "{0}",
                "private": False,
                "gated": False,
                "disabled": False,
                "likes": 0,
                "isLikedByUser": False,
                "tags": [],
                "createdAt": "{time}",
                "lastModified": "{time}",
                "siblings": [],
                "cardData": {},
                "downloads": 0,
                "description": "",
            },
            "space": {
                "_id": "{id}",
                "id": "{0}/{1}",
                "author": "{0}",
                "private": False,
                "gated": False,
                "disabled": False,
                "likes": 0,
                "isLikedByUser": False,
                "tags": [],
                "createdAt": "{time}",
                "lastModified": "{time}",
                "siblings": [],
                "cardData": {},
                "sdk": "gradio",
                "title": "{1}",
            },
        }
    )


async def test_own_repos(alice: Person) -> None:
    """2.4.0 `RepoStorageInfo`: id, type, updatedAt, visibility, storage."""
    name = await alice.repo(private=True)
    rows = await alice.make("GET", "/api/settings/repositories")
    assert frozen(rows, alice.name, name.split("/")[1]) == snapshot(
        [
            {
                "id": "{0}/{1}",
                "type": "model",
                "updatedAt": "{time}",
                "visibility": "private",
                "storage": 0,
                "storagePercent": 0,
            }
        ]
    )


async def test_likes(alice: Person, bob: Person) -> None:
    """2.4.0 `list_repo_likers` reads user, fullname, avatarUrl; `list_liked_repos` reads repo.name, repo.type."""
    name = await alice.repo()
    liked = await bob.make("POST", f"/api/models/{name}/like")
    likers = await alice.make("GET", f"/api/models/{name}/likers")
    likes = await alice.make("GET", f"/api/users/{bob.name}/likes")
    answers = frozen([liked, likers, likes], alice.name, bob.name, name.split("/")[1])
    assert answers == snapshot(
        [
            {"likes": 1},
            [{"user": "{1}", "fullname": "{1}", "avatarUrl": "", "type": "user", "isPro": False}],
            [{"createdAt": "{time}", "repo": {"name": "{0}/{2}", "type": "model"}}],
        ]
    )


async def test_whoami(hub: Hub, alice: Person, bob: Person) -> None:
    """2.4.0: `name` for `create_collection`, `orgs` for `hf auth whoami`, `auth.accessToken` for `login`."""
    organization = await hub.organization(bob, member=alice)
    answer = await alice.make("GET", "/api/whoami-v2")
    assert frozen(answer, alice.name, organization) == snapshot(
        {
            "type": "user",
            "id": "{id}",
            "name": "{0}",
            "fullname": "{0}",
            "email": "{0}@example.org",
            "emailVerified": True,
            "isPro": False,
            "canPay": False,
            "periodEnd": None,
            "avatarUrl": "",
            "orgs": [
                {
                    "name": "{1}",
                    "fullname": "The Org",
                    "avatarUrl": "",
                    "type": "org",
                    "id": "{id}",
                    "email": None,
                    "canPay": False,
                    "periodEnd": None,
                    "roleInOrg": "write",
                    "isEnterprise": False,
                }
            ],
            "auth": {
                "type": "access_token",
                "accessToken": {"displayName": "laptop", "role": "write", "createdAt": "{time}"},
            },
        }
    )


async def test_overviews(hub: Hub, alice: Person, bob: Person) -> None:
    """2.4.0 `User` (`user` is the name) and `Organization` (`name` is)."""
    organization = await hub.organization(alice, member=bob)
    answers = [
        await bob.make("GET", f"/api/users/{alice.name}/overview"),
        await bob.make("GET", f"/api/organizations/{organization}/overview"),
        await bob.make("GET", f"/api/organizations/{organization}/members"),
    ]
    assert frozen(answers, alice.name, organization, bob.name) == snapshot(
        [
            {
                "user": "{0}",
                "fullname": "{0}",
                "avatarUrl": "",
                "type": "user",
                "isPro": False,
                "createdAt": "{time}",
                "orgs": [{"name": "{1}", "fullname": "The Org", "avatarUrl": "", "type": "org"}],
            },
            {"name": "{1}", "fullname": "The Org", "avatarUrl": "", "type": "org", "createdAt": "{time}"},
            [
                {"user": "{0}", "fullname": "{0}", "avatarUrl": "", "type": "user", "isPro": False, "role": "admin"},
                {"user": "{2}", "fullname": "{2}", "avatarUrl": "", "type": "user", "isPro": False, "role": "member"},
            ],
        ]
    )


async def test_papers(hub: Hub, nobody: Person) -> None:
    """2.4.0 `PaperInfo`: in a list the facts are inside `paper`, the title and the date of submission outside."""
    word = unique("Word").replace("-", "")
    paper = await hub.paper(f"{word} Is All You Need")
    found = await nobody.make("GET", f"/api/papers/{paper}")
    rows = await nobody.make("GET", f"/api/papers/search?q={word}")
    text = (await nobody.call("GET", f"/papers/{paper}.md")).text
    assert frozen([found, rows, text], word, paper) == snapshot(
        [
            {
                "id": "{1}",
                "title": "{0} Is All You Need",
                "summary": "The …",
                "authors": [{"name": "Ashish Vaswani"}],
                "publishedAt": None,
                "upvotes": 0,
                "isUpvotedByUser": False,
            },
            [
                {
                    "paper": {
                        "id": "{1}",
                        "title": "{0} Is All You Need",
                        "summary": "The …",
                        "authors": [{"name": "Ashish Vaswani"}],
                        "publishedAt": None,
                        "upvotes": 0,
                        "isUpvotedByUser": False,
                    },
                    "title": "{0} Is All You Need",
                    "publishedAt": None,
                    "numComments": 0,
                }
            ],
            """\
# {0} Is All You Need

Ashish Vaswani

The …

https://arxiv.org/abs/{1}
""",
        ]
    )


async def test_the_device_flow(hub: Hub, nobody: Person) -> None:
    """2.4.0 `request_device_code` and `poll_device_token`; errors have OAuth's form."""
    form = {"client_id": "test"}
    started = (await nobody.call("POST", "/oauth/device", data=form)).json()
    poll = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": started["device_code"],
        "client_id": "test",
    }
    waiting = await nobody.call("POST", "/oauth/token", data=poll)
    hurried = await nobody.call("POST", "/oauth/token", data=poll)
    unknown = await nobody.call("POST", "/oauth/token", data={**poll, "device_code": "nonsense"})
    other = await nobody.call("POST", "/oauth/token", data={"grant_type": "refresh_token"})
    answers = [started, *((a.status_code, a.json()) for a in (waiting, hurried, unknown, other))]
    assert frozen(answers, started["device_code"], started["user_code"]) == snapshot(
        [
            {
                "device_code": "{0}",
                "user_code": "{1}",
                "verification_uri": "http://hub.test/device",
                "verification_uri_complete": "http://hub.test/device?user_code={1}",
                "interval": 2,
                "expires_in": 900,
            },
            (400, {"error": "authorization_pending", "error_description": "Nobody has approved this device yet."}),
            (400, {"error": "slow_down", "error_description": "Asked again too soon; wait for the interval."}),
            (
                400,
                {
                    "error": "expired_token",
                    "error_description": "This device code is unknown, used up or expired; start again.",
                },
            ),
            (
                400,
                {
                    "error": "unsupported_grant_type",
                    "error_description": "Tokens are given to devices only, by the device flow.",
                },
            ),
        ]
    )
