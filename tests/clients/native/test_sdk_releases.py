"""The SDK's registries, releases, versions and projects, against a real server process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import httpx2
import psycopg
import pytest
from typing_extensions import override

import pinakes
from pinakes.api.releases import Registry, Version
from pinakes.sdk import local

Connect = Callable[..., pinakes.Client]
GONE = httpx2.ReadError("gone")
AT_ONCE = pinakes.RetryPolicy(retries=0)


class Served(Protocol):
    url: str
    token: str
    dsn: str


@dataclass(frozen=True, slots=True)
class Lab:
    """An organization with a team, and what an admin of it does there."""

    client: pinakes.Client
    organization: str
    team: str

    def registry(self, **settings: object) -> Registry:
        return self.client.registries.create(self.organization, unique("Models"), **settings)  # pyright: ignore[reportArgumentType]

    def version(self, artifact: str = "reader", *, project: str = "digits", of: str = "model") -> Version:
        """A version with one small file that no other has."""
        file = {"weights.bin": _file(uuid4().bytes)}
        return self.client.versions.upload(f"{self.team}/{project}", artifact, of, file).version


def unique(stem: str) -> str:
    return f"{stem} {uuid4().hex[:12]}"


_folder: list[Path] = []


def _file(content: bytes) -> Path:
    path = _folder[0] / uuid4().hex
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module", autouse=True)
def _place(tmp_path_factory: pytest.TempPathFactory) -> None:
    _folder[:] = [tmp_path_factory.mktemp("contents")]


@pytest.fixture(scope="module")
def lab(admin: pinakes.Client) -> Lab:
    organization = f"lab-{uuid4().hex[:12]}"
    admin.organizations.create(organization)
    team = admin.organizations.create_team(organization, f"{organization}-vision").name
    return Lab(admin, organization, team)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of several sizes, one of them empty, two of them alike."""
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "weights.bin").write_bytes(os.urandom(2_500_000))
    (tmp_path / "model" / "deep" / "läuft.txt").write_text("ja")
    (tmp_path / "model" / "again.txt").write_text("ja")
    (tmp_path / "model" / "config.json").write_text(f'{{"seed": "{uuid4()}"}}')
    (tmp_path / "model" / "empty").touch()
    return tmp_path / "model"


class Breaking(httpx2.BaseTransport):
    """Carries everything, but lets some requests fail, and the bodies of some answers break off."""

    def __init__(self, *, puts: int = 1_000_000, bytes_of_a_get: tuple[int, ...] = ()) -> None:
        self._inner: httpx2.HTTPTransport = httpx2.HTTPTransport()
        self._puts: int = puts
        self._cuts: list[int] = [*bytes_of_a_get]
        self.ranges: list[str | None] = []
        self.tokens: list[str | None] = []

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "PUT":
            self._puts -= 1
            self.tokens.append(request.headers.get("authorization"))
            if self._puts < 0:
                raise GONE
        response = self._inner.handle_request(request)
        if "/api/" in request.url.path or request.method != "GET":
            return response
        self.ranges.append(request.headers.get("range"))
        self.tokens.append(request.headers.get("authorization"))
        if not self._cuts:
            return response
        return httpx2.Response(response.status_code, headers=response.headers, stream=_Cut(response, self._cuts.pop(0)))

    @override
    def close(self) -> None:
        self._inner.close()


class _Cut(httpx2.SyncByteStream):
    """The beginning of an answer's body, and then nothing."""

    def __init__(self, response: httpx2.Response, size: int) -> None:
        self._response: httpx2.Response = response
        self._left: int = size

    @override
    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._response.stream, httpx2.SyncByteStream)
        for chunk in self._response.stream:
            yield chunk[: self._left]
            self._left -= len(chunk)
            if self._left <= 0:
                raise GONE

    @override
    def close(self) -> None:
        self._response.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- Files, there and back


