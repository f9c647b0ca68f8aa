"""Collections as the Hub's client handles them: H-01 to H-54, and what its own tests hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from huggingface_hub import Collection, HfApi, hf_api
from huggingface_hub.utils import HfHubHTTPError

from clients.huggingface.hub import Hub, Person, unique


def status(error: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    """The status of the answer that was raised."""
    return error.value.response.status_code


def refused(expected: int, verb: object, *args: object, **kwargs: object) -> HfHubHTTPError:
    """Call something that must be refused with a status, and return the error."""
    assert callable(verb)
    with pytest.raises(HfHubHTTPError) as error:
        verb(*args, **kwargs)
    assert status(error) == expected, error.value
    return error.value


def ids(collection: Collection) -> list[str]:
    return [item.item_id for item in collection.items]


@pytest.fixture
def slug(alice: Person) -> str:
    """An empty collection of hers."""
    return alice.api.create_collection(unique("Some collection")).slug


@pytest.fixture
def filled(alice: Person, slug: str) -> str:
    """A collection of hers with three models."""
    for _ in range(3):
        alice.api.add_collection_item(slug, alice.repo(), "model")
    return slug


class TestModel:
    def test_all_kinds_meet_in_one_collection(self, hub: Hub, alice: Person, slug: str) -> None:
        """H-01, H-02, H-13: models, datasets, spaces, papers, by the words for them on the wire; newer: two more."""
        nested = alice.api.create_collection(unique("Nested"))
        wanted = [
            (alice.repo(kind="model"), "model"),
            (alice.repo(kind="dataset"), "dataset"),
            (alice.repo(kind="space"), "space"),
            (hub.paper(), "paper"),
            (hub.bucket(alice.name), "bucket"),
            (nested.slug, "collection"),
        ]
        for item, kind in wanted:
            alice.api.add_collection_item(slug, item, kind)  # type: ignore[arg-type]
        found = alice.api.get_collection(slug)
        assert [(item.item_id, item.item_type) for item in found.items] == wanted

    def test_extra_attributes_by_kind(
        self, hub: Hub, alice: Person, slug: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """H-17, H-18: what the client is given of items beside what it needs; nothing of that is there for all kinds.

        `Collection.__init__` hands each item of the answer to `CollectionItem`: extra attributes are its `**kwargs`.
        """
        nested = alice.api.create_collection(unique("Nested"), description="Inside").slug
        for item, kind in (
            (alice.repo(private=True), "model"),
            (alice.repo(kind="dataset"), "dataset"),
            (alice.repo(kind="space"), "space"),
            (hub.paper("A title"), "paper"),
            (hub.bucket(alice.name), "bucket"),
            (nested, "collection"),
        ):
            alice.api.add_collection_item(slug, item, kind)  # type: ignore[arg-type]
        liked = alice.api.get_collection(slug).items[1].item_id
        alice.call("PUT", f"/api/v1/repos/dataset/{liked}/like").raise_for_status()
        given: list[dict[str, Any]] = []

        class Given(hf_api.CollectionItem):
            def __init__(self, **item: Any) -> None:  # noqa: ANN401 - as they come
                given.append(item)
                super().__init__(**item)

        monkeypatch.setattr(hf_api, "CollectionItem", Given)
        items = alice.api.get_collection(slug).items
        needed = {"_id", "id", "type", "position", "note"}
        extra = {item["type"]: {name: item[name] for name in item.keys() - needed} for item in given}
        for kind, private, likes in (("model", True, 0), ("dataset", False, 1)):
            found = extra[kind]
            assert (found["author"], found["private"], found["gated"], found["likes"]) == (
                alice.name,
                private,
                False,
                likes,
            )
            assert found["lastModified"].endswith("Z")
        assert (extra["space"]["title"], extra["space"]["sdk"]) == (items[2].item_id.split("/")[1], "gradio")
        assert extra["paper"].items() >= {"title": "A title", "upvotes": 0}.items()
        assert extra["collection"].items() >= {"slug": nested, "description": "Inside"}.items()
        assert set.intersection(*(set(of_kind) for of_kind in extra.values())) == set()
        assert [(item.item_id, item.item_type) for item in items][-1] == (nested, "collection")

    def test_the_fields_of_a_collection(self, alice: Person) -> None:
        """H-04 to H-08: slug, title, owner, items, last_updated, position, private, theme, upvotes, description."""
        made = alice.api.create_collection(unique("Fields"), description="What it has")
        assert made.owner == alice.name
        assert made.slug.startswith(f"{alice.name}/fields-")
        assert made.items == []
        assert made.last_updated.tzinfo == UTC
        assert made.last_updated.microsecond % 1000 == 0, "milliseconds"
        assert abs(datetime.now(UTC) - made.last_updated) < timedelta(minutes=5)
        assert (made.position, made.private, made.upvotes) == (0, False, 0)
        assert made.theme in {"orange", "blue", "green", "purple", "pink", "indigo"}
        assert made.description == "What it has"

    def test_upvotes_are_counted(self, alice: Person, bob: Person, slug: str) -> None:
        """H-08: the client only reads them; they are given natively."""
        bob.call("PUT", f"/api/v1/collections/{slug[-24:]}/vote").raise_for_status()
        assert alice.api.get_collection(slug).upvotes == 1

    def test_the_fields_of_an_item(self, alice: Person, filled: str) -> None:
        """H-09, H-10, H-14, H-16, H-19: the membership has an id of its own, the thing keeps its; positions sort."""
        first, second, third = alice.api.get_collection(filled).items
        other = alice.api.create_collection(unique("Other")).slug
        again = alice.api.add_collection_item(other, first.item_id, "model").items[0]
        assert len({one.item_object_id for one in (first, second, third, again)}) == 4
        assert alice.api.model_info(first.item_id).id == first.item_id == again.item_id
        assert (first.item_type, first.note) == ("model", None)
        assert first.position < second.position < third.position
        alice.api.delete_collection_item(filled, second.item_object_id)
        assert first.position < alice.api.get_collection(filled).items[1].position <= third.position

    def test_a_note_and_a_link_in_it(self, alice: Person, slug: str) -> None:
        """H-15: a comment, with a link in it."""
        note = "See https://example.org/post and *this*"
        alice.api.add_collection_item(slug, alice.repo(), "model", note=note)
        assert alice.api.get_collection(slug).items[0].note == note

    def test_the_browser_and_the_code_see_the_same(self, alice: Person, filled: str) -> None:
        """H-03: what code makes every other way shows, and the other way round (the web app has the native API)."""
        path = f"/api/v1/collections/{filled[-24:]}/entries"
        dataset = alice.repo(kind="dataset")
        more = {"items": [{"item": {"kind": "dataset", "address": dataset}, "note": "by hand"}]}
        alice.call("POST", path, json=more).raise_for_status()
        rows = alice.call("GET", path).json()["rows"]
        found = alice.api.get_collection(filled)
        assert (ids(found)[-1], found.items[-1].note, len(found.items)) == (dataset, "by hand", 4)
        assert [(row["item"]["address"], row["item"]["kind"], row["note"]) for row in rows] == [
            (item.item_id, item.item_type, item.note) for item in found.items
        ]


class TestFetch:
    def test_ones_own_and_any_public_one(self, alice: Person, bob: Person, nobody: Person, filled: str) -> None:
        """H-20, H-21: by slug, and by that only; also for who did not sign in."""
        expected = ids(alice.api.get_collection(filled))
        assert ids(bob.api.get_collection(filled)) == expected
        assert ids(nobody.api.get_collection(filled)) == expected
        title = alice.api.get_collection(filled).title
        for no_slug in (title, alice.name, f"{alice.name}/"):
            with pytest.raises(HfHubHTTPError):
                alice.api.get_collection(no_slug)

    def test_the_slug_is_in_the_address_of_the_page(self, alice: Person, nobody: Person, filled: str) -> None:
        """H-24: whoever looks at the collection in a browser reads the slug there."""
        found = alice.api.get_collection(filled)
        path = found.url.removeprefix(alice.url)
        assert path == f"/collections/{filled}"
        page = nobody.call("GET", path)
        assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
        assert found.title in page.text

    def test_the_slug_ends_in_an_id(self, alice: Person) -> None:
        """H-22, H-23: owner/title-words-ID; whatever its length, the last part finds the collection."""
        made = alice.api.create_collection("My cool stuff 2f1c1d9e-3b0f-4f6e-9e57-0c1d2e3f4a5b")
        words = f"{alice.name}/my-cool-stuff-2f1c1d9e-3b0f-4f6e-9e57-0c1d2e3f4a5b"
        assert re.fullmatch(f"{words}-[0-9a-f]{{24}}", made.slug)
        assert alice.api.create_collection(f"{made.title}!").slug.rpartition("-")[0] == words, "the id tells them apart"
        assert alice.api.get_collection(f"{alice.name}/whatever-{made.slug.split('-')[-1]}").title == made.title
        assert alice.api.get_collection(f"{alice.name}/{made.slug.split('-')[-1]}").title == made.title

    def test_without_the_id(self, alice: Person) -> None:
        """The address that the Hub shares has the words only."""
        made = alice.api.create_collection("Kimi K2")
        assert alice.api.get_collection(f"{alice.name}/kimi-k2").slug == made.slug

    def test_a_private_one_is_not_fetched_by_others(self, alice: Person, bob: Person, nobody: Person) -> None:
        """H-25: for them it does not exist."""
        made = alice.api.create_collection(unique("Hidden"), private=True)
        assert alice.api.get_collection(made.slug).private
        refused(404, bob.api.get_collection, made.slug)
        refused(404, nobody.api.get_collection, made.slug)
        unknown = refused(404, bob.api.get_collection, f"{alice.name}/hidden-0123456789abcdef01234567")
        assert "No such collection" in str(unknown)

    def test_a_bad_token(self, hub: Hub, slug: str) -> None:
        """A wrong token is told apart from what is not there."""
        error = refused(401, HfApi(endpoint=hub.url, token="hf_wrong").get_collection, slug)
        assert "Invalid credentials in Authorization header" in str(error)


class TestCreate:
    def test_title_and_description(self, alice: Person) -> None:
        """H-26, H-30, H-31: the answer has the metadata, no items, and a slug that addresses it from then on."""
        made = alice.api.create_collection("ICCV 2023", description="Portfolio of models, papers and demos")
        assert (made.title, made.description, made.items) == ("ICCV 2023", "Portfolio of models, papers and demos", [])
        assert alice.api.get_collection(made.slug) == made

    def test_without_a_description(self, alice: Person) -> None:
        """H-27: it is optional."""
        assert alice.api.create_collection(unique("Bare")).description is None

    def test_for_an_organization_or_a_user(self, hub: Hub, alice: Person, bob: Person) -> None:
        """H-28: the namespace is an organization, or the user himself; a foreign one is refused."""
        organization = hub.organization("team", admin=bob, member=alice)
        assert alice.api.create_collection(unique("Ours"), namespace=organization).owner == organization
        assert alice.api.create_collection(unique("Mine"), namespace=alice.name).owner == alice.name
        refused(403, alice.api.create_collection, unique("His"), namespace=bob.name)
        refused(404, alice.api.create_collection, unique("Whose"), namespace=unique("nobody"))

    def test_a_viewer_does_not_create(self, hub: Hub, alice: Person, bob: Person) -> None:
        """A role that only reads is refused, with words in the first line of the error."""
        organization = hub.organization("team", admin=bob, viewer=alice)
        error = refused(403, alice.api.create_collection, unique("Ours"), namespace=organization)
        assert "403 Forbidden: None" not in str(error)

    def test_private_or_public(self, alice: Person) -> None:
        """H-29: public unless it is said otherwise."""
        assert alice.api.create_collection(unique("Secret"), private=True).private
        assert not alice.api.create_collection(unique("Open")).private

    def test_title_as_given_slug_in_lower_case(self, alice: Person) -> None:
        """H-32, H-33, H-34: punctuation is fine; the url is the endpoint's."""
        made = alice.api.create_collection("OS Week Highlights - Sept 18 - 24")
        assert made.title == "OS Week Highlights - Sept 18 - 24"
        assert made.slug.startswith(f"{alice.name}/os-week-highlights-sept-18-24-")
        assert made.url == f"{alice.url}/collections/{made.slug}"

    @pytest.mark.parametrize(
        "title", ["☀☀☀", "Модели на русском", "日本語のモデル", "Ünïcödé — “quotes”", "a/b?c#d%2F"]
    )
    def test_titles_in_any_script(self, alice: Person, title: str) -> None:
        """H-34: the client puts the slug raw into the address, so it is ASCII."""
        made = alice.api.create_collection(title)
        assert made.title == title
        assert made.slug.isascii()
        assert alice.api.get_collection(made.slug).title == title

    def test_the_same_title_twice(self, alice: Person) -> None:
        """A 409 that names the other; `exists_ok` fetches it and leaves it as it is."""
        title = unique("Twice")
        made = alice.api.create_collection(title, description="first")
        refused(409, alice.api.create_collection, title)
        again = alice.api.create_collection(title, description="second", exists_ok=True)
        assert (again.slug, again.description) == (made.slug, "first")

    def test_limits(self, alice: Person, nobody: Person) -> None:
        """150 characters of description, not bytes; a title that says something; a token."""
        assert alice.api.create_collection(unique("Long"), description="é" * 150).description == "é" * 150
        refused(400, alice.api.create_collection, unique("Long"), description="é" * 151)
        refused(400, alice.api.create_collection, "  ")
        answer = nobody.call("POST", "/api/collections", json={"title": "x", "namespace": alice.name})
        assert answer.status_code == 401


