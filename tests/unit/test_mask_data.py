"""What is a mask, by its data alone: what no client could read is refused without decoding a pixel."""

from __future__ import annotations

import base64
import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pinakes.server.errors import Invalid
from pinakes.server.labeling import geometry, mask_data, masks

MASK = np.array([[True, False, True], [True, True, True]])


def text_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def png_of(mask: masks.Mask = MASK) -> bytes:
    bitmap = masks.to_bitmap(mask)
    assert bitmap is not None
    return zlib.decompress(base64.b64decode(str(bitmap["data"])))


def part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def head(width: int, height: int) -> bytes:
    return png_of()[:8] + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))


END = part(b"IEND", b"")
PNG = png_of()


@pytest.mark.parametrize("packed", [zlib.compress(PNG), zlib.compress(PNG, 0), PNG], ids=["zipped", "stored", "plain"])
def test_what_the_client_reads_is_a_mask(packed: bytes) -> None:
    """supervisely 6.74.51: Bitmap.base64_2_data unzips, and takes what is not zipped as it is."""
    data = text_of(packed)
    geometry.check("bitmap", {"bitmap": {"data": data, "origin": [3, 4]}}, "geometry")
    mask, left, top = masks.of_bitmap({"data": data, "origin": [3, 4]})
    assert (mask == MASK).all()
    assert (left, top) == (3, 4)
    assert geometry.box({"bitmap": {"data": data, "origin": [3, 4]}}) == (3, 4, 6, 6)


BROKEN = {
    "empty": "",
    "no-base64": "@@@",
    "half-base64": "abcde",
    "not-ascii": "é",
    "not-zipped": text_of(b"no zip"),
    "no-png": text_of(zlib.compress(b"<svg/>")),
    "a-picture-of-another-kind": text_of(zlib.compress(b"GIF89a" + bytes(40))),
    "zip-cut-off": text_of(zlib.compress(PNG)[:-6]),
    "only-a-head": text_of(zlib.compress(head(3, 2))),
    "png-cut-off": text_of(zlib.compress(PNG[:-20])),
    "a-bit-is-wrong": text_of(zlib.compress(PNG[:-20] + bytes([PNG[-20] ^ 1]) + PNG[-19:])),
    "no-pixels": text_of(zlib.compress(head(3, 2) + END)),
    "no-width": text_of(zlib.compress(head(0, 2) + PNG[33:])),
    "too-large": text_of(zlib.compress(head(2**31 - 1, 2**31 - 1) + PNG[33:])),
    "first-things-last": text_of(zlib.compress(PNG[:8] + PNG[33:])),
    "a-bomb": text_of(zlib.compress(PNG[:8] + bytes(200 * 2**20))),
    "a-bomb-in-parts": text_of(zlib.compress(head(3, 2) + part(b"IDAT", bytes(50 * 2**20)) + END)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_what_nobody_could_read_is_refused(data: str) -> None:
    began = time.perf_counter()
    for kind in ("bitmap", "alpha_mask"):
        with pytest.raises(Invalid) as caught:
            geometry.check(kind, {"bitmap": {"data": data, "origin": [0, 0]}}, "geometry")
        assert caught.value.field == "geometry.bitmap.data"
    assert time.perf_counter() - began < 0.5, "a bomb is not unpacked"


@given(st.binary(max_size=60))
def test_no_data_breaks_the_check(content: bytes) -> None:
    for data in (text_of(content), text_of(zlib.compress(content)), text_of(PNG[:8] + content)):
        with pytest.raises(Invalid):
            mask_data.check(data, "data")


def test_large_plain_masks_pass() -> None:
    """What zips best: one value everywhere. A mask of a whole aerial picture is no bomb."""
    mask_data.check(text_of(zlib.compress(png_of(np.ones((9000, 9000), dtype=bool)))), "data")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("rectangle", {"points": {"exterior": [[1e300, 0], [2, 2]], "interior": []}}),
        ("rectangle", {"points": {"exterior": [[0, 0], [2**31, 2]], "interior": []}}),
        ("point", {"points": {"exterior": [[float("inf"), 0]], "interior": []}}),
        ("graph", {"nodes": {"a": {"loc": [0, -1e300]}}}),
        ("bitmap", {"bitmap": {"data": text_of(PNG), "origin": [1e300, 0]}}),
        ("oriented_bbox", {"points": [[0, 0], [1, 1]], "angle": 1e300}),
        ("cuboid_3d", {"position": {"x": 1e300, "y": 0, "z": 0}, "rotation": {}, "dimensions": {}}),
    ],
)
def test_absurd_coordinates_are_refused(kind: str, shape: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        geometry.check(kind, shape, "geometry")
    assert (caught.value.field or "").startswith("geometry")
