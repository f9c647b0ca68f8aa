"""Collections as the public API has them: listed, looked up, edited, deleted; and the types of a project."""

from __future__ import annotations

import pytest
from wandb.apis.public.artifacts import ArtifactCollection
from wandb.apis.public.registries.registry import Registry
from wandb.errors import CommError

from clients.wandb.lab import Desk, unique
from clients.wandb.making import Refused, artifact


@pytest.fixture
def stocked(spot: Desk) -> Desk:
    """A place with two artifacts of type dataset, one of type model, and releases in its project and in a registry."""
    with spot.init() as run:
        for name in ("apples", "pears"):
            for _ in range(2):
                run.log_artifact(artifact(name, files={"x": unique("x")})).wait()
        model = run.log_artifact(artifact("net", "model", files={"x": unique("x")}), aliases=["best"]).wait()
        model.link(f"{spot.path}/chosen", aliases=["staging"])
    return spot


@pytest.fixture
def shelf(spot: Desk) -> Registry:
    return spot.api().create_registry(unique("Shelf"), "organization", spot.team.organization_title)


def put(desk: Desk, shelf: Registry, collection: str, *aliases: str, kind: str = "model") -> str:
    """Link a new version; return where."""
    target = f"{shelf.entity}/{shelf.full_name}/{collection}"
    with desk.init() as run:
        made = run.log_artifact(artifact(f"of-{kind}", kind, files={"x": unique("x")})).wait()
        return made.link(target, aliases=list(aliases)).qualified_name


def rename(found: ArtifactCollection, name: str) -> None:
    """The client checks when the name is set, or when it is saved."""
    found.name = name
    found.save()


class TestListing:
    def test_types_of_a_project(self, stocked: Desk):
        api = stocked.api()
        assert sorted(each.name for each in api.artifact_types(stocked.path)) == ["dataset", "model"]
        found = api.artifact_type("model", stocked.path)
        assert {each.name for each in found.collections()} == {"net", "chosen"}
        assert found.collection("net").name == "net"
        with pytest.raises((CommError, ValueError), match="absent"):
            api.artifact_type("absent", stocked.path).load()

    def test_collections_of_a_type(self, stocked: Desk):
        api = stocked.api()
        found = api.artifact_collections(stocked.path, "dataset")
        assert (len(found), {each.name for each in found}) == (2, {"apples", "pears"})
        first = next(iter(found))
        assert first.is_sequence()
        assert (first.entity, first.project, first.type) == (stocked.team.name, stocked.project, "dataset")
        ordered = [each.name for each in api.artifact_collections(stocked.path, "dataset", order="-name", per_page=1)]
        assert ordered == ["pears", "apples"]
        with pytest.raises(ValueError, match="Unable to parse"):
            next(api.artifact_collections(stocked.path, "absent"))
        assert not api.artifact_collection("model", f"{stocked.path}/chosen").is_sequence()

    def test_a_collection_of_another_type_is_not_there(self, stocked: Desk):
        api = stocked.api()
        assert api.artifact_collection("model", f"{stocked.path}/net").name == "net"
        with pytest.raises((CommError, ValueError)):
            api.artifact_collection("dataset", f"{stocked.path}/net")

    def test_versions_are_listed_newest_first(self, stocked: Desk):
        api = stocked.api()
        path = f"{stocked.path}/apples"
        found = api.artifacts("dataset", path)
        assert (len(found), [each.name for each in found]) == (2, ["apples:v1", "apples:v0"])
        assert [each.name for each in api.artifacts("dataset", path, order="+version_index", per_page=1)] == [
            "apples:v0",
            "apples:v1",
        ]
        assert [each.name for each in api.artifact_versions("dataset", path)] == ["apples:v1", "apples:v0"]
        tagged = api.artifact(f"{path}:v0")
        tagged.tags = ["kept"]
        tagged.save()
        assert [each.name for each in stocked.api().artifacts("dataset", path, tags=["kept"])] == ["apples:v0"]
        of_collection = api.artifact_collection("dataset", path).artifacts(per_page=1)
        assert [each.name for each in of_collection] == ["apples:v1", "apples:v0"]

    def test_drafts_are_not_listed(self, stocked: Desk):
        with stocked.init() as run:
            run.upsert_artifact(artifact("apples", files={"x": unique("x")}), distributed_id=unique("open"))
        api = stocked.api()
        assert len(api.artifacts("dataset", f"{stocked.path}/apples")) == 2
        assert len(api.artifact_versions("dataset", f"{stocked.path}/apples")) == 2

    def test_aliases_of_all_versions(self, stocked: Desk):
        api = stocked.api()
        with stocked.init() as run:
            run.log_artifact(artifact("net", "model", files={"x": unique("x")}), aliases=["newer"]).wait()
        assert sorted(api.artifact_collection("model", f"{stocked.path}/net").aliases) == ["best", "latest", "newer"]
        assert sorted(api.artifact_collection("model", f"{stocked.path}/chosen").aliases) == ["latest", "staging"]

    def test_pages_go_on_where_another_client_stopped(self, stocked: Desk):
        found = stocked.api().artifact_collections(stocked.path, "dataset", per_page=1, order="+name")
        assert next(found).name == "apples"
        cursor = found.cursor
        rest = stocked.api().artifact_collections(stocked.path, "dataset", per_page=5, order="+name", start=cursor)
        assert [each.name for each in rest] == ["pears"]