def test_a_folder_goes_up_and_comes_back(lab: Lab, folder: Path, tmp_path: Path):
    told: list[pinakes.Progress] = []
    project = f"{lab.team}/{uuid4().hex}"
    done = lab.client.versions.upload(
        project,
        "reader",
        "model",
        folder,
        references={"images": "s3://bucket/images"},
        description="The first one",
        metadata={"accuracy": 0.98, "layers": [1, 2]},
        tags=["vision"],
        aliases=["best"],
        progress=told.append,
    )
    version = done.version
    assert (version.number, version.state, version.file_count) == (0, "committed", 6)
    assert (version.source, version.metadata["accuracy"], version.tags) == (f"{project}/reader:v0", 0.98, ["vision"])
    # The empty file's content may be there from another version of the team's.
    assert done.sent in {3, 4}
    assert not done.existing
    assert {one.phase for one in told} == {"preparing", "sending"}
    assert (told[-1].done, told[-1].total) == (done.sent_bytes, done.sent_bytes)
    told.clear()
    back = lab.client.versions.download(f"{project}/reader:best", tmp_path / "back", progress=told.append)
    assert contents(tmp_path / "back") == contents(folder)
    assert (back.files, back.kept, [one.reference for one in back.references]) == (5, 0, ["s3://bucket/images"])
    assert back.size == told[-1].total == sum(map(len, contents(folder).values()))
    assert lab.client.versions.download(version, tmp_path / "back").kept == 5


def test_the_same_content_is_the_same_version(lab: Lab, folder: Path):
    project = f"{lab.team}/{uuid4().hex}"
    first = lab.client.versions.upload(project, "reader", "model", folder).version
    again = lab.client.versions.upload(project, "reader", "model", folder, aliases=["again"])
    assert (again.existing, again.version.id, again.sent) == (True, first.id, 0)
    assert lab.client.releases.version(f"{project}/reader:again").version.id == first.id
    other = lab.client.versions.upload(project, "reader", "model", {"below": folder, "c.json": folder / "config.json"})
    assert (other.version.number, other.sent) == (1, 0)
    paths = [file.path for file in lab.client.versions.files(other.version)]
    assert paths == sorted([*(f"below/{path}" for path in contents(folder)), "c.json"])


def test_an_upload_that_broke_off_sends_only_what_is_missing(lab: Lab, served: Served, tmp_path: Path):
    for number in range(6):
        (tmp_path / f"{number}.bin").write_bytes(os.urandom(1000))
    project, breaking = f"{lab.team}/{uuid4().hex}", Breaking(puts=4)
    with (
        pinakes.connect(served.url, served.token, transport=breaking, retry=AT_ONCE) as hasty,
        pytest.raises(pinakes.ConnectionFailed),
    ):
        hasty.versions.upload(project, "reader", "model", tmp_path, at_once=1)
    assert set(breaking.tokens) == {None}
    assert lab.client.releases.versions(f"{project}/reader").all() == []
    done = lab.client.versions.upload(project, "reader", "model", tmp_path)
    assert (done.sent, done.sent_bytes, done.version.number) == (2, 2000, 0)


def test_a_put_whose_connection_breaks_is_sent_again(lab: Lab, served: Served, folder: Path):
    class Once(Breaking):
        failed = False

        @override
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "PUT" and not self.failed:
                self.failed = True
                raise GONE
            return super().handle_request(request)

    told: list[pinakes.Progress] = []
    with pinakes.connect(served.url, served.token, transport=Once()) as client:
        done = client.versions.upload(
            f"{lab.team}/{uuid4().hex}", "reader", "model", folder, at_once=1, progress=told.append
        )
    assert done.version.state == "committed"
    assert told[-1].done == done.sent_bytes


def test_a_download_goes_on_where_it_broke(lab: Lab, served: Served, folder: Path, tmp_path: Path):
    project = f"{lab.team}/{uuid4().hex}"
    version = lab.client.versions.upload(project, "reader", "model", folder / "deep" / "weights.bin").version
    to, breaking = tmp_path / "to", Breaking(bytes_of_a_get=(1_000_000,))
    with (
        pinakes.connect(served.url, served.token, transport=breaking, retry=AT_ONCE) as hasty,
        pytest.raises(pinakes.ConnectionFailed),
    ):
        hasty.versions.download(version, to)
    [part] = to.iterdir()
    size = part.stat().st_size
    assert part.suffix == ".part"
    assert 0 < size <= 1_000_000
    breaking, told = Breaking(bytes_of_a_get=(300_000, 400_000)), []
    with pinakes.connect(served.url, served.token, transport=breaking) as patient:
        patient.versions.download(version, to, progress=told.append)
    assert breaking.ranges[0] == f"bytes={size}-"
    assert len(breaking.ranges) == 3
    assert set(breaking.tokens) == {None}
    assert contents(to) == {"weights.bin": (folder / "deep" / "weights.bin").read_bytes()}
    assert told[-1].done == version.size


