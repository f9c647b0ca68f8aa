"""The SDK on media, labels and queues, against a real server process: as a user's script would go about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

import pinakes
from factories.media import HTML, MADE, SUFFIXES, jpeg, png, video
from pinakes.api.media import MAX_SMALL, Dataset
from pinakes.sdk import local_media
from pinakes.sdk.progress import Progress

BOX = {"class_name": "car", "geometry_type": "rectangle", "geometry": {"points": {"exterior": [[0, 0], [4.5, 3]]}}}


class Served(Protocol):
    url: str
    token: str


@pytest.fixture
def dataset(admin: pinakes.Client) -> Dataset:
    project = admin.projects.create(f"admin/{uuid4().hex[:12]}", data_type="images")
    return admin.datasets.create(project, "train")


def fill(folder: Path, count: int, first: int = 0) -> dict[str, bytes]:
    """Write images into a folder, and return them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"{n}.png": png(first + n) for n in range(count)}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return made


def test_a_folder_there_and_back(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    """Sent with its folders; what is no image is named; sent again, nothing is sent; fetched, it is the same."""
    seed = dataset.id * 100
    source = tmp_path / "in"
    top, deep = fill(source, 4, seed), fill(source / "night" / "rain", 2, seed + 50)
    (source / "notes.txt").write_text("not an image")
    (source / ".hidden.png").write_bytes(png(seed + 90))
    (source / "link").symlink_to(source)
    told: list[Progress] = []
    done = admin.media.upload(dataset, source, progress=told.append)
    assert (done.files, done.added, done.sent, done.refused, done.unchanged) == (7, 6, 6, 1, 0)
    assert [problem.path.name for problem in done.problems] == ["notes.txt"]
    assert (told[-1].done, told[-1].total) == (7, 7)
    again = admin.media.upload(dataset, source)
    assert (again.added, again.unchanged, again.sent, again.refused) == (0, 6, 0, 1)
    names = {one.name: one.item_count for one in admin.datasets.tree(dataset)}
    assert names == {"train": 4, "night": 0, "rain": 2}
    assert admin.media.count(dataset=dataset) == 4
    assert admin.media.count(dataset=dataset, recursive=True) == 6

    target = tmp_path / "out"
    got = admin.media.download(target, dataset=dataset)
    assert (got.files, got.kept, got.elsewhere) == (6, 0, 0)
    for name, content in top.items():
        assert (target / "train" / name).read_bytes() == content
    for name, content in deep.items():
        assert (target / "train" / "night" / "rain" / name).read_bytes() == content
    (target / "train" / "0.png").write_bytes(b"damaged")
    once_more = admin.media.download(target, dataset=dataset)
    assert (once_more.files, once_more.kept) == (6, 5)
    assert (target / "train" / "0.png").read_bytes() == top["0.png"]


def test_only_what_is_missing_is_sent(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    """After a connection that broke, or when files were added: the rest, and no more."""
    seed = dataset.id * 100
    fill(tmp_path, 3, seed)
    admin.media.upload_file(dataset, tmp_path / "1.png")
    done = admin.media.upload(dataset, tmp_path, at_once=2)
    assert (done.added, done.unchanged, done.sent) == (2, 1, 2)
    twin = admin.datasets.create(dataset.project, "twin")
    copied = admin.media.upload(twin, tmp_path)
    assert (copied.added, copied.sent) == (3, 0)
    (tmp_path / "1.png").write_bytes(png(seed + 77))
    clash = admin.media.upload(dataset, tmp_path)
    assert (clash.unchanged, clash.refused) == (2, 1)
    assert clash.problems[0].code == "name_taken"
    flat = admin.media.upload(admin.datasets.create(dataset.project, "flat"), tmp_path, nested=False)
    assert flat.files == 3


def test_bad_files_in_the_middle(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    """S1-import: what is broken, mislabelled, unreadable or under a name that can't be is named; the rest is there."""
    seed = dataset.id * 100
    fill(tmp_path, 20, seed)
    bad = {
        "10-broken.png": png(seed + 30, 64, 64)[:-700],
        "11-page.png": HTML,
        "12-jpeg.png": jpeg(seed + 31),
        "13-back\\slash.png": png(seed + 32),
        "14-empty.png": b"",
        "15-clip.mp4": video(seed=seed),
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    done = admin.media.upload(dataset, tmp_path)
    assert (done.files, done.added, done.sent, done.refused) == (26, 20, 20, 6)
    assert {problem.path.name for problem in done.problems} == {*bad}
    assert all(problem.message and problem.code == "invalid" for problem in done.problems)
    again = admin.media.upload(dataset, tmp_path)
    assert (again.added, again.unchanged, again.refused, again.sent) == (0, 20, 6, 0)


class Stop(Exception):
    """The user has stopped the import."""


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_interrupted_import_goes_on(
    admin: pinakes.Client, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
):
    """S1-import: what is there is not sent again; in the end each file is an item once."""
    content = fill(tmp_path, 40, dataset.id * 100)
    monkeypatch.setattr(local_media, "BYTES_AT_ONCE", 5 * len(content["0.png"]))

    def stop(progress: Progress) -> None:
        if progress.done >= 12:
            raise Stop

    with pytest.raises(Stop):
        admin.media.upload(dataset, tmp_path, at_once=at_once, progress=stop)
    there = admin.media.count(dataset=dataset)
    assert 12 <= there < 40
    told: list[Progress] = []
    done = admin.media.upload(dataset, tmp_path, at_once=at_once, progress=told.append)
    assert (done.added, done.sent, done.unchanged) == (40 - there, 40 - there, there)
    assert (told[-1].done, told[-1].total) == (40, 40)
    assert sorted(one.name for one in admin.media.list(dataset=dataset)) == sorted(content)


def test_many_imports_into_one_dataset(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    """Several people send the same folder, and folders of their own, at the same time."""
    seed = dataset.id * 100
    content = fill(tmp_path / "all", 30, seed)
    for number in range(4):
        (tmp_path / str(number) / f"{number}-own.png").parent.mkdir()
        (tmp_path / str(number) / f"{number}-own.png").write_bytes(png(seed + 50 + number))
    folders = [tmp_path / "all"] * 4 + [tmp_path / str(number) for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        done = [*pool.map(lambda folder: admin.media.upload(dataset, folder), folders)]
    assert sum(one.added for one in done) == 34
    assert sum(one.unchanged for one in done) == 90
    assert not any(one.refused for one in done)
    names = sorted([*content, *(f"{number}-own.png" for number in range(4))])
    assert sorted(one.name for one in admin.media.list(dataset=dataset)) == names
    assert admin.datasets.get(dataset.id).item_count == 34


def test_large_files_among_small_ones(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    """A large one is streamed by itself; large and broken, it is refused as a small one is."""
    seed = dataset.id * 100
    fill(tmp_path, 3, seed)
    large = png(seed + 10, 1600, 1000)
    assert len(large) > MAX_SMALL
    (tmp_path / "1-large.png").write_bytes(large)
    (tmp_path / "2-large.png").write_bytes(large[:-90_000])
    done = admin.media.upload(dataset, tmp_path)
    assert (done.added, done.sent, done.refused) == (4, 4, 1)
    assert [problem.path.name for problem in done.problems] == ["2-large.png"]
    assert admin.media.upload(dataset, tmp_path).unchanged == 4


def test_files_that_go_while_they_are_sent(
    admin: pinakes.Client, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One that is gone, one that can't be read, one that changed: they are named, the others are there."""
    seed = dataset.id * 100
    fill(tmp_path, 6, seed)
    hashes = local_media.sha256_of_each

    def then_change(files: Sequence[local_media.MediaFile]) -> list[str | OSError]:
        found = hashes(files)
        (tmp_path / "1.png").unlink()
        (tmp_path / "2.png").write_bytes(png(seed + 70))
        (tmp_path / "3.png").write_bytes(bytes(MAX_SMALL + 1))
        return [
            OSError(13, "Permission denied") if one.name == "4.png" else it
            for one, it in zip(files, found, strict=True)
        ]

    monkeypatch.setattr(local_media, "sha256_of_each", then_change)
    done = admin.media.upload(dataset, tmp_path)
    assert (done.files, done.added, done.refused) == (6, 2, 4)
    codes = {problem.path.name: problem.code for problem in done.problems}
    assert codes == {"1.png": "unreadable", "2.png": "invalid", "3.png": "unreadable", "4.png": "unreadable"}


@pytest.mark.parametrize("data_type", ["videos", "point_clouds", "volumes"])
def test_folders_of_all_kinds(admin: pinakes.Client, tmp_path: Path, data_type: Any):  # noqa: ANN401
    place = admin.datasets.create(admin.projects.create(f"admin/{uuid4().hex[:12]}", data_type=data_type), "ds")
    for number in range(3):
        (tmp_path / f"{number}{SUFFIXES[data_type]}").write_bytes(MADE[data_type](20 + number))
    (tmp_path / "1.png").write_bytes(png(1))
    done = admin.media.upload(place, tmp_path)
    assert (done.added, done.refused) == (3, 1)
    assert admin.media.upload(place, tmp_path).unchanged == 3


@pytest.mark.parametrize("data_type", ["images", "videos", "point_clouds", "volumes"])
def test_all_kinds_come_back_as_they_went(admin: pinakes.Client, tmp_path: Path, data_type: Any):  # noqa: ANN401
    project = admin.projects.create(f"admin/{uuid4().hex[:12]}", data_type=data_type)
    place = admin.datasets.create(project, "ds")
    file = tmp_path / f"größe 1{SUFFIXES[data_type]}"
    file.write_bytes(content := MADE[data_type](5))
    item = admin.media.upload_file(place, file)
    assert (item.name, item.sha256) == (file.name, hashlib.sha256(content).hexdigest())
    assert admin.media.upload_file(place, file).id == item.id
    assert admin.media.download_file(item, tmp_path / "back") == len(content)
    assert (tmp_path / "back").read_bytes() == content
    other = tmp_path / "other"
    other.write_bytes(MADE[data_type](6))
    with pytest.raises(pinakes.Conflict):
        admin.media.upload_file(place, other, name=file.name)


def test_a_thumbnail(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(png(dataset.id, 600, 400))
    item = admin.media.upload_file(dataset, tmp_path / "a.png")
    assert admin.media.thumbnail(item)[8:12] == b"WEBP"


def test_naming_datasets(admin: pinakes.Client, dataset: Dataset):
    project = admin.projects.get(dataset.project)
    inner = admin.datasets.create(project, "night", parent=dataset)
    path = f"admin/{project.name}/train/night"
    assert admin.datasets.get(path).id == admin.datasets.get(str(inner.id)).id == inner.id
    assert [one.id for one in admin.datasets.list(f"admin/{project.name}", parent=path.rpartition("/")[0])] == [
        inner.id
    ]
    assert admin.datasets.create(project, "night", parent=dataset, exists_ok=True).id == inner.id
    assert admin.projects.create(f"admin/{project.name}", data_type="images", exists_ok=True).id == project.id
    with pytest.raises(pinakes.NotFound):
        admin.datasets.get(f"admin/{project.name}/nothing")
    with pytest.raises(pinakes.Invalid):
        admin.datasets.get("nothing")


def test_arranging(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    fill(tmp_path, 3, dataset.id * 100)
    admin.media.upload(dataset, tmp_path)
    first, second, third = admin.media.list(dataset=dataset, sort="name").all()
    renamed = admin.media.update(first, name="first.png", meta={"a": 1})
    assert (renamed.name, renamed.meta) == ("first.png", {"a": 1})
    place = admin.datasets.create(dataset.project, "other")
    assert [one.dataset for one in admin.media.move([second], place)] == [place.id]
    (copy,) = admin.media.copy([third], place)
    assert copy.sha256 == third.sha256
    assert admin.media.order({copy.id: 1.0, second.id: 2.0}) == 2
    assert [one.id for one in admin.media.list(dataset=place, sort="custom")] == [copy.id, second.id]
    gone = admin.media.remove([first, 2**31 - 1])
    assert (gone.items, gone.missing) == ([first.id], [2**31 - 1])
    assert admin.media.restore([first.id]).items == [first.id]
    assert admin.media.known(dataset, ["0" * 64, first.sha256 or ""]) == [first.sha256]
    batch = admin.media.add(dataset, [{"name": "again.png", "sha256": first.sha256}])
    assert [one.outcome for one in batch.results] == ["added"]


def test_labels(admin: pinakes.Client, dataset: Dataset, tmp_path: Path):
    fill(tmp_path, 2, dataset.id * 100)
    admin.media.upload(dataset, tmp_path)
    one, two = admin.media.list(dataset=dataset).all()
    car = admin.labels.add_class(dataset.project, "car", shape="rectangle", color="#FF8000")
    admin.labels.add_tag(dataset.project, "weather", value_type="oneof_string", choices=["rain", "sun"])
    assert admin.labels.update_class(car, description="Has wheels").description == "Has wheels"
    put = admin.labels.put(one, {"figures": [BOX], "tags": [{"name": "weather", "value": "rain"}]})
    assert admin.labels.get(one) == put
    copied = admin.labels.put(two, put)
    assert [figure.geometry for figure in copied.figures] == [BOX["geometry"]]
    assert copied.figures[0].id != put.figures[0].id
    assert [figure.id for figure in admin.labels.put(one, put).figures] == [put.figures[0].id]
    assert {each.item for each in admin.labels.export(dataset=dataset)} == {one.id, two.id}
    done = admin.labels.put_many([(one, {"figures": []}), (two, {"figures": [{**BOX, "class_name": "bus"}]})])
    assert (done.sent, done.saved, done.refused) == (2, 1, 1)
    assert isinstance(done.first_problem(), pinakes.Invalid)
    with pytest.raises(pinakes.Invalid):
        admin.labels.put_many([(two, {"figures": [{**BOX, "class_name": "bus"}]})], atomic=True)
    assert [row.removed for row in admin.labels.history(put.figures[0])] == [True]
    assert admin.labels.restore_figure(put.figures[0]).id == put.figures[0].id
    assert admin.media.tag([one, two], "weather", "sun") == 2
    assert admin.media.list("tag:weather=sun", dataset=dataset).first(5) != []
    assert admin.media.untag([one], "weather") >= 1
    admin.labels.delete_figure(put.figures[0])
    admin.labels.delete_class(car)
    assert admin.labels.classes(dataset.project) == []


def test_a_queue_worked_off(admin: pinakes.Client, connect: Callable[..., pinakes.Client], tmp_path: Path):
    """Two people label, one reviews, all through the SDK: what is accepted says who did what."""
    organization = f"lab-{uuid4().hex[:8]}"
    admin.organizations.create(organization)
    anna, rita = connect(), connect()
    names = [client.users.me().name for client in (anna, rita)]
    for name, role in zip(names, ("annotator", "reviewer"), strict=True):
        admin.organizations.put_member(organization, name, role)  # pyright: ignore[reportArgumentType]
    project = admin.projects.create(f"{organization}/road", data_type="images")
    place = admin.datasets.create(project, "ds")
    fill(tmp_path, 3, place.id * 100)
    admin.media.upload(place, tmp_path)
    admin.labels.add_class(project, "car")
    items = [one.id for one in admin.media.list(dataset=place)]
    hard = admin.collections.create_selection(project, "Hard ones", items=items[:2])
    assert admin.collections.create_selection(project, "Hard ones", exists_ok=True).id == hard.id
    queue = admin.queues.create("Label them", collection=hard, labelers=names[:1], reviewers=names[1:])
    job, review = admin.queues.job_of(queue, names[0]), admin.queues.job_of(queue, names[1], "review")
    given = anna.jobs.next(job)
    assert given is not None
    assert given.medium is not None
    assert anna.jobs.heartbeat(job, given.medium) is not None
    anna.jobs.save_draft(job, given.medium, {"figures": [BOX]})
    kept = anna.jobs.draft(job, given.medium)
    assert kept is not None
    assert anna.jobs.submit(job, given.medium, kept.annotation).state == "done"
    assert rita.jobs.next(review) is not None
    assert [task.state for task in rita.jobs.accept(review, given.medium)] == ["accepted"]
    second = anna.jobs.next(job)
    assert second is not None
    assert second.medium is not None
    assert anna.jobs.skip(job, second.medium, comment="dark").state is None
    assert anna.jobs.next(job) is None
    counts = admin.queues.get(queue).counts
    assert counts is not None
    assert (counts.items, counts.accepted, counts.pending) == (2, 1, 1)
    assert {row.state for row in admin.queues.items(queue)} == {"accepted", None}
    assert admin.queues.export_statistics(queue, tmp_path / "stats.csv") > 0
    assert admin.queues.statistics(queue).counts.accepted == 1
    assert [one.verb for one in admin.queues.log(queue, item=given.medium)] != []
    (proof,) = admin.media.proofs([given.medium])
    assert (proof.labeler, proof.reviewer) == (names[0], names[1])
    assert [one.id for one in anna.jobs.list(mine=True)] == [job]
    assert [one.name for one in admin.collections.selections(project)] == ["Hard ones"]


def test_live_collections_sets_and_checks(admin: pinakes.Client):
    stem = uuid4().hex[:12]
    one, two = [admin.repos.create("model", f"{stem}-{n}") for n in range(2)]
    made = admin.collections.create(f"Live {stem}")
    live = admin.collections.make_live(made, f"kind:model name:{stem}")
    assert (live.query, live.failed) == (f"kind:model name:{stem}", None)
    assert [entry.item.id for entry in admin.collections.entries(made)] == [one.id, two.id]
    assert [each.item for each in admin.collections.ban(made, one).banned] == [one.id]
    assert [each.note for each in admin.collections.pin(made, [two], note="Best").pinned] == ["Best"]
    frozen = admin.collections.freeze(made, f"Frozen {stem}")
    assert [entry.item.id for entry in admin.collections.entries(frozen)] == [two.id]
    admin.collections.unban(made, [one.id])
    admin.collections.unpin(made, [two.id])
    sizes = admin.collections.sizes(made, frozen)
    assert (sizes.sizes, sizes.union, sizes.intersection, sizes.difference) == ([2, 1], 2, 1, 1)
    rest = admin.collections.combine("difference", [made, frozen], f"Rest {stem}")
    assert [entry.item.id for entry in admin.collections.entries(rest)] == [one.id]
    follows = admin.collections.combine("union", [rest, frozen], f"Both {stem}", live=True)
    assert admin.collections.live(follows).source is not None
    check = admin.collections.add_check(frozen, "disjoint", {"collection": rest.id}, blocks=True)
    with pytest.raises(pinakes.Conflict) as caught:
        admin.collections.add(frozen, [one], atomic=True)
    assert caught.value.code == "check_failed"
    assert [result.passed for result in admin.collections.run_checks(frozen)] == [True]
    assert [each.id for each in admin.collections.checks(frozen)] == [check.id]
    admin.collections.remove_check(frozen, check)
    admin.collections.end_live(made)
    with pytest.raises(pinakes.NotFound):
        admin.collections.live(made)


def test_workspaces_and_projects(admin: pinakes.Client):
    place = admin.workspaces.create(f"w-{uuid4().hex[:8]}")
    name = uuid4().hex[:12]
    first = admin.projects.create(f"admin/{name}", data_type="images")
    second = admin.projects.create(f"admin/{name}", data_type="videos", workspace=place)
    assert admin.projects.get(f"admin/{name}").id == first.id
    assert admin.projects.get(second).id == admin.projects.get(second.id).id == second.id
    assert [one.id for one in admin.projects.list(workspace=place)] == [second.id]
    changed = admin.projects.update(second, description="Films", readme="# Films", custom_data={"a": 1})
    assert (changed.description, changed.readme, changed.custom_data) == ("Films", "# Films", {"a": 1})
    admin.projects.delete(second)
    assert admin.workspaces.update(place, hidden=True).hidden
    admin.workspaces.delete(place)
    with pytest.raises(pinakes.NotFound):
        admin.workspaces.get(place)


async def test_the_asynchronous_half(async_admin: pinakes.AsyncClient, tmp_path: Path):
    project = await async_admin.projects.create(f"admin/{uuid4().hex[:12]}", data_type="images")
    place = await async_admin.datasets.create(project, "ds")
    fill(tmp_path / "in", 3, place.id * 100)
    done = await async_admin.media.upload(place, tmp_path / "in")
    assert (done.added, done.sent) == (3, 3)
    got = await async_admin.media.download(tmp_path / "out", project=project)
    assert (got.files, got.size) == (3, done.sent_bytes)
    await async_admin.labels.add_class(project, "car")
    items = [one async for one in async_admin.media.list(project=project)]
    await async_admin.labels.put_many([(one, {"figures": [BOX]}) for one in items])
    assert [len(one.figures) async for one in async_admin.labels.export(project=project)] == [1, 1, 1]
