"""Registries: made, changed, searched through, and who may what in them."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from wandb.apis.public.registries.registries_search import Collections
from wandb.apis.public.registries.registry import Registry

from clients.wandb.lab import Desk, Person, unique
from clients.wandb.making import Refused, artifact, contents, someone


@pytest.fixture
def place(spot: Desk) -> Desk:
    """A place in an organization of the test's own, which has no registry yet."""
    team = spot.lab.team(admin=spot.person)
    return replace(spot, team=team)


def fill(desk: Desk, registry: Registry, *links: tuple[str, str, list[str]]) -> None:
    """Link new versions: each into a collection, with a type and aliases."""
    with desk.init() as run:
        for collection, kind, aliases in links:
            made = artifact(f"of-{collection}".replace(" ", "-"), kind, files={"x": unique("x")})
            made.metadata["of"] = collection
            logged = run.log_artifact(made, tags=[collection.lower()]).wait()
            logged.link(f"{registry.entity}/{registry.full_name}/{collection}", aliases=aliases)


@pytest.fixture(scope="module")
def library(studio: Desk) -> Desk:
    """A place in an organization with two registries: one with `MNIST` and `Speech`, one with `Digits`."""
    place = replace(studio, team=studio.lab.team(admin=studio.person), project=unique("project"))
    api, title = place.api(), place.team.organization_title
    models = api.create_registry("Models", "organization", title, description="Those that count")
    data = api.create_registry("Data sets", "organization", title)
    fill(
        place,
        models,
        ("MNIST", "model", ["staging"]),
        ("MNIST", "model", ["production"]),
        ("Speech", "model", []),
    )
    fill(place, data, ("Digits", "dataset", ["production"]))
    collection = place.api().artifact_collection("model", f"{place.team.organization}/wandb-registry-Models/MNIST")
    collection.tags, collection.description = ["vision"], "Handwritten digits"
    collection.save()
    return place


class TestMaking:
    def test_a_registry_is_what_was_asked_for(self, place: Desk):
        """W-11, W-35."""
        title = place.team.organization_title
        made = place.api().create_registry(
            "Fine-tuned models",
            "restricted",
            title,
            description="Those that count",
            artifact_types=["model", "Plug-in"],
        )
        found = place.api().registry("Fine-tuned models", title)
        for registry in (made, found):
            assert (registry.name, registry.full_name) == ("Fine-tuned models", "wandb-registry-Fine-tuned models")
            assert (registry.organization, registry.entity) == (title, place.team.organization)
            assert (registry.visibility, registry.description) == ("restricted", "Those that count")
            assert sorted(registry.artifact_types) == ["Plug-in", "model"]
            assert registry.allow_all_artifact_types is False
        assert found.path == [place.team.organization, "wandb-registry-Fine-tuned models"]

    def test_one_without_types_takes_all(self, place: Desk):
        made = place.api().create_registry("Open", "organization", place.team.organization_title)
        assert (made.allow_all_artifact_types, list(made.artifact_types)) == (True, [])
        fill(place, made, ("a", "model", []), ("b", "anything", []))
        found = place.api().registry("Open", place.team.organization_title)
        assert sorted(found.artifact_types) == ["anything", "model"]

    def test_a_name_is_there_once(self, place: Desk):
        api, title = place.api(), place.team.organization_title
        api.create_registry("Once", "organization", title)
        with pytest.raises(Refused, match="please use a different name"):
            api.create_registry("Once", "organization", title)
        with pytest.raises(Refused, match=r"(?i)organization.*not found"):
            api.create_registry("Once", "organization", "No such organization")
        with pytest.raises(Refused, match="Failed to load registry 'Never'"):
            api.registry("Never", title)

    def test_changes_are_saved(self, place: Desk):
        api, title = place.api(), place.team.organization_title
        registry = api.create_registry("Before", "organization", title, description="one", artifact_types=["model"])
        fill(place, registry, ("kept", "model", ["best"]))
        registry.description = "two"
        registry.visibility = "restricted"
        registry.artifact_types.append("dataset")
        registry.name = "After all"
        registry.save()
        found = place.api().registry("After all", title)
        assert (found.description, found.visibility) == ("two", "restricted")
        assert sorted(found.artifact_types) == ["dataset", "model"]
        assert found.id == registry.id
        path = f"{place.team.organization}/wandb-registry-After all/kept:best"
        assert place.api().artifact(path).version == "v0"
        with pytest.raises(Refused, match="Failed to load registry 'Before'"):
            place.api().registry("Before", title)
        found.description = ""
        found.save()
        assert not place.api().registry("After all", title).description

    def test_from_all_types_to_some(self, place: Desk):
        title = place.team.organization_title
        registry = place.api().create_registry("Closing", "organization", title)
        fill(place, registry, ("kept", "model", []))
        registry.allow_all_artifact_types = False
        registry.save()
        assert place.api().registry("Closing", title).allow_all_artifact_types is False
        with place.init() as run:
            other = run.log_artifact(artifact("other", "other", files={"x": unique("x")})).wait()
            with pytest.raises(Refused, match="'other'"):
                other.link(f"{registry.entity}/{registry.full_name}/other")

    def test_a_registry_is_deleted(self, place: Desk):
        title = place.team.organization_title
        registry = place.api().create_registry("Going", "organization", title)
        fill(place, registry, ("kept", "model", []))
        registry.delete()
        assert [each.name for each in place.api().registries(title)] == []
        assert place.api().artifact_exists(f"{place.path}/of-kept:v0")
        with pytest.raises(Refused, match="Failed to delete registry"):
            registry.delete()
        again = place.api().create_registry("Going", "organization", title)
        assert list(again.collections()) == []


