"""Links: releases point at versions that stay where they are."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import wandb
from wandb.apis.public.registries.registry import Registry
from wandb.errors import CommError

from clients.wandb.lab import Desk, unique, version
from clients.wandb.making import artifact, contents


@pytest.fixture
def shelf(spot: Desk) -> Registry:
    """A registry of the team's organization that takes all types."""
    return spot.api().create_registry(unique("Shelf"), "organization", spot.team.organization_title)


@pytest.fixture
def run(spot: Desk) -> Generator[wandb.Run]:
    with spot.init() as run:
        yield run


def logged(run: wandb.Run, name: str = "model", kind: str = "model") -> wandb.Artifact:
    """A version of content that nobody has."""
    return run.log_artifact(artifact(name, kind, files={"x": unique("x")})).wait()


def path_to(shelf: Registry, collection: str) -> str:
    return f"{shelf.entity}/{shelf.full_name}/{collection}"


class TestLinking:
    def test_a_link_makes_the_collection(self, spot: Desk, shelf: Registry, run: wandb.Run):
        """W-15, W-16, W-19, W-21: with the artifact's type; and the link is what the client says it is."""
        made = logged(run)
        link = run.link_artifact(made, path_to(shelf, "A Task"), aliases=["staging", "first of all"])
        assert (link.name, link.version, link.type) == ("A Task:v0", "v0", "model")
        assert (link.entity, link.project) == (spot.team.organization, shelf.full_name)
        assert sorted(link.aliases) == ["first of all", "latest", "staging"]
        assert link.is_link
        assert (link.id, link.digest) == (made.id, made.digest)
        assert link.source_qualified_name == made.qualified_name
        if version() >= (0, 29):
            assert (link.linked_at or "").startswith("20")
        assert link.collection.type == "model"
        assert not link.collection.is_sequence()
        # W-13: the aliases in the release are none of the source's.
        assert spot.api().artifact(made.qualified_name).aliases == ["latest"]

    def test_a_draft_is_logged_first(self, spot: Desk, shelf: Registry, run: wandb.Run):
        """W-20."""
        draft = artifact("never-logged", "model", files={"x": unique("x")})
        link = run.link_artifact(draft, path_to(shelf, "of-draft"))
        assert link.source_qualified_name == f"{spot.path}/never-logged:v0"
        assert draft.state == "COMMITTED"

    def test_the_organization_may_be_left_out_or_called_by_its_title(self, spot: Desk, shelf: Registry, run: wandb.Run):
        """W-16 and decision 11."""
        made = logged(run)
        link = run.link_artifact(made, f"{shelf.full_name}/short")
        assert link.entity == spot.team.organization
        again = made.link(f"{spot.team.organization_title}/{shelf.full_name}/short", aliases=["named"])
        assert (again.version, sorted(again.aliases)) == ("v0", ["latest", "named"])

    def test_numbers_and_latest_are_the_collection_s_own(self, spot: Desk, shelf: Registry, run: wandb.Run):
        first, second, third = (logged(run) for _ in range(3))
        target = path_to(shelf, "numbered")
        assert [third.link(target).version, first.link(target).version] == ["v0", "v1"]
        assert third.link(target, aliases=["back"]).version == "v0"  # it is there already
        api = spot.api()
        found = {each.name: (each.source_version, sorted(each.aliases)) for each in api.artifacts("model", target)}
        assert found == {"numbered:v1": ("v0", ["latest"]), "numbered:v0": ("v2", ["back"])}
        assert second.link(target).version == "v2"
        assert api.artifact(target).version == "v2"

    def test_an_alias_names_one_version_only(self, spot: Desk, shelf: Registry, run: wandb.Run):
        target = path_to(shelf, "moving")
        first, second = logged(run), logged(run)
        first.link(target, aliases=["production"])
        second.link(target, aliases=["production"])
        api = spot.api()
        assert api.artifact(f"{target}:production").source_version == "v1"
        assert api.artifact(f"{target}:v0").aliases == []

    def test_a_link_of_a_link_points_at_the_source(self, spot: Desk, shelf: Registry, run: wandb.Run):
        """Decision 12."""
        made = logged(run)
        link = run.link_artifact(made, path_to(shelf, "one"))
        another = run.link_artifact(link, path_to(shelf, "two"))
        assert another.source_qualified_name == made.qualified_name
        by_name = spot.api().artifact(path_to(shelf, "one:v0")).link(path_to(shelf, "three"))
        assert by_name.source_qualified_name == made.qualified_name
        places = {each.qualified_name for each in spot.api().artifact(made.qualified_name).linked_artifacts}
        assert places == {path_to(shelf, f"{name}:v0") for name in ("one", "two", "three")}

    def test_several_links_of_one_version(self, spot: Desk, shelf: Registry, run: wandb.Run):
        """What it says of itself is the same everywhere; what is edited through a link is edited at its source."""
        made = logged(run)
        link = made.link(path_to(shelf, "edited"))
        link.description, link.metadata["score"], link.tags = "by a link", 1, ["tagged"]
        link.aliases.append("here")
        link.save()
        source = spot.api().artifact(made.qualified_name)
        assert (source.description, source.metadata, source.tags) == ("by a link", {"score": 1}, ["tagged"])
        assert source.aliases == ["latest"]
        assert sorted(spot.api().artifact(path_to(shelf, "edited:here")).aliases) == ["here", "latest"]

    def test_a_release_in_a_project_is_made_too(self, spot: Desk, run: wandb.Run):
        made = logged(run)
        other = unique("other")
        link = run.link_artifact(made, f"{spot.team.name}/{other}/kept")
        assert link.qualified_name == f"{spot.team.name}/{other}/kept:v0"
        inside = run.link_artifact(made, "beside")
        assert inside.qualified_name == f"{spot.path}/beside:v0"
        assert not spot.api().artifact_collection("model", f"{spot.path}/beside").is_sequence()

    def test_the_older_model_registry_is_a_project(self, spot: Desk):
        """W-06: `link_model` and `use_model`."""
        file = spot.folder / "weights.bin"
        file.write_text("weights")
        with spot.init() as run:
            run.log_model(file, name="alone", aliases=["first"])
            link = run.link_model(file, registered_model_name="Detector", name="detector", aliases=["ready"])
        assert link is not None
        assert link.qualified_name == f"{spot.team.name}/model-registry/Detector:v0"
        with spot.afresh() as elsewhere, elsewhere.init() as later:
            assert Path(later.use_model("model-registry/Detector:ready")).read_text() == "weights"
            assert Path(later.use_model("alone:first")).read_text() == "weights"
        assert [run.id for run in spot.api().artifact(link.qualified_name).used_by()] == [later.id]

    def test_many_link_at_once(self, spot: Desk, shelf: Registry, run: wandb.Run):
        """One collection is made, and every version has a number of its own."""
        versions = [logged(run) for _ in range(12)]
        document = "mutation M($i: LinkArtifactInput!) { linkArtifact(input: $i) { versionIndex } }"
        where = {"entityName": shelf.entity, "projectName": shelf.full_name, "artifactPortfolioName": "rush"}
        asked = [{**where, "artifactID": made.id, "aliases": []} for made in versions]
        with ThreadPoolExecutor(len(asked)) as pool:
            done = list(pool.map(lambda given: spot.person.graphql(document, i=given), asked))
        assert sorted(each["linkArtifact"]["versionIndex"] for each in done) == list(range(12))
        assert [each.name for each in shelf.collections()] == ["rush"]
        assert spot.api().artifact(path_to(shelf, "rush")).version == "v11"