class TestAdd:
    def test_one_by_one_at_the_end(self, alice: Person, filled: str) -> None:
        """H-35, H-36, H-46: slug, id and type are enough; the answer is the whole collection."""
        model = alice.repo()
        found = alice.api.add_collection_item(filled, model, "model")
        assert ids(found)[-1] == model
        assert len(found.items) == 4
        assert alice.api.get_collection(filled) == found

    def test_a_note_while_adding(self, alice: Person, slug: str) -> None:
        """H-37, H-39: in any script."""
        note = "Würstchen · 🌭 · 日本語"
        found = alice.api.add_collection_item(slug, alice.repo(), "model", note=note)
        assert found.items[0].note == note

    def test_a_note_has_at_most_500_characters(self, alice: Person, slug: str) -> None:
        """H-38: characters, not bytes; refused beyond, and nothing is added."""
        alice.api.add_collection_item(slug, alice.repo(), "model", note="ü" * 500)
        refused(400, alice.api.add_collection_item, slug, alice.repo(), "model", note="ü" * 501)
        assert len(alice.api.get_collection(slug).items) == 1

    def test_the_same_id_with_another_type(self, alice: Person, slug: str) -> None:
        """H-11, H-40: two items; the id alone need not be unique."""
        name = f"{alice.name}/{unique('wuerstchen')}"
        alice.api.create_repo(name)
        alice.api.create_repo(name, repo_type="space", space_sdk="gradio")
        alice.api.add_collection_item(slug, name, "model")
        found = alice.api.add_collection_item(slug, name, "space")
        assert [(item.item_id, item.item_type) for item in found.items] == [(name, "model"), (name, "space")]

    def test_the_same_pair_again(self, alice: Person, slug: str) -> None:
        """H-12, H-41, H-42: 409, whatever its spelling; `exists_ok` turns it into the collection as it is."""
        model = alice.repo()
        alice.api.add_collection_item(slug, model, "model", note="first")
        refused(409, alice.api.add_collection_item, slug, model, "model")
        refused(409, alice.api.add_collection_item, slug, model.upper(), "model")
        again = alice.api.add_collection_item(slug, model, "model", note="second", exists_ok=True)
        assert [(item.item_id, item.note) for item in again.items] == [(model, "first")]

    def test_what_is_not_there(self, alice: Person, bob: Person, slug: str) -> None:
        """Unknown and hidden are the same 404; a wrong type is one too; an impossible type is a 400."""
        hidden = bob.repo(private=True)
        dataset = alice.repo(kind="dataset")
        for item, kind in ((hidden, "model"), (f"{bob.name}/nothing", "model"), (dataset, "model")):
            refused(404, alice.api.add_collection_item, slug, item, kind)
        refused(400, alice.api.add_collection_item, slug, dataset, "thing")
        refused(404, alice.api.add_collection_item, f"{alice.name}/none-0123456789abcdef01234567", dataset, "dataset")

    def test_spellings(self, hub: Hub, alice: Person, slug: str) -> None:
        """A plural before the id, a nested collection by its id, its words or its slug."""
        dataset = alice.repo(kind="dataset")
        paper = hub.paper()
        titles = [unique("Nested") for _ in range(3)]
        nested = [alice.api.create_collection(title).slug for title in titles]
        for item, kind in (
            (f"datasets/{dataset}", "dataset"),
            (paper, "paper"),
            (nested[0], "collection"),
            (nested[1][-24:], "collection"),
            (f"{alice.name}/{titles[2].lower()}", "collection"),
        ):
            alice.api.add_collection_item(slug, item, kind)  # type: ignore[arg-type]
        assert ids(alice.api.get_collection(slug)) == [dataset, paper, *nested]

    def test_only_who_may(self, hub: Hub, alice: Person, bob: Person, slug: str) -> None:
        """Others are refused, and so is a token that only reads; members of an organization may."""
        refused(403, bob.api.add_collection_item, slug, bob.repo(), "model")
        reader = hub.with_token(alice.name, "read")
        refused(403, reader.api.add_collection_item, slug, alice.repo(), "model")
        organization = hub.organization("team", admin=alice, member=bob)
        ours = alice.api.create_collection(unique("Ours"), namespace=organization).slug
        assert len(bob.api.add_collection_item(ours, bob.repo(), "model").items) == 1


