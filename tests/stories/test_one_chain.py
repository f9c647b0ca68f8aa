"""Story D of the acceptance list, steps 1 to 3 and the way back of step 5: one chain through three worlds.

From a labeling queue to a frozen list, from that to a version of a data set, from that to a released model; and from
the model back to each image and to who accepted its label.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import wandb

from clients.wandb.lab import Desk, Lab, Person, Team, unique, working
from factories.media import png
from support.database import Cluster
from support.other_postgres import other_postgres
from support.server import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# One is rejected once: an even number of hand-ins, for two people.
TRAINING, TEST = 9, 3
BOX = {"class_name": "digit", "geometry_type": "rectangle", "geometry": {"points": {"exterior": [[0, 0], [4, 3]]}}}


@pytest.fixture(scope="module", params=["private", "other"])
def lab(request: pytest.FixtureRequest, cluster: Cluster) -> Generator[Lab]:
    """A server of this story's own, on the PostgreSQL that Pinakes brings and on an operator's."""
    with (
        cluster.database() if request.param == "private" else other_postgres() as url,
        serving(database_url=url) as server,
    ):
        yield Lab(server.url, server.admin_token)


@dataclass
class Stage:
    """Who plays, where, and what they have made so far."""

    lab: Lab
    team: Team
    desk: Desk
    admin: Person
    member: Person
    anna: Person
    ben: Person
    rita: Person
    auditor: Person
    project: int = 0
    training: list[int] = field(default_factory=list[int])
    test: list[int] = field(default_factory=list[int])

    @property
    def shelf(self) -> str:
        """The registry, natively."""
        return f"/organizations/{self.team.organization}/registries/Cleared"

    def target(self, collection: str) -> str:
        """A collection in it, as the client names it."""
        return f"{self.team.organization}/wandb-registry-Cleared/{collection}"

    def selection(self, title: str) -> str:
        """A new selection of images."""
        body = {"kind": "selection", "project": self.project, "title": title}
        return self.member.made("POST", "/collections", body)["id"]

    def items(self, collection: str, **asked: int) -> list[int]:
        """What is in a collection, as the auditor sees it."""
        query = urlencode({"limit": 1000, **asked})
        rows = self.auditor.made("GET", f"/collections/{collection}/entries?{query}")["rows"]
        return [row["item"]["id"] for row in rows]


@pytest.fixture
def stage(lab: Lab, tmp_path: Path) -> Stage:
    """A team with a project of images in two datasets; one training image has the bytes of a test image."""
    admin, member, anna, ben, rita, auditor = (
        lab.person(word) for word in ("admin", "member", "anna", "ben", "rita", "auditor")
    )
    team = lab.team(admin=admin, member=member, viewer=auditor)
    for group in (f"/organizations/{team.organization}", f"/teams/{team.name}"):
        for person, role in ((anna, "annotator"), (ben, "annotator"), (rita, "reviewer")):
            lab.join(group, person, role)
    shelf = {"name": "Cleared", "types": ["model", "dataset"]}
    admin.made("POST", f"/organizations/{team.organization}/registries", shelf)
    desk = Desk(lab, member, team, unique("training"), tmp_path)
    stage = Stage(lab, team, desk, admin, member, anna, ben, rita, auditor)
    body = {"name": unique("digits"), "owner": team.name, "data_type": "images"}
    stage.project = member.made("POST", "/projects", body)["id"]
    member.made("POST", "/label-classes", {"project": stage.project, "classes": [{"name": "digit"}]})
    stage.training = images(stage, "training", [*range(TRAINING - 1), TRAINING])
    stage.test = images(stage, "test", range(TRAINING, TRAINING + TEST))
    return stage


def images(stage: Stage, name: str, numbers: Any) -> list[int]:  # noqa: ANN401 - numbers
    """Upload pictures; the same number, the same bytes."""
    dataset = stage.member.made("POST", "/datasets", {"project": stage.project, "name": name})["id"]
    return [
        stage.member.made("PUT", f"/uploads/{dataset}/{name}-{number}.png", png(number))["id"] for number in numbers
    ]


def test_one_chain_through_three_worlds(stage: Stage) -> None:
    """Story D, steps 1 to 3, and 5: the auditor's question takes a minute."""
    accepted, labelers = a_queue_is_completed(stage)
    frozen = what_was_accepted_is_frozen(stage, accepted)
    training, revision = training_and_test_share_nothing(stage, frozen)
    data = the_list_becomes_a_version(stage, training, revision)
    a_model_is_trained_from_it_and_released(stage, data)
    the_collection_goes_on(stage, training)
    from_the_model_back_to_each_image(stage, training, revision, labelers)


