"""Manifests and files: what clients upload for a version, how it is merged, and what readers get."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from factories.artifacts import Studio, digest_of, file_entry, make_project, manifest_of, md5_of
from factories.catalog import Facts
from factories.people import make_user
from factories.releases import make_lab
from pinakes.server import errors
from pinakes.server.artifacts import commits, files, manifests, versions
from pinakes.server.artifacts.transfers import blob_key
from pinakes.server.artifacts.types import FileListing, FilePlace, FileSpec, NewFile, Version
from pinakes.server.blobs import Blobs
from pinakes.server.db import Database
from pinakes.server.registries import links
from pinakes.server.registries.types import InRegistry


@pytest_asyncio.fixture(loop_scope="session")
async def studio(db: Database, blobs: Blobs) -> AsyncGenerator[Studio]:
    """Somebody with a project of his own."""
    ana = await make_user(db)
    yield Studio(db, blobs, ana.actor, await make_project(db, ana.account, ana.actor))


async def document_of(studio: Studio, version_id: int) -> dict[str, Any]:
    """Return the manifest that readers of a version get."""
    async with studio.db.reading() as tx:
        found = await manifests.current(tx, studio.actor, version_id)
    assert found.md5 is not None
    return json.loads(await studio.blobs.read(blob_key(found.account_id, found.md5), most=10_000_000))


async def listing(studio: Studio, version: Version, **asked: Facts) -> FileListing:
    async with studio.db.reading() as tx:
        return await files.listing(tx, studio.actor, version.id, **asked)


async def paths(studio: Studio, version: Version) -> list[str]:
    return [row.path for row in (await listing(studio, version, limit=1000)).rows]


async def places(studio: Studio, version_id: int, *contents: bytes) -> list[FilePlace]:
    specs = [FileSpec(version_id, f"file {n}", md5_of(content)) for n, content in enumerate(contents)]
    async with studio.db.transaction() as tx:
        return await files.places(tx, studio.actor, specs)


async def drafted(studio: Studio, document: bytes) -> int:
    """A draft with a manifest, which has arrived."""
    draft = (await studio.begin()).version
    await studio.declare(draft.id, document)
    return draft.id


async def test_readers_get_the_very_bytes_that_were_uploaded(studio: Studio):
    """Contract 11: a full manifest is stored and returned as it is."""
    draft = (await studio.begin()).version
    entries = await studio.send(draft.id, {"b": b"2", "a": b"1"})
    document = manifest_of(entries, unknown={"kept": [1.50, None]}) + b"\n  \n"
    async with studio.db.transaction() as tx:
        await manifests.declare(tx, studio.actor, draft.id, type="full")
    await studio.declare(draft.id, document)
    version = await studio.commit(draft.id)
    async with studio.db.reading() as tx:
        found = await manifests.current(tx, studio.actor, version.id)
    assert found.md5 == md5_of(document)
    assert found.account_id == studio.project.owner_id
    assert await studio.blobs.read(blob_key(found.account_id, md5_of(document)), most=10_000) == document
    assert version.digest == draft.digest


async def test_files_are_listed_by_path_with_references(studio: Studio):
    """Contract 13, trap 12: a page at a time; the total counts what was asked for; a reference has an address."""
    contents = {f"dir/{n:03}": str(n).encode() for n in range(25)}
    long = "x" * 3000 + "é"
    contents |= {long: b"long", long + "2": b"longer"}
    ref = {"ref": "http://far.example/x", "digest": "http://far.example/x", "extra": {"etag": "e"}}
    version = await studio.log("data", contents, {"zz": ref})
    assert await paths(studio, version) == sorted([*contents, "zz"])
    first = await listing(studio, version, limit=10)
    assert (len(first.rows), first.total, first.account_id) == (10, 28, studio.project.owner_id)
    second = await listing(studio, version, limit=10, cursor=first.next)
    third = await listing(studio, version, limit=100, cursor=second.next)
    assert [row.path for row in (*first.rows, *second.rows, *third.rows)] == sorted([*contents, "zz"])
    assert third.next is None
    row = first.rows[0]
    assert (row.path, row.size, row.md5, row.digest) == ("dir/000", 1, md5_of(b"0"), digest_of(b"0"))
    assert (row.reference, row.birth_id, row.extra) == (None, version.id, None)
    last = third.rows[-1]
    assert (last.md5, last.reference, last.size, last.extra) == (None, "http://far.example/x", 0, {"etag": "e"})
    some = await listing(studio, version, names=["zz", "dir/003", "absent", "\0", long, "\ud800"])
    assert ([one.path for one in some.rows], some.total) == (["dir/003", long, "zz"], 3)
    some = await listing(studio, version, names=["zz", "dir/003"], limit=1)
    rest = await listing(studio, version, names=["zz", "dir/003"], limit=1, cursor=some.next)
    assert ([one.path for one in rest.rows], rest.next, rest.total) == (["zz"], None, 2)
    wrong: list[dict[str, Facts]] = [{"limit": 0}, {"limit": 10_001}, {"cursor": "x"}, {"names": ["x"] * 10_001}]
    for asked in wrong:
        with pytest.raises(errors.Invalid):
            await listing(studio, version, **asked)


async def test_a_version_may_have_no_files(studio: Studio):
    version = await studio.log("data", {})
    found = await listing(studio, version)
    assert (found.rows, found.next, found.total) == ([], None, 0)
    assert (version.size, version.file_count) == (0, 0)


async def test_what_is_there_need_not_be_sent_again(studio: Studio):
    """Contract 10.4: the same order; the version that first brought a content is its birth artifact."""
    first = await studio.log("data", {"a": b"shared", "b": b"own"})
    draft = (await studio.begin("data")).version
    found = await places(studio, draft.id, b"new", b"shared", b"new", b"own")
    assert [place.there for place in found] == [False, True, False, True]
    assert [place.birth_id for place in found] == [draft.id, first.id, draft.id, first.id]
    assert [place.path for place in found] == [f"file {n}" for n in range(4)]
    assert {place.account_id for place in found} == {studio.project.owner_id}


async def test_content_is_not_shared_between_accounts(studio: Studio, blobs: Blobs):
    """Who could name a digest would else get somebody else's file."""
    await studio.log("data", {"a": b"secret of ana"})
    bob = await make_user(studio.db)
    other = Studio(studio.db, blobs, bob.actor, await make_project(studio.db, bob.account, bob.actor))
    draft = (await other.begin()).version
    assert not (await places(other, draft.id, b"secret of ana"))[0].there
    await other.declare(draft.id, manifest_of({"a": file_entry(b"secret of ana")}))
    with pytest.raises(errors.Invalid, match="have not arrived: a"):
        await other.commit(draft.id)