class TestUpdate:
    def test_a_note(self, alice: Person, filled: str) -> None:
        """H-43, H-44, H-49: added, changed and taken away, by slug and item_object_id; the order stays."""
        before = alice.api.get_collection(filled)
        item = before.items[1].item_object_id
        for note in ("a note", "ünother nöte", ""):
            alice.api.update_collection_item(filled, item, note=note)
            after = alice.api.get_collection(filled)
            assert after.items[1].note == (note or None)
            assert ids(after) == ids(before)
        refused(400, alice.api.update_collection_item, filled, item, note="x" * 501)

    @pytest.mark.parametrize(
        ("index", "position", "order"),
        [(0, 1, "bac"), (0, 2, "bca"), (2, 0, "cab"), (1, 1, "abc"), (1, 0, "bac"), (0, 99, "bca")],
    )
    def test_a_position(self, alice: Person, filled: str, index: int, position: int, order: str) -> None:
        """H-14, H-45, H-47, H-48: the index, from 0, that the item has afterwards; the others shift."""
        before = alice.api.get_collection(filled)
        alice.api.update_collection_item(filled, before.items[index].item_object_id, position=position)
        after = alice.api.get_collection(filled)
        assert ids(after) == [before.items["abc".index(letter)].item_id for letter in order]
        assert {i.item_object_id for i in after.items} == {i.item_object_id for i in before.items}
        assert [i.position for i in after.items] == sorted(i.position for i in after.items)

    def test_note_and_position_at_once(self, alice: Person, filled: str) -> None:
        """H-49: each alone or both together."""
        last = alice.api.get_collection(filled).items[-1]
        alice.api.update_collection_item(filled, last.item_object_id, note="now first", position=0)
        first = alice.api.get_collection(filled).items[0]
        assert (first.item_object_id, first.note) == (last.item_object_id, "now first")

    def test_a_negative_position(self, alice: Person, filled: str) -> None:
        item = alice.api.get_collection(filled).items[0].item_object_id
        assert "position" in str(refused(400, alice.api.update_collection_item, filled, item, position=-1))

    def test_an_unknown_item(self, alice: Person, filled: str) -> None:
        for item in ("0123456789abcdef01234567", "nonsense", "f" * 24):
            refused(404, alice.api.update_collection_item, filled, item, note="x")
            refused(404, alice.api.update_collection_item, filled, item, position=0)

    def test_the_metadata(self, alice: Person, filled: str) -> None:
        """H-06: title (the slug follows, the id stays, the old slug still finds it), description, theme, access."""
        changed = alice.api.update_collection_metadata(
            filled, title="New title", description="New", theme="purple", private=True
        )
        assert changed.slug.startswith(f"{alice.name}/new-title-")
        assert changed.slug.split("-")[-1] == filled.rsplit("-", maxsplit=1)[-1]
        assert (changed.title, changed.description) == ("New title", "New")
        assert (changed.theme, changed.private, len(changed.items)) == ("purple", True, 3)
        assert alice.api.get_collection(filled) == changed
        assert alice.api.add_collection_item(filled, alice.repo(), "model").slug == changed.slug
        assert alice.api.update_collection_metadata(filled, description="").description is None

    def test_bad_metadata_changes_nothing(self, alice: Person, filled: str) -> None:
        before = alice.api.get_collection(filled)
        for bad in ({"theme": "beige"}, {"description": "x" * 151}, {"title": " "}, {"position": -1}):
            refused(400, alice.api.update_collection_metadata, filled, **{"title": "Other", **bad})
        assert alice.api.get_collection(filled) == before

    def test_the_position_among_the_owners(self, alice: Person) -> None:
        """H-07: a place of its own in the owner's list."""
        slugs = [alice.api.create_collection(unique("List")).slug for _ in range(3)]
        assert [alice.api.get_collection(slug).position for slug in slugs] == [0, 1, 2]
        assert alice.api.update_collection_metadata(slugs[2], position=0).position == 0
        assert [alice.api.get_collection(slug).position for slug in slugs] == [1, 2, 0]

    def test_a_taken_title(self, alice: Person, slug: str) -> None:
        other = alice.api.create_collection(unique("Taken"))
        refused(409, alice.api.update_collection_metadata, slug, title=other.title)

    def test_the_resource_group(self, hub: Hub, alice: Person) -> None:
        organization = hub.organization("team", admin=alice)
        ours = alice.api.create_collection(
            unique("Ours"), namespace=organization, resource_group_id="0123456789abcdef01234567"
        ).slug
        alice.api.update_collection_resource_group(ours, "a" * 24)
        alice.api.update_collection_resource_group(ours, None)


