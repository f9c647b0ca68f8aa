"""What bad input gets: a refusal in words, at once, with a status that the client does not ask again after."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
import wandb
from wandb.errors import AuthenticationError, CommError

from clients.wandb.lab import Answer, Desk, Person, request, unique
from clients.wandb.making import Refused, artifact

CREATE = "mutation M($i: CreateArtifactInput!) { createArtifact(input: $i) { artifact { id state } } }"
MANIFEST = """mutation M($i: CreateArtifactManifestInput!) { createArtifactManifest(input: $i) {
    artifactManifest { id file { uploadUrl uploadHeaders } } } }"""
FILES = """mutation M($i: CreateArtifactFilesInput!) { createArtifactFiles(input: $i) {
    files { edges { node { uploadUrl uploadHeaders storagePath artifact { id }
        uploadMultipartUrls { uploadID uploadUrlParts { partNumber uploadUrl } } } } } } }"""
COMMIT = "mutation M($i: CommitArtifactInput!) { commitArtifact(input: $i) { artifact { id digest state } } }"
LINK = "mutation M($i: LinkArtifactInput!) { linkArtifact(input: $i) { versionIndex } }"
STATE = "query Q($id: ID!) { artifact(id: $id) { state versionIndex } }"


def ask(person: Person, document: str, given: dict[str, Any]) -> Answer:
    """Run a mutation with its input as it stands."""
    return person.call("POST", "/graphql", {"query": document, "variables": {"i": given}, "operationName": ""})


def done(person: Person, document: str, given: dict[str, Any]) -> Any:  # noqa: ANN401
    """Run a mutation, which must succeed; return what it answers."""
    answer = ask(person, document, given)
    assert answer.status == 200, answer.body
    return next(iter(answer.json()["data"].values()))


def said(answer: Answer) -> str:
    """What the client would show its user."""
    return answer.json()["errors"][0]["message"]


def b64_md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def begin(desk: Desk, **more: object) -> dict[str, Any]:
    """What begins a version."""
    return {
        "entityName": desk.team.name,
        "projectName": desk.project,
        "artifactTypeName": "dataset",
        "artifactCollectionName": "data",
        "digest": unique("digest"),
        **more,
    }


class TestKeys:
    def test_an_invalid_key_ends_it_at_once(self, spot: Desk):
        """401, and no second try."""
        stranger = Person(spot.person.url, "nobody", "x" * 40)
        before = time.monotonic()
        with spot.as_(stranger) as there:
            with pytest.raises(AuthenticationError):
                wandb.login(key=stranger.key, verify=True, relogin=True)
            with pytest.raises(CommError, match=r"(?i)key|credential|token"):
                there.init()
            with pytest.raises(Refused):
                there.api().artifact(f"{spot.path}/x:v0")
        assert time.monotonic() - before < 30
        assert stranger.call("POST", "/graphql", {"query": "{ viewer { id } }"}).status == 401
        assert stranger.call("GET", f"/artifacts/{spot.team.name}/{'0' * 32}").status == 401

    def test_a_key_that_reads_does_not_write(self, spot: Desk):
        with spot.init() as run:
            run.log_artifact(artifact("data", files={"x": unique("x")})).wait()
        reader = spot.lab.with_key(spot.person.name, "read")
        with spot.as_(reader) as there:
            found = there.api().artifact(f"{spot.path}/data:v0")
            assert Path(found.download(), "x").exists()
            found.description = "changed"
            with pytest.raises(CommError, match=r"(?i)scope|write"):
                found.save()
            with pytest.raises(CommError):
                there.init()
        assert not spot.api().artifact(f"{spot.path}/data:v0").description


class TestWords:
    @pytest.mark.parametrize(
        ("more", "word"),
        [
            ({"artifactCollectionName": "a/b"}, "/"),
            ({"artifactCollectionName": "x" * 129}, "128"),
            ({"artifactCollectionName": ".."}, ".."),
            ({"artifactCollectionName": "a\u0000b"}, "NUL"),
            ({"artifactCollectionName": "a\ud800b"}, ""),
            ({"artifactTypeName": "x" * 129}, "128"),
            ({"artifactTypeName": ""}, "128"),
            ({"aliases": [{"artifactCollectionName": "data", "alias": "a/b"}]}, "'/'"),
            ({"aliases": [{"artifactCollectionName": "data", "alias": "a:b"}]}, "':'"),
            ({"aliases": [{"artifactCollectionName": "data", "alias": "x" * 129}]}, "128"),
            ({"aliases": [{"artifactCollectionName": "data", "alias": "v3"}]}, "v3"),
            ({"tags": [{"tagName": "no/slash"}]}, "Invalid tag"),
            ({"metadata": json.dumps({f"k{n}": n for n in range(101)})}, "100"),
            ({"metadata": "[1]"}, "object"),
            ({"metadata": "{"}, "metadata"),
            ({"ttlDurationSeconds": -7}, "-1"),
            ({"ttlDurationSeconds": 2**62}, "seconds"),
            ({"historyStep": 2**80}, ""),
            ({"storageRegion": "mars-north-1"}, "mars-north-1"),
            ({"digest": ""}, "digest"),
            ({"entityName": "nobody-at-all"}, "nobody-at-all"),
            ({"runName": "no-such-run"}, "no-such-run"),
            ({"projectName": "a/b"}, "/"),
        ],
        ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
    )
    def test_what_can_t_be_is_refused_with_the_rule(self, spot: Desk, more: dict[str, object], word: str):
        """And nothing is begun, not even the artifact."""
        body = json.dumps({"query": CREATE, "variables": {"i": begin(spot, **more)}}).encode()
        answer = spot.person.call("POST", "/graphql", body)
        assert answer.status in {400, 404}, answer.body
        assert word in said(answer)
        made = spot.person.graphql(
            "query Q($e: String, $p: String) { project(entityName: $e, name: $p) { id } }",
            e=spot.team.name,
            p=spot.project,
        )
        assert made["project"] is None

    def test_an_unknown_field_is_ignored(self, spot: Desk):
        """Newer clients know more than this server."""
        given = begin(spot, notYetInvented=True, aliases=[{"artifactCollectionName": "data", "alias": "a", "new": 1}])
        assert done(spot.person, CREATE, given)["artifact"]["state"] == "PENDING"

    @pytest.mark.parametrize("kind", ["Artifact", "ArtifactManifest", "ArtifactCollection", "Run", "User", "Nothing"])
    @pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "2147483647", "x", ""])
    def test_ids_that_name_nothing(self, spot: Desk, kind: str, number: str):
        given_id = base64.b64encode(f"{kind}:{number}".encode()).decode()
        person = spot.person
        for document in (
            STATE,
            "query Q($id: ID!) { artifactCollection(id: $id) { id } }",
            "query Q($id: ID!) { clientIDMapping(clientID: $id) { serverID } }",
        ):
            answer = person.call("POST", "/graphql", {"query": document, "variables": {"id": given_id}})
            assert answer.status == 200, answer.body
            assert set(answer.json()["data"].values()) == {None}
        for document in (COMMIT, LINK):
            answer = ask(person, document, {"artifactID": given_id, "projectName": "p", "artifactPortfolioName": "c"})
            assert answer.status in {400, 404}, answer.body

    def test_links_of_raw_requests_name_what_is_missing(self, spot: Desk):
        with spot.init() as run:
            made = run.log_artifact(artifact("data", files={"x": unique("x")})).wait()
        given = {"artifactID": made.id, "artifactPortfolioName": "c"}
        for entity, project, word in (
            ("nowhere-at-all", "wandb-registry-Models", "nowhere-at-all"),
            (spot.team.organization, "wandb-registry-Never made", "Never made"),
            ("nowhere-at-all", "plain", "nowhere-at-all"),
        ):
            answer = ask(spot.person, LINK, {**given, "entityName": entity, "projectName": project})
            assert answer.status == 404, answer.body
            assert word in said(answer)


class TestContent:
    def test_the_wrong_content_is_refused_and_the_right_one_taken(self, spot: Desk):
        """The version stays pending meanwhile, and is complete in the end."""
        person, content = spot.person, unique("content").encode()
        begun = done(person, CREATE, begin(spot))["artifact"]
        placeholder = done(person, MANIFEST, self.manifest(spot, begun["id"]))["artifactManifest"]
        file = {
            "artifactID": begun["id"],
            "artifactManifestID": placeholder["id"],
            "name": "x",
            "md5": b64_md5(content),
        }
        given = {"artifactFiles": [file], "storageLayout": "V2"}
        node = done(person, FILES, given)["files"]["edges"][0]["node"]
        headers = dict(header.split(":", 1) for header in node["uploadHeaders"])
        refused = request("PUT", node["uploadUrl"], b"something else", headers)
        assert refused.status == 400
        assert b"MD5" in refused.body
        truthful = {**headers, "Content-MD5": b64_md5(b"something else")}
        assert request("PUT", node["uploadUrl"], b"something else", truthful).status == 400

        listing = json.dumps(
            {
                "version": 1,
                "storagePolicy": "wandb-storage-policy-v1",
                "storagePolicyConfig": {"storageLayout": "V2"},
                "contents": {"x": {"digest": b64_md5(content), "size": len(content)}},
            }
        ).encode()
        real = done(person, MANIFEST, self.manifest(spot, begun["id"], b64_md5(listing)))["artifactManifest"]["file"]
        commit = {"artifactID": begun["id"]}
        early = ask(person, COMMIT, commit)
        assert early.status == 400
        assert "wandb_manifest.json" in said(early)
        assert request("PUT", real["uploadUrl"], listing + b" ").status == 400
        assert request("PUT", real["uploadUrl"], listing).status == 200
        without = ask(person, COMMIT, commit)
        assert without.status == 400
        assert "x" in said(without)
        assert person.graphql(STATE, id=begun["id"])["artifact"] == {"state": "PENDING", "versionIndex": None}

        again = done(person, FILES, given)["files"]["edges"][0]["node"]
        assert again["uploadUrl"] is not None
        assert request("PUT", again["uploadUrl"], content, headers).status == 200
        assert done(person, COMMIT, commit)["artifact"]["state"] == "COMMITTED"
        assert done(person, COMMIT, commit)["artifact"]["id"] == begun["id"]  # again is safe
        assert (
            done(person, FILES, {"artifactFiles": [{**file, "artifactID": self.another(spot)}]})["files"]["edges"][0][
                "node"
            ]["uploadUrl"]
            is None
        )
        late = ask(person, FILES, given)
        assert late.status == 409
        assert "committed" in said(late)
        assert ask(person, MANIFEST, self.manifest(spot, begun["id"])).status == 409

    def test_a_file_that_changes_on_its_way_is_refused(self, spot: Desk):
        """The client sends what it finds; it is told, nothing is committed, and it can begin again."""
        file = spot.folder / "moving.bin"
        file.write_bytes(b"before")
        made = wandb.Artifact("moving", "dataset")
        made.add_file(str(file), policy="immutable", skip_cache=True)
        file.write_text(unique("after!"))
        with spot.init() as run:
            with pytest.raises(ValueError, match="uploadFiles"):
                run.log_artifact(made).wait()
            assert not spot.api().artifact_exists(f"{spot.path}/moving:latest")
            again = wandb.Artifact("moving", "dataset")
            again.add_file(str(file), policy="immutable", skip_cache=True)
            assert run.log_artifact(again).wait().version == "v0"

    def test_an_address_is_for_what_it_is_for(self, spot: Desk):
        person = spot.person
        begun = done(person, CREATE, begin(spot))["artifact"]
        file = {"artifactID": begun["id"], "name": "x", "md5": b64_md5(b"1")}
        address = done(person, FILES, {"artifactFiles": [file]})["files"]["edges"][0]["node"]["uploadUrl"] or ""
        if not address:  # the team has it from another test
            return
        assert request("GET", address).status in {403, 404, 405}
        assert request("PUT", address.replace("/storage/u/", "/storage/u/x"), b"1").status == 403
        assert request("PUT", address.replace("/storage/u/", "/storage/d/"), b"1").status in {403, 404, 405}

    def test_parts_are_checked(self, spot: Desk):
        """One with another content is refused; without all of them, or in a wrong order, there is no file."""
        person, parts = spot.person, [unique("one").encode(), unique("two").encode()]
        whole = b"".join(parts)
        begun = done(person, CREATE, begin(spot))["artifact"]
        announced = [
            {"partNumber": n, "hexMD5": hashlib.md5(part).hexdigest()} for n, part in enumerate(parts, start=1)
        ]
        file = {"artifactID": begun["id"], "name": "x", "md5": b64_md5(whole), "uploadPartsInput": announced}
        node = done(person, FILES, {"artifactFiles": [file]})["files"]["edges"][0]["node"]
        multi = node["uploadMultipartUrls"]
        urls = {part["partNumber"]: part["uploadUrl"] for part in multi["uploadUrlParts"]}
        complete = """mutation M($i: CompleteMultipartUploadArtifactInput!) {
            completeMultipartUploadArtifact(input: $i) { digest } }"""
        given = {
            "completeMultipartAction": "Complete",
            "completedParts": announced,
            "artifactID": begun["id"],
            "storagePath": node["storagePath"],
            "uploadID": multi["uploadID"],
        }
        assert request("PUT", urls[1], parts[1]).status == 400
        sent = request("PUT", urls[1], parts[0])
        assert sent.status == 200
        assert sent.headers["etag"].strip('"') == announced[0]["hexMD5"]
        early = ask(person, complete, given)
        assert early.status == 400
        assert "Part 2" in said(early)
        assert request("PUT", urls[2], parts[1]).status == 200
        gap = ask(person, complete, {**given, "completedParts": announced[1:]})
        assert gap.status == 400
        assert ask(person, complete, {**given, "uploadID": "0" * 32}).status == 400
        assert ask(person, complete, {**given, "storagePath": "elsewhere"}).status == 400
        assert done(person, complete, given) == {"digest": b64_md5(whole)}
        assert done(person, complete, given) == {"digest": b64_md5(whole)}

    def manifest(self, desk: Desk, artifact_id: str, digest: str = "") -> dict[str, Any]:
        return {
            "artifactID": artifact_id,
            "name": "wandb_manifest.json",
            "digest": digest,
            "entityName": desk.team.name,
            "projectName": desk.project,
            "runName": "",
            "type": "FULL",
        }

    def another(self, desk: Desk) -> str:
        return done(desk.person, CREATE, begin(desk))["artifact"]["id"]


class TestTooMuch:
    def test_metadata_of_any_other_kind_is_taken(self, spot: Desk):
        with spot.init() as run:
            made = artifact(
                "deep", files={"x": unique("x")}, metadata={"a": {"b": [[1, {"c": "ü" * 10_000}]]}, "n": 2**53}
            )
            run.log_artifact(made).wait()
        assert spot.api().artifact(f"{spot.path}/deep:v0").metadata == made.metadata

    def test_the_client_stops_at_too_many_keys(self, spot: Desk):
        made = artifact("keys", files={"x": unique("x")})
        made.metadata.update({f"k{n}": n for n in range(101)})
        with spot.init() as run, pytest.raises(ValueError, match="100"):
            run.log_artifact(made).wait()
        assert not spot.api().artifact_exists(f"{spot.path}/keys:v0")