class TestEditing:
    def test_an_artifact_is_renamed_and_described(self, stocked: Desk):
        found = stocked.api().artifact_collection("dataset", f"{stocked.path}/apples")
        found.name, found.description = "Granny Smiths", "Green ones"
        found.tags = ["fruit", "two words"]
        found.save()
        again = stocked.api().artifact_collection("dataset", f"{stocked.path}/Granny Smiths")
        assert (again.description, sorted(again.tags)) == ("Green ones", ["fruit", "two words"])
        assert stocked.api().artifact(f"{stocked.path}/Granny Smiths:v0").name == "Granny Smiths:v0"
        assert not stocked.api().artifact_exists(f"{stocked.path}/apples:v0")
        again.tags = ["fruit", "green"]
        again.description = ""
        again.save()
        last = stocked.api().artifact_collection("dataset", f"{stocked.path}/Granny Smiths")
        assert (sorted(last.tags), last.description or "") == (["fruit", "green"], "")

    def test_a_release_is_renamed_with_its_links(self, stocked: Desk, shelf: Registry):
        name = put(stocked, shelf, "MNIST", "best")
        found = stocked.api().artifact_collection("model", name.partition(":")[0])
        found.name, found.description, found.tags = "Digits", "A task", ["vision"]
        found.save()
        link = stocked.api().artifact(f"{shelf.entity}/{shelf.full_name}/Digits:best")
        assert link.version == "v0"
        assert link.source_version == "v0"
        [again] = shelf.collections({"name": "Digits"})
        assert (again.description, again.tags) == ("A task", ["vision"])

    def test_a_name_that_is_taken_is_refused(self, stocked: Desk):
        found = stocked.api().artifact_collection("dataset", f"{stocked.path}/apples")
        for taken in ("pears", "chosen"):
            found.name = taken
            with pytest.raises(CommError, match=taken):
                found.save()
        assert stocked.api().artifact_exists(f"{stocked.path}/apples:v0")

    @pytest.mark.parametrize("name", ["with/slash", "x" * 129, "per%cent", ""], ids=["slash", "long", "percent", "no"])
    def test_a_name_that_can_t_be_one_is_refused(self, stocked: Desk, name: str):
        found = stocked.api().artifact_collection("dataset", f"{stocked.path}/apples")
        with pytest.raises(Refused):
            rename(found, name)
        assert stocked.api().artifact_exists(f"{stocked.path}/apples:v0")

    def test_the_type_of_an_artifact_changes(self, stocked: Desk):
        found = stocked.api().artifact_collection("dataset", f"{stocked.path}/apples")
        found.change_type("fruit")
        assert found.type == "fruit"
        api = stocked.api()
        assert api.artifact(f"{stocked.path}/apples:v0").type == "fruit"
        assert "fruit" in {each.name for each in api.artifact_types(stocked.path)}
        assert [each.name for each in api.artifact_collections(stocked.path, "dataset")] == ["pears"]


class TestDeleting:
    def test_an_artifact_goes_with_its_versions(self, stocked: Desk):
        stocked.api().artifact_collection("model", f"{stocked.path}/net").delete()
        api = stocked.api()
        assert not api.artifact_collection_exists(f"{stocked.path}/net", "model")
        assert not api.artifact_exists(f"{stocked.path}/net:v0")
        assert [each.name for each in api.artifacts("model", f"{stocked.path}/chosen")] == []

    def test_a_release_goes_and_the_versions_stay(self, stocked: Desk, shelf: Registry):
        name = put(stocked, shelf, "going").partition(":")[0]
        stocked.api().artifact_collection("model", name).delete()
        api = stocked.api()
        assert list(shelf.collections()) == []
        assert not api.artifact_exists(f"{name}:v0")
        assert api.artifact_exists(f"{stocked.path}/of-model:v0")
        assert put(stocked, shelf, "going") == f"{name}:v0"  # a new one of that name begins anew

    def test_what_a_registry_holds_is_not_deleted(self, stocked: Desk):
        """The registry says so: its policy is to refuse, and who holds it is named."""
        title = stocked.team.organization_title
        registry = stocked.api().create_registry(unique("Holding"), "organization", title)
        name = put(stocked, registry, "held", kind="weights")
        organization = stocked.team.organization
        changed = stocked.person.native(
            "PATCH", f"/organizations/{organization}/registries/{registry.name}", {"on_deletion": "refuse"}
        )
        assert changed.status == 200, changed.body
        source = stocked.api().artifact(f"{stocked.path}/of-weights:v0")
        with pytest.raises(CommError, match="held"):
            source.delete(delete_aliases=True)
        with pytest.raises(CommError, match="held"):
            stocked.api().artifact_collection("weights", f"{stocked.path}/of-weights").delete()
        assert stocked.api().artifact_exists(name)

    def test_what_a_registry_keeps_a_note_of_is_gone_for_the_client(self, stocked: Desk):
        title = stocked.team.organization_title
        registry = stocked.api().create_registry(unique("Noting"), "organization", title)
        name = put(stocked, registry, "noted", "best", kind="notes")
        path = f"/organizations/{stocked.team.organization}/registries/{registry.name}"
        assert stocked.person.native("PATCH", path, {"on_deletion": "tombstone"}).status == 200
        stocked.api().artifact(f"{stocked.path}/of-notes:v0").delete(delete_aliases=True)
        api = stocked.api()
        assert not api.artifact_exists(name)
        assert not api.artifact_exists(name.replace(":v0", ":best"))
        assert [each.name for each in registry.collections()] == ["noted"]
        assert list(registry.versions()) == []
        assert list(api.artifacts("notes", name.partition(":")[0])) == []
