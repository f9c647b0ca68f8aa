"""Reading files of media: what they are, and why some are refused."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from factories import media as made
from pinakes.server.catalog import media_readers, reading_images, reading_volumes
from pinakes.server.catalog.reading_videos import timecodes


def facts(folder: Path, content: bytes) -> tuple[str | None, dict[str, Any]]:
    path = folder / "a file of no name"
    path.write_bytes(content)
    mime, found = media_readers.facts_of(path)
    return mime, dict(found)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a kilobyte whose header says that it unfolds to any size."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("suffix", "mime"),
    [
        (".png", "image/png"),
        (".jpg", "image/jpeg"),
        (".webp", "image/webp"),
        (".tif", "image/tiff"),
        (".gif", "image/gif"),
        (".avif", "image/avif"),
    ],
)
def test_images_are_known_by_their_content(tmp_path: Path, suffix: str, mime: str):
    content = made.image(60, 40, suffix=suffix)
    assert facts(tmp_path, content) == (mime, {"kind": "image", "width": 60, "height": 40, "bands": 3, "pages": 1})
    found, cut = facts(tmp_path, content[: len(content) // 2])
    assert found == mime
    assert cut["kind"] is None
    assert "breaks off" in cut["refused"]
    assert str(tmp_path) not in cut["refused"]


def test_a_turned_image_has_the_size_that_people_see(tmp_path: Path):
    _, turned = facts(tmp_path, made.jpeg(width=16, height=8, orientation=6))
    assert (turned["width"], turned["height"], turned["orientation"]) == (8, 16, 6)
    _, flipped = facts(tmp_path, made.jpeg(width=16, height=8, orientation=3))
    assert (flipped["width"], flipped["height"]) == (16, 8)


def test_a_bmp_is_an_image(tmp_path: Path):
    assert facts(tmp_path, made.bmp(5, 3))[1] == {"kind": "image", "width": 5, "height": 3, "bands": 3, "pages": 1}
    for cut in (made.bmp()[:20], made.bmp()[:60]):
        assert facts(tmp_path, cut)[1]["kind"] is None


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (2**31 - 1, 1), (32_000, 32_000)])
def test_an_image_that_would_unfold_to_too_much_is_refused_by_its_header(tmp_path: Path, width: int, height: int):
    """A decompression bomb: nothing of it is decoded."""
    mime, found = facts(tmp_path, bomb(width, height))
    assert mime == "image/png"
    assert found["kind"] is None
    bmp = made.bmp()
    huge = bmp[:18] + struct.pack("<ii", 100_000, -100_000) + bmp[26:]
    assert "would unfold" in facts(tmp_path, huge)[1]["refused"]


def test_an_image_of_no_pixels_is_refused():
    with pytest.raises(media_readers.Unreadable, match="0 x 5"):
        reading_images.check_size(0, 5)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (made.SVG, "SVG"),
        (b"\xef\xbb\xbf <!-- a comment --> <svg/>", "SVG"),
        (made.HTML, "HTML"),
        (b"  <script>alert(1)</script>", "HTML"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"name,label\n1,2\n", "text"),
        (b"", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04 ...", "ZIP"),
        (b"\x1f\x8b\x08 ...", "gzip"),
        (b"ply\nformat ascii 1.0\n", "PLY"),
        (bytes(range(256)), "none that we read"),
        (b"RIFF\0\0\0\0WAVE" + bytes(50), "none that we read"),
    ],
)
def test_what_is_no_media_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str):
    mime, found = facts(tmp_path, content)
    assert (mime, found["kind"]) == (None, None)
    assert reason in found["refused"]


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n" + made.HTML, "image/png"),
        (b"\xff\xd8\xff" + made.SVG, "image/jpeg"),
        (b"GIF89a" + made.HTML, "image/gif"),
        (b"II*\0" + bytes(40), "image/tiff"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + made.HTML, "video/mp4"),
        (b"\x1a\x45\xdf\xa3" + bytes(4) + b"\x42\x82\x84webm" + made.HTML, "video/webm"),
        (b"RIFF\x10\0\0\0AVI " + made.HTML, "video/x-msvideo"),
        (b"LASF" + made.HTML * 10, "application/vnd.las"),
        (b"NRRD0004\n" + made.HTML, "application/x-nrrd"),
        (b"NRRD0004\ntype: int8\ndimension: 1\nsizes: 99999999999999\nencoding: raw\n\n", "application/x-nrrd"),
        (b"# .PCD v0.7\nVERSION 0.7\nFIELDS x\n", "application/x-pcd"),
        (
            b"VERSION 0.7\nFIELDS x\nSIZE 4\nTYPE F\nCOUNT 1\nWIDTH 9\nHEIGHT 1\nPOINTS 9\nDATA binary\n",
            "application/x-pcd",
        ),
    ],
)
def test_what_only_begins_like_media_is_refused(tmp_path: Path, content: bytes, mime: str):
    found_mime, found = facts(tmp_path, content)
    assert (found_mime, found["kind"]) == (mime, None)
    assert found["refused"]


@pytest.mark.parametrize(
    ("form", "mime"),
    [
        ("mp4", "video/mp4"),
        ("mov", "video/quicktime"),
        ("matroska", "video/x-matroska"),
        ("webm", "video/webm"),
        ("avi", "video/x-msvideo"),
    ],
)
def test_videos_say_their_streams_and_the_moments_of_their_frames(tmp_path: Path, form: str, mime: str):
    content = made.video(30, 32, 16, form=form)
    found_mime, found = facts(tmp_path, content)
    assert found_mime == mime
    assert (found["kind"], found["width"], found["height"], found["frames"]) == ("video", 32, 16, 30)
    assert found["duration"] == pytest.approx(1.2, abs=0.05)
    (stream,) = found["streams"]
    assert (stream["index"], stream["codec_type"], stream["frames"]) == (0, "video", 30)
    assert (stream["width"], stream["height"]) == (32, 16)
    moments = timecodes(stream)
    assert moments == pytest.approx([number / 25 for number in range(30)], abs=0.002)
    assert facts(tmp_path, content[: len(content) * 2 // 3])[1]["kind"] is None


def test_moments_without_an_even_beat_are_kept_one_by_one():
    assert timecodes({"timecodes": [0.0, 0.5, 2.0], "frames": 3}) == [0.0, 0.5, 2.0]
    assert timecodes({"codec_type": "audio"}) == []


@pytest.mark.parametrize("encoding", ["ascii", "binary", "binary_compressed"])
def test_a_pcd_says_its_points_fields_and_bounds(tmp_path: Path, encoding: str):
    content = made.pcd(10, encoding=encoding)
    mime, found = facts(tmp_path, content)
    assert (mime, found["kind"], found["points"], found["fields"]) == (
        "application/x-pcd", "point_cloud", 10, ["x", "y", "z"],
    )  # fmt: skip
    assert all(low < high for low, high in zip(found["bounds"]["min"], found["bounds"]["max"], strict=True))
    assert facts(tmp_path, content[:-20])[1]["kind"] is None


@pytest.mark.parametrize("packed", [False, True])
def test_a_las_says_its_points_fields_and_bounds(tmp_path: Path, packed: bool):
    content = made.las(1000, packed=packed)
    mime, found = facts(tmp_path, content)
    assert (mime, found["kind"], found["points"]) == ("application/vnd.las", "point_cloud", 1000)
    assert {"X", "intensity", "red"} <= set(found["fields"])
    assert found["encoding"] == ("laz" if packed else "las")
    assert found["bounds"]["max"][0] <= 1
    for cut in (content[:-60], content[:300], content[:10]):
        assert facts(tmp_path, cut)[1]["kind"] is None


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
def test_an_nrrd_says_its_sizes_and_how_it_lies(tmp_path: Path, encoding: str):
    content = made.volume((4, 5, 6), encoding=encoding)
    mime, found = facts(tmp_path, content)
    assert (mime, found["kind"], found["sizes"], found["encoding"]) == (
        "application/x-nrrd", "volume", [4, 5, 6], encoding,
    )  # fmt: skip
    assert found["space_directions"][2] == [0, 0, 2]
    cut = facts(tmp_path, content[:-50])[1]
    assert cut["kind"] is None
    assert "breaks off" in cut["refused"]


def test_a_packed_volume_is_unfolded_no_further_than_its_header_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A bomb in a volume costs neither memory nor time: what is beyond the header's size is not looked at."""
    header = b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 10 10 10\nencoding: gzip\n\n"
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = b"".join([packer.compress(bytes(2**20)) for _ in range(200)]) + packer.flush()
    assert facts(tmp_path, header + packed)[1]["kind"] == "volume"
    monkeypatch.setattr(reading_volumes, "MOST_VOXELS", 999)
    assert "at most" in facts(tmp_path, header + packed)[1]["refused"]


