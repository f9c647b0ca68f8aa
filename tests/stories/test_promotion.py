"""Story B of the acceptance list: promotion under control, with the unmodified client and a receiver of webhooks.

A registry that can't be hollowed out, and that remembers.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import wandb
from wandb.errors import CommError

from clients.wandb.lab import Desk, Lab, Person, Team, unique, working
from support.database import Cluster
from support.receiver import Receiver, receiving
from support.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REGISTRY = "Fine-tuned models"


@pytest.fixture(scope="module")
def lab(cluster: Cluster) -> Generator[Lab]:
    """A server of this story's own, which may send webhooks to this machine."""
    settings = {"PINAKES_WEBHOOK_PRIVATE_ADDRESSES": "true"}
    with cluster.database() as url, serving(database_url=url, settings=settings) as server:
        yield Lab(server.url, server.admin_token)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as receiver:
        yield receiver


def log(desk: Desk, name: str, content: str, kind: str = "model") -> wandb.Artifact:
    """Log a version of a model with the client."""
    file = desk.folder / f"{unique('weights')}.txt"
    file.write_text(content)
    with desk.init() as run:
        artifact = wandb.Artifact(name, type=kind, metadata={"accuracy": 0.98})
        artifact.add_file(str(file), name="weights.txt")
        return run.log_artifact(artifact).wait()


def link(desk: Desk, artifact: wandb.Artifact, target: str) -> wandb.Artifact | None:
    """Link a version with the client."""
    with desk.init() as run:
        return run.link_artifact(artifact, target)


def versions(person: Person, collection: str) -> list[tuple[int, list[str]]]:
    """The versions in a release and their aliases, natively."""
    rows = person.made("GET", f"/collections/{collection}/versions?tombstones=true")["rows"]
    return [(row["number"], row["aliases"]) for row in rows]


@dataclass(frozen=True)
class Stage:
    """Who plays, and where."""

    admin: Person
    member: Person
    viewer: Person
    team: Team
    desk: Desk

    @property
    def shelf(self) -> str:
        """The registry, natively."""
        return f"/organizations/{self.team.organization}/registries/{quote(REGISTRY)}"

    def target(self, collection: str = "MNIST") -> str:
        """A collection in it, as the client names it."""
        return f"{self.team.organization}/wandb-registry-{REGISTRY}/{collection}"


@pytest.fixture
def stage(lab: Lab, tmp_path: Path) -> Stage:
    admin, member, viewer = lab.person("admin"), lab.person("member"), lab.person("viewer")
    team = lab.team(admin=admin, member=member)
    lab.join(f"/organizations/{team.organization}", viewer, "viewer")
    admin.made("POST", f"/organizations/{team.organization}/registries", {"name": REGISTRY, "types": ["model"]})
    return Stage(admin, member, viewer, team, Desk(lab, member, team, unique("project"), tmp_path))


def test_promotion_under_control(stage: Stage, receiver: Receiver) -> None:
    """Story B, steps 1 to 5 (W-08, W-12, W-15, W-21); the fourth before the third, which deletes what it is about."""
    collection = the_client_logs_and_links(stage)
    only_an_admin_moves_the_protected_alias(stage, collection, receiver)
    what_was_production_then(stage, collection)
    the_registry_cannot_be_hollowed_out(stage)
    a_restricted_viewer_looks_but_does_not_download(stage, collection)


def the_client_logs_and_links(stage: Stage) -> str:
    """1. The collection appears with that type; a wrong type is refused, and a saved one can't be taken away."""
    desk = stage.desk
    with working(stage.member, desk.folder):
        linked = link(desk, log(desk, "digits", "first"), stage.target())
        assert linked is not None
        assert (linked.version, linked.collection.type, set(linked.aliases)) == ("v0", "model", {"latest"})
        wrong = log(desk, "pixels", "pixels", kind="dataset")
        with pytest.raises(CommError, match=r"(?s)model.*dataset|dataset.*model"):
            link(desk, wrong, stage.target("Images"))
        assert link(desk, log(desk, "digits", "second"), stage.target()) is not None
    listed = stage.admin.made("GET", f"{stage.shelf}/collections")["rows"]
    assert [(row["name"], row["types"]) for row in listed] == [("MNIST", ["model"])]
    refused = stage.admin.native("PATCH", stage.shelf, {"types": ["dataset"]})
    assert refused.status == 422
    assert "model" in refused.json()["error"]["message"]
    return listed[0]["id"]