def test_a_part_of_something_else_is_fetched_anew(lab: Lab, folder: Path, tmp_path: Path):
    version = lab.client.versions.upload(
        f"{lab.team}/{uuid4().hex}", "reader", "model", folder / "deep" / "weights.bin"
    ).version
    [file] = lab.client.versions.files(version)
    for wrong in (b"x" * 1000, b"x" * file.size, b"x" * (file.size + 1)):
        to = tmp_path / str(len(wrong))
        to.mkdir()
        local.part_of(to / file.path, file.md5 or "").write_bytes(wrong)
        (to / file.path).write_bytes(b"an older one")
        lab.client.versions.download(version, to)
        assert contents(to) == {file.path: (folder / "deep" / "weights.bin").read_bytes()}


def test_nothing_is_written_outside_of_the_folder(lab: Lab, folder: Path, tmp_path: Path):
    version = lab.client.versions.upload(f"{lab.team}/{uuid4().hex}", "reader", "model", folder).version
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "deep").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(pinakes.Invalid, match="lead out") as caught:
        lab.client.versions.download(version, tmp_path / "to")
    assert caught.value.field == "path"
    assert [*(tmp_path / "elsewhere").iterdir()] == []
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["deep"]


def test_some_files_of_a_version(lab: Lab, folder: Path, tmp_path: Path):
    version = lab.client.versions.upload(f"{lab.team}/{uuid4().hex}", "reader", "model", folder).version
    lab.client.versions.download(version, tmp_path / "to", paths=["config.json", "deep/läuft.txt"])
    assert set(contents(tmp_path / "to")) == {"config.json", "deep/läuft.txt"}
    with pytest.raises(pinakes.NotFound) as caught:
        lab.client.versions.download(version, tmp_path / "to", paths=["config.json", "none"])
    assert caught.value.details == {"missing": ["none"]}


def test_more_files_than_a_page(lab: Lab, tmp_path: Path):
    (tmp_path / "from").mkdir()
    for number in range(1_050):
        (tmp_path / "from" / f"{number}.txt").write_text(str(number % 7))
    done = lab.client.versions.upload(f"{lab.team}/{uuid4().hex}", "many", "dataset", tmp_path / "from")
    assert (done.version.file_count, done.sent <= 7) == (1_050, True)
    lab.client.versions.download(done.version, tmp_path / "to")
    assert contents(tmp_path / "to") == contents(tmp_path / "from")


async def test_the_other_half_does_the_same(lab: Lab, async_admin: pinakes.AsyncClient, folder: Path, tmp_path: Path):
    project, registry = f"{lab.team}/{uuid4().hex}", lab.registry()
    done = await async_admin.versions.upload(project, "reader", "model", folder)
    link = await async_admin.registries.link(registry, "MNIST", done.version, aliases=["best"])
    address = f"{lab.organization}/{registry.name}/MNIST:best"
    back = await async_admin.versions.download(address, tmp_path / "to")
    assert (link.number, back.files) == (0, 5)
    assert contents(tmp_path / "to") == contents(folder)
    assert [row.number async for row in async_admin.releases.versions(link.collection)] == [0]
    (tmp_path / "gone.txt").write_text("x")
    with pytest.raises(FileNotFoundError):
        await async_admin.versions.upload(project, "reader", "model", [folder, tmp_path / "none"])


def test_what_an_upload_refuses(lab: Lab, folder: Path, tmp_path: Path):
    upload, project = lab.client.versions.upload, f"{lab.team}/{uuid4().hex}"
    (tmp_path / "config.json").write_text("other")
    with pytest.raises(pinakes.Invalid, match="would both be"):
        upload(project, "reader", "model", [folder, tmp_path / "config.json"])
    with pytest.raises(pinakes.Invalid) as caught:
        upload("digits", "reader", "model", folder)
    assert caught.value.field == "project"
    upload(project, "reader", "model", folder)
    with pytest.raises(pinakes.Invalid) as refused:
        upload(project, "reader", "dataset", folder)
    assert (refused.value.code, refused.value.field) == ("type_not_accepted", "type")


# --- Registries and releases