def test_a_volume_whose_voxels_are_in_another_file_is_refused(tmp_path: Path):
    header = b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 1 1 1\nencoding: raw\ndata file: /etc/passwd\n"
    assert "another file" in facts(tmp_path, header)[1]["refused"]


@pytest.mark.parametrize(
    ("content", "kind", "mime", "size"),
    [
        (made.image(800, 400), "image", "image/png", (320, 160)),
        (made.image(800, 400, suffix=".jpg", orientation=6), "image", "image/jpeg", (160, 320)),
        (made.image(10, 10, suffix=".tif"), "image", "image/tiff", (10, 10)),
        (made.image(500, 100, suffix=".gif"), "image", "image/gif", (320, 64)),
        (made.bmp(), "image", "image/bmp", (4, 3)),
        (made.video(3, 640, 480), "video", "video/mp4", (320, 240)),
    ],
    ids=["png", "turned", "tiff", "gif", "bmp", "poster"],
)
async def test_small_pictures(tmp_path: Path, content: bytes, kind: str, mime: str, size: tuple[int, int]):
    path = tmp_path / "file"
    path.write_bytes(content)
    found_mime, found = facts(tmp_path, await media_readers.small_picture(path, kind, mime))
    assert (found_mime, (found["width"], found["height"])) == ("image/webp", size)


