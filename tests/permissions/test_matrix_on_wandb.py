"""The matrix over the wire `wandb`: raw documents and paths, in process, with the header that its client sends."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest

from factories.people import Person, make_organization, make_user, sign_in, unique
from permissions.matrix import ROWS, Row, World
from permissions.scenery import REGISTRIES, Release, Stage, id_of, make_stage
from pinakes.server.actor import Scope
from pinakes.server.permissions.table import Permission

STATUSES = {"yes": 200, "sign-in": 401, "role": 403, "scope": 403}
# No row has this number, and nothing has these names.
NOWHERE = 2_000_000_000
ABSENT = "nothing-of-that-name"

P = Permission
HIDDEN_ROWS = [row for row in ROWS if row.expected[P.COLLECTION_READ] == "hidden"]
SEEN_ROWS = [row for row in ROWS if row not in HIDDEN_ROWS]
REGISTRY_ROWS = [row for row in SEEN_ROWS if row.in_registry]
PROJECT_ROWS = [row for row in SEEN_ROWS if not row.in_registry]


@pytest.fixture(scope="session")
async def stage(world: World) -> Stage:
    return await make_stage(world)


@dataclass
class Scene:
    """One row's scene: who asks, and about what."""

    client: httpx2.AsyncClient
    stage: Stage
    row: Row
    headers: dict[str, str]
    release: Release
    # What attempts may destroy is made for them, when one is going to succeed; each leaves the next one what it needs.
    passing: bool = False
    made: Release | None = None
    # Every answer that came, to compare.
    said: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    async def send(self, document: str, variables: dict[str, object]) -> httpx2.Response:
        body = {"query": document, "variables": variables, "operationName": ""}
        response = await self.client.post("/graphql", json=body, headers=self.headers)
        self.said.append((response.status_code, response.text))
        assert response.status_code < 500, response.text
        content = response.json()
        assert set(content) == ({"data"} if response.status_code == 200 else {"data", "errors"})
        return response

    async def reads(self, document: str, **variables: object) -> int:
        """Ask for one thing: 200 when it is there, 404 for null."""
        response = await self.send(document, variables)
        if response.status_code != 200:
            return response.status_code
        return 404 if _innermost(response.json()["data"]) in (None, []) else 200

    async def data(self, document: str, **variables: object) -> Any:  # noqa: ANN401 - JSON
        """Ask for what must be there."""
        response = await self.send(document, variables)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    async def does(self, mutation: str, **given: object) -> int:
        """Run a mutation."""
        return (await self.send(document_of(mutation), {"input": given})).status_code

    async def fetches(self, path: str) -> int:
        """Ask for a file: 200 when the answer leads to it."""
        response = await self.client.get(path, headers=self.headers, follow_redirects=False)
        self.said.append((response.status_code, response.text))
        return 200 if response.status_code == 307 else response.status_code

    async def spare(self) -> Release:
        """A release (and, but in registries, a project) that the attempt may destroy."""
        if not self.passing:
            return self.release
        self.made = self.made or await self.stage.new_release(self.row)
        return self.made


