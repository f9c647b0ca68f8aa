"""Real small files of media, made in code, and the projects, datasets and items of them."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from factories.people import unique
from pinakes.server.actor import Actor
from pinakes.server.blobs import Blobs
from pinakes.server.catalog import datasets, media, media_files, media_projects, workspaces
from pinakes.server.catalog.media_types import Dataset, Media, MediaProject, NewMedia
from pinakes.server.db import Database


def _array(width: int, height: int, seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def image(
    width: int = 8, height: int = 6, *, seed: int = 0, suffix: str = ".png", orientation: int | None = None
) -> bytes:
    """An image in any format that libvips writes; other seeds give other bytes."""
    import pyvips

    made: Any = pyvips.Image.new_from_array(_array(width, height, seed)).copy(interpretation="srgb")
    if orientation is not None:
        made = made.copy()
        made.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return bytes(made.write_to_buffer(suffix))


def png(seed: int = 0, width: int = 8, height: int = 6) -> bytes:
    """A small PNG; other seeds give other bytes."""
    return image(width, height, seed=seed)


def jpeg(seed: int = 0, width: int = 16, height: int = 8, *, orientation: int | None = None) -> bytes:
    """A small JPEG, turned as its camera says."""
    return image(width, height, seed=seed, suffix=".jpg", orientation=orientation)


def bmp(width: int = 4, height: int = 3) -> bytes:
    """A small BMP, which libvips does not write."""
    row = (width * 3 + 3) // 4 * 4
    size = 54 + row * height
    head = b"BM" + size.to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    info = (40).to_bytes(4, "little") + width.to_bytes(4, "little") + height.to_bytes(4, "little")
    info += (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    return head + info + bytes(range(row)) * height


def video(
    frames: int = 5, width: int = 32, height: int = 16, *, seed: int = 0, form: str = "mp4", rate: int = 25
) -> bytes:
    """A small video."""
    import av

    target = io.BytesIO()
    with av.open(target, "w", format=form) as container:
        codec = {"mp4": "mpeg4", "matroska": "mpeg4", "webm": "libvpx", "avi": "mpeg4", "mov": "mpeg4"}[form]
        stream: Any = container.add_stream(codec, rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(_array(width, height, seed + number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return target.getvalue()


def pcd(points: int = 10, *, seed: int = 0, encoding: str = "binary_compressed") -> bytes:
    """A small point cloud as PCD."""
    from pypcd4.pypcd4 import Encoding, PointCloud

    cloud = PointCloud.from_xyz_points(np.random.default_rng(seed).random((points, 3), dtype=np.float32))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pcd"
        cloud.save(str(path), encoding=Encoding(encoding))
        return path.read_bytes()


def las(points: int = 10, *, seed: int = 0, packed: bool = False) -> bytes:
    """A small point cloud as LAS, or as LAZ."""
    import laspy

    made: Any = laspy.create(point_format=3, file_version="1.4")
    made.header.scales = [0.001, 0.001, 0.001]
    made.x, made.y, made.z = np.random.default_rng(seed).random((3, points))
    target = io.BytesIO()
    made.write(target, do_compress=packed)
    return target.getvalue()


def volume(sizes: Sequence[int] = (4, 5, 6), *, seed: int = 0, encoding: str = "gzip") -> bytes:
    """A small volume as NRRD."""
    import nrrd

    data = np.random.default_rng(seed).integers(0, 999, tuple(sizes), dtype=np.int16)
    header: dict[str, Any] = {"space": "left-posterior-superior", "encoding": encoding, "space origin": [0, 0, 0]}
    header["space directions"] = [[1, 0, 0], [0, 1, 0], [0, 0, 2]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nrrd"
        nrrd.write(str(path), data, header)
        return path.read_bytes()


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"

MADE = {"images": png, "videos": lambda seed: video(seed=seed), "point_clouds": lambda seed: pcd(seed=seed),
        "point_cloud_episodes": lambda seed: pcd(seed=seed), "volumes": lambda seed: volume(seed=seed)}  # fmt: skip
SUFFIXES = {
    "images": ".png",
    "videos": ".mp4",
    "point_clouds": ".pcd",
    "point_cloud_episodes": ".pcd",
    "volumes": ".nrrd",
}


def sha256(content: bytes) -> bytes:
    """The digest by which a file is known."""
    return hashlib.sha256(content).digest()


async def pieces(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """A content as it arrives."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


@dataclass(frozen=True)
class Shelf:
    """A project of media with one dataset, of the account of somebody who may do everything with it."""

    db: Database
    blobs: Blobs
    actor: Actor
    project: MediaProject
    dataset: Dataset

    async def sent(self, content: bytes) -> bytes:
        """Send a file to the account; return its SHA-256."""
        found = await media_files.receive(self.db, self.blobs, self.actor, self.project.owner_id, pieces(content))
        return found.sha256

    async def put(self, *names: str, dataset_id: int | None = None, first: int = 0) -> list[Media]:
        """Put new items of the project's type into a dataset, each with a file of its own."""
        make = MADE[self.project.data_type]
        new = [NewMedia(name, await self.sent(make(first + number))) for number, name in enumerate(names)]
        async with self.db.transaction() as tx:
            return await media.add(tx, self.actor, dataset_id or self.dataset.id, new)

    async def folder(self, name: str, parent_id: int | None = None) -> Dataset:
        """Make another dataset."""
        async with self.db.transaction() as tx:
            return await datasets.create(tx, self.actor, self.project.id, name, parent_id=parent_id)


async def make_shelf(
    db: Database, blobs: Blobs, actor: Actor, *, data_type: str = "images", account_id: int | None = None
) -> Shelf:
    """Make a project of media with a dataset, in the first workspace of an account (the actor's own)."""
    owner = account_id if account_id is not None else actor.user_id
    assert owner is not None
    async with db.transaction() as tx:
        workspace = await workspaces.first(tx, actor, owner)
        project = await media_projects.create(tx, actor, workspace.id, unique("Project"), data_type)
        dataset = await datasets.create(tx, actor, project.id, "ds")
    return Shelf(db, blobs, actor, project, dataset)


async def put_rows(
    db: Database, shelf: Shelf, count: int, *, stem: str = "image", dataset_id: int | None = None
) -> list[int]:
    """Put many items of one file into a dataset, without sending it for each; return their ids."""
    digest = await shelf.sent(MADE[shelf.project.data_type](0))
    suffix = SUFFIXES[shelf.project.data_type]
    new = [NewMedia(f"{stem}_{number}{suffix}", digest) for number in range(count)]
    async with db.transaction() as tx:
        return [made.id for made in await media.add(tx, shelf.actor, dataset_id or shelf.dataset.id, new)]
