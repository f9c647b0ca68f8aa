"""What media, and the places that they are in, may be called and carry; every refusal names the field."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import orjson

from pinakes.server.catalog.media_types import DATA_TYPES
from pinakes.server.errors import Invalid
from pinakes.server.events.webhook_addresses import may_be_public
from pinakes.server.paging import INT4

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 100_000
LONGEST_README = 1_000_000
LONGEST_LINK = 2_000
LARGEST_JSON = 4 * 1024 * 1024
MOST_ROWS = 100_000
# One call takes so many items; more come in further calls.
MOST_AT_ONCE = 50_000

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[\x00\ud800-\udfff]")

# The media type that a name's ending promises, where it promises one that we read; several may fit one ending.
_PROMISED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif", "mpo"), ("image/jpeg",)),
    "png": ("image/png",),
    "gif": ("image/gif",),
    "webp": ("image/webp",),
    **dict.fromkeys(("tif", "tiff"), ("image/tiff",)),
    "bmp": ("image/bmp",),
    "avif": ("image/avif",),
    **dict.fromkeys(("heic", "heif"), ("image/heic", "image/avif")),
    **dict.fromkeys(("mp4", "m4v", "mov", "3gp"), ("video/mp4", "video/quicktime")),
    **dict.fromkeys(("webm", "mkv"), ("video/webm", "video/x-matroska")),
    "avi": ("video/x-msvideo",),
    "flv": ("video/x-flv",),
    **dict.fromkeys(("mpg", "mpeg", "ts", "mts", "m2ts"), ("video/mpeg", "video/mp2t")),
    "wmv": ("video/x-ms-wmv",),
    **dict.fromkeys(("ogv", "ogg"), ("video/ogg",)),
    "pcd": ("application/x-pcd",),
    **dict.fromkeys(("las", "laz"), ("application/vnd.las",)),
    "nrrd": ("application/x-nrrd",),
    **dict.fromkeys(("svg", "svgz", "html", "htm", "xml", "xhtml", "js", "txt", "pdf", "zip"), ()),
}


def media_name(name: str, field: str = "name") -> str:
    """Return the name of an item, a dataset or a project of media, if it can be one; it stays as it is.

    Raises:
        Invalid: it is empty, too long, or has what a file name can't have.
    """
    if not 1 <= len(name) <= LONGEST_NAME or not name.strip():
        message = f"A name has 1 to {LONGEST_NAME} characters, not {len(name)}, and not only blanks."
        raise Invalid(message, field=field)
    if _CONTROL.search(name) or "/" in name or "\\" in name or name in {".", ".."}:
        shown = name[:80].encode(errors="replace").decode()
        message = f"{shown!r} can't be a name: it is no path, and has no /, no \\ and no control characters."
        raise Invalid(message, field=field)
    return name


def suits(name: str, mime: str | None) -> str | None:
    """Say why a file of a media type can't be called so; None where it can."""
    _, dot, suffix = name.rpartition(".")
    promised = _PROMISED.get(suffix.lower()) if dot else None
    if mime is None or promised is None or mime in promised:
        return None
    return f"It is called .{suffix}, but its content is {mime}."


def promised_mime(name: str) -> str | None:
    """Return the media type that a name's ending promises, if it does."""
    _, dot, suffix = name.rpartition(".")
    promised = _PROMISED.get(suffix.lower()) if dot else None
    return promised[0] if promised else None


def data_type(value: str) -> str:
    """Return a project's type of data; raise Invalid where there is none such."""
    if value not in DATA_TYPES:
        message = f"The type of a project is one of: {', '.join(DATA_TYPES)}."
        raise Invalid(message, field="data_type")
    return value


def text(value: str, field: str, longest: int = LONGEST_DESCRIPTION) -> str:
    """Return a text as it came; raise Invalid where it is too long or no text."""
    if len(value) > longest:
        message = f"At most {longest} characters, not {len(value)}."
        raise Invalid(message, field=field)
    if _UNPRINTABLE.search(value):
        message = "No NUL characters or broken Unicode, please."
        raise Invalid(message, field=field)
    return value


def plain_json(value: Mapping[str, object], field: str) -> dict[str, object]:
    """Return a JSON object that the database can keep.

    Raises:
        Invalid: it is none, too large or too deep, or has NUL characters or broken Unicode in it.
    """
    try:
        written = orjson.dumps(dict(value))
    except (TypeError, ValueError, RecursionError) as error:
        message = "It has to be a JSON object, at most 250 levels deep, of numbers up to 64 bits."
        raise Invalid(message, field=field) from error
    if len(written) > LARGEST_JSON:
        message = f"At most {LARGEST_JSON // 1024} KiB of JSON, not {len(written) // 1024}."
        raise Invalid(message, field=field)
    if _NUL.search(written):
        message = "No NUL characters, please."
        raise Invalid(message, field=field)
    return dict(value)


def link(value: str, *, private: bool) -> str:
    """Return an address of a file elsewhere; with `private`, that may be in the server's own network.

    No name is looked up here: what a name stands for is checked when the file is fetched.

    Raises:
        Invalid: (field `link`) it is none of http or https, carries a password, or names a host that is not on the
            internet.
    """
    field = "link"
    if not value.isprintable() or " " in value or not 1 <= len(value) <= LONGEST_LINK:
        message = f"A link has 1 to {LONGEST_LINK} characters, without blanks and control characters."
        raise Invalid(message, field=field)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        message = "That is no link."
        raise Invalid(message, field=field) from error
    if parts.scheme not in {"http", "https"} or not host:
        message = "A link begins with http:// or https:// and names a host."
        raise Invalid(message, field=field)
    if "@" in parts.netloc:
        message = "A link can't carry a user or password: everybody who sees the item would read it."
        raise Invalid(message, field=field)
    if not private and not may_be_public(host):
        message = f"The link leads to {host[:100]}, an address that is not on the internet."
        raise Invalid(message, field=field)
    return value


def place(value: float | None) -> float | None:
    """Return a place in a custom order, which is a number; raise Invalid where it is none."""
    if value is not None and not math.isfinite(value):
        message = "A place in the order is a finite number."
        raise Invalid(message, field="custom_sort")
    return value


def some_ids(ids: Sequence[int]) -> list[int]:
    """Return those of the numbers that could be ids."""
    return [number for number in ids if number > 0 and number in INT4]


def texts(values: Sequence[str] | None) -> list[str] | None:
    """Return those of the names that the database could hold, for a filter."""
    return None if values is None else [value for value in values if not _UNPRINTABLE.search(value)]


def window(limit: int, offset: int | None, most: int = MOST_ROWS) -> None:
    """Refuse a page that can't be.

    Raises:
        Invalid: (fields `limit`, `offset`) it is out of range.
    """
    if not 1 <= limit <= most:
        message = f"limit must be 1 to {most}."
        raise Invalid(message, field="limit")
    if offset is not None and not 0 <= offset < 2**62:
        message = "offset must be 0 or more."
        raise Invalid(message, field="offset")


def at_once(count: int, field: str) -> None:
    """Refuse a batch that is too large.

    Raises:
        Invalid: it is.
    """
    if count > MOST_AT_ONCE:
        message = f"At most {MOST_AT_ONCE} in one call, not {count}."
        raise Invalid(message, field=field)