async def test_places_are_for_writers_of_drafts(studio: Studio):
    stranger = await make_user(studio.db)
    version, draft = await studio.log("data"), (await studio.begin("data")).version
    for spec in (
        FileSpec(draft.id, "../x", bytes(16)),
        FileSpec(draft.id, "x", bytes(15)),
        FileSpec(draft.id, "\ud800", bytes(16)),
    ):
        async with studio.db.transaction() as tx:
            with pytest.raises(errors.Invalid) as caught:
                await files.places(tx, studio.actor, [spec])
            assert caught.value.field == "artifactFiles"
    spec = FileSpec(draft.id, "x", bytes(16))
    async with studio.db.transaction() as tx:
        with pytest.raises(errors.Invalid):
            await files.places(tx, studio.actor, [spec] * 10_001)
        with pytest.raises(errors.VersionNotFound):
            await files.places(tx, stranger.actor, [spec])
        with pytest.raises(errors.VersionNotFound):
            await files.places(tx, studio.actor, [FileSpec(2**31, "x", bytes(16))])
        with pytest.raises(errors.Conflict):
            await files.places(tx, studio.actor, [FileSpec(version.id, "x", bytes(16))])
        assert await files.places(tx, studio.actor, []) == []


async def test_a_commit_waits_for_every_file(studio: Studio):
    """Traps 9, 10: refused while the manifest or a file is missing; the version stays a draft and can be retried."""
    draft = (await studio.begin()).version
    with pytest.raises(errors.Invalid) as caught:
        await studio.commit(draft.id)
    assert caught.value.field == "manifest"
    contents = {f"file {n}": str(n).encode() * 9 for n in range(8)}
    document = manifest_of({path: file_entry(content) for path, content in contents.items()})
    async with studio.db.transaction() as tx:
        await manifests.declare(tx, studio.actor, draft.id, type="full", md5=md5_of(document))
    with pytest.raises(errors.Invalid, match="has not arrived") as caught:
        await studio.commit(draft.id)
    assert caught.value.field == "manifest"
    await studio.upload(document, draft.id)
    with pytest.raises(errors.Invalid, match="file 0, file 1, file 2, file 3, file 4 and 3 more") as caught:
        await studio.commit(draft.id)
    assert caught.value.field == "files"
    assert caught.value.details == {"missing": [f"file {n}" for n in range(5)], "count": 8}
    for content in contents.values():
        await studio.upload(content, draft.id)
    assert (await studio.commit(draft.id)).file_count == 8


