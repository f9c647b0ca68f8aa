"""What becomes of a collection when the things in it change (contracts/huggingface.md 4.5), as the client sees it."""

from __future__ import annotations

import pytest
from huggingface_hub import Collection
from huggingface_hub.utils import HfHubHTTPError

from clients.huggingface.hub import Hub, Person, unique


def ids(collection: Collection) -> list[str]:
    return [item.item_id for item in collection.items]


@pytest.fixture
def slug(alice: Person) -> str:
    return alice.api.create_collection(unique("Over time")).slug


@pytest.fixture
def models(alice: Person, bob: Person, slug: str) -> list[str]:
    """Five models in her collection, the second and fourth of them his."""
    made = [person.repo() for person in (alice, bob, alice, bob, alice)]
    for model in made:
        alice.api.add_collection_item(slug, model, "model")
    return made


def test_a_deleted_repo_is_gone(alice: Person, bob: Person, slug: str, models: list[str]) -> None:
    bob.api.delete_repo(models[1])
    found = alice.api.get_collection(slug)
    assert ids(found) == [models[0], *models[2:]]
    assert [item.position for item in found.items] == [0, 1, 2, 3]


def test_a_renamed_repo_stays_in_its_place(alice: Person, slug: str, models: list[str]) -> None:
    """The entry keeps its id; neither name can be added again."""
    before = alice.api.get_collection(slug).items[2]
    new = f"{alice.name}/{unique('renamed')}"
    alice.api.move_repo(models[2], new)
    after = alice.api.get_collection(slug).items[2]
    assert (after.item_id, after.item_object_id) == (new, before.item_object_id)
    for name in (models[2], new):
        with pytest.raises(HfHubHTTPError) as error:
            alice.api.add_collection_item(slug, name, "model")
        assert error.value.response.status_code == 409


def test_a_moved_repo_stays_in_its_place(hub: Hub, alice: Person, slug: str, models: list[str]) -> None:
    """Given to an organization, with an old address that still leads to it."""
    organization = hub.organization(admin=alice)
    new = f"{organization}/{unique('moved')}"
    alice.api.move_repo(models[0], new)
    assert ids(alice.api.get_collection(slug))[0] == new
    assert alice.api.model_info(models[0]).id == new


def test_a_hidden_repo_is_hidden_from_others(alice: Person, bob: Person, slug: str, models: list[str]) -> None:
    """Also for the collection's owner, who then orders what she sees; shown again, it is back."""
    bob.api.update_repo_settings(models[1], private=True)
    seen = alice.api.get_collection(slug)
    assert ids(seen) == [models[0], *models[2:]]
    assert [item.position for item in seen.items] == [0, 1, 2, 3]
    assert ids(bob.api.get_collection(slug)) == models
    alice.api.update_collection_item(slug, seen.items[3].item_object_id, position=1)
    assert ids(alice.api.get_collection(slug)) == [models[0], models[4], models[2], models[3]]
    bob.api.update_repo_settings(models[1], private=False)
    assert set(ids(alice.api.get_collection(slug))) == set(models)
    assert [i for i in ids(alice.api.get_collection(slug)) if i != models[1]] == [
        models[0],
        models[4],
        models[2],
        models[3],
    ]


def test_ones_own_private_repo_in_a_public_collection(alice: Person, bob: Person, nobody: Person, slug: str) -> None:
    """It may be put in; others do not see it: not in the collection, not in lists, not by a filter."""
    secret, public = alice.repo(private=True), alice.repo()
    alice.api.add_collection_item(slug, secret, "model")
    alice.api.add_collection_item(slug, public, "model")
    assert ids(alice.api.get_collection(slug)) == [secret, public]
    for person in (bob, nobody):
        assert ids(person.api.get_collection(slug)) == [public]
        assert [ids(row) for row in person.api.list_collections(owner=alice.name)] == [[public]]
        assert list(person.api.list_collections(item=f"models/{secret}")) == []


def test_a_nested_collection(alice: Person, bob: Person, slug: str) -> None:
    """Renamed: its new slug. Private: hidden from others. Deleted: gone."""
    nested = alice.api.create_collection(unique("Nested"))
    alice.api.add_collection_item(slug, nested.slug, "collection")
    renamed = alice.api.update_collection_metadata(nested.slug, title=unique("Renamed")).slug
    assert ids(bob.api.get_collection(slug)) == [renamed]
    alice.api.update_collection_metadata(renamed, private=True)
    assert ids(bob.api.get_collection(slug)) == []
    assert ids(alice.api.get_collection(slug)) == [renamed]
    alice.api.delete_collection(renamed)
    assert ids(alice.api.get_collection(slug)) == []


def test_a_collection_in_itself(alice: Person, slug: str) -> None:
    """The Hub allows it; no reader ever runs in a circle."""
    other = alice.api.create_collection(unique("Other")).slug
    alice.api.add_collection_item(slug, slug, "collection")
    alice.api.add_collection_item(slug, other, "collection")
    alice.api.add_collection_item(other, slug, "collection")
    assert ids(alice.api.get_collection(slug)) == [slug, other]
    assert ids(alice.api.get_collection(other)) == [slug]


def test_a_collection_given_away(hub: Hub, alice: Person, slug: str) -> None:
    """Given to another owner (natively), its former address still finds it, for reading and writing."""
    organization = hub.organization(admin=alice)
    admin = hub.with_token(alice.name, "admin")
    admin.call("POST", f"/api/v1/collections/{slug[-24:]}/transfer", json={"owner": organization}).raise_for_status()
    found = alice.api.get_collection(slug)
    assert found.slug.startswith(f"{organization}/")
    assert alice.api.add_collection_item(slug, alice.repo(), "model").owner == organization


def test_kinds_that_the_client_does_not_know(hub: Hub, alice: Person, slug: str) -> None:
    """H-13: left out of the answer, never an error; positions count what is shown."""
    models = [alice.repo() for _ in range(3)]
    reference = {"owner": alice.name, "name": unique("run"), "target_kind": "run", "url": "https://example.org/run/1"}
    made = alice.call("POST", "/api/v1/references", json=reference)
    made.raise_for_status()
    alice.api.add_collection_item(slug, models[0], "model")
    addition = {"items": [{"item": made.json()["id"]}]}
    alice.call("POST", f"/api/v1/collections/{slug[-24:]}/entries", json=addition).raise_for_status()
    for model in models[1:]:
        alice.api.add_collection_item(slug, model, "model")
    shown = alice.api.get_collection(slug)
    assert ids(shown) == models
    assert [item.position for item in shown.items] == [0, 1, 2]
    for index, position, order in ((0, 1, [1, 0, 2]), (2, 0, [2, 1, 0]), (0, 2, [1, 0, 2])):
        before = alice.api.get_collection(slug).items
        alice.api.update_collection_item(slug, before[index].item_object_id, position=position)
        assert ids(alice.api.get_collection(slug)) == [models[n] for n in order]
    assert [len(row.items) for row in alice.api.list_collections(owner=alice.name)] == [3]
