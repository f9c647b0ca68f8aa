"""Kill -9 of the server and of PostgreSQL while the `wandb` client uploads and commits.

The client goes on when the server is back, as if nothing had been; no version is half there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from clients.crash.kills import KILLS, kill_everything, kill_server
from clients.crash.scene import Scene
from clients.wandb.lab import Desk, Lab, Person, request, unique
from support import invariants

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash"), pytest.mark.timeout(600)]

LOGGER = Path(__file__).with_name("logger.py")
# The client waits twice as long after each try that found no server.
PATIENCE = 150.0


class Stage(Scene):
    """The server, which is started again when a kill left something of it."""

    def restart(self) -> None:
        """Kill what is left of the server, and start it again."""
        if self.server.process.poll() is None:
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                kill_server(self)
        self.start()


@pytest.fixture(scope="module")
def scene() -> Generator[Stage]:
    with Stage.opened() as scene:
        yield scene


@pytest.fixture
def desk(scene: Stage, tmp_path: Path) -> Desk:
    lab = Lab(scene.server.url, scene.server.admin_token)
    person = lab.person("steady")
    return Desk(lab, person, lab.team(admin=person), unique("project"), tmp_path)


def test_the_client_goes_on_and_no_version_is_half_there(scene: Stage, desk: Desk):
    """While it uploads, and while it commits; whatever of the server is killed."""
    command = [sys.executable, str(LOGGER), desk.team.name, desk.project, str(desk.folder)]
    log = desk.folder / "printed.txt"
    with log.open("wb") as printed:
        client = subprocess.Popen(command, env=desk.environment(), stdout=printed, stderr=subprocess.STDOUT)
        try:
            for kill in KILLS:
                enough = _count(log) + 1
                _wait_until(lambda enough=enough: _count(log) >= enough or client.poll() is not None)
                time.sleep(random.uniform(0.0, 1.5))
                kill(scene)
                time.sleep(0.2)
                scene.restart()
            enough = _count(log) + 2
            _wait_until(lambda: _count(log) >= enough or client.poll() is not None)
            (desk.folder / "stop").touch()
            assert client.wait(timeout=PATIENCE) == 0, log.read_text()
        finally:
            client.kill()
    said = [line.split() for line in log.read_text().splitlines()]
    numbers = [int(version[1:]) for version, _ in said]
    assert numbers == list(range(len(numbers))), "each was logged once, in the order of the client"
    code = f"""
import wandb
api = wandb.Api()
for found in api.artifacts("dataset", "{desk.path}/steady", per_page=100):
    root = found.download(root="back/" + found.version, skip_cache=True)
    found.verify(root=root)
    assert f"turn-{{found.metadata['turn']}}" in found.aliases
    print("found", found.version, found.digest)