def a_queue_is_completed(stage: Stage) -> tuple[int, dict[int, str]]:
    """2. Two label, one reviews; one item is rejected once. Returns the queue, and who labeled what."""
    source = stage.selection("To label")
    put(stage, source, stage.training)
    body = {
        "name": "Digits", "collection": source, "labelers": [stage.anna.name, stage.ben.name],
        "reviewers": [stage.rita.name],
    }  # fmt: skip
    queue = stage.member.made("POST", "/queues", body)
    jobs = {each["user"]: each["job"] for each in queue["people"]}
    labelers: dict[int, str] = {}
    verb = "reject"
    while len(labelers) < TRAINING:
        for person in (stage.anna, stage.ben):
            item = label(person, jobs[person.name])
            assert next_item(stage.rita, jobs[stage.rita.name]) == item
            stage.rita.made("POST", f"/jobs/{jobs[stage.rita.name]}/{verb}", {"items": [item]})
            if verb == "accept":
                labelers[item] = person.name
            verb = "accept"
    counts = stage.member.made("GET", f"/queues/{queue['id']}")["counts"]
    assert (counts["accepted"], counts["pending"], counts["rejected"]) == (TRAINING, 0, 0)
    assert stage.member.made("POST", f"/queues/{queue['id']}/status", {"status": "completed"})["status"] == "completed"
    return queue["id"], labelers


def next_item(person: Person, job: int) -> int:
    """What somebody is given next."""
    return person.made("POST", f"/jobs/{job}/next")["given"]["item"]


def label(person: Person, job: int) -> int:
    """Take what comes next, draw a box on it and hand it in."""
    item = next_item(person, job)
    person.made("POST", f"/jobs/{job}/items/{item}/submit", {"annotation": {"figures": [BOX]}})
    return item


def what_was_accepted_is_frozen(stage: Stage, queue: int) -> str:
    """2. A live collection follows the queue; its frozen copy does not."""
    live = stage.selection("Accepted")
    stage.member.made("PUT", f"/collections/{live}/live", {"query": f"queue:{queue}=accepted", "sort": "id"})
    frozen = stage.member.made("POST", f"/collections/{live}/live/freeze", {"title": "Accepted in the first round"})
    assert sorted(stage.items(frozen["id"])) == sorted(stage.training)
    return frozen["id"]


def training_and_test_share_nothing(stage: Stage, frozen: str) -> tuple[str, int]:
    """2. One accepted image is, byte by byte, one of the test's: nothing gets in, until it is left out."""
    test, training = stage.selection("Test"), stage.selection("Training")
    put(stage, test, stage.test)
    check = {"kind": "disjoint", "params": {"collection": test}, "blocks": True}
    stage.member.made("POST", f"/collections/{training}/checks", check)
    accepted = stage.items(frozen)
    refused = stage.member.native("POST", f"/collections/{training}/entries", lines(accepted))
    assert (refused.status, refused.json()["error"]["code"]) == (409, "check_failed")
    twin = stage.training[-1]
    assert [each["item"] for each in refused.json()["error"]["details"]["checks"][0]["items"]] == [twin]
    assert stage.items(training) == []
    put(stage, training, [item for item in accepted if item != twin])
    stage.training.remove(twin)
    assert [each["passed"] for each in stage.auditor.made("POST", f"/collections/{training}/checks/run")["rows"]] == [
        True
    ]
    return training, stage.auditor.made("GET", f"/collections/{training}")["revision"]