def test_names_ids_and_objects(lab: Lab):
    registry, version = lab.registry(description="What counts"), lab.version()
    address = f"{lab.organization}/{registry.name}/MNIST"
    link = lab.client.releases.link(address, version, aliases=["production"], reason="the first")
    assert (link.number, link.created, link.new, link.aliases) == (0, True, True, ["latest", "production"])
    again = lab.client.releases.link(link.collection, f"{version.source}")
    assert (again.number, again.new, again.aliases) == (0, False, ["latest", "production"])
    release = lab.client.releases.get(address)
    assert release.id == link.collection.id
    for same in (release.id, release.slug, release):
        assert lab.client.releases.get(same).id == release.id
    for name in (f"{address}:production", f"{address}:v0", address, f"{release.id}:production", f"{release.slug}:v0"):
        assert lab.client.versions.get(name).id == version.id
    assert lab.client.releases.version("production", within=address).version.id == version.id
    assert [row.id for row in lab.client.registries.releases(registry, text="MN", type="model")] == [release.id]
    assert [row.name for row in lab.client.registries.list(lab.organization) if row.id == registry.id] == [
        registry.name
    ]
    assert lab.client.collections.update(release, tags=["digits"]).tags == ["digits"]
    assert [one.registry for one in lab.client.versions.holders(version)] == [registry.name]
    assert [one.collection.name for one in lab.client.versions.collections(version)] == ["reader", "MNIST"]
    for wrong in (f"{address}:none", f"{lab.organization}/{registry.name}/none", f"{lab.organization}/none/MNIST"):
        with pytest.raises(pinakes.NotFound):
            lab.client.versions.get(wrong)
    for nothing in ("production", "a/b", "a/b/c/d"):
        with pytest.raises(pinakes.Invalid) as caught:
            lab.client.versions.get(nothing)
        assert caught.value.field == "version"


def test_the_life_of_a_registry(lab: Lab, connect: Connect):
    registry = lab.registry(types=["model"], visibility="restricted", on_deletion="tombstone")
    assert (registry.types, registry.all_types, registry.on_deletion) == (["model"], False, "tombstone")
    create = lab.client.registries.create
    assert create(lab.organization, registry.name, exists_ok=True).id == registry.id
    with pytest.raises(pinakes.Conflict):
        create(lab.organization, registry.name)
    changed = lab.client.registries.update(registry, name=unique("Renamed"), types=["model", "dataset"])
    assert changed.types == ["dataset", "model"]
    somebody = connect().users.me().name
    assert lab.client.registries.put_member(changed, somebody, "viewer").role == "viewer"
    assert somebody in [member.name for member in lab.client.registries.members(changed)]
    lab.client.registries.remove_member(changed, somebody)
    assert lab.client.registries.put_team(changed, lab.team, "member").name == lab.team
    assert [team.name for team in lab.client.registries.teams(changed)] == [lab.team]
    lab.client.registries.remove_team(changed, lab.team)
    made = lab.client.registries.create_release(
        changed, "MNIST", ["model"], description="Digits", tags=["d"], first=lab.version(), aliases=["best"]
    )
    assert (made.types, made.version_count, made.registry) == (["model"], 1, changed.name)
    assert lab.client.releases.add_types(made, ["dataset"]).types == ["model", "dataset"]
    lab.client.registries.delete(changed, reason="enough")
    with pytest.raises(pinakes.NotFound) as gone:
        lab.client.registries.get(changed)
    assert gone.value.code == "registry_not_found"
    lab.client.registries.delete(changed, missing_ok=True)


def test_aliases_are_remembered(lab: Lab):
    """W-… of ACCEPTANCE.md natively: what was `production` then, who set it, and why."""
    release = lab.client.releases.link(f"{lab.organization}/{lab.registry().name}/MNIST", lab.version()).collection
    lab.client.releases.link(release, lab.version())
    before = datetime.now(UTC)
    lab.client.releases.set_alias(release, "production", "v0", reason="passed the checks")
    between = datetime.now(UTC)
    lab.client.releases.set_alias(release, "production", "latest", reason="better")
    found = lab.client.releases.alias_at(release, "production", between)
    assert found is not None
    assert (found.number, found.set_by, found.reason) == (0, "admin", "passed the checks")
    assert found.ended_at is not None
    now = lab.client.releases.alias_at(release, "production")
    assert now is not None
    assert (now.number, now.reason, now.ended_at) == (1, "better", None)
    assert lab.client.releases.alias_at(release, "production", before - timedelta(days=1)) is None
    log = lab.client.releases.alias_log(release, alias="production").all()
    assert [(row.number, row.reason) for row in log] == [(1, "better"), (0, "passed the checks")]
    lab.client.releases.remove_alias(release, "production", reason="withdrawn")
    assert lab.client.releases.alias_at(release, "production") is None
    lab.client.releases.remove_alias(release, "production")
    lab.client.releases.unlink(release, "v0", reason="too old")
    assert [row.unlink_reason for row in lab.client.releases.link_log(release)] == [None, "too old"]
    assert [row.number for row in lab.client.releases.versions(release)] == [1]
    with pytest.raises(pinakes.NotFound):
        lab.client.releases.alias_at(f"{lab.organization}/none/none", "production")