class TestSearching:
    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (None, ["Data sets", "Models"]),
            ({"name": "Models"}, ["Models"]),
            ({"name": {"$regex": "odel"}}, ["Models"]),
            ({"name": {"$contains": "Data s"}}, ["Data sets"]),
            ({"name": {"$in": ["Models", "Nothing"]}}, ["Models"]),
            ({"name": {"$ne": "Models"}}, ["Data sets"]),
            ({"$or": [{"name": "Models"}, {"name": "Data sets"}]}, ["Data sets", "Models"]),
            ({"$not": {"name": "Models"}}, ["Data sets"]),
            ({"description": {"$contains": "count"}}, ["Models"]),
            ({"created_at": {"$gt": "2020-01-01T00:00:00Z"}}, ["Data sets", "Models"]),
            ({"created_at": {"$lt": "2020-01-01T00:00:00Z"}}, []),
            ({"name": "Nothing"}, []),
        ],
        ids=str,
    )
    def test_registries_are_found(self, library: Desk, filters: dict[str, Any] | None, expected: list[str]):
        found = library.api().registries(library.team.organization_title, filter=filters)
        assert sorted(each.name for each in found) == expected

    def test_collections_are_found(self, library: Desk):
        registries = library.api().registries(library.team.organization_title)

        def names(filters: dict[str, Any] | None = None) -> set[str]:
            return {each.name for each in registries.collections(filters)}

        assert names() == {"MNIST", "Speech", "Digits"}
        assert names({"name": "MNIST"}) == {"MNIST"}
        assert names({"name": {"$regex": "^S"}}) == {"Speech"}
        assert names({"tag": "vision"}) == {"MNIST"}
        assert names({"tag": {"$in": ["vision", "sound"]}}) == {"MNIST"}
        assert names({"description": {"$contains": "digits"}}) == {"MNIST"}
        assert names({"$or": [{"name": "Speech"}, {"tag": "vision"}]}) == {"MNIST", "Speech"}
        assert names({"$nor": [{"name": "Speech"}, {"tag": "vision"}]}) == {"Digits"}
        assert names({"created_at": {"$gte": "2020-01-01T00:00:00Z"}}) == {"MNIST", "Speech", "Digits"}
        assert len(list(registries.collections())) == 3

    def test_versions_are_found(self, library: Desk):
        registries = library.api().registries(library.team.organization_title)

        def names(filters: dict[str, Any] | None = None, collections: dict[str, Any] | None = None) -> set[str]:
            return {each.name for each in registries.collections(collections).versions(filters)}

        everything = {"MNIST:v0", "MNIST:v1", "Speech:v0", "Digits:v0"}
        assert names() == everything
        assert {each.name for each in registries.versions()} == everything
        assert names({"alias": "production"}) == {"MNIST:v1", "Digits:v0"}
        assert names({"alias": {"$in": ["staging", "production"]}}) == {"MNIST:v0", "MNIST:v1", "Digits:v0"}
        assert names({"alias": "latest"}, {"name": "MNIST"}) == {"MNIST:v1"}
        assert names({"tag": "speech"}) == {"Speech:v0"}
        assert names({"version": "v1"}) == {"MNIST:v1"}
        assert names({"metadata.of": "Speech"}) == {"Speech:v0"}
        assert names({"metadata.of": {"$ne": "Speech"}}) == everything - {"Speech:v0"}
        assert names({"$and": [{"alias": "production"}, {"metadata.of": "MNIST"}]}) == {"MNIST:v1"}
        assert names({"created_at": {"$lt": "2020-01-01T00:00:00Z"}}) == set()
        in_one = library.api().registries(library.team.organization_title, filter={"name": "Models"})
        assert {each.name for each in in_one.collections().versions()} == everything - {"Digits:v0"}

    def test_a_found_version_is_whole(self, library: Desk, tmp_path: Path):
        registry = library.api().registry("Data sets", library.team.organization_title)
        [found] = registry.versions({"alias": "production"})
        assert (found.version, sorted(found.aliases), found.is_link) == ("v0", ["latest", "production"], True)
        assert found.source_qualified_name == f"{library.path}/of-Digits:v0"
        assert list(contents(found.download(root=str(tmp_path)))) == ["x"]

    def test_order_and_pages(self, library: Desk):
        api, title = library.api(), library.team.organization_title
        assert [each.name for each in api.registries(title, order="+name")] == ["Data sets", "Models"]
        assert [each.name for each in api.registries(title, order="-name", per_page=1)] == ["Models", "Data sets"]
        assert [each.name for each in api.registries(title, order="created_at")] == ["Models", "Data sets"]
        collections = api.registries(title, filter={"name": "Models"}).collections(order="-name", per_page=1)
        assert next(collections).name == "Speech"
        assert isinstance(collections, Collections)
        cursor = collections.cursor
        rest = api.registry("Models", title).collections(order="-name", start=cursor)
        assert [each.name for each in rest] == ["MNIST"]
        versions = api.registry("Models", title).versions(per_page=1)
        first = next(versions).name
        rest = [each.name for each in api.registry("Models", title).versions(start=versions.cursor)]
        assert sorted([first, *rest]) == ["MNIST:v0", "MNIST:v1", "Speech:v0"]
        paged = api.registries(title, per_page=1)
        next(paged)
        assert len(list(api.registries(title, start=paged.cursor))) == 1

    def test_versions_in_an_order(self, library: Desk):
        """The client asks for none, as long as it is not told that it may."""
        document = """query Q($o: String!, $order: String!) { organization(name: $o) { orgEntity {
            artifactMemberships(projectFilters: "{\\"name\\": \\"wandb-registry-Models\\"}", order: $order) {
                edges { node { versionIndex artifactCollection { name } } } } } } }"""

        def names(order: str) -> list[str]:
            found = library.person.graphql(document, o=library.team.organization_title, order=order)
            nodes = [edge["node"] for edge in found["organization"]["orgEntity"]["artifactMemberships"]["edges"]]
            return [f"{node['artifactCollection']['name']}:v{node['versionIndex']}" for node in nodes]

        assert names("+acm_created_at") == ["MNIST:v0", "MNIST:v1", "Speech:v0"]
        assert names("-artifact_created_at") == ["Speech:v0", "MNIST:v1", "MNIST:v0"]

    def test_a_filter_that_can_t_be_is_refused(self, library: Desk):
        api, title = library.api(), library.team.organization_title
        with pytest.raises(Refused):
            list(api.registries(title, filter={"name": {"$regex": "("}}))
        with pytest.raises(Refused, match=r"\$near"):
            list(api.registries(title, filter={"description": {"$near": 1}}))
        with pytest.raises(Refused, match=r"(?i)organization.*not found"):
            list(api.registries("No such organization"))


