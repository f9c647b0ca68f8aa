"""Small pictures of what is no picture: a point cloud from above, a volume cut through the middle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories import media as made
from pinakes.server.catalog import media_readers, reading_clouds
from pinakes.server.catalog.media_readers import Unreadable
from pinakes.server.catalog.reading_clouds import seen_from_above
from pinakes.server.catalog.reading_volumes import middle_slice

PCD, LAS, NRRD = "application/x-pcd", "application/vnd.las", "application/x-nrrd"


def pixels(picture: bytes) -> Any:  # noqa: ANN401 - an array
    """A picture of ours, decoded."""
    import pyvips

    image: Any = pyvips.Image
    assert picture[8:12] == b"WEBP"
    return image.new_from_buffer(picture, "").numpy()


def kept(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


def packed(folder: Path, voxels: Any, **header: object) -> Path:  # noqa: ANN401 - an array
    import nrrd

    path = folder / "file.nrrd"
    nrrd.write(str(path), voxels, {"encoding": "gzip", **header})
    return path


@pytest.mark.parametrize("encoding", ["ascii", "binary", "binary_compressed"])
def test_a_pcd_from_above(tmp_path: Path, encoding: str):
    shown = pixels(seen_from_above(kept(tmp_path, made.pcd(5000, encoding=encoding)), PCD))
    assert max(shown.shape[:2]) == 320
    assert (shown.max(axis=-1) > 60).any()


@pytest.mark.parametrize("whole", [True, False], ids=["all points", "some of them"])
@pytest.mark.parametrize("pack", [False, True], ids=["las", "laz"])
def test_a_las_from_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: bool, whole: bool):
    path = kept(tmp_path, made.las(5000, packed=pack))
    expected = reading_clouds._las_points(path)
    assert len(expected) == 5000
    if not whole:
        monkeypatch.setattr(reading_clouds, "SHOWN_POINTS", 1000)
        expected = expected.reshape(50, 100, 3)[:, :20].reshape(1000, 3)
    assert reading_clouds._las_points(path).tolist() == expected.tolist()
    assert max(pixels(seen_from_above(path, LAS)).shape[:2]) == 320


@pytest.mark.parametrize("points", [1, 2])
def test_hardly_any_points(tmp_path: Path, points: int):
    shown = pixels(seen_from_above(kept(tmp_path, made.pcd(points)), PCD))
    assert (shown.max(axis=-1) > 60).any()


def test_high_points_are_bright_and_north_is_up(tmp_path: Path):
    from pypcd4.pypcd4 import PointCloud

    ground = np.random.default_rng(0).uniform(0, 10, (20_000, 3)).astype(np.float32)
    ground[:, 2] = np.where(ground[:, 1] > 5, 9.0, 0.0)
    PointCloud.from_xyz_points(ground).save(str(tmp_path / "a.pcd"))
    shown = pixels(seen_from_above(tmp_path / "a.pcd", PCD))
    high, low = (part.reshape(-1, 3)[:, 0].max() for part in (shown[:140], shown[180:]))
    assert high > 200
    assert low < 100


@pytest.mark.parametrize(
    ("sizes", "encoding"),
    [
        pytest.param((4, 5, 6), "raw", id="raw"),
        pytest.param((4, 5, 6), "gzip", id="gzip"),
        pytest.param((4, 5, 6), "bzip2", id="bzip2"),
        pytest.param((3, 4, 5, 6), "gzip", id="channels"),
        pytest.param((4, 5), "raw", id="flat"),
    ],
)
def test_a_volume(tmp_path: Path, sizes: Sequence[int], encoding: str):
    voxels = np.random.default_rng(0).integers(0, 999, tuple(sizes), dtype=np.int16)
    shown = pixels(middle_slice(packed(tmp_path, voxels, encoding=encoding)))
    assert shown.shape[:2] == (320, 256)


def test_the_slice_is_that_in_the_middle(tmp_path: Path):
    voxels = np.zeros((40, 20, 5), dtype=np.uint8)
    voxels[:, :, 2] = np.arange(20)[None, :]
    voxels[:10, :, 2] = 0
    shown = pixels(middle_slice(packed(tmp_path, voxels)))[..., 0]
    assert shown.shape == (160, 320)
    assert (int(shown[155, 40]), int(shown[2, 300])) == (0, 0)
    assert shown[155, 300] > 240


def test_a_volume_has_the_proportions_of_space(tmp_path: Path):
    header = {"space": "left-posterior-superior", "space origin": [0, 0, 0]}
    directions = [[1, 0, 0], [0, 2, 0], [0, 0, 5]]
    shown = pixels(middle_slice(packed(tmp_path, np.ones((8, 8, 8)), **header, **{"space directions": directions})))
    assert shown.shape[:2] == (320, 160)


@pytest.mark.parametrize("kind", [">i2", ">f4", "<u4"])
def test_voxels_of_other_types(tmp_path: Path, kind: str):
    voxels = np.linspace(0, 1000, 64).reshape(4, 4, 4).astype(kind)
    shown = pixels(middle_slice(packed(tmp_path, voxels, encoding="raw")))[..., 0]
    assert shown[0, 0] < 20
    assert shown[-1, -1] > 235


async def test_what_there_is_no_picture_of(tmp_path: Path):
    broken = made.volume(encoding="raw")[:-150]
    for content, kind, mime in (
        (made.volume(encoding="ascii"), "volume", NRRD),
        (broken, "volume", NRRD),
        (b"NRRD0004\n", "volume", NRRD),
        (made.pcd()[:-30], "point_cloud", PCD),
        (made.las()[:100], "point_cloud", LAS),
        (made.png(), "paper", "image/png"),
    ):
        with pytest.raises(Unreadable):
            await media_readers.small_picture(kept(tmp_path, content), kind, mime)