async def test_an_object_that_was_never_written_down_is_not_there(studio: Studio):
    """Only what was received whole and with its MD5 counts, also of a manifest."""
    document = manifest_of({})
    draft = (await studio.begin()).version
    async with studio.db.transaction() as tx:
        await manifests.declare(tx, studio.actor, draft.id, type="full", md5=md5_of(document + b" "))
    key = blob_key(studio.project.owner_id, md5_of(document + b" "))
    await studio.blobs.receive(key, _pieces(document))
    with pytest.raises(errors.Invalid, match="has not arrived"):
        await studio.commit(draft.id)


async def _pieces(content: bytes) -> AsyncGenerator[bytes]:
    yield content


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"version": 2, "contents": {}}',
        b'{"version": true, "contents": {}}',
        b'{"version": "1", "contents": {}}',
        b'{"version": 1}',
        b'{"version": 1, "contents": []}',
        b'{"version": 1, "contents": {"a": 3}}',
        b'{"version": 1, "contents": {"a": {}}}',
        b'{"version": 1, "contents": {"a": {"digest": 3}}}',
        b'{"version": 1, "contents": {"a": {"digest": ""}}}',
        b'{"version": 1, "contents": {"a": {"digest": "abc"}}}',
        b'{"version": 1, "contents": {"a": {"digest": "YWJj"}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x\\u0000", "ref": "s3://x"}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": "s3://\\u0000"}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": 3}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": "s3://x", "size": -1}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": "s3://x", "size": 1.5}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": "s3://x", "size": true}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": "s3://x", "size": 9223372036854775808}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": "s3://x", "extra": []}}}',
        b'{"version": 1, "contents": {"a": {"digest": "x", "ref": "s3://x", "extra": {"n": "\\u0000"}}}}',
    ],
)
async def test_a_manifest_that_is_none_is_refused(studio: Studio, document: bytes):
    with pytest.raises(errors.Invalid) as caught:
        await studio.commit(await drafted(studio, document))
    assert caught.value.field == "manifest"


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "\\windows", "..", "../x", "a/../../x", "a/..", "a\\..\\b", "\0", "x" * 4097, "a\0b"]
)
async def test_a_path_that_leads_elsewhere_is_refused(studio: Studio, path: str):
    reference = {"digest": "x", "ref": "s3://x"}
    with pytest.raises(errors.Invalid) as caught:
        await studio.commit(await drafted(studio, manifest_of({path: reference})))
    assert caught.value.field == "manifest"


async def test_strange_paths_that_lead_nowhere_else_are_taken(studio: Studio):
    strange = ["a b/ü✓", "..a/b..", "a//b", ".hidden", "x" * 4096, "\u00e9" * 2000, "new\nline", "'; drop table items"]
    version = await studio.log("data", dict.fromkeys(strange, b"x"))
    assert await paths(studio, version) == sorted(strange)


async def test_sizes_are_what_was_received(studio: Studio):
    """A missing size is looked up; another one than the file has is refused; the sum has to be a number that can be."""
    md5 = await studio.upload(b"abc")
    digest = b64encode(md5).decode()
    version = await studio.commit(await drafted(studio, manifest_of({"a": {"digest": digest}})))
    assert version.size == 3
    with pytest.raises(errors.Invalid, match="has 4 bytes; it has 3"):
        await studio.commit(await drafted(studio, manifest_of({"a": {"digest": digest, "size": 4}})))
    huge = {str(n): {"digest": "x", "ref": "s3://x", "size": 2**62} for n in range(2)}
    with pytest.raises(errors.Invalid, match="add up"):
        await studio.commit(await drafted(studio, manifest_of(huge)))
    one = {"0": huge["0"]}
    assert (await studio.commit(await drafted(studio, manifest_of(one)))).size == 2**62