def test_a_protected_alias_takes_an_admin_or_approvals(lab: Lab, connect: Connect):
    registry = lab.registry()
    member, other = connect(), connect()
    lab.client.registries.put_member(registry, member.users.me().name, "member")
    lab.client.registries.put_member(registry, other.users.me().name, "admin")
    release = lab.client.releases.link(f"{lab.organization}/{registry.name}/MNIST", lab.version()).collection
    member.releases.set_alias(release, "staging", "v0")
    assert lab.client.registries.protect(registry, "production", reason="it is live").approvals == 0
    with pytest.raises(pinakes.Forbidden) as caught:
        member.releases.set_alias(release, "production", "v0")
    assert caught.value.code == "alias_protected"
    other.releases.set_alias(release, "production", "v0")
    assert lab.client.registries.protect(registry, "production", approvals=1).approvals == 1
    lab.client.releases.link(release, lab.version())
    with pytest.raises(pinakes.Forbidden) as needed:
        other.releases.set_alias(release, "production", "v1")
    assert needed.value.code == "approval_needed"
    asked = member.releases.request_promotion(release, "production", "v1", reason="passed")
    assert (asked.state, asked.needed, asked.approvals) == ("open", 1, 0)
    assert member.releases.request_promotion(release, "production", "v1").id == asked.id
    with pytest.raises(pinakes.Forbidden):
        member.releases.approve(asked)
    assert [one.id for one in lab.client.releases.promotions(release, state="open")] == [asked.id]
    done = other.releases.approve(asked, comment="fine")
    assert (done.state, [vote.comment for vote in done.votes]) == ("applied", ["fine"])
    assert lab.client.releases.version("production", within=release).number == 1
    with pytest.raises(pinakes.Conflict) as decided:
        other.releases.reject(asked)
    assert decided.value.code == "promotion_decided"
    assert other.releases.reject(member.releases.request_promotion(release, "production", "v0")).state == "rejected"
    mine = member.releases.request_promotion(release, "production", "v0")
    assert member.releases.withdraw(mine).state == "withdrawn"
    assert member.releases.promotion(mine.id).state == "withdrawn"
    lab.client.registries.unprotect(registry, "production")
    assert lab.client.registries.protected(registry).all() == []
    member.releases.set_alias(release, "production", "v0")
    with pytest.raises(pinakes.Invalid):
        member.releases.promotions(f"{lab.organization}/{registry.name}/MNIST")


def test_what_a_registry_holds_is_not_deleted(lab: Lab):
    registry, project = lab.registry(), f"{lab.team}/{uuid4().hex}"
    version = lab.version(project=project.partition("/")[2])
    link = lab.client.releases.link(f"{lab.organization}/{registry.name}/MNIST", version)
    with pytest.raises(pinakes.Conflict) as has:
        lab.client.versions.delete(version)
    assert has.value.code == "has_aliases"
    for delete in (
        lambda: lab.client.versions.delete(version, aliases=True),
        lambda: lab.client.projects.delete_artifact(f"{project}/reader"),
        lambda: lab.client.projects.delete(project),
    ):
        with pytest.raises(pinakes.Conflict) as held:
            delete()
        assert held.value.code == "held_by_registry"
        [holder] = held.value.details["holders"]
        assert (holder["registry"], holder["collection"], holder["version"]) == (registry.name, "MNIST", "v0")
    lab.client.releases.unlink(link.collection, version)
    lab.client.versions.delete(version, aliases=True, reason="enough")
    lab.client.versions.delete(version, missing_ok=True)