class TestReadingThroughLinks:
    def test_files_come_through_the_link(self, spot: Desk, shelf: Registry):
        with spot.init() as run:
            made = run.log_artifact(artifact("read", "model", files={"a": "1", "deep/b": "2"})).wait()
            run.link_artifact(made, path_to(shelf, "Read Me"))
        with spot.afresh() as elsewhere:
            link = elsewhere.api().artifact(path_to(shelf, "Read Me:latest"))
            assert contents(link.download()) == {"a": "1", "deep/b": "2"}
        with spot.afresh() as elsewhere:
            link = elsewhere.api().artifact(path_to(shelf, "Read Me:latest"))
            assert Path(link.get_entry("deep/b").download()).read_text() == "2"
            assert [file.name for file in link.files()] == ["a", "deep/b"]

    def test_a_run_that_uses_a_link_uses_the_source(self, spot: Desk, shelf: Registry, run: wandb.Run):
        made = logged(run)
        run.link_artifact(made, path_to(shelf, "used"))
        with spot.init() as user:
            found = user.use_artifact(path_to(shelf, "used:v0"))
            assert found.is_link
            short = user.use_artifact(f"{shelf.full_name}/used:latest")
            assert short.id == made.id
        api = spot.api()
        assert [each.id for each in api.artifact(made.qualified_name).used_by()] == [user.id]
        used = [each.source_qualified_name for each in api.run(f"{spot.path}/{user.id}").used_artifacts()]
        assert used == [made.qualified_name]