async def test_an_incremental_manifest_adds_to_its_base(studio: Studio):
    """Contract 10: the base overlaid with what was uploaded; readers get it written anew."""
    base = await studio.log("data", {"old": b"old", "both": b"first"})
    begun = await studio.begin("data")
    assert begun.latest is not None
    draft = begun.version
    async with studio.db.transaction() as tx:
        placeholder = await manifests.declare(
            tx,
            studio.actor,
            draft.id,
            type="incremental",
            name="wandb_manifest.incremental.json",
            base_id=begun.latest.id,
        )
    assert placeholder.md5 is None
    entries = await studio.send(draft.id, {"new": b"new", "both": b"second"})
    entries["new"] = file_entry(b"new", local_path="/home/ana/new", skip_cache=True, birthArtifactID="QXJ0aWZhY3Q6MQ==")
    document = manifest_of(entries)
    async with studio.db.transaction() as tx:
        updated = await manifests.update(tx, studio.actor, placeholder.id, md5=md5_of(document))
    assert (updated.id, updated.md5, updated.base_version_id) == (placeholder.id, md5_of(document), base.id)
    await studio.upload(document, draft.id)
    version = await studio.commit(draft.id)
    assert await paths(studio, version) == ["both", "new", "old"]
    assert (version.file_count, version.size) == (3, 12)
    whole = await document_of(studio, version.id)
    assert list(whole["contents"]) == ["both", "new", "old"]
    assert whole["contents"]["both"]["digest"] == digest_of(b"second")
    assert whole["contents"]["new"] == file_entry(b"new", birthArtifactID="QXJ0aWZhY3Q6MQ==")
    assert (whole["version"], whole["storagePolicy"]) == (1, "wandb-storage-policy-v1")
    assert version.digest == client_digest({"both": b"second", "new": b"new", "old": b"old"})
    assert await paths(studio, base) == ["both", "old"]


def client_digest(contents: dict[str, bytes]) -> str:
    """What the client makes of the same files: contract 11."""
    lines = "".join(f"{path}:{digest_of(contents[path])}\n" for path in sorted(contents))
    return hashlib.md5(f"wandb-artifact-manifest-v1\n{lines}".encode(), usedforsecurity=False).hexdigest()


async def test_an_incremental_manifest_without_a_base_stands_alone(studio: Studio):
    draft = (await studio.begin("data")).version
    entries = await studio.send(draft.id, {"new": b"new"})
    await studio.declare(draft.id, manifest_of(entries), type="incremental")
    version = await studio.commit(draft.id)
    assert await paths(studio, version) == ["new"]
    assert (await studio.begin("data", digest=client_digest({"new": b"new"}))).version.id == version.id


async def test_a_base_is_a_version_of_the_same_artifact(studio: Studio):
    other, draft = await studio.log("other"), (await studio.begin("data")).version
    gone = await studio.log("data")
    for base_id in (other.id, draft.id, 0, 2**31):
        async with studio.db.transaction() as tx:
            with pytest.raises(errors.Invalid) as caught:
                await manifests.declare(tx, studio.actor, draft.id, type="incremental", base_id=base_id)
            assert caught.value.field == "baseArtifactID"
    async with studio.db.transaction() as tx:
        full = await manifests.declare(tx, studio.actor, draft.id, type="full", base_id=other.id)
    assert full.base_version_id is None
    await studio.declare(draft.id, manifest_of({}), type="incremental", base_id=gone.id)
    async with studio.db.transaction() as tx:
        await versions.delete(tx, studio.actor, gone.id, delete_aliases=True)
    with pytest.raises(errors.Conflict, match="deleted meanwhile"):
        await studio.commit(draft.id)


async def test_the_patches_of_all_writers_make_one_version(studio: Studio):
    """Contract 10: their union; whoever commits, all of them have to have arrived."""
    group = "group of the test"
    draft = (await studio.begin("data", distributed_id=group)).version
    contents = {f"writer {n}": str(n).encode() for n in range(4)}

    async def write(path: str, content: bytes) -> None:
        shared = (await studio.begin("data", distributed_id=group)).version
        assert shared.id == draft.id
        entries = await studio.send(draft.id, {path: content})
        await studio.declare(draft.id, manifest_of(entries), type="patch", name="wandb_manifest.patch.json")

    await asyncio.gather(*(write(path, content) for path, content in contents.items()))
    async with studio.db.transaction() as tx:
        await manifests.declare(tx, studio.actor, draft.id, type="patch")
        late = await manifests.declare(tx, studio.actor, draft.id, type="patch", md5=md5_of(b"on its way"))
    with pytest.raises(errors.Invalid, match="has not arrived"):
        await studio.commit(draft.id)
    async with studio.db.transaction() as tx:
        document = manifest_of({"late": file_entry(b"3")})
        await manifests.update(tx, studio.actor, late.id, md5=md5_of(document))
    await studio.upload(document, draft.id)
    version = await studio.commit(draft.id)
    assert await paths(studio, version) == ["late", *contents]
    assert list((await document_of(studio, version.id))["contents"]) == ["late", *contents]
    assert version.digest == client_digest({"late": b"3", **contents})


