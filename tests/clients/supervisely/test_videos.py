"""Videos, point clouds, episodes and volumes through the `supervisely` client: files, labels, collections, queues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clients.supervisely.studio import (
    HEIGHT,
    WIDTH,
    HTTPError,
    Person,
    Team,
    cloud_objects,
    cuboid,
    cuboids,
    np,
    segments,
    sly,
    unique,
    volume_of,
    write_cloud,
    write_video,
)

Filter = sly.api.entities_collection_api.CollectionTypeFilter


class Shelf:
    """A project of a type, with a dataset, and classes and tags for it."""

    def __init__(self, lead: Person, workspace: int, kind: str, *classes: Any) -> None:  # noqa: ANN401 - the client's
        self.api = lead.api
        self.project = self.api.project.create(workspace, unique(kind), type=sly.ProjectType(kind))
        self.dataset = self.api.dataset.create(self.project.id, "first")
        tags = [sly.TagMeta("checked", sly.TagValueType.NONE), sly.TagMeta("speed", sly.TagValueType.ANY_NUMBER)]
        self.api.project.update_meta(self.project.id, sly.ProjectMeta(list(classes), tags))
        self.meta = sly.ProjectMeta.from_json(self.api.project.get_meta(self.project.id))


@pytest.fixture
def films(lead: Person, workspace: int) -> Shelf:
    classes = (sly.ObjClass("car", sly.Rectangle), sly.ObjClass("road", sly.Polygon), sly.ObjClass("spot", sly.Point))
    return Shelf(lead, workspace, "videos", *classes)


def pulled_by_anna(shelf: Shelf, team: Team, **source: int) -> tuple[int, int | None]:
    """A queue with anna, and what she is given."""
    queue = shelf.api.labeling_queue.create(unique("queue"), [team.anna.id], [team.rita.id], **source)
    job = next(
        each.id
        for each in shelf.api.labeling_job.get_list(team.id, queue_ids=[queue])
        if each.assigned_to_id == team.anna.id
    )
    return job, team.anna.api.post("labeling-queues.entities.get-next", {"id": job}).json()["id"]


class TestVideos:
    def test_uploaded_read_and_downloaded(self, films: Shelf, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4")
        video = films.api.video.upload_path(films.dataset.id, "a.mp4", str(path))
        assert (video.name, video.frames_count, video.frame_width, video.frame_height) == ("a.mp4", 6, WIDTH, HEIGHT)
        assert (video.project_id, video.dataset_id) == (films.project.id, films.dataset.id)
        assert films.api.video.get_info_by_id(video.id) == films.api.video.get_list(films.dataset.id)[0]
        films.api.video.download_path(video.id, str(tmp_path / "back.mp4"))
        assert (tmp_path / "back.mp4").read_bytes() == path.read_bytes()
        shown = films.api.video.frame.download_np(video.id, 3)
        assert shown.shape == (HEIGHT, WIDTH, 3)
        one, other = films.api.video.frame.download_nps(video.id, [5, 0])
        assert one.shape == other.shape == shown.shape
        assert abs(one.astype(int) - other.astype(int)).max() > 3
        paths = [str(tmp_path / f"{number}.jpg") for number in (1, 4)]
        films.api.video.download_frames(video.id, [1, 4], paths)
        assert [sly.image.read(path).shape for path in paths] == [shown.shape] * 2
        with pytest.raises(HTTPError, match="400"):
            films.api.video.frame.download_np(video.id, 6)
        again = films.api.video.upload_hash(films.dataset.id, "b.mp4", video.hash)
        assert (
            films.api.video.get_list(films.dataset.id, filters=[{"field": "name", "operator": "=", "value": "b.mp4"}])[
                0
            ].id
            == again.id
        )
        films.api.video.update_custom_data(video.id, {"road": "A9"})
        assert films.api.video.get_info_by_id(video.id).custom_data == {"road": "A9"}
        films.api.image.rename(again.id, "c.mp4")
        assert films.api.video.get_info_by_id(again.id).name == "c.mp4"
        films.api.video.remove(again.id)
        assert films.api.video.get_info_by_id(again.id) is None

    def test_what_the_client_knows_of_a_video_does_not_change_it(self, films: Shelf, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mp4")
        known = {"streams": [], "formatName": "made up", "duration": 7, "size": "1"}
        [video] = films.api.video.upload_paths(films.dataset.id, ["a.mp4"], [str(path)], infos=[known])
        assert (video.frames_count, video.frame_width, video.frame_height) == (6, WIDTH, HEIGHT)
        assert films.api.video.upsert_info(video.hash, known) == {"success": True}
        assert films.api.video.get_info_by_id(video.id).frames_count == 6
        with pytest.raises(HTTPError, match=r"0\.hash"):
            films.api.video.upsert_info("A" * 43 + "=", known)

    def test_objects_figures_and_tags_come_back(self, films: Shelf, tmp_path: Path) -> None:
        video = films.api.video.upload_path(films.dataset.id, "a.mp4", str(write_video(tmp_path / "a.mp4")))
        speed, checked = (films.meta.get_tag_meta(name) for name in ("speed", "checked"))
        car = sly.VideoObject(
            films.meta.get_obj_class("car"), tags=sly.VideoTagCollection([sly.VideoTag(speed, 30, (1, 2))])
        )
        road = sly.VideoObject(films.meta.get_obj_class("road"))
        outline = sly.Polygon([sly.PointLocation(*at) for at in ((1, 1), (1, 30), (30, 30))])
        frames = [
            sly.Frame(1, [sly.VideoFigure(car, sly.Rectangle(4, 5, 16, 20), 1), sly.VideoFigure(road, outline, 1)]),
            sly.Frame(2, [sly.VideoFigure(car, sly.Rectangle(5, 6, 17, 21), 2)]),
        ]
        tags = sly.VideoTagCollection([sly.VideoTag(checked, frame_range=(0, 3)), sly.VideoTag(speed, 50)])
        annotation = sly.VideoAnnotation(
            (HEIGHT, WIDTH), 6, sly.VideoObjectCollection([car, road]), sly.FrameCollection(frames), tags
        )
        films.api.video.annotation.append(video.id, annotation)
        found = sly.VideoAnnotation.from_json(films.api.video.annotation.download(video.id), films.meta, sly.KeyIdMap())
        assert [each.obj_class.name for each in found.objects] == ["car", "road"]
        assert {
            frame.index: [figure.geometry.to_bbox().left for figure in frame.figures] for frame in found.frames
        } == {1: [5, 1], 2: [6]}
        assert found.frames.get(2).figures[0].geometry.to_bbox().to_json() == sly.Rectangle(5, 6, 17, 21).to_json()
        assert {tag.name: (tag.value, tag.frame_range and list(tag.frame_range)) for tag in found.tags} == {
            "checked": (None, [0, 3]), "speed": (50, None),
        }  # fmt: skip
        on_objects = [tag for each in found.objects for tag in each.tags]
        assert [(tag.value, list(tag.frame_range)) for tag in on_objects] == [(30, [1, 2])]
        at_once = sly.run_coroutine(films.api.video.annotation.download_bulk_async([video.id]))
        assert at_once[0]["videoId"] == video.id
        other = films.api.video.upload_hash(films.dataset.id, "b.mp4", video.hash)
        films.api.video.annotation.copy_batch([video.id], [other.id])
        assert len(films.api.video.annotation.download(other.id)["frames"]) == 2

    def test_objects_and_tags_one_by_one(self, films: Shelf, tmp_path: Path) -> None:
        video = films.api.video.upload_path(films.dataset.id, "a.mp4", str(write_video(tmp_path / "a.mp4")))
        speed = films.meta.get_tag_meta("speed")
        car = sly.VideoObject(films.meta.get_obj_class("car"))
        api, keys = films.api.video, sly.KeyIdMap()
        number = api.object.append_bulk(video.id, sly.VideoObjectCollection([car]), keys)[0]
        assert api.object.get_info_by_id(number).class_id == films.meta.get_obj_class("car").sly_id
        assert [each.id for each in api.object.get_list(films.dataset.id)] == [number]
        figure = api.figure.create(video.id, number, 3, sly.Rectangle(1, 2, 8, 9).to_json(), "rectangle")
        api.figure.update(figure, sly.Rectangle(2, 3, 9, 10))
        found = api.figure.download(films.dataset.id, [video.id])[video.id][0]
        assert (found.id, found.frame_index) == (figure, 3) or found.meta["frame"] == 3
        assert found.geometry["points"]["exterior"] == [[3, 2], [10, 9]]
        on_object = api.object.tag.add(speed.sly_id, number, 12, frame_range=[0, 1])
        api.object.tag.update_value(on_object, 13)
        api.object.tag.update_frame_range(on_object, [1, 2])
        tag = api.object.get_info_by_id(number).tags[0]
        assert (tag["value"], tag["frameRange"]) == (13, [1, 2])
        api.object.tag.remove(on_object)
        tagged = api.tag.add_tag(speed.sly_id, video.id, value=5, frame_range=[0, 2])
        api.tag.update_value(tagged["id"], 6)
        api.tag.update_frame_range(tagged["id"], [1, 3])
        found = api.tag.download_list(video.id, films.meta)
        assert [(each.value, list(each.frame_range)) for each in found] == [(6, [1, 3])]
        api.tag.remove_from_video(tagged["id"])
        assert api.get_info_by_id(video.id).tags == []
        api.figure.remove(figure)
        api.object.remove_batch([number])
        assert api.object.get_info_by_id(number) is None

    def test_collections_and_queues(self, films: Shelf, team: Team, tmp_path: Path) -> None:
        """S1-02, S1-05, S1-57, S1-59."""
        first = films.api.video.upload_path(films.dataset.id, "a.mp4", str(write_video(tmp_path / "a.mp4")))
        second = films.api.video.upload_hash(films.dataset.id, "b.mp4", first.hash)
        made = films.api.entities_collection.create(films.project.id, "films")
        films.api.entities_collection.add_items(made.id, [second.id])
        found = films.api.entities_collection.get_items(made.id, Filter.DEFAULT)
        assert [video.id for video in found] == [second.id]
        _, item = pulled_by_anna(films, team, collection_id=made.id)
        assert item == second.id
        assert team.anna.api.video.get_info_by_id(item).name == "b.mp4"


class TestPointClouds:
    @pytest.fixture
    def clouds(self, lead: Person, workspace: int) -> Shelf:
        classes = (sly.ObjClass("car", cuboids.Cuboid3d), sly.ObjClass("part", segments.Pointcloud))
        return Shelf(lead, workspace, "point_clouds", *classes)

    def test_uploaded_labelled_and_read(self, clouds: Shelf, tmp_path: Path) -> None:
        api, path = clouds.api.pointcloud, write_cloud(tmp_path / "a.pcd")
        cloud = api.upload_path(clouds.dataset.id, "a.pcd", str(path), meta={"scan": 1})
        assert (cloud.name, cloud.dataset_id) == ("a.pcd", clouds.dataset.id)
        assert api.get_list(clouds.dataset.id)[0].id == api.get_info_by_id(cloud.id).id == cloud.id
        api.download_path(cloud.id, str(tmp_path / "back.pcd"))
        assert (tmp_path / "back.pcd").read_bytes() == path.read_bytes()
        assert api.get_list_related_images(cloud.id) == []
        speed = clouds.meta.get_tag_meta("speed")
        car = sly.PointcloudObject(clouds.meta.get_obj_class("car"))
        part = sly.PointcloudObject(clouds.meta.get_obj_class("part"))
        vector = cuboid(1, 2, 3, 0, 0, 0.5, 4, 2, 1.5)
        figures = [sly.PointcloudFigure(car, vector, 0), sly.PointcloudFigure(part, segments.Pointcloud([1, 2, 5]), 0)]
        objects = cloud_objects.PointcloudObjectCollection([car, part])
        tags = sly.PointcloudTagCollection([sly.PointcloudTag(speed, 3)])
        api.annotation.append(cloud.id, sly.PointcloudAnnotation(objects, figures, tags), sly.KeyIdMap())
        found = sly.PointcloudAnnotation.from_json(api.annotation.download(cloud.id), clouds.meta, sly.KeyIdMap())
        geometries = {figure.parent_object.obj_class.name: figure.geometry for figure in found.figures}
        assert geometries["car"].to_json()["dimensions"] == {"x": 4, "y": 2, "z": 1.5}
        assert geometries["part"].indices == [1, 2, 5]
        assert [tag.value for tag in found.tags] == [3]
        number = api.tag.add(speed.sly_id, cloud.id, 8)
        api.tag.update(number, 9)
        api.tag.remove(number)
        assert len(api.get_info_by_id(cloud.id).tags) == 1

    def test_collections_and_queues(self, clouds: Shelf, team: Team, tmp_path: Path) -> None:
        """S1-05: this client lists no point clouds of a collection by itself; the list of point clouds does."""
        cloud = clouds.api.pointcloud.upload_path(clouds.dataset.id, "a.pcd", str(write_cloud(tmp_path / "a.pcd")))
        made = clouds.api.entities_collection.create(clouds.project.id, "clouds")
        clouds.api.entities_collection.add_items(made.id, [cloud.id])
        kinds = [{"type": "entities_collection", "data": {"collectionId": made.id, "include": True}}]
        listed = clouds.api.post("point-clouds.list", {"projectId": clouds.project.id, "filters": kinds}).json()
        assert [each["id"] for each in listed["entities"]] == [cloud.id]
        with pytest.raises(NotImplementedError):
            clouds.api.entities_collection.get_items(made.id, Filter.DEFAULT)
        assert pulled_by_anna(clouds, team, collection_id=made.id)[1] == cloud.id


class TestEpisodes:
    @pytest.fixture
    def drives(self, lead: Person, workspace: int) -> Shelf:
        return Shelf(lead, workspace, "point_cloud_episodes", sly.ObjClass("car", cuboids.Cuboid3d))

    def test_uploaded_labelled_and_read(self, drives: Shelf, tmp_path: Path) -> None:
        api = drives.api.pointcloud_episode
        paths = [write_cloud(tmp_path / f"{number}.pcd", number) for number in range(3)]
        for number, path in enumerate(paths):
            api.upload_path(drives.dataset.id, path.name, str(path), meta={"frame": number})
        names = api.get_frame_name_map(drives.dataset.id)
        assert names == {number: f"{number}.pcd" for number in range(3)}
        assert api.get_max_frame_idx(drives.dataset.id) == 2
        car = sly.PointcloudEpisodeObject(drives.meta.get_obj_class("car"))

        def at(place: int) -> Any:  # noqa: ANN401 - the client's class
            return cuboid(place, 0, 0, 0, 0, 0, 4, 2, 1)

        frames = [
            sly.PointcloudEpisodeFrame(number, [sly.PointcloudFigure(car, at(number), number)]) for number in (0, 2)
        ]
        annotation = sly.PointcloudEpisodeAnnotation(
            3, sly.PointcloudEpisodeObjectCollection([car]), sly.PointcloudEpisodeFrameCollection(frames)
        )
        numbers = {cloud.frame: cloud.id for cloud in api.get_list(drives.dataset.id)}
        api.annotation.append(drives.dataset.id, annotation, numbers)
        found = sly.PointcloudEpisodeAnnotation.from_json(
            api.annotation.download(drives.dataset.id), drives.meta, sly.KeyIdMap()
        )
        assert found.frames_count == 3
        assert {frame.index: frame.figures[0].geometry.position.x for frame in found.frames} == {0: 0, 2: 2}
        assert len(found.objects) == 1


class TestVolumes:
    @pytest.fixture
    def scans(self, lead: Person, workspace: int) -> Shelf:
        classes = (sly.ObjClass("organ", sly.Mask3D), sly.ObjClass("spot", sly.Rectangle))
        return Shelf(lead, workspace, "volumes", *classes)

    def test_uploaded_labelled_and_read(self, scans: Shelf, tmp_path: Path) -> None:
        api = scans.api.volume
        data, meta = volume_of()
        volume = api.upload_np(scans.dataset.id, "a.nrrd", data, meta)
        assert (volume.name, volume.meta["dimensionsIJK"]) == ("a.nrrd", meta["dimensionsIJK"])
        assert api.get_list(scans.dataset.id)[0].id == api.get_info_by_name(scans.dataset.id, "a.nrrd").id == volume.id
        api.download_path(volume.id, str(tmp_path / "back.nrrd"))
        assert np.array_equal(sly.volume.read_nrrd_serie_volume_np(str(tmp_path / "back.nrrd"))[0], data)
        mask = np.zeros((6, 6, 6), dtype=bool)
        mask[1:3, 2:4, 1:5] = True
        organ = sly.VolumeObject(scans.meta.get_obj_class("organ"), mask_3d=sly.Mask3D(mask))
        spot = sly.VolumeObject(scans.meta.get_obj_class("spot"))
        figure = sly.VolumeFigure(spot, sly.Rectangle(1, 1, 3, 4), sly.Plane.AXIAL, 2)
        axial = sly.Plane(sly.Plane.AXIAL, items=[sly.Slice(2, [figure])], volume_meta=meta)
        tags = sly.VolumeTagCollection([sly.VolumeTag(scans.meta.get_tag_meta("speed"), 4)])
        annotation = sly.VolumeAnnotation(
            meta,
            sly.VolumeObjectCollection([organ, spot]),
            plane_axial=axial,
            tags=tags,
            spatial_figures=[organ.figure],
        )
        keys = sly.KeyIdMap()
        api.annotation.append(volume.id, annotation, keys)
        keys = sly.KeyIdMap()
        found = sly.VolumeAnnotation.from_json(api.annotation.download(volume.id), scans.meta, keys)
        assert [each.index for each in found.plane_axial] == [2]
        assert found.plane_axial.get(2).figures[0].geometry.to_json()["points"] == figure.geometry.to_json()["points"]
        assert [tag.value for tag in found.tags] == [4]
        whole = found.spatial_figures[0]
        api.figure.load_sf_geometry(whole, keys)
        assert int(whole.geometry.data.sum()) == int(mask.sum())

    def test_collections_and_queues(self, scans: Shelf, team: Team) -> None:
        """S1-05, S1-57."""
        data, meta = volume_of(3)
        volume = scans.api.volume.upload_np(scans.dataset.id, "a.nrrd", data, meta)
        made = scans.api.entities_collection.create(scans.project.id, "scans")
        scans.api.entities_collection.add_items(made.id, [volume.id])
        assert [each.id for each in scans.api.entities_collection.get_items(made.id, Filter.DEFAULT)] == [volume.id]
        assert pulled_by_anna(scans, team, collection_id=made.id)[1] == volume.id
