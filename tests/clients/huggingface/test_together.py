"""Four clients edit one collection at the same time: nothing is lost, nothing is there twice."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from huggingface_hub.utils import HfHubHTTPError

from clients.huggingface.hub import Hub, Person, unique

CLIENTS = 4
EACH = 12


def test_adding_moving_and_noting_at_once(hub: Hub, alice: Person) -> None:
    """Each adds models of its own, notes them and moves them about, while the others do the same."""
    others = [hub.person("editor") for _ in range(CLIENTS - 1)]
    organization = hub.organization("editors", admin=alice)
    for person in others:
        hub.admin("PUT", f"/organizations/{organization}/members/{person.name}", {"role": "member"})
    slug = alice.api.create_collection(unique("Busy"), namespace=organization).slug
    people = [alice, *others]
    with ThreadPoolExecutor(CLIENTS) as pool:
        wanted = [name for names in pool.map(lambda person: edit(person, slug), people) for name in names]
    found = alice.api.get_collection(slug)
    assert sorted(item.item_id for item in found.items) == sorted(wanted)
    assert all(item.note == f"note of {item.item_id}" for item in found.items)
    assert [item.position for item in found.items] == list(range(CLIENTS * EACH))
    assert len({item.item_object_id for item in found.items}) == CLIENTS * EACH


def edit(person: Person, slug: str) -> list[str]:
    """One client's work; returns the models that it leaves there."""
    dice = random.Random(person.name)
    kept: list[str] = []
    for number in range(EACH + 4):
        model = person.repo()
        found = person.api.add_collection_item(slug, model, "model")
        mine = next(item for item in found.items if item.item_id == model)
        person.api.update_collection_item(slug, mine.item_object_id, note=f"note of {model}")
        person.api.update_collection_item(slug, mine.item_object_id, position=dice.randrange(20))
        if number % 4 == 3:
            person.api.delete_collection_item(slug, mine.item_object_id)
        else:
            kept.append(model)
    return kept


def test_the_same_item_at_once(alice: Person) -> None:
    """One of four adds it, three are told that it is there; with `exists_ok` nobody notices."""
    slug = alice.api.create_collection(unique("Same")).slug
    model, other = alice.repo(), alice.repo()

    def add(_: int) -> int:
        try:
            alice.api.add_collection_item(slug, model, "model")
        except HfHubHTTPError as error:
            return error.response.status_code
        return 200

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert sorted(pool.map(add, range(CLIENTS))) == [200, 409, 409, 409]
        added = pool.map(lambda _: alice.api.add_collection_item(slug, other, "model", exists_ok=True), range(CLIENTS))
        assert {len(found.items) for found in added} == {2}


def test_the_same_title_at_once(alice: Person) -> None:
    """With `exists_ok` all four get the same collection."""
    title = unique("Title")
    with ThreadPoolExecutor(CLIENTS) as pool:
        made = pool.map(lambda _: alice.api.create_collection(title, exists_ok=True), range(CLIENTS))
        assert len({collection.slug for collection in made}) == 1