def the_list_becomes_a_version(stage: Stage, training: str, revision: int) -> str:
    """3. The client logs what the collection held at that revision, says so, and links it into the registry."""
    export = stage.member.native("GET", f"/exports?{urlencode({'collection': training, 'format': 'jsonl'})}")
    assert export.status == 200
    folder = stage.desk.folder / "export"
    with zipfile.ZipFile(io.BytesIO(export.body)) as packed:
        packed.extractall(folder)
    listed = [json.loads(line)["id"] for line in (folder / "items.jsonl").read_text().splitlines()]
    assert sorted(listed) == sorted(stage.training)
    metadata = {"images": len(listed), "pinakes": {"collection": training, "revision": revision}}
    with working(stage.member, stage.desk.folder), stage.desk.init(job_type="freeze") as run:
        artifact = wandb.Artifact("digits", type="dataset", metadata=metadata)
        artifact.add_dir(str(folder))
        logged = run.log_artifact(artifact).wait()
        linked = run.link_artifact(logged, stage.target("Digits"))
        assert linked is not None
        assert len(logged.manifest.entries) == 1 + len(listed)
        return f"{linked.entity}/{linked.project}/{linked.name}"


def a_model_is_trained_from_it_and_released(stage: Stage, data: str) -> None:
    """3. A run reads it from the registry and logs a model, which is linked and promoted."""
    with working(stage.member, stage.desk.folder), stage.desk.init(job_type="train") as run:
        run.use_artifact(data)
        weights = stage.desk.folder / "weights.txt"
        weights.write_text("learned")
        artifact = wandb.Artifact("reader", type="model", metadata={"accuracy": 0.98})
        artifact.add_file(str(weights))
        assert run.link_artifact(artifact, stage.target("Reader"), aliases=["production"]) is not None


def the_collection_goes_on(stage: Stage, training: str) -> None:
    """What happens to the collection afterwards changes nothing of what the model was made of."""
    entries = stage.member.made("GET", f"/collections/{training}/entries")["rows"]
    stage.member.made("POST", f"/collections/{training}/entries/remove", {"entries": [entries[0]["id"]]})
    assert len(stage.items(training)) == len(stage.training) - 1


def from_the_model_back_to_each_image(stage: Stage, training: str, revision: int, labelers: dict[int, str]) -> None:
    """5. From what runs in production to its images, with who labeled them and who accepted that."""
    shelf = stage.auditor.made("GET", f"{stage.shelf}/collections")["rows"]
    reader = next(each["id"] for each in shelf if each["name"] == "Reader")
    released = stage.auditor.made("GET", f"/collections/{reader}/versions/production")["version"]["id"]
    (origin,) = stage.auditor.made("GET", f"/versions/{released}/provenance")["rows"]
    assert (origin["collection"], origin["revision"], origin["items"]) == (training, revision, len(stage.training))
    assert (origin["version_name"], origin["title"], origin["kind"]) == ("digits:v0", "Training", "selection")
    found = stage.items(origin["collection"], revision=origin["revision"])
    assert sorted(found) == sorted(stage.training)
    proofs = stage.auditor.made("GET", f"/proofs?{urlencode({'item': found}, doseq=True)}")["rows"]
    assert {each["item"]: (each["labeler"], each["reviewer"], each["state"]) for each in proofs} == {
        item: (labelers[item], stage.rita.name, "accepted") for item in found
    }
    image = stage.auditor.native("GET", f"/media/{found[0]}/file")
    assert (image.status, image.body[:4]) == (200, b"\x89PNG")
    stranger = stage.lab.person("stranger")
    for path in (f"/versions/{released}/provenance", f"/proofs?item={found[0]}", f"/media/{found[0]}/file"):
        assert stranger.native("GET", path).status == 404
    # Who may see the release but not the images is not told of the collection.
    buyer = stage.lab.person("buyer")
    stage.lab.join(f"/organizations/{stage.team.organization}", buyer, "viewer")
    assert buyer.made("GET", f"/versions/{released}/provenance")["rows"] == []


def put(stage: Stage, collection: str, items: list[int]) -> None:
    """Add items to a collection."""
    stage.member.made("POST", f"/collections/{collection}/entries", lines(items))


def lines(items: list[int]) -> dict[str, Any]:
    """The body that adds items."""
    return {"items": [{"item": item} for item in items]}