"""
    found = [line.split()[1:] for line in desk.python(code).splitlines() if line.startswith("found")]
    assert sorted(found) == sorted(said)
    assert _states(scene, desk) == {"committed": len(said)}, "none was begun twice"
    invariants.check(scene.database_url)


@pytest.mark.parametrize("kill", [kill_server, kill_everything], ids=["server", "everything"])
def test_a_commit_is_whole_or_not_at_all(scene: Stage, desk: Desk, kill: Callable[[Scene], None]):
    """With thousands of files, so that there is time to be interrupted; asked for again, it is done."""
    for pause in (0.05, 0.2, 0.5):
        version_id = _begun(desk, files=8000)
        answers = _killed_while(scene, kill, pause, lambda v=version_id: _commit(desk.person, v))
        state, listed = _listing(desk.person, version_id)
        assert (state, listed) in {("PENDING", 0), ("COMMITTED", 8000)}
        assert answers != [200] or state == "COMMITTED"
        assert _commit(desk.person, version_id) == 200
        assert _listing(desk.person, version_id) == ("COMMITTED", 8000)
    assert _states(scene, desk) == {"committed": 3}
    invariants.check(scene.database_url)


def test_a_file_in_parts_is_whole_or_not_at_all(scene: Stage, desk: Desk):
    """Killed while the parts are put together."""
    for pause in (0.02, 0.1, 0.3):
        parts = [os.urandom(16 * 1024**2) for _ in range(6)]
        complete = _sent_in_parts(desk, parts)
        _killed_while(scene, kill_server, pause, complete)
        assert complete() == 200
        assert complete() == 200
    invariants.check(scene.database_url)


def _killed_while(scene: Stage, kill: Callable[[Scene], None], pause: float, ask: Callable[[], int]) -> list[int]:
    """Kill in the middle of a request, and start again; return its status if it came through."""
    answers: list[int] = []

    def asking() -> None:
        with suppress(OSError):
            answers.append(ask())

    thread = threading.Thread(target=asking)
    thread.start()
    time.sleep(pause)
    kill(scene)
    thread.join(PATIENCE)
    scene.restart()
    return answers


def _count(log: Path) -> int:
    return len(log.read_text().splitlines())


def _wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, "the client did not go on"
        time.sleep(0.02)


def _states(scene: Stage, desk: Desk) -> dict[str, int]:
    """How many versions of a project are in which state."""
    query = """
        select v.state, count(*) from versions as v
        inner join items as a on v.artifact_id = a.id
        inner join items as p on a.container_id = p.id
        where p.title = %s or p.name = %s group by 1
    """
    with psycopg.connect(scene.database_url) as connection:
        return dict(connection.execute(query, [desk.project, desk.project]).fetchall())


# What the client does, by hand.


def _ask(person: Person, document: str, **given: object) -> Any:  # noqa: ANN401 - JSON
    variables = {"i": given}
    answer = person.call("POST", "/graphql", {"query": document, "variables": variables, "operationName": ""})
    assert answer.status == 200, answer.body
    return next(iter(answer.json()["data"].values()))


def _begun(desk: Desk, *, files: int) -> str:
    """Begin a version, and send all that it has: many entries of one content. Return its id."""
    content, person = unique("content").encode(), desk.person
    md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
    created = """mutation M($i: CreateArtifactInput!) { createArtifact(input: $i) { artifact { id } } }"""
    version_id = _ask(
        person,
        created,
        entityName=desk.team.name,
        projectName=desk.project,
        artifactTypeName="dataset",
        artifactCollectionName="by-hand",
        digest=unique("digest"),
    )["artifact"]["id"]
    placed = """mutation M($i: CreateArtifactFilesInput!) { createArtifactFiles(input: $i) {
        files { edges { node { uploadUrl } } } } }"""
    spec = {"artifactID": version_id, "name": "0", "md5": md5}
    [edge] = _ask(person, placed, artifactFiles=[spec])["files"]["edges"]
    assert request("PUT", edge["node"]["uploadUrl"], content).status == 200
    entry = {"digest": md5, "size": len(content)}
    listing = {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
        "contents": {f"file-{n}": entry for n in range(files)},
    }
    body = json.dumps(listing).encode()
    declared = """mutation M($i: CreateArtifactManifestInput!) { createArtifactManifest(input: $i) {
        artifactManifest { file { uploadUrl } } } }"""
    manifest = _ask(
        person,
        declared,
        artifactID=version_id,
        name="wandb_manifest.json",
        digest=base64.b64encode(hashlib.md5(body).digest()).decode(),
        entityName=desk.team.name,
        projectName=desk.project,
        runName="",
        type="FULL",
    )["artifactManifest"]
    assert request("PUT", manifest["file"]["uploadUrl"], body).status == 200
    return version_id


def _commit(person: Person, version_id: str) -> int:
    document = "mutation M($i: CommitArtifactInput!) { commitArtifact(input: $i) { artifact { id } } }"
    asked = {"query": document, "variables": {"i": {"artifactID": version_id}}}
    return person.call("POST", "/graphql", asked).status


def _listing(person: Person, version_id: str) -> tuple[str, int]:
    """A version's state, and how many files it shows."""
    document = """query Q($id: ID!) { artifact(id: $id) { state fileCount files(first: 1) { totalCount } } }"""
    found = person.graphql(document, id=version_id)["artifact"]
    assert found["fileCount"] == found["files"]["totalCount"]
    return found["state"], found["fileCount"]


def _sent_in_parts(desk: Desk, parts: list[bytes]) -> Callable[[], int]:
    """Send the parts of a file of a new version; return what puts them together."""
    person, whole = desk.person, hashlib.md5(b"".join(parts))
    created = """mutation M($i: CreateArtifactInput!) { createArtifact(input: $i) { artifact { id } } }"""
    version_id = _ask(
        person,
        created,
        entityName=desk.team.name,
        projectName=desk.project,
        artifactTypeName="dataset",
        artifactCollectionName="in-parts",
        digest=unique("digest"),
    )["artifact"]["id"]
    announced = [{"partNumber": n, "hexMD5": hashlib.md5(part).hexdigest()} for n, part in enumerate(parts, start=1)]
    placed = """mutation M($i: CreateArtifactFilesInput!) { createArtifactFiles(input: $i) { files { edges { node {
        storagePath uploadMultipartUrls { uploadID uploadUrlParts { partNumber uploadUrl } } } } } } }"""
    md5 = base64.b64encode(whole.digest()).decode()
    spec = {"artifactID": version_id, "name": "large", "md5": md5, "uploadPartsInput": announced}
    node = _ask(person, placed, artifactFiles=[spec])["files"]["edges"][0]["node"]
    for part in node["uploadMultipartUrls"]["uploadUrlParts"]:
        assert request("PUT", part["uploadUrl"], parts[part["partNumber"] - 1]).status == 200
    document = """mutation M($i: CompleteMultipartUploadArtifactInput!) {
        completeMultipartUploadArtifact(input: $i) { digest } }"""
    given = {
        "completeMultipartAction": "Complete",
        "completedParts": announced,
        "artifactID": version_id,
        "storagePath": node["storagePath"],
        "uploadID": node["uploadMultipartUrls"]["uploadID"],
    }

    def complete() -> int:
        asked = {"query": document, "variables": {"i": given}}
        answer = person.call("POST", "/graphql", asked)
        assert answer.status != 200 or answer.json()["data"]["completeMultipartUploadArtifact"]["digest"] == md5
        return answer.status

    return complete
