"""Sessions of the web: the cookie that holds one, and whether a request that brings it comes from a page of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict
from urllib.parse import urlsplit

COOKIE = "pinakes_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Attributes(TypedDict):
    """The attributes of the cookie, as the frameworks' `set_cookie` takes them."""

    httponly: bool
    samesite: Literal["lax"]
    secure: bool
    path: str


def attributes(public_url: str) -> Attributes:
    """Return the cookie's attributes: out of reach of scripts and other sites, over TLS only where the server is."""
    return Attributes(httponly=True, samesite="lax", secure=public_url.startswith("https:"), path="/")


def same_origin(method: str, headers: Mapping[str, str], public_url: str, *, strict: bool = False) -> bool:
    """Tell whether a request with a cookie may be trusted to be what its user wanted.

    Browsers say where a request comes from: `Sec-Fetch-Site`, and `Origin` on all that is not safe. What says neither
    is no browser, and holds the cookie because somebody gave it to it; `strict` refuses it all the same.

    Args:
        method: The request's method; safe ones are always fine, since they change nothing.
        headers: The request's headers, by lower-case name.
        public_url: Where people reach this server, when that is not what it hears as `Host` (behind a proxy).
        strict: Refuse what does not say where it comes from.
    """
    if method in SAFE_METHODS:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin" or (site == "none" and not strict)
    origin = headers.get("origin")
    if origin is None:
        return not strict
    host = urlsplit(origin).netloc
    return bool(host) and host in {headers.get("host"), urlsplit(public_url).netloc}