class TestUnlinking:
    def test_a_version_leaves_and_the_collection_stays(self, spot: Desk, shelf: Registry, run: wandb.Run):
        target = path_to(shelf, "leaving")
        first, second = logged(run), logged(run)
        first.link(target)
        link = second.link(target, aliases=["best"])
        link.unlink()
        api = spot.api()
        assert not api.artifact_exists(f"{target}:v1")
        assert api.artifact(f"{target}:latest").version == "v0"
        api.artifact(f"{target}:v0").unlink()
        assert api.artifact_collection("model", target).name == "leaving"
        assert not api.artifact_exists(f"{target}:latest")
        assert api.artifact(second.qualified_name).linked_artifacts == []

    def test_a_link_that_is_deleted_is_unlinked(self, spot: Desk, shelf: Registry, run: wandb.Run):
        made = logged(run)
        made.link(path_to(shelf, "deleted")).delete()
        api = spot.api()
        assert not api.artifact_exists(path_to(shelf, "deleted:v0"))
        assert api.artifact_exists(made.qualified_name)

    def test_a_version_comes_back_under_its_number(self, shelf: Registry, run: wandb.Run):
        target = path_to(shelf, "again")
        first, second = logged(run), logged(run)
        first.link(target, aliases=["gone"]).unlink()
        assert second.link(target).version == "v1"
        again = first.link(target)
        assert (again.version, again.aliases) == ("v0", ["latest"])

    def test_a_source_is_not_unlinked(self, spot: Desk, run: wandb.Run):
        made = logged(run)
        with pytest.raises(ValueError, match=r"use 'Artifact\.delete' instead"):
            made.unlink()
        api = spot.api()
        mutation = """mutation M($a: ID!, $p: ID!) {
            unlinkArtifact(input: {artifactID: $a, artifactPortfolioID: $p}) { success } }"""
        variables = {"a": made.id, "p": api.artifact(made.qualified_name).collection.id}
        answer = spot.person.call("POST", "/graphql", {"query": mutation, "variables": variables})
        assert answer.status == 400
        assert api.artifact_exists(made.qualified_name)


class TestRefusals:
    def test_a_type_that_the_registry_does_not_accept(self, spot: Desk, run: wandb.Run):
        """W-08, W-09: both types are named, nothing is linked, no collection is made."""
        api = spot.api()
        title = spot.team.organization_title
        closed = api.create_registry(unique("closed"), "organization", title, artifact_types=["model", "onnx"])
        made = logged(run, "data", "dataset")
        with pytest.raises(CommError, match=r"'model'.*'dataset'"):
            made.link(path_to(closed, "wrong"))
        assert list(closed.collections()) == []
        assert logged(run, "fine", "onnx").link(path_to(closed, "right")).type == "onnx"
        assert [each.name for each in closed.collections()] == ["right"]

    def test_a_type_that_the_collection_does_not_have(self, spot: Desk, shelf: Registry, run: wandb.Run):
        """W-07, W-10."""
        target = path_to(shelf, "typed")
        logged(run).link(target)
        with pytest.raises(CommError, match=r"'model'.*'dataset'"):
            logged(run, "data", "dataset").link(target)
        assert [each.version for each in spot.api().artifacts("model", target)] == ["v0"]

    def test_a_type_can_only_be_added_to_a_registry(self, spot: Desk):
        """W-12: the client refuses to take one away, and what it sends can't."""
        api = spot.api()
        title = spot.team.organization_title
        registry = api.create_registry(unique("typed"), "organization", title, artifact_types=["model"])
        registry.artifact_types.append("dataset")
        registry.save()
        assert sorted(api.registry(registry.name, title).artifact_types) == ["dataset", "model"]
        again = api.registry(registry.name, title)
        with pytest.raises(ValueError, match="Cannot remove artifact type"):
            again.artifact_types.remove("model")
        mutation = "mutation M($i: UpsertModelInput!) { upsertModel(input: $i) { inserted } }"
        given = {"entityName": registry.entity, "name": registry.full_name, "artifactTypes": []}
        spot.person.graphql(mutation, i=given)
        assert sorted(api.registry(registry.name, title).artifact_types) == ["dataset", "model"]
        # Nor does it lose them when it is opened to all, and closed again.
        for everything in (True, False):
            spot.person.graphql(mutation, i={**given, "allowAllArtifactTypesInRegistry": everything})
            found = api.registry(registry.name, title)
            assert found.allow_all_artifact_types is everything
            assert sorted(found.artifact_types) == ["dataset", "model"]

    def test_what_is_personal_stays_out_of_an_organization(self, spot: Desk, shelf: Registry):
        """Decision 12, for drafts too."""
        with spot.init(entity=spot.person.name) as mine:
            made = logged(mine)
            with pytest.raises(CommError, match="personally"):
                made.link(path_to(shelf, "personal"))
        assert list(shelf.collections()) == []

    def test_an_artifact_is_no_place_to_link_to(self, spot: Desk, run: wandb.Run):
        logged(run, "line")
        with pytest.raises(CommError, match="line is an artifact"):
            logged(run, "other").link(f"{spot.path}/line")

    def test_what_is_not_there_is_named(self, spot: Desk, run: wandb.Run):
        made = logged(run)
        with pytest.raises(CommError, match="no registry 'Missing'"):
            made.link(f"{spot.team.organization}/wandb-registry-Missing/x")
        with pytest.raises(CommError, match="Unable to find organization for entity"):
            made.link("nowhere/wandb-registry-Missing/x")

    def test_a_name_that_can_t_be_one_is_refused(self, shelf: Registry, run: wandb.Run):
        made = logged(run)
        with pytest.raises(CommError, match="128"):
            made.link(path_to(shelf, "x" * 129))
        with pytest.raises(CommError, match="Aliases must not contain any of the following characters"):
            made.link(path_to(shelf, "x"), aliases=["a/b"])
        with pytest.raises(CommError, match="v7"):
            made.link(path_to(shelf, "x"), aliases=["v7"])
        assert list(shelf.collections()) == []
