"""Document W's own snippet as it stands, but for the placeholders that it tells its reader to replace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clients.wandb.lab import Desk, run_process, unique
from clients.wandb.making import maker

SNIPPET = Path(__file__).with_name("snippet.py.txt").read_text()
REGISTRY, COLLECTION = "Fine-tuned models", "MNIST"


def follow(desk: Desk, **names: str) -> str:
    """Replace the placeholders, run the snippet as a script, and return what it prints."""
    script = SNIPPET
    given = {
        "team_entity": desk.team.name,
        "project": desk.project,
        "artifact_name": "mnist",
        "artifact_type": "model",
        "organization_entity": desk.team.organization,
        "registry_name": REGISTRY,
        "collection_name": COLLECTION,
        **names,
    }
    for name, value in given.items():
        assert f"<{name}>" in script
        script = script.replace(f"<{name}>", value)
    assert "<" not in script
    file = desk.folder / f"{unique('snippet')}.py"
    file.write_text(script)
    return run_process([sys.executable, str(file)], desk.environment(), desk.folder)


def refusal(desk: Desk, **names: str) -> str:
    """What somebody sees whose snippet fails."""
    with pytest.raises(AssertionError) as failure:
        follow(desk, **names)
    return str(failure.value)


def test_the_snippet_makes_the_collection(desk: Desk):
    """W-01, W-02, W-03, W-04, W-05, W-06, W-13, W-14 to W-22, W-35: it logs, makes the collection, links."""
    desk.api().create_registry(REGISTRY, "organization", desk.team.organization_title, artifact_types=["model"])
    follow(desk)
    api = desk.api()
    registry = api.registry(REGISTRY, desk.team.organization_title)
    [collection] = registry.collections()
    assert (collection.name, collection.type) == (COLLECTION, "model")
    assert (collection.entity, collection.project) == (desk.team.organization, f"wandb-registry-{REGISTRY}")
    [version] = registry.collections().versions()
    assert (version.name, version.is_link, version.aliases) == ("MNIST:v0", True, ["latest"])
    # The link is a pointer: the version stays in its project.
    source = api.artifact(f"{desk.path}/mnist:v0")
    assert version.source_qualified_name == source.qualified_name == f"{desk.path}/mnist:v0"
    assert version.id == source.id
    assert [link.qualified_name for link in source.linked_artifacts] == [version.qualified_name]
    assert maker(source).state == "finished"


def test_it_can_be_followed_again(desk: Desk):
    """W-03, W-15: the second time the collection is there; the same content is the same version, another a new one."""
    desk.api().create_registry(REGISTRY, "organization", desk.team.organization_title)
    follow(desk)
    follow(desk)
    follow(desk, artifact_name="mnist-other")
    registry = desk.api().registry(REGISTRY, desk.team.organization_title)
    assert len(registry.collections()) == 1
    found = {version.name: version.source_name for version in registry.versions()}
    assert found == {"MNIST:v0": "mnist:v0", "MNIST:v1": "mnist-other:v0"}


def test_a_type_that_the_registry_does_not_accept_is_refused(desk: Desk):
    """W-08, W-09: both types are named, nothing is linked, and no collection is made; the artifact is logged."""
    desk.api().create_registry(REGISTRY, "organization", desk.team.organization_title, artifact_types=["model"])
    said = refusal(desk, artifact_type="dataset")
    assert "'model'" in said
    assert "'dataset'" in said
    api = desk.api()
    assert list(api.registry(REGISTRY, desk.team.organization_title).collections()) == []
    assert api.artifact(f"{desk.path}/mnist:v0").linked_artifacts == []


def test_a_type_that_the_collection_does_not_have_is_refused(desk: Desk):
    """W-07, W-08, W-10: what the collection took first decides."""
    desk.api().create_registry(REGISTRY, "organization", desk.team.organization_title)
    follow(desk)
    said = refusal(desk, artifact_type="dataset", artifact_name="digits")
    assert "'model'" in said
    assert "'dataset'" in said
    registry = desk.api().registry(REGISTRY, desk.team.organization_title)
    assert len(registry.collections()) == 1
    assert [version.source_name for version in registry.versions()] == ["mnist:v0"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        # The client asks for the team's organization, and says itself that it is none of that name.
        ({"organization_entity": "nowhere"}, "Unable to find organization for entity 'team-"),
        ({"registry_name": "No such thing"}, "No such thing"),
        ({"team_entity": "no-such-team"}, "no-such-team"),
    ],
    ids=["organization", "registry", "team"],
)
def test_what_is_wrong_is_named(desk: Desk, names: dict[str, str], said: str):
    """W-16: what of the path there is not."""
    desk.api().create_registry(REGISTRY, "organization", desk.team.organization_title)
    assert said in refusal(desk, **names)
    assert list(desk.api().registry(REGISTRY, desk.team.organization_title).collections()) == []
