"""What a file is by its first bytes, whatever it is called; nothing is parsed that was not recognised here."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What is looked at; the last of it decides on transport streams and on text.
HEAD = 1024

_TS_PACKET = 188
_TEXT = re.compile(rb"\A(?:\xef\xbb\xbf)?[\t\n\r\x20-\x7e\x80-\xff]*\Z")
_PCD = re.compile(rb"\A(?:\s*#[^\n]*\n)*\s*(?:VERSION|FIELDS)\s", re.IGNORECASE)
_DOCTYPE = re.compile(rb"\A\x1a\x45\xdf\xa3.{0,60}?\x42\x82.(?P<name>webm|matroska)", re.DOTALL)
_IMAGE_BRANDS = {b"avif": "image/avif", b"avis": "image/avif"} | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"
)

_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "image", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image", "image/png"),
    (b"GIF87a", "image", "image/gif"),
    (b"GIF89a", "image", "image/gif"),
    (b"II*\0", "image", "image/tiff"),
    (b"MM\0*", "image", "image/tiff"),
    (b"II+\0", "image", "image/tiff"),
    (b"MM\0+", "image", "image/tiff"),
    (b"BM", "image", "image/bmp"),
    (b"FLV\x01", "video", "video/x-flv"),
    (b"\0\0\x01\xba", "video", "video/mpeg"),
    (b"\0\0\x01\xb3", "video", "video/mpeg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video", "video/x-ms-wmv"),
    (b"OggS", "video", "video/ogg"),
    (b"LASF", "point_cloud", "application/vnd.las"),
    (b"NRRD0", "volume", "application/x-nrrd"),
)

_PLAIN_REFUSALS = (
    (b"%PDF", "This is a PDF document."),
    (b"PK\x03\x04", "This is a ZIP archive; its files are sent one by one."),
    (b"\x1f\x8b", "This is a gzip archive; what is in it is sent without it."),
    (b"ply\n", "PLY files are not read here; send the points as .pcd or .las."),
    (b"ply\r", "PLY files are not read here; send the points as .pcd or .las."),
)

_TAKEN = (
    "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC images, MP4, MOV, WebM, MKV, AVI, MPEG, FLV, WMV and OGG videos, \
PCD and LAS point clouds, NRRD volumes"
)


class Unreadable(Exception):
    """A file can't be an item of media; the message says why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file says it is: the kind of items that it can be of, and its media type."""

    kind: str
    mime: str


def sniff(head: bytes) -> Kind:
    """Tell what a file is by its first bytes (`HEAD` of them, if it has so many).

    Raises:
        Unreadable: it is nothing that we take.
    """
    for start, kind, mime in _STARTS:
        if head.startswith(start):
            return Kind(kind, mime)
    found = _riff(head) or _boxed(head) or _matroska(head) or _transport_stream(head)
    if found is not None:
        return found
    if _PCD.match(head):
        return Kind("point_cloud", "application/x-pcd")
    raise Unreadable(_why_not(head))


def _why_not(head: bytes) -> str:
    """Say why nothing can be made of a file."""
    if not head:
        return "The file is empty."
    for start, message in _PLAIN_REFUSALS:
        if head.startswith(start):
            return message
    return _text(head) if _TEXT.match(head) else f"Its content is none that we read: {_TAKEN}."


def _riff(head: bytes) -> Kind | None:
    if head[:4] != b"RIFF":
        return None
    if head[8:12] == b"WEBP":
        return Kind("image", "image/webp")
    return Kind("video", "video/x-msvideo") if head[8:12] == b"AVI " else None


def _boxed(head: bytes) -> Kind | None:
    """Tell the formats apart that are made of ISO boxes."""
    if head[4:8] in {b"moov", b"mdat", b"wide"}:
        return Kind("video", "video/quicktime")
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in _IMAGE_BRANDS:
        compatible = {head[at : at + 4] for at in range(16, min(int.from_bytes(head[:4]), len(head)), 4)}
        return Kind("image", "image/avif" if b"avif" in compatible else _IMAGE_BRANDS[brand])
    return Kind("video", "video/quicktime" if brand == b"qt  " else "video/mp4")


def _matroska(head: bytes) -> Kind | None:
    found = _DOCTYPE.match(head)
    if found is None:
        return None
    return Kind("video", "video/webm" if found["name"] == b"webm" else "video/x-matroska")


def _transport_stream(head: bytes) -> Kind | None:
    packets = range(0, min(len(head), 4 * _TS_PACKET + 1), _TS_PACKET)
    if len(packets) > 2 and all(head[at] == ord("G") for at in packets):  # noqa: PLR2004
        return Kind("video", "video/mp2t")
    return None


def _text(head: bytes) -> str:
    """Say what a text is that came as a file of media."""
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in begins:
        return "This is an SVG drawing, which may hold scripts; only images made of pixels are taken."
    if begins.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "This is an HTML page, not a file of media."
    if begins.startswith(b"<"):
        return "This is XML, not a file of media."
    return "This is text, not a file of media."
