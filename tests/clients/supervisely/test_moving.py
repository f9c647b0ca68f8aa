"""Whole projects through the `supervisely` client: down to a folder, and up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.supervisely.studio import (
    HEIGHT,
    WIDTH,
    Person,
    Place,
    cloud_objects,
    cuboid,
    cuboids,
    np,
    sly,
    unique,
    volume_of,
    write_cloud,
    write_video,
)


def again(api: Any, project: int, workspace: int, folder: Path) -> Any:  # noqa: ANN401 - the client's classes
    """A project that is downloaded and uploaded."""
    sly.download(api, project, str(folder), log_progress=False)
    name = unique("again")
    sly.upload(str(folder), api, workspace, name, log_progress=False)
    return api.project.get_info_by_name(workspace, name)


def test_of_images(place: Place, tmp_path: Path) -> None:
    ids = [*place.ids(2), *place.ids(1, place.test)]
    night = place.api.dataset.create(place.project.id, "night", parent_id=place.train.id)
    ids += place.ids(1, night)
    soft = sly.AlphaMask(np.full((5, 5), 100, dtype=np.uint8), origin=sly.PointLocation(3, 4))
    labels = [place.box().clone(tags=[place.tag("speed", 8)]), sly.Label(soft, place.meta.get_obj_class("soft"))]
    place.api.annotation.upload_ann(ids[0], place.annotation(*labels, tags=[place.tag("weather", "sun")]))
    found = again(place.api, place.project.id, place.workspace, tmp_path / "p")
    assert found.items_count == 4
    meta = sly.ProjectMeta.from_json(place.api.project.get_meta(found.id))
    assert {each.name for each in meta.obj_classes} == {each.name for each in place.meta.obj_classes}
    train = place.api.dataset.get_info_by_name(found.id, "train")
    image = place.api.image.get_info_by_name(train.id, place.api.image.get_info_by_id(ids[0]).name)
    before = sly.Annotation.from_json(place.api.annotation.download_json(ids[0]), place.meta)
    after = sly.Annotation.from_json(place.api.annotation.download_json(image.id), meta)
    shapes = [
        {label.geometry.geometry_name(): label.geometry.to_bbox().to_json() for label in each.labels}
        for each in (before, after)
    ]
    assert [{name: box["points"] for name, box in each.items()} for each in shapes[:1]] == [
        {name: box["points"] for name, box in shapes[1].items()}
    ]
    assert [tag.value for tag in after.img_tags] == ["sun"]
    assert [path for path, _ in place.api.dataset.tree(found.id)].count(["train"]) == 1


def test_of_images_the_fast_way(place: Place, tmp_path: Path) -> None:
    image = place.ids(1)[0]
    place.api.annotation.upload_ann(image, place.annotation(place.box()))
    sly.download_fast(place.api, place.project.id, str(tmp_path / "p"), log_progress=False)
    project = sly.Project(str(tmp_path / "p"), sly.OpenMode.READ)
    assert project.total_items == 1
    dataset = project.datasets.get("train")
    annotation = dataset.get_ann(next(iter(dataset)), project.meta)
    assert annotation.labels[0].geometry.left == place.box().geometry.left


def made(lead: Person, workspace: int, kind: str, *classes: Any) -> tuple[Any, Any, Any, Any]:  # noqa: ANN401
    """A project of a type, its dataset and its classes."""
    api = lead.api
    project = api.project.create(workspace, unique(kind), type=sly.ProjectType(kind))
    api.project.update_meta(project.id, sly.ProjectMeta(list(classes)))
    meta = sly.ProjectMeta.from_json(api.project.get_meta(project.id))
    return api, project, api.dataset.create(project.id, "first"), meta


def test_of_videos(lead: Person, workspace: int, tmp_path: Path) -> None:
    api, project, dataset, meta = made(lead, workspace, "videos", sly.ObjClass("car", sly.Rectangle))
    video = api.video.upload_path(dataset.id, "a.mp4", str(write_video(tmp_path / "a.mp4")))
    car = sly.VideoObject(meta.get_obj_class("car"))
    frames = sly.FrameCollection([sly.Frame(1, [sly.VideoFigure(car, sly.Rectangle(4, 5, 16, 20), 1)])])
    annotation = sly.VideoAnnotation((HEIGHT, WIDTH), 6, sly.VideoObjectCollection([car]), frames)
    api.video.annotation.append(video.id, annotation)
    found = again(api, project.id, workspace, tmp_path / "p")
    copy = api.video.get_list(api.dataset.get_info_by_name(found.id, "first").id)[0]
    assert copy.name == "a.mp4"
    frames = api.video.annotation.download(copy.id)["frames"]
    assert frames[0]["figures"][0]["geometry"]["points"]["exterior"] == [[5, 4], [20, 16]]


@pytest.mark.parametrize("kind", ["point_clouds", "point_cloud_episodes"])
def test_of_point_clouds(lead: Person, workspace: int, tmp_path: Path, kind: str) -> None:
    api, project, dataset, meta = made(lead, workspace, kind, sly.ObjClass("car", cuboids.Cuboid3d))
    clouds = api.pointcloud if kind == "point_clouds" else api.pointcloud_episode
    cloud = clouds.upload_path(dataset.id, "a.pcd", str(write_cloud(tmp_path / "a.pcd")), meta={"frame": 0})
    box = cuboid(1, 0, 0, 0, 0, 0, 4, 2, 1)
    car = sly.PointcloudObject(meta.get_obj_class("car"))
    annotation = sly.PointcloudAnnotation(
        cloud_objects.PointcloudObjectCollection([car]), [sly.PointcloudFigure(car, box, 0)]
    )
    api.pointcloud.annotation.append(cloud.id, annotation, sly.KeyIdMap())
    found = again(api, project.id, workspace, tmp_path / "p")
    copy = clouds.get_list(api.dataset.get_info_by_name(found.id, "first").id)[0]
    assert copy.name == "a.pcd"
    assert len(api.pointcloud.annotation.download(copy.id)["figures"]) == 1


def test_of_volumes(lead: Person, workspace: int, tmp_path: Path) -> None:
    api, project, dataset, meta = made(lead, workspace, "volumes", sly.ObjClass("organ", sly.Mask3D))
    data, facts = volume_of(42)
    volume = api.volume.upload_np(dataset.id, "a.nrrd", data, facts)
    # The client reads a mask before it has written the last 8 KB of it to its file: a small one would be lost.
    mask = np.random.default_rng(0).integers(0, 2, data.shape).astype(bool)
    organ = sly.VolumeObject(meta.get_obj_class("organ"), mask_3d=sly.Mask3D(mask))
    api.volume.annotation.append_objects(volume.id, [organ], sly.KeyIdMap())
    found = again(api, project.id, workspace, tmp_path / "p")
    copy = api.volume.get_list(api.dataset.get_info_by_name(found.id, "first").id)[0]
    assert copy.name == "a.nrrd"
    assert len(api.volume.annotation.download(copy.id)["spatialFigures"]) == 1
