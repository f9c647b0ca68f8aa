"""What is logged comes back as it was: files, references, metadata, aliases, and what the client asks of a version."""

from __future__ import annotations

import base64
import threading
from collections.abc import Generator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import wandb
from wandb.data_types import PartitionedTable
from wandb.errors import CommError
from wandb.sdk.artifacts.artifact_manifest_entry import ArtifactManifestEntry
from wandb.sdk.lib.paths import LogicalPath

from clients.wandb.lab import Desk, unique
from clients.wandb.making import artifact, contents, maker, md5, table


@pytest.fixture
def website() -> Generator[str]:
    """An address of a file on the web."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("ETag", '"of-the-page"')
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"page")

        do_HEAD = do_GET  # noqa: N815 - as the server calls it

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/page.html"
        server.shutdown()
        thread.join()


class TestLogging:
    def test_everything_that_can_be_said_of_a_version_is_there(self, spot: Desk):
        """W-18 (a name and a type), and what else the client takes."""
        with spot.init(job_type="train") as run:
            made = artifact(
                "Digits.V2",
                "dataset",
                files={"a.txt": "alpha", "deep/er/b ü.txt": "beta", "empty": ""},
                description="Which digits",
                metadata={"classes": 10, "nested": {"list": [1, None, 0.5, float("nan")]}},
            )
            made.ttl = timedelta(days=3)
            logged = run.log_artifact(made, aliases=["best", "with space"], tags=["handwritten", "two words"])
            assert logged.wait() is logged
        found = spot.api().artifact(f"{spot.path}/Digits.V2:best")
        assert (found.name, found.type, found.version) == ("Digits.V2:best", "dataset", "v0")
        assert (found.entity, found.project) == (spot.team.name, spot.project)
        assert (found.description, found.state, found.size, found.file_count) == ("Which digits", "COMMITTED", 9, 3)
        assert found.metadata == {"classes": 10, "nested": {"list": [1, None, 0.5, None]}}
        assert sorted(found.aliases) == ["best", "latest", "with space"]
        assert sorted(found.tags) == ["handwritten", "two words"]
        assert found.ttl == timedelta(days=3)
        assert found.digest == logged.digest
        assert not found.is_link
        assert sorted(found.manifest.entries) == ["a.txt", "deep/er/b ü.txt", "empty"]
        assert maker(found).id == run.id

    def test_a_folder_comes_back_as_it_was(self, spot: Desk):
        for path, content in {"one.txt": "1", "below/two.txt": "2", "below/twin.txt": "2"}.items():
            file = spot.folder / "data" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        made = wandb.Artifact("folder", "dataset")
        made.add_dir(str(spot.folder / "data"), name="as")
        made.add_file(str(spot.folder / "data" / "one.txt"), name="again.txt")
        with spot.init() as run:
            run.log_artifact(made).wait()
        found = spot.api().artifact(f"{spot.path}/folder:v0")
        root = found.download(root=str(spot.folder / "back"))
        assert contents(root) == {
            "as/one.txt": "1",
            "as/below/two.txt": "2",
            "as/below/twin.txt": "2",
            "again.txt": "1",
        }
        found.verify(root=root)
        Path(root, "again.txt").write_text("other")
        with pytest.raises(ValueError, match=r"Digest mismatch for file: .*again\.txt"):
            found.verify(root=root)

    def test_one_file_or_folder_can_be_logged_as_it_is(self, spot: Desk):
        file = spot.folder / "model.bin"
        file.write_text("weights")
        with spot.init() as run:
            by_path = run.log_artifact(file, name="plain", type="model", aliases=["first"]).wait()
            nameless = run.log_artifact(str(file), type="model").wait()
        assert (by_path.name, sorted(by_path.aliases)) == ("plain:v0", ["first", "latest"])
        assert nameless.name == f"run-{run.id}-model.bin:v0"

    def test_an_empty_artifact_is_one_too(self, spot: Desk):
        with spot.init() as run:
            logged = run.log_artifact(wandb.Artifact("nothing", "dataset")).wait()
        found = spot.api().artifact(f"{spot.path}/nothing:latest")
        assert (found.size, found.file_count, list(found.files())) == (0, 0, [])
        assert contents(logged.download(root=str(spot.folder / "back"))) == {}

    def test_the_client_can_save_without_a_run(self, spot: Desk):
        made = artifact("alone", files={"x": "x"})
        made.save(project=spot.project, settings=wandb.Settings(entity=spot.team.name))
        assert made.wait().name == "alone:v0"
        assert spot.api().artifact_exists(f"{spot.path}/alone:v0")

    def test_files_keep_names_of_any_kind(self, spot: Desk):
        names = [
            "with space.txt",
            "100%.txt",
            "question?.txt",
            "hash#tag.txt",
            "plus+plus",
            "日本語/文字.txt",
            "a;b&c=d",
        ]
        with spot.init() as run:
            run.log_artifact(artifact("names", files={name: name for name in names})).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/names:v0")
            assert contents(found.download()) == {name: name for name in names}
            assert {file.name for file in found.files()} == set(names)

    def test_a_type_is_the_same_for_all_versions(self, spot: Desk):
        """W-18: the artifact has one type."""
        with spot.init() as run:
            run.log_artifact(artifact("typed", "dataset", files={"x": "1"})).wait()
            with pytest.raises(ValueError, match="already exists with type 'dataset'"):
                run.log_artifact(artifact("typed", "model", files={"x": "2"}))
        with pytest.raises(CommError, match="type 'model' specified but this artifact is of type 'dataset'"):
            spot.api().artifact(f"{spot.path}/typed:v0", type="model")

    def test_an_unknown_region_is_named(self, spot: Desk):
        made = artifact("far", files={"x": "x"}, storage_region="coreweave-us")
        with spot.init() as run, pytest.raises(ValueError, match="coreweave-us"):
            run.log_artifact(made).wait()
        assert not spot.api().artifact_exists(f"{spot.path}/far:latest")

    @pytest.mark.parametrize("region", ["default", "minio-local"])
    def test_a_known_region_stays_in_the_manifest(self, spot: Desk, region: str):
        with spot.init() as run:
            run.log_artifact(artifact("near", files={"x": region}, storage_region=region)).wait()
        found = spot.api().artifact(f"{spot.path}/near:v0")
        assert found.manifest.storage_policy.config()["storageRegion"] == region

    def test_the_step_of_the_run_is_kept(self, spot: Desk):
        with spot.init() as run:
            first = run.log_artifact(artifact("stepped", files={"x": "1"})).wait()
            run.log({"loss": 1})
            second = run.log_artifact(artifact("stepped", files={"x": "2"})).wait()
        assert (first.history_step, second.history_step) == (None, 0)


class TestDeduplication:
    def test_the_same_content_is_the_same_version(self, spot: Desk):
        """`latest` moves to what was logged last, even if that was there already."""
        with spot.init() as first:
            one = first.log_artifact(artifact("same", files={"x": "1"})).wait()
            first.log_artifact(artifact("same", files={"x": "2"})).wait()
        with spot.init() as second:
            again = second.log_artifact(artifact("same", files={"x": "1"}), aliases=["again"]).wait()
        api = spot.api()
        assert (again.id, again.version) == (one.id, "v0")
        assert sorted(api.artifact(f"{spot.path}/same:v0").aliases) == ["again", "latest"]
        assert api.artifact(f"{spot.path}/same:v1").aliases == []
        assert len(api.artifacts("dataset", f"{spot.path}/same")) == 2
        # The second run has it among its outputs, the first one made it.
        assert [found.name for found in api.run(f"{spot.path}/{second.id}").logged_artifacts()] == ["same:v0"]
        assert maker(api.artifact(f"{spot.path}/same:v0")).id == first.id

    def test_content_that_is_there_is_not_sent_again(self, spot: Desk):
        """The second version refers to the first, which had the file first."""
        own, new = unique("content"), unique("content")  # the team has much other content already
        with spot.init() as run:
            one = run.log_artifact(artifact("birth", files={"x": own, "y": "1"})).wait()
            run.log_artifact(artifact("birth", files={"x": own, "y": new})).wait()
        two = spot.api().artifact(f"{spot.path}/birth:v1")
        births = {path: entry.birth_artifact_id for path, entry in two.manifest.entries.items()}
        assert births == {"x": one.id, "y": two.id}
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/birth:v1")
            assert contents(found.download()) == {"x": own, "y": new}

    def test_a_version_outlives_the_one_that_had_its_files_first(self, spot: Desk):
        with spot.init() as run:
            run.log_artifact(artifact("heir", files={"x": "shared", "y": "1"})).wait()
            run.log_artifact(artifact("heir", files={"x": "shared", "y": "2"})).wait()
        spot.api().artifact(f"{spot.path}/heir:v0").delete(delete_aliases=True)
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/heir:v1")
            assert Path(found.get_entry("x").download()).read_text() == "shared"
            assert contents(found.download()) == {"x": "shared", "y": "2"}
        with spot.init() as run:  # what was deleted is no version to fall back on
            third = run.log_artifact(artifact("heir", files={"x": "shared", "y": "1"})).wait()
        assert third.version == "v2"


class TestReferences:
    def test_what_lives_elsewhere_is_pointed_at(self, spot: Desk, website: str):
        local = spot.folder / "local.txt"
        local.write_text("here")
        made = wandb.Artifact("pointing", "dataset")
        # As the client writes them down; asking those stores takes libraries that are not here.
        for entry in (
            ArtifactManifestEntry(
                path=LogicalPath("from-s3"), digest="etag", ref="s3://bucket/key.bin", size=3 * 10**9, extra={"v": "1"}
            ),
            ArtifactManifestEntry(path=LogicalPath("from-gs"), digest="gs://bucket/key.bin", ref="gs://bucket/key.bin"),
        ):
            made.manifest.add_entry(entry)
        made.add_reference(website, name="from-web")
        made.add_reference(f"file://{local}", name="from-disk")
        made.add_reference("doi:10.1000/182", name="unknown-scheme")
        with spot.init() as run:
            run.log_artifact(made).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/pointing:v0")
            references = {path: entry.ref for path, entry in found.manifest.entries.items()}
            assert references == {
                "from-s3": "s3://bucket/key.bin",
                "from-gs": "gs://bucket/key.bin",
                "from-web": website,
                "from-disk": f"file://{local}",
                "unknown-scheme": "doi:10.1000/182",
            }
            assert found.manifest.entries["from-web"].digest == "of-the-page"
            assert (found.size, found.file_count) == (3_000_000_008, 5)
            assert found.manifest.entries["from-s3"].extra == {"v": "1"}
            listed = {file.name: file.direct_url for file in found.files()}
            assert listed == references
            assert Path(found.get_entry("from-web").download()).read_text() == "page"
            assert Path(found.get_entry("from-disk").download()).read_text() == "here"

    def test_files_of_other_artifacts_are_pointed_at(self, spot: Desk):
        with spot.init() as run:
            source = run.log_artifact(artifact("source", files={"part.txt": "part", "other.txt": "o"})).wait()
            made = wandb.Artifact("whole", "dataset")
            made.add_reference(source.get_entry("part.txt"), name="by-entry.txt")
            run.log_artifact(made).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/whole:v0")
            hexadecimal = base64.b64decode(source.id or "").hex()
            assert found.manifest.entries["by-entry.txt"].ref == f"wandb-artifact://{hexadecimal}/part.txt"
            assert contents(found.download()) == {"by-entry.txt": "part"}

    def test_what_the_client_named_before_is_found(self, spot: Desk):
        """The client makes names up for a version and its artifact, and may use them from then on."""
        rows = wandb.Table(columns=["name"], data=[["drafted"]])
        source, made = wandb.Artifact("draft", "dataset"), wandb.Artifact("of-draft", "dataset")
        source.add(rows, "rows")
        with spot.init() as run:
            run.log_artifact(source).wait()
            made.add(rows, "borrowed")
            run.log_artifact(made).wait()
        asked = "query Q($id: ID!) { found: clientIDMapping(clientID: $id) { serverID } }"
        for name, expected in ((source._client_id, source.id), (source._sequence_client_id, source.collection.id)):
            assert spot.person.graphql(asked, id=name)["found"] == {"serverID": expected}
        assert spot.person.graphql(asked, id="of nobody")["found"] is None
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/of-draft:v0")
            entry = found.manifest.entries["borrowed.table.json"]
            assert (entry.ref or "").startswith("wandb-artifact://")
            assert table(found, "borrowed").data == [["drafted"]]

    def test_tables_refer_to_parts_of_others(self, spot: Desk):
        with spot.init() as run:
            source = wandb.Artifact("pictures", "dataset")
            for name in ("one", "two"):
                part = wandb.Table(columns=["name", "number"], data=[[name, 1], [name, 2]])
                source.add(part, f"parts/{name}")
            run.log_artifact(source).wait()
            joined = wandb.Artifact("joined", "dataset")
            joined.add(PartitionedTable("parts"), "all")
            with joined.new_file("readme") as file:
                file.write("joined")
            joined.add_reference(source.get_entry("parts/one.table.json"), name="parts/one.table.json")
            joined.add_reference(source.get_entry("parts/two.table.json"), name="parts/two.table.json")
            run.log_artifact(joined).wait()
            picked = wandb.Artifact("picked", "dataset")
            picked.add(table(source, "parts/one"), "first")
            run.log_artifact(picked).wait()
        with spot.afresh() as elsewhere:
            api = elsewhere.api()
            joined = api.artifact(f"{spot.path}/joined:v0").get("all")
            assert isinstance(joined, PartitionedTable)
            rows = [row for _, row in joined.iterrows()]
            assert sorted(rows) == [["one", 1], ["one", 2], ["two", 1], ["two", 2]]
            first = table(api.artifact(f"{spot.path}/picked:v0"), "first")
            assert first.data == [["one", 1], ["one", 2]]


class TestUsing:
    def test_what_is_used_is_downloaded_and_noted(self, spot: Desk):
        with spot.init() as maker:
            maker.log_artifact(artifact("used", files={"x": "1", "deep/y": "2"}), aliases=["best"]).wait()
        with spot.afresh() as elsewhere, elsewhere.init() as user:
            found = user.use_artifact("used:best", type="dataset")
            assert contents(found.download()) == {"x": "1", "deep/y": "2"}
            user.use_artifact(f"{spot.path}/used:v0")
        api = spot.api()
        assert [run.id for run in api.artifact(f"{spot.path}/used:latest").used_by()] == [user.id]
        assert [found.name for found in api.run(f"{spot.path}/{user.id}").used_artifacts()] == ["used:v0"]

    def test_a_draft_can_be_used(self, spot: Desk):
        with spot.init() as run:
            run.use_artifact(artifact("drafted", files={"x": "1"}), aliases=["mine"])
        found = spot.api().artifact(f"{spot.path}/drafted:mine")
        assert [each.id for each in found.used_by()] == [run.id]

    def test_only_a_part_is_downloaded(self, spot: Desk):
        with spot.init() as run:
            run.log_artifact(artifact("parted", files={"a/1": "1", "a/2": "2", "b/3": "3"})).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/parted:v0")
            assert contents(found.download(path_prefix="a/")) == {"a/1": "1", "a/2": "2"}
            assert Path(found.get_entry("b/3").download()).read_text() == "3"
            with pytest.raises(KeyError):
                found.get_entry("b/4")

    def test_files_are_listed_page_by_page(self, spot: Desk):
        given = {f"file {n:02}": str(n) * n for n in range(1, 12)}
        with spot.init() as run:
            run.log_artifact(artifact("many", files=given)).wait()
        found = spot.api().artifact(f"{spot.path}/many:v0")
        files = found.files(per_page=3)
        assert len(files) == 11
        assert [(file.name, file.size) for file in files] == [(name, len(text)) for name, text in given.items()]
        few = found.files(names=["file 03", "file 11", "no such"])
        assert {file.name: (file.digest, file.md5) for file in few} == {
            name: (md5(given[name]),) * 2 for name in ("file 03", "file 11")
        }
        assert len(few) == 2
        downloaded = next(iter(few)).download(root=str(spot.folder / "single"))
        assert downloaded.read() == "333"
        downloaded.close()

    def test_large_downloads_come_in_ranges(self, spot: Desk):
        """`multipart` asks for ranges, even of what is small."""
        with spot.init() as run:
            run.log_artifact(artifact("ranged", files={"x": "0123456789" * 1000})).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/ranged:v0")
            assert contents(found.download(multipart=True)) == {"x": "0123456789" * 1000}

    def test_checkout_removes_what_is_not_in_the_version(self, spot: Desk):
        with spot.init() as run:
            logged = run.log_artifact(artifact("out", files={"x": "1"})).wait()
        folder = spot.folder / "work"
        folder.mkdir()
        (folder / "stray").write_text("stray")
        assert contents(logged.checkout(root=str(folder))) == {"x": "1"}

    def test_what_is_not_there_is_said_in_words(self, spot: Desk):
        with spot.init() as run:
            run.log_artifact(artifact("there", files={"x": "1"})).wait()
            with pytest.raises(CommError, match="artifact membership 'gone:v0' not found"):
                run.use_artifact("gone:v0")
        api = spot.api()
        with pytest.raises(CommError, match="artifact membership 'there:v1' not found"):
            api.artifact(f"{spot.path}/there:v1")
        with pytest.raises(CommError, match="project 'nowhere' not found"):
            api.artifact(f"{spot.team.name}/nowhere/there:v0")
        with pytest.raises(CommError, match="project 'p' not found under entity 'nobody'"):
            api.artifact("nobody/p/there:v0")
        assert api.artifact_exists(f"{spot.path}/there:v0")
        assert not api.artifact_exists(f"{spot.path}/there:v1")
        assert not api.artifact_exists(f"{spot.path}/there:v0:v1")
        assert api.artifact_collection_exists(f"{spot.path}/there", "dataset")
        assert not api.artifact_collection_exists(f"{spot.path}/there", "model")
        assert not api.artifact_collection_exists(f"{spot.path}/gone", "dataset")


class TestBuildingUp:
    def test_an_incremental_version_adds_to_the_latest(self, spot: Desk):
        with spot.init() as run:
            run.log_artifact(artifact("grown", files={"a": "1", "b": "1"})).wait()
            more = artifact("grown", files={"b": "2", "c": "2"}, incremental=True)
            run.log_artifact(more).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/grown:v1")
            assert contents(found.download()) == {"a": "1", "b": "2", "c": "2"}
            assert (found.file_count, found.size) == (3, 3)

    def test_an_incremental_version_may_be_the_first(self, spot: Desk):
        with spot.init() as run:
            run.log_artifact(artifact("begun", files={"a": "1"}, incremental=True)).wait()
        assert spot.api().artifact(f"{spot.path}/begun:v0").file_count == 1

    def test_a_new_draft_of_a_version_changes_what_it_has(self, spot: Desk):
        with spot.init() as run:
            run.log_artifact(artifact("drafts", files={"a": "1", "b": "1"}, metadata={"k": 1})).wait()
            draft = run.use_artifact("drafts:latest").new_draft()
            draft.remove("a")
            with draft.new_file("c") as file:
                file.write("3")
            run.log_artifact(draft).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/drafts:v1")
            assert contents(found.download()) == {"b": "1", "c": "3"}
            assert found.metadata == {"k": 1}

    def test_several_runs_write_one_version(self, spot: Desk):
        group = unique("group")
        for n in range(3):
            with spot.init(group=group) as run:
                made = artifact("shared", files={f"part-{n}": str(n)})
                run.upsert_artifact(made, distributed_id=group)
        assert not spot.api().artifact_exists(f"{spot.path}/shared:latest")
        with spot.init(group=group) as run:
            last = artifact("shared", files={"part-3": "3"})
            run.finish_artifact(last, distributed_id=group, aliases=["whole"]).wait()
        with spot.afresh() as elsewhere:
            found = elsewhere.api().artifact(f"{spot.path}/shared:whole")
            assert found.version == "v0"
            assert contents(found.download()) == {f"part-{n}": str(n) for n in range(4)}

    def test_a_table_grows_with_the_run(self, spot: Desk):
        with spot.init() as run:
            rows = wandb.Table(columns=["n"], log_mode="INCREMENTAL")
            for n in range(3):
                rows.add_data(n)
                run.log({"table": rows})
        versions = spot.api().artifacts("wandb-run-incremental-table", f"{spot.path}/run-{run.id}-incr-table")
        assert [found.file_count for found in versions] == [3, 2, 1]

    def test_a_table_goes_on_growing_when_the_run_is_resumed(self, spot: Desk):
        with spot.init() as run:
            rows = wandb.Table(columns=["n"], log_mode="INCREMENTAL")
            rows.add_data(0)
            run.log({"table": rows})
        with spot.init(id=run.id, resume="must") as resumed:
            assert resumed.resumed
            rows = wandb.Table(columns=["n"], log_mode="INCREMENTAL")
            rows.add_data(1)
            resumed.log({"table": rows})
        versions = spot.api().artifacts("wandb-run-incremental-table", f"{spot.path}/run-{run.id}-incr-table")
        assert [found.file_count for found in versions] == [2, 1]

    def test_what_the_client_logs_by_itself(self, spot: Desk):
        """Tables and code become artifacts of types that are reserved for them."""
        script = spot.folder / "code" / "train.py"
        script.parent.mkdir()
        script.write_text("print('training')")
        with spot.init() as run:
            run.log({"rows": wandb.Table(columns=["n"], data=[[1], [2]])})
            assert run.log_code(str(script.parent), name="source-training") is not None
        api = spot.api()
        found = {each.type: each.name for each in api.run(f"{spot.path}/{run.id}").logged_artifacts()}
        assert found["run_table"] == f"run-{run.id}-rows:v0"
        assert found["code"] == "source-training:v0"
        assert table(api.artifact(f"{spot.path}/run-{run.id}-rows:v0"), "rows").data == [[1], [2]]