class TestMembers:
    def test_people_come_and_go(self, place: Desk):
        title = place.team.organization_title
        other = place.lab.person("other")
        place.lab.join(f"/organizations/{place.team.organization}", other)
        registry = place.api().create_registry("Shared", "restricted", title)
        assert [(each.user.name, each.role) for each in registry.user_members()] == [(place.person.name, "admin")]
        assert registry.team_members() == []
        user = someone(place.api(), other.name)
        registry.add_members(user)
        assert {each.user.username: each.role for each in registry.user_members()} == {
            place.person.name: "admin",
            other.name: "member",
        }
        for role in ("viewer", "restricted_viewer", "admin", "member"):
            registry.update_member(user, role=role)
            assert {each.user.username: each.role for each in registry.user_members()}[other.name] == role
        registry.remove_members(user)
        assert [each.user.username for each in registry.user_members()] == [place.person.name]
        registry.remove_members(user)

    def test_teams_come_and_go(self, place: Desk):
        registry = place.api().create_registry("Shared", "restricted", place.team.organization_title)
        team = place.api().team(place.team.name)
        registry.add_members(team)
        assert [(each.team.name, each.role) for each in registry.team_members()] == [(place.team.name, "member")]
        registry.update_member(team, role="viewer")
        assert [(each.team.name, each.role) for each in registry.team_members()] == [(place.team.name, "viewer")]
        assert len(registry.members()) == 2
        registry.remove_members(team)
        assert registry.team_members() == []

    def test_an_unknown_role_is_refused(self, place: Desk):
        registry = place.api().create_registry("Shared", "restricted", place.team.organization_title)
        other = place.lab.person("other")
        place.lab.join(f"/organizations/{place.team.organization}", other)
        user = someone(place.api(), other.name)
        registry.add_members(user)
        with pytest.raises(Refused, match="restricted_viewer, viewer, member, admin"):
            registry.update_member(user, role="emperor")
        assert {each.user.username: each.role for each in registry.user_members()}[other.name] == "member"

    def test_only_admins_change_a_registry(self, place: Desk):
        title = place.team.organization_title
        other = place.lab.person("other")
        place.lab.join(f"/organizations/{place.team.organization}", other)
        registry = place.api().create_registry("Ruled", "organization", title)
        fill(place, registry, ("kept", "model", []))
        with place.as_(other) as there:
            found = there.api().registry("Ruled", title)
            found.description = "mine"
            with pytest.raises(Refused, match="Failed to save registry"):
                found.save()
            with pytest.raises(Refused, match="Failed to delete registry"):
                found.delete()
            with pytest.raises(Refused):
                found.add_members(someone(there.api(), other.name))
        assert not place.api().registry("Ruled", title).description

    def test_a_restricted_registry_is_for_its_members(self, place: Desk):
        title = place.team.organization_title
        other = place.lab.person("other")
        place.lab.join(f"/organizations/{place.team.organization}", other)
        registry = place.api().create_registry("Closed", "restricted", title)
        fill(place, registry, ("kept", "model", ["best"]))
        name = f"{registry.entity}/{registry.full_name}/kept:best"
        with place.as_(other) as there:
            api = there.api()
            assert list(api.registries(title)) == []
            assert not api.artifact_exists(name)
            with pytest.raises(Refused, match="Failed to load registry"):
                api.registry("Closed", title)
        place.api().registry("Closed", title).add_members(someone(place.api(), other.name))
        with place.as_(other) as there:
            assert there.api().artifact(name).version == "v0"
            # A member of the registry sets aliases, though the source's project is hidden from him.
            found = there.api().artifact(name)
            found.aliases.append("chosen")
            found.save()
            assert there.api().artifact(name.replace("best", "chosen")).version == "v0"