class TestRemove:
    def test_an_item(self, alice: Person, filled: str) -> None:
        """H-50, H-54: gone from the collection; the repository is untouched. Its place closes."""
        before = alice.api.get_collection(filled)
        alice.api.delete_collection_item(filled, before.items[1].item_object_id)
        after = alice.api.get_collection(filled)
        assert ids(after) == [before.items[0].item_id, before.items[2].item_id]
        assert alice.api.repo_exists(before.items[1].item_id)

    def test_a_paper(self, hub: Hub, alice: Person, slug: str) -> None:
        """H-54: the paper is there as before."""
        paper = hub.paper("To stay")
        found = alice.api.add_collection_item(slug, paper, "paper")
        alice.api.delete_collection_item(slug, found.items[0].item_object_id)
        assert alice.api.get_collection(slug).items == []
        assert alice.api.paper_info(paper).title == "To stay"

    def test_a_missing_item(self, alice: Person, filled: str) -> None:
        """H-53: an error, unless it may be missing."""
        item = alice.api.get_collection(filled).items[0].item_object_id
        alice.api.delete_collection_item(filled, item)
        refused(404, alice.api.delete_collection_item, filled, item)
        alice.api.delete_collection_item(filled, item, missing_ok=True)

    def test_added_again_it_is_another_membership(self, alice: Person, filled: str) -> None:
        """H-10: the id is that of the membership."""
        first = alice.api.get_collection(filled).items[0]
        alice.api.delete_collection_item(filled, first.item_object_id)
        again = alice.api.add_collection_item(filled, first.item_id, "model").items[-1]
        assert again.item_object_id != first.item_object_id

    def test_a_collection(self, alice: Person, bob: Person, filled: str) -> None:
        """H-51, H-52, H-53, H-54: deleted for good, as far as this client sees; its title is free again."""
        found = alice.api.get_collection(filled)
        refused(403, bob.api.delete_collection, filled)
        refused(403, bob.api.delete_collection, filled, missing_ok=True)
        alice.api.delete_collection(filled)
        refused(404, alice.api.get_collection, filled)
        refused(404, alice.api.delete_collection, filled)
        alice.api.delete_collection(filled, missing_ok=True)
        assert alice.api.create_collection(found.title).slug != filled
        assert all(alice.api.repo_exists(item) for item in ids(found))