def test_a_tombstone_says_what_it_was(lab: Lab):
    registry, version = lab.registry(on_deletion="tombstone"), lab.version()
    release = lab.client.releases.link(f"{lab.organization}/{registry.name}/MNIST", version, aliases=["old"]).collection
    lab.client.versions.delete(version, aliases=True)
    [broken] = lab.client.registries.broken(registry)
    assert (broken.collection, broken.number, broken.digest) == (release.id, 0, version.digest)
    assert (broken.owner, broken.deleted_by) == (lab.team, "admin")
    assert lab.client.releases.versions(release).all() == []
    [left] = lab.client.releases.versions(release, tombstones=True)
    assert (left.number, left.broken, left.version.state) == (0, True, "deleted")


def test_a_restricted_viewer_sees_but_does_not_download(lab: Lab, connect: Connect, tmp_path: Path):
    registry, viewer = lab.registry(visibility="restricted"), connect()
    address = f"{lab.organization}/{registry.name}/MNIST"
    lab.client.releases.link(address, lab.version(), aliases=["production"])
    with pytest.raises(pinakes.NotFound):
        viewer.releases.get(address)
    lab.client.registries.put_member(registry, viewer.users.me().name, "restricted_viewer")
    seen = viewer.releases.version(f"{address}:production")
    assert (seen.number, seen.version.source) == (0, None)
    assert viewer.versions.get(seen).digest == seen.version.digest
    with pytest.raises(pinakes.Forbidden):
        viewer.versions.download(seen, tmp_path / "to")
    assert not (tmp_path / "to").exists()
    with pytest.raises(pinakes.Forbidden):
        viewer.releases.set_alias(address, "mine", seen)


def test_where_a_version_comes_from(lab: Lab, served: Served):
    data, model = lab.version("digits", of="dataset"), lab.version("reader")
    with psycopg.connect(served.dsn) as connection:
        made = connection.execute(
            "insert into runs (project_id, name, display_name) values"
            " ((select a.container_id from versions as v join items as a on a.id = v.artifact_id where v.id = %s),"
            " %s, 'brave-ibis-1') returning id",
            (data.id, uuid4().hex),
        ).fetchone()
        assert made is not None
        run = int(made[0])
        connection.execute("insert into run_inputs (run_id, version_id) values (%s, %s)", (run, data.id))
        connection.execute("insert into run_outputs (run_id, version_id) values (%s, %s)", (run, model.id))
    graph = lab.client.versions.lineage(model)
    assert {(edge.version, edge.run, edge.kind) for edge in graph.edges} == {
        (data.id, run, "input"),
        (model.id, run, "output"),
    }
    assert {one.id for one in graph.versions} == {data.id, model.id}
    assert [one.display_name for one in graph.runs] == ["brave-ibis-1"]
    assert lab.client.versions.lineage(model, direction="down").edges == []
    assert len(lab.client.versions.lineage(model, depth=1).edges) == 1


def test_versions_and_projects_change(lab: Lab):
    project = lab.client.projects.create(f"{lab.team}/{unique('Project')}", description="Digits")
    address = f"{project.owner}/{project.name}"
    assert lab.client.projects.create(address).id == project.id
    assert project.id in [one.id for one in lab.client.projects.list(lab.team)]
    version = lab.version(project=project.name)
    changed = lab.client.versions.update(
        version, description="Better", metadata={"a": None}, add_tags=["x", "y"], ttl_seconds=-2
    )
    assert (changed.description, changed.metadata, changed.tags) == ("Better", {"a": None}, ["x", "y"])
    assert lab.client.versions.update(version.id, remove_tags=["x"]).tags == ["y"]
    assert [one.name for one in lab.client.projects.artifacts(project, type="model")] == ["reader"]
    assert lab.client.projects.artifacts(project, kind="release").all() == []
    renamed = lab.client.projects.update(project, name=unique("Renamed"), description="", visibility="public")
    assert (renamed.description, renamed.visibility) == ("", "public")
    assert lab.client.projects.get(address).id == project.id
    artifact = lab.client.releases.get(f"{renamed.owner}/{renamed.name}/reader")
    assert artifact.project == f"{renamed.owner}/{renamed.name}"
    lab.client.projects.delete_artifact(artifact, reason="enough")
    lab.client.projects.delete_artifact(artifact, missing_ok=True)
    lab.client.projects.delete(renamed)
    with pytest.raises(pinakes.NotFound) as gone:
        lab.client.projects.get(renamed)
    assert gone.value.code == "project_not_found"
    lab.client.projects.delete(renamed, missing_ok=True)