class TestRestrictedViewers:
    """He sees what there is, and may not have it, whichever way he asks."""

    @pytest.fixture
    def guarded(self, place: Desk) -> tuple[Desk, Person, str]:
        """A restricted viewer and a version that he sees: in a registry of types, by a name with an alias."""
        registry = place.api().create_registry(
            "Guarded", "restricted", place.team.organization_title, description="Look", artifact_types=["model"]
        )
        fill(place, registry, ("Kept", "model", ["best"]))
        viewer = place.lab.person("viewer")
        place.lab.join(f"/organizations/{place.team.organization}", viewer)
        user = someone(place.api(), viewer.name)
        registry.add_members(user)
        registry.update_member(user, role="restricted_viewer")
        return place, viewer, f"{registry.entity}/{registry.full_name}/Kept:best"

    def test_he_sees_card_and_versions(self, guarded: tuple[Desk, Person, str]):
        place, viewer, name = guarded
        with place.as_(viewer) as there:
            registry = there.api().registry("Guarded", place.team.organization_title)
            assert (registry.description, list(registry.artifact_types)) == ("Look", ["model"])
            assert [each.name for each in registry.collections()] == ["Kept"]
            [found] = registry.versions()
            assert (found.name, sorted(found.aliases)) == ("Kept:v0", ["best", "latest"])
            assert found.metadata == {"of": "Kept"}
            by_name = there.api().artifact(name)
            assert (by_name.version, by_name.size) == ("v0", found.size)
            assert there.api().artifact_collection("model", name.partition(":")[0]).name == "Kept"

    def test_he_downloads_nothing(self, guarded: tuple[Desk, Person, str]):
        place, viewer, name = guarded
        with place.as_(viewer) as there:
            found = there.api().artifact(name)
            for way in (
                found.download,
                lambda: found.download(multipart=True),
                lambda: found.manifest,
                lambda: list(found.files()),
                lambda: found.get_entry("x"),
                found.checkout,
                lambda: found.get("x"),
            ):
                with pytest.raises(Refused, match="not download"):
                    way()
            with there.init(entity=viewer.name) as run, pytest.raises(Refused, match="not download"):
                run.use_artifact(name).download()

    def test_nor_by_the_addresses_themselves(self, guarded: tuple[Desk, Person, str]):
        place, viewer, name = guarded
        found = place.api().artifact(name)
        entry = found.get_entry("x")
        digest = base64.b64decode(entry.digest).hex()
        entity, project, collection = name.partition(":")[0].split("/")
        artifact_id = (found.id or "").replace("=", "%3D")
        longer = f"/artifactsV2/default/{entity}/{project}/{collection}/{artifact_id}/{artifact_id}/{digest}/x".replace(
            " ", "%20"
        )
        shorter = f"/artifactsV2/default/{entity}/{project}/{collection}/{artifact_id}/{digest}/x".replace(" ", "%20")
        oldest = f"/artifacts/{place.team.name}/{digest}"
        for path in (longer, shorter, oldest):
            assert place.person.call("GET", path).status == 200, path
            assert viewer.call("GET", path).status in {403, 404}, path
            nobody = Person(viewer.url, "nobody", "")
            assert nobody.call("GET", path).status in {401, 404}, path
        documents = (
            "query Q($id: ID!) { artifact(id: $id) { currentManifest { file { directUrl } } } }",
            "query Q($id: ID!) { artifact(id: $id) { files { edges { node { directUrl } } } } }",
            """query Q($id: ID!) { artifact(id: $id) { filesByManifestEntries(
                storageLayout: "V2", manifestVersion: "1", entries: [{name: "x", digest: "d"}]
            ) { edges { node { directUrl } } } } }""",
            """query Q($id: ID!) { artifact(id: $id) { artifactMemberships { edges { node {
                files { edges { node { url directUrl } } } } } } } }""",
        )
        for document in documents:
            asked = {"query": document, "variables": {"id": found.id}}
            assert place.person.call("POST", "/graphql", asked).status == 200
            answer = viewer.call("POST", "/graphql", asked)
            assert answer.status == 403, answer.body
            assert b"/storage/" not in answer.body

    def test_nor_may_he_link_or_change_it(self, guarded: tuple[Desk, Person, str]):
        place, viewer, name = guarded
        with place.as_(viewer) as there:
            found = there.api().artifact(name)
            with pytest.raises(Refused):
                found.link(f"{viewer.name}/mine/copy")
            with pytest.raises(Refused):
                found.unlink()
            found.aliases.append("mine")
            with pytest.raises(Refused):
                found.save()