def _innermost(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Follow an answer with one field at each level to what it ends in."""
    while isinstance(value, dict):
        (value,) = value.values()
    return value


def document_of(mutation: str) -> str:
    """The document of a mutation, which asks for nothing."""
    wanted = f"{mutation[0].upper()}{mutation[1:]}Input"
    return f"mutation($input: {wanted}!) {{ {mutation}(input: $input) {{ __typename }} }}"


ARTIFACT = "query($id: ID!) {{ artifact(id: $id) {{ {0} }} }}"
COLLECTION = "query($id: ID!) { artifactCollection(id: $id) { name } }"
PROJECT = "query($entity: String!, $name: String!) {{ project(entityName: $entity, name: $name) {{ {0} }} }}"
FILES = "edges { node { name } }"

Attempt = Callable[[Scene], Awaitable[int]]
Given = Callable[[Scene], dict[str, object]]


def _version(document: str) -> Attempt:
    """Ask for something of the release's version."""
    return lambda s: s.reads(ARTIFACT.format(document), id=id_of("Artifact", s.release.work.version.id))


def _place(document: str) -> Attempt:
    """Ask for something of the release's project or registry; `{}` is the release's name."""
    return lambda s: s.reads(
        PROJECT.format(document.replace("RELEASE", s.release.name)), entity=s.release.entity, name=s.release.place
    )


def _do(mutation: str, given: Given) -> Attempt:
    """Run a mutation on what stays."""
    return lambda s: s.does(mutation, **given(s))


def _spend(mutation: str, given: Callable[[Release], dict[str, object]]) -> Attempt:
    """Run a mutation on what does not stay."""

    async def attempt(s: Scene) -> int:
        return await s.does(mutation, **given(await s.spare()))

    return attempt


def _release_id(release: Release) -> str:
    return id_of("ArtifactCollection", release.id)


def _version_id(s: Scene) -> str:
    return id_of("Artifact", s.release.work.version.id)


def _artifact_id(s: Scene) -> str:
    return id_of("ArtifactCollection", s.release.work.version.artifact_id)


def _open(s: Scene) -> str:
    """A version that everybody may load."""
    return id_of("Artifact", s.stage.free.version.id)


def _where(s: Scene) -> dict[str, object]:
    return {"entityName": s.release.entity, "projectName": s.release.place}


def _aliases(s: Scene) -> dict[str, object]:
    alias = {**_where(s), "artifactCollectionName": s.release.name, "alias": "best"}
    return {"artifactID": _version_id(s), "aliases": [alias]}


def _tags(s: Scene) -> dict[str, object]:
    return {**_where(s), "artifactCollectionName": s.release.name, "tags": [{"tagName": "tried"}]}


def _members(s: Scene) -> dict[str, object]:
    return {"projectId": s.release.place_id, "userIds": [id_of("User", s.stage.somebody.id)]}


def _new_registry(s: Scene) -> dict[str, object]:
    return {"entityName": s.release.entity, "name": f"wandb-registry-{unique('Models')}", "access": "PRIVATE"}


def _new_version(s: Scene) -> dict[str, object]:
    return {
        "entityName": s.release.entity,
        "projectName": s.release.place,
        "artifactTypeName": "model",
        "artifactCollectionName": s.release.work.artifact,
        "digest": "0" * 32,
        "digestAlgorithm": "MANIFEST_MD5",
    }


def _described(s: Scene) -> dict[str, object]:
    return {"entityName": s.release.entity, "name": s.release.place, "description": "tried"}


def _of_artifact(s: Scene) -> dict[str, object]:
    return {"artifactSequenceID": _artifact_id(s)}


def _address(s: Scene, *, by_version: bool) -> str:
    """The path of the version's file, in either form."""
    work = s.release.work
    where = f"/artifactsV2/default/{s.release.entity}/{s.release.place}/{s.release.name}"
    version = f"{_version_id(s)}/" if by_version else ""
    return f"{where}/{version}{_version_id(s)}/{work.md5.hex()}/weights.bin"


async def _listed(s: Scene) -> int:
    """Who may not know the members of an organization finds none."""
    document = "query($name: String!) { entity(name: $name) { members { username } } }"
    status = await s.reads(document, name=s.release.entity)
    if status != 404:
        return status
    return 403 if s.headers else 401


async def _unknown(s: Scene) -> int:
    """Invite an address that nobody has: that it is nobody's is told to those only who may invite."""
    status = await s.does("createInvite", entityName=s.release.entity, email="nobody@nowhere.test")
    return 200 if s.passing and status == 404 else status


async def _dropped(s: Scene) -> int:
    """Delete the registry: tried by those only who may not."""
    return 200 if s.passing else await s.does("deleteModel", id=s.release.place_id)


RELEASES: dict[Permission, dict[str, Attempt]] = {
    P.COLLECTION_READ: {
        "by id": lambda s: s.reads(COLLECTION, id=_release_id(s.release)),
        "by name": _place('artifactCollection(name: "RELEASE") { name }'),
        "its newest entry": _place('artifactCollectionMembership(name: "RELEASE:latest") { versionIndex }'),
        "a version's card": _version("digest"),
    },
    P.COLLECTION_CURATE: {
        "link": _do("linkArtifact", lambda s: {"artifactID": _open(s), "artifactPortfolioID": _release_id(s.release)}),
        "set an alias": _do("addAliases", _aliases),
        "remove an alias": _do("deleteAliases", _aliases),
        "unlink": _spend(
            "unlinkArtifact",
            lambda r: {"artifactID": id_of("Artifact", r.work.version.id), "artifactPortfolioID": _release_id(r)},
        ),
    },
    P.COLLECTION_UPDATE: {
        "describe": _do(
            "updateArtifactPortfolio",
            lambda s: {"artifactPortfolioID": _release_id(s.release), "description": "tried"},
        ),
        "tag": _do("createArtifactCollectionTagAssignments", _tags),
        "untag": _do("deleteArtifactCollectionTagAssignments", _tags),
    },
    P.COLLECTION_DELETE: {
        "delete": _spend("deleteArtifactPortfolio", lambda r: {"artifactPortfolioID": _release_id(r)}),
    },
    P.VERSION_DOWNLOAD: {
        "manifest": _version("currentManifest { id }"),
        "files": _version(f"files {{ {FILES} }}"),
        "files of the manifest": _version(
            'filesByManifestEntries(storageLayout: "V2", manifestVersion: "1", '
            f'entries: [{{ name: "weights.bin", digest: "" }}]) {{ {FILES} }}'
        ),
        "files of the entry": _place(f'artifactCollectionMembership(name: "RELEASE:v0") {{ files {{ {FILES} }} }}'),
        "address": lambda s: s.fetches(_address(s, by_version=True)),
        "address by birth": lambda s: s.fetches(_address(s, by_version=False)),
    },
}
NEW_RELEASE = _do(
    "linkArtifact", lambda s: {**_where(s), "artifactID": _open(s), "artifactPortfolioName": unique("Release")}
)
ON_REGISTRIES: dict[Permission, dict[str, Attempt]] = {
    **RELEASES,
    P.COLLECTION_CREATE: {"link": NEW_RELEASE},
    P.REGISTRY_MANAGE: {
        "describe": _do("upsertModel", lambda s: {"id": s.release.place_id, "description": "tried"}),
        "rename": _do(
            "renameProject",
            lambda s: {
                "entityName": s.release.entity,
                "oldProjectName": s.release.place,
                "newProjectName": s.release.place,
            },
        ),
        "delete": _dropped,
        "add a member": _do("createProjectMembers", _members),
        "change a member": _do(
            "updateProjectMember",
            lambda s: {
                "projectId": s.release.place_id,
                "userId": id_of("User", s.stage.somebody.id),
                "userProjectRole": "viewer",
            },
        ),
        "change a team": _do(
            "updateProjectTeamMember",
            lambda s: {
                "projectId": s.release.place_id,
                "teamId": id_of("Entity", s.stage.group.id),
                "teamProjectRole": "viewer",
            },
        ),
        "remove a member": _do("deleteProjectMembers", _members),
    },
}
ON_PROJECTS: dict[Permission, dict[str, Attempt]] = {
    **RELEASES,
    P.COLLECTION_READ: {
        **RELEASES[P.COLLECTION_READ],
        "the artifact": lambda s: s.reads(
            COLLECTION, id=id_of("ArtifactCollection", s.release.work.version.artifact_id)
        ),
    },
    P.COLLECTION_CREATE: {"link": NEW_RELEASE},
    P.VERSION_DOWNLOAD: {
        **RELEASES[P.VERSION_DOWNLOAD],
        "address by owner": lambda s: s.fetches(f"/artifacts/{s.release.entity}/{s.release.work.md5.hex()}"),
    },
    P.COLLECTION_UPDATE: {
        **RELEASES[P.COLLECTION_UPDATE],
        "the artifact": _do("updateArtifactSequence", lambda s: {**_of_artifact(s), "description": "tried"}),
        "the artifact's type": _do(
            "moveArtifactSequence", lambda s: {**_of_artifact(s), "destinationArtifactTypeName": "model"}
        ),
    },
    P.ITEM_READ: {
        "version": _version("state"),
        "version by name": _place('artifact(name: "RELEASE:v0") { digest }'),
        "project": _place("id"),
        "run": lambda s: s.reads(
            PROJECT.format(f'run(name: "{s.release.work.run}") {{ id }}'),
            entity=s.release.entity,
            name=s.release.place,
        ),
        "runs": _place("runs { edges { node { id } } }"),
    },
    P.ITEM_MOVE: {
        "rename": _spend(
            "renameProject",
            lambda r: {"entityName": r.entity, "oldProjectName": r.place, "newProjectName": unique("renamed")},
        ),
    },
    P.PROJECT_WRITE: {
        "describe": _do("upsertModel", lambda s: {"id": s.release.place_id, "description": "tried"}),
        "change a version": _do("updateArtifact", lambda s: {"artifactID": _version_id(s), "description": "tried"}),
        "commit again": _do("commitArtifact", lambda s: {"artifactID": _version_id(s)}),
        "delete a version": _spend(
            "deleteArtifact", lambda r: {"artifactID": id_of("Artifact", r.work.version.id), "deleteAliases": True}
        ),
        "change a run": _do(
            "upsertBucket", lambda s: {"id": id_of("Run", s.release.work.run_id), "description": "tried"}
        ),
        "end a run": _do("updateRunState", lambda s: {"id": id_of("Run", s.release.work.run_id), "state": "finished"}),
        "stop a run": _do("stopRun", lambda s: {"id": id_of("Run", s.release.work.run_id)}),
        "send files of a run": _do(
            "createRunFiles", lambda s: {**_where(s), "runName": s.release.work.run, "files": ["output.log"]}
        ),
        "delete a run": _spend("deleteRun", lambda r: {"id": id_of("Run", r.work.run_id)}),
    },
    P.PROJECT_DELETE: {"delete": _spend("deleteModel", lambda r: {"id": r.place_id})},
    P.REGISTRY_CREATE: {"make": _do("upsertModel", _new_registry)},
    P.ORGANIZATION_READ: {"members": _listed},
    P.ORGANIZATION_MANAGE: {
        "invite": _do("createInvite", lambda s: {"entityName": s.release.entity, "username": s.stage.somebody.name}),
        "invite a member": _do(
            "createInvite", lambda s: {"entityName": s.release.entity, "username": s.stage.world.people["member"].name}
        ),
        "invite nobody's address": _unknown,
    },
}
# These name a place that need not be there, for it is made then: what is hidden is refused like what is absent.
MAKING: dict[Permission, dict[str, Attempt]] = {
    P.PROJECT_WRITE: {
        "begin a version": _do("createArtifact", _new_version),
        "make a type": _do("createArtifactType", lambda s: {**_where(s), "name": "model"}),
        "begin a run": _do(
            "upsertBucket",
            lambda s: {"entityName": s.release.entity, "modelName": s.release.place, "name": s.release.work.run},
        ),
        "describe by name": _do("upsertModel", _described),
        "link by name": NEW_RELEASE,
    },
    P.REGISTRY_MANAGE: {"describe by name": _do("upsertModel", _described)},
}


def headers_of(person: Person | None) -> dict[str, str]:
    """What the client sends to say who asks."""
    return {"Authorization": "Basic " + b64encode(f"api:{person.token}".encode()).decode()} if person else {}


def _elsewhere(s: Scene) -> dict[str, object]:
    free = s.stage.free
    return {"artifactID": _version_id(s), "entityName": free.owner, "projectName": free.project}


# What one may do with a version that one sees, given something else, or that is not finished.
WITH_VERSIONS: dict[str, Attempt] = {
    "link elsewhere": _do("linkArtifact", lambda s: {**_elsewhere(s), "artifactPortfolioName": "tried"}),
    "use": _do("useArtifact", lambda s: {**_elsewhere(s), "runName": s.stage.free.run}),
    "begin a manifest": _do(
        "createArtifactManifest",
        lambda s: {**_elsewhere(s), "runName": "", "name": "wandb_manifest.json", "digest": "", "type": "FULL"},
    ),
    "send files": _do(
        "createArtifactFiles",
        lambda s: {
            "artifactFiles": [
                {"artifactID": _version_id(s), "name": "a", "md5": b64encode(s.release.work.md5).decode()}
            ],
            "storageLayout": "V2",
        },
    ),
    "put parts together": _do(
        "completeMultipartUploadArtifact",
        lambda s: {
            "artifactID": _version_id(s),
            "completeMultipartAction": "Complete",
            "completedParts": [],
            "storagePath": f"wandb_artifacts/1/{s.release.work.md5.hex()}",
            "uploadID": "0" * 32,
        },
    ),
    "delete the artifact": _do("deleteArtifactSequence", lambda s: {"artifactSequenceID": _artifact_id(s)}),
}


async def scene_of(client: httpx2.AsyncClient, stage: Stage, row: Row) -> Scene:
    person = await stage.world.person(row)
    return Scene(client, stage, row, headers_of(person), await stage.release(row))


async def wrong(scene: Scene, attempts: dict[Permission, dict[str, Attempt]]) -> dict[str, tuple[str, int]]:
    """Try all that a row says; return what should have come, and the status that did, where they differ."""
    found: dict[str, tuple[str, int]] = {}
    for permission, ways in attempts.items():
        expected = scene.row.expected[permission]
        if expected == "-":
            continue
        scene.passing = expected == "yes"
        for name, attempt in [*ways.items(), *MAKING.get(permission, {}).items()]:
            status = await attempt(scene)
            if status != STATUSES[expected]:
                found[f"{permission}: {name}"] = (expected, status)
    return found


@pytest.mark.parametrize("row", REGISTRY_ROWS, ids=str)
async def test_a_row_about_a_registry(client: httpx2.AsyncClient, stage: Stage, row: Row):
    assert await wrong(await scene_of(client, stage, row), ON_REGISTRIES) == {}


@pytest.mark.parametrize("row", PROJECT_ROWS, ids=str)
async def test_a_row_about_a_project(client: httpx2.AsyncClient, stage: Stage, row: Row):
    assert await wrong(await scene_of(client, stage, row), ON_PROJECTS) == {}


# --- What is hidden


SEARCH = """query($name: String!, $filters: JSONString) { entity(name: $name) {
  projects(first: 1000) { edges { node { name } } }
  artifactCollections(filters: $filters, first: 1000) { totalCount edges { node { name } } }
  artifactMemberships(collectionFilters: $filters, first: 1000) { totalCount edges { node { versionIndex } } }
} }"""
PROJECTS = """query($name: String!) {
  models(entityName: $name, first: 1000) { edges { node { name } } }
  entity(name: $name) { projects(first: 1000) { edges { node { name } } } }
}"""
# Whatever leads from a thing that everybody sees to the release, to its version, and to the run of its project.
AROUND = """query($id: ID!, $entity: String!, $name: String!, $run: String!) {
  artifact(id: $id) {
    aliases { alias artifactCollection { name } }
    artifactMemberships { totalCount edges { node { artifactCollection { name } } } }
    usedBy { totalCount edges { node { name } } }
  }
  project(entityName: $entity, name: $name) {
    run(name: $run) { inputArtifacts(first: 1000) { totalCount edges { node { id digest } } } }
  }
}"""


def twin_of(release: Release) -> Release:
    """The same in all that may be known, and not there: to tell apart what is hidden from what is absent."""
    work, prefix = release.work, release.place.removesuffix(_bare(release))
    nothing = replace(work.version, id=NOWHERE, artifact_id=NOWHERE, name=f"{ABSENT}/{ABSENT}:v0")
    absent = replace(work, project_id=NOWHERE, project=ABSENT, version=nothing, run_id=NOWHERE, run=ABSENT)
    number = NOWHERE + (REGISTRIES if prefix else 0)
    place = {"place": prefix + ABSENT, "place_id": id_of("Project", number)}
    return replace(release, id=NOWHERE, name=ABSENT, work=absent, **place)


def _bare(release: Release) -> str:
    """The name of a registry or project as the rooms have it."""
    return release.place.removeprefix("wandb-registry-")


def anonymized(said: list[tuple[int, str]], release: Release) -> list[tuple[int, str]]:
    """Put the names and ids of what is absent for those of a release, and of what is around it."""
    work, twin = release.work, twin_of(release)
    names = (release.name, _bare(release), work.artifact, work.run)
    ids = {
        release.place_id: twin.place_id,
        id_of("ArtifactCollection", release.id): id_of("ArtifactCollection", NOWHERE),
        id_of("ArtifactCollection", work.version.artifact_id): id_of("ArtifactCollection", NOWHERE),
        id_of("Artifact", work.version.id): id_of("Artifact", NOWHERE),
        id_of("Run", work.run_id): id_of("Run", NOWHERE),
    }
    found: list[tuple[int, str]] = []
    for status, text in said:
        for old, new in (ids | dict.fromkeys(names, ABSENT)).items():
            text = text.replace(old, new)  # noqa: PLW2901 - bit by bit
        found.append((status, text))
    return found


@pytest.mark.parametrize("row", HIDDEN_ROWS, ids=str)
async def test_what_is_hidden_looks_like_what_is_not_there(client: httpx2.AsyncClient, stage: Stage, row: Row):
    """Word for word: whatever is tried, and those mutations too that make what they do not find."""
    scene = await scene_of(client, stage, row)
    # To ask somebody anonymous for a sign-in first gives nothing away either.
    missing = {404} if scene.headers else {401, 404}
    trials: list[Awaitable[None]] = [_look_alike(scene, attempt, missing) for attempt in WITH_VERSIONS.values()]
    for permission, ways in (ON_REGISTRIES if row.in_registry else ON_PROJECTS).items():
        if row.expected[permission] == "hidden":
            making = {} if row.in_registry else MAKING.get(permission, {})
            trials += [_look_alike(scene, attempt, missing) for attempt in ways.values()]
            trials += [_look_alike(scene, attempt, {401, 403}) for attempt in making.values()]
    await asyncio.gather(*trials)


async def _look_alike(scene: Scene, attempt: Attempt, fine: set[int]) -> None:
    """Try something on what is hidden, and on what is absent."""
    hidden, absent = replace(scene, said=[]), replace(scene, said=[], release=twin_of(scene.release))
    assert await attempt(hidden) in fine, hidden.said
    assert await attempt(absent) in fine, absent.said
    assert anonymized(hidden.said, hidden.release) == absent.said


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_lists_and_counts_show_what_reading_shows(client: httpx2.AsyncClient, stage: Stage, row: Row):
    """From what everybody sees, a release, its version and its run are reached by those only who see them."""
    scene = await scene_of(client, stage, row)
    readable, release, shown = row.expected[P.COLLECTION_READ] == "yes", scene.release, stage.open
    data = await scene.data(
        AROUND, id=id_of("Artifact", shown.version.id), entity=shown.owner, name=shown.project, run=shown.run
    )
    artifact, inputs = data["artifact"], data["project"]["run"]["inputArtifacts"]
    memberships = [node["artifactCollection"]["name"] for node in _nodes(artifact["artifactMemberships"])]
    assert (release.name in memberships) == readable
    named = {alias["artifactCollection"]["name"] for alias in artifact["aliases"]}
    assert (release.name in named) == readable
    assert named <= set(memberships)
    assert (release.work.version.digest in {node["digest"] for node in _nodes(inputs)}) == readable
    if row.in_registry:
        await _check_search(scene, readable)
        return
    assert (release.work.run in {node["name"] for node in _nodes(artifact["usedBy"])}) == readable
    data = await scene.data(PROJECTS, name=release.entity)
    assert (release.place in {edge["node"]["name"] for edge in data["models"]["edges"]}) == readable
    if row.owner != "organization":  # whose projects are its registries
        assert data["entity"]["projects"] == data["models"]


async def _check_search(scene: Scene, readable: bool) -> None:
    """Hold the search in the organization's registries against what may be read."""
    release = scene.release
    filters = json.dumps({"name": release.name})
    found = (await scene.data(SEARCH, name=release.entity, filters=filters))["entity"]
    assert (release.place in {edge["node"]["name"] for edge in found["projects"]["edges"]}) == readable
    assert len(_nodes(found["artifactCollections"])) == (1 if readable else 0)
    assert (len(_nodes(found["artifactMemberships"])) > 0) == readable


def _nodes(page: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """The nodes of a page that says how many there are, and has them all."""
    nodes = [edge["node"] for edge in page["edges"]]
    assert page["totalCount"] == len(nodes)
    return nodes


# Everything that the client asks of a version, at once.
WHOLE = """query($id: ID!) { artifact(id: $id) {
  id digest createdBy { __typename ... on Run { name } ... on User { username } }
  artifactType { id name description createdAt artifactCollection(name: "x") { name }
    artifactCollections { totalCount edges { node { name } } } }
  artifactSequence { id name description tags { edges { node { name } } } aliases { edges { node { alias } } }
    project { name entityName } latestArtifact { id } defaultArtifactType { name description }
    artifacts { totalCount edges { node { id } } } artifactMembership(aliasName: "v0") { versionIndex } }
  artifactMemberships { totalCount edges { node { artifactCollection { name } } } }
  usedBy { totalCount edges { node { name } } }
} }"""


@pytest.mark.parametrize("row", REGISTRY_ROWS, ids=str)
async def test_a_release_tells_nothing_of_a_hidden_project(client: httpx2.AsyncClient, stage: Stage, row: Row):
    """Who sees a version through a release only is told its artifact's name, and nothing else of where it is from."""
    scene = await scene_of(client, stage, row)
    work = scene.release.work
    artifact = (await scene.data(WHOLE, id=id_of("Artifact", work.version.id)))["artifact"]
    everything = row.actor in {"organization admin", "server admin", "admin made viewer"}
    sequence = artifact["artifactSequence"]
    assert sequence["name"] == work.artifact
    assert (sequence["project"] is not None) == everything
    assert (work.project in str(artifact)) == everything
    assert (work.owner in str(artifact)) == everything
    if not everything:
        assert sequence["latestArtifact"] is sequence["artifactMembership"] is None
        assert sequence["artifacts"] == {"totalCount": 0, "edges": []}
        assert artifact["artifactType"]["artifactCollections"] is None
        names = [node["artifactCollection"]["name"] for node in _nodes(artifact["artifactMemberships"])]
        assert names == [scene.release.name]


# --- Teams


async def test_making_a_team(client: httpx2.AsyncClient, stage: Stage):
    """Its organization can't be named: it is the one that the credential manages, and carries that."""
    db = stage.world.db
    person = await make_user(db, "founder")
    organization = await make_organization(db, person)
    narrow = await sign_in(db, person.account, scope=Scope.WRITE)
    for caller, expected in ((person, 200), (narrow, 403), (stage.somebody, 403), (None, 401)):
        scene = await scene_of(client, stage, REGISTRY_ROWS[0])
        name, scene.headers = unique("new-team"), headers_of(caller)
        assert await scene.does("createTeam", teamName=name) == expected
        found = await scene.data("query($name: String!) { entity(name: $name) { organization { name } } }", name=name)
        made = {"organization": {"name": organization.name}}
        assert found["entity"] == (made if expected == 200 else None)


def test_every_verb_that_this_wire_has_is_tried():
    assert {*ON_PROJECTS, *ON_REGISTRIES} == {
        P.COLLECTION_READ, P.COLLECTION_CREATE, P.COLLECTION_CURATE, P.COLLECTION_UPDATE, P.COLLECTION_DELETE,
        P.ITEM_READ, P.ITEM_MOVE, P.PROJECT_WRITE, P.PROJECT_DELETE, P.VERSION_DOWNLOAD, P.REGISTRY_CREATE,
        P.REGISTRY_MANAGE, P.ORGANIZATION_READ, P.ORGANIZATION_MANAGE,
    }  # fmt: skip