class TestList:
    def test_pages_orders_and_filters(self, alice: Person, bob: Person) -> None:
        """The rows of all pages, once each; at most four items in a row."""
        made = [alice.api.create_collection(unique("Listed")) for _ in range(7)]
        model = alice.repo()
        for collection in made[:2]:
            alice.api.add_collection_item(collection.slug, model, "model")
        for _ in range(5):
            alice.api.add_collection_item(made[0].slug, alice.repo(), "model")
        slugs = [found.slug for found in bob.api.list_collections(owner=alice.name, sort="lastModified")]
        assert slugs[0] == made[0].slug
        assert sorted(slugs) == sorted(collection.slug for collection in made)
        assert [found.slug for found in bob.api.list_collections(owner=alice.name, limit=3)] == slugs_of(
            bob.api.list_collections(owner=[alice.name]), 3
        )
        holding = list(bob.api.list_collections(item=f"models/{model}", sort="lastModified"))
        assert [found.slug for found in holding] == [made[0].slug, made[1].slug]
        assert [len(found.items) for found in holding] == [4, 1]
        assert [found.position for found in holding] == [0, 1]
        assert slugs_of(bob.api.list_collections(item=[f"models/{model}", f"datasets/{model}"])) != []

    def test_several_owners_and_more_than_one_page(self, alice: Person, bob: Person) -> None:
        """Any of the owners; the link to the next page carries all filters."""
        for person, count in ((alice, 60), (bob, 60)):
            for number in range(count):
                person.api.create_collection(f"Many {number}")
        found = slugs_of(alice.api.list_collections(owner=[alice.name, bob.name], sort="upvotes"))
        assert len(found) == len(set(found)) == 120
        assert len(slugs_of(alice.api.list_collections(owner=[alice.name, bob.name], limit=110))) == 110

    def test_upvotes_sort(self, alice: Person, bob: Person) -> None:
        made = [alice.api.create_collection(unique("Voted")).slug for _ in range(3)]
        bob.call("PUT", f"/api/v1/collections/{made[1][-24:]}/vote").raise_for_status()
        for sort in ("upvotes", "trending"):
            assert slugs_of(bob.api.list_collections(owner=alice.name, sort=sort))[0] == made[1]

    def test_hidden_things(self, alice: Person, bob: Person, nobody: Person) -> None:
        """H-25: private collections, private items, and what a filter on a private item could tell."""
        private = alice.api.create_collection(unique("Hidden"), private=True).slug
        public = alice.api.create_collection(unique("Shown")).slug
        secret = alice.repo(private=True)
        alice.api.add_collection_item(public, secret, "model")
        for person in (bob, nobody):
            rows = list(person.api.list_collections(owner=alice.name))
            assert [row.slug for row in rows] == [public]
            assert rows[0].items == []
            assert slugs_of(person.api.list_collections(item=f"models/{secret}")) == []
        assert set(slugs_of(alice.api.list_collections(owner=alice.name))) == {private, public}
        assert slugs_of(alice.api.list_collections(item=f"models/{secret}")) == [public]

    def test_bad_parameters(self, alice: Person) -> None:
        for bad in ({"sort": "last_modified"}, {"item": "things/x"}, {"limit": -1}, {"item": "models"}):
            answer = alice.call("GET", "/api/collections", params=bad)
            assert answer.status_code == 400
            assert next(iter(bad)) in answer.json()["error"]
        assert slugs_of(alice.api.list_collections(owner=unique("nobody"))) == []


def slugs_of(rows: object, count: int | None = None) -> list[str]:
    found = [row.slug for row in rows]  # type: ignore[attr-defined]
    return found if count is None else found[:count]