@pytest.mark.parametrize("kind", ["float32", "int32", "uint16"])
async def test_a_picture_of_numbers_is_neither_black_nor_white(tmp_path: Path, kind: str):
    """Depths and heat maps: numbers of any range, made visible."""
    import numpy as np
    import pyvips

    numbers = np.linspace(0, 60_000, 400 * 40).reshape(40, 400).astype(kind)
    image: Any = pyvips.Image.new_from_array(numbers).copy(interpretation="grey16" if kind == "uint16" else "b-w")
    path = tmp_path / "file"
    path.write_bytes(image.write_to_buffer(".tif"))
    assert facts(tmp_path, path.read_bytes())[1]["kind"] == "image"
    small: Any = pyvips.Image.new_from_buffer(await media_readers.small_picture(path, "image", "image/tiff"), "")
    assert (small.width, small.height) == (320, 32)
    assert 60 < small.avg() < 200


@pytest.mark.parametrize(
    ("make", "kind", "mime"),
    [
        (lambda: made.HTML, "point_cloud", "application/x-pcd"),
        (lambda: made.HTML, "image", "image/png"),
        (lambda: made.HTML, "video", "video/mp4"),
        (lambda: made.HTML, "image", "image/bmp"),
    ],
    ids=["cloud", "image", "video", "bmp"],
)
async def test_there_is_no_small_picture_of_what_is_none(
    tmp_path: Path, make: Callable[[], bytes], kind: str, mime: str
):
    path = tmp_path / "file"
    path.write_bytes(make())
    with pytest.raises(media_readers.Unreadable):
        await media_readers.small_picture(path, kind, mime)


@pytest.mark.parametrize(
    ("form", "mime"), [("mp4", "video/mp4"), ("matroska", "video/x-matroska"), ("webm", "video/webm")]
)
async def test_frames_by_their_numbers(tmp_path: Path, form: str, mime: str):
    """Each as it was put in, in their order; none that the video does not have."""
    path = tmp_path / "a"
    path.write_bytes(made.video(7, form=form))
    found = [one async for one in media_readers.frames(path, mime, [6, 2, 0, 2, 40])]
    assert [number for number, _ in found] == [0, 2, 6]
    every = [one async for one in media_readers.frames(path, mime, range(7))]
    assert [every[number][1] for number, _ in found] == [picture for _, picture in found]
    assert len({picture for _, picture in every}) == 7
    assert [one async for one in media_readers.frames(path, mime, [])] == []
    assert [one async for one in media_readers.frames(path, "image/png", [1])] == []
    path.write_bytes(b"nothing of a video")
    with pytest.raises(media_readers.Unreadable):
        assert [one async for one in media_readers.frames(path, mime, [1])]


def test_a_frame_is_turned_as_players_turn_it():
    pixels = np.zeros((4, 6, 3), dtype=np.uint8)
    pixels[:, 3:] = 255
    upright, turned = (pyvips.Image.new_from_buffer(reading_images.jpeg_of_pixels(pixels, by), "") for by in (0, 90))
    assert (upright.width, upright.height, turned.width, turned.height) == (6, 4, 4, 6)
    shades = [upright(0, 0), upright(5, 0), turned(0, 0), turned(0, 5)]
    assert [shade[0] > 127 for shade in shades] == [False, True, False, True]