async def test_the_last_manifest_before_the_commit_counts(studio: Studio):
    """Trap 9; and none is taken after it."""
    draft = (await studio.begin("data")).version
    for name in ("first", "second"):
        await studio.declare(draft.id, manifest_of(await studio.send(draft.id, {name: name.encode()})))
    version = await studio.commit(draft.id)
    assert await paths(studio, version) == ["second"]
    async with studio.db.transaction() as tx:
        with pytest.raises(errors.Conflict):
            await manifests.declare(tx, studio.actor, version.id, type="full", md5=bytes(16))
        current = await manifests.current(tx, studio.actor, version.id)
        with pytest.raises(errors.Conflict):
            await manifests.update(tx, studio.actor, current.id, md5=bytes(16))


async def test_a_manifest_that_comes_during_a_commit_is_taken_in(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    """What was read is held against what is there, and read again; who never comes to rest is told to try again."""
    draft = (await studio.begin("data", distributed_id="late")).version
    await studio.declare(draft.id, manifest_of(await studio.send(draft.id, {"0": b"0"})), type="patch")
    read, count = commits._read, 0

    async def interrupted(*given: Facts) -> Facts:
        nonlocal count
        found = await read(*given)
        count += 1
        if count < turns:
            content = str(count).encode()
            await studio.declare(
                draft.id, manifest_of(await studio.send(draft.id, {str(count): content})), type="patch"
            )
        return found

    monkeypatch.setattr(commits, "_read", interrupted)
    turns = 100
    with pytest.raises(errors.Conflict, match="Other writers"):
        await studio.commit(draft.id)
    turns = count + 3
    version = await studio.commit(draft.id)
    assert await paths(studio, version) == [str(n) for n in range(turns)]


async def test_manifests_are_checked_when_they_are_announced(studio: Studio):
    stranger, draft = await make_user(studio.db), (await studio.begin("data")).version
    wrong: list[dict[str, Facts]] = [
        {"type": "half"},
        {"type": "full", "md5": b"x"},
        {"type": "full", "name": ""},
        {"type": "full", "name": "\0"},
    ]
    for facts in wrong:
        async with studio.db.transaction() as tx:
            with pytest.raises(errors.Invalid):
                await manifests.declare(tx, studio.actor, draft.id, **facts)
    async with studio.db.transaction() as tx:
        made = await manifests.declare(tx, studio.actor, draft.id, type="full")
        with pytest.raises(errors.VersionNotFound):
            await manifests.update(tx, stranger.actor, made.id, md5=bytes(16))
        with pytest.raises(errors.VersionNotFound):
            await manifests.declare(tx, stranger.actor, draft.id, type="full")
        for number in (0, 2**31, 2**31 - 1):
            with pytest.raises(errors.FileNotFound):
                await manifests.update(tx, studio.actor, number, md5=bytes(16))
        with pytest.raises(errors.FileNotFound):
            await manifests.current(tx, studio.actor, draft.id)


async def test_a_list_of_files_becomes_a_manifest(studio: Studio):
    """For the native API, whose callers have no manifest of their own."""
    draft = (await studio.begin("data")).version
    await studio.upload(b"abc", draft.id)
    listed = [
        NewFile("dir/a", 3, md5_of(b"abc")),
        NewFile("far", 10, reference="s3://bucket/far", extra={"etag": "e"}),
    ]
    await manifests.put(studio.db, studio.blobs, studio.actor, draft.id, listed)
    version = await studio.commit(draft.id)
    assert (await paths(studio, version), version.size) == (["dir/a", "far"], 13)
    contents = (await document_of(studio, version.id))["contents"]
    assert contents["dir/a"] == file_entry(b"abc")
    assert contents["far"] == {
        "digest": "s3://bucket/far",
        "size": 10,
        "ref": "s3://bucket/far",
        "extra": {"etag": "e"},
    }
    with pytest.raises(errors.Conflict):
        await manifests.put(studio.db, studio.blobs, studio.actor, version.id, listed)


@pytest.mark.parametrize(
    "listed",
    [
        [NewFile("a", 1, bytes(16)), NewFile("a", 1, bytes(16))],
        [NewFile("a", 1)],
        [NewFile("a", 1, bytes(16), "s3://x")],
        [NewFile("a", 1, bytes(15))],
        [NewFile("a", -1, bytes(16))],
        [NewFile("../a", 1, bytes(16))],
        [NewFile("\ud800", 1, bytes(16))],
        [NewFile("a", reference="\ud800")],
        [NewFile("a", 2**70, bytes(16))],
    ],
)
def test_a_list_of_files_is_checked(listed: list[NewFile]):
    with pytest.raises(errors.Invalid):
        manifests.written(listed)


def test_digests_are_those_of_the_client():
    """Contract 11: wandb 0.31.0 makes this digest of these files, and calls the manifest the same."""
    contents = {"b": b"2", "a/ü": b"1", "aa": b"0", "Z": b""}
    found = manifests.digest_of((path, digest_of(content)) for path, content in contents.items())
    assert found == client_digest(contents) == "80f26312c411012da3c1654dac905ed5"
    document = manifests.parse(manifest_of({path: file_entry(content) for path, content in contents.items()}))
    assert {path: entry.md5 for path, entry in document.entries.items()} == {
        path: md5_of(content) for path, content in contents.items()
    }


async def test_files_are_for_who_may_download(db: Database, blobs: Blobs):
    """Contract 22; story B.5: a restricted viewer of the registry sees the version, but none of its files."""
    lab = await make_lab(db)
    studio = Studio(db, blobs, lab.member.actor, await make_project(db, lab.team, lab.member.actor))
    version = await studio.log("model", {"weights": b"w" * 99}, type="model")
    registry = await lab.registry()
    async with db.transaction() as tx:
        await links.link(tx, lab.member.actor, version.id, InRegistry(registry.name, "MNIST"))
    restricted = await lab.person(registry, "restricted_viewer")
    md5 = md5_of(b"w" * 99)
    async with db.reading() as tx:
        for person in (lab.member, lab.viewer):
            assert (await files.listing(tx, person.actor, version.id)).total == 1
            assert (await manifests.current(tx, person.actor, version.id)).md5 is not None
            content = await files.content(tx, person.actor, version.id, md5)
            assert (content.account_id, content.md5, content.size) == (lab.team.id, md5, 99)
            with pytest.raises(errors.FileNotFound):
                await files.content(tx, person.actor, version.id, bytes(16))
        for person, refusal in ((restricted, errors.Forbidden), (lab.outsider, errors.VersionNotFound)):
            for attempt in (
                files.listing(tx, person.actor, version.id),
                manifests.current(tx, person.actor, version.id),
                files.content(tx, person.actor, version.id, md5),
            ):
                with pytest.raises(refusal):
                    await attempt


async def test_what_a_deleted_version_shared_stays(studio: Studio, db: Database):
    """Trap 11: content is counted by what names it, not by who brought it."""
    first = await studio.log("data", {"a": b"shared", "b": b"own of the first"})
    second = await studio.log("data", {"a": b"shared"})
    async with db.transaction() as tx:
        await versions.delete(tx, studio.actor, first.id, delete_aliases=True)
    (row,) = (await listing(studio, second)).rows
    assert row.birth_id == first.id
    async with db.reading() as tx:
        named = await tx.connection.execute(
            "select f.md5 from version_files f join versions v on f.version_id = v.id"
            " where v.artifact_id = %s and v.state = 'committed'",
            (second.artifact_id,),
        )
        assert await named.fetchall() == [(md5_of(b"shared"),)]


@pytest.mark.slow
async def test_ten_thousand_files_in_one_version(studio: Studio):
    """Issue 3: 10,000 small files in one artifact."""
    draft = (await studio.begin("many")).version
    md5 = await studio.upload(b"the same", draft.id)
    entries = {f"dir{n // 100}/file{n}": {"digest": b64encode(md5).decode(), "size": 8} for n in range(10_000)}
    await studio.declare(draft.id, manifest_of(entries))
    version = await studio.commit(draft.id)
    assert (version.file_count, version.size) == (10_000, 80_000)
    found = await listing(studio, version, limit=5000)
    rest = await listing(studio, version, limit=5000, cursor=found.next)
    assert [row.path for row in (*found.rows, *rest.rows)] == sorted(entries)
    assert rest.next is None