def only_an_admin_moves_the_protected_alias(stage: Stage, collection: str, receiver: Receiver) -> None:
    """2. A member is refused, an admin does it; the webhook fires, signed, and is delivered again on replay."""
    admin = stage.admin
    admin.made("PUT", f"{stage.shelf}/protected-aliases/production", {})
    hook = admin.made("POST", "/webhooks", {"url": receiver.url, "collection": collection, "verbs": ["alias.*"]})
    with working(stage.member, stage.desk.folder):
        version = wandb.Api().artifact(f"{stage.target()}:v0")
        version.aliases.append("production")
        with pytest.raises(CommError, match="production"):
            version.save()
    with working(admin, stage.desk.folder):
        version = wandb.Api().artifact(f"{stage.target()}:v0")
        version.aliases.append("production")
        version.save()
    (told,) = receiver.wait(1)
    told.verify(hook["key"])
    assert (told.event, told.json["after"]["alias"], told.json["after"]["number"]) == ("alias.set", "production", 0)
    admin.made("POST", f"/webhooks/{hook['id']}/deliveries/{told.delivery}/replay")
    again = receiver.wait(2)[1]
    again.verify(hook["key"])
    assert again.json["id"] == told.json["id"]


def what_was_production_then(stage: Stage, collection: str) -> None:
    """4. Who set it, and why: natively, one call."""
    admin, viewer = stage.admin, stage.viewer
    then = datetime.now(UTC)
    promoted = admin.made("GET", f"/collections/{collection}/versions/v1")["version"]["id"]
    body = {"version": promoted, "reason": "better on the readers' own digits"}
    admin.made("PUT", f"/collections/{collection}/aliases/production", body)
    was = viewer.made("GET", f"/collections/{collection}/aliases/production?at={quote(then.isoformat())}")
    now = viewer.made("GET", f"/collections/{collection}/aliases/production")
    assert (was["number"], was["set_by"], was["ended_by"]) == (0, admin.name, admin.name)
    assert (now["number"], now["set_by"], now["reason"], now["ended_at"]) == (1, admin.name, body["reason"], None)
    assert versions(viewer, collection) == [(1, ["latest", "production"]), (0, [])]


def the_registry_cannot_be_hollowed_out(stage: Stage) -> None:
    """3. The source project is not deleted while the registry refuses that; else tombstones say what was there."""
    admin, project = stage.admin, f"/projects/{stage.team.name}/{stage.desk.project}"
    kept = admin.native("DELETE", project)
    assert (kept.status, kept.json()["error"]["code"]) == (409, "held_by_registry")
    assert {holder["collection"] for holder in kept.json()["error"]["details"]["holders"]} == {"MNIST"}
    admin.made("PATCH", stage.shelf, {"on_deletion": "tombstone"})
    assert admin.native("DELETE", project).status == 204
    broken = admin.made("GET", f"{stage.shelf}/broken")["rows"]
    assert {(row["collection_name"], row["number"], row["name"].partition("/")[2]) for row in broken} == {
        ("MNIST", 0, "digits:v0"),
        ("MNIST", 1, "digits:v1"),
    }
    assert all(row["digest"] and row["deleted_by"] == admin.name for row in broken)


def a_restricted_viewer_looks_but_does_not_download(stage: Stage, collection: str) -> None:
    """5. The card and the versions, but not the files behind them, natively and with the client."""
    linked = a_version_that_stays(stage)
    stage.admin.made("PUT", f"{stage.shelf}/members/{stage.viewer.name}", {"role": "restricted_viewer"})
    seen = stage.viewer.made("GET", f"/collections/{collection}/versions")["rows"]
    assert [row["number"] for row in seen] == [2]
    files = f"/versions/{seen[0]['version']['id']}/files"
    assert (stage.viewer.native("GET", files).status, stage.member.native("GET", files).status) == (403, 200)
    with working(stage.viewer, stage.desk.folder):
        card = wandb.Api().artifact(f"{stage.target()}:{linked.version}")
        assert (card.version, card.type, card.metadata["accuracy"]) == ("v2", "model", 0.98)
        with pytest.raises(Exception, match="not download its files"):
            card.download(str(stage.desk.folder / "out"))


def a_version_that_stays(stage: Stage) -> wandb.Artifact:
    """Log and link another version, in another project."""
    with working(stage.member, stage.desk.folder):
        file = stage.desk.folder / "third.txt"
        file.write_text("third")
        with wandb.init(entity=stage.team.name, project=unique("project")) as run:
            artifact = wandb.Artifact("digits", type="model", metadata={"accuracy": 0.98})
            artifact.add_file(str(file))
            linked = run.link_artifact(artifact, stage.target())
    assert linked is not None
    return linked
