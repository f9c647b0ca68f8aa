"""Reading images: what their headers say, whether all their pixels are there, and small ones made of them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from pinakes.server.catalog.media_sniffing import Unreadable

# An image of more pixels is refused by what its header says, before anything is decoded: a small file can unfold
# to any size.
MOST_PIXELS = 1_000_000_000
# Up to so many, all pixels are decoded once, to tell a file that breaks off from a whole one.
CHECKED_PIXELS = 100_000_000
LONGEST_SIDE = 2_000_000

THUMBNAIL_SIDE = 320
_QUALITY = 80
# That of a picture that is learned from.
_FINE = 95
_SHADES = ("uchar", "ushort")
_TURNED = range(5, 9)
_SIZES_OF_BMP = struct.Struct("<ii")
_BMP_HEAD = 26

_LOADERS = {
    "jpegload": "image/jpeg",
    "pngload": "image/png",
    "gifload": "image/gif",
    "webpload": "image/webp",
    "tiffload": "image/tiff",
}
_OF_HEIF = {"image/avif", "image/heic"}


def read_image(path: Path, mime: str) -> dict[str, object]:
    """Return what an image is: its size as people see it (turned as its camera says), bands and pages.

    Raises:
        Unreadable: it is broken, breaks off, is something else than its first bytes say, or is too large.
    """
    if mime == "image/bmp":
        return _read_bmp(path)
    pyvips = _pyvips()
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        _check_loader(str(image.get("vips-loader")), mime)
        check_size(image.width, image.height)
        if image.width * image.height <= CHECKED_PIXELS:
            image.avg()
    except pyvips.Error as error:
        message = f"The image is broken or breaks off: {_said(error)}"
        raise Unreadable(message) from error
    orientation = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    width, height = (image.height, image.width) if orientation in _TURNED else (image.width, image.height)
    pages = int(image.get("n-pages")) if image.get_typeof("n-pages") else 1
    facts: dict[str, object] = {"width": width, "height": height, "bands": int(image.bands), "pages": pages}
    return facts | ({"orientation": orientation} if orientation != 1 else {})


def check_size(width: int, height: int) -> None:
    """Refuse what would unfold to too many pixels.

    Raises:
        Unreadable: it has too many, or none.
    """
    if width < 1 or height < 1:
        message = f"Its header says {width} x {height} pixels."
        raise Unreadable(message)
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        message = f"It would unfold to {width} x {height} pixels; at most {MOST_PIXELS // 10**6} megapixels are taken."
        raise Unreadable(message)


def thumbnail_of_file(path: Path, mime: str) -> bytes:
    """Return an image's thumbnail: upright, at most 320 pixels wide and high, as WebP.

    Raises:
        Unreadable: it can't be decoded.
    """
    if mime == "image/bmp":
        return thumbnail_of_pixels(_bmp_pixels(path), 0)
    pyvips = _pyvips()
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential")
        if image.bands == 1 and image.format not in _SHADES:
            return _written(_measured(image))
        small = pyvips.Image.thumbnail(str(path), THUMBNAIL_SIDE, height=THUMBNAIL_SIDE, size="down")
        return _written(small)
    except pyvips.Error as error:
        message = f"The image can't be decoded: {_said(error)}"
        raise Unreadable(message) from error


def thumbnail_of_pixels(pixels: Any, turned: int) -> bytes:  # noqa: ANN401 - an array of height x width x 3 bytes
    """Return the thumbnail of a picture that is decoded already, turned by so many degrees (a multiple of 90)."""
    image = _turned(pixels, turned)
    return _written(image.thumbnail_image(THUMBNAIL_SIDE, height=THUMBNAIL_SIDE, size="down"))


def jpeg_of_pixels(pixels: Any, turned: int) -> bytes:  # noqa: ANN401 - an array of height x width x 3 bytes
    """Return a picture that is decoded already as a JPEG of its full size, turned likewise."""
    return bytes(_turned(pixels, turned).write_to_buffer(".jpg", Q=_FINE, keep="none"))


def _turned(pixels: Any, turned: int) -> Any:  # noqa: ANN401 - pyvips has no types
    image = _pyvips().Image.new_from_array(pixels).copy(interpretation="srgb")
    return image.rot(f"d{turned % 360}") if turned % 360 else image


def _measured(image: Any) -> Any:  # noqa: ANN401 - pyvips has no types
    """Make a small picture of numbers that are no shades of grey: the least of them black, the greatest white."""
    side = max(image.width, image.height)
    small = image.resize(THUMBNAIL_SIDE / side) if side > THUMBNAIL_SIDE else image
    return small.copy_memory().scaleimage().copy(interpretation="b-w")


def _written(image: Any) -> bytes:  # noqa: ANN401 - pyvips has no types
    if image.format != "uchar" or image.interpretation not in {"srgb", "b-w"}:
        image = image.colourspace("srgb")
    return bytes(image.write_to_buffer(".webp", Q=_QUALITY, keep="none"))


def _pyvips() -> Any:  # noqa: ANN401 - pyvips has no types
    """Import libvips, without its cache of results and its loaders for what nobody should trust."""
    import pyvips

    pyvips.block_untrusted_set(state=True)
    pyvips.cache_set_max(0)
    return pyvips


def _check_loader(loader: str, mime: str) -> None:
    expected = mime in _OF_HEIF if loader.startswith("heifload") else _LOADERS.get(loader) == mime
    if not expected:
        message = f"Its first bytes say {mime}, the rest does not."
        raise Unreadable(message)


def _said(error: Exception) -> str:
    """Return the first thing that libvips says, without our paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "/" not in line and not line.startswith("unable to")]
    return (told or ["it can't be decoded"])[0][:200]


def _read_bmp(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        head = file.read(_BMP_HEAD)
    if len(head) < _BMP_HEAD:
        message = "The image is broken or breaks off."
        raise Unreadable(message)
    width, height = _SIZES_OF_BMP.unpack_from(head, 18)
    check_size(width, abs(height))
    pixels = _bmp_pixels(path)
    return {"width": int(pixels.shape[1]), "height": int(pixels.shape[0]), "bands": 3, "pages": 1}


def _bmp_pixels(path: Path) -> Any:  # noqa: ANN401 - an array
    """Decode a BMP, which libvips does not."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path), format="bmp_pipe") as container:
            return next(container.decode(video=0)).to_ndarray(format="rgb24")
    except (FFmpegError, StopIteration, ValueError, IndexError) as error:
        message = "The image is broken or breaks off."
        raise Unreadable(message) from error