class TestProtectedAliases:
    def test_only_an_admin_moves_one(self, place: Desk):
        registry = place.api().create_registry("Production", "organization", place.team.organization_title)
        fill(place, registry, ("MNIST", "model", ["production"]), ("MNIST", "model", []))
        path = f"/organizations/{place.team.organization}/registries/{registry.name}/protected-aliases/production"
        assert place.person.native("PUT", path, {"approvals": 0}).status in {200, 201, 204}
        member = place.lab.person("member")
        place.lab.join(f"/organizations/{place.team.organization}", member)
        target = f"{registry.entity}/{registry.full_name}/MNIST"
        with place.as_(member) as there:
            found = there.api().artifact(f"{target}:v1")
            found.aliases.append("production")
            with pytest.raises(Refused, match="production"):
                found.save()
            former = there.api().artifact(f"{target}:v0")
            former.aliases.remove("production")
            with pytest.raises(Refused, match="production"):
                former.save()
            with pytest.raises(Refused, match="production"):
                former.unlink()
        assert place.api().artifact(f"{target}:production").version == "v0"
        found = place.api().artifact(f"{target}:v1")
        found.aliases.append("production")
        found.save()
        assert place.api().artifact(f"{target}:production").version == "v1"


class TestPeople:
    def test_who_asks_and_who_there_is(self, place: Desk):
        api = place.api()
        assert api.viewer.username == place.person.name
        assert api.default_entity == place.person.name
        found = someone(api, place.person.name)
        assert found.email == f"{place.person.name}@example.org"
        assert place.team.name in found.teams
        assert api.user("nobody-at-all") is None
        assert [each.username for each in api.users(place.person.name)] == [place.person.name]

    def test_teams(self, desk: Desk):
        api = desk.api()
        team = api.team(desk.team.name)
        assert [member.username for member in team.members] == [desk.person.name]
        other = desk.lab.person("other")
        desk.lab.join(f"/organizations/{desk.team.organization}", other)
        assert team.invite(other.name)
        again = desk.api().team(desk.team.name)
        assert {member.username for member in again.members} == {desk.person.name, other.name}
        [member] = [each for each in again.members if each.username == other.name]
        assert member.delete()
        assert [each.username for each in desk.api().team(desk.team.name).members] == [desk.person.name]
        assert not team.invite("nobody-at-all")
        made = api.create_team(unique("made"), admin_username=desk.person.name)
        assert [member.username for member in made.members] == [desk.person.name]

    def test_organizations(self, place: Desk):
        found = place.api().organization(place.team.organization_title)
        assert found.name == place.team.organization_title
        with pytest.raises(Refused, match="not found"):
            place.api().organization("No such organization")

    def test_projects(self, place: Desk):
        api = place.api()
        name = unique("made")
        api.create_project(name, place.team.name)
        assert name in {each.name for each in api.projects(place.team.name)}
        assert api.project(name, place.team.name).name == name
