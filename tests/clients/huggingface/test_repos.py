"""Repositories as the Hub's client handles them: the things that collections hold are real."""

from __future__ import annotations

from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import HfHubHTTPError

from clients.huggingface.hub import Hub, Person, unique

KINDS = ("model", "dataset", "space")
PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}


def info(api: HfApi, name: str, kind: str) -> Any:  # noqa: ANN401 - a class for each kind
    return api.repo_info(name, repo_type=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_life_of_a_repo(alice: Person, bob: Person, kind: str) -> None:
    """Made, looked up, hidden, renamed, deleted."""
    name = f"{alice.name}/{unique('Repo')}"
    sdk = "docker" if kind == "space" else None
    url = alice.api.create_repo(name, repo_type=kind, space_sdk=sdk)
    assert (url.repo_id, url.repo_type) == (name, kind)
    assert str(url) == f"{alice.url}/{PREFIXES[kind]}{name}"
    found = info(bob.api, name, kind)
    assert (found.id, found.author, found.private, found.likes) == (name, alice.name, False, 0)
    assert found.created_at.tzinfo is not None
    if kind == "space":
        assert found.sdk == "docker"
    alice.api.update_repo_settings(name, repo_type=kind, private=True)
    assert not bob.api.repo_exists(name, repo_type=kind)
    assert info(alice.api, name, kind).private
    renamed = f"{alice.name}/{unique('Renamed')}"
    alice.api.move_repo(name, renamed, repo_type=kind)
    assert info(alice.api, name, kind).id == renamed
    alice.api.delete_repo(renamed, repo_type=kind)
    assert not alice.api.repo_exists(renamed, repo_type=kind)
    assert not alice.api.repo_exists(name, repo_type=kind)


def test_what_is_there_already(alice: Person) -> None:
    """409; `exist_ok` returns its address, whatever the case."""
    name = alice.repo("Taken")
    with pytest.raises(HfHubHTTPError, match="already exists") as error:
        alice.api.create_repo(name)
    assert error.value.response.status_code == 409
    assert alice.api.create_repo(name, exist_ok=True).repo_id == name
    assert alice.api.create_repo(name.split("/")[1].upper(), exist_ok=True).repo_id == name
    with pytest.raises(HfHubHTTPError, match=f"A model repository called {name} already exists"):
        alice.api.move_repo(alice.repo(), name)


def test_without_a_namespace_it_is_ones_own(alice: Person) -> None:
    name = unique("bare")
    assert alice.api.create_repo(name).repo_id == f"{alice.name}/{name}"
    alice.api.delete_repo(name)
    assert not alice.api.repo_exists(f"{alice.name}/{name}")


def test_what_is_not_there(alice: Person, bob: Person, nobody: Person) -> None:
    """Unknown and hidden are the same: RepositoryNotFoundError, also over plain http, also without a token."""
    hidden = alice.repo(private=True)
    for name in (hidden, f"{alice.name}/nothing", "nothing"):
        for person in (bob, nobody):
            with pytest.raises(RepositoryNotFoundError):
                person.api.model_info(name)
            assert not person.api.repo_exists(name)
            with pytest.raises(RepositoryNotFoundError):
                person.api.auth_check(name)
    bob.api.delete_repo(f"{bob.name}/nothing", missing_ok=True)
    with pytest.raises(RepositoryNotFoundError):
        bob.api.delete_repo(f"{bob.name}/nothing")
    with pytest.raises(RepositoryNotFoundError):
        bob.api.delete_repo(hidden)
    with pytest.raises(RepositoryNotFoundError):
        bob.api.move_repo(hidden, f"{bob.name}/mine")


def test_who_may_what(hub: Hub, alice: Person, bob: Person) -> None:
    """403 for what one sees but may not change; 401 for a bad token, told apart from what is missing."""
    name = alice.repo()
    reader = hub.with_token(alice.name, "read")
    for person in (bob, reader):
        for verb in (
            lambda p: p.api.update_repo_settings(name, private=True),
            lambda p: p.api.delete_repo(name),
            lambda p: p.api.move_repo(name, f"{p.name}/{unique('mine')}"),
            lambda p: p.api.create_repo(f"{alice.name}/{unique('new')}"),
            lambda p: p.api.auth_check(name, write=True),
        ):
            with pytest.raises(HfHubHTTPError) as error:
                verb(person)
            assert error.value.response.status_code == 403, error.value
    with pytest.raises(HfHubHTTPError, match="Invalid credentials in Authorization header"):
        HfApi(endpoint=hub.url, token="hf_wrong").model_info(name)
    alice.api.auth_check(name)
    alice.api.auth_check(name, write=True)


def test_gated(alice: Person, bob: Person) -> None:
    """A gated repo is shown, but its content is for those who have a role on its owner."""
    name = alice.repo()
    for gated in ("auto", "manual"):
        alice.api.update_repo_settings(name, gated=gated)  # type: ignore[arg-type]
        assert bob.api.model_info(name).gated == gated
        assert bob.api.repo_exists(name)
        with pytest.raises(GatedRepoError, match="not in the authorized list"):
            bob.api.auth_check(name)
        alice.api.auth_check(name)
    alice.api.update_repo_settings(name, gated=False)
    assert bob.api.model_info(name).gated is False
    bob.api.auth_check(name)


def test_names(alice: Person) -> None:
    """Case does not matter for looking up, and the spelling is kept; an impossible name names the field."""
    name = alice.repo("MiXeD")
    assert alice.api.model_info(name.lower()).id == name
    answer = alice.call("POST", "/api/repos/create", json={"name": "no--way", "type": "model"})
    assert answer.status_code == 400
    assert "name" in answer.json()["error"].lower()


def test_revisions(alice: Person) -> None:
    """There is `main`, and nothing else as long as there are no files."""
    name = alice.repo()
    assert alice.api.model_info(name, revision="main").id == name
    for revision in ("v1", "refs/pr/1"):
        with pytest.raises(RevisionNotFoundError):
            alice.api.model_info(name, revision=revision)


def test_expanding(alice: Person) -> None:
    """Only what is named, beside the id."""
    found = alice.api.model_info(alice.repo(), expand=["likes", "createdAt"])
    assert (found.likes, found.author) == (0, None)
    assert found.created_at is not None


def test_listing(alice: Person, bob: Person) -> None:
    """By owner, words, order; private ones only for those who see them; all pages."""
    names = [alice.repo(f"list-{letter}") for letter in "abc"]
    hidden = alice.repo("list-hidden", private=True)
    assert [m.id for m in bob.api.list_models(author=alice.name, sort="created_at")] == names[::-1]
    assert {m.id for m in alice.api.list_models(author=alice.name)} == {*names, hidden}
    assert [m.id for m in bob.api.list_models(author=alice.name, search="list-b")] == [names[1]]
    assert len(list(bob.api.list_models(author=alice.name, limit=2))) == 2
    found = next(iter(bob.api.list_models(author=alice.name, full=True)))
    assert found.last_modified is not None
    assert found.siblings == []
    assert [m.author for m in bob.api.list_models(author=alice.name, expand=["likes"], limit=1)] == [None]
    assert list(bob.api.list_models(author=unique("nobody"))) == []
    assert list(bob.api.list_datasets(author=alice.name, search="x", dataset_name="y")) == []
    assert list(bob.api.list_spaces(author=alice.name)) == []
    assert list(bob.api.list_models(author=alice.name, filter="text-generation")) == []
    assert list(bob.api.list_models(author=alice.name, gated=True)) == []


def test_listing_more_than_a_page(alice: Person) -> None:
    names = {alice.repo("many", kind="dataset") for _ in range(105)}
    assert {found.id for found in alice.api.list_datasets(author=alice.name)} == names
    assert len(list(alice.api.list_datasets(author=alice.name, limit=103))) == 103


def test_listing_ones_own(hub: Hub, alice: Person, bob: Person) -> None:
    """`hf repos ls`: every kind, private ones too."""
    own = {(alice.repo(kind=kind), kind) for kind in KINDS} | {(alice.repo(private=True), "model")}
    assert {(found.id, found.type) for found in alice.api.list_user_repos()} == own
    organization = hub.organization(admin=alice)
    ours = alice.repo(owner=organization, private=True)
    assert [(r.id, r.visibility) for r in alice.api.list_user_repos(namespace=organization)] == [(ours, "private")]
    assert list(bob.api.list_user_repos(namespace=organization)) == []
    with pytest.raises(HfHubHTTPError):
        list(alice.api.list_user_repos(namespace=unique("nobody")))


def test_likes(alice: Person, bob: Person) -> None:
    """Liked by hand (the client only takes likes back), listed both ways."""
    model, space = alice.repo(), alice.repo(kind="space")
    for path in (f"models/{model}", f"models/{model}", f"spaces/{space}"):
        bob.call("POST", f"/api/{path}/like").raise_for_status()
    assert alice.api.model_info(model).likes == 1
    assert [user.username for user in alice.api.list_repo_likers(model)] == [bob.name]
    likes = alice.api.list_liked_repos(bob.name)
    assert (likes.models, likes.spaces, likes.total) == ([model], [space], 2)
    assert bob.api.list_liked_repos().user == bob.name
    bob.api.unlike(model)
    bob.api.unlike(model)
    assert alice.api.model_info(model).likes == 0


def test_older_clients(alice: Person) -> None:
    """Before 1.0 `private` was sent, and no type for models."""
    name = unique("old")
    made = alice.call("POST", "/api/repos/create", json={"name": name, "organization": None, "private": True})
    assert made.json()["id"] == f"{alice.name}/{name}"
    assert alice.api.model_info(f"{alice.name}/{name}").private
    path = f"/api/models/{alice.name}/{name}/settings"
    alice.call("PUT", path, json={"private": False}).raise_for_status()
    assert not alice.api.model_info(f"{alice.name}/{name}").private


def test_protected_is_not_offered(alice: Person) -> None:
    answer = alice.call(
        "POST",
        "/api/repos/create",
        json={"name": unique("s"), "type": "space", "sdk": "static", "visibility": "protected"},
    )
    assert answer.status_code == 400
    assert "visibility" in answer.json()["error"]
