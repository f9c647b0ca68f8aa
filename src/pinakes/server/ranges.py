"""Ranges of files and the headers of downloads, as HTTP has them: what every wire that serves files shares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(; ?[\w-]{1,50}=[\w.+-]{1,100})?", re.ASCII)
_UNFIT = re.compile(r"[\x00-\x1f\x7f\"\\/]")
_ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes of a file that are answered: from `start` up to, not including, `stop`."""

    start: int
    stop: int


def wanted(headers: Mapping[str, str], size: int, etag: str | None) -> Span | None:
    """Return the span that is asked for: the whole, where it is none or several; None where there is no such one."""
    whole = Span(0, size)
    asked = headers.get("range")
    condition = headers.get("if-range")
    match = _RANGE.fullmatch(asked.strip()) if asked is not None else None
    if match is None or match[0] == "bytes=-" or (condition is not None and condition.strip() != etag):
        return whole
    if not match[1]:
        start, stop = max(size - int(match[2]), 0), size
    else:
        start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return whole
    return Span(start, stop) if start < stop else None


def unchanged(headers: Mapping[str, str], etag: str | None) -> bool:
    """Tell whether the client has it already, as `If-None-Match` says."""
    asked = headers.get("if-none-match")
    if asked is None or etag is None:
        return False
    return asked.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in asked.split(",")}


def disposition(name: str) -> str:
    """Return the header that has a browser save a file under its name, whatever that is."""
    safe = _UNFIT.sub("_", name).strip() or "file"
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    encoded = quote(safe.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def headers_of(name: str, content_type: str | None, etag: str | None) -> dict[str, str]:
    """Return the headers of a file that anybody may have put there: a browser saves it, and runs nothing of it."""
    given = content_type or ""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": disposition(name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Type": given if _TYPE.fullmatch(given) else _ANY_TYPE,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if etag is not None:
        headers["ETag"] = etag
    return headers
